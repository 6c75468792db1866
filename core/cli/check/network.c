/* The judge of layers, and of neurons inside networks: whole small networks with spikes replaced by a smooth
 * step, against finite differences; the same bits for any number of threads, place in the batch and block of
 * steps. Layers on a grid are tried as they are and while they are trained. */
#include "cli/check/rig.h"

#include "base/threads.h"
#include "engine/job.h"

#include <math.h>
#include <string.h>

typedef struct
{
  guint trial;
  gboolean recurrent, training;
  RvModel *model;
  RvDataset *data;
} Network;

static RvDataset *
data_for (const RvCheck *check, RvForm form, gboolean varies, gboolean spoiled, const char *split)
{
  return rv_check_data_of (form, rv_check_declares (check->plugin) ? RV_CHECK_GRID_UNITS : RV_CHECK_UNITS,
                           RV_CHECK_STEPS, varies, spoiled, split);
}

/* Whether a network was made or refused as it should be: with an error and no network, or a network alone, and not
 * because the layer's author forgot something. */
static RvVerdict
judge_build (RvCheck *check, const RvModel *model, const GError *error)
{
  if (model != NULL && error != NULL)
    return rv_check_fail (check, "%s set an error and went on: %s",
                          rv_check_declares (check->plugin) ? "declare" : "build", error->message);
  if (error != NULL && error->code == RV_ERROR_PLUGIN)
    return rv_check_fail (check, "%s", error->message);
  return RV_VERDICT_OK;
}

/* What the plugin is tried in: hidden units (on both sides of a layer that is judged, or behind it, if it is on a
 * grid) and a layer of the classes. NULL if it is refused, with the reason in check->said, or *verdict. */
static RvModel *
network (RvCheck *check, guint trial, gboolean recurrent, const RvDatasetSpec *data, RvVerdict *verdict)
{
  const gboolean is_neuron = strcmp (check->plugin->kind, "neuron") == 0;
  g_autoptr (RvInstance) judged = rv_check_instance (check, trial, NULL, NULL);
  g_autoptr (GError) error = NULL;
  *verdict = RV_VERDICT_OK;
  if (judged == NULL)
    return NULL;
  if (is_neuron)
    rv_check_smooth_neuron (judged);
  else
    rv_check_smooth_layer (judged, NULL);
  const gboolean fires
      = !is_neuron || ((const RvNeuronClass *)check->plugin->functions)->variant (judged->self)->fires;
  g_autoptr (RvInstance) hidden = rv_check_layer_of (is_neuron ? judged : NULL, 6, recurrent && fires);
  g_autoptr (RvInstance) last
      = rv_check_layer_of (is_neuron ? judged : NULL, data->classes, recurrent && fires && trial % 2);
  RvInstance *two[] = { hidden, last }, *inside[] = { hidden, judged, last },
             *in_front[] = { judged, hidden, last };
  RvInstance **layers = is_neuron ? two : rv_check_declares (check->plugin) ? in_front : inside;
  g_autoptr (RvModel) model = rv_check_network_of (layers, is_neuron ? 2 : 3, data, &error);
  rv_check_at ("a %s network of 6 hidden units for %s", recurrent ? "recurrent" : "feed-forward",
               data->form == RV_FORM_STATIC   ? "images"
               : data->form == RV_FORM_SPIKES ? "spikes"
                                              : "frames");
  if (error != NULL)
    g_string_assign (check->said, error->message);
  *verdict = judge_build (check, model, error);
  return *verdict == RV_VERDICT_OK ? g_steal_pointer (&model) : NULL;
}

static float *
gradient_of (RvModel *model, RvDataset *data)
{
  float *gradient = g_new0 (float, rv_model_parameter_count (model));
  const RvBatch batch = { .data = data, .n = RV_CHECK_SAMPLES };
  rv_model_gradient (model, NULL, &batch, gradient, NULL, NULL);
  return gradient;
}

