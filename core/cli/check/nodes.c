/* The judge of nodes: datasets and transforms by the recordings that they make, the others by what they hand
 * on. */
#include "cli/check/rig.h"

#include "base/threads.h"
#include "pipeline/resume.h"

#include <glib/gstdio.h>
#include <math.h>
#include <string.h>

#define MOST_RECORDINGS 48u
#define THREADS 7

/* ---- recordings */

static uint64_t
mix (uint64_t hash, const void *bytes, size_t size)
{
  for (size_t k = 0; k < size; k++)
    hash = (hash ^ ((const uint8_t *)bytes)[k]) * UINT64_C (0x100000001b3); /* FNV-1a */
  return hash;
}

static char *
ids_flaw (const RvRecording *r, uint32_t from, uint32_t to, gboolean ascending)
{
  for (uint32_t e = from; e < to; e++)
    if (r->ids[e] >= r->units || (ascending && e > from && r->ids[e] < r->ids[e - 1]))
      return g_strdup_printf ("id %u at position %u is no unit of %u, or not in ascending order", r->ids[e],
                              e, r->units);
    else if (!ascending && e > from && r->times[e] < r->times[e - 1])
      return g_strdup_printf ("event %u lies before the one in front of it", e);
  return NULL;
}

/* What its spec and its own fields do not allow; owned, or NULL. */
static char *
recording_flaw (const RvDatasetSpec *spec, const RvRecording *r)
{
  char *flaw = NULL;
  if (r->form != spec->form || r->units != spec->units || r->steps != spec->steps
      || r->label >= spec->classes)
    return g_strdup_printf ("form %d, %u units, length %u of %u steps and label %u are not what its spec "
                            "says: form %d, %u units, %u "
                            "steps, %u classes",
                            r->form, r->units, r->length, r->steps, r->label, spec->form, spec->units,
                            spec->steps, spec->classes);
  if (r->form == RV_FORM_EVENTS)
    return r->n_events <= MIN (r->ids_room, r->times_room)
               ? ids_flaw (r, 0, r->n_events, FALSE)
               : g_strdup ("it has more events than it asked room for");
  if (r->form != RV_FORM_SPIKES)
    return NULL;
  if (r->offsets[0] != 0 || r->offsets[r->steps] > r->ids_room)
    return g_strdup_printf ("offsets go from %u to %u, but it asked room for %zu ids", r->offsets[0],
                            r->offsets[r->steps], r->ids_room);
  for (uint32_t t = 0; t < r->steps && flaw == NULL; t++)
    flaw = r->offsets[t + 1] < r->offsets[t]
               ? g_strdup_printf ("the offset of step %u is below that of step %u", t + 1, t)
               : ids_flaw (r, r->offsets[t], r->offsets[t + 1], TRUE);
  return flaw;
}

uint64_t
rv_check_recording (const RvDataset *data, uint64_t epoch, uint32_t id, RvRecording *r, char **flaw)
{
  g_autoptr (GError) error = NULL;
  if (!rv_dataset_read (data, epoch, id, r, &error))
    *flaw = g_strdup_printf ("can not be read: %s", error != NULL ? error->message : "it does not say why");
  else
    *flaw = recording_flaw (rv_dataset_spec (data), r);
  if (*flaw != NULL)
    return 0;
  const uint32_t head[] = { r->label, r->length, r->form == RV_FORM_EVENTS ? r->duration : 0 };
  const uint64_t hash = mix (UINT64_C (0xcbf29ce484222325), head, sizeof head);
  if (r->form == RV_FORM_EVENTS)
    return mix (mix (hash, r->ids, sizeof (uint32_t) * r->n_events), r->times,
                sizeof (uint32_t) * r->n_events);
  if (r->form != RV_FORM_SPIKES)
    return mix (hash, r->values, sizeof (float) * r->units * (r->form == RV_FORM_STATIC ? 1 : r->steps));
  return mix (mix (hash, r->offsets, sizeof (uint32_t) * (r->steps + 1)), r->ids,
              sizeof (uint32_t) * r->offsets[r->steps]);
}

