/* Convolutions, normalisations, pools and residual sums against PyTorch: loss and spikes, the gradient of every
 * parameter and of the input, the running statistics, and the loss that they give. What PyTorch found stands in
 * tests/fixtures/pytorch-conv.json, beside the script that wrote it. */
#include "fixture.h"
#include "network.h"
#include <math.h>

#define FIXTURE "pytorch-conv.json"

typedef struct
{
  JsonObject *all, *c; /* the whole file; the case at hand */
  uint32_t steps, units;
  gboolean is_static;
  float *input; /* [steps or 1][samples][units] */
  RvModel *model;
  RvDataset *data;
  RvBatch batch;
} Fixture;

/* What an observer saw: spikes of each layer, and how far dL/dinput is from PyTorch's; there is one tile. */
typedef struct
{
  const Fixture *fixture;
  uint32_t fired[16];
  double worst, largest;
} Seen;

static uint32_t
get_int (JsonObject *object, const char *name)
{
  return (uint32_t)json_object_get_int_member (object, name);
}

static double
element (JsonArray *array, size_t k)
{
  return json_array_get_double_element (array, (guint)k);
}

/* Numbers of a lattice, a letter each. */
static size_t
count_of (JsonObject *drawn)
{
  return strlen (json_object_get_string_member (drawn, "letters"));
}

static float
drawn_at (JsonObject *drawn, size_t k)
{
  const int steps = json_object_get_string_member (drawn, "letters")[k] - 'm';
  return (float)(json_object_get_double_member (drawn, "base")
                 + json_object_get_double_member (drawn, "unit") * steps);
}

static gboolean
read_recording (gconstpointer self, uint64_t epoch, uint32_t id, RvRecording *out, GError **error)
{
  const Fixture *fixture = self;
  const size_t units = fixture->units;
  float *values = fixture->is_static ? rv_recording_set_static (out, fixture->units)
                                     : rv_recording_set_frames (out, fixture->steps, fixture->units);
  out->steps = fixture->steps;
  for (uint32_t t = 0; t < (fixture->is_static ? 1 : fixture->steps); t++)
    memcpy (values + t * units, fixture->input + (t * fixture->batch.n + id) * units, units * sizeof (float));
  out->label = (uint32_t)json_array_get_int_element (json_object_get_array_member (fixture->c, "labels"), id);
  return TRUE;
}

static void
make_data (Fixture *fixture)
{
  JsonArray *dims = json_object_get_array_member (fixture->c, "dims");
  RvDatasetSpec spec
      = { .samples = json_array_get_length (json_object_get_array_member (fixture->c, "labels")),
          .units = 1,
          .steps = get_int (fixture->all, "steps"),
          .classes = get_int (fixture->all, "classes"),
          .split = "train" };
  for (guint k = 0; k < 3; k++)
    spec.units *= spec.dims[k] = (uint32_t)json_array_get_int_element (dims, k);
  fixture->is_static = json_object_get_boolean_member (fixture->c, "static");
  spec.form = fixture->is_static ? RV_FORM_STATIC : RV_FORM_FRAMES;
  fixture->steps = spec.steps;
  fixture->units = spec.units;
  JsonObject *drawn = json_object_get_object_member (fixture->c, "input");
  const size_t n = count_of (drawn);
  g_assert_cmpuint (n, ==, (fixture->is_static ? 1 : spec.steps) * spec.samples * spec.units);
  fixture->input = g_new (float, n);
  for (size_t k = 0; k < n; k++)
    fixture->input[k] = drawn_at (drawn, k);
  fixture->data = rv_dataset_new (&spec, read_recording, fixture, NULL);
  fixture->batch = (RvBatch){ fixture->data, 0, NULL, spec.samples };
}

