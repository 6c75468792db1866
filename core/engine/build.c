/* Building a network: each layer declares its weights and neurons, and the parameters get their first
 * values. */
#include "engine/model.h"
#include "base/threads.h"
#include <string.h>

const RvKernels *
rv_kernels (void)
{
#ifdef __x86_64__
  switch (rv_isa ())
    {
    case RV_ISA_V4:
      return &rv_kernels_v4;
    case RV_ISA_V3:
      return &rv_kernels_v3;
    }
#endif
  return &rv_kernels_baseline;
}

static RvLayer *
layer_of (const RvLayerBuild *build)
{
  return &build->model->layers[build->index];
}

uint32_t
rv_layer_inputs (const RvLayerBuild *build)
{
  return layer_of (build)->inputs;
}

void
rv_layer_set_units (RvLayerBuild *build, uint32_t units)
{
  RvLayer *layer = layer_of (build);
  layer->units = units;
  layer->stride = rv_row_stride (units);
}

/* Moves the parameter vector to a place for `room` floats, which are zero behind the ones there are. */
static void
set_room (RvModel *model, size_t room)
{
  float *values = rv_aligned_alloc (room * sizeof (float));
  if (model->count)
    memcpy (values, model->values, model->count * sizeof (float));
  rv_aligned_free (model->values);
  model->values = values;
  model->room = room;
}

/* Room for `count` floats at the end of the parameter vector, aligned; the values are zero. The vector grows by half at
 * least: a deep network has a hundred parameters, and would be moved as often. */
static RvHandle
add_parameter (RvLayerBuild *build, RvParameter p, const char *name)
{
  RvModel *model = build->model;
  p.layer = build->index;
  p.name = g_strdup_printf ("network.%u.%s%s", build->index, build->prefix, name);
  p.offset = model->count;
  p.count = (p.count + 15) / 16 * 16;
  if (model->count + p.count > model->room)
    set_room (model, MAX (model->count + p.count, model->room + model->room / 2));
  model->count += p.count;
  g_array_append_val (model->parameters, p);
  return (RvHandle)model->parameters->len - 1;
}

static RvStream
initial_stream (const RvLayerBuild *build, const char *name)
{
  g_autofree char *path = g_strdup_printf ("network.%u.%s%s", build->index, build->prefix, name);
  return rv_stream_new (build->model->seed, path, "initial", NULL);
}

static RvHandle
add_weight (RvLayerBuild *build, RvParameter p, const char *name, uint32_t fan_in,
            const RvInstance *initializer, double scale)
{
  const uint32_t units = p.units, inputs = p.inputs;
  RvHandle handle = add_parameter (build, p, name);
  const RvInitializerClass *class = initializer->plugin->functions;
  g_autofree float *rows = g_new0 (float, (size_t)units *inputs);
  class->fill (initializer->self, initial_stream (build, name), units, inputs, fan_in, units, FALSE, rows);
  for (uint32_t n = 0; n < units; n++)
    for (uint32_t j = 0; j < inputs; j++)
      build->model->values[rv_parameter (build->model, handle)->offset + rv_weight_at (&p, n, j)]
          = (float)(scale * rows[(size_t)n * inputs + j]);
  return handle;
}

RvHandle
rv_layer_add_weight (RvLayerBuild *build, const char *name, uint32_t units, uint32_t inputs, uint32_t fan_in,
                     const RvInstance *initializer, double scale)
{
  RvParameter p
      = { .type = RV_PARAMETER_WEIGHT, .units = units, .inputs = inputs, .stride = rv_row_stride (units) };
  p.count = (size_t)p.stride * inputs;
  /* training asks nobody for dL/dinput of the first layer */
  p.outer = build->index == 0 && !g_str_has_prefix (name, "recurrent");
  size_t *count = p.outer ? &build->model->outer_count : &build->model->transposed_count;
  p.transposed = *count;
  *count += (size_t)units * rv_row_stride (inputs);
  return add_weight (build, p, name, fan_in, initializer, scale);
}

RvHandle
rv_layer_add_kernel (RvLayerBuild *build, uint32_t units, uint32_t inputs, const uint32_t kernel[2],
                     const RvInstance *initializer, double scale)
{
  RvParameter p = { .type = RV_PARAMETER_WEIGHT,
                    .units = units,
                    .inputs = inputs,
                    .stride = rv_row_stride (units),
                    .taps = kernel[0] * kernel[1],
                    .kernel = { kernel[0], kernel[1] } };
  p.count = (size_t)p.stride * inputs;
  return add_weight (build, p, "weight", inputs, initializer, scale);
}

