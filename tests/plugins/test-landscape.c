/* analysis/loss-landscape: against what NumPy found (tests/fixtures/landscape.py) for the same weights, data
 * and seed; eigenvalues against a dense Hessian by finite differences; and what must hold whatever the
 * numbers. */
#include "base/threads.h"
#include "fixture.h"
#include "pipeline/document.h"
#include "pipeline/graph-private.h"
#include <math.h>
#include <ranvier/ranvier.h>
#include <string.h>

#define STEPS 10
#define INPUTS 8
#define SAMPLES 40

/* A pipeline whose data and weights are those of the fixture. */
typedef struct
{
  JsonParser *parser;
  JsonObject *fixture;
  RvDocument *document;
  RvGraph *graph;
  RvNode *scape; /* NULL: refused */
  RvDataset *data;
  RvModel *model;
  GError *error;
} Scape;

static const char pipeline[]
    = "nodes:\n"
      "  data: {use: dataset/delayed-xor, split: test, samples: 40, channels: 8, pattern: 3, gap: 4}\n"
      "  fit:\n"
      "    use: trainer/bptt\n"
      "    data: data\n"
      "    network:\n"
      "      - %s\n"
      "      - {use: dense, units: 2, neuron: {use: leaky-integrator, leak: 0.8}}\n"
      "    decoder: last-step\n"
      "    epochs: 0\n"
      "  scape: {use: analysis/loss-landscape, model: fit.last, data: data, seed: 5%s}\n";

static gboolean
read_recording (gconstpointer self, uint64_t epoch, uint32_t id, RvRecording *out, GError **error)
{
  JsonObject *fixture = (JsonObject *)self;
  JsonArray *rows = json_array_get_array_element (json_object_get_array_member (fixture, "spikes"), id);
  uint32_t n = 0;
  rv_recording_set_spikes (out, STEPS, INPUTS, STEPS * INPUTS);
  for (uint32_t t = 0; t < STEPS; t++)
    {
      const char *row = json_array_get_string_element (rows, t);
      out->offsets[t] = n;
      for (uint32_t k = 0; k < INPUTS; k++)
        if (row[k] == '1')
          out->ids[n++] = k;
    }
  out->offsets[STEPS] = n;
  out->label = (uint32_t)json_array_get_int_element (json_object_get_array_member (fixture, "labels"), id);
  return TRUE;
}

static void
put_weights (const Scape *s, double factor)
{
  JsonObject *weights = json_object_get_object_member (s->fixture, "model");
  for (uint32_t k = 0; k < rv_model_tensors (s->model); k++)
    {
      RvModelTensor tensor;
      rv_model_describe_tensor (s->model, k, &tensor);
      if (tensor.role == RV_ROLE_NEURON)
        continue;
      JsonArray *numbers = json_object_get_array_member (weights, tensor.name);
      g_assert_cmpuint (json_array_get_length (numbers), ==, tensor.rows * tensor.columns);
      g_autofree float *values = g_new (float, (size_t)tensor.rows *tensor.columns);
      for (uint32_t l = 0; l < tensor.rows * tensor.columns; l++)
        values[l] = (float)(factor * json_array_get_double_element (numbers, l));
      rv_model_put_tensor (s->model, k, values, rv_model_parameters (s->model));
    }
}

/* Checks and runs it; weights are those of the fixture times `factor`; 0: as a training begins. */
static Scape
run_network (const char *layer, const char *options, double factor)
{
  Scape s = { .parser = json_parser_new () };
  g_autofree char *text = g_strdup_printf (pipeline, layer, options);
  g_autoptr (RvMistakes) mistakes = rv_mistakes_new ();
  const RvGraphOptions how = { .quiet = TRUE };
  s.fixture = fixture_load (s.parser, "landscape.json");
  s.document = rv_document_parse (text, strlen (text), "test.yaml", NULL, mistakes);
  s.graph = s.document ? rv_graph_new (s.document, &how, mistakes) : NULL;
  rv_mistakes_raise (mistakes, &s.error);
  for (guint k = 0; !s.error && k < s.graph->nodes->len; k++)
    {
      RvNode *node = s.graph->nodes->pdata[k];
      g_assert_true (node->class->run (node->instance->self, node, &s.error));
      if (g_str_equal (node->name, "data"))
        {
          RvPortValue *value = rv_node_output (node, "");
          s.data = rv_dataset_new (rv_dataset_spec (value->artefact), read_recording, s.fixture, NULL);
          rv_dataset_unref (value->artefact);
          value->artefact = rv_dataset_ref (s.data);
        }
      else if (g_str_equal (node->name, "fit"))
        {
          s.model = rv_node_output (node, "last")->artefact;
          if (factor > 0.0)
            put_weights (&s, factor);
        }
      else
        s.scape = node;
    }
  return s;
}

