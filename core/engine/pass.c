/* The primitives of layers on one tile: projections, neurons, and their adjoints. Row r = t * RV_TILE + s
 * of an array [T][lanes] starts at r * stride. */
#include "engine/model.h"
#include "base/threads.h"
#include <string.h>

static const RvParameter *
parameter (const RvLayerPass *pass, RvHandle handle)
{
  return rv_parameter (pass->model, handle);
}

/* out rows (+)= weight * in, for rows first ... first + n - 1 of `in`; bias NULL: adds. */
static void
project (const RvLayerPass *pass, const RvParameter *p, const float *bias, const RvSignal *in, uint32_t first,
         uint32_t n, float *out)
{
  const float *weight = pass->parameters + p->offset;
  for (uint32_t c = 0; c < p->stride; c += RV_PANEL)
    {
      const uint32_t width = MIN (RV_PANEL, p->stride - c);
      const float *panel = weight + (size_t) c * p->inputs;
      if (in->offsets)
        {
          pass->kernels->gather (panel, width, in->offsets + first, in->ids, in->values, n,
                                 bias ? bias + c : NULL, out + c, p->stride);
          continue;
        }
      for (uint32_t r = 0; bias && r < n; r++)
        memcpy (out + (size_t) r * p->stride + c, bias + c, width * sizeof (float));
      pass->kernels->product (n, p->inputs, width, in->dense + first * in->stride, in->stride, panel, width,
                              out + c, p->stride, TRUE);
    }
}

static void
project_gradient (RvLayerPass *pass, const RvParameter *p, const RvSignal *in, uint32_t first, uint32_t n,
                  const float *g)
{
  float *gradient = pass->gradient + p->offset;
  for (uint32_t c = 0; c < p->stride; c += RV_PANEL)
    {
      const uint32_t width = MIN (RV_PANEL, p->stride - c);
      float *panel = gradient + (size_t) c * p->inputs;
      if (in->offsets)
        pass->kernels->scatter (panel, width, in->offsets + first, in->ids, in->values, n, g + c, p->stride);
      else
        pass->kernels->product_adjoint (n, p->inputs, width, in->dense + first * in->stride, in->stride,
                                        g + c, p->stride, panel, width);
    }
}

static const float *
bias_of (const RvLayerPass *pass, RvHandle bias)
{
  return bias == RV_NO_HANDLE ? pass->zeros : pass->parameters + parameter (pass, bias)->offset;
}

void
rv_pass_project_input (RvLayerPass *pass, RvHandle weight, RvHandle bias, uint32_t from, uint32_t to)
{
  const RvParameter *p = parameter (pass, weight);
  const uint32_t lanes = pass->layer->lanes;
  if (!pass->input->is_static)
    {
      project (pass, p, bias_of (pass, bias), pass->input, from * RV_TILE, (to - from) * RV_TILE,
               pass->current + (size_t) from * lanes);
      return;
    }
  if (from == 0) /* what does not change is multiplied once */
    project (pass, p, bias_of (pass, bias), pass->input, 0, RV_TILE, pass->still);
  if (pass->layer->step_by_step)
    for (uint32_t t = from; t < to; t++)
      memcpy (pass->current + (size_t) t * lanes, pass->still, lanes * sizeof (float));
}

void
rv_pass_project_recurrent (RvLayerPass *pass, RvHandle weight, uint32_t t)
{
  if (t == 0)
    return;
  const RvParameter *p = parameter (pass, weight);
  project (pass, p, NULL, &pass->output, (t - 1) * RV_TILE, RV_TILE,
           pass->current + (size_t)t * pass->layer->lanes);
}

static gboolean
still (const RvLayerPass *pass)
{
  return pass->input->is_static && !pass->layer->step_by_step;
}

static void
room_for_ids (RvLayerPass *pass, size_t n)
{
  if (n <= pass->ids_room)
    return;
  pass->ids_room = MAX (n, 2 * pass->ids_room);
  pass->ids = g_realloc_n (pass->ids, pass->ids_room, sizeof (uint32_t));
  pass->output.ids = pass->ids;
}

/* Appends the ids of the units whose z is above zero, for the rows of step t. */
static void
collect_spikes (RvLayerPass *pass, uint32_t t, const float *z)
{
  const RvLayer *layer = pass->layer;
  uint32_t count = pass->offsets[t * RV_TILE];
  room_for_ids (pass, count + (size_t) RV_TILE * layer->units);
  for (uint32_t s = 0; s < RV_TILE; s++)
    {
      count += pass->kernels->fired (z + s * layer->stride, layer->units, pass->ids + count);
      pass->offsets[t * RV_TILE + s + 1] = count;
    }
}

