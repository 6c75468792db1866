/* dataset/dvsgesture: DVS128 Gesture in the archive of its makers, or unpacked: recordings in AEDAT 3.1,
 * each with a table of the clips in it and their classes, and two lists that say which recordings train and
 * which test. */
#include "decoders/recordings.h"
#include <string.h>

#define SIDE 128
#define CLASSES 11
#define MOST ((size_t)1 << 30) /* bytes of a recording; the makers' have some 50 million */
#define MOST_TEXT (1 << 20)

static const char *const splits[] = { "train", "test", "validation", NULL };

/* As the makers' gesture_mapping.csv has them, there numbered from 1. */
static const char *const gestures[] = { "hand_clapping",
                                        "right_hand_wave",
                                        "left_hand_wave",
                                        "right_arm_clockwise",
                                        "right_arm_counter_clockwise",
                                        "left_arm_clockwise",
                                        "left_arm_counter_clockwise",
                                        "arm_roll",
                                        "air_drums",
                                        "air_guitar",
                                        "other_gestures",
                                        NULL };

enum
{
  TRAIN,
  TEST,
  VALIDATION /* held out of the clips to train on */
};

typedef struct
{
  int split;
  gboolean strict;
  char *folder;
  RvSelection select;
} Gesture;

typedef struct
{
  uint32_t label;
  uint64_t start, end; /* first and last microsecond, by the camera's clock */
} Clip;

/* What was met so far, in whatever order it stands in the archive. Recordings go by the last part of their
 * names, "user01_led.aedat". */
typedef struct
{
  const Gesture *gesture;
  RvArchive *archive;
  GHashTable *wanted; /* recording -> its line in the list, from 1; NULL: the list was not met yet */
  GHashTable *clips;  /* recording -> GArray of Clip, its table */
  Recordings *whole;  /* recordings whose table was not met yet; NULL: lists and tables alone are read */
  Recordings *cut;    /* their clips; `order` is the line in the table, from 0 */
  GArray *events;     /* of the recording at hand */
  GArray *clip;       /* those of a clip */
} Load;

static RvPart
part_of (const Gesture *gesture)
{
  return gesture->split == TEST         ? RV_PART_ALL
         : gesture->split == VALIDATION ? RV_PART_VALIDATION
                                        : RV_PART_REST;
}

static RvDatasetSpec
spec_of (const Gesture *gesture)
{
  RvDatasetSpec spec = { .classes = CLASSES, .classes_names = gestures, .split = splits[gesture->split] };
  recordings_shape (&spec, SIDE, SIDE);
  return spec;
}

static const char *
list_name (const Gesture *gesture)
{
  return gesture->split == TEST ? "trials_to_test.txt" : "trials_to_train.txt";
}

/* The archive, or the folder of what is in it. Caller owns. */
static char *
find (const Gesture *gesture, RvNode *node, GError **error)
{
  static const char packed[] = "DvsGesture.tar.gz";
  char *path = rv_node_find_file (node, gesture->folder, packed, NULL);
  if (!path)
    path = rv_node_find_file (node, gesture->folder, "DvsGesture.tar", NULL);
  if (path)
    return path;
  g_autofree char *list = rv_node_find_file (node, gesture->folder, list_name (gesture), error);
  if (list)
    return g_path_get_dirname (list);
  g_prefix_error (error, "%s was not found, and so: ", packed);
  return NULL;
}

/* ---- lists and tables */

/* The current member as lines without blanks around; the caller owns them. NULL with an error. */
static char **
read_lines (RvArchive *archive, GError **error)
{
  g_autoptr (GBytes) bytes = rv_archive_read_all (archive, MOST_TEXT, error);
  if (!bytes)
    return NULL;
  g_autofree char *text = g_strndup (g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes));
  char **lines = g_strsplit (text, "\n", -1);
  for (char **line = lines; *line; line++)
    g_strstrip (*line);
  return lines;
}

