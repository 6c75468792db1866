/* Spoken words as events, held in some two and a half bytes an event, and the reading of what
 * ranvier-hdf5-events writes. Nothing that it writes is believed: it comes from a process that may have been
 * led astray by its file. */
#ifndef SPOKEN_RECORDINGS_H
#define SPOKEN_RECORDINGS_H

#include <ranvier/dataset.h>

#define SPOKEN_UNITS 700

typedef struct
{
  guint8 *bytes;              /* owned: packed, see recordings.c */
  uint32_t n, label, speaker; /* n: events */
} Spoken;

typedef struct
{
  uint32_t samples, classes, duration; /* classes: that have names in the file; duration: us of the longest */
  gboolean has_speakers;
  char **names;       /* [most_classes + 1] owned, NULL-terminated; "unused 10" behind those of the file */
  Spoken *recordings; /* [samples] owned */
} SpokenSet;

/* Reads up to `n` bytes; 0 at the end, -1 with an error. */
typedef gssize (*SpokenRead) (void *user, void *buffer, size_t n, GError **error);

typedef struct
{
  SpokenRead read;
  void *user;
  void (*progress) (void *user, uint32_t done, uint32_t total); /* may be NULL */
  uint32_t most_classes;                                        /* more are refused */
  gboolean strict; /* empty recordings and times that run backwards are refused; otherwise kept, and sorted */
  gboolean head_only; /* no events follow */
} SpokenSource;

/* The caller frees the set; NULL with an error, whose text follows the file's name. */
SpokenSet *spoken_set_read (const SpokenSource *source, GError **error);
void spoken_set_free (SpokenSet *set);
/* As RvReadFunc; self is a SpokenSet. */
gboolean spoken_set_recording (gconstpointer self, uint64_t epoch, uint32_t id, RvRecording *out,
                               GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (SpokenSet, spoken_set_free)

#endif
