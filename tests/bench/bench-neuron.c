/* What a third party's neuron costs beside the built-in one: nanoseconds per neuron and step of its
 * kernels, both taken in turn in one process, medians over many rounds. Arguments: two neurons as they
 * stand in a slot; without, the LIF and the neuron of doc/tutorial-neuron.md, which with `keep: 0` has the
 * same equations. */
#include "base/threads.h"
#include "pipeline/document.h"
#include "plugin/params.h"
#include <ranvier/ranvier.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LANES  1024 /* 16 samples of 64 neurons, as a tile of the engine */
#define STEPS  32
#define ROUNDS 61

typedef struct
{
  const char *text;
  const void *self;
  const RvNeuronVariant *variant;
  const RvNeuronKernels *kernels;
  float *param[RV_NEURON_MAX_PARAMS], *param_gradient[RV_NEURON_MAX_PARAMS];
  float *state[RV_NEURON_MAX_STATES], *state_gradient[RV_NEURON_MAX_STATES], *entry[RV_NEURON_MAX_STATES];
  float *current, *z, *slope, *spike_gradient, *current_gradient;
} Neuron;

static float *
row (uint32_t rows)
{
  return rv_aligned_alloc ((size_t)rows * LANES * sizeof (float));
}

static void
make (Neuron *neuron, const char *text)
{
  g_autoptr (RvMistakes) mistakes = rv_mistakes_new ();
  g_autoptr (RvValue) value = rv_yaml_parse (text, strlen (text), "bench", mistakes);
  RvInstance *instance
      = value ? rv_instance_new ("neuron", FALSE, value, "neuron", NULL, NULL, mistakes) : NULL;
  for (guint k = 0; k < mistakes->messages->len; k++)
    fprintf (stderr, "%s\n", (const char *)mistakes->messages->pdata[k]);
  if (!instance)
    exit (2);
  const RvNeuronClass *class = instance->plugin->functions;
  const RvStream stream = rv_stream_new (1, "bench", NULL, NULL);
  *neuron = (Neuron){ .text = text, .self = instance->self, .variant = class->variant (instance->self) };
  neuron->kernels = &neuron->variant->kernels[rv_isa ()];
  for (uint32_t k = 0; k < neuron->variant->params; k++)
    {
      const RvTrainable *trainable
          = (const void *)((const char *)instance->self + neuron->variant->param_offsets[k]);
      neuron->param[k] = row (1);
      neuron->param_gradient[k] = row (1);
      for (uint32_t l = 0; l < LANES; l++)
        neuron->param[k][l] = (float)rv_draw_raw (&trainable->initial, stream, l);
    }
  for (uint32_t k = 0; k < neuron->variant->states; k++)
    {
      neuron->state[k] = row (1);
      neuron->state_gradient[k] = row (1);
      neuron->entry[k] = row (STEPS);
    }
  neuron->current = row (STEPS);
  neuron->current_gradient = row (STEPS);
  neuron->z = row (STEPS);
  neuron->slope = row (STEPS);
  neuron->spike_gradient = row (STEPS);
  for (uint32_t k = 0; k < STEPS * LANES; k++)
    {
      neuron->current[k] = rv_stream_uniform (stream, k) * 0.4f;
      neuron->slope[k] = rv_stream_uniform (stream, k + 1) < 0.3f ? 0.5f : 0.0f;
      neuron->spike_gradient[k] = rv_stream_uniform (stream, k + 2) - 0.5f;
    }
}

/* Seconds of what training asks of the neurons: forward, z again, backward. The states begin at zero, so
 * that no two rounds differ. */
static void
work (Neuron *n, uint32_t repeats, double seconds[2])
{
  const RvNeuronForward forward = { .lanes = LANES,
                                    .steps = STEPS,
                                    .stride = LANES,
                                    .param = (const float *const *)n->param,
                                    .state = n->state,
                                    .entry = n->entry,
                                    .current = n->current,
                                    .z = n->z };
  const RvNeuronBackward backward = { .lanes = LANES,
                                      .steps = STEPS,
                                      .stride = LANES,
                                      .slope_stride = LANES,
                                      .param = (const float *const *)n->param,
                                      .entry = (const float *const *)n->entry,
                                      .current = n->current,
                                      .slope = n->slope,
                                      .spike_gradient = n->spike_gradient,
                                      .current_gradient = n->current_gradient,
                                      .state_gradient = n->state_gradient,
                                      .param_gradient = n->param_gradient };
  for (int part = 0; part < 2; part++)
    {
      const gint64 began = g_get_monotonic_time ();
      for (uint32_t r = 0; r < repeats; r++)
        {
          for (uint32_t k = 0; k < n->variant->states; k++)
            memset (part == 0 ? n->state[k] : n->state_gradient[k], 0, LANES * sizeof (float));
          if (part == 0)
            n->kernels->forward (n->self, &forward);
          else
            {
              n->kernels->distance (n->self, &forward);
              n->kernels->backward (n->self, &backward);
            }
        }
      seconds[part] = (double)(g_get_monotonic_time () - began) * 1e-6;
    }
}

static int
by_size (const void *a, const void *b)
{
  const double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static double
median (double *values)
{
  qsort (values, ROUNDS, sizeof *values, by_size);
  return values[ROUNDS / 2];
}

int
main (int argc, char **argv)
{
  static const char *const usual[] = { "{use: lif, leak: 0.9, threshold: 0.5}",
                                       "{use: partial-reset, leak: 0.9, threshold: 0.5, keep: 0}" };
  static Neuron neurons[2];
  static double times[2][3][ROUNDS], ratios[3][ROUNDS];
  const uint32_t repeats = 20;
  for (int k = 0; k < 2; k++)
    make (&neurons[k], argc == 3 ? argv[1 + k] : usual[k]);
  for (int round = 0; round < ROUNDS; round++)
    {
      for (int k = 0; k < 2; k++)
        {
          const int which = (k + round) % 2; /* neither is always the second */
          double seconds[2];
          work (&neurons[which], repeats, seconds);
          for (int part = 0; part < 2; part++)
            times[which][part][round] = seconds[part] * 1e9 / ((double)repeats * LANES * STEPS);
          times[which][2][round] = times[which][0][round] + times[which][1][round];
        }
      for (int part = 0; part < 3; part++)
        ratios[part][round] = times[1][part][round] / times[0][part][round];
    }
  static const char *const parts[] = { "forward", "backward", "together" };
  printf ("nanoseconds per neuron and step, %s, medians of %d rounds\n", rv_isa_name (rv_isa ()), ROUNDS);
  for (int part = 0; part < 3; part++)
    printf ("%-9s %.3f  %.3f  ratio %.3f\n", parts[part], median (times[0][part]), median (times[1][part]),
            median (ratios[part]));
  printf ("first:  %s\nsecond: %s\n", neurons[0].text, neurons[1].text);
  return 0;
}
