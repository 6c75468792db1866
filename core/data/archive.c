/* Members of zip, tar, gzip, plain files and folders, one after the other. Zip and tar are libarchive's; gzip
 * is unpacked by GLib, which unlike libarchive compares its checksums. */
#include <ranvier/archive.h>
#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BLOCK (1 << 16)
#define TAR_HEADER 512

struct RvArchive
{
  char *path;
  GPtrArray *files;       /* a folder's, as names below it, sorted; NULL: no folder */
  guint next;             /* of files; otherwise how many members there were */
  struct archive *packed; /* zip or tar; NULL: members are read from the stream itself */
  int fd;
  struct stat opened; /* what fd was when it was opened */
  GConverter *gunzip; /* NULL: fd is read as it is */
  guint8 *block;      /* [BLOCK] packed bytes, of which those from `at` to `end` are still to be unpacked */
  size_t at, end;
  guint8 head[TAR_HEADER]; /* the first bytes, which were looked at, and are still to be handed out */
  size_t head_at, head_end;
  char *why; /* what went wrong in the stream */
  char *member;
  int64_t size, offset;
};

/* As it may stand in a message, on one line. */
static char *
clean (const char *name)
{
  char *text = g_utf8_make_valid (name, -1);
  for (char *c = text; *c; c++)
    if ((guchar)*c < 0x20 || *c == 0x7f)
      *c = '?';
  return text;
}

static char *
place_of (const RvArchive *archive)
{
  return archive->files && archive->member ? g_build_filename (archive->path, archive->member, NULL)
                                           : g_strdup (archive->path);
}

/* TRUE if the path leads to another file than was opened, or to one that was written since. */
static gboolean
was_replaced (const RvArchive *archive)
{
  g_autofree char *path = place_of (archive);
  struct stat now;
  return archive->fd >= 0
         && (stat (path, &now) != 0 || now.st_dev != archive->opened.st_dev
             || now.st_ino != archive->opened.st_ino || now.st_size != archive->opened.st_size
             || now.st_mtim.tv_sec != archive->opened.st_mtim.tv_sec
             || now.st_mtim.tv_nsec != archive->opened.st_mtim.tv_nsec);
}

void
rv_archive_fail (const RvArchive *archive, int64_t offset, GError **error, const char *format, ...)
{
  g_autofree char *path = place_of (archive);
  g_autoptr (GString) text = g_string_new (path);
  va_list list;
  if (archive->packed && archive->member)
    g_string_append_printf (text, ", member %s", archive->member);
  if (offset >= 0)
    g_string_append_printf (text, ", byte %" G_GINT64_FORMAT, offset);
  g_string_append (text, ": ");
  va_start (list, format);
  if (was_replaced (archive))
    g_string_append (text, "the file was replaced or written to while it was read");
  else
    g_string_append_vprintf (text, format, list);
  va_end (list);
  g_autofree char *line = clean (g_strchomp (text->str)); /* libarchive ends some with a newline */
  g_set_error_literal (error, RV_ERROR, RV_ERROR_DATA, line);
}

/* ---- the stream: the bytes of a file, unpacked if they are gzip */

static gboolean
fill (RvArchive *archive)
{
  const ssize_t n = read (archive->fd, archive->block, BLOCK);
  archive->at = 0;
  archive->end = n > 0 ? (size_t)n : 0;
  if (n < 0)
    archive->why = g_strdup (g_strerror (errno));
  return n > 0;
}

/* Like read. What follows one gzip stream is another one, or zeros that fill up a block. */
static ssize_t
unpack (RvArchive *archive, void *buffer, size_t n)
{
  for (;;)
    {
      if (archive->at == archive->end && !fill (archive) && archive->why)
        return -1;
      const gboolean last = archive->at == archive->end;
      gsize taken = 0, made = 0;
      g_autoptr (GError) error = NULL;
      const GConverterResult result
          = g_converter_convert (archive->gunzip, archive->block + archive->at, archive->end - archive->at,
                                 buffer, n, last ? G_CONVERTER_INPUT_AT_END : 0, &taken, &made, &error);
      archive->at += taken;
      if (result == G_CONVERTER_FINISHED)
        {
          g_converter_reset (archive->gunzip);
          while ((archive->at < archive->end || fill (archive)) && archive->block[archive->at] == 0)
            archive->at++;
          if (archive->at == archive->end) /* the next call must not begin another stream */
            {
              g_clear_object (&archive->gunzip);
              return archive->why ? -1 : (ssize_t)made;
            }
        }
      else if (result == G_CONVERTER_ERROR && !g_error_matches (error, G_IO_ERROR, G_IO_ERROR_PARTIAL_INPUT))
        archive->why = g_strdup_printf ("the gzip data is damaged (%s)", error->message);
      else if (result == G_CONVERTER_ERROR && last)
        archive->why = g_strdup ("the gzip data is cut off");
      if (archive->why || made)
        return archive->why ? -1 : (ssize_t)made;
    }
}

