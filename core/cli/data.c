/* ranvier data: which data sets there are, what of them is on this disk and whole, what is in them, a
 * sample drawn; fetches official files, and shows and empties the cache. */
#include "cli/data.h"

#include "base/value.h"
#include "cli/cli.h"
#include "pipeline/store.h"
#include "plugin/registry.h"

#include <stdio.h>
#include <string.h>

typedef struct
{
  char *data, *plugin_path, *split, *out, *fetch, *from, *show;
  char **rest;
  gboolean json, cache, verify;
} Options;

static void
clear_options (Options *o)
{
  char *texts[] = { o->data, o->plugin_path, o->split, o->out, o->fetch, o->from, o->show };
  for (guint k = 0; k < G_N_ELEMENTS (texts); k++)
    g_free (texts[k]);
  g_strfreev (o->rest);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Options, clear_options)

static int usage (const char *format, ...) G_GNUC_PRINTF (1, 2);
static int
usage (const char *format, ...)
{
  va_list list;
  va_start (list, format);
  g_autofree char *text = g_strdup_vprintf (format, list);
  va_end (list);
  fprintf (stderr, "ranvier data: %s (ranvier data --help)\n", text);
  return RV_EXIT_USAGE;
}

/* Prints the tree, which is consumed. */
static void
print_json (JsonNode *root)
{
  g_autofree char *text = json_to_string (root, TRUE);
  puts (text);
  json_node_unref (root);
}

/* ---- the files of a set */

static void
print_files (const RvSet *set, const GPtrArray *files, gboolean all)
{
  printf ("%s: %s (dataset/%s)%s%s\n", set->set->name, set->set->title, set->plugin->name,
          set->set->page ? ", " : "", set->set->page ? set->set->page : "");
  for (guint k = 0; k < files->len; k++)
    {
      const RvFound *found = files->pdata[k];
      const RvOfficialFile *f = found->file;
      printf ("  %-28s %s%s%s\n", f->name, found->text, found->path ? ": " : "",
              found->path ? found->path : "");
      if (all && f->url)
        printf ("    at %s\n", f->url);
      if (all && f->size)
        printf ("    %" G_GINT64_FORMAT " bytes\n", f->size);
      if (all && (f->sha256 || f->md5))
        printf ("    %s %s\n", f->sha256 ? "SHA-256" : "MD5", f->sha256 ? f->sha256 : f->md5);
    }
  if (all && set->set->how)
    printf ("  %s\n", set->set->how);
}

/* Caller owns. */
static JsonObject *
files_json (const RvSet *set, const GPtrArray *files)
{
  static const char *const states[] = { "missing", "whole", "damaged", "unknown" };
  JsonObject *object = json_object_new ();
  JsonArray *list = json_array_new ();
  json_object_set_string_member (object, "name", set->set->name);
  json_object_set_string_member (object, "title", set->set->title);
  json_object_set_string_member (object, "plugin", set->plugin->name);
  json_object_set_string_member (object, "page", set->set->page);
  json_object_set_string_member (object, "how", set->set->how);
  json_object_set_array_member (object, "files", list);
  for (guint k = 0; k < files->len; k++)
    {
      const RvFound *found = files->pdata[k];
      JsonObject *file = json_object_new ();
      json_object_set_string_member (file, "name", found->file->name);
      json_object_set_string_member (file, "url", found->file->url);
      if (found->file->size)
        json_object_set_int_member (file, "size", found->file->size);
      json_object_set_string_member (file, "md5", found->file->md5);
      json_object_set_string_member (file, "sha256", found->file->sha256);
      json_object_set_string_member (file, "path", found->path);
      json_object_set_string_member (file, "state", states[found->state]);
      json_object_set_string_member (file, "text", found->text);
      json_array_add_object_element (list, file);
    }
  return object;
}

static int
list_sets (const Options *o, const GArray *sets, const char *root)
{
  JsonArray *all = json_array_new ();
  if (!o->json)
    printf ("data folder: %s (--data, RANVIER_DATA)\n", root);
  for (guint k = 0; k < sets->len; k++)
    {
      const RvSet *set = &g_array_index (sets, RvSet, k);
      g_autoptr (GPtrArray) files = rv_set_find (sets, k, root, o->verify);
      json_array_add_object_element (all, files_json (set, files));
      if (!o->json)
        printf ("\n");
      if (!o->json)
        print_files (set, files, FALSE);
    }
  JsonNode *node = json_node_init_array (json_node_alloc (), all);
  json_array_unref (all);
  if (o->json)
    print_json (node);
  else
    json_node_unref (node);
  return RV_EXIT_DONE;
}

