/* The tables of an attack. Recordings that were told wrong before it are counted and not attacked; means are
 * over the successes, as Liang et al. 2021 count; whoever was never flipped is named. */
#include "parts.h"

#define NAMED 20 /* so many that were never flipped stand in the note; the table `samples` has all */

/* Numbers of the successes. */
typedef struct
{
  uint32_t n;
  double *items;
} Numbers;

static void
add (Numbers *numbers, double x)
{
  numbers->items[numbers->n++] = x;
}

static double
mean_of (const Numbers *numbers)
{
  double sum = 0.0;
  for (uint32_t k = 0; k < numbers->n; k++)
    sum += numbers->items[k];
  return numbers->n > 0 ? sum / numbers->n : NAN;
}

static double
sd_of (const Numbers *numbers)
{
  const double mean = mean_of (numbers);
  double squares = 0.0;
  for (uint32_t k = 0; k < numbers->n; k++)
    squares += (numbers->items[k] - mean) * (numbers->items[k] - mean);
  return numbers->n > 1 ? sqrt (squares / (numbers->n - 1)) : NAN;
}

static int
compare (gconstpointer a, gconstpointer b)
{
  const double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

/* Sorts them. */
static double
median_of (Numbers *numbers)
{
  if (numbers->n == 0)
    return NAN;
  qsort (numbers->items, numbers->n, sizeof (double), compare);
  return 0.5 * (numbers->items[(numbers->n - 1) / 2] + numbers->items[numbers->n / 2]);
}

static void
put (RvTable *table, const char *name, int digits, double value)
{
  const uint32_t column
      = rv_table_add_column (table, name, digits < 0 ? RV_COLUMN_INT : RV_COLUMN_REAL, MAX (digits, 0));
  if (digits < 0)
    rv_table_set_int (table, 0, column, (int64_t)value);
  else
    rv_table_set_real (table, 0, column, value);
}

/* "never flipped: recordings 3, 17, 40 and 5 more" */
static void
name_open (const AttackRun *run, RvTable *table)
{
  g_autoptr (GString) text = g_string_new ("never flipped: recordings ");
  uint32_t n = 0;
  for (uint32_t k = 0; k < run->copies->n; k++)
    if (run->copies->attempts[k].result == ATTACK_OPEN && n++ < NAMED)
      g_string_append_printf (text, "%s%u", n > 1 ? ", " : "", run->copies->attempts[k].id);
  if (n > NAMED)
    g_string_append_printf (text, " and %u more (table `samples`)", n - NAMED);
  if (n > 0)
    rv_table_add_note (table, text->str);
}

enum
{
  SHARE,
  CHANGED,
  L2,
  LINF,
  RMS,
  ITERATIONS,
  ALL
};

/* The columns behind the counts. */
static void
put_distances (RvTable *table, gboolean spikes, Numbers *of)
{
  if (spikes)
    {
      put (table, "flipped share", 5, mean_of (&of[SHARE]));
      put (table, "flipped share sd", 5, sd_of (&of[SHARE]));
      put (table, "flipped share median", 5, median_of (&of[SHARE]));
      put (table, "flips", 1, mean_of (&of[CHANGED]));
    }
  put (table, "l2", 3, mean_of (&of[L2]));
  put (table, "l2 sd", 3, sd_of (&of[L2]));
  put (table, "l2 median", 3, median_of (&of[L2]));
  if (!spikes)
    put (table, "linf", 4, mean_of (&of[LINF]));
  put (table, "rms", 4, mean_of (&of[RMS]));
  put (table, "iterations", 1, mean_of (&of[ITERATIONS]));
  rv_table_add_note (table,
                     "success rate in per cent of the attacked; the columns behind it are over the successes "
                     "alone, means where they do not say otherwise");
  if (spikes)
    rv_table_add_note (table, "rms is the square root of a recording's flipped share");
}

RvTable *
attack_summary (const AttackRun *run)
{
  const uint32_t n = run->copies->n;
  RvTable *table = rv_table_new (run->method->title);
  g_autofree double *room = g_new (double, (size_t)ALL *n + 1);
  double counts[] = { 0, 0, 0 };
  Numbers of[ALL];
  for (uint32_t j = 0; j < ALL; j++)
    of[j] = (Numbers){ 0, room + (size_t)j * n };
  for (uint32_t k = 0; k < n; k++)
    {
      const Attempt *attempt = &run->copies->attempts[k];
      counts[attempt->result] += 1.0;
      if (attempt->result != ATTACK_SUCCEEDED)
        continue;
      const AttackDistance d = attack_distance (run->copies, k);
      add (&of[SHARE], d.share);
      add (&of[CHANGED], (double)d.changed);
      add (&of[L2], d.l2);
      add (&of[LINF], d.linf);
      add (&of[RMS], d.rms);
      add (&of[ITERATIONS], (double)attempt->changes);
    }
  const double attacked = counts[ATTACK_OPEN] + counts[ATTACK_SUCCEEDED];
  rv_table_add_row (table);
  put (table, "drawn", -1, n);
  put (table, "wrong at start", -1, counts[ATTACK_WRONG_AT_START]);
  put (table, "attacked", -1, attacked);
  put (table, "never flipped", -1, counts[ATTACK_OPEN]);
  put (table, "success rate", 2, attacked > 0 ? 100.0 * counts[ATTACK_SUCCEEDED] / attacked : NAN);
  put_distances (table, run->copies->form == RV_FORM_SPIKES, of);
  name_open (run, table);
  return table;
}

static void
set_class (RvTable *table, uint32_t row, uint32_t column, uint64_t class)
{
  if (class < ATTACK_NO_CLASS)
    rv_table_set_int (table, row, column, (int64_t) class);
}

RvTable *
attack_samples (const AttackRun *run)
{
  static const char *const results[] = { "never flipped", "success", "wrong at start" };
  static const char *const names[]
      = { "recording", "label", "target", "before", "after", "iterations", "changed" };
  RvTable *table = rv_table_new ("The attack on each recording");
  for (uint32_t k = 0; k < G_N_ELEMENTS (names); k++)
    rv_table_add_column (table, names[k], RV_COLUMN_INT, 0);
  const uint32_t share = rv_table_add_column (table, "changed share", RV_COLUMN_REAL, 5),
                 l2 = rv_table_add_column (table, "l2", RV_COLUMN_REAL, 4),
                 linf = rv_table_add_column (table, "linf", RV_COLUMN_REAL, 4),
                 result = rv_table_add_column (table, "result", RV_COLUMN_TEXT, 0);
  for (uint32_t k = 0; k < run->copies->n; k++)
    {
      const Attempt *attempt = &run->copies->attempts[k];
      const AttackDistance d = attack_distance (run->copies, k);
      const uint32_t row = rv_table_add_row (table);
      rv_table_set_int (table, row, 0, attempt->id);
      rv_table_set_int (table, row, 1, attempt->label);
      set_class (table, row, 2, attempt->target);
      set_class (table, row, 3, attempt->before);
      set_class (table, row, 4, attempt->now);
      rv_table_set_int (table, row, 5, (int64_t)attempt->changes);
      rv_table_set_int (table, row, 6, (int64_t)d.changed);
      rv_table_set_real (table, row, share, d.share);
      rv_table_set_real (table, row, l2, d.l2);
      rv_table_set_real (table, row, linf, d.linf);
      rv_table_set_text (table, row, result, results[attempt->result]);
    }
  rv_table_add_note (table, "a class that is not there: no score was the one largest");
  return table;
}
