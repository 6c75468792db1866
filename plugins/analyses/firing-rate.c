/* analysis/firing-rate: how often each neuron fires, in spikes per step, averaged over the samples of a dataset:
 * by layer, as a histogram over neurons (Figure 3 of Yin et al. 2024) and over time; and what the spikes cost, in
 * synaptic operations and an estimate of energy. */
#include "shared.h"

typedef struct
{
  RvPort model, data;
  int64_t bins;
  double energy_ac, energy_mac;
  gboolean skip_zeros;
} FiringRate;

/* What a synaptic operation of one layer costs: its weights have so many rows. */
typedef struct
{
  uint32_t rows, recurrent_rows;
  gboolean unknown; /* a convolution's: what a spike meets depends on where it is */
} Fan;

typedef struct
{
  const FiringRate *options;
  uint32_t layers, units; /* units of all layers together */
  uint32_t steps;
  double samples;
  uint32_t *first;   /* [layers + 1]: where a layer's units begin */
  gboolean *fires;   /* [layers] */
  Fan *fans;         /* [layers] */
  uint64_t *spikes;  /* [RV_TILE_SLOTS][units]; the first holds the sum in the end, as below */
  uint64_t *at_step; /* [RV_TILE_SLOTS][layers][steps] */
  uint64_t *adds;    /* [RV_TILE_SLOTS][layers]: accumulates */
  uint64_t *macs;    /* [RV_TILE_SLOTS][layers]: multiply-accumulates */
} Count;

static gboolean
check (void *self, RvNode *node, GError **error)
{
  FiringRate *rate = self;
  return analysis_fits (&rate->model, &rate->data, FALSE, error);
}

/* ---- counting */

/* Rows that a signal makes work for `rows` weights each, in steps below `to`: a spike is an accumulate for each,
 * any other number a multiply-accumulate. What does not change over time is multiplied once. */
static void
add_operations (const Count *count, const RvTileView *view, const RvSignal *signal, uint32_t rows,
                uint32_t to, uint64_t *adds, uint64_t *macs)
{
  const uint32_t steps = signal->is_static ? 1 : to;
  for (uint32_t t = 0; t < steps; t++)
    for (uint32_t s = 0; s < view->samples; s++)
      {
        const uint32_t row = t * signal->samples + s;
        const uint64_t some
            = signal->offsets ? signal->offsets[row + 1] - signal->offsets[row] : signal->units;
        if (signal->offsets && !signal->values)
          *adds += some * rows;
        else
          *macs += (count->options->skip_zeros ? some : signal->units) * (uint64_t)rows;
      }
}

static void
count_tile (void *self, const RvTileView *view)
{
  Count *count = self;
  uint64_t *spikes = count->spikes + (size_t)view->slot * count->units;
  for (uint32_t k = 0; k < count->layers; k++)
    {
      const RvSignal *signal = &view->layers[k];
      const size_t at = (size_t)view->slot * count->layers + k;
      uint64_t *at_step = count->at_step + at * count->steps;
      for (uint32_t t = 0; count->fires[k] && signal->offsets && t < signal->steps; t++)
        for (uint32_t s = 0; s < view->samples; s++)
          {
            const uint32_t row = t * signal->samples + s;
            at_step[t] += signal->offsets[row + 1] - signal->offsets[row];
            for (uint32_t e = signal->offsets[row]; e < signal->offsets[row + 1]; e++)
              spikes[count->first[k] + signal->ids[e]]++;
          }
      if (!count->fans[k].unknown)
        add_operations (count, view, k ? &view->layers[k - 1] : view->input, count->fans[k].rows,
                        count->steps, &count->adds[at], &count->macs[at]);
      /* what fires at the last step is not heard again */
      if (count->fans[k].recurrent_rows)
        add_operations (count, view, signal, count->fans[k].recurrent_rows, count->steps - 1,
                        &count->adds[at], &count->macs[at]);
    }
}

static void
add_slots (uint64_t *counts, size_t n)
{
  for (size_t k = n; k < RV_TILE_SLOTS * n; k++)
    counts[k % n] += counts[k];
}

static void
count_clear (Count *count)
{
  g_free (count->first);
  g_free (count->fires);
  g_free (count->fans);
  g_free (count->spikes);
  g_free (count->at_step);
  g_free (count->adds);
  g_free (count->macs);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Count, count_clear)

