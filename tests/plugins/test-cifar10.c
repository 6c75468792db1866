/* dataset/cifar10 on archives and folders that are made here, byte by byte, good ones and wrong ones. */
#include "support.h"
#include "load.h"
#include <archive.h>
#include <archive_entry.h>

#define RECORD 3073
#define PER_BATCH 4

typedef struct
{
  char *folder, *archive, *text;
} Place;

static void
set_up (Place *place, gconstpointer data)
{
  place->folder = g_dir_make_tmp ("ranvier-XXXXXX", NULL);
  place->archive = g_build_filename (place->folder, "cifar-10-binary.tar.gz", NULL);
  place->text = g_strdup_printf ("{use: dataset/cifar10, folder: %s}", place->folder);
}

static void
tear_down (Place *place, gconstpointer data)
{
  test_remove (place->folder);
  g_free (place->folder);
  g_free (place->archive);
  g_free (place->text);
}

/* The files of a set in the order of an archive, which is not the order of the batches. */
typedef struct
{
  const char *name;
  GByteArray *bytes;
} Member;

#define MEMBERS 7

/* Pixel k of record r in batch b. */
static guint8
pixel (guint b, guint r, guint k)
{
  return (guint8)(b * 31 + r * 7 + k * 13 + k / 1024);
}

static void
make (Member members[MEMBERS])
{
  static const char *const names[]
      = { "data_batch_2.bin", "batches.meta.txt", "data_batch_1.bin", "data_batch_5.bin",
          "test_batch.bin",   "data_batch_4.bin", "data_batch_3.bin" };
  for (guint m = 0; m < MEMBERS; m++)
    {
      members[m] = (Member){ names[m], g_byte_array_new () };
      if (m == 1)
        {
          const char *text = "airplane\nautomobile\nbird\ncat\ndeer\ndog\nfrog\nhorse\nship\ntruck\n\n";
          g_byte_array_append (members[m].bytes, (const guint8 *)text, (guint)strlen (text));
          continue;
        }
      const guint b = m == 4 ? 0 : (guint)(names[m][11] - '0');
      for (guint r = 0; r < PER_BATCH; r++)
        {
          guint8 record[RECORD] = { (guint8)((b + r) % 10) };
          for (guint k = 0; k < RECORD - 1; k++)
            record[1 + k] = pixel (b, r, k);
          g_byte_array_append (members[m].bytes, record, RECORD);
        }
    }
}

static void
free_members (Member members[MEMBERS])
{
  for (guint m = 0; m < MEMBERS; m++)
    g_byte_array_unref (members[m].bytes);
}

/* Those with bytes; `twice` is written once more at the end. */
static void
write_archive (const Place *place, const Member members[MEMBERS], const char *twice)
{
  struct archive *tar = archive_write_new ();
  archive_write_add_filter_gzip (tar);
  archive_write_set_format_ustar (tar);
  g_assert_cmpint (archive_write_open_filename (tar, place->archive), ==, ARCHIVE_OK);
  for (guint m = 0; m < 2 * MEMBERS; m++)
    {
      const Member *member = &members[m % MEMBERS];
      struct archive_entry *entry = archive_entry_new ();
      g_autofree char *path = g_strconcat ("cifar-10-batches-bin/", member->name, NULL);
      archive_entry_set_pathname (entry, path);
      archive_entry_set_size (entry, member->bytes->len);
      archive_entry_set_filetype (entry, AE_IFREG);
      archive_entry_set_perm (entry, 0644);
      if ((m < MEMBERS && member->bytes->len) || (m >= MEMBERS && twice && g_str_equal (twice, member->name)))
        {
          g_assert_cmpint (archive_write_header (tar, entry), ==, ARCHIVE_OK);
          archive_write_data (tar, member->bytes->data, member->bytes->len);
        }
      archive_entry_free (entry);
    }
  g_assert_cmpint (archive_write_free (tar), ==, ARCHIVE_OK);
}

static void
check_train (const char *text)
{
  g_auto (TestLoaded) loaded = test_load (text);
  g_auto (RvRecording) r = { 0 };
  g_assert_no_error (loaded.error);
  const RvDatasetSpec *spec = rv_dataset_spec (loaded.data);
  g_assert_cmpuint (spec->samples, ==, 5 * PER_BATCH);
  g_assert_cmpmem (spec->dims, 12, ((uint32_t[]){ 3, 32, 32 }), 12);
  g_assert_cmpstr (spec->classes_names[9], ==, "truck");
  for (uint32_t id = 0; id < spec->samples; id++)
    {
      const guint b = 1 + id / PER_BATCH, n = id % PER_BATCH;
      g_assert_true (rv_dataset_read (loaded.data, 0, id, &r, NULL));
      g_assert_cmpuint (r.label, ==, (b + n) % 10);
      for (guint k = 0; k < RECORD - 1; k++)
        g_assert_cmpfloat (r.values[k], ==, (float)pixel (b, n, k) / 255.0f);
    }
}

