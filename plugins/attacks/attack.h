/* What the attacks share: which recordings are attacked and at which class they aim, copies of the recordings
 * that change from iteration to iteration, who was told wrong when, and how far the copy is from the
 * original; the tables of it. An attack itself is a function that moves one copy by its gradient. */
#ifndef RV_ATTACK_H
#define RV_ATTACK_H

#include <ranvier/ranvier.h>

/* No class has the one largest score. */
#define ATTACK_NO_CLASS UINT32_MAX

/* The first members of every attack's struct, and their rows of the table. */
#define ATTACK_FIELDS                                                                                        \
  RvPort model, data;                                                                                        \
  int target;                                                                                                \
  int64_t samples, seed;
typedef struct
{
  ATTACK_FIELDS
} AttackOptions;
#define ATTACK_OPTIONS                                                                                       \
  union                                                                                                      \
  {                                                                                                          \
    AttackOptions options;                                                                                   \
    struct                                                                                                   \
    {                                                                                                        \
      ATTACK_FIELDS                                                                                          \
    };                                                                                                       \
  }
#define ATTACK_PARAMS(S)                                                                                     \
  RV_PORT (S, model, RV_ARTEFACT_MODEL, RV_PARAM_REQUIRED, "The model that is attacked"),                    \
      RV_PORT (S, data, RV_ARTEFACT_DATASET, RV_PARAM_REQUIRED, "The recordings that are changed"),          \
      RV_CHOICE (S, target, "none", attack_targets,                                                          \
                 "none: any wrong class is a success; random: one drawn for each recording; each: every "    \
                 "other class, one after the other, with a copy of the recording for each"),                 \
      RV_INT (S, samples, "500", 0, 4e9, "",                                                                 \
              "How many recordings are drawn; those told right are attacked. 0: all"),                       \
      RV_INT (S, seed, "1", 0, 9e15, "", "Key of all draws")

extern const char *const attack_targets[];
extern const RvOutput attack_outputs[];

typedef enum
{
  ATTACK_OPEN,
  ATTACK_SUCCEEDED,
  ATTACK_WRONG_AT_START
} AttackResult;

/* A recording and what is wanted of it. */
typedef struct
{
  uint32_t id; /* in the data */
  uint32_t label;
  uint32_t target;  /* ATTACK_NO_CLASS: any but the label */
  uint32_t steps;   /* that count; 1 of a still image */
  uint64_t before;  /* the class before the attack */
  uint64_t now;     /* and of the copy as it was last run */
  uint64_t result;  /* AttackResult */
  uint64_t changes; /* iterations that changed the copy */
} Attempt;

/* The copies, [n] of `size`: a bit for each unit of each step, rows of 64; or a value. Owned by the dataset
 * made of them. */
typedef struct
{
  RvDataset *source;
  RvForm form;
  uint32_t n, steps, rows, units, words; /* rows: steps, 1 of still images; words: of a row of bits */
  size_t size;
  uint64_t *bits, *bits_before;
  float *values, *values_before;
  Attempt *attempts; /* [n] */
  uint32_t *lengths; /* as the recordings have them */
} AttackCopies;

typedef struct AttackRun AttackRun;

/* What tells attacks apart. */
typedef struct
{
  const char *title; /* of the table */
  uint64_t iterations;
  gboolean blind;    /* needs no gradient */
  RvModel *gradient; /* what makes it; NULL: the model itself, in the run that tells the class */
  /* Changes copy k. `g`: dL/dinput, row (t * g->samples + s) of the sample, of the loss of label or target.
   * Any worker, each copy in one at a time. */
  void (*move) (const void *self, const AttackRun *run, uint32_t k, const RvSignal *g, uint32_t s);
  double limit; /* share of the entries that a success may have changed at most */
} AttackMethod;

struct AttackRun
{
  const AttackMethod *method;
  const void *self; /* for move */
  RvNode *node;
  RvModel *model; /* a copy */
  RvDataset *data;
  AttackCopies *copies; /* behind `data` */
  RvStream stream, key; /* of this iteration, and of all: fork them by attack_key */
  uint64_t iteration;
  gboolean judges, moves; /* what the tiles at hand are for */
  uint32_t *open;         /* [n_open] */
  uint32_t *aims;         /* [n_open]: what the loss is taken for */
  uint32_t n_open;
};

/* A stream of an attempt that depends on recording and target alone. Any worker. */
static inline RvStream
attack_key (RvStream stream, const Attempt *attempt)
{
  return rv_stream_fork (rv_stream_fork (stream, attempt->id), attempt->target);
}

/* Row t of a copy's bits or values. */
static inline uint64_t *
attack_bits (const AttackCopies *copies, uint32_t k, uint32_t t)
{
  return copies->bits + k * copies->size + (size_t)t * copies->words;
}

static inline float *
attack_values (const AttackCopies *copies, uint32_t k, uint32_t t)
{
  return copies->values + k * copies->size + (size_t)t * copies->units;
}

/* Row t of the gradient. */
static inline const float *
attack_gradient (const RvSignal *g, uint32_t s, uint32_t t)
{
  return g->dense + ((size_t)t * g->samples + s) * g->stride;
}

/* In check: shapes and the spec of the dataset handed on. `spikes`: what the attack changes; otherwise
 * values. */
gboolean attack_check (const AttackOptions *options, gboolean spikes, RvNode *node, GError **error);
/* All of run: draws, attacks and hands on dataset and tables. `begin` (may be NULL) is called before the
 * first iteration with the copies as they were read: for checks and a random start. */
gboolean attack_run (const AttackOptions *options, const AttackMethod *method, const void *self,
                     gboolean (*begin) (const void *self, const AttackRun *run, GError **error), RvNode *node,
                     GError **error);

#endif
