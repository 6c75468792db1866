/* Arctangent surrogate: the slope has heavy tails, so that neurons far from the threshold still learn. */
#include <ranvier/ranvier.h>

typedef struct
{
  double alpha;
} Self;

static const RvParam params[] = {
  RV_REAL (Self, alpha, "2", 1e-6, 1e6, "", "steepness; the slope at the threshold is alpha / 2"),
  RV_PARAM_END
};

/* h (z) = (alpha / 2) / (1 + (pi / 2 alpha z)^2) (Fang et al. 2021). */
RV_FN void
slope (const void *data, const float *z, float *h, uint32_t n)
{
  const Self *self = data;
  const float half = (float) (0.5 * self->alpha);
  const float c = (float) (0.5 * G_PI * self->alpha);
#pragma omp simd
  for (uint32_t i = 0; i < n; i++)
    h[i] = half / (1.0f + c * z[i] * (c * z[i]));
}

RV_CLONES (slope, (const void *self, const float *z, float *h, uint32_t n), (self, z, h, n))

static void
fire (const void *data, const float *z, float *spike, uint32_t n)
{
  const Self *self = data;
  for (uint32_t i = 0; i < n; i++)
    spike[i] = (float) (atan (0.5 * G_PI * self->alpha * z[i]) / G_PI + 0.5);
}

static const RvSurrogateClass class = { .slope = RV_CLONES_OF (slope), .fire = fire };

RV_PLUGIN ("surrogate", "arctan")
  .version = "1.0",
  .licence = "LGPL-2.1-or-later",
  .doc = "Derivative of an arctangent",
  .citation = "Fang et al. 2021, ICCV (PLIF)",
  .params = params,
  .params_size = sizeof (Self),
  RV_FUNCTIONS (class)
};
