/* Recurrent networks against PyTorch, spiking ones and RNN, LSTM and GRU: loss, spikes, the gradient of every
 * parameter, and the parameters after steps of Adam. What PyTorch found stands in tests/fixtures/pytorch-*.json,
 * beside the scripts that wrote it. */
#include "fixture.h"
#include "network.h"
#include <math.h>

typedef struct
{
  JsonObject *all, *c; /* the whole file; the case at hand */
  RvModel *model;
  RvDataset *data;
  RvBatch batch;
} Fixture;

static uint32_t
get_int (JsonObject *object, const char *name)
{
  return (uint32_t)json_object_get_int_member (object, name);
}

/* "010011" is one step: which inputs fired. */
static gboolean
read_recording (gconstpointer self, uint64_t epoch, uint32_t id, RvRecording *out, GError **error)
{
  const Fixture *fixture = self;
  const uint32_t steps = get_int (fixture->all, "steps"), units = get_int (fixture->all, "inputs");
  JsonArray *rows = json_array_get_array_element (json_object_get_array_member (fixture->c, "spikes"), id);
  rv_recording_set_spikes (out, steps, units, (size_t)steps * units);
  uint32_t n = 0;
  for (uint32_t t = 0; t < steps; t++)
    {
      const char *row = json_array_get_string_element (rows, t);
      out->offsets[t] = n;
      for (uint32_t j = 0; j < units; j++)
        if (row[j] == '1')
          out->ids[n++] = j;
    }
  out->offsets[steps] = n;
  out->label = (uint32_t)json_array_get_int_element (json_object_get_array_member (fixture->c, "labels"), id);
  return TRUE;
}

/* A spiking network, as the case describes it. */
static RvModel *
make_spiking (const Fixture *fixture, const RvDatasetSpec *spec)
{
  JsonObject *c = fixture->c;
  const double leak_rate = json_object_get_double_member (c, "leak-rate");
  const char *decoder = json_object_get_string_member (c, "decoder");
  g_autofree char *hidden = g_strdup_printf (
      "{use: dense, units: %u, recurrent: yes, neuron: {use: lif, reset: %s, detach-reset: %s, threshold: "
      "%g, "
      "input-gain: one-minus-leak, leak: {learned: per-neuron, initial: 0.5, rate: %g}, "
      "surrogate: {use: multi-gaussian, width: %g}}}",
      get_int (fixture->all, "units"), json_object_get_string_member (c, "reset"),
      json_object_get_boolean_member (c, "detach-reset") ? "yes" : "no",
      json_object_get_double_member (c, "threshold"), leak_rate, json_object_get_double_member (c, "width"));
  g_autofree char *readout = g_strdup_printf (
      "{use: dense, units: %u, neuron: {use: leaky-integrator, input-gain: one-minus-leak, "
      "leak: {learned: per-neuron, initial: 0.5, rate: %g}}}",
      spec->classes, leak_rate);
  g_autofree char *loss
      = g_strdup_printf ("{use: cross-entropy, softmax: %s}", get_int (c, "softmax") == 2 ? "twice" : "once");
  const char *const layers[] = { hidden, readout };
  return network_new (2, layers, g_str_equal (decoder, "each-step") ? "{use: each-step, from: 2}" : decoder,
                      loss, spec, 1);
}

static void
make_model (Fixture *fixture)
{
  JsonObject *c = fixture->c;
  const uint32_t batch = json_array_get_length (json_object_get_array_member (c, "labels"));
  const RvDatasetSpec spec = { .form = RV_FORM_SPIKES,
                               .samples = batch,
                               .units = get_int (fixture->all, "inputs"),
                               .dims = { get_int (fixture->all, "inputs"), 1, 1 },
                               .steps = get_int (fixture->all, "steps"),
                               .classes = get_int (fixture->all, "classes"),
                               .split = "train" };
  fixture->data = rv_dataset_new (&spec, read_recording, fixture, NULL);
  fixture->batch = (RvBatch){ fixture->data, 0, NULL, batch };
  if (!json_object_has_member (c, "layers"))
    {
      fixture->model = make_spiking (fixture, &spec);
      return;
    }
  JsonArray *texts = json_object_get_array_member (c, "layers");
  const char *layers[8];
  for (guint k = 0; k < json_array_get_length (texts); k++)
    layers[k] = json_array_get_string_element (texts, k);
  fixture->model = network_new (json_array_get_length (texts), layers,
                                json_object_get_string_member (c, "decoder"), "cross-entropy", &spec, 1);
}

static JsonArray *
numbers_of (JsonObject *numbers, const RvParameter *p)
{
  JsonArray *array = json_object_get_array_member (numbers, p->name);
  g_assert_nonnull (array);
  g_assert_cmpuint (json_array_get_length (array), ==, network_size (p));
  return array;
}

