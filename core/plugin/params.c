/* From a map of a pipeline and a parameter table to a filled struct. One reader per type; defaults go through
 * the same readers, and all mistakes of an instance are found in one go. */
#include "plugin/params.h"

#include "plugin/draw.h"
#include "plugin/instance.h"
#include "plugin/registry.h"

#include <string.h>

/* One entry being read. */
typedef struct
{
  const RvPlugin *plugin;
  const RvParam *param;
  const char *name; /* of the entry, with dashes */
  const char *path; /* of the instance */
  const RvPortResolver *resolver;
  RvMistakes *mistakes;
  gboolean in_list; /* it is an item of a list that is being read */
} Entry;

static RvInstance *make (const char *kind, gboolean is_node, gboolean may_have_name, const RvValue *value,
                         const char *path, const RvPortResolver *resolver, RvValue *resolved,
                         RvMistakes *mistakes);

/* ---- messages */

static gboolean complain (const Entry *entry, const RvValue *value, const char *format, ...)
    G_GNUC_PRINTF (3, 4);

/* Whether a part of `value` is broken: then a mistake in it was reported already. */
static gboolean
holds_broken (const RvValue *value)
{
  gboolean found = value->broken;

  for (guint i = 0; i < rv_value_size (value) && !found; i++)
    found = holds_broken (value->items->pdata[i]);
  return found;
}

/* Adds "kind/name: 'entry' ..."; always FALSE. */
static gboolean
complain (const Entry *entry, const RvValue *value, const char *format, ...)
{
  g_autofree char *text = NULL;
  va_list arguments;

  if (holds_broken (value))
    return FALSE;
  va_start (arguments, format);
  text = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  rv_mistakes_add (entry->mistakes, value->place, "%s/%s: %s'%s' %s", entry->plugin->kind,
                   entry->plugin->name, entry->in_list ? "each item of " : "", entry->name, text);
  return FALSE;
}

/* "not 'value'", for the end of a message. */
static char *
not_text (const RvValue *value)
{
  g_autofree char *given = value->type == RV_VALUE_TEXT ? g_strdup (value->text) : rv_value_to_string (value);

  return given[0] != '\0' ? g_strdup_printf ("not '%.80s'", given) : g_strdup ("but is empty here");
}

/* Adds "... must be WHAT from 0 to 1 Hz, not 'value'"; always FALSE. */
static gboolean
complain_must (const Entry *entry, const RvValue *value, const char *what)
{
  g_autofree char *range = rv_param_range_text (entry->param);
  g_autofree char *given = not_text (value);

  return complain (entry, value, "must be %s%s%s, %s", what, range[0] != '\0' ? " " : "", range, given);
}

static gboolean
complain_choice (const Entry *entry, const RvValue *value, const char *const *choices)
{
  g_autofree char *list = g_strjoinv (", ", (char **)choices);
  g_autofree char *given = not_text (value);
  g_autofree char *hint = rv_hint (value->type == RV_VALUE_TEXT ? value->text : "", choices);

  return complain (entry, value, "must be one of %s, %s%s", list, given, hint);
}

/* ---- scalars */

static gboolean
in_range (const RvParam *param, double x)
{
  return x >= param->minimum && x <= param->maximum;
}

static gboolean
read_bool (const Entry *entry, const RvValue *value, gboolean *field)
{
  static const char *const words[] = { "no", "yes", "false", "true", "off", "on", NULL };

  if (value->type == RV_VALUE_TEXT)
    for (int k = 0; words[k] != NULL; k++)
      if (g_str_equal (value->text, words[k]))
        {
          *field = k % 2;
          return TRUE;
        }
  return complain_must (entry, value, "yes or no");
}

static gboolean
read_int (const Entry *entry, const RvValue *value, int64_t *field)
{
  if (value->type != RV_VALUE_TEXT || !rv_int_parse (value->text, field)
      || !in_range (entry->param, (double)*field))
    return complain_must (entry, value, "an integer");
  return TRUE;
}

