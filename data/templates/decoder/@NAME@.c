/* decoder/@NAME@: a mean over time of the output that trusts late steps more: step t weighs fade^(T - 1 - t),
 * so with fade 1 all steps count alike and with fade 0 only the last one does. */
#include <ranvier/ranvier.h>

typedef struct
{
  double fade;
  int read;
} Self;

static const char *const reads_choices[] = { "membrane", "spikes", NULL };

static const RvParam params[] = {
  RV_REAL (Self, fade, "0.9", 0, 1, "", "Weight of a step, compared with the one after it"),
  RV_CHOICE (Self, read, "membrane", reads_choices, "What is read of the last layer"),
  RV_PARAM_END
};

static RvRead
reads (const void *data)
{
  const Self *self = data;
  return self->read == 0 ? RV_READ_MEMBRANE : RV_READ_SPIKES;
}

/* One decision per sample. What can not be decided is refused here, before anything runs. */
static uint32_t
decisions (const void *self, uint32_t steps, GError **error)
{
  if (steps == 0)
    {
      g_set_error_literal (error, RV_ERROR, RV_ERROR_SHAPE, "there are no steps to decide from");
      return 0;
    }
  return 1;
}

/* The sum of all weights. */
static double
total (double fade, uint32_t steps)
{
  double sum = 0.0;
  for (uint32_t t = 0; t < steps; t++)
    sum = sum * fade + 1.0;
  return sum;
}

/* score[c] = sum_t weight[t] out[t][c] / sum_t weight[t], by Horner's rule */
static void
decode (const void *data, uint32_t steps, uint32_t classes, size_t stride, const float *out, float *scores)
{
  const Self *self = data;
  const double all = total (self->fade, steps);
  for (uint32_t c = 0; c < classes; c++)
    {
      double sum = 0.0;
      for (uint32_t t = 0; t < steps; t++)
        sum = sum * self->fade + out[t * stride + c];
      scores[c] = (float) (sum / all);
    }
}

/* dL/dout[t][c] = weight[t] / sum_t weight[t] dL/dscore[c]: the same linear map, transposed */
static void
adjoint (const void *data, uint32_t steps, uint32_t classes, size_t stride, const float *out,
         const float *scores_gradient, float *out_gradient)
{
  const Self *self = data;
  double weight = 1.0 / total (self->fade, steps);
  for (uint32_t t = steps; t-- > 0; weight *= self->fade)
    for (uint32_t c = 0; c < classes; c++)
      out_gradient[t * stride + c] = (float) weight * scores_gradient[c];
}

static const RvDecoderClass class
    = { .reads = reads, .decisions = decisions, .decode = decode, .adjoint = adjoint };

RV_PLUGIN ("decoder", "@NAME@")
  .version = "0.1",
  .licence = "CC0-1.0",
  .doc = "Mean over time in which late steps weigh more",
  .citation = NULL,
  .params = params,
  .params_size = sizeof (Self),
  RV_FUNCTIONS (class),
};
