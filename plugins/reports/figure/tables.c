/* report/figure: tables of many cells as series, points and maps. */
#include "report.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

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

/* What a series is called: its choice, or else what `otherwise` says. Caller owns. */
static char *
series_name (const Report *report, const char *group, const char *otherwise)
{
  g_autofree char *name = report->series ? choice_name (report->series, group) : g_strdup (otherwise);
  return honest_name (report, report->series, group, name);
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
  double mean, squares, low, high;
  uint32_t n;
} Summary;

/* Welford: the mean m and the sum of squares around it, m' = m + (v - m) / n, S' = S + (v - m) (v - m') */
static void
summary_add (Summary *summary, double value)
{
  const double before = summary->n ? summary->mean : 0.0;
  summary->low = summary->n ? MIN (summary->low, value) : value;
  summary->high = summary->n ? MAX (summary->high, value) : value;
  summary->n++;
  summary->mean = before + (value - before) / summary->n;
  summary->squares += (value - before) * (value - summary->mean);
}

/* A point at the mean, with what lies around it where there are several. */
static void
summary_draw (const Report *report, const Summary *summary, const char *label, double x, RvSeries *series)
{
  const double mean = summary->n ? summary->mean : NAN;
  double low = NAN, high = NAN;
  if (summary->n > 1 && report->spread == SPREAD_RANGE)
    {
      low = summary->low;
      high = summary->high;
    }
  else if (summary->n > 1 && report->spread == SPREAD_SD)
    {
      const double sd = sqrt (summary->squares / (summary->n - 1));
      low = mean - sd;
      high = mean + sd;
    }
  rv_series_add (series, label, x, mean, low, high);
}

/* ---- tables as series */

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
      g_autofree char *name = report->series ? choice_name (report->series, group) : g_strdup ("this run");
      RvSeries *series = rv_figure_add_series (figure, name);
      for (guint r = 0; r < rows->len; r++)
        {
          Summary bar = { 0 };
          g_autofree char *label = honest_name (report, report->rows, rows->pdata[r], rows->pdata[r]);
          if (!add_bar (report, group, rows->pdata[r], &bar, error))
            return FALSE;
          summary_draw (report, &bar, label, r, series);
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
      g_autofree char *name = series_name (report, group, report->y);
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
          summary_draw (report, &mean, NULL, x, series);
        }
    }
  return TRUE;
}

/* A line over the choices of an axis, which are numbers. */
static gboolean
draw_across (const Report *report, const GPtrArray *groups, RvFigure *figure, GError **error)
{
  g_autoptr (GPtrArray) rows = choices_of (report, report->rows, error);
  if (!rows)
    return FALSE;
  for (guint g = 0; g <= groups->len; g++)
    {
      const gboolean reference = g == groups->len;
      if (reference && !report->reference.n)
        break;
      g_autofree char *name = reference ? g_strdup (report->reference_title)
                                        : series_name (report, groups->pdata[g],
                                                       report->reference.n ? "this run" : report->column);
      RvSeries *series = rv_figure_add_series (figure, name);
      for (guint r = 0; r < rows->len; r++)
        {
          Summary mean = { 0 };
          char *end;
          const double x = g_ascii_strtod (rows->pdata[r], &end);
          if (end == rows->pdata[r])
            {
              g_set_error (error, RV_ERROR, RV_ERROR_PIPELINE,
                           "a line over '%s' needs choices that are numbers, not '%s'; take 'type: bars'",
                           report->rows, (char *)rows->pdata[r]);
              return FALSE;
            }
          for (uint32_t k = 0; reference && k < report->reference.n; k++)
            if (strcmp (report->reference.names[k], rows->pdata[r]) == 0)
              summary_add (&mean, report->reference.values[k]);
          if (!reference && !add_bar (report, groups->pdata[g], rows->pdata[r], &mean, error))
            return FALSE;
          summary_draw (report, &mean, NULL, x, series);
        }
    }
  return TRUE;
}