/* Infinity passes only where the table's own range ends there. */
static gboolean
read_real (const Entry *entry, const RvValue *value, double *field)
{
  if (value->type != RV_VALUE_TEXT || !rv_real_parse (value->text, field) || !in_range (entry->param, *field))
    return complain_must (entry, value, "a real number");
  return TRUE;
}

static gboolean
read_duration (const Entry *entry, const RvValue *value, double *field)
{
  if (value->type != RV_VALUE_TEXT || !rv_duration_parse (value->text, field)
      || !in_range (entry->param, *field))
    return complain_must (entry, value, "a duration with its unit ('3 ms', '250 us', '1 s')");
  return TRUE;
}

static gboolean
read_choice (const Entry *entry, const RvValue *value, int *field)
{
  if (value->type == RV_VALUE_TEXT)
    for (int k = 0; entry->param->choices[k] != NULL; k++)
      if (g_str_equal (value->text, entry->param->choices[k]))
        {
          *field = k;
          return TRUE;
        }
  return complain_choice (entry, value, entry->param->choices);
}

/* A path is relative to the file in which it was written; one from the command line (no line) to where we
 * are. */
static gboolean
read_text (const Entry *entry, const RvValue *value, char **field)
{
  g_autofree char *folder = NULL;

  if (value->type != RV_VALUE_TEXT)
    return complain_must (entry, value, "a text");
  if (entry->param->type == RV_PARAM_PATH && value->place.file != NULL && value->place.line > 0
      && value->text[0] != '\0' && !g_path_is_absolute (value->text))
    folder = g_path_get_dirname (value->place.file);
  if (folder != NULL && !g_str_equal (folder, "."))
    *field = g_build_filename (folder, value->text, NULL);
  else
    *field = g_strdup (value->text);
  return TRUE;
}

/* ---- lists */

/* The items of a list, owned; a lone text is a list of one, and the default "1, 2" of two. */
static RvValue *
as_list (const RvValue *value, gboolean is_default)
{
  RvValue *list = rv_value_list (value->place);
  g_autofree char *inner = NULL;
  g_auto (GStrv) parts = NULL;
  gsize length;

  for (guint i = 0; i < rv_value_size (value); i++)
    rv_value_append (list, rv_value_copy (value->items->pdata[i]));
  if (value->type != RV_VALUE_TEXT)
    return list;
  if (!is_default)
    {
      rv_value_append (list, rv_value_copy (value));
      return list;
    }
  inner = g_strstrip (g_strdup (value->text));
  length = strlen (inner);
  if (length >= 2 && inner[0] == '[' && inner[length - 1] == ']')
    {
      inner[length - 1] = '\0';
      inner[0] = ' ';
      g_strstrip (inner);
    }
  parts = g_strsplit (inner, ",", -1); /* of "": none */
  for (char **part = parts; *part != NULL; part++)
    rv_value_append (list, rv_value_text (g_strstrip (*part), value->place));
  return list;
}

/* `field` is an RvInts, RvReals or char **; the struct owns what was read, even if a mistake follows. Of a default
 * `resolved` is the list, since its text would be read as one item the next time. */
static gboolean
read_list (const Entry *entry, const RvValue *value, void *field, gboolean is_default, RvValue **resolved)
{
  g_autoptr (RvValue) list = as_list (value, is_default);
  const uint32_t n = rv_value_size (list);
  Entry each = *entry;
  uint32_t used = 0;
  gboolean good = TRUE;

  if (value->type == RV_VALUE_MAP)
    {
      g_autofree char *type = rv_param_type_text (entry->param);

      return complain (entry, value, "must be a %s, not a map", type);
    }
  each.in_list = TRUE;
  if (entry->param->type == RV_PARAM_TEXTS)
    *(char ***)field = g_new0 (char *, n + 1);
  else if (entry->param->type == RV_PARAM_INTS)
    *(RvInts *)field = (RvInts){ n, g_new0 (int64_t, n) };
  else
    *(RvReals *)field = (RvReals){ n, g_new0 (double, n) };
  for (uint32_t i = 0; i < n; i++)
    {
      const RvValue *item = list->items->pdata[i];

      if (entry->param->type == RV_PARAM_TEXTS && (item->type != RV_VALUE_TEXT || item->broken))
        good = complain_must (&each, item, "a text");
      else if (entry->param->type == RV_PARAM_TEXTS)
        (*(char ***)field)[used++] = g_strdup (item->text); /* no gap, where g_strfreev would stop */
      else if (entry->param->type == RV_PARAM_INTS)
        good &= read_int (&each, item, &((RvInts *)field)->items[i]);
      else
        good &= read_real (&each, item, &((RvReals *)field)->items[i]);
    }
  if (is_default)
    *resolved = g_steal_pointer (&list);
  return good;
}

