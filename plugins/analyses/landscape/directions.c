/* Filter-normalised random directions (Li, Xu, Taylor, Studer, Goldstein 2018, Visualizing the loss landscape
 * of neural nets): d ~ N(0, 1), then each filter d_i times |w_i| / (|d_i| + 1e-10). A filter of a dense layer
 * is the row of weights into one unit, or into one gate of it. A draw is a function of seed, direction, the
 * tensor's name, row and column, so that all models with a tensor of that name and shape share its raw
 * numbers. */
#include "directions.h"
#include <math.h>

static double
length (const float *x, size_t n)
{
  double sum = 0.0;
  for (size_t k = 0; k < n; k++)
    sum += (double)x[k] * x[k];
  return sqrt (sum);
}

/* d = z |w| / (|z| + 1e-10) over one filter; z is drawn in full precision and rounded once, at the end */
static void
scale_like (size_t n, const double *z, const float *w, float *d)
{
  double sum = 0.0;
  for (size_t k = 0; k < n; k++)
    sum += z[k] * z[k];
  const double factor = w ? length (w, n) / (sqrt (sum) + 1e-10) : 1.0;
  for (size_t k = 0; k < n; k++)
    d[k] = (float)(factor * z[k]);
}

static gboolean
is_moved (const DirectionOptions *options, RvTensorRole role)
{
  switch (role)
    {
    case RV_ROLE_BIAS:
    case RV_ROLE_GAIN: /* what a normalisation adds, and what it multiplies by */
      return options->biases;
    case RV_ROLE_RUNNING: /* measured, not learned; a variance may not turn negative */
      return FALSE;
    case RV_ROLE_NEURON:
      return options->neurons;
    default:
      return TRUE;
    }
}

/* The draws z [rows][columns] of a tensor. */
static void
draw (RvStream stream, const RvModelTensor *tensor, double *z)
{
  for (uint32_t row = 0; row < tensor->rows; row++)
    {
      const RvStream own = rv_stream_fork (stream, row);
      for (uint32_t column = 0; column < tensor->columns; column++)
        z[(size_t)row * tensor->columns + column] = rv_stream_normal (own, column);
    }
}

void
direction_draw (const DirectionOptions *options, RvModel *model, uint64_t index, float *direction)
{
  const float *parameters = rv_model_parameters (model);
  memset (direction, 0, rv_model_parameter_count (model) * sizeof (float));
  for (uint32_t k = 0; k < rv_model_tensors (model); k++)
    {
      RvModelTensor tensor;
      rv_model_describe_tensor (model, k, &tensor);
      if (!is_moved (options, tensor.role))
        continue;
      const size_t n = (size_t)tensor.rows * tensor.columns;
      const gboolean matrix = tensor.role == RV_ROLE_WEIGHT || tensor.role == RV_ROLE_RECURRENT;
      /* a 1-D tensor has no filters of more than one number: it is scaled as a whole */
      const size_t filter = matrix && options->normalise == NORMALISE_FILTER ? tensor.columns : n;
      g_autofree double *z = g_new (double, n);
      g_autofree float *w = g_new (float, n), *d = g_new (float, n);
      draw (rv_stream_fork (rv_stream_new (options->seed, tensor.name, "direction", NULL), index), &tensor,
            z);
      rv_model_get_tensor (model, k, parameters, w);
      for (size_t from = 0; from < n; from += filter)
        scale_like (filter, z + from, options->normalise == NORMALISE_NONE ? NULL : w + from, d + from);
      rv_model_put_tensor (model, k, d, direction);
    }
}

void
direction_step (size_t n, const float *centre, double x, const float *a, double y, const float *b, float *to)
{
  for (size_t k = 0; k < n; k++)
    to[k] = (float)(centre[k] + x * a[k] + (b ? y * b[k] : 0.0));
}

/* ---- the table */

typedef struct
{
  double w, a, b, ab; /* sums of squares, and of the product */
} Sums;

static void
add_row (RvTable *table, const char *name, const RvModelTensor *tensor, const Sums *sums, gboolean two)
{
  const uint32_t row = rv_table_add_row (table);
  rv_table_set_text (table, row, 0, name);
  if (tensor)
    {
      rv_table_set_int (table, row, 1, tensor->rows);
      rv_table_set_int (table, row, 2, tensor->columns);
    }
  rv_table_set_real (table, row, 3, sqrt (sums->w));
  rv_table_set_real (table, row, 4, sqrt (sums->a));
  rv_table_set_real (table, row, 5, two ? sqrt (sums->b) : NAN);
  rv_table_set_real (table, row, 6,
                     sums->a > 0.0 && sums->b > 0.0 ? sums->ab / sqrt (sums->a * sums->b) : NAN);
}

RvTable *
direction_table (RvModel *model, const float *a, const float *b)
{
  RvTable *table = rv_table_new ("Directions");
  Sums all = { 0 };
  rv_table_add_column (table, "tensor", RV_COLUMN_TEXT, 0);
  rv_table_add_column (table, "rows", RV_COLUMN_INT, 0);
  rv_table_add_column (table, "columns", RV_COLUMN_INT, 0);
  rv_table_add_column (table, "norm", RV_COLUMN_REAL, 4);
  rv_table_add_column (table, "norm of x", RV_COLUMN_REAL, 4);
  rv_table_add_column (table, "norm of y", RV_COLUMN_REAL, 4);
  rv_table_add_column (table, "cosine", RV_COLUMN_REAL, 4);
  for (uint32_t k = 0; k < rv_model_tensors (model); k++)
    {
      RvModelTensor tensor;
      rv_model_describe_tensor (model, k, &tensor);
      const size_t n = (size_t)tensor.rows * tensor.columns;
      g_autofree float *w = g_new (float, n), *u = g_new (float, n), *v = g_new0 (float, n);
      rv_model_get_tensor (model, k, rv_model_parameters (model), w);
      rv_model_get_tensor (model, k, a, u);
      if (b)
        rv_model_get_tensor (model, k, b, v);
      Sums sums = { 0 };
      for (size_t l = 0; l < n; l++)
        {
          sums.w += (double)w[l] * w[l];
          sums.a += (double)u[l] * u[l];
          sums.b += (double)v[l] * v[l];
          sums.ab += (double)u[l] * v[l];
        }
      all = (Sums){ all.w + sums.w, all.a + sums.a, all.b + sums.b, all.ab + sums.ab };
      add_row (table, tensor.name, &tensor, &sums, b != NULL);
    }
  add_row (table, "all", NULL, &all, b != NULL);
  return table;
}