static void
test_good (Place *place, gconstpointer user)
{
  Member members[MEMBERS];
  make (members);
  write_archive (place, members, NULL);
  check_train (place->text);
  g_autofree char *test = g_strdup_printf (
      "{use: dataset/cifar10, folder: %s, split: test, classes: [bird, cat]}", place->folder);
  g_auto (TestLoaded) loaded = test_load (test);
  g_assert_no_error (loaded.error);
  g_assert_cmpuint (rv_dataset_spec (loaded.data)->samples, ==, 2); /* labels 0 to 3 */
  free_members (members);
}

/* The folder as it was unpacked, found one below, and with classes that have names of their own. */
static void
test_folder (Place *place, gconstpointer user)
{
  Member members[MEMBERS];
  g_autofree char *inside = g_build_filename (place->folder, "cifar-10-batches-bin", NULL);
  g_mkdir (inside, 0755);
  make (members);
  for (guint m = 0; m < MEMBERS; m++)
    {
      g_autofree char *path = g_build_filename (inside, members[m].name, NULL);
      g_file_set_contents (path, (char *)members[m].bytes->data, members[m].bytes->len, NULL);
    }
  check_train (place->text);
  g_autofree char *gone = g_build_filename (inside, "data_batch_3.bin", NULL);
  g_remove (gone);
  test_refused (place->text, FALSE, "cifar-10-batches-bin/data_batch_3.bin can not be read");
  free_members (members);
}

static void
refuse (Place *place, Member members[MEMBERS], const char *twice, const char *words)
{
  write_archive (place, members, twice);
  test_refused (place->text, TRUE, words);
  free_members (members);
}

static void
test_wrong (Place *place, gconstpointer user)
{
  Member members[MEMBERS];
  test_refused (place->text, FALSE, "neither cifar-10-binary.tar.gz nor data_batch_1.bin");
  make (members);
  members[0].bytes->data[2 * RECORD] = 10;
  refuse (place, members, NULL,
          "cifar-10-binary.tar.gz, member cifar-10-batches-bin/data_batch_2.bin, byte 6146: label of record "
          "2 is 10");
  make (members);
  g_byte_array_set_size (members[3].bytes, 2 * RECORD - 1);
  refuse (place, members, NULL,
          "data_batch_5.bin, byte 3073: it has 6145 bytes, which are no whole records of 3073: it is cut off");
  make (members);
  g_byte_array_set_size (members[5].bytes, 0);
  refuse (place, members, NULL, "holds no data_batch_4.bin");
  make (members);
  refuse (place, members, "data_batch_1.bin", "data_batch_1.bin: the archive holds it twice");
  make (members);
  g_byte_array_set_size (members[1].bytes, 20);
  refuse (place, members, NULL, "batches.meta.txt: it names 2 classes, not 10");
  make (members);
  g_byte_array_set_size (members[6].bytes, 10001 * RECORD);
  memset (members[6].bytes->data, 0, members[6].bytes->len);
  refuse (place, members, NULL, "data_batch_3.bin|30730000");
}

/* Cut off and damaged archives: packed bytes changed one after the other are refused or, where they are not
 * part of the content, read. */
static void
test_damage (Place *place, gconstpointer user)
{
  Member members[MEMBERS];
  g_autofree char *bytes = NULL;
  gsize n;
  guint refused = 0;
  make (members);
  write_archive (place, members, NULL);
  free_members (members);
  g_assert_true (g_file_get_contents (place->archive, &bytes, &n, NULL));
  for (gsize length = n - 9; length > 0; length /= 3)
    {
      g_file_set_contents (place->archive, bytes, (gssize)length, NULL);
      g_auto (TestLoaded) loaded = test_load (place->text);
      g_assert_nonnull (loaded.error);
      g_assert_nonnull (strstr (loaded.error->message, "cifar-10-binary.tar.gz"));
    }
  for (gsize at = 0; at < n; at += 1 + n / 60)
    {
      bytes[at] ^= 0x20;
      g_file_set_contents (place->archive, bytes, (gssize)n, NULL);
      g_auto (TestLoaded) loaded = test_load (place->text);
      g_assert_true ((loaded.data != NULL) == (loaded.error == NULL));
      refused += loaded.error != NULL;
      bytes[at] ^= 0x20;
    }
  g_assert_cmpuint (refused, >, 50);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add ("/cifar10/good", Place, NULL, set_up, test_good, tear_down);
  g_test_add ("/cifar10/folder", Place, NULL, set_up, test_folder, tear_down);
  g_test_add ("/cifar10/wrong", Place, NULL, set_up, test_wrong, tear_down);
  g_test_add ("/cifar10/damage", Place, NULL, set_up, test_damage, tear_down);
  return g_test_run ();
}
