/* ranvier report: reads run directories and writes one page that needs nothing beside it. */
#include "cli/report.h"
#include "base/value.h"
#include "cli/cli.h"
#include <ranvier/base.h>
#include <stdio.h>
#include <string.h>

/* ---- reading */

static void
free_table (gpointer data)
{
  RvShownTable *table = data;
  g_free (table->name);
  g_free (table->cell);
  g_free (table->title);
  g_ptr_array_unref (table->rows);
  g_array_unref (table->right);
  g_ptr_array_unref (table->notes);
  g_free (table);
}

static void
free_figure (gpointer data)
{
  RvShownFigure *figure = data;
  g_free (figure->name);
  g_free (figure->cell);
  g_free (figure->stem);
  g_free (figure);
}

void
rv_shown_run_free (RvShownRun *run)
{
  g_free (run->path);
  g_clear_object (&run->parser);
  g_free (run->pipeline);
  g_ptr_array_unref (run->tables);
  g_ptr_array_unref (run->figures);
  g_ptr_array_unref (run->metrics);
  g_free (run);
}

const char *
rv_shown_text (JsonObject *object, const char *member)
{
  JsonNode *node = json_object_get_member (object, member);
  const gboolean text
      = node && JSON_NODE_HOLDS_VALUE (node) && json_node_get_value_type (node) == G_TYPE_STRING;
  return text ? json_node_get_string (node) : "";
}

double
rv_shown_number (JsonObject *object, const char *member)
{
  JsonNode *node = json_object_get_member (object, member);
  return node && JSON_NODE_HOLDS_VALUE (node) && json_node_get_value_type (node) != G_TYPE_STRING
             ? json_node_get_double (node)
             : 0.0;
}

JsonArray *
rv_shown_nodes (const RvShownRun *run)
{
  return json_object_get_array_member (run->run, "nodes");
}

gboolean
rv_shown_is_report (const RvShownRun *run, const char *name)
{
  g_autofree char *node = g_strndup (name, strcspn (name, "."));
  JsonArray *nodes = rv_shown_nodes (run);
  for (guint k = 0; k < json_array_get_length (nodes); k++)
    {
      JsonObject *one = json_array_get_object_element (nodes, k);
      g_autofree char *file = g_strdelimit (g_strdup (rv_shown_text (one, "name")), " ", '_');
      if (strcmp (file, node) == 0)
        return g_str_has_prefix (rv_shown_text (one, "plugin"), "report/");
    }
  return FALSE;
}

/* The cells of a line "| a | b\| |"; NULL if it is none. */
static GPtrArray *
split_row (const char *line)
{
  if (*line != '|')
    return NULL;
  GPtrArray *cells = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GString) cell = g_string_new (NULL);
  for (const char *c = line + 1; *c; c++)
    if (*c == '\\' && c[1] == '|')
      g_string_append_c (cell, *++c);
    else if (*c == '|')
      {
        g_ptr_array_add (cells, g_strstrip (g_strdup (cell->str)));
        g_string_truncate (cell, 0);
      }
    else
      g_string_append_c (cell, *c);
  return cells;
}

static RvShownTable *
read_table (const char *text, const char *name, const char *cell)
{
  RvShownTable *table = g_new0 (RvShownTable, 1);
  table->name = g_strdup (name);
  table->cell = g_strdup (cell);
  table->title = g_strdup ("");
  table->rows = g_ptr_array_new_with_free_func ((GDestroyNotify)g_ptr_array_unref);
  table->right = g_array_new (FALSE, FALSE, sizeof (gboolean));
  table->notes = g_ptr_array_new_with_free_func (g_free);
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);
  for (char **line = lines; *line; line++)
    {
      const gsize n = strlen (*line);
      GPtrArray *row = split_row (*line);
      if (row && table->rows->len == 1 && !table->right->len) /* "---:" stands under numbers */
        {
          for (guint k = 0; k < row->len; k++)
            {
              const gboolean right = g_str_has_suffix (row->pdata[k], ":");
              g_array_append_val (table->right, right);
            }
          g_ptr_array_unref (row);
        }
      else if (row)
        g_ptr_array_add (table->rows, row);
      else if (!table->rows->len && n > 4 && g_str_has_prefix (*line, "**") && g_str_has_suffix (*line, "**"))
        {
          g_free (table->title);
          table->title = g_strndup (*line + 2, n - 4);
        }
      else if (n && table->rows->len)
        g_ptr_array_add (table->notes, g_strdup (*line));
    }
  return table;
}

