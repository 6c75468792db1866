/* dataset/mnist: images and labels in IDX files, plain or gzip, as LeCun publishes MNIST; Fashion-MNIST and
 * others have the same form. */
#include "decoders/idx.h"
#include <ranvier/ranvier.h>

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

/* Opens `name`.gz or `name` at its first byte. */
static RvArchive *
open_file (const Mnist *mnist, RvNode *node, const char *name, char **path, GError **error)
{
  g_autofree char *packed = g_strconcat (name, ".gz", NULL);
  *path = rv_node_find_file (node, mnist->folder, packed, NULL);
  if (!*path)
    *path = rv_node_find_file (node, mnist->folder, name, error);
  if (!*path)
    {
      g_prefix_error (error, "neither %s nor %s was found: ", packed, name);
      return NULL;
    }
  g_autoptr (RvArchive) archive = rv_archive_open (*path, error);
  return archive && rv_archive_next (archive, error) ? g_steal_pointer (&archive) : NULL;
}

/* The header of images (3 dimensions) or labels (1). */
static gboolean
read_header (RvArchive *archive, uint32_t dims, IdxShape *shape, GError **error)
{
  guint8 bytes[IDX_HEADER (3)];
  char wrong[IDX_WRONG] = "";
  const gssize n = rv_archive_read (archive, bytes, IDX_HEADER (dims), error);
  if (n >= 0 && !idx_parse (bytes, (size_t)n, dims, shape, wrong))
    rv_archive_fail (archive, 0, error, "%s", wrong);
  return n >= 0 && !wrong[0];
}

