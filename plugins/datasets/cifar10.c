/* dataset/cifar10: CIFAR-10, binary version, from its archive or from the folder that was unpacked. A batch
 * is records of a label and 32 x 32 pixels in planes of red, green and blue; names of the classes stand in
 * batches.meta.txt. */
#include <ranvier/ranvier.h>
#include <string.h>

#define ARCHIVE "cifar-10-binary.tar.gz"
#define NAMES   "batches.meta.txt"
#define SIDE    32
#define PIXELS  (3 * SIDE * SIDE)
#define RECORD  (1 + PIXELS)
#define MOST    10000 /* records in a batch */
#define CLASSES 10
#define BATCHES 5

static const char *const splits[] = { "train", "test", "validation", NULL };
static const char *const train_names[] = { "data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin",
                                           "data_batch_4.bin", "data_batch_5.bin", NULL };
static const char *const test_names[] = { "test_batch.bin", NULL };
static const char *const class_names[] = { "airplane", "automobile", "bird",  "cat",  "deer",
                                           "dog",      "frog",       "horse", "ship", "truck" };

enum
{
  TRAIN,
  TEST,
  VALIDATION /* held out of the training batches */
};

typedef struct
{
  int split;
  char *folder;
  RvSelection select;
} Cifar;

/* Owned by the dataset. */
typedef struct
{
  GBytes *batches[BATCHES];
  const guint8 *first[BATCHES];  /* record of each batch */
  uint32_t ends[BATCHES];        /* images up to the end of each batch */
  char **names;                  /* [CLASSES + 1] */
} Images;

static void
free_images (gpointer data)
{
  Images *images = data;
  for (int b = 0; b < BATCHES; b++)
    g_bytes_unref (images->batches[b]);
  g_strfreev (images->names);
  g_free (images);
}

static RvPart
part_of (const Cifar *cifar)
{
  return cifar->split == TEST ? RV_PART_ALL : cifar->split == VALIDATION ? RV_PART_VALIDATION : RV_PART_REST;
}

static const char *const *
batches_of (const Cifar *cifar)
{
  return cifar->split == TEST ? test_names : train_names;
}

static RvDatasetSpec
spec_of (const Cifar *cifar, uint32_t samples, const char *const *names)
{
  return (RvDatasetSpec){ .form = RV_FORM_STATIC,
                          .samples = samples,
                          .units = PIXELS,
                          .dims = { 3, SIDE, SIDE },
                          .classes = CLASSES,
                          .split = splits[cifar->split],
                          .classes_names = names };
}

/* The archive, else the folder where the first batch is. The caller owns it. */
static char *
find (const Cifar *cifar, RvNode *node, GError **error)
{
  const char *batch = batches_of (cifar)[0];
  char *path = rv_node_find_file (node, cifar->folder, ARCHIVE, NULL);
  g_autofree char *unpacked = path ? NULL : rv_node_find_file (node, cifar->folder, batch, error);
  if (unpacked)
    return g_path_get_dirname (unpacked);
  if (!path)
    g_prefix_error (error, "neither " ARCHIVE " nor %s was found: ", batch);
  return path;
}

/* ---- reading */

/* One name a line, ten of them; blank lines are let pass. */
static char **
parse_names (const RvArchive *archive, GBytes *bytes, GError **error)
{
  gsize size;
  const char *data = g_bytes_get_data (bytes, &size);
  g_autofree char *text = g_utf8_make_valid (data ? data : "", (gssize)size);
  g_auto (GStrv) lines = g_strsplit_set (text, "\r\n", -1);
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);
  for (char **line = lines; *line; line++)
    if (*g_strstrip (*line))
      g_ptr_array_add (names, g_strdup (*line));
  if (names->len != CLASSES)
    {
      rv_archive_fail (archive, -1, error, "it names %u classes, not %d", names->len, CLASSES);
      return NULL;
    }
  g_ptr_array_add (names, NULL);
  return (char **)g_ptr_array_free (g_steal_pointer (&names), FALSE);
}

