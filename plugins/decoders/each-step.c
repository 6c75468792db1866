/* Each-step decoder: every step from a first one on is a decision, for tasks with an answer in time. */
#include "steps.h"

typedef struct
{
  int64_t from;
  int read;
} Self;

static const char *const reads_choices[] = { "membrane", "spikes", NULL };

static const RvParam params[] = {
  FROM_ENTRY (Self, "The first step that is a decision"),
  RV_CHOICE (Self, read, "membrane", reads_choices, "What is read of the last layer"),
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
  return steps_from (self->from, steps, error);
}

/* score[t - first][c] = out[t][c] */
static void
decode (const void *data, uint32_t steps, uint32_t classes, size_t stride, const float *out, float *scores)
{
  const Self *self = data;
  for (uint32_t t = (uint32_t) first_step (self->from, steps); t < steps; t++, scores += classes)
    for (uint32_t c = 0; c < classes; c++)
      scores[c] = out[t * stride + c];
}

static void
adjoint (const void *data, uint32_t steps, uint32_t classes, size_t stride, const float *out,
         const float *scores_gradient, float *out_gradient)
{
  const Self *self = data;
  const uint32_t from = (uint32_t) first_step (self->from, steps);
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
