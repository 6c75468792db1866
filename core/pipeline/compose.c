/* A pipeline file to its cells: includes merged under it, settings applied, one choice taken from every axis,
 * and every $(name) replaced by what it stands for, so that the graph sees plain values that know their
 * places. */
#include "pipeline/document.h"

#include <stdlib.h>
#include <string.h>

/* Bounds that no honest pipeline meets, so that a broken one ends with a message and not with the memory. */
#define MOST_FILES 256
#define MOST_CELLS 10000
#define MOST_VALUES 4000000
#define DEEPEST 256
#define LONGEST_CHAIN 64

typedef struct
{
  RvMistakes *mistakes;
  GPtrArray *open; /* char *, the real paths of the files being read, outermost first */
  guint n_files;
} Loader;

/* NODE.PARAM=VALUE */
typedef struct
{
  const char *node; /* borrowed from the map of nodes */
  char **path;      /* the parts behind the node's name */
  RvValue *value;
} Setting;

/* What $(name) stands for in one cell. */
typedef struct
{
  const RvValue *raw; /* borrowed */
  RvValue *resolved;  /* owned; NULL before it is asked for */
  guint size, height; /* of `resolved` */
  gboolean active;    /* being resolved: asking again is a circle */
} Name;

typedef struct
{
  RvMistakes *mistakes;
  GHashTable *names; /* char *, borrowed -> Name */
  GPtrArray *circle; /* char *, borrowed: the names being resolved, outermost first */
  guint depth;
  gint64 *budget; /* values that may still be made, of all cells */
} Scope;

/* ---- small helpers */

static char *
did_you_mean (const char *word, const RvValue *const *maps, gsize n)
{
  g_autoptr (GPtrArray) names = g_ptr_array_new ();
  const char *nearest;

  for (gsize m = 0; m < n; m++)
    for (guint i = 0; maps[m] != NULL && maps[m]->type == RV_VALUE_MAP && i < maps[m]->keys->len; i++)
      g_ptr_array_add (names, maps[m]->keys->pdata[i]);
  g_ptr_array_add (names, NULL);
  nearest = rv_nearest (word, (const char *const *)names->pdata);
  return nearest != NULL ? g_strdup_printf ("; did you mean '%s'?", nearest) : g_strdup ("");
}

static RvPlace
key_place (const RvValue *map, guint i)
{
  return g_array_index (map->key_places, RvPlace, i);
}

/* `x:` with nothing behind it reads as empty text. */
static gboolean
is_empty (const RvValue *value)
{
  return value->type == RV_VALUE_TEXT && value->text[0] == '\0';
}

/* "file:line", or the text of the setting. */
static char *
place_text (RvPlace place)
{
  return place.line > 0 ? g_strdup_printf ("%s:%u", place.file, place.line) : g_strdup (place.file);
}

/* What a value of a list axis is called as a choice. */
static char *
choice_name (const RvValue *item)
{
  return item->type == RV_VALUE_TEXT ? g_strdup (item->text) : rv_value_to_string (item);
}

/* ---- files and includes */

static RvValue *read_pipeline (Loader *loader, const char *text, gsize length, const char *file);

/* Keeps only the top-level entries that are known and of the right form. */
static void
check_sections (RvValue *root, RvMistakes *mistakes)
{
  static const char *const known[] = { "title", "include", "let", "axes", "nodes", NULL };

  for (guint i = root->keys->len; i-- > 0;)
    {
      const char *key = root->keys->pdata[i];
      const RvValue *item = root->items->pdata[i];
      gboolean section = g_str_equal (key, "let") || g_str_equal (key, "axes") || g_str_equal (key, "nodes");
      gboolean fits = TRUE;

      if (!g_strv_contains (known, key))
        {
          const char *nearest = rv_nearest (key, known);

          if (nearest != NULL)
            rv_mistakes_add (mistakes, key_place (root, i), "unknown key '%s'; did you mean '%s'?", key,
                             nearest);
          else
            rv_mistakes_add (mistakes, key_place (root, i),
                             "unknown key '%s'; a pipeline has title, include, let, axes and nodes", key);
          fits = FALSE;
        }
      else if (section && item->type != RV_VALUE_MAP)
        {
          if (!is_empty (item))
            rv_mistakes_add (mistakes, item->place, "'%s' must be a map of names", key);
          fits = FALSE;
        }
      else if (g_str_equal (key, "title") && item->type != RV_VALUE_TEXT)
        {
          rv_mistakes_add (mistakes, item->place, "'title' must be text");
          fits = FALSE;
        }
      if (!fits)
        {
          g_autofree char *name = g_strdup (key);

          rv_value_remove (root, name);
        }
    }
}

