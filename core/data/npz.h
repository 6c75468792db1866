/* Tensors as .npz, an uncompressed zip of .npy files without times, so that equal bits make equal files. */
#ifndef RV_NPZ_H
#define RV_NPZ_H

#include <ranvier/tensor.h>

/* `names` [n] without ".npy". Writes a temporary beside `path`, flushes and renames. Main thread. */
gboolean rv_npz_write (const char *path, uint32_t n, const char *const *names, RvTensor *const *tensors, GError **error);

/* Reads the float members of a file that rv_npz_write could have made: name without ".npy" -> RvTensor,
 * owned. NULL with an error if it is damaged. Main thread. */
GHashTable *rv_npz_read (const char *path, GError **error);

#endif
