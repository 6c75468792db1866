/* dataset/nmnist: N-MNIST, the digits of MNIST as an event camera saw them, in the two zips of its makers
 * or the folders in them. 60,000 recordings take some 0.8 GB of memory. */
#include "decoders/members.h"
#include "decoders/recordings.h"
#include <string.h>

#define SIDE 34
#define CLASSES 10
#define MOST (1 << 22)        /* bytes of a recording; the longest of the makers' has some 40,000 */
#define MOST_EVENTS (1 << 29) /* of the set: 1.7 GB; the makers' has 250 million */

static const char *const splits[] = { "train", "test", "validation", NULL };

enum
{
  TRAIN,
  TEST,
  VALIDATION /* held out of the training files */
};

typedef struct
{
  int split;
  gboolean strict;
  char *folder;
  RvSelection select;
} Nmnist;

static RvPart
part_of (const Nmnist *nmnist)
{
  return nmnist->split == TEST         ? RV_PART_ALL
         : nmnist->split == VALIDATION ? RV_PART_VALIDATION
                                       : RV_PART_REST;
}

static RvDatasetSpec
spec_of (const Nmnist *nmnist)
{
  RvDatasetSpec spec = { .classes = CLASSES, .split = splits[nmnist->split] };
  recordings_shape (&spec, SIDE, SIDE);
  return spec;
}

/* Train.zip, or the folder that is in it. Caller owns. */
static char *
find (const Nmnist *nmnist, RvNode *node, GError **error)
{
  const gboolean test = nmnist->split == TEST;
  char *path = rv_node_find_file (node, nmnist->folder, test ? "Test.zip" : "Train.zip", NULL);
  if (!path)
    path = rv_node_find_file (node, nmnist->folder, test ? "Test/" : "Train/", error);
  if (!path)
    g_prefix_error (error, "%s was not found, and so: ", test ? "Test.zip" : "Train.zip");
  return path;
}

/* The class of a recording, which is the name of its folder; -1 for other files; 10 for what is no class. */
static int
class_of (const char *name)
{
  g_autofree char *folder = members_folder (name);
  if (!g_str_has_suffix (name, ".bin"))
    return -1;
  return g_ascii_isdigit (folder[0]) && !folder[1] ? folder[0] - '0' : CLASSES;
}

static gboolean
check_class (const char *path, const char *name, GError **error)
{
  if (class_of (name) < CLASSES)
    return TRUE;
  g_set_error (error, RV_ERROR, RV_ERROR_DATA,
               "%s, member %s: a recording stands in the folder of its class, 0 to 9", path, name);
  return FALSE;
}

static gboolean
check (void *self, RvNode *node, GError **error)
{
  const Nmnist *nmnist = self;
  g_autofree char *path = find (nmnist, node, error);
  g_autoptr (GPtrArray) names = path ? members_list (path, error) : NULL;
  RvDatasetSpec spec = spec_of (nmnist);
  for (guint k = 0; names && k < names->len; k++)
    if (!check_class (path, names->pdata[k], error))
      return FALSE;
    else if (class_of (names->pdata[k]) >= 0)
      spec.samples++;
  if (!names || !rv_selection_apply (&nmnist->select, part_of (nmnist), &spec, error))
    return FALSE;
  if (spec.samples == 0)
    {
      g_set_error (error, RV_ERROR, RV_ERROR_DATA, "%s holds no recording, such as %s/0/00002.bin", path,
                   nmnist->split == TEST ? "Test" : "Train");
      return FALSE;
    }
  rv_node_set_spec (node, "", &spec);
  return TRUE;
}

static gboolean
identify (void *self, RvNode *node, GError **error)
{
  g_autofree char *path = find (self, node, error);
  return path && rv_node_hash_file (node, path, error);
}

