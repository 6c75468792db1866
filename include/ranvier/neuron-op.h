/** @file
 * Makes the vectorised tile kernels of a neuron from its four functions, inside the plugin's own
 * translation unit. Include it last, after
 *
 * @code{.c}
 *   RV_FN float integrate (const Param *p, State *x, float i);     advances x; returns membrane - threshold
 *   RV_FN void  reset (const Param *p, State *x, float spike);   spike is in [0, 1]: u *= 1 - spike, no `if`
 *   RV_FN float reset_adjoint (const Param *p, const State *x, float spike, State *gx, Param *gp);
 *   RV_FN float integrate_adjoint (const Param *p, const State *x, float i, float gz, State *gx, Param *gp);
 * @endcode
 *
 * reset_adjoint sees the state after integrate and before reset, turns gx from "after reset" into "before
 * reset" and returns dL/dspike. integrate_adjoint sees the state on entry, turns gx into "on entry" and
 * returns dL/di. Both add to the TRAINABLE fields of gp. A neuron with RV_NEURON_GRADED leaves out reset
 * and reset_adjoint.
 *
 * It leaves behind RV_NEURON_ID (variant), a RvNeuronVariant; RV_NEURON_ID (table), a parameter table;
 * and, unless RV_NEURON_NO_CLASS is defined, RV_NEURON_ID (class). RV_NEURON_ID and the macros of the
 * tables stay defined: whoever makes a second variant undefines RV_NEURON, RV_NEURON_STATES and so on
 * first. Copies of the kernels are compiled for x86-64-v4, v3 and the baseline. Build with the pkg-config
 * variable kernel_cflags. */

/** @cond */
#ifndef RV_NEURON_MEMBRANE
#define RV_NEURON_MEMBRANE u
#endif

#ifdef RV_NEURON_GRADED
#undef reset
#undef reset_adjoint
#define reset(p, x, spike)                 ((void) (spike))
#define reset_adjoint(p, x, spike, gx, gp) (0.0f)
#endif

/* What is done for each state. */
#define RV_NEURON_S_INDEX(name)   RV_NEURON_ID (state_##name),
#define RV_NEURON_S_NAME(name)    #name,
#define RV_NEURON_S_POINTER(name) float *state_##name = run->state[RV_NEURON_ID (state_##name)];
#define RV_NEURON_S_ENTRY(name)                                                                              \
  float *entry_##name = record ? run->entry[RV_NEURON_ID (state_##name)] + row : NULL;
#define RV_NEURON_S_RECALLED(name) const float *entry_##name = run->entry[RV_NEURON_ID (state_##name)] + row;
#define RV_NEURON_S_LOAD(name)     x.name = state_##name[l];
#define RV_NEURON_S_STORE(name)    state_##name[l] = x.name;
#define RV_NEURON_S_RECORD(name)   entry_##name[l] = x.name;
#define RV_NEURON_S_RECALL(name)   x.name = entry_##name[l];
#define RV_NEURON_S_COPY(name)     v.name = x.name;
#define RV_NEURON_S_GRADIENT(name) float *gradient_##name = run->state_gradient[RV_NEURON_ID (state_##name)];
#define RV_NEURON_S_LOAD_G(name)   gx.name = gradient_##name[l];
#define RV_NEURON_S_STORE_G(name)  gradient_##name[l] = gx.name;

/* What is done for each parameter, by type: TRAINABLE has a number per lane, the others one for all. */
#define RV_NEURON_IF_TRAINABLE(what, name) what (name)
#define RV_NEURON_IF_REAL(what, name)
#define RV_NEURON_IF_BOOL(what, name)
#define RV_NEURON_IF_CHOICE(what, name)
#define RV_NEURON_ALL_TRAINABLE(name)
#define RV_NEURON_ALL_REAL(name)   const float all_##name = (float) config->name;
#define RV_NEURON_ALL_BOOL(name)   const int all_##name = config->name;
#define RV_NEURON_ALL_CHOICE(name) const int all_##name = config->name;
#define RV_NEURON_GET_TRAINABLE(name) p.name = param_##name[l];
#define RV_NEURON_GET_REAL(name)      p.name = all_##name;
#define RV_NEURON_GET_BOOL(name)      p.name = all_##name;
#define RV_NEURON_GET_CHOICE(name)    p.name = all_##name;
#define RV_NEURON_1_INDEX(name)    RV_NEURON_ID (param_##name),
#define RV_NEURON_1_NAME(name)     #name,
#define RV_NEURON_1_OFFSET(name)   offsetof (Config, name),
#define RV_NEURON_1_POINTER(name)  const float *param_##name = run->param[RV_NEURON_ID (param_##name)];
#define RV_NEURON_1_GRADIENT(name)                                                                           \
  float *param_gradient_##name = learn ? run->param_gradient[RV_NEURON_ID (param_##name)] : NULL;
