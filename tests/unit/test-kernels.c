/* The inner loops, each clone that this processor runs against plain loops in doubles: projections and
 * spikes of core/engine/kernels.h over many widths, rows and strides, with NaN and empty rows, and the slopes
 * of all surrogates against the derivative of their `fire`. Every array ends at a page that must not be
 * touched, and what lies before it and between its rows must stay as it was. */
#include "base/threads.h"
#include "network.h"
#include "plain.h"
#include <float.h>
#include <ranvier/math.h>

/* ---- sparse products */

typedef struct
{
  uint32_t width, rows, inputs;
  size_t stride;
  gboolean values, bias, nan;
  Array offsets, ids, value; /* rows of ids; every third is empty */
} Sparse;

static void
sparse_init (Sparse *s)
{
  s->offsets = array_new (s->rows + 1);
  uint32_t n = 0;
  for (int write = 0; write < 2; write++)
    {
      n = 0;
      for (uint32_t r = 0; r < s->rows; r++)
        {
          s->offsets.i[r] = n;
          for (uint32_t j = 0; j < s->inputs && r % 3 != 1; j++)
            if (noise (r * 971 + j) < (r % 5 ? -0.4f : 1.0f)) /* some rows are full */
              {
                if (write)
                  s->ids.i[n] = j;
                n++;
              }
        }
      s->offsets.i[s->rows] = n;
      if (!write)
        s->ids = array_new (n);
    }
  s->value = matrix_new (1, n, n, 3);
}

static void
sparse_clear (Sparse *s)
{
  array_free (&s->offsets);
  array_free (&s->ids);
  array_free (&s->value);
}

static void
check_gather (const RvKernels *kernels, const Sparse *s)
{
  const uint32_t w = s->width;
  Array weight = matrix_new (s->inputs, w, w, 1), bias = matrix_new (1, w, w, 2);
  Array out = matrix_new (s->rows, w, s->stride, 4);
  if (s->nan)
    weight.f[(s->inputs / 2) * w + w - 1] = bias.f[0] = NAN;
  g_autofree Plain *expected = g_new0 (Plain, (size_t)s->rows * w);
  for (uint32_t r = 0; r < s->rows; r++)
    for (uint32_t j = 0; j < w; j++)
      {
        Plain *plain = &expected[(size_t)r * w + j];
        plain_add (plain, s->bias ? bias.f[j] : out.f[r * s->stride + j]);
        for (uint32_t e = s->offsets.i[r]; e < s->offsets.i[r + 1]; e++)
          plain_add (plain, (double)weight.f[s->ids.i[e] * w + j] * (s->values ? s->value.f[e] : 1.0));
      }
  kernels->gather (weight.f, w, s->offsets.i, s->ids.i, s->values ? s->value.f : NULL, s->rows,
                   s->bias ? bias.f : NULL, out.f, s->stride);
  for (uint32_t r = 0; r < s->rows; r++)
    for (uint32_t j = 0; j < w; j++)
      assert_plain (out.f[r * s->stride + j], &expected[(size_t)r * w + j], "gather");
  assert_gaps (&out, s->rows, w, s->stride);
  array_free (&weight);
  array_free (&bias);
  array_free (&out);
}

