/* report/table: gathers the last rows of tables from many cells. Without `rows` every cell is a row as it is;
 * with `rows` the cells of one choice make a row of statistics (over seeds, say), one for each choice of a
 * second axis with `columns-axis`. Failed cells are named. */
#include "statistics.h"
#include <math.h>
#include <string.h>

typedef struct
{
  RvPorts from;
  char **over;
  char *rows, *columns_axis, *baseline;
  char **columns;
  char **statistics;
  double above;
  RvRealMap reference;
  char *reference_title;
  int64_t digits;
  char *title;
} Report;

typedef struct
{
  char *name;         /* the choice of `rows`, or all choices of the cell: what `reference` calls it */
  const char *source; /* what the ports are wired to */
  GPtrArray *ports;   /* const RvPort *, borrowed */
  uint32_t failed;
} Row;

static const char *const known[] = { "mean", "sd", "min", "max", "median", "count", "summary", NULL };

static void
free_row (gpointer data)
{
  Row *row = data;
  g_free (row->name);
  g_ptr_array_unref (row->ports);
  g_free (row);
}

static gboolean
init (void *self, GError **error)
{
  const Report *report = self;
  for (char **s = report->statistics; s && *s; s++)
    if (!g_strv_contains (known, *s))
      {
        g_autofree char *list = g_strjoinv (", ", (char **)known);
        g_set_error (error, RV_ERROR, RV_ERROR_PIPELINE, "'statistics' has no '%s'; there are %s", *s, list);
        return FALSE;
      }
  const char *const names[] = { "rows", "columns-axis" }, *const axes[]
                                                          = { report->rows, report->columns_axis };
  for (int k = 0; k < 2; k++)
    if (axes[k] && !(report->over && g_strv_contains ((const char *const *)report->over, axes[k])))
      {
        g_set_error (error, RV_ERROR, RV_ERROR_PIPELINE, "'%s' is '%s', which is not in 'over'", names[k],
                     axes[k]);
        return FALSE;
      }
  const char *problem = NULL;
  if ((report->columns_axis || report->baseline) && !report->rows)
    problem = "'columns-axis' and 'baseline' need 'rows', the axis whose choices are rows";
  else if (report->columns_axis && g_strcmp0 (report->columns_axis, report->rows) == 0)
    problem = "'rows' and 'columns-axis' are the same axis";
  else if (report->columns_axis && !(report->columns && report->columns[0] && !report->columns[1]))
    problem = "'columns-axis' needs 'columns' with one name: that of the column whose values fill the table";
  if (problem)
    g_set_error_literal (error, RV_ERROR, RV_ERROR_PIPELINE, problem);
  return !problem;
}

/* ---- rows */

/* "variant=baseline, seed=3", or with `bare` "baseline, 3"; the port's name where nothing is gathered. Caller
 * owns. */
static char *
cell_name (const Report *report, const RvPort *port, gboolean bare)
{
  GString *name = g_string_new (NULL);
  for (char **axis = report->over; axis && *axis; axis++)
    {
      const char *choice = rv_port_choice (port, *axis);
      g_string_append (name, name->len ? ", " : "");
      if (!bare)
        g_string_append_printf (name, "%s=", *axis);
      g_string_append (name, choice ? choice : "");
    }
  if (!name->len)
    g_string_append (name, rv_port_name (port));
  return g_string_free (name, FALSE);
}

static Row *
find_row (const GPtrArray *rows, const char *name, const char *source)
{
  for (guint k = 0; k < rows->len; k++)
    {
      Row *row = rows->pdata[k];
      if (strcmp (row->name, name) == 0 && strcmp (row->source, source) == 0)
        return row;
    }
  return NULL;
}

