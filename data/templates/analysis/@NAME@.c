/* analysis/@NAME@: how clearly a model decides. The margin of a decision is the score of the true class less
 * the best of the others; it is positive where the model is right. One row for each class. */
#include <ranvier/ranvier.h>

typedef struct
{
  RvPort model, data;
} Self;

static const RvParam params[] = {
  RV_PORT (Self, model, RV_ARTEFACT_MODEL, RV_PARAM_REQUIRED, "The model"),
  RV_PORT (Self, data, RV_ARTEFACT_DATASET, RV_PARAM_REQUIRED, "What it is shown"),
  RV_PARAM_END
};

/* What does not fit is refused before anything runs, with both sides in the message. */
static gboolean
check (void *data, RvNode *node, GError **error)
{
  const Self *self = data;
  const RvDatasetSpec *model = rv_port_spec (&self->model), *shown = rv_port_spec (&self->data);
  if (model->units == shown->units && model->steps == shown->steps && model->classes == shown->classes)
    return TRUE;
  g_set_error (error, RV_ERROR, RV_ERROR_SHAPE,
               "model '%s' takes %u units, %u steps and %u classes, but data '%s' has %u, %u and %u",
               rv_port_name (&self->model), model->units, model->steps, model->classes,
               rv_port_name (&self->data), shown->units, shown->steps, shown->classes);
  return FALSE;
}

typedef struct
{
  uint64_t n, right;
  double sum;
} Count;

typedef struct
{
  uint32_t classes;
  Count *counts; /* [RV_TILE_SLOTS][classes] */
} Margins;

/* Called by the workers for every tile of samples. Sums are kept apart by slot and added up in order at the
 * end, so that the result has the same bits for any number of threads. */
static void
add_tile (void *data, const RvTileView *view)
{
  const Margins *margins = data;
  Count *counts = margins->counts + (size_t) view->slot * margins->classes;
  for (uint32_t s = 0; s < view->samples; s++)
    for (uint32_t d = 0; d < view->taken[s]; d++)
      {
        const float *scores = view->scores + ((size_t) s * view->decisions + d) * view->classes;
        const uint32_t label = view->labels[s];
        float other = -INFINITY;
        for (uint32_t c = 0; c < view->classes; c++)
          other = c != label && scores[c] > other ? scores[c] : other;
        counts[label].n++;
        counts[label].right += scores[label] > other;
        counts[label].sum += (double) scores[label] - other;
      }
}

static RvTable *
make_table (const Margins *margins, const RvDatasetSpec *spec)
{
  RvTable *table = rv_table_new ("Margin between the true class and the best other, by true class");
  rv_table_add_column (table, "class", RV_COLUMN_TEXT, 0);
  rv_table_add_column (table, "decisions", RV_COLUMN_INT, 0);
  rv_table_add_column (table, "right (%)", RV_COLUMN_REAL, 2);
  rv_table_add_column (table, "mean margin", RV_COLUMN_REAL, 4);
  for (uint32_t c = 0; c < margins->classes; c++)
    {
      g_autofree char *number = g_strdup_printf ("%u", c);
      const uint32_t row = rv_table_add_row (table);
      Count all = { 0 };
      for (uint32_t slot = 0; slot < RV_TILE_SLOTS; slot++)
        {
          const Count *count = &margins->counts[slot * margins->classes + c];
          all.n += count->n;
          all.right += count->right;
          all.sum += count->sum;
        }
      rv_table_set_text (table, row, 0, spec->classes_names ? spec->classes_names[c] : number);
      rv_table_set_int (table, row, 1, (int64_t) all.n);
      rv_table_set_real (table, row, 2, all.n ? 100.0 * (double) all.right / (double) all.n : NAN);
      rv_table_set_real (table, row, 3, all.n ? all.sum / (double) all.n : NAN);
    }
  return table;
}

static gboolean
run (void *data, RvNode *node, GError **error)
{
  const Self *self = data;
  RvDataset *shown = rv_port_dataset (&self->data);
  const RvDatasetSpec *spec = rv_dataset_spec (shown);
  g_autofree Count *counts = g_new0 (Count, (size_t) RV_TILE_SLOTS * spec->classes);
  Margins margins = { spec->classes, counts };
  const RvBatch all = { .data = shown, .n = spec->samples };
  const RvObserver observer = { .tile = add_tile, .self = &margins };
  if (!rv_model_evaluate (rv_port_model (&self->model), NULL, &all, &observer, NULL, error))
    return FALSE;
  rv_node_set_output (node, "", make_table (&margins, spec));
  return TRUE;
}

static const RvOutput outputs[] = { { "", RV_ARTEFACT_TABLE, "A row for each class" }, { NULL } };

static const RvNodeClass class = { .outputs = outputs, .check = check, .run = run };

RV_PLUGIN ("analysis", "@NAME@")
  .version = "0.1",
  .licence = "CC0-1.0",
  .doc = "How clearly a model decides, by class",
  .citation = NULL,
  .params = params,
  .params_size = sizeof (Self),
  RV_FUNCTIONS (class),
};
