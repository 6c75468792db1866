/* An analysis of a model and datasets of the test's own, as a pipeline would: its check, then its run. */
#ifndef TEST_ANALYSIS_H
#define TEST_ANALYSIS_H

#include "pipeline/node.h"
#include "unit/network.h"

typedef struct
{
  RvModel *model;
  RvDatasetSpec trained; /* for what it was trained */
  RvDataset *data[8];    /* `data` is data[0], `a` ... `h` are these */
} TestWires;

typedef struct
{
  RvRunState state;
  RvInstance *instance;
  RvNode *node;
  RvPortValue model, data[8];
} TestAnalysis;

static inline gboolean
test_wire_port (void *self, const RvParam *param, const RvValue *reference, RvPort *port,
                RvMistakes *mistakes)
{
  TestAnalysis *analysis = self;
  const char *name = reference->text;
  port->value = strcmp (name, "model") == 0  ? &analysis->model
                : strcmp (name, "data") == 0 ? &analysis->data[0]
                                             : &analysis->data[name[0] - 'a'];
  return TRUE;
}

static inline void
test_analysis_free (TestAnalysis *analysis)
{
  g_clear_pointer (&analysis->node, rv_node_free);
  g_free (analysis);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (TestAnalysis, test_analysis_free)

/* `text` is the node as a pipeline writes it, "{use: analysis/accuracy, model: model, data: data}". The caller
 * owns it; NULL with an error of init, check or run. */
static inline TestAnalysis *
test_analysis (const TestWires *wires, const char *text, GError **error)
{
  static const RvOutput plain_model = { "", RV_ARTEFACT_MODEL, "" },
                        plain_data = { "", RV_ARTEFACT_DATASET, "" };
  static char *const names[] = { "a", "b", "c", "d", "e", "f", "g", "h" };
  g_autoptr (TestAnalysis) analysis = g_new0 (TestAnalysis, 1);
  g_autoptr (RvMistakes) mistakes = rv_mistakes_new ();
  g_autoptr (RvValue) value = rv_yaml_parse (text, strlen (text), "test.yaml", mistakes);
  analysis->model = (RvPortValue){ .output = &plain_model,
                                   .name = "model",
                                   .artefact = wires->model,
                                   .spec = wires->trained,
                                   .has_spec = TRUE };
  for (uint32_t k = 0; k < 8 && wires->data[k]; k++)
    analysis->data[k] = (RvPortValue){ .output = &plain_data,
                                       .name = names[k],
                                       .artefact = wires->data[k],
                                       .spec = *rv_dataset_spec (wires->data[k]),
                                       .has_spec = TRUE };
  const RvPortResolver resolver = { test_wire_port, analysis };
  RvInstance *instance = value ? rv_instance_new (NULL, TRUE, value, "", &resolver, NULL, mistakes) : NULL;
  if (!instance)
    {
      rv_mistakes_raise (mistakes, error);
      return NULL;
    }
  analysis->node = rv_node_new (&analysis->state, "t", "", (RvPlace){ 0 }, instance);
  RvNode *node = analysis->node;
  if ((node->class->check && !node->class->check (instance->self, node, error))
      || !node->class->run (instance->self, node, error))
    return NULL;
  return g_steal_pointer (&analysis);
}

static inline RvTable *
test_table (const TestAnalysis *analysis, const char *output)
{
  const RvPortValue *value = rv_node_output (analysis->node, output);
  g_assert_nonnull (value);
  g_assert_nonnull (value->artefact);
  return value->artefact;
}

static inline RvFigure *
test_figure (const TestAnalysis *analysis, const char *output)
{
  return (RvFigure *)(void *)test_table (analysis, output);
}

/* A number of a table by the name of its column. */
static inline double
test_number (const RvTable *table, uint32_t row, const char *column)
{
  const int c = rv_table_find_column (table, column);
  g_assert_cmpint (c, >=, 0);
  g_assert_cmpuint (row, <, rv_table_rows (table));
  return rv_table_get_real (table, row, (uint32_t)c);
}

/* Refused with words that hold each of `words`, which are set apart by |. */
static inline void
test_analysis_refused (const TestWires *wires, const char *text, const char *words)
{
  g_autoptr (GError) error = NULL;
  g_auto (GStrv) parts = g_strsplit (words, "|", -1);
  g_autoptr (TestAnalysis) analysis = test_analysis (wires, text, &error);
  g_assert_null (analysis);
  g_assert_nonnull (error);
  g_test_message ("%s", error->message);
  for (char **part = parts; *part; part++)
    if (!strstr (error->message, *part))
      g_error ("'%s' is not in: %s", *part, error->message);
}

#endif
