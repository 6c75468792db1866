/* Checkpoints: named arrays in the order in which they are visited, the same to write and to read. */
#include "data/checkpoint.h"
#include "data/keep.h"
#include "data/npz.h"
#include <ranvier/random.h>
#include <string.h>

#define CHECKSUM "ranvier/checksum"

struct RvCheckpoint
{
  char *path;        /* where it was read from; NULL: it is being filled */
  GPtrArray *arrays; /* RvArray * */
  guint at;          /* of reading: the next one */
  char *position;
  GError *error; /* of reading: the first thing that did not fit */
};

RvCheckpoint *
rv_checkpoint_new (void)
{
  RvCheckpoint *checkpoint = g_new0 (RvCheckpoint, 1);
  checkpoint->arrays = g_ptr_array_new_with_free_func ((GDestroyNotify)rv_array_free);
  return checkpoint;
}

void
rv_checkpoint_free (RvCheckpoint *checkpoint)
{
  if (!checkpoint)
    return;
  g_clear_pointer (&checkpoint->arrays, g_ptr_array_unref);
  g_clear_error (&checkpoint->error);
  g_free (checkpoint->path);
  g_free (checkpoint->position);
  g_free (checkpoint);
}

/* ---- what nodes call */

/* The next array if it is as it must be, otherwise NULL and an error. `n` 0: any number. */
static const RvArray *
next (RvCheckpoint *checkpoint, const char *name, RvArrayType type, size_t n)
{
  const RvArray *array
      = checkpoint->at < checkpoint->arrays->len ? checkpoint->arrays->pdata[checkpoint->at] : NULL;
  checkpoint->at++;
  if (checkpoint->error)
    return NULL;
  if (array && strcmp (array->name, name) == 0 && array->type == type && array->rank == 1
      && (n == 0 || array->shape[0] == n))
    return array;
  g_set_error (&checkpoint->error, RV_ERROR, RV_ERROR_IO,
               "%s does not fit: '%s' of %zu numbers is not what comes next in it", checkpoint->path, name,
               n);
  return NULL;
}

static void
visit (RvCheckpoint *checkpoint, const char *name, RvArrayType type, void *data, size_t n, gboolean copy)
{
  g_return_if_fail (n <= UINT32_MAX);
  if (n == 0)
    return;
  if (!checkpoint->path)
    {
      RvArray *array = rv_array_new (name, type, (uint32_t)n, data);
      if (copy)
        array->data = array->owned = g_memdup2 (data, rv_array_bytes (array));
      g_ptr_array_add (checkpoint->arrays, array);
      return;
    }
  const RvArray *array = next (checkpoint, name, type, n);
  if (array)
    memcpy (data, array->data, rv_array_bytes (array));
}

void
rv_checkpoint_integers (RvCheckpoint *checkpoint, const char *name, uint64_t *values, size_t n)
{
  visit (checkpoint, name, RV_ARRAY_UINT64, values, n, TRUE);
}

void
rv_checkpoint_reals (RvCheckpoint *checkpoint, const char *name, double *values, size_t n)
{
  visit (checkpoint, name, RV_ARRAY_DOUBLE, values, n, TRUE);
}

void
rv_checkpoint_floats (RvCheckpoint *checkpoint, const char *name, float *values, size_t n)
{
  visit (checkpoint, name, RV_ARRAY_FLOAT, values, n, FALSE);
}

void
rv_checkpoint_variant (RvCheckpoint *checkpoint, const char *name, const char *type, GVariant **variant)
{
  if (!checkpoint->path)
    {
      g_autoptr (GVariant) content = g_variant_ref_sink (g_steal_pointer (variant));
      g_autoptr (GBytes) bytes = g_variant_get_data_as_bytes (content);
      visit (checkpoint, name, RV_ARRAY_BYTE, (void *)g_bytes_get_data (bytes, NULL),
             g_bytes_get_size (bytes), TRUE);
      return;
    }
  const RvArray *array = next (checkpoint, name, RV_ARRAY_BYTE, 0);
  g_autoptr (GBytes) bytes = g_bytes_new (array ? array->data : NULL, array ? rv_array_bytes (array) : 0);
  *variant
      = array ? g_variant_ref_sink (g_variant_new_from_bytes (G_VARIANT_TYPE (type), bytes, FALSE)) : NULL;
}

