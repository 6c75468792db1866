/* Packing the events of a camera, and reading them again. A recording is, for each event, the microseconds
 * since the one before in bytes of seven bits, the lowest first and all but the last with the eighth bit set;
 * then its unit in two bytes, or its pixel in four. */
#include "recordings.h"
#include <string.h>

Recordings *
recordings_new (uint32_t width, uint32_t height, gboolean strict)
{
  Recordings *recordings = g_new0 (Recordings, 1);
  recordings->items = g_array_new (FALSE, TRUE, sizeof (Recording));
  recordings->width = width;
  recordings->height = height;
  recordings->grows = !width;
  recordings->wide = !width || (uint64_t)width * height * 2 > 0x10000;
  recordings->strict = strict;
  recordings->most = UINT64_C (1) << 32; /* some 13 GB */
  return recordings;
}

static void
clear (Recording *recording)
{
  g_free (recording->bytes);
  g_free (recording->name);
}

void
recordings_free (gpointer data)
{
  Recordings *recordings = data;
  if (!recordings)
    return;
  for (guint k = 0; k < recordings->items->len; k++)
    clear (&g_array_index (recordings->items, Recording, k));
  g_array_unref (recordings->items);
  g_strfreev (recordings->classes);
  g_free (recordings);
}

void
recordings_remove (Recordings *recordings, guint index)
{
  Recording *recording = &g_array_index (recordings->items, Recording, index);
  recordings->events -= recording->n;
  clear (recording);
  g_array_remove_index_fast (recordings->items, index);
}

/* ---- decoding */

/* Says in `wrong` of the decoder what is wrong with a pixel. */
static void
judge (Recordings *recordings, Decoder *decoder, uint32_t x, uint32_t y)
{
  if (recordings->grows)
    {
      recordings->width = MAX (recordings->width, x + 1);
      recordings->height = MAX (recordings->height, y + 1);
    }
  else if (x >= recordings->width || y >= recordings->height)
    g_snprintf (decoder->wrong, sizeof decoder->wrong, "an event at x = %u, y = %u, outside of %u x %u", x, y,
                recordings->width, recordings->height);
}

static void
decode (Recordings *recordings, Decoder *decoder, GArray *events)
{
  CameraEvent block[512]; /* appending one by one takes as long as decoding */
  guint n = 0;
  while (!decoder->wrong[0] && decoder_next (decoder, &block[n]))
    {
      judge (recordings, decoder, PLACE_X (block[n].place), PLACE_Y (block[n].place));
      if (++n < G_N_ELEMENTS (block))
        continue;
      if (events)
        g_array_append_vals (events, block, n);
      n = 0;
    }
  if (events)
    g_array_append_vals (events, block, n);
}

gboolean
recordings_read (Recordings *recordings, RvArchive *archive, size_t most, GArray *events, uint64_t *start,
                 GError **error)
{
  g_autoptr (GBytes) bytes = rv_archive_read_all (archive, most, error);
  gsize n;
  const guint8 *data = bytes ? g_bytes_get_data (bytes, &n) : NULL;
  Decoder decoder;
  if (!bytes)
    return FALSE;
  if (events)
    g_array_set_size (events, 0);
  decoder_begin (&decoder, data, n);
  if (recordings->grows)
    {
      recordings->width = MAX (recordings->width, decoder.width);
      recordings->height = MAX (recordings->height, decoder.height);
    }
  decode (recordings, &decoder, events);
  *start = decoder.clock ? RECORDINGS_FIRST : 0;
  if (decoder.wrong[0])
    rv_archive_fail (archive, (int64_t)decoder.where, error, "%s", decoder.wrong);
  return !decoder.wrong[0];
}

/* ---- packing */

static guint8 *
pack_number (guint8 *at, uint64_t number)
{
  for (; number > 127; number >>= 7)
    *at++ = (guint8)(number | 128);
  *at++ = (guint8)number;
  return at;
}

