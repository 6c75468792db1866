/* analysis/silhouette and analysis/tsne against scikit-learn on the same features; what they found is in
 * tests/fixtures/scikit-learn.json, beside the script. And that features are what they say. */
#include "base/threads.h"
#include "plugins/analysis.h"
#include "fixture.h"
#include <math.h>

typedef struct
{
  uint32_t n, dims, classes;
  float *x;
  uint32_t *labels;
  JsonParser *parser;
  JsonObject *all;
  TestWires wires;
} Fixture;

static gboolean
read_still (gconstpointer self, uint64_t epoch, uint32_t id, RvRecording *out, GError **error)
{
  const Fixture *f = self;
  memcpy (rv_recording_set_static (out, f->dims), f->x + (size_t)id * f->dims, f->dims * sizeof (float));
  out->steps = 4;
  out->label = f->labels[id];
  return TRUE;
}

/* A network of no interest: the features are its input. */
static void
wire (Fixture *f)
{
  const RvDatasetSpec spec = { .form = RV_FORM_STATIC,
                               .samples = f->n,
                               .units = f->dims,
                               .dims = { f->dims, 1, 1 },
                               .steps = 4,
                               .classes = f->classes,
                               .split = "test" };
  g_autofree char *layer = g_strdup_printf ("{use: dense, units: %u, neuron: lif}", f->classes);
  const char *const layers[] = { layer };
  f->wires.trained = spec;
  f->wires.data[0] = rv_dataset_new (&spec, read_still, f, NULL);
  f->wires.model = network_new (1, layers, "rate", "cross-entropy", &spec, 1);
}

static void
load (Fixture *f)
{
  f->parser = json_parser_new ();
  f->all = fixture_load (f->parser, "scikit-learn.json");
  JsonArray *rows = json_object_get_array_member (f->all, "x"),
            *labels = json_object_get_array_member (f->all, "labels");
  f->n = json_array_get_length (rows);
  f->labels = g_new (uint32_t, f->n);
  for (uint32_t i = 0; i < f->n; i++)
    {
      g_auto (GStrv) row = g_strsplit (json_array_get_string_element (rows, i), " ", -1);
      f->dims = g_strv_length (row);
      f->x = f->x ? f->x : g_new (float, (size_t)f->n * f->dims);
      for (uint32_t d = 0; d < f->dims; d++)
        f->x[(size_t)i * f->dims + d] = (float)g_ascii_strtod (row[d], NULL);
      f->labels[i] = (uint32_t)json_array_get_int_element (labels, i);
      f->classes = MAX (f->classes, f->labels[i] + 1);
    }
  wire (f);
}

static void
clear (Fixture *f)
{
  g_clear_object (&f->parser);
  g_free (f->x);
  g_free (f->labels);
  rv_model_unref (f->wires.model);
  rv_dataset_unref (f->wires.data[0]);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Fixture, clear)

static TestAnalysis *
analyse (const Fixture *f, const char *text)
{
  g_autoptr (GError) error = NULL;
  TestAnalysis *analysis = test_analysis (&f->wires, text, &error);
  g_assert_no_error (error);
  return analysis;
}

static void
test_silhouette (void)
{
  g_auto (Fixture) f = { 0 };
  load (&f);
  g_autoptr (TestAnalysis) analysis
      = analyse (&f, "{use: analysis/silhouette, model: model, data: data, layer: input}");
  JsonArray *expected = json_object_get_array_member (f.all, "silhouettes");
  const RvTable *samples = test_table (analysis, "samples"), *classes = test_table (analysis, "classes");
  double sum = 0.0, of_class[8] = { 0 };
  for (uint32_t i = 0; i < f.n; i++)
    {
      const double s = json_array_get_double_element (expected, i);
      g_assert_cmpfloat (fabs (test_number (samples, i, "silhouette") - s), <, 1e-6);
      sum += s;
      of_class[f.labels[i]] += s;
    }
  g_assert_cmpfloat (fabs (test_number (test_table (analysis, ""), 0, "silhouette") - sum / f.n), <, 1e-6);
  g_assert_cmpfloat (test_number (test_table (analysis, ""), 0, "silent samples"), ==, 2.0);
  for (uint32_t c = 0; c < f.classes; c++)
    g_assert_cmpfloat (
        fabs (test_number (classes, c, "silhouette") - of_class[c] / test_number (classes, c, "samples")), <,
        1e-6);
}

