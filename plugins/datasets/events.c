/* dataset/events: recordings of one's own, a folder (or zip, or tar) with a folder for each class. What a
 * file is shows in its first bytes: AEDAT 3.1, or the five bytes an event of N-MNIST and N-Caltech101. */
#include "decoders/members.h"
#include "decoders/recordings.h"
#include <string.h>

#define MOST ((size_t)4 << 30) /* bytes of a file */

static const char *const splits[] = { "train", "test", "validation", NULL };

enum
{
  TRAIN,
  TEST,
  VALIDATION /* held out of the folder */
};

typedef struct
{
  int split;
  gboolean strict;
  char *folder;
  int64_t width, height;
  RvSelection select;
  char **classes; /* what check told the graph; owned */
} Events;

static RvPart
part_of (const Events *events)
{
  return events->split == TEST         ? RV_PART_ALL
         : events->split == VALIDATION ? RV_PART_VALIDATION
                                       : RV_PART_REST;
}

static gboolean
init (void *self, GError **error)
{
  const Events *events = self;
  if (!events->width == !events->height)
    return TRUE;
  g_set_error (error, RV_ERROR, RV_ERROR_PIPELINE, "give both 'width' and 'height', or neither");
  return FALSE;
}

static void
clear (void *self)
{
  Events *events = self;
  g_strfreev (events->classes);
}

/* A folder, or an archive of that name. Caller owns. */
static char *
find (const Events *events, RvNode *node, GError **error)
{
  if (!*events->folder)
    {
      g_set_error (error, RV_ERROR, RV_ERROR_PIPELINE,
                   "'folder' is not given; it holds a folder of recordings for each class");
      return NULL;
    }
  g_autofree char *above = g_path_get_dirname (events->folder), *name = g_path_get_basename (events->folder);
  g_autofree char *as_folder = g_strconcat (name, "/", NULL);
  char *path = rv_node_find_file (node, above, as_folder, NULL);
  return path ? path : rv_node_find_file (node, above, name, error);
}

/* Numbers by their value, other names by their letters. */
static int
by_name (gconstpointer a, gconstpointer b)
{
  const char *x = *(const char *const *)a, *y = *(const char *const *)b;
  const char *x_rest = x + strspn (x, "0"), *y_rest = y + strspn (y, "0");
  const gboolean numbers = !x[strspn (x, "0123456789")] && !y[strspn (y, "0123456789")];
  if (numbers && strlen (x_rest) != strlen (y_rest))
    return strlen (x_rest) < strlen (y_rest) ? -1 : 1;
  return numbers && strcmp (x_rest, y_rest) ? strcmp (x_rest, y_rest) : strcmp (x, y);
}

/* The folders that have folders with files in them: what lies right there, a README for instance, is no
 * recording. */
static GHashTable *
folders_above (const GPtrArray *names)
{
  GHashTable *above = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  for (guint k = 0; k < names->len; k++)
    {
      g_autofree char *folder = g_path_get_dirname (names->pdata[k]);
      while (strcmp (folder, ".") != 0 && strcmp (folder, "/") != 0)
        {
          char *up = g_path_get_dirname (folder);
          g_free (folder);
          folder = up;
          if (!g_hash_table_add (above, g_strdup (folder)))
            break; /* and what is above it too */
        }
    }
  return above;
}

/* The files (borrowed from `names`) that are recordings, each with the name of its class; sets the classes.
 * */
static GHashTable *
find_classes (const GPtrArray *names, char ***classes)
{
  g_autoptr (GHashTable) above = folders_above (names);
  GHashTable *files = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, g_free);
  g_autoptr (GHashTable) met = g_hash_table_new (g_str_hash, g_str_equal);
  g_autoptr (GPtrArray) list = g_ptr_array_new ();
  for (guint k = 0; k < names->len; k++)
    {
      g_autofree char *folder = g_path_get_dirname (names->pdata[k]);
      char *class = members_folder (names->pdata[k]);
      if (!*class || g_hash_table_contains (above, folder))
        {
          g_free (class);
          continue;
        }
      if (g_hash_table_add (met, class))
        g_ptr_array_add (list, class);
      g_hash_table_replace (files, names->pdata[k], class);
    }
  g_ptr_array_sort (list, by_name);
  g_ptr_array_add (list, NULL);
  *classes = g_strdupv ((char **)list->pdata);
  return files;
}

/* What is in the folder or archive. */
typedef struct
{
  char *path;
  GPtrArray *names;
  GHashTable *files; /* of `names` -> its class */
  char **classes;    /* in the order of their labels */
} Listing;

static void
listing_clear (Listing *listing)
{
  g_free (listing->path);
  g_clear_pointer (&listing->files, g_hash_table_unref);
  g_clear_pointer (&listing->names, g_ptr_array_unref);
  g_strfreev (listing->classes);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Listing, listing_clear)

