/* optimizer/@NAME@: RMSProp. Each weight moves by its gradient over the root of the gradient's mean square,
 * so that all weights move about equally fast (Tieleman and Hinton 2012). */
#include <ranvier/ranvier.h>

typedef struct
{
  double rate, keep, epsilon;
} Self;

static const RvParam params[] = {
  RV_REAL (Self, rate, "1e-3", 0, 1e6, "", "Learning rate"),
  RV_REAL (Self, keep, "0.9", 0, 0.9999999, "", "Share of the mean square kept from update to update"),
  RV_REAL (Self, epsilon, "1e-8", 1e-30, 1, "", "Added to the root"),
  RV_PARAM_END
};

/* Numbers that are remembered for each weight: the mean square. They start at zero. */
static uint32_t
slots (const void *self)
{
  return 1;
}

static double
rate (const void *data)
{
  const Self *self = data;
  return self->rate;
}

/* v <- keep v + (1 - keep) g^2;  w <- w - rate g / (sqrt (v) + epsilon). The core splits the weights among
 * workers, so a weight may depend on its own numbers alone, never on its place. `now` is the rate after the
 * schedule. */
static void
update (const void *data, float *weights, const float *gradient, float *const *memory, size_t n,
        uint64_t step, double now)
{
  const Self *self = data;
  const float keep = (float) self->keep, add = (float) (1.0 - self->keep);
  const float size = (float) now, epsilon = (float) self->epsilon;
  float *v = memory[0];
#pragma omp simd
  for (size_t k = 0; k < n; k++)
    {
      const float g = gradient[k];
      v[k] = keep * v[k] + add * g * g;
      weights[k] -= size * g / (sqrtf (v[k]) + epsilon);
    }
}

static const RvOptimizerClass class = { .slots = slots, .rate = rate, .update = update };

RV_PLUGIN ("optimizer", "@NAME@")
  .version = "0.1",
  .licence = "CC0-1.0",
  .doc = "RMSProp: steps over the root of the mean square gradient",
  .citation = "Tieleman and Hinton 2012, Neural Networks for Machine Learning, lecture 6.5",
  .params = params,
  .params_size = sizeof (Self),
  RV_FUNCTIONS (class),
};
