/* analysis/tsne: the samples of a dataset as points of a plane, such that those lie together which a layer answers
 * alike (van der Maaten and Hinton 2008). Defaults, start and stopping rule are scikit-learn's; up to `exact-up-to`
 * points all pairs are summed, beyond that by Barnes and Hut. The result does not depend on threads. */
#include "../shared.h"
#include "tsne.h"

static const char *const starts[] = { "pca", "random", NULL };
static const char *const methods[] = { "auto", "exact", "barnes-hut", NULL };

enum
{
  AUTO,
  EXACT,
  BARNES_HUT
};

#define MOST_EXACT 20000u /* 1.6 GB */

typedef struct
{
  FEATURES_FIELDS
  double perplexity, early_exaggeration, learning_rate, angle;
  int64_t early_iterations, iterations, exact_up_to, seed;
  int start, method;
} Tsne;

static gboolean
check (void *self, RvNode *node, GError **error)
{
  const Tsne *tsne = self;
  return analysis_fits (&tsne->model, &tsne->data, FALSE, error);
}

/* ---- results */

static RvTable *
summary_table (const Tsne *tsne, const Features *features, const Descent *descent, gboolean exact)
{
  RvTable *table = rv_table_new ("t-SNE");
  const uint32_t row = rv_table_add_row (table);
  g_autofree char *note
      = g_strdup_printf ("t-SNE of %s, %u features, perplexity %g, %s.", features->source, features->dims,
                         tsne->perplexity, exact ? "all pairs" : "Barnes-Hut");
  rv_table_set_real (table, row, rv_table_add_column (table, "KL divergence", RV_COLUMN_REAL, 4),
                     descent->divergence);
  rv_table_set_int (table, row, rv_table_add_column (table, "iterations", RV_COLUMN_INT, 0),
                    (int64_t)descent->iteration);
  rv_table_set_int (table, row, rv_table_add_column (table, "samples", RV_COLUMN_INT, 0), features->n);
  rv_table_add_note (table, note);
  return table;
}

static RvTable *
embedding_table (const Features *features, const RvDatasetSpec *spec, const float *y)
{
  RvTable *table = rv_table_new ("t-SNE: where each sample lies");
  rv_table_add_column (table, "sample", RV_COLUMN_INT, 0);
  rv_table_add_column (table, "class", RV_COLUMN_TEXT, 0);
  rv_table_add_column (table, "x", RV_COLUMN_REAL, 4);
  rv_table_add_column (table, "y", RV_COLUMN_REAL, 4);
  for (uint32_t i = 0; i < features->n; i++)
    {
      g_autofree char *name = analysis_class_name (spec, features->labels[i]);
      const uint32_t row = rv_table_add_row (table);
      rv_table_set_int (table, row, 0, i);
      rv_table_set_text (table, row, 1, name);
      rv_table_set_real (table, row, 2, y[i]);
      rv_table_set_real (table, row, 3, y[features->n + i]);
    }
  return table;
}

/* A colour for each class; the axes mean nothing. */
static RvFigure *
scatter (const Features *features, const RvDatasetSpec *spec, const float *y)
{
  RvFigure *figure = rv_figure_new (RV_FIGURE_SCATTER, "t-SNE", "t-SNE 1", "t-SNE 2");
  for (uint32_t c = 0; c < features->classes; c++)
    {
      g_autofree char *name = analysis_class_name (spec, c);
      RvSeries *series = NULL;
      for (uint32_t i = 0; i < features->n; i++)
        if (features->labels[i] == c)
          {
            series = series ? series : rv_figure_add_series (figure, name);
            rv_series_add (series, NULL, y[i], y[features->n + i], NAN, NAN);
          }
    }
  return figure;
}

/* ---- the node */

static gboolean
begin (const Tsne *tsne, const Features *features, float *y, GError **error)
{
  if (tsne->perplexity >= features->n)
    {
      g_set_error (error, RV_ERROR, RV_ERROR_DATA,
                   "'perplexity' is %g, but there are only %u samples: it must be less", tsne->perplexity,
                   features->n);
      return FALSE;
    }
  if (tsne->method == EXACT && features->n > MOST_EXACT)
    {
      g_set_error (error, RV_ERROR, RV_ERROR_DATA,
                   "all pairs of %u samples take too much memory; 'exact' goes up to %u", features->n,
                   MOST_EXACT);
      return FALSE;
    }
  if (tsne->start)
    start_random ((uint64_t)tsne->seed, features->n, y);
  else if (!start_pca (features->x, features->n, features->dims, y))
    {
      g_set_error (error, RV_ERROR, RV_ERROR_DATA,
                   "all %u samples have the same features in %s (do its neurons fire?)", features->n,
                   features->source);
      return FALSE;
    }
  return TRUE;
}

