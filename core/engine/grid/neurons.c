/* Neurons on a grid, panel by panel with all steps at once: the current is made from what was kept, and so
 * is every state in the backward pass, so that nothing of the neurons is kept but their spikes. */
#include "engine/grid/grid.h"
#include <string.h>

/* Where learned or fixed numbers come from: [params][columns] of one sample. */
void
rv_grid_fire_prepare (const RvModel *model, RvGridOp *op, const float *parameters)
{
  const RvGridValue *v = rv_grid_value (model->grid, op->out);
  const RvLayer *layer = &op->neurons;
  const uint32_t pixels = v->grid.height * v->grid.width;
  const size_t n = (size_t)MAX (layer->variant->params, 1) * v->columns;
  if (!op->lanes)
    op->lanes = rv_aligned_alloc (n * sizeof (float));
  for (uint32_t k = 0; k < layer->variant->params; k++)
    for (uint32_t column = 0; column < v->columns; column++)
      {
        const uint32_t c = MIN (column % v->apart, v->grid.channels - 1),
                       pixel = MIN (column / v->apart, pixels - 1);
        op->lanes[(size_t)k * v->columns + column]
            = (float)rv_neuron_value (model, layer, k, c * pixels + pixel, parameters);
      }
  if (!layer->raised)
    return;
  if (!op->own)
    op->own = rv_aligned_alloc (n * sizeof (float));
  memcpy (op->own, op->lanes, n * sizeof (float));
  for (uint32_t column = 0; column < v->columns; column++)
    op->lanes[(size_t)rv_threshold_of (layer) * v->columns + column] = (float)layer->threshold;
}

/* One panel at work. */
typedef struct
{
  const RvGridValue *v, *in;
  uint32_t panel, width, lanes, steps;
  const float *param[RV_NEURON_MAX_PARAMS], *own[RV_NEURON_MAX_PARAMS];
  RvNeuronForward run;
} Panel;

static void
spread (const float *row, uint32_t width, uint32_t samples, float *out)
{
  for (uint32_t s = 0; s < samples; s++)
    memcpy (out + (size_t)s * width, row, width * sizeof (float));
}

/* A membrane that starts uniformly in [0, 1): by recording and unit. */
static void
start_uniform (const RvModel *model, const RvGridOp *op, const RvGridTile *tile, const Panel *p, float *state)
{
  const uint32_t pixels = p->v->grid.height * p->v->grid.width;
  const RvStream stream
      = rv_stream_fork (rv_stream_new (model->seed, op->path, "start", tile->split), tile->epoch);
  for (uint32_t s = 0; s < tile->samples; s++)
    {
      const RvStream own = rv_stream_fork (stream, tile->ids ? tile->ids[tile->first + s] : tile->first + s);
      for (uint32_t j = 0; j < p->width; j++)
        {
          const uint32_t c = (p->panel + j) % p->v->apart, pixel = (p->panel + j) / p->v->apart;
          state[(size_t)s * p->width + j] = c < p->v->grid.channels && pixel < pixels
                                                ? rv_stream_uniform (own, c * pixels + pixel)
                                                : 0.0f;
        }
    }
}

static void
begin (const RvModel *model, const RvGridOp *op, RvGridTile *tile, RvGridWorker *worker, uint32_t panel,
       gboolean backward, Panel *p)
{
  const RvLayer *layer = &op->neurons;
  p->v = rv_grid_value (model->grid, op->out);
  p->in = rv_grid_value (model->grid, op->in);
  p->panel = panel;
  p->width = rv_panel_width (p->v->columns, panel);
  p->lanes = tile->samples * p->width;
  p->steps = model->steps;
  for (uint32_t k = 0; k < layer->variant->params; k++)
    {
      const size_t at = (size_t)k * p->v->columns + panel;
      spread (op->lanes + at, p->width, tile->samples, worker->param[k]);
      p->param[k] = p->own[k] = worker->param[k];
      if (!layer->raised)
        continue;
      spread (op->own + at, p->width, tile->samples, worker->own[k]);
      p->own[k] = worker->own[k];
    }
  for (uint32_t k = 0; k < layer->variant->states; k++)
    memset (worker->state[k], 0, p->lanes * sizeof (float));
  if (layer->common->start == RV_START_UNIFORM)
    start_uniform (model, op, tile, p, worker->state[layer->variant->membrane]);
  p->run = (RvNeuronForward){ .lanes = p->lanes,
                              .steps = p->steps,
                              .stride = p->lanes,
                              .current_is_static = p->in->is_static,
                              .param = p->param,
                              .state = worker->state,
                              .entry = backward ? worker->entry : NULL,
                              .current = rv_grid_read (model, tile, worker, op->in, panel, 0),
                              .z = worker->z };
}

