/* The work space of one worker, and a tile's way from recordings to signals. */
#include "engine/job.h"
#include <string.h>

static float *
room_of (RvLayerPass *pass, size_t bytes)
{
  pass->bytes += bytes;
  return rv_aligned_alloc (bytes);
}

/* Rooms of a layer on one tile; `last`: the decoder reads it. */
static void
pass_new (RvLayerPass *pass, const RvModel *model, const RvLayer *layer, gboolean last)
{
  const uint32_t block = rv_block_steps (model), room = model->checkpoint ? block : model->steps;
  const uint32_t panels = (layer->stride + RV_PANEL - 1) / RV_PANEL;
  const size_t row = layer->lanes * sizeof (float), all = row * room;
  const size_t few = RV_AT_ONCE * sizeof (float);
  const gboolean dense = layer->dense_output || model->relaxed;
  pass->model = model;
  pass->layer = layer;
  pass->kernels = rv_kernels ();
  pass->room = room;
  pass->out_gradient = last ? room_of (pass, row * model->steps) : NULL;
  pass->above = room_of (pass, few);
  pass->spent = model->spent ? g_new0 (RvSpent, RV_PHASES) : NULL;
  if (layer->n_rows)
    {
      rv_rows_new (pass, (model->steps + block - 1) / block, room_of);
      return;
    }
  pass->current = room_of (pass, all);
  pass->still = room_of (pass, row);
  pass->still_gradient = room_of (pass, row);
  pass->carry = room_of (pass, row);
  pass->out = dense ? room_of (pass, row * model->steps) : NULL;
  if (model->relaxed && layer->reads_membrane && layer->variant->fires && layer->step_by_step)
    pass->smooth = room_of (pass, row * model->steps);
  for (uint32_t k = 0; k < layer->variant->states; k++)
    {
      pass->entry[k] = room_of (pass, all);
      pass->saved[k] = model->checkpoint ? room_of (pass, row * ((model->steps + block - 1) / block)) : NULL;
      pass->state[k] = room_of (pass, row);
      pass->state_gradient[k] = room_of (pass, row);
    }
  for (uint32_t k = 0; k < layer->variant->params; k++)
    pass->param_gradient[k] = room_of (pass, row);
  pass->z = room_of (pass, few);
  pass->slope = room_of (pass, few);
  pass->spike = room_of (pass, few);
  pass->fed_back = room_of (pass, few);
  pass->zeros = room_of (pass, row);
  pass->offsets = g_new0 (uint32_t, (size_t)model->steps * model->tile + 1);
  pass->bits
      = g_new0 (uint64_t, (size_t)(rv_keeps_bits (layer) ? model->steps : block) * model->tile * panels);
}

static void
pass_free (RvLayerPass *pass)
{
  rv_rows_free (pass);
  float *all[]
      = { pass->current, pass->still,  pass->still_gradient, pass->carry,    pass->out,   pass->out_gradient,
          pass->smooth,  pass->z,      pass->slope,          pass->fed_back, pass->spike, pass->above,
          pass->zeros,   pass->watched };
  RvSorted *sorted[] = { &pass->sorted_input, &pass->sorted_output };
  for (guint k = 0; k < G_N_ELEMENTS (all); k++)
    rv_aligned_free (all[k]);
  for (uint32_t k = 0; k < RV_NEURON_MAX_STATES; k++)
    {
      rv_aligned_free (pass->entry[k]);
      rv_aligned_free (pass->saved[k]);
      rv_aligned_free (pass->state[k]);
      rv_aligned_free (pass->state_gradient[k]);
    }
  for (uint32_t k = 0; k < RV_NEURON_MAX_PARAMS; k++)
    rv_aligned_free (pass->param_gradient[k]);
  for (guint k = 0; k < G_N_ELEMENTS (sorted); k++)
    rv_sorted_clear (sorted[k]);
  g_free (pass->spent);
  g_free (pass->offsets);
  g_free (pass->ids);
  g_free (pass->bits);
}

RvWork *
rv_work_new (const RvModel *model)
{
  RvWork *work = g_new0 (RvWork, 1);
  work->passes = g_new0 (RvLayerPass, model->n_layers);
  for (uint32_t k = model->head; k < model->n_layers; k++)
    {
      pass_new (&work->passes[k], model, &model->layers[k], k + 1 == model->n_layers);
      work->passes[k].input = k > model->head ? &work->passes[k - 1].output : &work->input;
      work->passes[k].lower = k > model->head ? &work->passes[k - 1] : NULL;
    }
  work->offsets = g_new0 (uint32_t, (size_t)model->steps * model->tile + 1);
  work->sorted = g_new0 (RvSorted, model->steps); /* as many as there can be blocks */
  work->passes[model->head].given = work->sorted;
  work->spent = model->spent ? g_new0 (RvSpent, RV_PHASES) : NULL;
  work->scores = g_new0 (float, (size_t)model->tile * model->decisions * model->classes);
  work->scores_gradient = g_new0 (float, (size_t)model->decisions * model->classes);
  return work;
}

