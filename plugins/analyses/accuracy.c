/* analysis/accuracy: the share of right decisions of a model on a dataset, and the confusion matrix. */
#include <ranvier/ranvier.h>

typedef struct
{
  RvPort model, data;
} Accuracy;

typedef struct
{
  uint32_t classes;
  uint64_t *counts; /* [RV_TILE_SLOTS][classes true][classes decided] */
} Confusion;

static gboolean
check (void *self, RvNode *node, GError **error)
{
  Accuracy *accuracy = self;
  const RvDatasetSpec *model = rv_port_spec (&accuracy->model), *data = rv_port_spec (&accuracy->data);
  if (model->units == data->units && model->classes == data->classes && model->steps == data->steps)
    return TRUE;
  g_set_error (error, RV_ERROR, RV_ERROR_SHAPE,
               "model '%s' takes %u units, %u steps and %u classes, but data '%s' has "
               "%u, %u and %u",
               rv_port_name (&accuracy->model), model->units, model->steps, model->classes,
               rv_port_name (&accuracy->data), data->units, data->steps, data->classes);
  return FALSE;
}

static void
count_tile (void *self, const RvTileView *view)
{
  Confusion *confusion = self;
  const uint32_t n = view->classes;
  uint64_t *counts = confusion->counts + (size_t) view->slot * n * n;
  for (uint32_t s = 0; s < view->samples; s++)
    for (uint32_t d = 0; d < view->taken[s]; d++)
      {
        const float *scores = view->scores + ((size_t) s * view->decisions + d) * n;
        uint32_t best = 0;
        for (uint32_t c = 1; c < n; c++)
          best = scores[c] > scores[best] ? c : best;
        counts[view->labels[s] * n + best]++;
      }
}

static char *
class_name (const RvDatasetSpec *spec, uint32_t c)
{
  return spec->classes_names ? g_strdup (spec->classes_names[c]) : g_strdup_printf ("%u", c);
}

static RvTable *
confusion_table (const Confusion *confusion, const RvDatasetSpec *spec)
{
  const uint32_t n = confusion->classes;
  RvTable *table = rv_table_new ("Confusion matrix: rows are true classes, columns decisions");
  rv_table_add_column (table, "class", RV_COLUMN_TEXT, 0);
  for (uint32_t c = 0; c < n; c++)
    {
      g_autofree char *name = class_name (spec, c);
      rv_table_add_column (table, name, RV_COLUMN_INT, 0);
    }
  for (uint32_t c = 0; c < n; c++)
    {
      g_autofree char *name = class_name (spec, c);
      const uint32_t row = rv_table_add_row (table);
      rv_table_set_text (table, row, 0, name);
      for (uint32_t d = 0; d < n; d++)
        {
          uint64_t sum = 0;
          for (uint32_t k = 0; k < RV_TILE_SLOTS; k++)
            sum += confusion->counts[((size_t) k * n + c) * n + d];
          rv_table_set_int (table, row, d + 1, (int64_t) sum);
        }
    }
  return table;
}

static gboolean
run (void *self, RvNode *node, GError **error)
{
  Accuracy *accuracy = self;
  RvDataset *data = rv_port_dataset (&accuracy->data);
  const RvDatasetSpec *spec = rv_dataset_spec (data);
  Confusion confusion
      = { spec->classes, g_new0 (uint64_t, (size_t)RV_TILE_SLOTS * spec->classes * spec->classes) };
  RvBatch all = { data, 0, NULL, spec->samples };
  RvObserver observer = { count_tile, &confusion };
  RvScore score;
  const gboolean ok
      = rv_model_evaluate (rv_port_model (&accuracy->model), NULL, &all, &observer, &score, error);
  if (ok)
    {
      RvTable *table = rv_table_new ("Accuracy");
      const uint32_t row = rv_table_add_row (table);
      const double share = score.decisions ? 100.0 * (double) score.correct / (double) score.decisions : NAN;
      rv_table_set_real (table, row, rv_table_add_column (table, "accuracy", RV_COLUMN_REAL, 2), share);
      rv_table_set_real (table, row, rv_table_add_column (table, "loss", RV_COLUMN_REAL, 4), score.loss);
      rv_table_set_int (table, row, rv_table_add_column (table, "samples", RV_COLUMN_INT, 0),
                        (int64_t)score.samples);
      rv_node_set_output (node, "confusion", confusion_table (&confusion, spec));
      rv_node_set_output (node, "accuracy", rv_table_ref (table));
      rv_node_set_output (node, "", table);
    }
  g_free (confusion.counts);
  return ok;
}

static const RvParam params[] = {
  RV_PORT (Accuracy, model, RV_ARTEFACT_MODEL, RV_PARAM_REQUIRED, "The model"),
  RV_PORT (Accuracy, data, RV_ARTEFACT_DATASET, RV_PARAM_REQUIRED, "What it is tested on"),
  RV_PARAM_END
};

static const RvOutput outputs[] = {
  { "", RV_ARTEFACT_TABLE, "The same as `accuracy`" },
  { "accuracy", RV_ARTEFACT_TABLE, "One row: accuracy in per cent, loss, samples" },
  { "confusion", RV_ARTEFACT_TABLE, "Decisions by true class" },
  { NULL, RV_ARTEFACT_NONE, NULL }
};

static const RvNodeClass class = { outputs, check, run, NULL };

RV_PLUGIN ("analysis", "accuracy")
  .version = "1.0",
  .licence = "LGPL-2.1-or-later",
  .doc = "Share of right decisions and confusion matrix",
  .params = params,
  .params_size = sizeof (Accuracy),
  RV_FUNCTIONS (class),
};
