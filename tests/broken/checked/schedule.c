/* A rate that falls, right, or wrong in one way. */
#include <ranvier/ranvier.h>

static double
factor (const void *self, uint64_t epoch)
{
#ifdef MISTAKE_negative
  return 1.0 - 0.01 * (double) epoch;
#else
  return 1.0 / (1.0 + 0.01 * (double) epoch);
#endif
}

static const RvScheduleClass class = { factor };

RV_PLUGIN ("schedule", NAME)
  .version = "1.0",
  .licence = "CC0-1.0",
  .doc = "For a test",
  RV_FUNCTIONS (class),
};
