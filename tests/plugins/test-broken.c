/* The museum of broken plugins: each is refused with words of its own, by the listing and by a pipeline
 * that names it, and everything else works beside them. */
#include "plugin/registry.h"
#include "support.h"
#include <ranvier/ranvier.h>

#include <glib/gstdio.h>
#include <json-glib/json-glib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* What the listing must say; "%s" is the time limit. Without a kind the file has a name of another form. */
static const struct
{
  const char *kind, *name, *why;
} museum[] = {
  { "loss", "no-symbol", "it exports no rv_plugin: see RV_PLUGIN in <ranvier/plugin.h>" },
  { "loss", "wrong-major", "it was built for ABI 2.3, this is 1.1: build it again" },
  { "loss", "newer-minor", "it needs ABI 1.2, this is 1.1: it needs a newer ranvier" },
  { "loss", "small-descriptor",
    "its descriptor has 40 bytes, which no plugin of ABI 1.1 has: open it with RV_PLUGIN" },
  { "loss", "missing-function", "'value', which every loss must have, is missing" },
  { "loss", "no-functions", "it has no functions: write RV_FUNCTIONS (class) in its descriptor" },
  { "loss", "other-functions",
    "its functions have 40 bytes, but a loss of ABI 1.1 has 8: is it of another kind?" },
  { "loss", "wrong-name", "it calls itself loss/right-name, which does not fit the file" },
  { "loss", "wrong-kind", "it calls itself surrogate/wrong-kind, which does not fit the file" },
  { "loss", "no-doc", "its descriptor has no doc" },
  { "loss", "table-twice", "it has two parameters called 'rate'" },
  { "loss", "table-outside", "parameter 'rate' lies outside of its struct of 32 bytes" },
  { "loss", "table-type", "the type of parameter 'rate' is unknown" },
  { "loss", "table-doc", "parameter 'rate' has no doc" },
  { "loss", "table-range", "the minimum of parameter 'rate' is above its maximum" },
  { "loss", "table-choices", "parameter 'choice' has no choices" },
  { "loss", "table-slot", "parameter 'slot' is a slot of no known kind" },
  { "loss", "table-artefact", "parameter 'port' is a port of no known artefact" },
  { "loss", "table-use", "a parameter can not be called 'use'" },
  { "loss", "float-state", "loading it changed how the processor computes (built with -ffast-math?)" },
  { "loss", "crash", "while loading it the program was killed by signal 11 (Segmentation fault)" },
  { "loss", "endless", "while loading it the program did not come back within %s s" },
  { "loss", "exits", "while loading it the program exited with code 0" },
  { "loss", "talks", "it exports no rv_plugin: see RV_PLUGIN in <ranvier/plugin.h>" },
  { "loss", "unresolved", "undefined symbol: rv_test_nowhere" },
  { "loss", "text", "the file is no shared library (not ELF)" },
  { "loss", "empty", "the file is empty" },
  { "loss", "cut", "the file is cut off after 4096 bytes" },
  { "loss", "cut-early", "the file is cut off after 20 bytes" },
  { "loss", "dangling", "the file can not be read: No such file or directory" },
  { "loss", "folder", "it is a folder, not a file" },
  { "transform", "output", "output '' is a dataset or model, so that it needs 'check'" },
  { "neuron", "common", "its RvNeuronCommon lies outside of its struct" },
  { "layer", "no-backward", "'backward', which every layer without 'declare' must have, is missing" },
  { "layer", "nothing", "'build', which every layer without 'declare' must have, is missing" },
  { "layer", "cut", "'forward', which every layer without 'declare' must have, is missing" },
  { NULL, "stranger.so", "its name is not KIND-NAME.so with a KIND that there is" },
  { NULL, "lens-thin.so", "its name is not KIND-NAME.so with a KIND that there is" },
};

static char *folder; /* of the exhibits that a compiler can not make */
static char *second; /* holds a file of a name that is there before */
static char *paths;  /* all three, for --plugin-path */

