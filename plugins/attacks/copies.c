/* The copies of recordings that an attack changes: spikes as bits, so that one can come or go in its place,
 * and values as they are; a dataset that reads them, and the distance from the originals. */
#include "parts.h"
#include <string.h>

static void
free_copies (gpointer data)
{
  AttackCopies *copies = data;
  rv_dataset_unref (copies->source);
  g_free (copies->bits);
  g_free (copies->bits_before);
  g_free (copies->values);
  g_free (copies->values_before);
  g_free (copies->attempts);
  g_free (copies->lengths);
  g_free (copies);
}

static void
read_bits (const AttackCopies *copies, uint32_t k, RvRecording *out)
{
  uint32_t n = 0;
  for (size_t w = 0; w < copies->size; w++)
    n += (uint32_t)__builtin_popcountll (copies->bits[k * copies->size + w]);
  rv_recording_set_spikes (out, copies->steps, copies->units, n);
  n = 0;
  for (uint32_t t = 0; t < copies->steps; t++)
    {
      const uint64_t *row = attack_bits (copies, k, t);
      out->offsets[t] = n;
      for (uint32_t w = 0; w < copies->words; w++)
        for (uint64_t word = row[w]; word; word &= word - 1)
          out->ids[n++] = 64 * w + (uint32_t)__builtin_ctzll (word);
    }
  out->offsets[copies->steps] = n;
}

static gboolean
read_copy (gconstpointer self, uint64_t epoch, uint32_t id, RvRecording *out, GError **error)
{
  const AttackCopies *copies = self;
  if (copies->form == RV_FORM_SPIKES)
    read_bits (copies, id, out);
  else
    memcpy (copies->form == RV_FORM_STATIC ? rv_recording_set_static (out, copies->units)
                                           : rv_recording_set_frames (out, copies->steps, copies->units),
            attack_values (copies, id, 0), copies->size * sizeof (float));
  out->steps = copies->steps;
  out->length = copies->lengths[id];
  out->label = copies->attempts[id].label;
  return TRUE;
}

/* Bits or floats of one copy. */
static size_t
size_of (const RvDatasetSpec *spec)
{
  const size_t rows = spec->form == RV_FORM_STATIC ? 1 : spec->steps;
  return rows * (spec->form == RV_FORM_SPIKES ? (spec->units + 63) / 64 : spec->units);
}

size_t
attack_copies_bytes (const RvDatasetSpec *spec)
{
  return 2 * spec->samples * size_of (spec)
         * (spec->form == RV_FORM_SPIKES ? sizeof (uint64_t) : sizeof (float));
}

RvDataset *
attack_copies_new (RvDataset *source, uint32_t n, AttackCopies **copies)
{
  RvDatasetSpec spec = *rv_dataset_spec (source);
  const gboolean spikes = spec.form == RV_FORM_SPIKES;
  AttackCopies *new = g_new (AttackCopies, 1);
  *new = (AttackCopies){ .source = rv_dataset_ref (source),
                         .form = spec.form,
                         .n = n,
                         .steps = spec.steps,
                         .rows = spec.form == RV_FORM_STATIC ? 1 : spec.steps,
                         .units = spec.units,
                         .words = (spec.units + 63) / 64,
                         .size = size_of (&spec),
                         .attempts = g_new0 (Attempt, n),
                         .lengths = g_new0 (uint32_t, n) };
  uint64_t **bits[] = { &new->bits, &new->bits_before };
  float **values[] = { &new->values, &new->values_before };
  for (int k = 0; k < 2; k++)
    if (spikes)
      *bits[k] = g_new0 (uint64_t, n * new->size);
    else
      *values[k] = g_new0 (float, n *new->size);
  spec.samples = n;
  spec.varies = FALSE;
  *copies = new;
  return rv_dataset_new (&spec, read_copy, new, free_copies);
}

