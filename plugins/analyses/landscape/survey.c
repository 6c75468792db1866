/* Evaluates a model at one point of its landscape after the other: first the centre, then the grid row by
 * row, then the points at each radius of each further direction; and iterates for eigenvalues. Whatever was
 * found is part of a checkpoint, so that an interrupted survey goes on. */
#include "survey.h"
#include <math.h>

/* The axes of the grid are directions 0 and 1 of the seed, those along which the rise is measured follow. */
#define FIRST_RAY 2

double
survey_x (const Survey *s, uint32_t column)
{
  const double *range = s->options->range.items;
  return s->columns > 1 ? range[0] + (range[1] - range[0]) * column / (s->columns - 1) : range[0];
}

double
survey_y (const Survey *s, uint32_t row)
{
  const double *range = s->options->range.items;
  if (!s->y)
    return 0.0;
  return s->rows > 1 ? range[0] + (range[1] - range[0]) * row / (s->rows - 1) : range[0];
}

uint32_t
survey_grid_at (const Survey *s, uint32_t column, uint32_t row)
{
  return 1 + row * s->columns + column;
}

uint32_t
survey_ray_at (const Survey *s, uint32_t direction, uint32_t radius)
{
  return 1 + s->n_grid + direction * s->options->radii.n + radius;
}

/* The samples: a random choice, the same for every model, in ascending order. NULL: all. */
static uint32_t *
choose (const Options *options, const RvDatasetSpec *spec, uint32_t *n)
{
  *n = spec->samples;
  if (options->samples >= spec->samples)
    return NULL;
  *n = (uint32_t)options->samples;
  g_autofree uint32_t *order = g_new (uint32_t, spec->samples);
  g_autofree gboolean *taken = g_new0 (gboolean, spec->samples);
  uint32_t *ids = g_new (uint32_t, *n), filled = 0;
  rv_stream_permutation (rv_stream_new ((uint64_t)options->sample_seed, "", "samples", spec->split),
                         spec->samples, order);
  for (uint32_t k = 0; k < *n; k++)
    taken[order[k]] = TRUE;
  for (uint32_t id = 0; id < spec->samples; id++)
    if (taken[id])
      ids[filled++] = id;
  return ids;
}

void
survey_begin (Survey *s, const Options *options, RvNode *node)
{
  RvDataset *data = rv_port_dataset (&options->data);
  *s = (Survey){ .options = options,
                 .node = node,
                 .model = rv_port_model (&options->model),
                 .how = { (uint64_t)options->seed, (Normalise)options->normalise, options->biases,
                          options->neuron_parameters },
                 .ray_index = G_MAXUINT64 };
  const size_t n = rv_model_parameter_count (s->model), bytes = n * sizeof (float);
  s->batch.data = data;
  s->ids = choose (options, rv_dataset_spec (data), &s->batch.n);
  s->batch.ids = s->ids;
  s->columns = (uint32_t)options->points;
  s->rows = options->dimensions < 2 ? 1 : (uint32_t)(options->points_y ? options->points_y : options->points);
  s->n_grid = s->columns * s->rows;
  s->n_rays = options->radii.n ? (uint32_t)options->directions : 0;
  s->n = 1 + s->n_grid + s->n_rays * options->radii.n;
  s->loss = g_new0 (double, s->n);
  s->accuracy = g_new0 (double, s->n);
  s->parameters = rv_aligned_alloc (bytes);
  s->x = rv_aligned_alloc (bytes);
  direction_draw (&s->how, s->model, 0, s->x);
  if (options->dimensions > 1)
    {
      s->y = rv_aligned_alloc (bytes);
      direction_draw (&s->how, s->model, 1, s->y);
    }
  if (s->n_rays)
    s->ray = rv_aligned_alloc (bytes);
  if (options->eigenvalues)
    {
      s->relaxed = rv_model_copy (s->model);
      rv_model_set_relaxed (s->relaxed, TRUE);
      curvature_begin (&s->curvature, s->model, s->how.seed, (uint32_t)options->iterations);
    }
}

void
survey_clear (Survey *s)
{
  curvature_clear (&s->curvature);
  g_clear_pointer (&s->relaxed, rv_model_unref);
  rv_aligned_free (s->parameters);
  rv_aligned_free (s->x);
  rv_aligned_free (s->y);
  rv_aligned_free (s->ray);
  g_free (s->ids);
  g_free (s->loss);
  g_free (s->accuracy);
}

/* ---- the work */

static void
remember (void *self, RvCheckpoint *checkpoint)
{
  Survey *s = self;
  rv_checkpoint_integers (checkpoint, "points done", &s->done, 1);
  rv_checkpoint_reals (checkpoint, "loss", s->loss, s->n);
  rv_checkpoint_reals (checkpoint, "accuracy", s->accuracy, s->n);
  if (s->options->eigenvalues)
    curvature_remember (&s->curvature, checkpoint);
  if (s->done < s->n)
    rv_checkpoint_position (checkpoint, "point %u of %u", (guint)s->done + 1, s->n);
  else
    rv_checkpoint_position (checkpoint, "iteration %u of %u", (guint)s->curvature.done + 1,
                            (guint)s->options->iterations);
}

