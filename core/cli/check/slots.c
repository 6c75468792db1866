/* The judges of what fills small slots: surrogates, decoders, losses, optimizers, schedules and
 * initializers. */
#include "cli/check/rig.h"

#include "base/threads.h"

#include <math.h>
#include <string.h>

static const void *
functions (const RvRig *rig)
{
  return rig->instance->plugin->functions;
}

/* ---- surrogates */

static gboolean
prepare_surrogate (RvRig *rig)
{
  static const char *const clones[] = { "the baseline clone", "clone v3", "clone v4" };
  rig->n = rig->large ? 1 << 14 : 320;
  rig->lanes = rig->n;
  rig->period = RV_LANES;
  rig->work = rig->n;
  rig->in[0] = rv_rig_input (rig, "z", rig->n, rig->key % 3 == 0 ? 8.0f : 1.0f);
  for (int k = 0; k < 7; k++)
    rig->out[k] = rv_rig_output (rig, k == 5 ? "spike" : "slope", rig->n);
  for (int isa = 0; isa < rv_isa (); isa++)
    rv_rig_twins (rig, clones[isa], rig->out[6], rig->out[isa], rig->n, 1e-5);
  rv_rig_twins (rig, "in place of z", rig->out[6], rig->out[3], rig->n, 0.0);
  rv_rig_twins (rig, "in short pieces", rig->out[6], rig->out[4], rig->n, 0.0);
  rv_rig_variable (rig, "z", rig->in[0], rig->out[6], 1);
  return TRUE;
}

static void
hot_surrogate (RvRig *rig)
{
  const RvSurrogateClass *class = functions (rig);
  class->slope[rv_isa ()](rig->instance->self, rig->in[0], rig->out[6], rig->n);
}

static void
run_surrogate (RvRig *rig)
{
  const RvSurrogateClass *class = functions (rig);
  const void *self = rig->instance->self;
  hot_surrogate (rig);
  for (int isa = 0; isa < RV_ISA_COUNT; isa++)
    class->slope[MIN (isa, rv_isa ())](self, rig->in[0], rig->out[isa], rig->n);
  memcpy (rig->out[3], rig->in[0], rig->n * sizeof (float));
  class->slope[rv_isa ()](self, rig->out[3], rig->out[3], rig->n);
  for (uint32_t k = 0; k < rig->n; k += RV_LANES)
    class->slope[rv_isa ()](self, rig->in[0] + k, rig->out[4] + k, RV_LANES);
  class->fire (self, rig->in[0], rig->out[5], rig->n);
}

static void
price_surrogate (RvRig *rig, double *loss)
{
  const RvSurrogateClass *class = functions (rig);
  class->fire (rig->instance->self, rig->in[0], rig->out[5], rig->n);
  for (uint32_t k = 0; k < rig->n; k++)
    loss[k] = rig->out[5][k];
}

/* Far from the threshold the slope may be as small as it likes, but it is a factor of every gradient. */
static char *
judge_surrogate (RvRig *rig, const char *spoiled)
{
  for (uint32_t k = 0; k < rig->n; k++)
    if (!isnan (rig->in[0][k]) && !isfinite (rig->out[6][k]))
      return g_strdup_printf ("the slope at z = %g is %g: no gradient could be finite", rig->in[0][k],
                              rig->out[6][k]);
  return NULL;
}

const RvSubject rv_subject_surrogate = { .prepare = prepare_surrogate,
                                         .run = run_surrogate,
                                         .hot = hot_surrogate,
                                         .unit = "ns per slope",
                                         .price = price_surrogate,
                                         .judge = judge_surrogate };

const RvCheckTest rv_check_surrogate[]
    = { RV_RIG_GRADIENT ("slope must be the exact derivative of fire; L is fire (z)"),
        RV_RIG_POSITION ("slope may look at z[k] alone"),
        RV_RIG_REPEAT,
        RV_RIG_THREADS,
        RV_RIG_BOUNDS,
        RV_RIG_NAN,
        RV_RIG_SPEED,
        RV_CHECK_END };

