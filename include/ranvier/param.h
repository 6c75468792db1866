/** @file
 * The parameter table: one constant array per plugin that fills a plain C struct and drives everything else,
 * checks, `ranvier inspect`, the reference pages. A C name with underscores is written with dashes in a
 * pipeline. */
#ifndef RANVIER_PARAM_H
#define RANVIER_PARAM_H

#include <ranvier/base.h>
#include <ranvier/random.h>
#include <stddef.h>

G_BEGIN_DECLS

/** Type of an entry, and of the field that it fills. */
typedef enum
{
  RV_PARAM_BOOL,      /**< gboolean */
  RV_PARAM_INT,       /**< int64_t */
  RV_PARAM_REAL,      /**< double */
  RV_PARAM_CHOICE,    /**< int: index into `choices` */
  RV_PARAM_TEXT,      /**< char *, owned by the instance */
  RV_PARAM_PATH,      /**< char *, owned by the instance; relative to the pipeline file */
  RV_PARAM_DURATION,  /**< double, seconds; written `3 ms` */
  RV_PARAM_INTS,      /**< RvInts */
  RV_PARAM_REALS,     /**< RvReals */
  RV_PARAM_TEXTS,     /**< char **, NULL-terminated, owned by the instance */
  RV_PARAM_REAL_MAP,  /**< RvRealMap: name to number */
  RV_PARAM_TRAINABLE, /**< RvTrainable */
  RV_PARAM_SLOT,      /**< RvInstance *: a plugin of kind `slot` */
  RV_PARAM_SLOTS,     /**< RvInstances: a list of plugins of kind `slot` */
  RV_PARAM_PORT,      /**< RvPort */
  RV_PARAM_PORTS      /**< RvPorts: one or many */
} RvParamType;

/** Flags of an entry. */
enum
{
  RV_PARAM_REQUIRED = 1 << 0,     /**< must be given */
  RV_PARAM_UNIT_INTERVAL = 1 << 1, /**< trainable: learned through a sigmoid, stays within (0, 1) */
  RV_PARAM_NESTED = 1 << 2 /**< map: an entry may be a map itself; its names come as "outer/inner" */
};

/** A list of integers, owned by the instance. */
typedef struct
{
  uint32_t n;     /**< how many */
  int64_t *items; /**< [n] */
} RvInts;

/** A list of reals, owned by the instance. */
typedef struct
{
  uint32_t n;    /**< how many */
  double *items; /**< [n] */
} RvReals;

/** Numbers by name, owned by the instance. */
typedef struct
{
  uint32_t n;     /**< how many */
  char **names;   /**< [n], in the order of the pipeline */
  double *values; /**< [n] */
} RvRealMap;

/** Where the numbers of a tensor come from: `0.5`, `uniform(a, b)`, `normal(mean, sd)`, `sigmoid(...)` of
 * these. */
typedef struct
{
  /** How they are drawn. */
  enum
  {
    RV_DRAW_CONSTANT, /**< `a` */
    RV_DRAW_UNIFORM,  /**< between `a` and `b` */
    RV_DRAW_NORMAL    /**< mean `a`, standard deviation `b` */
  } type;             /**< how they are drawn */
  double a;           /**< see `type` */
  double b;           /**< see `type` */
  gboolean sigmoid;   /**< the logistic function of what was drawn */
} RvDraw;

/** A number of a neuron that may be fixed or learned. */
typedef struct
{
  /** Whether it is learned. */
  enum
  {
    RV_TRAIN_FIXED,       /**< it stays what it is */
    RV_TRAIN_PER_NEURON,  /**< each neuron learns its own */
    RV_TRAIN_SHARED       /**< one for the layer is learned */
  } mode;                 /**< whether it is learned */
  RvDraw initial;         /**< fixed: a constant */
  double rate;            /**< learning rate of its own; 0: the optimizer's */
  gboolean unit_interval; /**< the raw parameter goes through a sigmoid */
  RV_RESERVED (2);
} RvTrainable;

/** See plugin.h. */
typedef struct RvPlugin RvPlugin;

