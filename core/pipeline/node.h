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
  RvPortValue *source; /* of a gathering port's view: the output that it shows */
  char **choices;      /* of a view: axis, choice, axis, choice, ..., NULL; borrowed texts */
};

/* What all nodes of a run share. */
typedef struct
{
  char *data_root;
  char *out;     /* run directory; NULL: check only */
  FILE *metrics; /* metrics.jsonl; NULL until the run begins */
  gboolean quiet, terminal;
  uint32_t done, total; /* nodes */
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
  GChecksum *hash;    /* while identifying */
};

/* A node over `instance` (consumed); the texts are copied. */
RvNode *rv_node_new (RvRunState *state, const char *name, const char *cell, RvPlace place, RvInstance *instance);
void rv_node_free (RvNode *node);
/* The output called `output` ("" is the node alone), or NULL. */
RvPortValue *rv_node_output (RvNode *node, const char *output);
/* Gives back an artefact of any kind; NULL does nothing. */
void rv_artefact_unref (RvArtefactKind kind, void *artefact);
/* "dataset", "model", ... */
const char *rv_artefact_name (RvArtefactKind kind);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (RvNode, rv_node_free)

#endif
