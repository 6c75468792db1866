/* What the tests of interruptions share: a tiny study of two trainings, and runs of it that are watched,
 * stopped and compared with one that nobody disturbed. */
#ifndef TEST_RESUME_STUDY_H
#define TEST_RESUME_STUDY_H

#include "support.h"
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define EPOCHS 8
#define BATCHES 4

/* Batches of 16, the last of which is smaller; so many samples that an epoch is not over before a signal comes. */
#ifndef STUDY_SAMPLES
#define STUDY_SAMPLES "476"
#endif
static const char study_text[]
    = "let: {epochs: 8, recurrent: no}\n"
      "axes:\n"
      "  variant:\n"
      "    plain: {recurrent: no}\n"
      "    recurrent: {recurrent: yes}\n"
      "nodes:\n"
      "  train: {use: dataset/delayed-xor, samples: " STUDY_SAMPLES ", gap: 4, pattern: 3}\n"
      "  test: {use: dataset/delayed-xor, split: test, samples: 50, gap: 4, pattern: 3}\n"
      "  fit:\n"
      "    use: trainer/bptt\n"
      "    data: train\n"
      "    validation: test\n"
      "    network:\n"
      "      - use: dense\n"
      "        units: 40\n"
      "        recurrent: $(recurrent)\n"
      "        neuron: {use: lif, threshold: 0.3, leak: learned, start: uniform}\n"
      "      - {use: dense, units: 2, neuron: leaky-integrator}\n"
      "    decoder: last-step\n"
      "    optimizer: {use: adam, rate: 3e-2}\n"
      "    schedule: {use: step, every: 5, factor: 0.5}\n"
      "    clip: 1\n"
      "    epochs: $(epochs)\n"
      "    batch: 16\n"
      "  score: {use: analysis/accuracy, model: fit.best, data: test}\n"
      "  last: {use: analysis/accuracy, model: fit.last, data: test}\n"
      "  table: {use: report/table, from: score, over: [variant], columns: [accuracy]}\n";

typedef struct
{
  char *folder;
} Study;

/* A run of the program. */
typedef struct
{
  GPid pid;
  FILE *err;     /* what it says; a pipe with room for a few lines, so that it waits for its reader */
  GString *said; /* what was read of that */
} Child;

static inline char *
study_path (const Study *study, const char *name)
{
  return g_build_filename (study->folder, name, NULL);
}

/* From now on, runs keep what they keep in this folder. */
static inline void
study_keep (const Study *study, const char *name)
{
  g_autofree char *path = study_path (study, name);
  g_setenv ("XDG_STATE_HOME", path, TRUE);
  g_setenv ("XDG_CACHE_HOME", path, TRUE);
}

static inline void
study_set_up (Study *study, gconstpointer user)
{
  /* in memory where there is such a place: a disk that others use makes minutes of these seconds */
  const char *root = access ("/dev/shm", W_OK) == 0 ? "/dev/shm" : g_get_tmp_dir ();
  study->folder = g_build_filename (root, "ranvier-resume-XXXXXX", NULL);
  g_assert_nonnull (g_mkdtemp (study->folder));
  g_autofree char *file = study_path (study, "study.yaml");
  g_assert_true (g_file_set_contents (file, study_text, -1, NULL));
  study_keep (study, "kept");
  g_unsetenv ("RANVIER_CHECKPOINT_MINUTES");
}

static inline void
study_tear_down (Study *study, gconstpointer user)
{
  test_remove (study->folder);
  g_free (study->folder);
}

/* In the child: no file may be longer than *user bytes. */
static inline void
study_limit (gpointer user)
{
  const rlim_t most = *(const rlim_t *)user;
  setrlimit (RLIMIT_FSIZE, &(struct rlimit){ most, most });
}

/* Starts `ranvier run` with output folder `out`; `limit` 0: none. One thread, unless the arguments say
 * another number: on a busy machine two would wait for each other. */
