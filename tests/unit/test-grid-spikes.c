/* Networks on a grid that spike, against a slow reference: a convolution, a batch normalisation, neurons, a
 * convolution of spikes and a dense layer, written down on the tape of reference.h for a whole batch. Spikes,
 * unit by unit, loss, dL/dinput and the gradient of every tensor; with so few spikes that they are gathered, and
 * so many that they are multiplied. */
#include "grid-data.h"
#include "network.h"
#include "reference.h"

#define MARGIN 1e-5 /* of a membrane from its threshold, so that rounding decides nothing */
#define SAMPLES 20  /* three tiles, the last of them shorter */
#define STEPS 3
#define INPUTS 2 /* channels */
#define HEIGHT 3
#define WIDTH 4
#define PIXELS (HEIGHT * WIDTH)
#define FIRST 20 /* channels of the convolutions */
#define SECOND 17
#define OUT_HEIGHT 2 /* of the second, whose stride is 2 */
#define OUT_WIDTH 2
#define LEAK 0.75
#define THRESHOLD 0.5
#define EPSILON 1e-5

typedef struct
{
  const char *name;
  RvForm form;
  double bias; /* of the normalisation: how much fires */
  double least, most;
  gboolean training;
} Case;

static const Case cases[] = {
  { "few", RV_FORM_FRAMES, -1.0, 0.005, 0.06, FALSE },
  { "few-trained", RV_FORM_FRAMES, -1.0, 0.005, 0.06, TRUE },
  { "some", RV_FORM_SPIKES, 0.0, 0.15, 0.4, FALSE },
  { "some-trained", RV_FORM_STATIC, 0.0, 0.1, 0.4, TRUE },
  { "most", RV_FORM_STATIC, 1.5, 0.7, 0.95, FALSE },
  { "most-trained", RV_FORM_FRAMES, 1.5, 0.7, 0.95, TRUE },
};

#define LIF "{use: lif, leak: 0.75, threshold: 0.5, surrogate: {use: arctan, alpha: 2}}"

static const char *const layers[] = {
  "{use: conv2d, channels: 20, padding: 1, bias: no}",
  "batch-norm",
  "{use: neurons, neuron: " LIF "}",
  "{use: conv2d, channels: 17, padding: [1, 0], stride: [2, 1], weight-scale: 4, neuron: " LIF "}",
  "{use: dense, units: 3, neuron: {use: leaky-integrator, leak: 0.75}}",
};

/* ---- the reference: all samples on one tape */

typedef struct
{
  const Case *c;
  RvModel *model;
  RvDataset *data;
  RefTape tape;
  RefNumber *tensors;                 /* the first number of each */
  RefNumber *input;                   /* [samples][steps or 1][units] */
  RefNumber *normal, *first, *second; /* [samples][steps][units] */
  RefNumber *membranes[2];            /* of the neurons, likewise */
  RefNumber loss;
  double margin;
  uint32_t fired;
} Reference;

/* Number (row, column) of a tensor. */
static RefNumber
number_of (const Reference *ref, const char *name, uint32_t row, uint32_t column)
{
  for (uint32_t k = 0; k < rv_model_tensors (ref->model); k++)
    {
      RvModelTensor tensor;
      rv_model_describe_tensor (ref->model, k, &tensor);
      if (strcmp (tensor.name, name) == 0)
        return ref->tensors[k] + row * tensor.columns + column;
    }
  g_assert_not_reached ();
}

static void
put_leaves (Reference *ref)
{
  ref_constant (&ref->tape, 0.0);
  ref->tensors = g_new (RefNumber, rv_model_tensors (ref->model));
  for (uint32_t k = 0; k < rv_model_tensors (ref->model); k++)
    {
      RvModelTensor tensor;
      rv_model_describe_tensor (ref->model, k, &tensor);
      g_autofree float *values = g_new (float, tensor.rows *tensor.columns);
      rv_model_get_tensor (ref->model, k, rv_model_parameters (ref->model), values);
      ref->tensors[k] = ref->tape.n;
      for (uint32_t l = 0; l < tensor.rows * tensor.columns; l++)
        ref_constant (&ref->tape, values[l]);
    }
  g_auto (RvRecording) rec = { 0 };
  const uint32_t units = INPUTS * PIXELS, steps = ref->c->form == RV_FORM_STATIC ? 1 : STEPS;
  ref->input = g_new (RefNumber, SAMPLES * steps * units);
  for (uint32_t s = 0, at = 0; s < SAMPLES; s++)
    {
      g_assert_true (rv_dataset_read (ref->data, 0, s, &rec, NULL));
      for (uint32_t k = 0; k < steps * units; k++)
        ref->input[at++] = ref_constant (&ref->tape, ref_input (&rec, k / units, k % units));
    }
}

