/* Interruptions as users meet them: signals, damaged checkpoints, a full disk, a folder that can not be
 * written. The end is that of an undisturbed run with every bit, or a message that says what to do. */
#include "study.h"
#include <errno.h>
#include <sched.h>
#include <sys/mount.h>

#define LONG "-s epochs=120" /* more lines than the pipe of study_start holds */
#define LIMIT 16000          /* bytes: less than a checkpoint, more than what else a run writes */

static char *whole; /* the run directory of a long run that nobody disturbed */

static void
assert_says (const char *said, const char *text)
{
  if (!strstr (said, text))
    g_test_message ("it should say: %s", text);
  g_assert_nonnull (strstr (said, text));
}

static void
assert_quiet_about (const char *said, const char *text)
{
  if (strstr (said, text))
    g_test_message ("it should not say: %s", text);
  g_assert_null (strstr (said, text));
}

/* Where the one training has its checkpoint; the caller owns the path. */
static char *
kept_file (const Study *study, const char *name)
{
  g_autoptr (GPtrArray) folders = study_find (study, "kept", name);
  g_assert_cmpuint (folders->len, ==, 1);
  return g_build_filename (folders->pdata[0], name, NULL);
}

static void
assert_none_kept (const Study *study)
{
  static const char *const names[] = { "checkpoint.npz", "checkpoint-before.npz", "checkpoint.npz.part" };
  for (guint k = 0; k < G_N_ELEMENTS (names); k++)
    {
      g_autoptr (GPtrArray) folders = study_find (study, "kept", names[k]);
      g_assert_cmpuint (folders->len, ==, 0);
    }
}

/* A first run, interrupted in the middle of its first training, which leaves two checkpoints. */
static void
begin (const Study *study)
{
  g_autofree char *kept = study_path (study, "kept");
  test_remove (kept);
  g_setenv ("RANVIER_CHECKPOINT_MINUTES", "0", TRUE);
  g_autofree char *said = study_interrupt (study, "out", LONG, 0, "epoch 3/120", SIGINT, 130);
  g_unsetenv ("RANVIER_CHECKPOINT_MINUTES");
}

/* Interrupted again and again, with one number of threads and another, into one folder and another. */
static void
test_signals (Study *study, gconstpointer user)
{
  static const struct
  {
    const char *text, *out, *arguments;
    int number;
  } stops[] = { { "[variant=plain]  epoch 1/120", "out", LONG " --threads 1", SIGINT },
                { "[variant=plain]  epoch 60/120", "out", LONG " --threads 3", SIGTERM },
                { "[variant=recurrent]  epoch 50/120", "other", LONG " --threads 2", SIGINT } };
  for (guint k = 0; k < G_N_ELEMENTS (stops); k++)
    {
      g_autofree char *said
          = study_interrupt (study, stops[k].out, stops[k].arguments, 0, stops[k].text, stops[k].number, 130);
      g_assert_cmpuint (test_count (said, "[variant=plain]  going on from "), ==, k > 0);
      g_assert_cmpuint (test_count (said, "[variant=plain]  epoch 1/120"), ==, k == 0);
      assert_says (said, "stopped: interrupted; the same command goes on from ");
      assert_says (said, "the same command goes on\n");
    }
  g_autofree char *said = study_run (study, "out", LONG " --threads 2", 0);
  assert_says (said, "[variant=plain]  reused");
  assert_says (said, "[variant=recurrent]  going on from ");
  study_compare (study, whole, "out");
  assert_none_kept (study);
}

/* Killed, without a word: the end of some epoch is there, if no batch. */
static void
test_epoch_ends (Study *study, gconstpointer user)
{
  g_setenv ("RANVIER_CHECKPOINT_MINUTES", "soon", TRUE);
  g_autofree char *killed = study_interrupt (study, "out", LONG, 0, "epoch 60/120", SIGKILL, 128 + SIGKILL);
  assert_says (killed, "RANVIER_CHECKPOINT_MINUTES is a number of minutes, not 'soon'");
  g_unsetenv ("RANVIER_CHECKPOINT_MINUTES");
  g_autofree char *said = study_run (study, "out", LONG, 0);
  assert_says (said, "[variant=plain]  going on from ");
  assert_says (said, ", batch 1 (checkpoint of ");
  study_compare (study, whole, "out");
}

