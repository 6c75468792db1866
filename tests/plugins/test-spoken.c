/* dataset/shd and dataset/ssc on small files that are made here with libhdf5, on one that h5py made, on
 * broken ones, and with helpers that crash or talk nonsense. */
#include "support.h"
#include "spoken-file.h"
#include "load.h"
#include <sys/stat.h>

typedef struct
{
  char *folder, *train;
} Place;

static void
set_up (Place *place, gconstpointer data)
{
  place->folder = g_dir_make_tmp ("ranvier-XXXXXX", NULL);
  place->train = g_build_filename (place->folder, "shd_train.h5", NULL);
}

static void
tear_down (Place *place, gconstpointer data)
{
  test_remove (place->folder);
  g_free (place->train);
  g_free (place->folder);
}

/* Six words of three speakers; times on the grid of half floats and off it, two of them equal, one at the
 * end. */
static WordFile
good (void)
{
  WordFile f = { .n = 6, .keys = 10, .labels = 6, .speakers = 6 };
  for (guint k = 0; k < f.n; k++)
    f.words[k] = (Word){ 4 + k % 3,
                         4 + k % 3,
                         { 0.0, 1.0 / 2048, 0.1, 0.1, 0.8 + 0.1 * k, 1.37 },
                         { (int)k, 699, 0, 350, 7, 8 },
                         (int)(k % 3),
                         (int)(2 * (k / 2)) };
  return f;
}

/* 0.1 s is no half float: the nearest is 0.0999755859375 s, 99976 us. 1 / 2048 s is 488.28125 us. */
static void
check_first (RvDataset *data)
{
  g_auto (RvRecording) r = { 0 };
  g_assert_true (rv_dataset_read (data, 0, 0, &r, NULL));
  g_assert_cmpint (r.form, ==, RV_FORM_EVENTS);
  g_assert_cmpuint (r.units, ==, 700);
  g_assert_cmpuint (r.n_events, ==, 4);
  g_assert_cmpmem (r.times, 16, ((uint32_t[]){ 0, 488, 99976, 99976 }), 16);
  g_assert_cmpmem (r.ids, 16, ((uint32_t[]){ 0, 699, 0, 350 }), 16);
  g_assert_cmpuint (r.duration, ==, 99977);
  g_assert_true (rv_dataset_read (data, 0, 5, &r, NULL));
  g_assert_cmpuint (r.n_events, ==, 6);
  g_assert_cmpuint (r.times[4], ==, 1299805); /* 1.3 s -> 1.2998046875 s */
  g_assert_cmpuint (r.times[5], ==, 1370117);
  g_assert_cmpuint (r.label, ==, 2);
}

static void
test_good (Place *place, gconstpointer user)
{
  WordFile f = good ();
  g_autofree char *text = g_strdup_printf ("{use: dataset/shd, folder: %s}", place->folder);
  for (int variant = 0; variant < 2; variant++)
    {
      f.variable_keys = variant;
      write_words (&f, place->train);
      g_auto (TestLoaded) loaded = test_load (text);
      g_assert_no_error (loaded.error);
      const RvDatasetSpec *spec = rv_dataset_spec (loaded.data);
      g_assert_cmpuint (spec->samples, ==, 6);
      g_assert_cmpuint (spec->units, ==, 700);
      g_assert_cmpuint (spec->classes, ==, 20);
      g_assert_cmpuint (spec->duration, ==, 1370118);
      g_assert_cmpstr (spec->classes_names[0], ==, "zero");
      g_assert_cmpstr (spec->classes_names[9], ==, "nine");
      g_assert_cmpstr (spec->classes_names[10], ==, "unused 10");
      check_first (loaded.data);
    }
}

/* Waits about which the form in memory changes, 62 and 63, 127 and 128, 16384 microseconds, and the longest. */
static void
test_gaps (Place *place, gconstpointer user)
{
  static const double times[] = { 0.000062, 0.000125, 0.000252, 0.00038, 0.016764, 3999.0 };
  WordFile f = good ();
  f.times_type = H5T_IEEE_F64LE;
  memcpy (f.words[2].times, times, sizeof times);
  write_words (&f, place->train);
  g_autofree char *text = g_strdup_printf ("{use: dataset/shd, folder: %s}", place->folder);
  g_auto (TestLoaded) loaded = test_load (text);
  g_auto (RvRecording) r = { 0 };
  g_assert_no_error (loaded.error);
  g_assert_true (rv_dataset_read (loaded.data, 0, 2, &r, NULL));
  g_assert_cmpuint (r.n_events, ==, 6);
  for (guint k = 0; k < 6; k++)
    g_assert_cmpuint (r.times[k], ==, (uint32_t)(times[k] * 1e6 + 0.5));
  g_assert_cmpmem (r.ids, 24, ((uint32_t[]){ 2, 699, 0, 350, 7, 8 }), 24);
  g_assert_cmpuint (r.duration, ==, 3999000001);
}

