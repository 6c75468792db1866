/* ranvier inspect: everything that a plugin says about itself, from its parameter table. */
#include "cli/cli.h"

#include "plugin/params.h"
#include "plugin/registry.h"

#include <json-glib/json-glib.h>
#include <ranvier/node.h>

static const char *
output_kind (RvArtefactKind kind)
{
  static const char *const names[] = { "artefact", "dataset", "model", "table", "figure" };

  return kind < G_N_ELEMENTS (names) ? names[kind] : names[0];
}

/* NULL for kinds that have none. */
static const RvOutput *
outputs_of (const RvPlugin *plugin)
{
  return rv_kind_is_node (plugin->kind) ? ((const RvNodeClass *)plugin->functions)->outputs : NULL;
}

static void
print_param (const RvParam *param)
{
  g_autofree char *name = rv_param_name (param);
  g_autofree char *type = rv_param_type_text (param);
  g_autofree char *range = rv_param_range_text (param);

  g_print ("  %s: %s%s%s", name, type, range[0] != '\0' ? ", " : "", range);
  if ((param->flags & RV_PARAM_REQUIRED) != 0)
    g_print (", must be given\n");
  else if (param->default_value != NULL)
    g_print (", default %s\n", param->default_value);
  else
    g_print (", may be left out\n");
  g_print ("      %s\n", param->doc);
}

static void
print_plugin (const RvPlugin *plugin)
{
  const RvParam *param = plugin->params;
  const RvOutput *output = outputs_of (plugin);

  g_print ("%s/%s %s: %s\n", plugin->kind, plugin->name, plugin->version, plugin->doc);
  if (plugin->citation != NULL)
    g_print ("after %s\n", plugin->citation);
  g_print ("licence %s, file %s\n", plugin->licence, rv_registry_file (plugin));
  g_print ("\nparameters:%s\n", param == NULL || param->name == NULL ? " none" : "");
  for (; param != NULL && param->name != NULL; param++)
    print_param (param);
  if (output != NULL && output->name != NULL)
    g_print ("\noutputs:\n");
  for (; output != NULL && output->name != NULL; output++)
    g_print ("  %s (%s): %s\n", output->name[0] != '\0' ? output->name : "the node's name alone",
             output_kind (output->kind), output->doc != NULL ? output->doc : "");
}

/* A cell of a Markdown table; with `code`, as it would be typed. */
static void
print_cell (const char *text, gboolean code)
{
  g_auto (GStrv) parts = g_strsplit (text != NULL ? text : "", "|", -1);
  g_autofree char *escaped = g_strjoinv ("\\|", parts);
  const char *mark = code && escaped[0] != '\0' ? "`" : "";

  g_print (" %s%s%s |", mark, escaped, mark);
}

