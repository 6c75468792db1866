/* analysis/loss-landscape: the loss around a model along filter-normalised random directions (Li et al.
 * 2018): on a line or in a square, as a rise at given radii over many directions, and, for the relaxed
 * network alone, as eigenvalues of its Hessian. Nothing is trained and no data is copied: the model is
 * evaluated with other parameters. */
#include "survey.h"
#include <math.h>

#define LOG_OFFSET 0.1 /* ln (loss + 0.1), as such surfaces are drawn */

static gboolean
init (void *self, GError **error)
{
  const Options *options = self;
  const char *what = NULL;
  if (options->range.n != 2 || !(options->range.items[0] < options->range.items[1]))
    what = "'range' takes two numbers, the lowest and the highest, [-1, 1]";
  else if (options->points == 1 && options->dimensions == 1)
    what = "'points' is 1: a line needs 2 or more";
  else if (options->dimensions == 2 && MIN (options->points, options->points_y ? options->points_y : 2) < 2)
    what = "'points' or 'points-y' is 1: a square needs 2 or more along each side";
  else if (options->eigenvalues && options->iterations <= options->eigenvalues)
    what = "'iterations' must be more than 'eigenvalues', best several times as many";
  if (what)
    g_set_error_literal (error, RV_ERROR, RV_ERROR_PIPELINE, what);
  return what == NULL;
}

static gboolean
check (void *self, RvNode *node, GError **error)
{
  const Options *options = self;
  const RvDatasetSpec *model = rv_port_spec (&options->model), *data = rv_port_spec (&options->data);
  if (model->units == data->units && model->classes == data->classes && model->steps == data->steps)
    return TRUE;
  g_set_error (error, RV_ERROR, RV_ERROR_SHAPE,
               "model '%s' takes %u units, %u steps and %u classes, but data '%s' has %u, %u and %u",
               rv_port_name (&options->model), model->units, model->steps, model->classes,
               rv_port_name (&options->data), data->units, data->steps, data->classes);
  return FALSE;
}

/* ---- statistics */

/* P (|T| < t) for n degrees of freedom: the finite sums of Abramowitz, Stegun, 26.7.3 and 26.7.4 */
static double
student (double t, uint32_t n)
{
  const double theta = atan (t / sqrt (n)), c = cos (theta), s = sin (theta);
  double sum = 0.0, term = n % 2 ? c : 1.0;
  for (uint32_t k = n % 2; k + 2 <= n; k += 2) /* k: the power of the cosine */
    {
      sum += term;
      term *= c * c * (k + 1.0) / (k + 2.0);
    }
  return n % 2 ? 2.0 / G_PI * (theta + s * sum) : s * sum;
}

/* Half of the 95 % interval of a mean of n values with standard deviation sd; NaN below two. */
static double
half_interval (double sd, uint32_t n)
{
  double low = 0.0, high = 1e3; /* t is 12.7 at the most */
  if (n < 2)
    return NAN;
  for (int k = 0; k < 80; k++)
    {
      const double middle = 0.5 * (low + high);
      if (student (middle, n - 1) < 0.95)
        low = middle;
      else
        high = middle;
    }
  return low * sd / sqrt (n);
}

typedef struct
{
  double mean, half;
} Interval;

/* The rise of the loss at a radius over all directions. */
static Interval
rise_at (const Survey *s, uint32_t radius)
{
  double sum = 0.0, squares = 0.0;
  for (uint32_t d = 0; d < s->n_rays; d++)
    sum += s->loss[survey_ray_at (s, d, radius)] - s->loss[0];
  const double mean = sum / s->n_rays;
  for (uint32_t d = 0; d < s->n_rays; d++)
    {
      const double off = s->loss[survey_ray_at (s, d, radius)] - s->loss[0] - mean;
      squares += off * off;
    }
  return (Interval){ mean,
                     half_interval (s->n_rays > 1 ? sqrt (squares / (s->n_rays - 1)) : NAN, s->n_rays) };
}

static double
lowest (const Survey *s)
{
  double low = NAN;
  for (uint32_t k = 0; k < s->n_grid; k++)
    low = fmin (low, s->loss[1 + k]);
  return low;
}

/* Per cent of the grid's points whose loss is at most `rise` above the lowest. */
static double
share_within (const Survey *s, double rise)
{
  const double limit = lowest (s) + rise;
  uint32_t within = 0;
  for (uint32_t k = 0; k < s->n_grid; k++)
    within += s->loss[1 + k] <= limit;
  return 100.0 * within / s->n_grid;
}

/* ---- tables */

