/* See cases.h. Real recordings come through the nodes that a pipeline would name; the others are made by
 * counter, so that they are the same everywhere. */
#include "cases.h"
#include "pipeline/document.h"
#include "pipeline/graph-private.h"
#include "plugin/params.h"
#include <stdio.h>
#include <string.h>

#define SHD_NODES(steps, width)                                                                              \
  "events: {use: dataset/shd}, data: {use: transform/bins, data: events, width: " width ", steps: " steps "}"
#define SHD_FILE "shd_train of the data folder"
/* A recording of SHD has about 8,000 spikes. SSC was made by the same chain from words of a second; no count
 * of it is known here, so that it gets as many. */
#define SHD_EVENTS 8000
#define SPOKEN_MADE "made, as many events as SHD has, 8,000, in patches"
#define NMNIST_NODES                                                                                         \
  "events: {use: dataset/nmnist}, data: {use: transform/bins, data: events, width: 3 ms, steps: 100}"
#define DVS_NODES                                                                                            \
  "events: {use: dataset/dvsgesture}, pooled: {use: transform/downsample, data: events, factor: 4}, "        \
  "data: {use: transform/frames, data: pooled, frames: 20}"

#define SPOKEN(case_name, t, out, hidden, is_recurrent, leak_speed, nodes, nodes_name, made)                 \
  {                                                                                                          \
    .name = case_name, .batch = 100, .steps = t, .inputs = 700, .units = { hidden, out },                    \
    .recurrent = is_recurrent, .neurons = BENCH_TEMPORAL, .rate = 1e-2, .leak_rate = leak_speed, .warm = 64, \
    .real = nodes, .real_name = nodes_name, .events = SHD_EVENTS, .made_name = made                          \
  }
#define SHD(case_name, t, is_recurrent, nodes, nodes_name)                                                   \
  SPOKEN (case_name, t, 20, 64, is_recurrent, 2e-2, nodes, nodes_name, nodes ? NULL : SPOKEN_MADE)
#define NMNIST(case_name, is_recurrent, its_neurons, its_readout, its_cell, its_warm)                        \
  {                                                                                                          \
    .name = case_name, .batch = 512, .steps = 100, .inputs = 2312, .units = { 512, 10 },                     \
    .recurrent = is_recurrent, .neurons = its_neurons, .readout = its_readout, .cell = its_cell,             \
    .rate = 1e-3, .warm = its_warm, .real = NMNIST_NODES, .real_name = "N-MNIST, 3 ms", .events = 4100,      \
    .made_name = "made, as many events as N-MNIST has, 4,100, in patches"                                    \
  }

