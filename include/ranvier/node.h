/** @file
 * Kinds that stand at the top level of a pipeline: dataset, transform, trainer, attack, analysis, report.
 *
 * A node has ports (parameters) and named outputs. `check` sees only specs, before anything runs; `run`
 * sees the artefacts. Everything here: main thread. */
#ifndef RANVIER_NODE_H
#define RANVIER_NODE_H

#include <ranvier/checkpoint.h>
#include <ranvier/dataset.h>
#include <ranvier/official.h>
#include <ranvier/plugin.h>
#include <ranvier/table.h>

G_BEGIN_DECLS

/** The running node: the way from a plugin back to the core. */
typedef struct RvNode RvNode;
/** A network with its parameters: see engine.h. */
typedef struct RvModel RvModel;

/** What a node hands on. */
typedef struct
{
  const char *name;    /**< "" is what a port means that names the node alone */
  RvArtefactKind kind; /**< what it is */
  const char *doc;     /**< one line */
  /** Of a table whose columns do not depend on data: their names, ending with NULL, so that a pipeline that
   * asks for another one is refused before it runs. NULL: not known before. */
  const char *const *columns;
} RvOutput;

/** The functions of a node. */
typedef struct
{
  const RvOutput *outputs; /**< ends with a NULL name */

  /** Before anything runs: looks at the specs of the ports, refuses what does not fit, and tells the specs
   * of dataset and model outputs with rv_node_set_spec. Must be quick and read no more than a file's
   * header. May be NULL where no output is a dataset or a model. */
  gboolean (*check) (void *self, RvNode *node, GError **error);

  /** Does the work and hands on every output with rv_node_set_output. */
  gboolean (*run) (void *self, RvNode *node, GError **error);

  /** Hashes into the node's identity what the parameters do not say, the files read for instance, by
   * rv_node_hash_file. Called after check. May be NULL. */
  gboolean (*identify) (void *self, RvNode *node, GError **error);

  /** Of a dataset: the sets that it reads, as their makers publish them; ends with a NULL name. May be NULL. */
  const RvOfficialSet *sets;
} RvNodeClass;

/* ---- ports */

/** Whether something is wired to `port`. */
RV_API gboolean rv_port_is_wired (const RvPort *port);

/** The spec of a dataset port, or what the model of a model port was trained for; borrowed. When checking
 * and running. */
RV_API const RvDatasetSpec *rv_port_spec (const RvPort *port);

/** The columns that a table port will have, ending with NULL, as the output behind it declares; NULL where
 * that is not known before the run. When checking and running. Borrowed. */
RV_API const char *const *rv_port_columns (const RvPort *port);

/** As written in the pipeline, "fit.last": for messages. Borrowed. */
RV_API const char *rv_port_name (const RvPort *port);

/** The artefact of a port of that kind, borrowed; NULL while checking, and where the cell that makes it
 * failed. */
RV_API RvDataset *rv_port_dataset (const RvPort *port);
/** As rv_port_dataset. */
RV_API RvModel *rv_port_model (const RvPort *port);
/** As rv_port_dataset. */
RV_API RvTable *rv_port_table (const RvPort *port);
/** As rv_port_dataset. */
RV_API RvFigure *rv_port_figure (const RvPort *port);

/** Of a port that gathers from several cells: the choice of `axis` in the cell of this artefact; NULL if
 * there is no such axis. Borrowed. */
RV_API const char *rv_port_choice (const RvPort *port, const char *axis);

/** Why the artefact is missing ("diverged at ..."), NULL if it is there. Borrowed. */
RV_API const char *rv_port_failure (const RvPort *port);

/* ---- what a node may do */

/** In check: tells the spec of an output of kind dataset or model (copied; strings borrowed as in
 * RvDatasetSpec). */
RV_API void rv_node_set_spec (RvNode *node, const char *output, const RvDatasetSpec *spec);

/** In run: the model that is about to be trained; `ranvier run --profile` tells where the time goes. It stays the
 * caller's. */
RV_API void rv_node_profile (RvNode *node, RvModel *model);

/** In check: tells how many bytes run will take beside its data; `ranvier check` prints it. */
RV_API void rv_node_set_memory (RvNode *node, size_t bytes);

/** In run: hands on `artefact` of the declared kind; takes over the reference. */
RV_API void rv_node_set_output (RvNode *node, const char *output, void *artefact);

/** The node's name in the pipeline, borrowed. */
RV_API const char *rv_node_name (const RvNode *node);

/** The directory where the run keeps things of this node and cell (it exists), borrowed; NULL when only
 * checking. */
RV_API const char *rv_node_directory (const RvNode *node);

/** Text for progress: the cell, "variant=baseline seed=1", or "". Borrowed. */
RV_API const char *rv_node_cell (const RvNode *node);

/** Looks for a dataset's file by its official name in the data root and one folder below; `folder` (may be
 * NULL) is searched instead if it is given: a path from the data root, from the working directory, or
 * absolute; where it is relative, the file may also lie right in the data root. A name that ends with a slash,
 * "Train/", is that of a folder. The caller owns the path. NULL with an error that lists where it looked. */
RV_API char *rv_node_find_file (RvNode *node, const char *folder, const char *name, GError **error);

/** In identify: hashes the content of a file, or of all files of a folder, into the identity (remembered by
 * device, inode, size and times). */
RV_API gboolean rv_node_hash_file (RvNode *node, const char *path, GError **error);

/** On a terminal: shows that `done` of `total` is done, and the time that is left. `text` says how it goes
 * ("epoch 3/10  loss 0.43"). May be called often. */
RV_API void rv_node_progress (RvNode *node, uint64_t done, uint64_t total, const char *text);

/** Ends a stage of long work with one plain line in a log, and one line in metrics.jsonl: the numbers by
 * name, ending with a NULL name. `text` is what a person reads. (Datasets are made when somebody needs
 * them; their lines are in the log alone.) */
RV_API void rv_node_report (RvNode *node, const char *text, const char *first_name,
                            ...) G_GNUC_NULL_TERMINATED;

/** TRUE once the user wants to stop: run returns FALSE with RV_ERROR_STOPPED soon after. Any worker. A node
 * that calls rv_node_checkpoint need not ask. */
RV_API gboolean rv_node_stopped (const RvNode *node);

/** In run, before the work begins: takes up what an interrupted run of the same node remembered, calling
 * `remember` with `self` (see checkpoint.h), and says so. TRUE without a call if there is nothing. FALSE
 * if all that there is can not be used; the node must not begin anew then, and `self` may be half read. */
RV_API gboolean rv_node_resume (RvNode *node, RvRemember remember, void *self, GError **error);

/** In run, after each piece of work that can not be divided (a batch), and with `stage` TRUE after a longer
 * one (an epoch): writes a checkpoint if it is time, which costs nothing otherwise; what goes wrong is
 * said, and the work goes on. FALSE with an error if the user wants to stop: RV_ERROR_STOPPED, then the
 * checkpoint is written. It is removed when the outputs of the node are kept. */
RV_API gboolean rv_node_checkpoint (RvNode *node, gboolean stage, RvRemember remember, void *self,
                                    GError **error);

G_END_DECLS

#endif
