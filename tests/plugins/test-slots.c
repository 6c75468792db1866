/* The small plugins that fill slots, each against plain formulas or finite differences: surrogates, decoders,
 * losses, optimizers, schedules and initializers. */
#include "base/threads.h"
#include "pipeline/document.h"
#include "plugin/params.h"
#include <ranvier/ranvier.h>
#include <string.h>

static RvInstance *
make (const char *kind, const char *text)
{
  g_autoptr (RvMistakes) mistakes = rv_mistakes_new ();
  g_autoptr (RvValue) value = rv_yaml_parse (text, strlen (text), "test.yaml", mistakes);
  g_autoptr (GError) error = NULL;
  RvInstance *instance = value ? rv_instance_new (kind, FALSE, value, kind, NULL, NULL, mistakes) : NULL;
  rv_mistakes_raise (mistakes, &error);
  g_assert_no_error (error);
  g_assert_nonnull (instance);
  return instance;
}

/* A number in [-1, 1) that depends on k only. */
static float
noise (uint64_t k)
{
  return 2.0f * rv_stream_uniform (rv_stream_new (5, "", "noise", ""), k) - 1.0f;
}

/* The negated comparison fails for NaN too. */
static void
assert_near (double found, double expected, double tolerance, const char *what, uint64_t where)
{
  if (!(fabs (found - expected) <= tolerance))
    g_error ("%s, place %" G_GUINT64_FORMAT ": %.9g is not %.9g", what, where, found, expected);
}

/* ---- surrogates */

#define POINTS (RV_LANES * 201)
#define REACH 4.0f

typedef struct
{
  const char *name, *text;
  double kinks[3]; /* where fire has no second derivative; the rest repeats the first */
} SurrogateCase;

#define SMOOTH { 1e9, 1e9, 1e9 }

static const SurrogateCase surrogates[] = {
  { "arctan", "arctan", SMOOTH },
  { "arctan-flat", "{use: arctan, alpha: 0.7}", SMOOTH },
  { "sigmoid", "sigmoid", SMOOTH },
  { "sigmoid-steep", "{use: sigmoid, steepness: 10}", SMOOTH },
  { "multi-gaussian", "multi-gaussian", SMOOTH },
  { "multi-gaussian-all",
    "{use: multi-gaussian, width: 0.3, height-factor: 0.3, scale: 3, gain: 0.8}", SMOOTH },
  { "fast-sigmoid", "fast-sigmoid", { 0, 0, 0 } },
  { "fast-sigmoid-flat", "{use: fast-sigmoid, steepness: 2}", { 0, 0, 0 } },
  { "triangle", "triangle", { 0, -1, 1 } },
  { "triangle-narrow", "{use: triangle, width: 0.5}", { 0, -0.5, 0.5 } },
  { "rectangle", "rectangle", { -0.25, 0.25, 0.25 } },
  { "rectangle-one", "{use: rectangle, width: 0.7, height: one}", { -0.7, 0.7, 0.7 } },
};

static void
test_surrogate (gconstpointer user)
{
  const SurrogateCase *c = user;
  const float e = 1e-3f;
  g_autoptr (RvInstance) instance = make ("surrogate", c->text);
  const RvSurrogateClass *class = instance->plugin->functions;
  const size_t bytes = POINTS * sizeof (float);
  float *z = rv_aligned_alloc (bytes), *h = rv_aligned_alloc (bytes);
  float *right = rv_aligned_alloc (bytes), *left = rv_aligned_alloc (bytes);
  float *above = rv_aligned_alloc (bytes), *below = rv_aligned_alloc (bytes);
  uint32_t checked = 0;
  for (uint32_t k = 0; k < POINTS; k++)
    {
      z[k] = REACH * ((float) k + 0.5f) / POINTS * 2.0f - REACH;
      right[k] = z[k] + e;
      left[k] = z[k] - e;
    }
  class->slope[rv_isa ()] (instance->self, z, h, POINTS);
  class->fire (instance->self, right, above, POINTS);
  class->fire (instance->self, left, below, POINTS);
  for (uint32_t k = 0; k < POINTS; k++)
    {
      gboolean near = FALSE;
      for (guint j = 0; j < G_N_ELEMENTS (c->kinks); j++)
        near = near || fabs (z[k] - c->kinks[j]) < 2.0 * e;
      if (near)
        continue;
      const double found = ((double) above[k] - below[k]) / ((double) right[k] - left[k]);
      assert_near (h[k], found, 2e-3, c->name, k);
      checked++;
    }
  g_assert_cmpuint (checked, >, POINTS - 16);
  /* any multiple of the lanes, in place, and any clone that runs here gives the same bits */
  for (int isa = RV_ISA_BASELINE; isa <= rv_isa (); isa++)
    {
      memcpy (above, z, bytes);
      for (uint32_t k = 0, n = RV_LANES; k < POINTS; k += n, n = MIN (n + RV_LANES, POINTS - k))
        class->slope[isa] (instance->self, above + k, above + k, n);
      g_assert_cmpmem (above, bytes, h, bytes);
    }
  float *const all[] = { z, h, right, left, above, below };
  for (guint k = 0; k < G_N_ELEMENTS (all); k++)
    rv_aligned_free (all[k]);
}

