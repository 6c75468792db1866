/* neuron/@NAME@: leaky integrate-and-fire that tires. Each spike charges an inhibitory current w, which the
 * membrane pays back while it leaks away:
 *   u <- leak u + i - w,   z = u - threshold,   s = [z > 0],   u <- u (1 - s),   w <- recovery w + fatigue s
 * Everything between the first and the last #include is the model; the kernels around it are generated. */
#include <ranvier/ranvier.h>

/* The states of a neuron (the first is the membrane), and its parameters. A TRAINABLE takes a number, or
 * `learned`, in a pipeline; with RV_PARAM_UNIT_INTERVAL it is learned through a sigmoid and stays within (0,
 * 1). */
#define RV_NEURON_STATES(S) S (u) S (w)
#define RV_NEURON_PARAMS(P)                                                                                  \
  P (TRAINABLE, leak, "0.9", 0, 1, "", "Share of the membrane kept from step to step",                       \
     RV_PARAM_UNIT_INTERVAL)                                                                                 \
  P (TRAINABLE, threshold, "1", 1e-6, 1e6, "", "The neuron fires when the membrane is above it", 0)          \
  P (TRAINABLE, fatigue, "0.1", 0, 1e6, "", "Inhibitory current that one spike adds", 0)                     \
  P (TRAINABLE, recovery, "0.8", 0, 1, "", "Share of that current kept from step to step",                   \
     RV_PARAM_UNIT_INTERVAL)
#include <ranvier/neuron-types.h>

/* One step of one neuron: advances the state by the input current; what it returns fires above zero. */
RV_FN float
integrate (const Param *p, State *x, float i)
{
  x->u = p->leak * x->u + i - x->w;
  return x->u - p->threshold;
}

/* What a spike does. It is 0 or 1 here and anything between in checks, so there must be no `if`. */
RV_FN void
reset (const Param *p, State *x, float spike)
{
  x->u *= 1.0f - spike;
  x->w = p->recovery * x->w + p->fatigue * spike;
}

/* The adjoint of reset: *x is what reset saw, *gx comes as dL/d(state after) and leaves as dL/d(state
 * before); returns dL/dspike and adds dL/dparameter to *gp. Each line is a line of reset, transposed. */
RV_FN float
reset_adjoint (const Param *p, const State *x, float spike, State *gx, Param *gp)
{
  const float gs = gx->w * p->fatigue - gx->u * x->u;
  gp->recovery += gx->w * x->w;
  gp->fatigue += gx->w * spike;
  gx->w *= p->recovery;
  gx->u *= 1.0f - spike;
  return gs;
}

/* The adjoint of integrate, in the same way: *x is the state on entry, gz is dL/dz; returns dL/di. */
RV_FN float
integrate_adjoint (const Param *p, const State *x, float i, float gz, State *gx, Param *gp)
{
  const float g = gx->u + gz; /* dL/du, through the state and through z = u - threshold */
  gp->threshold -= gz;
  gp->leak += g * x->u;
  gx->u = g * p->leak;
  gx->w -= g;
  return g;
}

#include <ranvier/neuron-op.h>

RV_PLUGIN ("neuron", "@NAME@")
  .version = "0.1",
  .licence = "CC0-1.0",
  .doc = "Leaky integrate-and-fire that tires with every spike",
  .citation = NULL,
  .params = rv_neuron_table,
  .params_size = sizeof (RV_NEURON_ID (Config)),
  RV_FUNCTIONS (rv_neuron_class),
};
