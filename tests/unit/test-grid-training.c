/* What a network on a grid keeps, and what training changes in it: dropout, drawn by epoch, recording and place alone;
 * running statistics by hand; and copies, other lengths, checkpoints and other neurons, which are the same network. */
#include "data/npz.h"
#include "engine/job.h"
#include "grid-data.h"
#include "network.h"
#include "pipeline/revive.h"
#include <glib/gstdio.h>
#include <math.h>

#define LIF "{use: lif, leak: 0.75, threshold: 0.5, surrogate: {use: arctan, alpha: 2}}"
#define READOUT "{use: dense, units: 3, neuron: {use: leaky-integrator, leak: 0.75}}"
#define MOST 6 /* layers */

static RvModel *
make_model (const char *const *layers, RvDataset *data)
{
  uint32_t n = 0;
  while (n < MOST && layers[n])
    n++;
  return network_new (n, layers, "mean-membrane", "cross-entropy", rv_dataset_spec (data), 3);
}

/* The gradient of the first n recordings of an epoch, or of those with `ids`; owned. */
static float *
gradient_of (RvModel *model, RvDataset *data, uint64_t epoch, const uint32_t *ids, uint32_t n)
{
  const RvBatch batch = { data, epoch, ids, n };
  float *gradient = g_new (float, rv_model_parameter_count (model));
  g_assert_true (rv_model_gradient (model, NULL, &batch, gradient, NULL, NULL));
  return gradient;
}

static RvHandle
find (const RvModel *model, const char *name)
{
  for (uint32_t k = 0; k < model->parameters->len; k++)
    if (strcmp (rv_parameter (model, (RvHandle)k)->name, name) == 0)
      return (RvHandle)k;
  g_error ("there is no %s", name);
}

/* The numbers of a tensor, owned. */
static float *
tensor_of (const RvModel *model, const float *parameters, const char *name)
{
  RvModelTensor tensor;
  const uint32_t index = (uint32_t)find (model, name);
  rv_model_describe_tensor (model, index, &tensor);
  float *values = g_new (float, tensor.rows *tensor.columns);
  rv_model_get_tensor (model, index, parameters, values);
  return values;
}

static void
assert_same (const float *a, const float *b, size_t n)
{
  g_assert_cmpint (memcmp (a, b, n * sizeof (float)), ==, 0);
}

/* ---- dropout: where the gradient of a weight is zero its input was dropped */

#define PLACES (3 * 8 * 10)
#define DROP_STEPS 4

typedef struct
{
  uint32_t step;   /* the only one whose frames are not zero */
  uint32_t silent; /* a recording that is zero */
} Ones;

static gboolean
read_ones (gconstpointer self, uint64_t epoch, uint32_t id, RvRecording *out, GError **error)
{
  const Ones *ones = self;
  float *values = rv_recording_set_frames (out, DROP_STEPS, PLACES);
  out->label = id % CLASSES;
  for (uint32_t k = 0; k < DROP_STEPS * PLACES; k++)
    values[k] = id != ones->silent && k / PLACES == ones->step ? 1.0f : 0.0f;
  return TRUE;
}

static RvDataset *
make_ones (Ones *ones, const char *split)
{
  const RvDatasetSpec spec = { .form = RV_FORM_FRAMES,
                               .samples = 100,
                               .units = PLACES,
                               .dims = { 3, 8, 10 },
                               .steps = DROP_STEPS,
                               .classes = CLASSES,
                               .split = split };
  return rv_dataset_new (&spec, read_ones, ones, NULL);
}

/* The places of a recording that stay, and how many. */
typedef struct
{
  uint8_t stays[PLACES];
  uint32_t n;
} Mask;

static Mask
mask_of (RvModel *model, const Ones *ones, const char *split, uint64_t epoch, const uint32_t *ids, uint32_t n)
{
  Ones own = *ones;
  g_autoptr (RvDataset) data = make_ones (&own, split);
  g_autofree float *gradient = gradient_of (model, data, epoch, ids, n);
  g_autofree char *name = g_strdup_printf ("network.%u.weight", rv_model_layers (model) - 1);
  g_autofree float *weight = tensor_of (model, gradient, name);
  Mask mask = { .n = 0 };
  double least = HUGE_VAL, largest = 0.0;
  for (uint32_t k = 0; k < PLACES; k++)
    {
      const double x = fabs (weight[k]); /* of class 0 */
      mask.stays[k] = x > 0.0;
      mask.n += mask.stays[k];
      least = x > 0.0 ? fmin (least, x) : least;
      largest = fmax (largest, x);
    }
  g_assert_cmpfloat (largest, <=, least * 1.000001); /* all that stays alike */
  return mask;
}