static void
count_begin (Count *count, const RvModel *model, const RvDatasetSpec *spec)
{
  count->layers = rv_model_layers (model);
  count->steps = spec->steps;
  count->samples = spec->samples;
  count->first = g_new0 (uint32_t, count->layers + 1);
  count->fires = g_new0 (gboolean, count->layers);
  count->fans = g_new0 (Fan, count->layers);
  for (uint32_t k = 0; k < count->layers; k++)
    {
      count->first[k + 1] = count->units += rv_model_layer_units (model, k);
      count->fires[k] = rv_model_layer_fires (model, k);
    }
  for (uint32_t k = 0; k < rv_model_tensors (model); k++)
    {
      RvModelTensor tensor;
      rv_model_describe_tensor (model, k, &tensor);
      const uint32_t inputs = tensor.layer ? rv_model_layer_units (model, tensor.layer - 1) : spec->units;
      if (tensor.role == RV_ROLE_WEIGHT)
        {
          count->fans[tensor.layer].rows += tensor.rows;
          /* kernels have fewer columns than there are inputs, or fewer rows than there are units */
          count->fans[tensor.layer].unknown
              |= tensor.columns != inputs || tensor.rows < rv_model_layer_units (model, tensor.layer);
        }
      else if (tensor.role == RV_ROLE_RECURRENT)
        count->fans[tensor.layer].recurrent_rows += tensor.rows;
    }
  count->spikes = g_new0 (uint64_t, (size_t)RV_TILE_SLOTS * count->units);
  count->at_step = g_new0 (uint64_t, (size_t)RV_TILE_SLOTS * count->layers * count->steps);
  count->adds = g_new0 (uint64_t, (size_t)RV_TILE_SLOTS * count->layers);
  count->macs = g_new0 (uint64_t, (size_t)RV_TILE_SLOTS * count->layers);
}

static gboolean
count_all (Count *count, RvNode *node, const RvModel *model, RvDataset *data, GError **error)
{
  const RvObserver observer = { .tile = count_tile, .self = count };
  if (!analysis_evaluate (node, model, data, &observer, NULL, error))
    return FALSE;
  add_slots (count->spikes, count->units);
  add_slots (count->at_step, (size_t)count->layers * count->steps);
  add_slots (count->adds, count->layers);
  add_slots (count->macs, count->layers);
  return TRUE;
}

/* ---- results */

/* Whether neuron n of all counts for `layer`; layer == layers is all that fire. */
static gboolean
is_of (const Count *count, uint32_t n, uint32_t layer)
{
  uint32_t own = 0;
  while (n >= count->first[own + 1])
    own++;
  return count->fires[own] && (layer == count->layers || own == layer);
}

static char *
name_of (const Count *count, uint32_t layer)
{
  return layer == count->layers ? g_strdup ("all") : analysis_layer_name ((int)layer);
}

static double
rate_of (const Count *count, uint32_t n)
{
  return count->samples > 0 ? (double)count->spikes[n] / (count->samples * count->steps) : 0.0;
}

static void
add_layer (const Count *count, uint32_t layer, RvTable *table)
{
  g_autofree char *name = name_of (count, layer);
  double sum = 0.0, low = INFINITY, high = -INFINITY;
  uint32_t silent = 0, neurons = 0;
  for (uint32_t n = 0; n < count->units; n++)
    {
      const double rate = rate_of (count, n);
      if (!is_of (count, n, layer))
        continue;
      neurons++;
      sum += rate;
      low = MIN (low, rate);
      high = MAX (high, rate);
      silent += count->spikes[n] == 0;
    }
  const uint32_t row = rv_table_add_row (table);
  rv_table_set_text (table, row, 0, name);
  rv_table_set_int (table, row, 1, neurons);
  const double numbers[] = { sum / neurons, low, high, 100.0 * silent / neurons };
  for (uint32_t k = 0; neurons && k < G_N_ELEMENTS (numbers); k++)
    rv_table_set_real (table, row, 2 + k, numbers[k]);
}

static RvTable *
rate_table (const Count *count)
{
  static const char *const names[] = { "mean rate", "lowest rate", "highest rate", "silent neurons (%)" };
  RvTable *table = rv_table_new ("Firing rates (spikes per step)");
  rv_table_add_column (table, "layer", RV_COLUMN_TEXT, 0);
  rv_table_add_column (table, "neurons", RV_COLUMN_INT, 0);
  for (uint32_t k = 0; k < G_N_ELEMENTS (names); k++)
    rv_table_add_column (table, names[k], RV_COLUMN_REAL, 4);
  for (uint32_t k = 0; k <= count->layers; k++)
    if (k == count->layers || count->fires[k])
      add_layer (count, k, table);
  return table;
}

