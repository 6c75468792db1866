/* Inside of a network: layers with their weights, the flat parameter vector, and the work space of each
 * worker. */
#ifndef RV_MODEL_H
#define RV_MODEL_H

#include "engine/kernels.h"
#include "engine/profile.h"
#include <ranvier/ranvier.h>

#define RV_TILE 64   /* most samples of a tile */
#define RV_ROWS 2048 /* about as many rows (steps times samples) of a panel are worked on at once */

/* Rows of n units are padded to this many floats. */
static inline uint32_t
rv_row_stride (uint32_t n)
{
  uint32_t s = 1;
  while (s < n && s < 16)
    s *= 2;
  return n <= 16 ? s : (n + 15) / 16 * 16;
}

typedef enum
{
  RV_PARAMETER_WEIGHT, /* [units][inputs], stored [inputs][stride] in panels */
  RV_PARAMETER_BIAS,   /* [units] */
  RV_PARAMETER_NEURON, /* [units], raw */
  RV_PARAMETER_SHARED, /* [1], raw */
  RV_PARAMETER_GAIN,   /* [units]: of a normalisation */
  RV_PARAMETER_RUNNING /* [units]: statistics that no gradient moves */
} RvParameterType;

typedef struct
{
  RvParameterType type;
  char *name;
  uint32_t layer;
  uint32_t units, inputs, stride;
  size_t offset, count; /* in the flat vector; padded */
  double rate;          /* of its own; 0: the optimizer's */
  uint32_t taps;        /* weights of a convolution: inputs lie tap by tap; 0: another weight */
  uint32_t kernel[2];   /* its height and width; taps is their product */
  gboolean outer;       /* weights: of the first layer, transposed only where somebody asks for dL/dinput */
  size_t transposed; /* weights: offset in RvModel.transposed, or .outer, of [units][row stride of inputs] */
} RvParameter;

/* Rows of a layer without neurons, see rows.c. */
typedef struct
{
  const char *name;
  uint32_t width, stride;
  gboolean recalled;
} RvRows;

typedef struct
{
  RvInstance *instance; /* layer */
  RvInstance *neuron;
  const RvNeuronVariant *variant;
  const RvNeuronKernels *kernels;
  const RvNeuronCommon *common;
  const RvSurrogateClass *surrogate;
  uint32_t inputs, units, stride, lanes; /* lanes = tile * stride */
  gboolean step_by_step;
  gboolean dense_output; /* hands on floats: the last layer, and neurons that do not fire */
  gboolean reads_membrane;
  RvHandle learned[RV_NEURON_MAX_PARAMS]; /* parameter of each neuron parameter, or RV_NO_HANDLE */
  double fixed[RV_NEURON_MAX_PARAMS];     /* its value where nothing is learned */
  size_t lane_offset;                     /* of [params][lanes] in RvModel.lanes */
  gboolean raised;                        /* fires above `threshold`, not above its neurons' own */
  double threshold;
  RvRows rows[RV_LAYER_MAX_ROWS];
  uint32_t n_rows; /* 0: it has neurons */
  RvHandle output; /* of the rows */
  RvHandle value;  /* of a layer on a grid: what it hands on */
} RvLayer;

typedef struct RvWork RvWork;
typedef struct RvGridNet RvGridNet;

/* What a value on a grid looks like to a layer or an observer: room for a signal. */
typedef struct
{
  uint32_t *offsets, *ids;
  float *dense;
  size_t room; /* of ids */
} RvGridShown;

