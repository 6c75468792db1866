/* Cosine schedule: the learning rate falls along half a cosine and stays where that ends. */
#include <ranvier/ranvier.h>

typedef struct
{
  int64_t epochs;
  double least;
} Self;

static const RvParam params[] = {
  RV_REQUIRED_INT (Self, epochs, 1, 1e9, "epochs", "epochs after which the rate is least: the trainer's, less a warm-up"),
  RV_REAL (Self, least, "0", 0, 1, "", "the factor that remains"),
  RV_PARAM_END
};

/* least + (1 - least) (1 + cos (pi epoch / epochs)) / 2      (Loshchilov and Hutter 2017, without restarts) */
static double
factor (const void *data, uint64_t epoch)
{
  const Self *self = data;
  const double part = (double) epoch / (double) self->epochs;
  if (part >= 1.0)
    return self->least;
  return self->least + (1.0 - self->least) * 0.5 * (1.0 + cos (G_PI * part));
}

static const RvScheduleClass class = { .factor = factor };

RV_PLUGIN ("schedule", "cosine")
  .version = "1.0",
  .licence = "LGPL-2.1-or-later",
  .doc = "The learning rate falls along half a cosine",
  .citation = "Loshchilov and Hutter 2017, ICLR",
  .params = params,
  .params_size = sizeof (Self),
  RV_FUNCTIONS (class)
};