/* ---- t-SNE */

static double
squared (const double *x, uint32_t dims, uint32_t i, uint32_t j)
{
  double sum = 0.0;
  for (uint32_t d = 0; d < dims; d++)
    sum += (x[i * dims + d] - x[j * dims + d]) * (x[i * dims + d] - x[j * dims + d]);
  return sum;
}

/* The rank of j among the neighbours of i, from 1. */
static uint32_t
rank_of (const double *x, uint32_t n, uint32_t dims, uint32_t i, uint32_t j)
{
  const double own = squared (x, dims, i, j);
  uint32_t rank = 1;
  for (uint32_t k = 0; k < n; k++)
    rank += k != i && k != j && (squared (x, dims, i, k) < own || (squared (x, dims, i, k) == own && k < j));
  return rank;
}

/* 1 - 2 / (n k (2 n - 3 k - 1)) * sum over i, and over its k neighbours j in the embedding, of max (0, r (i, j) -
 * k), r the rank among the features (Venna and Kaski 2001). */
static double
trustworthiness (const double *x, uint32_t dims, const double *y, uint32_t n, uint32_t k)
{
  double sum = 0.0;
  for (uint32_t i = 0; i < n; i++)
    for (uint32_t j = 0; j < n; j++)
      if (i != j && rank_of (y, n, 2, i, j) <= k)
        sum += MAX (0.0, (double)rank_of (x, n, dims, i, j) - k);
  return 1.0 - 2.0 * sum / ((double)n * k * (2.0 * n - 3.0 * k - 1.0));
}

static double
trust_of (const Fixture *f, const RvTable *embedding)
{
  g_autofree double *x = g_new (double, (size_t)f->n * f->dims), *y = g_new (double, 2 * f->n);
  for (size_t k = 0; k < (size_t)f->n * f->dims; k++)
    x[k] = f->x[k];
  for (uint32_t i = 0; i < f->n; i++)
    {
      y[2 * i] = test_number (embedding, i, "x");
      y[2 * i + 1] = test_number (embedding, i, "y");
    }
  return trustworthiness (x, f->dims, y, f->n, 10);
}

static void
test_tsne (gconstpointer user)
{
  const char *method = user;
  g_auto (Fixture) f = { 0 };
  load (&f);
  g_autofree char *text
      = g_strdup_printf ("{use: analysis/tsne, model: model, data: data, layer: input, method: %s}",
                         strcmp (method, "exact") == 0 ? "exact" : "barnes-hut");
  g_autoptr (TestAnalysis) analysis = analyse (&f, text);
  JsonObject *expected
      = json_object_get_object_member (json_object_get_object_member (f.all, "tsne"), method);
  const double theirs = json_object_get_double_member (expected, "divergence"),
               ours = test_number (test_table (analysis, ""), 0, "KL divergence"),
               trust = trust_of (&f, test_table (analysis, "embedding"));
  g_test_message ("divergence %g, scikit-learn %g; trustworthiness %g, scikit-learn %g", ours, theirs, trust,
                  json_object_get_double_member (expected, "trustworthiness"));
  g_assert_cmpfloat (fabs (ours - theirs), <, 0.03 * theirs);
  g_assert_cmpfloat (trust, >, json_object_get_double_member (expected, "trustworthiness") - 0.01);
}

/* p_ij by definition, in doubles: perplexity by bisection, all pairs; the caller owns it. */
static double *
slow_affinities (const Fixture *f, double perplexity)
{
  const uint32_t n = f->n;
  g_autofree double *x = g_new (double, (size_t)n * f->dims), *given = g_new0 (double, (size_t)n *n);
  double *p = g_new0 (double, (size_t)n *n);
  for (size_t k = 0; k < (size_t)n * f->dims; k++)
    x[k] = f->x[k];
  for (uint32_t i = 0; i < n; i++)
    {
      double low = 0.0, high = 100.0, sum = 0.0, entropy;
      for (uint32_t k = 0; k < 60; k++)
        {
          const double beta = 0.5 * (low + high);
          sum = entropy = 0.0;
          for (uint32_t j = 0; j < n; j++)
            sum += given[i * n + j] = i == j ? 0.0 : exp (-beta * squared (x, f->dims, i, j));
          for (uint32_t j = 0; j < n; j++)
            entropy -= given[i * n + j] > 0.0 ? given[i * n + j] / sum * log (given[i * n + j] / sum) : 0.0;
          *(entropy > log (perplexity) ? &low : &high) = beta;
        }
      for (uint32_t j = 0; j < n; j++)
        given[i * n + j] /= sum;
    }
  for (uint32_t i = 0; i < n; i++)
    for (uint32_t j = 0; j < n; j++)
      p[i * n + j] = (given[i * n + j] + given[j * n + i]) / (2.0 * n);
  return p;
}

