/* Calls itself a loss and has the functions of a surrogate. */
#include "loss.h"

static const RvSurrogateClass other;

RV_PLUGIN ("loss", "other-functions") SAYS, RV_FUNCTIONS (other) };
