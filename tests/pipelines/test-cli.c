/* The program from outside: exit codes, messages, what it writes, and the same bits for any number of
 * threads. */
#include "support.h"
#include <fcntl.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

typedef struct
{
  char *folder, *file, *out;
} Fixture;

static void
set_up (Fixture *f, gconstpointer user)
{
  g_autoptr (GError) error = NULL;
  f->folder = g_dir_make_tmp ("ranvier-XXXXXX", &error);
  g_assert_no_error (error);
  f->file = g_build_filename (f->folder, "study.yaml", NULL);
  f->out = g_build_filename (f->folder, "out", NULL);
  g_autofree char *kept = g_build_filename (f->folder, "kept", NULL);
  g_setenv ("XDG_STATE_HOME", kept, TRUE); /* nothing is reused from one test to another */
  g_setenv ("XDG_CACHE_HOME", kept, TRUE);
}

static void
tear_down (Fixture *f, gconstpointer user)
{
  test_remove (f->folder);
  g_free (f->folder);
  g_free (f->file);
  g_free (f->out);
}

/* Runs `ranvier VERB study.yaml ...`; returns the exit code, and what it said on both outputs. */
static int
ranvier (const Fixture *f, const char *verb, const char *arguments, char **said)
{
  g_autofree char *line = g_strdup_printf ("%s '%s' %s", verb, f->file, arguments);
  return test_ranvier (NULL, line, said);
}

static void
write_pipeline (const Fixture *f, const char *text)
{
  g_autoptr (GError) error = NULL;
  g_file_set_contents (f->file, text, -1, &error);
  g_assert_no_error (error);
}

#define STUDY                                                                                                \
  "title: A tiny study\n"                                                                                    \
  "let: {reset: hard, epochs: 2, noise: 0.05, rate: 1e-2, batch: 40, high: 0.6}\n"                           \
  "axes:\n"                                                                                                  \
  "  variant: {baseline: {}, without reset: {reset: none}}\n"                                                \
  "nodes:\n"                                                                                                 \
  "  train: {use: dataset/delayed-xor, samples: 100, gap: 4, pattern: 3, noise: $(noise), low: 0, high: "    \
  "$(high)}\n"                                                                                               \
  "  test: {use: dataset/delayed-xor, split: test, samples: 50, gap: 4, pattern: 3, noise: $(noise), low: "  \
  "0, "                                                                                                      \
  "high: $(high)}\n"                                                                                         \
  "  fit:\n"                                                                                                 \
  "    use: trainer/bptt\n"                                                                                  \
  "    data: train\n"                                                                                        \
  "    validation: test\n"                                                                                   \
  "    network:\n"                                                                                           \
  "      - {use: dense, units: 9, recurrent: yes, neuron: {use: lif, reset: $(reset), threshold: 0.3}}\n"    \
  "      - {use: dense, units: 2, neuron: leaky-integrator}\n"                                               \
  "    decoder: last-step\n"                                                                                 \
  "    optimizer: {use: adam, rate: $(rate)}\n"                                                              \
  "    epochs: $(epochs)\n"                                                                                  \
  "    batch: $(batch)\n"                                                                                    \
  "  score: {use: analysis/accuracy, model: fit.last, data: test}\n"                                         \
  "  firing: {use: analysis/firing-rate, model: fit.last, data: test}\n"                                     \
  "  table: {use: report/table, from: score, over: [variant], rows: variant, columns: [accuracy]}\n"

static char *
contents (const Fixture *f, const char *out, const char *name, gsize *length)
{
  g_autofree char *path = g_build_filename (f->folder, out, name, NULL);
  g_autoptr (GError) error = NULL;
  char *text = NULL;
  g_file_get_contents (path, &text, length, &error);
  g_assert_no_error (error);
  return text;
}

#define CHECKPOINT "models/fit.last/variant=baseline/checkpoint.npz"

static void
test_threads (Fixture *f, gconstpointer user)
{
  gsize first_length = 0, length = 0;
  g_autofree char *first = NULL;
  write_pipeline (f, STUDY);
  for (int threads = 1; threads <= 4; threads *= 2)
    {
      g_autofree char *name = g_strdup_printf ("out-%d", threads);
      g_autofree char *arguments
          = g_strdup_printf ("--fresh --threads %d --out '%s/%s'", threads, f->folder, name);
      g_assert_cmpint (ranvier (f, "run", arguments, NULL), ==, 0);
      g_autofree char *bytes = contents (f, name, CHECKPOINT, &length);
      if (!first)
        {
          first = g_steal_pointer (&bytes);
          first_length = length;
          continue;
        }
      g_assert_cmpmem (first, first_length, bytes, length);
    }
}