/* What follows the header, which must be as much as it says. Caller owns. */
static GBytes *
read_values (RvArchive *archive, const IdxShape *shape, uint32_t dims, GError **error)
{
  const uint64_t expected = (uint64_t)shape->count * shape->height * shape->width;
  g_autoptr (GBytes) values = rv_archive_read_all (archive, MIN (expected, G_MAXINT32), error);
  if (!values || g_bytes_get_size (values) == expected)
    return g_steal_pointer (&values);
  rv_archive_fail (archive, (int64_t)(IDX_HEADER (dims) + g_bytes_get_size (values)), error,
                   "cut off: the header promises %" G_GUINT64_FORMAT " bytes behind itself, there are %zu",
                   expected, g_bytes_get_size (values));
  return NULL;
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
spec_of (const Mnist *mnist, const IdxShape *shape)
{
  return (RvDatasetSpec){ .form = RV_FORM_STATIC,
                          .samples = shape->count,
                          .units = shape->height * shape->width,
                          .dims = { 1, shape->height, shape->width },
                          .classes = 10,
                          .split = splits[mnist->split] };
}

static gboolean
check (void *self, RvNode *node, GError **error)
{
  const Mnist *mnist = self;
  g_autofree char *path = NULL;
  g_autoptr (RvArchive) archive = open_file (mnist, node, file_name (mnist, TRUE), &path, error);
  IdxShape shape;
  if (!archive || !read_header (archive, 3, &shape, error))
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
  for (int k = 0; k < 2; k++)
    {
      g_autofree char *path = NULL;
      g_autoptr (RvArchive) archive = open_file (self, node, file_name (self, k), &path, error);
      if (!archive || !rv_node_hash_file (node, path, error))
        return FALSE;
    }
  return TRUE;
}

/* Owned by the dataset. */
typedef struct
{
  GBytes *images, *labels;
  uint32_t units;
} Images;

static void
free_images (gpointer data)
{
  Images *images = data;
  g_clear_pointer (&images->images, g_bytes_unref);
  g_clear_pointer (&images->labels, g_bytes_unref);
  g_free (images);
}

static const guint8 *
bytes_of (GBytes *bytes)
{
  return g_bytes_get_data (bytes, NULL);
}

/* values = pixel / 255 */
static gboolean
read_image (gconstpointer self, uint64_t epoch, uint32_t id, RvRecording *out, GError **error)
{
  const Images *images = self;
  const guint8 *pixels = bytes_of (images->images) + (size_t)id * images->units;
  float *values = rv_recording_set_static (out, images->units);
  for (uint32_t k = 0; k < images->units; k++)
    values[k] = (float)pixels[k] / 255.0f;
  out->label = bytes_of (images->labels)[id];
  return TRUE;
}

/* One of the two files. Caller owns the bytes; NULL with an error. */
static GBytes *
load_file (const Mnist *mnist, RvNode *node, gboolean images, IdxShape *shape, GError **error)
{
  const uint32_t dims = images ? 3 : 1;
  g_autofree char *path = NULL;
  g_autoptr (RvArchive) archive = open_file (mnist, node, file_name (mnist, images), &path, error);
  const IdxShape expected = *shape;
  if (!archive || !read_header (archive, dims, shape, error))
    return NULL;
  if (!images && shape->count != expected.count)
    {
      rv_archive_fail (archive, 4, error, "there are %u labels, but %u images in the other file",
                       shape->count, expected.count);
      return NULL;
    }
  g_autoptr (GBytes) values = read_values (archive, shape, dims, error);
  for (uint32_t k = 0; values && !images && k < shape->count; k++)
    if (bytes_of (values)[k] > 9)
      {
        rv_archive_fail (archive, IDX_HEADER (1) + k, error, "label %u is %u, which is no class of 0 to 9", k,
                         bytes_of (values)[k]);
        return NULL;
      }
  return g_steal_pointer (&values);
}

static gboolean
run (void *self, RvNode *node, GError **error)
{
  const Mnist *mnist = self;
  Images *images = g_new0 (Images, 1);
  IdxShape shape = { 0, 0, 0 }, labels_shape;
  images->images = load_file (mnist, node, TRUE, &shape, error);
  labels_shape = shape;
  if (images->images)
    images->labels = load_file (mnist, node, FALSE, &labels_shape, error);
  if (!images->labels)
    {
      free_images (images);
      return FALSE;
    }
  const RvDatasetSpec spec = spec_of (mnist, &shape);
  g_autofree uint32_t *labels = g_new (uint32_t, shape.count + 1);
  images->units = spec.units;
  for (uint32_t k = 0; k < shape.count; k++)
    labels[k] = bytes_of (images->labels)[k];
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
  RV_SELECTION_TABLE (Mnist, select), RV_PARAM_END
};

static const RvOutput outputs[]
    = { { "", RV_ARTEFACT_DATASET, "The images" }, { NULL, RV_ARTEFACT_NONE, NULL } };

/* Both sets have files of the same names; these are their sizes and MD5s, packed and unpacked, the latter of Fashion-MNIST
 * as Debian's package has it. */
#define IDX_FILE(name, url, size, md5, content)                                                              \
  { name ".gz", (const char *const[]){ name, NULL }, url name ".gz", size, md5, NULL, content }
#define MNIST(name, size, md5, content)                                                                      \
  IDX_FILE (name, "https://ossci-datasets.s3.amazonaws.com/mnist/", size, md5, content)
#define FASHION(name, md5, content)                                                                          \
  IDX_FILE (name, "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/", 0, md5, content)

static const RvOfficialFile mnist_files[]
    = { MNIST ("train-images-idx3-ubyte", 9912422, "f68b3c2dcbeaaa9fbdd348bbdeb94873",
               "6bbc9ace898e44ae57da46a324031adb"),
        MNIST ("train-labels-idx1-ubyte", 28881, "d53e105ee54ea40749a09fcbcd1e9432",
               "a25bea736e30d166cdddb491f175f624"),
        MNIST ("t10k-images-idx3-ubyte", 1648877, "9fb629c4189551a2d022fa330f9573f3",
               "2646ac647ad5339dbf082846283269ea"),
        MNIST ("t10k-labels-idx1-ubyte", 4542, "ec29112dd5afa0611ce80d1b7f02629c",
               "27ae3e4e09519cfbb04c329615203637"),
        { NULL } };

static const RvOfficialFile fashion_files[]
    = { FASHION ("train-images-idx3-ubyte", "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
                 "f4a8712d7a061bf5bd6d2ca38dc4d50a"),
        FASHION ("train-labels-idx1-ubyte", "25c81989df183df01b3e8a0aad5dffbe",
                 "9018921c3c673c538a1fc5bad174d6f9"),
        FASHION ("t10k-images-idx3-ubyte", "bef4ecab320f06d8554ea6380940ec79",
                 "8181f5470baa50b63fa0f6fddb340f0a"),
        FASHION ("t10k-labels-idx1-ubyte", "bb300cfdad3c16e7a12a480ee83cd310",
                 "15d484375f8d13e6eb1aabb0c3f46965"),
        { NULL } };

static const char *const published[] = { "train", "test", NULL };

static const RvOfficialSet sets[]
    = { { .name = "mnist", .title = "MNIST", .page = "http://yann.lecun.com/exdb/mnist/", .folder = "mnist",
          .how = "What is fetched is PyTorch's copy, since the makers' page often refuses.",
          .splits = published, .files = mnist_files },
        { .name = "fashion-mnist", .title = "Fashion-MNIST",
          .page = "https://github.com/zalandoresearch/fashion-mnist", .folder = "fashion-mnist",
          .how = "Debian's package dataset-fashion-mnist has them too, in /usr/share/datasets.",
          .splits = published, .files = fashion_files },
        { NULL } };

static const RvNodeClass class = { outputs, check, run, identify, sets };

RV_PLUGIN ("dataset", "mnist").version = "1.0", .licence = "LGPL-2.1-or-later",
                      .doc = "MNIST, Fashion-MNIST and others in IDX files, plain or gzip",
                      .citation = "LeCun, Cortes and Burges, The MNIST database of handwritten digits",
                      .params = params, .params_size = sizeof (Mnist), RV_FUNCTIONS (class),
}
;
