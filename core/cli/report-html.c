/* The page of `ranvier report`: sections of a run in the order in which a reader asks. */
#include "cli/report.h"
#include <stdlib.h>
#include <string.h>

/* Light unless the reader's system says dark; what is wide scrolls in its own box, so that a phone shows the rest. */
static const char style[]
    = ":root{--ink:#1b1f24;--soft:#59636e;--page:#fff;--panel:#f6f8fa;--rule:#d5dae0;--link:#0b5cad}\n"
      "@media screen and (prefers-color-scheme:dark){:root{--ink:#e6e9ec;--soft:#9aa4ae;--page:#14181c;"
      "--panel:#1e242a;--rule:#39424b;--link:#6cb0f5}}\n"
      "*{box-sizing:border-box}body{margin:0 "
      "auto;max-width:1080px;padding:1rem;background:var(--page);color:var(--ink);"
      "font:16px/1.5 system-ui,'Liberation Sans',Helvetica,Arial,sans-serif;overflow-wrap:anywhere}\n"
      "h1{font-size:1.6rem;line-height:1.25;margin:.6rem 0}h2{font-size:1.2rem;margin:2rem 0 .6rem;"
      "border-bottom:1px solid var(--rule)}h3{font-size:1rem;margin:1.2rem 0 .4rem}\n"
      "a{color:var(--link)}p{margin:.5rem 0}.soft,figcaption,.note{color:var(--soft);font-size:.9rem}\n"
      ".wide{overflow-x:auto;margin:.5rem 0}table{border-collapse:collapse;font-variant-numeric:tabular-nums;"
      "font-size:.92rem}th,td{padding:.25rem "
      ".7rem;text-align:left;white-space:nowrap}td.text{white-space:normal;min-width:6rem}"
      "thead th{border-top:2px solid var(--ink);border-bottom:1px solid var(--ink)}"
      "tbody tr:last-child td{border-bottom:2px solid var(--ink)}th.n,td.n{text-align:right}\n"
      "figure{margin:1rem 0}.drawn{background:#fff;border-radius:6px;padding:4px;max-width:760px}"
      ".drawn svg,.drawn img{display:block;width:100%;height:auto}\n"
      ".charts{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,330px),1fr));gap:1rem}"
      ".chart{margin:0}.chart svg{width:100%;height:auto}.chart text{fill:var(--soft);font-size:13px}"
      ".chart .y{text-anchor:end}.chart .x{text-anchor:middle}.grid{stroke:var(--rule)}"
      ".curve{fill:none;stroke-width:1.6;stroke-opacity:.75}"
      ".key{font-size:.85rem;margin-right:.8rem;white-space:nowrap}.key "
      "i{display:inline-block;width:1.1em;height:.25em;"
      "margin-right:.35em;vertical-align:middle}\n"
      ".graph text{fill:var(--ink);font-size:14px}.graph .plugin,.graph "
      ".times{fill:var(--soft);font-size:12px}"
      ".graph .times{text-anchor:end}.edge{fill:none;stroke:var(--soft);stroke-width:1.2}"
      ".box{fill:var(--panel);stroke:var(--rule)}.box.dataset,.box.transform{stroke:#0072B2}.box.trainer{"
      "stroke:#D55E00}"
      ".box.attack,.box.analysis{stroke:#009E73}.box.report{stroke:#CC79A7}\n"
      "pre{background:var(--panel);padding:.7rem;overflow-x:auto;font-size:.85rem;border-radius:6px;white-"
      "space:pre-wrap}"
      "details{margin:.6rem 0}summary{cursor:pointer}.failed{border-left:4px solid "
      "#D55E00;padding-left:.8rem}\n"
      "@media print{.wide{overflow:visible}details{display:block}}\n";

static void
append_tagged (GString *out, const char *before, const char *text, const char *after)
{
  g_string_append (out, before);
  rv_html_text (out, text);
  g_string_append (out, after);
}

/* ---- question and graph */

/* The comment at the head of a pipeline file, its lines joined; an empty one begins a paragraph. */
static void
append_description (GString *out, const char *pipeline)
{
  g_auto (GStrv) lines = g_strsplit (pipeline ? pipeline : "", "\n", -1);
  g_autoptr (GString) text = g_string_new (NULL);
  for (char **line = lines; *line && (**line == '#' || !**line); line++)
    {
      const char *said = **line ? *line + 1 : "";
      if (*said)
        g_string_append_printf (text, "%s%s", text->len && !g_str_has_suffix (text->str, "\n") ? " " : "",
                                *said == ' ' ? said + 1 : said);
      else if (text->len)
        g_string_append_c (text, '\n');
    }
  g_auto (GStrv) paragraphs = g_strsplit (text->str, "\n", -1);
  for (char **p = paragraphs; *p; p++)
    if (**p)
      append_tagged (out, "<p>", *p, "</p>\n");
}