static gboolean
copy_spikes (AttackCopies *copies, uint32_t k, const RvRecording *from, GError **error)
{
  for (uint32_t t = 0; t < copies->steps; t++)
    {
      uint64_t *row = attack_bits (copies, k, t);
      for (uint32_t e = from->offsets[t]; e < from->offsets[t + 1]; e++)
        {
          const uint64_t bit = UINT64_C (1) << from->ids[e] % 64;
          if (row[from->ids[e] / 64] & bit)
            {
              g_set_error (error, RV_ERROR, RV_ERROR_SHAPE,
                           "recording %u has unit %u more than once in step %u; the attack takes spikes that "
                           "are there or not (transform/bins with 'counts: no')",
                           copies->attempts[k].id, from->ids[e], t);
              return FALSE;
            }
          row[from->ids[e] / 64] |= bit;
        }
    }
  memcpy (copies->bits_before + k * copies->size, copies->bits + k * copies->size,
          copies->size * sizeof (uint64_t));
  return TRUE;
}

gboolean
attack_copies_read (AttackCopies *copies, uint32_t k, GError **error)
{
  g_auto (RvRecording) from = { 0 };
  Attempt *attempt = &copies->attempts[k];
  if (!rv_dataset_read (copies->source, 0, attempt->id, &from, error))
    return FALSE;
  attempt->label = from.label;
  attempt->steps = copies->form == RV_FORM_STATIC                   ? 1
                   : from.length > 0 && from.length < copies->steps ? from.length
                                                                    : copies->steps;
  copies->lengths[k] = from.length;
  if (copies->form == RV_FORM_SPIKES)
    return copy_spikes (copies, k, &from, error);
  memcpy (copies->values + k * copies->size, from.values, copies->size * sizeof (float));
  memcpy (copies->values_before + k * copies->size, from.values, copies->size * sizeof (float));
  return TRUE;
}

AttackDistance
attack_distance (const AttackCopies *copies, uint32_t k)
{
  const uint32_t rows = copies->attempts[k].steps;
  const size_t from = k * copies->size;
  const double entries = (double)rows * copies->units;
  AttackDistance d = { 0 };
  double squares = 0.0;
  for (size_t w = 0; copies->bits && w < (size_t)rows * copies->words; w++)
    d.changed += (uint64_t)__builtin_popcountll (copies->bits[from + w] ^ copies->bits_before[from + w]);
  for (size_t j = 0; copies->values && j < (size_t)rows * copies->units; j++)
    {
      const double x = (double)copies->values[from + j] - copies->values_before[from + j];
      d.changed += x != 0.0;
      squares += x * x;
      d.linf = MAX (d.linf, fabs (x));
    }
  if (copies->bits)
    {
      squares = (double)d.changed;
      d.linf = d.changed ? 1.0 : 0.0;
    }
  d.share = (double)d.changed / entries;
  d.l2 = sqrt (squares);
  d.rms = sqrt (squares / entries);
  return d;
}

void
attack_copies_remember (AttackCopies *copies, RvCheckpoint *checkpoint)
{
  const size_t n = copies->n;
  g_autofree uint64_t *state = g_new (uint64_t, 3 * n + 1);
  for (size_t k = 0; k < n; k++)
    {
      state[3 * k] = copies->attempts[k].now;
      state[3 * k + 1] = copies->attempts[k].result;
      state[3 * k + 2] = copies->attempts[k].changes;
    }
  rv_checkpoint_integers (checkpoint, "attempts", state, 3 * n);
  if (copies->bits)
    rv_checkpoint_integers (checkpoint, "spikes", copies->bits, n * copies->size);
  else
    rv_checkpoint_floats (checkpoint, "values", copies->values, n * copies->size);
  for (size_t k = 0; k < n; k++)
    {
      copies->attempts[k].now = state[3 * k];
      copies->attempts[k].result = state[3 * k + 1];
      copies->attempts[k].changes = state[3 * k + 2];
    }
}

void
attack_copies_end (AttackCopies *copies)
{
  g_clear_pointer (&copies->bits_before, g_free);
  g_clear_pointer (&copies->values_before, g_free);
}
