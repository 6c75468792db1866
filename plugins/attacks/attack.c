/* The course of an attack: drawing, judging, the iterations over all copies that are still told right. The
 * tables are in tables.c, the copies in copies.c. */
#include "parts.h"

const char *const attack_targets[] = { "none", "random", "each", NULL };

enum
{
  NONE,
  RANDOM,
  EACH
};

const RvOutput attack_outputs[]
    = { { .name = "", .kind = RV_ARTEFACT_DATASET, .doc = "The drawn recordings, as the attack left them" },
        { .name = "summary",
          .kind = RV_ARTEFACT_TABLE,
          .doc = "One row: success rate, and means over the successes" },
        { .name = "samples", .kind = RV_ARTEFACT_TABLE, .doc = "One row for each attack on a recording" },
        { .name = NULL } };

static uint32_t
drawn_of (const AttackOptions *options, const RvDatasetSpec *spec)
{
  return options->samples ? (uint32_t)MIN (options->samples, spec->samples) : spec->samples;
}

gboolean
attack_check (const AttackOptions *options, gboolean spikes, RvNode *node, GError **error)
{
  static const char *const forms[] = { "images", "spikes", "frames", "events" };
  const RvDatasetSpec *model = rv_port_spec (&options->model);
  RvDatasetSpec spec = *rv_port_spec (&options->data);
  const char *data = rv_port_name (&options->data);
  if (spikes != (spec.form == RV_FORM_SPIKES) || spec.form == RV_FORM_EVENTS || !spec.steps)
    g_set_error (error, RV_ERROR, RV_ERROR_SHAPE, "changes %s, but '%s' has %s%s (%s)",
                 spikes ? "spikes" : "images or frames over time", data, forms[spec.form],
                 spec.steps ? "" : " that have no time steps",
                 spec.form == RV_FORM_SPIKES   ? "attack/spike-gradient is for these"
                 : spec.form == RV_FORM_EVENTS ? "transform/bins makes spikes of them"
                 : spec.steps                  ? "attack/pgd is for these"
                                               : "transform/repeat or transform/rate-code gives them a time");
  else if (model->units != spec.units || model->steps != spec.steps || model->classes != spec.classes)
    g_set_error (error, RV_ERROR, RV_ERROR_SHAPE,
                 "model '%s' takes %u units, %u steps and %u classes, but data '%s' has %u, %u and %u",
                 rv_port_name (&options->model), model->units, model->steps, model->classes, data, spec.units,
                 spec.steps, spec.classes);
  else if (spec.classes < 2)
    g_set_error (error, RV_ERROR, RV_ERROR_SHAPE, "'%s' has one class, so that nothing can be told wrong",
                 data);
  else
    {
      const uint64_t n
          = (uint64_t)drawn_of (options, &spec) * (options->target == EACH ? spec.classes - 1 : 1);
      if (n > UINT32_MAX)
        {
          g_set_error (error, RV_ERROR, RV_ERROR_SHAPE,
                       "%" G_GUINT64_FORMAT " attacks are too many; lower 'samples'", n);
          return FALSE;
        }
      spec.samples = (uint32_t)n;
      spec.varies = FALSE;
      rv_node_set_spec (node, "", &spec);
      rv_node_set_memory (node, attack_copies_bytes (&spec));
      return TRUE;
    }
  return FALSE;
}

/* ---- which recordings, and where to */

static int
compare (gconstpointer a, gconstpointer b)
{
  const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
  return (x > y) - (x < y);
}

/* A class other than the label. */
static uint32_t
other_class (uint32_t label, uint32_t k)
{
  return k < label ? k : k + 1;
}

static void
set_target (const AttackOptions *options, RvStream stream, uint32_t classes, uint32_t k, Attempt *attempt)
{
  const uint64_t bits = rv_stream_bits (rv_stream_fork (stream, attempt->id), 0);
  attempt->target = ATTACK_NO_CLASS;
  if (options->target == EACH)
    attempt->target = other_class (attempt->label, k % (classes - 1));
  else if (options->target == RANDOM)
    attempt->target = other_class (attempt->label, (uint32_t)(bits % (classes - 1)));
}

