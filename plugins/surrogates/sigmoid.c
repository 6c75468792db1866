/* Sigmoid surrogate: the slope is the derivative of a logistic function of the membrane. */
#include <ranvier/ranvier.h>

typedef struct
{
  double steepness;
} Self;

static const RvParam params[] = {
  RV_REAL (Self, steepness, "4", 1e-6, 1e6, "", "k of s = 1 / (1 + exp (-k z))"),
  RV_PARAM_END
};

/* h (z) = k s (1 - s), s = 1 / (1 + exp (-k z)) (Wu et al. 2018, h3 with k = 1 / a). */
RV_FN void
slope (const void *data, const float *z, float *h, uint32_t n)
{
  const Self *self = data;
  const float k = (float) self->steepness;
#pragma omp simd
  for (uint32_t i = 0; i < n; i++)
    {
      float s = rv_sigmoid (k * z[i]);
      h[i] = k * s * (1.0f - s);
    }
}

RV_CLONES (slope, (const void *self, const float *z, float *h, uint32_t n), (self, z, h, n))

static void
fire (const void *data, const float *z, float *spike, uint32_t n)
{
  const Self *self = data;
  for (uint32_t i = 0; i < n; i++)
    spike[i] = (float) (1.0 / (1.0 + exp (-self->steepness * z[i])));
}

static const RvSurrogateClass class = { .slope = RV_CLONES_OF (slope), .fire = fire };

RV_PLUGIN ("surrogate", "sigmoid")
  .version = "1.0",
  .licence = "LGPL-2.1-or-later",
  .doc = "Derivative of a logistic function",
  .citation = "Wu et al. 2018, Frontiers in Neuroscience 12:331, h3",
  .params = params,
  .params_size = sizeof (Self),
  RV_FUNCTIONS (class)
};