static gboolean
check_batch (const RvArchive *archive, GBytes *bytes, GError **error)
{
  gsize size;
  const guint8 *data = g_bytes_get_data (bytes, &size);
  if (size == 0 || size % RECORD)
    {
      rv_archive_fail (archive, (int64_t)(size - size % RECORD), error,
                       "it has %" G_GSIZE_FORMAT " bytes, which are no whole records of %d%s", size, RECORD,
                       size ? ": it is cut off" : "");
      return FALSE;
    }
  for (gsize at = 0; at < size; at += RECORD)
    if (data[at] >= CLASSES)
      {
        rv_archive_fail (archive, (int64_t)at, error,
                         "label of record %" G_GSIZE_FORMAT " is %u, which is no class of 0 to %d",
                         at / RECORD, data[at], CLASSES - 1);
        return FALSE;
      }
  return TRUE;
}

/* Takes the member called `base` if it is one of ours; what is not is let pass. */
static gboolean
take_member (Images *images, RvArchive *archive, const char *base, const char *const *wanted, GError **error)
{
  const gboolean names = strcmp (base, NAMES) == 0;
  int b = 0;
  while (wanted[b] && strcmp (wanted[b], base) != 0)
    b++;
  if (!names && !wanted[b])
    return TRUE;
  if (names ? images->names != NULL : images->batches[b] != NULL)
    {
      rv_archive_fail (archive, -1, error, "the archive holds it twice");
      return FALSE;
    }
  g_autoptr (GBytes) bytes = rv_archive_read_all (archive, names ? 4096 : MOST * RECORD, error);
  if (!bytes)
    return FALSE;
  if (names)
    return (images->names = parse_names (archive, bytes, error)) != NULL;
  if (!check_batch (archive, bytes, error))
    return FALSE;
  images->batches[b] = g_steal_pointer (&bytes);
  return TRUE;
}

/* Counts the images; every batch that is wanted must be there. */
static gboolean
count (Images *images, const char *path, const char *const *wanted, GError **error)
{
  uint32_t sum = 0;
  for (int b = 0; b < BATCHES; b++)
    {
      if (wanted[b] && !images->batches[b])
        {
          g_set_error (error, RV_ERROR, RV_ERROR_DATA, "%s holds no %s", path, wanted[b]);
          return FALSE;
        }
      if (!wanted[b])
        break;
      images->first[b] = g_bytes_get_data (images->batches[b], NULL);
      images->ends[b] = sum += (uint32_t)(g_bytes_get_size (images->batches[b]) / RECORD);
    }
  if (images->names)
    return TRUE;
  images->names = g_new0 (char *, CLASSES + 1);
  for (int c = 0; c < CLASSES; c++)
    images->names[c] = g_strdup (class_names[c]);
  return TRUE;
}

static Images *
load (const char *path, const char *const *wanted, GError **error)
{
  Images *images = g_new0 (Images, 1);
  g_autoptr (RvArchive) archive = rv_archive_open (path, error);
  GError *inner = NULL;
  const char *member;
  gboolean good = archive != NULL;
  while (good && (member = rv_archive_next (archive, &inner)))
    {
      g_autofree char *base = g_path_get_basename (member);
      good = take_member (images, archive, base, wanted, &inner);
    }
  if (inner)
    g_propagate_error (error, inner);
  if (good && !inner && count (images, path, wanted, error))
    return images;
  free_images (images);
  return NULL;
}

/* ---- the node */

/* Of an archive no more than the first member's name is read: it counts as what its makers say. */
static gboolean
check (void *self, RvNode *node, GError **error)
{
  const Cifar *cifar = self;
  g_autofree char *path = find (cifar, node, error);
  g_autoptr (RvArchive) archive = path ? rv_archive_open (path, error) : NULL;
  GError *inner = NULL;
  if (!archive)
    return FALSE;
  if (!rv_archive_next (archive, &inner))
    {
      if (inner)
        g_propagate_error (error, inner);
      else
        g_set_error (error, RV_ERROR, RV_ERROR_DATA, "%s is empty", path);
      return FALSE;
    }
  RvDatasetSpec spec = spec_of (cifar, cifar->split == TEST ? MOST : BATCHES * MOST, class_names);
  if (!rv_selection_apply (&cifar->select, part_of (cifar), &spec, error))
    return FALSE;
  rv_node_set_spec (node, "", &spec);
  return TRUE;
}

