/* What dataset/shd and dataset/ssc share: finds the file, has it read, and chooses by speaker and by class.
 * */
#include "spoken.h"
#include "helper.h"
#include "recordings.h"

static const char *const split_names[] = { "train", "test", "validation" };

/* Whether the makers gave this split a file of its own. */
static gboolean
has_file (const SpokenMake *make, int split)
{
  return make->files[split] != NULL;
}

static const char *
file_of (const SpokenMake *make, const SpokenConfig *config)
{
  return make->files[has_file (make, config->split) ? config->split : SPOKEN_TRAIN];
}

/* Speakers who are held out make the parts by themselves; what is left to the selection then is everything.
 * */
static RvPart
part_of (const SpokenMake *make, const SpokenConfig *config)
{
  if (config->split == SPOKEN_TEST || has_file (make, SPOKEN_VALIDATION) || config->validation_speakers.n)
    return RV_PART_ALL;
  return config->split == SPOKEN_VALIDATION ? RV_PART_VALIDATION : RV_PART_REST;
}

static gboolean
is_among (const RvInts *list, uint32_t number)
{
  for (uint32_t k = 0; k < list->n; k++)
    if (list->items[k] == number)
      return TRUE;
  return FALSE;
}

gboolean
spoken_init (const SpokenMake *make, const SpokenConfig *config, GError **error)
{
  const char *wrong = NULL;
  if (has_file (make, SPOKEN_VALIDATION) && config->select.validation > 0.0)
    wrong = "'validation' holds nothing out: this set comes with a validation split of its own";
  else if (config->validation_speakers.n && config->select.validation > 0.0)
    wrong = "give 'validation' or 'validation-speakers', not both";
  for (uint32_t k = 0; k < config->validation_speakers.n && config->speakers.n; k++)
    if (!is_among (&config->speakers, (uint32_t)config->validation_speakers.items[k]))
      wrong = "'validation-speakers' names one that 'speakers' leaves out";
  if (wrong)
    g_set_error_literal (error, RV_ERROR, RV_ERROR_PIPELINE, wrong);
  return !wrong;
}

/* NAME.h5, else as it was packed. The caller owns it. */
static char *
find (const SpokenMake *make, const SpokenConfig *config, RvNode *node, GError **error)
{
  static const char *const endings[] = { "", ".gz", ".zip" };
  char *path = NULL;
  for (guint k = 0; k < G_N_ELEMENTS (endings) && !path; k++)
    {
      g_autofree char *name = g_strconcat (file_of (make, config), endings[k], NULL);
      path = rv_node_find_file (node, config->folder, name, k + 1 < G_N_ELEMENTS (endings) ? NULL : error);
    }
  if (!path)
    g_prefix_error (error, "neither %s nor that with .gz or .zip was found: ", file_of (make, config));
  return path;
}

/* As many classes as the makers say, also where a file names fewer: a network's outputs are the same for
 * every file. */
static RvDatasetSpec
spec_of (const SpokenMake *make, const SpokenConfig *config, uint32_t samples, const char *const *names)
{
  return (RvDatasetSpec){ .form = RV_FORM_EVENTS,
                          .samples = samples,
                          .units = SPOKEN_UNITS,
                          .dims = { SPOKEN_UNITS, 1, 1 },
                          .classes = make->classes,
                          .split = split_names[config->split],
                          .classes_names = names };
}

/* Every speaker who is asked for must be in the file. */
static gboolean
check_speakers (const SpokenSet *set, const RvInts *wanted, const char *path, GError **error)
{
  uint32_t most = 0;
  if (wanted->n && !set->has_speakers)
    {
      g_set_error (error, RV_ERROR, RV_ERROR_DATA, "%s has no /extra/speaker, so none can be chosen", path);
      return FALSE;
    }
  for (uint32_t k = 0; k < wanted->n; k++)
    {
      uint32_t id = 0;
      while (id < set->samples && set->recordings[id].speaker != wanted->items[k])
        most = MAX (most, set->recordings[id++].speaker);
      if (id < set->samples)
        continue;
      g_set_error (error, RV_ERROR, RV_ERROR_PIPELINE,
                   "there is no speaker %" G_GINT64_FORMAT " in %s; the highest number is %u",
                   wanted->items[k], path, most);
      return FALSE;
    }
  return TRUE;
}

