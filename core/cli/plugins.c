/* ranvier plugins: lists what can be used, where it comes from, and why the rest can not. */
#include "cli/cli.h"

#include "plugin/registry.h"

#include <json-glib/json-glib.h>

typedef struct
{
  gboolean paths, json, broken;
  char *plugin_path;
} Options;

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
add_entry (JsonBuilder *builder, const RvPluginEntry *entry)
{
  g_autofree char *path = g_filename_display_name (entry->file);

  json_builder_begin_object (builder);
  add_member (builder, "kind", entry->kind);
  add_member (builder, "name", entry->name);
  add_member (builder, "version", entry->probe.version);
  add_member (builder, "doc", entry->probe.doc);
  add_member (builder, "origin", entry->origin);
  add_member (builder, "path", path);
  add_member (builder, "error", entry->probe.why);
  json_builder_set_member_name (builder, "hidden");
  json_builder_begin_array (builder);
  for (guint i = 0; i < entry->hidden->len; i++)
    {
      g_autofree char *hidden = g_filename_display_name (entry->hidden->pdata[i]);
      json_builder_add_string_value (builder, hidden);
    }
  json_builder_end_array (builder);
  json_builder_end_object (builder);
}

static void
print_json (const GPtrArray *entries, const Options *options)
{
  g_autoptr (JsonBuilder) builder = json_builder_new ();
  g_autoptr (JsonNode) root = NULL;
  g_autofree char *text = NULL;

  json_builder_begin_array (builder);
  for (guint i = 0; i < entries->len; i++)
    if (!options->broken || ((RvPluginEntry *)entries->pdata[i])->probe.why != NULL)
      add_entry (builder, entries->pdata[i]);
  json_builder_end_array (builder);
  root = json_builder_get_root (builder);
  text = json_to_string (root, TRUE);
  g_print ("%s\n", text);
}

static void
print_entry (const RvPluginEntry *entry, const Options *options)
{
  g_autofree char *full
      = entry->kind != NULL ? g_strconcat (entry->kind, "/", entry->name, NULL) : g_strdup (entry->name);
  const char *why = entry->probe.why;

  g_print ("%-28s %-8s %-20s %s%s\n", full, why == NULL ? entry->probe.version : "-", entry->origin,
           why == NULL ? entry->probe.doc : "can not be used: ", why == NULL ? "" : why);
  if (options->paths || (options->broken && why != NULL))
    g_print ("  %s\n", entry->file);
  for (guint i = 0; options->paths && i < entry->hidden->len; i++)
    g_print ("  not used, since the one above comes first: %s\n", (const char *)entry->hidden->pdata[i]);
}

static void
print_folders (void)
{
  g_autoptr (GPtrArray) folders = rv_registry_folders ();

  for (guint i = 0; i < folders->len; i++)
    {
      const RvPluginFolder *folder = folders->pdata[i];
      g_autoptr (GError) error = NULL;
      g_autoptr (GDir) dir = g_dir_open (folder->path, 0, &error);
      const gboolean missing = g_error_matches (error, G_FILE_ERROR, G_FILE_ERROR_NOENT);

      g_print ("%s %s (%s%s)\n", i == 0 ? "searched:" : "         ", folder->path, folder->origin,
               dir != NULL ? ""
               : missing   ? ", is not there"
                           : ", can not be read");
    }
}

static void
print_text (const GPtrArray *entries, const Options *options)
{
  guint broken = 0, hidden = 0;

  for (guint i = 0; i < entries->len; i++)
    {
      const RvPluginEntry *entry = entries->pdata[i];

      broken += entry->probe.why != NULL;
      hidden += entry->hidden->len;
      if (!options->broken || entry->probe.why != NULL)
        print_entry (entry, options);
    }
  if (options->broken && broken == 0)
    g_print ("all %u plugins can be used\n", entries->len);
  if (hidden > 0 && !options->paths)
    g_print ("%u more file%s not used, since one of the same name comes first (ranvier plugins --paths)\n",
             hidden, hidden == 1 ? " is" : "s are");
  if (options->paths || entries->len == 0)
    print_folders ();
}

int
rv_cli_plugins (int argc, char **argv)
{
  Options options = { FALSE, FALSE, FALSE, NULL };
  const GOptionEntry own[] = {
    { "paths", 0, 0, G_OPTION_ARG_NONE, &options.paths, "Also show files and the folders searched", NULL },
    { "broken", 0, 0, G_OPTION_ARG_NONE, &options.broken, "Only those that can not be used, and why", NULL },
    { "json", 0, 0, G_OPTION_ARG_NONE, &options.json, "Write JSON", NULL },
    { "plugin-path", 0, 0, G_OPTION_ARG_FILENAME, &options.plugin_path,
      "Folders to look in for plugins first", "DIRS" },
    { NULL }
  };
  g_autoptr (GOptionContext) context = g_option_context_new ("[KIND] - list the plugins");
  g_autoptr (GError) error = NULL;
  g_autofree char *plugin_path = NULL;
  g_autofree char *kinds = g_strjoinv (", ", (char **)rv_registry_kinds ());
  g_autofree char *help = g_strconcat ("Kinds: ", kinds, NULL); /* completion in shells reads this line */
  g_autoptr (GPtrArray) entries = NULL;
  gboolean parsed;

  g_option_context_set_description (context, help);
  g_option_context_add_main_entries (context, own, NULL);
  parsed = g_option_context_parse (context, &argc, &argv, &error);
  plugin_path = options.plugin_path;
  if (!parsed || argc > 2)
    {
      g_printerr ("ranvier plugins: %s (ranvier plugins --help)\n",
                  error ? error->message : "one KIND at the most");
      return RV_EXIT_USAGE;
    }
  if (argc == 2 && !g_strv_contains (rv_registry_kinds (), argv[1]))
    {
      g_printerr ("ranvier plugins: there is no kind '%s'; the kinds are %s\n", argv[1], kinds);
      return RV_EXIT_USAGE;
    }
  if (plugin_path != NULL)
    rv_registry_add_path (plugin_path);
  entries = rv_registry_list (argc == 2 ? argv[1] : NULL);
  if (options.json)
    print_json (entries, &options);
  else
    print_text (entries, &options);
  return RV_EXIT_DONE;
}

int
rv_cli_probe (int argc, char **argv)
{
  rv_probe_serve ();
  return RV_EXIT_DONE;
}
