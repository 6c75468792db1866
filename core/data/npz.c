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

/* The header of a float array in C order, padded so that the data begins at a multiple of 64 (numpy's NEP
 * 1). */
static GString *
npy_header (const RvTensor *tensor)
{
  const uint32_t rank = rv_tensor_rank (tensor);
  GString *text = g_string_new ("{'descr': '<f4', 'fortran_order': False, 'shape': (");
  for (uint32_t k = 0; k < rank; k++)
    g_string_append_printf (text, "%u%s", rv_tensor_shape (tensor)[k],
                            k + 1 < rank ? ", "
                            : rank == 1  ? ","
                                         : "");
  g_string_append (text, "), }");
  while ((10 + text->len + 1) % 64)
    g_string_append_c (text, ' ');
  g_string_append_c (text, '\n');
  const guint8 magic[10]
      = { 0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0, (guint8)(text->len & 255), (guint8)(text->len >> 8) };
  g_string_prepend_len (text, (const char *) magic, sizeof magic);
  return text;
}

static gboolean
write_member (struct archive *zip, const char *name, const RvTensor *tensor)
{
  g_autoptr (GString) header = npy_header (tensor);
  g_autofree char *file = g_strconcat (name, ".npy", NULL);
  const size_t bytes = rv_tensor_count (tensor) * sizeof (float);
  struct archive_entry *entry = archive_entry_new ();
  archive_entry_set_pathname (entry, file);
  archive_entry_set_filetype (entry, AE_IFREG);
  archive_entry_set_perm (entry, 0644);
  archive_entry_set_mtime (entry, 0, 0);
  archive_entry_set_size (entry, (la_int64_t) (header->len + bytes));
  const gboolean ok = archive_write_header (zip, entry) == ARCHIVE_OK
                      && archive_write_data (zip, header->str, header->len) == (la_ssize_t) header->len
                      && archive_write_data (zip, rv_tensor_data (tensor), bytes) == (la_ssize_t) bytes;
  archive_entry_free (entry);
  return ok;
}

static gboolean
write_all (int fd, uint32_t n, const char *const *names, RvTensor *const *tensors, char **why)
{
  struct archive *zip = archive_write_new ();
  gboolean ok = archive_write_set_format_zip (zip) == ARCHIVE_OK
                && archive_write_set_options (zip, "zip:compression=store,zip:!experimental") >= ARCHIVE_WARN
                && archive_write_open_fd (zip, fd) == ARCHIVE_OK;
  for (uint32_t k = 0; ok && k < n; k++)
    ok = write_member (zip, names[k], tensors[k]);
  ok = archive_write_close (zip) == ARCHIVE_OK && ok;
  if (!ok)
    *why = g_strdup (archive_error_string (zip));
  archive_write_free (zip);
  return ok;
}

gboolean
rv_npz_write (const char *path, uint32_t n, const char *const *names, RvTensor *const *tensors,
              GError **error)
{
  g_autofree char *part = g_strconcat (path, ".part", NULL), *why = NULL;
  const int fd = g_open (part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  gboolean ok = fd >= 0 && write_all (fd, n, names, tensors, &why) && fsync (fd) == 0;
  int code = errno;
  if (fd >= 0 && close (fd) != 0 && ok)
    {
      code = errno;
      ok = FALSE;
    }
  if (ok && g_rename (part, path) == 0)
    return TRUE;
  code = ok ? errno : code; /* of the first thing that failed */
  g_set_error (error, RV_ERROR, RV_ERROR_IO, "%s could not be written: %s", path,
               why ? why : g_strerror (code));
  g_unlink (part);
  return FALSE;
}

/* ---- reading */

/* The shape in a header of NEP 1, "'shape': (3, 4)"; FALSE if it is not one that we write. */
static gboolean
parse_shape (const char *header, uint32_t *rank, uint32_t *shape)
{
  const char *at = strstr (header, "'shape': (");
  if (!strstr (header, "'descr': '<f4'") || !strstr (header, "'fortran_order': False") || !at)
    return FALSE;
  at += strlen ("'shape': (");
  for (*rank = 0; g_ascii_isdigit (*at) && *rank < RV_MAX_RANK; (*rank)++)
    {
      char *end;
      const guint64 size = g_ascii_strtoull (at, &end, 10);
      if (size == 0 || size > UINT32_MAX)
        return FALSE;
      shape[*rank] = (uint32_t)size;
      at = end + strspn (end, ", ");
    }
  return *at == ')';
}

/* One member; NULL if it is damaged. */
static RvTensor *
read_member (struct archive *zip, size_t bytes)
{
  guint8 magic[10];
  uint32_t rank, shape[RV_MAX_RANK];
  if (archive_read_data (zip, magic, 10) != 10 || memcmp (magic, "\x93NUMPY\x01\x00", 8) != 0)
    return NULL;
  const size_t length = magic[8] | (size_t)magic[9] << 8;
  g_autofree char *header = g_malloc0 (length + 1);
  if (archive_read_data (zip, header, length) != (la_ssize_t)length || !parse_shape (header, &rank, shape))
    return NULL;
  size_t count = 1; /* checked against the member before any memory is taken */
  for (uint32_t k = 0; k < rank; k++)
    if ((count *= shape[k]) > bytes / sizeof (float))
      return NULL;
  if (bytes != 10 + length + count * sizeof (float))
    return NULL;
  RvTensor *tensor = rv_tensor_new (rank, shape);
  if (archive_read_data (zip, rv_tensor_data (tensor), count * sizeof (float))
      == (la_ssize_t)(count * sizeof (float)))
    return tensor;
  rv_tensor_unref (tensor);
  return NULL;
}

GHashTable *
rv_npz_read (const char *path, GError **error)
{
  struct archive *zip = archive_read_new ();
  struct archive_entry *entry;
  GHashTable *members
      = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify)rv_tensor_unref);
  archive_read_support_format_zip (zip);
  int code = archive_read_open_filename (zip, path, 1 << 16);
  while (code == ARCHIVE_OK && (code = archive_read_next_header (zip, &entry)) == ARCHIVE_OK)
    {
      const char *name = archive_entry_pathname (entry);
      const la_int64_t bytes = archive_entry_size_is_set (entry) ? archive_entry_size (entry) : 0;
      RvTensor *tensor
          = name && g_str_has_suffix (name, ".npy") && bytes > 0 ? read_member (zip, (size_t)bytes) : NULL;
      if (tensor)
        g_hash_table_replace (members, g_strndup (name, strlen (name) - 4), tensor);
      else
        code = ARCHIVE_FATAL;
    }
  if (code != ARCHIVE_EOF)
    {
      const char *why = archive_error_string (zip);
      g_set_error (error, RV_ERROR, RV_ERROR_IO, "%s can not be read as .npz: %s", path,
                   why ? why : "a member is damaged");
      g_clear_pointer (&members, g_hash_table_unref);
    }
  archive_read_free (zip);
  return members;
}
