/* The parameter table: every type, its refusals and their messages, defaults, slots, and who frees what. */
#include "plugin/draw.h"
#include "plugin/params.h"

#include <string.h>

typedef struct
{
  gboolean flag;
  int64_t units;
  double rate, wait, wide;
  int reset;
  char *title, *file;
  RvInts ints;
  RvReals reals;
  char **texts;
  RvRealMap map;
  RvTrainable leak, gain;
  RvInstance *surrogate;
  RvInstances many;
  RvPort port;
  RvPorts ports;
} Self;

static int inits, clears;

static gboolean
init (void *data, GError **error)
{
  const Self *self = data;

  inits++;
  if (self->units != 13)
    return TRUE;
  g_set_error (error, RV_ERROR, RV_ERROR_PIPELINE, "13 units bring bad luck");
  return FALSE;
}

static void
clear (void *data)
{
  clears++;
}

static const char *const resets[] = { "hard", "soft", "none", NULL };

static const RvParam table[] = { RV_BOOL (Self, flag, "no", "a switch"),
                                 RV_REQUIRED_INT (Self, units, 1, 100, "", "units of it"),
                                 RV_REAL (Self, rate, "0.5", 0, 2, "Hz", "a rate"),
                                 RV_DURATION (Self, wait, "1 ms", 0, 10, "a time"),
                                 RV_REAL (Self, wide, "inf", 0, RV_INF, "", "open above"),
                                 RV_CHOICE (Self, reset, "soft", resets, "a choice"),
                                 RV_TEXT (Self, title, NULL, "a text"),
                                 RV_PATH (Self, file, NULL, "a path"),
                                 RV_INTS (Self, ints, "1, 2", 0, 9, "", "integers"),
                                 RV_REALS (Self, reals, "[]", 0, 9, "", "reals"),
                                 RV_TEXTS (Self, texts, "[a, b]", "texts"),
                                 RV_REAL_MAP (Self, map, "numbers by name"),
                                 RV_TRAINABLE (Self, leak, "0.9", 0, 1, "", "a leak", RV_PARAM_UNIT_INTERVAL),
                                 RV_TRAINABLE (Self, gain, "1", 0, 10, "", "a gain", 0),
                                 RV_SLOT (Self, surrogate, "surrogate", "arctan", "a slot"),
                                 { "many", RV_PARAM_SLOTS, offsetof (Self, many), NULL, 0, 0, "", "slots",
                                   NULL, "surrogate", RV_ARTEFACT_NONE, 0 },
                                 RV_PORT (Self, port, RV_ARTEFACT_DATASET, 0, "a port"),
                                 RV_PORTS (Self, ports, RV_ARTEFACT_TABLE, 0, "ports"),
                                 RV_PARAM_END };

static const RvPlugin fake = { .size = sizeof (RvPlugin),
                               .kind = "test",
                               .name = "fake",
                               .params = table,
                               .params_size = sizeof (Self),
                               .init = init,
                               .clear = clear };

static const RvPlace at = { "dir/a.yaml", 3, 5 };

static gboolean
wire (void *self, const RvParam *param, const RvValue *reference, RvPort *port, RvMistakes *mistakes)
{
  port->value = (RvPortValue *)reference->text;
  return TRUE;
}

static const RvPortResolver resolver = { wire, NULL };

static RvValue *
text (const char *word)
{
  return rv_value_text (word, at);
}

static RvValue *
list (const char *const *words)
{
  RvValue *value = rv_value_list (at);

  for (; *words != NULL; words++)
    rv_value_append (value, text (*words));
  return value;
}

/* {units: 4, KEY: VALUE}; `item` is consumed. */
static RvInstance *
fill (const char *key, RvValue *item, RvValue *resolved, char **message)
{
  g_autoptr (RvValue) map = rv_value_map (at);
  g_autoptr (RvMistakes) mistakes = rv_mistakes_new ();
  g_autoptr (GError) error = NULL;
  RvInstance *instance;

  rv_value_set (map, "units", at, text ("4"));
  if (key != NULL)
    rv_value_set (map, key, at, item);
  instance = rv_instance_fill (&fake, map, "network.0", &resolver, resolved, mistakes);
  g_assert_true ((instance == NULL) == rv_mistakes_raise (mistakes, &error));
  if (message != NULL)
    *message = g_strdup (error != NULL ? error->message : "");
  else
    g_assert_no_error (error);
  return instance;
}

