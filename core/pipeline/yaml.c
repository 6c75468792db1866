/* Pipeline text to a value tree, from libyaml's events because those carry the line and column of every
 * value. What a pipeline has no use for (aliases, tags, several documents) is refused, not guessed at. */
#include "pipeline/document.h"

#include <string.h>
#include <yaml.h>

#define DEEPEST 64

typedef struct
{
  yaml_parser_t parser;
  const char *text;
  gsize length;
  const char *file;
  RvMistakes *mistakes;
  gboolean failed; /* nothing more can be read */
} Reader;

static RvPlace
place_of (const Reader *reader, yaml_mark_t mark)
{
  return (RvPlace){ reader->file, mark.line + 1, mark.column + 1 };
}

/* Whether the line (from 0) is indented with a tab. */
static gboolean
tab_indents (const Reader *reader, gsize line)
{
  const char *at = reader->text, *end = reader->text + reader->length;

  for (; line > 0 && at != NULL; line--)
    {
      at = memchr (at, '\n', end - at);
      at = at != NULL ? at + 1 : NULL;
    }
  while (at != NULL && at < end && *at == ' ')
    at++;
  return at != NULL && at < end && *at == '\t';
}

/* libyaml knows of unreadable bytes only how far into the text they are. */
static RvPlace
place_of_byte (const Reader *reader, gsize offset)
{
  RvPlace place = { reader->file, 1, 1 };

  for (gsize i = 0; i < MIN (offset, reader->length); i++)
    if (reader->text[i] == '\n')
      {
        place.line++;
        place.column = 1;
      }
    else if ((reader->text[i] & 0xc0) != 0x80)
      place.column++;
  return place;
}

/* What libyaml says, and what that mostly means. */
static const char *
in_plain_words (const char *problem)
{
  static const char *const words[][2] = {
    { "mapping values are not allowed in this context", "this ': ' starts a map where none can be; text that "
                                                        "holds ': ' needs quotes, and a key ends with ': '" },
    { "did not find expected key", "this is not indented like the lines around it, or a key is missing" },
    { "found unexpected end of stream", "the file ends in the middle of a value" },
    { "found character that cannot start any token", "text that begins with this character needs quotes" },
  };

  for (gsize k = 0; k < G_N_ELEMENTS (words); k++)
    if (g_str_equal (problem, words[k][0]))
      return words[k][1];
  return problem;
}

static void
add_syntax_error (Reader *reader)
{
  const yaml_parser_t *parser = &reader->parser;
  const char *problem = in_plain_words (parser->problem != NULL ? parser->problem : "this can not be read");
  const char *wrong = reader->text;
  RvPlace place = place_of (reader, parser->problem_mark);

  reader->failed = TRUE;
  if (parser->error == YAML_READER_ERROR && !g_utf8_validate_len (reader->text, reader->length, &wrong))
    rv_mistakes_add (reader->mistakes, place_of_byte (reader, wrong - reader->text),
                     "this byte does not belong in UTF-8 text: 0x%02x", (guchar)*wrong);
  else if (parser->error == YAML_READER_ERROR)
    rv_mistakes_add (reader->mistakes, place_of_byte (reader, parser->problem_offset), "not YAML text: %s",
                     problem);
  else if (tab_indents (reader, parser->problem_mark.line))
    rv_mistakes_add (reader->mistakes, place, "YAML is indented with spaces, this line has a tab");
  else if (parser->context != NULL)
    rv_mistakes_add (reader->mistakes, place, "YAML: %s, %s that starts at line %u, column %u", problem,
                     parser->context, (guint)parser->context_mark.line + 1,
                     (guint)parser->context_mark.column + 1);
  else
    rv_mistakes_add (reader->mistakes, place, "YAML: %s", problem);
}

static gboolean
next (Reader *reader, yaml_event_t *event)
{
  reader->failed |= rv_mistakes_full (reader->mistakes);
  if (!reader->failed && yaml_parser_parse (&reader->parser, event))
    return TRUE;
  memset (event, 0, sizeof *event);
  if (!reader->failed)
    add_syntax_error (reader);
  return FALSE;
}

static void
check_properties (Reader *reader, const yaml_char_t *anchor, const yaml_char_t *tag, RvPlace place)
{
  if (anchor != NULL)
    rv_mistakes_add (reader->mistakes, place,
                     "anchors (&%s) are not used here; name the value in 'let:' and write $(%s)", anchor,
                     anchor);
  if (tag != NULL)
    rv_mistakes_add (reader->mistakes, place,
                     "tags (%s) are not used here; the plugin's parameter decides the type", tag);
}

static RvValue *read_value (Reader *reader, yaml_event_t *event, guint depth);

static RvValue *
read_scalar (Reader *reader, const yaml_event_t *event)
{
  const char *text = (const char *)event->data.scalar.value;
  RvPlace place = place_of (reader, event->start_mark);

  check_properties (reader, event->data.scalar.anchor, event->data.scalar.tag, place);
  if (strlen (text) == event->data.scalar.length)
    return rv_value_text (text, place);
  rv_mistakes_add (reader->mistakes, place, "text can not hold the character \\0");
  return rv_value_broken (place);
}

static RvValue *
read_list (Reader *reader, const yaml_event_t *start, guint depth)
{
  RvPlace place = place_of (reader, start->start_mark);
  RvValue *list = rv_value_list (place);
  yaml_event_t event;

  check_properties (reader, start->data.sequence_start.anchor, start->data.sequence_start.tag, place);
  while (next (reader, &event) && event.type != YAML_SEQUENCE_END_EVENT)
    {
      rv_value_append (list, read_value (reader, &event, depth + 1));
      yaml_event_delete (&event);
    }
  yaml_event_delete (&event);
  return list;
}

