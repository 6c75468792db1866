/* Spoken words as events: reads them from the wire, refuses what can not be, and holds them compactly. */
#include "recordings.h"
#include "wire.h"
#include <string.h>

#define PIECE 65536u

/* An event is two bytes: its unit, and in the six bits above the microseconds since the event in front of it.
 * Where these are LONG or more, they follow as a number in bytes of seven bits, the lowest first, all but the
 * last with the eighth bit set. Times of half precision stand still and then jump, so most waits are 0. */
#define UNIT_BITS 10
#define LONG 63u
#define MOST_BYTES (2 + 5)
G_STATIC_ASSERT (SPOKEN_UNITS <= 1 << UNIT_BITS);

/* Takes exactly `n` bytes into `out`, which grows as they arrive. */
static gboolean
take (const SpokenSource *source, size_t n, GByteArray *out, GError **error)
{
  g_byte_array_set_size (out, 0);
  while (out->len < n)
    {
      const guint at = out->len, most = (guint)MIN (n - at, PIECE);
      g_byte_array_set_size (out, at + most);
      const gssize got = source->read (source->user, out->data + at, most, error);
      g_byte_array_set_size (out, at + (guint)MAX (got, 0));
      if (got > 0)
        continue;
      if (got == 0)
        g_set_error (error, RV_ERROR, RV_ERROR_DATA, "the recordings end too early");
      return FALSE;
    }
  return TRUE;
}

static gboolean
take_number (const SpokenSource *source, uint32_t most, const char *what, uint32_t *number, GError **error)
{
  g_autoptr (GByteArray) bytes = g_byte_array_new ();
  if (!take (source, sizeof *number, bytes, error))
    return FALSE;
  memcpy (number, bytes->data, sizeof *number);
  if (*number <= most)
    return TRUE;
  g_set_error (error, RV_ERROR, RV_ERROR_DATA, "it says there are %u %s; more than %u can not be", *number,
               what, most);
  return FALSE;
}

static gboolean
take_names (const SpokenSource *source, SpokenSet *set, GError **error)
{
  g_autoptr (GByteArray) bytes = g_byte_array_new ();
  set->names = g_new0 (char *, source->most_classes + 1);
  for (uint32_t c = 0; c < set->classes; c++)
    {
      uint32_t length;
      if (!take_number (source, WIRE_MOST_NAME, "bytes in a name", &length, error)
          || !take (source, length, bytes, error))
        return FALSE;
      set->names[c] = g_utf8_make_valid (length ? (const char *)bytes->data : "", length);
      for (char *p = set->names[c]; *p; p++)
        if ((guchar)*p < 0x20 || *p == 0x7f)
          *p = '?';
    }
  for (uint32_t c = set->classes; c < source->most_classes; c++)
    set->names[c] = g_strdup_printf ("unused %u", c);
  return TRUE;
}

/* Labels and speakers. The room for `samples` grows with the labels that arrive. */
static gboolean
take_tables (const SpokenSource *source, SpokenSet *set, GError **error)
{
  g_autoptr (GByteArray) labels = g_byte_array_new (), speakers = g_byte_array_new ();
  if (!take (source, sizeof (uint32_t) * (size_t)set->samples, labels, error)
      || (set->has_speakers && !take (source, sizeof (uint32_t) * (size_t)set->samples, speakers, error)))
    return FALSE;
  set->recordings = g_new0 (Spoken, set->samples + 1);
  for (uint32_t id = 0; id < set->samples; id++)
    {
      Spoken *r = &set->recordings[id];
      memcpy (&r->label, labels->data + sizeof (uint32_t) * id, sizeof (uint32_t));
      if (set->has_speakers)
        memcpy (&r->speaker, speakers->data + sizeof (uint32_t) * id, sizeof (uint32_t));
      if (r->label < set->classes)
        continue;
      g_set_error (error, RV_ERROR, RV_ERROR_DATA,
                   "/labels of recording %u is %u, but /extra/keys names %u classes", id, r->label,
                   set->classes);
      return FALSE;
    }
  return TRUE;
}

static int
by_key (const void *a, const void *b)
{
  const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
  return (x > y) - (x < y);
}

/* By time; equal times keep their order. */
static void
sort_events (uint32_t n, uint32_t *times, guint16 *units)
{
  g_autofree uint64_t *keys = g_new (uint64_t, n + 1);
  g_autofree guint16 *before = g_memdup2 (units, sizeof *units * n);
  for (uint32_t k = 0; k < n; k++)
    keys[k] = (uint64_t)times[k] << 32 | k;
  qsort (keys, n, sizeof *keys, by_key);
  for (uint32_t k = 0; k < n; k++)
    {
      times[k] = (uint32_t)(keys[k] >> 32);
      units[k] = before[(uint32_t)keys[k]];
    }
}

static void
pack (Spoken *r, uint32_t n, const uint32_t *times, const guint16 *units)
{
  g_autofree guint8 *bytes = g_malloc ((size_t)n * MOST_BYTES + 1);
  guint8 *at = bytes;
  for (uint32_t k = 0; k < n; k++)
    {
      uint32_t wait = times[k] - (k ? times[k - 1] : 0);
      const guint16 head = (guint16)(MIN (wait, LONG) << UNIT_BITS | units[k]);
      *at++ = (guint8)head;
      *at++ = (guint8)(head >> 8);
      if (wait < LONG)
        continue;
      for (; wait > 127; wait >>= 7)
        *at++ = (guint8)(wait | 128);
      *at++ = (guint8)wait;
    }
  r->n = n;
  r->bytes = g_memdup2 (bytes, (gsize)(at - bytes));
}

