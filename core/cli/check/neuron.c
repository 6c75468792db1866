/* The judge of neurons by their tile kernels: a rig of 32 lanes, 16 of them with the reset's gradient
 * attached and 16 with it detached. */
#include "cli/check/rig.h"

#include "base/threads.h"

#include <math.h>
#include <string.h>

#define STEPS 6
#define HALF RV_LANES

/* The ways of calling the kernels. */
enum
{
  WHOLE,    /* the whole tile at once, sharp spikes */
  STEPS_1,  /* step by step */
  PIECES,   /* halves of lanes, 2 and 4 steps */
  BARE,     /* forward without the arrays that may be NULL */
  MOVING,   /* a current that is the same at every step */
  STILL,    /* the same, given as one row */
  RECALLED, /* z from entry and current */
  SMOOTH,   /* relaxed: what gradients are of */
  CLONE,    /* of a smaller instruction set */
  WAYS
};

/* What one way of calling the kernels writes. */
typedef struct
{
  float *z, *membrane, *entry[RV_NEURON_MAX_STATES], *state[RV_NEURON_MAX_STATES];
  float *current, *start[RV_NEURON_MAX_STATES], *param[RV_NEURON_MAX_PARAMS]; /* gradients */
} Outs;

typedef struct
{
  const RvNeuronVariant *v;
  const void *self;
  uint32_t lanes, steps;
  float *param[RV_NEURON_MAX_PARAMS], *start[RV_NEURON_MAX_STATES], *end_weight[RV_NEURON_MAX_STATES];
  float *current, *spike_weight, *membrane_weight, *zeros; /* L = sum of weights times what they weigh */
  float *fired, *smooth, *slope, *moving; /* scratch: spikes, relaxed spikes, their slopes, spikes of price */
  Outs outs[WAYS];
} Tile;

/* One call: which part of the tile, and how. */
typedef struct
{
  int isa;
  uint32_t lane, lanes, from, to;
  gboolean still, bare; /* static current; without the arrays that may be NULL */
  gboolean recalls;     /* for distance, which has neither state nor membrane */
  const float *spike;   /* of reset and of the relaxed backward pass */
} Call;

static void
point (float *const *arrays, uint32_t n, size_t offset, float **out)
{
  for (uint32_t k = 0; k < n; k++)
    out[k] = arrays[k] + offset;
}

static void
forward (const Tile *t, const Outs *o, Call c, void (*kernel) (const void *self, const RvNeuronForward *run))
{
  const size_t at = (size_t)c.from * t->lanes + c.lane;
  float *param[RV_NEURON_MAX_PARAMS], *state[RV_NEURON_MAX_STATES], *entry[RV_NEURON_MAX_STATES];
  point (t->param, t->v->params, c.lane, param);
  point (o->state, t->v->states, c.lane, state);
  point (o->entry, t->v->states, at, entry);
  const RvNeuronForward run = { .lanes = c.lanes,
                                .steps = c.to - c.from,
                                .stride = t->lanes,
                                .current_is_static = c.still,
                                .param = (const float *const *)param,
                                .state = c.recalls ? NULL : state,
                                .entry = c.bare ? NULL : entry,
                                .current = t->current + (c.still ? c.lane : at),
                                .z = o->z + at,
                                .membrane = c.bare || c.recalls ? NULL : o->membrane + at,
                                .spike = c.spike != NULL ? c.spike + at : NULL };
  kernel (t->self, &run);
}

static void
distance (const Tile *t, const Outs *o, Call c)
{
  c.recalls = TRUE;
  c.spike = NULL;
  forward (t, o, c, t->v->kernels[c.isa].distance);
}

