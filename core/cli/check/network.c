/* The judge of layers, and of neurons inside networks: whole small networks with spikes replaced by a smooth
 * step, against finite differences; the same bits for any number of threads, place in the batch and block of
 * steps. */
#include "cli/check/rig.h"

#include "base/threads.h"
#include "engine/job.h"

#include <math.h>
#include <string.h>

typedef struct
{
  guint trial;
  RvModel *model;
  RvDataset *data;
} Network;

/* What the plugin is tried in: hidden units (twice around a layer that is judged) and a layer of the
 * classes. */
static RvModel *
network (RvCheck *check, guint trial, gboolean recurrent, const RvDatasetSpec *data)
{
  const gboolean is_neuron = strcmp (check->plugin->kind, "neuron") == 0;
  g_autoptr (RvInstance) judged = rv_check_instance (check, trial, NULL, NULL);
  g_autoptr (GError) error = NULL;
  if (judged == NULL)
    return NULL;
  if (is_neuron)
    rv_check_smooth_neuron (judged);
  else
    rv_check_smooth_layer (judged, NULL);
  const gboolean fires
      = !is_neuron || ((const RvNeuronClass *)check->plugin->functions)->variant (judged->self)->fires;
  g_autoptr (RvInstance) first = rv_check_layer_of (is_neuron ? judged : NULL, 6, recurrent && fires);
  g_autoptr (RvInstance) last
      = rv_check_layer_of (is_neuron ? judged : NULL, data->classes, recurrent && fires && trial % 2);
  RvModel *model = is_neuron ? rv_check_network_of ((RvInstance *[]){ first, last }, 2, data, &error)
                             : rv_check_network_of ((RvInstance *[]){ first, judged, last }, 3, data, &error);
  rv_check_at ("a %s network of 6 hidden units for %s", recurrent ? "recurrent" : "feed-forward",
               data->form == RV_FORM_STATIC   ? "images"
               : data->form == RV_FORM_SPIKES ? "spikes"
                                              : "frames");
  if (error != NULL)
    g_string_assign (check->said, error->message);
  return model;
}

static float *
gradient_of (RvModel *model, RvDataset *data)
{
  float *gradient = g_new0 (float, rv_model_parameter_count (model));
  const RvBatch batch = { .data = data, .n = RV_CHECK_SAMPLES };
  rv_model_gradient (model, NULL, &batch, gradient, NULL, NULL);
  return gradient;
}

/* The name of the parameter in which two vectors first differ by more than `tolerance` of its largest; or
 * NULL. */
static const char *
first_difference (const RvModel *model, const float *a, const float *b, double tolerance)
{
  for (guint k = 0; k < model->parameters->len; k++)
    {
      const RvParameter *p = rv_parameter (model, (RvHandle)k);
      double largest = 0.0;
      for (size_t l = p->offset; l < p->offset + p->count; l++)
        largest = fmax (largest, fabsf (a[l]));
      for (size_t l = p->offset; l < p->offset + p->count; l++)
        if (memcmp (&a[l], &b[l], sizeof (float)) != 0 && !(fabsf (a[l] - b[l]) <= tolerance * largest))
          return p->name;
    }
  return NULL;
}

/* A direction in the entries of one parameter, half its gradient's and half at random, since what is missing
 * in the gradient must show too; zero elsewhere. Returns gradient . direction. */
static double
choose_direction (const RvParameter *p, const float *gradient, size_t n, float *direction)
{
  double norm = 0.0, along = 0.0;
  memset (direction, 0, n * sizeof (float));
  for (size_t l = p->offset; l < p->offset + p->count; l++)
    norm += (double)gradient[l] * gradient[l];
  for (size_t l = p->offset; l < p->offset + p->count; l++)
    {
      direction[l] = rv_check_noise (p->count, l) / sqrtf ((float)p->count);
      direction[l] += norm > 0.0 ? gradient[l] / (float)sqrt (norm) : 0.0f;
      along += (double)gradient[l] * direction[l];
    }
  return along;
}

