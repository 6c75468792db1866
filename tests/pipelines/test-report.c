/* Reports from outside: tables with their comparison of pairs, figures of figures, and the page of `ranvier report`,
 * which is well formed, holds every table and figure of the run, and asks the network for nothing. */
#include "support.h"
#include <math.h>
#include <stdlib.h>

#define SEEDS 3
#define T_LIMIT 4.302652729911275 /* 97.5 % of Student's t with 2 degrees of freedom, from a table */

static char *folder;

static const char study[]
    = "# What does a reset do < over & gaps?\n# A tiny study.\n"
      "title: Reports < \"quoted\" & 'more' | a bar\n"
      "let: {gap: 5, reset: hard}\n"
      "axes:\n"
      "  variant: {baseline: {}, without reset: {reset: none}}\n"
      "  gap: [1, 4]\n"
      "  seed: [1, 2, 3]\n"
      "nodes:\n"
      "  train: {use: dataset/delayed-xor, samples: 80, pattern: 3, gap: $(gap), low: 0.1}\n"
      "  test: {use: dataset/delayed-xor, split: test, samples: 90, pattern: 3, gap: $(gap), low: 0.1}\n"
      "  fit:\n"
      "    use: trainer/bptt\n"
      "    data: train\n"
      "    seed: $(seed)\n"
      "    network:\n"
      "      - {use: dense, units: 8, weight-scale: 3, neuron: {use: lif, reset: $(reset)}}\n"
      "      - {use: dense, units: 2, neuron: leaky-integrator}\n"
      "    decoder: last-step\n"
      "    optimizer: {use: adam, rate: 1e-2}\n"
      "    epochs: 2\n"
      "    batch: 40\n"
      "  score: {use: analysis/accuracy, model: fit.last, data: test}\n"
      "  firing: {use: analysis/firing-rate, model: fit.last, data: test}\n"
      "  alone: {use: analysis/accuracy, model: fit.last, data: train}\n"
      "  each: {use: report/table, from: score, over: [variant, gap, seed], columns: [accuracy], digits: 9}\n"
      "  compared: {use: report/table, from: score, over: [variant, seed], rows: variant, columns: "
      "[accuracy],\n"
      "             baseline: baseline, reference: {baseline: 77.5, without reset: {accuracy: 96.1}}, title: "
      "A < B | C}\n"
      "  pivot: {use: report/table, from: score, over: [variant, gap, seed], rows: variant, columns-axis: "
      "gap,\n"
      "          columns: [accuracy], baseline: baseline, reference: {without reset: {4: 50.5}}}\n"
      "  lines: {use: report/figure, from: score, over: [variant, gap, seed], type: line, rows: gap, series: "
      "variant,\n"
      "          column: accuracy}\n"
      "  points: {use: report/figure, from: fit.history, over: [variant, gap, seed], type: scatter, x: "
      "epoch,\n"
      "           y: loss}\n"
      "  laid: {use: report/figure, figures: firing.figure, over: [variant, gap, seed], type: overlay}\n"
      "  panels: {use: report/figure, figures: firing.figure, over: [variant, gap, seed], type: panels}\n";

/* Runs the program; returns its exit code, and what it said on both outputs. */
static int
ranvier (char **said, const char *format, ...)
{
  va_list arguments;
  va_start (arguments, format);
  g_autofree char *line = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  return test_ranvier (folder, line, said);
}

static char *
contents (const char *name)
{
  g_autofree char *path = g_build_filename (folder, name, NULL);
  g_autoptr (GError) error = NULL;
  char *text = NULL;
  g_file_get_contents (path, &text, NULL, &error);
  g_assert_no_error (error);
  return text;
}

/* Field `column` of line `row`, without quotes that hold commas; caller owns. */
static char *
field (const char *csv, guint row, guint column)
{
  g_auto (GStrv) lines = g_strsplit (csv, "\n", -1);
  g_assert_cmpuint (g_strv_length (lines), >, row);
  g_auto (GStrv) fields = g_strsplit (lines[row], ",", -1);
  g_assert_cmpuint (g_strv_length (fields), >, column);
  return g_strdup (fields[column]);
}

static double
number (const char *csv, guint row, guint column)
{
  g_autofree char *text = field (csv, row, column);
  return g_ascii_strtod (text, NULL);
}

/* The accuracy of a cell, from the table with a row for each. */
static double
accuracy (const char *each, const char *variant, const char *gap, int seed)
{
  g_autofree char *start = g_strdup_printf ("\n%s,%s,%d,", variant, gap, seed);
  const char *at = strstr (each, start);
  g_assert_nonnull (at);
  return g_ascii_strtod (at + strlen (start), NULL);
}

