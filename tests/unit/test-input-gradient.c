/* dL/dinput of whole networks: against finite differences of the relaxed network, for every form of input;
 * of spikes, with a raised threshold too, against a slow reference; targets, and the same bits for any number
 * of threads. */
#include "base/threads.h"
#include "network.h"

#define UNITS 70 /* two panels, the second one padded */
#define STEPS 9
#define SAMPLES 37
#define CLASSES 3
#define THRESHOLD 0.4
#define LEAK 0.75

typedef struct
{
  RvForm form;
  float *x; /* [SAMPLES][STEPS or 1][UNITS] */
  uint32_t shift;
} Data;

static uint32_t
rows_of (RvForm form)
{
  return form == RV_FORM_STATIC ? 1 : STEPS;
}

static gboolean
read_recording (gconstpointer self, uint64_t epoch, uint32_t id, RvRecording *out, GError **error)
{
  const Data *data = self;
  const float *x = data->x + (size_t)id * rows_of (data->form) * UNITS;
  if (data->form == RV_FORM_STATIC)
    memcpy (rv_recording_set_static (out, UNITS), x, UNITS * sizeof (float));
  else if (data->form == RV_FORM_FRAMES)
    memcpy (rv_recording_set_frames (out, STEPS, UNITS), x, STEPS * UNITS * sizeof (float));
  else
    rv_recording_set_spikes (out, STEPS, UNITS, STEPS * UNITS);
  out->steps = STEPS;
  if (data->form == RV_FORM_SPIKES)
    for (uint32_t t = 0, n = 0; t <= STEPS; t++)
      {
        out->offsets[t] = n;
        for (uint32_t k = 0; t < STEPS && k < UNITS; k++)
          if (x[t * UNITS + k] > 0.0f)
            out->ids[n++] = k;
      }
  out->length = id % 5 == 4 ? STEPS - 2 : 0;
  out->label = (id + data->shift) % CLASSES;
  return TRUE;
}

static RvDataset *
make_data (Data *data, RvForm form)
{
  const RvDatasetSpec spec = { .form = form,
                               .samples = SAMPLES,
                               .units = UNITS,
                               .dims = { UNITS, 1, 1 },
                               .steps = STEPS,
                               .classes = CLASSES,
                               .split = "test" };
  const RvStream stream = rv_stream_new (7, "", "data", "");
  const size_t n = (size_t)SAMPLES * rows_of (form) * UNITS;
  *data = (Data){ .form = form, .x = g_new (float, n) };
  for (size_t k = 0; k < n; k++)
    data->x[k] = rv_stream_uniform (stream, k) > 0.2f ? 0.0f
                 : form == RV_FORM_SPIKES             ? 1.0f
                                                      : 5.0f * rv_stream_uniform (stream, k);
  return rv_dataset_new (&spec, read_recording, data, NULL);
}

/* What the observer saw, by sample. */
typedef struct
{
  Data *data;
  uint32_t at[SAMPLES]; /* the position in the batch */
  double losses[SAMPLES];
  float *gradient; /* as Data.x */
} Seen;

static void
see (void *self, const RvTileView *view)
{
  Seen *seen = self;
  const RvSignal *g = view->input_gradient;
  g_assert_cmpuint (g->units, ==, UNITS);
  g_assert_cmpuint (g->steps, ==, rows_of (seen->data->form));
  g_assert_true (g->is_static == (seen->data->form == RV_FORM_STATIC));
  for (uint32_t s = 0; s < view->samples; s++)
    {
      const uint32_t id = view->ids[s];
      seen->at[id] = view->first + s;
      seen->losses[id] = view->losses[s];
      g_assert_cmpuint (view->labels[s], ==, (id + seen->data->shift) % CLASSES);
      for (uint32_t t = 0; t < g->steps; t++)
        memcpy (seen->gradient + ((size_t)id * g->steps + t) * UNITS,
                g->dense + ((size_t)t * g->samples + s) * g->stride, UNITS * sizeof (float));
    }
}

