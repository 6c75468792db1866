/* A model: structure and parameters, its life, its checkpoint, and what is derived before each pass. */
#include "engine/grid/grid.h"
#include "data/npz.h"
#include <string.h>

RvModel *
rv_model_ref (RvModel *model)
{
  g_atomic_ref_count_inc (&model->references);
  return model;
}

void
rv_model_unref (RvModel *model)
{
  if (!model || !g_atomic_ref_count_dec (&model->references))
    return;
  for (uint32_t k = 0; k < model->n_work; k++)
    rv_work_free (model, model->work[k]);
  g_free (model->work);
  rv_grid_net_drop (model);
  rv_grid_net_free (model->grid);
  for (uint32_t k = 0; k < model->n_layers; k++)
    {
      g_clear_pointer (&model->layers[k].instance, rv_instance_unref);
      g_clear_pointer (&model->layers[k].neuron, rv_instance_unref);
    }
  g_free (model->layers);
  for (uint32_t k = 0; k < model->parameters->len; k++)
    g_free (rv_parameter (model, (RvHandle)k)->name);
  g_array_unref (model->parameters);
  g_clear_pointer (&model->decoder, rv_instance_unref);
  g_clear_pointer (&model->loss, rv_instance_unref);
  rv_aligned_free (model->values);
  rv_aligned_free (model->transposed);
  rv_aligned_free (model->outer);
  rv_aligned_free (model->lanes);
  rv_aligned_free (model->own);
  rv_aligned_free (model->accumulators);
  g_free (model->spent);
  g_free (model);
}

RvModel *
rv_model_copy (const RvModel *model)
{
  RvModel *copy = g_memdup2 (model, sizeof *model);
  g_atomic_ref_count_init (&copy->references);
  copy->layers = g_memdup2 (model->layers, model->n_layers * sizeof (RvLayer));
  for (uint32_t k = 0; k < copy->n_layers; k++)
    {
      rv_instance_ref (copy->layers[k].instance);
      if (copy->layers[k].neuron)
        rv_instance_ref (copy->layers[k].neuron);
    }
  copy->parameters = g_array_copy (model->parameters);
  for (uint32_t k = 0; k < copy->parameters->len; k++)
    rv_parameter (copy, (RvHandle)k)->name = g_strdup (rv_parameter (model, (RvHandle)k)->name);
  rv_instance_ref (copy->decoder);
  rv_instance_ref (copy->loss);
  copy->values = rv_aligned_alloc (copy->count * sizeof (float));
  memcpy (copy->values, model->values, copy->count * sizeof (float));
  copy->transposed = copy->outer = copy->lanes = copy->own = copy->accumulators = NULL;
  copy->work = NULL;
  copy->spent = NULL;
  copy->grid = rv_grid_net_copy (model->grid);
  copy->n_work = copy->n_accumulators = 0;
  return copy;
}

uint32_t
rv_model_layers (const RvModel *model)
{
  return model->n_layers;
}

uint32_t
rv_model_layer_units (const RvModel *model, uint32_t layer)
{
  return model->layers[layer].units;
}

gboolean
rv_model_layer_fires (const RvModel *model, uint32_t layer)
{
  return layer < model->head ? rv_grid_value (model->grid, model->layers[layer].value)->spikes
                             : model->layers[layer].variant->fires;
}

size_t
rv_model_parameter_count (const RvModel *model)
{
  return model->count;
}

float *
rv_model_parameters (RvModel *model)
{
  return model->values;
}

/* Before what changes its rooms. */
static void
drop_work (RvModel *model)
{
  for (uint32_t k = 0; k < model->n_work; k++)
    rv_work_free (model, model->work[k]);
  model->n_work = 0;
  rv_grid_net_drop (model);
}

void
rv_model_set_training (RvModel *model, gboolean training)
{
  model->training = training;
}

