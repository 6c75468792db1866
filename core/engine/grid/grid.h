/* Layers on a grid, inside: the values and operations that layers declared, what a tile keeps of each
 * value, and the operations in both directions.
 *
 * A pixel has its channels side by side, padded (`apart`), so that a panel of RV_PANEL columns is a pixel,
 * a part of one, or several; a piece is the part of a pixel in one panel. Panel by panel come the rows of
 * all steps and samples, row = step * samples + sample: a convolution is then a product of pieces for each
 * tap of its window. */
#ifndef RV_GRID_H
#define RV_GRID_H

#include "engine/bf16.h"
#include "engine/job.h"
#include "engine/model.h"

typedef enum
{
  RV_GRID_CONVOLVE,
  RV_GRID_NORMALISE,
  RV_GRID_POOL,
  RV_GRID_FIRE,
  RV_GRID_ADD,
  RV_GRID_DROP,
  RV_GRID_COPY /* numbers that are made of others where they are read, kept for who reads them often; or the input's,
                * with pixels as far apart as elsewhere */
} RvGridOpType;

typedef struct
{
  RvGrid grid;
  uint32_t apart;   /* columns from pixel to pixel: a power of two up to RV_PANEL, or a multiple of it */
  uint32_t columns; /* of a row; a multiple of 16 */
  gboolean is_static, spikes, flat;
  gboolean stored;  /* otherwise it is made where it is read: NORMALISE, ADD, DROP */
  int32_t producer; /* operation; -1: the network's input */
} RvGridValue;

typedef struct
{
  RvGridOpType type;
  uint32_t layer; /* of the network, that declared it */
  RvHandle in, other, out;
  /* CONVOLVE, POOL */
  RvWindow window;
  uint32_t groups;
  gboolean packed; /* taps are put side by side first: few channels, or groups */
  const RvBf16 *bf16;
  RvHandle weight, bias;
  RvPool pool;
  /* NORMALISE */
  RvNormalisation normalisation;
  RvHandle running_mean, running_var;
  /* DROP */
  double share;
  /* FIRE: its neurons, as of any layer; and the path of draws */
  RvLayer neurons;
  char *path;
  /* made before each pass over a batch */
  float *transposed; /* CONVOLVE: for dL/din */
  uint16_t *pairs;   /* CONVOLVE with bf16: for the forward product, and for dL/din */
  uint16_t *pairs_back;
  float *affine;     /* NORMALISE: scale and shift [2][RV_PANEL or apart] */
  float *statistics; /* mean and 1 / deviation [2][the same] */
  float *lanes;      /* FIRE: its numbers [params][columns] of one sample; own: without a raised threshold */
  float *own;
} RvGridOp;

/* What a tile keeps of a value. */
typedef struct
{
  float *floats;    /* [panels][rows][width of the panel] */
  uint64_t *bits;   /* [panels][rows] */
  float *gradient;  /* as floats, while somebody has given some; or NULL */
  uint8_t *touched; /* [panels]: it holds something */
} RvGridRoom;

/* Sums of one normalisation over a tile or a batch, by channel. */
typedef struct
{
  double count, *mean,
      *squares; /* squares of the deviations; backward: sums of g and of g times what is normalised */
} RvMoments;

typedef struct
{
  size_t floats;
  float *room;
  gboolean taken;
} RvSpare;

/* One tile on its way. */
typedef struct
{
  uint32_t samples, first, index; /* samples that are there; of the batch; tile */
  RvGridRoom *values;
  RvMoments *moments;           /* [operations]: of NORMALISE */
  float **affine, **statistics; /* [operations]: the tile's own, where statistics are per tile */
  uint64_t **dropped;           /* [operations]: DROP: [panels][samples], bits of what stays */
  GArray *spares;               /* of RvSpare: rooms for gradients */
  const float *parameters;
  float *gradient;                  /* accumulator of parameters; or NULL */
  gboolean batch_statistics, drops; /* the model is trained */
  gboolean input_gradient;
  uint64_t epoch;
  const uint32_t *ids; /* of the batch, or NULL */
  const char *split;
  uint32_t labels[RV_TILE], lengths[RV_TILE];
  size_t bytes;
} RvGridTile;