const BenchCase bench_cases[] = {
  { .name = "xor",
    .batch = 500,
    .steps = 200,
    .inputs = 20,
    .units = { 16, 2 },
    .neurons = BENCH_TEMPORAL,
    .readout = BENCH_STEPS9,
    .rate = 1e-2,
    .leak_rate = 1e-2,
    .warm = 400,
    .real = "data: {use: dataset/delayed-xor, samples: 500}",
    .real_name = "delayed XOR" },
  SHD ("shd-10ms", 100, FALSE, NULL, NULL),
  SHD ("shd-10ms-rec", 100, TRUE, NULL, NULL),
  SHD ("shd-1ms", 1000, FALSE, NULL, NULL),
  SHD ("shd-1ms-rec", 1000, TRUE, NULL, NULL),
  SHD ("shd-10ms-recorded", 100, FALSE, SHD_NODES ("100", "10 ms"), SHD_FILE),
  SHD ("shd-10ms-rec-recorded", 100, TRUE, SHD_NODES ("100", "10 ms"), SHD_FILE),
  SHD ("shd-1ms-recorded", 1000, FALSE, SHD_NODES ("1000", "1 ms"), SHD_FILE),
  SHD ("shd-1ms-rec-recorded", 1000, TRUE, SHD_NODES ("1000", "1 ms"), SHD_FILE),
  SPOKEN ("ssc-1ms", 1000, 35, 200, FALSE, 1e-2, NULL, NULL, SPOKEN_MADE),
  SPOKEN ("ssc-1ms-rec", 1000, 35, 200, TRUE, 1e-2, NULL, NULL, SPOKEN_MADE),
  NMNIST ("nmnist", FALSE, BENCH_FIXED, BENCH_MEAN, NULL, 64),
  NMNIST ("nmnist-rec", TRUE, BENCH_FIXED, BENCH_MEAN, NULL, 64),
  NMNIST ("nmnist-rnn", FALSE, BENCH_GATED, BENCH_LAST, "rnn", 0),
  NMNIST ("nmnist-lstm", FALSE, BENCH_GATED, BENCH_LAST, "lstm", 0),
  NMNIST ("nmnist-gru", FALSE, BENCH_GATED, BENCH_LAST, "gru", 0),
  { .name = "dvs",
    .batch = 64,
    .steps = 20,
    .inputs = 2048,
    .units = { 512, 512, 11 },
    .neurons = BENCH_FIXED,
    .rate = 1e-3,
    .warm = 64,
    .real = DVS_NODES,
    .real_name = "DVS128 Gesture, 20 frames of 2 x 32 x 32 counts",
    .events = 12000,
    .made_name = "made, 12,000 events in patches" },
  { .name = "mnist",
    .batch = 512,
    .steps = 8,
    .inputs = 784,
    .units = { 512, 10 },
    .neurons = BENCH_FIXED,
    .rate = 1e-3,
    .warm = 64,
    .real = "images: {use: dataset/mnist}, data: {use: transform/repeat, data: images, steps: 8}",
    .real_name = "MNIST, a still image",
    .made_name = "made, images with 19 % of their pixels lit" },
};
const guint bench_n_cases = G_N_ELEMENTS (bench_cases);

const BenchCase *
bench_case_find (const char *name)
{
  for (guint k = 0; k < bench_n_cases; k++)
    if (g_str_equal (name, bench_cases[k].name))
      return &bench_cases[k];
  return NULL;
}

static uint32_t
layers_of (const BenchCase *one)
{
  uint32_t n = 0;
  while (n < BENCH_LAYERS && one->units[n])
    n++;
  return n;
}

/* ---- recordings */

static void
copy_recording (RvRecording *out, const RvRecording *from)
{
  if (from->form == RV_FORM_SPIKES)
    {
      const uint32_t n = from->offsets[from->steps];
      rv_recording_set_spikes (out, from->steps, from->units, MAX (n, 1));
      memcpy (out->offsets, from->offsets, (from->steps + 1) * sizeof (uint32_t));
      memcpy (out->ids, from->ids, n * sizeof (uint32_t));
    }
  else if (from->form == RV_FORM_FRAMES)
    memcpy (rv_recording_set_frames (out, from->steps, from->units), from->values,
            (size_t)from->steps * from->units * sizeof (float));
  else
    memcpy (rv_recording_set_static (out, from->units), from->values, from->units * sizeof (float));
  out->steps = from->steps;
  out->label = from->label;
}

/* Where the events of a class gather: a few patches of units and time, as formants do; in shares of the
 * whole. */
#define PATCHES 8
#define PATCH_UNIT 0.05
#define PATCH_TIME 0.06

/* Event k: nine of ten belong to a patch of the class, the others to noise. FALSE if it falls outside. */
static gboolean
draw_event (RvStream class, RvStream own, uint64_t k, double *unit, double *time)
{
  const RvStream stream = rv_stream_fork (own, k + 1);
  *unit = rv_stream_uniform_double (stream, 0);
  *time = rv_stream_uniform_double (stream, 1);
  if (rv_stream_uniform (stream, 2) < 0.9f)
    {
      const uint64_t patch = rv_stream_bits (stream, 3) % PATCHES;
      const double shift = PATCH_TIME * rv_stream_normal (own, 0); /* the whole recording is early or late */
      *unit = rv_stream_uniform_double (class, 2 * patch) + PATCH_UNIT * rv_stream_normal (stream, 4);
      *time = rv_stream_uniform_double (class, 2 * patch + 1) + shift
              + PATCH_TIME * rv_stream_normal (stream, 5);
    }
  return *unit >= 0.0 && *unit < 1.0 && *time >= 0.0 && *time < 1.0;
}

