/* Any bytes as a pipeline file: reading and composing ends with a document or with mistakes, and what a run
 * records of a document reads back as the same. Lines that begin with "#-s " are settings. Entry point of
 * libFuzzer; test-corpus.c calls it with the files of the corpus. */
#include "pipeline/document.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

/* Not g_assert: it has to fail in every build. */
static void
demand (gboolean holds, const char *what)
{
  if (holds)
    return;
  fprintf (stderr, "fuzz-pipeline: does not hold: %s\n", what);
  abort ();
}

static char **
settings_of (const char *text)
{
  g_autoptr (GPtrArray) settings = g_ptr_array_new ();

  for (const char *line = text; g_str_has_prefix (line, "#-s ");)
    {
      const char *start = line + strlen ("#-s ");
      gsize length = strcspn (start, "\n");
      g_autofree char *setting = g_strndup (start, length);

      if (g_utf8_validate (setting, -1, NULL)) /* as the command line */
        g_ptr_array_add (settings, g_steal_pointer (&setting));
      line = start + length + (start[length] == '\n');
    }
  g_ptr_array_add (settings, NULL);
  return (char **)g_ptr_array_free (g_steal_pointer (&settings), FALSE);
}

static void
check_messages (const RvMistakes *mistakes)
{
  demand (mistakes->messages->len <= 101, "few messages");
  for (guint i = 0; i < mistakes->messages->len; i++)
    {
      const char *message = mistakes->messages->pdata[i];

      demand (message[0] != '\0' && strlen (message) <= 1000, "a message has some text, not a book");
      for (const guchar *c = (const guchar *)message; *c != '\0'; c++)
        demand (*c >= 0x20 && *c != 0x7f, "a message is one line");
    }
}

/* A tree may be deeper than a file. */
static guint
height_of (const RvValue *value)
{
  guint height = 0;

  for (guint i = 0; i < rv_value_size (value); i++)
    height = MAX (height, height_of (value->items->pdata[i]));
  return height + 1;
}

/* As compact text, and as the block YAML of a run directory. */
static void
check_again (const RvValue *nodes)
{
  g_autoptr (RvMistakes) mistakes = rv_mistakes_new ();
  g_autofree char *compact = rv_value_to_string (nodes);
  g_autoptr (RvValue) value = rv_yaml_parse (compact, strlen (compact), "compact", mistakes);
  g_autofree char *again = rv_value_to_string (value);
  g_autoptr (GString) yaml = g_string_new ("nodes:\n");
  g_autoptr (RvDocument) document = NULL;
  g_autofree char *resolved = NULL;

  demand (strcmp (compact, again) == 0, "compact text reads back as the same");
  rv_value_to_yaml (nodes, 2, "$$", yaml);
  document = rv_document_parse (yaml->str, yaml->len, "yaml", NULL, mistakes);
  demand (document != NULL && document->cells->len == 1, "the record reads back");
  resolved = rv_value_to_string (((RvCell *)document->cells->pdata[0])->nodes);
  demand (strcmp (compact, resolved) == 0, "the record reads back as the same");
  demand (mistakes->messages->len == 0, "the record reads back without mistakes");
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  g_autofree char *text = g_strndup ((const char *)data, size);
  g_auto (GStrv) settings = settings_of (text);
  g_autoptr (RvMistakes) mistakes = rv_mistakes_new ();
  g_autoptr (RvDocument) document = rv_document_parse ((const char *)data, size, "fuzz.yaml",
                                                       (const char *const *)settings, mistakes);

  check_messages (mistakes);
  demand (document != NULL || mistakes->messages->len > 0, "without a document there is a message");
  if (mistakes->messages->len > 0)
    return 0;
  demand (document->cells->len > 0, "a document has a cell");
  for (guint i = 0; i < MIN (document->cells->len, 4); i++)
    {
      const RvValue *nodes = ((RvCell *)document->cells->pdata[i])->nodes;

      if (height_of (nodes) < 60)
        check_again (nodes);
    }
  return 0;
}
