/* The way from a plugin back to the core: ports, outputs, files, progress. */
#include "pipeline/node.h"
#include "engine/model.h"
#include "pipeline/graph.h"
#include "pipeline/store.h"
#include <glib/gstdio.h>
#include <json-glib/json-glib.h>
#include <math.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define SHOWN_EVERY (G_USEC_PER_SEC / 10)

static volatile sig_atomic_t stop_asked;

void
rv_graph_stop (void)
{
  stop_asked = 1;
}

void
rv_node_profile (RvNode *node, RvModel *model)
{
  if (!node->state->profile)
    return;
  g_clear_pointer (&node->profiled, rv_model_unref);
  node->profiled = rv_model_ref (model);
  rv_model_set_profiled (model, TRUE);
}

void
rv_node_end_profile (RvNode *node)
{
  if (!node->profiled)
    return;
  double share;
  g_autofree char *text = rv_model_profile (node->profiled, &share);
  rv_node_say (node, "profile: %s", g_strchomp (text));
  rv_model_set_profiled (node->profiled, FALSE);
  g_clear_pointer (&node->profiled, rv_model_unref);
}

void
rv_node_set_memory (RvNode *node, size_t bytes)
{
  node->memory = bytes;
}

gboolean
rv_node_stopped (const RvNode *node)
{
  return stop_asked != 0;
}

const char *
rv_artefact_name (RvArtefactKind kind)
{
  static const char *const names[] = { "nothing", "dataset", "model", "table", "figure" };
  return names[kind];
}

void
rv_artefact_unref (RvArtefactKind kind, void *artefact)
{
  if (!artefact)
    return;
  if (kind == RV_ARTEFACT_DATASET)
    rv_dataset_unref (artefact);
  else if (kind == RV_ARTEFACT_MODEL)
    rv_model_unref (artefact);
  else if (kind == RV_ARTEFACT_TABLE)
    rv_table_unref (artefact);
  else if (kind == RV_ARTEFACT_FIGURE)
    rv_figure_unref (artefact);
}

void *
rv_artefact_ref (RvArtefactKind kind, void *artefact)
{
  return kind == RV_ARTEFACT_DATASET ? (void *)rv_dataset_ref (artefact)
         : kind == RV_ARTEFACT_MODEL ? (void *)rv_model_ref (artefact)
         : kind == RV_ARTEFACT_TABLE ? (void *)rv_table_ref (artefact)
                                     : (void *)rv_figure_ref (artefact);
}

static void
free_value (gpointer data)
{
  RvPortValue *value = data;
  rv_artefact_unref (value->output->kind, value->artefact);
  g_free (value->choices);
  g_free (value->name);
  g_free (value->stem);
  g_free (value->drawn);
  g_free (value);
}

RvNode *
rv_node_new (RvRunState *state, const char *name, const char *cell, RvPlace place, RvInstance *instance)
{
  RvNode *node = g_new0 (RvNode, 1);
  node->state = state;
  node->name = g_strdup (name);
  node->cell = g_strdup (cell);
  node->kind = g_strconcat (instance->plugin->kind, "/", instance->plugin->name, NULL);
  node->place = place;
  node->instance = instance;
  node->class = instance->plugin->functions;
  node->metrics = g_ptr_array_new_with_free_func (g_free);
  node->inputs = g_ptr_array_new ();
  node->views = g_ptr_array_new_with_free_func (free_value);
  node->outputs = g_ptr_array_new_with_free_func (free_value);
  for (const RvOutput *output = node->class->outputs; output->name; output++)
    {
      RvPortValue *value = g_new0 (RvPortValue, 1);
      value->node = node;
      value->output = output;
      value->name = *output->name ? g_strconcat (name, ".", output->name, NULL) : g_strdup (name);
      g_ptr_array_add (node->outputs, value);
    }
  return node;
}

void
rv_node_free (RvNode *node)
{
  if (!node)
    return;
  g_ptr_array_unref (node->outputs);
  g_ptr_array_unref (node->inputs);
  g_ptr_array_unref (node->views);
  g_ptr_array_unref (node->metrics);
  rv_value_free (node->resolved);
  rv_value_free (node->made_from);
  rv_instance_unref (node->instance);
  g_free (node->name);
  g_free (node->cell);
  g_free (node->identity);
  g_free (node->directory);
  g_free (node->failure);
  g_free (node->kind);
  g_free (node->kept);
  g_free (node->saved.where);
  g_free (node);
}

RvPortValue *
rv_node_output (RvNode *node, const char *output)
{
  for (guint k = 0; k < node->outputs->len; k++)
    if (strcmp (((RvPortValue *)node->outputs->pdata[k])->output->name, output) == 0)
      return node->outputs->pdata[k];
  return NULL;
}

/* ---- ports */

gboolean
rv_port_is_wired (const RvPort *port)
{
  return port->value != NULL;
}