/* The same events from the containers; of two packed ones the zip is taken last. */
static void
test_packed (Place *place, gconstpointer user)
{
  static const char *const members[] = { "readme.txt", "shd_train.h5", NULL };
  const WordFile f = good ();
  g_autofree char *bytes = NULL, *gz = g_strconcat (place->train, ".gz", NULL);
  g_autofree char *zip = g_strconcat (place->train, ".zip", NULL);
  g_autofree char *text = g_strdup_printf ("{use: dataset/shd, folder: %s}", place->folder);
  gsize n;
  write_words (&f, place->train);
  g_assert_true (g_file_get_contents (place->train, &bytes, &n, NULL));
  g_remove (place->train);
  write_gzip (gz, bytes, n);
  g_auto (TestLoaded) one = test_load (text);
  g_assert_no_error (one.error);
  check_first (one.data);
  g_remove (gz);
  write_zip (zip, members, bytes, n);
  g_auto (TestLoaded) two = test_load (text);
  g_assert_no_error (two.error);
  check_first (two.data);
  g_autofree char *chosen
      = g_strdup_printf ("{use: dataset/shd, folder: %s, classes: [two, one]}", place->folder);
  g_auto (TestLoaded) three = test_load (chosen);
  g_assert_no_error (three.error);
  g_assert_cmpuint (rv_dataset_spec (three.data)->samples, ==, 4);
  g_assert_cmpuint (rv_dataset_spec (three.data)->classes, ==, 2);
}

/* Ids of what is left, told by the unit of the first event. */
static void
expect_ids (const Place *place, const char *parameters, const char *ids)
{
  g_autofree char *text = g_strdup_printf ("{use: dataset/shd, folder: %s, %s}", place->folder, parameters);
  g_auto (TestLoaded) loaded = test_load (text);
  g_autoptr (GString) found = g_string_new (NULL);
  g_auto (RvRecording) r = { 0 };
  g_assert_no_error (loaded.error);
  for (uint32_t id = 0; id < rv_dataset_spec (loaded.data)->samples; id++)
    {
      g_assert_true (rv_dataset_read (loaded.data, 0, id, &r, NULL));
      g_string_append_printf (found, "%u", r.ids[0]);
    }
  g_assert_cmpstr (found->str, ==, ids);
}

static void
test_speakers (Place *place, gconstpointer user)
{
  const WordFile f = good ();
  write_words (&f, place->train);
  expect_ids (place, "speakers: [0]", "01");
  expect_ids (place, "speakers: [4, 0]", "0145");
  expect_ids (place, "validation-speakers: [2]", "0145");
  expect_ids (place, "validation-speakers: [2], split: validation", "23");
  expect_ids (place, "speakers: [0, 2], validation-speakers: [2]", "01");
  expect_ids (place, "validation: 0.5, speakers: [0, 2]",
              "0"); /* of classes 0, 1, 2, 0 one of each is held out */
  static const struct
  {
    const char *parameters, *words;
  } wrong[] = {
    { "speakers: [0, 3]", "no speaker 3|highest number is 4" },
    { "validation-speakers: [9]", "no speaker 9" },
    { "validation-speakers: [2], validation: 0.1", "not both" },
    { "speakers: [0], validation-speakers: [2]", "leaves out" },
    { "split: validation", "'validation: 0.1' for instance" },
  };
  for (guint k = 0; k < G_N_ELEMENTS (wrong); k++)
    {
      g_autofree char *text
          = g_strdup_printf ("{use: dataset/shd, folder: %s, %s}", place->folder, wrong[k].parameters);
      test_refused (text, FALSE, wrong[k].words);
    }
  g_autofree char *ssc = g_strdup_printf ("{use: dataset/ssc, folder: %s, validation: 0.1}", place->folder);
  test_refused (ssc, FALSE, "validation split of its own");
}