/* The rows in order of first appearance; NULL with an error if a cell has no choice of `rows`. */
static GPtrArray *
gather (const Report *report, GError **error)
{
  g_autoptr (GPtrArray) rows = g_ptr_array_new_with_free_func (free_row);
  for (uint32_t k = 0; k < report->from.n; k++)
    {
      const RvPort *port = &report->from.items[k];
      const char *choice = report->rows ? rv_port_choice (port, report->rows) : NULL;
      if (report->rows && !choice)
        {
          g_set_error (error, RV_ERROR, RV_ERROR_PIPELINE,
                       "'rows' is '%s', but the cells of '%s' have no such axis", report->rows,
                       rv_port_name (port));
          return NULL;
        }
      g_autofree char *name = choice ? g_strdup (choice) : cell_name (report, port, TRUE);
      Row *row = choice ? find_row (rows, name, rv_port_name (port)) : NULL;
      if (!row)
        {
          row = g_new0 (Row, 1);
          row->name = g_steal_pointer (&name);
          row->source = rv_port_name (port);
          row->ports = g_ptr_array_new ();
          g_ptr_array_add (rows, row);
        }
      g_ptr_array_add (row->ports, (gpointer)port);
      row->failed += rv_port_table (port) == NULL;
    }
  return g_steal_pointer (&rows);
}

/* ---- columns */

/* The first table that has the column, and where; NULL: none has. */
static RvTable *
find_table (const Report *report, const char *column, uint32_t *index)
{
  for (uint32_t k = 0; k < report->from.n; k++)
    {
      RvTable *table = rv_port_table (&report->from.items[k]);
      const int found = table ? rv_table_find_column (table, column) : -1;
      if (found >= 0)
        {
          *index = (uint32_t)found;
          return table;
        }
    }
  return NULL;
}

/* The type of a column of the sources; real if no cell is left to tell. */
static RvColumnType
source_type (const Report *report, const char *column)
{
  uint32_t index;
  const RvTable *table = find_table (report, column, &index);
  return table ? rv_table_column_type (table, index) : RV_COLUMN_REAL;
}

/* All numeric columns in order of first appearance. */
static GPtrArray *
numeric_columns (const Report *report)
{
  GPtrArray *names = g_ptr_array_new_with_free_func (g_free);
  for (uint32_t k = 0; k < report->from.n; k++)
    {
      const RvTable *table = rv_port_table (&report->from.items[k]);
      for (uint32_t c = 0; table && c < rv_table_columns (table); c++)
        {
          const char *name = rv_table_column_name (table, c);
          if (rv_table_column_type (table, c) != RV_COLUMN_TEXT
              && !g_ptr_array_find_with_equal_func (names, name, g_str_equal, NULL))
            g_ptr_array_add (names, g_strdup (name));
        }
    }
  return names;
}

/* The columns to show; NULL with an error if one asked for is not there or has no mean. */
static GPtrArray *
shown_columns (const Report *report, GError **error)
{
  g_autoptr (GPtrArray) all = numeric_columns (report);
  if (!report->columns || !report->columns[0])
    return g_steal_pointer (&all);
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);
  for (char **name = report->columns; *name; name++)
    {
      uint32_t index;
      const RvTable *table = find_table (report, *name, &index);
      if (!table && all->len)
        {
          g_ptr_array_add (all, NULL);
          g_autofree char *list = g_strjoinv ("', '", (char **)all->pdata);
          g_set_error (error, RV_ERROR, RV_ERROR_PIPELINE, "'columns' names '%s', but the tables have '%s'",
                       *name, list);
          return NULL;
        }
      if (table && report->rows && rv_table_column_type (table, index) == RV_COLUMN_TEXT)
        {
          g_set_error (error, RV_ERROR, RV_ERROR_PIPELINE,
                       "'columns' names '%s', which holds text: it has no "
                       "statistics over the cells of a row",
                       *name);
          return NULL;
        }
      g_ptr_array_add (names, g_strdup (*name));
    }
  return g_steal_pointer (&names);
}

/* Before the run: a column that none of the tables will have is a mistake, where all of them say what they
 * will have. */