static void
test_comparison (void)
{
  g_autofree char *each = contents ("out/tables/each.csv"), *csv = contents ("out/tables/compared/gap=4.csv"),
                  *tex = contents ("out/tables/compared/gap=4.tex"),
                  *pivot = contents ("out/tables/pivot.csv");
  double d[SEEDS], mean = 0, squares = 0, own = 0;
  for (int k = 0; k < SEEDS; k++)
    {
      d[k] = accuracy (each, "without reset", "4", k + 1) - accuracy (each, "baseline", "4", k + 1);
      mean += d[k] / SEEDS;
      own += accuracy (each, "without reset", "4", k + 1) / SEEDS;
    }
  for (int k = 0; k < SEEDS; k++)
    squares += (d[k] - mean) * (d[k] - mean);
  const double half = T_LIMIT * sqrt (squares / (SEEDS - 1) / SEEDS);
  g_assert_true (g_str_has_prefix (
      csv, "variant,accuracy mean,accuracy sd,accuracy min,accuracy max,accuracy - baseline,"
           "accuracy 95 % low,accuracy 95 % high,accuracy is,paper,mean - paper\n"));
  g_assert_cmpfloat_with_epsilon (number (csv, 2, 1), own, 1e-6);
  g_assert_cmpfloat_with_epsilon (number (csv, 2, 5), mean, 1e-6);
  g_assert_cmpfloat_with_epsilon (number (csv, 2, 6), mean - half, 1e-5);
  g_assert_cmpfloat_with_epsilon (number (csv, 2, 7), mean + half, 1e-5);
  g_autofree char *verdict = field (csv, 2, 8), *none = field (csv, 1, 5);
  g_assert_cmpstr (verdict, ==, mean - half > 0 ? "higher" : mean + half < 0 ? "lower" : "not established");
  g_assert_cmpstr (none, ==, ""); /* the baseline beside itself */
  g_assert_cmpfloat (number (csv, 2, 9), ==, 96.1);
  g_assert_cmpfloat_with_epsilon (number (csv, 2, 10), own - 96.1, 1e-6);
  g_assert_nonnull (strstr (tex, "\\caption{A $<$ B $\\vert$ C}"));
  g_assert_true (g_str_has_prefix (
      pivot, "variant,gap 1,gap 1 - baseline,gap 4,\"gap 4, paper\",gap 4 - paper,gap 4 - baseline\n"));
  g_autofree char *cell = g_strdup_printf ("%.1f \xc2\xb1 ", own);
  g_assert_nonnull (strstr (pivot, cell));
}

static void
test_few_pairs (void)
{
  g_assert_cmpint (ranvier (NULL, "run study.yaml -q -o one -s seed=2"), ==, 0);
  g_autofree char *csv = contents ("one/tables/compared/gap=1.csv"), *verdict = field (csv, 2, 8),
                  *low = field (csv, 2, 6);
  g_assert_cmpstr (verdict, ==, "not established");
  g_assert_cmpstr (low, ==, "");
  g_assert_cmpint (ranvier (NULL, "run study.yaml -q -o other -s 'variant=without reset'"), ==, 0);
  g_autofree char *other = contents ("other/tables/compared/gap=1.md");
  g_assert_nonnull (strstr (other, "the baseline 'baseline' is not part of this run"));
}

static void
test_figures (void)
{
  g_autofree char *lines = contents ("out/figures/lines.csv"), *laid = contents ("out/figures/laid.csv"),
                  *panels = contents ("out/figures/panels.gp"), *each = contents ("out/tables/each.csv"),
                  *points = contents ("out/figures/points.csv");
  double mean = 0;
  for (int k = 0; k < SEEDS; k++)
    mean += accuracy (each, "baseline", "1", k + 1) / SEEDS;
  g_assert_true (g_str_has_prefix (lines, "x,y,low,high,series\n1,"));
  g_assert_cmpfloat_with_epsilon (number (lines, 1, 1), mean, 1e-6);
  g_assert_nonnull (strstr (laid, "\"without reset, gap 4, seed 3"));
  g_assert_nonnull (strstr (panels, "'(l) without reset, gap 4, seed 3'"));
  g_assert_cmpuint (test_count (points, "\n"), ==, 1 + 2 * 2 * SEEDS * 2); /* two epochs of every cell */
}

/* ---- the page */

