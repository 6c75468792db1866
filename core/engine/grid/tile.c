/* What a tile keeps of the values on grids, and the ways in and out: panels as numbers, gradients back to
 * those who are stored, recordings in, and signals for layers and observers, who count units in another
 * order. */
#include "engine/grid/grid.h"
#include <string.h>

/* ---- life */

static float *
room_of (size_t *bytes, size_t floats)
{
  *bytes += floats * sizeof (float);
  return rv_aligned_alloc (floats * sizeof (float));
}

static uint32_t
panels_of (const RvGridValue *v)
{
  return (v->columns + RV_PANEL - 1) / RV_PANEL;
}

RvGridTile *
rv_grid_tile_new (const RvModel *model, uint32_t samples)
{
  const RvGridNet *net = model->grid;
  RvGridTile *tile = g_new0 (RvGridTile, 1);
  tile->samples = samples;
  tile->values = g_new0 (RvGridRoom, net->values->len);
  tile->moments = g_new0 (RvMoments, net->ops->len + 1);
  tile->affine = g_new0 (float *, net->ops->len + 1);
  tile->statistics = g_new0 (float *, net->ops->len + 1);
  tile->dropped = g_new0 (uint64_t *, net->ops->len + 1);
  tile->spares = g_array_new (FALSE, TRUE, sizeof (RvSpare));
  for (uint32_t k = 0; k < net->values->len; k++)
    {
      const RvGridValue *v = rv_grid_value (net, (RvHandle)k);
      const size_t rows = rv_grid_rows (model, tile, v);
      if (v->stored && rv_grid_has_bits (model, v))
        tile->values[k].bits = g_new0 (uint64_t, panels_of (v) * rows);
      else if (v->stored)
        tile->values[k].floats = room_of (&tile->bytes, rows * v->columns);
      tile->values[k].touched = g_new0 (uint8_t, panels_of (v));
    }
  for (uint32_t k = 0; k < net->ops->len; k++)
    {
      const RvGridOp *op = rv_grid_op (net, k);
      const RvGridValue *v = rv_grid_value (net, op->in);
      if (op->type == RV_GRID_DROP)
        tile->dropped[k] = g_new0 (uint64_t, (size_t)panels_of (v) * samples);
      if (op->type != RV_GRID_NORMALISE)
        continue;
      tile->moments[k].mean = g_new0 (double, v->apart);
      tile->moments[k].squares = g_new0 (double, v->apart);
      tile->affine[k] = room_of (&tile->bytes, 2 * rv_grid_pattern (v));
      tile->statistics[k] = room_of (&tile->bytes, 2 * rv_grid_pattern (v));
    }
  return tile;
}

void
rv_grid_tile_free (const RvModel *model, RvGridTile *tile)
{
  if (!tile)
    return;
  for (uint32_t k = 0; k < model->grid->values->len; k++)
    {
      rv_aligned_free (tile->values[k].floats);
      g_free (tile->values[k].bits);
      g_free (tile->values[k].touched);
    }
  for (uint32_t k = 0; k < model->grid->ops->len; k++)
    {
      g_free (tile->moments[k].mean);
      g_free (tile->moments[k].squares);
      rv_aligned_free (tile->affine[k]);
      rv_aligned_free (tile->statistics[k]);
      g_free (tile->dropped[k]);
    }
  for (uint32_t k = 0; k < tile->spares->len; k++)
    rv_aligned_free (g_array_index (tile->spares, RvSpare, k).room);
  g_array_unref (tile->spares);
  g_free (tile->values);
  g_free (tile->moments);
  g_free (tile->affine);
  g_free (tile->statistics);
  g_free (tile->dropped);
  g_free (tile);
}