/* Neurons by rate, in bins over [0, 1]; the last one takes a rate of 1 too. */
static RvFigure *
histogram_of (const Count *count, uint32_t layer, RvTable *table)
{
  const int64_t bins = count->options->bins;
  g_autofree char *name = name_of (count, layer);
  g_autofree int64_t *neurons = g_new0 (int64_t, bins);
  const uint32_t column = rv_table_add_column (table, name, RV_COLUMN_INT, 0);
  RvFigure *figure = rv_figure_new (RV_FIGURE_HISTOGRAM, layer == count->layers ? "Firing rates" : name,
                                    "Firing rate (spikes per step)", "Neurons");
  RvSeries *series = rv_figure_add_series (figure, layer == count->layers ? "all neurons" : name);
  for (uint32_t n = 0; n < count->units; n++)
    if (is_of (count, n, layer)) /* a rate on an edge is of the upper bin, whatever rounding did */
      neurons[MIN ((int64_t) (rate_of (count, n) * (double) bins + 1e-9), bins - 1)]++;
  for (int64_t b = 0; b < bins; b++)
    {
      rv_table_set_int (table, (uint32_t) b, column, neurons[b]);
      rv_series_add (series, NULL, (double) b / (double) bins, (double) neurons[b], NAN, NAN);
    }
  return figure;
}

static void
set_histograms (const Count *count, RvNode *node)
{
  const int64_t bins = count->options->bins;
  RvTable *table = rv_table_new ("Neurons by firing rate (spikes per step)");
  RvFigure *layers = rv_figure_new (RV_FIGURE_PANELS, "Firing rates", "", "");
  rv_table_add_column (table, "from", RV_COLUMN_REAL, -1);
  rv_table_add_column (table, "to", RV_COLUMN_REAL, -1);
  for (int64_t b = 0; b < bins; b++)
    {
      const uint32_t row = rv_table_add_row (table);
      rv_table_set_real (table, row, 0, (double) b / (double) bins);
      rv_table_set_real (table, row, 1, (double) (b + 1) / (double) bins);
    }
  for (uint32_t k = 0; k < count->layers; k++)
    if (count->fires[k])
      {
        g_autoptr (RvFigure) own = histogram_of (count, k, table);
        rv_figure_add_panel (layers, own, NULL);
      }
  rv_node_set_output (node, "figure", histogram_of (count, count->layers, table));
  rv_node_set_output (node, "histogram", table);
  rv_node_set_output (node, "layers-figure", layers);
}

/* The share of a layer's neurons that fire at each step. */
static void
set_over_time (const Count *count, const RvDatasetSpec *spec, RvNode *node)
{
  const gboolean timed = spec->step_width > 0.0;
  const double width = timed ? 1e3 * spec->step_width : 1.0;
  RvTable *table = rv_table_new ("Firing rates over time (spikes per neuron and step)");
  RvFigure *figure = rv_figure_new (RV_FIGURE_LINE, "Firing rates over time", timed ? "Time (ms)" : "Step",
                                    "Firing rate (spikes per step)");
  rv_table_add_column (table, timed ? "time (ms)" : "step", RV_COLUMN_REAL, -1);
  for (uint32_t t = 0; t < count->steps; t++)
    rv_table_set_real (table, rv_table_add_row (table), 0, t * width);
  for (uint32_t k = 0; k < count->layers; k++)
    {
      if (!count->fires[k])
        continue;
      g_autofree char *name = name_of (count, k);
      const uint32_t column = rv_table_add_column (table, name, RV_COLUMN_REAL, 4);
      RvSeries *series = rv_figure_add_series (figure, name);
      for (uint32_t t = 0; t < count->steps; t++)
        {
          const double rate = (double)count->at_step[(size_t)k * count->steps + t]
                              / (count->samples * (count->first[k + 1] - count->first[k]));
          rv_table_set_real (table, t, column, rate);
          rv_series_add (series, NULL, t * width, rate, NAN, NAN);
        }
    }
  rv_node_set_output (node, "over-time", table);
  rv_node_set_output (node, "over-time-figure", figure);
}

static void
add_notes (const FiringRate *rate, RvTable *table, gboolean unknown)
{
  g_autofree char *energy
      = g_strdup_printf ("Energy: %g pJ for an accumulate, %g pJ for a multiply-accumulate (32-bit floats at "
                         "45 nm, 0.9 and 4.6 pJ in "
                         "Horowitz 2014, Computing's energy problem). Memory, neurons, biases and "
                         "communication are not in it, so "
                         "it is a lower bound that compares networks, not what a chip would take.",
                         rate->energy_ac, rate->energy_mac);
  rv_table_add_note (table,
                     "Synaptic operations: a spike costs an accumulate for each weight that it meets, "
                     "recurrent ones too; a number that is no spike costs a multiply-accumulate; an image "
                     "that stays the same is multiplied once.");
  rv_table_add_note (table, rate->skip_zeros ? "Analog inputs of exactly zero cost nothing."
                                             : "Analog inputs of zero cost as much as others.");
  if (unknown)
    rv_table_add_note (table, "Convolutions are not counted: their cells are empty, and so are the sums.");
  rv_table_add_note (table, energy);
}

