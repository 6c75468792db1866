/* Finds plugin files, loads them on first use, and accepts only those that keep the contract: one bad plugin
 * must say why and break nothing else. */
#include "plugin/registry.h"

#include "base/value.h"
#include "plugin/module.h"
#include "plugin/probe.h"

#include <dlfcn.h>
#include <string.h>

typedef struct
{
  const RvPlugin *plugin;
  char *file, *hash;
} Loaded;

static GPtrArray *first_folders;     /* RvPluginFolder *, of --plugin-path */
static GHashTable *loaded_by_name;   /* "kind/name" -> Loaded */
static GHashTable *loaded_by_plugin; /* the same, by descriptor */
static GHashTable *failures;         /* file -> why: a second dlopen runs no constructor and would hide it */
static char *probe_program;          /* whose child loads each file first; NULL: none does */

/* ---- folders */

static void
free_folder (gpointer data)
{
  RvPluginFolder *folder = data;

  g_free (folder->path);
  g_free (folder);
}

/* The first origin of a folder counts. */
static void
add_folder (GPtrArray *folders, const char *path, const char *origin)
{
  RvPluginFolder *folder;

  if (path[0] == '\0')
    return;
  for (guint i = 0; i < folders->len; i++)
    if (g_str_equal (((RvPluginFolder *)folders->pdata[i])->path, path))
      return;
  folder = g_new0 (RvPluginFolder, 1);
  folder->path = g_strdup (path);
  folder->origin = origin;
  g_ptr_array_add (folders, folder);
}

static void
add_folders (GPtrArray *folders, const char *paths, const char *origin)
{
  g_auto (GStrv) parts = g_strsplit (paths, G_SEARCHPATH_SEPARATOR_S, -1);

  for (char **part = parts; *part != NULL; part++)
    {
      g_autofree char *path = (*part)[0] != '\0' ? g_canonicalize_filename (*part, NULL) : g_strdup ("");
      add_folder (folders, path, origin);
    }
}

void
rv_registry_add_path (const char *paths)
{
  if (first_folders == NULL)
    first_folders = g_ptr_array_new_with_free_func (free_folder);
  add_folders (first_folders, paths, "--plugin-path");
}

/* The plugins lie where the library lies, so that an installed tree may be moved:
 * LIBDIR/ranvier-1/plugins. In a build folder (core/libranvier-1.so, plugins/) it is the folder beside. */
static void
add_own_folder (GPtrArray *folders)
{
  g_autofree char *file = NULL, *library = NULL, *installed = NULL, *base = NULL, *built = NULL;
  Dl_info info;

  if (dladdr (&first_folders, &info) == 0 || info.dli_fname == NULL)
    return;
  file = g_canonicalize_filename (info.dli_fname, NULL);
  library = g_path_get_dirname (file);
  installed = g_build_filename (library, "ranvier-1", "plugins", NULL);
  base = g_path_get_basename (library);
  built = g_build_filename (library, "..", "plugins", NULL);
  if (!g_file_test (installed, G_FILE_TEST_IS_DIR) && g_str_equal (base, "core")
      && g_file_test (built, G_FILE_TEST_IS_DIR))
    add_folders (folders, built, "build");
  else
    add_folder (folders, installed, "install");
}

GPtrArray *
rv_registry_folders (void)
{
  GPtrArray *folders = g_ptr_array_new_with_free_func (free_folder);
  g_autofree char *user = g_build_filename (g_get_user_data_dir (), "ranvier-1", "plugins", NULL);
  const char *paths = g_getenv ("RANVIER_PLUGIN_PATH");

  for (guint i = 0; first_folders != NULL && i < first_folders->len; i++)
    {
      const RvPluginFolder *folder = first_folders->pdata[i];
      add_folder (folders, folder->path, folder->origin);
    }
  if (paths != NULL)
    add_folders (folders, paths, "RANVIER_PLUGIN_PATH");
  add_folder (folders, user, "user");
  add_own_folder (folders);
  return folders;
}

static int
compare_names (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *)a, *(const char *const *)b);
}

/* The names of all modules of a folder, sorted; NULL-terminated, elements owned. */
static GPtrArray *
read_folder (const RvPluginFolder *folder)
{
  GPtrArray *files = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GDir) dir = g_dir_open (folder->path, 0, NULL);
  const char *file;

  while (dir != NULL && (file = g_dir_read_name (dir)) != NULL)
    if (g_str_has_suffix (file, "." G_MODULE_SUFFIX) && file[0] != '.')
      g_ptr_array_add (files, g_strdup (file));
  g_ptr_array_sort (files, compare_names);
  return files;
}