struct RvModel
{
  gatomicrefcount references;
  uint32_t n_layers;
  uint32_t head; /* the first layer that is not on a grid; 0: none is */
  RvLayer *layers;
  RvGridNet *grid;    /* of the layers before that; or NULL */
  gboolean training;  /* batch statistics, dropout */
  GArray *parameters; /* of RvParameter */
  RvInstance *decoder, *loss;
  uint32_t steps, inputs, classes, decisions;
  uint64_t seed;
  gboolean relaxed;
  uint32_t tile, grain; /* most samples of a tile, and of what they are a multiple; by shape */
  uint32_t block;       /* steps of a block; 0: by shape */
  gboolean checkpoint;  /* blocks are run again in the backward pass */
  float *values;        /* [parameter_count] */
  size_t count, room;   /* floats there, and while the network is built, floats that have a place */
  size_t transposed_count, outer_count, lanes_count;
  float *transposed, *lanes; /* made from the parameters before each pass over a batch */
  float *outer;              /* the same, where dL/dinput is asked for */
  float *own;                /* as `lanes`, without raised thresholds, where there are any */
  uint32_t n_work;
  RvWork **work;       /* one per worker, made on first use */
  float *accumulators; /* [n_accumulators][count] */
  uint32_t n_accumulators;
  RvSpent *spent; /* [RV_PHASES]: of the whole, where the model is profiled; or NULL */
};

struct RvLayerBuild
{
  RvModel *model;
  uint32_t index;
  char *prefix; /* "layers.0." within a layer that has layers; owned */
};

/* A projection whose panels are made one by one when the neurons take them. */
typedef struct
{
  RvHandle weight, bias;
  uint32_t from, to;
} RvProjection;

/* The spikes of n rows from `first`, sorted by unit: rows [starts[id]] ... [starts[id + 1] - 1] are those in
 * which it fired, ascending, counted from `first`. */
typedef struct
{
  uint32_t first, n; /* n is 0: nothing is sorted */
  uint32_t *starts, *rows;
  float *values;
  size_t room;
} RvSorted;

/* The work space of a layer on one tile. What the neurons take lies panel by panel, so that a panel's
 * steps stay in cache from the projection to the weight gradient: row t * samples + s of the panel with
 * the columns c ... is at tile * room * c + (t * samples + s) * width. What others see (`out`, signals)
 * lies row by row. */
struct RvLayerPass
{
  const RvModel *model;
  const RvLayer *layer;
  const RvKernels *kernels;
  const float *parameters;
  float *gradient;       /* accumulator of this tile; NULL: nobody asks for dL/dparameters */
  gboolean records;      /* forward: keeps what the backward pass needs */
  float *input_gradient; /* [T][samples][row stride of inputs], one step if they are static; or NULL */
  const RvSignal *input;
  RvSignal output;
  size_t bytes;     /* of all rooms */
  uint32_t samples; /* of this tile, as it is laid out */
  uint32_t room;    /* steps of current and entry */
  uint32_t base;    /* the step that they begin with */
  uint32_t end;     /* of the block at hand */
  uint32_t *offsets, *ids;
  size_t ids_room;
  uint64_t *
      bits; /* [panels][block][samples]: who fired in the steps at hand; or, see rv_pass_bits, [T][samples] */
  float *current;        /* [room]; dL/dcurrent after backward */
  float *still;          /* [lanes]: the current of a static input; its gradient */
  float *still_gradient; /* [lanes] */
  float *carry;          /* [lanes]: dL/dcurrent of the first step of the block that follows */
  float *out;            /* [T][samples][stride] if the output is dense */
  float *smooth;         /* the same: relaxed spikes of a layer whose `out` is its membrane; or NULL */
  float *watched;        /* the same: membranes for an observer who asks for them; or NULL */
  float *out_gradient;   /* the same, of the last layer: dL/dspike or dL/dmembrane */
  float *entry[RV_NEURON_MAX_STATES]; /* [room] */
  float *saved[RV_NEURON_MAX_STATES]; /* [blocks][lanes]: before each block, where blocks are run again */
  float *state[RV_NEURON_MAX_STATES], *state_gradient[RV_NEURON_MAX_STATES]; /* [lanes] */
  float *param_gradient[RV_NEURON_MAX_PARAMS];                               /* [lanes] */
  float *z, *slope, *spike, *above, *fed_back; /* [RV_AT_ONCE]: steps times lanes of a panel */
  float *zeros;                                /* [lanes] */
  RvProjection waiting; /* forward: the input's; backward: from and to of the neurons' adjoint */
  RvHandle feedback;    /* backward: the recurrent weight that the step at hand waits for */
  RvLayerPass *lower;
  RvSpent *spent;           /* [RV_PHASES], or NULL */
  const RvLayerPass *upper; /* backward: who read the output, and with which weight */
  RvHandle upper_weight;
  float *rows[RV_LAYER_MAX_ROWS];       /* [1 + room][samples][stride], the first: before the step `base` */
  float *saved_rows[RV_LAYER_MAX_ROWS]; /* [blocks][tile][stride]: before each block, where they run again */
  float *rows_gradient[RV_LAYER_MAX_ROWS]; /* [tile][stride]: dL/drows of recalled ones */
  float *packed;                           /* a panel of a block of rows */
  float *summed;       /* [tile][stride]: dL/drows over steps, for an input that is static */
  RvHandle upper_rows; /* of `upper`, if it has no neurons: which hold dL/drows */
  RvSorted sorted_input, sorted_output;
  const RvSorted *given; /* [n_given]: the input's blocks, sorted when it was read */
  uint32_t n_given;
};