RvGridWorker *
rv_grid_worker_new (const RvModel *model)
{
  const RvGridNet *net = model->grid;
  const size_t panel = (size_t)net->rows * RV_PANEL, lanes = (size_t)model->tile * RV_PANEL;
  size_t bytes = 0;
  RvGridWorker *worker = g_new0 (RvGridWorker, 1);
  for (uint32_t k = 0; k < G_N_ELEMENTS (worker->panel); k++)
    worker->panel[k] = room_of (&bytes, panel);
  for (uint32_t k = 0; k < RV_NEURON_MAX_STATES; k++)
    {
      worker->entry[k] = room_of (&bytes, panel);
      worker->state[k] = room_of (&bytes, lanes);
      worker->state_gradient[k] = room_of (&bytes, lanes);
    }
  for (uint32_t k = 0; k < RV_NEURON_MAX_PARAMS; k++)
    {
      worker->param[k] = room_of (&bytes, lanes);
      worker->own[k] = room_of (&bytes, lanes);
      worker->param_gradient[k] = room_of (&bytes, lanes);
    }
  worker->z = room_of (&bytes, panel);
  worker->slope = room_of (&bytes, panel);
  worker->spike = room_of (&bytes, panel);
  worker->zeros = room_of (&bytes, panel);
  worker->words = g_new0 (uint64_t, MAX ((net->rows + 63) / 64 * RV_PANEL, net->rows));
  if (model->spent)
    worker->spent = g_new0 (RvSpent, (size_t)model->n_layers * RV_PHASES);
  return worker;
}

void
rv_grid_worker_free (RvGridWorker *worker)
{
  if (!worker)
    return;
  float *all[] = { worker->z, worker->slope, worker->spike, worker->zeros, worker->packed };
  for (guint k = 0; k < G_N_ELEMENTS (all); k++)
    rv_aligned_free (all[k]);
  for (guint k = 0; k < G_N_ELEMENTS (worker->panel); k++)
    rv_aligned_free (worker->panel[k]);
  for (uint32_t k = 0; k < RV_NEURON_MAX_STATES; k++)
    {
      rv_aligned_free (worker->entry[k]);
      rv_aligned_free (worker->state[k]);
      rv_aligned_free (worker->state_gradient[k]);
    }
  for (uint32_t k = 0; k < RV_NEURON_MAX_PARAMS; k++)
    {
      rv_aligned_free (worker->param[k]);
      rv_aligned_free (worker->own[k]);
      rv_aligned_free (worker->param_gradient[k]);
    }
  rv_aligned_free ((float *)worker->a);
  rv_aligned_free ((float *)worker->b);
  rv_aligned_free ((float *)worker->a_columns);
  g_free (worker->words);
  g_free (worker->lists[0]);
  g_free (worker->lists[1]);
  g_free (worker->spent);
  g_free (worker);
}

/* ---- gradients: rooms that are taken and given back */

static float *
take_room (RvGridTile *tile, size_t floats)
{
  RvSpare *best = NULL;
  for (uint32_t k = 0; k < tile->spares->len; k++)
    {
      RvSpare *spare = &g_array_index (tile->spares, RvSpare, k);
      if (!spare->taken && spare->floats >= floats && (!best || spare->floats < best->floats))
        best = spare;
    }
  if (!best)
    {
      const RvSpare spare = { floats, room_of (&tile->bytes, floats), FALSE };
      g_array_append_val (tile->spares, spare);
      best = &g_array_index (tile->spares, RvSpare, tile->spares->len - 1);
    }
  best->taken = TRUE;
  return best->room;
}

void
rv_grid_release (RvGridTile *tile, RvHandle value)
{
  float *room = g_steal_pointer (&tile->values[value].gradient);
  for (uint32_t k = 0; room && k < tile->spares->len; k++)
    if (g_array_index (tile->spares, RvSpare, k).room == room)
      g_array_index (tile->spares, RvSpare, k).taken = FALSE;
}

/* The place of a panel's gradient; `fresh` tells that nothing is there yet. */
static float *
gradient_place (const RvModel *model, RvGridTile *tile, RvHandle value, uint32_t panel, gboolean *fresh)
{
  const RvGridValue *v = rv_grid_value (model->grid, value);
  RvGridRoom *room = &tile->values[value];
  const uint32_t rows = rv_grid_rows (model, tile, v);
  if (!room->gradient)
    {
      room->gradient = take_room (tile, (size_t)rows * v->columns);
      memset (room->touched, 0, panels_of (v));
    }
  *fresh = !room->touched[panel / RV_PANEL];
  room->touched[panel / RV_PANEL] = 1;
  return room->gradient + rv_grid_at (panel, rows);
}