static void
refused (const char *key, RvValue *item, const char *part)
{
  g_autofree char *message = NULL;
  RvInstance *instance = fill (key, item, NULL, &message);

  g_assert_null (instance);
  if (strstr (message, part) == NULL)
    g_error ("'%s' is not in '%s'", part, message);
  g_assert_true (g_str_has_prefix (message, "dir/a.yaml:3:5: test/fake"));
}

static void
test_defaults (void)
{
  g_autoptr (RvValue) resolved = rv_value_map (at);
  RvInstance *instance = fill (NULL, NULL, resolved, NULL);
  const Self *self = instance->self;
  const int before = clears;

  g_assert_cmpstr (instance->path, ==, "network.0");
  g_assert_false (self->flag);
  g_assert_cmpint (self->units, ==, 4);
  g_assert_true (self->rate == 0.5 && self->wait == 0.001 && self->wide == RV_INF && self->reset == 1);
  g_assert_null (self->title);
  g_assert_cmpint (self->ints.n, ==, 2);
  g_assert_cmpint (self->ints.items[1], ==, 2);
  g_assert_cmpint (self->reals.n, ==, 0);
  g_assert_cmpstr (self->texts[1], ==, "b");
  g_assert_true (self->leak.mode == RV_TRAIN_FIXED && self->leak.initial.a == 0.9
                 && self->leak.unit_interval);
  g_assert_cmpstr (self->surrogate->plugin->name, ==, "arctan");
  g_assert_cmpstr (self->surrogate->path, ==, "network.0.surrogate");
  g_assert_cmpstr (rv_value_get (resolved, "reset")->text, ==, "soft");
  g_assert_cmpstr (rv_value_get (resolved, "reset")->place.file, ==, "default of test/fake");
  g_assert_cmpstr (rv_value_get (rv_value_get (resolved, "surrogate"), "alpha")->text, ==, "2");
  g_assert_null (rv_value_get (resolved, "title"));
  rv_instance_unref (rv_instance_ref (instance));
  g_assert_cmpint (clears, ==, before);
  rv_instance_unref (instance);
  g_assert_cmpint (clears, ==, before + 1);
}

/* What was resolved makes the same again, lists too. */
static void
test_again (void)
{
  g_autoptr (RvValue) resolved = rv_value_map (at), again = rv_value_map (at);
  g_autoptr (RvInstance) first = fill (NULL, NULL, resolved, NULL);
  g_autoptr (RvMistakes) mistakes = rv_mistakes_new ();
  g_autoptr (RvInstance) second
      = rv_instance_fill (&fake, resolved, "network.0", &resolver, again, mistakes);
  g_autofree char *text = rv_value_to_string (resolved), *other = rv_value_to_string (again);
  const Self *self;

  g_assert_nonnull (first);
  g_assert_nonnull (second);
  self = second->self;
  g_assert_cmpint (self->ints.n, ==, 2);
  g_assert_cmpint (self->ints.items[1], ==, 2);
  g_assert_cmpint (self->reals.n, ==, 0);
  g_assert_cmpstr (self->texts[0], ==, "a");
  g_assert_cmpstr (self->texts[1], ==, "b");
  g_assert_cmpstr (text, ==, other);
}

