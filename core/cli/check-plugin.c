/* ranvier check of a plugin: starts the program again for each test, so that a crash or an endless loop is a
 * verdict, and says what came out. The judges are in check/. */
#include "cli/check-plugin.h"

#include "base/child.h"
#include "base/value.h"
#include "cli/check/check.h"
#include "cli/cli.h"
#include "plugin/module.h"
#include "plugin/registry.h"

#include <glib/gstdio.h>
#include <json-glib/json-glib.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PROCESSOR_SECONDS 20 /* most tests take less than a tenth of one */
#define LOADED "loaded\n"    /* what the child says once it has the plugin */

static const struct
{
  const char *kind;
  const RvCheckTest *tests;
} kinds[] = { { "neuron", rv_check_neuron },       { "layer", rv_check_layer },
              { "surrogate", rv_check_surrogate }, { "decoder", rv_check_decoder },
              { "loss", rv_check_loss },           { "optimizer", rv_check_optimizer },
              { "schedule", rv_check_schedule },   { "initializer", rv_check_initializer },
              { "dataset", rv_check_dataset },     { "transform", rv_check_dataset },
              { "trainer", rv_check_long },        { "attack", rv_check_long },
              { "analysis", rv_check_long },       { "report", rv_check_node } };

/* Test number k of a kind, the first of which every kind has; NULL after the last. */
static const RvCheckTest *
test_at (const char *kind, guint k)
{
  static const RvCheckTest table = { "table", rv_check_table, "the parameter table, init and clear", NULL };
  const RvCheckTest *tests = NULL;
  for (guint i = 0; i < G_N_ELEMENTS (kinds); i++)
    if (strcmp (kinds[i].kind, kind) == 0)
      tests = kinds[i].tests;
  if (k == 0 || tests == NULL)
    return k == 0 ? &table : NULL;
  return tests[k - 1].name != NULL ? &tests[k - 1] : NULL;
}

/* ---- the child: check-test KIND NAME TEST-NUMBER PLUGIN-PATH DATA-ROOT SCRATCH SECONDS [NAME=VALUE]... */

int
rv_cli_check_test (int argc, char **argv)
{
  const int out = dup (STDOUT_FILENO);
  g_autoptr (GString) said = g_string_new (NULL);
  g_autoptr (GError) error = NULL;
  if (argc < 8)
    return RV_EXIT_USAGE;
  dup2 (STDERR_FILENO, STDOUT_FILENO); /* what a plugin prints must not look like a verdict */
  rv_check_catch (out, (guint)MAX (atoi (argv[7]), 1));
  setlocale (LC_NUMERIC, "C"); /* numbers become text that is read again */
  rv_registry_add_path (argv[4]);
  rv_check_at ("loading the plugin");
  RvCheck check = { .plugin = rv_registry_get (argv[1], argv[2], &error),
                    .settings = argv + 8,
                    .data_root = argv[5],
                    .scratch = argv[6],
                    .said = said,
                    .test = test_at (argv[1], (guint)atoi (argv[3])) };
  RvVerdict verdict = RV_VERDICT_UNUSABLE;
  if (check.plugin == NULL)
    g_string_assign (said, error->message);
  else
    {
      if (write (out, LOADED, strlen (LOADED)) < 0)
        return RV_EXIT_FAILED;
      rv_check_at ("%s", "");
      verdict = check.test->run (&check);
    }
  rv_check_write (out, verdict, said->str);
  _exit (0); /* nothing that the plugin left behind for the end shall run */
}

/* ---- the parent */

typedef struct
{
  const RvCheckOptions *options;
  char *kind, *name, *path, *program, *scratch, *seconds;
  JsonBuilder *json; /* NULL: text */
  char *reason;      /* why the last test was skipped */
  guint counts[4];
} Judging;

static void
remove_tree (const char *path)
{
  g_autoptr (GDir) dir = g_file_test (path, G_FILE_TEST_IS_SYMLINK) ? NULL : g_dir_open (path, 0, NULL);
  for (const char *name; dir != NULL && (name = g_dir_read_name (dir)) != NULL;)
    {
      g_autofree char *inside = g_build_filename (path, name, NULL);
      remove_tree (inside);
    }
  g_remove (path);
}

/* The last line that the child printed, which may be why it ended; a plugin must print nothing. */
static void
append_printed (GString *text, const char *printed)
{
  g_autofree char *copy = g_strchomp (g_strdup (printed));
  const char *line = strrchr (copy, '\n');
  if (copy[0] != '\0')
    g_string_append_printf (text, "\nit printed: %.300s", line != NULL ? line + 1 : copy);
}

