/* What a descriptor must be like, kind by kind, and the one place that knows how an older minor is read:
 * so that everybody else may read every field. */
#include "plugin/descriptor.h"

#include <ranvier/ranvier.h>

#include <string.h>

/* The end of `member` in `Struct`: the size that a struct needs at least. */
#define END_OF(Struct, member) (offsetof (Struct, member) + sizeof (((Struct *)NULL)->member))

/* The descriptor of ABI 1.0 ends here; what minors add is behind it. */
#define SMALLEST END_OF (RvPlugin, functions_size)

/* ---- kinds */

typedef struct
{
  const char *name;
  gsize offset; /* in the class of the kind */
} Function;

typedef struct
{
  const char *kind;
  gboolean is_node;
  gsize size;           /* of its class as the core knows it */
  Function required[5]; /* ends with a NULL name; these are all in ABI 1.0 */
} Kind;

#define NODE                                                                                                 \
  TRUE, sizeof (RvNodeClass),                                                                                \
  {                                                                                                          \
    { "outputs", offsetof (RvNodeClass, outputs) },                                                          \
    {                                                                                                        \
      "run", offsetof (RvNodeClass, run)                                                                     \
    }                                                                                                        \
  }

static const Kind kinds[] = {
  { "dataset", NODE },
  { "transform", NODE },
  { "trainer", NODE },
  { "attack", NODE },
  { "analysis", NODE },
  { "report", NODE },
  { "layer",
    FALSE,
    sizeof (RvLayerClass),
    { { NULL, 0 } } }, /* see check_layer */
  { "neuron", FALSE, sizeof (RvNeuronClass), { { "variant", offsetof (RvNeuronClass, variant) } } },
  { "surrogate",
    FALSE,
    sizeof (RvSurrogateClass),
    { { "slope[RV_ISA_BASELINE]", offsetof (RvSurrogateClass, slope[RV_ISA_BASELINE]) },
      { "slope[RV_ISA_V3]", offsetof (RvSurrogateClass, slope[RV_ISA_V3]) },
      { "slope[RV_ISA_V4]", offsetof (RvSurrogateClass, slope[RV_ISA_V4]) },
      { "fire", offsetof (RvSurrogateClass, fire) } } },
  { "decoder",
    FALSE,
    sizeof (RvDecoderClass),
    { { "reads", offsetof (RvDecoderClass, reads) },
      { "decisions", offsetof (RvDecoderClass, decisions) },
      { "decode", offsetof (RvDecoderClass, decode) },
      { "adjoint", offsetof (RvDecoderClass, adjoint) } } },
  { "loss", FALSE, sizeof (RvLossClass), { { "value", offsetof (RvLossClass, value) } } },
  { "optimizer",
    FALSE,
    sizeof (RvOptimizerClass),
    { { "slots", offsetof (RvOptimizerClass, slots) },
      { "rate", offsetof (RvOptimizerClass, rate) },
      { "update", offsetof (RvOptimizerClass, update) } } },
  { "schedule", FALSE, sizeof (RvScheduleClass), { { "factor", offsetof (RvScheduleClass, factor) } } },
  { "initializer", FALSE, sizeof (RvInitializerClass), { { "fill", offsetof (RvInitializerClass, fill) } } },
};

static const Kind *
find_kind (const char *kind)
{
  for (gsize k = 0; k < G_N_ELEMENTS (kinds); k++)
    if (g_str_equal (kinds[k].kind, kind))
      return &kinds[k];
  return NULL;
}

const char *const *
rv_registry_kinds (void)
{
  static const char *names[G_N_ELEMENTS (kinds) + 1];

  for (gsize k = 0; k < G_N_ELEMENTS (kinds); k++)
    names[k] = kinds[k].kind;
  return names;
}

gboolean
rv_kind_is_node (const char *kind)
{
  const Kind *found = find_kind (kind);

  return found != NULL && found->is_node;
}

/* ---- checks; each returns why it fails, owned, or NULL */