/* (4 near - far) / 3 of the loss along a direction, as in rig.c, must be gradient . direction. */
static RvVerdict
gradient (RvCheck *check, void *thing)
{
  static const float shifts[] = { 0.02f, -0.02f, 0.04f, -0.04f };
  RvModel *model = ((Network *)thing)->model;
  RvDataset *data = ((Network *)thing)->data;
  const size_t n = rv_model_parameter_count (model);
  const RvBatch batch = { .data = data, .n = RV_CHECK_SAMPLES };
  rv_model_set_relaxed (model, TRUE);
  g_autofree float *found = gradient_of (model, data), *moved = g_new (float, n),
                   *direction = g_new (float, n);
  for (guint k = 0; k < model->parameters->len; k++)
    {
      const RvParameter *p = rv_parameter (model, (RvHandle)k);
      const double along = choose_direction (p, found, n, direction);
      double loss[4];
      for (int side = 0; side < 4; side++)
        {
          RvScore score;
          for (size_t l = 0; l < n; l++)
            moved[l] = model->values[l] + shifts[side] * direction[l];
          rv_model_evaluate (model, moved, &batch, NULL, &score, NULL);
          loss[side] = score.loss;
        }
      const double near = (loss[0] - loss[1]) / 0.04, far = (loss[2] - loss[3]) / 0.08;
      const double expected = (4.0 * near - far) / 3.0,
                   off = fabs (expected - along) / (0.02 + fabs (expected));
      if (fabs (near - far) > 0.05 * fabs (near) + 1e-3)
        continue; /* a kink */
      check->worst = fmax (check->worst, off);
      if (!(off < 1e-2))
        return rv_check_fail (check, "along a direction of %s the loss rises by %.6g, its gradient says %.6g",
                              p->name, expected, along);
    }
  return RV_VERDICT_OK;
}

static RvVerdict
threads (RvCheck *check, void *thing)
{
  RvModel *model = ((Network *)thing)->model;
  RvDataset *data = ((Network *)thing)->data;
  static const uint32_t counts[] = { 1, 2, 3, 7 };
  g_autofree float *first = NULL;
  for (guint k = 0; k < G_N_ELEMENTS (counts); k++)
    {
      rv_threads_set (counts[k]);
      g_autoptr (RvModel) copy = rv_model_copy (model);
      g_autofree float *found = gradient_of (copy, data);
      const char *name = first != NULL ? first_difference (model, first, found, 0.0) : NULL;
      if (name != NULL)
        return rv_check_fail (check, "with %u threads the gradient of %s has other bits than with one",
                              counts[k], name);
      if (first == NULL)
        first = g_steal_pointer (&found);
    }
  return RV_VERDICT_OK;
}

static RvVerdict
repeat (RvCheck *check, void *thing)
{
  RvModel *model = ((Network *)thing)->model;
  RvDataset *data = ((Network *)thing)->data;
  g_autoptr (RvDataset) other
      = rv_check_data_of (RV_FORM_SPIKES, RV_CHECK_UNITS, RV_CHECK_STEPS, TRUE, FALSE, "test");
  const RvBatch between = { .data = other, .epoch = 3, .n = RV_CHECK_SAMPLES };
  g_autofree float *first = gradient_of (model, data);
  rv_model_evaluate (model, NULL, &between, NULL, NULL, NULL);
  g_autofree float *second = gradient_of (model, data);
  const char *name = first_difference (model, first, second, 0.0);
  if (name != NULL)
    return rv_check_fail (check, "the same batch again, after another one, gave another gradient of %s",
                          name);
  g_autoptr (RvModel) again
      = network (check, ((Network *)thing)->trial, model->layers[0].step_by_step, rv_dataset_spec (data));
  g_autofree float *third = again != NULL ? gradient_of (again, data) : NULL;
  name = third != NULL ? first_difference (model, first, third, 0.0) : NULL;
  return name == NULL
             ? RV_VERDICT_OK
             : rv_check_fail (check, "the same network built again gave another gradient of %s", name);
}

/* ---- scores by recording, for any place in the batch */

typedef struct
{
  float scores[RV_CHECK_SAMPLES][RV_CHECK_STEPS * RV_CHECK_CLASSES];
} Scores;

static void
take_scores (void *self, const RvTileView *view)
{
  const size_t row = (size_t)view->decisions * view->classes;
  for (uint32_t s = 0; s < view->samples; s++)
    memcpy (((Scores *)self)->scores[view->ids[s]], view->scores + s * row, row * sizeof (float));
}

