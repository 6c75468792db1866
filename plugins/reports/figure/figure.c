/* report/figure: one figure of tables from many cells: bars or lines of a column (mean and spread over the
 * cells that are not told apart), histograms, points by class, maps of one column over two; or of figures
 * from many cells, side by side as panels or laid over each other. */
#include "report.h"
#include <math.h>
#include <string.h>

static gboolean
is_gathered (const Report *report, const char *axis, const char *name, GError **error)
{
  if (!axis || (report->over && g_strv_contains ((const char *const *)report->over, axis)))
    return TRUE;
  g_set_error (error, RV_ERROR, RV_ERROR_PIPELINE, "'%s' is '%s', which is not in 'over'", name, axis);
  return FALSE;
}

static const char *
problem_of_range (const RvReals *range)
{
  if (range->n > 2)
    return "has more than two numbers; it is [lowest] or [lowest, highest]";
  return range->n == 2 && !(range->items[0] < range->items[1]) ? "must be [lowest, highest]" : NULL;
}

/* What is wrong with the parameters, or NULL. */
static const char *
problem_of (const Report *report)
{
  const gboolean across = report->type == TYPE_LINE && report->rows;
  if (takes_figures (report) && !report->figures.n)
    return "panels and overlays need 'figures', the figures to show";
  if (!takes_figures (report) && !report->from.n)
    return "needs 'from', the tables to draw";
  if (report->type == TYPE_BARS && !report->rows)
    return "bars need 'rows', the axis with a bar for each choice";
  if (across && !report->column)
    return "a line over the choices of 'rows' needs 'column', the column of the tables to draw";
  if ((report->type == TYPE_LINE && !across) && (!report->x || !report->y))
    return "a line needs 'x' and 'y', two columns of the tables, or 'rows' and 'column', an axis and a "
           "column";
  if ((report->type == TYPE_SCATTER || report->type == TYPE_RASTER) && (!report->x || !report->y))
    return "points need 'x' and 'y', two columns of the tables";
  if (is_map (report) && (!report->x || !report->y || !report->column))
    return "a map needs 'x', 'y' and 'column', three columns of the tables";
  if ((report->type == TYPE_BARS || report->type == TYPE_HISTOGRAM) && !report->column)
    return "bars and histograms need 'column', the column of the tables to draw";
  if (report->type != TYPE_BARS && !across && report->reference.n)
    return "'reference' can only stand beside bars, or a line over the choices of 'rows'";
  return NULL;
}

static gboolean
init (void *self, GError **error)
{
  static const char *const names[] = { "x-range", "y-range", "z-range" };
  const Report *report = self;
  const RvReals *const ranges[] = { &report->x_range, &report->y_range, &report->z_range };
  const char *problem = problem_of (report);
  if (problem)
    g_set_error_literal (error, RV_ERROR, RV_ERROR_PIPELINE, problem);
  for (int k = 0; !problem && k < 3; k++)
    if ((problem = problem_of_range (ranges[k])))
      g_set_error (error, RV_ERROR, RV_ERROR_PIPELINE, "'%s' %s", names[k], problem);
  return !problem && is_gathered (report, report->rows, "rows", error)
         && is_gathered (report, report->series, "series", error);
}

/* Whether the table of a port may have the column: an error if its output says that it has not. */
static gboolean
may_have (const RvPort *port, const char *parameter, const char *column, GError **error)
{
  const char *const *known = rv_port_columns (port);
  if (!known || !column || g_strv_contains (known, column))
    return TRUE;
  g_autofree char *list = g_strjoinv ("', '", (char **)known);
  g_set_error (error, RV_ERROR, RV_ERROR_PIPELINE, "'%s' names '%s', but '%s' has '%s'", parameter, column,
               rv_port_name (port), list);
  return FALSE;
}

static gboolean
check (void *self, RvNode *node, GError **error)
{
  const Report *report = self;
  gboolean good = TRUE;
  for (uint32_t k = 0; good && k < report->from.n; k++)
    {
      const RvPort *port = &report->from.items[k];
      good = may_have (port, "column", report->column, error) && may_have (port, "x", report->x, error)
             && may_have (port, "y", report->y, error) && may_have (port, "by", report->by, error);
    }
  return good;
}

/* ---- figures of many cells */

