/* A sigmoid surrogate, right, or wrong in one way. */
#include <ranvier/ranvier.h>

static float
height (float z)
{
  const float s = 1.0f / (1.0f + expf (-z));
#ifdef MISTAKE_slope
  return s;
#else
  return s * (1.0f - s);
#endif
}

static void
slope (const void *self, const float *z, float *h, uint32_t n)
{
#ifdef MISTAKE_past_end
  const uint32_t from = 0, to = n + 1;
#else
  const uint32_t from = 0, to = n;
#endif
#ifdef MISTAKE_in_front
  h[-1] = 0.0f;
#endif
#ifdef MISTAKE_neighbour
  const float first = z[0];
  for (uint32_t k = from; k < to; k++)
    h[k] = height (z[k]) + 1e-4f * first;
#elif defined(MISTAKE_nan_crash)
  static const float numbers[8] = { 0.1f, 0.1f, 0.2f, 0.2f, 0.2f, 0.2f, 0.1f, 0.1f };
  const float *table = numbers;
  for (uint32_t k = from; k < to; k++)
    {
      const float at = 4.0f + (z[k] > 3.0f ? 3.0f : z[k] < -4.0f ? -4.0f : z[k]); /* NaN goes through */
      h[k] = height (z[k]) + 0.0f * table[(int) at];
    }
#else
  for (uint32_t k = from; k < to; k++)
    h[k] = height (z[k]);
#endif
}

static void
fire (const void *self, const float *z, float *spike, uint32_t n)
{
  for (uint32_t k = 0; k < n; k++)
    spike[k] = (float) (1.0 / (1.0 + exp (-z[k])));
}

static const RvSurrogateClass class = { { slope, slope, slope }, fire };

RV_PLUGIN ("surrogate", NAME)
  .version = "1.0",
  .licence = "CC0-1.0",
  .doc = "For a test",
  RV_FUNCTIONS (class),
};
