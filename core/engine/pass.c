/* The primitives of layers on one tile, forward: projections and neurons, panel by panel. A projection of the
 * input waits until the neurons take it, so that a panel of currents is read while it is still in cache. */
#include "engine/model.h"
#include "base/threads.h"
#include <string.h>

static const RvParameter *
parameter (const RvLayerPass *pass, RvHandle handle)
{
  return rv_parameter (pass->model, handle);
}

/* Bytes of weights that a sparse product reads for n rows from `first`; 0 if it is dense. */
static double
bytes_of (const RvSignal *in, uint32_t first, uint32_t n, uint32_t width)
{
  return in->offsets ? (double)(in->offsets[first + n] - in->offsets[first]) * width * sizeof (float) : 0.0;
}

static double
operations_of (const RvSignal *in, uint32_t n, uint32_t width)
{
  return in->offsets ? 0.0 : 2.0 * n * in->units * width;
}

void
rv_pass_project (const RvLayerPass *pass, RvPhase phase, const RvParameter *p, const float *bias,
                 const RvSignal *in, uint32_t first, uint32_t n, uint32_t column, float *out, size_t stride)
{
  const uint32_t width = rv_panel_width (p->stride, column);
  const float *weight = pass->parameters + p->offset + (size_t)column * p->inputs;
  const double began = rv_spent_begin (pass->spent);
  const uint64_t *bits = bias && stride == width ? rv_pass_bits (pass, in, first, width) : NULL;
  if (bits)
    pass->kernels->gather_bits (weight, width, p->inputs, bits, n, bias + column, out);
  else if (in->offsets)
    pass->kernels->gather (weight, width, in->offsets + first, in->ids, in->values, n,
                           bias ? bias + column : NULL, out, stride);
  else
    {
      for (uint32_t r = 0; bias && r < n; r++)
        memcpy (out + r * stride, bias + column, width * sizeof (float));
      pass->kernels->product (n, p->inputs, width, in->dense + first * in->stride, in->stride, weight, width,
                              out, stride, TRUE);
    }
  rv_spent_end (pass->spent, phase, began, bytes_of (in, first, n, width), operations_of (in, n, width));
}

/* The same with rows as wide as the panel. */
static void
project (const RvLayerPass *pass, RvPhase phase, const RvParameter *p, const float *bias, const RvSignal *in,
         uint32_t first, uint32_t n, uint32_t column, float *out)
{
  rv_pass_project (pass, phase, p, bias, in, first, n, column, out, rv_panel_width (p->stride, column));
}

static const float *
bias_of (const RvLayerPass *pass, RvHandle bias)
{
  return bias == RV_NO_HANDLE ? pass->zeros : pass->parameters + parameter (pass, bias)->offset;
}

/* The projection that waits, for one panel. */
static void
project_waiting (RvLayerPass *pass, uint32_t column)
{
  const RvProjection *w = &pass->waiting;
  const RvParameter *p = parameter (pass, w->weight);
  const float *bias = bias_of (pass, w->bias);
  const uint32_t samples = pass->samples, row = samples * rv_panel_width (p->stride, column);
  if (!pass->input->is_static)
    {
      project (pass, RV_PHASE_PROJECTION, p, bias, pass->input, w->from * samples,
               (w->to - w->from) * samples, column, rv_pass_rows (pass, pass->current, column, w->from));
      return;
    }
  float *still = pass->still + (size_t)pass->model->tile * column;
  if (w->from == 0) /* what does not change is multiplied once */
    project (pass, RV_PHASE_PROJECTION, p, bias, pass->input, 0, samples, column, still);
  if (pass->layer->step_by_step)
    for (uint32_t t = w->from; t < w->to; t++)
      memcpy (rv_pass_rows (pass, pass->current, column, t), still, row * sizeof (float));
}

void
rv_pass_settle_forward (RvLayerPass *pass)
{
  for (uint32_t c = 0; pass->waiting.to > pass->waiting.from && c < pass->layer->stride; c += RV_PANEL)
    project_waiting (pass, c);
  pass->waiting = (RvProjection){ 0 };
}

void
rv_pass_project_input (RvLayerPass *pass, RvHandle weight, RvHandle bias, uint32_t from, uint32_t to)
{
  rv_pass_settle_forward (pass);
  pass->waiting = (RvProjection){ weight, bias, from, to };
}

