/* ranvier check of plugins: plugins that are wrong in one way are caught by the test that is for it, and by
 * that one alone where nothing else must suffer; those that are right pass; the built-in ones too, with what
 * they need. */
#include "support.h"

#include <json-glib/json-glib.h>
#include <string.h>
#include <sys/wait.h>
#ifdef __GLIBC__
#include <malloc.h> /* M_PERTURB */
#endif

/* The tests that must fail, and a word that the first must say. */
static const struct
{
  const char *kind, *mistake, *fails, *says;
} museum[] = {
  { "neuron", "none", "", "" },
  { "neuron", "sign", "gradient network", "dL/d(threshold)" },
  { "neuron", "forgets", "gradient network", "dL/d(leak)" },
  { "neuron", "swallows", "nan", "NaN is swallowed" },
  { "neuron", "lane", "position", "step by step" },
  { "neuron", "buffer", "position threads nan", "has other bits" },
  { "neuron", "recalls", "network position repeat threads bounds nan", "Segmentation fault" },
  { "surrogate", "none", "", "" },
  { "surrogate", "past-end", "bounds", "past the end of 'z'" },
  { "surrogate", "in-front", "position bounds", "in front of the beginning" },
  { "surrogate", "nan-crash", "nan", "Segmentation fault" },
  { "surrogate", "slope", "gradient", "by finite differences" },
  { "surrogate", "neighbour", "position nan", "in short pieces" },
  { "decoder", "none", "", "" },
  { "decoder", "adds", "repeat threads", "gave another result" },
  { "decoder", "next-row", "gradient", "row" },
  { "decoder", "no-reason", "shapes", "does not say why" },
  { "loss", "none", "", "" },
  { "loss", "counter", "gradient position repeat threads", "gave another result" },
  { "loss", "gradient", "gradient", "by finite differences" },
  { "loss", "nan-endless", "nan", "endless loop" },
  { "loss", "nan-zero", "nan", "a training that diverged" },
  { "loss", "exits", "gradient values position repeat threads bounds nan", "without a verdict" },
  { "loss", "asserts", "gradient values position repeat threads bounds nan",
    "assertion 'label != 3' failed" },
  { "loss", "overlap", "table", "share bytes" },
  { "loss", "buffer", "threads", "other than in one thread" },
  { "loss", "uninitialised", "repeat", "in memory that held other numbers" },
  { "optimizer", "none", "", "" },
  { "optimizer", "place", "position", "in three pieces" },
  { "optimizer", "uphill", "values", "quadratic" },
  { "optimizer", "writes-gradient", "repeat position threads bounds", "to be read only" },
  { "optimizer", "grows", "values", "400 calls of 'update_weights'" },
  { "optimizer", "weights-place", "position", "'update_weights' called in three pieces" },
  { "schedule", "none", "", "" },
  { "schedule", "negative", "values", "the factor in epoch 101 is -0.01" },
  { "initializer", "none", "", "" },
  { "initializer", "place", "position", "fewer rows" },
  { "initializer", "scale", "scale", "doubled" },
  { "layer", "none", "", "" },
  { "layer", "recurrence", "gradient", "its gradient says" },
  { "layer", "forgets", "gradient", "network.1.recurrent" },
  { "layer", "silent", "shapes", "does not say why" },
  { "layer", "counter", "gradient position repeat threads", "gave another gradient" },
  { "layer", "late", "position", "in blocks of 1 steps" },
  { "layer", "grid-none", "", "" },
  { "layer", "grid-silent", "shapes", "does not say why" },
  { "layer", "grid-goes-on", "shapes",
    "declare set an error and went on: a grid of 1 columns is too narrow" },
  { "layer", "grid-unchecked", "shapes", "by a critical message" },
  { "layer", "grid-scale", "gradient", "does not hang on its input" },
  { "layer", "grid-window", "gradient position repeat threads shapes nan", "is_window" },
  { "layer", "grid-twice", "gradient position repeat threads shapes nan",
    "two parameters called network.0.weight" },
  { "layer", "grid-keeps", "gradient position repeat threads shapes nan", "a value that it did not declare" },
  { "layer", "grid-counter", "repeat", "has other parameters" },
  { "dataset", "none", "", "" },
  { "dataset", "order", "repeat threads", "read again" },
  { "dataset", "epochs", "epochs", "does not say `varies`" },
  { "dataset", "ids", "values epochs nan", "not in ascending order" },
  { "dataset", "buffer", "threads", "7 threads" },
  { "dataset", "spec", "values repeat threads epochs shapes nan", "check says" },
  { "dataset", "more", "values repeat threads epochs shapes nan", "at most 30 samples" },
  { "dataset", "fewer", "", "" },
  { "transform", "none", "", "" },
  { "transform", "flag", "epochs", "does not say `varies`" },
  { "transform", "label", "values nan", "are not what its spec says" },
  { "transform", "nan-index", "nan", "Segmentation fault" },
  { "trainer", "none", "", "" },
  { "trainer", "unmindful", "resume", "interrupted, it hands on something else" },
  { "trainer", "endless", "resume", "it does not go on where it was stopped" },
  { "trainer", "goes-on", "resume", "returned FALSE, but run went on" },
  { "trainer", "too-early", "resume", "it does not go on where it was stopped" },
  { "analysis", "none", "", "" },
  { "analysis", "counter", "repeat threads", "hands on something else" },
  { "analysis", "silent", "shapes repeat threads", "does not say why" },
  { "analysis", "nan-index", "nan", "Segmentation fault" },
  { "analysis", "threads", "threads", "with 3 threads" },
};

