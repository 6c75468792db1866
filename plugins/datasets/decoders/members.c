/* The central directory of a zip, read here since libarchive goes to every member to tell its name, which
 * reads the whole file. Where anything about it is unusual, the archive is walked through after all. */
#include "members.h"
#include <fcntl.h>
#include <glib/gstdio.h>
#include <ranvier/archive.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define END 22   /* bytes of the record at the end, before its comment of up to 65,535 */
#define ENTRY 46 /* bytes of an entry, before name, extra field and comment */
#define MOST (256 << 20)

static uint32_t
number (const guint8 *bytes, guint n)
{
  uint32_t value = 0;
  while (n--)
    value = value << 8 | bytes[n];
  return value;
}

/* The last `n` bytes before `end`; caller owns, NULL if they can not be read. */
static guint8 *
read_before (int fd, off_t end, size_t n)
{
  g_autofree guint8 *bytes = g_malloc (n + 1);
  return n <= (size_t)end && pread (fd, bytes, n, end - (off_t)n) == (ssize_t)n ? g_steal_pointer (&bytes)
                                                                                : NULL;
}

static gboolean
parse_entries (const guint8 *at, size_t n, uint32_t count, GPtrArray *names)
{
  for (; count > 0; count--)
    {
      if (n < ENTRY || memcmp (at, "PK\1\2", 4) != 0)
        return FALSE;
      const size_t length = number (at + 28, 2),
                   whole = ENTRY + length + number (at + 30, 2) + number (at + 32, 2);
      if (whole > n)
        return FALSE;
      g_autofree char *name = g_strndup ((const char *)at + ENTRY, length),
                      *base = g_path_get_basename (name);
      for (const char *c = name; *c; c++)
        if ((guchar)*c < 0x20 || *c == 0x7f)
          return FALSE;
      if (!g_utf8_validate (name, -1, NULL))
        return FALSE;
      if (length && !g_str_has_suffix (name, "/") && base[0] != '.')
        g_ptr_array_add (names, g_steal_pointer (&name));
      at += whole;
      n -= whole;
    }
  return n == 0;
}

/* FALSE where it is no zip, or one that says more than this understands. */
static gboolean
list_zip (int fd, off_t size, GPtrArray *names)
{
  const size_t n = (size_t)MIN (size, END + 65535);
  g_autofree guint8 *tail = read_before (fd, size, n), *directory = NULL;
  for (size_t at = n - END; tail && n >= END; at--)
    {
      const guint8 *end = tail + at;
      const uint32_t entries = number (end + 10, 2), length = number (end + 12, 4),
                     start = number (end + 16, 4);
      if (memcmp (end, "PK\5\6", 4) == 0 && number (end + 20, 2) == n - at - END)
        {
          const off_t where = size - (off_t)(n - at);
          if (entries == 0xffff || length > MOST || (off_t)start + length != where)
            return FALSE;
          directory = read_before (fd, where, length);
          return directory && parse_entries (directory, length, entries, names);
        }
      if (at == 0)
        break;
    }
  return FALSE;
}

GPtrArray *
members_list (const char *path, GError **error)
{
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);
  struct stat s;
  const int fd = g_open (path, O_RDONLY | O_CLOEXEC, 0);
  const gboolean listed
      = fd >= 0 && fstat (fd, &s) == 0 && S_ISREG (s.st_mode) && list_zip (fd, s.st_size, names);
  if (fd >= 0)
    close (fd);
  if (listed)
    return g_steal_pointer (&names);
  g_ptr_array_set_size (names, 0);
  g_autoptr (GError) inner = NULL;
  g_autoptr (RvArchive) archive = rv_archive_open (path, &inner);
  for (const char *name; archive && (name = rv_archive_next (archive, &inner));)
    g_ptr_array_add (names, g_strdup (name));
  if (!inner)
    return g_steal_pointer (&names);
  g_propagate_error (error, g_steal_pointer (&inner));
  return NULL;
}

char *
members_folder (const char *name)
{
  g_autofree char *above = g_path_get_dirname (name);
  return strcmp (above, ".") == 0 ? g_strdup ("") : g_path_get_basename (above);
}
