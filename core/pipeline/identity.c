/* What a node is made from, and its identity, the hash of that: builds, instruction set, parameters,
 * inputs, files. Names, places, threads and the order of axes are not in it. */
#include "base/filehash.h"
#include "engine/bf16.h"
#include "base/threads.h"
#include "pipeline/node.h"
#include "plugin/params.h"
#include "plugin/registry.h"
#include <ranvier/archive.h>
#include <string.h>

static void
add (RvNode *node, const char *what, const char *value)
{
  const RvPlace nowhere = { NULL, 0, 0 };
  g_autofree char *name = g_strdup (what);
  for (guint k = 2; rv_value_get (node->made_from, name); k++) /* two files of one name, for instance */
    {
      g_free (name);
      name = g_strdup_printf ("%s (%u)", what, k);
    }
  rv_value_set (node->made_from, name, nowhere, rv_value_text (value, nowhere));
}

/* The builds of all plugins inside an instance. */
static void
add_plugins (RvNode *node, const RvInstance *instance)
{
  const char *build = rv_registry_hash (instance->plugin);
  g_autofree char *name = g_strdup_printf ("plugin %s/%s", instance->plugin->kind, instance->plugin->name);
  if (!rv_value_get (node->made_from, name))
    add (node, name, build ? build : "");
  for (const RvParam *p = instance->plugin->params; p && p->name; p++)
    {
      const void *field = (const char *)instance->self + p->offset;
      if (p->type == RV_PARAM_SLOT && *(RvInstance *const *)field)
        add_plugins (node, *(RvInstance *const *)field);
      const RvInstances *list = field;
      for (uint32_t k = 0; p->type == RV_PARAM_SLOTS && k < list->n; k++)
        add_plugins (node, list->items[k]);
    }
}

/* "network.0.neuron.leak" and its text, for every value below. */
static void
add_values (RvNode *node, const char *path, const RvValue *value)
{
  if (value->type == RV_VALUE_TEXT)
    {
      add (node, path, value->text);
      return;
    }
  for (guint i = 0; i < rv_value_size (value); i++)
    {
      g_autofree char *index = g_strdup_printf ("%u", i);
      const char *key = value->type == RV_VALUE_MAP ? value->keys->pdata[i] : index;
      g_autofree char *inner = *path ? g_strconcat (path, ".", key, NULL) : g_strdup (key);
      add_values (node, inner, value->items->pdata[i]);
    }
  if (!rv_value_size (value))
    add (node, path, "");
}

static void
add_input (RvNode *node, const char *port, const RvPortValue *value)
{
  g_autofree char *name = g_strconcat ("input ", port, NULL);
  GString *text = g_string_new (value->node->identity);
  g_string_append_printf (text, " %s", value->output->name);
  for (char **choice = value->choices; choice && *choice; choice++)
    g_string_append_printf (text, "\n%s", *choice);
  add (node, name, text->str);
  g_string_free (text, TRUE);
}

/* The parameters, and in place of what ports are called the identity of what they are wired to. */
static void
add_parameters (RvNode *node)
{
  for (const RvParam *p = node->instance->plugin->params; p && p->name; p++)
    {
      g_autofree char *name = rv_param_name (p);
      const void *field = (const char *)node->instance->self + p->offset;
      const RvPorts *ports = field;
      const RvValue *value = rv_value_get (node->resolved, name);
      if (p->type == RV_PARAM_PORT && ((const RvPort *)field)->value)
        add_input (node, name, ((const RvPort *)field)->value);
      else if (p->type == RV_PARAM_PORTS)
        for (uint32_t k = 0; k < ports->n; k++)
          add_input (node, name, ports->items[k].value);
      else if (p->type != RV_PARAM_PORT && value)
        add_values (node, name, value);
    }
}

static char *
hash_folder (const char *folder, gboolean again, GError **error)
{
  g_autoptr (RvArchive) archive = rv_archive_open (folder, error);
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);
  for (const char *name; archive && (name = rv_archive_next (archive, NULL));)
    g_ptr_array_add (names, g_strdup (name));
  return archive ? rv_files_hash (folder, names, again, error) : NULL;
}

gboolean
rv_node_hash_file (RvNode *node, const char *path, GError **error)
{
  const gboolean again = node->state->verify;
  g_autofree char *digest = g_file_test (path, G_FILE_TEST_IS_DIR) ? hash_folder (path, again, error)
                                                                   : rv_file_hash (path, again, error);
  g_autofree char *base = g_path_get_basename (path), *name = g_strconcat ("file ", base, NULL);
  if (!digest)
    return FALSE;
  add (node, name, digest);
  return TRUE;
}

