/* One training step (forward, backward, Adam) of two networks on made data, to set beside pytorch-step.py:
 * XOR 20-16-2 at the task's spike density, and MNIST 784-512-10 with 19 % of the pixels lit. Prints
 * milliseconds. */
#include "base/threads.h"
#include "pipeline/document.h"
#include "plugin/params.h"
#include <ranvier/ranvier.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The recordings are made before the clock starts, as PyTorch's tensors are; a step copies them. */
static gboolean
read_made (gconstpointer self, uint64_t epoch, uint32_t id, RvRecording *out, GError **error)
{
  const RvRecording *made = &((const RvRecording *) self)[id];
  if (made->form == RV_FORM_SPIKES)
    {
      rv_recording_set_spikes (out, made->steps, made->units, made->offsets[made->steps] + 1);
      memcpy (out->offsets, made->offsets, (made->steps + 1) * sizeof (uint32_t));
      memcpy (out->ids, made->ids, made->offsets[made->steps] * sizeof (uint32_t));
    }
  else
    memcpy (rv_recording_set_static (out, made->units), made->values, made->units * sizeof (float));
  out->steps = made->steps;
  out->label = made->label;
  return TRUE;
}

/* Two patterns of 10 steps at the mean of the two rates, 180 steps of noise between. */
static void
make_xor (RvRecording *out, uint32_t id)
{
  RvStream stream = rv_stream_fork (rv_stream_new (1, "", "trials", ""), id);
  rv_recording_set_spikes (out, 200, 20, 4000);
  uint32_t n = 0;
  for (uint32_t t = 0; t < 200; t++)
    {
      const float p = t < 10 || t >= 190 ? 0.4f : 0.01f;
      out->offsets[t] = n;
      for (uint32_t k = 0; k < 20; k++)
        if (rv_stream_uniform (stream, t * 20 + k) < p)
          out->ids[n++] = k;
    }
  out->offsets[200] = n;
  out->label = id & 1;
}

static void
make_image (RvRecording *out, uint32_t id)
{
  RvStream stream = rv_stream_fork (rv_stream_new (1, "", "images", ""), id);
  float *values = rv_recording_set_static (out, 784);
  for (uint32_t k = 0; k < 784; k++)
    values[k] = rv_stream_uniform (stream, k) < 0.19f ? rv_stream_uniform (stream, 784 + k) : 0.0f;
  out->steps = 8;
  out->label = id % 10;
}

static RvInstance *
make (const char *kind, const char *text, const char *path)
{
  g_autoptr (RvMistakes) mistakes = rv_mistakes_new ();
  g_autoptr (RvValue) value = rv_yaml_parse (text, strlen (text), "bench", mistakes);
  RvInstance *instance = rv_instance_new (kind, FALSE, value, path, NULL, NULL, mistakes);
  for (guint k = 0; k < mistakes->messages->len; k++)
    fprintf (stderr, "%s\n", (const char *) mistakes->messages->pdata[k]);
  if (!instance)
    exit (1);
  return instance;
}

static int
by_size (const void *a, const void *b)
{
  const double x = *(const double *) a, y = *(const double *) b;
  return (x > y) - (x < y);
}

static void
bench (const char *name, const char *hidden, const char *readout, const char *decoder, const char *loss,
       const RvDatasetSpec *spec, void (*make_one) (RvRecording *out, uint32_t id), uint32_t repeats)
{
  g_autoptr (GError) error = NULL;
  RvInstance *layers[2] = { make ("layer", hidden, "network.0"), make ("layer", readout, "network.1") };
  RvInstances network = { 2, layers };
  RvRecording *made = g_new0 (RvRecording, spec->samples);
  for (uint32_t k = 0; k < spec->samples; k++)
    make_one (&made[k], k);
  g_autoptr (RvDataset) data = rv_dataset_new (spec, read_made, made, NULL);
  g_autoptr (RvModel) model = rv_model_new (&network, make ("decoder", decoder, "decoder"),
                                            make ("loss", loss, "loss"), spec, 1, &error);
  g_autoptr (RvUpdater) updater = rv_updater_new (model, make ("optimizer", "adam", "optimizer"));
  g_autofree float *gradient = g_new (float, rv_model_parameter_count (model));
  RvBatch batch = { data, 0, NULL, spec->samples };
  double times[9];
  for (int round = 0; round < 9; round++)
    {
      const gint64 began = g_get_monotonic_time ();
      for (uint32_t k = 0; k < repeats; k++)
        {
          rv_model_gradient (model, NULL, &batch, gradient, NULL, &error);
          rv_updater_step (updater, model, gradient, 1.0);
        }
      times[round] = (double) (g_get_monotonic_time () - began) / 1e3 / repeats;
    }
  qsort (times, 9, sizeof *times, by_size);
  printf ("%s: median %.2f ms a step [%.2f to %.2f], %u samples, %u threads, %s\n", name, times[4], times[0],
          times[8], spec->samples, rv_threads_get (), rv_isa_name (rv_isa ()));
}

int
main (int argc, char **argv)
{
  rv_threads_set (argc > 1 ? (uint32_t) atoi (argv[1]) : 2);
  const RvDatasetSpec xor
      = { .form = RV_FORM_SPIKES, .samples = 500, .units = 20, .steps = 200, .classes = 2 };
  const RvDatasetSpec image
      = { .form = RV_FORM_STATIC, .samples = 512, .units = 784, .steps = 8, .classes = 10 };
#define LEAK "leak: {learned: per-neuron, initial: \"sigmoid(uniform(0, 4))\"}, input-gain: one-minus-leak"
  bench ("XOR 20-16-2, T = 200",
         "{use: dense, units: 16, neuron: {use: lif, threshold: 0.5, surrogate: multi-gaussian, " LEAK "}}",
         "{use: dense, units: 2, neuron: {use: leaky-integrator, " LEAK "}}", "{use: each-step, from: 191}",
         "{use: cross-entropy, softmax: twice}", &xor, make_xor, 20);
  bench ("MNIST 784-512-10, T = 8", "{use: dense, units: 512, neuron: {use: lif, leak: 0.3, threshold: 0.3}}",
         "{use: dense, units: 10, neuron: {use: lif, leak: 0.3, threshold: 0.3}}", "rate", "cross-entropy",
         &image, make_image, 10);
  return 0;
}
