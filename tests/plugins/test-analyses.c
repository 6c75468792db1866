/* Analyses of a small recurrent network against counts that the test makes itself, from the spikes and scores of
 * each sample. */
#include "base/threads.h"
#include "plugins/analysis.h"
#include <math.h>

#define INPUTS 7
#define HIDDEN 11
#define CLASSES 4
#define SAMPLES 53
#define STEPS 10

typedef struct
{
  TestWires wires;
  RvForm form;
  uint32_t steps[8];
  uint8_t input[SAMPLES][STEPS][INPUTS], hidden[SAMPLES][STEPS][HIDDEN], last[SAMPLES][STEPS][CLASSES];
  float membranes[SAMPLES][STEPS][HIDDEN];
  uint32_t labels[SAMPLES], decided[SAMPLES];
} Fixture;

/* The same at any number of steps but for what stands behind the end; a frame holds 0, 1 or 2. */
static gboolean
read_recording (gconstpointer self, uint64_t epoch, uint32_t id, RvRecording *out, GError **error)
{
  const uint32_t steps = GPOINTER_TO_UINT (self) & 0xffff, form = GPOINTER_TO_UINT (self) >> 16;
  const RvStream stream = rv_stream_fork (rv_stream_new (8, "", "test", ""), id);
  uint32_t n = 0;
  float *values = form == RV_FORM_STATIC   ? rv_recording_set_static (out, INPUTS)
                  : form == RV_FORM_FRAMES ? rv_recording_set_frames (out, steps, INPUTS)
                                           : NULL;
  if (!values)
    rv_recording_set_spikes (out, steps, INPUTS, (size_t)steps * INPUTS);
  for (uint32_t t = 0; t < (form == RV_FORM_STATIC ? 1 : steps); t++)
    {
      if (!values)
        out->offsets[t] = n;
      for (uint32_t j = 0; j < INPUTS; j++)
        {
          const float u = rv_stream_uniform (stream, t * INPUTS + j);
          if (values)
            values[t * INPUTS + j] = floorf (3.0f * u);
          else if (u < 0.3f + 0.1f * (float)(id % CLASSES))
            out->ids[n++] = j;
        }
    }
  if (!values)
    out->offsets[steps] = n;
  out->steps = steps;
  out->label = id % CLASSES;
  return TRUE;
}

static RvDatasetSpec
spec_of (RvForm form, uint32_t steps)
{
  return (RvDatasetSpec){ .form = form,
                          .samples = SAMPLES,
                          .units = INPUTS,
                          .dims = { INPUTS, 1, 1 },
                          .steps = steps,
                          .classes = CLASSES,
                          .step_width = 0.002 * STEPS / steps,
                          .split = "test" };
}

static RvDataset *
data_of (RvForm form, uint32_t steps)
{
  const RvDatasetSpec spec = spec_of (form, steps);
  return rv_dataset_new (&spec, read_recording, GUINT_TO_POINTER (steps | form << 16), NULL);
}

static void
look (void *self, const RvTileView *view)
{
  Fixture *f = self;
  for (uint32_t s = 0; s < view->samples; s++)
    {
      const uint32_t id = view->ids[s];
      f->labels[id] = view->labels[s];
      for (uint32_t c = 1; c < CLASSES; c++)
        if (view->scores[s * CLASSES + c] > view->scores[s * CLASSES + f->decided[id]])
          f->decided[id] = c;
      for (uint32_t t = 0; t < STEPS; t++)
        for (int k = view->input->is_static ? 0 : -1; k < 2; k++)
          {
            const RvSignal *signal = k < 0 ? view->input : &view->layers[k];
            const uint32_t row = t * signal->samples + s;
            uint8_t *out = k < 0 ? f->input[id][t] : k ? f->last[id][t] : f->hidden[id][t];
            for (uint32_t e = signal->offsets[row]; e < signal->offsets[row + 1]; e++)
              out[signal->ids[e]] = 1;
            if (k == 0)
              memcpy (f->membranes[id][t], view->membranes[0].dense + row * view->membranes[0].stride,
                      sizeof f->membranes[id][t]);
          }
    }
}

