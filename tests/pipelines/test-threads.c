/* Training gives the same bits for any number of threads, whatever the layer and the option of the trainer:
 * threads.yaml and threads-grid.yaml, whose models are compared byte by byte. */
#include "containers.h"
#include "support.h"

enum
{
  IMAGES = 90,
  PIXELS = 28
};

/* Ten kinds of noisy bars, in MNIST's files. */
static void
write_images (const char *folder)
{
  GByteArray *images = g_byte_array_new (), *labels = g_byte_array_new ();
  test_put_big (images, 2051, 4);
  test_put_big (images, IMAGES, 4);
  test_put_big (images, PIXELS, 4);
  test_put_big (images, PIXELS, 4);
  test_put_big (labels, 2049, 4);
  test_put_big (labels, IMAGES, 4);
  for (guint k = 0; k < IMAGES; k++)
    {
      test_put (labels, k % 10, 1);
      for (guint p = 0; p < PIXELS * PIXELS; p++)
        test_put (images, p / PIXELS / 3 == k % 10 ? (k * 131 + p * 37) % 256 : 0, 1);
    }
  g_autofree char *image_path = g_build_filename (folder, "train-images-idx3-ubyte", NULL);
  g_autofree char *label_path = g_build_filename (folder, "train-labels-idx1-ubyte", NULL);
  test_write (images, image_path);
  test_write (labels, label_path);
}

static void
run (const char *name, const char *folder, guint threads, const char *out)
{
  g_autofree char *file = g_test_build_filename (G_TEST_DIST, "pipelines", name, NULL);
  g_autofree char *line
      = g_strdup_printf ("run '%s' --fresh --threads %u --data '%s' --out '%s'", file, threads, folder, out);
  g_assert_cmpint (test_ranvier (NULL, line, NULL), ==, 0);
}

typedef struct
{
  const char *other;
  guint models;
} Comparison;

static void
compare (const char *root, const char *name, gpointer user)
{
  Comparison *comparison = user;
  g_autofree char *path = g_build_filename (root, name, NULL);
  g_autofree char *other = g_build_filename (comparison->other, name, NULL);
  g_autofree char *a = NULL, *b = NULL;
  gsize n = 0, m = 0;
  g_autoptr (GError) error = NULL;
  if (!g_str_has_suffix (name, "checkpoint.npz"))
    return;
  comparison->models++;
  g_assert_true (g_file_get_contents (path, &a, &n, &error));
  g_assert_true (g_file_get_contents (other, &b, &m, &error));
  if (n != m || memcmp (a, b, n) != 0)
    g_error ("%s: other bits than with one thread", other);
}

typedef struct
{
  const char *file;
  guint models;     /* last and best of each cell */
  guint threads[6]; /* ends with 0 */
} Study;

static void
test_threads (gconstpointer user)
{
  const Study *study = user;
  g_autoptr (GError) error = NULL;
  g_autofree char *folder = g_dir_make_tmp ("ranvier-XXXXXX", &error);
  g_autofree char *kept = g_build_filename (folder, "kept", NULL);
  g_autofree char *first = g_build_filename (folder, "out-1", NULL);
  g_setenv ("XDG_STATE_HOME", kept, TRUE);
  g_setenv ("XDG_CACHE_HOME", kept, TRUE);
  write_images (folder);
  for (const guint *threads = study->threads; *threads; threads++)
    {
      g_autofree char *name = g_strdup_printf ("out-%u", *threads);
      g_autofree char *out = g_build_filename (folder, name, NULL);
      Comparison comparison = { out, 0 };
      run (study->file, folder, *threads, out);
      test_walk (first, "models", compare, &comparison);
      g_assert_cmpuint (comparison.models, ==, study->models);
    }
  test_remove (folder);
}

int
main (int argc, char **argv)
{
  static const Study options = { "threads.yaml", 2 * 8 * 7, { 1, 2, 3, 4, 7 } },
                     grid = { "threads-grid.yaml", 2 * 4, { 1, 2, 3 } };
  g_test_init (&argc, &argv, NULL);
  g_test_add_data_func ("/threads/options", &options, test_threads);
  g_test_add_data_func ("/threads/grid", &grid, test_threads);
  return g_test_run ();
}
