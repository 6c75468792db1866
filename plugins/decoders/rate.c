/* Rate decoder: the score of a class is how often its output neuron fired. */
#include <ranvier/ranvier.h>

static RvRead
reads (const void *self)
{
  (void) self;
  return RV_READ_SPIKES;
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

#define TOGETHER 32 /* classes */

/* score[c] = 1 / T sum_t out[t][c] */
static void
decode (const void *self, uint32_t steps, uint32_t classes, size_t stride, const float *out, float *scores)
{
  (void) self;
  for (uint32_t first = 0; first < classes; first += TOGETHER)
    {
      const uint32_t n = MIN (TOGETHER, classes - first);
      double sum[TOGETHER] = { 0.0 };
      for (uint32_t t = 0; t < steps; t++) /* row by row, as they lie in memory */
        for (uint32_t c = 0; c < n; c++)
          sum[c] += out[t * stride + first + c];
      for (uint32_t c = 0; c < n; c++)
        scores[first + c] = (float) (sum[c] / steps);
    }
}

/* dL/dout[t][c] = 1 / T dL/dscore[c] */
static void
adjoint (const void *self, uint32_t steps, uint32_t classes, size_t stride, const float *out,
         const float *scores_gradient, float *out_gradient)
{
  (void) self;
  (void) out;
  for (uint32_t t = 0; t < steps; t++)
    for (uint32_t c = 0; c < classes; c++)
      out_gradient[t * stride + c] = scores_gradient[c] / (float) steps;
}

static const RvDecoderClass class = {
  .reads = reads, .decisions = decisions, .decode = decode, .adjoint = adjoint
};

RV_PLUGIN ("decoder", "rate")
  .version = "1.0",
  .licence = "LGPL-2.1-or-later",
  .doc = "Mean over time of the output spikes",
  .citation = NULL,
  RV_FUNCTIONS (class)
};