static Fixture *
fixture_new (RvForm form)
{
  static const char *const layers[] = {
    "{use: dense, units: 11, recurrent: yes, weight-scale: 4, neuron: {use: lif, threshold: 0.5, leak: 0.8}}",
    "{use: dense, units: 4, weight-scale: 4, neuron: {use: lif, threshold: 0.5, leak: {learned: per-neuron, "
    "initial: 0.8}}}"
  };
  g_autoptr (GError) error = NULL;
  Fixture *f = g_new0 (Fixture, 1);
  f->form = form;
  f->wires.trained = spec_of (form, STEPS);
  f->wires.model = network_new (2, layers, "rate", "cross-entropy", &f->wires.trained, 3);
  f->wires.data[0] = data_of (form, STEPS);
  const RvBatch all = { .data = f->wires.data[0], .n = SAMPLES };
  const RvObserver observer = { .tile = look, .self = f, .membranes = TRUE };
  rv_model_evaluate (f->wires.model, NULL, &all, &observer, NULL, &error);
  g_assert_no_error (error);
  return f;
}

static void
fixture_free (Fixture *f)
{
  rv_model_unref (f->wires.model);
  for (uint32_t k = 0; k < 8; k++)
    g_clear_pointer (&f->wires.data[k], rv_dataset_unref);
  g_free (f);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Fixture, fixture_free)

static TestAnalysis *
analyse (const Fixture *f, const char *text)
{
  g_autoptr (GError) error = NULL;
  TestAnalysis *analysis = test_analysis (&f->wires, text, &error);
  g_assert_no_error (error);
  return analysis;
}

#define NEAR(a, b)                                                                                           \
  g_assert_cmpfloat (fabs ((double)(a) - (double)(b)), <=, 1e-9 * MAX (1.0, fabs ((double)(b))))

static void
test_accuracy (void)
{
  g_autoptr (Fixture) f = fixture_new (RV_FORM_SPIKES);
  g_autoptr (TestAnalysis) analysis = analyse (f, "{use: analysis/accuracy, model: model, data: data}");
  const RvTable *confusion = test_table (analysis, "confusion"), *classes = test_table (analysis, "classes");
  double counts[CLASSES][CLASSES] = { { 0 } }, right = 0.0;
  for (uint32_t s = 0; s < SAMPLES; s++)
    {
      counts[f->labels[s]][f->decided[s]]++;
      right += f->labels[s] == f->decided[s];
    }
  NEAR (test_number (test_table (analysis, ""), 0, "accuracy"), 100.0 * right / SAMPLES);
  g_assert_cmpfloat (right, >, 5.0);
  g_assert_cmpfloat (right, <, SAMPLES - 5.0);
  uint32_t columns, rows;
  const double *x, *y, *z;
  g_assert_true (rv_figure_get_grid (test_figure (analysis, "figure"), &columns, &rows, &x, &y, &z));
  g_assert_cmpuint (columns, ==, CLASSES);
  g_assert_cmpuint (rows, ==, CLASSES);
  g_assert_cmpfloat (y[0], >, y[1]); /* the first class on top */
  for (uint32_t c = 0; c < CLASSES; c++)
    {
      double is = 0.0, decided = 0.0;
      for (uint32_t d = 0; d < CLASSES; d++)
        {
          NEAR (rv_table_get_real (confusion, c, d + 1), counts[c][d]);
          is += counts[c][d];
          decided += counts[d][c];
        }
      for (uint32_t r = 0; r < rows; r++)
        for (uint32_t d = 0; y[r] == c && d < columns; d++)
          NEAR (z[r * columns + d], 100.0 * counts[c][(uint32_t)x[d]] / is);
      NEAR (test_number (classes, c, "decisions"), is);
      NEAR (test_number (classes, c, "decided so"), decided);
      NEAR (test_number (classes, c, "recall"), 100.0 * counts[c][c] / is);
      if (decided > 0.0)
        NEAR (test_number (classes, c, "precision"), 100.0 * counts[c][c] / decided);
      else
        g_assert_true (isnan (test_number (classes, c, "precision")));
    }
}

