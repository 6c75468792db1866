/* surrogate/q-pseudo-spike: a slope with a tail of one's choice. It falls with the power q of the distance
 * from the threshold: q near 1 is a fat tail that reaches every neuron, a large q is nearly an exponential.
 * h (z) = 1 / width (1 + 2 |z| / ((q - 1) width))^-q, with integral 1 after Herranz-Celotti and Rouat 2022,
 * Surrogate Gradients Design; width scales z. */
#include <ranvier/ranvier.h>

typedef struct
{
  double q, width;
} Self;

static const RvParam params[] = {
  RV_REAL (Self, q, "2", 1.001, 1000, "", "Power with which the tail falls"),
  RV_REAL (Self, width, "1", 1e-6, 1e6, "", "Scale of the distance from the threshold"),
  RV_PARAM_END
};

/* ln (y) of a normal number y >= 1 within about 1e-7 + 1e-7 ln (y), without a call, so that the loop below
 * is made into vectors: y = 2^e m, m in (0.7, 1.42), and ln (m) = 2 artanh (t), t = (m - 1) / (m + 1). */
RV_FN float
log_of (float y)
{
  union { float f; uint32_t i; } bits = { .f = y }, mantissa;
  const int32_t e = (int32_t) (bits.i - 0x3f3504f3u) >> 23; /* of y / sqrt (1/2) */
  mantissa.i = bits.i - ((uint32_t) e << 23);
  const float t = (mantissa.f - 1.0f) / (mantissa.f + 1.0f), s = t * t;
  return 0.693147181f * (float) e + t * (2.0f + s * (0.666666667f + s * (0.4f + s * 0.285714286f)));
}

RV_FN void
slope (const void *data, const float *z, float *h, uint32_t n)
{
  const Self *self = data;
  const float q = (float) self->q, top = (float) (1.0 / self->width);
  const float c = (float) (2.0 / ((self->q - 1.0) * self->width));
#pragma omp simd
  for (uint32_t k = 0; k < n; k++)
    {
      const float y = 1.0f + c * fabsf (z[k]), x = top * rv_exp (-q * log_of (y));
      h[k] = y <= 3e38f ? x : (y == y ? 0.0f : y); /* infinitely far away: 0; NaN stays NaN */
    }
}

RV_CLONES (slope, (const void *self, const float *z, float *h, uint32_t n), (self, z, h, n))

/* The integral: 1/2 y^(1 - q) below the threshold, 1 less that above it. */
static void
fire (const void *data, const float *z, float *spike, uint32_t n)
{
  const Self *self = data;
  const double c = 2.0 / ((self->q - 1.0) * self->width);
  for (uint32_t k = 0; k < n; k++)
    {
      const double tail = 0.5 * pow (1.0 + c * fabs (z[k]), 1.0 - self->q);
      spike[k] = (float) (z[k] < 0.0f ? tail : 1.0 - tail);
    }
}

static const RvSurrogateClass class = { .slope = RV_CLONES_OF (slope), .fire = fire };

RV_PLUGIN ("surrogate", "q-pseudo-spike")
  .version = "1.0",
  .licence = "CC0-1.0",
  .doc = "A slope whose tail falls with a power of one's choice",
  .citation = "Herranz-Celotti and Rouat 2022, arXiv:2202.00282",
  .params = params,
  .params_size = sizeof (Self),
  RV_FUNCTIONS (class),
};
