/* The default of PyTorch's linear layers, for weights and biases alike. */
#include <ranvier/ranvier.h>

typedef struct
{
  double scale;
} Self;

static const RvParam params[] = {
  RV_REAL (Self, scale, "1.0", 0, 1e6, "", "factor on the bound"),
  RV_PARAM_END
};

/* w ~ U (-b, b), b = scale / sqrt (fan_in) */
static void
fill (const void *data, RvStream stream, uint32_t rows, uint32_t columns, uint32_t fan_in, uint32_t fan_out,
      gboolean is_bias, float *weight)
{
  const Self *self = data;
  const size_t n = (size_t) rows * columns;
  const double bound = self->scale / sqrt (fan_in > 0 ? fan_in : 1);
  (void) fan_out;
  (void) is_bias;
  for (size_t k = 0; k < n; k++)
    weight[k] = (float) (bound * (2.0 * rv_stream_uniform_double (stream, k) - 1.0));
}

static const RvInitializerClass class = { .fill = fill };

RV_PLUGIN ("initializer", "pytorch")
  .version = "1.0",
  .licence = "LGPL-2.1-or-later",
  .doc = "Uniform within one over the root of the fan-in",
  .citation = "PyTorch, torch.nn.Linear",
  .params = params,
  .params_size = sizeof (Self),
  RV_FUNCTIONS (class)
};
