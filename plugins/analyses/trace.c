/* analysis/trace: one sample on its way through a trained model, as one looks into a network: the spikes of input
 * and of a layer as rasters, and the membranes of some of its neurons. */
#include "shared.h"
#include <string.h>

#define MOST_UNITS 16u

typedef struct
{
  RvPort model, data;
  int64_t sample, most;
  char *layer;
  RvInts units;
} Trace;

/* What was seen, copied. */
typedef struct
{
  const Trace *options;
  int layer;
  uint32_t steps, units, decided, label;
  double width;      /* of a step: milliseconds, or 1 */
  gboolean has_neurons; /* the layer */
  GArray *spikes[2];    /* of Spike: of the input, and of the layer */
  float *membranes;  /* [steps][units] */
} Seen;

typedef struct
{
  uint32_t step, unit;
} Spike;

static gboolean
check (void *self, RvNode *node, GError **error)
{
  const Trace *trace = self;
  if (trace->units.n <= MOST_UNITS)
    return analysis_fits (&trace->model, &trace->data, FALSE, error);
  g_set_error (error, RV_ERROR, RV_ERROR_PIPELINE, "'units' names %u; more than %u can not be told apart",
               trace->units.n, MOST_UNITS);
  return FALSE;
}

/* A still image is one row; it is shown where it begins. Of numbers those that are not zero are shown. */
static void
copy_spikes (const RvSignal *signal, GArray *out)
{
  for (uint32_t t = 0; t < (signal->is_static ? 1 : signal->steps); t++)
    {
      const uint32_t row = t * signal->samples; /* of the only sample */
      for (uint32_t e = signal->offsets ? signal->offsets[row] : 0;
           signal->offsets && e < signal->offsets[row + 1]; e++)
        g_array_append_val (out, ((Spike){ t, signal->ids[e] }));
    }
}

static void
look (void *self, const RvTileView *view)
{
  Seen *seen = self;
  const RvSignal *membrane = seen->layer == ANALYSIS_INPUT ? NULL : &view->membranes[seen->layer];
  seen->label = view->labels[0];
  for (uint32_t c = 0; c < view->classes && view->taken[0]; c++) /* the last decision */
    {
      const float *scores = view->scores + (size_t)(view->taken[0] - 1) * view->classes;
      seen->decided = scores[c] > scores[seen->decided] ? c : seen->decided;
    }
  copy_spikes (view->input, seen->spikes[0]);
  if (!membrane)
    return;
  copy_spikes (&view->layers[seen->layer], seen->spikes[1]);
  seen->has_neurons = membrane->dense != NULL;
  for (uint32_t t = 0; seen->has_neurons && t < seen->steps; t++)
    memcpy (seen->membranes + (size_t)t * seen->units,
            membrane->dense + (size_t)t * membrane->samples * membrane->stride, seen->units * sizeof (float));
}

static gboolean
see (RvModel *model, RvDataset *data, Seen *seen, GError **error)
{
  const uint32_t id = (uint32_t)seen->options->sample;
  const RvBatch batch = { .data = data, .ids = &id, .n = 1 };
  const RvObserver observer = { .tile = look, .self = seen, .membranes = TRUE };
  seen->units = rv_model_layer_units (model, (uint32_t)seen->layer);
  seen->membranes = g_new0 (float, (size_t)seen->steps * seen->units);
  for (uint32_t k = 0; k < 2; k++)
    seen->spikes[k] = g_array_new (FALSE, FALSE, sizeof (Spike));
  if (!rv_model_evaluate (model, NULL, &batch, &observer, NULL, error))
    return FALSE;
  if (!seen->has_neurons)
    g_set_error (error, RV_ERROR, RV_ERROR_PIPELINE,
                 "layer %d has no neurons; 'layer' must name one whose membranes can be shown", seen->layer);
  return seen->has_neurons;
}

static void
seen_clear (Seen *seen)
{
  g_clear_pointer (&seen->membranes, g_free);
  for (uint32_t k = 0; k < 2; k++)
    g_clear_pointer (&seen->spikes[k], g_array_unref);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Seen, seen_clear)

/* ---- which neurons */

/* Those that are named, or the `most` that fire most often (of the silent, or of a layer that never fires, those
 * whose membrane rises highest); ascending numbers where they are equal. */
