/* Leaves out the one function that a loss is. */
#include "loss.h"

static const RvLossClass empty = { .value = NULL };

RV_PLUGIN ("loss", "missing-function") SAYS, RV_FUNCTIONS (empty) };
