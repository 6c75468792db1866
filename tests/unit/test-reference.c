/* Networks that spike, against the slow reference of reference.h: loss, accuracy, scores, spike counts and
 * the surrogate gradient of every parameter, for every reset, gain, readout, loss and form of input, over
 * shapes that fit neither tile nor vector. Weights are drawn again until no membrane is so near its threshold
 * that rounding could decide, so both must have the same spikes. */
#include "base/threads.h"
#include "engine/job.h"
#include "network.h"
#include "reference.h"

#define MARGIN 1e-5
#define TOLERANCE 1e-4 /* of the largest number of a parameter's gradient */

typedef struct
{
  uint32_t batch, inputs, units, classes, steps;
} Shape;

typedef struct
{
  const char *name;
  Shape shape;
  uint32_t second; /* units of a second hidden layer; 0: there is none */
  RvForm form;
  RefNeuron hidden, readout;
  gboolean recurrent, recurrent_readout, no_bias;
  RefDecoder decoder;
  gboolean read_membrane; /* of a readout that fires */
  RefLoss loss;
  gboolean shuffled; /* ids in another order, a later epoch, a copy of the model, parameters beside its own */
  gboolean blocks;   /* steps are cut into blocks */
  gboolean again;    /* and run again in the backward pass */
} Case;

/* ---- data: a function of (seed, epoch, id) */

typedef struct
{
  const Case *c;
  uint64_t seed;
} Source;

/* Zero at most places, at all of step 2, and in all of recording 5. */
static float
data_at (const Source *source, uint64_t epoch, uint32_t id, uint32_t t, uint32_t j)
{
  const RvStream stream
      = rv_stream_fork (rv_stream_fork (rv_stream_new (source->seed, "", "data", ""), epoch), id);
  const uint64_t at = 2 * ((uint64_t)t * source->c->shape.inputs + j);
  if (t == 2 || id == 5 || rv_stream_uniform (stream, at) > 0.35f)
    return 0.0f;
  return source->c->form == RV_FORM_SPIKES ? 1.0f : 2.0f * rv_stream_uniform (stream, at + 1) - 0.5f;
}

static gboolean
read_recording (gconstpointer self, uint64_t epoch, uint32_t id, RvRecording *out, GError **error)
{
  const Source *source = self;
  const uint32_t steps = source->c->shape.steps, inputs = source->c->shape.inputs;
  float *values = NULL;
  if (source->c->form == RV_FORM_STATIC)
    values = rv_recording_set_static (out, inputs);
  else if (source->c->form == RV_FORM_FRAMES)
    values = rv_recording_set_frames (out, steps, inputs);
  else
    rv_recording_set_spikes (out, steps, inputs, (size_t)steps * inputs);
  out->steps = steps;
  out->label = id % source->c->shape.classes;
  for (uint32_t j = 0; j < inputs && source->c->form == RV_FORM_STATIC; j++)
    values[j] = data_at (source, epoch, id, 0, j);
  uint32_t n = 0;
  for (uint32_t t = 0; t < steps && source->c->form != RV_FORM_STATIC; t++)
    {
      if (!values)
        out->offsets[t] = n;
      for (uint32_t j = 0; j < inputs; j++)
        if (values)
          values[t * inputs + j] = data_at (source, epoch, id, t, j);
        else if (data_at (source, epoch, id, t, j) > 0.0f)
          out->ids[n++] = j;
    }
  if (!values && source->c->form != RV_FORM_STATIC)
    out->offsets[steps] = n;
  return TRUE;
}

static RvDataset *
make_data (const Case *c, uint64_t seed)
{
  const RvDatasetSpec spec = { .form = c->form,
                               .samples = 2 * c->shape.batch,
                               .units = c->shape.inputs,
                               .dims = { c->shape.inputs, 1, 1 },
                               .steps = c->shape.steps,
                               .classes = c->shape.classes,
                               .split = "train" };
  const Source source = { c, seed };
  return rv_dataset_new (&spec, read_recording, g_memdup2 (&source, sizeof source), g_free);
}