static ssize_t
read_stream (RvArchive *archive, void *buffer, size_t n)
{
  if (archive->head_at < archive->head_end)
    {
      n = MIN (n, archive->head_end - archive->head_at);
      memcpy (buffer, archive->head + archive->head_at, n);
      archive->head_at += n;
      return (ssize_t)n;
    }
  if (archive->gunzip)
    return unpack (archive, buffer, n);
  const ssize_t got = archive->block ? 0 : read (archive->fd, buffer, n);
  if (got < 0)
    archive->why = g_strdup (g_strerror (errno));
  return got;
}

static gboolean
open_file (RvArchive *archive, GError **error)
{
  g_autofree char *path = place_of (archive);
  archive->fd = g_open (path, O_RDONLY | O_CLOEXEC, 0);
  if (archive->fd >= 0 && fstat (archive->fd, &archive->opened) == 0)
    return TRUE;
  g_set_error (error, RV_ERROR, RV_ERROR_DATA, "%s can not be read: %s", path, g_strerror (errno));
  return FALSE;
}

/* ---- what a file is */

/* The sum of a tar header's bytes, its own 8 taken as blanks, stands in it in octal. */
static gboolean
is_tar (const guint8 *head, size_t n)
{
  guint sum = 0;
  if (n < TAR_HEADER || head[0] == 0)
    return FALSE;
  for (guint k = 0; k < TAR_HEADER; k++)
    sum += k >= 148 && k < 156 ? ' ' : head[k];
  return sum == g_ascii_strtoull ((const char *)head + 148, NULL, 8);
}

static la_ssize_t
feed (struct archive *packed, void *self, const void **block)
{
  RvArchive *archive = self;
  guint8 *out = archive->block + BLOCK; /* behind the packed bytes */
  *block = out;
  const ssize_t n = read_stream (archive, out, BLOCK);
  if (n < 0)
    archive_set_error (packed, EIO, "%s", archive->why);
  return n;
}

static gboolean
open_packed (RvArchive *archive, gboolean zip, GError **error)
{
  archive->packed = archive_read_new ();
  if (zip)
    archive_read_support_format_zip_seekable (archive->packed);
  else
    archive_read_support_format_tar (archive->packed);
  const int code = archive->block ? archive_read_open (archive->packed, archive, NULL, feed, NULL)
                                  : archive_read_open_fd (archive->packed, archive->fd, BLOCK);
  if (code == ARCHIVE_OK)
    return TRUE;
  rv_archive_fail (archive, -1, error, "the archive can not be read: %s; is it whole?",
                   archive_error_string (archive->packed));
  return FALSE;
}

static gboolean
look (RvArchive *archive, GError **error)
{
  guint8 start[TAR_HEADER];
  const ssize_t n = pread (archive->fd, start, sizeof start, 0);
  if (n >= 4 && (memcmp (start, "PK\3\4", 4) == 0 || memcmp (start, "PK\5\6", 4) == 0))
    return open_packed (archive, TRUE, error);
  if (n < 2 || start[0] != 0x1f || start[1] != 0x8b)
    return n < 0 || !is_tar (start, (size_t)n) || open_packed (archive, FALSE, error);
  archive->block = g_malloc (2 * BLOCK);
  archive->gunzip = G_CONVERTER (g_zlib_decompressor_new (G_ZLIB_COMPRESSOR_FORMAT_GZIP));
  while (archive->head_end < TAR_HEADER)
    {
      const ssize_t got = unpack (archive, archive->head + archive->head_end, TAR_HEADER - archive->head_end);
      if (got < 0)
        rv_archive_fail (archive, (int64_t)archive->head_end, error, "%s", archive->why);
      if (got < 0)
        return FALSE;
      if (got == 0 || !archive->gunzip)
        {
          archive->head_end += (size_t)got;
          break;
        }
      archive->head_end += (size_t)got;
    }
  return !is_tar (archive->head, archive->head_end) || open_packed (archive, FALSE, error);
}