/* ---- tables */

static void
append_table (GString *out, const RvShownTable *table)
{
  g_string_append (out, "<div class=\"wide\"><table><thead>\n");
  for (guint r = 0; r < table->rows->len; r++)
    {
      const GPtrArray *row = table->rows->pdata[r];
      g_string_append (out, "<tr>");
      for (guint c = 0; c < row->len; c++)
        {
          const gboolean right = c < table->right->len && g_array_index (table->right, gboolean, c);
          const gboolean prose = r && strlen (row->pdata[c]) > 40;
          g_string_append_printf (out, "<t%c%s>", r ? 'd' : 'h',
                                  right   ? " class=\"n\""
                                  : prose ? " class=\"text\""
                                          : "");
          rv_html_text (out, row->pdata[c]);
          g_string_append_printf (out, "</t%c>", r ? 'd' : 'h');
        }
      g_string_append (out, r ? "</tr>\n" : "</tr></thead><tbody>\n");
    }
  g_string_append (out, "</tbody></table></div>\n");
  for (guint k = 0; k < table->notes->len; k++)
    append_tagged (out, "<p class=\"note\">", table->notes->pdata[k], "</p>\n");
}

/* A file's "variant=without_reset_seed=1" as a reader would have it. */
static void
append_cell_name (GString *out, const char *name, const char *cell)
{
  g_autofree char *shown = g_strdelimit (g_strdup (cell), "_", ' ');
  rv_html_text (out, name);
  if (*shown)
    append_tagged (out, ", ", shown, "");
}

static void
append_tables (GString *out, const RvShownRun *run, gboolean reports)
{
  for (guint k = 0; k < run->tables->len; k++)
    {
      const RvShownTable *table = run->tables->pdata[k];
      const RvShownTable *before = k ? run->tables->pdata[k - 1] : NULL,
                         *after = k + 1 < run->tables->len ? run->tables->pdata[k + 1] : NULL;
      if (rv_shown_is_report (run, table->name) != reports)
        continue;
      if (!reports && (!before || strcmp (before->name, table->name) != 0))
        append_tagged (out, "<details><summary>", table->name, "</summary>\n");
      append_tagged (out, "<h3>", table->title, " <span class=\"soft\">");
      append_cell_name (out, table->name, table->cell);
      g_string_append (out, "</span></h3>\n");
      append_table (out, table);
      if (!reports && (!after || strcmp (after->name, table->name) != 0))
        g_string_append (out, "</details>\n");
    }
}

/* ---- figures */

#define MOST_INLINE 400000 /* bytes of an SVG; a larger drawing is shown as PNG */

/* The names inside of one drawing may stand in another as well: each gets a number. */
static void
append_svg (GString *out, const char *svg, guint number)
{
  static const char *const marks[] = { "id=\"", "id='", "href=\"#", "href='#", "url(#" };
  const char *at = strstr (svg, "<svg");
  for (gboolean head = TRUE; at && *at;)
    {
      gsize skip = 0;
      /* its size in points would not fit a phone: the viewBox says its shape */
      if (head && (g_str_has_prefix (at, " width=\"") || g_str_has_prefix (at, " height=\"")))
        {
          at = strchr (strchr (at, '"') + 1, '"');
          at = at ? at + 1 : NULL;
          continue;
        }
      if (g_str_has_prefix (at, "<title>Gnuplot</title>"))
        {
          at += strlen ("<title>Gnuplot</title>");
          continue;
        }
      for (guint m = 0; !skip && m < G_N_ELEMENTS (marks); m++)
        if (g_str_has_prefix (at, marks[m]) && (m > 1 || g_ascii_isspace (at[-1])))
          skip = strlen (marks[m]);
      head &= *at != '>';
      if (skip)
        {
          g_string_append_len (out, at, (gssize)skip);
          g_string_append_printf (out, "f%u-", number);
          at += skip;
        }
      else
        g_string_append_c (out, *at++);
    }
}

