/* The memory that `ranvier check` plans beside what training takes: the pages that the process really has. Networks
 * of several shapes are trained for two steps, and the growth of the resident set is within a fifth of the plan. */
#include "base/threads.h"
#include "network.h"
#include <ranvier/ranvier.h>
#include <malloc.h>
#include <stdio.h>
#include <unistd.h>

#define LIF "neuron: {use: lif, leak: 0.5, threshold: 0.1}}"

typedef struct
{
  const char *name, *hidden, *readout;
  uint32_t inputs, steps, batch;
  RvForm form;
  gboolean checkpoint;
} Case;

static const Case cases[] = {
  { "wide", "{use: dense, units: 512, " LIF, "{use: dense, units: 10, " LIF, 2312, 100, 64, RV_FORM_SPIKES,
    FALSE },
  { "recurrent", "{use: dense, units: 200, recurrent: yes, " LIF, "{use: dense, units: 10, " LIF, 700, 500,
    128, RV_FORM_SPIKES, FALSE },
  { "long", "{use: dense, units: 256, " LIF, "{use: dense, units: 10, " LIF, 200, 6000, 32, RV_FORM_SPIKES,
    FALSE },
  { "long-again", "{use: dense, units: 1024, " LIF, "{use: dense, units: 10, " LIF, 200, 6000, 32,
    RV_FORM_SPIKES, TRUE },
  { "lstm", "{use: lstm, units: 128}", "{use: dense, units: 10, neuron: linear}", 700, 200, 64, RV_FORM_SPIKES,
    FALSE },
  { "lstm-again", "{use: lstm, units: 256}", "{use: dense, units: 10, neuron: linear}", 200, 900, 64,
    RV_FORM_SPIKES, TRUE },
  { "image", "{use: dense, units: 512, " LIF, "{use: dense, units: 10, " LIF, 784, 8, 512, RV_FORM_STATIC,
    FALSE },
};

static size_t
resident (void)
{
  unsigned long all = 0, here = 0;
  FILE *file = fopen ("/proc/self/statm", "r");
  g_assert_nonnull (file);
  g_assert_cmpint (fscanf (file, "%lu %lu", &all, &here), ==, 2);
  fclose (file);
  return here * (size_t)sysconf (_SC_PAGESIZE);
}

static gboolean
read_noise (gconstpointer self, uint64_t epoch, uint32_t id, RvRecording *out, GError **error)
{
  const RvDatasetSpec *spec = self;
  const RvStream stream = rv_stream_fork (rv_stream_new (1, "", "noise", ""), id);
  if (spec->form == RV_FORM_STATIC)
    {
      float *values = rv_recording_set_static (out, spec->units);
      for (uint32_t k = 0; k < spec->units; k++)
        values[k] = rv_stream_uniform (stream, k) < 0.2f ? 1.0f : 0.0f;
    }
  else
    {
      rv_recording_set_spikes (out, spec->steps, spec->units, spec->steps * (spec->units / 20 + 1));
      uint32_t n = 0;
      for (uint32_t t = 0; t < spec->steps; t++)
        {
          out->offsets[t] = n;
          for (uint32_t k = (id + t) % 20; k < spec->units; k += 20) /* a twentieth */
            out->ids[n++] = k;
        }
      out->offsets[spec->steps] = n;
    }
  out->steps = spec->steps;
  out->label = id % spec->classes;
  return TRUE;
}

static void
test_plan (gconstpointer user)
{
  const Case *c = user;
  const RvDatasetSpec spec
      = { .form = c->form, .samples = c->batch, .units = c->inputs, .steps = c->steps, .classes = 10 };
  const char *const layers[] = { c->hidden, c->readout };
  g_autoptr (RvDataset) data = rv_dataset_new (&spec, read_noise, (gpointer)&spec, NULL);
  g_autoptr (RvInstance) adam = network_instance ("optimizer", "adam", "optimizer");
  g_autoptr (GError) error = NULL;
  const size_t before = resident ();
  RvModel *model = network_new (2, layers, "rate", "cross-entropy", &spec, 1);
  rv_model_set_checkpoint (model, c->checkpoint);
  const size_t planned = rv_model_memory (model, adam, c->batch);
  RvUpdater *updater = rv_updater_new (model, adam);
  float *gradient = rv_aligned_alloc (rv_model_parameter_count (model) * sizeof (float));
  const RvBatch batch = { .data = data, .n = c->batch };
  /* until both workers had a tile: on a busy machine one may take them all */
  for (int step = 0; step < 2 || (step < 100 && !(model->work[0] && model->work[1])); step++)
    {
      rv_model_gradient (model, NULL, &batch, gradient, NULL, &error);
      g_assert_no_error (error);
      rv_updater_step (updater, model, gradient, 1.0);
    }
  const double ratio = (double)(resident () - before) / (double)planned;
  g_test_message ("planned %.1f MB, taken %.1f MB, ratio %.2f", (double)planned / 1e6,
                  (double)(resident () - before) / 1e6, ratio);
  g_assert_cmpfloat (ratio, >, 1 / 1.2);
  g_assert_cmpfloat (ratio, <, 1.2);
  rv_updater_free (updater);
  rv_aligned_free (gradient);
  rv_model_unref (model);
}

/* Currents and states of four times the steps take about twice the room where blocks are run again. */
static void
test_square_root (void)
{
  double bytes[2];
  for (uint32_t k = 0; k < 2; k++)
    {
      const RvDatasetSpec spec
          = { .form = RV_FORM_SPIKES, .samples = 8, .units = 4, .steps = k ? 64000 : 16000, .classes = 1 };
      const char *const layers[] = { "{use: dense, units: 1024, " LIF, "{use: dense, units: 1, " LIF };
      RvModel *model = network_new (2, layers, "rate", "cross-entropy", &spec, 1);
      rv_model_set_checkpoint (model, TRUE);
      RvWork *work = rv_work_new (model);
      bytes[k] = (double)work->passes[0].bytes;
      rv_work_free (model, work);
      rv_model_unref (model);
    }
  g_test_message ("%.1f MB, then %.1f MB", bytes[0] / 1e6, bytes[1] / 1e6);
  g_assert_cmpfloat (bytes[1] / bytes[0], <, 2.1);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  rv_threads_set (2);
#ifdef M_PERTURB
  mallopt (M_PERTURB, 0);              /* fresh memory that nobody touches is no page of the process */
  mallopt (M_MMAP_THRESHOLD, 1 << 16); /* and what a case frees is gone before the next begins */
#endif
  g_test_add_func ("/memory/square-root", test_square_root);
#ifndef __SANITIZE_ADDRESS__
  const char *preloaded = g_getenv ("LD_PRELOAD"); /* under valgrind the process is valgrind's */
  for (guint k = 0; k < G_N_ELEMENTS (cases) && !(preloaded && strstr (preloaded, "valgrind")); k++)
    {
      g_autofree char *path = g_strconcat ("/memory/", cases[k].name, NULL);
      g_test_add_data_func (path, &cases[k], test_plan);
    }
#endif
  return g_test_run ();
}
