/* Finds plugin files, loads them on first use, and accepts only those that keep the contract: one bad plugin
 * must say why and break nothing else. */
#include "plugin/registry.h"

#include "base/value.h"
#include <ranvier/ranvier.h>

#include <dlfcn.h>
#include <fenv.h>
#include <gmodule.h>
#include <string.h>

#define SUFFIX "." G_MODULE_SUFFIX

typedef struct
{
  const RvPlugin *plugin;
  char *file, *hash;
} Loaded;

static GPtrArray *first_folders;     /* RvPluginFolder *, of --plugin-path */
static GHashTable *loaded_by_name;   /* "kind/name" -> Loaded */
static GHashTable *loaded_by_plugin; /* the same, by descriptor */
static GHashTable *failures;         /* file -> why: a second dlopen runs no constructor and would hide it */

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

/* The plugins lie where the library lies, so that an installed tree may be moved: LIBDIR/ranvier-1/plugins. In a
 * build folder (core/libranvier-1.so, plugins/) it is the folder beside. */
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

char **
rv_registry_names (const char *kind)
{
  g_autoptr (GPtrArray) folders = rv_registry_folders ();
  g_autofree char *prefix = g_strconcat (kind, "-", NULL);
  GPtrArray *names = g_ptr_array_new ();

  for (guint i = 0; i < folders->len; i++)
    {
      g_autoptr (GDir) dir = g_dir_open (((RvPluginFolder *)folders->pdata[i])->path, 0, NULL);
      const char *file;

      while (dir != NULL && (file = g_dir_read_name (dir)) != NULL)
        {
          const gsize start = strlen (prefix), end = strlen (file) - MIN (strlen (file), strlen (SUFFIX));
          g_autofree char *name = NULL;

          if (!g_str_has_prefix (file, prefix) || !g_str_has_suffix (file, SUFFIX) || end <= start)
            continue;
          name = g_strndup (file + start, end - start);
          if (!g_ptr_array_find_with_equal_func (names, name, g_str_equal, NULL))
            g_ptr_array_add (names, g_steal_pointer (&name));
        }
    }
  g_ptr_array_sort (names, compare_names);
  g_ptr_array_add (names, NULL);
  return (char **)g_ptr_array_free (names, FALSE);
}

/* ---- loading */

/* Rounding, flushing of denormals and masks of this thread; not the sticky flags, which any sum may raise. */
static guint
float_state (void)
{
#ifdef __x86_64__
  return __builtin_ia32_stmxcsr () & ~0x3Fu;
#else
  return (guint)fegetround ();
#endif
}

static void
restore_float_state (guint state)
{
#ifdef __x86_64__
  __builtin_ia32_ldmxcsr (state);
#else
  fesetround ((int)state);
#endif
}

static char *
hash_file (const char *file, GError **error)
{
  g_autoptr (GMappedFile) map = g_mapped_file_new (file, FALSE, error);

  if (map == NULL)
    return NULL;
  return g_compute_checksum_for_data (G_CHECKSUM_SHA256, (const guchar *)g_mapped_file_get_contents (map),
                                      g_mapped_file_get_length (map));
}

/* The descriptor in `file`; NULL and `why`, owned, if it can not be used. A refused module stays open, as all
 * do: its code may have left pointers behind. */
static const RvPlugin *
open_plugin (const char *file, const char *kind, const char *name, char **why)
{
  const guint state = float_state ();
  GModule *module = g_module_open (file, G_MODULE_BIND_LOCAL);
  const guint changed = float_state ();
  gpointer symbol = NULL;

  restore_float_state (state);
  if (module == NULL)
    *why = g_strdup (g_module_error ());
  else if (changed != state)
    *why = g_strdup ("loading it changed how the processor computes (built with -ffast-math?)");
  else if (!g_module_symbol (module, "rv_plugin", &symbol) || symbol == NULL)
    *why = g_strdup ("it exports no rv_plugin: see RV_PLUGIN in <ranvier/plugin.h>");
  else
    *why = rv_descriptor_check (symbol, kind, name);
  if (module != NULL)
    g_module_make_resident (module);
  return *why == NULL ? rv_descriptor_copy (symbol) : NULL;
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

static char *
find_file (const char *kind, const char *name)
{
  g_autoptr (GPtrArray) folders = rv_registry_folders ();
  g_autofree char *base = g_strconcat (kind, "-", name, SUFFIX, NULL);

  if (!g_strv_contains (rv_registry_kinds (), kind) || !rv_is_word (name, "-_"))
    return NULL;
  for (guint i = 0; i < folders->len; i++)
    {
      g_autofree char *file = g_build_filename (((RvPluginFolder *)folders->pdata[i])->path, base, NULL);
      if (g_file_test (file, G_FILE_TEST_IS_REGULAR))
        return g_steal_pointer (&file);
    }
  return NULL;
}

static const RvPlugin *
load (const char *key, const char *file, const char *kind, const char *name, GError **error)
{
  const char *earlier = g_hash_table_lookup (failures, file);
  g_autofree char *hash = NULL, *why = NULL;
  const RvPlugin *plugin = NULL;
  Loaded *loaded;

  if (earlier == NULL)
    {
      g_autoptr (GError) unreadable = NULL;

      hash = hash_file (file, &unreadable);
      if (hash == NULL)
        why = g_strdup (unreadable->message);
      else
        plugin = open_plugin (file, kind, name, &why);
    }
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
  return load (key, file, kind, name, error);
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
