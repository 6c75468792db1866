/** @file
 * Kind `layer`: forward and backward over one tile of samples times a block of steps, written with the
 * primitives of the core: projections (sparse or dense products), and either neurons or rows of numbers of
 * the layer's own, which hand on a graded output. Rows of a tile are time-major: row = t * samples + s. */
#ifndef RANVIER_LAYER_H
#define RANVIER_LAYER_H

#include <ranvier/neuron.h>

G_BEGIN_DECLS

/** A layer that is being built. */
typedef struct RvLayerBuild RvLayerBuild;
/** A tile that is run through a layer. */
typedef struct RvLayerPass RvLayerPass;

/** A handle given out by the build functions. */
typedef int32_t RvHandle;
/** No weight, no bias. */
#define RV_NO_HANDLE (-1)

/** The functions of a layer: build, forward and backward, or declare alone. */
typedef struct
{
  /** Reads the input's shape, declares weights and neurons and sets the output's units. Handles may be kept
   * in self: an instance belongs to one network. Main thread. */
  gboolean (*build) (void *self, RvLayerBuild *build, GError **error);

  /** Steps from ... to-1; blocks come in ascending order. Any worker. */
  void (*forward) (const void *self, RvLayerPass *pass, uint32_t from, uint32_t to);

  /** Steps from ... to-1; blocks come in descending order, after every step's forward. Any worker. */
  void (*backward) (const void *self, RvLayerPass *pass, uint32_t from, uint32_t to);

  /** Of a layer on a grid (grid.h): declares the operations that lead from value `in` to the value that is returned;
   * RV_NO_HANDLE with an error. Such layers come first in a network; NULL: a layer with steps of its own. Main
   * thread. */
  RvHandle (*declare) (void *self, RvLayerBuild *build, RvHandle in, GError **error);
} RvLayerClass;

/* ---- build: main thread */

/** Units of the input. */
RV_API uint32_t rv_layer_inputs (const RvLayerBuild *build);

/** Sets the units of the output; once. */
RV_API void rv_layer_set_units (RvLayerBuild *build, uint32_t units);

/** Declares weight [units][inputs] called `name`, filled by `initializer` times `scale`; `fan_in` is what the
 * initializer is told. A name that begins with "recurrent" says that it weighs the layer's own output
 * (RV_ROLE_RECURRENT). */
RV_API RvHandle rv_layer_add_weight (RvLayerBuild *build, const char *name, uint32_t units, uint32_t inputs,
                                     uint32_t fan_in, const RvInstance *initializer, double scale);

/** Declares bias [units], filled by `initializer` times `scale`. */
RV_API RvHandle rv_layer_add_bias (RvLayerBuild *build, const char *name, uint32_t units, uint32_t fan_in,
                                   const RvInstance *initializer, double scale);

/** Declares the neurons of the layer, with their learned parameters; `step_by_step` says that the layer
 * adds current of its own at every step (recurrence). One set per layer. */
RV_API void rv_layer_set_neurons (RvLayerBuild *build, RvInstance *neuron, gboolean step_by_step);

/* ---- build, of a layer without neurons: main thread
 *
 * Such a layer keeps rows of numbers, [step][sample][width], that its forward writes and its backward reads;
 * one kind of them is what it hands on. What is in them is the layer's own affair: it asks the core for the
 * products and does the rest, which must touch each sample by itself. See plugins/layers/lstm.c. */

/** Most kinds of rows of a layer. */
#define RV_LAYER_MAX_ROWS 8

/** Declares rows called `name` (static), `width` floats for each sample and step, which count in the
 * memory that training takes. `recalled`: a step needs those of the step before (zero before the first
 * step), and dL/drows goes back to it; see rv_rows_gradient. At most RV_LAYER_MAX_ROWS. */
RV_API RvHandle rv_layer_add_rows (RvLayerBuild *build, const char *name, uint32_t width, gboolean recalled);

/** Says that the layer has no neurons and hands on `rows`, which are recalled and as wide as it has units.
 * Instead of rv_layer_set_neurons, once. */
RV_API void rv_layer_set_output (RvLayerBuild *build, RvHandle rows);

