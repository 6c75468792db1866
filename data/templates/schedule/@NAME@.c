/* schedule/@NAME@: the learning rate grows over a few epochs of warm-up and then falls along half a cosine to
 * `floor` (Loshchilov and Hutter 2017, one cycle). */
#include <ranvier/ranvier.h>

typedef struct
{
  int64_t epochs, warm_up;
  double floor;
} Self;

static const RvParam params[] = {
  RV_INT (Self, epochs, "100", 1, 1e9, "epochs", "When the lowest rate is reached: the trainer's epochs"),
  RV_INT (Self, warm_up, "0", 0, 1e9, "epochs", "Epochs over which the rate grows first"),
  RV_REAL (Self, floor, "0", 0, 1, "", "Factor that remains at the end"),
  RV_PARAM_END
};

/* What spans several parameters is checked here, once they are filled in. The core adds plugin and place. */
static gboolean
init (void *data, GError **error)
{
  const Self *self = data;
  if (self->warm_up < self->epochs)
    return TRUE;
  g_set_error (error, RV_ERROR, RV_ERROR_PIPELINE,
               "'warm-up' is %" G_GINT64_FORMAT " epochs, but all are %" G_GINT64_FORMAT, self->warm_up,
               self->epochs);
  return FALSE;
}

/* warm-up: (epoch + 1) / (warm_up + 1); then floor + (1 - floor) (1 + cos (pi x)) / 2, x from 0 to 1 */
static double
factor (const void *data, uint64_t epoch)
{
  const Self *self = data;
  const double e = (double) epoch, warm = (double) self->warm_up, all = (double) self->epochs;
  if (e < warm)
    return (e + 1.0) / (warm + 1.0);
  const double x = fmin ((e - warm) / (all - warm), 1.0);
  return self->floor + (1.0 - self->floor) * 0.5 * (1.0 + cos (G_PI * x));
}

static const RvScheduleClass class = { .factor = factor };

RV_PLUGIN ("schedule", "@NAME@")
  .version = "0.1",
  .licence = "CC0-1.0",
  .doc = "Warm-up, then half a cosine",
  .citation = "Loshchilov and Hutter 2017, ICLR",
  .params = params,
  .params_size = sizeof (Self),
  .init = init,
  RV_FUNCTIONS (class),
};
