/* Layers on a grid: the gradient of every tensor and of the input against finite differences of the relaxed network,
 * with running statistics and with those of the batch; the same bits for any number of threads; what is drawn; and
 * what is refused. */
#include "base/threads.h"
#include "network.h"

#define STEPS 3
#define SAMPLES 45 /* two tiles and a part of a third */
#define CLASSES 3
#define MOST 6 /* layers */

typedef struct
{
  const char *name;
  RvForm form;
  uint32_t dims[3];
  const char *layers[MOST];
} Case;

#define LEARNED                                                                                              \
  "{use: lif, leak: {learned: per-neuron, initial: 0.6}, threshold: {learned: shared, initial: 0.4}, "       \
  "surrogate: arctan}"
#define LIF "{use: lif, leak: 0.6, threshold: 0.4, surrogate: arctan}"
#define READOUT "{use: dense, units: 3, neuron: {use: leaky-integrator, leak: 0.8}}"

static const Case cases[] = {
  { "packed",
    RV_FORM_FRAMES,
    { 2, 5, 4 },
    { "{use: conv2d, channels: 5, kernel: [3, 2], stride: [2, 1], padding: [1, 0], dilation: [1, 2], "
      "neuron: " LEARNED "}",
      READOUT } },
  { "direct",
    RV_FORM_FRAMES,
    { 2, 5, 4 },
    { "{use: conv2d, channels: 20, padding: 1, neuron: " LIF "}",
      "{use: conv2d, channels: 7, kernel: [2, 3], stride: [1, 2], padding: [0, 1], neuron: " LIF "}",
      READOUT } },
  { "wide",
    RV_FORM_STATIC,
    { 3, 3, 3 },
    { "{use: conv2d, channels: 70, padding: 1, neuron: " LIF "}",
      "{use: conv2d, channels: 66, neuron: " LIF "}", READOUT } },
  { "groups",
    RV_FORM_SPIKES,
    { 4, 4, 3 },
    { "{use: conv2d, channels: 68, groups: 2, padding: 1, neuron: " LIF "}",
      "{use: conv2d, channels: 6, groups: 2, neuron: " LIF "}", READOUT } },
  { "norm",
    RV_FORM_FRAMES,
    { 2, 4, 4 },
    { "{use: conv2d, channels: 20, padding: 1, bias: no}", "{use: batch-norm, alpha: 0.7, threshold: 0.9}",
      "{use: neurons, neuron: " LEARNED "}", "{use: pool, type: average}", "flatten", READOUT } },
  { "norm-static",
    RV_FORM_STATIC,
    { 2, 4, 4 },
    { "{use: conv2d, channels: 4, padding: 1}", "batch-norm", "{use: neurons, neuron: " LIF "}",
      "{use: pool, type: sum, kernel: [2, 1], stride: 1}", READOUT } },
  { "norm-tile",
    RV_FORM_STATIC,
    { 2, 4, 4 },
    { "batch-norm", "{use: conv2d, channels: 4, padding: 1, bias: no}", "{use: batch-norm, statistics: tile}",
      "{use: neurons, neuron: " LIF "}", READOUT } },
  { "norm-last",
    RV_FORM_STATIC,
    { 2, 3, 3 },
    { "{use: conv2d, channels: 4, neuron: " LIF "}", "{use: batch-norm, learned: no}", READOUT } },
  { "residual",
    RV_FORM_STATIC,
    { 2, 4, 4 },
    { "{use: conv2d, channels: 16, padding: 1, neuron: " LIF "}",
      "{use: residual, neuron: " LIF ", layers: [{use: conv2d, channels: 18, stride: 2, padding: 1, bias: "
      "no}, batch-norm, {use: neurons, neuron: " LIF
      "}, {use: conv2d, channels: 18, padding: 1, bias: no}, batch-norm], shortcut: [{use: conv2d, channels: "
      "18, kernel: 1, stride: 2, bias: no}, batch-norm]}",
      "{use: residual, layers: [{use: residual, layers: [{use: conv2d, channels: 18, kernel: 1}], shortcut: "
      "[batch-norm]}]}",
      "{use: conv2d, channels: 5, kernel: 2}", READOUT } },
  { "max",
    RV_FORM_FRAMES,
    { 2, 5, 5 },
    { "{use: conv2d, channels: 20, padding: 1}", "{use: pool, kernel: 3, stride: 2, padding: 1}",
      "{use: neurons, neuron: " LIF "}", "{use: pool, kernel: 2, stride: 1}", READOUT } },
  { "dropout",
    RV_FORM_FRAMES,
    { 3, 3, 3 },
    { "{use: dropout, share: 0.3}", "{use: conv2d, channels: 16, padding: 1, neuron: " LIF "}",
      "{use: dropout, share: 0.5}", "{use: conv2d, channels: 4, kernel: 3, neuron: " LIF "}", READOUT } },
  { "sum-input", /* whose pixels lie closer than those of a convolution */
    RV_FORM_STATIC,
    { 2, 5, 8 },
    { "{use: residual, neuron: " LIF
      ", layers: [{use: conv2d, channels: 2, padding: 1}], shortcut: [batch-norm]}",
      "{use: residual, layers: [{use: conv2d, channels: 2, kernel: 1}]}", READOUT } },
  { "sum-first",
    RV_FORM_FRAMES,
    { 3, 4, 4 },
    { "{use: residual, layers: [batch-norm, {use: dropout, share: 0.3}], shortcut: [{use: conv2d, channels: "
      "3, kernel: 1}, batch-norm]}",
      "{use: residual, neuron: " LIF
      ", layers: [{use: pool, type: average}], shortcut: [{use: conv2d, channels: 3, stride: 2, kernel: 2}]}",
      READOUT } },
  { "drops", /* one after the other, and on a sum */
    RV_FORM_STATIC,
    { 2, 3, 3 },
    { "{use: conv2d, channels: 4, kernel: 1}",
      "{use: residual, layers: [dropout, {use: dropout, share: 0.2}, {use: dropout, share: 0.1}, {use: "
      "dropout, share: "
      "0.1}, {use: dropout, share: 0.1}, {use: dropout, share: 0.1}]}",
      "{use: dropout, share: 0.2}", "{use: pool, type: average, stride: 1}",
      "{use: neurons, neuron: " LIF "}", READOUT } },
  { "graded",
    RV_FORM_FRAMES,
    { 2, 3, 3 },
    { "{use: conv2d, channels: 4, neuron: {use: leaky-integrator, leak: {learned: shared, initial: 0.5}}}",
      "{use: dense, units: 6, recurrent: yes, neuron: " LIF "}", READOUT } },
};