static Seen *
look (const RvModel *model, RvDataset *dataset, Data *data, const uint32_t *targets)
{
  g_autoptr (GError) error = NULL;
  Seen *seen = g_new0 (Seen, 1);
  uint32_t ids[SAMPLES];
  seen->data = data;
  seen->gradient = g_new0 (float, (size_t)SAMPLES *rows_of (data->form) * UNITS);
  for (uint32_t k = 0; k < SAMPLES; k++)
    ids[k] = SAMPLES - 1 - k;
  const RvBatch batch = { .data = dataset, .ids = ids, .n = SAMPLES };
  const RvObserver observer = { see, seen };
  RvScore score;
  double sum = 0.0;
  g_assert_true (rv_model_input_gradient (model, NULL, &batch, targets, &observer, &score, &error));
  for (uint32_t k = 0; k < SAMPLES; k++)
    {
      g_assert_cmpuint (seen->at[ids[k]], ==, k);
      sum += seen->losses[k];
    }
  g_assert_cmpfloat (fabs (score.loss - sum / SAMPLES), <, 1e-9);
  return seen;
}

static void
seen_free (Seen *seen)
{
  g_free (seen->gradient);
  g_free (seen);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Seen, seen_free)

typedef struct
{
  const char *name, *layers[3], *decoder;
  RvForm form;
  gboolean checkpoint;
  uint32_t block; /* steps; 0: by shape */
} Case;

#define LIF "neuron: {use: lif, threshold: 0.4, leak: 0.75, surrogate: {use: arctan, alpha: 2}}"
#define LINEAR  "{use: dense, units: 3, neuron: linear}"
#define READOUT "{use: dense, units: 3, neuron: {use: leaky-integrator, leak: 0.9}}"

static const Case cases[] = {
  { "frames", { "{use: dense, units: 70, " LIF "}", READOUT }, "last-step", RV_FORM_FRAMES, FALSE, 0 },
  { "frames-checkpoint",
    { "{use: dense, units: 20, " LIF "}", READOUT },
    "mean-membrane",
    RV_FORM_FRAMES,
    TRUE,
    0 },
  { "recurrent",
    { "{use: dense, units: 20, recurrent: yes, " LIF "}", READOUT },
    "each-step",
    RV_FORM_FRAMES,
    FALSE,
    0 },
  { "recurrent-checkpoint",
    { "{use: dense, units: 80, recurrent: yes, " LIF "}", READOUT },
    "mean-membrane",
    RV_FORM_FRAMES,
    TRUE,
    0 },
  { "blocks",
    { "{use: dense, units: 80, recurrent: yes, " LIF "}", READOUT },
    "each-step",
    RV_FORM_FRAMES,
    FALSE,
    4 },
  { "deep",
    { "{use: dense, units: 40, " LIF "}", "{use: dense, units: 30, recurrent: yes, " LIF "}",
      "{use: dense, units: 3, " LIF "}" },
    "rate",
    RV_FORM_FRAMES,
    FALSE,
    2 },
  { "static", { "{use: dense, units: 90, " LIF "}", READOUT }, "last-step", RV_FORM_STATIC, FALSE, 0 },
  { "static-recurrent",
    { "{use: dense, units: 20, recurrent: yes, " LIF "}", READOUT },
    "mean-membrane",
    RV_FORM_STATIC,
    TRUE,
    0 },
  { "lstm", { "{use: lstm, units: 20}", LINEAR }, "last-step", RV_FORM_FRAMES, FALSE, 0 },
  { "spikes-on-gru",
    { "{use: gru, units: 6}", "{use: dense, units: 30, " LIF "}", READOUT },
    "mean-membrane",
    RV_FORM_FRAMES,
    TRUE,
    0 },
  { "rnn-static", { "{use: rnn, units: 20}", LINEAR }, "last-step", RV_FORM_STATIC, TRUE, 0 },
  { "one-layer", { "{use: dense, units: 3, " LIF "}" }, "mean-membrane", RV_FORM_FRAMES, FALSE, 0 },
};

