/* Layers without neurons: rows of numbers of their own, the products between them and what they hand on.
 * Rows lie row by row, step after step; those of the step before the first that is kept stand in front. Of
 * the output all steps are kept, as others see them. */
#include "engine/model.h"
#include <math.h>
#include <string.h>

static const RvParameter *
parameter (const RvLayerPass *pass, RvHandle handle)
{
  return rv_parameter (pass->model, handle);
}

/* The first step that is kept of rows k, and how many. */
static uint32_t
base_of (const RvLayerPass *pass, uint32_t k)
{
  return (RvHandle)k == pass->layer->output ? 0 : pass->base;
}

/* Rows of step t; one step before the first is there too. */
static float *
at (const RvLayerPass *pass, RvHandle rows, int64_t t)
{
  const size_t stride = pass->layer->rows[rows].stride;
  return pass->rows[rows] + pass->model->tile * stride
         + (t - base_of (pass, (uint32_t)rows)) * (int64_t)(pass->samples * stride);
}

float *
rv_rows_at (const RvLayerPass *pass, RvHandle rows, int64_t t, size_t *stride)
{
  if (stride)
    *stride = pass->layer->rows[rows].stride;
  return at (pass, rows, t);
}

float *
rv_rows_gradient (const RvLayerPass *pass, RvHandle rows)
{
  return pass->rows_gradient[rows];
}

uint32_t
rv_pass_samples (const RvLayerPass *pass)
{
  return pass->samples;
}

void
rv_rows_new (RvLayerPass *pass, uint32_t blocks, float *(*room) (RvLayerPass *pass, size_t bytes))
{
  const RvModel *model = pass->model;
  const RvLayer *layer = pass->layer;
  uint32_t widest = 0;
  for (uint32_t k = 0; k < layer->n_rows; k++)
    {
      const gboolean is_output = (RvHandle)k == layer->output;
      const size_t step = sizeof (float) * model->tile * layer->rows[k].stride;
      pass->rows[k] = room (pass, step * (1 + (is_output ? model->steps : pass->room)));
      if (layer->rows[k].recalled)
        pass->rows_gradient[k] = room (pass, step);
      if (layer->rows[k].recalled && !is_output && model->checkpoint)
        pass->saved_rows[k] = room (pass, step * blocks);
      widest = MAX (widest, layer->rows[k].stride);
    }
  pass->out = pass->rows[layer->output] + (size_t)model->tile * layer->stride;
  pass->packed = room (pass, sizeof (float) * pass->room * model->tile * RV_PANEL);
  pass->summed = room (pass, sizeof (float) * model->tile * widest);
}

void
rv_rows_begin (RvLayerPass *pass)
{
  for (uint32_t k = 0; k < pass->layer->n_rows; k++)
    if (pass->rows_gradient[k])
      memset (pass->rows_gradient[k], 0, sizeof (float) * pass->model->tile * pass->layer->rows[k].stride);
}

void
rv_rows_free (RvLayerPass *pass)
{
  for (uint32_t k = 0; k < pass->layer->n_rows; k++)
    {
      rv_aligned_free (pass->rows[k]);
      rv_aligned_free (pass->rows_gradient[k]);
      rv_aligned_free (pass->saved_rows[k]);
    }
  rv_aligned_free (pass->packed);
  rv_aligned_free (pass->summed);
  if (pass->layer->n_rows)
    pass->out = NULL; /* it was part of rows */
}

/* `base` is still that of the block before. */
void
rv_rows_save (RvLayerPass *pass, uint32_t index)
{
  for (uint32_t k = 0; k < pass->layer->n_rows; k++)
    if (pass->saved_rows[k])
      {
        const size_t n = (size_t)pass->model->tile * pass->layer->rows[k].stride;
        const size_t step = sizeof (float) * pass->samples * pass->layer->rows[k].stride;
        if (index > 0)
          memcpy (pass->saved_rows[k] + index * n, at (pass, (RvHandle)k, pass->base + pass->room - 1), step);
        else
          memset (pass->saved_rows[k], 0, step);
        memcpy (at (pass, (RvHandle)k, (int64_t)pass->base - 1), pass->saved_rows[k] + index * n, step);
      }
}

void
rv_rows_restore (RvLayerPass *pass, uint32_t index)
{
  for (uint32_t k = 0; k < pass->layer->n_rows; k++)
    if (pass->saved_rows[k])
      memcpy (at (pass, (RvHandle)k, (int64_t)pass->base - 1),
              pass->saved_rows[k] + (size_t)index * pass->model->tile * pass->layer->rows[k].stride,
              sizeof (float) * pass->samples * pass->layer->rows[k].stride);
}

