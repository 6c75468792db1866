/* attack/spike-gradient: spikes that are flipped along the sign of dL/dinput (Liang et al. 2021). In every
 * iteration each entry (step, unit) is drawn with probability sampling |g| / max |g|; a spike comes where g > 0,
 * and goes where g < 0, so that entries stay 0 or 1 (the other way round towards a target). Where g has
 * vanished, each entry flips with probability gamma. */
#include "attack.h"

typedef struct
{
  ATTACK_OPTIONS;
  int64_t iterations;
  double sampling, gamma, gradient_threshold, limit;
} Self;

/* Largest |g| over the steps that count. */
static float
largest (const AttackRun *run, const Attempt *attempt, const RvSignal *g, uint32_t s)
{
  float most = 0.0f;
  for (uint32_t t = 0; t < attempt->steps; t++)
    {
      const float *row = attack_gradient (g, s, t);
      for (uint32_t u = 0; u < run->copies->units; u++)
        most = MAX (most, fabsf (row[u]));
    }
  return most;
}

/* Restricted spike flipping: anywhere, each entry with probability gamma. */
static void
flip_anywhere (const Self *self, const AttackRun *run, uint32_t k, uint32_t steps, RvStream own)
{
  const uint32_t units = run->copies->units;
  for (uint32_t t = 0; t < steps; t++)
    {
      uint64_t *row = attack_bits (run->copies, k, t);
      for (uint32_t u = 0; u < units; u++)
        if (rv_stream_uniform (own, (uint64_t)t * units + u) < (float)self->gamma)
          row[u / 64] ^= UINT64_C (1) << u % 64;
    }
}

static void
move (const void *data, const AttackRun *run, uint32_t k, const RvSignal *g, uint32_t s)
{
  const Self *self = data;
  const Attempt *attempt = &run->copies->attempts[k];
  const uint32_t units = run->copies->units;
  const float most = largest (run, attempt, g, s), up = attempt->target == ATTACK_NO_CLASS ? 1.0f : -1.0f;
  const float chance = (float)self->sampling / most;
  const RvStream own = attack_key (run->stream, attempt);
  if (!(most > 0.0f))
    {
      flip_anywhere (self, run, k, attempt->steps, own);
      return;
    }
  for (uint32_t t = 0; t < attempt->steps; t++)
    {
      const float *row = attack_gradient (g, s, t);
      uint64_t *bits = attack_bits (run->copies, k, t);
      for (uint32_t u = 0; u < units; u++)
        {
          const uint64_t bit = UINT64_C (1) << u % 64;
          const gboolean there = (bits[u / 64] & bit) != 0, wanted = up * row[u] > 0.0f;
          if (row[u] != 0.0f && there != wanted
              && rv_stream_uniform (own, (uint64_t)t * units + u) < chance * fabsf (row[u]))
            bits[u / 64] ^= bit;
        }
    }
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
  RvModel *model = rv_port_model (&self->model);
  g_autoptr (RvModel) raised = self->gradient_threshold > 0.0 ? rv_model_copy (model) : NULL;
  AttackMethod method = { .title = "Attack along the gradient of the spikes",
                          .iterations = (uint64_t)self->iterations,
                          .gradient = raised,
                          .move = move,
                          .limit = self->limit };
  if (raised && rv_model_layers (model) < 2)
    {
      g_set_error_literal (
          error, RV_ERROR, RV_ERROR_SHAPE,
          "'gradient-threshold' is that of the last hidden layer, but the network has one layer");
      return FALSE;
    }
  if (raised
      && !rv_model_set_threshold (raised, rv_model_layers (model) - 2, self->gradient_threshold, error))
    {
      g_prefix_error (error, "'gradient-threshold': ");
      return FALSE;
    }
  return attack_run (&self->options, &method, self, NULL, node, error);
}

static const RvParam params[] = {
  ATTACK_PARAMS (Self),
  RV_INT (Self, iterations, "200", 1, 1e6, "", "How often a recording is changed at most"),
  RV_REAL (Self, sampling, "1", 1e-6, 1, "",
           "Factor on the chance that an entry is drawn. 1: as Liang et al.; less: finer steps, fewer flips"),
  RV_REAL (Self, gamma, "0.05", 0, 1, "", "Chance that an entry is flipped where the gradient has vanished"),
  RV_REAL (
      Self, gradient_threshold, "0", 0, 1e6, "",
      "Threshold of the last hidden layer in the run that makes gradients; its surrogate stays where it is. "
      "0: as it was trained"),
  RV_REAL (Self, limit, "1", 0, 1, "",
           "Share of the entries that a success may have flipped at most; 1: any"),
  RV_PARAM_END
};

static const RvNodeClass class = { .outputs = attack_outputs, .check = check, .run = run };

RV_PLUGIN ("attack", "spike-gradient")
  .version = "1.0",
  .licence = "LGPL-2.1-or-later",
  .doc = "Flips spikes along the gradient until the model errs",
  .citation = "Liang et al. 2021, Exploring adversarial attack in spiking neural networks",
  .params = params,
  .params_size = sizeof (Self),
  RV_FUNCTIONS (class),
};