/* Lays the entries of `over` onto `under`; to `depth` levels maps are merged, below that `over` wins. */
static void
merge (RvValue *under, const RvValue *over, guint depth)
{
  for (guint i = 0; i < over->keys->len; i++)
    {
      const char *key = over->keys->pdata[i];
      const RvValue *item = over->items->pdata[i];
      RvValue *old = rv_value_get (under, key);

      if (depth > 0 && old != NULL && old->type == RV_VALUE_MAP && item->type == RV_VALUE_MAP)
        merge (old, item, depth - 1);
      else
        rv_value_set (under, key, key_place (over, i), rv_value_copy (item));
    }
}

static void
merge_pipeline (RvValue *under, const RvValue *over)
{
  for (guint i = 0; i < over->keys->len; i++)
    {
      const char *key = over->keys->pdata[i];
      const RvValue *item = over->items->pdata[i];
      RvValue *old = rv_value_get (under, key);

      if (old != NULL && old->type == RV_VALUE_MAP && item->type == RV_VALUE_MAP)
        merge (old, item, g_str_equal (key, "nodes") ? 1 : 0);
      else
        rv_value_set (under, key, key_place (over, i), rv_value_copy (item));
    }
}

static char *
real_path (const char *path)
{
  char *real = realpath (path, NULL);
  char *result = real != NULL ? g_strdup (real) : g_canonicalize_filename (path, NULL);

  free (real);
  return result;
}

/* FALSE after a mistake if `path` is being read already. */
static gboolean
check_circle (Loader *loader, const char *path, const char *real, RvPlace place)
{
  g_autoptr (GString) chain = g_string_new (NULL);
  guint first;

  if (!g_ptr_array_find_with_equal_func (loader->open, real, g_str_equal, &first))
    return TRUE;
  for (; first < loader->open->len; first++)
    {
      g_autofree char *name = g_path_get_basename (loader->open->pdata[first]);

      g_string_append_printf (chain, "%s -> ", name);
    }
  rv_mistakes_add (loader->mistakes, place, "'%s' includes itself: %s%s", path, chain->str,
                   strrchr (real, G_DIR_SEPARATOR) + 1);
  return FALSE;
}

static void
include_file (Loader *loader, const RvValue *entry, const char *from, RvValue *merged)
{
  g_autofree char *folder = g_path_get_dirname (from);
  g_autofree char *path = NULL;
  g_autofree char *real = NULL;
  g_autofree char *text = NULL;
  g_autoptr (RvValue) under = NULL;
  gsize length;

  if (entry->type != RV_VALUE_TEXT || is_empty (entry))
    {
      rv_mistakes_add (loader->mistakes, entry->place, "'include' must be a path or a list of paths");
      return;
    }
  path = g_path_is_absolute (entry->text) || g_str_equal (folder, ".")
             ? g_strdup (entry->text)
             : g_build_filename (folder, entry->text, NULL);
  real = real_path (path);
  if (!check_circle (loader, entry->text, real, entry->place))
    return;
  if (++loader->n_files > MOST_FILES)
    {
      rv_mistakes_add (loader->mistakes, entry->place, "more than %d files are included", MOST_FILES);
      return;
    }
  if (!g_file_test (path, G_FILE_TEST_IS_REGULAR) || !g_file_get_contents (path, &text, &length, NULL))
    {
      rv_mistakes_add (loader->mistakes, entry->place, "'%s' can not be read%s", path,
                       g_file_test (path, G_FILE_TEST_EXISTS) ? "" : ": there is no such file");
      return;
    }
  g_ptr_array_add (loader->open, g_strdup (real));
  under = read_pipeline (loader, text, length, path);
  g_ptr_array_set_size (loader->open, loader->open->len - 1);
  if (under != NULL)
    merge_pipeline (merged, under);
}

/* The file with what it includes merged under it; NULL after a mistake if it is no map. */
static RvValue *
read_pipeline (Loader *loader, const char *text, gsize length, const char *file)
{
  g_autoptr (RvValue) root = rv_yaml_parse (text, length, file, loader->mistakes);
  RvValue *merged;
  const RvValue *include;

  if (root == NULL)
    return NULL;
  if (root->type != RV_VALUE_MAP)
    {
      rv_mistakes_add (loader->mistakes, root->place, "a pipeline must be a map with 'nodes:'");
      return NULL;
    }
  check_sections (root, loader->mistakes);
  merged = rv_value_map (root->place);
  include = rv_value_get (root, "include");
  if (include != NULL && include->type == RV_VALUE_LIST)
    for (guint i = 0; i < include->items->len; i++)
      include_file (loader, include->items->pdata[i], file, merged);
  else if (include != NULL)
    include_file (loader, include, file, merged);
  rv_value_remove (root, "include");
  merge_pipeline (merged, root);
  return merged;
}

