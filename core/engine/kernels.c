/* The inner loops of projections. Built once per instruction set; RV_KERNELS names the table. Vectors are the
 * compiler's own, as wide as the set allows, so that sums stay in registers. */
#include "engine/kernels.h"

#if defined(__AVX512F__)
#define VW 16
#elif defined(__AVX2__)
#define VW 8
#else
#define VW 4
#endif
/* Rows of a block of two vectors of columns: as many sums as the registers hold. */
#ifdef __AVX512F__
#define TALL 8
#else
#define TALL 4
#endif
#ifdef __AVX2__
#include <immintrin.h>
#endif

#define RV_PIECE 6144 /* floats of a piece of a matrix that stays in the first cache */

typedef float Vector __attribute__ ((vector_size (VW * 4), aligned (4), may_alias));

/* sum + a x in one rounding where the set has it: said here, never left to the compiler's choice. */
RV_FN Vector
fused (Vector sum, Vector x, float a)
{
#if defined(__AVX512F__)
  return (Vector)_mm512_fmadd_ps ((__m512)x, _mm512_set1_ps (a), (__m512)sum);
#elif defined(__FMA__)
  return (Vector)_mm256_fmadd_ps ((__m256)x, _mm256_set1_ps (a), (__m256)sum);
#else
  return sum + x * a;
#endif
}

RV_FN Vector
term (Vector sum, Vector x, const float *values, uint32_t e)
{
  if (values)
    return fused (sum, x, values[e]);
  return sum + x;
}

/* sum += rows of x at ids[e] ... ids[end - 1], each times its value. Rows of one or two vectors would wait for
 * the adder: they have a second sum, for the terms of odd places. */
RV_FN void
sum_rows (Vector *sum, const uint32_t nv, const float *x, const uint32_t *ids, const float *values,
          uint32_t e, uint32_t end)
{
  const uint32_t w = nv * VW;
  Vector odd[2] = { { 0 }, { 0 } };
  for (; nv <= 2 && e + 1 < end; e += 2)
    {
      const float *a = x + (size_t)ids[e] * w, *b = x + (size_t)ids[e + 1] * w;
#pragma GCC unroll 2
      for (uint32_t v = 0; v < nv; v++)
        {
          sum[v] = term (sum[v], *(const Vector *)(a + v * VW), values, e);
          odd[v] = term (odd[v], *(const Vector *)(b + v * VW), values, e + 1);
        }
    }
  for (; e < end; e++)
    {
      const float *a = x + (size_t)ids[e] * w;
#pragma GCC unroll 16
      for (uint32_t v = 0; v < nv; v++)
        sum[v] = term (sum[v], *(const Vector *)(a + v * VW), values, e);
    }
  for (uint32_t v = 0; nv <= 2 && v < nv; v++)
    sum[v] += odd[v];
}

RV_FN void
gather_width (const float *weight, const uint32_t w, const uint32_t *offsets, const uint32_t *ids,
              const float *values, uint32_t rows, const float *bias, float *out, size_t stride)
{
  const uint32_t nv = w / VW;
  for (uint32_t r = 0; r < rows; r++)
    {
      float *row = out + r * stride;
      const float *first = bias ? bias : row;
      Vector sum[RV_PANEL / VW];
#pragma GCC unroll 16
      for (uint32_t v = 0; v < nv; v++)
        sum[v] = *(const Vector *)(first + v * VW);
      sum_rows (sum, nv, weight, ids, values, offsets[r], offsets[r + 1]);
#pragma GCC unroll 16
      for (uint32_t v = 0; v < nv; v++)
        *(Vector *)(row + v * VW) = sum[v];
    }
}

