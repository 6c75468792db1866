/* transform/bins against numpy's own bins, and against a slow reference that asks of every event and every
 * step whether the one lies in the other. */
#include "transform.h"

/* ---- the events of tests/fixtures/bins.txt */

typedef struct
{
  uint32_t n, units;
  uint32_t *times, *ids;
} Fixture;

static gboolean
read_fixture (gconstpointer self, uint64_t epoch, uint32_t id, RvRecording *out, GError **error)
{
  const Fixture *f = self;
  rv_recording_set_events (out, f->units, f->n);
  memcpy (out->times, f->times, f->n * sizeof *f->times);
  memcpy (out->ids, f->ids, f->n * sizeof *f->ids);
  out->n_events = f->n;
  out->duration = 2400;
  out->label = 0;
  return TRUE;
}

static uint32_t
next (char ***words)
{
  while (!***words)
    (*words)++;
  return (uint32_t)g_ascii_strtoull (*(*words)++, NULL, 10);
}

static void
test_numpy (void)
{
  g_autofree char *path = g_test_build_filename (G_TEST_DIST, "fixtures", "bins.txt", NULL), *text = NULL;
  g_autoptr (GError) error = NULL;
  g_file_get_contents (path, &text, NULL, &error);
  g_assert_no_error (error);
  g_auto (GStrv) all = g_strsplit_set (g_strchomp (text), " \n", -1);
  char **word = all + 1; /* "events" */
  Fixture f = { .n = next (&word) };
  f.units = next (&word);
  f.times = g_new (uint32_t, f.n);
  f.ids = g_new (uint32_t, f.n);
  for (uint32_t k = 0; k < f.n; k++)
    {
      f.times[k] = next (&word);
      f.ids[k] = next (&word);
    }
  const RvDatasetSpec spec = { .form = RV_FORM_EVENTS,
                               .samples = 1,
                               .units = f.units,
                               .dims = { f.units, 1, 1 },
                               .classes = 1,
                               .duration = 2400 };
  g_autoptr (RvDataset) events = rv_dataset_new (&spec, read_fixture, &f, NULL);
  guint cases = 0;
  for (; *word; cases++)
    {
      const char *closed = word[1];
      word += 2; /* "case" and the side */
      const uint32_t width = next (&word), steps = next (&word);
      g_autofree char *bins = g_strdup_printf (
          "{use: transform/bins, data: d, width: %u us, steps: %u, closed: %s, counts: yes}", width, steps,
          closed);
      g_autoptr (RvDataset) data = test_transform (events, bins, &error);
      g_auto (RvRecording) r = { 0 };
      g_assert_no_error (error);
      g_assert_true (rv_dataset_read (data, 0, 0, &r, NULL));
      g_assert_cmpuint (r.steps, ==, steps);
      for (uint32_t t = 0; t < steps; t++)
        for (uint32_t u = 0; u < f.units; u++)
          {
            uint32_t count = 0;
            for (uint32_t e = r.offsets[t]; e < r.offsets[t + 1]; e++)
              count += r.ids[e] == u;
            g_assert_cmpuint (count, ==, next (&word));
          }
    }
  g_assert_cmpuint (cases, ==, 8);
  g_free (f.times);
  g_free (f.ids);
}

/* ---- the slow reference */

typedef struct
{
  uint32_t width, steps;
  gboolean right, first, fold, counts, mask;
} Options;

static gboolean
lies_in (int64_t t, uint32_t step, const Options *o)
{
  const int64_t width = o->width, low = o->right ? ((int64_t)step - 1) * width : step * width;
  if (o->fold && step + 1 == o->steps)
    return o->right ? t > low : t >= low;
  return o->right ? t > low && t <= low + width : t >= low && t < low + width;
}

/* How often unit `u` fired in `step`. */
static uint32_t
expected_count (const RvRecording *events, uint32_t step, uint32_t u, const Options *o)
{
  uint32_t count = 0;
  for (uint32_t k = 0; k < events->n_events; k++)
    count += events->ids[k] == u
             && lies_in ((int64_t)events->times[k] - (o->first ? events->times[0] : 0), step, o);
  return o->counts ? count : MIN (count, 1);
}

static void
compare (const RvRecording *events, const RvRecording *r, const Options *o)
{
  g_assert_cmpint (r->form, ==, RV_FORM_SPIKES);
  g_assert_cmpuint (r->steps, ==, o->steps);
  g_assert_cmpuint (r->label, ==, events->label);
  g_assert_cmpuint (r->offsets[0], ==, 0);
  for (uint32_t t = 0; t < o->steps; t++)
    {
      uint32_t e = r->offsets[t];
      for (uint32_t u = 0; u < events->units; u++)
        for (uint32_t left = expected_count (events, t, u, o); left > 0; left--)
          {
            g_assert_cmpuint (e, <, r->offsets[t + 1]);
            g_assert_cmpuint (r->ids[e++], ==, u);
          }
      g_assert_cmpuint (e, ==, r->offsets[t + 1]);
    }
  /* the first step by whose end the recording is over */
  const uint32_t end = events->duration - (o->first && events->n_events ? events->times[0] : 0);
  uint32_t length = 1;
  while (length < o->steps && !(o->right ? end - 1 <= (length - 1) * o->width : end <= length * o->width))
    length++;
  g_assert_cmpuint (r->length, ==, o->mask ? length : 0);
}