static void
append_figure (GString *out, const RvShownFigure *figure, guint number)
{
  g_autofree char *svg_file = g_strconcat (figure->stem, ".svg", NULL),
                  *png_file = g_strconcat (figure->stem, ".png", NULL), *svg = NULL, *png = NULL;
  gsize svg_size = 0, png_size = 0;
  g_file_get_contents (svg_file, &svg, &svg_size, NULL);
  g_string_append (out, "<figure><figcaption>");
  append_cell_name (out, figure->name, figure->cell);
  g_string_append (out, "</figcaption>\n");
  if ((!svg || svg_size > MOST_INLINE) && g_file_get_contents (png_file, &png, &png_size, NULL))
    {
      g_autofree char *text = g_base64_encode ((const guchar *)png, png_size);
      g_string_append (out, "<div class=\"drawn\"><img alt=\"");
      append_cell_name (out, figure->name, figure->cell);
      g_string_append_printf (out, "\" src=\"data:image/png;base64,%s\"/></div>", text);
    }
  else if (svg && strstr (svg, "</svg>") && g_utf8_validate (svg, -1, NULL))
    {
      g_string_append (out, "<div class=\"drawn\">");
      append_svg (out, svg, number);
      g_string_append (out, "</div>");
    }
  else
    {
      g_autofree char *base = g_path_get_basename (figure->stem);
      append_tagged (out, "<p class=\"note\">not drawn: gnuplot was not there; <code>gnuplot ", base,
                     ".gp</code> in its folder draws it</p>");
    }
  g_string_append (out, "</figure>\n");
}

static void
append_figures (GString *out, const RvShownRun *run, gboolean reports, guint *number)
{
  for (guint k = 0; k < run->figures->len; k++)
    {
      const RvShownFigure *figure = run->figures->pdata[k];
      const RvShownFigure *before = k ? run->figures->pdata[k - 1] : NULL,
                          *after = k + 1 < run->figures->len ? run->figures->pdata[k + 1] : NULL;
      if (rv_shown_is_report (run, figure->name) != reports)
        continue;
      if (!reports && (!before || strcmp (before->name, figure->name) != 0))
        append_tagged (out, "<details><summary>", figure->name, "</summary>\n");
      append_figure (out, figure, (*number)++);
      if (!reports && (!after || strcmp (after->name, figure->name) != 0))
        g_string_append (out, "</details>\n");
    }
}

/* ---- cost, failures, provenance */

/* Caller owns. */
static char *
duration_text (double seconds)
{
  if (seconds < 60)
    return g_strdup_printf ("%.1f s", seconds);
  if (seconds < 3600)
    return g_strdup_printf ("%d min %02d s", (int)seconds / 60, (int)seconds % 60);
  return g_strdup_printf ("%d h %02d min", (int)seconds / 3600, (int)seconds / 60 % 60);
}

static void
append_row (GString *out, const char *what, const char *is)
{
  append_tagged (out, "<tr><td>", what, "</td>");
  append_tagged (out, "<td class=\"text\">", is, "</td></tr>\n");
}

/* A row for each node: how many were made and how many were kept, and how long that took. */
static void
append_times (GString *out, const RvShownRun *run)
{
  JsonArray *nodes = rv_shown_nodes (run);
  g_autoptr (GHashTable) done = g_hash_table_new (g_str_hash, g_str_equal);
  g_string_append (
      out, "<div class=\"wide\"><table><thead><tr><th>node</th><th>plugin</th><th class=\"n\">made</th>"
           "<th class=\"n\">kept from before</th><th class=\"n\">time</th></tr></thead><tbody>\n");
  for (guint k = 0; k < json_array_get_length (nodes); k++)
    {
      JsonObject *node = json_array_get_object_element (nodes, k);
      const char *name = rv_shown_text (node, "name");
      guint made = 0, kept = 0;
      double seconds = 0;
      if (!g_hash_table_add (done, (gpointer)name))
        continue;
      for (guint j = k; j < json_array_get_length (nodes); j++)
        {
          JsonObject *other = json_array_get_object_element (nodes, j);
          if (strcmp (rv_shown_text (other, "name"), name) != 0)
            continue;
          const gboolean reused = json_object_has_member (other, "reused");
          kept += reused;
          made += !reused && json_object_has_member (other, "seconds");
          seconds += rv_shown_number (other, "seconds");
        }
      g_autofree char *took = duration_text (seconds);
      append_tagged (out, "<tr><td>", name, "</td>");
      append_tagged (out, "<td>", rv_shown_text (node, "plugin"), "</td>");
      g_string_append_printf (out,
                              "<td class=\"n\">%u</td><td class=\"n\">%u</td><td class=\"n\">%s</td></tr>\n",
                              made, kept, took);
    }
  g_string_append (out, "</tbody></table></div>\n");
}

