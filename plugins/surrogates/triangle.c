/* Triangular surrogate: slope that falls linearly to zero on both sides of the threshold. */
#include <ranvier/ranvier.h>

typedef struct
{
  double width;
} Self;

static const RvParam params[] = {
  RV_REAL (Self, width, "1", 1e-6, 1e6, "", "half-width w: the slope is zero where |z| >= w"),
  RV_PARAM_END
};

/* h (z) = max (0, 1 - |z| / w) / w, of area one (the shape of Bellec et al. 2018). */
RV_FN void
slope (const void *data, const float *z, float *h, uint32_t n)
{
  const Self *self = data;
  const float inverse = (float) (1.0 / self->width);
#pragma omp simd
  for (uint32_t i = 0; i < n; i++)
    {
      float v = 1.0f - fabsf (z[i]) * inverse;
      h[i] = v > 0.0f ? v * inverse : 0.0f;
    }
}

RV_CLONES (slope, (const void *self, const float *z, float *h, uint32_t n), (self, z, h, n))

static void
fire (const void *data, const float *z, float *spike, uint32_t n)
{
  const Self *self = data;
  for (uint32_t i = 0; i < n; i++)
    {
      double u = fmin (fmax (z[i] / self->width, -1.0), 1.0);
      spike[i] = (float) (u < 0.0 ? 0.5 * (1.0 + u) * (1.0 + u) : 1.0 - 0.5 * (1.0 - u) * (1.0 - u));
    }
}

static const RvSurrogateClass class = { .slope = RV_CLONES_OF (slope), .fire = fire };

RV_PLUGIN ("surrogate", "triangle")
  .version = "1.0",
  .licence = "LGPL-2.1-or-later",
  .doc = "Slope that falls linearly with the distance from the threshold",
  .citation = "Bellec et al. 2018, NeurIPS 31; Esser et al. 2016, PNAS 113:11441",
  .params = params,
  .params_size = sizeof (Self),
  RV_FUNCTIONS (class)
};
