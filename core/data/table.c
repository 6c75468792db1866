/* Tables: typed columns, rows of cells that may be empty, and notes; shown as CSV and as Markdown. */
#include "data/keep.h"
#include <math.h>
#include <string.h>

typedef struct
{
  char *name;
  RvColumnType type;
  int digits;
} Column;

typedef struct
{
  gboolean filled;
  char *text;
  double real;
  int64_t integer;
} Cell;

struct RvTable
{
  gatomicrefcount references;
  char *title;
  GArray *columns; /* Column */
  GPtrArray *rows; /* GArray of Cell, as long as there were columns when it was last written to */
  GPtrArray *notes;
};

static void
clear_column (gpointer column)
{
  g_free (((Column *) column)->name);
}

static void
clear_cell (gpointer cell)
{
  g_free (((Cell *) cell)->text);
}

RvTable *
rv_table_new (const char *title)
{
  RvTable *table = g_new0 (RvTable, 1);
  g_atomic_ref_count_init (&table->references);
  table->title = g_strdup (title);
  table->columns = g_array_new (FALSE, TRUE, sizeof (Column));
  g_array_set_clear_func (table->columns, clear_column);
  table->rows = g_ptr_array_new_with_free_func ((GDestroyNotify) g_array_unref);
  table->notes = g_ptr_array_new_with_free_func (g_free);
  g_ptr_array_add (table->notes, NULL);
  return table;
}

RvTable *
rv_table_ref (RvTable *table)
{
  g_atomic_ref_count_inc (&table->references);
  return table;
}

void
rv_table_unref (RvTable *table)
{
  if (!table || !g_atomic_ref_count_dec (&table->references))
    return;
  g_free (table->title);
  g_array_unref (table->columns);
  g_ptr_array_unref (table->rows);
  g_ptr_array_unref (table->notes);
  g_free (table);
}

const char *
rv_table_title (const RvTable *table)
{
  return table->title;
}

uint32_t
rv_table_add_column (RvTable *table, const char *name, RvColumnType type, int digits)
{
  Column column = { g_strdup (name), type, digits };
  g_array_append_val (table->columns, column);
  return table->columns->len - 1;
}

uint32_t
rv_table_add_row (RvTable *table)
{
  GArray *row = g_array_new (FALSE, TRUE, sizeof (Cell));
  g_array_set_clear_func (row, clear_cell);
  g_ptr_array_add (table->rows, row);
  return table->rows->len - 1;
}

static const Column *
column_of (const RvTable *table, uint32_t column)
{
  return &g_array_index (table->columns, Column, column);
}

/* The cell to write to; grows the row. */
static Cell *
cell_for (RvTable *table, uint32_t row, uint32_t column)
{
  GArray *cells = table->rows->pdata[row];
  if (cells->len <= column)
    g_array_set_size (cells, column + 1);
  return &g_array_index (cells, Cell, column);
}

static const Cell *
cell_at (const RvTable *table, uint32_t row, uint32_t column)
{
  const GArray *cells = table->rows->pdata[row];
  return column < cells->len ? &g_array_index (cells, Cell, column) : NULL;
}

void
rv_table_set_text (RvTable *table, uint32_t row, uint32_t column, const char *text)
{
  g_return_if_fail (row < table->rows->len && column < table->columns->len);
  Cell *cell = cell_for (table, row, column);
  g_free (cell->text);
  cell->text = g_strdup (text);
  cell->filled = text != NULL;
}

void
rv_table_set_real (RvTable *table, uint32_t row, uint32_t column, double value)
{
  g_return_if_fail (row < table->rows->len && column < table->columns->len);
  Cell *cell = cell_for (table, row, column);
  cell->real = value;
  cell->filled = !isnan (value);
}

void
rv_table_set_int (RvTable *table, uint32_t row, uint32_t column, int64_t value)
{
  g_return_if_fail (row < table->rows->len && column < table->columns->len);
  Cell *cell = cell_for (table, row, column);
  cell->integer = value;
  cell->filled = TRUE;
}

