/* The slow, obvious network: one sample and one step after the other, in doubles, with no tiles, no sparsity
 * and no adjoint of its own. The forward pass is written down as formulas on a tape that remembers where each
 * number came from; the gradient follows by the chain rule, with the surrogate's slope at each spike. */
#ifndef TEST_REFERENCE_H
#define TEST_REFERENCE_H

#include <math.h>
#include <ranvier/ranvier.h>
#include <string.h>

/* ---- the tape */

typedef uint32_t RefNumber; /* a position on the tape; 0 is a constant zero */

typedef struct
{
  double value, gradient;
  double slope[3]; /* d this / d from */
  RefNumber from[3];
} RefEntry;

typedef struct
{
  RefEntry *items;
  uint32_t n, room;
} RefTape;

static inline RefNumber
ref_record (RefTape *tape, double value, RefNumber a, double da, RefNumber b, double db)
{
  if (tape->n == tape->room)
    {
      tape->room = MAX (1024, 2 * tape->room);
      tape->items = g_renew (RefEntry, tape->items, tape->room);
    }
  tape->items[tape->n] = (RefEntry){ value, 0.0, { da, db, 0.0 }, { a, b, 0 } };
  return tape->n++;
}

static inline double
ref_value (const RefTape *tape, RefNumber a)
{
  return tape->items[a].value;
}

static inline RefNumber
ref_constant (RefTape *tape, double value)
{
  return ref_record (tape, value, 0, 0.0, 0, 0.0);
}

static inline RefNumber
ref_add (RefTape *tape, RefNumber a, RefNumber b)
{
  return ref_record (tape, ref_value (tape, a) + ref_value (tape, b), a, 1.0, b, 1.0);
}

static inline RefNumber
ref_subtract (RefTape *tape, RefNumber a, RefNumber b)
{
  return ref_record (tape, ref_value (tape, a) - ref_value (tape, b), a, 1.0, b, -1.0);
}

static inline RefNumber
ref_multiply (RefTape *tape, RefNumber a, RefNumber b)
{
  return ref_record (tape, ref_value (tape, a) * ref_value (tape, b), a, ref_value (tape, b), b,
                     ref_value (tape, a));
}

/* sum + a b, in one entry: most of a tape are these. */
static inline RefNumber
ref_add_product (RefTape *tape, RefNumber sum, RefNumber a, RefNumber b)
{
  RefNumber r = ref_multiply (tape, a, b);
  tape->items[r].value += ref_value (tape, sum);
  tape->items[r].from[2] = sum;
  tape->items[r].slope[2] = 1.0;
  return r;
}

/* f (a) with slope f' (a). */
static inline RefNumber
ref_apply (RefTape *tape, RefNumber a, double value, double slope)
{
  return ref_record (tape, value, a, slope, 0, 0.0);
}

/* Adds seed dL/d everything that the number `last` came from. */
static inline void
ref_backward (RefTape *tape, RefNumber last, double seed)
{
  tape->items[last].gradient += seed;
  for (RefNumber k = last; k > 0; k--)
    for (int j = 0; j < 3; j++)
      tape->items[tape->items[k].from[j]].gradient += tape->items[k].gradient * tape->items[k].slope[j];
}

/* ---- surrogates */

typedef struct
{
  const char *text; /* in a pipeline */
  double (*slope) (double z);
  double kink; /* where |z| = kink the slope jumps; 0: nowhere but at the threshold */
} RefSurrogate;

static inline double
ref_normal (double x, double mean, double sd)
{
  return exp (-0.5 * (x - mean) * (x - mean) / (sd * sd)) / (sd * sqrt (2.0 * G_PI));
}

static inline double
ref_multi_gaussian (double z)
{
  return 0.5
         * (1.15 * ref_normal (z, 0.0, 0.5) - 0.15 * (ref_normal (z, 0.5, 3.0) + ref_normal (z, -0.5, 3.0)));
}