static int
compare_texts (gconstpointer a, gconstpointer b)
{
  return strcmp (*(char *const *)a, *(char *const *)b);
}

/* The names in a folder, ascending; none if it is not there. */
static GPtrArray *
list_folder (const char *path)
{
  GPtrArray *names = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GDir) dir = g_dir_open (path, 0, NULL);
  for (const char *name; dir && (name = g_dir_read_name (dir));)
    g_ptr_array_add (names, g_strdup (name));
  g_ptr_array_sort (names, compare_texts);
  return names;
}

/* tables/NAME.md, tables/NAME/CELL.md and the same of figures; `folder` is one of these, `cell` NULL above. */
static void
read_artefacts (RvShownRun *run, const char *folder, const char *node)
{
  const gboolean tables = g_str_has_suffix (folder, "tables") || (node && strstr (folder, "/tables/"));
  g_autoptr (GPtrArray) names = list_folder (folder);
  for (guint k = 0; k < names->len; k++)
    {
      const char *name = names->pdata[k];
      g_autofree char *path = g_build_filename (folder, name, NULL);
      if (!node && g_file_test (path, G_FILE_TEST_IS_DIR))
        {
          read_artefacts (run, path, name);
          continue;
        }
      if (!g_str_has_suffix (name, tables ? ".md" : ".gp"))
        continue;
      g_autofree char *base = g_strndup (name, strlen (name) - 3), *text = NULL;
      if (tables && g_file_get_contents (path, &text, NULL, NULL))
        g_ptr_array_add (run->tables, read_table (text, node ? node : base, node ? base : ""));
      else if (!tables)
        {
          RvShownFigure *figure = g_new0 (RvShownFigure, 1);
          figure->name = g_strdup (node ? node : base);
          figure->cell = g_strdup (node ? base : "");
          figure->stem = g_strndup (path, strlen (path) - 3);
          g_ptr_array_add (run->figures, figure);
        }
    }
}

/* Lines that are no object, the last of a run that was killed for instance, are passed over. */
static void
read_metrics (RvShownRun *run)
{
  g_autofree char *path = g_build_filename (run->path, "metrics.jsonl", NULL), *text = NULL;
  if (!g_file_get_contents (path, &text, NULL, NULL))
    return;
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);
  for (char **line = lines; *line; line++)
    {
      JsonNode *node = **line ? json_from_string (*line, NULL) : NULL;
      if (node && JSON_NODE_HOLDS_OBJECT (node))
        g_ptr_array_add (run->metrics, node);
      else if (node)
        json_node_unref (node);
    }
}

static gboolean
has_nodes (JsonNode *root)
{
  JsonObject *object = root && JSON_NODE_HOLDS_OBJECT (root) ? json_node_get_object (root) : NULL;
  JsonNode *nodes = object ? json_object_get_member (object, "nodes") : NULL;
  if (!nodes || !JSON_NODE_HOLDS_ARRAY (nodes))
    return FALSE;
  JsonArray *array = json_node_get_array (nodes);
  for (guint k = 0; k < json_array_get_length (array); k++)
    if (!JSON_NODE_HOLDS_OBJECT (json_array_get_element (array, k)))
      return FALSE;
  return TRUE;
}