static gboolean
check (void *self, RvNode *node, GError **error)
{
  const Report *report = self;
  for (char **name = report->columns; name && *name; name++)
    {
      const char *const *declared = NULL;
      gboolean found = FALSE;
      for (uint32_t k = 0; k < report->from.n; k++)
        {
          declared = rv_port_columns (&report->from.items[k]);
          found |= !declared || g_strv_contains (declared, *name);
        }
      if (found || !declared)
        continue;
      g_autofree char *list = g_strjoinv ("', '", (char **)declared);
      g_set_error (error, RV_ERROR, RV_ERROR_PIPELINE, "'columns' names '%s', but the tables have '%s'",
                   *name, list);
      return FALSE;
    }
  return TRUE;
}

/* ---- statistics */

/* The number of a column in the last row of a port's table; NaN if there is none. */
static double
value_of (const RvPort *port, const char *column)
{
  const RvTable *table = rv_port_table (port);
  const int index = table ? rv_table_find_column (table, column) : -1;
  return index < 0 || !rv_table_rows (table)
             ? NAN
             : rv_table_get_real (table, rv_table_rows (table) - 1, (uint32_t)index);
}

/* The numbers of a column in the cells of a row, of all or one choice of `columns-axis`. */
static GArray *
row_values (const Report *report, const Row *row, const char *choice, const char *column)
{
  GArray *values = g_array_new (FALSE, FALSE, sizeof (double));
  for (guint k = 0; k < row->ports->len; k++)
    {
      const RvPort *port = row->ports->pdata[k];
      const double value = value_of (port, column);
      if (!isnan (value) && (!choice || g_strcmp0 (rv_port_choice (port, report->columns_axis), choice) == 0))
        g_array_append_val (values, value);
    }
  return values;
}

/* Whether two cells differ in nothing but the choice of `rows`. */
static gboolean
are_paired (const Report *report, const RvPort *a, const RvPort *b)
{
  for (char **axis = report->over; axis && *axis; axis++)
    if (strcmp (*axis, report->rows) != 0
        && g_strcmp0 (rv_port_choice (a, *axis), rv_port_choice (b, *axis)) != 0)
      return FALSE;
  return TRUE;
}

/* The differences of the cells of a row to those of the baseline that share their seed and all else. */
static GArray *
row_differences (const Report *report, const Row *row, const Row *base, const char *choice,
                 const char *column)
{
  GArray *values = g_array_new (FALSE, FALSE, sizeof (double));
  for (guint k = 0; k < row->ports->len; k++)
    for (guint b = 0; b < base->ports->len; b++)
      {
        const RvPort *port = row->ports->pdata[k], *other = base->ports->pdata[b];
        const double value = value_of (port, column) - value_of (other, column);
        if (isnan (value) || !are_paired (report, port, other)
            || (choice && g_strcmp0 (rv_port_choice (port, report->columns_axis), choice) != 0))
          continue;
        g_array_append_val (values, value);
      }
  return values;
}

/* The row called `baseline` of the same source, or NULL. */
static const Row *
baseline_of (const Report *report, const GPtrArray *rows, const Row *row)
{
  return report->baseline ? find_row (rows, report->baseline, row->source) : NULL;
}

/* What was published of a row: {row: number} for the first column, or {row: {column: number}}. */
static double
reference_of (const Report *report, const Row *row, const char *column, gboolean first)
{
  g_autofree char *both = g_strconcat (row->name, "/", column, NULL);
  for (uint32_t r = 0; r < report->reference.n; r++)
    if (strcmp (report->reference.names[r], both) == 0
        || (first && strcmp (report->reference.names[r], row->name) == 0))
      return report->reference.values[r];
  return NAN;
}

/* ---- the table */

static uint32_t
add_real (const Report *report, RvTable *out, const char *before, const char *after)
{
  g_autofree char *name = g_strconcat (before, after, NULL);
  return rv_table_add_column (out, name, RV_COLUMN_REAL, (int)report->digits);
}

/* What a column is called: its choice of `columns-axis`, "gap 3" where that is a bare number. Caller owns. */
static char *
column_title (const Report *report, const char *choice, const char *column)
{
  return choice && g_ascii_isdigit (*choice) ? g_strdup_printf ("%s %s", report->columns_axis, choice)
                                             : g_strdup (choice ? choice : column);
}

