/* Running the part of a network that is on grids. A tile goes through all operations by itself, in rooms
 * of its worker. Only where statistics are of the whole batch all tiles go in step from one normalisation
 * to the next, each in rooms of its own, and memory grows with the batch. */
#include "engine/grid/grid.h"
#include "base/threads.h"
#include <string.h>

/* ---- rooms */

void
rv_grid_net_drop (RvModel *model)
{
  RvGridNet *net = model->grid;
  if (!net)
    return;
  for (uint32_t k = 0; k < net->n_tiles; k++)
    rv_grid_tile_free (model, net->tiles[k]);
  for (uint32_t k = 0; k < net->n_workers; k++)
    rv_grid_worker_free (net->workers[k]);
  g_clear_pointer (&net->tiles, g_free);
  g_clear_pointer (&net->workers, g_free);
  net->n_tiles = net->n_workers = 0;
}

static void
grow (void *array, uint32_t *has, uint32_t n)
{
  void **pointers = *(void ***)array;
  if (n <= *has)
    return;
  pointers = g_renew (void *, pointers, n);
  memset (pointers + *has, 0, (n - *has) * sizeof (void *));
  *(void ***)array = pointers;
  *has = n;
}

/* Of a batch that goes in step as many tiles as it has; otherwise one for each worker. */
static void
make_room (RvModel *model, uint32_t n_tiles)
{
  RvGridNet *net = model->grid;
  grow (&net->workers, &net->n_workers, rv_threads_get ());
  grow (&net->tiles, &net->n_tiles, MAX (n_tiles, rv_threads_get ()));
}

typedef struct
{
  const RvModel *model;
  const float *parameters;
  gboolean backward;
} Preparation;

static void
prepare_op (void *self, uint32_t index, uint32_t worker)
{
  const Preparation *all = self;
  RvGridOp *op = rv_grid_op (all->model->grid, index);
  if (op->type == RV_GRID_CONVOLVE)
    rv_convolve_prepare (all->model, op, all->parameters, all->backward);
  else if (op->type == RV_GRID_NORMALISE)
    rv_normalise_prepare (all->model, op, all->parameters);
  else if (op->type == RV_GRID_FIRE)
    rv_grid_fire_prepare (all->model, op, all->parameters);
}

void
rv_grid_prepare (RvModel *model, const float *parameters, gboolean backward, gboolean in_step,
                 uint32_t n_tiles)
{
  if (!model->grid)
    return;
  Preparation all = { model, parameters, backward };
  make_room (model, in_step ? n_tiles : 1);
  rv_normalise_expect (model, n_tiles);
  rv_parallel_for (model->grid->ops->len, prepare_op, &all);
}

static gboolean
waits (const RvModel *model, uint32_t index)
{
  const RvGridOp *op = rv_grid_op (model->grid, index);
  return op->type == RV_GRID_NORMALISE && !op->normalisation.per_tile;
}

gboolean
rv_grid_in_step (const RvModel *model, gboolean training)
{
  for (uint32_t k = 0; model->grid && training && k < model->grid->ops->len; k++)
    if (waits (model, k))
      return TRUE;
  return FALSE;
}

static RvGridWorker *
worker_of (const RvModel *model, uint32_t worker)
{
  RvGridNet *net = model->grid;
  if (!net->workers[worker])
    net->workers[worker] = rv_grid_worker_new (model);
  return net->workers[worker];
}

/* A tile of so many samples in this place. */
static RvGridTile *
tile_of (const RvModel *model, uint32_t place, uint32_t samples)
{
  RvGridNet *net = model->grid;
  if (net->tiles[place] && net->tiles[place]->samples != samples)
    {
      rv_grid_tile_free (model, net->tiles[place]);
      net->tiles[place] = NULL;
    }
  if (!net->tiles[place])
    net->tiles[place] = rv_grid_tile_new (model, samples);
  return net->tiles[place];
}

/* ---- operations on one tile */

