/* From a composed document to a checked graph: an instance per node and cell, equal identities merged. */
#include "base/threads.h"
#include "pipeline/graph.h"
#include "pipeline/graph-private.h"
#include "plugin/params.h"
#include "plugin/registry.h"
#include <string.h>

/* Nodes that hang on one another; each takes some stack while the graph is made. */
#define LONGEST_CHAIN 500

typedef struct
{
  RvGraph *graph;
  uint32_t cell;
  GPtrArray *wired; /* RvPortValue *, of the node that is being made */
} Wiring;

static RvNode *visit (RvGraph *graph, uint32_t cell, const char *name, const RvValue *reference);

static const RvCell *
cell_of (const RvGraph *graph, uint32_t index)
{
  return graph->document->cells->pdata[index];
}

/* "variant=baseline seed=1" */
static char *
cell_text (const RvGraph *graph, uint32_t index)
{
  GString *text = g_string_new (NULL);
  for (guint a = 0; a < graph->document->axes->len; a++)
    g_string_append_printf (text, "%s%s=%s", a ? " " : "", ((RvAxis *)graph->document->axes->pdata[a])->name,
                            cell_of (graph, index)->choices[a]);
  return g_string_free (text, FALSE);
}

static void
unknown_node (RvGraph *graph, const RvValue *reference, const char *name, const RvValue *nodes)
{
  g_autoptr (GPtrArray) names = g_ptr_array_new ();
  for (guint k = 0; k < nodes->keys->len; k++)
    g_ptr_array_add (names, nodes->keys->pdata[k]);
  g_ptr_array_add (names, NULL);
  g_autofree char *hint = rv_hint (name, (const char *const *)names->pdata);
  rv_mistakes_add (graph->mistakes, reference->place, "there is no node '%s'%s", name, hint);
}

static void
unknown_output (RvGraph *graph, const RvValue *reference, const RvNode *node, const char *output)
{
  GString *list = g_string_new (NULL);
  for (guint k = 0; k < node->outputs->len; k++)
    g_string_append_printf (list, "%s%s", k ? ", " : "", ((RvPortValue *)node->outputs->pdata[k])->name);
  if (*output)
    rv_mistakes_add (graph->mistakes, reference->place, "node '%s' (%s) has no output '%s'; it has: %s",
                     node->name, node->kind, output, list->str);
  else
    rv_mistakes_add (graph->mistakes, reference->place, "node '%s' (%s) has several outputs; name one of: %s",
                     node->name, node->kind, list->str);
  g_string_free (list, TRUE);
}

/* The output that `reference` names in a cell; NULL after a mistake. */
static RvPortValue *
find_value (RvGraph *graph, uint32_t cell, const RvParam *param, const RvValue *reference)
{
  g_auto (GStrv) parts = g_strsplit (reference->text, ".", 2);
  const RvValue *nodes = cell_of (graph, cell)->nodes;
  if (!parts[0] || !rv_value_get (nodes, parts[0]))
    {
      unknown_node (graph, reference, parts[0] ? parts[0] : "", nodes);
      return NULL;
    }
  RvNode *node = visit (graph, cell, parts[0], reference);
  if (!node)
    return NULL;
  RvPortValue *value = rv_node_output (node, parts[1] ? parts[1] : "");
  if (!value)
    unknown_output (graph, reference, node, parts[1] ? parts[1] : "");
  else if (value->output->kind != param->artefact)
    {
      rv_mistakes_add (graph->mistakes, reference->place, "'%s' needs a %s, but '%s' is a %s", param->name,
                       rv_artefact_name (param->artefact), value->name,
                       rv_artefact_name (value->output->kind));
      value = NULL;
    }
  else if ((value->output->kind == RV_ARTEFACT_DATASET || value->output->kind == RV_ARTEFACT_MODEL)
           && !value->has_spec)
    {
      rv_mistakes_add (graph->mistakes, reference->place,
                       "node '%s' has no '%s' as its ports are wired here: %s (ranvier inspect %s)",
                       node->name, value->output->name, value->output->doc ? value->output->doc : "?",
                       node->kind);
      value = NULL;
    }
  return value;
}

static gboolean
resolve_port (void *self, const RvParam *param, const RvValue *reference, RvPort *port, RvMistakes *mistakes)
{
  Wiring *wiring = self;
  RvPortValue *value = find_value (wiring->graph, wiring->cell, param, reference);
  if (!value)
    return FALSE;
  port->value = value;
  if (param->type == RV_PARAM_PORT)
    g_ptr_array_add (wiring->wired, value);
  return TRUE;
}

