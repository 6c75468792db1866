/* Convolutions and pools of a network that spikes, done in two ways that must agree: spikes as bits, gathered or
 * multiplied, and as numbers; and products in bfloat16 beside those in float32. */
#include "base/threads.h"
#include "engine/bf16.h"
#include "grid-data.h"
#include "network.h"
#include <math.h>

#define SAMPLES 20 /* three tiles, the last of them shorter */
#define STEPS 3
#define MOST 6 /* layers */

#define LIF "{use: lif, leak: 0.75, threshold: 0.5, surrogate: {use: arctan, alpha: 2}}"
#define READOUT "{use: dense, units: 3, neuron: {use: leaky-integrator, leak: 0.75}}"

static RvModel *
make_model (const char *const *network, RvDataset *data)
{
  uint32_t layers = 0;
  while (layers < MOST && network[layers])
    layers++;
  return network_new (layers, network, "mean-membrane", "cross-entropy", rv_dataset_spec (data), 3);
}

/* The gradient over a batch, owned. */
static float *
gradient_of (const char *const *network, RvDataset *data, gboolean training, const float *parameters,
             RvScore *score)
{
  g_autoptr (RvModel) model = make_model (network, data);
  const RvBatch batch = { data, 0, NULL, SAMPLES };
  float *gradient = g_new (float, rv_model_parameter_count (model));
  rv_model_set_training (model, training);
  g_assert_true (rv_model_gradient (model, parameters, &batch, gradient, score, NULL));
  return gradient;
}

/* How far b is from a, as a share of its norm. */
static double
off_by (const float *a, const float *b, size_t n)
{
  double norm = 0.0, off = 0.0;
  for (size_t l = 0; l < n; l++)
    {
      norm += (double)a[l] * a[l];
      off += ((double)a[l] - b[l]) * ((double)a[l] - b[l]);
    }
  g_assert_cmpfloat (norm, >, 0.0);
  return sqrt (off / norm);
}

/* ---- bits and numbers */

typedef struct
{
  const char *name;
  const char *layers[MOST - 1];
} Case;

static const Case cases[] = {
  { "max",
    { "{use: conv2d, channels: 20, padding: 1, neuron: " LIF "}",
      "{use: pool, kernel: 3, stride: 2, padding: 1}",
      "{use: conv2d, channels: 6, kernel: 2, neuron: " LIF "}", READOUT } },
  { "max-wide",
    { "{use: conv2d, channels: 70, padding: 1, neuron: " LIF "}", "{use: pool, kernel: [3, 2], stride: 1}",
      "{use: conv2d, channels: 66, kernel: [1, 2], neuron: " LIF "}", READOUT } },
  { "max-narrow",
    { "{use: conv2d, channels: 5, padding: 1, neuron: " LIF "}", "pool",
      "{use: conv2d, channels: 18, kernel: [1, 3], padding: [0, 1], neuron: " LIF "}", READOUT } },
  { "max-last", { "{use: conv2d, channels: 7, padding: 1, neuron: " LIF "}", "pool", READOUT } },
  { "average",
    { "{use: conv2d, channels: 20, padding: 1, neuron: " LIF "}", "{use: pool, type: average, padding: 1}",
      "{use: conv2d, channels: 17, kernel: 2, neuron: " LIF "}", READOUT } },
  { "whole",
    { "{use: conv2d, channels: 33, neuron: " LIF "}", "{use: pool, type: sum, kernel: 0}", READOUT } },
  { "direct",
    { "{use: conv2d, channels: 130, padding: 1, neuron: " LIF "}",
      "{use: conv2d, channels: 9, stride: [2, 1], dilation: [1, 2], padding: 1, neuron: " LIF "}",
      READOUT } },
  { "packed",
    { "{use: conv2d, channels: 9, padding: 1, neuron: " LIF "}",
      "{use: conv2d, channels: 20, kernel: 2, neuron: " LIF "}", READOUT } },
  { "groups",
    { "{use: conv2d, channels: 68, groups: 2, padding: 1, neuron: " LIF "}",
      "{use: conv2d, channels: 6, groups: 2, neuron: " LIF "}", READOUT } },
  { "residual",
    { "{use: conv2d, channels: 16, padding: 1, neuron: " LIF "}",
      "{use: residual, neuron: " LIF
      ", layers: [{use: conv2d, channels: 16, padding: 1, bias: no}, batch-norm]}",
      "{use: residual, layers: [pool], shortcut: [{use: pool, type: average}]}", READOUT } },
  { "flatten", { "{use: conv2d, channels: 20, neuron: " LIF "}", "flatten", READOUT } },
};