static void
backward (const Tile *t, const Outs *o, Call c, gboolean detach)
{
  const size_t at = (size_t)c.from * t->lanes + c.lane;
  float *param[RV_NEURON_MAX_PARAMS], *entry[RV_NEURON_MAX_STATES], *start[RV_NEURON_MAX_STATES],
      *param_gradient[RV_NEURON_MAX_PARAMS];
  point (t->param, t->v->params, c.lane, param);
  point (o->entry, t->v->states, at, entry);
  point (o->start, t->v->states, c.lane, start);
  point (o->param, t->v->params, c.lane, param_gradient);
  const RvNeuronBackward run = { .lanes = c.lanes,
                                 .steps = c.to - c.from,
                                 .stride = t->lanes,
                                 .current_is_static = c.still,
                                 .detach_reset = detach,
                                 .param = (const float *const *)param,
                                 .entry = (const float *const *)entry,
                                 .current = t->current + (c.still ? c.lane : at),
                                 .slope = t->v->fires ? t->slope + at : t->zeros,
                                 .spike = c.spike != NULL ? c.spike + at : NULL,
                                 .slope_stride = t->v->fires ? t->lanes : 0,
                                 .spike_gradient = t->v->fires ? t->spike_weight + at : NULL,
                                 .membrane_gradient = t->membrane_weight + at,
                                 .current_gradient = o->current + (c.still ? c.lane : at),
                                 .state_gradient = start,
                                 .param_gradient = param_gradient };
  t->v->kernels[c.isa].backward (t->self, &run);
}

/* State to its start, gradients to those of the end. */
static void
begin (const Tile *t, const Outs *o)
{
  for (uint32_t k = 0; k < t->v->states; k++)
    {
      memcpy (o->state[k], t->start[k], t->lanes * sizeof (float));
      memcpy (o->start[k], t->end_weight[k], t->lanes * sizeof (float));
    }
  for (uint32_t k = 0; k < t->v->params; k++)
    memset (o->param[k], 0, t->lanes * sizeof (float));
}

/* Step by step as the relaxed network does it: integrate, spikes, reset. `spike` is filled from z, by the
 * smooth step or the sharp one; the reset takes `held` where that is not NULL. */
static void
step_by_step (const Tile *t, const Outs *o, Call c, gboolean smooth, float *spike, const float *held)
{
  const RvNeuronKernels *kernels = &t->v->kernels[c.isa];
  for (uint32_t s = 0; s < t->steps; s++)
    {
      c.from = s;
      c.to = s + 1;
      forward (t, o, c, kernels->integrate);
      const size_t at = (size_t)s * t->lanes + c.lane;
      for (uint32_t l = 0; l < c.lanes && !smooth; l++)
        spike[at + l] = o->z[at + l] > 0.0f ? 1.0f : 0.0f;
      if (smooth)
        rv_check_smooth_class.fire (NULL, o->z + at, spike + at, c.lanes);
      c.spike = held != NULL ? held : spike;
      if (t->v->fires)
        forward (t, o, c, kernels->reset);
    }
}

static void
add_outs (RvRig *rig, Tile *t, int way)
{
  const uint32_t all = t->lanes * t->steps;
  const RvRole role
      = way <= STILL && way != BARE ? RV_OUTPUT : RV_SCRATCH; /* the others are not written whole */
  Outs *o = &t->outs[way];
  o->z = rv_arrays_add (rig->arrays, role, "z", all);
  o->membrane = rv_arrays_add (rig->arrays, role, "membrane", all);
  o->current = rv_arrays_add (rig->arrays, role, "current_gradient", all);
  for (uint32_t k = 0; k < t->v->states; k++)
    {
      g_autofree char *entry = g_strconcat ("entry ", t->v->state_names[k], NULL);
      g_autofree char *start = g_strconcat ("state_gradient ", t->v->state_names[k], NULL);
      o->entry[k] = rv_arrays_add (rig->arrays, role, entry, all);
      o->state[k] = rv_arrays_add (rig->arrays, role, t->v->state_names[k], t->lanes);
      o->start[k] = rv_arrays_add (rig->arrays, role, start, t->lanes);
    }
  for (uint32_t k = 0; k < t->v->params; k++)
    {
      g_autofree char *param = g_strconcat ("param_gradient ", t->v->param_names[k], NULL);
      o->param[k] = rv_arrays_add (rig->arrays, role, param, t->lanes);
    }
}

