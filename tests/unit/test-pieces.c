/* The inner loops of pieces on a grid, each clone that this processor runs, against plain loops in doubles: spikes as
 * bits become numbers, sums of weight rows, and sums of gradient rows, for every width that a panel can have and
 * places in a word, with bits beside them that belong to others. Every array ends at a page that must not be touched,
 * and what lies between its rows must stay as it was. */
#include "base/threads.h"
#include "engine/kernels.h"
#include "plain.h"
#include <string.h>

#define ROWS 130 /* two words of rows, and two rows more */

typedef struct
{
  uint32_t rows, width, k, shift;
  float share; /* of bits that are set */
  size_t stride;
  gboolean fires[ROWS][64];
} Case;

/* Every width and k, and the rest in turn. */
static gboolean
next_case (uint32_t n, Case *c)
{
  static const uint32_t widths[] = { 16, 32, 48, 64, 1, 2, 4, 8, 12, 63 },
                        units[] = { 64, 1, 3, 15, 16, 17, 31, 32, 33, 48, 63 },
                        rows[] = { 1, 7, 63, 64, 65, ROWS };
  static const float shares[] = { 0.0f, 0.02f, 0.5f, 1.0f, 0.2f };
  static const uint32_t gaps[] = { 0, 13, 16 };
  const uint32_t pairs = G_N_ELEMENTS (widths) * G_N_ELEMENTS (units);
  c->width = widths[n % G_N_ELEMENTS (widths)];
  c->k = units[n / G_N_ELEMENTS (widths) % G_N_ELEMENTS (units)];
  c->rows = rows[n % 7 % G_N_ELEMENTS (rows)];
  c->share = shares[n % 13 % G_N_ELEMENTS (shares)];
  c->stride = c->width + gaps[n / pairs % G_N_ELEMENTS (gaps)];
  c->shift = n / pairs % 3 == 0 ? 0 : n / pairs % 3 == 1 ? 64 - c->k : (64 - c->k) / 2;
  const RvStream stream = rv_stream_new (n, "", "spikes", "");
  for (uint32_t r = 0; r < c->rows; r++)
    for (uint32_t unit = 0; unit < c->k; unit++)
      c->fires[r][unit] = rv_stream_uniform (stream, r * 64 + unit) < c->share;
  return n < 9 * pairs;
}

/* Two words of an array are one of bits. */
static Array
words_new (size_t n)
{
  Array array = array_new (2 * n);
  memset (array.i, 0, n * sizeof (uint64_t));
  return array;
}

static uint64_t *
words_of (const Array *array)
{
  return (uint64_t *)array->i;
}

/* [rows], with noise in the bits of others. */
static Array
by_row (const Case *c)
{
  Array words = words_new (c->rows);
  for (uint32_t r = 0; r < c->rows; r++)
    for (uint32_t bit = 0; bit < 64; bit++)
      {
        const gboolean own = bit >= c->shift && bit < c->shift + c->k;
        const gboolean set = own ? c->fires[r][bit - c->shift] : noise (r * 64 + bit) > 0.0f;
        words_of (&words)[r] |= (uint64_t)set << bit;
      }
  return words;
}

/* [k][ceil (rows / 64)] */
static Array
by_unit (const Case *c)
{
  const uint32_t parts = (c->rows + 63) / 64;
  Array words = words_new ((size_t)c->k * parts);
  for (uint32_t r = 0; r < c->rows; r++)
    for (uint32_t unit = 0; unit < c->k; unit++)
      words_of (&words)[unit * parts + r / 64] |= (uint64_t)c->fires[r][unit] << r % 64;
  return words;
}

/* Makes rows of a matrix NaN of which nothing may be taken: those of units that are silent, or rows without spikes. */
static void
spoil (const Case *c, Array *matrix, gboolean of_units)
{
  const uint32_t n = of_units ? c->k : c->rows, others = of_units ? c->rows : c->k;
  const size_t stride = of_units ? c->width : c->stride;
  for (uint32_t a = 0; a < n; a++)
    {
      gboolean any = FALSE;
      for (uint32_t b = 0; b < others; b++)
        any = any || (of_units ? c->fires[b][a] : c->fires[a][b]);
      for (uint32_t j = 0; !any && j < c->width; j++)
        matrix->f[a * stride + j] = NAN;
    }
}