static void
make_model (Fixture *fixture)
{
  JsonArray *texts = json_object_get_array_member (fixture->c, "layers");
  JsonObject *start = json_object_get_object_member (fixture->c, "start");
  const guint n = json_array_get_length (texts);
  const char *layers[16];
  g_assert_cmpuint (n, <=, G_N_ELEMENTS (layers));
  for (guint k = 0; k < n; k++)
    layers[k] = json_array_get_string_element (texts, k);
  fixture->model
      = network_new (n, layers, "mean-membrane", "cross-entropy", rv_dataset_spec (fixture->data), 1);
  g_assert_cmpuint (json_object_get_size (start), ==, fixture->model->parameters->len);
  for (guint k = 0; k < fixture->model->parameters->len; k++)
    {
      const RvParameter *p = rv_parameter (fixture->model, (RvHandle)k);
      g_assert_true (json_object_has_member (start, p->name));
      JsonObject *drawn = json_object_get_object_member (start, p->name);
      g_assert_cmpuint (count_of (drawn), ==, network_size (p));
      for (uint32_t e = 0; e < network_size (p); e++)
        rv_model_parameters (fixture->model)[network_at (p, e)] = drawn_at (drawn, e);
    }
}

/* How far the gradient of `p` is from PyTorch's, of which it gives each number or sums of every fold-th, by the
 * largest of its numbers. */
static double
deviation (const Fixture *fixture, const RvParameter *p, const float *gradient)
{
  JsonObject *expected
      = json_object_get_object_member (json_object_get_object_member (fixture->c, "gradient"), p->name);
  JsonArray *sums = json_object_get_array_member (expected, "sums");
  const uint32_t fold = get_int (fixture->all, "fold");
  double worst = 0.0;
  g_assert_cmpuint (json_array_get_length (sums), ==, MIN (fold, network_size (p)));
  for (uint32_t k = 0; k < json_array_get_length (sums); k++)
    {
      double sum = 0.0;
      for (uint32_t e = k; e < network_size (p); e += fold)
        sum += gradient[network_at (p, e)];
      worst = fmax (worst, isfinite (sum) ? fabs (sum - element (sums, k)) : INFINITY);
    }
  return worst / json_object_get_double_member (expected, "largest");
}

/* Rows are laid out for tiles that may be larger. */
static uint32_t
spikes_of (const RvSignal *signal, uint32_t samples)
{
  uint32_t spikes = 0;
  for (uint32_t t = 0; signal->offsets && t < signal->steps; t++)
    spikes += signal->offsets[t * signal->samples + samples] - signal->offsets[t * signal->samples];
  return spikes;
}

static void
see (void *self, const RvTileView *view)
{
  Seen *seen = self;
  for (guint k = 0; k < seen->fixture->model->n_layers; k++)
    seen->fired[k] = spikes_of (&view->layers[k], view->samples);
  const RvSignal *g = view->input_gradient;
  if (!g)
    return;
  JsonArray *expected = json_object_get_array_member (seen->fixture->c, "input-gradient");
  g_assert_cmpuint (json_array_get_length (expected), ==, g->steps * view->samples * g->units);
  for (uint32_t t = 0; t < g->steps; t++)
    for (uint32_t s = 0; s < view->samples; s++)
      for (uint32_t k = 0; k < g->units; k++)
        {
          const double x = element (expected, (t * view->samples + s) * g->units + k);
          const double y = g->dense[((size_t)t * g->samples + s) * g->stride + k];
          seen->worst = fmax (seen->worst, isfinite (y) ? fabs (y - x) : INFINITY);
          seen->largest = fmax (seen->largest, fabs (x));
        }
}

/* Spikes of every layer that has neurons, in training [0] or evaluation [1]; blocks within a residual are not seen. */
static void
check_spikes (const Fixture *fixture, const Seen *seen, guint mode)
{
  JsonObject *fired = json_object_get_object_member (fixture->c, "fired");
  guint counted = 0;
  for (guint k = 0; k < fixture->model->n_layers; k++)
    {
      g_autofree char *name = g_strdup_printf ("network.%u", k);
      if (!json_object_has_member (fired, name))
        continue;
      g_assert_cmpint (seen->fired[k], ==,
                       json_array_get_int_element (json_object_get_array_member (fired, name), mode));
      counted++;
    }
  g_assert_cmpuint (counted, >, 0);
}

