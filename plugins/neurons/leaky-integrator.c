/* neuron/leaky-integrator: a membrane that never fires, as a readout.  u <- leak u + gain i,  gain = 1 or 1 - leak */
#include <ranvier/ranvier.h>

static const char *const gains[] = { "one", "one-minus-leak", NULL };

#define RV_NEURON_GRADED
#define RV_NEURON_STATES(S) S (u)
#define RV_NEURON_PARAMS(P)                                                                                  \
  P (TRAINABLE, leak, "0.9", 0, 1, "", "Share of the membrane kept from step to step",                       \
     RV_PARAM_UNIT_INTERVAL)                                                                                 \
  P (CHOICE, input_gain, "one", gains, "Factor on the input current")
#include <ranvier/neuron-types.h>

RV_FN float
integrate (const Param *p, State *x, float i)
{
  x->u = p->leak * x->u + (p->input_gain ? 1.0f - p->leak : 1.0f) * i;
  return 0.0f;
}

RV_FN float
integrate_adjoint (const Param *p, const State *x, float i, float gz, State *gx, Param *gp)
{
  const float g = gx->u;
  gp->leak += g * (x->u - (p->input_gain ? i : 0.0f));
  gx->u = g * p->leak;
  return g * (p->input_gain ? 1.0f - p->leak : 1.0f);
}

#include <ranvier/neuron-op.h>

RV_PLUGIN ("neuron", "leaky-integrator")
  .version = "1.0",
  .licence = "LGPL-2.1-or-later",
  .doc = "A membrane that never fires, read as it is",
  .citation = "Zheng et al. 2024 (DH-SNN), readout",
  .params = rv_neuron_table,
  .params_size = sizeof (RV_NEURON_ID (Config)),
  RV_FUNCTIONS (rv_neuron_class),
};