static gboolean
masks_equal (const Mask *a, const Mask *b)
{
  return memcmp (a->stays, b->stays, PLACES) == 0;
}

static void
test_dropout (void)
{
  static const char *const layers[] = { "{use: dropout, share: 0.3}", READOUT, NULL }, *const twice[] = {
    "{use: dropout, share: 0.3}", "{use: dropout, share: 0.3}", READOUT, NULL
  };
  static const uint32_t five[] = { 5 }, six[] = { 6 }, silent[] = { 99, 99, 99, 5 };
  const Ones first = { 0, 99 }, last = { DROP_STEPS - 1, 99 };
  Ones any = first;
  g_autoptr (RvDataset) data = make_ones (&any, "train");
  g_autoptr (RvModel) model = make_model (layers, data), other = make_model (twice, data);
  const Mask evaluated = mask_of (model, &first, "train", 0, five, 1);
  g_assert_cmpuint (evaluated.n, ==, PLACES);
  rv_model_set_training (model, TRUE);
  rv_model_set_training (other, TRUE);
  const Mask mask = mask_of (model, &first, "train", 0, five, 1);
  const Mask same[]
      = { mask_of (model, &first, "train", 0, five, 1), mask_of (model, &last, "train", 0, five, 1) };
  const Mask differ[]
      = { mask_of (model, &first, "train", 0, six, 1), mask_of (model, &first, "train", 1, five, 1),
          mask_of (model, &first, "test", 0, five, 1), mask_of (other, &first, "train", 0, five, 1) };
  for (guint k = 0; k < G_N_ELEMENTS (same); k++)
    g_assert_true (masks_equal (&mask, &same[k]));
  for (guint k = 0; k < G_N_ELEMENTS (differ); k++)
    g_assert_false (masks_equal (&mask, &differ[k]));
  /* behind others of the batch, whose input is zero */
  const Mask moved = mask_of (model, &first, "train", 0, silent, 4);
  g_assert_true (masks_equal (&mask, &moved));
  uint64_t stay = 0, both = 0;
  const double n = 100.0 * PLACES;
  for (uint32_t id = 0; id < 100; id++)
    {
      const Ones none = { 0, 100 };
      stay += mask_of (model, &none, "train", 0, &id, 1).n;
      both += mask_of (other, &none, "train", 0, &id, 1).n;
    }
  g_test_message ("%.4f stay, after two %.4f", stay / n, both / n);
  g_assert_cmpfloat (fabs (stay / n - 0.7), <, 3.0 * sqrt (0.7 * 0.3 / n));
  g_assert_cmpfloat (fabs (both / n - 0.49), <, 3.0 * sqrt (0.49 * 0.51 / n));
}

/* What stays is divided by 1 - share: dL/dweight = dL/dcurrent x / (1 - share), and the bias gets dL/dcurrent of all
 * steps, of which only step 0 has an input. */
static void
test_dropout_scale (void)
{
  static const char *const layers[] = { "{use: dropout, share: 0.75}", READOUT, NULL };
  static const double leak = 0.75;
  Ones ones = { 0, 99 };
  double first = 0.0, all = 0.0;
  for (uint32_t t = 0; t < DROP_STEPS; t++) /* what a current at step t adds to the mean membrane */
    for (uint32_t u = t; u < DROP_STEPS; u++)
      {
        all += pow (leak, u - t) / DROP_STEPS;
        first += t == 0 ? pow (leak, u) / DROP_STEPS : 0.0;
      }
  g_autoptr (RvDataset) data = make_ones (&ones, "train");
  g_autoptr (RvModel) model = make_model (layers, data);
  rv_model_set_training (model, TRUE);
  g_autofree float *gradient = gradient_of (model, data, 0, NULL, 1),
                   *weight = tensor_of (model, gradient, "network.1.weight"),
                   *bias = tensor_of (model, gradient, "network.1.bias");
  for (uint32_t k = 0; k < PLACES; k++)
    if (weight[k] != 0.0f)
      g_assert_cmpfloat (fabs (weight[k] - bias[0] * first / all / 0.25), <, 1e-6);
}