#define RV_NEURON_1_ADD(name)      param_gradient_##name[l] += gp.name;
#define RV_NEURON_P_INDEX(type, name, ...)    RV_NEURON_IF_##type (RV_NEURON_1_INDEX, name)
#define RV_NEURON_P_NAME(type, name, ...)     RV_NEURON_IF_##type (RV_NEURON_1_NAME, name)
#define RV_NEURON_P_OFFSET(type, name, ...)   RV_NEURON_IF_##type (RV_NEURON_1_OFFSET, name)
#define RV_NEURON_P_POINTER(type, name, ...)                                                                 \
  RV_NEURON_IF_##type (RV_NEURON_1_POINTER, name) RV_NEURON_ALL_##type (name)
#define RV_NEURON_P_LOAD(type, name, ...)     RV_NEURON_GET_##type (name)
#define RV_NEURON_P_GRADIENT(type, name, ...) RV_NEURON_IF_##type (RV_NEURON_1_GRADIENT, name)
#define RV_NEURON_P_ZERO(type, name, ...)     gp.name = 0; /* not all at once: there may be none */
#define RV_NEURON_P_ADD(type, name, ...)      RV_NEURON_IF_##type (RV_NEURON_1_ADD, name)
#define RV_NEURON_P_TABLE(type, name, ...)    RV_##type (Config, name, __VA_ARGS__),

enum
{
  RV_NEURON_STATES (RV_NEURON_S_INDEX) RV_NEURON_ID (state_count)
};

enum
{
  RV_NEURON_PARAMS (RV_NEURON_P_INDEX) RV_NEURON_ID (param_count)
};

/* ---- the bodies, inlined with constant flags into a clone for every instruction set */

RV_FN void
RV_NEURON_ID (forward_body) (const void *self, const RvNeuronForward *run, const int record,
                             const int membrane, const int fire)
{
  const Config *config = self;
  (void) config;
  RV_NEURON_PARAMS (RV_NEURON_P_POINTER)
  RV_NEURON_STATES (RV_NEURON_S_POINTER)
  for (uint32_t t = 0; t < run->steps; t++)
    {
      const size_t row = (size_t) t * run->stride;
      const float *current = run->current + (run->current_is_static ? 0 : row);
      float *z_row = run->z + row, *u_row = membrane ? run->membrane + row : NULL;
      RV_NEURON_STATES (RV_NEURON_S_ENTRY)
#pragma omp simd
      for (uint32_t l = 0; l < run->lanes; l++)
        {
          State x;
          Param p;
          RV_NEURON_PARAMS (RV_NEURON_P_LOAD)
          RV_NEURON_STATES (RV_NEURON_S_LOAD)
          if (record)
            {
              RV_NEURON_STATES (RV_NEURON_S_RECORD)
            }
          const float z = integrate (&p, &x, current[l]);
          z_row[l] = z;
          if (membrane)
            u_row[l] = x.RV_NEURON_MEMBRANE;
          if (fire)
            reset (&p, &x, z > 0.0f ? 1.0f : 0.0f);
          RV_NEURON_STATES (RV_NEURON_S_STORE)
        }
    }
}

RV_FN void
RV_NEURON_ID (forward_flags) (const void *self, const RvNeuronForward *run, const int fire)
{
  if (run->entry && run->membrane)
    RV_NEURON_ID (forward_body) (self, run, 1, 1, fire);
  else if (run->entry)
    RV_NEURON_ID (forward_body) (self, run, 1, 0, fire);
  else if (run->membrane)
    RV_NEURON_ID (forward_body) (self, run, 0, 1, fire);
  else
    RV_NEURON_ID (forward_body) (self, run, 0, 0, fire);
}

RV_FN void
RV_NEURON_ID (reset_body) (const void *self, const RvNeuronForward *run)
{
  const Config *config = self;
  (void) config;
  RV_NEURON_PARAMS (RV_NEURON_P_POINTER)
  RV_NEURON_STATES (RV_NEURON_S_POINTER)
#pragma omp simd
  for (uint32_t l = 0; l < run->lanes; l++)
    {
      State x;
      Param p;
      RV_NEURON_PARAMS (RV_NEURON_P_LOAD)
      RV_NEURON_STATES (RV_NEURON_S_LOAD)
      reset (&p, &x, run->spike[l]);
      (void) p;
      RV_NEURON_STATES (RV_NEURON_S_STORE)
    }
}

