/* A model as a recipe, from which the network can be built again without the node that trained it. */
#ifndef RV_REVIVE_H
#define RV_REVIVE_H

#include <ranvier/engine.h>

/* The plugins of the network with all their parameters, and its seed; floating. Main thread, as the other. */
GVariant *rv_model_recipe (const RvModel *model);

/* Builds the network of a recipe for data like `spec` and takes its parameters from the checkpoint at
 * `path`. The caller owns the model; NULL with an error. */
RvModel *rv_model_revive (GVariant *recipe, const RvDatasetSpec *spec, const char *path, GError **error);

#endif
