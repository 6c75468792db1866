/* The primitives of layers on one tile, backward: the adjoints of neurons and projections, panel by panel.
 * What the layer above hands down is made for the few steps that the neurons take at once, and the weight
 * gradient follows while the panel is still in cache. */
#include "engine/model.h"
#include "base/threads.h"
#include <string.h>

static const RvParameter *
parameter (const RvLayerPass *pass, RvHandle handle)
{
  return rv_parameter (pass->model, handle);
}

static gboolean
still (const RvLayerPass *pass)
{
  return pass->input->is_static && !pass->layer->step_by_step;
}

/* out [rows][width of the panel] (+)= weight^T g. Panel c of g begins at g + panel * c, its first row `skip`
 * rows further on; rows of out lie `stride` apart, 0: the width. */
static void
project_back (const RvLayerPass *from, RvHandle weight, const float *g, size_t panel, size_t skip,
              uint32_t rows, uint32_t column, float *out, size_t stride, gboolean add)
{
  const RvParameter *p = parameter (from, weight);
  const uint32_t width = rv_panel_width (rv_row_stride (p->inputs), column);
  const float *transposed
      = (p->outer ? from->model->outer : from->model->transposed) + p->transposed + (size_t)p->units * column;
  for (uint32_t c = 0; c < p->units; c += RV_PANEL)
    {
      const uint32_t w = rv_panel_width (p->stride, c);
      from->kernels->product (rows, MIN (w, p->units - c), width, g + panel * c + skip * w, w,
                              transposed + (size_t)c * width, width, out, stride ? stride : width,
                              add || c > 0);
    }
}

float *
rv_pass_handed_down (RvLayerPass *pass, uint32_t column, uint32_t t, uint32_t n)
{
  const uint32_t stride = pass->layer->stride, width = rv_panel_width (stride, column);
  const uint32_t samples = pass->samples, rows = n * samples;
  const RvLayerPass *upper = pass->upper;
  if (upper && upper->layer->n_rows)
    rv_rows_hand_down (upper, pass->upper_weight, t, n, column, pass->above);
  else if (upper)
    project_back (upper, pass->upper_weight, upper->current, (size_t)upper->room * upper->model->tile,
                  (size_t)(t - upper->base) * samples, rows, column, pass->above, 0, FALSE);
  else if (!pass->out_gradient)
    memset (pass->above, 0, (size_t)rows * width * sizeof (float));
  else
    {
      float *out = pass->out_gradient + (size_t)t * samples * stride + column;
      if (width == stride)
        return out;
      for (uint32_t r = 0; r < rows; r++)
        memcpy (pass->above + (size_t)r * width, out + (size_t)r * stride, width * sizeof (float));
    }
  return pass->above;
}

/* Adds dL/dspike of step t by way of the recurrent weight and dL/dcurrent of step t + 1. */
static void
feed_back (RvLayerPass *pass, uint32_t column, uint32_t t, float *gradient, gboolean add)
{
  if (t + 1 == pass->end)
    project_back (pass, pass->feedback, pass->carry, pass->model->tile, 0, pass->samples, column, gradient, 0,
                  add);
  else
    project_back (pass, pass->feedback, pass->current, (size_t)pass->room * pass->model->tile,
                  (size_t)(t + 1 - pass->base) * pass->samples, pass->samples, column, gradient, 0, add);
}

/* Slope and, if relaxed, spikes, recomputed from entry and current. A surrogate stays where the neuron's own
 * threshold is, where it fires above another one. */
static void
slopes (RvLayerPass *pass, const RvNeuronForward *run, uint32_t column)
{
  const RvLayer *layer = pass->layer;
  const void *self = layer->common->surrogate->self;
  const float *param[RV_NEURON_MAX_PARAMS];
  RvNeuronForward own = *run;
  if (layer->raised)
    {
      for (uint32_t k = 0; k < layer->variant->params; k++)
        param[k] = pass->model->own + layer->lane_offset + (size_t)k * layer->lanes
                   + (size_t)pass->model->tile * column;
      own.param = param;
    }
  layer->kernels->distance (layer->neuron->self, &own);
  layer->surrogate->slope[rv_isa ()](self, pass->z, pass->slope, run->steps * run->lanes);
  if (pass->model->relaxed && layer->raised)
    layer->kernels->distance (layer->neuron->self, run);
  if (pass->model->relaxed)
    layer->surrogate->fire (self, pass->z, pass->spike, run->steps * run->lanes);
}

