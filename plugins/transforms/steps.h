/* Spikes per step from (step, unit) pairs in any order: what several transforms end with. */
#ifndef TRANSFORM_STEPS_H
#define TRANSFORM_STEPS_H

#include <ranvier/ranvier.h>

/* `from` in the order of `keys`, which are below `n`; equal ones stay in the order they have. ends [n +
 * 1]. */
static inline void
sort_by (const RvRecording *from, const uint32_t *keys, uint32_t n, uint32_t *ends, RvRecording *to)
{
  for (uint32_t k = 0; k <= n; k++)
    ends[k] = 0;
  for (uint32_t k = 0; k < from->n_events; k++)
    ends[keys[k] + 1]++;
  for (uint32_t k = 0; k < n; k++)
    ends[k + 1] += ends[k];
  for (uint32_t k = 0; k < from->n_events; k++)
    {
      const uint32_t at = ends[keys[k]]++; /* what was the start of key k becomes its end */
      to->times[at] = from->times[k];
      to->ids[at] = from->ids[k];
    }
  to->n_events = from->n_events;
}

/* Makes `out` the spikes of `events`, whose times are steps below `steps`; a unit stands in a step as
 * often as in `events`, or once where `counts` is FALSE. Two stable sorts, first by unit and then by step,
 * take time in proportion to events + units + steps. `events` is used up; label and length are the
 * caller's. */
static inline void
spikes_from_steps (RvRecording *events, uint32_t steps, gboolean counts, RvRecording *out)
{
  g_auto (RvRecording) sorted = { 0 }, ends = { 0 };
  const uint32_t units = events->units, n = events->n_events;
  uint32_t count = 0, step = 0;
  rv_recording_set_events (&sorted, units, n);
  rv_recording_set_spikes (&ends, MAX (units, steps), units, 0);
  sort_by (events, events->ids, units, ends.offsets, &sorted);
  sort_by (&sorted, sorted.times, steps, ends.offsets, events);
  rv_recording_set_spikes (out, steps, units, n);
  out->offsets[0] = 0;
  for (uint32_t k = 0; k < n; k++)
    {
      while (step < events->times[k])
        out->offsets[++step] = count;
      if (counts || count == out->offsets[step] || out->ids[count - 1] != events->ids[k])
        out->ids[count++] = events->ids[k];
    }
  while (step < steps)
    out->offsets[++step] = count;
}

#endif
