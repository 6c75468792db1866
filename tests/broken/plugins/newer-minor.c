/* Built with headers that are newer than the program. */
#include "loss.h"

RV_EXPORT extern const RvPlugin rv_plugin;
const RvPlugin rv_plugin = { .size = sizeof (RvPlugin) + 8,
                             .abi_major = RV_ABI_MAJOR,
                             .abi_minor = RV_ABI_MINOR + 1,
                             .kind = "loss",
                             .name = "newer-minor",
                             SAYS,
                             RV_FUNCTIONS (class) };