/* The choices in which the figures differ, "without reset, gap 2"; or the port's name. Caller owns. */
static char *
figure_name (const Report *report, uint32_t index)
{
  const RvPort *port = &report->figures.items[index];
  GString *name = g_string_new (NULL);
  for (char **axis = report->over; axis && *axis; axis++)
    {
      const char *choice = rv_port_choice (port, *axis);
      gboolean differs = FALSE;
      for (uint32_t k = 0; k < report->figures.n; k++)
        differs |= g_strcmp0 (rv_port_choice (&report->figures.items[k], *axis), choice) != 0;
      g_autofree char *shown = differs && choice ? choice_name (*axis, choice) : NULL;
      if (shown)
        g_string_append_printf (name, "%s%s", name->len ? ", " : "", shown);
    }
  gboolean sources = !name->len;
  for (uint32_t k = 0; k < report->figures.n; k++)
    sources |= strcmp (rv_port_name (&report->figures.items[k]), rv_port_name (port)) != 0;
  if (sources && report->figures.n > 1)
    g_string_append_printf (name, "%s%s", name->len ? ", " : "", rv_port_name (port));
  return g_string_free (name, FALSE);
}

static RvFigure *
draw_panels (const Report *report, GError **error)
{
  RvFigure *figure = rv_figure_new (RV_FIGURE_PANELS, report->title, NULL, NULL);
  for (uint32_t k = 0; k < report->figures.n; k++)
    {
      RvFigure *panel = rv_port_figure (&report->figures.items[k]);
      g_autofree char *name = figure_name (report, k), *failed = g_strconcat (name, " (failed)", NULL);
      g_autoptr (RvFigure) nothing = panel ? NULL : rv_figure_new (RV_FIGURE_LINE, NULL, NULL, NULL);
      if (panel && rv_figure_type (panel) == RV_FIGURE_PANELS)
        {
          g_set_error (error, RV_ERROR, RV_ERROR_PIPELINE, "'%s' has panels itself, and a panel can not",
                       rv_port_name (&report->figures.items[k]));
          rv_figure_unref (figure);
          return NULL;
        }
      rv_figure_add_panel (figure, panel ? panel : nothing, panel ? name : failed);
    }
  rv_figure_set_shared (figure, report->shared);
  return figure;
}

static void
copy_series (const RvSeries *from, const char *name, RvFigure *figure)
{
  RvSeries *to = rv_figure_add_series (figure, name);
  for (guint p = 0; p < from->x->len; p++)
    rv_series_add (to, p < from->labels->len ? from->labels->pdata[p] : NULL,
                   g_array_index (from->x, double, p), g_array_index (from->y, double, p),
                   p < from->low->len ? g_array_index (from->low, double, p) : NAN,
                   p < from->high->len ? g_array_index (from->high, double, p) : NAN);
}

/* The series of all figures in one, called by the cell that they are of. */
static RvFigure *
draw_overlay (const Report *report, GError **error)
{
  g_autoptr (RvFigure) figure = NULL;
  for (uint32_t k = 0; k < report->figures.n; k++)
    {
      const RvFigure *one = rv_port_figure (&report->figures.items[k]);
      g_autofree char *name = figure_name (report, k);
      if (!one)
        continue;
      if (!figure)
        {
          figure = rv_figure_new (rv_figure_type (one), or_else (report->title, rv_figure_title (one)),
                                  or_else (report->x_label, rv_figure_x_label (one)),
                                  or_else (report->y_label, rv_figure_y_label (one)));
          if (isfinite (rv_figure_line (one)))
            rv_figure_set_line (figure, rv_figure_line (one), report->line_label);
        }
      if (rv_figure_type (one) != rv_figure_type (figure) || rv_figure_type (one) > RV_FIGURE_RASTER)
        {
          g_set_error (
              error, RV_ERROR, RV_ERROR_PIPELINE,
              "'%s' can not be laid over the others: maps and figures of different types take 'type: panels'",
              rv_port_name (&report->figures.items[k]));
          return NULL;
        }
      for (uint32_t s = 0; s < rv_figure_series (one); s++)
        {
          const RvSeries *series = rv_figure_get_series (one, s);
          if (report->pick && strcmp (series->name, report->pick) != 0)
            continue;
          g_autofree char *both = rv_figure_series (one) > 1 && *name && !report->pick
                                      ? g_strdup_printf ("%s, %s", name, series->name)
                                      : g_strdup (*name ? name : series->name);
          copy_series (series, both, figure);
        }
    }
  if (!figure)
    figure = rv_figure_new (RV_FIGURE_LINE, report->title, report->x_label, report->y_label);
  return g_steal_pointer (&figure);
}

/* ---- the node */

static double
end_of (const RvReals *range, uint32_t k)
{
  return range->n > k ? range->items[k] : NAN;
}