static char *
reason (gsize k)
{
  g_auto (GStrv) parts = g_strsplit (museum[k].why, "%s", 2);

  return g_strjoinv (g_getenv ("RANVIER_PROBE_SECONDS"), parts);
}

static void
put (const char *where, const char *name, const char *content, gsize length)
{
  g_autofree char *file = g_build_filename (where, name, NULL);
  g_autoptr (GError) error = NULL;

  g_file_set_contents (file, content, (gssize)length, &error);
  g_assert_no_error (error);
}

static void
make_exhibits (void)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *built = g_test_build_filename (G_TEST_BUILT, "broken", "plugins", NULL);
  g_autofree char *whole = g_build_filename (built, "loss-no-doc.so", NULL), *content = NULL;
  g_autofree char *link = NULL, *inside = NULL;
  gsize length;

  folder = g_dir_make_tmp ("ranvier-XXXXXX", &error);
  g_assert_no_error (error);
  second = g_dir_make_tmp ("ranvier-XXXXXX", &error);
  g_assert_no_error (error);
  paths = g_strjoin (G_SEARCHPATH_SEPARATOR_S, built, folder, second, NULL);
  g_file_get_contents (whole, &content, &length, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (length, >, 4096);
  put (folder, "loss-text.so", "not a module", 12);
  put (folder, "loss-empty.so", "", 0);
  put (folder, "loss-cut.so", content, 4096);
  put (folder, "loss-cut-early.so", content, 20);
  put (folder, "README.txt", "no plugin, no matter", 20);
  put (second, "loss-no-doc.so", content, length);
  link = g_build_filename (folder, "loss-dangling.so", NULL);
  g_assert_cmpint (symlink ("/nowhere/loss-dangling.so", link), ==, 0);
  inside = g_build_filename (folder, "loss-folder.so", NULL);
  g_assert_cmpint (g_mkdir (inside, 0700), ==, 0);
}

static void
remove_folder (const char *path)
{
  g_autoptr (GDir) dir = g_dir_open (path, 0, NULL);

  for (const char *name; dir != NULL && (name = g_dir_read_name (dir)) != NULL;)
    {
      g_autofree char *inside = g_build_filename (path, name, NULL);
      if (g_file_test (inside, G_FILE_TEST_IS_DIR) && !g_file_test (inside, G_FILE_TEST_IS_SYMLINK))
        remove_folder (inside);
      g_remove (inside);
    }
  g_rmdir (path);
}

