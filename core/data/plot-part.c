/* One plot of a gnuplot script: axes, tics, colours and the command that draws. */
#include "data/plot-part.h"
#include <string.h>

/* Okabe and Ito's colours, which the colour-blind tell apart, as far as they go; then muted ones of Paul
 * Tol's.
 * Classes beyond the eighth differ in shape as well. */
static const char *const colours[]
    = { "#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9", "#666666",
        "#000000", "#882255", "#999933", "#332288", "#44AA99", "#AA4499", "#661100",
        "#6699CC", "#117733", "#DDCC77", "#CC6677", "#888888", "#AA4466" };
/* filled circle, square, triangle, diamond, triangle upside down */
static const int shapes[] = { 7, 5, 9, 13, 11 };

#define VIRIDIS                                                                                              \
  "set palette defined (0 '#440154', 1 '#482878', 2 '#3e4989', 3 '#31688e', 4 '#26828e', 5 '#1f9e89', "      \
  "6 '#35b779', 7 '#6ece58', 8 '#b5de2b', 9 '#fde725')"
#define MOST_LEVELS 12
#define SMOOTH 60        /* cells of a contour along an axis, where the grid has fewer */
#define MOST_CELLS 20000 /* of a heat map that are drawn as such, sharp at any size; beyond, an image */

static const char *
colour_of (guint index)
{
  return colours[index % G_N_ELEMENTS (colours)];
}

static int
shape_of (const RvPlot *plot, guint index)
{
  return plot->names->len > 8 ? shapes[index % G_N_ELEMENTS (shapes)] : 7;
}

/* The place of a series among all names; of panels by name, otherwise as they come. */
static guint
place_of (const RvPlot *plot, const RvSeries *series, guint drawn)
{
  guint place;
  return plot->panel
                 && g_ptr_array_find_with_equal_func ((GPtrArray *)plot->names, series->name, g_str_equal,
                                                      &place)
             ? place
             : drawn;
}

/* ---- ranges and tics */

static void
widen (RvRanges *ranges, int axis, double value)
{
  if (!isfinite (value))
    return;
  ranges->axis[axis].low = fmin (ranges->axis[axis].low, value);
  ranges->axis[axis].high = fmax (ranges->axis[axis].high, value);
  ranges->whole[axis] &= value == floor (value) && fabs (value) < 1e9;
}

/* The width of the bins: the smallest distance of two left edges. */
static double
bin_width (const RvFigure *figure)
{
  double width = INFINITY;
  for (guint s = 0; s < figure->series->len; s++)
    {
      const RvSeries *series = figure->series->pdata[s];
      for (guint k = 1; k < series->x->len; k++)
        {
          const double step = rv_plot_at (series->x, k) - rv_plot_at (series->x, k - 1);
          if (step > 0 && step < width)
            width = step;
        }
    }
  return isfinite (width) ? width : 1.0;
}

/* Whether the numbers of a grid's axis are evenly spaced. */
static gboolean
is_even (const GArray *values)
{
  for (guint k = 2; k < values->len; k++)
    {
      const double first = rv_plot_at (values, 1) - rv_plot_at (values, 0),
                   step = rv_plot_at (values, k) - rv_plot_at (values, k - 1);
      if (!(fabs (step - first) <= 1e-6 * fabs (first)))
        return FALSE;
    }
  return TRUE;
}

static double
cell_width (const GArray *values)
{
  return is_even (values) && values->len > 1 ? fabs (rv_plot_at (values, 1) - rv_plot_at (values, 0)) : 1.0;
}

/* What a grid spans; cells of a heat map reach half a step beyond their middle. */
static void
grid_ranges (const RvFigure *figure, RvRanges *ranges)
{
  const GArray *const axes[] = { figure->grid_x, figure->grid_y };
  for (int a = 0; a < 2 && rv_plot_has_grid (figure); a++)
    {
      const double edge = figure->type == RV_FIGURE_HEATMAP ? 0.5 * cell_width (axes[a]) : 0.0;
      if (figure->type == RV_FIGURE_HEATMAP && !is_even (axes[a]))
        {
          ranges->axis[a] = (RvRange){ -0.5, axes[a]->len - 0.5 };
          continue;
        }
      for (guint k = 0; k < axes[a]->len; k++)
        widen (ranges, a, rv_plot_at (axes[a], k));
      ranges->axis[a].low -= edge;
      ranges->axis[a].high += edge;
    }
  for (guint k = 0; rv_plot_has_grid (figure) && k < figure->grid_z->len; k++)
    widen (ranges, 2, rv_plot_at (figure->grid_z, k));
}

