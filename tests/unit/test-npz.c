/* .npz files: equal tensors make equal bytes, the members are what numpy reads (asked itself where it is
 * installed), and a failure leaves nothing behind. */
#include "data/npz.h"
#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <glib/gstdio.h>
#include <math.h>
#include <string.h>

static char *folder;
static const char *const names[] = { "layer 0/weight", "scalar", "vector" };

static void
write_example (const char *path)
{
  const uint32_t matrix_shape[] = { 2, 3 }, vector_shape[] = { 5000 };
  RvTensor *tensors[]
      = { rv_tensor_new (2, matrix_shape), rv_tensor_new (0, NULL), rv_tensor_new (1, vector_shape) };
  g_autoptr (GError) error = NULL;
  for (int k = 0; k < 6; k++)
    rv_tensor_data (tensors[0])[k] = (float)k + 0.5f;
  rv_tensor_data (tensors[1])[0] = -1e-40f; /* subnormal */
  for (int k = 0; k < 5000; k++)
    rv_tensor_data (tensors[2])[k] = (float)k;
  rv_npz_write (path, 3, names, tensors, &error);
  g_assert_no_error (error);
  for (int k = 0; k < 3; k++)
    rv_tensor_unref (tensors[k]);
}

static void
test_equal_bytes (void)
{
  g_autofree char *a = g_build_filename (folder, "a.npz", NULL),
                  *b = g_build_filename (folder, "b.npz", NULL);
  g_autofree char *first = NULL, *second = NULL;
  gsize n, m;
  write_example (a);
  g_usleep (1100000); /* past the next second: a time would show */
  write_example (b);
  g_assert_true (g_file_get_contents (a, &first, &n, NULL) && g_file_get_contents (b, &second, &m, NULL));
  g_assert_cmpmem (first, n, second, m);
  g_autofree char *part = g_strconcat (a, ".part", NULL);
  g_assert_false (g_file_test (part, G_FILE_TEST_EXISTS));
}

/* Checks the .npy bytes of a member and returns where its numbers begin. */
static const float *
check_header (const guint8 *bytes, size_t n, const char *shape, size_t count)
{
  g_assert_cmpuint (n, >=, 128);
  g_assert_cmpmem (bytes, 8, "\x93NUMPY\x01\x00", 8);
  const size_t start = 10 + bytes[8] + 256u * bytes[9];
  g_assert_cmpuint (start % 64, ==, 0);
  g_assert_cmpuint (n, ==, start + count * sizeof (float));
  g_assert_cmpint (bytes[start - 1], ==, '\n');
  g_autofree char *text = g_strndup ((const char *)bytes + 10, start - 11);
  g_autofree char *expected
      = g_strdup_printf ("{'descr': '<f4', 'fortran_order': False, 'shape': %s, }", shape);
  g_assert_cmpstr (g_strchomp (text), ==, expected);
  return (const float *)(const void *)(bytes + start);
}

static void
test_members (void)
{
  static const char *const shapes[] = { "(2, 3)", "()", "(5000,)" };
  static const size_t counts[] = { 6, 1, 5000 };
  g_autofree char *path = g_build_filename (folder, "a.npz", NULL);
  struct archive *zip = archive_read_new ();
  struct archive_entry *entry;
  write_example (path);
  archive_read_support_format_zip (zip);
  g_assert_cmpint (archive_read_open_filename (zip, path, 65536), ==, ARCHIVE_OK);
  for (int k = 0; k < 3; k++)
    {
      g_assert_cmpint (archive_read_next_header (zip, &entry), ==, ARCHIVE_OK);
      g_autofree char *name = g_strconcat (names[k], ".npy", NULL);
      g_assert_cmpstr (archive_entry_pathname (entry), ==, name);
      const size_t room = 128 + counts[k] * sizeof (float) + 1;
      g_autofree guint8 *bytes = g_malloc (room);
      const la_ssize_t n = archive_read_data (zip, bytes, room);
      g_assert_cmpint (n, >, 0);
      const float *values = check_header (bytes, (size_t)n, shapes[k], counts[k]);
      g_assert_cmpfloat (values[counts[k] - 1], ==, k == 0 ? 5.5f : k == 1 ? -1e-40f : 4999.0f);
    }
  g_assert_cmpint (archive_read_next_header (zip, &entry), ==, ARCHIVE_EOF);
  archive_read_free (zip);
}

