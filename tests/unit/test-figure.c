/* Figures: what is set comes back, data and script hold it, and gnuplot, where it is installed, draws a figure of every
 * type, also of nothing, of holes and of names with quotes in them. RANVIER_KEEP_FIGURES keeps them to be looked at. */
#include <ranvier/ranvier.h>
#include "data/keep.h"
#include <glib/gstdio.h>
#include <math.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>

static char *folder;

static char *
read_beside (const char *stem, const char *ending)
{
  g_autofree char *path = g_strconcat (stem, ending, NULL);
  char *text = NULL;
  g_file_get_contents (path, &text, NULL, NULL);
  return text;
}

/* Writes the figure; if gnuplot is here, the pictures must come out. */
static char *
write_figure (const RvFigure *figure, const char *name)
{
  g_autoptr (GError) error = NULL;
  char *stem = g_build_filename (folder, name, NULL);
  rv_figure_write (figure, stem, &error);
  g_assert_no_error (error);
  g_autofree char *gnuplot = g_find_program_in_path ("gnuplot");
  g_autofree char *svg = read_beside (stem, ".svg"), *png = read_beside (stem, ".png");
  if (gnuplot)
    {
      g_assert_nonnull (strstr (svg, "</svg>"));
      g_assert_true (memcmp (png, "\x89PNG", 4) == 0);
    }
  return stem;
}

static void
test_bars (void)
{
  g_autoptr (RvFigure) figure
      = rv_figure_new (RV_FIGURE_BARS, "It's 100 % `date` $(x) \"a\\b\" _{y}", "", "accuracy (%)");
  RvSeries *mine = rv_figure_add_series (figure, "this run"),
           *paper = rv_figure_add_series (figure, "paper's");
  rv_series_add (mine, "base_line", 0, 77.5, 70, 80);
  rv_series_add (mine, "10 % 'leak'", 1, NAN, NAN, NAN);
  rv_series_add (mine, "with\nrecurrence", 2, 98, NAN, NAN);
  rv_series_add (paper, "with\nrecurrence", 7, 98.9, NAN, NAN);
  rv_figure_set_y_range (figure, 40, 100);
  rv_figure_set_line (figure, 50, "chance");
  g_assert_cmpuint (mine->low->len, ==, 3);
  g_assert_cmpuint (paper->low->len, ==, 0);
  g_autofree char *stem = write_figure (figure, "bars of $HOME's");
  g_autofree char *data = read_beside (stem, ".csv"), *script = read_beside (stem, ".gp");
  g_assert_cmpstr (
      data, ==,
      "x,y,low,high,series,label\n0,77.5,70,80,\"this run\",\"base_line\"\n1,NaN,NaN,NaN,\"this run\",\"10 % "
      "'leak'\"\n"
      "2,98,NaN,NaN,\"this run\",\"with recurrence\"\n\n\n2,98.9,NaN,NaN,\"paper's\",\"with recurrence\"\n");
  g_assert_nonnull (strstr (script, "'It''s 100 % `date` $(x) \"a\\b\" _{y}' noenhanced"));
  g_assert_nonnull (strstr (script, "'10 %% ''leak''' 1"));
  g_assert_nonnull (strstr (script, "set yrange [40:100]"));
  g_autofree char *svg = read_beside (stem, ".svg");
  if (svg)
    {
      g_assert_nonnull (strstr (svg, "10 % 'leak'"));
      g_assert_nonnull (strstr (svg, "base_line"));
      g_assert_nonnull (strstr (svg, "`date`"));
    }
}

static void
test_lines (void)
{
  g_autoptr (RvFigure) figure = rv_figure_new (RV_FIGURE_LINE, "Loss", "epoch", "loss");
  rv_figure_add_series (figure, "nothing in it");
  RvSeries *series = rv_figure_add_series (figure, "one");
  for (int k = 0; k < 40; k++)
    rv_series_add (series, NULL, k, 1.0 / (k + 1), 0.9 / (k + 1), 1.2 / (k + 1));
  g_assert_cmpuint (rv_figure_series (figure), ==, 2);
  g_assert_true (rv_figure_get_series (figure, 1) == series);
  g_assert_null (rv_figure_get_series (figure, 2));
  g_autofree char *stem = write_figure (figure, "lines");
  g_autofree char *script = read_beside (stem, ".gp");
  g_assert_nonnull (strstr (script, "index 0 using 1:2 with lines"));
  g_assert_null (strstr (script, "index 1"));
}