/* Runs one test; the words, owned. */
static char *
run_test (const Judging *j, guint number, RvVerdict *verdict)
{
  g_autofree char *which = g_strdup_printf ("%u", number);
  g_autoptr (GPtrArray) argv = g_ptr_array_new ();
  g_autoptr (GError) error = NULL;
  const char *const fixed[] = { j->program, "check-test",          j->kind,    j->name,   which,
                                j->path,    j->options->data_root, j->scratch, j->seconds };
  for (guint k = 0; k < G_N_ELEMENTS (fixed); k++)
    g_ptr_array_add (argv, (gpointer)fixed[k]);
  for (char **setting = j->options->settings; setting != NULL && *setting != NULL; setting++)
    g_ptr_array_add (argv, *setting);
  g_ptr_array_add (argv, NULL);
  g_autoptr (RvChild) child = rv_child_start ((const char *const *)argv->pdata, &error);
  *verdict = RV_VERDICT_FAILED;
  if (child == NULL)
    return g_strdup_printf ("no process could be started: %s", error->message);
  /* a test that waits for itself uses no processor; the machine may be busy with others */
  g_autofree char *how = rv_child_finish (child, 10.0 * atoi (j->seconds));
  const char *said = rv_child_output (child);
  const gboolean loaded = g_str_has_prefix (said, LOADED);
  const char *head = said + (loaded ? strlen (LOADED) : 0), *words = strchr (head, '\n');
  g_autoptr (GString) text = g_string_new (NULL);
  if (g_str_has_prefix (head, "verdict ") && words != NULL)
    {
      *verdict = (RvVerdict)CLAMP (atoi (head + strlen ("verdict ")), RV_VERDICT_OK, RV_VERDICT_UNUSABLE);
      g_string_append (text, words + 1);
    }
  else
    g_string_printf (text, "the process %s without a verdict%s", how != NULL ? how : "exited with code 0",
                     loaded ? "" : ", while loading the plugin");
  if (!loaded)
    *verdict = RV_VERDICT_UNUSABLE;
  append_printed (text, rv_child_errors (child));
  return g_utf8_make_valid (text->str, -1);
}

static void
print_verdict (Judging *j, const RvCheckTest *test, RvVerdict verdict, const char *text)
{
  static const char *const words[] = { "ok", "FAILED", "skipped" };
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);
  g_autofree char *rest = g_strjoinv ("\n                     ", lines);
  if (j->json != NULL)
    {
      const char *const members[][2] = { { "test", test->name },
                                         { "verdict", words[verdict] },
                                         { "text", text },
                                         { "hint", verdict == RV_VERDICT_FAILED ? test->hint : NULL } };
      json_builder_begin_object (j->json);
      for (guint k = 0; k < G_N_ELEMENTS (members) && members[k][1] != NULL; k++)
        {
          json_builder_set_member_name (j->json, members[k][0]);
          json_builder_add_string_value (j->json, members[k][1]);
        }
      json_builder_end_object (j->json);
      return;
    }
  const gboolean again = verdict == RV_VERDICT_SKIPPED && g_strcmp0 (j->reason, text) == 0;
  printf ("  %-9s %-8s %s%s\n", test->name, words[verdict],
          verdict == RV_VERDICT_SKIPPED && !again ? "because " : "", again ? "for the same reason" : rest);
  if (verdict == RV_VERDICT_SKIPPED)
    {
      g_free (j->reason);
      j->reason = g_strdup (text);
    }
  if (verdict == RV_VERDICT_FAILED && test->hint != NULL)
    printf ("                     look at: %s\n", test->hint);
  fflush (stdout);
}

/* All tests; FALSE if the plugin can not be used. */
static gboolean
run_tests (Judging *j)
{
  for (guint k = 0; test_at (j->kind, k) != NULL; k++)
    {
      const RvCheckTest *test = test_at (j->kind, k);
      RvVerdict verdict;
      g_autofree char *text = run_test (j, k, &verdict);
      if (verdict == RV_VERDICT_UNUSABLE)
        {
          g_printerr ("ranvier check: %s\n", text);
          return FALSE;
        }
      if (verdict == RV_VERDICT_FAILED && strcmp (test->name, "speed") == 0)
        verdict = RV_VERDICT_SKIPPED; /* a note, never a failure */
      if (k == 0 && j->json == NULL)
        printf ("%s/%s\n", j->kind, j->name);
      print_verdict (j, test, verdict, text);
      j->counts[verdict]++;
    }
  return TRUE;
}