/* ---- data */

typedef struct
{
  const Case *c;
  float *shift; /* [samples][steps or 1][units]: added to what is drawn; or NULL */
} Source;

static uint32_t
units_of (const Case *c)
{
  return c->dims[0] * c->dims[1] * c->dims[2];
}

static gboolean
read_recording (gconstpointer self, uint64_t epoch, uint32_t id, RvRecording *out, GError **error)
{
  const Source *source = self;
  const Case *c = source->c;
  const uint32_t units = units_of (c), steps = c->form == RV_FORM_STATIC ? 1 : STEPS;
  const RvStream stream = rv_stream_fork (rv_stream_new (7, "", "data", ""), id);
  out->label = id % CLASSES;
  if (c->form == RV_FORM_SPIKES)
    {
      rv_recording_set_spikes (out, STEPS, units, (size_t)STEPS * units);
      uint32_t n = 0;
      for (uint32_t t = 0; t < STEPS; t++)
        {
          out->offsets[t] = n;
          for (uint32_t k = 0; k < units; k++)
            if (rv_stream_uniform (stream, t * units + k) < 0.4f)
              out->ids[n++] = k;
        }
      out->offsets[STEPS] = n;
      return TRUE;
    }
  float *values = c->form == RV_FORM_STATIC ? rv_recording_set_static (out, units)
                                            : rv_recording_set_frames (out, STEPS, units);
  out->steps = STEPS;
  for (uint32_t k = 0; k < steps * units; k++)
    values[k] = (float)rv_stream_normal (stream, k)
                + (source->shift ? source->shift[(size_t)id * steps * units + k] : 0.0f);
  return TRUE;
}

