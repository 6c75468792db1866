/* neuron/adaptive-lif: leaky integrate-and-fire whose threshold rises with its own spikes.
 *   u <- leak u + i,  z = u - (threshold + strength a),  s = [z > 0],  u <- u (1 - s),  a <- adaptation-leak a + s
 * after Bellec et al. 2018, Long short-term memory and learning-to-learn in networks of spiking neurons. */
#include <ranvier/ranvier.h>

#define RV_NEURON_STATES(S) S (u) S (a)
#define RV_NEURON_PARAMS(P)                                                                                  \
  P (TRAINABLE, leak, "0.9", 0, 1, "", "Share of the membrane kept from step to step",                       \
     RV_PARAM_UNIT_INTERVAL)                                                                                 \
  P (TRAINABLE, threshold, "1", 1e-6, 1e6, "", "Threshold of a neuron that has not fired", 0)                \
  P (TRAINABLE, strength, "0.2", 0, 1e6, "", "How far one spike raises the threshold", 0)                    \
  P (TRAINABLE, adaptation_leak, "0.95", 0, 1, "", "Share of the rise kept from step to step",               \
     RV_PARAM_UNIT_INTERVAL)
#include <ranvier/neuron-types.h>

RV_FN float
integrate (const Param *p, State *x, float i)
{
  x->u = p->leak * x->u + i;
  return x->u - (p->threshold + p->strength * x->a);
}

RV_FN void
reset (const Param *p, State *x, float spike)
{
  x->u *= 1.0f - spike;
  x->a = p->adaptation_leak * x->a + spike;
}

RV_FN float
reset_adjoint (const Param *p, const State *x, float spike, State *gx, Param *gp)
{
  const float gs = gx->a - gx->u * x->u;
  gp->adaptation_leak += gx->a * x->a;
  gx->u *= 1.0f - spike;
  gx->a *= p->adaptation_leak;
  return gs;
}

RV_FN float
integrate_adjoint (const Param *p, const State *x, float i, float gz, State *gx, Param *gp)
{
  const float g = gx->u + gz; /* dL/du, through the state and through z */
  gp->threshold -= gz;
  gp->strength -= gz * x->a;
  gp->leak += g * x->u;
  gx->a -= gz * p->strength;
  gx->u = g * p->leak;
  return g;
}

#include <ranvier/neuron-op.h>

RV_PLUGIN ("neuron", "adaptive-lif")
  .version = "1.0",
  .licence = "LGPL-2.1-or-later",
  .doc = "Leaky integrate-and-fire with an adaptive threshold",
  .citation = "Bellec et al. 2018",
  .params = rv_neuron_table,
  .params_size = sizeof (RV_NEURON_ID (Config)),
  RV_FUNCTIONS (rv_neuron_class),
};