/* Relaxed: the surrogate's own smooth step, to worker->spike, one step after the other. */
static void
run_relaxed (const RvGridOp *op, RvGridWorker *worker, const Panel *p, float *membrane)
{
  const RvLayer *layer = &op->neurons;
  float *entry[RV_NEURON_MAX_STATES];
  for (uint32_t t = 0; t < p->steps; t++)
    {
      RvNeuronForward run = p->run;
      const size_t at = (size_t)t * p->lanes;
      for (uint32_t k = 0; k < layer->variant->states; k++)
        entry[k] = worker->entry[k] + at;
      run.steps = 1;
      run.entry = run.entry ? entry : NULL;
      run.current += p->in->is_static ? 0 : at;
      run.z += at;
      run.membrane = membrane ? membrane + at : NULL;
      layer->kernels->integrate (layer->neuron->self, &run);
      if (!layer->variant->fires)
        continue;
      float *spike = worker->spike + at;
      layer->surrogate->fire (layer->common->surrogate->self, run.z, spike, p->lanes);
      for (uint32_t l = 0; l < p->lanes; l++) /* padding takes no part */
        if ((p->panel + l % p->width) % p->v->apart >= p->v->grid.channels)
          spike[l] = 0.0f;
      run.spike = spike;
      layer->kernels->reset (layer->neuron->self, &run);
    }
}

/* Bits of the columns of a panel that are channels. */
static uint64_t
there (const RvGridValue *v, uint32_t panel, uint32_t width)
{
  uint64_t mask = 0;
  for (uint32_t j = 0; j < width; j++)
    mask |= (uint64_t)((panel + j) % v->apart < v->grid.channels) << j;
  return mask;
}

void
rv_grid_fire_forward (const RvModel *model, const RvGridOp *op, RvGridTile *tile, RvGridWorker *worker)
{
  const RvLayer *layer = &op->neurons;
  const RvGridValue *v = rv_grid_value (model->grid, op->out);
  RvGridRoom *room = &tile->values[op->out];
  const uint32_t rows = rv_grid_rows (model, tile, v);
  for (uint32_t panel = 0; panel < v->columns; panel += RV_PANEL)
    {
      Panel p;
      begin (model, op, tile, worker, panel, FALSE, &p);
      float *out = room->floats ? room->floats + rv_grid_at (panel, rows) : NULL;
      if (!layer->variant->fires)
        p.run.membrane = out;
      if (model->relaxed)
        run_relaxed (op, worker, &p, layer->variant->fires ? NULL : out);
      else
        layer->kernels->forward (layer->neuron->self, &p.run);
      if (layer->variant->fires && model->relaxed)
        memcpy (out, worker->spike, sizeof (float) * rows * p.width);
      else if (layer->variant->fires)
        {
          uint64_t *bits = room->bits + (size_t)(panel / RV_PANEL) * rows;
          const uint64_t mask = there (v, panel, p.width);
          rv_kernels ()->fired (worker->z, p.width, rows, p.width, bits);
          for (uint32_t r = 0; mask != UINT64_MAX && r < rows; r++)
            bits[r] &= mask;
        }
    }
}

void
rv_grid_fire_show (const RvModel *model, const RvGridOp *op, RvGridTile *tile, RvGridWorker *worker,
                   uint32_t samples, RvGridShown *shown, RvSignal *signal)
{
  const RvGridValue *v = rv_grid_value (model->grid, op->out);
  float *dense = rv_grid_shown_dense (model, v, shown),
        *membrane = worker->panel[2]; /* the current takes two */
  for (uint32_t panel = 0; panel < v->columns; panel += RV_PANEL)
    {
      Panel p;
      begin (model, op, tile, worker, panel, FALSE, &p);
      p.run.membrane = membrane;
      if (model->relaxed)
        run_relaxed (op, worker, &p, membrane);
      else
        op->neurons.kernels->forward (op->neurons.neuron->self, &p.run);
      rv_grid_place (v, tile, panel, membrane, rv_grid_rows (model, tile, v), samples, dense);
    }
  const uint32_t units = v->grid.channels * v->grid.height * v->grid.width;
  *signal = (RvSignal){
    .steps = model->steps, .samples = samples, .units = units, .stride = rv_row_stride (units), .dense = dense
  };
}