RvHandle
rv_layer_add_constant (RvLayerBuild *build, const char *name, uint32_t units, float value,
                       RvParameterType type)
{
  const RvParameter p
      = { .type = type, .units = units, .inputs = 1, .stride = rv_row_stride (units), .count = units };
  const RvHandle handle = add_parameter (build, p, name);
  for (uint32_t n = 0; n < units; n++)
    build->model->values[rv_parameter (build->model, handle)->offset + n] = value;
  return handle;
}

RvHandle
rv_layer_add_bias (RvLayerBuild *build, const char *name, uint32_t units, uint32_t fan_in,
                   const RvInstance *initializer, double scale)
{
  RvParameter p = { .type = RV_PARAMETER_BIAS, .units = units, .inputs = 1, .stride = rv_row_stride (units) };
  p.count = p.stride;
  RvHandle handle = add_parameter (build, p, name);
  const RvInitializerClass *class = initializer->plugin->functions;
  float *bias = build->model->values + rv_parameter (build->model, handle)->offset;
  class->fill (initializer->self, initial_stream (build, name), units, 1, fan_in, units, TRUE, bias);
  for (uint32_t n = 0; n < units; n++)
    bias[n] = (float)(scale * bias[n]);
  return handle;
}

/* The raw parameter behind a learned number: through the inverse sigmoid where it must stay within (0, 1). */
static double
raw_initial (const RvTrainable *t, RvStream stream, uint64_t k)
{
  double x = rv_draw_raw (&t->initial, stream, k);
  if (t->unit_interval && !t->initial.sigmoid)
    return log (x / (1.0 - x));
  if (!t->unit_interval && t->initial.sigmoid)
    return 1.0 / (1.0 + exp (-x));
  return x;
}

void
rv_layer_set_neurons (RvLayerBuild *build, RvInstance *neuron, gboolean step_by_step)
{
  layer_of (build)->step_by_step = step_by_step;
  rv_layer_take_neurons (build, layer_of (build), neuron);
}

void
rv_layer_take_neurons (RvLayerBuild *build, RvLayer *layer, RvInstance *neuron)
{
  const RvNeuronClass *class = neuron->plugin->functions;
  layer->neuron = rv_instance_ref (neuron);
  layer->variant = class->variant (neuron->self);
  layer->kernels = &layer->variant->kernels[rv_isa ()];
  layer->common = (const void *)((const char *)neuron->self + class->common_offset);
  layer->surrogate = layer->common->surrogate ? layer->common->surrogate->plugin->functions : NULL;
  for (uint32_t k = 0; k < layer->variant->params; k++)
    {
      const RvTrainable *t = (const void *)((const char *)neuron->self + layer->variant->param_offsets[k]);
      layer->learned[k] = RV_NO_HANDLE;
      layer->fixed[k] = t->initial.a;
      if (t->mode == RV_TRAIN_FIXED)
        continue;
      gboolean shared = t->mode == RV_TRAIN_SHARED;
      RvParameter p = { .type = shared ? RV_PARAMETER_SHARED : RV_PARAMETER_NEURON,
                        .units = shared ? 1 : layer->units,
                        .inputs = 1,
                        .stride = rv_row_stride (layer->units),
                        .rate = t->rate };
      p.count = p.units;
      g_autofree char *name = g_strconcat ("neuron.", layer->variant->param_names[k], NULL);
      layer->learned[k] = add_parameter (build, p, name);
      RvParameter *q = rv_parameter (build->model, layer->learned[k]);
      RvStream stream = initial_stream (build, name);
      for (uint32_t n = 0; n < p.units; n++)
        build->model->values[q->offset + n] = (float)raw_initial (t, stream, n);
    }
}

RvHandle
rv_layer_add_rows (RvLayerBuild *build, const char *name, uint32_t width, gboolean recalled)
{
  RvLayer *layer = layer_of (build);
  g_return_val_if_fail (layer->n_rows < RV_LAYER_MAX_ROWS, RV_NO_HANDLE);
  layer->rows[layer->n_rows] = (RvRows){ name, width, rv_row_stride (width), recalled };
  return (RvHandle)layer->n_rows++;
}

/* No states, no parameters: what the engine does with neurons is nothing here. */
static void
be_without_neurons (RvLayer *layer)
{
  static const RvNeuronVariant none = { 0 };
  static const RvNeuronCommon common = { 0 };
  layer->variant = &none;
  layer->common = &common;
}

void
rv_layer_set_output (RvLayerBuild *build, RvHandle rows)
{
  layer_of (build)->output = rows;
  be_without_neurons (layer_of (build));
}