static gboolean
list (Listing *listing, const Events *events, RvNode *node, GError **error)
{
  listing->path = find (events, node, error);
  listing->names = listing->path ? members_list (listing->path, error) : NULL;
  if (!listing->names)
    return FALSE;
  listing->files = find_classes (listing->names, &listing->classes);
  if (listing->classes[0])
    return TRUE;
  g_set_error (error, RV_ERROR, RV_ERROR_DATA,
               "%s holds no folders of recordings; one for each class is needed, named after it",
               listing->path);
  return FALSE;
}

static uint32_t
label_of (const Listing *listing, const char *class)
{
  uint32_t label = 0;
  while (strcmp (listing->classes[label], class) != 0)
    label++;
  return label;
}

/* Every file, in the order of the archive; `keep`: the events too, not only how large the sensor must be. */
static gboolean
read_files (Recordings *recordings, const Listing *listing, RvNode *node, gboolean keep, GError **error)
{
  g_autoptr (GError) inner = NULL;
  g_autoptr (RvArchive) archive = rv_archive_open (listing->path, &inner);
  g_autoptr (GArray) events = g_array_new (FALSE, FALSE, sizeof (CameraEvent));
  for (const char *name; !inner && (name = rv_archive_next (archive, &inner));)
    {
      const char *class = g_hash_table_lookup (listing->files, name);
      uint64_t start;
      if (!class)
        continue;
      if (!recordings_read (recordings, archive, MOST, keep ? events : NULL, &start, &inner))
        break;
      const Recording what = { .name = (char *)name, .label = label_of (listing, class) };
      if (keep)
        recordings_add (recordings, events, start, 0, &what, archive, &inner);
      if (!inner && rv_node_stopped (node))
        g_set_error (&inner, RV_ERROR, RV_ERROR_STOPPED, "interrupted while %s was read", listing->path);
      rv_node_progress (node, recordings->items->len, g_hash_table_size (listing->files), "read");
    }
  if (!inner)
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&inner));
  return FALSE;
}

static gboolean
check (void *self, RvNode *node, GError **error)
{
  Events *events = self;
  g_auto (Listing) listing = { 0 };
  if (!list (&listing, events, node, error))
    return FALSE;
  RvDatasetSpec spec = { .samples = g_hash_table_size (listing.files),
                         .classes = g_strv_length (listing.classes),
                         .split = splits[events->split] };
  Recordings *recordings = recordings_new ((uint32_t)events->width, (uint32_t)events->height, events->strict);
  const gboolean known = !recordings->grows || read_files (recordings, &listing, node, FALSE, error);
  recordings_shape (&spec, recordings->width, recordings->height);
  recordings_free (recordings);
  g_strfreev (events->classes);
  events->classes = g_steal_pointer (&listing.classes);
  spec.classes_names = (const char *const *)events->classes;
  if (!known || !rv_selection_apply (&events->select, part_of (events), &spec, error))
    return FALSE;
  rv_node_set_spec (node, "", &spec);
  return TRUE;
}

static gboolean
identify (void *self, RvNode *node, GError **error)
{
  g_autofree char *path = find (self, node, error);
  return path && rv_node_hash_file (node, path, error);
}

static gboolean
run (void *self, RvNode *node, GError **error)
{
  const Events *events = self;
  g_auto (Listing) listing = { 0 };
  Recordings *recordings = recordings_new ((uint32_t)events->width, (uint32_t)events->height, events->strict);
  if (!list (&listing, events, node, error) || !read_files (recordings, &listing, node, TRUE, error)
      || !recordings_sort (recordings, listing.path, error))
    {
      recordings_free (recordings);
      return FALSE;
    }
  recordings->classes = g_steal_pointer (&listing.classes);
  const RvDatasetSpec spec = { .classes = g_strv_length (recordings->classes),
                               .classes_names = (const char *const *)recordings->classes,
                               .split = splits[events->split] };
  return recordings_hand_on (recordings, spec, &events->select, part_of (events), node, error);
}

static const RvParam params[]
    = { RV_TEXT (Events, folder, "",
                 "The folder, by its path or by its name in the data folder; or a zip or tar of it"),
        RV_CHOICE (Events, split, "train", splits,
                   "What the recordings are for; `validation` holds a share out of those to train on"),
        RV_INT (Events, width, "0", 0, 32767, "pixels", "Of the sensor; 0: as its name or the events say"),
        RV_INT (Events, height, "0", 0, 32767, "pixels", "Of the sensor; 0: as its name or the events say"),
        RECORDINGS_STRICT (Events, strict),
        RV_SELECTION_TABLE (Events, select),
        RV_PARAM_END };

static const RvOutput outputs[]
    = { { "", RV_ARTEFACT_DATASET, "The recordings, in the order of their names" },
        { NULL, RV_ARTEFACT_NONE, NULL } };

static const RvNodeClass class = { outputs, check, run, identify };

RV_PLUGIN ("dataset", "events").version = "1.0", .licence = "LGPL-2.1-or-later",
                      .doc = "Recordings of one's own by an event camera, one folder for each class",
                      .params = params, .params_size = sizeof (Events), .init = init, .clear = clear,
                      RV_FUNCTIONS (class),
}
;
