/* The pipelines of the paper, and those with convolutions, from outside, each whole (-s scale=tiny) on data that is made here: that every file runs,
 * that every table has its rows and no failed cell, that every figure is there; and what `check` says of the scales
 * that people use. */
#include "paper/tiny.h"
#include "support.h"
#ifdef HAVE_HDF5
#include "plugins/spoken-file.h"
#endif

typedef struct
{
  const char *file;    /* below pipelines, without .yaml */
  const char *tables;  /* "NAME=ROWS ..." */
  const char *figures; /* "NAME ..." */
  gboolean spoken;     /* reads HDF5 */
} Paper;

static const Paper papers[] = {
  { "paper/table-6-xor", "table-6=6", "accuracy", FALSE },
  { "paper/table-6-shd", "table-6=6", "accuracy", TRUE },
  { "paper/table-6-ssc", "table-6=6", "accuracy", TRUE },
  { "paper/table-6-nmnist", "table-6=5", "accuracy", FALSE },
  { "paper/table-6-dvs", "table-6=5", "accuracy", FALSE },
  { "paper/table-6-mnist", "table-6=5", "accuracy", FALSE },
  { "paper/table-6-cifar10", "table-6=4", "accuracy", FALSE },
  { "paper/table-7-shd", "table-7=12", "accuracy", TRUE },
  { "paper/table-7-ssc", "table-7=12", "accuracy", TRUE },
  { "paper/table-7-nmnist", "table-7=11", "accuracy", FALSE },
  { "paper/table-7-dvs", "table-7=11", "accuracy", FALSE },
  { "paper/table-7-mnist", "table-7=11", "accuracy", FALSE },
  { "paper/table-7-cifar10", "table-7=11", "accuracy", FALSE },
  { "paper/figure-3", "", "figure-3/seed=1", FALSE },
  { "paper/figure-5", "flatness=3", "figure-5 contours", FALSE },
  { "paper/figure-6-table-9", "table-9=5", "figure-6/seed=1", FALSE },
  { "paper/figure-8", "perturbation=6 least=6 random=6", "figure-8", FALSE },
  { "paper/table-8", "table-8=10 compared=10", "", FALSE },
  { "paper/table-10", "table-10=5 compared/ratio=0.9=5", "table-10-all", FALSE },
  { "mnist-conv", "accuracy=1", "", FALSE },
  { "nmnist-conv", "accuracy=1", "", FALSE },
  { "dvsgesture-conv", "accuracy=1", "", FALSE },
  { "cifar10-conv", "accuracy=1", "", FALSE },
};

static char *folder, *pipelines;

/* Runs `ranvier VERB FILE ARGUMENTS`; what it said on both outputs goes to the test's log. */
static int
ranvier (const char *verb, const char *file, const char *arguments)
{
  g_autofree char *line
      = g_strdup_printf ("%s '%s/%s.yaml' --data '%s' %s", verb, pipelines, file, folder, arguments);
  return test_ranvier (NULL, line, NULL);
}

/* A table: its rows, and that no cell of it failed. */
static void
check_table (const char *run, const char *name, guint rows)
{
  g_autofree char *path = g_strdup_printf ("%s/tables/%s.csv", run, name), *text = NULL;
  g_autoptr (GError) error = NULL;
  g_file_get_contents (path, &text, NULL, &error);
  g_assert_no_error (error);
  g_auto (GStrv) lines = g_strsplit (g_strchomp (text), "\n", -1);
  g_test_message ("%s", text);
  g_assert_cmpuint (g_strv_length (lines), ==, rows + 1);
  g_assert_null (strstr (text, "failed"));
}

static void
test_whole (gconstpointer user)
{
  const Paper *p = user;
  g_autofree char *run = g_build_filename (folder, "runs", p->file, NULL);
  g_autofree char *arguments = g_strdup_printf ("-s scale=tiny --out '%s'", run);
#ifndef HAVE_HDF5
  if (p->spoken)
    {
      g_test_skip ("built without HDF5");
      return;
    }
#endif
  g_assert_cmpint (ranvier ("run", p->file, arguments), ==, 0);
  g_auto (GStrv) tables = g_strsplit (p->tables, " ", -1), figures = g_strsplit (p->figures, " ", -1);
  for (char **table = tables; *table; table++)
    {
      char *rows = strrchr (*table, '='); /* the name of a cell may have one too */
      *rows = '\0';
      check_table (run, *table, (guint)g_ascii_strtoull (rows + 1, NULL, 10));
    }
  for (char **figure = figures; *figure; figure++)
    {
      /* drawings need gnuplot, which may be missing; the script is always there */
      g_autofree char *script = g_strdup_printf ("%s/figures/%s.gp", run, *figure);
      g_assert_true (g_file_test (script, G_FILE_TEST_IS_REGULAR));
    }
}

