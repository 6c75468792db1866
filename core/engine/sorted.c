/* Spikes by unit beside spikes by row: what makes a weight gradient read like a forward pass. */
#include "engine/model.h"
#include <string.h>

/* Counts are at starts[id + 2]; then starts[id + 1] is where the next row of id goes, and becomes its end. */
static void
sum_counts (RvSorted *sorted, uint32_t units)
{
  uint32_t *starts = sorted->starts;
  for (uint32_t k = 2; k < units + 2; k++)
    starts[k] += starts[k - 1];
}

static void
begin (RvSorted *sorted, uint32_t units, size_t count, gboolean values)
{
  if (!sorted->starts)
    sorted->starts = g_new (uint32_t, (size_t)units + 2);
  memset (sorted->starts, 0, ((size_t)units + 2) * sizeof (uint32_t));
  if (count > sorted->room)
    {
      sorted->room = MAX (count, 2 * sorted->room);
      sorted->rows = g_realloc_n (sorted->rows, sorted->room, sizeof (uint32_t));
      sorted->values = values ? g_realloc_n (sorted->values, sorted->room, sizeof (float)) : NULL;
    }
}

void
rv_sorted_make (RvSorted *sorted, const RvSignal *in, uint32_t first, uint32_t n)
{
  const uint32_t *offsets = in->offsets + first, from = offsets[0], to = offsets[n];
  begin (sorted, in->units, to - from, in->values != NULL);
  for (uint32_t e = from; e < to; e++)
    sorted->starts[in->ids[e] + 2]++;
  sum_counts (sorted, in->units);
  for (uint32_t r = 0; r < n; r++)
    for (uint32_t e = offsets[r]; e < offsets[r + 1]; e++)
      {
        const uint32_t place = sorted->starts[in->ids[e] + 1]++;
        sorted->rows[place] = r;
        if (in->values)
          sorted->values[place] = in->values[e];
      }
  sorted->first = first;
  sorted->n = n;
}

void
rv_sorted_expect (RvSorted *sorted, const RvRecording *recordings, uint32_t n, uint32_t from, uint32_t to,
                  uint32_t samples)
{
  size_t count = 0;
  for (uint32_t s = 0; s < n; s++)
    count += recordings[s].offsets[to] - recordings[s].offsets[from];
  begin (sorted, recordings[0].units, count, FALSE);
  for (uint32_t s = 0; s < n; s++)
    for (uint32_t e = recordings[s].offsets[from]; e < recordings[s].offsets[to]; e++)
      sorted->starts[recordings[s].ids[e] + 2]++;
  sum_counts (sorted, recordings[0].units);
  sorted->first = from * samples;
  sorted->n = (to - from) * samples;
}

void
rv_sorted_clear (RvSorted *sorted)
{
  g_free (sorted->starts);
  g_free (sorted->rows);
  g_free (sorted->values);
}