typedef struct
{
  RvDataset *data;
  gboolean source_varies;
  uint32_t n;
  uint64_t (*found)[2]; /* [n]: of epochs 0 and 1 */
} Reading;

/* Recording k of those that are looked at: spread over all, the first and the last among them. */
static uint32_t
id_of (const Reading *r, uint32_t k)
{
  return (uint32_t)((uint64_t)k * (rv_dataset_spec (r->data)->samples - 1) / MAX (r->n - 1, 1));
}

static void
read_one (void *self, uint32_t k, uint32_t worker)
{
  const Reading *r = self;
  g_auto (RvRecording) recording = { 0 };
  for (uint32_t epoch = 2; epoch-- > 0;)
    {
      g_autofree char *flaw = NULL;
      r->found[k][epoch] = rv_check_recording (r->data, epoch, id_of (r, k), &recording, &flaw);
    }
}

static RvVerdict
values (RvCheck *check, void *thing)
{
  const Reading *r = thing;
  const RvDatasetSpec *spec = rv_dataset_spec (r->data);
  g_auto (RvRecording) recording = { 0 };
  if (spec->samples == 0 || spec->units == 0 || spec->classes == 0
      || (uint64_t)spec->dims[0] * spec->dims[1] * spec->dims[2] != spec->units || !(spec->step_width >= 0.0))
    return rv_check_fail (
        check, "its spec has %u samples, %u units of %u x %u x %u, %u classes, step width %g", spec->samples,
        spec->units, spec->dims[0], spec->dims[1], spec->dims[2], spec->classes, spec->step_width);
  for (uint32_t k = 0; k < r->n; k++)
    {
      g_autofree char *flaw = NULL;
      rv_check_recording (r->data, k % 3, id_of (r, k), &recording, &flaw);
      const gboolean has_values = recording.form == RV_FORM_STATIC || recording.form == RV_FORM_FRAMES;
      for (uint32_t u = 0; flaw == NULL && has_values && u < recording.units; u++)
        if (!isfinite (recording.values[u]))
          flaw = g_strdup_printf ("value %u is %g", u, recording.values[u]);
      if (flaw != NULL)
        return rv_check_fail (check, "recording %u in epoch %u: %s", id_of (r, k), k % 3, flaw);
    }
  return RV_VERDICT_OK;
}

/* Any order, any buffers, any time. */
static RvVerdict
repeat (RvCheck *check, void *thing)
{
  const Reading *r = thing;
  g_auto (RvRecording) used = { 0 };
  for (uint32_t k = r->n; k-- > 0;)
    for (uint32_t epoch = 0; epoch < 2; epoch++)
      {
        g_autofree char *flaw = NULL;
        if (rv_check_recording (r->data, epoch, id_of (r, k), &used, &flaw) != r->found[k][epoch])
          return rv_check_fail (
              check,
              "recording %u of epoch %u is another when it is read again, in another order and "
              "into a recording that held others",
              id_of (r, k), epoch);
      }
  return RV_VERDICT_OK;
}

static RvVerdict
threads (RvCheck *check, void *thing)
{
  Reading all = *(const Reading *)thing;
  g_autofree uint64_t (*found)[2] = g_malloc0_n (all.n, sizeof *found);
  uint64_t (*expected)[2] = all.found;
  all.found = found;
  rv_threads_set (THREADS);
  rv_parallel_for (all.n, read_one, &all);
  for (uint32_t k = 0; k < all.n; k++)
    if (memcmp (found[k], expected[k], sizeof found[k]) != 0)
      return rv_check_fail (check, "recording %u is another when %d threads read at once", id_of (&all, k),
                            THREADS);
  return RV_VERDICT_OK;
}