static gboolean
read_list (Load *load, GError **error)
{
  g_auto (GStrv) lines = read_lines (load->archive, error);
  if (!lines)
    return FALSE;
  if (!load->wanted)
    load->wanted = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  for (guint k = 0; lines[k]; k++)
    if (*lines[k] && !g_hash_table_insert (load->wanted, g_strdup (lines[k]), GUINT_TO_POINTER (k + 1)))
      {
        rv_archive_fail (load->archive, -1, error, "line %u: %s is listed twice", k + 1, lines[k]);
        return FALSE;
      }
  return TRUE;
}

/* "8,80048239,85092709": class from 1, start and end in microseconds. */
static gboolean
parse_clip (const char *line, Clip *clip)
{
  guint64 numbers[3];
  const char *at = line;
  for (int k = 0; k < 3; k++)
    {
      char *end;
      if (!g_ascii_isdigit (*at))
        return FALSE;
      numbers[k] = g_ascii_strtoull (at, &end, 10);
      if (*end != (k < 2 ? ',' : 0))
        return FALSE;
      at = end + 1;
    }
  *clip = (Clip){ (uint32_t)(numbers[0] - 1), numbers[1], numbers[2] };
  return numbers[0] >= 1 && numbers[0] <= CLASSES && clip->start < clip->end
         && clip->end - clip->start < G_MAXUINT32;
}

/* The table of `recording` (consumed). */
static gboolean
read_table (Load *load, char *recording, GError **error)
{
  g_auto (GStrv) lines = read_lines (load->archive, error);
  g_autoptr (GArray) clips = g_array_new (FALSE, FALSE, sizeof (Clip));
  g_autofree char *key = recording;
  for (guint k = 0; lines && lines[k]; k++)
    {
      Clip clip;
      if (!*lines[k] || (k == 0 && !g_ascii_isdigit (*lines[k])))
        continue; /* the first line names the columns */
      if (!parse_clip (lines[k], &clip))
        {
          rv_archive_fail (load->archive, -1, error,
                           "line %u: a clip is written as class (1 to %d), start and end in microseconds",
                           k + 1, CLASSES);
          return FALSE;
        }
      g_array_append_val (clips, clip);
    }
  if (lines)
    g_hash_table_replace (load->clips, g_steal_pointer (&key), g_steal_pointer (&clips));
  return lines != NULL;
}

/* ---- recordings */

/* Adds the clips of the recording whose events are at hand. They are looked for among all, since outside of
 * clips a clock may have been set anew. */
static gboolean
cut_clips (Load *load, const char *recording, const GArray *clips, GError **error)
{
  for (guint k = 0; k < clips->len; k++)
    {
      const Clip *clip = &g_array_index (clips, Clip, k);
      const Recording what = { .name = (char *)recording, .order = k, .label = clip->label };
      g_array_set_size (load->clip, 0);
      for (guint e = 0; e < load->events->len; e++)
        {
          const CameraEvent *event = &g_array_index (load->events, CameraEvent, e);
          if (event->time >= clip->start && event->time <= clip->end)
            g_array_append_val (load->clip, *event);
        }
      if (recordings_add (load->cut, load->clip, clip->start, clip->end - clip->start + 1, &what,
                          load->archive, error))
        continue;
      g_autofree char *why = g_strdup_printf (
          "%s; in clip %u of %s, %s from %" G_GUINT64_FORMAT " to %" G_GUINT64_FORMAT " us",
          (*error)->message, k + 1, recording, gestures[clip->label], clip->start, clip->end);
      g_clear_error (error);
      g_set_error_literal (error, RV_ERROR, RV_ERROR_DATA, why);
      return FALSE;
    }
  return TRUE;
}

static gboolean
read_recording_file (Load *load, const char *recording, GError **error)
{
  const Recording what = { .name = (char *)recording };
  const GArray *clips = g_hash_table_lookup (load->clips, recording);
  uint64_t start;
  if (load->wanted && !g_hash_table_contains (load->wanted, recording))
    return TRUE;
  if (!recordings_read (load->whole, load->archive, MOST, load->events, &start, error))
    return FALSE;
  return clips ? cut_clips (load, recording, clips, error)
               : recordings_add (load->whole, load->events, start, 0, &what, load->archive, error);
}

