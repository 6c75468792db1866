/* One training step (forward, backward, Adam) of convolutional spiking networks on images of the size of
 * CIFAR10's, to set beside conv-step.py, which trains the same networks in PyTorch and SpikingJelly. The
 * images are drawn; the weights are fresh, and normalisation makes the neurons fire as in a trained
 * network. */
#include "base/threads.h"
#include "engine/model.h"
#include "pipeline/document.h"
#include "plugin/params.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST 64 /* layers, steps that are timed */

static char *net = "resnet18", *products = "float32";
static int batch = 32, steps = 4, threads = 2;
static double seconds = 10.0;
static gboolean as_json, with_profile;

static const GOptionEntry options[]
    = { { "net", 'n', 0, G_OPTION_ARG_STRING, &net, "resnet18 or vgg", "NAME" },
        { "batch", 'b', 0, G_OPTION_ARG_INT, &batch, "Samples of a step (32)", "N" },
        { "steps", 'T', 0, G_OPTION_ARG_INT, &steps, "Time steps (4)", "N" },
        { "threads", 't', 0, G_OPTION_ARG_INT, &threads, "How many (2)", "N" },
        { "products", 0, 0, G_OPTION_ARG_STRING, &products, "float32 or bfloat16", "TYPE" },
        { "seconds", 's', 0, G_OPTION_ARG_DOUBLE, &seconds, "How long it is measured (10)", "S" },
        { "json", 'j', 0, G_OPTION_ARG_NONE, &as_json, "One JSON object", NULL },
        { "profile", 'p', 0, G_OPTION_ARG_NONE, &with_profile, "Tell where the time went", NULL },
        { NULL } };

/* ---- images */

static gboolean
read_image (gconstpointer self, uint64_t epoch, uint32_t id, RvRecording *out, GError **error)
{
  const RvStream stream = rv_stream_fork (rv_stream_new (1, "bench", "image", ""), id);
  float *values = rv_recording_set_static (out, 3 * 32 * 32);
  for (uint32_t k = 0; k < 3 * 32 * 32; k++)
    values[k] = 2.0f * rv_stream_uniform (stream, k) - 1.0f;
  out->steps = (uint32_t)steps;
  out->label = id % 10;
  return TRUE;
}

/* ---- networks, as a pipeline would write them */

#define LIF                                                                                                  \
  "{use: neurons, neuron: {use: lif, leak: 0.5, threshold: 1, surrogate: {use: rectangle, width: 0.5}}}"

/* Running statistics are those of the last batch, so that evaluation fires as training does. */
#define NORM "{use: batch-norm, momentum: 1}"

typedef struct
{
  char *layers[MOST];
  uint32_t n;
} Layers;

static void
add (Layers *layers, char *text)
{
  layers->layers[layers->n++] = text;
}

static char *
conv (uint32_t channels, uint32_t kernel, uint32_t stride)
{
  return g_strdup_printf (
      "{use: conv2d, channels: %u, kernel: %u, stride: %u, padding: %u, bias: no, products: %s}", channels,
      kernel, stride, kernel / 2, products);
}

static void
conv_norm_fire (Layers *layers, uint32_t channels)
{
  add (layers, conv (channels, 3, 1));
  add (layers, g_strdup (NORM));
  add (layers, g_strdup (LIF));
}

static void
block (Layers *layers, uint32_t channels, uint32_t stride, gboolean changes)
{
  g_autofree char *first = conv (channels, 3, stride), *second = conv (channels, 3, 1),
                  *aside = conv (channels, 1, stride);
  g_autofree char *shortcut = changes ? g_strdup_printf (", shortcut: [%s, " NORM "]", aside) : g_strdup ("");
  add (layers, g_strdup_printf ("{use: residual, layers: [%s, " NORM ", " LIF ", %s, " NORM "]%s}", first,
                                second, shortcut));
  add (layers, g_strdup (LIF));
}

static Layers
make_layers (void)
{
  static const uint32_t channels[] = { 64, 128, 256, 512 };
  Layers layers = { .n = 0 };
  if (strcmp (net, "resnet18") == 0)
    {
      conv_norm_fire (&layers, 64);
      for (uint32_t k = 0; k < 4; k++)
        {
          block (&layers, channels[k], k ? 2 : 1, k > 0);
          block (&layers, channels[k], 1, FALSE);
        }
      add (&layers, g_strdup ("{use: pool, type: average, kernel: 0}"));
    }
  else
    for (uint32_t k = 0; k < 3; k++)
      {
        conv_norm_fire (&layers, channels[k]);
        conv_norm_fire (&layers, channels[k]);
        add (&layers, g_strdup ("{use: pool, type: max, kernel: 2}"));
      }
  add (&layers, g_strdup ("{use: dense, units: 10, neuron: linear}"));
  return layers;
}

static RvInstance *
instance (const char *kind, const char *text, const char *path)
{
  g_autoptr (RvMistakes) mistakes = rv_mistakes_new ();
  g_autoptr (RvValue) value = rv_yaml_parse (text, strlen (text), path, mistakes);
  g_autoptr (GError) error = NULL;
  RvInstance *made = value ? rv_instance_new (kind, FALSE, value, path, NULL, NULL, mistakes) : NULL;
  if (rv_mistakes_raise (mistakes, &error))
    {
      fprintf (stderr, "%s\n", error->message);
      exit (2);
    }
  return made;
}

