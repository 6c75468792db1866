/* Attacks on small networks that were trained for them: what their tables say is counted again with the engine
 * alone, budgets hold, a gradient beats chance, and an interruption changes nothing. */
#include "base/threads.h"
#include "pipeline/node.h"
#include "support.h"
#include "../unit/network.h"

#define UNITS 40
#define STEPS 12
#define SAMPLES 90
#define CLASSES 3

/* ---- data: each class has units of its own that are more active than the others */

typedef struct
{
  RvForm form;
  gboolean doubled; /* one unit of one recording fires twice */
} Source;

static gboolean
read_source (gconstpointer self, uint64_t epoch, uint32_t id, RvRecording *out, GError **error)
{
  const Source *source = self;
  const RvStream own = rv_stream_fork (rv_stream_new (5, "", "data", ""), id);
  const uint32_t label = id % CLASSES;
  if (source->form == RV_FORM_SPIKES)
    {
      uint32_t n = 0;
      rv_recording_set_spikes (out, STEPS, UNITS, STEPS * UNITS + 1);
      for (uint32_t t = 0; t < STEPS; t++)
        {
          out->offsets[t] = n;
          for (uint32_t u = 0; u < UNITS; u++)
            if (rv_stream_uniform (own, t * UNITS + u) < (u % CLASSES == label ? 0.25f : 0.1f))
              out->ids[n++] = u;
          if (source->doubled && id == 7 && t == STEPS - 1)
            {
              out->ids[n] = out->ids[n - 1];
              n++;
            }
        }
      out->offsets[STEPS] = n;
    }
  else
    {
      const uint32_t rows = source->form == RV_FORM_STATIC ? 1 : STEPS;
      float *x
          = rows == 1 ? rv_recording_set_static (out, UNITS) : rv_recording_set_frames (out, STEPS, UNITS);
      for (uint32_t k = 0; k < rows * UNITS; k++)
        x[k] = 0.6f * rv_stream_uniform (own, k) + (k % UNITS % CLASSES == label ? 0.4f : 0.0f);
    }
  out->steps = STEPS;
  out->length = id % 10 == 3 ? STEPS - 2 : 0;
  out->label = label;
  return TRUE;
}

static RvDataset *
make_data (const Source *source)
{
  const RvDatasetSpec spec = { .form = source->form,
                               .samples = SAMPLES,
                               .units = UNITS,
                               .dims = { UNITS, 1, 1 },
                               .steps = STEPS,
                               .classes = CLASSES,
                               .split = "test" };
  return rv_dataset_new (&spec, read_source, (gpointer)source, NULL);
}

#define SMOOTH "{use: fast-sigmoid, steepness: 5}"
#define NARROW "{use: rectangle, width: 1e-6}"

static RvModel *
make_model (RvDataset *data, const char *surrogate)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *hidden = g_strdup_printf ("{use: dense, units: 24, weight-scale: 3, neuron: {use: lif, "
                                             "leak: 0.8, threshold: 0.5, surrogate: %s}}",
                                             surrogate);
  const char *const layers[]
      = { hidden, "{use: dense, units: 3, neuron: {use: leaky-integrator, leak: 0.9}}" };
  RvModel *model = network_new (2, layers, "mean-membrane", "cross-entropy", rv_dataset_spec (data), 3);
  g_autoptr (RvInstance) adam = network_instance ("optimizer", "{use: adam, rate: 1e-2}", "optimizer");
  g_autoptr (RvUpdater) updater = rv_updater_new (model, adam);
  g_autofree float *gradient = g_new (float, rv_model_parameter_count (model));
  const RvBatch batch = { .data = data, .n = SAMPLES };
  for (uint32_t k = 0; k < 40; k++)
    {
      g_assert_true (rv_model_gradient (model, NULL, &batch, gradient, NULL, &error));
      rv_updater_step (updater, model, gradient, 1.0);
    }
  return model;
}

/* ---- running a node */

typedef struct
{
  RvPortValue data, model;
} Wires;

