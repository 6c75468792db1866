/* Names its functions, but not how long they are. */
#include "loss.h"

RV_PLUGIN ("loss", "no-functions") SAYS, .functions = &class };
