/* .npz files: a stored zip by libarchive of .npy version 1.0 members, without times, written beside and
 * renamed. */
#include "data/npz.h"
#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

static const struct
{
  const char *name; /* numpy's */
  size_t size;
} types[] = { { "<f4", 4 }, { "<f8", 8 }, { "<u8", 8 }, { "|u1", 1 } };

RvArray *
rv_array_new (const char *name, RvArrayType type, uint32_t n, const void *data)
{
  RvArray *array = g_new0 (RvArray, 1);
  *array = (RvArray){ .name = g_strdup (name), .type = type, .rank = 1, .shape = { n }, .data = data };
  return array;
}

void
rv_array_free (RvArray *array)
{
  g_free (array->name);
  g_free (array->owned);
  g_free (array);
}

size_t
rv_array_bytes (const RvArray *array)
{
  size_t bytes = types[array->type].size;
  for (uint32_t k = 0; k < array->rank; k++)
    bytes *= array->shape[k];
  return bytes;
}

/* The header of an array in C order, padded so that the data begins at a multiple of 64 (numpy's NEP 1). */
static GString *
npy_header (const RvArray *array)
{
  GString *text = g_string_new (NULL);
  g_string_append_printf (text, "{'descr': '%s', 'fortran_order': False, 'shape': (",
                          types[array->type].name);
  for (uint32_t k = 0; k < array->rank; k++)
    g_string_append_printf (text, "%u%s", array->shape[k],
                            k + 1 < array->rank ? ", "
                            : array->rank == 1  ? ","
                                                : "");
  g_string_append (text, "), }");
  while ((10 + text->len + 1) % 64)
    g_string_append_c (text, ' ');
  g_string_append_c (text, '\n');
  const guint8 magic[10]
      = { 0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0, (guint8)(text->len & 255), (guint8)(text->len >> 8) };
  g_string_prepend_len (text, (const char *)magic, sizeof magic);
  return text;
}

static gboolean
write_member (struct archive *zip, const RvArray *array)
{
  g_autoptr (GString) header = npy_header (array);
  g_autofree char *file = g_strconcat (array->name, ".npy", NULL);
  const size_t bytes = rv_array_bytes (array);
  struct archive_entry *entry = archive_entry_new ();
  archive_entry_set_pathname (entry, file);
  archive_entry_set_filetype (entry, AE_IFREG);
  archive_entry_set_perm (entry, 0644);
  archive_entry_set_mtime (entry, 0, 0);
  archive_entry_set_size (entry, (la_int64_t)(header->len + bytes));
  const gboolean ok = archive_write_header (zip, entry) == ARCHIVE_OK
                      && archive_write_data (zip, header->str, header->len) == (la_ssize_t)header->len
                      && archive_write_data (zip, array->data, bytes) == (la_ssize_t)bytes;
  archive_entry_free (entry);
  return ok;
}

static char *
reason_of (struct archive *zip)
{
  return g_strdup (archive_errno (zip) > 0 ? g_strerror (archive_errno (zip)) : archive_error_string (zip));
}

static gboolean
write_all (int fd, const GPtrArray *arrays, char **why)
{
  struct archive *zip = archive_write_new ();
  gboolean ok = archive_write_set_format_zip (zip) == ARCHIVE_OK
                && archive_write_set_options (zip, "zip:compression=store,zip:!experimental") >= ARCHIVE_WARN
                && archive_write_open_fd (zip, fd) == ARCHIVE_OK;
  for (guint k = 0; ok && k < arrays->len; k++)
    ok = write_member (zip, arrays->pdata[k]);
  *why = ok ? NULL : reason_of (zip);
  if (archive_write_close (zip) != ARCHIVE_OK && ok) /* closed in any case, or some memory is never freed */
    {
      ok = FALSE;
      *why = reason_of (zip);
    }
  archive_write_free (zip);
  return ok;
}