static RvSeries *
series_of (RvFigure *figure, const char *name)
{
  for (uint32_t k = 0; k < rv_figure_series (figure); k++)
    if (strcmp (rv_figure_get_series (figure, k)->name, name) == 0)
      return (RvSeries *)rv_figure_get_series (figure, k);
  return rv_figure_add_series (figure, name);
}

/* Classes that are whole numbers come in their order, whichever a table names first. */
static void
add_classes (const Report *report, RvFigure *figure)
{
  int64_t least = G_MAXINT64, most = G_MININT64;
  for (uint32_t k = 0; report->by && !report->series && k < report->from.n; k++)
    {
      const RvTable *table = rv_port_table (&report->from.items[k]);
      const int by = table ? rv_table_find_column (table, report->by) : -1;
      for (uint32_t r = 0; by >= 0 && r < rv_table_rows (table); r++)
        {
          const double value = rv_table_get_real (table, r, (uint32_t)by);
          if (rv_table_column_type (table, (uint32_t)by) != RV_COLUMN_INT || isnan (value))
            return;
          least = MIN (least, (int64_t)value);
          most = MAX (most, (int64_t)value);
        }
    }
  for (int64_t c = least; c <= most && most - least < 1000; c++)
    {
      g_autofree char *name = g_strdup_printf ("%" G_GINT64_FORMAT, c);
      rv_figure_add_series (figure, name);
    }
}

/* All rows of the tables as points; a series for each text of the column `by`. */
static gboolean
draw_points (const Report *report, const GPtrArray *groups, RvFigure *figure, GError **error)
{
  add_classes (report, figure);
  for (uint32_t k = 0; k < report->from.n; k++)
    {
      const RvPort *port = &report->from.items[k];
      const RvTable *table = rv_port_table (port);
      uint32_t x, y;
      if (!table)
        continue;
      if (!numeric_column (port, report->x, &x, error) || !numeric_column (port, report->y, &y, error))
        return FALSE;
      const int by = report->by ? rv_table_find_column (table, report->by) : -1;
      if (report->by && by < 0)
        {
          g_set_error (error, RV_ERROR, RV_ERROR_PIPELINE, "'by' is '%s', but '%s' has no such column",
                       report->by, rv_port_name (port));
          return FALSE;
        }
      for (uint32_t r = 0; r < rv_table_rows (table); r++)
        {
          g_autofree char *name = by >= 0 ? rv_table_get_text (table, r, (uint32_t)by)
                                  : report->series
                                      ? choice_name (report->series, rv_port_choice (port, report->series))
                                      : g_strdup (report->y);
          rv_series_add (series_of (figure, name), NULL, rv_table_get_real (table, r, x),
                         rv_table_get_real (table, r, y), NAN, NAN);
        }
    }
  return TRUE;
}