static void
check_scatter (const RvKernels *kernels, const Sparse *s)
{
  const uint32_t w = s->width;
  Array g = matrix_new (s->rows, w, s->stride, 5), gradient = matrix_new (s->inputs, w, w, 6);
  for (uint32_t r = 0; r < s->rows; r++)
    for (uint32_t j = 0; j < w; j++)
      if (r % 4 == 3 || (r % 4 == 2 && j + 1 < w)) /* all zero; all but the last */
        g.f[r * s->stride + j] = r % 8 == 3 ? -0.0f : 0.0f;
  if (s->nan && s->rows > 2)
    g.f[2 * s->stride + w - 1] = NAN; /* beside zeros: the row must not be skipped */
  g_autofree Plain *expected = g_new0 (Plain, (size_t)s->inputs * w);
  for (size_t k = 0; k < (size_t)s->inputs * w; k++)
    plain_add (&expected[k], gradient.f[k]);
  for (uint32_t r = 0; r < s->rows; r++)
    for (uint32_t e = s->offsets.i[r]; e < s->offsets.i[r + 1]; e++)
      for (uint32_t j = 0; j < w; j++)
        plain_add (&expected[s->ids.i[e] * w + j],
                   (double)g.f[r * s->stride + j] * (s->values ? s->value.f[e] : 1.0));
  kernels->scatter (gradient.f, w, s->offsets.i, s->ids.i, s->values ? s->value.f : NULL, s->rows, g.f,
                    s->stride);
  for (size_t k = 0; k < (size_t)s->inputs * w; k++)
    assert_plain (gradient.f[k], &expected[k], "scatter");
  array_free (&g);
  array_free (&gradient);
}

/* The same from spikes sorted by unit. */
static void
check_collect (const RvKernels *kernels, const Sparse *s)
{
  const uint32_t w = s->width, n = s->offsets.i[s->rows];
  Array g = matrix_new (s->rows, w, w, 15), gradient = matrix_new (s->inputs, w, w, 16);
  Array starts = array_new (s->inputs + 1), rows = array_new (n), value = array_new (n);
  if (s->nan && s->rows > 2)
    g.f[2 * w + w - 1] = NAN;
  g_autofree Plain *expected = g_new0 (Plain, (size_t)s->inputs * w);
  uint32_t count = 0;
  for (uint32_t id = 0; id < s->inputs; id++)
    {
      starts.i[id] = count;
      for (uint32_t j = 0; j < w; j++)
        plain_add (&expected[id * w + j], gradient.f[id * w + j]);
      for (uint32_t r = 0; r < s->rows; r++)
        for (uint32_t e = s->offsets.i[r]; e < s->offsets.i[r + 1]; e++)
          if (s->ids.i[e] == id)
            {
              value.f[count] = s->value.f[e];
              rows.i[count++] = r;
              for (uint32_t j = 0; j < w; j++)
                plain_add (&expected[id * w + j], (double)g.f[r * w + j] * (s->values ? s->value.f[e] : 1.0));
            }
    }
  starts.i[s->inputs] = count;
  kernels->collect (gradient.f, w, s->inputs, starts.i, rows.i, s->values ? value.f : NULL, g.f);
  for (size_t k = 0; k < (size_t)s->inputs * w; k++)
    assert_plain (gradient.f[k], &expected[k], "collect");
  array_free (&g);
  array_free (&gradient);
  array_free (&starts);
  array_free (&rows);
  array_free (&value);
}