/* sum p log (p / q), q_ij = (1 + d^2)^-1 / sum of them; y [n][2] */
static double
slow_divergence (const double *p, const double *y, uint32_t n)
{
  double z = 0.0, divergence = 0.0;
  for (uint32_t pass = 0; pass < 2; pass++)
    for (uint32_t i = 0; i < n; i++)
      for (uint32_t j = 0; j < n; j++)
        {
          const double q = 1.0 / (1.0 + squared (y, 2, i, j));
          if (i != j && !pass)
            z += q;
          if (i != j && pass && p[i * n + j] > 0.0)
            divergence += p[i * n + j] * log (p[i * n + j] * z / q);
        }
  return divergence;
}

static void
test_divergence (void)
{
  g_auto (Fixture) f = { 0 };
  load (&f);
  g_autoptr (TestAnalysis) analysis = analyse (
      &f, "{use: analysis/tsne, model: model, data: data, layer: input, iterations: 300, perplexity: 12.5}");
  g_autofree double *p = slow_affinities (&f, 12.5), *y = g_new (double, 2 * f.n);
  for (uint32_t i = 0; i < f.n; i++)
    {
      y[2 * i] = test_number (test_table (analysis, "embedding"), i, "x");
      y[2 * i + 1] = test_number (test_table (analysis, "embedding"), i, "y");
    }
  const double told = test_number (test_table (analysis, ""), 0, "KL divergence"),
               divergence = slow_divergence (p, y, f.n);
  g_test_message ("told %.8f, by definition %.8f", told, divergence);
  g_assert_cmpfloat (fabs (told - divergence), <, 1e-4 * divergence);
  g_assert_cmpfloat (test_number (test_table (analysis, ""), 0, "iterations"), ==, 300.0);
}

/* One iteration without exaggeration from drawn positions: the step is -rate * 0.8 * gradient, since gains begin
 * at 1 and shrink. The gradient is that of the definition, by finite differences. */
static void
test_gradient (gconstpointer user)
{
  const char *method = user;
  g_auto (Fixture) f = { 0 };
  load (&f);
  g_autofree char *text
      = g_strdup_printf ("{use: analysis/tsne, model: model, data: data, layer: input, iterations: 1, "
                         "early-iterations: 0, perplexity: 80, "
                         "angle: 0, start: random, seed: 4, learning-rate: 1000, method: %s}",
                         method);
  g_autoptr (TestAnalysis) analysis = analyse (&f, text);
  g_autofree double *p = slow_affinities (&f, 80.0), *y = g_new (double, 2 * f.n);
  const RvStream stream = rv_stream_new (4, "", "start", "");
  double largest = 0.0;
  for (uint32_t i = 0; i < f.n; i++)
    for (uint32_t a = 0; a < 2; a++)
      y[2 * i + a] = (float)(1e-4 * rv_stream_normal (stream, a * f.n + i));
  for (uint32_t pass = 0; pass < 2; pass++)
    for (uint32_t i = 0; i < f.n; i += 29)
      for (uint32_t a = 0; a < 2; a++)
        {
          const double at = y[2 * i + a],
                       moved = test_number (test_table (analysis, "embedding"), i, a ? "y" : "x");
          double ends[2];
          for (uint32_t k = 0; k < 2; k++)
            {
              y[2 * i + a] = at + (k ? 1e-4 : -1e-4);
              ends[k] = slow_divergence (p, y, f.n);
            }
          y[2 * i + a] = at;
          const double gradient = (ends[1] - ends[0]) / 2e-4, found = (at - moved) / 800.0;
          largest = MAX (largest, fabs (gradient));
          if (pass && fabs (found - gradient) > 0.01 * largest)
            g_error ("sample %u, axis %u: %g, by finite differences %g", i, a, found, gradient);
        }
  g_assert_cmpfloat (largest, >, 1e-8);
}

