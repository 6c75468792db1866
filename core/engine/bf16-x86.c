/* Products of bfloat16 with AMX and with AVX-512, and the packing of their operands, which both share. The whole file
 * is built for these instructions: nothing here may be called before rv_bf16_kind found them. */
#include "engine/bf16.h"
#include <immintrin.h>
#include <string.h>

#define ONE 0x3f80 /* 1.0 */

RV_FN uint32_t
up (uint32_t n, uint32_t to)
{
  return (n + to - 1) / to * to;
}

/* Lanes below n. */
RV_FN __mmask16
below (uint32_t n)
{
  return n >= 16 ? 0xffff : (__mmask16)((1u << n) - 1);
}

/* What row[0] ... row[n - 1] are, up to 16 and zeros beyond, which are not read. */
RV_FN __m512
some (const float *row, uint32_t n)
{
  return _mm512_maskz_loadu_ps (below (n), row);
}

/* ---- operand A: rows of k */

static void
pack_rows (const float *in, size_t stride, uint32_t m, uint32_t k, uint16_t *out)
{
  const uint32_t width = up (k, 32), rows = up (m, 16);
  for (uint32_t r = 0; r < m; r++)
    for (uint32_t j = 0; j < width; j += 32)
      {
        const float *row = in + r * stride + j;
        const __m512 low = some (row, k - j),
                     high = k - j > 16 ? some (row + 16, k - j - 16) : _mm512_setzero_ps ();
        _mm512_store_si512 (out + (size_t)r * width + j, (__m512i)_mm512_cvtne2ps_pbh (high, low));
      }
  memset (out + (size_t)m * width, 0, (size_t)(rows - m) * width * sizeof *out);
}

/* Bits first ... first + n - 1 of a word, from bit 0 on. */
RV_FN uint64_t
cut (uint64_t word, uint32_t first, uint32_t n)
{
  return n == 0 ? 0 : word >> first & UINT64_MAX >> (64 - n);
}

static void
pack_bits (const uint64_t *words, uint32_t first, uint32_t m, uint32_t k, uint16_t *out)
{
  const uint32_t width = up (k, 32), rows = up (m, 16);
  const __m512i one = _mm512_set1_epi16 (ONE);
  for (uint32_t r = 0; r < m; r++)
    {
      const uint64_t word = cut (words[r], first, k);
      for (uint32_t j = 0; j < width; j += 32)
        _mm512_store_si512 (out + (size_t)r * width + j,
                            _mm512_maskz_mov_epi16 ((__mmask32)(word >> j), one));
    }
  memset (out + (size_t)m * width, 0, (size_t)(rows - m) * width * sizeof *out);
}

/* ---- two rows as pairs: operand B, and half the way to a transposed A */

/* Lane i: even[i] below odd[i]. */
RV_FN __m512i
pairs (__m512 even, __m512 odd)
{
  const __m512i lanes = _mm512_add_epi32 (
      _mm512_mullo_epi32 (_mm512_set1_epi32 (0x10001),
                          _mm512_setr_epi32 (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15)),
      _mm512_set1_epi32 (16 << 16)); /* i, 16 + i */
  return _mm512_permutexvar_epi16 (lanes, (__m512i)_mm512_cvtne2ps_pbh (odd, even));
}

/* The pairs of rows q and q + 1 of in [k], up to 16 columns. */
RV_FN __m512i
pairs_of (const float *in, size_t stride, uint32_t q, uint32_t k, uint32_t columns)
{
  const __m512 none = _mm512_setzero_ps ();
  return pairs (q < k ? some (in + q * stride, columns) : none,
                q + 1 < k ? some (in + (q + 1) * stride, columns) : none);
}

static void
pack_pairs (const float *in, size_t stride, uint32_t k, uint32_t n, uint16_t *out)
{
  const uint32_t rows = up (k, 32), width = up (n, 16);
  for (uint32_t q = 0; q < rows; q += 2)
    for (uint32_t j = 0; j < width; j += 16)
      _mm512_store_si512 (out + (size_t)q * width + 2 * j, pairs_of (in + j, stride, q, k, n - j));
}

