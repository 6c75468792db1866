/* layer/gru: gated recurrent units (Cho et al. 2014), with PyTorch's parameters, gates in the order r, z, n,
 * and its place of the reset gate.
 *   a = W_ih x[t] + b_ih,  e = W_hh h[t-1] + b_hh;   r = sigmoid (a_r + e_r),  z = sigmoid (a_z + e_z)
 *   n = tanh (a_n + r e_n),  h[t] = (1 - z) n + z h[t-1] */
#include "recurrent.h"

static gboolean
build (void *data, RvLayerBuild *build, GError **error)
{
  Recurrent *self = data;
  recurrent_build (self, build, 3);
  self->more = rv_layer_add_rows (build, "recurrent gates", 3 * (uint32_t) self->units, FALSE);
  return TRUE;
}

/* Writes r, z and n over a; of e, e_n is needed again. */
RV_FN void
fire (Shape n, float *r, const float *e, const float *before, float *h)
{
  for (uint32_t s = 0; s < n.samples; s++, r += n.gates, e += n.gates, before += n.stride, h += n.stride)
    {
      const uint32_t u = n.units;
      float *z = r + u, *new = z + u;
#pragma omp simd
      for (uint32_t k = 0; k < u; k++)
        {
          r[k] = rv_sigmoid (r[k] + e[k]);
          z[k] = rv_sigmoid (z[k] + e[u + k]);
          new[k] = rv_tanh (new[k] + r[k] * e[2 * u + k]);
          h[k] = (1.0f - z[k]) * new[k] + z[k] * before[k];
        }
    }
}
RV_CLONES (fire, (Shape n, float *r, const float *e, const float *before, float *h), (n, r, e, before, h))

/* dL/dz = dL/dh (h[t-1] - n),  dL/dn = dL/dh (1 - z),  dL/dr = dL/da_n e_n,  dL/de_n = dL/da_n r, and what
 * goes straight to h[t-1] is dL/dh z; through sigmoid and tanh, over the gates (dL/da) and e (dL/de). */
RV_FN void
adjoint (Shape n, float *r, float *e, const float *before, float *gh)
{
  for (uint32_t s = 0; s < n.samples; s++, r += n.gates, e += n.gates, before += n.stride, gh += n.stride)
    {
      const uint32_t u = n.units;
      float *z = r + u, *new = z + u;
#pragma omp simd
      for (uint32_t k = 0; k < u; k++)
        {
          const float gate = r[k], keep = z[k], y = new[k], g = gh[k];
          const float gn = g * (1.0f - keep) * (1.0f - y * y);
          const float gz = g * (before[k] - y) * keep * (1.0f - keep);
          const float gr = gn * e[2 * u + k] * gate * (1.0f - gate);
          r[k] = e[k] = gr;
          z[k] = e[u + k] = gz;
          new[k] = gn;
          e[2 * u + k] = gn * gate;
          gh[k] = g * keep;
        }
    }
}
RV_CLONES (adjoint, (Shape n, float *r, float *e, const float *before, float *gh), (n, r, e, before, gh))

static void
forward (const void *data, RvLayerPass *pass, uint32_t from, uint32_t to)
{
  static void (*const clones[RV_ISA_ROOM]) (Shape n, float *r, const float *e, const float *before, float *h)
      = RV_CLONES_OF (fire);
  const Recurrent *self = data;
  const Shape shape = recurrent_shape (self, pass);
  rv_rows_project_input (pass, self->w, self->b, self->gates, from, to);
  for (uint32_t t = from; t < to; t++)
    {
      rv_rows_project (pass, self->v, self->c, self->hidden, self->more, t, FALSE);
      clones[rv_isa ()](shape, rows_at (pass, self->gates, t), rows_at (pass, self->more, t),
                       rows_at (pass, self->hidden, (int64_t) t - 1), rows_at (pass, self->hidden, t));
    }
}

static void
backward (const void *data, RvLayerPass *pass, uint32_t from, uint32_t to)
{
  static void (*const clones[RV_ISA_ROOM]) (Shape n, float *r, float *e, const float *before, float *gh)
      = RV_CLONES_OF (adjoint);
  const Recurrent *self = data;
  const Shape shape = recurrent_shape (self, pass);
  for (uint32_t t = to; t-- > from;)
    {
      rv_rows_receive (pass, t);
      clones[rv_isa ()](shape, rows_at (pass, self->gates, t), rows_at (pass, self->more, t),
                       rows_at (pass, self->hidden, (int64_t) t - 1), rv_rows_gradient (pass, self->hidden));
      rv_rows_adjoint (pass, self->v, self->more, self->hidden, t, TRUE);
    }
  rv_rows_weight_gradient (pass, self->v, self->c, self->hidden, self->more, from, to);
  rv_rows_input_adjoint (pass, self->w, self->b, self->gates, from, to);
}

static const RvLayerClass class = { build, forward, backward };

RV_PLUGIN ("layer", "gru")
  .version = "1.0",
  .licence = "LGPL-2.1-or-later",
  .doc = "Gated recurrent units, with PyTorch's conventions",
  .citation = "Cho et al. 2014, arXiv 1406.1078; PyTorch, torch.nn.GRU",
  .params = recurrent_params,
  .params_size = sizeof (Recurrent),
  RV_FUNCTIONS (class),
};
