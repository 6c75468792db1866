/* Last-step decoder: the answer is what the output shows at the end. */
#include <ranvier/ranvier.h>

typedef struct
{
  int read;
} Self;

static const char *const reads_choices[] = { "membrane", "spikes", NULL };

static const RvParam params[] = {
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
decisions (const void *self, uint32_t steps, GError **error)
{
  (void) self;
  if (steps == 0)
    {
      g_set_error_literal (error, RV_ERROR, RV_ERROR_SHAPE, "there are no steps to decide from");
      return 0;
    }
  return 1;
}

/* score[c] = out[T - 1][c] */
static void
decode (const void *self, uint32_t steps, uint32_t classes, size_t stride, const float *out, float *scores)
{
  (void) self;
  for (uint32_t c = 0; c < classes; c++)
    scores[c] = out[(steps - 1) * stride + c];
}

static void
adjoint (const void *self, uint32_t steps, uint32_t classes, size_t stride, const float *out,
         const float *scores_gradient, float *out_gradient)
{
  (void) self;
  (void) out;
  for (uint32_t t = 0; t < steps; t++)
    for (uint32_t c = 0; c < classes; c++)
      out_gradient[t * stride + c] = t + 1 < steps ? 0.0f : scores_gradient[c];
}

static const RvDecoderClass class = {
  .reads = reads, .decisions = decisions, .decode = decode, .adjoint = adjoint
};

RV_PLUGIN ("decoder", "last-step")
  .version = "1.0",
  .licence = "LGPL-2.1-or-later",
  .doc = "The output at the last step",
  .citation = NULL,
  .params = params,
  .params_size = sizeof (Self),
  RV_FUNCTIONS (class)
};