static void
test_ssc (Place *place, gconstpointer user)
{
  const WordFile f = good ();
  static const char *const names[] = { "ssc_train.h5", "ssc_test.h5", "ssc_valid.h5" };
  static const char *const splits[] = { "train", "test", "validation" };
  for (guint k = 0; k < 3; k++)
    {
      WordFile part = f;
      part.n = part.labels = part.speakers = 6 - k;
      g_autofree char *path = g_build_filename (place->folder, names[k], NULL);
      write_words (&part, path);
      g_autofree char *text
          = g_strdup_printf ("{use: dataset/ssc, folder: %s, split: %s}", place->folder, splits[k]);
      g_auto (TestLoaded) loaded = test_load (text);
      g_assert_no_error (loaded.error);
      g_assert_cmpuint (rv_dataset_spec (loaded.data)->samples, ==, 6 - k);
      g_assert_cmpuint (rv_dataset_spec (loaded.data)->classes, ==, 35);
      g_assert_cmpstr (rv_dataset_spec (loaded.data)->split, ==, splits[k]);
    }
}

/* ---- what is wrong */

static void
refuse_file (const Place *place, const WordFile *f, gboolean checked, const char *words)
{
  g_autofree char *text = g_strdup_printf ("{use: dataset/shd, folder: %s}", place->folder);
  g_autofree char *all = g_strconcat ("shd_train.h5|", words, NULL);
  write_words (f, place->train);
  test_refused (text, checked, all);
}

/* Wrong tables are seen by check, wrong events by run. */
static void
test_wrong (Place *place, gconstpointer user)
{
  static const char *const parts[] = { "/spikes/times", "/spikes/units", "/labels", "/extra/keys" };
  for (guint k = 0; k < G_N_ELEMENTS (parts); k++)
    {
      WordFile f = good ();
      f.without = parts[k];
      refuse_file (place, &f, FALSE, parts[k]);
    }
  WordFile f = good ();
  f.labels = 5;
  refuse_file (place, &f, FALSE, "/labels has 5");
  f = good ();
  f.speakers = 5;
  refuse_file (place, &f, FALSE, "/extra/speaker has 5");
  f = good ();
  f.words[3].label = 10;
  refuse_file (place, &f, FALSE, "/labels of recording 3 is 10");
  f.words[3].label = -1;
  refuse_file (place, &f, FALSE, "/labels, entry 3 is -1");
  f = good ();
  f.keys = 21;
  refuse_file (place, &f, FALSE, "21 classes");
  f = good ();
  f.words[4].units_events = 4;
  refuse_file (place, &f, TRUE, "recording 4 has 5 times and 4 units");
  f = good ();
  f.words[1].units[2] = 700;
  refuse_file (place, &f, TRUE, "/spikes/units of recording 1, event 2 is 700");
  f = good ();
  f.words[2].times[0] = -0.5;
  refuse_file (place, &f, TRUE, "/spikes/times of recording 2, event 0 is -0.5");
  f.words[2].times[0] = 0.0;
  f.words[2].times[5] = (double)NAN;
  refuse_file (place, &f, TRUE, "/spikes/times of recording 2, event 5 is nan");
  f = good ();
  f.times_type = H5T_STD_I32LE;
  refuse_file (place, &f, FALSE, "/spikes/times does not hold lists of floating-point");
}

static void
test_strict (Place *place, gconstpointer user)
{
  g_autofree char *lax = g_strdup_printf ("{use: dataset/shd, folder: %s, strict: no}", place->folder);
  WordFile f = good ();
  f.words[0].times[1] = 0.5;
  refuse_file (place, &f, TRUE, "recording 0 runs backwards at event 2, from 500000 to 99976|strict: no");
  f.words[3].events = f.words[3].units_events = 0;
  g_auto (TestLoaded) loaded = (write_words (&f, place->train), test_load (lax));
  g_auto (RvRecording) r = { 0 };
  g_assert_no_error (loaded.error);
  g_assert_true (rv_dataset_read (loaded.data, 0, 0, &r, NULL));
  g_assert_cmpmem (r.times, 16, ((uint32_t[]){ 0, 99976, 99976, 500000 }), 16);
  g_assert_cmpmem (r.ids, 16, ((uint32_t[]){ 0, 0, 350, 699 }), 16);
  g_assert_true (rv_dataset_read (loaded.data, 0, 3, &r, NULL));
  g_assert_cmpuint (r.n_events, ==, 0);
  f = good ();
  f.words[3].events = f.words[3].units_events = 0;
  refuse_file (place, &f, TRUE, "recording 3 has no events|strict: no");
}

