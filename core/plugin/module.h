/* One plugin file: its name, what is wrong with it, the module in it. */
#ifndef RV_MODULE_H
#define RV_MODULE_H

#include <ranvier/plugin.h>

/* "neuron-lif.so", owned. */
char *rv_module_base (const char *kind, const char *name);
/* The other way for any path that ends in such a name; FALSE if it does not. */
gboolean rv_module_split (const char *file, char **kind, char **name);

/* Opens `file` for ever and judges it: the core's copy of the descriptor, or NULL and why, owned. `hash`,
 * owned, may be NULL: the SHA-256 of the file. Runs code of the plugin (constructors). */
const RvPlugin *rv_module_open (const char *file, char **hash, char **why);

#endif
