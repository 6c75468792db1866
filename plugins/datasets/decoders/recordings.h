/* Recordings of an event camera in memory, about three bytes an event, and a dataset that reads them: what is
 * common to the plugins that decode such files. */
#ifndef DECODERS_RECORDINGS_H
#define DECODERS_RECORDINGS_H

#include "decoder.h"
#include <ranvier/ranvier.h>

typedef struct
{
  char *name;     /* of its file; owned */
  uint32_t order; /* says what comes first; if equal, the names do */
  uint32_t label;
  guint8 *bytes; /* packed, see recordings.c; owned */
  uint32_t n, duration;
  uint64_t start; /* by the camera's clock */
} Recording;

/* What a dataset owns. */
typedef struct
{
  GArray *items;          /* Recording */
  uint32_t width, height; /* of the sensor */
  gboolean grows;         /* that is not known: as large as the events need */
  gboolean wide;          /* four bytes for the pixel of an event, otherwise two for its unit */
  gboolean strict;        /* a recording without events, or with times that run backwards, is refused */
  gboolean raw;           /* events are kept in the order in which they come */
  uint64_t events, most;  /* of all: how many, and beyond how many a set is a bomb */
  char **classes;         /* names, or NULL; owned */
} Recordings;

/* Entry of a parameter table for `strict`, a gboolean `f` of the struct `S`. */
#define RECORDINGS_STRICT(S, f)                                                                              \
  RV_BOOL (                                                                                                  \
      S, f, "yes",                                                                                           \
      "A recording without events, or with times that run backwards, is an error; no: kept, and sorted")

/* For a sensor of that size; 0, 0: as the events say. */
Recordings *recordings_new (uint32_t width, uint32_t height, gboolean strict);

void recordings_free (gpointer recordings);

/* Reads the current member of `archive`, of at most so many bytes (below 4 GB), and decodes it into `events`
 * (CameraEvent, emptied before; NULL: for the size of the sensor alone). FALSE if it is damaged or has pixels
 * outside of the sensor. `start` says where its time begins: at 0, or at RECORDINGS_FIRST. */
gboolean recordings_read (Recordings *recordings, RvArchive *archive, size_t most, GArray *events,
                          uint64_t *start, GError **error);

#define RECORDINGS_FIRST G_MAXUINT64 /* with the first event */

/* Adds the events, sorted if need be, which begin at `start` or later, under the name, order and label of
 * `what`. Without a duration the recording ends with its last event. Messages are about the current member of
 * `archive`. */
gboolean recordings_add (Recordings *recordings, GArray *events, uint64_t start, uint64_t duration,
                         const Recording *what, RvArchive *archive, GError **error);

/* Appends the events of a recording again, with the times of the camera's clock. */
void recordings_unpack (const Recordings *recordings, const Recording *recording, GArray *events);

/* Takes recording `index` out and frees it; the last one gets its place. */
void recordings_remove (Recordings *recordings, guint index);

/* Sorts by `order`, then by the last part of the names, then by label, so that the first so many are not all
 * of one class. FALSE if two are equal: `path` is in the message. */
gboolean recordings_sort (Recordings *recordings, const char *path, GError **error);

/* Hands on a dataset of those that are selected; `recordings` is consumed. `spec` says split and classes, and
 * recordings_shape the rest. */
gboolean recordings_hand_on (Recordings *recordings, RvDatasetSpec spec, const RvSelection *select,
                             RvPart part, RvNode *node, GError **error);

/* Form, units and dims for a sensor of that size. */
void recordings_shape (RvDatasetSpec *spec, uint32_t width, uint32_t height);

#endif