/* Whether a map may have `key` at `place`. `lines`: the line of each key that it has. */
static gboolean
check_key (Reader *reader, const RvValue *key, RvPlace place, GHashTable *lines)
{
  guint first = key->type == RV_VALUE_TEXT ? GPOINTER_TO_UINT (g_hash_table_lookup (lines, key->text)) : 0;

  if (key->type != RV_VALUE_TEXT)
    rv_mistakes_add (reader->mistakes, place, "a key must be text, not a list or map");
  else if (key->broken)
    return FALSE;
  else if (g_str_equal (key->text, "<<"))
    rv_mistakes_add (reader->mistakes, place, "merge keys (<<) are not used here; see 'include:' and 'let:'");
  else if (strcspn (key->text, "\a\b\t\n\v\f\r\x1b") < strlen (key->text))
    rv_mistakes_add (reader->mistakes, place, "a key must be a single line without control characters");
  else if (first > 0)
    rv_mistakes_add (reader->mistakes, place, "'%s' is given twice: on line %u and on line %u", key->text,
                     first, place.line);
  else
    return TRUE;
  return FALSE;
}

static RvValue *
read_map (Reader *reader, const yaml_event_t *start, guint depth)
{
  RvPlace place = place_of (reader, start->start_mark);
  RvValue *map = rv_value_map (place);
  /* The place of each key by name: looking through the map would make long maps slow. */
  g_autoptr (GHashTable) lines = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  yaml_event_t event;

  check_properties (reader, start->data.mapping_start.anchor, start->data.mapping_start.tag, place);
  while (next (reader, &event) && event.type != YAML_MAPPING_END_EVENT)
    {
      RvPlace key_place = place_of (reader, event.start_mark);
      g_autoptr (RvValue) key = read_value (reader, &event, depth + 1);
      g_autoptr (RvValue) item = NULL;

      yaml_event_delete (&event);
      if (!next (reader, &event))
        break;
      item = read_value (reader, &event, depth + 1);
      yaml_event_delete (&event);
      /* without what it would have merged, the map can not be judged */
      map->broken |= key->type == RV_VALUE_TEXT && g_str_equal (key->text, "<<");
      if (!check_key (reader, key, key_place, lines))
        continue;
      g_hash_table_insert (lines, g_strdup (key->text), GUINT_TO_POINTER (key_place.line));
      g_ptr_array_add (map->keys, g_strdup (key->text));
      g_ptr_array_add (map->items, g_steal_pointer (&item));
      g_array_append_val (map->key_places, key_place);
    }
  yaml_event_delete (&event);
  return map;
}

/* Never NULL; what can not be read is broken, with a mistake. */
static RvValue *
read_value (Reader *reader, yaml_event_t *event, guint depth)
{
  RvPlace place = place_of (reader, event->start_mark);

  if (depth > DEEPEST)
    {
      rv_mistakes_add (reader->mistakes, place, "nested more than %d deep", DEEPEST);
      reader->failed = TRUE;
      return rv_value_broken (place);
    }
  switch (event->type)
    {
    case YAML_SCALAR_EVENT:
      return read_scalar (reader, event);
    case YAML_SEQUENCE_START_EVENT:
      return read_list (reader, event, depth);
    case YAML_MAPPING_START_EVENT:
      return read_map (reader, event, depth);
    case YAML_ALIAS_EVENT:
      rv_mistakes_add (reader->mistakes, place,
                       "aliases (*%s) are not used here; name the value in 'let:' and write $(%s)",
                       event->data.alias.anchor, event->data.alias.anchor);
      return rv_value_broken (place);
    default:
      return rv_value_broken (place);
    }
}

/* The documents of the stream: the first is the value, another is a mistake. */
static RvValue *
read_stream (Reader *reader)
{
  g_autoptr (RvValue) value = NULL;
  yaml_event_t event;

  while (next (reader, &event) && event.type != YAML_STREAM_END_EVENT)
    {
      if (event.type == YAML_DOCUMENT_START_EVENT && value != NULL)
        {
          rv_mistakes_add (reader->mistakes, place_of (reader, event.start_mark),
                           "a second document starts here; a file holds one pipeline");
          break;
        }
      if (event.type == YAML_SCALAR_EVENT || event.type == YAML_SEQUENCE_START_EVENT
          || event.type == YAML_MAPPING_START_EVENT || event.type == YAML_ALIAS_EVENT)
        value = read_value (reader, &event, 1);
      yaml_event_delete (&event);
    }
  yaml_event_delete (&event);
  return reader->failed ? NULL : g_steal_pointer (&value);
}

RvValue *
rv_yaml_parse (const char *text, gsize length, const char *file, RvMistakes *mistakes)
{
  Reader reader = { .text = text, .length = length, .file = g_intern_string (file), .mistakes = mistakes };
  RvValue *value;

  if (!yaml_parser_initialize (&reader.parser))
    {
      rv_mistakes_add (mistakes, (RvPlace){ reader.file, 0, 0 }, "no memory to read it");
      return NULL;
    }
  yaml_parser_set_input_string (&reader.parser, (const unsigned char *)text, length);
  value = read_stream (&reader);
  yaml_parser_delete (&reader.parser);
  if (value == NULL && !reader.failed)
    rv_mistakes_add (mistakes, (RvPlace){ reader.file, 1, 1 }, "there is nothing in it");
  return value;
}