static inline Child
study_start (const Study *study, const char *out, const char *arguments, rlim_t limit)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *line = g_strdup_printf ("'%s' run study.yaml --threads 1 --out '%s' %s",
                                           g_getenv ("RANVIER_PROGRAM"), out, arguments);
  g_auto (GStrv) argv = NULL;
  Child child = { .said = g_string_new (NULL) };
  int err;
  g_assert_true (g_shell_parse_argv (line, NULL, &argv, &error));
  g_spawn_async_with_pipes (study->folder, argv, NULL, G_SPAWN_DO_NOT_REAP_CHILD | G_SPAWN_STDOUT_TO_DEV_NULL,
                            limit ? study_limit : NULL, &limit, &child.pid, NULL, NULL, &err, &error);
  g_assert_no_error (error);
#ifdef F_SETPIPE_SZ
  fcntl (err, F_SETPIPE_SZ, 4096);
#endif
  child.err = fdopen (err, "r");
  setvbuf (child.err, NULL, _IONBF, 0); /* no room but that of the pipe */
  return child;
}

/* Reads on until the child has said `text`; FALSE if it ended without. */
static inline gboolean
study_wait_for (Child *child, const char *text)
{
  char line[4096];
  while (fgets (line, sizeof line, child->err))
    {
      g_string_append (child->said, line);
      if (strstr (line, text))
        return TRUE;
    }
  return FALSE;
}

/* Waits for the end; what it said, which the caller owns, and how it ended, as a shell has it. */
static inline char *
study_finish (Child *child, int *code)
{
  int status;
  study_wait_for (child, "\n\n");
  fclose (child->err);
  g_assert_cmpint (waitpid (child->pid, &status, 0), ==, child->pid);
  *code = WIFEXITED (status) ? WEXITSTATUS (status) : 128 + WTERMSIG (status);
  test_say (child->said->str);
  return g_string_free (child->said, FALSE);
}

static inline char *
study_run (const Study *study, const char *out, const char *arguments, int expected)
{
  int code;
  Child child = study_start (study, out, arguments, 0);
  char *said = study_finish (&child, &code);
  g_assert_cmpint (code, ==, expected);
  return said;
}

/* Runs until `text` is said, and sends a signal then. The pipe is too short for what is left to say, so
 * that the run can not be over before it comes. */
static inline char *
study_interrupt (const Study *study, const char *out, const char *arguments, rlim_t limit, const char *text,
                 int number, int expected)
{
  int code;
  Child child = study_start (study, out, arguments, limit);
  g_assert_true (study_wait_for (&child, text));
  g_usleep ((gulong)g_test_rand_int_range (0, 3000)); /* some batch of the next epochs */
  kill (child.pid, number);
  char *said = study_finish (&child, &code);
  g_assert_cmpint (code, ==, expected);
  return said;
}

/* Every file of run directory `one`, a path, is in run `two`, with the same bytes. */
static inline void
study_compare (const Study *study, const char *one, const char *two)
{
  g_autofree char *b = study_path (study, two);
  g_assert_true (g_file_test (one, G_FILE_TEST_IS_DIR));
  test_walk (one, "", test_equal_file, b);
}

/* A run that nobody disturbs, which keeps nothing that others see: its run directory, which the caller owns. */
static inline char *
study_run_whole (const Study *study, const char *arguments)
{
  study_keep (study, "kept-whole");
  g_autofree char *said = study_run (study, "whole", arguments, 0);
  study_keep (study, "kept");
  return study_path (study, "whole");
}

/* The folders in which `kept` has a file called `name`, one for each training; the caller owns them. */
static inline GPtrArray *
study_find (const Study *study, const char *kept, const char *name)
{
  GPtrArray *folders = g_ptr_array_new_with_free_func (g_free);
  g_autofree char *root = g_build_filename (study->folder, kept, "ranvier", NULL);
  g_autoptr (GDir) dir = g_dir_open (root, 0, NULL);
  for (const char *entry; dir && (entry = g_dir_read_name (dir));)
    {
      g_autofree char *file = g_build_filename (root, entry, name, NULL);
      if (g_file_test (file, G_FILE_TEST_EXISTS))
        g_ptr_array_add (folders, g_build_filename (root, entry, NULL));
    }
  return folders;
}

#endif
