/* $(name): what it stands for in one cell, found only when asked for, so that a name may stand for
 * another; circles and bombs of names end with a message. */
#include "pipeline/compose.h"

#include <string.h>

#define DEEPEST 256
#define LONGEST_CHAIN 64

/* What $(name) stands for in one cell. */
typedef struct
{
  const RvValue *raw; /* borrowed */
  RvValue *resolved;  /* owned; NULL before it is asked for */
  guint size, height; /* of `resolved` */
  gboolean active;    /* being resolved: asking again is a circle */
} Name;

struct RvScope
{
  RvMistakes *mistakes;
  GHashTable *names; /* char *, borrowed -> Name */
  GPtrArray *circle; /* char *, borrowed: the names being resolved, outermost first */
  guint depth;
  gint64 *budget; /* values that may still be made, of all cells; below 0 after a mistake */
};

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
afford (RvScope *scope, guint size, guint height, RvPlace place)
{
  if (scope->depth + height > DEEPEST)
    {
      rv_mistakes_add (scope->mistakes, place, "with its $(names) replaced this is nested more than %d deep",
                       DEEPEST);
      return FALSE;
    }
  if (*scope->budget < (gint64)size)
    {
      if (*scope->budget >= 0)
        rv_mistakes_add (scope->mistakes, place,
                         "with its $(names) replaced the pipeline has more than %d values", RV_MOST_VALUES);
      *scope->budget = -1;
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
add_unknown_name (RvScope *scope, const char *name, RvPlace place)
{
  g_autoptr (GPtrArray) names = g_ptr_array_new ();
  GHashTableIter iter;
  gpointer key;
  const char *nearest;

  if (rv_mistakes_full (scope->mistakes))
    return; /* the search for a hint takes long */
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
look_up (RvScope *scope, const char *name, RvPlace place)
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
  entry->resolved = rv_scope_resolve (scope, entry->raw);
  scope->depth = depth;
  g_ptr_array_set_size (scope->circle, scope->circle->len - 1);
  entry->active = FALSE;
  measure (entry->resolved, 1, &entry->size, &entry->height);
  return entry;
}

/* Adds what `name` stands for to a text; FALSE after a mistake. */
static gboolean
append_name (RvScope *scope, const char *name, RvPlace place, GString *out)
{
  const Name *found = look_up (scope, name, place);

  if (found == NULL || found->resolved->broken || !afford (scope, found->size, 1, place))
    return FALSE;
  if (found->resolved->type == RV_VALUE_TEXT)
    {
      g_string_append (out, found->resolved->text);
      return TRUE;
    }
  rv_mistakes_add (scope->mistakes, place, "$(%s) is a %s and can not be part of a text", name,
                   found->resolved->type == RV_VALUE_MAP ? "map" : "list");
  return FALSE;
}

/* A value that is exactly $(name) may stand for anything, and keeps the place where it was written. */
static RvValue *
resolve_whole (RvScope *scope, const char *name, RvPlace place)
{
  const Name *found = look_up (scope, name, place);

  if (found == NULL || !afford (scope, found->size, found->height, place))
    return rv_value_broken (place);
  return rv_value_copy (found->resolved);
}

/* Text with $(names) in it, `$$` being a dollar. */
static RvValue *
resolve_text (RvScope *scope, const RvValue *value)
{
  g_autoptr (GString) out = g_string_new (NULL);
  const char *at = value->text, *end;
  gboolean good = TRUE;

  while (*at != '\0')
    {
      g_autofree char *name = NULL;

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
          return rv_value_broken (value->place);
        }
      name = g_strndup (at + 2, end - at - 2);
      if (at == value->text && end[1] == '\0')
        return resolve_whole (scope, name, value->place);
      good &= append_name (scope, name, value->place, out);
      at = end + 1;
    }
  return good ? rv_value_text (out->str, value->place) : rv_value_broken (value->place);
}

RvValue *
rv_scope_resolve (RvScope *scope, const RvValue *value)
{
  RvValue *result;

  if (value->broken || !afford (scope, 1, 1, value->place))
    return rv_value_broken (value->place);
  if (value->type == RV_VALUE_TEXT)
    return resolve_text (scope, value);
  result = value->type == RV_VALUE_MAP ? rv_value_map (value->place) : rv_value_list (value->place);
  scope->depth++;
  for (guint i = 0; i < value->items->len; i++)
    {
      g_ptr_array_add (result->items, rv_scope_resolve (scope, value->items->pdata[i]));
      if (value->type == RV_VALUE_MAP)
        g_ptr_array_add (result->keys, g_strdup (value->keys->pdata[i]));
    }
  scope->depth--;
  if (value->type == RV_VALUE_MAP)
    g_array_append_vals (result->key_places, value->key_places->data, value->key_places->len);
  return result;
}

RvScope *
rv_scope_new (gint64 *budget, RvMistakes *mistakes)
{
  RvScope *scope = g_new0 (RvScope, 1);

  scope->mistakes = mistakes;
  scope->names = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, free_name);
  scope->circle = g_ptr_array_new ();
  scope->budget = budget;
  return scope;
}

void
rv_scope_free (RvScope *scope)
{
  if (scope == NULL)
    return;
  g_hash_table_unref (scope->names);
  g_ptr_array_unref (scope->circle);
  g_free (scope);
}

void
rv_scope_define (RvScope *scope, const char *name, const RvValue *raw)
{
  Name *entry = g_new0 (Name, 1);

  entry->raw = raw;
  g_hash_table_replace (scope->names, (gpointer)name, entry);
}

void
rv_scope_check (RvScope *scope, const char *name, RvPlace place)
{
  look_up (scope, name, place);
}
