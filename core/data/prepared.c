/* Prepared datasets. The file: a header, an index with a line per recording, and the recordings one after
 * the other, each beginning at a multiple of 8. Numbers have the machine's own byte order, which the magic
 * number tells: the file is a cache of this machine and nothing else.
 * spikes: counts per step [steps] of 32 bits, ids [sum of counts] of 16, or of 32 where one may not fit
 * frames: float [steps][units]
 * static: float [units], or bytes [units] where 255 times each value is one */
#include "data/prepared.h"
#include "base/threads.h"
#include <errno.h>
#include <glib/gstdio.h>
#include <ranvier/random.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define MAGIC UINT64_C (0x3250455250565221) /* "!RVPREP2" backwards where the low byte comes first */
#define CHUNK 256                           /* recordings that are read at once */

typedef struct
{
  uint64_t magic, size, duration;
  uint64_t digest; /* of this header with the digest of the index in this place */
  double step_width;
  uint32_t form, samples, units, steps, classes, width, dims[3], spare;
} Header;

typedef struct
{
  uint64_t offset, bytes, digest;
  uint32_t label, length;
} Line;

typedef struct
{
  GMappedFile *map;
  const Header *header;
  const Line *index;
} Prepared;

/* A digest against damage, not against malice: eight bytes at a time through the mixer of the random
 * numbers. */
static uint64_t
digest_of (const void *data, size_t bytes)
{
  const guint8 *at = data;
  uint64_t digest = bytes, word;
  for (; bytes >= 8; bytes -= 8, at += 8)
    {
      memcpy (&word, at, 8);
      digest = (digest ^ word) * UINT64_C (0x9E3779B97F4A7C15);
      digest ^= digest >> 29;
    }
  for (word = 0; bytes > 0; bytes--, at++)
    word = word << 8 | *at;
  return rv_mix64 (digest ^ word);
}

static uint64_t
head_digest (const Header *header, const Line *index)
{
  Header own = *header;
  own.digest = digest_of (index, sizeof *index * header->samples);
  return digest_of (&own, sizeof own);
}

/* ---- writing */

typedef struct
{
  const RvDataset *data;
  uint32_t first, width; /* of the chunk; bytes of a number */
  RvRecording recordings[CHUNK];
  GByteArray *packed[CHUNK];
  GError *errors[CHUNK];
} Chunk;

static void
append_number (GByteArray *out, uint32_t width, uint32_t number)
{
  const uint16_t narrow = (uint16_t)number;
  g_byte_array_append (out, width == 2 ? (const guint8 *)&narrow : (const guint8 *)&number, width);
}

static void
pack_image (const RvRecording *r, GByteArray *out)
{
  uint32_t k = 0;
  g_byte_array_set_size (out, r->units);
  for (; k < r->units && r->values[k] >= 0.0f && r->values[k] <= 1.0f; k++)
    {
      out->data[k] = (guint8)(r->values[k] * 255.0f + 0.5f);
      const float again = (float)out->data[k] / 255.0f;
      if (memcmp (&again, &r->values[k], sizeof again) != 0) /* -0 is not 0 */
        break;
    }
  if (k == r->units)
    return;
  g_byte_array_set_size (out, 0);
  g_byte_array_append (out, (const guint8 *)r->values, (guint)sizeof (float) * r->units);
}

static void
pack (const RvRecording *r, uint32_t width, GByteArray *out)
{
  if (r->form == RV_FORM_STATIC)
    {
      pack_image (r, out);
      return;
    }
  g_byte_array_set_size (out, 0);
  if (r->form == RV_FORM_FRAMES)
    {
      g_byte_array_append (out, (const guint8 *)r->values, (guint)(sizeof (float) * r->steps * r->units));
      return;
    }
  for (uint32_t t = 0; t < r->steps; t++)
    append_number (out, 4, r->offsets[t + 1] - r->offsets[t]);
  for (uint32_t k = 0; k < r->offsets[r->steps]; k++)
    append_number (out, width, r->ids[k]);
}

