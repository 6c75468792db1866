/* A rig holds the arrays that the functions of a kind work on. What can be asked of any such functions, that
 * they repeat, share nothing between threads, stay in bounds, survive NaN and agree with finite differences,
 * is asked through it; a kind says only what its arrays and calls are. */
#ifndef RV_RIG_H
#define RV_RIG_H

#include "cli/check/check.h"

typedef struct RvRig RvRig;

/* Every member but `prepare` and `run` may be NULL. */
typedef struct
{
  /* Adds the arrays, inputs filled by rig->key; FALSE if the functions refuse. */
  gboolean (*prepare) (RvRig *rig);
  /* Calls every function; the outputs must follow from the inputs alone. */
  void (*run) (RvRig *rig);
  /* The calls whose time matters; rig->work counts what they do in `unit`. */
  void (*hot) (RvRig *rig);
  const char *unit;
  /* The loss of each of rig->lanes; the calls that make the gradients of rv_rig_variable (NULL: `run`). */
  void (*price) (RvRig *rig, double *loss);
  void (*differentiate) (RvRig *rig);
  /* After a run, with NaN and infinities in the input `spoiled` or with none (NULL): what is wrong with the
   * outputs, owned, or NULL. */
  char *(*judge) (RvRig *rig, const char *spoiled);
} RvSubject;

struct RvRig
{
  const RvSubject *subject;
  RvArrays *arrays;
  RvInstance *instance;
  GArray *twins, *variables;
  uint64_t key;
  gboolean large; /* for timing */
  size_t period; /* every so many entries begins a row of lanes that know nothing of each other; 0: they do */
  uint32_t lanes; /* of price; 0 is 1 */
  double work;
  uint32_t n; /* these are the subject's own */
  float *in[8], *out[32];
  void *own; /* freed with g_free */
};

extern const RvSubject rv_subject_neuron, rv_subject_surrogate, rv_subject_decoder, rv_subject_loss,
    rv_subject_optimizer, rv_subject_schedule, rv_subject_initializer;

/* ---- in prepare */

/* An array of numbers in (-size, size), and one to write to. */
float *rv_rig_input (RvRig *rig, const char *name, size_t count, float size);
float *rv_rig_output (RvRig *rig, const char *name, size_t count);
/* After a run both must hold the same, but for `tolerance` of the largest. */
void rv_rig_twins (RvRig *rig, const char *what, const float *a, const float *b, size_t count,
                   double tolerance);
/* `gradient` is d price / d `x`, both [rows][rig->lanes]. */
void rv_rig_variable (RvRig *rig, const char *name, float *x, const float *gradient, uint32_t rows);

/* ---- tests: rv_rig_each runs the step of check->test on a rig for each trial of the parameters */

RvVerdict rv_rig_each (RvCheck *check);
RvVerdict rv_rig_gradient (RvCheck *check, void *rig);
RvVerdict rv_rig_values (RvCheck *check, void *rig);
RvVerdict rv_rig_position (RvCheck *check, void *rig);
RvVerdict rv_rig_repeat (RvCheck *check, void *rig);
RvVerdict rv_rig_threads (RvCheck *check, void *rig);
RvVerdict rv_rig_bounds (RvCheck *check, void *rig);
RvVerdict rv_rig_nan (RvCheck *check, void *rig);
RvVerdict rv_rig_speed (RvCheck *check);

#define RV_RIG_GRADIENT(hint)                                                                                \
  {                                                                                                          \
    "gradient", rv_rig_each, hint, rv_rig_gradient                                                           \
  }
#define RV_RIG_VALUES(hint)                                                                                  \
  {                                                                                                          \
    "values", rv_rig_each, hint, rv_rig_values                                                               \
  }
#define RV_RIG_POSITION(hint)                                                                                \
  {                                                                                                          \
    "position", rv_rig_each, hint, rv_rig_position                                                           \
  }
#define RV_RIG_REPEAT                                                                                        \
  {                                                                                                          \
    "repeat", rv_rig_each, "no static variable; an output may hold anything before", rv_rig_repeat           \
  }
#define RV_RIG_THREADS                                                                                       \
  {                                                                                                          \
    "threads", rv_rig_each, "no static buffer, nothing written to self", rv_rig_threads                      \
  }
#define RV_RIG_BOUNDS                                                                                        \
  {                                                                                                          \
    "bounds", rv_rig_each, "the count of each loop, and the strides", rv_rig_bounds                          \
  }
#define RV_RIG_NAN                                                                                           \
  {                                                                                                          \
    "nan", rv_rig_each, "comparisons with NaN are false: loops must end, indices must be checked",           \
        rv_rig_nan                                                                                           \
  }
#define RV_RIG_SPEED                                                                                         \
  {                                                                                                          \
    "speed", rv_rig_speed, NULL, NULL                                                                        \
  }
#define RV_CHECK_END                                                                                         \
  {                                                                                                          \
    NULL, NULL, NULL, NULL                                                                                   \
  }

#endif