/* A dropout that drops nothing hands its spikes on as numbers. */
static void
test_bits (gconstpointer user)
{
  const Case *c = user;
  const char *numbers[MOST]
      = { c->layers[0], "{use: dropout, share: 0}", c->layers[1], c->layers[2], c->layers[3] };
  for (int way = 0; way < 4; way++)
    {
      const Source source = { way < 2 ? RV_FORM_FRAMES : RV_FORM_STATIC, { 2, 4, 6 }, STEPS, SAMPLES, 1 };
      g_autoptr (RvDataset) data = make_data (&source);
      g_autoptr (RvModel) model = make_model (c->layers, data);
      const size_t n = rv_model_parameter_count (model);
      const float *parameters = rv_model_parameters (model); /* the other one's layers have other numbers */
      RvScore score, other;
      g_autofree float *bits = gradient_of (c->layers, data, way % 2, parameters, &score),
                       *same = gradient_of (numbers, data, way % 2, parameters, &other);
      g_test_message ("loss %g and %g, gradient off by %.2g", score.loss, other.loss, off_by (bits, same, n));
      g_assert_cmpfloat (fabs (score.loss - other.loss), <, 1e-6);
      g_assert_cmpuint (score.correct, ==, other.correct);
      g_assert_cmpfloat (off_by (bits, same, n), <, 1e-5);
    }
}

/* ---- bfloat16 */

/* Spikes and numbers in, more than one panel, and channels that fill no vector. */
#define HALF "weight-scale: 4, padding: 1, neuron: " LIF ", products: "
#define MIXED(PRODUCTS)                                                                                      \
  {                                                                                                          \
    "{use: conv2d, channels: 68, padding: 1, neuron: " LIF "}",                                              \
        "{use: conv2d, channels: 70, " HALF PRODUCTS "}", "{use: pool, type: average}",                      \
        "{use: conv2d, channels: 24, " HALF PRODUCTS "}", "{use: conv2d, channels: 7, " HALF PRODUCTS "}",   \
        "{use: dense, units: 3, neuron: {use: leaky-integrator, leak: 0.75}}"                                \
  }

static void
test_bfloat16 (void)
{
  static const char *const floats[] = MIXED ("float32"), *const halves[] = MIXED ("bfloat16");
  static const uint32_t counts[] = { 1, 2, 3, 7 };
  const Source source = { RV_FORM_FRAMES, { 2, 4, 6 }, STEPS, SAMPLES, 1 };
  if (!rv_bf16 ())
    {
      g_test_skip ("there are no products of bfloat16 here");
      return;
    }
  g_autoptr (RvDataset) data = make_data (&source);
  g_autoptr (RvModel) model = make_model (floats, data);
  const size_t n = rv_model_parameter_count (model);
  float *parameters = rv_model_parameters (model);
  RvScore score;
  for (size_t k = 0; k < n; k++) /* as bfloat16 holds them, so that both have the same spikes */
    {
      uint32_t bits;
      memcpy (&bits, &parameters[k], sizeof bits);
      bits &= 0xffff0000;
      memcpy (&parameters[k], &bits, sizeof bits);
    }
  g_autofree float *exact = gradient_of (floats, data, FALSE, parameters, &score), *first = NULL;
  for (guint k = 0; k < G_N_ELEMENTS (counts); k++)
    {
      rv_threads_set (counts[k]);
      g_autofree float *found = gradient_of (halves, data, FALSE, parameters, &score);
      if (first)
        g_assert_cmpint (memcmp (first, found, n * sizeof (float)), ==, 0);
      else
        first = g_steal_pointer (&found);
    }
  rv_threads_set (0);
  for (uint32_t k = 0; k < model->parameters->len; k++)
    {
      const RvParameter *p = rv_parameter (model, (RvHandle)k);
      const double off = off_by (exact + p->offset, first + p->offset, p->count);
      g_test_message ("%s: off by %.2g", p->name, off);
      g_assert_cmpfloat (off, <, 0.03);
      g_assert_true (p->layer == 0 || off > 0.0 || p->layer > 3 || g_str_has_suffix (p->name, ".bias"));
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (guint k = 0; k < G_N_ELEMENTS (cases); k++)
    {
      g_autofree char *path = g_strdup_printf ("/grid-products/bits/%s", cases[k].name);
      g_test_add_data_func (path, &cases[k], test_bits);
    }
  g_test_add_func ("/grid-products/bfloat16", test_bfloat16);
  return g_test_run ();
}