/* Cut off, damaged, too large, no HDF5 at all. */
static void
test_containers (Place *place, gconstpointer user)
{
  static const char *const members[] = { "shd_train.h5", NULL }, *const others[] = { "a.txt", NULL };
  const WordFile f = good ();
  g_autofree char *bytes = NULL, *packed = NULL, *gz = g_strconcat (place->train, ".gz", NULL);
  g_autofree char *zip = g_strconcat (place->train, ".zip", NULL);
  g_autofree char *text = g_strdup_printf ("{use: dataset/shd, folder: %s}", place->folder);
  gsize n, packed_n;
  test_refused (text, FALSE,
                "neither shd_train.h5 nor|"
                "there is no file");
  write_words (&f, place->train);
  g_assert_true (g_file_get_contents (place->train, &bytes, &n, NULL));
  g_file_set_contents (place->train, bytes, (gssize)n / 2, NULL);
  test_refused (text, FALSE, "shd_train.h5|HDF5");
  g_file_set_contents (place->train, "no such thing", -1, NULL);
  test_refused (text, FALSE, "shd_train.h5|this is no HDF5 file");
  g_file_set_contents (place->train, "", 0, NULL);
  test_refused (text, FALSE, "shd_train.h5|this is no HDF5 file");
  g_remove (place->train);

  write_gzip (gz, bytes, n);
  g_assert_true (g_file_get_contents (gz, &packed, &packed_n, NULL));
  g_file_set_contents (gz, packed, (gssize)packed_n - 12, NULL);
  test_refused (text, TRUE, "shd_train.h5.gz|cut off");
  packed[packed_n - 6] ^= 1;
  g_file_set_contents (gz, packed, (gssize)packed_n, NULL);
  test_refused (text, TRUE, "shd_train.h5.gz|damaged");
  g_autofree char *zeros = g_malloc0 (4 << 20);
  write_gzip (gz, zeros, 4 << 20);
  test_refused (text, TRUE, "shd_train.h5.gz|unpacks to more than");
  g_remove (gz);

  write_zip (zip, others, bytes, n);
  test_refused (text, TRUE, "shd_train.h5.zip|no file .h5");
  write_zip (zip, members, bytes, n);
  g_free (g_steal_pointer (&packed));
  g_assert_true (g_file_get_contents (zip, &packed, &packed_n, NULL));
  packed[200] ^= 1;
  g_file_set_contents (zip, packed, (gssize)packed_n, NULL);
  test_refused (text, TRUE, "shd_train.h5.zip|member shd_train.h5");
}

/* Bytes of a good file changed at random: it is read or refused, and the program goes on. */
static void
test_mutations (Place *place, gconstpointer user)
{
  const guint rounds = g_test_slow () ? 3000 : 40;
  const WordFile f = good ();
  const RvStream stream = rv_stream_new (1, "", "mutations", "");
  g_autofree char *bytes = NULL, *text = g_strdup_printf ("{use: dataset/shd, folder: %s}", place->folder);
  gsize n;
  guint refused = 0, crashed = 0;
  write_words (&f, place->train);
  g_assert_true (g_file_get_contents (place->train, &bytes, &n, NULL));
  for (guint k = 0; k < rounds; k++)
    {
      const RvStream own = rv_stream_fork (stream, k);
      g_autofree char *changed = g_memdup2 (bytes, n);
      for (guint j = 0; j < 1 + k % 8; j++)
        changed[rv_stream_bits (own, 2 * j) % n] = (char)rv_stream_bits (own, 2 * j + 1);
      g_file_set_contents (place->train, changed, (gssize)n, NULL);
      g_auto (TestLoaded) loaded = test_load (text);
      g_assert_true ((loaded.data != NULL) == (loaded.error == NULL));
      refused += loaded.error != NULL;
      crashed += loaded.error && strstr (loaded.error->message, "crashed");
      if (loaded.error)
        g_assert_nonnull (strstr (loaded.error->message, "shd_train.h5"));
    }
  g_test_message ("%u files, %u refused, in %u of these libhdf5 crashed", rounds, refused, crashed);
}

