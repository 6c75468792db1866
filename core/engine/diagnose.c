/* Finding the first number that stopped being finite, after a loss or a gradient did. */
#include "engine/job.h"
#include <math.h>
#include <string.h>

static const char *
kind_of (float x)
{
  return isnan (x) ? "NaN" : "infinite";
}

static char *
bad_parameter (const RvModel *model)
{
  for (uint32_t k = 0; k < model->parameters->len; k++)
    {
      const RvParameter *p = rv_parameter (model, (RvHandle)k);
      for (size_t l = 0; l < p->count; l++)
        if (!isfinite (model->values[p->offset + l]))
          return g_strdup_printf ("parameter %s is %s", p->name, kind_of (model->values[p->offset + l]));
    }
  return NULL;
}

/* Looks through one step of a layer's currents, or of their gradients after the backward pass. */
static char *
bad_row (const RvWork *work, uint32_t layer, uint32_t step, gboolean backward)
{
  const RvLayerPass *pass = &work->passes[layer];
  const RvLayer *l = pass->layer;
  if (l->n_rows)
    {
      g_autofree char *text = rv_rows_bad (pass, step, backward);
      return text ? g_strdup_printf ("layer %u, step %u, %s", layer, step, text) : NULL;
    }
  const gboolean still = pass->input->is_static && !l->step_by_step;
  for (uint32_t s = 0; s < pass->samples; s++)
    for (uint32_t k = 0; k < l->units; k++)
      {
        const uint32_t first = k / RV_PANEL * RV_PANEL,
                       in_panel = s * rv_panel_width (l->stride, first) + k - first;
        const float *row = rv_pass_rows (pass, pass->current, first, step);
        if (still) /* one row stands for all steps */
          row = (backward ? pass->still_gradient : pass->still) + (size_t)pass->model->tile * first;
        if (!isfinite (row[in_panel]))
          return g_strdup_printf ("layer %u, step %u, unit %u: the %s is %s", layer, step, k,
                                  backward ? "gradient of the input current" : "input current",
                                  kind_of (row[in_panel]));
      }
  return NULL;
}

/* In the order in which the pass went: steps upwards, or downwards with the last layer first. */
static char *
bad_current (const RvModel *model, const RvWork *work, gboolean backward)
{
  for (uint32_t t = 0; t < model->steps; t++)
    for (uint32_t k = model->head; k < model->n_layers; k++)
      {
        char *text = backward
                         ? bad_row (work, model->n_layers - 1 - (k - model->head), model->steps - 1 - t, TRUE)
                         : bad_row (work, k, t, FALSE);
        if (text)
          return text;
      }
  return NULL;
}

char *
rv_model_diagnose (const RvModel *const_model, const RvBatch *batch)
{
  RvModel *model = (RvModel *)const_model;
  char *text = bad_parameter (model);
  if (text)
    return text;
  const gboolean checkpoint = model->checkpoint;
  model->checkpoint = FALSE; /* every step is looked at */
  RvWork *work = rv_work_new (model);
  float *gradient = rv_aligned_alloc (model->count * sizeof (float));
  double loss;
  uint64_t correct, decided;
  RvJob job = { .model = model,
                .parameters = model->values,
                .batch = batch,
                .backward = TRUE,
                .block = rv_block_steps (model),
                .loss = &loss,
                .correct = &correct,
                .decided = &decided };
  const uint32_t samples = rv_tile_samples (model, batch->n);
  job.parameters = model->values;
  job.samples = samples;
  rv_model_prepare (model, model->values, FALSE);
  rv_grid_prepare (model, model->values, FALSE, FALSE, 1);
  for (uint32_t first = 0; !text && first < batch->n; first += samples)
    {
      const uint32_t n = MIN (samples, batch->n - first);
      if (!rv_work_read (work, model, batch, first, n, samples, TRUE, NULL))
        break;
      if (model->grid)
        rv_grid_forward (&job, work, 0, 0, first, n, gradient);
      text = rv_grid_bad (model);
      rv_work_begin (work, model, batch, first, n, samples, model->values, gradient);
      rv_job_forward (&job, work);
      text = text ? text : bad_current (model, work, FALSE);
      if (text)
        break;
      rv_job_judge (&job, work, 0, n);
      rv_job_backward (&job, work);
      text = bad_current (model, work, TRUE);
    }
  rv_work_free (model, work);
  model->checkpoint = checkpoint;
  rv_aligned_free (gradient);
  return text ? text
              : g_strdup ("every current and its gradient is finite, but their sum overflowed (try clip)");
}