/* Spikes of neuron n, the hidden ones first, at a step, over all samples. */
static double
spikes_at (const Fixture *f, uint32_t n, uint32_t t)
{
  double sum = 0.0;
  for (uint32_t s = 0; s < SAMPLES; s++)
    sum += n < HIDDEN ? f->hidden[s][t][n] : f->last[s][t][n - HIDDEN];
  return sum;
}

static void
test_rates (void)
{
  static const char *const names[] = { "layer 0", "layer 1", "all" };
  g_autoptr (Fixture) f = fixture_new (RV_FORM_SPIKES);
  g_autoptr (TestAnalysis) analysis
      = analyse (f, "{use: analysis/firing-rate, model: model, data: data, bins: 5}");
  const RvTable *table = test_table (analysis, ""), *histogram = test_table (analysis, "histogram"),
                *time = test_table (analysis, "over-time");
  for (uint32_t k = 0; k < 3; k++)
    {
      const uint32_t from = k == 1 ? HIDDEN : 0, to = k == 0 ? HIDDEN : HIDDEN + CLASSES;
      double sum = 0.0, low = 1.0, high = 0.0, silent = 0.0, bins[5] = { 0 };
      for (uint32_t n = from; n < to; n++)
        {
          double rate = 0.0;
          for (uint32_t t = 0; t < STEPS; t++)
            rate += spikes_at (f, n, t) / (SAMPLES * STEPS);
          sum += rate;
          low = MIN (low, rate);
          high = MAX (high, rate);
          silent += rate == 0.0;
          bins[(int)MIN (floor (rate * 5), 4)]++;
        }
      g_autofree char *name = rv_table_get_text (table, k, 0);
      g_assert_cmpstr (name, ==, names[k]);
      NEAR (test_number (table, k, "neurons"), to - from);
      NEAR (test_number (table, k, "mean rate"), sum / (to - from));
      NEAR (test_number (table, k, "lowest rate"), low);
      NEAR (test_number (table, k, "highest rate"), high);
      NEAR (test_number (table, k, "silent neurons (%)"), 100.0 * silent / (to - from));
      for (uint32_t b = 0; b < 5; b++)
        NEAR (test_number (histogram, b, names[k]), bins[b]);
      for (uint32_t t = 0; k < 2 && t < STEPS; t++)
        {
          double at = 0.0;
          for (uint32_t n = from; n < to; n++)
            at += spikes_at (f, n, t) / (SAMPLES * (to - from));
          NEAR (test_number (time, t, names[k]), at);
          NEAR (test_number (time, t, "time (ms)"), 2.0 * t);
        }
    }
  g_assert_cmpuint (rv_figure_series (test_figure (analysis, "figure")), ==, 1);
  g_assert_cmpuint (rv_figure_panels (test_figure (analysis, "layers-figure")), ==, 2);
  g_assert_cmpuint (rv_figure_series (test_figure (analysis, "over-time-figure")), ==, 2);
}

static void
test_operations (void)
{
  g_autoptr (Fixture) f = fixture_new (RV_FORM_SPIKES);
  g_autoptr (TestAnalysis) analysis
      = analyse (f, "{use: analysis/firing-rate, model: model, data: data, energy-ac: 2}");
  const RvTable *table = test_table (analysis, "operations");
  double first = 0.0, second = 0.0; /* by synapse: from, to, step */
  for (uint32_t s = 0; s < SAMPLES; s++)
    for (uint32_t t = 0; t < STEPS; t++)
      for (uint32_t to = 0; to < HIDDEN; to++)
        {
          for (uint32_t j = 0; j < INPUTS; j++)
            first += f->input[s][t][j];
          for (uint32_t j = 0; j < HIDDEN; j++)
            {
              first += t > 0 ? f->hidden[s][t - 1][j] : 0;
              second += to < CLASSES ? f->hidden[s][t][j] : 0;
            }
        }
  NEAR (test_number (table, 0, "accumulates"), first / SAMPLES);
  NEAR (test_number (table, 1, "accumulates"), second / SAMPLES);
  NEAR (test_number (table, 2, "accumulates"), (first + second) / SAMPLES);
  NEAR (test_number (table, 2, "multiply-accumulates"), 0.0);
  NEAR (test_number (table, 2, "energy (nJ)"), 2e-3 * (first + second) / SAMPLES);
  g_assert_cmpuint (g_strv_length ((char **)rv_table_notes (table)), ==, 3);
}

