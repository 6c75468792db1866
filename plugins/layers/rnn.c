/* layer/rnn: the plain recurrent network (Elman 1990), with PyTorch's parameters.
 *   h[t] = tanh (W_ih x[t] + b_ih + W_hh h[t-1] + b_hh) */
#include "recurrent.h"

static gboolean
build (void *self, RvLayerBuild *build, GError **error)
{
  recurrent_build (self, build, 1);
  return TRUE;
}

RV_FN void
fire (Shape n, const float *a, float *h)
{
  for (uint32_t s = 0; s < n.samples; s++, a += n.gates, h += n.stride)
#pragma omp simd
    for (uint32_t k = 0; k < n.units; k++)
      h[k] = rv_tanh (a[k]);
}
RV_CLONES (fire, (Shape n, const float *a, float *h), (n, a, h))

/* dL/da = dL/dh (1 - h^2) */
RV_FN void
adjoint (Shape n, const float *h, const float *gh, float *ga)
{
  for (uint32_t s = 0; s < n.samples; s++, h += n.stride, gh += n.stride, ga += n.gates)
#pragma omp simd
    for (uint32_t k = 0; k < n.units; k++)
      ga[k] = gh[k] * (1.0f - h[k] * h[k]);
}
RV_CLONES (adjoint, (Shape n, const float *h, const float *gh, float *ga), (n, h, gh, ga))

static void
forward (const void *data, RvLayerPass *pass, uint32_t from, uint32_t to)
{
  static void (*const clones[RV_ISA_ROOM]) (Shape n, const float *a, float *h) = RV_CLONES_OF (fire);
  const Recurrent *self = data;
  const Shape shape = recurrent_shape (self, pass);
  rv_rows_project_input (pass, self->w, self->b, self->gates, from, to);
  for (uint32_t t = from; t < to; t++)
    {
      rv_rows_project (pass, self->v, self->c, self->hidden, self->gates, t, TRUE);
      clones[rv_isa ()](shape, rows_at (pass, self->gates, t), rows_at (pass, self->hidden, t));
    }
}

static void
backward (const void *data, RvLayerPass *pass, uint32_t from, uint32_t to)
{
  static void (*const clones[RV_ISA_ROOM]) (Shape n, const float *h, const float *gh, float *ga)
      = RV_CLONES_OF (adjoint);
  const Recurrent *self = data;
  const Shape shape = recurrent_shape (self, pass);
  for (uint32_t t = to; t-- > from;)
    {
      rv_rows_receive (pass, t);
      clones[rv_isa ()](shape, rows_at (pass, self->hidden, t),
                        rv_rows_gradient (pass, self->hidden), rows_at (pass, self->gates, t));
      rv_rows_adjoint (pass, self->v, self->gates, self->hidden, t, FALSE);
    }
  rv_rows_weight_gradient (pass, self->v, self->c, self->hidden, self->gates, from, to);
  rv_rows_input_adjoint (pass, self->w, self->b, self->gates, from, to);
}

static const RvLayerClass class = { build, forward, backward };

RV_PLUGIN ("layer", "rnn")
  .version = "1.0",
  .licence = "LGPL-2.1-or-later",
  .doc = "Plain recurrent layer of tanh units, with PyTorch's conventions",
  .citation = "Elman 1990, Cognitive Science 14:179; PyTorch, torch.nn.RNN",
  .params = recurrent_params,
  .params_size = sizeof (Recurrent),
  RV_FUNCTIONS (class),
};
