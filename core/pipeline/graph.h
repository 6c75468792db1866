/* The checked graph: nodes of all cells, equal identities merged, in an order that can be run. */
#ifndef RV_GRAPH_H
#define RV_GRAPH_H

#include "pipeline/document.h"
#include <ranvier/node.h>

typedef struct RvGraph RvGraph;

typedef struct
{
  const char *data_root; /* --data, RANVIER_DATA or the XDG folder; may be NULL */
  const char *out;       /* run directory; NULL: check only */
  gboolean quiet;
  gboolean profile; /* say where the time of each training went */
  gboolean fresh;  /* compute everything again, whatever was kept */
  gboolean verify; /* read data files again, whatever is remembered of them */
  const char *const *settings; /* the texts of -s, for the record; may be NULL */
} RvGraphOptions;

/* Instantiates and checks every node of every cell. Mistakes are added; NULL if there are any. */
RvGraph *rv_graph_new (const RvDocument *document, const RvGraphOptions *options, RvMistakes *mistakes);
void rv_graph_free (RvGraph *graph);
/* Runs it and writes the run directory. FALSE if something failed: `error` says the first thing, or that the run was
 * stopped; *failed counts the nodes. */
gboolean rv_graph_run (RvGraph *graph, uint32_t *failed, GError **error);
/* As text for people, or DOT; caller owns. */
char *rv_graph_to_text (const RvGraph *graph);
char *rv_graph_to_dot (const RvGraph *graph);
/* A line for each name of a node that told how much memory it will take, the most over its cells; caller owns. */
char *rv_graph_memory (const RvGraph *graph);
/* A line for each report that makes one result for each choice of an axis that it does not gather over: often a name that
 * was forgotten. Caller owns. */
char *rv_graph_notes (const RvGraph *graph);
/* Asks a running graph to stop; safe in a signal handler. */
void rv_graph_stop (void);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (RvGraph, rv_graph_free)

#endif
