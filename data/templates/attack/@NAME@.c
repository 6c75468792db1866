/* attack/@NAME@: a black-box attack on spikes. In each of some tries a small share of all bins (step, unit)
 * is flipped at random: a spike goes, or one comes. For every recording the try that hurts the model most is
 * kept.
 *
 * An attack hands on a dataset, so that any analysis can look at it, and a table of what it did. */
#include <ranvier/ranvier.h>
#include <string.h>

typedef struct
{
  RvPort model, data;
  double flips;
  int64_t tries, seed;
} Self;

static const RvParam params[] = {
  RV_PORT (Self, model, RV_ARTEFACT_MODEL, RV_PARAM_REQUIRED, "The model that is attacked"),
  RV_PORT (Self, data, RV_ARTEFACT_DATASET, RV_PARAM_REQUIRED, "The recordings that are changed"),
  RV_REAL (Self, flips, "0.01", 0, 1, "", "Chance that a bin is flipped"),
  RV_INT (Self, tries, "5", 1, 1e6, "", "Random changes tried for every recording"),
  RV_INT (Self, seed, "1", 0, 9e15, "", "Key of all draws"),
  RV_PARAM_END
};

/* ---- the changed dataset: a pure function of the recording and of the try chosen for it */

typedef struct
{
  RvDataset *source;
  RvStream stream;
  float flips;
  uint32_t *chosen; /* [samples]; 0: left as it is */
} Changed;

static gboolean
read_changed (gconstpointer data, uint64_t epoch, uint32_t id, RvRecording *out, GError **error)
{
  const Changed *changed = data;
  g_auto (RvRecording) clean = { 0 };
  if (changed->chosen[id] == 0)
    return rv_dataset_read (changed->source, epoch, id, out, error);
  if (!rv_dataset_read (changed->source, epoch, id, &clean, error))
    return FALSE;
  const RvStream own = rv_stream_fork (rv_stream_fork (changed->stream, changed->chosen[id]), id);
  uint32_t count = 0, event = 0;
  const size_t bins = (size_t) clean.steps * clean.units;
  rv_recording_set_spikes (out, clean.steps, clean.units, clean.offsets[clean.steps] + bins);
  for (uint32_t t = 0; t < clean.steps; t++)
    {
      out->offsets[t] = count;
      for (uint32_t u = 0; u < clean.units; u++)
        {
          const gboolean flipped = rv_stream_uniform (own, (uint64_t) t * clean.units + u) < changed->flips;
          const uint32_t first = event;
          for (; event < clean.offsets[t + 1] && clean.ids[event] == u; event++) /* as often as it fired */
            if (!flipped)
              out->ids[count++] = u;
          if (flipped && event == first)
            out->ids[count++] = u;
        }
    }
  out->offsets[clean.steps] = count;
  out->length = clean.length;
  out->label = clean.label;
  return TRUE;
}

static void
free_changed (gpointer data)
{
  Changed *changed = data;
  rv_dataset_unref (changed->source);
  g_free (changed->chosen);
  g_free (changed);
}

static RvDataset *
new_changed (const Self *self, RvDataset *source, Changed **changed)
{
  const RvDatasetSpec *spec = rv_dataset_spec (source);
  *changed = g_new (Changed, 1);
  **changed = (Changed){ .source = rv_dataset_ref (source),
                         .stream = rv_stream_new ((uint64_t) self->seed, "", "flips", spec->split),
                         .flips = (float) self->flips,
                         .chosen = g_new0 (uint32_t, spec->samples) };
  return rv_dataset_new (spec, read_changed, *changed, free_changed);
}

/* ---- the search */

typedef struct
{
  float *margin; /* [samples]: of the last run */
} Watch;

/* How clearly the true class wins, summed over the decisions: below 0 the model is wrong. Each recording is
 * in one tile, so workers never write to the same place. */
