/* Real data in its makers' containers, from the folder RANVIER_TEST_DATA: counts, bytes against published digests, and
 * that a network learns. Skipped, saying so, where the folder or a set in it is missing. */
#include "support.h"
#include <string.h>
#include <sys/wait.h>

/* Pixels and labels as bytes again, from what the dataset hands on. */
#include "pipeline/document.h"
#include "pipeline/graph-private.h"
#include <ranvier/ranvier.h>

static char *
set_folder (const char *name)
{
  const char *root = g_getenv ("RANVIER_TEST_DATA");
  char *path = root && *root ? g_build_filename (root, name, NULL) : NULL;
  if (path && g_file_test (path, G_FILE_TEST_IS_DIR))
    return path;
  g_free (path);
  g_autofree char *why = g_strdup_printf (root && *root ? "there is no %s in RANVIER_TEST_DATA"
                                                        : "RANVIER_TEST_DATA names no folder, so no %s",
                                          name);
  g_test_skip (why);
  return NULL;
}

/* The dataset of the node `data`, made in a graph of its own. */
static RvDataset *
load (RvGraph *graph)
{
  g_autoptr (GError) error = NULL;
  RvNode *node = graph->nodes->pdata[0];
  g_assert_true (node->class->run (node->instance->self, node, &error));
  g_assert_no_error (error);
  return rv_dataset_ref (((RvPortValue *)node->outputs->pdata[0])->artefact);
}

/* Unpacked, the files have the published md5: 16 bytes of header and the pixels, 8 and the labels. */
static void
check_mnist (const char *folder, const char *split, uint32_t samples, const char *images_md5,
             const char *labels_md5)
{
  g_autofree char *text
      = g_strdup_printf ("nodes: {data: {use: dataset/mnist, split: %s, folder: \"%s\"}}", split, folder);
  g_autoptr (RvMistakes) mistakes = rv_mistakes_new ();
  g_autoptr (RvDocument) document = rv_document_parse (text, strlen (text), "test.yaml", NULL, mistakes);
  const RvGraphOptions options = { 0 };
  g_autoptr (RvGraph) graph = rv_graph_new (document, &options, mistakes);
  g_assert_cmpuint (mistakes->messages->len, ==, 0);
  g_autoptr (RvDataset) data = load (graph);
  g_assert_cmpuint (rv_dataset_spec (data)->samples, ==, samples);
  g_assert_cmpuint (rv_dataset_spec (data)->units, ==, 784);
  g_autoptr (GChecksum) images = g_checksum_new (G_CHECKSUM_MD5), labels = g_checksum_new (G_CHECKSUM_MD5);
  const guint32 image_header[]
      = { GUINT32_TO_BE (0x803), GUINT32_TO_BE (samples), GUINT32_TO_BE (28), GUINT32_TO_BE (28) };
  const guint32 label_header[] = { GUINT32_TO_BE (0x801), GUINT32_TO_BE (samples) };
  g_checksum_update (images, (const guchar *)image_header, sizeof image_header);
  g_checksum_update (labels, (const guchar *)label_header, sizeof label_header);
  g_auto (RvRecording) recording = { 0 };
  for (uint32_t id = 0; id < samples; id++)
    {
      guchar pixels[784], label;
      g_assert_true (rv_dataset_read (data, 0, id, &recording, NULL));
      for (uint32_t k = 0; k < 784; k++)
        pixels[k] = (guchar)(recording.values[k] * 255.0f + 0.5f);
      label = (guchar)recording.label;
      g_checksum_update (images, pixels, sizeof pixels);
      g_checksum_update (labels, &label, 1);
    }
  g_assert_cmpstr (g_checksum_get_string (images), ==, images_md5);
  g_assert_cmpstr (g_checksum_get_string (labels), ==, labels_md5);
}

static void
test_mnist_bytes (void)
{
  g_autofree char *folder = set_folder ("mnist");
  if (!folder)
    return;
  check_mnist (folder, "train", 60000, "6bbc9ace898e44ae57da46a324031adb",
               "a25bea736e30d166cdddb491f175f624");
  check_mnist (folder, "test", 10000, "2646ac647ad5339dbf082846283269ea", "27ae3e4e09519cfbb04c329615203637");
}

/* One epoch over a sixth of the images, through the program and its --data: far above the 10 % of chance. */
static void
test_mnist_learns (void)
{
  g_autofree char *folder = set_folder ("mnist"), *out = g_dir_make_tmp ("ranvier-XXXXXX", NULL), *csv = NULL;
  if (!folder)
    return;
  g_autofree char *shown = NULL, *said = NULL,
                  *table = g_build_filename (out, "tables", "accuracy.csv", NULL);
  g_autofree char *line = g_strdup_printf (
      "'%s' run '%s/../pipelines/mnist.yaml' --fresh -q --data '%s' --out '%s' "
      "-s seed=2 -s epochs=1 -s train-images.samples=10000 -s fit.batch=64 "
      "-s fit.network.1.neuron=leaky-integrator -s fit.decoder=mean-membrane",
      g_getenv ("RANVIER_PROGRAM"), g_getenv ("G_TEST_SRCDIR"), g_getenv ("RANVIER_TEST_DATA"), out);
  int status;
  g_assert_true (g_spawn_command_line_sync (line, &shown, &said, &status, NULL));
  test_say (line);
  test_say (said);
  g_assert_cmpint (status, ==, 0);
  g_assert_true (g_file_get_contents (table, &csv, NULL, NULL));
  const char *last = strrchr (g_strchomp (csv), ',');
  g_assert_nonnull (last);
  g_assert_cmpfloat (g_ascii_strtod (last + 1, NULL), >, 85.0);
  test_remove (out);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/data/mnist-bytes", test_mnist_bytes);
  g_test_add_func ("/data/mnist-learns", test_mnist_learns);
  return g_test_run ();
}