void
rv_table_add_note (RvTable *table, const char *note)
{
  for (guint k = 0; k + 1 < table->notes->len; k++)
    if (strcmp (table->notes->pdata[k], note) == 0)
      return;
  g_ptr_array_insert (table->notes, (int) table->notes->len - 1, g_strdup (note));
}

uint32_t
rv_table_rows (const RvTable *table)
{
  return table->rows->len;
}

uint32_t
rv_table_columns (const RvTable *table)
{
  return table->columns->len;
}

const char *
rv_table_column_name (const RvTable *table, uint32_t column)
{
  return column_of (table, column)->name;
}

RvColumnType
rv_table_column_type (const RvTable *table, uint32_t column)
{
  return column_of (table, column)->type;
}

int
rv_table_find_column (const RvTable *table, const char *name)
{
  for (uint32_t k = 0; k < table->columns->len; k++)
    if (strcmp (column_of (table, k)->name, name) == 0)
      return (int) k;
  return -1;
}

double
rv_table_get_real (const RvTable *table, uint32_t row, uint32_t column)
{
  const Cell *cell = cell_at (table, row, column);
  if (!cell || !cell->filled || column_of (table, column)->type == RV_COLUMN_TEXT)
    return NAN;
  return column_of (table, column)->type == RV_COLUMN_INT ? (double) cell->integer : cell->real;
}

/* A bar would end the cell of a Markdown table. Takes `text` over; the caller owns the result. */
static char *
guard_bars (char *text)
{
  g_autofree char *owned = text;
  g_auto (GStrv) parts = g_strsplit (owned, "|", -1);
  return g_strjoinv ("\\|", parts);
}

/* `digits` decimals, or as many as needed, always with a point. */
static char *
real_text (double value, int digits)
{
  char buffer[G_ASCII_DTOSTR_BUF_SIZE + 320], format[16];
  g_snprintf (format, sizeof format, digits < 0 ? "%%.9g" : "%%.%df", MIN (digits, 17));
  return g_strdup (g_ascii_formatd (buffer, sizeof buffer, format, value));
}

static char *
cell_text (const RvTable *table, uint32_t row, uint32_t column, gboolean exact)
{
  const Cell *cell = cell_at (table, row, column);
  const Column *c = column_of (table, column);
  if (!cell || !cell->filled)
    return g_strdup ("");
  switch (c->type)
    {
    case RV_COLUMN_TEXT:
      return g_strdup (cell->text);
    case RV_COLUMN_INT:
      return g_strdup_printf ("%" G_GINT64_FORMAT, cell->integer);
    default:
      return real_text (cell->real, exact ? -1 : c->digits);
    }
}

char *
rv_table_get_text (const RvTable *table, uint32_t row, uint32_t column)
{
  return cell_text (table, row, column, FALSE);
}

const char *const *
rv_table_notes (const RvTable *table)
{
  return (const char *const *) table->notes->pdata;
}

/* RFC 4180: quotes around what holds a comma, a quote or a line break. */
static void
append_csv (GString *out, const char *text)
{
  if (!strpbrk (text, ",\"\r\n"))
    {
      g_string_append (out, text);
      return;
    }
  g_string_append_c (out, '"');
  for (const char *c = text; *c; c++)
    g_string_append (out, *c == '"' ? "\"\"" : (char[]){ *c, 0 });
  g_string_append_c (out, '"');
}

char *
rv_table_to_csv (const RvTable *table)
{
  GString *out = g_string_new (NULL);
  for (uint32_t row = 0; row <= table->rows->len; row++)
    for (uint32_t k = 0; k < table->columns->len; k++)
      {
        g_autofree char *text = row ? cell_text (table, row - 1, k, TRUE) : g_strdup (column_of (table, k)->name);
        append_csv (out, text);
        g_string_append (out, k + 1 < table->columns->len ? "," : "\n");
      }
  return g_string_free (out, FALSE);
}