/* ---- running statistics */

typedef struct
{
  RvForm form;
  gboolean tiles;
} Norm;

typedef struct
{
  const float *mean, *variance, *weight, *bias; /* [channels] */
  const Source *source;
  RvDataset *data;
  double factor;
} Normalised;

static void
compare_normalised (void *self, const RvTileView *view)
{
  const Normalised *norm = self;
  const RvSignal *out = &view->layers[0];
  const uint32_t pixels = norm->source->dims[1] * norm->source->dims[2];
  g_auto (RvRecording) rec = { 0 };
  g_assert_nonnull (out->dense);
  for (uint32_t s = 0; s < view->samples; s++)
    {
      g_assert_true (rv_dataset_read (norm->data, 0, view->ids[s], &rec, NULL));
      for (uint32_t k = 0; k < out->steps * out->units; k++)
        {
          const uint32_t t = k / out->units, unit = k % out->units, c = unit / pixels;
          const double x = (rec.values[k] - norm->mean[c]) / sqrt (norm->variance[c] + 1e-5),
                       expected = norm->factor * norm->weight[c] * x + norm->bias[c];
          g_assert_cmpfloat (
              fabs (out->dense[((size_t)t * out->samples + s) * out->stride + unit] - expected), <,
              1e-5 * (1.0 + fabs (expected)));
        }
    }
}

/* Mean and unbiased variance of a channel over recordings first ... first + n - 1; what is static counts at every
 * step. */
static void
moments_of (const Source *source, RvDataset *data, uint32_t c, uint32_t first, uint32_t n, double *mean,
            double *variance)
{
  const uint32_t pixels = source->dims[1] * source->dims[2], units = source->dims[0] * pixels;
  g_auto (RvRecording) rec = { 0 };
  double sum = 0.0, squares = 0.0, count = 0.0;
  for (int pass = 0; pass < 2; pass++)
    for (uint32_t s = first; s < first + n; s++)
      {
        g_assert_true (rv_dataset_read (data, 0, s, &rec, NULL));
        for (uint32_t t = 0; t < source->steps; t++)
          for (uint32_t k = 0; k < pixels; k++)
            {
              const double x = rec.values[(source->form == RV_FORM_STATIC ? 0 : t * units) + c * pixels + k];
              sum += pass ? 0.0 : x;
              count += pass ? 0.0 : 1.0;
              squares += pass ? (x - sum / count) * (x - sum / count) : 0.0;
            }
      }
  *mean = sum / count;
  *variance = squares / (count - 1.0);
}

static void
test_running (gconstpointer user)
{
  const Norm *norm = user;
  const char *const layers[]
      = { norm->tiles ? "{use: batch-norm, statistics: tile, momentum: 0.25, alpha: 0.5, threshold: 3}"
                      : "{use: batch-norm, momentum: 0.25, alpha: 0.5, threshold: 3}",
          READOUT, NULL };
  const Source source = { norm->form, { 3, 2, 4 }, 3, 20, 1 };
  g_autoptr (RvDataset) data = make_data (&source);
  g_autoptr (RvModel) model = make_model (layers, data);
  const RvBatch batch = { data, 0, NULL, source.samples };
  const uint32_t tile = norm->tiles ? rv_tile_samples (model, source.samples) : source.samples,
                 tiles = (source.samples + tile - 1) / tile;
  double expected[2][3] = { { 0.0, 0.0, 0.0 }, { 1.0, 1.0, 1.0 } };
  g_assert_true (!norm->tiles || tiles == 3);
  rv_model_set_training (model, TRUE);
  for (int twice = 0; twice < 2; twice++)
    {
      g_autofree float *gradient = gradient_of (model, data, 0, NULL, source.samples);
      for (uint32_t c = 0; c < 3; c++)
        {
          double sums[2] = { 0.0, 0.0 };
          for (uint32_t k = 0; k < tiles; k++)
            {
              double mean, variance;
              moments_of (&source, data, c, k * tile, MIN (tile, source.samples - k * tile), &mean,
                          &variance);
              sums[0] += mean / tiles;
              sums[1] += variance / tiles;
            }
          for (int k = 0; k < 2; k++)
            expected[k][c] = 0.75 * expected[k][c] + 0.25 * sums[k];
        }
    }
  g_autofree float *mean = tensor_of (model, model->values, "network.0.running_mean"),
                   *variance = tensor_of (model, model->values, "network.0.running_var"),
                   *weight = tensor_of (model, model->values, "network.0.weight"),
                   *bias = tensor_of (model, model->values, "network.0.bias");
  for (uint32_t c = 0; c < 3; c++)
    {
      g_test_message ("channel %u: %g, %g", c, mean[c], variance[c]);
      g_assert_cmpfloat (fabs (mean[c] - expected[0][c]), <, 1e-6);
      g_assert_cmpfloat (fabs (variance[c] - expected[1][c]), <, 1e-6);
      weight[c] = 1.0f + 0.25f * (float)c;
      bias[c] = 0.5f - (float)c;
    }
  rv_model_put_tensor (model, (uint32_t)find (model, "network.0.weight"), weight, model->values);
  rv_model_put_tensor (model, (uint32_t)find (model, "network.0.bias"), bias, model->values);
  Normalised seen = { mean, variance, weight, bias, &source, data, 1.5 };
  const RvObserver observer = { .tile = compare_normalised, .self = &seen };
  g_assert_true (
      rv_model_evaluate (model, NULL, &batch, &observer, NULL, NULL)); /* also while it is trained */
  rv_model_set_training (model, FALSE);
  g_assert_true (rv_model_evaluate (model, NULL, &batch, &observer, NULL, NULL));
  g_autofree float *before = g_memdup2 (model->values, model->count * sizeof (float)),
                   *gradient = gradient_of (model, data, 0, NULL, source.samples);
  assert_same (before, model->values, model->count); /* what is not trained moves no statistics */
}