/* One number of a convolution: `in` [channels][HEIGHT][WIDTH], weight of `name` [..][channels][3][3]. */
static RefNumber
convolve (Reference *ref, const char *name, RefNumber bias, const RefNumber *in, uint32_t channels,
          uint32_t unit, int y, int x)
{
  RefNumber sum = bias;
  for (uint32_t c = 0; c < channels; c++)
    for (int ky = 0; ky < 3; ky++)
      for (int kx = 0; kx < 3; kx++)
        if (y + ky >= 0 && y + ky < HEIGHT && x + kx >= 0 && x + kx < WIDTH)
          sum = ref_add_product (&ref->tape, sum,
                                 number_of (ref, name, unit, c * 9 + (uint32_t)(ky * 3 + kx)),
                                 in[c * PIXELS + (uint32_t)((y + ky) * WIDTH + x + kx)]);
  return sum;
}

/* u <- leak u + i, s = [u > threshold], u <- u (1 - s), for the steps of one neuron, `apart` numbers apart. */
static void
fire (Reference *ref, const RefNumber *current, RefNumber *spikes, RefNumber *membranes, uint32_t apart)
{
  RefTape *tape = &ref->tape;
  const RefNumber leak = ref_constant (tape, LEAK), threshold = ref_constant (tape, THRESHOLD);
  RefNumber u = 0;
  for (uint32_t t = 0; t < STEPS; t++)
    {
      u = ref_add_product (tape, current[t * apart], leak, u);
      const RefNumber before = u, z = ref_subtract (tape, u, threshold);
      const double x = ref_value (tape, z);
      const RefNumber s = ref_apply (tape, z, x > 0.0 ? 1.0 : 0.0, ref_arctan (x));
      ref->margin = fmin (ref->margin, fabs (x));
      u = ref_subtract (tape, u, ref_multiply (tape, u, s));
      spikes[t * apart] = s;
      membranes[t * apart] = before;
    }
}

/* x [samples * steps][FIRST][PIXELS] of channel c: by the statistics of the batch, or the running ones. */
static void
normalise (Reference *ref, RefNumber *x, uint32_t c)
{
  RefTape *tape = &ref->tape;
  const RefNumber weight = number_of (ref, "network.1.weight", c, 0),
                  bias = number_of (ref, "network.1.bias", c, 0);
  RefNumber mean = number_of (ref, "network.1.running_mean", c, 0),
            variance = number_of (ref, "network.1.running_var", c, 0);
  if (ref->c->training)
    {
      const RefNumber share = ref_constant (tape, 1.0 / (SAMPLES * STEPS * PIXELS));
      mean = variance = 0;
      for (uint32_t r = 0; r < SAMPLES * STEPS; r++)
        for (uint32_t p = 0; p < PIXELS; p++)
          mean = ref_add_product (tape, mean, share, x[(r * FIRST + c) * PIXELS + p]);
      for (uint32_t r = 0; r < SAMPLES * STEPS; r++)
        for (uint32_t p = 0; p < PIXELS; p++)
          {
            const RefNumber d = ref_subtract (tape, x[(r * FIRST + c) * PIXELS + p], mean);
            variance = ref_add_product (tape, variance, share, ref_multiply (tape, d, d));
          }
    }
  else
    {
      mean = ref_constant (tape, ref_value (tape, mean));
      variance = ref_constant (tape, ref_value (tape, variance));
    }
  const double inverse = 1.0 / sqrt (ref_value (tape, variance) + EPSILON);
  const RefNumber scale
      = ref_multiply (tape, weight, ref_apply (tape, variance, inverse, -0.5 * inverse * inverse * inverse));
  for (uint32_t r = 0; r < SAMPLES * STEPS; r++)
    for (uint32_t p = 0; p < PIXELS; p++)
      {
        RefNumber *at = &x[(r * FIRST + c) * PIXELS + p];
        *at = ref_add_product (tape, bias, scale, ref_subtract (tape, *at, mean));
      }
}

