/* Recordings whose buffers are used again, and recordings that are shorter than their steps: what lies behind their
 * length must count for nothing. */
#include "pipeline/document.h"
#include "pipeline/node.h"
#include "plugin/params.h"
#include <ranvier/ranvier.h>
#include "support.h"
#include <glib/gstdio.h>
#include <string.h>

#define UNITS 7
#define SHORT 9
#define LONG 15
#define SAMPLES 21

/* A buffer that held events holds nothing of them once it is used for another form. */
static void
test_forms (void)
{
  g_auto (RvRecording) r = { 0 };
  rv_recording_set_events (&r, UNITS, 100);
  g_assert_cmpint (r.form, ==, RV_FORM_EVENTS);
  g_assert_cmpuint (r.n_events, ==, 0);
  for (uint32_t k = 0; k < 100; k++)
    r.times[k] = r.ids[k] = k;
  r.n_events = 100;
  r.duration = 1000;
  r.length = 3;
  rv_recording_set_spikes (&r, 4, UNITS, 10);
  g_assert_cmpint (r.form, ==, RV_FORM_SPIKES);
  g_assert_cmpuint (r.n_events + r.duration + r.length, ==, 0);
  rv_recording_set_events (&r, UNITS, 1000);
  memset (r.times, 1, 1000 * sizeof *r.times);
  memset (r.ids, 1, 1000 * sizeof *r.ids);
  float *values = rv_recording_set_frames (&r, 3, UNITS);
  memset (values, 0, 3 * UNITS * sizeof *values);
  g_assert_cmpuint (r.steps, ==, 3);
}

/* The same first SHORT steps; the long form goes on with spikes that must not count. */
static gboolean
read_sample (gconstpointer self, uint64_t epoch, uint32_t id, RvRecording *out, GError **error)
{
  const uint32_t steps = GPOINTER_TO_UINT (self);
  const RvStream stream = rv_stream_fork (rv_stream_new (5, "", "trials", ""), id);
  uint32_t n = 0;
  rv_recording_set_spikes (out, steps, UNITS, (size_t)steps * UNITS);
  for (uint32_t t = 0; t < steps; t++)
    {
      out->offsets[t] = n;
      for (uint32_t k = 0; k < UNITS; k++)
        if (t >= SHORT || rv_stream_uniform (stream, t * UNITS + k) < 0.4f)
          out->ids[n++] = k;
    }
  out->offsets[steps] = n;
  out->length = SHORT;
  out->label = id % 3;
  return TRUE;
}

static RvInstance *
make (const char *kind, const char *text, const char *path)
{
  g_autoptr (RvMistakes) mistakes = rv_mistakes_new ();
  g_autoptr (RvValue) value = rv_yaml_parse (text, strlen (text), "test.yaml", mistakes);
  RvInstance *instance = rv_instance_new (kind, FALSE, value, path, NULL, NULL, mistakes);
  g_assert_cmpuint (mistakes->messages->len, ==, 0);
  return instance;
}

/* Loss, decisions and gradient of a network on one of the two forms. */
static float *
evaluate (const char *decoder_text, const char *readout, uint32_t steps, RvScore *score, size_t *n)
{
  g_autoptr (GError) error = NULL;
  const RvDatasetSpec spec
      = { .form = RV_FORM_SPIKES, .samples = SAMPLES, .units = UNITS, .steps = steps, .classes = 3 };
  g_autoptr (RvDataset) data = rv_dataset_new (&spec, read_sample, GUINT_TO_POINTER (steps), NULL);
  g_autoptr (RvInstance) hidden
      = make ("layer",
              "{use: dense, units: 12, recurrent: yes, neuron: {use: lif, threshold: 0.3, leak: learned}}",
              "network.0"),
      last = make ("layer", readout, "network.1"), decoder = make ("decoder", decoder_text, "decoder"),
      loss = make ("loss", "cross-entropy", "loss");
  RvInstance *layers[] = { hidden, last };
  const RvInstances network = { 2, layers };
  g_autoptr (RvModel) model = rv_model_new (&network, decoder, loss, &spec, 1, &error);
  g_assert_no_error (error);
  const RvBatch batch = { data, 0, NULL, SAMPLES };
  *n = rv_model_parameter_count (model);
  float *gradient = g_new (float, *n);
  g_assert_true (rv_model_gradient (model, NULL, &batch, gradient, score, &error));
  return gradient;
}

