/* Says that its descriptor ends before the functions. */
#include "loss.h"

RV_EXPORT extern const RvPlugin rv_plugin;
const RvPlugin rv_plugin = { .size = 40, .abi_major = RV_ABI_MAJOR, .abi_minor = RV_ABI_MINOR, .kind = "loss",
                             .name = "small-descriptor", SAYS, RV_FUNCTIONS (class) };