static void
test_directory (Fixture *f, gconstpointer user)
{
  static const char *const files[] = { "pipeline.yaml",
                                       "resolved.yaml",
                                       "run.json",
                                       "metrics.jsonl",
                                       "tables/table.csv",
                                       "tables/table.md",
                                       "tables/score.confusion/variant=baseline.csv",
                                       "tables/fit.history/variant=without_reset.csv",
                                       "figures/firing.figure/variant=baseline.gp" };
  g_autofree char *said = NULL, *arguments = g_strdup_printf ("--out '%s'", f->out);
  write_pipeline (f, STUDY);
  g_assert_cmpint (ranvier (f, "run", arguments, &said), ==, 0);
  g_assert_nonnull (strstr (said, "| without reset |"));
  for (guint k = 0; k < G_N_ELEMENTS (files); k++)
    {
      gsize length;
      g_autofree char *text = contents (f, "out", files[k], &length);
      g_assert_cmpuint (length, >, 0);
    }
}

/* Five mistakes come in one go, each with its place, and nothing is written. */
static void
test_mistakes (Fixture *f, gconstpointer user)
{
  static const char *const expected[]
      = { ":3:51: dataset/delayed-xor has no parameter 'smaples'; did you mean 'samples'?",
          ":4:46: ", "there is no plugin neuron/lf; did you mean 'lif'", ":10:", "there is no node 'fitt'" };
  g_autofree char *said = NULL, *arguments = g_strdup_printf ("--out '%s'", f->out);
  write_pipeline (f, "title: five mistakes\n"
                     "nodes:\n"
                     "  train: {use: dataset/delayed-xor, split: train, smaples: 100}\n"
                     "  test: {use: dataset/delayed-xor, channels: -3}\n"
                     "  fit:\n"
                     "    use: trainer/bptt\n"
                     "    data: train\n"
                     "    network:\n"
                     "      - {use: dense, units: 2, neuron: lf}\n"
                     "    epochs: many\n"
                     "  score: {use: analysis/accuracy, model: fitt.last, data: test}\n");
  g_assert_cmpint (ranvier (f, "run", arguments, &said), ==, 2);
  for (guint k = 0; k < G_N_ELEMENTS (expected); k++)
    g_assert_nonnull (strstr (said, expected[k]));
  g_assert_false (g_file_test (f->out, G_FILE_TEST_EXISTS));
}

static void
test_shapes (Fixture *f, gconstpointer user)
{
  g_autofree char *said = NULL;
  write_pipeline (f, STUDY);
  g_assert_cmpint (ranvier (f, "check", "-s fit.network.1.units=3", &said), ==, 2);
  g_assert_nonnull (strstr (said, "the last layer of the network has 3 units, but the data has 2 classes"));
  g_assert_cmpint (ranvier (f, "check", "-s test.channels=7", NULL), ==, 2);
  g_assert_cmpint (ranvier (f, "check", "", NULL), ==, 0);
  g_assert_cmpint (ranvier (f, "graph", "--dot", NULL), ==, 0);
}

/* A learning rate that throws the weights to infinity: named, exit code 1. */
static void
test_diverged (Fixture *f, gconstpointer user)
{
  g_autofree char *said = NULL,
                  *arguments
                  = g_strdup_printf ("-s fit.optimizer=sgd -s fit.optimizer.rate=1e6 -s fit.loss=mse "
                                     "-s epochs=50 --out '%s'",
                                     f->out);
  write_pipeline (f, STUDY);
  g_assert_cmpint (ranvier (f, "run", arguments, &said), ==, 1);
  g_assert_nonnull (strstr (said, "training diverged in epoch "));
  g_assert_nonnull (strstr (said, "failed"));
}

/* What may look strange but is no mistake. */
static void
test_edges (Fixture *f, gconstpointer user)
{
  static const char *const settings[]
      = { "-s epochs=0", "-s batch=5000", "-s noise=0 -s high=0", "-s noise=1", "-s variant=baseline" };
  write_pipeline (f, STUDY);
  for (guint k = 0; k < G_N_ELEMENTS (settings); k++)
    {
      g_autofree char *arguments = g_strdup_printf ("%s --out '%s-%u'", settings[k], f->out, k);
      g_assert_cmpint (ranvier (f, "run", arguments, NULL), ==, 0);
    }
}

/* The memory that is planned, and where the time went. */
static void
test_resources (Fixture *f, gconstpointer user)
{
  g_autofree char *planned = NULL, *said = NULL, *again = NULL;
  write_pipeline (f, STUDY);
  g_assert_cmpint (ranvier (f, "check", "--threads 2", &planned), ==, 0);
  g_assert_nonnull (strstr (planned, "fit: "));
  g_assert_nonnull (strstr (planned, " MB of memory beside its data, with 2 threads"));
  g_autofree char *arguments = g_strdup_printf ("--profile --out '%s'", f->out);
  g_assert_cmpint (ranvier (f, "run", arguments, &said), ==, 0);
  static const char *const lines[] = { "fit [variant=baseline]  profile: ",
                                       "GB/s from the second cache",
                                       "layer 0  projection ",
                                       "layer 0  recurrence ",
                                       "layer 1  neurons' adjoint ",
                                       "layer 0  weight gradient ",
                                       "network  sums, optimizer " };
  for (guint k = 0; k < G_N_ELEMENTS (lines); k++)
    g_assert_nonnull (strstr (said, lines[k]));
  arguments[strlen ("--profil")] = ' '; /* a mistake, then without */
  g_assert_cmpint (ranvier (f, "run", arguments, NULL), ==, 2);
  g_autofree char *plain = g_strdup_printf ("--fresh --out '%s'", f->out);
  g_assert_cmpint (ranvier (f, "run", plain, &again), ==, 0);
  g_assert_null (strstr (again, "profile"));
}