static gboolean
run (void *self, RvNode *node, GError **error)
{
  const Tsne *tsne = self;
  const RvDatasetSpec *spec = rv_dataset_spec (rv_port_dataset (&tsne->data));
  const FeatureOptions options = FEATURE_OPTIONS (tsne);
  g_auto (Features) features = { 0 };
  g_auto (Affinities) p = { 0 };
  if (!features_collect (node, &options, &features, error))
    return FALSE;
  const uint32_t n = features.n;
  const gboolean exact = tsne->method == EXACT || (tsne->method == AUTO && n <= tsne->exact_up_to);
  const size_t bytes = 2 * ((size_t)n + 1) * sizeof (float);
  g_autofree float *y = g_malloc0 (bytes), *update = g_malloc0 (bytes), *gains = g_malloc0 (bytes);
  if (!begin (tsne, &features, y, error)
      || !affinities_make (node, features.x, n, features.dims, tsne->perplexity, exact, &p, error))
    return FALSE;
  /* learning rate: max (n / exaggeration / 4, 50) */
  Descent descent = { .p = &p,
                      .rate = tsne->learning_rate > 0.0 ? tsne->learning_rate
                                                        : MAX (n / tsne->early_exaggeration / 4.0, 50.0),
                      .exaggeration = tsne->early_exaggeration,
                      .angle = tsne->angle,
                      .exaggerated = (uint64_t)tsne->early_iterations,
                      .most = (uint64_t)tsne->iterations,
                      .y = y,
                      .update = update,
                      .gains = gains };
  if (!descend (node, &descent, error))
    return FALSE;
  rv_node_set_output (node, "", summary_table (tsne, &features, &descent, exact));
  rv_node_set_output (node, "embedding", embedding_table (&features, spec, y));
  rv_node_set_output (node, "figure", scatter (&features, spec, y));
  return TRUE;
}

static const RvParam params[]
    = { FEATURES_PARAMS (Tsne),
        RV_REAL (Tsne, perplexity, "30", 1, 1e6, "",
                 "About how many neighbours a sample has; less than there are samples"),
        RV_REAL (Tsne, early_exaggeration, "12", 1, 1e6, "",
                 "Factor on the affinities at first, which gathers clusters"),
        RV_INT (Tsne, early_iterations, "250", 0, 1e6, "", "How many iterations that is"),
        RV_INT (Tsne, iterations, "1000", 1, 1e6, "",
                "At the most, with those; fewer where 300 make no progress"),
        RV_REAL (Tsne, learning_rate, "0", 0, 1e9, "", "0: samples / early-exaggeration / 4, at least 50"),
        RV_CHOICE (Tsne, start, "pca", starts,
                   "Where samples lie at first: their two principal components, or drawn"),
        RV_INT (Tsne, seed, "0", 0, 9007199254740992.0, "", "Of the draws of start: random"),
        RV_CHOICE (Tsne, method, "auto", methods,
                   "All pairs, or far ones together; auto: by the number of samples"),
        RV_INT (Tsne, exact_up_to, "3000", 0, MOST_EXACT, "samples", "auto: all pairs up to here"),
        RV_REAL (Tsne, angle, "0.5", 0, 0.7, "",
                 "Barnes-Hut: cells that look smaller than this count as one sample"),
        RV_PARAM_END };

static const RvOutput outputs[] = { { "", RV_ARTEFACT_TABLE, "One row: KL divergence, iterations, samples" },
                                    { "embedding", RV_ARTEFACT_TABLE, "A row per sample: class and place" },
                                    { "figure", RV_ARTEFACT_FIGURE, "The samples, coloured by class" },
                                    { NULL, RV_ARTEFACT_NONE, NULL } };

static const RvNodeClass class = { outputs, check, run, NULL };

RV_PLUGIN ("analysis", "tsne")
  .version = "1.0",
  .licence = "LGPL-2.1-or-later",
  .doc = "Samples as points of a plane, near where a layer answers alike",
  .citation = "van der Maaten and Hinton 2008, Visualizing data using t-SNE; van der Maaten 2014, Accelerating t-SNE using "
              "tree-based algorithms",
  .params = params,
  .params_size = sizeof (Tsne),
  RV_FUNCTIONS (class),
};