void
rv_model_set_relaxed (RvModel *model, gboolean relaxed)
{
  drop_work (model);
  model->relaxed = relaxed;
}

void
rv_model_set_checkpoint (RvModel *model, gboolean checkpoint)
{
  drop_work (model);
  model->checkpoint = checkpoint;
}

/* ---- tensors by name */

uint32_t
rv_model_tensors (const RvModel *model)
{
  return model->parameters->len;
}

void
rv_model_describe_tensor (const RvModel *model, uint32_t index, RvModelTensor *tensor)
{
  const RvParameter *p = rv_parameter (model, (RvHandle)index);
  const char *own = strchr (p->name + strlen ("network."), '.') + 1;
  const RvTensorRole weight = g_str_has_prefix (own, "recurrent") ? RV_ROLE_RECURRENT : RV_ROLE_WEIGHT;
  *tensor = (RvModelTensor){ .name = p->name,
                             .layer = p->layer,
                             .role = p->type == RV_PARAMETER_WEIGHT    ? weight
                                     : p->type == RV_PARAMETER_BIAS    ? RV_ROLE_BIAS
                                     : p->type == RV_PARAMETER_GAIN    ? RV_ROLE_GAIN
                                     : p->type == RV_PARAMETER_RUNNING ? RV_ROLE_RUNNING
                                                                       : RV_ROLE_NEURON,
                             .rows = p->units,
                             .columns = p->inputs };
}

/* Where element (row, column) of a tensor stands in the flat vector. */
static size_t
element_at (const RvParameter *p, uint32_t row, uint32_t column)
{
  return p->offset + (p->type == RV_PARAMETER_WEIGHT ? rv_weight_at (p, row, column) : row);
}

void
rv_model_get_tensor (const RvModel *model, uint32_t index, const float *parameters, float *values)
{
  const RvParameter *p = rv_parameter (model, (RvHandle)index);
  for (uint32_t n = 0; n < p->units; n++)
    for (uint32_t j = 0; j < p->inputs; j++)
      values[(size_t)n * p->inputs + j] = parameters[element_at (p, n, j)];
}

void
rv_model_put_tensor (const RvModel *model, uint32_t index, const float *values, float *parameters)
{
  const RvParameter *p = rv_parameter (model, (RvHandle)index);
  for (uint32_t n = 0; n < p->units; n++)
    for (uint32_t j = 0; j < p->inputs; j++)
      parameters[element_at (p, n, j)] = values[(size_t)n * p->inputs + j];
}

/* The shape of a parameter in a file, as PyTorch has it; returns its rank. */
static uint32_t
shape_of (const RvParameter *p, uint32_t shape[4])
{
  shape[0] = p->units;
  shape[1] = p->taps ? p->inputs / p->taps : p->inputs;
  shape[2] = p->kernel[0];
  shape[3] = p->kernel[1];
  return p->type != RV_PARAMETER_WEIGHT ? 1 : p->taps ? 4 : 2;
}

gboolean
rv_model_save (const RvModel *model, const char *path, GError **error)
{
  const uint32_t n = model->parameters->len;
  g_autofree const char **names = g_new0 (const char *, n + 1);
  g_autofree RvTensor **tensors = g_new0 (RvTensor *, n + 1);
  for (uint32_t k = 0; k < n; k++)
    {
      const RvParameter *p = rv_parameter (model, (RvHandle)k);
      uint32_t shape[4];
      const uint32_t rank = shape_of (p, shape);
      names[k] = p->name;
      tensors[k] = rv_tensor_new (rank, shape);
      rv_model_get_tensor (model, k, model->values, rv_tensor_data (tensors[k]));
    }
  gboolean ok = rv_npz_write (path, n, names, tensors, error);
  for (uint32_t k = 0; k < n; k++)
    rv_tensor_unref (tensors[k]);
  return ok;
}

