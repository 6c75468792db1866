/* Figures: series of points, written as a data file and a gnuplot script that a person can edit and run again
 * in its folder; gnuplot, where it is installed, makes SVG and PNG of them. */
#include "data/keep.h"
#include <gio/gio.h>
#include <math.h>
#include <string.h>

struct RvFigure
{
  gatomicrefcount references;
  RvFigureType type;
  char *title, *x_label, *y_label;
  GPtrArray *series; /* RvSeries * */
  double y_low, y_high;
  double line;
  char *line_label;
};

/* Okabe and Ito's colours, which the colour-blind tell apart. */
static const char *const colours[]
    = { "#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9", "#666666" };

static void
free_series (gpointer data)
{
  RvSeries *series = data;
  g_free (series->name);
  g_array_unref (series->x);
  g_array_unref (series->y);
  g_array_unref (series->low);
  g_array_unref (series->high);
  g_ptr_array_unref (series->labels);
  g_free (series);
}

RvFigure *
rv_figure_new (RvFigureType type, const char *title, const char *x_label, const char *y_label)
{
  RvFigure *figure = g_new0 (RvFigure, 1);
  g_atomic_ref_count_init (&figure->references);
  figure->type = type;
  figure->title = g_strdup (title ? title : "");
  figure->x_label = g_strdup (x_label ? x_label : "");
  figure->y_label = g_strdup (y_label ? y_label : "");
  figure->series = g_ptr_array_new_with_free_func (free_series);
  figure->y_low = figure->y_high = figure->line = NAN;
  return figure;
}

RvFigure *
rv_figure_ref (RvFigure *figure)
{
  g_atomic_ref_count_inc (&figure->references);
  return figure;
}

void
rv_figure_unref (RvFigure *figure)
{
  if (!figure || !g_atomic_ref_count_dec (&figure->references))
    return;
  g_free (figure->title);
  g_free (figure->x_label);
  g_free (figure->y_label);
  g_free (figure->line_label);
  g_ptr_array_unref (figure->series);
  g_free (figure);
}

RvSeries *
rv_figure_add_series (RvFigure *figure, const char *name)
{
  RvSeries *series = g_new0 (RvSeries, 1);
  series->name = g_strdup (name ? name : "");
  series->x = g_array_new (FALSE, FALSE, sizeof (double));
  series->y = g_array_new (FALSE, FALSE, sizeof (double));
  series->low = g_array_new (FALSE, FALSE, sizeof (double));
  series->high = g_array_new (FALSE, FALSE, sizeof (double));
  series->labels = g_ptr_array_new_with_free_func (g_free);
  g_ptr_array_add (figure->series, series);
  return series;
}

/* Ends up with `n` entries, the last of them `value`; those that were left out before are NaN. */
static void
append_late (GArray *array, guint n, double value)
{
  const double nothing = NAN;
  while (array->len + 1 < n)
    g_array_append_val (array, nothing);
  g_array_append_val (array, value);
}

void
rv_series_add (RvSeries *series, const char *label, double x, double y, double low, double high)
{
  g_array_append_val (series->x, x);
  g_array_append_val (series->y, y);
  const guint n = series->x->len;
  if (series->low->len || !isnan (low) || !isnan (high))
    {
      append_late (series->low, n, low);
      append_late (series->high, n, high);
    }
  if (series->labels->len || label)
    {
      while (series->labels->len + 1 < n)
        g_ptr_array_add (series->labels, NULL);
      g_ptr_array_add (series->labels, g_strdup (label));
    }
}

void
rv_figure_set_y_range (RvFigure *figure, double low, double high)
{
  figure->y_low = low;
  figure->y_high = high;
}

void
rv_figure_set_line (RvFigure *figure, double y, const char *label)
{
  figure->line = y;
  g_free (figure->line_label);
  figure->line_label = g_strdup (label);
}

RvFigureType
rv_figure_type (const RvFigure *figure)
{
  return figure->type;
}