/* Spikes as bits: lists of ids come back, and between few units products take the bits themselves. */
static void
check_bits (const RvKernels *kernels, const Sparse *s)
{
  const uint32_t w = s->width, n = s->offsets.i[s->rows], panels = (s->inputs + RV_PANEL - 1) / RV_PANEL;
  const size_t apart = s->rows + 3;
  g_autofree uint64_t *bits = g_new0 (uint64_t, panels * apart);
  for (uint32_t r = 0; r < s->rows; r++)
    for (uint32_t e = s->offsets.i[r]; e < s->offsets.i[r + 1]; e++)
      bits[s->ids.i[e] / RV_PANEL * apart + r] |= UINT64_C (1) << s->ids.i[e] % RV_PANEL;
  Array ids = array_new (5 + n + RV_LIST_SLACK), offsets = array_new (s->rows + 1);
  offsets.i[0] = 5;
  kernels->list (bits, panels, apart, s->inputs, s->rows, ids.i, offsets.i);
  for (uint32_t r = 0; r <= s->rows; r++)
    g_assert_cmpuint (offsets.i[r], ==, 5 + s->offsets.i[r]);
  g_assert_cmpmem (ids.i + 5, n * sizeof (uint32_t), s->ids.i, n * sizeof (uint32_t));
  array_free (&ids);
  array_free (&offsets);
  if (w > RV_NARROW || s->inputs > RV_BITS)
    return;

  Array weight = matrix_new (s->inputs, w, w, 1), bias = matrix_new (1, w, w, 2),
        out = array_new (s->rows * w);
  Array g = matrix_new (s->rows, w, w, 5), gradient = matrix_new (s->inputs, w, w, 6);
  if (s->nan && s->rows > 0)
    weight.f[s->inputs / 2 * w] = g.f[0] = NAN;
  g_autofree Plain *sums = g_new0 (Plain, (size_t)s->rows * w);
  g_autofree Plain *gradients = g_new0 (Plain, (size_t)s->inputs * w);
  for (size_t k = 0; k < (size_t)s->rows * w; k++)
    plain_add (&sums[k], bias.f[k % w]);
  for (size_t k = 0; k < (size_t)s->inputs * w; k++)
    plain_add (&gradients[k], gradient.f[k]);
  for (uint32_t r = 0; r < s->rows; r++)
    for (uint32_t e = s->offsets.i[r]; e < s->offsets.i[r + 1]; e++)
      for (uint32_t j = 0; j < w; j++)
        {
          plain_add (&sums[r * w + j], weight.f[s->ids.i[e] * w + j]);
          plain_add (&gradients[s->ids.i[e] * w + j], g.f[r * w + j]);
        }
  kernels->gather_bits (weight.f, w, s->inputs, bits, s->rows, bias.f, out.f);
  kernels->scatter_bits (gradient.f, w, s->inputs, bits, s->rows, g.f);
  for (size_t k = 0; k < (size_t)s->rows * w; k++)
    assert_plain (out.f[k], &sums[k], "gather_bits");
  for (size_t k = 0; k < (size_t)s->inputs * w; k++)
    assert_plain (gradient.f[k], &gradients[k], "scatter_bits");
  array_free (&weight);
  array_free (&bias);
  array_free (&out);
  array_free (&g);
  array_free (&gradient);
}

static void
check_add_rows (const RvKernels *kernels, const Sparse *s)
{
  Array rows = matrix_new (s->rows, s->width, s->stride, 17), sum = matrix_new (1, s->width, s->width, 18);
  g_autofree Plain *expected = g_new0 (Plain, s->width);
  for (uint32_t j = 0; j < s->width; j++)
    {
      plain_add (&expected[j], sum.f[j]);
      for (uint32_t r = 0; r < s->rows; r++)
        plain_add (&expected[j], rows.f[r * s->stride + j]);
    }
  kernels->add_rows (sum.f, rows.f, s->rows, s->stride, s->width);
  for (uint32_t j = 0; j < s->width; j++)
    assert_plain (sum.f[j], &expected[j], "add_rows");
  array_free (&rows);
  array_free (&sum);
}

/* Widths of panels: powers of two below 16, then multiples of 16. */
static void
test_sparse (gconstpointer table)
{
  static const uint32_t widths[] = { 1, 2, 4, 8, 16, 32, 48, 64 }, rows[] = { 0, 1, 3, 16, 37 };
  static const uint32_t inputs[] = { 1, 3, 20, 70 };
  worst = 0.0;
  for (guint k = 0; k < G_N_ELEMENTS (widths) * G_N_ELEMENTS (rows) * G_N_ELEMENTS (inputs) * 8; k++)
    {
      const guint c = k / 8;
      Sparse s = { .width = widths[c % 8],
                   .rows = rows[c / 8 % 5],
                   .inputs = inputs[c / 40],
                   .values = k % 2,
                   .bias = k / 2 % 2,
                   .nan = k / 4 % 2 };
      s.stride = s.width < 16 || k % 3 == 0 ? s.width : s.width + RV_PANEL;
      sparse_init (&s);
      check_gather (table, &s);
      check_scatter (table, &s);
      check_collect (table, &s);
      check_bits (table, &s);
      check_add_rows (table, &s);
      sparse_clear (&s);
    }
  g_test_message ("worst: %.2f roundings of the largest sum", worst);
}

