/* Prints, before it is refused, what looks like the answer of a child that probes. */
#include <stdio.h>
#include <unistd.h>

__attribute__ ((constructor)) static void
begin (void)
{
  puts ("ok\t1.0\tfooled");
  fflush (stdout);
  if (write (STDOUT_FILENO, "ok\t1.0\tfooled\n", 14) < 0)
    _exit (1);
}
