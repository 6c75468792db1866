/* The points at which the loss is asked for: which there are, what was found, and the work itself. */
#ifndef LANDSCAPE_SURVEY_H
#define LANDSCAPE_SURVEY_H

#include "curvature.h"
#include "directions.h"

typedef struct
{
  RvPort model, data;
  int64_t dimensions, points, points_y;
  RvReals range;
  int64_t samples, sample_seed, seed;
  int normalise;
  gboolean biases, neuron_parameters;
  RvReals radii, rises;
  int64_t directions;
  int64_t eigenvalues, iterations;
} Options;

typedef struct
{
  const Options *options;
  RvNode *node;
  RvModel *model;
  DirectionOptions how;
  RvBatch batch;
  uint32_t *ids;
  uint32_t columns, rows; /* of the grid; rows is 1 in one dimension */
  uint32_t n_grid, n;     /* points of the grid; of all: the centre, the grid, and n_rays times radii */
  uint32_t n_rays;
  uint64_t done;           /* points */
  double *loss, *accuracy; /* [n]; in per cent */
  float *x, *y;            /* the axes' directions; y is NULL in one dimension */
  float *ray;              /* the direction of the rise at hand */
  uint64_t ray_index;      /* which that is; G_MAXUINT64: none */
  float *parameters;       /* of the point at hand */
  Curvature curvature;     /* where eigenvalues are asked for */
  RvModel *relaxed;
} Survey;

/* All that is known before the first evaluation. `node` must be running. */
void survey_begin (Survey *survey, const Options *options, RvNode *node);
void survey_clear (Survey *survey);
/* Does what is left to do, with progress and checkpoints. */
gboolean survey_run (Survey *survey, GError **error);

/* Where a point of the grid lies. */
double survey_x (const Survey *survey, uint32_t column);
double survey_y (const Survey *survey, uint32_t row);
/* Index in loss and accuracy: of the grid, and of a direction's radius. */
uint32_t survey_grid_at (const Survey *survey, uint32_t column, uint32_t row);
uint32_t survey_ray_at (const Survey *survey, uint32_t direction, uint32_t radius);

#endif