static Scape
run (const char *leak, const char *surrogate, const char *options, double factor)
{
  g_autofree char *layer = g_strdup_printf (
      "{use: dense, units: 7, recurrent: yes, neuron: {use: lif, threshold: 0.4, leak: %s, surrogate: %s}}",
      leak, surrogate);
  return run_network (layer, options, factor);
}

static void
clear (Scape *s)
{
  g_clear_pointer (&s->data, rv_dataset_unref);
  g_clear_pointer (&s->graph, rv_graph_free);
  g_clear_pointer (&s->document, rv_document_free);
  g_clear_error (&s->error);
  g_object_unref (s->parser);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Scape, clear)

static RvTable *
table_of (const Scape *s, const char *output)
{
  return rv_node_output (s->scape, output)->artefact;
}

static double
cell (const RvTable *table, uint32_t row, const char *column)
{
  const int c = rv_table_find_column (table, column);
  if (c < 0)
    g_error ("no column %s", column);
  return rv_table_get_real (table, row, (uint32_t)c);
}

/* ---- what NumPy found */

#define GRID ", points: 3, directions: 3, rises: [0.5]"

/* Loss and accuracy in rows of a table, as [[loss, accuracy], ...] has them. */
static void
compare_points (const RvTable *table, JsonArray *expected)
{
  g_assert_cmpuint (rv_table_rows (table), ==, json_array_get_length (expected));
  for (uint32_t k = 0; k < rv_table_rows (table); k++)
    {
      JsonArray *pair = json_array_get_array_element (expected, k);
      g_assert_cmpfloat_with_epsilon (cell (table, k, "loss"), json_array_get_double_element (pair, 0), 1e-5);
      g_assert_cmpfloat_with_epsilon (cell (table, k, "accuracy"), json_array_get_double_element (pair, 1),
                                      1e-9);
    }
}

static void
test_numpy (void)
{
  g_auto (Scape) s = run ("0.7", "rectangle", GRID, 1.0);
  g_assert_no_error (s.error);
  const RvTable *grid = table_of (&s, "table"), *directions = table_of (&s, "directions");
  compare_points (grid, json_object_get_array_member (s.fixture, "grid"));
  compare_points (table_of (&s, "rises"), json_object_get_array_member (s.fixture, "rises"));
  for (uint32_t k = 0; k < 9; k++)
    {
      g_assert_cmpfloat (cell (grid, k, "x"), ==, (double)(k % 3) - 1.0);
      g_assert_cmpfloat (cell (grid, k, "y"), ==, (double)(k / 3) - 1.0);
      g_assert_cmpfloat_with_epsilon (cell (grid, k, "log loss"), log (cell (grid, k, "loss") + 0.1), 1e-12);
    }
  uint32_t columns, rows;
  const double *z;
  g_assert_true (
      rv_figure_get_grid (rv_node_output (s.scape, "surface")->artefact, &columns, &rows, NULL, NULL, &z));
  g_assert_cmpuint (columns, ==, 3);
  g_assert_cmpuint (rows, ==, 3);
  for (uint32_t k = 0; k < 9; k++)
    g_assert_cmpfloat (z[k], ==, cell (grid, k, "log loss"));
  /* weights are as long as in the model, biases are left alone */
  g_assert_cmpuint (rv_table_rows (directions), ==, 6);
  for (uint32_t k = 0; k < 5; k++)
    {
      const gboolean bias = k == 1 || k == 4;
      g_assert_cmpfloat_with_epsilon (cell (directions, k, "norm of x"),
                                      bias ? 0.0 : cell (directions, k, "norm"), 1e-6);
      g_assert_cmpfloat_with_epsilon (cell (directions, k, "norm of y"), cell (directions, k, "norm of x"),
                                      1e-6);
    }
  g_assert_cmpfloat_with_epsilon (cell (directions, 5, "cosine"),
                                  json_object_get_double_member (s.fixture, "cosine"), 1e-6);
}

/* ---- what follows from the points */

