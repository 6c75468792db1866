/* Rate decoder: the score of a class is how often its output neuron fired. */
#include "mean.h"

static RvRead
reads (const void *self)
{
  return RV_READ_SPIKES;
}

static const RvDecoderClass class = MEAN_CLASS (reads);

RV_PLUGIN ("decoder", "rate")
  .version = "1.0",
  .licence = "LGPL-2.1-or-later",
  .doc = "Mean over time of the output spikes",
  .params = mean_params,
  .params_size = sizeof (Mean),
  RV_FUNCTIONS (class)
};