static void
test_scalars (void)
{
  RvInstance *instance = fill ("wait", text ("250 us"), NULL, NULL);

  g_assert_true (((Self *)instance->self)->wait == 250e-6);
  rv_instance_unref (instance);
  instance = fill ("flag", text ("on"), NULL, NULL);
  g_assert_true (((Self *)instance->self)->flag);
  rv_instance_unref (instance);
  instance = fill ("file", text ("b.csv"), NULL, NULL);
  g_assert_cmpstr (((Self *)instance->self)->file, ==, "dir/b.csv");
  rv_instance_unref (instance);
  refused ("wait", text ("1 min"), "from 0 to 10 s, not '1 min'");
  refused ("flag", text ("maybe"), "'flag' must be yes or no, not 'maybe'");
  refused ("units", text ("4.0"), "'units' must be an integer from 1 to 100, not '4.0'");
  refused ("units", text ("0"), "from 1 to 100");
  refused ("units", text ("99999999999999999999"), "an integer");
  refused ("rate", text ("1x"), "'rate' must be a real number from 0 to 2 Hz, not '1x'");
  refused ("rate", text ("nan"), "not 'nan'");
  refused ("rate", text ("inf"), "not 'inf'");
  refused ("rate", text ("0x1"), "not '0x1'");
  refused ("rate", text (""), "but is empty here");
  refused ("wide", text ("-1"), "at least 0, not '-1'");
  refused ("wide", text ("1e999"), "not '1e999'");
  refused ("wait", text ("3"), "a duration with its unit");
  refused ("reset", text ("sof"), "must be one of hard, soft, none, not 'sof'; did you mean 'soft'?");
  refused ("title", rv_value_list (at), "must be a text");
}

static void
test_lists (void)
{
  const char *const good[] = { "1", "9", NULL }, *const bad[] = { "1", "10", NULL };
  RvInstance *instance = fill ("reals", list (good), NULL, NULL);
  RvValue *map = rv_value_map (at);
  RvValue *mixed = list (good);

  g_assert_true (((Self *)instance->self)->reals.items[1] == 9.0);
  rv_instance_unref (instance);
  instance = fill ("texts", text ("a, b"), NULL, NULL);
  g_assert_cmpstr (((Self *)instance->self)->texts[0], ==, "a, b");
  rv_instance_unref (instance);
  rv_value_set (map, "with leak", at, text ("50.5"));
  instance = fill ("map", map, NULL, NULL);
  g_assert_cmpstr (((Self *)instance->self)->map.names[0], ==, "with leak");
  g_assert_true (((Self *)instance->self)->map.values[0] == 50.5);
  rv_instance_unref (instance);
  refused ("ints", list (bad), "'ints' must be an integer from 0 to 9, not '10'");
  rv_value_append (mixed, rv_value_list (at));
  rv_value_append (mixed, text ("last"));
  refused ("texts", mixed, "each item of 'texts' must be a text");
  refused ("ints", rv_value_map (at), "must be a list of integers, not a map");
}

static RvValue *
learned (const char *mode, const char *initial, const char *rate)
{
  RvValue *map = rv_value_map (at);

  rv_value_set (map, "learned", at, text (mode));
  if (initial != NULL)
    rv_value_set (map, "initial", at, text (initial));
  if (rate != NULL)
    rv_value_set (map, "rate", at, text (rate));
  return map;
}

