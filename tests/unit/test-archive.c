/* The reader of containers on ones that are made here: all kinds give the same members, and what is damaged
 * or lies ends in a message with file, member and byte. */
#include "containers.h"
#include "support.h"
#include <ranvier/archive.h>
#include <unistd.h>

static const TestMember members[] = { { "Set/", "", 0 },
                                      { "Set/0/", "", 0 },
                                      { "Set/0/b.bin", "bytes of b", 10 },
                                      { "Set/.hidden", "no", 2 },
                                      { "Set/0/._b.bin", "no", 2 },
                                      { "Set/1/a.bin", "a", 1 },
                                      { "Set/1/empty.bin", "", 0 },
                                      { "Set/2/c.bin", "\0\1\2", 3 } };

typedef struct
{
  char *folder, *path;
} Place;

static void
set_up (Place *place, gconstpointer data)
{
  place->folder = g_dir_make_tmp ("ranvier-XXXXXX", NULL);
  place->path = g_build_filename (place->folder, "set", NULL);
}

static void
tear_down (Place *place, gconstpointer data)
{
  test_remove (place->folder);
  g_free (place->folder);
  g_free (place->path);
}

/* "name=bytes in hexadecimal;" for each member, or the message. */
static char *
listing (const char *path, gsize most)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GString) text = g_string_new ("");
  g_autoptr (RvArchive) archive = rv_archive_open (path, &error);
  for (const char *name; archive && !error && (name = rv_archive_next (archive, &error));)
    {
      const int64_t size = rv_archive_size (archive);
      g_autoptr (GBytes) bytes = rv_archive_read_all (archive, most, &error);
      if (!bytes)
        break;
      g_assert_true (size == -1 || size == (int64_t)g_bytes_get_size (bytes));
      g_string_append_printf (text, "%s=", name);
      for (gsize k = 0; k < g_bytes_get_size (bytes); k++)
        g_string_append_printf (text, "%02x", ((const guint8 *)g_bytes_get_data (bytes, NULL))[k]);
      g_string_append_c (text, ';');
    }
  if (error)
    {
      g_assert_error (error, RV_ERROR, RV_ERROR_DATA);
      g_assert_null (strpbrk (error->message, "\r\n"));
      g_string_append_printf (text, "! %s", error->message);
    }
  return g_string_free (g_steal_pointer (&text), FALSE);
}

static void
check (const Place *place, gsize most, const char *expected)
{
  g_autofree char *text = listing (place->path, most);
  const char *mark = strstr (text, "! ");
  if (mark && strstr (expected, "! "))
    {
      g_autofree char *pattern = g_strconcat ("*", expected, NULL);
      if (!g_pattern_match_simple (pattern, text))
        g_error ("'%s' does not match '%s'", text, pattern);
      g_assert_nonnull (strstr (mark, place->path));
    }
  else
    g_assert_cmpstr (text, ==, expected);
}

#define EXPECTED "0/b.bin=6279746573206f662062;1/a.bin=61;1/empty.bin=;2/c.bin=000102;"

/* The same with the name of the folder in front. */
static char *
expected_below (const char *folder)
{
  g_autoptr (GString) text = g_string_new ("");
  g_auto (GStrv) parts = g_strsplit (EXPECTED, ";", -1);
  for (char **part = parts; **part; part++)
    g_string_append_printf (text, "%s%s;", folder, *part);
  return g_string_free (g_steal_pointer (&text), FALSE);
}

static void
test_kinds (Place *place, gconstpointer data)
{
  g_autofree char *expected = expected_below ("Set/");
  const guint n = G_N_ELEMENTS (members);
  test_write (test_zip (members, n), place->path);
  check (place, 10, expected);
  test_write (test_tar (members, n), place->path);
  check (place, 10, expected);
  test_write (test_gzip (test_tar (members, n)), place->path);
  check (place, 10, expected);
  g_remove (place->path);
  test_unpack (members, n, place->path);
  check (place, 10, expected);
  g_free (place->path);
  place->path = g_build_filename (place->folder, "set", "Set", NULL);
  check (place, 10, EXPECTED);
}

