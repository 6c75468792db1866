/* The parts of `ranvier report`: what a run directory holds, and how a page shows it. */
#ifndef RV_CLI_REPORT_H
#define RV_CLI_REPORT_H

#include <json-glib/json-glib.h>

/* A table as its Markdown file has it: rows of cells, the first are the names of the columns. */
typedef struct
{
  char *name; /* "fit.summary" */
  char *cell; /* as the file is called, "variant=baseline_seed=1", or "" */
  char *title;
  GPtrArray *rows;  /* GPtrArray * of char * */
  GArray *right;    /* gboolean of each column: numbers */
  GPtrArray *notes; /* char * */
} RvShownTable;

/* A figure: where its drawing is. */
typedef struct
{
  char *name, *cell, *stem;
} RvShownFigure;

/* One run directory. */
typedef struct
{
  char *path;
  JsonObject *run; /* run.json, borrowed from `parser` */
  JsonParser *parser;
  char *pipeline;     /* pipeline.yaml, or NULL */
  GPtrArray *tables;  /* RvShownTable * */
  GPtrArray *figures; /* RvShownFigure * */
  GPtrArray *metrics; /* JsonNode *: the lines of metrics.jsonl that hold an object */
} RvShownRun;

/* Reads a run directory; NULL with an error that says what is missing or damaged. rv_shown_run_free. */
RvShownRun *rv_shown_run_read (const char *path, GError **error);
void rv_shown_run_free (RvShownRun *run);
/* Text of a member of run.json or of an object in it, "" where there is none. Borrowed. */
const char *rv_shown_text (JsonObject *object, const char *member);
double rv_shown_number (JsonObject *object, const char *member);
/* The nodes of run.json: an array of objects; may be empty. Borrowed. */
JsonArray *rv_shown_nodes (const RvShownRun *run);
/* Whether the node that `name` ("fit.last") belongs to is a report. */
gboolean rv_shown_is_report (const RvShownRun *run, const char *name);

/* Text in which nothing means anything to HTML. */
void rv_html_text (GString *out, const char *text);
/* What is read from what, as an SVG. */
void rv_html_graph (GString *out, const RvShownRun *run);
/* The numbers that trainings reported, by epoch, as SVGs; nothing if there are none. */
void rv_html_curves (GString *out, const RvShownRun *run);
/* The whole page of `n` runs; the caller owns it. */
char *rv_html_page (const GPtrArray *runs);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (RvShownRun, rv_shown_run_free)

#endif
