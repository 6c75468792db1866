/* Data for tests of layers on a grid: noise, or spikes, by recording alone. */
#ifndef TEST_GRID_DATA_H
#define TEST_GRID_DATA_H

#include <ranvier/ranvier.h>

#define CLASSES 3

typedef struct
{
  RvForm form;
  uint32_t dims[3], steps, samples;
  uint64_t seed;
} Source;

static inline gboolean
read_recording (gconstpointer self, uint64_t epoch, uint32_t id, RvRecording *out, GError **error)
{
  const Source *source = self;
  const uint32_t units = source->dims[0] * source->dims[1] * source->dims[2];
  const RvStream stream = rv_stream_fork (rv_stream_new (source->seed, "", "data", ""), id);
  out->label = id % CLASSES;
  if (source->form == RV_FORM_SPIKES)
    {
      rv_recording_set_spikes (out, source->steps, units, (size_t)source->steps * units);
      uint32_t n = 0;
      for (uint32_t k = 0; k < source->steps * units; k++)
        {
          if (k % units == 0)
            out->offsets[k / units] = n;
          if (rv_stream_uniform (stream, k) < 0.4f)
            out->ids[n++] = k % units;
        }
      out->offsets[source->steps] = n;
      return TRUE;
    }
  const gboolean is_static = source->form == RV_FORM_STATIC;
  float *values = is_static ? rv_recording_set_static (out, units)
                            : rv_recording_set_frames (out, source->steps, units);
  out->steps = source->steps;
  for (uint32_t k = 0; k < (is_static ? 1 : source->steps) * units; k++)
    values[k] = (float)rv_stream_normal (stream, k);
  return TRUE;
}

/* `source` is borrowed. */
static inline RvDataset *
make_data (const Source *source)
{
  const RvDatasetSpec spec = { .form = source->form,
                               .samples = source->samples,
                               .units = source->dims[0] * source->dims[1] * source->dims[2],
                               .dims = { source->dims[0], source->dims[1], source->dims[2] },
                               .steps = source->steps,
                               .classes = CLASSES,
                               .split = "train" };
  return rv_dataset_new (&spec, read_recording, (gpointer)source, NULL);
}

#endif