RV_FN void
RV_NEURON_ID (distance_body) (const void *self, const RvNeuronForward *run)
{
  const Config *config = self;
  (void) config;
  RV_NEURON_PARAMS (RV_NEURON_P_POINTER)
  for (uint32_t t = 0; t < run->steps; t++)
    {
      const size_t row = (size_t) t * run->stride;
      const float *current = run->current + (run->current_is_static ? 0 : row);
      float *z_row = run->z + row;
      RV_NEURON_STATES (RV_NEURON_S_RECALLED)
#pragma omp simd
      for (uint32_t l = 0; l < run->lanes; l++)
        {
          State x;
          Param p;
          RV_NEURON_PARAMS (RV_NEURON_P_LOAD)
          RV_NEURON_STATES (RV_NEURON_S_RECALL)
          z_row[l] = integrate (&p, &x, current[l]);
        }
    }
}

RV_FN void
RV_NEURON_ID (backward_body) (const void *self, const RvNeuronBackward *run, const int spikes,
                              const int membrane, const int relaxed, const int learn)
{
  const Config *config = self;
  (void) config;
  RV_NEURON_PARAMS (RV_NEURON_P_POINTER)
  RV_NEURON_PARAMS (RV_NEURON_P_GRADIENT)
  RV_NEURON_STATES (RV_NEURON_S_GRADIENT)
  const float attached = run->detach_reset ? 0.0f : 1.0f;
  const float keep = run->current_is_static ? 1.0f : 0.0f;
  (void) attached;
  for (uint32_t t = run->steps; t-- > 0;)
    {
      const size_t row = (size_t) t * run->stride, slope_row = (size_t) t * run->slope_stride;
      const float *current = run->current + (run->current_is_static ? 0 : row),
                  *slope = run->slope + slope_row;
      const float *gs_row = spikes ? run->spike_gradient + row : NULL;
      const float *gu_row = membrane ? run->membrane_gradient + row : NULL;
      const float *s_row = relaxed ? run->spike + slope_row : NULL;
      float *gi_row = run->current_gradient + (run->current_is_static ? 0 : row);
      RV_NEURON_STATES (RV_NEURON_S_RECALLED)
#pragma omp simd
      for (uint32_t l = 0; l < run->lanes; l++)
        {
          State x, gx;
          Param p, gp;
          RV_NEURON_PARAMS (RV_NEURON_P_ZERO)
          RV_NEURON_PARAMS (RV_NEURON_P_LOAD)
          RV_NEURON_STATES (RV_NEURON_S_RECALL)
          RV_NEURON_STATES (RV_NEURON_S_LOAD_G)
          State v; /* field by field: gcc makes no vectors of a copy of a struct of two floats */
          RV_NEURON_STATES (RV_NEURON_S_COPY)
          const float i = current[l], z = integrate (&p, &v, i);
          const float s = relaxed ? s_row[l] : (z > 0.0f ? 1.0f : 0.0f);
          float gs = attached * reset_adjoint (&p, &v, s, &gx, &gp);
          (void) s;
          gs += spikes ? gs_row[l] : 0.0f;
          gx.RV_NEURON_MEMBRANE += membrane ? gu_row[l] : 0.0f;
          const float gi = integrate_adjoint (&p, &x, i, gs * slope[l], &gx, &gp);
          gi_row[l] = keep != 0.0f ? gi_row[l] + gi : gi;
          RV_NEURON_STATES (RV_NEURON_S_STORE_G)
          if (learn)
            {
              RV_NEURON_PARAMS (RV_NEURON_P_ADD)
            }
        }
    }
}

/* Where gradients come from, and whether somebody learns: constants for the loop. */
RV_FN void
RV_NEURON_ID (backward_sources) (const void *self, const RvNeuronBackward *run, const int relaxed,
                                 const int learn)
{
  if (run->membrane_gradient && run->spike_gradient)
    RV_NEURON_ID (backward_body) (self, run, 1, 1, relaxed, learn);
  else if (run->membrane_gradient)
    RV_NEURON_ID (backward_body) (self, run, 0, 1, relaxed, learn);
  else if (run->spike_gradient)
    RV_NEURON_ID (backward_body) (self, run, 1, 0, relaxed, learn);
  else
    RV_NEURON_ID (backward_body) (self, run, 0, 0, relaxed, learn);
}

RV_FN void
RV_NEURON_ID (backward_flags) (const void *self, const RvNeuronBackward *run)
{
  if (run->spike)
    RV_NEURON_ID (backward_sources) (self, run, 1, run->param_gradient != NULL);
  else if (run->param_gradient)
    RV_NEURON_ID (backward_sources) (self, run, 0, 1);
  else
    RV_NEURON_ID (backward_sources) (self, run, 0, 0);
}