/* The numbers of `value` into `field` from place `*used` on; `outer`: the name of the entry that it is, or NULL. */
static gboolean
read_map_entries (const Entry *entry, const RvValue *value, const char *outer, RvRealMap *field, uint32_t *used)
{
  const gboolean nested = !outer && (entry->param->flags & RV_PARAM_NESTED) != 0;
  gboolean good = TRUE;

  for (uint32_t i = 0; i < rv_value_size (value); i++)
    {
      const RvValue *item = value->items->pdata[i];
      const char *key = value->keys->pdata[i];

      if (nested && item->type == RV_VALUE_MAP)
        {
          good &= read_map_entries (entry, item, key, field, used);
          continue;
        }
      char *name = field->names[*used] = outer ? g_strconcat (outer, "/", key, NULL) : g_strdup (key);
      if (item->type != RV_VALUE_TEXT || !rv_real_parse (item->text, &field->values[*used])
          || !isfinite (field->values[*used]))
        good = complain (entry, item, "needs a number for '%s'", name);
      ++*used;
    }
  return good;
}

static gboolean
read_real_map (const Entry *entry, const RvValue *value, RvRealMap *field)
{
  uint32_t n = rv_value_size (value);
  field->n = 0;

  if (value->type != RV_VALUE_MAP)
    return complain_must (entry, value, "a map of names to numbers, {a: 1, b: 2}");
  for (uint32_t i = 0; i < rv_value_size (value); i++)
    n += rv_value_size (value->items->pdata[i]);
  field->names = g_new0 (char *, n);
  field->values = g_new0 (double, n);
  return read_map_entries (entry, value, NULL, field, &field->n);
}

/* ---- trainables */

/* Where a learned number may start. The engine takes the inverse sigmoid of what must stay within (0, 1), so
 * that a draw that can lie outside is refused here. */
static gboolean
check_initial (const Entry *entry, const RvValue *value, const RvDraw *draw)
{
  const double ends[2] = { draw->a, draw->type == RV_DRAW_UNIFORM ? draw->b : draw->a };
  const gboolean inner = (entry->param->flags & RV_PARAM_UNIT_INTERVAL) != 0 && !draw->sigmoid;

  if (inner && draw->type == RV_DRAW_NORMAL)
    return complain (entry, value, "is learned within (0, 1): write sigmoid(normal(...)), which stays there");
  /* A uniform draw never meets its ends. */
  if (inner && (ends[0] < 0.0 || ends[1] > 1.0 || ends[1] <= 0.0 || ends[0] >= 1.0))
    return complain (entry, value, "is learned within (0, 1), so that it must start between, not at '%.80s'",
                     value->type == RV_VALUE_TEXT ? value->text : "");
  for (int k = 0; k < 2; k++)
    {
      const double x = draw->sigmoid ? 1.0 / (1.0 + exp (-ends[k])) : ends[k];

      if (!in_range (entry->param, x))
        return complain_must (entry, value, "learned from a start");
    }
  return TRUE;
}

static gboolean
read_initial (const Entry *entry, const RvValue *value, RvDraw *draw)
{
  g_autoptr (GError) error = NULL;

  if (value->type != RV_VALUE_TEXT)
    return complain (entry, value, "starts from a number or a draw, not from a list or map");
  if (!rv_draw_parse (value->text, draw, &error))
    return complain (entry, value, "starts from %s", error->message);
  return check_initial (entry, value, draw);
}