/* ---- axes */

static void
free_axis (gpointer data)
{
  RvAxis *axis = data;

  g_free (axis->name);
  g_ptr_array_unref (axis->choices);
  g_free (axis);
}

static RvAxis *
find_axis (const RvDocument *document, const char *name)
{
  for (guint i = 0; i < document->axes->len; i++)
    if (g_str_equal (((RvAxis *)document->axes->pdata[i])->name, name))
      return document->axes->pdata[i];
  return NULL;
}

/* The names that an axis sets must be its own. `owners`: name -> the axis; `places`: name -> RvPlace. */
static void
claim (GHashTable *owners, GHashTable *places, const char *name, const char *axis, RvPlace place,
       RvMistakes *mistakes)
{
  const char *owner = g_hash_table_lookup (owners, name);

  if (owner == NULL)
    {
      g_hash_table_insert (owners, (gpointer)name, (gpointer)axis);
      g_hash_table_insert (places, (gpointer)name, g_memdup2 (&place, sizeof place));
    }
  else if (!g_str_equal (owner, axis))
    {
      g_autofree char *first = place_text (*(RvPlace *)g_hash_table_lookup (places, name));

      rv_mistakes_add (mistakes, place, "axis '%s' sets '%s', but axis '%s' sets it too (%s)", axis, name,
                       owner, first);
    }
}

static void
read_map_axis (RvAxis *axis, const RvValue *value, const RvValue *let, GHashTable *owners, GHashTable *places,
               RvMistakes *mistakes)
{
  for (guint i = 0; i < value->keys->len; i++)
    {
      const char *choice = value->keys->pdata[i];
      const RvValue *names = value->items->pdata[i];

      g_ptr_array_add (axis->choices, g_strdup (choice));
      if (names->type != RV_VALUE_MAP)
        {
          if (!is_empty (names))
            rv_mistakes_add (mistakes, names->place,
                             "choice '%s' of axis '%s' must be a map of 'let' names to values", choice,
                             axis->name);
          continue;
        }
      for (guint j = 0; j < names->keys->len; j++)
        {
          const char *name = names->keys->pdata[j];

          if (rv_value_get (let, name) == NULL)
            {
              g_autofree char *hint = did_you_mean (name, &let, 1);

              rv_mistakes_add (mistakes, key_place (names, j),
                               "choice '%s' of axis '%s' sets '%s', which 'let' does not have%s", choice,
                               axis->name, name, hint);
            }
          claim (owners, places, name, axis->name, key_place (names, j), mistakes);
        }
    }
}

static void
read_list_axis (RvAxis *axis, const RvValue *value, RvMistakes *mistakes)
{
  for (guint i = 0; i < value->items->len; i++)
    {
      const RvValue *item = value->items->pdata[i];
      char *name = choice_name (item);

      if (g_ptr_array_find_with_equal_func (axis->choices, name, g_str_equal, NULL))
        {
          rv_mistakes_add (mistakes, item->place, "axis '%s' has the choice '%s' twice", axis->name, name);
          g_free (name);
        }
      else
        g_ptr_array_add (axis->choices, name);
    }
}

/* Fills document->axes; `owners` gets name -> the axis that sets it, both borrowed from `root`. */
static void
read_axes (RvDocument *document, const RvValue *root, GHashTable *owners, RvMistakes *mistakes)
{
  const RvValue *axes = rv_value_get (root, "axes"), *let = rv_value_get (root, "let");
  g_autoptr (GHashTable) places = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, g_free);

  for (guint i = 0; i < rv_value_size (axes); i++)
    {
      const char *name = axes->keys->pdata[i];
      const RvValue *value = axes->items->pdata[i];
      RvAxis *axis = g_new0 (RvAxis, 1);

      axis->name = g_strdup (name);
      axis->choices = g_ptr_array_new_with_free_func (g_free);
      if (value->type == RV_VALUE_TEXT && !is_empty (value))
        rv_mistakes_add (mistakes, value->place, "axis '%s' must be a map of choices or a list of values",
                         name);
      else if (rv_value_size (value) == 0)
        rv_mistakes_add (mistakes, key_place (axes, i), "axis '%s' has no choices", name);
      else if (value->type == RV_VALUE_MAP)
        read_map_axis (axis, value, let, owners, places, mistakes);
      else
        {
          claim (owners, places, name, name, key_place (axes, i), mistakes);
          read_list_axis (axis, value, mistakes);
        }
      /* An axis of no choices would leave no cell to look for further mistakes in. */
      if (axis->choices->len > 0)
        g_ptr_array_add (document->axes, axis);
      else
        free_axis (axis);
    }
}

