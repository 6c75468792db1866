/* Choosing recordings: classes first, then what is held out, then the first so many, in the order of the set. */
#include <ranvier/random.h>
#include <ranvier/selection.h>
#include <math.h>
#include <string.h>

typedef struct
{
  RvDataset *all;
  uint32_t *ids;    /* [samples] of this dataset -> id in `all` */
  uint32_t *labels; /* [classes of `all`] -> new label */
} Selected;

static gboolean
chooses_classes (const RvSelection *selection)
{
  return selection->classes && selection->classes[0];
}

/* The number of a class by its name, or by its number where classes have no names; -1: there is none. */
static int64_t
find_class (const RvDatasetSpec *spec, const char *name)
{
  for (uint32_t c = 0; c < spec->classes; c++)
    {
      g_autofree char *number = g_strdup_printf ("%u", c);
      if (strcmp (spec->classes_names ? spec->classes_names[c] : number, name) == 0)
        return c;
    }
  return -1;
}

/* New label of each class of the set; UINT32_MAX: not chosen. Caller owns; NULL with an error. */
static uint32_t *
new_labels (const RvSelection *selection, const RvDatasetSpec *spec, GError **error)
{
  g_autofree uint32_t *labels = g_new (uint32_t, spec->classes + 1);
  const gboolean choose = chooses_classes (selection);
  for (uint32_t c = 0; c < spec->classes; c++)
    labels[c] = choose ? UINT32_MAX : c;
  for (uint32_t k = 0; choose && selection->classes[k]; k++)
    {
      const int64_t c = find_class (spec, selection->classes[k]);
      if (c >= 0 && labels[c] == UINT32_MAX)
        {
          labels[c] = k;
          continue;
        }
      g_autoptr (GString) list = g_string_new (NULL);
      if (!spec->classes_names)
        g_string_printf (list, "the numbers from 0 to %u", spec->classes - 1);
      for (uint32_t i = 0; spec->classes_names && i < spec->classes; i++) /* no NULL need end them */
        g_string_append_printf (list, "%s%s", i ? ", " : "", spec->classes_names[i]);
      g_set_error (error, RV_ERROR, RV_ERROR_PIPELINE, "'classes' %s '%s'; the set has %s",
                   c < 0 ? "names" : "names twice", selection->classes[k], list->str);
      return NULL;
    }
  return g_steal_pointer (&labels);
}

gboolean
rv_selection_apply (const RvSelection *selection, RvPart part, RvDatasetSpec *spec, GError **error)
{
  g_autofree uint32_t *labels = new_labels (selection, spec, error);
  if (!labels)
    return FALSE;
  if (part == RV_PART_VALIDATION && selection->validation <= 0.0)
    {
      g_set_error (error, RV_ERROR, RV_ERROR_PIPELINE,
                   "'split: validation' is empty: say which share of the training set is held out, "
                   "'validation: 0.1' for instance, here and in the training split");
      return FALSE;
    }
  if (chooses_classes (selection))
    {
      spec->classes = g_strv_length (selection->classes);
      spec->classes_names = (const char *const *)selection->classes;
    }
  if (selection->samples)
    spec->samples = (uint32_t)MIN ((int64_t)spec->samples, selection->samples);
  return TRUE;
}

static gboolean
read_selected (gconstpointer self, uint64_t epoch, uint32_t id, RvRecording *out, GError **error)
{
  const Selected *selected = self;
  if (!rv_dataset_read (selected->all, epoch, selected->ids[id], out, error))
    return FALSE;
  out->label = selected->labels[out->label];
  return TRUE;
}

static void
free_selected (gpointer data)
{
  Selected *selected = data;
  rv_dataset_unref (selected->all);
  g_free (selected->ids);
  g_free (selected->labels);
  g_free (selected);
}

/* Of each class, a share of its recordings, rounded to the nearest, drawn by the seed: held[id]. */
static void
hold_out (const RvSelection *selection, const uint32_t *labels, uint32_t n, uint32_t classes, gboolean *held)
{
  const RvStream stream = rv_stream_new ((uint64_t)selection->selection_seed, "", "hold out", NULL);
  g_autofree uint32_t *members = g_new (uint32_t, n + 1), *order = g_new (uint32_t, n + 1);
  for (uint32_t c = 0; c < classes; c++)
    {
      uint32_t count = 0;
      for (uint32_t id = 0; id < n; id++)
        if (labels[id] == c)
          members[count++] = id;
      rv_stream_permutation (rv_stream_fork (stream, c), count, order);
      const uint32_t taken = (uint32_t)lround (selection->validation * count);
      for (uint32_t k = 0; k < taken; k++)
        held[members[order[k]]] = TRUE;
    }
}

/* Fills ids with what is chosen and returns how many. */
static uint32_t
choose (const RvSelection *selection, RvPart part, const RvDatasetSpec *spec, const uint32_t *labels,
        const uint32_t *renamed, uint32_t *ids)
{
  const uint32_t classes = chooses_classes (selection) ? g_strv_length (selection->classes) : spec->classes;
  const uint64_t most = selection->samples ? (uint64_t)selection->samples : UINT64_MAX;
  g_autofree gboolean *held = g_new0 (gboolean, spec->samples + 1);
  g_autofree uint64_t *room = g_new (uint64_t, classes + 1);
  uint32_t count = 0;
  if (part != RV_PART_ALL)
    hold_out (selection, labels, spec->samples, spec->classes, held);
  /* the first classes get one more where the samples do not divide */
  for (uint32_t c = 0; c < classes; c++)
    room[c] = selection->balanced && selection->samples ? most / classes + (c < most % classes) : most;
  for (uint32_t id = 0; id < spec->samples && count < most; id++)
    {
      const uint32_t label = labels[id] < spec->classes ? renamed[labels[id]] : UINT32_MAX;
      if (label == UINT32_MAX || held[id] != (part == RV_PART_VALIDATION) || room[label] == 0)
        continue;
      room[label]--;
      ids[count++] = id;
    }
  return count;
}

RvDataset *
rv_dataset_select (RvDataset *all, const RvSelection *selection, RvPart part, const uint32_t *labels,
                   GError **error)
{
  Selected *selected = g_new0 (Selected, 1);
  RvDatasetSpec spec = *rv_dataset_spec (all);
  selected->all = all;
  selected->labels = new_labels (selection, &spec, error);
  selected->ids = g_new (uint32_t, spec.samples + 1);
  const uint32_t count
      = selected->labels ? choose (selection, part, &spec, labels, selected->labels, selected->ids) : 0;
  if (!selected->labels || !rv_selection_apply (selection, part, &spec, error) || count == 0)
    {
      if (error && !*error)
        g_set_error (error, RV_ERROR, RV_ERROR_DATA,
                     "no recording is left of %u once samples, classes and "
                     "validation have chosen",
                     rv_dataset_spec (all)->samples);
      free_selected (selected);
      return NULL;
    }
  spec.samples = count;
  return rv_dataset_new (&spec, read_selected, selected, free_selected);
}