/* Of the products that hand down the gradient of n steps of `lanes` lanes. */
static double
down_operations (const RvLayerPass *pass, uint32_t lanes, uint32_t n, gboolean feeds)
{
  const double above = pass->upper ? pass->upper->layer->units : 0.0, back = feeds ? pass->layer->units : 0.0;
  return 2.0 * n * lanes * (above + back);
}

/* The adjoint of the neurons of one panel. */
static void
adjoint_panel (RvLayerPass *pass, uint32_t column, uint32_t from, uint32_t to)
{
  const RvLayer *layer = pass->layer;
  const uint32_t lanes = pass->samples * rv_panel_width (layer->stride, column);
  const size_t at = (size_t)pass->model->tile * column;
  const gboolean fires = layer->variant->fires, is_still = still (pass),
                 feeds = pass->feedback != RV_NO_HANDLE;
  const float *param[RV_NEURON_MAX_PARAMS];
  gboolean learns = FALSE;
  float *param_gradient[RV_NEURON_MAX_PARAMS], *state_gradient[RV_NEURON_MAX_STATES],
      *entry[RV_NEURON_MAX_STATES];
  for (uint32_t k = 0; k < layer->variant->params; k++)
    {
      param[k] = pass->model->lanes + layer->lane_offset + (size_t)k * layer->lanes + at;
      param_gradient[k] = pass->param_gradient[k] + at;
      learns = learns || (pass->gradient && layer->learned[k] != RV_NO_HANDLE);
    }
  for (uint32_t k = 0; k < layer->variant->states; k++)
    state_gradient[k] = pass->state_gradient[k] + at;
  for (uint32_t end = to, n; end > from; end -= n)
    {
      n = MIN (RV_AT_ONCE / lanes, end - from);
      const uint32_t t = end - n;
      for (uint32_t k = 0; k < layer->variant->states; k++)
        entry[k] = rv_pass_rows (pass, pass->entry[k], column, t);
      float *current = is_still ? pass->still + at : rv_pass_rows (pass, pass->current, column, t);
      RvNeuronForward run = { .lanes = lanes,
                              .steps = n,
                              .stride = lanes,
                              .current_is_static = is_still,
                              .param = param,
                              .entry = entry,
                              .current = current,
                              .z = pass->z };
      double began = rv_spent_begin (pass->spent);
      float *above = rv_pass_handed_down (pass, column, t, n);
      if (feeds)
        feed_back (pass, column, t, layer->reads_membrane ? pass->fed_back : above, !layer->reads_membrane);
      rv_spent_end (pass->spent, RV_PHASE_DOWN, began, 0.0, down_operations (pass, lanes, n, feeds));
      began = rv_spent_begin (pass->spent);
      if (fires)
        slopes (pass, &run, column);
      RvNeuronBackward back = { .lanes = lanes,
                                .steps = n,
                                .stride = lanes,
                                .current_is_static = is_still,
                                .detach_reset = layer->common->detach_reset,
                                .param = param,
                                .entry = (const float *const *)entry,
                                .current = current,
                                .slope = fires ? pass->slope : pass->zeros,
                                .slope_stride = fires ? lanes : 0,
                                .spike = fires && pass->model->relaxed ? pass->spike : NULL,
                                .spike_gradient = !layer->reads_membrane ? above
                                                  : feeds                ? pass->fed_back
                                                                         : NULL,
                                .membrane_gradient = layer->reads_membrane ? above : NULL,
                                .current_gradient = is_still ? pass->still_gradient + at : current,
                                .state_gradient = state_gradient,
                                .param_gradient = learns ? param_gradient : NULL };
      layer->kernels->backward (layer->neuron->self, &back);
      rv_spent_end (pass->spent, RV_PHASE_ADJOINT, began,
                    (double)n * lanes * (2 + layer->variant->states) * sizeof (float), 0.0);
    }
}