/* Over this file libhdf5 1.10.8 runs in circles; other versions may refuse or read it. */
static void
test_circle (Place *place, gconstpointer user)
{
  g_autofree char *path = g_test_build_filename (G_TEST_DIST, "fixtures", "shd-circle.h5", NULL),
                  *bytes = NULL;
  g_autofree char *text = g_strdup_printf ("{use: dataset/shd, folder: %s}", place->folder);
  gsize n;
  g_assert_true (g_file_get_contents (path, &bytes, &n, NULL));
  g_file_set_contents (place->train, bytes, (gssize)n, NULL);
  g_auto (TestLoaded) loaded = test_load (text);
  g_assert_true ((loaded.data != NULL) == (loaded.error == NULL));
  if (loaded.error)
    g_test_message ("%s", loaded.error->message);
  g_assert_true (!loaded.error || strstr (loaded.error->message, "shd_train.h5"));
}

/* ---- helpers that are not what they should be */

typedef struct
{
  const char *script, *words;
} Stranger;

static const Stranger strangers[] = {
  { "kill -SEGV $$", "libhdf5 crashed over it (signal 11" },
  { "printf RVV1; kill -SEGV $$", "libhdf5 crashed over it (signal 11" },
  { "echo >>\"$(readlink /proc/self/fd/0)\"; exec \"$RANVIER_PLUGIN_PATH/ranvier-hdf5-events\" \"$@\"",
    "was replaced or written to while it was read" },
  { "exit 0", "the recordings end too early" },
  { "exit 7", "the recordings end too early" },
  { "echo 'this is wrong' >&2; exit 1", "this is wrong" },
  { "echo what is this", "not its own form" },
  { "yes", "not its own form" },
  { "printf 'RVV1\\377\\377\\377\\377'; cat", "4294967295 recordings" },
};

static void
test_stranger (Place *place, gconstpointer user)
{
  const Stranger *stranger = user;
  const WordFile f = good ();
  g_autofree char *own = g_build_filename (place->folder, "plugins", NULL), *module = NULL, *yaml = NULL,
                  *out = NULL;
  g_autofree char *from = g_build_filename (g_getenv ("RANVIER_PLUGIN_PATH"), "dataset-shd.so", NULL);
  g_autofree char *helper = g_build_filename (own, "ranvier-hdf5-events", NULL), *bytes = NULL, *said = NULL;
  g_autofree char *script = g_strdup_printf ("#!/bin/sh\n%s\n", stranger->script);
  gsize n;
  int status;
  write_words (&f, place->train);
  g_mkdir (own, 0755);
  module = g_build_filename (own, "dataset-shd.so", NULL);
  yaml = g_build_filename (place->folder, "one.yaml", NULL);
  out = g_build_filename (place->folder, "out", NULL);
  g_assert_true (g_file_get_contents (from, &bytes, &n, NULL));
  g_assert_true (g_file_set_contents (module, bytes, (gssize)n, NULL));
  g_assert_true (g_file_set_contents (helper, script, -1, NULL));
  chmod (helper, 0755);
  g_autofree char *text = g_strdup_printf ("nodes: {data: {use: dataset/shd, folder: %s}}\n", place->folder);
  g_file_set_contents (yaml, text, -1, NULL);
  const char *const argv[] = { g_getenv ("RANVIER_PROGRAM"), "check", "--plugin-path", own, yaml, NULL };
  g_assert_true (
      g_spawn_sync (NULL, (char **)argv, NULL, G_SPAWN_DEFAULT, NULL, NULL, NULL, &said, &status, NULL));
  test_say (said);
  g_assert_nonnull (strstr (said, stranger->words));
  g_assert_nonnull (strstr (said, "shd_train.h5"));
  g_assert_true (WIFEXITED (status));
  g_assert_cmpint (WEXITSTATUS (status), ==, 1);
}

