/* Constant schedule: the learning rate stays what the optimizer says. */
#include <ranvier/ranvier.h>

static double
factor (const void *self, uint64_t epoch)
{
  (void) self;
  (void) epoch;
  return 1.0;
}

static const RvScheduleClass class = { .factor = factor };

RV_PLUGIN ("schedule", "constant")
  .version = "1.0",
  .licence = "LGPL-2.1-or-later",
  .doc = "The learning rate does not change",
  .citation = NULL,
  RV_FUNCTIONS (class)
};
