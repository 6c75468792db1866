/* SHD's stand-in and CIFAR-10 from the folder RANVIER_TEST_DATA: every event and pixel, summed up or
 * hashed, against numbers that h5py, tonic and numpy gave for the same files. Skipped, saying so, where a
 * set is missing. */
#include "support.h"
#include "plugins/load.h"

static char *
set_folder (const char *name)
{
  const char *root = g_getenv ("RANVIER_TEST_DATA");
  char *path = root && *root ? g_build_filename (root, name, NULL) : NULL;
  if (path && g_file_test (path, G_FILE_TEST_IS_DIR))
    return path;
  g_free (path);
  g_autofree char *why = g_strdup_printf (root && *root ? "there is no %s in RANVIER_TEST_DATA"
                                                        : "RANVIER_TEST_DATA names no folder, so no %s",
                                          name);
  g_test_skip (why);
  return NULL;
}

/* The stand-in, where the plugin that reads it was built. */
static char *
spoken_folder (void)
{
  g_autofree char *plugin = g_build_filename (g_getenv ("RANVIER_PLUGIN_PATH"), "dataset-shd.so", NULL);
  if (g_file_test (plugin, G_FILE_TEST_EXISTS))
    return set_folder ("shd-standin");
  g_test_skip ("built without HDF5");
  return NULL;
}

/* Weights that tell any two places of a recording apart, and change with the order of events. */
static void
check_spoken (const char *text, uint32_t samples, uint64_t events, uint64_t times, uint64_t units,
              uint64_t labels)
{
  g_auto (TestLoaded) loaded = test_load (text);
  g_auto (RvRecording) r = { 0 };
  uint64_t n = 0, sum_times = 0, sum_units = 0, sum_labels = 0;
  g_assert_no_error (loaded.error);
  g_assert_cmpuint (rv_dataset_spec (loaded.data)->samples, ==, samples);
  for (uint32_t id = 0; id < samples; id++)
    {
      g_assert_true (rv_dataset_read (loaded.data, 0, id, &r, NULL));
      for (uint32_t k = 0; k < r.n_events; k++)
        {
          sum_times += (uint64_t)r.times[k] * ((k + 1) % 1009);
          sum_units += (uint64_t)r.ids[k] * ((k + 1) % 1009);
        }
      n += r.n_events;
      sum_labels += r.label;
    }
  g_assert_cmpuint (n, ==, events);
  g_assert_cmpuint (sum_times, ==, times);
  g_assert_cmpuint (sum_units, ==, units);
  g_assert_cmpuint (sum_labels, ==, labels);
}

static void
test_spoken (void)
{
  g_autofree char *folder = spoken_folder ();
  if (!folder)
    return;
  g_autofree char *train = g_strdup_printf ("{use: dataset/shd, folder: %s}", folder);
  g_autofree char *test = g_strdup_printf ("{use: dataset/shd, folder: %s, split: test}", folder);
  g_autofree char *speaker
      = g_strdup_printf ("{use: dataset/shd, folder: %s, split: test, speakers: [4]}", folder);
  check_spoken (train, 1000, 4105147, 391732275326322, 1029177838901, 4500);
  check_spoken (test, 300, 1190375, 99580230703334, 302266523780, 1350);
  g_auto (TestLoaded) fourth = test_load (speaker);
  g_assert_no_error (fourth.error);
  g_assert_cmpuint (rv_dataset_spec (fourth.data)->samples, ==, 150);
}

/* The records again, label and pixels, as they stand in the batches. */
static void
check_cifar10 (const char *folder, const char *split, uint32_t samples, const char *md5)
{
  g_autofree char *text = g_strdup_printf ("{use: dataset/cifar10, folder: %s, split: %s}", folder, split);
  g_auto (TestLoaded) loaded = test_load (text);
  g_auto (RvRecording) r = { 0 };
  g_autoptr (GChecksum) sum = g_checksum_new (G_CHECKSUM_MD5);
  g_assert_no_error (loaded.error);
  g_assert_cmpuint (rv_dataset_spec (loaded.data)->samples, ==, samples);
  g_assert_cmpstr (rv_dataset_spec (loaded.data)->classes_names[0], ==, "airplane");
  for (uint32_t id = 0; id < samples; id++)
    {
      guchar record[3073];
      g_assert_true (rv_dataset_read (loaded.data, 0, id, &r, NULL));
      record[0] = (guchar)r.label;
      for (guint k = 0; k < 3072; k++)
        record[1 + k] = (guchar)(r.values[k] * 255.0f + 0.5f);
      g_checksum_update (sum, record, sizeof record);
    }
  g_assert_cmpstr (g_checksum_get_string (sum), ==, md5);
}

static void
test_cifar10 (void)
{
  g_autofree char *folder = set_folder ("cifar10");
  if (!folder)
    return;
  check_cifar10 (folder, "train", 10000, "0672a887498d778710b21e20e2e4835c");
  check_cifar10 (folder, "test", 1000, "371f65da31ad652f5e24b3699a3e6515");
}

/* A few epochs of the pipeline as it ships: far above the 10 % of chance. */
static void
test_spoken_learns (void)
{
  g_autofree char *folder = spoken_folder (), *csv = NULL, *said = NULL;
  if (!folder)
    return;
  g_autofree char *out = g_dir_make_tmp ("ranvier-XXXXXX", NULL);
  g_autofree char *table = g_build_filename (out, "tables", "accuracy.csv", NULL);
  g_autofree char *line
      = g_strdup_printf ("'%s' run '%s/../pipelines/shd.yaml' --fresh -q --out '%s' -s folder='%s' "
                         "-s seed=1 -s epochs=8",
                         g_getenv ("RANVIER_PROGRAM"), g_getenv ("G_TEST_SRCDIR"), out, folder);
  int status;
  g_assert_true (g_spawn_command_line_sync (line, NULL, &said, &status, NULL));
  test_say (said);
  g_assert_cmpint (status, ==, 0);
  g_assert_true (g_file_get_contents (table, &csv, NULL, NULL));
  g_assert_cmpfloat (g_ascii_strtod (strrchr (g_strchomp (csv), ',') + 1, NULL), >, 35.0);
  test_remove (out);
}

/* Of the packed archive, check knows what was published, which is more than the part of it that is here. */
static void
test_checked (void)
{
  g_autofree char *folder = set_folder ("dvsgesture"), *out = NULL, *said = NULL;
  if (!folder)
    return;
  g_autofree char *line
      = g_strdup_printf ("'%s' check dataset/dvsgesture -s split=test -s folder='%s' --seconds=60",
                         g_getenv ("RANVIER_PROGRAM"), folder);
  int status;
  g_assert_true (g_spawn_command_line_sync (line, &out, &said, &status, NULL));
  test_say (out);
  test_say (said);
  g_assert_cmpint (status, ==, 0);
  g_assert_nonnull (strstr (out, "8 ok, 0 failed, 0 skipped"));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/data/shd-events", test_spoken);
  g_test_add_func ("/data/cifar10-records", test_cifar10);
  g_test_add_func ("/data/shd-learns", test_spoken_learns);
  g_test_add_func ("/data/checked", test_checked);
  return g_test_run ();
}
