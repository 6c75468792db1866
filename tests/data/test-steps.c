/* Real events put into steps: the first 100 test recordings of N-MNIST against what numpy and tonic, an
 * independent decoder, made of them; the script stands in tests/fixtures/steps.py. Skipped, saying so,
 * without RANVIER_TEST_DATA. */
#include "pipeline/document.h"
#include "pipeline/graph-private.h"
#include <ranvier/ranvier.h>
#include <string.h>

#define SAMPLES 100

/* Whether there is N-MNIST; says why the test is skipped if not. */
static char *
nmnist_folder (void)
{
  const char *root = g_getenv ("RANVIER_TEST_DATA");
  g_autofree char *path = root && *root ? g_build_filename (root, "nmnist", NULL) : NULL;
  if (path && g_file_test (path, G_FILE_TEST_IS_DIR))
    return g_steal_pointer (&path);
  g_test_skip (root && *root ? "there is no nmnist in RANVIER_TEST_DATA" : "RANVIER_TEST_DATA names no folder");
  return NULL;
}

/* Numbers of events for each step and unit, 16 bits each with the low byte first, one recording after the
 * other. */
static void
add_counts (GChecksum *sum, const RvRecording *r, uint64_t *total)
{
  g_autofree guint16 *counts = g_new0 (guint16, (gsize)r->steps * r->units);
  for (uint32_t t = 0; t < r->steps; t++)
    for (uint32_t k = 0; k < r->units && r->form == RV_FORM_FRAMES; k++)
      counts[t * r->units + k] = (guint16)r->values[t * r->units + k];
  for (uint32_t t = 0; t < r->steps && r->form == RV_FORM_SPIKES; t++)
    for (uint32_t k = r->offsets[t]; k < r->offsets[t + 1]; k++)
      counts[t * r->units + r->ids[k]]++;
  for (gsize k = 0; k < (gsize)r->steps * r->units; k++)
    {
      *total += counts[k];
      counts[k] = GUINT16_TO_LE (counts[k]);
    }
  g_checksum_update (sum, (const guchar *)counts, (gssize)((gsize)r->steps * r->units * sizeof *counts));
}

static void
check_steps (const char *transform, const char *sha256, uint64_t events)
{
  g_autofree char *folder = nmnist_folder ();
  if (!folder)
    return;
  g_autofree char *text = g_strdup_printf (
      "nodes: {events: {use: dataset/nmnist, split: test, samples: %d, folder: \"%s\"}, steps: {%s, data: events}}",
      SAMPLES, folder, transform);
  g_autoptr (RvMistakes) mistakes = rv_mistakes_new ();
  g_autoptr (RvDocument) document = rv_document_parse (text, strlen (text), "test.yaml", NULL, mistakes);
  const RvGraphOptions options = { 0 };
  g_autoptr (RvGraph) graph = rv_graph_new (document, &options, mistakes);
  g_autoptr (GChecksum) sum = g_checksum_new (G_CHECKSUM_SHA256);
  g_autoptr (GError) error = NULL;
  g_auto (RvRecording) r = { 0 };
  uint64_t total = 0;
  g_assert_cmpuint (mistakes->messages->len, ==, 0);
  for (guint k = 0; k < graph->nodes->len; k++) /* the dataset, then its steps */
    {
      RvNode *node = graph->nodes->pdata[k];
      g_assert_true (node->class->run (node->instance->self, node, &error));
      g_assert_no_error (error);
    }
  const RvPortValue *output = ((RvNode *)graph->nodes->pdata[graph->nodes->len - 1])->outputs->pdata[0];
  g_assert_cmpuint (rv_dataset_spec (output->artefact)->samples, ==, SAMPLES);
  for (uint32_t id = 0; id < SAMPLES; id++)
    {
      g_assert_true (rv_dataset_read (output->artefact, 0, id, &r, &error));
      add_counts (sum, &r, &total);
    }
  g_assert_cmpuint (total, ==, events);
  g_assert_cmpstr (g_checksum_get_string (sum), ==, sha256);
}

static void
test_bins (void)
{
  check_steps ("use: transform/bins, width: 3 ms, steps: 100, counts: yes",
               "6f1fe5646077a862e2f820e4942b10f600c44e7000235a3400d8eae69420b178", 383339);
}

static void
test_frames (void)
{
  check_steps ("use: transform/frames, frames: 10",
               "5bfff534381303d19fab8d6babce9273041cc6dccb913e3b55a8d12c3d76e4ee", 385596);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/data/steps/bins", test_bins);
  g_test_add_func ("/data/steps/frames", test_frames);
  return g_test_run ();
}
