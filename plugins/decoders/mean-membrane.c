/* Mean-membrane decoder: for output neurons that integrate and need not fire. */
#include "mean.h"

static RvRead
reads (const void *self)
{
  return RV_READ_MEMBRANE;
}

static const RvDecoderClass class = MEAN_CLASS (reads);

RV_PLUGIN ("decoder", "mean-membrane")
  .version = "1.0",
  .licence = "LGPL-2.1-or-later",
  .doc = "Mean over time of the output membrane",
  .params = mean_params,
  .params_size = sizeof (Mean),
  RV_FUNCTIONS (class)
};