/* As many events as the case says; what comes twice in a step counts once. */
static void
make_spikes (RvRecording *out, const BenchCase *one, uint32_t id, uint32_t label)
{
  const RvStream class = rv_stream_fork (rv_stream_new (1, "", "class", ""), label);
  const RvStream own = rv_stream_fork (rv_stream_new (1, "", "recording", ""), id);
  g_autofree guint8 *fired = g_new0 (guint8, (size_t)one->steps * one->inputs);
  double unit, time;
  uint32_t made = 0, n = 0;
  for (uint64_t k = 0; made < one->events; k++)
    if (draw_event (class, own, k, &unit, &time))
      {
        fired[(size_t)(time * one->steps) * one->inputs + (size_t)(unit * one->inputs)] = 1;
        made++;
      }
  rv_recording_set_spikes (out, one->steps, one->inputs, one->events);
  for (uint32_t t = 0; t < one->steps; t++)
    {
      out->offsets[t] = n;
      for (uint32_t j = 0; j < one->inputs; j++)
        if (fired[(size_t)t * one->inputs + j])
          out->ids[n++] = j;
    }
  out->offsets[one->steps] = n;
}

static void
make_image (RvRecording *out, const BenchCase *one, uint32_t id, uint32_t label)
{
  const RvStream stream = rv_stream_fork (rv_stream_new (1, "", "bench", ""), id);
  float *values = rv_recording_set_static (out, one->inputs);
  for (uint32_t k = 0; k < one->inputs; k++)
    values[k] = rv_stream_uniform (stream, k) < 0.19f ? rv_stream_uniform (stream, one->inputs + k) : 0.0f;
  out->steps = one->steps;
}

/* Runs the nodes and leaves what they made in them. */
static RvGraph *
run_nodes (const BenchCase *one, const char *root, RvDocument **document, GError **error)
{
  g_autofree char *text = g_strdup_printf ("nodes: {%s}", one->real);
  g_autoptr (RvMistakes) mistakes = rv_mistakes_new ();
  const RvGraphOptions options = { .data_root = root, .quiet = TRUE };
  *document = rv_document_parse (text, strlen (text), one->name, NULL, mistakes);
  g_autoptr (RvGraph) graph = *document ? rv_graph_new (*document, &options, mistakes) : NULL;
  if (mistakes->messages->len)
    {
      rv_mistakes_raise (mistakes, error);
      return NULL;
    }
  for (guint k = 0; k < graph->nodes->len; k++)
    {
      RvNode *node = graph->nodes->pdata[k];
      if (!node->class->run (node->instance->self, node, error))
        return NULL;
    }
  return g_steal_pointer (&graph);
}

static gboolean
load_real (BenchBatch *batch, const BenchCase *one, const char *root, GError **error)
{
  g_autoptr (RvDocument) document = NULL;
  g_autoptr (RvGraph) graph = run_nodes (one, root, &document, error);
  g_auto (RvRecording) read = { 0 };
  if (!graph)
    return FALSE;
  const RvNode *last = graph->nodes->pdata[graph->nodes->len - 1];
  RvDataset *data = ((RvPortValue *)last->outputs->pdata[0])->artefact;
  const RvDatasetSpec *spec = rv_dataset_spec (data);
  batch->distinct = MIN (one->batch, spec->samples);
  batch->real = TRUE;
  for (uint32_t k = 0; k < one->batch; k++)
    {
      if (!rv_dataset_read (data, 0, k % batch->distinct, &read, error))
        return FALSE;
      copy_recording (&batch->recordings[k], &read);
    }
  return TRUE;
}

/* Not zero in one recording; a unit that fired several times in a step is one. */
static size_t
count_recording (const RvRecording *r, size_t *bytes, double *events)
{
  size_t n = 0;
  if (r->form == RV_FORM_SPIKES)
    {
      for (uint32_t t = 0; t < r->steps; t++)
        for (uint32_t k = r->offsets[t]; k < r->offsets[t + 1]; k++)
          n += k == r->offsets[t] || r->ids[k] != r->ids[k - 1];
      *events += r->offsets[r->steps];
      *bytes += (r->steps + 1 + (size_t)r->offsets[r->steps]) * sizeof (uint32_t);
      return n;
    }
  const size_t values = (size_t)r->units * (r->form == RV_FORM_FRAMES ? r->steps : 1);
  for (size_t k = 0; k < values; k++)
    n += r->values[k] != 0.0f;
  *bytes += values * sizeof (float);
  return n;
}

