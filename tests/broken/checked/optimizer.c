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

/* Those whose mistake is in `update` leave this one out, as plugins of ABI 1.0 do. */
#if defined(MISTAKE_none) || defined(MISTAKE_grows) || defined(MISTAKE_weights_place)
static void
update_weights (const void *self, float *weights, const float *gradient, float *const *memory, size_t n,
                uint64_t step, double now)
{
  update (self, weights, gradient, memory, n, step, now);
  for (size_t k = 0; k < n; k++)
#ifdef MISTAKE_grows
    weights[k] *= 1.0f + 3.0f * (float) now;
#elif defined(MISTAKE_weights_place)
    weights[k] *= 1.0f - (k < 16 ? 0.1f : 0.2f) * (float) now;
#else
    weights[k] *= 1.0f - 0.1f * (float) now;
#endif
}
#else
#define update_weights NULL
#endif

static const RvOptimizerClass class = { slots, rate, update, update_weights };

RV_PLUGIN ("optimizer", NAME)
  .version = "1.0",
  .licence = "CC0-1.0",
  .doc = "For a test",
  RV_FUNCTIONS (class),
};
