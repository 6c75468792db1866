/* Composing a pipeline as its parts see it: include.c reads the files, presets.c chooses among sets of
 * names, settings.c applies -s, names.c replaces $(name), and compose.c makes axes and cells of that. All of it
 * main thread. */
#ifndef RV_COMPOSE_H
#define RV_COMPOSE_H

#include "pipeline/document.h"

/* Bounds that no honest pipeline meets, so that a broken one ends with a message and not with the memory. The
 * other bounds stand in the files that keep them. */
#ifndef RV_MOST_VALUES /* fuzzing takes less, to be quick */
#define RV_MOST_VALUES 4000000
#endif

/* NODE.PARAM=VALUE */
typedef struct
{
  const char *node; /* borrowed from the map of nodes */
  char **path;      /* the parts behind the node's name */
  RvValue *value;
} RvSetting;

/* The names of one cell and what they stand for. */
typedef struct RvScope RvScope;

static inline RvPlace
rv_key_place (const RvValue *map, guint i)
{
  return g_array_index (map->key_places, RvPlace, i);
}

/* `x:` with nothing behind it reads as empty text. */
static inline gboolean
rv_value_is_empty (const RvValue *value)
{
  return value->type == RV_VALUE_TEXT && value->text[0] == '\0';
}

/* "; did you mean '...'?" with the key of the maps nearest to `word`, or "". Maps may be NULL. */
char *rv_did_you_mean (const char *word, const RvValue *const *maps, gsize n);

/* The file with what it includes (`included`: whether it does) merged under it; NULL after a mistake that leaves it incomplete or no map. */
RvValue *rv_pipeline_read (const char *text, gsize length, const char *file, gboolean *included,
                           RvMistakes *mistakes);

/* Lays the chosen presets, and the -s of `let` names, over `let`, and replaces an axis that is $(name) by
 * what the name stands for there. `settings` may be NULL. */
void rv_presets_apply (RvValue *root, const char *const *settings, RvMistakes *mistakes);

/* Gives the names of `let` (may be NULL) their values of -s; what is wrong with one is for rv_setting_read
 * to say. */
void rv_settings_define (RvValue *let, const char *const *settings);
/* Reads one -s: changes `let` of the root or an axis of the document, or adds an RvSetting to `settings`.
 * `owners`: name -> the axis that sets it. */
void rv_setting_read (RvDocument *document, RvValue *root, const char *text, GHashTable *owners,
                      GPtrArray *settings, RvMistakes *mistakes);
/* Puts `value` (consumed), the resolved value of the setting, where the setting says, below the node's
 * map. */
void rv_setting_apply (const RvSetting *setting, RvValue *node, RvValue *value, RvMistakes *mistakes);
void rv_setting_free (gpointer setting);

/* `budget`: values that may still be made, of all cells; what is made is taken off, and a mistake leaves it
 * below 0. */
RvScope *rv_scope_new (gint64 *budget, RvMistakes *mistakes);
void rv_scope_free (RvScope *scope);
/* `name` stands for `raw`, both borrowed; a later definition replaces an earlier one. */
void rv_scope_define (RvScope *scope, const char *name, const RvValue *raw);
/* Adds the mistakes of a name that nothing may ask for. */
void rv_scope_check (RvScope *scope, const char *name, RvPlace place);
/* A new value without $(names); never NULL, broken where a name was a mistake. */
RvValue *rv_scope_resolve (RvScope *scope, const RvValue *value);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (RvScope, rv_scope_free)

#endif
