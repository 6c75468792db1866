/* The header of IDX files, in which MNIST and others are published. No library in the distributions reads
 * them. */
#ifndef DECODERS_IDX_H
#define DECODERS_IDX_H

#include <glib.h>
#include <stdint.h>

#define IDX_HEADER(dims) (4 + 4 * (dims))
#define IDX_WRONG 160

typedef struct
{
  uint32_t count, height, width; /* 1 x 1 for labels */
} IdxShape;

/* Reads the header of images (dims 3) or labels (1) from the first `n` bytes of a file. FALSE if it is
 * none: `wrong` says why; "" otherwise. */
gboolean idx_parse (const guint8 *bytes, size_t n, uint32_t dims, IdxShape *shape, char wrong[IDX_WRONG]);

#endif
