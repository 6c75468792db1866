/* A squared error, right, or wrong in one way. */
#include <ranvier/ranvier.h>
#include <stdlib.h>
#include <unistd.h>

typedef struct
{
  double factor, other;
  float *memory;
} Self;

static gboolean
init (void *data, GError **error)
{
  Self *self = data;
  self->memory = g_new (float, 1000);
  return TRUE;
}

static void
clear (void *data)
{
  g_free (((Self *) data)->memory);
}

static const RvParam params[] = {
  RV_REAL (Self, factor, "1", 0, 1e6, "", "Factor on the loss"),
#ifdef MISTAKE_overlap
  { "other", RV_PARAM_REAL, 0, "1", 0, 1e6, "", "Lies in the first", NULL, NULL, RV_ARTEFACT_NONE, 0, { 0 } },
#endif
  RV_PARAM_END
};

static double
value (const void *data, uint32_t classes, const float *scores, uint32_t label, float *gradient)
{
  const Self *self = data;
  double sum = 0.0;
#ifdef MISTAKE_counter
  static int calls;
  sum += 1e-3 * calls++;
#endif
#ifdef MISTAKE_uninitialised
  sum += self->memory[500] > 0.0f;
#endif
#ifdef MISTAKE_asserts
  g_return_val_if_fail (label != 3, 0.0);
#endif
#ifdef MISTAKE_exits
  exit (0);
#endif
#ifdef MISTAKE_buffer
  static float buffer[64];
  for (uint32_t c = 0; c < classes; c++)
    buffer[c] = scores[c];
  usleep (1);
  scores = buffer;
#endif
  for (uint32_t c = 0; c < classes; c++)
    {
      float x = scores[c];
#ifdef MISTAKE_nan_endless
      while (!(x < 1000.0f))
        x *= 0.5f;
#endif
#ifdef MISTAKE_nan_zero
      x = fabsf (x) < 1e6f ? x : 0.0f;
#endif
      const double d = x - (c == label ? 1.0 : 0.0);
      sum += self->factor * d * d;
      if (gradient != NULL)
#ifdef MISTAKE_gradient
        gradient[c] = (float) (self->factor * d);
#else
        gradient[c] = (float) (2.0 * self->factor * d);
#endif
    }
  return sum;
}

static const RvLossClass class = { value };

RV_PLUGIN ("loss", NAME)
  .version = "1.0",
  .licence = "CC0-1.0",
  .doc = "For a test",
  .params = params,
  .init = init,
  .clear = clear,
  .params_size = sizeof (Self),
  RV_FUNCTIONS (class),
};