static void
test_check (gconstpointer user)
{
  const Paper *p = user;
#ifndef HAVE_HDF5
  if (p->spoken)
    {
      g_test_skip ("built without HDF5");
      return;
    }
#endif
  g_assert_cmpint (ranvier ("check", p->file, ""), ==, 0);
  g_assert_cmpint (ranvier ("check", p->file, "-s scale=small"), ==, 0);
  g_assert_cmpint (ranvier ("check", p->file, "-s scale=large"), ==, 2);
}

/* Every file of the paper, and every one with convolutions, is in the table above. */
static void
test_all (void)
{
  guint n = 0;
  for (guint below = 0; below < 2; below++)
    {
      g_autofree char *path = g_build_filename (pipelines, below ? "paper" : "", NULL);
      g_autoptr (GDir) dir = g_dir_open (path, 0, NULL);
      g_assert_nonnull (dir);
      for (const char *name; (name = g_dir_read_name (dir));)
        {
          g_autofree char *file = g_strconcat (below ? "paper/" : "", name, NULL);
          gboolean known = FALSE;
          if (!below && !g_str_has_suffix (name, "-conv.yaml"))
            continue;
          for (gsize k = 0; k < G_N_ELEMENTS (papers); k++)
            known |= g_str_has_prefix (file, papers[k].file)
                     && g_str_equal (file + strlen (papers[k].file), ".yaml");
          if (!known)
            g_test_message ("pipelines/%s is not tested", file);
          g_assert_true (known);
          n++;
        }
    }
  g_assert_cmpuint (n, ==, G_N_ELEMENTS (papers));
}

#ifdef HAVE_HDF5
static void
tiny_spoken (void)
{
  static const char *const names[]
      = { "shd/shd_train.h5", "shd/shd_test.h5", "ssc/ssc_train.h5", "ssc/ssc_test.h5" };
  for (guint k = 0; k < G_N_ELEMENTS (names); k++)
    {
      WordFile f = { .n = 8, .keys = 10, .labels = 8, .speakers = 8 };
      g_autofree char *path = g_build_filename (folder, names[k], NULL), *below = g_path_get_dirname (path);
      for (guint w = 0; w < f.n; w++)
        f.words[w] = (Word){ .events = 8, .units_events = 8, .label = (int)(w % 4), .speaker = (int)(w / 4) };
      for (guint w = 0; w < f.n; w++)
        for (guint e = 0; e < 8; e++)
          {
            f.words[w].times[e] = 0.02 * e + 0.01;
            f.words[w].units[e] = (int)(150 * (w % 4) + tiny_draw (100 * k + w, e, 100) + 1);
          }
      g_mkdir_with_parents (below, 0700);
      write_words (&f, path);
    }
}
#endif

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  g_test_init (&argc, &argv, NULL);
  folder = g_dir_make_tmp ("ranvier-paper-XXXXXX", &error);
  g_assert_no_error (error);
  pipelines = g_build_filename (g_getenv ("G_TEST_SRCDIR"), "..", "pipelines", NULL);
  g_autofree char *kept = g_build_filename (folder, "kept", NULL);
  g_setenv ("XDG_STATE_HOME", kept, TRUE);
  g_setenv ("XDG_CACHE_HOME", kept, TRUE);
  tiny_nmnist (folder);
  tiny_mnist (folder);
  tiny_dvsgesture (folder);
  tiny_cifar10 (folder);
#ifdef HAVE_HDF5
  tiny_spoken ();
#endif
  g_test_add_func ("/paper/check/all", test_all);
  for (gsize k = 0; k < G_N_ELEMENTS (papers); k++)
    {
      const char *slash = strchr (papers[k].file, '/'), *name = slash ? slash + 1 : papers[k].file;
      const int group = (int)strcspn (name + strcspn (name, "-") + 1, "-") + 1
                        + (int)strcspn (name, "-"); /* "table-6" of "table-6-xor" */
      g_autofree char *check = g_strdup_printf ("/paper/check/%s", name),
                      *whole = slash ? g_strdup_printf ("/paper/whole/%.*s/%s", group, name, name)
                                     : g_strdup_printf ("/paper/whole/conv/%s", name);
      g_test_add_data_func (check, &papers[k], test_check);
      g_test_add_data_func (whole, &papers[k], test_whole);
    }
  const int result = g_test_run ();
  test_remove (folder);
  g_free (folder);
  g_free (pipelines);
  return result;
}
