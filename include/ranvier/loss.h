/** @file
 * Kind `loss`: the price of one decision. */
#ifndef RANVIER_LOSS_H
#define RANVIER_LOSS_H

#include <ranvier/plugin.h>

G_BEGIN_DECLS

/** The functions of a loss. */
typedef struct
{
  /** The loss of scores [classes] given the true class; writes dL/dscores [classes] unless `gradient` is
   * NULL. Any worker. */
  double (*value) (const void *self, uint32_t classes, const float *scores, uint32_t label, float *gradient);
} RvLossClass;

G_END_DECLS

#endif