/* ---- decoders */

#define STEPS 7
#define CLASSES 5
#define STRIDE 16
#define OUT ((STEPS - 1) * STRIDE + CLASSES) /* what may be read and written */

static gboolean
prepare_decoder (RvRig *rig)
{
  const RvDecoderClass *class = functions (rig);
  rig->n = class->decisions (rig->instance->self, STEPS, NULL);
  rig->work = STEPS * CLASSES;
  if (rig->n == 0)
    return FALSE;
  rig->in[0] = rv_rig_input (rig, "out", OUT, 1.0f);
  rig->in[1] = rv_rig_input (rig, "scores_gradient", rig->n * CLASSES, 1.0f);
  rig->out[0] = rv_rig_output (rig, "scores", rig->n * CLASSES);
  rig->out[1] = rv_arrays_add (rig->arrays, RV_SCRATCH, "out_gradient", OUT);
  /* the same; between the rows 0, or 1 where it was written to */
  rig->out[2] = rv_rig_output (rig, "out_gradient", OUT);
  rv_rig_variable (rig, "out, a row of 5 classes every 16 floats", rig->in[0], rig->out[2], OUT);
  return TRUE;
}

static void
hot_decoder (RvRig *rig)
{
  const RvDecoderClass *class = functions (rig);
  class->decode (rig->instance->self, STEPS, CLASSES, STRIDE, rig->in[0], rig->out[0]);
  class->adjoint (rig->instance->self, STEPS, CLASSES, STRIDE, rig->in[0], rig->in[1], rig->out[1]);
}

static void
run_decoder (RvRig *rig)
{
  const float mark = 12345.0f;
  for (uint32_t k = 0; k < OUT; k++)
    rig->out[1][k]
        = k % STRIDE < CLASSES ? rig->out[2][k] : mark; /* whatever it held, which must not matter */
  hot_decoder (rig);
  for (uint32_t k = 0; k < OUT; k++)
    rig->out[2][k] = k % STRIDE < CLASSES ? rig->out[1][k] : rig->out[1][k] != mark;
}

/* L = sum of scores_gradient times scores, whose gradient at the scores is scores_gradient. */
static void
price_decoder (RvRig *rig, double *loss)
{
  const RvDecoderClass *class = functions (rig);
  class->decode (rig->instance->self, STEPS, CLASSES, STRIDE, rig->in[0], rig->out[0]);
  *loss = 0.0;
  for (uint32_t k = 0; k < rig->n * CLASSES; k++)
    *loss += (double)rig->in[1][k] * rig->out[0][k];
}

const RvSubject rv_subject_decoder = { .prepare = prepare_decoder,
                                       .run = run_decoder,
                                       .hot = hot_decoder,
                                       .unit = "ns per output and its gradient",
                                       .price = price_decoder };

static RvVerdict
decoder_shapes (RvCheck *check)
{
  const guint trials = rv_check_trials (check, 2, 24);
  for (guint k = 0; k < 20 * trials; k++)
    {
      g_autoptr (RvInstance) instance = rv_check_instance (check, k / 20, NULL, NULL);
      g_autoptr (GError) error = NULL;
      if (instance == NULL)
        continue;
      const RvDecoderClass *class = instance->plugin->functions;
      const uint32_t steps = k % 20, n = class->decisions (instance->self, steps, &error);
      rv_check_at ("data of %u steps", steps);
      if (class->decisions (instance->self, steps, NULL) != n)
        return rv_check_fail (check, "decisions says %u, and another number when it is given no error to set",
                              n);
      if (n == 0 && (error == NULL || error->message[0] == '\0'))
        return rv_check_fail (check, "decisions says 0 and does not say why");
      if (n > 0 && (error != NULL || steps == 0))
        return rv_check_fail (check, "decisions says %u%s%s", n, error ? " and an error: " : "",
                              error ? error->message : "");
      if ((guint) class->reads (instance->self) > RV_READ_MEMBRANE)
        return rv_check_fail (check, "reads is neither spikes nor membrane");
    }
  return rv_check_ok (check, "0 to 19 steps");
}

