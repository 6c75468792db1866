/* The half of `ranvier check` that judges plugins, for run.c, which has the half that reads pipelines. */
#ifndef RV_CHECK_PLUGIN_H
#define RV_CHECK_PLUGIN_H

#include <glib.h>

typedef struct
{
  char **settings; /* NAME=VALUE: parameters that the tests must keep */
  const char *plugin_path, *data_root;
  gboolean json;
  int seconds; /* of processor time for each test; 0: enough */
} RvCheckOptions;

/* Whether `what` names a plugin, KIND/NAME or a module, and no pipeline file. */
gboolean rv_check_is_plugin (const char *what);
/* Tests it, prints the verdicts and returns the exit code. */
int rv_check_plugin (const char *what, const RvCheckOptions *options);

#endif