/* ---- forward */

static const float *
bias_of (const RvLayerPass *pass, RvHandle bias)
{
  return pass->parameters + parameter (pass, bias)->offset;
}

void
rv_rows_project_input (RvLayerPass *pass, RvHandle weight, RvHandle bias, RvHandle rows, uint32_t from,
                       uint32_t to)
{
  const RvParameter *p = parameter (pass, weight);
  const size_t stride = pass->layer->rows[rows].stride;
  const uint32_t samples = pass->samples;
  const gboolean still = pass->input->is_static; /* multiplied once in a block */
  float *out = at (pass, rows, from);
  for (uint32_t c = 0; c < p->stride; c += RV_PANEL)
    rv_pass_project (pass, RV_PHASE_PROJECTION, p, bias_of (pass, bias), pass->input,
                     still ? 0 : from * samples, still ? samples : (to - from) * samples, c, out + c, stride);
  for (uint32_t t = from + 1; still && t < to; t++)
    memcpy (at (pass, rows, t), out, samples * stride * sizeof (float));
}

void
rv_rows_project (RvLayerPass *pass, RvHandle weight, RvHandle bias, RvHandle of, RvHandle rows, uint32_t t,
                 gboolean add)
{
  const RvParameter *p = parameter (pass, weight);
  const size_t stride = pass->layer->rows[rows].stride;
  const float *b = bias_of (pass, bias);
  const RvSignal before = { .units = p->inputs,
                            .stride = pass->layer->rows[of].stride,
                            .dense = at (pass, of, (int64_t)t - 1) };
  float *out = at (pass, rows, t);
  for (uint32_t s = 0; add && s < pass->samples; s++)
    for (uint32_t j = 0; j < p->stride; j++)
      out[s * stride + j] += b[j];
  for (uint32_t c = 0; c < p->stride; c += RV_PANEL)
    rv_pass_project (pass, RV_PHASE_RECURRENCE, p, add ? NULL : b, &before, 0, pass->samples, c, out + c,
                     stride);
}

/* ---- backward */

void
rv_rows_receive (RvLayerPass *pass, uint32_t t)
{
  const uint32_t stride = pass->layer->stride;
  const double began = rv_spent_begin (pass->spent);
  float *sum = pass->rows_gradient[pass->layer->output];
  for (uint32_t c = 0; c < stride; c += RV_PANEL)
    {
      const uint32_t width = rv_panel_width (stride, c);
      const float *from = rv_pass_handed_down (pass, c, t, 1);
      for (uint32_t s = 0; s < pass->samples; s++)
        for (uint32_t j = 0; j < width; j++)
          sum[(size_t)s * stride + c + j] += from[(size_t)s * width + j];
    }
  rv_spent_end (pass->spent, RV_PHASE_DOWN, began, 0.0,
                pass->upper ? 2.0 * pass->samples * stride * pass->upper->layer->units : 0.0);
}

/* out [n], `out_stride` apart, (+)= weight^T g, for one panel of the weight's inputs. */
static void
project_back (const RvLayerPass *pass, const RvParameter *p, const float *g, size_t stride, uint32_t n,
              uint32_t column, float *out, size_t out_stride, gboolean add)
{
  const uint32_t width = rv_panel_width (rv_row_stride (p->inputs), column);
  const float *transposed
      = (p->outer ? pass->model->outer : pass->model->transposed) + p->transposed + (size_t)p->units * column;
  pass->kernels->product (n, p->units, width, g, stride, transposed, width, out, out_stride, add);
}

void
rv_rows_hand_down (const RvLayerPass *pass, RvHandle weight, uint32_t t, uint32_t n, uint32_t column,
                   float *out)
{
  const RvParameter *p = parameter (pass, weight);
  project_back (pass, p, at (pass, pass->upper_rows, t), pass->layer->rows[pass->upper_rows].stride,
                n * pass->samples, column, out, rv_panel_width (rv_row_stride (p->inputs), column), FALSE);
}

void
rv_rows_adjoint (RvLayerPass *pass, RvHandle weight, RvHandle rows, RvHandle of, uint32_t t, gboolean add)
{
  const RvParameter *p = parameter (pass, weight);
  const uint32_t stride = pass->layer->rows[of].stride;
  const double began = rv_spent_begin (pass->spent);
  for (uint32_t c = 0; c < stride; c += RV_PANEL)
    project_back (pass, p, at (pass, rows, t), pass->layer->rows[rows].stride, pass->samples, c,
                  pass->rows_gradient[of] + c, stride, add);
  rv_spent_end (pass->spent, RV_PHASE_DOWN, began, 0.0, 2.0 * pass->samples * p->units * stride);
}