static inline double
ref_arctan (double z)
{
  return 1.0 / (1.0 + G_PI * z * G_PI * z);
}

static inline double
ref_sigmoid (double z)
{
  const double s = 1.0 / (1.0 + exp (-3.0 * z));
  return 3.0 * s * (1.0 - s);
}

static inline double
ref_fast_sigmoid (double z)
{
  return 1.0 / ((1.0 + 5.0 * fabs (z)) * (1.0 + 5.0 * fabs (z)));
}

static inline double
ref_triangle (double z)
{
  return fmax (0.0, 1.0 - fabs (z) / 0.75) / 0.75;
}

static inline double
ref_rectangle (double z)
{
  return fabs (z) < 0.4 ? 1.0 / 0.8 : 0.0;
}

static const RefSurrogate ref_surrogates[] = {
  { "{use: multi-gaussian, width: 0.5}", ref_multi_gaussian, 0.0 },
  { "{use: arctan, alpha: 2}", ref_arctan, 0.0 },
  { "{use: sigmoid, steepness: 3}", ref_sigmoid, 0.0 },
  { "{use: fast-sigmoid, steepness: 5}", ref_fast_sigmoid, 0.0 },
  { "{use: triangle, width: 0.75}", ref_triangle, 0.75 },
  { "{use: rectangle, width: 0.4}", ref_rectangle, 0.4 },
};

/* ---- the network */

typedef enum
{
  REF_HARD,
  REF_SOFT,
  REF_SOFT_AFTER_LEAK,
  REF_NONE,
  REF_ADAPTIVE,
  REF_INTEGRATOR /* never fires */
} RefKind;

typedef struct
{
  RefKind kind;
  gboolean gain; /* 1 - leak on the input */
  gboolean detach, start_uniform;
  int surrogate;       /* of ref_surrogates */
  int leak, threshold; /* 0: fixed, 1: learned per neuron, 2: learned and shared */
} RefNeuron;

#define REF_LEAK 0.8125 /* what is not learned; of few bits, so that floats hold them */
#define REF_THRESHOLD 0.5
#define REF_STRENGTH 0.25
#define REF_ADAPTATION 0.875

/* Numbers of a parameter on the tape, row by row; n = 0: not learned. */
typedef struct
{
  RefNumber first;
  uint32_t n;
} RefBlock;

typedef struct
{
  uint32_t inputs, units;
  RefNeuron neuron;
  RefBlock weight, bias, recurrent, leak, threshold, strength, adaptation;
  RefNumber *u, *a, *pending, *spike, *out;   /* [units], of the step before or of this one */
  RefNumber *k, *gain, *limit, *rise, *decay; /* [units]: leak, input gain, threshold, strength, adaptation */
  uint64_t *fired;                            /* [units]: spikes over all samples */
} RefLayer;

typedef enum
{
  REF_RATE, /* mean over steps of spikes */
  REF_MEAN_MEMBRANE,
  REF_LAST_STEP,
  REF_EACH_STEP /* every step from the third */
} RefDecoder;

typedef enum
{
  REF_CROSS_ENTROPY,
  REF_CROSS_ENTROPY_TWICE,
  REF_MSE
} RefLoss;

typedef struct
{
  RefTape tape;
  uint32_t leaves; /* how much of the tape are parameters */
  uint32_t n_layers, steps;
  RefLayer layers[4];
  RefDecoder decoder;
  gboolean read_spikes; /* of a last layer that fires */
  RefLoss loss;
  uint64_t seed;
  double margin;  /* least distance of a membrane from a threshold, or of a score from the best */
  double *scores; /* [decisions][classes] of the last sample */
  uint64_t correct;
} RefNetwork;

