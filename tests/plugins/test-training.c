/* Optimizers, schedules and losses against what PyTorch made of the same numbers (tests/fixtures/pytorch-training.json,
 * beside the script that wrote it), and which parameters of a network decay. */
#include "fixture.h"
#include "unit/network.h"

#include <math.h>

#define MOST 70

/* The numbers of `array`, at most MOST; how many. */
static uint32_t
read_numbers (JsonArray *array, double *numbers)
{
  const uint32_t n = json_array_get_length (array);
  g_assert_cmpuint (n, <=, MOST);
  for (uint32_t k = 0; k < n; k++)
    numbers[k] = json_array_get_double_element (array, k);
  return n;
}

/* The negated comparison fails for NaN too. */
static void
assert_near (double found, double expected, double tolerance, const char *what, uint32_t where)
{
  if (!(fabs (found - expected) <= tolerance))
    g_error ("%s, place %u: %.9g is not %.9g", what, where, found, expected);
}

/* ---- optimizers */

static void
check_optimizer (JsonObject *c, JsonArray *start, JsonArray *gradients)
{
  const char *text = json_object_get_string_member (c, "text");
  const double rate = json_object_get_double_member (c, "rate");
  JsonArray *after = json_object_get_array_member (c, "after");
  g_autoptr (RvInstance) instance = network_instance ("optimizer", text, "optimizer");
  const RvOptimizerClass *class = instance->plugin->functions;
  float x[2][MOST] = { { 0 } }, memory[2][2][MOST] = { { { 0 } } };
  double first[MOST], gradient[MOST], expected[MOST];
  const uint32_t n = read_numbers (start, first);
  g_assert_cmpfloat (class->rate (instance->self), ==, rate);
  g_assert_cmpuint (class->slots (instance->self), <=, 2);
  for (uint32_t k = 0; k < n; k++)
    x[0][k] = x[1][k] = (float)first[k];
  for (uint32_t step = 0; step < json_array_get_length (after); step++)
    {
      JsonArray *both = json_array_get_array_element (after, step);
      float g[MOST] = { 0 };
      read_numbers (json_array_get_array_element (gradients, step), gradient);
      for (uint32_t k = 0; k < n; k++)
        g[k] = (float)gradient[k];
      for (uint32_t what = 0; what < 2; what++) /* weights, biases */
        {
          float *const slots[2] = { memory[what][0], memory[what][1] };
          (what == 0 ? class->update_weights : class->update) (instance->self, x[what], g, slots, n, step + 1,
                                                               rate / (1.0 + 0.1 * step));
          g_assert_cmpuint (read_numbers (json_array_get_array_element (both, what), expected), ==, n);
          for (uint32_t k = 0; k < n; k++)
            assert_near (x[what][k], expected[k], 5e-7, text, 100 * step + k);
        }
    }
}

static void
test_optimizers (void)
{
  g_autoptr (JsonParser) parser = json_parser_new ();
  JsonObject *all = fixture_load (parser, "pytorch-training.json");
  JsonArray *cases = json_object_get_array_member (all, "optimizers");
  g_assert_cmpuint (json_array_get_length (cases), >=, 7);
  for (guint k = 0; k < json_array_get_length (cases); k++)
    check_optimizer (json_array_get_object_element (cases, k), json_object_get_array_member (all, "start"),
                     json_object_get_array_member (all, "gradients"));
}

static void
test_nesterov_alone (void)
{
  static const char text[] = "{use: sgd, nesterov: yes}";
  g_autoptr (RvMistakes) mistakes = rv_mistakes_new ();
  g_autoptr (RvValue) value = rv_yaml_parse (text, strlen (text), "test.yaml", mistakes);
  g_autoptr (GError) error = NULL;
  g_assert_null (rv_instance_new ("optimizer", FALSE, value, "optimizer", NULL, NULL, mistakes));
  rv_mistakes_raise (mistakes, &error);
  g_assert_error (error, RV_ERROR, RV_ERROR_PIPELINE);
  g_assert_nonnull (strstr (error->message, "'nesterov' needs a 'momentum' above 0"));
}