static void
watch_tile (void *data, const RvTileView *view)
{
  const Watch *watch = data;
  for (uint32_t s = 0; s < view->samples; s++)
    {
      float sum = 0.0f;
      for (uint32_t d = 0; d < view->taken[s]; d++)
        {
          const float *scores = view->scores + ((size_t) s * view->decisions + d) * view->classes;
          float other = -INFINITY;
          for (uint32_t c = 0; c < view->classes; c++)
            other = c != view->labels[s] && scores[c] > other ? scores[c] : other;
          sum += scores[view->labels[s]] - other;
        }
      watch->margin[view->ids[s]] = sum;
    }
}

/* Try 0 is the clean recording. `best` is the smallest margin so far, `chosen` the try that it came from. */
static gboolean
search (const Self *self, RvNode *node, Changed *changed, RvDataset *data, RvScore *clean, GError **error)
{
  const uint32_t samples = rv_dataset_spec (data)->samples;
  g_autofree float *margin = g_new (float, samples), *best = g_new (float, samples);
  g_autofree uint32_t *chosen = g_new0 (uint32_t, samples);
  Watch watch = { margin };
  const RvObserver observer = { .tile = watch_tile, .self = &watch };
  const RvBatch all = { .data = data, .n = samples };
  for (uint32_t attempt = 0; attempt <= (uint32_t) self->tries; attempt++)
    {
      RvScore score;
      if (rv_node_stopped (node))
        {
          g_set_error_literal (error, RV_ERROR, RV_ERROR_STOPPED, "interrupted");
          return FALSE;
        }
      for (uint32_t k = 0; k < samples; k++)
        changed->chosen[k] = attempt;
      if (!rv_model_evaluate (rv_port_model (&self->model), NULL, &all, &observer, &score, error))
        return FALSE;
      if (attempt == 0)
        *clean = score;
      for (uint32_t k = 0; k < samples; k++)
        if (attempt == 0 || margin[k] < best[k])
          {
            best[k] = margin[k];
            chosen[k] = attempt;
          }
      rv_node_progress (node, attempt + 1, (uint64_t) self->tries + 1, "attacking");
    }
  memcpy (changed->chosen, chosen, samples * sizeof *chosen);
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
      rv_node_set_spec (node, "", &spec);
      return TRUE;
    }
  return FALSE;
}

static double
per_cent (const RvScore *score)
{
  return score->decisions ? 100.0 * (double) score->correct / (double) score->decisions : NAN;
}

static gboolean
run (void *data, RvNode *node, GError **error)
{
  const Self *self = data;
  Changed *changed;
  g_autoptr (RvDataset) attacked = new_changed (self, rv_port_dataset (&self->data), &changed);
  const RvBatch all = { .data = attacked, .n = rv_dataset_spec (attacked)->samples };
  RvScore clean, score;
  if (!search (self, node, changed, attacked, &clean, error)
      || !rv_model_evaluate (rv_port_model (&self->model), NULL, &all, NULL, &score, error))
    return FALSE;
  RvTable *table = rv_table_new ("Attack by random flips (accuracy in per cent)");
  rv_table_add_column (table, "clean", RV_COLUMN_REAL, 2);
  rv_table_add_column (table, "attacked", RV_COLUMN_REAL, 2);
  const uint32_t row = rv_table_add_row (table);
  rv_table_set_real (table, row, 0, per_cent (&clean));
  rv_table_set_real (table, row, 1, per_cent (&score));
  rv_node_set_output (node, "summary", table);
  rv_node_set_output (node, "", g_steal_pointer (&attacked));
  return TRUE;
}

static const RvOutput outputs[] = { { "", RV_ARTEFACT_DATASET, "The changed recordings" },
                                    { "summary", RV_ARTEFACT_TABLE, "One row: accuracy without and with it" },
                                    { NULL } };

static const RvNodeClass class = { .outputs = outputs, .check = check, .run = run };

RV_PLUGIN ("attack", "@NAME@")
  .version = "0.1",
  .licence = "CC0-1.0",
  .doc = "The worst of some random flips of spikes",
  .citation = NULL,
  .params = params,
  .params_size = sizeof (Self),
  RV_FUNCTIONS (class),
};