gboolean
bench_batch_load (BenchBatch *batch, const BenchCase *one, const char *root, GError **error)
{
  const uint32_t classes = one->units[layers_of (one) - 1];
  *batch = (BenchBatch){ .recordings = g_new0 (RvRecording, one->batch), .distinct = one->batch };
  batch->spec = (RvDatasetSpec){ .samples = one->batch };
  g_autoptr (GError) problem = NULL;
  if (one->real && !load_real (batch, one, root, &problem) && !one->made_name)
    {
      g_propagate_error (error, g_steal_pointer (&problem));
      return FALSE;
    }
  if (problem && root)
    fprintf (stderr, "%s: made recordings instead: %s\n", one->name, problem->message);
  for (uint32_t k = 0; !batch->real && k < one->batch; k++)
    {
      (one->events ? make_spikes : make_image) (&batch->recordings[k], one, k, k % classes);
      batch->recordings[k].label = k % classes;
    }
  size_t lit = 0;
  for (uint32_t k = 0; k < one->batch; k++)
    lit += count_recording (&batch->recordings[k], &batch->bytes, &batch->events);
  const RvForm form = batch->recordings[0].form;
  const double places = (double)one->batch * one->inputs * (form == RV_FORM_STATIC ? 1 : one->steps);
  batch->density = (double)lit / places;
  batch->events /= one->batch;
  batch->spec = (RvDatasetSpec){ .form = form,
                                 .samples = one->batch,
                                 .units = one->inputs,
                                 .dims = { one->inputs, 1, 1 },
                                 .steps = one->steps,
                                 .classes = classes,
                                 .split = "train" };
  return TRUE;
}

void
bench_batch_clear (BenchBatch *batch)
{
  for (uint32_t k = 0; batch->recordings && k < batch->spec.samples; k++)
    rv_recording_clear (&batch->recordings[k]);
  g_clear_pointer (&batch->recordings, g_free);
}

static gboolean
read_copy (gconstpointer self, uint64_t epoch, uint32_t id, RvRecording *out, GError **error)
{
  copy_recording (out, &((const BenchBatch *)self)->recordings[id]);
  return TRUE;
}

RvDataset *
bench_batch_dataset (const BenchBatch *batch)
{
  return rv_dataset_new (&batch->spec, read_copy, (gpointer)batch, NULL);
}

/* ---- networks */

static RvInstance *
make (const char *kind, const char *text, const char *path, GError **error)
{
  g_autoptr (RvMistakes) mistakes = rv_mistakes_new ();
  g_autoptr (RvValue) value = rv_yaml_parse (text, strlen (text), "bench", mistakes);
  RvInstance *instance = value ? rv_instance_new (kind, FALSE, value, path, NULL, NULL, mistakes) : NULL;
  if (!instance)
    rv_mistakes_raise (mistakes, error);
  return instance;
}

static char *
layer_text (const BenchCase *one, uint32_t layer)
{
  const gboolean last = layer + 1 == layers_of (one);
  const char *recurrent = one->recurrent && !last ? "yes" : "no";
  if (one->neurons == BENCH_GATED)
    return g_strdup_printf (last ? "{use: dense, units: %u, neuron: linear}" : "{units: %u, use: %s}",
                            one->units[layer], one->cell);
  if (one->neurons == BENCH_FIXED)
    return g_strdup_printf ("{use: dense, units: %u, recurrent: %s, neuron: {use: lif, leak: 0.3, threshold: "
                            "0.3, reset: hard, surrogate: {use: rectangle, width: 0.25}}}",
                            one->units[layer], recurrent);
  const char *neuron = last ? "use: leaky-integrator"
                            : "use: lif, threshold: 0.5, reset: hard, surrogate: {use: multi-gaussian, "
                              "width: 0.5}";
  return g_strdup_printf ("{use: dense, units: %u, recurrent: %s, neuron: {%s, input-gain: one-minus-leak, "
                          "leak: {learned: per-neuron, initial: \"sigmoid(uniform(0, 4))\", rate: %g}}}",
                          one->units[layer], recurrent, neuron, one->leak_rate);
}

