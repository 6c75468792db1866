/* Each-step decoder: every step from a first one on is a decision, for tasks with an answer in time. */
#include <ranvier/ranvier.h>

typedef struct
{
  int64_t from;
  int read;
} Self;

static const char *const reads_choices[] = { "membrane", "spikes", NULL };

static const RvParam params[] = {
  RV_INT (Self, from, "0", 0, 1e9, "steps", "the first step that is a decision"),
  RV_CHOICE (Self, read, "membrane", reads_choices, "what is read of the last layer"),
  RV_PARAM_END
};

static RvRead
reads (const void *data)
{
  const Self *self = data;
  return self->read == 0 ? RV_READ_MEMBRANE : RV_READ_SPIKES;
}

static uint32_t
decisions (const void *data, uint32_t steps, GError **error)
{
  const Self *self = data;
  if (self->from >= (int64_t) steps)
    {
      g_set_error (error, RV_ERROR, RV_ERROR_SHAPE,
                   "from is step %" G_GINT64_FORMAT " but there are %u steps", (gint64) self->from, steps);
      return 0;
    }
  return steps - (uint32_t) self->from;
}

/* score[t - from][c] = out[t][c] */
static void
decode (const void *data, uint32_t steps, uint32_t classes, size_t stride, const float *out, float *scores)
{
  const Self *self = data;
  for (uint32_t t = (uint32_t) self->from; t < steps; t++, scores += classes)
    for (uint32_t c = 0; c < classes; c++)
      scores[c] = out[t * stride + c];
}

static void
adjoint (const void *data, uint32_t steps, uint32_t classes, size_t stride, const float *out,
         const float *scores_gradient, float *out_gradient)
{
  const Self *self = data;
  const uint32_t from = (uint32_t) self->from;
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
  .functions = &class
};
