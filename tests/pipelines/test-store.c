/* What is kept between runs, from outside: a second run computes nothing and writes the same files, a
 * change computes what depends on it, damage is seen, two runs at once do the work once, and the cache has
 * a cap. */
#include "support.h"
#include <ranvier/random.h>
#include <string.h>
#include <sys/wait.h>

#define STUDY                                                                                                \
  "let: {epochs: 2, samples: 60}\n"                                                                          \
  "axes: {seed: [1, 2]}\n"                                                                                   \
  "nodes:\n"                                                                                                 \
  "  train: {use: dataset/delayed-xor, samples: $(samples), gap: 4, pattern: 3}\n"                           \
  "  test: {use: dataset/delayed-xor, split: test, samples: 50, gap: 4, pattern: 3}\n"                       \
  "  fit:\n"                                                                                                 \
  "    use: trainer/bptt\n"                                                                                  \
  "    data: train\n"                                                                                        \
  "    validation: test\n"                                                                                   \
  "    seed: $(seed)\n"                                                                                      \
  "    network:\n"                                                                                           \
  "      - {use: dense, units: 9, neuron: {use: lif, threshold: 0.3, leak: learned, start: uniform}}\n"      \
  "      - {use: dense, units: 2, neuron: leaky-integrator}\n"                                               \
  "    decoder: last-step\n"                                                                                 \
  "    epochs: $(epochs)\n"                                                                                  \
  "  score: {use: analysis/accuracy, model: fit.best, data: test}\n"                                         \
  "  firing: {use: analysis/firing-rate, model: fit.last, data: test}\n"                                     \
  "  table: {use: report/table, from: score, over: [seed], columns: [accuracy]}\n"

typedef struct
{
  char *folder;
} Fixture;

static char *
path_of (const Fixture *f, const char *name)
{
  return g_build_filename (f->folder, name, NULL);
}

static void
set_up (Fixture *f, gconstpointer user)
{
  g_autoptr (GError) error = NULL;
  f->folder = g_dir_make_tmp ("ranvier-XXXXXX", &error);
  g_assert_no_error (error);
  g_autofree char *state = path_of (f, "state"), *cache = path_of (f, "cache"),
                  *file = path_of (f, "study.yaml");
  g_setenv ("XDG_STATE_HOME", state, TRUE);
  g_setenv ("XDG_CACHE_HOME", cache, TRUE);
  g_unsetenv ("RANVIER_CACHE_LIMIT");
  g_file_set_contents (file, STUDY, -1, &error);
  g_assert_no_error (error);
}

/* Starts `ranvier run` with output folder `out`. */
static GPid
start (const Fixture *f, const char *out, const char *arguments, int *err)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *line
      = g_strdup_printf ("'%s' run '%s/study.yaml' --out '%s/%s' %s", g_getenv ("RANVIER_PROGRAM"), f->folder,
                         f->folder, out, arguments);
  g_auto (GStrv) argv = NULL;
  GPid pid;
  g_assert_true (g_shell_parse_argv (line, NULL, &argv, &error));
  g_spawn_async_with_pipes (NULL, argv, NULL, G_SPAWN_DO_NOT_REAP_CHILD | G_SPAWN_STDOUT_TO_DEV_NULL, NULL,
                            NULL, &pid, NULL, NULL, err, &error);
  g_assert_no_error (error);
  return pid;
}

/* What it said on standard error, once it ended well. */
static char *
finish (GPid pid, int err)
{
  g_autoptr (GIOChannel) channel = g_io_channel_unix_new (err);
  char *said = NULL;
  gsize length;
  int status;
  g_io_channel_set_close_on_unref (channel, TRUE);
  g_io_channel_set_encoding (channel, NULL, NULL);
  g_io_channel_read_to_end (channel, &said, &length, NULL);
  g_assert_cmpint (waitpid (pid, &status, 0), ==, pid);
  test_say (said);
  g_assert_cmpint (status, ==, 0);
  return said;
}