uint32_t
rv_figure_series (const RvFigure *figure)
{
  return figure->series->len;
}

const RvSeries *
rv_figure_get_series (const RvFigure *figure, uint32_t index)
{
  return index < figure->series->len ? figure->series->pdata[index] : NULL;
}

/* ---- text that gnuplot reads */

static double
at (const GArray *array, guint k)
{
  return k < array->len ? g_array_index (array, double, k) : NAN;
}

static void
append_number (GString *out, double value)
{
  char buffer[G_ASCII_DTOSTR_BUF_SIZE];
  g_string_append (out, isfinite (value) ? g_ascii_formatd (buffer, sizeof buffer, "%.9g", value) : "NaN");
}

/* On one line, whatever it holds. */
static void
append_line (GString *out, const char *text)
{
  for (const char *c = text; *c; c++)
    g_string_append_c (out, g_ascii_iscntrl (*c) ? ' ' : *c);
}

/* A string in single quotes, in which gnuplot replaces nothing but '' by '. `format`: the text is a format
 * for a number (labels of tics are), so that a per cent sign is doubled too. */
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

/* A series with nothing to draw would shift the numbers of the blocks in the data file: it is left out. */
static gboolean
is_drawable (const RvSeries *series)
{
  for (guint k = 0; k < series->x->len; k++)
    if (isfinite (at (series->x, k)) && isfinite (at (series->y, k)))
      return TRUE;
  return FALSE;
}

/* The label of a bar, or its x where it has none; caller owns. */
static char *
bar_label (const RvSeries *series, guint k)
{
  const char *label = k < series->labels->len ? series->labels->pdata[k] : NULL;
  char buffer[G_ASCII_DTOSTR_BUF_SIZE];
  return g_strdup (label ? label : g_ascii_formatd (buffer, sizeof buffer, "%.9g", at (series->x, k)));
}

/* The labels of all series in order of first appearance: bars of one label stand side by side. */
static GPtrArray *
all_labels (const RvFigure *figure)
{
  GPtrArray *labels = g_ptr_array_new_with_free_func (g_free);
  for (guint s = 0; figure->type == RV_FIGURE_BARS && s < figure->series->len; s++)
    {
      const RvSeries *series = figure->series->pdata[s];
      for (guint k = 0; k < series->x->len; k++)
        {
          g_autofree char *label = bar_label (series, k);
          if (!g_ptr_array_find_with_equal_func (labels, label, g_str_equal, NULL))
            g_ptr_array_add (labels, g_steal_pointer (&label));
        }
    }
  return labels;
}

/* A block per series, with two empty lines between: gnuplot's `index`. */
static char *
data_text (const RvFigure *figure, const GPtrArray *labels)
{
  GString *out = g_string_new ("# x y low high label\n");
  for (guint s = 0, drawn = 0; s < figure->series->len; s++)
    {
      const RvSeries *series = figure->series->pdata[s];
      if (!is_drawable (series))
        continue;
      g_string_append (out, drawn++ ? "\n\n# " : "# ");
      append_line (out, series->name);
      g_string_append_c (out, '\n');
      for (guint k = 0; k < series->x->len; k++)
        {
          g_autofree char *label = figure->type == RV_FIGURE_BARS ? bar_label (series, k) : g_strdup ("");
          guint place = 0;
          const gboolean placed
              = g_ptr_array_find_with_equal_func ((GPtrArray *)labels, label, g_str_equal, &place);
          append_number (out, placed ? (double)place : at (series->x, k));
          g_string_append_c (out, ' ');
          append_number (out, at (series->y, k));
          g_string_append_c (out, ' ');
          append_number (out, at (series->low, k));
          g_string_append_c (out, ' ');
          append_number (out, at (series->high, k));
          g_strdelimit (label, "\"\\", '\'');
          g_string_append (out, " \"");
          append_line (out, label);
          g_string_append (out, "\"\n");
        }
    }
  return g_string_free (out, FALSE);
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
          const double step = at (series->x, k) - at (series->x, k - 1);
          if (step > 0 && step < width)
            width = step;
        }
    }
  return isfinite (width) ? width : 1.0;
}

