/* Prepared data: what is read back is what was written, whatever form and size; damage of any byte is seen
 * at opening; and a file that could not be finished is not there. */
#include "data/prepared.h"
#include "../support.h"
#include "base/threads.h"
#include <fcntl.h>
#include <ranvier/ranvier.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- datasets to prepare */

#define MANY 30000

typedef struct
{
  RvForm form;
  uint32_t samples, steps, units;
  gboolean lengths;      /* recordings shorter than their steps */
  uint32_t fails, wrong; /* these recordings can not be read, or have too many steps; 0: none */
} Source;

/* Recording 0, and every fourth step, is empty; ids stand up to three times; the last unit of all fires. */
static void
fill_spikes (const Source *source, RvStream r, uint32_t id, RvRecording *out)
{
  uint32_t n = 0;
  rv_recording_set_spikes (out, source->steps, source->units, (size_t)source->steps * 9 + 3 * MANY);
  for (uint32_t t = 0; t < source->steps; t++)
    {
      out->offsets[t] = n;
      for (uint32_t k = 0; k < 3 && id > 0 && t % 4; k++)
        {
          /* one third of the units each, so that they ascend */
          const uint32_t third = source->units / 3, low = k * third;
          const uint32_t unit = k == 2 && t == 1 ? source->units - 1
                                                 : low + (uint32_t)(rv_stream_bits (r, t * 8 + k) % third);
          uint32_t again = 1 + (uint32_t)(rv_stream_bits (r, t * 8 + k + 4) % 3);
          if (source->samples == 2 && t == 2)
            again = MANY;
          for (; again > 0; again--)
            out->ids[n++] = unit;
        }
    }
  out->offsets[source->steps] = n;
}

/* Two of three hold values that are bytes by 255, but for a fraction and a zero below zero. */
static void
fill_image (const Source *source, RvStream r, uint32_t id, RvRecording *out)
{
  float *values = rv_recording_set_static (out, source->units);
  for (uint32_t k = 0; k < source->units; k++)
    values[k] = (float)(rv_stream_bits (r, k) % 256) / 255.0f;
  if (id % 3 > 0)
    values[source->units - 1] = id % 3 == 1 ? 0.12345f : -0.0f;
  out->steps = source->steps;
}

static gboolean
read_source (gconstpointer self, uint64_t epoch, uint32_t id, RvRecording *out, GError **error)
{
  const Source *source = self;
  const RvStream r = rv_stream_fork (rv_stream_new (9, "", "test", ""), id);
  g_assert_cmpuint (epoch, ==, 0);
  if (source->fails && id == source->fails)
    {
      g_set_error (error, RV_ERROR, RV_ERROR_DATA, "recording %u of the test is missing", id);
      return FALSE;
    }
  if (source->form == RV_FORM_SPIKES)
    fill_spikes (source, r, id, out);
  else if (source->form == RV_FORM_STATIC)
    fill_image (source, r, id, out);
  else
    {
      float *values = rv_recording_set_frames (out, source->steps, source->units);
      for (uint32_t k = 0; k < source->steps * source->units; k++)
        values[k] = k % 3 ? rv_stream_uniform (r, k) - 0.5f : 0.0f;
    }
  if (source->wrong && id == source->wrong)
    out->steps++;
  out->label = id % 5;
  out->length = source->lengths ? id % (source->steps + 1) : 0;
  return TRUE;
}

static RvDataset *
dataset_of (const Source *source)
{
  const RvDatasetSpec spec = { .form = source->form,
                               .samples = source->samples,
                               .units = source->units,
                               .dims = { 1, 1, source->units },
                               .steps = source->steps,
                               .classes = 5,
                               .step_width = 0.003,
                               .duration = 1234567,
                               .split = "train" };
  return rv_dataset_new (&spec, read_source, (gpointer)source, NULL);
}

/* ---- a folder for each test */

typedef struct
{
  char *folder, *path;
} Fixture;

static void
set_up (Fixture *f, gconstpointer user)
{
  g_autoptr (GError) error = NULL;
  f->folder = g_dir_make_tmp ("prepared-XXXXXX", &error);
  g_assert_no_error (error);
  f->path = g_build_filename (f->folder, "data", NULL);
}

static void
tear_down (Fixture *f, gconstpointer user)
{
  test_remove (f->folder);
  g_free (f->folder);
  g_free (f->path);
}

