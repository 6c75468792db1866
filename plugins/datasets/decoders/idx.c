/* IDX: the number 0x0800 + dimensions for bytes, then the size of each dimension, all big-endian. */
#include "idx.h"

static uint32_t
big_endian (const guint8 *b)
{
  return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

gboolean
idx_parse (const guint8 *bytes, size_t n, uint32_t dims, IdxShape *shape, char wrong[IDX_WRONG])
{
  wrong[0] = 0;
  if (n < IDX_HEADER (dims) || big_endian (bytes) != 0x800 + dims)
    {
      g_snprintf (wrong, IDX_WRONG, "this is no IDX file of %s: it should begin with the number %u",
                  dims == 3 ? "images" : "labels", 0x800 + dims);
      return FALSE;
    }
  *shape = (IdxShape){ big_endian (bytes + 4), 1, 1 };
  if (dims == 3)
    {
      shape->height = big_endian (bytes + 8);
      shape->width = big_endian (bytes + 12);
    }
  if (shape->count && shape->height && shape->width && shape->height <= 4096 && shape->width <= 4096)
    return TRUE;
  g_snprintf (wrong, IDX_WRONG, "says it holds %u images of %u x %u, which can not be", shape->count,
              shape->height, shape->width);
  return FALSE;
}
