/* layer/flatten: channels, rows and columns become units in a row, as layer/dense takes them anyway: for
 * networks that are written down as elsewhere. */
#include <ranvier/ranvier.h>

typedef struct
{
  int unused;
} Flatten;

static RvHandle
declare (void *self, RvLayerBuild *build, RvHandle in, GError **error)
{
  (void) self;
  return rv_grid_flatten (build, in, error);
}

static const RvParam params[] = { RV_PARAM_END };

static const RvLayerClass class = { .declare = declare };

RV_PLUGIN ("layer", "flatten")
  .version = "1.0",
  .licence = "LGPL-2.1-or-later",
  .doc = "Channels, rows and columns as units in a row",
  .params = params,
  .params_size = sizeof (Flatten),
  RV_FUNCTIONS (class),
};
