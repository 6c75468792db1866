/* The tests of any functions that work on arrays. */
#include "cli/check/rig.h"

#include "base/threads.h"
#include "plugin/module.h"
#include "plugin/registry.h"

#include <math.h>
#include <string.h>

#define MOST_TRIALS 16
#define THREADS 7

typedef struct
{
  const char *what;
  const float *a, *b;
  size_t count;
  double tolerance;
} Twins;

typedef struct
{
  const char *name;
  float *x;
  const float *gradient;
  uint32_t rows;
} Variable;

static const RvSubject *
subject_of (const char *kind)
{
  static const struct
  {
    const char *kind;
    const RvSubject *subject;
  } subjects[] = { { "neuron", &rv_subject_neuron },          { "surrogate", &rv_subject_surrogate },
                   { "decoder", &rv_subject_decoder },        { "loss", &rv_subject_loss },
                   { "optimizer", &rv_subject_optimizer },    { "schedule", &rv_subject_schedule },
                   { "initializer", &rv_subject_initializer } };
  guint k = 0;
  while (strcmp (subjects[k].kind, kind) != 0)
    k++;
  return subjects[k].subject;
}

/* ---- a rig */

static void
rig_free (RvRig *rig)
{
  rv_arrays_free (rig->arrays);
  rv_instance_unref (rig->instance);
  g_array_unref (rig->twins);
  g_array_unref (rig->variables);
  g_free (rig->own);
  g_free (rig);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (RvRig, rig_free)

static RvRig *
rig_new (RvInstance *instance, uint64_t key, gboolean guarded, gboolean large)
{
  g_autoptr (RvRig) rig = g_new0 (RvRig, 1);
  rig->subject = subject_of (instance->plugin->kind);
  rig->arrays = rv_arrays_new (guarded);
  rig->instance = rv_instance_ref (instance);
  rig->twins = g_array_new (FALSE, FALSE, sizeof (Twins));
  rig->variables = g_array_new (FALSE, FALSE, sizeof (Variable));
  rig->key = key;
  rig->large = large;
  if (!rig->subject->prepare (rig))
    return NULL;
  rv_arrays_seal (rig->arrays);
  return g_steal_pointer (&rig);
}

float *
rv_rig_input (RvRig *rig, const char *name, size_t count, float size)
{
  float *data = rv_arrays_add (rig->arrays, RV_INPUT, name, count);
  for (size_t k = 0; k < count; k++)
    data[k] = size * rv_check_noise (rig->key + 17 * rig->arrays->items->len, k);
  return data;
}

float *
rv_rig_output (RvRig *rig, const char *name, size_t count)
{
  return rv_arrays_add (rig->arrays, RV_OUTPUT, name, count);
}

void
rv_rig_twins (RvRig *rig, const char *what, const float *a, const float *b, size_t count, double tolerance)
{
  const Twins twins = { g_intern_string (what), a, b, count, tolerance };
  g_array_append_val (rig->twins, twins);
}

void
rv_rig_variable (RvRig *rig, const char *name, float *x, const float *gradient, uint32_t rows)
{
  const Variable variable = { g_intern_string (name), x, gradient, rows };
  g_array_append_val (rig->variables, variable);
}

/* Only the defaults must be accepted: init may refuse what does not go together. */
RvVerdict
rv_rig_each (RvCheck *check)
{
  const guint trials = rv_check_trials (check, 8, MOST_TRIALS);
  const gboolean guarded = check->test->step == rv_rig_bounds;
  for (guint trial = 0; trial < trials; trial++)
    {
      g_autoptr (RvInstance) instance = rv_check_instance (check, trial, NULL, NULL);
      g_autoptr (RvRig) rig = instance != NULL ? rig_new (instance, trial + 1, guarded, FALSE) : NULL;
      g_autofree char *why = g_strdup (check->said->str);
      if (rig == NULL && trial == 0)
        return rv_check_skip (check, "its parameters are refused: %s", why);
      const RvVerdict verdict = rig != NULL ? check->test->step (check, rig) : RV_VERDICT_OK;
      if (verdict != RV_VERDICT_OK)
        return verdict;
    }
  if (check->worst > 0.0)
    return rv_check_ok (check, "within %.1e, %u sets of parameters", check->worst, trials);
  return rv_check_ok (check, "%u sets of parameters", trials);
}

/* ---- results that hang on nothing but the input */

RvVerdict
rv_rig_repeat (RvCheck *check, void *thing)
{
  RvRig *rig = thing;
  g_autoptr (RvRig) other = rig_new (rig->instance, rig->key + 1000, FALSE, FALSE);
  rv_check_at (
      "two calls with the same input; before, the outputs held other numbers, and between were other calls");
  rv_arrays_poison (rig->arrays, 1e30f);
  rig->subject->run (rig);
  g_autofree float *first = rv_arrays_keep (rig->arrays);
  other->subject->run (other);
  rv_arrays_poison (rig->arrays, NAN);
  rig->subject->run (rig);
  g_autofree char *difference = rv_arrays_differ (rig->arrays, first, SIZE_MAX, 0);
  if (difference != NULL)
    return rv_check_fail (check, "the same input gave another result: %s", difference);
  rv_check_perturb (TRUE);
  g_autoptr (RvInstance) again = rv_check_instance (check, (guint)rig->key - 1, NULL, NULL);
  g_autoptr (RvRig) fresh = rig_new (again, rig->key, FALSE, FALSE);
  rv_check_perturb (FALSE);
  fresh->subject->run (fresh);
  rv_check_at ("another instance of the same parameters, in memory that held other numbers");
  difference = rv_arrays_differ (fresh->arrays, first, SIZE_MAX, 0);
  return difference == NULL
             ? RV_VERDICT_OK
             : rv_check_fail (check, "the same parameters gave another result: %s", difference);
}

static void
run_one (void *self, uint32_t k, uint32_t worker)
{
  RvRig *rig = ((RvRig **)self)[k];
  rig->subject->run (rig);
}

RvVerdict
rv_rig_threads (RvCheck *check, void *thing)
{
  RvRig *rig = thing;
  RvRig *rigs[THREADS];
  float *expected[THREADS];
  g_autofree char *difference = NULL;
  for (guint k = 0; k < THREADS; k++)
    rigs[k] = rig_new (rig->instance, rig->key + k, FALSE, FALSE);
  rv_threads_set (1); /* in a worker too, since workers flush denormals */
  rv_parallel_for (THREADS, run_one, rigs);
  for (guint k = 0; k < THREADS; k++)
    expected[k] = rv_arrays_keep (rigs[k]->arrays);
  rv_threads_set (THREADS);
  rv_check_at ("calls from %d threads at once", THREADS);
  for (guint round = 0; round < 20 && difference == NULL; round++)
    {
      rv_parallel_for (THREADS, run_one, rigs);
      for (guint k = 0; k < THREADS && difference == NULL; k++)
        difference = rv_arrays_differ (rigs[k]->arrays, expected[k], SIZE_MAX, 0);
    }
  for (guint k = 0; k < THREADS; k++)
    {
      g_free (expected[k]);
      rig_free (rigs[k]);
    }
  return difference == NULL
             ? RV_VERDICT_OK
             : rv_check_fail (check, "the result is another than in one thread: %s", difference);
}

RvVerdict
rv_rig_position (RvCheck *check, void *thing)
{
  RvRig *rig = thing;
  rig->subject->run (rig);
  for (guint i = 0; i < rig->twins->len; i++)
    {
      const Twins *t = &g_array_index (rig->twins, Twins, i);
      double largest = 0.0;
      for (size_t k = 0; k < t->count; k++)
        largest = isfinite (t->a[k]) ? fmax (largest, fabsf (t->a[k])) : largest;
      for (size_t k = 0; k < t->count; k++)
        if (t->a[k] != t->b[k] && !(isnan (t->a[k]) && isnan (t->b[k]))
            && !(fabs ((double)t->a[k] - t->b[k]) <= t->tolerance * largest))
          return rv_check_fail (check, "%s: float %zu is %.9g, otherwise %.9g", t->what, k, t->b[k], t->a[k]);
    }
  return RV_VERDICT_OK;
}

/* ---- what the functions must not do, and what they must give */

RvVerdict
rv_rig_bounds (RvCheck *check, void *thing)
{
  RvRig *rig = thing;
  rv_check_at ("arrays that end where a page ends which nobody may touch");
  rig->subject->run (rig);
  const char *name = rv_arrays_overrun (rig->arrays);
  return name == NULL ? RV_VERDICT_OK
                      : rv_check_fail (check, "wrote in front of the beginning of '%s'", name);
}

RvVerdict
rv_rig_nan (RvCheck *check, void *thing)
{
  RvRig *rig = thing;
  const char *name = "";
  rig->subject->run (rig);
  g_autofree float *clean = rv_arrays_keep (rig->arrays);
  for (guint which = 0; name != NULL; which++)
    {
      g_autofree char *wrong = NULL;
      g_autoptr (RvRig) spoiled = rig_new (rig->instance, rig->key, FALSE, FALSE);
      name = rv_arrays_spoil (spoiled->arrays, which, rig->period > 0 ? rig->period : SIZE_MAX);
      if (name == NULL)
        break;
      rv_check_at ("NaN, infinities and 3e38 in '%s'", name);
      rig->subject->run (spoiled);
      if (rig->period > 0)
        wrong = rv_arrays_differ (spoiled->arrays, clean, rig->period, 4);
      if (wrong != NULL)
        return rv_check_fail (check, "results that do not hang on what is not finite are others: %s", wrong);
      wrong = rig->subject->judge != NULL ? rig->subject->judge (spoiled, name) : NULL;
      if (wrong != NULL)
        return rv_check_fail (check, "%s", wrong);
    }
  return RV_VERDICT_OK;
}

RvVerdict
rv_rig_values (RvCheck *check, void *thing)
{
  RvRig *rig = thing;
  rig->subject->run (rig);
  g_autofree char *wrong = rig->subject->judge (rig, NULL);
  return wrong == NULL ? RV_VERDICT_OK : rv_check_fail (check, "%s", wrong);
}

/* ---- gradients */

/* What finite differences say of one lane: the slope, by steps e and 2 e together, which is good to e^4;
 * what the two say apart; and how far the slopes to the right and to the left are apart. */
typedef struct
{
  double slope, apart, jump;
} Difference;

/* All lanes move at once, since they know nothing of each other. */
static void
differences (RvRig *rig, float *x, double e, Difference *found)
{
  static const double shifts[] = { 0.0, 1.0, -1.0, 2.0, -2.0 };
  const uint32_t lanes = MAX (rig->lanes, 1);
  g_autofree float *at = g_memdup2 (x, lanes * sizeof (float));
  g_autofree double *loss = g_new (double, G_N_ELEMENTS (shifts) * lanes);
  for (guint side = 0; side < G_N_ELEMENTS (shifts); side++)
    {
      for (uint32_t l = 0; l < lanes; l++)
        x[l] = (float)(at[l] + shifts[side] * e);
      rig->subject->price (rig, loss + side * lanes);
    }
  memcpy (x, at, lanes * sizeof (float));
  for (uint32_t l = 0; l < lanes; l++)
    {
      const double middle = loss[l], right = loss[lanes + l], left = loss[2 * lanes + l];
      const double near = (right - left) / (2.0 * e),
                   far = (loss[3 * lanes + l] - loss[4 * lanes + l]) / (4.0 * e);
      found[l] = (Difference){ (4.0 * near - far) / 3.0, fabs (near - far),
                               fabs (right - 2.0 * middle + left) / e };
    }
}

/* Steps of 1/32 fit numbers around 1. */
static double
scale_of (const float *x, uint32_t lanes)
{
  double mean = 0.0;
  for (uint32_t l = 0; l < lanes; l++)
    mean += fabs (x[l]) / lanes;
  return mean > 0.0 && (mean < 0.1 || mean > 10.0) ? exp2 (floor (log2 (mean))) : 1.0;
}

/* Whether a bend or a jump of the slope within the step `fine`, or `finer`, half as long, would do as much
 * as what `given` is off by. Of a smooth function the slopes right and left are half as far apart at half
 * the step. */
static gboolean
is_kink (double given, const Difference *fine, const Difference *finer)
{
  const double wrong = fabs (given - fine->slope);
  return isnan (fine->slope) || wrong <= 2.0 * fine->apart
         || fabs (given - finer->slope) <= 2.0 * finer->apart
         || (fine->jump > 0.5 * wrong && finer->jump > 0.6 * fine->jump);
}

/* One row of a variable; adds to *compared. */
static RvVerdict
compare_row (RvCheck *check, RvRig *rig, const Variable *v, uint32_t row, uint32_t *compared)
{
  const uint32_t lanes = MAX (rig->lanes, 1);
  float *x = v->x + row * lanes;
  const float *given = v->gradient + row * lanes;
  const double scale = scale_of (x, lanes);
  g_autofree double *off = g_new (double, lanes);
  g_autofree Difference *fine = g_new (Difference, lanes), *finer = g_new (Difference, lanes);
  for (uint32_t l = 0; l < lanes; l++)
    off[l] = HUGE_VAL;
  for (double e = 0x1p-5; e > 0x1p-11; e *= 0.25) /* shorter ones for what bends more */
    {
      differences (rig, x, e * scale, fine);
      for (uint32_t l = 0; l < lanes; l++)
        off[l] = fmin (off[l], fabs (given[l] - fine[l].slope) / (1.0 / scale + fabs (fine[l].slope)));
    }
  differences (rig, x, 0x1p-10 * scale, finer);
  for (uint32_t l = 0; l < lanes; l++)
    {
      if (!(off[l] < 1e-3) && is_kink (given[l], &fine[l], &finer[l]))
        continue;
      if (!(off[l] < 1e-3))
        return rv_check_fail (check,
                              "dL/d(%s) is %.6g, by finite differences %.6g (row %u, lane %u, at %.6g)",
                              v->name, given[l], fine[l].slope, row, l, x[l]);
      check->worst = fmax (check->worst, off[l]);
      ++*compared;
    }
  return RV_VERDICT_OK;
}

RvVerdict
rv_rig_gradient (RvCheck *check, void *thing)
{
  RvRig *rig = thing;
  uint32_t compared = 0, all = 0;
  (rig->subject->differentiate != NULL ? rig->subject->differentiate : rig->subject->run) (rig);
  for (guint i = 0; i < rig->variables->len; i++)
    {
      const Variable *v = &g_array_index (rig->variables, Variable, i);
      all += v->rows * MAX (rig->lanes, 1);
      for (uint32_t row = 0; row < v->rows; row++)
        if (compare_row (check, rig, v, row, &compared) != RV_VERDICT_OK)
          return RV_VERDICT_FAILED;
    }
  return 4 * compared >= all
             ? RV_VERDICT_OK
             : rv_check_fail (check, "only at %u of %u places is L finite and smooth enough to be compared",
                              compared, all);
}

/* ---- speed */

typedef struct
{
  void (*call) (void *self);
  void *self;
  double best;
} Timing;

static void
time_calls (void *data, uint32_t i, uint32_t worker)
{
  Timing *timing = data;
  for (guint round = 0; round < 5; round++)
    {
      const gint64 start = g_get_monotonic_time ();
      gint64 now = start;
      guint calls = 0;
      for (; now - start < 1500; now = g_get_monotonic_time (), calls++)
        timing->call (timing->self);
      timing->best = MIN (timing->best, 1000.0 * (double)(now - start) / calls);
    }
}

double
rv_check_time (void (*call) (void *self), void *self)
{
  Timing timing = { call, self, HUGE_VAL };
  rv_parallel_for (1, time_calls, &timing); /* a worker computes as in a run: without denormals */
  return timing.best;
}

RvVerdict
rv_check_compare (RvCheck *check, double (*measure) (RvCheck *check), const char *unit)
{
  const double own = measure (check);
  g_autofree char *why = g_strdup (check->said->str);
  g_auto (GStrv) files = rv_check_installed (check->plugin->kind);
  double ends[2] = { HUGE_VAL, 0.0 }; /* of the fastest and the slowest of the others */
  const char *which[2] = { NULL, NULL };
  if (own < 0.0)
    return rv_check_skip (check, "%s", why);
  for (char **file = files; *file != NULL; file++)
    {
      g_autofree char *broken = NULL;
      const gboolean same = g_strcmp0 (*file, rv_registry_file (check->plugin)) == 0;
      RvCheck other = *check;
      other.settings = NULL;
      other.judged = check->plugin;
      other.plugin = same ? NULL : rv_module_open (*file, NULL, &broken);
      const double time = other.plugin != NULL ? measure (&other) : -1.0;
      for (int end = 0; end < 2 && time > 0.0; end++)
        if (end == 0 ? time < ends[0] : time > ends[1])
          {
            ends[end] = time;
            which[end] = other.plugin->name;
          }
    }
  if (which[0] == NULL)
    return rv_check_ok (check, "%.3g %s", own, unit);
  if (ends[0] == ends[1])
    return rv_check_ok (check, "%.3g %s, %.2f times that of %s", own, unit, own / ends[0], which[0]);
  return rv_check_ok (check, "%.3g %s; of the others the fastest is %s (ratio %.2f), the slowest %s (%.2f)",
                      own, unit, which[0], own / ends[0], which[1], own / ends[1]);
}

static void
call_hot (void *self)
{
  ((RvRig *)self)->subject->hot (self);
}

static double
measure_rig (RvCheck *check)
{
  g_autoptr (RvInstance) instance = rv_check_instance (check, 0, NULL, NULL);
  g_autoptr (RvRig) rig = instance != NULL ? rig_new (instance, 1, FALSE, TRUE) : NULL;
  return rig != NULL ? rv_check_time (call_hot, rig) / rig->work : -1.0;
}

RvVerdict
rv_rig_speed (RvCheck *check)
{
  return rv_check_compare (check, measure_rig, subject_of (check->plugin->kind)->unit);
}
