/** @file
 * Recordings and datasets. A dataset is a pure function read (epoch, id): what varies with the epoch says so
 * by a flag, evaluation reads epoch 0, and any worker may read any recording at any time. */
#ifndef RANVIER_DATASET_H
#define RANVIER_DATASET_H

#include <ranvier/base.h>

G_BEGIN_DECLS

/** How a recording holds what it recorded. */
typedef enum
{
  RV_FORM_STATIC, /**< values [units], the same at every step: an image */
  RV_FORM_SPIKES, /**< per step the ascending ids of the units that fired */
  RV_FORM_FRAMES, /**< values [steps][units] */
  RV_FORM_EVENTS  /**< (time, unit), as a sensor records; a transform puts them into steps */
} RvForm;

/** One sample. The buffers belong to the recording, grow as needed and are used again by the next read. */
typedef struct
{
  RvForm form;    /**< which of the fields below hold something */
  uint32_t steps; /**< T; 0: a static image that nobody has given a time yet */
  uint32_t units; /**< N */
  uint32_t label; /**< the class, below `classes` of the spec */
  /** How many steps count, for a recording shorter than its steps: decoder and loss see no more; 0: all. */
  uint32_t length;
  uint32_t n_events; /**< events: how many */
  uint32_t duration; /**< events: microseconds that the recording lasts; every event comes before its end */
  uint32_t *offsets; /**< spikes: [steps + 1], step t has ids[offsets[t]] ... ids[offsets[t + 1] - 1] */
  uint32_t *ids;     /**< spikes: [offsets[steps]], a unit as often as it fired; events: [n_events] */
  uint32_t *times;   /**< events: [n_events], microseconds, none before the one in front of it */
  float *values;     /**< static: [units]; frames: [steps][units] */
  /** @cond private */
  size_t offsets_room, ids_room, times_room, values_room;
  /** @endcond */
  RV_RESERVED (4);
} RvRecording;

/** Makes `recording` a static image of `units` values, which the caller fills. Worker (may allocate). */
RV_API float *rv_recording_set_static (RvRecording *recording, uint32_t units);

/** Makes `recording` frames, [steps][units], which the caller fills. Worker (may allocate). */
RV_API float *rv_recording_set_frames (RvRecording *recording, uint32_t steps, uint32_t units);

/** Makes `recording` spikes with room for `room` ids; the caller fills offsets and ids. Worker (may
 * allocate). */
RV_API void rv_recording_set_spikes (RvRecording *recording, uint32_t steps, uint32_t units, size_t room);

/** Makes `recording` events with room for `room` of them; the caller fills times, ids, n_events (0 before) and
 * duration. Worker (may allocate). */
RV_API void rv_recording_set_events (RvRecording *recording, uint32_t units, size_t room);

/** Frees the buffers and zeroes the struct; a zeroed struct is an empty recording. Any thread. */
RV_API void rv_recording_clear (RvRecording *recording);

/** What is known of a dataset before any recording is read. */
typedef struct
{
  RvForm form;      /**< of every recording */
  uint32_t samples; /**< ids are below this; as check tells it, an upper bound: run may make fewer */
  uint32_t units;   /**< product of dims */
  uint32_t dims[3]; /**< channels, height, width of images; {units, 1, 1} otherwise */
  uint32_t steps;   /**< 0: images that have no time yet (transform/repeat, transform/rate-code) */
  uint32_t classes; /**< labels are below this */
  double step_width;          /**< seconds; 0 if unknown */
  gboolean varies;            /**< read differs from epoch to epoch */
  uint64_t duration;          /**< events: microseconds of the longest recording; 0 if unknown */
  const char *split;          /**< "train", "test", ...; static or owned by the dataset */
  const char *const *classes_names; /**< [classes] or NULL; static or owned by the dataset */
  RV_RESERVED (6);
} RvDatasetSpec;

/** Recordings that can be read. Reference-counted. */
typedef struct RvDataset RvDataset;

/** Reads recording `id` (< samples) of `epoch` into `out`, borrowed. Any worker, several at once; may
 * allocate through the rv_recording_set functions only. Sets `out->label` too. */
typedef gboolean (*RvReadFunc) (gconstpointer self, uint64_t epoch, uint32_t id, RvRecording *out,
                                GError **error);

/** A dataset over `self` (consumed; freed with `free_self`); `spec` is copied, its strings are borrowed
 * from `self` or static. The caller owns the result. Main thread. */
RV_API RvDataset *rv_dataset_new (const RvDatasetSpec *spec, RvReadFunc read, gpointer self,
                                  GDestroyNotify free_self);

/** Adds a reference and returns `dataset`. Any thread. */
RV_API RvDataset *rv_dataset_ref (RvDataset *dataset);

/** Gives a reference back. Any thread. */
RV_API void rv_dataset_unref (RvDataset *dataset);

/** The spec, borrowed. Any worker. */
RV_API const RvDatasetSpec *rv_dataset_spec (const RvDataset *dataset);

/** Reads one recording: see RvReadFunc. Any worker. */
RV_API gboolean rv_dataset_read (const RvDataset *dataset, uint64_t epoch, uint32_t id, RvRecording *out,
                                 GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (RvDataset, rv_dataset_unref)
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (RvRecording, rv_recording_clear)

G_END_DECLS

#endif
