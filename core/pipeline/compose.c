/* A pipeline file to its cells: includes merged under it, settings applied, one choice taken from every axis,
 * and every $(name) replaced by what it stands for, so that the graph sees plain values that know their
 * places. */
#include "pipeline/compose.h"

#include <string.h>

#define MOST_CELLS 10000

char *
rv_did_you_mean (const char *word, const RvValue *const *maps, gsize n)
{
  g_autoptr (GPtrArray) names = g_ptr_array_new ();

  for (gsize m = 0; m < n; m++)
    for (guint i = 0; maps[m] != NULL && maps[m]->type == RV_VALUE_MAP && i < maps[m]->keys->len; i++)
      g_ptr_array_add (names, maps[m]->keys->pdata[i]);
  g_ptr_array_add (names, NULL);
  return rv_hint (word, (const char *const *)names->pdata);
}

/* "file:line", or the text of the setting. */
static char *
place_text (RvPlace place)
{
  return place.line > 0 ? g_strdup_printf ("%s:%u", place.file, place.line) : g_strdup (place.file);
}

/* What a value of a list axis is called as a choice: one line. */
static char *
choice_name (const RvValue *item)
{
  char *name = item->type == RV_VALUE_TEXT ? g_strdup (item->text) : rv_value_to_string (item);

  return g_strdelimit (name, "\r\n", ' ');
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
          if (!rv_value_is_empty (names))
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
              g_autofree char *hint = rv_did_you_mean (name, &let, 1);

              rv_mistakes_add (mistakes, rv_key_place (names, j),
                               "choice '%s' of axis '%s' sets '%s', which 'let' does not have%s", choice,
                               axis->name, name,
                               *hint ? hint : ": give it a value there, which the axis beats");
            }
          claim (owners, places, name, axis->name, rv_key_place (names, j), mistakes);
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

/* For an axis after a mistake: without a choice there would be no cell to look for further mistakes in. */
static void
break_axis (RvAxis *axis, RvValue *value)
{
  axis->broken = value->broken = TRUE;
  g_ptr_array_add (axis->choices, g_strdup (""));
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
      RvValue *value = axes->items->pdata[i];
      RvAxis *axis = g_new0 (RvAxis, 1);

      axis->name = g_strdup (name);
      axis->choices = g_ptr_array_new_with_free_func (g_free);
      g_ptr_array_add (document->axes, axis);
      if (value->type == RV_VALUE_TEXT && !rv_value_is_empty (value))
        rv_mistakes_add (mistakes, value->place, "axis '%s' must be a map of choices or a list of values",
                         name);
      else if (rv_value_size (value) == 0 && !value->broken)
        rv_mistakes_add (mistakes, rv_key_place (axes, i), "axis '%s' has no choices", name);
      else if (value->type == RV_VALUE_MAP)
        read_map_axis (axis, value, let, owners, places, mistakes);
      else if (value->type == RV_VALUE_LIST)
        {
          claim (owners, places, name, name, rv_key_place (axes, i), mistakes);
          read_list_axis (axis, value, mistakes);
        }
      if (axis->choices->len == 0)
        break_axis (axis, value);
    }
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

/* The names of `let`, and over them those of the cell's choices. */
static void
define_names (RvScope *scope, const RvDocument *document, const RvCell *cell, const RvValue *root)
{
  const RvValue *let = rv_value_get (root, "let"), *axes = rv_value_get (root, "axes");

  for (guint i = 0; i < rv_value_size (let); i++)
    rv_scope_define (scope, let->keys->pdata[i], let->items->pdata[i]);
  for (guint a = 0; a < document->axes->len; a++)
    {
      const RvAxis *axis = document->axes->pdata[a];
      const RvValue *value = rv_value_get (axes, axis->name);
      const RvValue *names = value->type == RV_VALUE_MAP ? rv_value_get (value, cell->choices[a]) : NULL;

      for (guint i = 0; names != NULL && names->type == RV_VALUE_MAP && i < names->keys->len; i++)
        rv_scope_define (scope, names->keys->pdata[i], names->items->pdata[i]);
      for (guint i = 0; value->type == RV_VALUE_LIST && i < value->items->len; i++)
        {
          g_autofree char *choice = choice_name (value->items->pdata[i]);

          if (g_str_equal (choice, cell->choices[a]))
            rv_scope_define (scope, axis->name, value->items->pdata[i]);
        }
      if (axis->broken)
        rv_scope_define (scope, axis->name, value);
    }
}

