/* A value of a pipeline file: a tree of text, lists and maps that keeps where everything was written, so that every
 * message can say it. Scalars have no type: the parameter table decides. */
#ifndef RV_VALUE_H
#define RV_VALUE_H

#include <ranvier/base.h>

typedef struct
{
  const char *file;      /* interned; NULL: the command line or a default, see `origin` */
  uint32_t line, column; /* from 1 */
} RvPlace;

typedef enum
{
  RV_VALUE_TEXT,
  RV_VALUE_LIST,
  RV_VALUE_MAP
} RvValueType;

typedef struct RvValue RvValue;
struct RvValue
{
  RvValueType type;
  RvPlace place;
  gboolean broken;    /* a mistake was reported that leaves nothing to say about this value */
  char *text;         /* text */
  GPtrArray *items;   /* list: RvValue *; map: RvValue * in the order of `keys` */
  GPtrArray *keys;    /* map: char * */
  GArray *key_places; /* map: RvPlace */
};

/* New values; text is copied. */
RvValue *rv_value_text (const char *text, RvPlace place);
RvValue *rv_value_broken (RvPlace place);
RvValue *rv_value_list (RvPlace place);
RvValue *rv_value_map (RvPlace place);
RvValue *rv_value_copy (const RvValue *value);
void rv_value_free (RvValue *value);
/* Adds to a list or map; `item` is consumed. rv_value_set replaces an entry of that key. */
void rv_value_append (RvValue *list, RvValue *item);
void rv_value_set (RvValue *map, const char *key, RvPlace key_place, RvValue *item);
void rv_value_remove (RvValue *map, const char *key);
/* The entry of a map, borrowed, or NULL. Underscores and dashes are told apart. */
RvValue *rv_value_get (const RvValue *map, const char *key);
uint32_t rv_value_size (const RvValue *value);
/* Compact one-line text that two equal trees share: for identities and messages. Caller owns. */
char *rv_value_to_string (const RvValue *value);
/* As block YAML with `# file:line` behind every scalar; `indent` spaces. `dollar` stands for a dollar sign: "$$" where
 * $(names) were replaced, "$" where they were not. Appends. */
void rv_value_to_yaml (const RvValue *value, int indent, const char *dollar, GString *out);

/* As a GVariant, floating, and back, without places; NULL if `variant` is of another make. */
GVariant *rv_value_to_variant (const RvValue *value);
RvValue *rv_value_from_variant (GVariant *variant);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (RvValue, rv_value_free)

/* ---- mistakes are collected, so that all come in one go */

typedef struct
{
  GPtrArray *messages;      /* char *, "file:line:column: text", each file's from its top to its end */
  GArray *places;           /* RvPlace of each message */
  gboolean plugin_unusable; /* one of them is of a plugin that is there but can not be used */
  guint damaged;            /* so many are no mistakes, but of files that are damaged or can not be read */
} RvMistakes;

RvMistakes *rv_mistakes_new (void);
void rv_mistakes_free (RvMistakes *mistakes);
/* Adds a message at a place; a message that is there already is not added again, and neither is what comes
 * after the first hundred. */
void rv_mistakes_add (RvMistakes *mistakes, RvPlace place, const char *format, ...) G_GNUC_PRINTF (3, 4);
/* Whether nothing more would be added: time to stop looking. */
gboolean rv_mistakes_full (const RvMistakes *mistakes);
/* All messages as one GError, a line each, and TRUE if there were any. */
gboolean rv_mistakes_raise (const RvMistakes *mistakes, GError **error);
/* The name in `names` (NULL-terminated) nearest to `word`, or NULL if none is near. For "did you mean". */
const char *rv_nearest (const char *word, const char *const *names);
/* "; did you mean 'NAME'?" or "". Caller owns. */
char *rv_hint (const char *word, const char *const *names);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (RvMistakes, rv_mistakes_free)

#endif
