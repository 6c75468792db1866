/* Stochastic gradient descent with momentum, in PyTorch's convention: the rate is outside of the momentum. */
#include <ranvier/ranvier.h>

typedef struct
{
  double rate;
  double momentum;
} Self;

static const RvParam params[] = {
  RV_REAL (Self, rate, "0.1", 0, 1e6, "", "learning rate"),
  RV_REAL (Self, momentum, "0", 0, 0.9999999, "", "share of the last direction that is kept"),
  RV_PARAM_END
};

static uint32_t
slots (const void *data)
{
  return ((const Self *) data)->momentum > 0.0 ? 1 : 0;
}

static double
rate (const void *data)
{
  return ((const Self *) data)->rate;
}

/* b = momentum b + g (b starts at 0);  w -= rate b */
static void
update (const void *data, float *weights, const float *gradient, float *const *memory, size_t n,
        uint64_t step, double now)
{
  const Self *self = data;
  const float momentum = (float) self->momentum;
  const float size = (float) now;
  (void) step;
  if (self->momentum > 0.0)
    {
      float *b = memory[0];
#pragma omp simd
      for (size_t i = 0; i < n; i++)
        {
          b[i] = momentum * b[i] + gradient[i];
          weights[i] -= size * b[i];
        }
      return;
    }
#pragma omp simd
  for (size_t i = 0; i < n; i++)
    weights[i] -= size * gradient[i];
}

static const RvOptimizerClass class = { .slots = slots, .rate = rate, .update = update };

RV_PLUGIN ("optimizer", "sgd")
  .version = "1.0",
  .licence = "LGPL-2.1-or-later",
  .doc = "Stochastic gradient descent with momentum",
  .citation = "Sutskever et al. 2013, ICML",
  .params = params,
  .params_size = sizeof (Self),
  RV_FUNCTIONS (class)
};