static int
compare_numbers (gconstpointer a, gconstpointer b)
{
  const double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

/* The different numbers of a column in all tables, ascending; NULL with an error. */
static GArray *
numbers_of (const Report *report, const char *name, GError **error)
{
  g_autoptr (GArray) points = points_of (report, NULL, NULL, name, error);
  g_autoptr (GArray) numbers = g_array_new (FALSE, FALSE, sizeof (double));
  if (!points)
    return NULL;
  g_autofree double *all = g_new (double, points->len + 1);
  for (guint k = 0; k < points->len; k++)
    all[k] = g_array_index (points, Point, k).y;
  qsort (all, points->len, sizeof (double), compare_numbers);
  for (guint k = 0; k < points->len; k++)
    if (!k || all[k] != all[k - 1])
      g_array_append_val (numbers, all[k]);
  if (numbers->len <= MOST_GRID)
    return g_steal_pointer (&numbers);
  g_set_error (error, RV_ERROR, RV_ERROR_PIPELINE,
               "'%s' has more than %d different numbers: too many for a map", name, MOST_GRID);
  return NULL;
}

static guint
place_of (const GArray *numbers, double value)
{
  guint low = 0, high = numbers->len;
  while (low + 1 < high)
    {
      const guint middle = (low + high) / 2;
      *(g_array_index (numbers, double, middle) <= value ? &low : &high) = middle;
    }
  return low;
}

/* The mean of a column over all rows with the same x and y. */
static gboolean
draw_map (const Report *report, RvFigure *figure, GError **error)
{
  g_autoptr (GArray) xs = numbers_of (report, report->x, error);
  g_autoptr (GArray) ys = xs ? numbers_of (report, report->y, error) : NULL;
  if (!ys)
    return FALSE;
  const guint n = xs->len * ys->len;
  g_autofree Summary *cells = g_new0 (Summary, n + 1);
  g_autofree double *z = g_new (double, n + 1);
  for (uint32_t k = 0; k < report->from.n; k++)
    {
      const RvPort *port = &report->from.items[k];
      const RvTable *table = rv_port_table (port);
      uint32_t x, y, value;
      if (!table)
        continue;
      if (!numeric_column (port, report->x, &x, error) || !numeric_column (port, report->y, &y, error)
          || !numeric_column (port, report->column, &value, error))
        return FALSE;
      for (uint32_t r = 0; r < rv_table_rows (table); r++)
        {
          const double at_x = rv_table_get_real (table, r, x), at_y = rv_table_get_real (table, r, y),
                       is = rv_table_get_real (table, r, value);
          if (isfinite (at_x) && isfinite (at_y) && isfinite (is))
            summary_add (&cells[place_of (ys, at_y) * xs->len + place_of (xs, at_x)], is);
        }
    }
  for (guint k = 0; k < n; k++)
    z[k] = cells[k].n ? cells[k].mean : NAN;
  rv_figure_set_grid (figure, xs->len, ys->len, (const double *)(const void *)xs->data,
                      (const double *)(const void *)ys->data, z, or_else (report->z_label, report->column));
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
      g_autofree char *name = series_name (report, group, report->column);
      g_autofree uint64_t *counts = g_new0 (uint64_t, n + 1);
      RvSeries *series = rv_figure_add_series (figure, name);
      for (guint k = 0; k < points->len; k++)
        counts[(size_t)(bin_of (report, g_array_index (points, Point, k).y) - first)]++;
      for (size_t b = 0; b < n; b++)
        rv_series_add (series, NULL, (first + (double)b) * report->bin_width, (double)counts[b], NAN, NAN);
    }
  return TRUE;
}

RvFigure *
rv_report_draw_tables (const Report *report, GError **error)
{
  static const RvFigureType types[]
      = { RV_FIGURE_LINE,   RV_FIGURE_BARS,    RV_FIGURE_HISTOGRAM, RV_FIGURE_SCATTER,
          RV_FIGURE_RASTER, RV_FIGURE_HEATMAP, RV_FIGURE_CONTOUR,   RV_FIGURE_SURFACE };
  const gboolean across = report->type == TYPE_LINE && report->rows;
  const char *x_label = report->type == TYPE_BARS        ? ""
                        : report->type == TYPE_HISTOGRAM ? report->column
                        : across                         ? report->rows
                                                         : report->x;
  const char *y_label = report->type == TYPE_BARS || across ? report->column
                        : report->type == TYPE_HISTOGRAM    ? "Count"
                                                            : report->y;
  g_autoptr (GPtrArray) groups = choices_of (report, report->series, error);
  if (!groups)
    return NULL;
  g_autoptr (RvFigure) figure
      = rv_figure_new (types[report->type], or_else (report->title, ""), or_else (report->x_label, x_label),
                       or_else (report->y_label, y_label));
  const gboolean ok = is_map (report)                  ? draw_map (report, figure, error)
                      : across                         ? draw_across (report, groups, figure, error)
                      : report->type == TYPE_BARS      ? draw_bars (report, groups, figure, error)
                      : report->type == TYPE_LINE      ? draw_lines (report, groups, figure, error)
                      : report->type == TYPE_HISTOGRAM ? draw_histogram (report, groups, figure, error)
                                                       : draw_points (report, groups, figure, error);
  return ok ? g_steal_pointer (&figure) : NULL;
}
