/* dataset/@NAME@: a dot that moves up or down along a ring of units, one unit a step, among noise; the class
 * is its direction. A rate alone does not tell: a network needs a memory of where the dot was.
 *
 * A dataset is a pure function read (epoch, id): any worker may ask for any recording at any time and gets
 * the same one. So all draws come from a stream that seed, split, epoch and id name. */
#include <ranvier/ranvier.h>

enum
{
  TRAIN,
  TEST
};

typedef struct
{
  int split;
  int64_t samples, seed, units, steps;
  double noise;
} Self;

/* What read needs; the dataset owns it. */
typedef struct
{
  uint32_t units, steps;
  float noise;
  gboolean varies;
  RvStream stream;
} Dots;

static const char *const splits[] = { "train", "test", NULL };
static const char *const names[] = { "up", "down" };

static const RvParam params[] = {
  RV_CHOICE (Self, split, "train", splits, "train: others in every epoch; test: always the same"),
  RV_INT (Self, samples, "1000", 1, 1e9, "", "Recordings in an epoch"),
  RV_INT (Self, seed, "1", 0, 9e15, "", "Key of all recordings"),
  RV_INT (Self, units, "20", 2, 1e6, "", "Input units, a ring"),
  RV_INT (Self, steps, "10", 1, 1e6, "steps", "Length of a recording"),
  RV_REAL (Self, noise, "0.02", 0, 1, "", "Chance of a spike at any other unit and step"),
  RV_PARAM_END
};

static RvDatasetSpec
spec_of (const Self *self)
{
  const uint32_t units = (uint32_t) self->units;
  return (RvDatasetSpec){ .form = RV_FORM_SPIKES,
                          .samples = (uint32_t) self->samples,
                          .units = units,
                          .dims = { units, 1, 1 },
                          .steps = (uint32_t) self->steps,
                          .classes = 2,
                          .classes_names = names,
                          .step_width = 1e-3,
                          .varies = self->split == TRAIN,
                          .split = splits[self->split] };
}

/* Any worker, several at once. The ids of each step are ascending; the core frees the buffers of `out`. */
static gboolean
read_dot (gconstpointer data, uint64_t epoch, uint32_t id, RvRecording *out, GError **error)
{
  const Dots *dots = data;
  const RvStream own = rv_stream_fork (rv_stream_fork (dots->stream, dots->varies ? epoch : 0), id);
  const RvStream noise = rv_stream_fork (own, 1);
  const uint32_t down = (uint32_t) (rv_stream_bits (own, 0) & 1), move = down ? dots->units - 1 : 1;
  uint32_t dot = (uint32_t) (rv_stream_uniform (own, 1) * (float) dots->units), count = 0;
  rv_recording_set_spikes (out, dots->steps, dots->units, (size_t) dots->steps * dots->units);
  for (uint32_t t = 0; t < dots->steps; t++)
    {
      out->offsets[t] = count;
      for (uint32_t u = 0; u < dots->units; u++)
        if (u == dot || rv_stream_uniform (noise, (uint64_t) t * dots->units + u) < dots->noise)
          out->ids[count++] = u;
      dot = (dot + move) % dots->units;
    }
  out->offsets[dots->steps] = count;
  out->label = down;
  return TRUE;
}

/* Before anything runs: says what the output will be, so that the whole pipeline can be checked. */
static gboolean
check (void *self, RvNode *node, GError **error)
{
  const RvDatasetSpec spec = spec_of (self);
  rv_node_set_spec (node, "", &spec);
  return TRUE;
}

static gboolean
run (void *data, RvNode *node, GError **error)
{
  const Self *self = data;
  const RvDatasetSpec spec = spec_of (self);
  Dots *dots = g_new (Dots, 1);
  *dots = (Dots){ .units = spec.units,
                  .steps = spec.steps,
                  .noise = (float) self->noise,
                  .varies = spec.varies,
                  .stream = rv_stream_new ((uint64_t) self->seed, "", "dots", spec.split) };
  rv_node_set_output (node, "", rv_dataset_new (&spec, read_dot, dots, g_free));
  return TRUE;
}

static const RvOutput outputs[] = { { "", RV_ARTEFACT_DATASET, "The recordings" }, { NULL } };

static const RvNodeClass class = { .outputs = outputs, .check = check, .run = run };

RV_PLUGIN ("dataset", "@NAME@")
  .version = "0.1",
  .licence = "CC0-1.0",
  .doc = "A dot that moves up or down among noise",
  .citation = NULL,
  .params = params,
  .params_size = sizeof (Self),
  RV_FUNCTIONS (class),
};
