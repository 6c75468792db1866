/* A study is killed 50 times, at random moments and in the middle of writing a checkpoint, and started
 * again each time: every checkpoint that it leaves, and its results, are those of a study that nobody
 * killed, byte by byte. */
#include "data/npz.h"
#include "pipeline/graph-private.h"
#define STUDY_SAMPLES "60"
#include "study.h"
#include <poll.h>
#include <sys/inotify.h>

#define KILLS 50
#define CALLS (EPOCHS * (BATCHES + 1)) /* of rv_node_checkpoint, in each training */
#define EVENTS (IN_CREATE | IN_CLOSE_WRITE | IN_MOVED_FROM | IN_MOVED_TO)

/* Watches the folders in which the two trainings have their checkpoints. */
typedef struct
{
  int inotify;
  GPtrArray *folders; /* char * */
} Watch;

static Watch
watch (const Study *study, const char *kept)
{
  Watch w = { inotify_init1 (IN_CLOEXEC | IN_NONBLOCK), g_ptr_array_new_with_free_func (g_free) };
  g_autoptr (GPtrArray) whole = study_find (study, "kept-whole", "result");
  g_assert_cmpuint (whole->len, ==, 2);
  for (guint k = 0; k < whole->len; k++)
    {
      g_autofree char *name = g_path_get_basename (whole->pdata[k]);
      char *folder = g_build_filename (study->folder, kept, "ranvier", name, NULL);
      g_assert_cmpint (g_mkdir_with_parents (folder, 0700), ==, 0);
      g_assert_cmpint (inotify_add_watch (w.inotify, folder, EVENTS), >=, 0);
      g_ptr_array_add (w.folders, folder);
    }
  return w;
}

static void
unwatch (Watch *w)
{
  close (w->inotify);
  g_ptr_array_unref (w->folders);
}

static gboolean
has_ended (GPid pid)
{
  siginfo_t info = { 0 };
  return waitid (P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid != 0;
}

/* Waits until something happens to a checkpoint file; FALSE once the child has ended. */
static gboolean
wait_for_event (const Watch *w, GPid pid)
{
  char buffer[4096] __attribute__ ((aligned (8)));
  struct pollfd ready = { w->inotify, POLLIN, 0 };
  for (;;)
    {
      const ssize_t length = poll (&ready, 1, 10) > 0 ? read (w->inotify, buffer, sizeof buffer) : 0;
      for (const char *at = buffer; at < buffer + length;)
        {
          const struct inotify_event *event = (const void *)at;
          if (event->len && g_str_has_prefix (event->name, "checkpoint"))
            return TRUE;
          at += sizeof *event + event->len;
        }
      if (length <= 0 && has_ended (pid))
        return FALSE;
    }
}

/* "identity epoch samples": which moment of which training a checkpoint is of. Caller owns. */
static char *
key_of (const char *folder, const char *path)
{
  static const char *const names[] = { "epoch", "samples done" };
  uint64_t numbers[2] = { 0, 0 };
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) arrays = rv_npz_read_arrays (path, &error);
  g_autofree char *identity = g_path_get_basename (folder);
  g_assert_no_error (error);
  for (guint k = 0; k < arrays->len; k++)
    for (guint n = 0; n < 2; n++)
      if (strcmp (((RvArray *)arrays->pdata[k])->name, names[n]) == 0)
        numbers[n] = *(const uint64_t *)((RvArray *)arrays->pdata[k])->data;
  return g_strdup_printf ("%s %u %u", identity, (guint)numbers[0], (guint)numbers[1]);
}

/* Calls `each` with every checkpoint that is there. */
static void
look (const Watch *w, void (*each) (GHashTable *known, const char *key, const char *path), GHashTable *known)
{
  static const char *const names[] = { "checkpoint.npz", "checkpoint-before.npz" };
  for (guint k = 0; k < 2 * w->folders->len; k++)
    {
      const char *folder = w->folders->pdata[k / 2];
      g_autofree char *path = g_build_filename (folder, names[k % 2], NULL), *key = NULL;
      if (!g_file_test (path, G_FILE_TEST_EXISTS))
        continue;
      key = key_of (folder, path);
      each (known, key, path);
    }
}

static GBytes *
bytes_of (const char *path)
{
  char *text;
  gsize length;
  g_assert_true (g_file_get_contents (path, &text, &length, NULL));
  return g_bytes_new_take (text, length);
}

static void
learn (GHashTable *known, const char *key, const char *path)
{
  if (!g_hash_table_contains (known, key))
    g_hash_table_insert (known, g_strdup (key), bytes_of (path));
}

static guint compared;

static void
compare (GHashTable *known, const char *key, const char *path)
{
  GBytes *expected = g_hash_table_lookup (known, key);
  g_autoptr (GBytes) found = bytes_of (path);
  if (!expected)
    g_test_message ("no undisturbed study was seen at %s", key);
  g_assert_nonnull (expected);
  g_assert_true (g_bytes_equal (found, expected));
  compared++;
}

