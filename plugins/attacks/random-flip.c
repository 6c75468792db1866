/* attack/random-flip: the control that any attack by gradient must beat. Entries (step, unit) are flipped at
 * random, more of them in every iteration, until the model errs: entry e is flipped once the share has passed
 * its own uniform number, so that what was flipped stays so. */
#include "attack.h"

typedef struct
{
  ATTACK_OPTIONS;
  double first, growth, most;
} Self;

/* Of all entries after `iterations` changes. */
static double
share_after (const Self *self, uint64_t iterations)
{
  return iterations == 0 ? 0.0 : MIN (self->first * pow (self->growth, (double)(iterations - 1)), self->most);
}

static void
move (const void *data, const AttackRun *run, uint32_t k, const RvSignal *g, uint32_t s)
{
  const Self *self = data;
  const Attempt *attempt = &run->copies->attempts[k];
  const uint32_t units = run->copies->units;
  const double from = share_after (self, attempt->changes), to = share_after (self, attempt->changes + 1);
  const RvStream own = attack_key (run->key, attempt);
  for (uint32_t t = 0; t < attempt->steps; t++)
    {
      uint64_t *row = attack_bits (run->copies, k, t);
      for (uint32_t u = 0; u < units; u++)
        {
          const double x = rv_stream_uniform_double (own, (uint64_t)t * units + u);
          if (x >= from && x < to)
            row[u / 64] ^= UINT64_C (1) << u % 64;
        }
    }
}

static gboolean
init (void *data, GError **error)
{
  const Self *self = data;
  if (self->most >= self->first)
    return TRUE;
  g_set_error (error, RV_ERROR, RV_ERROR_PIPELINE, "'most' (%g) is below 'first' (%g)", self->most,
               self->first);
  return FALSE;
}

static gboolean
check (void *data, RvNode *node, GError **error)
{
  const Self *self = data;
  return attack_check (&self->options, TRUE, node, error);
}

static gboolean
run (void *data, RvNode *node, GError **error)
{
  const Self *self = data;
  /* the last one is the first to reach `most` */
  const AttackMethod method
      = { .title = "Spikes flipped at random",
          .iterations = 1 + (uint64_t)ceil (log (self->most / self->first) / log (self->growth)),
          .blind = TRUE,
          .move = move,
          .limit = 1.0 };
  return attack_run (&self->options, &method, self, NULL, node, error);
}

static const RvParam params[]
    = { ATTACK_PARAMS (Self),
        RV_REAL (Self, first, "0.0005", 1e-6, 1, "", "Share of the entries that the first iteration flips"),
        RV_REAL (Self, growth, "1.1", 1.001, 10, "", "Factor on that share from iteration to iteration"),
        RV_REAL (Self, most, "0.5", 1e-6, 1, "", "Share at which a recording is given up"), RV_PARAM_END };

static const RvNodeClass class = { .outputs = attack_outputs, .check = check, .run = run };

RV_PLUGIN ("attack", "random-flip")
  .version = "1.0",
  .licence = "LGPL-2.1-or-later",
  .doc = "Flips more and more spikes at random until the model errs: the control of other attacks",
  .params = params,
  .params_size = sizeof (Self),
  .init = init,
  RV_FUNCTIONS (class),
};