float *
rv_grid_gradient (const RvModel *model, RvGridTile *tile, RvHandle value, uint32_t panel)
{
  const RvGridValue *v = rv_grid_value (model->grid, value);
  gboolean fresh;
  float *place = gradient_place (model, tile, value, panel, &fresh);
  if (fresh)
    memset (place, 0, sizeof (float) * rv_grid_rows (model, tile, v) * rv_panel_width (v->columns, panel));
  return place;
}

/* Whether gradient is kept for a value itself, not handed on to what it is made of. */
static gboolean
keeps_gradient (const RvGridNet *net, const RvGridValue *v)
{
  return v->stored || rv_grid_op (net, (uint32_t)v->producer)->type == RV_GRID_NORMALISE;
}

gboolean
rv_grid_pass_room (const RvModel *model, RvGridTile *tile, RvHandle from, RvHandle to)
{
  const RvGridValue *v = rv_grid_value (model->grid, from), *w = rv_grid_value (model->grid, to);
  RvGridRoom *a = &tile->values[from], *b = &tile->values[to];
  if (!a->gradient || b->gradient || v->is_static != w->is_static || !keeps_gradient (model->grid, w)
      || (to == 0 && !tile->input_gradient))
    return FALSE;
  for (uint32_t panel = 0; panel < v->columns; panel += RV_PANEL)
    rv_grid_gradient (model, tile, from, panel); /* zero where nobody gave any */
  memset (b->touched, 1, panels_of (w));
  b->gradient = g_steal_pointer (&a->gradient);
  return TRUE;
}

float *
rv_grid_given (const RvModel *model, const RvGridTile *tile, RvHandle value, uint32_t panel)
{
  const RvGridValue *v = rv_grid_value (model->grid, value);
  const RvGridRoom *room = &tile->values[value];
  if (!room->gradient || !room->touched[panel / RV_PANEL])
    return NULL;
  return room->gradient + rv_grid_at (panel, rv_grid_rows (model, tile, v));
}

/* ---- panels of any value */

/* out = x scale + shift, by column */
static void
affine_rows (const float *x, const float *affine, uint32_t pattern, uint32_t column, uint32_t rows,
             uint32_t width, float *out)
{
  const float *scale = affine + column % pattern, *shift = scale + pattern;
  for (uint32_t r = 0; r < rows; r++)
#pragma omp simd
    for (uint32_t j = 0; j < width; j++)
      out[(size_t)r * width + j] = x[(size_t)r * width + j] * scale[j] + shift[j];
}

/* out = what stays of x, times 1 / (1 - share); x may be out */
static void
drop_rows (const RvGridOp *op, const uint64_t *stays, uint32_t samples, const float *x, uint32_t rows,
           uint32_t width, float *out)
{
  const float scale = (float)(1.0 / (1.0 - op->share));
  for (uint32_t r = 0; r < rows; r++)
    {
      const uint64_t word = stays[r % samples];
      for (uint32_t j = 0; j < width; j++)
        out[(size_t)r * width + j] = (word >> j & 1) ? x[(size_t)r * width + j] * scale : 0.0f;
    }
}

/* out = a + b, of which either may have one row of each sample for all steps */
static void
add_panels (const float *a, uint32_t rows_a, const float *b, uint32_t rows_b, uint32_t rows, uint32_t width,
            float *out)
{
  for (uint32_t r = 0; r < rows; r++)
    {
      const float *x = a + (size_t)(rows_a == rows ? r : r % rows_a) * width,
                  *y = b + (size_t)(rows_b == rows ? r : r % rows_b) * width;
#pragma omp simd
      for (uint32_t j = 0; j < width; j++)
        out[(size_t)r * width + j] = x[j] + y[j];
    }
}

