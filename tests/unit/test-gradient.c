/* Gradients of whole networks: against finite differences of the relaxed network, for every kind of
 * neuron, reset and input; and the same bits for any number of threads. */
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
  const RvForm form = (RvForm) GPOINTER_TO_INT (self);
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

static RvModel *
make_model (const char *hidden, const char *readout, const char *decoder_text, RvForm form, GError **error)
{
  RvInstance *layers[2] = { make ("layer", hidden, "network.0"), make ("layer", readout, "network.1") };
  RvInstances network = { 2, layers };
  g_autoptr (RvInstance) decoder = make ("decoder", decoder_text, "decoder");
  g_autoptr (RvInstance) loss = make ("loss", "cross-entropy", "loss");
  g_autoptr (RvDataset) data = make_data (form);
  RvModel *model = rv_model_new (&network, decoder, loss, rv_dataset_spec (data), 3, error);
  rv_instance_unref (layers[0]);
  rv_instance_unref (layers[1]);
  return model;
}

typedef struct
{
  const char *name, *hidden, *readout, *decoder;
  RvForm form;
} Case;

#define READOUT "{use: dense, units: 3, neuron: {use: leaky-integrator, leak: {learned: per-neuron, initial: 0.8}}}"
#define LEARNED "leak: {learned: per-neuron, initial: \"sigmoid(uniform(0, 2))\"}, threshold: {learned: shared, initial: 0.4}"

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
  { "readout-membrane-recurrent", "{use: dense, units: 9, neuron: {use: lif, " LEARNED ", surrogate: arctan}}",
    "{use: dense, units: 3, recurrent: yes, neuron: {use: lif, " LEARNED ", surrogate: arctan}}",
    "mean-membrane", RV_FORM_SPIKES },
};

/* (L(w + e d) - L(w - e d)) / 2e = g . d along the gradient and along random directions */
static void
test_finite_differences (gconstpointer user)
{
  const Case *c = user;
  g_autoptr (GError) error = NULL;
  g_autoptr (RvModel) model = make_model (c->hidden, c->readout, c->decoder, c->form, &error);
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
          norm += (double) direction[k] * direction[k];
        }
      for (size_t k = 0; k < n; k++)
        {
          direction[k] /= (float) sqrt (norm);
          expected += (double) gradient[k] * direction[k];
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
      g_autoptr (RvModel) model = make_model (c->hidden, c->readout, c->decoder, c->form, &error);
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

static void
test_wrong_classes (void)
{
  g_autoptr (GError) error = NULL;
  RvModel *model
      = make_model ("{use: dense, units: 5}", "{use: dense, units: 4}", "rate", RV_FORM_SPIKES, &error);
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
      g_test_add_data_func (threads, &cases[k], test_threads);
    }
  g_test_add_func ("/gradient/wrong-classes", test_wrong_classes);
  return g_test_run ();
}
