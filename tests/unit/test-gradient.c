/* Gradients of whole networks: against finite differences of the relaxed network, for every kind of
 * neuron, reset and input, and for layers without neurons; the same bits for any number of threads; and
 * the same numbers where blocks are run again. */
#include "base/threads.h"
#include "pipeline/document.h"
#include "plugin/params.h"
#include <ranvier/ranvier.h>
#include <string.h>

#define UNITS 12
#define STEPS 9
#define SAMPLES 37 /* two full tiles and a part of a third */
#define CLASSES 3

static gboolean
read_recording (gconstpointer self, uint64_t epoch, uint32_t id, RvRecording *out, GError **error)
{
  const RvForm form = (RvForm)GPOINTER_TO_INT (self);
  RvStream stream = rv_stream_fork (rv_stream_fork (rv_stream_new (7, "", "data", ""), epoch), id);
  if (form == RV_FORM_STATIC)
    {
      float *values = rv_recording_set_static (out, UNITS);
      for (uint32_t k = 0; k < UNITS; k++)
        values[k] = k % 3 ? rv_stream_uniform (stream, k) : 0.0f;
      out->steps = STEPS;
    }
  else
    {
      rv_recording_set_spikes (out, STEPS, UNITS, STEPS * UNITS);
      uint32_t n = 0;
      for (uint32_t t = 0; t < STEPS; t++)
        {
          out->offsets[t] = n;
          for (uint32_t k = 0; k < UNITS; k++)
            if (rv_stream_uniform (stream, t * UNITS + k) < 0.3f)
              out->ids[n++] = k;
        }
      out->offsets[STEPS] = n;
    }
  out->label = id % CLASSES;
  return TRUE;
}

static RvDataset *
make_data (RvForm form)
{
  RvDatasetSpec spec = { .form = form,
                         .samples = SAMPLES,
                         .units = UNITS,
                         .dims = { UNITS, 1, 1 },
                         .steps = STEPS,
                         .classes = CLASSES,
                         .split = "train" };
  return rv_dataset_new (&spec, read_recording, GINT_TO_POINTER (form), NULL);
}

static RvInstance *
make (const char *kind, const char *text, const char *path)
{
  g_autoptr (RvMistakes) mistakes = rv_mistakes_new ();
  g_autoptr (RvValue) value = rv_yaml_parse (text, strlen (text), "test.yaml", mistakes);
  g_autoptr (GError) error = NULL;
  RvInstance *instance = value ? rv_instance_new (kind, FALSE, value, path, NULL, NULL, mistakes) : NULL;
  rv_mistakes_raise (mistakes, &error);
  g_assert_no_error (error);
  g_assert_nonnull (instance);
  return instance;
}

/* `middle` may be NULL. */
static RvModel *
make_model (const char *hidden, const char *middle, const char *readout, const char *decoder_text,
            RvForm form, GError **error)
{
  RvInstance *layers[3];
  RvInstances network = { 0, layers };
  layers[network.n++] = make ("layer", hidden, "network.0");
  if (middle)
    layers[network.n++] = make ("layer", middle, "network.1");
  layers[network.n++] = make ("layer", readout, "network.2");
  g_autoptr (RvInstance) decoder = make ("decoder", decoder_text, "decoder");
  g_autoptr (RvInstance) loss = make ("loss", "cross-entropy", "loss");
  g_autoptr (RvDataset) data = make_data (form);
  RvModel *model = rv_model_new (&network, decoder, loss, rv_dataset_spec (data), 3, error);
  for (uint32_t k = 0; k < network.n; k++)
    rv_instance_unref (layers[k]);
  return model;
}

typedef struct
{
  const char *name, *hidden, *readout, *decoder;
  RvForm form;
  const char *middle;
} Case;

#define READOUT                                                                                              \
  "{use: dense, units: 3, neuron: {use: leaky-integrator, leak: {learned: per-neuron, initial: 0.8}}}"
#define LEARNED                                                                                              \
  "leak: {learned: per-neuron, initial: \"sigmoid(uniform(0, 2))\"}, threshold: {learned: shared, initial: " \
  "0.4}"