/* Whichever tables have a column about energy say so here too. */
static void
append_energy (GString *out, const RvShownRun *run)
{
  for (guint k = 0; k < run->tables->len; k++)
    {
      const RvShownTable *table = run->tables->pdata[k];
      const GPtrArray *head = table->rows->len ? table->rows->pdata[0] : NULL;
      for (guint c = 0; head && c < head->len; c++)
        {
          g_autofree char *name = g_utf8_strdown (head->pdata[c], -1);
          if (!strstr (name, "energy"))
            continue;
          append_tagged (out, "<p>Energy estimate, ", head->pdata[c], ": ");
          for (guint r = 1; r < table->rows->len; r++)
            {
              const GPtrArray *row = table->rows->pdata[r];
              if (c >= row->len)
                continue;
              append_tagged (out, r > 1 ? "; " : "", c ? row->pdata[0] : "", c ? " " : "");
              rv_html_text (out, row->pdata[c]);
            }
          g_string_append (out, " <span class=\"soft\">(");
          append_cell_name (out, table->name, table->cell);
          g_string_append (out, ")</span></p>\n");
        }
    }
}

static void
append_cost (GString *out, const RvShownRun *run)
{
  g_string_append (out, "<h2>Cost</h2>\n");
  if (json_object_has_member (run->run, "seconds"))
    {
      g_autofree char *took = duration_text (rv_shown_number (run->run, "seconds"));
      g_string_append_printf (out, "<p>%s on %.0f threads; at most %.0f MB of memory.</p>\n", took,
                              rv_shown_number (run->run, "threads"),
                              rv_shown_number (run->run, "peak memory") / 1e6);
      append_times (out, run);
    }
  else
    g_string_append (out,
                     "<p class=\"failed\">The run did not come to its end: no times were written.</p>\n");
  append_energy (out, run);
}

static void
append_failures (GString *out, const RvShownRun *run)
{
  JsonArray *nodes = rv_shown_nodes (run);
  guint failures = 0;
  for (guint k = 0; k < json_array_get_length (nodes); k++)
    {
      JsonObject *node = json_array_get_object_element (nodes, k);
      if (!json_object_has_member (node, "failure"))
        continue;
      if (!failures++)
        g_string_append (out, "<h2>Failures</h2>\n");
      append_tagged (out, "<p class=\"failed\"><b>", rv_shown_text (node, "name"), "</b> ");
      append_tagged (out, "<span class=\"soft\">", rv_shown_text (node, "cell"), "</span><br/>");
      append_tagged (out, "", rv_shown_text (node, "failure"), "</p>\n");
    }
}

/* The numbers of the axis `seed`, as the cells say. Caller owns. */
static char *
seeds_of (const RvShownRun *run)
{
  g_autoptr (GPtrArray) seeds = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GRegex) pattern = g_regex_new ("(?:^| )seed=([^ ]+)", 0, 0, NULL);
  JsonArray *nodes = rv_shown_nodes (run);
  for (guint k = 0; k < json_array_get_length (nodes); k++)
    {
      g_autoptr (GMatchInfo) match = NULL;
      if (!g_regex_match (pattern, rv_shown_text (json_array_get_object_element (nodes, k), "cell"), 0,
                          &match))
        continue;
      g_autofree char *seed = g_match_info_fetch (match, 1);
      if (!g_ptr_array_find_with_equal_func (seeds, seed, g_str_equal, NULL))
        g_ptr_array_add (seeds, g_steal_pointer (&seed));
    }
  g_ptr_array_add (seeds, NULL);
  return g_strjoinv (", ", (char **)seeds->pdata);
}

/* The command as a shell would take it. Caller owns. */
static char *
command_of (const RvShownRun *run)
{
  g_autofree char *file = g_shell_quote (rv_shown_text (run->run, "pipeline"));
  GString *text = g_string_new ("ranvier run ");
  g_string_append (text, file);
  JsonNode *node = json_object_get_member (run->run, "settings");
  JsonArray *settings = node && JSON_NODE_HOLDS_ARRAY (node) ? json_node_get_array (node) : NULL;
  for (guint k = 0; settings && k < json_array_get_length (settings); k++)
    {
      const char *setting = json_node_get_string (json_array_get_element (settings, k));
      g_autofree char *quoted = g_shell_quote (setting ? setting : "");
      g_string_append_printf (text, " -s %s", quoted);
    }
  if (json_object_has_member (run->run, "data"))
    {
      g_autofree char *data = g_shell_quote (rv_shown_text (run->run, "data"));
      g_string_append_printf (text, " --data %s", data);
    }
  return g_string_free (text, FALSE);
}