/* Lane j of r[i] <-> lane i of r[j] */
RV_FN void
transpose (__m512i *r)
{
  __m512i x[16];
#pragma GCC unroll 8
  for (uint32_t i = 0; i < 16; i += 2)
    {
      x[i] = _mm512_unpacklo_epi32 (r[i], r[i + 1]);
      x[i + 1] = _mm512_unpackhi_epi32 (r[i], r[i + 1]);
    }
#pragma GCC unroll 4
  for (uint32_t i = 0; i < 16; i += 4) /* r[i + l]: column l of each quarter of lanes, rows i ... i + 3 */
    {
      r[i] = _mm512_unpacklo_epi64 (x[i], x[i + 2]);
      r[i + 1] = _mm512_unpackhi_epi64 (x[i], x[i + 2]);
      r[i + 2] = _mm512_unpacklo_epi64 (x[i + 1], x[i + 3]);
      r[i + 3] = _mm512_unpackhi_epi64 (x[i + 1], x[i + 3]);
    }
#pragma GCC unroll 4
  for (uint32_t l = 0; l < 4; l++) /* a matrix of 4 x 4 quarters */
    {
      const __m512i a = _mm512_shuffle_i32x4 (r[l], r[4 + l], 0x44),
                    b = _mm512_shuffle_i32x4 (r[l], r[4 + l], 0xee);
      const __m512i c = _mm512_shuffle_i32x4 (r[8 + l], r[12 + l], 0x44),
                    d = _mm512_shuffle_i32x4 (r[8 + l], r[12 + l], 0xee);
      x[l] = _mm512_shuffle_i32x4 (a, c, 0x88);
      x[4 + l] = _mm512_shuffle_i32x4 (a, c, 0xdd);
      x[8 + l] = _mm512_shuffle_i32x4 (b, d, 0x88);
      x[12 + l] = _mm512_shuffle_i32x4 (b, d, 0xdd);
    }
#pragma GCC unroll 16
  for (uint32_t i = 0; i < 16; i++)
    r[i] = x[i];
}

static void
pack_columns (const float *in, size_t stride, uint32_t m, uint32_t k, uint16_t *out)
{
  const uint32_t width = up (k, 32), rows = up (m, 16);
  for (uint32_t i = 0; i < rows; i += 16)
    for (uint32_t q = 0; q < width; q += 32)
      {
        __m512i r[16];
#pragma GCC unroll 16
        for (uint32_t l = 0; l < 16; l++)
          r[l] = pairs_of (in + i, stride, q + 2 * l, k, m - i);
        transpose (r);
#pragma GCC unroll 16
        for (uint32_t l = 0; l < 16; l++)
          _mm512_store_si512 (out + (size_t)(i + l) * width + q, r[l]);
      }
}

/* Byte b of 32 words becomes a vector of bytes, whose highest bits are one row after the other, from its last. */
static void
pack_bit_columns (const uint64_t *words, uint32_t first, uint32_t m, uint32_t k, uint16_t *out)
{
  const uint32_t width = up (k, 32), rows = up (m, 16);
  const __m512i one = _mm512_set1_epi16 (ONE), there = _mm512_set1_epi64 ((long long)cut (UINT64_MAX, 0, m));
  const __m128i shift = _mm_cvtsi32_si128 ((int)first);
  for (uint32_t q = 0; q < width; q += 32)
    {
      __m512i word[4];
      for (uint32_t g = 0; g < 4; g++)
        {
          const uint32_t begin = q + 8 * g, n = begin < k ? k - begin : 0;
          const __mmask8 some_words = (__mmask8)below (n);
          word[g] = _mm512_maskz_loadu_epi64 (some_words, words + MIN (begin, k));
          word[g] = _mm512_and_si512 (_mm512_srl_epi64 (word[g], shift), there);
        }
      for (uint32_t i = 0; i < rows; i += 8)
        {
          _Alignas(32) uint64_t eight[4];
          for (uint32_t g = 0; g < 4; g++)
            {
              _mm_storel_epi64 ((__m128i *)&eight[g], _mm512_cvtepi64_epi8 (word[g]));
              word[g] = _mm512_srli_epi64 (word[g], 8);
            }
          __m256i bytes = _mm256_load_si256 ((const __m256i *)eight);
          for (uint32_t l = 8; l-- > 0; bytes = _mm256_add_epi8 (bytes, bytes))
            _mm512_store_si512 (out + (size_t)(i + l) * width + q,
                                _mm512_maskz_mov_epi16 (_mm256_movepi8_mask (bytes), one));
        }
    }
}

/* ---- AVX-512: a block of rows times vectors of 16 columns, whose sums stay in registers over all segments */