/* ---- the cache */

static int
cache (const Options *o)
{
  static const char *const kinds[] = { "results", "prepared data" }, *const names[]
                                                                     = { "results", "prepared" };
  const gboolean clear = o->rest && o->rest[0];
  if (clear && (strcmp (o->rest[0], "clear") != 0 || o->rest[1]))
    return usage ("--cache takes nothing, or 'clear'");
  const guint held = clear ? rv_store_clear () : 0;
  const RvStoreUse use = rv_store_use ();
  g_autofree char *root = rv_store_cache ();
  g_autoptr (JsonObject) json = json_object_new ();
  json_object_set_string_member (json, "folder", root);
  json_object_set_int_member (json, "limit", (gint64)rv_store_limit ());
  if (!o->json)
    printf ("%s, at most %.1f MB (RANVIER_CACHE_LIMIT)\n", root, (double)rv_store_limit () * 1e-6);
  for (int k = 0; k < 2; k++)
    {
      JsonObject *kind = json_object_new ();
      json_object_set_int_member (kind, "entries", use.entries[k]);
      json_object_set_int_member (kind, "bytes", (gint64)use.bytes[k]);
      json_object_set_object_member (json, names[k], kind);
      if (!o->json)
        printf ("  %-13s %4u, %.1f MB\n", kinds[k], use.entries[k], (double)use.bytes[k] * 1e-6);
    }
  if (o->json)
    print_json (json_node_init_object (json_node_alloc (), json));
  if (held)
    fprintf (stderr, "ranvier data: %u entries are left, since a run holds them\n", held);
  return RV_EXIT_DONE;
}

/* ---- one set */

static int
fetch (const Options *o, const RvSet *set)
{
  gboolean good = TRUE;
  for (const RvOfficialFile *file = set->set->files; file->name; file++)
    {
      g_autoptr (GError) error = NULL;
      if (!file->url && !o->from)
        g_set_error (&error, RV_ERROR, RV_ERROR_DATA, "its makers offer no address for programs. %s",
                     set->set->how    ? set->set->how
                     : set->set->page ? set->set->page
                                      : "");
      else if (rv_official_fetch (file, o->from, o->fetch, &error))
        printf ("%s/%s: %s\n", o->fetch, file->name,
                file->md5 || file->sha256 ? "whole" : "there; nothing is published to compare it with");
      if (error)
        fprintf (stderr, "ranvier data: %s: %s\n", file->name, error->message);
      good = good && !error;
    }
  return good ? RV_EXIT_DONE : RV_EXIT_FAILED;
}

static int
show (const Options *o, const RvSet *set, const GPtrArray *files, const char *root)
{
  static const char *const endings[] = { ".svg", ".png", ".gp", ".dat" };
  const char *split = o->split ? o->split : set->set->splits[0];
  guint64 id;
  if (!g_ascii_string_to_unsigned (o->show, 10, 0, G_MAXUINT32, &id, NULL))
    return usage ("--show takes the number of a sample, from 0 on, not '%s'", o->show);
  g_autofree char *stem
      = o->out ? g_strdup (o->out) : g_strdup_printf ("%s-%s-%s", set->set->name, split, o->show);
  for (guint k = 0; k < G_N_ELEMENTS (endings); k++)
    if (g_str_has_suffix (stem, endings[k]))
      stem[strlen (stem) - strlen (endings[k])] = '\0';
  const int code = rv_set_draw (set, files, root, split, (gint64)id, stem);
  for (guint k = 0; code == RV_EXIT_DONE && k < G_N_ELEMENTS (endings); k++)
    {
      g_autofree char *path = g_strconcat (stem, endings[k], NULL);
      if (g_file_test (path, G_FILE_TEST_EXISTS))
        puts (path);
    }
  return code;
}

static int
describe (const Options *o, const RvSet *set, const GPtrArray *files, const char *root)
{
  g_autoptr (JsonObject) json = files_json (set, files);
  JsonArray *splits = json_array_new ();
  gboolean any = FALSE;
  json_object_set_array_member (json, "splits", splits);
  for (guint k = 0; k < files->len; k++)
    any |= ((RvFound *)files->pdata[k])->path != NULL;
  if (!o->json)
    print_files (set, files, TRUE);
  if (!any)
    fprintf (stderr, "ranvier data: no file of %s is in %s or one folder below (--data, RANVIER_DATA)\n",
             set->set->name, root);
  const gboolean good = any && rv_set_describe (set, files, root, o->json ? splits : NULL);
  if (o->json)
    print_json (json_node_init_object (json_node_alloc (), json));
  return good ? RV_EXIT_DONE : RV_EXIT_FAILED;
}

