/* Parameters for trials: every combination of yes/no and choices, numbers somewhere within their ranges, and
 * the judge of the table itself. */
#include "cli/check/check.h"
#include "pipeline/document.h"
#include "plugin/draw.h"
#include "plugin/module.h"
#include "plugin/registry.h"

#include <math.h>
#include <string.h>

#define COMBINATIONS 48u

static const RvPlace nowhere;

float
rv_check_noise (uint64_t key, uint64_t k)
{
  return 2.0f * rv_stream_uniform (rv_stream_new (key, "", "check", NULL), k) - 1.0f;
}

static gboolean
default_number (const RvParam *p, double *x)
{
  return p->default_value != NULL
         && (p->type == RV_PARAM_DURATION ? rv_duration_parse (p->default_value, x)
                                          : rv_real_parse (p->default_value, x));
}

/* Narrow ranges are gone through but for their ends; wide ones up to three times the default. */
double
rv_check_number (const RvParam *p, double u)
{
  const double low = p->minimum, high = p->maximum;
  double x = 8.0;
  if (high - low <= 10.0)
    return low + (high - low) * (0.1 + 0.8 * u);
  default_number (p, &x);
  if (x == 0.0)
    return CLAMP (p->type == RV_PARAM_INT ? 4.0 * u : u, low, high);
  return CLAMP (x * pow (3.0, 2.0 * u - 1.0), low, high);
}

static uint32_t
choices_of (const RvParam *p)
{
  return p->type == RV_PARAM_BOOL ? 2 : p->type == RV_PARAM_CHOICE ? g_strv_length ((char **)p->choices) : 1;
}

guint
rv_check_trials (const RvCheck *check, guint least, guint most)
{
  guint n = 1;
  for (const RvParam *p = check->plugin->params; p != NULL && p->name != NULL; p++)
    n = MIN (n * choices_of (p), COMBINATIONS);
  return CLAMP (n, least, MAX (least, most));
}

/* The default first, so that trial 0 has all of them. */
static const char *
choice (const RvParam *p, guint *rest)
{
  static const char *const words[] = { "no", "yes", NULL };
  const char *const *choices = p->type == RV_PARAM_BOOL ? words : p->choices;
  const uint32_t n = choices_of (p);
  uint32_t k = *rest % n;
  *rest /= n;
  for (uint32_t d = 0; p->default_value != NULL && d < n; d++)
    if (strcmp (choices[d], p->default_value) == 0)
      k = (k + d) % n;
  return choices[k];
}

/* A report's texts that name axes and columns: what the tables of the checker have. */
static RvValue *
name_for (const RvParam *p)
{
  static const char *const names[][2] = { { "over", "variant" },
                                          { "rows", "variant" },
                                          { "column", "accuracy" },
                                          { "x", "epoch" },
                                          { "y", "accuracy" } };
  for (guint k = 0; k < G_N_ELEMENTS (names); k++)
    if (strcmp (p->name, names[k][0]) == 0)
      {
        RvValue *list = rv_value_list (nowhere);
        rv_value_append (list, rv_value_text (names[k][1], nowhere));
        if (k == 0)
          rv_value_append (list, rv_value_text ("seed", nowhere));
        if (p->type == RV_PARAM_TEXTS)
          return list;
        rv_value_free (list);
        return rv_value_text (names[k][1], nowhere);
      }
  return NULL;
}

static int
compare_names (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *)a, *(const char *const *)b);
}

char **
rv_check_installed (const char *kind)
{
  g_autoptr (GPtrArray) folders = rv_registry_folders ();
  g_autoptr (GStrvBuilder) all = g_strv_builder_new ();
  for (guint k = folders->len; k-- > 0;) /* the program's own is the last */
    {
      const RvPluginFolder *folder = folders->pdata[k];
      g_autoptr (GDir) dir
          = strcmp (folder->origin, "--plugin-path") != 0 ? g_dir_open (folder->path, 0, NULL) : NULL;
      g_autoptr (GPtrArray) files = g_ptr_array_new_with_free_func (g_free);
      for (const char *file; dir != NULL && (file = g_dir_read_name (dir)) != NULL;)
        {
          g_autofree char *its_kind = NULL, *name = NULL;
          if (rv_module_split (file, &its_kind, &name) && strcmp (its_kind, kind) == 0)
            g_ptr_array_add (files, g_build_filename (folder->path, file, NULL));
        }
      g_ptr_array_sort (files, compare_names);
      g_ptr_array_add (files, NULL);
      g_strv_builder_addv (all, (const char **)files->pdata);
    }
  return g_strv_builder_end (all);
}

