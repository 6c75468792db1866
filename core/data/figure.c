/* Figures: series of points, grids and panels; they are written as data that other programs read too (CSV) and a
 * gnuplot script that a person can edit and run again in its folder, see plot.c. */
#include "data/keep.h"
#include "data/plot.h"
#ifdef __linux__
#include <signal.h>
#include <sys/prctl.h>
#endif
#include <gio/gio.h>
#include <glib/gstdio.h>
#include <math.h>
#include <string.h>

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

static GArray *
new_doubles (void)
{
  return g_array_new (FALSE, FALSE, sizeof (double));
}

static void
free_panel (gpointer data)
{
  rv_figure_unref (data);
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
  figure->z_label = g_strdup ("");
  figure->series = g_ptr_array_new_with_free_func (free_series);
  figure->x = figure->y = figure->z = (RvRange){ NAN, NAN };
  figure->line = NAN;
  figure->grid_x = new_doubles ();
  figure->grid_y = new_doubles ();
  figure->grid_z = new_doubles ();
  figure->panels = g_ptr_array_new_with_free_func (free_panel);
  figure->panel_titles = g_ptr_array_new_with_free_func (g_free);
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
  g_free (figure->z_label);
  g_free (figure->line_label);
  g_ptr_array_unref (figure->series);
  g_array_unref (figure->grid_x);
  g_array_unref (figure->grid_y);
  g_array_unref (figure->grid_z);
  g_ptr_array_unref (figure->panels);
  g_ptr_array_unref (figure->panel_titles);
  g_free (figure);
}

