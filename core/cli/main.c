/* ranvier: finds the verb and hands over. */
#include "base/child.h"
#include "base/threads.h"
#include "base/value.h"
#include "cli/cli.h"
#include "plugin/registry.h"
#include <locale.h>
#include <stdio.h>
#include <string.h>

static const struct
{
  const char *name, *doc;
  int (*call) (int argc, char **argv);
} verbs[] = {
  { "run", "run a pipeline file", rv_cli_run },
  { "check", "find the mistakes of a pipeline file, or test a plugin", rv_cli_check },
  { "graph", "show the nodes of a pipeline file, as text or DOT", rv_cli_graph },
  { "plugins", "list the plugins", rv_cli_plugins },
  { "inspect", "show the parameters of a plugin", rv_cli_inspect },
  { "new", "start a plugin of your own", rv_cli_new },
  { "report", "make one page of run directories", rv_cli_report },
  { "data", "find, describe, draw and fetch data sets; show the cache", rv_cli_data },
};

static void
print_help (FILE *to)
{
  fputs ("usage: ranvier VERB ...\n\n", to);
  for (guint k = 0; k < G_N_ELEMENTS (verbs); k++)
    fprintf (to, "  %-8s  %s\n", verbs[k].name, verbs[k].doc);
  fputs ("\nranvier VERB --help tells more; exit codes: 0 done, 1 the run failed, 2 a mistake in the command "
         "or the\n"
         "pipeline, 3 a plugin could not be used, 130 interrupted.\n",
         to);
}

int
main (int argc, char **argv)
{
  rv_threads_wait_briefly (argv);
  setlocale (LC_ALL, "");
  if (argc < 2)
    {
      print_help (stderr);
      return RV_EXIT_USAGE;
    }
  if (strcmp (argv[1], "--help") == 0 || strcmp (argv[1], "-h") == 0)
    {
      print_help (stdout);
      return RV_EXIT_DONE;
    }
  if (strcmp (argv[1], "--version") == 0)
    {
      puts ("ranvier " RV_VERSION);
      return RV_EXIT_DONE;
    }
  if (strcmp (argv[1], "probe") == 0)
    return rv_cli_probe (argc - 1, argv + 1);
  if (strcmp (argv[1], "check-test") == 0)
    return rv_cli_check_test (argc - 1, argv + 1);
  g_autofree char *program = rv_child_program ();
  rv_registry_set_probe (program);
  const char *names[G_N_ELEMENTS (verbs) + 1] = { NULL };
  for (guint k = 0; k < G_N_ELEMENTS (verbs); k++)
    {
      names[k] = verbs[k].name;
      if (strcmp (argv[1], verbs[k].name) == 0)
        {
          g_autofree char *name = g_strconcat ("ranvier ", verbs[k].name, NULL);
          g_set_prgname (name); /* as help and messages call it */
          return verbs[k].call (argc - 1, argv + 1);
        }
    }
  const char *near = rv_nearest (argv[1], names);
  fprintf (stderr, "ranvier: there is no verb '%s'%s%s%s (ranvier --help)\n", argv[1],
           near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
  return RV_EXIT_USAGE;
}