/* Rows narrower than a vector. */
RV_FN void
gather_narrow (const float *weight, const uint32_t w, const uint32_t *offsets, const uint32_t *ids,
               const float *values, uint32_t rows, const float *bias, float *out, size_t stride)
{
  for (uint32_t r = 0; r < rows; r++)
    {
      float *row = out + r * stride, sum[16];
      const float *first = bias ? bias : row;
      for (uint32_t j = 0; j < w; j++)
        sum[j] = first[j];
      for (uint32_t e = offsets[r]; e < offsets[r + 1]; e++)
        for (uint32_t j = 0; j < w; j++)
          sum[j] += weight[(size_t)ids[e] * w + j] * (values ? values[e] : 1.0f);
      for (uint32_t j = 0; j < w; j++)
        row[j] = sum[j];
    }
}

static void
gather (const float *weight, uint32_t width, const uint32_t *offsets, const uint32_t *ids,
        const float *values, uint32_t rows, const float *bias, float *out, size_t stride)
{
#define RV_CASE(W)                                                                                           \
  case W:                                                                                                    \
    if (values)                                                                                              \
      gather_width (weight, W, offsets, ids, values, rows, bias, out, stride);                               \
    else                                                                                                     \
      gather_width (weight, W, offsets, ids, NULL, rows, bias, out, stride);                                 \
    break;
  switch (width)
    {
      RV_CASE (16)
      RV_CASE (32)
      RV_CASE (48)
      RV_CASE (64)
    case 1:
      gather_narrow (weight, 1, offsets, ids, values, rows, bias, out, stride);
      break;
    case 2:
      gather_narrow (weight, 2, offsets, ids, values, rows, bias, out, stride);
      break;
    case 4:
      gather_narrow (weight, 4, offsets, ids, values, rows, bias, out, stride);
      break;
    case 8:
      gather_narrow (weight, 8, offsets, ids, values, rows, bias, out, stride);
      break;
    default:
      gather_narrow (weight, width, offsets, ids, values, rows, bias, out, stride);
    }
#undef RV_CASE
}

RV_FN int
is_zero (const float *g, const uint32_t w)
{
  float any = 0.0f;
  for (uint32_t j = 0; j < w; j++)
    any = g[j] != 0.0f ? 1.0f : any; /* NaN counts as not zero */
  return any == 0.0f;
}

RV_FN void
scatter_width (float *gradient, const uint32_t w, const uint32_t *offsets, const uint32_t *ids,
               const float *values, uint32_t rows, const float *g, size_t stride)
{
  for (uint32_t r = 0; r < rows; r++)
    {
      const float *row = g + r * stride;
      if (offsets[r] == offsets[r + 1] || is_zero (row, w))
        continue;
      for (uint32_t e = offsets[r]; e < offsets[r + 1]; e++)
        {
          float *target = gradient + (size_t)ids[e] * w;
          uint32_t j = 0;
          for (; w % 16 == 0 && j + VW <= w; j += VW) /* as `collect` does it */
            {
              Vector *sum = (Vector *)(target + j);
              const Vector x = *(const Vector *)(row + j);
              if (values)
                *sum = fused (*sum, x, values[e]);
              else
                *sum += x;
            }
          for (; j < w; j++)
            target[j] += values ? values[e] * row[j] : row[j];
        }
    }
}

static void
scatter (float *gradient, uint32_t width, const uint32_t *offsets, const uint32_t *ids, const float *values,
         uint32_t rows, const float *g, size_t stride)
{
#define RV_CASE(W)                                                                                           \
  case W:                                                                                                    \
    if (values)                                                                                              \
      scatter_width (gradient, W, offsets, ids, values, rows, g, stride);                                    \
    else                                                                                                     \
      scatter_width (gradient, W, offsets, ids, NULL, rows, g, stride);                                      \
    break;
  switch (width)
    {
      RV_CASE (1)
      RV_CASE (2)
      RV_CASE (4)
      RV_CASE (8)
      RV_CASE (16)
      RV_CASE (32)
      RV_CASE (48)
      RV_CASE (64)
    default:
      scatter_width (gradient, width, offsets, ids, values, rows, g, stride);
    }
#undef RV_CASE
}

