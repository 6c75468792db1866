/* Batch normalisation: moments of each tile, joined as a fixed tree, so that the same bits come out for
 * any number of threads; what is normalised is made again wherever it is read. */
#include "engine/grid/grid.h"
#include <string.h>

/* Scale, shift, mean and 1 / deviation by column, from those by channel. */
static void
settle (const RvModel *model, const RvGridOp *op, const float *parameters, const double *mean,
        const double *variance, float *affine, float *statistics)
{
  const RvGridValue *v = rv_grid_value (model->grid, op->in);
  const RvNormalisation *n = &op->normalisation;
  const uint32_t pattern = rv_grid_pattern (v);
  const float *weight = n->learned ? parameters + rv_parameter (model, op->weight)->offset : NULL,
              *bias = n->learned ? parameters + rv_parameter (model, op->bias)->offset : NULL;
  for (uint32_t j = 0; j < pattern; j++)
    {
      const uint32_t c = j % v->apart;
      const gboolean is_channel = c < v->grid.channels;
      const double inverse = is_channel ? 1.0 / sqrt (variance[c] + n->epsilon) : 0.0;
      const double scale = is_channel ? n->gain * inverse * (weight ? weight[c] : 1.0) : 0.0;
      affine[j] = (float)scale;
      affine[pattern + j] = is_channel ? (float)((bias ? bias[c] : 0.0) - mean[c] * scale) : 0.0f;
      statistics[j] = is_channel ? (float)mean[c] : 0.0f;
      statistics[pattern + j] = (float)inverse;
    }
}

/* ---- running statistics of tiles that have their own: noted by tile, taken in once all are there */

/* Where the moments of an operation are noted within those of a tile; the last: how many numbers a tile
 * has. */
static size_t
noted_at (const RvModel *model, uint32_t index)
{
  size_t at = 0;
  for (uint32_t k = 0; k < index; k++)
    {
      const RvGridOp *op = rv_grid_op (model->grid, k);
      if (op->type == RV_GRID_NORMALISE && op->normalisation.per_tile)
        at += 2 * (size_t)rv_grid_value (model->grid, op->in)->grid.channels;
    }
  return at;
}

void
rv_normalise_expect (RvModel *model, uint32_t n_tiles)
{
  const size_t n = noted_at (model, model->grid->ops->len) * n_tiles;
  if (n)
    model->grid->noted = g_renew (double, model->grid->noted, n);
}

void
rv_normalise_note (const RvModel *model, const RvGridTile *tile)
{
  double *all = model->grid->noted + noted_at (model, model->grid->ops->len) * tile->index;
  for (uint32_t k = 0; k < model->grid->ops->len; k++)
    {
      const RvGridOp *op = rv_grid_op (model->grid, k);
      if (op->type != RV_GRID_NORMALISE || !op->normalisation.per_tile)
        continue;
      const RvGridValue *v = rv_grid_value (model->grid, op->in);
      const RvMoments *m = &tile->moments[k];
      const double times = v->is_static ? model->steps : 1.0;
      double *own = all + noted_at (model, k);
      for (uint32_t c = 0; c < v->grid.channels; c++)
        {
          own[c] = m->mean[c];
          own[v->grid.channels + c] = times * m->squares[c] / MAX (times * m->count - 1.0, 1.0);
        }
    }
}

/* The running statistics take in mean and variance of the batch. */
static void
run_on (RvModel *model, const RvGridOp *op, const double *mean, const double *variance)
{
  const double share = op->normalisation.momentum;
  float *running_mean = model->values + rv_parameter (model, op->running_mean)->offset,
        *running_var = model->values + rv_parameter (model, op->running_var)->offset;
  for (uint32_t c = 0; c < rv_grid_value (model->grid, op->in)->grid.channels; c++)
    {
      running_mean[c] = (float)((1.0 - share) * running_mean[c] + share * mean[c]);
      running_var[c] = (float)((1.0 - share) * running_var[c] + share * variance[c]);
    }
}

