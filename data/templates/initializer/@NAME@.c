/* initializer/@NAME@: normal weights of variance gain^2 / fan-in, of which a share is left out (zero) and the
 * others are made larger, so that a unit's current keeps its variance. Biases are zero (after He et al.
 * 2015). */
#include <ranvier/ranvier.h>

typedef struct
{
  double gain, density;
} Self;

static const RvParam params[] = {
  RV_REAL (Self, gain, "1", 0, 1e6, "", "Standard deviation of a current whose inputs have mean square 1"),
  RV_REAL (Self, density, "1", 1e-6, 1, "", "Share of the connections that are not zero"),
  RV_PARAM_END
};

/* w = gain / sqrt (density fan_in) n [u < density]. Element k of the matrix [rows][columns] takes its draws
 * from position k of the stream, so the first weights do not depend on the order in which anything is
 * filled. */
static void
fill (const void *data, RvStream stream, uint32_t rows, uint32_t columns, uint32_t fan_in, uint32_t fan_out,
      gboolean is_bias, float *weight)
{
  const Self *self = data;
  const RvStream mask = rv_stream_fork (stream, 1);
  const double sd = self->gain / sqrt (self->density * (fan_in > 0 ? fan_in : 1));
  for (size_t k = 0; k < (size_t) rows * columns; k++)
    {
      const gboolean connected = !is_bias && rv_stream_uniform_double (mask, k) < self->density;
      weight[k] = connected ? (float) (sd * rv_stream_normal (stream, k)) : 0.0f;
    }
}

static const RvInitializerClass class = { .fill = fill };

RV_PLUGIN ("initializer", "@NAME@")
  .version = "0.1",
  .licence = "CC0-1.0",
  .doc = "Sparse normal weights scaled by the fan-in",
  .citation = "He et al. 2015, ICCV",
  .params = params,
  .params_size = sizeof (Self),
  RV_FUNCTIONS (class),
};
