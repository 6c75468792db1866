/* Events as G. Orchard's camera recorded N-MNIST and N-Caltech101 (Orchard et al. 2015): x, y, then one bit
 * of polarity and 23 bits of microseconds, big-endian. */
#include "decoder.h"
#include <string.h>

#define EVENT 5
#define OVERFLOW 240   /* as y: no event, but the clock went over */
#define INCREMENT 8192 /* microseconds that each of these adds to all later times */

static gboolean
next (Decoder *decoder, CameraEvent *event)
{
  while (decoder->n - decoder->at >= EVENT)
    {
      const guint8 *b = decoder->bytes + decoder->at;
      decoder->where = decoder->at;
      decoder->at += EVENT;
      if (b[1] == OVERFLOW)
        {
          decoder->high += INCREMENT;
          continue;
        }
      event->time = decoder->high + ((uint32_t)(b[2] & 127) << 16 | (uint32_t)b[3] << 8 | b[4]);
      event->place = PLACE (b[0], b[1], b[2] >> 7);
      event->where = (uint32_t)decoder->where;
      return TRUE;
    }
  if (decoder->at == decoder->n)
    return FALSE;
  decoder->where = decoder->at;
  g_snprintf (decoder->wrong, sizeof decoder->wrong, "cut off in an event: %zu bytes are no multiple of %d",
              decoder->n, EVENT);
  return FALSE;
}

void
nmnist_begin (Decoder *decoder, const guint8 *bytes, size_t n)
{
  *decoder = (Decoder){ .next = next, .bytes = bytes, .n = n };
}

void
decoder_begin (Decoder *decoder, const guint8 *bytes, size_t n)
{
  const char mark[] = "#!AER-DAT";
  if (n >= strlen (mark) && memcmp (bytes, mark, strlen (mark)) == 0)
    aedat_begin (decoder, bytes, n);
  else
    nmnist_begin (decoder, bytes, n);
}