static gboolean
wire (void *self, const RvParam *param, const RvValue *reference, RvPort *port, RvMistakes *mistakes)
{
  Wires *wires = self;
  port->value = param->artefact == RV_ARTEFACT_MODEL ? &wires->model : &wires->data;
  return TRUE;
}

/* `kept`: a folder for checkpoints, or NULL; stops at call `stop` of rv_node_checkpoint (0: never). NULL with an
 * error of init, check or run. */
static RvNode *
attack_from (const char *text, RvModel *model, RvDataset *data, const char *kept, uint64_t stop,
             GError **error)
{
  static const RvOutput outputs[] = { { "", RV_ARTEFACT_DATASET, "" }, { "", RV_ARTEFACT_MODEL, "" } };
  static RvRunState state;
  g_autoptr (RvMistakes) mistakes = rv_mistakes_new ();
  g_autoptr (RvValue) value = rv_yaml_parse (text, strlen (text), "test.yaml", mistakes);
  const RvDatasetSpec *spec = rv_dataset_spec (data);
  Wires *wires = g_new0 (Wires, 1); /* the node's ports point here */
  g_test_queue_free (wires);
  wires->data = (RvPortValue){
    .output = &outputs[0], .name = (char *)"data", .artefact = data, .spec = *spec, .has_spec = TRUE
  };
  wires->model = (RvPortValue){
    .output = &outputs[1], .name = (char *)"fit.last", .artefact = model, .spec = *spec, .has_spec = TRUE
  };
  const RvPortResolver resolver = { wire, wires };
  RvInstance *instance = rv_instance_new (NULL, TRUE, value, "", &resolver, NULL, mistakes);
  if (!instance)
    {
      rv_mistakes_raise (mistakes, error);
      return NULL;
    }
  state = (RvRunState){ .quiet = TRUE, .checkpoint_every = G_MAXINT64, .stop_at = stop };
  g_autoptr (RvNode) node = rv_node_new (&state, "attacked", "", (RvPlace){ 0 }, instance);
  node->kept = g_strdup (kept);
  node->identity = g_strdup ("test");
  node->made_from = rv_value_map ((RvPlace){ 0 });
  return node->class->check (instance->self, node, error) && node->class->run (instance->self, node, error)
             ? g_steal_pointer (&node)
             : NULL;
}

static RvNode *
attack (const char *text, RvModel *model, RvDataset *data)
{
  g_autoptr (GError) error = NULL;
  RvNode *node = attack_from (text, model, data, NULL, 0, &error);
  g_assert_no_error (error);
  return node;
}

static RvTable *
table_of (RvNode *node, const char *name)
{
  return rv_node_output (node, name)->artefact;
}

static RvDataset *
data_of (RvNode *node)
{
  return rv_node_output (node, "")->artefact;
}

static double
number (const RvTable *table, uint32_t row, const char *column)
{
  const int c = rv_table_find_column (table, column);
  g_assert_cmpint (c, >=, 0);
  return rv_table_get_real (table, row, (uint32_t)c);
}

static char *
word (const RvTable *table, uint32_t row, const char *column)
{
  return rv_table_get_text (table, row, (uint32_t)rv_table_find_column (table, column));
}

/* ---- looking with the engine alone */

typedef struct
{
  int found[SAMPLES * CLASSES]; /* the class with the one largest score; -1: none */
  float *gradient;              /* [n][rows][units], or NULL */
  uint32_t rows;
} Look;

static void
look_tile (void *self, const RvTileView *view)
{
  Look *look = self;
  for (uint32_t s = 0; s < view->samples; s++)
    {
      const float *scores = view->scores + s * view->classes;
      int best = 0, equal = 0;
      for (uint32_t c = 1; c < CLASSES; c++)
        best = scores[c] > scores[best] ? (int)c : best;
      for (uint32_t c = 0; c < CLASSES; c++)
        equal += scores[c] == scores[best];
      look->found[view->ids[s]] = equal == 1 ? best : -1;
      const RvSignal *g = view->input_gradient;
      for (uint32_t t = 0; g && t < look->rows; t++)
        memcpy (look->gradient + (view->ids[s] * look->rows + t) * UNITS,
                g->dense + ((size_t)t * g->samples + s) * g->stride, UNITS * sizeof (float));
    }
}

