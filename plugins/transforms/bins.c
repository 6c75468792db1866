/* transform/bins: events into time steps of one width. The edges lie at multiples of the width, never
 * where a recording happens to have its first event, so that a step means the same time in every
 * recording; what is read is the same whether a recording is read alone or with others. */
#include "steps.h"

static const char *const sides[] = { "left", "right", NULL };
static const char *const origins[] = { "zero", "first-event", NULL };
static const char *const fates[] = { "drop", "fold", NULL };

enum
{
  LEFT,  /* step i takes [i * width, (i + 1) * width) */
  RIGHT, /* step i takes ((i - 1) * width, i * width] */
  ZERO = 0,
  FIRST_EVENT,
  DROP = 0,
  FOLD
};

typedef struct
{
  RvPort data;
  double width;
  int64_t steps;
  int closed, origin, late;
  gboolean counts, mask;
} Bins;

/* Owned by the dataset. */
typedef struct
{
  RvDataset *source;
  uint64_t width; /* microseconds */
  uint32_t steps;
  int closed, origin, late;
  gboolean counts, mask;
} Binned;

/* The width in whole microseconds, which is what events have. */
static uint64_t
microseconds (const Bins *bins)
{
  return (uint64_t)llround (bins->width * 1e6);
}

static gboolean
init (void *self, GError **error)
{
  const Bins *bins = self;
  const double width = (double)microseconds (bins) * 1e-6;
  if (fabs (width - bins->width) <= 1e-9 * bins->width)
    return TRUE;
  g_set_error (error, RV_ERROR, RV_ERROR_PIPELINE,
               "'width' is %g us; events have whole microseconds, so it must be one of them",
               bins->width * 1e6);
  return FALSE;
}

/* left: floor (t / width); right: ceil (t / width) */
static uint64_t
step_of (uint64_t t, uint64_t width, int closed)
{
  return closed == LEFT ? t / width : (t + width - 1) / width;
}

/* Steps that hold every event before `duration`. */
static uint64_t
steps_for (uint64_t duration, uint64_t width, int closed)
{
  return duration ? step_of (duration - 1, width, closed) + 1 : 1;
}

/* Turns the spec of events into that of the bins; FALSE with an error if the number of steps is not known. */
static gboolean
bin_spec (const Bins *bins, RvDatasetSpec *spec, GError **error)
{
  const uint64_t longest = rv_port_spec (&bins->data)->duration;
  const uint64_t steps
      = bins->steps ? (uint64_t)bins->steps : steps_for (longest, microseconds (bins), bins->closed);
  if (!bins->steps && (!longest || steps > 1000000))
    {
      if (longest)
        g_set_error (error, RV_ERROR, RV_ERROR_SHAPE,
                     "the longest recording of '%s' lasts %.6g s: %" G_GUINT64_FORMAT
                     " steps of this width, more than 1000000; give 'steps' or a larger 'width'",
                     rv_port_name (&bins->data), (double)longest * 1e-6, steps);
      else
        g_set_error (error, RV_ERROR, RV_ERROR_SHAPE,
                     "how long the recordings of '%s' last is known only when they are read; give 'steps'",
                     rv_port_name (&bins->data));
      return FALSE;
    }
  spec->form = RV_FORM_SPIKES;
  spec->steps = (uint32_t)steps;
  spec->step_width = bins->width;
  return TRUE;
}

static gboolean
check (void *self, RvNode *node, GError **error)
{
  const Bins *bins = self;
  RvDatasetSpec spec = *rv_port_spec (&bins->data);
  if (spec.form != RV_FORM_EVENTS)
    {
      g_set_error (error, RV_ERROR, RV_ERROR_SHAPE, "puts events into steps, but '%s' has %s",
                   rv_port_name (&bins->data), spec.steps ? "steps already" : "still images");
      return FALSE;
    }
  if (!bin_spec (bins, &spec, error))
    return FALSE;
  rv_node_set_spec (node, "", &spec);
  return TRUE;
}