/* A layer plugin that forgot something must not take the program down. */
static gboolean
is_complete (const RvLayer *layer, GError **error)
{
  const RvRows *output = layer->n_rows ? &layer->rows[layer->output] : NULL;
  if (layer->variant && (!output || (output->recalled && output->width == layer->units)))
    return TRUE;
  g_set_error_literal (error, RV_ERROR, RV_ERROR_PLUGIN,
                       layer->variant
                           ? "the rows that it hands on are not recalled, or not as wide as its units"
                           : "it declares neither neurons nor rows that it hands on");
  return FALSE;
}

/* Of a layer that can not be built; its author may have forgotten to say why. */
static gboolean
refuse (uint32_t index, const RvInstance *layer, GError **error)
{
  if (error && !*error)
    g_set_error_literal (error, RV_ERROR, RV_ERROR_PLUGIN, "it can not be built and does not say why");
  g_prefix_error (error, "network.%u: layer/%s: ", index, layer->plugin->name);
  return FALSE;
}

/* A checkpoint knows parameters by their names. */
static gboolean
names_differ (const RvModel *model, uint32_t index, GError **error)
{
  const uint32_t n = model->parameters->len;
  for (uint32_t k = 0; k < n; k++)
    for (uint32_t l = 0; l < k && rv_parameter (model, (RvHandle)k)->layer == index; l++)
      if (strcmp (rv_parameter (model, (RvHandle)k)->name, rv_parameter (model, (RvHandle)l)->name) == 0)
        {
          g_set_error (error, RV_ERROR, RV_ERROR_PLUGIN, "it declares two parameters called %s",
                       rv_parameter (model, (RvHandle)k)->name);
          return FALSE;
        }
  return TRUE;
}

static gboolean
build_layer (RvModel *model, uint32_t index, RvInstance *instance, uint32_t inputs, GError **error)
{
  RvLayer *layer = &model->layers[index];
  const RvLayerClass *class = instance->plugin->functions;
  RvLayerBuild build = { model, index, g_strdup ("") };
  layer->instance = rv_instance_ref (instance);
  layer->inputs = inputs;
  const gboolean ok = class->build && class->build (instance->self, &build, error)
                      && is_complete (layer, error) && names_differ (model, index, error);
  g_free (build.prefix);
  if (!ok)
    return refuse (index, instance, error);
  layer->dense_output = !layer->variant->fires;
  layer->reads_membrane = !layer->variant->fires;
  return TRUE;
}

/* The tile: as many samples as make RV_ROWS rows, so that what a panel keeps of them stays in the second
 * cache and a panel of weights serves many. Where layers go step by step, enough that a step is a product. */
static void
lay_out (RvModel *model)
{
  uint32_t least = 2, narrow = RV_LANES;
  for (uint32_t k = model->head; k < model->n_layers; k++)
    {
      least = MAX (least, model->layers[k].n_rows ? RV_TILE / 2 : model->layers[k].step_by_step ? 8 : 2);
      narrow = MIN (narrow, model->layers[k].stride);
    }
  model->grain = RV_LANES / narrow; /* so that a step of any layer is whole vectors */
  model->tile = CLAMP (RV_ROWS / model->steps, least, RV_TILE) / least * least;
  if (model->grid)
    model->tile = rv_grid_samples (model);
  model->tile = (model->tile + model->grain - 1) / model->grain * model->grain;
  if (model->grid)
    rv_grid_lay_out (model);
  for (uint32_t k = model->head; k < model->n_layers; k++)
    {
      RvLayer *layer = &model->layers[k];
      layer->lanes = model->tile * layer->stride;
      layer->lane_offset = model->lanes_count;
      model->lanes_count += (size_t)layer->variant->params * layer->lanes;
    }
}