static void
test_threads (void)
{
  static const char *const texts[]
      = { "{use: analysis/tsne, model: model, data: data, layer: input, iterations: 60, method: exact}",
          "{use: analysis/tsne, model: model, data: data, layer: input, iterations: 60, method: barnes-hut}",
          "{use: analysis/tsne, model: model, data: data, layer: input, iterations: 60, start: random}",
          "{use: analysis/silhouette, model: model, data: data, layer: input}" };
  g_auto (Fixture) f = { 0 };
  load (&f);
  for (guint k = 0; k < G_N_ELEMENTS (texts); k++)
    {
      g_autofree char *first = NULL;
      for (uint32_t threads = 1; threads < 5; threads++)
        {
          rv_threads_set (threads);
          g_autoptr (TestAnalysis) analysis = analyse (&f, texts[k]);
          g_autofree char *csv = rv_table_to_csv (test_table (analysis, k < 3 ? "embedding" : "samples"));
          if (threads == 1)
            first = g_steal_pointer (&csv);
          else
            g_assert_cmpstr (first, ==, csv);
        }
    }
  rv_threads_set (0);
}

/* More points than one piece of anything, clusters that are far apart, and copies: nothing may become NaN. */
static void
test_clusters (void)
{
  g_auto (Fixture) f = { .n = 700, .dims = 3, .classes = 3 };
  f.x = g_new (float, (size_t)f.n *f.dims);
  f.labels = g_new (uint32_t, f.n);
  const RvStream stream = rv_stream_new (1, "", "clusters", "");
  for (uint32_t i = 0; i < f.n; i++)
    {
      f.labels[i] = i % 3;
      for (uint32_t d = 0; d < f.dims; d++)
        f.x[i * f.dims + d] = (d == f.labels[i] ? 100.0f : 0.0f)
                              + (i < 200 ? 0.0f : (float)rv_stream_normal (stream, i * f.dims + d));
    }
  wire (&f);
  g_autoptr (TestAnalysis) exact = analyse (
      &f, "{use: analysis/tsne, model: model, data: data, layer: input, method: exact, iterations: 400}"),
                           near = analyse (&f, "{use: analysis/tsne, model: model, data: data, layer: input, "
                                               "method: barnes-hut, iterations: 400}");
  const double a = test_number (test_table (exact, ""), 0, "KL divergence"),
               b = test_number (test_table (near, ""), 0, "KL divergence");
  g_test_message ("exact %g, Barnes-Hut %g", a, b);
  g_assert_cmpfloat (fabs (a - b), <, 0.15 * a);
  g_autoptr (TestAnalysis) silhouette
      = analyse (&f, "{use: analysis/silhouette, model: model, data: data, layer: input}");
  g_assert_cmpfloat (test_number (test_table (silhouette, ""), 0, "silhouette"), >, 0.99);
}

/* ---- features of a network */

#define STEPS 6
#define INPUTS 5
#define SAMPLES 40

static gboolean
read_spikes (gconstpointer self, uint64_t epoch, uint32_t id, RvRecording *out, GError **error)
{
  const RvStream stream = rv_stream_fork (rv_stream_new (2, "", "spikes", ""), id);
  uint32_t n = 0;
  rv_recording_set_spikes (out, STEPS, INPUTS, STEPS * INPUTS);
  for (uint32_t t = 0; t < STEPS; t++)
    {
      out->offsets[t] = n;
      for (uint32_t j = 0; j < INPUTS; j++)
        if (rv_stream_uniform (stream, t * INPUTS + j) < 0.3f + 0.2f * (float)(id % 2))
          out->ids[n++] = j;
    }
  out->offsets[STEPS] = n;
  out->label = id % 2;
  out->length = id == 3 ? 4 : 0;
  return TRUE;
}

/* The silhouette of features that the test itself counted, with distances one by one. */
static double
slow_silhouette (const double *x, uint32_t dims, uint32_t classes)
{
  double mean = 0.0;
  for (uint32_t i = 0; i < SAMPLES; i++)
    {
      double sums[4] = { 0 }, counts[4] = { 0 };
      for (uint32_t j = 0; j < SAMPLES; j++)
        {
          double dot = 0.0, a = 0.0, b = 0.0;
          for (uint32_t d = 0; d < dims; d++)
            {
              dot += x[i * dims + d] * x[j * dims + d];
              a += x[i * dims + d] * x[i * dims + d];
              b += x[j * dims + d] * x[j * dims + d];
            }
          sums[j % classes] += i == j ? 0.0 : 1.0 - (a > 0 && b > 0 ? dot / sqrt (a * b) : 0.0);
          counts[j % classes] += i != j;
        }
      const double a = sums[i % 2] / counts[i % 2], b = sums[1 - i % 2] / counts[1 - i % 2];
      mean += (b - a) / MAX (a, b) / SAMPLES;
    }
  return mean;
}

