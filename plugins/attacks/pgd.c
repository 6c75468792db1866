/* attack/pgd: images, or frames, changed by steps along dL/dinput that stay within a budget (Madry et al.
 * 2018), until the model errs. Surrogates stand in for the derivative of a spike: what resists may still have a
 * neighbour that is told wrong. */
#include "steps.h"

static gboolean
init (void *self, GError **error)
{
  AttackSteps *steps = self;
  if (steps->step_size <= 0.0)
    steps->step_size = 2.5 * steps->epsilon / (double)steps->iterations;
  return attack_steps_init (steps, error);
}

static const RvParam params[]
    = { ATTACK_STEPS_PARAMS, RV_INT (AttackSteps, iterations, "40", 1, 1e6, "", "Steps at most"),
        RV_REAL (AttackSteps, step_size, "0", 0, 1e9, "", "Length of a step; 0: 2.5 epsilon / iterations"),
        RV_BOOL (AttackSteps, random_start, "yes", "Begin anywhere within the budget"), RV_PARAM_END };

static const RvNodeClass class = { .outputs = attack_outputs,
                                   .check = attack_steps_check,
                                   .run = attack_steps_run };

RV_PLUGIN ("attack", "pgd")
  .version = "1.0",
  .licence = "LGPL-2.1-or-later",
  .doc = "Changes images within a budget by projected gradient steps until the model errs",
  .citation = "Madry et al. 2018, Towards deep learning models resistant to adversarial attacks",
  .params = params,
  .params_size = sizeof (AttackSteps),
  .init = init,
  RV_FUNCTIONS (class),
};