#define RV_NEURON_CLONE(isa, attributes)                                                                     \
  attributes static void RV_NEURON_ID (forward_##isa) (const void *self, const RvNeuronForward *run)         \
  {                                                                                                          \
    RV_NEURON_ID (forward_flags) (self, run, 1);                                                             \
  }                                                                                                          \
  attributes static void RV_NEURON_ID (integrate_##isa) (const void *self, const RvNeuronForward *run)       \
  {                                                                                                          \
    RV_NEURON_ID (forward_flags) (self, run, 0);                                                             \
  }                                                                                                          \
  attributes static void RV_NEURON_ID (reset_##isa) (const void *self, const RvNeuronForward *run)           \
  {                                                                                                          \
    RV_NEURON_ID (reset_body) (self, run);                                                                   \
  }                                                                                                          \
  attributes static void RV_NEURON_ID (distance_##isa) (const void *self, const RvNeuronForward *run)        \
  {                                                                                                          \
    RV_NEURON_ID (distance_body) (self, run);                                                                \
  }                                                                                                          \
  attributes static void RV_NEURON_ID (backward_##isa) (const void *self, const RvNeuronBackward *run)       \
  {                                                                                                          \
    RV_NEURON_ID (backward_flags) (self, run);                                                               \
  }
#define RV_NEURON_KERNELS(isa)                                                                               \
  { RV_NEURON_ID (forward_##isa), RV_NEURON_ID (integrate_##isa), RV_NEURON_ID (reset_##isa),                \
    RV_NEURON_ID (distance_##isa), RV_NEURON_ID (backward_##isa), { 0 } }

RV_NEURON_CLONE (baseline, )
#if defined(__x86_64__) && defined(__clang__)
RV_NEURON_CLONE (v3, __attribute__ ((target ("arch=x86-64-v3"))))
RV_NEURON_CLONE (v4, __attribute__ ((target ("arch=x86-64-v4"))))
#elif defined(__x86_64__)
RV_NEURON_CLONE (v3, __attribute__ ((target ("arch=x86-64-v3"))))
RV_NEURON_CLONE (v4, __attribute__ ((target ("arch=x86-64-v4,prefer-vector-width=512"))))
#endif

static const char *const RV_NEURON_ID (state_names)[] = { RV_NEURON_STATES (RV_NEURON_S_NAME) NULL };
static const char *const RV_NEURON_ID (param_names)[] = { RV_NEURON_PARAMS (RV_NEURON_P_NAME) NULL };
static const size_t RV_NEURON_ID (param_offsets)[] = { RV_NEURON_PARAMS (RV_NEURON_P_OFFSET) 0 };

static const RvNeuronVariant RV_NEURON_ID (variant) = {
  .states = RV_NEURON_ID (state_count),
  .state_names = RV_NEURON_ID (state_names),
  .membrane = RV_NEURON_CAT (RV_NEURON_ID (state), RV_NEURON_MEMBRANE),
  .params = RV_NEURON_ID (param_count),
  .param_names = RV_NEURON_ID (param_names),
  .param_offsets = RV_NEURON_ID (param_offsets),
#ifndef RV_NEURON_GRADED
  .fires = TRUE,
#endif
#ifdef __x86_64__
  .kernels = { RV_NEURON_KERNELS (baseline), RV_NEURON_KERNELS (v3), RV_NEURON_KERNELS (v4) },
#else
  .kernels = { RV_NEURON_KERNELS (baseline), RV_NEURON_KERNELS (baseline), RV_NEURON_KERNELS (baseline) },
#endif
};

__attribute__ ((unused)) static const RvParam RV_NEURON_ID (table)[] = {
  RV_NEURON_PARAMS (RV_NEURON_P_TABLE)
  { "start", RV_PARAM_CHOICE, offsetof (Config, common.start), "zero", 0, 0, "",
    "The membrane before the first step", rv_neuron_starts, NULL, RV_ARTEFACT_NONE, 0, { 0 } },
#ifndef RV_NEURON_GRADED
  { "surrogate", RV_PARAM_SLOT, offsetof (Config, common.surrogate), "rectangle", 0, 0, "",
    "What stands for the derivative of the spike", NULL, "surrogate", RV_ARTEFACT_NONE, 0, { 0 } },
  { "detach_reset", RV_PARAM_BOOL, offsetof (Config, common.detach_reset), "no", 0, 0, "",
    "No gradient through the spike of the reset", NULL, NULL, RV_ARTEFACT_NONE, 0, { 0 } },
#endif
  RV_PARAM_END
};

#ifndef RV_NEURON_NO_CLASS
static const RvNeuronVariant *
RV_NEURON_ID (get_variant) (const void *self)
{
  (void) self;
  return &RV_NEURON_ID (variant);
}

static const RvNeuronClass RV_NEURON_ID (class) = { RV_NEURON_ID (get_variant), offsetof (Config, common) };
#endif

#undef Config
#undef Param
#undef State
#undef integrate
#undef reset
#undef reset_adjoint
#undef integrate_adjoint
#undef RV_NEURON_CLONE
#undef RV_NEURON_KERNELS
/** @endcond */