const float *
rv_grid_read (const RvModel *model, RvGridTile *tile, RvGridWorker *worker, RvHandle value, uint32_t panel,
              uint32_t depth)
{
  const RvGridNet *net = model->grid;
  const RvGridValue *v = rv_grid_value (net, value);
  const RvGridRoom *room = &tile->values[value];
  const uint32_t rows = rv_grid_rows (model, tile, v), width = rv_panel_width (v->columns, panel);
  float *out = worker->panel[depth];
  if (room->floats)
    return room->floats + rv_grid_at (panel, rows);
  if (room->bits)
    {
      rv_kernels ()->expand (room->bits + (size_t)(panel / RV_PANEL) * rows, 0, width, rows, out, width);
      return out;
    }
  const RvGridOp *op = rv_grid_op (net, (uint32_t)v->producer);
  const float *x = rv_grid_read (model, tile, worker, op->in, panel, depth);
  if (op->type == RV_GRID_NORMALISE)
    affine_rows (x, tile->batch_statistics ? tile->affine[v->producer] : op->affine, rv_grid_pattern (v),
                 panel, rows, width, out);
  else if (op->type == RV_GRID_DROP && !tile->drops)
    return x;
  else if (op->type == RV_GRID_DROP)
    drop_rows (op, tile->dropped[v->producer] + (size_t)(panel / RV_PANEL) * tile->samples, tile->samples, x,
               rows, width, out);
  else
    {
      const float *y = rv_grid_read (model, tile, worker, op->other, panel, depth + 1);
      add_panels (x, rv_grid_rows (model, tile, rv_grid_value (net, op->in)), y,
                  rv_grid_rows (model, tile, rv_grid_value (net, op->other)), rows, width, out);
    }
  return out;
}

void
rv_grid_give (const RvModel *model, RvGridTile *tile, RvGridWorker *worker, RvHandle value, uint32_t panel,
              float *g, gboolean is_static, uint32_t depth)
{
  const RvGridNet *net = model->grid;
  const RvGridValue *v = rv_grid_value (net, value);
  const RvGridOp *op = v->producer >= 0 ? rv_grid_op (net, (uint32_t)v->producer) : NULL;
  const uint32_t width = rv_panel_width (v->columns, panel), rows = rv_grid_rows (model, tile, v);
  const size_t n = (size_t)rows * width;
  if (!op && !tile->input_gradient)
    return;
  if (v->is_static && !is_static) /* one row stood for all steps */
    {
      float *sum = worker->panel[depth];
      memset (sum, 0, n * sizeof (float));
      rv_kernels ()->add_rows (sum, g, model->steps, n, (uint32_t)n);
      g = sum;
      depth++;
    }
  if (op && op->type == RV_GRID_ADD)
    {
      rv_grid_give (model, tile, worker, op->in, panel, g, v->is_static, depth);
      rv_grid_give (model, tile, worker, op->other, panel, g, v->is_static, depth);
      return;
    }
  if (op && op->type == RV_GRID_DROP)
    {
      if (tile->drops)
        {
          drop_rows (op, tile->dropped[v->producer] + (size_t)(panel / RV_PANEL) * tile->samples,
                     tile->samples, g, rows, width, worker->panel[depth]);
          g = worker->panel[depth++];
        }
      rv_grid_give (model, tile, worker, op->in, panel, g, v->is_static, depth);
      return;
    }
  gboolean fresh;
  float *place = gradient_place (model, tile, value, panel, &fresh);
  if (fresh)
    memcpy (place, g, n * sizeof (float));
  else
#pragma omp simd
    for (size_t l = 0; l < n; l++)
      place[l] += g[l];
}

/* ---- in and out */

/* Where unit (c, y, x) is in a row of columns. */
static uint32_t
column_of (const RvGridValue *v, uint32_t unit)
{
  const uint32_t pixels = v->grid.height * v->grid.width;
  return unit % pixels * v->apart + unit / pixels;
}

void
rv_grid_take (const RvModel *model, RvGridTile *tile, const RvSignal *input)
{
  const RvGridValue *v = rv_grid_value (model->grid, 0);
  const uint32_t rows = rv_grid_rows (model, tile, v);
  float *floats = tile->values[0].floats;
  memset (floats, 0, sizeof (float) * rows * v->columns);
  for (uint32_t r = 0; r < rows; r++)
    {
      const uint32_t from = r / tile->samples * input->samples + r % tile->samples;
      for (uint32_t e = input->offsets[from]; e < input->offsets[from + 1]; e++)
        {
          const uint32_t column = column_of (v, input->ids[e]), panel = column / RV_PANEL * RV_PANEL;
          floats[rv_grid_at (panel, rows) + (size_t)r * rv_panel_width (v->columns, panel) + column - panel]
              += input->values ? input->values[e] : 1.0f;
        }
    }
}

void
rv_grid_shown_clear (RvGridShown *shown)
{
  g_clear_pointer (&shown->offsets, g_free);
  g_clear_pointer (&shown->ids, g_free);
  g_clear_pointer (&shown->dense, rv_aligned_free);
  *shown = (RvGridShown){ 0 };
}

