/* Lanczos iteration with full orthogonalisation (Golub, Van Loan, Matrix computations, ch. 10) on the Hessian
 * of the relaxed network, whose gradient is exact: H v = (g (w + h v) - g (w - h v)) / (2 h), |v| = 1. The
 * eigenvalues of the small tridiagonal matrix come from Jacobi rotations. */
#include "curvature.h"
#include "../eigen.h"
#include <math.h>

/* The step's length, as a share of |w|: gradients are floats, a much shorter one would drown in rounding. */
#define STEP 1e-3

static double
product (size_t n, const float *a, const float *b)
{
  double sum = 0.0;
  for (size_t k = 0; k < n; k++)
    sum += (double)a[k] * b[k];
  return sum;
}

/* Copies tensor by tensor, so that the padding of the flat vector stays zero. */
static void
first_vector (RvModel *model, uint64_t seed, float *out)
{
  memset (out, 0, rv_model_parameter_count (model) * sizeof (float));
  for (uint32_t k = 0; k < rv_model_tensors (model); k++)
    {
      RvModelTensor tensor;
      rv_model_describe_tensor (model, k, &tensor);
      if (tensor.role == RV_ROLE_RUNNING) /* no parameter: the Hessian has no row for it */
        continue;
      const RvStream stream = rv_stream_new (seed, tensor.name, "lanczos", NULL);
      const size_t n = (size_t)tensor.rows * tensor.columns;
      g_autofree float *values = g_new (float, n);
      for (size_t l = 0; l < n; l++)
        values[l] = (float)rv_stream_normal (stream, l);
      rv_model_put_tensor (model, k, values, out);
    }
  const double norm = sqrt (product (rv_model_parameter_count (model), out, out));
  for (size_t l = 0; l < rv_model_parameter_count (model); l++)
    out[l] = (float)(out[l] / norm);
}

void
curvature_begin (Curvature *c, RvModel *model, uint64_t seed, uint32_t iterations)
{
  c->seed = seed;
  c->most = iterations;
  c->done = 0;
  c->n = rv_model_parameter_count (model);
  c->basis = g_new0 (float, c->n *(iterations + 1));
  c->alpha = g_new0 (double, iterations + 1);
  c->beta = g_new0 (double, iterations + 1);
  first_vector (model, seed, c->basis);
}

void
curvature_clear (Curvature *c)
{
  g_clear_pointer (&c->basis, g_free);
  g_clear_pointer (&c->alpha, g_free);
  g_clear_pointer (&c->beta, g_free);
}

void
curvature_remember (Curvature *c, RvCheckpoint *checkpoint)
{
  rv_checkpoint_integers (checkpoint, "iterations done", &c->done, 1);
  c->done = MIN (c->done, c->most);
  const size_t done = c->done;
  rv_checkpoint_reals (checkpoint, "alpha", c->alpha, done);
  rv_checkpoint_reals (checkpoint, "beta", c->beta, done);
  rv_checkpoint_reals (checkpoint, "noise", &c->noise, 1);
  rv_checkpoint_floats (checkpoint, "basis", c->basis, c->n * (done + 1));
}

gboolean
curvature_is_done (const Curvature *c)
{
  return c->done >= c->most || (c->done && c->beta[c->done - 1] == 0.0);
}

/* out = H v, by central differences */
static gboolean
hessian_times (RvModel *relaxed, const RvBatch *batch, const float *v, float *out, GError **error)
{
  const size_t n = rv_model_parameter_count (relaxed);
  const float *w = rv_model_parameters (relaxed);
  const double norm = sqrt (product (n, w, w)), h = STEP * (norm > 0.0 ? norm : 1.0);
  float *moved = rv_aligned_alloc (n * sizeof (float)), *below = rv_aligned_alloc (n * sizeof (float));
  gboolean ok = TRUE;
  for (int side = -1; side <= 1 && ok; side += 2)
    {
      for (size_t k = 0; k < n; k++)
        moved[k] = (float)(w[k] + side * h * v[k]);
      ok = rv_model_gradient (relaxed, moved, batch, side < 0 ? below : out, NULL, error);
    }
  for (size_t k = 0; k < n && ok; k++)
    out[k] = (float)(((double)out[k] - below[k]) / (2.0 * h));
  rv_aligned_free (moved);
  rv_aligned_free (below);
  return ok;
}