/* Areas are compared by eye and begin at zero; points at the rim are not cut. */
static void
round_off (const RvFigure *figure, RvRanges *ranges)
{
  RvRange *x = &ranges->axis[0], *y = &ranges->axis[1];
  if (figure->type == RV_FIGURE_HISTOGRAM)
    x->high += bin_width (figure);
  if (figure->type == RV_FIGURE_BARS || figure->type == RV_FIGURE_HISTOGRAM)
    {
      y->low = fmin (y->low, 0.0);
      y->high = fmax (y->high, 0.0);
    }
  if (figure->type == RV_FIGURE_RASTER)
    {
      y->low -= 0.8;
      y->high += 0.8;
    }
  for (int a = 0; a < 2 && figure->type == RV_FIGURE_SCATTER; a++)
    {
      const double rim = 0.04 * (ranges->axis[a].high - ranges->axis[a].low);
      ranges->axis[a].low -= rim;
      ranges->axis[a].high += rim;
    }
}

void
rv_plot_ranges (const RvFigure *figure, RvRanges *ranges)
{
  for (int a = 0; a < 3; a++)
    {
      ranges->axis[a] = (RvRange){ INFINITY, -INFINITY };
      ranges->whole[a] = TRUE;
    }
  grid_ranges (figure, ranges);
  for (guint s = 0; s < figure->series->len; s++)
    {
      const RvSeries *series = figure->series->pdata[s];
      for (guint k = 0; k < series->x->len; k++)
        {
          if (!isfinite (rv_plot_at (series->y, k)))
            continue;
          widen (ranges, 0, rv_plot_at (series->x, k));
          widen (ranges, 1, rv_plot_at (series->y, k));
          widen (ranges, 1, rv_plot_at (series->low, k));
          widen (ranges, 1, rv_plot_at (series->high, k));
        }
    }
  const gboolean whole = ranges->whole[1];
  widen (ranges, 1, rv_plot_is_map (figure) ? NAN : figure->line);
  ranges->whole[1] = whole; /* the line needs no tic */
  round_off (figure, ranges);
  const RvRange asked[] = { figure->x, figure->y, figure->z };
  for (int a = 0; a < 3; a++)
    {
      RvRange *axis = &ranges->axis[a];
      axis->low = isfinite (asked[a].low) ? asked[a].low : axis->low;
      axis->high = isfinite (asked[a].high) ? asked[a].high : axis->high;
    }
}

/* 1, 2 or 5 times a power of ten, so that there are at most `most` steps; whole numbers have whole steps. */
static double
nice_step (double range, guint most, gboolean whole)
{
  const double least = range / most, power = pow (10, floor (log10 (least)));
  const double part = least / power * (1 - 1e-9);
  const double step = power * (part <= 1 ? 1 : part <= 2 ? 2 : part <= 5 ? 5 : 10);
  return whole ? fmax (step, 1.0) : step;
}

/* The ends of an axis as they are drawn, and the step of its tics. */
static RvRange
drawn_range (const RvPlot *plot, const RvFigure *figure, int a, double *step)
{
  static const guint pixels[] = { 90, 50, 60 }; /* that a tic needs */
  RvRange axis = plot->ranges.axis[a];
  const RvRange asked = a == 0 ? figure->x : a == 1 ? figure->y : figure->z;
  const double room = a == 0 ? plot->width : plot->height;
  if (!isfinite (axis.low) || !isfinite (axis.high))
    {
      axis.low = isfinite (axis.low) ? axis.low : isfinite (axis.high) ? axis.high - 1 : 0;
      axis.high = isfinite (axis.high) ? axis.high : axis.low + 1;
    }
  if (!(axis.low < axis.high))
    {
      const double half = fmax (fabs (axis.low) * 0.1, plot->ranges.whole[a] ? 1.0 : 1e-9);
      axis = (RvRange){ axis.low - half, axis.high + half };
    }
  const double most = figure->type == RV_FIGURE_SURFACE ? 5 : 10;
  *step = nice_step (axis.high - axis.low, (guint)fmax (2, fmin (most, room / pixels[a])),
                     plot->ranges.whole[a]);
  /* few cells have a tic each */
  const GArray *cells = a == 0 ? figure->grid_x : figure->grid_y;
  if (a < 2 && figure->type == RV_FIGURE_HEATMAP && cells->len <= 12 && !plot->panel)
    *step = cell_width (cells);
  /* an axis of heights ends at tics, unless somebody said where */
  if ((a == 1 && figure->type <= RV_FIGURE_HISTOGRAM) || (a == 2 && figure->type >= RV_FIGURE_CONTOUR))
    {
      if (!isfinite (asked.low))
        axis.low = floor (axis.low / *step + 1e-9) * *step;
      if (!isfinite (asked.high))
        axis.high = ceil (axis.high / *step - 1e-9) * *step;
    }
  return axis;
}

