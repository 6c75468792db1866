/* A child's end is told apart: well, with a code, by a signal, too late; and what it said is kept. */
#include "base/child.h"

#include <string.h>

static RvChild *
start (const char *script)
{
  const char *const argv[] = { "/bin/sh", "-c", script, NULL };
  g_autoptr (GError) error = NULL;
  RvChild *child = rv_child_start (argv, &error);

  g_assert_no_error (error);
  return child;
}

static void
test_ends (void)
{
  static const struct
  {
    const char *script, *how;
    int code;
  } cases[] = { { "exit 0", NULL, 0 },
                { "exit 3", "exited with code 3", 3 },
                { "kill -SEGV $$", "was killed by signal 11 (Segmentation fault)", -1 },
                { "sleep 100 & sleep 100", "did not come back within 0.3 s", -1 },
                { "exec >&- 2>&-; while :; do :; done", "did not come back within 0.3 s", -1 },
                { "while :; do echo noise; done", "did not come back within 0.3 s", -1 } };

  for (gsize k = 0; k < G_N_ELEMENTS (cases); k++)
    {
      const gboolean late = cases[k].how != NULL && strstr (cases[k].how, "0.3") != NULL;
      g_autoptr (RvChild) child = start (cases[k].script);
      g_autofree char *how = rv_child_finish (child, late ? 0.3 : 30.0);

      g_assert_cmpstr (how, ==, cases[k].how);
      g_assert_cmpint (rv_child_code (child), ==, cases[k].code);
    }
}

static void
test_talk (void)
{
  g_autoptr (RvChild) child
      = start ("read x; echo \"got $x\"; read x; echo \"and $x\"; echo rest; echo why >&2; cat");
  g_autofree char *first = NULL, *second = NULL, *how = NULL;

  g_assert_true (rv_child_send (child, "one\n"));
  first = rv_child_line (child, 30.0);
  g_assert_cmpstr (first, ==, "got one");
  g_assert_true (rv_child_send (child, "two\n"));
  second = rv_child_line (child, 30.0);
  g_assert_cmpstr (second, ==, "and two");
  how = rv_child_finish (child, 30.0);
  g_assert_cmpstr (how, ==, NULL);
  g_assert_cmpstr (rv_child_output (child), ==, "rest\n");
  g_assert_cmpstr (rv_child_errors (child), ==, "why\n");
}

/* Neither a silent nor a dead child holds up the parent, or kills it with SIGPIPE. */
static void
test_silent (void)
{
  g_autoptr (RvChild) silent = start ("printf half; sleep 100"), dead = start ("exit 4");
  g_autofree char *how = NULL, *dead_how = NULL;

  g_assert_null (rv_child_line (silent, 0.2));
  how = rv_child_finish (silent, 30.0);
  g_assert_cmpstr (how, ==, "did not come back within 0.2 s");
  g_assert_null (rv_child_line (dead, 30.0));
  g_assert_false (rv_child_send (dead, "hello\n"));
  dead_how = rv_child_finish (dead, 30.0);
  g_assert_cmpstr (dead_how, ==, "exited with code 4");
}

static void
test_missing (void)
{
  const char *const argv[] = { "/nowhere/program", NULL };
  g_autoptr (GError) error = NULL;
  g_autofree char *program = rv_child_program ();

  g_assert_null (rv_child_start (argv, &error));
  g_assert_nonnull (error);
  g_assert_true (g_file_test (program, G_FILE_TEST_IS_EXECUTABLE));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/child/ends", test_ends);
  g_test_add_func ("/child/talk", test_talk);
  g_test_add_func ("/child/silent", test_silent);
  g_test_add_func ("/child/missing", test_missing);
  return g_test_run ();
}
