/* SHA-256 of files. What was read is remembered in one text file below the XDG cache directory, a line a
 * file: what tells the file apart, and its digest. The memory may be lost at any time. */
#include "base/filehash.h"
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MOST_REMEMBERED (1 << 20) /* bytes; about 7,000 files */
#define SMALL (4 << 20)           /* bytes that are read again sooner than looked up */
#define DIGEST 64                 /* characters of a SHA-256 */

/* "device inode size changed modified ", by which a file and its content are known; caller owns. */
static char *
key_of (const struct stat *s)
{
  return g_strdup_printf ("%llx %llx %llx %llx.%09ld %llx.%09ld ", (unsigned long long)s->st_dev,
                          (unsigned long long)s->st_ino, (unsigned long long)s->st_size,
                          (unsigned long long)s->st_ctim.tv_sec, s->st_ctim.tv_nsec,
                          (unsigned long long)s->st_mtim.tv_sec, s->st_mtim.tv_nsec);
}

static char *
memory_path (void)
{
  return g_build_filename (g_get_user_cache_dir (), "ranvier", "hashes", NULL);
}

/* The digest of `length` characters remembered for `key`, or NULL; caller owns. */
static char *
recall (const char *key, gsize length)
{
  g_autofree char *path = memory_path (), *text = NULL;
  if (!g_file_get_contents (path, &text, NULL, NULL))
    return NULL;
  for (const char *at = strstr (text, key); at; at = strstr (at + 1, key))
    if ((at == text || at[-1] == '\n') && strlen (at) > strlen (key) + length
        && at[strlen (key) + length] == '\n')
      return g_strndup (at + strlen (key), length);
  return NULL;
}

/* One write, so that several programs may add at once. A memory that grew too long begins anew. */
static void
remember (const char *key, const char *digest)
{
  g_autofree char *path = memory_path (), *folder = g_path_get_dirname (path);
  g_autofree char *line = g_strconcat (key, digest, "\n", NULL);
  struct stat s;
  g_mkdir_with_parents (folder, 0700);
  const int flags = stat (path, &s) == 0 && s.st_size > MOST_REMEMBERED ? O_TRUNC : O_APPEND;
  const int fd = g_open (path, O_WRONLY | O_CREAT | O_CLOEXEC | flags, 0600);
  if (fd < 0)
    return;
  if (write (fd, line, strlen (line)) < 0)
    g_debug ("%s: %s", path, g_strerror (errno));
  close (fd);
}

static char *
read_and_hash (int fd, GChecksumType type, const char *path, GError **error)
{
  g_autoptr (GChecksum) sum = g_checksum_new (type);
  g_autofree guchar *block = g_malloc (1 << 20);
  ssize_t n;
  while ((n = read (fd, block, 1 << 20)) > 0)
    g_checksum_update (sum, block, n);
  if (n == 0)
    return g_strdup (g_checksum_get_string (sum));
  g_set_error (error, RV_ERROR, RV_ERROR_IO, "%s can not be read: %s", path, g_strerror (errno));
  return NULL;
}

static char *
hash_file (const char *path, GChecksumType type, gboolean again, GError **error)
{
  struct stat before, after;
  const int fd = g_open (path, O_RDONLY | O_CLOEXEC, 0);
  if (fd < 0 || fstat (fd, &before) != 0)
    {
      g_set_error (error, RV_ERROR, RV_ERROR_IO, "%s can not be read: %s", path, g_strerror (errno));
      if (fd >= 0)
        close (fd);
      return NULL;
    }
  const char *kind = type == G_CHECKSUM_MD5 ? "md5 " : "";
  const gsize length = 2 * (gsize)g_checksum_type_get_length (type);
  g_autofree char *plain = key_of (&before), *key = g_strconcat (kind, plain, NULL);
  char *digest = again || before.st_size < SMALL ? NULL : recall (key, length);
  const gboolean known = digest != NULL;
  if (!known)
    digest = read_and_hash (fd, type, path, error);
  /* a file that changes while it is read is not remembered, nor one so young that it might change unseen */
  if (!known && digest && before.st_size >= SMALL && fstat (fd, &after) == 0
      && g_get_real_time () / G_USEC_PER_SEC > after.st_ctim.tv_sec + 1)
    {
      g_autofree char *now = key_of (&after);
      if (strcmp (now, plain) == 0)
        remember (key, digest);
    }
  close (fd);
  return digest;
}

char *
rv_file_hash (const char *path, gboolean again, GError **error)
{
  return hash_file (path, G_CHECKSUM_SHA256, again, error);
}

char *
rv_file_md5 (const char *path, gboolean again, GError **error)
{
  return hash_file (path, G_CHECKSUM_MD5, again, error);
}

/* One key for all files: what tells each apart, so that thousands of small ones need not be read again.
 * `newest` is when the last of them changed. Caller owns; NULL with an error. */
static char *
key_of_all (const char *folder, const GPtrArray *names, gint64 *newest, GError **error)
{
  g_autoptr (GChecksum) sum = g_checksum_new (G_CHECKSUM_SHA256);
  for (guint k = 0; k < names->len; k++)
    {
      g_autofree char *path = g_build_filename (folder, names->pdata[k], NULL);
      struct stat s;
      if (stat (path, &s) != 0)
        {
          g_set_error (error, RV_ERROR, RV_ERROR_IO, "%s can not be read: %s", path, g_strerror (errno));
          return NULL;
        }
      g_autofree char *key = key_of (&s);
      g_checksum_update (sum, names->pdata[k], (gssize)strlen (names->pdata[k]) + 1);
      g_checksum_update (sum, (const guchar *)key, -1);
      *newest = MAX (*newest, s.st_ctim.tv_sec);
    }
  return g_strdup_printf ("all %s ", g_checksum_get_string (sum));
}

char *
rv_files_hash (const char *folder, const GPtrArray *names, gboolean again, GError **error)
{
  gint64 newest = 0;
  g_autofree char *key = key_of_all (folder, names, &newest, error);
  g_autoptr (GChecksum) sum = g_checksum_new (G_CHECKSUM_SHA256);
  char *known = key && !again ? recall (key, DIGEST) : NULL;
  if (!key || known)
    return known;
  for (guint k = 0; k < names->len; k++)
    {
      g_autofree char *path = g_build_filename (folder, names->pdata[k], NULL);
      g_autofree char *digest = rv_file_hash (path, again, error);
      if (!digest)
        return NULL;
      g_checksum_update (sum, names->pdata[k], (gssize)strlen (names->pdata[k]) + 1);
      g_checksum_update (sum, (const guchar *)digest, -1);
    }
  char *digest = g_strdup (g_checksum_get_string (sum));
  g_autofree char *now = key_of_all (folder, names, &newest, NULL);
  if (g_strcmp0 (now, key) == 0 && g_get_real_time () / G_USEC_PER_SEC > newest + 1)
    remember (key, digest);
  return digest;
}

char *
rv_build_hash (void)
{
  Dl_info info;
  char *digest
      = dladdr (rv_build_hash, &info) && info.dli_fname ? rv_file_hash (info.dli_fname, FALSE, NULL) : NULL;
  return digest ? digest : g_strdup ("unknown");
}
