/** @file
 * From two small tables, makes the types that a neuron's functions work on. Include it after the tables
 * and before the functions; neuron-op.h comes last. (No include guard: a plugin may have several
 * variants.)
 *
 * @code{.c}
 *   #define RV_NEURON_STATES(S) S (u)            the first state is the membrane
 *   #define RV_NEURON_PARAMS(P)                                                                            \
 *     P (TRAINABLE, leak, "0.9", 0, 1, "", "Share of the membrane kept from step to step", flags)          \
 *     P (CHOICE, reset, "hard", resets, "What a spike does to the membrane")
 * @endcode
 *
 * Types of parameters: TRAINABLE, REAL, BOOL, CHOICE, with the arguments of RV_TRAINABLE, RV_REAL, ... of
 * param.h. Made are: Config (the struct that the parameter table fills), Param (what the functions read: a
 * float for each TRAINABLE and REAL, an int for each BOOL and CHOICE) and State (a float for each state).
 * Optional, before including: RV_NEURON (a prefix, where a file has several variants), RV_NEURON_GRADED (a
 * neuron that never fires and hands on its membrane; its integrate returns any number). */
#include <ranvier/neuron.h>

/** @cond */
#ifndef RV_NEURON
#define RV_NEURON rv_neuron
#endif

#define RV_NEURON_CAT2(a, b) a##_##b
#define RV_NEURON_CAT(a, b)  RV_NEURON_CAT2 (a, b)
#define RV_NEURON_ID(x)      RV_NEURON_CAT (RV_NEURON, x)

#define Config            RV_NEURON_ID (Config)
#define Param             RV_NEURON_ID (Param)
#define State             RV_NEURON_ID (State)
/* With arguments, so that a parameter may be called `reset` too. */
#define integrate(...)         RV_NEURON_ID (integrate) (__VA_ARGS__)
#define reset(...)             RV_NEURON_ID (reset) (__VA_ARGS__)
#define reset_adjoint(...)     RV_NEURON_ID (reset_adjoint) (__VA_ARGS__)
#define integrate_adjoint(...) RV_NEURON_ID (integrate_adjoint) (__VA_ARGS__)

#define RV_NEURON_C_TRAINABLE RvTrainable
#define RV_NEURON_C_REAL      double
#define RV_NEURON_C_BOOL      gboolean
#define RV_NEURON_C_CHOICE    int
#define RV_NEURON_P_TRAINABLE float
#define RV_NEURON_P_REAL      float
#define RV_NEURON_P_BOOL      int
#define RV_NEURON_P_CHOICE    int

#define RV_NEURON_C_FIELD(type, name, ...) RV_NEURON_C_##type name;
#define RV_NEURON_P_FIELD(type, name, ...) RV_NEURON_P_##type name;
#define RV_NEURON_S_FIELD(name)            float name;

typedef struct
{
  RvNeuronCommon common;
  RV_NEURON_PARAMS (RV_NEURON_C_FIELD)
} Config;

typedef struct
{
  RV_NEURON_PARAMS (RV_NEURON_P_FIELD)
} Param;

typedef struct
{
  RV_NEURON_STATES (RV_NEURON_S_FIELD)
} State;
/** @endcond */