/* ---- the engine's network */

static const char *
number_text (int mode, const char *fixed)
{
  return mode == 0   ? fixed
         : mode == 1 ? "{learned: per-neuron, initial: 0.5}"
                     : "{learned: shared, initial: 0.5}";
}

static char *
neuron_text (const RefNeuron *n)
{
  static const char *const resets[] = { "hard", "soft", "soft-after-leak", "none" };
  const char *start = n->start_uniform ? "uniform" : "zero", *surrogate = ref_surrogates[n->surrogate].text;
  const char *leak = number_text (n->leak, "0.8125"), *threshold = number_text (n->threshold, "0.5");
  const char *gain = n->gain ? "one-minus-leak" : "one", *detach = n->detach ? "yes" : "no";
  if (n->kind == REF_INTEGRATOR)
    return g_strdup_printf ("{use: leaky-integrator, leak: %s, input-gain: %s, start: %s}", leak, gain,
                            start);
  if (n->kind == REF_ADAPTIVE)
    return g_strdup_printf ("{use: adaptive-lif, leak: %s, threshold: %s, start: %s, surrogate: %s, "
                            "detach-reset: %s, strength: %s, adaptation-leak: %s}",
                            leak, threshold, start, surrogate, detach, number_text (n->leak, "0.25"),
                            number_text (n->threshold, "0.875"));
  return g_strdup_printf ("{use: lif, leak: %s, threshold: %s, start: %s, surrogate: %s, detach-reset: %s, "
                          "reset: %s, input-gain: %s}",
                          leak, threshold, start, surrogate, detach, resets[n->kind], gain);
}

static char *
layer_text (uint32_t units, const RefNeuron *neuron, gboolean recurrent, gboolean no_bias)
{
  g_autofree char *text = neuron_text (neuron);
  return g_strdup_printf ("{use: dense, units: %u, recurrent: %s, bias: %s, neuron: %s}", units,
                          recurrent ? "yes" : "no", no_bias ? "no" : "yes", text);
}

static RvModel *
make_model (const Case *c, const RvDatasetSpec *spec, uint64_t seed)
{
  static const char *const losses[] = { "cross-entropy", "{use: cross-entropy, softmax: twice}", "mse" };
  const char *read = c->read_membrane ? "membrane" : "spikes";
  g_autofree char *last = g_strdup_printf ("{use: last-step, read: %s}", read);
  g_autofree char *each
      = g_strdup_printf ("{use: each-step, from: %u, read: %s}", MIN (c->shape.steps - 1, 2), read);
  const char *const decoders[] = { "rate", "mean-membrane", last, each };
  g_autofree char *first = layer_text (c->shape.units, &c->hidden, c->recurrent, c->no_bias);
  g_autofree char *second = layer_text (c->second, &c->hidden, c->recurrent, c->no_bias);
  g_autofree char *readout = layer_text (c->shape.classes, &c->readout, c->recurrent_readout, c->no_bias);
  const char *const layers[] = { first, c->second ? second : readout, readout };
  return network_new (c->second ? 3 : 2, layers, decoders[c->decoder], losses[c->loss], spec, seed);
}

/* Numbers under which the layers fire now and then. */
static float
draw_parameter (const RvParameter *p, RvStream stream, uint32_t k)
{
  const float x = rv_stream_uniform (stream, k);
  if (p->type == RV_PARAMETER_WEIGHT)
    return (float)(rv_stream_normal (stream, k) * (strstr (p->name, "recurrent") ? 0.7 : 1.6)
                   / sqrt (p->inputs));
  if (p->type == RV_PARAMETER_BIAS)
    return 0.4f * x - 0.1f;
  if (strstr (p->name, "leak")) /* raw */
    return 3.0f * x - 1.0f;
  return strstr (p->name, "strength") ? 0.1f + 0.3f * x : 0.3f + 0.4f * x;
}

