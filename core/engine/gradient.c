/* Running batches: tiles over workers, fixed accumulators, sums as a fixed tree. */
#include "engine/job.h"
#include "base/threads.h"
#include <string.h>

/* Steps of a block, by shape alone. Where blocks are run again, as many as there are blocks. */
uint32_t
rv_block_steps (const RvModel *model)
{
  uint32_t block = MAX (RV_ROWS / model->tile, 1);
  if (model->block)
    block = model->block;
  else if (model->checkpoint)
    block = MIN (block, (uint32_t)ceil (sqrt (model->steps)));
  return MIN (block, MAX (model->steps, 1));
}

uint32_t
rv_tile_samples (const RvModel *model, uint32_t n)
{
  const uint32_t fair = (n + model->tile - 1) / model->tile, least = MIN (model->tile, 8);
  const uint32_t tiles = MAX (MIN ((fair + 3) / 4 * 4, (n + least - 1) / least), 1);
  return MIN (model->tile, ((n + tiles - 1) / tiles + model->grain - 1) / model->grain * model->grain);
}

static void
forward_block (const RvJob *job, RvWork *work, uint32_t from)
{
  const RvModel *model = job->model;
  for (uint32_t k = model->head; k < model->n_layers; k++)
    {
      const RvInstance *layer = model->layers[k].instance;
      const RvLayerClass *class = layer->plugin->functions;
      RvLayerPass *pass = &work->passes[k];
      pass->base = model->checkpoint ? from : 0;
      const RvRest rest = rv_rows_rest_begin (pass);
      class->forward (layer->self, pass, from, MIN (from + job->block, model->steps));
      rv_rows_rest_end (pass, RV_PHASE_NEURONS, rest);
      rv_pass_settle_forward (pass);
    }
}

void
rv_job_forward (const RvJob *job, RvWork *work)
{
  const RvModel *model = job->model;
  for (uint32_t from = 0; from < model->steps; from += job->block)
    {
      for (uint32_t k = model->head; model->checkpoint && k < model->n_layers; k++)
        rv_pass_save (&work->passes[k], from / job->block);
      forward_block (job, work, from);
    }
}

static void
backward_block (const RvJob *job, RvWork *work, uint32_t from)
{
  const RvModel *model = job->model;
  for (uint32_t k = model->n_layers; k-- > model->head;)
    {
      const RvInstance *layer = model->layers[k].instance;
      const RvLayerClass *class = layer->plugin->functions;
      RvLayerPass *pass = &work->passes[k];
      pass->end = MIN (from + job->block, model->steps);
      const RvRest rest = rv_rows_rest_begin (pass);
      class->backward (layer->self, pass, from, pass->end);
      rv_rows_rest_end (pass, RV_PHASE_ADJOINT, rest);
      rv_pass_settle_backward (pass);
      rv_pass_carry (pass, from);
    }
}

void
rv_job_backward (const RvJob *job, RvWork *work)
{
  const RvModel *model = job->model;
  const uint32_t blocks = (model->steps + job->block - 1) / job->block;
  for (uint32_t b = blocks; b-- > 0;)
    {
      const gboolean again = model->checkpoint && b + 1 < blocks;
      for (uint32_t k = model->head; again && k < model->n_layers; k++)
        rv_pass_restore (&work->passes[k], b);
      if (again)
        forward_block (job, work, b * job->block);
      backward_block (job, work, b * job->block);
    }
  for (uint32_t k = model->head; k < model->n_layers; k++)
    rv_pass_end (&work->passes[k]);
}

static uint32_t
largest (const float *scores, uint32_t n)
{
  uint32_t best = 0;
  for (uint32_t k = 1; k < n; k++)
    if (scores[k] > scores[best])
      best = k;
  return best;
}