static RvVerdict
epochs (RvCheck *check, void *thing)
{
  const Reading *r = thing;
  const gboolean varies = rv_dataset_spec (r->data)->varies;
  uint32_t differ = 0;
  for (uint32_t k = 0; k < r->n; k++)
    differ += r->found[k][0] != r->found[k][1];
  if (differ > 0 && !varies)
    return rv_check_fail (
        check, "%u of %u recordings differ between epochs 0 and 1, but the spec does not say `varies`",
        differ, r->n);
  if (differ == 0 && varies && !r->source_varies)
    return rv_check_fail (check, "the spec says `varies`, but %u recordings are the same in epochs 0 and 1",
                          r->n);
  return RV_VERDICT_OK;
}

/* The verdict after `n` sets of parameters were good; if all were refused, why the last was. */
static RvVerdict
done (RvCheck *check, guint n)
{
  return n > 0 ? rv_check_ok (check, "%u set%s of parameters", n, n == 1 ? "" : "s") : RV_VERDICT_SKIPPED;
}

/* The step for each trial, on data that varies and data that does not. */
static RvVerdict
each_dataset (RvCheck *check)
{
  const guint trials = rv_check_trials (check, 3, 8);
  guint n = 0;
  for (guint k = 0; k < 2 * trials; k++)
    {
      RvVerdict verdict;
      g_autoptr (RvCheckBench) bench = rv_bench_any (check, k / 2, k % 2, FALSE, &verdict);
      if (verdict == RV_VERDICT_FAILED)
        return verdict;
      Reading reading = { bench != NULL ? rv_bench_dataset (bench) : NULL, k % 2, 0, NULL };
      if (reading.data == NULL)
        continue;
      reading.n = MIN (rv_dataset_spec (reading.data)->samples, MOST_RECORDINGS);
      g_autofree uint64_t (*found)[2] = g_malloc0_n (reading.n + 1, sizeof *found);
      reading.found = found;
      rv_threads_set (1);
      rv_parallel_for (reading.n, read_one, &reading);
      verdict = check->test->step (check, &reading);
      if (verdict != RV_VERDICT_OK)
        return verdict;
      n += k % 2;
    }
  return done (check, n);
}

static void
read_first (void *self)
{
  read_one (self, 0, 0);
}

static double
measure_dataset (RvCheck *check)
{
  double time = -1.0;
  for (guint trial = 0; trial < 2 && time < 0.0; trial++)
    {
      RvVerdict verdict;
      g_autoptr (RvCheckBench) bench = rv_bench_any (check, trial, FALSE, FALSE, &verdict);
      uint64_t found[1][2];
      Reading reading = { bench != NULL ? rv_bench_dataset (bench) : NULL, FALSE, 1, found };
      if (reading.data != NULL)
        time = rv_check_time (read_first, &reading) / 2000.0; /* it reads two epochs */
    }
  return time;
}

static RvVerdict
dataset_speed (RvCheck *check)
{
  return rv_check_compare (check, measure_dataset, "us per recording");
}

/* ---- whole nodes */

/* Every form of data, and a model of another shape: refused with a message, or done. */
static RvVerdict
shapes (RvCheck *check)
{
  g_autofree char *message = NULL;
  guint refused = 0, n = 0;
  for (guint k = 0; k < 2 * RV_CHECK_WIRINGS; k++)
    {
      RvCheckWiring wiring = rv_check_wirings[k / 2];
      wiring.other_units = k % 2 ? 10 : 0;
      RvVerdict verdict = RV_VERDICT_OK;
      g_autoptr (GError) error = NULL;
      g_autoptr (RvCheckBench) bench = rv_bench_new (check, 0, &wiring, &verdict, &error);
      if (bench != NULL)
        rv_bench_run (bench, &verdict, &error);
      if (verdict != RV_VERDICT_OK)
        return verdict;
      n++;
      refused += error != NULL;
      if (error != NULL && message == NULL)
        message = g_strdup (error->message);
    }
  return rv_check_ok (check, "%u of %u wirings refused%s%s", refused, n, message != NULL ? ": " : "",
                      message != NULL ? message : "");
}