/* Relaxed: integrate, the surrogate's own smooth step, reset; one step. */
static void
fire_relaxed (RvLayerPass *pass, RvNeuronForward *run, uint32_t t, float *out)
{
  const RvLayer *layer = pass->layer;
  layer->kernels->integrate (layer->neuron->self, run);
  if (!layer->variant->fires)
    return;
  layer->surrogate->fire (layer->common->surrogate->self, run->z, pass->spike, layer->lanes);
  for (uint32_t l = 0; l < layer->lanes; l++) /* padding takes no part */
    if (l % layer->stride >= layer->units)
      pass->spike[l] = 0.0f;
  if (pass->smooth)
    memcpy (pass->smooth + (size_t)t * layer->lanes, pass->spike, layer->lanes * sizeof (float));
  else if (!layer->reads_membrane)
    memcpy (out, pass->spike, layer->lanes * sizeof (float));
  run->spike = pass->spike;
  layer->kernels->reset (layer->neuron->self, run);
}

void
rv_pass_fire (RvLayerPass *pass, uint32_t from, uint32_t to)
{
  const RvLayer *layer = pass->layer;
  const uint32_t lanes = layer->lanes, states = layer->variant->states;
  const uint32_t most = pass->model->relaxed ? 1 : RV_SUBSTEPS;
  const float *param[RV_NEURON_MAX_PARAMS];
  for (uint32_t k = 0; k < layer->variant->params; k++)
    param[k] = pass->model->lanes + layer->lane_offset + (size_t) k * lanes;
  for (uint32_t t = from, n; t < to; t += n)
    {
      n = MIN (most, to - t);
      float *entry[RV_NEURON_MAX_STATES];
      for (uint32_t k = 0; k < states; k++)
        entry[k] = pass->entry[k] + (size_t) t * lanes;
      float *out = layer->dense_output || pass->model->relaxed ? pass->out + (size_t) t * lanes : NULL;
      RvNeuronForward run = { .lanes = lanes, .steps = n, .stride = lanes, .current_is_static = still (pass),
                              .param = param, .state = pass->state, .entry = pass->gradient ? entry : NULL,
                              .current = still (pass) ? pass->still : pass->current + (size_t) t * lanes,
                              .z = pass->z, .membrane = out && layer->reads_membrane ? out : NULL };
      if (pass->model->relaxed)
        {
          fire_relaxed (pass, &run, t, out);
          continue;
        }
      layer->kernels->forward (layer->neuron->self, &run);
      for (uint32_t k = 0; k < n && layer->variant->fires; k++)
        collect_spikes (pass, t + k, pass->z + (size_t) k * lanes);
      for (size_t l = 0; out && !run.membrane && l < (size_t) n * lanes; l++)
        out[l] = pass->z[l] > 0.0f ? 1.0f : 0.0f;
    }
}

void
rv_pass_recurrent_adjoint (RvLayerPass *pass, RvHandle weight, uint32_t t)
{
  if (t + 1 >= pass->model->steps)
    return;
  const RvParameter *p = parameter (pass, weight);
  const RvLayer *layer = pass->layer;
  float *gradient = pass->spike_gradient ? pass->spike_gradient : pass->out_gradient;
  pass->kernels->product (RV_TILE, p->units, layer->stride, pass->current + (size_t) (t + 1) * layer->lanes,
                          layer->stride, pass->model->transposed + p->transposed, layer->stride,
                          gradient + (size_t) t * layer->lanes, layer->stride, TRUE);
}

/* Slope and, if relaxed, spikes of n steps from t, recomputed from entry and current. */
static void
slopes (RvLayerPass *pass, uint32_t n, const RvNeuronForward *run)
{
  const RvLayer *layer = pass->layer;
  const void *self = layer->common->surrogate->self;
  layer->kernels->distance (layer->neuron->self, run);
  layer->surrogate->slope[rv_isa ()] (self, pass->z, pass->slope, n * layer->lanes);
  if (pass->model->relaxed)
    layer->surrogate->fire (self, pass->z, pass->spike, n * layer->lanes);
}

