/* A program started with a limited time to live: pipes that never block the parent, and a clear word on
 * how it ended. */
#include "base/child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif

#define MOST_KEPT (4u << 20)

struct RvChild
{
  GPid pid;         /* 0: it has ended */
  int in, out, err; /* -1: closed */
  GString *said, *complained;
  int status;
  double limit; /* the seconds that it overstepped; 0: it did not */
};

char *
rv_child_program (void)
{
  return g_file_read_link ("/proc/self/exe", NULL);
}

/* In the child, before exec: async-signal-safe calls alone. */
static void
set_up (gpointer data)
{
  const struct rlimit none = { 0, 0 };

  setpgid (0, 0);
  setrlimit (RLIMIT_CORE, &none);
#ifdef __linux__
  prctl (PR_SET_PDEATHSIG, SIGKILL);
#endif
}

RvChild *
rv_child_start (const char *const *argv, GError **error)
{
  RvChild *child = g_new0 (RvChild, 1);

  if (!g_spawn_async_with_pipes (NULL, (char **)argv, NULL, G_SPAWN_DO_NOT_REAP_CHILD, set_up, NULL,
                                 &child->pid, &child->in, &child->out, &child->err, error))
    {
      g_free (child);
      return NULL;
    }
  child->said = g_string_new (NULL);
  child->complained = g_string_new (NULL);
  return child;
}

gboolean
rv_child_send (RvChild *child, const char *text)
{
  const struct sigaction ignore = { .sa_handler = SIG_IGN };
  struct sigaction before;
  gsize left = strlen (text);

  sigaction (SIGPIPE, &ignore, &before);
  while (left > 0 && child->in >= 0)
    {
      const gssize n = write (child->in, text, left);

      if (n < 0 && errno != EINTR)
        break;
      text += MAX (n, 0);
      left -= (gsize)MAX (n, 0);
    }
  sigaction (SIGPIPE, &before, NULL);
  return left == 0;
}

static void
close_end (int *fd)
{
  if (*fd >= 0)
    close (*fd);
  *fd = -1;
}

static void
take (int *fd, GString *text)
{
  char buffer[4096];
  const gssize n = read (*fd, buffer, sizeof buffer);

  if (n > 0 && text->len < MOST_KEPT)
    g_string_append_len (text, buffer, n);
  else if (n == 0 || (n < 0 && errno != EINTR))
    close_end (fd);
}

/* Takes in what the child says next; FALSE if it is silent until `deadline` or has closed its output. */
static gboolean
listen_to (RvChild *child, gint64 deadline)
{
  const gint64 left = deadline - g_get_monotonic_time ();
  struct pollfd ends[] = { { child->out, POLLIN, 0 }, { child->err, POLLIN, 0 } }; /* -1 is passed over */

  if (left <= 0 || child->out < 0)
    return FALSE;
  if (poll (ends, 2, (int)MIN (left / 1000 + 1, 60000)) > 0)
    {
      if (ends[0].revents != 0)
        take (&child->out, child->said);
      if (ends[1].revents != 0)
        take (&child->err, child->complained);
    }
  return TRUE;
}

/* Waits for the end until `deadline`, then kills the whole group; FALSE if it had to. */
static gboolean
reap (RvChild *child, gint64 deadline)
{
  gboolean by_itself = TRUE;

  while (child->pid != 0 && waitpid (child->pid, &child->status, WNOHANG) == 0)
    {
      if (g_get_monotonic_time () < deadline)
        {
          g_usleep (1000);
          continue;
        }
      kill (-child->pid, SIGKILL);
      kill (child->pid, SIGKILL); /* it may not lead its group yet */
      waitpid (child->pid, &child->status, 0);
      by_itself = FALSE;
      break;
    }
  child->pid = 0;
  return by_itself;
}

static gint64
after (double seconds)
{
  return g_get_monotonic_time () + (gint64)(seconds * G_USEC_PER_SEC);
}

char *
rv_child_line (RvChild *child, double seconds)
{
  const gint64 deadline = after (seconds);
  const char *end;
  char *line;

  while ((end = memchr (child->said->str, '\n', child->said->len)) == NULL)
    if (!listen_to (child, deadline))
      {
        if (child->out >= 0 && !reap (child, 0))
          child->limit = seconds;
        return NULL;
      }
  line = g_strndup (child->said->str, (gsize)(end - child->said->str));
  g_string_erase (child->said, 0, end + 1 - child->said->str);
  return line;
}

char *
rv_child_finish (RvChild *child, double seconds)
{
  const gint64 deadline = after (seconds);

  close_end (&child->in);
  while (listen_to (child, deadline))
    ;
  if (!reap (child, deadline))
    child->limit = seconds;
  while (child->err >= 0 && poll (&(struct pollfd){ child->err, POLLIN, 0 }, 1, 0) > 0)
    take (&child->err, child->complained);
  if (child->limit > 0.0)
    return g_strdup_printf ("did not come back within %g s", child->limit);
  if (WIFSIGNALED (child->status))
    return g_strdup_printf ("was killed by signal %d (%s)", WTERMSIG (child->status),
                            g_strsignal (WTERMSIG (child->status)));
  if (WEXITSTATUS (child->status) != 0)
    return g_strdup_printf ("exited with code %d", WEXITSTATUS (child->status));
  return NULL;
}

int
rv_child_code (const RvChild *child)
{
  return child->pid == 0 && child->limit == 0.0 && WIFEXITED (child->status) ? WEXITSTATUS (child->status)
                                                                             : -1;
}

const char *
rv_child_output (const RvChild *child)
{
  return child->said->str;
}

const char *
rv_child_errors (const RvChild *child)
{
  return child->complained->str;
}

void
rv_child_free (RvChild *child)
{
  if (child == NULL)
    return;
  reap (child, 0);
  close_end (&child->in);
  close_end (&child->out);
  close_end (&child->err);
  g_string_free (child->said, TRUE);
  g_string_free (child->complained, TRUE);
  g_free (child);
}
