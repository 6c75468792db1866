/* Where the points of a t-SNE begin: on the plane of the two principal components. They are found by subspace
 * iteration with a few more vectors than are needed (Halko, Martinsson and Tropp 2011), which takes
 * O(points * features) a round and no matrix of features times features. */
#include "tsne.h"
#include "../eigen.h"
#include <string.h>

#define MOST 12u /* vectors of the subspace */
#define ROUNDS 100
#define PIECE 64u

typedef struct
{
  const float *x;
  uint32_t n, dims, k;
  double *mean;      /* [dims] */
  double *v, *next;  /* [k][dims] */
  double *projected; /* [n][k]: (x - mean) v */
} Pca;

static void
average (void *self, uint32_t piece, uint32_t worker)
{
  const Pca *pca = self;
  const uint32_t to = MIN (pca->dims, (piece + 1) * PIECE);
  for (uint32_t i = 0; i < pca->n; i++)
    for (uint32_t d = piece * PIECE; d < to; d++)
      pca->mean[d] += pca->x[(size_t)i * pca->dims + d];
  for (uint32_t d = piece * PIECE; d < to; d++)
    pca->mean[d] /= pca->n;
}

static void
project (void *self, uint32_t piece, uint32_t worker)
{
  const Pca *pca = self;
  for (uint32_t i = piece * PIECE; i < MIN (pca->n, (piece + 1) * PIECE); i++)
    for (uint32_t k = 0; k < pca->k; k++)
      {
        const float *x = pca->x + (size_t)i * pca->dims;
        const double *v = pca->v + (size_t)k * pca->dims;
        double sum = 0.0;
        for (uint32_t d = 0; d < pca->dims; d++)
          sum += (x[d] - pca->mean[d]) * v[d];
        pca->projected[(size_t)i * pca->k + k] = sum;
      }
}

/* next = (X^T X) v, from the projections; points in ascending order for each feature. */
static void
gather (void *self, uint32_t piece, uint32_t worker)
{
  const Pca *pca = self;
  const uint32_t from = piece * PIECE, to = MIN (pca->dims, from + PIECE);
  for (uint32_t k = 0; k < pca->k; k++)
    memset (pca->next + (size_t)k * pca->dims + from, 0, (to - from) * sizeof (double));
  for (uint32_t i = 0; i < pca->n; i++)
    for (uint32_t k = 0; k < pca->k; k++)
      {
        const double w = pca->projected[(size_t)i * pca->k + k];
        double *next = pca->next + (size_t)k * pca->dims;
        for (uint32_t d = from; d < to; d++)
          next[d] += w * (pca->x[(size_t)i * pca->dims + d] - pca->mean[d]);
      }
}

static double
dot (const double *a, const double *b, uint32_t n)
{
  double sum = 0.0;
  for (uint32_t d = 0; d < n; d++)
    sum += a[d] * b[d];
  return sum;
}

/* Gram and Schmidt, twice; a vector that vanishes becomes zero and stays so. */
static void
orthonormalise (double *v, uint32_t k, uint32_t dims)
{
  for (uint32_t a = 0; a < k; a++)
    {
      double *own = v + (size_t)a * dims;
      const double before = sqrt (dot (own, own, dims));
      for (uint32_t again = 0; again < 2; again++)
        for (uint32_t b = 0; b < a; b++)
          {
            const double *other = v + (size_t)b * dims, c = dot (own, other, dims);
            for (uint32_t d = 0; d < dims; d++)
              own[d] -= c * other[d];
          }
      const double length = sqrt (dot (own, own, dims));
      for (uint32_t d = 0; d < dims; d++)
        own[d] = length > 1e-12 * before ? own[d] / length : 0.0;
    }
}

