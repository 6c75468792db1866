/* A bench for nodes: their ports wired to data, a model, tables and a figure of the checker's own, as the
 * graph would wire them, so that a node runs without a pipeline. */
#include "cli/check/check.h"
#include "pipeline/node.h"

#include <math.h>
#include <string.h>

struct RvCheckBench
{
  RvCheck *check;
  RvRunState state;
  RvNode upstream, failed; /* what made the things: they only have names */
  RvDataset *data[2];      /* train, test */
  RvModel *model;
  RvTable *table;
  RvFigure *figure;
  RvDatasetSpec model_spec;
  GPtrArray *wired; /* RvPortValue *, owned; what they will have stands in `things` until the node runs */
  GPtrArray *things;
  guint datasets;
  RvNode *node;
};

static const RvPlace nowhere;

const RvCheckWiring rv_check_wirings[RV_CHECK_WIRINGS] = { { RV_FORM_STATIC, 0 },
                                                           { RV_FORM_EVENTS, 0 },
                                                           { RV_FORM_SPIKES, RV_CHECK_STEPS },
                                                           { RV_FORM_STATIC, RV_CHECK_STEPS },
                                                           { RV_FORM_FRAMES, RV_CHECK_STEPS } };

static RvPortValue *
add_value (RvCheckBench *bench, RvArtefactKind kind, const char *name, void *thing)
{
  static const RvOutput outputs[] = { { "" },
                                      { "", RV_ARTEFACT_DATASET },
                                      { "", RV_ARTEFACT_MODEL },
                                      { "", RV_ARTEFACT_TABLE },
                                      { "", RV_ARTEFACT_FIGURE } };
  static char *cells[4][5] = { { "variant", "a", "seed", "1" },
                               { "variant", "a", "seed", "2" },
                               { "variant", "b", "seed", "1" },
                               { "variant", "b", "seed", "2" } };
  RvPortValue *value = g_new0 (RvPortValue, 1);
  const gboolean failed = bench->wired->len == 2; /* one cell of four */
  value->output = &outputs[kind];
  value->node = failed && kind == RV_ARTEFACT_TABLE ? &bench->failed : &bench->upstream;
  value->name = g_strdup (name);
  value->choices = cells[bench->wired->len % 4];
  g_ptr_array_add (bench->wired, value);
  g_ptr_array_add (bench->things, value->node == &bench->failed ? NULL : thing);
  return value;
}

static gboolean
wire (void *self, const RvParam *param, const RvValue *reference, RvPort *port, RvMistakes *mistakes)
{
  RvCheckBench *bench = self;
  void *const things[]
      = { NULL, bench->data[bench->datasets % 2], bench->model, bench->table, bench->figure };
  if (things[param->artefact] == NULL)
    {
      rv_mistakes_add (mistakes, nowhere, "the model for '%s' needs an installed layer, decoder and loss",
                       param->name);
      return FALSE;
    }
  RvPortValue *value = add_value (bench, param->artefact, reference->text, things[param->artefact]);
  port->value = value;
  value->has_spec = param->artefact == RV_ARTEFACT_DATASET || param->artefact == RV_ARTEFACT_MODEL;
  if (param->artefact == RV_ARTEFACT_DATASET)
    value->spec = *rv_dataset_spec (bench->data[bench->datasets++ % 2]);
  else if (param->artefact == RV_ARTEFACT_MODEL)
    value->spec = bench->model_spec;
  return TRUE;
}

static RvTable *
make_table (void)
{
  static const char *const names[] = { "epoch", "accuracy", "loss" };
  RvTable *table = rv_table_new ("Table of the checker");
  for (uint32_t c = 0; c < G_N_ELEMENTS (names); c++)
    rv_table_add_column (table, names[c], c == 0 ? RV_COLUMN_INT : RV_COLUMN_REAL, 2);
  for (uint32_t r = 0; r < 3; r++)
    {
      rv_table_add_row (table);
      rv_table_set_int (table, r, 0, r + 1);
      rv_table_set_real (table, r, 1, 70.0 + 3.0 * r);
      rv_table_set_real (table, r, 2, 1.0 / (r + 1.0));
    }
  return table;
}

/* FALSE must come with an error, TRUE without one. */
static gboolean
keeps_contract (RvCheckBench *bench, const char *function, gboolean good, const GError *error,
                RvVerdict *verdict)
{
  if (!good && (error == NULL || error->message[0] == '\0'))
    *verdict = rv_check_fail (bench->check, "%s returns FALSE and does not say why", function);
  else if (good && error != NULL)
    *verdict
        = rv_check_fail (bench->check, "%s returns TRUE and sets an error: %s", function, error->message);
  return *verdict == RV_VERDICT_OK;
}

