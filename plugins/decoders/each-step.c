/* Each-step decoder: every step from a first one on is a decision, for tasks with an answer in time. */
#include <ranvier/ranvier.h>

typedef struct
{
  int64_t from;
  int read;
} Self;

static const char *const reads_choices[] = { "membrane", "spikes", NULL };

static const RvParam params[] = {
  RV_INT (Self, from, "0", -1e9, 1e9, "steps",
          "The first step that is a decision; below 0 it counts from the end: -9 takes the last nine"),
  RV_CHOICE (Self, read, "membrane", reads_choices, "What is read of the last layer"),
  RV_PARAM_END
};

static RvRead
reads (const void *data)
{
  const Self *self = data;
  return self->read == 0 ? RV_READ_MEMBRANE : RV_READ_SPIKES;
}

static int64_t
first_step (const Self *self, uint32_t steps)
{
  return self->from < 0 ? (int64_t) steps + self->from : self->from;
}

static uint32_t
decisions (const void *data, uint32_t steps, GError **error)
{
  const int64_t first = first_step (data, steps);
  if (first < 0 || first >= (int64_t) steps)
    {
      g_set_error (error, RV_ERROR, RV_ERROR_SHAPE,
                   "from is step %" G_GINT64_FORMAT " but there are %u steps",
                   (gint64) ((const Self *) data)->from, steps);
      return 0;
    }
  return steps - (uint32_t) first;
}

/* score[t - first][c] = out[t][c] */
static void
decode (const void *data, uint32_t steps, uint32_t classes, size_t stride, const float *out, float *scores)
{
  for (uint32_t t = (uint32_t) first_step (data, steps); t < steps; t++, scores += classes)
    for (uint32_t c = 0; c < classes; c++)
      scores[c] = out[t * stride + c];
}

static void
adjoint (const void *data, uint32_t steps, uint32_t classes, size_t stride, const float *out,
         const float *scores_gradient, float *out_gradient)
{
  const uint32_t from = (uint32_t) first_step (data, steps);
  (void) out;
  for (uint32_t t = 0; t < steps; t++)
    for (uint32_t c = 0; c < classes; c++)
      out_gradient[t * stride + c] = t < from ? 0.0f : scores_gradient[(size_t) (t - from) * classes + c];
}

static const RvDecoderClass class = {
  .reads = reads, .decisions = decisions, .decode = decode, .adjoint = adjoint
};

RV_PLUGIN ("decoder", "each-step")
  .version = "1.0",
  .licence = "LGPL-2.1-or-later",
  .doc = "One decision per step",
  .citation = NULL,
  .params = params,
  .params_size = sizeof (Self),
  RV_FUNCTIONS (class)
};
