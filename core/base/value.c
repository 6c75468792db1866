/* The value tree of pipeline files: text, lists and maps with their places, and its two ways back to text:
 * compact (for identities and messages) and YAML (for the record of a run). */
#include "base/value.h"

#include <string.h>

static void
free_item (gpointer item)
{
  rv_value_free (item);
}

RvValue *
rv_value_text (const char *text, RvPlace place)
{
  RvValue *value = g_new0 (RvValue, 1);

  value->type = RV_VALUE_TEXT;
  value->place = place;
  value->text = g_strdup (text != NULL ? text : "");
  return value;
}

RvValue *
rv_value_broken (RvPlace place)
{
  RvValue *value = rv_value_text ("", place);

  value->broken = TRUE;
  return value;
}

RvValue *
rv_value_list (RvPlace place)
{
  RvValue *value = g_new0 (RvValue, 1);

  value->type = RV_VALUE_LIST;
  value->place = place;
  value->items = g_ptr_array_new_with_free_func (free_item);
  return value;
}

RvValue *
rv_value_map (RvPlace place)
{
  RvValue *value = rv_value_list (place);

  value->type = RV_VALUE_MAP;
  value->keys = g_ptr_array_new_with_free_func (g_free);
  value->key_places = g_array_new (FALSE, FALSE, sizeof (RvPlace));
  return value;
}

RvValue *
rv_value_copy (const RvValue *value)
{
  RvValue *copy;

  if (value == NULL)
    return NULL;
  if (value->type == RV_VALUE_TEXT)
    copy = rv_value_text (value->text, value->place);
  else
    copy = value->type == RV_VALUE_MAP ? rv_value_map (value->place) : rv_value_list (value->place);
  copy->broken = value->broken;
  for (guint i = 0; i < rv_value_size (value); i++)
    {
      g_ptr_array_add (copy->items, rv_value_copy (value->items->pdata[i]));
      if (value->type == RV_VALUE_MAP)
        g_ptr_array_add (copy->keys, g_strdup (value->keys->pdata[i]));
    }
  if (value->type == RV_VALUE_MAP)
    g_array_append_vals (copy->key_places, value->key_places->data, value->key_places->len);
  return copy;
}

void
rv_value_free (RvValue *value)
{
  if (value == NULL)
    return;
  g_free (value->text);
  g_clear_pointer (&value->items, g_ptr_array_unref);
  g_clear_pointer (&value->keys, g_ptr_array_unref);
  g_clear_pointer (&value->key_places, g_array_unref);
  g_free (value);
}

void
rv_value_append (RvValue *list, RvValue *item)
{
  g_return_if_fail (list->type == RV_VALUE_LIST);
  g_ptr_array_add (list->items, item);
}

static gboolean
find (const RvValue *map, const char *key, guint *index)
{
  if (map == NULL || map->type != RV_VALUE_MAP)
    return FALSE;
  return g_ptr_array_find_with_equal_func (map->keys, key, g_str_equal, index);
}

void
rv_value_set (RvValue *map, const char *key, RvPlace key_place, RvValue *item)
{
  guint i;

  g_return_if_fail (map->type == RV_VALUE_MAP);
  if (find (map, key, &i))
    {
      RvValue *old = map->items->pdata[i];

      map->items->pdata[i] = item;
      g_array_index (map->key_places, RvPlace, i) = key_place;
      if (old != item)
        rv_value_free (old);
      return;
    }
  g_ptr_array_add (map->keys, g_strdup (key));
  g_ptr_array_add (map->items, item);
  g_array_append_val (map->key_places, key_place);
}

void
rv_value_remove (RvValue *map, const char *key)
{
  guint i;

  if (!find (map, key, &i))
    return;
  g_ptr_array_remove_index (map->keys, i);
  g_ptr_array_remove_index (map->items, i);
  g_array_remove_index (map->key_places, i);
}

RvValue *
rv_value_get (const RvValue *map, const char *key)
{
  guint i;

  return find (map, key, &i) ? map->items->pdata[i] : NULL;
}

uint32_t
rv_value_size (const RvValue *value)
{
  return value == NULL || value->type == RV_VALUE_TEXT ? 0 : value->items->len;
}

/* Text that needs no quotes, neither in a block nor in a flow. */
static gboolean
is_plain (const char *text)
{
  gsize length = strlen (text);
  gboolean number = strchr ("+-.", text[0]) != NULL && g_ascii_isdigit (text[length > 0 ? 1 : 0]);

  if (length == 0 || text[length - 1] == ' ')
    return FALSE;
  if (!g_ascii_isalnum (text[0]) && text[0] != '/' && text[0] != '_' && !number)
    return FALSE;
  for (const char *c = text; *c != '\0'; c++)
    if (!g_ascii_isalnum (*c) && strchr ("_./+-()*% ", *c) == NULL)
      return FALSE;
  return TRUE;
}

/* What YAML would not give back as it is, or not read at all: controls, separators of lines, byte order marks. */
static gboolean
is_unreadable (gunichar c)
{
  return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x2028 || c == 0x2029 || c == 0xfeff || c == 0xfffe
         || c == 0xffff;
}

/* `dollar` is what stands for a dollar sign. */
static void
append_text (GString *out, const char *text, const char *dollar)
{
  if (is_plain (text))
    {
      g_string_append (out, text);
      return;
    }
  g_string_append_c (out, '"');
  for (const char *c = text, *next; *c != '\0'; c = next)
    {
      gunichar code = g_utf8_get_char_validated (c, -1);

      next = code < (gunichar)-2 ? g_utf8_next_char (c) : c + 1;
      if (*c == '"' || *c == '\\')
        g_string_append_printf (out, "\\%c", *c);
      else if (*c == '\n')
        g_string_append (out, "\\n");
      else if (*c == '$')
        g_string_append (out, dollar);
      else if (is_unreadable (code))
        g_string_append_printf (out, "\\u%04x", code);
      else
        g_string_append_len (out, c, next - c);
    }
  g_string_append_c (out, '"');
}