void
rv_pass_settle_backward (RvLayerPass *pass)
{
  for (uint32_t c = 0; pass->waiting.to > pass->waiting.from && c < pass->layer->stride; c += RV_PANEL)
    adjoint_panel (pass, c, pass->waiting.from, pass->waiting.to);
  pass->waiting = (RvProjection){ 0 };
}

void
rv_pass_recurrent_adjoint (RvLayerPass *pass, RvHandle weight, uint32_t t)
{
  rv_pass_settle_backward (pass);
  pass->feedback = t + 1 < pass->model->steps ? weight : RV_NO_HANDLE;
}

void
rv_pass_fire_adjoint (RvLayerPass *pass, uint32_t from, uint32_t to)
{
  rv_pass_settle_backward (pass);
  pass->waiting = (RvProjection){ .from = from, .to = to };
  if (pass->layer->step_by_step)
    rv_pass_settle_backward (pass);
  pass->feedback = RV_NO_HANDLE;
}

/* ---- weight gradients */

/* The spikes of n rows from `first` by unit: of the network's input they were sorted when it was read;
 * others are sorted once for all panels, unless a panel fits the first cache: NULL then. */
static const RvSorted *
sorted_of (RvLayerPass *pass, const RvParameter *p, const RvSignal *in, uint32_t first, uint32_t n)
{
  for (uint32_t k = 0; in == pass->input && k < pass->n_given; k++)
    if (pass->given[k].first == first && pass->given[k].n == n)
      return &pass->given[k];
  if (!rv_sorts (p->inputs, p->stride))
    return NULL;
  RvSorted *own = in == pass->input ? &pass->sorted_input : &pass->sorted_output;
  if (own->n != n || own->first != first)
    rv_sorted_make (own, in, first, n);
  return own;
}

/* Both sparse ways add the rows of a unit in ascending order, so that the choice between them changes no
 * bit. */
void
rv_pass_weight_gradient (RvLayerPass *pass, const RvParameter *p, const RvSignal *in, uint32_t first,
                         uint32_t n, uint32_t column, const float *g)
{
  const uint32_t width = rv_panel_width (p->stride, column);
  if (!pass->gradient)
    return;
  float *gradient = pass->gradient + p->offset + (size_t)column * p->inputs;
  const double began = rv_spent_begin (pass->spent);
  const uint64_t *bits = rv_pass_bits (pass, in, first, width);
  const RvSorted *sorted = in->offsets && !bits ? sorted_of (pass, p, in, first, n) : NULL;
  if (!in->offsets)
    pass->kernels->product_adjoint (n, p->inputs, width, in->dense + first * in->stride, in->stride, g, width,
                                    gradient, width);
  else if (bits)
    pass->kernels->scatter_bits (gradient, width, p->inputs, bits, n, g);
  else if (sorted)
    pass->kernels->collect (gradient, width, p->inputs, sorted->starts, sorted->rows,
                            in->values ? sorted->values : NULL, g);
  else
    pass->kernels->scatter (gradient, width, in->offsets + first, in->ids, in->values, n, g, width);
  rv_spent_end (pass->spent, RV_PHASE_WEIGHTS, began,
                in->offsets ? (double)(in->offsets[first + n] - in->offsets[first]) * width * sizeof (float)
                            : 0.0,
                in->offsets ? 0.0 : 2.0 * n * in->units * width);
}

/* dL/dinput of steps from ... to-1, row by row: W^T dL/dcurrent. Of an input that does not change, for all
 * steps at once: W^T of the sum of dL/dcurrent, once the first step is there. */
static void
input_gradient (RvLayerPass *pass, RvHandle weight, uint32_t from, uint32_t to)
{
  const gboolean is_static = pass->input->is_static;
  const uint32_t samples = pass->samples, rows = (is_static ? 1 : to - from) * samples;
  const size_t stride = rv_row_stride (pass->layer->inputs),
               panel = (size_t)pass->model->tile * (is_static ? 1 : pass->room),
               skip = is_static ? 0 : (size_t)(from - pass->base) * samples;
  const float *g = is_static ? pass->still_gradient : pass->current;
  float *out = pass->input_gradient + (is_static ? 0 : from * samples * stride);
  if (is_static && from > 0)
    return;
  for (uint32_t c = 0; c < stride; c += RV_PANEL)
    project_back (pass, weight, g, panel, skip, rows, c, out + c, stride, FALSE);
}