/* The centre is the model's own loss; rise, interval and share are those of the points. */
static void
test_summary (void)
{
  g_auto (Scape) s = run ("0.7", "rectangle", GRID, 1.0);
  g_autoptr (GError) error = NULL;
  g_assert_no_error (s.error);
  const RvTable *summary = table_of (&s, "summary"), *grid = table_of (&s, ""),
                *rises = table_of (&s, "rises");
  const RvBatch all = { s.data, 0, NULL, SAMPLES };
  RvScore own;
  g_assert_true (rv_model_evaluate (s.model, NULL, &all, NULL, &own, &error));
  g_assert_cmpfloat (cell (summary, 0, "loss"), ==, own.loss);
  g_assert_cmpfloat (cell (grid, 4, "loss"), ==, own.loss);
  double low = INFINITY, within = 0.0;
  for (uint32_t k = 0; k < 9; k++)
    low = fmin (low, cell (grid, k, "loss"));
  for (uint32_t k = 0; k < 9; k++)
    within += cell (grid, k, "loss") <= low + 0.5;
  g_assert_cmpfloat (cell (summary, 0, "lowest loss"), ==, low);
  g_assert_cmpfloat_with_epsilon (cell (summary, 0, "share within 0.5"), 100.0 * within / 9.0, 1e-9);
  static const char *const names[] = { "rise at 0.5", "rise at 1" };
  for (uint32_t r = 0; r < 2; r++)
    {
      double mean = 0.0, squares = 0.0;
      for (uint32_t d = 0; d < 3; d++)
        mean += (cell (rises, 2 * d + r, "loss") - own.loss) / 3.0;
      for (uint32_t d = 0; d < 3; d++)
        squares += pow (cell (rises, 2 * d + r, "rise") - mean, 2.0);
      /* Student's t for 2 degrees of freedom, from a table: 4.302653 */
      const double half = 4.302653 * sqrt (squares / 2.0) / sqrt (3.0);
      g_autofree char *lower = g_strconcat (names[r], " low", NULL),
                      *upper = g_strconcat (names[r], " high", NULL);
      g_assert_cmpfloat_with_epsilon (cell (summary, 0, names[r]), mean, 1e-9);
      g_assert_cmpfloat_with_epsilon (cell (summary, 0, lower), mean - half, 1e-5);
      g_assert_cmpfloat_with_epsilon (cell (summary, 0, upper), mean + half, 1e-5);
    }
}

/* The half interval over n directions is t sd / sqrt (n), for an odd and an even number of degrees of
 * freedom. */
static void
test_interval (void)
{
  static const struct
  {
    uint32_t n;
    double t; /* from tables */
  } cases[] = { { 2, 12.706205 }, { 4, 3.182446 }, { 21, 2.085963 }, { 20, 2.093024 } };
  for (guint c = 0; c < G_N_ELEMENTS (cases); c++)
    {
      const uint32_t n = cases[c].n;
      g_autofree char *options
          = g_strdup_printf (", points: 2, dimensions: 1, samples: 7, radii: [1], directions: %u", n);
      g_auto (Scape) s = run ("0.7", "rectangle", options, 1.0);
      g_assert_no_error (s.error);
      const RvTable *rises = table_of (&s, "rises"), *summary = table_of (&s, "summary");
      double mean = 0.0, squares = 0.0;
      for (uint32_t d = 0; d < n; d++)
        mean += cell (rises, d, "rise") / n;
      for (uint32_t d = 0; d < n; d++)
        squares += pow (cell (rises, d, "rise") - mean, 2.0);
      const double half = cases[c].t * sqrt (squares / (n - 1)) / sqrt (n);
      g_assert_cmpfloat_with_epsilon (cell (summary, 0, "rise at 1 high") - cell (summary, 0, "rise at 1"),
                                      half, 1e-6 * half);
    }
}

/* A line is the row y = 0 of the square, with the same bits; samples and threads change nothing. */
static void
test_line (void)
{
  g_auto (Scape) square = run ("0.7", "rectangle", ", points: 5, points-y: 3, directions: 0", 1.0);
  g_auto (Scape) line = run ("0.7", "rectangle", ", points: 5, dimensions: 1, samples: 40", 1.0);
  g_assert_no_error (square.error);
  g_assert_no_error (line.error);
  for (uint32_t k = 0; k < 5; k++)
    g_assert_cmpfloat (cell (table_of (&line, ""), k, "loss"), ==,
                       cell (table_of (&square, ""), 5 + k, "loss"));
  g_assert_cmpint (rv_table_find_column (table_of (&square, "summary"), "rise at 1"), <, 0);
}