/* ---- which parameters decay */

static RvModel *
new_model (void)
{
  static const char *const layers[]
      = { "{use: dense, units: 200, recurrent: yes, neuron: {use: lif, leak: {learned: per-neuron, initial: "
          "0.5}}}",
          "{use: gru, units: 6}",
          "{use: dense, units: 3, neuron: {use: leaky-integrator, leak: {learned: shared, initial: 0.5}}}" };
  const RvDatasetSpec spec = { .form = RV_FORM_SPIKES,
                               .samples = 1,
                               .units = 90, /* so that a weight takes more than one range of the core's */
                               .dims = { 90, 1, 1 },
                               .steps = 4,
                               .classes = 3,
                               .split = "train" };
  return network_new (3, layers, "last-step", "cross-entropy", &spec, 1);
}

/* Three updates of a new model by the same gradient. */
static RvModel *
updated (const char *text)
{
  RvModel *model = new_model ();
  const size_t count = rv_model_parameter_count (model);
  g_autoptr (RvInstance) optimizer = network_instance ("optimizer", text, "optimizer");
  g_autoptr (RvUpdater) updater = rv_updater_new (model, optimizer);
  g_autofree float *gradient = g_new0 (float, count);
  for (uint32_t k = 0; k < model->parameters->len; k++)
    for (uint32_t e = 0; e < network_size (rv_parameter (model, (RvHandle)k)); e++)
      gradient[network_at (rv_parameter (model, (RvHandle)k), e)]
          = rv_stream_uniform (rv_stream_new (3, "", "gradient", ""), 100000 * k + e) - 0.5f;
  for (int step = 0; step < 3; step++)
    rv_updater_step (updater, model, gradient, 0.5);
  return model;
}

/* Adam's steps do not hang on the weights, so that AdamW's weights are Adam's where nothing decays, and
 * follow from them where it does:  w' = keep w - s,  with Adam's w' = w - s. */
static void
test_what_decays (void)
{
  const double keep = 1.0 - 0.5 * 0.01 * 2.0;
  g_autoptr (RvModel) fresh = new_model (), adam = updated ("{use: adam, rate: 0.01}");
  g_autoptr (RvModel) adamw = updated ("{use: adamw, rate: 0.01, weight-decay: 2}");
  uint32_t decayed = 0, kept = 0;
  for (uint32_t t = 0; t < rv_model_tensors (adam); t++)
    {
      RvModelTensor tensor;
      rv_model_describe_tensor (adam, t, &tensor);
      const gboolean decays = tensor.role == RV_ROLE_WEIGHT || tensor.role == RV_ROLE_RECURRENT;
      const RvParameter *p = rv_parameter (adam, (RvHandle)t);
      g_assert_cmpstr (p->name, ==, tensor.name);
      for (uint32_t e = 0; e < network_size (p); e++)
        {
          const size_t at = network_at (p, e);
          const double start = fresh->values[at], moved = adam->values[at] - start;
          /* its three steps by the same gradient and rate are of one length */
          const double each = moved / 3.0, expected = ((start * keep + each) * keep + each) * keep + each;
          if (decays)
            assert_near (adamw->values[at], expected, 1e-5, p->name, e);
          else
            g_assert_cmpfloat (adamw->values[at], ==, adam->values[at]);
        }
      *(decays ? &decayed : &kept) += 1;
    }
  g_assert_cmpuint (decayed, ==, 5); /* W and V of two layers, and W */
  g_assert_cmpuint (kept, ==, 6);    /* b, leak; b and c; b, leak */
}

/* ---- schedules */