/* The layers on a grid, which come first. */
static gboolean
build_grid (RvModel *model, const RvInstances *layers, const RvDatasetSpec *data, GError **error)
{
  RvHandle value = RV_NO_HANDLE;
  for (uint32_t k = 0; k < layers->n; k++)
    {
      RvInstance *instance = layers->items[k];
      const RvLayerClass *class = instance->plugin->functions;
      RvLayer *layer = &model->layers[k];
      if (!class->declare)
        continue;
      if (k != model->head)
        {
          g_set_error (
              error, RV_ERROR, RV_ERROR_SHAPE,
              "network.%u: layer/%s is on a grid, but layer/%s before it is not: layers on a grid come first",
              k, instance->plugin->name, layers->items[k - 1]->plugin->name);
          return FALSE;
        }
      if (!model->grid)
        value = rv_grid_begin (model, data);
      RvLayerBuild build = { model, k, g_strdup ("") };
      layer->instance = rv_instance_ref (instance);
      value = class->declare (instance->self, &build, value, error);
      g_free (build.prefix);
      if (value == RV_NO_HANDLE || !rv_grid_has (model, value, error) || !names_differ (model, k, error))
        return refuse (k, instance, error);
      const RvGrid grid = rv_grid_of (&build, value);
      be_without_neurons (layer);
      layer->value = value;
      layer->units = grid.channels * grid.height * grid.width;
      layer->stride = rv_row_stride (layer->units);
      model->head = k + 1;
    }
  if (!model->grid || model->head < layers->n)
    return TRUE;
  g_set_error_literal (
      error, RV_ERROR, RV_ERROR_SHAPE,
      "the last layer of the network is on a grid; end with a layer whose units are the classes, such as "
      "layer/dense");
  return FALSE;
}

static gboolean
build_all (RvModel *model, const RvInstances *layers, const RvDatasetSpec *data, GError **error)
{
  if (!build_grid (model, layers, data, error))
    return FALSE;
  uint32_t inputs = model->head ? model->layers[model->head - 1].units : data->units;
  for (uint32_t k = model->head; k < layers->n; k++)
    {
      if (!build_layer (model, k, layers->items[k], inputs, error))
        return FALSE;
      inputs = model->layers[k].units;
    }
  if (inputs != data->classes)
    {
      g_set_error (error, RV_ERROR, RV_ERROR_SHAPE,
                   "the last layer of the network has %u units, but the data has %u "
                   "classes; set the last layer's units to %u",
                   inputs, data->classes, data->classes);
      return FALSE;
    }
  if (model->room > model->count)
    set_room (model, model->count);
  const RvDecoderClass *decoder = model->decoder->plugin->functions;
  RvLayer *last = &model->layers[model->n_layers - 1];
  model->decisions = decoder->decisions (model->decoder->self, data->steps, error);
  lay_out (model);
  if (model->grid)
    rv_grid_end (model, model->layers[model->head - 1].value);
  last->dense_output = TRUE;
  last->reads_membrane = !last->variant->fires || decoder->reads (model->decoder->self) == RV_READ_MEMBRANE;
  return model->decisions > 0;
}

RvModel *
rv_model_new (const RvInstances *layers, RvInstance *decoder, RvInstance *loss, const RvDatasetSpec *data,
              uint64_t seed, GError **error)
{
  if (!layers->n)
    {
      g_set_error (error, RV_ERROR, RV_ERROR_SHAPE, "the network has no layers");
      return NULL;
    }
  if (data->form == RV_FORM_EVENTS)
    {
      g_set_error (
          error, RV_ERROR, RV_ERROR_SHAPE,
          "the data (%u units) are events without time steps; put transform/bins or transform/frames "
          "between the dataset and the trainer",
          data->units);
      return NULL;
    }
  if (!data->steps)
    {
      g_set_error (error, RV_ERROR, RV_ERROR_SHAPE,
                   "the data (%u units) has no time steps; put transform/repeat or "
                   "transform/rate-code between the dataset and the trainer",
                   data->units);
      return NULL;
    }
  g_autoptr (RvModel) model = g_new0 (RvModel, 1);
  g_atomic_ref_count_init (&model->references);
  model->parameters = g_array_new (FALSE, TRUE, sizeof (RvParameter));
  model->n_layers = layers->n;
  model->layers = g_new0 (RvLayer, layers->n);
  model->decoder = rv_instance_ref (decoder);
  model->loss = rv_instance_ref (loss);
  model->steps = data->steps;
  model->inputs = data->units;
  model->classes = data->classes;
  model->seed = seed;
  return build_all (model, layers, data, error) ? g_steal_pointer (&model) : NULL;
}

RvModel *
rv_model_at_steps (const RvModel *model, uint32_t steps, GError **error)
{
  const RvDecoderClass *decoder = model->decoder->plugin->functions;
  const uint32_t decisions = steps ? decoder->decisions (model->decoder->self, steps, error) : 0;
  if (!steps)
    g_set_error (error, RV_ERROR, RV_ERROR_SHAPE, "a network can not be run over 0 steps");
  if (!decisions)
    return NULL;
  RvModel *copy = rv_model_copy (model);
  copy->steps = steps;
  copy->decisions = decisions;
  copy->lanes_count = 0;
  lay_out (copy);
  return copy;
}
