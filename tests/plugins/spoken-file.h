/* Small HDF5 files in the layout of SHD and SSC, with room for all that can be wrong in one. */
#ifndef TEST_SPOKEN_FILE_H
#define TEST_SPOKEN_FILE_H

#include <archive.h>
#include <archive_entry.h>
#include <gio/gio.h>
#include <hdf5.h>

#define MOST_EVENTS 8

typedef struct
{
  guint events, units_events; /* the second differs where a file is wrong */
  double times[MOST_EVENTS];
  int units[MOST_EVENTS], label, speaker;
} Word;

typedef struct
{
  guint n;
  Word words[8];
  guint keys, labels, speakers; /* how many of each */
  const char *without;          /* a dataset that is left out */
  hid_t times_type;             /* of the file; 0: half floats */
  gboolean variable_keys;
} WordFile;

/* IEEE 754 binary16, as in the published files. */
static inline hid_t
half_type (void)
{
  const hid_t type = H5Tcopy (H5T_IEEE_F32LE);
  H5Tset_fields (type, 15, 10, 5, 0, 10);
  H5Tset_size (type, 2);
  H5Tset_ebias (type, 15);
  return type;
}

static inline void
put_column (const WordFile *f, hid_t file, const char *name, hid_t file_type, hid_t memory_type, hsize_t n,
            const void *data)
{
  if (f->without && g_str_equal (f->without, name))
    return;
  const hid_t space = H5Screate_simple (1, &n, NULL);
  const hid_t set = H5Dcreate2 (file, name, file_type, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
  g_assert_cmpint (set, >=, 0);
  if (n)
    g_assert_cmpint (H5Dwrite (set, memory_type, H5S_ALL, H5S_ALL, H5P_DEFAULT, data), >=, 0);
  H5Dclose (set);
  H5Sclose (space);
}

static inline void
put_keys (const WordFile *f, hid_t file)
{
  static const char *const names[]
      = { "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine" };
  const char *variable[64];
  char fixed[64][8] = { { 0 } };
  const hid_t type = H5Tcopy (H5T_C_S1);
  H5Tset_size (type, f->variable_keys ? H5T_VARIABLE : 8);
  for (guint k = 0; k < f->keys; k++)
    {
      variable[k] = names[k % 10];
      g_strlcpy (fixed[k], names[k % 10], sizeof fixed[k]);
    }
  put_column (f, file, "/extra/keys", type, type, f->keys, f->variable_keys ? (const void *)variable : fixed);
  H5Tclose (type);
}

static inline void
write_words (const WordFile *f, const char *path)
{
  const hid_t file = H5Fcreate (path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
  const hid_t half = half_type ();
  const hid_t times_type = H5Tvlen_create (f->times_type ? f->times_type : half);
  const hid_t units_type = H5Tvlen_create (H5T_STD_U16LE), reals = H5Tvlen_create (H5T_NATIVE_DOUBLE),
              integers = H5Tvlen_create (H5T_NATIVE_INT);
  hvl_t times[8], units[8];
  int labels[8], speakers[8];
  g_assert_cmpint (file, >=, 0);
  for (guint k = 0; k < f->n; k++)
    {
      times[k] = (hvl_t){ f->words[k].events, (void *)f->words[k].times };
      units[k] = (hvl_t){ f->words[k].units_events, (void *)f->words[k].units };
      labels[k] = f->words[k].label;
      speakers[k] = f->words[k].speaker;
    }
  H5Gclose (H5Gcreate2 (file, "/spikes", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
  H5Gclose (H5Gcreate2 (file, "/extra", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
  put_column (f, file, "/spikes/times", times_type, reals, f->n, times);
  put_column (f, file, "/spikes/units", units_type, integers, f->n, units);
  put_column (f, file, "/labels", H5T_STD_I32LE, H5T_NATIVE_INT, f->labels, labels);
  put_column (f, file, "/extra/speaker", H5T_STD_U16LE, H5T_NATIVE_INT, f->speakers, speakers);
  put_keys (f, file);
  H5Tclose (times_type);
  H5Tclose (units_type);
  H5Tclose (reals);
  H5Tclose (integers);
  H5Tclose (half);
  g_assert_cmpint (H5Fclose (file), >=, 0);
}

/* ---- packing */

static inline void
write_gzip (const char *path, gconstpointer data, gsize n)
{
  g_autoptr (GFile) file = g_file_new_for_path (path);
  g_autoptr (GFileOutputStream) plain = g_file_replace (file, NULL, FALSE, G_FILE_CREATE_NONE, NULL, NULL);
  g_autoptr (GConverter) gzip = G_CONVERTER (g_zlib_compressor_new (G_ZLIB_COMPRESSOR_FORMAT_GZIP, 6));
  g_autoptr (GOutputStream) packed = g_converter_output_stream_new (G_OUTPUT_STREAM (plain), gzip);
  g_assert_true (g_output_stream_write_all (packed, data, n, NULL, NULL, NULL));
  g_assert_true (g_output_stream_close (packed, NULL, NULL));
}

static inline void
write_zip (const char *path, const char *const *names, gconstpointer data, gsize n)
{
  struct archive *zip = archive_write_new ();
  archive_write_set_format_zip (zip);
  g_assert_cmpint (archive_write_open_filename (zip, path), ==, ARCHIVE_OK);
  for (; *names; names++)
    {
      struct archive_entry *entry = archive_entry_new ();
      archive_entry_set_pathname (entry, *names);
      archive_entry_set_size (entry, (gint64)n);
      archive_entry_set_filetype (entry, AE_IFREG);
      archive_entry_set_perm (entry, 0644);
      g_assert_cmpint (archive_write_header (zip, entry), ==, ARCHIVE_OK);
      g_assert_cmpint (archive_write_data (zip, data, n), ==, (la_ssize_t)n);
      archive_entry_free (entry);
    }
  g_assert_cmpint (archive_write_free (zip), ==, ARCHIVE_OK);
}

#endif