/* ---- dense products */

typedef struct
{
  uint32_t m, k, n;
  size_t lda, ldb, ldc;
  gboolean add, nan;
} Dense;

static void
check_product (const RvKernels *kernels, const Dense *d)
{
  Array a = matrix_new (d->m, d->k, d->lda, 7), b = matrix_new (d->k, d->n, d->ldb, 8);
  Array c = matrix_new (d->m, d->n, d->ldc, 9);
  if (d->nan)
    a.f[(d->m - 1) * d->lda] = b.f[(d->k - 1) * d->ldb + d->n - 1] = NAN;
  g_autofree Plain *expected = g_new0 (Plain, (size_t)d->m * d->n);
  for (uint32_t i = 0; i < d->m; i++)
    for (uint32_t j = 0; j < d->n; j++)
      {
        Plain *plain = &expected[(size_t)i * d->n + j];
        plain_add (plain, d->add ? c.f[i * d->ldc + j] : 0.0);
        for (uint32_t q = 0; q < d->k; q++)
          plain_add (plain, (double)a.f[i * d->lda + q] * b.f[q * d->ldb + j]);
        if (!d->add)
          c.f[i * d->ldc + j] = NAN; /* must be written, not added to */
      }
  kernels->product (d->m, d->k, d->n, a.f, d->lda, b.f, d->ldb, c.f, d->ldc, d->add);
  for (uint32_t i = 0; i < d->m; i++)
    for (uint32_t j = 0; j < d->n; j++)
      assert_plain (c.f[i * d->ldc + j], &expected[(size_t)i * d->n + j], "product");
  assert_gaps (&c, d->m, d->n, d->ldc);
  array_free (&a);
  array_free (&b);
  array_free (&c);
}

static void
check_product_adjoint (const RvKernels *kernels, const Dense *d)
{
  Array a = matrix_new (d->m, d->k, d->lda, 12), g = matrix_new (d->m, d->n, d->ldb, 13);
  Array c = matrix_new (d->k, d->n, d->ldc, 14);
  for (uint32_t i = 1; i < d->m; i++)
    for (uint32_t q = 0; q < d->k; q++)
      if ((i + q) % 3) /* most are zero, as spikes are */
        a.f[i * d->lda + q] = 0.0f;
  if (d->nan)
    a.f[0] = g.f[d->n - 1] = NAN;
  g_autofree Plain *expected = g_new0 (Plain, (size_t)d->k * d->n);
  for (uint32_t q = 0; q < d->k; q++)
    for (uint32_t j = 0; j < d->n; j++)
      {
        Plain *plain = &expected[(size_t)q * d->n + j];
        plain_add (plain, c.f[q * d->ldc + j]);
        for (uint32_t i = 0; i < d->m; i++)
          plain_add (plain, (double)a.f[i * d->lda + q] * g.f[i * d->ldb + j]);
      }
  kernels->product_adjoint (d->m, d->k, d->n, a.f, d->lda, g.f, d->ldb, c.f, d->ldc);
  for (uint32_t q = 0; q < d->k; q++)
    for (uint32_t j = 0; j < d->n; j++)
      assert_plain (c.f[q * d->ldc + j], &expected[(size_t)q * d->n + j], "product_adjoint");
  assert_gaps (&c, d->k, d->n, d->ldc);
  array_free (&a);
  array_free (&g);
  array_free (&c);
}