static void
append_range (const RvPlot *plot, const char *axis, RvRange range, gboolean reverse)
{
  g_string_append_printf (plot->out, "%sset %srange [", plot->indent, axis);
  rv_plot_number (plot->out, reverse ? range.high : range.low);
  g_string_append_c (plot->out, ':');
  rv_plot_number (plot->out, reverse ? range.low : range.high);
  g_string_append (plot->out, "]\n");
}

static void
append_step (const RvPlot *plot, const char *axis, double step)
{
  g_string_append_printf (plot->out, "%sset %stics ", plot->indent, axis);
  rv_plot_number (plot->out, step);
  g_string_append_c (plot->out, '\n');
}

/* Tics with a text each. */
static void
append_labels (const RvPlot *plot, const GPtrArray *labels, const char *axis)
{
  glong longest = 0;
  g_string_append_printf (plot->out, "%sset %stics (", plot->indent, axis);
  for (guint k = 0; k < labels->len; k++)
    {
      longest = MAX (longest, g_utf8_strlen (labels->pdata[k], -1));
      rv_plot_quote_format (plot->out, labels->pdata[k]);
      g_string_append_printf (plot->out, " %u%s", k, k + 1 < labels->len ? ", " : "");
    }
  /* about 55 characters fit side by side in 800 points */
  const gboolean turned = *axis == 'x' && longest * labels->len > plot->width * 55 / 800;
  g_string_append_printf (plot->out, ") scale 0%s noenhanced\n", turned ? " rotate by 25 right" : "");
}

/* The axis of a heat map whose numbers are not evenly spaced: a label for each. */
static void
append_uneven (const RvPlot *plot, const GArray *values, const char *axis)
{
  g_autoptr (GPtrArray) labels = g_ptr_array_new_with_free_func (g_free);
  for (guint k = 0; k < values->len; k++)
    {
      char buffer[G_ASCII_DTOSTR_BUF_SIZE];
      g_ptr_array_add (labels,
                       g_strdup (g_ascii_formatd (buffer, sizeof buffer, "%.6g", rv_plot_at (values, k))));
    }
  append_labels (plot, labels, axis);
}

static gboolean
descends (const GArray *values)
{
  return values->len > 1 && rv_plot_at (values, 1) < rv_plot_at (values, 0);
}

static void
append_axes (const RvPlot *plot, const RvFigure *figure)
{
  static const char *const names[] = { "x", "y", "z" };
  const GArray *const grid[] = { figure->grid_x, figure->grid_y };
  g_autoptr (GPtrArray) labels = rv_plot_labels (figure);
  for (int a = 0; a < (rv_plot_is_map (figure) ? 3 : 2); a++)
    {
      double step;
      const RvRange range = drawn_range (plot, figure, a, &step);
      const gboolean uneven = a < 2 && figure->type == RV_FIGURE_HEATMAP && !is_even (grid[a]);
      if (a == 0 && labels->len)
        {
          append_labels (plot, labels, "x");
          append_range (plot, "x", (RvRange){ -0.6, labels->len - 0.4 }, FALSE);
          continue;
        }
      /* cells that are not evenly spaced are counted as they come */
      append_range (plot, names[a], range, a < 2 && !uneven && descends (grid[a]));
      if (a == 2)
        append_range (plot, "cb", range, FALSE);
      if (uneven)
        append_uneven (plot, grid[a], names[a]);
      else
        append_step (plot, names[a], step);
      if (a == 2)
        append_step (plot, "cb", step);
    }
}