/* Numbers are multiplied: those of a still image once, zeros too unless they are skipped. */
static void
test_analog (void)
{
  for (guint skip = 0; skip < 2; skip++)
    for (guint still = 0; still < 2; still++)
      {
        g_autoptr (Fixture) f = fixture_new (still ? RV_FORM_STATIC : RV_FORM_FRAMES);
        g_autofree char *text = g_strdup_printf (
            "{use: analysis/firing-rate, model: model, data: data, skip-zeros: %s}", skip ? "yes" : "no");
        g_autoptr (TestAnalysis) analysis = analyse (f, text);
        const RvTable *table = test_table (analysis, "operations");
        double macs = 0.0, adds = 0.0;
        for (uint32_t s = 0; s < SAMPLES; s++)
          {
            g_auto (RvRecording) r = { 0 };
            rv_dataset_read (f->wires.data[0], 0, s, &r, NULL);
            for (uint32_t k = 0; k < INPUTS * (still ? 1 : STEPS); k++)
              macs += HIDDEN * (skip ? r.values[k] != 0.0f : 1);
            for (uint32_t t = 0; t + 1 < STEPS; t++)
              for (uint32_t j = 0; j < HIDDEN; j++)
                adds += HIDDEN * f->hidden[s][t][j];
          }
        NEAR (test_number (table, 0, "multiply-accumulates"), macs / SAMPLES);
        NEAR (test_number (table, 0, "accumulates"), adds / SAMPLES);
        NEAR (test_number (table, 0, "energy (nJ)"), (4.6e-3 * macs + 0.9e-3 * adds) / SAMPLES);
      }
}

/* ---- other step widths */

/* How well a network does that was built for so many steps, with leaks of its own. */
static RvScore
score_of_built (const char *leak, uint32_t steps)
{
  g_autofree char *hidden = g_strdup_printf ("{use: dense, units: 11, recurrent: yes, weight-scale: 4, "
                                             "neuron: {use: lif, threshold: 0.5, leak: %s}}",
                                             leak);
  g_autofree char *last = g_strdup_printf (
      "{use: dense, units: 4, weight-scale: 4, neuron: {use: lif, threshold: 0.5, leak: %s}}", leak);
  const char *const layers[] = { hidden, last };
  g_autoptr (GError) error = NULL;
  const RvDatasetSpec spec = spec_of (RV_FORM_SPIKES, steps);
  g_autoptr (RvModel) model = network_new (2, layers, "rate", "cross-entropy", &spec, 3);
  g_autoptr (RvDataset) data = data_of (RV_FORM_SPIKES, steps);
  const RvBatch all = { .data = data, .n = SAMPLES };
  RvScore score;
  rv_model_evaluate (model, NULL, &all, NULL, &score, &error);
  g_assert_no_error (error);
  return score;
}

