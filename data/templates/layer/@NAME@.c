/* layer/@NAME@: a fully recurrent layer whose recurrence starts quietly. Its recurrent weights begin at a
 * factor of `recurrent-scale`: at first it hardly hears itself, and learns how much it should.
 *   i[t] = W x[t] + b + V s[t-1]
 * It uses the core's projections and neurons, which know about sparse spikes, tiles and threads. */
#include <ranvier/ranvier.h>

typedef struct
{
  int64_t units;
  double recurrent_scale;
  RvInstance *neuron, *initializer;
  RvHandle w, b, v; /* set by build */
} Self;

static const RvParam params[] = {
  RV_REQUIRED_INT (Self, units, 1, 1e6, "", "Neurons of the layer"),
  RV_REAL (Self, recurrent_scale, "0.1", 0, 1e6, "", "Factor on the initial recurrent weights"),
  RV_SLOT (Self, neuron, "neuron", "lif", "The neuron model"),
  RV_SLOT (Self, initializer, "initializer", "pytorch", "Where the first weights come from"),
  RV_PARAM_END
};

/* Declares the weights and the neurons. An instance belongs to one network and may keep the handles. */
static gboolean
build (void *data, RvLayerBuild *build, GError **error)
{
  Self *self = data;
  const uint32_t inputs = rv_layer_inputs (build), units = (uint32_t) self->units;
  const RvNeuronClass *neuron = self->neuron->plugin->functions;
  if (!neuron->variant (self->neuron->self)->fires)
    {
      g_set_error (error, RV_ERROR, RV_ERROR_SHAPE, "needs a neuron that fires, but neuron/%s does not",
                   self->neuron->plugin->name);
      return FALSE;
    }
  rv_layer_set_units (build, units);
  self->w = rv_layer_add_weight (build, "weight", units, inputs, inputs, self->initializer, 1.0);
  self->b = rv_layer_add_bias (build, "bias", units, inputs, self->initializer, 1.0);
  self->v = rv_layer_add_weight (build, "recurrent", units, units, units, self->initializer,
                                 self->recurrent_scale);
  rv_layer_set_neurons (build, self->neuron, TRUE);
  return TRUE;
}

/* Steps from ... to-1 of a tile of samples. The input of all steps is known, the layer's own spikes only one
 * by one. */
static void
forward (const void *data, RvLayerPass *pass, uint32_t from, uint32_t to)
{
  const Self *self = data;
  rv_pass_project_input (pass, self->w, self->b, from, to);
  for (uint32_t t = from; t < to; t++)
    {
      rv_pass_project_recurrent (pass, self->v, t);
      rv_pass_fire (pass, t, t + 1);
    }
}

/* The same in reverse: every call of forward has its adjoint, in the opposite order. */
static void
backward (const void *data, RvLayerPass *pass, uint32_t from, uint32_t to)
{
  const Self *self = data;
  for (uint32_t t = to; t-- > from;)
    {
      rv_pass_recurrent_adjoint (pass, self->v, t);
      rv_pass_fire_adjoint (pass, t, t + 1);
    }
  rv_pass_recurrent_gradient (pass, self->v, from, to);
  rv_pass_input_adjoint (pass, self->w, self->b, from, to);
}

static const RvLayerClass class = { .build = build, .forward = forward, .backward = backward };

RV_PLUGIN ("layer", "@NAME@")
  .version = "0.1",
  .licence = "CC0-1.0",
  .doc = "Recurrent layer whose recurrent weights start small",
  .citation = NULL,
  .params = params,
  .params_size = sizeof (Self),
  RV_FUNCTIONS (class),
};
