/* The transforms of events in random chains: each stage against a slow reference of its own, which sees
 * what the stage before made, and the whole chain the same in any order of reading, by any number of
 * threads. */
#include "base/threads.h"
#include "transform.h"

#define STAGES 5
#define EPOCHS 3

typedef enum
{
  BINS,
  FRAMES,
  DOWNSAMPLE,
  UNITS,
  DROP
} Kind;

typedef struct
{
  Kind kind;
  uint32_t a, b, c; /* numbers and choices, as `describe` puts them into words */
  gboolean yes, other;
} Stage;

static char *
describe (const Stage *s)
{
  static const char *const policies[] = { "random", "time", "area", "mixed" };
  static const char *const scales[] = { "none", "max", "sum" };
  switch (s->kind)
    {
    case BINS:
      return g_strdup_printf (
          "{use: transform/bins, data: d, width: %u us, steps: %u, counts: %s, mask: yes}", s->a, s->b,
          s->yes ? "yes" : "no");
    case FRAMES:
      return g_strdup_printf (
          "{use: transform/frames, data: d, frames: %u, split: %s, counts: %s, normalise: %s}", s->a,
          s->other ? "time" : "events", s->yes ? "yes" : "no", scales[s->b]);
    case DOWNSAMPLE:
      return g_strdup_printf ("{use: transform/downsample, data: d, factor: %u, pool: %s}", s->a,
                              s->yes ? "any" : "sum");
    case UNITS:
      return g_strdup_printf (
          "{use: transform/units, data: d, first: %u, count: %u, group: %u, flip: %s, pool: %s}", s->a, s->b,
          s->c, s->other ? "yes" : "no", s->yes ? "any" : "sum");
    default:
      return g_strdup_printf (
          "{use: transform/event-drop, data: d, policy: %s, ratio: %g, draws: %s, seed: %u}", policies[s->a],
          s->b / 10.0, s->yes ? "fixed" : "epoch", s->c);
    }
}

/* ---- the references */

static void
check_bins (const Stage *s, const RvRecording *in, const RvRecording *out)
{
  for (uint32_t t = 0; t < s->b; t++)
    for (uint32_t u = 0; u < in->units; u++)
      {
        uint32_t expected = 0, found = 0;
        for (uint32_t k = 0; k < in->n_events; k++)
          expected += in->ids[k] == u && in->times[k] / s->a == t;
        for (uint32_t k = out->offsets[t]; k < out->offsets[t + 1]; k++)
          found += out->ids[k] == u;
        g_assert_cmpuint (found, ==, s->yes ? expected : MIN (expected, 1));
      }
}

/* By division instead of by following the frames' ends. */
static uint32_t
frame_of (const Stage *s, const RvRecording *in, uint32_t k)
{
  const uint32_t n = in->n_events, span = in->times[n - 1] - in->times[0];
  const uint32_t width = s->other ? span / s->a : n / s->a;
  return width ? MIN ((s->other ? in->times[k] - in->times[0] : k) / width, s->a - 1) : s->a - 1;
}

static void
check_frames (const Stage *s, const RvRecording *in, const RvRecording *out)
{
  const uint32_t all = s->a * in->units;
  g_autofree double *expected = g_new0 (double, all);
  double most = 0.0;
  for (uint32_t k = 0; k < in->n_events; k++)
    expected[frame_of (s, in, k) * in->units + in->ids[k]] += 1.0;
  for (uint32_t k = 0; k < all; k++)
    {
      expected[k] = s->yes ? expected[k] : MIN (expected[k], 1.0);
      most = MAX (most, expected[k]);
    }
  for (uint32_t j = 0; j < s->a; j++)
    {
      double sum = 0.0;
      for (uint32_t u = 0; u < in->units; u++)
        sum += expected[j * in->units + u];
      for (uint32_t u = 0; u < in->units; u++)
        {
          const double divisor = s->b == 1 ? most : s->b == 2 ? sum : 1.0;
          const double value = expected[j * in->units + u] / (divisor > 0.0 ? divisor : 1.0);
          g_assert_cmpfloat (out->values[j * in->units + u], ==, (float)value);
        }
    }
}