/* ---- settings */

static void
free_setting (gpointer data)
{
  Setting *setting = data;

  g_strfreev (setting->path);
  rv_value_free (setting->value);
  g_free (setting);
}

static void
move (RvValue *value, RvPlace place)
{
  value->place = place;
  for (guint i = 0; i < rv_value_size (value); i++)
    {
      move (value->items->pdata[i], place);
      if (value->type == RV_VALUE_MAP)
        g_array_index (value->key_places, RvPlace, i) = place;
    }
}

/* Never NULL: what can not be read is empty text after a mistake. */
static RvValue *
parse_setting_value (const char *text, RvPlace place, RvMistakes *mistakes)
{
  g_autoptr (RvMistakes) found = rv_mistakes_new ();
  RvValue *value = text[0] != '\0' ? rv_yaml_parse (text, strlen (text), NULL, found) : NULL;

  for (guint i = 0; i < found->messages->len; i++)
    rv_mistakes_add (mistakes, place, "the value can not be read: %s",
                     (const char *)found->messages->pdata[i]);
  if (value == NULL)
    value = rv_value_text ("", place);
  move (value, place);
  return value;
}

/* AXIS=a,b: keeps those choices, in the order of the axis. A choice may have a comma in its name. */
static void
narrow (RvAxis *axis, const char *text, RvPlace place, RvMistakes *mistakes)
{
  g_auto (GStrv) wanted = NULL;
  gboolean wrong = FALSE;

  if (g_ptr_array_find_with_equal_func (axis->choices, text, g_str_equal, NULL))
    {
      wanted = g_new0 (char *, 2);
      wanted[0] = g_strdup (text);
    }
  else
    wanted = g_strsplit (text[0] != '\0' ? text : " ", ",", -1);
  for (char **choice = wanted; *choice != NULL; choice++)
    if (!g_ptr_array_find_with_equal_func (axis->choices, g_strstrip (*choice), g_str_equal, NULL))
      {
        g_autoptr (GString) all = g_string_new (NULL);

        for (guint i = 0; i < axis->choices->len; i++)
          g_string_append_printf (all, "%s%s", i > 0 ? ", " : "", (const char *)axis->choices->pdata[i]);
        rv_mistakes_add (mistakes, place, "axis '%s' has no choice '%s'; its choices are: %s", axis->name,
                         *choice, all->str);
        wrong = TRUE;
      }
  for (guint i = axis->choices->len; !wrong && i-- > 0;)
    if (!g_strv_contains ((const char *const *)wanted, axis->choices->pdata[i]))
      g_ptr_array_remove_index (axis->choices, i);
}

/* The longest name of a node that `name` starts with, before a dot. */
static const char *
find_node (const RvValue *nodes, const char *name)
{
  const char *best = NULL;

  for (guint i = 0; i < rv_value_size (nodes); i++)
    {
      const char *node = nodes->keys->pdata[i];
      gsize length = strlen (node);

      if (g_str_has_prefix (name, node) && name[length] == '.' && (best == NULL || length > strlen (best)))
        best = node;
    }
  return best;
}

static void
add_unknown_setting (const RvValue *root, const char *name, RvPlace place, RvMistakes *mistakes)
{
  const RvValue *maps[]
      = { rv_value_get (root, "let"), rv_value_get (root, "axes"), rv_value_get (root, "nodes") };
  const char *dot = strchr (name, '.');
  g_autofree char *head = dot != NULL ? g_strndup (name, dot - name) : g_strdup (name);
  g_autofree char *hint = dot != NULL ? did_you_mean (head, maps + 2, 1) : did_you_mean (name, maps, 3);

  if (rv_value_get (maps[2], name) != NULL)
    rv_mistakes_add (mistakes, place, "'%s' is a node; set one of its parameters, %s.PARAM=VALUE", name,
                     name);
  else if (dot != NULL)
    rv_mistakes_add (mistakes, place, "there is no node '%s'%s", head, hint);
  else
    rv_mistakes_add (mistakes, place, "there is no 'let' name and no axis '%s'%s", name, hint);
}

