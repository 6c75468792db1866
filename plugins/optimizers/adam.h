/* What adam and adamw share: Adam's parameters, its memory, and its step with bias correction, in the order of
 * operations of PyTorch. */
#ifndef OPTIMIZER_ADAM_H
#define OPTIMIZER_ADAM_H

#include <ranvier/ranvier.h>

typedef struct
{
  double rate;
  double beta1;
  double beta2;
  double epsilon;
  double weight_decay; /* of adamw alone */
} Adam;

#define ADAM_PARAMS                                                                                          \
  RV_REAL (Adam, rate, "1e-3", 0, 1e6, "", "learning rate"),                                                 \
  RV_REAL (Adam, beta1, "0.9", 0, 0.9999999, "", "decay of the mean of the gradient"),                       \
  RV_REAL (Adam, beta2, "0.999", 0, 0.9999999, "", "decay of the mean of its square"),                       \
  RV_REAL (Adam, epsilon, "1e-8", 0, 1, "", "added to the root of the mean square")

static uint32_t
adam_slots (const void *self)
{
  (void) self;
  return 2;
}

static double
adam_rate (const void *data)
{
  return ((const Adam *) data)->rate;
}

/* m = b1 m + (1 - b1) g;  v = b2 v + (1 - b2) g^2;
 * w = keep w - rate / (1 - b1^t) m / (sqrt (v) / sqrt (1 - b2^t) + epsilon)
 *                                                                        (Kingma and Ba 2015, algorithm 1) */
RV_FN void
adam_step (const Adam *self, float *weights, const float *gradient, float *const *memory, size_t n,
           uint64_t step, double now, float keep)
{
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
      weights[i] = keep * weights[i] - size * (m[i] / (sqrtf (v[i]) / root + epsilon));
    }
}

/* The step of what does not decay. */
static void
adam_update (const void *self, float *weights, const float *gradient, float *const *memory, size_t n,
             uint64_t step, double now)
{
  adam_step (self, weights, gradient, memory, n, step, now, 1.0f);
}

#endif