static char *
run (const Fixture *f, const char *out, const char *arguments)
{
  int err;
  const GPid pid = start (f, out, arguments, &err);
  return finish (pid, err);
}

/* Every file that the first run wrote, drawings and metrics among them, comes out the same. */
static void
test_reused (Fixture *f, gconstpointer user)
{
  g_autofree char *first = run (f, "one", ""), *second = run (f, "two", "");
  g_autofree char *one = path_of (f, "one"), *two = path_of (f, "two");
  g_assert_cmpuint (test_count (first, "reused"), ==, 0);
  g_assert_cmpuint (test_count (first, "epoch 2/2"), ==, 2);
  g_assert_cmpuint (test_count (second, "reused"), ==, 6);
  g_assert_cmpuint (test_count (second, "epoch"), ==, 0);
  test_walk (one, "", test_equal_file, two);
  test_walk (two, "", test_equal_file, one);
  g_autofree char *fresh = run (f, "three", "--fresh"), *three = path_of (f, "three");
  g_assert_cmpuint (test_count (fresh, "epoch 2/2"), ==, 2);
  test_walk (one, "", test_equal_file, three);
}

/* The kept model is the model: other data meets it without training again. */
static void
test_model_revived (Fixture *f, gconstpointer user)
{
  g_autofree char *first = run (f, "one", "-s test.samples=50"),
                  *second = run (f, "two", "-s score.data=train"),
                  *third = run (f, "three", "-s score.data=train --fresh");
  g_autofree char *two = path_of (f, "two"), *three = path_of (f, "three");
  g_assert_cmpuint (test_count (second, "epoch"), ==, 0);
  g_assert_cmpuint (test_count (third, "epoch 2/2"), ==, 2);
  test_walk (two, "", test_equal_file, three);
}

/* Of a node with tables and a dataset only the tables are kept: whoever reads the dataset later gets it all the
 * same, without a training. */
static void
test_dataset_later (Fixture *f, gconstpointer user)
{
  static const char attack[]
      = STUDY "  attacked: {use: attack/random-flip, model: fit.last, data: test, samples: 20}\n"
              "  after: {use: analysis/firing-rate, model: fit.last, data: attacked, bins: 5}\n";
  g_autofree char *file = path_of (f, "study.yaml"), *two = path_of (f, "two"), *three = path_of (f, "three");
  g_assert_true (g_file_set_contents (file, attack, -1, NULL));
  g_autofree char *first = run (f, "one", ""), *second = run (f, "two", "-s after.bins=7"),
                  *third = run (f, "three", "-s after.bins=7 --fresh");
  g_assert_cmpuint (test_count (second, "a dataset is not kept, and is needed"), ==, 2);
  g_assert_cmpuint (test_count (second, "epoch"), ==, 0);
  test_walk (two, "", test_equal_file, three);
  g_autofree char *last = run (f, "two", "-s after.bins=7");
  g_assert_cmpuint (test_count (last, "is needed"), ==, 0);
}

/* What changed is computed again with the reason, what did not is not. */
static void
test_changes (Fixture *f, gconstpointer user)
{
  g_autofree char *first = run (f, "out", "");
  g_autofree char *epochs = run (f, "out", "-s epochs=3");
  g_assert_cmpuint (test_count (epochs, "computed again: epochs was 2, is 3"), ==, 2);
  g_assert_cmpuint (test_count (epochs, "reused"), ==, 0);
  g_autofree char *samples = run (f, "out", "-s samples=80 -s seed=2");
  g_assert_cmpuint (test_count (samples, "epochs was 3, is 2; train.samples was 60, is 80"), ==, 1);
  g_autofree char *other = run (f, "out", "-s score.data=train -s seed=1");
  g_assert_cmpuint (test_count (other, "score [seed=1]  computed again: "), ==, 1);
  g_assert_cmpuint (test_count (other, "it reads 'train' now; it does not read 'test' any more"), ==, 1);
  g_autofree char *plain = run (f, "out", ""), *test = run (f, "out", "-s firing.bins=4");
  g_assert_cmpuint (test_count (test, "epoch "), ==, 0);
  g_assert_cmpuint (test_count (test, "firing [seed=1]  computed again: bins was 10, is 4"), ==, 1);
}

