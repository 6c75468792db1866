/* Products of bfloat16 (core/engine/bf16.h), each kind that this processor runs: the packers bit for bit against
 * rounding by hand, the products against sums in double. Every array ends at a page that must not be touched, and what
 * lies before it, beyond the rows of c and between them must stay as it was. */
#include "engine/bf16.h"
#include "base/threads.h"
#include "guarded.h"
#include <float.h>
#include <math.h>
#include <ranvier/clones.h>
#include <ranvier/random.h>
#include <string.h>

static const uint32_t sizes[] = { 1, 2, 15, 16, 17, 27, 31, 32, 33, 48, 63, 64 };
static const uint32_t firsts[] = { 0, 1, 13, 37, 63 };

static uint32_t
up (uint32_t n, uint32_t to)
{
  return (n + to - 1) / to * to;
}

/* A number in [-1, 1) that depends on k only. */
static float
noise (uint64_t k)
{
  return 2.0f * rv_stream_uniform (rv_stream_new (12, "", "bf16", ""), k) - 1.0f;
}

/* Nearest, ties to even; below the normal range zero; NaN stays NaN. */
static uint16_t
rounded (float x)
{
  uint32_t bits;
  memcpy (&bits, &x, sizeof bits);
  if (isnan (x))
    return (uint16_t)(bits >> 16 | 0x40);
  if ((bits & 0x7f800000) == 0)
    return (uint16_t)(bits >> 16 & 0x8000);
  return (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

static double
value (uint16_t half)
{
  const uint32_t bits = (uint32_t)half << 16;
  float x;
  memcpy (&x, &bits, sizeof x);
  return x;
}

/* Every kind of number that rounds its own way, then noise. */
static float
number (uint64_t k)
{
  static const uint32_t special[] = {
    0x00000000, 0x80000000,                         /* zeros */
    0x3f808000, 0x3f818000, 0x3f807fff, 0x3f808001, /* ties to even, and just off */
    0xbf808000, 0xbf818000, 0x7f7fffff, 0xff7fffff, /* the largest numbers become infinity */
    0x7f7f7fff, 0x00800000, 0x007fffff, 0x80000001, /* the smallest that stays, those that do not */
    0x7f800000, 0xff800000, 0x7fc00000, 0xffc00001, /* infinity, NaN */
    0x7f800001, 0x7fbfffff, 0xff80ffff,             /* NaN in the bits that are cut off alone */
  };
  float x;
  if (k % 3 || k / 3 % 37 >= G_N_ELEMENTS (special))
    return ldexpf (noise (k), (int)(k % 19) - 9);
  memcpy (&x, &special[k / 3 % 37], sizeof x);
  return x;
}

/* Rows of `width` numbers, `stride` apart; what lies between stays canaries. */
static Array
matrix_new (uint32_t rows, uint32_t width, size_t stride, uint64_t seed, float (*at) (uint64_t))
{
  Array array = array_new ((rows - 1) * stride + width);
  for (uint32_t r = 0; r < rows; r++)
    for (uint32_t j = 0; j < width; j++)
      array.f[r * stride + j] = at (seed * 100003 + r * 1009 + j);
  return array;
}

static Array
half_new (size_t n)
{
  g_assert_cmpuint (n % 2, ==, 0);
  Array array = array_new (n / 2);
  g_assert_cmpuint ((uintptr_t)array.h % RV_ALIGN, ==, 0);
  return array;
}

static void
assert_half (const Array *out, size_t at, uint16_t expected)
{
  if (out->h[at] != expected)
    g_error ("the number %zu is %04x, not %04x", at, out->h[at], expected);
}

/* in [m][k] or [k][m] to A, from floats. */
static void
check_pack_floats (const RvBf16 *bf16, uint32_t m, uint32_t k, uint32_t gap)
{
  const uint32_t width = up (k, 32), height = up (m, 16);
  Array rows = matrix_new (m, k, k + gap, 1, number), columns = matrix_new (k, m, m + gap, 1, number);
  Array from_rows = half_new ((size_t)height * width), from_columns = half_new ((size_t)height * width);
  bf16->pack_rows (rows.f, k + gap, m, k, from_rows.h);
  bf16->pack_columns (columns.f, m + gap, m, k, from_columns.h);
  for (uint32_t i = 0; i < height; i++)
    for (uint32_t q = 0; q < width; q++)
      {
        const gboolean in = i < m && q < k;
        assert_half (&from_rows, (size_t)i * width + q, in ? rounded (rows.f[i * (k + gap) + q]) : 0);
        assert_half (&from_columns, (size_t)i * width + q, in ? rounded (columns.f[q * (m + gap) + i]) : 0);
      }
  Array *all[] = { &rows, &columns, &from_rows, &from_columns };
  for (guint a = 0; a < G_N_ELEMENTS (all); a++)
    array_free (all[a]);
}

static void
check_pack_pairs (const RvBf16 *bf16, uint32_t k, uint32_t n, uint32_t gap)
{
  const uint32_t rows = up (k, 32), width = up (n, 16);
  Array in = matrix_new (k, n, n + gap, 2, number), out = half_new ((size_t)rows * width);
  bf16->pack_pairs (in.f, n + gap, k, n, out.h);
  for (uint32_t q = 0; q < rows; q++)
    for (uint32_t j = 0; j < width; j++)
      assert_half (&out, ((size_t)(q / 2) * width + j) * 2 + q % 2,
                   q < k && j < n ? rounded (in.f[q * (n + gap) + j]) : 0);
  array_free (&in);
  array_free (&out);
}

/* Words in which all bits are drawn, also those that are not asked for. */
static Array
words_new (uint32_t n)
{
  Array array = array_new (2 * n);
  for (uint32_t r = 0; r < 2 * n; r++)
    {
      array.i[r] = 0;
      for (uint32_t b = 0; b < 32; b++)
        array.i[r] |= (uint32_t)(noise (r * 32 + b) > 0.0f) << b;
    }
  return array;
}

static uint16_t
bit (const Array *words, uint32_t r, uint32_t b)
{
  return words->i[2 * r + b / 32] >> b % 32 & 1 ? rounded (1.0f) : 0;
}

static void
check_pack_bits (const RvBf16 *bf16, uint32_t first, uint32_t bits, uint32_t words)
{
  Array in = words_new (words);
  const uint32_t wide = up (bits, 32), wide_columns = up (words, 32);
  const uint32_t high = up (words, 16), high_columns = up (bits, 16);
  Array rows = half_new ((size_t)high * wide), columns = half_new ((size_t)high_columns * wide_columns);
  bf16->pack_bits ((const uint64_t *)in.i, first, words, bits, rows.h);
  for (uint32_t i = 0; i < high; i++)
    for (uint32_t q = 0; q < wide; q++)
      assert_half (&rows, (size_t)i * wide + q, i < words && q < bits ? bit (&in, i, first + q) : 0);
  bf16->pack_bit_columns ((const uint64_t *)in.i, first, bits, words, columns.h);
  for (uint32_t i = 0; i < high_columns; i++)
    for (uint32_t q = 0; q < wide_columns; q++)
      assert_half (&columns, (size_t)i * wide_columns + q,
                   i < bits && q < words ? bit (&in, q, first + i) : 0);
  array_free (&in);
  array_free (&rows);
  array_free (&columns);
}

static void
test_pack (gconstpointer data)
{
  const RvBf16 *bf16 = data;
  for (guint x = 0; x < G_N_ELEMENTS (sizes); x++)
    for (guint y = 0; y < G_N_ELEMENTS (sizes); y++)
      {
        const uint32_t gap = (x + y) % 2 * 5;
        check_pack_floats (bf16, sizes[x], sizes[y], gap);
        check_pack_pairs (bf16, sizes[x], sizes[y], gap);
        for (guint f = 0; f < G_N_ELEMENTS (firsts); f++)
          if (firsts[f] + sizes[x] <= 64)
            check_pack_bits (bf16, firsts[f], sizes[x], sizes[y]);
      }
  check_pack_floats (bf16, 200, 150, 3); /* beyond a word, or a panel */
  check_pack_pairs (bf16, 150, 200, 3);
  check_pack_bits (bf16, 3, 61, 200);
}

/* ---- products */

#define MOST 11

typedef struct
{
  uint32_t m, k, n, count;
  size_t stride; /* of c */
  gboolean add, nan;
  Array a[MOST], b[MOST];
} Product;

static void
product_init (Product *p, const RvBf16 *bf16)
{
  for (uint32_t s = 0; s < p->count; s++)
    {
      Array a = matrix_new (p->m, p->k, p->k, 3 + 2 * s, noise),
            b = matrix_new (p->k, p->n, p->n, 4 + 2 * s, noise);
      if (p->nan && s == 0)
        {
          a.f[p->k / 2] = NAN;             /* row 0 */
          b.f[p->k / 2 * p->n] = INFINITY; /* column 0 */
        }
      p->a[s] = half_new ((size_t)up (p->m, 16) * up (p->k, 32));
      p->b[s] = half_new ((size_t)up (p->k, 32) * p->n);
      bf16->pack_rows (a.f, p->k, p->m, p->k, p->a[s].h);
      bf16->pack_pairs (b.f, p->n, p->k, p->n, p->b[s].h);
      array_free (&a);
      array_free (&b);
    }
}

static void
product_clear (Product *p)
{
  for (uint32_t s = 0; s < p->count; s++)
    {
      array_free (&p->a[s]);
      array_free (&p->b[s]);
    }
}

static Array
product_target (const Product *p)
{
  return matrix_new (p->m, p->n, p->stride, 2, noise);
}

static void
product_run (const Product *p, const RvBf16 *bf16, uint32_t from, uint32_t m, float *c)
{
  const uint16_t *a[MOST], *b[MOST];
  for (uint32_t s = 0; s < p->count; s++)
    {
      a[s] = p->a[s].h + (size_t)from * up (p->k, 32);
      b[s] = p->b[s].h;
    }
  bf16->begin ();
  bf16->products (m, p->k, p->n, p->count, a, b, c, p->stride, p->add);
  bf16->end ();
}

static double worst; /* deviation, in roundings of the largest sum */

/* c [i][j] from what was packed: sum over s and q of a[s][i][q] b[s][q][j], in double */
static void
product_compare (const Product *p, uint32_t i, uint32_t j, float found)
{
  const uint32_t width = up (p->k, 32);
  const double before = p->add ? (double)noise (2 * 100003 + i * 1009 + j) : 0.0;
  double sum = before, size = fabs (before);
  for (uint32_t s = 0; s < p->count; s++)
    for (uint32_t q = 0; q < p->k; q++)
      {
        const double term = value (p->a[s].h[(size_t)i * width + q])
                            * value (p->b[s].h[((size_t)(q / 2) * p->n + j) * 2 + q % 2]);
        sum += term;
        size += fabs (term);
      }
  const double unit = 0x1p-24 * size, off = fabs (found - sum);
  if (p->nan && (i == 0 || j == 0))
    {
      g_assert_true (i == 0 ? isnan (found) : isinf (found) && (found > 0) == (sum > 0));
      return;
    }
  if (!(off <= (p->count * p->k + 1) * unit))
    g_error ("c [%u][%u] of %u x %u x %u, %u times: %.9g is not %.9g", i, j, p->m, p->k, p->n, p->count,
             found, sum);
  worst = fmax (worst, unit > 0.0 ? off / unit : 0.0);
}

static void
check_product (Product *p, const RvBf16 *bf16)
{
  product_init (p, bf16);
  Array c = product_target (p), pieces = product_target (p);
  product_run (p, bf16, 0, p->m, c.f);
  for (uint32_t i = 0; i < p->m; i++)
    for (uint32_t j = 0; j < p->n; j++)
      product_compare (p, i, j, c.f[i * p->stride + j]);
  assert_gaps (&c, p->m, p->n, p->stride);
  /* a row is the same bits wherever it stands, and rows beyond are not touched */
  for (uint32_t from = 0; from < p->m; from += 16)
    product_run (p, bf16, from, MIN (16, p->m - from), pieces.f + from * p->stride);
  for (uint32_t from = 0; from < p->m; from += 16)
    for (uint32_t i = from; i < MIN (from + 16, p->m); i++)
      g_assert_cmpmem (c.f + i * p->stride, p->n * sizeof (float), pieces.f + i * p->stride,
                       p->n * sizeof (float));
  if (p->m > 5)
    {
      Array few = product_target (p), before = product_target (p);
      product_run (p, bf16, 0, p->m - 5, few.f);
      for (uint32_t i = 0; i < p->m; i++)
        g_assert_cmpmem (few.f + i * p->stride, p->n * sizeof (float),
                         (i < p->m - 5 ? c.f : before.f) + i * p->stride, p->n * sizeof (float));
      array_free (&few);
      array_free (&before);
    }
  array_free (&c);
  array_free (&pieces);
  product_clear (p);
}

static void
test_products (gconstpointer data)
{
  static const uint32_t ms[] = { 1, 5, 16, 17, 37, 64 }, ks[] = { 1, 16, 27, 64, 96 }, ns[] = { 16, 48, 64 };
  static const uint32_t counts[] = { 0, 1, 9 };
  worst = 0.0;
  for (guint x = 0; x < G_N_ELEMENTS (ms); x++)
    for (guint y = 0; y < G_N_ELEMENTS (ks); y++)
      for (guint z = 0; z < G_N_ELEMENTS (ns); z++)
        for (guint w = 0; w < G_N_ELEMENTS (counts); w++)
          for (int add = 0; add < 2; add++)
            {
              Product p = { ms[x], ks[y], ns[z], counts[w], ns[z] + (x + y) % 2 * 16, add, FALSE };
              check_product (&p, data);
            }
  Product nan = { 37, 27, 48, 2, 48, TRUE, TRUE };
  check_product (&nan, data);
  g_test_message ("%.2f roundings", worst);
}

/* Any worker, also one that ran before anybody asked for tiles: the same bits. */
typedef struct
{
  const RvBf16 *bf16;
  Product product;
  Array c[64];
} Team;

static void
nothing (void *self, uint32_t i, uint32_t worker)
{
}

static void
team_work (void *self, uint32_t i, uint32_t worker)
{
  Team *team = self;
  product_run (&team->product, team->bf16, 0, team->product.m, team->c[i].f);
}

static void
test_workers (gconstpointer data)
{
  Team team = { .bf16 = data, .product = { 37, 64, 64, 9, 64, TRUE, FALSE } };
  const Product *p = &team.product;
  product_init (&team.product, data);
  for (guint i = 0; i < G_N_ELEMENTS (team.c); i++)
    team.c[i] = product_target (p);
  rv_parallel_for (G_N_ELEMENTS (team.c), team_work, &team);
  for (guint i = 1; i < G_N_ELEMENTS (team.c); i++)
    g_assert_cmpmem (team.c[0].f, p->m * p->stride * sizeof (float), team.c[i].f,
                     p->m * p->stride * sizeof (float));
  for (guint i = 0; i < G_N_ELEMENTS (team.c); i++)
    array_free (&team.c[i]);
  product_clear (&team.product);
}

/* The best kind is taken; none below v4. */
static void
test_choice (void)
{
  const RvBf16 *amx = rv_bf16_kind (RV_BF16_AMX), *avx512 = rv_bf16_kind (RV_BF16_AVX512);
  g_assert_true (rv_bf16 () == (amx ? amx : avx512));
  g_assert_true (amx == NULL || g_str_equal (amx->name, "amx"));
  g_assert_true (avx512 == NULL || g_str_equal (avx512->name, "avx512"));
  if (rv_isa () < RV_ISA_V4)
    g_assert_null (rv_bf16 ());
  g_test_message ("%s", rv_bf16 () ? rv_bf16 ()->name : "none");
}

static void
test_none (gconstpointer name)
{
  g_test_skip_printf ("no %s with bfloat16 here", (const char *)name);
}

int
main (int argc, char **argv)
{
  static const char *const names[RV_BF16_COUNT] = { "amx", "avx512" };
  static const struct
  {
    const char *name;
    GTestDataFunc run;
  } tests[] = { { "pack", test_pack }, { "products", test_products }, { "workers", test_workers } };
  g_test_init (&argc, &argv, NULL);
  rv_parallel_for (64, nothing, NULL); /* so that workers are there before the first question */
  g_test_add_func ("/bf16/choice", test_choice);
  for (int kind = 0; kind < RV_BF16_COUNT; kind++)
    for (guint k = 0; k < G_N_ELEMENTS (tests); k++)
      {
        const RvBf16 *bf16 = rv_bf16_kind (kind);
        g_autofree char *path = g_strdup_printf ("/bf16/%s/%s", names[kind], tests[k].name);
        if (bf16)
          g_test_add_data_func (path, bf16, tests[k].run);
        else
          g_test_add_data_func (path, names[kind], test_none);
      }
  return g_test_run ();
}