/* Where the texts of the parameter `over` are; NULL for a plugin that has none and gathers nothing. */
static char ***
find_over (const RvInstance *instance)
{
  for (const RvParam *p = instance->plugin->params; p && p->name; p++)
    if (strcmp (p->name, "over") == 0 && p->type == RV_PARAM_TEXTS)
      return (void *)((char *)instance->self + p->offset);
  return NULL;
}

/* The texts of the parameter `over`, or NULL. */
static char **
over_of (const RvInstance *instance)
{
  char ***over = find_over (instance);
  return over ? *over : NULL;
}

/* Whether two cells agree on every axis that is not gathered over. */
static gboolean
cells_agree (const RvGraph *graph, uint32_t a, uint32_t b, char **over)
{
  for (guint k = 0; k < graph->document->axes->len; k++)
    {
      const RvAxis *axis = graph->document->axes->pdata[k];
      const gboolean gathered = !over || !*over || g_strv_contains ((const char *const *)over, axis->name);
      if (!gathered && strcmp (cell_of (graph, a)->choices[k], cell_of (graph, b)->choices[k]) != 0)
        return FALSE;
    }
  return TRUE;
}

/* Every name in `over`, which `value` may give, must be an axis. */
static gboolean
check_over (RvGraph *graph, const RvNode *node, const RvValue *value)
{
  const RvValue *given = rv_value_get (value, "over");
  g_autoptr (GPtrArray) axes = g_ptr_array_new ();
  gboolean good = TRUE;
  for (guint a = 0; a < graph->document->axes->len; a++)
    g_ptr_array_add (axes, ((RvAxis *)graph->document->axes->pdata[a])->name);
  g_ptr_array_add (axes, NULL);
  const char *const *names = (const char *const *)axes->pdata;
  char **over = over_of (node->instance);
  for (guint k = 0; over && over[k]; k++)
    {
      if (g_strv_contains (names, over[k]))
        continue;
      g_autofree char *hint = rv_hint (over[k], names);
      const RvValue *item = k < rv_value_size (given) ? given->items->pdata[k] : given;
      rv_mistakes_add (graph->mistakes, item ? item->place : value->place,
                       "there is no axis '%s' to gather over%s", over[k], hint);
      good = FALSE;
    }
  return good;
}

static RvPortValue *
new_view (RvGraph *graph, uint32_t cell, RvPortValue *source, const char *name)
{
  RvPortValue *view = g_new0 (RvPortValue, 1);
  const guint axes = graph->document->axes->len;
  view->node = source->node;
  view->output = source->output;
  view->source = source;
  view->name = g_strdup (name);
  view->choices = g_new0 (char *, 2 * axes + 1);
  for (guint a = 0; a < axes; a++)
    {
      view->choices[2 * a] = ((RvAxis *)graph->document->axes->pdata[a])->name;
      view->choices[2 * a + 1] = cell_of (graph, cell)->choices[a];
    }
  return view;
}

/* Replaces each artefact of a gathering port by those of all cells that it gathers from. */
static gboolean
gather (RvGraph *graph, uint32_t cell, RvNode *node, const RvParam *param, const RvValue *value)
{
  RvPorts *ports = (void *)((char *)node->instance->self + param->offset);
  char **over = over_of (node->instance);
  g_autoptr (GArray) items = g_array_new (FALSE, TRUE, sizeof (RvPort));
  gboolean good = TRUE;
  for (uint32_t k = 0; k < ports->n; k++)
    {
      /* as written, not as the merged node is called: other cells may have the name for another node */
      const RvValue *reference = value->type == RV_VALUE_LIST ? value->items->pdata[k] : value;
      for (uint32_t other = 0; other < graph->document->cells->len; other++)
        {
          if (!cells_agree (graph, cell, other, over))
            continue;
          RvPortValue *source = find_value (graph, other, param, reference);
          if (!source)
            {
              good = FALSE;
              continue;
            }
          RvPort port = { new_view (graph, other, source, reference->text) };
          g_ptr_array_add (node->views, port.value);
          g_array_append_val (items, port);
        }
    }
  g_free (ports->items);
  ports->n = items->len;
  ports->items = g_memdup2 (items->data, items->len * sizeof (RvPort));
  return good;
}

