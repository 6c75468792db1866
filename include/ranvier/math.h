/* Elementary functions that a compiler can vectorise inside kernels, without -ffast-math. Any worker. */
#ifndef RANVIER_MATH_H
#define RANVIER_MATH_H

#include <math.h>
#include <ranvier/base.h>

/* exp (x) within 2 units in the last place for -87 < x < 88; clamped outside. Cody-Waite reduction and a
 * polynomial of degree 6 (coefficients after Cephes, S. Moshier). NaN stays NaN. */
RV_FN float
rv_exp (float x)
{
  float c = x > 88.0f ? 88.0f : x;
  c = c < -87.0f ? -87.0f : c;
  float shifted = c * 1.44269504f + 12582912.0f; /* 1.5 * 2^23 rounds to the nearest integer */
  float n = shifted - 12582912.0f;
  float r = (c - n * 0.693359375f) + n * 2.12194440e-4f;
  float p = 1.9875691500e-4f;
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  p = p * r * r + r + 1.0f;
  union { float f; int32_t i; } scale;
  scale.i = ((int32_t) n + 127) << 23;
  return x != x ? x : p * scale.f;
}

/* 1 / (1 + exp (-x)) */
RV_FN float
rv_sigmoid (float x)
{
  return 1.0f / (1.0f + rv_exp (-x));
}

#endif