/* Members are stored, not packed: method 0 in every local header. */
static void
test_stored (void)
{
  g_autofree char *path = g_build_filename (folder, "a.npz", NULL), *bytes = NULL;
  gsize n;
  write_example (path);
  g_assert_true (g_file_get_contents (path, &bytes, &n, NULL));
  g_assert_cmpmem (bytes, 4, "PK\x03\x04", 4);
  g_assert_cmpint (bytes[8], ==, 0);
  g_assert_cmpint (bytes[9], ==, 0);
  g_assert_nonnull (memmem (bytes, n, "\x93NUMPY", 6));
}

static void
test_numpy (void)
{
  g_autofree char *path = g_build_filename (folder, "a.npz", NULL), *said = NULL;
  char *probe[] = { "/usr/bin/python3", "-c", "import numpy", NULL };
  char *ask[] = { "/usr/bin/python3", "-c",
                  "import sys, numpy as np; z = np.load(sys.argv[1]); w = z['layer 0/weight']\n"
                  "print(sorted(z.files), w.dtype, w.shape, w.sum(), z['scalar'].shape, z['vector'].sum())",
                  path, NULL };
  const GSpawnFlags quiet = G_SPAWN_STDERR_TO_DEV_NULL;
  int status;
  if (!g_spawn_sync (NULL, probe, NULL, quiet, NULL, NULL, NULL, NULL, &status, NULL)
      || !g_spawn_check_wait_status (status, NULL))
    {
      g_test_skip ("no numpy");
      return;
    }
  write_example (path);
  g_assert_true (g_spawn_sync (NULL, ask, NULL, quiet, NULL, NULL, &said, NULL, &status, NULL));
  g_assert_true (g_spawn_check_wait_status (status, NULL));
  g_assert_cmpstr (g_strchomp (said), ==,
                   "['layer 0/weight', 'scalar', 'vector'] float32 (2, 3) 18.0 () 12497500.0");
}

static void
test_unwritable (void)
{
  g_autofree char *path = g_build_filename (folder, "missing", "a.npz", NULL);
  g_autoptr (GError) error = NULL;
  g_assert_false (rv_npz_write (path, 0, NULL, NULL, &error));
  g_assert_error (error, RV_ERROR, RV_ERROR_IO);
  g_assert_nonnull (strstr (error->message, "No such file"));
}

/* What stands at the place already stays as it is when the new file can not take its place. */
static void
test_failed_rename (void)
{
  g_autofree char *path = g_build_filename (folder, "taken", NULL),
                  *inside = g_build_filename (path, "x", NULL);
  g_autofree char *part = g_strconcat (path, ".part", NULL);
  g_autoptr (GError) error = NULL;
  g_assert_cmpint (g_mkdir (path, 0700), ==, 0);
  g_assert_cmpint (g_mkdir (inside, 0700), ==, 0);
  g_assert_false (rv_npz_write (path, 0, NULL, NULL, &error));
  g_assert_error (error, RV_ERROR, RV_ERROR_IO);
  g_assert_nonnull (strstr (error->message, g_strerror (EISDIR)));
  g_assert_false (g_file_test (part, G_FILE_TEST_EXISTS));
  g_assert_true (g_file_test (inside, G_FILE_TEST_IS_DIR));
  g_rmdir (inside);
  g_rmdir (path);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  folder = g_dir_make_tmp ("ranvier-npz-XXXXXX", NULL);
  g_test_add_func ("/npz/equal-bytes", test_equal_bytes);
  g_test_add_func ("/npz/members", test_members);
  g_test_add_func ("/npz/stored", test_stored);
  g_test_add_func ("/npz/numpy", test_numpy);
  g_test_add_func ("/npz/unwritable", test_unwritable);
  g_test_add_func ("/npz/failed-rename", test_failed_rename);
  const int failed = g_test_run ();
  for (int k = 0; k < 2; k++)
    {
      g_autofree char *path = g_build_filename (folder, k ? "b.npz" : "a.npz", NULL);
      g_unlink (path);
    }
  g_rmdir (folder);
  g_free (folder);
  return failed;
}
