/* See shared.h. */
#include "shared.h"
#include <string.h>

#define PIECE 2048u /* samples between two looks at progress and stop */

const char *const features_over_time[] = { "rate", "each-step", NULL };

gboolean
analysis_fits (const RvPort *model_port, const RvPort *data_port, gboolean any_steps, GError **error)
{
  const RvDatasetSpec *model = rv_port_spec (model_port), *data = rv_port_spec (data_port);
  if (data->form == RV_FORM_EVENTS || !data->steps)
    {
      g_set_error (error, RV_ERROR, RV_ERROR_SHAPE, "data '%s' has no time steps; put %s in front",
                   rv_port_name (data_port),
                   data->form == RV_FORM_EVENTS ? "transform/bins or transform/frames" : "transform/repeat");
      return FALSE;
    }
  if (model->units == data->units && model->classes == data->classes
      && (any_steps || model->steps == data->steps))
    return TRUE;
  g_set_error (error, RV_ERROR, RV_ERROR_SHAPE,
               "model '%s' takes %u units, %u steps and %u classes, but data '%s' has %u, %u and %u%s",
               rv_port_name (model_port), model->units, model->steps, model->classes,
               rv_port_name (data_port), data->units, data->steps, data->classes,
               model->units == data->units && model->classes == data->classes
                   ? "; analysis/resolution runs a model over other steps"
                   : "");
  return FALSE;
}

gboolean
analysis_evaluate (RvNode *node, const RvModel *model, RvDataset *data, const RvObserver *observer,
                   RvScore *score, GError **error)
{
  const uint32_t n = rv_dataset_spec (data)->samples;
  g_autofree uint32_t *ids = g_new (uint32_t, n + 1);
  RvScore sum = { 0 };
  for (uint32_t k = 0; k < n; k++)
    ids[k] = k;
  for (uint32_t first = 0; first < n; first += PIECE)
    {
      const RvBatch batch = { .data = data, .ids = ids + first, .n = MIN (PIECE, n - first) };
      RvScore part;
      rv_node_progress (node, first, n, "running the network");
      if (rv_node_stopped (node))
        {
          g_set_error (error, RV_ERROR, RV_ERROR_STOPPED, "stopped after %u of %u samples", first, n);
          return FALSE;
        }
      if (!rv_model_evaluate (model, NULL, &batch, observer, &part, error))
        return FALSE;
      sum.samples += part.samples;
      sum.decisions += part.decisions;
      sum.correct += part.correct;
      sum.loss += part.loss * batch.n;
    }
  sum.loss = n ? sum.loss / n : NAN;
  if (score)
    *score = sum;
  return TRUE;
}

char *
analysis_class_name (const RvDatasetSpec *spec, uint32_t c)
{
  return spec->classes_names ? g_strdup (spec->classes_names[c]) : g_strdup_printf ("%u", c);
}

/* ---- layers */

gboolean
analysis_layer (const RvModel *model, const char *text, int *layer, GError **error)
{
  const uint32_t layers = rv_model_layers (model);
  guint64 number;
  if (strcmp (text, "input") == 0)
    *layer = ANALYSIS_INPUT;
  else if (strcmp (text, "output") == 0)
    *layer = (int)layers - 1;
  else if (strcmp (text, "hidden") == 0)
    *layer = layers > 1 ? (int)layers - 2 : 0;
  else if (g_ascii_string_to_unsigned (text, 10, 0, layers - 1, &number, NULL))
    *layer = (int)number;
  else
    {
      g_set_error (error, RV_ERROR, RV_ERROR_PIPELINE,
                   "'layer' is '%s'; the network has layers 0 to %u, or say input, hidden or output", text,
                   layers - 1);
      return FALSE;
    }
  return TRUE;
}

char *
analysis_layer_name (int layer)
{
  return layer == ANALYSIS_INPUT ? g_strdup ("input") : g_strdup_printf ("layer %d", layer);
}

uint32_t
analysis_layer_units (const RvModel *model, const RvDataset *data, int layer)
{
  return layer == ANALYSIS_INPUT ? rv_dataset_spec (data)->units
                                 : rv_model_layer_units (model, (uint32_t)layer);
}

/* ---- features */

typedef struct
{
  Features *features;
  int layer, over_time;
  uint32_t units, from, to;
} Collect;

