/* ranvier plugins: lists what can be used, where it comes from, and why the rest can not. */
#include "cli/cli.h"

#include "plugin/registry.h"

#include <json-glib/json-glib.h>

typedef struct
{
  gboolean paths, json, broken;
} Options;

/* The file that is found first, owned, and the origin of its folder. */
static char *
locate (const GPtrArray *folders, const char *kind, const char *name, const char **origin)
{
  for (guint i = 0; i < folders->len; i++)
    {
      const RvPluginFolder *folder = folders->pdata[i];
      g_autofree char *base = g_strconcat (kind, "-", name, ".so", NULL);
      g_autofree char *file = g_build_filename (folder->path, base, NULL);

      *origin = folder->origin;
      if (g_file_test (file, G_FILE_TEST_IS_REGULAR))
        return g_steal_pointer (&file);
    }
  *origin = "?";
  return g_strdup ("?");
}

static void
add_member (JsonBuilder *builder, const char *name, const char *text)
{
  json_builder_set_member_name (builder, name);
  if (text != NULL)
    json_builder_add_string_value (builder, text);
  else
    json_builder_add_null_value (builder);
}

static void
list_one (const Options *options, const GPtrArray *folders, const char *kind, const char *name,
          JsonBuilder *builder)
{
  g_autoptr (GError) error = NULL;
  const RvPlugin *plugin = rv_registry_get (kind, name, &error);
  const char *origin;
  g_autofree char *file = locate (folders, kind, name, &origin);
  g_autofree char *full = g_strconcat (kind, "/", name, NULL);

  if (options->broken && plugin != NULL)
    return;
  if (options->json)
    {
      json_builder_begin_object (builder);
      add_member (builder, "kind", kind);
      add_member (builder, "name", name);
      add_member (builder, "version", plugin != NULL ? plugin->version : NULL);
      add_member (builder, "doc", plugin != NULL ? plugin->doc : NULL);
      add_member (builder, "origin", origin);
      add_member (builder, "path", file);
      add_member (builder, "error", error != NULL ? error->message : NULL);
      json_builder_end_object (builder);
      return;
    }
  if (plugin != NULL)
    g_print ("%-28s %-8s %-20s %s\n", full, plugin->version, origin, plugin->doc);
  else
    g_print ("%-28s %-8s %-20s %s\n", full, "-", origin, error->message);
  if (options->paths)
    g_print ("  %s\n", file);
}

static void
list (const Options *options, const char *kind)
{
  g_autoptr (GPtrArray) folders = rv_registry_folders ();
  g_autoptr (JsonBuilder) builder = json_builder_new ();
  const char *const *kinds = rv_registry_kinds ();

  json_builder_begin_array (builder);
  for (; *kinds != NULL; kinds++)
    {
      g_auto (GStrv) names = kind == NULL || g_str_equal (kind, *kinds) ? rv_registry_names (*kinds) : NULL;

      for (char **name = names; name != NULL && *name != NULL; name++)
        list_one (options, folders, *kinds, *name, builder);
    }
  json_builder_end_array (builder);
  if (options->json)
    {
      g_autoptr (JsonNode) root = json_builder_get_root (builder);
      g_autofree char *text = json_to_string (root, TRUE);
      g_print ("%s\n", text);
    }
  else if (options->paths)
    for (guint i = 0; i < folders->len; i++)
      {
        const RvPluginFolder *folder = folders->pdata[i];
        g_print ("%s %s (%s)\n", i == 0 ? "searched:" : "         ", folder->path, folder->origin);
      }
}

int
rv_cli_plugins (int argc, char **argv)
{
  Options options = { FALSE, FALSE, FALSE };
  const GOptionEntry entries[]
      = { { "paths", 0, 0, G_OPTION_ARG_NONE, &options.paths, "Also show files and the folders searched",
            NULL },
          { "broken", 0, 0, G_OPTION_ARG_NONE, &options.broken, "Only those that can not be used", NULL },
          { "json", 0, 0, G_OPTION_ARG_NONE, &options.json, "Write JSON", NULL },
          { NULL } };
  g_autoptr (GOptionContext) context = g_option_context_new ("[KIND] - list the plugins");
  g_autoptr (GError) error = NULL;

  g_option_context_add_main_entries (context, entries, NULL);
  if (!g_option_context_parse (context, &argc, &argv, &error) || argc > 2)
    {
      g_printerr ("ranvier plugins: %s (ranvier plugins --help)\n",
                  error ? error->message : "one KIND at the most");
      return 2;
    }
  if (argc == 2 && !g_strv_contains (rv_registry_kinds (), argv[1]))
    {
      g_autofree char *kinds = g_strjoinv (", ", (char **)rv_registry_kinds ());
      g_printerr ("ranvier plugins: there is no kind '%s'; the kinds are %s\n", argv[1], kinds);
      return 2;
    }
  list (&options, argc == 2 ? argv[1] : NULL);
  return 0;
}
