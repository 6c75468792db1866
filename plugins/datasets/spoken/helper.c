/* Starts ranvier-hdf5-events over a file, unpacked first if need be, and hears it out. Whatever the helper
 * does, crash, hang or talk nonsense, ends in an error that names the file. */
#include "helper.h"
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define HELPER         "ranvier-hdf5-events"
#define SILENT_SECONDS 120
#define MOST_UNPACKED  (G_GINT64_CONSTANT (16) << 30)
#define MOST_RATIO     64 /* deflate could do 1000; recordings come to about 2 */

typedef struct
{
  RvNode *node;
  int out, errors;
  GPid pid;
  char *scratch;  /* name of the unpacked copy; NULL: it is gone, or there is none */
  gboolean ended; /* it has closed its output */
} Helper;

gboolean
spoken_is_packed (const char *path)
{
  guint8 start[4] = { 0 };
  const int fd = g_open (path, O_RDONLY | O_CLOEXEC, 0);
  const gboolean got = fd >= 0 && read (fd, start, sizeof start) == sizeof start;
  if (fd >= 0)
    close (fd);
  return got && ((start[0] == 0x1f && start[1] == 0x8b) || memcmp (start, "PK", 2) == 0);
}

/* ---- unpacking */

/* A new file in the user's cache folder. It keeps its name only until the helper has opened it: libhdf5
 * refuses files that have none. */
static int
open_scratch (char **name_out, GError **error)
{
  g_autofree char *folder = g_build_filename (g_get_user_cache_dir (), "ranvier", NULL);
  g_autofree char *name = g_build_filename (folder, "unpacked-XXXXXX", NULL);
  const int fd
      = g_mkdir_with_parents (folder, 0700) == 0 ? g_mkstemp_full (name, O_RDWR | O_CLOEXEC, 0600) : -1;
  if (fd >= 0)
    *name_out = g_steal_pointer (&name);
  else
    g_set_error (error, RV_ERROR, RV_ERROR_IO, "no file to unpack to can be made in %s: %s", folder,
                 g_strerror (errno));
  return fd;
}

static gboolean
write_all (int fd, const guint8 *data, gsize n, GError **error)
{
  while (n > 0)
    {
      const gssize done = write (fd, data, n);
      if (done < 0 && errno == EINTR)
        continue;
      if (done < 0)
        {
          g_set_error (error, RV_ERROR, RV_ERROR_IO, "unpacking to %s/ranvier failed: %s",
                       g_get_user_cache_dir (), g_strerror (errno));
          return FALSE;
        }
      data += done;
      n -= (gsize)done;
    }
  return TRUE;
}

static gboolean
unpack_member (RvNode *node, RvArchive *archive, const char *path, int fd, GError **error)
{
  g_autofree guint8 *block = g_malloc (1 << 20);
  struct stat s;
  if (stat (path, &s) != 0)
    s.st_size = 0;
  const gint64 most = MIN (MOST_UNPACKED, (1 << 20) + MOST_RATIO * (gint64)s.st_size);
  gssize n;
  for (gint64 sum = 0; (n = rv_archive_read (archive, block, 1 << 20, error)) > 0; sum += n)
    {
      if (sum + n > most)
        {
          rv_archive_fail (archive, most, error,
                           "it unpacks to more than %" G_GINT64_FORMAT " bytes, which no set does", most);
          return FALSE;
        }
      if (!write_all (fd, block, (gsize)n, error))
        return FALSE;
      if (rv_node_stopped (node))
        {
          g_set_error (error, RV_ERROR, RV_ERROR_STOPPED, "interrupted while %s was unpacked", path);
          return FALSE;
        }
    }
  return n == 0 && lseek (fd, 0, SEEK_SET) == 0;
}

/* Unpacks the first member, of a zip the first whose name ends as it should. Returns a descriptor, -1 with
 * an error. */
static int
unpack (RvNode *node, const char *path, char **scratch, GError **error)
{
  g_autoptr (RvArchive) archive = rv_archive_open (path, error);
  GError *inner = NULL;
  const char *member = NULL;
  int fd = -1;
  const gboolean zip = g_str_has_suffix (path, ".zip");
  while (archive && (member = rv_archive_next (archive, &inner)) && zip && !g_str_has_suffix (member, ".h5"))
    ;
  if (inner)
    g_propagate_error (error, inner);
  else if (archive && !member)
    g_set_error (error, RV_ERROR, RV_ERROR_DATA, "%s holds no file .h5", path);
  if (member)
    fd = open_scratch (scratch, error);
  if (fd < 0 || unpack_member (node, archive, path, fd, error))
    return fd;
  close (fd);
  return -1;
}

/* ---- the helper */

/* It stands beside the module that this code is in. */
static char *
helper_path (void)
{
  static const char here = 0;
  Dl_info info;
  g_autofree char *folder
      = dladdr (&here, &info) && info.dli_fname ? g_path_get_dirname (info.dli_fname) : NULL;
  return folder ? g_build_filename (folder, HELPER, NULL) : g_strdup (HELPER);
}

