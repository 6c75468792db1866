/* transform/normalise, augment and latency-code on random images, each against a slow and obvious
 * reference. */
#include "transform.h"

#define SAMPLES 12

typedef struct
{
  uint32_t dims[3];
  gboolean constant; /* the last channel has one value */
} Images;

static gboolean
read_image (gconstpointer self, uint64_t epoch, uint32_t id, RvRecording *out, GError **error)
{
  const Images *images = self;
  const uint32_t pixels = images->dims[1] * images->dims[2], units = images->dims[0] * pixels;
  const RvStream stream = rv_stream_fork (rv_stream_new (3, "", "images", ""), id);
  float *values = rv_recording_set_static (out, units);
  for (uint32_t k = 0; k < units; k++)
    values[k] = images->constant && k / pixels + 1 == images->dims[0]
                    ? 0.25f
                    : rv_stream_uniform (stream, k) * (float)(1 + k / pixels);
  out->label = id % 3;
  return TRUE;
}

static RvDataset *
images_new (Images *images)
{
  const RvDatasetSpec spec = { .form = RV_FORM_STATIC,
                               .samples = SAMPLES,
                               .units = images->dims[0] * images->dims[1] * images->dims[2],
                               .dims = { images->dims[0], images->dims[1], images->dims[2] },
                               .classes = 3,
                               .split = "train" };
  return rv_dataset_new (&spec, read_image, g_memdup2 (images, sizeof *images), g_free);
}

static RvDataset *
apply (RvDataset *source, const char *text)
{
  g_autoptr (GError) error = NULL;
  RvDataset *made = test_transform (source, text, &error);
  g_assert_no_error (error);
  return made;
}

static void
refuse (RvDataset *source, const char *text, const char *words)
{
  g_autoptr (GError) error = NULL;
  g_assert_null (test_transform (source, text, &error));
  g_test_message ("%s", error->message);
  g_assert_nonnull (strstr (error->message, words));
}

/* ---- normalise */

/* Mean 0 and standard deviation 1 in each channel, and the same pixels up to scale. */
static void
test_normalise (void)
{
  Images images = { { 3, 4, 5 }, FALSE };
  g_autoptr (RvDataset) source = images_new (&images);
  g_autoptr (RvDataset) data = apply (source, "{use: transform/normalise, data: d, over: d}");
  g_autoptr (RvDataset) given
      = apply (source, "{use: transform/normalise, data: d, mean: [0.5, 1, 0], sd: [2, 0.5, 1]}");
  double sum[3] = { 0 }, squares[3] = { 0 };
  g_auto (RvRecording) in = { 0 }, out = { 0 };
  for (uint32_t id = 0; id < SAMPLES; id++)
    {
      static const float mean[] = { 0.5f, 1.0f, 0.0f }, factor[] = { 0.5f, 2.0f, 1.0f };
      g_assert_true (rv_dataset_read (source, 0, id, &in, NULL));
      g_assert_true (rv_dataset_read (data, 0, id, &out, NULL));
      for (uint32_t k = 0; k < 60; k++)
        {
          sum[k / 20] += out.values[k];
          squares[k / 20] += (double)out.values[k] * out.values[k];
        }
      g_assert_true (rv_dataset_read (given, 0, id, &out, NULL));
      g_assert_cmpuint (out.label, ==, id % 3);
      for (uint32_t k = 0; k < 60; k++)
        g_assert_cmpfloat (out.values[k], ==, (in.values[k] - mean[k / 20]) * factor[k / 20]);
    }
  for (uint32_t c = 0; c < 3; c++)
    {
      g_assert_cmpfloat (fabs (sum[c] / (20 * SAMPLES)), <, 1e-6);
      g_assert_cmpfloat (fabs (squares[c] / (20 * SAMPLES) - 1.0), <, 1e-5);
    }
}

static void
test_normalise_wrong (void)
{
  Images images = { { 3, 4, 5 }, TRUE };
  g_autoptr (RvDataset) source = images_new (&images);
  g_autoptr (RvDataset) spikes = apply (source, "{use: transform/latency-code, data: d, steps: 3}");
  refuse (source, "{use: transform/normalise, data: d, over: d}", "channel 2 has the same value everywhere");
  refuse (source, "{use: transform/normalise, data: d}", "3 channels, but 'mean' has 0 numbers and 'sd' 0");
  refuse (source, "{use: transform/normalise, data: d, mean: [1, 2, 3], sd: [1, 2]}", "and 'sd' 2");
  refuse (source, "{use: transform/normalise, data: d, over: d, mean: [1, 2, 3], sd: [1, 2, 3]}", "not both");
  refuse (spikes, "{use: transform/normalise, data: d, over: d}", "has events or spikes");
}

/* ---- augment */

/* The shift and the mirror that lead from `in` to `out`; FALSE if none does. */
static gboolean
find_move (const uint32_t dims[3], const RvRecording *in, const RvRecording *out, int padding,
           gboolean mirror, int *dy, int *dx)
{
  const int height = (int)dims[1], width = (int)dims[2];
  for (*dy = -padding; *dy <= padding; (*dy)++)
    for (*dx = -padding; *dx <= padding; (*dx)++)
      {
        gboolean same = TRUE;
        for (int k = 0; k < (int)in->units && same; k++)
          {
            const int c = k / (height * width), y = k / width % height + *dy;
            const int x = (mirror ? width - 1 - k % width : k % width) + *dx;
            const gboolean inside = y >= 0 && y < height && x >= 0 && x < width;
            same = out->values[k] == (inside ? in->values[(c * height + y) * width + x] : 0.5f);
          }
        if (same)
          return TRUE;
      }
  return FALSE;
}