/* Whether anything drawn lies below zero. */
static gboolean
goes_below_zero (const RvFigure *figure)
{
  gboolean below = figure->line < 0;
  for (guint s = 0; s < figure->series->len; s++)
    {
      const RvSeries *series = figure->series->pdata[s];
      for (guint k = 0; k < series->x->len; k++)
        below |= at (series->y, k) < 0 || at (series->low, k) < 0;
    }
  return below;
}

/* ---- the script */

static void
append_tics (GString *out, const GPtrArray *labels)
{
  glong longest = 0;
  g_string_append (out, "set xtics (");
  for (guint k = 0; k < labels->len; k++)
    {
      longest = MAX (longest, g_utf8_strlen (labels->pdata[k], -1));
      append_quoted (out, labels->pdata[k], TRUE);
      g_string_append_printf (out, " %u%s", k, k + 1 < labels->len ? ", " : "");
    }
  /* about 55 characters fit side by side */
  g_string_append_printf (out, ") scale 0%s noenhanced\n",
                          longest * labels->len > 55 ? " rotate by 25 right" : "");
  g_string_append_printf (out, "set xrange [-0.6:%u.6]\n", labels->len - 1);
}

static void
append_settings (GString *out, const RvFigure *figure, const GPtrArray *labels, gboolean empty, gboolean key)
{
  double low = figure->y_low, high = figure->y_high;
  g_string_append (out, "set encoding utf8\nset title ");
  append_quoted (out, figure->title, FALSE);
  g_string_append (out, " noenhanced\nset xlabel ");
  append_quoted (out, figure->x_label, FALSE);
  g_string_append (out, " noenhanced\nset ylabel ");
  append_quoted (out, figure->y_label, FALSE);
  g_string_append (out, " noenhanced\nset border 3\nset tics nomirror out\nset rmargin 4\n"
                        "set grid ytics back linetype 1 linewidth 0.5 linecolor rgb '#dddddd'\n");
  g_string_append (out, key ? "set key outside top center horizontal samplen 2 noenhanced\n" : "set key off\n");
  if (labels->len)
    append_tics (out, labels);
  /* areas are compared by eye: they begin at zero where nobody says otherwise */
  if (figure->type != RV_FIGURE_LINE && !isfinite (low) && !goes_below_zero (figure))
    low = 0.0;
  if (empty)
    {
      g_string_append (out, labels->len ? "" : "set xrange [0:1]\n");
      low = isfinite (low) ? low : 0.0;
      high = isfinite (high) ? high : low + 1.0;
    }
  g_string_append (out, "set yrange [");
  if (isfinite (low))
    append_number (out, low);
  else
    g_string_append (out, "*");
  g_string_append_c (out, ':');
  if (isfinite (high))
    append_number (out, high);
  else
    g_string_append (out, "*");
  g_string_append (out, "]\n");
}

static void
append_from (GString *out, const char *base, guint index)
{
  g_autofree char *data = g_strconcat ("./", base, ".dat", NULL);
  append_quoted (out, data, FALSE);
  g_string_append_printf (out, " index %u using ", index);
}

static void
append_title (GString *out, const char *title, gboolean key)
{
  if (!key)
    {
      g_string_append (out, " notitle");
      return;
    }
  g_string_append (out, " title ");
  append_quoted (out, title, FALSE);
}