/* From n rows of `in` and of dL/drows g, `stride` apart. A panel of these is packed, so that it stays in
 * cache. */
static void
gradients (RvLayerPass *pass, RvHandle weight, RvHandle bias, const RvSignal *in, uint32_t first, uint32_t n,
           const float *g, size_t stride)
{
  const RvParameter *p = parameter (pass, weight), *b = parameter (pass, bias);
  for (uint32_t c = 0; pass->gradient && c < p->stride; c += RV_PANEL)
    {
      const uint32_t width = rv_panel_width (p->stride, c);
      for (uint32_t r = 0; r < n; r++)
        memcpy (pass->packed + (size_t)r * width, g + r * stride + c, width * sizeof (float));
      rv_pass_weight_gradient (pass, p, in, first, n, c, pass->packed);
      pass->kernels->add_rows (pass->gradient + b->offset + c, pass->packed, n, width, width);
    }
}

void
rv_rows_weight_gradient (RvLayerPass *pass, RvHandle weight, RvHandle bias, RvHandle of, RvHandle rows,
                         uint32_t from, uint32_t to)
{
  const RvSignal before = { .units = parameter (pass, weight)->inputs,
                            .stride = pass->layer->rows[of].stride,
                            .dense = at (pass, of, (int64_t)from - 1) };
  gradients (pass, weight, bias, &before, 0, (to - from) * pass->samples, at (pass, rows, from),
             pass->layer->rows[rows].stride);
}

void
rv_rows_input_adjoint (RvLayerPass *pass, RvHandle weight, RvHandle bias, RvHandle rows, uint32_t from,
                       uint32_t to)
{
  const gboolean still = pass->input->is_static;
  const size_t stride = pass->layer->rows[rows].stride, step = pass->samples * stride;
  const uint32_t n = (still ? 1 : to - from) * pass->samples, first = still ? 0 : from * pass->samples;
  const float *g = at (pass, rows, from);
  if (still)
    { /* the sum over the block's steps meets the input once */
      memset (pass->summed, 0, step * sizeof (float));
      pass->kernels->add_rows (pass->summed, g, to - from, step, (uint32_t)step);
      g = pass->summed;
    }
  gradients (pass, weight, bias, pass->input, first, n, g, stride);
  if (pass->input_gradient)
    {
      const size_t out = rv_row_stride (pass->layer->inputs);
      const gboolean add = still && to < pass->model->steps;
      for (uint32_t c = 0; c < out; c += RV_PANEL)
        project_back (pass, parameter (pass, weight), g, stride, n, c, pass->input_gradient + first * out + c,
                      out, add);
    }
  pass->upper_rows = rows;
  if (pass->lower)
    {
      pass->lower->upper = pass;
      pass->lower->upper_weight = weight;
    }
}

/* After the backward pass all but the output's and other recalled rows hold gradients. */
char *
rv_rows_bad (const RvLayerPass *pass, uint32_t t, gboolean backward)
{
  for (uint32_t k = 0; k < pass->layer->n_rows; k++)
    {
      const RvRows *rows = &pass->layer->rows[k];
      const float *values = at (pass, (RvHandle)k, t);
      for (uint32_t s = 0; s < pass->samples && !(backward && rows->recalled); s++)
        for (uint32_t j = 0; j < rows->width; j++)
          if (!isfinite (values[(size_t)s * rows->stride + j]))
            return g_strdup_printf ("%s %u: %s is %s", rows->name, j, backward ? "the gradient" : "the value",
                                    isnan (values[(size_t)s * rows->stride + j]) ? "NaN" : "infinite");
    }
  return NULL;
}

/* Seconds of all phases. */
static double
counted (const RvLayerPass *pass)
{
  double sum = 0.0;
  for (uint32_t k = 0; pass->spent && k < RV_PHASES; k++)
    sum += pass->spent[k].seconds;
  return sum;
}

RvRest
rv_rows_rest_begin (const RvLayerPass *pass)
{
  return (RvRest){ rv_spent_begin (pass->spent), counted (pass) };
}

void
rv_rows_rest_end (RvLayerPass *pass, RvPhase phase, RvRest rest)
{
  if (pass->spent && pass->layer->n_rows)
    pass->spent[phase].seconds += rv_spent_begin (pass->spent) - rest.began - (counted (pass) - rest.counted);
}