static gboolean
choose (const Seen *seen, uint32_t *chosen, uint32_t *n, GError **error)
{
  const Trace *trace = seen->options;
  *n = trace->units.n ? trace->units.n : (uint32_t)MIN (trace->most, seen->units);
  for (uint32_t k = 0; k < trace->units.n; k++)
    {
      if (trace->units.items[k] >= seen->units)
        {
          g_set_error (error, RV_ERROR, RV_ERROR_PIPELINE,
                       "'units' names %" G_GINT64_FORMAT ", but layer %d has %u", trace->units.items[k],
                       seen->layer, seen->units);
          return FALSE;
        }
      chosen[k] = (uint32_t)trace->units.items[k];
    }
  g_autofree double *merit = g_new0 (double, seen->units);
  for (guint e = 0; e < seen->spikes[1]->len; e++)
    merit[g_array_index (seen->spikes[1], Spike, e).unit] += 1.0;
  for (uint32_t u = 0; u < seen->units; u++)
    {
      double top = -INFINITY;
      for (uint32_t t = 0; t < seen->steps; t++)
        top = MAX (top, (double)seen->membranes[(size_t)t * seen->units + u]);
      merit[u] += 0.5 * atan (top) / G_PI_2; /* below half a spike */
    }
  for (uint32_t k = 0; !trace->units.n && k < *n; k++)
    {
      chosen[k] = 0;
      for (uint32_t u = 1; u < seen->units; u++)
        chosen[k] = merit[u] > merit[chosen[k]] ? u : chosen[k];
      merit[chosen[k]] = -INFINITY;
    }
  return TRUE;
}

/* ---- results */

static const char *
time_label (const Seen *seen, const RvDatasetSpec *spec)
{
  return spec->step_width > 0.0 ? "Time (ms)" : "Step";
}

static RvTable *
membrane_table (const Seen *seen, const RvDatasetSpec *spec, const uint32_t *chosen, uint32_t n)
{
  g_autofree char *is = analysis_class_name (spec, seen->label),
                  *decided = analysis_class_name (spec, seen->decided);
  g_autofree char *title = g_strdup_printf (
      "Membranes in layer %d while sample %" G_GINT64_FORMAT " is shown", seen->layer, seen->options->sample);
  g_autofree char *note = g_strdup_printf ("The sample is of class %s, the decision is %s.", is, decided);
  RvTable *table = rv_table_new (title);
  rv_table_add_column (table, spec->step_width > 0.0 ? "time (ms)" : "step", RV_COLUMN_REAL, -1);
  for (uint32_t k = 0; k < n; k++)
    {
      g_autofree char *name = g_strdup_printf ("neuron %u", chosen[k]);
      rv_table_add_column (table, name, RV_COLUMN_REAL, 4);
    }
  for (uint32_t t = 0; t < seen->steps; t++)
    {
      const uint32_t row = rv_table_add_row (table);
      rv_table_set_real (table, row, 0, t * seen->width);
      for (uint32_t k = 0; k < n; k++)
        rv_table_set_real (table, row, k + 1, seen->membranes[(size_t)t * seen->units + chosen[k]]);
    }
  rv_table_add_note (table, note);
  return table;
}

static RvTable *
spike_table (const Seen *seen, const RvDatasetSpec *spec)
{
  RvTable *table = rv_table_new ("Spikes");
  rv_table_add_column (table, "layer", RV_COLUMN_TEXT, 0);
  rv_table_add_column (table, spec->step_width > 0.0 ? "time (ms)" : "step", RV_COLUMN_REAL, -1);
  rv_table_add_column (table, "neuron", RV_COLUMN_INT, 0);
  for (int k = 0; k < 2; k++)
    for (guint e = 0; e < seen->spikes[k]->len; e++)
      {
        const Spike *spike = &g_array_index (seen->spikes[k], Spike, e);
        g_autofree char *name = analysis_layer_name (k ? seen->layer : ANALYSIS_INPUT);
        const uint32_t row = rv_table_add_row (table);
        rv_table_set_text (table, row, 0, name);
        rv_table_set_real (table, row, 1, spike->step * seen->width);
        rv_table_set_int (table, row, 2, spike->unit);
      }
  return table;
}

static RvFigure *
raster (const Seen *seen, const RvDatasetSpec *spec, uint32_t which)
{
  g_autofree char *name = analysis_layer_name (which ? seen->layer : ANALYSIS_INPUT);
  g_autofree char *label = which ? g_strdup_printf ("Neuron of layer %d", seen->layer) : g_strdup ("Input");
  RvFigure *figure
      = rv_figure_new (RV_FIGURE_RASTER, which ? "Spikes" : "Input", time_label (seen, spec), label);
  RvSeries *series = rv_figure_add_series (figure, name);
  for (guint e = 0; e < seen->spikes[which]->len; e++)
    {
      const Spike *spike = &g_array_index (seen->spikes[which], Spike, e);
      rv_series_add (series, NULL, spike->step * seen->width, spike->unit, NAN, NAN);
    }
  rv_figure_set_y_range (figure, -0.5, (which ? seen->units : spec->units) - 0.5);
  rv_figure_set_x_range (figure, 0.0, seen->steps * seen->width);
  return figure;
}