static inline void
ref_layer_init (RefLayer *layer, uint32_t inputs, uint32_t units, RefNeuron neuron)
{
  *layer
      = (RefLayer){ .inputs = inputs, .units = units, .neuron = neuron, .fired = g_new0 (uint64_t, units) };
  RefNumber **const all[] = { &layer->u, &layer->a,    &layer->pending, &layer->spike, &layer->out,
                              &layer->k, &layer->gain, &layer->limit,   &layer->rise,  &layer->decay };
  for (guint k = 0; k < G_N_ELEMENTS (all); k++)
    *all[k] = g_new0 (RefNumber, units);
}

static inline void
ref_layer_clear (RefLayer *layer)
{
  RefNumber *const all[] = { layer->u, layer->a,    layer->pending, layer->spike, layer->out,
                             layer->k, layer->gain, layer->limit,   layer->rise,  layer->decay };
  for (guint k = 0; k < G_N_ELEMENTS (all); k++)
    g_free (all[k]);
  g_free (layer->fired);
}

static inline uint32_t
ref_decisions (const RefNetwork *net)
{
  return net->decoder == REF_EACH_STEP ? net->steps - MIN (net->steps - 1, 2) : 1;
}

/* A number that each neuron has: fixed, or learned, through a sigmoid where it must stay within (0, 1). */
static inline RefNumber
ref_own (RefTape *tape, const RefBlock *block, uint32_t unit, double fixed, gboolean sigmoid)
{
  if (!block->n)
    return ref_constant (tape, fixed);
  const RefNumber raw = block->first + (block->n == 1 ? 0 : unit);
  const double s = 1.0 / (1.0 + exp (-ref_value (tape, raw)));
  return sigmoid ? ref_apply (tape, raw, s, s * (1.0 - s)) : raw;
}

static inline void
ref_begin (RefNetwork *net, uint32_t index, uint64_t epoch, uint32_t id, const char *split)
{
  RefLayer *layer = &net->layers[index];
  RefTape *tape = &net->tape;
  g_autofree char *path = g_strdup_printf ("network.%u.neuron", index);
  const RvStream stream
      = rv_stream_fork (rv_stream_fork (rv_stream_new (net->seed, path, "start", split), epoch), id);
  for (uint32_t n = 0; n < layer->units; n++)
    {
      layer->u[n] = layer->neuron.start_uniform ? ref_constant (tape, rv_stream_uniform (stream, n)) : 0;
      layer->a[n] = layer->pending[n] = layer->spike[n] = 0;
      layer->k[n] = ref_own (tape, &layer->leak, n, REF_LEAK, TRUE);
      layer->limit[n] = ref_own (tape, &layer->threshold, n, REF_THRESHOLD, FALSE);
      layer->rise[n] = ref_own (tape, &layer->strength, n, REF_STRENGTH, FALSE);
      layer->decay[n] = ref_own (tape, &layer->adaptation, n, REF_ADAPTATION, TRUE);
      layer->gain[n] = ref_constant (tape, 1.0);
      if (layer->neuron.gain)
        layer->gain[n] = ref_subtract (tape, layer->gain[n], layer->k[n]);
    }
}

/* s = [z > 0], whose slope is the surrogate's. */
static inline RefNumber
ref_fire (RefNetwork *net, const RefNeuron *neuron, RefNumber z)
{
  const RefSurrogate *surrogate = &ref_surrogates[neuron->surrogate];
  const double x = ref_value (&net->tape, z);
  net->margin = fmin (net->margin, fabs (x));
  if (surrogate->kink > 0.0)
    net->margin = fmin (net->margin, fabs (fabs (x) - surrogate->kink));
  return ref_apply (&net->tape, z, x > 0.0 ? 1.0 : 0.0, surrogate->slope (x));
}

