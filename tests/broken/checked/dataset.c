/* Random spikes, right, or wrong in one way. */
#include <ranvier/ranvier.h>
#include <unistd.h>

#define SAMPLES 30
#define UNITS 20
#define STEPS 5

static gboolean
read_one (gconstpointer self, uint64_t epoch, uint32_t id, RvRecording *out, GError **error)
{
  RvStream stream = rv_stream_fork (rv_stream_fork (rv_stream_new (1, "", "trials", ""), epoch), id);
  uint32_t count = 0;
#ifdef MISTAKE_order
  static uint64_t calls;
  stream = rv_stream_fork (stream, calls++);
#endif
#ifdef MISTAKE_buffer
  static uint64_t key;
  key = stream.key;
  usleep (50);
  stream.key = key;
#endif
  rv_recording_set_spikes (out, STEPS, UNITS, STEPS * UNITS);
  for (uint32_t t = 0; t < STEPS; t++)
    {
      out->offsets[t] = count;
      for (uint32_t k = 0; k < UNITS; k++)
        if (rv_stream_uniform (stream, t * UNITS + k) < 0.3f)
#ifdef MISTAKE_ids
          out->ids[count++] = UNITS - k;
#else
          out->ids[count++] = k;
#endif
    }
  out->offsets[STEPS] = count;
  out->label = id % 2;
  return TRUE;
}

static RvDatasetSpec
spec_of (void)
{
  return (RvDatasetSpec){ .form = RV_FORM_SPIKES, .samples = SAMPLES, .units = UNITS, .dims = { UNITS, 1, 1 },
                          .steps = STEPS, .classes = 2, .step_width = 1e-3, .split = "train",
#ifndef MISTAKE_epochs
                          .varies = TRUE
#endif
  };
}

static gboolean
check (void *self, RvNode *node, GError **error)
{
  const RvDatasetSpec spec = spec_of ();
  rv_node_set_spec (node, "", &spec);
  return TRUE;
}

static gboolean
run (void *self, RvNode *node, GError **error)
{
  RvDatasetSpec spec = spec_of ();
#ifdef MISTAKE_fewer /* none: check tells an upper bound */
  spec.samples--;
#endif
#ifdef MISTAKE_more
  spec.samples++;
#endif
#ifdef MISTAKE_spec
  spec.classes++;
#endif
  rv_node_set_output (node, "", rv_dataset_new (&spec, read_one, NULL, NULL));
  return TRUE;
}

static const RvOutput outputs[] = { { "", RV_ARTEFACT_DATASET, "Spikes" }, { NULL, RV_ARTEFACT_NONE, NULL } };
static const RvNodeClass class = { outputs, check, run, NULL };

RV_PLUGIN ("dataset", NAME)
  .version = "1.0",
  .licence = "CC0-1.0",
  .doc = "For a test",
  RV_FUNCTIONS (class),
};