/* {learned: per-neuron | shared, initial: ..., rate: ...}; `resolved` gets the same with its defaults. */
static gboolean
read_learned (const Entry *entry, const RvValue *map, RvTrainable *field, RvValue *resolved)
{
  static const char *const keys[] = { "learned", "initial", "rate", NULL };
  static const char *const modes[] = { "per-neuron", "shared", NULL };
  const RvValue *mode = rv_value_get (map, "learned"), *rate = rv_value_get (map, "rate");
  g_autoptr (RvValue) initial = rv_value_copy (rv_value_get (map, "initial"));
  gboolean good = TRUE;

  for (guint i = 0; i < map->keys->len; i++)
    if (!g_strv_contains (keys, map->keys->pdata[i]))
      {
        const char *key = map->keys->pdata[i];
        RvValue at = { .place = g_array_index (map->key_places, RvPlace, i) };
        g_autofree char *hint = rv_hint (key, keys);

        good = complain (entry, &at, "knows learned, initial and rate, not '%s'%s", key, hint);
      }
  if (mode == NULL)
    return good && complain (entry, map, "as a map needs 'learned' (per-neuron or shared)");
  if (mode->type == RV_VALUE_TEXT && g_str_equal (mode->text, modes[0]))
    field->mode = RV_TRAIN_PER_NEURON;
  else if (mode->type == RV_VALUE_TEXT && g_str_equal (mode->text, modes[1]))
    field->mode = RV_TRAIN_SHARED;
  else
    good = complain_choice (entry, mode, modes);
  if (initial == NULL && entry->param->default_value == NULL)
    return complain (entry, map, "has no default to start from: give 'initial'");
  if (initial == NULL)
    initial = rv_value_text (entry->param->default_value, map->place);
  good &= read_initial (entry, initial, &field->initial);
  if (rate != NULL
      && (rate->type != RV_VALUE_TEXT || !rv_real_parse (rate->text, &field->rate) || !isfinite (field->rate)
          || field->rate < 0.0))
    good = complain (entry, rate, "needs a rate of at least 0 (0: the optimizer's)");
  rv_value_set (resolved, "learned", mode->place, rv_value_copy (mode));
  const RvPlace initial_place = initial->place;
  rv_value_set (resolved, "initial", initial_place, g_steal_pointer (&initial));
  if (rate != NULL)
    rv_value_set (resolved, "rate", rate->place, rv_value_copy (rate));
  return good;
}

static gboolean
read_trainable (const Entry *entry, const RvValue *value, RvTrainable *field, RvValue **resolved)
{
  const char *what = "a number, 'learned' or {learned: per-neuron or shared, initial: ..., rate: ...},";
  g_autoptr (RvValue) map = NULL;

  field->unit_interval = (entry->param->flags & RV_PARAM_UNIT_INTERVAL) != 0;
  if (value->type == RV_VALUE_LIST)
    return complain_must (entry, value, what);
  if (value->type == RV_VALUE_MAP || g_str_equal (value->text, "learned"))
    {
      map = value->type == RV_VALUE_MAP ? rv_value_copy (value) : rv_value_map (value->place);
      if (value->type == RV_VALUE_TEXT)
        rv_value_set (map, "learned", value->place, rv_value_text ("per-neuron", value->place));
      *resolved = rv_value_map (value->place);
      return read_learned (entry, map, field, *resolved);
    }
  field->mode = RV_TRAIN_FIXED;
  field->initial.type = RV_DRAW_CONSTANT;
  if (!rv_real_parse (value->text, &field->initial.a) || !in_range (entry->param, field->initial.a))
    return complain_must (entry, value, what);
  return TRUE;
}

/* ---- slots and ports */

static char *
join_path (const char *path, const char *name)
{
  return path[0] != '\0' ? g_strconcat (path, ".", name, NULL) : g_strdup (name);
}

static gboolean
read_slot (const Entry *entry, const RvValue *value, RvInstance **field, RvValue **resolved)
{
  g_autofree char *path = join_path (entry->path, entry->name);

  *resolved = rv_value_map (value->place);
  *field = make (entry->param->slot, FALSE, FALSE, value, path, entry->resolver, *resolved, entry->mistakes);
  return *field != NULL;
}