static RvModel *
make_model (const RvDatasetSpec *spec, GError **error)
{
  Layers layers = make_layers ();
  RvInstance *items[MOST];
  for (uint32_t k = 0; k < layers.n; k++)
    {
      g_autofree char *path = g_strdup_printf ("network.%u", k);
      items[k] = instance ("layer", layers.layers[k], path);
      g_free (layers.layers[k]);
    }
  const RvInstances network = { layers.n, items };
  g_autoptr (RvInstance) decoder = instance ("decoder", "mean-membrane", "decoder");
  g_autoptr (RvInstance) loss = instance ("loss", "cross-entropy", "loss");
  RvModel *model = rv_model_new (&network, decoder, loss, spec, 1, error);
  for (uint32_t k = 0; k < layers.n; k++)
    rv_instance_unref (items[k]);
  return model;
}

/* ---- what is measured */

typedef struct
{
  double spikes[RV_TILE_SLOTS], places[RV_TILE_SLOTS];
} Firing;

static void
count_tile (void *self, const RvTileView *view)
{
  Firing *firing = self;
  for (uint32_t l = 0; l + 1 < MOST && view->layers[l].units != view->classes; l++)
    if (view->layers[l].offsets)
      {
        const size_t rows = (size_t)view->layers[l].steps * view->layers[l].samples;
        firing->spikes[view->slot] += view->layers[l].offsets[rows];
        firing->places[view->slot] += (double)rows * view->layers[l].units;
      }
}

static double
peak_megabytes (void)
{
  g_autofree char *text = NULL;
  const char *at
      = g_file_get_contents ("/proc/self/status", &text, NULL, NULL) ? strstr (text, "VmHWM:") : NULL;
  return at ? strtod (at + strlen ("VmHWM:"), NULL) / 1024.0 : 0.0;
}

static int
by_size (const void *a, const void *b)
{
  const double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

int
main (int argc, char **argv)
{
  g_autoptr (GOptionContext) context = g_option_context_new ("- a step of a convolutional network");
  g_autoptr (GError) error = NULL;
  g_option_context_add_main_entries (context, options, NULL);
  if (!g_option_context_parse (context, &argc, &argv, &error) || batch < 1 || steps < 1)
    {
      fprintf (stderr, "%s\n", error ? error->message : "batch and steps are at least 1");
      return 2;
    }
  rv_threads_set ((uint32_t)threads);
  const RvDatasetSpec spec = { .form = RV_FORM_STATIC,
                               .samples = (uint32_t)batch,
                               .units = 3072,
                               .dims = { 3, 32, 32 },
                               .steps = (uint32_t)steps,
                               .classes = 10,
                               .split = "train" };
  g_autoptr (RvDataset) data = rv_dataset_new (&spec, read_image, NULL, NULL);
  g_autoptr (RvModel) model = make_model (&spec, &error);
  if (!model)
    {
      fprintf (stderr, "%s\n", error->message);
      return 1;
    }
  g_autoptr (RvInstance) optimizer = instance ("optimizer", "{use: adam, rate: 1e-6}", "optimizer");
  g_autoptr (RvUpdater) updater = rv_updater_new (model, optimizer);
  g_autofree float *gradient = g_new (float, rv_model_parameter_count (model));
  const RvBatch all = { data, 0, NULL, (uint32_t)batch };
  double times[MOST], total = 0.0, share = 0.0;
  uint32_t n = 0;
  rv_model_set_training (model, TRUE);
  for (uint32_t k = 0; k < MOST && (k < 4 || total < seconds); k++)
    {
      const gint64 began = g_get_monotonic_time ();
      rv_model_gradient (model, NULL, &all, gradient, NULL, NULL);
      rv_updater_step (updater, model, gradient, 1.0);
      const double took = (double)(g_get_monotonic_time () - began) * 1e-6;
      total += took;
      if (k > 0) /* the first makes the work space */
        times[n++] = took;
    }
  qsort (times, n, sizeof (double), by_size);
  const double peak = peak_megabytes ();
  Firing firing = { { 0 } };
  const RvObserver observer = { .tile = count_tile, .self = &firing };
  rv_model_evaluate (model, NULL, &all, &observer, NULL, NULL);
  double spikes = 0.0, places = 0.0;
  for (uint32_t k = 0; k < RV_TILE_SLOTS; k++)
    {
      spikes += firing.spikes[k];
      places += firing.places[k];
    }
  printf (as_json ? "{\"net\": \"%s\", \"products\": \"%s\", \"batch\": %d, \"steps\": %d, \"threads\": %d, "
                    "\"seconds\": %.4f, "
                    "\"least\": %.4f, \"samples_per_second\": %.2f, \"peak_mb\": %.0f, \"firing\": %.4f}\n"
                  : "%s, %s, batch %d, T = %d, %d threads: %.3f s a step (at least %.3f), %.1f samples/s, "
                    "peak %.0f MB, firing %.3f\n",
          net, products, batch, steps, threads, times[n / 2], times[0], batch / times[n / 2], peak,
          spikes / places);
  if (with_profile)
    {
      rv_model_set_profiled (model, TRUE);
      rv_model_gradient (model, NULL, &all, gradient, NULL, NULL);
      g_autofree char *text = rv_model_profile (model, &share);
      fputs (text, stdout);
    }
  return 0;
}
