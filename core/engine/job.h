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
/* The work space of a worker; the layers that are not on a grid, whose input is there, in all these ways. */
RvWork *rv_job_work (const RvJob *job, uint32_t worker);
void rv_job_head (const RvJob *job, RvWork *work, uint32_t tile, uint32_t first, uint32_t n, float *gradient);
/* Of the layers on a grid: before a batch; whether all tiles go in step; one tile by itself, forward so that
 * work->input is what the other layers see, backward from work->input_gradient to work->outer_gradient; and a whole
 * batch in step, with all layers, into the accumulators: FALSE if there are errors. */
void rv_grid_prepare (RvModel *model, const float *parameters, gboolean backward, gboolean in_step,
                      uint32_t n_tiles);
gboolean rv_grid_in_step (const RvModel *model, gboolean training);
void rv_grid_forward (const RvJob *job, RvWork *work, uint32_t worker, uint32_t tile, uint32_t first,
                      uint32_t n, float *gradient);
void rv_grid_backward (const RvJob *job, RvWork *work, uint32_t worker);
gboolean rv_grid_run (const RvJob *job);
/* Adds what its workers spent to `sum` [layers][RV_PHASES], and all of it to `all`. */
void rv_grid_profile (const RvModel *model, RvSpent *sum, double *all);
/* Bytes of its work spaces, and what training keeps of each sample where tiles go in step. */
size_t rv_grid_bytes (const RvModel *model, uint32_t n_tiles, uint32_t samples);
/* The first value that holds a number that is not finite after a pass over one tile; or NULL. Caller owns. */
char *rv_grid_bad (const RvModel *model);
void rv_normalise_finish (RvModel *model, uint32_t n_tiles);
/* What the layers on a grid handed on, for an observer, and if `membranes` is not NULL those of their neurons; `shown`
 * [layers][2] is cleared by the caller. */
void rv_grid_show (const RvJob *job, uint32_t worker, RvGridShown *shown, RvSignal *layers,
                   RvSignal *membranes);

#endif