/* A list of ports of a plugin without `over`: inputs of its own cell, as single ports are. */
static void
add_inputs (RvNode *node, const RvParam *param)
{
  const RvPorts *ports = (void *)((char *)node->instance->self + param->offset);
  for (uint32_t k = 0; k < ports->n; k++)
    g_ptr_array_add (node->inputs, ports->items[k].value);
}

/* Wires the gathering ports, checks and identifies a node that was just made. */
static gboolean
finish_node (RvGraph *graph, uint32_t cell, RvNode *node, const RvValue *value)
{
  g_autoptr (GError) error = NULL;
  gboolean good = check_over (graph, node, value);
  for (const RvParam *p = node->instance->plugin->params; p && p->name; p++)
    if (p->type == RV_PARAM_PORTS && !find_over (node->instance))
      add_inputs (node, p);
    else if (p->type == RV_PARAM_PORTS)
      {
        g_autofree char *name = rv_param_name (p);
        const RvValue *references = rv_value_get (value, name);
        good = (!references || gather (graph, cell, node, p, references)) && good;
      }
  if (good
      && ((node->class->check && !node->class->check (node->instance->self, node, &error))
          || !rv_node_identify (node, &error)))
    {
      const guint before = graph->mistakes->messages->len;
      rv_mistakes_add (graph->mistakes, value->place, "%s: %s", node->kind,
                       error ? error->message : "the check failed");
      if (g_error_matches (error, RV_ERROR, RV_ERROR_DATA) || g_error_matches (error, RV_ERROR, RV_ERROR_IO))
        graph->mistakes->damaged += graph->mistakes->messages->len - before;
      good = FALSE;
    }
  return good;
}

/* Makes the node `name` of a cell, or finds the equal one of an earlier cell. */
static RvNode *
make_node (RvGraph *graph, uint32_t cell, const char *name)
{
  const RvValue *value = rv_value_get (cell_of (graph, cell)->nodes, name);
  g_autoptr (GPtrArray) wired = g_ptr_array_new ();
  Wiring wiring = { .graph = graph, .cell = cell, .wired = wired };
  const RvPortResolver resolver = { resolve_port, &wiring };
  g_autoptr (RvValue) resolved = rv_value_map (value->place);
  RvInstance *instance = rv_instance_new (NULL, TRUE, value, "", &resolver, resolved, graph->mistakes);
  if (!instance)
    return NULL;
  g_autofree char *where = cell_text (graph, cell);
  g_autoptr (RvNode) node = rv_node_new (&graph->state, name, where, value->place, instance);
  node->resolved = g_steal_pointer (&resolved);
  for (guint k = 0; k < wired->len; k++)
    g_ptr_array_add (node->inputs, wired->pdata[k]);
  if (!finish_node (graph, cell, node, value))
    return NULL;
  RvNode *same = g_hash_table_lookup (graph->by_identity, node->identity);
  if (same)
    return same;
  g_hash_table_insert (graph->by_identity, node->identity, node);
  g_ptr_array_add (graph->nodes, node);
  return g_steal_pointer (&node);
}

/* Whether the node `name`, which `reference` asks for, is not among those that wait for it. */
static gboolean
check_chain (RvGraph *graph, const char *name, gboolean busy, const RvValue *reference)
{
  GPtrArray *making = graph->making;
  guint k = 0;
  if (!busy && making->len < LONGEST_CHAIN)
    return TRUE;
  if (!busy)
    {
      rv_mistakes_add (graph->mistakes, reference->place, "more than %d nodes hang on one another here",
                       LONGEST_CHAIN);
      return FALSE;
    }
  g_autoptr (GString) chain = g_string_new (name);
  g_ptr_array_find_with_equal_func (making, name, g_str_equal, &k);
  while (++k < making->len)
    g_string_append_printf (chain, " <- %s", (const char *)making->pdata[k]);
  rv_mistakes_add (graph->mistakes, reference->place, "node '%s' needs its own output: %s <- %s", name,
                   chain->str, name);
  return FALSE;
}

