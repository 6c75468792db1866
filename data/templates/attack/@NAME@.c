/* attack/@NAME@: a white-box attack on spikes. In every round, of each recording that the model still tells
 * right, the one bin (step, unit) is flipped that promises most by the gradient of the loss: a spike comes where
 * dL/dinput is largest, or goes where it is most negative.
 *
 * An attack hands on a dataset, so that any analysis can look at it, and a table of what it did. */
#include <ranvier/ranvier.h>
#include <string.h>

typedef struct
{
  RvPort model, data;
  int64_t flips;
} Self;

static const RvParam params[] = {
  RV_PORT (Self, model, RV_ARTEFACT_MODEL, RV_PARAM_REQUIRED, "The model that is attacked"),
  RV_PORT (Self, data, RV_ARTEFACT_DATASET, RV_PARAM_REQUIRED, "The recordings that are changed"),
  RV_INT (Self, flips, "20", 1, 1e6, "", "Flips of a recording at most"),
  RV_PARAM_END
};

/* ---- the changed dataset: copies of the recordings in memory, a byte for every bin */

typedef struct
{
  RvDataset *source;
  uint32_t samples, steps, units;
  uint8_t *spikes; /* [samples][steps][units]: 0 or 1 */
  uint32_t *labels, *lengths;
} Changed;

static gboolean
read_changed (gconstpointer data, uint64_t epoch, uint32_t id, RvRecording *out, GError **error)
{
  const Changed *changed = data;
  const size_t bins = (size_t) changed->steps * changed->units;
  const uint8_t *spikes = changed->spikes + id * bins;
  uint32_t count = 0;
  rv_recording_set_spikes (out, changed->steps, changed->units, bins);
  for (uint32_t t = 0; t < changed->steps; t++)
    {
      out->offsets[t] = count;
      for (uint32_t u = 0; u < changed->units; u++)
        if (spikes[(size_t) t * changed->units + u])
          out->ids[count++] = u;
    }
  out->offsets[changed->steps] = count;
  out->length = changed->lengths[id];
  out->label = changed->labels[id];
  return TRUE;
}

static void
free_changed (gpointer data)
{
  Changed *changed = data;
  rv_dataset_unref (changed->source);
  g_free (changed->spikes);
  g_free (changed->labels);
  g_free (changed->lengths);
  g_free (changed);
}

/* The dataset owns what it reads. Its spec has no epochs any more, as it was read in epoch 0. */
static RvDataset *
new_changed (RvDataset *source, Changed **changed)
{
  RvDatasetSpec spec = *rv_dataset_spec (source);
  *changed = g_new (Changed, 1);
  **changed = (Changed){ .source = rv_dataset_ref (source),
                         .samples = spec.samples,
                         .steps = spec.steps,
                         .units = spec.units,
                         .spikes = g_new0 (uint8_t, (size_t) spec.samples * spec.steps * spec.units),
                         .labels = g_new0 (uint32_t, spec.samples),
                         .lengths = g_new0 (uint32_t, spec.samples) };
  spec.varies = FALSE;
  return rv_dataset_new (&spec, read_changed, *changed, free_changed);
}

static gboolean
copy_recordings (Changed *changed, GError **error)
{
  g_auto (RvRecording) recording = { 0 };
  for (uint32_t id = 0; id < changed->samples; id++)
    {
      if (!rv_dataset_read (changed->source, 0, id, &recording, error))
        return FALSE;
      changed->labels[id] = recording.label;
      changed->lengths[id] = recording.length;
      for (uint32_t t = 0; t < changed->steps; t++)
        for (uint32_t e = recording.offsets[t]; e < recording.offsets[t + 1]; e++)
          changed->spikes[((size_t) id * changed->steps + t) * changed->units + recording.ids[e]] = 1;
    }
  return TRUE;
}

/* ---- a round */

typedef struct
{
  Changed *changed;
  gboolean flips; /* the last round only looks */
  uint32_t *count; /* [samples]: flips so far */
  gboolean *right; /* [samples] */
} Round;

static gboolean
is_right (const RvTileView *view, uint32_t s)
{
  float margin = INFINITY; /* of the label over the best of the others, summed over the decisions */
  for (uint32_t c = 0; c < view->classes; c++)
    {
      float sum = 0.0f;
      for (uint32_t d = 0; d < view->taken[s]; d++)
        {
          const float *scores = view->scores + ((size_t) s * view->decisions + d) * view->classes;
          sum += scores[view->labels[s]] - scores[c];
        }
      margin = c != view->labels[s] && sum < margin ? sum : margin;
    }
  return margin > 0.0f;
}

/* To first order a flip changes the loss by dL/dinput, or by minus that where a spike goes. */
static void
flip_best (const Round *round, const RvTileView *view, uint32_t s)
{
  const Changed *changed = round->changed;
  const RvSignal *g = view->input_gradient;
  uint8_t *spikes = changed->spikes + (size_t) view->ids[s] * changed->steps * changed->units, *best = NULL;
  float most = 0.0f;
  for (uint32_t t = 0; t < view->steps[s]; t++)
    {
      const float *row = g->dense + ((size_t) t * g->samples + s) * g->stride;
      uint8_t *bins = spikes + (size_t) t * changed->units;
      for (uint32_t u = 0; u < changed->units; u++)
        {
          const float gain = bins[u] ? -row[u] : row[u];
          if (gain > most)
            {
              most = gain;
              best = &bins[u];
            }
        }
    }
  if (!best)
    return;
  *best = !*best;
  round->count[view->ids[s]]++;
}