/* Runs `ranvier check ARGUMENTS`; its exit code and what it wrote. */
static int
check (const char *arguments, char **out, char **err)
{
  g_autofree char *line = g_strdup_printf ("'%s' check %s", g_getenv ("RANVIER_PROGRAM"), arguments);
  g_autoptr (GError) error = NULL;
  g_auto (GStrv) argv = NULL;
  int status;
  g_assert_true (g_shell_parse_argv (line, NULL, &argv, &error));
  g_spawn_sync (NULL, argv, NULL, G_SPAWN_DEFAULT, NULL, NULL, out, err, &status, &error);
  g_assert_no_error (error);
  test_say (line);
  test_say (*out);
  test_say (*err);
  g_assert_true (WIFEXITED (status));
  return WEXITSTATUS (status);
}

/* Whether fresh memory holds what M_PERTURB says: not under a sanitizer, and not in every C library. */
static gboolean
memory_is_perturbed (void)
{
#ifdef M_PERTURB
  mallopt (M_PERTURB, 0x2A);
  g_autofree volatile char *memory = g_malloc (1000);
  return memory[500] == (char)0xD5;
#else
  return FALSE;
#endif
}

static void
test_museum (gconstpointer user)
{
  const gsize k = GPOINTER_TO_SIZE (user);
  if (strcmp (museum[k].mistake, "uninitialised") == 0 && !memory_is_perturbed ())
    {
      g_test_skip ("fresh memory is always the same here");
      return;
    }
  g_autofree char *base = g_strdup_printf ("%s-%s.so", museum[k].kind, museum[k].mistake);
  g_autofree char *file = g_test_build_filename (G_TEST_BUILT, "broken", "checked", base, NULL);
  g_autofree char *arguments = g_strdup_printf ("--json --seconds 2 '%s'", file), *out = NULL, *err = NULL;
  g_auto (GStrv) fails = g_strsplit (museum[k].fails, " ", -1);
  const int code = check (arguments, &out, &err);
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonNode) root = json_from_string (out, &error);
  g_assert_no_error (error);
  g_assert_cmpint (code, ==, fails[0] != NULL ? 1 : 0);
  JsonObject *object = json_node_get_object (root);
  JsonArray *tests = json_object_get_array_member (object, "tests");
  g_assert_cmpint (json_object_get_boolean_member (object, "passed"), ==, fails[0] == NULL);
  gboolean said = museum[k].says[0] == '\0';
  for (guint i = 0; i < json_array_get_length (tests); i++)
    {
      JsonObject *test = json_array_get_object_element (tests, i);
      const char *name = json_object_get_string_member (test, "test");
      const gboolean failed = strcmp (json_object_get_string_member (test, "verdict"), "FAILED") == 0;
      g_assert_cmpint (failed, ==, g_strv_contains ((const char *const *)fails, name));
      said
          = said || (failed && strstr (json_object_get_string_member (test, "text"), museum[k].says) != NULL);
    }
  g_assert_true (said);
}

/* What can not be used at all is code 3, what is no plugin 2. */
static void
test_codes (void)
{
  g_autofree char *crash = g_test_build_filename (G_TEST_BUILT, "broken", "plugins", "loss-crash.so", NULL);
  const struct
  {
    const char *what, *says;
    int code;
  } cases[] = { { crash, "while loading the plugin", 3 },
                { "loss/nowhere", "there is no plugin loss/nowhere", 3 },
                { "nowhere/loss-mse.so", "is no plugin file", 3 },
                { "nowhere.yaml", "nowhere.yaml", 2 } };
  for (gsize k = 0; k < G_N_ELEMENTS (cases); k++)
    {
      g_autofree char *out = NULL, *err = NULL;
      g_assert_cmpint (check (cases[k].what, &out, &err), ==, cases[k].code);
      g_assert_nonnull (strstr (err, cases[k].says));
    }
}

/* dataset/mnist needs files: three images of 2 x 2 will do. */
static void
test_files (void)
{
  static const guint8 images[]
      = { 0, 0, 8, 3, 0, 0, 0, 3, 0, 0, 0, 2, 0, 0, 0, 2, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12 };
  static const guint8 labels[] = { 0, 0, 8, 1, 0, 0, 0, 3, 0, 1, 2 };
  static const char *const names[] = { "train-images-idx3-ubyte", "t10k-images-idx3-ubyte",
                                       "train-labels-idx1-ubyte", "t10k-labels-idx1-ubyte" };
  g_autoptr (GError) error = NULL;
  g_autofree char *folder = g_dir_make_tmp ("ranvier-XXXXXX", &error), *out = NULL, *err = NULL;
  g_autofree char *arguments = g_strdup_printf ("dataset/mnist -s samples=0 -s 'folder=%s'", folder);
  g_assert_no_error (error);
  for (gsize k = 0; k < G_N_ELEMENTS (names); k++)
    {
      g_autofree char *file = g_build_filename (folder, names[k], NULL);
      g_file_set_contents (file, (const char *)(k < 2 ? images : labels),
                           k < 2 ? sizeof images : sizeof labels, &error);
      g_assert_no_error (error);
    }
  g_assert_cmpint (check (arguments, &out, &err), ==, 0);
  g_assert_nonnull (strstr (out, "8 ok, 0 failed, 0 skipped"));
  test_remove (folder);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (gsize k = 0; k < G_N_ELEMENTS (museum); k++)
    {
      g_autofree char *path = g_strdup_printf ("/check/%s/%s", museum[k].kind, museum[k].mistake);
      g_test_add_data_func (path, GSIZE_TO_POINTER (k), test_museum);
    }
  g_test_add_func ("/check/codes", test_codes);
  g_test_add_func ("/check/files", test_files);
  return g_test_run ();
}