gboolean
rv_check_declares (const RvPlugin *plugin)
{
  return strcmp (plugin->kind, "layer") == 0 && ((const RvLayerClass *)plugin->functions)->declare != NULL;
}

RvValue *
rv_check_some (const char *kind, const char *size, uint32_t n, gboolean recurrent, const RvPlugin **found)
{
  const gboolean on_grid = g_strcmp0 (size, "units") != 0;
  g_auto (GStrv) files = rv_check_installed (kind);
  for (char **file = files; *file != NULL; file++)
    {
      g_autofree char *why = NULL, *number = g_strdup_printf ("%u", n);
      const RvPlugin *plugin = rv_module_open (*file, NULL, &why);
      g_autoptr (RvValue) map = rv_value_map (nowhere);
      gboolean needs_more = FALSE;
      if (plugin == NULL || (strcmp (kind, "layer") == 0 && rv_check_declares (plugin) != on_grid))
        continue;
      rv_value_set (map, "use", nowhere, rv_value_text (plugin->name, nowhere));
      for (const RvParam *p = plugin->params; p != NULL && p->name != NULL; p++)
        if (g_strcmp0 (p->name, size) == 0)
          rv_value_set (map, size, nowhere, rv_value_text (number, nowhere));
        else if (strcmp (p->name, "kernel") == 0 && size != NULL) /* keeps the height and width */
          rv_value_set (map, "kernel", nowhere, rv_value_text ("1", nowhere));
        else if (strcmp (p->name, "recurrent") == 0)
          rv_value_set (map, "recurrent", nowhere, rv_value_text (recurrent ? "yes" : "no", nowhere));
        else if ((p->flags & RV_PARAM_REQUIRED) != 0)
          needs_more = TRUE;
      if (needs_more || (size != NULL && rv_value_get (map, size) == NULL))
        continue;
      *found = plugin;
      return g_steal_pointer (&map);
    }
  return NULL;
}

/* For a slot that has no default; of layers two, the last with a unit for each class. A layer on a grid takes two
 * that keep the shape of the checker's data, one with weights and one that needs nothing. */
static RvValue *
fill_slot (const RvCheck *check, const RvParam *p)
{
  const gboolean is_layer = strcmp (p->slot, "layer") == 0, on_grid = rv_check_declares (check->plugin);
  const char *size = !is_layer ? NULL : on_grid ? "channels" : "units";
  const uint32_t n = on_grid ? RV_CHECK_CHANNELS : 7;
  const RvPlugin *plugins[2] = { NULL, NULL };
  if (p->type == RV_PARAM_SLOT)
    return rv_check_some (p->slot, size, n, FALSE, &plugins[0]);
  RvValue *list = rv_value_list (nowhere);
  RvValue *items[] = { rv_check_some (p->slot, size, n, FALSE, &plugins[0]),
                       rv_check_some (p->slot, on_grid ? NULL : size, 3, FALSE, &plugins[1]) };
  for (guint k = 0; k < G_N_ELEMENTS (items); k++)
    if (items[k] != NULL)
      {
        for (const RvParam *own = plugins[k]->params; own->name != NULL; own++)
          if (strcmp (own->name, "weight_scale") == 0) /* a network that is silent learns nothing */
            rv_value_set (items[k], "weight-scale", nowhere, rv_value_text ("4", nowhere));
        rv_value_append (list, items[k]);
      }
  return list;
}

static char *
number_text (const RvParam *p, double u)
{
  const double x = rv_check_number (p, u);
  if (p->type == RV_PARAM_INT || p->type == RV_PARAM_INTS)
    return g_strdup_printf ("%.0f", rint (x));
  return g_strdup_printf (p->type == RV_PARAM_DURATION ? "%.6g s" : "%.6g", x);
}

/* The value of an entry in a trial; NULL leaves it to its default. `rest` is what is left of the number of
 * the combination of choices. */