void
rv_normalise_finish (RvModel *model, uint32_t n_tiles)
{
  const size_t all = noted_at (model, model->grid->ops->len);
  for (uint32_t k = 0; k < model->grid->ops->len; k++)
    {
      const RvGridOp *op = rv_grid_op (model->grid, k);
      if (op->type != RV_GRID_NORMALISE || !op->normalisation.per_tile)
        continue;
      const uint32_t n = 2 * rv_grid_value (model->grid, op->in)->grid.channels;
      g_autofree double *mean = g_new0 (double, n);
      for (uint32_t tile = 0; tile < n_tiles; tile++)
        for (uint32_t c = 0; c < n; c++)
          mean[c] += model->grid->noted[all * tile + noted_at (model, k) + c] / n_tiles;
      run_on (model, op, mean, mean + n / 2);
    }
}

/* What holds while the model is not trained. */
void
rv_normalise_prepare (const RvModel *model, RvGridOp *op, const float *parameters)
{
  const RvGridValue *v = rv_grid_value (model->grid, op->in);
  const float *mean = parameters + rv_parameter (model, op->running_mean)->offset,
              *variance = parameters + rv_parameter (model, op->running_var)->offset;
  g_autofree double *m = g_new (double, v->grid.channels), *s = g_new (double, v->grid.channels);
  if (!op->affine)
    {
      op->affine = rv_aligned_alloc (sizeof (float) * 2 * rv_grid_pattern (v));
      op->statistics = rv_aligned_alloc (sizeof (float) * 2 * rv_grid_pattern (v));
    }
  for (uint32_t c = 0; c < v->grid.channels; c++)
    {
      m[c] = mean[c];
      s[c] = variance[c];
    }
  settle (model, op, parameters, m, s, op->affine, op->statistics);
}

/* Joins the moments of n more numbers (Chan et al. 1983). */
static void
join (double *mean, double *squares, double count, double other_mean, double other_squares, double n)
{
  const double delta = other_mean - *mean, all = count + n;
  *mean += delta * n / all;
  *squares += other_squares + delta * delta * count * n / all;
}

void
rv_normalise_measure (const RvModel *model, uint32_t index, RvGridTile *tile, RvGridWorker *worker)
{
  const RvGridOp *op = rv_grid_op (model->grid, index);
  const RvGridValue *v = rv_grid_value (model->grid, op->in);
  const uint32_t rows = rv_grid_rows (model, tile, v), channels = v->grid.channels,
                 pixels = v->grid.height * v->grid.width;
  RvMoments *moments = &tile->moments[index];
  memset (moments->mean, 0, channels * sizeof (double));
  memset (moments->squares, 0, channels * sizeof (double));
  for (uint32_t panel = 0; panel < v->columns; panel += RV_PANEL)
    {
      const uint32_t width = rv_panel_width (v->columns, panel);
      const float *x = rv_grid_read (model, tile, worker, op->in, panel, 0);
      float mean[RV_PANEL] = { 0 }, squares[RV_PANEL] = { 0 };
      for (uint32_t r = 0; r < rows; r++)
#pragma omp simd
        for (uint32_t j = 0; j < width; j++)
          mean[j] += x[(size_t)r * width + j];
      for (uint32_t j = 0; j < width; j++)
        mean[j] /= (float)rows;
      for (uint32_t r = 0; r < rows; r++)
#pragma omp simd
        for (uint32_t j = 0; j < width; j++)
          {
            const float d = x[(size_t)r * width + j] - mean[j];
            squares[j] += d * d;
          }
      for (uint32_t j = 0; j < width; j++)
        {
          const uint32_t c = (panel + j) % v->apart, pixel = (panel + j) / v->apart;
          if (c < channels && pixel < pixels)
            join (&moments->mean[c], &moments->squares[c], (double)pixel * rows, mean[j], squares[j], rows);
        }
    }
  moments->count = (double)pixels * rows;
  if (!op->normalisation.per_tile)
    return;
  g_autofree double *variance = g_new (double, channels);
  for (uint32_t c = 0; c < channels; c++)
    variance[c] = moments->squares[c] / moments->count;
  settle (model, op, tile->parameters, moments->mean, variance, tile->affine[index], tile->statistics[index]);
}

