/** @file
 * Kind `neuron`: the tile ABI. A plugin normally writes four pure functions and includes neuron-op.h,
 * which fills these; what needs more (several currents, graded output) fills them by hand.
 *
 * A lane is one neuron of one sample; its state lives in one float per state variable. Rows of all arrays
 * are `stride` floats apart, aligned to RV_ALIGN; `lanes` is a multiple of RV_LANES. Kernels: any worker. */
#ifndef RANVIER_NEURON_H
#define RANVIER_NEURON_H

#include <ranvier/clones.h>
#include <ranvier/plugin.h>

G_BEGIN_DECLS

/** Most learned parameters of a neuron. */
#define RV_NEURON_MAX_PARAMS 16
/** Most state variables of a neuron. */
#define RV_NEURON_MAX_STATES 8

/** What a forward kernel reads and writes. */
typedef struct
{
  uint32_t lanes;             /**< neurons times samples */
  uint32_t steps;             /**< of the block */
  size_t stride;              /**< floats from row to row */
  gboolean current_is_static; /**< `current` is one row [stride] that holds at every step */
  const float *const *param;  /**< [params] -> [lanes] */
  float *const *state;        /**< [states] -> [lanes]; in: before the first step, out: after the last */
  float *const *entry;        /**< [states] -> [steps][stride], written: state before each step; or NULL */
  const float *current;       /**< [steps][stride] */
  float *z;                   /**< [steps][stride], written: membrane - threshold after integrating */
  float *membrane;            /**< [steps][stride], written: membrane before reset; or NULL */
  const float *spike;         /**< [stride], read by the kernel `reset` alone */
} RvNeuronForward;

/** What a backward kernel reads and writes. */
typedef struct
{
  uint32_t lanes;                 /**< neurons times samples */
  uint32_t steps;                 /**< of the block */
  size_t stride;                  /**< floats from row to row */
  gboolean current_is_static;     /**< `current` and `current_gradient` are one row each; it is added to */
  gboolean detach_reset;          /**< no gradient through the reset's spike */
  const float *const *param;      /**< [params] -> [lanes] */
  const float *const *entry;      /**< [states] -> [steps][stride], from the forward pass */
  const float *current;           /**< [steps][stride] */
  const float *slope;             /**< [steps][slope_stride]: the surrogate at z */
  const float *spike;             /**< [steps][slope_stride], relaxed spikes; NULL: [z > 0] */
  size_t slope_stride;            /**< floats from row to row of `slope` and `spike` */
  const float *spike_gradient;    /**< [steps][stride]: dL/dspike from the readers; or NULL: zero */
  const float *membrane_gradient; /**< [steps][stride]: dL/dmembrane (before reset); or NULL: zero */
  float *current_gradient;        /**< [steps][stride], written: dL/dcurrent; may be `current` itself */
  float *const *state_gradient;   /**< [states] -> [lanes]; in: after the last step, out: before the first */
  float *const *param_gradient;   /**< [params] -> [lanes], added to; or NULL: none is learned */
} RvNeuronBackward;

/** One clone of the kernels for one instruction set. */
typedef struct
{
  /** All steps: integrate, fire at z > 0, reset. */
  void (*forward) (const void *self, const RvNeuronForward *run);
  /** One step without fire and reset. For the relaxed network. */
  void (*integrate) (const void *self, const RvNeuronForward *run);
  /** The reset alone, with `spike` given. For the relaxed network. */
  void (*reset) (const void *self, const RvNeuronForward *run);
  /** From entry and current alone: writes z of all steps, rows of `stride` floats, and nothing else. `state`,
   * `membrane` and `spike` are NULL. */
  void (*distance) (const void *self, const RvNeuronForward *run);
  /** All steps, from the last to the first. */
  void (*backward) (const void *self, const RvNeuronBackward *run);
  RV_RESERVED (3);
} RvNeuronKernels;

/** A form of a neuron: its variables and its kernels. */
typedef struct
{
  uint32_t states;                /**< how many state variables */
  const char *const *state_names; /**< [states] */
  uint32_t membrane;              /**< which state is the membrane */
  uint32_t params;                /**< numbers per lane: RvTrainable fields of the struct, in table order */
  const char *const *param_names; /**< [params] */
  const size_t *param_offsets;    /**< of the RvTrainable fields */
  gboolean fires;                 /**< FALSE: it never fires and hands on its membrane */
  /** Clones that were not built repeat the next smaller one. */
  RvNeuronKernels kernels[RV_ISA_ROOM];
  RV_RESERVED (4);
} RvNeuronVariant;

/** What every neuron has besides its own parameters; its struct holds one, its table the entries of
 * RV_NEURON_COMMON_TABLE. */
typedef struct
{
  int start;             /**< RvNeuronStart, of the membrane; the other states start at zero */
  RvInstance *surrogate; /**< NULL for a neuron that never fires */
  gboolean detach_reset; /**< no gradient through the reset's spike */
  RV_RESERVED (2);
} RvNeuronCommon;

/** How the membrane starts. */
typedef enum
{
  RV_START_ZERO,   /**< at 0 */
  RV_START_UNIFORM /**< in [0, 1), drawn by recording and unit, the same in every epoch's evaluation */
} RvNeuronStart;

/** The functions of a neuron. */
typedef struct
{
  /** Which set of kernels fits the parameters of `self` (a constant of the plugin). Main thread. */
  const RvNeuronVariant *(*variant) (const void *self);
  size_t common_offset; /**< of the RvNeuronCommon in the struct */
} RvNeuronClass;

/** The choices of `start`. Any thread. */
RV_API extern const char *const rv_neuron_starts[];

G_END_DECLS

#endif
