/* Uniform weights, right, or wrong in one way. */
#include <ranvier/ranvier.h>

typedef struct
{
  double scale;
} Self;

static const RvParam params[]
    = { RV_REAL (Self, scale, "1", 0, 1e6, "", "Factor on the weights"), RV_PARAM_END };

static void
fill (const void *data, RvStream stream, uint32_t rows, uint32_t columns, uint32_t fan_in, uint32_t fan_out,
      gboolean is_bias, float *weight)
{
  const Self *self = data;
#ifdef MISTAKE_scale
  const double bound = sqrt (self->scale / fan_in);
#else
  const double bound = self->scale / sqrt (fan_in);
#endif
  for (size_t k = 0; k < (size_t) rows * columns; k++)
    {
#ifdef MISTAKE_place
      const size_t at = k % columns * rows + k / columns;
#else
      const size_t at = k;
#endif
      weight[k] = (float) (bound * (2.0 * rv_stream_uniform (stream, at) - 1.0));
    }
}

static const RvInitializerClass class = { fill };

RV_PLUGIN ("initializer", NAME)
  .version = "1.0",
  .licence = "CC0-1.0",
  .doc = "For a test",
  .params = params,
  .params_size = sizeof (Self),
  RV_FUNCTIONS (class),
};
