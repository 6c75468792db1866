/* A neuron whose struct is too small for what every neuron has. Built as neuron-common.so. */
#include <ranvier/ranvier.h>

static const RvNeuronVariant *
variant (const void *self)
{
  return NULL;
}

static const RvNeuronClass class = { variant, 8 };

RV_PLUGIN ("neuron", "common") .version = "1.0", .licence = "LGPL-2.1-or-later", .doc = "Breaks a rule",
  .params_size = sizeof (RvNeuronCommon), RV_FUNCTIONS (class) };
