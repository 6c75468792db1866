/** @file
 * Kind `layer`: forward and backward over one tile of samples times a block of steps, written with the
 * primitives of the core: projections (sparse or dense products) and neurons. Rows of a tile are
 * time-major: row = t * samples + s. */
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

/** The functions of a layer. */
typedef struct
{
  /** Reads the input's shape, declares weights and neurons and sets the output's units. Handles may be kept
   * in self: an instance belongs to one network. Main thread. */
  gboolean (*build) (void *self, RvLayerBuild *build, GError **error);

  /** Steps from ... to-1; blocks come in ascending order. Any worker. */
  void (*forward) (const void *self, RvLayerPass *pass, uint32_t from, uint32_t to);

  /** Steps from ... to-1; blocks come in descending order, after every step's forward. Any worker. */
  void (*backward) (const void *self, RvLayerPass *pass, uint32_t from, uint32_t to);
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

G_END_DECLS

#endif
