/* The optimizer's memory and its walk over the parameter vector. */
#include "base/threads.h"
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

/* One pass over the parameter vector, in ranges that workers take. */
typedef struct
{
  RvUpdater *updater;
  float *values, *gradient;
  double *squares; /* [ranges] */
  double factor;
  const RvParameter *p; /* the parameter at hand */
  double rate;
  void (*update) (const void *self, float *weights, const float *gradient, float *const *slots, size_t n,
                  uint64_t step, double rate);
} Walk;

#define RANGE 8192

static uint32_t
ranges_of (size_t count)
{
  return (uint32_t)((count + RANGE - 1) / RANGE);
}

static void
square_range (void *self, uint32_t index, uint32_t worker)
{
  const Walk *walk = self;
  const size_t from = (size_t)index * RANGE, to = MIN (from + RANGE, walk->updater->count);
  double sum = 0.0; /* doubles hold squares of any float */
  for (size_t k = from; k < to; k++)
    sum += (double)walk->gradient[k] * walk->gradient[k];
  walk->squares[index] = sum;
}

static void
scale_range (void *self, uint32_t index, uint32_t worker)
{
  const Walk *walk = self;
  const size_t from = (size_t)index * RANGE, to = MIN (from + RANGE, walk->updater->count);
  for (size_t k = from; k < to; k++)
    walk->gradient[k] = (float)(walk->gradient[k] * walk->factor);
}

double
rv_updater_clip (const RvUpdater *updater, float *gradient, double limit)
{
  const uint32_t n = ranges_of (updater->count);
  g_autofree double *squares = g_new0 (double, n + 1);
  Walk walk = { .updater = (RvUpdater *)updater, .gradient = gradient, .squares = squares };
  rv_parallel_for (n, square_range, &walk);
  double sum = 0.0;
  for (uint32_t k = 0; k < n; k++)
    sum += squares[k];
  const double norm = sqrt (sum);
  walk.factor = limit / norm;
  if (limit > 0.0 && norm > limit)
    rv_parallel_for (n, scale_range, &walk);
  return norm;
}

static void
update_range (void *self, uint32_t index, uint32_t worker)
{
  const Walk *walk = self;
  const RvUpdater *updater = walk->updater;
  const size_t from = (size_t)index * RANGE, at = walk->p->offset + from;
  float *slots[8] = { NULL };
  for (uint32_t s = 0; s < updater->n_slots; s++)
    slots[s] = updater->slots[s] + at;
  walk->update (updater->optimizer->self, walk->values + at, walk->gradient + at, slots,
                MIN (RANGE, walk->p->count - from), updater->step, walk->rate);
}

void
rv_updater_step (RvUpdater *updater, RvModel *model, const float *gradient, double factor)
{
  const RvOptimizerClass *class = updater->class;
  const double rate = class->rate (updater->optimizer->self);
  Walk walk = { .updater = updater, .values = model->values, .gradient = (float *)gradient };
  const double began = rv_spent_begin (model->spent);
  updater->step++;
  for (uint32_t k = 0; k < model->parameters->len; k++)
    {
      walk.p = rv_parameter (model, (RvHandle)k);
      if (walk.p->type == RV_PARAMETER_RUNNING)
        continue;
      walk.rate = (walk.p->rate > 0.0 ? walk.p->rate : rate) * factor;
      walk.update = walk.p->type == RV_PARAMETER_WEIGHT && class->update_weights ? class->update_weights
                                                                                 : class->update;
      rv_parallel_for (ranges_of (walk.p->count), update_range, &walk);
    }
  rv_spent_end (model->spent, RV_PHASE_SUMS, began, 0.0, 0.0);
}

void
rv_checkpoint_updater (RvCheckpoint *checkpoint, const char *name, RvUpdater *updater)
{
  rv_checkpoint_integers (checkpoint, name, &updater->step, 1);
  for (uint32_t k = 0; k < updater->n_slots; k++)
    {
      g_autofree char *slot = g_strdup_printf ("%s/slot %u", name, k);
      rv_checkpoint_floats (checkpoint, slot, updater->slots[k], updater->count);
    }
}
