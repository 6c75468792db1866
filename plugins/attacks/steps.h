/* What pgd and fgsm share: steps along the gradient of values, within a budget and a range. They differ in
 * their parameters. */
#ifndef RV_ATTACK_STEPS_H
#define RV_ATTACK_STEPS_H

#include "attack.h"

extern const char *const attack_norms[];

typedef struct
{
  ATTACK_OPTIONS;
  int norm;
  double epsilon, low, high, step_size;
  int64_t iterations;
  gboolean random_start;
} AttackSteps;

#define ATTACK_STEPS_PARAMS                                                                                  \
  ATTACK_PARAMS (AttackSteps),                                                                               \
      RV_CHOICE (AttackSteps, norm, "linf", attack_norms,                                                    \
                 "What the budget bounds: linf: the change of each value; l2: the length of all changes"),   \
      RV_REAL (AttackSteps, epsilon, "0.1", 1e-9, 1e9, "", "The budget, in the units of the data"),          \
      RV_REAL (AttackSteps, low, "0", -1e9, 1e9, "", "No value goes below it"),                              \
      RV_REAL (AttackSteps, high, "1", -1e9, 1e9, "", "No value goes above it")

/* For init: whether the range is one. */
gboolean attack_steps_init (const AttackSteps *steps, GError **error);
/* The node's check and run. */
gboolean attack_steps_check (void *self, RvNode *node, GError **error);
gboolean attack_steps_run (void *self, RvNode *node, GError **error);

#endif