static void
look_at (RvModel *model, RvDataset *data, Look *look)
{
  g_autoptr (GError) error = NULL;
  const RvDatasetSpec *spec = rv_dataset_spec (data);
  const RvBatch batch = { .data = data, .n = spec->samples };
  const RvObserver observer = { .tile = look_tile, .self = look };
  look->rows = spec->form == RV_FORM_STATIC ? 1 : STEPS;
  look->gradient = g_new0 (float, (size_t)spec->samples * look->rows * UNITS);
  g_assert_true (rv_model_input_gradient (model, NULL, &batch, NULL, &observer, NULL, &error));
}

/* Values, or 0 and 1, [rows][UNITS]; how many rows count. */
static uint32_t
dense (RvDataset *data, uint32_t id, float *x)
{
  g_auto (RvRecording) r = { 0 };
  g_assert_true (rv_dataset_read (data, 0, id, &r, NULL));
  const uint32_t rows = r.form == RV_FORM_STATIC ? 1 : STEPS;
  memset (x, 0, sizeof (float) * STEPS * UNITS);
  if (r.form != RV_FORM_SPIKES)
    memcpy (x, r.values, sizeof (float) * rows * UNITS);
  for (uint32_t t = 0; r.form == RV_FORM_SPIKES && t < STEPS; t++)
    for (uint32_t e = r.offsets[t]; e < r.offsets[t + 1]; e++)
      x[t * UNITS + r.ids[e]] += 1.0f;
  return r.form == RV_FORM_STATIC ? 1 : r.length ? r.length : STEPS;
}

typedef struct
{
  double successes, attacked, share, l2, linf, most;
} Sum;

/* Counts again what the tables say. */
static Sum
recount (RvNode *node, RvModel *model, RvDataset *source)
{
  RvTable *samples = table_of (node, "samples"), *summary = table_of (node, "summary");
  RvDataset *data = data_of (node);
  Look clean, after;
  Sum sum = { 0 };
  double wrong = 0.0;
  look_at (model, source, &clean);
  look_at (model, data, &after);
  g_assert_cmpuint (rv_table_rows (samples), ==, rv_dataset_spec (data)->samples);
  for (uint32_t k = 0; k < rv_table_rows (samples); k++)
    {
      float x[STEPS * UNITS], before[STEPS * UNITS];
      const uint32_t id = (uint32_t)number (samples, k, "recording"), rows = dense (source, id, before);
      const int label = (int)(id % CLASSES);
      const double target = number (samples, k, "target");
      g_autofree char *result = word (samples, k, "result");
      double squares = 0.0, linf = 0.0, changed = 0.0;
      g_assert_cmpuint (dense (data, k, x), ==, rows);
      for (uint32_t j = 0; j < STEPS * UNITS; j++)
        {
          const double d = (double)x[j] - before[j];
          g_assert_true (j < rows * UNITS || d == 0.0); /* steps that do not count stay */
          squares += d * d;
          linf = MAX (linf, fabs (d));
          changed += d != 0.0;
        }
      g_assert_true ((strcmp (result, "wrong at start") == 0) == (clean.found[id] != label));
      g_assert_cmpfloat (number (samples, k, "changed"), ==, changed);
      g_assert_cmpfloat (fabs (number (samples, k, "l2") - sqrt (squares)), <, 1e-6);
      if (clean.found[id] != label)
        {
          g_assert_cmpfloat (changed, ==, 0.0);
          wrong += 1.0;
          continue;
        }
      const gboolean won
          = after.found[k] >= 0 && (isnan (target) ? after.found[k] != label : after.found[k] == (int)target);
      g_assert_cmpint (strcmp (result, "success") == 0, ==, won);
      sum.attacked += 1.0;
      sum.most = MAX (sum.most, changed / (rows * UNITS));
      sum.linf = MAX (sum.linf, linf);
      if (!won)
        continue;
      sum.successes += 1.0;
      sum.share += changed / (rows * UNITS);
      sum.l2 += sqrt (squares);
    }
  g_assert_cmpfloat (number (summary, 0, "drawn"), ==, rv_table_rows (samples));
  g_assert_cmpfloat (number (summary, 0, "wrong at start"), ==, wrong);
  g_assert_cmpfloat (number (summary, 0, "attacked"), ==, sum.attacked);
  g_assert_cmpfloat (number (summary, 0, "never flipped"), ==, sum.attacked - sum.successes);
  if (sum.attacked > 0)
    g_assert_cmpfloat (fabs (number (summary, 0, "success rate") - 100.0 * sum.successes / sum.attacked), <,
                       1e-9);
  sum.share /= sum.successes;
  sum.l2 /= sum.successes;
  if (sum.successes > 0)
    g_assert_cmpfloat (fabs (number (summary, 0, "l2") - sum.l2), <, 1e-6);
  g_test_message ("%s: %g of %g, share %g, l2 %g", rv_table_title (summary), sum.successes, sum.attacked,
                  sum.share, sum.l2);
  g_free (clean.gradient);
  g_free (after.gradient);
  return sum;
}

