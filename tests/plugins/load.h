/* A dataset plugin as a pipeline with one node: its check, then its run. */
#ifndef TEST_LOAD_H
#define TEST_LOAD_H

#include "pipeline/document.h"
#include "pipeline/graph-private.h"
#include <ranvier/ranvier.h>
#include <string.h>

typedef struct
{
  RvDocument *document;
  RvGraph *graph;
  RvDataset *data; /* NULL: it did not come to that */
  GError *error;   /* of run, or the first mistake of check */
  gboolean checked;
} TestLoaded;

static inline void
test_loaded_clear (TestLoaded *loaded)
{
  g_clear_pointer (&loaded->data, rv_dataset_unref);
  g_clear_pointer (&loaded->graph, rv_graph_free);
  g_clear_pointer (&loaded->document, rv_document_free);
  g_clear_error (&loaded->error);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (TestLoaded, test_loaded_clear)

/* `text` is the node as a pipeline writes it, "{use: dataset/mnist, folder: /tmp}". */
static inline TestLoaded
test_load (const char *text)
{
  TestLoaded loaded = { NULL, NULL, NULL, NULL, FALSE };
  g_autofree char *pipeline = g_strdup_printf ("nodes: {data: %s}", text);
  g_autoptr (RvMistakes) mistakes = rv_mistakes_new ();
  const RvGraphOptions options = { 0 };
  loaded.document = rv_document_parse (pipeline, strlen (pipeline), "test.yaml", NULL, mistakes);
  if (loaded.document)
    loaded.graph = rv_graph_new (loaded.document, &options, mistakes);
  loaded.checked = mistakes->messages->len == 0;
  if (!loaded.checked)
    {
      rv_mistakes_raise (mistakes, &loaded.error);
      return loaded;
    }
  RvNode *node = loaded.graph->nodes->pdata[0];
  if (!node->class->run (node->instance->self, node, &loaded.error))
    return loaded;
  loaded.data = rv_dataset_ref (((RvPortValue *)node->outputs->pdata[0])->artefact);
  return loaded;
}

/* Refused, in check or in run as `checked` says, with words that hold each of `words`, which are set apart
 * by |. */
static inline void
test_refused (const char *text, gboolean checked, const char *words)
{
  g_auto (TestLoaded) loaded = test_load (text);
  g_auto (GStrv) parts = g_strsplit (words, "|", -1);
  g_assert_null (loaded.data);
  g_assert_nonnull (loaded.error);
  g_test_message ("%s", loaded.error->message);
  for (char **part = parts; *part; part++)
    if (!strstr (loaded.error->message, *part))
      g_error ("'%s' is not in: %s", *part, loaded.error->message);
  g_assert_cmpint (loaded.checked, ==, checked);
}

#endif
