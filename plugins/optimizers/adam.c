/* Adam with bias correction, in the order of operations of PyTorch. */
#include "adam.h"

static const RvParam params[] = {
  ADAM_PARAMS,
  RV_PARAM_END
};

static const RvOptimizerClass class = { .slots = adam_slots, .rate = adam_rate, .update = adam_update };

RV_PLUGIN ("optimizer", "adam")
  .version = "1.0",
  .licence = "LGPL-2.1-or-later",
  .doc = "Adam with bias correction",
  .citation = "Kingma and Ba 2015, ICLR",
  .params = params,
  .params_size = sizeof (Adam),
  RV_FUNCTIONS (class)
};