/* Decodes, prices and, for the backward pass, seeds the gradient of every sample of a tile. */
void
rv_job_judge (const RvJob *job, RvWork *work, uint32_t tile, uint32_t n)
{
  const RvModel *model = job->model;
  const RvLayerPass *last = &work->passes[model->n_layers - 1];
  const RvDecoderClass *decoder = model->decoder->plugin->functions;
  const RvLossClass *loss = model->loss->plugin->functions;
  const size_t stride = (size_t)last->samples * last->layer->stride;
  const size_t row = (size_t)model->decisions * model->classes;
  const float scale = job->input ? 1.0f : 1.0f / (float)job->batch->n;
  const uint32_t *targets = job->targets ? job->targets + (size_t)tile * job->samples : NULL;
  double sum = 0.0;
  uint64_t correct = 0, decided = 0;
  gboolean padded = n < last->samples; /* what no decoder writes is zero */
  for (uint32_t s = 0; s < n; s++)
    padded |= work->lengths[s] < model->steps;
  if (job->backward && (padded || last->layer->step_by_step))
    memset (last->out_gradient, 0, model->steps * stride * sizeof (float));
  for (uint32_t s = 0; s < n; s++)
    {
      const float *out = last->out + s * last->layer->stride;
      float *scores = work->scores + s * row;
      const uint32_t steps = work->lengths[s];
      const uint32_t decisions
          = steps == model->steps ? model->decisions : decoder->decisions (model->decoder->self, steps, NULL);
      work->taken[s] = decisions;
      work->losses[s] = 0.0;
      decided += decisions;
      if (decisions == 0)
        continue;
      decoder->decode (model->decoder->self, steps, model->classes, stride, out, scores);
      for (uint32_t d = 0; d < decisions; d++)
        {
          float *g = job->backward ? work->scores_gradient + d * model->classes : NULL;
          const double price = loss->value (model->loss->self, model->classes, scores + d * model->classes,
                                            targets ? targets[s] : work->labels[s], g);
          sum += price;
          work->losses[s] += price;
          correct += largest (scores + d * model->classes, model->classes) == work->labels[s];
          for (uint32_t c = 0; g && c < model->classes; c++)
            g[c] *= scale;
        }
      if (job->backward)
        decoder->adjoint (model->decoder->self, steps, model->classes, stride, out, work->scores_gradient,
                          last->out_gradient + s * last->layer->stride);
    }
  job->loss[tile] = sum;
  job->correct[tile] = correct;
  job->decided[tile] = decided;
}

static void
observe (const RvJob *job, const RvWork *work, const RvSignal *input, uint32_t slot, uint32_t worker,
         uint32_t first, uint32_t n)
{
  const RvModel *model = job->model;
  RvSignal input_gradient = *input;
  input_gradient.offsets = input_gradient.ids = NULL;
  input_gradient.values = NULL;
  input_gradient.dense = model->grid ? work->outer_gradient : work->input_gradient;
  g_autofree RvSignal *layers = g_new (RvSignal, model->n_layers);
  g_autofree RvSignal *membranes = job->observer->membranes ? g_new0 (RvSignal, model->n_layers) : NULL;
  g_autofree RvGridShown *shown = g_new0 (RvGridShown, 2 * model->head + 1);
  uint32_t ids[RV_TILE];
  rv_grid_show (job, worker, shown, layers, membranes);
  for (uint32_t k = model->head; k < model->n_layers; k++)
    {
      const RvLayerPass *pass = &work->passes[k];
      layers[k] = pass->output;
      if (!membranes)
        continue;
      membranes[k] = layers[k];
      membranes[k].offsets = membranes[k].ids = NULL;
      membranes[k].dense = pass->layer->reads_membrane ? pass->out : pass->watched;
    }
  for (uint32_t s = 0; s < n; s++)
    ids[s] = job->batch->ids ? job->batch->ids[first + s] : first + s;
  RvTileView view = { .slot = slot,
                      .samples = n,
                      .ids = ids,
                      .labels = work->labels,
                      .decisions = model->decisions,
                      .classes = model->classes,
                      .scores = work->scores,
                      .input = input,
                      .layers = layers,
                      .steps = work->lengths,
                      .taken = work->taken,
                      .first = first,
                      .losses = work->losses,
                      .input_gradient = job->input ? &input_gradient : NULL,
                      .membranes = membranes };
  job->observer->tile (job->observer->self, &view);
  for (uint32_t k = 0; k < 2 * model->head; k++)
    rv_grid_shown_clear (&shown[k]);
}

/* For dL/dinput: every layer records, the first one hands on. */
static void
ask_input (RvWork *work, const RvModel *model)
{
  const uint32_t steps = work->input.is_static ? 1 : model->steps;
  if (!work->input_gradient)
    work->input_gradient = rv_aligned_alloc (steps * model->tile * work->input.stride * sizeof (float));
  for (uint32_t k = model->head; k < model->n_layers; k++)
    work->passes[k].records = TRUE;
  work->passes[model->head].input_gradient = work->input_gradient;
}

RvWork *
rv_job_work (const RvJob *job, uint32_t worker)
{
  RvModel *model = job->model;
  if (!model->work[worker])
    model->work[worker] = rv_work_new (model);
  return model->work[worker];
}