static void
test_trainables (void)
{
  g_autoptr (RvValue) resolved = rv_value_map (at);
  g_autoptr (RvInstance) plain = fill ("leak", text ("learned"), resolved, NULL);
  g_autoptr (RvInstance) drawn
      = fill ("leak", learned ("shared", "sigmoid(uniform(0, 4))", "1e-3"), NULL, NULL);
  g_autoptr (RvInstance) ends = fill ("leak", learned ("per-neuron", "uniform(0, 1)", NULL), NULL, NULL);
  const RvTrainable *leak = &((Self *)plain->self)->leak;
  g_autofree char *record = rv_value_to_string (rv_value_get (resolved, "leak"));

  g_assert_true (leak->mode == RV_TRAIN_PER_NEURON && leak->initial.a == 0.9 && !leak->initial.sigmoid);
  g_assert_cmpstr (record, ==, "{learned: per-neuron, initial: 0.9}");
  leak = &((Self *)drawn->self)->leak;
  g_assert_true (leak->mode == RV_TRAIN_SHARED && leak->initial.type == RV_DRAW_UNIFORM
                 && leak->initial.sigmoid);
  g_assert_true (leak->initial.a == 0.0 && leak->initial.b == 4.0 && leak->rate == 1e-3);
  refused ("leak", text ("1.5"), "from 0 to 1, not '1.5'");
  refused ("leak", text ("uniform(0, 1)"), "'learned'");
  refused ("leak", learned ("per-neuron", "1", NULL), "learned within (0, 1)");
  refused ("leak", learned ("per-neuron", "uniform(0, 2)", NULL), "learned within (0, 1)");
  refused ("leak", learned ("per-neuron", "normal(0, 1)", NULL), "sigmoid(normal(...))");
  refused ("leak", learned ("per-neurone", NULL, NULL), "did you mean 'per-neuron'?");
  refused ("leak", learned ("shared", NULL, "-1"), "a rate of at least 0");
  refused ("gain", learned ("shared", "11", NULL), "from 0 to 10");
  refused ("gain", learned ("shared", "uniform(3, 1)", NULL), "starts from");
}

static void
test_slots_and_ports (void)
{
  const char *const names[] = { "arctan", "triangle", NULL }, *const wrong[] = { "arctan", "no-such", NULL };
  RvInstance *instance = fill ("many", list (names), NULL, NULL);
  RvValue *named = rv_value_map (at), *several = rv_value_list (at);
  g_autofree char *message = NULL;

  g_assert_cmpstr (((Self *)instance->self)->many.items[1]->path, ==, "network.0.many.1");
  rv_instance_unref (instance);
  rv_value_set (named, "use", at, text ("arctan"));
  rv_value_set (named, "name", at, text ("hidden"));
  rv_value_append (several, named);
  instance = fill ("many", several, NULL, NULL);
  rv_instance_unref (instance);
  instance = fill ("ports", list (names), NULL, NULL);
  g_assert_cmpint (((Self *)instance->self)->ports.n, ==, 2);
  rv_instance_unref (instance);
  instance = fill ("port", text ("train"), NULL, NULL);
  g_assert_nonnull (((Self *)instance->self)->port.value);
  rv_instance_unref (instance);
  g_assert_null (fill ("many", list (wrong), NULL, &message));
  g_assert_nonnull (strstr (message, "there is no plugin surrogate/no-such; known: "));
  refused ("port", list (names), "is a port");
  refused ("many", text ("arctan"), "must be a list of at least one plugin of kind surrogate");
}

static void
test_mistakes (void)
{
  g_autoptr (RvValue) map = rv_value_map (at);
  g_autoptr (RvMistakes) mistakes = rv_mistakes_new ();
  g_autoptr (GError) error = NULL;
  const int before = inits;

  rv_value_set (map, "laek", at, text ("0"));
  rv_value_set (map, "rate", at, text ("9"));
  g_assert_null (rv_instance_fill (&fake, map, "", NULL, NULL, mistakes));
  g_assert_true (rv_mistakes_raise (mistakes, &error));
  g_assert_cmpint (mistakes->messages->len, ==, 3);
  g_assert_nonnull (strstr (error->message, "test/fake has no parameter 'laek'; did you mean 'leak'? "
                                            "(ranvier inspect test/fake)"));
  g_assert_nonnull (strstr (error->message, "test/fake needs 'units' (integer, units of it)"));
  /* The same mistakes again add no message, and the instance is refused all the same. */
  g_assert_null (rv_instance_fill (&fake, map, "", NULL, NULL, mistakes));
  g_assert_cmpint (mistakes->messages->len, ==, 3);
  g_assert_cmpint (inits, ==, before);
  refused ("units", text ("13"), "test/fake: 13 units bring bad luck");
}