RV_FN void
collect_width (float *gradient, const uint32_t w, uint32_t inputs, const uint32_t *starts,
               const uint32_t *rows, const float *values, const float *g)
{
  const uint32_t nv = w / VW;
  for (uint32_t id = 0; id < inputs; id++)
    {
      const uint32_t end = starts[id + 1];
      if (starts[id] == end)
        continue;
      float *target = gradient + (size_t)id * w;
      Vector sum[RV_PANEL / VW];
#pragma GCC unroll 16
      for (uint32_t v = 0; v < nv; v++)
        sum[v] = *(const Vector *)(target + v * VW);
      sum_rows (sum, nv, g, rows, values, starts[id], end);
#pragma GCC unroll 16
      for (uint32_t v = 0; v < nv; v++)
        *(Vector *)(target + v * VW) = sum[v];
    }
}

/* Rows narrower than a vector, or not a multiple of 16. */
RV_FN void
collect_narrow (float *gradient, const uint32_t w, uint32_t inputs, const uint32_t *starts,
                const uint32_t *rows, const float *values, const float *g)
{
  for (uint32_t id = 0; id < inputs; id++)
    for (uint32_t e = starts[id]; e < starts[id + 1]; e++)
      for (uint32_t j = 0; j < w; j++)
        gradient[(size_t)id * w + j] += g[(size_t)rows[e] * w + j] * (values ? values[e] : 1.0f);
}

static void
collect (float *gradient, uint32_t width, uint32_t inputs, const uint32_t *starts, const uint32_t *rows,
         const float *values, const float *g)
{
#define RV_CASE(W)                                                                                           \
  case W:                                                                                                    \
    if (values)                                                                                              \
      collect_width (gradient, W, inputs, starts, rows, values, g);                                          \
    else                                                                                                     \
      collect_width (gradient, W, inputs, starts, rows, NULL, g);                                            \
    break;
  switch (width)
    {
      RV_CASE (16)
      RV_CASE (32)
      RV_CASE (48)
      RV_CASE (64)
    default:
      collect_narrow (gradient, width, inputs, starts, rows, values, g);
    }
#undef RV_CASE
}

/* Four sums in turn, so that none waits for the adder, and as many rows at once as a vector holds. */
static void
add_rows (float *sum, const float *rows, uint32_t n, size_t stride, uint32_t width)
{
  const uint32_t at_once = width < VW && stride == width && VW % width == 0 ? VW / width : 1;
  const uint32_t wide = at_once * width;
  uint32_t j = 0;
  for (; j + VW <= wide; j += VW)
    {
      Vector part[4] = { { 0 } };
      uint32_t r = 0;
      for (; r + 4 * at_once <= n; r += 4 * at_once)
#pragma GCC unroll 4
        for (uint32_t k = 0; k < 4; k++)
          part[k] += *(const Vector *)(rows + (r + k * at_once) * stride + j);
      for (; r + at_once <= n; r += at_once)
        part[0] += *(const Vector *)(rows + r * stride + j);
      const Vector all = (part[0] + part[1]) + (part[2] + part[3]);
      for (uint32_t l = 0; l < VW; l++)
        sum[(j + l) % width] += all[l];
      for (; r < n; r++)
        for (uint32_t l = 0; l < width; l++)
          sum[l] += rows[r * stride + l];
    }
  for (; j < width && at_once == 1; j++)
    for (uint32_t r = 0; r < n; r++)
      sum[j] += rows[r * stride + j];
}

/* ---- few units below few: spikes as bits, a lane for each row or unit, no branches */

typedef int32_t Lanes __attribute__ ((vector_size (VW * 4), aligned (4), may_alias));

