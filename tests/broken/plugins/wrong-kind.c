/* Its file says loss, itself says surrogate. */
#include "loss.h"

RV_PLUGIN ("surrogate", "wrong-kind") SAYS, RV_FUNCTIONS (class) };
