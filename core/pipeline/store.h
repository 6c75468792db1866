/* What is kept between runs: the outputs of a node under its identity, so that nothing is computed twice. */
#ifndef RV_STORE_H
#define RV_STORE_H

#include "pipeline/node.h"

/* One node's place while it is looked up, computed and kept. */
typedef struct RvKept RvKept;

/* Whether outputs of such a node are kept at all: datasets alone are made again when they are needed. */
gboolean rv_store_keeps (const RvNode *node);

/* Opens the node's place, node->kept, and locks it; waits, saying so once, while another run computes the
 * same. NULL with RV_ERROR_STOPPED if the user does not want to wait, and without an error where nothing
 * can be kept (said once a run). Main thread, as everything here. */
RvKept *rv_store_open (RvNode *node, GError **error);

/* Takes the outputs that were kept, with their numbers for metrics.jsonl; FALSE if there are none, or if
 * they are damaged (said, and put out of the way). `when`: when they were made, caller owns. */
gboolean rv_store_take (RvKept *kept, RvNode *node, char **when);

/* Keeps the outputs of a node that was just computed and whose files the run directory has. What goes wrong
 * is said; the run goes on. */
void rv_store_put (RvKept *kept, RvNode *node);

/* Whether a dataset is expensive enough to be kept, prepared: what was made of events and does not vary. */
gboolean rv_store_prepares (const RvNode *node);

/* Takes the prepared data as the node's output; FALSE if there is none, or if it is damaged (said, and put
 * out of the way). */
gboolean rv_store_take_data (RvKept *kept, RvNode *node);

/* Prepares the dataset that the node has just made and hands on the prepared one. FALSE with an error if a
 * recording can not be read or the user stopped it; where it can not be kept, that is said and the run goes
 * on. */
gboolean rv_store_put_data (RvKept *kept, RvNode *node, GError **error);

/* What a node is made from, with what the datasets are made from that it reads. Caller owns. */
RvValue *rv_store_story (const RvNode *node);
/* A time in seconds as people read it; caller owns. */
char *rv_store_date (gint64 time);

/* Unlocks and frees. NULL does nothing. */
void rv_store_close (RvKept *kept);

/* Why the outputs of `node` are not those of the last run of this pipeline, "epochs was 10, is 12", or
 * NULL; caller owns. `last` is what rv_store_recall gave. */
char *rv_store_why (const RvNode *node, GHashTable *last);

/* What the last run of the pipeline at `path` computed: "name [cell]" -> identity; caller owns. And
 * remembering it for the next, for all `nodes` that are kept. */
GHashTable *rv_store_recall (const char *path);
void rv_store_remember (const char *path, GHashTable *last, const GPtrArray *nodes);

/* Where results other than models lie; caller owns. */
char *rv_store_cache (void);

/* Removes a folder and all that is in it. */
void rv_store_remove (const char *path);

/* Brings the cache below its cap (RANVIER_CACHE_LIMIT bytes, 8 GiB by default): what was not used for
 * longest goes first. Models and what comes with them are never touched. */
void rv_store_trim (void);

/* That cap in bytes, and what lies below it: results [0] and prepared data [1]. */
guint64 rv_store_limit (void);
typedef struct
{
  guint entries[2];
  guint64 bytes[2];
} RvStoreUse;
RvStoreUse rv_store_use (void);

/* Empties the cache; returns how many entries are left because a run holds them. */
guint rv_store_clear (void);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (RvKept, rv_store_close)

#endif
