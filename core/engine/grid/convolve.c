/* Convolution on a grid: for each pixel of the output and each tap of the window the product of a piece of the input
 * with a block of the weight, [channels in][channels out] of that tap. Spikes that are few are gathered instead. Where
 * the input has few channels, or the channels are in groups, the taps are put side by side and multiplied at once. */
#include "engine/grid/grid.h"
#include <string.h>

/* Below this share of spikes a piece is gathered, above it is a product. Measured on pieces of 64 by 64. */
#define SPARSE 0.25

/* Of the output, rows and columns whose window has tap (ky, kx) at pixel (y, x) of the input; FALSE: none. */
static gboolean
output_at (const RvGridOp *op, const RvGridValue *out, uint32_t y, uint32_t x, uint32_t ky, uint32_t kx,
           uint32_t *pixel)
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

/* The block of a weight for one tap: rows of channels from 64 * chunk_in on, columns of panel 64 * chunk_out. */
static size_t
block_at (const RvParameter *p, uint32_t channels, uint32_t tap, uint32_t chunk_in, uint32_t chunk_out)
{
  return rv_panel_at (p->inputs, p->stride, tap * channels + chunk_in * RV_PANEL, chunk_out * RV_PANEL);
}

/* The same for dL/din: [tap][chunk_in][channels out][width of the piece]. */
static size_t
back_at (const RvParameter *p, const RvGridValue *in, uint32_t tap, uint32_t chunk_in)
{
  return ((size_t)tap * rv_grid_chunks (in) + chunk_in) * p->units * MIN (in->apart, RV_PANEL);
}

static uint32_t
taps_of (const RvGridOp *op)
{
  return op->window.kernel[0] * op->window.kernel[1];
}

static uint32_t
up (uint32_t n, uint32_t to)
{
  return (n + to - 1) / to * to;
}

/* ---- what is made of the weight before each batch */

/* Floats of one block of bf16 pairs, of `k` rows and `n` columns. */
static size_t
pairs_of (uint32_t k, uint32_t n)
{
  return (size_t)up (k, 32) * up (n, 16);
}

static void
prepare_pairs (const RvModel *model, RvGridOp *op, const float *weight, gboolean backward)
{
  const RvGridValue *in = rv_grid_value (model->grid, op->in), *out = rv_grid_value (model->grid, op->out);
  const RvParameter *p = rv_parameter (model, op->weight);
  const uint32_t chunks_in = rv_grid_chunks (in), chunks_out = rv_grid_chunks (out), taps = taps_of (op);
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
          op->bf16->pack_pairs (weight + block_at (p, in->grid.channels, tap, i, o),
                                rv_panel_width (p->stride, o * RV_PANEL), rv_grid_channels (in, i),
                                rv_panel_width (p->stride, o * RV_PANEL), op->pairs + at);
          if (backward)
            op->bf16->pack_pairs (op->transposed + back_at (p, in, tap, i) + (size_t)o * RV_PANEL * width,
                                  width, rv_grid_channels (out, o), width, op->pairs_back + at);
        }
}

void
rv_convolve_prepare (const RvModel *model, RvGridOp *op, const float *parameters, gboolean backward)
{
  const RvGridValue *in = rv_grid_value (model->grid, op->in);
  const RvParameter *p = rv_parameter (model, op->weight);
  const float *weight = parameters + p->offset;
  const uint32_t taps = taps_of (op), channels = in->grid.channels, width = MIN (in->apart, RV_PANEL);
  const uint32_t stride = up (p->inputs, 16);
  const size_t n
      = op->packed ? (size_t)p->units * stride : (size_t)taps * rv_grid_chunks (in) * p->units * width;
  if (backward && !op->transposed)
    op->transposed = rv_aligned_alloc (n * sizeof (float));
  for (uint32_t unit = 0; backward && op->packed && unit < p->units; unit++)
    for (uint32_t row = 0; row < p->inputs; row++)
      op->transposed[(size_t)unit * stride + row] = weight[rv_panel_at (p->inputs, p->stride, row, unit)];
  for (uint32_t tap = 0; backward && !op->packed && tap < taps; tap++)
    for (uint32_t i = 0; i < rv_grid_chunks (in); i++)
      for (uint32_t o = 0; o < p->units; o += RV_PANEL)
        {
          const float *block = weight + block_at (p, channels, tap, i, o / RV_PANEL);
          float *to = op->transposed + back_at (p, in, tap, i) + (size_t)o * width;
          const uint32_t wide = rv_panel_width (p->stride, o);
          for (uint32_t unit = 0; unit < MIN (RV_PANEL, p->units - o); unit++)
            for (uint32_t c = 0; c < rv_grid_channels (in, i); c++)
              to[(size_t)unit * width + c] = block[(size_t)c * wide + unit];
        }
  if (op->bf16)
    prepare_pairs (model, op, weight, backward);
}

