/** @file
 * What trainers, attacks and analyses do with a network: build, run forward, loss, gradients, look inside,
 * update.
 *
 * The unit of work is a tile of samples; memory does not grow with the batch, and the results have the
 * same bits for any number of threads. All functions: main thread (the core starts the workers). */
#ifndef RANVIER_ENGINE_H
#define RANVIER_ENGINE_H

#include <ranvier/node.h>

G_BEGIN_DECLS

/** Builds a network for the data that `data` describes and fills its parameters from `seed`. The instances
 * are referenced. Errors name both sides of what does not fit. The caller owns the model. */
RV_API RvModel *rv_model_new (const RvInstances *layers, RvInstance *decoder, RvInstance *loss,
                              const RvDatasetSpec *data, uint64_t seed, GError **error);
/** A model that shares the structure and owns a copy of the parameters. */
RV_API RvModel *rv_model_copy (const RvModel *model);
/** The same network over sequences of another length: a copy, as by rv_model_copy, that takes data of
 * `steps` steps. Nothing is trained again, and no parameter changes: what a leak means per second is the
 * caller's affair (rv_model_map_neurons). NULL with an error where the decoder can not read so many
 * steps. The caller owns it. */
RV_API RvModel *rv_model_at_steps (const RvModel *model, uint32_t steps, GError **error);
/** Adds a reference and returns `model`. */
RV_API RvModel *rv_model_ref (RvModel *model);
/** Gives a reference back. */
RV_API void rv_model_unref (RvModel *model);

/** How many layers. */
RV_API uint32_t rv_model_layers (const RvModel *model);
/** Units of a layer. */
RV_API uint32_t rv_model_layer_units (const RvModel *model, uint32_t layer);
/** Whether a layer's neurons fire. */
RV_API gboolean rv_model_layer_fires (const RvModel *model, uint32_t layer);
/** Length of the flat parameter vector (with padding, whose gradient is always zero). */
RV_API size_t rv_model_parameter_count (const RvModel *model);
/** The flat parameter vector, borrowed; the owner may write to it. */
RV_API float *rv_model_parameters (RvModel *model);
/** What the numbers of a model's tensor do. */
typedef enum
{
  RV_ROLE_WEIGHT,    /**< weigh the layer's input: a row for each unit, or for each gate of each unit */
  RV_ROLE_RECURRENT, /**< weigh what the layer handed on one step earlier */
  RV_ROLE_BIAS,      /**< one number for each row of weights, or channel of a normalisation */
  RV_ROLE_NEURON, /**< a learned parameter of the neurons, as it is learned: before the sigmoid where it must
                      * stay within (0, 1) */
  RV_ROLE_GAIN,   /**< the factor of a normalisation, one number for each channel */
  RV_ROLE_RUNNING /**< running statistics of a normalisation: no gradient moves them */
} RvTensorRole;

/** One of the tensors of which the flat parameter vector is made. Filled by rv_model_describe_tensor. */
typedef struct
{
  const char *name;  /**< as in a checkpoint, "network.0.weight"; borrowed from the model */
  uint32_t layer;    /**< which it belongs to */
  RvTensorRole role; /**< what its numbers do */
  uint32_t rows;     /**< units, or gates times units; 1 if all neurons of the layer share the number */
  uint32_t columns;  /**< what each row weighs (of a convolution channel by channel, a window at a time); 1 for
                      * biases and parameters of neurons, which are 1-D */
  RV_RESERVED (2);
} RvModelTensor;

/** How many tensors, in an order that the structure of the network decides. */
RV_API uint32_t rv_model_tensors (const RvModel *model);
/** Describes tensor `index`. */
RV_API void rv_model_describe_tensor (const RvModel *model, uint32_t index, RvModelTensor *tensor);
/** Copies tensor `index` out of a flat vector `parameters` [parameter_count], whose layout is the engine's
 * own (a gradient has the same), to `values` [rows][columns], row-major. */
RV_API void rv_model_get_tensor (const RvModel *model, uint32_t index, const float *parameters,
                                 float *values);
/** The way back; nothing else of `parameters` is touched. */
RV_API void rv_model_put_tensor (const RvModel *model, uint32_t index, const float *values,
                                 float *parameters);