static RvModel *
make_model (const Case *c, const RvDatasetSpec *spec)
{
  RvModel *model = network_new (c->layers[2]   ? 3
                                : c->layers[1] ? 2
                                               : 1,
                                c->layers, c->decoder, "cross-entropy", spec, 3);
  rv_model_set_checkpoint (model, c->checkpoint);
  model->block = c->block;
  return model;
}

/* sum over samples of (L (x + e d) - L (x - e d)) / 2e = g . d */
static void
test_finite_differences (gconstpointer user)
{
  const Case *c = user;
  Data data;
  g_autoptr (RvDataset) dataset = make_data (&data, c->form);
  g_autoptr (RvModel) model = make_model (c, rv_dataset_spec (dataset));
  g_autoptr (GError) error = NULL;
  rv_model_set_relaxed (model, TRUE);
  g_autoptr (Seen) seen = look (model, dataset, &data, NULL);
  const size_t n = (size_t)SAMPLES * rows_of (c->form) * UNITS;
  g_autofree float *x = g_memdup2 (data.x, n * sizeof (float)), *direction = g_new (float, n);
  const RvBatch batch = { .data = dataset, .n = SAMPLES };
  for (uint32_t trial = 0; trial < 5; trial++)
    {
      const RvStream stream = rv_stream_new (trial, "direction", NULL, NULL);
      double expected = 0.0, norm = 0.0, loss[2];
      for (size_t k = 0; k < n; k++)
        {
          direction[k] = trial ? (float)rv_stream_normal (stream, k) : seen->gradient[k];
          norm += (double)direction[k] * direction[k];
        }
      for (size_t k = 0; k < n; k++)
        {
          direction[k] /= (float)sqrt (norm);
          expected += (double)seen->gradient[k] * direction[k];
        }
      const float e = 5e-2f;
      for (int side = 0; side < 2; side++)
        {
          RvScore score;
          for (size_t k = 0; k < n; k++)
            data.x[k] = x[k] + (side ? -e : e) * direction[k];
          g_assert_true (rv_model_evaluate (model, NULL, &batch, NULL, &score, &error));
          loss[side] = score.loss * SAMPLES;
        }
      const double found = (loss[0] - loss[1]) / (2.0 * e);
      g_test_message ("%s trial %u: finite difference %g, gradient %g", c->name, trial, found, expected);
      g_assert_cmpfloat (fabs (expected), >, 1e-5);
      g_assert_cmpfloat (fabs (found - expected), <, 2e-5 + 1e-2 * fabs (expected));
    }
  g_free (data.x);
}

/* The same bits for any number of threads; and a training that follows is as if nothing had been asked. */
static void
test_threads (gconstpointer user)
{
  const Case *c = user;
  static const uint32_t counts[] = { 1, 2, 3, 4, 7 };
  Data data;
  g_autoptr (RvDataset) dataset = make_data (&data, c->form);
  g_autoptr (Seen) first = NULL;
  g_autofree float *trained = NULL;
  for (guint k = 0; k < G_N_ELEMENTS (counts); k++)
    {
      g_autoptr (GError) error = NULL;
      rv_threads_set (counts[k]);
      g_autoptr (RvModel) model = make_model (c, rv_dataset_spec (dataset));
      const size_t n = rv_model_parameter_count (model);
      const RvBatch batch = { .data = dataset, .n = SAMPLES };
      g_autofree float *gradient = g_new (float, n);
      if (!trained)
        {
          trained = g_new (float, n);
          g_assert_true (rv_model_gradient (model, NULL, &batch, trained, NULL, &error));
        }
      g_autoptr (Seen) seen = look (model, dataset, &data, NULL);
      if (first)
        g_assert_cmpmem (first->gradient, (size_t)SAMPLES * rows_of (c->form) * UNITS * sizeof (float),
                         seen->gradient, (size_t)SAMPLES * rows_of (c->form) * UNITS * sizeof (float));
      else
        first = g_steal_pointer (&seen);
      g_assert_true (rv_model_gradient (model, NULL, &batch, gradient, NULL, &error));
      g_assert_cmpmem (gradient, n * sizeof (float), trained, n * sizeof (float));
    }
  rv_threads_set (0);
  g_free (data.x);
}