char **
rv_registry_names (const char *kind)
{
  g_autoptr (GPtrArray) folders = rv_registry_folders ();
  GPtrArray *names = g_ptr_array_new ();

  for (guint i = 0; i < folders->len; i++)
    {
      g_autoptr (GPtrArray) files = read_folder (folders->pdata[i]);

      for (guint k = 0; k < files->len; k++)
        {
          g_autofree char *its_kind = NULL, *name = NULL;

          if (rv_module_split (files->pdata[k], &its_kind, &name) && g_str_equal (its_kind, kind)
              && !g_ptr_array_find_with_equal_func (names, name, g_str_equal, NULL))
            g_ptr_array_add (names, g_steal_pointer (&name));
        }
    }
  g_ptr_array_sort (names, compare_names);
  g_ptr_array_add (names, NULL);
  return (char **)g_ptr_array_free (names, FALSE);
}

/* ---- loading */

void
rv_registry_set_probe (const char *program)
{
  rv_probe_end ();
  g_free (probe_program);
  probe_program = g_strdup (program);
}

void
rv_registry_rest (void)
{
  rv_probe_end ();
}

static void
set_unknown (const char *kind, const char *name, GError **error)
{
  const char *const *all = rv_registry_kinds ();
  g_auto (GStrv) names = NULL;
  g_autofree char *list = NULL, *hint = NULL;

  if (!g_strv_contains (all, kind))
    {
      hint = rv_hint (kind, all);
      list = hint[0] != '\0' ? g_strdup ("") : g_strjoinv (", ", (char **)all);
      g_set_error (error, RV_ERROR, RV_ERROR_PIPELINE, "there is no kind of plugin '%s'%s%s%s", kind, hint,
                   list[0] != '\0' ? "; the kinds are " : "", list);
      return;
    }
  names = rv_registry_names (kind);
  hint = rv_hint (name, (const char *const *)names);
  list = hint[0] != '\0' ? g_strdup ("") : g_strjoinv (", ", names);
  g_set_error (error, RV_ERROR, RV_ERROR_PIPELINE, "there is no plugin %s/%s%s%s%s (ranvier plugins %s)",
               kind, name, hint, list[0] != '\0' ? "; known: " : "", list, kind);
}

/* Whatever bears the name counts, so that a link that leads nowhere is told and not passed over. */
static gboolean
is_there (const char *file)
{
  return g_file_test (file, G_FILE_TEST_EXISTS) || g_file_test (file, G_FILE_TEST_IS_SYMLINK);
}

static char *
find_file (const char *kind, const char *name)
{
  g_autoptr (GPtrArray) folders = rv_registry_folders ();
  g_autofree char *base = rv_module_base (kind, name);

  if (!g_strv_contains (rv_registry_kinds (), kind) || !rv_is_word (name, "-_"))
    return NULL;
  for (guint i = 0; i < folders->len; i++)
    {
      g_autofree char *file = g_build_filename (((RvPluginFolder *)folders->pdata[i])->path, base, NULL);
      if (is_there (file))
        return g_steal_pointer (&file);
    }
  return NULL;
}

/* The plugin, or NULL and why, owned. */
static const RvPlugin *
open_file (const char *file, char **hash, char **why)
{
  if (probe_program != NULL)
    {
      g_auto (RvProbe) probe = { NULL, NULL, NULL };

      rv_probe_file (probe_program, file, &probe);
      *why = g_steal_pointer (&probe.why);
      if (*why != NULL)
        return NULL;
    }
  return rv_module_open (file, hash, why);
}

static const RvPlugin *
load (const char *key, const char *file, GError **error)
{
  const char *earlier = g_hash_table_lookup (failures, file);
  g_autofree char *hash = NULL, *why = NULL;
  const RvPlugin *plugin = earlier == NULL ? open_file (file, &hash, &why) : NULL;
  Loaded *loaded;

  if (plugin == NULL)
    {
      g_set_error (error, RV_ERROR, RV_ERROR_PLUGIN, "%s can not be used: %s (%s)", key,
                   earlier != NULL ? earlier : why, file);
      if (why != NULL)
        g_hash_table_insert (failures, g_strdup (file), g_steal_pointer (&why));
      return NULL;
    }
  loaded = g_new0 (Loaded, 1);
  loaded->plugin = plugin;
  loaded->file = g_strdup (file);
  loaded->hash = g_steal_pointer (&hash);
  g_hash_table_insert (loaded_by_name, g_strdup (key), loaded);
  g_hash_table_insert (loaded_by_plugin, (gpointer)plugin, loaded);
  return plugin;
}

