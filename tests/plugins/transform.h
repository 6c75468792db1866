/* A transform applied to a dataset of the test's own, as a pipeline would: its check, then its run. */
#ifndef TEST_TRANSFORM_H
#define TEST_TRANSFORM_H

#include "pipeline/document.h"
#include "pipeline/node.h"
#include "plugin/params.h"
#include <ranvier/ranvier.h>
#include <string.h>

static gboolean
test_wire (void *self, const RvParam *param, const RvValue *reference, RvPort *port, RvMistakes *mistakes)
{
  port->value = self;
  return TRUE;
}

/* `text` is the transform as a pipeline writes it, "{use: transform/bins, data: d, width: 3 ms}". What its
 * check said of the output must be what comes out. The caller owns the dataset; NULL with an error of
 * init, check or run. */
static inline RvDataset *
test_transform (RvDataset *source, const char *text, GError **error)
{
  static const RvOutput plain = { "", RV_ARTEFACT_DATASET, "" };
  g_autoptr (RvMistakes) mistakes = rv_mistakes_new ();
  g_autoptr (RvValue) value = rv_yaml_parse (text, strlen (text), "test.yaml", mistakes);
  RvPortValue input = { .output = &plain,
                        .name = (char *)"events",
                        .artefact = source,
                        .spec = *rv_dataset_spec (source),
                        .has_spec = TRUE };
  const RvPortResolver resolver = { test_wire, &input };
  RvInstance *instance = value ? rv_instance_new (NULL, TRUE, value, "", &resolver, NULL, mistakes) : NULL;
  if (!instance)
    {
      rv_mistakes_raise (mistakes, error);
      return NULL;
    }
  RvRunState state = { 0 };
  g_autoptr (RvNode) node = rv_node_new (&state, "t", "", (RvPlace){ 0 }, instance);
  if (!node->class->check (instance->self, node, error) || !node->class->run (instance->self, node, error))
    return NULL;
  const RvPortValue *out = rv_node_output (node, "");
  RvDataset *made = rv_dataset_ref (out->artefact);
  const RvDatasetSpec *said = &out->spec, *is = rv_dataset_spec (made);
  g_assert_cmpint (said->form, ==, is->form);
  g_assert_cmpuint (said->units, ==, is->units);
  g_assert_cmpuint (said->steps, ==, is->steps);
  g_assert_cmpmem (said->dims, sizeof said->dims, is->dims, sizeof is->dims);
  g_assert_cmpuint (said->duration, ==, is->duration);
  g_assert_cmpint (said->varies, ==, is->varies);
  return made;
}

/* ---- a dataset of random events */

typedef struct
{
  uint32_t samples, dims[3], events, span; /* of a recording: at most so many events, before this time */
  uint64_t seed;
} TestEvents;

/* Recording 0 is empty; times come in runs of equal ones, and on multiples of 1000 us, where edges are. */
static gboolean
test_read_events (gconstpointer self, uint64_t epoch, uint32_t id, RvRecording *out, GError **error)
{
  const TestEvents *own = self;
  const uint32_t units = own->dims[0] * own->dims[1] * own->dims[2];
  const RvStream stream = rv_stream_fork (rv_stream_new (own->seed, "", "test", ""), id);
  const uint32_t n = id ? 1 + (uint32_t)(rv_stream_uniform (stream, 0) * (float)own->events) : 0;
  rv_recording_set_events (out, units, n);
  out->duration = own->span - (id % 3) * (own->span / 7);
  for (uint32_t k = 0; k < n; k++)
    {
      const uint64_t at = 1 + 4 * (uint64_t)k;
      uint32_t t = (uint32_t)(rv_stream_bits (stream, at) % out->duration);
      if (rv_stream_uniform (stream, at + 1) < 0.3f)
        t -= t % 1000;
      uint32_t place = k; /* in order, by insertion */
      for (; place > 0 && out->times[place - 1] > t; place--)
        {
          out->times[place] = out->times[place - 1];
          out->ids[place] = out->ids[place - 1];
        }
      out->times[place] = t;
      out->ids[place] = (uint32_t)(rv_stream_bits (stream, at + 2) % units);
    }
  out->n_events = n;
  out->label = id % 4;
  return TRUE;
}

static inline RvDataset *
test_events (const TestEvents *own)
{
  RvDatasetSpec spec = { .form = RV_FORM_EVENTS,
                         .samples = own->samples,
                         .units = own->dims[0] * own->dims[1] * own->dims[2],
                         .classes = 4,
                         .duration = own->span,
                         .split = "train" };
  memcpy (spec.dims, own->dims, sizeof spec.dims);
  return rv_dataset_new (&spec, test_read_events, g_memdup2 (own, sizeof *own), g_free);
}

#endif