#define LINEAR "{use: dense, units: 3, neuron: linear}"

static const Case cases[] = {
  { "hard", "{use: dense, units: 20, neuron: {use: lif, " LEARNED ", surrogate: arctan}}", READOUT,
    "last-step", RV_FORM_SPIKES },
  { "hard-recurrent",
    "{use: dense, units: 20, recurrent: yes, neuron: {use: lif, " LEARNED ", surrogate: arctan}}", READOUT,
    "mean-membrane", RV_FORM_SPIKES },
  { "soft", "{use: dense, units: 5, neuron: {use: lif, reset: soft, " LEARNED ", surrogate: sigmoid}}",
    READOUT, "last-step", RV_FORM_SPIKES },
  { "soft-after-leak",
    "{use: dense, units: 5, recurrent: yes, neuron: {use: lif, reset: soft-after-leak, " LEARNED
    ", surrogate: {use: multi-gaussian, width: 0.5}}}",
    READOUT, "last-step", RV_FORM_SPIKES },
  { "none-gain",
    "{use: dense, units: 17, neuron: {use: lif, reset: none, input-gain: one-minus-leak, start: "
    "uniform, " LEARNED ", surrogate: {use: multi-gaussian, width: 0.5}}}",
    READOUT, "each-step", RV_FORM_SPIKES },
  { "adaptive",
    "{use: dense, units: 8, neuron: {use: adaptive-lif, leak: learned, adaptation-leak: learned, strength: "
    "learned, surrogate: sigmoid}}",
    READOUT, "mean-membrane", RV_FORM_SPIKES },
  { "softmaxes", "{use: dense, units: 8, neuron: {use: lif, " LEARNED ", surrogate: arctan}}", READOUT,
    "{use: sum-of-softmaxes, from: 2}", RV_FORM_SPIKES },
  { "static", "{use: dense, units: 20, neuron: {use: lif, " LEARNED ", surrogate: arctan}}",
    "{use: dense, units: 3, neuron: {use: lif, threshold: 0.3, surrogate: arctan}}", "rate", RV_FORM_STATIC },
  { "static-recurrent",
    "{use: dense, units: 20, recurrent: yes, neuron: {use: lif, " LEARNED ", surrogate: arctan}}", READOUT,
    "last-step", RV_FORM_STATIC },
  { "readout-membrane-recurrent",
    "{use: dense, units: 9, neuron: {use: lif, " LEARNED ", surrogate: arctan}}",
    "{use: dense, units: 3, recurrent: yes, neuron: {use: lif, " LEARNED ", surrogate: arctan}}",
    "mean-membrane", RV_FORM_SPIKES },
  { "rnn", "{use: rnn, units: 7}", LINEAR, "last-step", RV_FORM_SPIKES },
  { "lstm", "{use: lstm, units: 20}", LINEAR, "last-step", RV_FORM_SPIKES }, /* 80 gates: two panels */
  { "gru", "{use: gru, units: 5}", LINEAR, "mean-membrane", RV_FORM_SPIKES },
  { "gru-static", "{use: gru, units: 5}", LINEAR, "last-step", RV_FORM_STATIC },
  { "lstm-without-readout", "{use: lstm, units: 3}", "{use: lstm, units: 3}", "mean-membrane",
    RV_FORM_SPIKES },
  { "lstm-on-lstm", "{use: lstm, units: 6}", LINEAR, "last-step", RV_FORM_SPIKES, "{use: lstm, units: 70}" },
  { "lstm-on-spikes",
    "{use: dense, units: 20, recurrent: yes, neuron: {use: lif, " LEARNED ", surrogate: arctan}}",
    LINEAR, "last-step", RV_FORM_SPIKES, "{use: lstm, units: 6}" },
  { "spikes-on-lstm", "{use: lstm, units: 6}", READOUT, "mean-membrane", RV_FORM_SPIKES,
    "{use: dense, units: 70, neuron: {use: lif, " LEARNED ", surrogate: arctan}}" },
};

