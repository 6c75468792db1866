/* layer/lstm: long short-term memory (Hochreiter and Schmidhuber 1997; forget gate after Gers et al. 2000),
 * with PyTorch's parameters, gates in the order i, f, g, o.
 *   a = W_ih x[t] + b_ih + W_hh h[t-1] + b_hh;   i, f, o = sigmoid (a_i, a_f, a_o),  g = tanh (a_g)
 *   c[t] = f c[t-1] + i g,  h[t] = o tanh (c[t]) */
#include "recurrent.h"

static gboolean
build (void *data, RvLayerBuild *build, GError **error)
{
  Recurrent *self = data;
  recurrent_build (self, build, 4);
  self->more = rv_layer_add_rows (build, "cell", (uint32_t) self->units, TRUE);
  return TRUE;
}

/* Writes i, f, g and o over a. */
RV_FN void
fire (Shape n, float *a, const float *before, float *c, float *h)
{
  for (uint32_t s = 0; s < n.samples; s++, a += n.gates, before += n.stride, c += n.stride, h += n.stride)
    {
      float *f = a + n.units, *g = f + n.units, *o = g + n.units;
#pragma omp simd
      for (uint32_t k = 0; k < n.units; k++)
        {
          a[k] = rv_sigmoid (a[k]);
          f[k] = rv_sigmoid (f[k]);
          g[k] = rv_tanh (g[k]);
          o[k] = rv_sigmoid (o[k]);
          c[k] = f[k] * before[k] + a[k] * g[k];
          h[k] = o[k] * rv_tanh (c[k]);
        }
    }
}
RV_CLONES (fire, (Shape n, float *a, const float *before, float *c, float *h), (n, a, before, c, h))

/* dL/do = dL/dh tanh (c),  dL/dc += dL/dh o (1 - tanh (c)^2);  dL/di = dL/dc g,  dL/df = dL/dc c[t-1],
 * dL/dg = dL/dc i,  dL/dc[t-1] = dL/dc f;  and through sigmoid and tanh, over the gates themselves. */
RV_FN void
adjoint (Shape n, float *i, const float *before, const float *c, const float *gh, float *gc)
{
  for (uint32_t s = 0; s < n.samples;
       s++, i += n.gates, before += n.stride, c += n.stride, gh += n.stride, gc += n.stride)
    {
      float *f = i + n.units, *g = f + n.units, *o = g + n.units;
#pragma omp simd
      for (uint32_t k = 0; k < n.units; k++)
        {
          const float y = rv_tanh (c[k]), d = gc[k] + gh[k] * o[k] * (1.0f - y * y), in = i[k], new = g[k];
          gc[k] = d * f[k];
          i[k] = d * new * in * (1.0f - in);
          f[k] = d * before[k] * f[k] * (1.0f - f[k]);
          g[k] = d * in * (1.0f - new * new);
          o[k] = gh[k] * y * o[k] * (1.0f - o[k]);
        }
    }
}
RV_CLONES (adjoint, (Shape n, float *i, const float *before, const float *c, const float *gh, float *gc),
           (n, i, before, c, gh, gc))

static void
forward (const void *data, RvLayerPass *pass, uint32_t from, uint32_t to)
{
  static void (*const clones[RV_ISA_ROOM]) (Shape n, float *a, const float *before, float *c, float *h)
      = RV_CLONES_OF (fire);
  const Recurrent *self = data;
  const Shape shape = recurrent_shape (self, pass);
  rv_rows_project_input (pass, self->w, self->b, self->gates, from, to);
  for (uint32_t t = from; t < to; t++)
    {
      rv_rows_project (pass, self->v, self->c, self->hidden, self->gates, t, TRUE);
      float *const before = rows_at (pass, self->more, (int64_t) t - 1);
      clones[rv_isa ()](shape, rows_at (pass, self->gates, t), before, rows_at (pass, self->more, t),
                        rows_at (pass, self->hidden, t));
    }
}

static void
backward (const void *data, RvLayerPass *pass, uint32_t from, uint32_t to)
{
  static void (*const clones[RV_ISA_ROOM]) (Shape n, float *i, const float *before, const float *c,
                                            const float *gh, float *gc)
      = RV_CLONES_OF (adjoint);
  const Recurrent *self = data;
  const Shape shape = recurrent_shape (self, pass);
  for (uint32_t t = to; t-- > from;)
    {
      rv_rows_receive (pass, t);
      float *const before = rows_at (pass, self->more, (int64_t) t - 1);
      clones[rv_isa ()](shape, rows_at (pass, self->gates, t), before, rows_at (pass, self->more, t),
                        rv_rows_gradient (pass, self->hidden), rv_rows_gradient (pass, self->more));
      rv_rows_adjoint (pass, self->v, self->gates, self->hidden, t, FALSE);
    }
  rv_rows_weight_gradient (pass, self->v, self->c, self->hidden, self->gates, from, to);
  rv_rows_input_adjoint (pass, self->w, self->b, self->gates, from, to);
}

static const RvLayerClass class = { build, forward, backward };

RV_PLUGIN ("layer", "lstm")
  .version = "1.0",
  .licence = "LGPL-2.1-or-later",
  .doc = "Long short-term memory, with PyTorch's conventions",
  .citation = "Hochreiter and Schmidhuber 1997, Neural Computation 9:1735; PyTorch, torch.nn.LSTM",
  .params = recurrent_params,
  .params_size = sizeof (Recurrent),
  RV_FUNCTIONS (class),
};
