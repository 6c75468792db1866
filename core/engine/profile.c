/* The table of a profile, and the limits of this machine that its figures are held against. */
#include "base/threads.h"
#include "engine/job.h"
#include <string.h>

static const char *const phases[RV_PHASES]
    = { "projection",      "recurrence",     "neurons",          "handing down",   "neurons' adjoint",
        "weight gradient", "reading, tiles", "decoder and loss", "sums, optimizer" };

void
rv_model_set_profiled (RvModel *model, gboolean profiled)
{
  g_clear_pointer (&model->spent, g_free);
  for (uint32_t k = 0; k < model->n_work; k++) /* so that each gets its own sums, or none */
    rv_work_free (model, model->work[k]);
  model->n_work = 0;
  rv_grid_net_drop (model);
  if (profiled)
    model->spent = g_new0 (RvSpent, RV_PHASES);
}

/* Bytes a second that one worker reads from its second cache, and operations a second that it does on what
 * it has in registers; the best of a few short rounds. */
typedef struct
{
  double bytes, operations;
} Limits;

static Limits
measure_limits (void)
{
  enum
  {
    ROWS = 4096, /* of a panel: a mebibyte */
    TIMES = 1 << 16
  };
  const RvKernels *kernels = rv_kernels ();
  float *rows = rv_aligned_alloc ((size_t)ROWS * RV_PANEL * sizeof (float));
  float sum[RV_PANEL] = { 0.0f };
  const uint32_t offsets[2] = { 0, ROWS };
  g_autofree uint32_t *ids = g_new (uint32_t, ROWS);
  for (uint32_t k = 0; k < ROWS; k++)
    ids[k] = k;
  Limits best = { 0.0, 0.0 };
  for (int round = 0; round < 20; round++)
    {
      RvSpent spent[RV_PHASES] = { { 0 } };
      double began = rv_spent_begin (spent);
      kernels->gather (rows, RV_PANEL, offsets, ids, NULL, 1, NULL, sum, RV_PANEL);
      rv_spent_end (spent, 0, began, (double)ROWS * RV_PANEL * sizeof (float), 0.0);
      began = rv_spent_begin (spent);
      const double operations = kernels->spin (TIMES, sum);
      rv_spent_end (spent, 1, began, 0.0, operations);
      best.bytes = MAX (best.bytes, spent[0].bytes / MAX (spent[0].seconds, 1e-9));
      best.operations = MAX (best.operations, spent[1].operations / MAX (spent[1].seconds, 1e-9));
    }
  rv_aligned_free (rows);
  return best;
}

static void
add_row (GString *text, const char *place, const char *phase, const RvSpent *spent, double all,
         const Limits *limits)
{
  if (spent->seconds <= 0.0)
    return;
  const double bytes = spent->bytes / spent->seconds, operations = spent->operations / spent->seconds;
  g_string_append_printf (text, "  %-8s %-17s %9.3f s %5.1f %%", place, phase, spent->seconds,
                          100.0 * spent->seconds / all);
  if (operations > 0.0)
    g_string_append_printf (text, "  %6.1f GFLOP/s, %3.0f %% of the peak", operations * 1e-9,
                            100.0 * operations / limits->operations);
  else if (bytes > 0.0)
    g_string_append_printf (text, "  %6.1f GB/s, %3.0f %% of the second cache", bytes * 1e-9,
                            100.0 * bytes / limits->bytes);
  g_string_append_c (text, '\n');
}

char *
rv_model_profile (const RvModel *model, double *share)
{
  const uint32_t rows = model->n_layers + 1; /* the last: the network */
  g_autofree RvSpent *sum = g_new0 (RvSpent, (size_t)rows * RV_PHASES);
  double all = 0.0, least = 0.0;
  for (uint32_t w = 0; model->spent && w <= model->n_work; w++)
    for (uint32_t k = 0; k < rows; k++)
      {
        const RvWork *work = w < model->n_work ? model->work[w] : NULL;
        const RvSpent *from = w == model->n_work    ? (k == model->n_layers ? model->spent : NULL)
                              : !work               ? NULL
                              : k < model->head     ? NULL
                              : k < model->n_layers ? work->passes[k].spent
                                                    : work->spent;
        for (uint32_t p = 0; from && p < RV_PHASES; p++)
          {
            RvSpent *to = &sum[k * RV_PHASES + p];
            to->seconds += from[p].seconds;
            to->bytes += from[p].bytes;
            to->operations += from[p].operations;
            all += from[p].seconds;
          }
      }
  rv_grid_profile (model, sum, &all);
  const Limits limits = measure_limits ();
  GString *text = g_string_new (NULL);
  g_string_append_printf (
      text,
      "%.3f s of %u worker%s; one worker here reads %.0f GB/s from the second cache and does "
      "%.0f GFLOP/s\n",
      all, rv_threads_get (), rv_threads_get () == 1 ? "" : "s", limits.bytes * 1e-9,
      limits.operations * 1e-9);
  for (uint32_t k = 0; k < rows * RV_PHASES; k++)
    least += sum[k].bytes / limits.bytes + sum[k].operations / limits.operations;
  *share = least / MAX (all, 1e-9);
  g_string_append_printf (
      text, "%.0f %% of the limit: at these speeds the bytes and operations counted below take %.3f s\n",
      100.0 * *share, least);
  for (uint32_t k = 0; k < rows; k++)
    {
      g_autofree char *layer = g_strdup_printf ("layer %u", k);
      for (uint32_t p = 0; p < RV_PHASES; p++)
        add_row (text, k < model->n_layers ? layer : "network", phases[p], &sum[k * RV_PHASES + p],
                 MAX (all, 1e-9), &limits);
    }
  return g_string_free (text, FALSE);
}