static RvTable *
operations_table (const Count *count)
{
  static const char *const names[] = { "accumulates", "multiply-accumulates", "energy (nJ)" };
  RvTable *table = rv_table_new ("Synaptic operations and energy per sample");
  double adds = 0.0, macs = 0.0;
  gboolean unknown = FALSE;
  rv_table_add_column (table, "layer", RV_COLUMN_TEXT, 0);
  for (uint32_t k = 0; k < G_N_ELEMENTS (names); k++)
    rv_table_add_column (table, names[k], RV_COLUMN_REAL, k < 2 ? 0 : 3);
  for (uint32_t k = 0; k <= count->layers; k++)
    {
      const gboolean all = k == count->layers;
      g_autofree char *name = name_of (count, k);
      const uint32_t row = rv_table_add_row (table);
      const double own_adds = all ? adds : (double)count->adds[k] / count->samples,
                   own_macs = all ? macs : (double)count->macs[k] / count->samples;
      rv_table_set_text (table, row, 0, name);
      unknown |= !all && count->fans[k].unknown;
      if (all ? unknown : count->fans[k].unknown)
        continue;
      rv_table_set_real (table, row, 1, own_adds);
      rv_table_set_real (table, row, 2, own_macs);
      /* pJ to nJ */
      rv_table_set_real (
          table, row, 3,
          1e-3 * (own_adds * count->options->energy_ac + own_macs * count->options->energy_mac));
      adds += own_adds;
      macs += own_macs;
    }
  add_notes (count->options, table, unknown);
  return table;
}

static gboolean
run (void *self, RvNode *node, GError **error)
{
  FiringRate *rate = self;
  RvModel *model = rv_port_model (&rate->model);
  RvDataset *data = rv_port_dataset (&rate->data);
  g_auto (Count) count = { .options = rate };
  count_begin (&count, model, rv_dataset_spec (data));
  if (!count_all (&count, node, model, data, error))
    return FALSE;
  RvTable *table = rate_table (&count);
  set_histograms (&count, node);
  set_over_time (&count, rv_dataset_spec (data), node);
  rv_node_set_output (node, "operations", operations_table (&count));
  rv_node_set_output (node, "table", rv_table_ref (table));
  rv_node_set_output (node, "", table);
  return TRUE;
}

static const RvParam params[]
    = { RV_PORT (FiringRate, model, RV_ARTEFACT_MODEL, RV_PARAM_REQUIRED, "The model"),
        RV_PORT (FiringRate, data, RV_ARTEFACT_DATASET, RV_PARAM_REQUIRED, "What it is shown"),
        RV_INT (FiringRate, bins, "10", 1, 1000, "", "Bins of the histogram over [0, 1]"),
        RV_REAL (FiringRate, energy_ac, "0.9", 0, 1e6, "pJ", "Energy of an accumulate"),
        RV_REAL (FiringRate, energy_mac, "4.6", 0, 1e6, "pJ", "Energy of a multiply-accumulate"),
        RV_BOOL (FiringRate, skip_zeros, "no", "Analog inputs of exactly zero cost no operation"),
        RV_PARAM_END };

static const RvOutput outputs[]
    = { { "", RV_ARTEFACT_TABLE, "The same as `table`" },
        { "table", RV_ARTEFACT_TABLE, "A row per layer that fires, and one for all neurons" },
        { "histogram", RV_ARTEFACT_TABLE, "Neurons in each bin, by layer and together" },
        { "figure", RV_ARTEFACT_FIGURE, "Histogram over all neurons" },
        { "layers-figure", RV_ARTEFACT_FIGURE, "Histograms over the neurons of each layer" },
        { "over-time", RV_ARTEFACT_TABLE, "The mean rate of each layer at each step" },
        { "over-time-figure", RV_ARTEFACT_FIGURE, "The same as lines" },
        { "operations", RV_ARTEFACT_TABLE,
          "Synaptic operations and energy per sample, by layer and together" },
        { NULL, RV_ARTEFACT_NONE, NULL } };

static const RvNodeClass class = { outputs, check, run, NULL };

RV_PLUGIN ("analysis", "firing-rate")
  .version = "1.1",
  .licence = "LGPL-2.1-or-later",
  .doc = "Firing rate of every neuron, by layer, as a histogram and over time; synaptic operations and energy",
  .citation = "Horowitz 2014, 1.1 Computing's energy problem (and what we can do about it), for the energies",
  .params = params,
  .params_size = sizeof (FiringRate),
  RV_FUNCTIONS (class),
};