/* ---- spikes */

static const Source spikes = { RV_FORM_SPIKES, FALSE };

/* All are flipped, and with fewer flips than by chance. */
static void
test_spikes (void)
{
  g_autoptr (RvDataset) data = make_data (&spikes);
  g_autoptr (RvModel) model = make_model (data, SMOOTH);
  g_autoptr (RvNode) fine
      = attack ("{use: attack/spike-gradient, model: m, data: d, samples: 0, sampling: 0.1}", model, data),
      liang = attack ("{use: attack/spike-gradient, model: m, data: d, samples: 0}", model, data),
      chance = attack ("{use: attack/random-flip, model: m, data: d, samples: 0}", model, data),
      some = attack ("{use: attack/spike-gradient, model: m, data: d, samples: 20}", model, data);
  const Sum a = recount (fine, model, data), b = recount (liang, model, data),
            c = recount (chance, model, data);
  g_assert_cmpfloat (a.attacked, >, 0.8 * SAMPLES);
  g_assert_cmpfloat (a.successes, ==, a.attacked);
  g_assert_cmpfloat (b.successes, ==, b.attacked);
  g_assert_cmpfloat (a.share, <, b.share);
  g_assert_cmpfloat (2.0 * a.share, <, c.share);
  g_assert_cmpfloat (b.share, <, c.share);
  g_assert_cmpfloat (fabs (number (table_of (fine, "summary"), 0, "flipped share") - a.share), <, 1e-9);
  recount (some, model, data);
  g_assert_cmpuint (rv_dataset_spec (data_of (some))->samples, ==, 20);
}

/* What one iteration does: along the sign of the gradient, and surely where it is largest. */
static void
test_direction (void)
{
  g_autoptr (RvDataset) data = make_data (&spikes);
  g_autoptr (RvModel) model = make_model (data, SMOOTH);
  g_autoptr (RvNode) node
      = attack ("{use: attack/spike-gradient, model: m, data: d, samples: 0, iterations: 1}", model, data);
  Look look;
  uint32_t flips = 0;
  look_at (model, data, &look);
  for (uint32_t id = 0; id < SAMPLES; id++)
    {
      float x[STEPS * UNITS], before[STEPS * UNITS], most = 0.0f;
      const float *g = look.gradient + id * STEPS * UNITS;
      dense (data_of (node), id, x);
      dense (data, id, before);
      for (uint32_t j = 0; j < STEPS * UNITS; j++)
        most = MAX (most, fabsf (g[j]));
      for (uint32_t j = 0; j < STEPS * UNITS; j++)
        {
          flips += x[j] != before[j];
          if (x[j] != before[j])
            g_assert_true (x[j] > 0.0f ? g[j] > 0.0f : g[j] < 0.0f);
          if (look.found[id] == (int)(id % CLASSES) && fabsf (g[j]) == most)
            g_assert_cmpfloat (x[j], ==, g[j] > 0.0f ? 1.0f : 0.0f);
        }
    }
  g_assert_cmpuint (flips, >, SAMPLES);
  g_free (look.gradient);
}

