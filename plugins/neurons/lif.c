/* neuron/lif: leaky integrate-and-fire.
 *   u <- leak u + gain i,  z = u - threshold,  s = [z > 0],  gain = 1 or 1 - leak
 * and a spike resets: hard u <- u (1 - s); soft u <- u - threshold s at once; soft-after-leak the same
 * subtraction, but made with the next input, unleaked (Zheng et al. 2024); none. */
#include <ranvier/ranvier.h>

static const char *const resets[] = { "hard", "soft", "soft-after-leak", "none", NULL };
static const char *const gains[] = { "one", "one-minus-leak", NULL };

#define RV_NEURON_PARAMS(P)                                                                                  \
  P (TRAINABLE, leak, "0.9", 0, 1, "", "Share of the membrane kept from step to step",                       \
     RV_PARAM_UNIT_INTERVAL)                                                                                 \
  P (TRAINABLE, threshold, "1", 1e-6, 1e6, "", "The neuron fires when the membrane is above it", 0)          \
  P (CHOICE, reset, "hard", resets, "What a spike does to the membrane")                                     \
  P (CHOICE, input_gain, "one", gains, "Factor on the input current")

RV_FN float
gain_of (float leak, int choice)
{
  return choice ? 1.0f - leak : 1.0f;
}

/* ---- hard, soft and none: the same functions with constants, so that no loop decides between them */

#define LIF(HARD_, SOFT_)                                                                                    \
  RV_FN float integrate (const Param *p, State *x, float i)                                                  \
  {                                                                                                          \
    x->u = p->leak * x->u + gain_of (p->leak, p->input_gain) * i;                                            \
    return x->u - p->threshold;                                                                              \
  }                                                                                                          \
  RV_FN void reset (const Param *p, State *x, float spike)                                                   \
  {                                                                                                          \
    x->u = x->u * (HARD_ ? 1.0f - spike : 1.0f) - (SOFT_ ? p->threshold * spike : 0.0f);                     \
  }                                                                                                          \
  RV_FN float reset_adjoint (const Param *p, const State *x, float spike, State *gx, Param *gp)              \
  {                                                                                                          \
    const float gs = -gx->u * (HARD_ ? x->u : SOFT_ ? p->threshold : 0.0f);                                  \
    gp->threshold -= SOFT_ ? gx->u * spike : 0.0f;                                                           \
    gx->u *= HARD_ ? 1.0f - spike : 1.0f;                                                                    \
    return gs;                                                                                               \
  }                                                                                                          \
  /* g: dL/du, through the state and through z = u - threshold */                                            \
  RV_FN float integrate_adjoint (const Param *p, const State *x, float i, float gz, State *gx, Param *gp)    \
  {                                                                                                          \
    const float g = gx->u + gz;                                                                              \
    gp->threshold -= gz;                                                                                     \
    gp->leak += g * (x->u - (p->input_gain ? i : 0.0f));                                                     \
    gx->u = g * p->leak;                                                                                     \
    return g * gain_of (p->leak, p->input_gain);                                                             \
  }

#define RV_NEURON        lif
#define RV_NEURON_STATES(S) S (u)
#define RV_NEURON_NO_CLASS
#include <ranvier/neuron-types.h>
LIF (1, 0)
#include <ranvier/neuron-op.h>

#undef RV_NEURON
#define RV_NEURON lif_soft
#include <ranvier/neuron-types.h>
LIF (0, 1)
#include <ranvier/neuron-op.h>

#undef RV_NEURON
#define RV_NEURON lif_none
#include <ranvier/neuron-types.h>
LIF (0, 0)
#include <ranvier/neuron-op.h>

/* ---- soft-after-leak: the subtraction waits in a state of its own */

#undef RV_NEURON
#undef RV_NEURON_STATES
#define RV_NEURON        lif_after_leak
#define RV_NEURON_STATES(S) S (u) S (pending)
#include <ranvier/neuron-types.h>

RV_FN float
integrate (const Param *p, State *x, float i)
{
  x->u = p->leak * x->u + gain_of (p->leak, p->input_gain) * i - x->pending;
  x->pending = 0.0f;
  return x->u - p->threshold;
}

RV_FN void
reset (const Param *p, State *x, float spike)
{
  x->pending = p->threshold * spike;
}

RV_FN float
reset_adjoint (const Param *p, const State *x, float spike, State *gx, Param *gp)
{
  const float gs = gx->pending * p->threshold;
  gp->threshold += gx->pending * spike;
  gx->pending = 0.0f;
  return gs;
}

RV_FN float
integrate_adjoint (const Param *p, const State *x, float i, float gz, State *gx, Param *gp)
{
  const float g = gx->u + gz;
  gp->threshold -= gz;
  gp->leak += g * (x->u - (p->input_gain ? i : 0.0f));
  gx->u = g * p->leak;
  gx->pending = -g;
  return g * gain_of (p->leak, p->input_gain);
}

#include <ranvier/neuron-op.h>

static const RvNeuronVariant *
variant (const void *self)
{
  const lif_Config *config = self;
  static const RvNeuronVariant *const variants[]
      = { &lif_variant, &lif_soft_variant, &lif_after_leak_variant, &lif_none_variant };
  return variants[config->reset];
}

static const RvNeuronClass class = { variant, offsetof (lif_Config, common) };

RV_PLUGIN ("neuron", "lif")
  .version = "1.0",
  .licence = "LGPL-2.1-or-later",
  .doc = "Leaky integrate-and-fire",
  .citation = "Yin et al. 2024, equations 3 to 11; Wu et al. 2018",
  .params = lif_table,
  .params_size = sizeof (lif_Config),
  RV_FUNCTIONS (class),
};
