/* Steps along the gradient of values. x0 is the recording, x the copy:
 *   linf  x <- x + step sign (g),        then |x - x0| <= epsilon entry by entry
 *   l2    x <- x + step g / |g|_2,       then |x - x0|_2 <= epsilon
 * and low <= x <= high at last (which brings x no farther from x0, as x0 lies within); towards a target the
 * other way. Goodfellow et al. 2015, Madry et al. 2018. */
#include "steps.h"

const char *const attack_norms[] = { "linf", "l2", NULL };

gboolean
attack_steps_init (const AttackSteps *steps, GError **error)
{
  if (steps->low < steps->high)
    return TRUE;
  g_set_error (error, RV_ERROR, RV_ERROR_PIPELINE, "'low' (%g) is not below 'high' (%g)", steps->low,
               steps->high);
  return FALSE;
}

gboolean
attack_steps_check (void *self, RvNode *node, GError **error)
{
  const AttackSteps *steps = self;
  return attack_check (&steps->options, FALSE, node, error);
}

/* Values of copy k that count. */
static size_t
values_of (const AttackRun *run, uint32_t k)
{
  return (size_t)run->copies->attempts[k].steps * run->copies->units;
}

static void
bring_back (const AttackSteps *steps, const AttackRun *run, uint32_t k)
{
  const size_t n = values_of (run, k);
  float *x = attack_values (run->copies, k, 0);
  const float *before = run->copies->values_before + k * run->copies->size;
  double squares = 0.0, shrink = 1.0;
  for (size_t j = 0; steps->norm && j < n; j++)
    squares += ((double)x[j] - before[j]) * ((double)x[j] - before[j]);
  if (squares > steps->epsilon * steps->epsilon)
    shrink = steps->epsilon / sqrt (squares);
  for (size_t j = 0; j < n; j++)
    {
      double change = ((double)x[j] - before[j]) * shrink;
      if (!steps->norm)
        change = CLAMP (change, -steps->epsilon, steps->epsilon);
      x[j] = (float)CLAMP (before[j] + change, steps->low, steps->high);
    }
}

/* Uniform in the budget: of l2 a direction, and a radius so that every volume is equally likely. */
static void
start_anywhere (const AttackSteps *steps, const AttackRun *run, uint32_t k)
{
  const RvStream own = attack_key (run->stream, &run->copies->attempts[k]);
  const size_t n = values_of (run, k);
  float *x = attack_values (run->copies, k, 0);
  double squares = 0.0;
  for (size_t j = 0; steps->norm && j < n; j++)
    squares += pow (rv_stream_normal (own, j), 2.0);
  const double radius = steps->epsilon * pow (rv_stream_uniform_double (own, n), 1.0 / (double)n);
  for (size_t j = 0; j < n; j++)
    x[j] += (float)(steps->norm ? rv_stream_normal (own, j) * radius / sqrt (squares)
                                : steps->epsilon * (2.0 * rv_stream_uniform_double (own, j) - 1.0));
  bring_back (steps, run, k);
}

/* Every value must lie within low ... high before; and the random start. */
static gboolean
begin (const void *self, const AttackRun *run, GError **error)
{
  const AttackSteps *steps = self;
  for (uint32_t k = 0; k < run->copies->n; k++)
    {
      const float *x = attack_values (run->copies, k, 0);
      for (size_t j = 0; j < values_of (run, k); j++)
        if (!((double)x[j] >= steps->low && (double)x[j] <= steps->high))
          {
            g_set_error (error, RV_ERROR, RV_ERROR_DATA,
                         "recording %u has a value of %g, which is not within 'low' %g and 'high' %g",
                         run->copies->attempts[k].id, (double)x[j], steps->low, steps->high);
            return FALSE;
          }
      if (steps->random_start && run->copies->attempts[k].result == ATTACK_OPEN)
        start_anywhere (steps, run, k);
    }
  return TRUE;
}

/* One step, then back into budget and range. */
static void
move (const void *self, const AttackRun *run, uint32_t k, const RvSignal *g, uint32_t s)
{
  const AttackSteps *steps = self;
  const Attempt *attempt = &run->copies->attempts[k];
  const double up = attempt->target == ATTACK_NO_CLASS ? steps->step_size : -steps->step_size;
  double squares = 0.0;
  for (uint32_t t = 0; t < attempt->steps; t++)
    for (uint32_t u = 0; u < run->copies->units; u++)
      squares += (double)attack_gradient (g, s, t)[u] * attack_gradient (g, s, t)[u];
  if (!(squares > 0.0)) /* it has vanished, and tells no way */
    return;
  for (uint32_t t = 0; t < attempt->steps; t++)
    {
      const float *row = attack_gradient (g, s, t);
      float *x = attack_values (run->copies, k, t);
      for (uint32_t u = 0; u < run->copies->units; u++)
        x[u] += (float)(up * (steps->norm ? row[u] / sqrt (squares) : (row[u] > 0.0f) - (row[u] < 0.0f)));
    }
  bring_back (steps, run, k);
}

gboolean
attack_steps_run (void *self, RvNode *node, GError **error)
{
  const AttackSteps *steps = self;
  const AttackMethod method = { .title = "Attack by steps along the gradient",
                                .iterations = (uint64_t)steps->iterations,
                                .move = move,
                                .limit = 1.0 };
  return attack_run (&steps->options, &method, self, begin, node, error);
}