static int
one_set (const Options *o, const GArray *sets, gboolean unusable, const char *root)
{
  g_autoptr (GPtrArray) names = g_ptr_array_new ();
  for (guint k = 0; k < sets->len; k++)
    {
      const RvSet *set = &g_array_index (sets, RvSet, k);
      g_ptr_array_add (names, (gpointer)set->set->name);
      if (strcmp (set->set->name, o->rest[0]) != 0)
        continue;
      if (o->split && !g_strv_contains (set->set->splits, o->split))
        {
          g_autofree char *splits = g_strjoinv (", ", (char **)set->set->splits);
          return usage ("%s has no split '%s'; it has %s", set->set->name, o->split, splits);
        }
      if (o->fetch)
        return fetch (o, set);
      g_autoptr (GPtrArray) files = rv_set_find (sets, k, root, o->verify);
      return (o->show ? show : describe) (o, set, files, root);
    }
  g_ptr_array_add (names, NULL);
  g_autofree char *hint = rv_hint (o->rest[0], (const char *const *)names->pdata);
  g_autofree char *all = g_strjoinv (", ", (char **)names->pdata);
  usage ("there is no data set '%s'%s; there are %s", o->rest[0], hint, all);
  return unusable ? RV_EXIT_PLUGIN : RV_EXIT_USAGE;
}

int
rv_cli_data (int argc, char **argv)
{
  g_auto (Options) o = { 0 };
  const GOptionEntry entries[]
      = { { "show", 0, 0, G_OPTION_ARG_STRING, &o.show, "Draw sample I, from 0 on", "I" },
          { "split", 0, 0, G_OPTION_ARG_STRING, &o.split, "With --show: of this split (default: the first)",
            "SPLIT" },
          { "out", 'o', 0, G_OPTION_ARG_FILENAME, &o.out, "With --show: into FILE.svg, .png, .gp and .dat",
            "FILE" },
          { "fetch", 0, 0, G_OPTION_ARG_FILENAME, &o.fetch, "Fetch the official files into DIR", "DIR" },
          { "from", 0, 0, G_OPTION_ARG_STRING, &o.from, "With --fetch: from this mirror", "URL" },
          { "cache", 0, 0, G_OPTION_ARG_NONE, &o.cache, "Show the cache; with the argument clear, empty it",
            NULL },
          { "verify", 0, 0, G_OPTION_ARG_NONE, &o.verify,
            "Read files again instead of trusting their size and times", NULL },
          { "json", 0, 0, G_OPTION_ARG_NONE, &o.json, "Write JSON", NULL },
          { "data", 0, 0, G_OPTION_ARG_FILENAME, &o.data, "Folder that holds the datasets", "DIR" },
          { "plugin-path", 0, 0, G_OPTION_ARG_FILENAME, &o.plugin_path,
            "Folders to look in for plugins first", "DIRS" },
          { G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_STRING_ARRAY, &o.rest, NULL, NULL },
          { NULL } };
  g_autoptr (GOptionContext) context = g_option_context_new ("[NAME]");
  g_autoptr (GError) error = NULL;
  gboolean unusable = FALSE;
  g_option_context_set_summary (context, "Lists the data sets and their files, or describes the set NAME.");
  g_option_context_add_main_entries (context, entries, NULL);
  if (!g_option_context_parse (context, &argc, &argv, &error))
    return usage ("%s", error->message);
  if (o.cache)
    return cache (&o);
  if (o.rest && o.rest[0] && o.rest[1])
    return usage ("one NAME at the most");
  if ((o.show || o.fetch) && !(o.rest && o.rest[0]))
    return usage ("%s needs the NAME of a data set", o.show ? "--show" : "--fetch");
  if (o.plugin_path)
    rv_registry_add_path (o.plugin_path);
  g_autofree char *root = rv_cli_data_root (o.data);
  g_autoptr (GArray) sets = rv_sets_list (&unusable);
  return o.rest && o.rest[0] ? one_set (&o, sets, unusable, root) : list_sets (&o, sets, root);
}