static RvTable *
grid_table (const Survey *s)
{
  RvTable *table = rv_table_new ("Loss landscape");
  const uint32_t x = rv_table_add_column (table, "x", RV_COLUMN_REAL, 4),
                 y = s->y ? rv_table_add_column (table, "y", RV_COLUMN_REAL, 4) : 0,
                 loss = rv_table_add_column (table, "loss", RV_COLUMN_REAL, 4),
                 logarithm = rv_table_add_column (table, "log loss", RV_COLUMN_REAL, 4),
                 accuracy = rv_table_add_column (table, "accuracy", RV_COLUMN_REAL, 2);
  for (uint32_t r = 0; r < s->rows; r++)
    for (uint32_t c = 0; c < s->columns; c++)
      {
        const uint32_t row = rv_table_add_row (table), at = survey_grid_at (s, c, r);
        rv_table_set_real (table, row, x, survey_x (s, c));
        if (s->y)
          rv_table_set_real (table, row, y, survey_y (s, r));
        rv_table_set_real (table, row, loss, s->loss[at]);
        rv_table_set_real (table, row, logarithm, log (s->loss[at] + LOG_OFFSET));
        rv_table_set_real (table, row, accuracy, s->accuracy[at]);
      }
  rv_table_add_note (table, "log loss is ln(loss + 0.1)");
  return table;
}

static RvTable *
rise_table (const Survey *s)
{
  RvTable *table = rv_table_new ("Rise of the loss along random directions");
  rv_table_add_column (table, "direction", RV_COLUMN_INT, 0);
  rv_table_add_column (table, "radius", RV_COLUMN_REAL, -1);
  rv_table_add_column (table, "loss", RV_COLUMN_REAL, 4);
  rv_table_add_column (table, "rise", RV_COLUMN_REAL, 4);
  rv_table_add_column (table, "accuracy", RV_COLUMN_REAL, 2);
  for (uint32_t d = 0; d < s->n_rays; d++)
    for (uint32_t r = 0; r < s->options->radii.n; r++)
      {
        const uint32_t row = rv_table_add_row (table), at = survey_ray_at (s, d, r);
        rv_table_set_int (table, row, 0, d + 1);
        rv_table_set_real (table, row, 1, s->options->radii.items[r]);
        rv_table_set_real (table, row, 2, s->loss[at]);
        rv_table_set_real (table, row, 3, s->loss[at] - s->loss[0]);
        rv_table_set_real (table, row, 4, s->accuracy[at]);
      }
  return table;
}

static void
add_number (RvTable *table, const char *format, double number, const char *rest, double value)
{
  char text[G_ASCII_DTOSTR_BUF_SIZE];
  g_ascii_formatd (text, sizeof text, "%.9g", number);
  g_autofree char *name = g_strconcat (format, text, rest, NULL);
  rv_table_set_real (table, 0, rv_table_add_column (table, name, RV_COLUMN_REAL, 4), value);
}

#define RELAXED_NOTE                                                                                         \
  "Eigenvalues are of the relaxed network, in which every spike is replaced by the integral of its "         \
  "surrogate: the "                                                                                          \
  "loss of the spiking network itself is piecewise constant and has no Hessian"

static RvTable *
eigenvalue_table (const Survey *s)
{
  const uint32_t n = (uint32_t)s->options->eigenvalues;
  RvTable *table = rv_table_new ("Hessian eigenvalues of the relaxed network");
  g_autofree double *values = g_new (double, n + 1), *errors = g_new (double, n + 1);
  rv_table_add_column (table, "which", RV_COLUMN_TEXT, 0);
  rv_table_add_column (table, "eigenvalue", RV_COLUMN_REAL, -1);
  rv_table_add_column (table, "error", RV_COLUMN_REAL, -1);
  if (n)
    curvature_eigenvalues (&s->curvature, n, values, errors);
  for (uint32_t k = 0; n && k <= n; k++)
    {
      const uint32_t row = rv_table_add_row (table);
      g_autofree char *name = k < n ? g_strdup_printf ("largest %u", k + 1) : g_strdup ("smallest");
      rv_table_set_text (table, row, 0, name);
      rv_table_set_real (table, row, 1, values[k]);
      rv_table_set_real (table, row, 2, errors[k]);
    }
  rv_table_add_note (table, n ? RELAXED_NOTE : "not asked for: see the parameter 'eigenvalues'");
  if (n)
    rv_table_add_note (
        table, "error: what the iteration leaves open, and the noise of finite differences of gradients "
               "that are floats");
  return table;
}