static void
test_bad_default (void)
{
  static const RvParam bad_table[] = { RV_REAL (Self, rate, "much", 0, 1, "", "a rate"), RV_PARAM_END };
  static const RvPlugin bad
      = { .kind = "test", .name = "bad", .params = bad_table, .params_size = sizeof (Self) };
  g_autoptr (RvValue) map = rv_value_map (at);
  g_autoptr (RvMistakes) mistakes = rv_mistakes_new ();

  g_assert_null (rv_instance_fill (&bad, map, "", NULL, NULL, mistakes));
  g_assert_cmpstr (mistakes->messages->pdata[0], ==,
                   "default of test/bad: test/bad: 'rate' must be a real number from 0 to 1, not 'much'");
}

static void
test_use (void)
{
  g_autoptr (RvValue) word = text ("arctan"), node = text ("surrogate/arctan"), resolved = rv_value_map (at);
  g_autoptr (RvMistakes) mistakes = rv_mistakes_new ();
  g_autoptr (RvInstance) instance = rv_instance_new ("surrogate", FALSE, word, "s", NULL, resolved, mistakes);

  g_assert_nonnull (instance);
  g_assert_cmpstr (rv_value_get (resolved, "use")->text, ==, "arctan");
  g_assert_null (rv_instance_new (NULL, TRUE, node, "", NULL, NULL, mistakes));
  g_assert_null (rv_instance_new (NULL, TRUE, word, "", NULL, NULL, mistakes));
  g_assert_null (rv_instance_new ("loss", FALSE, node, "", NULL, NULL, mistakes));
  g_assert_cmpint (mistakes->messages->len, ==, 3);
}

static void
test_draws (void)
{
  const RvStream stream = rv_stream_new (1, "a", "b", NULL), again = rv_stream_new (1, "a", "b", "");
  RvDraw draw;
  uint32_t order[100], seen[100] = { 0 };
  double sum = 0.0;

  g_assert_true (stream.key == again.key);
  g_assert_true (stream.key != rv_stream_new (1, "ab", "", NULL).key
                 && stream.key != rv_stream_new (2, "a", "b", "").key);
  g_assert_true (rv_draw_parse (" uniform( -1 , 3 ) ", &draw, NULL));
  for (uint64_t k = 0; k < 10000; k++)
    {
      const double x = rv_draw_raw (&draw, stream, k);
      g_assert_true (x > -1.0 && x < 3.0);
      sum += x / 10000;
    }
  g_assert_cmpfloat_with_epsilon (sum, 1.0, 0.05); /* sd of the mean: 4 / sqrt (12 * 10000) = 0.012 */
  g_assert_true (rv_draw_parse ("sigmoid(normal(0, 1))", &draw, NULL) && draw.sigmoid
                 && draw.type == RV_DRAW_NORMAL);
  g_assert_true (rv_draw_parse ("sigmoid(2)", &draw, NULL) && draw.a == 2.0 && draw.type == RV_DRAW_CONSTANT);
  for (const char *const *bad
       = (const char *const[]){ "", ")", "uniform", "uniform()", "uniform(1)", "uniform(1,2,3)",
                                "uniform(0, inf)", "normal(0, -1)", "uniform(0, 4))", "sigmoid(sigmoid(1))",
                                "nan", "uniformly(1, 2)", NULL };
       *bad != NULL; bad++)
    g_assert_false (rv_draw_parse (*bad, &draw, NULL));
  rv_stream_permutation (stream, 100, order);
  for (int i = 0; i < 100; i++)
    seen[order[i]]++;
  for (int i = 0; i < 100; i++)
    g_assert_cmpint (seen[i], ==, 1);
  rv_stream_permutation (stream, 0, order);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/params/defaults", test_defaults);
  g_test_add_func ("/params/again", test_again);
  g_test_add_func ("/params/scalars", test_scalars);
  g_test_add_func ("/params/lists", test_lists);
  g_test_add_func ("/params/trainables", test_trainables);
  g_test_add_func ("/params/slots-and-ports", test_slots_and_ports);
  g_test_add_func ("/params/mistakes", test_mistakes);
  g_test_add_func ("/params/bad-default", test_bad_default);
  g_test_add_func ("/params/use", test_use);
  g_test_add_func ("/params/draws", test_draws);
  return g_test_run ();
}