/* Every image is some shift of its own, mirrored or not; all shifts come, about half are mirrored, and the
 * draws are those of epoch and image alone. */
static void
test_augment (void)
{
  Images images = { { 2, 6, 7 }, FALSE };
  g_autoptr (RvDataset) source = images_new (&images);
  g_autoptr (RvDataset) data = apply (source, "{use: transform/augment, data: d, padding: 2, fill: 0.5}");
  guint seen[5][5] = { { 0 } }, mirrored = 0, epochs = 30;
  g_auto (RvRecording) in = { 0 }, out = { 0 }, again = { 0 };
  g_assert_true (rv_dataset_spec (data)->varies);
  for (uint32_t id = 0; id < SAMPLES; id++)
    for (guint epoch = 0; epoch < epochs; epoch++)
      {
        int dy, dx;
        g_assert_true (rv_dataset_read (source, 0, id, &in, NULL));
        g_assert_true (rv_dataset_read (data, epoch, id, &out, NULL));
        g_assert_true (rv_dataset_read (data, epoch, id, &again, NULL));
        g_assert_cmpmem (out.values, out.units * 4, again.values, again.units * 4);
        g_assert_cmpuint (out.label, ==, id % 3);
        if (!find_move (images.dims, &in, &out, 2, FALSE, &dy, &dx))
          {
            g_assert_true (find_move (images.dims, &in, &out, 2, TRUE, &dy, &dx));
            mirrored++;
          }
        seen[dy + 2][dx + 2]++;
      }
  for (guint k = 0; k < 25; k++)
    g_assert_cmpuint (seen[k / 5][k % 5], >, 2); /* 360 draws over 25 places: 14 expected */
  g_assert_cmpuint (mirrored, >, 140);
  g_assert_cmpuint (mirrored, <, 220);
  g_autoptr (RvDataset) still = apply (source, "{use: transform/augment, data: d, padding: 0, flip: no}");
  g_assert_true (rv_dataset_read (still, 5, 1, &out, NULL));
  g_assert_true (rv_dataset_read (source, 0, 1, &in, NULL));
  g_assert_cmpmem (in.values, in.units * 4, out.values, out.units * 4);
}

static void
test_augment_wrong (void)
{
  Images images = { { 12, 1, 1 }, FALSE };
  g_autoptr (RvDataset) flat = images_new (&images);
  g_autoptr (RvDataset) spikes = apply (flat, "{use: transform/latency-code, data: d, steps: 3}");
  refuse (flat, "{use: transform/augment, data: d}", "no height and width");
  refuse (spikes, "{use: transform/augment, data: d}", "steps or events");
}

/* ---- latency-code */

/* A pixel fires at the step nearest to (1 - v) (T - 1), or never where it is not above the threshold. */
static void
test_latency (void)
{
  Images images = { { 2, 5, 5 }, FALSE }; /* the second channel goes up to 2, and is clamped */
  g_autoptr (RvDataset) source = images_new (&images);
  for (uint32_t steps = 1; steps < 12; steps += 5)
    {
      g_autofree char *text
          = g_strdup_printf ("{use: transform/latency-code, data: d, steps: %u, threshold: 0.2}", steps);
      g_autoptr (RvDataset) data = apply (source, text);
      g_auto (RvRecording) in = { 0 }, out = { 0 };
      for (uint32_t id = 0; id < SAMPLES; id++)
        {
          guint fired = 0, above = 0;
          g_assert_true (rv_dataset_read (source, 0, id, &in, NULL));
          g_assert_true (rv_dataset_read (data, 0, id, &out, NULL));
          g_assert_cmpuint (out.steps, ==, steps);
          g_assert_cmpuint (out.offsets[0], ==, 0);
          for (uint32_t t = 0; t < steps; t++)
            for (uint32_t k = out.offsets[t]; k < out.offsets[t + 1]; k++)
              {
                const float v = MIN (in.values[out.ids[k]], 1.0f);
                g_assert_cmpfloat (v, >, 0.2f);
                g_assert_cmpfloat (fabsf ((1.0f - v) * (float)(steps - 1) - (float)t), <=, 0.5001f);
                g_assert_true (k == out.offsets[t] || out.ids[k] > out.ids[k - 1]);
                fired++;
              }
          for (uint32_t k = 0; k < in.units; k++)
            above += in.values[k] > 0.2f;
          g_assert_cmpuint (fired, ==, above);
          g_assert_cmpuint (out.offsets[steps], ==, fired);
        }
    }
  g_autoptr (RvDataset) shown = apply (source, "{use: transform/repeat, data: d, steps: 3}");
  refuse (shown, "{use: transform/latency-code, data: d, steps: 3}", "already has steps");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/images/normalise", test_normalise);
  g_test_add_func ("/images/normalise-wrong", test_normalise_wrong);
  g_test_add_func ("/images/augment", test_augment);
  g_test_add_func ("/images/augment-wrong", test_augment_wrong);
  g_test_add_func ("/images/latency", test_latency);
  return g_test_run ();
}