/* The new unit of `unit`; -1: left out. */
static int64_t
new_unit (const Stage *s, const uint32_t dims[3], int64_t unit)
{
  if (s->kind == UNITS)
    {
      const int64_t n = s->b ? s->b : (int64_t)(dims[0] * dims[1] * dims[2]) - s->a, place = unit - s->a;
      if (place < 0 || place >= n)
        return -1;
      return (s->other ? n - 1 - place : place) / s->c;
    }
  const int64_t pixels = dims[1] * dims[2], channel = unit / pixels, y = unit % pixels / dims[2],
                x = unit % dims[2];
  const int64_t height = (dims[1] - 1) / s->a + 1, width = (dims[2] - 1) / s->a + 1;
  return channel * height * width + y / s->a * width + x / s->a;
}

static void
check_regroup_events (const Stage *s, const uint32_t dims[3], const RvRecording *in, const RvRecording *out)
{
  uint32_t n = 0;
  for (uint32_t k = 0; k < in->n_events; k++)
    {
      const int64_t unit = new_unit (s, dims, in->ids[k]);
      gboolean again = FALSE;
      for (uint32_t j = 0; j < n && s->yes; j++)
        again |= out->ids[j] == unit && out->times[j] == in->times[k];
      if (unit < 0 || again)
        continue;
      g_assert_cmpuint (n, <, out->n_events);
      g_assert_cmpuint (out->ids[n], ==, unit);
      g_assert_cmpuint (out->times[n++], ==, in->times[k]);
    }
  g_assert_cmpuint (out->n_events, ==, n);
  g_assert_cmpuint (out->duration, ==, in->duration);
}

static void
check_regroup_spikes (const Stage *s, const uint32_t dims[3], const RvRecording *in, const RvRecording *out)
{
  for (uint32_t t = 0; t < in->steps; t++)
    for (uint32_t u = 0; u < out->units; u++)
      {
        uint32_t expected = 0, found = 0;
        for (uint32_t k = in->offsets[t]; k < in->offsets[t + 1]; k++)
          expected += new_unit (s, dims, in->ids[k]) == u;
        for (uint32_t k = out->offsets[t]; k < out->offsets[t + 1]; k++)
          found += out->ids[k] == u;
        g_assert_cmpuint (found, ==, s->yes ? MIN (expected, 1) : expected);
      }
}

/* An event or spike. */
typedef struct
{
  uint32_t time, unit; /* microsecond or step */
} Pair;

/* Every event or spike, in order. Caller frees. */
static GArray *
pairs_of (const RvRecording *r)
{
  GArray *pairs = g_array_new (FALSE, FALSE, sizeof (Pair));
  for (uint32_t k = 0; r->form == RV_FORM_EVENTS && k < r->n_events; k++)
    g_array_append_vals (pairs, &(Pair){ r->times[k], r->ids[k] }, 1);
  for (uint32_t t = 0; r->form == RV_FORM_SPIKES && t < r->steps; t++)
    for (uint32_t k = r->offsets[t]; k < r->offsets[t + 1]; k++)
      g_array_append_vals (pairs, &(Pair){ t, r->ids[k] }, 1);
  return pairs;
}

#define PAIR(array, k) g_array_index (array, Pair, k)

/* What went, found by walking both lists at once: what is left must be a part of what was there, in its
 * order. */
static GArray *
what_went (const GArray *in, const GArray *out)
{
  GArray *went = g_array_new (FALSE, FALSE, sizeof (Pair));
  guint j = 0;
  for (guint k = 0; k < in->len; k++)
    if (j < out->len && memcmp (&PAIR (in, k), &PAIR (out, j), sizeof (Pair)) == 0)
      j++;
    else
      g_array_append_val (went, PAIR (in, k));
  g_assert_cmpuint (j, ==, out->len);
  return went;
}

