/* A node that hands on a dataset and does not say what is in it. Built as transform-output.so. */
#include <ranvier/ranvier.h>

static gboolean
run (void *self, RvNode *node, GError **error)
{
  return TRUE;
}

static const RvOutput outputs[] = { { "", RV_ARTEFACT_DATASET, "Nothing", NULL }, { 0 } };
static const RvNodeClass class = { .outputs = outputs, .run = run };

RV_PLUGIN ("transform", "output") .version = "1.0", .licence = "LGPL-2.1-or-later", .doc = "Breaks a rule",
  RV_FUNCTIONS (class) };