static void
gather_bits (const float *weight, uint32_t width, uint32_t inputs, const uint64_t *bits, uint32_t rows,
             const float *bias, float *out)
{
  for (uint32_t r = 0; r < rows; r += VW)
    {
      const uint32_t n = MIN (VW, rows - r);
      Lanes word = { 0 };
      Vector sum[RV_NARROW];
      for (uint32_t l = 0; l < n; l++)
        word[l] = (int32_t)bits[r + l];
      for (uint32_t c = 0; c < width; c++)
        sum[c] = (Vector){ 0 } + bias[c];
      for (uint32_t j = 0; j < inputs; j++)
        {
          const Lanes fired = (word & (int32_t)(1u << j)) != 0;
          for (uint32_t c = 0; c < width; c++)
            sum[c] += (Vector)((Lanes)((Vector){ 0 } + weight[j * width + c]) & fired);
        }
      for (uint32_t l = 0; l < n; l++)
        for (uint32_t c = 0; c < width; c++)
          out[(r + l) * width + c] = sum[c][l];
    }
}

/* Units first ... first + VW - 1. */
RV_FN void
scatter_bits_lanes (float *gradient, const uint32_t width, uint32_t first, uint32_t inputs,
                    const uint64_t *bits, uint32_t rows, const float *g)
{
  Vector sum[2][RV_NARROW] = { { { 0 } } }; /* of even and odd rows */
  Lanes bit;
  for (uint32_t l = 0; l < VW; l++)
    bit[l] = (int32_t)(first + l < 32 ? 1u << (first + l) : 0);
  for (uint32_t r = 0; r < rows; r++)
    {
      const Lanes fired = (bit & (int32_t)bits[r]) != 0;
#pragma GCC unroll 4
      for (uint32_t c = 0; c < width; c++)
        sum[r & 1][c] += (Vector)((Lanes)((Vector){ 0 } + g[r * width + c]) & fired);
    }
  for (uint32_t l = 0; l < VW && first + l < inputs; l++)
    for (uint32_t c = 0; c < width; c++)
      gradient[(first + l) * width + c] += sum[0][c][l] + sum[1][c][l];
}

static void
scatter_bits (float *gradient, uint32_t width, uint32_t inputs, const uint64_t *bits, uint32_t rows,
              const float *g)
{
  for (uint32_t first = 0; first < inputs; first += VW)
    if (width == 1)
      scatter_bits_lanes (gradient, 1, first, inputs, bits, rows, g);
    else if (width == 2)
      scatter_bits_lanes (gradient, 2, first, inputs, bits, rows, g);
    else
      scatter_bits_lanes (gradient, 4, first, inputs, bits, rows, g);
}