const RvCheckTest rv_check_decoder[]
    = { RV_RIG_GRADIENT ("adjoint must be the transpose of the derivative of decode, and stay within rows"),
        { "shapes", decoder_shapes, "decisions: return 0 and set the error", NULL },
        RV_RIG_REPEAT,
        RV_RIG_THREADS,
        RV_RIG_BOUNDS,
        RV_RIG_NAN,
        RV_RIG_SPEED,
        RV_CHECK_END };

/* ---- losses */

static gboolean
prepare_loss (RvRig *rig)
{
  rig->n = (uint32_t)rig->key % CLASSES; /* the label of price */
  rig->work = CLASSES * CLASSES;
  rig->in[0] = rv_rig_input (rig, "scores", CLASSES, 3.0f);
  rig->in[1] = rv_rig_input (rig, "large scores", CLASSES, 100.0f);
  rig->out[0] = rv_rig_output (rig, "value", CLASSES);
  rig->out[1] = rv_rig_output (rig, "value without gradient", CLASSES);
  rig->out[2] = rv_rig_output (rig, "gradient", CLASSES * CLASSES);
  rig->out[3] = rv_rig_output (rig, "value of large scores", CLASSES);
  rv_rig_twins (rig, "value where no gradient is asked for", rig->out[0], rig->out[1], CLASSES, 0.0);
  rv_rig_variable (rig, "score", rig->in[0], rig->out[2] + rig->n * CLASSES, CLASSES);
  return TRUE;
}

static void
run_loss (RvRig *rig)
{
  const RvLossClass *class = functions (rig);
  for (uint32_t c = 0; c < CLASSES; c++)
    {
      rig->out[0][c]
          = (float)class->value (rig->instance->self, CLASSES, rig->in[0], c, rig->out[2] + c * CLASSES);
      rig->out[1][c] = (float)class->value (rig->instance->self, CLASSES, rig->in[0], c, NULL);
      rig->out[3][c] = (float)class->value (rig->instance->self, CLASSES, rig->in[1], c, NULL);
    }
}

static void
price_loss (RvRig *rig, double *loss)
{
  const RvLossClass *class = functions (rig);
  *loss = class->value (rig->instance->self, CLASSES, rig->in[0], rig->n, NULL);
}

static char *
judge_loss (RvRig *rig, const char *spoiled)
{
  for (uint32_t c = 0; c < CLASSES; c++)
    if (spoiled == NULL && !(isfinite (rig->out[0][c]) && isfinite (rig->out[3][c])))
      return g_strdup_printf ("the loss for label %u is %g, that of scores up to 100 is %g", c,
                              rig->out[0][c], rig->out[3][c]);
    else if (spoiled != NULL && isfinite (rig->out[rig->in[0][0] - rig->in[0][0] != 0.0f ? 0 : 3][c]))
      return g_strdup_printf (
          "the loss for label %u is finite with NaN among the scores: a training that diverged would "
          "go on",
          c);
  return NULL;
}

const RvSubject rv_subject_loss = { .prepare = prepare_loss,
                                    .run = run_loss,
                                    .hot = run_loss,
                                    .unit = "ns per score",
                                    .price = price_loss,
                                    .judge = judge_loss };

const RvCheckTest rv_check_loss[]
    = { RV_RIG_GRADIENT ("gradient must be the derivative of value, for every class and label"),
        RV_RIG_VALUES ("subtract the largest score before exp"),
        RV_RIG_POSITION ("value must not hang on whether a gradient is asked for"),
        RV_RIG_REPEAT,
        RV_RIG_THREADS,
        RV_RIG_BOUNDS,
        RV_RIG_NAN,
        RV_RIG_SPEED,
        RV_CHECK_END };

