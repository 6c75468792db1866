/* Which recordings are chosen: first ones, balanced ones, classes by name, and a share held out that is the
 * same for both halves. */
#include <ranvier/ranvier.h>
#include <string.h>

#define SAMPLES 1000
#define CLASSES 4

/* A fifth text stands behind the four: names of classes end with their number, not with NULL. */
static const char *const names[CLASSES + 2] = { "zero", "one", "two", "three", "behind", NULL };

/* The value of a recording is its id, so that a test sees which it got. Class 3 is rare. */
static uint32_t
label_of (uint32_t id)
{
  return id % 50 == 0 ? 3 : id % 3;
}

static gboolean
read_id (gconstpointer self, uint64_t epoch, uint32_t id, RvRecording *out, GError **error)
{
  rv_recording_set_static (out, 1)[0] = (float)id;
  out->label = label_of (id);
  return TRUE;
}

static RvDataset *
choose (const RvSelection *selection, RvPart part, GError **error)
{
  const RvDatasetSpec spec = {
    .form = RV_FORM_STATIC, .samples = SAMPLES, .units = 1, .classes = CLASSES, .classes_names = names
  };
  uint32_t labels[SAMPLES];
  for (uint32_t id = 0; id < SAMPLES; id++)
    labels[id] = label_of (id);
  return rv_dataset_select (rv_dataset_new (&spec, read_id, NULL, NULL), selection, part, labels, error);
}

/* Which ids a dataset holds, and how many of each (new) class. */
static uint32_t
look (const RvDataset *data, uint8_t seen[SAMPLES], uint32_t counts[CLASSES])
{
  const uint32_t n = rv_dataset_spec (data)->samples;
  g_auto (RvRecording) r = { 0 };
  float last = -1.0f;
  memset (seen, 0, SAMPLES);
  memset (counts, 0, CLASSES * sizeof *counts);
  for (uint32_t id = 0; id < n; id++)
    {
      g_assert_true (rv_dataset_read (data, 0, id, &r, NULL));
      g_assert_cmpfloat (r.values[0], >, last); /* the order of the set */
      last = r.values[0];
      seen[(uint32_t)last]++;
      counts[r.label]++;
    }
  return n;
}

static void
test_first (void)
{
  uint8_t seen[SAMPLES];
  uint32_t counts[CLASSES];
  const RvSelection first = { .samples = 10 }, balanced = { .samples = 42, .balanced = TRUE };
  g_autoptr (RvDataset) a = choose (&first, RV_PART_ALL, NULL), b = choose (&balanced, RV_PART_ALL, NULL);
  g_assert_cmpuint (look (a, seen, counts), ==, 10);
  for (uint32_t id = 0; id < 10; id++)
    g_assert_cmpuint (seen[id], ==, 1);
  g_assert_cmpuint (look (b, seen, counts), ==, 42);
  for (uint32_t c = 0; c < CLASSES; c++)
    g_assert_cmpuint (counts[c], ==, c < 2 ? 11 : 10);
}

static void
test_classes (void)
{
  uint8_t seen[SAMPLES];
  uint32_t counts[CLASSES];
  char *wanted[] = { (char *)"three", (char *)"one", NULL }, *wrong[] = { (char *)"four", NULL },
       *twice[] = { (char *)"one", (char *)"one", NULL };
  const RvSelection two = { .classes = wanted }, none = { .classes = wrong }, same = { .classes = twice };
  g_autoptr (RvDataset) data = choose (&two, RV_PART_ALL, NULL);
  look (data, seen, counts);
  g_assert_cmpuint (rv_dataset_spec (data)->classes, ==, 2);
  g_assert_cmpstr (rv_dataset_spec (data)->classes_names[0], ==, "three");
  g_assert_cmpuint (counts[0], ==, SAMPLES / 50); /* three is class 0 now */
  for (uint32_t id = 0; id < SAMPLES; id++)
    g_assert_cmpuint (seen[id], ==, label_of (id) == 3 || label_of (id) == 1);
  for (int k = 0; k < 2; k++)
    {
      g_autoptr (GError) error = NULL;
      g_assert_null (choose (k ? &same : &none, RV_PART_ALL, &error));
      g_assert_nonnull (strstr (error->message,
                                k ? "names twice 'one'" : "names 'four'; the set has zero, one, two, three"));
      g_assert_null (strstr (error->message, "behind"));
    }
}

/* Both halves together are the whole, of each class the share is right, and another seed holds out others. */
static void
test_validation (void)
{
  uint8_t rest[SAMPLES], held[SAMPLES], other[SAMPLES];
  uint32_t counts[CLASSES];
  const RvSelection tenth = { .validation = 0.1, .selection_seed = 1 },
                    again = { .validation = 0.1, .selection_seed = 2 }, none = { .validation = 0.0 };
  g_autoptr (RvDataset) a = choose (&tenth, RV_PART_REST, NULL),
                        b = choose (&tenth, RV_PART_VALIDATION, NULL),
                        c = choose (&again, RV_PART_VALIDATION, NULL);
  g_autoptr (GError) error = NULL;
  look (a, rest, counts);
  g_assert_cmpuint (look (b, held, counts), ==, 33 + 33 + 33 + 2);
  g_assert_cmpuint (counts[3], ==, 2);
  look (c, other, counts);
  for (uint32_t id = 0; id < SAMPLES; id++)
    g_assert_cmpuint (rest[id] + held[id], ==, 1);
  g_assert_cmpint (memcmp (held, other, SAMPLES), !=, 0);
  g_assert_null (choose (&none, RV_PART_VALIDATION, &error));
  g_assert_nonnull (strstr (error->message, "validation: 0.1"));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/selection/first", test_first);
  g_test_add_func ("/selection/classes", test_classes);
  g_test_add_func ("/selection/validation", test_validation);
  return g_test_run ();
}