/* The bands of all lines, drawn before the first line: none may cover another one's line. */
static void
append_bands (GString *out, const RvFigure *figure, const char *base)
{
  for (guint s = 0, drawn = 0; figure->type == RV_FIGURE_LINE && s < figure->series->len; s++)
    {
      const RvSeries *series = figure->series->pdata[s];
      if (!is_drawable (series))
        continue;
      if (series->low->len)
        {
          append_from (out, base, drawn);
          g_string_append_printf (out,
                                  "1:3:4 with filledcurves fillstyle transparent solid 0.2 noborder"
                                  " linecolor rgb '%s' notitle, \\\n     ",
                                  colours[drawn % G_N_ELEMENTS (colours)]);
        }
      drawn++;
    }
}

/* What draws series `index` of the `n` that are drawn. */
static void
append_series (GString *out, const RvFigure *figure, const RvSeries *series, const char *base, guint index,
               guint n, gboolean key)
{
  const char *colour = colours[index % G_N_ELEMENTS (colours)];
  const double box = figure->type == RV_FIGURE_HISTOGRAM ? bin_width (figure) : 0.8 / n;
  /* groups of bars are centred on their label, bins begin at x */
  const double shift = figure->type == RV_FIGURE_HISTOGRAM ? 0.5 * box : (index - 0.5 * (n - 1)) * box;
  if (figure->type == RV_FIGURE_LINE)
    {
      append_from (out, base, index);
      g_string_append_printf (out, "1:2 with %s linewidth 2 linecolor rgb '%s'",
                              series->x->len > 30 ? "lines" : "linespoints pointtype 7 pointsize 0.5",
                              colour);
      append_title (out, series->name, key);
      return;
    }
  append_from (out, base, index);
  g_string_append (out, "($1 + ");
  append_number (out, shift);
  g_string_append (out, "):2:(");
  append_number (out, figure->type == RV_FIGURE_BARS ? 0.94 * box : box);
  g_string_append_printf (out, ") with boxes linecolor rgb '%s' fillstyle %s", colour,
                          figure->type == RV_FIGURE_HISTOGRAM && n > 1 ? "transparent solid 0.45 border"
                                                                       : "solid 0.85 border");
  append_title (out, series->name, key);
  if (!series->low->len)
    return;
  g_string_append (out, ", \\\n     ");
  append_from (out, base, index);
  g_string_append (out, "($1 + ");
  append_number (out, shift);
  /* vectors with flat heads: gnuplot's own error bars blot out the bar around their point */
  g_string_append (out, "):3:(0):($4 - $3) with vectors heads size graph 0.008,90 linewidth 1.2 linecolor"
                        " rgb 'black' notitle");
}

#define HEAD "# Run `gnuplot` with this file in its folder to draw the figure again.\n"

/* Up to the arguments of the plot, which is drawn as SVG first. */
static void
append_svg (GString *out, const char *base)
{
  g_autofree char *svg = g_strconcat ("./", base, ".svg", NULL);
  g_string_append (out, "\nset terminal svg size 800,500 dynamic font 'Helvetica,16' background rgb 'white'\n"
                        "set output ");
  append_quoted (out, svg, FALSE);
  g_string_append (out, "\nplot ");
}

/* The same once more, as PNG. */
static void
append_png (GString *out, const char *base)
{
  g_autofree char *png = g_strconcat ("./", base, ".png", NULL);
  g_string_append (out, "\n\nif (strstrt (GPVAL_TERMINALS, 'pngcairo')) {\n"
                        "  set terminal pngcairo size 1600,1000 font 'Helvetica,16' fontscale 2 linewidth 2"
                        " pointscale 2\n"
                        "} else {\n  set terminal png size 1600,1000\n}\nset output ");
  append_quoted (out, png, FALSE);
  g_string_append (out, "\nreplot\nset output\n");
}