static void
check_exit_code (const Place *place, const char *last_line, const char *words, int code)
{
  g_autofree char *yaml = g_build_filename (place->folder, "one.yaml", NULL), *said = NULL;
  g_autofree char *out = g_build_filename (place->folder, "out", NULL);
  g_autofree char *text = g_strdup_printf ("nodes:\n  data: {use: dataset/shd, folder: %s}\n  steps: {use: "
                                           "transform/bins, data: data, steps: 10}\n%s",
                                           place->folder, last_line);
  int status;
  g_file_set_contents (yaml, text, -1, NULL);
  const char *const argv[] = { g_getenv ("RANVIER_PROGRAM"), "run", "-q", "--out", out, yaml, NULL };
  g_assert_true (
      g_spawn_sync (NULL, (char **)argv, NULL, G_SPAWN_DEFAULT, NULL, NULL, NULL, &said, &status, NULL));
  test_say (said);
  g_assert_nonnull (strstr (said, words));
  g_assert_cmpint (WEXITSTATUS (status), ==, code);
}

/* Damage ends with 1, whether check or run sees it; a mistake, a file that is nowhere also, with 2. */
static void
test_exit_code (Place *place, gconstpointer user)
{
  WordFile f = good ();
  f.words[1].units[2] = 700;
  write_words (&f, place->train);
  check_exit_code (place, "", "event 2 is 700", 1);
  g_assert_true (g_file_set_contents (place->train, "no HDF5", -1, NULL));
  check_exit_code (place, "", "shd_train.h5: this is no HDF5 file", 1);
  check_exit_code (place, "  more: {use: dataset/delayed-xor, leek: 1}\n",
                   "shd_train.h5: this is no HDF5 file", 2);
  g_remove (place->train);
  check_exit_code (place, "", "there is no file shd_train.h5", 2);
}

/* Made by h5py, as most such files are: tests/fixtures/shd-h5py.py. */
static void
test_h5py (Place *place, gconstpointer user)
{
  g_autofree char *path = g_test_build_filename (G_TEST_DIST, "fixtures", "shd-h5py.h5", NULL), *bytes = NULL;
  g_autofree char *text = g_strdup_printf ("{use: dataset/shd, folder: %s}", place->folder);
  gsize n;
  g_assert_true (g_file_get_contents (path, &bytes, &n, NULL));
  g_file_set_contents (place->train, bytes, (gssize)n, NULL);
  g_auto (TestLoaded) loaded = test_load (text);
  g_auto (RvRecording) r = { 0 };
  g_assert_no_error (loaded.error);
  g_assert_cmpuint (rv_dataset_spec (loaded.data)->samples, ==, 3);
  g_assert_cmpstr (rv_dataset_spec (loaded.data)->classes_names[1], ==, "eins");
  for (uint32_t id = 0; id < 3; id++)
    {
      g_assert_true (rv_dataset_read (loaded.data, 0, id, &r, NULL));
      g_assert_cmpuint (r.label, ==, 2 - id);
      g_assert_cmpuint (r.n_events, ==, 5 * (id + 1));
      /* event k at k / 1024 s, from unit (100 k + id) mod 700 */
      for (uint32_t k = 0; k < r.n_events; k++)
        {
          g_assert_cmpuint (r.times[k], ==, lrint (k / 1024.0 * 1e6)); /* 7812.5 -> 7812 */
          g_assert_cmpuint (r.ids[k], ==, (100 * k + id) % 700);
        }
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_setenv ("RANVIER_HDF5_SECONDS", "1", TRUE);
  static const struct
  {
    const char *name;
    void (*test) (Place *place, gconstpointer user);
  } tests[] = { { "good", test_good },
                { "gaps", test_gaps },
                { "packed", test_packed },
                { "speakers", test_speakers },
                { "ssc", test_ssc },
                { "wrong", test_wrong },
                { "strict", test_strict },
                { "containers", test_containers },
                { "mutations", test_mutations },
                { "exit-code", test_exit_code },
                { "h5py", test_h5py },
                { "circle", test_circle } };
  for (guint k = 0; k < G_N_ELEMENTS (tests); k++)
    {
      g_autofree char *name = g_strconcat ("/spoken/", tests[k].name, NULL);
      g_test_add (name, Place, NULL, set_up, tests[k].test, tear_down);
    }
  for (guint k = 0; k < G_N_ELEMENTS (strangers); k++)
    {
      g_autofree char *name = g_strdup_printf ("/spoken/stranger/%u", k);
      g_test_add (name, Place, &strangers[k], set_up, test_stranger, tear_down);
    }
  return g_test_run ();
}