static void
test_expand (gconstpointer user)
{
  const RvKernels *kernels = user;
  Case c;
  for (uint32_t n = 0; next_case (n, &c); n++)
    {
      const size_t stride = c.k + (c.stride - c.width);
      Array words = by_row (&c), out = array_new ((c.rows - 1) * stride + c.k);
      kernels->expand (words_of (&words), c.shift, c.k, c.rows, out.f, stride);
      for (uint32_t r = 0; r < c.rows; r++)
        for (uint32_t unit = 0; unit < c.k; unit++)
          g_assert_cmpfloat (out.f[r * stride + unit], ==, c.fires[r][unit] ? 1.0f : 0.0f);
      assert_gaps (&out, c.rows, c.k, stride);
      array_free (&words);
      array_free (&out);
    }
}

static void
test_gather (gconstpointer user)
{
  const RvKernels *kernels = user;
  Case c;
  for (uint32_t n = 0; next_case (n, &c); n++)
    {
      Array words = by_row (&c), weight = matrix_new (c.k, c.width, c.width, 1),
            out = matrix_new (c.rows, c.width, c.stride, 2);
      spoil (&c, &weight, TRUE);
      kernels->gather_words (weight.f, c.width, words_of (&words), c.shift, c.k, c.rows, out.f, c.stride);
      Array before = matrix_new (c.rows, c.width, c.stride, 2);
      for (uint32_t r = 0; r < c.rows; r++)
        for (uint32_t j = 0; j < c.width; j++)
          {
            Plain plain = { 0 };
            plain_add (&plain, before.f[r * c.stride + j]);
            for (uint32_t unit = 0; unit < c.k; unit++)
              if (c.fires[r][unit])
                plain_add (&plain, weight.f[unit * c.width + j]);
            assert_plain (out.f[r * c.stride + j], &plain, "gather_words");
          }
      assert_gaps (&out, c.rows, c.width, c.stride);
      array_free (&words);
      array_free (&weight);
      array_free (&out);
      array_free (&before);
    }
}

static void
test_collect (gconstpointer user)
{
  const RvKernels *kernels = user;
  Case c;
  for (uint32_t n = 0; next_case (n, &c); n++)
    {
      Array words = by_unit (&c), g = matrix_new (c.rows, c.width, c.stride, 3),
            gradient = matrix_new (c.k, c.width, c.width, 4);
      spoil (&c, &g, FALSE);
      kernels->collect_words (gradient.f, c.width, words_of (&words), c.k, c.rows, g.f, c.stride);
      Array before = matrix_new (c.k, c.width, c.width, 4);
      for (uint32_t unit = 0; unit < c.k; unit++)
        for (uint32_t j = 0; j < c.width; j++)
          {
            Plain plain = { 0 };
            plain_add (&plain, before.f[unit * c.width + j]);
            for (uint32_t r = 0; r < c.rows; r++)
              if (c.fires[r][unit])
                plain_add (&plain, g.f[r * c.stride + j]);
            assert_plain (gradient.f[unit * c.width + j], &plain, "collect_words");
          }
      array_free (&words);
      array_free (&g);
      array_free (&gradient);
      array_free (&before);
    }
}

static void
test_add_where (gconstpointer user)
{
  const RvKernels *kernels = user;
  Case c;
  for (uint32_t n = 0; next_case (n, &c); n += 7)
    {
      const RvStream stream = rv_stream_new (n, "", "numbers", "");
      Array g = array_new (c.width), to = array_new (c.width);
      const uint64_t where = rv_stream_bits (stream, 999);
      for (uint32_t j = 0; j < c.width; j++)
        {
          g.f[j] = 1.0f + rv_stream_uniform (stream, j);
          to.f[j] = rv_stream_uniform (stream, 100 + j);
        }
      kernels->add_where (where, g.f, c.width, to.f);
      for (uint32_t j = 0; j < c.width; j++)
        g_assert_cmpfloat (to.f[j], ==,
                           rv_stream_uniform (stream, 100 + j) + (where >> j & 1 ? g.f[j] : 0.0f));
      array_free (&g);
      array_free (&to);
    }
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
  } tests[] = { { "expand", test_expand },
                { "gather-words", test_gather },
                { "collect-words", test_collect },
                { "add-where", test_add_where } };
  g_test_init (&argc, &argv, NULL);
  for (int isa = RV_ISA_BASELINE; isa <= rv_isa (); isa++)
    for (guint k = 0; k < G_N_ELEMENTS (tests); k++)
      {
        g_autofree char *path = g_strdup_printf ("/pieces/%s/%s", rv_isa_name (isa), tests[k].name);
        g_test_add_data_func (path, tables[isa], tests[k].run);
      }
  return g_test_run ();
}