/* A table was read: its recording may have been waiting for it. */
static gboolean
cut_waiting (Load *load, const char *recording, GError **error)
{
  for (guint k = 0; load->whole && k < load->whole->items->len; k++)
    {
      const Recording *whole = &g_array_index (load->whole->items, Recording, k);
      if (strcmp (whole->name, recording) != 0)
        continue;
      g_array_set_size (load->events, 0);
      recordings_unpack (load->whole, whole, load->events);
      recordings_remove (load->whole, k);
      return cut_clips (load, recording, g_hash_table_lookup (load->clips, recording), error);
    }
  return TRUE;
}

static gboolean
read_member (Load *load, const char *member, GError **error)
{
  static const char table[] = "_labels.csv";
  g_autofree char *name = g_path_get_basename (member);
  if (strcmp (name, list_name (load->gesture)) == 0)
    return read_list (load, error);
  if (g_str_has_suffix (name, table))
    {
      g_autofree char *stem = g_strndup (name, strlen (name) - strlen (table));
      g_autofree char *recording = g_strconcat (stem, ".aedat", NULL);
      return read_table (load, g_strdup (recording), error) && cut_waiting (load, recording, error);
    }
  return !load->whole || !g_str_has_suffix (name, ".aedat") || read_recording_file (load, name, error);
}

/* Every recording of the list must have come, with a table; the clips of others go. */
static gboolean
take_wanted (Load *load, const char *path, GError **error)
{
  GHashTableIter iter;
  gpointer name, line;
  g_autoptr (GHashTable) met = g_hash_table_new (g_str_hash, g_str_equal);
  if (!load->wanted)
    {
      g_set_error (error, RV_ERROR, RV_ERROR_DATA, "%s holds no %s", path, list_name (load->gesture));
      return FALSE;
    }
  for (guint k = load->cut->items->len; k-- > 0;)
    {
      Recording *clip = &g_array_index (load->cut->items, Recording, k);
      if (!g_hash_table_lookup_extended (load->wanted, clip->name, &name, &line))
        {
          recordings_remove (load->cut, k);
          continue;
        }
      clip->order += GPOINTER_TO_UINT (line) << 16; /* the file's line, then the clip's */
      g_hash_table_add (met, name);
    }
  g_hash_table_iter_init (&iter, load->wanted);
  while (g_hash_table_iter_next (&iter, &name, NULL))
    if (!(load->whole ? g_hash_table_contains (met, name) : g_hash_table_contains (load->clips, name)))
      {
        const gboolean table = g_hash_table_contains (load->clips, name);
        g_set_error (error, RV_ERROR, RV_ERROR_DATA, "%s lists %s in %s, but holds %s", path, (char *)name,
                     list_name (load->gesture),
                     table ? "no recording of that name" : "no table of its clips");
        return FALSE;
      }
  return TRUE;
}

static void
load_clear (Load *load)
{
  g_clear_pointer (&load->archive, rv_archive_close);
  g_clear_pointer (&load->wanted, g_hash_table_unref);
  g_clear_pointer (&load->clips, g_hash_table_unref);
  g_clear_pointer (&load->events, g_array_unref);
  g_clear_pointer (&load->clip, g_array_unref);
  recordings_free (load->whole);
  recordings_free (load->cut);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Load, load_clear)

/* Reads all, or the lists and tables alone. */
static gboolean
read_archive (Load *load, const Gesture *gesture, RvNode *node, const char *path, gboolean all,
              GError **error)
{
  const uint32_t published = gesture->split == TEST ? 288 : 1176;
  g_autoptr (GError) inner = NULL;
  load->gesture = gesture;
  load->archive = rv_archive_open (path, &inner);
  load->clips = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_array_unref);
  load->whole = all ? recordings_new (SIDE, SIDE, FALSE) : NULL;
  if (all)
    load->whole->raw = TRUE;
  load->cut = recordings_new (SIDE, SIDE, gesture->strict);
  load->events = g_array_new (FALSE, FALSE, sizeof (CameraEvent));
  load->clip = g_array_new (FALSE, FALSE, sizeof (CameraEvent));
  for (const char *name; !inner && (name = rv_archive_next (load->archive, &inner));)
    {
      if (read_member (load, name, &inner) && rv_node_stopped (node))
        g_set_error (&inner, RV_ERROR, RV_ERROR_STOPPED, "interrupted while %s was read", path);
      rv_node_progress (node, load->cut->items->len, published, "read");
    }
  if (!inner)
    return take_wanted (load, path, error);
  g_propagate_error (error, g_steal_pointer (&inner));
  return FALSE;
}