static void
test_length (void)
{
  static const char *const integrator = "{use: dense, units: 3, neuron: leaky-integrator}";
  static const char *const spiking = "{use: dense, units: 3, neuron: {use: lif, threshold: 0.2}}";
  static const char *const cases[][2] = { { "mean-membrane", integrator },
                                          { "last-step", integrator },
                                          { "{use: each-step, from: -4}", integrator },
                                          { "{use: each-step, from: 2}", integrator },
                                          { "rate", spiking } };
  for (guint k = 0; k < G_N_ELEMENTS (cases); k++)
    {
      RvScore expected, score;
      size_t n;
      g_autofree float *reference = evaluate (cases[k][0], cases[k][1], SHORT, &expected, &n),
                       *gradient = evaluate (cases[k][0], cases[k][1], LONG, &score, &n);
      g_assert_cmpfloat (score.loss, ==, expected.loss);
      g_assert_cmpuint (score.decisions, ==, expected.decisions);
      g_assert_cmpuint (score.correct, ==, expected.correct);
      float largest = 0.0f;
      for (size_t l = 0; l < n; l++)
        {
          g_assert_cmpfloat_with_epsilon (gradient[l], reference[l], 1e-6);
          largest = MAX (largest, fabsf (reference[l]));
        }
      g_assert_cmpfloat (largest, >, 1e-3);
    }
}

/* Where a file is looked for. A folder that is named and not there must not end at another set, whose files may
 * have the same names. */
static void
test_find_file (void)
{
  static const char *const files[] = { "root/aaa/file", "root/set/file", "root/right", "here/mine/file" };
  static const struct
  {
    const char *folder, *name, *found;
  } cases[] = { { "", "file", "root/aaa/file" },    { NULL, "set/", "root/set/" },
                { "set", "file", "root/set/file" }, { "mine", "file", "here/mine/file" },
                { ".", "mine/", "here/mine/" },     { "typo", "file", NULL },
                { "typo", "right", "root/right" } };
  g_autofree char *top = g_dir_make_tmp ("ranvier-XXXXXX", NULL), *back = g_get_current_dir ();
  g_autofree char *root = g_build_filename (top, "root", NULL), *here = g_build_filename (top, "here", NULL);
  g_autofree char *set = g_build_filename (root, "set", NULL);
  RvRunState state = { .data_root = root };
  RvNode node = { .state = &state };
  for (guint k = 0; k < G_N_ELEMENTS (files); k++)
    {
      g_autofree char *path = g_build_filename (top, files[k], NULL), *folder = g_path_get_dirname (path);
      g_assert_cmpint (g_mkdir_with_parents (folder, 0700), ==, 0);
      g_assert_true (g_file_set_contents (path, "", 0, NULL));
    }
  g_assert_cmpint (g_chdir (here), ==, 0);
  for (guint k = 0; k < G_N_ELEMENTS (cases); k++)
    {
      g_autoptr (GError) error = NULL;
      g_autofree char *path = rv_node_find_file (&node, cases[k].folder, cases[k].name, &error);
      g_autofree char *wanted = cases[k].found ? g_build_filename (top, cases[k].found, NULL) : NULL;
      g_assert_cmpstr (path, ==, wanted);
      if (!wanted)
        g_assert_true (strstr (error->message, "root/typo, in ") && strstr (error->message, "here/typo or"));
    }
  g_autofree char *absolute = rv_node_find_file (&node, set, "right", NULL);
  g_assert_null (absolute);
  g_assert_cmpint (g_chdir (back), ==, 0);
  test_remove (top);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/dataset/forms", test_forms);
  g_test_add_func ("/dataset/length", test_length);
  g_test_add_func ("/dataset/find-file", test_find_file);
  return g_test_run ();
}
