/* attack/fgsm: images, or frames, changed by one step along dL/dinput that is as long as the budget
 * (Goodfellow et al. 2015). */
#include "steps.h"

static gboolean
init (void *self, GError **error)
{
  AttackSteps *steps = self;
  steps->iterations = 1;
  steps->step_size = steps->epsilon;
  return attack_steps_init (steps, error);
}

static const RvParam params[] = { ATTACK_STEPS_PARAMS, RV_PARAM_END };

static const RvNodeClass class = { .outputs = attack_outputs,
                                   .check = attack_steps_check,
                                   .run = attack_steps_run };

RV_PLUGIN ("attack", "fgsm")
  .version = "1.0",
  .licence = "LGPL-2.1-or-later",
  .doc = "Changes images by one step along the gradient",
  .citation = "Goodfellow et al. 2015, Explaining and harnessing adversarial examples",
  .params = params,
  .params_size = sizeof (AttackSteps),
  .init = init,
  RV_FUNCTIONS (class),
};
