/* analysis/resolution: a model tested on the same recordings at other step widths, without training it again. The
 * network runs over as many steps as each dataset has; with `rescale-leak` what a step keeps of the membrane is
 * fitted to the new step, k^(dt / dt0), so that its time constant stays in seconds what it was. */
#include "shared.h"
#include <string.h>

typedef struct
{
  RvPort model;
  RvPorts data;
  gboolean rescale_leak;
  char **leaks;
} Resolution;

typedef struct
{
  double width, power; /* milliseconds, NaN if unknown; of the leak */
  uint32_t steps;
  RvScore score;
} Test;

static gboolean
check (void *self, RvNode *node, GError **error)
{
  const Resolution *resolution = self;
  const RvDatasetSpec *model = rv_port_spec (&resolution->model);
  for (uint32_t k = 0; k < resolution->data.n; k++)
    {
      const RvPort *port = &resolution->data.items[k];
      const double width = rv_port_spec (port)->step_width;
      if (!analysis_fits (&resolution->model, port, TRUE, error))
        return FALSE;
      if (!resolution->rescale_leak || (width > 0.0 && model->step_width > 0.0))
        continue;
      g_set_error (error, RV_ERROR, RV_ERROR_SHAPE,
                   "rescale-leak needs to know how long a step is, but '%s' does not say",
                   width > 0.0 ? rv_port_name (&resolution->model) : rv_port_name (port));
      return FALSE;
    }
  return TRUE;
}

/* k^power */
static double
to_power (double value, void *power)
{
  return pow (value, *(const double *)power);
}

static gboolean
rescale (const Resolution *resolution, RvModel *model, double power, GError **error)
{
  for (char **name = resolution->leaks; name && *name; name++)
    if (rv_model_map_neurons (model, *name, to_power, &power) == 0)
      {
        g_set_error (error, RV_ERROR, RV_ERROR_PIPELINE, "'leaks' names '%s', which no neuron of '%s' has",
                     *name, rv_port_name (&resolution->model));
        return FALSE;
      }
  return TRUE;
}

static gboolean
run_test (const Resolution *resolution, RvNode *node, uint32_t k, Test *test, GError **error)
{
  RvDataset *data = rv_port_dataset (&resolution->data.items[k]);
  const RvDatasetSpec *spec = rv_dataset_spec (data);
  const double trained = rv_port_spec (&resolution->model)->step_width;
  *test = (Test){ .width = spec->step_width > 0.0 ? 1e3 * spec->step_width : NAN,
                  .power = 1.0,
                  .steps = spec->steps };
  g_autoptr (RvModel) model = rv_model_at_steps (rv_port_model (&resolution->model), spec->steps, error);
  if (!model)
    {
      g_prefix_error (error, "data '%s', %u steps: ", rv_port_name (&resolution->data.items[k]), spec->steps);
      return FALSE;
    }
  if (resolution->rescale_leak)
    test->power = spec->step_width / trained;
  return (!resolution->rescale_leak || rescale (resolution, model, test->power, error))
         && analysis_evaluate (node, model, data, NULL, &test->score, error);
}

/* ---- results */

static double
accuracy_of (const Test *test)
{
  return test->score.decisions ? 100.0 * (double)test->score.correct / (double)test->score.decisions : NAN;
}

/* "3 ms"; the port's name where the width is not known. Caller owns. */
static char *
name_of (const Resolution *resolution, const Test *tests, uint32_t k)
{
  return isnan (tests[k].width) ? g_strdup (rv_port_name (&resolution->data.items[k]))
                                : g_strdup_printf ("%.9g ms", tests[k].width);
}

