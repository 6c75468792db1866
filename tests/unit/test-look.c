/* Looking into a network: membranes in the view against a slow loop over the equations; the same network over
 * sequences of another length, and with other leaks, against networks that were built so. */
#include "base/threads.h"
#include "network.h"
#include <math.h>

#define INPUTS 9
#define HIDDEN 70 /* more than a panel */
#define CLASSES 3
#define SAMPLES 21

typedef struct
{
  RvModel *model;
  uint32_t steps;
  gboolean asked, seen[SAMPLES];
  float *membranes[2], *spikes[2]; /* of each layer [SAMPLES][steps][units] */
  float *scores;                   /* [SAMPLES][CLASSES] */
} Seen;

static gboolean
read_recording (gconstpointer self, uint64_t epoch, uint32_t id, RvRecording *out, GError **error)
{
  const uint32_t steps = GPOINTER_TO_UINT (self);
  const RvStream stream = rv_stream_fork (rv_stream_new (3, "", "test", ""), id);
  uint32_t n = 0;
  rv_recording_set_spikes (out, steps, INPUTS, (size_t)steps * INPUTS);
  for (uint32_t t = 0; t < steps; t++)
    {
      out->offsets[t] = n;
      for (uint32_t j = 0; j < INPUTS; j++)
        if (rv_stream_uniform (stream, t * INPUTS + j) < 0.3f)
          out->ids[n++] = j;
    }
  out->offsets[steps] = n;
  out->label = id % CLASSES;
  return TRUE;
}

static RvDatasetSpec
spec_of (uint32_t steps)
{
  return (RvDatasetSpec){ .form = RV_FORM_SPIKES,
                          .samples = SAMPLES,
                          .units = INPUTS,
                          .dims = { INPUTS, 1, 1 },
                          .steps = steps,
                          .classes = CLASSES,
                          .split = "test" };
}

static RvModel *
model_new (const char *leak, const char *decoder, uint32_t steps)
{
  const RvDatasetSpec spec = spec_of (steps);
  g_autofree char *hidden = g_strdup_printf ("{use: dense, units: %d, recurrent: yes, weight-scale: 2, "
                                             "neuron: {use: lif, threshold: 0.6, leak: %s}}",
                                             HIDDEN, leak);
  g_autofree char *last = g_strdup_printf (
      "{use: dense, units: %d, weight-scale: 4, neuron: {use: lif, threshold: 0.6, leak: %s}}", CLASSES,
      leak);
  const char *const layers[] = { hidden, last };
  return network_new (2, layers, decoder, "cross-entropy", &spec, 5);
}

static void
look (void *self, const RvTileView *view)
{
  Seen *seen = self;
  g_assert_true ((view->membranes != NULL) == seen->asked);
  for (uint32_t s = 0; s < view->samples; s++)
    {
      const uint32_t id = view->ids[s];
      seen->seen[id] = TRUE;
      memcpy (seen->scores + id * CLASSES, view->scores + (size_t)s * view->decisions * CLASSES,
              CLASSES * sizeof (float));
      for (uint32_t k = 0; view->membranes && k < 2; k++)
        for (uint32_t t = 0; t < seen->steps; t++)
          {
            const RvSignal *u = &view->membranes[k], *spikes = &view->layers[k];
            const uint32_t row = t * u->samples + s, units = u->units;
            const size_t at = ((size_t)id * seen->steps + t) * units;
            g_assert_null (u->offsets);
            memcpy (seen->membranes[k] + at, u->dense + row * u->stride, units * sizeof (float));
            for (uint32_t e = spikes->offsets[row]; e < spikes->offsets[row + 1]; e++)
              seen->spikes[k][at + spikes->ids[e]] = 1.0f;
          }
    }
}

