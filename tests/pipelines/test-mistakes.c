/* Pipelines with mistakes, one file for each: what the program says is compared with what the file expects,
 * word for word, and nothing may be written. The first lines of a file are comments:
 *   # with: -s NAME=VALUE              arguments, if any
 *   # expect: 3:14: the message        a line for each; what begins with no digit names its place itself
 * Where a file can not begin so (an empty one), FILE.expect holds them. */
#include "support.h"
#include <string.h>
#include <sys/wait.h>

typedef struct
{
  char *path, *name; /* of the pipeline file */
  char *arguments;
  GString *expected; /* all lines of stderr */
} Case;

static void
clear_case (Case *c)
{
  g_free (c->path);
  g_free (c->name);
  g_free (c->arguments);
  g_string_free (c->expected, TRUE);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Case, clear_case)

static void
read_case (Case *c, const char *folder, const char *name)
{
  g_autofree char *base = g_strconcat (name, ".expect", NULL);
  g_autofree char *sibling = g_build_filename (folder, base, NULL);
  g_autofree char *text = NULL;
  g_autoptr (GError) error = NULL;

  c->path = g_build_filename (folder, name, NULL);
  c->name = g_strdup (name);
  c->arguments = g_strdup ("");
  c->expected = g_string_new (NULL);
  g_file_get_contents (g_file_test (sibling, G_FILE_TEST_EXISTS) ? sibling : c->path, &text, NULL, &error);
  g_assert_no_error (error);
  for (const char *line = text; *line == '#';)
    {
      const char *end = line + strcspn (line, "\n");
      g_autofree char *comment = g_strndup (line + 1, end - line - 1);
      const char *said = g_strchug (comment);

      if (g_str_has_prefix (said, "with: "))
        {
          g_free (c->arguments);
          c->arguments = g_strdup (said + strlen ("with: "));
        }
      else if (g_str_has_prefix (said, "expect: "))
        {
          said += strlen ("expect: ");
          if (g_ascii_isdigit (*said))
            g_string_append_printf (c->expected, "%s:", name);
          g_string_append_printf (c->expected, "%s\n", said);
        }
      line = *end != '\0' ? end + 1 : end;
    }
  g_assert_cmpuint (c->expected->len, >, 0); /* or the file would test nothing */
}

/* `text` without every "folder/": messages do not depend on where the sources lie. */
static char *
without_folder (const char *text, const char *folder)
{
  g_autofree char *prefix = g_strconcat (folder, G_DIR_SEPARATOR_S, NULL);
  g_auto (GStrv) parts = g_strsplit (text, prefix, -1);

  return g_strjoinv ("", parts);
}

static void
assert_empty (const char *folder)
{
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);

  g_assert_nonnull (dir);
  g_assert_cmpstr (g_dir_read_name (dir), ==, NULL);
}

/* Runs `ranvier VERB ARGUMENTS PATH` in `folder`, which is also home and where state is kept (a cache may be
 * written at any time); it must find mistakes and print nothing but them, which are returned. */
static char *
mistakes_of (const char *verb, const char *arguments, const char *path, const char *folder)
{
  static const char *const names[] = { "HOME", "XDG_DATA_HOME", "XDG_STATE_HOME" };
  g_autofree char *line
      = g_strdup_printf ("'%s' %s %s '%s'", g_getenv ("RANVIER_PROGRAM"), verb, arguments, path);
  g_autofree char *out = NULL;
  g_auto (GStrv) argv = NULL, environment = g_get_environ ();
  g_autoptr (GError) error = NULL;
  char *err = NULL;
  int status;

  for (guint k = 0; k < G_N_ELEMENTS (names); k++)
    environment = g_environ_setenv (environment, names[k], folder, TRUE);
  g_assert_true (g_shell_parse_argv (line, NULL, &argv, &error));
  g_spawn_sync (folder, argv, environment, G_SPAWN_DEFAULT, NULL, NULL, &out, &err, &status, &error);
  g_assert_no_error (error);
  test_say (line);
  test_say (err);
  g_assert_cmpstr (out, ==, "");
  g_assert_true (WIFEXITED (status));
  g_assert_cmpint (WEXITSTATUS (status), ==, 2);
  return err;
}