/* The output behind a port: a gathering port shows it through a view. */
static const RvPortValue *
behind (const RvPort *port)
{
  return port->value->source ? port->value->source : port->value;
}

const RvDatasetSpec *
rv_port_spec (const RvPort *port)
{
  return &behind (port)->spec;
}

const char *
rv_port_name (const RvPort *port)
{
  return port->value->name;
}

RvDataset *
rv_port_dataset (const RvPort *port)
{
  return behind (port)->artefact;
}

RvModel *
rv_port_model (const RvPort *port)
{
  return behind (port)->artefact;
}

RvTable *
rv_port_table (const RvPort *port)
{
  return behind (port)->artefact;
}

const char *const *
rv_port_columns (const RvPort *port)
{
  return port->value ? port->value->output->columns : NULL;
}

RvFigure *
rv_port_figure (const RvPort *port)
{
  return behind (port)->artefact;
}

const char *
rv_port_choice (const RvPort *port, const char *axis)
{
  for (char **pair = port->value->choices; pair && *pair; pair += 2)
    if (strcmp (pair[0], axis) == 0)
      return pair[1];
  return NULL;
}

const char *
rv_port_failure (const RvPort *port)
{
  return behind (port)->node->failure;
}

/* ---- what a node may do */

void
rv_node_set_spec (RvNode *node, const char *output, const RvDatasetSpec *spec)
{
  RvPortValue *value = rv_node_output (node, output);
  g_return_if_fail (value);
  value->spec = *spec;
  value->has_spec = TRUE;
}

void
rv_node_set_output (RvNode *node, const char *output, void *artefact)
{
  RvPortValue *value = rv_node_output (node, output);
  g_return_if_fail (value && !value->artefact);
  value->artefact = artefact;
}

const char *
rv_node_name (const RvNode *node)
{
  return node->name;
}

const char *
rv_node_directory (const RvNode *const_node)
{
  RvNode *node = (RvNode *)const_node;
  if (!node->directory && node->state->out)
    {
      node->directory = g_build_filename (node->state->out, "work", node->identity, NULL);
      g_mkdir_with_parents (node->directory, 0755);
    }
  return node->directory;
}

const char *
rv_node_cell (const RvNode *node)
{
  return node->cell;
}

/* `folder`/`name` if it is there; a folder if the name ends with a slash. */
static char *
right_in (const char *folder, const char *name)
{
  const GFileTest kind = g_str_has_suffix (name, "/") ? G_FILE_TEST_IS_DIR : G_FILE_TEST_IS_REGULAR;
  g_autofree char *path = g_build_filename (folder, name, NULL);
  return g_file_test (path, kind) ? g_steal_pointer (&path) : NULL;
}

/* The same, or in one of the folders of `folder`, the first by its name. */
static char *
search_below (const char *folder, const char *name)
{
  g_autofree char *found = right_in (folder, name);
  const gboolean direct = found != NULL;
  g_autoptr (GDir) dir = direct ? NULL : g_dir_open (folder, 0, NULL);
  for (const char *entry; dir && (entry = g_dir_read_name (dir));)
    {
      g_autofree char *below = g_build_filename (folder, entry, NULL), *path = right_in (below, name);
      if (path && (!found || strcmp (path, found) < 0))
        {
          g_free (found);
          found = g_steal_pointer (&path);
        }
    }
  return g_steal_pointer (&found);
}

char *
rv_find_file (const char *root, const char *folder, const char *name)
{
  g_autofree char *inside = folder && *folder ? g_build_filename (root, folder, NULL) : NULL;
  char *path = inside ? search_below (inside, name) : NULL;
  return path ? path : search_below (root, name);
}

char *
rv_node_find_file (RvNode *node, const char *folder, const char *name, GError **error)
{
  const char *root = node->state->data_root ? node->state->data_root : "";
  const gboolean relative = folder && *folder && !g_path_is_absolute (folder);
  g_autofree char *inside
      = relative || !folder || !*folder ? g_build_filename (root, folder, NULL) : g_strdup (folder);
  g_autofree char *here = relative ? g_canonicalize_filename (folder, NULL) : NULL;
  char *path = *inside ? search_below (inside, name) : NULL;
  if (!path && relative)
    path = search_below (here, name);
  if (!path && relative && *root) /* no farther: another set there may have files of the same names */
    path = right_in (root, name);
  if (!path)
    g_set_error (error, RV_ERROR, RV_ERROR_PIPELINE,
                 "there is no file %s in %s%s%s or one folder below; name the folder that "
                 "holds the datasets with --data DIR or RANVIER_DATA",
                 name, *inside ? inside : "(no folder)", relative ? ", in " : "", relative ? here : "");
  return path;
}

