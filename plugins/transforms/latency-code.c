/* transform/latency-code: a pixel fires once, the earlier the brighter it is. The code draws nothing, so
 * every epoch is the same. */
#include <ranvier/ranvier.h>

typedef struct
{
  RvPort data;
  int64_t steps;
  double threshold;
} LatencyCode;

typedef struct
{
  RvDataset *source;
  uint32_t steps;
  float threshold;
} Coded;

static gboolean
check (void *self, RvNode *node, GError **error)
{
  const LatencyCode *code = self;
  RvDatasetSpec spec = *rv_port_spec (&code->data);
  if (spec.form != RV_FORM_STATIC || spec.steps)
    {
      g_set_error (error, RV_ERROR, RV_ERROR_SHAPE, "codes still images, but '%s' %s",
                   rv_port_name (&code->data),
                   spec.form == RV_FORM_EVENTS ? "has events" : "already has steps");
      return FALSE;
    }
  spec.form = RV_FORM_SPIKES;
  spec.steps = (uint32_t)code->steps;
  rv_node_set_spec (node, "", &spec);
  return TRUE;
}

/* t = round ((1 - v) (T - 1)), v = value clamped to [0, 1]; T: never, for values at or below the threshold
 * and NaN */
static uint32_t
step_of (const Coded *coded, float value)
{
  if (!(value > coded->threshold))
    return coded->steps;
  const float v = value < 0.0f ? 0.0f : value > 1.0f ? 1.0f : value;
  return (uint32_t)((1.0f - v) * (float)(coded->steps - 1) + 0.5f);
}

/* Pixels sorted by their steps, counting first: offsets[t + 1] is where step t begins, then where it ends.
 * */
static gboolean
read_coded (gconstpointer self, uint64_t epoch, uint32_t id, RvRecording *out, GError **error)
{
  const Coded *coded = self;
  g_auto (RvRecording) image = { 0 };
  if (!rv_dataset_read (coded->source, epoch, id, &image, error))
    return FALSE;
  rv_recording_set_spikes (out, coded->steps, image.units, image.units);
  for (uint32_t t = 0; t <= coded->steps; t++)
    out->offsets[t] = 0;
  for (uint32_t k = 0; k < image.units; k++)
    {
      const uint32_t t = step_of (coded, image.values[k]);
      if (t + 1 < coded->steps)
        out->offsets[t + 2]++;
    }
  for (uint32_t t = 1; t <= coded->steps; t++)
    out->offsets[t] += out->offsets[t - 1];
  for (uint32_t k = 0; k < image.units; k++)
    {
      const uint32_t t = step_of (coded, image.values[k]);
      if (t < coded->steps)
        out->ids[out->offsets[t + 1]++] = k;
    }
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
  const LatencyCode *code = self;
  Coded *coded = g_new (Coded, 1);
  *coded = (Coded){ rv_dataset_ref (rv_port_dataset (&code->data)), (uint32_t)code->steps,
                    (float)code->threshold };
  RvDatasetSpec spec = *rv_dataset_spec (coded->source);
  spec.form = RV_FORM_SPIKES;
  spec.steps = coded->steps;
  rv_node_set_output (node, "", rv_dataset_new (&spec, read_coded, coded, free_coded));
  return TRUE;
}

static const RvParam params[]
    = { RV_PORT (LatencyCode, data, RV_ARTEFACT_DATASET, RV_PARAM_REQUIRED,
                 "Still images with values from 0 to 1"),
        RV_REQUIRED_INT (LatencyCode, steps, 1, 1e6, "steps",
                         "T: value 1 fires at the first step, value 0 would at the last"),
        RV_REAL (LatencyCode, threshold, "0", -1, 1, "", "Values at or below it never fire"), RV_PARAM_END };

static const RvOutput outputs[] = { { "", RV_ARTEFACT_DATASET, "Spikes" }, { NULL, RV_ARTEFACT_NONE, NULL } };

static const RvNodeClass class = { outputs, check, run, NULL };

RV_PLUGIN ("transform", "latency-code")
  .version = "1.0",
  .licence = "LGPL-2.1-or-later",
  .doc = "One spike a pixel, the earlier the brighter",
  .params = params,
  .params_size = sizeof (LatencyCode),
  RV_FUNCTIONS (class),
};
