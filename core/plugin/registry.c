/* Finding and loading plugins: on demand by file name, so that a run opens only what it names. A plugin stays resident:
 * OpenMP and other runtimes do not survive being unloaded. */
#include "plugin/registry.h"
#include <gmodule.h>
#include <string.h>

typedef struct
{
  const RvPlugin *plugin;
  char *file, *hash;
} Entry;

static GHashTable *loaded; /* "kind/name" -> Entry */
static GPtrArray *extra;   /* char *, from --plugin-path */

const char *const *
rv_registry_kinds (void)
{
  static const char *const kinds[] = { "dataset", "transform", "trainer", "attack", "analysis", "report", "layer",
                                       "neuron", "surrogate", "decoder", "loss", "optimizer", "schedule",
                                       "initializer", NULL };
  return kinds;
}

gboolean
rv_kind_is_node (const char *kind)
{
  static const char *const nodes[] = { "dataset", "transform", "trainer", "attack", "analysis", "report", NULL };
  return g_strv_contains (nodes, kind);
}

void
rv_registry_add_path (const char *folders)
{
  if (!extra)
    extra = g_ptr_array_new_with_free_func (g_free);
  g_auto (GStrv) parts = g_strsplit (folders, G_SEARCHPATH_SEPARATOR_S, -1);
  for (char **part = parts; *part; part++)
    if (**part)
      g_ptr_array_add (extra, g_strdup (*part));
}

static void
free_folder (gpointer data)
{
  RvPluginFolder *folder = data;
  g_free (folder->path);
  g_free (folder);
}

static void
add_folder (GPtrArray *folders, const char *path, const char *origin)
{
  RvPluginFolder *folder = g_new0 (RvPluginFolder, 1);
  folder->path = g_strdup (path);
  folder->origin = origin;
  g_ptr_array_add (folders, folder);
}

GPtrArray *
rv_registry_folders (void)
{
  GPtrArray *folders = g_ptr_array_new_with_free_func (free_folder);
  for (guint k = 0; extra && k < extra->len; k++)
    add_folder (folders, extra->pdata[k], "--plugin-path");
  const char *path = g_getenv ("RANVIER_PLUGIN_PATH");
  g_auto (GStrv) parts = g_strsplit (path ? path : "", G_SEARCHPATH_SEPARATOR_S, -1);
  for (char **part = parts; *part; part++)
    if (**part)
      add_folder (folders, *part, "RANVIER_PLUGIN_PATH");
  g_autofree char *user = g_build_filename (g_get_user_data_dir (), "ranvier-1", "plugins", NULL);
  add_folder (folders, user, "user");
  add_folder (folders, RV_PLUGIN_FOLDER, "install");
  if (g_file_test (RV_BUILD_PLUGIN_FOLDER, G_FILE_TEST_IS_DIR))
    add_folder (folders, RV_BUILD_PLUGIN_FOLDER, "build");
  return folders;
}

char **
rv_registry_names (const char *kind)
{
  g_autoptr (GPtrArray) folders = rv_registry_folders ();
  g_autofree char *prefix = g_strconcat (kind, "-", NULL);
  g_autoptr (GTree) names = g_tree_new_full ((GCompareDataFunc) strcmp, NULL, g_free, NULL);
  for (guint k = 0; k < folders->len; k++)
    {
      g_autoptr (GDir) dir = g_dir_open (((RvPluginFolder *) folders->pdata[k])->path, 0, NULL);
      for (const char *file; dir && (file = g_dir_read_name (dir));)
        if (g_str_has_prefix (file, prefix) && g_str_has_suffix (file, "." G_MODULE_SUFFIX))
          g_tree_insert (names, g_strndup (file + strlen (prefix), strlen (file) - strlen (prefix) - 3), NULL);
    }
  GPtrArray *list = g_ptr_array_new ();
  for (GTreeNode *node = g_tree_node_first (names); node; node = g_tree_node_next (node))
    g_ptr_array_add (list, g_strdup (g_tree_node_key (node)));
  g_ptr_array_add (list, NULL);
  return (char **) g_ptr_array_free (list, FALSE);
}

