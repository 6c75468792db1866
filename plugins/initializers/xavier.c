/* Xavier (Glorot) initialisation: the variance of signals is kept forward and backward; biases are zero. */
#include <ranvier/ranvier.h>

typedef struct
{
  int distribution;
  double gain;
} Self;

static const char *const distributions[] = { "normal", "uniform", NULL };

static const RvParam params[] = {
  RV_CHOICE (Self, distribution, "normal", distributions, "what the weights are drawn from"),
  RV_REAL (Self, gain, "1", 0, 1e6, "", "factor on the weights"),
  RV_PARAM_END
};

/* sd = gain sqrt (2 / (fan_in + fan_out));  uniform: U (-sd sqrt (3), sd sqrt (3))
 * (Glorot and Bengio 2010) */
static void
fill (const void *data, RvStream stream, uint32_t rows, uint32_t columns, uint32_t fan_in, uint32_t fan_out,
      gboolean is_bias, float *weight)
{
  const Self *self = data;
  const size_t n = (size_t) rows * columns;
  const double fans = (double) fan_in + fan_out;
  const double sd = is_bias ? 0.0 : self->gain * sqrt (2.0 / (fans > 0.0 ? fans : 1.0));
  for (size_t k = 0; k < n; k++)
    {
      const double unit = self->distribution == 0
                            ? rv_stream_normal (stream, k)
                            : sqrt (3.0) * (2.0 * rv_stream_uniform_double (stream, k) - 1.0);
      weight[k] = is_bias ? 0.0f : (float) (sd * unit);
    }
}

static const RvInitializerClass class = { .fill = fill };

RV_PLUGIN ("initializer", "xavier")
  .version = "1.0",
  .licence = "LGPL-2.1-or-later",
  .doc = "Variance two over the sum of fan-in and fan-out",
  .citation = "Glorot and Bengio 2010, AISTATS",
  .params = params,
  .params_size = sizeof (Self),
  RV_FUNCTIONS (class)
};
