/* Multi-Gaussian surrogate: a narrow Gaussian minus two wide ones, so that the slope is negative far away. */
#include <ranvier/ranvier.h>

typedef struct
{
  double width;
  double height_factor;
  double scale;
  double gain;
} Self;

/* The integral of the standard normal density up to x. */
static double
normal_below (double x)
{
  return 0.5 * erfc (-x * G_SQRT2 / 2.0);
}

static const RvParam params[] = {
  RV_REAL (Self, width, "0.5", 1e-6, 1e6, "", "standard deviation sigma of the narrow Gaussian"),
  RV_REAL (Self, height_factor, "0.15", 0, 1e3, "", "h: weight of each wide Gaussian"),
  RV_REAL (Self, scale, "6", 1e-3, 1e6, "", "standard deviation of the wide Gaussians, in sigmas"),
  RV_REAL (Self, gain, "0.5", 0, 1e6, "", "factor on the whole"),
  RV_PARAM_END
};

enum
{
  AT_ONCE = 64
};
#define NEAR (-2.0f)

/* As published, scale 6: exp (-36 y) = exp (-y)^36, within 2e-6 of the peak. Down to x = NEAR, |z| = 2 s,
 * a polynomial does without the steps that rv_exp takes for any argument: minimax with a relative error of
 * 1.5e-8 down to -0.5, where the narrow Gaussian ends, and of 1.5e-6 beyond. `near` says that no z needs
 * more. */
RV_FN void
slope_of_six (const float *z, float *h, uint32_t n, const int near, float wide, float square, float most, float centre,
              float sides)
{
#pragma omp simd
  for (uint32_t i = 0; i < n; i++)
    {
      float q = z[i] * z[i], y = square * q, x = wide * q;
      float p = 7.99494683e-3f + x * (1.12296971e-3f + x * 8.5161113e-5f);
      float e = 1.0f + x * (0.99999919f + x * (0.499985765f + x * (0.166581973f + x * (0.0414321902f + x * p))));
      if (!near)
        {
          float far = rv_exp (x);
          e = x >= NEAR ? e : far;
          y = y > most ? most : y;
        }
      float cosh_u = 1.0f + y * (0.5f + y * (1.0f / 24.0f + y * (1.0f / 720.0f)));
      float e2 = e * e, e4 = e2 * e2, e8 = e4 * e4, e16 = e8 * e8;
      h[i] = centre * (e16 * e16 * e4) - sides * (e * cosh_u);
    }
}

/* slope (z) = gain [(1 + h) N (z; 0, sigma) - h N (z; sigma, s) - h N (z; -sigma, s)], s = scale sigma,
 * with N the density of a normal distribution (Yin et al. 2021). The hottest loop of a network of few
 * inputs, so the wide Gaussians share an exponential: their sum is 2 N (0; sigma, s) exp (-z^2 / (2 s^2))
 * cosh (u), u = z sigma / s^2 = (z / s) / scale. From scale = 4 on, four terms of the series of cosh do:
 * what they leave out is below 3e-8 once multiplied by the exponential. Past |z| = 7 s, where all of it is
 * below 1e-8, u^2 stays as it is, so that nothing overflows. */
RV_FN void
slope (const void *data, const float *z, float *h, uint32_t n)
{
  const Self *self = data;
  const double sigma = self->width;
  const double s = self->scale * sigma;
  const float shift = (float) sigma;
  const float narrow = (float) (-0.5 / (sigma * sigma));
  const float wide = (float) (-0.5 / (s * s));
  const double density = self->gain / sqrt (2.0 * G_PI);
  const float centre = (float) (density * (1.0 + self->height_factor) / sigma);
  const float side = (float) (density * self->height_factor / s);
  if (self->scale < 4.0)
    {
#pragma omp simd
      for (uint32_t i = 0; i < n; i++)
        {
          float left = z[i] + shift;
          float right = z[i] - shift;
          h[i] = centre * rv_exp (narrow * z[i] * z[i])
                 - side * (rv_exp (wide * left * left) + rv_exp (wide * right * right));
        }
      return;
    }
  const float sides
      = (float) (2.0 * density * self->height_factor / s * exp (-0.5 / (self->scale * self->scale)));
  const float square = (float) (1.0 / (s * s * self->scale * self->scale));
  const float most = (float) (49.0 / (self->scale * self->scale));
  if (self->scale == 6.0)
    {
      for (uint32_t first = 0; first < n; first += AT_ONCE)
        {
          const uint32_t some = n - first < AT_ONCE ? n - first : AT_ONCE;
          float largest = 0.0f;
#pragma omp simd reduction(max : largest)
          for (uint32_t i = first; i < first + some; i++)
            {
              float q = z[i] * z[i];
              largest = q > largest ? q : largest; /* NaN is passed on by either way */
            }
          if (wide * largest >= NEAR)
            slope_of_six (z + first, h + first, some, 1, wide, square, most, centre, sides);
          else
            slope_of_six (z + first, h + first, some, 0, wide, square, most, centre, sides);
        }
      return;
    }
#pragma omp simd
  for (uint32_t i = 0; i < n; i++)
    {
      float q = z[i] * z[i];
      float y = square * q;
      y = y > most ? most : y;
      float cosh_u = 1.0f + y * (0.5f + y * (1.0f / 24.0f + y * (1.0f / 720.0f)));
      h[i] = centre * rv_exp (narrow * q) - sides * (rv_exp (wide * q) * cosh_u);
    }
}

RV_CLONES (slope, (const void *self, const float *z, float *h, uint32_t n), (self, z, h, n))

static void
fire (const void *data, const float *z, float *spike, uint32_t n)
{
  const Self *self = data;
  const double sigma = self->width;
  const double s = self->scale * sigma;
  const double h = self->height_factor;
  for (uint32_t i = 0; i < n; i++)
    {
      const double sides = normal_below ((z[i] - sigma) / s) + normal_below ((z[i] + sigma) / s);
      spike[i] = (float) (self->gain * ((1.0 + h) * normal_below (z[i] / sigma) - h * sides));
    }
}

static const RvSurrogateClass class = { .slope = RV_CLONES_OF (slope), .fire = fire };

RV_PLUGIN ("surrogate", "multi-gaussian")
  .version = "1.0",
  .licence = "LGPL-2.1-or-later",
  .doc = "A narrow Gaussian minus two wide ones",
  .citation = "Yin, Corradi and Bohte 2021, Nature Machine Intelligence 3:905",
  .params = params,
  .params_size = sizeof (Self),
  RV_FUNCTIONS (class)
};
