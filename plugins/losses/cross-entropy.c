/* Cross-entropy of the softmax of the scores; in doubles, as the differences of near-equal scores matter. */
#include <ranvier/ranvier.h>

typedef struct
{
  int softmax;
} Self;

static const char *const softmax_choices[] = { "once", "twice", NULL };

static const RvParam params[] = {
  RV_CHOICE (Self, softmax, "once", softmax_choices,
             "twice: the probabilities go through a softmax again, as when a network that ends in one is "
             "trained with a loss that has its own"),
  RV_PARAM_END
};

/* log sum_c exp (x[c] - max), and max: softmax without overflow. */
static double
log_total (uint32_t classes, const float *scores, double *maximum)
{
  double top = scores[0];
  double total = 0.0;
  for (uint32_t c = 1; c < classes; c++)
    top = scores[c] > top || isnan (scores[c]) ? scores[c] : top;
  for (uint32_t c = 0; c < classes; c++)
    total += exp (scores[c] - top);
  *maximum = top;
  return log (total);
}

/* L = -log p[label], p = softmax (x);  dL/dx[c] = p[c] - [c = label] */
static double
once (uint32_t classes, const float *x, uint32_t label, float *gradient)
{
  double top;
  const double log_sum = log_total (classes, x, &top);
  for (uint32_t c = 0; gradient && c < classes; c++)
    gradient[c] = (float) (exp (x[c] - top - log_sum) - (c == label ? 1.0 : 0.0));
  return log_sum + top - x[label];
}

/* p = softmax (x), q = softmax (p), L = -log q[label];
 * g = q - onehot;  dL/dx[c] = p[c] (g[c] - sum_k g[k] p[k]) */
static double
twice (uint32_t classes, const float *x, uint32_t label, float *gradient)
{
  double top;
  const double log_sum = log_total (classes, x, &top);
  const double right = exp (x[label] - top - log_sum);
  double total = 0.0, mixed = 0.0;
  /* p is within [0, 1], so that exp (p) needs no shift. */
  for (uint32_t c = 0; c < classes; c++)
    {
      const double p = exp (x[c] - top - log_sum);
      total += exp (p);
      mixed += exp (p) * p;
    }
  const double mean = mixed / total - right;
  for (uint32_t c = 0; gradient && c < classes; c++)
    {
      const double p = exp (x[c] - top - log_sum);
      gradient[c] = (float) (p * (exp (p) / total - (c == label ? 1.0 : 0.0) - mean));
    }
  return log (total) - right;
}

static double
value (const void *data, uint32_t classes, const float *scores, uint32_t label, float *gradient)
{
  const Self *self = data;
  return self->softmax == 0 ? once (classes, scores, label, gradient)
                            : twice (classes, scores, label, gradient);
}

static const RvLossClass class = { .value = value };

RV_PLUGIN ("loss", "cross-entropy")
  .version = "1.0",
  .licence = "LGPL-2.1-or-later",
  .doc = "Cross-entropy of the softmax of the scores",
  .citation = NULL,
  .params = params,
  .params_size = sizeof (Self),
  RV_FUNCTIONS (class)
};
