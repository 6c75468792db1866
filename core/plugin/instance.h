/* An instance before it is handed out: params.c fills what instance.c makes and gives back. Main thread. */
#ifndef RV_INSTANCE_H
#define RV_INSTANCE_H

#include "base/value.h"
#include <ranvier/plugin.h>

/* A new instance whose struct is zero. Caller owns. */
RvInstance *rv_instance_blank (const RvPlugin *plugin, const char *path);
/* The struct is filled and init comes next, so that clear must be called at the end. `resolved` is copied; may be
 * NULL. */
void rv_instance_begin (RvInstance *instance, const RvValue *resolved);

#endif