static void
draw_parameters (RvModel *model, uint64_t seed)
{
  for (uint32_t k = 0; k < model->parameters->len; k++)
    {
      const RvParameter *p = rv_parameter (model, (RvHandle)k);
      const RvStream stream = rv_stream_new (seed, p->name, "draw", NULL);
      for (uint32_t e = 0; e < network_size (p); e++)
        model->values[network_at (p, e)] = draw_parameter (p, stream, e);
    }
}

/* ---- the same network for the reference */

static RefBlock
find_block (RefNetwork *net, RvModel *model, uint32_t layer, const char *name)
{
  g_autofree char *full = g_strdup_printf ("network.%u.%s", layer, name);
  RefNumber first = 1; /* the tape begins with a zero and all parameters in the model's order */
  for (uint32_t k = 0; k < model->parameters->len; k++)
    {
      const RvParameter *p = rv_parameter (model, (RvHandle)k);
      if (g_str_equal (p->name, full))
        return (RefBlock){ first, network_size (p) };
      first += network_size (p);
    }
  return (RefBlock){ 0, 0 };
}

static void
reference_init (RefNetwork *net, const Case *c, RvModel *model, uint64_t seed)
{
  *net = (RefNetwork){ .n_layers = model->n_layers,
                       .steps = c->shape.steps,
                       .decoder = c->decoder,
                       .loss = c->loss,
                       .seed = seed,
                       .margin = INFINITY };
  net->read_spikes = c->decoder == REF_RATE || (c->decoder != REF_MEAN_MEMBRANE && !c->read_membrane);
  net->scores = g_new0 (double, (size_t)ref_decisions (net) * c->shape.classes);
  ref_constant (&net->tape, 0.0);
  for (uint32_t k = 0; k < model->parameters->len; k++)
    {
      const RvParameter *p = rv_parameter (model, (RvHandle)k);
      for (uint32_t e = 0; e < network_size (p); e++)
        ref_constant (&net->tape, model->values[network_at (p, e)]);
    }
  net->leaves = net->tape.n;
  for (uint32_t k = 0, inputs = c->shape.inputs; k < net->n_layers; inputs = net->layers[k++].units)
    {
      RefLayer *layer = &net->layers[k];
      ref_layer_init (layer, inputs, model->layers[k].units, k + 1 == net->n_layers ? c->readout : c->hidden);
      layer->weight = find_block (net, model, k, "weight");
      layer->bias = find_block (net, model, k, "bias");
      layer->recurrent = find_block (net, model, k, "recurrent");
      layer->leak = find_block (net, model, k, "neuron.leak");
      layer->threshold = find_block (net, model, k, "neuron.threshold");
      layer->strength = find_block (net, model, k, "neuron.strength");
      layer->adaptation = find_block (net, model, k, "neuron.adaptation_leak");
    }
}

static void
reference_clear (RefNetwork *net)
{
  for (uint32_t k = 0; k < net->n_layers; k++)
    ref_layer_clear (&net->layers[k]);
  g_free (net->scores);
  g_free (net->tape.items);
}

/* ---- running both */

/* What a batch came to. */
typedef struct
{
  const Case *c;
  RvModel *model;
  RvDataset *data;
  RvBatch batch;
  RefNetwork net;
  double loss;
  double *scores; /* [recordings][decisions * classes] */
  size_t row;
  uint64_t *fired[RV_TILE_SLOTS][4]; /* by slot and layer */
  double worst_score, worst_gradient;
} Run;

