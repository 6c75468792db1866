/** @file
 * Kind `surrogate`: what stands for the derivative of the step function in the backward pass. */
#ifndef RANVIER_SURROGATE_H
#define RANVIER_SURROGATE_H

#include <ranvier/clones.h>
#include <ranvier/plugin.h>

G_BEGIN_DECLS

/** The functions of a surrogate. */
typedef struct
{
  /** slope[k] = h (z[k]), k < n, with z = membrane - threshold. Any worker; n is a multiple of RV_LANES, both
   * arrays are aligned to RV_ALIGN and may be the same. One clone for each instruction set, see RV_CLONES;
   * those that were not built repeat the next smaller one. */
  void (*slope[RV_ISA_ROOM]) (const void *self, const float *z, float *slope, uint32_t n);

  /** The relaxed step: spike[k] = the integral of h from -infinity (or from 0 up to a constant) to z[k], so
   * that slope is its exact derivative. Used by checks only, where gradients are compared with finite
   * differences. Any worker. */
  void (*fire) (const void *self, const float *z, float *spike, uint32_t n);
} RvSurrogateClass;

G_END_DECLS

#endif
