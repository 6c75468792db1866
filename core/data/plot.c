/* What gnuplot reads of a figure: its data as one CSV file, in blocks that the script calls by number, and the
 * script. A figure is drawn part by part: itself, or its panels. Nothing here runs gnuplot. */
#include "data/plot.h"
#include "data/plot-part.h"
#include <math.h>
#include <string.h>

/* ---- text that gnuplot reads */

void
rv_plot_number (GString *out, double value)
{
  char buffer[G_ASCII_DTOSTR_BUF_SIZE];
  g_string_append (out, isfinite (value) ? g_ascii_formatd (buffer, sizeof buffer, "%.9g", value) : "NaN");
}

/* `format`: the text is a format for a number (labels of tics are), so that a per cent sign is doubled. */
static void
append_quoted (GString *out, const char *text, gboolean format)
{
  g_string_append_c (out, '\'');
  for (const char *c = text; *c; c++)
    if (*c == '\'' || (*c == '%' && format))
      g_string_append_printf (out, "%c%c", *c, *c);
    else
      g_string_append_c (out, g_ascii_iscntrl (*c) ? ' ' : *c);
  g_string_append_c (out, '\'');
}

void
rv_plot_quote (GString *out, const char *text)
{
  append_quoted (out, text, FALSE);
}

void
rv_plot_quote_format (GString *out, const char *text)
{
  append_quoted (out, text, TRUE);
}

/* A field of the CSV, always in quotes, on one line whatever it holds. */
static void
append_field (GString *out, const char *text)
{
  g_string_append (out, ",\"");
  for (const char *c = text; *c; c++)
    if (*c == '"')
      g_string_append (out, "\"\"");
    else
      g_string_append_c (out, g_ascii_iscntrl (*c) ? ' ' : *c);
  g_string_append_c (out, '"');
}

/* ---- data */

/* A series with nothing to draw would shift the numbers of the blocks in the data file: it is left out. */
gboolean
rv_plot_is_drawable (const RvSeries *series)
{
  for (guint k = 0; k < series->x->len; k++)
    if (isfinite (rv_plot_at (series->x, k)) && isfinite (rv_plot_at (series->y, k)))
      return TRUE;
  return FALSE;
}

char *
rv_plot_bar_label (const RvSeries *series, guint k)
{
  const char *label = k < series->labels->len ? series->labels->pdata[k] : NULL;
  char buffer[G_ASCII_DTOSTR_BUF_SIZE];
  return g_strdup (label ? label
                         : g_ascii_formatd (buffer, sizeof buffer, "%.9g", rv_plot_at (series->x, k)));
}

GPtrArray *
rv_plot_labels (const RvFigure *figure)
{
  GPtrArray *labels = g_ptr_array_new_with_free_func (g_free);
  for (guint s = 0; figure->type == RV_FIGURE_BARS && s < figure->series->len; s++)
    {
      const RvSeries *series = figure->series->pdata[s];
      for (guint k = 0; k < series->x->len; k++)
        {
          g_autofree char *label = rv_plot_bar_label (series, k);
          if (!g_ptr_array_find_with_equal_func (labels, label, g_str_equal, NULL))
            g_ptr_array_add (labels, g_steal_pointer (&label));
        }
    }
  return labels;
}

static guint
n_parts (const RvFigure *figure)
{
  return figure->type == RV_FIGURE_PANELS ? figure->panels->len : 1;
}

static const RvFigure *
part_of (const RvFigure *figure, guint k)
{
  return figure->type == RV_FIGURE_PANELS ? figure->panels->pdata[k] : figure;
}

/* Which columns the data have beside x and y, in all parts. */
static void
find_columns (const RvFigure *figure, RvColumns *columns)
{
  gboolean z = FALSE, band = FALSE;
  for (guint k = 0; k < n_parts (figure); k++)
    {
      const RvFigure *part = part_of (figure, k);
      z |= rv_plot_has_grid (part);
      for (guint s = 0; s < part->series->len; s++)
        {
          const RvSeries *series = part->series->pdata[s];
          band |= series->low->len > 0;
          columns->labels |= series->labels->len > 0;
          columns->series = TRUE;
        }
    }
  columns->z = z ? 3 : 0;
  columns->low = band ? (z ? 4 : 3) : 0;
  columns->panel = figure->type == RV_FIGURE_PANELS;
}