static RvFigure *
membrane_figure (const Seen *seen, const RvDatasetSpec *spec, const uint32_t *chosen, uint32_t n)
{
  RvFigure *figure = rv_figure_new (RV_FIGURE_LINE, "Membranes", time_label (seen, spec), "Membrane");
  for (uint32_t k = 0; k < n; k++)
    {
      g_autofree char *name = g_strdup_printf ("neuron %u", chosen[k]);
      RvSeries *series = rv_figure_add_series (figure, name);
      for (uint32_t t = 0; t < seen->steps; t++)
        rv_series_add (series, NULL, t * seen->width, seen->membranes[(size_t)t * seen->units + chosen[k]],
                       NAN, NAN);
    }
  rv_figure_set_x_range (figure, 0.0, seen->steps * seen->width);
  return figure;
}

static void
set_outputs (const Seen *seen, const RvDatasetSpec *spec, const uint32_t *chosen, uint32_t n, RvNode *node)
{
  RvFigure *input = raster (seen, spec, 0), *spikes = raster (seen, spec, 1),
           *membranes = membrane_figure (seen, spec, chosen, n),
           *all = rv_figure_new (RV_FIGURE_PANELS, "A sample on its way through the network", "", "");
  rv_figure_add_panel (all, input, NULL);
  rv_figure_add_panel (all, spikes, NULL);
  rv_figure_add_panel (all, membranes, NULL);
  rv_node_set_output (node, "", membrane_table (seen, spec, chosen, n));
  rv_node_set_output (node, "spikes", spike_table (seen, spec));
  rv_node_set_output (node, "input-raster", input);
  rv_node_set_output (node, "raster", spikes);
  rv_node_set_output (node, "membranes", membranes);
  rv_node_set_output (node, "figure", all);
}

static gboolean
run (void *self, RvNode *node, GError **error)
{
  const Trace *trace = self;
  RvModel *model = rv_port_model (&trace->model);
  RvDataset *data = rv_port_dataset (&trace->data);
  const RvDatasetSpec *spec = rv_dataset_spec (data);
  uint32_t chosen[MOST_UNITS], n;
  g_auto (Seen) seen = { .options = trace,
                         .steps = spec->steps,
                         .width = spec->step_width > 0.0 ? 1e3 * spec->step_width : 1.0 };
  if (!analysis_layer (model, trace->layer, &seen.layer, error))
    return FALSE;
  if (seen.layer == ANALYSIS_INPUT || trace->sample >= spec->samples)
    {
      if (seen.layer == ANALYSIS_INPUT)
        g_set_error (error, RV_ERROR, RV_ERROR_PIPELINE,
                     "'layer' is 'input', which is shown anyway; it has no membranes");
      else
        g_set_error (error, RV_ERROR, RV_ERROR_PIPELINE, "'sample' is %" G_GINT64_FORMAT ", but '%s' has %u",
                     trace->sample, rv_port_name (&trace->data), spec->samples);
      return FALSE;
    }
  if (!see (model, data, &seen, error) || !choose (&seen, chosen, &n, error))
    return FALSE;
  set_outputs (&seen, spec, chosen, n, node);
  return TRUE;
}

static const RvParam params[]
    = { RV_PORT (Trace, model, RV_ARTEFACT_MODEL, RV_PARAM_REQUIRED, "The model"),
        RV_PORT (Trace, data, RV_ARTEFACT_DATASET, RV_PARAM_REQUIRED, "Where the sample is from"),
        RV_INT (Trace, sample, "0", 0, 4294967295.0, "", "Which one, from 0"),
        RV_TEXT (Trace, layer, "hidden",
                 "Whose neurons: `hidden` (the last hidden layer), `output`, or a number from 0"),
        RV_INTS (Trace, units, NULL, 0, 4294967295.0, "",
                 "Whose membranes, from 0; without it those that fire most often"),
        RV_INT (Trace, most, "3", 1, MOST_UNITS, "neurons", "How many these are"),
        RV_PARAM_END };

static const RvOutput outputs[] = { { "", RV_ARTEFACT_TABLE, "The membranes: a row per step" },
                                    { "spikes", RV_ARTEFACT_TABLE, "A row per spike of input and layer" },
                                    { "input-raster", RV_ARTEFACT_FIGURE, "The input's spikes" },
                                    { "raster", RV_ARTEFACT_FIGURE, "The layer's spikes" },
                                    { "membranes", RV_ARTEFACT_FIGURE, "The membranes over time" },
                                    { "figure", RV_ARTEFACT_FIGURE, "All three side by side" },
                                    { NULL, RV_ARTEFACT_NONE, NULL } };

static const RvNodeClass class = { outputs, check, run, NULL };

RV_PLUGIN ("analysis", "trace")
  .version = "1.0",
  .licence = "LGPL-2.1-or-later",
  .doc = "One sample on its way through a model: spikes of input and layer, and membranes",
  .params = params,
  .params_size = sizeof (Trace),
  RV_FUNCTIONS (class),
};
