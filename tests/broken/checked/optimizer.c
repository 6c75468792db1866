/* Gradient descent with momentum, right, or wrong in one way. */
#include <ranvier/ranvier.h>

static uint32_t
slots (const void *self)
{
  return 1;
}

static double
rate (const void *self)
{
  return 0.01;
}

static void
update (const void *self, float *weights, const float *gradient, float *const *memory, size_t n,
        uint64_t step, double now)
{
  for (size_t k = 0; k < n; k++)
    {
      memory[0][k] = 0.5f * memory[0][k] + gradient[k];
#ifdef MISTAKE_uphill
      weights[k] += (float) now * memory[0][k];
#elif defined(MISTAKE_place)
      weights[k] -= (float) now * memory[0][k] * (k < 16 ? 1.0f : 0.9f);
#else
      weights[k] -= (float) now * memory[0][k];
#endif
#ifdef MISTAKE_writes_gradient
      ((float *) gradient)[k] = 0.0f;
#endif
    }
}

static const RvOptimizerClass class = { slots, rate, update };

RV_PLUGIN ("optimizer", NAME)
  .version = "1.0",
  .licence = "CC0-1.0",
  .doc = "For a test",
  RV_FUNCTIONS (class),
};