void
rv_job_head (const RvJob *job, RvWork *work, uint32_t tile, uint32_t first, uint32_t n, float *gradient)
{
  const RvModel *model = job->model;
  rv_work_begin (work, model, job->batch, first, n, job->samples, job->parameters, gradient);
  if (job->input || (job->backward && model->grid))
    ask_input (work, model);
  rv_work_watch (work, model, job->observer && job->observer->membranes);
  rv_job_forward (job, work);
  const double began = rv_spent_begin (work->spent);
  rv_job_judge (job, work, tile, n);
  rv_spent_end (work->spent, RV_PHASE_JUDGING, began, 0.0, 0.0);
  if (job->backward)
    rv_job_backward (job, work);
}

/* All tiles of one slot, in ascending order: tile = slot, slot + n_slots, ... */
static void
run_slot (void *self, uint32_t slot, uint32_t worker)
{
  const RvJob *job = self;
  RvModel *model = job->model;
  RvWork *work = rv_job_work (job, worker);
  float *gradient = job->result ? model->accumulators + slot * model->count : NULL;
  if (gradient)
    memset (gradient, 0, model->count * sizeof (float));
  for (uint32_t tile = slot; tile < job->n_tiles; tile += job->n_slots)
    {
      const uint32_t first = tile * job->samples, n = MIN (job->samples, job->batch->n - first);
      const double began = rv_spent_begin (work->spent);
      if (!rv_work_read (work, model, job->batch, first, n, job->samples, gradient != NULL,
                         &job->errors[slot]))
        return;
      rv_spent_end (work->spent, RV_PHASE_READING, began, 0.0, 0.0);
      const RvSignal input = work->input;
      if (model->grid)
        rv_grid_forward (job, work, worker, tile, first, n, gradient);
      rv_job_head (job, work, tile, first, n, gradient);
      if (model->grid && job->backward)
        rv_grid_backward (job, work, worker);
      if (job->observer)
        observe (job, work, &input, slot, worker, first, n);
    }
}

#define SUM_RANGE 4096

/* The accumulators of a range of parameters, summed as a fixed tree. */
static void
sum_range (void *self, uint32_t index, uint32_t worker)
{
  const RvJob *job = self;
  const size_t count = job->model->count, from = (size_t)index * SUM_RANGE, n = MIN (SUM_RANGE, count - from);
  for (uint32_t step = 1; step < job->n_slots; step *= 2)
    for (uint32_t k = 0; k + step < job->n_slots; k += 2 * step)
      {
        float *a = job->model->accumulators + k * count + from;
        const float *b = job->model->accumulators + (k + step) * count + from;
        for (size_t l = 0; l < n; l++)
          a[l] += b[l];
      }
  memcpy (job->result + from, job->model->accumulators + from, n * sizeof (float));
}

static void
prepare_workers (RvModel *model)
{
  const uint32_t n = rv_threads_get ();
  if (n <= model->n_work)
    return;
  model->work = g_renew (RvWork *, model->work, n);
  memset (model->work + model->n_work, 0, (n - model->n_work) * sizeof (RvWork *));
  model->n_work = n;
}

/* Few accumulators for large networks: 16 up to a million parameters, 8 above; and no more than there are
 * tiles. */
static uint32_t
slots_of (const RvModel *model, uint32_t n_tiles)
{
  return CLAMP (n_tiles, 1, model->count <= (1u << 20) ? RV_TILE_SLOTS : RV_TILE_SLOTS / 2);
}

