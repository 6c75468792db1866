/* Parameters of a window, as every layer that has one spells them: one number for both axes, or [height, width]. */
#ifndef WINDOW_H
#define WINDOW_H

#include <ranvier/ranvier.h>

static inline gboolean
read_pair (const RvInts *ints, const char *name, uint32_t pair[2], GError **error)
{
  if (ints->n != 1 && ints->n != 2)
    {
      g_set_error (error, RV_ERROR, RV_ERROR_SHAPE, "%s takes one number, or two: [height, width]", name);
      return FALSE;
    }
  for (uint32_t k = 0; k < 2; k++)
    pair[k] = (uint32_t) ints->items[ints->n == 2 ? k : 0];
  return TRUE;
}

#endif