/* "71.4 ± 2.0", and how many where a row has not as many as the fullest. */
static void
add_summary (const Report *report, const GPtrArray *rows, const char *choice, const char *column, guint most,
             RvTable *out)
{
  g_autofree char *title = column_title (report, choice, column);
  const uint32_t c = rv_table_add_column (out, title, RV_COLUMN_TEXT, 0);
  for (guint k = 0; k < rows->len; k++)
    {
      g_autoptr (GArray) values = row_values (report, rows->pdata[k], choice, column);
      g_autofree char *text = rv_summary_text (values, (int)report->digits, most);
      rv_table_set_text (out, k, c, text);
    }
}

/* How many numbers the fullest place of the table has. */
static guint
most_values (const Report *report, const GPtrArray *rows, const GPtrArray *choices, const char *column)
{
  guint most = 0;
  for (guint k = 0; k < rows->len; k++)
    for (guint c = 0; c < MAX (choices->len, 1u); c++)
      {
        g_autoptr (GArray) values
            = row_values (report, rows->pdata[k], choices->len ? choices->pdata[c] : NULL, column);
        most = MAX (most, values->len);
      }
  return most;
}

static void
note_summary (guint most, RvTable *out)
{
  g_autofree char *note
      = most > 1 ? g_strdup_printf ("mean \xc2\xb1 sd, n = %u unless a cell says otherwise", most)
                 : g_strdup ("one value each (n = 1): there is no standard deviation");
  rv_table_add_note (out, note);
}

/* Statistics of one source column: as many columns as `statistics` names, one more for `above`. */
static void
add_statistics (const Report *report, const GPtrArray *rows, const char *column, RvTable *out)
{
  const int digits = (int)report->digits;
  g_autoptr (GPtrArray) none = g_ptr_array_new ();
  const guint most = most_values (report, rows, none, column);
  for (char **s = report->statistics; s && *s; s++)
    {
      if (strcmp (*s, "summary") == 0)
        {
          add_summary (report, rows, NULL, column, most, out);
          note_summary (most, out);
          continue;
        }
      const gboolean counts = strcmp (*s, "count") == 0;
      g_autofree char *name = g_strconcat (column, " ", *s, NULL);
      const uint32_t c = rv_table_add_column (out, name, counts ? RV_COLUMN_INT : RV_COLUMN_REAL, digits);
      for (guint k = 0; k < rows->len; k++)
        {
          g_autoptr (GArray) values = row_values (report, rows->pdata[k], NULL, column);
          if (counts)
            rv_table_set_int (out, k, c, values->len);
          else
            rv_table_set_real (out, k, c, rv_statistic (values, *s));
        }
    }
  if (isinf (report->above))
    return;
  char limit[G_ASCII_DTOSTR_BUF_SIZE];
  g_ascii_formatd (limit, sizeof limit, "%.9g", report->above);
  g_autofree char *after = g_strconcat (" > ", limit, " %", NULL);
  const uint32_t c = add_real (report, out, column, after);
  for (guint k = 0; k < rows->len; k++)
    {
      g_autoptr (GArray) values = row_values (report, rows->pdata[k], NULL, column);
      rv_table_set_real (out, k, c, rv_share_above (values, report->above));
    }
}

static void
note_comparison (const Report *report, RvTable *out)
{
  g_autofree char *note = g_strdup_printf (
      "differences to '%s' over cells that share all other choices (seeds), with the 95 %% interval of"
      " a paired t test; not established: the interval holds 0, or there are fewer than 2 pairs",
      report->baseline);
  rv_table_add_note (out, note);
}

/* Each row beside the baseline: the mean of the paired differences, the ends of its 95 % interval, and what
 * follows. */