static void
test_threads (void)
{
  static const char *const outputs[] = { "table", "summary", "rises", "eigenvalues" };
  char *first[G_N_ELEMENTS (outputs)] = { NULL };
  for (uint32_t threads = 1; threads < 4; threads++)
    {
      rv_threads_set (threads);
      g_auto (Scape) s = run ("learned", "sigmoid", GRID ", samples: 33, eigenvalues: 2, iterations: 5", 1.0);
      g_assert_no_error (s.error);
      for (guint k = 0; k < G_N_ELEMENTS (outputs); k++)
        {
          g_autofree char *csv = rv_table_to_csv (table_of (&s, outputs[k]));
          if (threads > 1)
            g_assert_cmpstr (csv, ==, first[k]);
          else
            first[k] = g_steal_pointer (&csv);
        }
    }
  rv_threads_set (0);
  for (guint k = 0; k < G_N_ELEMENTS (outputs); k++)
    g_free (first[k]);
}

/* ---- directions */

/* Models of one family: other weights, a tensor more. Raw directions are the same, and filters scale them. */
static void
test_family (void)
{
#define RAW ", points: 2, directions: 0, normalise: none"
  g_auto (Scape) one = run ("0.7", "rectangle", RAW, 1.0);
  g_auto (Scape) other = run ("learned", "rectangle", RAW, 3.0);
  g_auto (Scape) moved
      = run ("learned", "rectangle", ", points: 2, directions: 0, biases: yes, neuron-parameters: yes", 3.0);
  g_assert_no_error (one.error);
  g_assert_no_error (other.error);
  g_assert_no_error (moved.error);
  const RvTable *a = table_of (&one, "directions"), *b = table_of (&other, "directions"),
                *c = table_of (&moved, "directions");
  uint32_t same = 0;
  for (uint32_t k = 0; k + 1 < rv_table_rows (a); k++)
    for (uint32_t l = 0; l + 1 < rv_table_rows (b); l++)
      {
        g_autofree char *name = rv_table_get_text (a, k, 0), *its = rv_table_get_text (b, l, 0);
        if (strcmp (name, its) != 0)
          continue;
        same++;
        g_assert_cmpfloat_with_epsilon (3.0 * cell (a, k, "norm"), cell (b, l, "norm"), 1e-5);
        g_assert_cmpfloat (cell (a, k, "norm of x"), ==, cell (b, l, "norm of x"));
        g_assert_cmpfloat (cell (a, k, "norm of y"), ==, cell (b, l, "norm of y"));
        if (cell (a, k, "norm of x") > 0.0)
          g_assert_cmpfloat (cell (a, k, "cosine"), ==, cell (b, l, "cosine"));
        /* chi: the mean square of n draws is 1 +- sqrt (2 / n) */
        const double n = cell (a, k, "rows") * cell (a, k, "columns"),
                     square = pow (cell (a, k, "norm of x"), 2.0) / n;
        if (cell (a, k, "norm of x") > 0.0)
          g_assert_cmpfloat (fabs (square - 1.0), <, 4.0 * sqrt (2.0 / n));
      }
  g_assert_cmpuint (same, ==, 5);
  for (uint32_t l = 0; l < rv_table_rows (c); l++)
    g_assert_cmpfloat_with_epsilon (cell (c, l, "norm of x"), cell (c, l, "norm"), 1e-5);
}

/* ---- eigenvalues */

/* How many eigenvalues of symmetric h [n][n] are below `limit`: negative pivots of h - limit (Sylvester). */
static uint32_t
below (uint32_t n, const double *h, double limit)
{
  g_autofree double *a = g_memdup2 (h, sizeof (double) * n * n);
  uint32_t count = 0;
  for (uint32_t k = 0; k < n; k++)
    a[k * n + k] -= limit;
  for (uint32_t k = 0; k < n; k++)
    {
      const double pivot = a[k * n + k];
      count += pivot < 0.0;
      for (uint32_t i = k + 1; i < n; i++)
        for (uint32_t j = k + 1; j < n; j++)
          a[i * n + j] -= a[i * n + k] * a[k * n + j] / pivot;
    }
  return count;
}