static void
on_element (GMarkupParseContext *context, const char *element, const char **names, const char **values,
            gpointer user, GError **error)
{
  g_assert_cmpstr (element, !=, "script");
  for (guint k = 0; names[k]; k++)
    if (strcmp (names[k], "src") == 0 || strstr (names[k], "href"))
      {
        if (values[k][0] != '#' && !g_str_has_prefix (values[k], "data:"))
          g_error ("%s refers to %s", element, values[k]);
      }
    else if (!g_str_has_prefix (names[k], "xmlns"))
      g_assert_null (strstr (values[k], "http"));
}

static void
check_page (const char *page)
{
  const GMarkupParser parser = { .start_element = on_element };
  g_autoptr (GMarkupParseContext) context = g_markup_parse_context_new (&parser, 0, NULL, NULL);
  g_autoptr (GError) error = NULL;
  const char *html = strstr (page, "<html");
  g_assert_true (g_str_has_prefix (page, "<!DOCTYPE html>\n"));
  g_markup_parse_context_parse (context, html, -1, &error);
  g_assert_no_error (error);
  g_markup_parse_context_end_parse (context, &error);
  g_assert_no_error (error);
  g_assert_null (strstr (page, "@import"));
  g_assert_null (strstr (page, "url(http"));
}

/* Each .md of tables/ and each .gp of figures/ has its caption. */
static void
find_in_page (const char *root, const char *name, gpointer user)
{
  const char *page = user;
  const gboolean table = g_str_has_prefix (name, "tables/") && g_str_has_suffix (name, ".md");
  const gboolean figure = g_str_has_prefix (name, "figures/") && g_str_has_suffix (name, ".gp");
  if (!table && !figure)
    return;
  g_autofree char *inner = g_strndup (strchr (name, '/') + 1, strlen (strchr (name, '/') + 1) - 3);
  g_auto (GStrv) parts = g_strsplit (inner, "/", 2);
  if (parts[1])
    g_strdelimit (parts[1], "_", ' ');
  g_autofree char *caption = g_strjoinv (", ", parts);
  g_autofree char *whole
      = g_strdup_printf (table ? ">%s</span></h3>" : "<figcaption>%s</figcaption>", caption);
  if (!strstr (page, whole))
    g_error ("the page has no %s", whole);
}

static void
test_page (void)
{
  g_autofree char *said = NULL;
  g_assert_cmpint (ranvier (&said, "report out"), ==, 0);
  g_assert_cmpstr (said, ==, "out/report.html\n");
  g_autofree char *page = contents ("out/report.html"), *root = g_build_filename (folder, "out", NULL);
  check_page (page);
  test_walk (root, "tables", find_in_page, page);
  test_walk (root, "figures", find_in_page, page);
  g_assert_nonnull (strstr (page, "<h1>Reports &lt; &quot;quoted&quot; &amp; &apos;more&apos; | a bar</h1>"));
  g_assert_nonnull (strstr (page, "<p>What does a reset do &lt; over &amp; gaps? A tiny study.</p>"));
  g_assert_nonnull (strstr (page, "A &lt; B | C"));
  g_assert_nonnull (strstr (page, "fit: loss</figcaption>"));
  g_assert_nonnull (strstr (page, "ranvier run &apos;study.yaml&apos;"));
  g_assert_nonnull (strstr (page, "MB of memory"));
  g_assert_nonnull (strstr (page, "<td>seeds</td><td class=\"text\">1, 2, 3</td>"));
  g_assert_cmpuint (test_count (page, "class=\"edge\""), >=, 12);
}

static void
test_several (void)
{
  g_assert_cmpint (ranvier (NULL, "report -o both.html out out"), ==, 0);
  g_autofree char *page = contents ("both.html");
  check_page (page);
  g_assert_nonnull (strstr (page, "<a href=\"#run-2\">"));
  g_assert_cmpuint (test_count (page, "<section id="), ==, 2);
}

static void
test_failed (void)
{
  g_assert_cmpint (ranvier (NULL, "run study.yaml -q -o failed -s fit.optimizer=sgd -s "
                                  "fit.optimizer.rate=1e6 -s fit.loss=mse -s fit.epochs=50 -s seed=1"),
                   ==, 1);
  g_assert_cmpint (ranvier (NULL, "report failed"), ==, 0);
  g_autofree char *page = contents ("failed/report.html");
  check_page (page);
  g_assert_nonnull (strstr (page, "<h2>Failures</h2>"));
}