static void
add_comparison (const Report *report, const GPtrArray *rows, const char *column, RvTable *out)
{
  g_autofree char *difference = g_strconcat (column, " - ", report->baseline, NULL);
  const uint32_t c = add_real (report, out, difference, ""),
                 low = add_real (report, out, column, " 95 % low"),
                 high = add_real (report, out, column, " 95 % high");
  g_autofree char *verdict = g_strconcat (column, " is", NULL);
  const uint32_t v = rv_table_add_column (out, verdict, RV_COLUMN_TEXT, 0);
  for (guint k = 0; k < rows->len; k++)
    {
      const Row *row = rows->pdata[k], *base = baseline_of (report, rows, row);
      if (!base || base == row)
        continue;
      g_autoptr (GArray) values = row_differences (report, row, base, NULL, column);
      const RvInterval interval = rv_paired_interval (values);
      rv_table_set_real (out, k, c, interval.mean);
      rv_table_set_real (out, k, low, interval.low);
      rv_table_set_real (out, k, high, interval.high);
      rv_table_set_text (out, k, v, rv_interval_verdict (&interval));
    }
  note_comparison (report, out);
}

/* The published numbers of a column, and how far the mean is from them. */
static void
add_reference (const Report *report, const GPtrArray *rows, const char *choice, const char *column,
               gboolean first, gboolean alone, RvTable *out)
{
  gboolean any = FALSE;
  const char *shown = choice ? choice : column;
  for (guint k = 0; k < rows->len; k++)
    any |= !isnan (reference_of (report, rows->pdata[k], shown, first));
  if (!any)
    return;
  g_autofree char *title = column_title (report, choice, column);
  g_autofree char *name = alone ? g_strdup (report->reference_title)
                                : g_strdup_printf ("%s, %s", title, report->reference_title);
  g_autofree char *difference = g_strdup_printf ("%s - %s", alone ? "mean" : title, report->reference_title);
  /* as many digits as were published: never rounded */
  const uint32_t c = rv_table_add_column (out, name, RV_COLUMN_REAL, -1);
  const uint32_t d = report->rows ? add_real (report, out, difference, "") : 0;
  for (guint k = 0; k < rows->len; k++)
    {
      const double published = reference_of (report, rows->pdata[k], shown, first);
      rv_table_set_real (out, k, c, published);
      if (!d)
        continue;
      g_autoptr (GArray) values = row_values (report, rows->pdata[k], choice, column);
      rv_table_set_real (out, k, d, rv_statistic (values, "mean") - published);
    }
}

/* ---- a second axis as columns */

/* The choices of `columns-axis` in order of first appearance; none without such an axis. Borrowed texts. */
static GPtrArray *
column_choices (const Report *report)
{
  GPtrArray *choices = g_ptr_array_new ();
  for (uint32_t k = 0; report->columns_axis && k < report->from.n; k++)
    {
      const char *choice = rv_port_choice (&report->from.items[k], report->columns_axis);
      if (choice && !g_ptr_array_find_with_equal_func (choices, choice, g_str_equal, NULL))
        g_ptr_array_add (choices, (gpointer)choice);
    }
  return choices;
}

/* A column for each choice, "71.4 ± 2.0"; what was published; and the comparison with the baseline. */
static void
add_pivot (const Report *report, const GPtrArray *rows, RvTable *out)
{
  g_autoptr (GPtrArray) choices = column_choices (report);
  const char *column = report->columns[0];
  const guint most = most_values (report, rows, choices, column);
  for (guint c = 0; c < choices->len; c++)
    {
      const char *choice = choices->pdata[c];
      add_summary (report, rows, choice, column, most, out);
      add_reference (report, rows, choice, column, FALSE, FALSE, out);
      if (!report->baseline)
        continue;
      g_autofree char *title = column_title (report, choice, column),
                      *name = g_strdup_printf ("%s - %s", title, report->baseline);
      const uint32_t d = rv_table_add_column (out, name, RV_COLUMN_TEXT, 0);
      for (guint k = 0; k < rows->len; k++)
        {
          const Row *row = rows->pdata[k], *base = baseline_of (report, rows, row);
          if (!base || base == row)
            continue;
          g_autoptr (GArray) values = row_differences (report, row, base, choice, column);
          const RvInterval interval = rv_paired_interval (values);
          g_autofree char *text = rv_interval_text (&interval, (int)report->digits);
          rv_table_set_text (out, k, d, text);
        }
    }
  g_autofree char *what = g_strdup_printf ("columns: %s; cells: %s", report->columns_axis, column);
  rv_table_add_note (out, what);
  note_summary (most, out);
  if (report->baseline && choices->len)
    note_comparison (report, out);
}

