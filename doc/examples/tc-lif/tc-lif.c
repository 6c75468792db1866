/* neuron/tc-lif: two compartments, a dendrite d that keeps and a soma u that fires, each driving the other.
 *   d <- d - beta-dendrite u + i,   u <- u + beta-soma d,   z = u - threshold,   s = [z > 0]
 *   a spike resets both:  d <- d - gamma s,   u <- u - threshold s
 * after Zhang et al. 2024, TC-LIF: A Two-Compartment Spiking Neuron Model for Long-Term Sequential Modelling
 * (AAAI), equations of the generalised model; both betas are learned through a sigmoid there. */
#include <ranvier/ranvier.h>

#define RV_NEURON_STATES(S) S (u) S (d)
#define RV_NEURON_PARAMS(P)                                                                                  \
  P (TRAINABLE, beta_dendrite, "0.5", 0, 1, "", "How much the soma takes from the dendrite",                 \
     RV_PARAM_UNIT_INTERVAL)                                                                                 \
  P (TRAINABLE, beta_soma, "0.5", 0, 1, "", "How much the dendrite gives to the soma",                       \
     RV_PARAM_UNIT_INTERVAL)                                                                                 \
  P (TRAINABLE, threshold, "1", 1e-6, 1e6, "", "The neuron fires when the soma is above it", 0)              \
  P (TRAINABLE, gamma, "0.5", 0, 1e6, "", "What a spike takes from the dendrite", 0)
#include <ranvier/neuron-types.h>

RV_FN float
dendrite (const Param *p, const State *x, float i)
{
  return x->d - p->beta_dendrite * x->u + i;
}

RV_FN float
integrate (const Param *p, State *x, float i)
{
  x->d = dendrite (p, x, i);
  x->u += p->beta_soma * x->d;
  return x->u - p->threshold;
}

RV_FN void
reset (const Param *p, State *x, float spike)
{
  x->d -= p->gamma * spike;
  x->u -= p->threshold * spike;
}

/* Both lines are sums, so the gradients of the states pass unchanged. */
RV_FN float
reset_adjoint (const Param *p, const State *x, float spike, State *gx, Param *gp)
{
  gp->gamma -= gx->d * spike;
  gp->threshold -= gx->u * spike;
  return -(gx->d * p->gamma + gx->u * p->threshold);
}

/* The lines of integrate from the last to the first; x is the state on entry, so the new dendrite is computed
 * again. */
RV_FN float
integrate_adjoint (const Param *p, const State *x, float i, float gz, State *gx, Param *gp)
{
  const float gu = gx->u + gz; /* dL/du: through the state, and through z = u - threshold */
  gp->threshold -= gz;
  const float gd = gx->d + gu * p->beta_soma; /* dL/dd: through the state, and through u */
  gp->beta_soma += gu * dendrite (p, x, i);
  gp->beta_dendrite -= gd * x->u;
  gx->u = gu - gd * p->beta_dendrite;
  gx->d = gd;
  return gd;
}

#include <ranvier/neuron-op.h>

RV_PLUGIN ("neuron", "tc-lif")
  .version = "1.0",
  .licence = "CC0-1.0",
  .doc = "Two-compartment leaky integrate-and-fire",
  .citation = "Zhang et al. 2024, AAAI (TC-LIF)",
  .params = rv_neuron_table,
  .params_size = sizeof (RV_NEURON_ID (Config)),
  RV_FUNCTIONS (rv_neuron_class),
};