gboolean
rv_model_fill (RvModel *model, GHashTable *members, GError **error)
{
  for (uint32_t k = 0; k < model->parameters->len; k++)
    {
      const RvParameter *p = rv_parameter (model, (RvHandle)k);
      const RvTensor *tensor = g_hash_table_lookup (members, p->name);
      uint32_t shape[4];
      const uint32_t rank = shape_of (p, shape);
      if (!tensor || rv_tensor_rank (tensor) != rank
          || memcmp (rv_tensor_shape (tensor), shape, rank * sizeof *shape) != 0)
        {
          g_set_error (error, RV_ERROR, RV_ERROR_SHAPE, "the checkpoint has no %s of the network's shape",
                       p->name);
          return FALSE;
        }
      rv_model_put_tensor (model, k, rv_tensor_data (tensor), model->values);
    }
  return TRUE;
}

/* [inputs][units] in panels of units becomes [units][inputs] in panels of inputs. */
static void
transpose (const RvParameter *p, const float *values, float *out)
{
  const uint32_t stride = rv_row_stride (p->inputs);
  for (uint32_t c = 0; c < p->stride; c += RV_PANEL)
    for (uint32_t d = 0; d < stride; d += RV_PANEL)
      {
        const uint32_t width = rv_panel_width (p->stride, c), other = rv_panel_width (stride, d);
        const float *from = values + (size_t)c * p->inputs + (size_t)d * width;
        float *to = out + (size_t)d * p->units + (size_t)c * other;
        for (uint32_t n = 0; n < MIN (width, p->units - c); n++)
          for (uint32_t j = 0; j < MIN (other, p->inputs - d); j++)
            to[(size_t)n * other + j] = from[(size_t)j * width + n];
      }
}

int
rv_threshold_of (const RvLayer *layer)
{
  for (uint32_t k = 0; k < layer->variant->params; k++)
    if (strcmp (layer->variant->param_names[k], "threshold") == 0)
      return (int)k;
  return -1;
}

gboolean
rv_model_set_threshold (RvModel *model, uint32_t layer, double threshold, GError **error)
{
  RvGridOp *firing = layer < model->head ? rv_grid_firing (model, layer) : NULL;
  RvLayer *its = firing ? &firing->neurons : &model->layers[layer];
  if (!its->variant->fires || rv_threshold_of (its) < 0)
    {
      g_set_error (error, RV_ERROR, RV_ERROR_SHAPE,
                   "layer %u has no threshold that could be another: its %s/%s %s", layer,
                   its->neuron ? "neuron" : "layer",
                   its->neuron ? its->neuron->plugin->name : its->instance->plugin->name,
                   its->variant->fires ? "has no such parameter" : "never fires");
      return FALSE;
    }
  its->raised = !isnan (threshold);
  its->threshold = threshold;
  return TRUE;
}

double
rv_neuron_value (const RvModel *model, const RvLayer *layer, uint32_t k, uint32_t unit,
                 const float *parameters)
{
  const RvTrainable *t = (const void *)((const char *)layer->neuron->self + layer->variant->param_offsets[k]);
  if (layer->learned[k] == RV_NO_HANDLE)
    return layer->fixed[k];
  const RvParameter *p = rv_parameter (model, layer->learned[k]);
  const double x = parameters[p->offset + (p->type == RV_PARAMETER_SHARED ? 0 : unit)];
  return t->unit_interval ? 1.0 / (1.0 + exp (-x)) : x;
}

static void
fill_lanes (const RvModel *model, const RvLayer *layer, uint32_t k, const float *parameters, float *lanes)
{
  for (uint32_t n = 0; n < layer->stride; n++)
    {
      const double x = rv_neuron_value (model, layer, k, MIN (n, layer->units - 1), parameters);
      for (uint32_t s = 0; s < model->tile; s++)
        lanes[rv_lane (layer, s, n)] = (float)x;
    }
}