static void
append_provenance (GString *out, const RvShownRun *run)
{
  static const char *const members[]
      = { "ranvier", "started", "processor", "system", "instruction set", "pipeline", "pipeline sha256" };
  g_autofree char *command = command_of (run), *seeds = seeds_of (run);
  g_string_append (out, "<h2>Run it again</h2>\n");
  append_tagged (out, "<pre>", command, "</pre>\n");
  append_tagged (
      out, "<p class=\"soft\">The pipeline as it was run, with all that it includes, is <code>", run->path,
      "/pipeline.yaml</code>, and each parameter with its origin is in <code>resolved.yaml</code> beside it."
      "</p>\n");
  g_string_append (out,
                   "<div class=\"wide\"><table><thead><tr><th>what</th><th>is</th></tr></thead><tbody>\n");
  for (guint k = 0; k < G_N_ELEMENTS (members); k++)
    if (*rv_shown_text (run->run, members[k]))
      append_row (out, members[k], rv_shown_text (run->run, members[k]));
  if (*seeds)
    append_row (out, "seeds", seeds);
  g_string_append (
      out, "</tbody></table></div>\n<details><summary>Plugins and identities</summary>\n"
           "<div class=\"wide\"><table><thead><tr><th>node</th><th>cell</th><th>plugin</th><th>sha256 of the"
           " plugin</th><th>identity</th></tr></thead><tbody>\n");
  JsonArray *nodes = rv_shown_nodes (run);
  for (guint k = 0; k < json_array_get_length (nodes); k++)
    {
      static const char *const columns[] = { "name", "cell", "plugin", "plugin sha256", "identity" };
      g_string_append (out, "<tr>");
      for (guint c = 0; c < G_N_ELEMENTS (columns); c++)
        {
          const char *text = rv_shown_text (json_array_get_object_element (nodes, k), columns[c]);
          g_autofree char *shown = g_strndup (text, c > 2 ? 12 : strlen (text));
          append_tagged (out, "<td>", shown, "</td>");
        }
      g_string_append (out, "</tr>\n");
    }
  g_string_append (out, "</tbody></table></div></details>\n");
  if (run->pipeline)
    append_tagged (out, "<details><summary>The pipeline</summary><pre>", run->pipeline, "</pre></details>\n");
}

/* ---- the page */

static const char *
title_of (const RvShownRun *run)
{
  const char *title = rv_shown_text (run->run, "title");
  return *title ? title : rv_shown_text (run->run, "pipeline");
}

static void
append_run (GString *out, const RvShownRun *run, guint index, guint *number)
{
  g_string_append_printf (out, "<section id=\"run-%u\">\n", index + 1);
  append_tagged (out, "<h1>", title_of (run), "</h1>\n");
  append_description (out, run->pipeline);
  append_failures (out, run);
  g_string_append (out, "<h2>Results</h2>\n");
  append_tables (out, run, TRUE);
  append_figures (out, run, TRUE, number);
  g_string_append (out, "<h2>Pipeline</h2>\n");
  rv_html_graph (out, run);
  g_string_append (out, "<h2>Learning curves</h2>\n<div class=\"charts\">\n");
  const gsize before = out->len;
  rv_html_curves (out, run);
  g_string_append (out, out->len == before
                            ? "<p>No training of this run reported more than one epoch.</p></div>\n"
                            : "</div>\n");
  append_cost (out, run);
  g_string_append (out, "<h2>What each node gave</h2>\n");
  append_tables (out, run, FALSE);
  append_figures (out, run, FALSE, number);
  append_provenance (out, run);
  g_string_append (out, "</section>\n");
}

char *
rv_html_page (const GPtrArray *runs)
{
  GString *out = g_string_new ("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n"
                               "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n"
                               "<meta name=\"color-scheme\" content=\"light dark\"/>\n<title>");
  guint number = 0;
  rv_html_text (out, runs->len ? title_of (runs->pdata[0]) : "");
  g_string_append_printf (out, "</title>\n<style>\n%s</style>\n</head>\n<body>\n", style);
  if (runs->len > 1)
    {
      g_string_append (out, "<nav><ol>\n");
      for (guint k = 0; k < runs->len; k++)
        {
          g_string_append_printf (out, "<li><a href=\"#run-%u\">", k + 1);
          append_tagged (out, "", title_of (runs->pdata[k]), "</a> <span class=\"soft\">");
          append_tagged (out, "", ((RvShownRun *)runs->pdata[k])->path, "</span></li>\n");
        }
      g_string_append (out, "</ol></nav>\n");
    }
  for (guint k = 0; k < runs->len; k++)
    append_run (out, runs->pdata[k], k, &number);
  g_string_append (out, "</body>\n</html>\n");
  return g_string_free (out, FALSE);
}
