/* The cap of the cache: what was not used for longest goes first. Nothing that somebody holds is taken
 * away. */
#include "pipeline/store.h"
#include <fcntl.h>
#include <glib/gstdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEFAULT_LIMIT (G_GUINT64_CONSTANT (8) << 30)

typedef struct
{
  char *path;
  gint64 used;
  guint64 size;
} Entry;

static void
free_entry (gpointer data)
{
  g_free (((Entry *)data)->path);
  g_free (data);
}

static guint64
size_of (const char *folder)
{
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  guint64 size = 0;
  struct stat s;
  for (const char *name; dir && (name = g_dir_read_name (dir));)
    {
      g_autofree char *path = g_build_filename (folder, name, NULL);
      if (g_lstat (path, &s) == 0)
        size += S_ISDIR (s.st_mode) ? size_of (path) : (guint64)s.st_blocks * 512;
    }
  return size;
}

static int
by_age (gconstpointer a, gconstpointer b)
{
  const Entry *x = *(Entry *const *)a, *y = *(Entry *const *)b;
  return (x->used > y->used) - (x->used < y->used);
}

/* Removes an entry that nobody holds. */
static void
evict (const Entry *entry)
{
  g_autofree char *path = g_build_filename (entry->path, "lock", NULL);
  const int lock = g_open (path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (lock >= 0 && flock (lock, LOCK_EX | LOCK_NB) == 0)
    rv_store_remove (entry->path);
  if (lock >= 0)
    close (lock);
}

void
rv_store_trim (void)
{
  g_autofree char *root = rv_store_cache ();
  const char *named = g_getenv ("RANVIER_CACHE_LIMIT");
  const guint64 limit = named && *named ? g_ascii_strtoull (named, NULL, 10) : DEFAULT_LIMIT;
  g_autoptr (GPtrArray) entries = g_ptr_array_new_with_free_func (free_entry);
  g_autoptr (GDir) dir = g_dir_open (root, 0, NULL);
  guint64 total = 0;
  for (const char *name; dir && (name = g_dir_read_name (dir));)
    {
      struct stat s = { 0 };
      Entry *entry = g_new0 (Entry, 1);
      entry->path = g_build_filename (root, name, NULL);
      g_autofree char *result = g_build_filename (entry->path, "result", NULL);
      entry->used = g_stat (result, &s) == 0 ? s.st_mtim.tv_sec : 0;
      entry->size = size_of (entry->path);
      total += entry->size;
      g_ptr_array_add (entries, entry);
    }
  g_ptr_array_sort (entries, by_age);
  for (guint k = 0; k < entries->len && total > limit; k++)
    {
      evict (entries->pdata[k]);
      total -= ((Entry *)entries->pdata[k])->size;
    }
}