/* What can not be read again as it is must not be written. */
static gboolean
fits (const RvRecording *r, const RvDatasetSpec *spec, uint32_t id, GError **error)
{
  if (r->form != spec->form || r->units != spec->units || r->steps != spec->steps
      || r->label >= spec->classes)
    {
      g_set_error (error, RV_ERROR, RV_ERROR_SHAPE,
                   "recording %u has %u units, %u steps and label %u; the dataset says %u, %u and %u classes",
                   id, r->units, r->steps, r->label, spec->units, spec->steps, spec->classes);
      return FALSE;
    }
  for (uint32_t k = 0; r->form == RV_FORM_SPIKES && k < r->offsets[r->steps]; k++)
    if (r->ids[k] >= r->units)
      {
        g_set_error (error, RV_ERROR, RV_ERROR_DATA, "recording %u has spikes of unit %u, but only %u units",
                     id, r->ids[k], r->units);
        return FALSE;
      }
  return TRUE;
}

/* One recording of the chunk, by any worker. */
static void
read_one (void *self, uint32_t index, uint32_t worker)
{
  Chunk *chunk = self;
  const RvDatasetSpec *spec = rv_dataset_spec (chunk->data);
  RvRecording *r = &chunk->recordings[index];
  const uint32_t id = chunk->first + index;
  if (!rv_dataset_read (chunk->data, 0, id, r, &chunk->errors[index]))
    return;
  if (fits (r, spec, id, &chunk->errors[index]))
    pack (r, chunk->width, chunk->packed[index]);
}

static void
chunk_free (Chunk *chunk)
{
  for (uint32_t k = 0; k < CHUNK; k++)
    {
      rv_recording_clear (&chunk->recordings[k]);
      g_byte_array_unref (chunk->packed[k]);
      g_clear_error (&chunk->errors[k]);
    }
  g_free (chunk);
}

static Chunk *
chunk_new (const RvDataset *data, uint32_t width)
{
  Chunk *chunk = g_new0 (Chunk, 1);
  chunk->data = data;
  chunk->width = width;
  for (uint32_t k = 0; k < CHUNK; k++)
    chunk->packed[k] = g_byte_array_new ();
  return chunk;
}

/* Appends the chunk's recordings and fills their lines. */
static gboolean
write_chunk (FILE *file, Chunk *chunk, uint32_t n, uint64_t *at, Line *index, GError **error)
{
  static const guint8 zeros[8];
  for (uint32_t k = 0; k < n; k++)
    {
      const GByteArray *bytes = chunk->packed[k];
      const uint64_t padding = (8 - bytes->len % 8) % 8;
      if (chunk->errors[k])
        {
          g_propagate_error (error, g_steal_pointer (&chunk->errors[k]));
          return FALSE;
        }
      index[chunk->first + k] = (Line){ .offset = *at,
                                        .bytes = bytes->len,
                                        .digest = digest_of (bytes->data, bytes->len),
                                        .label = chunk->recordings[k].label,
                                        .length = chunk->recordings[k].length };
      if (fwrite (bytes->data, 1, bytes->len, file) != bytes->len
          || fwrite (zeros, 1, padding, file) != padding)
        return FALSE;
      *at += bytes->len + padding;
    }
  return TRUE;
}

typedef struct
{
  gboolean (*stopped) (void *user);
  void (*progress) (void *user, uint32_t done, uint32_t total);
  void *user;
} Watch;

static gboolean
write_recordings (FILE *file, const RvDataset *data, Header *header, Line *index, const Watch *watch,
                  GError **error)
{
  Chunk *chunk = chunk_new (data, header->width);
  uint64_t at = sizeof *header + sizeof *index * header->samples;
  gboolean good = TRUE;
  for (chunk->first = 0; good && chunk->first < header->samples; chunk->first += CHUNK)
    {
      const uint32_t n = MIN (CHUNK, header->samples - chunk->first);
      if (watch->stopped && watch->stopped (watch->user))
        {
          g_set_error (error, RV_ERROR, RV_ERROR_STOPPED, "interrupted while the data was prepared");
          good = FALSE;
          break;
        }
      rv_parallel_for (n, read_one, chunk);
      good = write_chunk (file, chunk, n, &at, index, error);
      if (watch->progress)
        watch->progress (watch->user, chunk->first + n, header->samples);
    }
  chunk_free (chunk);
  header->size = at;
  return good;
}

