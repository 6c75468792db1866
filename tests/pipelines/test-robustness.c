/* The example in robustness.yaml: a share of the input that grows along an axis, of the test data alone; and an
 * attack beside its control. */
#include "support.h"
#include <math.h>

/* The rows of a CSV file, each a list of cells; the texts here have no commas. */
static GPtrArray *
read_table (const char *folder, const char *name)
{
  g_autofree char *path = g_build_filename (folder, "tables", name, NULL), *text = NULL;
  g_autoptr (GError) error = NULL;
  GPtrArray *rows = g_ptr_array_new_with_free_func ((GDestroyNotify)g_strfreev);
  g_file_get_contents (path, &text, NULL, &error);
  g_assert_no_error (error);
  g_auto (GStrv) lines = g_strsplit (g_strchomp (text), "\n", -1);
  for (char **line = lines; *line; line++)
    g_ptr_array_add (rows, g_strsplit (g_strchomp (*line), ",", -1));
  return rows;
}

static double
number (GPtrArray *rows, guint row, const char *column)
{
  char **head = rows->pdata[0], **cells = rows->pdata[row];
  for (guint k = 0; head[k]; k++)
    if (strcmp (head[k], column) == 0)
      return g_ascii_strtod (cells[k], NULL);
  g_error ("no column '%s'", column);
}

static void
test_example (void)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *folder = g_dir_make_tmp ("ranvier-XXXXXX", &error), *said = NULL, *complained = NULL,
                  *file = g_test_build_filename (G_TEST_DIST, "pipelines", "robustness.yaml", NULL);
  g_autofree char *line
      = g_strdup_printf ("'%s' run '%s' --fresh --out '%s'", g_getenv ("RANVIER_PROGRAM"), file, folder);
  int status = 0;
  g_spawn_command_line_sync (line, &said, &complained, &status, &error);
  g_assert_no_error (error);
  test_say (complained);
  g_assert_true (g_spawn_check_wait_status (status, NULL));
  g_assert_cmpuint (test_count (complained, "epoch 8/8"), ==, 1); /* trained once for all ratios */
  g_assert_nonnull (strstr (said, "control.samples.md"));         /* three hundred rows are not printed */
  g_autoptr (GPtrArray) drop = read_table (folder, "drop-table.csv"),
                        attack = read_table (folder, "attacked.summary.csv"),
                        control = read_table (folder, "control.summary.csv"),
                        after = read_table (folder, "after.accuracy.csv");
  const double clean = number (drop, 1, "accuracy mean");
  g_assert_cmpuint (drop->len, ==, 7);
  g_assert_cmpfloat (clean, >, 85.0);
  g_assert_cmpfloat (number (drop, 2, "accuracy mean"), <, clean - 5.0);
  g_assert_cmpfloat (number (drop, 3, "accuracy mean"), <, number (drop, 2, "accuracy mean"));
  g_assert_cmpfloat (fabs (number (drop, 6, "accuracy mean") - 50.0), <, 8.0); /* nothing is left to see */
  g_assert_cmpfloat (number (attack, 1, "success rate"), >, 99.0);
  g_assert_cmpfloat (number (attack, 1, "flipped share"), <, number (control, 1, "flipped share"));
  g_assert_cmpfloat (number (attack, 1, "flipped share median"), <,
                     number (control, 1, "flipped share median"));
  g_assert_cmpfloat (fabs (number (attack, 1, "wrong at start") - 3.0 * (100.0 - clean)), <, 1e-6);
  g_assert_cmpfloat (number (after, 1, "accuracy"), <, 1.0);
  test_remove (folder);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/robustness/example", test_example);
  return g_test_run ();
}