/* In a worker. Each recording is in one tile, so nobody else writes to its copy; and the tile has been read. */
static void
watch_tile (void *data, const RvTileView *view)
{
  const Round *round = data;
  for (uint32_t s = 0; s < view->samples; s++)
    {
      round->right[view->ids[s]] = is_right (view, s);
      if (round->flips && round->right[view->ids[s]])
        flip_best (round, view, s);
    }
}

/* Of the recordings in `ids` [n] keeps those that are still right; returns how many. */
static uint32_t
keep_right (const Round *round, uint32_t *ids, uint32_t n)
{
  uint32_t left = 0;
  for (uint32_t k = 0; k < n; k++)
    if (round->right[ids[k]])
      ids[left++] = ids[k];
  return left;
}

/* Rounds until no recording is told right any more; `at_first` and `left` count those that are. */
static gboolean
attack (const Self *self, RvNode *node, RvDataset *attacked, Round *round, uint32_t *at_first, uint32_t *left,
        GError **error)
{
  /* a model of our own: the room for gradients stays with it */
  g_autoptr (RvModel) model = rv_model_copy (rv_port_model (&self->model));
  const RvObserver observer = { .tile = watch_tile, .self = round };
  g_autofree uint32_t *ids = g_new (uint32_t, round->changed->samples);
  *left = round->changed->samples;
  for (uint32_t k = 0; k < *left; k++)
    ids[k] = k;
  for (int64_t k = 0; k <= self->flips && *left > 0; k++)
    {
      const RvBatch batch = { .data = attacked, .ids = ids, .n = *left };
      round->flips = k < self->flips;
      if (rv_node_stopped (node))
        {
          g_set_error_literal (error, RV_ERROR, RV_ERROR_STOPPED, "interrupted");
          return FALSE;
        }
      /* scores and dL/dinput of all recordings in one call */
      if (!rv_model_input_gradient (model, NULL, &batch, NULL, &observer, NULL, error))
        return FALSE;
      *left = keep_right (round, ids, *left);
      *at_first = k == 0 ? *left : *at_first;
      rv_node_progress (node, (uint64_t) k + 1, (uint64_t) self->flips + 1, "attacking");
    }
  return TRUE;
}

/* ---- the node */

static gboolean
check (void *data, RvNode *node, GError **error)
{
  const Self *self = data;
  const RvDatasetSpec *model = rv_port_spec (&self->model);
  RvDatasetSpec spec = *rv_port_spec (&self->data);
  if (spec.form != RV_FORM_SPIKES)
    g_set_error (error, RV_ERROR, RV_ERROR_SHAPE, "flips spikes, but '%s' has none",
                 rv_port_name (&self->data));
  else if (model->units != spec.units || model->steps != spec.steps || model->classes != spec.classes)
    g_set_error (error, RV_ERROR, RV_ERROR_SHAPE,
                 "model '%s' takes %u units, %u steps and %u classes, but data '%s' has %u, %u and %u",
                 rv_port_name (&self->model), model->units, model->steps, model->classes,
                 rv_port_name (&self->data), spec.units, spec.steps, spec.classes);
  else
    {
      spec.varies = FALSE;
      rv_node_set_spec (node, "", &spec);
      return TRUE;
    }
  return FALSE;
}

static RvTable *
make_table (const Round *round, uint32_t at_first, uint32_t left)
{
  const double samples = round->changed->samples;
  double flips = 0.0;
  for (uint32_t k = 0; k < round->changed->samples; k++)
    flips += round->count[k];
  RvTable *table = rv_table_new ("Attack by single flips (accuracy in per cent)");
  rv_table_add_column (table, "clean", RV_COLUMN_REAL, 2);
  rv_table_add_column (table, "attacked", RV_COLUMN_REAL, 2);
  rv_table_add_column (table, "flips", RV_COLUMN_REAL, 2);
  const uint32_t row = rv_table_add_row (table);
  rv_table_set_real (table, row, 0, 100.0 * at_first / samples);
  rv_table_set_real (table, row, 1, 100.0 * left / samples);
  rv_table_set_real (table, row, 2, at_first ? flips / at_first : NAN); /* of those told right at first */
  return table;
}

static gboolean
run (void *data, RvNode *node, GError **error)
{
  const Self *self = data;
  Changed *changed;
  g_autoptr (RvDataset) attacked = new_changed (rv_port_dataset (&self->data), &changed);
  g_autofree uint32_t *count = g_new0 (uint32_t, changed->samples);
  g_autofree gboolean *right = g_new0 (gboolean, changed->samples);
  Round round = { .changed = changed, .count = count, .right = right };
  uint32_t at_first = 0, left = 0;
  if (!copy_recordings (changed, error)
      || !attack (self, node, attacked, &round, &at_first, &left, error))
    return FALSE;
  rv_node_set_output (node, "summary", make_table (&round, at_first, left));
  rv_node_set_output (node, "", g_steal_pointer (&attacked));
  return TRUE;
}

static const RvOutput outputs[]
    = { { "", RV_ARTEFACT_DATASET, "The changed recordings" },
        { "summary", RV_ARTEFACT_TABLE, "One row: accuracy without and with it, and flips" },
        { NULL } };

static const RvNodeClass class = { .outputs = outputs, .check = check, .run = run };

RV_PLUGIN ("attack", "@NAME@")
  .version = "0.1",
  .licence = "CC0-1.0",
  .doc = "Flips one spike after the other where the gradient promises most",
  .citation = NULL,
  .params = params,
  .params_size = sizeof (Self),
  RV_FUNCTIONS (class),
};
