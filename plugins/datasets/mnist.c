/* dataset/mnist: images and labels in IDX files, plain or gzip, as LeCun publishes MNIST; Fashion-MNIST
 * and others have the same form. The parser is our own, since no library in the distributions reads IDX. */
#include <archive.h>
#include <archive_entry.h>
#include <ranvier/ranvier.h>
#include <string.h>

static const char *const splits[] = { "train", "test", "validation", NULL };

typedef struct
{
  int split;
  char *folder;
  RvSelection select;
} Mnist;

enum
{
  TRAIN,
  TEST,
  VALIDATION /* held out of the training files */
};

/* A file that was read, or the first bytes of one. */
typedef struct
{
  char *path;
  GByteArray *bytes;
} File;

static void
clear_file (File *file)
{
  g_free (file->path);
  if (file->bytes)
    g_byte_array_unref (file->bytes);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (File, clear_file)

/* Appends at most `most` bytes of the unpacked content. */
static gboolean
read_content (File *file, size_t most, GError **error)
{
  struct archive *archive = archive_read_new ();
  struct archive_entry *entry;
  archive_read_support_filter_gzip (archive);
  archive_read_support_format_raw (archive);
  file->bytes = g_byte_array_new ();
  gboolean good = archive_read_open_filename (archive, file->path, 1 << 16) == ARCHIVE_OK
                  && archive_read_next_header (archive, &entry) == ARCHIVE_OK;
  while (good && file->bytes->len < most)
    {
      guint8 block[1 << 16];
      const la_ssize_t n = archive_read_data (archive, block, MIN (sizeof block, most - file->bytes->len));
      good = n >= 0;
      if (n <= 0)
        break;
      g_byte_array_append (file->bytes, block, (guint) n);
    }
  if (!good)
    g_set_error (error, RV_ERROR, RV_ERROR_DATA, "%s can not be read: %s", file->path,
                 archive_error_string (archive));
  archive_read_free (archive);
  return good;
}

/* Finds `name`.gz or `name` and reads it. */
static gboolean
open_file (const Mnist *mnist, RvNode *node, const char *name, size_t most, File *file, GError **error)
{
  g_autofree char *packed = g_strconcat (name, ".gz", NULL);
  file->path = rv_node_find_file (node, mnist->folder, packed, NULL);
  if (!file->path)
    file->path = rv_node_find_file (node, mnist->folder, name, error);
  if (!file->path)
    {
      g_prefix_error (error, "neither %s nor %s was found: ", packed, name);
      return FALSE;
    }
  return read_content (file, most, error);
}

static uint32_t
big_endian (const File *file, size_t at)
{
  const guint8 *b = file->bytes->data + at;
  return (uint32_t) b[0] << 24 | (uint32_t) b[1] << 16 | (uint32_t) b[2] << 8 | b[3];
}

typedef struct
{
  uint32_t count, height, width;
} Shape;

/* IDX: magic 0x0800 + 3 (images) or 1 (labels), then each dimension, big-endian. */
static gboolean
parse_header (const File *file, uint32_t dims, Shape *shape, GError **error)
{
  const size_t header = 4 + 4 * dims;
  if (file->bytes->len < header || big_endian (file, 0) != 0x800 + dims)
    {
      g_set_error (error, RV_ERROR, RV_ERROR_DATA,
                   "%s is no IDX file of %s: it should begin with the number %u", file->path,
                   dims == 3 ? "images" : "labels", 0x800 + dims);
      return FALSE;
    }
  *shape = (Shape){ big_endian (file, 4), 1, 1 };
  if (dims == 3)
    {
      shape->height = big_endian (file, 8);
      shape->width = big_endian (file, 12);
    }
  if (shape->count && shape->height && shape->width && shape->height <= 4096 && shape->width <= 4096)
    return TRUE;
  g_set_error (error, RV_ERROR, RV_ERROR_DATA, "%s says it holds %u images of %u x %u, which can not be",
               file->path, shape->count, shape->height, shape->width);
  return FALSE;
}

static gboolean
check_length (const File *file, size_t header, const Shape *shape, GError **error)
{
  const size_t expected = header + (size_t) shape->count * shape->height * shape->width;
  if (file->bytes->len == expected)
    return TRUE;
  g_set_error (error, RV_ERROR, RV_ERROR_DATA, "%s is %s: it has %u bytes unpacked, its header promises %zu",
               file->path, file->bytes->len < expected ? "cut off" : "too long", file->bytes->len, expected);
  return FALSE;
}

static const char *
file_name (const Mnist *mnist, gboolean images)
{
  static const char *const names[2][2] = { { "train-labels-idx1-ubyte", "train-images-idx3-ubyte" },
                                           { "t10k-labels-idx1-ubyte", "t10k-images-idx3-ubyte" } };
  return names[mnist->split == TEST][images ? 1 : 0];
}

static RvPart
part_of (const Mnist *mnist)
{
  return mnist->split == TEST ? RV_PART_ALL : mnist->split == VALIDATION ? RV_PART_VALIDATION : RV_PART_REST;
}

/* All of a file, before anything is chosen. */
static RvDatasetSpec
spec_of (const Mnist *mnist, const Shape *shape)
{
  return (RvDatasetSpec){ .form = RV_FORM_STATIC, .samples = shape->count,
                          .units = shape->height * shape->width, .dims = { 1, shape->height, shape->width },
                          .classes = 10, .split = splits[mnist->split] };
}

static gboolean
check (void *self, RvNode *node, GError **error)
{
  const Mnist *mnist = self;
  g_auto (File) images = { NULL, NULL };
  Shape shape;
  if (!open_file (mnist, node, file_name (mnist, TRUE), 16, &images, error)
      || !parse_header (&images, 3, &shape, error))
    return FALSE;
  RvDatasetSpec spec = spec_of (mnist, &shape);
  if (!rv_selection_apply (&mnist->select, part_of (mnist), &spec, error))
    return FALSE;
  rv_node_set_spec (node, "", &spec);
  return TRUE;
}

static gboolean
identify (void *self, RvNode *node, GError **error)
{
  const Mnist *mnist = self;
  for (int k = 0; k < 2; k++)
    {
      g_auto (File) file = { NULL, NULL };
      if (!open_file (mnist, node, file_name (mnist, k), 8, &file, error)
          || !rv_node_hash_file (node, file.path, error))
        return FALSE;
    }
  return TRUE;
}

/* Owned by the dataset. */
typedef struct
{
  File images, labels;
  uint32_t units;
} Images;

static void
free_images (gpointer data)
{
  Images *images = data;
  clear_file (&images->images);
  clear_file (&images->labels);
  g_free (images);
}

/* values = pixel / 255 */
static gboolean
read_image (gconstpointer self, uint64_t epoch, uint32_t id, RvRecording *out, GError **error)
{
  const Images *images = self;
  const guint8 *pixels = images->images.bytes->data + 16 + (size_t) id * images->units;
  float *values = rv_recording_set_static (out, images->units);
  for (uint32_t k = 0; k < images->units; k++)
    values[k] = (float) pixels[k] / 255.0f;
  out->label = images->labels.bytes->data[8 + id];
  return TRUE;
}

static gboolean
load (const Mnist *mnist, RvNode *node, Images *images, Shape *shape, GError **error)
{
  Shape labels;
  if (!open_file (mnist, node, file_name (mnist, TRUE), G_MAXINT32, &images->images, error)
      || !open_file (mnist, node, file_name (mnist, FALSE), G_MAXINT32, &images->labels, error)
      || !parse_header (&images->images, 3, shape, error)
      || !parse_header (&images->labels, 1, &labels, error)
      || !check_length (&images->images, 16, shape, error)
      || !check_length (&images->labels, 8, &labels, error))
    return FALSE;
  images->units = shape->height * shape->width;
  if (labels.count != shape->count)
    {
      g_set_error (error, RV_ERROR, RV_ERROR_DATA, "%s holds %u images, but %s holds %u labels",
                   images->images.path, shape->count, images->labels.path, labels.count);
      return FALSE;
    }
  for (uint32_t k = 0; k < labels.count; k++)
    if (images->labels.bytes->data[8 + k] > 9)
      {
        g_set_error (error, RV_ERROR, RV_ERROR_DATA, "%s: label %u is %u, which is no class of 0 to 9",
                     images->labels.path, k, images->labels.bytes->data[8 + k]);
        return FALSE;
      }
  return TRUE;
}

static gboolean
run (void *self, RvNode *node, GError **error)
{
  Images *images = g_new0 (Images, 1);
  Shape shape;
  if (!load (self, node, images, &shape, error))
    {
      free_images (images);
      return FALSE;
    }
  const Mnist *mnist = self;
  const RvDatasetSpec spec = spec_of (mnist, &shape);
  g_autofree uint32_t *labels = g_new (uint32_t, shape.count + 1);
  for (uint32_t k = 0; k < shape.count; k++)
    labels[k] = images->labels.bytes->data[8 + k];
  RvDataset *all = rv_dataset_new (&spec, read_image, images, free_images);
  RvDataset *selected = rv_dataset_select (all, &mnist->select, part_of (mnist), labels, error);
  if (!selected)
    return FALSE;
  rv_node_set_output (node, "", selected);
  return TRUE;
}

static const RvParam params[] = {
  RV_CHOICE (Mnist, split, "train", splits,
             "60,000 images to train on, 10,000 to test with, or what `validation` holds out of the 60,000"),
  RV_TEXT (Mnist, folder, "", "Folder of the four files; empty: looked for in the data folder"),
  RV_SELECTION_TABLE (Mnist, select),
  RV_PARAM_END
};

static const RvOutput outputs[]
    = { { "", RV_ARTEFACT_DATASET, "The images" }, { NULL, RV_ARTEFACT_NONE, NULL } };

static const RvNodeClass class = { outputs, check, run, identify };

RV_PLUGIN ("dataset", "mnist")
  .version = "1.0",
  .licence = "LGPL-2.1-or-later",
  .doc = "MNIST, Fashion-MNIST and others in IDX files, plain or gzip",
  .citation = "LeCun, Cortes and Burges, The MNIST database of handwritten digits",
  .params = params,
  .params_size = sizeof (Mnist),
  RV_FUNCTIONS (class),
};
