/* Tables: what is set comes back, empty cells stay empty, and CSV and Markdown hold up against every character that
 * means something in them. */
#include <ranvier/table.h>
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

static void
test_latex (void)
{
  g_autoptr (RvTable) table = rv_table_new ("100 % of $x_1$ & {more}");
  rv_table_add_column (table, "a_b", RV_COLUMN_TEXT, 0);
  rv_table_add_column (table, "n", RV_COLUMN_REAL, 1);
  rv_table_add_row (table);
  rv_table_set_text (table, 0, 0, "\\~^# 71.4 \xc2\xb1 2.0");
  rv_table_set_real (table, 0, 1, -1.25);
  rv_table_add_note (table, "read_me");
  g_autofree char *text = rv_table_to_latex (table);
  g_assert_cmpstr (text, ==,
                   "% needs \\usepackage{booktabs}\n\\begin{table}\n  \\centering\n"
                   "  \\caption{100 \\% of \\$x\\_1\\$ \\& \\{more\\}}\n  \\begin{tabular}{lr}\n    \\toprule\n"
                   "    a\\_b & n \\\\\n    \\midrule\n"
                   "    \\textbackslash{}\\textasciitilde{}\\textasciicircum{}\\# 71.4 $\\pm$ 2.0 & $-$1.2 \\\\\n"
                   "    \\bottomrule\n  \\end{tabular}\n\n  {\\footnotesize read\\_me\\par}\n\\end{table}\n");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/table/cells", test_cells);
  g_test_add_func ("/table/late-column", test_late_column);
  g_test_add_func ("/table/csv", test_csv);
  g_test_add_func ("/table/markdown", test_markdown);
  g_test_add_func ("/table/latex", test_latex);
  return g_test_run ();
}