/* Runs a cell in this process, from its beginning to call `n` of rv_node_checkpoint. */
static void
stop_at (const Study *study, const char *cell, guint n)
{
  g_autofree char *file = study_path (study, "study.yaml"), *out = study_path (study, "stopped");
  const char *const settings[] = { cell, NULL };
  g_autoptr (RvMistakes) mistakes = rv_mistakes_new ();
  g_autoptr (RvDocument) document = rv_document_load (file, settings, mistakes);
  const RvGraphOptions options = { .out = out, .quiet = TRUE, .settings = settings };
  g_autoptr (RvGraph) graph = rv_graph_new (document, &options, mistakes);
  g_autoptr (GError) error = NULL;
  uint32_t failed;
  g_assert_nonnull (graph);
  graph->state.stop_at = n;
  g_assert_false (rv_graph_run (graph, &failed, &error));
  g_assert_error (error, RV_ERROR, RV_ERROR_STOPPED);
}

/* The checkpoints of a study that nobody has interrupted before: after every batch and every epoch of both
 * trainings, each from a run of its own. */
static GHashTable *
learn_all (const Study *study)
{
  static const char *const cells[] = { "variant=plain", "variant=recurrent" };
  GHashTable *known = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_bytes_unref);
  g_autofree char *kept = study_path (study, "kept-stopped");
  const int err = dup (STDERR_FILENO), nothing = g_open ("/dev/null", O_WRONLY, 0);
  study_keep (study, "kept-stopped");
  dup2 (nothing, STDERR_FILENO); /* each of them says that it was interrupted */
  for (guint k = 0; k < G_N_ELEMENTS (cells) * CALLS; k++)
    {
      test_remove (kept);
      Watch w = watch (study, "kept-stopped");
      stop_at (study, cells[k / CALLS], k % CALLS + 1);
      look (&w, learn, known);
      unwatch (&w);
    }
  dup2 (err, STDERR_FILENO);
  close (err);
  close (nothing);
  study_keep (study, "kept");
  g_assert_cmpuint (g_hash_table_size (known), ==, 2 * CALLS);
  return known;
}

/* Kills the child at some moment of its life, or some moments after something happened to a checkpoint;
 * FALSE if it was faster. */
static gboolean
kill_somewhere (const Watch *w, Child *child)
{
  int code;
  if (g_test_rand_bit ())
    g_usleep ((gulong)g_test_rand_int_range (0, 90000));
  else
    {
      for (int n = g_test_rand_int_range (1, 24); n > 0 && wait_for_event (w, child->pid); n--)
        ;
      for (gint64 until = g_get_monotonic_time () + g_test_rand_int_range (0, 400);
           g_get_monotonic_time () < until;)
        ;
    }
  kill (child->pid, SIGKILL);
  g_autofree char *said = study_finish (child, &code);
  g_assert_true (code == 0 || code == 128 + SIGKILL);
  return code != 0;
}

static void
test_killed (Study *study, gconstpointer user)
{
  guint kills = 0, ended = 0, runs = 0, torn = 0;
  g_autofree char *whole = study_run_whole (study, "");
  g_autoptr (GHashTable) known = learn_all (study);
  g_setenv ("RANVIER_CHECKPOINT_MINUTES", "0", TRUE);
  g_autofree char *kept = study_path (study, "kept");
  Watch w = watch (study, "kept");
  while (kills < KILLS || ended == 0)
    {
      const char *out = g_test_rand_bit () ? "one" : "other";
      g_autofree char *arguments = g_strdup_printf ("-q --threads %d", g_test_rand_int_range (1, 4));
      Child child = study_start (study, out, arguments, 0);
      runs++;
      if (kills < KILLS && kill_somewhere (&w, &child))
        {
          kills++;
          look (&w, compare, known);
          for (guint k = 0; k < w.folders->len; k++)
            {
              g_autofree char *part = g_build_filename (w.folders->pdata[k], "checkpoint.npz.part", NULL);
              torn += g_file_test (part, G_FILE_TEST_EXISTS);
            }
          continue;
        }
      if (kills >= KILLS)
        {
          int code;
          g_autofree char *said = study_finish (&child, &code);
          g_assert_cmpint (code, ==, 0);
        }
      ended++;
      study_compare (study, whole, out);
      unwatch (&w);
      test_remove (kept);
      w = watch (study, "kept");
    }
  unwatch (&w);
  g_test_message ("%u kills of %u runs, %u of them while a file was written; %u studies came to their end; "
                  "%u checkpoints compared",
                  kills, runs, torn, ended, compared);
  g_assert_cmpuint (torn, >, 0);
  g_assert_cmpuint (compared, >, KILLS / 2);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add ("/resume/killed", Study, NULL, study_set_up, test_killed, study_tear_down);
  return g_test_run ();
}
