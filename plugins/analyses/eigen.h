/* Eigenvalues of small symmetric matrices, for analyses that need them. */
#ifndef EIGEN_H
#define EIGEN_H

#include <ranvier/ranvier.h>

/* a [m][m], symmetric, becomes diagonal: its eigenvalues, in no order; z [m][m]: their eigenvectors, in columns. */
void analysis_eigen (uint32_t m, double *a, double *z);

#endif
