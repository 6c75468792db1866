/* Fast-sigmoid surrogate of SuperSpike: slope of one at the threshold, without an exponential. */
#include <ranvier/ranvier.h>

typedef struct
{
  double steepness;
} Self;

static const RvParam params[] = {
  RV_REAL (Self, steepness, "10", 1e-6, 1e6, "", "k of 1 / (1 + k |z|)^2"),
  RV_PARAM_END
};

/* h (z) = 1 / (1 + k |z|)^2, the derivative of z / (1 + k |z|) (Zenke and Ganguli 2018). */
RV_FN void
slope (const void *data, const float *z, float *h, uint32_t n)
{
  const Self *self = data;
  const float k = (float) self->steepness;
#pragma omp simd
  for (uint32_t i = 0; i < n; i++)
    {
      float d = 1.0f + k * fabsf (z[i]);
      h[i] = 1.0f / (d * d);
    }
}

RV_CLONES (slope, (const void *self, const float *z, float *h, uint32_t n), (self, z, h, n))

static void
fire (const void *data, const float *z, float *spike, uint32_t n)
{
  const Self *self = data;
  for (uint32_t i = 0; i < n; i++)
    spike[i] = (float) (z[i] / (1.0 + self->steepness * fabs (z[i])));
}

static const RvSurrogateClass class = { .slope = RV_CLONES_OF (slope), .fire = fire };

RV_PLUGIN ("surrogate", "fast-sigmoid")
  .version = "1.0",
  .licence = "LGPL-2.1-or-later",
  .doc = "Derivative of a fast sigmoid, one at the threshold",
  .citation = "Zenke and Ganguli 2018, Neural Computation 30:1514",
  .params = params,
  .params_size = sizeof (Self),
  RV_FUNCTIONS (class)
};