/** A plugin with its filled struct. Reference-counted; models keep the instances they run. */
typedef struct
{
  const RvPlugin *plugin; /**< borrowed: plugins are never unloaded */
  void *self;             /**< the struct that the table filled, as the functions get it */
  /** Inside the node, for instance "network.0.neuron": part of the key of its random streams. */
  char *path;
} RvInstance;

/** A list of plugins, owned by the instance. */
typedef struct
{
  uint32_t n;         /**< how many */
  RvInstance **items; /**< [n] */
} RvInstances;

/** What nodes hand on. */
typedef enum
{
  RV_ARTEFACT_NONE,
  RV_ARTEFACT_DATASET,
  RV_ARTEFACT_MODEL,
  RV_ARTEFACT_TABLE,
  RV_ARTEFACT_FIGURE
} RvArtefactKind;

/** What the graph wired to a port. */
typedef struct RvPortValue RvPortValue;
/** An input of a node: see node.h for its use. */
typedef struct
{
  RvPortValue *value; /**< NULL: not wired */
} RvPort;

/** An input of a node that takes several artefacts. */
typedef struct
{
  uint32_t n;    /**< how many */
  RvPort *items; /**< [n] */
} RvPorts;

/** An entry of the table. */
typedef struct
{
  const char *name;           /**< as in C */
  RvParamType type;           /**< of the entry and of the field */
  size_t offset;              /**< of the field in the struct */
  const char *default_value;  /**< as it would stand in a pipeline; NULL: none */
  double minimum;             /**< numbers; for lists and trainables of each entry */
  double maximum;             /**< likewise */
  const char *unit;           /**< "", "s", "Hz", ... */
  const char *doc;            /**< one line */
  const char *const *choices; /**< choice: NULL-terminated */
  const char *slot;           /**< slots: the kind */
  RvArtefactKind artefact;    /**< ports */
  uint32_t flags;             /**< RV_PARAM_REQUIRED, ... */
  RV_RESERVED (2);
} RvParam;

/** No bound. */
#define RV_INF (__builtin_inf ())

/** @name Entries
 * One for each type: the struct, its field, and, where the type has them, the default as it would stand in a
 * pipeline, the least and the largest value, the unit, the doc and flags.
 * @{ */
