/** @file
 * The descriptor: the one symbol that a plugin exports, a constant that can be read without running its
 * code. */
#ifndef RANVIER_PLUGIN_H
#define RANVIER_PLUGIN_H

#include <ranvier/param.h>

G_BEGIN_DECLS

/** The descriptor of a plugin. What plugins and core see of a loaded one is the core's copy, as long as the
 * core's own structs, with zeros where an older plugin has nothing: an optional function that is NULL is not
 * there. */
struct RvPlugin
{
  uint32_t size;         /**< sizeof (RvPlugin) when the plugin was built */
  uint16_t abi_major;    /**< RV_ABI_MAJOR when the plugin was built */
  uint16_t abi_minor;    /**< RV_ABI_MINOR when the plugin was built */
  const char *kind;      /**< "neuron" */
  const char *name;      /**< "lif"; the file is neuron-lif.so */
  const char *version;   /**< its own */
  const char *licence;   /**< SPDX */
  const char *doc;       /**< one line */
  const char *citation;  /**< where the method comes from, or NULL */
  const RvParam *params; /**< ends with RV_PARAM_END; NULL: no parameters */
  uint32_t params_size;  /**< of the struct that the table fills and the plugin may add to; may be 0 */

  /** Called on the main thread once the struct is filled: checks that span several parameters, derived
   * values. May be NULL. A GError must not name the plugin or the place, which the core puts before it. */
  gboolean (*init) (void *self, GError **error);

  /** Frees what init and the other functions allocated, never what the table filled. May be NULL. */
  void (*clear) (void *self);

  /** The functions of the kind, RvNodeClass, RvLayerClass, RvNeuronClass, ...: write RV_FUNCTIONS (class). */
  const void *functions;
  /** The size of that struct when the plugin was built. */
  uint32_t functions_size;
};

/** Opens the definition of the descriptor: RV_PLUGIN ("surrogate", "arctan") .doc = "...",
 * RV_FUNCTIONS (class) }; */
#define RV_PLUGIN(KIND, NAME)                                                                                \
  RV_EXPORT extern const RvPlugin rv_plugin;                                                                 \
  const RvPlugin rv_plugin = { .size = sizeof (RvPlugin), .abi_major = RV_ABI_MAJOR,                         \
                               .abi_minor = RV_ABI_MINOR, .kind = KIND, .name = NAME,

/** In a descriptor: the functions, a constant of the kind's class. */
#define RV_FUNCTIONS(class) .functions = &(class), .functions_size = sizeof (class)

G_END_DECLS

#endif
