/* The largest eigenvalues of a relaxed network's Hessian. */
#ifndef LANDSCAPE_CURVATURE_H
#define LANDSCAPE_CURVATURE_H

#include <ranvier/ranvier.h>

/* What the iteration has so far: enough to go on from. */
typedef struct
{
  uint64_t seed;
  uint32_t most;        /* iterations to do */
  uint64_t done;        /* iterations done */
  size_t n;             /* parameters */
  float *basis;         /* [most + 1][n]: orthonormal */
  double *alpha, *beta; /* [most]: diagonal, and the one beside it */
  double noise;         /* the largest number where a symmetric H would have put zero */
} Curvature;

void curvature_begin (Curvature *curvature, RvModel *model, uint64_t seed, uint32_t iterations);
void curvature_clear (Curvature *curvature);
/* For rv_node_resume and rv_node_checkpoint. */
void curvature_remember (Curvature *curvature, RvCheckpoint *checkpoint);
/* One iteration: two gradients over `batch` of `relaxed`, a copy that is relaxed. */
gboolean curvature_iterate (Curvature *curvature, RvModel *relaxed, const RvBatch *batch, GError **error);
/* Whether nothing is left to do: `most` iterations, or the space is exhausted. */
gboolean curvature_is_done (const Curvature *curvature);
/* Writes the `n` largest eigenvalues and the smallest, n + 1 numbers, to `values`, descending; `errors`: how
 * far each may be from one of the Hessian's, by the iteration and by the noise. NaN where there are not so
 * many. */
void curvature_eigenvalues (const Curvature *curvature, uint32_t n, double *values, double *errors);

#endif