/* Uniform in [0, 1), the same in every run. */
static double
some (uint64_t counter)
{
  const RvDraw draw = { .type = RV_DRAW_UNIFORM, .a = 0.0, .b = 1.0 };
  return rv_draw_raw (&draw, (RvStream){ 0x5eed }, counter);
}

/* About normal. */
static double
bell (uint64_t counter)
{
  double sum = -6.0;
  for (uint64_t k = 0; k < 12; k++)
    sum += some (12 * counter + k);
  return sum;
}

static void
test_nothing (void)
{
  for (int type = RV_FIGURE_LINE; type <= RV_FIGURE_PANELS; type++)
    {
      g_autoptr (RvFigure) nothing = rv_figure_new (type, "Nothing", NULL, NULL);
      g_free (write_figure (nothing, "nothing"));
      rv_series_add (rv_figure_add_series (nothing, "NaN"), "a", 1, NAN, NAN, NAN);
      rv_figure_set_line (nothing, 3, NULL);
      rv_figure_set_grid (nothing, 2, 1, (double[]){ 0, 1 }, (double[]){ 0 }, (double[]){ NAN, NAN }, NULL);
      g_free (write_figure (nothing, "nan"));
      rv_figure_set_grid (nothing, 2, 2, (double[]){ 0, 1 }, (double[]){ 0, 1 }, (double[]){ 2, 2, 2, 2 },
                          "flat");
      g_free (write_figure (nothing, "flat"));
    }
}

static void
test_histogram (void)
{
  static const double normal[] = { 204, 166, 41, 23, 32, 28, 19, 7, 2, 0 },
                      none[] = { 72, 210, 59, 29, 21, 24, 40, 43, 24, 0 };
  g_autoptr (RvFigure) figure
      = rv_figure_new (RV_FIGURE_HISTOGRAM, "", "Firing rate (spikes per step)", "Neurons");
  for (int s = 0; s < 2; s++)
    {
      RvSeries *series = rv_figure_add_series (figure, s ? "without reset" : "normal reset");
      for (int k = 0; k < 10; k++)
        rv_series_add (series, NULL, 0.1 * k, s ? none[k] : normal[k], NAN, NAN);
    }
  g_autofree char *stem = write_figure (figure, "histogram");
  g_autofree char *script = read_beside (stem, ".gp");
  g_assert_nonnull (strstr (script, "set ytics 50"));
  g_assert_nonnull (strstr (script, "set xrange [0:1]"));
}

/* A line per variant with a band, over few whole numbers: no tic at 2.5. */
static void
test_band (void)
{
  static const char *const names[] = { "baseline", "without leakage", "with recurrence" };
  static const double widths[] = { 1, 2, 3, 5, 10 };
  g_autoptr (RvFigure) figure
      = rv_figure_new (RV_FIGURE_LINE, "", "Bin width (ms)", "Accuracy (%), mean \xc2\xb1 sd");
  for (int s = 0; s < 3; s++)
    {
      RvSeries *series = rv_figure_add_series (figure, names[s]);
      for (int k = 0; k < 5; k++)
        {
          const double y = 94 - 3 * s - fabs (widths[k] - 3) * (0.4 + s * 0.3), sd = 0.4 + some (k + 10 * s);
          rv_series_add (series, NULL, widths[k], y, y - sd, y + sd);
        }
    }
  g_autofree char *stem = write_figure (figure, "band");
  g_autofree char *script = read_beside (stem, ".gp");
  g_assert_nonnull (strstr (script, "set xtics 2\n"));
  g_assert_nonnull (strstr (script, "index 2 using 1:3:4 with filledcurves"));
}

/* A leaky membrane with a hard reset under a threshold. */
static void
test_membrane (void)
{
  g_autoptr (RvFigure) figure = rv_figure_new (RV_FIGURE_LINE, "", "Time (ms)", "Membrane potential");
  RvSeries *series = rv_figure_add_series (figure, "neuron 12");
  double u = 0;
  for (int t = 0; t < 120; t++)
    {
      u = 0.92 * u + 0.11 * some (t);
      rv_series_add (series, NULL, t, u, NAN, NAN);
      u = u > 0.5 ? 0 : u;
    }
  rv_figure_set_line (figure, 0.5, "threshold");
  g_free (write_figure (figure, "membrane"));
}