static void
test_surrogate_values (void)
{
  static const float places[] = { 0.0f, 0.25f, 0.5f, 1.0f, 1.5f, 2.0f };
  static const double expected[] = { 0.4391, 0.3853, 0.2589, 0.0435, -0.0123, -0.0157 };
  g_autoptr (RvInstance) gaussian = make ("surrogate", "{use: multi-gaussian, width: 0.5}");
  g_autoptr (RvInstance) rectangle = make ("surrogate", "{use: rectangle, width: 0.25, height: unit-area}");
  const RvSurrogateClass *gaussian_class = gaussian->plugin->functions;
  const RvSurrogateClass *rectangle_class = rectangle->plugin->functions;
  float *z = rv_aligned_alloc (RV_LANES * sizeof (float)), *h = rv_aligned_alloc (RV_LANES * sizeof (float));
  for (guint k = 0; k < G_N_ELEMENTS (places); k++)
    {
      z[k] = places[k];
      z[k + G_N_ELEMENTS (places)] = -places[k];
    }
  gaussian_class->slope[rv_isa ()] (gaussian->self, z, h, RV_LANES);
  for (guint k = 0; k < G_N_ELEMENTS (places); k++)
    {
      assert_near (h[k], expected[k], 1e-4, "multi-gaussian", k);
      assert_near (h[k + G_N_ELEMENTS (places)], expected[k], 1e-4, "multi-gaussian, negative side", k);
    }
  for (guint k = 0; k < RV_LANES; k++)
    z[k] = ((float) k - 7.5f) / 10.0f;
  rectangle_class->slope[rv_isa ()] (rectangle->self, z, h, RV_LANES);
  for (guint k = 0; k < RV_LANES; k++)
    g_assert_cmpfloat (h[k], ==, fabsf (z[k]) < 0.25f ? 2.0f : 0.0f);
  rv_aligned_free (z);
  rv_aligned_free (h);
}

/* ---- decoders */

#define STEPS 7
#define CLASSES 5
#define STRIDE 16

typedef struct
{
  const char *name, *text;
  RvRead reads;
  uint32_t decisions;
  gboolean curved; /* its scores are not linear in the outputs */
} DecoderCase;

static const DecoderCase decoders[] = {
  { "rate", "rate", RV_READ_SPIKES, 1 },
  { "mean-membrane", "mean-membrane", RV_READ_MEMBRANE, 1 },
  { "rate-from", "{use: rate, from: 4}", RV_READ_SPIKES, 1 },
  { "mean-membrane-from", "{use: mean-membrane, from: -3}", RV_READ_MEMBRANE, 1 },
  { "last-step", "last-step", RV_READ_MEMBRANE, 1 },
  { "last-step-spikes", "{use: last-step, read: spikes}", RV_READ_SPIKES, 1 },
  { "each-step", "each-step", RV_READ_MEMBRANE, STEPS },
  { "each-step-from", "{use: each-step, from: 4, read: spikes}", RV_READ_SPIKES, STEPS - 4 },
  { "sum-of-softmaxes", "sum-of-softmaxes", RV_READ_MEMBRANE, 1, TRUE },
  { "each-step-last", "{use: each-step, from: -2}", RV_READ_MEMBRANE, 2 },
  { "sum-of-softmaxes-from", "{use: sum-of-softmaxes, from: 4}", RV_READ_MEMBRANE, 1, TRUE },
};

