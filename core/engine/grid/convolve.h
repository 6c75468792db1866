/* What the ways of a convolution share: the products of pieces, of taps side by side, and in bfloat16. */
#ifndef RV_CONVOLVE_H
#define RV_CONVOLVE_H

#include "engine/grid/grid.h"

/* Of the output, rows and columns whose window has tap (ky, kx) at pixel (y, x) of the input; FALSE: none. */
static inline gboolean
rv_convolve_output_at (const RvGridOp *op, const RvGridValue *out, uint32_t y, uint32_t x, uint32_t ky,
                       uint32_t kx, uint32_t *pixel)
{
  const RvWindow *w = &op->window;
  const int64_t oy = (int64_t)y + w->padding[0] - (int64_t)ky * w->dilation[0],
                ox = (int64_t)x + w->padding[1] - (int64_t)kx * w->dilation[1];
  if (oy < 0 || ox < 0 || oy % w->stride[0] || ox % w->stride[1] || oy / w->stride[0] >= out->grid.height
      || ox / w->stride[1] >= out->grid.width)
    return FALSE;
  *pixel = (uint32_t)(oy / w->stride[0] * out->grid.width + ox / w->stride[1]);
  return TRUE;
}

/* The block of a weight for one tap: rows of channels from 64 * chunk_in on, columns of panel 64 *
 * chunk_out. */
static inline size_t
rv_convolve_block_at (const RvParameter *p, uint32_t channels, uint32_t tap, uint32_t chunk_in,
                      uint32_t chunk_out)
{
  return rv_panel_at (p->inputs, p->stride, tap * channels + chunk_in * RV_PANEL, chunk_out * RV_PANEL);
}

/* The same for dL/din: [tap][chunk_in][channels out][width of the piece]. */
static inline size_t
rv_convolve_back_at (const RvParameter *p, const RvGridValue *in, uint32_t tap, uint32_t chunk_in)
{
  return ((size_t)tap * rv_grid_chunks (in) + chunk_in) * p->units * MIN (in->apart, RV_PANEL);
}

static inline uint32_t
rv_convolve_taps (const RvGridOp *op)
{
  return op->window.kernel[0] * op->window.kernel[1];
}

/* The pixel of the input that a pixel of the output sees at a tap; FALSE: padding. */
static inline gboolean
rv_convolve_input_at (const RvGridOp *op, const RvGridValue *in, const RvGridValue *out, uint32_t pixel,
                      uint32_t tap, uint32_t *from)
{
  const int64_t y
      = rv_window_at (&op->window, 0, pixel / out->grid.width, tap / op->window.kernel[1], in->grid.height),
      x = rv_window_at (&op->window, 1, pixel % out->grid.width, tap % op->window.kernel[1], in->grid.width);
  *from = (uint32_t)(y * in->grid.width + x);
  return y >= 0 && x >= 0;
}

static inline uint32_t
rv_up (uint32_t n, uint32_t to)
{
  return (n + to - 1) / to * to;
}

/* Rows of a piece of the output begin as the bias; places beyond the channels as zero. */
void rv_convolve_begin (const RvModel *model, const RvGridOp *op, const RvGridTile *tile, uint32_t chunk,
                        RvPiece piece, uint32_t rows, float *out);

void rv_convolve_packed_forward (const RvModel *model, const RvGridOp *op, RvGridTile *tile,
                                 RvGridWorker *worker);
void rv_convolve_packed_backward (const RvModel *model, const RvGridOp *op, RvGridTile *tile,
                                  RvGridWorker *worker);
void rv_convolve_bf16_prepare (const RvModel *model, RvGridOp *op, const float *weight, gboolean backward);
void rv_convolve_bf16_forward (const RvModel *model, const RvGridOp *op, RvGridTile *tile,
                               RvGridWorker *worker);
void rv_convolve_bf16_down (const RvModel *model, const RvGridOp *op, RvGridTile *tile, RvGridWorker *worker);
void rv_convolve_bf16_weights (const RvModel *model, const RvGridOp *op, RvGridTile *tile,
                               RvGridWorker *worker);

#endif
