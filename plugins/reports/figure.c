/* report/figure: one figure of tables from many cells: bars of one column (mean, least and greatest over the
 * cells that are not told apart), lines of one column over another, or a histogram of a column. */
#include <ranvier/ranvier.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum
{
  TYPE_LINE,
  TYPE_BARS,
  TYPE_HISTOGRAM
};

#define MOST_BINS 100000

typedef struct
{
  RvPorts from;
  char **over;
  int type;
  char *rows, *series, *column, *x, *y;
  double bin_width;
  RvReals y_range;
  double line;
  char *line_label;
  RvRealMap reference;
  char *reference_title, *title, *x_label, *y_label;
} Report;

static gboolean
is_gathered (const Report *report, const char *axis, const char *name, GError **error)
{
  if (!axis || (report->over && g_strv_contains ((const char *const *)report->over, axis)))
    return TRUE;
  g_set_error (error, RV_ERROR, RV_ERROR_PIPELINE, "'%s' is '%s', which is not in 'over'", name, axis);
  return FALSE;
}

static gboolean
init (void *self, GError **error)
{
  const Report *report = self;
  const char *problem = NULL;
  if (report->type == TYPE_BARS && !report->rows)
    problem = "bars need 'rows', the axis with a bar for each choice";
  else if (report->type == TYPE_LINE && (!report->x || !report->y))
    problem = "a line needs 'x' and 'y', two columns of the tables";
  else if (report->type != TYPE_LINE && !report->column)
    problem = "bars and histograms need 'column', the column of the tables to draw";
  else if (report->type != TYPE_BARS && report->reference.n)
    problem = "'reference' can only stand beside bars";
  else if (report->y_range.n > 2)
    problem = "'y-range' has more than two numbers; it is [lowest] or [lowest, highest]";
  else if (report->y_range.n == 2 && !(report->y_range.items[0] < report->y_range.items[1]))
    problem = "'y-range' must be [lowest, highest]";
  if (problem)
    g_set_error_literal (error, RV_ERROR, RV_ERROR_PIPELINE, problem);
  return !problem && is_gathered (report, report->rows, "rows", error)
         && is_gathered (report, report->series, "series", error);
}

/* ---- what is told apart */

/* The choices of `axis` in order of first appearance; one empty text if `axis` is NULL. */
static GPtrArray *
choices_of (const Report *report, const char *axis, GError **error)
{
  g_autoptr (GPtrArray) choices = g_ptr_array_new ();
  if (!axis)
    g_ptr_array_add (choices, (gpointer) "");
  for (uint32_t k = 0; axis && k < report->from.n; k++)
    {
      const char *choice = rv_port_choice (&report->from.items[k], axis);
      if (!choice)
        {
          g_set_error (error, RV_ERROR, RV_ERROR_PIPELINE, "the cells of '%s' have no axis '%s'",
                       rv_port_name (&report->from.items[k]), axis);
          return NULL;
        }
      if (!g_ptr_array_find_with_equal_func (choices, choice, g_str_equal, NULL))
        g_ptr_array_add (choices, (gpointer)choice);
    }
  return g_steal_pointer (&choices);
}

static gboolean
is_of (const RvPort *port, const char *axis, const char *choice)
{
  return !axis || g_strcmp0 (rv_port_choice (port, axis), choice) == 0;
}

/* A name that does not hide that cells failed; caller owns. */
static char *
honest_name (const Report *report, const char *axis, const char *choice, const char *name)
{
  uint32_t failed = 0;
  for (uint32_t k = 0; k < report->from.n; k++)
    failed += is_of (&report->from.items[k], axis, choice) && !rv_port_table (&report->from.items[k]);
  return failed ? g_strdup_printf ("%s (%u failed)", name, failed) : g_strdup (name);
}

/* ---- reading the tables */

