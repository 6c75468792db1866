/* Running a checked graph: node after node; what an earlier run kept is taken from there, a dataset is made when
 * somebody needs it, artefacts are freed when nobody does, and failures are passed on. */
#include "pipeline/directory.h"
#include "pipeline/resume.h"
#include "pipeline/store.h"
#include <string.h>
#include <unistd.h>

typedef struct
{
  RvGraph *graph;
  GHashTable *last; /* see rv_store_recall */
  uint32_t reused, failed;
  gboolean stopped; /* by the user */
  GError *first;    /* the first failure, or that the user stopped the run */
  gboolean gathers; /* some node gathers from cells */
  guint details;    /* tables of single cells that were not printed */
} Run;

static gboolean provide (Run *run, RvNode *node);

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

#define PRINTED_ROWS 60

/* Tables of a node that no other reads are what the user asked for; long ones can be read where they are. */
/* Whether a table says the same as others do of their cells, which a report then gathers: it is written, not printed. */
static gboolean
is_detail (const Run *run, const RvNode *node)
{
  return run->gathers && *node->cell && !node->views->len;
}

static void
print_results (Run *run, const RvNode *node)
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
      if (is_detail (run, node))
        {
          run->details++;
          continue;
        }
      g_autofree char *text = rv_table_to_markdown (value->artefact);
      if (*node->cell)
        printf ("\n%s, cell %s\n", value->name, node->cell);
      if (rv_table_rows (value->artefact) <= PRINTED_ROWS)
        printf ("\n%s", text);
      else
        printf ("\n**%s**: %u rows, in %s.md\n", rv_table_title (value->artefact),
                rv_table_rows (value->artefact), value->stem);
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

/* Says what went wrong with a node and keeps the first problem, or that the user stopped the run. */
static void
note_failure (Run *run, RvNode *node, const GError *problem)
{
  const gboolean stopped = g_error_matches (problem, RV_ERROR, RV_ERROR_STOPPED);
  node->failure = g_strdup (problem->message);
  run->failed++;
  rv_node_say (node, "%s: %s", stopped ? "stopped" : "failed", problem->message);
  if (stopped && !run->stopped) /* otherwise a checkpoint could not be written, and that is what counts */
    g_clear_error (&run->first);
  run->stopped |= stopped || rv_node_stopped (node);
  if (!run->first)
    run->first = g_error_copy (problem);
}

/* Sees to it that what a node reads is there. */
static gboolean
provide_inputs (Run *run, RvNode *node, GError **error)
{
  for (guint k = 0; k < node->inputs->len; k++)
    {
      const RvPortValue *input = node->inputs->pdata[k];
      if (!input->artefact && !input->node->failure)
        {
          input->node->again = input->output->kind == RV_ARTEFACT_DATASET && rv_store_keeps (input->node);
          provide (run, input->node);
        }
      if (run->stopped)
        {
          g_set_error (error, RV_ERROR, RV_ERROR_STOPPED, "interrupted before it began");
          return FALSE;
        }
      if (!input->artefact || input->node->failure)
        {
          g_set_error (error, RV_ERROR, RV_ERROR_PIPELINE, "needs '%s', which failed", input->name);
          return FALSE;
        }
    }
  return TRUE;
}

static gboolean
compute (Run *run, RvNode *node, GError **error)
{
  FILE *metrics = node->state->metrics;
  for (guint k = 0; node->again && k < node->outputs->len; k++)
    {
      RvPortValue *value = node->outputs->pdata[k];
      rv_artefact_unref (value->output->kind, g_steal_pointer (&value->artefact));
    }
  g_ptr_array_set_size (node->metrics, 0);
  gboolean ran = provide_inputs (run, node, error);
  if (node->again) /* its numbers are there */
    node->state->metrics = NULL;
  ran = ran && node->class->run (node->instance->self, node, error);
  node->state->metrics = metrics;
  rv_node_end_profile (node);
  return ran && rv_directory_store (run->graph, node, error);
}

/* A table that names failed cells is true of this run alone. */
static gboolean
gathers_failures (const RvNode *node)
{
  for (guint k = 0; k < node->views->len; k++)
    if (((RvPortValue *)node->views->pdata[k])->node->failure)
      return TRUE;
  return FALSE;
}

static void
say_why (const Run *run, const RvNode *node)
{
  g_autofree char *why = run->graph->state.quiet || node->views->len ? NULL : rv_store_why (node, run->last);
  if (why)
    rv_node_say (node, "computed again: %s", why);
}

static void
say_reused (Run *run, RvNode *node, const char *when)
{
  run->reused++;
  node->reused = TRUE;
  if (!run->graph->state.quiet && !node->views->len)
    rv_node_say (node, "reused, made %s", when);
}

