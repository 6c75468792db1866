/* What tests of inner loops share: numbers, guarded matrices of them, and sums by plain loops in doubles that
 * tell how far a sum in floats may be off. */
#ifndef TEST_PLAIN_H
#define TEST_PLAIN_H

#include "guarded.h"
#include <math.h>
#include <ranvier/ranvier.h>

/* A number in [-1, 1) that depends on k only. */
static inline float
noise (uint64_t k)
{
  return 2.0f * rv_stream_uniform (rv_stream_new (11, "", "kernels", ""), k) - 1.0f;
}

/* Rows of `width` numbers, `stride` apart; what lies between stays canaries. */
static inline Array
matrix_new (uint32_t rows, uint32_t width, size_t stride, uint64_t seed)
{
  Array array = array_new (rows ? (rows - 1) * stride + width : 0);
  for (uint32_t r = 0; r < rows; r++)
    for (uint32_t j = 0; j < width; j++)
      array.f[r * stride + j] = noise (seed * 100003 + r * 1009 + j);
  return array;
}

/* What a plain loop found, and how large the terms of its sum were. */
typedef struct
{
  double sum, size;
  uint32_t terms;
} Plain;

static inline void
plain_add (Plain *plain, double term)
{
  plain->sum += term;
  plain->size += fabs (term);
  plain->terms++;
}

static double worst; /* deviation, in roundings of the largest sum */

static inline void
assert_plain (float found, const Plain *plain, const char *what)
{
  if (isnan (plain->sum) != isnan (found))
    g_error ("%s: %g is not %g", what, found, plain->sum);
  const double unit = 0x1p-24 * plain->size, d = fabs (found - plain->sum);
  if (isnan (found))
    return;
  if (!(d <= (plain->terms + 1) * unit))
    g_error ("%s: %.9g is not %.9g", what, found, plain->sum);
  worst = fmax (worst, unit > 0.0 ? d / unit : 0.0);
}

#endif
