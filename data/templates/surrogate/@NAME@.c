/* surrogate/@NAME@: a parabola. The slope is largest at the threshold, falls to zero at a distance of
 * `width`, and its integral is 1, so that the smooth step runs from 0 to 1. */
#include <ranvier/ranvier.h>

typedef struct
{
  double width;
} Self;

static const RvParam params[] = {
  RV_REAL (Self, width, "0.5", 1e-6, 1e6, "", "Distance from the threshold at which the slope is zero"),
  RV_PARAM_END
};

/* h (z) = 3 / (4 width) (1 - (z / width)^2) where |z| < width, else 0. A plain loop without `if` is made into
 * vectors by the compiler; RV_CLONES compiles it once for each instruction set. */
RV_FN void
slope (const void *data, const float *z, float *h, uint32_t n)
{
  const Self *self = data;
  const float per_width = (float) (1.0 / self->width), top = (float) (0.75 / self->width);
#pragma omp simd
  for (uint32_t k = 0; k < n; k++)
    {
      const float x = z[k] * per_width, inside = 1.0f - x * x;
      h[k] = top * (inside > 0.0f ? inside : 0.0f);
    }
}

RV_CLONES (slope, (const void *self, const float *z, float *h, uint32_t n), (self, z, h, n))

/* The integral of h from -infinity to z: 1/2 + 3/4 x - 1/4 x^3, x = z / width cut to [-1, 1]. Only checks use
 * it, where it stands in for the step and makes gradients comparable with finite differences; so it need not
 * be fast. */
static void
fire (const void *data, const float *z, float *spike, uint32_t n)
{
  const Self *self = data;
  for (uint32_t k = 0; k < n; k++)
    {
      const double x = fmin (fmax (z[k] / self->width, -1.0), 1.0);
      spike[k] = (float) (0.5 + 0.75 * x - 0.25 * x * x * x);
    }
}

static const RvSurrogateClass class = { .slope = RV_CLONES_OF (slope), .fire = fire };

RV_PLUGIN ("surrogate", "@NAME@")
  .version = "0.1",
  .licence = "CC0-1.0",
  .doc = "A parabola around the threshold",
  .citation = NULL,
  .params = params,
  .params_size = sizeof (Self),
  RV_FUNCTIONS (class),
};