/* Dense, a membrane that leaks, its mean over the steps, cross-entropy. */
static RefNumber
read_out (Reference *ref, const RefNumber *spikes, uint32_t label)
{
  RefTape *tape = &ref->tape;
  RefNetwork judge = { .tape = *tape, .loss = REF_CROSS_ENTROPY };
  RefNumber scores[CLASSES] = { 0 };
  const RefNumber leak = ref_constant (&judge.tape, LEAK), share = ref_constant (&judge.tape, 1.0 / STEPS);
  for (uint32_t c = 0; c < CLASSES; c++)
    {
      RefNumber u = 0, sum = 0;
      for (uint32_t t = 0; t < STEPS; t++)
        {
          RefNumber i = number_of (ref, "network.4.bias", c, 0);
          for (uint32_t k = 0; k < SECOND * OUT_HEIGHT * OUT_WIDTH; k++)
            i = ref_add_product (&judge.tape, i, number_of (ref, "network.4.weight", c, k),
                                 spikes[t * SECOND * OUT_HEIGHT * OUT_WIDTH + k]);
          u = ref_add_product (&judge.tape, i, leak, u);
          sum = ref_add_product (&judge.tape, sum, share, u);
        }
      scores[c] = sum;
    }
  const RefNumber price = ref_price (&judge, CLASSES, scores, label);
  *tape = judge.tape;
  return price;
}

static void
run_reference (Reference *ref)
{
  const uint32_t rows = SAMPLES * STEPS, units = FIRST * PIXELS, others = SECOND * OUT_HEIGHT * OUT_WIDTH;
  const gboolean is_static = ref->c->form == RV_FORM_STATIC;
  ref->margin = INFINITY;
  put_leaves (ref);
  ref->normal = g_new (RefNumber, rows * units);
  ref->first = g_new (RefNumber, rows * units);
  ref->second = g_new (RefNumber, rows * others);
  ref->membranes[0] = g_new (RefNumber, rows * units);
  ref->membranes[1] = g_new (RefNumber, rows * others);
  g_autofree RefNumber *current = g_new (RefNumber, rows * others);
  for (uint32_t r = 0; r < rows; r++)
    for (uint32_t k = 0; k < units; k++)
      ref->normal[r * units + k]
          = is_static && r % STEPS
                ? ref->normal[(r - 1) * units + k]
                : convolve (ref, "network.0.weight", 0,
                            ref->input + (is_static ? r / STEPS : r) * INPUTS * PIXELS, INPUTS, k / PIXELS,
                            (int)(k % PIXELS / WIDTH) - 1, (int)(k % WIDTH) - 1);
  for (uint32_t c = 0; c < FIRST; c++)
    normalise (ref, ref->normal, c);
  for (uint32_t k = 0; k < SAMPLES * units; k++)
    fire (ref, ref->normal + k / units * STEPS * units + k % units,
          ref->first + k / units * STEPS * units + k % units,
          ref->membranes[0] + k / units * STEPS * units + k % units, units);
  for (uint32_t r = 0; r < rows; r++)
    for (uint32_t k = 0; k < others; k++)
      current[r * others + k] = convolve (ref, "network.3.weight",
                                          number_of (ref, "network.3.bias", k / (OUT_HEIGHT * OUT_WIDTH), 0),
                                          ref->first + r * units, FIRST, k / (OUT_HEIGHT * OUT_WIDTH),
                                          (int)(k / OUT_WIDTH % OUT_HEIGHT) * 2 - 1, (int)(k % OUT_WIDTH));
  for (uint32_t k = 0; k < SAMPLES * others; k++)
    fire (ref, current + k / others * STEPS * others + k % others,
          ref->second + k / others * STEPS * others + k % others,
          ref->membranes[1] + k / others * STEPS * others + k % others, others);
  const RefNumber share = ref_constant (&ref->tape, 1.0 / SAMPLES);
  ref->loss = 0;
  for (uint32_t s = 0; s < SAMPLES; s++)
    {
      const RefNumber price = read_out (ref, ref->second + s * STEPS * others, s % CLASSES);
      ref->loss = ref_add_product (&ref->tape, ref->loss, share, price);
    }
  for (uint32_t k = 0; k < rows * units; k++)
    ref->fired += ref_value (&ref->tape, ref->first[k]) > 0.0;
}