/* ---- the same network */

#define LEARNED                                                                                              \
  "{use: lif, leak: {learned: per-neuron, initial: 0.6}, threshold: {learned: shared, initial: 0.4}, "       \
  "surrogate: arctan, start: uniform}"

static const char *const whole[] = {
  "{use: conv2d, channels: 18, padding: 1, neuron: " LEARNED "}",
  "{use: residual, neuron: " LIF ", layers: [{use: conv2d, channels: 20, stride: 2, bias: no, padding: 1}, "
  "batch-norm, {use: dropout, share: 0.2}], shortcut: [{use: pool, type: average}, "
  "{use: conv2d, channels: 20, kernel: 1}]}",
  "{use: pool, kernel: 2, stride: 1}",
  "{use: dense, units: 6, recurrent: yes, neuron: " LIF "}",
  READOUT,
  NULL,
};

static const Source source = { RV_FORM_FRAMES, { 2, 6, 4 }, 3, 20, 1 };

/* A model that was trained a little, so that nothing is as it was drawn. */
static RvModel *
trained (RvDataset *data)
{
  RvModel *model = make_model (whole, data);
  rv_model_set_training (model, TRUE);
  for (int step = 0; step < 3; step++)
    {
      g_autofree float *gradient = gradient_of (model, data, (uint64_t)step, NULL, source.samples);
      for (size_t k = 0; k < model->count; k++)
        model->values[k] -= 0.1f * gradient[k];
    }
  return model;
}

static void
test_copy (void)
{
  g_autoptr (RvDataset) data = make_data (&source);
  g_autoptr (RvModel) model = trained (data), copy = rv_model_copy (model);
  g_autofree float *values = g_memdup2 (model->values, model->count * sizeof (float)),
                   *theirs = gradient_of (copy, data, 7, NULL, source.samples);
  assert_same (values, model->values, model->count); /* whose running statistics stay its own */
  g_assert_cmpint (memcmp (values, copy->values, model->count * sizeof (float)), !=, 0);
  g_autofree float *own = gradient_of (model, data, 7, NULL, source.samples);
  assert_same (own, theirs, model->count);
  assert_same (model->values, copy->values, model->count);
  g_clear_pointer (&model, rv_model_unref); /* which leaves the other one whole */
  g_autofree float *again = gradient_of (copy, data, 7, NULL, source.samples);
  assert_same (own, again, copy->count);
}