/* A rename is on the disk once its folder is. */
static void
flush_folder (const char *path)
{
  g_autofree char *folder = g_path_get_dirname (path);
  const int fd = g_open (folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
  if (fd < 0)
    return;
  if (fsync (fd) != 0)
    g_debug ("%s: %s", folder, g_strerror (errno)); /* not every file system can */
  close (fd);
}

gboolean
rv_npz_write_arrays (const char *path, const char *before, const GPtrArray *arrays, GError **error)
{
  g_autofree char *part = g_strconcat (path, ".part", NULL), *why = NULL;
  const int fd = g_open (part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  gboolean ok = fd >= 0 && write_all (fd, arrays, &why) && fsync (fd) == 0;
  int code = errno;
  if (fd >= 0 && close (fd) != 0 && ok)
    {
      code = errno;
      ok = FALSE;
    }
  if (ok && (!before || g_rename (path, before) == 0 || errno == ENOENT) && g_rename (part, path) == 0)
    {
      flush_folder (path);
      return TRUE;
    }
  code = ok ? errno : code; /* of the first thing that failed */
  g_set_error (error, RV_ERROR, RV_ERROR_IO, "%s could not be written: %s", path,
               why ? why : g_strerror (code));
  if (fd >= 0)
    g_unlink (part);
  return FALSE;
}

gboolean
rv_npz_write (const char *path, uint32_t n, const char *const *names, RvTensor *const *tensors,
              GError **error)
{
  g_autoptr (GPtrArray) arrays = g_ptr_array_new_with_free_func ((GDestroyNotify)rv_array_free);
  for (uint32_t k = 0; k < n; k++)
    {
      RvArray *array = rv_array_new (names[k], RV_ARRAY_FLOAT, 0, rv_tensor_data (tensors[k]));
      array->rank = rv_tensor_rank (tensors[k]);
      memcpy (array->shape, rv_tensor_shape (tensors[k]), sizeof array->shape);
      g_ptr_array_add (arrays, array);
    }
  return rv_npz_write_arrays (path, NULL, arrays, error);
}

/* ---- reading */

/* Type and shape in a header of NEP 1, "'shape': (3, 4)"; FALSE if it is not one that we write. */
static gboolean
parse_header (const char *header, RvArray *array)
{
  const char *at = strstr (header, "'shape': ("), *type = strstr (header, "'descr': '");
  if (!type || !strstr (header, "'fortran_order': False") || !at)
    return FALSE;
  type += strlen ("'descr': '");
  for (array->type = 0; strncmp (type, types[array->type].name, 3) != 0 || type[3] != '\'';)
    if (++array->type == G_N_ELEMENTS (types))
      return FALSE;
  at += strlen ("'shape': (");
  for (array->rank = 0; g_ascii_isdigit (*at) && array->rank < RV_MAX_RANK; array->rank++)
    {
      char *end;
      const guint64 size = g_ascii_strtoull (at, &end, 10);
      if (size == 0 || size > UINT32_MAX)
        return FALSE;
      array->shape[array->rank] = (uint32_t)size;
      at = end + strspn (end, ", ");
    }
  return *at == ')';
}

/* One member of `bytes`; FALSE if it is damaged. */
static gboolean
read_member (struct archive *zip, size_t bytes, RvArray *array)
{
  guint8 magic[10], end;
  if (archive_read_data (zip, magic, 10) != 10 || memcmp (magic, "\x93NUMPY\x01\x00", 8) != 0)
    return FALSE;
  const size_t length = magic[8] | (size_t)magic[9] << 8;
  g_autofree char *header = g_malloc0 (length + 1);
  if (archive_read_data (zip, header, length) != (la_ssize_t)length || !parse_header (header, array))
    return FALSE;
  size_t count = 1; /* checked against the member before any memory is taken */
  for (uint32_t k = 0; k < array->rank; k++)
    {
      if (array->shape[k] > bytes / count)
        return FALSE;
      count *= array->shape[k];
    }
  const size_t size = count * types[array->type].size;
  if (bytes != 10 + length + size)
    return FALSE;
  array->data = array->owned = g_malloc (size);
  return archive_read_data (zip, array->owned, size) == (la_ssize_t)size
         && archive_read_data (zip, &end, 1) == 0; /* at the end the zip's own checksum is compared */
}

GPtrArray *
rv_npz_read_arrays (const char *path, GError **error)
{
  struct archive *zip = archive_read_new ();
  struct archive_entry *entry;
  GPtrArray *arrays = g_ptr_array_new_with_free_func ((GDestroyNotify)rv_array_free);
  GStatBuf s;
  const la_int64_t most = g_stat (path, &s) == 0 ? s.st_size : 0; /* members are stored as they are */
  archive_read_support_format_zip (zip);
  int code = archive_read_open_filename (zip, path, 1 << 16);
  while (code == ARCHIVE_OK && (code = archive_read_next_header (zip, &entry)) == ARCHIVE_OK)
    {
      const char *name = archive_entry_pathname (entry);
      const la_int64_t bytes = archive_entry_size_is_set (entry) ? archive_entry_size (entry) : 0;
      RvArray *array = g_new0 (RvArray, 1);
      g_ptr_array_add (arrays, array);
      if (name && g_str_has_suffix (name, ".npy"))
        array->name = g_strndup (name, strlen (name) - 4);
      if (!array->name || bytes <= 0 || bytes > most || !read_member (zip, (size_t)bytes, array))
        code = ARCHIVE_FATAL;
    }
  if (code != ARCHIVE_EOF)
    {
      const char *why = archive_error_string (zip);
      g_set_error (error, RV_ERROR, RV_ERROR_IO, "%s can not be read as .npz: %s", path,
                   why ? why : "a member is damaged");
      g_clear_pointer (&arrays, g_ptr_array_unref);
    }
  archive_read_free (zip);
  return arrays;
}

GHashTable *
rv_npz_read (const char *path, GError **error)
{
  g_autoptr (GPtrArray) arrays = rv_npz_read_arrays (path, error);
  GHashTable *members
      = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify)rv_tensor_unref);
  for (guint k = 0; arrays && k < arrays->len; k++)
    {
      const RvArray *array = arrays->pdata[k];
      if (array->type != RV_ARRAY_FLOAT)
        continue;
      RvTensor *tensor = rv_tensor_new (array->rank, array->shape);
      memcpy (rv_tensor_data (tensor), array->data, rv_array_bytes (array));
      g_hash_table_replace (members, g_strdup (array->name), tensor);
    }
  if (!arrays)
    g_clear_pointer (&members, g_hash_table_unref);
  return members;
}
