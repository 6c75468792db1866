/* Tensors, recordings and datasets: shapes, alignment, buffers that are used again, and who frees what. */
#include <ranvier/dataset.h>
#include <ranvier/tensor.h>
#include <string.h>

static void
test_shape (void)
{
  const uint32_t shape[] = { 3, 5, 7 };
  g_autoptr (RvTensor) tensor = rv_tensor_new (3, shape), scalar = rv_tensor_new (0, NULL);
  g_autoptr (RvTensor) again = rv_tensor_ref (tensor);
  const uint32_t *sizes = rv_tensor_shape (tensor);
  g_assert_true (again == tensor);
  g_assert_cmpuint (rv_tensor_rank (tensor), ==, 3);
  g_assert_cmpuint (rv_tensor_count (tensor), ==, 105);
  g_assert_true (sizes[0] == 3 && sizes[1] == 5 && sizes[2] == 7 && sizes[3] == 1
                 && sizes[RV_MAX_RANK - 1] == 1);
  g_assert_cmpuint ((guintptr)rv_tensor_data (tensor) % RV_ALIGN, ==, 0);
  for (size_t k = 0; k < 105; k++)
    g_assert_cmpfloat (rv_tensor_data (tensor)[k], ==, 0.0f);
  g_assert_cmpuint (rv_tensor_count (scalar), ==, 1);
  rv_tensor_unref (NULL);
}

static void
test_empty (void)
{
  const uint32_t shape[] = { 0, 4 };
  g_autoptr (RvTensor) tensor = rv_tensor_new (2, shape);
  g_assert_cmpuint (rv_tensor_count (tensor), ==, 0);
  g_assert_nonnull (rv_tensor_data (tensor));
}

static void
test_aligned (void)
{
  for (size_t bytes = 0; bytes < 300; bytes += 37)
    {
      char *memory = rv_aligned_alloc (bytes);
      g_assert_cmpuint ((guintptr)memory % RV_ALIGN, ==, 0);
      for (size_t k = 0; k < bytes; k++)
        g_assert_cmpint (memory[k], ==, 0);
      rv_aligned_free (memory);
    }
  rv_aligned_free (NULL);
}

static void
test_recording (void)
{
  RvRecording recording = { 0 };
  float *values = rv_recording_set_frames (&recording, 4, 6);
  memset (values, 0, 24 * sizeof (float));
  g_assert_true (recording.form == RV_FORM_FRAMES && recording.steps == 4 && recording.units == 6);
  /* what is smaller takes the same memory */
  g_assert_true (rv_recording_set_static (&recording, 20) == values);
  g_assert_true (recording.form == RV_FORM_STATIC && recording.steps == 0 && recording.units == 20);
  rv_recording_set_spikes (&recording, 3, 6, 5);
  recording.offsets[3] = 5;
  recording.ids[4] = 1;
  uint32_t *ids = recording.ids, *offsets = recording.offsets;
  rv_recording_set_spikes (&recording, 2, 6, 4);
  g_assert_true (recording.form == RV_FORM_SPIKES && recording.steps == 2);
  g_assert_true (recording.ids == ids && recording.offsets == offsets);
  rv_recording_clear (&recording);
  g_assert_true (!recording.ids && !recording.values && !recording.offsets && recording.values_room == 0);
  rv_recording_clear (&recording);
}

static gboolean
read_squares (gconstpointer self, uint64_t epoch, uint32_t id, RvRecording *out, GError **error)
{
  if (id >= 3)
    {
      g_set_error (error, RV_ERROR, RV_ERROR_DATA, "there is no recording %u", id);
      return FALSE;
    }
  rv_recording_set_static (out, 1)[0] = (float)(id * id + epoch);
  out->label = id;
  return TRUE;
}

static void
count_free (gpointer self)
{
  ++*(int *)self;
}

static void
test_dataset (void)
{
  int freed = 0;
  const RvDatasetSpec spec
      = { .form = RV_FORM_STATIC, .samples = 3, .units = 1, .classes = 3, .split = "train" };
  RvDataset *dataset = rv_dataset_new (&spec, read_squares, &freed, count_free);
  g_auto (RvRecording) recording = { 0 };
  g_autoptr (GError) error = NULL;
  g_assert_cmpstr (rv_dataset_spec (dataset)->split, ==, "train");
  g_assert_true (rv_dataset_read (dataset, 10, 2, &recording, &error));
  g_assert_no_error (error);
  g_assert_cmpfloat (recording.values[0], ==, 14.0f);
  g_assert_cmpuint (recording.label, ==, 2);
  g_assert_false (rv_dataset_read (dataset, 0, 3, &recording, &error));
  g_assert_error (error, RV_ERROR, RV_ERROR_DATA);
  rv_dataset_unref (rv_dataset_ref (dataset));
  g_assert_cmpint (freed, ==, 0);
  rv_dataset_unref (dataset);
  g_assert_cmpint (freed, ==, 1);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/tensor/shape", test_shape);
  g_test_add_func ("/tensor/empty", test_empty);
  g_test_add_func ("/tensor/aligned", test_aligned);
  g_test_add_func ("/recording/buffers", test_recording);
  g_test_add_func ("/dataset/life", test_dataset);
  return g_test_run ();
}