static void
test_resolution (void)
{
  static const uint32_t steps[] = { 10, 5, 20, 40 }; /* 2, 4, 1 and 0.5 ms */
  static const char *const names[] = { "2 ms", "4 ms", "1 ms", "0.5 ms" };
  g_autoptr (Fixture) f = fixture_new (RV_FORM_SPIKES);
  for (uint32_t k = 1; k < 4; k++)
    f->wires.data[k] = data_of (RV_FORM_SPIKES, steps[k]);
  for (guint rescaled = 0; rescaled < 2; rescaled++)
    {
      g_autofree char *text
          = g_strdup_printf ("{use: analysis/resolution, model: model, data: [a, b, c, d], rescale-leak: %s}",
                             rescaled ? "yes" : "no");
      g_autoptr (TestAnalysis) analysis = analyse (f, text);
      const RvTable *table = test_table (analysis, ""), *row = test_table (analysis, "row");
      double seen[4];
      g_assert_cmpuint (rv_table_rows (table), ==, 4);
      for (uint32_t k = 0; k < 4; k++)
        {
          const double power = rescaled ? 10.0 / steps[k] : 1.0;
          g_autofree char *leak = g_strdup_printf ("%.17g", pow (0.8, power));
          const RvScore built = score_of_built (leak, steps[k]);
          seen[k] = test_number (table, k, "loss");
          g_assert_cmpfloat (fabs (seen[k] - built.loss), <, 1e-6); /* learned leaks go through a sigmoid */
          NEAR (test_number (table, k, "accuracy"), 100.0 * (double)built.correct / (double)built.decisions);
          NEAR (test_number (table, k, "step (ms)"), 20.0 / steps[k]);
          NEAR (test_number (table, k, "steps"), steps[k]);
          NEAR (test_number (row, 0, names[k]), test_number (table, k, "accuracy"));
          if (rescaled)
            NEAR (test_number (table, k, "power of the leak"), power);
        }
      g_assert_true (seen[0] != seen[1] && seen[0] != seen[2] && seen[0] != seen[3]);
      g_assert_cmpuint (rv_figure_get_series (test_figure (analysis, "figure"), 0)->x->len, ==, 4);
    }
  test_analysis_refused (
      &f->wires, "{use: analysis/resolution, model: model, data: a, rescale-leak: yes, leaks: [leek]}",
      "'leaks' names 'leek'");
  f->wires.trained.step_width = 0.0;
  test_analysis_refused (&f->wires, "{use: analysis/resolution, model: model, data: [b], rescale-leak: yes}",
                         "how long a step is, but 'model'");
  f->wires.trained.units = 9;
  test_analysis_refused (&f->wires, "{use: analysis/resolution, model: model, data: [a, b]}",
                         "takes 9 units");
}

/* What a spike meets in a convolution is not known: no number stands there, nor in the sum; the dense layer behind it is
 * counted. The same for a kernel as large as its input, whose rows are channels and not units. */
static void
test_convolutions (void)
{
  static const char *const lif = "neuron: {use: lif, leak: 0.5, threshold: 0.2}";
  for (guint large = 0; large < 2; large++)
    {
      g_autofree char *conv
          = large ? g_strdup_printf ("{use: conv2d, channels: 2, kernel: [1, 7], padding: [0, 3], %s}", lif)
                  : g_strdup_printf ("{use: conv2d, channels: 2, kernel: [1, 3], %s}", lif);
      const char *const layers[] = { conv, "{use: dense, units: 4, neuron: leaky-integrator}" };
      g_autoptr (Fixture) f = fixture_new (RV_FORM_SPIKES);
      rv_model_unref (f->wires.model);
      f->wires.trained.dims[0] = 1; /* a row of pixels */
      f->wires.trained.dims[2] = INPUTS;
      f->wires.model = network_new (2, layers, "rate", "cross-entropy", &f->wires.trained, 3);
      g_autoptr (TestAnalysis) rates = analyse (f, "{use: analysis/firing-rate, model: model, data: data}");
      const RvTable *operations = test_table (rates, "operations"), *table = test_table (rates, "table");
      const double units = large ? 14 : 10, fired = test_number (table, 0, "mean rate") * units * STEPS;
      g_assert_cmpfloat (fired, >, 0.0);
      for (uint32_t k = 0; k < 3; k += 2)
        g_assert_true (isnan (test_number (operations, k, "accumulates"))
                       && isnan (test_number (operations, k, "multiply-accumulates"))
                       && isnan (test_number (operations, k, "energy (nJ)")));
      NEAR (test_number (operations, 1, "accumulates"), 4 * fired);
      g_assert_nonnull (strstr (rv_table_notes (operations)[2], "Convolutions are not counted"));
    }
}

