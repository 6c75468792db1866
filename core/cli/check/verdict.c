/* What a test says in the end, whatever ends it: words that name the parameters and numbers at hand, so that
 * a failure can be repeated. */
#include "cli/check/check.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/uio.h>
#include <unistd.h>
#ifdef __GLIBC__
#include <malloc.h> /* M_PERTURB */
#endif

/* For the handler of signals, which can be given nothing: where the process stands. */
static char parameters_now[2048], doing_now[256];
static int verdict_fd;

static RvVerdict
say (RvCheck *check, RvVerdict verdict, const char *format, va_list arguments)
{
  g_string_truncate (check->said, 0);
  g_string_append_vprintf (check->said, format, arguments);
  return verdict;
}

RvVerdict
rv_check_ok (RvCheck *check, const char *format, ...)
{
  va_list arguments;
  va_start (arguments, format);
  say (check, RV_VERDICT_OK, format, arguments);
  va_end (arguments);
  return RV_VERDICT_OK;
}

RvVerdict
rv_check_skip (RvCheck *check, const char *format, ...)
{
  va_list arguments;
  va_start (arguments, format);
  say (check, RV_VERDICT_SKIPPED, format, arguments);
  va_end (arguments);
  return RV_VERDICT_SKIPPED;
}

RvVerdict
rv_check_fail (RvCheck *check, const char *format, ...)
{
  va_list arguments;
  va_start (arguments, format);
  say (check, RV_VERDICT_FAILED, format, arguments);
  va_end (arguments);
  if (doing_now[0] != '\0')
    g_string_append_printf (check->said, "\nwhile: %s", doing_now);
  if (parameters_now[0] != '\0')
    g_string_append_printf (check->said, "\nwith: %s", parameters_now);
  return RV_VERDICT_FAILED;
}

void
rv_check_with (const char *parameters)
{
  g_strlcpy (parameters_now, parameters, sizeof parameters_now);
}

void
rv_check_at (const char *format, ...)
{
  va_list arguments;
  va_start (arguments, format);
  g_vsnprintf (doing_now, sizeof doing_now, format, arguments);
  va_end (arguments);
}

void
rv_check_write (int fd, RvVerdict verdict, const char *text)
{
  char head[32];
  const int n = snprintf (head, sizeof head, "verdict %d\n", (int)verdict);
  const struct iovec parts[] = { { head, (size_t)n }, { (void *)text, strlen (text) } };
  if (writev (fd, parts, G_N_ELEMENTS (parts)) < 0) /* at once: another thread may be about to die too */
    _exit (RV_VERDICT_FAILED);                      /* nobody listens */
}

static const struct
{
  int number;
  const char *text;
} ends[] = { { SIGSEGV, "Segmentation fault" },
             { SIGBUS, "Bus error" },
             { SIGFPE, "Arithmetic exception" },
             { SIGILL, "Illegal instruction" },
             { SIGABRT, "aborted, by an assertion or g_error, which a plugin must not do" },
             { SIGTRAP, "aborted, by a critical message of GLib" },
             { SIGXCPU, "used up its processor time: an endless loop?" } };

/* Uses nothing that may be broken but snprintf on its own stack. */
static void
on_signal (int number, siginfo_t *info, void *context)
{
  static gint caught;
  char text[4096], what[256] = "";
  while (g_atomic_int_add (&caught, 1) > 0)
    pause (); /* another thread is ending the process */
  for (guint k = 0; k < G_N_ELEMENTS (ends); k++)
    if (ends[k].number == number)
      g_strlcpy (what, ends[k].text, sizeof what);
  if (number == SIGSEGV || number == SIGBUS)
    rv_arrays_explain (info->si_addr, what, sizeof what);
  snprintf (text, sizeof text, "%s%s%s%s%s", what, *doing_now ? "\nwhile: " : "", doing_now,
            *parameters_now ? "\nwith: " : "", parameters_now);
  rv_check_write (verdict_fd, RV_VERDICT_FAILED, text);
  _exit (0);
}

void
rv_check_perturb (gboolean other)
{
#ifdef M_PERTURB
  mallopt (M_PERTURB, other ? 0xD5 : 0x2A);
#endif
}

void
rv_check_catch (int fd, guint seconds)
{
  static char stack_of_handler[64 * 1024]; /* the other one may be what overflowed */
  const stack_t stack = { .ss_sp = stack_of_handler, .ss_size = sizeof stack_of_handler };
  struct rlimit processor;
  struct sigaction action = { .sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_ONSTACK };
  verdict_fd = fd;
  sigaltstack (&stack, NULL);
  for (guint k = 0; k < G_N_ELEMENTS (ends); k++)
    sigaction (ends[k].number, &action, NULL);
  /* processor time, not time of day: a busy machine must not make an endless loop */
  getrlimit (RLIMIT_CPU, &processor);
  processor.rlim_cur = MIN (seconds, processor.rlim_max);
  setrlimit (RLIMIT_CPU, &processor);
  rv_check_perturb (FALSE);
  g_log_set_always_fatal (G_LOG_LEVEL_CRITICAL | G_LOG_LEVEL_ERROR);
}
