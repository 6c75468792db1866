/* AdamW: Adam, and apart from its gradient the weights shrink by a share of the rate, in PyTorch's convention.
 * Biases, and what neurons learn, do not shrink. */
#include "adam.h"

static const RvParam params[] = {
  ADAM_PARAMS,
  RV_REAL (Adam, weight_decay, "1e-2", 0, 1e6, "",
           "share of the rate by which weights shrink in an update; biases and parameters of neurons do not"),
  RV_PARAM_END
};

/* w = (1 - rate decay) w, and Adam's step      (Loshchilov and Hutter 2019, algorithm 2, the rate in both) */
static void
update_weights (const void *data, float *weights, const float *gradient, float *const *memory, size_t n,
                uint64_t step, double now)
{
  const Adam *self = data;
  adam_step (self, weights, gradient, memory, n, step, now, (float) (1.0 - now * self->weight_decay));
}

static const RvOptimizerClass class
    = { .slots = adam_slots, .rate = adam_rate, .update = adam_update, .update_weights = update_weights };

RV_PLUGIN ("optimizer", "adamw")
  .version = "1.0",
  .licence = "LGPL-2.1-or-later",
  .doc = "Adam with weight decay that is apart from the gradient",
  .citation = "Loshchilov and Hutter 2019, ICLR",
  .params = params,
  .params_size = sizeof (Adam),
  RV_FUNCTIONS (class)
};
