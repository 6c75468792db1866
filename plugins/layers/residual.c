/* layer/residual: the sum of what its layers and its shortcut make of one input, and neurons over it if
 * they are given. Both lists may hold residual layers themselves. */
#include <ranvier/ranvier.h>

typedef struct
{
  RvInstances layers, shortcut;
  RvInstance *neuron;
} Residual;

static RvHandle
follow (RvLayerBuild *build, const RvInstances *list, const char *name, RvHandle value, GError **error)
{
  for (uint32_t k = 0; k < list->n && value != RV_NO_HANDLE; k++)
    {
      g_autofree char *path = g_strdup_printf ("%s.%u", name, k);
      value = rv_grid_layer (build, list->items[k], path, value, error);
    }
  return value;
}

static RvHandle
declare (void *self, RvLayerBuild *build, RvHandle in, GError **error)
{
  const Residual *residual = self;
  const RvHandle main = follow (build, &residual->layers, "layers", in, error);
  const RvHandle other = main == RV_NO_HANDLE ? main : follow (build, &residual->shortcut, "shortcut", in, error);
  const RvHandle sum = other == RV_NO_HANDLE ? other : rv_grid_add (build, main, other, error);
  return sum == RV_NO_HANDLE || !residual->neuron ? sum : rv_grid_fire (build, sum, residual->neuron, error);
}

static const RvParam params[] = {
  RV_SLOTS (Residual, layers, "layer", "The layers of the block"),
  RV_OPTIONAL_SLOTS (Residual, shortcut, "layer", "The layers beside them; none: the input itself is added"),
  RV_SLOT (Residual, neuron, "neuron", NULL, "Neurons that take the sum as their current"),
  RV_PARAM_END
};

static const RvLayerClass class = { .declare = declare };

RV_PLUGIN ("layer", "residual")
  .version = "1.0",
  .licence = "LGPL-2.1-or-later",
  .doc = "The sum of a list of layers and a shortcut around it",
  .citation = "He et al. 2016; spiking: Zheng et al. 2021",
  .params = params,
  .params_size = sizeof (Residual),
  RV_FUNCTIONS (class),
};