/* "fit [seed=1]  text"; caller owns. */
static char *
line_of (const RvNode *node, const char *text)
{
  return g_strdup_printf ("%s%s%s%s  %s", node->name, *node->cell ? " [" : "", node->cell,
                          *node->cell ? "]" : "", text);
}

void
rv_node_say (const RvNode *node, const char *format, ...)
{
  va_list list;
  va_start (list, format);
  g_autofree char *text = g_strdup_vprintf (format, list), *line = line_of (node, text);
  va_end (list);
  fprintf (stderr, "%s%s\n", node->state->terminal ? "\r\033[K" : "", line);
}

/* "0:12 left", or "43 %" as long as nobody can say; "" where nothing is known. Caller owns. */
static char *
time_left (const RvNode *node, gint64 now)
{
  const uint64_t done = node->progress.done, from = node->progress.from, total = node->progress.total;
  if (done > from && total >= done && now > node->progress.began)
    {
      const double rate = (double)(done - from) / (double)(now - node->progress.began);
      const guint64 left = (guint64)((double)(total - done) / rate / G_USEC_PER_SEC + 0.5);
      const guint minutes = (guint)(left / 60 % 60), seconds = (guint)(left % 60);
      return left < 3600
                 ? g_strdup_printf ("%u:%02u left  ", minutes, seconds)
                 : g_strdup_printf ("%" G_GUINT64_FORMAT ":%02u:%02u left  ", left / 3600, minutes, seconds);
    }
  return total ? g_strdup_printf ("%.0f %%  ", 100.0 * (double)done / (double)total) : g_strdup ("");
}

/* Writes over the line on the terminal, ten times a second at the most. What is wider than the terminal is
 * cut off, or it would not be one line. */
static void
draw (RvNode *node, const char *text)
{
  const gint64 now = g_get_monotonic_time ();
  struct winsize size = { 0 };
  if (!node->state->terminal || node->state->quiet || now - node->progress.shown < SHOWN_EVERY)
    return;
  node->progress.shown = now;
  g_autofree char *left = time_left (node, now), *what = line_of (node, text);
  g_autofree char *line
      = g_strdup_printf ("[%u/%u] %s%s", node->state->done + 1, node->state->total, left, what);
  const glong length = g_utf8_strlen (line, -1);
  const gboolean known = ioctl (STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 1;
  g_autofree char *cut = g_utf8_substring (line, 0, known ? MIN (length, size.ws_col - 1) : length);
  fprintf (stderr, "\r\033[K%s", cut);
  fflush (stderr);
}

void
rv_node_progress (RvNode *node, uint64_t done, uint64_t total, const char *text)
{
  if (!node->progress.began)
    {
      node->progress.began = g_get_monotonic_time ();
      node->progress.from = done;
    }
  node->progress.done = done;
  node->progress.total = total;
  draw (node, text);
}

void
rv_node_end_progress (const RvNode *node)
{
  RvRunState *state = node->state;
  g_autofree char *line = g_steal_pointer (&state->line);
  if (state->terminal && !state->quiet)
    fprintf (stderr, "\r\033[K%s%s", line ? line : "", line ? "\n" : "");
}

void
rv_node_log_metrics (RvNode *node, const char *numbers)
{
  if (!node->state->metrics)
    return;
  g_autoptr (JsonNode) name = json_node_init_string (json_node_alloc (), node->name),
                       cell = json_node_init_string (json_node_alloc (), node->cell);
  g_autofree char *name_text = json_to_string (name, FALSE), *cell_text = json_to_string (cell, FALSE);
  fprintf (node->state->metrics, "{\"node\":%s,\"cell\":%s%s%s\n", name_text, cell_text,
           numbers[1] == '}' ? "" : ",", numbers + 1);
  fflush (node->state->metrics);
}

void
rv_node_report (RvNode *node, const char *text, const char *first_name, ...)
{
  RvRunState *state = node->state;
  if (state->terminal && !state->quiet)
    {
      g_free (state->line);
      state->line = line_of (node, text);
      draw (node, text);
    }
  else if (!state->quiet)
    rv_node_say (node, "%s", text);
  if (!rv_store_keeps (node))
    return;
  g_autoptr (JsonBuilder) json = json_builder_new ();
  json_builder_begin_object (json);
  va_list list;
  va_start (list, first_name);
  for (const char *name = first_name; name; name = va_arg (list, const char *))
    {
      const double value = va_arg (list, double);
      if (!isfinite (value)) /* JSON has no NaN: the name is left out */
        continue;
      json_builder_set_member_name (json, name);
      json_builder_add_double_value (json, value);
    }
  va_end (list);
  json_builder_end_object (json);
  g_autoptr (JsonNode) root = json_builder_get_root (json);
  char *numbers = json_to_string (root, FALSE);
  g_ptr_array_add (node->metrics, numbers);
  rv_node_log_metrics (node, numbers);
}