RvSeries *
rv_figure_add_series (RvFigure *figure, const char *name)
{
  RvSeries *series = g_new0 (RvSeries, 1);
  series->name = g_strdup (name ? name : "");
  series->x = new_doubles ();
  series->y = new_doubles ();
  series->low = new_doubles ();
  series->high = new_doubles ();
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
rv_figure_set_x_range (RvFigure *figure, double low, double high)
{
  figure->x = (RvRange){ low, high };
}

void
rv_figure_set_y_range (RvFigure *figure, double low, double high)
{
  figure->y = (RvRange){ low, high };
}

void
rv_figure_set_z_range (RvFigure *figure, double low, double high)
{
  figure->z = (RvRange){ low, high };
}

void
rv_figure_set_line (RvFigure *figure, double y, const char *label)
{
  figure->line = y;
  g_free (figure->line_label);
  figure->line_label = g_strdup (label);
}

static void
set_doubles (GArray *array, size_t n, const double *values)
{
  g_array_set_size (array, 0);
  if (n)
    g_array_append_vals (array, values, (guint)n);
}

void
rv_figure_set_grid (RvFigure *figure, uint32_t columns, uint32_t rows, const double *x, const double *y,
                    const double *z, const char *z_label)
{
  const gboolean empty = columns == 0 || rows == 0;
  set_doubles (figure->grid_x, empty ? 0 : columns, x);
  set_doubles (figure->grid_y, empty ? 0 : rows, y);
  set_doubles (figure->grid_z, empty ? 0 : (size_t)rows * columns, z);
  g_free (figure->z_label);
  figure->z_label = g_strdup (z_label ? z_label : "");
}

void
rv_figure_add_panel (RvFigure *figure, RvFigure *panel, const char *title)
{
  g_return_if_fail (figure->type == RV_FIGURE_PANELS && panel->type != RV_FIGURE_PANELS);
  g_ptr_array_add (figure->panels, rv_figure_ref (panel));
  g_ptr_array_add (figure->panel_titles, g_strdup (title ? title : panel->title));
}

void
rv_figure_set_shared (RvFigure *figure, gboolean shared)
{
  figure->shared = shared;
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

uint32_t
rv_figure_panels (const RvFigure *figure)
{
  return figure->panels->len;
}

RvFigure *
rv_figure_get_panel (const RvFigure *figure, uint32_t index)
{
  return index < figure->panels->len ? figure->panels->pdata[index] : NULL;
}

const char *
rv_figure_title (const RvFigure *figure)
{
  return figure->title;
}

const char *
rv_figure_x_label (const RvFigure *figure)
{
  return figure->x_label;
}

const char *
rv_figure_y_label (const RvFigure *figure)
{
  return figure->y_label;
}

double
rv_figure_line (const RvFigure *figure)
{
  return figure->line;
}

gboolean
rv_figure_get_grid (const RvFigure *figure, uint32_t *columns, uint32_t *rows, const double **x,
                    const double **y, const double **z)
{
  const GArray *const arrays[] = { figure->grid_x, figure->grid_y, figure->grid_z };
  const double **const to[] = { x, y, z };
  uint32_t *const sizes[] = { columns, rows };
  for (int k = 0; k < 3; k++)
    if (to[k])
      *to[k] = (const double *)(const void *)arrays[k]->data;
  for (int k = 0; k < 2; k++)
    if (sizes[k])
      *sizes[k] = arrays[k]->len;
  return figure->grid_z->len > 0;
}

/* ---- files */

/* cairo writes the time into a PDF, and equal figures would be files that differ: one time for all. The text keeps
 * its length, so that every offset in the file holds. */
static void
without_time (const char *path)
{
  static const char mark[] = "/CreationDate (D:", time[] = "20000101000000";
  g_autofree char *text = NULL;
  gsize n;
  if (!g_file_get_contents (path, &text, &n, NULL))
    return;
  for (char *c = text; (c = memchr (c, '/', n - (gsize)(c - text))); c++)
    if (n - (gsize)(c - text) > sizeof mark + sizeof time && memcmp (c, mark, sizeof mark - 1) == 0)
      {
        memcpy (c + sizeof mark - 1, time, sizeof time - 1);
        g_file_set_contents (path, text, (gssize)n, NULL);
        return;
      }
}

/* Whether `last` stands among the last bytes, of which some may be 0. */
static gboolean
ends_with (const char *bytes, gsize n, const char *last)
{
  const gsize length = strlen (last);
  for (gsize back = length; back <= MIN (n, 40); back++)
    if (memcmp (bytes + n - back, last, length) == 0)
      return TRUE;
  return FALSE;
}

/* gnuplot does not say when a disk is full: a drawing without its end is removed, so that it is neither shown nor
 * kept. */
static gboolean
are_whole (const char *folder, const char *base, GError **error)
{
  static const struct
  {
    const char *ending, *last;
  } drawings[] = { { ".svg", "</svg>" }, { ".png", "IEND" }, { ".pdf", "%%EOF" } };
  gboolean good = TRUE;
  for (guint k = 0; k < G_N_ELEMENTS (drawings); k++)
    {
      g_autofree char *name = g_strconcat (base, drawings[k].ending, NULL), *text = NULL;
      g_autofree char *path = g_build_filename (folder, name, NULL);
      gsize n = 0;
      if (!g_file_get_contents (path, &text, &n, NULL) || ends_with (text, n, drawings[k].last))
        continue; /* there need not be a PDF */
      g_remove (path);
      if (good)
        g_set_error (error, RV_ERROR, RV_ERROR_IO, "%s could not be written whole: is the disk full?", path);
      good = FALSE;
    }
  return good;
}

/* In the child: gnuplot ends with a run that is killed, or it would write on into the drawings of the next one. */
static void
end_with_parent (gpointer user)
{
  (void)user;
#ifdef __linux__
  prctl (PR_SET_PDEATHSIG, SIGKILL);
#endif
}

static gboolean
draw (const char *folder, const char *base, GError **error)
{
  g_autofree char *gnuplot = g_find_program_in_path ("gnuplot");
  if (!gnuplot)
    return TRUE; /* the script and the data are there to be drawn elsewhere */
  g_autofree char *script = g_strconcat ("./", base, ".gp", NULL), *said = NULL;
  char *argv[] = { gnuplot, script, NULL };
  g_auto (GStrv) environment = g_environ_setenv (g_get_environ (), "SOURCE_DATE_EPOCH", "946684800", FALSE);
  int status = 0;
  g_autoptr (GError) why = NULL;
  if (g_spawn_sync (folder, argv, environment, G_SPAWN_STDOUT_TO_DEV_NULL, end_with_parent, NULL, NULL, &said,
                    &status, &why)
      && g_spawn_check_wait_status (status, &why))
    {
      g_autofree char *name = g_strconcat (base, ".pdf", NULL), *pdf = g_build_filename (folder, name, NULL);
      without_time (pdf);
      return are_whole (folder, base, error);
    }
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

const char *const rv_drawings[] = { ".svg", ".png", ".pdf", NULL };

/* Copies the drawings of an earlier time; FALSE if one is missing. There need not be a PDF. */
static gboolean
copy_drawings (const char *from, const char *to)
{
  gboolean good = TRUE;
  for (guint k = 0; good && rv_drawings[k]; k++)
    {
      g_autofree char *old = g_strconcat (from, rv_drawings[k], NULL),
                      *new = g_strconcat (to, rv_drawings[k], NULL);
      g_autoptr (GFile) source = g_file_new_for_path (old), target = g_file_new_for_path (new);
      good = g_file_copy (source, target, G_FILE_COPY_OVERWRITE, NULL, NULL, NULL, NULL)
             || (k == 2 && !g_file_query_exists (source, NULL));
    }
  return good;
}

gboolean
rv_figure_write_drawn (const RvFigure *figure, const char *stem, const char *drawn, GError **error)
{
  g_autofree char *folder = g_path_get_dirname (stem), *base = g_path_get_basename (stem);
  g_autofree char *data = rv_plot_data (figure), *script = rv_plot_script (figure, base);
  return write_text (stem, ".csv", data, error) && write_text (stem, ".gp", script, error)
         && ((drawn && copy_drawings (drawn, stem)) || draw (folder, base, error));
}

#define FONT 16 /* points, as the terminals have it */
#define WIDE 50 /* letters that there is room for above a figure with a colour bar */

gboolean
rv_figure_write_plot (const char *stem, const char *title, const char *settings, const char *plot,
                      const char *data, GError **error)
{
  g_autofree char *folder = g_path_get_dirname (stem), *base = g_path_get_basename (stem);
  g_autoptr (GString) script = g_string_new (NULL);
  rv_plot_head (script);
  g_string_append (script, "set title ");
  rv_plot_quote (script, title);
  if (g_utf8_strlen (title, -1) > WIDE) /* smaller, or it would be cut off */
    g_string_append_printf (script, " font ',%ld'", MAX (FONT * WIDE / g_utf8_strlen (title, -1), 5));
  g_string_append_printf (script, " noenhanced\nset key off\n%s", settings);
  rv_plot_begin (script, base, 800, 500);
  g_autofree char *file = g_strconcat ("./", base, ".dat", NULL);
  g_string_append (script, "plot ");
  rv_plot_quote (script, file);
  g_string_append_printf (script, " %s\n", plot);
  rv_plot_end (script);
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
  GVariantBuilder all, panels;
  g_variant_builder_init (&all, G_VARIANT_TYPE ("a(sadadadadams)"));
  for (guint k = 0; k < figure->series->len; k++)
    {
      const RvSeries *series = figure->series->pdata[k];
      GVariantBuilder labels;
      g_variant_builder_init (&labels, G_VARIANT_TYPE ("ams"));
      for (guint l = 0; l < series->labels->len; l++)
        g_variant_builder_add (&labels, "ms", series->labels->pdata[l]);
      g_variant_builder_add (&all, "(s@ad@ad@ad@adams)", series->name, doubles (series->x),
                             doubles (series->y), doubles (series->low), doubles (series->high), &labels);
    }
  g_variant_builder_init (&panels, G_VARIANT_TYPE ("a(sv)"));
  for (guint k = 0; k < figure->panels->len; k++)
    g_variant_builder_add (&panels, "(sv)", figure->panel_titles->pdata[k],
                           rv_figure_to_variant (figure->panels->pdata[k]));
  return g_variant_new ("(issss(dd)(dd)(dd)dmsa(sadadadadams)@ad@ad@adba(sv))", (gint32)figure->type,
                        figure->title, figure->x_label, figure->y_label, figure->z_label, figure->x.low,
                        figure->x.high, figure->y.low, figure->y.high, figure->z.low, figure->z.high,
                        figure->line, figure->line_label, &all, doubles (figure->grid_x),
                        doubles (figure->grid_y), doubles (figure->grid_z), figure->shared, &panels);
}

static void
take_doubles (GArray *array, GVariant *values)
{
  gsize n;
  const double *items = g_variant_get_fixed_array (values, &n, sizeof (double));
  if (n)
    g_array_append_vals (array, items, (guint)n);
  g_variant_unref (values);
}

static void
take_series (RvFigure *figure, GVariantIter *all)
{
  const char *name, *label;
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
}

/* FALSE if one can not be a figure. */
static gboolean
take_panels (RvFigure *figure, GVariantIter *panels)
{
  const char *title;
  GVariant *content;
  gboolean good = TRUE;
  while (g_variant_iter_next (panels, "(&sv)", &title, &content))
    {
      g_autoptr (GVariant) owned = content;
      const gboolean right = figure->type == RV_FIGURE_PANELS
                             && g_variant_is_of_type (content, G_VARIANT_TYPE (RV_FIGURE_VARIANT));
      g_autoptr (RvFigure) panel = right ? rv_figure_from_variant (content) : NULL;
      good &= panel && panel->type != RV_FIGURE_PANELS;
      if (good)
        rv_figure_add_panel (figure, panel, title);
    }
  return good;
}

RvFigure *
rv_figure_from_variant (GVariant *variant)
{
  g_autoptr (GVariantIter) all = NULL, panels = NULL;
  g_autoptr (RvFigure) figure = rv_figure_new (RV_FIGURE_LINE, NULL, NULL, NULL);
  gint32 type;
  GVariant *x, *y, *z;
  g_free (figure->title);
  g_free (figure->x_label);
  g_free (figure->y_label);
  g_free (figure->z_label);
  g_variant_get (variant, "(issss(dd)(dd)(dd)dmsa(sadadadadams)@ad@ad@adba(sv))", &type, &figure->title,
                 &figure->x_label, &figure->y_label, &figure->z_label, &figure->x.low, &figure->x.high,
                 &figure->y.low, &figure->y.high, &figure->z.low, &figure->z.high, &figure->line,
                 &figure->line_label, &all, &x, &y, &z, &figure->shared, &panels);
  take_doubles (figure->grid_x, x);
  take_doubles (figure->grid_y, y);
  take_doubles (figure->grid_z, z);
  take_series (figure, all);
  if (type < RV_FIGURE_LINE || type > RV_FIGURE_PANELS
      || figure->grid_z->len != (gsize)figure->grid_x->len * figure->grid_y->len)
    return NULL;
  figure->type = (RvFigureType)type;
  return take_panels (figure, panels) ? g_steal_pointer (&figure) : NULL;
}
