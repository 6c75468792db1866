/* Pooling on a grid, piece by piece. The largest of spikes is their union, a word at a time. */
#include "engine/grid/grid.h"
#include <string.h>

static uint32_t
taps_of (const RvGridOp *op, const RvGridValue *in, uint32_t y, uint32_t x, uint32_t *pixels)
{
  uint32_t n = 0;
  for (uint32_t ky = 0; ky < op->window.kernel[0]; ky++)
    for (uint32_t kx = 0; kx < op->window.kernel[1]; kx++)
      {
        const int64_t iy = rv_window_at (&op->window, 0, y, ky, in->grid.height),
                      ix = rv_window_at (&op->window, 1, x, kx, in->grid.width);
        if (iy >= 0 && ix >= 0)
          pixels[n++] = (uint32_t)(iy * in->grid.width + ix);
      }
  return n;
}

static double
factor (const RvGridOp *op)
{
  return op->pool == RV_POOL_AVERAGE ? 1.0 / ((double)op->window.kernel[0] * op->window.kernel[1]) : 1.0;
}

/* The union of the spikes of a window, at the output's place in its words. */
static void
unite (const RvGridRoom *from, const RvGridValue *in, RvGridRoom *to, const RvGridValue *out, uint32_t rows,
       const uint32_t *pixels, uint32_t n, uint32_t pixel, uint32_t chunk)
{
  const RvPiece target = rv_grid_piece (out, pixel, chunk);
  uint64_t *words = to->bits + (size_t)(target.panel / RV_PANEL) * rows;
  const uint64_t mask = target.width == 64 ? UINT64_MAX : (UINT64_C (1) << target.width) - 1;
  for (uint32_t r = 0; r < rows; r++)
    {
      uint64_t any = 0;
      for (uint32_t k = 0; k < n; k++)
        {
          const RvPiece piece = rv_grid_piece (in, pixels[k], chunk);
          any |= from->bits[(size_t)(piece.panel / RV_PANEL) * rows + r] >> (piece.column - piece.panel);
        }
      const uint32_t shift = target.column - target.panel;
      words[r] = (words[r] & ~(mask << shift)) | (any & mask) << shift;
    }
}

/* One piece of the output from those of the window. */
static void
gather_piece (const RvModel *model, const RvGridOp *op, RvGridTile *tile, RvGridWorker *worker,
              const uint32_t *pixels, uint32_t n, uint32_t chunk, RvPiece target, float *out, uint32_t rows)
{
  const RvGridValue *in = rv_grid_value (model->grid, op->in);
  const float scale = (float)factor (op);
  const uint32_t width = target.width;
  for (uint32_t k = 0; k < n; k++)
    {
      const RvPiece piece = rv_grid_piece (in, pixels[k], chunk);
      const float *x
          = rv_grid_read (model, tile, worker, op->in, piece.panel, 0) + piece.column - piece.panel;
      for (uint32_t r = 0; r < rows; r++)
        {
          float *to = out + (size_t)r * target.stride;
          const float *row = x + (size_t)r * piece.stride;
          for (uint32_t j = 0; j < width; j++)
            to[j] = op->pool == RV_POOL_MAX ? (k && !(row[j] > to[j]) ? to[j] : row[j])
                                            : (k ? to[j] : 0.0f) + scale * row[j];
        }
    }
  for (uint32_t r = 0; n == 0 && r < rows; r++)
    memset (out + (size_t)r * target.stride, 0, width * sizeof (float));
}

void
rv_grid_pool_forward (const RvModel *model, const RvGridOp *op, RvGridTile *tile, RvGridWorker *worker)
{
  const RvGridValue *in = rv_grid_value (model->grid, op->in), *out = rv_grid_value (model->grid, op->out);
  RvGridRoom *from = &tile->values[op->in], *to = &tile->values[op->out];
  const uint32_t rows = rv_grid_rows (model, tile, out);
  g_autofree uint32_t *pixels = g_new (uint32_t, (size_t)op->window.kernel[0] * op->window.kernel[1]);
  for (uint32_t y = 0; y < out->grid.height; y++)
    for (uint32_t x = 0; x < out->grid.width; x++)
      {
        const uint32_t n = taps_of (op, in, y, x, pixels), pixel = y * out->grid.width + x;
        for (uint32_t chunk = 0; chunk < rv_grid_chunks (out); chunk++)
          {
            const RvPiece piece = rv_grid_piece (out, pixel, chunk);
            if (to->bits)
              unite (from, in, to, out, rows, pixels, n, pixel, chunk);
            else
              gather_piece (model, op, tile, worker, pixels, n, chunk, piece,
                            to->floats + rv_grid_at (piece.panel, rows) + piece.column - piece.panel, rows);
          }
      }
}

