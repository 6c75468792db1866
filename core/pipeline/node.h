/* Inside of a node: its instance, what it is wired to, what it hands on, and the run that it belongs to. */
#ifndef RV_NODE_PRIVATE_H
#define RV_NODE_PRIVATE_H

#include "base/value.h"
#include <ranvier/engine.h>
#include <stdio.h>

/* One output of a node: the port that names it points here. */
struct RvPortValue
{
  RvNode *node;
  const RvOutput *output;
  char *name; /* as a pipeline writes it: "fit.last" */
  RvDatasetSpec spec;
  gboolean has_spec;
  void *artefact;
  uint32_t readers;    /* nodes that have not yet run and read it */
  gboolean read;       /* some node reads it */
  char *stem;          /* where the run directory has it, without an ending; NULL: nowhere yet */
  char *drawn;         /* of a figure that was kept: the stem of its drawings */
  RvPortValue *source; /* of a gathering port's view: the output that it shows */
  char **choices;      /* of a view: axis, choice, axis, choice, ..., NULL; borrowed texts */
};

/* What all nodes of a run share. */
typedef struct
{
  char *data_root;
  char *out;     /* run directory; NULL: check only */
  FILE *metrics; /* metrics.jsonl; NULL until the run begins */
  gboolean quiet, terminal, fresh, verify, profile;
  gboolean told_store;     /* that nothing can be kept */
  uint32_t done, total;    /* nodes */
  gint64 checkpoint_every; /* microseconds */
  gint64 started;          /* when the run began, microseconds since 1970 */
  gboolean undrawn;        /* a figure could not be drawn: no gnuplot */
  gboolean ended;          /* all nodes are done, or it was stopped */
  uint64_t steps,
      stop_at; /* calls of rv_node_checkpoint, and the one at which it says that the user wants to stop */
  char *line;  /* on a terminal: the last report, as long as it may be written over */
} RvRunState;

struct RvNode
{
  char *name, *cell, *identity, *directory, *failure;
  char *kind; /* "dataset/mnist" */
  RvPlace place;
  RvInstance *instance;
  const RvNodeClass *class;
  RvRunState *state;
  RvValue *resolved;  /* every parameter with its origin */
  GPtrArray *outputs; /* RvPortValue * */
  GPtrArray *inputs;  /* RvPortValue *, borrowed: outputs that must be there */
  GPtrArray *views;   /* RvPortValue *, owned: what gathering ports show */
  RvValue *made_from; /* map of texts: what the identity is the hash of */
  GPtrArray *metrics; /* char *: the numbers that the node reported, as JSON */
  RvModel *profiled;  /* owned: the model whose time is told at the end; or NULL */
  gboolean again;     /* was taken from the store, which has no datasets, and now one is needed */
  size_t memory;      /* bytes that it will take beside its data, as it told; 0: not told */
  gint64 took;        /* microseconds that it ran, with what it had to make first */
  gboolean ran, reused; /* tried in this run; taken from the store */
  char *kept;         /* its folder in the store, which is locked; NULL: nothing can be kept */
  struct
  {
    gint64 at, took;          /* microseconds: when the last checkpoint was written, for how long */
    gboolean spoiled, failed; /* the newest one is damaged; the last could not be written, which was said */
    char *where;              /* where the last good one goes on */
  } saved;
  struct
  {
    gint64 began, shown;        /* microseconds */
    uint64_t from, done, total; /* `from` was done when it began */
  } progress;
};

/* A node over `instance` (consumed); the texts are copied. */
RvNode *rv_node_new (RvRunState *state, const char *name, const char *cell, RvPlace place,
                     RvInstance *instance);
void rv_node_free (RvNode *node);
/* Finds out what the node is made from, and its identity. After its check. */
gboolean rv_node_identify (RvNode *node, GError **error);
/* How two maps `made_from` differ, "epochs was 10, is 12; plugin neuron/lif was built anew", or NULL if
 * they do not. Caller owns. */
char *rv_node_why (const RvValue *before, const RvValue *now);
/* Says something on a line of its own on standard error, "fit [seed=1]  waits for another run". */
void rv_node_say (const RvNode *node, const char *format, ...) G_GNUC_PRINTF (2, 3);
/* The node has done its work: its last report, or nothing, is what stays on a terminal. */
void rv_node_end_progress (const RvNode *node);
/* Says where the time went, if the node had its model profiled. */
void rv_node_end_profile (RvNode *node);
/* Writes the numbers of a report, a JSON object, to metrics.jsonl with the node's name and cell. */
void rv_node_log_metrics (RvNode *node, const char *numbers);
/* What rv_node_find_file finds below the data folder `root`, which may be NULL; NULL: nothing. Caller
 * owns. */
char *rv_find_file (const char *root, const char *folder, const char *name);
/* The output called `output` ("" is the node alone), or NULL. */
RvPortValue *rv_node_output (RvNode *node, const char *output);
/* Gives back an artefact of any kind; NULL does nothing. */
void rv_artefact_unref (RvArtefactKind kind, void *artefact);
/* Adds a reference and returns `artefact`. */
void *rv_artefact_ref (RvArtefactKind kind, void *artefact);
/* "dataset", "model", ... */
const char *rv_artefact_name (RvArtefactKind kind);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (RvNode, rv_node_free)

#endif
