/* analysis/accuracy: the share of right decisions of a model on a dataset, the confusion matrix, and what it says
 * of each class. */
#include "shared.h"

typedef struct
{
  RvPort model, data;
} Accuracy;

typedef struct
{
  uint32_t classes;
  uint64_t *counts; /* [RV_TILE_SLOTS][classes true][classes decided]; the first holds their sum in the end */
} Confusion;

static gboolean
check (void *self, RvNode *node, GError **error)
{
  Accuracy *accuracy = self;
  return analysis_fits (&accuracy->model, &accuracy->data, FALSE, error);
}

static void
count_tile (void *self, const RvTileView *view)
{
  Confusion *confusion = self;
  const uint32_t n = view->classes;
  uint64_t *counts = confusion->counts + (size_t)view->slot * n * n;
  for (uint32_t s = 0; s < view->samples; s++)
    for (uint32_t d = 0; d < view->taken[s]; d++)
      {
        const float *scores = view->scores + ((size_t)s * view->decisions + d) * n;
        uint32_t best = 0;
        for (uint32_t c = 1; c < n; c++)
          best = scores[c] > scores[best] ? c : best;
        counts[view->labels[s] * n + best]++;
      }
}

static void
add_up (Confusion *confusion)
{
  const size_t cells = (size_t)confusion->classes * confusion->classes;
  for (size_t k = cells; k < RV_TILE_SLOTS * cells; k++)
    confusion->counts[k % cells] += confusion->counts[k];
}

static uint64_t
count_of (const Confusion *confusion, uint32_t is, uint32_t decided)
{
  return confusion->counts[(size_t)is * confusion->classes + decided];
}

/* How many decisions were of class c, and how many fell on it. */
static uint64_t
count_true (const Confusion *confusion, uint32_t c)
{
  uint64_t sum = 0;
  for (uint32_t d = 0; d < confusion->classes; d++)
    sum += count_of (confusion, c, d);
  return sum;
}

static uint64_t
count_decided (const Confusion *confusion, uint32_t c)
{
  uint64_t sum = 0;
  for (uint32_t is = 0; is < confusion->classes; is++)
    sum += count_of (confusion, is, c);
  return sum;
}

static double
per_cent (uint64_t part, uint64_t whole)
{
  return whole ? 100.0 * (double)part / (double)whole : NAN;
}

/* ---- results */

static RvTable *
accuracy_table (const RvScore *score)
{
  RvTable *table = rv_table_new ("Accuracy");
  const uint32_t row = rv_table_add_row (table);
  rv_table_set_real (table, row, rv_table_add_column (table, "accuracy", RV_COLUMN_REAL, 2),
                     per_cent (score->correct, score->decisions));
  rv_table_set_real (table, row, rv_table_add_column (table, "loss", RV_COLUMN_REAL, 4), score->loss);
  rv_table_set_int (table, row, rv_table_add_column (table, "samples", RV_COLUMN_INT, 0),
                    (int64_t)score->samples);
  return table;
}

static RvTable *
confusion_table (const Confusion *confusion, const RvDatasetSpec *spec)
{
  const uint32_t n = confusion->classes;
  RvTable *table = rv_table_new ("Confusion matrix: rows are true classes, columns decisions");
  rv_table_add_column (table, "class", RV_COLUMN_TEXT, 0);
  for (uint32_t c = 0; c < n; c++)
    {
      g_autofree char *name = analysis_class_name (spec, c);
      rv_table_add_column (table, name, RV_COLUMN_INT, 0);
    }
  for (uint32_t c = 0; c < n; c++)
    {
      g_autofree char *name = analysis_class_name (spec, c);
      const uint32_t row = rv_table_add_row (table);
      rv_table_set_text (table, row, 0, name);
      for (uint32_t d = 0; d < n; d++)
        rv_table_set_int (table, row, d + 1, (int64_t)count_of (confusion, c, d));
    }
  return table;
}