RV_FN void
avx512_block (const uint32_t rows, const uint32_t vectors, uint32_t k, uint32_t n, uint32_t count,
              const uint16_t *const *a, const uint16_t *const *b, uint32_t i, uint32_t j, float *c,
              size_t ldc, gboolean add)
{
  __m512 sum[8][2];
#pragma GCC unroll 8
  for (uint32_t r = 0; r < rows; r++)
#pragma GCC unroll 2
    for (uint32_t v = 0; v < vectors; v++)
      sum[r][v] = add ? _mm512_loadu_ps (c + (i + r) * ldc + j + 16 * v) : _mm512_setzero_ps ();
  for (uint32_t s = 0; s < count; s++)
    {
      const uint16_t *x = a[s] + (size_t)i * k, *y = b[s] + 2 * j;
      for (uint32_t q = 0; q < k; q += 2, y += 2 * n)
        {
          __m512bh column[2];
#pragma GCC unroll 2
          for (uint32_t v = 0; v < vectors; v++)
            column[v] = (__m512bh)_mm512_load_si512 (y + 32 * v);
#pragma GCC unroll 8
          for (uint32_t r = 0; r < rows; r++)
            {
              int32_t pair;
              memcpy (&pair, x + (size_t)r * k + q, sizeof pair);
              const __m512bh row = (__m512bh)_mm512_set1_epi32 (pair);
#pragma GCC unroll 2
              for (uint32_t v = 0; v < vectors; v++)
                sum[r][v] = _mm512_dpbf16_ps (sum[r][v], row, column[v]);
            }
        }
    }
#pragma GCC unroll 8
  for (uint32_t r = 0; r < rows; r++)
#pragma GCC unroll 2
    for (uint32_t v = 0; v < vectors; v++)
      _mm512_storeu_ps (c + (i + r) * ldc + j + 16 * v, sum[r][v]);
}

RV_FN void
avx512_columns (const uint32_t vectors, uint32_t m, uint32_t k, uint32_t n, uint32_t count,
                const uint16_t *const *a, const uint16_t *const *b, uint32_t j, float *c, size_t ldc,
                gboolean add)
{
  uint32_t i = 0;
  for (; i + 8 <= m; i += 8)
    avx512_block (8, vectors, k, n, count, a, b, i, j, c, ldc, add);
  for (; i + 4 <= m; i += 4)
    avx512_block (4, vectors, k, n, count, a, b, i, j, c, ldc, add);
  for (; i < m; i++)
    avx512_block (1, vectors, k, n, count, a, b, i, j, c, ldc, add);
}

static void
avx512_products (uint32_t m, uint32_t k, uint32_t n, uint32_t count, const uint16_t *const *a,
                 const uint16_t *const *b, float *c, size_t ldc, gboolean add)
{
  uint32_t j = 0;
  for (; j + 32 <= n; j += 32)
    avx512_columns (2, m, up (k, 32), n, count, a, b, j, c, ldc, add);
  for (; j < n; j += 16)
    avx512_columns (1, m, up (k, 32), n, count, a, b, j, c, ldc, add);
}

static void
avx512_begin (void)
{
}

const RvBf16 rv_bf16_avx512 = { "avx512",   pack_rows,       pack_bits,    pack_columns, pack_bit_columns,
                                pack_pairs, avx512_products, avx512_begin, avx512_begin };

/* ---- AMX: tiles of 16 rows of 64 bytes; 0 ... 3 are c, 4 and 5 are a, 6 and 7 are b */

/* gcc's tile instructions do not say what memory they read. */
#define WRITTEN() __asm__ volatile("" ::: "memory")