/* Draws recordings without their labels being looked at, and reads them. */
static gboolean
draw (const AttackOptions *options, AttackRun *run, GError **error)
{
  RvDataset *source = rv_port_dataset (&options->data);
  const RvDatasetSpec *spec = rv_dataset_spec (source);
  const uint64_t seed = (uint64_t)options->seed;
  const uint32_t n = drawn_of (options, spec), times = options->target == EACH ? spec->classes - 1 : 1;
  g_autofree uint32_t *order = g_new (uint32_t, spec->samples);
  rv_stream_permutation (rv_stream_new (seed, "", "drawn", spec->split), spec->samples, order);
  qsort (order, n, sizeof *order, compare);
  run->data = attack_copies_new (source, n * times, &run->copies);
  const RvStream stream = rv_stream_new (seed, "", "target", spec->split);
  for (uint32_t k = 0; k < n * times; k++)
    {
      run->copies->attempts[k].id = order[k / times];
      if (!attack_copies_read (run->copies, k, error))
        return FALSE;
      set_target (options, stream, spec->classes, k, &run->copies->attempts[k]);
      if (rv_node_stopped (run->node))
        {
          g_set_error_literal (error, RV_ERROR, RV_ERROR_STOPPED, "interrupted");
          return FALSE;
        }
    }
  return TRUE;
}

/* ---- judging */

/* The class with the one largest score; where several decisions are taken, of their sum. */
static uint32_t
class_of (const RvTileView *view, uint32_t s)
{
  uint32_t best = ATTACK_NO_CLASS;
  double top = -INFINITY;
  for (uint32_t c = 0; c < view->classes; c++)
    {
      double sum = 0.0;
      for (uint32_t d = 0; d < view->taken[s]; d++)
        sum += (double)view->scores[((size_t)s * view->decisions + d) * view->classes + c];
      if (sum > top)
        best = c;
      else if (sum == top || isnan (sum))
        best = ATTACK_NO_CLASS;
      top = isnan (sum) ? INFINITY : MAX (top, sum);
    }
  return best;
}

/* A class that is not the label, or the target. A tie is no success. */
static gboolean
succeeded (const AttackRun *run, uint32_t k)
{
  const Attempt *attempt = &run->copies->attempts[k];
  const gboolean aimed = attempt->target != ATTACK_NO_CLASS;
  if (attempt->now == ATTACK_NO_CLASS
      || (aimed ? attempt->now != attempt->target : attempt->now == attempt->label))
    return FALSE;
  return run->method->limit >= 1.0 || attack_distance (run->copies, k).share <= run->method->limit;
}

static void
watch_tile (void *self, const RvTileView *view)
{
  const AttackRun *run = self;
  for (uint32_t s = 0; s < view->samples; s++)
    {
      const uint32_t k = view->ids[s];
      Attempt *attempt = &run->copies->attempts[k];
      if (run->judges)
        attempt->now = class_of (view, s);
      if (!run->moves || (run->judges && succeeded (run, k)))
        continue;
      run->method->move (run->self, run, k, view->input_gradient, s);
      attempt->changes++;
    }
}

/* Who is still told right. */
static void
list_open (AttackRun *run)
{
  run->n_open = 0;
  for (uint32_t k = 0; k < run->copies->n; k++)
    {
      const Attempt *attempt = &run->copies->attempts[k];
      if (attempt->result != ATTACK_OPEN)
        continue;
      run->aims[run->n_open] = attempt->target == ATTACK_NO_CLASS ? attempt->label : attempt->target;
      run->open[run->n_open++] = k;
    }
}

static gboolean
show (AttackRun *run, RvModel *model, gboolean judges, gboolean moves, GError **error)
{
  const RvBatch batch = { .data = run->data, .ids = run->open, .n = run->n_open };
  const RvObserver observer = { .tile = watch_tile, .self = run };
  run->judges = judges;
  run->moves = moves;
  return moves && !run->method->blind
             ? rv_model_input_gradient (model, NULL, &batch, run->aims, &observer, NULL, error)
             : rv_model_evaluate (model, NULL, &batch, &observer, NULL, error);
}

/* ---- the iterations */

