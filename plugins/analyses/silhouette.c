/* analysis/silhouette: how well the classes are set apart in the activity of a layer (Rousseeuw 1987), with
 * the cosine distance d (x, y) = 1 - x.y / (|x| |y|). Exact in O(samples * classes * features): the mean
 * distance to the samples of a class follows from the sum of their directions. */
#include "shared.h"

typedef struct
{
  FEATURES_FIELDS
} Silhouette;

#define ROWS 64u    /* samples of a piece of work */
#define COLUMNS 64u /* features of a piece */

typedef struct
{
  const Features *features;
  double *scale;    /* [n]: 1 / |x|; 0 where x is 0 */
  double *sums;     /* [classes][dims]: of x / |x| */
  uint32_t *counts; /* [classes] */
  double *values;   /* [n] */
} Work;

static const float *
row_of (const Work *work, uint32_t i)
{
  return work->features->x + (size_t)i * work->features->dims;
}

static void
measure (void *self, uint32_t piece, uint32_t worker)
{
  const Work *work = self;
  for (uint32_t i = piece * ROWS; i < MIN (work->features->n, (piece + 1) * ROWS); i++)
    {
      const float *x = row_of (work, i);
      double sum = 0.0;
      for (uint32_t d = 0; d < work->features->dims; d++)
        sum += (double)x[d] * x[d];
      work->scale[i] = sum > 0.0 ? 1.0 / sqrt (sum) : 0.0;
    }
}

/* Samples in ascending order, whoever adds them. */
static void
add_up (void *self, uint32_t piece, uint32_t worker)
{
  const Work *work = self;
  const uint32_t dims = work->features->dims, to = MIN (dims, (piece + 1) * COLUMNS);
  for (uint32_t i = 0; i < work->features->n; i++)
    {
      const float *x = row_of (work, i);
      double *sum = work->sums + (size_t)work->features->labels[i] * dims;
      for (uint32_t d = piece * COLUMNS; d < to; d++)
        sum[d] += x[d] * work->scale[i];
    }
}

/* a: mean distance to the others of the own class, b: to the class that is nearest; s = (b - a) / max (a, b).
 * The mean over class C of 1 - x.y is 1 - x.S / |C|, S the sum of its directions. Zero vectors are at
 * distance 1 of everything, and a class of one has s = 0, as scikit-learn has it. */
static double
silhouette_of (const Work *work, uint32_t i)
{
  const uint32_t dims = work->features->dims, own = work->features->labels[i];
  const float *x = row_of (work, i);
  double a = 0.0, b = INFINITY;
  if (work->counts[own] < 2)
    return 0.0;
  for (uint32_t c = 0; c < work->features->classes; c++)
    {
      const double *sum = work->sums + (size_t)c * dims;
      double dot = 0.0;
      if (!work->counts[c])
        continue;
      for (uint32_t d = 0; d < dims; d++)
        dot += x[d] * sum[d];
      dot *= work->scale[i];
      if (c == own)
        a = 1.0 - (dot - (work->scale[i] > 0.0 ? 1.0 : 0.0)) / (work->counts[c] - 1);
      else
        b = MIN (b, 1.0 - dot / work->counts[c]);
    }
  /* distances that are zero but for rounding */
  a = a < 1e-12 ? 0.0 : a;
  b = b < 1e-12 ? 0.0 : b;
  return MAX (a, b) > 0.0 ? (b - a) / MAX (a, b) : 0.0;
}

static void
judge (void *self, uint32_t piece, uint32_t worker)
{
  const Work *work = self;
  for (uint32_t i = piece * ROWS; i < MIN (work->features->n, (piece + 1) * ROWS); i++)
    work->values[i] = silhouette_of (work, i);
}

static gboolean
has_classes (const Work *work, GError **error)
{
  uint32_t found = 0;
  for (uint32_t c = 0; c < work->features->classes; c++)
    found += work->counts[c] > 0;
  if (found > 1)
    return TRUE;
  g_set_error (
      error, RV_ERROR, RV_ERROR_DATA,
      "a silhouette compares classes, but the %u samples are of %u class; are some taken out in front?",
      work->features->n, found);
  return FALSE;
}

/* ---- results */

static RvTable *
summary_table (const Work *work)
{
  const Features *features = work->features;
  RvTable *table = rv_table_new ("Silhouette (cosine)");
  g_autofree char *note
      = g_strdup_printf ("Silhouette of %s, %u features.", features->source, features->dims);
  const uint32_t row = rv_table_add_row (table);
  uint32_t silent = 0;
  double sum = 0.0;
  for (uint32_t i = 0; i < features->n; i++)
    {
      sum += work->values[i];
      silent += work->scale[i] == 0.0;
    }
  rv_table_set_real (table, row, rv_table_add_column (table, "silhouette", RV_COLUMN_REAL, 4),
                     sum / features->n);
  rv_table_set_int (table, row, rv_table_add_column (table, "samples", RV_COLUMN_INT, 0), features->n);
  rv_table_set_int (table, row, rv_table_add_column (table, "silent samples", RV_COLUMN_INT, 0), silent);
  rv_table_add_note (table, note);
  return table;
}