static char *
script_text (const RvFigure *figure, const GPtrArray *labels, const char *base)
{
  guint n = 0;
  for (guint s = 0; s < figure->series->len; s++)
    n += is_drawable (figure->series->pdata[s]);
  const gboolean has_line = isfinite (figure->line), names_line = has_line && figure->line_label;
  const gboolean key = n > 1 || names_line;
  GString *out = g_string_new (HEAD);
  append_settings (out, figure, labels, n == 0, key);
  append_svg (out, base);
  append_bands (out, figure, base);
  for (guint s = 0, drawn = 0; s < figure->series->len; s++)
    if (is_drawable (figure->series->pdata[s]))
      {
        g_string_append (out, drawn ? ", \\\n     " : "");
        /* one series needs no name beside that of the line */
        append_series (out, figure, figure->series->pdata[s], base, drawn++, n, n > 1);
      }
  if (n == 0)
    g_string_append (out, "NaN notitle");
  if (has_line)
    {
      g_string_append (out, ", \\\n     ");
      append_number (out, figure->line);
      g_string_append (out, " with lines dashtype 2 linewidth 1.5 linecolor rgb '#333333'");
      append_title (out, figure->line_label, names_line);
    }
  append_png (out, base);
  return g_string_free (out, FALSE);
}

/* ---- files */

static gboolean
draw (const char *folder, const char *base, GError **error)
{
  g_autofree char *gnuplot = g_find_program_in_path ("gnuplot");
  if (!gnuplot)
    return TRUE; /* the script and the data are there to be drawn elsewhere */
  g_autofree char *script = g_strconcat ("./", base, ".gp", NULL), *said = NULL;
  char *argv[] = { gnuplot, script, NULL };
  int status = 0;
  g_autoptr (GError) why = NULL;
  if (g_spawn_sync (folder, argv, NULL, G_SPAWN_STDOUT_TO_DEV_NULL, NULL, NULL, NULL, &said, &status, &why)
      && g_spawn_check_wait_status (status, &why))
    return TRUE;
  g_set_error (error, RV_ERROR, RV_ERROR_IO, "gnuplot could not draw %s/%s.gp: %s", folder, base,
               said && *g_strstrip (said) ? said : why->message);
  return FALSE;
}

static gboolean
write_text (const char *stem, const char *ending, const char *text, GError **error)
{
  g_autofree char *path = g_strconcat (stem, ending, NULL);
  g_autoptr (GError) why = NULL;
  if (g_file_set_contents (path, text, -1, &why))
    return TRUE;
  g_set_error (error, RV_ERROR, RV_ERROR_IO, "%s could not be written: %s", path, why->message);
  return FALSE;
}

/* Copies the drawings of an earlier time; FALSE if one is missing. */
static gboolean
copy_drawings (const char *from, const char *to)
{
  static const char *const endings[] = { ".svg", ".png" };
  gboolean good = TRUE;
  for (guint k = 0; good && k < G_N_ELEMENTS (endings); k++)
    {
      g_autofree char *old = g_strconcat (from, endings[k], NULL), *new = g_strconcat (to, endings[k], NULL);
      g_autoptr (GFile) source = g_file_new_for_path (old), target = g_file_new_for_path (new);
      good = g_file_copy (source, target, G_FILE_COPY_OVERWRITE, NULL, NULL, NULL, NULL);
    }
  return good;
}

gboolean
rv_figure_write_drawn (const RvFigure *figure, const char *stem, const char *drawn, GError **error)
{
  g_autofree char *folder = g_path_get_dirname (stem), *base = g_path_get_basename (stem);
  g_autoptr (GPtrArray) labels = all_labels (figure);
  g_autofree char *data = data_text (figure, labels), *script = script_text (figure, labels, base);
  return write_text (stem, ".dat", data, error) && write_text (stem, ".gp", script, error)
         && ((drawn && copy_drawings (drawn, stem)) || draw (folder, base, error));
}

#define FONT 16 /* points, as the terminals have it */
#define WIDE 50 /* letters that there is room for above a figure with a colour bar */