/* Rows of some columns, from panel to panel. */
static void
copy_columns (const float *from, uint32_t from_stride, float *to, uint32_t to_stride, uint32_t rows,
              uint32_t columns)
{
  for (uint32_t r = 0; r < rows; r++)
    memcpy (to + (size_t)r * to_stride, from + (size_t)r * from_stride, columns * sizeof (float));
}

/* A copy whose pixels lie further apart: there, or the way back of its gradient. */
static void
spread_forward (const RvModel *model, const RvGridOp *op, RvGridTile *tile, RvGridWorker *worker)
{
  const RvGridValue *in = rv_grid_value (model->grid, op->in), *out = rv_grid_value (model->grid, op->out);
  const uint32_t rows = rv_grid_rows (model, tile, out);
  float *floats = tile->values[op->out].floats; /* zero where no channel is, as it was allocated */
  const float *x = NULL;
  for (uint32_t pixel = 0; pixel < in->grid.height * in->grid.width; pixel++)
    {
      const RvPiece from = rv_grid_piece (in, pixel, 0), to = rv_grid_piece (out, pixel, 0);
      if (!x || from.column == from.panel)
        x = rv_grid_read (model, tile, worker, op->in, from.panel, 0);
      copy_columns (x + from.column - from.panel, from.stride,
                    floats + rv_grid_at (to.panel, rows) + to.column - to.panel, to.stride, rows,
                    in->grid.channels);
    }
}

static void
spread_backward (const RvModel *model, const RvGridOp *op, RvGridTile *tile, RvGridWorker *worker)
{
  const RvGridValue *in = rv_grid_value (model->grid, op->in), *out = rv_grid_value (model->grid, op->out);
  const uint32_t rows = rv_grid_rows (model, tile, out), each = RV_PANEL / in->apart,
                 pixels = in->grid.height * in->grid.width;
  for (uint32_t first = 0; first < pixels; first += each)
    {
      const RvPiece to = rv_grid_piece (in, first, 0);
      memset (worker->z, 0, sizeof (float) * rows * to.stride);
      for (uint32_t pixel = first; pixel < MIN (first + each, pixels); pixel++)
        {
          const RvPiece from = rv_grid_piece (out, pixel, 0);
          const float *g = rv_grid_given (model, tile, op->out, from.panel);
          if (g)
            copy_columns (g + from.column - from.panel, from.stride,
                          worker->z + rv_grid_piece (in, pixel, 0).column - to.panel, to.stride, rows,
                          in->grid.channels);
        }
      rv_grid_give (model, tile, worker, op->in, to.panel, worker->z, out->is_static, 0);
    }
  rv_grid_release (tile, op->out);
}

static void
copy_forward (const RvModel *model, const RvGridOp *op, RvGridTile *tile, RvGridWorker *worker)
{
  const RvGridValue *v = rv_grid_value (model->grid, op->out);
  const uint32_t rows = rv_grid_rows (model, tile, v);
  if (v->apart != rv_grid_value (model->grid, op->in)->apart)
    {
      spread_forward (model, op, tile, worker);
      return;
    }
  for (uint32_t panel = 0; panel < v->columns; panel += RV_PANEL)
    memcpy (tile->values[op->out].floats + rv_grid_at (panel, rows),
            rv_grid_read (model, tile, worker, op->in, panel, 0),
            sizeof (float) * rows * rv_panel_width (v->columns, panel));
}

static void
copy_backward (const RvModel *model, const RvGridOp *op, RvGridTile *tile, RvGridWorker *worker)
{
  const RvGridValue *v = rv_grid_value (model->grid, op->out);
  if (v->apart != rv_grid_value (model->grid, op->in)->apart)
    {
      spread_backward (model, op, tile, worker);
      return;
    }
  for (uint32_t panel = 0; panel < v->columns; panel += RV_PANEL)
    {
      float *g = rv_grid_given (model, tile, op->out, panel);
      if (g)
        rv_grid_give (model, tile, worker, op->in, panel, g, v->is_static, 0);
    }
  rv_grid_release (tile, op->out);
}