static void
read_setting (RvDocument *document, RvValue *root, const char *text, GHashTable *owners, GPtrArray *settings,
              RvMistakes *mistakes)
{
  const char *equals = strchr (text, '=');
  g_autofree char *file = g_strdup_printf ("-s %s", text);
  RvPlace place = { g_intern_string (file), 0, 0 };
  g_autofree char *name = equals != NULL ? g_strndup (text, equals - text) : NULL;
  RvValue *let = rv_value_get (root, "let"), *axes = rv_value_get (root, "axes");
  const RvValue *nodes = rv_value_get (root, "nodes");
  RvAxis *axis = name != NULL ? find_axis (document, g_strstrip (name)) : NULL;
  const char *node = name != NULL ? find_node (nodes, name) : NULL;

  if (name == NULL || name[0] == '\0')
    rv_mistakes_add (mistakes, place, "a setting is NAME=VALUE, AXIS=a,b or NODE.PARAM=VALUE");
  else if (axis != NULL)
    narrow (axis, equals + 1, place, mistakes);
  else if (rv_value_get (axes, name) != NULL)
    return; /* an axis of no choices: said already */
  else if (rv_value_get (let, name) != NULL)
    {
      const char *owner = g_hash_table_lookup (owners, name);

      if (owner != NULL)
        rv_mistakes_add (mistakes, place,
                         "'%s' is set by axis '%s'; choose with -s '%s=...' or change the axis", name, owner,
                         owner);
      else
        rv_value_set (let, name, place, parse_setting_value (equals + 1, place, mistakes));
    }
  else if (node != NULL)
    {
      Setting *setting = g_new0 (Setting, 1);

      setting->node = node;
      setting->path = g_strsplit (name + strlen (node) + 1, ".", -1);
      setting->value = parse_setting_value (equals + 1, place, mistakes);
      g_ptr_array_add (settings, setting);
    }
  else
    add_unknown_setting (root, name, place, mistakes);
}

/* The index of the entry of a list that `part` names: its number, or the `name` of a map. */
static gboolean
find_entry (const RvValue *list, const char *part, guint *index)
{
  guint64 number;

  if (list->items->len > 0 && g_ascii_string_to_unsigned (part, 10, 0, list->items->len - 1, &number, NULL))
    {
      *index = number;
      return TRUE;
    }
  for (guint i = 0; i < list->items->len; i++)
    {
      const RvValue *name = rv_value_get (list->items->pdata[i], "name");

      if (name != NULL && name->type == RV_VALUE_TEXT && g_str_equal (name->text, part))
        {
          *index = i;
          return TRUE;
        }
    }
  return FALSE;
}

/* Where `part` is kept in `at`, or NULL. `lif` in a slot is short for {use: lif}, and then grows into it. */
static RvValue **
slot_of (RvValue *at, const char *part)
{
  guint i;

  if (at->type == RV_VALUE_TEXT)
    {
      RvValue *use = rv_value_text (at->text, at->place);
      g_autoptr (RvValue) map = rv_value_map (at->place);
      RvValue old = *at;

      rv_value_set (map, "use", at->place, use);
      *at = *map;
      *map = old;
    }
  if (at->type == RV_VALUE_LIST ? find_entry (at, part, &i)
                                : g_ptr_array_find_with_equal_func (at->keys, part, g_str_equal, &i))
    return (RvValue **)&at->items->pdata[i];
  return NULL;
}

/* Puts `value` (consumed) where the setting says, below the node's map. */
static void
apply_setting (const Setting *setting, RvValue *node, RvValue *value, RvPlace place, RvMistakes *mistakes)
{
  g_autoptr (GString) where = g_string_new (setting->node);
  g_autoptr (RvValue) owned = value;
  RvValue *at = node;

  for (char **part = setting->path; *part != NULL; part++)
    {
      RvValue **slot = slot_of (at, *part);
      gboolean last = part[1] == NULL;

      if (slot == NULL && at->type == RV_VALUE_LIST)
        {
          rv_mistakes_add (mistakes, place, "%s has %u entries, numbered from 0, and none is '%s'",
                           where->str, rv_value_size (at), *part);
          return;
        }
      if (last && at->type == RV_VALUE_MAP)
        rv_value_set (at, *part, place, g_steal_pointer (&owned));
      else if (last)
        {
          rv_value_free (*slot);
          *slot = g_steal_pointer (&owned);
        }
      else if (slot == NULL)
        {
          const RvValue *map = at;
          g_autofree char *hint = did_you_mean (*part, &map, 1);

          rv_mistakes_add (mistakes, place, "%s has no '%s' to set '%s' in%s", where->str, *part, part[1],
                           hint);
          return;
        }
      else
        at = *slot;
      g_string_append_printf (where, ".%s", *part);
    }
}