static void
resolve_cell (const RvDocument *document, RvCell *cell, const RvValue *root, const GPtrArray *settings,
              gint64 *budget, RvMistakes *mistakes)
{
  const RvValue *let = rv_value_get (root, "let"), *nodes = rv_value_get (root, "nodes");
  g_autoptr (RvScope) scope = rv_scope_new (budget, mistakes);

  define_names (scope, document, cell, root);
  /* Also what no node asks for: a mistake there waits for the first who does. */
  for (guint i = 0; i < rv_value_size (let); i++)
    rv_scope_check (scope, let->keys->pdata[i], rv_key_place (let, i));
  cell->nodes = nodes != NULL ? rv_scope_resolve (scope, nodes) : rv_value_map (root->place);
  if (cell->nodes->type != RV_VALUE_MAP)
    {
      g_clear_pointer (&cell->nodes, rv_value_free);
      cell->nodes = rv_value_map (root->place);
    }
  for (guint i = 0; i < cell->nodes->items->len; i++)
    {
      RvValue *node = cell->nodes->items->pdata[i];
      const char *name = cell->nodes->keys->pdata[i];

      if (node->type == RV_VALUE_MAP || node->broken)
        continue;
      rv_mistakes_add (mistakes, node->place, "node '%s' must be a map with 'use: KIND/NAME'", name);
      node->broken = TRUE;
    }
  for (guint i = 0; i < settings->len; i++)
    {
      const RvSetting *setting = settings->pdata[i];
      RvValue *node = rv_value_get (cell->nodes, setting->node);

      if (node != NULL)
        rv_setting_apply (setting, node, rv_scope_resolve (scope, setting->value), mistakes);
    }
}

/* The product of the axes, the last one running fastest. */
static void
make_cells (RvDocument *document, const RvValue *root, const GPtrArray *settings, RvMistakes *mistakes)
{
  gint64 budget = RV_MOST_VALUES;
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
  for (guint c = 0; c < n_cells && budget >= 0; c++)
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
  if (budget < 0)
    g_ptr_array_set_size (document->cells, 0); /* what is there is not what was written */
}

static void
check_node_names (const RvValue *nodes, RvMistakes *mistakes)
{
  for (guint i = 0; i < rv_value_size (nodes); i++)
    {
      const char *name = nodes->keys->pdata[i];

      if (name[0] == '\0' || strpbrk (name, "./") != NULL)
        rv_mistakes_add (mistakes, rv_key_place (nodes, i),
                         "a node can not be called '%s': dots and slashes stand between names", name);
    }
}

static RvDocument *
compose (RvValue *root, const char *file, const char *const *settings, RvMistakes *mistakes)
{
  RvDocument *document = g_new0 (RvDocument, 1);
  const RvValue *title = rv_value_get (root, "title"), *nodes = rv_value_get (root, "nodes");
  g_autoptr (GHashTable) owners = g_hash_table_new (g_str_hash, g_str_equal);
  g_autoptr (GPtrArray) node_settings = g_ptr_array_new_with_free_func (rv_setting_free);

  document->title = title != NULL ? g_strdup (title->text) : NULL;
  document->path = g_strdup (file);
  document->axes = g_ptr_array_new_with_free_func (free_axis);
  document->cells = g_ptr_array_new_with_free_func (free_cell);
  /* After another mistake they may be what could not be read. */
  if (rv_value_size (nodes) == 0 && mistakes->messages->len == 0)
    rv_mistakes_add (mistakes, root->place,
                     "there are no nodes; a pipeline needs 'nodes:' with at least one");
  check_node_names (nodes, mistakes);
  rv_presets_apply (root, settings, mistakes);
  read_axes (document, root, owners, mistakes);
  for (; settings != NULL && *settings != NULL; settings++)
    rv_setting_read (document, root, *settings, owners, node_settings, mistakes);
  make_cells (document, root, node_settings, mistakes);
  return document;
}

RvDocument *
rv_document_parse (const char *text, gsize length, const char *file, const char *const *settings,
                   RvMistakes *mistakes)
{
  gboolean included = FALSE;
  g_autoptr (RvValue) root = rv_pipeline_read (text, length, file, &included, mistakes);
  g_autoptr (GString) merged = g_string_new (NULL);
  RvDocument *document;

  if (root == NULL)
    return NULL;
  if (included)
    rv_value_to_yaml (root, 0, "$", merged);
  document = compose (root, file, settings, mistakes);
  document->merged = included ? g_string_free (g_steal_pointer (&merged), FALSE) : NULL;
  return document;
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
  g_free (document->merged);
  g_ptr_array_unref (document->cells);
  g_ptr_array_unref (document->axes);
  g_free (document);
}