/* ---- forward: any worker */

/** current = bias + weight * input in rows of steps from ... to-1. */
RV_API void rv_pass_project_input (RvLayerPass *pass, RvHandle weight, RvHandle bias, uint32_t from,
                                   uint32_t to);

/** current of step t += weight * (the layer's own spikes of step t-1); nothing at t = 0. */
RV_API void rv_pass_project_recurrent (RvLayerPass *pass, RvHandle weight, uint32_t t);

/** Lets the neurons take the current of steps from ... to-1. */
RV_API void rv_pass_fire (RvLayerPass *pass, uint32_t from, uint32_t to);

/* ---- backward: any worker */

/** dL/dspike of step t += weight^T * dL/dcurrent of step t+1; nothing at the last step. */
RV_API void rv_pass_recurrent_adjoint (RvLayerPass *pass, RvHandle weight, uint32_t t);

/** dL/dcurrent of steps from ... to-1, and the gradients of the neurons' learned parameters. */
RV_API void rv_pass_fire_adjoint (RvLayerPass *pass, uint32_t from, uint32_t to);

/** The gradients of weight and bias from dL/dcurrent and the input; and, where somebody needs it,
 * dL/dinput. */
RV_API void rv_pass_input_adjoint (RvLayerPass *pass, RvHandle weight, RvHandle bias, uint32_t from,
                                   uint32_t to);

/** The gradient of a recurrent weight from dL/dcurrent and the layer's own spikes one step earlier. */
RV_API void rv_pass_recurrent_gradient (RvLayerPass *pass, RvHandle weight, uint32_t from, uint32_t to);

/* ---- layers without neurons, forward and backward: any worker */

/** Samples of the tile; some may be padding, which is computed like the others. */
RV_API uint32_t rv_pass_samples (const RvLayerPass *pass);

/** Rows of step t, [samples] of them, `stride` floats apart (NULL: not asked). Of recalled rows t may be
 * one below the first step of the block at hand, also -1. */
RV_API float *rv_rows_at (const RvLayerPass *pass, RvHandle rows, int64_t t, size_t *stride);

/** dL/drows of recalled rows, as step t's readers at step t+1 left it: [samples], `stride` apart as in
 * rv_rows_at. Zero after the last step. A step's backward reads it and leaves there what goes to the step
 * before. */
RV_API float *rv_rows_gradient (const RvLayerPass *pass, RvHandle rows);

/** Forward: rows of steps from ... to-1 = bias + weight * input. */
RV_API void rv_rows_project_input (RvLayerPass *pass, RvHandle weight, RvHandle bias, RvHandle rows,
                                   uint32_t from, uint32_t to);

/** Forward: rows of step t (+)= bias + weight * (rows `of` step t-1). */
RV_API void rv_rows_project (RvLayerPass *pass, RvHandle weight, RvHandle bias, RvHandle of, RvHandle rows,
                             uint32_t t, gboolean add);

/** Backward: adds dL/doutput of step t, from the layer above or the decoder, to rv_rows_gradient of the
 * output. */
RV_API void rv_rows_receive (RvLayerPass *pass, uint32_t t);

/** Backward: rv_rows_gradient of `of` (+)= weight^T * (rows of step t), where these were overwritten with
 * their dL/drows. */
RV_API void rv_rows_adjoint (RvLayerPass *pass, RvHandle weight, RvHandle rows, RvHandle of, uint32_t t,
                             gboolean add);

/** Backward: the gradients of a weight and bias of rv_rows_project, from rows that hold dL/drows in steps
 * from ... to-1. */
RV_API void rv_rows_weight_gradient (RvLayerPass *pass, RvHandle weight, RvHandle bias, RvHandle of,
                                     RvHandle rows, uint32_t from, uint32_t to);

/** Backward: the same for rv_rows_project_input; and, where somebody needs it, dL/dinput. */
RV_API void rv_rows_input_adjoint (RvLayerPass *pass, RvHandle weight, RvHandle bias, RvHandle rows,
                                   uint32_t from, uint32_t to);

G_END_DECLS

#endif