/* Whether a weight gradient takes the spikes sorted by unit: not where a panel fits the first cache. */
static inline gboolean
rv_sorts (uint32_t inputs, uint32_t stride)
{
  return (size_t)inputs * MIN (stride, RV_PANEL) > 8192;
}

/* Whether a layer keeps its spikes as bits too, for one above that is narrow. */
static inline gboolean
rv_keeps_bits (const RvLayer *layer)
{
  return layer->units <= RV_BITS && layer->variant->fires;
}

/* The bits of the input's rows from `first` on, where a product of this width takes them; or NULL. */
static inline const uint64_t *
rv_pass_bits (const RvLayerPass *pass, const RvSignal *in, uint32_t first, uint32_t width)
{
  const RvLayerPass *lower = pass->lower;
  const gboolean takes = lower && in == &lower->output && in->offsets && width <= RV_NARROW;
  return takes && rv_keeps_bits (lower->layer) ? lower->bits + first : NULL;
}

/* Lanes times steps that the neuron kernels take at once, so that what passes between them stays in the first
 * cache. */
#define RV_AT_ONCE (RV_TILE * RV_PANEL)

struct RvWork
{
  RvLayerPass *passes;
  RvRecording recordings[RV_TILE];
  RvSignal input;
  uint32_t *offsets, *ids;
  float *values;
  size_t ids_room, values_room;
  RvSpent *spent;   /* [RV_PHASES], or NULL */
  RvSorted *sorted; /* [blocks]: the input's spikes */
  uint32_t labels[RV_TILE];
  uint32_t lengths[RV_TILE]; /* steps that count */
  uint32_t taken[RV_TILE];   /* decisions of each sample */
  double losses[RV_TILE];
  float *scores, *scores_gradient;
  float *input_gradient; /* room for it, made when it is first asked for */
  RvGridShown shown;     /* what the layers on a grid hand on */
  float *outer_gradient; /* dL/dinput of a network that begins on a grid */
};

static inline RvParameter *
rv_parameter (const RvModel *model, RvHandle handle)
{
  return &g_array_index (model->parameters, RvParameter, handle);
}

/* Columns of the panel that begins with column `first`. */
static inline uint32_t
rv_panel_width (uint32_t stride, uint32_t first)
{
  return MIN (RV_PANEL, stride - first);
}