static guint
files_in (const char *folder)
{
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  guint n = 0;
  while (g_dir_read_name (dir))
    n++;
  return n;
}

static void
compare (RvDataset *made, RvDataset *read)
{
  const RvDatasetSpec *a = rv_dataset_spec (made), *b = rv_dataset_spec (read);
  g_auto (RvRecording) x = { 0 }, y = { 0 };
  g_assert_cmpuint (a->samples, ==, b->samples);
  g_assert_cmpuint (a->steps, ==, b->steps);
  g_assert_cmpuint (a->classes, ==, b->classes);
  g_assert_cmpuint (a->duration, ==, b->duration);
  g_assert_cmpfloat (a->step_width, ==, b->step_width);
  g_assert_cmpmem (a->dims, sizeof a->dims, b->dims, sizeof b->dims);
  for (uint32_t id = a->samples; id-- > 0;)
    {
      g_assert_true (rv_dataset_read (made, 0, id, &x, NULL));
      g_assert_true (rv_dataset_read (read, 3, id, &y, NULL)); /* any epoch: it does not vary */
      g_assert_cmpint (x.form, ==, y.form);
      g_assert_true (x.units == y.units && x.steps == y.steps && x.label == y.label && x.length == y.length);
      if (x.form != RV_FORM_SPIKES)
        {
          const size_t bytes = sizeof (float) * (x.form == RV_FORM_FRAMES ? x.steps : 1) * x.units;
          g_assert_cmpmem (x.values, bytes, y.values, bytes);
          continue;
        }
      g_assert_cmpmem (x.offsets, sizeof (uint32_t) * (x.steps + 1), y.offsets,
                       sizeof (uint32_t) * (y.steps + 1));
      g_assert_cmpmem (x.ids, sizeof (uint32_t) * x.offsets[x.steps], y.ids,
                       sizeof (uint32_t) * y.offsets[y.steps]);
    }
}

static const Source sources[] = {
  { RV_FORM_SPIKES, 700, 9, 40, FALSE, 0, 0 },   /* more than one chunk */
  { RV_FORM_SPIKES, 20, 13, 65536, TRUE, 0, 0 }, /* the last id that fits into 16 bits */
  { RV_FORM_SPIKES, 20, 13, 65537, TRUE, 0, 0 }, /* the first that does not */
  { RV_FORM_SPIKES, 3, 4, 300000, FALSE, 0, 0 },
  { RV_FORM_SPIKES, 2, 3, 40, FALSE, 0, 0 }, /* step 2 has more ids than 16 bits count */
  { RV_FORM_SPIKES, 1, 1, 3, FALSE, 0, 0 },  /* one recording, empty */
  { RV_FORM_FRAMES, 300, 5, 7, TRUE, 0, 0 },
  { RV_FORM_FRAMES, 2, 3, 70000, FALSE, 0, 0 },
  { RV_FORM_STATIC, 600, 0, 784, FALSE, 0, 0 }, /* images, some as bytes */
  { RV_FORM_STATIC, 5, 8, 3, TRUE, 0, 0 },
};

static void
test_same (Fixture *f, gconstpointer user)
{
  for (guint k = 0; k < G_N_ELEMENTS (sources); k++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (RvDataset) made = dataset_of (&sources[k]);
      rv_threads_set (1 + k % 3);
      g_assert_true (rv_prepared_write (made, f->path, NULL, NULL, NULL, &error));
      g_autoptr (RvDataset) read = rv_prepared_open (f->path, rv_dataset_spec (made), &error);
      g_assert_no_error (error);
      compare (made, read);
      g_assert_cmpuint (files_in (f->folder), ==, 1);
    }
  rv_threads_set (0);
}

/* The same data makes the same file, by any number of threads. */
static void
test_same_file (Fixture *f, gconstpointer user)
{
  g_autoptr (RvDataset) made = dataset_of (&sources[0]);
  g_autofree char *first = NULL, *second = NULL;
  gsize a, b;
  rv_threads_set (1);
  g_assert_true (rv_prepared_write (made, f->path, NULL, NULL, NULL, NULL));
  g_file_get_contents (f->path, &first, &a, NULL);
  rv_threads_set (5);
  g_assert_true (rv_prepared_write (made, f->path, NULL, NULL, NULL, NULL));
  g_file_get_contents (f->path, &second, &b, NULL);
  g_assert_cmpmem (first, a, second, b);
  rv_threads_set (0);
}

