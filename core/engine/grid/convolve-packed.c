/* Convolution with the taps of a window side by side, multiplied at once: for few channels, and for groups. */
#include "engine/grid/convolve.h"
#include <string.h>

/* The channels of the input that group g sees. */
static uint32_t
group_channels (const RvModel *model, const RvGridOp *op)
{
  return rv_grid_value (model->grid, op->in)->grid.channels / op->groups;
}

/* Room for rows of all taps of a group. */
static float *
packed_room (RvGridWorker *worker, size_t floats)
{
  if (floats > worker->packed_room)
    {
      rv_aligned_free (worker->packed);
      worker->packed = rv_aligned_alloc (floats * sizeof (float));
      worker->packed_room = floats;
    }
  return worker->packed;
}

/* What one pixel of the output sees of group g: [rows][taps][channels], `stride` apart; or the way back,
 * adding `packed` to the gradient of the input. */
static void
pack (const RvModel *model, const RvGridOp *op, RvGridTile *tile, RvGridWorker *worker, uint32_t pixel,
      uint32_t g, float *packed, uint32_t stride, gboolean back)
{
  const RvGridValue *in = rv_grid_value (model->grid, op->in), *out = rv_grid_value (model->grid, op->out);
  const uint32_t rows = rv_grid_rows (model, tile, in), channels = group_channels (model, op);
  for (uint32_t tap = 0; tap < rv_convolve_taps (op); tap++)
    {
      uint32_t at_pixel;
      const gboolean there = rv_convolve_input_at (op, in, out, pixel, tap, &at_pixel);
      for (uint32_t c = 0, n; c < channels; c += n)
        {
          const uint32_t channel = g * channels + c;
          float *to = packed + tap * channels + c;
          n = MIN (channels - c, RV_PANEL - channel % RV_PANEL);
          if (!there)
            {
              for (uint32_t r = 0; !back && r < rows; r++)
                memset (to + (size_t)r * stride, 0, n * sizeof (float));
              continue;
            }
          RvPiece piece = rv_grid_piece (in, at_pixel, channel / RV_PANEL);
          const uint32_t at = piece.column - piece.panel + channel % RV_PANEL;
          if (back)
            {
              float *gradient = rv_grid_gradient (model, tile, op->in, piece.panel) + at;
              for (uint32_t r = 0; r < rows; r++)
                for (uint32_t j = 0; j < n; j++)
                  gradient[(size_t)r * piece.stride + j] += to[(size_t)r * stride + j];
              continue;
            }
          const float *from = rv_grid_read (model, tile, worker, op->in, piece.panel, 0) + at;
          for (uint32_t r = 0; r < rows; r++)
            for (uint32_t j = 0; j < n; j++)
              to[(size_t)r * stride + j] = from[(size_t)r * piece.stride + j];
        }
    }
}

/* The columns of the output's panels that belong to group g, one panel after the other. */
typedef struct
{
  uint32_t chunk, from, n;
} Part;

static gboolean
next_part (const RvGridValue *out, uint32_t groups, uint32_t g, Part *part)
{
  const uint32_t each = out->grid.channels / groups, end = (g + 1) * each;
  const uint32_t first = part->n ? part->chunk * RV_PANEL + part->from + part->n : g * each;
  if (first >= end)
    return FALSE;
  part->chunk = first / RV_PANEL;
  part->from = first % RV_PANEL;
  part->n = MIN (end - first, RV_PANEL - part->from);
  return TRUE;
}

void
rv_convolve_packed_forward (const RvModel *model, const RvGridOp *op, RvGridTile *tile, RvGridWorker *worker)
{
  const RvGridValue *out = rv_grid_value (model->grid, op->out);
  const RvParameter *p = rv_parameter (model, op->weight);
  const float *weight = tile->parameters + p->offset;
  const uint32_t rows = rv_grid_rows (model, tile, out), stride = rv_up (p->inputs, 16);
  float *packed = packed_room (worker, (size_t)rows * stride);
  for (uint32_t pixel = 0; pixel < out->grid.height * out->grid.width; pixel++)
    {
      for (uint32_t o = 0; o < rv_grid_chunks (out); o++)
        {
          const RvPiece piece = rv_grid_piece (out, pixel, o);
          rv_convolve_begin (model, op, tile, o, piece, rows,
                             tile->values[op->out].floats + rv_grid_at (piece.panel, rows) + piece.column
                                 - piece.panel);
        }
      for (uint32_t g = 0; g < op->groups; g++)
        {
          pack (model, op, tile, worker, pixel, g, packed, stride, FALSE);
          for (Part part = { 0 }; next_part (out, op->groups, g, &part);)
            {
              const RvPiece piece = rv_grid_piece (out, pixel, part.chunk);
              const uint32_t wide = rv_panel_width (p->stride, part.chunk * RV_PANEL);
              rv_kernels ()->product (rows, p->inputs, part.n, packed, stride,
                                      weight + (size_t)part.chunk * RV_PANEL * p->inputs + part.from, wide,
                                      tile->values[op->out].floats + rv_grid_at (piece.panel, rows)
                                          + piece.column - piece.panel + part.from,
                                      piece.stride, TRUE);
              rv_grid_count (worker, 0.0, 2.0 * rows * p->inputs * part.n);
            }
        }
    }
}

/* ---- backward */

void
rv_convolve_packed_backward (const RvModel *model, const RvGridOp *op, RvGridTile *tile, RvGridWorker *worker)
{
  const RvGridValue *out = rv_grid_value (model->grid, op->out);
  const RvParameter *p = rv_parameter (model, op->weight);
  const uint32_t rows = rv_grid_rows (model, tile, out), stride = rv_up (p->inputs, 16);
  const gboolean down = op->in != 0 || tile->input_gradient;
  float *packed = packed_room (worker, (size_t)rows * stride);
  for (uint32_t pixel = 0; pixel < out->grid.height * out->grid.width; pixel++)
    for (uint32_t g = 0; g < op->groups; g++)
      {
        if (tile->gradient)
          pack (model, op, tile, worker, pixel, g, packed, stride, FALSE);
        for (Part part = { 0 }; tile->gradient && next_part (out, op->groups, g, &part);)
          {
            const RvPiece piece = rv_grid_piece (out, pixel, part.chunk);
            const float *from = rv_grid_given (model, tile, op->out, piece.panel);
            if (!from)
              continue;
            rv_grid_count (worker, 0.0, 2.0 * rows * p->inputs * part.n);
            rv_kernels ()->product_adjoint (rows, p->inputs, part.n, packed, stride,
                                            from + piece.column - piece.panel + part.from, piece.stride,
                                            tile->gradient + p->offset
                                                + (size_t)part.chunk * RV_PANEL * p->inputs + part.from,
                                            rv_panel_width (p->stride, part.chunk * RV_PANEL));
          }
        if (!down)
          continue;
        memset (packed, 0, sizeof (float) * rows * stride);
        for (Part part = { 0 }; next_part (out, op->groups, g, &part);)
          {
            const RvPiece piece = rv_grid_piece (out, pixel, part.chunk);
            const float *from = rv_grid_given (model, tile, op->out, piece.panel);
            if (!from)
              continue;
            rv_grid_count (worker, 0.0, 2.0 * rows * part.n * p->inputs);
            rv_kernels ()->product (rows, part.n, stride, from + piece.column - piece.panel + part.from,
                                    piece.stride,
                                    op->transposed + (size_t)(part.chunk * RV_PANEL + part.from) * stride,
                                    stride, packed, stride, TRUE);
          }
        pack (model, op, tile, worker, pixel, g, packed, stride, TRUE);
      }
}