/* u <- leak u + gain i (- pending);  s = [u - threshold (- strength a) > 0];  reset. Sets spike and out. */
static inline void
ref_neuron (RefNetwork *net, RefLayer *layer, uint32_t n, RefNumber current, gboolean membrane)
{
  RefTape *tape = &net->tape;
  const RefNeuron *neuron = &layer->neuron;
  RefNumber u = ref_multiply (tape, layer->k[n], layer->u[n]);
  u = ref_add_product (tape, u, layer->gain[n], current);
  u = ref_subtract (tape, u, layer->pending[n]);
  layer->pending[n] = 0;
  layer->u[n] = layer->out[n] = u;
  if (neuron->kind == REF_INTEGRATOR)
    return;
  RefNumber limit = layer->limit[n];
  if (neuron->kind == REF_ADAPTIVE)
    limit = ref_add_product (tape, limit, layer->rise[n], layer->a[n]);
  const RefNumber s = ref_fire (net, neuron, ref_subtract (tape, u, limit));
  const RefNumber r = neuron->detach ? ref_constant (tape, ref_value (tape, s)) : s; /* what resets */
  layer->spike[n] = s;
  layer->fired[n] += ref_value (tape, s) > 0.0;
  if (!membrane)
    layer->out[n] = s;
  if (neuron->kind == REF_HARD || neuron->kind == REF_ADAPTIVE)
    layer->u[n] = ref_subtract (tape, u, ref_multiply (tape, u, r));
  if (neuron->kind == REF_SOFT)
    layer->u[n] = ref_subtract (tape, u, ref_multiply (tape, layer->limit[n], r));
  if (neuron->kind == REF_SOFT_AFTER_LEAK)
    layer->pending[n] = ref_multiply (tape, layer->limit[n], r);
  if (neuron->kind == REF_ADAPTIVE)
    layer->a[n] = ref_add_product (tape, r, layer->decay[n], layer->a[n]);
}

/* One step of a layer: i = b + W x + V s[t - 1]. */
static inline void
ref_step (RefNetwork *net, RefLayer *layer, const RefNumber *x, gboolean membrane)
{
  RefTape *tape = &net->tape;
  g_autofree RefNumber *before = g_memdup2 (layer->spike, layer->units * sizeof (RefNumber));
  for (uint32_t n = 0; n < layer->units; n++)
    {
      RefNumber i = layer->bias.n ? layer->bias.first + n : 0;
      for (uint32_t j = 0; j < layer->inputs; j++)
        i = ref_add_product (tape, i, layer->weight.first + n * layer->inputs + j, x[j]);
      for (uint32_t m = 0; m < layer->units && layer->recurrent.n; m++)
        i = ref_add_product (tape, i, layer->recurrent.first + n * layer->units + m, before[m]);
      ref_neuron (net, layer, n, i, membrane);
    }
}

/* p = softmax (x) */
static inline void
ref_softmax (RefTape *tape, uint32_t n, const RefNumber *x, RefNumber *p)
{
  RefNumber sum = 0;
  double top = -INFINITY;
  for (uint32_t c = 0; c < n; c++)
    top = fmax (top, ref_value (tape, x[c]));
  for (uint32_t c = 0; c < n; c++)
    {
      const double e = exp (ref_value (tape, x[c]) - top);
      p[c] = ref_apply (tape, x[c], e, e);
      sum = ref_add (tape, sum, p[c]);
    }
  const double total = ref_value (tape, sum);
  for (uint32_t c = 0; c < n; c++)
    p[c] = ref_multiply (tape, p[c], ref_apply (tape, sum, 1.0 / total, -1.0 / (total * total)));
}

static inline RefNumber
ref_price (RefNetwork *net, uint32_t n, const RefNumber *scores, uint32_t label)
{
  RefTape *tape = &net->tape;
  if (net->loss == REF_MSE)
    {
      RefNumber sum = 0, share = ref_constant (tape, 1.0 / n);
      for (uint32_t c = 0; c < n; c++)
        {
          RefNumber d = ref_subtract (tape, scores[c], ref_constant (tape, c == label ? 1.0 : 0.0));
          sum = ref_add_product (tape, sum, d, d);
        }
      return ref_multiply (tape, sum, share);
    }
  g_autofree RefNumber *p = g_new (RefNumber, n);
  ref_softmax (tape, n, scores, p);
  if (net->loss == REF_CROSS_ENTROPY_TWICE)
    ref_softmax (tape, n, p, p);
  const double right = ref_value (tape, p[label]);
  return ref_apply (tape, p[label], -log (right), -1.0 / right);
}