static GByteArray *
plain (const char *text)
{
  GByteArray *bytes = g_byte_array_new ();
  test_put_text (bytes, text);
  return bytes;
}

/* A file by itself; gzip of several streams and with a tail of zeros, as tapes leave it. */
static void
test_single (Place *place, gconstpointer data)
{
  test_write (plain ("ab"), place->path);
  check (place, 2, "set=6162;");
  test_write (g_byte_array_new (), place->path);
  check (place, 2, "set=;");
  GByteArray *two = test_gzip (plain ("ab")), *second = test_gzip (plain ("c"));
  g_byte_array_append (two, second->data, second->len);
  test_put (two, 0, 8);
  g_byte_array_unref (second);
  g_free (place->path);
  place->path = g_build_filename (place->folder, "set.gz", NULL);
  test_write (two, place->path);
  check (place, 3, "set=616263;");
  test_write (test_gzip (g_byte_array_new ()), place->path);
  check (place, 0, "set=;");
}

static void
test_parts (Place *place, gconstpointer data)
{
  test_write (test_zip (members, G_N_ELEMENTS (members)), place->path);
  g_autoptr (GError) error = NULL;
  g_autoptr (RvArchive) archive = rv_archive_open (place->path, &error);
  char block[8];
  g_assert_cmpstr (rv_archive_next (archive, &error), ==, "Set/0/b.bin");
  g_assert_cmpint (rv_archive_read (archive, block, 6, &error), ==, 6);
  g_assert_cmpmem (block, 6, "bytes ", 6);
  g_assert_cmpint (rv_archive_read (archive, block, 8, &error), ==, 4);
  g_assert_cmpmem (block, 4, "of b", 4);
  g_assert_cmpint (rv_archive_read (archive, block, 8, &error), ==, 0);
  g_assert_no_error (error);
  rv_archive_fail (archive, 7, &error, "is %s", "wrong");
  g_autofree char *message = g_strdup_printf ("%s, member Set/0/b.bin, byte 7: is wrong", place->path);
  g_assert_error (error, RV_ERROR, RV_ERROR_DATA);
  g_assert_cmpstr (error->message, ==, message);
}

static GByteArray *
cut (GByteArray *bytes, guint n)
{
  return g_byte_array_set_size (bytes, n);
}

static GByteArray *
changed (GByteArray *bytes, guint at)
{
  g_assert_cmpuint (at, <, bytes->len);
  bytes->data[at] ^= 1;
  return bytes;
}

static void
test_damaged (Place *place, gconstpointer data)
{
  const TestMember one[] = { { "d/one.bin", "0123456789", 10 } };
  check (place, 9, "! * can not be read: No such file or directory");
  for (guint n = 3; n < 29; n++)
    {
      test_write (cut (test_gzip (plain ("0123456789")), n), place->path);
      check (place, 100, "! *: the gzip data is cut off");
    }
  test_write (changed (test_gzip (plain ("0123456789")), 25), place->path); /* the checksum */
  check (place, 100, "! *: the gzip data is damaged*");
  GByteArray *tail = test_gzip (plain ("0123456789"));
  test_put_text (tail, "tail");
  test_write (tail, place->path);
  check (place, 100, "! *: the gzip data is *");
  test_write (changed (test_zip (one, 1), 30 + 9 + 3), place->path);
  check (place, 100,
         "! *, member d/one.bin, byte *: ZIP bad CRC*; this member begins at byte 0 of the archive");
  test_write (cut (test_zip (one, 1), 60), place->path);
  check (place, 100, "! *: the archive can not be read*");
  test_write (cut (test_tar (one, 1), 512 + 4), place->path);
  check (place, 100, "! *, member d/one.bin, byte *");
  test_write (cut (test_gzip (test_tar (one, 1)), 60), place->path);
  check (place, 100, "! *: the gzip data is cut off");
}

