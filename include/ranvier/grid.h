/** @file
 * Layers on a grid of channels, height and width: convolution, pooling, normalisation, neurons, sums. Such
 * a layer is declared, not run: its `declare` says which operations lead from the value that it is given
 * to the one that it hands on, and the core does them, forward and backward, on tiles of samples with all
 * their steps. All functions: main thread, while the network is built.
 *
 * Values are numbers, or spikes, for every sample, step, channel, row and column. Where other layers and
 * analyses count units, unit (c, y, x) is (c * height + y) * width + x. */
#ifndef RANVIER_GRID_H
#define RANVIER_GRID_H

#include <ranvier/layer.h>

G_BEGIN_DECLS

/** The shape of a value. */
typedef struct
{
  uint32_t channels; /**< C */
  uint32_t height;   /**< H */
  uint32_t width;    /**< W */
} RvGrid;

/** The shape of a value. */
RV_API RvGrid rv_grid_of (const RvLayerBuild *build, RvHandle value);

/** Whether a value is spikes. */
RV_API gboolean rv_grid_is_spikes (const RvLayerBuild *build, RvHandle value);

/** How a window walks over the grid: [0] is along the height, [1] along the width. */
typedef struct
{
  uint32_t kernel[2];   /**< of the window; 0: the whole grid */
  uint32_t stride[2];   /**< at least 1 */
  uint32_t padding[2];  /**< on both sides, below the kernel: zeros, or for a maximum nothing */
  uint32_t dilation[2]; /**< from tap to tap, at least 1 */
} RvWindow;

/** A convolution, PyTorch's Conv2d. */
typedef struct
{
  RvWindow window;               /**< how it walks */
  uint32_t channels;             /**< of the output */
  uint32_t groups;               /**< that do not see each other; divides the channels of both sides */
  gboolean bias;                 /**< a learned constant for each channel */
  gboolean bfloat16;             /**< products of numbers rounded to bfloat16, summed in float; of floats where the
                                  * input has less than 16 channels, the output less than 9, or there are groups */
  const RvInstance *initializer; /**< of weight and bias; its fan in is of one output channel */
  double scale;                  /**< on the initial weight and bias */
  RV_RESERVED (4);
} RvConvolution;

/** out[c] = bias[c] + sum over taps and channels of weight * in. Declares `weight` [C_out][C_in / groups *
 * kernel], columns in the order channel, row, column of the window, and `bias`. RV_NO_HANDLE with an error
 * where the shapes do not fit, or the processor has no bfloat16. */
RV_API RvHandle rv_grid_convolve (RvLayerBuild *build, RvHandle in, const RvConvolution *convolution,
                                  GError **error);

/** A batch normalisation, PyTorch's BatchNorm2d over samples, steps and the grid. */
typedef struct
{
  double momentum;   /**< share of the batch at hand in the running statistics */
  double epsilon;    /**< added to the variance */
  double gain;       /**< on what is normalised, before `weight`: 1; alpha times threshold for tdBN */
  gboolean learned;  /**< `weight` and `bias` for each channel; otherwise 1 and 0 */
  gboolean per_tile; /**< statistics of each tile by itself, so that memory does not grow with the batch */
  RV_RESERVED (4);
} RvNormalisation;

/** out = weight * gain * (in - mean) / sqrt (variance + epsilon) + bias, by channel: of the batch while the
 * model is trained (rv_model_set_training), else the running ones. Declares `weight`, `bias`,
 * `running_mean` and `running_var` [C]. Ioffe and Szegedy 2015; with a gain Zheng et al. 2021. */
RV_API RvHandle rv_grid_normalise (RvLayerBuild *build, RvHandle in, const RvNormalisation *normalisation,
                                   GError **error);

/** How a window becomes a number. */
typedef enum
{
  RV_POOL_MAX,     /**< the largest: spikes stay spikes. Its gradient goes to the first of equals */
  RV_POOL_AVERAGE, /**< the sum over the size of the window, padding included */
  RV_POOL_SUM      /**< the sum */
} RvPool;

/** Each channel by itself. RV_NO_HANDLE with an error where the window does not fit. */
RV_API RvHandle rv_grid_pool (RvLayerBuild *build, RvHandle in, RvPool pool, const RvWindow *window,
                              GError **error);

/** One neuron for each place, whose current is `in`: spikes, or the membrane of neurons that never fire.
 * `neuron` is referenced; its learned parameters are declared as neuron.NAME. */
RV_API RvHandle rv_grid_fire (RvLayerBuild *build, RvHandle in, RvInstance *neuron, GError **error);

/** a + b; RV_NO_HANDLE with an error that names both shapes where they differ. */
RV_API RvHandle rv_grid_add (RvLayerBuild *build, RvHandle a, RvHandle b, GError **error);

/** While the model is trained each place is zero for a whole sample with probability `share`, and what
 * stays is divided by 1 - share; the same at all steps, drawn by epoch, recording and unit. Srivastava et
 * al. 2014. */
RV_API RvHandle rv_grid_drop (RvLayerBuild *build, RvHandle in, double share, GError **error);

/** The same numbers as channels * height * width channels of one place. Nothing but neurons and layers that
 * are not on a grid may read it. */
RV_API RvHandle rv_grid_flatten (RvLayerBuild *build, RvHandle in, GError **error);

/** Declares a layer inside of another: `path` ("layers.0") leads to it from the layer at hand and is put
 * before the names of what it declares. RV_NO_HANDLE with an error where it can not be declared. */
RV_API RvHandle rv_grid_layer (RvLayerBuild *build, RvInstance *layer, const char *path, RvHandle in,
                               GError **error);

G_END_DECLS

#endif