/* ---- optimizers: `update` writes from out[0] on, and in pieces from out[8] on, `update_weights` from out[16]
 * and out[24] on; the weights, then the slots */

#define UPDATES 3
#define MOST_SLOTS 7

typedef void (*Update) (const void *self, float *weights, const float *gradient, float *const *slots,
                        size_t n, uint64_t step, double rate);

static gboolean
prepare_optimizer (RvRig *rig)
{
  const RvOptimizerClass *class = functions (rig);
  const uint32_t slots = class->slots (rig->instance->self);
  rig->n = rig->large ? 1 << 14 : 160;
  rig->period = RV_LANES;
  rig->work = (double)rig->n * UPDATES;
  if (slots > MOST_SLOTS)
    return FALSE;
  rig->in[0] = rv_rig_input (rig, "weights", rig->n, 1.0f);
  rig->in[1] = rv_rig_input (rig, "gradient", (size_t)rig->n * UPDATES, 0.3f);
  for (uint32_t first = 0; first < (class->update_weights != NULL ? 32 : 16); first += 16)
    for (uint32_t k = 0; k <= slots; k++)
      {
        float **out = rig->out + first + k;
        g_autofree char *what
            = g_strdup_printf ("%s, '%s' called in three pieces", k == 0 ? "weights" : "slots",
                               first == 0 ? "update" : "update_weights");
        out[0] = rv_rig_output (rig, k == 0 ? "weights" : "slot", rig->n);
        out[8] = rv_rig_output (rig, k == 0 ? "weights" : "slot", rig->n);
        rv_rig_twins (rig, what, out[0], out[8], rig->n, 0.0);
      }
  return TRUE;
}

/* Three updates of the floats from ... to - 1 of weights and slots, out[first] and so on. */
static void
update_range (RvRig *rig, Update update, uint32_t first, uint32_t from, uint32_t to)
{
  float *slots[8] = { NULL };
  memcpy (rig->out[first] + from, rig->in[0] + from, (to - from) * sizeof (float));
  for (uint32_t k = 0; k < MOST_SLOTS && rig->out[first + 1 + k] != NULL; k++)
    {
      slots[k] = rig->out[first + 1 + k] + from;
      memset (slots[k], 0, (to - from) * sizeof (float));
    }
  for (uint32_t step = 1; step <= UPDATES; step++)
    update (rig->instance->self, rig->out[first] + from, rig->in[1] + (size_t)(step - 1) * rig->n + from,
            slots, to - from, step, 0.01);
}

/* Nearly all parameters of a network are weights. */
static void
hot_optimizer (RvRig *rig)
{
  const RvOptimizerClass *class = functions (rig);
  if (class->update_weights != NULL)
    update_range (rig, class->update_weights, 16, 0, rig->n);
  else
    update_range (rig, class->update, 0, 0, rig->n);
}

static void
run_optimizer (RvRig *rig)
{
  const RvOptimizerClass *class = functions (rig);
  const Update updates[] = { class->update, class->update_weights };
  for (uint32_t u = 0; u < G_N_ELEMENTS (updates) && updates[u] != NULL; u++)
    {
      update_range (rig, updates[u], 16 * u, 0, rig->n);
      update_range (rig, updates[u], 16 * u + 8, 112, rig->n);
      update_range (rig, updates[u], 16 * u + 8, 0, 16);
      update_range (rig, updates[u], 16 * u + 8, 16, 112);
    }
}