static Seen *
see (RvModel *model, uint32_t steps, gboolean membranes)
{
  g_autoptr (GError) error = NULL;
  const RvDatasetSpec spec = spec_of (steps);
  g_autoptr (RvDataset) data = rv_dataset_new (&spec, read_recording, GUINT_TO_POINTER (steps), NULL);
  Seen *seen = g_new0 (Seen, 1);
  seen->model = model;
  seen->steps = steps;
  seen->asked = membranes;
  seen->scores = g_new0 (float, SAMPLES *CLASSES);
  for (uint32_t k = 0; k < 2; k++)
    {
      seen->membranes[k] = g_new0 (float, (size_t)SAMPLES *steps *HIDDEN);
      seen->spikes[k] = g_new0 (float, (size_t)SAMPLES *steps *HIDDEN);
    }
  const RvBatch batch = { .data = data, .n = SAMPLES };
  const RvObserver observer = { .tile = look, .self = seen, .membranes = membranes };
  rv_model_evaluate (model, NULL, &batch, &observer, NULL, &error);
  g_assert_no_error (error);
  for (uint32_t s = 0; s < SAMPLES; s++)
    g_assert_true (seen->seen[s]);
  return seen;
}

static void
seen_free (Seen *seen)
{
  for (uint32_t k = 0; k < 2; k++)
    {
      g_free (seen->membranes[k]);
      g_free (seen->spikes[k]);
    }
  g_free (seen->scores);
  g_free (seen);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Seen, seen_free)

static const RvParameter *
named (const RvModel *model, const char *name)
{
  for (uint32_t k = 0; k < model->parameters->len; k++)
    if (strcmp (rv_parameter (model, (RvHandle)k)->name, name) == 0)
      return rv_parameter (model, (RvHandle)k);
  g_error ("no parameter %s", name);
}

/* sum over j of weight (n, j) x[j] */
static double
dot (const RvModel *model, const char *name, uint32_t n, const float *x)
{
  const RvParameter *p = named (model, name);
  double sum = 0.0;
  for (uint32_t j = 0; j < p->inputs; j++)
    sum += (double)model->values[network_at (p, n * p->inputs + j)] * x[j];
  return sum;
}

/* u[t] = leak u[t-1] (1 - s[t-1]) + W x[t] + b + V s[t-1], with the spikes that the network itself had. */
static void
test_membranes (void)
{
  const uint32_t steps = 40;
  g_autoptr (RvModel) model = model_new ("0.8", "rate", steps);
  g_autoptr (Seen) seen = see (model, steps, TRUE);
  uint32_t fired = 0;
  for (uint32_t s = 0; s < SAMPLES; s++)
    {
      g_auto (RvRecording) r = { 0 };
      read_recording (GUINT_TO_POINTER (steps), 0, s, &r, NULL);
      for (uint32_t t = 0; t < steps; t++)
        for (uint32_t k = 0; k < 2; k++)
          {
            const uint32_t units = k ? CLASSES : HIDDEN;
            const size_t row = (size_t)s * steps + t;
            const float *u = seen->membranes[k] + row * units, *spike = seen->spikes[k] + row * units;
            const char *weight = k ? "network.1.weight" : "network.0.weight",
                       *bias = k ? "network.1.bias" : "network.0.bias";
            float input[INPUTS] = { 0 };
            for (uint32_t e = r.offsets[t]; e < r.offsets[t + 1]; e++)
              input[r.ids[e]] = 1.0f;
            for (uint32_t n = 0; n < units; n++)
              {
                const float one = 1.0f;
                double expected = dot (model, weight, n, k ? seen->spikes[0] + row * HIDDEN : input)
                                  + dot (model, bias, n, &one);
                if (t)
                  expected += 0.8 * u[(int)n - (int)units] * (1.0 - spike[(int)n - (int)units]);
                if (t && !k)
                  expected += dot (model, "network.0.recurrent", n, spike - units);
                if (fabs (u[n] - expected) > 1e-4)
                  g_error ("layer %u, sample %u, step %u, unit %u: %g, not %g", k, s, t, n, u[n], expected);
                g_assert_cmpint (spike[n] == 1.0f, ==, u[n] > 0.6f);
                fired += spike[n] == 1.0f;
              }
          }
    }
  g_assert_cmpuint (fired, >, 1000);
}

