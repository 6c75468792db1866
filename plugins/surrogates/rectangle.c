/* Rectangular surrogate: constant slope near the threshold; what most STBP-trained networks use. */
#include <ranvier/ranvier.h>

typedef struct
{
  double width;
  int height;
} Self;

static const char *const heights[] = { "unit-area", "one", NULL };

static const RvParam params[] = {
  RV_REAL (Self, width, "0.25", 1e-6, 1e6, "", "half-width a: the slope is not zero where |z| < a"),
  RV_CHOICE (Self, height, "unit-area", heights, "unit-area: 1 / (2 a); one: 1"),
  RV_PARAM_END
};

static double
height_of (const Self *self)
{
  return self->height == 0 ? 0.5 / self->width : 1.0;
}

/* h (z) = height where |z| < a, else 0 (Wu et al. 2018, eq. 24, there with the full width). */
RV_FN void
slope (const void *data, const float *z, float *h, uint32_t n)
{
  const Self *self = data;
  const float a = (float) self->width;
  const float height = (float) height_of (self);
#pragma omp simd
  for (uint32_t i = 0; i < n; i++)
    h[i] = fabsf (z[i]) < a ? height : 0.0f;
}

RV_CLONES (slope, (const void *self, const float *z, float *h, uint32_t n), (self, z, h, n))

static void
fire (const void *data, const float *z, float *spike, uint32_t n)
{
  const Self *self = data;
  const double a = self->width;
  const double height = height_of (self);
  for (uint32_t i = 0; i < n; i++)
    spike[i] = (float) (height * (fmin (fmax (z[i], -a), a) + a));
}

static const RvSurrogateClass class = { .slope = RV_CLONES_OF (slope), .fire = fire };

RV_PLUGIN ("surrogate", "rectangle")
  .version = "1.0",
  .licence = "LGPL-2.1-or-later",
  .doc = "Constant slope within a half-width of the threshold",
  .citation = "Wu et al. 2018, Frontiers in Neuroscience 12:331, h1",
  .params = params,
  .params_size = sizeof (Self),
  RV_FUNCTIONS (class)
};