/* The node `name` of a cell, made on first use; NULL after a mistake. `reference` asks for it, if any. */
static RvNode *
visit (RvGraph *graph, uint32_t cell, const char *name, const RvValue *reference)
{
  static RvNode busy, failed; /* marks, never read */
  GHashTable *table = graph->by_name->pdata[cell];
  RvNode *known = g_hash_table_lookup (table, name);
  if ((!known || known == &busy) && !check_chain (graph, name, known == &busy, reference))
    return NULL;
  if (known)
    return known == &failed ? NULL : known;
  g_hash_table_insert (table, g_strdup (name), &busy);
  g_ptr_array_add (graph->making, (gpointer)name);
  RvNode *node = make_node (graph, cell, name);
  g_ptr_array_set_size (graph->making, graph->making->len - 1);
  g_hash_table_insert (table, g_strdup (name), node ? node : &failed);
  return node;
}

/* The choices that all cells of a node share, besides those that it gathers over: "variant=baseline", "" for
 * what the whole study has in common. */
static char *
shared_text (const RvGraph *graph, const RvNode *node)
{
  GString *text = g_string_new (NULL);
  char **over = over_of (node->instance);
  for (guint a = 0; a < graph->document->axes->len; a++)
    {
      const char *axis = ((RvAxis *)graph->document->axes->pdata[a])->name, *choice = NULL;
      gboolean shared = !over || !g_strv_contains ((const char *const *)over, axis);
      for (guint c = 0; c < graph->by_name->len; c++)
        {
          const char *here = cell_of (graph, c)->choices[a];
          if (g_hash_table_lookup (graph->by_name->pdata[c], node->name) != node)
            continue;
          shared = shared && (!choice || strcmp (choice, here) == 0);
          choice = here;
        }
      if (shared && choice)
        g_string_append_printf (text, "%s%s=%s", text->len ? " " : "", axis, choice);
    }
  return g_string_free (text, FALSE);
}

static void
name_cells (RvGraph *graph)
{
  for (guint n = 0; n < graph->nodes->len; n++)
    {
      RvNode *node = graph->nodes->pdata[n];
      g_free (node->cell);
      node->cell = shared_text (graph, node);
    }
}

static void
count_readers (RvGraph *graph)
{
  for (guint n = 0; n < graph->nodes->len; n++)
    {
      RvNode *node = graph->nodes->pdata[n];
      for (guint k = 0; k < node->inputs->len + node->views->len; k++)
        {
          RvPortValue *value = k < node->inputs->len
                                   ? node->inputs->pdata[k]
                                   : ((RvPortValue *)node->views->pdata[k - node->inputs->len])->source;
          value->readers++;
          value->read = TRUE;
        }
    }
}

RvGraph *
rv_graph_new (const RvDocument *document, const RvGraphOptions *options, RvMistakes *mistakes)
{
  g_autoptr (RvGraph) graph = g_new0 (RvGraph, 1);
  graph->document = document;
  graph->mistakes = mistakes;
  graph->state.data_root = g_strdup (options->data_root);
  graph->state.out = g_strdup (options->out);
  graph->state.quiet = options->quiet;
  graph->state.profile = options->profile;
  graph->state.verify = options->verify;
  graph->state.fresh = options->fresh;
  graph->settings = g_strdupv ((char **)options->settings);
  graph->making = g_ptr_array_new ();
  graph->nodes = g_ptr_array_new_with_free_func ((GDestroyNotify)rv_node_free);
  graph->by_identity = g_hash_table_new (g_str_hash, g_str_equal);
  graph->by_name = g_ptr_array_new_with_free_func ((GDestroyNotify)g_hash_table_unref);
  const guint before = mistakes->messages->len;
  for (guint c = 0; c < document->cells->len; c++)
    g_ptr_array_add (graph->by_name, g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL));
  for (uint32_t c = 0; c < document->cells->len; c++)
    {
      const RvValue *nodes = cell_of (graph, c)->nodes;
      for (guint k = 0; k < nodes->keys->len; k++)
        visit (graph, c, nodes->keys->pdata[k], NULL);
    }
  graph->state.total = graph->nodes->len;
  name_cells (graph);
  count_readers (graph);
  return mistakes->messages->len > before ? NULL : g_steal_pointer (&graph);
}

void
rv_graph_free (RvGraph *graph)
{
  if (!graph)
    return;
  /* models keep instances, tables nothing: any order will do */
  g_clear_pointer (&graph->by_name, g_ptr_array_unref);
  g_clear_pointer (&graph->by_identity, g_hash_table_unref);
  g_clear_pointer (&graph->nodes, g_ptr_array_unref);
  g_clear_pointer (&graph->making, g_ptr_array_unref);
  g_strfreev (graph->settings);
  g_free (graph->state.data_root);
  g_free (graph->state.out);
  g_free (graph);
}