/* What is asked for stands in `job`. */
static gboolean
run_batch (RvJob job, RvScore *score, GError **error)
{
  RvModel *model = job.model;
  const RvBatch *batch = job.batch;
  const uint32_t samples = rv_tile_samples (model, batch->n),
                 n_tiles = (batch->n + samples - 1) / MAX (samples, 1);
  const uint32_t n_slots = slots_of (model, n_tiles);
  g_autofree double *loss = g_new0 (double, n_tiles + 1);
  g_autofree uint64_t *correct = g_new0 (uint64_t, n_tiles + 1), *decided = g_new0 (uint64_t, n_tiles + 1);
  GError *errors[RV_TILE_SLOTS] = { NULL };
  if (!job.parameters)
    job.parameters = model->values;
  job.backward = job.result || job.input;
  job.samples = samples;
  job.n_tiles = n_tiles;
  job.n_slots = n_slots;
  job.block = rv_block_steps (model);
  job.loss = loss;
  job.correct = correct;
  job.decided = decided;
  job.errors = errors;
  const gboolean in_step = job.result && rv_grid_in_step (model, model->training);
  prepare_workers (model);
  rv_model_prepare (model, job.parameters, job.input);
  rv_grid_prepare (model, job.parameters, job.backward, in_step, n_tiles);
  if (job.result && model->n_accumulators < n_slots)
    {
      rv_aligned_free (model->accumulators);
      model->accumulators = rv_aligned_alloc (n_slots * model->count * sizeof (float));
      model->n_accumulators = n_slots;
    }
  if (in_step)
    rv_grid_run (&job);
  else
    rv_parallel_for (n_slots, run_slot, &job);
  gboolean ok = TRUE;
  for (uint32_t k = 0; k < n_slots; k++)
    if (errors[k] && ok)
      {
        g_propagate_error (error, errors[k]);
        ok = FALSE;
      }
    else
      g_clear_error (&errors[k]);
  if (ok && job.result && model->grid && model->training)
    rv_normalise_finish (model, n_tiles);
  const double began = rv_spent_begin (model->spent);
  if (ok && job.result)
    rv_parallel_for ((uint32_t)((model->count + SUM_RANGE - 1) / SUM_RANGE), sum_range, &job);
  rv_spent_end (model->spent, RV_PHASE_SUMS, began, 0.0, 0.0);
  RvScore sum = { .samples = batch->n };
  for (uint32_t k = 0; k < n_tiles; k++)
    {
      sum.loss += loss[k];
      sum.correct += correct[k];
      sum.decisions += decided[k];
    }
  sum.loss /= MAX (batch->n, 1);
  if (score)
    *score = sum;
  return ok;
}

gboolean
rv_model_evaluate (const RvModel *model, const float *parameters, const RvBatch *batch,
                   const RvObserver *observer, RvScore *score, GError **error)
{
  const RvJob job
      = { .model = (RvModel *)model, .parameters = parameters, .batch = batch, .observer = observer };
  return run_batch (job, score, error);
}

gboolean
rv_model_gradient (const RvModel *model, const float *parameters, const RvBatch *batch, float *gradient,
                   RvScore *score, GError **error)
{
  const RvJob job
      = { .model = (RvModel *)model, .parameters = parameters, .batch = batch, .result = gradient };
  return run_batch (job, score, error);
}

gboolean
rv_model_input_gradient (const RvModel *model, const float *parameters, const RvBatch *batch,
                         const uint32_t *targets, const RvObserver *observer, RvScore *score, GError **error)
{
  const RvJob job = { .model = (RvModel *)model,
                      .parameters = parameters,
                      .batch = batch,
                      .observer = observer,
                      .targets = targets,
                      .input = TRUE };
  for (uint32_t k = 0; targets && k < batch->n; k++)
    if (targets[k] >= model->classes)
      {
        g_set_error (error, RV_ERROR, RV_ERROR_SHAPE, "target %u of sample %u is none of %u classes",
                     targets[k], batch->ids ? batch->ids[k] : k, model->classes);
        return FALSE;
      }
  return run_batch (job, score, error);
}

/* What a network typically has: a quarter of the hidden neurons fire at a step, and a twentieth of the
 * inputs. */
#define HIDDEN_SHARE 0.25
#define INPUT_SHARE 0.05

size_t
rv_model_memory (const RvModel *model, const RvInstance *optimizer, uint32_t batch)
{
  const RvOptimizerClass *class = optimizer->plugin->functions;
  const uint32_t samples = rv_tile_samples (model, batch),
                 slots = slots_of (model, (batch + samples - 1) / samples);
  RvWork *work = rv_work_new (model);
  const double rows = (double)model->steps * samples;
  double each = (double)rv_work_bytes (model, work);
  rv_work_free (model, work);
  each += INPUT_SHARE * rows * model->inputs * 4 * sizeof (uint32_t); /* as read, by row, by unit */
  for (uint32_t k = model->head; k < model->n_layers; k++)
    each += HIDDEN_SHARE * rows * model->layers[k].units * sizeof (uint32_t);
  /* values, gradient, what the optimizer remembers, and the accumulators */
  const double vectors = 2.0 + class->slots (optimizer->self) + slots;
  return (size_t)(each * MIN (rv_threads_get (), slots)
                  + rv_grid_bytes (model, (batch + samples - 1) / samples, samples)
                  + sizeof (float) * (vectors * model->count + model->transposed_count + model->lanes_count));
}