static void
print_json (Judging *j)
{
  g_autoptr (JsonNode) root = NULL;
  g_autofree char *text = NULL;
  json_builder_end_array (j->json);
  json_builder_set_member_name (j->json, "passed");
  json_builder_add_boolean_value (j->json, j->counts[RV_VERDICT_FAILED] == 0);
  json_builder_end_object (j->json);
  root = json_builder_get_root (j->json);
  text = json_to_string (root, TRUE);
  printf ("%s\n", text);
}

gboolean
rv_check_is_plugin (const char *what)
{
  const char *slash = strchr (what, '/');
  g_autofree char *kind = g_strndup (what, slash != NULL ? (gsize)(slash - what) : 0);
  return g_str_has_suffix (what, "." G_MODULE_SUFFIX)
         || (g_strv_contains (rv_registry_kinds (), kind) && !g_file_test (what, G_FILE_TEST_EXISTS));
}

/* Splits `what` and tells the folders to look in first, owned: that of a module, unless it is found there
 * anyway. NULL if it is no module. */
static char *
locate (const char *what, const char *plugin_path, char **kind, char **name)
{
  const char *first = plugin_path != NULL ? plugin_path : "";
  g_autofree char *full = g_canonicalize_filename (what, NULL), *folder = g_path_get_dirname (full);
  g_autofree char *base = g_path_get_basename (full);
  g_autoptr (GPtrArray) folders = rv_registry_folders ();
  if (!g_str_has_suffix (what, "." G_MODULE_SUFFIX))
    {
      *kind = g_path_get_dirname (what);
      *name = g_path_get_basename (what);
      return g_strdup (first);
    }
  if (!rv_module_split (what, kind, name) || !g_file_test (what, G_FILE_TEST_EXISTS))
    return NULL;
  for (guint k = 0; k < folders->len && *first == '\0'; k++)
    {
      g_autofree char *file = g_build_filename (((RvPluginFolder *)folders->pdata[k])->path, base, NULL);
      if (g_file_test (file, G_FILE_TEST_EXISTS))
        return strcmp (file, full) == 0 ? g_strdup ("") : g_strdup (folder);
    }
  return g_strdup_printf ("%s%c%s", folder, G_SEARCHPATH_SEPARATOR, first);
}

int
rv_check_plugin (const char *what, const RvCheckOptions *options)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *kind = NULL, *name = NULL, *path = locate (what, options->plugin_path, &kind, &name);
  if (path == NULL)
    {
      g_printerr ("ranvier check: %s is no plugin file: these are called KIND-NAME." G_MODULE_SUFFIX "\n",
                  what);
      return RV_EXIT_PLUGIN;
    }
  g_autofree char *program = rv_child_program (), *scratch = g_dir_make_tmp ("ranvier-check-XXXXXX", &error);
  if (scratch == NULL)
    {
      g_printerr ("ranvier check: %s\n", error->message);
      return RV_EXIT_FAILED;
    }
  g_autofree char *seconds
      = g_strdup_printf ("%d", options->seconds > 0 ? options->seconds : PROCESSOR_SECONDS);
  g_autoptr (JsonBuilder) json = options->json ? json_builder_new () : NULL;
  Judging j = { options, kind, name, path, program, scratch, seconds, json, NULL, { 0 } };
  if (json != NULL)
    {
      g_autofree char *full = g_strconcat (kind, "/", name, NULL);
      json_builder_begin_object (json);
      json_builder_set_member_name (json, "plugin");
      json_builder_add_string_value (json, full);
      json_builder_set_member_name (json, "tests");
      json_builder_begin_array (json);
    }
  const gboolean usable = run_tests (&j);
  remove_tree (scratch);
  g_free (j.reason);
  if (!usable)
    return RV_EXIT_PLUGIN;
  if (json != NULL)
    print_json (&j);
  else
    printf ("%u ok, %u failed, %u skipped\n", j.counts[RV_VERDICT_OK], j.counts[RV_VERDICT_FAILED],
            j.counts[RV_VERDICT_SKIPPED]);
  return j.counts[RV_VERDICT_FAILED] > 0 ? RV_EXIT_FAILED : RV_EXIT_DONE;
}