/* What a worker needs beside the tile. */
typedef struct
{
  float *panel[4], *entry[RV_NEURON_MAX_STATES], *state[RV_NEURON_MAX_STATES],
      *state_gradient[RV_NEURON_MAX_STATES], *param[RV_NEURON_MAX_PARAMS], *own[RV_NEURON_MAX_PARAMS],
      *param_gradient[RV_NEURON_MAX_PARAMS];
  float *z, *slope, *spike, *zeros; /* [rows][RV_PANEL] each */
  float *packed;                    /* taps side by side: [rows][window * channels] */
  uint64_t *words;                  /* bits, by column, or by row */
  uint16_t *a, *b, *a_columns;      /* bf16 operands of a tile's pieces */
  size_t a_room, b_room, columns_room, packed_room;
  const uint16_t **lists[2];
  size_t lists_room;
  RvSpent *spent; /* [layers][RV_PHASES], or NULL */
  RvSpent *now;   /* of them, that of the operation at hand */
} RvGridWorker;

/* What an operation moved and did, for the profile. */
static inline void
rv_grid_count (RvGridWorker *worker, double bytes, double operations)
{
  if (!worker->now)
    return;
  worker->now->bytes += bytes;
  worker->now->operations += operations;
}

/* The part of a model that is on grids. */
struct RvGridNet
{
  GArray *values; /* of RvGridValue; the first is the input */
  GArray *ops;    /* of RvGridOp */
  RvHandle output;
  uint32_t rows; /* most of a tile */
  uint32_t n_tiles, n_workers;
  RvGridTile **tiles;
  RvGridWorker **workers;
  double *noted; /* [tiles]: moments of those whose statistics are per tile, for the running ones */
};

static inline RvGridValue *
rv_grid_value (const RvGridNet *net, RvHandle handle)
{
  return &g_array_index (net->values, RvGridValue, handle);
}

static inline RvGridOp *
rv_grid_op (const RvGridNet *net, uint32_t index)
{
  return &g_array_index (net->ops, RvGridOp, index);
}

/* Rows of a value in a tile. */
static inline uint32_t
rv_grid_rows (const RvModel *model, const RvGridTile *tile, const RvGridValue *v)
{
  return v->is_static ? tile->samples : model->steps * tile->samples;
}

/* A piece: where it lies, how far its rows are apart, and how wide it is. */
typedef struct
{
  uint32_t column; /* first, in a row of all columns */
  uint32_t panel;  /* first column of its panel */
  uint32_t stride, width;
} RvPiece;

static inline RvPiece
rv_grid_piece (const RvGridValue *v, uint32_t pixel, uint32_t chunk)
{
  const uint32_t column = pixel * v->apart + chunk * RV_PANEL, panel = column / RV_PANEL * RV_PANEL;
  return (RvPiece){ column, panel, rv_panel_width (v->columns, panel), MIN (v->apart, RV_PANEL) };
}

/* Pieces of a pixel. */
static inline uint32_t
rv_grid_chunks (const RvGridValue *v)
{
  return (v->apart + RV_PANEL - 1) / RV_PANEL;
}

/* Channels of a piece. */
static inline uint32_t
rv_grid_channels (const RvGridValue *v, uint32_t chunk)
{
  return MIN (v->grid.channels - chunk * RV_PANEL, RV_PANEL);
}

/* Where the panel with this first column begins in an array of all panels. */
static inline size_t
rv_grid_at (uint32_t panel, uint32_t rows)
{
  return (size_t)panel * rows;
}

/* Of an array by channel, the places that a panel of columns meets: they repeat where a panel has several
 * pixels. */
static inline uint32_t
rv_grid_pattern (const RvGridValue *v)
{
  return MAX (v->apart, RV_PANEL);
}

static inline gboolean
rv_grid_has_bits (const RvModel *model, const RvGridValue *v)
{
  return v->spikes && !model->relaxed;
}

/* The input row that an output row and a tap meet; -1: padding. */
static inline int64_t
rv_window_at (const RvWindow *w, int axis, uint32_t out, uint32_t tap, uint32_t size)
{
  const int64_t at = (int64_t)out * w->stride[axis] + (int64_t)tap * w->dilation[axis] - w->padding[axis];
  return at >= 0 && at < size ? at : -1;
}

/* ---- tile.c: reading and giving */

/* The rows of a panel of any value as numbers: its own, or made in `scratch` [rows][width]; `rows_wanted`
 * may be those of all steps where the value is static. Worker's panel[depth] and above are used. */
const float *rv_grid_read (const RvModel *model, RvGridTile *tile, RvGridWorker *worker, RvHandle value,
                           uint32_t panel, uint32_t depth);
/* Adds to the gradient of a value, g [rows][width of the panel], through what is not stored; `is_static`:
 * g has rows of samples alone. g may be changed. */
void rv_grid_give (const RvModel *model, RvGridTile *tile, RvGridWorker *worker, RvHandle value,
                   uint32_t panel, float *g, gboolean is_static, uint32_t depth);