void
rv_work_watch (RvWork *work, const RvModel *model, gboolean membranes)
{
  for (uint32_t k = model->head; k < model->n_layers; k++)
    {
      RvLayerPass *pass = &work->passes[k];
      const gboolean wanted = membranes && !pass->layer->reads_membrane; /* that of the others is in `out` */
      if (wanted && !pass->watched)
        pass->watched = rv_aligned_alloc (sizeof (float) * pass->layer->lanes * model->steps);
      else if (!wanted)
        g_clear_pointer (&pass->watched, rv_aligned_free);
    }
}

size_t
rv_work_bytes (const RvModel *model, const RvWork *work)
{
  size_t bytes = 0;
  for (uint32_t k = model->head; k < model->n_layers; k++)
    bytes += work->passes[k].bytes;
  return bytes;
}

void
rv_work_free (const RvModel *model, RvWork *work)
{
  if (!work)
    return;
  for (uint32_t k = model->head; k < model->n_layers; k++)
    pass_free (&work->passes[k]);
  for (uint32_t s = 0; s < RV_TILE; s++)
    rv_recording_clear (&work->recordings[s]);
  for (uint32_t k = 0; k < model->steps; k++)
    rv_sorted_clear (&work->sorted[k]);
  g_free (work->sorted);
  g_free (work->spent);
  g_free (work->passes);
  g_free (work->offsets);
  g_free (work->ids);
  g_free (work->values);
  g_free (work->scores);
  g_free (work->scores_gradient);
  rv_aligned_free (work->input_gradient);
  rv_aligned_free (work->outer_gradient);
  rv_grid_shown_clear (&work->shown);
  g_free (work);
}

static void
room_for_input (RvWork *work, size_t n, gboolean values)
{
  if (n > work->ids_room)
    {
      work->ids_room = MAX (work->ids_room + work->ids_room / 2, n);
      work->ids = g_realloc_n (work->ids, work->ids_room, sizeof (uint32_t));
    }
  if (values && work->ids_room > work->values_room)
    {
      work->values_room = work->ids_room;
      work->values = g_realloc_n (work->values, work->values_room, sizeof (float));
    }
}

/* From the recordings' own order, sample by sample, to the tile's, step by step; and by unit on the way,
 * where `sorted` holds a block for every `block` steps. */
static void
merge_spikes (RvWork *work, uint32_t steps, uint32_t n, uint32_t samples, RvSorted *sorted, uint32_t block)
{
  size_t total = 0;
  for (uint32_t s = 0; s < n; s++)
    total += work->recordings[s].offsets[steps];
  room_for_input (work, total, FALSE);
  uint32_t count = 0, *const ids = work->ids;
  for (uint32_t t = 0; t < steps; t++)
    {
      uint32_t *offsets = work->offsets + (size_t)t * samples + 1;
      uint32_t *ends = NULL, *rows = NULL;
      const uint32_t row = sorted ? t % block * samples : 0;
      if (sorted && t % block == 0)
        rv_sorted_expect (&sorted[t / block], work->recordings, n, t, MIN (t + block, steps), samples);
      if (sorted)
        {
          ends = sorted[t / block].starts + 1;
          rows = sorted[t / block].rows;
        }
      for (uint32_t s = 0; s < n; s++)
        {
          const RvRecording *rec = &work->recordings[s];
          for (uint32_t e = rec->offsets[t]; e < rec->offsets[t + 1]; e++) /* few: no call of memcpy */
            {
              const uint32_t id = rec->ids[e];
              ids[count++] = id;
              if (ends)
                rows[ends[id]++] = row + s;
            }
          offsets[s] = count;
        }
      for (uint32_t s = n; s < samples; s++)
        offsets[s] = count;
    }
}

/* The same for values, of which those that are not zero are kept. */
static void
merge_values (RvWork *work, uint32_t steps, uint32_t n, uint32_t samples)
{
  uint32_t count = 0;
  for (uint32_t t = 0; t < steps; t++)
    for (uint32_t s = 0; s < samples; s++)
      {
        const RvRecording *rec = &work->recordings[s];
        const float *values = s < n ? rec->values + (size_t)t * rec->units : NULL;
        room_for_input (work, (size_t)count + rec->units, TRUE);
        for (uint32_t j = 0; values && j < rec->units; j++)
          {
            work->ids[count] = j;
            work->values[count] = values[j];
            count += values[j] != 0.0f;
          }
        work->offsets[(size_t)t * samples + s + 1] = count;
      }
}