/* Towards a class: its score is the largest in the end. */
static void
test_targets (void)
{
  g_autoptr (RvDataset) data = make_data (&spikes);
  g_autoptr (RvModel) model = make_model (data, SMOOTH);
  g_autoptr (RvNode) each
      = attack ("{use: attack/spike-gradient, model: m, data: d, samples: 30, target: each}", model, data),
      random
      = attack ("{use: attack/spike-gradient, model: m, data: d, samples: 0, target: random}", model, data);
  const Sum a = recount (each, model, data), b = recount (random, model, data);
  g_assert_cmpuint (rv_dataset_spec (data_of (each))->samples, ==, 60);
  g_assert_cmpfloat (a.successes, >, 0.9 * a.attacked);
  g_assert_cmpfloat (b.successes, >, 0.9 * b.attacked);
  for (uint32_t k = 0; k < 60; k += 2)
    {
      RvTable *samples = table_of (each, "samples");
      const double label = number (samples, k, "label");
      g_assert_cmpfloat (number (samples, k, "recording"), ==, number (samples, k + 1, "recording"));
      g_assert_cmpfloat (number (samples, k, "target") + number (samples, k + 1, "target") + label, ==, 3.0);
      g_assert_cmpfloat (number (samples, k, "target"), !=, label);
    }
}

/* A surrogate as narrow as this one hands nothing back, so that each entry flips with probability gamma; a
 * threshold raised for the gradient alone changes who gets one. A limit keeps the far ones from counting. */
static void
test_vanished (void)
{
  g_autoptr (RvDataset) data = make_data (&spikes);
  g_autoptr (RvModel) narrow = make_model (data, NARROW), smooth = make_model (data, SMOOTH);
  g_autoptr (RvNode) once
      = attack ("{use: attack/spike-gradient, model: m, data: d, samples: 0, iterations: 1, gamma: 0.3}",
                narrow, data),
      plain = attack ("{use: attack/spike-gradient, model: m, data: d, samples: 0}", smooth, data),
      raised = attack ("{use: attack/spike-gradient, model: m, data: d, samples: 0, gradient-threshold: 1.5}",
                       smooth, data),
      limited = attack ("{use: attack/spike-gradient, model: m, data: d, samples: 0, iterations: 20, "
                        "sampling: 0.1, limit: 0.04}",
                        smooth, data);
  double flips = 0.0, entries = 0.0;
  RvTable *samples = table_of (once, "samples");
  for (uint32_t k = 0; k < SAMPLES; k++)
    if (number (samples, k, "iterations") > 0.0)
      {
        flips += number (samples, k, "changed");
        entries += UNITS * (k % 10 == 3 ? STEPS - 2 : STEPS);
      }
  g_assert_cmpfloat (entries, >, 0.0);
  g_assert_cmpfloat (fabs (flips / entries - 0.3), <, 5.0 * sqrt (0.3 * 0.7 / entries));
  const Sum b = recount (plain, smooth, data), c = recount (raised, smooth, data);
  g_assert_cmpfloat (b.successes, ==, b.attacked);
  g_assert_cmpfloat (c.successes, ==, c.attacked);
  g_assert_cmpfloat (b.share, !=, c.share);
  RvTable *few = table_of (limited, "samples");
  const double wins = number (table_of (limited, "summary"), 0, "success rate");
  g_assert_cmpfloat (wins, >, 0.0);
  g_assert_cmpfloat (wins, <, 100.0);
  for (uint32_t k = 0; k < SAMPLES; k++)
    {
      g_autofree char *result = word (few, k, "result");
      if (strcmp (result, "success") == 0)
        g_assert_cmpfloat (number (few, k, "changed share"), <=, 0.04);
    }
  g_assert_cmpuint (
      test_count (rv_table_notes (table_of (limited, "summary"))[2], "never flipped: recordings "), ==, 1);
}