/* A source column as it is, for rows of one cell. */
static void
add_values (const Report *report, const GPtrArray *rows, const char *column, RvTable *out)
{
  const RvColumnType type = source_type (report, column);
  const uint32_t c = rv_table_add_column (out, column, type, (int)report->digits);
  for (guint k = 0; k < rows->len; k++)
    {
      const Row *row = rows->pdata[k];
      const RvTable *table = rv_port_table (row->ports->pdata[0]);
      const int index = table ? rv_table_find_column (table, column) : -1;
      if (index < 0 || !rv_table_rows (table))
        continue;
      const uint32_t last = rv_table_rows (table) - 1;
      const double value = rv_table_get_real (table, last, (uint32_t)index);
      g_autofree char *text = rv_table_get_text (table, last, (uint32_t)index);
      if (type == RV_COLUMN_TEXT)
        rv_table_set_text (out, k, c, text);
      else if (type == RV_COLUMN_REAL)
        rv_table_set_real (out, k, c, value);
      else if (!isnan (value))
        rv_table_set_int (out, k, c, (int64_t)value);
    }
}

/* What a row is called: its choice, or a column per axis; and its source where there are several. */
static void
add_keys (const Report *report, const GPtrArray *rows, RvTable *out)
{
  const char *const one[] = { report->rows, NULL };
  const char *const *axes = report->rows ? one : (const char *const *)report->over;
  gboolean sources = !axes || !axes[0];
  for (guint k = 1; k < rows->len; k++)
    sources |= strcmp (((Row *)rows->pdata[k])->source, ((Row *)rows->pdata[0])->source) != 0;
  for (; axes && *axes; axes++)
    {
      const uint32_t c = rv_table_add_column (out, *axes, RV_COLUMN_TEXT, 0);
      for (guint k = 0; k < rows->len; k++)
        rv_table_set_text (out, k, c, rv_port_choice (((Row *)rows->pdata[k])->ports->pdata[0], *axes));
    }
  if (!sources)
    return;
  const uint32_t c = rv_table_add_column (out, "source", RV_COLUMN_TEXT, 0);
  for (guint k = 0; k < rows->len; k++)
    rv_table_set_text (out, k, c, ((Row *)rows->pdata[k])->source);
}

/* How many cells of each row failed, only if any did. */
static void
add_failed (const GPtrArray *rows, RvTable *out)
{
  uint32_t failed = 0;
  for (guint k = 0; k < rows->len; k++)
    failed += ((Row *)rows->pdata[k])->failed;
  if (!failed)
    return;
  const uint32_t c = rv_table_add_column (out, "failed", RV_COLUMN_TEXT, 0);
  for (guint k = 0; k < rows->len; k++)
    {
      const Row *row = rows->pdata[k];
      g_autofree char *part = g_strdup_printf ("%u of %u", row->failed, row->ports->len);
      if (row->failed)
        rv_table_set_text (out, k, c, row->failed == row->ports->len ? "failed" : part);
    }
}

/* The notes of the sources, and why cells failed. */
static void
add_notes (const Report *report, RvTable *out)
{
  for (uint32_t k = 0; k < report->from.n; k++)
    {
      const RvPort *port = &report->from.items[k];
      const RvTable *table = rv_port_table (port);
      if (table)
        {
          for (const char *const *note = rv_table_notes (table); *note; note++)
            rv_table_add_note (out, *note);
          continue;
        }
      const char *why = rv_port_failure (port);
      g_autofree char *cell = cell_name (report, port, FALSE);
      g_autofree char *note = g_strdup_printf ("%s: *failed*: %s", cell, why ? why : "there is no result");
      rv_table_add_note (out, note);
    }
}

