/* One batch on its way through the workers. */
#ifndef RV_JOB_H
#define RV_JOB_H

#include "engine/model.h"

typedef struct
{
  RvModel *model;
  const float *parameters;
  const RvBatch *batch;
  const RvObserver *observer;
  const uint32_t *targets;  /* [batch->n]: labels in place of the recordings' own; or NULL */
  gboolean backward, input; /* input: dL/dinput is asked for, and no other gradient */
  uint32_t samples, n_tiles, n_slots, block;
  double *loss;      /* [n_tiles]: sums over samples */
  uint64_t *correct; /* [n_tiles] */
  uint64_t *decided; /* [n_tiles]: decisions */
  float *result;
  GError **errors; /* [n_slots] */
} RvJob;

/* Steps of a block, by shape alone. */
uint32_t rv_block_steps (const RvModel *model);
/* Samples of a tile, by shape and the batch's n alone: tiles as equal as can be, a multiple of four of them
 * where n is not small, so that few threads end together. */
uint32_t rv_tile_samples (const RvModel *model, uint32_t n);
/* One tile forward, its price and the seed of its gradient, and backward. One worker. */
void rv_job_forward (const RvJob *job, RvWork *work);
void rv_job_judge (const RvJob *job, RvWork *work, uint32_t tile, uint32_t n);
void rv_job_backward (const RvJob *job, RvWork *work);

#endif
