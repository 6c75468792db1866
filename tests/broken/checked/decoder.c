/* A decoder that means over time, right, or wrong in one way. */
#include <ranvier/ranvier.h>

static RvRead
reads (const void *self)
{
  return RV_READ_MEMBRANE;
}

static uint32_t
decisions (const void *self, uint32_t steps, GError **error)
{
#ifndef MISTAKE_no_reason
  if (steps == 0)
    g_set_error_literal (error, RV_ERROR, RV_ERROR_SHAPE, "there are no steps");
#endif
  return steps > 0;
}

static void
decode (const void *self, uint32_t steps, uint32_t classes, size_t stride, const float *out, float *scores)
{
  for (uint32_t c = 0; c < classes; c++)
    {
      double sum = 0.0;
      for (uint32_t t = 0; t < steps; t++)
        sum += out[t * stride + c];
      scores[c] = (float) (sum / steps);
    }
}

static void
adjoint (const void *self, uint32_t steps, uint32_t classes, size_t stride, const float *out,
         const float *scores_gradient, float *out_gradient)
{
  for (uint32_t t = 0; t < steps; t++)
    for (uint32_t c = 0; c < classes; c++)
#ifdef MISTAKE_adds
      out_gradient[t * stride + c] += scores_gradient[c] / (float) steps;
#else
      out_gradient[t * stride + c] = scores_gradient[c] / (float) steps;
#endif
#ifdef MISTAKE_next_row
  for (uint32_t t = 0; t + 1 < steps; t++)
    out_gradient[t * stride + classes] = 0.0f;
#endif
}

static const RvDecoderClass class = { reads, decisions, decode, adjoint };

RV_PLUGIN ("decoder", NAME)
  .version = "1.0",
  .licence = "CC0-1.0",
  .doc = "For a test",
  RV_FUNCTIONS (class),
};