static gboolean
write_all (FILE *file, const RvDataset *data, const Watch *watch, GError **error)
{
  const RvDatasetSpec *spec = rv_dataset_spec (data);
  Header header = { .magic = MAGIC,
                    .duration = spec->duration,
                    .step_width = spec->step_width,
                    .form = spec->form,
                    .samples = spec->samples,
                    .units = spec->units,
                    .steps = spec->steps,
                    .classes = spec->classes,
                    .width = spec->units <= 0x10000 ? 2 : 4 };
  memcpy (header.dims, spec->dims, sizeof header.dims);
  g_autofree Line *index = g_new0 (Line, spec->samples + 1);
  /* a place for header and index, which are known at the end */
  if (fseeko (file, (off_t)(sizeof header + sizeof *index * spec->samples), SEEK_SET) != 0
      || !write_recordings (file, data, &header, index, watch, error))
    return FALSE;
  header.digest = head_digest (&header, index);
  return fseeko (file, 0, SEEK_SET) == 0 && fwrite (&header, sizeof header, 1, file) == 1
         && fwrite (index, sizeof *index, spec->samples, file) == spec->samples && fflush (file) == 0
         && fsync (fileno (file)) == 0;
}

gboolean
rv_prepared_write (const RvDataset *data, const char *path, gboolean (*stopped) (void *user),
                   void (*progress) (void *user, uint32_t done, uint32_t total), void *user, GError **error)
{
  const Watch watch = { stopped, progress, user };
  g_autofree char *part = g_strdup_printf ("%s.part-%d", path, (int)getpid ());
  GError *inner = NULL;
  FILE *file = g_fopen (part, "w+be");
  gboolean good = file && write_all (file, data, &watch, &inner);
  int code = errno;
  if (file && fclose (file) != 0 && good)
    {
      code = errno;
      good = FALSE;
    }
  if (good && g_rename (part, path) == 0)
    return TRUE;
  code = good ? errno : code;
  if (inner)
    g_propagate_error (error, inner);
  else
    g_set_error (error, RV_ERROR, RV_ERROR_IO, "%s could not be written: %s", path, g_strerror (code));
  g_unlink (part);
  return FALSE;
}

/* ---- reading */

static void
read_spikes (const Prepared *prepared, const guint8 *data, RvRecording *out)
{
  const Header *header = prepared->header;
  uint32_t count = 0;
  for (uint32_t t = 0; t < header->steps; t++)
    {
      out->offsets[t] = count;
      count += ((const uint32_t *)data)[t];
    }
  out->offsets[header->steps] = count;
  data += sizeof (uint32_t) * header->steps;
  for (uint32_t k = 0; k < count && header->width == 2; k++)
    out->ids[k] = ((const uint16_t *)data)[k];
  if (header->width == 4 && count)
    memcpy (out->ids, data, count * sizeof (uint32_t));
}

static void
read_image (const guint8 *data, uint64_t bytes, uint32_t units, float *values)
{
  if (bytes == units)
    for (uint32_t k = 0; k < units; k++)
      values[k] = (float)data[k] / 255.0f;
  else
    memcpy (values, data, bytes);
}

static gboolean
read_recording (gconstpointer self, uint64_t epoch, uint32_t id, RvRecording *out, GError **error)
{
  const Prepared *prepared = self;
  const Header *header = prepared->header;
  const Line *line = &prepared->index[id];
  const guint8 *data = (const guint8 *)header + line->offset;
  if (header->form == RV_FORM_FRAMES)
    memcpy (rv_recording_set_frames (out, header->steps, header->units), data, line->bytes);
  else if (header->form == RV_FORM_STATIC)
    read_image (data, line->bytes, header->units, rv_recording_set_static (out, header->units));
  else
    {
      rv_recording_set_spikes (out, header->steps, header->units, line->bytes / header->width);
      read_spikes (prepared, data, out);
    }
  out->steps = header->steps;
  out->label = line->label;
  out->length = line->length;
  return TRUE;
}