void
rv_pass_project_recurrent (RvLayerPass *pass, RvHandle weight, uint32_t t)
{
  rv_pass_settle_forward (pass);
  const RvParameter *p = parameter (pass, weight);
  for (uint32_t c = 0; t > 0 && c < p->stride; c += RV_PANEL)
    project (pass, RV_PHASE_RECURRENCE, p, NULL, &pass->output, (t - 1) * pass->samples, pass->samples, c,
             rv_pass_rows (pass, pass->current, c, t));
}

static gboolean
still (const RvLayerPass *pass)
{
  return pass->input->is_static && !pass->layer->step_by_step;
}

/* The bits of the panel that begins with `column`, for steps from `from` on. */
static uint64_t *
bits_of (const RvLayerPass *pass, uint32_t column, uint32_t from, uint32_t to)
{
  return pass->bits
         + (rv_keeps_bits (pass->layer) ? from : (size_t)(column / RV_PANEL) * (to - from)) * pass->samples;
}

/* Writes the ids of the units that fired, from the bits of all panels, for the rows of steps from ...
 * to-1. */
static void
collect_spikes (RvLayerPass *pass, uint32_t from, uint32_t to)
{
  const uint32_t n = (to - from) * pass->samples, panels = (pass->layer->stride + RV_PANEL - 1) / RV_PANEL;
  const uint64_t *bits = bits_of (pass, 0, from, to);
  uint32_t *offsets = pass->offsets + (size_t)from * pass->samples;
  for (uint32_t r = 0, few; r < n; r += few)
    {
      few = MIN (64, n - r);
      const size_t most = (size_t)offsets[r] + (size_t)few * pass->layer->units + RV_LIST_SLACK;
      if (most > pass->ids_room)
        {
          pass->ids_room = most + most / 2;
          pass->ids = g_realloc_n (pass->ids, pass->ids_room, sizeof (uint32_t));
          pass->output.ids = pass->ids;
        }
      pass->kernels->list (bits + r, panels, n, pass->layer->units, few, pass->ids, offsets + r);
    }
}

/* Rows of a panel to rows of all units. */
static void
copy_rows (const float *in, uint32_t n, uint32_t width, float *out, size_t stride)
{
  for (uint32_t r = 0; r < n; r++)
    memcpy (out + r * stride, in + (size_t)r * width, width * sizeof (float));
}

/* Relaxed: integrate, the surrogate's own smooth step, reset; one step. */
static void
fire_relaxed (RvLayerPass *pass, RvNeuronForward *run, uint32_t column)
{
  const RvLayer *layer = pass->layer;
  const uint32_t width = rv_panel_width (layer->stride, column);
  layer->kernels->integrate (layer->neuron->self, run);
  if (!layer->variant->fires)
    return;
  layer->surrogate->fire (layer->common->surrogate->self, run->z, pass->spike, run->lanes);
  for (uint32_t l = 0; l < run->lanes; l++) /* padding takes no part */
    if (column + l % width >= layer->units)
      pass->spike[l] = 0.0f;
  run->spike = pass->spike;
  layer->kernels->reset (layer->neuron->self, run);
}

/* What the readers see of n steps of a panel, row by row: the membrane or the spikes. */
static void
hand_on (RvLayerPass *pass, uint32_t column, uint32_t t, uint32_t n)
{
  const RvLayer *layer = pass->layer;
  const uint32_t width = rv_panel_width (layer->stride, column), rows = n * pass->samples;
  const size_t at = (size_t)t * pass->samples * layer->stride + column;
  const gboolean relaxed = pass->model->relaxed && layer->variant->fires;
  if (layer->reads_membrane && width < layer->stride)
    copy_rows (pass->above, rows, width, pass->out + at, layer->stride);
  else if (!layer->reads_membrane && relaxed)
    copy_rows (pass->spike, rows, width, pass->out + at, layer->stride);
  else if (!layer->reads_membrane)
    pass->kernels->mark (pass->z, width, rows, pass->out + at, layer->stride);
  if (pass->smooth && relaxed)
    copy_rows (pass->spike, rows, width, pass->smooth + at, layer->stride);
}

/* Where the neurons write the membrane: a layer of one panel has its rows in `out` as they are read. */
static float *
membrane_rows (const RvLayerPass *pass, uint32_t column, uint32_t t)
{
  const uint32_t stride = pass->layer->stride;
  if (!pass->layer->reads_membrane)
    return pass->watched ? pass->above : NULL;
  return rv_panel_width (stride, column) < stride ? pass->above
                                                  : pass->out + (size_t)t * pass->samples * stride;
}

