/* report/table: gathers the last rows of tables from many cells. Without `rows` every cell is a row as it is;
 * with `rows` the cells of one choice make a row of statistics (over seeds, say). Failed cells are named. */
#include <ranvier/ranvier.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct
{
  RvPorts from;
  char **over;
  char *rows;
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

static const char *const known[] = { "mean", "sd", "min", "max", "median", "count", NULL };

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
  if (!report->rows || (report->over && g_strv_contains ((const char *const *)report->over, report->rows)))
    return TRUE;
  g_set_error (error, RV_ERROR, RV_ERROR_PIPELINE, "'rows' is '%s', which is not in 'over'", report->rows);
  return FALSE;
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

/* ---- statistics */

static int
compare (gconstpointer a, gconstpointer b)
{
  const double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

/* The numbers of a column in the cells of a row, ascending; empty cells are left out. */
static GArray *
row_values (const Row *row, const char *column)
{
  GArray *values = g_array_new (FALSE, FALSE, sizeof (double));
  for (guint k = 0; k < row->ports->len; k++)
    {
      const RvTable *table = rv_port_table (row->ports->pdata[k]);
      const int index = table ? rv_table_find_column (table, column) : -1;
      if (index < 0 || !rv_table_rows (table))
        continue;
      const double value = rv_table_get_real (table, rv_table_rows (table) - 1, (uint32_t)index);
      if (!isnan (value))
        g_array_append_val (values, value);
    }
  if (values->len)
    qsort (values->data, values->len, sizeof (double), compare);
  return values;
}

static double
statistic (const GArray *values, const char *name)
{
  const guint n = values->len;
  const double *v = (const double *)(const void *)values->data;
  double mean = 0.0, squares = 0.0;
  if (strcmp (name, "count") == 0)
    return n;
  if (n == 0)
    return NAN;
  if (strcmp (name, "min") == 0)
    return v[0];
  if (strcmp (name, "max") == 0)
    return v[n - 1];
  if (strcmp (name, "median") == 0)
    return n % 2 ? v[n / 2] : 0.5 * (v[n / 2 - 1] + v[n / 2]);
  for (guint k = 0; k < n; k++)
    mean += v[k] / n;
  if (strcmp (name, "mean") == 0)
    return mean;
  /* sd = sqrt (sum (v - mean)^2 / (n - 1)), of the sample; one value has none */
  for (guint k = 0; k < n; k++)
    squares += (v[k] - mean) * (v[k] - mean);
  return n > 1 ? sqrt (squares / (n - 1)) : NAN;
}

/* 100 * |{v > limit}| / n */
static double
share_above (const GArray *values, double limit)
{
  guint above = 0;
  for (guint k = 0; k < values->len; k++)
    above += g_array_index (values, double, k) > limit;
  return values->len ? 100.0 * above / values->len : NAN;
}

/* ---- the table */

/* Statistics of one source column: as many columns as `statistics` names, one more for `above`. */
static void
add_statistics (const Report *report, const GPtrArray *rows, const char *column, RvTable *out)
{
  const int digits = (int)report->digits;
  for (char **s = report->statistics; s && *s; s++)
    {
      const gboolean counts = strcmp (*s, "count") == 0;
      g_autofree char *name = g_strconcat (column, " ", *s, NULL);
      const uint32_t c = rv_table_add_column (out, name, counts ? RV_COLUMN_INT : RV_COLUMN_REAL, digits);
      for (guint k = 0; k < rows->len; k++)
        {
          g_autoptr (GArray) values = row_values (rows->pdata[k], column);
          if (counts)
            rv_table_set_int (out, k, c, values->len);
          else
            rv_table_set_real (out, k, c, statistic (values, *s));
        }
    }
  if (isinf (report->above))
    return;
  char limit[G_ASCII_DTOSTR_BUF_SIZE];
  g_ascii_formatd (limit, sizeof limit, "%.9g", report->above);
  g_autofree char *name = g_strconcat (column, " > ", limit, " %", NULL);
  const uint32_t c = rv_table_add_column (out, name, RV_COLUMN_REAL, digits);
  for (guint k = 0; k < rows->len; k++)
    {
      g_autoptr (GArray) values = row_values (rows->pdata[k], column);
      rv_table_set_real (out, k, c, share_above (values, report->above));
    }
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

static void
add_reference (const Report *report, const GPtrArray *rows, RvTable *out)
{
  /* as many digits as were published: never rounded */
  const uint32_t c = rv_table_add_column (out, report->reference_title, RV_COLUMN_REAL, -1);
  for (guint k = 0; k < rows->len; k++)
    for (uint32_t r = 0; r < report->reference.n; r++)
      if (strcmp (report->reference.names[r], ((Row *)rows->pdata[k])->name) == 0)
        rv_table_set_real (out, k, c, report->reference.values[r]);
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
  for (guint k = 0; k < columns->len; k++)
    if (report->rows)
      add_statistics (report, rows, columns->pdata[k], out);
    else
      add_values (report, rows, columns->pdata[k], out);
  if (report->reference.n)
    add_reference (report, rows, out);
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
        RV_TEXTS (Report, columns, "[]", "Columns of the tables to show; without it all that hold numbers"),
        RV_TEXTS (Report, statistics, "[mean, sd, min, max]",
                  "With `rows`: any of mean, sd (of the sample), min, max, median, count"),
        RV_REAL (Report, above, "inf", -RV_INF, RV_INF, "",
                 "With `rows`: adds the share, in per cent, of cells whose value is greater; inf: does not"),
        RV_REAL_MAP (Report, reference, "Numbers to set beside the rows, by name of the row"),
        RV_TEXT (Report, reference_title, "paper", "What the column of reference numbers is called"),
        RV_INT (Report, digits, "1", 0, 12, "", "Decimals of real numbers"),
        RV_TEXT (Report, title, NULL, "Title; without it that of the first table"),
        RV_PARAM_END };

static const RvOutput outputs[]
    = { { "", RV_ARTEFACT_TABLE, "The gathered table" }, { NULL, RV_ARTEFACT_NONE, NULL } };

static const RvNodeClass class = { outputs, NULL, run, NULL };

RV_PLUGIN ("report", "table")
  .version = "1.0",
  .licence = "LGPL-2.1-or-later",
  .doc = "Gathers tables of many cells in one, with statistics over seeds and reference numbers",
  .params = params,
  .params_size = sizeof (Report),
  .init = init,
  RV_FUNCTIONS (class),
};
