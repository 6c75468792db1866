/* transform/units: a range of the channels, upside down if wanted, and neighbours pooled; for recordings
 * without height and width, such as the 700 channels of a cochlea. */
#include "regroup.h"

typedef struct
{
  RvPort data;
  int64_t first, count, group;
  int pool;
  gboolean flip;
} Units;

/* How many channels are picked: `count`, or all from `first` on. */
static int64_t
picked (const Units *units, uint32_t all)
{
  return units->count ? units->count : (int64_t)all - units->first;
}

static uint32_t
new_units (const Units *units, uint32_t all)
{
  return (uint32_t)((picked (units, all) + units->group - 1) / units->group);
}

static gboolean
check (void *self, RvNode *node, GError **error)
{
  const Units *units = self;
  RvDatasetSpec spec = *rv_port_spec (&units->data);
  const int64_t n = picked (units, spec.units);
  if (!regroup_check (&units->data, error))
    return FALSE;
  if (n < 1 || units->first + n > spec.units)
    {
      g_set_error (error, RV_ERROR, RV_ERROR_SHAPE,
                   "'%s' has %u units, numbered from 0; %" G_GINT64_FORMAT " of them from %" G_GINT64_FORMAT
                   " on can not be picked",
                   rv_port_name (&units->data), spec.units, MAX (n, 1), units->first);
      return FALSE;
    }
  spec.units = spec.dims[0] = new_units (units, spec.units);
  spec.dims[1] = spec.dims[2] = 1;
  rv_node_set_spec (node, "", &spec);
  return TRUE;
}

/* channel u of n picked -> floor (u / group), or floor ((n - 1 - u) / group) upside down */
static gboolean
run (void *self, RvNode *node, GError **error)
{
  const Units *units = self;
  const uint32_t all = rv_dataset_spec (rv_port_dataset (&units->data))->units;
  const uint32_t n = (uint32_t)picked (units, all), first = (uint32_t)units->first;
  const uint32_t dims[3] = { new_units (units, all), 1, 1 };
  uint32_t *table = g_new (uint32_t, all);
  for (uint32_t u = 0; u < all; u++)
    table[u] = REGROUP_NONE;
  for (uint32_t u = 0; u < n; u++)
    table[first + u] = (units->flip ? n - 1 - u : u) / (uint32_t)units->group;
  rv_node_set_output (node, "", regroup_new (&units->data, dims, table, units->pool));
  return TRUE;
}

static const RvParam params[]
    = { RV_PORT (Units, data, RV_ARTEFACT_DATASET, RV_PARAM_REQUIRED, "Events or spikes"),
        RV_INT (Units, first, "0", 0, 4e9, "", "The first channel that is picked"),
        RV_INT (Units, count, "0", 0, 4e9, "", "How many are picked; 0: all from there on"),
        RV_BOOL (Units, flip, "no", "Upside down: the last that is picked becomes the first"),
        RV_INT (Units, group, "1", 1, 4e9, "", "How many neighbours become one, after picking and turning"),
        REGROUP_POOL (Units),
        RV_PARAM_END };

static const RvOutput outputs[]
    = { { "", RV_ARTEFACT_DATASET, "The same over other units" }, { NULL, RV_ARTEFACT_NONE, NULL } };

static const RvNodeClass class = { outputs, check, run, NULL };

RV_PLUGIN ("transform", "units")
  .version = "1.0",
  .licence = "LGPL-2.1-or-later",
  .doc = "Channels picked, turned and pooled",
  .params = params,
  .params_size = sizeof (Units),
  RV_FUNCTIONS (class),
};
