/* transform/shuffle: takes one thing away from spike trains and leaves the others, as a control: if a
 * network does as well on shuffled data, it never used what was taken. order: the steps of a recording are
 * permuted, the same way for all units; who fires together still does synchrony: each unit is shifted in
 * time, around the end, by an amount of its own; its own intervals stay What stays in both cases is how
 * often each unit fires. */
#include <ranvier/ranvier.h>

enum
{
  ORDER,
  SYNCHRONY
};

typedef struct
{
  RvPort data;
  int destroy;
  int64_t seed;
} Self;

typedef struct
{
  RvDataset *source;
  RvStream stream;
  int destroy;
} Shuffled;

static const char *const destroys[] = { "order", "synchrony", NULL };

static const RvParam params[] = {
  RV_PORT (Self, data, RV_ARTEFACT_DATASET, RV_PARAM_REQUIRED, "A dataset of spikes"),
  RV_CHOICE (Self, destroy, "order", destroys, "What is taken away"),
  RV_INT (Self, seed, "1", 0, 9e15, "", "Key of all draws"),
  RV_PARAM_END
};

/* Rows become columns: to each unit its steps, or to each step its units. What is read in ascending order
 * of the old rows is ascending in the new ones, so two transpositions sort, whatever was done to the
 * numbers in between. */
static void
transpose (const RvRecording *from, RvRecording *to)
{
  const uint32_t events = from->offsets[from->steps];
  rv_recording_set_spikes (to, from->units, from->steps, events + 1);
  for (uint32_t r = 0; r <= to->steps; r++)
    to->offsets[r] = 0;
  for (uint32_t e = 0; e < events; e++)
    to->offsets[from->ids[e] + 1]++;
  for (uint32_t r = 0; r < to->steps; r++)
    to->offsets[r + 1] += to->offsets[r];
  for (uint32_t row = 0; row < from->steps; row++) /* the offsets are pushed up by what is filled in ... */
    for (uint32_t e = from->offsets[row]; e < from->offsets[row + 1]; e++)
      to->ids[to->offsets[from->ids[e]]++] = row;
  for (uint32_t r = to->steps; r > 0; r--) /* ... and put back */
    to->offsets[r] = to->offsets[r - 1];
  to->offsets[0] = 0;
}

/* Any worker. A recording may serve as scratch memory: read must not allocate in any other way. */
static gboolean
read_shuffled (gconstpointer data, uint64_t epoch, uint32_t id, RvRecording *out, GError **error)
{
  const Shuffled *shuffled = data;
  const gboolean varies = rv_dataset_spec (shuffled->source)->varies;
  const RvStream own = rv_stream_fork (rv_stream_fork (shuffled->stream, varies ? epoch : 0), id);
  g_auto (RvRecording) source = { 0 }, by_unit = { 0 }, scratch = { 0 };
  if (!rv_dataset_read (shuffled->source, epoch, id, &source, error))
    return FALSE;
  const uint32_t steps = source.length > 0 ? source.length : source.steps; /* the rest is padding */
  rv_recording_set_spikes (&scratch, 1, source.steps, source.steps);
  uint32_t *to = scratch.ids; /* [steps]: where a step goes */
  if (shuffled->destroy == ORDER)
    rv_stream_permutation (own, steps, to);
  transpose (&source, &by_unit);
  for (uint32_t u = 0; u < by_unit.steps; u++)
    {
      const uint32_t shift = (uint32_t) (rv_stream_uniform (own, u) * (float) steps);
      for (uint32_t e = by_unit.offsets[u]; e < by_unit.offsets[u + 1]; e++)
        if (by_unit.ids[e] < steps)
          by_unit.ids[e] = shuffled->destroy == ORDER ? to[by_unit.ids[e]] : (by_unit.ids[e] + shift) % steps;
    }
  transpose (&by_unit, out);
  out->length = source.length;
  out->label = source.label;
  return TRUE;
}

static void
free_shuffled (gpointer data)
{
  Shuffled *shuffled = data;
  rv_dataset_unref (shuffled->source);
  g_free (shuffled);
}

/* The output is like the input in everything that a spec tells. */
static gboolean
check (void *data, RvNode *node, GError **error)
{
  const Self *self = data;
  const RvDatasetSpec *spec = rv_port_spec (&self->data);
  if (spec->form == RV_FORM_SPIKES)
    {
      rv_node_set_spec (node, "", spec);
      return TRUE;
    }
  g_set_error (error, RV_ERROR, RV_ERROR_SHAPE, "shuffles spikes, but '%s' has none",
               rv_port_name (&self->data));
  return FALSE;
}

static gboolean
run (void *data, RvNode *node, GError **error)
{
  const Self *self = data;
  RvDataset *source = rv_port_dataset (&self->data);
  const RvDatasetSpec *spec = rv_dataset_spec (source);
  Shuffled *shuffled = g_new (Shuffled, 1);
  *shuffled = (Shuffled){ .source = rv_dataset_ref (source),
                          .stream = rv_stream_new ((uint64_t) self->seed, "", "shuffle", spec->split),
                          .destroy = self->destroy };
  rv_node_set_output (node, "", rv_dataset_new (spec, read_shuffled, shuffled, free_shuffled));
  return TRUE;
}

static const RvOutput outputs[] = { { "", RV_ARTEFACT_DATASET, "The shuffled recordings" }, { NULL } };

static const RvNodeClass class = { .outputs = outputs, .check = check, .run = run };

RV_PLUGIN ("transform", "shuffle")
  .version = "1.0",
  .licence = "CC0-1.0",
  .doc = "Takes the order of steps, or the synchrony of units, out of spike trains",
  .citation = NULL,
  .params = params,
  .params_size = sizeof (Self),
  RV_FUNCTIONS (class),
};