static void
test_schedules (void)
{
  g_autoptr (JsonParser) parser = json_parser_new ();
  JsonArray *cases = json_object_get_array_member (fixture_load (parser, "pytorch-training.json"), "schedules");
  g_assert_cmpuint (json_array_get_length (cases), >=, 5);
  for (guint k = 0; k < json_array_get_length (cases); k++)
    {
      JsonObject *c = json_array_get_object_element (cases, k);
      const char *text = json_object_get_string_member (c, "text");
      g_autoptr (RvInstance) instance = network_instance ("schedule", text, "schedule");
      const RvScheduleClass *class = instance->plugin->functions;
      double factors[MOST];
      const uint32_t n = read_numbers (json_object_get_array_member (c, "factors"), factors);
      g_assert_cmpuint (n, >=, 10);
      for (uint32_t epoch = 0; epoch < n; epoch++)
        assert_near (class->factor (instance->self, epoch), factors[epoch], 1e-8, text, epoch);
    }
}

/* The end of a cosine holds, and a warm-up of no epochs is none. */
static void
test_schedule_ends (void)
{
  g_autoptr (RvInstance) cosine
      = network_instance ("schedule", "{use: cosine, epochs: 6, least: 0.3}", "schedule");
  g_autoptr (RvInstance) none = network_instance (
      "schedule", "{use: warm-up, epochs: 0, then: {use: cosine, epochs: 6, least: 0.3}}", "schedule");
  const RvScheduleClass *class = cosine->plugin->functions, *other = none->plugin->functions;
  for (uint32_t epoch = 0; epoch < 20; epoch++)
    {
      const double factor = class->factor (cosine->self, epoch);
      g_assert_cmpfloat (factor, ==, other->factor (none->self, epoch));
      if (epoch >= 6)
        g_assert_cmpfloat (factor, ==, 0.3);
      else
        g_assert_cmpfloat (factor, >, 0.3);
    }
  g_assert_cmpfloat (class->factor (cosine->self, 0), ==, 1.0);
}

/* ---- losses */

static void
check_loss (const RvInstance *instance, const char *text, JsonObject *c)
{
  const RvLossClass *class = instance->plugin->functions;
  double numbers[MOST], expected[MOST];
  float scores[MOST], gradient[MOST];
  const uint32_t label = (uint32_t)json_object_get_int_member (c, "label");
  const uint32_t n = read_numbers (json_object_get_array_member (c, "scores"), numbers);
  for (uint32_t k = 0; k < n; k++)
    scores[k] = (float)numbers[k];
  const double loss = class->value (instance->self, n, scores, label, gradient);
  assert_near (loss, json_object_get_double_member (c, "loss"), 1e-9, text, label);
  g_assert_cmpfloat (class->value (instance->self, n, scores, label, NULL), ==, loss);
  g_assert_cmpuint (read_numbers (json_object_get_array_member (c, "gradient"), expected), ==, n);
  for (uint32_t k = 0; k < n; k++)
    assert_near (gradient[k], expected[k], 1e-7, text, k);
}

static void
test_losses (void)
{
  g_autoptr (JsonParser) parser = json_parser_new ();
  JsonArray *losses = json_object_get_array_member (fixture_load (parser, "pytorch-training.json"), "losses");
  g_assert_cmpuint (json_array_get_length (losses), >=, 6);
  for (guint k = 0; k < json_array_get_length (losses); k++)
    {
      JsonObject *c = json_array_get_object_element (losses, k);
      const char *text = json_object_get_string_member (c, "text");
      JsonArray *cases = json_object_get_array_member (c, "cases");
      g_autoptr (RvInstance) instance = network_instance ("loss", text, "loss");
      for (guint j = 0; j < json_array_get_length (cases); j++)
        check_loss (instance, text, json_array_get_object_element (cases, j));
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/training/optimizers", test_optimizers);
  g_test_add_func ("/training/nesterov-alone", test_nesterov_alone);
  g_test_add_func ("/training/what-decays", test_what_decays);
  g_test_add_func ("/training/schedules", test_schedules);
  g_test_add_func ("/training/schedule-ends", test_schedule_ends);
  g_test_add_func ("/training/losses", test_losses);
  return g_test_run ();
}