/* How many clips there are: counted where the tables can be reached without unpacking gigabytes, otherwise as
 * many as were published. */
static gboolean
count_clips (const Gesture *gesture, RvNode *node, const char *path, uint32_t *count, GError **error)
{
  g_auto (Load) load = { 0 };
  GHashTableIter iter;
  gpointer name;
  if (g_str_has_suffix (path, ".gz"))
    {
      *count = gesture->split == TEST ? 288 : 1176;
      load.archive = rv_archive_open (path, error);
      return load.archive && rv_archive_next (load.archive, error);
    }
  if (!read_archive (&load, gesture, node, path, FALSE, error))
    return FALSE;
  g_hash_table_iter_init (&iter, load.wanted);
  while (g_hash_table_iter_next (&iter, &name, NULL))
    *count += ((GArray *)g_hash_table_lookup (load.clips, name))->len;
  return TRUE;
}

static gboolean
check (void *self, RvNode *node, GError **error)
{
  const Gesture *gesture = self;
  g_autofree char *path = find (gesture, node, error);
  RvDatasetSpec spec = spec_of (gesture);
  if (!path || !count_clips (gesture, node, path, &spec.samples, error)
      || !rv_selection_apply (&gesture->select, part_of (gesture), &spec, error))
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
  const Gesture *gesture = self;
  g_autofree char *path = find (gesture, node, error);
  g_auto (Load) load = { 0 };
  if (!path || !read_archive (&load, gesture, node, path, TRUE, error)
      || !recordings_sort (load.cut, path, error))
    return FALSE;
  return recordings_hand_on (g_steal_pointer (&load.cut), spec_of (gesture), &gesture->select,
                             part_of (gesture), node, error);
}

static const RvParam params[] = {
  RV_CHOICE (
      Gesture, split, "train", splits,
      "1,176 clips of 23 people to train on, 288 of 6 others to test with, or what `validation` holds out "
      "of the 1,176"),
  RV_TEXT (Gesture, folder, "",
           "Folder of DvsGesture.tar.gz, or of what is in it; empty: looked for in the data folder"),
  RECORDINGS_STRICT (Gesture, strict), RV_SELECTION_TABLE (Gesture, select), RV_PARAM_END
};

static const RvOutput outputs[]
    = { { "", RV_ARTEFACT_DATASET, "The clips, in the order of the makers' lists" },
        { NULL, RV_ARTEFACT_NONE, NULL } };

static const char *const published[] = { "train", "test", NULL };

static const RvOfficialFile files[]
    = { { .name = "DvsGesture.tar.gz",
          .also = (const char *const[]){ "DvsGesture.tar", "trials_to_train.txt", NULL },
          .md5 = "8a5c71fb11e24e5ca5b11866ca6c00a1" },
        { NULL } };

static const RvOfficialSet sets[]
    = { { .name = "dvsgesture",
          .title = "DVS128 Gesture",
          .page = "https://ibm.ent.box.com/s/3hiq58ww1pbbjrinh367ykfdf60xsfm8/folder/50167556794",
          .how = "Fetch DvsGesture.tar.gz with a browser: its makers' store lets no program in.",
          .splits = published,
          .steps = "use: transform/frames, frames: 20",
          .files = files },
        { NULL } };

static const RvNodeClass class = { outputs, check, run, identify, sets };

RV_PLUGIN ("dataset", "dvsgesture")
    .version = "1.0",
   .licence = "LGPL-2.1-or-later",
   .doc = "DVS128 Gesture: 11 gestures seen by an event camera, 128 x 128 pixels of two polarities",
   .citation = "Amir et al. 2017, A low power, fully event-based gesture recognition system",
   .params = params, .params_size = sizeof (Gesture), RV_FUNCTIONS (class),
}
;