/* A row: numbers first, so that gnuplot never has to read the texts. */
static void
append_row (GString *out, const RvColumns *columns, const double values[5], const char *series,
            const char *label, const char *panel)
{
  rv_plot_number (out, values[0]);
  for (int k = 1; k < 5; k++)
    if (k == 1 || (k == 2 && columns->z) || (k > 2 && columns->low))
      {
        g_string_append_c (out, ',');
        rv_plot_number (out, values[k]);
      }
  if (columns->series)
    append_field (out, series);
  if (columns->labels)
    append_field (out, label);
  if (columns->panel)
    append_field (out, panel);
  g_string_append_c (out, '\n');
}

/* Rows of the grid with an empty line between. */
static void
append_grid (GString *out, const RvFigure *part, const RvColumns *columns, const char *panel)
{
  for (guint r = 0; r < part->grid_y->len; r++)
    {
      g_string_append (out, r ? "\n" : "");
      for (guint c = 0; c < part->grid_x->len; c++)
        {
          const double values[] = { rv_plot_at (part->grid_x, c), rv_plot_at (part->grid_y, r),
                                    rv_plot_at (part->grid_z, r * part->grid_x->len + c), NAN, NAN };
          append_row (out, columns, values, "", "", panel);
        }
    }
}

static void
append_points (GString *out, const RvFigure *part, const RvSeries *series, const RvColumns *columns,
               const GPtrArray *labels, const char *panel)
{
  for (guint k = 0; k < series->x->len; k++)
    {
      g_autofree char *label = part->type == RV_FIGURE_BARS ? rv_plot_bar_label (series, k) : NULL;
      const char *shown = label ? label : k < series->labels->len ? series->labels->pdata[k] : NULL;
      guint place = 0;
      const gboolean placed
          = label && g_ptr_array_find_with_equal_func ((GPtrArray *)labels, label, g_str_equal, &place);
      const double values[] = { placed ? (double)place : rv_plot_at (series->x, k), rv_plot_at (series->y, k),
                                NAN, rv_plot_at (series->low, k), rv_plot_at (series->high, k) };
      append_row (out, columns, values, series->name, shown ? shown : "", panel);
    }
}

/* Blocks with two empty lines between: gnuplot's `index`. The first line names the columns. */
char *
rv_plot_data (const RvFigure *figure)
{
  RvColumns columns = { 0 };
  find_columns (figure, &columns);
  GString *out = g_string_new ("x,y");
  g_string_append (out, columns.z ? ",z" : "");
  g_string_append (out, columns.low ? ",low,high" : "");
  g_string_append (out, columns.series ? ",series" : "");
  g_string_append (out, columns.labels ? ",label" : "");
  g_string_append (out, columns.panel ? ",panel\n" : "\n");
  guint blocks = 0;
  for (guint k = 0; k < n_parts (figure); k++)
    {
      const RvFigure *part = part_of (figure, k);
      const char *panel = columns.panel ? figure->panel_titles->pdata[k] : "";
      g_autoptr (GPtrArray) labels = rv_plot_labels (part);
      if (rv_plot_has_grid (part))
        {
          g_string_append (out, blocks++ ? "\n\n" : "");
          append_grid (out, part, &columns, panel);
        }
      for (guint s = 0; s < part->series->len; s++)
        if (rv_plot_is_drawable (part->series->pdata[s]))
          {
            g_string_append (out, blocks++ ? "\n\n" : "");
            append_points (out, part, part->series->pdata[s], &columns, labels, panel);
          }
    }
  return g_string_free (out, FALSE);
}

/* ---- the script */

void
rv_plot_head (GString *out)
{
  g_string_append (out,
                   "# Run `gnuplot` (5.2 or newer) with this file in its folder to draw the figure again.\n"
                   "set encoding utf8\n");
}