static RvTable *
test_table (const Resolution *resolution, const Test *tests)
{
  RvTable *table = rv_table_new ("Accuracy at other step widths (%), without training again");
  rv_table_add_column (table, "data", RV_COLUMN_TEXT, 0);
  rv_table_add_column (table, "step (ms)", RV_COLUMN_REAL, -1);
  rv_table_add_column (table, "steps", RV_COLUMN_INT, 0);
  rv_table_add_column (table, "accuracy", RV_COLUMN_REAL, 2);
  rv_table_add_column (table, "loss", RV_COLUMN_REAL, 4);
  if (resolution->rescale_leak)
    rv_table_add_column (table, "power of the leak", RV_COLUMN_REAL, 4);
  for (uint32_t k = 0; k < resolution->data.n; k++)
    {
      const uint32_t row = rv_table_add_row (table);
      rv_table_set_text (table, row, 0, rv_port_name (&resolution->data.items[k]));
      rv_table_set_real (table, row, 1, tests[k].width);
      rv_table_set_int (table, row, 2, tests[k].steps);
      rv_table_set_real (table, row, 3, accuracy_of (&tests[k]));
      rv_table_set_real (table, row, 4, tests[k].score.loss);
      if (resolution->rescale_leak)
        rv_table_set_real (table, row, 5, tests[k].power);
    }
  const double trained = 1e3 * rv_port_spec (&resolution->model)->step_width;
  g_autofree char *note
      = g_strdup_printf ("Trained with steps of %.9g ms; the leak is %s.", trained,
                         resolution->rescale_leak ? "fitted to each step" : "left as it was");
  if (trained > 0.0)
    rv_table_add_note (table, note);
  return table;
}

/* One row, a column for each dataset: what report/table makes statistics of. */
static RvTable *
wide_table (const Resolution *resolution, const Test *tests)
{
  RvTable *table = rv_table_new ("Accuracy at other step widths (%), without training again");
  const uint32_t row = rv_table_add_row (table);
  for (uint32_t k = 0; k < resolution->data.n; k++)
    {
      g_autofree char *name = name_of (resolution, tests, k);
      if (rv_table_find_column (table, name) >= 0) /* two of one width: by the ports' names */
        {
          g_free (name);
          name = g_strdup (rv_port_name (&resolution->data.items[k]));
        }
      rv_table_set_real (table, row, rv_table_add_column (table, name, RV_COLUMN_REAL, 2),
                         accuracy_of (&tests[k]));
    }
  return table;
}

static RvFigure *
line (const Resolution *resolution, const Test *tests)
{
  RvFigure *figure = rv_figure_new (RV_FIGURE_LINE, "Other step widths", "Step (ms)", "Accuracy (%)");
  RvSeries *series = rv_figure_add_series (figure, "accuracy");
  for (uint32_t k = 0; k < resolution->data.n; k++)
    if (!isnan (tests[k].width))
      rv_series_add (series, NULL, tests[k].width, accuracy_of (&tests[k]), NAN, NAN);
  return figure;
}

static gboolean
run (void *self, RvNode *node, GError **error)
{
  const Resolution *resolution = self;
  g_autofree Test *tests = g_new0 (Test, resolution->data.n + 1);
  for (uint32_t k = 0; k < resolution->data.n; k++)
    if (!run_test (resolution, node, k, &tests[k], error))
      return FALSE;
  RvTable *table = test_table (resolution, tests);
  rv_node_set_output (node, "table", rv_table_ref (table));
  rv_node_set_output (node, "", table);
  rv_node_set_output (node, "row", wide_table (resolution, tests));
  rv_node_set_output (node, "figure", line (resolution, tests));
  return TRUE;
}

static const RvParam params[] = {
  RV_PORT (Resolution, model, RV_ARTEFACT_MODEL, RV_PARAM_REQUIRED, "The model"),
  RV_PORTS (Resolution, data, RV_ARTEFACT_DATASET, RV_PARAM_REQUIRED,
            "The same recordings at one or more step widths: transform/bins makes them"),
  RV_BOOL (
      Resolution, rescale_leak, "no",
      "A leak k becomes k^(dt / dt0), dt the step at hand and dt0 that of the training; learned ones too"),
  RV_TEXTS (Resolution, leaks, "[leak]", "Which parameters of the neurons are leaks"), RV_PARAM_END
};

static const RvOutput outputs[]
    = { { "", RV_ARTEFACT_TABLE, "The same as `table`" },
        { "table", RV_ARTEFACT_TABLE, "A row per dataset: step, steps, accuracy in per cent, loss" },
        { "row", RV_ARTEFACT_TABLE, "One row with the accuracy on each dataset, for statistics over seeds" },
        { "figure", RV_ARTEFACT_FIGURE, "Accuracy over the step width" },
        { NULL, RV_ARTEFACT_NONE, NULL } };

static const RvNodeClass class = { outputs, check, run, NULL };

RV_PLUGIN ("analysis", "resolution")
  .version = "1.0",
  .licence = "LGPL-2.1-or-later",
  .doc = "A model tested at other step widths of the same recordings, without training it again",
  .citation = "Yin et al. 2024, generalisation across temporal resolutions",
  .params = params,
  .params_size = sizeof (Resolution),
  RV_FUNCTIONS (class),
};
