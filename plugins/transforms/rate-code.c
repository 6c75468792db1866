/* transform/rate-code: a pixel fires at each step with a chance that is its brightness. Fresh draws every epoch. */
#include <ranvier/ranvier.h>

typedef struct
{
  RvPort data;
  int64_t steps, seed;
  double gain;
} RateCode;

typedef struct
{
  RvDataset *source;
  RvStream stream;
  uint32_t steps;
  float gain;
} Coded;

static gboolean
check (void *self, RvNode *node, GError **error)
{
  const RateCode *code = self;
  RvDatasetSpec spec = *rv_port_spec (&code->data);
  if (spec.form != RV_FORM_STATIC || spec.steps)
    {
      g_set_error (error, RV_ERROR, RV_ERROR_SHAPE, "codes still images, but '%s' already has %u steps",
                   rv_port_name (&code->data), spec.steps);
      return FALSE;
    }
  spec.form = RV_FORM_SPIKES;
  spec.steps = (uint32_t) code->steps;
  spec.varies = TRUE;
  rv_node_set_spec (node, "", &spec);
  return TRUE;
}

/* s[t][k] = [draw < min (gain * value, 1)]; pixels at zero draw nothing */
static gboolean
read_coded (gconstpointer self, uint64_t epoch, uint32_t id, RvRecording *out, GError **error)
{
  const Coded *coded = self;
  g_auto (RvRecording) image = { 0 };
  if (!rv_dataset_read (coded->source, epoch, id, &image, error))
    return FALSE;
  const RvStream own = rv_stream_fork (rv_stream_fork (coded->stream, epoch), id);
  uint32_t count = 0;
  rv_recording_set_spikes (out, coded->steps, image.units, (size_t) coded->steps * image.units + 1);
  for (uint32_t t = 0; t < coded->steps; t++)
    {
      out->offsets[t] = count;
      for (uint32_t k = 0; k < image.units; k++)
        {
          if (!(image.values[k] > 0.0f))
            continue;
          out->ids[count] = k;
          count += rv_stream_uniform (own, (uint64_t) t * image.units + k) < coded->gain * image.values[k];
        }
    }
  out->offsets[coded->steps] = count;
  out->label = image.label;
  return TRUE;
}

static void
free_coded (gpointer data)
{
  Coded *coded = data;
  rv_dataset_unref (coded->source);
  g_free (coded);
}

static gboolean
run (void *self, RvNode *node, GError **error)
{
  const RateCode *code = self;
  Coded *coded = g_new (Coded, 1);
  RvDataset *source = rv_dataset_ref (rv_port_dataset (&code->data));
  RvDatasetSpec spec = *rv_dataset_spec (source);
  *coded = (Coded){ source, rv_stream_new ((uint64_t) code->seed, "", "rate-code", spec.split), (uint32_t) code->steps,
                    (float) code->gain };
  spec.form = RV_FORM_SPIKES;
  spec.steps = coded->steps;
  spec.varies = TRUE;
  rv_node_set_output (node, "", rv_dataset_new (&spec, read_coded, coded, free_coded));
  return TRUE;
}

static const RvParam params[] = {
  RV_PORT (RateCode, data, RV_ARTEFACT_DATASET, RV_PARAM_REQUIRED, "Still images with values from 0 to 1"),
  RV_REQUIRED_INT (RateCode, steps, 1, 1e6, "steps", "T, how long each image is shown"),
  RV_REAL (RateCode, gain, "1", 0, 1e6, "", "Factor on the values; the chance of a spike is at most 1"),
  RV_INT (RateCode, seed, "1", 0, 9e15, "", "Key of all draws"),
  RV_PARAM_END
};

static const RvOutput outputs[] = { { "", RV_ARTEFACT_DATASET, "Spikes" }, { NULL, RV_ARTEFACT_NONE, NULL } };

static const RvNodeClass class = { outputs, check, run, NULL };

RV_PLUGIN ("transform", "rate-code")
  .version = "1.0",
  .licence = "LGPL-2.1-or-later",
  .doc = "Random spikes at a rate that is the brightness",
  .params = params,
  .params_size = sizeof (RateCode),
  RV_FUNCTIONS (class),
};