/* Scores that are all equal name no class: nothing is told right, and nothing is attacked. */
static void
test_ties (void)
{
  g_autoptr (RvDataset) data = make_data (&spikes);
  g_autoptr (RvModel) model = make_model (data, SMOOTH);
  memset (rv_model_parameters (model), 0, rv_model_parameter_count (model) * sizeof (float));
  g_autoptr (RvNode) node
      = attack ("{use: attack/spike-gradient, model: m, data: d, samples: 0}", model, data);
  RvTable *summary = table_of (node, "summary");
  g_assert_cmpfloat (number (summary, 0, "wrong at start"), ==, SAMPLES);
  g_assert_cmpfloat (number (summary, 0, "attacked"), ==, 0.0);
  g_assert_true (isnan (number (summary, 0, "success rate")));
}

/* ---- values */

static void
test_values (gconstpointer user)
{
  const Source *source = user;
  g_autoptr (RvDataset) data = make_data (source);
  g_autoptr (RvModel) model = make_model (data, SMOOTH);
  g_autoptr (RvNode) fgsm
      = attack ("{use: attack/fgsm, model: m, data: d, samples: 0, epsilon: 0.1}", model, data),
      pgd = attack ("{use: attack/pgd, model: m, data: d, samples: 0, epsilon: 0.1, random-start: no}", model,
                    data),
      wide = attack ("{use: attack/pgd, model: m, data: d, samples: 0, epsilon: 0.3}", model, data),
      l2 = attack ("{use: attack/pgd, model: m, data: d, samples: 0, norm: l2, epsilon: 1.5, step-size: 0.2}",
                   model, data),
      aimed = attack ("{use: attack/pgd, model: m, data: d, samples: 0, epsilon: 0.5, target: random}", model,
                      data);
  const Sum a = recount (fgsm, model, data), b = recount (pgd, model, data), c = recount (wide, model, data),
            d = recount (l2, model, data), e = recount (aimed, model, data);
  g_assert_cmpfloat (a.linf, <=, 0.1 + 1e-6);
  g_assert_cmpfloat (b.linf, <=, 0.1 + 1e-6);
  g_assert_cmpfloat (c.linf, <=, 0.3 + 1e-6);
  g_assert_cmpfloat (b.successes, >=, a.successes);
  g_assert_cmpfloat (c.successes, >, b.successes);
  g_assert_cmpfloat (c.successes, ==, c.attacked);
  g_assert_cmpfloat (e.successes, >, 0.9 * e.attacked);
  for (uint32_t k = 0; k < SAMPLES; k++)
    g_assert_cmpfloat (number (table_of (l2, "samples"), k, "l2"), <=, 1.5 + 1e-5);
  g_assert_cmpfloat (d.l2, <=, 1.5 + 1e-5);
  /* fgsm, written down again */
  Look look;
  look_at (model, data, &look);
  for (uint32_t id = 0; id < SAMPLES; id++)
    {
      float x[STEPS * UNITS], before[STEPS * UNITS];
      const uint32_t rows = dense (data, id, before);
      dense (data_of (fgsm), id, x);
      for (uint32_t j = 0; j < rows * UNITS && look.found[id] == (int)(id % CLASSES); j++)
        {
          const float g = look.gradient[id * look.rows * UNITS + j];
          const float there = CLAMP (before[j] + 0.1f * ((g > 0.0f) - (g < 0.0f)), 0.0f, 1.0f);
          g_assert_cmpfloat (fabsf (x[j] - there), <, 1e-6f);
        }
    }
  g_free (look.gradient);
}

/* ---- what must hold for all */

static char *
everything (RvNode *node)
{
  GString *all = g_string_new (NULL);
  g_autofree char *summary = rv_table_to_csv (table_of (node, "summary")),
                  *samples = rv_table_to_csv (table_of (node, "samples"));
  g_string_append_printf (all, "%s%s", summary, samples);
  for (uint32_t k = 0; k < rv_dataset_spec (data_of (node))->samples; k++)
    {
      float x[STEPS * UNITS];
      dense (data_of (node), k, x);
      for (uint32_t j = 0; j < STEPS * UNITS; j++)
        g_string_append_printf (all, "%a ", (double)x[j]);
    }
  return g_string_free (all, FALSE);
}