/* r -= (q . r) q for all q of the basis, twice, since once leaves what rounding put there (Kahan and
 * Parlett's "twice is enough"). Of a symmetric H only the last two would have a part: what others have is
 * noise. */
static void
orthogonalise (Curvature *c, float *r)
{
  for (int round = 0; round < 2; round++)
    for (size_t j = 0; j <= c->done; j++)
      {
        const float *q = c->basis + j * c->n;
        const double along = product (c->n, q, r);
        if (round == 0 && j < c->done)
          c->noise = fmax (c->noise, fabs (along - (j + 1 == c->done ? c->beta[j] : 0.0)));
        for (size_t k = 0; k < c->n; k++)
          r[k] = (float)(r[k] - along * q[k]);
      }
}

gboolean
curvature_iterate (Curvature *c, RvModel *relaxed, const RvBatch *batch, GError **error)
{
  const float *q = c->basis + c->done * c->n;
  float *next = c->basis + (c->done + 1) * c->n;
  float *r = rv_aligned_alloc (c->n * sizeof (float));
  const gboolean ok = hessian_times (relaxed, batch, q, r, error);
  if (ok)
    {
      /* alpha_j = q_j . H q_j,  r = H q_j less its part in the basis,  beta_j = |r|,  q_{j+1} = r / beta_j */
      const double size = sqrt (product (c->n, r, r));
      c->alpha[c->done] = product (c->n, q, r);
      orthogonalise (c, r);
      double beta = sqrt (product (c->n, r, r));
      beta = beta > 1e-6 * size ? beta : 0.0; /* what is left is rounding: the space is exhausted */
      c->beta[c->done] = beta;
      for (size_t k = 0; k < c->n; k++)
        next[k] = beta > 0.0 ? (float)(r[k] / beta) : 0.0f;
      c->done++;
      if (!isfinite (beta))
        g_set_error (error, RV_ERROR, RV_ERROR_DIVERGED,
                     "the relaxed network's gradient is not finite near the model's parameters");
    }
  rv_aligned_free (r);
  return ok && isfinite (c->beta[c->done - 1]);
}

/* ---- the tridiagonal matrix */

static int
descending (gconstpointer a, gconstpointer b)
{
  const double x = *(const double *)a, y = *(const double *)b;
  return (x < y) - (x > y);
}

void
curvature_eigenvalues (const Curvature *c, uint32_t n, double *values, double *errors)
{
  const uint32_t m = (uint32_t)c->done;
  g_autofree double *a = g_new0 (double, (size_t)m *m + 1), *z = g_new0 (double, (size_t)m *m + 1);
  g_autofree double (*pairs)[2] = g_malloc0_n (m + 1, sizeof *pairs);
  for (uint32_t k = 0; k < m; k++)
    {
      a[k * m + k] = c->alpha[k];
      if (k + 1 < m)
        a[k * m + k + 1] = a[(k + 1) * m + k] = c->beta[k];
    }
  analysis_eigen (m, a, z);
  for (uint32_t k = 0; k < m; k++)
    {
      /* an eigenvalue of H lies within beta_m |s_m| of each, s its eigenvector in the basis (Paige); a matrix
       * of independent errors moves it by about sqrt (m) times one of them */
      pairs[k][0] = a[k * m + k];
      pairs[k][1] = c->beta[m - 1] * fabs (z[(m - 1) * m + k]) + sqrt (m) * c->noise;
    }
  if (m > 1)
    qsort (pairs, m, sizeof *pairs, descending);
  for (uint32_t k = 0; k <= n; k++)
    {
      const uint32_t from = k == n ? m - 1 : k;
      values[k] = m && from < m ? pairs[from][0] : NAN;
      errors[k] = m && from < m ? pairs[from][1] : NAN;
    }
}