/* Where element (row, column) of a matrix [rows][stride] lies that is stored in panels. */
static inline size_t
rv_panel_at (uint32_t rows, uint32_t stride, uint32_t row, uint32_t column)
{
  const uint32_t first = column / RV_PANEL * RV_PANEL;
  return (size_t)first * rows + (size_t)row * rv_panel_width (stride, first) + column % RV_PANEL;
}

/* Position of weight (unit, input) in a parameter of type weight; of a convolution inputs count channel by channel. */
static inline size_t
rv_weight_at (const RvParameter *p, uint32_t unit, uint32_t input)
{
  if (p->taps > 1)
    input = input % p->taps * (p->inputs / p->taps) + input / p->taps;
  return rv_panel_at (p->inputs, p->stride, input, unit);
}

/* Lane of a unit of a sample; it does not depend on how many samples the tile has. */
static inline size_t
rv_lane (const RvLayer *layer, uint32_t sample, uint32_t unit)
{
  return rv_panel_at (layer->lanes / layer->stride, layer->stride, sample, unit);
}

/* Step t of a panel of `current` or an entry. */
static inline float *
rv_pass_rows (const RvLayerPass *pass, float *array, uint32_t first, uint32_t t)
{
  const size_t row = (size_t)(t - pass->base) * pass->samples * rv_panel_width (pass->layer->stride, first);
  return array + (size_t)pass->room * pass->model->tile * first + row;
}

/* Declares what layers on a grid need: the weight of a convolution with this window; numbers that begin as `value`;
 * and neurons, for `layer`, whose units and stride are set. */
RvHandle rv_layer_add_kernel (RvLayerBuild *build, uint32_t units, uint32_t inputs, const uint32_t kernel[2],
                              const RvInstance *initializer, double scale);
RvHandle rv_layer_add_constant (RvLayerBuild *build, const char *name, uint32_t units, float value,
                                RvParameterType type);
void rv_layer_take_neurons (RvLayerBuild *build, RvLayer *layer, RvInstance *neuron);
/* Begins the part of a network that is on grids, and returns its input; whether there is such a value; samples of its
 * tiles; its end. */
RvHandle rv_grid_begin (RvModel *model, const RvDatasetSpec *data);
gboolean rv_grid_has (const RvModel *model, RvHandle value, GError **error);
uint32_t rv_grid_samples (const RvModel *model);
void rv_grid_end (RvModel *model, RvHandle output);
void rv_grid_lay_out (RvModel *model);
RvGridNet *rv_grid_net_copy (const RvGridNet *net);
void rv_grid_net_free (RvGridNet *net);
void rv_grid_net_drop (RvModel *model);
void rv_grid_shown_clear (RvGridShown *shown);
/* The value of number k of a layer's neurons for one unit: fixed, or learned, within (0, 1) where it must stay there. */
double rv_neuron_value (const RvModel *model, const RvLayer *layer, uint32_t k, uint32_t unit,
                        const float *parameters);
/* Which number of a neuron is its threshold; -1: none. */
int rv_threshold_of (const RvLayer *layer);
/* Takes the parameters from members of a checkpoint (name -> RvTensor); an error names the first that is
 * missing or of another shape. Main thread. */
gboolean rv_model_fill (RvModel *model, GHashTable *members, GError **error);
RvWork *rv_work_new (const RvModel *model);
/* Bytes of its rooms, without those for spikes, which grow with what fires. */
size_t rv_work_bytes (const RvModel *model, const RvWork *work);
void rv_work_free (const RvModel *model, RvWork *work);
/* Makes transposed weights and lane parameters; `outer`: those of the first layer too. Main thread. */
void rv_model_prepare (RvModel *model, const float *parameters, gboolean outer);
/* Reads the recordings of a tile into work->input and work->labels; its rows are laid out for `samples`, of
 * which the first n are there. */
gboolean rv_work_read (RvWork *work, const RvModel *model, const RvBatch *batch, uint32_t first, uint32_t n,
                       uint32_t samples, gboolean backward, GError **error);