static gboolean
read_slots (const Entry *entry, const RvValue *value, RvInstances *field, RvValue **resolved)
{
  const uint32_t n = rv_value_size (value);
  gboolean good = TRUE;

  if (value->type != RV_VALUE_LIST || n == 0)
    return complain (entry, value, "must be a list of at least one plugin of kind %s", entry->param->slot);
  *resolved = rv_value_list (value->place);
  *field = (RvInstances){ n, g_new0 (RvInstance *, n) };
  for (uint32_t i = 0; i < n; i++)
    {
      const RvValue *item = value->items->pdata[i];
      g_autofree char *name = g_strdup_printf ("%s.%u", entry->name, i);
      g_autofree char *path = join_path (entry->path, name);
      RvValue *map = rv_value_map (item->place);

      rv_value_append (*resolved, map);
      field->items[i]
          = make (entry->param->slot, FALSE, TRUE, item, path, entry->resolver, map, entry->mistakes);
      good &= field->items[i] != NULL;
    }
  return good;
}

static gboolean
wire (const Entry *entry, const RvValue *value, RvPort *port)
{
  if (value->broken)
    return FALSE;
  if (value->type != RV_VALUE_TEXT || value->text[0] == '\0')
    return complain (entry, value, "is a port: it takes the name of a node, or node.output");
  if (entry->resolver == NULL)
    return complain (entry, value, "is a port, and there is no graph here to wire it to");
  return entry->resolver->port (entry->resolver->self, entry->param, value, port, entry->mistakes);
}

static gboolean
read_ports (const Entry *entry, const RvValue *value, RvPorts *field)
{
  g_autoptr (RvValue) list = as_list (value, FALSE);
  const uint32_t n = rv_value_size (list);
  gboolean good = TRUE;

  if (value->type == RV_VALUE_MAP || n == 0)
    return complain (entry, value, "takes the name of a node, node.output, or a list of these");
  *field = (RvPorts){ n, g_new0 (RvPort, n) };
  for (uint32_t i = 0; i < n; i++)
    good &= wire (entry, list->items->pdata[i], &field->items[i]);
  return good;
}

/* ---- whole structs */

/* `resolved` is set where the record says more than the value. */
static gboolean
read_entry (const Entry *entry, const RvValue *value, void *field, gboolean is_default, RvValue **resolved)
{
  if (value->broken)
    return FALSE;
  switch (entry->param->type)
    {
    case RV_PARAM_BOOL:
      return read_bool (entry, value, field);
    case RV_PARAM_INT:
      return read_int (entry, value, field);
    case RV_PARAM_REAL:
      return read_real (entry, value, field);
    case RV_PARAM_CHOICE:
      return read_choice (entry, value, field);
    case RV_PARAM_TEXT:
    case RV_PARAM_PATH:
      return read_text (entry, value, field);
    case RV_PARAM_DURATION:
      return read_duration (entry, value, field);
    case RV_PARAM_INTS:
    case RV_PARAM_REALS:
    case RV_PARAM_TEXTS:
      return read_list (entry, value, field, is_default, resolved);
    case RV_PARAM_REAL_MAP:
      return read_real_map (entry, value, field);
    case RV_PARAM_TRAINABLE:
      return read_trainable (entry, value, field, resolved);
    case RV_PARAM_SLOT:
      return read_slot (entry, value, field, resolved);
    case RV_PARAM_SLOTS:
      return read_slots (entry, value, field, resolved);
    case RV_PARAM_PORT:
      return wire (entry, value, field);
    case RV_PARAM_PORTS:
      return read_ports (entry, value, field);
    }
  return FALSE;
}

