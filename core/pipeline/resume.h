/* Checkpoints of nodes that run: <store>/<identity>/checkpoint.npz and the one before it, until the result
 * is kept. */
#ifndef RV_RESUME_H
#define RV_RESUME_H

#include "pipeline/node.h"

/* How often one is written besides at the end of an epoch, in microseconds: RANVIER_CHECKPOINT_MINUTES, 5
 * minutes by default; 0 is after every step. */
gint64 rv_resume_interval (void);
/* Removes the checkpoints in the folder of a node. */
void rv_resume_remove (const char *folder);
/* What the node was made from whose checkpoint lies in the folder; NULL if there is none that can be read.
 * Caller owns. */
RvValue *rv_resume_story (const char *folder);

#endif