/* The column of a source that is there; an error if it has none of that name that holds numbers. */
static gboolean
numeric_column (const RvPort *port, const char *name, uint32_t *column, GError **error)
{
  const RvTable *table = rv_port_table (port);
  const int found = rv_table_find_column (table, name);
  *column = (uint32_t)found;
  if (found >= 0 && rv_table_column_type (table, *column) != RV_COLUMN_TEXT)
    return TRUE;
  g_autoptr (GPtrArray) names = g_ptr_array_new ();
  for (uint32_t c = 0; c < rv_table_columns (table); c++)
    if (rv_table_column_type (table, c) != RV_COLUMN_TEXT)
      g_ptr_array_add (names, (gpointer)rv_table_column_name (table, c));
  g_ptr_array_add (names, NULL);
  g_autofree char *list = g_strjoinv ("', '", (char **)names->pdata);
  g_set_error (error, RV_ERROR, RV_ERROR_PIPELINE, "'%s' has no column of numbers '%s'; it has '%s'",
               rv_port_name (port), name, list);
  return FALSE;
}

typedef struct
{
  double sum, low, high;
  uint32_t n;
} Summary;

static void
summary_add (Summary *summary, double value)
{
  summary->low = summary->n ? MIN (summary->low, value) : value;
  summary->high = summary->n ? MAX (summary->high, value) : value;
  summary->sum += value;
  summary->n++;
}

/* A point at the mean, with the least and the greatest where there are several. */
static void
summary_draw (const Summary *summary, const char *label, double x, RvSeries *series)
{
  const gboolean several = summary->n > 1;
  rv_series_add (series, label, x, summary->n ? summary->sum / summary->n : NAN, several ? summary->low : NAN,
                 several ? summary->high : NAN);
}

/* ---- the three types */

static gboolean
add_bar (const Report *report, const char *group, const char *row, Summary *bar, GError **error)
{
  for (uint32_t k = 0; k < report->from.n; k++)
    {
      const RvPort *port = &report->from.items[k];
      const RvTable *table = rv_port_table (port);
      uint32_t column;
      if (!table || !rv_table_rows (table) || !is_of (port, report->series, group)
          || !is_of (port, report->rows, row))
        continue;
      if (!numeric_column (port, report->column, &column, error))
        return FALSE;
      const double value = rv_table_get_real (table, rv_table_rows (table) - 1, column);
      if (isfinite (value))
        summary_add (bar, value);
    }
  return TRUE;
}

static gboolean
draw_bars (const Report *report, const GPtrArray *groups, RvFigure *figure, GError **error)
{
  g_autoptr (GPtrArray) rows = choices_of (report, report->rows, error);
  if (!rows)
    return FALSE;
  for (guint g = 0; g < groups->len; g++)
    {
      const char *group = groups->pdata[g];
      RvSeries *series = rv_figure_add_series (figure, report->series ? group : "this run");
      for (guint r = 0; r < rows->len; r++)
        {
          Summary bar = { 0 };
          g_autofree char *label = honest_name (report, report->rows, rows->pdata[r], rows->pdata[r]);
          if (!add_bar (report, group, rows->pdata[r], &bar, error))
            return FALSE;
          summary_draw (&bar, label, r, series);
        }
    }
  RvSeries *series = report->reference.n ? rv_figure_add_series (figure, report->reference_title) : NULL;
  for (guint r = 0; series && r < rows->len; r++)
    for (uint32_t k = 0; k < report->reference.n; k++)
      if (strcmp (report->reference.names[k], rows->pdata[r]) == 0)
        {
          g_autofree char *label = honest_name (report, report->rows, rows->pdata[r], rows->pdata[r]);
          rv_series_add (series, label, r, report->reference.values[k], NAN, NAN);
        }
  return TRUE;
}

typedef struct
{
  double x, y;
} Point;

static int
compare_points (gconstpointer a, gconstpointer b)
{
  const Point *p = a, *q = b;
  return (p->x > q->x) - (p->x < q->x);
}

