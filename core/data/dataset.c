/* Recordings with buffers that grow, and datasets as a function with a reference count. */
#include <ranvier/dataset.h>
#include <string.h>

struct RvDataset
{
  gatomicrefcount references;
  RvDatasetSpec spec;
  RvReadFunc read;
  gpointer self;
  GDestroyNotify free_self;
};

static float *
room_for_values (RvRecording *recording, size_t n)
{
  if (n > recording->values_room)
    {
      recording->values = g_realloc_n (recording->values, n, sizeof (float));
      recording->values_room = n;
    }
  return recording->values;
}

/* A buffer that is used again keeps nothing of the recording before. */
static void
begin (RvRecording *recording, RvForm form, uint32_t steps, uint32_t units)
{
  recording->form = form;
  recording->steps = steps;
  recording->units = units;
  recording->length = recording->n_events = recording->duration = 0;
}

static void
room_for_ids (RvRecording *recording, size_t room)
{
  if (room <= recording->ids_room)
    return;
  recording->ids_room = room;
  recording->ids = g_realloc_n (recording->ids, room, sizeof (uint32_t));
}

float *
rv_recording_set_static (RvRecording *recording, uint32_t units)
{
  begin (recording, RV_FORM_STATIC, 0, units);
  return room_for_values (recording, units);
}

float *
rv_recording_set_frames (RvRecording *recording, uint32_t steps, uint32_t units)
{
  begin (recording, RV_FORM_FRAMES, steps, units);
  return room_for_values (recording, (size_t)steps * units);
}

void
rv_recording_set_spikes (RvRecording *recording, uint32_t steps, uint32_t units, size_t room)
{
  begin (recording, RV_FORM_SPIKES, steps, units);
  if ((size_t)steps + 1 > recording->offsets_room)
    {
      recording->offsets_room = (size_t)steps + 1;
      recording->offsets = g_realloc_n (recording->offsets, recording->offsets_room, sizeof (uint32_t));
    }
  room_for_ids (recording, room);
}

void
rv_recording_set_events (RvRecording *recording, uint32_t units, size_t room)
{
  begin (recording, RV_FORM_EVENTS, 0, units);
  room_for_ids (recording, room);
  if (room <= recording->times_room)
    return;
  recording->times_room = room;
  recording->times = g_realloc_n (recording->times, room, sizeof (uint32_t));
}

void
rv_recording_clear (RvRecording *recording)
{
  g_free (recording->times);
  g_free (recording->offsets);
  g_free (recording->ids);
  g_free (recording->values);
  memset (recording, 0, sizeof *recording);
}

RvDataset *
rv_dataset_new (const RvDatasetSpec *spec, RvReadFunc read, gpointer self, GDestroyNotify free_self)
{
  RvDataset *dataset = g_new0 (RvDataset, 1);
  g_atomic_ref_count_init (&dataset->references);
  dataset->spec = *spec;
  dataset->read = read;
  dataset->self = self;
  dataset->free_self = free_self;
  return dataset;
}

RvDataset *
rv_dataset_ref (RvDataset *dataset)
{
  g_atomic_ref_count_inc (&dataset->references);
  return dataset;
}

void
rv_dataset_unref (RvDataset *dataset)
{
  if (!dataset || !g_atomic_ref_count_dec (&dataset->references))
    return;
  if (dataset->free_self)
    dataset->free_self (dataset->self);
  g_free (dataset);
}

const RvDatasetSpec *
rv_dataset_spec (const RvDataset *dataset)
{
  return &dataset->spec;
}

gboolean
rv_dataset_read (const RvDataset *dataset, uint64_t epoch, uint32_t id, RvRecording *out, GError **error)
{
  return dataset->read (dataset->self, epoch, id, out, error);
}
