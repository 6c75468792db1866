/* A recurrent dense layer, right, or wrong in one way. */
#include <ranvier/ranvier.h>

typedef struct
{
  int64_t units;
  RvInstance *neuron, *initializer;
  RvHandle w, b, v;
} Self;

static gboolean
build (void *data, RvLayerBuild *build, GError **error)
{
  Self *self = data;
#ifdef MISTAKE_silent
  if (rv_layer_inputs (build) == 17)
    return FALSE;
#endif
  const uint32_t inputs = rv_layer_inputs (build), units = (uint32_t) self->units;
  rv_layer_set_units (build, units);
  self->w = rv_layer_add_weight (build, "weight", units, inputs, inputs, self->initializer, 1.0);
  self->b = rv_layer_add_bias (build, "bias", units, inputs, self->initializer, 1.0);
  self->v = rv_layer_add_weight (build, "recurrent", units, units, units, self->initializer, 1.0);
  rv_layer_set_neurons (build, self->neuron, TRUE);
  return TRUE;
}

static void
forward (const void *data, RvLayerPass *pass, uint32_t from, uint32_t to)
{
  const Self *self = data;
#ifdef MISTAKE_counter
  static uint32_t calls;
  if (calls++ % 5 == 4)
    from++;
#endif
  rv_pass_project_input (pass, self->w, self->b, from, to);
  for (uint32_t t = from; t < to; t++)
    {
#ifdef MISTAKE_late
      if (t > from) /* nothing comes over from the block before */
#endif
        rv_pass_project_recurrent (pass, self->v, t);
      rv_pass_fire (pass, t, t + 1);
    }
}

static void
backward (const void *data, RvLayerPass *pass, uint32_t from, uint32_t to)
{
  const Self *self = data;
  for (uint32_t t = to; t-- > from;)
    {
#ifndef MISTAKE_recurrence
      rv_pass_recurrent_adjoint (pass, self->v, t);
#endif
      rv_pass_fire_adjoint (pass, t, t + 1);
    }
#ifndef MISTAKE_forgets
  rv_pass_recurrent_gradient (pass, self->v, from, to);
#endif
  rv_pass_input_adjoint (pass, self->w, self->b, from, to);
}

static const RvParam params[] = {
  RV_REQUIRED_INT (Self, units, 1, 1e6, "", "Neurons of the layer"),
  RV_SLOT (Self, neuron, "neuron", "lif", "The neuron model"),
  RV_SLOT (Self, initializer, "initializer", "pytorch", "Where the first weights come from"),
  RV_PARAM_END
};

static const RvLayerClass class = { build, forward, backward };

RV_PLUGIN ("layer", NAME)
  .version = "1.0",
  .licence = "CC0-1.0",
  .doc = "For a test",
  .params = params,
  .params_size = sizeof (Self),
  RV_FUNCTIONS (class),
};