/* Forward, and backward if asked for, over the batch; gives up once the margin is broken. */
static void
run_reference (Run *run, gboolean backward)
{
  RefNetwork *net = &run->net;
  g_auto (RvRecording) rec = { 0 };
  run->loss = 0.0;
  net->correct = 0;
  for (uint32_t k = 0; k < net->n_layers; k++)
    memset (net->layers[k].fired, 0, net->layers[k].units * sizeof (uint64_t));
  for (uint32_t s = 0; s < run->batch.n && net->margin > MARGIN; s++)
    {
      const uint32_t id = run->batch.ids ? run->batch.ids[s] : s;
      g_assert_true (rv_dataset_read (run->data, run->batch.epoch, id, &rec, NULL));
      const RefNumber loss = ref_sample (net, &rec, run->batch.epoch, id, "train");
      run->loss += ref_value (&net->tape, loss) / run->batch.n;
      memcpy (run->scores + id * run->row, net->scores, run->row * sizeof (double));
      if (backward)
        ref_backward (&net->tape, loss, 1.0 / run->batch.n);
    }
}

static void
observe (void *self, const RvTileView *view)
{
  Run *run = self;
  g_assert_cmpuint (view->slot, <, RV_TILE_SLOTS);
  g_assert_cmpuint ((size_t)view->decisions * view->classes, ==, run->row);
  for (uint32_t s = 0; s < view->samples; s++)
    {
      g_assert_cmpuint (view->labels[s], ==, view->ids[s] % run->c->shape.classes);
      for (size_t k = 0; k < run->row; k++)
        {
          const double expected = run->scores[view->ids[s] * run->row + k];
          const double d = fabs (view->scores[s * run->row + k] - expected) / (1.0 + fabs (expected));
          g_assert_cmpfloat (d, <, 1e-5);
          run->worst_score = MAX (run->worst_score, d);
        }
    }
  for (uint32_t l = 0; l < run->net.n_layers; l++)
    {
      const RvSignal *signal = &view->layers[l];
      for (uint32_t t = 0; t < signal->steps && signal->offsets; t++)
        for (uint32_t s = 0; s < view->samples; s++)
          for (uint32_t e = signal->offsets[t * signal->samples + s];
               e < signal->offsets[t * signal->samples + s + 1]; e++)
            run->fired[view->slot][l][signal->ids[e]]++;
    }
}

static void
compare_spikes (Run *run)
{
  for (uint32_t l = 0; l < run->net.n_layers; l++)
    {
      const RefLayer *layer = &run->net.layers[l];
      const double all = (double)run->batch.n * run->net.steps * layer->units;
      uint64_t total = 0;
      for (uint32_t n = 0; n < layer->units; n++)
        {
          uint64_t sum = 0;
          for (uint32_t slot = 0; slot < RV_TILE_SLOTS; slot++)
            sum += run->fired[slot][l][n];
          g_assert_cmpuint (sum, ==, layer->fired[n]);
          total += sum;
        }
      g_test_message ("layer %u: %.1f %% firing", l, 100.0 * total / all);
      if (layer->neuron.kind != REF_INTEGRATOR && all > 20) /* the case must say something */
        g_assert_true (total > 0 && total < all);
    }
}

static void
compare_forward (Run *run, const float *parameters)
{
  g_autoptr (GError) error = NULL;
  const RvObserver observer = { observe, run };
  RvScore score;
  for (uint32_t slot = 0; slot < RV_TILE_SLOTS; slot++)
    for (uint32_t l = 0; l < run->net.n_layers; l++)
      run->fired[slot][l] = g_new0 (uint64_t, run->net.layers[l].units);
  g_assert_true (rv_model_evaluate (run->model, parameters, &run->batch, &observer, &score, &error));
  g_assert_no_error (error);
  g_assert_cmpuint (score.samples, ==, run->batch.n);
  g_assert_cmpuint (score.decisions, ==, (uint64_t)run->batch.n * ref_decisions (&run->net));
  g_assert_cmpuint (score.correct, ==, run->net.correct);
  g_assert_cmpfloat (fabs (score.loss - run->loss), <, 1e-5 * (1.0 + fabs (run->loss)));
  compare_spikes (run);
  for (uint32_t slot = 0; slot < RV_TILE_SLOTS; slot++)
    for (uint32_t l = 0; l < run->net.n_layers; l++)
      g_free (run->fired[slot][l]);
}

