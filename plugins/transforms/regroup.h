/* Datasets of events or spikes whose units become other, fewer units: the part that transform/downsample and
 * transform/units share. They differ in the table that says which. */
#ifndef TRANSFORM_REGROUP_H
#define TRANSFORM_REGROUP_H

#include "steps.h"

/* In a table: the unit is left out. */
#define REGROUP_NONE UINT32_MAX

static const char *const regroup_pools[] = { "sum", "any", NULL };

/* A parameter `pool` of a struct S. */
#define REGROUP_POOL(S)                                                                                      \
  RV_CHOICE (S, pool, "sum", regroup_pools,                                                                  \
             "sum: every event stays; any: at most one for each new unit and microsecond, of binned data "   \
             "for each new unit and step")

typedef struct
{
  RvDataset *source;
  uint32_t *table; /* [units of source] */
  uint32_t units;
  gboolean any;
} Regroup;

/* Only events and spikes can be regrouped; FALSE with an error otherwise. */
static inline gboolean
regroup_check (const RvPort *port, GError **error)
{
  const RvForm form = rv_port_spec (port)->form;
  if (form == RV_FORM_EVENTS || form == RV_FORM_SPIKES)
    return TRUE;
  g_set_error (error, RV_ERROR, RV_ERROR_SHAPE, "takes events or spikes, but '%s' has %s",
               rv_port_name (port), form == RV_FORM_FRAMES ? "frames" : "still images");
  return FALSE;
}

static inline gboolean
regroup_unit (const Regroup *regroup, const RvRecording *r, uint32_t id, uint32_t k, uint32_t *unit,
              GError **error)
{
  if (r->ids[k] < r->units)
    {
      *unit = regroup->table[r->ids[k]];
      return TRUE;
    }
  g_set_error (error, RV_ERROR, RV_ERROR_DATA, "recording %u: event %u is of unit %u of %u", id, k, r->ids[k],
               r->units);
  return FALSE;
}

/* In place. last[u] - 1 is where the latest event of new unit u was put. */
static inline gboolean
regroup_events (const Regroup *regroup, uint32_t id, RvRecording *r, GError **error)
{
  g_auto (RvRecording) room = { 0 };
  rv_recording_set_spikes (&room, regroup->units, 0, 0);
  uint32_t *last = room.offsets, kept = 0, unit;
  for (uint32_t u = 0; u < regroup->units; u++)
    last[u] = 0;
  for (uint32_t k = 0; k < r->n_events; k++)
    {
      const uint32_t t = r->times[k];
      if (!regroup_unit (regroup, r, id, k, &unit, error))
        return FALSE;
      if (unit == REGROUP_NONE || (regroup->any && last[unit] && r->times[last[unit] - 1] == t))
        continue;
      r->times[kept] = t;
      r->ids[kept++] = unit;
      last[unit] = kept;
    }
  r->n_events = kept;
  r->units = regroup->units;
  return TRUE;
}

static inline gboolean
regroup_spikes (const Regroup *regroup, uint32_t id, const RvRecording *r, RvRecording *out, GError **error)
{
  g_auto (RvRecording) pairs = { 0 };
  uint32_t kept = 0, unit;
  rv_recording_set_events (&pairs, regroup->units, r->offsets[r->steps]);
  for (uint32_t t = 0; t < r->steps; t++)
    for (uint32_t k = r->offsets[t]; k < r->offsets[t + 1]; k++)
      {
        if (!regroup_unit (regroup, r, id, k, &unit, error))
          return FALSE;
        pairs.times[kept] = t;
        pairs.ids[kept] = unit;
        kept += unit != REGROUP_NONE;
      }
  pairs.n_events = kept;
  spikes_from_steps (&pairs, r->steps, !regroup->any, out);
  out->label = r->label;
  out->length = r->length;
  return TRUE;
}

static inline gboolean
regroup_read (gconstpointer self, uint64_t epoch, uint32_t id, RvRecording *out, GError **error)
{
  const Regroup *regroup = self;
  if (rv_dataset_spec (regroup->source)->form == RV_FORM_EVENTS)
    return rv_dataset_read (regroup->source, epoch, id, out, error)
           && regroup_events (regroup, id, out, error);
  g_auto (RvRecording) spikes = { 0 };
  return rv_dataset_read (regroup->source, epoch, id, &spikes, error)
         && regroup_spikes (regroup, id, &spikes, out, error);
}

static inline void
regroup_free (gpointer data)
{
  Regroup *regroup = data;
  rv_dataset_unref (regroup->source);
  g_free (regroup->table);
  g_free (regroup);
}

/* A dataset of `units` units over that of `port`; `table` is consumed. The caller owns it. */
static inline RvDataset *
regroup_new (const RvPort *port, const uint32_t dims[3], uint32_t *table, gboolean any)
{
  RvDataset *source = rv_port_dataset (port);
  RvDatasetSpec spec = *rv_dataset_spec (source);
  spec.units = dims[0] * dims[1] * dims[2];
  for (int k = 0; k < 3; k++)
    spec.dims[k] = dims[k];
  Regroup *regroup = g_new (Regroup, 1);
  *regroup = (Regroup){ rv_dataset_ref (source), table, spec.units, any };
  return rv_dataset_new (&spec, regroup_read, regroup, regroup_free);
}

#endif