static RvTable *
summary_table (const Survey *s)
{
  static const char *const names[] = { "loss", "log loss", "accuracy", "lowest loss" };
  const double values[] = { s->loss[0], log (s->loss[0] + LOG_OFFSET), s->accuracy[0], lowest (s) };
  RvTable *table = rv_table_new ("Loss landscape: summary");
  rv_table_add_row (table);
  for (uint32_t k = 0; k < G_N_ELEMENTS (names); k++)
    rv_table_set_real (table, 0, rv_table_add_column (table, names[k], RV_COLUMN_REAL, k == 2 ? 2 : 4),
                       values[k]);
  for (uint32_t r = 0; s->n_rays && r < s->options->radii.n; r++)
    {
      const double radius = s->options->radii.items[r];
      const Interval rise = rise_at (s, r);
      add_number (table, "rise at ", radius, "", rise.mean);
      add_number (table, "rise at ", radius, " low", rise.mean - rise.half);
      add_number (table, "rise at ", radius, " high", rise.mean + rise.half);
    }
  for (uint32_t k = 0; k < s->options->rises.n; k++)
    add_number (table, "share within ", s->options->rises.items[k], "",
                share_within (s, s->options->rises.items[k]));
  if (s->options->eigenvalues)
    {
      double value[2], bound[2];
      curvature_eigenvalues (&s->curvature, 1, value, bound);
      rv_table_set_real (table, 0, rv_table_add_column (table, "relaxed eigenvalue", RV_COLUMN_REAL, 4),
                         value[0]);
      rv_table_add_note (table, RELAXED_NOTE);
    }
  if (s->n_rays)
    {
      g_autofree char *note
          = g_strdup_printf ("rise: mean over %u random directions, with its 95 %% interval (of "
                             "the directions; not of the samples)",
                             s->n_rays);
      rv_table_add_note (table, note);
    }
  if (s->options->rises.n)
    rv_table_add_note (table, "share: per cent of the grid's points at most so much above its lowest loss");
  return table;
}

/* ---- figures */

static RvFigure *
curve_figure (const Survey *s)
{
  RvFigure *figure = rv_figure_new (RV_FIGURE_LINE, "Loss along random directions",
                                    "Position along the direction", "ln(loss + 0.1)");
  RvSeries *series = rv_figure_add_series (figure, "direction x");
  for (uint32_t c = 0; c < s->columns; c++)
    rv_series_add (series, NULL, survey_x (s, c),
                   log (s->loss[survey_grid_at (s, c, s->rows / 2)] + LOG_OFFSET), NAN, NAN);
  series = s->y ? rv_figure_add_series (figure, "direction y") : NULL;
  for (uint32_t r = 0; s->y && r < s->rows; r++)
    rv_series_add (series, NULL, survey_y (s, r),
                   log (s->loss[survey_grid_at (s, s->columns / 2, r)] + LOG_OFFSET), NAN, NAN);
  return figure;
}

/* A picture of the whole grid; in one dimension the curve. */
static RvFigure *
grid_figure (const Survey *s, RvFigureType type)
{
  if (!s->y)
    return curve_figure (s);
  RvFigure *figure = rv_figure_new (type, "Loss landscape", "Direction x", "Direction y");
  g_autofree double *x = g_new (double, s->columns), *y = g_new (double, s->rows),
                    *z = g_new (double, s->n_grid);
  for (uint32_t c = 0; c < s->columns; c++)
    x[c] = survey_x (s, c);
  for (uint32_t r = 0; r < s->rows; r++)
    y[r] = survey_y (s, r);
  for (uint32_t k = 0; k < s->n_grid; k++)
    z[k] = isfinite (s->loss[1 + k]) ? log (s->loss[1 + k] + LOG_OFFSET) : NAN;
  rv_figure_set_grid (figure, s->columns, s->rows, x, y, z, "ln(loss + 0.1)");
  return figure;
}

/* ---- the node */

static gboolean
run (void *self, RvNode *node, GError **error)
{
  Survey s;
  survey_begin (&s, self, node);
  const gboolean ok = survey_run (&s, error);
  if (ok)
    {
      RvTable *grid = grid_table (&s);
      rv_node_set_output (node, "", grid);
      rv_node_set_output (node, "table", rv_table_ref (grid));
      rv_node_set_output (node, "summary", summary_table (&s));
      rv_node_set_output (node, "rises", rise_table (&s));
      rv_node_set_output (node, "directions", direction_table (s.model, s.x, s.y));
      rv_node_set_output (node, "eigenvalues", eigenvalue_table (&s));
      rv_node_set_output (node, "contour", grid_figure (&s, RV_FIGURE_CONTOUR));
      rv_node_set_output (node, "heatmap", grid_figure (&s, RV_FIGURE_HEATMAP));
      rv_node_set_output (node, "surface", grid_figure (&s, RV_FIGURE_SURFACE));
      rv_node_set_output (node, "curve", curve_figure (&s));
    }
  survey_clear (&s);
  return ok;
}