static void
forward_op (const RvModel *model, uint32_t index, RvGridTile *tile, RvGridWorker *worker)
{
  const RvGridOp *op = rv_grid_op (model->grid, index);
  RvSpent *spent = worker->spent ? worker->spent + (size_t)op->layer * RV_PHASES : NULL;
  const RvPhase phase = op->type == RV_GRID_CONVOLVE ? RV_PHASE_PROJECTION : RV_PHASE_NEURONS;
  const double began = rv_spent_begin (spent);
  worker->now = spent ? &spent[phase] : NULL;
  switch (op->type)
    {
    case RV_GRID_CONVOLVE:
      rv_convolve_forward (model, op, tile, worker);
      break;
    case RV_GRID_NORMALISE:
      if (tile->batch_statistics)
        rv_normalise_measure (model, index, tile, worker);
      break;
    case RV_GRID_POOL:
      rv_grid_pool_forward (model, op, tile, worker);
      break;
    case RV_GRID_FIRE:
      rv_grid_fire_forward (model, op, tile, worker);
      break;
    case RV_GRID_DROP:
      rv_grid_drop_forward (model, op, tile);
      break;
    case RV_GRID_COPY:
      copy_forward (model, op, tile, worker);
      break;
    case RV_GRID_ADD: /* made where it is read */
      break;
    }
  rv_spent_end (spent, phase, began, 0.0, 0.0);
}

/* What comes before a normalisation's own share is known is rv_normalise_sum; see backward_stage. */
static void
backward_op (const RvModel *model, uint32_t index, RvGridTile *tile, RvGridWorker *worker)
{
  const RvGridOp *op = rv_grid_op (model->grid, index);
  RvSpent *spent = worker->spent ? worker->spent + (size_t)op->layer * RV_PHASES : NULL;
  const RvPhase phase = op->type == RV_GRID_CONVOLVE ? RV_PHASE_WEIGHTS : RV_PHASE_ADJOINT;
  const double began = rv_spent_begin (spent);
  worker->now = spent ? &spent[phase] : NULL;
  switch (op->type)
    {
    case RV_GRID_CONVOLVE:
      rv_convolve_backward (model, op, tile, worker);
      break;
    case RV_GRID_NORMALISE:
      rv_normalise_backward (model, index, tile, worker);
      break;
    case RV_GRID_POOL:
      rv_grid_pool_backward (model, op, tile, worker);
      break;
    case RV_GRID_FIRE:
      rv_grid_fire_backward (model, op, tile, worker);
      break;
    case RV_GRID_COPY:
      copy_backward (model, op, tile, worker);
      break;
    case RV_GRID_DROP:
    case RV_GRID_ADD: /* their gradients went on as they came */
      break;
    }
  rv_spent_end (spent, phase, began, 0.0, 0.0);
}

/* ---- one tile by itself */

static RvGridTile *
open_tile (const RvJob *job, RvWork *work, uint32_t place, uint32_t index, uint32_t first, uint32_t n,
           float *gradient)
{
  const RvModel *model = job->model;
  RvGridTile *tile = tile_of (model, place, n);
  tile->index = index;
  tile->first = first;
  tile->parameters = job->parameters;
  tile->gradient = gradient;
  tile->batch_statistics = tile->drops = model->training && job->result;
  tile->input_gradient = job->input;
  tile->epoch = job->batch->epoch;
  tile->ids = job->batch->ids;
  tile->split = rv_dataset_spec (job->batch->data)->split;
  rv_grid_take (model, tile, &work->input);
  return tile;
}

void
rv_grid_forward (const RvJob *job, RvWork *work, uint32_t worker, uint32_t index, uint32_t first, uint32_t n,
                 float *gradient)
{
  const RvModel *model = job->model;
  RvGridWorker *own = worker_of (model, worker);
  RvGridTile *tile = open_tile (job, work, worker, index, first, n, gradient);
  for (uint32_t k = 0; k < model->grid->ops->len; k++)
    forward_op (model, k, tile, own);
  if (tile->batch_statistics)
    rv_normalise_note (model, tile);
  rv_grid_hand_on (model, tile, own, model->grid->output, job->samples, &work->shown, &work->input);
}

