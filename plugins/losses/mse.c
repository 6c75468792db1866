/* Mean squared error between the scores and a one-hot target; the loss of the first STBP networks. */
#include <ranvier/ranvier.h>

/* L = 1 / C sum_c (x[c] - [c = label])^2;  dL/dx[c] = 2 / C (x[c] - [c = label]) */
static double
value (const void *self, uint32_t classes, const float *scores, uint32_t label, float *gradient)
{
  double sum = 0.0;
  (void) self;
  for (uint32_t c = 0; c < classes; c++)
    {
      const double d = scores[c] - (c == label ? 1.0 : 0.0);
      sum += d * d;
      if (gradient)
        gradient[c] = (float) (2.0 * d / classes);
    }
  return sum / classes;
}

static const RvLossClass class = { .value = value };

RV_PLUGIN ("loss", "mse")
  .version = "1.0",
  .licence = "LGPL-2.1-or-later",
  .doc = "Mean squared error against a one-hot target",
  .citation = "Wu et al. 2018, Frontiers in Neuroscience 12:331",
  RV_FUNCTIONS (class)
};
