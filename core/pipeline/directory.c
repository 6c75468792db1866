/* The run directory: the pipeline with the origin of every value, versions and hashes, models, tables and figures. */
#include "pipeline/directory.h"
#include "engine/bf16.h"
#include "base/threads.h"
#include "data/keep.h"
#include "plugin/registry.h"
#include <errno.h>
#include <glib/gstdio.h>
#include <json-glib/json-glib.h>
#include <string.h>
#include <sys/resource.h>

static gboolean
make_folder (const char *path, GError **error)
{
  if (g_mkdir_with_parents (path, 0755) == 0)
    return TRUE;
  g_set_error (error, RV_ERROR, RV_ERROR_IO, "the folder %s could not be made: %s", path, g_strerror (errno));
  return FALSE;
}

/* A cell or node name as a file name. */
static char *
file_name (const char *text)
{
  g_autofree char *name = g_strdup (text);
  gboolean lossy = strchr (text, ' ') && strchr (text, '_');
  for (char *c = name; *c; c++)
    if (!g_ascii_isalnum (*c) && !strchr ("-_.=+", *c) && (guchar)*c < 128)
      {
        lossy |= *c != ' ';
        *c = *c == ' ' ? '_' : '-';
      }
  /* two names that differ stay two files */
  return lossy ? g_strdup_printf ("%s-%08x", name, g_str_hash (text)) : g_steal_pointer (&name);
}

/* Every node with all its parameters, the defaults too, each with the place that it comes from. */
static char *
resolved_text (const RvGraph *graph)
{
  GString *text = g_string_new (NULL);
  for (guint n = 0; n < graph->nodes->len; n++)
    {
      const RvNode *node = graph->nodes->pdata[n];
      g_string_append_printf (text, "%s---\n# node %s%s%s, identity %s\n", n ? "" : "", node->name,
                              *node->cell ? " in cell " : "", node->cell, node->identity);
      rv_value_to_yaml (node->resolved, 0, "$$", text);
    }
  return g_string_free (text, FALSE);
}

static char *
processor (void)
{
  g_autofree char *text = NULL;
  if (!g_file_get_contents ("/proc/cpuinfo", &text, NULL, NULL))
    return g_strdup ("unknown");
  const char *line = strstr (text, "model name");
  const char *colon = line ? strchr (line, ':') : NULL;
  return colon ? g_strstrip (g_strndup (colon + 1, strcspn (colon + 1, "\n"))) : g_strdup ("unknown");
}

static void
add_text (JsonBuilder *json, const char *name, const char *text)
{
  json_builder_set_member_name (json, name);
  json_builder_add_string_value (json, text ? text : "");
}

static void
add_number (JsonBuilder *json, const char *name, double number)
{
  json_builder_set_member_name (json, name);
  json_builder_add_double_value (json, number);
}

/* What each node reads, as a pipeline names it; of what is gathered each name once. */
static void
add_reads (JsonBuilder *json, const RvNode *node)
{
  g_autoptr (GHashTable) names = g_hash_table_new (g_str_hash, g_str_equal);
  const GPtrArray *const ports[] = { node->inputs, node->views };
  json_builder_set_member_name (json, "reads");
  json_builder_begin_array (json);
  for (int p = 0; p < 2; p++)
    for (guint k = 0; k < ports[p]->len; k++)
      {
        const RvPortValue *value = ports[p]->pdata[k];
        if (g_hash_table_add (names, value->name))
          json_builder_add_string_value (json, value->name);
      }
  json_builder_end_array (json);
}

static void
add_node (JsonBuilder *json, const RvGraph *graph, const RvNode *node)
{
  json_builder_begin_object (json);
  add_text (json, "name", node->name);
  add_text (json, "cell", node->cell);
  add_text (json, "plugin", node->kind);
  add_text (json, "plugin sha256", rv_registry_hash (node->instance->plugin));
  add_text (json, "identity", node->identity);
  add_reads (json, node);
  if (graph->state.ended && node->ran)
    add_number (json, "seconds", node->took / 1e6);
  if (node->reused)
    {
      json_builder_set_member_name (json, "reused");
      json_builder_add_boolean_value (json, TRUE);
    }
  if (node->failure)
    add_text (json, "failure", node->failure);
  json_builder_end_object (json);
}

