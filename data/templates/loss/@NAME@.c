/* loss/@NAME@: cross-entropy with smoothed labels. The target is 1 - smoothing for the true class and shares
 * the rest among all classes, so that the scores need not grow without end (Szegedy et al. 2016). */
#include <ranvier/ranvier.h>

typedef struct
{
  double smoothing;
} Self;

static const RvParam params[] = {
  RV_REAL (Self, smoothing, "0.1", 0, 1, "", "Share of the target that is spread over all classes"),
  RV_PARAM_END
};

/* L = -sum_c q[c] log p[c],  p = softmax (x),  q[c] = (1 - smoothing) [c = label] + smoothing / classes
 * dL/dx[c] = p[c] - q[c], since q sums to 1. The maximum is subtracted so that exp can not overflow. */
static double
value (const void *data, uint32_t classes, const float *scores, uint32_t label, float *gradient)
{
  const Self *self = data;
  const double shared = self->smoothing / classes;
  double top = scores[0], sum = 0.0, loss = 0.0;
  for (uint32_t c = 1; c < classes; c++)
    top = scores[c] > top ? scores[c] : top;
  for (uint32_t c = 0; c < classes; c++)
    sum += exp (scores[c] - top);
  const double log_sum = top + log (sum);
  for (uint32_t c = 0; c < classes; c++)
    {
      const double log_p = scores[c] - log_sum;
      const double q = shared + (c == label ? 1.0 - self->smoothing : 0.0);
      loss -= q * log_p;
      if (gradient)
        gradient[c] = (float) (exp (log_p) - q);
    }
  return loss;
}

static const RvLossClass class = { .value = value };

RV_PLUGIN ("loss", "@NAME@")
  .version = "0.1",
  .licence = "CC0-1.0",
  .doc = "Cross-entropy with smoothed labels",
  .citation = "Szegedy et al. 2016, CVPR",
  .params = params,
  .params_size = sizeof (Self),
  RV_FUNCTIONS (class),
};
