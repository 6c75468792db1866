/* What several tests of the program from outside need. */
#ifndef TEST_SUPPORT_H
#define TEST_SUPPORT_H

#include <glib.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/wait.h>

/* A message of several lines, each a comment of its own in the protocol of the tests. */
static inline void
test_say (const char *text)
{
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);
  for (char **line = lines; *line; line++)
    g_test_message ("%s", *line);
}

/* Runs `ranvier ARGUMENTS` in a folder (NULL: this one). Returns its exit code; what it said on both outputs goes to
 * the test's log, and to `said` unless that is NULL. */
static inline int
test_ranvier (const char *folder, const char *arguments, char **said)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *out = NULL, *err = NULL;
  g_autofree char *line = g_strdup_printf ("'%s' %s", g_getenv ("RANVIER_PROGRAM"), arguments);
  g_auto (GStrv) argv = NULL;
  int status;
  g_assert_true (g_shell_parse_argv (line, NULL, &argv, &error));
  g_spawn_sync (folder, argv, NULL, G_SPAWN_DEFAULT, NULL, NULL, &out, &err, &status, &error);
  g_assert_no_error (error);
  g_autofree char *all = g_strconcat (line, "\n", out, err, NULL);
  test_say (all);
  if (said)
    *said = g_strconcat (out, err, NULL);
  g_assert_true (WIFEXITED (status));
  return WEXITSTATUS (status);
}

/* Removes a file, or a folder with all that is in it. */
static inline void
test_remove (const char *path)
{
  g_autoptr (GDir) dir = g_file_test (path, G_FILE_TEST_IS_SYMLINK) ? NULL : g_dir_open (path, 0, NULL);
  for (const char *name; dir && (name = g_dir_read_name (dir));)
    {
      g_autofree char *inside = g_build_filename (path, name, NULL);
      test_remove (inside);
    }
  g_remove (path);
}

/* How often `word` stands in a text. */
static inline guint
test_count (const char *text, const char *word)
{
  guint n = 0;
  for (const char *at = text; (at = strstr (at, word)); at++)
    n++;
  return n;
}

/* Calls `each` for every file below, with its path from there. */
static inline void
test_walk (const char *root, const char *below,
           void (*each) (const char *root, const char *name, gpointer user), gpointer user)
{
  g_autofree char *path = g_build_filename (root, below, NULL);
  g_autoptr (GDir) dir = g_dir_open (path, 0, NULL);
  if (!dir)
    {
      each (root, below, user);
      return;
    }
  for (const char *name; (name = g_dir_read_name (dir));)
    {
      g_autofree char *inside = g_build_filename (below, name, NULL);
      test_walk (root, inside, each, user);
    }
}

/* For test_walk: a file of a run directory and that of another one. */
static inline void
test_equal_file (const char *root, const char *name, gpointer other)
{
  g_autofree char *a_path = g_build_filename (root, name, NULL),
                  *b_path = g_build_filename (other, name, NULL);
  g_autofree char *a = NULL, *b = NULL;
  gsize a_length = 0, b_length = 0;
  if (strcmp (name, "run.json") == 0) /* says when it ran */
    return;
  g_assert_true (g_file_get_contents (a_path, &a, &a_length, NULL));
  g_assert_true (g_file_get_contents (b_path, &b, &b_length, NULL));
  g_assert_cmpmem (a, a_length, b, b_length);
}

#endif