void
rv_pass_fire_adjoint (RvLayerPass *pass, uint32_t from, uint32_t to)
{
  const RvLayer *layer = pass->layer;
  const uint32_t lanes = layer->lanes;
  const gboolean fires = layer->variant->fires;
  const float *param[RV_NEURON_MAX_PARAMS];
  for (uint32_t k = 0; k < layer->variant->params; k++)
    param[k] = pass->model->lanes + layer->lane_offset + (size_t) k * lanes;
  for (uint32_t end = to, n; end > from; end -= n)
    {
      n = MIN (RV_SUBSTEPS, end - from);
      const size_t at = (size_t) (end - n) * lanes;
      float *entry[RV_NEURON_MAX_STATES];
      for (uint32_t k = 0; k < layer->variant->states; k++)
        entry[k] = pass->entry[k] + at;
      float *current = still (pass) ? pass->still : pass->current + at;
      RvNeuronForward run = { .lanes = lanes, .steps = n, .stride = lanes, .current_is_static = still (pass),
                              .param = param, .entry = entry, .current = current, .z = pass->z };
      if (fires)
        slopes (pass, n, &run);
      RvNeuronBackward back = { .lanes = lanes,
                                .steps = n,
                                .stride = lanes,
                                .current_is_static = still (pass),
                                .detach_reset = layer->common->detach_reset,
                                .param = param,
                                .entry = (const float *const *)entry,
                                .current = current,
                                .slope = fires ? pass->slope : pass->zeros,
                                .slope_stride = fires ? lanes : 0,
                                .spike = fires && pass->model->relaxed ? pass->spike : NULL,
                                .spike_gradient = pass->spike_gradient   ? pass->spike_gradient + at
                                                  : layer->reads_membrane ? NULL
                                                                          : pass->out_gradient + at,
                                .membrane_gradient = layer->reads_membrane ? pass->out_gradient + at : NULL,
                                .current_gradient = still (pass) ? pass->still_gradient : current,
                                .state_gradient = pass->state_gradient,
                                .param_gradient = pass->param_gradient };
      layer->kernels->backward (layer->neuron->self, &back);
    }
}

static void
add_rows (float *sum, const float *rows, uint32_t n, size_t stride, uint32_t width)
{
  for (uint32_t r = 0; r < n; r++)
    for (uint32_t l = 0; l < width; l++)
      sum[l] += rows[r * stride + l];
}

void
rv_pass_input_adjoint (RvLayerPass *pass, RvHandle weight, RvHandle bias, uint32_t from, uint32_t to)
{
  const RvParameter *p = parameter (pass, weight);
  const RvLayer *layer = pass->layer;
  const float *g = pass->current + (size_t) from * layer->lanes;
  uint32_t n = (to - from) * RV_TILE, first = from * RV_TILE;
  if (pass->input_gradient)
    {
      const uint32_t stride = rv_row_stride (p->inputs);
      pass->kernels->product (n, p->units, stride, g, layer->stride, pass->model->transposed + p->transposed,
                              stride, pass->input_gradient + (size_t)first * stride, stride, FALSE);
    }
  if (pass->input->is_static)
    {
      if (layer->step_by_step)
        add_rows (pass->still_gradient, g, to - from, layer->lanes, layer->lanes);
      if (from > 0)
        return;
      g = pass->still_gradient; /* the sum over all steps meets the input once */
      n = RV_TILE;
      first = 0;
    }
  project_gradient (pass, p, pass->input, first, n, g);
  if (bias != RV_NO_HANDLE)
    add_rows (pass->gradient + parameter (pass, bias)->offset, g, n, layer->stride, layer->units);
}

void
rv_pass_recurrent_gradient (RvLayerPass *pass, RvHandle weight, uint32_t from, uint32_t to)
{
  const uint32_t first = MAX (from, 1);
  if (first >= to)
    return;
  project_gradient (pass, parameter (pass, weight), &pass->output, (first - 1) * RV_TILE,
                    (to - first) * RV_TILE, pass->current + (size_t)first * pass->layer->lanes);
}

void
rv_pass_end (RvLayerPass *pass)
{
  const RvLayer *layer = pass->layer;
  for (uint32_t k = 0; k < layer->variant->params; k++)
    {
      if (layer->learned[k] == RV_NO_HANDLE)
        continue;
      const RvParameter *p = parameter (pass, layer->learned[k]);
      const RvTrainable *t
          = (const void *)((const char *)layer->neuron->self + layer->variant->param_offsets[k]);
      const float *values = pass->model->lanes + layer->lane_offset + (size_t) k * layer->lanes;
      for (uint32_t n = 0; n < layer->units; n++)
        {
          double sum = 0.0;
          for (uint32_t s = 0; s < RV_TILE; s++)
            sum += pass->param_gradient[k][s * layer->stride + n];
          if (t->unit_interval) /* d sigmoid / d raw = x (1 - x) */
            sum *= (double) values[n] * (1.0 - values[n]);
          pass->gradient[p->offset + (p->type == RV_PARAMETER_SHARED ? 0 : n)] += (float) sum;
        }
    }
}