/* ---- $(name) */

static RvValue *resolve (Scope *scope, const RvValue *value);

static void
free_name (gpointer data)
{
  Name *name = data;

  rv_value_free (name->resolved);
  g_free (name);
}

/* Counts values (long text as several) and levels. */
static void
measure (const RvValue *value, guint level, guint *size, guint *height)
{
  *size += 1 + (value->type == RV_VALUE_TEXT ? strlen (value->text) / 64 : 0);
  *height = MAX (*height, level);
  for (guint i = 0; i < rv_value_size (value); i++)
    measure (value->items->pdata[i], level + 1, size, height);
}

/* Whether `size` more values, `height` levels of them, may be made at `place`. */
static gboolean
afford (Scope *scope, guint size, guint height, RvPlace place)
{
  if (scope->depth + height > DEEPEST)
    {
      rv_mistakes_add (scope->mistakes, place, "with its $(names) replaced this is nested more than %d deep",
                       DEEPEST);
      return FALSE;
    }
  if (*scope->budget < (gint64)size)
    {
      if (*scope->budget > 0)
        rv_mistakes_add (scope->mistakes, place,
                         "with its $(names) replaced the pipeline has more than %d values", MOST_VALUES);
      *scope->budget = 0;
      return FALSE;
    }
  *scope->budget -= size;
  return TRUE;
}

static int
compare_names (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *)a, *(const char *const *)b);
}

static void
add_unknown_name (Scope *scope, const char *name, RvPlace place)
{
  g_autoptr (GPtrArray) names = g_ptr_array_new ();
  GHashTableIter iter;
  gpointer key;
  const char *nearest;

  g_hash_table_iter_init (&iter, scope->names);
  while (g_hash_table_iter_next (&iter, &key, NULL))
    g_ptr_array_add (names, key);
  /* In an order of its own, so that the same mistake always gets the same hint. */
  g_ptr_array_sort (names, compare_names);
  g_ptr_array_add (names, NULL);
  nearest = rv_nearest (name, (const char *const *)names->pdata);
  if (nearest != NULL)
    rv_mistakes_add (scope->mistakes, place, "$(%s) is not defined; did you mean $(%s)?", name, nearest);
  else
    rv_mistakes_add (scope->mistakes, place,
                     "$(%s) is not defined; names are defined in 'let:' and by list axes", name);
}

/* What `name` stands for, resolved; NULL after a mistake. */
static const Name *
look_up (Scope *scope, const char *name, RvPlace place)
{
  gpointer key;
  gpointer found;
  Name *entry;
  guint depth = scope->depth;

  if (!g_hash_table_lookup_extended (scope->names, name, &key, &found))
    {
      add_unknown_name (scope, name, place);
      return NULL;
    }
  entry = found;
  if (entry->active)
    {
      g_autoptr (GString) chain = g_string_new (NULL);
      guint i = 0;

      g_ptr_array_find (scope->circle, key, &i);
      for (; i < scope->circle->len; i++)
        g_string_append_printf (chain, "$(%s) -> ", (const char *)scope->circle->pdata[i]);
      rv_mistakes_add (scope->mistakes, place, "$(%s) stands for itself: %s$(%s)", name, chain->str, name);
      return NULL;
    }
  if (entry->resolved != NULL)
    return entry;
  if (scope->circle->len >= LONGEST_CHAIN)
    {
      rv_mistakes_add (scope->mistakes, place, "more than %d names stand for one another here",
                       LONGEST_CHAIN);
      return NULL;
    }
  entry->active = TRUE;
  g_ptr_array_add (scope->circle, key);
  scope->depth = 0;
  entry->resolved = resolve (scope, entry->raw);
  scope->depth = depth;
  g_ptr_array_set_size (scope->circle, scope->circle->len - 1);
  entry->active = FALSE;
  measure (entry->resolved, 1, &entry->size, &entry->height);
  return entry;
}

