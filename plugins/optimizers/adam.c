/* Adam with bias correction, in the order of operations of PyTorch. */
#include <ranvier/ranvier.h>

typedef struct
{
  double rate;
  double beta1;
  double beta2;
  double epsilon;
} Self;

static const RvParam params[] = {
  RV_REAL (Self, rate, "1e-3", 0, 1e6, "", "learning rate"),
  RV_REAL (Self, beta1, "0.9", 0, 0.9999999, "", "decay of the mean of the gradient"),
  RV_REAL (Self, beta2, "0.999", 0, 0.9999999, "", "decay of the mean of its square"),
  RV_REAL (Self, epsilon, "1e-8", 0, 1, "", "added to the root of the mean square"),
  RV_PARAM_END
};

static uint32_t
slots (const void *self)
{
  (void) self;
  return 2;
}

static double
rate (const void *data)
{
  return ((const Self *) data)->rate;
}

/* m = b1 m + (1 - b1) g;  v = b2 v + (1 - b2) g^2;
 * w -= rate / (1 - b1^t) m / (sqrt (v) / sqrt (1 - b2^t) + epsilon)      (Kingma and Ba 2015, algorithm 1) */
static void
update (const void *data, float *weights, const float *gradient, float *const *memory, size_t n,
        uint64_t step, double now)
{
  const Self *self = data;
  const float b1 = (float) self->beta1, c1 = (float) (1.0 - self->beta1);
  const float b2 = (float) self->beta2, c2 = (float) (1.0 - self->beta2);
  const float size = (float) (now / (1.0 - pow (self->beta1, (double) step)));
  const float root = (float) sqrt (1.0 - pow (self->beta2, (double) step));
  const float epsilon = (float) self->epsilon;
  float *m = memory[0];
  float *v = memory[1];
#pragma omp simd
  for (size_t i = 0; i < n; i++)
    {
      const float g = gradient[i];
      m[i] = b1 * m[i] + c1 * g;
      v[i] = b2 * v[i] + c2 * g * g;
      weights[i] -= size * (m[i] / (sqrtf (v[i]) / root + epsilon));
    }
}

static const RvOptimizerClass class = { .slots = slots, .rate = rate, .update = update };

RV_PLUGIN ("optimizer", "adam")
  .version = "1.0",
  .licence = "LGPL-2.1-or-later",
  .doc = "Adam with bias correction",
  .citation = "Kingma and Ba 2015, ICLR",
  .params = params,
  .params_size = sizeof (Self),
  RV_FUNCTIONS (class)
};