static void
append_padded (GString *out, const char *text, int width, gboolean right)
{
  const int missing = width - (int) g_utf8_strlen (text, -1);
  g_string_append (out, " ");
  g_string_append_printf (out, "%*s", right ? missing : 0, "");
  g_string_append (out, text);
  g_string_append_printf (out, "%*s |", right ? 0 : missing, "");
}

static int
column_width (const RvTable *table, uint32_t column)
{
  g_autofree char *name = guard_bars (g_strdup (column_of (table, column)->name));
  glong width = MAX (3, g_utf8_strlen (name, -1));
  for (uint32_t row = 0; row < table->rows->len; row++)
    {
      g_autofree char *text = guard_bars (cell_text (table, row, column, FALSE));
      width = MAX (width, g_utf8_strlen (text, -1));
    }
  return (int) width;
}

char *
rv_table_to_markdown (const RvTable *table)
{
  GString *out = g_string_new (NULL);
  g_autofree int *widths = g_new (int, table->columns->len + 1); /* once: tables have thousands of rows */
  for (uint32_t k = 0; k < table->columns->len; k++)
    widths[k] = column_width (table, k);
  g_string_append_printf (out, "**%s**\n\n", table->title);
  for (int row = -2; row < (int) table->rows->len; row++)
    {
      g_string_append_c (out, '|');
      for (uint32_t k = 0; k < table->columns->len; k++)
        {
          const gboolean right = column_of (table, k)->type != RV_COLUMN_TEXT;
          const int width = widths[k];
          g_autofree char *line = g_strnfill ((gsize) width - 1, '-');
          g_autofree char *rule = right ? g_strconcat (line, ":", NULL) : g_strconcat (line, "-", NULL);
          g_autofree char *text = guard_bars (row >= 0 ? cell_text (table, (uint32_t) row, k, FALSE)
                                                       : g_strdup (column_of (table, k)->name));
          append_padded (out, row == -1 ? rule : text, width, right);
        }
      g_string_append_c (out, '\n');
    }
  for (guint k = 0; k + 1 < table->notes->len; k++)
    g_string_append_printf (out, "%s%s\n", k ? "" : "\n", (const char *) table->notes->pdata[k]);
  return g_string_free (out, FALSE);
}

/* ---- LaTeX */

/* Every character that means something to TeX is spelled out; other bytes are UTF-8, which it reads. */
static void
append_latex (GString *out, const char *text)
{
  static const char special[] = "\\{}$&#_%~^";
  static const char *const spelled[] = { "\\textbackslash{}", "\\{", "\\}", "\\$",
                                         "\\&", "\\#", "\\_", "\\%",
                                         "\\textasciitilde{}", "\\textasciicircum{}" };
  for (const char *c = text; *c; c++)
    {
      const char *found = strchr (special, *c);
      if (found)
        g_string_append (out, spelled[found - special]);
      else if (g_str_has_prefix (c, "\xc2\xb1")) /* plus or minus */
        g_string_append (out, "$\\pm$"), c++;
      else if (strchr ("-+<>|", *c) && (*c != '-' || g_ascii_isdigit (c[1])))
        g_string_append_printf (out, "$%s$", *c == '|' ? "\\vert" : (char[]){ *c, 0 });
      else
        g_string_append_c (out, g_ascii_iscntrl (*c) ? ' ' : *c);
    }
}

