/* Its file was renamed. */
#include "loss.h"

RV_PLUGIN ("loss", "right-name") SAYS, RV_FUNCTIONS (class) };
