/* Stochastic gradient descent with momentum, in PyTorch's convention: the rate is outside of the momentum, and
 * weight decay is part of the gradient. */
#include <ranvier/ranvier.h>

typedef struct
{
  double rate;
  double momentum;
  gboolean nesterov;
  double weight_decay;
} Self;

static const RvParam params[] = {
  RV_REAL (Self, rate, "0.1", 0, 1e6, "", "learning rate"),
  RV_REAL (Self, momentum, "0", 0, 0.9999999, "", "share of the last direction that is kept"),
  RV_BOOL (Self, nesterov, "no", "goes on by the momentum after this update, as if it were the next one"),
  RV_REAL (Self, weight_decay, "0", 0, 1e6, "",
           "share of a weight that is added to its gradient; biases and parameters of neurons do not decay"),
  RV_PARAM_END
};

static gboolean
init (void *data, GError **error)
{
  const Self *self = data;
  if (!self->nesterov || self->momentum > 0.0)
    return TRUE;
  g_set_error (error, RV_ERROR, RV_ERROR_PIPELINE, "'nesterov' needs a 'momentum' above 0");
  return FALSE;
}

static uint32_t
slots (const void *data)
{
  return ((const Self *) data)->momentum > 0.0 ? 1 : 0;
}

static double
rate (const void *data)
{
  return ((const Self *) data)->rate;
}

/* d = g + decay w;  b = momentum b + d (b starts at 0);
 * w -= rate b, or with nesterov rate (d + momentum b)      (Sutskever et al. 2013, as PyTorch writes it) */
RV_FN void
descend (const Self *self, float *weights, const float *gradient, float *const *memory, size_t n, double now,
         float decay)
{
  const float momentum = (float) self->momentum, size = (float) now;
  const gboolean ahead = self->nesterov;
  if (momentum > 0.0f)
    {
      float *b = memory[0];
#pragma omp simd
      for (size_t i = 0; i < n; i++)
        {
          const float d = decay > 0.0f ? gradient[i] + decay * weights[i] : gradient[i];
          b[i] = momentum * b[i] + d;
          weights[i] -= size * (ahead ? d + momentum * b[i] : b[i]);
        }
      return;
    }
#pragma omp simd
  for (size_t i = 0; i < n; i++)
    weights[i] -= size * (decay > 0.0f ? gradient[i] + decay * weights[i] : gradient[i]);
}

static void
update (const void *data, float *weights, const float *gradient, float *const *memory, size_t n,
        uint64_t step, double now)
{
  (void) step;
  descend (data, weights, gradient, memory, n, now, 0.0f);
}

static void
update_weights (const void *data, float *weights, const float *gradient, float *const *memory, size_t n,
                uint64_t step, double now)
{
  (void) step;
  descend (data, weights, gradient, memory, n, now, (float) ((const Self *) data)->weight_decay);
}

static const RvOptimizerClass class
    = { .slots = slots, .rate = rate, .update = update, .update_weights = update_weights };

RV_PLUGIN ("optimizer", "sgd")
  .version = "1.1",
  .licence = "LGPL-2.1-or-later",
  .doc = "Stochastic gradient descent with momentum",
  .citation = "Sutskever et al. 2013, ICML",
  .params = params,
  .params_size = sizeof (Self),
  .init = init,
  RV_FUNCTIONS (class)
};
