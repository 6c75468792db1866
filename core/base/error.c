/* The quark of the one error domain of the library. */
#include <ranvier/base.h>

GQuark
rv_error_quark (void)
{
  return g_quark_from_static_string ("ranvier-error");
}