/* Sorts n rows of a signal from `first`. Or expects them: counts the spikes of n recordings in steps from
 * ... to-1, so that row r of unit id goes to rows[starts[id + 1]++], in ascending order. Any worker. */
void rv_sorted_make (RvSorted *sorted, const RvSignal *in, uint32_t first, uint32_t n);
void rv_sorted_expect (RvSorted *sorted, const RvRecording *recordings, uint32_t n, uint32_t from,
                       uint32_t to, uint32_t samples);
void rv_sorted_clear (RvSorted *sorted);
/* Room for the membranes of all layers, or none. */
void rv_work_watch (RvWork *work, const RvModel *model, gboolean membranes);
/* Sets states and counts to the start of the sequence. */
void rv_work_begin (RvWork *work, const RvModel *model, const RvBatch *batch, uint32_t first, uint32_t n,
                    uint32_t samples, const float *parameters, float *gradient);
/* Begins a profile, or ends it; and its table as text, caller owns, with the share of the machine's limit
 * that was reached. Main thread. */
void rv_model_set_profiled (RvModel *model, gboolean profiled);
char *rv_model_profile (const RvModel *model, double *share);
/* Does what still waits for its panels, after a layer's forward or backward. */
void rv_pass_settle_forward (RvLayerPass *pass);
void rv_pass_settle_backward (RvLayerPass *pass);
/* Notes the states before block `index`, or goes back to them. */
void rv_pass_save (RvLayerPass *pass, uint32_t index);
void rv_pass_restore (RvLayerPass *pass, uint32_t index);
/* Keeps what the block before this one needs of this one: dL/dcurrent of step `from`. */
void rv_pass_carry (RvLayerPass *pass, uint32_t from);
/* One panel: out [n] rows, `stride` apart, (+)= weight * in, for rows first ... first + n - 1 of `in`;
 * bias NULL: adds. */
void rv_pass_project (const RvLayerPass *pass, RvPhase phase, const RvParameter *p, const float *bias,
                      const RvSignal *in, uint32_t first, uint32_t n, uint32_t column, float *out,
                      size_t stride);
/* dL/dout of n steps from t for one panel, rows as wide as it, from the decoder or through the layer above;
 * possibly in pass->above. */
float *rv_pass_handed_down (RvLayerPass *pass, uint32_t column, uint32_t t, uint32_t n);
/* One panel of dL/dweight from n rows of `in` and dL/d(what it projects to) g [n][width]. */
void rv_pass_weight_gradient (RvLayerPass *pass, const RvParameter *p, const RvSignal *in, uint32_t first,
                              uint32_t n, uint32_t column, const float *g);
/* Of layers without neurons: their room, its beginning, and the row before each block; one panel of W^T
 * dL/drows for the layer below; and which is the first number at a step that is not finite, or NULL. */
void rv_rows_new (RvLayerPass *pass, uint32_t blocks, float *(*room) (RvLayerPass *pass, size_t bytes));
void rv_rows_begin (RvLayerPass *pass);
void rv_rows_free (RvLayerPass *pass);
void rv_rows_save (RvLayerPass *pass, uint32_t index);
void rv_rows_restore (RvLayerPass *pass, uint32_t index);
void rv_rows_hand_down (const RvLayerPass *pass, RvHandle weight, uint32_t t, uint32_t n, uint32_t column,
                        float *out);
/* What a layer without neurons does by itself, between the products that are counted, is the rest of its
 * time. */
typedef struct
{
  double began, counted;
} RvRest;
RvRest rv_rows_rest_begin (const RvLayerPass *pass);
void rv_rows_rest_end (RvLayerPass *pass, RvPhase phase, RvRest rest);
char *rv_rows_bad (const RvLayerPass *pass, uint32_t t, gboolean backward);
/* Adds the gradients of the neurons' learned parameters to the accumulator. */
void rv_pass_end (RvLayerPass *pass);

#endif