static gboolean
identify (void *self, RvNode *node, GError **error)
{
  const Cifar *cifar = self;
  g_autofree char *path = find (cifar, node, error);
  if (!path)
    return FALSE;
  if (!g_file_test (path, G_FILE_TEST_IS_DIR))
    return rv_node_hash_file (node, path, error);
  for (const char *const *name = batches_of (cifar); *name; name++)
    {
      g_autofree char *batch = g_build_filename (path, *name, NULL);
      if (!rv_node_hash_file (node, batch, error))
        return FALSE;
    }
  g_autofree char *names = g_build_filename (path, NAMES, NULL);
  return !g_file_test (names, G_FILE_TEST_EXISTS) || rv_node_hash_file (node, names, error);
}

static const guint8 *
record_of (const Images *images, uint32_t id)
{
  int b = 0;
  while (id >= images->ends[b])
    b++;
  return images->first[b] + (size_t)RECORD * (id - (b ? images->ends[b - 1] : 0));
}

/* values = pixel / 255, [3][32][32] */
static gboolean
read_image (gconstpointer self, uint64_t epoch, uint32_t id, RvRecording *out, GError **error)
{
  const guint8 *record = record_of (self, id);
  float *values = rv_recording_set_static (out, PIXELS);
  for (uint32_t k = 0; k < PIXELS; k++)
    values[k] = (float)record[1 + k] / 255.0f;
  out->label = record[0];
  return TRUE;
}

static gboolean
run (void *self, RvNode *node, GError **error)
{
  const Cifar *cifar = self;
  const char *const *wanted = batches_of (cifar);
  g_autofree char *path = find (cifar, node, error);
  Images *images = path ? load (path, wanted, error) : NULL;
  if (!images)
    return FALSE;
  const uint32_t samples = images->ends[g_strv_length ((char **)wanted) - 1];
  const RvDatasetSpec spec = spec_of (cifar, samples, (const char *const *)images->names);
  g_autofree uint32_t *labels = g_new (uint32_t, samples + 1);
  for (uint32_t id = 0; id < samples; id++)
    labels[id] = record_of (images, id)[0];
  RvDataset *all = rv_dataset_new (&spec, read_image, images, free_images);
  RvDataset *selected = rv_dataset_select (all, &cifar->select, part_of (cifar), labels, error);
  if (!selected)
    return FALSE;
  rv_node_set_output (node, "", selected);
  return TRUE;
}

static const RvParam params[] = {
  RV_CHOICE (Cifar, split, "train", splits,
             "50,000 images to train on, 10,000 to test with, or what `validation` holds out of the 50,000"),
  RV_TEXT (Cifar, folder, "",
           "Folder of " ARCHIVE " or of the batches; empty: looked for in the data folder"),
  RV_SELECTION_TABLE (Cifar, select), RV_PARAM_END
};

static const RvOutput outputs[]
    = { { "", RV_ARTEFACT_DATASET, "The images" }, { NULL, RV_ARTEFACT_NONE, NULL } };

static const char *const published[] = { "train", "test", NULL };

static const RvOfficialFile files[]
    = { { ARCHIVE, (const char *const[]){ "data_batch_1.bin", NULL },
          "https://www.cs.toronto.edu/~kriz/" ARCHIVE, 170052171, "c32a1d4ab5d03f1284b67883e8d87530",
          "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd" },
        { NULL } };

static const RvOfficialSet sets[]
    = { { .name = "cifar10", .title = "CIFAR-10", .page = "https://www.cs.toronto.edu/~kriz/cifar.html",
          .splits = published, .files = files },
        { NULL } };

static const RvNodeClass class = { outputs, check, run, identify, sets };

RV_PLUGIN ("dataset", "cifar10")
  .version = "1.0",
  .licence = "LGPL-2.1-or-later",
  .doc = "CIFAR-10, binary version: colour images of 32 x 32 pixels in ten classes",
  .citation = "Krizhevsky 2009, Learning multiple layers of features from tiny images",
  .params = params,
  .params_size = sizeof (Cifar),
  RV_FUNCTIONS (class),
};