static void
twin (RvRig *rig, const Tile *t, const char *how, const char *what, const float *a, const float *b,
      uint32_t rows, double tolerance)
{
  g_autofree char *text = g_strdup_printf ("%s, %s", what, how);
  rv_rig_twins (rig, text, a, b, (size_t)rows * t->lanes, tolerance);
}

/* That the way `b` of calling must give what the way `a` gives. */
static void
same (RvRig *rig, const Tile *t, const char *how, const Outs *a, const Outs *b, double tolerance)
{
  twin (rig, t, how, "z", a->z, b->z, t->steps, tolerance);
  twin (rig, t, how, "membrane", a->membrane, b->membrane, t->steps, tolerance);
  twin (rig, t, how, "current_gradient", a->current, b->current, t->steps, tolerance);
  for (uint32_t k = 0; k < t->v->states; k++)
    {
      twin (rig, t, how, t->v->state_names[k], a->state[k], b->state[k], 1, tolerance);
      twin (rig, t, how, "entry", a->entry[k], b->entry[k], t->steps, tolerance);
      twin (rig, t, how, "state_gradient", a->start[k], b->start[k], 1, tolerance);
    }
  for (uint32_t k = 0; k < t->v->params; k++)
    twin (rig, t, how, "param_gradient", a->param[k], b->param[k], 1, tolerance);
}

/* ---- the rig */

/* Numbers for each lane from within the parameter's range. */
static void
fill_param (RvRig *rig, Tile *t, uint32_t k)
{
  const RvParam *p = rig->instance->plugin->params;
  while (p->name != NULL && p->offset != t->v->param_offsets[k])
    p++;
  t->param[k] = rv_rig_input (rig, t->v->param_names[k], t->lanes, 1.0f);
  for (uint32_t l = 0; p->name != NULL && l < t->lanes; l++)
    t->param[k][l] = (float)rv_check_number (p, 0.5 + 0.5 * t->param[k][l]);
}

static void
add_variables (RvRig *rig, Tile *t)
{
  const Outs *o = &t->outs[SMOOTH];
  for (uint32_t k = 0; k < t->v->params; k++)
    rv_rig_variable (rig, t->v->param_names[k], t->param[k], o->param[k], 1);
  for (uint32_t k = 0; k < t->v->states; k++)
    {
      g_autofree char *name = g_strconcat ("state ", t->v->state_names[k], " on entry", NULL);
      rv_rig_variable (rig, name, t->start[k], o->start[k], 1);
    }
  rv_rig_variable (rig, "current of step [row]", t->current, o->current, t->steps);
}