/* Turns v and next = A v within their space so that v^T A v is diagonal, largest first; the two largest. */
static void
turn (Pca *pca, double largest[2])
{
  const uint32_t k = pca->k, dims = pca->dims;
  double m[MOST * MOST], e[MOST * MOST];
  uint32_t order[MOST];
  for (uint32_t a = 0; a < k; a++)
    for (uint32_t b = 0; b <= a; b++)
      m[a * k + b] = m[b * k + a] = dot (pca->v + (size_t)a * dims, pca->next + (size_t)b * dims, dims);
  analysis_eigen (k, m, e);
  for (uint32_t a = 0; a < k; a++)
    {
      uint32_t at = a;
      for (; at > 0 && m[order[at - 1] * k + order[at - 1]] < m[a * k + a]; at--)
        order[at] = order[at - 1];
      order[at] = a;
    }
  for (uint32_t d = 0; d < dims; d++)
    {
      double v[MOST], next[MOST];
      for (uint32_t a = 0; a < k; a++)
        {
          v[a] = next[a] = 0.0;
          for (uint32_t b = 0; b < k; b++)
            {
              v[a] += e[b * k + order[a]] * pca->v[(size_t)b * dims + d];
              next[a] += e[b * k + order[a]] * pca->next[(size_t)b * dims + d];
            }
        }
      for (uint32_t a = 0; a < k; a++)
        {
          pca->v[(size_t)a * dims + d] = v[a];
          pca->next[(size_t)a * dims + d] = next[a];
        }
    }
  for (uint32_t a = 0; a < 2; a++)
    largest[a] = a < k ? m[order[a] * k + order[a]] : 0.0;
}

/* Whether |A v - lambda v| is small beside the largest for the two that are wanted. */
static gboolean
settled (const Pca *pca, const double largest[2])
{
  for (uint32_t a = 0; a < MIN (2, pca->k); a++)
    {
      const double *v = pca->v + (size_t)a * pca->dims, *next = pca->next + (size_t)a * pca->dims;
      double sum = 0.0;
      for (uint32_t d = 0; d < pca->dims; d++)
        sum += (next[d] - largest[a] * v[d]) * (next[d] - largest[a] * v[d]);
      if (sqrt (sum) > 1e-5 * largest[0])
        return FALSE;
    }
  return TRUE;
}

static void
find_components (Pca *pca)
{
  const RvStream stream = rv_stream_new (0, "", "principal components", "");
  double largest[2];
  for (size_t l = 0; l < (size_t)pca->k * pca->dims; l++)
    pca->v[l] = rv_stream_normal (stream, l);
  for (uint32_t round = 0; round < ROUNDS; round++)
    {
      orthonormalise (pca->v, pca->k, pca->dims);
      rv_parallel_for ((pca->n + PIECE - 1) / PIECE, project, pca);
      rv_parallel_for ((pca->dims + PIECE - 1) / PIECE, gather, pca);
      turn (pca, largest);
      if (settled (pca, largest))
        break;
      if (round + 1 < ROUNDS)
        memcpy (pca->v, pca->next, (size_t)pca->k * pca->dims * sizeof (double));
    }
}

/* The sign of a component is free: its largest entry is positive. */
static void
fix_sign (double *v, uint32_t dims)
{
  uint32_t best = 0;
  for (uint32_t d = 1; d < dims; d++)
    best = fabs (v[d]) > fabs (v[best]) ? d : best;
  for (uint32_t d = 0; v[best] < 0.0 && d < dims; d++)
    v[d] = -v[d];
}

gboolean
start_pca (const float *x, uint32_t n, uint32_t dims, float *y)
{
  Pca pca = { x, n, dims, MIN (MOST, dims), NULL, NULL, NULL, NULL };
  g_autofree double *mean = pca.mean = g_new0 (double, dims);
  g_autofree double *v = pca.v = g_new0 (double, (size_t)pca.k *dims);
  g_autofree double *next = pca.next = g_new0 (double, (size_t)pca.k *dims);
  g_autofree double *projected = pca.projected = g_new0 (double, (size_t)n *pca.k);
  double variance = 0.0;
  rv_parallel_for ((dims + PIECE - 1) / PIECE, average, &pca);
  find_components (&pca);
  for (uint32_t a = 0; a < MIN (2, pca.k); a++)
    fix_sign (v + (size_t)a * dims, dims);
  rv_parallel_for ((n + PIECE - 1) / PIECE, project, &pca);
  for (uint32_t i = 0; i < n; i++)
    variance += projected[(size_t)i * pca.k] * projected[(size_t)i * pca.k] / n;
  for (uint32_t i = 0; i < n && variance > 0.0; i++)
    for (uint32_t a = 0; a < 2; a++)
      y[(size_t)a * n + i]
          = a < pca.k ? (float)(1e-4 * projected[(size_t)i * pca.k + a] / sqrt (variance)) : 0.0f;
  return variance > 0.0;
}

void
start_random (uint64_t seed, uint32_t n, float *y)
{
  const RvStream stream = rv_stream_new (seed, "", "start", "");
  for (size_t k = 0; k < 2 * (size_t)n; k++)
    y[k] = (float)(1e-4 * rv_stream_normal (stream, k));
}