/* ---- settings */

static void
append_text (const RvPlot *plot, const char *what, const char *text, const char *more)
{
  if (!*text)
    return;
  g_string_append_printf (plot->out, "%sset %s ", plot->indent, what);
  rv_plot_quote (plot->out, text);
  g_string_append_printf (plot->out, " noenhanced%s\n", more);
}

/* Colours under lines at round numbers. */
static void
append_levels (const RvPlot *plot, const RvFigure *figure)
{
  const guint shortest = MAX (MIN (figure->grid_x->len, figure->grid_y->len), 2u);
  const guint between = CLAMP (SMOOTH / (shortest - 1), 1u, 8u);
  double step;
  RvRange z = drawn_range (plot, figure, 2, &step);
  step = nice_step (z.high - z.low, MOST_LEVELS, FALSE);
  const double first = ceil (z.low / step - 1e-9) * step;
  const int n = MAX ((int)floor ((z.high - first) / step + 1e-9), 1);
  g_string_append_printf (plot->out,
                          "%sset view map\n%sset pm3d map interpolate %u,%u\n%sset contour base\n"
                          "%sunset clabel\n%sset cntrparam levels discrete ",
                          plot->indent, plot->indent, between, between, plot->indent, plot->indent,
                          plot->indent);
  for (int k = 0; k <= n; k++)
    {
      g_string_append (plot->out, k ? "," : "");
      rv_plot_number (plot->out, first + k * step);
    }
  g_string_append_c (plot->out, '\n');
}

static void
append_map (const RvPlot *plot, const RvFigure *figure)
{
  g_string_append_printf (plot->out, "%s" VIRIDIS "\n%sset border 15\n", plot->indent, plot->indent);
  if (figure->type == RV_FIGURE_CONTOUR)
    append_levels (plot, figure);
  if (figure->type == RV_FIGURE_SURFACE)
    {
      const guint most = MAX (figure->grid_x->len, figure->grid_y->len);
      g_string_append_printf (plot->out,
                              "%sset view 58,38,%s\n%sset xyplane relative 0.05\n"
                              "%sset pm3d depthorder border linecolor rgb '#333333' linewidth %s\n",
                              plot->indent, plot->panel ? "1.1,1.2" : "1,1.1", plot->indent, plot->indent,
                              most > 30 ? "0.2" : "0.4");
    }
  else if (figure->grid_x->len == figure->grid_y->len)
    g_string_append_printf (plot->out, "%sset size square\n", plot->indent);
  if (!plot->colour_bar || figure->type == RV_FIGURE_SURFACE) /* whose heights say it already */
    g_string_append_printf (plot->out, "%sunset colorbox\n", plot->indent);
  else
    append_text (plot, "cblabel", figure->z_label, "");
}

static gboolean
has_key (const RvPlot *plot, const RvFigure *figure)
{
  return plot->key && !rv_plot_is_map (figure)
         && (plot->names->len > 1 || (isfinite (figure->line) && figure->line_label));
}