/* Eigenvalue number k from below, by bisection. */
static double
eigenvalue (uint32_t n, const double *h, uint32_t k)
{
  double low = -1e3, high = 1e3;
  for (int round = 0; round < 40; round++)
    {
      const double middle = 0.5 * (low + high);
      if (below (n, h, middle) > k)
        high = middle;
      else
        low = middle;
    }
  return low;
}

/* h [n][n] of the relaxed network, column by column. The caller frees it. */
static double *
dense_hessian (const Scape *s, uint32_t *n)
{
  g_autoptr (RvModel) relaxed = rv_model_copy (s->model);
  g_autoptr (GError) error = NULL;
  const RvBatch all = { s->data, 0, NULL, SAMPLES };
  const size_t count = rv_model_parameter_count (relaxed);
  g_autofree float *own = g_memdup2 (rv_model_parameters (relaxed), count * sizeof (float));
  g_autofree float *mask = g_new0 (float, count), *w = g_new (float, count);
  g_autofree float *lower = g_new (float, count), *upper = g_new (float, count);
  rv_model_set_relaxed (relaxed, TRUE);
  for (uint32_t k = 0; k < rv_model_tensors (relaxed); k++)
    {
      RvModelTensor tensor;
      rv_model_describe_tensor (relaxed, k, &tensor);
      g_autofree float *ones = g_new (float, (size_t)tensor.rows *tensor.columns);
      for (uint32_t l = 0; l < tensor.rows * tensor.columns; l++)
        ones[l] = 1.0f;
      rv_model_put_tensor (relaxed, k, ones, mask); /* where there is no padding */
    }
  g_autofree uint32_t *at = g_new (uint32_t, count);
  *n = 0;
  for (uint32_t k = 0; k < count; k++)
    if (mask[k] > 0.0f)
      at[(*n)++] = k;
  double *h = g_new (double, (size_t)*n **n);
  const float e = 2e-3f;
  for (uint32_t j = 0; j < *n; j++)
    {
      memcpy (w, own, count * sizeof (float));
      w[at[j]] = own[at[j]] - e;
      g_assert_true (rv_model_gradient (relaxed, w, &all, lower, NULL, &error));
      w[at[j]] = own[at[j]] + e;
      g_assert_true (rv_model_gradient (relaxed, w, &all, upper, NULL, &error));
      for (uint32_t i = 0; i < *n; i++)
        h[(size_t)i * *n + j] = ((double)upper[at[i]] - lower[at[i]]) / (2.0 * e);
    }
  for (uint32_t i = 0; i < *n; i++)
    for (uint32_t j = 0; j < i; j++)
      h[i * *n + j] = h[j * *n + i] = 0.5 * (h[i * *n + j] + h[j * *n + i]);
  return h;
}

static void
compare_eigenvalues (const Scape *s, uint32_t parameters)
{
  const RvTable *table = table_of (s, "eigenvalues");
  uint32_t n;
  g_autofree double *h = dense_hessian (s, &n);
  g_assert_cmpuint (n, ==, parameters);
  g_assert_cmpuint (rv_table_rows (table), ==, 4);
  const double largest = eigenvalue (n, h, n - 1);
  for (uint32_t k = 0; k < 4; k++)
    {
      const double expected = eigenvalue (n, h, k < 3 ? n - 1 - k : 0), found = cell (table, k, "eigenvalue");
      g_test_message ("eigenvalue %u: %.6g, dense %.6g, error %.2g", k, found, expected,
                      cell (table, k, "error"));
      g_assert_cmpfloat (fabs (found - expected), <, 2.0 * cell (table, k, "error") + 1e-4 * largest);
      g_assert_cmpfloat (cell (table, k, "error"), <, 5e-3 * largest);
    }
  g_assert_cmpfloat (cell (table_of (s, "summary"), 0, "relaxed eigenvalue"), ==,
                     cell (table, 0, "eigenvalue"));
  g_assert_nonnull (strstr (rv_table_notes (table)[0], "relaxed"));
}

#define EIGENVALUES ", points: 2, directions: 0, eigenvalues: 3, iterations: 60"

static void
test_eigenvalues (void)
{
  g_auto (Scape) s = run ("0.7", "sigmoid", EIGENVALUES, 1.0);
  g_assert_no_error (s.error);
  compare_eigenvalues (&s, 7 * 8 + 7 + 7 * 7 + 2 * 7 + 2);
}