static void
test_dense (gconstpointer table)
{
  static const uint32_t ms[] = { 1, 3, 4, 5, 16, 37 }, ks[] = { 1, 3, 20, 70 };
  static const uint32_t ns[] = { 1, 2, 3, 4, 7, 8, 15, 16, 17, 31, 32, 33, 48, 63, 64, 130 };
  worst = 0.0;
  for (guint k = 0; k < G_N_ELEMENTS (ms) * G_N_ELEMENTS (ks) * G_N_ELEMENTS (ns) * 4; k++)
    {
      const guint c = k / 4, loose = k / 3 % 2;
      Dense d = { .m = ms[c % 6], .k = ks[c / 6 % 4], .n = ns[c / 24], .add = k % 2, .nan = k / 2 % 2 };
      d.lda = d.k + 3 * loose;
      d.ldb = d.n + 5 * loose;
      d.ldc = d.n + 1 + 16 * loose;
      check_product (table, &d);
      check_product_adjoint (table, &d);
    }
  const Dense nothing = { .m = 0, .k = 3, .n = 16, .lda = 3, .ldb = 16, .ldc = 16 };
  check_product (table, &nothing);
  check_product_adjoint (table, &nothing);
  g_test_message ("worst: %.2f roundings of the largest sum", worst);
}

/* ---- spikes */

#define SPIKE_ROWS 3

static void
check_fired (const RvKernels *kernels, uint32_t width, uint32_t units, uint32_t kind)
{
  static const float special[]
      = { 0.0f, -0.0f, NAN, -NAN, INFINITY, -INFINITY, FLT_MIN, -FLT_MIN, 1e-45f, -1e-45f };
  Array z = matrix_new (1, SPIKE_ROWS * width, SPIKE_ROWS * width, 20 + kind),
        out = array_new (SPIKE_ROWS * 2 * width);
  uint64_t bits[SPIKE_ROWS + 1] = { 0, 0, 0, 42 };
  for (uint32_t k = 0; k < SPIKE_ROWS * width; k++)
    if (kind == 3)
      z.f[k] = special[(k * 7 + width) % G_N_ELEMENTS (special)];
    else if (kind)
      z.f[k] = kind == 1 ? -fabsf (z.f[k]) : 1.0f;
  kernels->fired (z.f, width, SPIKE_ROWS, units, bits);
  kernels->mark (z.f, width, SPIKE_ROWS, out.f, 2 * width);
  for (uint32_t r = 0; r < SPIKE_ROWS; r++)
    for (uint32_t k = 0; k < width; k++)
      {
        const gboolean fires = z.f[r * width + k] > 0.0f;
        g_assert_cmpuint (bits[r] >> k & 1, ==, fires && k < units);
        g_assert_cmpfloat (out.f[r * 2 * width + k], ==, fires ? 1.0f : 0.0f);
      }
  for (uint32_t r = 0; r < SPIKE_ROWS; r++)
    g_assert_cmphex (width < 64 ? bits[r] >> width : 0, ==, 0);
  g_assert_cmpuint (bits[SPIKE_ROWS], ==, 42);
  assert_gaps (&out, SPIKE_ROWS, width, 2 * width);
  array_free (&z);
  array_free (&out);
}

static void
test_fired (gconstpointer table)
{
  static const uint32_t widths[] = { 1, 2, 4, 8, 16, 32, 48, 64 };
  for (guint k = 0; k < G_N_ELEMENTS (widths); k++)
    for (uint32_t units = 1; units <= widths[k] + 3; units++)
      for (uint32_t kind = 0; kind < 4; kind++) /* some, none, all, and numbers at the edge */
        check_fired (table, widths[k], units, kind);
}

/* ---- surrogates */

typedef struct
{
  const char *name, *text;
  double width;    /* of the bump: the unit of the places looked at */
  double kinks[3]; /* where the slope or its derivative jumps; the rest repeats the first */
} Surrogate;

#define SMOOTH                                                                                               \
  {                                                                                                          \
    1e30, 1e30, 1e30                                                                                         \
  }
#define POINTS (RV_LANES * 120)

