/* Crashes when it is loaded. */
#include "loss.h"
#include <signal.h>

__attribute__ ((constructor)) static void
begin (void)
{
  signal (SIGSEGV, SIG_DFL); /* a sanitizer's own handler would exit */
  raise (SIGSEGV);
}

RV_PLUGIN ("loss", "crash") SAYS, RV_FUNCTIONS (class) };
