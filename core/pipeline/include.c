/* A pipeline file with the files that it includes merged under it, as one map of sections: only what is a
 * map of the right form gets past here. */
#include "pipeline/compose.h"

#include <stdlib.h>
#include <string.h>

#define MOST_FILES 256

typedef struct
{
  RvMistakes *mistakes;
  GPtrArray *open; /* char *, the real paths of the files being read, outermost first */
  guint n_files;
  gboolean incomplete; /* a file could not be read: what it would have defined is not a mistake of others */
} Loader;

static RvValue *read_pipeline (Loader *loader, const char *text, gsize length, const char *file);

/* Keeps only the top-level entries that are known and of the right form. */
static void
check_sections (RvValue *root, RvMistakes *mistakes)
{
  static const char *const known[] = { "title", "include", "let", "presets", "axes", "nodes", NULL };

  for (guint i = root->keys->len; i-- > 0;)
    {
      const char *key = root->keys->pdata[i];
      const RvValue *item = root->items->pdata[i];
      gboolean section = g_strv_contains (known + 2, key);
      gboolean fits = TRUE;

      if (!g_strv_contains (known, key))
        {
          g_autofree char *hint = rv_hint (key, known);

          rv_mistakes_add (mistakes, rv_key_place (root, i), "unknown key '%s'%s", key,
                           hint[0] != '\0' ? hint
                                           : "; a pipeline has title, include, let, presets, axes and nodes");
          fits = FALSE;
        }
      else if (section && item->type != RV_VALUE_MAP)
        {
          if (!rv_value_is_empty (item))
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
        rv_value_set (under, key, rv_key_place (over, i), rv_value_copy (item));
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
        merge (old, item, g_str_equal (key, "presets") ? 2 : g_str_equal (key, "nodes") ? 1 : 0);
      else
        rv_value_set (under, key, rv_key_place (over, i), rv_value_copy (item));
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

/* FALSE after a mistake. */
static gboolean
include_file (Loader *loader, const RvValue *entry, const char *from, RvValue *merged)
{
  g_autofree char *folder = g_path_get_dirname (from);
  g_autofree char *path = NULL;
  g_autofree char *real = NULL;
  g_autofree char *text = NULL;
  g_autoptr (RvValue) under = NULL;
  gsize length;

  if (entry->type != RV_VALUE_TEXT || rv_value_is_empty (entry))
    {
      rv_mistakes_add (loader->mistakes, entry->place, "'include' must be a path or a list of paths");
      return FALSE;
    }
  path = g_path_is_absolute (entry->text) || g_str_equal (folder, ".")
             ? g_strdup (entry->text)
             : g_build_filename (folder, entry->text, NULL);
  real = real_path (path);
  if (!check_circle (loader, entry->text, real, entry->place))
    return FALSE;
  if (++loader->n_files > MOST_FILES)
    {
      rv_mistakes_add (loader->mistakes, entry->place, "more than %d files are included", MOST_FILES);
      return FALSE;
    }
  if (!g_file_test (path, G_FILE_TEST_IS_REGULAR) || !g_file_get_contents (path, &text, &length, NULL))
    {
      rv_mistakes_add (loader->mistakes, entry->place, "'%s' can not be read: %s", path,
                       !g_file_test (path, G_FILE_TEST_EXISTS)       ? "there is no such file"
                       : !g_file_test (path, G_FILE_TEST_IS_REGULAR) ? "it is no file"
                                                                     : "the system refuses it");
      return FALSE;
    }
  g_ptr_array_add (loader->open, g_strdup (real));
  under = read_pipeline (loader, text, length, path);
  g_ptr_array_set_size (loader->open, loader->open->len - 1);
  if (under == NULL)
    return FALSE;
  merge_pipeline (merged, under);
  return TRUE;
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
      loader->incomplete |= !include_file (loader, include->items->pdata[i], file, merged);
  else if (include != NULL)
    loader->incomplete |= !include_file (loader, include, file, merged);
  rv_value_remove (root, "include");
  merge_pipeline (merged, root);
  return merged;
}

RvValue *
rv_pipeline_read (const char *text, gsize length, const char *file, gboolean *included, RvMistakes *mistakes)
{
  Loader loader = { mistakes, NULL, 0, FALSE };
  g_autoptr (GPtrArray) open = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (RvValue) root = NULL;

  loader.open = open;
  g_ptr_array_add (open, real_path (file));
  root = read_pipeline (&loader, text, length, file);
  *included = loader.n_files > 0;
  return loader.incomplete ? NULL : g_steal_pointer (&root);
}