static gboolean
run (void *self, RvNode *node, GError **error)
{
  const Report *report = self;
  g_autoptr (RvFigure) figure = report->type == TYPE_PANELS    ? draw_panels (report, error)
                                : report->type == TYPE_OVERLAY ? draw_overlay (report, error)
                                                               : rv_report_draw_tables (report, error);
  if (!figure)
    return FALSE;
  if (report->x_range.n)
    rv_figure_set_x_range (figure, end_of (&report->x_range, 0), end_of (&report->x_range, 1));
  if (report->y_range.n)
    rv_figure_set_y_range (figure, end_of (&report->y_range, 0), end_of (&report->y_range, 1));
  if (report->z_range.n)
    rv_figure_set_z_range (figure, end_of (&report->z_range, 0), end_of (&report->z_range, 1));
  if (isfinite (report->line))
    rv_figure_set_line (figure, report->line, report->line_label);
  rv_node_set_output (node, "", g_steal_pointer (&figure));
  return TRUE;
}

static const char *const types[] = { "line",    "bars",    "histogram", "scatter", "raster", "heatmap",
                                     "contour", "surface", "panels",    "overlay", NULL };
static const char *const spreads[] = { "sd", "range", "none", NULL };

static const RvParam params[] = {
  RV_PORTS (Report, from, RV_ARTEFACT_TABLE, 0, "The tables, for all types but panels and overlay"),
  RV_PORTS (Report, figures, RV_ARTEFACT_FIGURE, 0, "Panels, overlay: the figures"),
  RV_TEXTS (Report, over, "[]", "The axes over whose cells tables or figures are gathered"),
  RV_CHOICE (Report, type, "bars", types, "What is drawn"),
  RV_CHOICE (Report, spread, "sd", spreads,
             "Bars, line: what is shown around a mean: standard deviation, from least to most, nothing"),
  RV_TEXT (Report, rows, NULL, "Bars: the axis with a bar for each choice; line: the axis of x"),
  RV_TEXT (Report, series, NULL, "The axis with a series for each choice"),
  RV_TEXT (Report, column, NULL,
           "Bars, and a line over `rows`: the column whose last value is drawn; histogram, maps: values"),
  RV_TEXT (Report, x, NULL, "Line, points, maps: the column of x"),
  RV_TEXT (Report, y, NULL, "Line, points, maps: the column of y; a line is the mean over rows of one x"),
  RV_TEXT (Report, by, NULL, "Scatter, raster: the column that tells classes apart, each in a colour"),
  RV_TEXT (Report, pick, NULL, "Overlay: the one series of each figure that is shown; without it all"),
  RV_REAL (Report, bin_width, "1", 1e-12, 1e12, "", "Histogram: width of a bin"),
  RV_REALS (Report, x_range, "[]", -RV_INF, RV_INF, "", "Lowest, or lowest and highest x; inf: as the data"),
  RV_REALS (Report, y_range, "[]", -RV_INF, RV_INF, "", "Lowest, or lowest and highest y; inf: as the data"),
  RV_REALS (Report, z_range, "[]", -RV_INF, RV_INF, "", "Maps: lowest, or lowest and highest value"),
  RV_REAL (Report, line, "inf", -RV_INF, RV_INF, "",
           "Where a dashed line is drawn, say at chance; inf: none"),
  RV_TEXT (Report, line_label, NULL, "What the dashed line is"),
  RV_REAL_MAP (Report, reference, "Bars, line over `rows`: numbers to draw beside, by choice of `rows`"),
  RV_TEXT (Report, reference_title, "paper", "What the reference numbers are called"),
  RV_TEXT (Report, title, NULL, "Title; without it the picture has none, for a caption below it"),
  RV_TEXT (Report, x_label, NULL, "Label of the x axis; without it the column"),
  RV_TEXT (Report, y_label, NULL, "Label of the y axis; without it the column"),
  RV_TEXT (Report, z_label, NULL, "Maps: what the colours are; without it the column"),
  RV_BOOL (Report, shared, "yes", "Panels: all of one type have the same axes and colours"),
  RV_PARAM_END
};

static const RvOutput outputs[]
    = { { "", RV_ARTEFACT_FIGURE, "The figure" }, { NULL, RV_ARTEFACT_NONE, NULL } };

static const RvNodeClass class = { outputs, check, run, NULL };

RV_PLUGIN ("report", "figure")
  .version = "1.0",
  .licence = "LGPL-2.1-or-later",
  .doc = "Draws tables of many cells as bars, lines, points or maps, and figures of many cells side by side",
  .params = params,
  .params_size = sizeof (Report),
  .init = init,
  RV_FUNCTIONS (class),
};