static char *
find_file (const char *kind, const char *name)
{
  g_autoptr (GPtrArray) folders = rv_registry_folders ();
  g_autofree char *file = g_strdup_printf ("%s-%s." G_MODULE_SUFFIX, kind, name);
  for (guint k = 0; k < folders->len; k++)
    {
      char *path = g_build_filename (((RvPluginFolder *) folders->pdata[k])->path, file, NULL);
      if (g_file_test (path, G_FILE_TEST_EXISTS))
        return path;
      g_free (path);
    }
  return NULL;
}

static gboolean
is_sound (const RvPlugin *plugin, const char *kind, const char *name, const char *path, GError **error)
{
  if (plugin->abi_major != RV_ABI_MAJOR || plugin->abi_minor > RV_ABI_MINOR || plugin->size < sizeof (RvPlugin))
    g_set_error (error, RV_ERROR, RV_ERROR_PLUGIN, "%s was built for plugin interface %u.%u, this is %u.%u; build it "
                 "again", path, plugin->abi_major, plugin->abi_minor, RV_ABI_MAJOR, RV_ABI_MINOR);
  else if (g_strcmp0 (plugin->kind, kind) != 0 || g_strcmp0 (plugin->name, name) != 0)
    g_set_error (error, RV_ERROR, RV_ERROR_PLUGIN, "%s says it is %s/%s, which does not fit its file name", path,
                 plugin->kind, plugin->name);
  else if (!plugin->functions)
    g_set_error (error, RV_ERROR, RV_ERROR_PLUGIN, "%s has no functions", path);
  else
    return TRUE;
  return FALSE;
}

static const RvPlugin *
load (const char *kind, const char *name, const char *path, GError **error)
{
  GModule *module = g_module_open (path, G_MODULE_BIND_LOCAL);
  gpointer symbol = NULL;
  if (!module || !g_module_symbol (module, "rv_plugin", &symbol) || !symbol)
    {
      g_set_error (error, RV_ERROR, RV_ERROR_PLUGIN, "%s can not be used: %s", path, g_module_error ());
      return NULL;
    }
  g_module_make_resident (module);
  if (!is_sound (symbol, kind, name, path, error))
    return NULL;
  g_autofree char *content = NULL;
  gsize length;
  if (!g_file_get_contents (path, &content, &length, error))
    return NULL;
  Entry *entry = g_new0 (Entry, 1);
  entry->plugin = symbol;
  entry->file = g_strdup (path);
  entry->hash = g_compute_checksum_for_data (G_CHECKSUM_SHA256, (const guchar *) content, length);
  if (!loaded)
    loaded = g_hash_table_new (g_str_hash, g_str_equal);
  g_hash_table_insert (loaded, g_strdup_printf ("%s/%s", kind, name), entry);
  return symbol;
}

const RvPlugin *
rv_registry_get (const char *kind, const char *name, GError **error)
{
  g_autofree char *key = g_strdup_printf ("%s/%s", kind, name);
  const Entry *entry = loaded ? g_hash_table_lookup (loaded, key) : NULL;
  if (entry)
    return entry->plugin;
  g_autofree char *path = find_file (kind, name);
  if (path)
    return load (kind, name, path, error);
  g_auto (GStrv) names = rv_registry_names (kind);
  g_autofree char *list = g_strjoinv (", ", names);
  g_set_error (error, RV_ERROR, RV_ERROR_PIPELINE, "there is no %s; plugins of this kind: %s (ranvier plugins %s)", key,
               *list ? list : "none", kind);
  return NULL;
}

static const Entry *
entry_of (const RvPlugin *plugin)
{
  g_autofree char *key = g_strdup_printf ("%s/%s", plugin->kind, plugin->name);
  return loaded ? g_hash_table_lookup (loaded, key) : NULL;
}

const char *
rv_registry_file (const RvPlugin *plugin)
{
  const Entry *entry = entry_of (plugin);
  return entry ? entry->file : NULL;
}

const char *
rv_registry_hash (const RvPlugin *plugin)
{
  const Entry *entry = entry_of (plugin);
  return entry ? entry->hash : NULL;
}