/* ---- forward */

/* Rows of a piece of the output begin as the bias; places beyond the channels as zero. */
static void
begin_piece (const RvModel *model, const RvGridOp *op, const RvGridTile *tile, uint32_t chunk, RvPiece piece,
             uint32_t rows, float *out)
{
  float row[RV_PANEL] = { 0 };
  const RvGridValue *v = rv_grid_value (model->grid, op->out);
  if (op->bias != RV_NO_HANDLE)
    memcpy (row, tile->parameters + rv_parameter (model, op->bias)->offset + chunk * RV_PANEL,
            rv_grid_channels (v, chunk) * sizeof (float));
  for (uint32_t r = 0; r < rows; r++)
    memcpy (out + (size_t)r * piece.stride, row, piece.width * sizeof (float));
}

/* Spikes of a piece in all rows. */
static uint32_t
count_spikes (const uint64_t *words, uint32_t shift, uint32_t width, uint32_t rows)
{
  const uint64_t mask = width == 64 ? UINT64_MAX : (UINT64_C (1) << width) - 1;
  uint32_t n = 0;
  for (uint32_t r = 0; r < rows; r++)
    n += (uint32_t)__builtin_popcountll (words[r] >> shift & mask);
  return n;
}

/* out += a piece of the input times the block of one tap. */
static void
meet (const RvModel *model, const RvGridOp *op, const RvGridTile *tile, RvGridWorker *worker, uint32_t pixel,
      uint32_t chunk, const float *block, uint32_t wide, uint32_t rows, float *out, uint32_t stride)
{
  const RvKernels *kernels = rv_kernels ();
  const RvGridValue *in = rv_grid_value (model->grid, op->in);
  const RvGridRoom *room = &tile->values[op->in];
  const RvPiece piece = rv_grid_piece (in, pixel, chunk);
  const uint32_t k = rv_grid_channels (in, chunk), shift = piece.column - piece.panel;
  if (!room->bits)
    {
      kernels->product (rows, k, wide, room->floats + rv_grid_at (piece.panel, rows) + shift, piece.stride,
                        block, wide, out, stride, TRUE);
      return;
    }
  const uint64_t *words = room->bits + (size_t)(piece.panel / RV_PANEL) * rows;
  const uint32_t n = count_spikes (words, shift, piece.width, rows);
  if (n == 0)
    return;
  if (n < SPARSE * rows * k)
    {
      kernels->gather_words (block, wide, words, shift, k, rows, out, stride);
      return;
    }
  kernels->expand (words, shift, k, rows, worker->panel[0], RV_PANEL);
  kernels->product (rows, k, wide, worker->panel[0], RV_PANEL, block, wide, out, stride, TRUE);
}

static void
forward_direct (const RvModel *model, const RvGridOp *op, RvGridTile *tile, RvGridWorker *worker)
{
  const RvGridValue *in = rv_grid_value (model->grid, op->in), *out = rv_grid_value (model->grid, op->out);
  const RvParameter *p = rv_parameter (model, op->weight);
  const float *weight = tile->parameters + p->offset;
  const uint32_t rows = rv_grid_rows (model, tile, out);
  for (uint32_t o = 0; o < rv_grid_chunks (out); o++)
    for (uint32_t pixel = 0; pixel < out->grid.height * out->grid.width; pixel++)
      {
        const uint32_t wide = rv_panel_width (p->stride, o * RV_PANEL);
        const RvPiece piece = rv_grid_piece (out, pixel, o);
        float *to
            = tile->values[op->out].floats + rv_grid_at (piece.panel, rows) + piece.column - piece.panel;
        begin_piece (model, op, tile, o, piece, rows, to);
        for (uint32_t ky = 0; ky < op->window.kernel[0]; ky++)
          for (uint32_t kx = 0; kx < op->window.kernel[1]; kx++)
            {
              const int64_t y = rv_window_at (&op->window, 0, pixel / out->grid.width, ky, in->grid.height),
                            x = rv_window_at (&op->window, 1, pixel % out->grid.width, kx, in->grid.width);
              for (uint32_t i = 0; y >= 0 && x >= 0 && i < rv_grid_chunks (in); i++)
                meet (model, op, tile, worker, (uint32_t)(y * in->grid.width + x), i,
                      weight + block_at (p, in->grid.channels, ky * op->window.kernel[1] + kx, i, o), wide,
                      rows, to, piece.stride);
            }
      }
}

