/* Products of bfloat16 operands, for convolutions: half the bytes of a float, and on processors with AMX
 * many times the speed. Which instructions there are is found once; where there are none the caller takes
 * floats. */
#ifndef RV_BF16_H
#define RV_BF16_H

#include <ranvier/base.h>

/* Operands are floats rounded to nearest even (numbers below the normal range become zero, NaN and
 * infinity stay), sums are floats. Packed operands and c are aligned to RV_ALIGN bytes; `in` and `words`
 * may lie anywhere. All are pure functions for any worker, and a row of c is the same bits wherever it
 * stands and whatever m is. */
typedef struct
{
  const char *name; /* "amx" or "avx512": they sum in another order, so that it is part of a model's identity */
  /* Operand A, rows: in [m] rows of k floats, `stride` apart, becomes out [m rounded up to 16][k rounded
   * up to 32], zeros beyond. */
  void (*pack_rows) (const float *in, size_t stride, uint32_t m, uint32_t k, uint16_t *out);
  /* The same from spikes: bits first ... first + k - 1 of words [m] become 0 or 1; first + k <= 64. */
  void (*pack_bits) (const uint64_t *words, uint32_t first, uint32_t m, uint32_t k, uint16_t *out);
  /* Operand A, transposed: in [k] rows of m floats, `stride` apart, becomes out [m rounded up to 16][k
   * rounded up to 32], zeros beyond. */
  void (*pack_columns) (const float *in, size_t stride, uint32_t m, uint32_t k, uint16_t *out);
  /* The same from spikes: bits first ... first + m - 1 of words [k]; first + m <= 64. */
  void (*pack_bit_columns) (const uint64_t *words, uint32_t first, uint32_t m, uint32_t k, uint16_t *out);
  /* Operand B: in [k] rows of n floats, `stride` apart, becomes pairs of rows, out [k rounded up to 32, /
   * 2][n rounded up to 16][2], zeros beyond. */
  void (*pack_pairs) (const float *in, size_t stride, uint32_t k, uint32_t n, uint16_t *out);
  /* c [m][n] (+)= sum over s < count of a[s] b[s]; n is a multiple of 16; rows of c lie `ldc` floats
   * apart, and none beyond m is touched. */
  void (*products) (uint32_t m, uint32_t k, uint32_t n, uint32_t count, const uint16_t *const *a,
                    const uint16_t *const *b, float *c, size_t ldc, gboolean add);
  /* A worker calls them before and after a series of products: while it holds AMX's tiles, each switch to
   * another thread saves 8 KiB more. */
  void (*begin) (void);
  void (*end) (void);
} RvBf16;

/* The best there is, or NULL: the processor, the system or the compiler knows none, or RANVIER_ISA is
 * below v4. Any worker. */
const RvBf16 *rv_bf16 (void);

/* A kind of its own, for tests; NULL where it can not run. Any worker. */
enum
{
  RV_BF16_AMX,
  RV_BF16_AVX512,
  RV_BF16_COUNT
};
const RvBf16 *rv_bf16_kind (int kind);

/* In bf16-x86.c, which is built where the compiler knows the instructions. */
extern const RvBf16 rv_bf16_amx, rv_bf16_avx512;

#endif