static gboolean
prepare (RvRig *rig)
{
  const RvNeuronClass *class = rig->instance->plugin->functions;
  Tile *t = rig->own = g_new0 (Tile, 1);
  rv_check_smooth_neuron (rig->instance);
  t->v = class->variant (rig->instance->self);
  t->self = rig->instance->self;
  t->lanes = rig->lanes = rig->large ? 1024 : 2 * HALF;
  t->steps = rig->large ? 16 : STEPS;
  rig->work = (double)t->lanes * t->steps;
  rig->period = RV_LANES;
  const size_t all = (size_t)t->lanes * t->steps;
  if (t->v->params > RV_NEURON_MAX_PARAMS || t->v->states > RV_NEURON_MAX_STATES
      || t->v->membrane >= t->v->states)
    return FALSE;
  for (uint32_t k = 0; k < t->v->params; k++)
    fill_param (rig, t, k);
  for (uint32_t k = 0; k < t->v->states; k++)
    {
      t->start[k] = rv_rig_input (rig, t->v->state_names[k], t->lanes, 0.5f);
      t->end_weight[k] = rv_rig_input (rig, "state_gradient", t->lanes, 1.0f);
    }
  t->current = rv_rig_input (rig, "current", all, 0.8f);
  for (size_t k = 0; k < all; k++)
    t->current[k] += 0.3f; /* enough to fire now and then */
  t->spike_weight = rv_rig_input (rig, "spike_gradient", all, 1.0f);
  t->membrane_weight = rv_rig_input (rig, "membrane_gradient", all, 1.0f);
  t->zeros = rv_rig_input (rig, "slope", t->lanes, 0.0f);
  float **scratch[] = { &t->fired, &t->smooth, &t->slope, &t->moving };
  for (guint k = 0; k < G_N_ELEMENTS (scratch); k++)
    *scratch[k] = rv_arrays_add (rig->arrays, RV_SCRATCH, k == 2 ? "slope" : "spike", all);
  for (int k = 0; k < WAYS; k++)
    add_outs (rig, t, k);
  const Outs *o = t->outs;
  same (rig, t, "step by step", &o[WHOLE], &o[STEPS_1], 0.0);
  same (rig, t, "in pieces of lanes and steps", &o[WHOLE], &o[PIECES], 0.0);
  twin (rig, t, "without entry and membrane", "z", o[WHOLE].z, o[BARE].z, t->steps, 0.0);
  twin (rig, t, "by distance", "z", o[WHOLE].z, o[RECALLED].z, t->steps, 0.0);
  twin (rig, t, "with a static current", "z", o[MOVING].z, o[STILL].z, t->steps, 0.0);
  twin (rig, t, "with a static current", "current_gradient", o[MOVING].current, o[STILL].current, 1, 1e-5);
  twin (rig, t, "by the clone of a smaller instruction set", "z", o[WHOLE].z, o[CLONE].z, t->steps, 1e-4);
  twin (rig, t, "by the clone of a smaller instruction set", "current_gradient", o[WHOLE].current,
        o[CLONE].current, t->steps, 1e-4);
  add_variables (rig, t);
  return TRUE;
}

static void
hot (RvRig *rig)
{
  const Tile *t = rig->own;
  const RvNeuronKernels *kernels = &t->v->kernels[rv_isa ()];
  const Call all = { .isa = rv_isa (), .lanes = t->lanes, .to = t->steps };
  begin (t, &t->outs[WHOLE]);
  forward (t, &t->outs[WHOLE], all, kernels->forward);
  distance (t, &t->outs[WHOLE], all);
  backward (t, &t->outs[WHOLE], all, FALSE);
}

/* A current that does not change, as rows and as one; the gradients of the rows are added up in the first. */
static void
run_still (Tile *t, Call all)
{
  float *moving = t->current;
  t->current = t->moving;
  for (uint32_t s = 0; s < t->steps; s++)
    memcpy (t->moving + s * t->lanes, moving, t->lanes * sizeof (float));
  for (int k = MOVING; k <= STILL; k++)
    {
      Outs *o = &t->outs[k];
      all.still = k == STILL;
      begin (t, o);
      memset (o->current, 0, (size_t)t->lanes * t->steps * sizeof (float));
      forward (t, o, all, t->v->kernels[all.isa].forward);
      backward (t, o, all, FALSE);
    }
  for (size_t k = t->lanes; k < (size_t)t->lanes * t->steps; k++)
    t->outs[MOVING].current[k % t->lanes] += t->outs[MOVING].current[k];
  t->current = moving;
}