/* As the network is run: of one that is trained only rv_model_gradient takes the statistics of the batch. */
static double
loss_of (const Network *at, const float *parameters)
{
  const RvBatch batch = { .data = at->data, .n = RV_CHECK_SAMPLES };
  RvScore score = { .loss = NAN };
  g_autofree float *gradient = at->training ? g_new (float, rv_model_parameter_count (at->model)) : NULL;
  if (at->training)
    rv_model_gradient (at->model, parameters, &batch, gradient, &score, NULL);
  else
    rv_model_evaluate (at->model, parameters, &batch, NULL, &score, NULL);
  return score.loss;
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

static void
add_up (void *self, const RvTileView *view)
{
  const RvSignal *g = view->input_gradient;
  double *sum = (double *)self + view->slot;
  for (uint32_t r = 0; r < g->steps * g->samples; r++)
    for (uint32_t k = 0; k < g->units && r % g->samples < view->samples; k++)
      *sum += fabsf (g->dense[r * g->stride + k]);
}

/* No step of a layer on a grid is its author's own, but what it hands on may be another value than was meant, or zero:
 * then nothing goes back to the input. */
static RvVerdict
hangs_on_input (RvCheck *check, const Network *at)
{
  double sums[RV_TILE_SLOTS] = { 0.0 }, all = 0.0;
  const RvBatch batch = { .data = at->data, .n = RV_CHECK_SAMPLES };
  const RvObserver observer = { .tile = add_up, .self = sums };
  rv_model_input_gradient (at->model, NULL, &batch, NULL, &observer, NULL, NULL);
  for (guint k = 0; k < RV_TILE_SLOTS; k++)
    all += sums[k];
  return all > 0.0 ? RV_VERDICT_OK
                   : rv_check_fail (check, "what it hands on does not hang on its input: dL/dinput is zero");
}

/* The slope of the loss along a direction, by steps e and 2 e as in rig.c; how far both are apart, as a share. */
static double
slope_along (const Network *at, const float *direction, double e, double *apart)
{
  const size_t n = rv_model_parameter_count (at->model);
  g_autofree float *moved = g_new (float, n);
  double loss[4];
  for (int side = 0; side < 4; side++)
    {
      const float shift = (float)(e * (side < 2 ? 1.0 : 2.0) * (side % 2 ? -1.0 : 1.0));
      for (size_t l = 0; l < n; l++)
        moved[l] = at->model->values[l] + shift * direction[l];
      loss[side] = loss_of (at, moved);
    }
  const double near = (loss[0] - loss[1]) / (2.0 * e), far = (loss[2] - loss[3]) / (4.0 * e);
  *apart = fabs (near - far) / (0.02 + fabs (near));
  return (4.0 * near - far) / 3.0;
}

/* The slope of the loss along a direction of each parameter must be gradient . direction. */
static RvVerdict
gradient (RvCheck *check, void *thing)
{
  const Network *at = thing;
  RvModel *model = at->model;
  RvDataset *data = at->data;
  const size_t n = rv_model_parameter_count (model);
  rv_model_set_relaxed (model, TRUE);
  g_autofree float *found = gradient_of (model, data), *direction = g_new (float, n);
  for (guint k = 0; k < model->parameters->len; k++)
    {
      const RvParameter *p = rv_parameter (model, (RvHandle)k);
      const double along = choose_direction (p, found, n, direction);
      double expected = 0.0, off = HUGE_VAL, apart = 0.0;
      if (p->type == RV_PARAMETER_RUNNING) /* moved by no gradient */
        continue;
      for (double e = 0.02; e > 0.004 && !(off < 1e-2); e *= 0.25) /* a shorter one for what bends more */
        {
          expected = slope_along (at, direction, e, &apart);
          off = fabs (expected - along) / (0.02 + fabs (expected));
        }
      if (apart > 0.05)
        continue; /* a kink */
      check->worst = fmax (check->worst, off);
      if (!(off < 1e-2))
        return rv_check_fail (check, "along a direction of %s the loss rises by %.6g, its gradient says %.6g",
                              p->name, expected, along);
    }
  return model->grid != NULL ? hangs_on_input (check, at) : RV_VERDICT_OK;
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

static gboolean
same_parameters (const RvModel *a, const RvModel *b)
{
  gboolean same = a->parameters->len == b->parameters->len;
  for (guint k = 0; same && k < a->parameters->len; k++)
    {
      const RvParameter *p = rv_parameter (a, (RvHandle)k), *q = rv_parameter (b, (RvHandle)k);
      same = strcmp (p->name, q->name) == 0 && p->offset == q->offset && p->count == q->count;
    }
  return same;
}

static RvVerdict
repeat (RvCheck *check, void *thing)
{
  const Network *at = thing;
  RvModel *model = at->model;
  RvDataset *data = at->data;
  RvVerdict verdict;
  g_autoptr (RvDataset) other = data_for (check, RV_FORM_SPIKES, TRUE, FALSE, "test");
  const RvBatch between = { .data = other, .epoch = 3, .n = RV_CHECK_SAMPLES };
  g_autofree float *first = gradient_of (model, data);
  rv_model_evaluate (model, NULL, &between, NULL, NULL, NULL);
  g_autofree float *second = gradient_of (model, data);
  const char *name = first_difference (model, first, second, 0.0);
  if (name != NULL)
    return rv_check_fail (check, "the same batch again, after another one, gave another gradient of %s",
                          name);
  g_autoptr (RvModel) again = network (check, at->trial, at->recurrent, rv_dataset_spec (data), &verdict);
  if (again == NULL || !same_parameters (model, again))
    return verdict != RV_VERDICT_OK ? verdict
                                    : rv_check_fail (check, "the same network built again %s",
                                                     again == NULL ? "was refused" : "has other parameters");
  rv_model_set_training (again, at->training);
  g_autofree float *third = gradient_of (again, data);
  name = first_difference (model, first, third, 0.0);
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
  if (model->grid != NULL) /* it takes all steps at once */
    return RV_VERDICT_OK;
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
  g_autoptr (RvDataset) spoiled = data_for (check, RV_FORM_FRAMES, FALSE, TRUE, "train");
  rv_check_at ("frames with NaN and infinities");
  g_free (gradient_of (model, spoiled));
  rv_check_spoil_model (model);
  rv_check_at ("weights with NaN and infinities");
  g_free (gradient_of (model, data));
  return RV_VERDICT_OK;
}

/* The step for networks of every trial, feed-forward and recurrent, on images, spikes and frames in turn; those on a
 * grid as they are and while they are trained. */
static RvVerdict
each (RvCheck *check)
{
  static const RvForm forms[] = { RV_FORM_SPIKES, RV_FORM_STATIC, RV_FORM_FRAMES };
  const guint trials = rv_check_trials (check, 4, check->test->step == gradient ? 48 : 8),
              ways = rv_check_declares (check->plugin) ? 4 : 2;
  guint made = 0;
  for (guint k = 0; k < ways * trials; k++)
    {
      RvVerdict verdict;
      g_autoptr (RvDataset) data = data_for (check, forms[k % 3], FALSE, FALSE, "train");
      Network at = { .trial = k / ways, .recurrent = k % 2, .training = k % ways / 2, .data = data };
      g_autoptr (RvModel) model = at.model
          = network (check, at.trial, at.recurrent, rv_dataset_spec (data), &verdict);
      g_autofree char *why = g_strdup (check->said->str);
      if (model == NULL && verdict == RV_VERDICT_OK && k == 0)
        return rv_check_skip (check, "no network could be made of it: %s", why);
      if (model != NULL)
        {
          made++;
          rv_model_set_training (model, at.training);
          verdict = check->test->step (check, &at);
        }
      if (verdict != RV_VERDICT_OK)
        return verdict;
    }
  if (check->worst > 0.0)
    return rv_check_ok (check, "within %.1e, %u networks", check->worst, made);
  return rv_check_ok (check, "%u networks", made);
}

static RvVerdict
layer_shapes (RvCheck *check)
{
  static const uint32_t units[] = { 1, 3, 17, 300 }; /* on a grid 1 x 1 but for the last, 5 x 60 */
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
      if (judge_build (check, model, error) != RV_VERDICT_OK)
        return RV_VERDICT_FAILED;
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
  const gboolean on_grid = rv_check_declares (check->plugin);
  RvVerdict verdict;
  if (check->judged != NULL && rv_check_declares (check->judged) != on_grid) /* its network is another */
    return -1.0;
  g_autoptr (RvDataset) data = data_for (check, RV_FORM_SPIKES, FALSE, FALSE, "train");
  g_autoptr (RvModel) model = network (check, 0, FALSE, rv_dataset_spec (data), &verdict);
  Network timed = { .model = model, .data = data };
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
        { "shapes", layer_shapes, "build returns FALSE, declare RV_NO_HANDLE, and both set the error", NULL },
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
