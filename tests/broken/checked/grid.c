/* A layer on a grid, convolution, sum of neighbours and neurons; right, or wrong in one way. */
#include <ranvier/ranvier.h>

typedef struct
{
  int64_t channels;
  RvInstance *neuron, *initializer;
} Self;

static RvHandle
declare (void *data, RvLayerBuild *build, RvHandle in, GError **error)
{
  const Self *self = data;
  uint32_t channels = (uint32_t) self->channels;
#ifdef MISTAKE_silent
  if (rv_grid_of (build, in).width < 3)
    return RV_NO_HANDLE;
#endif
#ifdef MISTAKE_goes_on
  if (rv_grid_of (build, in).width < 3)
    {
      g_set_error (error, RV_ERROR, RV_ERROR_SHAPE, "a grid of %u columns is too narrow", rv_grid_of (build, in).width);
      return in;
    }
#endif
#ifdef MISTAKE_counter
  static uint32_t calls;
  channels += calls++ % 5;
#endif
#ifdef MISTAKE_keeps
  static RvHandle kept = RV_NO_HANDLE;
  if (kept != RV_NO_HANDLE)
    return kept;
#endif
  const RvConvolution convolution = {
    .window = { .kernel = { 2, 3 },
                .stride = { 1, 1 },
#ifndef MISTAKE_window
                .dilation = { 1, 1 }
#endif
    },
    .channels = channels,
    .groups = 1,
    .bias = TRUE,
    .initializer = self->initializer,
#ifndef MISTAKE_scale
    .scale = 1.0
#endif
  };
  const RvWindow pair = { .kernel = { 2, 1 }, .stride = { 1, 1 }, .dilation = { 1, 1 } };
  RvHandle out = rv_grid_convolve (build, in, &convolution, error);
#ifdef MISTAKE_twice
  const RvConvolution again = { .window = { .kernel = { 1, 1 }, .stride = { 1, 1 }, .dilation = { 1, 1 } },
                                .channels = channels,
                                .groups = 1,
                                .initializer = self->initializer,
                                .scale = 1.0 };
  if (out != RV_NO_HANDLE)
    out = rv_grid_convolve (build, out, &again, error);
#endif
#ifndef MISTAKE_unchecked
  if (out == RV_NO_HANDLE)
    return out;
#endif
  out = rv_grid_pool (build, out, RV_POOL_SUM, &pair, error);
  if (out != RV_NO_HANDLE)
    out = rv_grid_fire (build, out, self->neuron, error);
#ifdef MISTAKE_keeps
  kept = out;
#endif
  return out;
}

static const RvParam params[] = {
  RV_REQUIRED_INT (Self, channels, 1, 1e5, "", "Channels of the output"),
  RV_SLOT (Self, neuron, "neuron", "lif", "The neuron model"),
  RV_SLOT (Self, initializer, "initializer", "pytorch", "Where the first weights come from"),
  RV_PARAM_END
};

static const RvLayerClass class = { .declare = declare };

RV_PLUGIN ("layer", NAME)
  .version = "1.0",
  .licence = "CC0-1.0",
  .doc = "For a test",
  .params = params,
  .params_size = sizeof (Self),
  RV_FUNCTIONS (class),
};
