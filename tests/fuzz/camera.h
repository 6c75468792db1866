/* Any bytes through a decoder, packed, and read again: what comes out is what went in, below the sensor's
 * size, or a message. Shared by the targets of both decoders; it includes the code of the plugins to reach
 * all of it. */
#ifndef FUZZ_CAMERA_H
#define FUZZ_CAMERA_H

#include "../../plugins/datasets/decoders/recordings.c"
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

/* Not g_assert: it has to fail in every build. */
static void
demand (gboolean holds, const char *what)
{
  if (holds)
    return;
  fprintf (stderr, "does not hold: %s\n", what);
  abort ();
}

static void
check_message (const char *text)
{
  demand (g_utf8_validate (text, -1, NULL), "a message is UTF-8");
  for (const guchar *c = (const guchar *)text; *c; c++)
    demand (*c >= 0x20 && *c != 0x7f, "a message is one line");
}

static void
check_again (const Recordings *recordings, const GArray *events)
{
  const Recording *recording = &g_array_index (recordings->items, Recording, 0);
  g_auto (RvRecording) r = { 0 };
  g_autoptr (GArray) again = g_array_new (FALSE, FALSE, sizeof (CameraEvent));
  demand (read_recording (recordings, 0, 0, &r, NULL) && r.n_events == events->len, "it can be read");
  recordings_unpack (recordings, recording, again);
  demand (again->len == events->len, "it can be unpacked");
  for (guint k = 0; k < events->len; k++)
    {
      const CameraEvent *was = &g_array_index (events, CameraEvent, k),
                        *is = &g_array_index (again, CameraEvent, k);
      demand (was->time == is->time && was->place == is->place, "an event is unpacked as it was");
      demand (r.ids[k] < r.units && r.ids[k] == unit_of (recordings, was->place), "units are kept");
      if (recordings->raw)
        continue;
      demand (r.times[k] == was->time - recording->start && r.times[k] < r.duration, "times are kept");
      demand (k == 0 || r.times[k] >= r.times[k - 1], "times are in order");
    }
}

/* The bits of `how`: 0 strict; 1 and 2 a sensor of 34 x 34, one of 300 x 300, or as the events say; 4 raw. */
static void
check_decoder (Decoder *decoder, guint how, size_t smallest)
{
  static const uint32_t sides[] = { 34, 300, 0, 0 };
  const uint32_t side = sides[how >> 1 & 3];
  const Recording what = { .name = (char *)"fuzz" };
  Recordings *recordings = recordings_new (side, side, how & 1);
  g_autoptr (GArray) events = g_array_new (FALSE, FALSE, sizeof (CameraEvent));
  g_autoptr (GError) error = NULL;
  g_autoptr (RvArchive) archive = rv_archive_open ("/dev/null", &error);
  demand (archive != NULL, "there is a place for messages");
  decode (recordings, decoder, events);
  demand (events->len <= decoder->n / smallest && decoder->where <= decoder->n,
          "no event comes from nowhere");
  check_message (decoder->wrong);
  recordings->raw = how >> 4 & 1;
  if (!decoder->wrong[0]
      && recordings_add (recordings, events, decoder->clock ? RECORDINGS_FIRST : 0, 0, &what, archive,
                         &error))
    check_again (recordings, events);
  if (error)
    check_message (error->message);
  recordings_free (recordings);
}

#endif
