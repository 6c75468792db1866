/* What a dataset plugin's node calls and its fuzz target does not: so that the target links without the whole core. */
#include <ranvier/node.h>
#include <stdlib.h>

char *
rv_node_find_file (RvNode *node, const char *folder, const char *name, GError **error)
{
  abort ();
}

gboolean
rv_node_hash_file (RvNode *node, const char *path, GError **error)
{
  abort ();
}

void
rv_node_set_spec (RvNode *node, const char *output, const RvDatasetSpec *spec)
{
  abort ();
}

void
rv_node_set_output (RvNode *node, const char *output, void *artefact)
{
  abort ();
}
