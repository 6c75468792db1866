/* Running a checked graph: node after node, artefacts freed when nobody needs them, failures passed on. */
#include "pipeline/directory.h"
#include <string.h>
#include <unistd.h>

/* What a node needs but did not get, as a failure of its own; NULL if all is there. */
static char *
missing_input (const RvNode *node)
{
  for (guint k = 0; k < node->inputs->len; k++)
    {
      const RvPortValue *input = node->inputs->pdata[k];
      if (!input->artefact || input->node->failure)
        return g_strdup_printf ("needs '%s', which failed", input->name);
    }
  return NULL;
}

static void
let_go (RvPortValue *value)
{
  if (--value->readers > 0)
    return;
  rv_artefact_unref (value->output->kind, g_steal_pointer (&value->artefact));
}

/* Gives up the artefacts that this node was the last to read. */
static void
release_inputs (const RvNode *node)
{
  for (guint k = 0; k < node->inputs->len; k++)
    let_go (node->inputs->pdata[k]);
  for (guint k = 0; k < node->views->len; k++)
    let_go (((RvPortValue *)node->views->pdata[k])->source);
}

/* Tables of a node that no other reads are what the user asked for. */
static void
print_results (const RvNode *node)
{
  for (guint k = 0; k < node->outputs->len; k++)
    if (((RvPortValue *)node->outputs->pdata[k])->read)
      return;
  const void *last = NULL;
  for (guint k = 0; k < node->outputs->len; k++)
    {
      const RvPortValue *value = node->outputs->pdata[k];
      if (value->output->kind != RV_ARTEFACT_TABLE || !value->artefact || value->artefact == last)
        continue;
      last = value->artefact;
      g_autofree char *text = rv_table_to_markdown (value->artefact);
      if (*node->cell)
        printf ("\n%s, cell %s\n", value->name, node->cell);
      printf ("\n%s", text);
    }
}

/* What nobody will read is not kept once it is stored and printed. */
static void
drop_unread (const RvNode *node)
{
  for (guint k = 0; k < node->outputs->len; k++)
    {
      RvPortValue *value = node->outputs->pdata[k];
      if (!value->read)
        rv_artefact_unref (value->output->kind, g_steal_pointer (&value->artefact));
    }
}

static gboolean
run_node (RvGraph *graph, RvNode *node, GError **error)
{
  g_autofree char *missing = missing_input (node);
  if (missing)
    {
      g_set_error (error, RV_ERROR, RV_ERROR_PIPELINE, "%s", missing);
      return FALSE;
    }
  if (!node->class->run (node->instance->self, node, error))
    return FALSE;
  return rv_directory_store (graph, node, error);
}

/* Says what went wrong with a node and keeps the first problem, or that the user stopped the run. */
static void
note_failure (const RvGraph *graph, RvNode *node, GError *problem, GError **error)
{
  const gboolean stopped = g_error_matches (problem, RV_ERROR, RV_ERROR_STOPPED);
  node->failure = g_strdup (problem->message);
  fprintf (stderr, "%s%s%s%s%s %s: %s\n", graph->state.terminal ? "\r\033[K" : "", node->name, *node->cell ? " [" : "",
           node->cell, *node->cell ? "]" : "", stopped ? "stopped" : "failed", problem->message);
  if (stopped)
    g_clear_error (error);
  if (!*error)
    *error = g_error_copy (problem);
}

static void
run_all (RvGraph *graph, uint32_t *failed, GError **error)
{
  for (guint n = 0; n < graph->nodes->len; n++)
    {
      RvNode *node = graph->nodes->pdata[n];
      g_autoptr (GError) problem = NULL;
      graph->state.done = n;
      if (rv_node_stopped (node))
        g_set_error (&problem, RV_ERROR, RV_ERROR_STOPPED, "interrupted before it began");
      if (!problem && run_node (graph, node, &problem))
        print_results (node);
      else
        {
          (*failed)++;
          note_failure (graph, node, problem, error);
          if (g_error_matches (problem, RV_ERROR, RV_ERROR_STOPPED))
            return;
        }
      release_inputs (node);
      drop_unread (node);
    }
}

gboolean
rv_graph_run (RvGraph *graph, uint32_t *failed, GError **error)
{
  GError *first = NULL;
  *failed = 0;
  graph->state.terminal = isatty (STDERR_FILENO);
  if (rv_directory_begin (graph, &first))
    run_all (graph, failed, &first);
  g_clear_pointer (&graph->state.metrics, fclose);
  if (!first)
    return TRUE;
  g_propagate_error (error, first);
  return FALSE;
}
