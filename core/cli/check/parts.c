/* What stands around the plugin that is judged: a smooth surrogate, data of our own, and networks of the
 * plugins that came with the program. */
#include "cli/check/check.h"

#include <math.h>
#include <string.h>

/* ---- a surrogate that is smooth and wide: fire (z) = 1 / (1 + exp (-2 z)) */

static void
smooth_slope (const void *self, const float *z, float *slope, uint32_t n)
{
  for (uint32_t k = 0; k < n; k++)
    {
      const double s = 1.0 / (1.0 + exp (-2.0 * z[k]));
      slope[k] = (float)(2.0 * s * (1.0 - s));
    }
}

static void
smooth_fire (const void *self, const float *z, float *spike, uint32_t n)
{
  for (uint32_t k = 0; k < n; k++)
    spike[k] = (float)(1.0 / (1.0 + exp (-2.0 * z[k])));
}

const RvSurrogateClass rv_check_smooth_class = { { smooth_slope, smooth_slope, smooth_slope }, smooth_fire };

void
rv_check_smooth_neuron (RvInstance *neuron)
{
  static const RvPlugin plugin
      = { .kind = "surrogate", .name = "smooth", .functions = &rv_check_smooth_class };
  const RvNeuronClass *class = neuron->plugin->functions;
  RvNeuronCommon *common = (RvNeuronCommon *)((char *)neuron->self + class->common_offset);
  g_autoptr (RvMistakes) mistakes = rv_mistakes_new ();
  g_autoptr (RvValue) nothing = rv_value_map ((RvPlace){ NULL, 0, 0 });
  common->detach_reset = FALSE; /* what is detached, finite differences can not see */
  if (common->surrogate == NULL)
    return;
  rv_instance_unref (common->surrogate);
  common->surrogate = rv_instance_fill (&plugin, nothing, "surrogate", NULL, NULL, mistakes);
}

/* ---- networks */

void
rv_check_smooth_layer (RvInstance *layer, RvInstance *neuron)
{
  for (const RvParam *p = layer->plugin->params; p != NULL && p->name != NULL; p++)
    {
      RvInstance **slot = (RvInstance **)((char *)layer->self + p->offset);
      const RvInstances *list = (const RvInstances *)slot;
      const gboolean is_slot = p->type == RV_PARAM_SLOT,
                     has_layers = p->slot != NULL && strcmp (p->slot, "layer") == 0;
      for (uint32_t k = 0; p->type == RV_PARAM_SLOTS && has_layers && k < list->n; k++)
        rv_check_smooth_layer (list->items[k], neuron);
      if (!is_slot || *slot == NULL)
        continue;
      if (has_layers)
        rv_check_smooth_layer (*slot, neuron);
      if (strcmp (p->slot, "neuron") != 0)
        continue;
      if (neuron != NULL)
        {
          rv_instance_unref (*slot);
          *slot = rv_instance_ref (neuron);
        }
      rv_check_smooth_neuron (*slot);
    }
}

/* An installed plugin of `kind` as it comes. */
static RvInstance *
installed (const char *kind, uint32_t units, gboolean recurrent)
{
  g_autoptr (RvMistakes) mistakes = rv_mistakes_new ();
  const RvPlugin *plugin = NULL;
  g_autoptr (RvValue) value = rv_check_some (kind, units > 0 ? "units" : NULL, units, recurrent, &plugin);
  return value != NULL ? rv_instance_fill (plugin, value, kind, NULL, NULL, mistakes) : NULL;
}

RvInstance *
rv_check_layer_of (RvInstance *neuron, uint32_t units, gboolean recurrent)
{
  RvInstance *layer = installed ("layer", units, recurrent);
  if (layer != NULL)
    rv_check_smooth_layer (layer, neuron);
  return layer;
}

RvModel *
rv_check_network_of (RvInstance **layers, uint32_t n, const RvDatasetSpec *data, GError **error)
{
  const RvInstances network = { n, layers };
  g_autoptr (RvInstance) decoder = installed ("decoder", 0, FALSE), loss = installed ("loss", 0, FALSE);
  gboolean complete = decoder != NULL && loss != NULL;
  for (uint32_t k = 0; k < n; k++)
    complete = complete && layers[k] != NULL;
  if (complete)
    return rv_model_new (&network, decoder, loss, data, 3, error);
  g_set_error (error, RV_ERROR, RV_ERROR_PIPELINE,
               "beside it a layer, a decoder and a loss are needed, which are not installed");
  return NULL;
}