/* ---- damage */

/* Over the file that is there, which is much faster than a new one. */
static void
write_file (const char *path, const char *bytes, gsize n)
{
  const int file = g_open (path, O_WRONLY | O_CLOEXEC, 0);
  g_assert_cmpint (file, >=, 0);
  g_assert_cmpint (pwrite (file, bytes, n, 0), ==, n);
  g_assert_cmpint (ftruncate (file, (off_t)n), ==, 0);
  close (file);
}

static void
assert_refused (const Fixture *f, const RvDatasetSpec *spec, const char *what, gsize where)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (RvDataset) data = rv_prepared_open (f->path, spec, &error);
  if (data)
    g_error ("%s at byte %" G_GSIZE_FORMAT " is not seen", what, where);
  g_assert_error (error, RV_ERROR, RV_ERROR_DATA);
  g_assert_nonnull (strstr (error->message, f->path));
}

/* Each byte in turn, in two ways; each length; too long; nothing at all. */
static void
test_damage (Fixture *f, gconstpointer user)
{
  static const Source tiny[] = { { RV_FORM_SPIKES, 3, 5, 11, TRUE, 0, 0 },
                                 { RV_FORM_SPIKES, 3, 3, 70000, FALSE, 0, 0 },
                                 { RV_FORM_FRAMES, 2, 3, 3, TRUE, 0, 0 },
                                 { RV_FORM_STATIC, 3, 0, 7, FALSE, 0, 0 } };
  rv_threads_set (1); /* thousands of files of one chunk each */
  for (guint k = 0; k < G_N_ELEMENTS (tiny); k++)
    {
      g_autoptr (RvDataset) made = dataset_of (&tiny[k]);
      const RvDatasetSpec *spec = rv_dataset_spec (made);
      g_autofree char *good = NULL;
      gsize n;
      g_assert_true (rv_prepared_write (made, f->path, NULL, NULL, NULL, NULL));
      g_file_get_contents (f->path, &good, &n, NULL);
      g_autofree char *longer = g_malloc0 (n + 8);
      for (gsize at = 0; at < n; at++)
        for (int way = 0; way < 2; way++)
          {
            const char was = good[at];
            good[at] = (char)(was ^ (way ? 0x80 : 1));
            write_file (f->path, good, n);
            assert_refused (f, spec, "damage", at);
            good[at] = was;
          }
      for (gsize at = 0; at < n; at++)
        {
          write_file (f->path, good, at);
          assert_refused (f, spec, "an end", at);
        }
      memcpy (longer, good, n);
      write_file (f->path, longer, n + 8);
      assert_refused (f, spec, "more", n);
      write_file (f->path, good, n);
      g_autoptr (GError) error = NULL;
      g_autoptr (RvDataset) read = rv_prepared_open (f->path, spec, &error);
      g_assert_no_error (error);
      compare (made, read);
    }
}

/* A file that is well in itself, but of other data. */
static void
test_other (Fixture *f, gconstpointer user)
{
  g_autoptr (RvDataset) made = dataset_of (&sources[1]);
  RvDatasetSpec spec = *rv_dataset_spec (made);
  g_assert_true (rv_prepared_write (made, f->path, NULL, NULL, NULL, NULL));
  spec.units++;
  assert_refused (f, &spec, "other units", 0);
  spec.units--;
  spec.form = RV_FORM_FRAMES;
  assert_refused (f, &spec, "another form", 0);
  spec.form = RV_FORM_SPIKES;
  spec.steps++;
  assert_refused (f, &spec, "other steps", 0);
  spec.steps--;
  spec.classes++;
  assert_refused (f, &spec, "other classes", 0);
}

/* ---- what is not finished */

static gboolean
stop_at_once (void *user)
{
  guint *asked = user;
  return ++*asked > 1;
}

static void
count_progress (void *user, uint32_t done, uint32_t total)
{
  g_assert_cmpuint (done, <=, total);
}

static void
test_stopped (Fixture *f, gconstpointer user)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (RvDataset) made = dataset_of (&sources[0]);
  guint asked = 0;
  g_assert_false (rv_prepared_write (made, f->path, stop_at_once, count_progress, &asked, &error));
  g_assert_error (error, RV_ERROR, RV_ERROR_STOPPED);
  g_assert_cmpuint (asked, ==, 2);
  g_assert_cmpuint (files_in (f->folder), ==, 0);
}

