/* What is chosen before there are cells: from each preset one set of `let` names (`-s scale=small`, the first
 * if none is asked for), and for an axis that is $(name) its choices. Both change the root, so that the rest
 * needs to know neither. */
#include "pipeline/compose.h"

#include <string.h>

#define LONGEST_CHAIN 64

/* The value of the last of the settings NAME=VALUE, or NULL. */
static const char *
find_setting (const char *const *settings, const char *name)
{
  const char *found = NULL;

  for (; settings != NULL && *settings != NULL; settings++)
    {
      const char *equals = strchr (*settings, '=');
      g_autofree char *word = equals != NULL ? g_strndup (*settings, equals - *settings) : NULL;

      if (word != NULL && g_str_equal (g_strstrip (word), name))
        found = equals + 1;
    }
  return found;
}

/* ---- presets */

/* The map of names of the choice that `text` asks for, NULL for the first; NULL after a mistake. */
static const RvValue *
choose (const char *preset, const RvValue *choices, const char *text, const char **choice,
        RvMistakes *mistakes)
{
  g_autofree char *wanted = text != NULL ? g_strstrip (g_strdup (text)) : NULL;
  g_autofree char *setting = g_strdup_printf ("-s %s=%s", preset, text != NULL ? text : "");
  g_autoptr (GString) all = g_string_new (NULL);

  for (guint i = 0; i < choices->keys->len; i++)
    {
      *choice = choices->keys->pdata[i];
      if (wanted == NULL || g_str_equal (*choice, wanted))
        return choices->items->pdata[i];
      g_string_append_printf (all, "%s%s", i > 0 ? ", " : "", *choice);
    }
  rv_mistakes_add (mistakes, (RvPlace){ g_intern_string (setting), 0, 0 },
                   "preset '%s' has no choice '%s'; its choices are: %s", preset, wanted, all->str);
  return NULL;
}

/* Checks all choices, so that a mistake in one does not wait for the day when it is chosen. */
static gboolean
check_choices (const RvValue *root, const char *preset, const RvValue *choices, RvPlace place,
               RvMistakes *mistakes)
{
  const RvValue *let = rv_value_get (root, "let");
  const guint before = mistakes->messages->len;

  if (rv_value_get (let, preset) != NULL || rv_value_get (rv_value_get (root, "axes"), preset) != NULL)
    rv_mistakes_add (mistakes, place, "'%s' is a preset and %s too; give one of them another name", preset,
                     rv_value_get (let, preset) != NULL ? "a 'let' name" : "an axis");
  if (choices->type != RV_VALUE_MAP || choices->keys->len == 0)
    rv_mistakes_add (mistakes, place,
                     "preset '%s' must be a map of choices, each a map of 'let' names to values", preset);
  for (guint i = 0; choices->type == RV_VALUE_MAP && i < choices->keys->len; i++)
    {
      const RvValue *names = choices->items->pdata[i];

      if (names->type != RV_VALUE_MAP && !rv_value_is_empty (names))
        rv_mistakes_add (mistakes, names->place,
                         "choice '%s' of preset '%s' must be a map of 'let' names to values",
                         (char *)choices->keys->pdata[i], preset);
      for (guint j = 0; names->type == RV_VALUE_MAP && j < names->keys->len; j++)
        {
          const char *name = names->keys->pdata[j];
          g_autofree char *hint = rv_did_you_mean (name, &let, 1);

          if (rv_value_get (let, name) == NULL)
            rv_mistakes_add (mistakes, rv_key_place (names, j),
                             "choice '%s' of preset '%s' sets '%s', which 'let' does not have%s",
                             (char *)choices->keys->pdata[i], preset, name,
                             *hint ? hint : ": give it a value there, which the preset beats");
        }
    }
  return mistakes->messages->len == before;
}

/* Lays the names of one choice of each preset over those of `let`; the preset's own name becomes its
 * choice. */
