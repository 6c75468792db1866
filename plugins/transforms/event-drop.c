/* transform/event-drop: events or spikes taken out at random, by time, by area, or by one of these drawn
 * anew (EventDrop); or entries of steps, whatever they count (Ma et al. 2023). The share that is asked for is
 * the share that goes: exactly so many events, a window that lies inside the recording, a rectangle that lies
 * inside the sensor. */
#include <ranvier/ranvier.h>

static const char *const policies[] = { "random", "time", "area", "mixed", "entries", NULL };
static const char *const draws_of[] = { "epoch", "fixed", NULL };

enum
{
  RANDOM,
  TIME,
  AREA,
  MIXED,
  ENTRIES,
  EPOCH = 0,
  FIXED
};

/* Counters of a recording's stream; the events of policy random follow. */
enum
{
  AT_POLICY,
  AT_RATIO,
  AT_PLACE,
  AT_PLACE_Y,
  AT_SIZE,
  AT_EVENTS
};

typedef struct
{
  RvPort data;
  int policy, draws;
  double ratio;
  RvReals ratios, area_ratios;
  int64_t seed;
} EventDrop;

/* Owned by the dataset. */
typedef struct
{
  RvDataset *source;
  RvStream stream;
  int policy;
  gboolean fixed;
  double ratio;
  RvReals ratios, area_ratios;   /* items owned */
  uint32_t height, width, plane; /* of the sensor; units of one polarity */
} Dropped;

static gboolean
init (void *self, GError **error)
{
  const EventDrop *drop = self;
  if (drop->policy != MIXED || (drop->ratios.n && drop->area_ratios.n))
    return TRUE;
  g_set_error (error, RV_ERROR, RV_ERROR_PIPELINE,
               "'policy: mixed' draws from 'ratios' and 'area-ratios', which must not be empty");
  return FALSE;
}

/* Whether anything differs from epoch to epoch: not where the same goes whatever is drawn. */
static gboolean
drop_varies (const EventDrop *drop, const RvDatasetSpec *spec)
{
  const gboolean always_same = drop->policy != MIXED && (drop->ratio <= 0.0 || drop->ratio >= 1.0);
  return spec->varies || (drop->draws == EPOCH && !always_same);
}

static gboolean
check (void *self, RvNode *node, GError **error)
{
  const EventDrop *drop = self;
  RvDatasetSpec spec = *rv_port_spec (&drop->data);
  const gboolean entries = drop->policy == ENTRIES;
  if (spec.form == RV_FORM_STATIC || spec.form == (entries ? RV_FORM_EVENTS : RV_FORM_FRAMES))
    {
      static const char *const forms[] = { "still images", "spikes", "frames", "events" };
      g_set_error (error, RV_ERROR, RV_ERROR_SHAPE, "%stakes %s, but '%s' has %s",
                   entries ? "'policy: entries' " : "", entries ? "spikes or frames" : "events or spikes",
                   rv_port_name (&drop->data), forms[spec.form]);
      return FALSE;
    }
  spec.varies = drop_varies (drop, &spec);
  rv_node_set_spec (node, "", &spec);
  return TRUE;
}

/* What goes of one recording. Empty windows and rectangles take nothing. */
typedef struct
{
  RvStream stream;
  int policy;              /* RANDOM, TIME, AREA; MIXED: nothing goes */
  uint64_t left, seen;     /* random: of so many that are yet to be seen, so many go */
  uint64_t from, to;       /* time: [from, to) */
  uint32_t x0, x1, y0, y1; /* area: [x0, x1) * [y0, y1) */
} Plan;

/* Uniform in 0 ... n - 1 */
static uint64_t
draw_below (RvStream stream, uint64_t counter, uint64_t n)
{
  return MIN ((uint64_t)(rv_stream_uniform_double (stream, counter) * (double)n), n - 1);
}

/* The share of the time is ratio, to the nearest microsecond or step, and any place is equally likely. */
static void
plan_time (Plan *plan, double ratio, uint64_t duration)
{
  const uint64_t length = (uint64_t)llround (ratio * (double)duration);
  plan->from = draw_below (plan->stream, AT_PLACE, duration - length + 1);
  plan->to = plan->from + length;
}

/* The sides are to each other as those of the sensor: w = sqrt (ratio) W, h = ratio W H / w. Since h is
 * whole, it is rounded up as often as makes the share of the pixels ratio on the average. */
static void
plan_area (Plan *plan, double ratio, uint32_t height, uint32_t width)
{
  const double pixels = ratio * width * height;
  const uint32_t w = CLAMP ((uint32_t)lround (sqrt (ratio) * width), 1, width);
  const uint32_t h = MIN ((uint32_t)(pixels / w + rv_stream_uniform_double (plan->stream, AT_SIZE)), height);
  plan->x0 = (uint32_t)draw_below (plan->stream, AT_PLACE, width - w + 1);
  plan->y0 = (uint32_t)draw_below (plan->stream, AT_PLACE_Y, height - h + 1);
  plan->x1 = plan->x0 + w;
  plan->y1 = plan->y0 + h;
}