static RvDataset *
make_data (Source *source)
{
  const Case *c = source->c;
  RvDatasetSpec spec = { .form = c->form,
                         .samples = SAMPLES,
                         .units = units_of (c),
                         .dims = { c->dims[0], c->dims[1], c->dims[2] },
                         .steps = STEPS,
                         .classes = CLASSES,
                         .split = "train" };
  return rv_dataset_new (&spec, read_recording, source, NULL);
}

static RvModel *
make_model (const Case *c, RvDataset *data)
{
  uint32_t n = 0;
  while (n < MOST && c->layers[n])
    n++;
  return network_new (n, c->layers, "mean-membrane", "cross-entropy", rv_dataset_spec (data), 3);
}

/* Loss in the mode at hand: of a model that is trained by the statistics of the batch. */
static double
loss_of (RvModel *model, const float *parameters, const RvBatch *batch, gboolean training)
{
  g_autoptr (GError) error = NULL;
  g_autofree float *gradient = g_new (float, rv_model_parameter_count (model));
  RvScore score;
  g_assert_true (training ? rv_model_gradient (model, parameters, batch, gradient, &score, &error)
                          : rv_model_evaluate (model, parameters, batch, NULL, &score, &error));
  return score.loss;
}

static void
check_tensors (const Case *c, gboolean training)
{
  g_autoptr (GError) error = NULL;
  Source source = { c, NULL };
  g_autoptr (RvDataset) data = make_data (&source);
  g_autoptr (RvModel) model = make_model (c, data);
  const RvBatch batch = { data, 0, NULL, SAMPLES };
  const size_t n = rv_model_parameter_count (model);
  rv_model_set_relaxed (model, TRUE);
  rv_model_set_training (model, training);
  g_autofree float *w = g_memdup2 (rv_model_parameters (model), n * sizeof (float)),
                   *gradient = g_new (float, n), *moved = g_new (float, n);
  g_assert_true (rv_model_gradient (model, w, &batch, gradient, NULL, &error));
  for (uint32_t k = 0; k < rv_model_tensors (model); k++)
    {
      RvModelTensor tensor;
      rv_model_describe_tensor (model, k, &tensor);
      const uint32_t size = tensor.rows * tensor.columns;
      g_autofree float *g = g_new (float, size), *values = g_new (float, size),
                       *direction = g_new (float, size);
      rv_model_get_tensor (model, k, gradient, g);
      double norm = 0.0, expected = 0.0, loss[2];
      for (uint32_t j = 0; j < size; j++)
        norm += (double)g[j] * g[j];
      norm = sqrt (norm);
      if (tensor.role == RV_ROLE_RUNNING)
        {
          g_assert_cmpfloat (norm, ==, 0.0);
          continue;
        }
      const RvStream stream = rv_stream_new (k, "direction", NULL, NULL);
      double length = 0.0;
      for (uint32_t j = 0; j < size; j++) /* along the gradient, and somewhere else */
        {
          direction[j] = (float)(g[j] / MAX (norm, 1e-12) + 0.5 * rv_stream_normal (stream, j) / sqrt (size));
          length += (double)direction[j] * direction[j];
        }
      for (uint32_t j = 0; j < size; j++)
        expected += (double)g[j] * direction[j] / sqrt (length);
      for (int side = 0; side < 2; side++)
        {
          memcpy (moved, w, n * sizeof (float));
          rv_model_get_tensor (model, k, w, values);
          for (uint32_t j = 0; j < size; j++)
            values[j] += (side ? -1e-2f : 1e-2f) * direction[j] / (float)sqrt (length);
          rv_model_put_tensor (model, k, values, moved);
          loss[side] = loss_of (model, moved, &batch, training);
        }
      const double found = (loss[0] - loss[1]) / 2e-2;
      g_test_message ("%s: finite difference %g, gradient %g", tensor.name, found, expected);
      g_assert_cmpfloat (fabs (found - expected), <, 2e-4 + 2e-2 * fabs (expected));
    }
}