/* Adds what a row of a signal says to x [units]. */
static void
add_row (const RvSignal *signal, uint32_t row, float *x)
{
  if (signal->offsets)
    for (uint32_t e = signal->offsets[row]; e < signal->offsets[row + 1]; e++)
      x[signal->ids[e]] += signal->values ? signal->values[e] : 1.0f;
  else
    for (uint32_t n = 0; n < signal->units; n++)
      x[n] += signal->dense[row * signal->stride + n];
}

/* x[n] = sum over t of s[t][n] / T, or x[t][n] = s[t][n], for the steps of the sample that count */
static void
collect_tile (void *self, const RvTileView *view)
{
  const Collect *collect = self;
  Features *features = collect->features;
  const RvSignal *signal = analysis_signal (view, collect->layer);
  for (uint32_t s = 0; s < view->samples; s++)
    {
      float *x = features->x + (size_t)view->ids[s] * features->dims;
      const uint32_t to = signal->is_static ? collect->from + 1 : MIN (collect->to, view->steps[s]);
      features->labels[view->ids[s]] = view->labels[s];
      for (uint32_t t = collect->from; t < to; t++)
        add_row (signal, signal->is_static ? s : t * signal->samples + s,
                 x + (collect->over_time ? (size_t)(t - collect->from) * collect->units : 0));
      if (!collect->over_time && to > collect->from)
        for (uint32_t n = 0; n < collect->units; n++)
          x[n] /= (float)(to - collect->from);
    }
}

static gboolean
are_finite (const Features *features, GError **error)
{
  for (uint32_t i = 0; i < features->n; i++)
    for (uint32_t d = 0; d < features->dims; d++)
      if (!isfinite (features->x[(size_t)i * features->dims + d]))
        {
          g_set_error (error, RV_ERROR, RV_ERROR_DIVERGED, "%s: feature %u of recording %u is not finite",
                       features->source, d, i);
          return FALSE;
        }
  return TRUE;
}

gboolean
features_collect (RvNode *node, const FeatureOptions *options, Features *features, GError **error)
{
  RvModel *model = rv_port_model (options->model);
  RvDataset *data = rv_port_dataset (options->data);
  const RvDatasetSpec *spec = rv_dataset_spec (data);
  Collect collect = { .features = features,
                      .over_time = options->over_time,
                      .from = (uint32_t)options->from,
                      .to = options->to ? (uint32_t)MIN (options->to, spec->steps) : spec->steps };
  if (!analysis_layer (model, options->layer, &collect.layer, error))
    return FALSE;
  if (collect.from >= collect.to)
    {
      g_set_error (error, RV_ERROR, RV_ERROR_PIPELINE, "steps from %u to %u are none; data '%s' has %u",
                   collect.from, collect.to, rv_port_name (options->data), spec->steps);
      return FALSE;
    }
  /* a still image says the same at every step */
  const gboolean still = collect.layer == ANALYSIS_INPUT && spec->form == RV_FORM_STATIC;
  g_autofree char *name = analysis_layer_name (collect.layer);
  collect.units = analysis_layer_units (model, data, collect.layer);
  features->n = spec->samples;
  features->classes = spec->classes;
  features->source = g_strdup_printf ("%s of %s", name, rv_port_name (options->model));
  const uint64_t dims
      = (uint64_t)collect.units * (options->over_time && !still ? collect.to - collect.from : 1);
  features->dims = (uint32_t)MIN (dims, G_MAXUINT32);
  features->x = dims == features->dims ? g_try_malloc0_n (features->n, sizeof (float) * dims) : NULL;
  features->labels = g_new0 (uint32_t, features->n + 1);
  if (!features->x)
    {
      g_set_error (error, RV_ERROR, RV_ERROR_SHAPE,
                   "no memory for %u samples of %" G_GUINT64_FORMAT
                   " features; take fewer samples or steps, or "
                   "over-time: rate",
                   features->n, dims);
      return FALSE;
    }
  const RvObserver observer = { .tile = collect_tile, .self = &collect };
  return analysis_evaluate (node, model, data, &observer, NULL, error) && are_finite (features, error);
}

void
features_clear (Features *features)
{
  g_clear_pointer (&features->x, g_free);
  g_clear_pointer (&features->labels, g_free);
  g_clear_pointer (&features->source, g_free);
}