typedef struct
{
  const char *name;
  guint found;
} Search;

static void
spoil (const char *root, const char *name, gpointer user)
{
  Search *search = user;
  g_autofree char *path = g_build_filename (root, name, NULL), *text = NULL;
  gsize length;
  if (!g_str_has_suffix (name, search->name))
    return;
  g_assert_true (g_file_get_contents (path, &text, &length, NULL));
  text[length / 2] ^= 1;
  g_assert_true (g_file_set_contents (path, text, (gssize)length, NULL));
  search->found++;
}

static void
test_damage (Fixture *f, gconstpointer user)
{
  static const char *const names[] = { "last.npz", "best.npz", "/result/entry" };
  g_autofree char *first = run (f, "one", ""), *state = path_of (f, "state"), *one = path_of (f, "one"),
                  *two = path_of (f, "two");
  for (guint k = 0; k < G_N_ELEMENTS (names); k++)
    {
      Search search = { names[k], 0 };
      test_walk (state, "", spoil, &search);
      g_assert_cmpuint (search.found, ==, 2);
      g_autofree char *again = run (f, "two", ""), *quiet = run (f, "two", "");
      g_assert_cmpuint (test_count (again, "is damaged"), ==, 2);
      g_assert_cmpuint (test_count (again, "epoch 2/2"), ==, 2);
      g_assert_cmpuint (test_count (quiet, "damaged"), ==, 0);
      test_walk (one, "", test_equal_file, two);
    }
}

static void
test_two_at_once (Fixture *f, gconstpointer user)
{
  int errs[2];
  const GPid one = start (f, "one", "-s epochs=40 -s seed=1", &errs[0]),
             two = start (f, "two", "-s epochs=40 -s seed=1", &errs[1]);
  g_autofree char *first = finish (one, errs[0]), *second = finish (two, errs[1]);
  g_assert_cmpuint (test_count (first, "epoch 40/40") + test_count (second, "epoch 40/40"), ==, 1);
  g_autofree char *a = path_of (f, "one"), *b = path_of (f, "two");
  test_walk (a, "", test_equal_file, b);
}

static void
add_up (const char *root, const char *name, gpointer user)
{
  g_autofree char *path = g_build_filename (root, name, NULL);
  GStatBuf s;
  g_assert_cmpint (g_stat (path, &s), ==, 0);
  *(guint64 *)user += (guint64)s.st_size;
}

/* The cache shrinks to its cap; models stay. */
static void
test_cap (Fixture *f, gconstpointer user)
{
  guint64 before = 0, after = 0, models[2] = { 0, 0 };
  g_autofree char *first = run (f, "out", ""), *cache = path_of (f, "cache"), *state = path_of (f, "state");
  test_walk (cache, "", add_up, &before);
  test_walk (state, "", add_up, &models[0]);
  g_setenv ("RANVIER_CACHE_LIMIT", "0", TRUE);
  g_autofree char *second = run (f, "out", "");
  test_walk (cache, "", add_up, &after);
  test_walk (state, "", add_up, &models[1]);
  g_assert_cmpuint (after, <, before / 10);
  g_assert_cmpuint (models[0], ==, models[1]);
  g_autofree char *third = run (f, "out", "");
  g_assert_cmpuint (test_count (third, "fit [seed=1]  reused"), ==, 1);
  g_assert_cmpuint (test_count (third, "score [seed=1]  reused"), ==, 0);
}

/* Where nothing can be kept the run goes on and says so once. */
static void
test_nowhere (Fixture *f, gconstpointer user)
{
  g_autofree char *blocked = path_of (f, "study.yaml");
  g_setenv ("XDG_STATE_HOME", blocked, TRUE);
  g_setenv ("XDG_CACHE_HOME", blocked, TRUE);
  g_autofree char *said = run (f, "out", "");
  g_assert_cmpuint (test_count (said, "results can not be kept for next time"), ==, 1);
  g_assert_cmpuint (test_count (said, "epoch 2/2"), ==, 2);
}

