/* N-MNIST and DVS128 Gesture from the folder RANVIER_TEST_DATA: every event against digests of what tonic's
 * decoders made of the same files. Skipped, saying so, where a set is missing. */
#include "plugins/load.h"
#include "support.h"

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

static void
add_numbers (GChecksum *sum, const uint32_t *numbers, uint32_t n)
{
  for (uint32_t k = 0; k < n; k++)
    {
      const guint32 number = GUINT32_TO_LE (numbers[k]);
      g_checksum_update (sum, (const guchar *)&number, sizeof number);
    }
}

/* Of each recording: label, number of events, times, units. */
static void
check_events (const char *text, const uint32_t *classes, uint64_t events, const char *sha256)
{
  g_auto (TestLoaded) loaded = test_load (text);
  g_auto (RvRecording) r = { 0 };
  g_autoptr (GChecksum) sum = g_checksum_new (G_CHECKSUM_SHA256);
  g_assert_no_error (loaded.error);
  const RvDatasetSpec *spec = rv_dataset_spec (loaded.data);
  g_autofree uint32_t *count = g_new0 (uint32_t, spec->classes);
  uint64_t n = 0;
  for (uint32_t id = 0; id < spec->samples; id++)
    {
      g_assert_true (rv_dataset_read (loaded.data, 0, id, &r, NULL));
      add_numbers (sum, (uint32_t[]){ r.label, r.n_events }, 2);
      add_numbers (sum, r.times, r.n_events);
      add_numbers (sum, r.ids, r.n_events);
      count[r.label]++;
      n += r.n_events;
      g_assert_cmpuint (r.times[r.n_events - 1], <, r.duration);
      g_assert_cmpuint (r.duration, <=, spec->duration);
    }
  g_assert_cmpmem (count, 4 * spec->classes, classes, 4 * spec->classes);
  g_assert_cmpuint (n, ==, events);
  g_assert_cmpstr (g_checksum_get_string (sum), ==, sha256);
}

static void
test_nmnist (void)
{
  static const uint32_t train_classes[] = { 97, 116, 99, 93, 105, 92, 94, 117, 87, 100 },
                        test_classes[] = { 8, 14, 8, 11, 14, 7, 10, 15, 2, 11 };
  g_autofree char *folder = set_folder ("nmnist");
  if (!folder)
    return;
  g_autofree char *train = g_strdup_printf ("{use: dataset/nmnist, folder: %s}", folder),
                  *test = g_strdup_printf ("{use: dataset/nmnist, folder: %s, split: test}", folder);
  check_events (train, train_classes, 4133231,
                "d42adde8b17299721fd582849d6cbb7e5e0584329cf8c3150ec9ac9ce9dbc116");
  check_events (test, test_classes, 385596,
                "6d1c7448b8ded5f25a9d0d67fd248a6f6f9c14938a11bfae2d3cc661a23d5329");
}

/* Recordings are numbered as in MNIST, of which they were made: so are their labels. */
static void
test_order (void)
{
  g_autofree char *folder = set_folder ("nmnist"), *mnist = folder ? set_folder ("mnist") : NULL;
  if (!folder || !mnist)
    return;
  g_autofree char *text = g_strdup_printf ("{use: dataset/nmnist, folder: %s}", folder),
                  *images = g_strdup_printf ("{use: dataset/mnist, folder: %s}", mnist);
  g_auto (TestLoaded) seen = test_load (text), shown = test_load (images);
  g_auto (RvRecording) a = { 0 }, b = { 0 };
  g_assert_no_error (seen.error);
  g_assert_no_error (shown.error);
  for (uint32_t id = 0; id < rv_dataset_spec (seen.data)->samples; id++)
    {
      g_assert_true (rv_dataset_read (seen.data, 0, id, &a, NULL));
      g_assert_true (rv_dataset_read (shown.data, 0, id, &b, NULL));
      g_assert_cmpuint (a.label, ==, b.label);
    }
}

static void
test_gesture (void)
{
  static const uint32_t classes[] = { 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0 };
  g_autofree char *folder = set_folder ("dvsgesture");
  if (!folder)
    return;
  g_autofree char *train = g_strdup_printf ("{use: dataset/dvsgesture, folder: %s}", folder),
                  *test = g_strdup_printf ("{use: dataset/dvsgesture, folder: %s, split: test}", folder);
  check_events (train, classes, 785049, "33c59f16f7910b07c3042a61a033412d902bfc6fb5dc37c731bc4e32ce54308a");
  check_events (test, classes, 421661, "399dc5547e1055a415cfe6ccc8239b3bba251d5dc171eb394ece340e0ea6f534");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/data/nmnist-events", test_nmnist);
  g_test_add_func ("/data/nmnist-order", test_order);
  g_test_add_func ("/data/dvsgesture-events", test_gesture);
  return g_test_run ();
}
