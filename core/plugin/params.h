/* From a map of a pipeline and a parameter table to a filled struct; and back to text. Main thread. */
#ifndef RV_PARAMS_H
#define RV_PARAMS_H

#include "base/value.h"
#include <ranvier/param.h>
#include <ranvier/plugin.h>

/* Resolves what a port is wired to: fills `port` for the text `reference` ("train", "fit.last"); FALSE
 * after adding a mistake. */
typedef struct
{
  gboolean (*port) (void *self, const RvParam *param, const RvValue *reference, RvPort *port,
                    RvMistakes *mistakes);
  void *self;
} RvPortResolver;

/* Makes an instance of kind `kind` from `value`: a name, or a map with `use:`. At the top level
 * (`is_node`) `use:` names the kind too and `kind` is NULL. `path` is the place inside the node ("" at the
 * top). The defaults fill what is not given. Mistakes are added, never raised; NULL if there was any, here
 * or in a slot. `resolver` may be NULL where there are no ports. The entries seen are appended to
 * `resolved` (a map, may be NULL) with dashes, defaults included and place of each, so that it is the
 * whole truth of what ran. */
RvInstance *rv_instance_new (const char *kind, gboolean is_node, const RvValue *value, const char *path,
                             const RvPortResolver *resolver, RvValue *resolved, RvMistakes *mistakes);

/* The same for a plugin that is at hand: a value with its own parameters, whose `use:` is not looked at. */
RvInstance *rv_instance_fill (const RvPlugin *plugin, const RvValue *value, const char *path,
                              const RvPortResolver *resolver, RvValue *resolved, RvMistakes *mistakes);

/* What `resolved` held when the instance was made, borrowed: rv_instance_new of it makes an equal one. NULL if
 * nobody asked for it. */
const RvValue *rv_instance_resolved (const RvInstance *instance);

/* "leak" for the C name "leak", "input-gain" for "input_gain". Caller owns. */
char *rv_param_name (const RvParam *param);
/* The type as a reader knows it: "real", "choice of hard, soft, none", "plugin of kind surrogate". Caller
 * owns. */
char *rv_param_type_text (const RvParam *param);
/* The range with its unit: "from 0 to 1 Hz", "at least 1", or "". Caller owns. */
char *rv_param_range_text (const RvParam *param);

#endif