static inline const guint8 *
unpack_number (const guint8 *at, uint64_t *number)
{
  *number = *at & 127;
  for (guint shift = 7; *at++ & 128; shift += 7)
    *number |= (uint64_t)(*at & 127) << shift;
  return at;
}

/* unit = (on * height + y) * width + x */
static uint32_t
unit_of (const Recordings *recordings, uint32_t place)
{
  return (PLACE_ON (place) * recordings->height + PLACE_Y (place)) * recordings->width + PLACE_X (place);
}

static uint32_t
place_of (const Recordings *recordings, uint32_t unit)
{
  const uint32_t row = unit / recordings->width;
  return PLACE (unit % recordings->width, row % recordings->height, row / recordings->height);
}

static gint
by_time (gconstpointer a, gconstpointer b)
{
  const CameraEvent *x = a, *y = b;
  return (x->time > y->time) - (x->time < y->time);
}

/* Into the order of time, or a message. */
static gboolean
put_in_order (const Recordings *recordings, GArray *events, RvArchive *archive, GError **error)
{
  const CameraEvent *event = (CameraEvent *)(void *)events->data;
  guint k = 1;
  while (k < events->len && event[k].time >= event[k - 1].time)
    k++;
  const gboolean empty = events->len == 0, sorted = k >= events->len;
  if (recordings->strict && empty)
    rv_archive_fail (archive, -1, error, "holds no event ('strict: no' would keep it)");
  else if (recordings->strict && !sorted)
    rv_archive_fail (archive, event[k].where == UINT32_MAX ? -1 : (int64_t)event[k].where, error,
                     "times run backwards, from %" G_GUINT64_FORMAT " to %" G_GUINT64_FORMAT
                     " us ('strict: no' would put them in order)",
                     event[k - 1].time, event[k].time);
  else if (!sorted)
    g_array_sort (events, by_time); /* keeps the order of equal ones */
  return !recordings->strict || (sorted && !empty);
}

static guint8 *
pack (const Recordings *recordings, const GArray *events, uint64_t start)
{
  const size_t width = recordings->wide ? 4 : 2;
  guint8 *bytes = g_malloc ((size_t)events->len * (10 + width) + 1), *at = bytes;
  for (guint k = 0; k < events->len; k++)
    {
      const CameraEvent *event = &g_array_index (events, CameraEvent, k);
      const uint32_t place = recordings->wide ? event->place : unit_of (recordings, event->place);
      at = pack_number (at, event->time - start); /* of raw ones even a step back, modulo 2^64 */
      start = event->time;
      for (size_t b = 0; b < width; b++)
        *at++ = (guint8)(place >> 8 * b);
    }
  return g_realloc (bytes, (size_t)(at - bytes) + 1);
}

gboolean
recordings_add (Recordings *recordings, GArray *events, uint64_t start, uint64_t duration,
                const Recording *what, RvArchive *archive, GError **error)
{
  if (!recordings->raw && !put_in_order (recordings, events, archive, error))
    return FALSE;
  const CameraEvent *event = (CameraEvent *)(void *)events->data;
  if (start == RECORDINGS_FIRST)
    start = events->len ? event[0].time : 0;
  const uint64_t lasts
      = duration || recordings->raw || !events->len ? duration : event[events->len - 1].time - start + 1;
  recordings->events += events->len;
  if (lasts > G_MAXUINT32 || recordings->events > recordings->most)
    {
      rv_archive_fail (archive, -1, error,
                       "lasts %" G_GUINT64_FORMAT " s, and makes it %" G_GUINT64_FORMAT
                       " events: a recording ends after 4294 s, a set with event %" G_GUINT64_FORMAT,
                       lasts / 1000000, recordings->events, recordings->most);
      return FALSE;
    }
  Recording recording = *what;
  recording.name = g_strdup (what->name);
  recording.bytes = pack (recordings, events, start);
  recording.n = events->len;
  recording.duration = (uint32_t)lasts;
  recording.start = start;
  g_array_append_val (recordings->items, recording);
  return TRUE;
}