static void
test_file (gconstpointer name)
{
  static const char *const verbs[] = { "check", "run" };
  g_autofree char *folder = g_test_build_filename (G_TEST_DIST, "broken", "pipelines", NULL);
  g_autofree char *empty = g_dir_make_tmp ("mistakes-XXXXXX", NULL);
  g_auto (Case) c = { 0 };

  read_case (&c, folder, name);
  for (guint k = 0; k < G_N_ELEMENTS (verbs); k++)
    {
      g_autofree char *err = mistakes_of (verbs[k], c.arguments, c.path, empty);
      g_autofree char *said = without_folder (err, folder);

      g_assert_cmpstr (said, ==, c.expected->str);
      assert_empty (empty);
    }
  g_rmdir (empty);
}

/* `before`, then `piece` with its "%u" counted from 0, then `after`. */
static char *
repeat (const char *before, const char *piece, guint n, const char *after)
{
  g_auto (GStrv) parts = g_strsplit (piece, "%u", -1);
  GString *text = g_string_new (before);

  for (guint k = 0; k < n; k++)
    for (guint i = 0; parts[i] != NULL; i++)
      {
        /* the second of a piece is the next number */
        if (i > 0)
          g_string_append_printf (text, "%u", k + i - 1);
        g_string_append (text, parts[i]);
      }
  g_string_append (text, after);
  return g_string_free (text, FALSE);
}

/* Files that are long rather than wrong: they end soon, without a crash, and with few messages. */
static void
test_long (void)
{
  static const struct
  {
    const char *before, *piece, *after;
    guint n;
    const char *expected;
  } cases[] = {
    { "nodes: {t: {use: dataset/delayed-xor, seed: ", "[", "}}\n", 300000, "nested more than 64 deep" },
    { "nodes: {t: {use: dataset/delayed-xor, seed: [", "*a, ", "]}}\n", 100000,
      "more mistakes than these 100" },
    { "nodes:\n  t:\n    use: dataset/delayed-xor\n", "    k%u: 1\n", "", 20000,
      "more mistakes than these 100" },
    { "let: {a: 1}\nnodes: {t: {use: dataset/delayed-xor, seed: [", "$(b%u), ", "]}}\n", 20000,
      "more mistakes than these 100" },
    { "nodes:\n", "  n%u: {use: transform/repeat, data: n%u, steps: 2}\n", "", 5000,
      "more than 500 nodes hang on one another here" },
    { "nodes: {t: {use: dataset/delayed-xor}}\naxes:\n", "  a%u: [1, 2]\n", "", 5000,
      "the axes make more than 10000 cells" },
    { "nodes: {t: {use: dataset/delayed-xor, split: ", "x", "}}\n", 3000000,
      "must be one of train, test, not 'xxx" },
  };
  g_autofree char *folder = g_dir_make_tmp ("mistakes-XXXXXX", NULL);
  g_autofree char *path = g_build_filename (folder, "long.yaml", NULL);

  for (guint k = 0; k < G_N_ELEMENTS (cases); k++)
    {
      g_autofree char *text = repeat (cases[k].before, cases[k].piece, cases[k].n, cases[k].after);
      g_autofree char *said = NULL;
      g_auto (GStrv) lines = NULL;

      g_assert_true (g_file_set_contents (path, text, -1, NULL));
      said = mistakes_of ("check", "", path, folder);
      lines = g_strsplit (said, "\n", -1);
      g_assert_nonnull (strstr (said, cases[k].expected));
      g_assert_cmpuint (g_strv_length (lines), <=, 102);
      g_assert_cmpuint (strlen (said), <, 101 * 1001);
    }
  g_remove (path);
  g_rmdir (folder);
}

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GDir) dir = NULL;
  g_autofree char *folder = NULL;
  const char *name;
  guint n = 0;

  g_test_init (&argc, &argv, NULL);
  folder = g_test_build_filename (G_TEST_DIST, "broken", "pipelines", NULL);
  dir = g_dir_open (folder, 0, &error);
  g_assert_no_error (error);
  while ((name = g_dir_read_name (dir)) != NULL)
    if (g_str_has_suffix (name, ".yaml"))
      {
        g_autofree char *path = g_strdup_printf ("/mistakes/%s", name);

        g_test_add_data_func_full (path, g_strdup (name), test_file, g_free);
        n++;
      }
  g_assert_cmpuint (n, >, 50);
  g_test_add_func ("/mistakes/long", test_long);
  return g_test_run ();
}