static RvValue *
sample (const RvCheck *check, const RvParam *p, guint trial, guint *rest)
{
  const gboolean required = (p->flags & RV_PARAM_REQUIRED) != 0, odd = trial % 2 == 1;
  const double u = 0.5 + 0.5 * rv_check_noise (trial, p->offset);
  g_autofree char *number = NULL;
  RvValue *value;
  double x = 0.0;
  switch (p->type)
    {
    case RV_PARAM_BOOL:
    case RV_PARAM_CHOICE:
      return rv_value_text (choice (p, rest), nowhere);
    case RV_PARAM_TRAINABLE:
      if (trial == 0 && p->default_value != NULL)
        return NULL;
      number = number_text (p, u);
      value = rv_value_map (nowhere);
      rv_value_set (value, "learned", nowhere, rv_value_text (odd ? "per-neuron" : "shared", nowhere));
      rv_value_set (value, "initial", nowhere, rv_value_text (number, nowhere));
      return value;
    case RV_PARAM_INT:
    case RV_PARAM_REAL:
    case RV_PARAM_DURATION:
      if (!required && (trial == 0 || !default_number (p, &x) || !isfinite (x)))
        return NULL;
      number = number_text (p, u);
      return rv_value_text (number, nowhere);
    case RV_PARAM_INTS:
    case RV_PARAM_REALS:
      number = number_text (p, u);
      return required ? rv_value_text (number, nowhere) : NULL;
    case RV_PARAM_TEXT:
    case RV_PARAM_TEXTS:
      value = strcmp (check->plugin->kind, "report") == 0 ? name_for (p) : NULL;
      return value != NULL || !required ? value : rv_value_text ("text", nowhere);
    case RV_PARAM_PATH:
      return required ? rv_value_text (check->scratch, nowhere) : NULL;
    case RV_PARAM_SLOT:
    case RV_PARAM_SLOTS:
      return required || (odd && p->default_value == NULL) ? fill_slot (check, p) : NULL;
    case RV_PARAM_PORT:
      return required || odd ? rv_value_text (p->name, nowhere) : NULL;
    case RV_PARAM_PORTS:
      value = rv_value_list (nowhere);
      for (int k = 0; k < 4; k++)
        rv_value_append (value, rv_value_text (p->name, nowhere));
      return value;
    case RV_PARAM_REAL_MAP:
      break;
    }
  return NULL;
}

/* NAME=VALUE, the value in YAML. */
static gboolean
apply_setting (RvCheck *check, RvValue *map, const char *setting, RvMistakes *mistakes)
{
  const char *equals = strchr (setting, '=');
  g_autofree char *name = equals != NULL ? g_strndup (setting, (gsize)(equals - setting)) : NULL;
  RvValue *value = name != NULL ? rv_yaml_parse (equals + 1, strlen (equals + 1), "-s", mistakes) : NULL;
  if (value == NULL)
    return FALSE;
  rv_value_set (map, name, nowhere, value);
  return TRUE;
}

/* As one would give it to -s again; ports are left out. */
static void
remember (const RvPlugin *plugin, const RvValue *map)
{
  g_autoptr (GString) text = g_string_new (NULL);
  for (const RvParam *p = plugin->params; p != NULL && p->name != NULL; p++)
    {
      g_autofree char *name = rv_param_name (p);
      const RvValue *value = rv_value_get (map, name);
      g_autofree char *given = value != NULL ? rv_value_to_string (value) : NULL;
      g_autofree char *quoted = given != NULL ? g_shell_quote (given) : NULL;
      if (given != NULL && p->type != RV_PARAM_PORT && p->type != RV_PARAM_PORTS)
        g_string_append_printf (text, "%s-s %s=%s", text->len > 0 ? " " : "", name,
                                value->type == RV_VALUE_TEXT && strchr (given, ' ') == NULL ? given : quoted);
    }
  rv_check_with (text->str);
}

RvInstance *
rv_check_instance (RvCheck *check, guint trial, const RvPortResolver *resolver, RvValue *resolved)
{
  g_autoptr (RvValue) map = rv_value_map (nowhere);
  g_autoptr (RvMistakes) mistakes = rv_mistakes_new ();
  RvInstance *instance = NULL;
  guint rest = trial;
  for (const RvParam *p = check->plugin->params; p != NULL && p->name != NULL; p++)
    {
      g_autofree char *name = rv_param_name (p);
      RvValue *value = sample (check, p, trial, &rest);
      if (value != NULL)
        rv_value_set (map, name, nowhere, value);
    }
  for (char **setting = check->settings; setting != NULL && *setting != NULL; setting++)
    if (!apply_setting (check, map, *setting, mistakes))
      rv_mistakes_add (mistakes, nowhere, "'%s' is not NAME=VALUE", *setting);
  remember (check->plugin, map);
  if (mistakes->messages->len == 0)
    instance = rv_instance_fill (check->plugin, map, "check", resolver, resolved, mistakes);
  g_string_truncate (check->said, 0);
  for (guint k = 0; k < mistakes->messages->len; k++)
    g_string_append_printf (check->said, "%s%s", k > 0 ? "\n" : "",
                            (const char *)mistakes->messages->pdata[k]);
  return instance;
}