/* (L(w + e d) - L(w - e d)) / 2e = g . d along the gradient and along random directions */
static void
test_finite_differences (gconstpointer user)
{
  const Case *c = user;
  g_autoptr (GError) error = NULL;
  g_autoptr (RvModel) model = make_model (c->hidden, c->middle, c->readout, c->decoder, c->form, &error);
  g_assert_no_error (error);
  g_autoptr (RvDataset) data = make_data (c->form);
  rv_model_set_relaxed (model, TRUE);
  const size_t n = rv_model_parameter_count (model);
  g_autofree float *gradient = g_new (float, n), *moved = g_new (float, n), *direction = g_new (float, n);
  const float *w = rv_model_parameters (model);
  RvBatch batch = { data, 0, NULL, SAMPLES };
  g_assert_true (rv_model_gradient (model, NULL, &batch, gradient, NULL, &error));
  for (uint32_t trial = 0; trial < 6; trial++)
    {
      double expected = 0.0, norm = 0.0, loss[2];
      RvStream stream = rv_stream_new (trial, "direction", NULL, NULL);
      for (size_t k = 0; k < n; k++)
        {
          direction[k]
              = gradient[k] == 0.0f ? 0.0f : (trial ? (float)rv_stream_normal (stream, k) : gradient[k]);
          norm += (double)direction[k] * direction[k];
        }
      for (size_t k = 0; k < n; k++)
        {
          direction[k] /= (float)sqrt (norm);
          expected += (double)gradient[k] * direction[k];
        }
      const float e = 2e-2f;
      for (int side = 0; side < 2; side++)
        {
          RvScore score;
          for (size_t k = 0; k < n; k++)
            moved[k] = w[k] + (side ? -e : e) * direction[k];
          g_assert_true (rv_model_evaluate (model, moved, &batch, NULL, &score, &error));
          loss[side] = score.loss;
        }
      const double found = (loss[0] - loss[1]) / (2.0 * e), size = sqrt (norm);
      g_test_message ("%s trial %u: finite difference %g, gradient %g", c->name, trial, found, expected);
      g_assert_cmpfloat (fabs (found - expected), <, 3e-3 * (trial ? 1.0 : size) + 2e-2 * fabs (expected));
    }
}

static void
test_threads (gconstpointer user)
{
  const Case *c = user;
  static const uint32_t counts[] = { 1, 2, 3, 4, 7 };
  g_autofree float *first = NULL;
  for (guint k = 0; k < G_N_ELEMENTS (counts); k++)
    {
      g_autoptr (GError) error = NULL;
      rv_threads_set (counts[k]);
      g_autoptr (RvModel) model = make_model (c->hidden, c->middle, c->readout, c->decoder, c->form, &error);
      g_assert_no_error (error);
      g_autoptr (RvDataset) data = make_data (c->form);
      g_autofree float *gradient = g_new (float, rv_model_parameter_count (model));
      RvBatch batch = { data, 0, NULL, SAMPLES };
      g_assert_true (rv_model_gradient (model, NULL, &batch, gradient, NULL, &error));
      const size_t bytes = rv_model_parameter_count (model) * sizeof (float);
      if (first)
        g_assert_cmpint (memcmp (first, gradient, bytes), ==, 0);
      else
        first = g_memdup2 (gradient, bytes);
    }
  rv_threads_set (0);
}

#define PLAIN                                                                                                \
  "{use: dense, units: 20, recurrent: yes, neuron: {use: lif, leak: 0, threshold: {learned: per-neuron, "    \
  "initial: 0.5}}}"

/* All zero but what the tests below write. */
static uint32_t
tensor_called (const RvModel *model, const char *name, RvModelTensor *tensor)
{
  for (uint32_t k = 0; k < rv_model_tensors (model); k++)
    {
      rv_model_describe_tensor (model, k, tensor);
      if (strcmp (tensor->name, name) == 0)
        return k;
    }
  g_error ("no tensor %s", name);
}

static void
put_one (const RvModel *model, const char *name, uint32_t row, uint32_t column, float value,
         float *parameters)
{
  RvModelTensor tensor;
  const uint32_t index = tensor_called (model, name, &tensor);
  g_autofree float *values = g_new0 (float, (size_t)tensor.rows *tensor.columns);
  rv_model_get_tensor (model, index, parameters, values);
  values[row * tensor.columns + column] = value;
  rv_model_put_tensor (model, index, values, parameters);
}

