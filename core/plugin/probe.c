/* Both sides of probing. The parent sends a file at a time and waits for one line, so that it knows which
 * file a dead or silent child was at; an answer is fields, escaped, between tabs: "ok", version, doc; or
 * "no", why. */
#include "plugin/probe.h"

#include "base/child.h"
#include "plugin/draw.h"
#include "plugin/module.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Generous: a plugin may pull in large libraries from a slow disk. */
#define SECONDS 5.0

static RvChild *prober; /* waits for the next file; NULL: none was started, or the last one died */

void
rv_probe_clear (RvProbe *probe)
{
  g_free (probe->why);
  g_free (probe->version);
  g_free (probe->doc);
  *probe = (RvProbe){ NULL, NULL, NULL };
}

static double
time_limit (void)
{
  const char *given = g_getenv ("RANVIER_PROBE_SECONDS");
  double seconds;

  return given != NULL && rv_real_parse (given, &seconds) && seconds > 0.0 && seconds < 1e6 ? seconds
                                                                                            : SECONDS;
}

/* Without a child. */
static void
look (const char *file, RvProbe *probe)
{
  const RvPlugin *plugin = rv_module_open (file, NULL, &probe->why);

  if (plugin == NULL)
    return;
  probe->version = g_strdup (plugin->version);
  probe->doc = g_strdup (plugin->doc);
}

/* A field as it was, made fit to be shown. */
static char *
field (const char *escaped)
{
  g_autofree char *text = g_strcompress (escaped);

  return g_utf8_make_valid (text, -1);
}

static gboolean
read_answer (const char *line, RvProbe *probe)
{
  g_auto (GStrv) parts = g_strsplit (line, "\t", -1);
  const guint n = g_strv_length (parts);

  if (n == 3 && g_str_equal (parts[0], "ok"))
    {
      probe->version = field (parts[1]);
      probe->doc = field (parts[2]);
    }
  else if (n == 2 && g_str_equal (parts[0], "no"))
    probe->why = field (parts[1]);
  else
    return FALSE;
  return TRUE;
}

void
rv_probe_file (const char *program, const char *file, RvProbe *probe)
{
  const char *const argv[] = { program, "probe", NULL };
  const double seconds = time_limit ();
  g_autofree char *escaped = g_strescape (file, NULL), *request = g_strconcat (escaped, "\n", NULL);
  g_autofree char *line = NULL, *how = NULL;
  g_autoptr (GError) error = NULL;

  if (program == NULL)
    {
      look (file, probe);
      return;
    }
  if (prober == NULL)
    prober = rv_child_start (argv, &error);
  if (prober == NULL)
    {
      probe->why = g_strdup_printf ("no process could be started to look at it: %s", error->message);
      return;
    }
  if (rv_child_send (prober, request))
    line = rv_child_line (prober, seconds);
  if (line != NULL && read_answer (line, probe))
    return;
  how = rv_child_finish (prober, seconds);
  probe->why = g_strdup_printf ("while loading it the program %s", how != NULL ? how : "exited with code 0");
  rv_probe_end ();
}

void
rv_probe_end (void)
{
  g_clear_pointer (&prober, rv_child_free);
}

static void
answer (FILE *out, const char *escaped_file)
{
  g_autofree char *file = g_strcompress (escaped_file);
  g_auto (RvProbe) probe = { NULL, NULL, NULL };

  look (file, &probe);
  g_autofree char *first = g_strescape (probe.why != NULL ? probe.why : probe.version, NULL);
  g_autofree char *doc = g_strescape (probe.doc != NULL ? probe.doc : "", NULL);
  if (probe.why != NULL)
    fprintf (out, "no\t%s\n", first);
  else
    fprintf (out, "ok\t%s\t%s\n", first, doc);
  fflush (out);
}

void
rv_probe_serve (void)
{
  FILE *out = fdopen (dup (STDOUT_FILENO), "w");
  char *line = NULL;
  size_t room = 0;

  /* What a plugin prints must not look like an answer. */
  dup2 (STDERR_FILENO, STDOUT_FILENO);
  while (out != NULL && getline (&line, &room, stdin) > 0)
    {
      line[strcspn (line, "\n")] = '\0';
      answer (out, line);
    }
  _exit (0); /* nothing that a plugin left behind for the end shall run */
}