static void
run (RvRig *rig)
{
  Tile *t = rig->own;
  const RvNeuronKernels *kernels = &t->v->kernels[rv_isa ()];
  const Call all = { .isa = rv_isa (), .lanes = t->lanes, .to = t->steps };
  Outs *o = t->outs;
  for (size_t k = 0; k < (size_t)t->lanes * t->steps; k++)
    t->slope[k] = 0.2f + 0.1f * (float)(k % 7);
  hot (rig);
  begin (t, &o[STEPS_1]);
  step_by_step (t, &o[STEPS_1], all, FALSE, t->fired, NULL);
  Call fired = all;
  fired.spike = t->v->fires ? t->fired : NULL;
  backward (t, &o[STEPS_1], fired, FALSE);
  begin (t, &o[PIECES]);
  for (int k = 0; k < 4; k++)
    {
      const Call piece = { all.isa, k % 2 * HALF, HALF, k / 2 * 2, k / 2 ? STEPS : 2 };
      forward (t, &o[PIECES], piece, kernels->forward);
    }
  for (int k = 0; k < 4; k++)
    {
      const Call piece = { all.isa, k % 2 * HALF, HALF, k / 2 ? 0 : 2, k / 2 ? 2 : STEPS };
      backward (t, &o[PIECES], piece, FALSE);
    }
  begin (t, &o[BARE]);
  Call bare = all;
  bare.bare = TRUE;
  forward (t, &o[BARE], bare, kernels->forward);
  run_still (t, all);
  for (uint32_t k = 0; k < t->v->states; k++)
    for (int to = RECALLED; to <= CLONE; to += CLONE - RECALLED)
      memcpy (o[to].entry[k], o[WHOLE].entry[k], (size_t)t->lanes * t->steps * sizeof (float));
  distance (t, &o[RECALLED], all);
  for (fired.isa = 0; fired.isa < MAX (rv_isa (), 1); fired.isa++)
    {
      begin (t, &o[CLONE]);
      distance (t, &o[CLONE], fired);
      backward (t, &o[CLONE], fired, FALSE);
    }
}

/* ---- L = sum of weights times spikes, membranes and the last state, in the relaxed network */

static void
run_smooth (const Tile *t, float *spike)
{
  Call half = { .isa = rv_isa (), .lanes = HALF };
  for (uint32_t k = 0; k < t->v->states; k++)
    memcpy (t->outs[SMOOTH].state[k], t->start[k], t->lanes * sizeof (float));
  step_by_step (t, &t->outs[SMOOTH], half, TRUE, spike, NULL);
  half.lane = HALF; /* detached: to the reset the spikes are numbers */
  step_by_step (t, &t->outs[SMOOTH], half, TRUE, spike, spike == t->smooth ? NULL : t->smooth);
}

static void
price (RvRig *rig, double *loss)
{
  const Tile *t = rig->own;
  const Outs *o = &t->outs[SMOOTH];
  run_smooth (t, t->moving);
  for (uint32_t l = 0; l < t->lanes; l++)
    {
      loss[l] = 0.0;
      for (uint32_t at = l; at < t->lanes * t->steps; at += t->lanes)
        loss[l] += (double)t->membrane_weight[at] * o->membrane[at]
                   + (t->v->fires ? (double)t->spike_weight[at] * t->moving[at] : 0.0);
      for (uint32_t k = 0; k < t->v->states; k++)
        loss[l] += (double)t->end_weight[k][l] * o->state[k][l];
    }
}

static void
differentiate (RvRig *rig)
{
  const Tile *t = rig->own;
  Call half = { .isa = rv_isa (), .lanes = HALF, .to = t->steps };
  begin (t, &t->outs[SMOOTH]);
  run_smooth (t, t->smooth);
  rv_check_smooth_class.slope[0](NULL, t->outs[SMOOTH].z, t->slope, t->lanes * t->steps);
  half.spike = t->v->fires ? t->smooth : NULL;
  backward (t, &t->outs[SMOOTH], half, FALSE);
  half.lane = HALF;
  backward (t, &t->outs[SMOOTH], half, TRUE);
}

/* A current that is NaN must be seen in the end, or training would go on with what it made. */
static char *
judge (RvRig *rig, const char *spoiled)
{
  const Tile *t = rig->own;
  const size_t last = (size_t)(t->steps - 1) * t->lanes;
  if (g_strcmp0 (spoiled, "current") != 0 || isnan (t->outs[WHOLE].z[last])
      || isnan (t->outs[WHOLE].membrane[last]))
    return NULL;
  return g_strdup_printf ("a current of NaN is swallowed: after %u steps z is %g and the membrane %g",
                          t->steps, t->outs[WHOLE].z[last], t->outs[WHOLE].membrane[last]);
}

const RvSubject rv_subject_neuron = { .prepare = prepare,
                                      .run = run,
                                      .hot = hot,
                                      .unit = "ns per neuron and step, forward and backward",
                                      .price = price,
                                      .differentiate = differentiate,
                                      .judge = judge };
