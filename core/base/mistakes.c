/* Mistakes of a pipeline, collected so that the user sees all of them in one go, and the guess behind every
 * "did you mean". */
#include "base/value.h"

#include <string.h>

/* Longer words are not names that somebody mistyped. */
#define LONGEST_WORD 64
/* Nobody reads further. */
#define MOST_MISTAKES 100
#define LONGEST_TEXT 1000

RvMistakes *
rv_mistakes_new (void)
{
  RvMistakes *mistakes = g_new0 (RvMistakes, 1);

  mistakes->messages = g_ptr_array_new_with_free_func (g_free);
  mistakes->places = g_array_new (FALSE, FALSE, sizeof (RvPlace));
  return mistakes;
}

void
rv_mistakes_free (RvMistakes *mistakes)
{
  if (mistakes == NULL)
    return;
  g_ptr_array_unref (mistakes->messages);
  g_array_unref (mistakes->places);
  g_free (mistakes);
}

/* One line that fits the eye: a value may hold line breaks, escape sequences or a whole book. */
static void
tidy (char *text)
{
  if (strlen (text) > LONGEST_TEXT)
    strcpy (g_utf8_find_prev_char (text, text + LONGEST_TEXT - 3), "...");
  for (guchar *c = (guchar *)text; *c != '\0'; c++)
    if (*c < 0x20 || *c == 0x7f)
      *c = ' ';
}

/* Where a message belongs: within its file by line and column, files in the order in which they came up. */
static guint
position_of (const RvMistakes *mistakes, RvPlace place)
{
  gboolean met = FALSE;

  for (guint i = 0; i < mistakes->places->len; i++)
    {
      const RvPlace *other = &g_array_index (mistakes->places, RvPlace, i);
      gboolean same = g_strcmp0 (other->file, place.file) == 0;

      if (same ? other->line > place.line || (other->line == place.line && other->column > place.column)
               : met)
        return i;
      met |= same;
    }
  return mistakes->places->len;
}

gboolean
rv_mistakes_full (const RvMistakes *mistakes)
{
  return mistakes->messages->len > MOST_MISTAKES;
}

void
rv_mistakes_add (RvMistakes *mistakes, RvPlace place, const char *format, ...)
{
  g_autofree char *text = NULL;
  g_autofree char *message = NULL;
  va_list arguments;
  guint position;

  if (rv_mistakes_full (mistakes))
    return;
  va_start (arguments, format);
  text = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  /* Without a line the place is a whole file or a setting ("-s NAME=VALUE"). */
  if (place.file == NULL)
    message = g_steal_pointer (&text);
  else if (place.line == 0)
    message = g_strdup_printf ("%s: %s", place.file, text);
  else
    message = g_strdup_printf ("%s:%u:%u: %s", place.file, place.line, place.column, text);
  tidy (message);
  /* Each cell is checked by itself, so most messages come once per cell. */
  if (g_ptr_array_find_with_equal_func (mistakes->messages, message, g_str_equal, NULL))
    return;
  if (mistakes->messages->len == MOST_MISTAKES)
    {
      g_free (message);
      message = g_strdup_printf ("there are more mistakes than these %d", MOST_MISTAKES);
      place = (RvPlace){ NULL, 0, 0 };
    }
  position = position_of (mistakes, place);
  g_ptr_array_insert (mistakes->messages, (int)position, g_steal_pointer (&message));
  g_array_insert_val (mistakes->places, position, place);
}

gboolean
rv_mistakes_raise (const RvMistakes *mistakes, GError **error)
{
  g_autoptr (GString) all = NULL;

  if (mistakes->messages->len == 0)
    return FALSE;
  all = g_string_new (NULL);
  for (guint i = 0; i < mistakes->messages->len; i++)
    g_string_append_printf (all, "%s%s", i > 0 ? "\n" : "", (const char *)mistakes->messages->pdata[i]);
  g_set_error_literal (error, RV_ERROR, RV_ERROR_PIPELINE, all->str);
  return TRUE;
}

/* Case and the choice of '-' or '_' cost nothing: they are the likeliest slips. */
static char
folded (char c)
{
  return c == '_' ? '-' : g_ascii_tolower (c);
}

/* Optimal string alignment: insertions, deletions, replacements and swaps of neighbours, each of cost 1. */
static guint
distance (const char *a, const char *b)
{
  guint rows = strlen (a), columns = strlen (b);
  guint d[LONGEST_WORD + 1][LONGEST_WORD + 1];

  for (guint i = 0; i <= rows; i++)
    d[i][0] = i;
  for (guint j = 0; j <= columns; j++)
    d[0][j] = j;
  /* d[i][j] = min (d[i-1][j] + 1, d[i][j-1] + 1, d[i-1][j-1] + [a_i != b_j], d[i-2][j-2] + 1 if swapped) */
  for (guint i = 1; i <= rows; i++)
    for (guint j = 1; j <= columns; j++)
      {
        char x = folded (a[i - 1]), y = folded (b[j - 1]);
        guint best = MIN (d[i - 1][j], d[i][j - 1]) + 1;

        best = MIN (best, d[i - 1][j - 1] + (x != y));
        if (i > 1 && j > 1 && x == folded (b[j - 2]) && y == folded (a[i - 2]))
          best = MIN (best, d[i - 2][j - 2] + 1);
        d[i][j] = best;
      }
  return d[rows][columns];
}

const char *
rv_nearest (const char *word, const char *const *names)
{
  gsize length = strlen (word);
  /* One slip in a short word, one more for every four letters. */
  guint limit = 1 + length / 4;
  const char *nearest = NULL;

  if (length == 0 || length > LONGEST_WORD)
    return NULL;
  for (; *names != NULL; names++)
    {
      guint d = strlen (*names) <= LONGEST_WORD ? distance (word, *names) : G_MAXUINT;

      /* As many slips as letters: nothing of the word is left. */
      if (d > limit || d >= length || (nearest != NULL && d == limit))
        continue;
      if (nearest == NULL || d < limit)
        {
          nearest = *names;
          limit = d;
        }
    }
  return nearest;
}

char *
rv_hint (const char *word, const char *const *names)
{
  const char *nearest = rv_nearest (word, names);

  return nearest != NULL ? g_strdup_printf ("; did you mean '%s'?", nearest) : g_strdup ("");
}