/* The gradient of a panel, to be added to: zero if nothing was there. */
float *rv_grid_gradient (const RvModel *model, RvGridTile *tile, RvHandle value, uint32_t panel);
/* What was given of a panel; NULL: nothing. */
float *rv_grid_given (const RvModel *model, const RvGridTile *tile, RvHandle value, uint32_t panel);
/* Lets the gradient of one value become that of another of its shape, in place; FALSE if that can not be. */
gboolean rv_grid_pass_room (const RvModel *model, RvGridTile *tile, RvHandle from, RvHandle to);
void rv_grid_release (RvGridTile *tile, RvHandle value);
RvGridTile *rv_grid_tile_new (const RvModel *model, uint32_t samples);
void rv_grid_tile_free (const RvModel *model, RvGridTile *tile);
RvGridWorker *rv_grid_worker_new (const RvModel *model);
void rv_grid_worker_free (RvGridWorker *worker);
/* A tile's recordings, as read, become the first value; the last one a signal for the layers that follow
 * (rows laid out for `samples`), and back. */
void rv_grid_take (const RvModel *model, RvGridTile *tile, const RvSignal *input);
void rv_grid_hand_on (const RvModel *model, RvGridTile *tile, RvGridWorker *worker, RvHandle value,
                      uint32_t samples, RvGridShown *shown, RvSignal *signal);
void rv_grid_shown_clear (RvGridShown *shown);
/* Room for numbers, all zero; and rows of a panel to where layers and observers look for their units. */
float *rv_grid_shown_dense (const RvModel *model, const RvGridValue *v, RvGridShown *shown);
void rv_grid_place (const RvGridValue *v, const RvGridTile *tile, uint32_t panel, const float *x,
                    uint32_t rows, uint32_t samples, float *dense);
void rv_grid_hand_back (const RvModel *model, RvGridTile *tile, RvGridWorker *worker, const float *gradient,
                        size_t stride, uint32_t samples);
void rv_grid_input_gradient (const RvModel *model, const RvGridTile *tile, float *out, uint32_t samples);

/* ---- operations */

void rv_convolve_forward (const RvModel *model, const RvGridOp *op, RvGridTile *tile, RvGridWorker *worker);
void rv_convolve_backward (const RvModel *model, const RvGridOp *op, RvGridTile *tile, RvGridWorker *worker);
void rv_convolve_prepare (const RvModel *model, RvGridOp *op, const float *parameters, gboolean backward);
void rv_grid_pool_forward (const RvModel *model, const RvGridOp *op, RvGridTile *tile, RvGridWorker *worker);
void rv_grid_pool_backward (const RvModel *model, const RvGridOp *op, RvGridTile *tile, RvGridWorker *worker);
void rv_grid_fire_forward (const RvModel *model, const RvGridOp *op, RvGridTile *tile, RvGridWorker *worker);
void rv_grid_fire_backward (const RvModel *model, const RvGridOp *op, RvGridTile *tile, RvGridWorker *worker);
void rv_grid_fire_prepare (const RvModel *model, RvGridOp *op, const float *parameters);
/* Runs it again for its membranes, which nobody keeps. */
void rv_grid_fire_show (const RvModel *model, const RvGridOp *op, RvGridTile *tile, RvGridWorker *worker,
                        uint32_t samples, RvGridShown *shown, RvSignal *signal);
void rv_grid_drop_forward (const RvModel *model, const RvGridOp *op, RvGridTile *tile);

/* NORMALISE: moments of a tile; of the batch from those of the tiles, as a fixed tree, with the running
 * ones. */
void rv_normalise_prepare (const RvModel *model, RvGridOp *op, const float *parameters);
void rv_normalise_measure (const RvModel *model, uint32_t index, RvGridTile *tile, RvGridWorker *worker);
void rv_normalise_settle (RvModel *model, uint32_t index, const float *parameters, RvGridTile **tiles,
                          uint32_t n_tiles);
void rv_normalise_sum (const RvModel *model, uint32_t index, RvGridTile *tile, RvGridWorker *worker);
void rv_normalise_share (const RvModel *model, uint32_t index, RvGridTile **tiles, uint32_t n_tiles,
                         float *gradient);
void rv_normalise_backward (const RvModel *model, uint32_t index, RvGridTile *tile, RvGridWorker *worker);

void rv_normalise_expect (RvModel *model, uint32_t n_tiles);
void rv_normalise_note (const RvModel *model, const RvGridTile *tile);

/* ---- build.c, run.c */

/* The operation whose neurons a layer hands on, or NULL. */
RvGridOp *rv_grid_firing (const RvModel *model, uint32_t layer);

#endif