/** Replaces each value of the neurons' parameter `name` (as in a pipeline, `leak`), fixed or learned, of
 * all layers by `map` of it; a value that is learned within (0, 1) is given, and taken, as what it is
 * there. Changes this model alone, no copy. Returns how many layers have such a parameter. */
RV_API uint32_t rv_model_map_neurons (RvModel *model, const char *name,
                                      double (*map) (double value, void *user), void *user);
/** Writes parameters and whatever else is in `extra` (name, value: RvTensor; NULL: nothing) as a .npz file
 * that numpy reads; equal bits make equal files. */
RV_API gboolean rv_model_save (const RvModel *model, const char *path, GError **error);

/** Which samples of which dataset, in which epoch. Borrowed. */
typedef struct
{
  RvDataset *data;     /**< what to read from */
  uint64_t epoch;      /**< matters only where the dataset varies */
  const uint32_t *ids; /**< [n]; NULL: 0 ... n-1 */
  uint32_t n;          /**< how many samples */
  RV_RESERVED (2);
} RvBatch;

/** How well a batch was told apart. */
typedef struct
{
  uint64_t samples;   /**< how many were run */
  uint64_t decisions; /**< how many were taken, all samples together */
  uint64_t correct;   /**< how many of these were right */
  double loss;        /**< mean over samples */
  RV_RESERVED (4);
} RvScore;

/** What flows in a tile at one place: rows = steps * samples, time-major. */
typedef struct
{
  uint32_t steps;          /**< T */
  uint32_t samples;        /**< S */
  uint32_t units;          /**< N */
  size_t stride;           /**< floats between rows of `dense` */
  gboolean is_static;      /**< one row per sample holds at every step */
  const uint32_t *offsets; /**< [rows + 1]: ids of row r are ids[offsets[r]] ... ; NULL: dense only */
  const uint32_t *ids;     /**< the units that fired, ascending in each row */
  const float *values;     /**< beside ids; NULL: all one */
  const float *dense;      /**< [rows][stride]; NULL: sparse only */
  RV_RESERVED (2);
} RvSignal;

/** A tile that was just run forward, and, by rv_model_input_gradient, backward. */
typedef struct
{
  uint32_t slot;          /**< a fixed number that the position in the batch decides: keep sums apart by it */
  uint32_t samples;       /**< S */
  const uint32_t *ids;    /**< [S] */
  const uint32_t *labels; /**< [S] */
  uint32_t decisions;     /**< by the decoder, for each sample */
  uint32_t classes;       /**< units of the last layer */
  const float *scores;    /**< [S][decisions][classes] */
  const RvSignal *input;  /**< of the first layer */
  const RvSignal *layers; /**< the spikes of each layer */
  const uint32_t *steps;  /**< [S]: how many steps of each sample count; later ones are padding */
  const uint32_t *taken;  /**< [S]: how many decisions each sample has, at most `decisions` */
  uint32_t first;         /**< position of the first sample in the batch; the others follow */
  const double *losses;   /**< [S]: of each sample, all of its decisions together */
  /** By rv_model_input_gradient: dL/dinput of each sample's own loss (not of the mean of the batch), dense
   * [T][S][N] as any signal here, so that entry (t, s, n) is dense[(t * samples + s) * stride + n]. Every
   * unit of every step has one, whether it fired or not. Of a static input one row per sample, the sum over
   * the steps. NULL otherwise. */
  const RvSignal *input_gradient;
  /** The membrane of each layer's neurons after integrating and before reset, `dense`, which is NULL where a
   * layer on a grid has no neurons; NULL unless asked for. */
  const RvSignal *membranes;
} RvTileView;

/** RvTileView.slot is below this. */
#define RV_TILE_SLOTS 16

/** Looks at every tile that is run. */
typedef struct
{
  /** One worker at a time for each slot, tiles of a slot in ascending order. */
  void (*tile) (void *self, const RvTileView *view);
  void *self; /**< for `tile`, borrowed */
  gboolean membranes; /**< the view has them: 4 bytes per neuron and step of a tile more, for each worker */
  RV_RESERVED (3);
} RvObserver;

/** Runs forward; `parameters` NULL: the model's own. `observer` and `score` may be NULL. */
RV_API gboolean rv_model_evaluate (const RvModel *model, const float *parameters, const RvBatch *batch,
                                   const RvObserver *observer, RvScore *score, GError **error);