/* The gradients of learned numbers of a panel, to the accumulator. */
static void
learn (const RvModel *model, const RvGridOp *op, const RvGridTile *tile, RvGridWorker *worker, const Panel *p)
{
  const RvLayer *layer = &op->neurons;
  const uint32_t pixels = p->v->grid.height * p->v->grid.width;
  for (uint32_t k = 0; k < layer->variant->params; k++)
    {
      if (layer->learned[k] == RV_NO_HANDLE)
        continue;
      const RvParameter *q = rv_parameter (model, layer->learned[k]);
      const RvTrainable *t
          = (const void *)((const char *)layer->neuron->self + layer->variant->param_offsets[k]);
      for (uint32_t j = 0; j < p->width; j++)
        {
          const uint32_t c = (p->panel + j) % p->v->apart, pixel = (p->panel + j) / p->v->apart;
          double sum = 0.0;
          if (c >= p->v->grid.channels || pixel >= pixels)
            continue;
          for (uint32_t s = 0; s < tile->samples; s++)
            sum += worker->param_gradient[k][(size_t)s * p->width + j];
          if (t->unit_interval) /* d sigmoid / d raw = x (1 - x) */
            sum *= (double)p->param[k][j] * (1.0 - p->param[k][j]);
          tile->gradient[q->offset + (q->type == RV_PARAMETER_SHARED ? 0 : c * pixels + pixel)] += (float)sum;
        }
    }
}

void
rv_grid_fire_backward (const RvModel *model, const RvGridOp *op, RvGridTile *tile, RvGridWorker *worker)
{
  const RvLayer *layer = &op->neurons;
  const RvGridValue *v = rv_grid_value (model->grid, op->out);
  const gboolean fires = layer->variant->fires;
  gboolean learns = FALSE;
  for (uint32_t k = 0; k < layer->variant->params; k++)
    learns = learns || (tile->gradient && layer->learned[k] != RV_NO_HANDLE);
  const gboolean in_place = rv_grid_pass_room (model, tile, op->out, op->in);
  for (uint32_t panel = 0; panel < v->columns; panel += RV_PANEL)
    {
      float *place = rv_grid_given (model, tile, in_place ? op->in : op->out, panel);
      const float *given = place;
      Panel p;
      if (!place)
        continue;
      begin (model, op, tile, worker, panel, TRUE, &p);
      if (in_place)
        given = memcpy (worker->panel[1], place, sizeof (float) * p.steps * p.lanes);
      if (model->relaxed)
        run_relaxed (op, worker, &p, NULL);
      else
        layer->kernels->forward (layer->neuron->self, &p.run);
      if (fires)
        {
          RvNeuronForward own = p.run;
          own.param = p.own;
          own.state = NULL;
          layer->kernels->distance (layer->neuron->self, &own);
          layer->surrogate->slope[rv_isa ()](layer->common->surrogate->self, worker->z, worker->slope,
                                             p.steps * p.lanes);
        }
      for (uint32_t k = 0; k < layer->variant->states; k++)
        memset (worker->state_gradient[k], 0, p.lanes * sizeof (float));
      for (uint32_t k = 0; learns && k < layer->variant->params; k++)
        memset (worker->param_gradient[k], 0, p.lanes * sizeof (float));
      float *g = in_place ? place : worker->z; /* distances are spent */
      if (p.in->is_static)
        memset (g, 0, p.lanes * sizeof (float));
      RvNeuronBackward back = { .lanes = p.lanes,
                                .steps = p.steps,
                                .stride = p.lanes,
                                .current_is_static = p.in->is_static,
                                .detach_reset = layer->common->detach_reset,
                                .param = p.param,
                                .entry = (const float *const *)worker->entry,
                                .current = p.run.current,
                                .slope = fires ? worker->slope : worker->zeros,
                                .slope_stride = fires ? p.lanes : 0,
                                .spike = fires && model->relaxed ? worker->spike : NULL,
                                .spike_gradient = fires ? given : NULL,
                                .membrane_gradient = fires ? NULL : given,
                                .current_gradient = g,
                                .state_gradient = worker->state_gradient,
                                .param_gradient = learns ? worker->param_gradient : NULL };
      layer->kernels->backward (layer->neuron->self, &back);
      if (learns)
        learn (model, op, tile, worker, &p);
      if (!in_place)
        rv_grid_give (model, tile, worker, op->in, panel, g, p.in->is_static, 0);
    }
  rv_grid_release (tile, op->out);
}