/* Everything in the smallest window, or box, around what went has gone, and that is no larger than asked
 * for. */
static void
check_drop (const Stage *s, const uint32_t dims[3], const RvRecording *in, const RvRecording *out)
{
  g_autoptr (GArray) before = pairs_of (in), after = pairs_of (out), went = what_went (before, after);
  const double ratio = s->b / 10.0;
  const gboolean flat = dims[1] <= 1 || dims[2] <= 1;
  const uint32_t width = flat ? 1 : dims[2], height = flat ? dims[0] * dims[1] * dims[2] : dims[1];
  uint32_t low[3] = { UINT32_MAX, UINT32_MAX, UINT32_MAX }, high[3] = { 0, 0, 0 };
  for (guint k = 0; k < went->len; k++)
    {
      const uint32_t pixel = PAIR (went, k).unit % (width * height);
      const uint32_t place[3] = { PAIR (went, k).time, pixel / width, pixel % width };
      for (int d = 0; d < 3; d++)
        {
          low[d] = MIN (low[d], place[d]);
          high[d] = MAX (high[d], place[d]);
        }
    }
  for (guint k = 0; k < after->len && went->len; k++)
    {
      const uint32_t t = PAIR (after, k).time, pixel = PAIR (after, k).unit % (width * height);
      const uint32_t y = pixel / width, x = pixel % width;
      if (s->a == 1)
        g_assert_false (t >= low[0] && t <= high[0]);
      if (s->a == 2)
        g_assert_false (y >= low[1] && y <= high[1] && x >= low[2] && x <= high[2]);
    }
  if (s->a == 0)
    g_assert_cmpuint (went->len, ==, (guint)(ratio * before->len + 0.5));
  const uint32_t lasts = in->form == RV_FORM_EVENTS ? in->duration : in->length ? in->length : in->steps;
  if (s->a == 1 && went->len)
    g_assert_cmpfloat (high[0] - low[0], <, ratio * lasts + 0.5);
  if (s->a == 2 && went->len)
    g_assert_cmpfloat ((high[1] - low[1] + 1) * (high[2] - low[2] + 1), <=, ratio * width * height + width);
  if (s->a == 3)
    g_assert_true (after->len > 0 || before->len == 0);
}

static void
check_stage (const Stage *s, const uint32_t dims[3], const RvRecording *in, const RvRecording *out)
{
  g_assert_cmpuint (out->label, ==, in->label);
  if (in->form == RV_FORM_SPIKES)
    g_assert_cmpuint (out->length, ==, in->length);
  if (s->kind == BINS)
    check_bins (s, in, out);
  else if (s->kind == FRAMES)
    check_frames (s, in, out);
  else if (s->kind == DROP)
    check_drop (s, dims, in, out);
  else if (in->form == RV_FORM_EVENTS)
    check_regroup_events (s, dims, in, out);
  else
    check_regroup_spikes (s, dims, in, out);
}

/* ---- random chains */

/* A stage that fits data of this form, and whatever numbers the stream says. */
static Stage
draw_stage (RvStream r, const RvDatasetSpec *spec)
{
  const gboolean events = spec->form == RV_FORM_EVENTS;
  Stage s = { .kind = (Kind)(rv_stream_bits (r, 0) % (events ? 5 : 3)),
              .yes = rv_stream_bits (r, 1) & 1,
              .other = rv_stream_bits (r, 2) & 1 };
  if (!events)
    s.kind = (Kind)(DOWNSAMPLE + s.kind);
  if (s.kind == DOWNSAMPLE && spec->dims[1] * spec->dims[2] <= 1)
    s.kind = UNITS;
  const uint64_t x = rv_stream_bits (r, 3), y = rv_stream_bits (r, 4), z = rv_stream_bits (r, 5);
  static const uint32_t widths[] = { 1000, 3000, 777, 20000 };
  switch (s.kind)
    {
    case BINS:
      s.a = widths[x % 4];
      s.b = 1 + y % 40;
      break;
    case FRAMES:
      s.a = 1 + x % 12;
      s.b = y % 3;
      break;
    case DOWNSAMPLE:
      s.a = 1 + x % 4;
      break;
    case UNITS:
      s.a = (uint32_t)(x % spec->units);
      s.b = (uint32_t)(y % (spec->units - s.a + 1));
      s.c = 1 + z % 5;
      break;
    default:
      s.a = x % 4;
      s.b = y % 11;
      s.c = z % 100;
    }
  return s;
}