/* The threshold of all lanes of a layer is another one; the lanes of the own ones are kept for the slopes. */
static void
raise_lanes (RvModel *model, const RvLayer *layer)
{
  const size_t all = (size_t)layer->variant->params * layer->lanes;
  float *lanes = model->lanes + layer->lane_offset;
  if (!model->own)
    model->own = rv_aligned_alloc ((model->lanes_count + 16) * sizeof (float));
  memcpy (model->own + layer->lane_offset, lanes, all * sizeof (float));
  lanes += (size_t)rv_threshold_of (layer) * layer->lanes;
  for (uint32_t l = 0; l < layer->lanes; l++)
    lanes[l] = (float)layer->threshold;
}

/* As a pipeline writes it, `adaptation-leak`, or as in C. */
static gboolean
is_called (const char *c_name, const char *name)
{
  while (*c_name && (*c_name == *name || (*c_name == '_' && *name == '-')))
    c_name++, name++;
  return !*c_name && !*name;
}

/* Those of one layer; returns how many numbers of its neurons are called so. */
static uint32_t
map_layer (RvModel *model, RvLayer *layer, const char *name, double (*map) (double value, void *user),
           void *user)
{
  uint32_t found = 0;
  for (uint32_t k = 0; k < layer->variant->params; k++)
    {
      const RvTrainable *t
          = (const void *)((const char *)layer->neuron->self + layer->variant->param_offsets[k]);
      if (!is_called (layer->variant->param_names[k], name))
        continue;
      found++;
      layer->fixed[k] = map (layer->fixed[k], user);
      const RvParameter *p
          = layer->learned[k] == RV_NO_HANDLE ? NULL : rv_parameter (model, layer->learned[k]);
      for (uint32_t n = 0; p && n < p->units; n++)
        {
          /* what is learned in (0, 1) is kept as its logit: x = 1 / (1 + exp (-raw)) */
          float *raw = &model->values[p->offset + n];
          const double x = map (t->unit_interval ? 1.0 / (1.0 + exp (-(double)*raw)) : *raw, user);
          *raw = (float)(t->unit_interval ? log (x / (1.0 - x)) : x);
        }
    }
  return found;
}

uint32_t
rv_model_map_neurons (RvModel *model, const char *name, double (*map) (double value, void *user), void *user)
{
  uint32_t found = 0;
  const uint32_t on_grid = model->grid ? model->grid->ops->len : 0;
  for (uint32_t l = 0; l < model->n_layers + on_grid; l++)
    {
      RvLayer *layer
          = l < model->n_layers ? &model->layers[l] : &rv_grid_op (model->grid, l - model->n_layers)->neurons;
      found += layer->variant ? map_layer (model, layer, name, map, user) : 0;
    }
  return found;
}

void
rv_model_prepare (RvModel *model, const float *parameters, gboolean outer)
{
  if (!model->lanes)
    {
      model->lanes = rv_aligned_alloc ((model->lanes_count + 16) * sizeof (float));
      model->transposed = rv_aligned_alloc ((model->transposed_count + 64) * sizeof (float));
    }
  if (outer && !model->outer)
    model->outer = rv_aligned_alloc ((model->outer_count + 64) * sizeof (float));
  for (uint32_t k = 0; k < model->parameters->len; k++)
    {
      const RvParameter *p = rv_parameter (model, (RvHandle)k);
      if (p->type == RV_PARAMETER_WEIGHT && !p->taps && (outer || !p->outer))
        transpose (p, parameters + p->offset, (p->outer ? model->outer : model->transposed) + p->transposed);
    }
  for (uint32_t l = model->head; l < model->n_layers; l++)
    {
      const RvLayer *layer = &model->layers[l];
      for (uint32_t k = 0; k < layer->variant->params; k++)
        fill_lanes (model, layer, k, parameters,
                    model->lanes + layer->lane_offset + (size_t)k * layer->lanes);
      if (layer->raised)
        raise_lanes (model, layer);
    }
}
