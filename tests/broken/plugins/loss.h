/* A loss that keeps the contract, up to its descriptor. Each file here includes it and breaks one rule;
 * each is built as loss-NAME.so after its file, for the tests alone. */
#include <ranvier/ranvier.h>

static double
value (const void *self, uint32_t classes, const float *scores, uint32_t label, float *gradient)
{
  return 0.0;
}

static const RvLossClass class = { .value = value };

#define SAYS .version = "1.0", .licence = "LGPL-2.1-or-later", .doc = "Breaks a rule"
