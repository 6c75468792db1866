/* Counts spikes, right, or wrong in one way. */
#include <ranvier/ranvier.h>
#include <unistd.h>

typedef struct
{
  RvPort model, data;
  uint64_t counts[RV_TILE_SLOTS];
  double order; /* depends on which tile comes first */
} Self;

static void
count (void *data, const RvTileView *view)
{
  Self *self = data;
  const RvSignal *signal = &view->layers[0];
  self->counts[view->slot] += signal->offsets[signal->steps * signal->samples];
#ifdef MISTAKE_nan_index
  static const double table[4] = { 0.0, 1.0, 2.0, 3.0 };
  const double *levels = table;
  const float score = view->scores[0];
  self->order += levels[(int) (score > 3.0f ? 3.0f : score < 0.0f ? 0.0f : score)];
#endif
#ifdef MISTAKE_threads
  const double before = self->order;
  usleep (view->slot == 0 ? 20000 : 0);
  self->order = 0.5 * before + view->slot;
#endif
}

static gboolean
check (void *data, RvNode *node, GError **error)
{
  const Self *self = data;
  const RvDatasetSpec *model = rv_port_spec (&self->model), *shown = rv_port_spec (&self->data);
  if (model->units == shown->units && model->steps == shown->steps && model->classes == shown->classes)
    return TRUE;
#ifndef MISTAKE_silent
  g_set_error_literal (error, RV_ERROR, RV_ERROR_SHAPE, "model and data do not fit");
#endif
  return FALSE;
}

static gboolean
run (void *data, RvNode *node, GError **error)
{
  Self *self = data;
  RvDataset *shown = rv_port_dataset (&self->data);
  const RvBatch all = { .data = shown, .n = rv_dataset_spec (shown)->samples };
  const RvObserver observer = { count, self };
  uint64_t sum = 0;
  if (!rv_model_evaluate (rv_port_model (&self->model), NULL, &all, &observer, NULL, error))
    return FALSE;
  for (int k = 0; k < RV_TILE_SLOTS; k++)
    sum += self->counts[k];
#ifdef MISTAKE_counter
  static uint64_t runs;
  sum += runs++;
#endif
  RvTable *table = rv_table_new ("Spikes");
  rv_table_add_column (table, "spikes", RV_COLUMN_INT, 0);
  rv_table_add_column (table, "order", RV_COLUMN_REAL, 9);
  rv_table_add_row (table);
  rv_table_set_int (table, 0, 0, (int64_t) sum);
  rv_table_set_real (table, 0, 1, self->order);
  rv_node_set_output (node, "", table);
  return TRUE;
}

static const RvParam params[] = {
  RV_PORT (Self, model, RV_ARTEFACT_MODEL, RV_PARAM_REQUIRED, "The model"),
  RV_PORT (Self, data, RV_ARTEFACT_DATASET, RV_PARAM_REQUIRED, "What it is shown"),
  RV_PARAM_END
};

static const RvOutput outputs[]
    = { { "", RV_ARTEFACT_TABLE, "The count" }, { NULL, RV_ARTEFACT_NONE, NULL } };
static const RvNodeClass class = { outputs, check, run, NULL };

RV_PLUGIN ("analysis", NAME)
  .version = "1.0",
  .licence = "CC0-1.0",
  .doc = "For a test",
  .params = params,
  .params_size = sizeof (Self),
  RV_FUNCTIONS (class),
};