char *
rv_table_to_latex (const RvTable *table)
{
  GString *out = g_string_new ("% needs \\usepackage{booktabs}\n\\begin{table}\n  \\centering\n  \\caption{");
  append_latex (out, table->title);
  g_string_append (out, "}\n  \\begin{tabular}{");
  for (uint32_t k = 0; k < table->columns->len; k++)
    g_string_append_c (out, column_of (table, k)->type == RV_COLUMN_TEXT ? 'l' : 'r');
  g_string_append (out, "}\n    \\toprule\n");
  for (int row = -1; row < (int) table->rows->len; row++)
    {
      g_string_append (out, "    ");
      for (uint32_t k = 0; k < table->columns->len; k++)
        {
          g_autofree char *text
              = row < 0 ? g_strdup (column_of (table, k)->name) : cell_text (table, (uint32_t) row, k, FALSE);
          append_latex (out, text);
          g_string_append (out, k + 1 < table->columns->len ? " & " : " \\\\\n");
        }
      g_string_append (out, row < 0 ? "    \\midrule\n" : "");
    }
  g_string_append (out, "    \\bottomrule\n  \\end{tabular}\n");
  for (guint k = 0; k + 1 < table->notes->len; k++)
    {
      g_string_append (out, "\n  {\\footnotesize ");
      append_latex (out, table->notes->pdata[k]);
      g_string_append (out, "\\par}\n");
    }
  g_string_append (out, "\\end{table}\n");
  return g_string_free (out, FALSE);
}

/* ---- kept between runs */

GVariant *
rv_table_to_variant (const RvTable *table)
{
  GVariantBuilder columns, rows, notes;
  g_variant_builder_init (&columns, G_VARIANT_TYPE ("a(sii)"));
  g_variant_builder_init (&rows, G_VARIANT_TYPE ("aa(bsdx)"));
  g_variant_builder_init (&notes, G_VARIANT_TYPE ("as"));
  for (guint c = 0; c < table->columns->len; c++)
    g_variant_builder_add (&columns, "(sii)", column_of (table, c)->name, (gint32)column_of (table, c)->type,
                           (gint32)column_of (table, c)->digits);
  for (guint r = 0; r < table->rows->len; r++)
    {
      const GArray *cells = table->rows->pdata[r];
      g_variant_builder_open (&rows, G_VARIANT_TYPE ("a(bsdx)"));
      for (guint c = 0; c < cells->len; c++)
        {
          const Cell *cell = &g_array_index (cells, Cell, c);
          g_variant_builder_add (&rows, "(bsdx)", cell->filled, cell->text ? cell->text : "", cell->real,
                                 cell->integer);
        }
      g_variant_builder_close (&rows);
    }
  for (const char *const *note = rv_table_notes (table); *note; note++)
    g_variant_builder_add (&notes, "s", *note);
  return g_variant_new (RV_TABLE_VARIANT, table->title ? table->title : "", &columns, &rows, &notes);
}

static void
take_row (RvTable *table, GVariantIter *cells)
{
  const uint32_t row = rv_table_add_row (table);
  gboolean filled;
  const char *text;
  double real;
  gint64 integer;
  for (uint32_t c = 0;
       c < table->columns->len && g_variant_iter_next (cells, "(b&sdx)", &filled, &text, &real, &integer); c++)
    {
      Cell *cell = cell_for (table, row, c);
      cell->filled = filled;
      cell->text = column_of (table, c)->type == RV_COLUMN_TEXT && filled ? g_strdup (text) : NULL;
      cell->real = real;
      cell->integer = integer;
    }
}

RvTable *
rv_table_from_variant (GVariant *variant)
{
  g_autoptr (GVariantIter) columns = NULL, rows = NULL, notes = NULL;
  const char *title, *name, *note;
  gint32 type, digits;
  g_variant_get (variant, "(&sa(sii)aa(bsdx)as)", &title, &columns, &rows, &notes);
  g_autoptr (RvTable) table = rv_table_new (title);
  while (g_variant_iter_next (columns, "(&sii)", &name, &type, &digits))
    {
      if (type < RV_COLUMN_TEXT || type > RV_COLUMN_INT)
        return NULL;
      rv_table_add_column (table, name, (RvColumnType)type, digits);
    }
  for (GVariantIter *cells; g_variant_iter_next (rows, "a(bsdx)", &cells); g_variant_iter_free (cells))
    take_row (table, cells);
  while (g_variant_iter_next (notes, "&s", &note))
    rv_table_add_note (table, note);
  return g_steal_pointer (&table);
}