/* Baselines whose layers have no neurons run over other steps too. */
static void
test_baselines (void)
{
  static const char *const layers[]
      = { "{use: lstm, units: 6}", "{use: gru, units: 5}", "{use: dense, units: 4, neuron: linear}" };
  g_autoptr (Fixture) f = fixture_new (RV_FORM_SPIKES);
  rv_model_unref (f->wires.model);
  f->wires.model = network_new (3, layers, "last-step", "cross-entropy", &f->wires.trained, 3);
  f->wires.data[1] = data_of (RV_FORM_SPIKES, 30);
  const RvDatasetSpec spec = spec_of (RV_FORM_SPIKES, 30);
  g_autoptr (RvModel) built = network_new (3, layers, "last-step", "cross-entropy", &spec, 3);
  g_autoptr (TestAnalysis) analysis = analyse (f, "{use: analysis/resolution, model: model, data: [a, b]}");
  const RvBatch all = { .data = f->wires.data[1], .n = SAMPLES };
  RvScore score;
  rv_model_evaluate (built, NULL, &all, NULL, &score, NULL);
  NEAR (test_number (test_table (analysis, ""), 1, "loss"), score.loss);
  g_autoptr (TestAnalysis) rates = analyse (f, "{use: analysis/firing-rate, model: model, data: a}");
  const RvTable *operations = test_table (rates, "operations");
  double spikes = 0.0;
  for (uint32_t s = 0; s < SAMPLES; s++)
    for (uint32_t t = 0; t < STEPS; t++)
      for (uint32_t j = 0; j < INPUTS; j++)
        spikes += f->input[s][t][j];
  /* four gates of spikes, and of its own output of the step before; what it hands on is no spike */
  NEAR (test_number (operations, 0, "accumulates"), 4 * 6 * spikes / SAMPLES);
  NEAR (test_number (operations, 0, "multiply-accumulates"), 4 * 6 * 6 * (STEPS - 1));
  NEAR (test_number (operations, 1, "multiply-accumulates"), 3 * 5 * 6 * STEPS + 3 * 5 * 5 * (STEPS - 1));
  NEAR (test_number (operations, 2, "multiply-accumulates"), 4 * 5 * STEPS);
  g_autoptr (TestAnalysis) silhouette = analyse (f, "{use: analysis/silhouette, model: model, data: a}");
  g_assert_true (isfinite (test_number (test_table (silhouette, ""), 0, "silhouette")));
  g_autoptr (TestAnalysis) trace = analyse (f, "{use: analysis/trace, model: model, data: a, layer: 0}");
  g_assert_cmpuint (rv_table_rows (test_table (trace, "")), ==, STEPS);
}

/* ---- one sample */

static void
test_trace (void)
{
  g_autoptr (Fixture) f = fixture_new (RV_FORM_SPIKES);
  for (uint32_t sample = 0; sample < SAMPLES; sample += 17)
    {
      g_autofree char *text = g_strdup_printf (
          "{use: analysis/trace, model: model, data: data, sample: %u, units: [10, 2]}", sample);
      g_autoptr (TestAnalysis) analysis = analyse (f, text);
      const RvTable *table = test_table (analysis, ""), *spikes = test_table (analysis, "spikes");
      const RvSeries *raster = rv_figure_get_series (test_figure (analysis, "raster"), 0);
      for (uint32_t t = 0; t < STEPS; t++)
        {
          NEAR (test_number (table, t, "time (ms)"), 2.0 * t);
          NEAR (test_number (table, t, "neuron 10"), f->membranes[sample][t][10]);
          NEAR (test_number (table, t, "neuron 2"), f->membranes[sample][t][2]);
        }
      uint32_t row = 0, point = 0;
      for (uint32_t layer = 0; layer < 2; layer++)
        for (uint32_t t = 0; t < STEPS; t++)
          for (uint32_t j = 0; j < (layer ? HIDDEN : INPUTS); j++)
            {
              if (!(layer ? f->hidden[sample][t][j] : f->input[sample][t][j]))
                continue;
              g_autofree char *name = rv_table_get_text (spikes, row, 0);
              g_assert_cmpstr (name, ==, layer ? "layer 0" : "input");
              NEAR (test_number (spikes, row, "time (ms)"), 2.0 * t);
              NEAR (test_number (spikes, row++, "neuron"), j);
              if (!layer)
                continue;
              NEAR (g_array_index (raster->x, double, point), 2.0 * t);
              NEAR (g_array_index (raster->y, double, point++), j);
            }
      g_assert_cmpuint (rv_table_rows (spikes), ==, row);
      g_assert_cmpuint (raster->x->len, ==, point);
      g_assert_cmpuint (rv_figure_panels (test_figure (analysis, "figure")), ==, 3);
    }
  /* without names those that fire most often */
  g_autoptr (TestAnalysis) analysis
      = analyse (f, "{use: analysis/trace, model: model, data: data, sample: 5, most: 2}");
  const char *first = rv_table_column_name (test_table (analysis, ""), 1);
  uint32_t counts[HIDDEN] = { 0 }, best = 0;
  for (uint32_t n = 0; n < HIDDEN; n++)
    {
      for (uint32_t t = 0; t < STEPS; t++)
        counts[n] += f->hidden[5][t][n];
      best = MAX (best, counts[n]);
    }
  g_assert_cmpuint (counts[g_ascii_strtoull (first + strlen ("neuron "), NULL, 10)], ==, best);
  g_assert_cmpuint (rv_table_columns (test_table (analysis, "")), ==, 3);
  test_analysis_refused (&f->wires, "{use: analysis/trace, model: model, data: data, sample: 53}",
                         "'sample' is 53|has 53");
  test_analysis_refused (&f->wires, "{use: analysis/trace, model: model, data: data, units: [11]}",
                         "names 11|has 11");
  test_analysis_refused (&f->wires, "{use: analysis/trace, model: model, data: data, layer: input}",
                         "no membranes");
}