void
rv_plot_settings (const RvPlot *plot, const RvFigure *figure)
{
  GString *out = plot->out;
  const char *in = plot->indent;
  const gboolean surface = figure->type == RV_FIGURE_SURFACE;
  g_string_append_printf (out, "%sset datafile separator comma\n", in);
  append_text (plot, "title", plot->title, plot->panel ? " font ',14' offset 0,-0.4" : "");
  g_autofree char *label
      = g_strconcat (surface ? " rotate parallel" : "", plot->panel ? " font ',14'" : "", NULL),
      *lower = g_strconcat (label, " offset ",
                            surface                             ? plot->panel ? "3,1" : "0,0"
                            : !plot->panel                      ? "0,0.3"
                            : figure->type == RV_FIGURE_CONTOUR ? "0,1"
                                                                : "0,0.9",
                            NULL),
      *left = g_strconcat (label,
                           !plot->panel                        ? ""
                           : surface                           ? " offset -5,1"
                           : figure->type == RV_FIGURE_CONTOUR ? " offset 2,0"
                                                               : " offset 1.5,0",
                           NULL),
      *high = g_strconcat (label, plot->panel ? " offset 2,0" : "", NULL);
  append_text (plot, "xlabel", plot->x_label ? figure->x_label : "", lower);
  append_text (plot, "ylabel", plot->y_label ? figure->y_label : "", left);
  append_text (plot, "zlabel", surface ? figure->z_label : "", high);
  g_string_append_printf (out, "%sset border 3\n%sset tics nomirror out scale 0.5%s\n", in, in,
                          plot->panel ? " font ',13'" : "");
  if (!plot->panel)
    g_string_append (out, "set rmargin 4\n");
  if (!rv_plot_is_map (figure) && figure->type != RV_FIGURE_SCATTER && figure->type != RV_FIGURE_RASTER)
    g_string_append_printf (out, "%sset grid ytics back linetype 1 linewidth 0.5 linecolor rgb '#dddddd'\n",
                            in);
  const gboolean classes = figure->type == RV_FIGURE_SCATTER || figure->type == RV_FIGURE_RASTER;
  g_string_append_printf (
      out, "%s%s\n", in,
      !has_key (plot, figure) ? "set key off"
      : classes               ? "set key outside right center vertical Left reverse samplen 1 noenhanced"
      : *plot->title          ? "set key outside bottom center horizontal height 1 samplen 2 noenhanced"
                              : "set key outside top center horizontal samplen 2 noenhanced");
  if (has_key (plot, figure) && classes)
    g_string_append_printf (out, "%sunset rmargin\n", in);
  if (rv_plot_is_map (figure))
    append_map (plot, figure);
  append_axes (plot, figure);
}

/* ---- drawing */

static void
append_from (const RvPlot *plot, guint block)
{
  g_autofree char *data = g_strconcat ("./", plot->base, ".csv", NULL);
  rv_plot_quote (plot->out, data);
  g_string_append_printf (plot->out, " skip 1 index %u using ", block);
}

static void
append_title (const RvPlot *plot, const char *title, gboolean key)
{
  g_string_append (plot->out, key ? " title " : " notitle");
  if (key)
    rv_plot_quote (plot->out, title);
}

static void
next (const RvPlot *plot, guint *drawn)
{
  if ((*drawn)++)
    g_string_append_printf (plot->out, ", \\\n%s     ", plot->indent);
}

/* How the points of a line, scatter or raster look. */
static void
append_style (const RvPlot *plot, const RvFigure *figure, guint points, guint place)
{
  g_autofree char *style = NULL;
  switch (figure->type)
    {
    case RV_FIGURE_LINE:
      style = points > 30
                  ? g_strdup ("lines")
                  : g_strdup_printf ("linespoints pointtype %d pointsize 0.5", shape_of (plot, place));
      g_string_append_printf (plot->out, "%s linewidth 2 dashtype %u", style,
                              1 + place / (guint)G_N_ELEMENTS (colours));
      break;
    case RV_FIGURE_RASTER:
      g_string_append_printf (plot->out, "points pointtype 7 pointsize %s",
                              points > 20000  ? "0.08"
                              : points > 2000 ? "0.15"
                                              : "0.3");
      break;
    default:
      g_string_append_printf (plot->out, "points pointtype %d pointsize %s", shape_of (plot, place),
                              plot->panel || points > 1000 ? "0.3"
                              : points > 200               ? "0.45"
                                                           : "0.7");
    }
  g_string_append_printf (plot->out, " linecolor rgb '%s'", colour_of (place));
}

static void
append_shifted (const RvPlot *plot, double shift)
{
  g_string_append (plot->out, "($1 + ");
  rv_plot_number (plot->out, shift);
  g_string_append (plot->out, "):");
}

/* Bars beside each other, each group centred on its label; or bins, which begin at x. */
static void
append_boxes (const RvPlot *plot, const RvFigure *figure, const RvSeries *series, guint place, guint index,
              guint n, gboolean key)
{
  const gboolean bins = figure->type == RV_FIGURE_HISTOGRAM;
  const double box = bins ? bin_width (figure) : 0.8 / n;
  const double shift = bins ? 0.5 * box : (index - 0.5 * (n - 1)) * box;
  append_shifted (plot, shift);
  g_string_append (plot->out, "2:(");
  rv_plot_number (plot->out, bins ? box : (n == 1 ? 0.7 : 0.94) * box);
  g_string_append_printf (plot->out, ") with boxes linecolor rgb '%s' fillstyle %s", colour_of (place),
                          !bins   ? "solid 0.85 border"
                          : n > 3 ? "empty border"
                          : n > 1 ? "transparent solid 0.35 border"
                                  : "solid 0.7 border rgb 'white'");
  append_title (plot, series->name, key);
  if (!series->low->len || bins)
    return;
  guint drawn = 1;
  next (plot, &drawn);
  append_from (plot, plot->block);
  append_shifted (plot, shift);
  /* vectors with flat heads: gnuplot's own error bars blot out the bar around their point */
  g_string_append_printf (plot->out,
                          "%d:(0):($%d - $%d) with vectors heads size graph 0.008,90 linewidth 1.2 linecolor"
                          " rgb 'black' notitle",
                          plot->columns.low, plot->columns.low + 1, plot->columns.low);
}

