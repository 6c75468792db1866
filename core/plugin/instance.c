/* The life of an instance: made empty, shared by references, and at the end everything freed that its parameter
 * table filled. */
#include "plugin/instance.h"

#include "plugin/params.h"

typedef struct
{
  RvInstance public; /* first: what everybody else sees */
  gatomicrefcount references;
  gboolean begun;    /* init was called, so clear must be */
  RvValue *resolved; /* every parameter as text: enough to make the instance again; or NULL */
} Instance;

RvInstance *
rv_instance_blank (const RvPlugin *plugin, const char *path)
{
  Instance *instance = g_new0 (Instance, 1);

  g_atomic_ref_count_init (&instance->references);
  instance->public.plugin = plugin;
  instance->public.self = g_malloc0 (MAX (plugin->params_size, 1));
  instance->public.path = g_strdup (path);
  return &instance->public;
}

void
rv_instance_begin (RvInstance *instance, const RvValue *resolved)
{
  ((Instance *)instance)->resolved = rv_value_copy (resolved);
  ((Instance *)instance)->begun = TRUE;
}

static void
free_entry (const RvParam *param, void *field)
{
  RvInstances *slots = field;
  RvRealMap *map = field;

  switch (param->type)
    {
    case RV_PARAM_TEXT:
    case RV_PARAM_PATH:
      g_free (*(char **)field);
      break;
    case RV_PARAM_TEXTS:
      g_strfreev (*(char ***)field);
      break;
    case RV_PARAM_INTS:
      g_free (((RvInts *)field)->items);
      break;
    case RV_PARAM_REALS:
      g_free (((RvReals *)field)->items);
      break;
    case RV_PARAM_REAL_MAP:
      for (uint32_t i = 0; i < map->n; i++)
        g_free (map->names[i]);
      g_free (map->names);
      g_free (map->values);
      break;
    case RV_PARAM_SLOT:
      rv_instance_unref (*(RvInstance **)field);
      break;
    case RV_PARAM_SLOTS:
      for (uint32_t i = 0; i < slots->n; i++)
        rv_instance_unref (slots->items[i]);
      g_free (slots->items);
      break;
    case RV_PARAM_PORTS:
      g_free (((RvPorts *)field)->items);
      break;
    default:
      break; /* nothing owned */
    }
}

const RvValue *
rv_instance_resolved (const RvInstance *instance)
{
  return ((const Instance *)instance)->resolved;
}

RvInstance *
rv_instance_ref (RvInstance *instance)
{
  g_atomic_ref_count_inc (&((Instance *)instance)->references);
  return instance;
}

void
rv_instance_unref (RvInstance *instance)
{
  Instance *private = (Instance *)instance;

  if (instance == NULL || !g_atomic_ref_count_dec (&private->references))
    return;
  if (private->begun && instance->plugin->clear != NULL)
    instance->plugin->clear (instance->self);
  for (const RvParam *param = instance->plugin->params; param != NULL && param->name != NULL; param++)
    free_entry (param, (char *)instance->self + param->offset);
  rv_value_free (private->resolved);
  g_free (instance->self);
  g_free (instance->path);
  g_free (private);
}
