/* Arrays as .npz, an uncompressed zip of .npy files without times, so that equal bits make equal files. */
#ifndef RV_NPZ_H
#define RV_NPZ_H

#include <ranvier/tensor.h>

/* What an array holds, by its letter and size in .npy. */
typedef enum
{
  RV_ARRAY_FLOAT,
  RV_ARRAY_DOUBLE,
  RV_ARRAY_UINT64,
  RV_ARRAY_BYTE
} RvArrayType;

typedef struct
{
  char *name; /* without ".npy" */
  RvArrayType type;
  uint32_t rank, shape[RV_MAX_RANK];
  const void *data;
  void *owned; /* is freed with it; NULL: data is borrowed */
} RvArray;

/* A flat array over borrowed data. Caller owns. */
RvArray *rv_array_new (const char *name, RvArrayType type, uint32_t n, const void *data);
void rv_array_free (RvArray *array);
/* How many bytes its data has. */
size_t rv_array_bytes (const RvArray *array);

/* Writes RvArray * to a temporary beside `path`, flushes it and renames it; what stood at `path` is
 * renamed to `before` first, unless that is NULL. At no time is there less at the two than a whole file
 * that was there, or the new one. Main thread, as all here. */
gboolean rv_npz_write_arrays (const char *path, const char *before, const GPtrArray *arrays, GError **error);
/* RvArray *, in the order of the file, owned. NULL with an error if it is damaged. */
GPtrArray *rv_npz_read_arrays (const char *path, GError **error);

/* `names` [n]. As rv_npz_write_arrays. */
gboolean rv_npz_write (const char *path, uint32_t n, const char *const *names, RvTensor *const *tensors,
                       GError **error);
/* A file of floats alone: name -> RvTensor, owned. */
GHashTable *rv_npz_read (const char *path, GError **error);

#endif