/* The reference page. */
static void
print_markdown (const RvPlugin *plugin)
{
  const RvParam *param = plugin->params;
  const RvOutput *output = outputs_of (plugin);

  g_print ("# %s/%s\n\n%s.\n\n", plugin->kind, plugin->name, plugin->doc);
  if (plugin->citation != NULL)
    g_print ("After %s.\n\n", plugin->citation);
  g_print ("Version %s, licence %s.\n\n## Parameters\n\n", plugin->version, plugin->licence);
  if (param == NULL || param->name == NULL)
    g_print ("None.\n");
  else
    g_print ("| name | type | range | default | |\n|---|---|---|---|---|\n");
  for (; param != NULL && param->name != NULL; param++)
    {
      g_autofree char *name = rv_param_name (param);
      g_autofree char *type = rv_param_type_text (param);
      g_autofree char *range = rv_param_range_text (param);
      const gboolean required = (param->flags & RV_PARAM_REQUIRED) != 0;

      g_print ("|");
      print_cell (name, TRUE);
      print_cell (type, FALSE);
      print_cell (range, FALSE);
      print_cell (required ? "must be given" : param->default_value, !required);
      print_cell (param->doc, FALSE);
      g_print ("\n");
    }
  if (output != NULL && output->name != NULL)
    g_print ("\n## Outputs\n\n| name | type | |\n|---|---|---|\n");
  for (; output != NULL && output->name != NULL; output++)
    {
      g_print ("|");
      print_cell (output->name[0] != '\0' ? output->name : "the node's name alone", output->name[0] != '\0');
      print_cell (output_kind (output->kind), FALSE);
      print_cell (output->doc, FALSE);
      g_print ("\n");
    }
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

/* JSON has no infinity: an open end is null. */
static void
add_bound (JsonBuilder *builder, const char *name, double bound)
{
  json_builder_set_member_name (builder, name);
  if (bound - bound == 0.0)
    json_builder_add_double_value (builder, bound);
  else
    json_builder_add_null_value (builder);
}

static void
add_param (JsonBuilder *builder, const RvParam *param)
{
  g_autofree char *name = rv_param_name (param);
  g_autofree char *type = rv_param_type_text (param);
  g_autofree char *range = rv_param_range_text (param);

  json_builder_begin_object (builder);
  add_member (builder, "name", name);
  add_member (builder, "type", type);
  add_member (builder, "default", param->default_value);
  if (range[0] != '\0')
    {
      add_bound (builder, "minimum", param->minimum);
      add_bound (builder, "maximum", param->maximum);
    }
  add_member (builder, "unit", param->unit);
  add_member (builder, "doc", param->doc);
  json_builder_set_member_name (builder, "required");
  json_builder_add_boolean_value (builder, (param->flags & RV_PARAM_REQUIRED) != 0);
  json_builder_end_object (builder);
}

static void
print_json (const RvPlugin *plugin)
{
  g_autoptr (JsonBuilder) builder = json_builder_new ();
  g_autoptr (JsonNode) root = NULL;
  g_autofree char *text = NULL;

  json_builder_begin_object (builder);
  add_member (builder, "kind", plugin->kind);
  add_member (builder, "name", plugin->name);
  add_member (builder, "version", plugin->version);
  add_member (builder, "licence", plugin->licence);
  add_member (builder, "doc", plugin->doc);
  add_member (builder, "citation", plugin->citation);
  add_member (builder, "path", rv_registry_file (plugin));
  add_member (builder, "sha256", rv_registry_hash (plugin));
  json_builder_set_member_name (builder, "parameters");
  json_builder_begin_array (builder);
  for (const RvParam *param = plugin->params; param != NULL && param->name != NULL; param++)
    add_param (builder, param);
  json_builder_end_array (builder);
  json_builder_set_member_name (builder, "outputs");
  json_builder_begin_array (builder);
  for (const RvOutput *output = outputs_of (plugin); output != NULL && output->name != NULL; output++)
    {
      json_builder_begin_object (builder);
      add_member (builder, "name", output->name);
      add_member (builder, "kind", output_kind (output->kind));
      add_member (builder, "doc", output->doc);
      json_builder_end_object (builder);
    }
  json_builder_end_array (builder);
  json_builder_end_object (builder);
  root = json_builder_get_root (builder);
  text = json_to_string (root, TRUE);
  g_print ("%s\n", text);
}

int
rv_cli_inspect (int argc, char **argv)
{
  gboolean json = FALSE, markdown = FALSE;
  g_autofree char *plugin_path = NULL;
  const GOptionEntry entries[]
      = { { "json", 0, 0, G_OPTION_ARG_NONE, &json, "Write JSON", NULL },
          { "markdown", 0, 0, G_OPTION_ARG_NONE, &markdown, "Write a reference page in Markdown", NULL },
          { "plugin-path", 0, 0, G_OPTION_ARG_FILENAME, &plugin_path, "Folders to look in for plugins first", "DIRS" },
          { NULL } };
  g_autoptr (GOptionContext) context = g_option_context_new ("KIND/NAME - what a plugin does and takes");
  g_autoptr (GError) error = NULL;
  g_auto (GStrv) parts = NULL;
  const RvPlugin *plugin;

  g_option_context_add_main_entries (context, entries, NULL);
  if (!g_option_context_parse (context, &argc, &argv, &error) || argc != 2)
    {
      g_printerr ("ranvier inspect: %s (ranvier inspect --help)\n",
                  error ? error->message : "one KIND/NAME is needed");
      return 2;
    }
  if (plugin_path != NULL)
    rv_registry_add_path (plugin_path);
  parts = g_strsplit (argv[1], "/", 2);
  if (g_strv_length (parts) != 2)
    {
      g_printerr ("ranvier inspect: a plugin is named KIND/NAME, 'neuron/lif' for instance, not '%s'\n",
                  argv[1]);
      return 2;
    }
  plugin = rv_registry_get (parts[0], parts[1], &error);
  if (plugin == NULL)
    {
      g_printerr ("ranvier inspect: %s\n", error->message);
      return 3;
    }
  if (json)
    print_json (plugin);
  else if (markdown)
    print_markdown (plugin);
  else
    print_plugin (plugin);
  return 0;
}