static void
test_usage (Fixture *f, gconstpointer user)
{
  g_autofree char *said = NULL;
  g_assert_cmpint (ranvier (f, "run", "", &said), ==, 2); /* there is no such file */
  g_assert_nonnull (strstr (said, "study.yaml"));
  g_assert_cmpint (ranvier (f, "rnu", "", NULL), ==, 2);
  write_pipeline (f, STUDY);
  g_assert_cmpint (ranvier (f, "run", "--nonsense", NULL), ==, 2);
  g_assert_cmpint (ranvier (f, "check", "-s nosuch=1", NULL), ==, 2);
  g_assert_cmpint (ranvier (f, "check", "-s variant=nosuch", NULL), ==, 2);
}

/* What a run says on a terminal of `columns`; the caller owns it. */
static char *
on_terminal (const Fixture *f, gushort columns, const char *arguments)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *line
      = g_strdup_printf ("'%s' run '%s' %s", g_getenv ("RANVIER_PROGRAM"), f->file, arguments);
  g_auto (GStrv) argv = NULL;
  g_autoptr (GString) said = g_string_new (NULL);
  const struct winsize size = { .ws_row = 24, .ws_col = columns };
  const int ours = posix_openpt (O_RDWR | O_NOCTTY);
  g_assert_true (ours >= 0 && grantpt (ours) == 0 && unlockpt (ours) == 0);
  const int theirs = g_open (ptsname (ours), O_RDWR | O_NOCTTY, 0);
  char buffer[4096];
  int status;
  GPid pid;
  g_assert_cmpint (ioctl (ours, TIOCSWINSZ, &size), ==, 0);
  g_assert_true (g_shell_parse_argv (line, NULL, &argv, &error));
  g_spawn_async_with_fds (NULL, argv, NULL, G_SPAWN_DO_NOT_REAP_CHILD | G_SPAWN_STDOUT_TO_DEV_NULL, NULL,
                          NULL, &pid, -1, -1, theirs, &error);
  g_assert_no_error (error);
  close (theirs);
  for (ssize_t n; (n = read (ours, buffer, sizeof buffer)) > 0;)
    g_string_append_len (said, buffer, n);
  close (ours);
  g_assert_cmpint (waitpid (pid, &status, 0), ==, pid);
  g_assert_cmpint (status, ==, 0);
  return g_strdup (said->str);
}

/* On a terminal a training has one line, which is never wider than the terminal; what it said last stays. */
static void
test_terminal (Fixture *f, gconstpointer user)
{
  static const gushort columns[] = { 200, 50 };
  write_pipeline (f, STUDY);
  for (guint k = 0; k < G_N_ELEMENTS (columns); k++)
    {
      g_autofree char *arguments
          = g_strdup_printf ("--fresh --threads 1 -s variant=baseline -s epochs=1500 --out '%s'", f->out);
      g_autofree char *said = on_terminal (f, columns[k], arguments);
      g_auto (GStrv) lines = g_strsplit (said, "\r\033[K", -1);
      guint drawn = 0, stay = 0;
      for (char **line = lines; *line; line++)
        if (strchr (*line, '\n'))
          stay += strstr (*line, "  epoch ") != NULL;
        else
          {
            g_assert_cmpuint (strlen (*line), <, columns[k]);
            drawn += **line != 0;
          }
      g_test_message ("%u columns: %u times drawn, %u lines stay", columns[k], drawn, stay);
      g_assert_cmpuint (stay, ==, 1);
      g_assert_cmpuint (drawn, >=, 2);
      g_assert_nonnull (strstr (said, "fit [variant=baseline]  epoch 1500/1500  loss "));
      g_assert_true (g_regex_match_simple (
          "\\[[0-9]+/[0-9]+\\] [0-9]+:[0-9][0-9] left  fit \\[variant=baseline\\] ", said, 0, 0));
      g_assert_true (
          columns[k] < 100
          || g_regex_match_simple ("left .*loss .* accuracy .* samples/s .*validation", said, 0, 0));
    }
}

int
main (int argc, char **argv)
{
  static const struct
  {
    const char *path;
    void (*test) (Fixture *f, gconstpointer user);
  } tests[] = { { "/cli/threads", test_threads },     { "/cli/directory", test_directory },
                { "/cli/mistakes", test_mistakes },   { "/cli/shapes", test_shapes },
                { "/cli/diverged", test_diverged },   { "/cli/edges", test_edges },
                { "/cli/resources", test_resources }, { "/cli/usage", test_usage },
                { "/cli/terminal", test_terminal } };
  g_test_init (&argc, &argv, NULL);
  for (guint k = 0; k < G_N_ELEMENTS (tests); k++)
    g_test_add (tests[k].path, Fixture, NULL, set_up, tests[k].test, tear_down);
  return g_test_run ();
}