/* All that a recording says, as bytes. */
static GByteArray *
bytes_of (const RvRecording *r)
{
  GByteArray *all = g_byte_array_new ();
  const uint32_t head[] = { r->form, r->steps, r->units, r->label, r->length, r->n_events, r->duration };
  g_byte_array_append (all, (const guint8 *)head, sizeof head);
  if (r->form == RV_FORM_FRAMES)
    {
      g_byte_array_append (all, (const guint8 *)r->values, (guint)(sizeof *r->values * r->steps * r->units));
      return all;
    }
  const uint32_t n = r->form == RV_FORM_EVENTS ? r->n_events : r->offsets[r->steps];
  const uint32_t *times = r->form == RV_FORM_EVENTS ? r->times : r->offsets;
  g_byte_array_append (all, (const guint8 *)r->ids, n * 4);
  g_byte_array_append (all, (const guint8 *)times, (r->form == RV_FORM_EVENTS ? n : r->steps + 1) * 4);
  return all;
}

typedef struct
{
  const RvDataset *data;
  uint32_t samples;
  GByteArray **found; /* [EPOCHS * samples] */
} Reading;

static void
read_place (void *self, uint32_t place, uint32_t worker)
{
  Reading *reading = self;
  g_auto (RvRecording) r = { 0 };
  g_assert_true (
      rv_dataset_read (reading->data, place / reading->samples, place % reading->samples, &r, NULL));
  reading->found[place] = bytes_of (&r);
}

static gboolean
same (const GByteArray *a, const GByteArray *b)
{
  return a->len == b->len && memcmp (a->data, b->data, a->len) == 0;
}

/* In order, backwards into one recording that held others, and by several threads; data that does not vary
 * is the same in every epoch. */
static void
check_purity (const RvDataset *data)
{
  const uint32_t samples = rv_dataset_spec (data)->samples, n = EPOCHS * samples;
  Reading first = { data, samples, g_new0 (GByteArray *, n) },
          second = { data, samples, g_new0 (GByteArray *, n) };
  g_auto (RvRecording) used = { 0 };
  for (uint32_t k = 0; k < n; k++)
    read_place (&first, k, 0);
  rv_parallel_for (n, read_place, &second);
  for (uint32_t k = n; k-- > 0;)
    {
      g_assert_true (rv_dataset_read (data, k / samples, k % samples, &used, NULL));
      g_autoptr (GByteArray) again = bytes_of (&used);
      g_assert_true (same (first.found[k], again));
      g_assert_true (same (first.found[k], second.found[k]));
      g_assert_true (rv_dataset_spec (data)->varies || same (first.found[k], first.found[k % samples]));
    }
  for (uint32_t k = 0; k < n; k++)
    {
      g_byte_array_unref (first.found[k]);
      g_byte_array_unref (second.found[k]);
    }
  g_free (first.found);
  g_free (second.found);
}