static void
test_steps (void)
{
  static const uint32_t lengths[] = { 1, 2, 9, 40 };
  g_autoptr (RvDataset) data = make_data (&source);
  g_autoptr (RvModel) model = make_model (whole, data);
  g_autofree float *first
      = gradient_of (model, data, 0, NULL, source.samples); /* its rooms are of this length */
  for (guint k = 0; k < G_N_ELEMENTS (lengths); k++)
    {
      g_autoptr (GError) error = NULL;
      Source longer = source;
      longer.steps = lengths[k];
      g_autoptr (RvDataset) its = make_data (&longer);
      g_autoptr (RvModel) fresh = make_model (whole, its),
                          other = rv_model_at_steps (model, lengths[k], &error);
      g_assert_no_error (error);
      for (int training = 0; training < 2; training++)
        {
          rv_model_set_training (fresh, training);
          rv_model_set_training (other, training);
          g_autofree float *a = gradient_of (fresh, its, 0, NULL, source.samples),
                           *b = gradient_of (other, its, 0, NULL, source.samples);
          assert_same (a, b, fresh->count);
        }
      assert_same (fresh->values, other->values, fresh->count);
    }
}

static void
test_checkpoint (void)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *folder = g_dir_make_tmp ("ranvier-XXXXXX", &error);
  g_autofree char *path = g_build_filename (folder, "model.npz", NULL);
  g_autoptr (RvDataset) data = make_data (&source);
  g_autoptr (RvModel) model = trained (data), other = make_model (whole, data);
  g_assert_true (rv_model_save (model, path, &error));
  g_autoptr (GHashTable) members = rv_npz_read (path, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (g_hash_table_size (members), ==, rv_model_tensors (model));
  for (uint32_t k = 0; k < rv_model_tensors (model); k++)
    {
      RvModelTensor tensor;
      rv_model_describe_tensor (model, k, &tensor);
      g_assert_true (g_hash_table_contains (members, tensor.name));
    }
  g_assert_true (rv_model_fill (other, members, &error));
  assert_same (model->values, other->values, model->count);
  /* and from the recipe that stands beside it, layers within layers too */
  g_autoptr (GVariant) recipe = g_variant_ref_sink (rv_model_recipe (model));
  g_autoptr (RvModel) revived = rv_model_revive (recipe, rv_dataset_spec (data), path, &error);
  g_assert_no_error (error);
  assert_same (model->values, revived->values, model->count);
  RvModel *const all[] = { model, other, revived };
  g_autofree float *first = NULL;
  for (guint k = 0; k < G_N_ELEMENTS (all); k++)
    {
      rv_model_set_training (all[k], TRUE);
      g_autofree float *gradient = gradient_of (all[k], data, 4, NULL, source.samples);
      if (first)
        assert_same (first, gradient, model->count);
      else
        first = g_steal_pointer (&gradient);
    }
  g_remove (path);
  g_rmdir (folder);
}

/* ---- other neurons */

#define NEURON(LEAK, THRESHOLD)                                                                              \
  "{use: lif, leak: " LEAK ", threshold: " THRESHOLD ", surrogate: {use: arctan, alpha: 2}}"
#define WITH(LEAK, THRESHOLD)                                                                                \
  {                                                                                                          \
    "{use: conv2d, channels: 18, padding: 1, neuron: " NEURON (LEAK, "0.5") "}",                             \
        "{use: residual, neuron: " NEURON (LEAK, THRESHOLD) ", layers: [{use: conv2d, channels: 18, "        \
                                                            "padding: 1, neuron: " NEURON (LEAK,             \
                                                                                           "0.5") "}]}",     \
        "{use: pool, type: average}",                                                                        \
        "{use: dense, units: 3, neuron: {use: leaky-integrator, leak: " LEAK "}}", NULL                      \
  }

static double
halve (double x, void *user)
{
  ++*(uint32_t *)user;
  return x / 2.0;
}