/* The parameters of a point; NULL: the model's own. */
static const float *
locate (Survey *s, uint32_t point)
{
  const size_t n = rv_model_parameter_count (s->model);
  const float *centre = rv_model_parameters (s->model);
  if (point == 0)
    return NULL;
  if (point <= s->n_grid)
    {
      const uint32_t column = (point - 1) % s->columns, row = (point - 1) / s->columns;
      direction_step (n, centre, survey_x (s, column), s->x, survey_y (s, row), s->y, s->parameters);
      return s->parameters;
    }
  const uint32_t index = point - 1 - s->n_grid, radii = s->options->radii.n;
  if (s->ray_index != index / radii)
    {
      s->ray_index = index / radii;
      direction_draw (&s->how, s->model, FIRST_RAY + s->ray_index, s->ray);
    }
  direction_step (n, centre, s->options->radii.items[index % radii], s->ray, 0.0, NULL, s->parameters);
  return s->parameters;
}

/* In units of one evaluation, for progress: an iteration is two gradients, each about three times as dear. */
#define ITERATION 6u

static void
show (const Survey *s, const char *text)
{
  const uint64_t all = s->n + ITERATION * (s->options->eigenvalues ? (uint64_t)s->options->iterations : 0);
  rv_node_progress (s->node, s->done + ITERATION * s->curvature.done, all, text);
}

static void
say_plan (const Survey *s)
{
  const uint32_t twice = s->options->eigenvalues ? 2 * (uint32_t)s->options->iterations : 0;
  const double samples = (double)s->batch.n * s->n, gradients = (double)s->batch.n * twice;
  g_autofree char *rays
      = g_strdup_printf (" + %u directions x %zu radii", s->n_rays, (size_t)s->options->radii.n);
  g_autofree char *more = g_strdup_printf (", and %u gradients of as many", twice);
  g_autofree char *text
      = g_strdup_printf ("planned: (1 + %u x %u points%s) x %u samples = %.0f samples forward%s", s->columns,
                         s->rows, s->n_rays ? rays : "", s->batch.n, samples, twice ? more : "");
  rv_node_report (s->node, text, "points", (double)s->n, "samples", samples, "gradient_samples", gradients,
                  NULL);
}

/* After the first point, how long all of them will take. */
static void
say_time (const Survey *s, gint64 microseconds)
{
  const double each = (double)MAX (microseconds, 1) / G_USEC_PER_SEC;
  const double rest
      = each * (s->n - 1 + ITERATION * (s->options->eigenvalues ? (double)s->options->iterations : 0.0));
  g_autofree char *text = g_strdup_printf (
      "loss %.4f, accuracy %.2f %% at the centre; %.0f samples/s: about %.0f s for the rest", s->loss[0],
      s->accuracy[0], s->batch.n / each, rest);
  rv_node_report (s->node, text, "loss", s->loss[0], "accuracy", s->accuracy[0], NULL);
}

/* At the end of a row of the grid. */
static void
say_row (const Survey *s, uint32_t row)
{
  double low = INFINITY, high = -INFINITY;
  for (uint32_t column = 0; column < s->columns; column++)
    {
      const double loss = s->loss[survey_grid_at (s, column, row)];
      low = fmin (low, loss);
      high = fmax (high, loss);
    }
  g_autofree char *text
      = g_strdup_printf ("row %u/%u of the grid: loss %.4f to %.4f", row + 1, s->rows, low, high);
  rv_node_report (s->node, text, "row", (double)row + 1, "lowest", low, "highest", high, NULL);
}

static gboolean
survey_points (Survey *s, GError **error)
{
  while (s->done < s->n)
    {
      const uint32_t point = (uint32_t)s->done;
      const gint64 began = g_get_monotonic_time ();
      g_autofree char *text = g_strdup_printf ("point %u/%u", point + 1, s->n);
      RvScore score;
      show (s, text);
      if (!rv_model_evaluate (s->model, locate (s, point), &s->batch, NULL, &score, error))
        return FALSE;
      s->loss[point] = score.loss;
      s->accuracy[point] = score.decisions ? 100.0 * (double)score.correct / (double)score.decisions : NAN;
      s->done++;
      const gboolean row_ends = point && point <= s->n_grid && point % s->columns == 0;
      if (point == 0)
        say_time (s, g_get_monotonic_time () - began);
      if (row_ends)
        say_row (s, point / s->columns - 1);
      if (!rv_node_checkpoint (s->node, TRUE, remember, s, error))
        return FALSE;
    }
  return TRUE;
}

static gboolean
survey_curvature (Survey *s, GError **error)
{
  while (s->options->eigenvalues && !curvature_is_done (&s->curvature))
    {
      g_autofree char *text = g_strdup_printf ("relaxed Hessian, iteration %u/%u",
                                               (guint)s->curvature.done + 1, (guint)s->options->iterations);
      double values[2], errors[2];
      show (s, text);
      if (!curvature_iterate (&s->curvature, s->relaxed, &s->batch, error))
        return FALSE;
      curvature_eigenvalues (&s->curvature, 1, values, errors);
      g_autofree char *line
          = g_strdup_printf ("%s: largest eigenvalue %.4g +- %.2g", text, values[0], errors[0]);
      rv_node_report (s->node, line, "iteration", (double)s->curvature.done, "largest_eigenvalue", values[0],
                      NULL);
      if (!rv_node_checkpoint (s->node, FALSE, remember, s, error))
        return FALSE;
    }
  return TRUE;
}

gboolean
survey_run (Survey *s, GError **error)
{
  if (!rv_node_resume (s->node, remember, s, error))
    return FALSE;
  if (s->done == 0)
    say_plan (s);
  return survey_points (s, error) && survey_curvature (s, error);
}