RvShownRun *
rv_shown_run_read (const char *path, GError **error)
{
  g_autofree char *file = g_build_filename (path, "run.json", NULL), *pipeline = NULL;
  g_autoptr (JsonParser) parser = json_parser_new ();
  g_autoptr (GError) why = NULL;
  if (!g_file_test (path, G_FILE_TEST_IS_DIR) || !g_file_test (file, G_FILE_TEST_EXISTS))
    {
      g_set_error (error, RV_ERROR, RV_ERROR_PIPELINE, "%s is no run directory: %s", path,
                   g_file_test (path, G_FILE_TEST_IS_DIR)   ? "it has no run.json"
                   : g_file_test (path, G_FILE_TEST_EXISTS) ? "it is a file"
                                                            : "there is no such folder");
      return NULL;
    }
  if (!json_parser_load_from_file (parser, file, &why) || !has_nodes (json_parser_get_root (parser)))
    {
      g_set_error (error, RV_ERROR, RV_ERROR_IO, "%s is damaged: %s", file,
                   why ? why->message : "it does not list the nodes of a run");
      return NULL;
    }
  g_autoptr (RvShownRun) run = g_new0 (RvShownRun, 1);
  run->path = g_strdup (path);
  run->run = json_node_get_object (json_parser_get_root (parser));
  run->parser = g_steal_pointer (&parser);
  run->tables = g_ptr_array_new_with_free_func (free_table);
  run->figures = g_ptr_array_new_with_free_func (free_figure);
  run->metrics = g_ptr_array_new_with_free_func ((GDestroyNotify)json_node_unref);
  pipeline = g_build_filename (path, "pipeline.yaml", NULL);
  g_file_get_contents (pipeline, &run->pipeline, NULL, NULL);
  g_autofree char *tables = g_build_filename (path, "tables", NULL),
                  *figures = g_build_filename (path, "figures", NULL);
  read_artefacts (run, tables, NULL);
  read_artefacts (run, figures, NULL);
  read_metrics (run);
  return g_steal_pointer (&run);
}

/* ---- the verb */

/* RUN/report.html of one run, report.html of several. Caller owns. */
static char *
default_out (char **paths)
{
  return paths[1] ? g_strdup ("report.html") : g_build_filename (paths[0], "report.html", NULL);
}

int
rv_cli_report (int argc, char **argv)
{
  g_auto (GStrv) paths = NULL;
  g_autofree char *out = NULL;
  const GOptionEntry entries[]
      = { { "out", 'o', 0, G_OPTION_ARG_FILENAME, &out,
            "The page (default: RUN/report.html, or report.html of several runs)", "FILE" },
          { G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &paths, NULL, "RUN..." },
          { NULL } };
  g_autoptr (GOptionContext) context = g_option_context_new (NULL);
  g_autoptr (GError) error = NULL;
  g_option_context_set_summary (context, "Makes one page, HTML that needs no network, of run directories.");
  g_option_context_add_main_entries (context, entries, NULL);
  if (!g_option_context_parse (context, &argc, &argv, &error) || !paths)
    {
      fprintf (stderr, "ranvier report: %s (ranvier report --help)\n",
               error ? error->message : "needs the folder of a run");
      return RV_EXIT_USAGE;
    }
  g_autoptr (GPtrArray) runs = g_ptr_array_new_with_free_func ((GDestroyNotify)rv_shown_run_free);
  for (char **path = paths; *path; path++)
    {
      RvShownRun *run = rv_shown_run_read (*path, &error);
      if (!run)
        {
          fprintf (stderr, "ranvier report: %s\n", error->message);
          return g_error_matches (error, RV_ERROR, RV_ERROR_PIPELINE) ? RV_EXIT_USAGE : RV_EXIT_FAILED;
        }
      g_ptr_array_add (runs, run);
    }
  g_autofree char *file = out ? g_strdup (out) : default_out (paths), *page = rv_html_page (runs);
  if (!g_file_set_contents (file, page, -1, &error))
    {
      fprintf (stderr, "ranvier report: %s\n", error->message);
      return RV_EXIT_FAILED;
    }
  printf ("%s\n", file);
  return RV_EXIT_DONE;
}