static void
test_chains (void)
{
  const RvStream all = rv_stream_new (11, "", "chains", "");
  guint seen[DROP + 1][2] = { { 0 } };
  rv_threads_set (5);
  for (uint32_t chain = 0; chain < 150; chain++)
    {
      const RvStream own = rv_stream_fork (all, chain);
      TestEvents source = { .samples = 4, .events = 90, .span = 40000, .seed = chain };
      const uint32_t shapes[3][3] = { { 2, 6, 5 }, { 40, 1, 1 }, { 1, 4, 9 } };
      memcpy (source.dims, shapes[chain % 3], sizeof source.dims);
      g_autoptr (RvDataset) data = test_events (&source);
      for (uint32_t k = 0; k < STAGES && rv_dataset_spec (data)->form != RV_FORM_FRAMES; k++)
        {
          const RvDatasetSpec *spec = rv_dataset_spec (data);
          const Stage stage = draw_stage (rv_stream_fork (own, k), spec);
          g_autofree char *text = describe (&stage);
          g_autoptr (GError) error = NULL;
          g_autoptr (RvDataset) next = test_transform (data, text, &error);
          g_auto (RvRecording) in = { 0 }, out = { 0 };
          g_assert_no_error (error);
          g_test_message ("chain %u: %s", chain, text);
          seen[stage.kind][spec->form == RV_FORM_SPIKES]++;
          for (uint32_t place = 0; place < EPOCHS * source.samples; place++)
            {
              g_assert_true (rv_dataset_read (data, place / 4, place % 4, &in, NULL));
              g_assert_true (rv_dataset_read (next, place / 4, place % 4, &out, NULL));
              check_stage (&stage, spec->dims, &in, &out);
            }
          rv_dataset_unref (data);
          data = g_steal_pointer (&next);
        }
      check_purity (data);
    }
  rv_threads_set (0);
  for (int kind = 0; kind <= DROP; kind++) /* or the chains test nothing */
    for (int spikes = 0; spikes < (kind < DOWNSAMPLE ? 1 : 2); spikes++)
      g_assert_cmpuint (seen[kind][spikes], >, 10);
}

/* ---- event-drop: the share that goes */

#define SIDE 20
#define FULL (2 * SIDE * SIDE)

/* One event of every unit in the middle of each of 50 ms. */
static gboolean
read_full (gconstpointer self, uint64_t epoch, uint32_t id, RvRecording *out, GError **error)
{
  rv_recording_set_events (out, FULL, 50 * FULL);
  for (uint32_t k = 0; k < 50 * FULL; k++)
    {
      out->times[k] = k / FULL * 1000 + 500;
      out->ids[k] = k % FULL;
    }
  out->n_events = 50 * FULL;
  out->duration = 50000;
  out->label = 0;
  return TRUE;
}

static RvDataset *
full (void)
{
  const RvDatasetSpec spec = { .form = RV_FORM_EVENTS,
                               .samples = 300,
                               .units = FULL,
                               .dims = { 2, SIDE, SIDE },
                               .classes = 1,
                               .duration = 50000,
                               .split = "train" };
  return rv_dataset_new (&spec, read_full, NULL, NULL);
}

static double
share_left (const RvDataset *data, uint64_t epoch, uint32_t id, gboolean *corners)
{
  g_auto (RvRecording) r = { 0 };
  g_assert_true (rv_dataset_read (data, epoch, id, &r, NULL));
  for (uint32_t k = 0; k < r.n_events; k++)
    {
      corners[0] |= r.ids[k] == 0 && r.times[k] == 500;
      corners[1] |= r.ids[k] == FULL - 1 && r.times[k] == 49500;
    }
  return r.n_events / (50.0 * FULL);
}

/* Each recording loses the ratio, and so do the ends of time and the corners of the sensor now and then. */
static void
test_ratio (void)
{
  static const char *const policies[] = { "random", "time", "area" };
  static const double ratios[] = { 0.0, 0.05, 0.1, 0.25, 0.5, 0.9, 1.0 };
  g_autoptr (RvDataset) source = full ();
  for (guint p = 0; p < 3; p++)
    for (guint k = 0; k < G_N_ELEMENTS (ratios); k++)
      {
        g_autofree char *text = g_strdup_printf (
            "{use: transform/event-drop, data: d, policy: %s, ratio: %g}", policies[p], ratios[k]);
        g_autoptr (RvDataset) data = test_transform (source, text, NULL);
        double sum = 0.0;
        guint ends[2] = { 0, 0 };
        const guint n = 40;
        for (uint32_t id = 0; id < n; id++)
          {
            gboolean left[2] = { FALSE, FALSE };
            const double gone = 1.0 - share_left (data, 1, id, left);
            /* time goes by the millisecond here, area by the row; random by the event */
            g_assert_cmpfloat_with_epsilon (gone, ratios[k], p == 0 ? 1e-9 : p == 1 ? 0.021 : 0.05);
            sum += gone;
            ends[0] += !left[0];
            ends[1] += !left[1];
          }
        g_assert_cmpfloat_with_epsilon (sum / n, ratios[k], p == 0 ? 1e-9 : 0.01);
        if (ratios[k] >= 0.9)
          g_assert_true (ends[0] > 0 && ends[1] > 0);
      }
}