static void
softmax (uint32_t n, const double *x, double *p)
{
  double total = 0.0;
  for (uint32_t k = 0; k < n; k++)
    total += exp (x[k]);
  for (uint32_t k = 0; k < n; k++)
    p[k] = exp (x[k]) / total;
}

static double
sum_of_softmaxes (const float *out, uint32_t from, uint32_t label)
{
  double x[CLASSES], p[CLASSES], sum = 0.0;
  for (uint32_t t = from; t < STEPS; t++)
    {
      for (uint32_t k = 0; k < CLASSES; k++)
        x[k] = out[t * STRIDE + k];
      softmax (CLASSES, x, p);
      sum += p[label];
    }
  return sum;
}

/* What a decoder's scores should be, plainly: rate and mean-membrane are means, the others single steps. */
static double
plain_score (const DecoderCase *c, const float *out, uint32_t decision, uint32_t label)
{
  double sum = 0.0;
  const uint32_t from = g_str_has_suffix (c->name, "from") ? 4 : 0;
  if (c->curved)
    return sum_of_softmaxes (out, from, label);
  if (!g_str_has_prefix (c->name, "rate") && !g_str_has_prefix (c->name, "mean-membrane"))
    return out[(STEPS - c->decisions + decision) * STRIDE + label];
  for (uint32_t t = from; t < STEPS; t++)
    sum += out[t * STRIDE + label];
  return sum / (STEPS - from);
}

static void
test_decoder (gconstpointer user)
{
  const DecoderCase *c = user;
  g_autoptr (GError) error = NULL;
  g_autoptr (RvInstance) instance = make ("decoder", c->text);
  const RvDecoderClass *class = instance->plugin->functions;
  float out[STEPS * STRIDE], found[STEPS * STRIDE], scores[STEPS * CLASSES], weights[STEPS * CLASSES];
  g_assert_cmpint (class->reads (instance->self), ==, c->reads);
  g_assert_cmpuint (class->decisions (instance->self, STEPS, &error), ==, c->decisions);
  g_assert_no_error (error);
  /* what is behind the classes must not be read */
  for (uint32_t k = 0; k < STEPS * STRIDE; k++)
    {
      out[k] = k % STRIDE < CLASSES ? noise (k) : NAN;
      found[k] = 99.0f;
    }
  const uint32_t n = c->decisions * CLASSES;
  for (uint32_t k = 0; k < n; k++)
    weights[k] = noise (1000 + k);
  class->decode (instance->self, STEPS, CLASSES, STRIDE, out, scores);
  for (uint32_t k = 0; k < n; k++)
    assert_near (scores[k], plain_score (c, out, k / CLASSES, k % CLASSES), 1e-6, c->name, k);
  /* L = sum of weights times scores, whose gradient at the scores is the weights */
  class->adjoint (instance->self, STEPS, CLASSES, STRIDE, out, weights, found);
  for (uint32_t k = 0; k < STEPS * STRIDE; k++)
    {
      if (k % STRIDE >= CLASSES)
        continue;
      const float at = out[k], step = c->curved ? 0x1p-7f : 0.5f;
      double total[2] = { 0.0, 0.0 };
      for (int side = 0; side < 2; side++)
        {
          out[k] = side ? at - step : at + step;
          class->decode (instance->self, STEPS, CLASSES, STRIDE, out, scores);
          for (uint32_t j = 0; j < n; j++)
            total[side] += (double) weights[j] * scores[j];
        }
      out[k] = at;
      assert_near (found[k], (total[0] - total[1]) / (2.0 * step), c->curved ? 1e-4 : 1e-5, c->name, k);
    }
}

