/* transform/downsample: the pixels of an event camera in blocks of factor x factor, each polarity by
 * itself. */
#include "regroup.h"

typedef struct
{
  RvPort data;
  int64_t factor;
  int pool;
} Downsample;

/* { C, ceil (H / f), ceil (W / f) }: blocks at the right and lower edge may be smaller */
static void
new_dims (const Downsample *downsample, const uint32_t old[3], uint32_t dims[3])
{
  const uint32_t factor = (uint32_t)downsample->factor;
  dims[0] = old[0];
  for (int k = 1; k < 3; k++)
    dims[k] = (old[k] + factor - 1) / factor;
}

static gboolean
check (void *self, RvNode *node, GError **error)
{
  const Downsample *downsample = self;
  RvDatasetSpec spec = *rv_port_spec (&downsample->data);
  uint32_t dims[3];
  if (!regroup_check (&downsample->data, error))
    return FALSE;
  if (spec.dims[1] * spec.dims[2] <= 1)
    {
      g_set_error (error, RV_ERROR, RV_ERROR_SHAPE,
                   "'%s' has %u channels without height and width; transform/units pools channels",
                   rv_port_name (&downsample->data), spec.units);
      return FALSE;
    }
  if ((uint64_t)spec.dims[0] * spec.dims[1] * spec.dims[2] != spec.units) /* or the table would not fit */
    {
      g_set_error (error, RV_ERROR, RV_ERROR_SHAPE, "'%s' has %u units, which are not %u x %u x %u",
                   rv_port_name (&downsample->data), spec.units, spec.dims[0], spec.dims[1], spec.dims[2]);
      return FALSE;
    }
  new_dims (downsample, spec.dims, dims);
  for (int k = 0; k < 3; k++)
    spec.dims[k] = dims[k];
  spec.units = dims[0] * dims[1] * dims[2];
  rv_node_set_spec (node, "", &spec);
  return TRUE;
}

static gboolean
run (void *self, RvNode *node, GError **error)
{
  const Downsample *downsample = self;
  const RvDatasetSpec *spec = rv_dataset_spec (rv_port_dataset (&downsample->data));
  const uint32_t factor = (uint32_t)downsample->factor;
  uint32_t *table = g_new (uint32_t, spec->units), dims[3], unit = 0;
  new_dims (downsample, spec->dims, dims);
  for (uint32_t c = 0; c < spec->dims[0]; c++)
    for (uint32_t y = 0; y < spec->dims[1]; y++)
      for (uint32_t x = 0; x < spec->dims[2]; x++)
        table[unit++] = (c * dims[1] + y / factor) * dims[2] + x / factor;
  rv_node_set_output (node, "", regroup_new (&downsample->data, dims, table, downsample->pool));
  return TRUE;
}

static const RvParam params[]
    = { RV_PORT (Downsample, data, RV_ARTEFACT_DATASET, RV_PARAM_REQUIRED, "Events or spikes of a camera"),
        RV_REQUIRED_INT (Downsample, factor, 1, 65536, "", "Pixels of a side of the blocks that become one"),
        REGROUP_POOL (Downsample), RV_PARAM_END };

static const RvOutput outputs[]
    = { { "", RV_ARTEFACT_DATASET, "The same over fewer pixels" }, { NULL, RV_ARTEFACT_NONE, NULL } };

static const RvNodeClass class = { outputs, check, run, NULL };

RV_PLUGIN ("transform", "downsample")
  .version = "1.0",
  .licence = "LGPL-2.1-or-later",
  .doc = "Blocks of pixels become one",
  .params = params,
  .params_size = sizeof (Downsample),
  RV_FUNCTIONS (class),
};