/* ---- data prepared from events */

#define EVENTS                                                                                               \
  "let: {width: 10 ms}\n"                                                                                    \
  "nodes:\n"                                                                                                 \
  "  recorded: {use: dataset/nmnist, folder: %s}\n"                                                          \
  "  train: {use: transform/bins, data: recorded, width: $(width), steps: 12}\n"                             \
  "  frames: {use: transform/frames, data: recorded, frames: 12}\n"                                          \
  "  fit:\n"                                                                                                 \
  "    use: trainer/bptt\n"                                                                                  \
  "    data: train\n"                                                                                        \
  "    network:\n"                                                                                           \
  "      - {use: dense, units: 12, neuron: {use: lif, threshold: 0.3}}\n"                                    \
  "      - {use: dense, units: 10, neuron: leaky-integrator}\n"                                              \
  "    decoder: mean-membrane\n"                                                                             \
  "    epochs: 2\n"                                                                                          \
  "    batch: 8\n"                                                                                           \
  "  score: {use: analysis/accuracy, model: fit.last, data: train}\n"

/* Four recordings of each digit in the five bytes an event of N-MNIST: x, y, polarity and time, ON in the
 * upper half of the sensor for the first five digits. */
static void
record (const Fixture *f)
{
  const RvStream stream = rv_stream_new (4, "", "nmnist", "");
  for (uint32_t k = 0; k < 40; k++)
    {
      g_autofree char *folder = g_strdup_printf ("%s/recorded/Train/%u", f->folder, k / 4),
                      *path = g_strdup_printf ("%s/%05u.bin", folder, k);
      guint8 bytes[60][5];
      for (uint32_t e = 0; e < 60; e++)
        {
          const uint32_t t = e * 1900 + 7;
          bytes[e][0] = (guint8)(rv_stream_bits (stream, k * 1000 + 2 * e) % 34);
          bytes[e][1] = (guint8)(rv_stream_bits (stream, k * 1000 + 2 * e + 1) % 17 + (k >= 20 ? 17 : 0));
          bytes[e][2] = (guint8)((e % 2 ? 0x80 : 0) | t >> 16);
          bytes[e][3] = (guint8)(t >> 8);
          bytes[e][4] = (guint8)t;
        }
      g_assert_cmpint (g_mkdir_with_parents (folder, 0700), ==, 0);
      g_assert_true (g_file_set_contents (path, (const char *)bytes, sizeof bytes, NULL));
    }
}

/* The study becomes one over events. */
static void
set_up_events (const Fixture *f)
{
  g_autofree char *folder = path_of (f, "recorded"), *file = path_of (f, "study.yaml");
  g_autofree char *text = g_strdup_printf (EVENTS, folder);
  record (f);
  g_assert_true (g_file_set_contents (file, text, -1, NULL));
}

static void
count_data (const char *root, const char *name, gpointer user)
{
  *(guint *)user += g_str_has_suffix (name, "/result/data");
}

static guint
prepared (const Fixture *f)
{
  g_autofree char *cache = path_of (f, "cache");
  guint n = 0;
  test_walk (cache, "", count_data, &n);
  return n;
}

/* A second training on the same events maps what the first prepared, and comes to the same bits; so does
 * one without it. Damage to it is said, which shows that it is taken. */
