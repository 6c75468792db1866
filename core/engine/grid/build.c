/* Building the part of a network that is on grids: each layer declares values and operations, and every
 * shape is checked here, before anything runs. */
#include "engine/grid/grid.h"
#include <string.h>

/* Below this many channels taps are put side by side. */
#define PACKED 16

static RvGridNet *
net_of (const RvLayerBuild *build)
{
  return build->model->grid;
}

static gboolean
is_value (const RvModel *model, RvHandle value)
{
  return value >= 0 && (guint)value < model->grid->values->len;
}

gboolean
rv_grid_has (const RvModel *model, RvHandle value, GError **error)
{
  if (is_value (model, value))
    return TRUE;
  g_set_error_literal (error, RV_ERROR, RV_ERROR_PLUGIN, "it hands on a value that it did not declare");
  return FALSE;
}

static gboolean
is_window (const RvWindow *w)
{
  return w->stride[0] && w->stride[1] && w->dilation[0] && w->dilation[1];
}

static RvGrid
shape_of (const RvGridValue *v)
{
  const RvGrid flat = { v->grid.channels * v->grid.height * v->grid.width, 1, 1 };
  return v->flat ? flat : v->grid;
}

RvGrid
rv_grid_of (const RvLayerBuild *build, RvHandle value)
{
  g_return_val_if_fail (is_value (build->model, value), ((RvGrid){ 1, 1, 1 }));
  return shape_of (rv_grid_value (net_of (build), value));
}

gboolean
rv_grid_is_spikes (const RvLayerBuild *build, RvHandle value)
{
  g_return_val_if_fail (is_value (build->model, value), FALSE);
  return rv_grid_value (net_of (build), value)->spikes;
}

/* ---- values and operations */

static uint32_t
apart_of (uint32_t channels, gboolean is_input)
{
  uint32_t apart = is_input ? 1 : 16;
  while (apart < channels && apart < RV_PANEL)
    apart *= 2;
  return channels <= RV_PANEL ? apart : (channels + RV_PANEL - 1) / RV_PANEL * RV_PANEL;
}

static RvHandle
add_value (RvGridNet *net, RvGridValue v)
{
  v.columns = (v.grid.height * v.grid.width * v.apart + 15) / 16 * 16;
  g_array_append_val (net->values, v);
  return (RvHandle)net->values->len - 1;
}

/* The output of an operation: like its input, but for what the caller changes. */
static RvGridValue
like (const RvGridNet *net, RvHandle in)
{
  RvGridValue v = *rv_grid_value (net, in);
  v.spikes = FALSE;
  v.stored = TRUE;
  return v;
}

static RvHandle
add_op (RvLayerBuild *build, RvGridOp op, RvGridValue out)
{
  RvGridNet *net = net_of (build);
  op.layer = build->index;
  out.producer = (int32_t)net->ops->len;
  op.out = add_value (net, out);
  g_array_append_val (net->ops, op);
  return op.out;
}

/* A value that an operation may read often: as it is stored, or a copy. */
static RvHandle
stored (RvLayerBuild *build, RvHandle in)
{
  if (rv_grid_value (net_of (build), in)->stored)
    return in;
  return add_op (build, (RvGridOp){ .type = RV_GRID_COPY, .in = in }, like (net_of (build), in));
}

static gboolean
on_grid (const RvLayerBuild *build, RvHandle in, GError **error)
{
  if (!rv_grid_value (net_of (build), in)->flat)
    return TRUE;
  g_set_error_literal (error, RV_ERROR, RV_ERROR_SHAPE,
                       "its input was flattened and has no grid any more; take layer/flatten away");
  return FALSE;
}

/* A value whose pixels lie as far apart as those that operations make: the input's may lie closer. */
static RvHandle
spread_out (RvLayerBuild *build, RvHandle in)
{
  RvGridValue out = like (net_of (build), in);
  out.apart = apart_of (out.grid.channels, FALSE);
  if (out.apart == rv_grid_value (net_of (build), in)->apart)
    return in;
  return add_op (build, (RvGridOp){ .type = RV_GRID_COPY, .in = in }, out);
}

/* ---- operations */