static void
test_decoder_errors (void)
{
  static const char *const all[] = { "rate", "mean-membrane", "last-step", "each-step", "sum-of-softmaxes" };
  g_autoptr (RvInstance) late = make ("decoder", "{use: each-step, from: 7}");
  const RvDecoderClass *class = late->plugin->functions;
  g_autoptr (GError) error = NULL;
  g_assert_cmpuint (class->decisions (late->self, 7, &error), ==, 0);
  g_assert_error (error, RV_ERROR, RV_ERROR_SHAPE);
  g_assert_nonnull (strstr (error->message, "step 7"));
  g_clear_error (&error);
  g_assert_cmpuint (class->decisions (late->self, 8, &error), ==, 1);
  g_assert_no_error (error);
  for (guint k = 0; k < G_N_ELEMENTS (all); k++)
    {
      g_autoptr (RvInstance) instance = make ("decoder", all[k]);
      const RvDecoderClass *other = instance->plugin->functions;
      g_assert_cmpuint (other->decisions (instance->self, 0, &error), ==, 0);
      g_assert_error (error, RV_ERROR, RV_ERROR_SHAPE);
      g_clear_error (&error);
      if (strcmp (all[k], "last-step") == 0)
        continue;
      g_autofree char *text = g_strdup_printf ("{use: %s, from: -8}", all[k]);
      g_autoptr (RvInstance) early = make ("decoder", text);
      g_assert_cmpuint (other->decisions (early->self, 7, &error), ==, 0);
      g_assert_error (error, RV_ERROR, RV_ERROR_SHAPE);
      g_clear_error (&error);
      g_assert_cmpuint (other->decisions (early->self, 8, &error), >, 0);
      g_assert_no_error (error);
    }
}

/* ---- losses */

static double
plain_loss (const char *name, const float *scores, uint32_t label)
{
  double x[CLASSES], p[CLASSES], q[CLASSES], squares = 0.0;
  for (uint32_t k = 0; k < CLASSES; k++)
    {
      x[k] = scores[k];
      squares += pow (x[k] - (k == label), 2.0);
    }
  softmax (CLASSES, x, p);
  softmax (CLASSES, p, q);
  if (strcmp (name, "mse") == 0)
    return squares / CLASSES;
  return -log (strcmp (name, "twice") == 0 ? q[label] : p[label]);
}

static const char *const losses[][2] = {
  { "mse", "mse" },
  { "once", "cross-entropy" },
  { "twice", "{use: cross-entropy, softmax: twice}" },
};

static void
test_loss (gconstpointer user)
{
  const char *const *c = user;
  g_autoptr (RvInstance) instance = make ("loss", c[1]);
  const RvLossClass *class = instance->plugin->functions;
  for (uint32_t trial = 0; trial < 50; trial++)
    {
      const uint32_t label = trial % CLASSES;
      float scores[CLASSES], gradient[CLASSES];
      for (uint32_t k = 0; k < CLASSES; k++)
        scores[k] = 4.0f * noise (trial * CLASSES + k);
      const double value = class->value (instance->self, CLASSES, scores, label, gradient);
      assert_near (value, plain_loss (c[0], scores, label), 1e-9, c[0], trial);
      g_assert_cmpfloat (class->value (instance->self, CLASSES, scores, label, NULL), ==, value);
      for (uint32_t k = 0; k < CLASSES; k++)
        {
          const float at = scores[k], up = at + 1e-2f, down = at - 1e-2f;
          scores[k] = up;
          double change = class->value (instance->self, CLASSES, scores, label, NULL);
          scores[k] = down;
          change -= class->value (instance->self, CLASSES, scores, label, NULL);
          scores[k] = at;
          assert_near (gradient[k], change / ((double) up - down), 5e-5, c[0], trial);
        }
    }
}

/* One score stands out by so much that the others have no probability. */
static void
test_loss_stable (void)
{
  static const float scores[3] = { 1e4f, -1e4f, 0.0f };
  static const double once[3] = { 0.0, 2e4, 1e4 };
  g_autoptr (RvInstance) first = make ("loss", "{use: cross-entropy, softmax: once}");
  g_autoptr (RvInstance) second = make ("loss", "{use: cross-entropy, softmax: twice}");
  const RvLossClass *class = first->plugin->functions;
  for (uint32_t label = 0; label < 3; label++)
    {
      float gradient[3];
      assert_near (class->value (first->self, 3, scores, label, gradient), once[label], 1e-9, "once", label);
      for (uint32_t k = 0; k < 3; k++)
        assert_near (gradient[k], (k == 0) - (k == label), 1e-9, "gradient of once", label);
      const double twice = log (G_E + 2.0) - (label == 0);
      assert_near (class->value (second->self, 3, scores, label, gradient), twice, 1e-9, "twice", label);
      for (uint32_t k = 0; k < 3; k++)
        assert_near (gradient[k], 0.0, 1e-9, "gradient of twice", label);
    }
  const float equal[3] = { 1e4f, 1e4f, 1e4f };
  assert_near (class->value (first->self, 3, equal, 1, NULL), log (3.0), 1e-9, "once, equal", 0);
  assert_near (class->value (second->self, 3, equal, 1, NULL), log (3.0), 1e-9, "twice, equal", 0);
}