char *
rv_graph_to_text (const RvGraph *graph)
{
  GString *text = g_string_new (NULL);
  for (guint n = 0; n < graph->nodes->len; n++)
    {
      const RvNode *node = graph->nodes->pdata[n];
      g_string_append_printf (text, "%s%s%s%s: %s", node->name, *node->cell ? " [" : "", node->cell,
                              *node->cell ? "]" : "", node->kind);
      for (guint k = 0; k < node->inputs->len; k++)
        g_string_append_printf (text, "%s %s", k ? "," : " <-",
                                ((RvPortValue *)node->inputs->pdata[k])->name);
      if (node->views->len)
        g_string_append_printf (text, " <- %s of %u cells",
                                ((RvPortValue *)node->views->pdata[0])->source->name, node->views->len);
      g_string_append_c (text, '\n');
    }
  return g_string_free (text, FALSE);
}

static void
append_edge (GString *text, const RvPortValue *from, const RvNode *to)
{
  g_string_append_printf (text, "  \"%.8s\" -> \"%.8s\" [label=\"%s\"];\n", from->node->identity,
                          to->identity, from->output->name);
}

char *
rv_graph_to_dot (const RvGraph *graph)
{
  GString *text = g_string_new ("digraph pipeline {\n  rankdir=LR;\n  node [shape=box];\n");
  for (guint n = 0; n < graph->nodes->len; n++)
    {
      const RvNode *node = graph->nodes->pdata[n];
      g_string_append_printf (text, "  \"%.8s\" [label=\"%s\\n%s\\n%s\"];\n", node->identity, node->name,
                              node->kind, node->cell);
      for (guint k = 0; k < node->inputs->len; k++)
        append_edge (text, node->inputs->pdata[k], node);
      for (guint k = 0; k < node->views->len; k++)
        append_edge (text, ((RvPortValue *)node->views->pdata[k])->source, node);
    }
  g_string_append (text, "}\n");
  return g_string_free (text, FALSE);
}

char *
rv_graph_memory (const RvGraph *graph)
{
  GString *text = g_string_new (NULL);
  g_autoptr (GHashTable) most = g_hash_table_new (g_str_hash, g_str_equal);
  for (guint k = 0; k < graph->nodes->len; k++)
    {
      const RvNode *node = graph->nodes->pdata[k], *other = g_hash_table_lookup (most, node->name);
      if (node->memory > (other ? other->memory : 0))
        g_hash_table_insert (most, node->name, (gpointer)node);
    }
  for (guint k = 0; k < graph->nodes->len; k++)
    {
      const RvNode *node = graph->nodes->pdata[k];
      if (g_hash_table_lookup (most, node->name) == node)
        g_string_append_printf (text, "  %s: %.1f MB of memory beside its data, with %u thread%s\n",
                                node->name, (double)node->memory / 1e6, rv_threads_get (),
                                rv_threads_get () == 1 ? "" : "s");
    }
  return g_string_free (text, FALSE);
}

/* Whether the cells have more than one choice of an axis. */
static gboolean
varies (const RvGraph *graph, guint axis)
{
  for (guint c = 1; c < graph->document->cells->len; c++)
    if (strcmp (cell_of (graph, c)->choices[axis], cell_of (graph, 0)->choices[axis]) != 0)
      return TRUE;
  return FALSE;
}

char *
rv_graph_notes (const RvGraph *graph)
{
  GString *text = g_string_new (NULL);
  g_autoptr (GHashTable) told = g_hash_table_new (g_str_hash, g_str_equal);
  for (guint k = 0; k < graph->nodes->len; k++)
    {
      const RvNode *node = graph->nodes->pdata[k];
      char **over = over_of (node->instance);
      for (guint a = 0; over && *over && a < graph->document->axes->len; a++)
        {
          const char *axis = ((RvAxis *)graph->document->axes->pdata[a])->name;
          g_autofree char *start = g_strconcat (axis, "=", NULL);
          /* what an axis does not change is the same for all of its choices, and its cell does not name it */
          if (g_strv_contains ((const char *const *)over, axis) || !varies (graph, a) || !strstr (node->cell, start)
              || !g_hash_table_add (told, node->name))
            continue;
          g_string_append_printf (text, "%s: one for each choice of '%s', which is not in its 'over'\n", node->name, axis);
        }
    }
  return g_string_free (text, FALSE);
}
