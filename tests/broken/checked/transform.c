/* Hands frames on as they are, or wrong in one way. */
#include <ranvier/ranvier.h>

typedef struct
{
  RvPort data;
} Self;

static RvDatasetSpec
spec_of (const RvDatasetSpec *source)
{
  RvDatasetSpec spec = *source;
#ifdef MISTAKE_flag
  spec.varies = FALSE;
#endif
  return spec;
}

static gboolean
check (void *data, RvNode *node, GError **error)
{
  const Self *self = data;
  const RvDatasetSpec *source = rv_port_spec (&self->data), spec = spec_of (source);
  if (source->form != RV_FORM_FRAMES)
    {
      g_set_error (error, RV_ERROR, RV_ERROR_SHAPE, "takes frames, which '%s' has not", rv_port_name (&self->data));
      return FALSE;
    }
  rv_node_set_spec (node, "", &spec);
  return TRUE;
}

static gboolean
read_one (gconstpointer source, uint64_t epoch, uint32_t id, RvRecording *out, GError **error)
{
  if (!rv_dataset_read (source, epoch, id, out, error))
    return FALSE;
#ifdef MISTAKE_label
  out->label += 100;
#endif
#ifdef MISTAKE_nan_index
  static const float table[4] = { 0.0f, 1.0f, 2.0f, 3.0f };
  const float *levels = table;
  const float x = out->values[0];
  out->values[0] = levels[(int) (x > 3.0f ? 3.0f : x < 0.0f ? 0.0f : x)];
#endif
  return TRUE;
}

static void
release (gpointer source)
{
  rv_dataset_unref (source);
}

static gboolean
run (void *data, RvNode *node, GError **error)
{
  const Self *self = data;
  RvDataset *source = rv_dataset_ref (rv_port_dataset (&self->data));
  const RvDatasetSpec spec = spec_of (rv_dataset_spec (source));
  rv_node_set_output (node, "", rv_dataset_new (&spec, read_one, source, release));
  return TRUE;
}

static const RvParam params[] = {
  RV_PORT (Self, data, RV_ARTEFACT_DATASET, RV_PARAM_REQUIRED, "Frames"),
  RV_PARAM_END
};

static const RvOutput outputs[] = { { "", RV_ARTEFACT_DATASET, "Frames" }, { NULL, RV_ARTEFACT_NONE, NULL } };
static const RvNodeClass class = { outputs, check, run, NULL };

RV_PLUGIN ("transform", NAME)
  .version = "1.0",
  .licence = "CC0-1.0",
  .doc = "For a test",
  .params = params,
  .params_size = sizeof (Self),
  RV_FUNCTIONS (class),
};