#define TILE 16 /* samples */

/* One tile in blocks of `block` steps: the scores and the gradient, owned. */
static float *
in_blocks (RvModel *model, const RvBatch *batch, uint32_t block, float *scores)
{
  RvWork *work = rv_work_new (model);
  float *gradient = rv_aligned_alloc (model->count * sizeof (float));
  double loss;
  uint64_t correct, decided;
  const RvJob job = { .model = model,
                      .parameters = model->values,
                      .batch = batch,
                      .backward = TRUE,
                      .block = block,
                      .loss = &loss,
                      .correct = &correct,
                      .decided = &decided };
  rv_model_prepare (model, model->values, FALSE);
  rv_work_read (work, model, batch, 0, TILE, TILE, FALSE, NULL);
  rv_work_begin (work, model, batch, 0, TILE, TILE, model->values, gradient);
  rv_job_forward (&job, work);
  rv_job_judge (&job, work, 0, TILE);
  rv_job_backward (&job, work);
  memcpy (scores, work->scores, (size_t)TILE * model->decisions * model->classes * sizeof (float));
  rv_work_free (model, work);
  return gradient;
}

static RvVerdict
position (RvCheck *check, void *thing)
{
  RvModel *model = ((Network *)thing)->model;
  RvDataset *data = ((Network *)thing)->data;
  g_autofree Scores *one = g_new0 (Scores, 1), *two = g_new0 (Scores, 1);
  uint32_t ids[RV_CHECK_SAMPLES];
  RvBatch batch = { .data = data, .n = RV_CHECK_SAMPLES };
  RvObserver observer = { take_scores, one };
  rv_model_evaluate (model, NULL, &batch, &observer, NULL, NULL);
  for (uint32_t k = 0; k < RV_CHECK_SAMPLES; k++)
    ids[k] = k * 11 % RV_CHECK_SAMPLES;
  batch.ids = ids;
  observer.self = two;
  rv_model_evaluate (model, NULL, &batch, &observer, NULL, NULL);
  for (uint32_t k = 0; k < RV_CHECK_SAMPLES; k++)
    if (memcmp (one->scores[k], two->scores[k], sizeof one->scores[k]) != 0)
      return rv_check_fail (check, "recording %u has other scores at another place of the batch", k);
  float *whole = in_blocks (model, &batch, RV_CHECK_STEPS, (float *)one->scores);
  const char *name = NULL;
  for (uint32_t block = 1; block < 6 && name == NULL; block += 2)
    {
      float *parts = in_blocks (model, &batch, block, (float *)two->scores);
      name = memcmp (one, two, sizeof *one) != 0 ? "scores" : first_difference (model, whole, parts, 1e-4);
      rv_aligned_free (parts);
      if (name != NULL)
        rv_check_fail (check, "in blocks of %u steps %s comes out otherwise than at once", block, name);
    }
  rv_aligned_free (whole);
  return name == NULL ? RV_VERDICT_OK : RV_VERDICT_FAILED;
}

static RvVerdict
nan_in (RvCheck *check, void *thing)
{
  RvModel *model = ((Network *)thing)->model;
  RvDataset *data = ((Network *)thing)->data;
  g_autoptr (RvDataset) spoiled
      = rv_check_data_of (RV_FORM_FRAMES, RV_CHECK_UNITS, RV_CHECK_STEPS, FALSE, TRUE, "train");
  rv_check_at ("frames with NaN and infinities");
  g_free (gradient_of (model, spoiled));
  rv_check_spoil_model (model);
  rv_check_at ("weights with NaN and infinities");
  g_free (gradient_of (model, data));
  return RV_VERDICT_OK;
}