/* NaN in data and model: it may fail, but it must come back and say so. */
static RvVerdict
nan_in (RvCheck *check)
{
  guint n = 0;
  for (guint trial = 0; trial < 2; trial++)
    {
      RvVerdict verdict;
      g_autoptr (RvCheckBench) bench = rv_bench_any (check, trial, FALSE, TRUE, &verdict);
      RvDataset *data = bench != NULL ? rv_bench_dataset (bench) : NULL;
      g_auto (RvRecording) recording = { 0 };
      if (verdict == RV_VERDICT_FAILED)
        return verdict;
      for (uint32_t id = 0; data != NULL && id < MIN (rv_dataset_spec (data)->samples, MOST_RECORDINGS); id++)
        {
          g_autofree char *flaw = NULL;
          rv_check_recording (data, 0, id, &recording, &flaw);
          if (flaw != NULL && !g_str_has_prefix (flaw, "can not"))
            return rv_check_fail (check, "recording %u: %s", id, flaw);
        }
      n += bench != NULL;
    }
  return done (check, n);
}

/* The first line in which two texts differ, as "output ...: A, not B"; or NULL. */
static char *
difference (const char *a, const char *b)
{
  g_auto (GStrv) left = g_strsplit (a, "\n", -1), right = g_strsplit (b, "\n", -1);
  const char *output = "";
  for (guint k = 0; left[k] != NULL && right[k] != NULL; k++)
    {
      if (strcmp (left[k], right[k]) != 0)
        return g_strdup_printf ("%s: '%s', not '%s'", output, right[k], left[k]);
      output = g_str_has_prefix (left[k], "output ") ? left[k] : output;
    }
  return strcmp (a, b) != 0 ? g_strdup ("one is longer") : NULL;
}

static RvVerdict
run_twice (RvCheck *check, const uint32_t threads_of[2], const char *what)
{
  const guint trials = rv_check_trials (check, 2, 4);
  guint n = 0;
  for (guint trial = 0; trial < trials; trial++)
    {
      char *results[2] = { NULL };
      RvVerdict verdict = RV_VERDICT_OK;
      for (int k = 0; k < 2 && verdict == RV_VERDICT_OK; k++)
        {
          rv_threads_set (threads_of[k]);
          rv_check_perturb (k == 1);
          g_autoptr (RvCheckBench) bench = rv_bench_any (check, trial, TRUE, FALSE, &verdict);
          results[k] = bench != NULL ? rv_bench_results (bench) : NULL;
        }
      g_autofree char *first = results[0], *second = results[1];
      g_autofree char *other = second != NULL ? difference (first, second) : NULL;
      if (verdict == RV_VERDICT_FAILED)
        return verdict;
      if (other != NULL)
        return rv_check_fail (check, "%s: %s", what, other);
      n += verdict == RV_VERDICT_OK;
    }
  return done (check, n);
}

static RvVerdict
node_repeat (RvCheck *check)
{
  return run_twice (check, (const uint32_t[]){ 1, 1 }, "run again it hands on something else");
}

static RvVerdict
node_threads (RvCheck *check)
{
  return run_twice (check, (const uint32_t[]){ 1, 3 },
                    "with 3 threads it hands on something else than with 1");
}

/* ---- interruptions */

/* A node that is stopped at every `each`th call of rv_node_checkpoint and begun again must come to
 * `expected`. */