static SpokenSet *
read_set (const SpokenMake *make, const SpokenConfig *config, RvNode *node, const char *path,
          gboolean head_only, GError **error)
{
  g_autoptr (SpokenSet) set = spoken_read_file (node, path, make->classes, config->strict, head_only, error);
  /* a speaker who is held out, or not said to be, is missing in the test file with good reason */
  if (!set || !check_speakers (set, &config->speakers, path, error)
      || (config->split != SPOKEN_TEST && !check_speakers (set, &config->validation_speakers, path, error)))
    return NULL;
  return g_steal_pointer (&set);
}

/* The tables of a plain file are read. Those of a packed one are known only once all of it is unpacked,
 * which is left to the run: here it counts as what its makers say, unless names of classes have to be
 * looked up. */
gboolean
spoken_check (const SpokenMake *make, const SpokenConfig *config, RvNode *node, GError **error)
{
  g_autofree char *path = find (make, config, node, error);
  g_autoptr (SpokenSet) set = NULL;
  if (!path)
    return FALSE;
  RvDatasetSpec spec = spec_of (make, config, make->samples[config->split], NULL);
  if (!spoken_is_packed (path) || (config->select.classes && config->select.classes[0]))
    {
      set = read_set (make, config, node, path, TRUE, error);
      if (!set)
        return FALSE;
      spec = spec_of (make, config, set->samples, (const char *const *)set->names);
    }
  if (!rv_selection_apply (&config->select, part_of (make, config), &spec, error))
    return FALSE;
  if (set && spec.classes_names == (const char *const *)set->names)
    spec.classes_names = NULL; /* they go with the set */
  rv_node_set_spec (node, "", &spec);
  return TRUE;
}

gboolean
spoken_identify (const SpokenMake *make, const SpokenConfig *config, RvNode *node, GError **error)
{
  g_autofree char *path = find (make, config, node, error);
  return path && rv_node_hash_file (node, path, error);
}

/* Keeps what the speakers who are wanted said, in the order of the file. */
static void
keep_speakers (const SpokenMake *make, const SpokenConfig *config, SpokenSet *set)
{
  uint32_t kept = 0;
  const gboolean parts = config->validation_speakers.n && config->split != SPOKEN_TEST;
  for (uint32_t id = 0; id < set->samples; id++)
    {
      Spoken *r = &set->recordings[id];
      const gboolean held = is_among (&config->validation_speakers, r->speaker);
      const gboolean wanted = (!config->speakers.n || is_among (&config->speakers, r->speaker))
                              && (!parts || held == (config->split == SPOKEN_VALIDATION));
      if (wanted)
        set->recordings[kept++] = *r;
      else
        g_free (r->bytes);
    }
  set->samples = kept;
}

static void
free_set (gpointer set)
{
  spoken_set_free (set);
}

gboolean
spoken_run (const SpokenMake *make, const SpokenConfig *config, RvNode *node, GError **error)
{
  g_autofree char *path = find (make, config, node, error);
  SpokenSet *set = path ? read_set (make, config, node, path, FALSE, error) : NULL;
  if (!set)
    return FALSE;
  keep_speakers (make, config, set);
  g_autofree uint32_t *labels = g_new (uint32_t, set->samples + 1);
  for (uint32_t id = 0; id < set->samples; id++)
    labels[id] = set->recordings[id].label;
  RvDatasetSpec spec = spec_of (make, config, set->samples, (const char *const *)set->names);
  spec.duration = set->duration;
  RvDataset *all = rv_dataset_new (&spec, spoken_set_recording, set, free_set);
  RvDataset *selected = rv_dataset_select (all, &config->select, part_of (make, config), labels, error);
  if (!selected)
    return FALSE;
  rv_node_set_output (node, "", selected);
  return TRUE;
}