/* A network without spikes: a filter is the row of weights into a gate; the relaxed network is itself. */
static void
test_lstm (void)
{
  static const struct
  {
    const char *name;
    double rows, columns;
  } expected[] = { { "network.0.weight", 20, 8 },    { "network.0.bias", 20, 1 },
                   { "network.0.recurrent", 20, 5 }, { "network.0.recurrent-bias", 20, 1 },
                   { "network.1.weight", 2, 5 },     { "network.1.bias", 2, 1 } };
  g_auto (Scape) s = run_network ("{use: lstm, units: 5}", EIGENVALUES, 0.0);
  g_assert_no_error (s.error);
  const RvTable *directions = table_of (&s, "directions");
  g_assert_cmpuint (rv_table_rows (directions), ==, G_N_ELEMENTS (expected) + 1);
  for (uint32_t k = 0; k < G_N_ELEMENTS (expected); k++)
    {
      const double length = expected[k].columns > 1 ? cell (directions, k, "norm") : 0.0;
      g_autofree char *name = rv_table_get_text (directions, k, 0);
      g_assert_cmpstr (name, ==, expected[k].name);
      g_assert_cmpfloat (cell (directions, k, "rows"), ==, expected[k].rows);
      g_assert_cmpfloat (cell (directions, k, "columns"), ==, expected[k].columns);
      g_assert_cmpfloat_with_epsilon (cell (directions, k, "norm of x"), length, 1e-6);
    }
  compare_eigenvalues (&s, 20 * 8 + 20 * 5 + 2 * 20 + 2 * 5 + 2);
}

/* ---- mistakes */

static void
test_mistakes (void)
{
  static const char *const cases[][2] = { { ", range: [1, -1]", "'range'" },
                                          { ", points: 1", "'points'" },
                                          { ", dimensions: 1, points: 1", "'points'" },
                                          { ", points: 3, points-y: 1", "'points-y'" },
                                          { ", eigenvalues: 30", "'iterations'" } };
  for (guint k = 0; k < G_N_ELEMENTS (cases); k++)
    {
      g_auto (Scape) s = run ("0.7", "rectangle", cases[k][0], 1.0);
      g_assert_nonnull (s.error);
      g_test_message ("%s", s.error->message);
      g_assert_nonnull (strstr (s.error->message, cases[k][1]));
    }
}

/* A network with batch normalisation: its running statistics are measured, not learned, and stay where they are; its
 * gains are 1-D, as biases are. */
static void
test_normalised (void)
{
  static const struct
  {
    const char *options;
    gboolean gains;
  } cases[] = { { GRID ", eigenvalues: 2", FALSE }, { GRID ", biases: yes", TRUE } };
  for (guint k = 0; k < G_N_ELEMENTS (cases); k++)
    {
      g_auto (Scape) s
          = run_network ("{use: conv2d, channels: 6, kernel: 1, bias: no}\n"
                         "      - batch-norm\n"
                         "      - {use: neurons, neuron: {use: lif, threshold: 0.4, surrogate: arctan}}",
                         cases[k].options, 0.0);
      g_assert_no_error (s.error);
      const RvTable *directions = table_of (&s, "directions");
      guint seen = 0;
      for (uint32_t row = 0; row < rv_table_rows (directions); row++)
        {
          const int column = rv_table_find_column (directions, "tensor");
          g_assert_cmpint (column, >=, 0);
          g_autofree char *tensor = rv_table_get_text (directions, row, (uint32_t)column);
          const gboolean running = strstr (tensor, "running") != NULL,
                         gain = g_str_has_suffix (tensor, "1.weight");
          seen += running + gain;
          if (running || gain)
            g_assert_true ((cell (directions, row, "norm of x") > 0.0) == (gain && cases[k].gains));
        }
      g_assert_cmpuint (seen, ==, 3);
      for (uint32_t row = 0; row < rv_table_rows (table_of (&s, "table")); row++)
        g_assert_true (isfinite (cell (table_of (&s, "table"), row, "loss")));
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/landscape/numpy", test_numpy);
  g_test_add_func ("/landscape/summary", test_summary);
  g_test_add_func ("/landscape/interval", test_interval);
  g_test_add_func ("/landscape/line", test_line);
  g_test_add_func ("/landscape/threads", test_threads);
  g_test_add_func ("/landscape/family", test_family);
  g_test_add_func ("/landscape/eigenvalues", test_eigenvalues);
  g_test_add_func ("/landscape/lstm", test_lstm);
  g_test_add_func ("/landscape/mistakes", test_mistakes);
  g_test_add_func ("/landscape/normalised", test_normalised);
  return g_test_run ();
}