void
rv_pass_input_adjoint (RvLayerPass *pass, RvHandle weight, RvHandle bias, uint32_t from, uint32_t to)
{
  const RvParameter *p = parameter (pass, weight);
  const RvLayer *layer = pass->layer;
  const uint32_t samples = pass->samples;
  const gboolean waits = pass->waiting.from == from && pass->waiting.to == to;
  if (!waits)
    rv_pass_settle_backward (pass);
  for (uint32_t c = 0; c < layer->stride; c += RV_PANEL)
    {
      const uint32_t width = rv_panel_width (layer->stride, c);
      if (waits)
        adjoint_panel (pass, c, from, to);
      const float *g = rv_pass_rows (pass, pass->current, c, from);
      uint32_t n = (to - from) * samples, first = from * samples;
      if (pass->input->is_static)
        {
          float *sum = pass->still_gradient + (size_t)pass->model->tile * c;
          if (layer->step_by_step)
            pass->kernels->add_rows (sum, g, to - from, samples * width, samples * width);
          if (from > 0)
            continue;
          g = sum; /* the sum over all steps meets the input once */
          n = samples;
          first = 0;
        }
      rv_pass_weight_gradient (pass, p, pass->input, first, n, c, g);
      if (pass->gradient && bias != RV_NO_HANDLE)
        pass->kernels->add_rows (pass->gradient + parameter (pass, bias)->offset + c, g, n, width, width);
    }
  pass->waiting = (RvProjection){ 0 };
  if (pass->input_gradient)
    input_gradient (pass, weight, from, to);
  if (pass->lower)
    {
      pass->lower->upper = pass;
      pass->lower->upper_weight = weight;
    }
}

void
rv_pass_recurrent_gradient (RvLayerPass *pass, RvHandle weight, uint32_t from, uint32_t to)
{
  rv_pass_settle_backward (pass);
  const uint32_t first = MAX (from, 1);
  for (uint32_t c = 0; first < to && c < pass->layer->stride; c += RV_PANEL)
    rv_pass_weight_gradient (pass, parameter (pass, weight), &pass->output, (first - 1) * pass->samples,
                             (to - first) * pass->samples, c, rv_pass_rows (pass, pass->current, c, first));
}

void
rv_pass_carry (RvLayerPass *pass, uint32_t from)
{
  for (uint32_t c = 0; pass->layer->step_by_step && c < pass->layer->stride; c += RV_PANEL)
    memcpy (pass->carry + (size_t)pass->model->tile * c, rv_pass_rows (pass, pass->current, c, from),
            (size_t)pass->samples * rv_panel_width (pass->layer->stride, c) * sizeof (float));
}

void
rv_pass_end (RvLayerPass *pass)
{
  const RvLayer *layer = pass->layer;
  for (uint32_t k = 0; pass->gradient && k < layer->variant->params; k++)
    {
      if (layer->learned[k] == RV_NO_HANDLE)
        continue;
      const RvParameter *p = parameter (pass, layer->learned[k]);
      const RvTrainable *t
          = (const void *)((const char *)layer->neuron->self + layer->variant->param_offsets[k]);
      const float *values = pass->model->lanes + layer->lane_offset + (size_t)k * layer->lanes;
      for (uint32_t n = 0; n < layer->units; n++)
        {
          double sum = 0.0;
          for (uint32_t s = 0; s < pass->samples; s++)
            sum += pass->param_gradient[k][rv_lane (layer, s, n)];
          if (t->unit_interval) /* d sigmoid / d raw = x (1 - x) */
            sum *= (double)values[rv_lane (layer, 0, n)] * (1.0 - values[rv_lane (layer, 0, n)]);
          pass->gradient[p->offset + (p->type == RV_PARAMETER_SHARED ? 0 : n)] += (float)sum;
        }
    }
}