void
rv_grid_backward (const RvJob *job, RvWork *work, uint32_t worker)
{
  const RvModel *model = job->model;
  RvGridWorker *own = worker_of (model, worker);
  RvGridTile *tile = model->grid->tiles[worker];
  const RvGridValue *in = rv_grid_value (model->grid, 0);
  rv_grid_hand_back (model, tile, own, work->input_gradient, work->input.stride, job->samples);
  for (uint32_t k = model->grid->ops->len; k-- > 0;)
    {
      if (rv_grid_op (model->grid, k)->type == RV_GRID_NORMALISE
          && (tile->gradient || tile->batch_statistics))
        rv_normalise_sum (model, k, tile, own);
      backward_op (model, k, tile, own);
    }
  if (!job->input)
    return;
  if (!work->outer_gradient)
    work->outer_gradient = rv_aligned_alloc (sizeof (float) * (in->is_static ? 1 : model->steps) * model->tile
                                             * rv_row_stride (model->inputs));
  rv_grid_input_gradient (model, tile, work->outer_gradient, job->samples);
  rv_grid_release (tile, 0);
}

void
rv_grid_show (const RvJob *job, uint32_t worker, RvGridShown *shown, RvSignal *layers, RvSignal *membranes)
{
  const RvModel *model = job->model;
  for (uint32_t k = 0; k < model->head; k++)
    {
      RvGridTile *tile = model->grid->tiles[worker];
      const RvGridOp *op = membranes ? rv_grid_firing (model, k) : NULL;
      rv_grid_hand_on (model, tile, worker_of (model, worker), model->layers[k].value, job->samples,
                       &shown[2 * k], &layers[k]);
      if (op)
        rv_grid_fire_show (model, op, tile, worker_of (model, worker), job->samples, &shown[2 * k + 1],
                           &membranes[k]);
    }
}

/* ---- all tiles in step */

typedef struct
{
  const RvJob *job;
  uint32_t from, to; /* operations of the stage: forward from ... to - 1, backward the other way */
} Stage;

static void
forward_slot (void *self, uint32_t slot, uint32_t worker)
{
  const Stage *stage = self;
  const RvJob *job = stage->job;
  RvModel *model = job->model;
  RvGridWorker *own = worker_of (model, worker);
  RvWork *work = rv_job_work (job, worker);
  float *gradient = model->accumulators + slot * model->count;
  if (stage->from == 0)
    memset (gradient, 0, model->count * sizeof (float));
  for (uint32_t index = slot; index < job->n_tiles; index += job->n_slots)
    {
      const uint32_t first = index * job->samples, n = MIN (job->samples, job->batch->n - first);
      if (stage->from == 0)
        {
          if (!rv_work_read (work, model, job->batch, first, n, job->samples, FALSE, &job->errors[slot]))
            return;
          RvGridTile *tile = open_tile (job, work, index, index, first, n, gradient);
          memcpy (tile->labels, work->labels, sizeof tile->labels);
          memcpy (tile->lengths, work->lengths, sizeof tile->lengths);
        }
      RvGridTile *tile = model->grid->tiles[index];
      for (uint32_t k = stage->from; k < stage->to; k++)
        forward_op (model, k, tile, own);
      if (stage->to < model->grid->ops->len)
        continue;
      /* the layers that follow, there and back */
      memcpy (work->labels, tile->labels, sizeof tile->labels);
      memcpy (work->lengths, tile->lengths, sizeof tile->lengths);
      rv_normalise_note (model, tile);
      rv_grid_hand_on (model, tile, own, model->grid->output, job->samples, &work->shown, &work->input);
      rv_job_head (job, work, index, first, n, gradient);
      rv_grid_hand_back (model, tile, own, work->input_gradient, work->input.stride, job->samples);
    }
}

