/* analysis/synops: what a network would cost on hardware that computes when spikes come. Each spike that
 * reaches a layer is one addition for every unit of it; a value that is no spike is a multiplication and an
 * addition at every step. Energies of 32-bit operations in 45 nm after Horowitz 2014, Computing's energy
 * problem (ISSCC). */
#include <ranvier/ranvier.h>

typedef struct
{
  RvPort model, data;
  double add, multiply;
} Self;

static const RvParam params[] = {
  RV_PORT (Self, model, RV_ARTEFACT_MODEL, RV_PARAM_REQUIRED, "The model"),
  RV_PORT (Self, data, RV_ARTEFACT_DATASET, RV_PARAM_REQUIRED, "What it is shown"),
  RV_REAL (Self, add, "0.9", 0, 1e9, "pJ", "Energy of an addition"),
  RV_REAL (Self, multiply, "3.7", 0, 1e9, "pJ", "Energy of a multiplication"),
  RV_PARAM_END
};

/* What came into a layer: spikes, and values that are no spikes, each counted at every step. */
typedef struct
{
  uint64_t spikes, values;
} Count;

typedef struct
{
  uint32_t layers;
  Count *counts; /* [RV_TILE_SLOTS][layers] */
} Counts;

static gboolean
check (void *data, RvNode *node, GError **error)
{
  const Self *self = data;
  const RvDatasetSpec *model = rv_port_spec (&self->model), *shown = rv_port_spec (&self->data);
  if (model->units == shown->units && model->steps == shown->steps)
    return TRUE;
  g_set_error (error, RV_ERROR, RV_ERROR_SHAPE,
               "model '%s' takes %u units and %u steps, but data '%s' has %u and %u",
               rv_port_name (&self->model), model->units, model->steps, rv_port_name (&self->data),
               shown->units, shown->steps);
  return FALSE;
}

/* A row of a signal is one step of one sample, or all steps of it where the signal does not change. Steps
 * behind a sample's end do not count. */
static void
add_signal (const RvSignal *signal, const RvTileView *view, Count *count)
{
  for (uint32_t s = 0; s < view->samples; s++)
    for (uint32_t t = 0; t < (signal->is_static ? 1 : view->steps[s]); t++)
      {
        const size_t row = (size_t) t * signal->samples + s;
        const uint32_t times = signal->is_static ? view->steps[s] : 1;
        if (signal->offsets)
          {
            const uint64_t events = (uint64_t) (signal->offsets[row + 1] - signal->offsets[row]) * times;
            *(signal->values ? &count->values : &count->spikes) += events;
            continue;
          }
        for (uint32_t u = 0; signal->dense && u < signal->units; u++)
          count->values += signal->dense[row * signal->stride + u] != 0.0f ? times : 0;
      }
}

/* Any worker, but one at a time for each slot: sums by slot need no lock. */
static void
add_tile (void *data, const RvTileView *view)
{
  const Counts *counts = data;
  for (uint32_t k = 0; k < counts->layers; k++)
    add_signal (k == 0 ? view->input : &view->layers[k - 1], view,
                &counts->counts[view->slot * counts->layers + k]);
}

/* One row: per sample, what comes in, what it costs, and what a dense network of this shape would. */
static void
add_row (const Self *self, RvTable *table, const char *name, const double cost[4])
{
  const uint32_t row = rv_table_add_row (table);
  const double energy = cost[1] * self->add + cost[2] * (self->add + self->multiply);
  const double dense = cost[3] * (self->add + self->multiply);
  rv_table_set_text (table, row, 0, name);
  for (uint32_t k = 0; k < 3; k++)
    rv_table_set_real (table, row, 1 + k, cost[k]);
  rv_table_set_real (table, row, 4, energy * 1e-3);
  rv_table_set_real (table, row, 5, dense * 1e-3);
}

static RvTable *
make_table (const Self *self, const RvModel *model, const RvDatasetSpec *spec, const Counts *counts)
{
  static const char *const names[]
      = { "events in", "additions", "multiply-additions", "energy (nJ)", "one dense pass (nJ)" };
  RvTable *table = rv_table_new ("Operations and energy per sample");
  double all[4] = { 0 };
  rv_table_add_column (table, "layer", RV_COLUMN_TEXT, 0);
  for (uint32_t k = 0; k < G_N_ELEMENTS (names); k++)
    rv_table_add_column (table, names[k], RV_COLUMN_REAL, k < 3 ? 1 : 3);
  for (uint32_t k = 0; k < counts->layers; k++)
    {
      g_autofree char *name = g_strdup_printf ("layer %u", k);
      const double units = rv_model_layer_units (model, k), samples = spec->samples;
      const double inputs = k == 0 ? spec->units : rv_model_layer_units (model, k - 1);
      Count sum = { 0 };
      for (uint32_t slot = 0; slot < RV_TILE_SLOTS; slot++)
        {
          sum.spikes += counts->counts[slot * counts->layers + k].spikes;
          sum.values += counts->counts[slot * counts->layers + k].values;
        }
      const double spikes = (double) sum.spikes / samples, values = (double) sum.values / samples;
      const double cost[4] = { spikes + values, spikes * units, values * units, inputs * units };
      add_row (self, table, name, cost);
      for (int j = 0; j < 4; j++)
        all[j] += cost[j];
    }
  add_row (self, table, "all", all);
  rv_table_add_note (table, "recurrent connections and the neurons themselves are not counted");
  return table;
}

static gboolean
run (void *data, RvNode *node, GError **error)
{
  const Self *self = data;
  RvModel *model = rv_port_model (&self->model);
  RvDataset *shown = rv_port_dataset (&self->data);
  const uint32_t layers = rv_model_layers (model);
  g_autofree Count *memory = g_new0 (Count, (size_t) RV_TILE_SLOTS * layers);
  Counts counts = { layers, memory };
  const RvBatch all = { .data = shown, .n = rv_dataset_spec (shown)->samples };
  const RvObserver observer = { .tile = add_tile, .self = &counts };
  if (!rv_model_evaluate (model, NULL, &all, &observer, NULL, error))
    return FALSE;
  rv_node_set_output (node, "", make_table (self, model, rv_dataset_spec (shown), &counts));
  return TRUE;
}

static const RvOutput outputs[]
    = { { "", RV_ARTEFACT_TABLE, "A row for each layer, and one for all" }, { NULL } };

static const RvNodeClass class = { .outputs = outputs, .check = check, .run = run };

RV_PLUGIN ("analysis", "synops")
  .version = "1.0",
  .licence = "CC0-1.0",
  .doc = "Synaptic operations and energy per sample",
  .citation = "Horowitz 2014, ISSCC",
  .params = params,
  .params_size = sizeof (Self),
  RV_FUNCTIONS (class),
};