static RvFigure *
scatter (int classes, uint64_t seed)
{
  RvFigure *figure = rv_figure_new (RV_FIGURE_SCATTER, "", "t-SNE 1", "t-SNE 2");
  for (int c = 0; c < classes; c++)
    {
      g_autofree char *name = g_strdup_printf ("%d", c);
      RvSeries *series = rv_figure_add_series (figure, name);
      const double x = 30 * cos (c * 2.4) * sqrt (c + 1), y = 30 * sin (c * 2.4) * sqrt (c + 1);
      for (uint64_t k = 0; k < 60; k++)
        rv_series_add (series, NULL, x + 8 * bell (seed + k * 40 + 2 * c),
                       y + 8 * bell (seed + k * 40 + 2 * c + 1), NAN, NAN);
    }
  return figure;
}

static void
test_scatter (void)
{
  g_autoptr (RvFigure) ten = scatter (10, 0), twenty = scatter (20, 0), three = scatter (3, 5);
  g_autofree char *stem = write_figure (ten, "scatter-10");
  g_free (write_figure (twenty, "scatter-20"));
  g_free (write_figure (three, "scatter-3"));
  g_autofree char *script = read_beside (stem, ".gp");
  g_assert_nonnull (strstr (script, "index 9 using 1:2 with points"));
  g_assert_null (strstr (script, "index 10"));
}

static void
test_raster (void)
{
  g_autoptr (RvFigure) figure = rv_figure_new (RV_FIGURE_RASTER, "", "Time (ms)", "Unit");
  RvSeries *series[] = { rv_figure_add_series (figure, "input"), rv_figure_add_series (figure, "hidden") };
  for (int unit = 0; unit < 60; unit++)
    for (int t = 0; t < 200; t++)
      if (some (unit * 1000 + t) < (unit < 40 ? 0.02 + 0.1 * (t < 20 || t >= 180) : 0.05))
        rv_series_add (series[unit >= 40], NULL, t, unit, NAN, NAN);
  g_free (write_figure (figure, "raster"));
}

/* A bowl with a ridge, as the loss around trained weights. */
static RvFigure *
landscape (RvFigureType type, double sharp, int n)
{
  RvFigure *figure = rv_figure_new (type, "", "Direction 1", "Direction 2");
  g_autofree double *at = g_new (double, n), *z = g_new (double, n *n);
  for (int k = 0; k < n; k++)
    at[k] = -1.0 + 2.0 * k / (n - 1);
  for (int r = 0; r < n; r++)
    for (int c = 0; c < n; c++)
      z[r * n + c] = log (0.1 + sharp * (at[c] * at[c] + 0.6 * at[r] * at[r] + 0.3 * at[c] * at[r])
                          + 0.15 * (1 + sin (5 * at[r] + 2 * at[c])));
  rv_figure_set_grid (figure, n, n, at, at, z, "ln(loss + 0.1)");
  return figure;
}

static void
test_maps (void)
{
  for (int type = RV_FIGURE_HEATMAP; type <= RV_FIGURE_SURFACE; type++)
    {
      static const char *const names[] = { "heat", "contour", "surface" };
      g_autoptr (RvFigure) figure = landscape (type, 3, 21);
      g_autofree char *stem = write_figure (figure, names[type - RV_FIGURE_HEATMAP]);
      g_autofree char *data = read_beside (stem, ".csv");
      g_assert_true (g_str_has_prefix (data, "x,y,z\n-1,-1,"));
      uint32_t columns, rows;
      const double *x, *z;
      g_assert_true (rv_figure_get_grid (figure, &columns, &rows, &x, NULL, &z));
      g_assert_cmpuint (columns * rows, ==, 441);
      g_assert_cmpfloat (x[0], ==, -1);
    }
  /* unevenly spaced numbers and a hole */
  g_autoptr (RvFigure) uneven = rv_figure_new (RV_FIGURE_HEATMAP, "", "Bin width (ms)", "Leak");
  const double x[] = { 1, 2, 3, 5, 10 }, y[] = { 0, 0.5, 1 };
  const double z[] = { 80.2, 85.5, 90, 91, 88, 70, 75, NAN, 79, 60, 10.7, 11, 12, 13, 14 };
  rv_figure_set_grid (uneven, 5, 3, x, y, z, "Accuracy (%)");
  g_autofree char *stem = write_figure (uneven, "uneven");
  g_autofree char *script = read_beside (stem, ".gp");
  g_assert_nonnull (strstr (script, "set xtics ('1' 0, '2' 1, '3' 2, '5' 3, '10' 4)"));
}