static void
compare_gradient (Run *run, const float *parameters)
{
  g_autoptr (GError) error = NULL;
  const size_t count = rv_model_parameter_count (run->model);
  g_autofree float *gradient = g_new (float, count);
  RvScore score;
  memset (gradient, 0xff, count * sizeof (float)); /* overwritten, not added to */
  g_assert_true (rv_model_gradient (run->model, parameters, &run->batch, gradient, &score, &error));
  g_assert_no_error (error);
  g_assert_cmpuint (score.correct, ==, run->net.correct);
  g_assert_cmpfloat (fabs (score.loss - run->loss), <, 1e-5 * (1.0 + fabs (run->loss)));
  const RefEntry *expected = run->net.tape.items + 1;
  for (uint32_t k = 0; k < run->model->parameters->len;
       expected += network_size (rv_parameter (run->model, k++)))
    {
      const RvParameter *p = rv_parameter (run->model, (RvHandle)k);
      double largest = 0.0, worst = 0.0;
      for (uint32_t e = 0; e < network_size (p); e++)
        {
          const float found = gradient[network_at (p, e)];
          largest = fmax (largest, fabs (expected[e].gradient));
          worst = fmax (worst, isfinite (found) ? fabs (found - expected[e].gradient) : INFINITY);
          gradient[network_at (p, e)] = 0.0f;
        }
      g_test_message ("%s: largest %g, off by %g of it", p->name, largest,
                      largest > 0.0 ? worst / largest : worst);
      g_assert_cmpfloat (worst, <=, TOLERANCE * largest);
      run->worst_gradient = fmax (run->worst_gradient, largest > 0.0 ? worst / largest : 0.0);
    }
  for (size_t k = 0; k < count; k++) /* what is left is padding */
    g_assert_cmpfloat (gradient[k], ==, 0.0f);
}

/* Draws until the margin holds. */
static void
find_margin (Run *run)
{
  const Case *c = run->c;
  for (uint64_t seed = 1; seed <= 40; seed++)
    {
      run->data = make_data (c, seed);
      run->batch.data = run->data;
      run->model = make_model (c, rv_dataset_spec (run->data), seed);
      draw_parameters (run->model, seed);
      reference_init (&run->net, c, run->model, seed);
      run_reference (run, FALSE);
      if (run->net.margin > MARGIN)
        return;
      reference_clear (&run->net);
      g_clear_pointer (&run->model, rv_model_unref);
      g_clear_pointer (&run->data, rv_dataset_unref);
    }
  g_error ("no draw of 40 keeps all membranes away from the threshold");
}

static void
test_case (gconstpointer user)
{
  const Case *c = user;
  const uint32_t batch = c->shape.batch;
  g_autofree uint32_t *ids = g_new (uint32_t, 2 * batch);
  Run run = { .c = c, .batch = { .n = batch } };
  if (c->shuffled)
    {
      rv_stream_permutation (rv_stream_new (1, "", "ids", ""), 2 * batch, ids);
      run.batch.ids = ids;
      run.batch.epoch = 3;
    }
  const gboolean each = c->decoder == REF_EACH_STEP;
  run.row = (size_t)(each ? c->shape.steps - MIN (c->shape.steps - 1, 2) : 1) * c->shape.classes;
  run.scores = g_new0 (double, 2 * batch * run.row);
  find_margin (&run);
  g_assert_cmpfloat (run.net.margin, >, MARGIN);
  run_reference (&run, TRUE);
  if (c->blocks)
    run.model->block = 7;
  if (c->again)
    rv_model_set_checkpoint (run.model, TRUE);
  g_autofree float *parameters = NULL;
  if (c->shuffled)
    {
      const size_t count = rv_model_parameter_count (run.model);
      RvModel *original = run.model;
      run.model = rv_model_copy (original);
      rv_model_unref (original);
      parameters = g_memdup2 (run.model->values, count * sizeof (float));
      for (size_t k = 0; k < count; k++)
        run.model->values[k] = 0.25f;
    }
  compare_forward (&run, parameters);
  compare_gradient (&run, parameters);
  compare_forward (&run, parameters); /* nothing is left over from the backward pass */
  g_test_message ("margin %g, loss %g; worst score %g, worst gradient %g", run.net.margin, run.loss,
                  run.worst_score, run.worst_gradient);
  g_free (run.scores);
  reference_clear (&run.net);
  rv_model_unref (run.model);
  rv_dataset_unref (run.data);
}