static void
check_gradient (const Fixture *fixture)
{
  g_autofree float *gradient = g_new (float, rv_model_parameter_count (fixture->model));
  RvScore score;
  g_assert_true (rv_model_gradient (fixture->model, NULL, &fixture->batch, gradient, &score, NULL));
  const double loss = fabs (score.loss - json_object_get_double_member (fixture->c, "loss"));
  g_test_message ("loss off by %g", loss);
  g_assert_cmpfloat (loss, <, 1e-5);
  for (guint k = 0; k < fixture->model->parameters->len; k++)
    {
      const RvParameter *p = rv_parameter (fixture->model, (RvHandle)k);
      if (p->type == RV_PARAMETER_RUNNING)
        continue;
      const double off = deviation (fixture, p, gradient);
      g_test_message ("%s: off by %g of the largest", p->name, off);
      g_assert_cmpfloat (off, <, 1e-4);
    }
}

/* The running statistics after one step, and what they make of the batch. */
static void
check_running (const Fixture *fixture)
{
  JsonObject *running = json_object_get_object_member (fixture->c, "running");
  double worst = 0.0;
  guint found = 0;
  for (guint k = 0; k < fixture->model->parameters->len; k++)
    {
      const RvParameter *p = rv_parameter (fixture->model, (RvHandle)k);
      if (p->type != RV_PARAMETER_RUNNING)
        continue;
      JsonArray *expected = json_object_get_array_member (running, p->name);
      g_assert_cmpuint (json_array_get_length (expected), ==, network_size (p));
      for (uint32_t e = 0; e < network_size (p); e++)
        worst = fmax (worst,
                      fabs (rv_model_parameters (fixture->model)[p->offset + e] - element (expected, e)));
      found++;
    }
  g_assert_cmpuint (found, ==, json_object_get_size (running));
  g_test_message ("running statistics off by %g", worst);
  g_assert_cmpfloat (worst, <, 1e-5);
  rv_model_set_training (fixture->model, FALSE);
}

static void
test_case (gconstpointer user)
{
  g_autoptr (JsonParser) parser = json_parser_new ();
  Fixture fixture = { .all = fixture_load (parser, FIXTURE) };
  RvScore score;
  fixture.c = json_array_get_object_element (json_object_get_array_member (fixture.all, "cases"),
                                             GPOINTER_TO_UINT (user));
  make_data (&fixture);
  make_model (&fixture);
  Seen seen = { .fixture = &fixture };
  const RvObserver observer = { see, &seen };
  rv_model_set_training (fixture.model, TRUE);
  check_gradient (&fixture);
  if (json_object_has_member (fixture.c, "running"))
    check_running (&fixture);
  else
    {
      g_assert_true (
          rv_model_input_gradient (fixture.model, NULL, &fixture.batch, NULL, &observer, NULL, NULL));
      g_test_message ("dL/dinput off by %g of the largest", seen.worst / seen.largest);
      g_assert_cmpfloat (seen.worst, <, 1e-4 * seen.largest);
    }
  g_assert_true (rv_model_evaluate (fixture.model, NULL, &fixture.batch, &observer, &score, NULL));
  const char *after = json_object_has_member (fixture.c, "loss-after") ? "loss-after" : "loss";
  g_test_message ("loss of the evaluation off by %g",
                  fabs (score.loss - json_object_get_double_member (fixture.c, after)));
  check_spikes (&fixture, &seen, 1);
  g_assert_cmpfloat (fabs (score.loss - json_object_get_double_member (fixture.c, after)), <, 1e-5);
  rv_model_unref (fixture.model);
  rv_dataset_unref (fixture.data);
  g_free (fixture.input);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_autoptr (JsonParser) parser = json_parser_new ();
  JsonArray *cases = json_object_get_array_member (fixture_load (parser, FIXTURE), "cases");
  for (guint k = 0; k < json_array_get_length (cases); k++)
    {
      const char *name = json_object_get_string_member (json_array_get_object_element (cases, k), "name");
      g_autofree char *path = g_strconcat ("/conv/", name, NULL);
      g_test_add_data_func (path, GUINT_TO_POINTER (k), test_case);
    }
  return g_test_run ();
}
