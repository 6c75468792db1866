/* Ends the program when it is loaded, and as if all was well. */
#include "loss.h"
#include <stdlib.h>

__attribute__ ((constructor)) static void
begin (void)
{
  exit (0);
}

RV_PLUGIN ("loss", "exits") SAYS, RV_FUNCTIONS (class) };