void
rv_normalise_settle (RvModel *model, uint32_t index, const float *parameters, RvGridTile **tiles,
                     uint32_t n_tiles)
{
  const RvGridOp *op = rv_grid_op (model->grid, index);
  const RvGridValue *v = rv_grid_value (model->grid, op->in);
  const uint32_t channels = v->grid.channels;
  g_autofree double *counts = g_new (double, n_tiles);
  for (uint32_t k = 0; k < n_tiles; k++)
    counts[k] = tiles[k]->moments[index].count;
  for (uint32_t step = 1; step < n_tiles; step *= 2)
    for (uint32_t k = 0; k + step < n_tiles; k += 2 * step)
      {
        RvMoments *a = &tiles[k]->moments[index], *b = &tiles[k + step]->moments[index];
        for (uint32_t c = 0; c < channels; c++)
          join (&a->mean[c], &a->squares[c], counts[k], b->mean[c], b->squares[c], counts[k + step]);
        counts[k] += counts[k + step];
      }
  RvMoments *all = &tiles[0]->moments[index];
  all->count = counts[0];
  g_autofree double *variance = g_new (double, channels);
  const double times = v->is_static ? model->steps : 1.0; /* what stands for all steps counts for each */
  for (uint32_t c = 0; c < channels; c++)                 /* unbiased */
    variance[c] = times * all->squares[c] / MAX (times * all->count - 1.0, 1.0);
  run_on (model, op, all->mean, variance);
  for (uint32_t c = 0; c < channels; c++)
    variance[c] = all->squares[c] / all->count;
  for (uint32_t k = 0; k < n_tiles; k++)
    settle (model, op, parameters, all->mean, variance, tiles[k]->affine[index], tiles[k]->statistics[index]);
}

/* Backward, first: sums of g and of g times what is normalised, by channel. */
void
rv_normalise_sum (const RvModel *model, uint32_t index, RvGridTile *tile, RvGridWorker *worker)
{
  const RvGridOp *op = rv_grid_op (model->grid, index);
  const RvGridValue *v = rv_grid_value (model->grid, op->in);
  const uint32_t rows = rv_grid_rows (model, tile, v), channels = v->grid.channels,
                 pixels = v->grid.height * v->grid.width, pattern = rv_grid_pattern (v);
  RvMoments *sums = &tile->moments[index];
  const float *statistics = tile->batch_statistics ? tile->statistics[index] : op->statistics;
  memset (sums->mean, 0, channels * sizeof (double));
  memset (sums->squares, 0, channels * sizeof (double));
  for (uint32_t panel = 0; panel < v->columns; panel += RV_PANEL)
    {
      const uint32_t width = rv_panel_width (v->columns, panel);
      const float *x = rv_grid_read (model, tile, worker, op->in, panel, 0),
                  *g = rv_grid_given (model, tile, op->out, panel), *mean = statistics + panel % pattern,
                  *inverse = mean + pattern;
      float of_g[RV_PANEL] = { 0 }, of_gx[RV_PANEL] = { 0 };
      for (uint32_t r = 0; g && r < rows; r++)
#pragma omp simd
        for (uint32_t j = 0; j < width; j++)
          {
            const float y = g[(size_t)r * width + j];
            of_g[j] += y;
            of_gx[j] += y * ((x[(size_t)r * width + j] - mean[j]) * inverse[j]);
          }
      for (uint32_t j = 0; j < width; j++)
        {
          const uint32_t c = (panel + j) % v->apart, pixel = (panel + j) / v->apart;
          if (c >= channels || pixel >= pixels)
            continue;
          sums->mean[c] += of_g[j];
          sums->squares[c] += of_gx[j];
        }
    }
  sums->count = (double)pixels * rows;
}

/* The gradients of weight and bias, from the sums of a tile or of all. */
static void
learn (const RvModel *model, const RvGridOp *op, const RvMoments *sums, float *gradient)
{
  if (!gradient || !op->normalisation.learned)
    return;
  float *weight = gradient + rv_parameter (model, op->weight)->offset,
        *bias = gradient + rv_parameter (model, op->bias)->offset;
  for (uint32_t c = 0; c < rv_grid_value (model->grid, op->in)->grid.channels; c++)
    {
      weight[c] += (float)(op->normalisation.gain * sums->squares[c]);
      bias[c] += (float)sums->mean[c];
    }
}