RvCheckBench *
rv_bench_new (RvCheck *check, guint trial, const RvCheckWiring *wiring, RvVerdict *verdict, GError **error)
{
  static const char *const forms[] = { "images", "spikes", "frames", "events" };
  g_autoptr (RvCheckBench) bench = g_new0 (RvCheckBench, 1);
  const RvPortResolver resolver = { wire, bench };
  const uint32_t other = wiring->other_units > 0 ? wiring->other_units : RV_CHECK_UNITS;
  g_autoptr (RvDataset) model_data = rv_check_data_of (wiring->steps > 0 ? wiring->form : RV_FORM_SPIKES,
                                                       other, RV_CHECK_STEPS, FALSE, FALSE, "train");
  bench->check = check;
  bench->state
      = (RvRunState){ .data_root = (char *)check->data_root, .out = (char *)check->scratch, .quiet = TRUE };
  bench->upstream.name = bench->failed.name = "upstream";
  bench->failed.failure = "diverged in epoch 3";
  bench->wired = g_ptr_array_new ();
  bench->things = g_ptr_array_new ();
  for (int k = 0; k < 2; k++)
    bench->data[k] = rv_check_data_of (wiring->form, RV_CHECK_UNITS, wiring->steps, wiring->varies,
                                       wiring->spoiled, k == 0 ? "train" : "test");
  bench->model_spec = *rv_dataset_spec (model_data);
  bench->model = rv_check_any_network (&bench->model_spec);
  if (wiring->spoiled && bench->model != NULL)
    rv_check_spoil_model (bench->model);
  bench->table = make_table ();
  bench->figure = rv_figure_new (RV_FIGURE_LINE, "Figure of the checker", "x", "y");
  rv_series_add (rv_figure_add_series (bench->figure, "series"), NULL, 1.0, 2.0, NAN, NAN);
  rv_check_at ("data of the checker: %s of %d units, %u steps%s", forms[wiring->form], RV_CHECK_UNITS,
               wiring->steps, wiring->spoiled ? ", with NaN and infinities" : "");
  g_autoptr (RvValue) resolved = rv_value_map (nowhere);
  RvInstance *instance = rv_check_instance (check, trial, &resolver, resolved);
  if (instance == NULL)
    {
      g_set_error (error, RV_ERROR, RV_ERROR_PIPELINE, "its parameters are refused: %s", check->said->str);
      return NULL;
    }
  bench->node = rv_node_new (&bench->state, "check", "", nowhere, instance);
  bench->node->resolved = g_steal_pointer (&resolved);
  GError *problem = NULL;
  const RvNodeClass *class = bench->node->class;
  gboolean good = class->check == NULL || class->check (instance->self, bench->node, &problem);
  if (keeps_contract (bench, "check", good, problem, verdict) && good)
    {
      good = rv_node_identify (bench->node, &problem);
      keeps_contract (bench, "identify", good, problem, verdict);
    }
  if (problem != NULL)
    g_propagate_error (error, problem);
  return good && *verdict == RV_VERDICT_OK ? g_steal_pointer (&bench) : NULL;
}

void
rv_bench_free (RvCheckBench *bench)
{
  g_clear_pointer (&bench->node, rv_node_free);
  for (guint k = 0; k < bench->wired->len; k++)
    {
      g_free (((RvPortValue *)bench->wired->pdata[k])->name);
      g_free (bench->wired->pdata[k]);
    }
  g_ptr_array_unref (bench->wired);
  g_ptr_array_unref (bench->things);
  rv_dataset_unref (bench->data[0]);
  rv_dataset_unref (bench->data[1]);
  rv_model_unref (bench->model);
  rv_table_unref (bench->table);
  rv_figure_unref (bench->figure);
  g_free (bench);
}

/* Every output must be there; a dataset or model only where check told its spec, and as it told it: samples
 * at the most. */
static RvVerdict
check_outputs (RvCheckBench *bench)
{
  for (guint k = 0; k < bench->node->outputs->len; k++)
    {
      const RvPortValue *value = bench->node->outputs->pdata[k];
      const RvArtefactKind kind = value->output->kind;
      const RvDatasetSpec *told = &value->spec, *made = kind == RV_ARTEFACT_DATASET && value->artefact != NULL
                                                            ? rv_dataset_spec (value->artefact)
                                                            : told;
      const gboolean needed = value->has_spec || (kind != RV_ARTEFACT_DATASET && kind != RV_ARTEFACT_MODEL);
      if (needed && value->artefact == NULL)
        return rv_check_fail (bench->check, "run returns TRUE, but output '%s' is not there",
                              value->output->name);
      if (value->artefact != NULL && !needed)
        return rv_check_fail (bench->check, "output '%s' is there, but check told no spec of it",
                              value->output->name);
      if (told->form != made->form || made->samples > told->samples || told->units != made->units
          || told->steps != made->steps || told->classes != made->classes || told->varies != made->varies)
        return rv_check_fail (
            bench->check,
            "check says that '%s' is at most %u samples, %u units, %u steps, %u classes%s, but run "
            "makes %u, %u, %u, %u%s",
            value->output->name, told->samples, told->units, told->steps, told->classes,
            told->varies ? ", varying" : "", made->samples, made->units, made->steps, made->classes,
            made->varies ? ", varying" : "");
    }
  return RV_VERDICT_OK;
}

