/* The optimizer's memory and its walk over the parameter vector. */
#include "engine/model.h"
#include <string.h>

struct RvUpdater
{
  RvInstance *optimizer;
  const RvOptimizerClass *class;
  uint32_t n_slots;
  float *slots[8]; /* [parameter_count] each */
  size_t count;
  uint64_t step;
};

RvUpdater *
rv_updater_new (const RvModel *model, RvInstance *optimizer)
{
  RvUpdater *updater = g_new0 (RvUpdater, 1);
  updater->optimizer = rv_instance_ref (optimizer);
  updater->class = optimizer->plugin->functions;
  updater->n_slots = MIN (updater->class->slots (optimizer->self), 8);
  updater->count = model->count;
  for (uint32_t k = 0; k < updater->n_slots; k++)
    updater->slots[k] = rv_aligned_alloc (model->count * sizeof (float));
  return updater;
}

void
rv_updater_free (RvUpdater *updater)
{
  if (!updater)
    return;
  for (uint32_t k = 0; k < updater->n_slots; k++)
    rv_aligned_free (updater->slots[k]);
  rv_instance_unref (updater->optimizer);
  g_free (updater);
}

double
rv_updater_clip (const RvUpdater *updater, float *gradient, double limit)
{
  double sum = 0.0; /* doubles hold squares of any float */
  for (size_t k = 0; k < updater->count; k++)
    sum += (double) gradient[k] * gradient[k];
  const double norm = sqrt (sum);
  if (limit > 0.0 && norm > limit)
    for (size_t k = 0; k < updater->count; k++)
      gradient[k] = (float) (gradient[k] * (limit / norm));
  return norm;
}

void
rv_updater_step (RvUpdater *updater, RvModel *model, const float *gradient, double factor)
{
  const double rate = updater->class->rate (updater->optimizer->self);
  updater->step++;
  for (uint32_t k = 0; k < model->parameters->len; k++)
    {
      const RvParameter *p = rv_parameter (model, (RvHandle) k);
      float *slots[8] = { NULL };
      for (uint32_t s = 0; s < updater->n_slots; s++)
        slots[s] = updater->slots[s] + p->offset;
      updater->class->update (updater->optimizer->self, model->values + p->offset, gradient + p->offset, slots, p->count,
                              updater->step, (p->rate > 0.0 ? p->rate : rate) * factor);
    }
}