/* Turns each time into its step and takes out what comes too late. */
static gboolean
find_steps (const Binned *binned, uint32_t id, RvRecording *events, GError **error)
{
  const uint64_t origin = binned->origin == FIRST_EVENT && events->n_events ? events->times[0] : 0;
  uint32_t kept = 0;
  for (uint32_t k = 0; k < events->n_events; k++)
    {
      if (events->ids[k] >= events->units || events->times[k] < origin)
        {
          g_set_error (error, RV_ERROR, RV_ERROR_DATA, "recording %u: event %u is of unit %u of %u, at %u us",
                       id, k, events->ids[k], events->units, events->times[k]);
          return FALSE;
        }
      uint64_t step = step_of (events->times[k] - origin, binned->width, binned->closed);
      if (step >= binned->steps && binned->late == DROP)
        continue;
      events->times[kept] = (uint32_t)MIN (step, binned->steps - 1);
      events->ids[kept++] = events->ids[k];
    }
  events->n_events = kept;
  return TRUE;
}

/* How many steps the recording lasts, at least one. Taken before find_steps overwrites the times. */
static uint32_t
length_of (const Binned *binned, const RvRecording *events)
{
  const uint32_t n = events->n_events;
  const uint64_t last = n ? (uint64_t)events->times[n - 1] + 1 : 0;
  const uint64_t origin = binned->origin == FIRST_EVENT && n ? events->times[0] : 0;
  const uint64_t end = MAX (last, events->duration);
  return (uint32_t)MIN (steps_for (end - origin, binned->width, binned->closed), binned->steps);
}

static gboolean
read_binned (gconstpointer self, uint64_t epoch, uint32_t id, RvRecording *out, GError **error)
{
  const Binned *binned = self;
  g_auto (RvRecording) events = { 0 };
  if (!rv_dataset_read (binned->source, epoch, id, &events, error))
    return FALSE;
  const uint32_t length = length_of (binned, &events);
  if (!find_steps (binned, id, &events, error))
    return FALSE;
  spikes_from_steps (&events, binned->steps, binned->counts, out);
  out->label = events.label;
  out->length = binned->mask ? length : 0;
  return TRUE;
}

static void
free_binned (gpointer data)
{
  Binned *binned = data;
  rv_dataset_unref (binned->source);
  g_free (binned);
}

static gboolean
run (void *self, RvNode *node, GError **error)
{
  const Bins *bins = self;
  RvDataset *source = rv_port_dataset (&bins->data);
  RvDatasetSpec spec = *rv_dataset_spec (source);
  if (!bin_spec (bins, &spec, error))
    return FALSE;
  Binned *binned = g_new (Binned, 1);
  *binned = (Binned){ .source = rv_dataset_ref (source),
                      .width = microseconds (bins),
                      .steps = spec.steps,
                      .closed = bins->closed,
                      .origin = bins->origin,
                      .late = bins->late,
                      .counts = bins->counts,
                      .mask = bins->mask };
  rv_node_set_output (node, "", rv_dataset_new (&spec, read_binned, binned, free_binned));
  return TRUE;
}

static const RvParam params[] = {
  RV_PORT (Bins, data, RV_ARTEFACT_DATASET, RV_PARAM_REQUIRED, "Events"),
  RV_DURATION (Bins, width, "1 ms", 1e-6, 4000, "How long a step is: whole microseconds"),
  RV_INT (Bins, steps, "0", 0, 1e6, "steps",
          "T; 0: as many as the longest recording of the set needs, where that is known before it is read"),
  RV_CHOICE (
      Bins, closed, "left", sides,
      "Which edge belongs to a step. left: step i takes [i, i + 1) * width; right: (i - 1, i] * width, so "
      "that step 0 takes time 0 alone"),
  RV_CHOICE (Bins, origin, "zero", origins,
             "Where time begins: at 0, or at the first event of each recording"),
  RV_CHOICE (Bins, late, "drop", fates, "Events behind the last step are dropped, or folded into it"),
  RV_BOOL (Bins, counts, "no", "A unit counts in a step as often as it fired; otherwise once"),
  RV_BOOL (Bins, mask, "no", "Steps behind the end of a recording count neither in decoder nor in loss"),
  RV_PARAM_END
};

static const RvOutput outputs[] = { { "", RV_ARTEFACT_DATASET, "Spikes" }, { NULL, RV_ARTEFACT_NONE, NULL } };

static const RvNodeClass class = { outputs, check, run, NULL };

RV_PLUGIN ("transform", "bins").version = "1.0", .licence = "LGPL-2.1-or-later",
                        .doc = "Events into time steps of one width", .params = params,
                        .params_size = sizeof (Bins), .init = init, RV_FUNCTIONS (class),
}
;
