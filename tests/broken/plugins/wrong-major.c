/* Built for the ABI after this one, where nothing behind the version need be what it is here. */
#include <ranvier/base.h>

RV_EXPORT extern const struct { uint32_t size; uint16_t abi_major, abi_minor; } rv_plugin;
const __typeof__ (rv_plugin) rv_plugin = { 7, RV_ABI_MAJOR + 1, 3 };
