/** @file
 * Elementary functions that a compiler can vectorise inside kernels, without -ffast-math. Any worker. */
#ifndef RANVIER_MATH_H
#define RANVIER_MATH_H

#include <math.h>
#include <ranvier/base.h>

/** exp (x) within 2 units in the last place for -87 < x < 88; clamped outside. Cody-Waite reduction to |r|
 * < ln 2 / 2 and a polynomial of degree 6 (minimax for 1 and r given, 0.04 units). NaN stays NaN: the
 * comparisons let it pass. */
RV_FN float
rv_exp (float x)
{
  float c = x > 88.0f ? 88.0f : x;
  c = c < -87.0f ? -87.0f : c;
  union
  {
    float f;
    uint32_t i;
  } shifted, scale;
  shifted.f = c * 1.44269504f + 12582912.0f; /* 1.5 * 2^23 rounds to the nearest integer */
  float n = shifted.f - 12582912.0f;
  float r = (c - n * 0.693359375f) + n * 2.12194440e-4f;
  float p = 1.37894868e-3f;
  p = p * r + 8.36867187e-3f;
  p = p * r + 4.16688882e-2f;
  p = p * r + 1.66665211e-1f;
  p = p * r + 4.99999911e-1f;
  p = p * r * r + r + 1.0f;
  scale.i = (shifted.i << 23) + 0x3f800000u; /* n stands in the last bits: 2^n */
  return p * scale.f;
}

/** 1 / (1 + exp (-x)) */
RV_FN float
rv_sigmoid (float x)
{
  /* rv_exp stays finite: no infinity on the way, and NaN stays NaN */
  return 1.0f / (1.0f + rv_exp (-x));
}

/** tanh (x) within 2 units in the last place: near zero an odd polynomial (minimax on |x| < 0.6),
 * elsewhere 1 - 2 / (exp (2 |x|) + 1) with the sign of x. NaN stays NaN. */
RV_FN float
rv_tanh (float x)
{
  const float a = fabsf (x), y = x * x;
  float p = -5.89510845e-3f;
  p = p * y + 2.0795932e-2f;
  p = p * y - 5.37838191e-2f;
  p = p * y + 1.33319244e-1f;
  p = p * y - 3.33332986e-1f;
  const float far = 1.0f - 2.0f / (rv_exp (2.0f * a) + 1.0f);
  return a < 0.6f ? x + x * (y * p) : x < 0.0f ? -far : far;
}

#endif