typedef enum
{
  FLIP,
  CUT,
  EMPTY
} Damage;

static void
damage (const char *path, Damage what)
{
  g_autofree char *bytes = NULL;
  gsize length;
  g_assert_true (g_file_get_contents (path, &bytes, &length, NULL));
  bytes[length / 2] ^= what == FLIP ? 4 : 0;
  length = what == FLIP ? length : what == CUT ? length / 3 : 0;
  g_assert_true (g_file_set_contents (path, bytes, (gssize)length, NULL));
}

/* The newest is damaged: the file is named and the earlier one is used, which stays until there is a new
 * one. */
static void
test_damaged (Study *study, gconstpointer user)
{
  for (Damage what = FLIP; what <= EMPTY; what++)
    {
      begin (study);
      g_autofree char *newest = kept_file (study, "checkpoint.npz"), *stopped = NULL, *said = NULL;
      int code;
      damage (newest, what);
      Child child = study_start (study, "out", LONG, 0);
      g_assert_true (study_wait_for (&child, "going on from "));
      kill (child.pid, SIGTERM); /* at once, so that as a rule one checkpoint is written */
      stopped = study_finish (&child, &code);
      g_assert_cmpint (code, ==, 130);
      assert_says (stopped, newest);
      assert_says (stopped, "; the earlier one is used\n");
      assert_says (stopped, "going on from ");
      damage (newest, what); /* the new one; before it there is still one that is good */
      said = study_run (study, "out", LONG, 0);
      assert_says (said, "; the earlier one is used\n");
      study_compare (study, whole, "out");
    }
}

/* Nothing is left to go on from: the run says so and does not begin again by itself. */
static void
test_all_damaged (Study *study, gconstpointer user)
{
  begin (study);
  g_autofree char *newest = kept_file (study, "checkpoint.npz"),
                  *before = kept_file (study, "checkpoint-before.npz");
  damage (newest, FLIP);
  damage (before, CUT);
  for (int k = 0; k < 3; k++)
    {
      g_autofree char *said = study_run (study, "out", LONG, 1);
      assert_says (said, "[variant=plain]  failed: ");
      assert_says (said, k < 2 ? newest : before);
      assert_says (said, "no checkpoint is left to go on from");
      assert_says (said, "--fresh");
      assert_quiet_about (said, "[variant=plain]  epoch");
      assert_says (said, "[variant=recurrent]"); /* the other cell went on */
      if (k == 0) /* next the damaged newest one alone, then the damaged one before it */
        g_assert_cmpint (g_unlink (before), ==, 0);
      else if (k == 1)
        g_assert_cmpint (g_rename (newest, before), ==, 0);
    }
  g_autofree char *said = study_run (study, "out", LONG " --fresh", 0);
  assert_says (said, "[variant=plain]  epoch 1/120");
  study_compare (study, whole, "out");
  assert_none_kept (study);
}

/* A disk that is full from the first checkpoint on: said once, and the training comes to its end. */
static void
test_full_from_the_start (Study *study, gconstpointer user)
{
  int code;
  g_autofree char *short_whole = study_run_whole (study, "");
  Child child = study_start (study, "out", "", LIMIT);
  g_autofree char *said = study_finish (&child, &code);
  g_assert_cmpint (code, ==, 0);
  g_assert_cmpuint (test_count (said, "[variant=plain]  no checkpoint: "), ==, 1);
  assert_says (said, "checkpoint.npz could not be written: File too large");
  assert_says (said, "loses what is done from the beginning on");
  study_compare (study, short_whole, "out");
  assert_none_kept (study);
  g_autofree char *stopped = study_interrupt (study, "other", LONG, LIMIT, "epoch 5/", SIGINT, 1);
  assert_says (stopped, "interrupted, and no checkpoint could be written: ");
  assert_says (stopped, "what was done from the beginning on is lost");
  assert_none_kept (study);
}