/* Text with $(names) in it, `$$` being a dollar. */
static RvValue *
resolve_text (Scope *scope, const RvValue *value)
{
  g_autoptr (GString) out = g_string_new (NULL);
  const char *at = value->text, *end;

  while (*at != '\0')
    {
      g_autofree char *name = NULL;
      const Name *found;

      if (at[0] != '$' || (at[1] != '$' && at[1] != '('))
        {
          g_string_append_c (out, *at++);
          continue;
        }
      if (at[1] == '$')
        {
          g_string_append_c (out, '$');
          at += 2;
          continue;
        }
      end = strchr (at, ')');
      if (end == NULL)
        {
          rv_mistakes_add (scope->mistakes, value->place, "'$(' has no ')'; a dollar itself is written $$");
          break;
        }
      name = g_strndup (at + 2, end - at - 2);
      found = look_up (scope, name, value->place);
      /* A value that is exactly $(name) may stand for anything, and keeps the place where it was written. */
      if (found != NULL && at == value->text && end[1] == '\0')
        return afford (scope, found->size, found->height, value->place) ? rv_value_copy (found->resolved)
                                                                        : rv_value_text ("", value->place);
      if (found != NULL && found->resolved->type != RV_VALUE_TEXT)
        rv_mistakes_add (scope->mistakes, value->place, "$(%s) is a %s and can not be part of a text", name,
                         found->resolved->type == RV_VALUE_MAP ? "map" : "list");
      else if (found != NULL && afford (scope, found->size, 1, value->place))
        g_string_append (out, found->resolved->text);
      at = end + 1;
    }
  return rv_value_text (out->str, value->place);
}

/* A new value without $(names); never NULL. */
static RvValue *
resolve (Scope *scope, const RvValue *value)
{
  RvValue *result;

  if (!afford (scope, 1, 1, value->place))
    return rv_value_text ("", value->place);
  if (value->type == RV_VALUE_TEXT)
    return resolve_text (scope, value);
  result = value->type == RV_VALUE_MAP ? rv_value_map (value->place) : rv_value_list (value->place);
  scope->depth++;
  for (guint i = 0; i < value->items->len; i++)
    {
      g_ptr_array_add (result->items, resolve (scope, value->items->pdata[i]));
      if (value->type == RV_VALUE_MAP)
        g_ptr_array_add (result->keys, g_strdup (value->keys->pdata[i]));
    }
  scope->depth--;
  if (value->type == RV_VALUE_MAP)
    g_array_append_vals (result->key_places, value->key_places->data, value->key_places->len);
  return result;
}

/* ---- cells */

static void
free_cell (gpointer data)
{
  RvCell *cell = data;

  g_free (cell->choices);
  rv_value_free (cell->nodes);
  g_free (cell);
}

static void
define (Scope *scope, const char *name, const RvValue *raw)
{
  Name *entry = g_new0 (Name, 1);

  entry->raw = raw;
  g_hash_table_replace (scope->names, (gpointer)name, entry);
}

/* The names of `let`, and over them those of the cell's choices. */
static void
define_names (Scope *scope, const RvDocument *document, const RvCell *cell, const RvValue *root)
{
  const RvValue *let = rv_value_get (root, "let"), *axes = rv_value_get (root, "axes");

  for (guint i = 0; i < rv_value_size (let); i++)
    define (scope, let->keys->pdata[i], let->items->pdata[i]);
  for (guint a = 0; a < document->axes->len; a++)
    {
      const RvAxis *axis = document->axes->pdata[a];
      const RvValue *value = rv_value_get (axes, axis->name);
      const RvValue *names = value->type == RV_VALUE_MAP ? rv_value_get (value, cell->choices[a]) : NULL;

      for (guint i = 0; names != NULL && names->type == RV_VALUE_MAP && i < names->keys->len; i++)
        define (scope, names->keys->pdata[i], names->items->pdata[i]);
      for (guint i = 0; value->type == RV_VALUE_LIST && i < value->items->len; i++)
        {
          g_autofree char *choice = choice_name (value->items->pdata[i]);

          if (g_str_equal (choice, cell->choices[a]))
            define (scope, axis->name, value->items->pdata[i]);
        }
    }
}

static void
resolve_cell (const RvDocument *document, RvCell *cell, const RvValue *root, const GPtrArray *settings,
              gint64 *budget, RvMistakes *mistakes)
{
  const RvValue *let = rv_value_get (root, "let"), *nodes = rv_value_get (root, "nodes");
  g_autoptr (GHashTable) names = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, free_name);
  g_autoptr (GPtrArray) circle = g_ptr_array_new ();
  Scope scope = { mistakes, names, circle, 0, budget };

  define_names (&scope, document, cell, root);
  /* Also what no node asks for: a mistake there waits for the first who does. */
  for (guint i = 0; i < rv_value_size (let); i++)
    look_up (&scope, let->keys->pdata[i], key_place (let, i));
  cell->nodes = nodes != NULL ? resolve (&scope, nodes) : rv_value_map (root->place);
  if (cell->nodes->type != RV_VALUE_MAP)
    {
      g_clear_pointer (&cell->nodes, rv_value_free);
      cell->nodes = rv_value_map (root->place);
    }
  for (guint i = cell->nodes->items->len; i-- > 0;)
    {
      const RvValue *node = cell->nodes->items->pdata[i];
      g_autofree char *name = g_strdup (cell->nodes->keys->pdata[i]);

      if (node->type == RV_VALUE_MAP)
        continue;
      if (*budget > 0)
        rv_mistakes_add (mistakes, node->place, "node '%s' must be a map with 'use: kind/name'", name);
      rv_value_remove (cell->nodes, name);
    }
  for (guint i = 0; i < settings->len; i++)
    {
      const Setting *setting = settings->pdata[i];
      RvValue *node = rv_value_get (cell->nodes, setting->node);

      if (node != NULL)
        apply_setting (setting, node, resolve (&scope, setting->value), setting->value->place, mistakes);
    }
}