RvModel *
rv_check_any_network (const RvDatasetSpec *data)
{
  g_autoptr (RvInstance) hidden = rv_check_layer_of (NULL, 6, TRUE),
                         last = rv_check_layer_of (NULL, data->classes, FALSE);
  return rv_check_network_of ((RvInstance *[]){ hidden, last }, 2, data, NULL);
}

void
rv_check_spoil_model (RvModel *model)
{
  static const float bad[] = { NAN, INFINITY, -INFINITY };
  float *values = rv_model_parameters (model);
  for (size_t k = 0; k < rv_model_parameter_count (model); k++)
    values[k] = k % 4 < G_N_ELEMENTS (bad) ? bad[k % 4] : values[k];
}

/* ---- data */

#define DURATION 10000 /* microseconds of events */

typedef struct
{
  RvForm form;
  uint32_t units, steps;
  gboolean varies, spoiled;
} Source;

static float
pixel (const Source *s, RvStream stream, uint64_t k)
{
  static const float bad[] = { NAN, INFINITY, -INFINITY, -1.0f, 1e30f };
  if (s->spoiled && k % 7 == 0)
    return bad[k / 7 % G_N_ELEMENTS (bad)];
  return k % 3 == 0 ? 0.0f : rv_stream_uniform (stream, k);
}

static gboolean
read_events (const Source *s, RvStream stream, uint32_t id, RvRecording *out)
{
  rv_recording_set_events (out, s->units, 50);
  for (; out->n_events < 50; out->n_events++)
    {
      const uint64_t bits = rv_stream_bits (stream, out->n_events);
      out->times[out->n_events] = 200 * out->n_events + (uint32_t)(bits % 150);
      out->ids[out->n_events] = (uint32_t)((bits >> 32) % s->units);
    }
  out->duration = DURATION;
  out->label = id % RV_CHECK_CLASSES;
  return TRUE;
}

static gboolean
read_source (gconstpointer self, uint64_t epoch, uint32_t id, RvRecording *out, GError **error)
{
  const Source *s = self;
  const RvStream all = rv_stream_new (7, "", "data", "");
  const RvStream own = rv_stream_fork (rv_stream_fork (all, s->varies ? epoch : 0), id);
  const uint32_t n
      = s->units * (s->form == RV_FORM_STATIC ? 1 : s->steps); /* numbers, or chances of a spike */
  uint32_t count = 0;
  if (s->form == RV_FORM_EVENTS)
    return read_events (s, own, id, out);
  if (s->form == RV_FORM_SPIKES)
    rv_recording_set_spikes (out, s->steps, s->units, n + 1);
  float *values = s->form == RV_FORM_STATIC   ? rv_recording_set_static (out, n)
                  : s->form == RV_FORM_FRAMES ? rv_recording_set_frames (out, s->steps, s->units)
                                              : NULL;
  for (uint32_t k = 0; k < n; k++)
    if (values != NULL)
      values[k] = pixel (s, own, k);
    else
      {
        if (k % s->units == 0)
          out->offsets[k / s->units] = count;
        out->ids[count] = k % s->units;
        count += rv_stream_uniform (own, k) < 0.25f;
      }
  if (values == NULL)
    out->offsets[s->steps] = count;
  out->steps = s->steps;
  out->label = id % RV_CHECK_CLASSES;
  return TRUE;
}

RvDataset *
rv_check_data_of (RvForm form, uint32_t units, uint32_t steps, gboolean varies, gboolean spoiled,
                  const char *split)
{
  const uint32_t one[] = { 1, 5, units / 5 }, two[] = { 2, 3, units / 6 }, many[] = { units, 1, 1 };
  const uint32_t *dims = units % 5 == 0 ? one : units % 6 == 0 ? two : many;
  const RvDatasetSpec spec = { .form = form,
                               .samples = RV_CHECK_SAMPLES,
                               .units = units,
                               .dims = { dims[0], dims[1], dims[2] },
                               .steps = steps,
                               .classes = RV_CHECK_CLASSES,
                               .step_width = steps > 0 ? 1e-3 : 0.0,
                               .varies = varies,
                               .duration = form == RV_FORM_EVENTS ? DURATION : 0,
                               .split = split };
  Source *source = g_new (Source, 1);
  *source = (Source){ form, units, steps, varies, spoiled };
  return rv_dataset_new (&spec, read_source, source, g_free);
}
