/* A fuzz target over what was found so far, with the ordinary compiler: each file of its corpus; for
 * pipelines also the broken ones and those that ship. */
#include <glib.h>

int LLVMFuzzerTestOneInput (const guint8 *data, gsize size);

static void
test_file (gconstpointer path)
{
  g_autofree char *text = NULL;
  g_autoptr (GError) error = NULL;
  gsize length;

  g_file_get_contents (path, &text, &length, &error);
  g_assert_no_error (error);
  LLVMFuzzerTestOneInput ((const guint8 *)text, length);
}

static void
add_folder (const char *folder, const char *name)
{
  g_autofree char *path = g_test_build_filename (G_TEST_DIST, folder, NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (GDir) dir = g_dir_open (path, 0, &error);
  guint n = 0;

  g_assert_no_error (error);
  for (const char *entry; (entry = g_dir_read_name (dir)) != NULL;)
    {
      g_autofree char *test = g_strdup_printf ("/corpus/%s/%s", name, entry);
      char *file = g_build_filename (path, entry, NULL);

      if (!g_file_test (file, G_FILE_TEST_IS_REGULAR))
        {
          g_free (file);
          continue;
        }
      g_test_add_data_func_full (test, file, test_file, g_free);
      n++;
    }
  g_assert_cmpuint (n, >, 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  add_folder ("fuzz/corpus/" CORPUS, CORPUS);
  if (g_str_equal (CORPUS, "pipeline"))
    {
      add_folder ("broken/pipelines", "broken");
      add_folder ("../pipelines", "pipelines");
    }
  return g_test_run ();
}
