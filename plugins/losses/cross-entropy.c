/* Cross-entropy of the softmax of the scores; in doubles, as the differences of near-equal scores matter. */
#include <ranvier/ranvier.h>

typedef struct
{
  int softmax;
  double label_smoothing;
} Self;

static const char *const softmax_choices[] = { "once", "twice", NULL };

static const RvParam params[] = {
  RV_CHOICE (Self, softmax, "once", softmax_choices,
             "twice: the probabilities go through a softmax again, as when a network that ends in one is "
             "trained with a loss that has its own"),
  RV_REAL (Self, label_smoothing, "0", 0, 1, "", "share of the target that is spread evenly over all classes, the right one too"),
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

/* The target t: 1 - smoothing at the label, and smoothing / classes at all. */
typedef struct
{
  double label, each;
} Target;

static inline double
target_at (const Target *target, uint32_t c, uint32_t label)
{
  return target->each + (c == label ? target->label : 0.0);
}

/* L = -sum_c t[c] log p[c], p = softmax (x);  dL/dx[c] = p[c] - t[c] */
static double
once (uint32_t classes, const float *x, uint32_t label, const Target *target, float *gradient)
{
  Softmax p;
  softmax_of (&p, classes, x);
  double below = target->label * (p.top - x[label]); /* sum of t[c] (top - x[c]) */
  for (uint32_t c = 0; target->each > 0.0 && c < classes; c++)
    below += target->each * (p.top - x[c]);
  for (uint32_t c = 0; gradient && c < classes; c++)
    gradient[c] = (float) (power (&p, c) / p.total - target_at (target, c, label));
  return log (p.total) + below;
}

/* p = softmax (x), q = softmax (p), L = -sum_c t[c] log q[c];
 * g = q - t;  dL/dx[c] = p[c] (g[c] - sum_k g[k] p[k]) */
static double
twice (uint32_t classes, const float *x, uint32_t label, const Target *target, float *gradient)
{
  Softmax first;
  softmax_of (&first, classes, x);
  /* sum of t[c] p[c]: the p add up to 1 */
  const double right = target->label * (exp (x[label] - first.top) / first.total) + target->each;
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
      gradient[c] = (float) (p * (q - target_at (target, c, label) - mean));
    }
  return log (total) - right;
}

static double
value (const void *data, uint32_t classes, const float *scores, uint32_t label, float *gradient)
{
  const Self *self = data;
  const Target target = { 1.0 - self->label_smoothing, self->label_smoothing / classes };
  return self->softmax == 0 ? once (classes, scores, label, &target, gradient)
                            : twice (classes, scores, label, &target, gradient);
}

static const RvLossClass class = { .value = value };

RV_PLUGIN ("loss", "cross-entropy")
  .version = "1.1",
  .licence = "LGPL-2.1-or-later",
  .doc = "Cross-entropy of the softmax of the scores",
  .citation = "Szegedy et al. 2016, Rethinking the Inception architecture for computer vision, for label smoothing",
  .params = params,
  .params_size = sizeof (Self),
  RV_FUNCTIONS (class)
};