/* Canvas in points of the SVG; PNG has twice as many, and the PDF is 16 cm wide where the SVG has 800. */
void
rv_plot_begin (GString *out, const char *base, double width, double height)
{
  static const char *const endings[] = { ".svg", ".png", ".pdf" };
  g_autofree char *terminals[] = {
    g_strdup_printf ("set terminal svg size %.0f,%.0f dynamic font 'Helvetica,16' background rgb 'white'",
                     width, height),
    g_strdup_printf ("if (strstrt (GPVAL_TERMINALS, 'pngcairo')) { set terminal pngcairo size %.0f,%.0f font"
                     " 'Helvetica,16' fontscale 2 linewidth 2 pointscale 2 } else { set terminal png size"
                     " %.0f,%.0f }",
                     2 * width, 2 * height, 2 * width, 2 * height),
    g_strdup_printf ("if (!strstrt (GPVAL_TERMINALS, 'pdfcairo')) { break }; set terminal pdfcairo size"
                     " %.2f cm,%.2f cm font 'Helvetica,16' fontscale 0.57 linewidth 1 pointscale 0.75",
                     width / 50, height / 50),
  };
  g_string_append (out, "do for [drawing = 1:3] {\n");
  for (int k = 0; k < 3; k++)
    {
      g_autofree char *file = g_strconcat ("./", base, endings[k], NULL);
      g_string_append_printf (out, "  if (drawing == %d) { %s; set output ", k + 1, terminals[k]);
      rv_plot_quote (out, file);
      g_string_append (out, " }\n");
      g_free (g_steal_pointer (&terminals[k]));
    }
}

void
rv_plot_end (GString *out)
{
  g_string_append (out, "  set output\n}\n");
}

/* The names of all series that are drawn, in order of first appearance: one name has one colour in all panels. */
static GPtrArray *
all_names (const RvFigure *figure)
{
  GPtrArray *names = g_ptr_array_new ();
  for (guint k = 0; k < n_parts (figure); k++)
    {
      const RvFigure *part = part_of (figure, k);
      for (guint s = 0; s < part->series->len; s++)
        {
          RvSeries *series = part->series->pdata[s];
          if (rv_plot_is_drawable (series)
              && (n_parts (figure) == 1
                  || !g_ptr_array_find_with_equal_func (names, series->name, g_str_equal, NULL)))
            g_ptr_array_add (names, series->name);
        }
    }
  return names;
}

static char *
single_script (const RvFigure *figure, const char *base)
{
  GString *out = g_string_new (NULL);
  g_autoptr (GPtrArray) names = all_names (figure);
  const gboolean grid = rv_plot_is_map (figure);
  const gboolean square = figure->type == RV_FIGURE_SCATTER;
  RvPlot plot = { .out = out,
                  .base = base,
                  .names = names,
                  .title = figure->title,
                  .indent = "",
                  .width = square ? 700
                           : grid ? 660
                                  : 800,
                  .height = square || grid ? 560 : 500,
                  .x_label = TRUE,
                  .y_label = TRUE,
                  .colour_bar = TRUE,
                  .key = TRUE };
  find_columns (figure, &plot.columns);
  rv_plot_ranges (figure, &plot.ranges);
  rv_plot_head (out);
  rv_plot_settings (&plot, figure);
  rv_plot_begin (out, base, plot.width, plot.height);
  plot.indent = "  ";
  rv_plot_draw (&plot, figure);
  rv_plot_end (out);
  return g_string_free (out, FALSE);
}

/* ---- panels */

#define PANEL_WIDE 360
#define PANEL_SQUARE 310 /* as wide is a panel whose plot is square */
#define PANEL_HIGH 310
#define TITLE_HIGH 40
#define BAR_WIDE 100
#define KEY_LINE 24

typedef struct
{
  guint n, columns, rows;
  double panel;                          /* width of one */
  double width, height, top, right, key; /* of the canvas; space above, right and below */
  gboolean bar;                          /* one colour bar for all */
  gboolean slot;                         /* the key is in the place of a panel that is not there */
} Layout;