/* The rectangle has the sides of the sensor, scaled: a quarter of 20 x 20 is 10 x 10. */
static void
test_shape (void)
{
  g_autoptr (RvDataset) source = full ();
  g_autoptr (RvDataset) data
      = test_transform (source, "{use: transform/event-drop, data: d, policy: area, ratio: 0.25}", NULL);
  for (uint32_t id = 0; id < 10; id++)
    {
      g_auto (RvRecording) r = { 0 };
      gboolean there[SIDE * SIDE] = { FALSE };
      guint rows[SIDE] = { 0 }, columns[SIDE] = { 0 };
      g_assert_true (rv_dataset_read (data, 0, id, &r, NULL));
      for (uint32_t k = 0; k < r.n_events; k++)
        there[r.ids[k] % (SIDE * SIDE)] = TRUE;
      for (guint k = 0; k < SIDE * SIDE; k++)
        {
          rows[k / SIDE] += !there[k];
          columns[k % SIDE] += !there[k];
        }
      for (guint k = 0; k < SIDE; k++)
        g_assert_true ((rows[k] == 0 || rows[k] == SIDE / 2) && (columns[k] == 0 || columns[k] == SIDE / 2));
    }
}

/* mixed: all four happen, about equally often. */
static void
test_mixed (void)
{
  g_autoptr (RvDataset) source = full ();
  g_autoptr (RvDataset) data = test_transform (
      source, "{use: transform/event-drop, data: d, policy: mixed, ratios: [0.5], area-ratios: [0.16]}",
      NULL);
  guint none = 0, half = 0, area = 0;
  for (uint32_t id = 0; id < 240; id++)
    {
      gboolean corners[2];
      const double gone = 1.0 - share_left (data, 0, id, corners);
      none += gone == 0.0;
      half += fabs (gone - 0.5) < 0.02;
      area += fabs (gone - 0.16) < 0.01;
    }
  g_assert_cmpuint (none + half + area, ==, 240);
  g_assert_true (none > 35 && none < 85 && area > 35 && area < 85 && half > 80 && half < 160);
}

/* Whether two epochs of a transform differ, and that its flag says so. */
static void
check_varies (RvDataset *source, const char *options, gboolean expected)
{
  g_autofree char *text = g_strdup_printf ("{use: transform/event-drop, data: d, %s}", options);
  g_autoptr (RvDataset) data = test_transform (source, text, NULL);
  g_auto (RvRecording) a = { 0 }, b = { 0 };
  g_assert_true (rv_dataset_read (data, 1, 7, &a, NULL) && rv_dataset_read (data, 2, 7, &b, NULL));
  g_autoptr (GByteArray) one = bytes_of (&a), two = bytes_of (&b);
  g_assert_cmpint (same (one, two), ==, !expected);
  g_assert_cmpint (rv_dataset_spec (data)->varies, ==, expected);
}

static void
test_varies (void)
{
  g_autoptr (RvDataset) source = full ();
  check_varies (source, "policy: random, ratio: 0.5", TRUE);
  check_varies (source, "policy: time, ratio: 0.5", TRUE);
  check_varies (source, "policy: area, ratio: 0.5", TRUE);
  check_varies (source, "policy: random, ratio: 0.5, draws: fixed", FALSE);
  check_varies (source, "policy: mixed, draws: fixed", FALSE);
  check_varies (source, "policy: random, ratio: 0", FALSE);
  check_varies (source, "policy: area, ratio: 1", FALSE);
}

