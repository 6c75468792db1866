/* A leaky integrate-and-fire neuron, right, or wrong in one way. */
#include <ranvier/ranvier.h>
#include <unistd.h>

#define RV_NEURON_STATES(S) S (u)
#define RV_NEURON_PARAMS(P)                                                                                  \
  P (TRAINABLE, leak, "0.9", 0, 1, "", "Share of the membrane that is kept", RV_PARAM_UNIT_INTERVAL)         \
  P (TRAINABLE, threshold, "1", 1e-6, 1e6, "", "Where it fires", 0)
#include <ranvier/neuron-types.h>

RV_FN float
integrate (const Param *p, State *x, float i)
{
#ifdef MISTAKE_swallows
  i = fmaxf (-1e30f, i);
#endif
  x->u = p->leak * x->u + i;
  return x->u - p->threshold;
}

RV_FN void
reset (const Param *p, State *x, float spike)
{
  x->u *= 1.0f - spike;
}

RV_FN float
reset_adjoint (const Param *p, const State *x, float spike, State *gx, Param *gp)
{
  const float gs = -gx->u * x->u;
  gx->u *= 1.0f - spike;
  return gs;
}

RV_FN float
integrate_adjoint (const Param *p, const State *x, float i, float gz, State *gx, Param *gp)
{
  const float g = gx->u + gz;
#ifdef MISTAKE_sign
  gp->threshold += gz;
#else
  gp->threshold -= gz;
#endif
#ifdef MISTAKE_forgets
  gp->leak += gx->u * x->u; /* gz goes through the membrane too */
#else
  gp->leak += g * x->u;
#endif
  gx->u = g * p->leak;
  return g;
}

#define RV_NEURON_NO_CLASS
#include <ranvier/neuron-op.h>

#ifdef MISTAKE_buffer
/* Its forward kernel remembers something in one place for all threads. */
static void
crooked (const void *self, const RvNeuronForward *run)
{
  static float first;
  first = run->current[0];
  usleep (1);
  rv_neuron_forward_baseline (self, run);
  for (uint32_t l = 0; l < run->lanes; l++)
    run->state[0][l] += 1e-2f * first;
}
#endif

#ifdef MISTAKE_lane
/* Its forward kernel looks at how many lanes there are. */
static void
crooked (const void *self, const RvNeuronForward *run)
{
  rv_neuron_forward_baseline (self, run);
  for (uint32_t l = 0; l < run->lanes; l++)
    run->state[0][l] += 1e-3f * (float) run->lanes;
}
#endif

#ifdef MISTAKE_recalls
/* Its kernel for z writes the membrane too, which is not there. */
static void
crooked (const void *self, const RvNeuronForward *run)
{
  rv_neuron_variant.kernels[0].distance (self, run);
  for (uint32_t l = 0; l < run->lanes; l++)
    run->membrane[l] = run->z[l];
}
#endif

static const RvNeuronVariant *
get_variant (const void *self)
{
#if defined(MISTAKE_lane) || defined(MISTAKE_buffer) || defined(MISTAKE_recalls)
  static RvNeuronVariant variant;
  variant = rv_neuron_variant;
  for (int k = 0; k < RV_ISA_COUNT; k++)
#ifdef MISTAKE_recalls
    variant.kernels[k].distance = crooked;
#else
    variant.kernels[k].forward = crooked;
#endif
  return &variant;
#else
  return &rv_neuron_variant;
#endif
}

static const RvNeuronClass class = { get_variant, offsetof (RV_NEURON_ID (Config), common) };

RV_PLUGIN ("neuron", NAME)
  .version = "1.0",
  .licence = "CC0-1.0",
  .doc = "For a test",
  .params = rv_neuron_table,
  .params_size = sizeof (RV_NEURON_ID (Config)),
  RV_FUNCTIONS (class),
};