/* The first class is on top, counts have no decimals. */
static void
test_confusion (void)
{
  g_autoptr (RvFigure) figure = rv_figure_new (RV_FIGURE_HEATMAP, "", "Predicted class", "True class");
  double x[10], y[10], z[100];
  for (int r = 0; r < 10; r++)
    for (int c = 0; c < 10; c++)
      {
        x[c] = c;
        y[r] = 9 - r;
        z[r * 10 + c] = c == 9 - r ? 900 + c * 11 : floor (30 * some (r * 10 + c));
      }
  rv_figure_set_grid (figure, 10, 10, x, y, z, "Samples");
  g_autofree char *stem = write_figure (figure, "confusion");
  g_autofree char *script = read_beside (stem, ".gp");
  g_assert_nonnull (strstr (script, "set yrange [9.5:-0.5]"));
  g_assert_nonnull (strstr (script, "sprintf ('%.0f', $3)"));
}

static void
test_panels (void)
{
  static const char *const names[]
      = { "baseline", "without leakage", "complete leakage", "without reset", "with recurrence" };
  g_autoptr (RvFigure) maps = rv_figure_new (RV_FIGURE_PANELS, "Loss around five variants", NULL, NULL),
                       points = rv_figure_new (RV_FIGURE_PANELS, "", NULL, NULL),
                       lines = rv_figure_new (RV_FIGURE_PANELS, "", NULL, NULL),
                       surfaces = rv_figure_new (RV_FIGURE_PANELS, "", NULL, NULL);
  for (int k = 0; k < 5; k++)
    {
      g_autoptr (RvFigure) map = landscape (RV_FIGURE_CONTOUR, 1 + k, 21), cloud = scatter (10, 1000 * k),
                           surface = landscape (RV_FIGURE_SURFACE, 1 + k, 21),
                           line = rv_figure_new (RV_FIGURE_LINE, "", "Epoch", "Loss");
      for (int s = 0; s < 2 && k < 4; s++)
        for (int e = 1; e <= 50; e++)
          rv_series_add (s < (int)rv_figure_series (line)
                             ? (RvSeries *)rv_figure_get_series (line, s)
                             : rv_figure_add_series (line, s ? "validation" : "training"),
                         NULL, e, exp (-e * 0.02 * (k + 1)) + 0.1 * s + 0.02 * some (e + s * 100), NAN, NAN);
      rv_figure_add_panel (maps, map, names[k]);
      rv_figure_add_panel (points, cloud, names[k]);
      rv_figure_add_panel (surfaces, surface, names[k]);
      if (k < 4)
        rv_figure_add_panel (lines, line, names[k]);
    }
  rv_figure_set_shared (maps, TRUE);
  rv_figure_set_shared (lines, TRUE);
  rv_figure_set_shared (surfaces, TRUE);
  g_autofree char *stem = write_figure (maps, "panels-contour");
  g_free (write_figure (points, "panels-scatter"));
  g_free (write_figure (lines, "panels-line"));
  g_free (write_figure (surfaces, "panels-surface"));
  g_assert_cmpuint (rv_figure_panels (maps), ==, 5);
  g_assert_null (rv_figure_get_panel (maps, 5));
  g_autofree char *script = read_beside (stem, ".gp"), *data = read_beside (stem, ".csv");
  g_assert_nonnull (strstr (script, "'(e) with recurrence'"));
  g_assert_nonnull (strstr (data, ",\"with recurrence\"\n"));
}