/* All rows of the tables of a group, by ascending x; NULL with an error. `x` may be NULL. */
static GArray *
points_of (const Report *report, const char *group, const char *x, const char *y, GError **error)
{
  g_autoptr (GArray) points = g_array_new (FALSE, FALSE, sizeof (Point));
  for (uint32_t k = 0; k < report->from.n; k++)
    {
      const RvPort *port = &report->from.items[k];
      const RvTable *table = rv_port_table (port);
      uint32_t from_x = 0, from_y = 0;
      if (!table || !is_of (port, report->series, group))
        continue;
      if (!numeric_column (port, y, &from_y, error) || (x && !numeric_column (port, x, &from_x, error)))
        return NULL;
      for (uint32_t r = 0; r < rv_table_rows (table); r++)
        {
          const Point point
              = { x ? rv_table_get_real (table, r, from_x) : 0.0, rv_table_get_real (table, r, from_y) };
          if (isfinite (point.x) && isfinite (point.y))
            g_array_append_val (points, point);
        }
    }
  if (points->len)
    qsort (points->data, points->len, sizeof (Point), compare_points);
  return g_steal_pointer (&points);
}

static gboolean
draw_lines (const Report *report, const GPtrArray *groups, RvFigure *figure, GError **error)
{
  for (guint g = 0; g < groups->len; g++)
    {
      const char *group = groups->pdata[g];
      g_autofree char *name = honest_name (report, report->series, group, report->series ? group : report->y);
      g_autoptr (GArray) points = points_of (report, group, report->x, report->y, error);
      if (!points)
        return FALSE;
      RvSeries *series = rv_figure_add_series (figure, name);
      for (guint k = 0; k < points->len;)
        {
          const double x = g_array_index (points, Point, k).x;
          Summary mean = { 0 };
          for (; k < points->len && g_array_index (points, Point, k).x == x; k++)
            summary_add (&mean, g_array_index (points, Point, k).y);
          summary_draw (&mean, NULL, x, series);
        }
    }
  return TRUE;
}

/* bin = floor (value / width); a value on an edge that rounding put just below it is of the upper bin */
static double
bin_of (const Report *report, double value)
{
  return floor (value / report->bin_width + 1e-9);
}

static gboolean
draw_histogram (const Report *report, const GPtrArray *groups, RvFigure *figure, GError **error)
{
  g_autoptr (GPtrArray) all = g_ptr_array_new_with_free_func ((GDestroyNotify)g_array_unref);
  double first = INFINITY, last = -INFINITY; /* the same bins for all series */
  for (guint g = 0; g < groups->len; g++)
    {
      GArray *points = points_of (report, groups->pdata[g], NULL, report->column, error);
      if (!points)
        return FALSE;
      g_ptr_array_add (all, points);
      for (guint k = 0; k < points->len; k++)
        {
          first = MIN (first, bin_of (report, g_array_index (points, Point, k).y));
          last = MAX (last, bin_of (report, g_array_index (points, Point, k).y));
        }
    }
  if (last - first >= MOST_BINS)
    {
      g_set_error (error, RV_ERROR, RV_ERROR_PIPELINE, "'bin-width' %g makes more than %d bins",
                   report->bin_width, MOST_BINS);
      return FALSE;
    }
  const size_t n = last >= first ? (size_t)(last - first) + 1 : 0;
  for (guint g = 0; g < groups->len; g++)
    {
      const GArray *points = all->pdata[g];
      const char *group = groups->pdata[g];
      g_autofree char *name
          = honest_name (report, report->series, group, report->series ? group : report->column);
      g_autofree uint64_t *counts = g_new0 (uint64_t, n + 1);
      RvSeries *series = rv_figure_add_series (figure, name);
      for (guint k = 0; k < points->len; k++)
        counts[(size_t)(bin_of (report, g_array_index (points, Point, k).y) - first)]++;
      for (size_t b = 0; b < n; b++)
        rv_series_add (series, NULL, (first + (double)b) * report->bin_width, (double)counts[b], NAN, NAN);
    }
  return TRUE;
}