/* Of one row the units that fired, as bits; `bits` [panels] lie `rows` words apart. */
static void
mark_units (const RvGridValue *v, const uint64_t *bits, uint32_t rows, uint64_t *units)
{
  const uint32_t pixels = v->grid.height * v->grid.width;
  for (uint32_t panel = 0; panel < v->columns; panel += RV_PANEL)
    for (uint64_t word = bits[(size_t)(panel / RV_PANEL) * rows]; word; word &= word - 1)
      {
        const uint32_t column = panel + (uint32_t)__builtin_ctzll (word);
        const uint32_t unit = column % v->apart * pixels + column / v->apart;
        units[unit / 64] |= UINT64_C (1) << unit % 64;
      }
}

/* Ids of the spikes of a value, unit by unit, for rows that are laid out for `samples`. */
static void
show_spikes (const RvModel *model, const RvGridTile *tile, RvHandle value, uint32_t samples,
             RvGridShown *shown)
{
  const RvGridValue *v = rv_grid_value (model->grid, value);
  const uint64_t *bits = tile->values[value].bits;
  const uint32_t rows = rv_grid_rows (model, tile, v), steps = rows / tile->samples,
                 n = (v->grid.channels * v->grid.height * v->grid.width + 63) / 64;
  g_autofree uint64_t *units = g_new (uint64_t, n);
  size_t total = 0;
  for (size_t k = 0; k < (size_t)panels_of (v) * rows; k++)
    total += (uint32_t)__builtin_popcountll (bits[k]);
  if (total > shown->room || !shown->ids)
    {
      shown->room = total + total / 2 + RV_LIST_SLACK;
      shown->ids = g_realloc_n (shown->ids, shown->room, sizeof (uint32_t));
    }
  if (!shown->offsets)
    shown->offsets = g_new0 (uint32_t, (size_t)model->steps * model->tile + 1);
  uint32_t count = 0;
  for (uint32_t t = 0; t < steps; t++)
    for (uint32_t s = 0; s < samples; s++)
      {
        memset (units, 0, n * sizeof *units);
        if (s < tile->samples)
          mark_units (v, bits + t * tile->samples + s, rows, units);
        for (uint32_t k = 0; k < n; k++)
          for (uint64_t word = units[k]; word; word &= word - 1)
            shown->ids[count++] = k * 64 + (uint32_t)__builtin_ctzll (word);
        shown->offsets[t * samples + s + 1] = count;
      }
}

void
rv_grid_place (const RvGridValue *v, const RvGridTile *tile, uint32_t panel, const float *x, uint32_t rows,
               uint32_t samples, float *dense)
{
  const uint32_t width = rv_panel_width (v->columns, panel), pixels = v->grid.height * v->grid.width;
  const size_t stride = rv_row_stride (v->grid.channels * pixels);
  for (uint32_t j = 0; j < width; j++)
    {
      const uint32_t pixel = (panel + j) / v->apart, c = (panel + j) % v->apart;
      if (c >= v->grid.channels || pixel >= pixels)
        continue;
      float *to = dense + c * pixels + pixel;
      for (uint32_t r = 0; r < rows; r++)
        to[(size_t)(r / tile->samples * samples + r % tile->samples) * stride] = x[(size_t)r * width + j];
    }
}

float *
rv_grid_shown_dense (const RvModel *model, const RvGridValue *v, RvGridShown *shown)
{
  const size_t n = (size_t)model->steps * model->tile
                   * rv_row_stride (v->grid.channels * v->grid.height * v->grid.width);
  if (!shown->dense)
    return shown->dense = rv_aligned_alloc (n * sizeof (float));
  return memset (shown->dense, 0, n * sizeof (float));
}

static void
show_numbers (const RvModel *model, RvGridTile *tile, RvGridWorker *worker, RvHandle value, uint32_t samples,
              RvGridShown *shown)
{
  const RvGridValue *v = rv_grid_value (model->grid, value);
  float *dense = rv_grid_shown_dense (model, v, shown);
  for (uint32_t panel = 0; panel < v->columns; panel += RV_PANEL)
    rv_grid_place (v, tile, panel, rv_grid_read (model, tile, worker, value, panel, 0),
                   rv_grid_rows (model, tile, v), samples, dense);
}