/* The folders that lead to one, so that a link back to one of them is not followed. */
typedef struct Above
{
  const struct Above *above;
  dev_t dev;
  ino_t ino;
} Above;

/* Names of the files at or below `name`, itself below the folder. */
static gboolean
list (RvArchive *archive, const char *name, const Above *above, GError **error)
{
  g_autofree char *path = g_build_filename (archive->path, name, NULL), *cleaned = clean (name ? name : "");
  g_autoptr (GDir) dir = NULL;
  struct stat s;
  if (name && strcmp (name, cleaned) != 0)
    {
      g_set_error (error, RV_ERROR, RV_ERROR_DATA, "%s/%s: such a name is not read; rename it", archive->path,
                   cleaned);
      return FALSE;
    }
  if (stat (path, &s) != 0)
    return TRUE; /* a link that leads nowhere */
  if (S_ISREG (s.st_mode))
    g_ptr_array_add (archive->files, g_strdup (name));
  for (const Above *up = above; up; up = up->above)
    if (up->dev == s.st_dev && up->ino == s.st_ino)
      return TRUE;
  const Above here = { above, s.st_dev, s.st_ino };
  if (S_ISDIR (s.st_mode) && !(dir = g_dir_open (path, 0, error)))
    {
      g_prefix_error (error, "%s can not be read: ", path);
      return FALSE;
    }
  for (const char *entry; dir && (entry = g_dir_read_name (dir));)
    {
      g_autofree char *below = name ? g_build_filename (name, entry, NULL) : g_strdup (entry);
      if (entry[0] != '.' && !list (archive, below, &here, error))
        return FALSE;
    }
  return TRUE;
}

static gint
by_name (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *)a, *(const char *const *)b);
}

RvArchive *
rv_archive_open (const char *path, GError **error)
{
  RvArchive *archive = g_new0 (RvArchive, 1);
  archive->path = g_strdup (path);
  archive->fd = -1;
  archive->size = -1;
  gboolean good;
  if (g_file_test (path, G_FILE_TEST_IS_DIR))
    {
      archive->files = g_ptr_array_new_with_free_func (g_free);
      good = list (archive, NULL, NULL, error);
      g_ptr_array_sort (archive->files, by_name);
    }
  else
    good = open_file (archive, error) && look (archive, error);
  if (!good)
    g_clear_pointer (&archive, rv_archive_close);
  return archive;
}

void
rv_archive_close (RvArchive *archive)
{
  if (!archive)
    return;
  if (archive->packed)
    archive_read_free (archive->packed);
  if (archive->files)
    g_ptr_array_unref (archive->files);
  if (archive->fd >= 0)
    close (archive->fd);
  g_clear_object (&archive->gunzip);
  g_free (archive->block);
  g_free (archive->path);
  g_free (archive->member);
  g_free (archive->why);
  g_free (archive);
}

/* ---- members */

/* Behind the end of a tar come zeros, and then the checksum of the gzip stream, over all that was handed
 * out: to see it the stream must be read to its end. */
static gboolean
ends_well (RvArchive *archive)
{
  ssize_t n = 0;
  for (size_t sum = 0; archive->block && sum < 1 << 24; sum += (size_t)n)
    if ((n = read_stream (archive, archive->block + BLOCK, BLOCK)) <= 0)
      break;
  return n >= 0;
}