/* The bands of all lines, before the first line: none may cover another one's line. */
static void
append_error_bands (const RvPlot *plot, const RvFigure *figure, guint *drawn)
{
  for (guint s = 0, index = 0; figure->type == RV_FIGURE_LINE && s < figure->series->len; s++)
    {
      const RvSeries *series = figure->series->pdata[s];
      if (!rv_plot_is_drawable (series))
        continue;
      if (series->low->len)
        {
          next (plot, drawn);
          append_from (plot, plot->block + index);
          g_string_append_printf (plot->out,
                                  "1:%d:%d with filledcurves fillstyle transparent solid 0.2 noborder"
                                  " linecolor rgb '%s' notitle",
                                  plot->columns.low, plot->columns.low + 1,
                                  colour_of (place_of (plot, series, index)));
        }
      index++;
    }
}

static void
draw_series (RvPlot *plot, const RvFigure *figure, guint *drawn)
{
  guint n = 0;
  const gboolean key = has_key (plot, figure);
  for (guint s = 0; s < figure->series->len; s++)
    n += rv_plot_is_drawable (figure->series->pdata[s]);
  append_error_bands (plot, figure, drawn);
  for (guint s = 0, index = 0; s < figure->series->len; s++)
    {
      const RvSeries *series = figure->series->pdata[s];
      if (!rv_plot_is_drawable (series))
        continue;
      const guint place = place_of (plot, series, index);
      next (plot, drawn);
      append_from (plot, plot->block);
      if (figure->type == RV_FIGURE_BARS || figure->type == RV_FIGURE_HISTOGRAM)
        append_boxes (plot, figure, series, place, index, n, key && n > 1);
      else
        {
          g_string_append (plot->out, rv_plot_is_map (figure) ? "1:2:(0) with " : "1:2 with ");
          append_style (plot, figure, series->x->len, place);
          if (rv_plot_is_map (figure))
            g_string_append (plot->out, " nocontour");
          /* one series needs no name beside that of the line; small points are shown larger by their name */
          const gboolean small = figure->type == RV_FIGURE_SCATTER || figure->type == RV_FIGURE_RASTER;
          append_title (plot, series->name, key && n > 1 && !small);
          if (small && key && n > 1)
            rv_plot_key_entry (plot, figure, series->name, place);
        }
      plot->block++;
      index++;
    }
}

/* The numbers in the cells, dark on light and light on dark. */
static void
append_values (const RvPlot *plot, const RvFigure *figure, const char *x, const char *y)
{
  double step;
  const RvRange z = drawn_range (plot, figure, 2, &step);
  guint drawn = 1;
  next (plot, &drawn);
  append_from (plot, plot->block);
  g_string_append_printf (plot->out, "%s:%s:(sprintf ('%s', $3)):($3 > ", x, y,
                          plot->ranges.whole[2] ? "%.0f" : "%.3g");
  rv_plot_number (plot->out, z.low + 0.62 * (z.high - z.low));
  g_string_append (plot->out,
                   " ? 0x000000 : 0xffffff) with labels textcolor rgb variable font ',12' notitle");
}

