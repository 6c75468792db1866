/* Convolution by products in bfloat16: pieces are rounded once, and a product takes all taps, or all pixels, at once. */
#include "engine/grid/convolve.h"
#include <string.h>

/* Numbers of one block of pairs, of `k` rows and `n` columns. */
static size_t
pairs_of (uint32_t k, uint32_t n)
{
  return (size_t)rv_up (k, 32) * rv_up (n, 16);
}

void
rv_convolve_bf16_prepare (const RvModel *model, RvGridOp *op, const float *weight, gboolean backward)
{
  const RvGridValue *in = rv_grid_value (model->grid, op->in), *out = rv_grid_value (model->grid, op->out);
  const RvParameter *p = rv_parameter (model, op->weight);
  const uint32_t chunks_in = rv_grid_chunks (in), chunks_out = rv_grid_chunks (out),
                 taps = rv_convolve_taps (op);
  const size_t forward = pairs_of (RV_PANEL, RV_PANEL);
  const size_t n = (size_t)taps * chunks_in * chunks_out * forward;
  if (!op->pairs)
    op->pairs = (uint16_t *)rv_aligned_alloc (n * sizeof (uint16_t));
  if (!op->pairs_back && backward)
    op->pairs_back = (uint16_t *)rv_aligned_alloc (n * sizeof (uint16_t));
  for (uint32_t tap = 0; tap < taps; tap++)
    for (uint32_t i = 0; i < chunks_in; i++)
      for (uint32_t o = 0; o < chunks_out; o++)
        {
          const size_t at = (((size_t)tap * chunks_in + i) * chunks_out + o) * forward;
          const uint32_t width = MIN (in->apart, RV_PANEL);
          op->bf16->pack_pairs (weight + rv_convolve_block_at (p, in->grid.channels, tap, i, o),
                                rv_panel_width (p->stride, o * RV_PANEL), rv_grid_channels (in, i),
                                rv_panel_width (p->stride, o * RV_PANEL), op->pairs + at);
          if (backward)
            op->bf16->pack_pairs (op->transposed + rv_convolve_back_at (p, in, tap, i)
                                      + (size_t)o * RV_PANEL * width,
                                  width, rv_grid_channels (out, o), width, op->pairs_back + at);
        }
}

static uint16_t *
operand_room (uint16_t **room, size_t *has, size_t n)
{
  if (n > *has)
    {
      rv_aligned_free ((float *)*room);
      *room = (uint16_t *)rv_aligned_alloc (n * sizeof (uint16_t));
      *has = n;
    }
  return *room;
}

static void
list_room (RvGridWorker *worker, size_t n)
{
  if (n <= worker->lists_room)
    return;
  worker->lists_room = n;
  for (int k = 0; k < 2; k++)
    worker->lists[k] = g_renew (const uint16_t *, worker->lists[k], n);
}

/* All pieces of a value as rows, or of a gradient. */
static const uint16_t *
pack_all (const RvModel *model, const RvGridOp *op, RvGridTile *tile, RvGridWorker *worker, RvHandle value,
          gboolean gradient, size_t *apart)
{
  const RvGridValue *v = rv_grid_value (model->grid, value);
  const RvGridRoom *room = &tile->values[value];
  const uint32_t rows = rv_grid_rows (model, tile, v),
                 pieces = v->grid.height * v->grid.width * rv_grid_chunks (v);
  *apart = (size_t)rv_up (rows, 16) * rv_up (MIN (v->apart, RV_PANEL), 32);
  uint16_t *all = operand_room (&worker->a, &worker->a_room, *apart * pieces);
  for (uint32_t k = 0; k < pieces; k++)
    {
      const RvPiece piece = rv_grid_piece (v, k / rv_grid_chunks (v), k % rv_grid_chunks (v));
      const uint32_t shift = piece.column - piece.panel, n = piece.width; /* with what is padding */
      if (!gradient && room->bits)
        op->bf16->pack_bits (room->bits + (size_t)(piece.panel / RV_PANEL) * rows, shift, rows, n,
                             all + *apart * k);
      else
        op->bf16->pack_rows ((gradient ? rv_grid_gradient (model, tile, value, piece.panel)
                                       : room->floats + rv_grid_at (piece.panel, rows))
                                 + shift,
                             piece.stride, rows, n, all + *apart * k);
    }
  return all;
}

void
rv_convolve_bf16_forward (const RvModel *model, const RvGridOp *op, RvGridTile *tile, RvGridWorker *worker)
{
  const RvGridValue *in = rv_grid_value (model->grid, op->in), *out = rv_grid_value (model->grid, op->out);
  const RvParameter *p = rv_parameter (model, op->weight);
  const uint32_t rows = rv_grid_rows (model, tile, out), chunks = rv_grid_chunks (in),
                 outs = rv_grid_chunks (out);
  size_t apart;
  const uint16_t *all = pack_all (model, op, tile, worker, op->in, FALSE, &apart);
  list_room (worker, (size_t)rv_convolve_taps (op) * chunks);
  op->bf16->begin ();
  for (uint32_t o = 0; o < outs; o++)
    for (uint32_t pixel = 0; pixel < out->grid.height * out->grid.width; pixel++)
      {
        const RvPiece piece = rv_grid_piece (out, pixel, o);
        float *to
            = tile->values[op->out].floats + rv_grid_at (piece.panel, rows) + piece.column - piece.panel;
        uint32_t n = 0, from;
        rv_convolve_begin (model, op, tile, o, piece, rows, to);
        for (uint32_t tap = 0; tap < rv_convolve_taps (op); tap++)
          if (rv_convolve_input_at (op, in, out, pixel, tap, &from))
            for (uint32_t i = 0; i < chunks; i++)
              {
                worker->lists[0][n] = all + apart * ((size_t)from * chunks + i);
                worker->lists[1][n++]
                    = op->pairs + (((size_t)tap * chunks + i) * outs + o) * pairs_of (RV_PANEL, RV_PANEL);
              }
        op->bf16->products (rows, rv_up (MIN (in->apart, RV_PANEL), 32),
                            rv_panel_width (p->stride, o * RV_PANEL), n, worker->lists[0], worker->lists[1],
                            to, piece.stride, TRUE);
      }
  op->bf16->end ();
}

