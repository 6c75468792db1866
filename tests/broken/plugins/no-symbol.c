/* Exports nothing: somebody forgot the descriptor. */
#include "loss.h"

RV_EXPORT extern const RvLossClass *rv_not_plugin (void);

const RvLossClass *
rv_not_plugin (void)
{
  return &class;
}