/* What is known only at the end: how long it took, and the most memory that the process had. */
static void
add_cost (JsonBuilder *json, const RvGraph *graph)
{
  struct rusage usage;
  add_number (json, "seconds", (g_get_real_time () - graph->state.started) / 1e6);
  if (getrusage (RUSAGE_SELF, &usage) == 0)
    add_number (json, "peak memory", usage.ru_maxrss * 1024.0);
}

static char *
run_text (const RvGraph *graph)
{
  g_autoptr (JsonBuilder) json = json_builder_new ();
  g_autoptr (GDateTime) second = g_date_time_new_from_unix_utc (graph->state.started / G_USEC_PER_SEC),
                        now = g_date_time_add (second, graph->state.started % G_USEC_PER_SEC);
  g_autofree char *time = g_date_time_format_iso8601 (now), *cpu = processor ();
  g_autofree char *system = g_get_os_info (G_OS_INFO_KEY_PRETTY_NAME);
  json_builder_begin_object (json);
  add_text (json, "ranvier", RV_VERSION);
  add_text (json, "title", graph->document->title);
  add_text (json, "pipeline", graph->document->path);
  g_autofree char *source = NULL, *sha = NULL;
  gsize length;
  if (g_file_get_contents (graph->document->path, &source, &length, NULL))
    sha = g_compute_checksum_for_data (G_CHECKSUM_SHA256, (const guchar *)source, length);
  add_text (json, "pipeline sha256", sha);
  json_builder_set_member_name (json, "settings");
  json_builder_begin_array (json);
  for (char **text = graph->settings; text && *text; text++)
    json_builder_add_string_value (json, *text);
  json_builder_end_array (json);
  add_text (json, "started", time);
  add_text (json, "processor", cpu);
  add_text (json, "system", system);
  add_text (json, "instruction set", rv_isa_name (rv_isa ()));
  add_text (json, "bfloat16", rv_bf16 () ? rv_bf16 ()->name : "none");
  json_builder_set_member_name (json, "threads");
  json_builder_add_int_value (json, rv_threads_get ());
  if (graph->state.data_root && g_file_test (graph->state.data_root, G_FILE_TEST_IS_DIR))
    add_text (json, "data", graph->state.data_root);
  if (graph->state.ended)
    add_cost (json, graph);
  json_builder_set_member_name (json, "nodes");
  json_builder_begin_array (json);
  for (guint n = 0; n < graph->nodes->len; n++)
    add_node (json, graph, graph->nodes->pdata[n]);
  json_builder_end_array (json);
  json_builder_end_object (json);
  g_autoptr (JsonNode) root = json_builder_get_root (json);
  return json_to_string (root, TRUE);
}

static gboolean
write_text (const RvGraph *graph, const char *name, const char *text, GError **error)
{
  g_autofree char *path = g_build_filename (graph->state.out, name, NULL);
  return g_file_set_contents (path, text, -1, error);
}

gboolean
rv_directory_begin (RvGraph *graph, GError **error)
{
  if (!make_folder (graph->state.out, error))
    return FALSE;
  graph->state.started = g_get_real_time ();
  g_autofree char *source = NULL, *resolved = resolved_text (graph), *run = run_text (graph);
  if (graph->document->merged)
    source = g_strdup (graph->document->merged); /* the parts may be gone where the run is looked at */
  else if (graph->document->path)
    g_file_get_contents (graph->document->path, &source, NULL, NULL);
  if (source && !write_text (graph, "pipeline.yaml", source, error))
    return FALSE;
  if (!write_text (graph, "resolved.yaml", resolved, error) || !write_text (graph, "run.json", run, error))
    return FALSE;
  g_autofree char *metrics = g_build_filename (graph->state.out, "metrics.jsonl", NULL);
  graph->state.metrics = g_fopen (metrics, "we");
  if (graph->state.metrics)
    return TRUE;
  g_set_error (error, RV_ERROR, RV_ERROR_IO, "%s could not be written: %s", metrics, g_strerror (errno));
  return FALSE;
}

