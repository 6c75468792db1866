/* Step schedule: the learning rate is multiplied by a factor every so many epochs. */
#include <ranvier/ranvier.h>

typedef struct
{
  int64_t every;
  double factor;
} Self;

static const RvParam params[] = {
  RV_INT (Self, every, "25", 1, 1e9, "epochs", "epochs between two changes"),
  RV_REAL (Self, factor, "0.1", 0, 1e6, "", "what the rate is multiplied by"),
  RV_PARAM_END
};

/* factor^floor (epoch / every) */
static double
factor (const void *data, uint64_t epoch)
{
  const Self *self = data;
  return pow (self->factor, (double) (epoch / (uint64_t) self->every));
}

static const RvScheduleClass class = { .factor = factor };

RV_PLUGIN ("schedule", "step")
  .version = "1.0",
  .licence = "LGPL-2.1-or-later",
  .doc = "The learning rate changes by a factor every so many epochs",
  .citation = NULL,
  .params = params,
  .params_size = sizeof (Self),
  RV_FUNCTIONS (class)
};