typedef struct
{
  uint32_t wrong, seen;
} Fired;

/* Unit 17 fires where input 5 did, unit 2 one step later. */
static void
see_tile (void *self, const RvTileView *view)
{
  Fired *fired = self;
  const RvSignal *in = view->input, *out = &view->layers[0];
  for (uint32_t row = 0; row < in->steps * in->samples; row++)
    {
      gboolean expected[2] = { FALSE, FALSE }, is[20] = { FALSE };
      for (uint32_t e = in->offsets[row]; e < in->offsets[row + 1]; e++)
        expected[0] |= in->ids[e] == 5;
      for (uint32_t e = row < in->samples ? 0 : in->offsets[row - in->samples];
           row >= in->samples && e < in->offsets[row - in->samples + 1]; e++)
        expected[1] |= in->ids[e] == 5;
      for (uint32_t e = out->offsets[row]; e < out->offsets[row + 1]; e++)
        is[out->ids[e]] = TRUE;
      for (uint32_t n = 0; n < 20; n++)
        fired->wrong += is[n] != (n == 17 ? expected[0] : n == 2 ? expected[1] : FALSE);
      fired->seen += is[17] + is[2];
    }
}

/* Tensors by name: shapes and roles, the way there and back, and that a number written by row and column is
 * where the network looks for it. */