/* ---- one hidden layer of spikes, hard reset, read at the last step; in doubles, one sample at a time */

typedef struct
{
  uint32_t hidden;
  double fires_at; /* the threshold of the hidden neurons; their surrogate is centred at THRESHOLD */
  double *w, *b, *v, *c;
} Slow;

/* dL/dx of one sample; u <- LEAK u (1 - s) + i, read out by m <- 0.9 m + j. */
static void
slow_gradient (const Slow *net, const float *x, uint32_t steps, uint32_t label, double *gx)
{
  const uint32_t H = net->hidden;
  g_autofree double *u = g_new0 (double, (size_t)(steps + 1) * H), *gu = g_new0 (double, H);
  double m[CLASSES] = { 0 }, gm[CLASSES], sum = 0.0;
  memset (gx, 0, STEPS * UNITS * sizeof *gx);
  for (uint32_t t = 0; t < steps; t++)
    {
      double j[CLASSES];
      memcpy (j, net->c, sizeof j);
      for (uint32_t h = 0; h < H; h++)
        {
          const double before = t ? u[(t - 1) * H + h] : 0.0;
          double i = net->b[h];
          for (uint32_t k = 0; k < UNITS; k++)
            i += net->w[h * UNITS + k] * x[t * UNITS + k];
          u[t * H + h] = LEAK * before * (before > net->fires_at ? 0.0 : 1.0) + i; /* before reset */
          for (uint32_t c = 0; c < CLASSES && u[t * H + h] > net->fires_at; c++)
            j[c] += net->v[c * H + h];
        }
      for (uint32_t c = 0; c < CLASSES; c++)
        m[c] = 0.9 * m[c] + j[c];
    }
  for (uint32_t c = 0; c < CLASSES; c++)
    sum += exp (m[c]);
  for (uint32_t c = 0; c < CLASSES; c++)
    gm[c] = exp (m[c]) / sum - (c == label ? 1.0 : 0.0);
  for (uint32_t t = steps; t-- > 0;)
    {
      for (uint32_t h = 0; h < H; h++)
        {
          const double z = u[t * H + h] - THRESHOLD, s = u[t * H + h] > net->fires_at ? 1.0 : 0.0;
          double gs = -gu[h] * LEAK * u[t * H + h]; /* by way of the reset */
          for (uint32_t c = 0; c < CLASSES; c++)
            gs += net->v[c * H + h] * gm[c];
          const double gi = gu[h] * LEAK * (1.0 - s) + gs / (1.0 + G_PI * z * G_PI * z);
          for (uint32_t k = 0; k < UNITS; k++)
            gx[t * UNITS + k] += net->w[h * UNITS + k] * gi;
          gu[h] = gi;
        }
      for (uint32_t c = 0; c < CLASSES; c++)
        gm[c] *= 0.9;
    }
}

static double *
row_by_row (const RvModel *model, RvHandle handle)
{
  const RvParameter *p = rv_parameter (model, handle);
  double *values = g_new (double, network_size (p));
  for (uint32_t k = 0; k < network_size (p); k++)
    values[k] = model->values[network_at (p, k)];
  return values;
}

