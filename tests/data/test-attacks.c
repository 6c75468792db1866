/* Attacks on real recordings: N-MNIST, with the network of pipelines/nmnist.yaml after a short training. Every
 * recording is flipped, and a careful gradient takes less than half of what chance takes. Skipped, saying so,
 * without RANVIER_TEST_DATA. */
#include "support.h"

#define ATTACKS                                                                                              \
  "include: ['%s']\n"                                                                                        \
  "nodes:\n"                                                                                                 \
  "  liang: {use: attack/spike-gradient, model: fit.last, data: test, samples: 30}\n"                        \
  "  fine: {use: attack/spike-gradient, model: fit.last, data: test, samples: 30, gradient-threshold: 1, "   \
  "sampling: 0.03}\n"                                                                                        \
  "  control: {use: attack/random-flip, model: fit.last, data: test, samples: 30}\n"

/* Column `name` of the only row. */
static double
number (const char *folder, const char *table, const char *name)
{
  g_autofree char *file = g_strconcat (table, ".summary/seed=1.csv", NULL),
                  *path = g_build_filename (folder, "tables", file, NULL), *text = NULL;
  g_assert_true (g_file_get_contents (path, &text, NULL, NULL));
  g_auto (GStrv) lines = g_strsplit (text, "\n", 3);
  g_auto (GStrv) head = g_strsplit (g_strchomp (lines[0]), ",", -1), cells = g_strsplit (lines[1], ",", -1);
  for (guint k = 0; head[k]; k++)
    if (strcmp (head[k], name) == 0)
      return g_ascii_strtod (cells[k], NULL);
  g_error ("%s has no column '%s'", file, name);
}

static void
test_nmnist (void)
{
  const char *root = g_getenv ("RANVIER_TEST_DATA");
  g_autofree char *data = root && *root ? g_build_filename (root, "nmnist", NULL) : NULL;
  if (!data || !g_file_test (data, G_FILE_TEST_IS_DIR))
    {
      g_test_skip ("RANVIER_TEST_DATA names no folder with nmnist");
      return;
    }
  g_autoptr (GError) error = NULL;
  g_autofree char *folder = g_dir_make_tmp ("ranvier-XXXXXX", &error), *said = NULL, *complained = NULL;
  g_autofree char *whole = g_test_build_filename (G_TEST_DIST, "..", "pipelines", "nmnist.yaml", NULL),
                  *text = g_strdup_printf (ATTACKS, whole),
                  *file = g_build_filename (folder, "attacks.yaml", NULL),
                  *out = g_build_filename (folder, "out", NULL);
  g_file_set_contents (file, text, -1, &error);
  g_assert_no_error (error);
  g_autofree char *line
      = g_strdup_printf ("'%s' run '%s' --fresh --data '%s' --out '%s' -s seed=1 -s epochs=5",
                         g_getenv ("RANVIER_PROGRAM"), file, root, out);
  int status = 0;
  g_spawn_command_line_sync (line, &said, &complained, &status, &error);
  g_assert_no_error (error);
  test_say (complained);
  g_assert_true (g_spawn_check_wait_status (status, NULL));
  const double liang = number (out, "liang", "flipped share"), fine = number (out, "fine", "flipped share"),
               chance = number (out, "control", "flipped share");
  g_test_message ("flipped share: %g as published, %g with finer steps, %g by chance", liang, fine, chance);
  g_assert_cmpfloat (number (out, "liang", "attacked"), >=, 15.0);
  g_assert_cmpfloat (number (out, "liang", "success rate"), ==, 100.0);
  g_assert_cmpfloat (number (out, "fine", "success rate"), ==, 100.0);
  g_assert_cmpfloat (liang, <, 0.1);
  g_assert_cmpfloat (2.0 * fine, <, chance);
  test_remove (folder);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/attacks/nmnist", test_nmnist);
  return g_test_run ();
}