/* Sums of tiles, as a fixed tree, which each tile gets back. */
void
rv_normalise_share (const RvModel *model, uint32_t index, RvGridTile **tiles, uint32_t n_tiles,
                    float *gradient)
{
  const RvGridOp *op = rv_grid_op (model->grid, index);
  const uint32_t channels = rv_grid_value (model->grid, op->in)->grid.channels;
  double count = 0.0;
  for (uint32_t k = 0; k < n_tiles; k++)
    count += tiles[k]->moments[index].count;
  for (uint32_t step = 1; step < n_tiles; step *= 2)
    for (uint32_t k = 0; k + step < n_tiles; k += 2 * step)
      for (uint32_t c = 0; c < channels; c++)
        {
          tiles[k]->moments[index].mean[c] += tiles[k + step]->moments[index].mean[c];
          tiles[k]->moments[index].squares[c] += tiles[k + step]->moments[index].squares[c];
        }
  const RvMoments *all = &tiles[0]->moments[index];
  for (uint32_t k = 0; k < n_tiles; k++)
    {
      RvMoments *own = &tiles[k]->moments[index];
      own->count = count;
      if (k == 0)
        continue;
      memcpy (own->mean, all->mean, channels * sizeof (double));
      memcpy (own->squares, all->squares, channels * sizeof (double));
    }
  learn (model, op, all, gradient);
}

/* dL/din = scale (g - mean of g - x mean of g x), x what is normalised; with running statistics scale g. */
void
rv_normalise_backward (const RvModel *model, uint32_t index, RvGridTile *tile, RvGridWorker *worker)
{
  const RvGridOp *op = rv_grid_op (model->grid, index);
  const RvGridValue *v = rv_grid_value (model->grid, op->in);
  const uint32_t rows = rv_grid_rows (model, tile, v), pattern = rv_grid_pattern (v);
  const RvMoments *sums = &tile->moments[index];
  const float *affine = tile->batch_statistics ? tile->affine[index] : op->affine,
              *statistics = tile->batch_statistics ? tile->statistics[index] : op->statistics;
  float of_g[RV_PANEL] = { 0 }, of_gx[RV_PANEL] = { 0 };
  if (!tile->batch_statistics || op->normalisation.per_tile)
    learn (model, op, sums, tile->gradient);
  const gboolean in_place = rv_grid_pass_room (model, tile, op->out, op->in);
  for (uint32_t panel = 0; panel < v->columns; panel += RV_PANEL)
    {
      const uint32_t width = rv_panel_width (v->columns, panel);
      const float *g = rv_grid_given (model, tile, in_place ? op->in : op->out, panel),
                  *scale = affine + panel % pattern, *mean = statistics + panel % pattern,
                  *inverse = mean + pattern;
      if (!g && !tile->batch_statistics)
        continue;
      for (uint32_t j = 0; tile->batch_statistics && j < width; j++)
        {
          const uint32_t c = MIN ((panel + j) % v->apart, v->grid.channels - 1);
          of_g[j] = (float)(sums->mean[c] / sums->count);
          of_gx[j] = (float)(sums->squares[c] / sums->count);
        }
      const float *x = rv_grid_read (model, tile, worker, op->in, panel, 0);
      float *out = in_place ? (float *)g : worker->z;
      for (uint32_t r = 0; r < rows; r++)
#pragma omp simd
        for (uint32_t j = 0; j < width; j++)
          {
            const size_t l = (size_t)r * width + j;
            const float y = (x[l] - mean[j]) * inverse[j];
            out[l] = scale[j] * ((g ? g[l] : 0.0f) - of_g[j] - y * of_gx[j]);
          }
      if (!in_place)
        rv_grid_give (model, tile, worker, op->in, panel, out, v->is_static, 1);
    }
  rv_grid_release (tile, op->out);
}