static const char *
default_title (const Report *report, RvNode *node)
{
  for (uint32_t k = 0; k < report->from.n; k++)
    if (rv_port_table (&report->from.items[k]))
      return rv_table_title (rv_port_table (&report->from.items[k]));
  return rv_node_name (node);
}

static gboolean
run (void *self, RvNode *node, GError **error)
{
  const Report *report = self;
  g_autoptr (GPtrArray) rows = gather (report, error);
  g_autoptr (GPtrArray) columns = rows ? shown_columns (report, error) : NULL;
  if (!columns)
    return FALSE;
  RvTable *out = rv_table_new (report->title ? report->title : default_title (report, node));
  for (guint k = 0; k < rows->len; k++)
    rv_table_add_row (out);
  add_keys (report, rows, out);
  if (report->columns_axis)
    add_pivot (report, rows, out);
  for (guint k = 0; k < columns->len && !report->columns_axis; k++)
    {
      if (report->rows)
        add_statistics (report, rows, columns->pdata[k], out);
      else
        add_values (report, rows, columns->pdata[k], out);
      if (report->baseline)
        add_comparison (report, rows, columns->pdata[k], out);
      add_reference (report, rows, NULL, columns->pdata[k], k == 0, columns->len == 1, out);
    }
  gboolean based = FALSE;
  for (guint k = 0; k < rows->len; k++)
    based |= baseline_of (report, rows, rows->pdata[k]) != NULL;
  if (report->baseline && !based)
    {
      g_autofree char *note = g_strdup_printf ("the baseline '%s' is not part of this run", report->baseline);
      rv_table_add_note (out, note);
    }
  add_failed (rows, out);
  add_notes (report, out);
  rv_node_set_output (node, "", out);
  return TRUE;
}

static const RvParam params[]
    = { RV_PORTS (Report, from, RV_ARTEFACT_TABLE, RV_PARAM_REQUIRED, "The tables; each gives its last row"),
        RV_TEXTS (Report, over, "[]", "The axes over whose cells tables are gathered"),
        RV_TEXT (Report, rows, NULL,
                 "The axis whose choices are rows of statistics; without it each cell is a row"),
        RV_TEXT (Report, columns_axis, NULL,
                 "With `rows`: the axis whose choices are columns, filled with mean and sd of `columns`"),
        RV_TEXT (Report, baseline, NULL,
                 "With `rows`: the choice that all others are compared with, seed by seed"),
        RV_TEXTS (Report, columns, "[]", "Columns of the tables to show; without it all that hold numbers"),
        RV_TEXTS (Report, statistics, "[mean, sd, min, max]",
                  "With `rows`: any of mean, sd (of the sample), min, max, median, count, summary"),
        RV_REAL (Report, above, "inf", -RV_INF, RV_INF, "",
                 "With `rows`: adds the share, in per cent, of cells whose value is greater; inf: does not"),
        RV_NESTED_MAP (Report, reference,
                       "Numbers to set beside the rows: {row: 1}, or {row: {column: 1}} for several columns"),
        RV_TEXT (Report, reference_title, "paper", "What the column of reference numbers is called"),
        RV_INT (Report, digits, "1", 0, 12, "", "Decimals of real numbers"),
        RV_TEXT (Report, title, NULL, "Title; without it that of the first table"),
        RV_PARAM_END };

static const RvOutput outputs[]
    = { { "", RV_ARTEFACT_TABLE, "The gathered table" }, { NULL, RV_ARTEFACT_NONE, NULL } };

static const RvNodeClass class = { outputs, check, run, NULL };

RV_PLUGIN ("report", "table")
  .version = "1.0",
  .licence = "LGPL-2.1-or-later",
  .doc = "Gathers tables of many cells in one, with statistics over seeds and reference numbers",
  .params = params,
  .params_size = sizeof (Report),
  .init = init,
  RV_FUNCTIONS (class),
};