static void
test_features (void)
{
  const RvDatasetSpec spec = { .form = RV_FORM_SPIKES,
                               .samples = SAMPLES,
                               .units = INPUTS,
                               .dims = { INPUTS, 1, 1 },
                               .steps = STEPS,
                               .classes = 2,
                               .split = "test" };
  static const char *const layers[]
      = { "{use: dense, units: 9, weight-scale: 3, neuron: lif}", "{use: dense, units: 2, neuron: lif}" };
  TestWires wires = { .trained = spec, .model = network_new (2, layers, "rate", "cross-entropy", &spec, 1) };
  wires.data[0] = rv_dataset_new (&spec, read_spikes, NULL, NULL);
  for (uint32_t each = 0; each < 2; each++)
    for (uint32_t from = 0; from < 3; from += 2)
      {
        g_autoptr (GError) error = NULL;
        const uint32_t to = from ? 5 : STEPS, dims = each ? (to - from) * INPUTS : INPUTS;
        g_autofree double *x = g_new0 (double, SAMPLES *dims);
        for (uint32_t i = 0; i < SAMPLES; i++)
          {
            g_auto (RvRecording) r = { 0 };
            read_spikes (NULL, 0, i, &r, NULL);
            const uint32_t end = i == 3 ? 4 : to;
            for (uint32_t t = from; t < end; t++)
              for (uint32_t e = r.offsets[t]; e < r.offsets[t + 1]; e++)
                x[i * dims + (each ? (t - from) * INPUTS : 0) + r.ids[e]] += each ? 1.0 : 1.0 / (end - from);
          }
        g_autofree char *text = g_strdup_printf ("{use: analysis/silhouette, model: model, data: data, "
                                                 "layer: input, over-time: %s, from: %u, to: %u}",
                                                 each ? "each-step" : "rate", from, from ? 5 : 0);
        g_autoptr (TestAnalysis) analysis = test_analysis (&wires, text, &error);
        g_assert_no_error (error);
        g_assert_cmpfloat (
            fabs (test_number (test_table (analysis, ""), 0, "silhouette") - slow_silhouette (x, dims, 2)), <,
            1e-6);
      }
  g_autoptr (GError) error = NULL;
  g_autoptr (TestAnalysis) hidden
      = test_analysis (&wires, "{use: analysis/silhouette, model: model, data: data}", &error),
      first
      = test_analysis (&wires, "{use: analysis/silhouette, model: model, data: data, layer: 0}", &error);
  g_assert_no_error (error);
  g_assert_cmpfloat (test_number (test_table (hidden, ""), 0, "silhouette"), ==,
                     test_number (test_table (first, ""), 0, "silhouette"));
  test_analysis_refused (&wires, "{use: analysis/silhouette, model: model, data: data, layer: 2}",
                         "layers 0 to 1|input, hidden or output");
  test_analysis_refused (&wires, "{use: analysis/silhouette, model: model, data: data, from: 6}",
                         "steps from 6 to 6 are none");
  test_analysis_refused (&wires, "{use: analysis/tsne, model: model, data: data, perplexity: 40}",
                         "only 40 samples");
  wires.trained.steps = 7;
  test_analysis_refused (&wires, "{use: analysis/tsne, model: model, data: data}",
                         "7 steps|analysis/resolution");
  rv_model_unref (wires.model);
  rv_dataset_unref (wires.data[0]);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/representation/silhouette", test_silhouette);
  g_test_add_data_func ("/representation/tsne-exact", "exact", test_tsne);
  g_test_add_data_func ("/representation/tsne-barnes-hut", "barnes_hut", test_tsne);
  g_test_add_func ("/representation/divergence", test_divergence);
  g_test_add_data_func ("/representation/gradient-exact", "exact", test_gradient);
  g_test_add_data_func ("/representation/gradient-barnes-hut", "barnes-hut", test_gradient);
  g_test_add_func ("/representation/threads", test_threads);
  g_test_add_func ("/representation/clusters", test_clusters);
  g_test_add_func ("/representation/features", test_features);
  return g_test_run ();
}