/* ---- the node */

static const char *
or_else (const char *text, const char *otherwise)
{
  return text ? text : otherwise;
}

static gboolean
run (void *self, RvNode *node, GError **error)
{
  static const RvFigureType types[] = { RV_FIGURE_LINE, RV_FIGURE_BARS, RV_FIGURE_HISTOGRAM };
  const Report *report = self;
  const char *x_label[] = { report->x, "", report->column },
             *y_label[] = { report->y, report->column, "Count" };
  g_autoptr (GPtrArray) groups = choices_of (report, report->series, error);
  if (!groups)
    return FALSE;
  g_autoptr (RvFigure) figure = rv_figure_new (
      types[report->type], or_else (report->title, ""),
      or_else (report->x_label, x_label[report->type]), or_else (report->y_label, y_label[report->type]));
  const gboolean ok = report->type == TYPE_BARS   ? draw_bars (report, groups, figure, error)
                      : report->type == TYPE_LINE ? draw_lines (report, groups, figure, error)
                                                  : draw_histogram (report, groups, figure, error);
  if (!ok)
    return FALSE;
  rv_figure_set_y_range (figure, report->y_range.n > 0 ? report->y_range.items[0] : NAN,
                         report->y_range.n > 1 ? report->y_range.items[1] : NAN);
  if (isfinite (report->line))
    rv_figure_set_line (figure, report->line, report->line_label);
  rv_node_set_output (node, "", g_steal_pointer (&figure));
  return TRUE;
}

static const char *const types[] = { "line", "bars", "histogram", NULL };

static const RvParam params[] = {
  RV_PORTS (Report, from, RV_ARTEFACT_TABLE, RV_PARAM_REQUIRED, "The tables"),
  RV_TEXTS (Report, over, "[]", "The axes over whose cells tables are gathered"),
  RV_CHOICE (Report, type, "bars", types, "What is drawn"),
  RV_TEXT (Report, rows, NULL, "Bars: the axis with a bar for each choice"),
  RV_TEXT (Report, series, NULL, "The axis with a series for each choice"),
  RV_TEXT (Report, column, NULL, "Bars: the column whose last value is drawn; histogram: that of the values"),
  RV_TEXT (Report, x, NULL, "Line: the column of x"),
  RV_TEXT (Report, y, NULL,
           "Line: the column of y; drawn as the mean of a series in a band from least to most"),
  RV_REAL (Report, bin_width, "1", 1e-12, 1e12, "", "Histogram: width of a bin"),
  RV_REALS (Report, y_range, "[]", -RV_INF, RV_INF, "", "Lowest, or lowest and highest y; inf: as the data"),
  RV_REAL (Report, line, "inf", -RV_INF, RV_INF, "",
           "Where a dashed line is drawn, say at chance; inf: none"),
  RV_TEXT (Report, line_label, NULL, "What the dashed line is"),
  RV_REAL_MAP (Report, reference, "Bars: numbers to draw beside, by name of the row"),
  RV_TEXT (Report, reference_title, "paper", "What the reference numbers are called"),
  RV_TEXT (Report, title, NULL, "Title; without it the picture has none, for a caption below it"),
  RV_TEXT (Report, x_label, NULL, "Label of the x axis; without it the column"),
  RV_TEXT (Report, y_label, NULL, "Label of the y axis; without it the column"),
  RV_PARAM_END
};

static const RvOutput outputs[]
    = { { "", RV_ARTEFACT_FIGURE, "The figure" }, { NULL, RV_ARTEFACT_NONE, NULL } };

static const RvNodeClass class = { outputs, NULL, run, NULL };

RV_PLUGIN ("report", "figure")
  .version = "1.0",
  .licence = "LGPL-2.1-or-later",
  .doc = "Draws tables of many cells as bars, lines or a histogram",
  .params = params,
  .params_size = sizeof (Report),
  .init = init,
  RV_FUNCTIONS (class),
};
