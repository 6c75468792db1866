/* The run directory: enough to rerun a study and to trust it. */
#ifndef RV_DIRECTORY_H
#define RV_DIRECTORY_H

#include "pipeline/graph-private.h"

/* Makes the folders and writes what is known before the run: pipeline.yaml, resolved.yaml, run.json. */
gboolean rv_directory_begin (RvGraph *graph, GError **error);
/* Writes the artefacts that a node has just made. */
gboolean rv_directory_store (const RvGraph *graph, const RvNode *node, GError **error);
/* Closes metrics.jsonl; FALSE if lines of it are lost. */
gboolean rv_directory_end (RvGraph *graph, GError **error);

#endif