/* ---- cases */

static const Shape shapes[] = {
  { 1, 3, 1, 2, 1 },     { 17, 20, 5, 3, 7 },  { 37, 3, 16, 10, 7 },  { 1, 70, 130, 5, 40 },
  { 17, 70, 33, 20, 7 }, { 37, 20, 1, 2, 40 }, { 1, 20, 33, 3, 40 },  { 17, 3, 130, 17, 7 },
  { 37, 70, 5, 4, 1 },   { 1, 3, 16, 2, 40 },  { 17, 20, 130, 3, 1 }, { 37, 20, 33, 16, 7 },
  { 17, 3, 5, 6, 17 },
};

/* lif: every reset, gain and detach-reset, with recurrence and without, each with another shape. */
#define GRID 64
static Case grid[GRID];

static void
fill_grid (uint32_t k)
{
  static const RvForm forms[] = { RV_FORM_SPIKES, RV_FORM_STATIC, RV_FORM_FRAMES };
  static const char *const resets[] = { "hard", "soft", "soft-after-leak", "none" };
  static const char *const form_names[] = { "spikes", "static", "frames" };
  Case *c = &grid[k];
  const uint32_t round = k / 32;
  c->hidden.kind = (RefKind)(k % 4);
  c->hidden.gain = k / 4 % 2;
  c->hidden.detach = k / 8 % 2;
  c->recurrent = k / 16 % 2;
  c->shape = shapes[(k + 5 * round) % G_N_ELEMENTS (shapes)];
  c->form = forms[(k + round) % 3];
  c->hidden.surrogate = (int)((k / 2 + round) % G_N_ELEMENTS (ref_surrogates));
  c->hidden.leak = (int)((k / 3 + round) % 3);
  c->hidden.threshold = (int)((k + 2 * round) % 3);
  c->readout.kind = REF_INTEGRATOR;
  c->readout.leak = (int)(k / 5 % 3);
  c->readout.gain = k / 2 % 2;
  c->decoder = (RefDecoder)(k / 7 % 4);
  c->loss = (RefLoss)((k + k / 3) % 3);
  c->name = g_strdup_printf ("lif/%s%s%s%s-%s-%ux%u-%u-%u-T%u", resets[k % 4], c->hidden.gain ? "-gain" : "",
                             c->hidden.detach ? "-detach" : "", c->recurrent ? "-recurrent" : "",
                             form_names[(k + round) % 3], c->shape.batch, c->shape.inputs, c->shape.units,
                             c->shape.classes, c->shape.steps);
}

/* clang-format off */
#define INTEGRATOR { .kind = REF_INTEGRATOR, .gain = TRUE, .leak = 1 }

