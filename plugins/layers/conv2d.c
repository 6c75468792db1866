/* layer/conv2d: a convolution over the height and width of images, with neurons of its own if they are given.
 *   i[c, y, x] = b[c] + sum over c', ky, kx of W[c, c', ky, kx] in[c', y stride - padding + ky dilation, ...]
 * Conventions, names and first weights are PyTorch's. */
#include "window.h"

typedef struct
{
  int64_t channels, groups;
  RvInts kernel, stride, padding, dilation;
  gboolean bias;
  double weight_scale;
  int products;
  RvInstance *neuron, *initializer;
} Conv2d;

static const char *const products[] = { "float32", "bfloat16", NULL };

static RvHandle
declare (void *self, RvLayerBuild *build, RvHandle in, GError **error)
{
  const Conv2d *conv = self;
  RvConvolution c = { .channels = (uint32_t) conv->channels,
                      .groups = (uint32_t) conv->groups,
                      .bias = conv->bias,
                      .bfloat16 = conv->products == 1,
                      .initializer = conv->initializer,
                      .scale = conv->weight_scale };
  if (!read_pair (&conv->kernel, "kernel", c.window.kernel, error)
      || !read_pair (&conv->stride, "stride", c.window.stride, error)
      || !read_pair (&conv->padding, "padding", c.window.padding, error)
      || !read_pair (&conv->dilation, "dilation", c.window.dilation, error))
    return RV_NO_HANDLE;
  const RvHandle out = rv_grid_convolve (build, in, &c, error);
  return out == RV_NO_HANDLE || !conv->neuron ? out : rv_grid_fire (build, out, conv->neuron, error);
}

static const RvParam params[] = {
  RV_REQUIRED_INT (Conv2d, channels, 1, 1e5, "", "Channels of the output"),
  RV_INTS (Conv2d, kernel, "[3]", 1, 1e4, "", "Size of the window: one number, or [height, width]"),
  RV_INTS (Conv2d, stride, "[1]", 1, 1e4, "", "From window to window"),
  RV_INTS (Conv2d, padding, "[0]", 0, 1e4, "", "Zeros on both sides"),
  RV_INTS (Conv2d, dilation, "[1]", 1, 1e4, "", "From tap to tap of the window"),
  RV_INT (Conv2d, groups, "1", 1, 1e5, "", "Groups of channels that do not see each other"),
  RV_BOOL (Conv2d, bias, "yes", "A learned constant for each channel; normalisation makes it useless"),
  RV_REAL (Conv2d, weight_scale, "1", 0, 1e6, "", "Factor on the initial weights and biases"),
  RV_CHOICE (Conv2d, products, "float32", products, "Numbers that are multiplied; sums are always float32. bfloat16 needs "
             "AMX or AVX-512 BF16; groups, and less than 16 channels of the input or 9 of its own, are float32 all the same"),
  RV_SLOT (Conv2d, neuron, "neuron", NULL, "Neurons that take the output as their current"),
  RV_SLOT (Conv2d, initializer, "initializer", "pytorch", "Where the first weights come from"),
  RV_PARAM_END
};

static const RvLayerClass class = { .declare = declare };

RV_PLUGIN ("layer", "conv2d")
  .version = "1.0",
  .licence = "LGPL-2.1-or-later",
  .doc = "Convolution over the height and width of images",
  .params = params,
  .params_size = sizeof (Conv2d),
  RV_FUNCTIONS (class),
};