/* ---- taps side by side */

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

/* What one pixel of the output sees of group g: [rows][taps][channels], `stride` apart; or the way back, adding
 * `packed` to the gradient of the input. */
static void
pack (const RvModel *model, const RvGridOp *op, RvGridTile *tile, RvGridWorker *worker, uint32_t pixel,
      uint32_t g, float *packed, uint32_t stride, gboolean back)
{
  const RvGridValue *in = rv_grid_value (model->grid, op->in), *out = rv_grid_value (model->grid, op->out);
  const uint32_t rows = rv_grid_rows (model, tile, in), channels = group_channels (model, op);
  for (uint32_t tap = 0; tap < taps_of (op); tap++)
    {
      const int64_t y = rv_window_at (&op->window, 0, pixel / out->grid.width, tap / op->window.kernel[1],
                                      in->grid.height),
                    x = rv_window_at (&op->window, 1, pixel % out->grid.width, tap % op->window.kernel[1],
                                      in->grid.width);
      for (uint32_t c = 0, n; c < channels; c += n)
        {
          const uint32_t channel = g * channels + c;
          float *to = packed + tap * channels + c;
          n = MIN (channels - c, RV_PANEL - channel % RV_PANEL);
          if (y < 0 || x < 0)
            {
              for (uint32_t r = 0; !back && r < rows; r++)
                memset (to + (size_t)r * stride, 0, n * sizeof (float));
              continue;
            }
          RvPiece piece = rv_grid_piece (in, (uint32_t)(y * in->grid.width + x), channel / RV_PANEL);
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

static void
forward_packed (const RvModel *model, const RvGridOp *op, RvGridTile *tile, RvGridWorker *worker)
{
  const RvGridValue *out = rv_grid_value (model->grid, op->out);
  const RvParameter *p = rv_parameter (model, op->weight);
  const float *weight = tile->parameters + p->offset;
  const uint32_t rows = rv_grid_rows (model, tile, out), stride = up (p->inputs, 16);
  float *packed = packed_room (worker, (size_t)rows * stride);
  for (uint32_t pixel = 0; pixel < out->grid.height * out->grid.width; pixel++)
    {
      for (uint32_t o = 0; o < rv_grid_chunks (out); o++)
        {
          const RvPiece piece = rv_grid_piece (out, pixel, o);
          begin_piece (model, op, tile, o, piece, rows,
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
            }
        }
    }
}

/* ---- bf16 */

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
  *apart = (size_t)up (rows, 16) * up (MIN (v->apart, RV_PANEL), 32);
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

static void
forward_bf16 (const RvModel *model, const RvGridOp *op, RvGridTile *tile, RvGridWorker *worker)
{
  const RvGridValue *in = rv_grid_value (model->grid, op->in), *out = rv_grid_value (model->grid, op->out);
  const RvParameter *p = rv_parameter (model, op->weight);
  const uint32_t rows = rv_grid_rows (model, tile, out), chunks = rv_grid_chunks (in),
                 outs = rv_grid_chunks (out);
  size_t apart;
  const uint16_t *all = pack_all (model, op, tile, worker, op->in, FALSE, &apart);
  list_room (worker, (size_t)taps_of (op) * chunks);
  op->bf16->begin ();
  for (uint32_t o = 0; o < outs; o++)
    for (uint32_t pixel = 0; pixel < out->grid.height * out->grid.width; pixel++)
      {
        const RvPiece piece = rv_grid_piece (out, pixel, o);
        float *to
            = tile->values[op->out].floats + rv_grid_at (piece.panel, rows) + piece.column - piece.panel;
        uint32_t n = 0, k = 0;
        begin_piece (model, op, tile, o, piece, rows, to);
        for (uint32_t tap = 0; tap < taps_of (op); tap++)
          {
            const int64_t y = rv_window_at (&op->window, 0, pixel / out->grid.width,
                                            tap / op->window.kernel[1], in->grid.height),
                          x = rv_window_at (&op->window, 1, pixel % out->grid.width,
                                            tap % op->window.kernel[1], in->grid.width);
            for (uint32_t i = 0; y >= 0 && x >= 0 && i < chunks; i++)
              {
                worker->lists[0][n] = all + apart * ((size_t)(y * in->grid.width + x) * chunks + i);
                worker->lists[1][n++]
                    = op->pairs + (((size_t)tap * chunks + i) * outs + o) * pairs_of (RV_PANEL, RV_PANEL);
              }
          }
        k = up (MIN (in->apart, RV_PANEL), 32);
        op->bf16->products (rows, k, rv_panel_width (p->stride, o * RV_PANEL), n, worker->lists[0],
                            worker->lists[1], to, piece.stride, TRUE);
      }
  op->bf16->end ();
}

void
rv_convolve_forward (const RvModel *model, const RvGridOp *op, RvGridTile *tile, RvGridWorker *worker)
{
  if (op->packed)
    forward_packed (model, op, tile, worker);
  else if (op->bf16)
    forward_bf16 (model, op, tile, worker);
  else
    forward_direct (model, op, tile, worker);
}

/* ---- backward */

static void
bias_gradient (const RvModel *model, const RvGridOp *op, const RvGridTile *tile, uint32_t rows)
{
  const RvGridValue *out = rv_grid_value (model->grid, op->out);
  if (op->bias == RV_NO_HANDLE || !tile->gradient)
    return;
  float *bias = tile->gradient + rv_parameter (model, op->bias)->offset;
  for (uint32_t pixel = 0; pixel < out->grid.height * out->grid.width; pixel++)
    for (uint32_t o = 0; o < rv_grid_chunks (out); o++)
      {
        const RvPiece piece = rv_grid_piece (out, pixel, o);
        const float *g = rv_grid_given (model, tile, op->out, piece.panel);
        if (g)
          rv_kernels ()->add_rows (bias + o * RV_PANEL, g + piece.column - piece.panel, rows, piece.stride,
                                   rv_grid_channels (out, o));
      }
}

static void
backward_packed (const RvModel *model, const RvGridOp *op, RvGridTile *tile, RvGridWorker *worker)
{
  const RvGridValue *out = rv_grid_value (model->grid, op->out);
  const RvParameter *p = rv_parameter (model, op->weight);
  const uint32_t rows = rv_grid_rows (model, tile, out), stride = up (p->inputs, 16);
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
            if (from)
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
            if (from)
              rv_kernels ()->product (rows, part.n, stride, from + piece.column - piece.panel + part.from,
                                      piece.stride,
                                      op->transposed + (size_t)(part.chunk * RV_PANEL + part.from) * stride,
                                      stride, packed, stride, TRUE);
          }
        pack (model, op, tile, worker, pixel, g, packed, stride, TRUE);
      }
}

/* Bits of the rows in which each of k channels fired: words [k][ceil (rows / 64)]. */
static void
turn_bits (const uint64_t *rows_bits, uint32_t shift, uint32_t k, uint32_t rows, uint64_t *words)
{
  const uint32_t n = (rows + 63) / 64;
  for (uint32_t part = 0; part < n; part++)
    {
      uint64_t m[64];
      for (uint32_t r = 0; r < 64; r++)
        m[r] = part * 64 + r < rows ? rows_bits[part * 64 + r] >> shift : 0;
      /* transposed in six steps, blocks of 32, 16, ... 1 */
      uint64_t mask = UINT64_C (0x00000000FFFFFFFF);
      for (uint32_t j = 32; j; j >>= 1, mask ^= mask << j)
        for (uint32_t i = 0; i < 64; i = ((i | j) + 1) & ~j)
          {
            const uint64_t t = (m[i] >> j ^ m[i | j]) & mask;
            m[i] ^= t << j;
            m[i | j] ^= t;
          }
      for (uint32_t c = 0; c < k; c++)
        words[c * n + part] = m[c];
    }
}

/* What a piece of the input gives to dL/dweight, tap by tap. */
typedef struct
{
  const float *numbers; /* [rows], stride apart; NULL: spikes that are few, as words by channel */
  uint32_t stride;
  gboolean none;
} Operand;

static Operand
operand_of (const RvModel *model, const RvGridOp *op, const RvGridTile *tile, RvGridWorker *worker,
            RvPiece piece, uint32_t k, uint32_t rows)
{
  const RvGridRoom *room = &tile->values[op->in];
  const uint32_t shift = piece.column - piece.panel;
  if (!room->bits)
    return (Operand){ room->floats + rv_grid_at (piece.panel, rows) + shift, piece.stride, FALSE };
  const uint64_t *words = room->bits + (size_t)(piece.panel / RV_PANEL) * rows;
  const uint32_t n = count_spikes (words, shift, piece.width, rows);
  if (n == 0)
    return (Operand){ NULL, 0, TRUE };
  if (n < SPARSE * rows * k)
    {
      turn_bits (words, shift, k, rows, worker->words);
      return (Operand){ NULL, 0, FALSE };
    }
  rv_kernels ()->expand (words, shift, k, rows, worker->panel[0], RV_PANEL);
  return (Operand){ worker->panel[0], RV_PANEL, FALSE };
}

/* A pixel of the input and one of its pieces: what goes to the weight of each tap, and what comes back. */
static void
backward_piece (const RvModel *model, const RvGridOp *op, RvGridTile *tile, RvGridWorker *worker, uint32_t y,
                uint32_t x, uint32_t i, gboolean weights, gboolean down)
{
  const RvKernels *kernels = rv_kernels ();
  const RvGridValue *in = rv_grid_value (model->grid, op->in), *out = rv_grid_value (model->grid, op->out);
  const RvParameter *p = rv_parameter (model, op->weight);
  const RvPiece piece = rv_grid_piece (in, y * in->grid.width + x, i);
  const uint32_t rows = rv_grid_rows (model, tile, out), k = rv_grid_channels (in, i);
  const Operand a = weights ? operand_of (model, op, tile, worker, piece, k, rows) : (Operand){ 0 };
  float *back
      = down ? rv_grid_gradient (model, tile, op->in, piece.panel) + piece.column - piece.panel : NULL;
  for (uint32_t ky = 0; ky < op->window.kernel[0]; ky++)
    for (uint32_t kx = 0; kx < op->window.kernel[1]; kx++)
      {
        const uint32_t tap = ky * op->window.kernel[1] + kx;
        uint32_t pixel;
        if (!output_at (op, out, y, x, ky, kx, &pixel))
          continue;
        for (uint32_t o = 0; o < rv_grid_chunks (out); o++)
          {
            const RvPiece from = rv_grid_piece (out, pixel, o);
            const float *g = rv_grid_given (model, tile, op->out, from.panel);
            const uint32_t n = rv_grid_channels (out, o), wide = rv_panel_width (p->stride, o * RV_PANEL);
            if (!g)
              continue;
            g += from.column - from.panel;
            float *gradient = tile->gradient + p->offset + block_at (p, in->grid.channels, tap, i, o);
            if (weights && a.numbers)
              kernels->product_adjoint (rows, k, wide, a.numbers, a.stride, g, from.stride, gradient, wide);
            else if (weights && !a.none)
              kernels->collect_words (gradient, wide, worker->words, k, rows, g, from.stride);
            if (down)
              kernels->product (rows, n, piece.width, g, from.stride,
                                op->transposed + back_at (p, in, tap, i) + (size_t)o * RV_PANEL * piece.width,
                                piece.width, back, piece.stride, TRUE);
          }
      }
}

/* dL/din by bf16 products. */
static void
down_bf16 (const RvModel *model, const RvGridOp *op, RvGridTile *tile, RvGridWorker *worker)
{
  const RvGridValue *in = rv_grid_value (model->grid, op->in), *out = rv_grid_value (model->grid, op->out);
  const uint32_t rows = rv_grid_rows (model, tile, out), chunks = rv_grid_chunks (in),
                 outs = rv_grid_chunks (out);
  size_t apart;
  const uint16_t *all = pack_all (model, op, tile, worker, op->out, TRUE, &apart);
  list_room (worker, (size_t)taps_of (op) * outs);
  op->bf16->begin ();
  for (uint32_t pixel = 0; pixel < in->grid.height * in->grid.width; pixel++)
    for (uint32_t i = 0; i < chunks; i++)
      {
        const RvPiece piece = rv_grid_piece (in, pixel, i);
        uint32_t n = 0, from;
        for (uint32_t tap = 0; tap < taps_of (op); tap++)
          if (output_at (op, out, pixel / in->grid.width, pixel % in->grid.width, tap / op->window.kernel[1],
                         tap % op->window.kernel[1], &from))
            for (uint32_t o = 0; o < outs; o++)
              {
                worker->lists[0][n] = all + apart * ((size_t)from * outs + o);
                worker->lists[1][n++]
                    = op->pairs_back
                      + (((size_t)tap * chunks + i) * outs + o) * pairs_of (RV_PANEL, RV_PANEL);
              }
        op->bf16->products (rows, up (MIN (out->apart, RV_PANEL), 32), piece.width, n, worker->lists[0],
                            worker->lists[1],
                            rv_grid_gradient (model, tile, op->in, piece.panel) + piece.column - piece.panel,
                            piece.stride, TRUE);
      }
  op->bf16->end ();
}

/* dL/dweight by bf16 products: for each tap the sum over all pixels that it joins. */
static void
weights_bf16 (const RvModel *model, const RvGridOp *op, RvGridTile *tile, RvGridWorker *worker)
{
  const RvGridValue *in = rv_grid_value (model->grid, op->in), *out = rv_grid_value (model->grid, op->out);
  const RvParameter *p = rv_parameter (model, op->weight);
  const RvGridRoom *room = &tile->values[op->in];
  const uint32_t rows = rv_grid_rows (model, tile, out), chunks = rv_grid_chunks (in),
                 outs = rv_grid_chunks (out), width = MIN (in->apart, RV_PANEL);
  const uint32_t pixels = in->grid.height * in->grid.width, others = out->grid.height * out->grid.width;
  const size_t a_apart = (size_t)up (width, 16) * up (rows, 32),
               b_apart = (size_t)up (rows, 32) * up (MIN (out->apart, RV_PANEL), 16);
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
  for (uint32_t tap = 0; tap < taps_of (op); tap++)
    for (uint32_t i = 0; i < chunks; i++)
      for (uint32_t o = 0; o < outs; o++)
        {
          uint32_t n = 0, to;
          for (uint32_t pixel = 0; pixel < pixels; pixel++)
            if (output_at (op, out, pixel / in->grid.width, pixel % in->grid.width,
                           tap / op->window.kernel[1], tap % op->window.kernel[1], &to))
              {
                worker->lists[0][n] = a + a_apart * ((size_t)pixel * chunks + i);
                worker->lists[1][n++] = b + b_apart * ((size_t)to * outs + o);
              }
          const uint32_t wide = rv_panel_width (p->stride, o * RV_PANEL);
          op->bf16->products (
              rv_grid_channels (in, i), up (rows, 32), wide, n, worker->lists[0], worker->lists[1],
              tile->gradient + p->offset + block_at (p, in->grid.channels, tap, i, o), wide, TRUE);
        }
  op->bf16->end ();
}

void
rv_convolve_backward (const RvModel *model, const RvGridOp *op, RvGridTile *tile, RvGridWorker *worker)
{
  const RvGridValue *in = rv_grid_value (model->grid, op->in);
  const gboolean down = op->in != 0 || tile->input_gradient, weights = tile->gradient != NULL;
  if (!tile->values[op->out].gradient)
    return;
  bias_gradient (model, op, tile, rv_grid_rows (model, tile, rv_grid_value (model->grid, op->out)));
  if (op->packed)
    backward_packed (model, op, tile, worker);
  else if (op->bf16)
    {
      if (weights)
        weights_bf16 (model, op, tile, worker);
      if (down)
        down_bf16 (model, op, tile, worker);
    }
  else
    for (uint32_t y = 0; y < in->grid.height; y++)
      for (uint32_t x = 0; x < in->grid.width; x++)
        for (uint32_t i = 0; i < rv_grid_chunks (in); i++)
          backward_piece (model, op, tile, worker, y, x, i, weights, down);
  rv_grid_release (tile, op->out);
}