static void
set_parameters (Fixture *fixture)
{
  RvModel *model = fixture->model;
  JsonObject *start = json_object_get_object_member (fixture->c, "start");
  float *values = rv_model_parameters (model);
  g_assert_cmpuint (json_object_get_size (start), ==, model->parameters->len);
  for (uint32_t k = 0; k < model->parameters->len; k++)
    {
      const RvParameter *p = rv_parameter (model, (RvHandle)k);
      JsonArray *numbers = numbers_of (start, p);
      for (uint32_t e = 0; e < network_size (p); e++)
        values[network_at (p, e)] = (float)json_array_get_double_element (numbers, e);
    }
}

/* Largest deviation from `expected`, of each parameter's largest number if `relative`. */
static double
deviation (const Fixture *fixture, const float *found, JsonObject *expected, gboolean relative)
{
  double all = 0.0;
  for (uint32_t k = 0; k < fixture->model->parameters->len; k++)
    {
      const RvParameter *p = rv_parameter (fixture->model, (RvHandle)k);
      JsonArray *numbers = numbers_of (expected, p);
      double largest = 0.0, worst = 0.0;
      for (uint32_t e = 0; e < network_size (p); e++)
        {
          const double x = json_array_get_double_element (numbers, e), y = found[network_at (p, e)];
          worst = fmax (worst, isfinite (y) ? fabs (y - x) : INFINITY);
          largest = fmax (largest, fabs (x));
        }
      all = fmax (all, relative ? worst / largest : worst);
    }
  return all;
}

/* Spikes of the hidden layer; there is one tile. */
static void
count_spikes (void *self, const RvTileView *view)
{
  const RvSignal *hidden = &view->layers[0];
  for (uint32_t t = 0; t < hidden->steps; t++)
    *(uint32_t *)self
        += hidden->offsets[t * hidden->samples + view->samples] - hidden->offsets[t * hidden->samples];
}

static const char *const files[] = { "pytorch-recurrent.json", "pytorch-gated.json" };

/* `user`: a hundred times the file, and the case in it. */
static void
test_case (gconstpointer user)
{
  g_autoptr (JsonParser) parser = json_parser_new ();
  Fixture fixture = { .all = fixture_load (parser, files[GPOINTER_TO_UINT (user) / 100]) };
  fixture.c = json_array_get_object_element (json_object_get_array_member (fixture.all, "cases"),
                                             GPOINTER_TO_UINT (user) % 100);
  make_model (&fixture);
  set_parameters (&fixture);
  g_autofree char *adam
      = g_strdup_printf ("{use: adam, rate: %g}", json_object_get_double_member (fixture.c, "rate"));
  g_autoptr (RvInstance) optimizer = network_instance ("optimizer", adam, "optimizer");
  g_autoptr (RvUpdater) updater = rv_updater_new (fixture.model, optimizer);
  g_autofree float *gradient = g_new (float, rv_model_parameter_count (fixture.model));
  JsonArray *after = json_object_get_array_member (fixture.c, "after");
  uint32_t fired = 0;
  const RvObserver observer = { count_spikes, &fired };
  if (json_object_has_member (fixture.c, "fired"))
    {
      g_assert_true (rv_model_evaluate (fixture.model, NULL, &fixture.batch, &observer, NULL, NULL));
      g_assert_cmpuint (fired, ==, get_int (fixture.c, "fired"));
    }
  for (uint32_t step = 0; step < json_array_get_length (after); step++)
    {
      RvScore score;
      g_assert_true (rv_model_gradient (fixture.model, NULL, &fixture.batch, gradient, &score, NULL));
      if (step == 0)
        {
          const double loss = fabs (score.loss - json_object_get_double_member (fixture.c, "loss"));
          const double off
              = deviation (&fixture, gradient, json_object_get_object_member (fixture.c, "gradient"), TRUE);
          g_test_message ("loss off by %g, gradient by %g of the largest", loss, off);
          g_assert_cmpfloat (loss, <, 1e-5);
          g_assert_cmpfloat (off, <, 1e-4);
        }
      rv_updater_step (updater, fixture.model, gradient, 1.0);
      const double off = deviation (&fixture, rv_model_parameters (fixture.model),
                                    json_array_get_object_element (after, step), FALSE);
      g_test_message ("step %u: parameters off by %g", step + 1, off);
      g_assert_cmpfloat (off, <, 1e-5);
    }
  rv_model_unref (fixture.model);
  rv_dataset_unref (fixture.data);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (guint f = 0; f < G_N_ELEMENTS (files); f++)
    {
      g_autoptr (JsonParser) parser = json_parser_new ();
      JsonArray *cases = json_object_get_array_member (fixture_load (parser, files[f]), "cases");
      for (guint k = 0; k < json_array_get_length (cases); k++)
        {
          const char *name = json_object_get_string_member (json_array_get_object_element (cases, k), "name");
          g_autofree char *path = g_strconcat ("/pytorch/", name, NULL);
          g_test_add_data_func (path, GUINT_TO_POINTER (100 * f + k), test_case);
        }
    }
  return g_test_run ();
}
