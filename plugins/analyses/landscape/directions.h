/* Random directions in the space of a model's parameters, filter by filter as long as the parameters
 * themselves. */
#ifndef LANDSCAPE_DIRECTIONS_H
#define LANDSCAPE_DIRECTIONS_H

#include <ranvier/ranvier.h>

typedef enum
{
  NORMALISE_FILTER, /* each row of a weight */
  NORMALISE_LAYER,  /* each tensor */
  NORMALISE_NONE
} Normalise;

typedef struct
{
  uint64_t seed;
  Normalise normalise;
  gboolean biases, neurons; /* whether 1-D tensors of these roles are moved too */
} DirectionOptions;

/* Fills `direction` [parameter_count] with direction `index` of the seed for `model`. */
void direction_draw (const DirectionOptions *options, RvModel *model, uint64_t index, float *direction);

/* to [n] = centre + x a + y b; `b` may be NULL. */
void direction_step (size_t n, const float *centre, double x, const float *a, double y, const float *b,
                     float *to);

/* A row per tensor: its length, those of directions a and b, and the cosine of the angle between them, within
 * the tensor and, in the last row, as a whole. `b` may be NULL. The caller owns the table. */
RvTable *direction_table (RvModel *model, const float *a, const float *b);

#endif
