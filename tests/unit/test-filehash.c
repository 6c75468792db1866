/* Digests of files: right, remembered by what tells a file apart, and read again when asked. */
#include "base/filehash.h"
#include <glib/gstdio.h>
#include <string.h>

#define LARGE (5 << 20) /* small files are never remembered */

static char *folder;

static char *
write_file (const char *name, gsize length, char fill)
{
  g_autofree char *text = g_malloc (length);
  g_autoptr (GError) error = NULL;
  char *path = g_build_filename (folder, name, NULL);
  if (length > 0)
    memset (text, fill, length);
  g_file_set_contents (path, text, (gssize)length, &error);
  g_assert_no_error (error);
  return path;
}

static void
expect (const char *path, gboolean again, const char *digest)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *found = rv_file_hash (path, again, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (found, ==, digest);
}

static char *
digest_of (const char *path)
{
  g_autofree char *text = NULL;
  gsize length;
  g_assert_true (g_file_get_contents (path, &text, &length, NULL));
  return g_compute_checksum_for_data (G_CHECKSUM_SHA256, (guchar *)text, length);
}

static void
test_right (void)
{
  g_autofree char *small = write_file ("small", 3, 'a'), *empty = write_file ("empty", 0, 'a');
  expect (small, FALSE, "9834876dcfb05cb167a5c24953eba58c4ac89b1adf57f28f2f9d09af107ee8f0");
  expect (empty, FALSE, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  g_autoptr (GError) error = NULL;
  g_assert_null (rv_file_hash ("/nowhere/at/all", FALSE, &error));
  g_assert_error (error, RV_ERROR, RV_ERROR_IO);
}

/* The memory is believed, which shows when it lies; a file that changed is another file. */
static void
test_remembered (void)
{
  g_autofree char *path = write_file ("large", LARGE, 'b'), *real = digest_of (path);
  g_autofree char *memory = g_build_filename (folder, "ranvier", "hashes", NULL), *text = NULL;
  g_autofree char *lie = g_strnfill (64, '0');
  g_usleep (2200000); /* younger files might change unseen, and are not remembered */
  expect (path, FALSE, real);
  g_assert_true (g_file_get_contents (memory, &text, NULL, NULL));
  char *at = strstr (text, real);
  g_assert_nonnull (at);
  memcpy (at, lie, 64);
  g_assert_true (g_file_set_contents (memory, text, -1, NULL));
  expect (path, FALSE, lie);
  expect (path, TRUE, real);
  g_free (write_file ("large", LARGE, 'c'));
  g_autofree char *other = digest_of (path);
  expect (path, FALSE, other);
}

static char *
hash_files (const char *first, const char *second, gboolean again)
{
  g_autoptr (GPtrArray) names = g_ptr_array_new ();
  g_autoptr (GError) error = NULL;
  g_ptr_array_add (names, (char *)first);
  if (second)
    g_ptr_array_add (names, (char *)second);
  char *digest = rv_files_hash (folder, names, again, &error);
  g_assert_no_error (error);
  return digest;
}

/* Files of a folder, by name and content. They are old enough here, and so remembered as one. */
static void
test_files (void)
{
  g_autofree char *both = hash_files ("one", "two", FALSE), *first = hash_files ("one", NULL, FALSE);
  g_autofree char *memory = g_build_filename (folder, "ranvier", "hashes", NULL), *text = NULL;
  g_autofree char *lie = g_strnfill (64, '0');
  g_assert_cmpstr (both, !=, first);
  g_assert_true (g_file_get_contents (memory, &text, NULL, NULL));
  char *at = strstr (text, both);
  g_assert_nonnull (at);
  memcpy (at, lie, 64);
  g_assert_true (g_file_set_contents (memory, text, -1, NULL));
  g_autofree char *believed = hash_files ("one", "two", FALSE), *again = hash_files ("one", "two", TRUE);
  g_assert_cmpstr (believed, ==, lie);
  g_assert_cmpstr (again, ==, both);
  g_free (write_file ("two", 3, 'x'));
  g_autofree char *changed = hash_files ("one", "two", FALSE);
  g_assert_cmpstr (changed, !=, both);
  g_assert_cmpstr (changed, !=, lie);
  g_autofree char *one = g_build_filename (folder, "one", NULL),
                  *three = g_build_filename (folder, "three", NULL);
  g_assert_cmpint (g_rename (one, three), ==, 0);
  g_autofree char *renamed = hash_files ("three", NULL, FALSE);
  g_assert_cmpstr (renamed, !=, first);
  g_autoptr (GPtrArray) missing = g_ptr_array_new ();
  g_autoptr (GError) error = NULL;
  g_ptr_array_add (missing, (char *)"one");
  g_assert_null (rv_files_hash (folder, missing, FALSE, &error));
  g_assert_error (error, RV_ERROR, RV_ERROR_IO);
}

int
main (int argc, char **argv)
{
  folder = g_dir_make_tmp ("ranvier-XXXXXX", NULL);
  g_setenv ("XDG_CACHE_HOME", folder, TRUE);
  g_free (write_file ("one", 3, '1'));
  g_free (write_file ("two", 3, '2'));
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/filehash/right", test_right);
  g_test_add_func ("/filehash/remembered", test_remembered);
  g_test_add_func ("/filehash/files", test_files);
  const int code = g_test_run ();
  static const char *const names[]
      = { "small", "empty", "large", "two", "three", "ranvier/hashes", "ranvier", "" };
  for (guint k = 0; k < G_N_ELEMENTS (names); k++)
    {
      g_autofree char *path = g_build_filename (folder, names[k], NULL);
      g_remove (path);
    }
  return code;
}