static void
apply_presets (RvValue *root, const char *const *settings, RvMistakes *mistakes)
{
  const RvValue *presets = rv_value_get (root, "presets");

  if (rv_value_size (presets) > 0 && rv_value_get (root, "let") == NULL)
    rv_value_set (root, "let", presets->place, rv_value_map (presets->place));
  for (guint i = 0; i < rv_value_size (presets); i++)
    {
      RvValue *let = rv_value_get (root, "let");
      const char *preset = presets->keys->pdata[i], *choice = NULL;
      const RvValue *choices = presets->items->pdata[i], *names;
      RvPlace place = rv_key_place (presets, i);

      if (!check_choices (root, preset, choices, place, mistakes))
        continue;
      names = choose (preset, choices, find_setting (settings, preset), &choice, mistakes);
      rv_value_set (let, preset, place, rv_value_text (choice, place));
      for (guint j = 0; names != NULL && names->type == RV_VALUE_MAP && j < names->keys->len; j++)
        rv_value_set (let, names->keys->pdata[j], rv_key_place (names, j),
                      rv_value_copy (names->items->pdata[j]));
    }
}

/* ---- axes that are $(name) */

/* The name in a text that is exactly $(name), or NULL. Caller owns. */
static char *
whole_name (const RvValue *value)
{
  const gsize length = value->type == RV_VALUE_TEXT ? strlen (value->text) : 0;

  if (length < 4 || !g_str_has_prefix (value->text, "$(")
      || strchr (value->text, ')') != value->text + length - 1)
    return NULL;
  return g_strndup (value->text + 2, length - 3);
}

/* A name that gives an axis its choices has one value for all cells. */
static void
check_no_axis_sets (const RvValue *axes, const char *axis, const char *name, RvPlace place,
                    RvMistakes *mistakes)
{
  for (guint a = 0; a < axes->keys->len; a++)
    {
      const RvValue *choices = axes->items->pdata[a];
      gboolean sets = choices->type == RV_VALUE_LIST && g_str_equal (axes->keys->pdata[a], name);

      for (guint i = 0; choices->type == RV_VALUE_MAP && i < choices->items->len; i++)
        sets = sets || rv_value_get (choices->items->pdata[i], name) != NULL;
      if (sets)
        rv_mistakes_add (mistakes, place, "axis '%s' takes its choices from $(%s), which axis '%s' sets",
                         axis, name, (char *)axes->keys->pdata[a]);
    }
}

static void
expand_axis (const RvValue *root, RvValue *axes, guint a, RvMistakes *mistakes)
{
  const RvValue *let = rv_value_get (root, "let"), *value = axes->items->pdata[a];
  const RvPlace place = value->place;
  const char *axis = axes->keys->pdata[a];

  for (guint length = 0;; length++)
    {
      g_autofree char *name = whole_name (value);
      g_autofree char *hint = name != NULL ? rv_did_you_mean (name, &let, 1) : NULL;

      if (name == NULL)
        break;
      check_no_axis_sets (axes, axis, name, place, mistakes);
      value = rv_value_get (let, name);
      if (value != NULL && length < LONGEST_CHAIN)
        continue;
      if (value != NULL)
        rv_mistakes_add (mistakes, place, "more than %d names stand for one another here", LONGEST_CHAIN);
      else
        rv_mistakes_add (mistakes, place,
                         "axis '%s' takes its choices from $(%s), which 'let' does not have%s", axis, name,
                         hint);
      value = NULL;
      break;
    }
  if (value != axes->items->pdata[a])
    {
      RvValue *copy = value != NULL ? rv_value_copy (value) : rv_value_broken (place);

      rv_value_free (axes->items->pdata[a]);
      axes->items->pdata[a] = copy;
    }
}

void
rv_presets_apply (RvValue *root, const char *const *settings, RvMistakes *mistakes)
{
  RvValue *axes;

  apply_presets (root, settings, mistakes);
  rv_settings_define (rv_value_get (root, "let"), settings);
  axes = rv_value_get (root, "axes");
  for (guint a = 0; a < rv_value_size (axes); a++)
    expand_axis (root, axes, a, mistakes);
}