/* On a grid of one place a convolution is a dense layer: the same spikes, membranes and costs. */
static void
test_grid (void)
{
#define NEURON "weight-scale: 4, neuron: {use: lif, threshold: 0.5, leak: 0.8}}"
  static const char *const grid[]
      = { "{use: conv2d, channels: 11, kernel: 1, " NEURON, "batch-norm", "{use: dense, units: 4, " NEURON },
      *const dense[] = { "{use: dense, units: 11, " NEURON, "{use: dense, units: 4, " NEURON };
  static const char *const asks[]
      = { "{use: analysis/trace, model: model, data: data, layer: 0, sample: 17, most: 5}",
          "{use: analysis/silhouette, model: model, data: data, layer: 0}",
          "{use: analysis/firing-rate, model: model, data: data}" };
  static const char *const tables[] = { "", "", "operations" }; /* of each the one to be compared */
  g_autoptr (Fixture) f = fixture_new (RV_FORM_SPIKES);
  rv_model_unref (f->wires.model);
  for (guint k = 0; k < G_N_ELEMENTS (asks); k++)
    {
      g_autoptr (RvModel) own = f->wires.model
          = network_new (3, grid, "rate", "cross-entropy", &f->wires.trained, 3);
      g_autoptr (TestAnalysis) analysis = analyse (f, asks[k]);
      g_autoptr (RvModel) other = f->wires.model
          = network_new (2, dense, "rate", "cross-entropy", &f->wires.trained, 3);
      g_autoptr (TestAnalysis) expected = analyse (f, asks[k]);
      const RvTable *a = test_table (analysis, tables[k]), *b = test_table (expected, tables[k]);
      for (uint32_t c = 0; c < rv_table_columns (b); c++)
        if (rv_table_column_type (b, c) != RV_COLUMN_TEXT)
          for (uint32_t row = 0; row < (k == 2 ? 1 : rv_table_rows (b)); row++)
            {
              const double x = test_number (a, row, rv_table_column_name (b, c)),
                           y = test_number (b, row, rv_table_column_name (b, c));
              g_assert_cmpfloat (fabs (x - y), <, 1e-5 * (1.0 + fabs (y)));
            }
      f->wires.model = NULL;
    }
  f->wires.model = network_new (3, grid, "rate", "cross-entropy", &f->wires.trained, 3);
  test_analysis_refused (&f->wires, "{use: analysis/trace, model: model, data: data, layer: 1}",
                         "layer 1 has no neurons");
#undef NEURON
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/analyses/accuracy", test_accuracy);
  g_test_add_func ("/analyses/rates", test_rates);
  g_test_add_func ("/analyses/operations", test_operations);
  g_test_add_func ("/analyses/analog", test_analog);
  g_test_add_func ("/analyses/resolution", test_resolution);
  g_test_add_func ("/analyses/convolutions", test_convolutions);
  g_test_add_func ("/analyses/baselines", test_baselines);
  g_test_add_func ("/analyses/trace", test_trace);
  g_test_add_func ("/analyses/grid", test_grid);
  return g_test_run ();
}