/* What is kept between runs draws the same. */
static void
test_kept (void)
{
  g_autoptr (RvFigure) figure = rv_figure_new (RV_FIGURE_PANELS, "Kept", NULL, NULL);
  g_autoptr (RvFigure) map = landscape (RV_FIGURE_HEATMAP, 2, 5), cloud = scatter (2, 3);
  rv_figure_set_z_range (map, -2, 2);
  rv_figure_set_x_range (cloud, -99, NAN);
  rv_figure_add_panel (figure, map, NULL);
  rv_figure_add_panel (figure, cloud, "cloud");
  rv_figure_set_shared (figure, TRUE);
  g_autoptr (GVariant) variant = g_variant_ref_sink (rv_figure_to_variant (figure));
  g_autoptr (RvFigure) back = rv_figure_from_variant (variant);
  g_assert_nonnull (back);
  g_autoptr (GVariant) again = g_variant_ref_sink (rv_figure_to_variant (back));
  g_assert_true (g_variant_equal (variant, again));
  g_autofree char *one = write_figure (figure, "kept-one"), *other = write_figure (back, "kept-two");
  static const char *const endings[] = { ".csv", ".png", ".pdf" };
  for (guint k = 0; k < G_N_ELEMENTS (endings); k++)
    {
      g_autofree char *a = g_strconcat (one, endings[k], NULL), *b = g_strconcat (other, endings[k], NULL),
                      *x = NULL, *y = NULL;
      gsize n = 0, m = 0;
      g_file_get_contents (a, &x, &n, NULL);
      g_file_get_contents (b, &y, &m, NULL);
      g_assert_cmpmem (x, n, y, m);
    }
}

static void
test_unwritable (void)
{
  g_autoptr (RvFigure) figure = rv_figure_new (RV_FIGURE_LINE, "Nowhere", NULL, NULL);
  g_autoptr (GError) error = NULL;
  g_autofree char *stem = g_build_filename (folder, "missing", "figure", NULL);
  g_assert_false (rv_figure_write (figure, stem, &error));
  g_assert_error (error, RV_ERROR, RV_ERROR_IO);
}

/* gnuplot ends with 0 on a full disk too: half a drawing must not pass for one. */
static void
test_full_disk (void)
{
  g_autoptr (RvFigure) figure = scatter (3, 0);
  g_autoptr (GError) error = NULL;
  g_autofree char *gnuplot = g_find_program_in_path ("gnuplot"),
                  *stem = g_build_filename (folder, "full", NULL), *png = g_strconcat (stem, ".png", NULL);
  struct rlimit before;
  if (!gnuplot)
    return;
  g_assert_cmpint (getrlimit (RLIMIT_FSIZE, &before), ==, 0);
  const struct rlimit little = { 15000, before.rlim_max };
  signal (SIGXFSZ, SIG_IGN); /* a write that fails, as on a full disk, and not the end */
  g_assert_cmpint (setrlimit (RLIMIT_FSIZE, &little), ==, 0);
  const gboolean written = rv_figure_write (figure, stem, &error);
  g_assert_cmpint (setrlimit (RLIMIT_FSIZE, &before), ==, 0);
  signal (SIGXFSZ, SIG_DFL);
  g_assert_false (written);
  g_assert_error (error, RV_ERROR, RV_ERROR_IO);
  g_assert_false (g_file_test (png, G_FILE_TEST_EXISTS));
}

static void
remove_folder (void)
{
  GDir *dir = g_dir_open (folder, 0, NULL);
  for (const char *name; dir && (name = g_dir_read_name (dir));)
    {
      g_autofree char *path = g_build_filename (folder, name, NULL);
      g_unlink (path);
    }
  g_clear_pointer (&dir, g_dir_close);
  g_rmdir (folder);
  g_free (folder);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  folder = g_dir_make_tmp ("ranvier-figure-XXXXXX", NULL);
  g_test_add_func ("/figure/bars", test_bars);
  g_test_add_func ("/figure/lines", test_lines);
  g_test_add_func ("/figure/nothing", test_nothing);
  g_test_add_func ("/figure/histogram", test_histogram);
  g_test_add_func ("/figure/band", test_band);
  g_test_add_func ("/figure/membrane", test_membrane);
  g_test_add_func ("/figure/scatter", test_scatter);
  g_test_add_func ("/figure/raster", test_raster);
  g_test_add_func ("/figure/maps", test_maps);
  g_test_add_func ("/figure/confusion", test_confusion);
  g_test_add_func ("/figure/panels", test_panels);
  g_test_add_func ("/figure/kept", test_kept);
  g_test_add_func ("/figure/unwritable", test_unwritable);
  g_test_add_func ("/figure/full-disk", test_full_disk);
  const int failed = g_test_run ();
  if (g_getenv ("RANVIER_KEEP_FIGURES"))
    g_test_message ("figures are in %s", folder);
  else
    remove_folder ();
  return failed;
}