const RvPlugin *
rv_registry_get (const char *kind, const char *name, GError **error)
{
  g_autofree char *key = g_strconcat (kind, "/", name, NULL);
  g_autofree char *file = NULL;
  const Loaded *loaded;

  if (loaded_by_name == NULL)
    {
      loaded_by_name = g_hash_table_new (g_str_hash, g_str_equal);
      loaded_by_plugin = g_hash_table_new (NULL, NULL);
      failures = g_hash_table_new (g_str_hash, g_str_equal);
    }
  loaded = g_hash_table_lookup (loaded_by_name, key);
  if (loaded != NULL)
    return loaded->plugin;
  file = find_file (kind, name);
  if (file == NULL)
    {
      set_unknown (kind, name, error);
      return NULL;
    }
  return load (key, file, error);
}

static const Loaded *
find_loaded (const RvPlugin *plugin)
{
  return loaded_by_plugin != NULL ? g_hash_table_lookup (loaded_by_plugin, plugin) : NULL;
}

const char *
rv_registry_file (const RvPlugin *plugin)
{
  const Loaded *loaded = find_loaded (plugin);

  return loaded != NULL ? loaded->file : NULL;
}

const char *
rv_registry_hash (const RvPlugin *plugin)
{
  const Loaded *loaded = find_loaded (plugin);

  return loaded != NULL ? loaded->hash : NULL;
}

/* ---- listing */

static void
free_entry (gpointer data)
{
  RvPluginEntry *entry = data;

  g_free (entry->kind);
  g_free (entry->name);
  g_free (entry->file);
  g_ptr_array_unref (entry->hidden);
  rv_probe_clear (&entry->probe);
  g_free (entry);
}

/* By kind in the order of the kinds, then by name; strangers last. */
static int
compare_entries (gconstpointer a, gconstpointer b)
{
  const RvPluginEntry *const one = *(RvPluginEntry *const *)a, *const other = *(RvPluginEntry *const *)b;
  const char *const *kinds = rv_registry_kinds ();

  if (g_strcmp0 (one->kind, other->kind) == 0)
    return strcmp (one->name, other->name);
  for (; *kinds != NULL; kinds++)
    if (g_strcmp0 (one->kind, *kinds) == 0 || g_strcmp0 (other->kind, *kinds) == 0)
      return g_strcmp0 (one->kind, *kinds) == 0 ? -1 : 1;
  return 0;
}

static void
list_file (GPtrArray *entries, const RvPluginFolder *folder, const char *base, const char *kind)
{
  g_autofree char *its_kind = NULL, *name = NULL;
  const gboolean is_named = rv_module_split (base, &its_kind, &name);
  RvPluginEntry *entry;

  if (kind != NULL && g_strcmp0 (kind, its_kind) != 0)
    return;
  for (guint k = 0; is_named && k < entries->len; k++)
    {
      entry = entries->pdata[k];
      if (g_strcmp0 (entry->kind, its_kind) == 0 && g_str_equal (entry->name, name))
        {
          g_ptr_array_add (entry->hidden, g_build_filename (folder->path, base, NULL));
          return;
        }
    }
  entry = g_new0 (RvPluginEntry, 1);
  entry->kind = g_steal_pointer (&its_kind);
  entry->name = is_named ? g_steal_pointer (&name) : g_strdup (base);
  entry->file = g_build_filename (folder->path, base, NULL);
  entry->origin = folder->origin;
  entry->hidden = g_ptr_array_new_with_free_func (g_free);
  rv_probe_file (probe_program, entry->file, &entry->probe);
  g_ptr_array_add (entries, entry);
}

GPtrArray *
rv_registry_list (const char *kind)
{
  g_autoptr (GPtrArray) folders = rv_registry_folders ();
  GPtrArray *entries = g_ptr_array_new_with_free_func (free_entry);

  for (guint i = 0; i < folders->len; i++)
    {
      g_autoptr (GPtrArray) files = read_folder (folders->pdata[i]);

      for (guint k = 0; k < files->len; k++)
        list_file (entries, folders->pdata[i], files->pdata[k], kind);
    }
  rv_registry_rest ();
  g_ptr_array_sort (entries, compare_entries);
  return entries;
}
