/** @file
 * Kinds `optimizer`, `schedule` and `initializer`: what the trainer needs besides the network. */
#ifndef RANVIER_OPTIMIZER_H
#define RANVIER_OPTIMIZER_H

#include <ranvier/plugin.h>

G_BEGIN_DECLS

/** The functions of an optimizer. */
typedef struct
{
  /** Numbers kept per parameter between updates (Adam: 2), at most 8. Main thread. */
  uint32_t (*slots) (const void *self);

  /** The learning rate before the schedule. Main thread. */
  double (*rate) (const void *self);

  /** One update of a flat range: weights [n] and slots [slots][n] change, gradient [n] is read; `step`
   * counts from 1, `rate` is already scheduled. Any worker; ranges are split by the core. */
  void (*update) (const void *self, float *weights, const float *gradient, float *const *slots, size_t n,
                  uint64_t step, double rate);

  /** As `update`, for the weights between units, those of a recurrence too (RV_ROLE_WEIGHT and
   * RV_ROLE_RECURRENT of engine.h): what decays, does so here, and leaves biases, and what neurons learn, as
   * they are. NULL: `update` is for all. Any worker. Since ABI 1.1. */
  void (*update_weights) (const void *self, float *weights, const float *gradient, float *const *slots,
                          size_t n, uint64_t step, double rate);
} RvOptimizerClass;

/** The functions of a schedule. */
typedef struct
{
  /** The factor on the learning rate in `epoch` (from 0). Main thread. */
  double (*factor) (const void *self, uint64_t epoch);
} RvScheduleClass;

/** The functions of an initializer. */
typedef struct
{
  /** Fills weight [rows][columns] (rows: outputs) of a layer with `fan_in` and `fan_out` connections per
   * unit. A bias has one column and is_bias set. Draws element k from position k of `stream`. Main thread. */
  void (*fill) (const void *self, RvStream stream, uint32_t rows, uint32_t columns, uint32_t fan_in,
                uint32_t fan_out, gboolean is_bias, float *weight);
} RvInitializerClass;

G_END_DECLS

#endif