static RvTable *
class_table (const Work *work, const RvDatasetSpec *spec)
{
  RvTable *table = rv_table_new ("Silhouette of each class (cosine)");
  rv_table_add_column (table, "class", RV_COLUMN_TEXT, 0);
  rv_table_add_column (table, "samples", RV_COLUMN_INT, 0);
  rv_table_add_column (table, "silhouette", RV_COLUMN_REAL, 4);
  for (uint32_t c = 0; c < work->features->classes; c++)
    {
      g_autofree char *name = analysis_class_name (spec, c);
      const uint32_t row = rv_table_add_row (table);
      double sum = 0.0;
      for (uint32_t i = 0; i < work->features->n; i++)
        sum += work->features->labels[i] == c ? work->values[i] : 0.0;
      rv_table_set_text (table, row, 0, name);
      rv_table_set_int (table, row, 1, work->counts[c]);
      rv_table_set_real (table, row, 2, work->counts[c] ? sum / work->counts[c] : NAN);
    }
  return table;
}

static RvTable *
sample_table (const Work *work, const RvDatasetSpec *spec)
{
  RvTable *table = rv_table_new ("Silhouette of each sample (cosine)");
  rv_table_add_column (table, "sample", RV_COLUMN_INT, 0);
  rv_table_add_column (table, "class", RV_COLUMN_TEXT, 0);
  rv_table_add_column (table, "silhouette", RV_COLUMN_REAL, 6);
  for (uint32_t i = 0; i < work->features->n; i++)
    {
      g_autofree char *name = analysis_class_name (spec, work->features->labels[i]);
      const uint32_t row = rv_table_add_row (table);
      rv_table_set_int (table, row, 0, i);
      rv_table_set_text (table, row, 1, name);
      rv_table_set_real (table, row, 2, work->values[i]);
    }
  return table;
}

/* ---- the node */

static gboolean
check (void *self, RvNode *node, GError **error)
{
  const Silhouette *silhouette = self;
  return analysis_fits (&silhouette->model, &silhouette->data, FALSE, error);
}

static gboolean
run (void *self, RvNode *node, GError **error)
{
  const Silhouette *silhouette = self;
  const RvDatasetSpec *spec = rv_dataset_spec (rv_port_dataset (&silhouette->data));
  const FeatureOptions options = FEATURE_OPTIONS (silhouette);
  g_auto (Features) features = { 0 };
  if (!features_collect (node, &options, &features, error))
    return FALSE;
  g_autofree double *scale = g_new0 (double, features.n + 1), *values = g_new0 (double, features.n + 1);
  g_autofree double *sums = g_new0 (double, (size_t)features.classes *features.dims);
  g_autofree uint32_t *counts = g_new0 (uint32_t, features.classes);
  Work work = { &features, scale, sums, counts, values };
  for (uint32_t i = 0; i < features.n; i++)
    counts[features.labels[i]]++;
  if (!has_classes (&work, error))
    return FALSE;
  rv_parallel_for ((features.n + ROWS - 1) / ROWS, measure, &work);
  rv_parallel_for ((features.dims + COLUMNS - 1) / COLUMNS, add_up, &work);
  rv_parallel_for ((features.n + ROWS - 1) / ROWS, judge, &work);
  rv_node_set_output (node, "", summary_table (&work));
  rv_node_set_output (node, "classes", class_table (&work, spec));
  rv_node_set_output (node, "samples", sample_table (&work, spec));
  return TRUE;
}

static const RvParam params[] = { FEATURES_PARAMS (Silhouette), RV_PARAM_END };

static const RvOutput outputs[] = { { "", RV_ARTEFACT_TABLE, "One row: the mean over all samples" },
                                    { "classes", RV_ARTEFACT_TABLE, "A row per class" },
                                    { "samples", RV_ARTEFACT_TABLE, "A row per sample" },
                                    { NULL, RV_ARTEFACT_NONE, NULL } };

static const RvNodeClass class = { outputs, check, run, NULL };

RV_PLUGIN ("analysis", "silhouette")
  .version = "1.0",
  .licence = "LGPL-2.1-or-later",
  .doc = "How well classes are set apart in the activity of a layer",
  .citation = "Rousseeuw 1987, Silhouettes: a graphical aid to the interpretation and validation of cluster "
              "analysis",
  .params = params,
  .params_size = sizeof (Silhouette),
  RV_FUNCTIONS (class),
};