/* Gives the gradient of a piece to the first of the largest. */
static void
give_largest (const RvModel *model, const RvGridOp *op, RvGridTile *tile, RvGridWorker *worker,
              const uint32_t *pixels, uint32_t n, uint32_t chunk, const float *g, uint32_t stride,
              uint32_t width, uint32_t rows)
{
  const RvGridValue *in = rv_grid_value (model->grid, op->in);
  float *best = worker->z, *which = worker->slope;
  for (uint32_t k = 0; k < n; k++)
    {
      const RvPiece piece = rv_grid_piece (in, pixels[k], chunk);
      const float *x
          = rv_grid_read (model, tile, worker, op->in, piece.panel, 0) + piece.column - piece.panel;
      for (uint32_t r = 0; r < rows; r++)
        for (uint32_t j = 0; j < width; j++)
          if (k == 0 || x[(size_t)r * piece.stride + j] > best[(size_t)r * width + j])
            {
              best[(size_t)r * width + j] = x[(size_t)r * piece.stride + j];
              which[(size_t)r * width + j] = (float)k;
            }
    }
  for (uint32_t k = 0; k < n; k++)
    {
      const RvPiece piece = rv_grid_piece (in, pixels[k], chunk);
      float *to = worker->spike; /* a panel: the piece and zeros beside it */
      memset (to, 0, sizeof (float) * rows * piece.stride);
      for (uint32_t r = 0; r < rows; r++)
        for (uint32_t j = 0; j < width; j++)
          if (which[(size_t)r * width + j] == (float)k)
            to[(size_t)r * piece.stride + piece.column - piece.panel + j] = g[(size_t)r * stride + j];
      rv_grid_give (model, tile, worker, op->in, piece.panel, to, in->is_static, 1);
    }
}

/* The same of spikes: the first that fired, or the first of all where none did, a word at a time. */
static void
give_first (const RvModel *model, const RvGridOp *op, RvGridTile *tile, RvGridWorker *worker,
            const uint32_t *pixels, uint32_t n, uint32_t chunk, const float *g, uint32_t stride,
            uint32_t width, uint32_t rows)
{
  const RvGridValue *in = rv_grid_value (model->grid, op->in);
  const RvGridRoom *room = &tile->values[op->in];
  uint64_t *left = worker->words; /* places whose gradient nobody has */
  for (uint32_t r = 0; r < rows; r++)
    left[r] = UINT64_MAX;
  for (uint32_t k = 0; k < n; k++) /* who fired, and then, as number n, the first for what is left */
    {
      const RvPiece piece = rv_grid_piece (in, pixels[k], chunk);
      const uint64_t *words = room->bits + (size_t)(piece.panel / RV_PANEL) * rows;
      const uint32_t shift = piece.column - piece.panel;
      float *to = rv_grid_gradient (model, tile, op->in, piece.panel) + shift;
      for (uint32_t r = 0; r < rows; r++)
        {
          const uint64_t takes = words[r] >> shift & left[r];
          left[r] &= ~takes;
          rv_kernels ()->add_where (takes, g + (size_t)r * stride, width, to + (size_t)r * piece.stride);
        }
    }
  const RvPiece piece = rv_grid_piece (in, pixels[0], chunk);
  float *to = rv_grid_gradient (model, tile, op->in, piece.panel) + piece.column - piece.panel;
  for (uint32_t r = 0; r < rows; r++)
    rv_kernels ()->add_where (left[r], g + (size_t)r * stride, width, to + (size_t)r * piece.stride);
}

static void
give_all (const RvModel *model, const RvGridOp *op, RvGridTile *tile, RvGridWorker *worker,
          const uint32_t *pixels, uint32_t n, uint32_t chunk, const float *g, uint32_t stride, uint32_t width,
          uint32_t rows)
{
  const RvGridValue *in = rv_grid_value (model->grid, op->in);
  const float scale = (float)factor (op);
  for (uint32_t k = 0; k < n; k++)
    {
      const RvPiece piece = rv_grid_piece (in, pixels[k], chunk);
      float *to = worker->spike;
      if (piece.stride > width)
        memset (to, 0, sizeof (float) * rows * piece.stride);
      for (uint32_t r = 0; r < rows; r++)
        for (uint32_t j = 0; j < width; j++)
          to[(size_t)r * piece.stride + piece.column - piece.panel + j] = scale * g[(size_t)r * stride + j];
      rv_grid_give (model, tile, worker, op->in, piece.panel, to, in->is_static, 1);
    }
}

void
rv_grid_pool_backward (const RvModel *model, const RvGridOp *op, RvGridTile *tile, RvGridWorker *worker)
{
  const RvGridValue *in = rv_grid_value (model->grid, op->in), *out = rv_grid_value (model->grid, op->out);
  const uint32_t rows = rv_grid_rows (model, tile, out);
  const gboolean bits = tile->values[op->in].bits != NULL;
  g_autofree uint32_t *pixels = g_new (uint32_t, (size_t)op->window.kernel[0] * op->window.kernel[1]);
  for (uint32_t y = 0; y < out->grid.height; y++)
    for (uint32_t x = 0; x < out->grid.width; x++)
      {
        const uint32_t n = taps_of (op, in, y, x, pixels), pixel = y * out->grid.width + x;
        for (uint32_t chunk = 0; chunk < rv_grid_chunks (out); chunk++)
          {
            const RvPiece piece = rv_grid_piece (out, pixel, chunk);
            const float *g = rv_grid_given (model, tile, op->out, piece.panel);
            if (!g)
              continue;
            (op->pool != RV_POOL_MAX ? give_all
             : bits                  ? give_first
                                     : give_largest) (model, op, tile, worker, pixels, n, chunk,
                                     g + piece.column - piece.panel, piece.stride, piece.width, rows);
          }
      }
  rv_grid_release (tile, op->out);
}