static void
remember (void *self, RvCheckpoint *checkpoint)
{
  AttackRun *run = self;
  rv_checkpoint_integers (checkpoint, "iteration", &run->iteration, 1);
  attack_copies_remember (run->copies, checkpoint);
  rv_checkpoint_position (checkpoint, "iteration %" G_GUINT64_FORMAT, run->iteration);
}

static void
tell (AttackRun *run, gboolean end)
{
  const uint64_t most = run->method->iterations;
  g_autofree char *text
      = g_strdup_printf ("iteration %" G_GUINT64_FORMAT "/%" G_GUINT64_FORMAT ", %u of %u not flipped",
                         run->iteration, most, run->n_open, run->copies->n);
  rv_node_progress (run->node, run->iteration, most, text);
  if (end || run->iteration % 25 == 0)
    rv_node_report (run->node, text, "iteration", (double)run->iteration, "not flipped", (double)run->n_open,
                    NULL);
}

/* Told wrong before anything is changed: not attacked. */
static gboolean
judge_start (AttackRun *run, GError **error)
{
  list_open (run);
  if (!show (run, run->model, TRUE, FALSE, error))
    return FALSE;
  for (uint32_t k = 0; k < run->copies->n; k++)
    {
      Attempt *attempt = &run->copies->attempts[k];
      attempt->before = attempt->now;
      if (attempt->now != attempt->label)
        attempt->result = ATTACK_WRONG_AT_START;
    }
  list_open (run);
  return TRUE;
}

/* One iteration: the run that tells the class makes the gradient too, and who is still told right is moved.
 * Where another model makes the gradient that is a second run. The last one only tells. */
static gboolean
iterate (AttackRun *run, const RvStream stream, GError **error)
{
  const gboolean last = run->iteration == run->method->iterations;
  run->stream = rv_stream_fork (stream, run->iteration);
  if (!show (run, run->model, TRUE, !last && !run->method->gradient, error))
    return FALSE;
  for (uint32_t k = 0; k < run->n_open; k++)
    if (succeeded (run, run->open[k]))
      run->copies->attempts[run->open[k]].result = ATTACK_SUCCEEDED;
  list_open (run);
  if (!last && run->n_open && run->method->gradient && !show (run, run->method->gradient, FALSE, TRUE, error))
    return FALSE;
  return TRUE;
}

static gboolean
go (const AttackOptions *options, AttackRun *run,
    gboolean (*begin) (const void *self, const AttackRun *run, GError **error), GError **error)
{
  const char *split = rv_dataset_spec (run->data)->split;
  const RvStream stream = rv_stream_new ((uint64_t)options->seed, "", "attack", split);
  run->key = stream;
  run->stream = rv_stream_new ((uint64_t)options->seed, "", "start", split);
  if (!judge_start (run, error) || (begin && !begin (run->self, run, error))
      || !rv_node_resume (run->node, remember, run, error))
    return FALSE;
  list_open (run);
  while (run->n_open && run->iteration <= run->method->iterations)
    {
      if (!iterate (run, stream, error))
        return FALSE;
      tell (run, run->n_open == 0 || run->iteration == run->method->iterations);
      run->iteration++;
      if (run->n_open && run->iteration <= run->method->iterations
          && !rv_node_checkpoint (run->node, FALSE, remember, run, error))
        return FALSE;
    }
  return TRUE;
}

gboolean
attack_run (const AttackOptions *options, const AttackMethod *method, const void *self,
            gboolean (*begin) (const void *self, const AttackRun *run, GError **error), RvNode *node,
            GError **error)
{
  AttackRun run = { .method = method, .self = self, .node = node };
  gboolean ok = draw (options, &run, error);
  run.open = g_new (uint32_t, run.copies->n + 1);
  run.aims = g_new (uint32_t, run.copies->n + 1);
  run.model = rv_model_copy (rv_port_model (&options->model));
  ok = ok && go (options, &run, begin, error);
  if (ok)
    {
      rv_node_set_output (node, "summary", attack_summary (&run));
      rv_node_set_output (node, "samples", attack_samples (&run));
      attack_copies_end (run.copies);
      rv_node_set_output (node, "", rv_dataset_ref (run.data));
    }
  rv_dataset_unref (run.data);
  rv_model_unref (run.model);
  g_free (run.open);
  g_free (run.aims);
  return ok;
}