static void
append_compact (const RvValue *value, GString *out)
{
  gboolean map = value->type == RV_VALUE_MAP;

  if (value->type == RV_VALUE_TEXT)
    {
      append_text (out, value->text, "$");
      return;
    }
  g_string_append_c (out, map ? '{' : '[');
  for (guint i = 0; i < value->items->len; i++)
    {
      g_string_append (out, i > 0 ? ", " : "");
      if (map)
        {
          append_text (out, value->keys->pdata[i], "$");
          g_string_append (out, ": ");
        }
      append_compact (value->items->pdata[i], out);
    }
  g_string_append_c (out, map ? '}' : ']');
}

char *
rv_value_to_string (const RvValue *value)
{
  GString *out = g_string_new (NULL);

  if (value != NULL)
    append_compact (value, out);
  return g_string_free (out, FALSE);
}

/* A scalar or an empty list or map, and where it was written. */
static void
append_leaf (const RvValue *value, const char *dollar, GString *out)
{
  RvPlace place = value->place;

  /* What is written here is read again as a pipeline, where a dollar is doubled. */
  if (value->type == RV_VALUE_TEXT)
    append_text (out, value->text, dollar);
  else
    g_string_append (out, value->type == RV_VALUE_MAP ? "{}" : "[]");
  if (place.file != NULL)
    {
      /* A setting may hold line breaks, a comment may not. */
      g_autofree char *file = g_strdelimit (g_strdup (place.file), "\r\n", ' ');

      g_string_append_printf (out, "  # %s", file);
      if (place.line > 0)
        g_string_append_printf (out, ":%u", place.line);
    }
  g_string_append_c (out, '\n');
}

void
rv_value_to_yaml (const RvValue *value, int indent, const char *dollar, GString *out)
{
  if (rv_value_size (value) == 0)
    {
      g_string_append_printf (out, "%*s", indent, "");
      append_leaf (value, dollar, out);
      return;
    }
  for (guint i = 0; i < value->items->len; i++)
    {
      const RvValue *item = value->items->pdata[i];
      gsize start = out->len;

      if (value->type == RV_VALUE_LIST)
        {
          /* The dash goes into the indent of the item's first line. */
          rv_value_to_yaml (item, indent + 2, dollar, out);
          out->str[start + indent] = '-';
          continue;
        }
      g_string_append_printf (out, "%*s", indent, "");
      append_text (out, value->keys->pdata[i], "$");
      g_string_append (out, rv_value_size (item) > 0 ? ":\n" : ": ");
      if (rv_value_size (item) > 0)
        rv_value_to_yaml (item, indent + 2, dollar, out);
      else
        append_leaf (item, dollar, out);
    }
}

/* text: s; list: av; map: (asav) */
GVariant *
rv_value_to_variant (const RvValue *value)
{
  if (value->type == RV_VALUE_TEXT)
    return g_variant_new_string (value->text);
  GVariantBuilder keys, items;
  g_variant_builder_init (&keys, G_VARIANT_TYPE ("as"));
  g_variant_builder_init (&items, G_VARIANT_TYPE ("av"));
  for (guint i = 0; i < rv_value_size (value); i++)
    {
      g_variant_builder_add (&items, "v", rv_value_to_variant (value->items->pdata[i]));
      if (value->type == RV_VALUE_MAP)
        g_variant_builder_add (&keys, "s", value->keys->pdata[i]);
    }
  if (value->type == RV_VALUE_MAP)
    return g_variant_new ("(asav)", &keys, &items);
  g_variant_builder_clear (&keys);
  return g_variant_builder_end (&items);
}

static gboolean
take_items (GVariant *items, GVariant *keys, RvValue *value)
{
  for (gsize i = 0; i < g_variant_n_children (items); i++)
    {
      g_autoptr (GVariant) box = g_variant_get_child_value (items, i), inner = g_variant_get_variant (box);
      RvValue *item = rv_value_from_variant (inner);
      if (!item)
        return FALSE;
      if (!keys)
        rv_value_append (value, item);
      else
        {
          g_autoptr (GVariant) key = g_variant_get_child_value (keys, i);
          rv_value_set (value, g_variant_get_string (key, NULL), value->place, item);
        }
    }
  return TRUE;
}

RvValue *
rv_value_from_variant (GVariant *variant)
{
  const RvPlace nowhere = { NULL, 0, 0 };
  g_autoptr (RvValue) value = NULL;
  if (g_variant_is_of_type (variant, G_VARIANT_TYPE_STRING))
    return rv_value_text (g_variant_get_string (variant, NULL), nowhere);
  if (g_variant_is_of_type (variant, G_VARIANT_TYPE ("av")))
    {
      value = rv_value_list (nowhere);
      return take_items (variant, NULL, value) ? g_steal_pointer (&value) : NULL;
    }
  if (!g_variant_is_of_type (variant, G_VARIANT_TYPE ("(asav)")))
    return NULL;
  g_autoptr (GVariant) keys = g_variant_get_child_value (variant, 0),
                       items = g_variant_get_child_value (variant, 1);
  value = rv_value_map (nowhere);
  return g_variant_n_children (keys) == g_variant_n_children (items) && take_items (items, keys, value)
             ? g_steal_pointer (&value)
             : NULL;
}