gboolean
rv_figure_write_plot (const char *stem, const char *title, const char *settings, const char *plot,
                      const char *data, GError **error)
{
  g_autofree char *folder = g_path_get_dirname (stem), *base = g_path_get_basename (stem);
  g_autoptr (GString) script = g_string_new (HEAD "set encoding utf8\nset title ");
  append_quoted (script, title, FALSE);
  if (g_utf8_strlen (title, -1) > WIDE) /* smaller, or it would be cut off */
    g_string_append_printf (script, " font ',%ld'", MAX (FONT * WIDE / g_utf8_strlen (title, -1), 5));
  g_string_append_printf (script, " noenhanced\nset key off\n%s", settings);
  append_svg (script, base);
  g_autofree char *file = g_strconcat ("./", base, ".dat", NULL);
  append_quoted (script, file, FALSE);
  g_string_append_printf (script, " %s", plot);
  append_png (script, base);
  return write_text (stem, ".dat", data, error) && write_text (stem, ".gp", script->str, error)
         && draw (folder, base, error);
}

gboolean
rv_figure_write (const RvFigure *figure, const char *stem, GError **error)
{
  return rv_figure_write_drawn (figure, stem, NULL, error);
}

/* ---- kept between runs */

static GVariant *
doubles (const GArray *array)
{
  return g_variant_new_fixed_array (G_VARIANT_TYPE_DOUBLE, array->data, array->len, sizeof (double));
}

GVariant *
rv_figure_to_variant (const RvFigure *figure)
{
  GVariantBuilder all;
  g_variant_builder_init (&all, G_VARIANT_TYPE ("a(sadadadadams)"));
  for (guint k = 0; k < figure->series->len; k++)
    {
      const RvSeries *series = figure->series->pdata[k];
      GVariantBuilder labels;
      g_variant_builder_init (&labels, G_VARIANT_TYPE ("ams"));
      for (guint l = 0; l < series->labels->len; l++)
        g_variant_builder_add (&labels, "ms", series->labels->pdata[l]);
      g_variant_builder_add (&all, "(s@ad@ad@ad@adams)", series->name, doubles (series->x), doubles (series->y),
                             doubles (series->low), doubles (series->high), &labels);
    }
  return g_variant_new (RV_FIGURE_VARIANT, (gint32)figure->type, figure->title, figure->x_label,
                        figure->y_label, figure->y_low, figure->y_high, figure->line, figure->line_label,
                        &all);
}

static void
take_doubles (GArray *array, GVariant *values)
{
  gsize n;
  const double *items = g_variant_get_fixed_array (values, &n, sizeof (double));
  g_array_append_vals (array, items, (guint)n);
  g_variant_unref (values);
}

RvFigure *
rv_figure_from_variant (GVariant *variant)
{
  g_autoptr (GVariantIter) all = NULL;
  const char *title, *x_label, *y_label, *name, *label;
  double low, high, line;
  gint32 type;
  g_autofree char *line_label = NULL;
  g_variant_get (variant, "(i&s&s&sdddmsa(sadadadadams))", &type, &title, &x_label, &y_label, &low, &high, &line,
                 &line_label, &all);
  if (type < RV_FIGURE_LINE || type > RV_FIGURE_HISTOGRAM)
    return NULL;
  RvFigure *figure = rv_figure_new ((RvFigureType)type, title, x_label, y_label);
  rv_figure_set_y_range (figure, low, high);
  rv_figure_set_line (figure, line, line_label);
  GVariant *x, *y, *below, *above;
  GVariantIter *labels;
  while (g_variant_iter_next (all, "(&s@ad@ad@ad@adams)", &name, &x, &y, &below, &above, &labels))
    {
      RvSeries *series = rv_figure_add_series (figure, name);
      take_doubles (series->x, x);
      take_doubles (series->y, y);
      take_doubles (series->low, below);
      take_doubles (series->high, above);
      while (g_variant_iter_next (labels, "m&s", &label))
        g_ptr_array_add (series->labels, g_strdup (label));
      g_variant_iter_free (labels);
    }
  return figure;
}