gboolean
rv_directory_end (RvGraph *graph, GError **error)
{
  FILE *metrics = g_steal_pointer (&graph->state.metrics);
  g_autofree char *run = metrics ? run_text (graph) : NULL;
  if (run && !write_text (graph, "run.json", run, error))
    {
      fclose (metrics);
      return FALSE;
    }
  const gboolean failed = metrics && ferror (metrics);
  if (!metrics || (fclose (metrics) == 0 && !failed))
    return TRUE;
  g_set_error (error, RV_ERROR, RV_ERROR_IO,
               "%s/metrics.jsonl lacks lines that could not be written: is the disk full?", graph->state.out);
  return FALSE;
}

/* out/<folder>/<node.output>[/<cell>], without an ending; its folder exists. */
static char *
stem_of (const RvGraph *graph, const char *folder, const RvPortValue *value, GError **error)
{
  g_autofree char *cell = file_name (value->node->cell), *name = file_name (value->name);
  char *stem = !*cell ? g_build_filename (graph->state.out, folder, name, NULL)
                      : g_build_filename (graph->state.out, folder, name, cell, NULL);
  g_autofree char *parent = g_path_get_dirname (stem);
  if (!make_folder (parent, error))
    g_clear_pointer (&stem, g_free);
  return stem;
}

static gboolean
store_table (const char *stem, const RvTable *table, GError **error)
{
  static const struct
  {
    const char *ending;
    char *(*to_text) (const RvTable *table);
  } forms[] = { { ".csv", rv_table_to_csv }, { ".md", rv_table_to_markdown }, { ".tex", rv_table_to_latex } };
  gboolean good = TRUE;
  for (guint k = 0; good && k < G_N_ELEMENTS (forms); k++)
    {
      g_autofree char *path = g_strconcat (stem, forms[k].ending, NULL), *text = forms[k].to_text (table);
      good = g_file_set_contents (path, text, -1, error);
    }
  return good;
}

static gboolean
store_figure (RvRunState *state, const RvPortValue *value, GError **error)
{
  if (!rv_figure_write_drawn (value->artefact, value->stem, value->drawn, error))
    return FALSE;
  g_autofree char *svg = g_strconcat (value->stem, ".svg", NULL);
  state->undrawn |= !g_file_test (svg, G_FILE_TEST_EXISTS);
  return TRUE;
}

static gboolean
store_value (const RvGraph *graph, RvPortValue *value, GError **error)
{
  static const char *const folders[] = { NULL, NULL, "models", "tables", "figures" };
  const RvArtefactKind kind = value->output->kind;
  if (!folders[kind])
    return TRUE;
  g_free (value->stem);
  const char *stem = value->stem = stem_of (graph, folders[kind], value, error);
  if (!stem)
    return FALSE;
  if (kind == RV_ARTEFACT_TABLE)
    return store_table (stem, value->artefact, error);
  if (kind == RV_ARTEFACT_FIGURE)
    return store_figure (value->node->state, value, error);
  g_autofree char *checkpoint = g_build_filename (stem, "checkpoint.npz", NULL);
  return make_folder (stem, error) && rv_model_save (value->artefact, checkpoint, error);
}

gboolean
rv_directory_store (const RvGraph *graph, const RvNode *node, GError **error)
{
  for (guint k = 0; k < node->outputs->len; k++)
    {
      RvPortValue *value = node->outputs->pdata[k];
      gboolean repeats = FALSE; /* the nameless output may be another one's second name */
      for (guint j = 0; j < node->outputs->len; j++)
        repeats |= j != k && !*value->output->name
                   && ((RvPortValue *)node->outputs->pdata[j])->artefact == value->artefact;
      if (value->artefact && !repeats && !store_value (graph, value, error))
        return FALSE;
    }
  return TRUE;
}