/* It fills up later: the earlier checkpoint stays as it is, and is what the next run goes on from. */
static void
test_full_later (Study *study, gconstpointer user)
{
  gsize before_length, after_length;
  begin (study);
  g_autofree char *newest = kept_file (study, "checkpoint.npz"), *before = NULL, *after = NULL;
  g_assert_true (g_file_get_contents (newest, &before, &before_length, NULL));
  g_assert_cmpuint (before_length, >, LIMIT);
  g_autofree char *stopped = study_interrupt (study, "out", LONG, LIMIT, "epoch 20/", SIGTERM, 1);
  g_auto (GStrv) where = g_strsplit (strstr (stopped, "going on from "), " (", 2);
  g_autofree char *lost
      = g_strdup_printf ("what was done from %s on is lost", where[0] + strlen ("going on from "));
  assert_says (stopped, lost);
  g_assert_true (g_file_get_contents (newest, &after, &after_length, NULL));
  g_assert_cmpmem (before, before_length, after, after_length);
  g_autofree char *said = study_run (study, "out", LONG, 0);
  assert_says (said, where[0]);
  study_compare (study, whole, "out");
}

/* ---- with file systems of our own, for root alone */

/* FALSE, and the test is skipped, where that may not be. The mounts go with this process. */
static gboolean
may_mount (void)
{
  static int may = -1;
  if (may < 0)
    may = unshare (CLONE_NEWNS) == 0 && mount (NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0;
  if (!may)
    g_test_skip ("only root may mount, and not everywhere");
  return may == 1;
}

static void
fill (const char *path)
{
  static const char block[512] = { 1 };
  const int fd = g_open (path, O_WRONLY | O_CREAT, 0600);
  while (write (fd, block, sizeof block) > 0)
    ;
  g_assert_cmpint (errno, ==, ENOSPC);
  close (fd);
}

static void
test_full_disk (Study *study, gconstpointer user)
{
  g_autofree char *kept = study_path (study, "kept"), *filler = study_path (study, "kept/filler"),
                  *before = NULL, *after = NULL;
  gsize before_length, after_length;
  if (!may_mount ())
    return;
  g_assert_cmpint (g_mkdir (kept, 0700), ==, 0);
  g_assert_cmpint (mount ("none", kept, "tmpfs", 0, "size=1m"), ==, 0);
  begin (study);
  g_autofree char *newest = kept_file (study, "checkpoint.npz");
  g_assert_true (g_file_get_contents (newest, &before, &before_length, NULL));
  fill (filler);
  g_autofree char *stopped = study_interrupt (study, "out", LONG, 0, "epoch 20/", SIGTERM, 1);
  assert_says (stopped, "checkpoint.npz could not be written: No space left on device");
  assert_says (stopped, "on is lost");
  g_assert_true (g_file_get_contents (newest, &after, &after_length, NULL));
  g_assert_cmpmem (before, before_length, after, after_length);
  g_autofree char *part = g_strconcat (newest, ".part", NULL);
  g_assert_false (g_file_test (part, G_FILE_TEST_EXISTS));
  Child child = study_start (study, "out", LONG, 0);
  g_assert_true (study_wait_for (&child, "no checkpoint: "));
  g_unlink (filler);
  int code;
  g_autofree char *said = study_finish (&child, &code);
  g_assert_cmpint (code, ==, 0);
  assert_says (said, "checkpoints can be written again\n");
  study_compare (study, whole, "out");
  g_assert_cmpint (umount (kept), ==, 0);
}

/* What was kept is used although nothing can be added to it. */
static void
test_read_only (Study *study, gconstpointer user)
{
  g_autofree char *kept = study_path (study, "kept");
  if (!may_mount ())
    return;
  begin (study);
  g_autofree char *newest = kept_file (study, "checkpoint.npz");
  g_assert_cmpint (mount (kept, kept, NULL, MS_BIND, NULL), ==, 0);
  g_assert_cmpint (mount (NULL, kept, NULL, MS_BIND | MS_REMOUNT | MS_RDONLY, NULL), ==, 0);
  g_autofree char *stopped = study_interrupt (study, "out", LONG, 0, "epoch 20/", SIGTERM, 1);
  assert_says (stopped, "going on from ");
  assert_says (stopped, "checkpoint.npz could not be written: Read-only file system");
  g_autofree char *said = study_run (study, "out", LONG, 0);
  assert_says (said, "[variant=plain]  going on from ");
  study_compare (study, whole, "out");
  g_assert_cmpint (umount (kept), ==, 0);
}

/* There is no folder and can be none. */
static void
test_nowhere (Study *study, gconstpointer user)
{
  study_keep (study, "study.yaml"); /* a file */
  g_autofree char *stopped = study_interrupt (study, "out", LONG, 0, "epoch 20/", SIGTERM, 1);
  assert_says (stopped, "results can not be kept for next time: ");
  assert_says (stopped, "XDG_STATE_HOME");
  assert_says (stopped, "what was done from the beginning on is lost");
  g_autofree char *said = study_run (study, "out", LONG, 0);
  study_compare (study, whole, "out");
}

/* Other parameters are another training: the checkpoint is not used, and that is said. --fresh begins
 * anew. */
static void
test_changed (Study *study, gconstpointer user)
{
  begin (study);
  g_autofree char *changed
      = study_interrupt (study, "out", LONG " -s fit.clip=2", 0, "epoch 5/", SIGINT, 130);
  assert_says (changed, "computed again: clip was 1, is 2; the checkpoint from before that is not used\n");
  assert_quiet_about (changed, "going on from ");
  g_autofree char *fresh = study_interrupt (study, "out", LONG " --fresh", 0, "epoch 2/", SIGINT, 130);
  assert_quiet_about (fresh, "going on from ");
  assert_says (fresh, "without --fresh");
  g_autofree char *again = study_interrupt (study, "out", LONG, 0, "epoch 10/", SIGINT, 130);
  assert_says (again, "going on from ");

  /* two trainings of the same shapes have their checkpoints exchanged: each knows its own */
  g_autoptr (GPtrArray) folders = study_find (study, "kept", "checkpoint.npz");
  g_assert_cmpuint (folders->len, ==, 2);
  g_autofree char *one = g_build_filename (folders->pdata[0], "checkpoint.npz", NULL),
                  *two = g_build_filename (folders->pdata[1], "checkpoint.npz", NULL);
  g_assert_cmpint (renameat2 (AT_FDCWD, one, AT_FDCWD, two, RENAME_EXCHANGE), ==, 0);
  g_autofree char *other = study_interrupt (study, "out", LONG, 0, "epoch 20/", SIGINT, 130);
  assert_says (other, "checkpoint.npz is that of another node; the earlier one is used\n");
}

/* An analysis that takes long goes on too: a landscape, stopped and killed in the grid, along the further
 * directions and between iterations for eigenvalues. */
static void
test_landscape (Study *study, gconstpointer user)
{
  static const char text[]
      = "nodes:\n"
        "  data: {use: dataset/delayed-xor, split: test, samples: 60, gap: 4, pattern: 3}\n"
        "  fit:\n"
        "    use: trainer/bptt\n"
        "    data: data\n"
        "    network:\n"
        "      - {use: dense, units: 40, recurrent: yes, neuron: {use: lif, threshold: 0.3, surrogate: "
        "sigmoid}}\n"
        "      - {use: dense, units: 2, neuron: leaky-integrator}\n"
        "    decoder: last-step\n"
        "    epochs: 1\n"
        "  scape:\n"
        "    use: analysis/loss-landscape\n"
        "    model: fit.last\n"
        "    data: data\n"
        "    points: 3\n"
        "    points-y: 101\n"
        "    samples: 50\n"
        "    eigenvalues: 2\n"
        "    iterations: 90\n";
  static const struct
  {
    const char *text, *arguments;
    int number, code;
  } stops[] = { { "row 1/101", "--threads 1", SIGINT, 130 },
                { "row 60/101", "--threads 3", SIGKILL, 128 + SIGKILL },
                { "iteration 10/90", "--threads 2", SIGTERM, 130 } };
  g_autofree char *file = study_path (study, "study.yaml");
  g_assert_true (g_file_set_contents (file, text, -1, NULL));
  g_autofree char *undisturbed = study_run_whole (study, "");
  for (guint k = 0; k < G_N_ELEMENTS (stops); k++)
    {
      g_autofree char *said = study_interrupt (study, "out", stops[k].arguments, 0, stops[k].text,
                                               stops[k].number, stops[k].code);
      g_assert_cmpuint (test_count (said, "scape  going on from "), ==, k > 0);
      g_assert_cmpuint (test_count (said, "scape  planned: "), ==, k == 0);
      if (stops[k].number != SIGKILL)
        assert_says (said, "interrupted; the same command goes on from ");
    }
  g_autofree char *said = study_run (study, "out", "--threads 2", 0);
  assert_says (said, "scape  going on from iteration ");
  study_compare (study, undisturbed, "out");
  assert_none_kept (study);
}

/* A network on a grid: what is dropped, and the running statistics, which no optimizer moves, go on as they were, in
 * the middle of an epoch too. */
static void
test_grid (Study *study, gconstpointer user)
{
  static const char text[]
      = "nodes:\n"
        "  train: {use: dataset/delayed-xor, samples: 90, gap: 4, pattern: 3}\n"
        "  test: {use: dataset/delayed-xor, split: test, samples: 30, gap: 4, pattern: 3}\n"
        "  fit:\n"
        "    use: trainer/bptt\n"
        "    data: train\n"
        "    validation: test\n"
        "    network:\n"
        "      - {use: conv2d, channels: 18, kernel: 1, weight-scale: 2, bias: no}\n"
        "      - {use: batch-norm, momentum: 0.02}\n"
        "      - {use: neurons, neuron: {use: lif, threshold: 0.5, leak: learned}}\n"
        "      - {use: dropout, share: 0.2}\n"
        "      - {use: residual, layers: [{use: conv2d, channels: 18, kernel: 1}, {use: batch-norm, "
        "statistics: "
        "tile}], neuron: lif}\n"
        "      - {use: dense, units: 2, neuron: leaky-integrator}\n"
        "    decoder: last-step\n"
        "    optimizer: {use: adam, rate: 1e-2}\n"
        "    epochs: 90\n"
        "    batch: 16\n"
        "  score: {use: analysis/accuracy, model: fit.best, data: test}\n";
  static const struct
  {
    const char *text, *arguments;
    int number, code;
  } stops[] = { { "epoch 2/90", "--threads 1", SIGINT, 130 },
                { "epoch 20/90", "--threads 3", SIGKILL, 128 + SIGKILL },
                { "epoch 30/90", "--threads 2", SIGTERM, 130 } };
  g_autofree char *file = study_path (study, "study.yaml");
  g_assert_true (g_file_set_contents (file, text, -1, NULL));
  g_autofree char *undisturbed = study_run_whole (study, "");
  g_setenv ("RANVIER_CHECKPOINT_MINUTES", "0", TRUE);
  for (guint k = 0; k < G_N_ELEMENTS (stops); k++)
    {
      g_autofree char *said = study_interrupt (study, "out", stops[k].arguments, 0, stops[k].text,
                                               stops[k].number, stops[k].code);
      g_assert_cmpuint (test_count (said, "fit  going on from "), ==, k > 0);
    }
  g_unsetenv ("RANVIER_CHECKPOINT_MINUTES");
  g_autofree char *said = study_run (study, "out", "--threads 2", 0);
  assert_says (said, "fit  going on from ");
  study_compare (study, undisturbed, "out");
  assert_none_kept (study);
}

/* A full disk under the run directory: a line that is lost is told. */
static void
test_metrics_lost (Study *study, gconstpointer user)
{
  int code;
  Child child = study_start (study, "out", LONG, LIMIT);
  g_autofree char *said = study_finish (&child, &code);
  g_assert_cmpint (code, ==, 1);
  assert_says (said, "metrics.jsonl lacks lines");
}

/* Whether a process runs; one that ended and that nobody waited for does not. */
static gboolean
lives (const char *pid)
{
  g_autofree char *path = g_strdup_printf ("/proc/%s/status", pid), *status = NULL;
  return g_file_get_contents (path, &status, NULL, NULL) && !strstr (status, "State:\tZ");
}

/* A run that is killed while it draws takes gnuplot with it, which would write into the next run's drawings. */
static void
test_drawing (Study *study, gconstpointer user)
{
  g_autofree char *bin = study_path (study, "bin"), *pid = NULL, *written = study_path (study, "pid");
  g_autofree char *gnuplot = g_build_filename (bin, "gnuplot", NULL);
  g_autofree char *text = g_strdup_printf ("#!/bin/sh\necho $$ >'%s.part'\n/bin/mv '%s.part' '%s'\n"
                                           "exec /bin/sleep 60\n",
                                           written, written, written);
  g_assert_cmpint (g_mkdir (bin, 0700), ==, 0);
  g_assert_true (g_file_set_contents_full (gnuplot, text, -1, G_FILE_SET_CONTENTS_NONE, 0700, NULL));
  g_setenv ("PATH", bin, TRUE);
  Child child = study_start (study, "out", "-q", 0);
  g_setenv ("PATH", "/nowhere", TRUE);
  for (int k = 0; k < 4000 && !g_file_get_contents (written, &pid, NULL, NULL); k++)
    g_usleep (5000);
  kill (child.pid, SIGKILL);
  int code;
  g_autofree char *said = study_finish (&child, &code);
  g_assert_nonnull (pid);
  g_assert_cmpint (code, ==, 128 + SIGKILL);
  g_strchomp (pid);
  for (int k = 0; k < 1000 && lives (pid); k++)
    g_usleep (5000);
  g_assert_false (lives (pid));
}

int
main (int argc, char **argv)
{
  static const struct
  {
    const char *path;
    void (*test) (Study *study, gconstpointer user);
  } tests[] = { { "/resume/signals", test_signals },
                { "/resume/epoch-ends", test_epoch_ends },
                { "/resume/damaged", test_damaged },
                { "/resume/all-damaged", test_all_damaged },
                { "/resume/full-from-the-start", test_full_from_the_start },
                { "/resume/full-later", test_full_later },
                { "/resume/full-disk", test_full_disk },
                { "/resume/read-only", test_read_only },
                { "/resume/nowhere", test_nowhere },
                { "/resume/changed", test_changed },
                { "/resume/landscape", test_landscape },
                { "/resume/grid", test_grid },
                { "/resume/metrics-lost", test_metrics_lost },
                { "/resume/drawing", test_drawing } };
  g_test_init (&argc, &argv, NULL);
  g_setenv ("PATH", "/nowhere", TRUE); /* no gnuplot: a drawing is larger than LIMIT */
  Study undisturbed;
  study_set_up (&undisturbed, NULL);
  whole = study_run_whole (&undisturbed, LONG);
  for (guint k = 0; k < G_N_ELEMENTS (tests); k++)
    g_test_add (tests[k].path, Study, NULL, study_set_up, tests[k].test, study_tear_down);
  const int failed = g_test_run ();
  study_tear_down (&undisturbed, NULL);
  g_free (whole);
  return failed;
}