static void
test_reference (void)
{
  const TestEvents own = { .samples = 5, .dims = { 2, 3, 2 }, .events = 60, .span = 40000, .seed = 3 };
  static const uint32_t widths[] = { 1000, 1500, 7, 4001, 50000 };
  g_autoptr (RvDataset) source = test_events (&own);
  for (uint32_t k = 0; k < 160; k++)
    {
      const Options o
          = { widths[k % 5], widths[k % 5] == 7 ? 90 : 1 + k % 37, k & 1, k & 2, k & 4, k & 8, k & 16 };
      g_autofree char *text
          = g_strdup_printf ("{use: transform/bins, data: d, width: %u us, steps: %u, closed: %s, origin: "
                             "%s, late: %s, counts: %s, "
                             "mask: %s}",
                             o.width, o.steps, o.right ? "right" : "left", o.first ? "first-event" : "zero",
                             o.fold ? "fold" : "drop", o.counts ? "yes" : "no", o.mask ? "yes" : "no");
      g_autoptr (GError) error = NULL;
      g_autoptr (RvDataset) data = test_transform (source, text, &error);
      g_auto (RvRecording) events = { 0 }, r = { 0 };
      g_assert_no_error (error);
      g_assert_cmpfloat_with_epsilon (rv_dataset_spec (data)->step_width, o.width * 1e-6, 1e-12);
      for (uint32_t id = own.samples; id-- > 0;)
        {
          g_assert_true (rv_dataset_read (source, 0, id, &events, NULL));
          g_assert_true (rv_dataset_read (data, 0, id, &r, NULL));
          compare (&events, &r, &o);
        }
    }
}

/* ---- the number of steps */

static void
test_steps (void)
{
  static const struct
  {
    uint32_t span;
    const char *options;
    uint32_t steps;
  } cases[] = { { 300000, "width: 3 ms", 100 },
                { 300001, "width: 3 ms", 101 },
                { 300000, "width: 3 ms, closed: right", 101 },
                { 300001, "width: 3 ms, closed: right", 101 },
                { 300002, "width: 3 ms, closed: right", 102 },
                { 1000, "width: 1 s", 1 } };
  for (guint k = 0; k < G_N_ELEMENTS (cases); k++)
    {
      const TestEvents own = { .samples = 1, .dims = { 4, 1, 1 }, .events = 3, .span = cases[k].span };
      g_autoptr (RvDataset) source = test_events (&own);
      g_autofree char *text = g_strdup_printf ("{use: transform/bins, data: d, %s}", cases[k].options);
      g_autoptr (GError) error = NULL;
      g_autoptr (RvDataset) data = test_transform (source, text, &error);
      g_assert_no_error (error);
      g_assert_cmpuint (rv_dataset_spec (data)->steps, ==, cases[k].steps);
    }
}

/* ---- what is refused */

static gboolean
read_wrong_unit (gconstpointer self, uint64_t epoch, uint32_t id, RvRecording *out, GError **error)
{
  rv_recording_set_events (out, 4, 2);
  out->times[0] = out->times[1] = 5;
  out->ids[0] = 3;
  out->ids[1] = 4;
  out->n_events = 2;
  out->label = 0;
  return TRUE;
}

static void
refused (RvDataset *source, const char *options, const char *message)
{
  g_autofree char *text = g_strdup_printf ("{use: transform/bins, data: d, %s}", options);
  g_autoptr (GError) error = NULL;
  g_autoptr (RvDataset) data = test_transform (source, text, &error);
  g_assert_null (data);
  if (!strstr (error->message, message))
    g_error ("'%s' does not say '%s'", error->message, message);
}

static void
test_refused (void)
{
  RvDatasetSpec spec
      = { .form = RV_FORM_EVENTS, .samples = 1, .units = 4, .dims = { 4, 1, 1 }, .classes = 1 };
  g_autoptr (RvDataset) unknown = rv_dataset_new (&spec, read_wrong_unit, NULL, NULL);
  spec.duration = 4000000000u;
  g_autoptr (RvDataset) endless = rv_dataset_new (&spec, read_wrong_unit, NULL, NULL);
  spec.form = RV_FORM_STATIC;
  g_autoptr (RvDataset) still = rv_dataset_new (&spec, read_wrong_unit, NULL, NULL);
  refused (unknown, "width: 1.5 us", "whole microseconds");
  refused (unknown, "width: 3 ms", "only when they are read; give 'steps'");
  refused (endless, "width: 1 us", "more than 1000000");
  refused (still, "width: 3 ms", "'events' has still images");
  g_autoptr (GError) error = NULL;
  g_autoptr (RvDataset) data
      = test_transform (unknown, "{use: transform/bins, data: d, width: 1 ms, steps: 3}", &error);
  g_auto (RvRecording) r = { 0 };
  g_assert_no_error (error);
  g_assert_false (rv_dataset_read (data, 0, 0, &r, &error));
  g_assert_cmpstr (error->message, ==, "recording 0: event 1 is of unit 4 of 4, at 5 us");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/bins/numpy", test_numpy);
  g_test_add_func ("/bins/reference", test_reference);
  g_test_add_func ("/bins/steps", test_steps);
  g_test_add_func ("/bins/refused", test_refused);
  return g_test_run ();
}