static inline const guint8 *
unpack_place (const guint8 *at, gboolean wide, uint32_t *place)
{
  *place = at[0] | (uint32_t)at[1] << 8;
  if (wide)
    *place |= (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
  return at + (wide ? 4 : 2);
}

void
recordings_unpack (const Recordings *recordings, const Recording *recording, GArray *events)
{
  const guint8 *at = recording->bytes;
  CameraEvent event = { recording->start, 0, UINT32_MAX };
  for (uint32_t k = 0; k < recording->n; k++)
    {
      uint64_t since;
      at = unpack_place (unpack_number (at, &since), recordings->wide, &event.place);
      event.time += since;
      if (!recordings->wide)
        event.place = place_of (recordings, event.place);
      g_array_append_val (events, event);
    }
}

/* ---- the dataset */

static gboolean
read_recording (gconstpointer self, uint64_t epoch, uint32_t id, RvRecording *out, GError **error)
{
  const Recordings *recordings = self;
  const Recording *recording = &g_array_index (recordings->items, Recording, id);
  const guint8 *at = recording->bytes;
  uint64_t time = 0;
  rv_recording_set_events (out, recordings->width * recordings->height * 2, recording->n);
  for (uint32_t k = 0; k < recording->n; k++)
    {
      uint64_t since;
      uint32_t place;
      at = unpack_place (unpack_number (at, &since), recordings->wide, &place);
      out->times[k] = (uint32_t)(time += since);
      out->ids[k] = recordings->wide ? unit_of (recordings, place) : place;
    }
  out->n_events = recording->n;
  out->duration = recording->duration;
  out->label = recording->label;
  return TRUE;
}

static const char *
last_part (const Recording *recording)
{
  const char *slash = strrchr (recording->name, '/');
  return slash ? slash + 1 : recording->name;
}

static gint
by_order (gconstpointer a, gconstpointer b)
{
  const Recording *x = a, *y = b;
  const int names = strcmp (last_part (x), last_part (y));
  return x->order != y->order ? (x->order > y->order ? 1 : -1)
         : names              ? names
                              : (x->label > y->label) - (x->label < y->label);
}

gboolean
recordings_sort (Recordings *recordings, const char *path, GError **error)
{
  g_array_sort (recordings->items, by_order);
  for (guint k = 1; k < recordings->items->len; k++)
    {
      const Recording *two = &g_array_index (recordings->items, Recording, k - 1);
      if (by_order (two, two + 1))
        continue;
      g_set_error (error, RV_ERROR, RV_ERROR_DATA, "%s holds %s twice", path, two->name);
      return FALSE;
    }
  return TRUE;
}

void
recordings_shape (RvDatasetSpec *spec, uint32_t width, uint32_t height)
{
  spec->form = RV_FORM_EVENTS;
  spec->units = 2 * height * width;
  spec->dims[0] = 2;
  spec->dims[1] = height;
  spec->dims[2] = width;
}

gboolean
recordings_hand_on (Recordings *recordings, RvDatasetSpec spec, const RvSelection *select, RvPart part,
                    RvNode *node, GError **error)
{
  g_autofree uint32_t *labels = g_new (uint32_t, recordings->items->len + 1);
  spec.samples = recordings->items->len;
  recordings_shape (&spec, recordings->width, recordings->height);
  for (guint k = 0; k < recordings->items->len; k++)
    {
      const Recording *recording = &g_array_index (recordings->items, Recording, k);
      labels[k] = recording->label;
      spec.duration = MAX (spec.duration, recording->duration);
    }
  RvDataset *all = rv_dataset_new (&spec, read_recording, recordings, recordings_free);
  RvDataset *selected = rv_dataset_select (all, select, part, labels, error);
  if (selected)
    rv_node_set_output (node, "", selected);
  return selected != NULL;
}
