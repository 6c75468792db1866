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
  gboolean prepared;
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

/* Removes an entry; FALSE if somebody holds it. */
static gboolean
evict (const Entry *entry)
{
  g_autofree char *path = g_build_filename (entry->path, "lock", NULL);
  const int lock = g_open (path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  const gboolean free = lock >= 0 && flock (lock, LOCK_EX | LOCK_NB) == 0;
  if (free)
    rv_store_remove (entry->path);
  if (lock >= 0)
    close (lock);
  return free;
}

/* All entries of the cache, what was not used for longest first; Entry *, caller unrefs. */
static GPtrArray *
list_entries (void)
{
  g_autofree char *root = rv_store_cache ();
  GPtrArray *entries = g_ptr_array_new_with_free_func (free_entry);
  g_autoptr (GDir) dir = g_dir_open (root, 0, NULL);
  for (const char *name; dir && (name = g_dir_read_name (dir));)
    {
      struct stat s = { 0 };
      Entry *entry = g_new0 (Entry, 1);
      entry->path = g_build_filename (root, name, NULL);
      g_autofree char *result = g_build_filename (entry->path, "result", NULL),
                      *data = g_build_filename (result, "data", NULL);
      entry->used = g_stat (result, &s) == 0 ? s.st_mtim.tv_sec : 0;
      entry->size = size_of (entry->path);
      entry->prepared = g_file_test (data, G_FILE_TEST_EXISTS);
      g_ptr_array_add (entries, entry);
    }
  g_ptr_array_sort (entries, by_age);
  return entries;
}

guint64
rv_store_limit (void)
{
  const char *named = g_getenv ("RANVIER_CACHE_LIMIT");
  return named && *named ? g_ascii_strtoull (named, NULL, 10) : DEFAULT_LIMIT;
}

RvStoreUse
rv_store_use (void)
{
  RvStoreUse use = { 0 };
  g_autoptr (GPtrArray) entries = list_entries ();
  for (guint k = 0; k < entries->len; k++)
    {
      const Entry *entry = entries->pdata[k];
      use.entries[entry->prepared]++;
      use.bytes[entry->prepared] += entry->size;
    }
  return use;
}

guint
rv_store_clear (void)
{
  g_autoptr (GPtrArray) entries = list_entries ();
  guint held = 0;
  for (guint k = 0; k < entries->len; k++)
    held += !evict (entries->pdata[k]);
  return held;
}

void
rv_store_trim (void)
{
  const guint64 limit = rv_store_limit ();
  g_autoptr (GPtrArray) entries = list_entries ();
  guint64 total = 0;
  for (guint k = 0; k < entries->len; k++)
    total += ((Entry *)entries->pdata[k])->size;
  for (guint k = 0; k < entries->len && total > limit; k++)
    {
      evict (entries->pdata[k]);
      total -= ((Entry *)entries->pdata[k])->size;
    }
}