static void
reference_clear (Reference *ref)
{
  RefNumber *all[] = { ref->tensors, ref->input,        ref->normal,      ref->first,
                       ref->second,  ref->membranes[0], ref->membranes[1] };
  for (guint k = 0; k < G_N_ELEMENTS (all); k++)
    g_free (all[k]);
  g_free (ref->tape.items);
  *ref = (Reference){ 0 };
}

/* ---- both */

/* A normalisation that says how much fires, and running statistics that are somewhere. */
static void
draw_normalisation (RvModel *model, double bias)
{
  for (uint32_t k = 0; k < rv_model_tensors (model); k++)
    {
      RvModelTensor tensor;
      rv_model_describe_tensor (model, k, &tensor);
      const RvStream stream = rv_stream_new (5, tensor.name, "draw", NULL);
      g_autofree float *values = g_new (float, tensor.rows *tensor.columns);
      if (tensor.layer != 1)
        continue;
      for (uint32_t l = 0; l < tensor.rows; l++)
        {
          const double x = rv_stream_normal (stream, l);
          values[l] = (float)(g_str_has_suffix (tensor.name, ".bias")           ? bias + 0.1 * x
                              : g_str_has_suffix (tensor.name, ".running_mean") ? 0.05 * x
                              : g_str_has_suffix (tensor.name, ".running_var")  ? 0.35 + 0.02 * x
                                                                                : 1.0 + 0.1 * x);
        }
      rv_model_put_tensor (model, k, values, rv_model_parameters (model));
    }
}

/* What every layer hands on, unit (c, y, x) being (c height + y) width + x; and dL/dinput. */
static void
compare_tile (void *self, const RvTileView *view)
{
  const Reference *ref = self;
  const RefNumber *numbers[] = { NULL, ref->normal, ref->first, ref->second };
  g_assert_cmpuint (view->layers[2].units, ==, FIRST * PIXELS);
  g_assert_cmpuint (view->layers[3].units, ==, SECOND * OUT_HEIGHT * OUT_WIDTH);
  for (uint32_t l = 1; l < 4; l++)
    {
      const RvSignal *signal = &view->layers[l];
      g_autofree float *seen = g_new0 (float, signal->units);
      for (uint32_t row = 0; row < STEPS * view->samples; row++)
        {
          const uint32_t t = row / view->samples, s = row % view->samples,
                         r = (signal->is_static ? 0 : t) * signal->samples + s;
          if (signal->dense)
            memcpy (seen, signal->dense + r * signal->stride, signal->units * sizeof (float));
          else
            memset (seen, 0, signal->units * sizeof (float));
          for (uint32_t e = signal->offsets ? signal->offsets[r] : 0;
               signal->offsets && e < signal->offsets[r + 1]; e++)
            {
              g_assert_true (e == signal->offsets[r] || signal->ids[e] > signal->ids[e - 1]);
              seen[signal->ids[e]] = 1.0f;
            }
          g_assert_true ((signal->offsets != NULL) == (l > 1));
          for (uint32_t k = 0; k < signal->units; k++)
            {
              const double expected = ref_value (
                  &ref->tape, numbers[l][((size_t)view->ids[s] * STEPS + t) * signal->units + k]);
              if (signal->offsets)
                g_assert_cmpfloat (seen[k], ==, expected);
              else
                g_assert_cmpfloat (fabs (seen[k] - expected), <, 2e-6 * (1.0 + fabs (expected)));
            }
        }
    }
  g_assert_null (view->membranes[0].dense);
  g_assert_null (view->membranes[1].dense);
  for (uint32_t l = 2; l < 4; l++)
    for (uint32_t s = 0; s < view->samples; s++)
      for (uint32_t k = 0; k < STEPS * view->layers[l].units; k++)
        {
          const RvSignal *signal = &view->membranes[l];
          const uint32_t t = k / signal->units, unit = k % signal->units;
          const double expected = ref_value (
              &ref->tape, ref->membranes[l - 2][(size_t)view->ids[s] * STEPS * signal->units + k]);
          g_assert_cmpfloat (
              fabs (signal->dense[((size_t)t * signal->samples + s) * signal->stride + unit] - expected), <,
              1e-5);
        }
  const RvSignal *g = view->input_gradient;
  for (uint32_t s = 0; g && s < view->samples; s++)
    for (uint32_t t = 0; t < g->steps; t++)
      for (uint32_t k = 0; k < g->units; k++)
        {
          const double expected
              = ref->tape.items[ref->input[((size_t)view->ids[s] * g->steps + t) * g->units + k]].gradient
                * SAMPLES;
          g_assert_cmpfloat (fabs (g->dense[((size_t)t * g->samples + s) * g->stride + k] - expected), <,
                             1e-5);
        }
}