/* From the normalisation at the top of the stage, whose share is known, down to the sums of the next one. */
static void
backward_slot (void *self, uint32_t slot, uint32_t worker)
{
  const Stage *stage = self;
  const RvJob *job = stage->job;
  RvModel *model = job->model;
  RvGridWorker *own = worker_of (model, worker);
  for (uint32_t index = slot; index < job->n_tiles; index += job->n_slots)
    {
      RvGridTile *tile = model->grid->tiles[index];
      for (uint32_t k = stage->to; k-- > stage->from;)
        {
          if (rv_grid_op (model->grid, k)->type == RV_GRID_NORMALISE && !waits (model, k))
            rv_normalise_sum (model, k, tile, own);
          backward_op (model, k, tile, own);
        }
      if (stage->from > 0)
        rv_normalise_sum (model, stage->from - 1, tile, own);
    }
}

gboolean
rv_grid_run (const RvJob *job)
{
  RvModel *model = job->model;
  RvGridTile **tiles = model->grid->tiles;
  const uint32_t n = model->grid->ops->len;
  Stage stage = { .job = job };
  do
    {
      for (stage.to = stage.from + 1; stage.to < n && !waits (model, stage.to - 1);)
        stage.to++;
      rv_parallel_for (job->n_slots, forward_slot, &stage);
      for (uint32_t k = 0; k < job->n_slots; k++)
        if (job->errors[k])
          return FALSE;
      if (stage.to < n)
        rv_normalise_settle (model, stage.to - 1, job->parameters, tiles, job->n_tiles);
      stage.from = stage.to;
    }
  while (stage.from < n);
  for (stage.to = n; stage.to > 0; stage.to = stage.from)
    {
      stage.from = stage.to - 1; /* the last one is never a normalisation: see rv_grid_end */
      while (stage.from > 0 && !waits (model, stage.from - 1))
        stage.from--;
      rv_parallel_for (job->n_slots, backward_slot, &stage);
      if (stage.from > 0)
        rv_normalise_share (model, stage.from - 1, tiles, job->n_tiles, model->accumulators);
    }
  return TRUE;
}

/* ---- what others want to know */

void
rv_grid_profile (const RvModel *model, RvSpent *sum, double *all)
{
  for (uint32_t w = 0; model->grid && w < model->grid->n_workers; w++)
    {
      const RvSpent *spent = model->grid->workers[w] ? model->grid->workers[w]->spent : NULL;
      for (uint32_t k = 0; spent && k < model->n_layers * RV_PHASES; k++)
        {
          sum[k].seconds += spent[k].seconds;
          sum[k].bytes += spent[k].bytes;
          sum[k].operations += spent[k].operations;
          *all += spent[k].seconds;
        }
    }
}

size_t
rv_grid_bytes (const RvModel *model, uint32_t n_tiles, uint32_t samples)
{
  const uint32_t tiles = rv_grid_in_step (model, TRUE) ? n_tiles : MIN (n_tiles, rv_threads_get ());
  size_t tile = 0, most = 0;
  for (uint32_t k = 0; model->grid && k < model->grid->values->len; k++)
    {
      const RvGridValue *v = rv_grid_value (model->grid, (RvHandle)k);
      const size_t rows = (size_t)samples * (v->is_static ? 1 : model->steps);
      most = MAX (most, rows * v->columns * sizeof (float));
      if (v->stored)
        tile += rv_grid_has_bits (model, v) ? rows * v->columns / 8 : rows * v->columns * sizeof (float);
    }
  return tiles * (tile + 3 * most); /* gradients: of the value at hand, of the one below, of a shortcut */
}

char *
rv_grid_bad (const RvModel *model)
{
  const RvGridTile *tile = model->grid && model->grid->n_tiles ? model->grid->tiles[0] : NULL;
  for (uint32_t k = 0; tile && k < model->grid->values->len; k++)
    {
      const RvGridValue *v = rv_grid_value (model->grid, (RvHandle)k);
      const float *floats = tile->values[k].floats;
      for (size_t l = 0; floats && l < (size_t)rv_grid_rows (model, tile, v) * v->columns; l++)
        if (!isfinite (floats[l]))
          return g_strdup_printf (
              "layer %u: %s is %s",
              v->producer < 0 ? 0 : rv_grid_op (model->grid, (uint32_t)v->producer)->layer,
              v->producer < 0 ? "its input" : "a value on its grid", isnan (floats[l]) ? "NaN" : "infinite");
    }
  return NULL;
}