/* From the store, or computed and kept there. */
static gboolean
take_or_compute (Run *run, RvNode *node, GError **error)
{
  GError *stopped = NULL;
  g_autoptr (RvKept) kept = rv_store_open (node, &stopped);
  g_autofree char *when = NULL;
  if (stopped)
    {
      g_propagate_error (error, stopped);
      return FALSE;
    }
  if (node->again)
    rv_node_say (node, "computed again: what it hands on as a dataset is not kept, and is needed");
  else if (kept && !run->graph->state.fresh && rv_store_take (kept, node, &when))
    {
      say_reused (run, node, when);
      return rv_directory_store (run->graph, node, error);
    }
  if (!node->again)
    say_why (run, node);
  if (!compute (run, node, error))
    return FALSE;
  if (kept && !gathers_failures (node))
    rv_store_put (kept, node);
  return TRUE;
}

/* Prepared data, or the dataset made and then prepared. */
static gboolean
take_or_prepare (Run *run, RvNode *node, GError **error)
{
  GError *stopped = NULL;
  g_autoptr (RvKept) kept = rv_store_open (node, &stopped);
  if (stopped)
    {
      g_propagate_error (error, stopped);
      return FALSE;
    }
  if (kept && !run->graph->state.fresh && rv_store_take_data (kept, node))
    return TRUE;
  return compute (run, node, error) && (!kept || rv_store_put_data (kept, node, error));
}

/* From the store if it may be there, otherwise made. */
static gboolean
make_outputs (Run *run, RvNode *node, GError **error)
{
  if (rv_store_keeps (node))
    return take_or_compute (run, node, error);
  return rv_store_prepares (node) ? take_or_prepare (run, node, error) : compute (run, node, error);
}

/* Makes the outputs of a node, whatever it takes; FALSE after noting its failure. */
static gboolean
provide (Run *run, RvNode *node)
{
  g_autoptr (GError) problem = NULL;
  if (rv_node_stopped (node))
    g_set_error (&problem, RV_ERROR, RV_ERROR_STOPPED, "interrupted before it began");
  const gint64 began = g_get_monotonic_time ();
  const gboolean good = !problem && make_outputs (run, node, &problem);
  node->took += g_get_monotonic_time () - began;
  node->ran = TRUE;
  rv_node_end_progress (node);
  if (!good)
    note_failure (run, node, problem);
  return good;
}

/* A dataset waits until somebody needs it: whoever would read it may find its own results kept. */
static gboolean
can_wait (const RvNode *node)
{
  gboolean read = FALSE;
  for (guint k = 0; k < node->outputs->len; k++)
    read |= ((RvPortValue *)node->outputs->pdata[k])->read;
  return read && !rv_store_keeps (node);
}

static void
run_all (Run *run)
{
  const RvGraph *graph = run->graph;
  for (guint n = 0; n < graph->nodes->len && !run->stopped; n++)
    {
      RvNode *node = graph->nodes->pdata[n];
      run->graph->state.done = n;
      if (can_wait (node))
        continue;
      if (!node->failure && provide (run, node))
        print_results (run, node);
      release_inputs (node);
      drop_unread (node);
    }
}

gboolean
rv_graph_run (RvGraph *graph, uint32_t *failed, GError **error)
{
  g_autoptr (GHashTable) last = rv_store_recall (graph->document->path),
                         now = rv_store_recall (graph->document->path);
  Run run = { .graph = graph, .last = last };
  for (guint n = 0; n < graph->nodes->len; n++)
    run.gathers |= ((RvNode *)graph->nodes->pdata[n])->views->len > 0;
  graph->state.terminal = isatty (STDERR_FILENO);
  graph->state.checkpoint_every = rv_resume_interval ();
  if (rv_directory_begin (graph, &run.first))
    {
      rv_store_remember (graph->document->path, now, graph->nodes); /* the run may end at any moment */
      run_all (&run);
      rv_store_trim ();
      if (run.details && !graph->state.quiet)
        printf ("\n%u more tables, each of a single cell, are in %s/tables\n", run.details, graph->state.out);
      if (graph->state.undrawn)
        fprintf (stderr, "figures are not drawn, because gnuplot is not installed: `gnuplot NAME.gp` in %s/figures draws"
                         " them\n", graph->state.out);
      if (run.reused && !graph->state.quiet)
        fprintf (stderr, "%u results were kept from earlier runs (--fresh computes them again)\n",
                 run.reused);
    }
  graph->state.ended = TRUE;
  rv_directory_end (graph, run.first ? NULL : &run.first);
  *failed = run.failed;
  if (!run.first)
    return TRUE;
  g_propagate_error (error, run.first);
  return FALSE;
}