/* The class of the largest score, the first of equals; notes how far the next one is. */
static inline uint32_t
ref_best (RefNetwork *net, uint32_t n, const RefNumber *scores)
{
  uint32_t best = 0;
  for (uint32_t c = 1; c < n; c++)
    if (ref_value (&net->tape, scores[c]) > ref_value (&net->tape, scores[best]))
      best = c;
  for (uint32_t c = 0; c < n; c++)
    {
      const double d = ref_value (&net->tape, scores[best]) - ref_value (&net->tape, scores[c]);
      net->margin = d > 0.0 ? fmin (net->margin, d) : net->margin; /* equal counts are equal for both */
    }
  return best;
}

/* The loss of a sample from out [steps][classes]. */
static inline RefNumber
ref_judge (RefNetwork *net, uint32_t n, const RefNumber *out, uint32_t label)
{
  RefTape *tape = &net->tape;
  const uint32_t decisions = ref_decisions (net), steps = net->steps;
  const gboolean mean = net->decoder == REF_RATE || net->decoder == REF_MEAN_MEMBRANE;
  const RefNumber share = ref_constant (tape, 1.0 / steps);
  g_autofree RefNumber *scores = g_new (RefNumber, n);
  RefNumber loss = 0;
  for (uint32_t d = 0; d < decisions; d++)
    {
      for (uint32_t c = 0; c < n; c++)
        {
          scores[c] = out[(steps - decisions + d) * n + c];
          for (uint32_t t = 0; t + 1 < steps && mean; t++)
            scores[c] = ref_add (tape, scores[c], out[t * n + c]);
          scores[c] = mean ? ref_multiply (tape, scores[c], share) : scores[c];
          net->scores[d * n + c] = ref_value (tape, scores[c]);
        }
      loss = ref_add (tape, loss, ref_price (net, n, scores, label));
      net->correct += ref_best (net, n, scores) == label;
    }
  return loss;
}

/* Value of unit j at step t. */
static inline double
ref_input (const RvRecording *rec, uint32_t t, uint32_t j)
{
  if (rec->form != RV_FORM_SPIKES)
    return rec->values[rec->form == RV_FORM_FRAMES ? t * rec->units + j : j];
  for (uint32_t e = rec->offsets[t]; e < rec->offsets[t + 1]; e++)
    if (rec->ids[e] == j)
      return 1.0;
  return 0.0;
}

/* Runs one sample on an empty tape and returns its loss. */
static inline RefNumber
ref_sample (RefNetwork *net, const RvRecording *rec, uint64_t epoch, uint32_t id, const char *split)
{
  const uint32_t classes = net->layers[net->n_layers - 1].units;
  g_autofree RefNumber *x = g_new (RefNumber, rec->units);
  g_autofree RefNumber *out = g_new (RefNumber, (size_t)net->steps * classes);
  net->tape.n = net->leaves;
  for (uint32_t k = 0; k < net->n_layers; k++)
    ref_begin (net, k, epoch, id, split);
  for (uint32_t t = 0; t < net->steps; t++)
    {
      for (uint32_t j = 0; j < rec->units; j++)
        x[j] = ref_constant (&net->tape, ref_input (rec, t, j));
      for (uint32_t k = 0; k < net->n_layers; k++)
        ref_step (net, &net->layers[k], k ? net->layers[k - 1].out : x,
                  k + 1 == net->n_layers && !net->read_spikes);
      memcpy (out + t * classes, net->layers[net->n_layers - 1].out, classes * sizeof (RefNumber));
    }
  return ref_judge (net, classes, out, rec->label);
}

#endif