/* The size of the output along an axis; 0 with an error if the window does not fit. */
static uint32_t
size_after (const RvWindow *w, int axis, uint32_t size, GError **error)
{
  const uint64_t span = (uint64_t)w->dilation[axis] * (w->kernel[axis] - 1) + 1,
                 padded = size + 2ull * w->padding[axis];
  if (span <= padded)
    return (uint32_t)((padded - span) / w->stride[axis]) + 1;
  g_set_error (error, RV_ERROR, RV_ERROR_SHAPE,
               "the window spans %" G_GUINT64_FORMAT
               " %s, but its input has %u and a padding of %u on both sides",
               span, axis ? "columns" : "rows", size, w->padding[axis]);
  return 0;
}

/* A window of which 0 stood for the whole grid. */
static RvWindow
whole (RvWindow w, RvGrid grid)
{
  const uint32_t size[2] = { grid.height, grid.width };
  for (int axis = 0; axis < 2; axis++)
    if (!w.kernel[axis])
      w.kernel[axis] = size[axis];
  return w;
}

RvHandle
rv_grid_convolve (RvLayerBuild *build, RvHandle in, const RvConvolution *c, GError **error)
{
  g_return_val_if_fail (is_value (build->model, in), RV_NO_HANDLE);
  g_return_val_if_fail (is_window (&c->window) && c->channels && c->groups && c->initializer, RV_NO_HANDLE);
  if (!on_grid (build, in, error))
    return RV_NO_HANDLE;
  const RvGrid grid = rv_grid_of (build, in);
  RvGridOp op = { .type = RV_GRID_CONVOLVE, .window = whole (c->window, grid), .groups = c->groups };
  if (grid.channels % c->groups || c->channels % c->groups)
    {
      g_set_error (error, RV_ERROR, RV_ERROR_SHAPE,
                   "%u groups divide neither or only one of the %u channels of its input and its own %u",
                   c->groups, grid.channels, c->channels);
      return RV_NO_HANDLE;
    }
  if (c->bfloat16 && !rv_bf16 ())
    {
      g_set_error_literal (
          error, RV_ERROR, RV_ERROR_SHAPE,
          "this processor has no products in bfloat16 (AMX or AVX-512 BF16); write products: float32");
      return RV_NO_HANDLE;
    }
  const uint32_t height = size_after (&op.window, 0, grid.height, error),
                 width = height ? size_after (&op.window, 1, grid.width, error) : 0;
  if (!width)
    return RV_NO_HANDLE;
  const uint32_t taps = op.window.kernel[0] * op.window.kernel[1], seen = grid.channels / c->groups * taps;
  op.weight = rv_layer_add_kernel (build, c->channels, seen, op.window.kernel, c->initializer, c->scale);
  op.bias = c->bias ? rv_layer_add_bias (build, "bias", c->channels, seen, c->initializer, c->scale)
                    : RV_NO_HANDLE;
  op.packed = c->groups > 1 || grid.channels < PACKED;
  op.in = stored (build, in);
  const gboolean whole_vectors = rv_row_stride (c->channels) % 16 == 0;
  op.bf16 = c->bfloat16 && !op.packed && whole_vectors ? rv_bf16 () : NULL;
  RvGridValue out = like (net_of (build), op.in);
  out.grid = (RvGrid){ c->channels, height, width };
  out.apart = apart_of (c->channels, FALSE);
  return add_op (build, op, out);
}

RvHandle
rv_grid_normalise (RvLayerBuild *build, RvHandle in, const RvNormalisation *n, GError **error)
{
  g_return_val_if_fail (is_value (build->model, in), RV_NO_HANDLE);
  if (!on_grid (build, in, error))
    return RV_NO_HANDLE;
  RvGridOp op = { .type = RV_GRID_NORMALISE,
                  .in = stored (build, in),
                  .normalisation = *n,
                  .weight = RV_NO_HANDLE,
                  .bias = RV_NO_HANDLE };
  const uint32_t channels = rv_grid_of (build, in).channels;
  if (n->learned)
    {
      op.weight = rv_layer_add_constant (build, "weight", channels, 1.0f, RV_PARAMETER_GAIN);
      op.bias = rv_layer_add_constant (build, "bias", channels, 0.0f, RV_PARAMETER_BIAS);
    }
  op.running_mean = rv_layer_add_constant (build, "running_mean", channels, 0.0f, RV_PARAMETER_RUNNING);
  op.running_var = rv_layer_add_constant (build, "running_var", channels, 1.0f, RV_PARAMETER_RUNNING);
  RvGridValue out = like (net_of (build), op.in);
  out.stored = FALSE;
  return add_op (build, op, out);
}