static void
test_map (void)
{
  static const char *const layers[] = WITH ("0.75", "0.5"), *const halved[] = WITH ("0.375", "0.5"),
                           *const learned[] = WITH ("{learned: per-neuron, initial: 0.75}", "0.5");
  g_autoptr (RvDataset) data = make_data (&source);
  g_autoptr (RvModel) model = make_model (layers, data), other = make_model (halved, data),
                      raw = make_model (learned, data);
  uint32_t calls = 0;
  g_autofree float *before = gradient_of (model, data, 0, NULL, source.samples);
  g_assert_cmpuint (rv_model_map_neurons (model, "leak", halve, &calls), ==, 4);
  g_assert_cmpuint (rv_model_map_neurons (model, "strength", halve, &calls), ==, 0);
  g_autofree float *after = gradient_of (model, data, 0, NULL, source.samples),
                   *expected = gradient_of (other, data, 0, NULL, source.samples);
  assert_same (after, expected, model->count);
  g_assert_cmpint (memcmp (before, after, model->count * sizeof (float)), !=, 0);
  /* what is learned is kept as a logit: 0.375 = sigmoid (log (0.375 / 0.625)) */
  g_assert_cmpuint (rv_model_map_neurons (raw, "leak", halve, &calls), ==, 4);
  g_autofree float *leaks = tensor_of (raw, raw->values, "network.1.layers.0.neuron.leak");
  for (uint32_t k = 0; k < 18 * 6 * 4; k++)
    g_assert_cmpfloat (fabs (leaks[k] - log (0.375 / 0.625)), <, 1e-6);
}

static void
test_threshold (void)
{
  static const char *const layers[] = WITH ("0.75", "0.5"), *const raised[] = WITH ("0.75", "0.8"),
                           *const silent[] = WITH ("0.75", "1e5");
  g_autoptr (RvDataset) data = make_data (&source);
  g_autoptr (GError) error = NULL;
  g_autoptr (RvModel) model = make_model (layers, data), other = make_model (raised, data),
                      never = make_model (silent, data);
  const RvBatch batch = { data, 0, NULL, source.samples };
  RvScore score, expected;
  double norm = 0.0, theirs = 0.0;
  g_autofree float *before = gradient_of (model, data, 0, NULL, source.samples);
  g_assert_true (rv_model_set_threshold (model, 1, 0.8, &error));
  g_assert_true (rv_model_evaluate (model, NULL, &batch, NULL, &score, NULL));
  g_assert_true (rv_model_evaluate (other, NULL, &batch, NULL, &expected, NULL));
  g_assert_cmpfloat (score.loss, ==, expected.loss);
  /* nobody fires, but the slopes are where they were */
  g_assert_true (rv_model_set_threshold (model, 1, 1e5, &error));
  g_assert_true (rv_model_evaluate (model, NULL, &batch, NULL, &score, NULL));
  g_assert_true (rv_model_evaluate (never, NULL, &batch, NULL, &expected, NULL));
  g_assert_cmpfloat (score.loss, ==, expected.loss);
  g_autofree float *slopes = gradient_of (model, data, 0, NULL, source.samples),
                   *flat = gradient_of (never, data, 0, NULL, source.samples);
  const RvParameter *p = rv_parameter (model, find (model, "network.0.weight"));
  for (size_t k = p->offset; k < p->offset + p->count; k++)
    {
      norm += (double)slopes[k] * slopes[k];
      theirs += (double)flat[k] * flat[k];
    }
  g_assert_cmpfloat (norm, >, 1e6 * theirs);
  g_assert_true (rv_model_set_threshold (model, 1, NAN, &error));
  g_autofree float *after = gradient_of (model, data, 0, NULL, source.samples);
  assert_same (before, after, model->count);
  g_assert_false (rv_model_set_threshold (model, 2, 0.8, &error));
  g_assert_cmpstr (error->message, ==,
                   "layer 2 has no threshold that could be another: its layer/pool never fires");
}

int
main (int argc, char **argv)
{
  static const Norm norms[] = {
    { RV_FORM_FRAMES, FALSE }, { RV_FORM_STATIC, FALSE }, { RV_FORM_FRAMES, TRUE }, { RV_FORM_STATIC, TRUE }
  };
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/grid-training/dropout/masks", test_dropout);
  g_test_add_func ("/grid-training/dropout/scale", test_dropout_scale);
  for (guint k = 0; k < G_N_ELEMENTS (norms); k++)
    {
      g_autofree char *path
          = g_strdup_printf ("/grid-training/running/%s-%s", norms[k].tiles ? "tile" : "batch",
                             norms[k].form == RV_FORM_STATIC ? "static" : "frames");
      g_test_add_data_func (path, &norms[k], test_running);
    }
  g_test_add_func ("/grid-training/copy", test_copy);
  g_test_add_func ("/grid-training/steps", test_steps);
  g_test_add_func ("/grid-training/checkpoint", test_checkpoint);
  g_test_add_func ("/grid-training/map", test_map);
  g_test_add_func ("/grid-training/threshold", test_threshold);
  return g_test_run ();
}