static const Surrogate surrogates[] = {
  { "arctan", "arctan", 0.5, SMOOTH },
  { "arctan-steep", "{use: arctan, alpha: 30}", 0.03, SMOOTH },
  { "sigmoid", "sigmoid", 0.25, SMOOTH },
  { "sigmoid-steep", "{use: sigmoid, steepness: 50}", 0.02, SMOOTH },
  { "multi-gaussian", "{use: multi-gaussian, width: 0.5}", 0.5, SMOOTH },
  { "multi-gaussian-series", "{use: multi-gaussian, width: 2, height-factor: 0.4, scale: 4, gain: 1.5}", 2.0,
    SMOOTH },
  { "multi-gaussian-narrow", "{use: multi-gaussian, width: 0.01, height-factor: 0.15, scale: 9}", 0.01,
    SMOOTH },
  { "multi-gaussian-all", "{use: multi-gaussian, width: 0.3, height-factor: 0.3, scale: 2}", 0.3, SMOOTH },
  { "fast-sigmoid", "fast-sigmoid", 0.1, { 0, 0, 0 } },
  { "fast-sigmoid-flat", "{use: fast-sigmoid, steepness: 0.5}", 2.0, { 0, 0, 0 } },
  { "triangle", "triangle", 1.0, { 0, -1, 1 } },
  { "triangle-narrow", "{use: triangle, width: 0.2}", 0.2, { 0, -0.2, 0.2 } },
  { "rectangle", "rectangle", 0.25, { -0.25, 0.25, 0.25 } },
  { "rectangle-one", "{use: rectangle, width: 0.7, height: one}", 0.7, { -0.7, 0.7, 0.7 } },
};

/* Five points: f'(z) = (8 (f (z + e) - f (z - e)) - (f (z + 2 e) - f (z - 2 e))) / 12 e + O (e^4) */
static double
derivative_of_fire (const RvInstance *instance, float z, float e)
{
  const RvSurrogateClass *class = instance->plugin->functions;
  Array at = array_new (RV_LANES), spike = array_new (RV_LANES);
  for (uint32_t k = 0; k < RV_LANES; k++)
    at.f[k] = z + ((int)(k % 5) - 2) * e;
  class->fire (instance->self, at.f, spike.f, RV_LANES);
  const double near = (double)spike.f[3] - spike.f[1], far = (double)spike.f[4] - spike.f[0];
  array_free (&at);
  array_free (&spike);
  return (8.0 * near - far) / (12.0 * e);
}

/* Places from -8 to 8 widths, all multiples of e / 16, a power of two, so that floats hold z + e exactly. */
static void
test_surrogate_slope (gconstpointer user)
{
  const Surrogate *c = user;
  const float e = (float)exp2 (floor (log2 (0.03 * c->width)));
  g_autoptr (RvInstance) instance = network_instance ("surrogate", c->text, "surrogate");
  const RvSurrogateClass *class = instance->plugin->functions;
  Array z = array_new (POINTS), h = array_new (POINTS);
  double largest = 0.0, off = 0.0;
  for (uint32_t k = 0; k < POINTS; k++)
    z.f[k] = (float)rint ((k + 0.5 - POINTS / 2) * 16.0 * c->width / POINTS / e * 16.0) * e / 16.0f;
  class->slope[rv_isa ()](instance->self, z.f, h.f, POINTS);
  for (uint32_t k = 0; k < POINTS; k++)
    largest = fmax (largest, fabsf (h.f[k]));
  for (uint32_t k = 0; k < POINTS; k++)
    {
      gboolean near = FALSE;
      for (guint j = 0; j < G_N_ELEMENTS (c->kinks); j++)
        near = near || fabs (z.f[k] - c->kinks[j]) < 2.01 * e;
      const double d = near ? 0.0 : fabs (h.f[k] - derivative_of_fire (instance, z.f[k], e)) / largest;
      if (!(d < 1e-4))
        g_error ("%s at %g: %g is off by %g of the largest", c->name, z.f[k], h.f[k], d);
      off = fmax (off, d);
    }
  g_test_message ("largest slope %g, worst %g of it", largest, off);
  array_free (&z);
  array_free (&h);
}