/* c [16 rows][16 columns] (+)= the sum over all segments, from row i of a and column j of b on. */
RV_FN void
amx_block (const uint32_t rows, const uint32_t columns, uint32_t k, uint32_t n, uint32_t count,
           const uint16_t *const *a, const uint16_t *const *b, uint32_t i, uint32_t j, float *c, size_t ldc,
           gboolean add)
{
  const size_t next_a = k * sizeof (uint16_t), next_b = n * 2 * sizeof (uint16_t),
               next_c = ldc * sizeof (float);
  WRITTEN ();
  _tile_zero (0);
  _tile_zero (1);
  _tile_zero (2);
  _tile_zero (3);
  if (add)
    {
      _tile_loadd (0, c, next_c);
      if (columns > 1)
        _tile_loadd (1, c + 16, next_c);
      if (rows > 1)
        _tile_loadd (2, c + 16 * ldc, next_c);
      if (rows > 1 && columns > 1)
        _tile_loadd (3, c + 16 * ldc + 16, next_c);
    }
  for (uint32_t s = 0; s < count; s++)
    {
      const uint16_t *x = a[s] + (size_t)i * k, *y = b[s] + 2 * j;
      for (uint32_t q = 0; q < k; q += 32, x += 32, y += 32 * n)
        {
          _tile_loadd (4, x, next_a);
          _tile_loadd (6, y, next_b);
          _tile_dpbf16ps (0, 4, 6);
          if (columns > 1)
            {
              _tile_loadd (7, y + 32, next_b);
              _tile_dpbf16ps (1, 4, 7);
            }
          if (rows > 1)
            {
              _tile_loadd (5, x + 16 * k, next_a);
              _tile_dpbf16ps (2, 5, 6);
            }
          if (rows > 1 && columns > 1)
            _tile_dpbf16ps (3, 5, 7);
        }
    }
  _tile_stored (0, c, next_c);
  if (columns > 1)
    _tile_stored (1, c + 16, next_c);
  if (rows > 1)
    _tile_stored (2, c + 16 * ldc, next_c);
  if (rows > 1 && columns > 1)
    _tile_stored (3, c + 16 * ldc + 16, next_c);
  WRITTEN ();
}

/* The block at (i, j); where c ends inside its tiles, in a copy. */
RV_FN void
amx_within (const uint32_t rows, const uint32_t columns, uint32_t m, uint32_t k, uint32_t n, uint32_t count,
            const uint16_t *const *a, const uint16_t *const *b, uint32_t i, uint32_t j, float *c, size_t ldc,
            gboolean add)
{
  const uint32_t there = MIN (16 * rows, m - i), width = 16 * columns;
  float *target = c + i * ldc + j;
  if (there == 16 * rows)
    {
      amx_block (rows, columns, k, n, count, a, b, i, j, target, ldc, add);
      return;
    }
  _Alignas(RV_ALIGN) float copy[32 * 32] = { 0 };
  for (uint32_t r = 0; r < there && add; r++)
    memcpy (copy + r * width, target + r * ldc, width * sizeof (float));
  amx_block (rows, columns, k, n, count, a, b, i, j, copy, width, add);
  for (uint32_t r = 0; r < there; r++)
    memcpy (target + r * ldc, copy + r * width, width * sizeof (float));
}

RV_FN void
amx_columns (const uint32_t columns, uint32_t m, uint32_t k, uint32_t n, uint32_t count,
             const uint16_t *const *a, const uint16_t *const *b, uint32_t j, float *c, size_t ldc,
             gboolean add)
{
  uint32_t i = 0;
  for (; i + 16 < m; i += 32)
    amx_within (2, columns, m, k, n, count, a, b, i, j, c, ldc, add);
  if (i < m)
    amx_within (1, columns, m, k, n, count, a, b, i, j, c, ldc, add);
}

static void
amx_products (uint32_t m, uint32_t k, uint32_t n, uint32_t count, const uint16_t *const *a,
              const uint16_t *const *b, float *c, size_t ldc, gboolean add)
{
  uint32_t j = 0;
  for (; j + 32 <= n; j += 32)
    amx_columns (2, m, up (k, 32), n, count, a, b, j, c, ldc, add);
  if (j < n)
    amx_columns (1, m, up (k, 32), n, count, a, b, j, c, ldc, add);
}

static void
amx_begin (void)
{
  static const struct
  {
    uint8_t palette, start, reserved[14];
    uint16_t bytes[16]; /* of a row of each tile */
    uint8_t rows[16];
  } tiles __attribute__ ((aligned (64)))
  = { .palette = 1, .bytes = { 64, 64, 64, 64, 64, 64, 64, 64 }, .rows = { 16, 16, 16, 16, 16, 16, 16, 16 } };
  WRITTEN ();
  _tile_loadconfig (&tiles);
}

static void
amx_end (void)
{
  _tile_release ();
}

const RvBf16 rv_bf16_amx = { "amx",      pack_rows,    pack_bits, pack_columns, pack_bit_columns,
                             pack_pairs, amx_products, amx_begin, amx_end };
