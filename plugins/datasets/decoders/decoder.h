/* Files of event cameras, an event at a time, from bytes in memory. Nothing is allocated and nothing is read
 * behind the end, whatever the bytes are: these are the functions that tests/fuzz/ feeds. */
#ifndef DECODERS_DECODER_H
#define DECODERS_DECODER_H

#include <glib.h>
#include <stdint.h>

/* A pixel and what it saw: x and y up to 32767, on 1 where it became brighter. */
#define PLACE(x, y, on) ((uint32_t)(on) << 30 | (uint32_t)(y) << 15 | (uint32_t)(x))
#define PLACE_X(place) ((place)&0x7fff)
#define PLACE_Y(place) ((place) >> 15 & 0x7fff)
#define PLACE_ON(place) ((place) >> 30)

typedef struct
{
  uint64_t time; /* microseconds, by the camera's clock */
  uint32_t place;
  uint32_t where; /* byte of the file; UINT32_MAX: unknown */
} CameraEvent;

typedef struct Decoder Decoder;

struct Decoder
{
  gboolean (*next) (Decoder *decoder, CameraEvent *event);
  const guint8 *bytes;         /* [n], borrowed */
  size_t n, at;                /* what is read next */
  size_t where;                /* the event that was handed out last, or what is wrong */
  char wrong[160];             /* says what it is; "": nothing */
  gboolean clock;              /* times are those of the camera, and need not begin near 0 */
  uint32_t width, height;      /* as the name of the camera says; 0: unknown */
  uint64_t high;               /* added to the times: bits that the file keeps elsewhere */
  uint32_t left;               /* AEDAT: events of this packet that are still to come */
  size_t end, stride, time_at; /* AEDAT: end of the packet, bytes of an event, where its time is */
};

/* The events of N-MNIST and N-Caltech101: five bytes each, without a header. */
void nmnist_begin (Decoder *decoder, const guint8 *bytes, size_t n);

/* AEDAT 3.1. What is wrong with its header is told by the first decoder_next. */
void aedat_begin (Decoder *decoder, const guint8 *bytes, size_t n);

/* Either, as the first bytes say. */
void decoder_begin (Decoder *decoder, const guint8 *bytes, size_t n);

/* FALSE at the end, and where something is wrong. Any thread, one at a time. */
static inline gboolean
decoder_next (Decoder *decoder, CameraEvent *event)
{
  return decoder->next (decoder, event);
}

#endif