static void
test_spikes (void)
{
  static const Case c = { "spikes",    { "{use: dense, units: 70, weight-scale: 3, " LIF "}", READOUT },
                          "last-step", RV_FORM_SPIKES,
                          FALSE,       0 };
  static const double thresholds[] = { THRESHOLD, 0.8, NAN };
  Data data;
  g_autoptr (RvDataset) dataset = make_data (&data, c.form);
  g_autoptr (RvModel) origin = make_model (&c, rv_dataset_spec (dataset)), model = rv_model_copy (origin);
  g_autoptr (GError) error = NULL;
  g_autoptr (Seen) plain = look (origin, dataset, &data, NULL);
  const size_t bytes = (size_t)SAMPLES * STEPS * UNITS * sizeof (float);
  for (guint k = 0; k < G_N_ELEMENTS (thresholds); k++)
    {
      g_assert_true (rv_model_set_threshold (model, 0, thresholds[k], &error));
      g_autoptr (Seen) seen = look (model, dataset, &data, NULL);
      g_assert_true ((memcmp (plain->gradient, seen->gradient, bytes) == 0) == (thresholds[k] != 0.8));
      const Slow net = { .hidden = 70,
                         .fires_at = isnan (thresholds[k]) ? THRESHOLD : thresholds[k],
                         .w = row_by_row (model, 0),
                         .b = row_by_row (model, 1),
                         .v = row_by_row (model, 2),
                         .c = row_by_row (model, 3) };
      double largest = 0.0;
      for (uint32_t id = 0; id < SAMPLES; id++)
        {
          double slow[STEPS * UNITS];
          const float *found = seen->gradient + id * STEPS * UNITS;
          slow_gradient (&net, data.x + id * STEPS * UNITS, id % 5 == 4 ? STEPS - 2 : STEPS, id % CLASSES,
                         slow);
          for (uint32_t j = 0; j < STEPS * UNITS; j++)
            {
              largest = fmax (largest, fabs (slow[j]));
              g_assert_cmpfloat (fabs (slow[j] - found[j]), <, 1e-5);
            }
        }
      g_assert_cmpfloat (largest, >, 0.05);
      g_free (net.w);
      g_free (net.b);
      g_free (net.v);
      g_free (net.c);
    }
  g_assert_false (rv_model_set_threshold (model, 1, 1.0, &error));
  g_assert_error (error, RV_ERROR, RV_ERROR_SHAPE);
  g_assert_nonnull (strstr (error->message, "never fires"));
  g_free (data.x);
}

/* The loss for targets is the loss of recordings with these labels. */
static void
test_targets (void)
{
  Data data;
  g_autoptr (RvDataset) dataset = make_data (&data, RV_FORM_FRAMES);
  g_autoptr (RvModel) model = make_model (&cases[0], rv_dataset_spec (dataset));
  g_autoptr (GError) error = NULL;
  const size_t bytes = (size_t)SAMPLES * STEPS * UNITS * sizeof (float);
  uint32_t targets[SAMPLES];
  for (uint32_t k = 0; k < SAMPLES; k++)
    targets[k] = (SAMPLES - 1 - k + 1) % CLASSES;
  g_autoptr (Seen) aimed = look (model, dataset, &data, targets), plain = look (model, dataset, &data, NULL);
  data.shift = 1;
  g_autoptr (Seen) other = look (model, dataset, &data, NULL);
  g_assert_cmpmem (aimed->gradient, bytes, other->gradient, bytes);
  g_assert_cmpmem (aimed->losses, sizeof aimed->losses, other->losses, sizeof other->losses);
  g_assert_cmpint (memcmp (aimed->gradient, plain->gradient, bytes), !=, 0);
  targets[4] = CLASSES;
  const RvBatch batch = { .data = dataset, .n = SAMPLES };
  g_assert_false (rv_model_input_gradient (model, NULL, &batch, targets, NULL, NULL, &error));
  g_assert_error (error, RV_ERROR, RV_ERROR_SHAPE);
  g_free (data.x);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (guint k = 0; k < G_N_ELEMENTS (cases); k++)
    {
      g_autofree char *fd = g_strconcat ("/input-gradient/finite-differences/", cases[k].name, NULL);
      g_autofree char *threads = g_strconcat ("/input-gradient/threads/", cases[k].name, NULL);
      g_test_add_data_func (fd, &cases[k], test_finite_differences);
      g_test_add_data_func (threads, &cases[k], test_threads);
    }
  g_test_add_func ("/input-gradient/spikes", test_spikes);
  g_test_add_func ("/input-gradient/targets", test_targets);
  return g_test_run ();
}
