/* Does not come back when it is loaded. */
#include "loss.h"
#include <unistd.h>

__attribute__ ((constructor)) static void
begin (void)
{
  for (;;)
    pause (); /* not a busy loop: tests run beside others */
}

RV_PLUGIN ("loss", "endless") SAYS, RV_FUNCTIONS (class) };
