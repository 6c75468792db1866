/* analysis/firing-rate: how often each neuron fires, in spikes per step, averaged over the samples of a
 * dataset; by layer, with the share of silent neurons, and as a histogram over neurons (Figure 3 of Yin et
 * al. 2024). */
#include <ranvier/ranvier.h>

typedef struct
{
  RvPort model, data;
  int64_t bins;
} FiringRate;

typedef struct
{
  uint32_t layers, units; /* units of all layers together */
  uint32_t *first;        /* [layers + 1]: where a layer's units begin */
  uint64_t *counts;       /* [RV_TILE_SLOTS][units] */
} Count;

static gboolean
check (void *self, RvNode *node, GError **error)
{
  FiringRate *rate = self;
  const RvDatasetSpec *model = rv_port_spec (&rate->model), *data = rv_port_spec (&rate->data);
  if (model->units == data->units && model->steps == data->steps)
    return TRUE;
  g_set_error (error, RV_ERROR, RV_ERROR_SHAPE,
               "model '%s' takes %u units and %u steps, but data '%s' has %u and %u",
               rv_port_name (&rate->model), model->units, model->steps, rv_port_name (&rate->data),
               data->units, data->steps);
  return FALSE;
}

static void
count_tile (void *self, const RvTileView *view)
{
  Count *count = self;
  uint64_t *counts = count->counts + (size_t) view->slot * count->units;
  for (uint32_t k = 0; k < count->layers; k++)
    {
      const RvSignal *signal = &view->layers[k];
      for (uint32_t t = 0; signal->offsets && t < signal->steps; t++)
        for (uint32_t s = 0; s < view->samples; s++)
          {
            const uint32_t row = t * signal->samples + s;
            for (uint32_t e = signal->offsets[row]; e < signal->offsets[row + 1]; e++)
              counts[count->first[k] + signal->ids[e]]++;
          }
    }
}

/* Adds one layer's row to the table and its series to the figure. */
static void
add_layer (const FiringRate *rate, const Count *count, uint32_t layer, double steps, RvTable *table,
           RvFigure *figure)
{
  const uint32_t units = count->first[layer + 1] - count->first[layer];
  g_autofree double *bins = g_new0 (double, rate->bins);
  g_autofree char *name = g_strdup_printf ("layer %u", layer);
  double sum = 0.0, low = 1.0, high = 0.0;
  uint32_t silent = 0;
  for (uint32_t n = 0; n < units; n++)
    {
      uint64_t spikes = 0;
      for (uint32_t k = 0; k < RV_TILE_SLOTS; k++)
        spikes += count->counts[(size_t) k * count->units + count->first[layer] + n];
      const double r = steps > 0 ? (double) spikes / steps : 0.0;
      sum += r;
      low = MIN (low, r);
      high = MAX (high, r);
      silent += spikes == 0;
      bins[MIN ((int64_t) (r * (double) rate->bins), rate->bins - 1)] += 1.0;
    }
  const uint32_t row = rv_table_add_row (table);
  rv_table_set_text (table, row, 0, name);
  rv_table_set_int (table, row, 1, units);
  rv_table_set_real (table, row, 2, sum / units);
  rv_table_set_real (table, row, 3, low);
  rv_table_set_real (table, row, 4, high);
  rv_table_set_real (table, row, 5, 100.0 * silent / units);
  RvSeries *series = rv_figure_add_series (figure, name);
  for (int64_t b = 0; b < rate->bins; b++)
    rv_series_add (series, NULL, (double) b / (double) rate->bins, bins[b], NAN, NAN);
}

static gboolean
run (void *self, RvNode *node, GError **error)
{
  FiringRate *rate = self;
  RvModel *model = rv_port_model (&rate->model);
  RvDataset *data = rv_port_dataset (&rate->data);
  const RvDatasetSpec *spec = rv_dataset_spec (data);
  Count count = { .layers = rv_model_layers (model) };
  count.first = g_new0 (uint32_t, count.layers + 1);
  for (uint32_t k = 0; k < count.layers; k++)
    count.first[k + 1] = count.units += rv_model_layer_units (model, k);
  count.counts = g_new0 (uint64_t, (size_t) RV_TILE_SLOTS * count.units);
  RvBatch all = { data, 0, NULL, spec->samples };
  RvObserver observer = { count_tile, &count };
  const gboolean ok = rv_model_evaluate (model, NULL, &all, &observer, NULL, error);
  if (ok)
    {
      static const char *const names[] = { "mean rate", "lowest rate", "highest rate", "silent neurons (%)" };
      RvTable *table = rv_table_new ("Firing rates (spikes per step)");
      RvFigure *figure
          = rv_figure_new (RV_FIGURE_HISTOGRAM, "Firing rates", "Firing rate (spikes per step)", "Neurons");
      rv_table_add_column (table, "layer", RV_COLUMN_TEXT, 0);
      rv_table_add_column (table, "neurons", RV_COLUMN_INT, 0);
      for (uint32_t k = 0; k < G_N_ELEMENTS (names); k++)
        rv_table_add_column (table, names[k], RV_COLUMN_REAL, 4);
      for (uint32_t k = 0; k < count.layers; k++)
        if (rv_model_layer_fires (model, k))
          add_layer (rate, &count, k, (double) spec->samples * spec->steps, table, figure);
      rv_node_set_output (node, "table", rv_table_ref (table));
      rv_node_set_output (node, "", table);
      rv_node_set_output (node, "figure", figure);
    }
  g_free (count.first);
  g_free (count.counts);
  return ok;
}

static const RvParam params[] = {
  RV_PORT (FiringRate, model, RV_ARTEFACT_MODEL, RV_PARAM_REQUIRED, "The model"),
  RV_PORT (FiringRate, data, RV_ARTEFACT_DATASET, RV_PARAM_REQUIRED, "What it is shown"),
  RV_INT (FiringRate, bins, "10", 1, 1000, "", "Bins of the histogram over [0, 1]"),
  RV_PARAM_END
};

static const RvOutput outputs[] = {
  { "", RV_ARTEFACT_TABLE, "The same as `table`" },
  { "table", RV_ARTEFACT_TABLE, "A row per layer that fires" },
  { "figure", RV_ARTEFACT_FIGURE, "Histogram over neurons" },
  { NULL, RV_ARTEFACT_NONE, NULL }
};

static const RvNodeClass class = { outputs, check, run, NULL };

RV_PLUGIN ("analysis", "firing-rate")
  .version = "1.0",
  .licence = "LGPL-2.1-or-later",
  .doc = "Firing rate of every neuron, by layer and as a histogram",
  .params = params,
  .params_size = sizeof (FiringRate),
  RV_FUNCTIONS (class),
};
