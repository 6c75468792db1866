/* The verbs of the program: each takes its own arguments (argv[0] is the verb) and returns the exit code. */
#ifndef RV_CLI_H
#define RV_CLI_H

#include <glib.h>

enum
{
  RV_EXIT_DONE = 0,
  RV_EXIT_FAILED = 1,
  RV_EXIT_USAGE = 2, /* a mistake in the command or the pipeline */
  RV_EXIT_PLUGIN = 3,
  RV_EXIT_STOPPED = 130
};

int rv_cli_run (int argc, char **argv);
int rv_cli_check (int argc, char **argv);
/* What rv_cli_check starts for each test of a plugin. */
int rv_cli_check_test (int argc, char **argv);
int rv_cli_graph (int argc, char **argv);
int rv_cli_plugins (int argc, char **argv);
int rv_cli_inspect (int argc, char **argv);
/* Not for people: loads plugins for another ranvier, see plugin/probe.h. */
int rv_cli_probe (int argc, char **argv);
int rv_cli_new (int argc, char **argv);
int rv_cli_data (int argc, char **argv);
int rv_cli_report (int argc, char **argv);

/* The folder that holds the datasets: `given` by --data, RANVIER_DATA or the user's own. Caller owns. */
char *rv_cli_data_root (const char *given);

#endif
