/* Checkpoints as files: what is written comes back with every bit, equal content makes equal files, and no
 * flipped bit, cut or swap of two arrays goes unseen. */
#include "data/checkpoint.h"
#include <glib/gstdio.h>
#include <math.h>
#include <string.h>

static char *folder;

/* Something that goes on: as a node would be. */
typedef struct
{
  uint64_t epoch, has_more;
  double sums[3];
  float weights[37], more[5];
  RvTable *history;
  gboolean swapped, longer; /* a plugin that does not visit the same */
} Thing;

static void
remember (void *self, RvCheckpoint *checkpoint)
{
  Thing *thing = self;
  if (thing->swapped)
    rv_checkpoint_reals (checkpoint, "sums", thing->sums, 3);
  rv_checkpoint_integers (checkpoint, "epoch", &thing->epoch, 1);
  if (!thing->swapped)
    rv_checkpoint_reals (checkpoint, "sums", thing->sums, 3);
  rv_checkpoint_floats (checkpoint, "weights", thing->weights, G_N_ELEMENTS (thing->weights));
  rv_checkpoint_table (checkpoint, "history", &thing->history);
  rv_checkpoint_integers (checkpoint, "has more", &thing->has_more, 1);
  if (thing->has_more)
    rv_checkpoint_floats (checkpoint, "more", thing->more, G_N_ELEMENTS (thing->more));
  rv_checkpoint_floats (checkpoint, "nothing", NULL, 0);
  if (thing->longer)
    rv_checkpoint_integers (checkpoint, "longer", &thing->epoch, 1);
  rv_checkpoint_position (checkpoint, "epoch %u", (guint)thing->epoch);
}

static void
make_thing (Thing *thing)
{
  *thing = (Thing){ .epoch = G_MAXUINT64 - 3, .has_more = 1, .sums = { 0.1, -0.0, NAN } };
  for (guint k = 0; k < G_N_ELEMENTS (thing->weights); k++)
    thing->weights[k] = k == 5 ? 1e-42f : 1.0f / (float)(k + 1);
  thing->more[4] = INFINITY;
  thing->history = rv_table_new ("History");
  rv_table_add_column (thing->history, "epoch", RV_COLUMN_INT, 0);
  rv_table_add_column (thing->history, "loss", RV_COLUMN_REAL, 4);
  rv_table_set_int (thing->history, rv_table_add_row (thing->history), 0, 7);
  rv_table_set_real (thing->history, 0, 1, 1.0 / 3.0);
  rv_table_add_note (thing->history, "a note");
}

static void
clear_thing (Thing *thing)
{
  g_clear_pointer (&thing->history, rv_table_unref);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Thing, clear_thing)

static char *
path_of (const char *name)
{
  return g_build_filename (folder, name, NULL);
}

static void
write_thing (Thing *thing, const char *path, const char *before)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (RvCheckpoint) checkpoint = rv_checkpoint_new ();
  remember (thing, checkpoint);
  g_assert_true (rv_checkpoint_write (checkpoint, path, before, &error));
  g_assert_no_error (error);
}

static gboolean
read_thing (Thing *thing, const char *path, GError **error)
{
  g_autoptr (RvCheckpoint) checkpoint = rv_checkpoint_read (path, error);
  if (!checkpoint)
    return FALSE;
  remember (thing, checkpoint);
  if (!rv_checkpoint_matches (checkpoint, error))
    return FALSE;
  g_autofree char *where = g_strdup_printf ("epoch %u", (guint)thing->epoch);
  g_assert_cmpstr (rv_checkpoint_where (checkpoint), ==, where);
  return TRUE;
}

static void
assert_equal (const Thing *a, const Thing *b)
{
  g_autofree char *left = rv_table_to_markdown (a->history), *right = rv_table_to_markdown (b->history);
  g_assert_cmpuint (a->epoch, ==, b->epoch);
  g_assert_cmpmem (a->sums, sizeof a->sums, b->sums, sizeof b->sums);
  g_assert_cmpmem (a->weights, sizeof a->weights, b->weights, sizeof b->weights);
  g_assert_cmpmem (a->more, sizeof a->more, b->more, sizeof b->more);
  g_assert_cmpstr (left, ==, right);
  g_assert_cmpfloat (rv_table_get_real (b->history, 0, 1), ==, 1.0 / 3.0);
}

static void
test_there_and_back (void)
{
  g_autofree char *one = path_of ("one.npz"), *two = path_of ("two.npz"), *first = NULL, *second = NULL;
  g_auto (Thing) thing = { 0 }, other = { .history = rv_table_new ("another") };
  g_autoptr (GError) error = NULL;
  gsize n, m;
  make_thing (&thing);
  write_thing (&thing, one, NULL);
  g_assert_true (read_thing (&other, one, &error));
  g_assert_no_error (error);
  assert_equal (&thing, &other);
  write_thing (&other, two, NULL);
  g_assert_true (g_file_get_contents (one, &first, &n, NULL) && g_file_get_contents (two, &second, &m, NULL));
  g_assert_cmpmem (first, n, second, m);
}

/* What it holds has changed since it was named: floats alone are not copied. */
static void
test_borrowed (void)
{
  g_autofree char *path = path_of ("one.npz");
  g_auto (Thing) thing = { 0 }, other = { 0 };
  g_autoptr (RvCheckpoint) checkpoint = rv_checkpoint_new ();
  make_thing (&thing);
  remember (&thing, checkpoint);
  thing.epoch = 1;
  thing.sums[0] = 2.0;
  g_assert_true (rv_checkpoint_write (checkpoint, path, NULL, NULL));
  g_assert_true (read_thing (&other, path, NULL));
  g_assert_cmpuint (other.epoch, ==, G_MAXUINT64 - 3);
  g_assert_cmpfloat (other.sums[0], ==, 0.1);
}