static const char *const normalise[] = { "filter", "layer", "none", NULL };

static const RvParam params[] = {
  RV_PORT (Options, model, RV_ARTEFACT_MODEL, RV_PARAM_REQUIRED, "The model at the centre"),
  RV_PORT (Options, data, RV_ARTEFACT_DATASET, RV_PARAM_REQUIRED,
          "What the loss is of: best what it was trained on"),
  RV_INT (Options, dimensions, "2", 1, 2, "", "1: a line; 2: a square"),
  RV_INT (Options, points, "21", 1, 1001, "",
          "Points along x, and along y unless `points-y` says otherwise; odd: the model itself is among "
          "them"),
  RV_INT (Options, points_y, "0", 0, 1001, "", "Points along y; 0: as many as along x"),
  RV_REALS (Options, range, "[-1, 1]", -1e6, 1e6, "",
          "From where to where x and y go; 1 is as far as a filter is long"),
  RV_INT (Options, samples, "2000", 1, 4e9, "",
          "Samples that the loss is a mean of: a random choice, the same for every model; all if there "
          "are no more"),
  RV_INT (Options, sample_seed, "1", 0, 9e15, "", "Key of that choice"),
  RV_INT (Options, seed, "1", 0, 9e15, "",
          "Key of the directions: with one seed, models that have a tensor of the same name and shape "
          "move along the same draws"),
  RV_CHOICE (Options, normalise, "filter", normalise,
          "What becomes as long as it is in the model: each filter, each tensor, or nothing"),
  RV_BOOL (Options, biases, "no",
          "Directions move biases and gains of normalisations too, each layer's as a whole scaled to its own length"),
  RV_BOOL (Options, neuron_parameters, "no",
          "Directions move what neurons learned (leaks, thresholds) too, as biases"),
  RV_REALS (Options, radii, "[0.5, 1]", 1e-9, 1e6, "",
          "At which distances from the model the rise of the loss is measured"),
  RV_INT (Options, directions, "20", 0, 1e6, "",
          "Over how many further directions, for the interval; 0: none"),
  RV_REALS (Options, rises, "[0.1, 0.5]", 0, 1e9, "",
          "For which rises above the lowest loss the share of the grid is told"),
  RV_INT (Options, eigenvalues, "0", 0, 1000, "",
          "How many of the largest Hessian eigenvalues of the relaxed network to find; 0: none. Each "
          "iteration costs two gradients"),
  RV_INT (Options, iterations, "30", 2, 10000, "",
          "Lanczos iterations for them, each of which keeps a vector as long as the parameters"),
  RV_PARAM_END
};

static const RvOutput outputs[] = {
  { "", RV_ARTEFACT_TABLE, "The same as `table`" },
  { "table", RV_ARTEFACT_TABLE, "A row per point of the grid: x, y, loss, ln(loss + 0.1), accuracy" },
  { "summary", RV_ARTEFACT_TABLE,
          "One row: loss at the centre, rise at each radius with its 95 % interval, shares" },
  { "rises", RV_ARTEFACT_TABLE, "A row per direction and radius" },
  { "directions", RV_ARTEFACT_TABLE,
          "A row per tensor: its length, those of the directions, the cosine between them" },
  { "eigenvalues", RV_ARTEFACT_TABLE, "Of the relaxed network's Hessian, where they are asked for" },
  { "contour", RV_ARTEFACT_FIGURE, "Filled contours of ln(loss + 0.1); in one dimension the curve" },
  { "heatmap", RV_ARTEFACT_FIGURE, "The same as a heat map" },
  { "surface", RV_ARTEFACT_FIGURE, "The same in three dimensions" },
  { "curve", RV_ARTEFACT_FIGURE, "Along x, and along y, through the middle of the grid" },
  { NULL, RV_ARTEFACT_NONE, NULL }
};

static const RvNodeClass class = { outputs, check, run, NULL };

RV_PLUGIN ("analysis", "loss-landscape")
  .version = "1.0",
  .licence = "LGPL-2.1-or-later",
  .doc = "Loss along filter-normalised random directions: line, square, flatness with an interval",
  .citation = "Li, Xu, Taylor, Studer, Goldstein 2018, Visualizing the loss landscape of neural nets",
  .params = params,
  .params_size = sizeof (Options),
  .init = init,
  RV_FUNCTIONS (class),
};
