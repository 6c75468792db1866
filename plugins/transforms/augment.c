/* transform/augment: still images, shifted by a random crop of the padded image and mirrored by chance.
 * Fresh draws every epoch; wire it into training alone. */
#include <ranvier/ranvier.h>

typedef struct
{
  RvPort data;
  int64_t padding, seed;
  gboolean flip;
  double fill;
} Augment;

typedef struct
{
  RvDataset *source;
  RvStream stream;
  uint32_t padding;
  gboolean flip;
  float fill;
} Augmented;

static gboolean
check (void *self, RvNode *node, GError **error)
{
  const Augment *augment = self;
  RvDatasetSpec spec = *rv_port_spec (&augment->data);
  if (spec.form != RV_FORM_STATIC || spec.dims[1] < 2 || spec.dims[2] < 2)
    {
      g_set_error (error, RV_ERROR, RV_ERROR_SHAPE, "crops and mirrors still images, but '%s' has %s",
                   rv_port_name (&augment->data),
                   spec.form == RV_FORM_STATIC ? "no height and width" : "steps or events");
      return FALSE;
    }
  spec.varies = TRUE;
  rv_node_set_spec (node, "", &spec);
  return TRUE;
}

/* out[c][y][x] = in[c][y + dy][x' + dx] or fill outside, with dy and dx from -padding to padding and x' = x
 * or, mirrored, width - 1 - x; the same for all channels */
static gboolean
read_augmented (gconstpointer self, uint64_t epoch, uint32_t id, RvRecording *out, GError **error)
{
  const Augmented *augmented = self;
  g_auto (RvRecording) image = { 0 };
  if (!rv_dataset_read (augmented->source, epoch, id, &image, error))
    return FALSE;
  const uint32_t *dims = rv_dataset_spec (augmented->source)->dims;
  const RvStream own = rv_stream_fork (rv_stream_fork (augmented->stream, epoch), id);
  const int64_t height = dims[1], width = dims[2], padding = augmented->padding;
  const int64_t dy = (int64_t)(rv_stream_uniform (own, 0) * (float)(2 * padding + 1)) - padding;
  const int64_t dx = (int64_t)(rv_stream_uniform (own, 1) * (float)(2 * padding + 1)) - padding;
  const gboolean mirror = augmented->flip && rv_stream_uniform (own, 2) < 0.5f;
  float *to = rv_recording_set_static (out, image.units);
  for (uint32_t c = 0; c < dims[0]; c++)
    for (int64_t y = 0; y < height; y++)
      for (int64_t x = 0; x < width; x++)
        {
          const int64_t from_y = y + dy, from_x = (mirror ? width - 1 - x : x) + dx;
          const gboolean inside = from_y >= 0 && from_y < height && from_x >= 0 && from_x < width;
          *to++ = inside ? image.values[(c * height + from_y) * width + from_x] : augmented->fill;
        }
  out->steps = image.steps;
  out->label = image.label;
  return TRUE;
}

static void
free_augmented (gpointer data)
{
  Augmented *augmented = data;
  rv_dataset_unref (augmented->source);
  g_free (augmented);
}

static gboolean
run (void *self, RvNode *node, GError **error)
{
  const Augment *augment = self;
  RvDataset *source = rv_dataset_ref (rv_port_dataset (&augment->data));
  RvDatasetSpec spec = *rv_dataset_spec (source);
  Augmented *augmented = g_new (Augmented, 1);
  *augmented = (Augmented){ source, rv_stream_new ((uint64_t)augment->seed, "", "augment", spec.split),
                            (uint32_t)augment->padding, augment->flip, (float)augment->fill };
  spec.varies = TRUE;
  rv_node_set_output (node, "", rv_dataset_new (&spec, read_augmented, augmented, free_augmented));
  return TRUE;
}

static const RvParam params[] = {
  RV_PORT (Augment, data, RV_ARTEFACT_DATASET, RV_PARAM_REQUIRED, "Still images with height and width"),
  RV_INT (Augment, padding, "4", 0, 1000, "pixels", "The image moves by up to so many, in each direction"),
  RV_BOOL (Augment, flip, "yes", "Half of the images are mirrored, left to right"),
  RV_REAL (Augment, fill, "0", -1e6, 1e6, "", "Value of what comes in from outside"),
  RV_INT (Augment, seed, "1", 0, 9e15, "", "Key of all draws"),
  RV_PARAM_END
};

static const RvOutput outputs[]
    = { { "", RV_ARTEFACT_DATASET, "The images, other ones every epoch" }, { NULL, RV_ARTEFACT_NONE, NULL } };

static const RvNodeClass class = { outputs, check, run, NULL };

RV_PLUGIN ("transform", "augment")
  .version = "1.0",
  .licence = "LGPL-2.1-or-later",
  .doc = "Random crop of the padded image, and mirroring by chance",
  .params = params,
  .params_size = sizeof (Augment),
  RV_FUNCTIONS (class),
};
