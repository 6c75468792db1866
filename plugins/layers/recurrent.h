/* What the recurrent layers of graded units share: PyTorch's parameters and their initialisation. Gates
 * stand below one another in weight and bias, in PyTorch's order. */
#ifndef LAYER_RECURRENT_H
#define LAYER_RECURRENT_H

#include <ranvier/ranvier.h>

typedef struct
{
  int64_t units;
  RvInstance *initializer;
  RvHandle w, b, v, c;    /* W_ih, b_ih, W_hh, b_hh; set by build, as are the rows */
  RvHandle gates, hidden; /* [gates * units], [units] */
  RvHandle more;          /* what else the layer keeps */
} Recurrent;

/* Everything is drawn from U(-k, k), k = 1 / sqrt (units): the fan-in that the initializer is told. */
static inline void
recurrent_build (Recurrent *self, RvLayerBuild *build, uint32_t gates)
{
  const uint32_t inputs = rv_layer_inputs (build), units = (uint32_t) self->units, rows = gates * units;
  rv_layer_set_units (build, units);
  self->w = rv_layer_add_weight (build, "weight", rows, inputs, units, self->initializer, 1.0);
  self->b = rv_layer_add_bias (build, "bias", rows, units, self->initializer, 1.0);
  self->v = rv_layer_add_weight (build, "recurrent", rows, units, units, self->initializer, 1.0);
  self->c = rv_layer_add_bias (build, "recurrent-bias", rows, units, self->initializer, 1.0);
  self->gates = rv_layer_add_rows (build, "gates", rows, FALSE);
  self->hidden = rv_layer_add_rows (build, "hidden", units, TRUE);
  rv_layer_set_output (build, self->hidden);
}

/* Samples, units, and how far rows of gates and of units are apart: what the loops over a step take. */
typedef struct
{
  uint32_t samples, units;
  size_t gates, stride;
} Shape;

static inline Shape
recurrent_shape (const Recurrent *self, const RvLayerPass *pass)
{
  Shape shape = { rv_pass_samples (pass), (uint32_t) self->units, 0, 0 };
  rv_rows_at (pass, self->gates, 0, &shape.gates);
  rv_rows_at (pass, self->hidden, 0, &shape.stride);
  return shape;
}

static inline float *
rows_at (const RvLayerPass *pass, RvHandle rows, int64_t t)
{
  return rv_rows_at (pass, rows, t, NULL);
}

static const RvParam recurrent_params[] = {
  RV_REQUIRED_INT (Recurrent, units, 1, 1e6, "", "Units of the layer"),
  RV_SLOT (Recurrent, initializer, "initializer", "pytorch",
           "Where the first weights and biases come from; the fan-in that it is told is the number of units"),
  RV_PARAM_END
};

#endif
