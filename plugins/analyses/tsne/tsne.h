/* The parts of analysis/tsne: where points begin (start.c), which points belong together (affinities.c), the
 * quadtree (tree.c) and the descent (descent.c). */
#ifndef TSNE_H
#define TSNE_H

#include <ranvier/ranvier.h>

typedef float V16 __attribute__ ((vector_size (64)));
#define WIDTH 16u

/* The affinities p of n points, symmetric, with sum 1. */
typedef struct
{
  uint32_t n;
  size_t stride;     /* of `dense`, a multiple of WIDTH */
  float *dense;      /* [n][stride]: of all pairs; or NULL */
  uint32_t *starts;  /* [n + 1]: the neighbours of point i are starts[i] ... */
  uint32_t *columns; /* ascending for each point */
  float *values;     /* beside columns */
} Affinities;

/* x [n][dims]. Dense, or of the 3 * perplexity nearest neighbours. FALSE once `node` is to stop, or if there is no
 * memory. */
gboolean affinities_make (RvNode *node, const float *x, uint32_t n, uint32_t dims, double perplexity,
                          gboolean dense, Affinities *p, GError **error);
void affinities_clear (Affinities *p);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Affinities, affinities_clear)

/* The first positions y [2][n]: both principal components, scaled as scikit-learn does, so that the first has the
 * standard deviation 1e-4; FALSE where all points are the same. Or normal draws of that size. */
gboolean start_pca (const float *x, uint32_t n, uint32_t dims, float *y);
void start_random (uint64_t seed, uint32_t n, float *y);

/* A quadtree in the order of a walk from the root that takes the first child first. */
typedef struct
{
  float x, y;         /* the centre of its points */
  float count;        /* how many they are */
  float squared_size; /* of the longer side of its cell; 0: a leaf */
  uint32_t next;      /* the node to go on with if its children are left out */
} TreeNode;

typedef struct
{
  uint32_t n, n_nodes;
  size_t room;
  TreeNode *nodes;
  uint32_t *order, *spare; /* [n]: the points as they lie in the tree */
} Tree;

/* y [2][n]. Uses the rooms of before. */
void tree_build (Tree *tree, const float *y, uint32_t n);
void tree_clear (Tree *tree);
/* What all other points do to a point at (x, y) that is one of them: sum of q, and of q^2 (y_i - y_j), with
 * q = 1 / (1 + d^2); cells that look smaller than `angle` count as one point (Barnes and Hut 1986). */
void tree_forces (const Tree *tree, float x, float y, float angle, double *sum, float force[2]);

/* The descent, which goes on from where it is. */
typedef struct
{
  const Affinities *p;
  double rate, exaggeration, angle;
  uint64_t exaggerated, most; /* iterations */
  float *y, *update, *gains;  /* [2][n] */
  uint64_t iteration, best_iteration, stage, done;
  double best, divergence; /* KL divergence, as it was last measured: of p as it is, without exaggeration */
  double last;             /* the same of what is descended, for the stopping rule */
} Descent;

/* To the end; FALSE once `node` is to stop. */
gboolean descend (RvNode *node, Descent *descent, GError **error);

#endif
