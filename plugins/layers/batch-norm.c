/* layer/batch-norm: each channel normalised over samples, steps and the grid; with alpha and threshold the
 * threshold-dependent one of Zheng et al. 2021, whose currents have the spread of alpha thresholds.
 *   out = weight alpha threshold (in - mean) / sqrt (variance + epsilon) + bias */
#include <ranvier/ranvier.h>

typedef struct
{
  double momentum, epsilon, alpha, threshold;
  gboolean learned;
  int statistics;
} BatchNorm;

static const char *const statistics[] = { "batch", "tile", NULL };

static RvHandle
declare (void *self, RvLayerBuild *build, RvHandle in, GError **error)
{
  const BatchNorm *norm = self;
  const RvNormalisation n = { .momentum = norm->momentum,
                              .epsilon = norm->epsilon,
                              .gain = norm->alpha * norm->threshold,
                              .learned = norm->learned,
                              .per_tile = norm->statistics == 1 };
  return rv_grid_normalise (build, in, &n, error);
}

static const RvParam params[] = {
  RV_REAL (BatchNorm, momentum, "0.1", 0, 1, "", "Share of a batch in the running statistics"),
  RV_REAL (BatchNorm, epsilon, "1e-5", 1e-30, 1e6, "", "Added to the variance"),
  RV_REAL (BatchNorm, alpha, "1", 1e-6, 1e6, "", "tdBN: on top of the threshold; 1 / sqrt (2) where two branches meet"),
  RV_REAL (BatchNorm, threshold, "1", 1e-6, 1e6, "", "tdBN: of the neurons that take the output; 1: plain normalisation"),
  RV_BOOL (BatchNorm, learned, "yes", "A learned factor and constant for each channel"),
  RV_CHOICE (BatchNorm, statistics, "batch", statistics, "Over the whole batch; or over each tile of samples by itself, so "
             "that memory does not grow with the batch"),
  RV_PARAM_END
};

static const RvLayerClass class = { .declare = declare };

RV_PLUGIN ("layer", "batch-norm")
  .version = "1.0",
  .licence = "LGPL-2.1-or-later",
  .doc = "Batch normalisation over samples, steps and the grid",
  .citation = "Ioffe and Szegedy 2015; with a threshold Zheng et al. 2021, Going deeper with directly-trained larger spiking neural networks",
  .params = params,
  .params_size = sizeof (BatchNorm),
  RV_FUNCTIONS (class),
};