static void
test_prepared (Fixture *f, gconstpointer user)
{
  set_up_events (f);
  g_autofree char *one = path_of (f, "one"), *two = path_of (f, "two"), *three = path_of (f, "three"),
                  *state = path_of (f, "state"), *cache = path_of (f, "cache");
  g_autofree char *first = run (f, "one", "");
  g_assert_cmpuint (test_count (first, "epoch 2/2"), ==, 1);
  g_assert_cmpuint (prepared (f), ==, 2); /* the bins and the frames */
  test_remove (state);                    /* the models, so that training begins again */
  Search damaged = { "/result/data", 0 };
  g_autofree char *second = run (f, "two", "");
  g_assert_cmpuint (test_count (second, "epoch 2/2"), ==, 1);
  g_assert_cmpuint (test_count (second, "prepared again"), ==, 0);
  test_walk (one, "", test_equal_file, two);
  test_walk (cache, "", spoil, &damaged);
  g_assert_cmpuint (damaged.found, ==, 2);
  test_remove (state);
  g_autofree char *third = run (f, "three", "");
  g_assert_cmpuint (test_count (third, "prepared again"), ==, 2); /* so the second run took both */
  g_assert_cmpuint (test_count (third, "epoch 2/2"), ==, 1);
  test_walk (one, "", test_equal_file, three);
  g_autofree char *frames = run (f, "four", "-s fit.data=frames -s score.data=frames");
  g_assert_cmpuint (test_count (frames, "epoch 2/2"), ==, 1);
  g_assert_cmpuint (prepared (f), ==, 2); /* both were there */
  g_autofree char *width = run (f, "five", "-s width='9 ms'");
  g_assert_cmpuint (prepared (f), ==, 3); /* other bins are other data */
}

/* Images as their files have them are prepared too, and read again as the same ones. */
static void
test_images (Fixture *f, gconstpointer user)
{
  g_autofree char *one = path_of (f, "one"), *two = path_of (f, "two"), *three = path_of (f, "three"),
                  *state = path_of (f, "state"), *cache = path_of (f, "cache"),
                  *file = path_of (f, "study.yaml");
  g_autofree char *text = g_strdup_printf ("nodes:\n  images: {use: dataset/cifar10, folder: %s}\n"
                                           "  train: {use: transform/repeat, data: images, steps: 3}\n"
                                           "  fit: {use: trainer/bptt, data: train, network: [{use: dense, "
                                           "units: 10, neuron: leaky-integrator}],\n"
                                           "        decoder: mean-membrane, epochs: 2, batch: 4}\n",
                                           f->folder);
  for (guint8 b = 1; b <= 5; b++)
    {
      g_autofree char *name = g_strdup_printf ("data_batch_%u.bin", b), *batch = path_of (f, name);
      guint8 records[2 * 3073];
      for (guint k = 0; k < sizeof records; k++)
        records[k] = k % 3073 ? (guint8)(k * b) : b;
      g_assert_true (g_file_set_contents (batch, (const char *)records, sizeof records, NULL));
    }
  g_assert_true (g_file_set_contents (file, text, -1, NULL));
  g_free (run (f, "one", ""));
  g_assert_cmpuint (prepared (f), ==, 1);
  test_remove (state);
  Search damaged = { "/result/data", 0 };
  g_autofree char *second = run (f, "two", "");
  g_assert_cmpuint (test_count (second, "prepared again"), ==, 0);
  test_walk (one, "", test_equal_file, two);
  test_walk (cache, "", spoil, &damaged);
  test_remove (state);
  g_autofree char *third = run (f, "three", "");
  g_assert_cmpuint (test_count (third, "prepared again"), ==, 1); /* so the second run took them */
  test_walk (one, "", test_equal_file, three);
}

static void
tear_down (Fixture *f, gconstpointer user)
{
  test_remove (f->folder);
  g_free (f->folder);
}

int
main (int argc, char **argv)
{
  static const struct
  {
    const char *path;
    void (*test) (Fixture *f, gconstpointer user);
  } tests[] = { { "/store/reused", test_reused },
                { "/store/model-revived", test_model_revived },
                { "/store/dataset-later", test_dataset_later },
                { "/store/changes", test_changes },
                { "/store/damage", test_damage },
                { "/store/two-at-once", test_two_at_once },
                { "/store/cap", test_cap },
                { "/store/nowhere", test_nowhere },
                { "/store/prepared", test_prepared },
                { "/store/images", test_images } };
  g_test_init (&argc, &argv, NULL);
  for (guint k = 0; k < G_N_ELEMENTS (tests); k++)
    g_test_add (tests[k].path, Fixture, NULL, set_up, tests[k].test, tear_down);
  return g_test_run ();
}