static Layout
lay_out (const RvFigure *figure, const GPtrArray *names)
{
  static const guint columns[] = { 1, 1, 2, 3, 2, 3, 3, 4, 4, 3 };
  const guint n = MAX (figure->panels->len, 1u);
  Layout layout = { .n = n, .columns = n < G_N_ELEMENTS (columns) ? columns[n] : n < 13 ? 4 : 5 };
  layout.rows = (n + layout.columns - 1) / layout.columns;
  gboolean maps = figure->panels->len > 0, named = names->len > 1;
  for (guint k = 0; k < figure->panels->len; k++)
    {
      const RvFigure *part = figure->panels->pdata[k];
      maps &= part->type == RV_FIGURE_HEATMAP || part->type == RV_FIGURE_CONTOUR;
      maps &= part->type == part_of (figure, 0)->type;
      named |= isfinite (part->line) && part->line_label;
    }
  layout.bar = maps && figure->shared;
  layout.panel = layout.bar ? PANEL_SQUARE : PANEL_WIDE;
  layout.slot = named && layout.rows * layout.columns > n && names->len < 12;
  layout.top = *figure->title ? TITLE_HIGH : 0;
  layout.right = layout.bar ? BAR_WIDE : 0;
  layout.width = layout.columns * layout.panel + layout.right;
  glong letters = 0;
  for (guint k = 0; k < names->len; k++)
    letters += g_utf8_strlen (names->pdata[k], -1) + 7;
  if (named && !layout.slot)
    layout.key = KEY_LINE * ceil (letters * 9.0 / (layout.width - 60) + 0.3);
  layout.height = layout.rows * PANEL_HIGH + layout.top + layout.key;
  return layout;
}

/* The key of all panels, in a plot that shows nothing else. */
static void
append_key (RvPlot *plot, const RvFigure *figure, const Layout *layout)
{
  const double left = layout->slot ? (layout->columns - 1.0) * layout->panel + 40 : 20;
  const double bottom = layout->slot ? layout->key : 0;
  g_string_append_printf (plot->out,
                          "  reset\n  set lmargin at screen %.4f\n  set rmargin at screen %.4f\n"
                          "  set bmargin at screen %.4f\n  set tmargin at screen %.4f\n  unset border\n"
                          "  unset tics\n  set xrange [0:1]\n  set yrange [0:1]\n"
                          "  set key inside %s noenhanced samplen 2 font ',14'\n  plot NaN notitle",
                          left / layout->width, 1 - 20 / layout->width, bottom / layout->height,
                          (layout->slot ? bottom + PANEL_HIGH : layout->key) / layout->height,
                          layout->slot ? "left center vertical Left reverse" : "center center horizontal");
  const RvFigure *lined = NULL;
  for (guint k = 0; k < plot->names->len && plot->names->len > 1; k++)
    rv_plot_key_entry (plot, part_of (figure, 0), plot->names->pdata[k], k);
  for (guint k = 0; k < figure->panels->len; k++)
    if (isfinite (part_of (figure, k)->line) && part_of (figure, k)->line_label)
      lined = part_of (figure, k);
  if (lined)
    rv_plot_key_line (plot, lined->line_label);
  g_string_append_c (plot->out, '\n');
}

/* Where panel k stands: margins in parts of the canvas, or the whole place for a surface, which keeps its own. */
static void
append_place (RvPlot *plot, const RvFigure *part, const Layout *layout, guint k)
{
  const double left = (k % layout->columns) * layout->panel;
  const double bottom = layout->key + (layout->rows - 1 - k / layout->columns) * (double)PANEL_HIGH;
  const double w = layout->width, h = layout->height;
  if (part->type == RV_FIGURE_SURFACE)
    {
      g_string_append_printf (plot->out, "  set origin %.4f,%.4f\n  set size %.4f,%.4f\n",
                              (left + 20) / w, bottom / h, (layout->panel - 36) / w, PANEL_HIGH / h);
      return;
    }
  const double right = plot->colour_bar && rv_plot_is_map (part) && !layout->bar ? 85 : 18;
  g_string_append_printf (plot->out,
                          "  set lmargin at screen %.4f\n  set rmargin at screen %.4f\n"
                          "  set bmargin at screen %.4f\n  set tmargin at screen %.4f\n",
                          (left + 75) / w, (left + layout->panel - right) / w, (bottom + 62) / h,
                          (bottom + PANEL_HIGH - 34) / h);
}