/* Recordings, seeds and splits draw for themselves. */
static void
test_streams (void)
{
  g_autoptr (RvDataset) source = full ();
  g_autoptr (RvDataset) a
      = test_transform (source, "{use: transform/event-drop, data: d, draws: fixed}", NULL),
      b = test_transform (source, "{use: transform/event-drop, data: d, draws: fixed, seed: 2}", NULL);
  g_auto (RvRecording) r = { 0 };
  g_assert_true (rv_dataset_read (a, 0, 1, &r, NULL));
  g_autoptr (GByteArray) one = bytes_of (&r);
  g_assert_true (rv_dataset_read (a, 0, 2, &r, NULL));
  g_autoptr (GByteArray) two = bytes_of (&r);
  g_assert_true (rv_dataset_read (b, 0, 1, &r, NULL));
  g_autoptr (GByteArray) three = bytes_of (&r);
  g_assert_false (same (one, two));
  g_assert_false (same (one, three));
}

/* ---- entries: what stands at a unit of a step goes as a whole */

#define ENTRY_UNITS 13
#define ENTRY_STEPS 7

/* What unit u counts at step t. */
static uint32_t
entry_of (uint32_t id, uint32_t t, uint32_t u)
{
  return (uint32_t)(rv_stream_bits (rv_stream_fork (rv_stream_new (3, "", "entries", ""), id),
                                    t * ENTRY_UNITS + u)
                    % 4);
}

static gboolean
read_entries (gconstpointer self, uint64_t epoch, uint32_t id, RvRecording *out, GError **error)
{
  if (GPOINTER_TO_INT (self) == RV_FORM_FRAMES)
    {
      float *x = rv_recording_set_frames (out, ENTRY_STEPS, ENTRY_UNITS);
      for (uint32_t j = 0; j < ENTRY_STEPS * ENTRY_UNITS; j++)
        x[j] = (float)entry_of (id, j / ENTRY_UNITS, j % ENTRY_UNITS);
      return TRUE;
    }
  uint32_t n = 0;
  rv_recording_set_spikes (out, ENTRY_STEPS, ENTRY_UNITS, 4 * ENTRY_STEPS * ENTRY_UNITS);
  for (uint32_t t = 0; t < ENTRY_STEPS; t++)
    {
      out->offsets[t] = n;
      for (uint32_t u = 0; u < ENTRY_UNITS; u++)
        for (uint32_t k = 0; k < entry_of (id, t, u); k++)
          out->ids[n++] = u;
    }
  out->offsets[ENTRY_STEPS] = n;
  return TRUE;
}

static uint32_t
entry_left (const RvRecording *r, uint32_t t, uint32_t u)
{
  uint32_t n = 0;
  if (r->form == RV_FORM_FRAMES)
    return (uint32_t)r->values[t * ENTRY_UNITS + u];
  for (uint32_t e = r->offsets[t]; e < r->offsets[t + 1]; e++)
    n += r->ids[e] == u;
  return n;
}