static void
test_tensors (void)
{
  static const RvModelTensor expected[] = {
    { .name = "network.0.weight", .layer = 0, .role = RV_ROLE_WEIGHT, .rows = 20, .columns = UNITS },
    { .name = "network.0.bias", .layer = 0, .role = RV_ROLE_BIAS, .rows = 20, .columns = 1 },
    { .name = "network.0.recurrent", .layer = 0, .role = RV_ROLE_RECURRENT, .rows = 20, .columns = 20 },
    { .name = "network.0.neuron.threshold", .layer = 0, .role = RV_ROLE_NEURON, .rows = 20, .columns = 1 },
    { .name = "network.1.weight", .layer = 1, .role = RV_ROLE_WEIGHT, .rows = 3, .columns = 20 },
    { .name = "network.1.bias", .layer = 1, .role = RV_ROLE_BIAS, .rows = 3, .columns = 1 }
  };
  g_autoptr (GError) error = NULL;
  g_autoptr (RvModel) model = make_model (PLAIN, NULL, "{use: dense, units: 3, neuron: leaky-integrator}",
                                          "last-step", RV_FORM_SPIKES, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (rv_model_tensors (model), ==, G_N_ELEMENTS (expected));
  const size_t count = rv_model_parameter_count (model);
  g_autofree float *there = g_new0 (float, count);
  for (uint32_t k = 0; k < rv_model_tensors (model); k++)
    {
      RvModelTensor tensor;
      rv_model_describe_tensor (model, k, &tensor);
      g_assert_cmpstr (tensor.name, ==, expected[k].name);
      g_assert_cmpuint (tensor.layer, ==, expected[k].layer);
      g_assert_cmpint (tensor.role, ==, expected[k].role);
      g_assert_cmpuint (tensor.rows, ==, expected[k].rows);
      g_assert_cmpuint (tensor.columns, ==, expected[k].columns);
      g_autofree float *values = g_new (float, (size_t)tensor.rows *tensor.columns);
      rv_model_get_tensor (model, k, rv_model_parameters (model), values);
      rv_model_put_tensor (model, k, values, there);
    }
  g_assert_cmpmem (there, count * sizeof (float), rv_model_parameters (model), count * sizeof (float));

  memset (there, 0, count * sizeof (float));
  for (uint32_t n = 0; n < 20; n++)
    put_one (model, "network.0.neuron.threshold", n, 0, 0.5f, there);
  put_one (model, "network.0.weight", 17, 5, 1.0f, there);
  put_one (model, "network.0.recurrent", 2, 17, 1.0f, there);
  g_autoptr (RvDataset) data = make_data (RV_FORM_SPIKES);
  const RvBatch batch = { data, 0, NULL, SAMPLES };
  Fired fired = { 0, 0 };
  const RvObserver observer = { .tile = see_tile, .self = &fired };
  rv_threads_set (1);
  g_assert_true (rv_model_evaluate (model, there, &batch, &observer, NULL, &error));
  rv_threads_set (0);
  g_assert_cmpuint (fired.seen, >, SAMPLES);
  g_assert_cmpuint (fired.wrong, ==, 0);
}

/* Blocks of three steps, run again: sums in another order, and the same score. */
static void
test_blocks (gconstpointer user)
{
  const Case *c = user;
  g_autoptr (GError) error = NULL;
  g_autoptr (RvModel) model
      = make_model (c->hidden, c->middle, c->readout, c->decoder, c->form, &error);
  g_assert_no_error (error);
  g_autoptr (RvDataset) data = make_data (c->form);
  const RvBatch batch = { data, 0, NULL, SAMPLES };
  const size_t n = rv_model_parameter_count (model);
  g_autofree float *all = g_new (float, n), *again = g_new (float, n);
  RvScore score[2];
  g_assert_true (rv_model_gradient (model, NULL, &batch, all, &score[0], &error));
  rv_model_set_checkpoint (model, TRUE);
  g_assert_true (rv_model_gradient (model, NULL, &batch, again, &score[1], &error));
  /* once more, as nothing may stay behind */
  g_assert_true (rv_model_gradient (model, NULL, &batch, again, &score[1], &error));
  g_assert_cmpfloat (score[0].loss, ==, score[1].loss);
  float largest = 0.0f, worst = 0.0f;
  for (size_t k = 0; k < n; k++)
    {
      largest = MAX (largest, fabsf (all[k]));
      worst = MAX (worst, fabsf (all[k] - again[k]));
    }
  g_assert_cmpfloat (largest, >, 0.0f);
  g_assert_cmpfloat (worst, <, 1e-5f * largest);
}

/* A weight that is not a number, and one that grows out of all bounds on the way. */
static void
test_diagnose (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (RvModel) model
      = make_model ("{use: rnn, units: 4}", NULL, LINEAR, "last-step", RV_FORM_SPIKES, &error);
  g_assert_no_error (error);
  g_autoptr (RvDataset) data = make_data (RV_FORM_SPIKES);
  const RvBatch batch = { data, 0, NULL, SAMPLES };
  float *w = rv_model_parameters (model);
  for (uint32_t k = 0; k < UNITS * 4; k++)
    w[k] = 3e38f;
  g_autofree char *text = rv_model_diagnose (model, &batch);
  g_assert_cmpstr (text, ==, "layer 0, step 0, gates 0: the value is infinite");
  w[0] = NAN;
  g_autofree char *other = rv_model_diagnose (model, &batch);
  g_assert_cmpstr (other, ==, "parameter network.0.weight is NaN");
}

static void
test_wrong_classes (void)
{
  g_autoptr (GError) error = NULL;
  RvModel *model
      = make_model ("{use: dense, units: 5}", NULL, "{use: dense, units: 4}", "rate", RV_FORM_SPIKES, &error);
  g_assert_null (model);
  g_assert_error (error, RV_ERROR, RV_ERROR_SHAPE);
  g_assert_nonnull (strstr (error->message, "4 units"));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (guint k = 0; k < G_N_ELEMENTS (cases); k++)
    {
      g_autofree char *fd = g_strconcat ("/gradient/finite-differences/", cases[k].name, NULL);
      g_autofree char *threads = g_strconcat ("/gradient/threads/", cases[k].name, NULL);
      g_test_add_data_func (fd, &cases[k], test_finite_differences);
      g_autofree char *blocks = g_strconcat ("/gradient/blocks/", cases[k].name, NULL);
      g_test_add_data_func (threads, &cases[k], test_threads);
      g_test_add_data_func (blocks, &cases[k], test_blocks);
    }
  g_test_add_func ("/gradient/tensors", test_tensors);
  g_test_add_func ("/gradient/diagnose", test_diagnose);
  g_test_add_func ("/gradient/wrong-classes", test_wrong_classes);
  return g_test_run ();
}
