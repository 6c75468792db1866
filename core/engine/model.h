/* Inside of a network: layers with their weights, the flat parameter vector, and the work space of each worker. */
#ifndef RV_MODEL_H
#define RV_MODEL_H

#include "engine/kernels.h"
#include <ranvier/ranvier.h>

#define RV_TILE 16 /* samples of a tile; fixed, so that results do not depend on anything else */

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
  RV_PARAMETER_SHARED  /* [1], raw */
} RvParameterType;

typedef struct
{
  RvParameterType type;
  char *name;
  uint32_t units, inputs, stride;
  size_t offset, count; /* in the flat vector; padded */
  double rate;          /* of its own; 0: the optimizer's */
  size_t transposed;    /* weights: offset in RvPrepared.transposed of [units][row stride of inputs] */
} RvParameter;

typedef struct
{
  RvInstance *instance; /* layer */
  RvInstance *neuron;
  const RvNeuronVariant *variant;
  const RvNeuronKernels *kernels;
  const RvNeuronCommon *common;
  const RvSurrogateClass *surrogate;
  uint32_t inputs, units, stride, lanes; /* lanes = RV_TILE * stride */
  gboolean step_by_step;
  gboolean dense_output; /* hands on floats: the last layer, and neurons that do not fire */
  gboolean reads_membrane;
  RvHandle learned[RV_NEURON_MAX_PARAMS]; /* parameter of each neuron parameter, or RV_NO_HANDLE */
  size_t lane_offset;                     /* of [params][lanes] in RvPrepared.lanes */
} RvLayer;

typedef struct RvWork RvWork;

struct RvModel
{
  gatomicrefcount references;
  uint32_t n_layers;
  RvLayer *layers;
  GArray *parameters; /* of RvParameter */
  RvInstance *decoder, *loss;
  uint32_t steps, inputs, classes, decisions;
  uint64_t seed;
  gboolean relaxed;
  float *values; /* [parameter_count] */
  size_t count;
  size_t transposed_count, lanes_count;
  float *transposed, *lanes; /* made from the parameters before each pass over a batch */
  uint32_t n_work;
  RvWork **work;       /* one per worker, made on first use */
  float *accumulators; /* [slots][count] */
};

struct RvLayerBuild
{
  RvModel *model;
  uint32_t index;
  GError *error;
};

struct RvLayerPass
{
  const RvModel *model;
  const RvLayer *layer;
  const RvKernels *kernels;
  const float *parameters;
  float *gradient; /* accumulator of this tile; NULL: forward only */
  const RvSignal *input;
  RvSignal output;
  uint32_t *offsets, *ids;
  size_t ids_room;
  float *current;        /* [T][lanes]; dL/dcurrent after backward */
  float *still;          /* [lanes]: the current of a static input; its gradient */
  float *still_gradient; /* [lanes] */
  float *out;            /* [T][lanes] if the output is dense */
  float *out_gradient;   /* [T][lanes]: dL/dspike or dL/dmembrane */
  /* A layer that hands on its membrane and feeds its spikes back to itself has two ways out: */
  float *spike_gradient; /* [T][lanes]: dL/dspike by recurrence; NULL: it goes to out_gradient */
  float *smooth;         /* [T][lanes]: the relaxed spikes; NULL: they are `out` */
  float *input_gradient; /* the lower layer's out_gradient; NULL: nobody needs it */
  float *entry[RV_NEURON_MAX_STATES], *state[RV_NEURON_MAX_STATES], *state_gradient[RV_NEURON_MAX_STATES];
  float *param_gradient[RV_NEURON_MAX_PARAMS];
  float *z, *slope, *spike; /* [RV_SUBSTEPS][lanes] */
  float *zeros;             /* [lanes] */
};

#define RV_SUBSTEPS 8 /* steps that the neuron kernels take at once */

struct RvWork
{
  RvLayerPass *passes;
  RvRecording recordings[RV_TILE];
  RvSignal input;
  uint32_t *offsets, *ids;
  float *values, *dense;
  size_t ids_room, values_room, dense_room;
  uint32_t labels[RV_TILE];
  uint32_t lengths[RV_TILE]; /* steps that count */
  uint32_t taken[RV_TILE];   /* decisions of each sample */
  float *scores, *scores_gradient;
};

static inline RvParameter *
rv_parameter (const RvModel *model, RvHandle handle)
{
  return &g_array_index (model->parameters, RvParameter, handle);
}

/* Position of weight (unit, input) in a parameter of type weight. */
static inline size_t
rv_weight_at (const RvParameter *p, uint32_t unit, uint32_t input)
{
  const uint32_t panel = unit / RV_PANEL, first = panel * RV_PANEL;
  const uint32_t width = MIN (RV_PANEL, p->stride - first);
  return (size_t) first * p->inputs + (size_t) input * width + unit % RV_PANEL;
}

/* Takes the parameters from members of a checkpoint (name -> RvTensor); an error names the first that is missing or
 * of another shape. Main thread. */
gboolean rv_model_fill (RvModel *model, GHashTable *members, GError **error);
RvWork *rv_work_new (const RvModel *model);
void rv_work_free (const RvModel *model, RvWork *work);
/* Makes transposed weights and lane parameters. Main thread. */
void rv_model_prepare (RvModel *model, const float *parameters);
/* Reads the recordings of a tile into work->input and work->labels. */
gboolean rv_work_read (RvWork *work, const RvModel *model, const RvBatch *batch, uint32_t first, uint32_t n,
                       GError **error);
/* Sets states and counts to the start of the sequence. */
void rv_work_begin (RvWork *work, const RvModel *model, const RvBatch *batch, uint32_t first, uint32_t n,
                    const float *parameters, float *gradient);
/* Adds the gradients of the neurons' learned parameters to the accumulator. */
void rv_pass_end (RvLayerPass *pass);

#endif