/* With any number of threads, and after any interruptions, the same. */
static void
test_same (void)
{
  static const uint32_t threads[] = { 1, 2, 3, 4, 7 };
  static const struct
  {
    const Source source;
    const char *text;
  } cases[]
      = { { { RV_FORM_SPIKES, FALSE }, "{use: attack/spike-gradient, model: m, data: d, sampling: 0.05}" },
          { { RV_FORM_SPIKES, FALSE }, "{use: attack/random-flip, model: m, data: d}" },
          { { RV_FORM_FRAMES, FALSE },
            "{use: attack/pgd, model: m, data: d, epsilon: 0.1, iterations: 12}" } };
  for (guint k = 0; k < G_N_ELEMENTS (cases); k++)
    {
      g_autoptr (RvDataset) data = make_data (&cases[k].source);
      g_autoptr (RvModel) model = make_model (data, SMOOTH);
      g_autofree char *first = NULL, *folder = g_dir_make_tmp ("ranvier-XXXXXX", NULL);
      for (uint32_t t = 0; t < G_N_ELEMENTS (threads); t++)
        {
          rv_threads_set (threads[t]);
          g_autoptr (RvNode) node = attack (cases[k].text, model, data);
          g_autofree char *all = everything (node);
          if (first)
            g_assert_true (strcmp (first, all) == 0);
          else
            first = g_steal_pointer (&all);
        }
      rv_threads_set (0);
      guint stops = 0;
      g_autoptr (RvNode) done = NULL;
      while (!done)
        {
          g_autoptr (GError) error = NULL;
          done = attack_from (cases[k].text, model, data, folder, 2, &error);
          g_assert_true (done || g_error_matches (error, RV_ERROR, RV_ERROR_STOPPED));
          g_assert_cmpuint (stops += !done, <, 200);
        }
      g_autofree char *all = everything (done);
      g_assert_cmpuint (stops, >, 1);
      g_assert_true (strcmp (first, all) == 0);
      test_remove (folder);
    }
}

static void
refused (const char *text, const Source *source, const char *why)
{
  g_autoptr (RvDataset) data = make_data (source);
  g_autoptr (GError) error = NULL;
  g_autoptr (RvModel) model = make_model (data, SMOOTH);
  g_assert_null (attack_from (text, model, data, NULL, 0, &error));
  g_assert_nonnull (error);
  g_test_message ("%s", error->message);
  g_assert_nonnull (strstr (error->message, why));
}

static void
test_refused (void)
{
  static const Source doubled = { RV_FORM_SPIKES, TRUE }, still = { RV_FORM_STATIC, FALSE };
  refused ("{use: attack/spike-gradient, model: m, data: d, samples: 0}", &doubled, "recording 7 has unit");
  refused ("{use: attack/spike-gradient, model: m, data: d}", &still, "attack/pgd is for these");
  refused ("{use: attack/pgd, model: m, data: d}", &spikes, "attack/spike-gradient is for these");
  refused ("{use: attack/fgsm, model: m, data: d, high: 0.5}", &still, "not within 'low' 0 and 'high' 0.5");
  refused ("{use: attack/fgsm, model: m, data: d, low: 2}", &still, "'low' (2) is not below 'high' (1)");
  refused ("{use: attack/random-flip, model: m, data: d, most: 0.0001}", &spikes, "is below 'first'");
}

int
main (int argc, char **argv)
{
  static const Source still = { RV_FORM_STATIC, FALSE }, frames = { RV_FORM_FRAMES, FALSE };
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/attacks/spikes", test_spikes);
  g_test_add_func ("/attacks/direction", test_direction);
  g_test_add_func ("/attacks/targets", test_targets);
  g_test_add_func ("/attacks/vanished", test_vanished);
  g_test_add_func ("/attacks/ties", test_ties);
  g_test_add_data_func ("/attacks/images", &still, test_values);
  g_test_add_data_func ("/attacks/frames", &frames, test_values);
  g_test_add_func ("/attacks/same", test_same);
  g_test_add_func ("/attacks/refused", test_refused);
  return g_test_run ();
}