/* f (w) = 1/2 sum over k of c[k] w[k]^2 must fall. */
static char *
judge_update (RvRig *rig, const char *name, Update update, double rate)
{
  float weights[64], gradient[64], memory[8][64] = { { 0 } }, *slots[8];
  double start = 0.0, end = 0.0;
  for (uint32_t k = 0; k < 64; k++)
    {
      weights[k] = rv_check_noise (rig->key, k);
      slots[k % 8] = memory[k % 8];
    }
  for (uint32_t step = 1; step <= 400; step++)
    {
      end = 0.0;
      for (uint32_t k = 0; k < 64; k++)
        {
          gradient[k] = (0.1f + (float)k / 64.0f) * weights[k];
          end += 0.5 * gradient[k] * weights[k];
        }
      start = step == 1 ? end : start;
      update (rig->instance->self, weights, gradient, slots, 64, step, CLAMP (rate, 1e-3, 1e-2));
    }
  return end < start
             ? NULL
             : g_strdup_printf ("after 400 calls of '%s' a quadratic function is %.4g; it began at %.4g",
                                name, end, start);
}

static char *
judge_optimizer (RvRig *rig, const char *spoiled)
{
  const RvOptimizerClass *class = functions (rig);
  const double rate = class->rate (rig->instance->self);
  char *wrong = NULL;
  if (!(rate >= 0.0) || !isfinite (rate))
    return g_strdup_printf ("its rate is %g", rate);
  if (spoiled == NULL)
    wrong = judge_update (rig, "update", class->update, rate);
  if (spoiled == NULL && wrong == NULL && class->update_weights != NULL)
    wrong = judge_update (rig, "update_weights", class->update_weights, rate);
  return wrong;
}

const RvSubject rv_subject_optimizer = { .prepare = prepare_optimizer,
                                         .run = run_optimizer,
                                         .hot = hot_optimizer,
                                         .unit = "ns per weight",
                                         .judge = judge_optimizer };

const RvCheckTest rv_check_optimizer[]
    = { RV_RIG_VALUES ("update and update_weights must go against the gradient"),
        RV_RIG_POSITION ("an update may look at weight, gradient and slots of one position at a time"),
        RV_RIG_REPEAT,
        RV_RIG_THREADS,
        RV_RIG_BOUNDS,
        RV_RIG_NAN,
        RV_RIG_SPEED,
        RV_CHECK_END };

/* ---- schedules: factors of epochs near and far, in ascending and in descending order */

#define EPOCHS 400

static uint64_t
epoch_at (uint32_t k)
{
  return k < EPOCHS / 2 ? k : (uint64_t)k * k * k;
}

static gboolean
prepare_schedule (RvRig *rig)
{
  rig->out[0] = rv_rig_output (rig, "factor", EPOCHS);
  rig->out[1] = rv_rig_output (rig, "factor", EPOCHS);
  rv_rig_twins (rig, "asked in descending order", rig->out[0], rig->out[1], EPOCHS, 0.0);
  return TRUE;
}

static void
run_schedule (RvRig *rig)
{
  const RvScheduleClass *class = functions (rig);
  for (uint32_t k = 0; k < EPOCHS; k++)
    rig->out[0][k] = (float)class->factor (rig->instance->self, epoch_at (k));
  for (uint32_t k = EPOCHS; k-- > 0;)
    rig->out[1][k] = (float)class->factor (rig->instance->self, epoch_at (k));
}

static char *
judge_schedule (RvRig *rig, const char *spoiled)
{
  for (uint32_t k = 0; k < EPOCHS; k++)
    if (!isfinite (rig->out[0][k]) || rig->out[0][k] < 0.0f)
      return g_strdup_printf ("the factor in epoch %" G_GUINT64_FORMAT " is %g", epoch_at (k),
                              rig->out[0][k]);
  return NULL;
}

const RvSubject rv_subject_schedule
    = { .prepare = prepare_schedule, .run = run_schedule, .judge = judge_schedule };

const RvCheckTest rv_check_schedule[]
    = { RV_RIG_VALUES ("factor must be finite and not negative for any epoch"),
        RV_RIG_POSITION ("factor may look at its parameters and the epoch alone"), RV_RIG_REPEAT,
        RV_CHECK_END };

/* ---- initializers */

#define ROWS 30
#define COLUMNS 40
#define FEW (ROWS / 3 * COLUMNS)

