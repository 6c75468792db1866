/* Warm-up: the learning rate grows evenly over the first epochs; then another schedule begins, as if the training
 * began there. */
#include <ranvier/ranvier.h>

typedef struct
{
  int64_t epochs;
  double from;
  RvInstance *then;
} Self;

static const RvParam params[] = {
  RV_REQUIRED_INT (Self, epochs, 0, 1e9, "epochs", "epochs over which the rate grows"),
  RV_REAL (Self, from, "0.1", 0, 1, "", "the factor in the first epoch; with 0 that epoch changes nothing"),
  RV_SLOT (Self, then, "schedule", "constant", "the schedule that follows; its first epoch is the one after the warm-up"),
  RV_PARAM_END
};

/* from + (1 - from) epoch / epochs;  then (epoch - epochs)      (Goyal et al. 2017, section 2.2) */
static double
factor (const void *data, uint64_t epoch)
{
  const Self *self = data;
  const uint64_t epochs = (uint64_t) self->epochs;
  const RvScheduleClass *then = self->then->plugin->functions;
  if (epoch >= epochs)
    return then->factor (self->then->self, epoch - epochs);
  return self->from + (1.0 - self->from) * (double) epoch / (double) epochs;
}

static const RvScheduleClass class = { .factor = factor };

RV_PLUGIN ("schedule", "warm-up")
  .version = "1.0",
  .licence = "LGPL-2.1-or-later",
  .doc = "The learning rate grows over the first epochs, then follows another schedule",
  .citation = "Goyal et al. 2017, arXiv:1706.02677",
  .params = params,
  .params_size = sizeof (Self),
  RV_FUNCTIONS (class)
};
