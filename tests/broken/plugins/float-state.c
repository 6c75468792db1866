/* Changes how the processor computes, as a module built with -ffast-math does. */
#include "loss.h"
#include <fenv.h>

__attribute__ ((constructor)) static void
begin (void)
{
  fesetround (FE_UPWARD);
}

RV_PLUGIN ("loss", "float-state") SAYS, RV_FUNCTIONS (class) };