static void
spoil (const char *path, const char *bytes, gsize length)
{
  g_unlink (path); /* or file systems flush what is written over */
  FILE *file = g_fopen (path, "wb");
  g_assert_cmpuint (fwrite (bytes, 1, length, file), ==, length);
  fclose (file);
}

/* Each byte of the file changed in turn: an error, or a file that says the same (padding, attributes). */
static void
test_flipped (void)
{
  g_autofree char *path = path_of ("one.npz"), *bytes = NULL;
  g_auto (Thing) thing = { 0 };
  gsize length;
  guint refused = 0;
  make_thing (&thing);
  write_thing (&thing, path, NULL);
  g_assert_true (g_file_get_contents (path, &bytes, &length, NULL));
  for (gsize k = 0; k < length; k++)
    {
      g_auto (Thing) other = { 0 };
      g_autoptr (GError) error = NULL;
      bytes[k] ^= (char)(1 << k % 8);
      spoil (path, bytes, length);
      if (read_thing (&other, path, &error))
        assert_equal (&thing, &other);
      else
        {
          refused++;
          g_assert_error (error, RV_ERROR, RV_ERROR_IO);
          g_assert_nonnull (strstr (error->message, path));
        }
      bytes[k] ^= (char)(1 << k % 8);
    }
  g_test_message ("%u of %zu bytes refused", refused, length);
  g_assert_cmpuint (refused, >, length / 4);
}

static void
test_cut (void)
{
  g_autofree char *path = path_of ("one.npz"), *bytes = NULL;
  g_auto (Thing) thing = { 0 };
  gsize length;
  make_thing (&thing);
  write_thing (&thing, path, NULL);
  g_assert_true (g_file_get_contents (path, &bytes, &length, NULL));
  for (gsize k = 0; k < length; k++)
    {
      g_auto (Thing) other = { 0 };
      spoil (path, bytes, k);
      if (read_thing (&other, path, NULL)) /* the directory of a zip may be missing */
        assert_equal (&thing, &other);
      else
        continue;
      g_assert_cmpuint (k, >, length / 2);
    }
}

/* A visit that is not the one that wrote: refused, with the name of what is not there. */
static void
test_other_visit (void)
{
  g_autofree char *path = path_of ("one.npz");
  g_auto (Thing) thing = { 0 };
  make_thing (&thing);
  write_thing (&thing, path, NULL);
  for (int k = 0; k < 2; k++)
    {
      g_auto (Thing) other = { .swapped = k == 0, .longer = k == 1 };
      g_autoptr (GError) error = NULL;
      g_assert_false (read_thing (&other, path, &error));
      g_assert_error (error, RV_ERROR, RV_ERROR_IO);
      g_assert_nonnull (strstr (error->message, k ? "'longer'" : "'sums'"));
    }
  thing.longer = TRUE;
  write_thing (&thing, path, NULL);
  g_auto (Thing) shorter = { 0 };
  g_autoptr (GError) error = NULL;
  g_assert_false (read_thing (&shorter, path, &error));
  g_assert_nonnull (strstr (error->message, "more than"));
}

/* The one before is what was there; what can not be written changes neither. */
static void
test_generations (void)
{
  g_autofree char *path = path_of ("one.npz"), *before = path_of ("before.npz"),
                  *part = path_of ("one.npz.part");
  g_auto (Thing) thing = { 0 };
  make_thing (&thing);
  g_unlink (path);
  g_unlink (before);
  for (thing.epoch = 1; thing.epoch <= 3; thing.epoch++)
    write_thing (&thing, path, before);
  for (int k = 0; k < 2; k++)
    {
      g_auto (Thing) other = { 0 };
      g_autoptr (GError) error = NULL;
      g_assert_true (read_thing (&other, k ? before : path, NULL));
      g_assert_cmpuint (other.epoch, ==, 3 - k);
      g_assert_cmpint (g_mkdir_with_parents (part, 0700), ==, 0); /* no place for the new one */
      g_autoptr (RvCheckpoint) checkpoint = rv_checkpoint_new ();
      remember (&thing, checkpoint);
      g_assert_false (rv_checkpoint_write (checkpoint, path, before, &error));
      g_assert_error (error, RV_ERROR, RV_ERROR_IO);
    }
  g_rmdir (part);
}

int
main (int argc, char **argv)
{
  static const char *const names[] = { "one.npz", "two.npz", "before.npz" };
  g_test_init (&argc, &argv, NULL);
  folder = g_dir_make_tmp ("ranvier-checkpoint-XXXXXX", NULL);
  g_test_add_func ("/checkpoint/there-and-back", test_there_and_back);
  g_test_add_func ("/checkpoint/borrowed", test_borrowed);
  g_test_add_func ("/checkpoint/flipped", test_flipped);
  g_test_add_func ("/checkpoint/cut", test_cut);
  g_test_add_func ("/checkpoint/other-visit", test_other_visit);
  g_test_add_func ("/checkpoint/generations", test_generations);
  const int failed = g_test_run ();
  for (guint k = 0; k < G_N_ELEMENTS (names); k++)
    {
      g_autofree char *path = path_of (names[k]);
      g_unlink (path);
    }
  g_rmdir (folder);
  g_free (folder);
  return failed;
}
