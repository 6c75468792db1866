/* transform/frames: events into a fixed number of frames of counts, split by number of events or by time
 * as the published preparations of event cameras do it (Fang et al. 2021, Incorporating learnable membrane
 * time constant). */
#include <ranvier/ranvier.h>
#include <string.h>

static const char *const splits[] = { "events", "time", NULL };
static const char *const scales[] = { "none", "max", "sum", NULL };

enum
{
  BY_EVENTS,
  BY_TIME,
  NONE = 0,
  MAXIMUM, /* the largest value of a recording becomes 1 */
  SUM      /* the values of each frame sum to 1 */
};

typedef struct
{
  RvPort data;
  int64_t frames;
  int split, normalise;
  gboolean counts;
} Frames;

/* Owned by the dataset. */
typedef struct
{
  RvDataset *source;
  Frames options;
} Framed;

static void
frame_spec (const Frames *frames, RvDatasetSpec *spec)
{
  spec->form = RV_FORM_FRAMES;
  spec->steps = (uint32_t)frames->frames;
  spec->step_width = 0; /* another in each recording */
}

static gboolean
check (void *self, RvNode *node, GError **error)
{
  const Frames *frames = self;
  RvDatasetSpec spec = *rv_port_spec (&frames->data);
  if (spec.form != RV_FORM_EVENTS)
    {
      g_set_error (error, RV_ERROR, RV_ERROR_SHAPE, "puts events into frames, but '%s' has %s",
                   rv_port_name (&frames->data), spec.steps ? "steps already" : "still images");
      return FALSE;
    }
  frame_spec (frames, &spec);
  rv_node_set_spec (node, "", &spec);
  return TRUE;
}

/* The first event of frame j, j <= M, of N events; the last frame takes the rest.
 * events: j * floor (N / M). time: the first at or after t_0 + j * floor ((t_last - t_0) / M). */
static uint32_t
begin_of (const RvRecording *events, int split, uint32_t j, uint32_t frames, uint32_t from)
{
  const uint32_t n = events->n_events;
  if (j == frames)
    return n;
  if (split == BY_EVENTS)
    return j * (n / frames);
  const uint32_t width = n ? (events->times[n - 1] - events->times[0]) / frames : 0;
  while (from < n && events->times[from] - events->times[0] < j * width)
    from++;
  return from;
}

static gboolean
count_events (const RvRecording *events, uint32_t id, uint32_t first, uint32_t end, float *frame,
              GError **error)
{
  for (uint32_t k = first; k < end; k++)
    {
      if (events->ids[k] >= events->units)
        {
          g_set_error (error, RV_ERROR, RV_ERROR_DATA, "recording %u: event %u is of unit %u of %u, at %u us",
                       id, k, events->ids[k], events->units, events->times[k]);
          return FALSE;
        }
      frame[events->ids[k]] += 1.0f;
    }
  return TRUE;
}

/* Sums of counts are whole numbers, so that their order does not matter. */
static void
normalise (int how, uint32_t steps, uint32_t units, float *values)
{
  const size_t all = (size_t)steps * units;
  const size_t block = how == SUM ? units : all;
  for (size_t from = 0; from < all && how != NONE; from += block)
    {
      double total = 0.0;
      for (size_t k = from; k < from + block; k++)
        total = how == SUM ? total + (double)values[k] : MAX (total, (double)values[k]);
      for (size_t k = from; k < from + block && total > 0.0; k++)
        values[k] = (float)((double)values[k] / total);
    }
}

static gboolean
read_framed (gconstpointer self, uint64_t epoch, uint32_t id, RvRecording *out, GError **error)
{
  const Framed *framed = self;
  const uint32_t frames = (uint32_t)framed->options.frames;
  g_auto (RvRecording) events = { 0 };
  if (!rv_dataset_read (framed->source, epoch, id, &events, error))
    return FALSE;
  const size_t all = (size_t)frames * events.units;
  float *values = rv_recording_set_frames (out, frames, events.units);
  memset (values, 0, all * sizeof *values);
  for (uint32_t j = 0, first = 0; j < frames; j++)
    {
      const uint32_t end = begin_of (&events, framed->options.split, j + 1, frames, first);
      if (!count_events (&events, id, first, end, values + (size_t)j * events.units, error))
        return FALSE;
      first = end;
    }
  for (size_t k = 0; k < all && !framed->options.counts; k++)
    values[k] = MIN (values[k], 1.0f);
  normalise (framed->options.normalise, frames, events.units, values);
  out->label = events.label;
  return TRUE;
}

static void
free_framed (gpointer data)
{
  Framed *framed = data;
  rv_dataset_unref (framed->source);
  g_free (framed);
}

static gboolean
run (void *self, RvNode *node, GError **error)
{
  const Frames *frames = self;
  RvDataset *source = rv_port_dataset (&frames->data);
  RvDatasetSpec spec = *rv_dataset_spec (source);
  Framed *framed = g_new (Framed, 1);
  *framed = (Framed){ rv_dataset_ref (source), *frames };
  frame_spec (frames, &spec);
  rv_node_set_output (node, "", rv_dataset_new (&spec, read_framed, framed, free_framed));
  return TRUE;
}

static const RvParam params[]
    = { RV_PORT (Frames, data, RV_ARTEFACT_DATASET, RV_PARAM_REQUIRED, "Events"),
        RV_REQUIRED_INT (Frames, frames, 1, 1e6, "steps", "T, into how many frames each recording is split"),
        RV_CHOICE (Frames, split, "events", splits,
                   "events: equally many in each frame; time: frames equally long, from the first event to "
                   "the last. What does not divide goes into the last frame"),
        RV_BOOL (Frames, counts, "yes", "Values are numbers of events; otherwise 1 where there was one"),
        RV_CHOICE (Frames, normalise, "none", scales,
                   "max: the largest value of a recording becomes 1; sum: the values of each frame sum to 1"),
        RV_PARAM_END };

static const RvOutput outputs[] = { { "", RV_ARTEFACT_DATASET, "Frames" }, { NULL, RV_ARTEFACT_NONE, NULL } };

static const RvNodeClass class = { outputs, check, run, NULL };

RV_PLUGIN ("transform", "frames")
  .version = "1.0",
  .licence = "LGPL-2.1-or-later",
  .doc = "Events into a fixed number of frames",
  .params = params,
  .params_size = sizeof (Frames),
  RV_FUNCTIONS (class),
};
