/* layer/dense: every unit sees every input; with `recurrent`, also every unit's spike one step earlier.
 *   i[t] = W x[t] + b + V s[t-1]      (V full, self-connections included) */
#include <ranvier/ranvier.h>

typedef struct
{
  int64_t units;
  gboolean recurrent, bias;
  double weight_scale;
  RvInstance *neuron, *initializer;
  RvHandle w, b, v; /* set by build */
} Dense;

static gboolean
build (void *self, RvLayerBuild *build, GError **error)
{
  Dense *dense = self;
  const uint32_t inputs = rv_layer_inputs (build), units = (uint32_t) dense->units;
  const uint32_t fan_in = inputs + (dense->recurrent ? units : 0); /* one Linear over [x; s] */
  const RvNeuronClass *neuron = dense->neuron->plugin->functions;
  if (dense->recurrent && !neuron->variant (dense->neuron->self)->fires)
    {
      g_set_error (error, RV_ERROR, RV_ERROR_SHAPE, "recurrent needs a neuron that fires, but neuron/%s hands on its "
                   "membrane", dense->neuron->plugin->name);
      return FALSE;
    }
  rv_layer_set_units (build, units);
  dense->w = rv_layer_add_weight (build, "weight", units, inputs, fan_in, dense->initializer, dense->weight_scale);
  dense->b = dense->v = RV_NO_HANDLE;
  if (dense->bias)
    dense->b = rv_layer_add_bias (build, "bias", units, fan_in, dense->initializer, dense->weight_scale);
  if (dense->recurrent)
    dense->v = rv_layer_add_weight (build, "recurrent", units, units, fan_in, dense->initializer, dense->weight_scale);
  rv_layer_set_neurons (build, dense->neuron, dense->recurrent);
  return TRUE;
}

static void
forward (const void *self, RvLayerPass *pass, uint32_t from, uint32_t to)
{
  const Dense *dense = self;
  rv_pass_project_input (pass, dense->w, dense->b, from, to);
  if (!dense->recurrent)
    {
      rv_pass_fire (pass, from, to);
      return;
    }
  for (uint32_t t = from; t < to; t++)
    {
      rv_pass_project_recurrent (pass, dense->v, t);
      rv_pass_fire (pass, t, t + 1);
    }
}

static void
backward (const void *self, RvLayerPass *pass, uint32_t from, uint32_t to)
{
  const Dense *dense = self;
  if (!dense->recurrent)
    rv_pass_fire_adjoint (pass, from, to);
  else
    {
      for (uint32_t t = to; t-- > from;)
        {
          rv_pass_recurrent_adjoint (pass, dense->v, t);
          rv_pass_fire_adjoint (pass, t, t + 1);
        }
      rv_pass_recurrent_gradient (pass, dense->v, from, to);
    }
  rv_pass_input_adjoint (pass, dense->w, dense->b, from, to);
}

static const RvParam params[] = {
  RV_REQUIRED_INT (Dense, units, 1, 1e6, "", "Neurons of the layer"),
  RV_BOOL (Dense, recurrent, "no", "Each neuron also sees all spikes of the layer one step earlier"),
  RV_BOOL (Dense, bias, "yes", "A learned constant current per neuron"),
  RV_REAL (Dense, weight_scale, "1", 0, 1e6, "", "Factor on the initial weights and biases"),
  RV_SLOT (Dense, neuron, "neuron", "lif", "The neuron model"),
  RV_SLOT (Dense, initializer, "initializer", "pytorch", "Where the first weights come from"),
  RV_PARAM_END
};

static const RvLayerClass class = { build, forward, backward };

RV_PLUGIN ("layer", "dense")
  .version = "1.0",
  .licence = "LGPL-2.1-or-later",
  .doc = "Fully connected layer with optional full recurrence",
  .params = params,
  .params_size = sizeof (Dense),
  RV_FUNCTIONS (class),
};