/* The step for networks of every trial, feed-forward and recurrent, on images, spikes and frames in turn. */
static RvVerdict
each (RvCheck *check)
{
  static const RvForm forms[] = { RV_FORM_SPIKES, RV_FORM_STATIC, RV_FORM_FRAMES };
  const guint trials = rv_check_trials (check, 4, check->test->step == gradient ? 48 : 8);
  for (guint k = 0; k < 2 * trials; k++)
    {
      g_autoptr (RvDataset) data
          = rv_check_data_of (forms[k % 3], RV_CHECK_UNITS, RV_CHECK_STEPS, FALSE, FALSE, "train");
      g_autoptr (RvModel) model = network (check, k / 2, k % 2, rv_dataset_spec (data));
      g_autofree char *why = g_strdup (check->said->str);
      if (model == NULL && k == 0)
        return rv_check_skip (check, "no network could be made of it: %s", why);
      Network at = { k / 2, model, data };
      const RvVerdict verdict = model != NULL ? check->test->step (check, &at) : RV_VERDICT_OK;
      if (verdict != RV_VERDICT_OK)
        return verdict;
    }
  if (check->worst > 0.0)
    return rv_check_ok (check, "within %.1e, %u networks", check->worst, 2 * trials);
  return rv_check_ok (check, "%u networks", 2 * trials);
}

static RvVerdict
layer_shapes (RvCheck *check)
{
  static const uint32_t units[] = { 1, 3, 17, 300 };
  guint refused = 0;
  for (guint k = 0; k < 4 * G_N_ELEMENTS (units); k++)
    {
      g_autoptr (RvDataset) data = rv_check_data_of (RV_FORM_SPIKES, units[k % 4], 3, FALSE, FALSE, "train");
      g_autoptr (RvInstance) judged = rv_check_instance (check, k / 4, NULL, NULL);
      g_autoptr (RvInstance) last = rv_check_layer_of (NULL, RV_CHECK_CLASSES, FALSE);
      g_autoptr (GError) error = NULL;
      if (judged == NULL)
        continue;
      rv_check_at ("an input of %u units", units[k % 4]);
      g_autoptr (RvModel) model
          = rv_check_network_of ((RvInstance *[]){ judged, last }, 2, rv_dataset_spec (data), &error);
      if ((model == NULL) != (error != NULL))
        return rv_check_fail (check, error != NULL ? "build set an error and went on"
                                                   : "build failed and does not say why");
      refused += model == NULL;
      if (model != NULL)
        g_free (gradient_of (model, data));
    }
  return rv_check_ok (check, "%u of 16 refused", refused);
}

static void
call_gradient (void *self)
{
  g_free (gradient_of (((Network *)self)->model, ((Network *)self)->data));
}

static double
measure_layer (RvCheck *check)
{
  g_autoptr (RvDataset) data
      = rv_check_data_of (RV_FORM_SPIKES, RV_CHECK_UNITS, RV_CHECK_STEPS, FALSE, FALSE, "train");
  g_autoptr (RvModel) model = network (check, 0, FALSE, rv_dataset_spec (data));
  Network timed = { 0, model, data };
  rv_threads_set (1);
  return model != NULL ? rv_check_time (call_gradient, &timed) / (1000.0 * RV_CHECK_SAMPLES) : -1.0;
}

static RvVerdict
layer_speed (RvCheck *check)
{
  return rv_check_compare (check, measure_layer, "us per sample of a small network, forward and backward");
}

const RvCheckTest rv_check_layer[]
    = { { "gradient", each, "backward must undo every step of forward: input, recurrence, bias", gradient },
        { "position", each, "forward may not look beyond the steps that it is given, nor at other samples",
          position },
        { "repeat", each, "no static variable; only build writes to self", repeat },
        { "threads", each, "no static buffer, nothing written to self", threads },
        { "shapes", layer_shapes, "build: return FALSE and set the error", NULL },
        { "nan", each, "no number may be an index unchecked", nan_in },
        { "speed", layer_speed, NULL, NULL },
        RV_CHECK_END };

const RvCheckTest rv_check_neuron[]
    = { RV_RIG_GRADIENT (
            "integrate_adjoint and reset_adjoint; L weighs spikes, membranes and the last state, and lanes "
            "from 16 on have the reset detached"),
        { "network", each, "slope_stride, current_gradient in place of current, NULL for what is zero",
          gradient },
        RV_RIG_POSITION (
            "forward, integrate, reset, distance and backward must be the same mathematics, each lane alone; "
            "build with kernel_cflags"),
        RV_RIG_REPEAT,
        { "threads", each, "no static buffer, nothing written to self", threads },
        RV_RIG_BOUNDS,
        RV_RIG_NAN,
        RV_RIG_SPEED,
        RV_CHECK_END };