RvHandle
rv_grid_pool (RvLayerBuild *build, RvHandle in, RvPool pool, const RvWindow *window, GError **error)
{
  g_return_val_if_fail (is_value (build->model, in) && is_window (window), RV_NO_HANDLE);
  if (!on_grid (build, in, error))
    return RV_NO_HANDLE;
  const RvGrid grid = rv_grid_of (build, in);
  RvGridOp op = { .type = RV_GRID_POOL, .in = in, .pool = pool, .window = whole (*window, grid) };
  const uint32_t height = size_after (&op.window, 0, grid.height, error),
                 width = height ? size_after (&op.window, 1, grid.width, error) : 0;
  if (!width)
    return RV_NO_HANDLE;
  RvGridValue out = like (net_of (build), in);
  out.grid.height = height;
  out.grid.width = width;
  out.spikes = pool == RV_POOL_MAX && rv_grid_is_spikes (build, in);
  return add_op (build, op, out);
}

RvHandle
rv_grid_fire (RvLayerBuild *build, RvHandle in, RvInstance *neuron, GError **error)
{
  g_return_val_if_fail (is_value (build->model, in) && neuron, RV_NO_HANDLE);
  RvGridOp op = { .type = RV_GRID_FIRE, .in = in };
  const RvGrid grid = rv_grid_of (build, in);
  RvGridValue out = like (net_of (build), in);
  op.neurons.units = grid.channels * grid.height * grid.width;
  op.neurons.stride = out.columns;
  op.path = g_strdup (neuron->path);
  rv_layer_take_neurons (build, &op.neurons, neuron);
  out.spikes = op.neurons.variant->fires;
  out.is_static = FALSE;
  return add_op (build, op, out);
}

RvHandle
rv_grid_add (RvLayerBuild *build, RvHandle a, RvHandle b, GError **error)
{
  g_return_val_if_fail (is_value (build->model, a) && is_value (build->model, b), RV_NO_HANDLE);
  const RvGrid x = rv_grid_of (build, a), y = rv_grid_of (build, b);
  if (x.channels != y.channels || x.height != y.height || x.width != y.width)
    {
      g_set_error (error, RV_ERROR, RV_ERROR_SHAPE,
                   "its layers hand on %u x %u x %u (channels, height, width), but its shortcut %u x %u x %u",
                   x.channels, x.height, x.width, y.channels, y.height, y.width);
      return RV_NO_HANDLE;
    }
  if (rv_grid_value (net_of (build), a)->apart != rv_grid_value (net_of (build), b)->apart)
    {
      a = spread_out (build, a);
      b = spread_out (build, b);
    }
  const RvGridValue *v = rv_grid_value (net_of (build), b);
  /* one sum within another is enough */
  if (!v->stored && rv_grid_op (net_of (build), (uint32_t)v->producer)->type != RV_GRID_NORMALISE)
    b = stored (build, b);
  RvGridValue out = like (net_of (build), a);
  out.is_static = out.is_static && rv_grid_value (net_of (build), b)->is_static;
  out.flat = out.flat || rv_grid_value (net_of (build), b)->flat;
  out.stored = FALSE;
  return add_op (build, (RvGridOp){ .type = RV_GRID_ADD, .in = a, .other = b }, out);
}

RvHandle
rv_grid_drop (RvLayerBuild *build, RvHandle in, double share, GError **error)
{
  g_return_val_if_fail (is_value (build->model, in) && share >= 0.0 && share < 1.0, RV_NO_HANDLE);
  const RvGridValue *v = rv_grid_value (net_of (build), in);
  /* what is made of one is read and given in one step: a worker has no room for a long chain */
  if (!v->stored && rv_grid_op (net_of (build), (uint32_t)v->producer)->type != RV_GRID_NORMALISE)
    in = stored (build, in);
  RvGridValue out = like (net_of (build), in);
  out.stored = FALSE;
  RvGridOp op = { .type = RV_GRID_DROP, .in = in, .share = share };
  op.path = g_strdup_printf ("network.%u.%s%u", build->index, build->prefix, net_of (build)->ops->len);
  return add_op (build, op, out);
}

RvHandle
rv_grid_flatten (RvLayerBuild *build, RvHandle in, GError **error)
{
  g_return_val_if_fail (is_value (build->model, in), RV_NO_HANDLE);
  rv_grid_value (net_of (build), in)->flat = TRUE;
  return in;
}