/* The neurons of one panel. */
static void
fire_panel (RvLayerPass *pass, uint32_t column, uint32_t from, uint32_t to)
{
  const RvLayer *layer = pass->layer;
  const gboolean relaxed = pass->model->relaxed;
  const uint32_t width = rv_panel_width (layer->stride, column), samples = pass->samples,
                 lanes = samples * width;
  const uint32_t states = layer->variant->states, most = relaxed ? 1 : RV_AT_ONCE / lanes;
  const size_t at = (size_t)pass->model->tile * column;
  uint64_t *bits = bits_of (pass, column, from, to);
  const float *param[RV_NEURON_MAX_PARAMS];
  float *state[RV_NEURON_MAX_STATES], *entry[RV_NEURON_MAX_STATES];
  for (uint32_t k = 0; k < layer->variant->params; k++)
    param[k] = pass->model->lanes + layer->lane_offset + (size_t)k * layer->lanes + at;
  for (uint32_t k = 0; k < states; k++)
    state[k] = pass->state[k] + at;
  for (uint32_t t = from, n; t < to; t += n)
    {
      n = MIN (most, to - t);
      for (uint32_t k = 0; k < states; k++)
        entry[k] = rv_pass_rows (pass, pass->entry[k], column, t);
      RvNeuronForward run
          = { .lanes = lanes,
              .steps = n,
              .stride = lanes,
              .current_is_static = still (pass),
              .param = param,
              .state = state,
              .entry = pass->records ? entry : NULL,
              .current = still (pass) ? pass->still + at : rv_pass_rows (pass, pass->current, column, t),
              .z = pass->z,
              .membrane = membrane_rows (pass, column, t) };
      if (relaxed)
        fire_relaxed (pass, &run, column);
      else
        layer->kernels->forward (layer->neuron->self, &run);
      if (layer->variant->fires && !relaxed)
        pass->kernels->fired (pass->z, width, n * samples, layer->units - column,
                              bits + (size_t)(t - from) * samples);
      if (pass->out)
        hand_on (pass, column, t, n);
      if (pass->watched)
        copy_rows (pass->above, n * samples, width,
                   pass->watched + (size_t)t * samples * layer->stride + column, layer->stride);
    }
}

/* Currents and entry states of a panel. */
static double
state_bytes (const RvLayerPass *pass, uint32_t column, uint32_t steps)
{
  return (double)steps * pass->samples * rv_panel_width (pass->layer->stride, column)
         * (1 + pass->layer->variant->states) * sizeof (float);
}

void
rv_pass_fire (RvLayerPass *pass, uint32_t from, uint32_t to)
{
  const gboolean waits = pass->waiting.from == from && pass->waiting.to == to;
  if (!waits)
    rv_pass_settle_forward (pass);
  for (uint32_t c = 0; c < pass->layer->stride; c += RV_PANEL)
    {
      if (waits)
        project_waiting (pass, c);
      const double began = rv_spent_begin (pass->spent);
      fire_panel (pass, c, from, to);
      rv_spent_end (pass->spent, RV_PHASE_NEURONS, began, state_bytes (pass, c, to - from), 0.0);
    }
  pass->waiting = (RvProjection){ 0 };
  const double began = rv_spent_begin (pass->spent);
  if (pass->layer->variant->fires && !pass->model->relaxed)
    collect_spikes (pass, from, to);
  rv_spent_end (pass->spent, RV_PHASE_NEURONS, began, 0.0, 0.0);
}

void
rv_pass_save (RvLayerPass *pass, uint32_t index)
{
  rv_rows_save (pass, index);
  const size_t lanes = pass->layer->lanes;
  for (uint32_t k = 0; k < pass->layer->variant->states; k++)
    memcpy (pass->saved[k] + index * lanes, pass->state[k], lanes * sizeof (float));
}

void
rv_pass_restore (RvLayerPass *pass, uint32_t index)
{
  rv_rows_restore (pass, index);
  const size_t lanes = pass->layer->lanes;
  for (uint32_t k = 0; k < pass->layer->variant->states; k++)
    memcpy (pass->state[k], pass->saved[k] + index * lanes, lanes * sizeof (float));
}
