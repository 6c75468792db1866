/* ranvier run, check and graph: the verbs that take a pipeline file. */
#include "base/threads.h"
#include "cli/check-plugin.h"
#include "cli/cli.h"
#include "pipeline/graph.h"
#include "plugin/registry.h"
#include <signal.h>
#include <stdio.h>
#include <string.h>

typedef struct
{
  char **settings, **files;
  char *out, *data, *plugin_path;
  int threads;
  gboolean quiet, dot, fresh, verify, json, profile;
} Options;

static void
clear_options (Options *o)
{
  g_strfreev (o->settings);
  g_strfreev (o->files);
  g_free (o->out);
  g_free (o->data);
  g_free (o->plugin_path);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Options, clear_options)

/* `own` are the options that only this verb has. */
static gboolean
read_options (Options *o, int argc, char **argv, const char *summary, const GOptionEntry *own)
{
  const GOptionEntry entries[]
      = { { "set", 's', 0, G_OPTION_ARG_STRING_ARRAY, &o->settings,
            "Set a name, a parameter (NODE.PARAM=VALUE), a preset or the choices "
            "of an axis (AXIS=a,b); may be given again",
            "NAME=VALUE" },
          { "threads", 0, 0, G_OPTION_ARG_INT, &o->threads, "Workers (default: one per processor)", "N" },
          { "data", 0, 0, G_OPTION_ARG_FILENAME, &o->data, "Folder that holds the datasets", "DIR" },
          { "plugin-path", 0, 0, G_OPTION_ARG_FILENAME, &o->plugin_path,
            "Folders to look in for plugins first", "DIRS" },
          { G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &o->files, NULL, "FILE" },
          { NULL } };
  g_autoptr (GOptionContext) context = g_option_context_new (NULL);
  g_autoptr (GError) error = NULL;
  const char *prgname = g_get_prgname ();
  g_option_context_set_summary (context, summary);
  g_option_context_add_main_entries (context, entries, NULL);
  if (own)
    g_option_context_add_main_entries (context, own, NULL);
  if (!g_option_context_parse (context, &argc, &argv, &error))
    fprintf (stderr, "%s: %s (%s --help)\n", prgname, error->message, prgname);
  else if (!o->files || !o->files[0] || o->files[1])
    fprintf (stderr, "%s: needs one pipeline file (%s --help)\n", prgname, prgname);
  else if (o->threads < 0 || o->threads > 64)
    fprintf (stderr, "%s: --threads takes a number from 1 to 64, or 0 for one per processor\n", prgname);
  else
    return TRUE;
  return FALSE;
}

char *
rv_cli_data_root (const char *given)
{
  if (given)
    return g_strdup (given);
  const char *named = g_getenv ("RANVIER_DATA");
  return named ? g_strdup (named) : g_build_filename (g_get_user_data_dir (), "ranvier", "datasets", NULL);
}

static char *
default_out (const char *file)
{
  g_autofree char *base = g_path_get_basename (file);
  char *dot = strrchr (base, '.');
  if (dot)
    *dot = 0;
  g_autoptr (GDateTime) now = g_date_time_new_now_local ();
  g_autofree char *time = g_date_time_format (now, "%Y%m%d-%H%M%S"),
                  *name = g_strconcat (base, "-", time, NULL);
  return g_build_filename ("runs", name, NULL);
}

/* Reads and checks; prints every mistake. NULL if there are any. */
static RvGraph *
load (const Options *o, const char *out, RvDocument **document, int *code)
{
  g_autoptr (RvMistakes) mistakes = rv_mistakes_new ();
  g_autofree char *root = rv_cli_data_root (o->data);
  if (o->plugin_path)
    rv_registry_add_path (o->plugin_path);
  rv_threads_set ((uint32_t)o->threads);
  *document = rv_document_load (o->files[0], (const char *const *)o->settings, mistakes);
  const RvGraphOptions options = { .data_root = root,
                                   .out = out,
                                   .quiet = o->quiet,
                                   .profile = o->profile,
                                   .fresh = o->fresh,
                                   .verify = o->verify,
                                   .settings = (const char *const *)o->settings };
  g_autoptr (RvGraph) graph = *document ? rv_graph_new (*document, &options, mistakes) : NULL;
  rv_registry_rest ();
  for (guint k = 0; k < mistakes->messages->len; k++)
    fprintf (stderr, "%s\n", (const char *)mistakes->messages->pdata[k]);
  *code = mistakes->plugin_unusable                     ? RV_EXIT_PLUGIN
          : mistakes->damaged < mistakes->messages->len ? RV_EXIT_USAGE
                                                        : RV_EXIT_FAILED;
  return mistakes->messages->len ? NULL : g_steal_pointer (&graph);
}

static void
on_signal (int number)
{
  rv_graph_stop ();
}