/* The ranges of all panels of the type of `part`, or its own. */
static void
panel_ranges (const RvFigure *figure, const RvFigure *part, RvRanges *ranges)
{
  rv_plot_ranges (part, ranges);
  for (guint k = 0; figure->shared && k < figure->panels->len; k++)
    if (part_of (figure, k)->type == part->type)
      {
        RvRanges other;
        rv_plot_ranges (part_of (figure, k), &other);
        for (int a = 0; a < 3; a++)
          {
            ranges->axis[a].low = fmin (ranges->axis[a].low, other.axis[a].low);
            ranges->axis[a].high = fmax (ranges->axis[a].high, other.axis[a].high);
            ranges->whole[a] &= other.whole[a];
          }
      }
}

static char *
panels_script (const RvFigure *figure, const char *base)
{
  GString *out = g_string_new (NULL);
  g_autoptr (GPtrArray) names = all_names (figure);
  const Layout layout = lay_out (figure, names);
  RvPlot plot = { .out = out,
                  .base = base,
                  .names = names,
                  .indent = "  ",
                  .width = layout.panel,
                  .height = PANEL_HIGH,
                  .panel = TRUE };
  find_columns (figure, &plot.columns);
  rv_plot_head (out);
  rv_plot_begin (out, base, layout.width, layout.height);
  g_string_append (out, "  set multiplot\n");
  for (guint k = 0; k < figure->panels->len; k++)
    {
      const RvFigure *part = part_of (figure, k);
      const RvFigure *below = k + layout.columns < layout.n ? part_of (figure, k + layout.columns) : NULL;
      const RvFigure *before = k % layout.columns ? part_of (figure, k - 1) : NULL;
      g_autofree char *title
          = g_strdup_printf ("(%c) %s", 'a' + (char)(k % 26), (char *)figure->panel_titles->pdata[k]);
      plot.title = title;
      plot.x_label = !below || strcmp (below->x_label, part->x_label) != 0 || part->type == RV_FIGURE_SURFACE;
      plot.y_label
          = !before || strcmp (before->y_label, part->y_label) != 0 || part->type == RV_FIGURE_SURFACE;
      plot.colour_bar = !layout.bar || k == 0;
      panel_ranges (figure, part, &plot.ranges);
      g_string_append (out, "  reset\n");
      if (k == 0 && *figure->title)
        {
          g_string_append (out, "  set label 1 ");
          rv_plot_quote (out, figure->title);
          g_string_append_printf (out, " at screen 0.5,%.4f center noenhanced font ',18'\n",
                                  1 - 22 / layout.height);
        }
      append_place (&plot, part, &layout, k);
      if (layout.bar)
        g_string_append_printf (
            out, "  set colorbox user origin screen %.4f,screen %.4f size screen %.4f,screen %.4f\n",
            1 - (BAR_WIDE - 8) / layout.width, (layout.key + 0.2 * PANEL_HIGH) / layout.height,
            18 / layout.width, 1 - (layout.key + layout.top + 0.4 * PANEL_HIGH) / layout.height);
      rv_plot_settings (&plot, part);
      rv_plot_draw (&plot, part);
    }
  if (layout.slot || layout.key > 0)
    append_key (&plot, figure, &layout);
  if (!figure->panels->len)
    g_string_append (out, "  unset border\n  unset tics\n  plot [0:1] [0:1] NaN notitle\n");
  g_string_append (out, "  unset multiplot\n");
  rv_plot_end (out);
  return g_string_free (out, FALSE);
}

char *
rv_plot_script (const RvFigure *figure, const char *base)
{
  return figure->type == RV_FIGURE_PANELS ? panels_script (figure, base) : single_script (figure, base);
}
