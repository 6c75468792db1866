/* Any bytes as what ranvier-hdf5-events writes: reading ends with recordings that keep what the headers
 * promise, or with an error; never with both. The first byte chooses how to read. */
#include "../../plugins/datasets/spoken/recordings.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

typedef struct
{
  const uint8_t *data;
  size_t at, size;
} Bytes;

static void
demand (gboolean holds, const char *what)
{
  if (holds)
    return;
  fprintf (stderr, "fuzz-spoken: does not hold: %s\n", what);
  abort ();
}

/* In pieces of changing size, as a pipe would. */
static gssize
read_bytes (void *user, void *buffer, size_t n, GError **error)
{
  Bytes *bytes = user;
  const size_t piece = MIN (MIN (n, bytes->size - bytes->at), 1 + bytes->at % 37);
  memcpy (buffer, bytes->data + bytes->at, piece);
  bytes->at += piece;
  return (gssize)piece;
}

static void
check_recording (const SpokenSet *set, uint32_t id, gboolean strict, RvRecording *r)
{
  g_autoptr (GError) error = NULL;
  demand (spoken_set_recording (set, 0, id, r, &error) && !error, "a recording can be read");
  demand (r->n_events > 0 || !strict, "no recording is empty");
  demand (r->label < set->classes, "a label is a class");
  for (uint32_t k = 0; k < r->n_events; k++)
    {
      demand (r->ids[k] < r->units, "a unit is below the units");
      demand (k == 0 || r->times[k] >= r->times[k - 1], "time does not run backwards");
      demand (r->times[k] < r->duration && r->duration <= set->duration, "events lie in the duration");
    }
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  if (size < 1)
    return 0;
  Bytes bytes = { data + 1, 0, size - 1 };
  const SpokenSource source = { read_bytes, &bytes, NULL, 35, (data[0] & 1) != 0, (data[0] & 2) != 0 };
  g_autoptr (GError) error = NULL;
  g_autoptr (SpokenSet) set = spoken_set_read (&source, &error);
  g_auto (RvRecording) r = { 0 };
  demand ((set != NULL) == (error == NULL), "a set or an error");
  demand (!error || error->message[0], "an error has words");
  for (uint32_t c = 0; set && c < source.most_classes; c++)
    demand (set->names[c] && g_utf8_validate (set->names[c], -1, NULL), "a class has a name");
  for (uint32_t id = 0; set && !source.head_only && id < set->samples; id++)
    check_recording (set, id, source.strict, &r);
  return 0;
}
