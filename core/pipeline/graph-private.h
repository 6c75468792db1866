/* The graph as its two halves see it: graph.c makes and checks it, run.c runs it. */
#ifndef RV_GRAPH_PRIVATE_H
#define RV_GRAPH_PRIVATE_H

#include "pipeline/graph.h"
#include "pipeline/node.h"

struct RvGraph
{
  const RvDocument *document;
  RvMistakes *mistakes; /* borrowed; while checking */
  RvRunState state;
  char **settings; /* of -s, NULL-terminated, or NULL */
  GPtrArray *making;       /* char *, borrowed: the nodes being made, each of which needs the next; while checking */
  GPtrArray *nodes;        /* RvNode *, in an order that can be run */
  GHashTable *by_identity; /* identity -> RvNode *, borrowed */
  GPtrArray *by_name;      /* for each cell: name -> RvNode *, borrowed */
};

#endif