gsize
rv_param_size (RvParamType type)
{
  static const gsize sizes[]
      = { [RV_PARAM_BOOL] = sizeof (gboolean),      [RV_PARAM_INT] = sizeof (int64_t),
          [RV_PARAM_REAL] = sizeof (double),        [RV_PARAM_CHOICE] = sizeof (int),
          [RV_PARAM_TEXT] = sizeof (char *),        [RV_PARAM_PATH] = sizeof (char *),
          [RV_PARAM_DURATION] = sizeof (double),    [RV_PARAM_INTS] = sizeof (RvInts),
          [RV_PARAM_REALS] = sizeof (RvReals),      [RV_PARAM_TEXTS] = sizeof (char **),
          [RV_PARAM_REAL_MAP] = sizeof (RvRealMap), [RV_PARAM_TRAINABLE] = sizeof (RvTrainable),
          [RV_PARAM_SLOT] = sizeof (RvInstance *),  [RV_PARAM_SLOTS] = sizeof (RvInstances),
          [RV_PARAM_PORT] = sizeof (RvPort),        [RV_PARAM_PORTS] = sizeof (RvPorts) };

  return (guint)type < G_N_ELEMENTS (sizes) ? sizes[type] : 0;
}

gboolean
rv_is_word (const char *text, const char *others)
{
  if (!g_ascii_isalpha (text[0]))
    return FALSE;
  for (; *text != '\0'; text++)
    if (!g_ascii_isalnum (*text) && strchr (others, *text) == NULL)
      return FALSE;
  return TRUE;
}

static char *
check_param (const RvPlugin *plugin, const RvParam *p)
{
  const gsize size = rv_param_size (p->type);

  if (!rv_is_word (p->name, "_") || g_str_equal (p->name, "use"))
    return g_strdup_printf ("a parameter can not be called '%s'", p->name);
  for (const RvParam *other = plugin->params; other != p; other++)
    if (g_str_equal (other->name, p->name))
      return g_strdup_printf ("it has two parameters called '%s'", p->name);
  if (size == 0)
    return g_strdup_printf ("the type of parameter '%s' is unknown", p->name);
  if (p->offset > plugin->params_size || plugin->params_size - p->offset < size)
    return g_strdup_printf ("parameter '%s' lies outside of its struct of %u bytes", p->name,
                            plugin->params_size);
  if (p->doc == NULL || p->doc[0] == '\0')
    return g_strdup_printf ("parameter '%s' has no doc", p->name);
  if (!(p->minimum <= p->maximum))
    return g_strdup_printf ("the minimum of parameter '%s' is above its maximum", p->name);
  if (p->type == RV_PARAM_CHOICE && (p->choices == NULL || p->choices[0] == NULL))
    return g_strdup_printf ("parameter '%s' has no choices", p->name);
  if ((p->type == RV_PARAM_SLOT || p->type == RV_PARAM_SLOTS)
      && (p->slot == NULL || find_kind (p->slot) == NULL))
    return g_strdup_printf ("parameter '%s' is a slot of no known kind", p->name);
  if ((p->type == RV_PARAM_PORT || p->type == RV_PARAM_PORTS)
      && (p->artefact <= RV_ARTEFACT_NONE || p->artefact > RV_ARTEFACT_FIGURE))
    return g_strdup_printf ("parameter '%s' is a port of no known artefact", p->name);
  return NULL;
}

/* Functions of an older minor may end before it. */
static gboolean
has_function (const RvPlugin *plugin, gsize offset)
{
  return offset + sizeof (void *) <= plugin->functions_size
         && *(void *const *)((const char *)plugin->functions + offset) != NULL;
}

/* A layer goes step by step, or declares. */
static char *
check_layer (const RvPlugin *plugin)
{
  static const Function steps[] = { { "build", offsetof (RvLayerClass, build) },
                                    { "forward", offsetof (RvLayerClass, forward) },
                                    { "backward", offsetof (RvLayerClass, backward) } };

  if (has_function (plugin, offsetof (RvLayerClass, declare)))
    return NULL;
  for (gsize k = 0; k < G_N_ELEMENTS (steps); k++)
    if (!has_function (plugin, steps[k].offset))
      return g_strdup_printf ("'%s', which every layer without 'declare' must have, is missing",
                              steps[k].name);
  return NULL;
}