/** Runs forward and backward: `gradient` [parameter_count], overwritten, of the mean loss of the batch. */
RV_API gboolean rv_model_gradient (const RvModel *model, const float *parameters, const RvBatch *batch,
                                   float *gradient, RvScore *score, GError **error);

/** Runs forward and backward and shows each tile to `observer` with dL/dinput (RvTileView.input_gradient):
 * scores, losses and gradient of one batch in one call, so that an attack needs one per iteration. `targets`
 * [n], by position in the batch, are the labels that the loss is taken for; NULL: the recordings' own, which
 * the view and the score's `correct` always use. Gradients of parameters are not made. The room for the
 * gradient, a tile's inputs for each thread, stays with the model: use rv_model_copy where the model is
 * somebody else's. `observer` may change what the dataset hands out for the samples of its view from now on.
 * */
RV_API gboolean rv_model_input_gradient (const RvModel *model, const float *parameters, const RvBatch *batch,
                                         const uint32_t *targets, const RvObserver *observer, RvScore *score,
                                         GError **error);

/** From now on the neurons of `layer` fire above `threshold`, as if their parameter of that name were it;
 * their surrogates stay centred at their own. Liang et al. 2021 raise the threshold of the last hidden layer
 * so, where gradients are made and nowhere else, since otherwise they vanish. For a copy of the model that is
 * attacked; NAN: their own again. FALSE with an error where the neurons have no such parameter, or never
 * fire. Main thread. */
RV_API gboolean rv_model_set_threshold (RvModel *model, uint32_t layer, double threshold, GError **error);

/** The network with the smooth step of its surrogates instead of spikes, whose gradient is exact: for
 * checks. */
RV_API void rv_model_set_relaxed (RvModel *model, gboolean relaxed);

/** Whether the model is being trained: normalisations then take the statistics of the batch in rv_model_gradient, which
 * also moves the running ones, and dropout drops. Off at first, for evaluation, attacks and analyses; a trainer
 * switches it on for its gradients. Main thread. */
RV_API void rv_model_set_training (RvModel *model, gboolean training);

/** Whether the forward pass keeps only the states between blocks of about sqrt (T) steps, and the backward
 * pass runs each block again: memory then grows with the square root of T, and a step takes about a third
 * longer. The order of sums follows the blocks, so the last bits of the gradient differ. Main thread. */
RV_API void rv_model_set_checkpoint (RvModel *model, gboolean checkpoint);

/** Bytes that training takes beside its data, with batches of `batch` samples and the threads that are set:
 * work spaces, parameters, gradients, the optimizer's memory. Lists of spikes are counted for a quarter of
 * the hidden neurons and a twentieth of the inputs active at a step. Main thread. */
RV_API size_t rv_model_memory (const RvModel *model, const RvInstance *optimizer, uint32_t batch);

/** After a loss or gradient that is not finite: says what was the first, "layer 0, step 37, unit 4:
 * membrane is NaN". The caller owns the text. */
RV_API char *rv_model_diagnose (const RvModel *model, const RvBatch *batch);

/** The optimizer's memory. */
typedef struct RvUpdater RvUpdater;
/** An updater for `model`, whose optimizer instance is referenced. The caller owns it. */
RV_API RvUpdater *rv_updater_new (const RvModel *model, RvInstance *optimizer);
/** Frees it. */
RV_API void rv_updater_free (RvUpdater *updater);
/** Scales `gradient` so that its norm is at most `limit` (0: only measures) and returns the norm it had. */
RV_API double rv_updater_clip (const RvUpdater *updater, float *gradient, double limit);
/** One update of the model's parameters; `factor` is the schedule's. Parameters with a rate of their own
 * keep it. Weights (RV_ROLE_WEIGHT, RV_ROLE_RECURRENT) go through the optimizer's update_weights, if it has
 * that, the others through its update. */
RV_API void rv_updater_step (RvUpdater *updater, RvModel *model, const float *gradient, double factor);
/** What the optimizer remembers, as part of a checkpoint (see checkpoint.h). */
RV_API void rv_checkpoint_updater (RvCheckpoint *checkpoint, const char *name, RvUpdater *updater);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (RvModel, rv_model_unref)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (RvUpdater, rv_updater_free)

G_END_DECLS

#endif