int
rv_cli_run (int argc, char **argv)
{
  g_auto (Options) o = { 0 };
  const GOptionEntry own[]
      = { { "out", 'o', 0, G_OPTION_ARG_FILENAME, &o.out, "Run directory (default: runs/NAME-DATE-TIME)", "DIR" },
          { "fresh", 0, 0, G_OPTION_ARG_NONE, &o.fresh,
            "Compute everything again, also what earlier runs have kept", NULL },
          { "verify", 0, 0, G_OPTION_ARG_NONE, &o.verify,
            "Read data files again instead of trusting their size and times", NULL },
          { "profile", 0, 0, G_OPTION_ARG_NONE, &o.profile,
            "Say after each training where its time went, by layer and phase, and how near the machine's limit",
            NULL },
          { "quiet", 'q', 0, G_OPTION_ARG_NONE, &o.quiet, "Only results and failures", NULL },
          { NULL } };
  if (!read_options (&o, argc, argv, "Runs a pipeline file and writes a run directory.", own))
    return RV_EXIT_USAGE;
  g_autofree char *out = o.out ? g_strdup (o.out) : default_out (o.files[0]);
  g_autoptr (RvDocument) document = NULL;
  int code;
  g_autoptr (RvGraph) graph = load (&o, out, &document, &code);
  if (!graph)
    return code;
  const struct sigaction action
      = { .sa_handler = on_signal, .sa_flags = SA_RESETHAND }; /* a second one kills */
  sigaction (SIGINT, &action, NULL);
  sigaction (SIGTERM, &action, NULL);
  signal (SIGXFSZ, SIG_IGN); /* a file that grows too large is an error like a full disk */
  g_autoptr (GError) error = NULL;
  uint32_t failed;
  g_autofree char *notes = rv_graph_notes (graph);
  if (!o.quiet)
    fputs (notes, stderr);
  if (rv_graph_run (graph, &failed, &error))
    {
      printf ("\nResults are in %s\n", out);
      return RV_EXIT_DONE;
    }
  if (g_error_matches (error, RV_ERROR, RV_ERROR_STOPPED))
    {
      fprintf (stderr,
               "ranvier run: interrupted; what was finished is in %s and kept: the same command%s goes on\n", out,
               o.fresh ? ", without --fresh," : "");
      return RV_EXIT_STOPPED;
    }
  if (failed)
    fprintf (stderr, "ranvier run: %u node%s failed; what was finished is in %s; first: %s\n", failed,
             failed == 1 ? "" : "s", out, error->message);
  else
    fprintf (stderr, "ranvier run: %s\n", error->message);
  return RV_EXIT_FAILED;
}

int
rv_cli_check (int argc, char **argv)
{
  g_auto (Options) o = { 0 };
  int seconds = 0;
  const GOptionEntry own[]
      = { { "json", 0, 0, G_OPTION_ARG_NONE, &o.json, "Plugin: write JSON", NULL },
          { "seconds", 0, 0, G_OPTION_ARG_INT, &seconds,
            "Plugin: processor time of each test (default: 20)", "S" },
          { NULL } };
  if (!read_options (&o, argc, argv,
                     "Finds the mistakes of a pipeline file; runs and writes nothing.\n"
                     "Or tests a plugin, KIND/NAME or a KIND-NAME.so; -s NAME=VALUE then holds one of its "
                     "parameters.",
                     own))
    return RV_EXIT_USAGE;
  if (rv_check_is_plugin (o.files[0]))
    {
      g_autofree char *root = rv_cli_data_root (o.data);
      const RvCheckOptions options = { o.settings, o.plugin_path, root, o.json, seconds };
      return rv_check_plugin (o.files[0], &options);
    }
  g_autoptr (RvDocument) document = NULL;
  int code;
  g_autoptr (RvGraph) graph = load (&o, NULL, &document, &code);
  if (graph)
    {
      g_autofree char *memory = rv_graph_memory (graph), *notes = rv_graph_notes (graph);
      printf ("%s: no mistakes, %u cells\n%s%s", o.files[0], document->cells->len, memory, notes);
    }
  return graph ? RV_EXIT_DONE : code;
}

int
rv_cli_graph (int argc, char **argv)
{
  g_auto (Options) o = { 0 };
  const GOptionEntry own[]
      = { { "dot", 0, 0, G_OPTION_ARG_NONE, &o.dot, "Print DOT, for Graphviz", NULL }, { NULL } };
  if (!read_options (&o, argc, argv, "Shows the nodes of a pipeline file in the order in which they run.", own))
    return RV_EXIT_USAGE;
  g_autoptr (RvDocument) document = NULL;
  int code;
  g_autoptr (RvGraph) graph = load (&o, NULL, &document, &code);
  if (!graph)
    return code;
  g_autofree char *text = o.dot ? rv_graph_to_dot (graph) : rv_graph_to_text (graph);
  fputs (text, stdout);
  return RV_EXIT_DONE;
}
