/* Calls a function that is nowhere; built without -z defs, which would have told. */
#include "loss.h"

extern double rv_test_nowhere (void);

static double
call (const void *self, uint32_t classes, const float *scores, uint32_t label, float *gradient)
{
  return rv_test_nowhere ();
}

static const RvLossClass calls = { .value = call };

RV_PLUGIN ("loss", "unresolved") SAYS, RV_FUNCTIONS (calls) };