/* recall = right / true, precision = right / decided, f1 = 2 right / (true + decided) */
static RvTable *
class_table (const Confusion *confusion, const RvDatasetSpec *spec)
{
  static const char *const counts[] = { "decisions", "decided so", "correct" }, *const shares[]
                                                                                = { "precision", "recall",
                                                                                    "F1" };
  RvTable *table = rv_table_new ("Accuracy of each class (%)");
  rv_table_add_column (table, "class", RV_COLUMN_TEXT, 0);
  for (uint32_t k = 0; k < G_N_ELEMENTS (counts); k++)
    rv_table_add_column (table, counts[k], RV_COLUMN_INT, 0);
  for (uint32_t k = 0; k < G_N_ELEMENTS (shares); k++)
    rv_table_add_column (table, shares[k], RV_COLUMN_REAL, 2);
  for (uint32_t c = 0; c < confusion->classes; c++)
    {
      g_autofree char *name = analysis_class_name (spec, c);
      const uint32_t row = rv_table_add_row (table);
      const uint64_t is = count_true (confusion, c), decided = count_decided (confusion, c),
                     right = count_of (confusion, c, c);
      rv_table_set_text (table, row, 0, name);
      rv_table_set_int (table, row, 1, (int64_t)is);
      rv_table_set_int (table, row, 2, (int64_t)decided);
      rv_table_set_int (table, row, 3, (int64_t)right);
      rv_table_set_real (table, row, 4, per_cent (right, decided));
      rv_table_set_real (table, row, 5, per_cent (right, is));
      rv_table_set_real (table, row, 6, per_cent (2 * right, is + decided));
    }
  return table;
}

/* The share of each true class in per cent, the first class on top. */
static RvFigure *
heat_map (const Confusion *confusion)
{
  const uint32_t n = confusion->classes;
  g_autofree double *x = g_new (double, n), *y = g_new (double, n), *z = g_new (double, (size_t)n *n);
  RvFigure *figure = rv_figure_new (RV_FIGURE_HEATMAP, "Confusion matrix", "Decided class", "True class");
  for (uint32_t c = 0; c < n; c++)
    {
      const uint32_t is = n - 1 - c; /* descending, so that the axis is drawn downwards */
      x[c] = c;
      y[c] = is;
      for (uint32_t d = 0; d < n; d++)
        z[(size_t)c * n + d] = per_cent (count_of (confusion, is, d), count_true (confusion, is));
    }
  rv_figure_set_grid (figure, n, n, x, y, z, "Share of the true class (%)");
  rv_figure_set_z_range (figure, 0.0, 100.0);
  return figure;
}

static gboolean
run (void *self, RvNode *node, GError **error)
{
  Accuracy *accuracy = self;
  RvDataset *data = rv_port_dataset (&accuracy->data);
  const RvDatasetSpec *spec = rv_dataset_spec (data);
  g_autofree uint64_t *counts = g_new0 (uint64_t, (size_t)RV_TILE_SLOTS * spec->classes * spec->classes);
  Confusion confusion = { spec->classes, counts };
  const RvObserver observer = { .tile = count_tile, .self = &confusion };
  RvScore score;
  if (!analysis_evaluate (node, rv_port_model (&accuracy->model), data, &observer, &score, error))
    return FALSE;
  add_up (&confusion);
  RvTable *table = accuracy_table (&score);
  rv_node_set_output (node, "confusion", confusion_table (&confusion, spec));
  rv_node_set_output (node, "classes", class_table (&confusion, spec));
  rv_node_set_output (node, "figure", heat_map (&confusion));
  rv_node_set_output (node, "accuracy", rv_table_ref (table));
  rv_node_set_output (node, "", table);
  return TRUE;
}

static const RvParam params[]
    = { RV_PORT (Accuracy, model, RV_ARTEFACT_MODEL, RV_PARAM_REQUIRED, "The model"),
        RV_PORT (Accuracy, data, RV_ARTEFACT_DATASET, RV_PARAM_REQUIRED, "What it is tested on"),
        RV_PARAM_END };

static const char *const columns[] = { "accuracy", "loss", "samples", NULL };

static const RvOutput outputs[]
    = { { "", RV_ARTEFACT_TABLE, "The same as `accuracy`", columns },
        { "accuracy", RV_ARTEFACT_TABLE, "One row: accuracy in per cent, loss, samples", columns },
        { "confusion", RV_ARTEFACT_TABLE, "Decisions by true class" },
        { "classes", RV_ARTEFACT_TABLE, "A row per class: counts, precision, recall and F1 in per cent" },
        { "figure", RV_ARTEFACT_FIGURE, "The confusion matrix as a heat map" },
        { NULL, RV_ARTEFACT_NONE, NULL } };

static const RvNodeClass class = { outputs, check, run, NULL };

RV_PLUGIN ("analysis", "accuracy")
  .version = "1.1",
  .licence = "LGPL-2.1-or-later",
  .doc = "Share of right decisions, confusion matrix, precision and recall of each class",
  .params = params,
  .params_size = sizeof (Accuracy),
  RV_FUNCTIONS (class),
};
