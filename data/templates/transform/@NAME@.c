/* transform/@NAME@: leaves out each spike with a chance of `drop`, as an augmentation of training data or to
 * see how a network bears the loss (after Gu et al. 2021, EventDrop).
 *
 * A transform is a dataset over another one. Every epoch drops other spikes, so the output `varies`;
 * evaluations read epoch 0 and see the same recordings every time. */
#include <ranvier/ranvier.h>

typedef struct
{
  RvPort data;
  double drop;
  int64_t seed;
} Self;

/* What read needs; the new dataset owns it. */
typedef struct
{
  RvDataset *source;
  RvStream stream;
  float drop;
} Thinned;

static const RvParam params[] = {
  RV_PORT (Self, data, RV_ARTEFACT_DATASET, RV_PARAM_REQUIRED, "A dataset of spikes"),
  RV_REAL (Self, drop, "0.2", 0, 1, "", "Chance that a spike is left out"),
  RV_INT (Self, seed, "1", 0, 9e15, "", "Key of all draws"),
  RV_PARAM_END
};

/* The spec of the output follows from that of the input; what does not fit is refused before anything
 * runs. */
static gboolean
check (void *data, RvNode *node, GError **error)
{
  const Self *self = data;
  RvDatasetSpec spec = *rv_port_spec (&self->data);
  if (spec.form != RV_FORM_SPIKES)
    {
      g_set_error (error, RV_ERROR, RV_ERROR_SHAPE, "takes spikes, but '%s' has none",
                   rv_port_name (&self->data));
      return FALSE;
    }
  spec.varies = TRUE;
  rv_node_set_spec (node, "", &spec);
  return TRUE;
}

/* Any worker. Reads a recording of the source into `out` and thins it in place. */
static gboolean
read_thinned (gconstpointer data, uint64_t epoch, uint32_t id, RvRecording *out, GError **error)
{
  const Thinned *thinned = data;
  const RvStream own = rv_stream_fork (rv_stream_fork (thinned->stream, epoch), id);
  if (!rv_dataset_read (thinned->source, epoch, id, out, error))
    return FALSE;
  uint32_t kept = 0, event = 0; /* kept <= event, so nothing is overwritten before it is read */
  for (uint32_t t = 0; t < out->steps; t++)
    {
      const uint32_t end = out->offsets[t + 1];
      out->offsets[t] = kept;
      for (; event < end; event++)
        {
          out->ids[kept] = out->ids[event];
          kept += rv_stream_uniform (own, event) >= thinned->drop;
        }
    }
  out->offsets[out->steps] = kept;
  return TRUE;
}

static void
free_thinned (gpointer data)
{
  Thinned *thinned = data;
  rv_dataset_unref (thinned->source);
  g_free (thinned);
}

static gboolean
run (void *data, RvNode *node, GError **error)
{
  const Self *self = data;
  RvDataset *source = rv_port_dataset (&self->data);
  RvDatasetSpec spec = *rv_dataset_spec (source);
  Thinned *thinned = g_new (Thinned, 1);
  *thinned = (Thinned){ .source = rv_dataset_ref (source),
                        .stream = rv_stream_new ((uint64_t) self->seed, "", "drop", spec.split),
                        .drop = (float) self->drop };
  spec.varies = TRUE;
  rv_node_set_output (node, "", rv_dataset_new (&spec, read_thinned, thinned, free_thinned));
  return TRUE;
}

static const RvOutput outputs[] = { { "", RV_ARTEFACT_DATASET, "The spikes that are left" }, { NULL } };

static const RvNodeClass class = { .outputs = outputs, .check = check, .run = run };

RV_PLUGIN ("transform", "@NAME@")
  .version = "0.1",
  .licence = "CC0-1.0",
  .doc = "Leaves out spikes at random",
  .citation = "Gu et al. 2021, IJCAI (EventDrop)",
  .params = params,
  .params_size = sizeof (Self),
  RV_FUNCTIONS (class),
};