/* The multi-Gaussian takes a short cut for its wide parts; here is the sum of three densities as it stands.
 * (The derivative of fire, a float, is too coarse to see the last terms of the short cut.) */
static void
test_multi_gaussian (void)
{
  static const double cases[][4]
      = { { 0.5, 0.15, 6, 0.5 }, { 2, 0.9, 4, 1.5 }, { 0.3, 0.3, 2, 0.5 }, { 0.01, 3, 4.5, 1 } };
  for (guint c = 0; c < G_N_ELEMENTS (cases); c++)
    {
      const double sigma = cases[c][0], h = cases[c][1], s = cases[c][2] * sigma, gain = cases[c][3];
      const double density = gain / sqrt (2.0 * G_PI), peak = density * (1.0 + h) / sigma;
      g_autofree char *text
          = g_strdup_printf ("{use: multi-gaussian, width: %g, height-factor: %g, scale: %g, gain: %g}",
                             sigma, h, cases[c][2], gain);
      g_autoptr (RvInstance) instance = network_instance ("surrogate", text, "surrogate");
      const RvSurrogateClass *class = instance->plugin->functions;
      Array z = array_new (POINTS), slope = array_new (POINTS);
      double off = 0.0;
      for (uint32_t k = 0; k < POINTS; k++)
        z.f[k] = (float)((k + 0.5 - POINTS / 2) * 18.0 * s / POINTS);
      class->slope[rv_isa ()](instance->self, z.f, slope.f, POINTS);
      for (uint32_t k = 0; k < POINTS; k++)
        {
          const double x = z.f[k], left = (x + sigma) / s, right = (x - sigma) / s;
          const double sides = exp (-0.5 * left * left) + exp (-0.5 * right * right);
          const double middle = exp (-0.5 * x * x / (sigma * sigma));
          const double expected = density * ((1.0 + h) / sigma * middle - h / s * sides);
          off = fmax (off, fabs (slope.f[k] - expected) / peak);
        }
      g_test_message ("%s: off by %g of the peak", text, off);
      g_assert_cmpfloat (off, <, cases[c][2] == 6 ? 1.5e-6 : 5e-7); /* a 36th power */
      array_free (&z);
      array_free (&slope);
    }
}

/* Every clone, every length, in place and not, against each other; and at the ends of the numbers. */
static void
test_surrogate_clones (gconstpointer user)
{
  static const float special[]
      = { 0.0f, -0.0f, FLT_MAX, -FLT_MAX, 1e20f, -1e20f, INFINITY, -INFINITY, NAN, FLT_MIN, 1e-45f };
  const Surrogate *c = user;
  g_autoptr (RvInstance) instance = network_instance ("surrogate", c->text, "surrogate");
  const RvSurrogateClass *class = instance->plugin->functions;
  double off = 0.0;
  for (uint32_t n = RV_LANES; n <= 6 * RV_LANES; n += RV_LANES)
    {
      Array z = array_new (n), first = array_new (n);
      for (uint32_t k = 0; k < n; k++)
        z.f[k] = k < G_N_ELEMENTS (special) ? special[k] : 5.0f * (float)c->width * noise (k);
      class->slope[RV_ISA_BASELINE](instance->self, z.f, first.f, n);
      for (uint32_t k = 0; k < G_N_ELEMENTS (special); k++)
        if (!isnan (special[k]))
          g_assert_cmpfloat (fabsf (first.f[k]), <=,
                             fabsf (special[k]) > 1.0f ? 1e-6f : 1.0001f * first.f[0]);
      for (int isa = RV_ISA_BASELINE; isa <= rv_isa (); isa++)
        {
          Array h = array_new (n), same = array_new (n);
          memcpy (same.f, z.f, n * sizeof (float));
          class->slope[isa](instance->self, z.f, h.f, n);
          class->slope[isa](instance->self, same.f, same.f, n);
          g_assert_cmpmem (h.f, n * sizeof (float), same.f, n * sizeof (float));
          for (uint32_t k = 0; k < n; k++)
            {
              g_assert_cmpint (isnan (h.f[k]), ==, isnan (first.f[k]));
              off = fmax (off, isnan (h.f[k]) ? 0.0 : fabs (h.f[k] - first.f[k]) / first.f[0]);
            }
          array_free (&h);
          array_free (&same);
        }
      array_free (&z);
      array_free (&first);
    }
  g_test_message ("clones differ by %g of the slope at the threshold", off);
  g_assert_cmpfloat (off, <, 1e-6);
}