gboolean
rv_node_identify (RvNode *node, GError **error)
{
  static char *build; /* of this library: one for all nodes */
  if (!build)
    build = rv_build_hash ();
  node->made_from = rv_value_map (node->place);
  add (node, "kind", node->kind);
  add (node, "ranvier", build);
  add (node, "instruction set", rv_isa_name (rv_isa ()));
  add (node, "bfloat16", rv_bf16 () ? rv_bf16 ()->name : "none"); /* the kinds sum in different orders */
  add_plugins (node, node->instance);
  add_parameters (node);
  if (node->class->identify && !node->class->identify (node->instance->self, node, error))
    return FALSE;
  g_autofree char *text = rv_value_to_string (node->made_from);
  node->identity = g_compute_checksum_for_string (G_CHECKSUM_SHA256, text, -1);
  return TRUE;
}

/* ---- why an identity differs from an earlier one */

/* What `key` is to a reader: "plugin neuron/lif was built anew", "epochs 10 -> 12"; caller owns. */
static char *
difference (const char *key, const char *before, const char *now)
{
  const char *last = strrchr (key, '.'), *name = last ? last + 1 : key; /* "train.plugin dataset/mnist" */
  if (strcmp (name, "ranvier") == 0)
    return g_strdup ("ranvier was built anew");
  if (g_str_has_prefix (name, "plugin "))
    return g_strdup_printf (before && now ? "%s was built anew"
                            : now         ? "%s is used now"
                                          : "%s is not used any more",
                            name);
  if (g_str_has_prefix (key, "input ") || strstr (key, ".input ") || g_str_has_prefix (key, "file ")
      || strstr (key, ".file "))
    return g_strdup_printf ("%s has changed", key);
  return g_strdup_printf ("%s was %s, is %s", key, before ? before : "not given", now ? now : "not given");
}

static const char *
text_of (const RvValue *map, const char *key)
{
  const RvValue *value = rv_value_get (map, key);
  return value && value->type == RV_VALUE_TEXT ? value->text : NULL;
}

static void
add_reason (GPtrArray *reasons, char *reason)
{
  if (g_ptr_array_find_with_equal_func (reasons, reason, g_str_equal, NULL))
    g_free (reason);
  else
    g_ptr_array_add (reasons, reason);
}

/* The length of "train." in "train.samples" if no key of `other` begins so: all of that input is new, or gone. */
static size_t
foreign_prefix (const char *key, const RvValue *other)
{
  const char *dot = strchr (key, '.');
  const size_t length = dot ? (size_t)(dot - key) + 1 : 0;
  if (!length)
    return 0;
  for (guint i = 0; i < rv_value_size (other); i++)
    if (strncmp (other->keys->pdata[i], key, length) == 0)
      return 0;
  return length;
}

/* One reason for a key, or one for all keys of an input that only one side has. */
static void
compare_key (GPtrArray *reasons, const RvValue *before, const RvValue *now, const char *key)
{
  const char *old = text_of (before, key), *new = text_of (now, key);
  const size_t prefix = foreign_prefix (key, new ? before : now);
  g_autofree char *kind = g_strdup_printf ("%.*skind", (int)prefix, key);
  if (g_strcmp0 (old, new) == 0)
    return;
  if (prefix && text_of (new ? now : before, kind))
    add_reason (reasons, g_strdup_printf (new ? "it reads '%.*s' now" : "it does not read '%.*s' any more",
                                          (int)prefix - 1, key));
  else
    add_reason (reasons, difference (key, old, new));
}

char *
rv_node_why (const RvValue *before, const RvValue *now)
{
  g_autoptr (GPtrArray) reasons = g_ptr_array_new_with_free_func (g_free);
  for (guint i = 0; i < rv_value_size (now); i++)
    compare_key (reasons, before, now, now->keys->pdata[i]);
  for (guint i = 0; i < rv_value_size (before); i++)
    if (!rv_value_get (now, before->keys->pdata[i]))
      compare_key (reasons, before, now, before->keys->pdata[i]);
  if (!reasons->len)
    return NULL;
  const guint more = reasons->len > 3 ? reasons->len - 3 : 0;
  g_ptr_array_set_size (reasons, reasons->len - more);
  g_ptr_array_add (reasons, more ? g_strdup_printf ("%u more", more) : NULL);
  if (more)
    g_ptr_array_add (reasons, NULL);
  return g_strjoinv ("; ", (char **)reasons->pdata);
}