static const Case others[] = {
  { "adaptive", { 17, 20, 33, 3, 17 }, .form = RV_FORM_SPIKES, .decoder = REF_MEAN_MEMBRANE,
    .hidden = { .kind = REF_ADAPTIVE, .leak = 1, .threshold = 2 }, .readout = INTEGRATOR },
  { "adaptive-recurrent", { 37, 3, 16, 3, 7 }, .form = RV_FORM_STATIC, .decoder = REF_LAST_STEP,
    .hidden = { .kind = REF_ADAPTIVE, .surrogate = 1, .leak = 2, .threshold = 1 }, .recurrent = TRUE,
    .readout = INTEGRATOR },
  { "adaptive-detach", { 1, 70, 130, 3, 40 }, .form = RV_FORM_FRAMES, .decoder = REF_EACH_STEP,
    .hidden = { .kind = REF_ADAPTIVE, .surrogate = 3, .detach = TRUE }, .recurrent = TRUE,
    .readout = INTEGRATOR },
  { "readout-rate", { 37, 20, 16, 5, 17 }, .form = RV_FORM_SPIKES, .decoder = REF_RATE,
    .hidden = { .leak = 1 }, .readout = { .kind = REF_HARD, .leak = 1, .threshold = 1 } },
  { "readout-rate-mse", { 17, 20, 33, 3, 17 }, .form = RV_FORM_STATIC, .decoder = REF_RATE, .loss = REF_MSE,
    .hidden = { .leak = 2 }, .readout = { .kind = REF_SOFT, .surrogate = 2, .gain = TRUE, .threshold = 2 } },
  { "readout-rate-adaptive", { 17, 20, 33, 3, 17 }, .form = RV_FORM_SPIKES, .decoder = REF_RATE,
    .readout = { .kind = REF_ADAPTIVE, .leak = 1, .threshold = 1 } },
  { "readout-rate-recurrent", { 17, 20, 16, 5, 17 }, .form = RV_FORM_SPIKES, .decoder = REF_RATE,
    .loss = REF_CROSS_ENTROPY_TWICE, .recurrent = TRUE, .recurrent_readout = TRUE,
    .readout = { .kind = REF_SOFT_AFTER_LEAK, .leak = 1, .threshold = 1 } },
  { "readout-last-spikes", { 37, 3, 5, 2, 7 }, .form = RV_FORM_SPIKES, .decoder = REF_LAST_STEP,
    .readout = { .kind = REF_HARD, .detach = TRUE } },
  { "readout-each-spikes", { 17, 20, 16, 20, 7 }, .form = RV_FORM_FRAMES, .decoder = REF_EACH_STEP,
    .loss = REF_MSE, .readout = { .kind = REF_NONE, .surrogate = 1 } },
  { "readout-membrane-hard", { 17, 20, 16, 3, 17 }, .form = RV_FORM_SPIKES, .decoder = REF_MEAN_MEMBRANE,
    .readout = { .kind = REF_HARD, .leak = 1, .threshold = 1 } },
  { "readout-membrane-soft", { 17, 20, 16, 3, 17 }, .form = RV_FORM_STATIC, .decoder = REF_EACH_STEP,
    .readout = { .kind = REF_SOFT, .leak = 1, .threshold = 2 }, .read_membrane = TRUE },
  { "readout-membrane-recurrent", { 17, 20, 16, 3, 17 }, .form = RV_FORM_SPIKES,
    .decoder = REF_MEAN_MEMBRANE, .readout = { .kind = REF_HARD, .leak = 1 }, .recurrent_readout = TRUE },
  { "start-uniform", { 37, 20, 33, 3, 7 }, .form = RV_FORM_SPIKES, .decoder = REF_EACH_STEP,
    .loss = REF_CROSS_ENTROPY_TWICE, .hidden = { .leak = 1, .gain = TRUE, .start_uniform = TRUE },
    .readout = { .kind = REF_INTEGRATOR, .gain = TRUE, .leak = 1, .start_uniform = TRUE }, .shuffled = TRUE },
  { "start-uniform-adaptive", { 17, 3, 5, 3, 7 }, .form = RV_FORM_STATIC, .decoder = REF_MEAN_MEMBRANE,
    .hidden = { .kind = REF_ADAPTIVE, .leak = 1, .threshold = 1, .start_uniform = TRUE }, .recurrent = TRUE,
    .readout = INTEGRATOR, .shuffled = TRUE },
  { "no-bias", { 37, 20, 33, 3, 7 }, .form = RV_FORM_FRAMES, .decoder = REF_LAST_STEP, .no_bias = TRUE,
    .readout = INTEGRATOR, .shuffled = TRUE },
  { "two-hidden", { 17, 20, 33, 3, 17 }, .second = 20, .form = RV_FORM_SPIKES, .decoder = REF_MEAN_MEMBRANE,
    .hidden = { .leak = 1, .threshold = 1 }, .readout = INTEGRATOR },
  { "two-hidden-recurrent", { 17, 20, 33, 3, 17 }, .second = 70, .form = RV_FORM_STATIC,
    .decoder = REF_MEAN_MEMBRANE, .hidden = { .leak = 2, .threshold = 1, .gain = TRUE, .surrogate = 1 },
    .recurrent = TRUE, .readout = INTEGRATOR },
  { "hidden-integrator", { 17, 20, 33, 3, 17 }, .second = 5, .form = RV_FORM_SPIKES, .decoder = REF_RATE,
    .hidden = INTEGRATOR, .readout = { .kind = REF_HARD, .leak = 1, .threshold = 1 } },
  { "many-tiles", { 300, 3, 5, 3, 7 }, .form = RV_FORM_SPIKES, .decoder = REF_LAST_STEP,
    .hidden = { .leak = 1 }, .readout = INTEGRATOR },
  { "blocks", { 1, 3, 150, 3, 20 }, .second = 5, .form = RV_FORM_SPIKES, .decoder = REF_MEAN_MEMBRANE,
    .hidden = { .leak = 2, .threshold = 2 }, .readout = INTEGRATOR, .blocks = TRUE },
  { "blocks-static", { 1, 3, 150, 3, 20 }, .second = 5, .form = RV_FORM_STATIC, .decoder = REF_EACH_STEP,
    .hidden = { .kind = REF_SOFT }, .readout = INTEGRATOR, .blocks = TRUE },
  { "blocks-recurrent", { 1, 20, 5, 150, 20 }, .form = RV_FORM_STATIC, .decoder = REF_MEAN_MEMBRANE,
    .hidden = { .leak = 1, .threshold = 1 }, .recurrent = TRUE, .readout = INTEGRATOR, .blocks = TRUE },
  { "again", { 1, 3, 150, 3, 20 }, .second = 5, .form = RV_FORM_SPIKES, .decoder = REF_MEAN_MEMBRANE,
    .hidden = { .leak = 2, .threshold = 2 }, .readout = INTEGRATOR, .blocks = TRUE, .again = TRUE },
  { "again-static", { 1, 3, 150, 3, 20 }, .second = 5, .form = RV_FORM_STATIC, .decoder = REF_EACH_STEP,
    .hidden = { .kind = REF_SOFT }, .readout = INTEGRATOR, .blocks = TRUE, .again = TRUE },
  { "again-recurrent", { 1, 20, 5, 150, 20 }, .form = RV_FORM_STATIC, .decoder = REF_MEAN_MEMBRANE,
    .hidden = { .leak = 1, .threshold = 1 }, .recurrent = TRUE, .readout = INTEGRATOR, .blocks = TRUE, .again = TRUE },
};
/* clang-format on */

/* Which clones ran; the build runs this program once for each instruction set. */
static void
test_instruction_set (void)
{
  const char *asked = g_getenv ("RANVIER_ISA");
  g_test_message ("instruction set %s", rv_isa_name (rv_isa ()));
  if (asked && !g_str_equal (asked, rv_isa_name (rv_isa ())))
    g_test_skip ("not on this processor: the next smaller one ran");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_set_nonfatal_assertions ();
  g_test_add_func ("/reference/instruction-set", test_instruction_set);
  for (uint32_t k = 0; k < GRID; k++)
    {
      fill_grid (k);
      g_autofree char *path = g_strconcat ("/reference/", grid[k].name, NULL);
      g_test_add_data_func (path, &grid[k], test_case);
    }
  for (guint k = 0; k < G_N_ELEMENTS (others); k++)
    {
      g_autofree char *path = g_strconcat ("/reference/", others[k].name, NULL);
      g_test_add_data_func (path, &others[k], test_case);
    }
  return g_test_run ();
}
