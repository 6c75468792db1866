/* What tests of whole networks share: plugin instances from the text of a pipeline, and the parameters of a
 * model in the order in which one would write them down, whatever the engine's layout. */
#ifndef TEST_NETWORK_H
#define TEST_NETWORK_H

#include "engine/model.h"
#include "pipeline/document.h"
#include "plugin/params.h"
#include <string.h>

static inline RvInstance *
network_instance (const char *kind, const char *text, const char *path)
{
  g_autoptr (RvMistakes) mistakes = rv_mistakes_new ();
  g_autoptr (RvValue) value = rv_yaml_parse (text, strlen (text), "test.yaml", mistakes);
  g_autoptr (GError) error = NULL;
  g_autoptr (RvValue) resolved = value ? rv_value_map (value->place) : NULL; /* for a model's recipe */
  RvInstance *instance = value ? rv_instance_new (kind, FALSE, value, path, NULL, resolved, mistakes) : NULL;
  rv_mistakes_raise (mistakes, &error);
  g_assert_no_error (error);
  g_assert_nonnull (instance);
  return instance;
}

/* A network of `n` layers, their paths as a pipeline would give them. */
static inline RvModel *
network_new (uint32_t n, const char *const *layers, const char *decoder, const char *loss,
             const RvDatasetSpec *spec, uint64_t seed)
{
  g_autoptr (GError) error = NULL;
  RvInstance *items[16];
  g_assert_cmpuint (n, <=, G_N_ELEMENTS (items));
  for (uint32_t k = 0; k < n; k++)
    {
      g_autofree char *path = g_strdup_printf ("network.%u", k);
      items[k] = network_instance ("layer", layers[k], path);
    }
  const RvInstances network = { n, items };
  g_autoptr (RvInstance) decoding = network_instance ("decoder", decoder, "decoder");
  g_autoptr (RvInstance) pricing = network_instance ("loss", loss, "loss");
  RvModel *model = rv_model_new (&network, decoding, pricing, spec, seed, &error);
  g_assert_no_error (error);
  for (uint32_t k = 0; k < n; k++)
    rv_instance_unref (items[k]);
  return model;
}

/* How many numbers a parameter has, without padding. */
static inline uint32_t
network_size (const RvParameter *p)
{
  return p->type == RV_PARAMETER_WEIGHT ? p->units * p->inputs : p->units;
}

/* Where number k of a parameter, row by row, stands in the flat vector. */
static inline size_t
network_at (const RvParameter *p, uint32_t k)
{
  return p->offset + (p->type == RV_PARAMETER_WEIGHT ? rv_weight_at (p, k / p->inputs, k % p->inputs) : k);
}

#endif
