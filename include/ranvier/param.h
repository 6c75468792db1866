/* The parameter table: one constant array per plugin that fills a plain C struct and drives everything else,
 * checks, `ranvier inspect`, the reference pages. A C name with underscores is written with dashes in a
 * pipeline. */
#ifndef RANVIER_PARAM_H
#define RANVIER_PARAM_H

#include <ranvier/base.h>
#include <ranvier/random.h>
#include <stddef.h>

G_BEGIN_DECLS

/* Type of an entry, and of the field that it fills. */
typedef enum
{
  RV_PARAM_BOOL,      /* gboolean */
  RV_PARAM_INT,       /* int64_t */
  RV_PARAM_REAL,      /* double */
  RV_PARAM_CHOICE,    /* int: index into `choices` */
  RV_PARAM_TEXT,      /* char *, owned by the instance */
  RV_PARAM_PATH,      /* char *, owned by the instance; relative to the pipeline file */
  RV_PARAM_DURATION,  /* double, seconds; written `3 ms` */
  RV_PARAM_INTS,      /* RvInts */
  RV_PARAM_REALS,     /* RvReals */
  RV_PARAM_TEXTS,     /* char **, NULL-terminated, owned by the instance */
  RV_PARAM_REAL_MAP,  /* RvRealMap: name to number */
  RV_PARAM_TRAINABLE, /* RvTrainable */
  RV_PARAM_SLOT,      /* RvInstance *: a plugin of kind `slot` */
  RV_PARAM_SLOTS,     /* RvInstances: a list of plugins of kind `slot` */
  RV_PARAM_PORT,      /* RvPort */
  RV_PARAM_PORTS      /* RvPorts: one or many */
} RvParamType;

enum
{
  RV_PARAM_REQUIRED = 1 << 0,
  RV_PARAM_UNIT_INTERVAL = 1 << 1 /* trainable: learned through a sigmoid, stays within (0, 1) */
};

typedef struct
{
  uint32_t n;
  int64_t *items;
} RvInts;

typedef struct
{
  uint32_t n;
  double *items;
} RvReals;

typedef struct
{
  uint32_t n;
  char **names;
  double *values;
} RvRealMap;

/* Where the numbers of a tensor come from: `0.5`, `uniform(a, b)`, `normal(mean, sd)`, `sigmoid(...)` of
 * these. */
typedef struct
{
  enum
  {
    RV_DRAW_CONSTANT,
    RV_DRAW_UNIFORM,
    RV_DRAW_NORMAL
  } type;
  double a, b;
  gboolean sigmoid;
} RvDraw;

/* A number of a neuron that may be fixed or learned. */
typedef struct
{
  enum
  {
    RV_TRAIN_FIXED,
    RV_TRAIN_PER_NEURON,
    RV_TRAIN_SHARED
  } mode;
  RvDraw initial;         /* fixed: a constant */
  double rate;            /* learning rate of its own; 0: the optimizer's */
  gboolean unit_interval; /* the raw parameter goes through a sigmoid */
  RV_RESERVED (2);
} RvTrainable;

typedef struct RvPlugin RvPlugin;

/* A plugin with its filled struct. Reference-counted; models keep the instances they run. */
typedef struct
{
  const RvPlugin *plugin;
  void *self;
  char *path; /* inside the node, for instance "network.0.neuron": part of the key of its random streams */
} RvInstance;

typedef struct
{
  uint32_t n;
  RvInstance **items;
} RvInstances;

typedef enum
{
  RV_ARTEFACT_NONE,
  RV_ARTEFACT_DATASET,
  RV_ARTEFACT_MODEL,
  RV_ARTEFACT_TABLE,
  RV_ARTEFACT_FIGURE
} RvArtefactKind;

/* An input of a node: what the graph wired to it. See node.h for its use. */
typedef struct RvPortValue RvPortValue;
typedef struct
{
  RvPortValue *value; /* NULL: not wired */
} RvPort;

typedef struct
{
  uint32_t n;
  RvPort *items;
} RvPorts;

typedef struct
{
  const char *name;
  RvParamType type;
  size_t offset;
  const char *default_value; /* as it would stand in a pipeline; NULL: none */
  double minimum, maximum;   /* numbers; for lists and trainables of each entry */
  const char *unit;          /* "", "s", "Hz", ... */
  const char *doc;
  const char *const *choices;  /* choice: NULL-terminated */
  const char *slot;            /* slots: the kind */
  RvArtefactKind artefact;     /* ports */
  uint32_t flags;
  RV_RESERVED (2);
} RvParam;

#define RV_INF (__builtin_inf ())

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
#define RV_TRAINABLE(S, f, def, lo, hi, u, d, fl)                                                            \
  { #f, RV_PARAM_TRAINABLE, offsetof (S, f), def, lo, hi, u, d, NULL, NULL, RV_ARTEFACT_NONE, fl, { 0 } }
#define RV_SLOT(S, f, kind, def, d)                                                                          \
  { #f, RV_PARAM_SLOT, offsetof (S, f), def, 0, 0, "", d, NULL, kind, RV_ARTEFACT_NONE, 0, { 0 } }
#define RV_SLOTS(S, f, kind, d)                                                                              \
  { #f, RV_PARAM_SLOTS, offsetof (S, f), NULL, 0, 0, "", d, NULL, kind, RV_ARTEFACT_NONE, RV_PARAM_REQUIRED, \
    { 0 } }
#define RV_PORT(S, f, kind, fl, d)                                                                           \
  { #f, RV_PARAM_PORT, offsetof (S, f), NULL, 0, 0, "", d, NULL, NULL, kind, fl, { 0 } }
#define RV_PORTS(S, f, kind, fl, d)                                                                          \
  { #f, RV_PARAM_PORTS, offsetof (S, f), NULL, 0, 0, "", d, NULL, NULL, kind, fl, { 0 } }
#define RV_PARAM_END                                                                                         \
  { NULL, RV_PARAM_BOOL, 0, NULL, 0, 0, NULL, NULL, NULL, NULL, RV_ARTEFACT_NONE, 0, { 0 } }

/* The same, for an entry that must be given: RV_REQUIRED_INT and the like have no default. */
#define RV_REQUIRED_INT(S, f, lo, hi, u, d)                                                                  \
  { #f, RV_PARAM_INT, offsetof (S, f), NULL, lo, hi, u, d, NULL, NULL, RV_ARTEFACT_NONE, RV_PARAM_REQUIRED,  \
    { 0 } }
#define RV_REQUIRED_TEXT(S, f, d)                                                                            \
  { #f, RV_PARAM_TEXT, offsetof (S, f), NULL, 0, 0, "", d, NULL, NULL, RV_ARTEFACT_NONE, RV_PARAM_REQUIRED,  \
    { 0 } }

/* Adds a reference and returns `instance`. Any thread. */
RV_API RvInstance *rv_instance_ref (RvInstance *instance);

/* Gives a reference back; with the last, the plugin's clear is called and the struct freed. Any thread. */
RV_API void rv_instance_unref (RvInstance *instance);

/* One number of `draw`: position `counter` of `stream`, before the sigmoid. Any worker. */
RV_API double rv_draw_raw (const RvDraw *draw, RvStream stream, uint64_t counter);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (RvInstance, rv_instance_unref)

G_END_DECLS

#endif