/* dL/din by bf16 products. */
void
rv_convolve_bf16_down (const RvModel *model, const RvGridOp *op, RvGridTile *tile, RvGridWorker *worker)
{
  const RvGridValue *in = rv_grid_value (model->grid, op->in), *out = rv_grid_value (model->grid, op->out);
  const uint32_t rows = rv_grid_rows (model, tile, out), chunks = rv_grid_chunks (in),
                 outs = rv_grid_chunks (out);
  size_t apart;
  const uint16_t *all = pack_all (model, op, tile, worker, op->out, TRUE, &apart);
  list_room (worker, (size_t)rv_convolve_taps (op) * outs);
  op->bf16->begin ();
  for (uint32_t pixel = 0; pixel < in->grid.height * in->grid.width; pixel++)
    for (uint32_t i = 0; i < chunks; i++)
      {
        const RvPiece piece = rv_grid_piece (in, pixel, i);
        uint32_t n = 0, from;
        for (uint32_t tap = 0; tap < rv_convolve_taps (op); tap++)
          if (rv_convolve_output_at (op, out, pixel / in->grid.width, pixel % in->grid.width,
                                     tap / op->window.kernel[1], tap % op->window.kernel[1], &from))
            for (uint32_t o = 0; o < outs; o++)
              {
                worker->lists[0][n] = all + apart * ((size_t)from * outs + o);
                worker->lists[1][n++]
                    = op->pairs_back
                      + (((size_t)tap * chunks + i) * outs + o) * pairs_of (RV_PANEL, RV_PANEL);
              }
        op->bf16->products (rows, rv_up (MIN (out->apart, RV_PANEL), 32), piece.width, n, worker->lists[0],
                            worker->lists[1],
                            rv_grid_gradient (model, tile, op->in, piece.panel) + piece.column - piece.panel,
                            piece.stride, TRUE);
      }
  op->bf16->end ();
}

/* dL/dweight by bf16 products: for each tap the sum over all pixels that it joins. */
void
rv_convolve_bf16_weights (const RvModel *model, const RvGridOp *op, RvGridTile *tile, RvGridWorker *worker)
{
  const RvGridValue *in = rv_grid_value (model->grid, op->in), *out = rv_grid_value (model->grid, op->out);
  const RvParameter *p = rv_parameter (model, op->weight);
  const RvGridRoom *room = &tile->values[op->in];
  const uint32_t rows = rv_grid_rows (model, tile, out), chunks = rv_grid_chunks (in),
                 outs = rv_grid_chunks (out), width = MIN (in->apart, RV_PANEL);
  const uint32_t pixels = in->grid.height * in->grid.width, others = out->grid.height * out->grid.width;
  const size_t a_apart = (size_t)rv_up (width, 16) * rv_up (rows, 32),
               b_apart = (size_t)rv_up (rows, 32) * rv_up (MIN (out->apart, RV_PANEL), 16);
  uint16_t *a = operand_room (&worker->a_columns, &worker->columns_room, a_apart * pixels * chunks),
           *b = operand_room (&worker->b, &worker->b_room, b_apart * others * outs);
  list_room (worker, MAX (pixels, others));
  for (uint32_t k = 0; k < pixels * chunks; k++)
    {
      const RvPiece piece = rv_grid_piece (in, k / chunks, k % chunks);
      const uint32_t shift = piece.column - piece.panel, n = rv_grid_channels (in, k % chunks);
      if (room->bits)
        op->bf16->pack_bit_columns (room->bits + (size_t)(piece.panel / RV_PANEL) * rows, shift, n, rows,
                                    a + a_apart * k);
      else
        op->bf16->pack_columns (room->floats + rv_grid_at (piece.panel, rows) + shift, piece.stride, n, rows,
                                a + a_apart * k);
    }
  for (uint32_t k = 0; k < others * outs; k++)
    {
      const RvPiece piece = rv_grid_piece (out, k / outs, k % outs);
      op->bf16->pack_pairs (rv_grid_gradient (model, tile, op->out, piece.panel) + piece.column - piece.panel,
                            piece.stride, rows, rv_panel_width (p->stride, k % outs * RV_PANEL),
                            b + b_apart * k);
    }
  op->bf16->begin ();
  for (uint32_t tap = 0; tap < rv_convolve_taps (op); tap++)
    for (uint32_t i = 0; i < chunks; i++)
      for (uint32_t o = 0; o < outs; o++)
        {
          uint32_t n = 0, to;
          for (uint32_t pixel = 0; pixel < pixels; pixel++)
            if (rv_convolve_output_at (op, out, pixel / in->grid.width, pixel % in->grid.width,
                                       tap / op->window.kernel[1], tap % op->window.kernel[1], &to))
              {
                worker->lists[0][n] = a + a_apart * ((size_t)pixel * chunks + i);
                worker->lists[1][n++] = b + b_apart * ((size_t)to * outs + o);
              }
          const uint32_t wide = rv_panel_width (p->stride, o * RV_PANEL);
          op->bf16->products (
              rv_grid_channels (in, i), rv_up (rows, 32), wide, n, worker->lists[0], worker->lists[1],
              tile->gradient + p->offset + rv_convolve_block_at (p, in->grid.channels, tap, i, o), wide,
              TRUE);
        }
  op->bf16->end ();
}