static void
test_running (gconstpointer user)
{
  check_tensors (user, FALSE);
}

static void
test_batch (gconstpointer user)
{
  check_tensors (user, TRUE);
}

/* ---- dL/dinput */

typedef struct
{
  const Case *c;
  float *gradient; /* [samples][steps][units] */
} Seen;

static void
see_gradient (void *self, const RvTileView *view)
{
  Seen *seen = self;
  const RvSignal *g = view->input_gradient;
  for (uint32_t s = 0; s < view->samples; s++)
    for (uint32_t t = 0; t < g->steps; t++)
      for (uint32_t k = 0; k < g->units; k++)
        seen->gradient[((size_t)(view->first + s) * g->steps + t) * g->units + k]
            = g->dense[((size_t)t * g->samples + s) * g->stride + k];
}

static void
test_input (gconstpointer user)
{
  const Case *c = user;
  g_autoptr (GError) error = NULL;
  const uint32_t steps = c->form == RV_FORM_STATIC ? 1 : STEPS;
  const size_t n = (size_t)SAMPLES * steps * units_of (c);
  g_autofree float *gradient = g_new0 (float, n), *shift = g_new0 (float, n);
  Source source = { c, shift };
  Seen seen = { c, gradient };
  g_autoptr (RvDataset) data = make_data (&source);
  g_autoptr (RvModel) model = make_model (c, data);
  const RvBatch batch = { data, 0, NULL, SAMPLES };
  const RvObserver observer = { .tile = see_gradient, .self = &seen };
  rv_model_set_relaxed (model, TRUE);
  g_assert_true (rv_model_input_gradient (model, NULL, &batch, NULL, &observer, NULL, &error));
  double norm = 0.0, loss[2];
  for (size_t k = 0; k < n; k++)
    norm += (double)gradient[k] * gradient[k];
  norm = sqrt (norm);
  g_assert_cmpfloat (norm, >, 1e-3);
  for (int side = 0; side < 2; side++)
    {
      for (size_t k = 0; k < n; k++)
        shift[k] = (side ? -1e-1f : 1e-1f) * gradient[k] / (float)norm;
      loss[side] = loss_of (model, rv_model_parameters (model), &batch, FALSE) * SAMPLES;
    }
  const double found = (loss[0] - loss[1]) / 2e-1;
  g_test_message ("finite difference %g, gradient %g", found, norm);
  g_assert_cmpfloat (fabs (found - norm), <, 2e-2 * norm);
}

/* ---- threads: gradient and running statistics */

static void
test_threads (gconstpointer user)
{
  const Case *c = user;
  static const uint32_t counts[] = { 1, 2, 3, 4, 7 };
  g_autofree float *first = NULL;
  for (guint k = 0; k < G_N_ELEMENTS (counts); k++)
    {
      g_autoptr (GError) error = NULL;
      Source source = { c, NULL };
      rv_threads_set (counts[k]);
      g_autoptr (RvDataset) data = make_data (&source);
      g_autoptr (RvModel) model = make_model (c, data);
      const RvBatch batch = { data, 0, NULL, SAMPLES };
      const size_t n = rv_model_parameter_count (model);
      g_autofree float *both = g_new (float, 2 * n);
      rv_model_set_training (model, TRUE);
      for (int twice = 0; twice < 2; twice++) /* the second with rooms that were used */
        g_assert_true (rv_model_gradient (model, NULL, &batch, both, NULL, &error));
      memcpy (both + n, rv_model_parameters (model), n * sizeof (float));
      if (first)
        g_assert_cmpint (memcmp (first, both, 2 * n * sizeof (float)), ==, 0);
      else
        first = g_memdup2 (both, 2 * n * sizeof (float));
    }
  rv_threads_set (0);
}