/* The product of the axes, the last one running fastest. */
static void
make_cells (RvDocument *document, const RvValue *root, const GPtrArray *settings, RvMistakes *mistakes)
{
  gint64 budget = MOST_VALUES;
  guint n_cells = 1;

  for (guint a = 0; a < document->axes->len; a++)
    {
      n_cells *= ((RvAxis *)document->axes->pdata[a])->choices->len;
      if (n_cells > MOST_CELLS)
        {
          rv_mistakes_add (mistakes, root->place, "the axes make more than %d cells", MOST_CELLS);
          return;
        }
    }
  for (guint c = 0; c < n_cells && budget > 0; c++)
    {
      RvCell *cell = g_new0 (RvCell, 1);
      guint rest = c;

      cell->choices = g_new0 (char *, document->axes->len + 1);
      for (guint a = document->axes->len; a-- > 0;)
        {
          const GPtrArray *choices = ((RvAxis *)document->axes->pdata[a])->choices;

          cell->choices[a] = choices->pdata[rest % choices->len];
          rest /= choices->len;
        }
      g_ptr_array_add (document->cells, cell);
      resolve_cell (document, cell, root, settings, &budget, mistakes);
    }
}

static RvDocument *
compose (RvValue *root, const char *file, const char *const *settings, RvMistakes *mistakes)
{
  RvDocument *document = g_new0 (RvDocument, 1);
  const RvValue *title = rv_value_get (root, "title");
  g_autoptr (GHashTable) owners = g_hash_table_new (g_str_hash, g_str_equal);
  g_autoptr (GPtrArray) node_settings = g_ptr_array_new_with_free_func (free_setting);

  document->title = title != NULL ? g_strdup (title->text) : NULL;
  document->path = g_strdup (file);
  document->axes = g_ptr_array_new_with_free_func (free_axis);
  document->cells = g_ptr_array_new_with_free_func (free_cell);
  if (rv_value_size (rv_value_get (root, "nodes")) == 0)
    rv_mistakes_add (mistakes, root->place,
                     "there are no nodes; a pipeline needs 'nodes:' with at least one");
  read_axes (document, root, owners, mistakes);
  for (; settings != NULL && *settings != NULL; settings++)
    read_setting (document, root, *settings, owners, node_settings, mistakes);
  make_cells (document, root, node_settings, mistakes);
  return document;
}

RvDocument *
rv_document_parse (const char *text, gsize length, const char *file, const char *const *settings,
                   RvMistakes *mistakes)
{
  Loader loader = { mistakes, NULL, 0 };
  g_autoptr (GPtrArray) open = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (RvValue) root = NULL;

  loader.open = open;
  g_ptr_array_add (open, real_path (file));
  root = read_pipeline (&loader, text, length, file);
  return root != NULL ? compose (root, file, settings, mistakes) : NULL;
}

RvDocument *
rv_document_load (const char *path, const char *const *settings, RvMistakes *mistakes)
{
  g_autofree char *text = NULL;
  g_autoptr (GError) error = NULL;
  gsize length;

  if (!g_file_get_contents (path, &text, &length, &error))
    {
      /* The path comes before the message already. */
      const char *reason = strrchr (error->message, ':');

      rv_mistakes_add (mistakes, (RvPlace){ g_intern_string (path), 0, 0 }, "can not be read:%s",
                       reason != NULL ? reason + 1 : error->message);
      return NULL;
    }
  return rv_document_parse (text, length, path, settings, mistakes);
}

void
rv_document_free (RvDocument *document)
{
  if (document == NULL)
    return;
  g_free (document->title);
  g_free (document->path);
  g_ptr_array_unref (document->cells);
  g_ptr_array_unref (document->axes);
  g_free (document);
}
