/* -s: a setting gives a 'let' name its value, keeps some choices of an axis, or sets one parameter of a
 * node. */
#include "pipeline/compose.h"

#include <string.h>

void
rv_setting_free (gpointer data)
{
  RvSetting *setting = data;

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

/* Never NULL: what can not be read is broken after a mistake. */
static RvValue *
parse_setting_value (const char *text, RvPlace place, RvMistakes *mistakes)
{
  g_autoptr (RvMistakes) found = rv_mistakes_new ();
  RvValue *value = text[0] != '\0' ? rv_yaml_parse (text, strlen (text), NULL, found) : NULL;

  for (guint i = 0; i < found->messages->len; i++)
    rv_mistakes_add (mistakes, place, "the value can not be read: %s",
                     (const char *)found->messages->pdata[i]);
  if (value == NULL)
    value = text[0] != '\0' ? rv_value_broken (place) : rv_value_text ("", place);
  move (value, place);
  return value;
}

/* AXIS=a,b: keeps those choices, in the order of the axis. A choice may have a comma in its name. */
static void
narrow (RvAxis *axis, const char *text, RvPlace place, RvMistakes *mistakes)
{
  g_auto (GStrv) wanted = NULL;
  gboolean wrong = FALSE;

  if (axis->broken)
    return;
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
  g_autofree char *hint = dot != NULL ? rv_did_you_mean (head, maps + 2, 1) : rv_did_you_mean (name, maps, 3);

  if (rv_value_get (maps[2], name) != NULL)
    rv_mistakes_add (mistakes, place, "'%s' is a node; set one of its parameters, %s.PARAM=VALUE", name,
                     name);
  else if (dot != NULL)
    rv_mistakes_add (mistakes, place, "there is no node '%s'%s", head, hint);
  else
    rv_mistakes_add (mistakes, place, "there is no 'let' name and no axis '%s'%s", name, hint);
}

static RvAxis *
find_axis (const RvDocument *document, const char *name)
{
  for (guint i = 0; i < document->axes->len; i++)
    if (g_str_equal (((RvAxis *)document->axes->pdata[i])->name, name))
      return document->axes->pdata[i];
  return NULL;
}

void
rv_settings_define (RvValue *let, const char *const *settings)
{
  g_autoptr (RvMistakes) unheard = rv_mistakes_new ();

  for (; let != NULL && settings != NULL && *settings != NULL; settings++)
    {
      g_autofree char *file = g_strdup_printf ("-s %s", *settings);
      const char *equals = strchr (*settings, '=');
      RvPlace place = { g_intern_string (file), 0, 0 };
      g_autofree char *name = equals != NULL ? g_strndup (*settings, equals - *settings) : NULL;

      if (name != NULL && rv_value_get (let, g_strstrip (name)) != NULL)
        rv_value_set (let, name, place, parse_setting_value (equals + 1, place, unheard));
    }
}

void
rv_setting_read (RvDocument *document, RvValue *root, const char *text, GHashTable *owners,
                 GPtrArray *settings, RvMistakes *mistakes)
{
  const char *equals = strchr (text, '=');
  g_autofree char *file = g_strdup_printf ("-s %s", text);
  RvPlace place = { g_intern_string (file), 0, 0 };
  g_autofree char *name = equals != NULL ? g_strndup (text, equals - text) : NULL;
  RvValue *let = rv_value_get (root, "let");
  const RvValue *nodes = rv_value_get (root, "nodes");
  RvAxis *axis = name != NULL ? find_axis (document, g_strstrip (name)) : NULL;
  const char *node = name != NULL ? find_node (nodes, name) : NULL;

  if (name == NULL || name[0] == '\0')
    rv_mistakes_add (mistakes, place, "a setting is NAME=VALUE, AXIS=a,b or NODE.PARAM=VALUE");
  else if (axis != NULL)
    narrow (axis, equals + 1, place, mistakes);
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
      RvSetting *setting = g_new0 (RvSetting, 1);

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

void
rv_setting_apply (const RvSetting *setting, RvValue *node, RvValue *value, RvMistakes *mistakes)
{
  g_autoptr (GString) where = g_string_new (setting->node);
  g_autoptr (RvValue) owned = value;
  const RvPlace place = setting->value->place;
  RvValue *at = node;

  for (char **part = setting->path; *part != NULL; part++)
    {
      if (at->broken)
        return;
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
          g_autofree char *hint = rv_did_you_mean (*part, &map, 1);

          rv_mistakes_add (mistakes, place, "%s has no '%s' to set '%s' in%s", where->str, *part, part[1],
                           hint);
          return;
        }
      else
        at = *slot;
      g_string_append_printf (where, ".%s", *part);
    }
}
