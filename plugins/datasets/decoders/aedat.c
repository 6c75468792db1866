/* AEDAT 3.1 as iniVation's cAER writes it: lines of text that begin with #, then packets with a header of 28
 * bytes each, little-endian. Polarity events are handed out; other packets are passed over by their size. */
#include "decoder.h"
#include <stdarg.h>
#include <string.h>

#define HEADER 28
#define POLARITY 1 /* type of a packet */

static gboolean fail (Decoder *decoder, size_t where, const char *format, ...) G_GNUC_PRINTF (3, 4);
static gboolean
fail (Decoder *decoder, size_t where, const char *format, ...)
{
  va_list list;
  va_start (list, format);
  g_vsnprintf (decoder->wrong, sizeof decoder->wrong, format, list);
  va_end (list);
  decoder->where = where;
  return FALSE;
}

static uint32_t
little_endian (const guint8 *b)
{
  return b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
}

/* 28 bytes: type and source, 16 bits each; then, 32 bits each: size of an event, where its time is,
 * overflows of the clock, events that there is room for, events that there are, valid events. */
static gboolean
begin_packet (Decoder *decoder)
{
  const size_t where = decoder->at;
  if (decoder->n - where < HEADER)
    return fail (decoder, where, "cut off in the header of a packet");
  const guint8 *b = decoder->bytes + where;
  const uint32_t type = b[0] | (uint32_t)b[1] << 8, size = little_endian (b + 4),
                 time_at = little_endian (b + 8), overflow = little_endian (b + 12),
                 capacity = little_endian (b + 16), number = little_endian (b + 20);
  const uint64_t room = (uint64_t)capacity * size;
  if (room > decoder->n - where - HEADER)
    return fail (decoder, where, "a packet says it has room for %u events of %u bytes, %zu bytes follow",
                 capacity, size, decoder->n - where - HEADER);
  if (number > capacity)
    return fail (decoder, where, "a packet says it holds %u events and has room for %u", number, capacity);
  if (overflow > G_MAXINT32)
    return fail (decoder, where, "a packet says the clock went over %d times", (int)overflow);
  decoder->at = where + HEADER;
  decoder->end = decoder->at + (size_t)room;
  decoder->left = type == POLARITY ? number : 0;
  if (decoder->left && (size < 8 || time_at < 4 || time_at > size - 4))
    return fail (decoder, where, "a packet says its events have %u bytes, with the time at %u", size,
                 time_at);
  decoder->stride = size;
  decoder->time_at = time_at;
  decoder->high = (uint64_t)overflow << 31;
  return TRUE;
}

/* data: bit 0 valid, bit 1 brighter, bits 2 to 16 y, bits 17 to 31 x; time = overflows * 2^31 + its own */
static gboolean
next (Decoder *decoder, CameraEvent *event)
{
  for (;;)
    {
      while (decoder->left)
        {
          const guint8 *b = decoder->bytes + decoder->at;
          const uint32_t data = little_endian (b), time = little_endian (b + decoder->time_at);
          decoder->where = decoder->at;
          decoder->at += decoder->stride;
          decoder->left--;
          if (!(data & 1))
            continue;
          if (time > G_MAXINT32)
            return fail (decoder, decoder->where, "the time of an event is negative, %d", (int)time);
          event->time = decoder->high + time;
          event->place = PLACE (data >> 17, data >> 2 & 0x7fff, data >> 1 & 1);
          event->where = (uint32_t)decoder->where;
          return TRUE;
        }
      decoder->at = decoder->end;
      if (decoder->at == decoder->n || !begin_packet (decoder))
        return FALSE;
    }
}

static gboolean
refuse (Decoder *decoder, CameraEvent *event)
{
  return FALSE;
}

/* The size of a sensor by the name that cAER gives it. */
static void
look_for_camera (Decoder *decoder, const char *line)
{
  static const struct
  {
    const char *name;
    uint32_t width, height;
  } cameras[] = { { "DVS128", 128, 128 },   { "DAVIS128", 128, 128 }, { "DAVIS208", 208, 192 },
                  { "DAVIS240", 240, 180 }, { "DAVIS346", 346, 260 }, { "DAVIS640", 640, 480 } };
  if (!g_str_has_prefix (line, "#Source ") || decoder->width)
    return;
  for (size_t k = 0; k < G_N_ELEMENTS (cameras); k++)
    if (strstr (line, cameras[k].name))
      {
        decoder->width = cameras[k].width;
        decoder->height = cameras[k].height;
      }
}

static gboolean
read_header (Decoder *decoder)
{
  for (guint number = 1;; number++)
    {
      char line[100];
      const guint8 *start = decoder->bytes + decoder->at;
      const size_t left = decoder->n - decoder->at;
      const guint8 *newline = left ? memchr (start, '\n', left) : NULL;
      if (!newline || start[0] != '#')
        return fail (decoder, decoder->at, "the lines in front of the events do not end with #!END-HEADER");
      const size_t length = MIN (sizeof line - 1, (size_t)(newline - start));
      memcpy (line, start, length);
      line[length] = 0;
      g_strchomp (line);
      if (number == 1 && strcmp (line, "#!AER-DAT3.1") != 0)
        return fail (decoder, 0,
                     "is AEDAT, but not of version 3.1, which its first line would be: #!AER-DAT3.1");
      if (g_str_has_prefix (line, "#Format: ") && strcmp (line, "#Format: RAW") != 0)
        return fail (decoder, decoder->at, "the events are packed; only '#Format: RAW' can be read");
      look_for_camera (decoder, line);
      decoder->at += (size_t)(newline - start) + 1;
      if (strcmp (line, "#!END-HEADER") == 0)
        return TRUE;
    }
}

void
aedat_begin (Decoder *decoder, const guint8 *bytes, size_t n)
{
  *decoder = (Decoder){ .next = next, .bytes = bytes, .n = n, .clock = TRUE };
  if (!read_header (decoder))
    decoder->next = refuse;
  decoder->end = decoder->at;
}
