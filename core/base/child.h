/* A program started with a limited time to live: for code that may crash, hang or exit, a plugin for
 * instance. The child leads a process group of its own, dies with its parent and leaves no core file. */
#ifndef RV_CHILD_H
#define RV_CHILD_H

#include <glib.h>

typedef struct RvChild RvChild;

/* The file of the program that is running, which may start itself with another verb; NULL where the system
 * does not tell. Caller owns. */
char *rv_child_program (void);

/* Starts `argv` (argv[0] is a path) with pipes at all three ends. Never a bare fork, which OpenMP does not
 * survive. Free it with rv_child_free. Main thread, as everything here. */
RvChild *rv_child_start (const char *const *argv, GError **error);

/* Writes `text` to its standard input; FALSE if nobody reads there any more. */
gboolean rv_child_send (RvChild *child, const char *text);

/* The next line of its standard output without the line break, owned; NULL if it closed that or `seconds`
 * have passed, and then it has been killed. */
char *rv_child_line (RvChild *child, double seconds);

/* Closes its standard input and waits for its end, at most `seconds`. NULL if it exited with 0; otherwise
 * how it ended, owned: "exited with code 3", "was killed by signal 11 (Segmentation fault)", "did not come
 * back within 5 s". */
char *rv_child_finish (RvChild *child, double seconds);

/* Its exit code once it has finished, -1 if it did not exit by itself. */
int rv_child_code (const RvChild *child);

/* What it wrote to standard output (less the lines taken) and to standard error, borrowed; a few megabytes
 * at the most, the rest is dropped. */
const char *rv_child_output (const RvChild *child);
const char *rv_child_errors (const RvChild *child);

/* Kills what still runs and frees. NULL does nothing. */
void rv_child_free (RvChild *child);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (RvChild, rv_child_free)

#endif