gboolean
rv_work_read (RvWork *work, const RvModel *model, const RvBatch *batch, uint32_t first, uint32_t n,
              uint32_t samples, gboolean backward, GError **error)
{
  const RvDatasetSpec *spec = rv_dataset_spec (batch->data);
  for (uint32_t s = 0; s < n; s++)
    {
      RvRecording *rec = &work->recordings[s];
      const uint32_t id = batch->ids ? batch->ids[first + s] : first + s;
      if (!rv_dataset_read (batch->data, batch->epoch, id, rec, error))
        return FALSE;
      if (rec->units != model->inputs || rec->steps != model->steps || rec->label >= model->classes)
        {
          g_set_error (
              error, RV_ERROR, RV_ERROR_SHAPE,
              "recording %u has %u units, %u steps and label %u; the network takes %u units, %u steps and "
              "%u classes",
              id, rec->units, rec->steps, rec->label, model->inputs, model->steps, model->classes);
          return FALSE;
        }
      work->labels[s] = rec->label;
      work->lengths[s] = rec->length > 0 && rec->length < model->steps ? rec->length : model->steps;
    }
  const gboolean is_static = spec->form == RV_FORM_STATIC;
  const uint32_t steps = is_static ? 1 : model->steps;
  const gboolean sorts = backward && spec->form == RV_FORM_SPIKES && !model->grid;
  work->passes[model->head].n_given
      = sorts ? (steps + rv_block_steps (model) - 1) / rv_block_steps (model) : 0;
  if (spec->form == RV_FORM_SPIKES)
    merge_spikes (work, steps, n, samples, sorts ? work->sorted : NULL, rv_block_steps (model));
  else
    merge_values (work, steps, n, samples);
  work->input = (RvSignal){ .steps = steps,
                            .samples = samples,
                            .units = model->inputs,
                            .stride = rv_row_stride (model->inputs),
                            .is_static = is_static,
                            .offsets = work->offsets,
                            .ids = work->ids,
                            .values = spec->form == RV_FORM_SPIKES ? NULL : work->values };
  return TRUE;
}

/* A membrane that starts uniformly in [0, 1): by recording and unit, never by batch position. */
static void
start_uniform (const RvModel *model, const RvLayerPass *pass, const RvBatch *batch, uint32_t first,
               uint32_t n)
{
  const RvLayer *layer = pass->layer;
  const char *split = rv_dataset_spec (batch->data)->split;
  RvStream stream
      = rv_stream_fork (rv_stream_new (model->seed, layer->neuron->path, "start", split), batch->epoch);
  float *u = pass->state[layer->variant->membrane];
  for (uint32_t s = 0; s < n; s++)
    {
      RvStream own = rv_stream_fork (stream, batch->ids ? batch->ids[first + s] : first + s);
      for (uint32_t k = 0; k < layer->units; k++)
        u[rv_lane (layer, s, k)] = rv_stream_uniform (own, k);
    }
}

void
rv_work_begin (RvWork *work, const RvModel *model, const RvBatch *batch, uint32_t first, uint32_t n,
               uint32_t samples, const float *parameters, float *gradient)
{
  for (uint32_t k = model->head; k < model->n_layers; k++)
    {
      RvLayerPass *pass = &work->passes[k];
      const RvLayer *layer = pass->layer;
      const size_t row = layer->lanes * sizeof (float);
      pass->parameters = parameters;
      pass->gradient = gradient;
      pass->records = gradient != NULL;
      pass->input_gradient = NULL;
      pass->samples = samples;
      pass->waiting = (RvProjection){ 0 };
      pass->feedback = RV_NO_HANDLE;
      pass->upper = NULL;
      pass->base = 0;
      pass->sorted_input.n = pass->sorted_output.n = 0;
      for (uint32_t j = 0; j < layer->variant->states; j++)
        {
          memset (pass->state[j], 0, row);
          memset (pass->state_gradient[j], 0, row);
        }
      for (uint32_t j = 0; j < layer->variant->params; j++)
        memset (pass->param_gradient[j], 0, row);
      if (layer->n_rows)
        rv_rows_begin (pass);
      else
        memset (pass->still_gradient, 0, row);
      if (layer->common->start == RV_START_UNIFORM)
        start_uniform (model, pass, batch, first, n);
      const gboolean dense = model->relaxed || !layer->variant->fires;
      pass->output = (RvSignal){ .steps = model->steps,
                                 .samples = samples,
                                 .units = layer->units,
                                 .stride = layer->stride,
                                 .offsets = dense ? NULL : pass->offsets,
                                 .ids = pass->ids,
                                 .dense = model->relaxed && pass->smooth ? pass->smooth
                                          : dense || layer->dense_output ? pass->out
                                                                         : NULL };
    }
}