void
rv_checkpoint_table (RvCheckpoint *checkpoint, const char *name, RvTable **table)
{
  GVariant *variant = checkpoint->path ? NULL : rv_table_to_variant (*table);
  rv_checkpoint_variant (checkpoint, name, RV_TABLE_VARIANT, &variant);
  if (!variant)
    return;
  RvTable *read = rv_table_from_variant (variant);
  g_variant_unref (variant);
  if (!read)
    {
      g_set_error (&checkpoint->error, RV_ERROR, RV_ERROR_IO, "%s does not fit: '%s' is no table",
                   checkpoint->path, name);
      return;
    }
  g_clear_pointer (table, rv_table_unref);
  *table = read;
}

void
rv_checkpoint_position (RvCheckpoint *checkpoint, const char *format, ...)
{
  va_list list;
  va_start (list, format);
  g_free (checkpoint->position);
  checkpoint->position = g_strdup_vprintf (format, list);
  va_end (list);
}

const char *
rv_checkpoint_where (const RvCheckpoint *checkpoint)
{
  return checkpoint->position ? checkpoint->position : "where it was";
}

/* ---- files */

/* Every bit of names, types, lengths and data counts; one word that differs makes another sum. */
static uint64_t
checksum (const GPtrArray *arrays, guint n)
{
  uint64_t sum = 0;
  for (guint k = 0; k < n; k++)
    {
      const RvArray *array = arrays->pdata[k];
      const size_t bytes = rv_array_bytes (array);
      for (const char *c = array->name; *c; c++)
        sum = rv_mix64 (sum ^ (guchar)*c);
      sum = rv_mix64 (sum ^ ((uint64_t)array->type << 56 | bytes));
      for (size_t b = 0; b < bytes; b += sizeof (uint64_t))
        {
          uint64_t word = 0;
          memcpy (&word, (const char *)array->data + b, MIN (sizeof word, bytes - b));
          sum = rv_mix64 (sum ^ word);
        }
    }
  return sum;
}

gboolean
rv_checkpoint_write (RvCheckpoint *checkpoint, const char *path, const char *before, GError **error)
{
  uint64_t sum = checksum (checkpoint->arrays, checkpoint->arrays->len);
  rv_checkpoint_integers (checkpoint, CHECKSUM, &sum, 1);
  return rv_npz_write_arrays (path, before, checkpoint->arrays, error);
}

RvCheckpoint *
rv_checkpoint_read (const char *path, GError **error)
{
  g_autoptr (RvCheckpoint) checkpoint = g_new0 (RvCheckpoint, 1);
  checkpoint->path = g_strdup (path);
  checkpoint->arrays = rv_npz_read_arrays (path, error);
  if (!checkpoint->arrays)
    return NULL;
  const guint n = checkpoint->arrays->len;
  const RvArray *last = n ? checkpoint->arrays->pdata[n - 1] : NULL;
  const uint64_t sum = checksum (checkpoint->arrays, n ? n - 1 : 0);
  if (last && strcmp (last->name, CHECKSUM) == 0 && rv_array_bytes (last) == sizeof sum
      && memcmp (last->data, &sum, sizeof sum) == 0)
    return g_steal_pointer (&checkpoint);
  g_set_error (error, RV_ERROR, RV_ERROR_IO, "%s is damaged: its checksum is another one", path);
  return NULL;
}

gboolean
rv_checkpoint_matches (const RvCheckpoint *checkpoint, GError **error)
{
  if (checkpoint->error)
    g_propagate_error (error, g_error_copy (checkpoint->error));
  else if (checkpoint->at + 1 != checkpoint->arrays->len)
    g_set_error (error, RV_ERROR, RV_ERROR_IO, "%s does not fit: it holds more than is asked for",
                 checkpoint->path);
  else
    return TRUE;
  return FALSE;
}
