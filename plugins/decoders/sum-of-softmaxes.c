/* Sum-of-softmaxes decoder: at every step the membranes become shares of one, and the shares are added up, so
 * that a step with large membranes counts no more than another. The readout of published networks for spoken
 * digits. */
#include "steps.h"

typedef struct
{
  int64_t from;
} Self;

static const RvParam params[] = { FROM_ENTRY (Self, "The first step that counts"), RV_PARAM_END };

static RvRead
reads (const void *self)
{
  (void) self;
  return RV_READ_MEMBRANE;
}

static uint32_t
decisions (const void *data, uint32_t steps, GError **error)
{
  const Self *self = data;
  return steps_from (self->from, steps, error) ? 1 : 0;
}

/* The largest of a row, and sum_c exp (x[c] - largest): softmax without overflow. NaN stays. */
static double
row_total (uint32_t classes, const float *x, double *largest)
{
  double top = x[0], total = 0.0;
  for (uint32_t c = 1; c < classes; c++)
    top = x[c] > top || isnan (x[c]) ? x[c] : top;
  for (uint32_t c = 0; c < classes; c++)
    total += exp (x[c] - top);
  *largest = top;
  return total;
}

/* score[c] = sum_{t >= from} p[t][c], p[t] = softmax (out[t]) */
static void
decode (const void *data, uint32_t steps, uint32_t classes, size_t stride, const float *out, float *scores)
{
  const Self *self = data;
  double top;
  for (uint32_t c = 0; c < classes; c++)
    scores[c] = 0.0f;
  for (uint32_t t = (uint32_t) first_step (self->from, steps); t < steps; t++)
    {
      const float *x = out + t * stride;
      const double total = row_total (classes, x, &top);
      for (uint32_t c = 0; c < classes; c++)
        scores[c] += (float) (exp (x[c] - top) / total);
    }
}

/* dL/dout[t][c] = p[t][c] (g[c] - sum_k g[k] p[t][k]), g = dL/dscore */
static void
adjoint (const void *data, uint32_t steps, uint32_t classes, size_t stride, const float *out,
         const float *scores_gradient, float *out_gradient)
{
  const Self *self = data;
  const uint32_t from = (uint32_t) first_step (self->from, steps);
  for (uint32_t t = 0; t < from; t++)
    for (uint32_t c = 0; c < classes; c++)
      out_gradient[t * stride + c] = 0.0f;
  for (uint32_t t = from; t < steps; t++)
    {
      const float *x = out + t * stride;
      double top, mean = 0.0;
      const double total = row_total (classes, x, &top);
      for (uint32_t c = 0; c < classes; c++)
        mean += scores_gradient[c] * exp (x[c] - top) / total;
      for (uint32_t c = 0; c < classes; c++)
        out_gradient[t * stride + c] = (float) (exp (x[c] - top) / total * (scores_gradient[c] - mean));
    }
}

static const RvDecoderClass class
    = { .reads = reads, .decisions = decisions, .decode = decode, .adjoint = adjoint };

RV_PLUGIN ("decoder", "sum-of-softmaxes")
  .version = "1.0",
  .licence = "LGPL-2.1-or-later",
  .doc = "Sum over time of the softmax of the output membranes",
  .citation = "Yin, Corradi and Bohte 2021, Accurate and efficient time-domain classification with adaptive "
              "spiking recurrent neural networks",
  .params = params,
  .params_size = sizeof (Self),
  RV_FUNCTIONS (class)
};