/* ---- optimizers and schedules */

#define WEIGHTS 37 /* no multiple of the lanes */
#define UPDATES 20

typedef struct
{
  const char *name, *text;
  gboolean adam;
  double rate, momentum, beta1, beta2, epsilon;
} OptimizerCase;

static const OptimizerCase optimizers[] = {
  { "adam", "adam", TRUE, 1e-3, 0, 0.9, 0.999, 1e-8 },
  { "adam-all", "{use: adam, rate: 0.02, beta1: 0.8, beta2: 0.95, epsilon: 1e-3}", TRUE, 0.02, 0, 0.8, 0.95,
    1e-3 },
  { "sgd", "sgd", FALSE, 0.1, 0, 0, 0, 0 },
  { "sgd-momentum", "{use: sgd, rate: 0.05, momentum: 0.9}", FALSE, 0.05, 0.9, 0, 0, 0 },
};

static void
plain_update (const OptimizerCase *c, double *w, double g, double *m, double *v, uint32_t step, double rate)
{
  if (c->adam)
    {
      *m = c->beta1 * *m + (1.0 - c->beta1) * g;
      *v = c->beta2 * *v + (1.0 - c->beta2) * g * g;
      const double mean = *m / (1.0 - pow (c->beta1, step)), square = *v / (1.0 - pow (c->beta2, step));
      *w -= rate * mean / (sqrt (square) + c->epsilon);
    }
  else
    {
      *m = c->momentum * *m + g;
      *w -= rate * *m;
    }
}

static void
test_optimizer (gconstpointer user)
{
  const OptimizerCase *c = user;
  g_autoptr (RvInstance) instance = make ("optimizer", c->text);
  const RvOptimizerClass *class = instance->plugin->functions;
  float weights[WEIGHTS], gradient[WEIGHTS], first[WEIGHTS] = { 0 }, second[WEIGHTS] = { 0 };
  double w[WEIGHTS], m[WEIGHTS] = { 0 }, v[WEIGHTS] = { 0 };
  float *slots[2] = { first, second };
  g_assert_cmpuint (class->slots (instance->self), ==, c->adam ? 2 : c->momentum > 0.0 ? 1 : 0);
  g_assert_cmpfloat (class->rate (instance->self), ==, c->rate);
  for (uint32_t k = 0; k < WEIGHTS; k++)
    w[k] = weights[k] = noise (k);
  for (uint32_t step = 1; step <= UPDATES; step++)
    {
      /* the rate falls, as if by a schedule; gradients of many sizes, and one that is always 0 */
      const double rate = c->rate / (1.0 + 0.1 * step);
      for (uint32_t k = 0; k < WEIGHTS; k++)
        gradient[k] = k ? noise (step * WEIGHTS + k) * powf (10.0f, -(float) (k % 6)) : 0.0f;
      class->update (instance->self, weights, gradient, slots, WEIGHTS, step, rate);
      for (uint32_t k = 0; k < WEIGHTS; k++)
        {
          plain_update (c, &w[k], gradient[k], &m[k], &v[k], step, rate);
          assert_near (weights[k], w[k], 3e-6, c->name, step);
        }
    }
  g_assert_cmpfloat (weights[0], ==, noise (0));
}

static void
test_schedules (void)
{
  g_autoptr (RvInstance) constant = make ("schedule", "constant");
  g_autoptr (RvInstance) step = make ("schedule", "{use: step, every: 3, factor: 0.5}");
  g_autoptr (RvInstance) usual = make ("schedule", "step");
  const RvScheduleClass *flat = constant->plugin->functions, *stairs = step->plugin->functions;
  static const double expected[] = { 1, 1, 1, 0.5, 0.5, 0.5, 0.25, 0.25, 0.25, 0.125 };
  for (guint epoch = 0; epoch < G_N_ELEMENTS (expected); epoch++)
    {
      g_assert_cmpfloat (flat->factor (constant->self, epoch), ==, 1.0);
      assert_near (stairs->factor (step->self, epoch), expected[epoch], 1e-12, "step", epoch);
    }
  assert_near (stairs->factor (usual->self, 24), 1.0, 1e-12, "step as it comes", 24);
  assert_near (stairs->factor (usual->self, 25), 0.1, 1e-12, "step as it comes", 25);
}