static void
test_damaged (void)
{
  static const struct
  {
    const char *arguments;
    int code;
    const char *says;
  } cases[] = { { "report", 2, "needs the folder of a run" },
                { "report nowhere", 2, "nowhere is no run directory: there is no such folder" },
                { "report study.yaml", 2, "study.yaml is no run directory: it is a file" },
                { "report .", 2, ". is no run directory: it has no run.json" },
                { "report broken", 1, "broken/run.json is damaged: " },
                { "report listless", 1, "listless/run.json is damaged: it does not list the nodes of a run" },
                { "report out -o nowhere/page.html", 1, "nowhere/page.html" } };
  static const char *const broken[] = { "broken", "{\"title\": ", "listless", "{\"nodes\": [1, 2]}" };
  for (int k = 0; k < 4; k += 2)
    {
      g_autofree char *path = g_build_filename (folder, broken[k], NULL),
                      *file = g_build_filename (path, "run.json", NULL);
      g_mkdir (path, 0755);
      g_assert_true (g_file_set_contents (file, broken[k + 1], -1, NULL));
    }
  for (guint k = 0; k < G_N_ELEMENTS (cases); k++)
    {
      g_autofree char *said = NULL;
      g_assert_cmpint (ranvier (&said, "%s", cases[k].arguments), ==, cases[k].code);
      if (!strstr (said, cases[k].says))
        g_error ("'%s' does not say '%s'", said, cases[k].says);
    }
  /* a run that was killed: half a line, a table that is no table, nothing drawn */
  g_autofree char *path = g_build_filename (folder, "killed", NULL),
                  *tables = g_build_filename (path, "tables", NULL),
                  *figures = g_build_filename (path, "figures", NULL),
                  *run = g_build_filename (path, "run.json", NULL),
                  *metrics = g_build_filename (path, "metrics.jsonl", NULL),
                  *table = g_build_filename (tables, "odd.md", NULL),
                  *script = g_build_filename (figures, "a&b.gp", NULL);
  g_mkdir_with_parents (tables, 0755);
  g_mkdir_with_parents (figures, 0755);
  g_assert_true (g_file_set_contents (run, "{\"title\": 3, \"nodes\": [{}]}", -1, NULL));
  g_assert_true (
      g_file_set_contents (metrics, "[1]\n{\"node\":\"fit\",\"epoch\":1,\"loss\":\"x\"}\n{\"node", -1, NULL));
  g_assert_true (g_file_set_contents (table, "| a\n|\n\n<b>\xff\x01", -1, NULL));
  g_assert_true (g_file_set_contents (script, "", -1, NULL));
  g_assert_cmpint (ranvier (NULL, "report killed"), ==, 0);
  g_autofree char *page = contents ("killed/report.html");
  check_page (page);
  g_assert_nonnull (strstr (page, "not drawn"));
  g_assert_nonnull (strstr (page, "The run did not come to its end"));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_autoptr (GError) error = NULL;
  folder = g_dir_make_tmp ("ranvier-report-XXXXXX", &error);
  g_assert_no_error (error);
  g_autofree char *kept = g_build_filename (folder, "kept", NULL),
                  *file = g_build_filename (folder, "study.yaml", NULL);
  g_setenv ("XDG_STATE_HOME", kept, TRUE);
  g_setenv ("XDG_CACHE_HOME", kept, TRUE);
  g_assert_true (g_file_set_contents (file, study, -1, &error));
  g_autofree char *said = NULL;
  g_assert_cmpint (ranvier (&said, "run study.yaml -o out"), ==, 0);
  /* what a report gathers is not printed once more cell by cell, and a forgotten axis is told */
  g_assert_nonnull (strstr (said, "compared: one for each choice of 'gap', which is not in its 'over'\n"));
  g_assert_null (strstr (said, "pivot: one for each"));
  g_assert_nonnull (strstr (said, " more tables, each of a single cell, are in out/tables\n"));
  g_assert_null (strstr (said, "alone.accuracy, cell"));
  g_test_add_func ("/report/comparison", test_comparison);
  g_test_add_func ("/report/few-pairs", test_few_pairs);
  g_test_add_func ("/report/figures", test_figures);
  g_test_add_func ("/report/page", test_page);
  g_test_add_func ("/report/several", test_several);
  g_test_add_func ("/report/failed", test_failed);
  g_test_add_func ("/report/damaged", test_damaged);
  const int failed = g_test_run ();
  if (!g_getenv ("RANVIER_KEEP_FIGURES"))
    test_remove (folder);
  g_free (folder);
  return failed;
}