RvModel *
bench_model_new (const BenchCase *one, const RvDatasetSpec *spec, GError **error)
{
  RvInstance *layers[BENCH_LAYERS], *decoder, *loss = NULL;
  RvInstances network = { 0, layers };
  RvModel *model = NULL;
  while (network.n < layers_of (one))
    {
      g_autofree char *text = layer_text (one, network.n), *path = g_strdup_printf ("network.%u", network.n);
      if (!(layers[network.n] = make ("layer", text, path, error)))
        break;
      network.n++;
    }
  decoder = make ("decoder",
                  one->readout == BENCH_STEPS9     ? "{use: each-step, from: -9}"
                  : one->readout == BENCH_LAST     ? "last-step"
                  : one->neurons == BENCH_TEMPORAL ? "mean-membrane"
                                                   : "rate",
                  "decoder", network.n == layers_of (one) ? error : NULL);
  if (decoder)
    loss = make ("loss",
                 one->readout == BENCH_STEPS9 ? "{use: cross-entropy, softmax: twice}" : "cross-entropy",
                 "loss", error);
  if (network.n == layers_of (one) && decoder && loss)
    model = rv_model_new (&network, decoder, loss, spec, 1, error);
  for (uint32_t k = 0; k < network.n; k++)
    rv_instance_unref (layers[k]);
  g_clear_pointer (&decoder, rv_instance_unref);
  g_clear_pointer (&loss, rv_instance_unref);
  return model;
}

RvUpdater *
bench_updater_new (const BenchCase *one, const RvModel *model)
{
  g_autofree char *text = g_strdup_printf ("{use: adam, rate: %g}", one->rate);
  RvInstance *adam = make ("optimizer", text, "optimizer", NULL);
  RvUpdater *updater = rv_updater_new (model, adam);
  rv_instance_unref (adam);
  return updater;
}

static void
member (JsonBuilder *json, const char *name, double value)
{
  json_builder_set_member_name (json, name);
  json_builder_add_double_value (json, value);
}

static void
member_int (JsonBuilder *json, const char *name, gint64 value)
{
  json_builder_set_member_name (json, name);
  json_builder_add_int_value (json, value);
}

static void
member_text (JsonBuilder *json, const char *name, const char *value)
{
  json_builder_set_member_name (json, name);
  json_builder_add_string_value (json, value);
}

char *
bench_data_name (const BenchCase *one, const BenchBatch *batch)
{
  if (!batch->real)
    return g_strdup (one->made_name);
  return batch->distinct < one->batch
             ? g_strdup_printf ("%s; %u recordings, repeated", one->real_name, batch->distinct)
             : g_strdup (one->real_name);
}

void
bench_describe (JsonBuilder *json, const BenchCase *one, const BenchBatch *batch)
{
  g_autofree char *data = bench_data_name (one, batch);
  member_text (json, "case", one->name);
  member_int (json, "batch", one->batch);
  member_int (json, "steps", one->steps);
  member_int (json, "inputs", one->inputs);
  json_builder_set_member_name (json, "units");
  json_builder_begin_array (json);
  for (uint32_t k = 0; k < layers_of (one); k++)
    json_builder_add_int_value (json, one->units[k]);
  json_builder_end_array (json);
  json_builder_set_member_name (json, "recurrent");
  json_builder_add_boolean_value (json, one->recurrent);
  static const char *const neurons[] = { "temporal", "fixed", "gated" };
  static const char *const readouts[] = { "mean", "last", "steps9" };
  member_text (json, "neurons", neurons[one->neurons]);
  member_text (json, "readout", readouts[one->readout]);
  member_text (json, "cell", one->cell ? one->cell : "");
  member (json, "rate", one->rate);
  member (json, "leak_rate", one->leak_rate);
  json_builder_set_member_name (json, "static");
  json_builder_add_boolean_value (json, batch->spec.form == RV_FORM_STATIC);
  member_text (json, "data", data);
  member (json, "density", batch->density);
  member (json, "events", batch->events);
  member_int (json, "data_bytes", (gint64)batch->bytes);
}