/* ---- initializers */

#define ROWS 200
#define COLUMNS 300

typedef struct
{
  const char *name, *text;
  double sd;
  gboolean uniform, bias;
} InitializerCase;

static const InitializerCase initializers[] = {
  { "pytorch", "pytorch", 1.0, TRUE, TRUE },
  { "pytorch-scale", "{use: pytorch, scale: 2.5}", 2.5, TRUE, TRUE },
  { "xavier", "xavier", 1.0, FALSE, FALSE },
  { "xavier-uniform", "{use: xavier, distribution: uniform}", 1.0, TRUE, FALSE },
  { "xavier-gain", "{use: xavier, gain: 3}", 3.0, FALSE, FALSE },
};

static void
test_initializer (gconstpointer user)
{
  const InitializerCase *c = user;
  const uint32_t n = ROWS * COLUMNS;
  g_autoptr (RvInstance) instance = make ("initializer", c->text);
  const RvInitializerClass *class = instance->plugin->functions;
  g_autofree float *weight = g_new (float, n), *part = g_new (float, n);
  RvStream stream = rv_stream_new (11, "network.0", "weights", "");
  class->fill (instance->self, stream, ROWS, COLUMNS, COLUMNS, ROWS, FALSE, weight);
  const gboolean pytorch = g_str_has_prefix (c->name, "pytorch");
  const double sd = c->sd * (pytorch ? 1.0 / sqrt (3.0 * COLUMNS) : sqrt (2.0 / (ROWS + COLUMNS)));
  double sum = 0.0, squares = 0.0, least = 0.0, most = 0.0;
  for (uint32_t k = 0; k < n; k++)
    {
      sum += weight[k];
      squares += (double) weight[k] * weight[k];
      least = fmin (least, weight[k]);
      most = fmax (most, weight[k]);
    }
  assert_near (sum / n / sd, 0.0, 0.02, c->name, 0);
  assert_near (squares / n / (sd * sd), 1.0, 0.03, c->name, 1);
  /* a uniform draw fills its interval and stays in it; a normal one goes past that */
  const double bound = sqrt (3.0) * sd;
  if (c->uniform)
    {
      g_assert_cmpfloat (fmax (-least, most), <=, bound * (1.0 + 1e-7));
      g_assert_cmpfloat (fmin (-least, most), >, 0.999 * bound);
    }
  else
    g_assert_cmpfloat (fmin (-least, most), >, 2.0 * bound);
  /* element k is drawn from position k, whatever the shape */
  class->fill (instance->self, stream, COLUMNS, 7, COLUMNS, ROWS, FALSE, part);
  g_assert_cmpmem (part, COLUMNS * 7 * sizeof (float), weight, COLUMNS * 7 * sizeof (float));
  class->fill (instance->self, stream, ROWS, 1, COLUMNS, ROWS, TRUE, part);
  for (uint32_t k = 0; k < ROWS; k++)
    g_assert_cmpfloat (part[k], ==, c->bias ? weight[k] : 0.0f);
}

#define ADD(KIND, LIST, NAME, FUNCTION)                                                                      \
  for (guint k = 0; k < G_N_ELEMENTS (LIST); k++)                                                            \
    {                                                                                                        \
      g_autofree char *path = g_strconcat ("/slots/" KIND "/", LIST[k] NAME, NULL);                          \
      g_test_add_data_func (path, &LIST[k], FUNCTION);                                                       \
    }

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("surrogate", surrogates, .name, test_surrogate)
  ADD ("decoder", decoders, .name, test_decoder)
  ADD ("loss", losses, [0], test_loss)
  ADD ("optimizer", optimizers, .name, test_optimizer)
  ADD ("initializer", initializers, .name, test_initializer)
  g_test_add_func ("/slots/surrogate/values", test_surrogate_values);
  g_test_add_func ("/slots/decoder/errors", test_decoder_errors);
  g_test_add_func ("/slots/loss/stable", test_loss_stable);
  g_test_add_func ("/slots/schedule/all", test_schedules);
  return g_test_run ();
}