static gboolean
fill_entry (const Entry *entry, const RvValue *map, void *self, RvValue *resolved)
{
  const RvParam *param = entry->param;
  const RvValue *given = rv_value_get (map, entry->name);
  g_autoptr (RvValue) value = rv_value_copy (given), record = NULL;
  g_autofree char *origin = NULL, *type = NULL;
  gboolean good;

  if (value == NULL && (param->flags & RV_PARAM_REQUIRED) != 0)
    {
      type = rv_param_type_text (param);
      rv_mistakes_add (entry->mistakes, map->place, "%s/%s needs '%s' (%s, %s)", entry->plugin->kind,
                       entry->plugin->name, entry->name, type, param->doc);
      return FALSE;
    }
  if (value == NULL && param->default_value == NULL)
    return TRUE;
  if (value == NULL)
    {
      /* A bad default is the plugin's mistake, and no place in the pipeline is to blame. */
      origin = g_strdup_printf ("default of %s/%s", entry->plugin->kind, entry->plugin->name);
      value = rv_value_text (param->default_value, (RvPlace){ g_intern_string (origin), 0, 0 });
    }
  good = read_entry (entry, value, (char *)self + param->offset, given == NULL, &record);
  if (resolved != NULL && record == NULL)
    record = g_steal_pointer (&value);
  if (resolved != NULL)
    {
      const RvPlace place = record->place;

      rv_value_set (resolved, entry->name, place, g_steal_pointer (&record));
    }
  return good;
}

static gboolean
refuse_unknown (const RvPlugin *plugin, const RvValue *map, gboolean may_have_name, RvMistakes *mistakes)
{
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);
  gboolean good = TRUE;

  for (const RvParam *param = plugin->params; param != NULL && param->name != NULL; param++)
    g_ptr_array_add (names, rv_param_name (param));
  g_ptr_array_add (names, NULL);
  for (guint i = 0; i < map->keys->len; i++)
    {
      g_autofree char *hint = NULL;
      const char *key = map->keys->pdata[i];
      const RvPlace place = g_array_index (map->key_places, RvPlace, i);

      if (g_str_equal (key, "use") || (may_have_name && g_str_equal (key, "name"))
          || g_strv_contains ((const char *const *)names->pdata, key))
        continue;
      good = FALSE;
      hint = rv_hint (key, (const char *const *)names->pdata);
      rv_mistakes_add (mistakes, place, "%s/%s has no parameter '%s'%s (ranvier inspect %s/%s)", plugin->kind,
                       plugin->name, key, hint, plugin->kind, plugin->name);
    }
  return good;
}

static RvInstance *
fill (const RvPlugin *plugin, gboolean may_have_name, const RvValue *value, const char *path,
      const RvPortResolver *resolver, RvValue *resolved, RvMistakes *mistakes)
{
  g_autoptr (RvValue) map = value->type == RV_VALUE_MAP ? rv_value_copy (value) : rv_value_map (value->place);
  g_autoptr (RvInstance) owned = rv_instance_blank (plugin, path);
  g_autoptr (GError) error = NULL;
  gboolean good = refuse_unknown (plugin, map, may_have_name, mistakes);

  for (const RvParam *param = plugin->params; param != NULL && param->name != NULL; param++)
    {
      g_autofree char *name = rv_param_name (param);
      const Entry entry = { plugin, param, name, path, resolver, mistakes, FALSE };

      good &= fill_entry (&entry, map, owned->self, resolved);
    }
  if (!good)
    return NULL;
  rv_instance_begin (owned, resolved);
  if (plugin->init != NULL && !plugin->init (owned->self, &error))
    {
      rv_mistakes_add (mistakes, value->place, "%s/%s: %s", plugin->kind, plugin->name,
                       error != NULL ? error->message : "can not be set up with these parameters");
      return NULL;
    }
  return g_steal_pointer (&owned);
}

RvInstance *
rv_instance_fill (const RvPlugin *plugin, const RvValue *value, const char *path,
                  const RvPortResolver *resolver, RvValue *resolved, RvMistakes *mistakes)
{
  return fill (plugin, FALSE, value, path, resolver, resolved, mistakes);
}