/* Runs `ranvier VERB --plugin-path ... REST`; returns the exit code and what it said. */
static int
ranvier (const char *verb, const char *rest, char **out, char **err)
{
  g_autofree char *line
      = g_strdup_printf ("'%s' %s --plugin-path '%s' %s", g_getenv ("RANVIER_PROGRAM"), verb, paths, rest);
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

/* The entry of the listing; NULL: there is none. */
static JsonObject *
find (JsonArray *list, const char *kind, const char *name)
{
  for (guint i = 0; i < json_array_get_length (list); i++)
    {
      JsonObject *entry = json_array_get_object_element (list, i);
      const char *its_kind = json_object_get_string_member_with_default (entry, "kind", NULL);

      if (g_strcmp0 (its_kind, kind) == 0
          && g_str_equal (json_object_get_string_member (entry, "name"), name))
        return entry;
    }
  return NULL;
}

static const char *
error_of (JsonObject *entry)
{
  return json_object_get_string_member_with_default (entry, "error", NULL);
}

static void
test_list (void)
{
  g_autofree char *out = NULL, *err = NULL;
  g_autoptr (JsonNode) root = NULL;
  g_autoptr (GError) error = NULL;
  JsonArray *list, *hidden;
  JsonObject *entry;
  guint broken = 0;

  g_assert_cmpint (ranvier ("plugins", "--json", &out, &err), ==, 0);
  g_assert_cmpstr (err, ==, "");
  root = json_from_string (out, &error);
  g_assert_no_error (error);
  list = json_node_get_array (root);
  for (gsize k = 0; k < G_N_ELEMENTS (museum); k++)
    {
      g_autofree char *why = reason (k);

      entry = find (list, museum[k].kind, museum[k].name);
      g_test_message ("%s", museum[k].name);
      g_assert_nonnull (entry);
      g_assert_cmpstr (error_of (entry), ==, why);
      g_assert_cmpstr (json_object_get_string_member (entry, "origin"), ==, "--plugin-path");
    }
  for (guint i = 0; i < json_array_get_length (list); i++)
    broken += error_of (json_array_get_object_element (list, i)) != NULL;
  g_assert_cmpuint (broken, ==, G_N_ELEMENTS (museum));
  /* the others, before and behind them, are as ever */
  g_assert_null (error_of (find (list, "loss", "mse")));
  g_assert_null (error_of (find (list, "surrogate", "arctan")));
  g_assert_null (error_of (find (list, "layer", "older")));
  g_assert_null (error_of (find (list, "layer", "declares")));
  entry = find (list, "analysis", "older");
  g_assert_null (error_of (entry));
  g_assert_cmpstr (json_object_get_string_member (entry, "version"), ==, "0.9");
  /* of two files of one name the first counts, and the other is told */
  hidden = json_object_get_array_member (find (list, "loss", "no-doc"), "hidden");
  g_assert_cmpuint (json_array_get_length (hidden), ==, 1);
  g_assert_true (g_str_has_prefix (json_array_get_string_element (hidden, 0), second));
}

static void
test_text (void)
{
  g_autofree char *out = NULL, *err = NULL, *schedules = NULL, *schedules_err = NULL, *all = NULL, *all_err = NULL;

  g_assert_cmpint (ranvier ("plugins", "transform --broken", &out, &err), ==, 0);
  g_assert_true (g_str_has_prefix (out, "transform/output "));
  g_assert_nonnull (
      strstr (out, "can not be used: output '' is a dataset or model, so that it needs 'check'\n"));
  g_assert_nonnull (strstr (out, "/transform-output.so\n"));
  g_assert_null (strstr (out, "transform/repeat"));
  g_assert_null (strstr (out, "loss"));
  g_assert_cmpint (ranvier ("plugins", "schedule --broken", &schedules, &schedules_err), ==, 0);
  g_assert_true (g_str_has_prefix (schedules, "all ") && strstr (schedules, " can be used\n") != NULL);
  g_assert_cmpint (ranvier ("plugins", "surrogate --paths", &all, &all_err), ==, 0);
  g_assert_nonnull (strstr (all, "/surrogate-arctan.so\n"));
  g_assert_nonnull (strstr (all, "searched: "));
  g_assert_nonnull (strstr (all, " (--plugin-path)\n"));
  g_assert_nonnull (strstr (all, " (RANVIER_PLUGIN_PATH)\n"));
  g_assert_nonnull (strstr (all, " (user, is not there)\n"));
}

#define DATA "  data: {use: dataset/delayed-xor, samples: 20, gap: 2, pattern: 2}\n"
#define TRAINER                                                                                              \
  "{use: trainer/bptt, data: data, epochs: 1, batch: 10, decoder: last-step, "                               \
  "network: [{use: dense, units: 2, neuron: leaky-integrator}], loss: %s}\n"

/* A pipeline that names them all gets all reasons and code 3, and does not run; the one that names none
 * runs. */
static void
test_pipeline (void)
{
  g_autoptr (GString) text = g_string_new ("nodes:\n" DATA);
  g_autofree char *out = NULL, *err = NULL, *run_out = NULL, *run_err = NULL, *good_out = NULL,
                  *good_err = NULL;
  g_autofree char *file = g_build_filename (folder, "all.yaml", NULL), *good = NULL, *arguments = NULL;
  g_autofree char *results = g_build_filename (folder, "results", NULL);

  for (gsize k = 0; k < G_N_ELEMENTS (museum); k++)
    if (g_strcmp0 (museum[k].kind, "loss") == 0)
      g_string_append_printf (text, "  fit-%s: " TRAINER, museum[k].name, museum[k].name);
  put (folder, "all.yaml", text->str, text->len);
  g_assert_cmpint (ranvier ("check", file, &out, &err), ==, 3);
  for (gsize k = 0; k < G_N_ELEMENTS (museum); k++)
    if (g_strcmp0 (museum[k].kind, "loss") == 0)
      {
        g_autofree char *why = reason (k);
        g_autofree char *said = g_strdup_printf ("loss/%s can not be used: %s (", museum[k].name, why);

        test_say (said);
        g_assert_nonnull (strstr (err, said));
      }
  g_string_assign (text, "nodes:\n" DATA "  fit: ");
  g_string_append_printf (text, TRAINER, "crash");
  put (folder, "all.yaml", text->str, text->len);
  arguments = g_strdup_printf ("'%s' --out '%s'", file, results);
  g_assert_cmpint (ranvier ("run", arguments, &run_out, &run_err), ==, 3);
  g_assert_false (g_file_test (results, G_FILE_TEST_EXISTS));
  good = g_strconcat (arguments, " -s fit.loss=mse", NULL);
  g_assert_cmpint (ranvier ("run", good, &good_out, &good_err), ==, 0);
}

static void
test_inspect (void)
{
  g_autofree char *out = NULL, *err = NULL, *good_out = NULL, *good_err = NULL;

  g_assert_cmpint (ranvier ("inspect", "loss/exits", &out, &err), ==, 3);
  g_assert_true (g_str_has_prefix (
      err, "ranvier inspect: loss/exits can not be used: while loading it the program exited with code 0 ("));
  g_assert_cmpint (ranvier ("inspect", "analysis/older", &good_out, &good_err), ==, 0);
}

/* In this process, without a child: what is beyond an older plugin's functions is zero, not what lies
 * there. */
static void
test_older (void)
{
  g_autoptr (GError) error = NULL;
  g_auto (GStrv) all = g_strsplit (paths, G_SEARCHPATH_SEPARATOR_S, 2);
  const RvNodeClass *class;
  const RvLayerClass *layer;
  const RvPlugin *plugin;

  rv_registry_add_path (all[0]);
  plugin = rv_registry_get ("analysis", "older", &error);
  g_assert_no_error (error);
  class = plugin->functions;
  g_assert_cmpuint (plugin->functions_size, ==, sizeof (RvNodeClass));
  g_assert_nonnull (class->run);
  g_assert_null (class->identify);
  plugin = rv_registry_get ("layer", "older", &error);
  g_assert_no_error (error);
  layer = plugin->functions;
  g_assert_nonnull (layer->backward);
  g_assert_null (layer->declare);
  plugin = rv_registry_get ("layer", "declares", &error);
  g_assert_no_error (error);
  layer = plugin->functions;
  g_assert_null (layer->build);
  g_assert_nonnull (layer->declare);
}

int
main (int argc, char **argv)
{
  int result;

  g_test_init (&argc, &argv, NULL);
  g_setenv ("RANVIER_PROBE_SECONDS", "2", FALSE);
  g_setenv ("XDG_DATA_HOME", "/nowhere", TRUE); /* the user's own plugins take no part */
  make_exhibits ();
  g_test_add_func ("/broken/list", test_list);
  g_test_add_func ("/broken/text", test_text);
  g_test_add_func ("/broken/pipeline", test_pipeline);
  g_test_add_func ("/broken/inspect", test_inspect);
  g_test_add_func ("/broken/older", test_older);
  result = g_test_run ();
  remove_folder (folder);
  remove_folder (second);
  g_free (folder);
  g_free (second);
  g_free (paths);
  return result;
}
