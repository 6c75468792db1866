/* report/@NAME@: the cells of a run in order of one number, the best first. Reports gather a table from every
 * cell of the axes in `over`; a cell that failed has none, and is counted in a note instead of being left out
 * silently. */
#include <ranvier/ranvier.h>

typedef struct
{
  RvPorts from;
  char **over;
  char *column;
  int64_t top;
  gboolean ascending;
} Self;

static const RvParam params[] = {
  RV_PORTS (Self, from, RV_ARTEFACT_TABLE, RV_PARAM_REQUIRED, "The tables"),
  RV_TEXTS (Self, over, "[]", "The axes over whose cells tables are gathered"),
  RV_REQUIRED_TEXT (Self, column, "The column to order by; its last row counts"),
  RV_INT (Self, top, "10", 1, 1e6, "", "Cells that are shown"),
  RV_BOOL (Self, ascending, "no", "The smallest number is the best"),
  RV_PARAM_END
};

typedef struct
{
  char *cell;
  double value;
} Entry;

static void
free_entry (gpointer data)
{
  Entry *entry = data;
  g_free (entry->cell);
  g_free (entry);
}

/* The greater first; equal ones by name, so that the order is always the same. */
static int
compare (gconstpointer a, gconstpointer b)
{
  const Entry *x = *(Entry *const *) a, *y = *(Entry *const *) b;
  if (x->value != y->value)
    return x->value < y->value ? 1 : -1;
  return g_strcmp0 (x->cell, y->cell);
}

/* "variant=baseline, seed=1", or the name of what is wired where nothing is gathered; caller owns. */
static char *
cell_name (const Self *self, const RvPort *port)
{
  g_autoptr (GPtrArray) parts = g_ptr_array_new_with_free_func (g_free);
  for (char **axis = self->over; axis && *axis; axis++)
    {
      const char *choice = rv_port_choice (port, *axis);
      g_ptr_array_add (parts, g_strconcat (*axis, "=", choice ? choice : "?", NULL));
    }
  if (parts->len == 0)
    return g_strdup (rv_port_name (port));
  g_ptr_array_add (parts, NULL);
  return g_strjoinv (", ", (char **) parts->pdata);
}

/* The number of a cell; FALSE with an error if its table has no such column. */
static gboolean
value_of (const Self *self, const RvPort *port, double *value, GError **error)
{
  const RvTable *table = rv_port_table (port);
  const int column = rv_table_find_column (table, self->column);
  if (column < 0)
    {
      g_set_error (error, RV_ERROR, RV_ERROR_PIPELINE, "'%s' has no column '%s'", rv_port_name (port),
                   self->column);
      return FALSE;
    }
  const uint32_t rows = rv_table_rows (table);
  *value = rows ? rv_table_get_real (table, rows - 1, (uint32_t) column) : NAN;
  return TRUE;
}

static gboolean
run (void *data, RvNode *node, GError **error)
{
  const Self *self = data;
  g_autoptr (GPtrArray) entries = g_ptr_array_new_with_free_func (free_entry);
  g_autoptr (RvTable) table = rv_table_new ("The best cells");
  uint32_t without = 0;
  for (uint32_t k = 0; k < self->from.n; k++)
    {
      const RvPort *port = &self->from.items[k];
      double value = NAN;
      if (rv_port_table (port) && !value_of (self, port, &value, error))
        return FALSE;
      if (isnan (value))
        {
          without++;
          continue;
        }
      Entry *entry = g_new (Entry, 1);
      *entry = (Entry){ cell_name (self, port), self->ascending ? -value : value };
      g_ptr_array_add (entries, entry);
    }
  g_ptr_array_sort (entries, compare);
  rv_table_add_column (table, "rank", RV_COLUMN_INT, 0);
  rv_table_add_column (table, "cell", RV_COLUMN_TEXT, 0);
  rv_table_add_column (table, self->column, RV_COLUMN_REAL, -1);
  for (uint32_t k = 0; k < entries->len && k < self->top; k++)
    {
      const Entry *entry = entries->pdata[k];
      const uint32_t row = rv_table_add_row (table);
      rv_table_set_int (table, row, 0, k + 1);
      rv_table_set_text (table, row, 1, entry->cell);
      rv_table_set_real (table, row, 2, self->ascending ? -entry->value : entry->value);
    }
  if (without > 0)
    {
      g_autofree char *note = g_strdup_printf ("%u of %u cells have no number", without, self->from.n);
      rv_table_add_note (table, note);
    }
  rv_node_set_output (node, "", g_steal_pointer (&table));
  return TRUE;
}

static const RvOutput outputs[] = { { "", RV_ARTEFACT_TABLE, "A row for each of the best cells" }, { NULL } };

static const RvNodeClass class = { .outputs = outputs, .run = run };

RV_PLUGIN ("report", "@NAME@")
  .version = "0.1",
  .licence = "CC0-1.0",
  .doc = "The cells of a run, the best first",
  .citation = NULL,
  .params = params,
  .params_size = sizeof (Self),
  RV_FUNCTIONS (class),
};
