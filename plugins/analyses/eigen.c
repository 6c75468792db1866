/* Eigenvalues and eigenvectors of small symmetric matrices, by cyclic Jacobi rotations (Golub, Van Loan, Matrix
 * computations, ch. 8). */
#include "eigen.h"

/* One rotation in the plane (p, q) that makes a[p][q] zero; z collects the rotations. */
static void
rotate (uint32_t m, double *a, double *z, uint32_t p, uint32_t q)
{
  const double theta = (a[q * m + q] - a[p * m + p]) / (2.0 * a[p * m + q]);
  const double t = (theta >= 0.0 ? 1.0 : -1.0) / (fabs (theta) + sqrt (theta * theta + 1.0));
  const double cosine = 1.0 / sqrt (t * t + 1.0), sine = t * cosine;
  for (uint32_t k = 0; k < m; k++)
    {
      const double x = a[k * m + p], y = a[k * m + q];
      a[k * m + p] = cosine * x - sine * y;
      a[k * m + q] = sine * x + cosine * y;
    }
  for (uint32_t k = 0; k < m; k++)
    {
      const double x = a[p * m + k], y = a[q * m + k], u = z[k * m + p], v = z[k * m + q];
      a[p * m + k] = cosine * x - sine * y;
      a[q * m + k] = sine * x + cosine * y;
      z[k * m + p] = cosine * u - sine * v;
      z[k * m + q] = sine * u + cosine * v;
    }
}

void
analysis_eigen (uint32_t m, double *a, double *z)
{
  double total = 0.0, off = 1.0;
  for (uint32_t k = 0; k < m * m; k++)
    {
      total += a[k] * a[k];
      z[k] = k % (m + 1) == 0 ? 1.0 : 0.0;
    }
  for (int sweep = 0; sweep < 60 && off > 1e-28 * total; sweep++)
    {
      off = 0.0;
      for (uint32_t p = 0; p < m; p++)
        for (uint32_t q = p + 1; q < m; q++)
          if (a[p * m + q] != 0.0)
            {
              off += a[p * m + q] * a[p * m + q];
              rotate (m, a, z, p, q);
            }
    }
}