/* Sizes that lie, and a member that is more than the caller takes: 4 MB of zeros in 4 kB. */
static void
test_lies (Place *place, gconstpointer data)
{
  const TestMember one[] = { { "d/one.bin", "0123456789", 10 } };
  for (guint k = 0; k < 2; k++)
    {
      GByteArray *zip = test_zip (one, 1);
      const guint directory = 30 + 9 + 10;
      zip->data[18 + 4 * k + 3] = zip->data[directory + 20 + 4 * k + 3] = 0x7f; /* 2 GB packed, or unpacked */
      test_write (zip, place->path);
      check (place, 100, "! *member d/one.bin, byte *");
    }
  GByteArray *zeros = g_byte_array_new ();
  g_byte_array_set_size (zeros, 4 << 20);
  memset (zeros->data, 0, zeros->len);
  test_write (test_gzip (zeros), place->path);
  check (place, 1000, "! *, byte 1000: goes on, although such a file has no more than 1000 bytes");
  test_write (test_zip (one, 1), place->path);
  check (place, 9, "! *, member d/one.bin, byte 9: goes on*");
}

/* Written to, replaced, or gone, while it is open. */
static void
test_replaced (Place *place, gconstpointer data)
{
  const TestMember two[] = { { "one.bin", "0123456789", 10 }, { "two.bin", "0123456789", 10 } };
  for (guint k = 0; k < 4; k++)
    {
      g_autoptr (GError) error = NULL;
      g_autofree char *other = g_strconcat (place->path, "-other", NULL);
      test_remove (place->path);
      test_write (k == 0   ? plain ("0123456789")
                  : k == 1 ? test_zip (two, 2)
                           : test_gzip (test_tar (two, 2)),
                  place->path);
      if (k == 3)
        {
          g_remove (place->path);
          test_unpack (two, 2, place->path);
        }
      g_autoptr (RvArchive) archive = rv_archive_open (place->path, &error);
      char block[5];
      g_assert_nonnull (rv_archive_next (archive, &error));
      g_assert_cmpint (rv_archive_read (archive, block, 5, &error), ==, 5);
      test_write (plain ("another"), other);
      g_autofree char *file
          = k == 3 ? g_build_filename (place->path, "one.bin", NULL) : g_strdup (place->path);
      g_assert_cmpint (g_rename (other, file), ==, 0);
      while (rv_archive_read (archive, block, 5, &error) > 0 || (!error && rv_archive_next (archive, &error)))
        ;
      g_assert_error (error, RV_ERROR, RV_ERROR_DATA);
      g_assert_nonnull (strstr (error->message, "replaced or written to while it was read"));
    }
}

static void
test_folder (Place *place, gconstpointer data)
{
  const TestMember one[] = { { "b/one.bin", "1", 1 } };
  g_autofree char *link = g_build_filename (place->path, "b", "a", NULL),
                  *nowhere = g_build_filename (place->path, "b", "nowhere", NULL),
                  *odd = g_build_filename (place->path, "two\nlines", NULL);
  test_unpack (one, 1, place->path);
  g_assert_cmpint (symlink ("..", link), ==, 0);
  g_assert_cmpint (symlink ("nothing", nowhere), ==, 0);
  check (place, 100, "b/one.bin=31;");
  test_write (plain ("1"), odd);
  check (place, 100, "! */two?lines: such a name is not read; rename it");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add ("/archive/kinds", Place, NULL, set_up, test_kinds, tear_down);
  g_test_add ("/archive/single", Place, NULL, set_up, test_single, tear_down);
  g_test_add ("/archive/parts", Place, NULL, set_up, test_parts, tear_down);
  g_test_add ("/archive/damaged", Place, NULL, set_up, test_damaged, tear_down);
  g_test_add ("/archive/lies", Place, NULL, set_up, test_lies, tear_down);
  g_test_add ("/archive/replaced", Place, NULL, set_up, test_replaced, tear_down);
  g_test_add ("/archive/folder", Place, NULL, set_up, test_folder, tear_down);
  return g_test_run ();
}