static void
prepared_free (gpointer data)
{
  Prepared *prepared = data;
  g_mapped_file_unref (prepared->map);
  g_free (prepared);
}

/* The counts of a recording must lead to its end, and zeros from there to the next multiple of 8. */
static gboolean
is_sound (const Header *header, const guint8 *data, uint64_t bytes)
{
  for (uint64_t k = bytes; k % 8; k++)
    if (data[k])
      return FALSE;
  if (header->form == RV_FORM_FRAMES)
    return bytes == sizeof (float) * header->steps * header->units;
  if (header->form == RV_FORM_STATIC)
    return bytes == header->units || bytes == sizeof (float) * header->units;
  uint64_t count = 0;
  for (uint32_t t = 0; t < header->steps; t++)
    count += ((const uint32_t *)data)[t];
  return bytes == sizeof (uint32_t) * header->steps + count * header->width;
}

typedef struct
{
  const Prepared *prepared;
  gint damaged; /* atomic */
} Check;

static void
check_chunk (void *self, uint32_t index, uint32_t worker)
{
  Check *check = self;
  const Header *header = check->prepared->header;
  for (uint32_t id = index * CHUNK; id < MIN ((index + 1) * CHUNK, header->samples); id++)
    {
      const Line *line = &check->prepared->index[id];
      const guint8 *data = (const guint8 *)header + line->offset;
      if (line->offset % 8 || line->offset > header->size || line->bytes > header->size - line->offset
          || (8 - line->bytes % 8) % 8 > header->size - line->offset - line->bytes
          || line->bytes < (header->form == RV_FORM_SPIKES ? sizeof (uint32_t) * header->steps : 0)
          || digest_of (data, line->bytes) != line->digest || !is_sound (header, data, line->bytes)
          || line->label >= header->classes)
        g_atomic_int_set (&check->damaged, 1);
    }
}

/* Whether the file is what it says. */
static gboolean
is_whole (const Prepared *prepared, const RvDatasetSpec *spec)
{
  const Header *header = prepared->header;
  const uint64_t length = g_mapped_file_get_length (prepared->map);
  if (length < sizeof *header || header->magic != MAGIC || header->size != length
      || header->form != spec->form || header->units != spec->units
      || (header->width != 2 && header->width != 4) || header->form >= RV_FORM_EVENTS
      || header->samples > (length - sizeof *header) / sizeof (Line) || header->steps != spec->steps
      || header->classes != spec->classes || head_digest (header, prepared->index) != header->digest)
    return FALSE;
  Check check = { prepared, 0 };
  rv_parallel_for ((header->samples + CHUNK - 1) / CHUNK, check_chunk, &check);
  return !check.damaged;
}

RvDataset *
rv_prepared_open (const char *path, const RvDatasetSpec *spec, GError **error)
{
  GMappedFile *map = g_mapped_file_new (path, FALSE, error);
  if (!map)
    return NULL;
  Prepared *prepared = g_new0 (Prepared, 1);
  prepared->map = map;
  prepared->header = (const void *)g_mapped_file_get_contents (map);
  prepared->index = (const void *)(prepared->header + 1);
  if (!is_whole (prepared, spec))
    {
      g_set_error (error, RV_ERROR, RV_ERROR_DATA, "%s is damaged or of another make", path);
      prepared_free (prepared);
      return NULL;
    }
  const Header *header = prepared->header;
  RvDatasetSpec own = *spec;
  own.samples = header->samples;
  own.steps = header->steps;
  own.classes = header->classes;
  own.step_width = header->step_width;
  own.duration = header->duration;
  memcpy (own.dims, header->dims, sizeof own.dims);
  return rv_dataset_new (&own, read_recording, prepared, prepared_free);
}