/* A node's `use` without its kind: names a kind that has such a plugin, if any. */
static void
refuse_bare (const RvValue *use, RvMistakes *mistakes)
{
  for (const char *const *kind = rv_registry_kinds (); *kind != NULL; kind++)
    {
      g_auto (GStrv) names = rv_kind_is_node (*kind) ? rv_registry_names (*kind) : NULL;

      if (names == NULL || !g_strv_contains ((const char *const *)names, use->text))
        continue;
      rv_mistakes_add (mistakes, use->place, "a node is KIND/NAME; did you mean '%s/%s'?", *kind, use->text);
      return;
    }
  rv_mistakes_add (mistakes, use->place, "a node is KIND/NAME, 'dataset/mnist' for instance, not '%s'",
                   use->text);
}

/* Splits `use` into kind and name; FALSE after adding a mistake. */
static gboolean
split_use (const RvValue *use, const char *kind, gboolean is_node, char **its_kind, char **its_name,
           RvMistakes *mistakes)
{
  const char *slash = strchr (use->text, '/');

  *its_kind = slash != NULL ? g_strndup (use->text, slash - use->text) : g_strdup (is_node ? "" : kind);
  *its_name = g_strdup (slash != NULL ? slash + 1 : use->text);
  if (is_node && slash == NULL)
    refuse_bare (use, mistakes);
  else if (is_node && g_strv_contains (rv_registry_kinds (), *its_kind) && !rv_kind_is_node (*its_kind))
    rv_mistakes_add (mistakes, use->place, "'%s' is no node: a %s stands in a slot of another plugin",
                     use->text, *its_kind);
  else if (!is_node && !g_str_equal (*its_kind, kind))
    rv_mistakes_add (mistakes, use->place, "a %s is needed here, not '%s'", kind, use->text);
  else
    return TRUE;
  return FALSE;
}

/* A value without the name of its plugin, or with something like `uses:` in place of `use:`. */
static void
refuse_useless (const char *kind, const RvValue *value, const char *path, RvMistakes *mistakes)
{
  g_autofree char *a = kind != NULL ? g_strdup_printf ("'use: NAME', a plugin of kind %s", kind)
                                    : g_strdup ("'use: KIND/NAME'");
  const char *const use[] = { "use", NULL };
  g_autofree char *hint = NULL;

  for (guint i = 0; value->type == RV_VALUE_MAP && i < value->keys->len && hint == NULL; i++)
    if (rv_nearest (value->keys->pdata[i], use) != NULL)
      hint = g_strdup_printf ("; '%s' is not that", (const char *)value->keys->pdata[i]);
  rv_mistakes_add (mistakes, value->place, "%s needs %s%s", kind != NULL ? path : "a node", a,
                   hint != NULL ? hint : "");
}

static RvInstance *
make (const char *kind, gboolean is_node, gboolean may_have_name, const RvValue *value, const char *path,
      const RvPortResolver *resolver, RvValue *resolved, RvMistakes *mistakes)
{
  const RvValue *use = value->type == RV_VALUE_TEXT ? value : rv_value_get (value, "use");
  g_autofree char *its_kind = NULL, *its_name = NULL;
  g_autoptr (GError) error = NULL;
  const RvPlugin *plugin;

  if (value->broken || (use != NULL && use->broken))
    return NULL;
  if (use == NULL || use->type != RV_VALUE_TEXT || use->text[0] == '\0')
    {
      refuse_useless (is_node ? NULL : kind, value, path, mistakes);
      return NULL;
    }
  if (!split_use (use, kind, is_node, &its_kind, &its_name, mistakes))
    return NULL;
  plugin = rv_registry_get (its_kind, its_name, &error);
  if (plugin == NULL)
    {
      rv_mistakes_add (mistakes, use->place, "%s", error->message);
      mistakes->plugin_unusable |= g_error_matches (error, RV_ERROR, RV_ERROR_PLUGIN);
      return NULL;
    }
  if (resolved != NULL)
    rv_value_set (resolved, "use", use->place, rv_value_text (is_node ? use->text : its_name, use->place));
  return fill (plugin, may_have_name, value, path, resolver, resolved, mistakes);
}

RvInstance *
rv_instance_new (const char *kind, gboolean is_node, const RvValue *value, const char *path,
                 const RvPortResolver *resolver, RvValue *resolved, RvMistakes *mistakes)
{
  return make (kind, is_node, FALSE, value, path, resolver, resolved, mistakes);
}