static void
draw_heatmap (RvPlot *plot, const RvFigure *figure)
{
  const guint columns = figure->grid_x->len, rows = figure->grid_y->len, most = plot->panel ? 5 : 12;
  g_autofree char *x
      = is_even (figure->grid_x) ? g_strdup ("1") : g_strdup_printf ("(int($0) %% %u)", columns);
  const char *y = is_even (figure->grid_y) ? "2" : "(column(-1))";
  append_from (plot, plot->block);
  if (columns * rows > MOST_CELLS)
    {
      g_string_append_printf (plot->out, "%s:%s:3 with image notitle", x, y);
      return;
    }
  g_string_append_printf (plot->out, "%s:%s:(", x, y);
  rv_plot_number (plot->out, 0.5 * cell_width (figure->grid_x));
  g_string_append (plot->out, "):(");
  rv_plot_number (plot->out, 0.5 * cell_width (figure->grid_y));
  g_string_append (plot->out, "):3 with boxxyerror fillstyle solid 1 noborder linecolor palette notitle");
  if (columns <= most && rows <= most)
    append_values (plot, figure, x, y);
}

static void
draw_grid (RvPlot *plot, const RvFigure *figure, guint *drawn)
{
  next (plot, drawn);
  if (figure->type == RV_FIGURE_HEATMAP)
    draw_heatmap (plot, figure);
  else
    {
      append_from (plot, plot->block);
      g_string_append (plot->out, figure->type == RV_FIGURE_CONTOUR ? "1:2:3 with pm3d nocontour notitle"
                                                                    : "1:2:3 with pm3d notitle");
    }
  if (figure->type == RV_FIGURE_CONTOUR)
    {
      next (plot, drawn);
      append_from (plot, plot->block);
      g_string_append (plot->out, "1:2:3 with lines nosurface linewidth 0.8 linecolor rgb '#222222' notitle");
    }
  plot->block++;
}

/* Nothing that a map could show: gnuplot refuses to draw it. */
static gboolean
is_hollow (const RvFigure *figure)
{
  const gboolean solid = figure->type != RV_FIGURE_HEATMAP;
  if (solid && (figure->grid_x->len < 2 || figure->grid_y->len < 2))
    return TRUE;
  for (guint k = 0; k < figure->grid_z->len; k++)
    if (isfinite (rv_plot_at (figure->grid_z, k)))
      return FALSE;
  return TRUE;
}

void
rv_plot_key_line (RvPlot *plot, const char *name)
{
  g_string_append (plot->out, ", keyentry with lines dashtype 2 linewidth 1.5 linecolor rgb '#333333'");
  append_title (plot, name, TRUE);
}

/* As the series looks, in a size that can be seen. */
void
rv_plot_key_entry (RvPlot *plot, const RvFigure *like, const char *name, guint index)
{
  g_string_append (plot->out, ", keyentry");
  if (like->type == RV_FIGURE_LINE)
    g_string_append_printf (plot->out, " with lines linewidth 2 dashtype %u",
                            1 + index / (guint)G_N_ELEMENTS (colours));
  else if (like->type == RV_FIGURE_BARS || like->type == RV_FIGURE_HISTOGRAM)
    g_string_append (plot->out, " with boxes fillstyle solid 0.7");
  else
    g_string_append_printf (plot->out, " with points pointtype %d pointsize 1", shape_of (plot, index));
  g_string_append_printf (plot->out, " linecolor rgb '%s'", colour_of (index));
  append_title (plot, name, TRUE);
}

void
rv_plot_draw (RvPlot *plot, const RvFigure *figure)
{
  guint drawn = 0;
  const gboolean empty = rv_plot_is_map (figure) && is_hollow (figure);
  const gboolean solid = figure->type == RV_FIGURE_CONTOUR || figure->type == RV_FIGURE_SURFACE;
  g_string_append_printf (plot->out, "%s%s ", plot->indent, solid && !empty ? "splot" : "plot");
  if (empty)
    plot->block += rv_plot_has_grid (figure);
  else if (rv_plot_has_grid (figure))
    draw_grid (plot, figure, &drawn);
  if (!empty && figure->type != RV_FIGURE_SURFACE)
    draw_series (plot, figure, &drawn);
  else
    for (guint s = 0; s < figure->series->len; s++)
      plot->block += rv_plot_is_drawable (figure->series->pdata[s]);
  if (!drawn++)
    g_string_append (plot->out, "NaN notitle");
  if (isfinite (figure->line) && !rv_plot_is_map (figure))
    {
      next (plot, &drawn);
      rv_plot_number (plot->out, figure->line);
      g_string_append (plot->out, " with lines dashtype 2 linewidth 1.5 linecolor rgb '#333333'");
      append_title (plot, figure->line_label, has_key (plot, figure) && figure->line_label);
    }
  g_string_append_c (plot->out, '\n');
}