static void
test_entries (void)
{
  static const double ratios[] = { 0.0, 0.1, 0.37, 1.0 };
  static const RvForm forms[] = { RV_FORM_SPIKES, RV_FORM_FRAMES };
  for (guint f = 0; f < 2; f++)
    for (guint k = 0; k < G_N_ELEMENTS (ratios); k++)
      {
        const RvDatasetSpec spec = { .form = forms[f],
                                     .samples = 400,
                                     .units = ENTRY_UNITS,
                                     .dims = { ENTRY_UNITS, 1, 1 },
                                     .steps = ENTRY_STEPS,
                                     .classes = 1,
                                     .split = "test" };
        g_autoptr (RvDataset) source = rv_dataset_new (&spec, read_entries, GINT_TO_POINTER (forms[f]), NULL);
        g_autofree char *text = g_strdup_printf (
            "{use: transform/event-drop, data: d, policy: entries, draws: fixed, ratio: %g}", ratios[k]);
        g_autoptr (RvDataset) data = test_transform (source, text, NULL);
        g_auto (RvRecording) r = { 0 };
        uint32_t gone_from[2] = { 0, 0 }, there[2] = { 0, 0 };
        for (uint32_t id = 0; id < spec.samples; id++)
          {
            uint32_t n = 0, left = 0;
            g_assert_true (rv_dataset_read (data, 0, id, &r, NULL));
            for (uint32_t j = 0; j < ENTRY_STEPS * ENTRY_UNITS; j++)
              {
                const uint32_t t = j / ENTRY_UNITS, u = j % ENTRY_UNITS, was = entry_of (id, t, u),
                               is = entry_left (&r, t, u);
                g_assert_true (is == 0 || is == was);
                n += was > 0;
                left += is > 0;
                there[j >= ENTRY_STEPS * ENTRY_UNITS / 2] += was > 0;
                gone_from[j >= ENTRY_STEPS * ENTRY_UNITS / 2] += was > 0 && is == 0;
              }
            g_assert_cmpuint (n - left, ==, (uint32_t)(ratios[k] * n));
          }
        for (int half = 0; half < 2; half++)
          g_assert_cmpfloat_with_epsilon ((double)gone_from[half] / there[half], ratios[k], 0.02);
      }
}

/* ---- what is refused */

static void
refused (RvDataset *source, const char *text, const char *message)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (RvDataset) data = test_transform (source, text, &error);
  g_assert_null (data);
  if (!strstr (error->message, message))
    g_error ("'%s' does not say '%s'", error->message, message);
}

static void
test_refused (void)
{
  const TestEvents own = { .samples = 1, .dims = { 40, 1, 1 }, .events = 3, .span = 1000 };
  RvDatasetSpec spec
      = { .form = RV_FORM_FRAMES, .samples = 1, .units = 40, .dims = { 40, 1, 1 }, .steps = 3 };
  g_autoptr (RvDataset) channels = test_events (&own), frames = rv_dataset_new (&spec, read_full, NULL, NULL);
  spec.form = RV_FORM_EVENTS;
  spec.steps = 0;
  spec.dims[0] = 2;
  spec.dims[1] = spec.dims[2] = 5;
  g_autoptr (RvDataset) wrong = rv_dataset_new (&spec, read_full, NULL, NULL);
  spec.form = RV_FORM_STATIC;
  g_autoptr (RvDataset) still = rv_dataset_new (&spec, read_full, NULL, NULL);
  refused (channels, "{use: transform/downsample, data: d, factor: 2}", "transform/units pools channels");
  refused (wrong, "{use: transform/downsample, data: d, factor: 2}", "which are not 2 x 5 x 5");
  refused (channels, "{use: transform/units, data: d, first: 30, count: 11}", "'events' has 40 units");
  refused (channels, "{use: transform/units, data: d, first: 40}", "can not be picked");
  refused (channels, "{use: transform/event-drop, data: d, policy: mixed, ratios: []}", "must not be empty");
  refused (frames, "{use: transform/units, data: d}", "'events' has frames");
  refused (frames, "{use: transform/event-drop, data: d}", "'events' has frames");
  refused (channels, "{use: transform/event-drop, data: d, policy: entries}", "'events' has events");
  refused (still, "{use: transform/event-drop, data: d, policy: entries}", "'events' has still images");
  refused (frames, "{use: transform/frames, data: d, frames: 3}", "has steps already");
  refused (still, "{use: transform/downsample, data: d, factor: 3}", "has still images");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/events/chains", test_chains);
  g_test_add_func ("/events/drop/ratio", test_ratio);
  g_test_add_func ("/events/drop/shape", test_shape);
  g_test_add_func ("/events/drop/mixed", test_mixed);
  g_test_add_func ("/events/drop/varies", test_varies);
  g_test_add_func ("/events/drop/streams", test_streams);
  g_test_add_func ("/events/drop/entries", test_entries);
  g_test_add_func ("/events/refused", test_refused);
  return g_test_run ();
}