static gboolean
prepare_initializer (RvRig *rig)
{
  rig->out[0] = rv_rig_output (rig, "weight", ROWS * COLUMNS);
  rig->out[1] = rv_rig_output (rig, "weight of fewer rows", FEW);
  rig->out[2] = rv_rig_output (rig, "bias", ROWS);
  rv_rig_twins (rig, "a weight of fewer rows", rig->out[0], rig->out[1], FEW, 0.0);
  return TRUE;
}

static void
run_initializer (RvRig *rig)
{
  const RvInitializerClass *class = functions (rig);
  const RvStream stream = rv_stream_new (rig->key, "", "check", NULL);
  class->fill (rig->instance->self, stream, ROWS, COLUMNS, COLUMNS, ROWS, FALSE, rig->out[0]);
  class->fill (rig->instance->self, stream, ROWS / 3, COLUMNS, COLUMNS, ROWS, FALSE, rig->out[1]);
  class->fill (rig->instance->self, stream, ROWS, 1, COLUMNS, ROWS, TRUE, rig->out[2]);
}

static char *
judge_initializer (RvRig *rig, const char *spoiled)
{
  for (uint32_t k = 0; k < ROWS * COLUMNS; k++)
    if (!isfinite (rig->out[0][k]) || !isfinite (rig->out[2][k % ROWS]))
      return g_strdup_printf ("weight %u is %g, bias %u is %g", k, rig->out[0][k], k % ROWS,
                              rig->out[2][k % ROWS]);
  return NULL;
}

const RvSubject rv_subject_initializer
    = { .prepare = prepare_initializer, .run = run_initializer, .judge = judge_initializer };

/* With `scale` or `gain` doubled, so are the weights. */
static RvVerdict
initializer_scale (RvCheck *check)
{
  const uint32_t n = ROWS * COLUMNS;
  g_autofree float *weights = g_new (float, 2 * n);
  double squares = 0.0;
  gboolean scales = FALSE;
  for (const RvParam *p = check->plugin->params; p != NULL && p->name != NULL; p++)
    for (uint32_t k = 0; p->type == RV_PARAM_REAL
                         && (strcmp (p->name, "scale") == 0 || strcmp (p->name, "gain") == 0) && k < 2;
         k++)
      {
        g_autofree char *text = g_strdup_printf ("%s=%g", p->name, CLAMP (1.0 + k, p->minimum, p->maximum));
        RvCheck fixed = *check;
        fixed.settings = (char *[]){ text, NULL };
        g_autoptr (RvInstance) instance = rv_check_instance (&fixed, 0, NULL, NULL);
        const RvInitializerClass *class = instance != NULL ? instance->plugin->functions : NULL;
        if (class == NULL)
          return rv_check_skip (check, "its defaults are refused");
        class->fill (instance->self, rv_stream_new (1, "", "check", NULL), ROWS, COLUMNS, COLUMNS, ROWS,
                     FALSE, weights + k * n);
        for (uint32_t i = 0; k == 1 && i < n; i++)
          if (!(fabsf (weights[n + i] - 2.0f * weights[i]) <= 1e-5f * fabsf (weights[i])))
            return rv_check_fail (check, "with '%s' doubled weight %u is %g, before it was %g", p->name, i,
                                  weights[n + i], weights[i]);
        scales = TRUE;
      }
  for (uint32_t k = 0; scales && k < n; k++)
    squares += (double)weights[k] * weights[k];
  return scales ? rv_check_ok (check, "root mean square %.3g for fan-in %d, fan-out %d", sqrt (squares / n),
                               COLUMNS, ROWS)
                : rv_check_skip (check, "it has no parameter called scale or gain");
}

const RvCheckTest rv_check_initializer[]
    = { RV_RIG_VALUES ("weights and biases must be finite"),
        { "scale", initializer_scale, "scale and gain are factors on the weights", NULL },
        RV_RIG_POSITION ("element k must be drawn from position k of the stream"),
        RV_RIG_REPEAT,
        RV_RIG_BOUNDS,
        RV_CHECK_END };
