/* Not broken: as a plugin of an older minor, whose functions end before 'identify', and something else
 * follows. Built as analysis-older.so. */
#include <ranvier/ranvier.h>

static gboolean
run (void *self, RvNode *node, GError **error)
{
  return TRUE;
}

static const RvOutput outputs[] = { { "", RV_ARTEFACT_TABLE, "Nothing", NULL }, { 0 } };
static const RvNodeClass class = { .outputs = outputs, .run = run, .identify = run };

RV_PLUGIN ("analysis", "older") .version = "0.9", .licence = "LGPL-2.1-or-later", .doc = "Shorter functions",
  .functions = &class, .functions_size = offsetof (RvNodeClass, identify) };