static void
compare_gradient (const Reference *ref, const float *gradient)
{
  for (uint32_t k = 0; k < rv_model_tensors (ref->model); k++)
    {
      RvModelTensor tensor;
      rv_model_describe_tensor (ref->model, k, &tensor);
      const uint32_t n = tensor.rows * tensor.columns;
      const RefEntry *expected = ref->tape.items + ref->tensors[k];
      g_autofree float *found = g_new (float, n);
      double largest = 0.0, worst = 0.0;
      rv_model_get_tensor (ref->model, k, gradient, found);
      for (uint32_t l = 0; l < n; l++)
        {
          largest = fmax (largest, fabs (expected[l].gradient));
          worst = fmax (worst, fabs (expected[l].gradient - found[l]));
        }
      g_test_message ("%s: largest %g, off by %.2g", tensor.name, largest,
                      largest > 0.0 ? worst / largest : 0.0);
      if (tensor.role == RV_ROLE_RUNNING)
        g_assert_cmpfloat (worst, ==, 0.0);
      else
        g_assert_true (largest > 0.0 && worst < 1e-5 * largest);
    }
}

static void
test_reference (gconstpointer user)
{
  const Case *c = user;
  Source source = { c->form, { INPUTS, HEIGHT, WIDTH }, STEPS, SAMPLES, 0 };
  Reference ref = { 0 };
  do
    {
      g_clear_pointer (&ref.model, rv_model_unref);
      g_clear_pointer (&ref.data, rv_dataset_unref);
      reference_clear (&ref);
      source.seed++;
      ref.c = c;
      ref.data = make_data (&source);
      ref.model = network_new (G_N_ELEMENTS (layers), layers, "mean-membrane", "cross-entropy",
                               rv_dataset_spec (ref.data), source.seed);
      draw_normalisation (ref.model, c->bias);
      run_reference (&ref);
    }
  while (ref.margin < MARGIN);
  ref_backward (&ref.tape, ref.loss, 1.0);
  const double share = (double)ref.fired / (SAMPLES * STEPS * FIRST * PIXELS);
  g_test_message ("%.1f %% firing, %u numbers on the tape", 100.0 * share, ref.tape.n);
  g_assert_true (share > c->least && share < c->most);
  const RvBatch batch = { ref.data, 0, NULL, SAMPLES };
  const RvObserver observer = { .tile = compare_tile, .self = &ref, .membranes = TRUE };
  RvScore score;
  g_autofree float *gradient = g_new (float, rv_model_parameter_count (ref.model));
  rv_model_set_training (ref.model, c->training);
  if (!c->training)
    {
      g_assert_true (rv_model_evaluate (ref.model, NULL, &batch, &observer, &score, NULL));
      g_assert_cmpfloat (fabs (score.loss - ref_value (&ref.tape, ref.loss)), <, 1e-6);
      g_assert_true (rv_model_input_gradient (ref.model, NULL, &batch, NULL, &observer, &score, NULL));
    }
  g_assert_true (rv_model_gradient (ref.model, NULL, &batch, gradient, &score, NULL));
  g_assert_cmpfloat (fabs (score.loss - ref_value (&ref.tape, ref.loss)), <, 1e-6);
  compare_gradient (&ref, gradient);
  g_clear_pointer (&ref.model, rv_model_unref);
  g_clear_pointer (&ref.data, rv_dataset_unref);
  reference_clear (&ref);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (guint k = 0; k < G_N_ELEMENTS (cases); k++)
    {
      g_autofree char *path = g_strdup_printf ("/grid-spikes/reference/%s", cases[k].name);
      g_test_add_data_func (path, &cases[k], test_reference);
    }
  return g_test_run ();
}