void
rv_grid_hand_on (const RvModel *model, RvGridTile *tile, RvGridWorker *worker, RvHandle value,
                 uint32_t samples, RvGridShown *shown, RvSignal *signal)
{
  const RvGridValue *v = rv_grid_value (model->grid, value);
  const uint32_t units = v->grid.channels * v->grid.height * v->grid.width;
  const gboolean bits = v->stored && rv_grid_has_bits (model, v);
  const size_t stride = rv_row_stride (units);
  if (bits)
    show_spikes (model, tile, value, samples, shown);
  else
    show_numbers (model, tile, worker, value, samples, shown);
  *signal = (RvSignal){ .steps = v->is_static ? 1 : model->steps,
                        .samples = samples,
                        .units = units,
                        .stride = stride,
                        .is_static = v->is_static,
                        .offsets = bits ? shown->offsets : NULL,
                        .ids = bits ? shown->ids : NULL,
                        .dense = bits ? NULL : shown->dense };
}

void
rv_grid_hand_back (const RvModel *model, RvGridTile *tile, RvGridWorker *worker, const float *gradient,
                   size_t stride, uint32_t samples)
{
  const RvHandle value = model->grid->output;
  const RvGridValue *v = rv_grid_value (model->grid, value);
  const uint32_t rows = rv_grid_rows (model, tile, v), pixels = v->grid.height * v->grid.width;
  float *g = worker->z; /* panels are for what is made on the way */
  for (uint32_t panel = 0; panel < v->columns; panel += RV_PANEL)
    {
      const uint32_t width = rv_panel_width (v->columns, panel);
      for (uint32_t j = 0; j < width; j++)
        {
          const uint32_t pixel = (panel + j) / v->apart, c = (panel + j) % v->apart;
          const gboolean there = c < v->grid.channels && pixel < pixels;
          for (uint32_t r = 0; r < rows; r++)
            g[(size_t)r * width + j]
                = there ? gradient[(size_t)(r / tile->samples * samples + r % tile->samples) * stride
                                   + c * pixels + pixel]
                        : 0.0f;
        }
      rv_grid_give (model, tile, worker, value, panel, g, v->is_static, 0);
    }
}

void
rv_grid_input_gradient (const RvModel *model, const RvGridTile *tile, float *out, uint32_t samples)
{
  const RvGridValue *v = rv_grid_value (model->grid, 0);
  const uint32_t rows = rv_grid_rows (model, tile, v),
                 units = v->grid.channels * v->grid.height * v->grid.width;
  const size_t stride = rv_row_stride (units);
  for (uint32_t r = 0; r < rows; r++)
    for (uint32_t unit = 0; unit < units; unit++)
      {
        const uint32_t column = column_of (v, unit), panel = column / RV_PANEL * RV_PANEL;
        const float *g = rv_grid_given (model, tile, 0, panel);
        out[(size_t)(r / tile->samples * samples + r % tile->samples) * stride + unit]
            = g ? g[(size_t)r * rv_panel_width (v->columns, panel) + column - panel] : 0.0f;
      }
}

void
rv_grid_drop_forward (const RvModel *model, const RvGridOp *op, RvGridTile *tile)
{
  const RvGridValue *v = rv_grid_value (model->grid, op->in);
  const uint32_t pixels = v->grid.height * v->grid.width, units = v->grid.channels * pixels;
  const uint32_t index = (uint32_t)rv_grid_value (model->grid, op->out)->producer;
  const RvStream stream
      = rv_stream_fork (rv_stream_new (model->seed, op->path, "dropout", tile->split), tile->epoch);
  memset (tile->dropped[index], 0, sizeof (uint64_t) * panels_of (v) * tile->samples);
  for (uint32_t s = 0; tile->drops && s < tile->samples; s++)
    {
      const RvStream own = rv_stream_fork (stream, tile->ids ? tile->ids[tile->first + s] : tile->first + s);
      for (uint32_t unit = 0; unit < units; unit++)
        {
          const uint32_t column = column_of (v, unit);
          const gboolean stays = rv_stream_uniform (own, unit) >= (float)op->share;
          tile->dropped[index][(size_t)(column / RV_PANEL) * tile->samples + s] |= (uint64_t)stays
                                                                                   << column % RV_PANEL;
        }
    }
}