/* The current member. */
static gboolean
load_member (Recordings *recordings, RvArchive *archive, const char *path, const char *name, GArray *events,
             GError **error)
{
  const Recording what = { .name = (char *)name, .label = (uint32_t)class_of (name) };
  uint64_t start;
  return check_class (path, name, error) && recordings_read (recordings, archive, MOST, events, &start, error)
         && recordings_add (recordings, events, start, 0, &what, archive, error);
}

static gboolean
load (Recordings *recordings, const Nmnist *nmnist, RvNode *node, const char *path, GError **error)
{
  const uint32_t published = nmnist->split == TEST ? 10000 : 60000;
  g_autoptr (RvArchive) archive = rv_archive_open (path, error);
  g_autoptr (GArray) events = g_array_new (FALSE, FALSE, sizeof (CameraEvent));
  g_autoptr (GError) inner = NULL;
  if (!archive)
    return FALSE;
  for (const char *name; !inner && (name = rv_archive_next (archive, &inner));)
    {
      if (class_of (name) < 0)
        continue;
      if (load_member (recordings, archive, path, name, events, &inner) && recordings->items->len % 500 == 0)
        rv_node_progress (node, recordings->items->len, published, "read");
      if (!inner && rv_node_stopped (node))
        g_set_error (&inner, RV_ERROR, RV_ERROR_STOPPED, "interrupted while %s was read", path);
    }
  if (!inner)
    return recordings_sort (recordings, path, error);
  g_propagate_error (error, g_steal_pointer (&inner));
  return FALSE;
}

static gboolean
run (void *self, RvNode *node, GError **error)
{
  const Nmnist *nmnist = self;
  g_autofree char *path = find (nmnist, node, error);
  Recordings *recordings = recordings_new (SIDE, SIDE, nmnist->strict);
  recordings->most = MOST_EVENTS;
  if (!path || !load (recordings, nmnist, node, path, error))
    {
      recordings_free (recordings);
      return FALSE;
    }
  return recordings_hand_on (recordings, spec_of (nmnist), &nmnist->select, part_of (nmnist), node, error);
}

static const RvParam params[] = {
  RV_CHOICE (
      Nmnist, split, "train", splits,
      "60,000 recordings to train on, 10,000 to test with, or what `validation` holds out of the 60,000"),
  RV_TEXT (Nmnist, folder, "", "Folder of Train.zip and Test.zip; empty: looked for in the data folder"),
  RECORDINGS_STRICT (Nmnist, strict), RV_SELECTION_TABLE (Nmnist, select), RV_PARAM_END
};

static const RvOutput outputs[] = { { "", RV_ARTEFACT_DATASET, "The recordings, in the order of MNIST" },
                                    { NULL, RV_ARTEFACT_NONE, NULL } };

static const char *const published[] = { "train", "test", NULL };

static const RvOfficialFile files[] = { { .name = "Train.zip",
                                          .also = (const char *const[]){ "Train/", NULL },
                                          .md5 = "20959b8e626244a1b502305a9e6e2031" },
                                        { .name = "Test.zip",
                                          .also = (const char *const[]){ "Test/", NULL },
                                          .md5 = "69ca8762b2fe404d9b9bad1103e97832" },
                                        { NULL } };

static const RvOfficialSet sets[]
    = { { .name = "nmnist",
          .title = "N-MNIST",
          .page = "https://www.garrickorchard.com/datasets/n-mnist",
          .how = "Fetch both files with a browser, about 1.1 GB, from where its makers' page leads.",
          .splits = published,
          .steps = "use: transform/bins, width: 3 ms, steps: 100",
          .files = files },
        { NULL } };

static const RvNodeClass class = { outputs, check, run, identify, sets };

RV_PLUGIN ("dataset", "nmnist")
    .version = "1.0",
   .licence = "LGPL-2.1-or-later",
   .doc = "N-MNIST: MNIST seen by an event camera, 34 x 34 pixels of two polarities",
   .citation = "Orchard et al. 2015, Converting static image datasets to spiking neuromorphic datasets using "
               "saccades",
   .params = params, .params_size = sizeof (Nmnist), RV_FUNCTIONS (class),
}
;
