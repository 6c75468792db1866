/* transform/repeat: shows a still image at every one of T steps. The engine multiplies it only once. */
#include <ranvier/ranvier.h>

typedef struct
{
  RvPort data;
  int64_t steps;
} Repeat;

typedef struct
{
  RvDataset *source;
  uint32_t steps;
} Repeated;

static gboolean
check (void *self, RvNode *node, GError **error)
{
  const Repeat *repeat = self;
  RvDatasetSpec spec = *rv_port_spec (&repeat->data);
  if (spec.form != RV_FORM_STATIC || spec.steps)
    {
      g_set_error (error, RV_ERROR, RV_ERROR_SHAPE, "repeats still images, but '%s' already has %u steps",
                   rv_port_name (&repeat->data), spec.steps);
      return FALSE;
    }
  spec.steps = (uint32_t) repeat->steps;
  rv_node_set_spec (node, "", &spec);
  return TRUE;
}

static gboolean
read_repeated (gconstpointer self, uint64_t epoch, uint32_t id, RvRecording *out, GError **error)
{
  const Repeated *repeated = self;
  if (!rv_dataset_read (repeated->source, epoch, id, out, error))
    return FALSE;
  out->steps = repeated->steps;
  return TRUE;
}

static void
free_repeated (gpointer data)
{
  Repeated *repeated = data;
  rv_dataset_unref (repeated->source);
  g_free (repeated);
}

static gboolean
run (void *self, RvNode *node, GError **error)
{
  const Repeat *repeat = self;
  Repeated *repeated = g_new (Repeated, 1);
  *repeated = (Repeated){ rv_dataset_ref (rv_port_dataset (&repeat->data)), (uint32_t) repeat->steps };
  RvDatasetSpec spec = *rv_dataset_spec (repeated->source);
  spec.steps = repeated->steps;
  rv_node_set_output (node, "", rv_dataset_new (&spec, read_repeated, repeated, free_repeated));
  return TRUE;
}

static const RvParam params[] = {
  RV_PORT (Repeat, data, RV_ARTEFACT_DATASET, RV_PARAM_REQUIRED, "Still images"),
  RV_REQUIRED_INT (Repeat, steps, 1, 1e6, "steps", "T, how long each image is shown"),
  RV_PARAM_END
};

static const RvOutput outputs[] = { { "", RV_ARTEFACT_DATASET, "The images over time" }, { NULL, RV_ARTEFACT_NONE, NULL } };

static const RvNodeClass class = { outputs, check, run, NULL };

RV_PLUGIN ("transform", "repeat")
  .version = "1.0",
  .licence = "LGPL-2.1-or-later",
  .doc = "Shows a still image at every step",
  .params = params,
  .params_size = sizeof (Repeat),
  RV_FUNCTIONS (class),
};