/* To look changes nothing, and when nobody asks nothing is there. */
static void
test_unasked (void)
{
  g_autoptr (RvModel) model = model_new ("0.8", "rate", 40);
  g_autoptr (Seen) before = see (model, 40, FALSE), asked = see (model, 40, TRUE),
                   after = see (model, 40, FALSE);
  g_assert_cmpmem (before->scores, sizeof (float) * SAMPLES * CLASSES, asked->scores,
                   sizeof (float) * SAMPLES * CLASSES);
  g_assert_cmpmem (before->scores, sizeof (float) * SAMPLES * CLASSES, after->scores,
                   sizeof (float) * SAMPLES * CLASSES);
}

static void
assert_same (RvModel *a, RvModel *b, uint32_t steps)
{
  g_autoptr (Seen) one = see (a, steps, TRUE), other = see (b, steps, TRUE);
  g_assert_cmpmem (one->scores, sizeof (float) * SAMPLES * CLASSES, other->scores,
                   sizeof (float) * SAMPLES * CLASSES);
  g_assert_cmpmem (one->spikes[0], sizeof (float) * SAMPLES * steps * HIDDEN, other->spikes[0],
                   sizeof (float) * SAMPLES * steps * HIDDEN);
}

static void
test_at_steps (void)
{
  static const uint32_t lengths[] = { 1, 7, 150, 1500 };
  g_autoptr (GError) error = NULL;
  g_autoptr (RvModel) model = model_new ("{learned: per-neuron, initial: 0.8}", "rate", 40);
  g_autoptr (Seen) before = see (model, 40, FALSE);
  for (guint k = 0; k < G_N_ELEMENTS (lengths); k++)
    {
      g_autoptr (RvModel) other = rv_model_at_steps (model, lengths[k], &error);
      g_assert_no_error (error);
      g_autoptr (RvModel) built = model_new ("{learned: per-neuron, initial: 0.8}", "rate", lengths[k]);
      assert_same (other, built, lengths[k]);
    }
  g_autoptr (Seen) after = see (model, 40, FALSE); /* the first one is as it was */
  g_assert_cmpmem (before->scores, sizeof (float) * SAMPLES * CLASSES, after->scores,
                   sizeof (float) * SAMPLES * CLASSES);
  g_assert_null (rv_model_at_steps (model, 0, &error));
  g_assert_error (error, RV_ERROR, RV_ERROR_SHAPE);
  g_clear_error (&error);
  g_autoptr (RvModel) late = model_new ("0.8", "{use: each-step, from: 30}", 40);
  g_assert_null (rv_model_at_steps (late, 30, &error));
  g_assert_error (error, RV_ERROR, RV_ERROR_SHAPE);
}

static double
square (double value, void *user)
{
  (*(uint32_t *)user)++;
  return value * value;
}

static void
test_map (void)
{
  uint32_t calls = 0;
  g_autoptr (RvModel) fixed = model_new ("0.9", "rate", 40), built = model_new ("0.81", "rate", 40);
  g_autoptr (RvModel) copy = rv_model_copy (fixed);
  g_assert_cmpuint (rv_model_map_neurons (fixed, "leek", square, &calls), ==, 0);
  g_assert_cmpuint (calls, ==, 0);
  g_assert_cmpuint (rv_model_map_neurons (fixed, "leak", square, &calls), ==, 2);
  assert_same (fixed, built, 40);
  g_autoptr (RvModel) untouched = model_new ("0.9", "rate", 40);
  assert_same (copy, untouched, 40);
  calls = 0;
  g_autoptr (RvModel) learned = model_new ("{learned: per-neuron, initial: 0.9}", "rate", 40);
  const RvParameter *p = named (learned, "network.0.neuron.leak");
  g_assert_cmpuint (rv_model_map_neurons (learned, "leak", square, &calls), ==, 2);
  g_assert_cmpuint (calls, ==, HIDDEN + CLASSES + 2);
  for (uint32_t n = 0; n < p->units; n++)
    g_assert_cmpfloat (fabs (1.0 / (1.0 + exp (-(double)learned->values[p->offset + n])) - 0.81), <, 1e-6);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/look/membranes", test_membranes);
  g_test_add_func ("/look/unasked", test_unasked);
  g_test_add_func ("/look/at-steps", test_at_steps);
  g_test_add_func ("/look/map", test_map);
  return g_test_run ();
}