/* A recording that can not be read, or is not what the spec says: its own message, and no file. */
static void
test_bad_recording (Fixture *f, gconstpointer user)
{
  const Source bad[]
      = { { RV_FORM_SPIKES, 300, 9, 40, FALSE, 290, 0 }, { RV_FORM_SPIKES, 300, 9, 40, FALSE, 0, 280 } };
  static const char *const messages[]
      = { "recording 290 of the test is missing",
          "recording 280 has 40 units, 10 steps and label 0; the dataset says 40, 9 and 5 classes" };
  for (guint k = 0; k < G_N_ELEMENTS (bad); k++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (RvDataset) made = dataset_of (&bad[k]);
      g_assert_false (rv_prepared_write (made, f->path, NULL, NULL, NULL, &error));
      g_assert_cmpstr (error->message, ==, messages[k]);
      g_assert_cmpuint (files_in (f->folder), ==, 0);
    }
}

/* A device that is always full stands for a full disk. */
static void
test_full (Fixture *f, gconstpointer user)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (RvDataset) made = dataset_of (&sources[0]);
  g_autofree char *part = g_strdup_printf ("%s.part-%d", f->path, (int)getpid ());
  if (!g_file_test ("/dev/full", G_FILE_TEST_EXISTS) || symlink ("/dev/full", part) != 0)
    {
      g_test_skip ("there is no /dev/full");
      return;
    }
  g_assert_false (rv_prepared_write (made, f->path, NULL, NULL, NULL, &error));
  g_assert_error (error, RV_ERROR, RV_ERROR_IO);
  g_assert_nonnull (strstr (error->message, "could not be written: "));
  g_assert_cmpuint (files_in (f->folder), ==, 0);
}

static void
test_no_folder (Fixture *f, gconstpointer user)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (RvDataset) made = dataset_of (&sources[0]), none = NULL;
  g_autofree char *path = g_build_filename (f->folder, "missing", "data", NULL);
  g_assert_false (rv_prepared_write (made, path, NULL, NULL, NULL, &error));
  g_assert_error (error, RV_ERROR, RV_ERROR_IO);
  none = rv_prepared_open (path, rv_dataset_spec (made), NULL);
  g_assert_null (none);
}

/* Two processes that write the same at once: both end well, and the file is whole. */
static void
test_two_writers (Fixture *f, gconstpointer user)
{
  g_autoptr (RvDataset) made = dataset_of (&sources[0]);
  pid_t children[2];
  rv_threads_set (1); /* no threads before the fork */
  for (int k = 0; k < 2; k++)
    {
      children[k] = fork ();
      g_assert_cmpint (children[k], >=, 0);
      if (children[k] == 0)
        {
          gboolean good = TRUE;
          for (int n = 0; n < 3; n++)
            good &= rv_prepared_write (made, f->path, NULL, NULL, NULL, NULL);
          _exit (good ? 0 : 1);
        }
    }
  for (int k = 0; k < 2; k++)
    {
      int status;
      g_assert_cmpint (waitpid (children[k], &status, 0), ==, children[k]);
      g_assert_cmpint (status, ==, 0);
    }
  g_autoptr (RvDataset) read = rv_prepared_open (f->path, rv_dataset_spec (made), NULL);
  compare (made, read);
  g_assert_cmpuint (files_in (f->folder), ==, 1);
}

int
main (int argc, char **argv)
{
  static const struct
  {
    const char *name;
    void (*test) (Fixture *f, gconstpointer user);
  } tests[] = { { "/prepared/two-writers", test_two_writers },
                { "/prepared/same", test_same },
                { "/prepared/same-file", test_same_file },
                { "/prepared/damage", test_damage },
                { "/prepared/other", test_other },
                { "/prepared/stopped", test_stopped },
                { "/prepared/bad-recording", test_bad_recording },
                { "/prepared/full", test_full },
                { "/prepared/no-folder", test_no_folder } };
  g_test_init (&argc, &argv, NULL);
  for (guint k = 0; k < G_N_ELEMENTS (tests); k++)
    g_test_add (tests[k].name, Fixture, NULL, set_up, tests[k].test, tear_down);
  return g_test_run ();
}
