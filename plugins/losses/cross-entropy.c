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

#define FEW 64 /* classes whose exponentials are kept */

/* Softmax without overflow: exp (x[c] - max), kept of the first FEW, made again of others. */
typedef struct
{
  const float *x;
  double top, total, kept[FEW];
} Softmax;

static inline double
power (const Softmax *softmax, uint32_t c)
{
  return c < FEW ? softmax->kept[c] : exp (softmax->x[c] - softmax->top);
}

static void
softmax_of (Softmax *softmax, uint32_t classes, const float *x)
{
  double top = x[0], total = 0.0;
  for (uint32_t c = 1; c < classes; c++)
    top = x[c] > top || isnan (x[c]) ? x[c] : top;
  for (uint32_t c = 0; c < classes; c++)
    {
      const double e = exp (x[c] - top);
      total += e;
      if (c < FEW)
        softmax->kept[c] = e;
    }
  softmax->x = x;
  softmax->top = top;
  softmax->total = total;
}

/* L = -log p[label], p = softmax (x);  dL/dx[c] = p[c] - [c = label] */
static double
once (uint32_t classes, const float *x, uint32_t label, float *gradient)
{
  Softmax p;
  softmax_of (&p, classes, x);
  for (uint32_t c = 0; gradient && c < classes; c++)
    gradient[c] = (float) (power (&p, c) / p.total - (c == label ? 1.0 : 0.0));
  return log (p.total) + p.top - x[label];
}

/* p = softmax (x), q = softmax (p), L = -log q[label];
 * g = q - onehot;  dL/dx[c] = p[c] (g[c] - sum_k g[k] p[k]) */
static double
twice (uint32_t classes, const float *x, uint32_t label, float *gradient)
{
  Softmax first;
  softmax_of (&first, classes, x);
  const double right = exp (x[label] - first.top) / first.total;
  double total = 0.0, mixed = 0.0, kept[FEW];
  /* p is within [0, 1], so that exp (p) needs no shift. */
  for (uint32_t c = 0; c < classes; c++)
    {
      const double p = power (&first, c) / first.total, e = exp (p);
      total += e;
      mixed += e * p;
      if (c < FEW)
        kept[c] = e;
    }
  const double mean = mixed / total - right;
  for (uint32_t c = 0; gradient && c < classes; c++)
    {
      const double p = power (&first, c) / first.total, q = (c < FEW ? kept[c] : exp (p)) / total;
      gradient[c] = (float) (p * (q - (c == label ? 1.0 : 0.0) - mean));
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