gboolean
rv_bench_run (RvCheckBench *bench, RvVerdict *verdict, GError **error)
{
  GError *problem = NULL;
  for (guint k = 0; k < bench->wired->len; k++)
    ((RvPortValue *)bench->wired->pdata[k])->artefact = bench->things->pdata[k];
  const gboolean good = bench->node->class->run (bench->node->instance->self, bench->node, &problem);
  if (keeps_contract (bench, "run", good, problem, verdict) && good)
    *verdict = check_outputs (bench);
  if (problem != NULL)
    g_propagate_error (error, problem);
  return good && *verdict == RV_VERDICT_OK;
}

RvCheckBench *
rv_bench_any (RvCheck *check, guint trial, gboolean varies, gboolean spoiled, RvVerdict *verdict)
{
  g_autoptr (GError) error = NULL;
  *verdict = RV_VERDICT_OK;
  for (guint k = 0; k < RV_CHECK_WIRINGS && *verdict == RV_VERDICT_OK; k++)
    {
      RvCheckWiring wiring
          = rv_check_wirings[spoiled ? RV_CHECK_WIRINGS - 1 - k : k]; /* frames can hold NaN */
      wiring.varies = varies;
      wiring.spoiled = spoiled;
      g_clear_error (&error);
      g_autoptr (RvCheckBench) bench = rv_bench_new (check, trial, &wiring, verdict, &error);
      if (bench != NULL && (rv_bench_run (bench, verdict, &error) || *verdict != RV_VERDICT_OK || spoiled))
        return *verdict == RV_VERDICT_OK ? g_steal_pointer (&bench) : NULL;
    }
  if (*verdict == RV_VERDICT_OK)
    *verdict = rv_check_skip (check, "%s", error->message);
  return NULL;
}

void
rv_bench_stop_at (RvCheckBench *bench, const char *kept, uint64_t call)
{
  bench->node->kept = g_strdup (kept);
  bench->state.checkpoint_every = G_MAXINT64;
  bench->state.stop_at = call;
}

uint64_t
rv_bench_steps (const RvCheckBench *bench)
{
  return bench->state.steps;
}

RvDataset *
rv_bench_dataset (const RvCheckBench *bench)
{
  for (guint k = 0; k < bench->node->outputs->len; k++)
    if (((RvPortValue *)bench->node->outputs->pdata[k])->output->kind == RV_ARTEFACT_DATASET)
      return ((RvPortValue *)bench->node->outputs->pdata[k])->artefact;
  return NULL;
}

static void
append_figure (const RvFigure *figure, GString *text)
{
  for (uint32_t s = 0; s < rv_figure_series (figure); s++)
    {
      const RvSeries *series = rv_figure_get_series (figure, s);
      for (guint k = 0; k < series->x->len; k++)
        g_string_append_printf (text, "%s: %.17g %.17g\n", series->name, g_array_index (series->x, double, k),
                                g_array_index (series->y, double, k));
    }
}

char *
rv_bench_results (const RvCheckBench *bench)
{
  GString *text = g_string_new (NULL);
  for (guint k = 0; k < bench->node->outputs->len; k++)
    {
      const RvPortValue *value = bench->node->outputs->pdata[k];
      g_string_append_printf (text, "output '%s'\n", value->output->name);
      if (value->artefact == NULL)
        continue;
      if (value->output->kind == RV_ARTEFACT_TABLE)
        {
          g_autofree char *csv = rv_table_to_csv (value->artefact);
          g_autofree char *notes = g_strjoinv ("\n", (char **)rv_table_notes (value->artefact));
          g_string_append_printf (text, "%s%s\n", csv, notes);
        }
      else if (value->output->kind == RV_ARTEFACT_FIGURE)
        append_figure (value->artefact, text);
      else if (value->output->kind == RV_ARTEFACT_MODEL)
        for (size_t i = 0; i < rv_model_parameter_count (value->artefact); i++)
          g_string_append_printf (text, "parameter %zu: %a\n", i, rv_model_parameters (value->artefact)[i]);
      else
        for (uint32_t id = 0; id < MIN (rv_dataset_spec (value->artefact)->samples, 40); id++)
          {
            g_auto (RvRecording) recording = { 0 };
            g_autofree char *flaw = NULL;
            g_string_append_printf (text, "recording %u: %" G_GINT64_MODIFIER "x %s\n", id,
                                    rv_check_recording (value->artefact, 0, id, &recording, &flaw),
                                    flaw != NULL ? flaw : "");
          }
    }
  return g_string_free (text, FALSE);
}