/* `n` events or spikes over `duration` microseconds or steps. */
static Plan
make_plan (const Dropped *dropped, uint64_t epoch, uint32_t id, uint32_t n, uint64_t duration)
{
  const RvStream own = rv_stream_fork (rv_stream_fork (dropped->stream, dropped->fixed ? 0 : epoch), id);
  Plan plan = { .stream = own, .policy = dropped->policy, .seen = n };
  double ratio = dropped->ratio;
  if (dropped->policy == MIXED)
    {
      plan.policy = (int)draw_below (own, AT_POLICY, 4);
      const RvReals *list = plan.policy == AREA ? &dropped->area_ratios : &dropped->ratios;
      ratio = list->items[draw_below (own, AT_RATIO, list->n)];
    }
  if (plan.policy == RANDOM)
    plan.left = (uint64_t)llround (ratio * n);
  else if (plan.policy == ENTRIES)
    plan.left = (uint64_t)(ratio * n);
  else if (plan.policy == TIME)
    plan_time (&plan, ratio, duration);
  else if (plan.policy == AREA)
    plan_area (&plan, ratio, dropped->height, dropped->width);
  return plan;
}

/* Whether event k, of `unit` at `t`, goes. Events must be asked for in order, each once. random: of those
 * yet to be seen each goes with the chance left / seen, so that exactly `left` go and every choice of them
 * is equally likely (selection sampling, Knuth, The Art of Computer Programming 2, 3.4.2). */
static gboolean
goes (const Dropped *dropped, Plan *plan, uint32_t k, uint64_t t, uint32_t unit)
{
  const uint32_t pixel = unit % dropped->plane, x = pixel % dropped->width, y = pixel / dropped->width;
  switch (plan->policy)
    {
    case RANDOM:
    case ENTRIES:
      {
        const double chance = rv_stream_uniform_double (plan->stream, AT_EVENTS + (uint64_t)k);
        const gboolean out = chance * (double)plan->seen < (double)plan->left;
        plan->seen--;
        plan->left -= out ? 1 : 0;
        return out;
      }
    case TIME:
      return t >= plan->from && t < plan->to;
    case AREA:
      return x >= plan->x0 && x < plan->x1 && y >= plan->y0 && y < plan->y1;
    default:
      return FALSE;
    }
}

static gboolean
drop_events (const Dropped *dropped, uint64_t epoch, uint32_t id, RvRecording *r)
{
  const uint32_t n = r->n_events;
  const uint64_t last = n ? (uint64_t)r->times[n - 1] + 1 : 0;
  Plan plan = make_plan (dropped, epoch, id, n, MAX (r->duration, last));
  uint32_t kept = 0;
  for (uint32_t k = 0; k < n; k++)
    {
      const uint32_t t = r->times[k], unit = r->ids[k];
      if (goes (dropped, &plan, k, t, unit))
        continue;
      r->times[kept] = t;
      r->ids[kept++] = unit;
    }
  r->n_events = kept;
  return kept > 0 || n == 0;
}

/* Entries: units of steps, however often they fired there. */
static uint32_t
count_entries (const RvRecording *r)
{
  uint32_t n = 0;
  for (uint32_t t = 0; t < r->steps; t++)
    for (uint32_t k = r->offsets[t]; k < r->offsets[t + 1]; k++)
      n += k == r->offsets[t] || r->ids[k] != r->ids[k - 1];
  return n;
}

static gboolean
drop_entries (const Dropped *dropped, uint64_t epoch, uint32_t id, RvRecording *r)
{
  Plan plan = make_plan (dropped, epoch, id, count_entries (r), r->steps);
  uint32_t kept = 0, k = 0, n = 0;
  for (uint32_t t = 0; t < r->steps; t++)
    {
      const uint32_t end = r->offsets[t + 1]; /* moved below */
      while (k < end)
        {
          const uint32_t unit = r->ids[k];
          const gboolean out = goes (dropped, &plan, n++, t, unit);
          for (; k < end && r->ids[k] == unit; k++)
            if (!out)
              r->ids[kept++] = unit;
        }
      r->offsets[t + 1] = kept;
    }
  return TRUE;
}

static gboolean
drop_values (const Dropped *dropped, uint64_t epoch, uint32_t id, RvRecording *r)
{
  const size_t all = (size_t)r->steps * r->units;
  uint32_t n = 0;
  for (size_t j = 0; j < all; j++)
    n += r->values[j] != 0.0f;
  Plan plan = make_plan (dropped, epoch, id, n, r->steps);
  n = 0;
  for (size_t j = 0; j < all; j++)
    if (r->values[j] != 0.0f && goes (dropped, &plan, n++, j / r->units, (uint32_t)(j % r->units)))
      r->values[j] = 0.0f;
  return TRUE;
}