/* rv_exp: within 2 units in the last place, clamped outside, NaN stays. */
static void
test_exp (void)
{
  double off = 0.0;
  for (float x = -87.0f; x < 88.0f; x += 0.00137f)
    {
      const float found = rv_exp (x);
      const double expected = exp (x), unit = nextafterf ((float)expected, INFINITY) - (float)expected;
      off = fmax (off, fabs (found - expected) / unit);
    }
  g_test_message ("rv_exp: %.3f units", off);
  g_assert_cmpfloat (off, <=, 2.0);
  g_assert_cmpfloat (rv_exp (-INFINITY), ==, rv_exp (-87.0f));
  g_assert_cmpfloat (rv_exp (INFINITY), ==, rv_exp (88.0f));
  g_assert_true (isnan (rv_exp (NAN)));
}

/* rv_tanh: the same, also where it is nearly x. */
static void
test_tanh (void)
{
  double off = 0.0;
  for (float x = 1e-9f; x < 40.0f; x *= 1.00113f)
    {
      const double y = tanh (x), unit = nextafterf ((float)y, INFINITY) - (float)y;
      off = fmax (off, fabs (rv_tanh (x) - y) / unit);
      g_assert_cmpfloat (rv_tanh (-x), ==, -rv_tanh (x));
    }
  g_assert_cmpfloat (off, <=, 2.0);
  g_assert_cmpfloat (rv_tanh (INFINITY), ==, 1.0f);
  g_assert_true (isnan (rv_tanh (NAN)));
}

int
main (int argc, char **argv)
{
  static const RvKernels *const tables[RV_ISA_COUNT] = {
    &rv_kernels_baseline,
#ifdef __x86_64__
    &rv_kernels_v3,
    &rv_kernels_v4,
#endif
  };
  static const struct
  {
    const char *name;
    GTestDataFunc run;
  } tests[] = { { "sparse", test_sparse }, { "dense", test_dense }, { "fired", test_fired } };
  g_test_init (&argc, &argv, NULL);
  for (int isa = RV_ISA_BASELINE; isa <= rv_isa (); isa++)
    for (guint k = 0; k < G_N_ELEMENTS (tests); k++)
      {
        g_autofree char *path = g_strdup_printf ("/kernels/%s/%s", rv_isa_name (isa), tests[k].name);
        g_test_add_data_func (path, tables[isa], tests[k].run);
      }
  for (guint k = 0; k < G_N_ELEMENTS (surrogates); k++)
    {
      g_autofree char *slope = g_strconcat ("/kernels/surrogates/slope/", surrogates[k].name, NULL);
      g_autofree char *clones = g_strconcat ("/kernels/surrogates/clones/", surrogates[k].name, NULL);
      g_test_add_data_func (slope, &surrogates[k], test_surrogate_slope);
      g_test_add_data_func (clones, &surrogates[k], test_surrogate_clones);
    }
  g_test_add_func ("/kernels/surrogates/multi-gaussian", test_multi_gaussian);
  g_test_add_func ("/kernels/exp", test_exp);
  g_test_add_func ("/kernels/tanh", test_tanh);
  return g_test_run ();
}