static gboolean
start (Helper *helper, int file, gboolean head_only, GError **error)
{
  g_autofree char *program = helper_path ();
  g_auto (GStrv) environment = g_environ_setenv (g_get_environ (), "HDF5_USE_FILE_LOCKING", "FALSE", TRUE);
  const char *const argv[] = { program, head_only ? "head" : "all", NULL };
  return g_spawn_async_with_pipes_and_fds (
      NULL, argv, (const char *const *)environment, G_SPAWN_DO_NOT_REAP_CHILD | G_SPAWN_CLOEXEC_PIPES, NULL,
      NULL, file, -1, -1, NULL, NULL, 0, &helper->pid, NULL, &helper->out, &helper->errors, error);
}

static void
remove_scratch (Helper *helper)
{
  if (helper->scratch)
    g_unlink (helper->scratch);
  g_clear_pointer (&helper->scratch, g_free);
}

/* SpokenRead: waits in short pieces, so that the user can stop it. */
static gssize
hear (void *user, void *buffer, size_t n, GError **error)
{
  Helper *helper = user;
  const gint64 deadline = g_get_monotonic_time () + SILENT_SECONDS * G_USEC_PER_SEC;
  while (!rv_node_stopped (helper->node) && g_get_monotonic_time () < deadline)
    {
      if (poll (&(struct pollfd){ helper->out, POLLIN, 0 }, 1, 200) <= 0)
        continue;
      const gssize got = read (helper->out, buffer, n);
      helper->ended = got == 0;
      remove_scratch (helper); /* what it says, or its end, tells that it has opened the file */
      if (got >= 0)
        return got;
      if (errno != EINTR)
        break;
    }
  if (rv_node_stopped (helper->node))
    g_set_error (error, RV_ERROR, RV_ERROR_STOPPED, "interrupted");
  else
    g_set_error (error, RV_ERROR, RV_ERROR_DATA, "libhdf5 said nothing about it for %d s; is it damaged?",
                 SILENT_SECONDS);
  return -1;
}

static void
show (void *user, uint32_t done, uint32_t total)
{
  const Helper *helper = user;
  rv_node_progress (helper->node, done, total, "reading");
}

/* Ends the helper. What it says itself is told in place of what its silence led to. */
static void
finish (Helper *helper, GError **inner)
{
  g_autoptr (GString) said = g_string_new (NULL);
  char text[512];
  gssize n;
  int status = 0;
  if (*inner && !helper->ended)
    kill (helper->pid, SIGKILL); /* it is silent, or goes on with what nobody wants to hear */
  close (helper->out);
  while ((n = read (helper->errors, text, sizeof text)) > 0 || (n < 0 && errno == EINTR))
    if (said->len < sizeof text)
      g_string_append_len (said, text, MAX (n, 0));
  close (helper->errors);
  while (waitpid (helper->pid, &status, 0) < 0 && errno == EINTR)
    ;
  if (!*inner || !helper->ended || (*inner)->code == RV_ERROR_STOPPED)
    return;
  const int signal = WIFSIGNALED (status) ? WTERMSIG (status) : 0;
  g_autofree char *line = g_utf8_make_valid (g_strchomp (said->str), -1);
  if (signal || *line)
    g_clear_error (inner);
  if (rv_node_stopped (helper->node) || signal == SIGINT || signal == SIGTERM)
    g_set_error (inner, RV_ERROR, RV_ERROR_STOPPED, "interrupted");
  else if (signal)
    g_set_error (inner, RV_ERROR, RV_ERROR_DATA, "libhdf5 crashed over it (signal %d, %s): it is damaged",
                 signal, g_strsignal (signal));
  else if (*line)
    g_set_error_literal (inner, RV_ERROR, RV_ERROR_DATA, line);
}

static gboolean
is_same (const struct stat *a, const struct stat *b)
{
  return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size
         && a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

SpokenSet *
spoken_read_file (RvNode *node, const char *path, uint32_t most_classes, gboolean strict, gboolean head_only,
                  GError **error)
{
  Helper helper = { .node = node };
  const SpokenSource source = { hear, &helper, show, most_classes, strict, head_only };
  GError *inner = NULL;
  struct stat before, after;
  g_autoptr (SpokenSet) set = NULL;
  if (stat (path, &before) != 0)
    memset (&before, 0, sizeof before);
  const gboolean packed = spoken_is_packed (path);
  const int file
      = packed ? unpack (node, path, &helper.scratch, error) : g_open (path, O_RDONLY | O_CLOEXEC, 0);
  if (file < 0)
    {
      remove_scratch (&helper);
      if (!packed)
        g_set_error (error, RV_ERROR, RV_ERROR_DATA, "%s can not be read: %s", path, g_strerror (errno));
      return NULL;
    }
  if (!start (&helper, file, head_only, &inner))
    {
      g_propagate_prefixed_error (error, inner, "%s is read by a program that can not be started: ", path);
      remove_scratch (&helper);
      close (file);
      return NULL;
    }
  close (file);
  set = spoken_set_read (&source, &inner);
  remove_scratch (&helper);
  finish (&helper, &inner);
  if (inner)
    g_propagate_prefixed_error (error, inner, "%s: ", path);
  else if (stat (path, &after) == 0 && is_same (&before, &after))
    return g_steal_pointer (&set);
  else
    g_set_error (error, RV_ERROR, RV_ERROR_DATA, "%s was replaced or written to while it was read", path);
  return NULL;
}