static RvVerdict
interrupted (RvCheck *check, guint trial, const RvCheckWiring *wiring, uint64_t steps, const char *expected)
{
  const uint64_t each = MAX (1, steps / 10);
  g_autofree char *kept = g_build_filename (check->scratch, "kept", NULL);
  g_mkdir (kept, 0700);
  rv_resume_remove (kept);
  for (guint k = 0; k <= steps / each; k++)
    {
      g_autoptr (GError) error = NULL;
      RvVerdict verdict = RV_VERDICT_OK;
      rv_threads_set (1 + k % 3);
      g_autoptr (RvCheckBench) bench = rv_bench_new (check, trial, wiring, &verdict, &error);
      rv_check_at ("stopped at call %u of rv_node_checkpoint, and begun again, %u times", (guint)each, k);
      rv_bench_stop_at (bench, kept, each);
      const gboolean good = rv_bench_run (bench, &verdict, &error);
      if (verdict != RV_VERDICT_OK)
        return verdict;
      if (!good && !g_error_matches (error, RV_ERROR, RV_ERROR_STOPPED))
        return rv_check_fail (check, "it does not go on: %s", error->message);
      if (good && rv_bench_steps (bench) >= each)
        return rv_check_fail (check, "rv_node_checkpoint returned FALSE, but run went on");
      g_autofree char *results = good ? rv_bench_results (bench) : NULL;
      g_autofree char *other = good ? difference (expected, results) : NULL;
      if (other)
        return rv_check_fail (check, "interrupted, it hands on something else: %s", other);
      if (good)
        return RV_VERDICT_OK;
    }
  return rv_check_fail (check, "it does not go on where it was stopped: %u calls are enough otherwise",
                        (guint)steps);
}

static RvVerdict
node_resume (RvCheck *check)
{
  const guint trials = rv_check_trials (check, 2, 4);
  guint n = 0;
  for (guint k = 0; k < trials * RV_CHECK_WIRINGS; k++)
    {
      const RvCheckWiring *wiring = &rv_check_wirings[k % RV_CHECK_WIRINGS];
      RvVerdict verdict = RV_VERDICT_OK;
      rv_threads_set (1);
      g_autoptr (RvCheckBench) bench = rv_bench_new (check, k / RV_CHECK_WIRINGS, wiring, &verdict, NULL);
      if (bench == NULL || !rv_bench_run (bench, &verdict, NULL) || rv_bench_steps (bench) == 0)
        continue;
      g_autofree char *expected = rv_bench_results (bench);
      verdict = interrupted (check, k / RV_CHECK_WIRINGS, wiring, rv_bench_steps (bench), expected);
      if (verdict != RV_VERDICT_OK)
        return verdict;
      n++;
    }
  return n > 0 ? done (check, n)
               : rv_check_skip (
                   check, "it never calls rv_node_checkpoint: an interruption loses its work, which is right "
                          "where that takes seconds");
}

#define NODE_TESTS                                                                                           \
  { "shapes", shapes, "check: return FALSE and set the error", NULL },                                       \
      { "repeat", node_repeat, "no static variable, no clock, no random numbers but those of random.h",      \
        NULL },                                                                                              \
      { "threads", node_threads,                                                                             \
        "observers: keep sums apart by slot, and add them up in the order of slots", NULL },                 \
  {                                                                                                          \
    "nan", nan_in, "no number may be an index or end a loop unchecked", NULL                                 \
  }

const RvCheckTest rv_check_node[] = { NODE_TESTS, RV_CHECK_END };

/* Kinds whose work may take minutes. */
const RvCheckTest rv_check_long[] = {
  NODE_TESTS,
  { "resume", node_resume,
    "what is not passed to rv_checkpoint_... is lost; call rv_node_checkpoint when a piece of work is whole, "
    "and return when it returns FALSE",
    NULL },
  RV_CHECK_END
};

const RvCheckTest rv_check_dataset[]
    = { { "values", each_dataset, "read must fill what the spec promises", values },
        { "repeat", each_dataset, "read must be a function of (epoch, id): no counter, no file position",
          repeat },
        { "threads", each_dataset,
          "read may be called by any thread: nothing written to self, no shared file", threads },
        { "epochs", each_dataset, "set spec.varies if, and only if, read depends on the epoch", epochs },
        { "shapes", shapes, "check: return FALSE and set the error", NULL },
        { "nan", nan_in, "no number may be an index or end a loop unchecked", NULL },
        { "speed", dataset_speed, NULL, NULL },
        RV_CHECK_END };
