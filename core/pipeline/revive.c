/* Recipes of models: (seed, layers, decoder, loss), each plugin as (path inside its node, resolved parameters). */
#include "pipeline/revive.h"
#include "data/npz.h"
#include "engine/model.h"
#include "plugin/params.h"

#define PLUGIN "(sv)"
#define RECIPE "(ta(sv)(sv)(sv))"

static GVariant *
describe (const RvInstance *instance)
{
  return g_variant_new (PLUGIN, instance->path, rv_value_to_variant (rv_instance_resolved (instance)));
}

GVariant *
rv_model_recipe (const RvModel *model)
{
  GVariantBuilder layers;
  g_variant_builder_init (&layers, G_VARIANT_TYPE ("a" PLUGIN));
  for (uint32_t k = 0; k < model->n_layers; k++)
    g_variant_builder_add_value (&layers, describe (model->layers[k].instance));
  return g_variant_new ("(ta(sv)@(sv)@(sv))", model->seed, &layers, describe (model->decoder),
                        describe (model->loss));
}

static RvInstance *
make (const char *kind, GVariant *plugin, RvMistakes *mistakes)
{
  const char *path;
  g_autoptr (GVariant) parameters = NULL;
  g_variant_get (plugin, "(&sv)", &path, &parameters);
  g_autoptr (RvValue) value = rv_value_from_variant (parameters);
  if (!value)
    return NULL;
  g_autoptr (RvValue) resolved = rv_value_map (value->place);
  return rv_instance_new (kind, FALSE, value, path, NULL, resolved, mistakes);
}

RvModel *
rv_model_revive (GVariant *recipe, const RvDatasetSpec *spec, const char *path, GError **error)
{
  if (!g_variant_is_of_type (recipe, G_VARIANT_TYPE (RECIPE)))
    {
      g_set_error (error, RV_ERROR, RV_ERROR_IO, "the recipe of the network is of another make");
      return NULL;
    }
  guint64 seed;
  g_autoptr (GVariant) layers = NULL, decoder = NULL, loss = NULL;
  g_variant_get (recipe, "(t@a(sv)@(sv)@(sv))", &seed, &layers, &decoder, &loss);
  g_autoptr (RvMistakes) mistakes = rv_mistakes_new ();
  g_autoptr (GPtrArray) network = g_ptr_array_new_with_free_func ((GDestroyNotify)rv_instance_unref);
  for (gsize k = 0; k < g_variant_n_children (layers); k++)
    {
      g_autoptr (GVariant) layer = g_variant_get_child_value (layers, k);
      g_ptr_array_add (network, make ("layer", layer, mistakes));
    }
  g_autoptr (RvInstance) its_decoder = make ("decoder", decoder, mistakes),
                         its_loss = make ("loss", loss, mistakes);
  const RvInstances all = { network->len, (RvInstance **)network->pdata };
  if (rv_mistakes_raise (mistakes, error))
    return NULL;
  g_autoptr (GHashTable) members = rv_npz_read (path, error);
  g_autoptr (RvModel) model = members ? rv_model_new (&all, its_decoder, its_loss, spec, seed, error) : NULL;
  return model && rv_model_fill (model, members, error) ? g_steal_pointer (&model) : NULL;
}