static void
list (const uint64_t *bits, uint32_t panels, size_t apart, uint32_t units, uint32_t rows, uint32_t *ids,
      uint32_t *offsets)
{
  uint32_t count = offsets[0];
  for (uint32_t r = 0; r < rows; r++)
    {
      for (uint32_t k = 0; k < panels; k++)
        {
          const uint64_t word = bits[k * apart + r];
#ifdef __AVX512F__
          const __m512i at = _mm512_setr_epi32 (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
          for (uint32_t l = 0; l < RV_PANEL && k * RV_PANEL + l < units; l += 16)
            {
              const __mmask16 some = (__mmask16)(word >> l);
              const __m512i id = _mm512_add_epi32 (at, _mm512_set1_epi32 ((int)(k * RV_PANEL + l)));
              _mm512_storeu_si512 (ids + count, _mm512_maskz_compress_epi32 (some, id));
              count += (uint32_t)__builtin_popcount (some);
            }
#else
          for (uint64_t left = word; left; left &= left - 1)
            ids[count++] = k * RV_PANEL + (uint32_t)__builtin_ctzll (left);
#endif
        }
      offsets[r + 1] = count;
    }
}

/* A block of `mr` rows and `nv` vectors of columns, kept in registers over k. Element (i, q) of a lies at i * down +
 * q * along. */
RV_FN void
product_block (const uint32_t mr, const uint32_t nv, uint32_t k, const float *a, size_t down, size_t along,
               const float *b, size_t ldb, float *c, size_t ldc, gboolean add)
{
  Vector sum[8][2] = { 0 };
  if (add)
    for (uint32_t i = 0; i < mr; i++)
      for (uint32_t v = 0; v < nv; v++)
        sum[i][v] = *(const Vector *)(c + i * ldc + v * VW);
  for (uint32_t q = 0; q < k; q++)
    {
      Vector row[2];
      for (uint32_t v = 0; v < nv; v++)
        row[v] = *(const Vector *)(b + q * ldb + v * VW);
#pragma GCC unroll 8
      for (uint32_t i = 0; i < mr; i++)
#pragma GCC unroll 2
        for (uint32_t v = 0; v < nv; v++)
          sum[i][v] = fused (sum[i][v], row[v], a[i * down + q * along]);
    }
  for (uint32_t i = 0; i < mr; i++)
    for (uint32_t v = 0; v < nv; v++)
      *(Vector *)(c + i * ldc + v * VW) = sum[i][v];
}

/* All rows of `nv` vectors of columns, one piece of b that fits the first cache after the other. Each element is a
 * sum in the order of k, whatever the block and the piece. */
RV_FN void
product_columns (const uint32_t mr, const uint32_t nv, uint32_t m, uint32_t k, const float *a, size_t down,
                 size_t along, const float *b, size_t ldb, float *c, size_t ldc, gboolean add)
{
  const uint32_t piece = RV_PIECE / (nv * VW);
  uint32_t q = 0;
  do
    {
      const uint32_t n = MIN (piece, k - q);
      const float *x = a + q * along, *y = b + q * ldb;
      uint32_t i = 0;
      for (; i + mr <= m; i += mr)
        product_block (mr, nv, n, x + i * down, down, along, y, ldb, c + i * ldc, ldc, add || q > 0);
      for (; mr > 4 && i + 4 <= m; i += 4)
        product_block (4, nv, n, x + i * down, down, along, y, ldb, c + i * ldc, ldc, add || q > 0);
      for (; i + 2 <= m; i += 2)
        product_block (2, nv, n, x + i * down, down, along, y, ldb, c + i * ldc, ldc, add || q > 0);
      for (; i < m; i++)
        product_block (1, nv, n, x + i * down, down, along, y, ldb, c + i * ldc, ldc, add || q > 0);
      q += n;
    }
  while (q < k);
}

RV_FN void
product_any (uint32_t m, uint32_t k, uint32_t n, const float *a, size_t down, size_t along, const float *b,
             size_t ldb, float *c, size_t ldc, gboolean add)
{
  uint32_t j = 0;
  for (; j + 2 * VW <= n; j += 2 * VW)
    product_columns (TALL, 2, m, k, a, down, along, b + j, ldb, c + j, ldc, add);
  for (; j + VW <= n; j += VW)
    product_columns (8, 1, m, k, a, down, along, b + j, ldb, c + j, ldc, add);
  for (uint32_t i = 0; i < m && j < n; i++)
    {
      float *row = c + i * ldc;
      if (!add)
        for (uint32_t q = j; q < n; q++)
          row[q] = 0.0f;
      for (uint32_t q = 0; q < k; q++)
        {
          const float x = a[i * down + q * along];
          const float *w = b + q * ldb;
#pragma omp simd
          for (uint32_t l = j; l < n; l++)
            row[l] += x * w[l];
        }
    }
}

static void
product (uint32_t m, uint32_t k, uint32_t n, const float *a, size_t lda, const float *b, size_t ldb, float *c,
         size_t ldc, gboolean add)
{
  product_any (m, k, n, a, lda, 1, b, ldb, c, ldc, add);
}

static void
product_adjoint (uint32_t m, uint32_t k, uint32_t n, const float *a, size_t lda, const float *g, size_t ldg,
                 float *c, size_t ldc)
{
  for (uint32_t i = 0; i < m; i += 128) /* as many rows of g as the first cache holds; no sum changes */
    product_any (k, MIN (128, m - i), n, a + i * lda, 1, lda, g + i * ldg, ldg, c, ldc, TRUE);
}

static void
fired (const float *z, uint32_t width, uint32_t rows, uint32_t units, uint64_t *bits)
{
  const uint64_t there = units >= 64 ? UINT64_MAX : (UINT64_C (1) << units) - 1;
  for (uint32_t r = 0; r < rows; r++)
    {
      const float *row = z + (size_t)r * width;
      uint64_t word = 0;
      uint32_t k = 0;
#if defined(__AVX512F__)
      for (; k + VW <= width; k += VW)
        word |= (uint64_t)_mm512_cmp_ps_mask (_mm512_loadu_ps (row + k), _mm512_setzero_ps (), _CMP_GT_OQ)
                << k;
#elif defined(__AVX2__)
      for (; k + VW <= width; k += VW)
        word |= (uint64_t)(uint32_t)_mm256_movemask_ps (
                    _mm256_cmp_ps (_mm256_loadu_ps (row + k), _mm256_setzero_ps (), _CMP_GT_OQ))
                << k;
#endif
      for (; k < width; k++)
        word |= (uint64_t)(row[k] > 0.0f) << k;
      bits[r] = word & there;
    }
}

static void
mark (const float *z, uint32_t width, uint32_t rows, float *out, size_t stride)
{
  for (uint32_t r = 0; r < rows; r++)
    {
      const float *row = z + (size_t)r * width;
      float *to = out + r * stride;
#pragma omp simd
      for (uint32_t k = 0; k < width; k++)
        to[k] = row[k] > 0.0f ? 1.0f : 0.0f;
    }
}

/* ---- pieces of a grid */

static uint64_t
low_bits (uint32_t k)
{
  return k >= 64 ? UINT64_MAX : (UINT64_C (1) << k) - 1;
}

static void
expand (const uint64_t *words, uint32_t shift, uint32_t k, uint32_t rows, float *out, size_t stride)
{
  for (uint32_t r = 0; r < rows; r++)
    {
      const uint64_t word = words[r] >> shift;
      float *to = out + r * stride;
      uint32_t j = 0;
#ifdef __AVX512F__
      for (; j + VW <= k; j += VW)
        _mm512_storeu_ps (to + j, _mm512_maskz_mov_ps ((__mmask16)(word >> j), _mm512_set1_ps (1.0f)));
#endif
      for (; j < k; j++)
        to[j] = (float)(word >> j & 1);
    }
}

RV_FN void
gather_words_width (const float *weight, const uint32_t w, const uint64_t *words, uint32_t shift,
                    uint64_t mask, uint32_t rows, float *out, size_t stride)
{
  const uint32_t nv = w / VW;
  for (uint32_t r = 0; r < rows; r++)
    {
      uint64_t word = words[r] >> shift & mask;
      float *to = out + r * stride;
      Vector sum[RV_PANEL / VW];
      if (!word)
        continue;
#pragma GCC unroll 16
      for (uint32_t v = 0; v < nv; v++)
        sum[v] = *(const Vector *)(to + v * VW);
      do
        {
          const float *x = weight + (size_t)__builtin_ctzll (word) * w;
          word &= word - 1;
#pragma GCC unroll 16
          for (uint32_t v = 0; v < nv; v++)
            sum[v] += *(const Vector *)(x + v * VW);
        }
      while (word);
#pragma GCC unroll 16
      for (uint32_t v = 0; v < nv; v++)
        *(Vector *)(to + v * VW) = sum[v];
    }
}

static void
gather_words (const float *weight, uint32_t width, const uint64_t *words, uint32_t shift, uint32_t k,
              uint32_t rows, float *out, size_t stride)
{
  const uint64_t mask = low_bits (k);
  switch (width)
    {
    case 16:
      gather_words_width (weight, 16, words, shift, mask, rows, out, stride);
      break;
    case 32:
      gather_words_width (weight, 32, words, shift, mask, rows, out, stride);
      break;
    case 48:
      gather_words_width (weight, 48, words, shift, mask, rows, out, stride);
      break;
    case 64:
      gather_words_width (weight, 64, words, shift, mask, rows, out, stride);
      break;
    default:
      for (uint32_t r = 0; r < rows; r++)
        for (uint64_t word = words[r] >> shift & mask; word; word &= word - 1)
          for (uint32_t j = 0; j < width; j++)
            out[r * stride + j] += weight[(size_t)__builtin_ctzll (word) * width + j];
    }
}

RV_FN void
collect_words_width (float *gradient, const uint32_t w, const uint64_t *words, uint32_t k, uint32_t rows,
                     const float *g, size_t stride)
{
  const uint32_t nv = w / VW, parts = (rows + 63) / 64;
  for (uint32_t c = 0; c < k; c++)
    {
      float *to = gradient + (size_t)c * w;
      Vector sum[RV_PANEL / VW];
#pragma GCC unroll 16
      for (uint32_t v = 0; v < nv; v++)
        sum[v] = *(const Vector *)(to + v * VW);
      for (uint32_t part = 0; part < parts; part++)
        for (uint64_t word = words[c * parts + part]; word; word &= word - 1)
          {
            const float *x = g + (part * 64 + (size_t)__builtin_ctzll (word)) * stride;
#pragma GCC unroll 16
            for (uint32_t v = 0; v < nv; v++)
              sum[v] += *(const Vector *)(x + v * VW);
          }
#pragma GCC unroll 16
      for (uint32_t v = 0; v < nv; v++)
        *(Vector *)(to + v * VW) = sum[v];
    }
}

static void
collect_words (float *gradient, uint32_t width, const uint64_t *words, uint32_t k, uint32_t rows,
               const float *g, size_t stride)
{
  const uint32_t parts = (rows + 63) / 64;
  switch (width)
    {
    case 16:
      collect_words_width (gradient, 16, words, k, rows, g, stride);
      break;
    case 32:
      collect_words_width (gradient, 32, words, k, rows, g, stride);
      break;
    case 48:
      collect_words_width (gradient, 48, words, k, rows, g, stride);
      break;
    case 64:
      collect_words_width (gradient, 64, words, k, rows, g, stride);
      break;
    default:
      for (uint32_t c = 0; c < k * parts; c++)
        for (uint64_t word = words[c]; word; word &= word - 1)
          for (uint32_t j = 0; j < width; j++)
            gradient[(size_t)(c / parts) * width + j]
                += g[(c % parts * 64 + (size_t)__builtin_ctzll (word)) * stride + j];
    }
}

static void
add_where (uint64_t where, const float *g, uint32_t width, float *to)
{
  uint32_t j = 0;
#ifdef __AVX512F__
  for (; j + VW <= width; j += VW)
    {
      const __mmask16 some = (__mmask16)(where >> j);
      const __m512 sum = _mm512_loadu_ps (to + j);
      _mm512_storeu_ps (to + j, _mm512_mask_add_ps (sum, some, sum, _mm512_loadu_ps (g + j)));
    }
#endif
  for (; j < width; j++)
    to[j] += where >> j & 1 ? g[j] : 0.0f;
}

static double
spin (uint32_t times, float *out)
{
  enum
  {
    CHAINS = VW == 4 ? 8 : 12
  };
  Vector sum[CHAINS] = { { 0 } };
  const Vector x = sum[0] + out[0];
  for (uint32_t k = 0; k < CHAINS; k++)
    sum[k] = x + (float)k; /* or they would all be one */
  const float a = 0.5f + out[1];
  for (uint32_t t = 0; t < times; t++)
#pragma GCC unroll 12
    for (uint32_t k = 0; k < CHAINS; k++)
      sum[k] = fused (x, sum[k], a);
  for (uint32_t k = 0; k < CHAINS; k++)
    out[2] += sum[k][0];
  return 2.0 * times * CHAINS * VW;
}

const RvKernels RV_KERNELS
    = { gather,          scatter, collect, gather_bits, scatter_bits, list,          add_rows,  product,
        product_adjoint, fired,   mark,    expand,      gather_words, collect_words, add_where, spin };
