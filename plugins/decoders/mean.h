/* The mean over steps of what the last layer hands on: decoder/rate and decoder/mean-membrane, which
 * differ in what that is. */
#ifndef DECODER_MEAN_H
#define DECODER_MEAN_H

#include "steps.h"

typedef struct
{
  int64_t from;
} Mean;

static const RvParam mean_params[] = { FROM_ENTRY (Mean, "The first step of the mean"), RV_PARAM_END };

static uint32_t
mean_decisions (const void *data, uint32_t steps, GError **error)
{
  const Mean *self = data;
  return steps_from (self->from, steps, error) ? 1 : 0;
}

#define TOGETHER 32 /* classes */

/* score[c] = 1 / n sum_{t >= from} out[t][c], n = T - from */
static void
mean_decode (const void *data, uint32_t steps, uint32_t classes, size_t stride, const float *out, float *scores)
{
  const Mean *self = data;
  const uint32_t from = (uint32_t) first_step (self->from, steps);
  for (uint32_t first = 0; first < classes; first += TOGETHER)
    {
      const uint32_t n = MIN (TOGETHER, classes - first);
      double sum[TOGETHER] = { 0.0 };
      for (uint32_t t = from; t < steps; t++) /* row by row, as they lie in memory */
        for (uint32_t c = 0; c < n; c++)
          sum[c] += out[t * stride + first + c];
      for (uint32_t c = 0; c < n; c++)
        scores[first + c] = (float) (sum[c] / (steps - from));
    }
}

/* dL/dout[t][c] = 1 / n dL/dscore[c], and 0 before `from` */
static void
mean_adjoint (const void *data, uint32_t steps, uint32_t classes, size_t stride, const float *out,
              const float *scores_gradient, float *out_gradient)
{
  const Mean *self = data;
  const uint32_t from = (uint32_t) first_step (self->from, steps);
  for (uint32_t first = 0; first < classes; first += TOGETHER)
    {
      const uint32_t n = MIN (TOGETHER, classes - first);
      float share[TOGETHER];
      for (uint32_t c = 0; c < n; c++)
        share[c] = scores_gradient[first + c] / (float) (steps - from);
      for (uint32_t t = 0; t < from; t++)
        for (uint32_t c = 0; c < n; c++)
          out_gradient[t * stride + first + c] = 0.0f;
      for (uint32_t t = from; t < steps; t++)
        for (uint32_t c = 0; c < n; c++)
          out_gradient[t * stride + first + c] = share[c];
    }
}

#define MEAN_CLASS(READS)                                                                                    \
  { .reads = READS, .decisions = mean_decisions, .decode = mean_decode, .adjoint = mean_adjoint }

#endif