/* ---- what is refused */

static void
test_refused (void)
{
  static const struct
  {
    const char *layers[MOST], *message;
  } wrong[] = {
    { { "{use: conv2d, channels: 4, kernel: 5}", READOUT },
      "network.0: layer/conv2d: the window spans 5 rows, but its input has 4 and a padding of 0 on both "
      "sides" },
    { { "{use: conv2d, channels: 4, groups: 3}", READOUT },
      "network.0: layer/conv2d: 3 groups divide neither or only one of the 2 channels of its input and its "
      "own 4" },
    { { READOUT, "{use: conv2d, channels: 3, kernel: 1}" },
      "network.1: layer/conv2d is on a grid, but layer/dense before it is not: layers on a grid come first" },
    { { "{use: conv2d, channels: 3}" },
      "the last layer of the network is on a grid; end with a layer whose units are the classes, such as "
      "layer/dense" },
    { { "{use: residual, layers: [{use: conv2d, channels: 5, padding: 1}]}", READOUT },
      "network.0: layer/residual: its layers hand on 5 x 4 x 4 (channels, height, width), but its shortcut 2 "
      "x 4 x 4" },
    { { "{use: residual, layers: [flatten, pool]}", READOUT },
      "network.0: layer/residual: layers.1: layer/pool: its input was flattened and has no grid any more; "
      "take layer/flatten away" },
    { { "{use: residual, layers: [{use: dense, units: 3}]}", READOUT },
      "network.0: layer/residual: layers.0: layer/dense goes step by step and can not stand within a layer "
      "on a grid" },
    { { "{use: conv2d, channels: 4, kernel: [1, 2, 3]}", READOUT },
      "network.0: layer/conv2d: kernel takes one number, or two: [height, width]" },
    { { "{use: pool, padding: 2}", READOUT },
      "network.0: layer/pool: padding 2 is more than half of kernel 2" },
  };
  const RvDatasetSpec spec = {
    .form = RV_FORM_STATIC, .samples = 1, .units = 32, .dims = { 2, 4, 4 }, .steps = STEPS, .classes = CLASSES
  };
  for (guint k = 0; k < G_N_ELEMENTS (wrong); k++)
    {
      g_autoptr (GError) error = NULL;
      RvInstance *items[MOST];
      RvInstances network = { 0, items };
      for (; network.n < MOST && wrong[k].layers[network.n]; network.n++)
        items[network.n] = network_instance ("layer", wrong[k].layers[network.n], "network");
      g_autoptr (RvInstance) decoder = network_instance ("decoder", "rate", "decoder"),
                             loss = network_instance ("loss", "mse", "loss");
      g_assert_null (rv_model_new (&network, decoder, loss, &spec, 1, &error));
      g_assert_nonnull (error);
      g_assert_cmpstr (error->message, ==, wrong[k].message);
      for (uint32_t l = 0; l < network.n; l++)
        rv_instance_unref (items[l]);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (guint k = 0; k < G_N_ELEMENTS (cases); k++)
    {
      static const struct
      {
        const char *name;
        GTestDataFunc test;
      } tests[] = { { "running", test_running },
                    { "batch", test_batch },
                    { "input", test_input },
                    { "threads", test_threads } };
      for (guint l = 0; l < G_N_ELEMENTS (tests); l++)
        {
          g_autofree char *path = g_strdup_printf ("/grid/%s/%s", tests[l].name, cases[k].name);
          if (tests[l].test != test_input || cases[k].form != RV_FORM_SPIKES)
            g_test_add_data_func (path, &cases[k], tests[l].test);
        }
    }
  g_test_add_func ("/grid/refused", test_refused);
  return g_test_run ();
}
