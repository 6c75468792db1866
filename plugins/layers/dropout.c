/* layer/dropout: while the network is trained, places of the input that are zero for a whole sample, at
 * all of its steps; what stays is divided by 1 - share. */
#include <ranvier/ranvier.h>

typedef struct
{
  double share;
} Dropout;

static RvHandle
declare (void *self, RvLayerBuild *build, RvHandle in, GError **error)
{
  const Dropout *dropout = self;
  return rv_grid_drop (build, in, dropout->share, error);
}

static const RvParam params[] = {
  RV_REAL (Dropout, share, "0.5", 0, 0.999999, "", "Probability that a place is zero"),
  RV_PARAM_END
};

static const RvLayerClass class = { .declare = declare };

RV_PLUGIN ("layer", "dropout")
  .version = "1.0",
  .licence = "LGPL-2.1-or-later",
  .doc = "Places that are zero while the network is trained",
  .citation = "Srivastava et al. 2014",
  .params = params,
  .params_size = sizeof (Dropout),
  RV_FUNCTIONS (class),
};
