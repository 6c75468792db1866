/* neuron/linear: hands on its input current as it is, without memory or spikes: with layer/dense, a plain linear
 * layer.  u <- i */
#include <ranvier/ranvier.h>

#define RV_NEURON_GRADED
#define RV_NEURON_STATES(S) S (u)
#define RV_NEURON_PARAMS(P)
#include <ranvier/neuron-types.h>

RV_FN float
integrate (const Param *p, State *x, float i)
{
  x->u = i;
  return 0.0f;
}

RV_FN float
integrate_adjoint (const Param *p, const State *x, float i, float gz, State *gx, Param *gp)
{
  const float g = gx->u;
  gx->u = 0.0f;
  return g;
}

#include <ranvier/neuron-op.h>

RV_PLUGIN ("neuron", "linear")
  .version = "1.0",
  .licence = "LGPL-2.1-or-later",
  .doc = "Hands on its current as it is: a readout without memory",
  .params = rv_neuron_table,
  .params_size = sizeof (RV_NEURON_ID (Config)),
  RV_FUNCTIONS (rv_neuron_class),
};