static gboolean
check_events (const SpokenSource *source, uint32_t id, uint32_t n, uint32_t *times, guint16 *units,
              GError **error)
{
  gboolean ordered = TRUE;
  if (n == 0 && source->strict)
    {
      g_set_error (error, RV_ERROR, RV_ERROR_DATA,
                   "recording %u has no events; 'strict: no' keeps it as it is", id);
      return FALSE;
    }
  for (uint32_t k = 0; k < n; k++)
    {
      if (units[k] >= SPOKEN_UNITS)
        {
          g_set_error (error, RV_ERROR, RV_ERROR_DATA,
                       "/spikes/units of recording %u, event %u is %u; there are %u", id, k, units[k],
                       SPOKEN_UNITS);
          return FALSE;
        }
      if (times[k] > WIRE_MOST_SECONDS * 1000000u)
        {
          g_set_error (error, RV_ERROR, RV_ERROR_DATA,
                       "/spikes/times of recording %u, event %u is %u microseconds", id, k, times[k]);
          return FALSE;
        }
      if (k == 0 || times[k] >= times[k - 1])
        continue;
      ordered = FALSE;
      if (!source->strict)
        continue;
      g_set_error (error, RV_ERROR, RV_ERROR_DATA,
                   "/spikes/times of recording %u runs backwards at event %u, from %u to %u microseconds; "
                   "'strict: no' sorts it",
                   id, k, times[k - 1], times[k]);
      return FALSE;
    }
  if (!ordered)
    sort_events (n, times, units);
  return TRUE;
}

static gboolean
take_events (const SpokenSource *source, SpokenSet *set, GError **error)
{
  g_autoptr (GByteArray) times = g_byte_array_new (), units = g_byte_array_new ();
  for (uint32_t id = 0; id < set->samples; id++)
    {
      uint32_t n;
      if (!take_number (source, WIRE_MOST_EVENTS, "events in a recording", &n, error)
          || !take (source, sizeof (uint32_t) * (size_t)n, times, error)
          || !take (source, sizeof (guint16) * (size_t)n, units, error)
          || !check_events (source, id, n, (uint32_t *)times->data, (guint16 *)units->data, error))
        return FALSE;
      pack (&set->recordings[id], n, (const uint32_t *)times->data, (const guint16 *)units->data);
      if (n)
        set->duration = MAX (set->duration, ((const uint32_t *)times->data)[n - 1] + 1);
      if (source->progress && id % 256 == 0)
        source->progress (source->user, id, set->samples);
    }
  return TRUE;
}

SpokenSet *
spoken_set_read (const SpokenSource *source, GError **error)
{
  g_autoptr (SpokenSet) set = g_new0 (SpokenSet, 1);
  uint32_t mark, samples, with_speakers;
  if (!take_number (source, UINT32_MAX, "", &mark, error))
    return NULL;
  if (mark != WIRE_BEGIN)
    {
      g_set_error (error, RV_ERROR, RV_ERROR_DATA, "what ranvier-hdf5-events wrote is not its own form");
      return NULL;
    }
  if (!take_number (source, WIRE_MOST_SAMPLES, "recordings", &samples, error)
      || !take_number (source, source->most_classes, "classes", &set->classes, error)
      || !take_number (source, 1, "tables of speakers", &with_speakers, error)
      || !take_names (source, set, error))
    return NULL;
  set->has_speakers = with_speakers != 0;
  set->samples = samples;
  if (!take_tables (source, set, error) || (!source->head_only && !take_events (source, set, error))
      || !take_number (source, UINT32_MAX, "", &mark, error))
    return NULL;
  if (mark == WIRE_END)
    return g_steal_pointer (&set);
  g_set_error (error, RV_ERROR, RV_ERROR_DATA, "the recordings do not end where they should");
  return NULL;
}

void
spoken_set_free (SpokenSet *set)
{
  for (uint32_t id = 0; set->recordings && id < set->samples; id++)
    g_free (set->recordings[id].bytes);
  g_free (set->recordings);
  g_strfreev (set->names);
  g_free (set);
}

gboolean
spoken_set_recording (gconstpointer self, uint64_t epoch, uint32_t id, RvRecording *out, GError **error)
{
  const SpokenSet *set = self;
  const Spoken *r = &set->recordings[id];
  const guint8 *at = r->bytes;
  uint32_t now = 0;
  rv_recording_set_events (out, SPOKEN_UNITS, r->n);
  for (uint32_t k = 0; k < r->n; k++)
    {
      const uint32_t head = at[0] | (uint32_t)at[1] << 8;
      uint32_t wait = head >> UNIT_BITS, shift = 0;
      at += 2;
      if (wait == LONG)
        {
          wait = 0;
          do
            wait |= (uint32_t)(*at & 127) << shift, shift += 7;
          while (*at++ & 128);
        }
      out->times[k] = now += wait;
      out->ids[k] = head & ((1u << UNIT_BITS) - 1);
    }
  out->n_events = r->n;
  out->duration = r->n ? now + 1 : 0;
  out->label = r->label;
  return TRUE;
}