RvHandle
rv_grid_layer (RvLayerBuild *build, RvInstance *layer, const char *path, RvHandle in, GError **error)
{
  const RvLayerClass *class = layer->plugin->functions;
  char *const before = build->prefix;
  g_return_val_if_fail (is_value (build->model, in), RV_NO_HANDLE);
  if (!class->declare)
    {
      g_set_error (error, RV_ERROR, RV_ERROR_SHAPE,
                   "%s: layer/%s goes step by step and can not stand within a layer on a grid", path,
                   layer->plugin->name);
      return RV_NO_HANDLE;
    }
  build->prefix = g_strdup_printf ("%s%s.", before, path);
  const RvHandle out = class->declare (layer->self, build, in, error);
  g_free (build->prefix);
  build->prefix = before;
  if (out != RV_NO_HANDLE && rv_grid_has (build->model, out, error))
    return out;
  g_prefix_error (error, "%s: layer/%s: ", path, layer->plugin->name);
  return RV_NO_HANDLE;
}

/* ---- the network */

RvHandle
rv_grid_begin (RvModel *model, const RvDatasetSpec *data)
{
  RvGridNet *net = g_new0 (RvGridNet, 1);
  RvGridValue in = { .grid = { data->dims[0], data->dims[1], data->dims[2] },
                     .is_static = data->form == RV_FORM_STATIC,
                     .stored = TRUE,
                     .producer = -1 };
  if ((uint64_t)in.grid.channels * in.grid.height * in.grid.width != data->units)
    in.grid = (RvGrid){ data->units, 1, 1 };
  in.apart = apart_of (in.grid.channels, TRUE);
  net->values = g_array_new (FALSE, TRUE, sizeof (RvGridValue));
  net->ops = g_array_new (FALSE, TRUE, sizeof (RvGridOp));
  model->grid = net;
  return add_value (net, in);
}

/* Rows of a tile: enough for a product to pay, few enough for its pieces to stay in the first cache. */
uint32_t
rv_grid_samples (const RvModel *model)
{
  uint32_t best = MAX (64 / model->steps, 1);
  for (uint32_t s = best; s <= MAX (96 / model->steps, 1) && best * model->steps % 8; s++)
    if (s * model->steps % 8 == 0)
      best = s;
  return MIN (best, RV_TILE);
}

void
rv_grid_end (RvModel *model, RvHandle output)
{
  RvLayerBuild build = { model, model->head - 1, (char *)"" };
  model->grid->output = stored (&build, output); /* so that the last operation is no normalisation */
}

void
rv_grid_lay_out (RvModel *model)
{
  model->grid->rows = model->tile * model->steps;
}

static void
op_clear (RvGridOp *op)
{
  rv_aligned_free (op->transposed);
  rv_aligned_free ((float *)op->pairs);
  rv_aligned_free ((float *)op->pairs_back);
  rv_aligned_free (op->affine);
  rv_aligned_free (op->statistics);
  rv_aligned_free (op->lanes);
  rv_aligned_free (op->own);
  if (op->neurons.neuron)
    rv_instance_unref (op->neurons.neuron);
  g_free (op->path);
}

void
rv_grid_net_free (RvGridNet *net)
{
  if (!net)
    return;
  for (uint32_t k = 0; k < net->ops->len; k++)
    op_clear (rv_grid_op (net, k));
  g_array_unref (net->values);
  g_array_unref (net->ops);
  g_free (net->noted);
  g_free (net);
}

RvGridNet *
rv_grid_net_copy (const RvGridNet *net)
{
  if (!net)
    return NULL;
  RvGridNet *copy = g_memdup2 (net, sizeof *net);
  copy->values = g_array_copy (net->values);
  copy->ops = g_array_copy (net->ops);
  copy->tiles = NULL;
  copy->noted = NULL;
  copy->workers = NULL;
  copy->n_tiles = copy->n_workers = 0;
  for (uint32_t k = 0; k < copy->ops->len; k++)
    {
      RvGridOp *op = rv_grid_op (copy, k);
      op->transposed = op->affine = op->statistics = op->lanes = op->own = NULL;
      op->pairs = op->pairs_back = NULL;
      op->path = g_strdup (op->path);
      if (op->neurons.neuron)
        rv_instance_ref (op->neurons.neuron);
    }
  return copy;
}

RvGridOp *
rv_grid_firing (const RvModel *model, uint32_t layer)
{
  const RvGridValue *v = rv_grid_value (model->grid, model->layers[layer].value);
  RvGridOp *op = v->producer >= 0 ? rv_grid_op (model->grid, (uint32_t)v->producer) : NULL;
  return op && op->type == RV_GRID_FIRE ? op : NULL;
}