static gboolean
drop_spikes (const Dropped *dropped, uint64_t epoch, uint32_t id, RvRecording *r)
{
  const uint32_t n = r->offsets[r->steps];
  Plan plan = make_plan (dropped, epoch, id, n, r->length ? MIN (r->length, r->steps) : r->steps);
  uint32_t kept = 0, k = 0;
  for (uint32_t t = 0; t < r->steps; t++)
    {
      const uint32_t end = r->offsets[t + 1]; /* the next line moves it */
      for (; k < end; k++)
        {
          const uint32_t unit = r->ids[k];
          if (!goes (dropped, &plan, k, t, unit))
            r->ids[kept++] = unit;
        }
      r->offsets[t + 1] = kept;
    }
  return kept > 0 || n == 0;
}

/* Policy mixed keeps a recording of which nothing would be left: it is read again. */
static gboolean
read_dropped (gconstpointer self, uint64_t epoch, uint32_t id, RvRecording *out, GError **error)
{
  const Dropped *dropped = self;
  if (!rv_dataset_read (dropped->source, epoch, id, out, error))
    return FALSE;
  const gboolean left = out->form == RV_FORM_EVENTS   ? drop_events (dropped, epoch, id, out)
                        : out->form == RV_FORM_FRAMES ? drop_values (dropped, epoch, id, out)
                        : dropped->policy == ENTRIES  ? drop_entries (dropped, epoch, id, out)
                                                      : drop_spikes (dropped, epoch, id, out);
  return left || dropped->policy != MIXED || rv_dataset_read (dropped->source, epoch, id, out, error);
}

static void
free_dropped (gpointer data)
{
  Dropped *dropped = data;
  rv_dataset_unref (dropped->source);
  g_free (dropped->ratios.items);
  g_free (dropped->area_ratios.items);
  g_free (dropped);
}

static RvReals
copy_reals (const RvReals *list)
{
  return (RvReals){ list->n, g_memdup2 (list->items, list->n * sizeof *list->items) };
}

static gboolean
run (void *self, RvNode *node, GError **error)
{
  const EventDrop *drop = self;
  RvDataset *source = rv_port_dataset (&drop->data);
  RvDatasetSpec spec = *rv_dataset_spec (source);
  /* what has no height and width is a column of channels */
  const gboolean flat = spec.dims[1] <= 1 || spec.dims[2] <= 1;
  Dropped *dropped = g_new (Dropped, 1);
  *dropped = (Dropped){ .source = rv_dataset_ref (source),
                        .stream = rv_stream_new ((uint64_t)drop->seed, "", "event-drop", spec.split),
                        .policy = drop->policy,
                        .fixed = drop->draws == FIXED,
                        .ratio = drop->ratio,
                        .ratios = copy_reals (&drop->ratios),
                        .area_ratios = copy_reals (&drop->area_ratios),
                        .height = flat ? MAX (spec.units, 1) : spec.dims[1],
                        .width = flat ? 1 : spec.dims[2] };
  dropped->plane = dropped->height * dropped->width;
  spec.varies = drop_varies (drop, &spec);
  rv_node_set_output (node, "", rv_dataset_new (&spec, read_dropped, dropped, free_dropped));
  return TRUE;
}

static const RvParam params[]
    = { RV_PORT (EventDrop, data, RV_ARTEFACT_DATASET, RV_PARAM_REQUIRED,
                 "Events or spikes; entries: also frames"),
        RV_CHOICE (EventDrop, policy, "random", policies,
                   "random: any events; time: those of a window; area: those of a rectangle; mixed: one of "
                   "these or none, drawn with its ratio for each recording; entries: units of steps that are "
                   "not zero, with "
                   "all that they count"),
        RV_REAL (EventDrop, ratio, "0.25", 0, 1, "",
                 "Share of the events, of the time, of the area or of the entries that goes; not for mixed"),
        RV_REALS (EventDrop, ratios, "[0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9]", 0, 1, "",
                  "mixed: what the ratio of random and time is drawn from"),
        RV_REALS (EventDrop, area_ratios, "[0.05, 0.1, 0.15, 0.2, 0.25]", 0, 1, "",
                  "mixed: what the ratio of area is drawn from"),
        RV_CHOICE (EventDrop, draws, "epoch", draws_of,
                   "epoch: drawn anew for each recording in each epoch; fixed: once for each recording"),
        RV_INT (EventDrop, seed, "1", 0, 9e15, "", "Key of all draws"),
        RV_PARAM_END };

static const RvOutput outputs[]
    = { { "", RV_ARTEFACT_DATASET, "What is left" }, { NULL, RV_ARTEFACT_NONE, NULL } };

static const RvNodeClass class = { outputs, check, run, NULL };

RV_PLUGIN ("transform", "event-drop")
  .version = "1.0",
  .licence = "LGPL-2.1-or-later",
  .doc = "Takes out a share of the events",
  .citation = "Gu et al. 2021, EventDrop: data augmentation for event-based learning; entries: Ma et al. 2023",
  .params = params,
  .params_size = sizeof (EventDrop),
  .init = init,
  RV_FUNCTIONS (class),
};