static char *
check_functions (const RvPlugin *plugin, const Kind *kind)
{
  const RvNodeClass *node = plugin->functions;
  const RvNeuronClass *neuron = plugin->functions;

  if (plugin->functions == NULL || plugin->functions_size == 0)
    return g_strdup ("it has no functions: write RV_FUNCTIONS (class) in its descriptor");
  if (plugin->functions_size > kind->size)
    return g_strdup_printf (
        "its functions have %u bytes, but a %s of ABI %d.%d has %zu: is it of another kind?",
        plugin->functions_size, kind->kind, RV_ABI_MAJOR, RV_ABI_MINOR, kind->size);
  for (const Function *f = kind->required; f->name != NULL; f++)
    if (!has_function (plugin, f->offset))
      return g_strdup_printf ("'%s', which every %s must have, is missing", f->name, kind->kind);
  for (const RvOutput *o = kind->is_node ? node->outputs : NULL; o != NULL && o->name != NULL; o++)
    if ((o->kind == RV_ARTEFACT_DATASET || o->kind == RV_ARTEFACT_MODEL)
        && (plugin->functions_size < END_OF (RvNodeClass, check) || node->check == NULL))
      return g_strdup_printf ("output '%s' is a dataset or model, so that it needs 'check'", o->name);
  if (g_str_equal (kind->kind, "layer"))
    return check_layer (plugin);
  if (g_str_equal (kind->kind, "neuron")
      && (plugin->functions_size < END_OF (RvNeuronClass, common_offset)
          || neuron->common_offset > plugin->params_size
          || plugin->params_size - neuron->common_offset < sizeof (RvNeuronCommon)))
    return g_strdup ("its RvNeuronCommon lies outside of its struct");
  return NULL;
}

char *
rv_descriptor_check (const RvPlugin *plugin, const char *kind, const char *name)
{
  const Kind *known = find_kind (kind);
  char *why = NULL;

  if (known == NULL)
    return g_strdup_printf ("there is no kind of plugin '%s'", kind);
  /* The first three fields are the same for ever; nothing else is looked at before they fit. */
  if (plugin->abi_major != RV_ABI_MAJOR)
    return g_strdup_printf ("it was built for ABI %u.%u, this is %d.%d: build it again", plugin->abi_major,
                            plugin->abi_minor, RV_ABI_MAJOR, RV_ABI_MINOR);
  if (plugin->abi_minor > RV_ABI_MINOR)
    return g_strdup_printf ("it needs ABI %u.%u, this is %d.%d: it needs a newer ranvier", plugin->abi_major,
                            plugin->abi_minor, RV_ABI_MAJOR, RV_ABI_MINOR);
  if (plugin->size < SMALLEST || plugin->size > sizeof (RvPlugin))
    return g_strdup_printf (
        "its descriptor has %u bytes, which no plugin of ABI %d.%d has: open it with RV_PLUGIN", plugin->size,
        RV_ABI_MAJOR, RV_ABI_MINOR);
  if (plugin->kind == NULL || plugin->name == NULL || !g_str_equal (plugin->kind, kind)
      || !g_str_equal (plugin->name, name))
    return g_strdup_printf ("it calls itself %s/%s, which does not fit the file",
                            plugin->kind ? plugin->kind : "?", plugin->name ? plugin->name : "?");
  if (plugin->doc == NULL || plugin->version == NULL || plugin->licence == NULL)
    return g_strdup_printf ("its descriptor has no %s", plugin->doc == NULL       ? "doc"
                                                        : plugin->version == NULL ? "version"
                                                                                  : "licence");
  for (const RvParam *p = plugin->params; p != NULL && p->name != NULL && why == NULL; p++)
    why = check_param (plugin, p);
  return why != NULL ? why : check_functions (plugin, known);
}

const RvPlugin *
rv_descriptor_copy (const RvPlugin *plugin)
{
  const Kind *kind = find_kind (plugin->kind);
  RvPlugin *copy = g_new0 (RvPlugin, 1);
  void *functions = g_malloc0 (kind->size);

  memcpy (copy, plugin, plugin->size);
  memcpy (functions, plugin->functions, plugin->functions_size);
  copy->size = sizeof *copy;
  copy->functions = functions;
  copy->functions_size = (uint32_t)kind->size;
  return copy;
}