/** An entry of this type. */
#define RV_BOOL(S, f, def, d)                                                                                \
  { #f, RV_PARAM_BOOL, offsetof (S, f), def, 0, 0, "", d, NULL, NULL, RV_ARTEFACT_NONE, 0, { 0 } }
#define RV_INT(S, f, def, lo, hi, u, d)                                                                      \
  { #f, RV_PARAM_INT, offsetof (S, f), def, lo, hi, u, d, NULL, NULL, RV_ARTEFACT_NONE, 0, { 0 } }
#define RV_REAL(S, f, def, lo, hi, u, d)                                                                     \
  { #f, RV_PARAM_REAL, offsetof (S, f), def, lo, hi, u, d, NULL, NULL, RV_ARTEFACT_NONE, 0, { 0 } }
#define RV_CHOICE(S, f, def, list, d)                                                                        \
  { #f, RV_PARAM_CHOICE, offsetof (S, f), def, 0, 0, "", d, list, NULL, RV_ARTEFACT_NONE, 0, { 0 } }
#define RV_TEXT(S, f, def, d)                                                                                \
  { #f, RV_PARAM_TEXT, offsetof (S, f), def, 0, 0, "", d, NULL, NULL, RV_ARTEFACT_NONE, 0, { 0 } }
#define RV_PATH(S, f, def, d)                                                                                \
  { #f, RV_PARAM_PATH, offsetof (S, f), def, 0, 0, "", d, NULL, NULL, RV_ARTEFACT_NONE, 0, { 0 } }
#define RV_DURATION(S, f, def, lo, hi, d)                                                                    \
  { #f, RV_PARAM_DURATION, offsetof (S, f), def, lo, hi, "s", d, NULL, NULL, RV_ARTEFACT_NONE, 0, { 0 } }
#define RV_INTS(S, f, def, lo, hi, u, d)                                                                     \
  { #f, RV_PARAM_INTS, offsetof (S, f), def, lo, hi, u, d, NULL, NULL, RV_ARTEFACT_NONE, 0, { 0 } }
#define RV_REALS(S, f, def, lo, hi, u, d)                                                                    \
  { #f, RV_PARAM_REALS, offsetof (S, f), def, lo, hi, u, d, NULL, NULL, RV_ARTEFACT_NONE, 0, { 0 } }
#define RV_TEXTS(S, f, def, d)                                                                               \
  { #f, RV_PARAM_TEXTS, offsetof (S, f), def, 0, 0, "", d, NULL, NULL, RV_ARTEFACT_NONE, 0, { 0 } }
#define RV_REAL_MAP(S, f, d)                                                                                 \
  { #f, RV_PARAM_REAL_MAP, offsetof (S, f), NULL, 0, 0, "", d, NULL, NULL, RV_ARTEFACT_NONE, 0, { 0 } }
#define RV_NESTED_MAP(S, f, d)                                                                               \
  { #f, RV_PARAM_REAL_MAP, offsetof (S, f), NULL, 0, 0, "", d, NULL, NULL, RV_ARTEFACT_NONE, RV_PARAM_NESTED, \
    { 0 } }
#define RV_TRAINABLE(S, f, def, lo, hi, u, d, fl)                                                            \
  { #f, RV_PARAM_TRAINABLE, offsetof (S, f), def, lo, hi, u, d, NULL, NULL, RV_ARTEFACT_NONE, fl, { 0 } }
#define RV_SLOT(S, f, kind, def, d)                                                                          \
  { #f, RV_PARAM_SLOT, offsetof (S, f), def, 0, 0, "", d, NULL, kind, RV_ARTEFACT_NONE, 0, { 0 } }
#define RV_SLOTS(S, f, kind, d)                                                                              \
  { #f, RV_PARAM_SLOTS, offsetof (S, f), NULL, 0, 0, "", d, NULL, kind, RV_ARTEFACT_NONE, RV_PARAM_REQUIRED, \
    { 0 } }
/** A list that may be left out, and is empty then. */
#define RV_OPTIONAL_SLOTS(S, f, kind, d)                                                                     \
  { #f, RV_PARAM_SLOTS, offsetof (S, f), NULL, 0, 0, "", d, NULL, kind, RV_ARTEFACT_NONE, 0, { 0 } }
#define RV_PORT(S, f, kind, fl, d)                                                                           \
  { #f, RV_PARAM_PORT, offsetof (S, f), NULL, 0, 0, "", d, NULL, NULL, kind, fl, { 0 } }
#define RV_PORTS(S, f, kind, fl, d)                                                                          \
  { #f, RV_PARAM_PORTS, offsetof (S, f), NULL, 0, 0, "", d, NULL, NULL, kind, fl, { 0 } }
/** The end of the table. */
#define RV_PARAM_END                                                                                         \
  { NULL, RV_PARAM_BOOL, 0, NULL, 0, 0, NULL, NULL, NULL, NULL, RV_ARTEFACT_NONE, 0, { 0 } }

/** An entry that must be given has no default. */
#define RV_REQUIRED_INT(S, f, lo, hi, u, d)                                                                  \
  { #f, RV_PARAM_INT, offsetof (S, f), NULL, lo, hi, u, d, NULL, NULL, RV_ARTEFACT_NONE, RV_PARAM_REQUIRED,  \
    { 0 } }
/** An entry that must be given has no default. */
#define RV_REQUIRED_TEXT(S, f, d)                                                                            \
  { #f, RV_PARAM_TEXT, offsetof (S, f), NULL, 0, 0, "", d, NULL, NULL, RV_ARTEFACT_NONE, RV_PARAM_REQUIRED,  \
    { 0 } }
/** @} */

/** Adds a reference and returns `instance`. Any thread. */
RV_API RvInstance *rv_instance_ref (RvInstance *instance);

/** Gives a reference back; with the last, the plugin's clear is called and the struct freed. Any thread. */
RV_API void rv_instance_unref (RvInstance *instance);

/** One number of `draw`: position `counter` of `stream`, before the sigmoid. Any worker. */
RV_API double rv_draw_raw (const RvDraw *draw, RvStream stream, uint64_t counter);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (RvInstance, rv_instance_unref)

G_END_DECLS

#endif
