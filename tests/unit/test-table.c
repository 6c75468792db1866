/* Tables and figures: what is set comes back, empty cells stay empty, and CSV, Markdown and gnuplot files
 * hold up against every character that means something in them. */
#include <ranvier/table.h>
#include <glib/gstdio.h>
#include <math.h>
#include <string.h>

static RvTable *
example (void)
{
  RvTable *table = rv_table_new ("Accuracy");
  rv_table_add_column (table, "variant", RV_COLUMN_TEXT, 0);
  rv_table_add_column (table, "mean", RV_COLUMN_REAL, 1);
  rv_table_add_column (table, "n", RV_COLUMN_INT, 0);
  rv_table_add_row (table);
  rv_table_add_row (table);
  rv_table_set_text (table, 0, 0, "base, \"line\"");
  rv_table_set_real (table, 0, 1, 77.46);
  rv_table_set_int (table, 0, 2, 5);
  rv_table_set_text (table, 1, 0, "é");
  return table;
}

static void
test_cells (void)
{
  g_autoptr (RvTable) table = example ();
  g_autofree char *shown = rv_table_get_text (table, 0, 1), *empty = rv_table_get_text (table, 1, 1);
  g_assert_cmpuint (rv_table_rows (table), ==, 2);
  g_assert_cmpuint (rv_table_columns (table), ==, 3);
  g_assert_cmpint (rv_table_find_column (table, "n"), ==, 2);
  g_assert_cmpint (rv_table_find_column (table, "m"), ==, -1);
  g_assert_cmpstr (shown, ==, "77.5");
  g_assert_cmpstr (empty, ==, "");
  g_assert_cmpfloat (rv_table_get_real (table, 0, 1), ==, 77.46);
  g_assert_cmpfloat (rv_table_get_real (table, 0, 2), ==, 5.0);
  g_assert_true (isnan (rv_table_get_real (table, 0, 0)));
  g_assert_true (isnan (rv_table_get_real (table, 1, 2)));
  rv_table_set_real (table, 0, 1, NAN);
  rv_table_set_text (table, 0, 0, NULL);
  g_assert_true (isnan (rv_table_get_real (table, 0, 1)));
  g_autofree char *cleared = rv_table_get_text (table, 0, 0);
  g_assert_cmpstr (cleared, ==, "");
}

/* A column that comes after the rows is empty in them. */
static void
test_late_column (void)
{
  g_autoptr (RvTable) table = example ();
  const uint32_t late = rv_table_add_column (table, "late", RV_COLUMN_REAL, -1);
  g_assert_true (isnan (rv_table_get_real (table, 0, late)));
  rv_table_set_real (table, 1, late, 0.125);
  g_autofree char *text = rv_table_get_text (table, 1, late);
  g_assert_cmpstr (text, ==, "0.125");
}

static void
test_csv (void)
{
  g_autoptr (RvTable) table = example ();
  g_autofree char *csv = rv_table_to_csv (table);
  g_assert_cmpstr (csv, ==, "variant,mean,n\n\"base, \"\"line\"\"\",77.46,5\né,,\n");
}

static void
test_markdown (void)
{
  g_autoptr (RvTable) table = example ();
  rv_table_add_note (table, "selected on test");
  rv_table_add_note (table, "selected on test");
  g_assert_cmpuint (g_strv_length ((char **)rv_table_notes (table)), ==, 1);
  g_autofree char *text = rv_table_to_markdown (table);
  g_assert_cmpstr (text, ==,
                   "**Accuracy**\n\n"
                   "| variant      | mean |   n |\n"
                   "| ------------ | ---: | --: |\n"
                   "| base, \"line\" | 77.5 |   5 |\n"
                   "| é            |      |     |\n"
                   "\nselected on test\n");
}

/* ---- figures */

static char *folder;

static char *
read_beside (const char *stem, const char *ending)
{
  g_autofree char *path = g_strconcat (stem, ending, NULL);
  char *text = NULL;
  g_file_get_contents (path, &text, NULL, NULL);
  return text;
}

/* Writes the figure; if gnuplot is here, both pictures must come out. */
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
  g_autofree char *data = read_beside (stem, ".dat"), *script = read_beside (stem, ".gp");
  g_assert_cmpstr (
      data, ==,
      "# x y low high label\n# this run\n0 77.5 70 80 \"base_line\"\n1 NaN NaN NaN \"10 % 'leak'\"\n"
      "2 98 NaN NaN \"with recurrence\"\n\n\n# paper's\n2 98.9 NaN NaN \"with recurrence\"\n");
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

static void
test_histogram_and_nothing (void)
{
  for (int type = RV_FIGURE_LINE; type <= RV_FIGURE_HISTOGRAM; type++)
    {
      g_autoptr (RvFigure) nothing = rv_figure_new (type, "Nothing", NULL, NULL);
      g_free (write_figure (nothing, "nothing"));
      rv_series_add (rv_figure_add_series (nothing, "NaN"), "a", 1, NAN, NAN, NAN);
      rv_figure_set_line (nothing, 3, NULL);
      g_free (write_figure (nothing, "nan"));
    }
  g_autoptr (RvFigure) figure = rv_figure_new (RV_FIGURE_HISTOGRAM, "Rates", "rate", "neurons");
  for (int s = 0; s < 2; s++)
    {
      RvSeries *series = rv_figure_add_series (figure, s ? "layer 1" : "layer 0");
      for (int k = 0; k < 10; k++)
        rv_series_add (series, NULL, 0.1 * k, s ? k : 10 - k, NAN, NAN);
    }
  g_free (write_figure (figure, "histogram"));
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
  folder = g_dir_make_tmp ("ranvier-table-XXXXXX", NULL);
  g_test_add_func ("/table/cells", test_cells);
  g_test_add_func ("/table/late-column", test_late_column);
  g_test_add_func ("/table/csv", test_csv);
  g_test_add_func ("/table/markdown", test_markdown);
  g_test_add_func ("/figure/bars", test_bars);
  g_test_add_func ("/figure/lines", test_lines);
  g_test_add_func ("/figure/histogram-and-nothing", test_histogram_and_nothing);
  g_test_add_func ("/figure/unwritable", test_unwritable);
  const int failed = g_test_run ();
  if (g_getenv ("RANVIER_KEEP_FIGURES"))
    g_test_message ("figures are in %s", folder);
  else
    remove_folder ();
  return failed;
}
