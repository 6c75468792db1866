/* layer/neurons: neurons alone, one for each place of the input, which is their current. After a
 * normalisation or a residual layer, where no convolution could bring them. */
#include <ranvier/ranvier.h>

typedef struct
{
  RvInstance *neuron;
} Neurons;

static RvHandle
declare (void *self, RvLayerBuild *build, RvHandle in, GError **error)
{
  const Neurons *neurons = self;
  return rv_grid_fire (build, in, neurons->neuron, error);
}

static const RvParam params[] = {
  RV_SLOT (Neurons, neuron, "neuron", "lif", "The neuron model"),
  RV_PARAM_END
};

static const RvLayerClass class = { .declare = declare };

RV_PLUGIN ("layer", "neurons")
  .version = "1.0",
  .licence = "LGPL-2.1-or-later",
  .doc = "Neurons alone, whose current is the input",
  .params = params,
  .params_size = sizeof (Neurons),
  RV_FUNCTIONS (class),
};
