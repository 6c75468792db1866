/* The kinds of plugins, and whether a descriptor keeps the contract of its kind. */
#ifndef RV_DESCRIPTOR_H
#define RV_DESCRIPTOR_H

#include <ranvier/plugin.h>

/* All kinds, NULL-terminated. */
const char *const *rv_registry_kinds (void);
/* Whether plugins of `kind` stand at the top level of a pipeline. */
gboolean rv_kind_is_node (const char *kind);
/* Whether `text` is letters, digits and `others`, a letter first. */
gboolean rv_is_word (const char *text, const char *others);

/* Bytes of the field that an entry fills; 0 for a type that there is not. */
gsize rv_param_size (RvParamType type);

/* Why a descriptor found in the file of plugin `kind`/`name` can not be used, owned; or NULL. */
char *rv_descriptor_check (const RvPlugin *plugin, const char *kind, const char *name);

/* The core's copy of a descriptor that was checked: both structs are as long as the core's own, with zeros
 * for what the plugin's minor did not have. Never freed, as plugins never leave. */
const RvPlugin *rv_descriptor_copy (const RvPlugin *plugin);

#endif
