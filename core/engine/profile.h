/* Where the time of training goes: seconds, bytes and operations of each layer and phase, counted by the
 * workers themselves while a model is profiled. */
#ifndef RV_PROFILE_H
#define RV_PROFILE_H

#include <ranvier/base.h>
#include <time.h>

typedef enum
{
  RV_PHASE_PROJECTION, /* currents of the input */
  RV_PHASE_RECURRENCE, /* currents of the layer's own spikes */
  RV_PHASE_NEURONS,    /* forward, with the lists of spikes */
  RV_PHASE_DOWN,       /* dL/dspike through the weights above, and through the recurrent ones */
  RV_PHASE_ADJOINT,    /* of the neurons */
  RV_PHASE_WEIGHTS,    /* gradients of weights and biases */
  RV_PHASE_READING,    /* recordings, merged into tiles; of the network, as what follows */
  RV_PHASE_JUDGING,    /* decoder and loss */
  RV_PHASE_SUMS,       /* of accumulators, clipping, and the optimizer */
  RV_PHASES
} RvPhase;

/* What a phase took; bytes are those of weights, states and gradients that a sparse phase reads or adds
 * to. */
typedef struct
{
  double seconds, bytes, operations;
} RvSpent;

/* NULL is a profile that is off. */
static inline double
rv_spent_begin (const RvSpent *spent)
{
  struct timespec now;
  if (!spent)
    return 0.0;
  clock_gettime (CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static inline void
rv_spent_end (RvSpent *spent, RvPhase phase, double began, double bytes, double operations)
{
  if (!spent)
    return;
  spent[phase].seconds += rv_spent_begin (spent) - began;
  spent[phase].bytes += bytes;
  spent[phase].operations += operations;
}

#endif