/* The next regular file of a zip or tar; NULL at the end and with an error. */
static const char *
next_packed (RvArchive *archive, GError **error)
{
  struct archive_entry *entry;
  int code;
  while ((code = archive_read_next_header (archive->packed, &entry)) == ARCHIVE_OK || code == ARCHIVE_WARN)
    {
      const char *name = archive_entry_pathname_utf8 (entry);
      if (!name)
        name = archive_entry_pathname (entry);
      g_free (archive->member);
      archive->member = name ? clean (name) : g_strdup_printf ("number %u", archive->next);
      archive->next++;
      archive->offset = 0;
      archive->size = archive_entry_size_is_set (entry) ? archive_entry_size (entry) : -1;
      g_autofree char *base = g_path_get_basename (archive->member);
      if (archive_entry_filetype (entry) == AE_IFREG && !archive_entry_hardlink (entry) && base[0] != '.')
        return archive->member;
    }
  if (code != ARCHIVE_EOF)
    rv_archive_fail (archive, -1, error, "what follows in the archive can not be read: %s",
                     archive_error_string (archive->packed));
  g_clear_pointer (&archive->member, g_free);
  if (code == ARCHIVE_EOF && !ends_well (archive))
    rv_archive_fail (archive, -1, error, "%s", archive->why);
  else if (code == ARCHIVE_EOF && was_replaced (archive))
    rv_archive_fail (archive, -1, error, "replaced");
  return NULL;
}

const char *
rv_archive_next (RvArchive *archive, GError **error)
{
  struct stat s;
  if (archive->packed)
    return next_packed (archive, error);
  if (archive->next >= (archive->files ? archive->files->len : 1))
    return NULL;
  g_free (archive->member);
  archive->offset = 0;
  if (archive->files)
    {
      if (archive->fd >= 0)
        close (archive->fd);
      archive->fd = -1;
      archive->member = g_strdup (archive->files->pdata[archive->next]);
      g_autofree char *path = place_of (archive);
      archive->size = stat (path, &s) == 0 ? s.st_size : -1;
    }
  else
    {
      g_autofree char *base = g_path_get_basename (archive->path);
      if (archive->block && g_str_has_suffix (base, ".gz"))
        base[strlen (base) - 3] = 0;
      archive->member = clean (base);
      archive->size = archive->block ? -1 : archive->opened.st_size;
    }
  archive->next++;
  return archive->member;
}

int64_t
rv_archive_size (const RvArchive *archive)
{
  return archive->size;
}

gssize
rv_archive_read (RvArchive *archive, void *buffer, size_t n, GError **error)
{
  size_t done = 0;
  ssize_t got = 1;
  if (archive->files && archive->fd < 0 && !open_file (archive, error))
    return -1;
  while (done < n && got > 0)
    {
      guint8 *to = (guint8 *)buffer + done;
      got = archive->packed ? archive_read_data (archive->packed, to, n - done)
                            : read_stream (archive, to, n - done);
      if (got < 0 && archive->packed)
        rv_archive_fail (archive, archive->offset, error,
                         "%s; this member begins at byte %" G_GINT64_FORMAT " of the archive",
                         archive_error_string (archive->packed),
                         (gint64)archive_read_header_position (archive->packed));
      else if (got < 0)
        rv_archive_fail (archive, archive->offset, error, "%s", archive->why);
      if (got < 0)
        return -1;
      done += (size_t)got;
      archive->offset += got;
    }
  if (got > 0 || archive->packed || !was_replaced (archive))
    return (gssize)done;
  rv_archive_fail (archive, archive->offset, error, "replaced");
  return -1;
}

GBytes *
rv_archive_read_all (RvArchive *archive, size_t most, GError **error)
{
  g_autofree guint8 *bytes = NULL;
  size_t room = 0, n = 0;
  for (;;)
    {
      guint8 over;
      const size_t more = MIN (MAX (room, BLOCK), most - n);
      if (n == room && more)
        bytes = g_realloc (bytes, room += more);
      const gssize got = n < room ? rv_archive_read (archive, bytes + n, room - n, error)
                                  : rv_archive_read (archive, &over, 1, error);
      if (got < 0)
        return NULL;
      if (n == room && got)
        {
          rv_archive_fail (archive, (int64_t)most, error,
                           "goes on, although such a file has no more than %zu bytes", most);
          return NULL;
        }
      n += (size_t)got;
      if (n < room || got == 0)
        break;
    }
  bytes = g_realloc (bytes, n);
  return g_bytes_new_take (g_steal_pointer (&bytes), n);
}
