/* trainer/bptt: backpropagation through time with surrogate gradients, over shuffled mini-batches.
 * The order of an epoch, the first weights and every draw follow from `seed` alone. */
#include <ranvier/ranvier.h>

typedef struct
{
  RvPort data, validation;
  RvInstances network;
  RvInstance *decoder, *loss, *optimizer, *schedule;
  int64_t seed, epochs, batch;
  double clip;
  gboolean checkpoint;
} Bptt;

typedef struct
{
  const Bptt *options;
  RvNode *node;
  RvModel *model, *best;
  RvUpdater *updater;
  RvDataset *data, *validation;
  RvTable *history;
  float *gradient;
  uint32_t *order;
  uint64_t epoch, done;   /* the epoch at hand, from 1, and how many of its samples were trained on */
  RvScore sum;            /* of these, as seen before each update */
  double norm;            /* the largest */
  double last[2], top[2]; /* training, validation accuracy in per cent: of the last and of the best epoch */
  double speed;           /* samples a second, in this epoch */
} Fit;

static gboolean
check (void *self, RvNode *node, GError **error)
{
  Bptt *bptt = self;
  const RvDatasetSpec *data = rv_port_spec (&bptt->data);
  g_autoptr (RvModel) model
      = rv_model_new (&bptt->network, bptt->decoder, bptt->loss, data, (uint64_t)bptt->seed, error);
  if (!model)
    return FALSE;
  if (rv_port_is_wired (&bptt->validation))
    {
      const RvDatasetSpec *other = rv_port_spec (&bptt->validation);
      if (other->units != data->units || other->steps != data->steps || other->classes != data->classes)
        {
          g_set_error (error, RV_ERROR, RV_ERROR_SHAPE,
                       "data '%s' has %u units, %u steps and %u classes, but validation "
                       "'%s' has %u, %u and %u",
                       rv_port_name (&bptt->data), data->units, data->steps, data->classes,
                       rv_port_name (&bptt->validation), other->units, other->steps, other->classes);
          return FALSE;
        }
      rv_node_set_spec (node, "best", data);
    }
  rv_node_set_spec (node, "last", data);
  rv_model_set_checkpoint (model, bptt->checkpoint);
  rv_node_set_memory (node, rv_model_memory (model, bptt->optimizer, (uint32_t)MIN (bptt->batch, data->samples)));
  return TRUE;
}

static RvTable *
new_history (void)
{
  RvTable *table = rv_table_new ("Training history");
  rv_table_add_column (table, "epoch", RV_COLUMN_INT, 0);
  rv_table_add_column (table, "loss", RV_COLUMN_REAL, 4);
  rv_table_add_column (table, "accuracy", RV_COLUMN_REAL, 2);
  rv_table_add_column (table, "gradient norm", RV_COLUMN_REAL, 4);
  rv_table_add_column (table, "validation loss", RV_COLUMN_REAL, 4);
  rv_table_add_column (table, "validation accuracy", RV_COLUMN_REAL, 2);
  return table;
}

static uint32_t
batch_size (const Fit *fit)
{
  return (uint32_t)MIN (fit->options->batch, rv_dataset_spec (fit->data)->samples);
}

static gboolean
diverged (const Fit *fit, const RvBatch *batch, GError **error)
{
  g_autofree char *why = rv_model_diagnose (fit->model, batch);
  g_set_error (error, RV_ERROR, RV_ERROR_DIVERGED,
               "training diverged in epoch %" G_GUINT64_FORMAT ", batch %" G_GUINT64_FORMAT ": %s",
               fit->epoch, fit->done / batch_size (fit) + 1, why);
  return FALSE;
}

/* All that a training needs to go on. */
static void
remember (void *self, RvCheckpoint *checkpoint)
{
  Fit *fit = self;
  uint64_t has_best = fit->best != NULL;
  uint64_t *const counts[]
      = { &fit->epoch, &fit->done, &fit->sum.samples, &fit->sum.decisions, &fit->sum.correct };
  static const char *const names[] = { "epoch", "samples done", "samples", "decisions", "correct" };
  const size_t n = rv_model_parameter_count (fit->model);
  for (uint32_t k = 0; k < G_N_ELEMENTS (counts); k++)
    rv_checkpoint_integers (checkpoint, names[k], counts[k], 1);
  rv_checkpoint_reals (checkpoint, "loss", &fit->sum.loss, 1);
  rv_checkpoint_reals (checkpoint, "gradient norm", &fit->norm, 1);
  rv_checkpoint_reals (checkpoint, "accuracy last", fit->last, 2);
  rv_checkpoint_reals (checkpoint, "accuracy best", fit->top, 2);
  rv_checkpoint_table (checkpoint, "history", &fit->history);
  rv_checkpoint_floats (checkpoint, "parameters", rv_model_parameters (fit->model), n);
  rv_checkpoint_updater (checkpoint, "optimizer", fit->updater);
  rv_checkpoint_integers (checkpoint, "has best", &has_best, 1);
  if (has_best && !fit->best)
    fit->best = rv_model_copy (fit->model);
  if (has_best)
    rv_checkpoint_floats (checkpoint, "parameters best", rv_model_parameters (fit->best), n);
  if (fit->epoch > (uint64_t)fit->options->epochs || fit->done >= rv_dataset_spec (fit->data)->samples)
    rv_checkpoint_position (checkpoint, "the end of epoch %" G_GUINT64_FORMAT,
                            MIN (fit->epoch, (uint64_t)fit->options->epochs));
  else
    rv_checkpoint_position (checkpoint, "epoch %" G_GUINT64_FORMAT ", batch %" G_GUINT64_FORMAT, fit->epoch,
                            fit->done / batch_size (fit) + 1);
}

static double
per_cent (const RvScore *score)
{
  return score->decisions ? 100.0 * (double)score->correct / (double)score->decisions : NAN;
}

static double
mean_loss (const RvScore *sum)
{
  return sum->loss / (double)MAX (sum->samples, 1);
}

/* "epoch 3/10  loss 0.4312  accuracy 81.20 %  12000 samples/s  validation 80.10 %"; caller owns. */
static char *
describe (const Fit *fit, double validation)
{
  g_autoptr (GString) text = g_string_new (NULL);
  g_string_append_printf (text,
                          "epoch %" G_GUINT64_FORMAT "/%" G_GINT64_FORMAT "  loss %.4f  accuracy %.2f %%",
                          fit->epoch, fit->options->epochs, mean_loss (&fit->sum), per_cent (&fit->sum));
  if (fit->speed > 0.0)
    g_string_append_printf (text, "  %.0f samples/s", fit->speed);
  if (!isnan (validation))
    g_string_append_printf (text, "  validation %.2f %%", validation);
  return g_strdup (text->str);
}

/* One update. */
static gboolean
train_batch (Fit *fit, double factor, GError **error)
{
  const uint32_t left = (uint32_t)(rv_dataset_spec (fit->data)->samples - fit->done);
  const RvBatch batch = { fit->data, fit->epoch, fit->order + fit->done, MIN (batch_size (fit), left) };
  RvScore score;
  rv_model_set_training (fit->model, TRUE);
  const gboolean ok = rv_model_gradient (fit->model, NULL, &batch, fit->gradient, &score, error);
  rv_model_set_training (fit->model, FALSE);
  if (!ok)
    return FALSE;
  const double norm = rv_updater_clip (fit->updater, fit->gradient, fit->options->clip);
  if (!isfinite (score.loss) || !isfinite (norm))
    return diverged (fit, &batch, error);
  rv_updater_step (fit->updater, fit->model, fit->gradient, factor);
  fit->norm = MAX (fit->norm, norm);
  fit->sum.loss += score.loss * (double)score.samples;
  fit->sum.samples += score.samples;
  fit->sum.decisions += score.decisions;
  fit->sum.correct += score.correct;
  fit->done += batch.n;
  return TRUE;
}

/* The rest of the epoch at hand. */
static gboolean
train_epoch (Fit *fit, GError **error)
{
  const Bptt *bptt = fit->options;
  const RvScheduleClass *schedule = bptt->schedule->plugin->functions;
  const double factor = schedule->factor (bptt->schedule->self, fit->epoch - 1);
  const uint32_t samples = rv_dataset_spec (fit->data)->samples;
  const RvStream stream = rv_stream_new ((uint64_t)bptt->seed, "", "order", NULL);
  rv_stream_permutation (rv_stream_fork (stream, fit->epoch), samples, fit->order);
  const gint64 began = g_get_monotonic_time ();
  const uint64_t from = fit->done;
  while (fit->done < samples)
    {
      if (!train_batch (fit, factor, error) || !rv_node_checkpoint (fit->node, FALSE, remember, fit, error))
        return FALSE;
      fit->speed = (double)(fit->done - from) / MAX ((double)(g_get_monotonic_time () - began) * 1e-6, 1e-9);
      g_autofree char *text = describe (fit, fit->last[1]);
      rv_node_progress (fit->node, (fit->epoch - 1) * samples + fit->done, (uint64_t)bptt->epochs * samples,
                        text);
    }
  return TRUE;
}

/* Writes the epoch's row, its line in the log, and keeps the best model by validation accuracy. */
static gboolean
finish_epoch (Fit *fit, GError **error)
{
  RvScore other = { 0 };
  g_autofree char *text = NULL;
  if (fit->validation)
    {
      RvBatch all = { fit->validation, 0, NULL, rv_dataset_spec (fit->validation)->samples };
      if (!rv_model_evaluate (fit->model, NULL, &all, NULL, &other, error))
        return FALSE;
    }
  const double accuracy = per_cent (&fit->sum), checked = per_cent (&other);
  const double loss = mean_loss (&fit->sum), other_loss = fit->validation ? other.loss : NAN;
  const double row[] = { loss, accuracy, fit->norm, other_loss, checked };
  const uint32_t r = rv_table_add_row (fit->history);
  rv_table_set_int (fit->history, r, 0, (int64_t)fit->epoch);
  for (uint32_t k = 0; k < G_N_ELEMENTS (row); k++)
    rv_table_set_real (fit->history, r, k + 1, row[k]);
  if (fit->validation && (!fit->best || checked > fit->top[1]))
    {
      g_clear_pointer (&fit->best, rv_model_unref);
      fit->best = rv_model_copy (fit->model);
    }
  const double now[2] = { accuracy, checked };
  for (int k = 0; k < 2; k++)
    {
      fit->last[k] = now[k];
      fit->top[k] = isnan (fit->top[k]) || now[k] > fit->top[k] ? now[k] : fit->top[k];
    }
  text = describe (fit, checked);
  rv_node_report (fit->node, text, "epoch", (double)fit->epoch, "loss", loss, "accuracy", accuracy,
                  "gradient_norm", fit->norm, "validation_loss", other_loss, "validation_accuracy", checked,
                  NULL);
  fit->epoch++;
  fit->done = 0;
  fit->sum = (RvScore){ 0 };
  fit->norm = 0.0;
  return rv_node_checkpoint (fit->node, TRUE, remember, fit, error);
}

static RvTable *
new_summary (const Fit *fit)
{
  static const char *const names[]
      = { "training last", "training best", "validation last", "validation best" };
  const double values[] = { fit->last[0], fit->top[0], fit->last[1], fit->top[1] };
  RvTable *table = rv_table_new ("Training summary (accuracy in per cent)");
  const uint32_t row = rv_table_add_row (table);
  for (uint32_t k = 0; k < G_N_ELEMENTS (names); k++)
    {
      const uint32_t column = rv_table_add_column (table, names[k], RV_COLUMN_REAL, 2);
      rv_table_set_real (table, row, column, values[k]);
    }
  rv_table_set_int (table, row, rv_table_add_column (table, "epochs", RV_COLUMN_INT, 0),
                    fit->options->epochs);
  if (fit->validation && g_strcmp0 (rv_dataset_spec (fit->validation)->split, "test") == 0)
    rv_table_add_note (table, "selected on test: `validation best` is the best epoch on the test split");
  return table;
}

static gboolean
train (Fit *fit, GError **error)
{
  if (!rv_node_resume (fit->node, remember, fit, error))
    return FALSE;
  while (fit->epoch <= (uint64_t)fit->options->epochs)
    if (!train_epoch (fit, error) || !finish_epoch (fit, error))
      return FALSE;
  return TRUE;
}

static gboolean
run (void *self, RvNode *node, GError **error)
{
  Bptt *bptt = self;
  Fit fit = { .options = bptt,
              .node = node,
              .data = rv_port_dataset (&bptt->data),
              .validation = rv_port_is_wired (&bptt->validation) ? rv_port_dataset (&bptt->validation) : NULL,
              .epoch = 1,
              .last = { NAN, NAN },
              .top = { NAN, NAN } };
  fit.model = rv_model_new (&bptt->network, bptt->decoder, bptt->loss, rv_dataset_spec (fit.data),
                            (uint64_t)bptt->seed, error);
  if (!fit.model)
    return FALSE;
  rv_model_set_checkpoint (fit.model, bptt->checkpoint);
  rv_node_profile (node, fit.model);
  fit.updater = rv_updater_new (fit.model, bptt->optimizer);
  fit.history = new_history ();
  fit.gradient = rv_aligned_alloc (rv_model_parameter_count (fit.model) * sizeof (float));
  fit.order = g_new (uint32_t, rv_dataset_spec (fit.data)->samples + 1);
  const gboolean ok = train (&fit, error);
  if (ok)
    {
      rv_node_set_output (node, "summary", new_summary (&fit));
      rv_node_set_output (node, "history", rv_table_ref (fit.history));
      rv_node_set_output (node, "last", rv_model_ref (fit.model));
      if (fit.validation)
        rv_node_set_output (node, "best", fit.best ? rv_model_ref (fit.best) : rv_model_copy (fit.model));
    }
  g_clear_pointer (&fit.best, rv_model_unref);
  rv_table_unref (fit.history);
  rv_updater_free (fit.updater);
  rv_model_unref (fit.model);
  rv_aligned_free (fit.gradient);
  g_free (fit.order);
  return ok;
}

static const RvParam params[] = {
  RV_PORT (Bptt, data, RV_ARTEFACT_DATASET, RV_PARAM_REQUIRED, "What to train on"),
  RV_PORT (Bptt, validation, RV_ARTEFACT_DATASET, 0, "Evaluated after every epoch; decides which model is `best`"),
  RV_SLOTS (Bptt, network, "layer", "The layers, from the input to the classes"),
  RV_SLOT (Bptt, decoder, "decoder", "rate", "From the last layer's output over time to scores"),
  RV_SLOT (Bptt, loss, "loss", "cross-entropy", "The price of a decision"),
  RV_SLOT (Bptt, optimizer, "optimizer", "adam", "How weights follow gradients"),
  RV_SLOT (Bptt, schedule, "schedule", "constant", "How the learning rate changes over epochs"),
  RV_INT (Bptt, seed, "1", 0, 9e15, "", "Key of the first weights, the order of samples and all other draws"),
  RV_INT (Bptt, epochs, "10", 0, 1e6, "", "Passes over the data; 0: the model as it was initialised"),
  RV_INT (Bptt, batch, "128", 1, 1e7, "", "Samples per update"),
  RV_REAL (Bptt, clip, "0", 0, 1e30, "", "Largest norm of the gradient; 0: no clipping"),
  RV_BOOL (Bptt, checkpoint, "no",
           "Keep only some states and compute the others again: memory grows with the square root of the steps, a "
           "training step takes about a third longer"),
  RV_PARAM_END
};

static const char *const history_columns[]
    = { "epoch", "loss", "accuracy", "gradient norm", "validation loss", "validation accuracy", NULL };
static const char *const summary_columns[]
    = { "training last", "training best", "validation last", "validation best", "epochs", NULL };

static const RvOutput outputs[] = {
  { "last", RV_ARTEFACT_MODEL, "The model after the last epoch" },
  { "best", RV_ARTEFACT_MODEL, "The model of the best epoch on `validation`" },
  { "history", RV_ARTEFACT_TABLE, "A row per epoch", history_columns },
  { "summary", RV_ARTEFACT_TABLE, "One row: accuracy of the last and of the best epoch", summary_columns },
  { NULL, RV_ARTEFACT_NONE, NULL }
};

static const RvNodeClass class = { outputs, check, run, NULL };

RV_PLUGIN ("trainer", "bptt")
  .version = "1.0",
  .licence = "LGPL-2.1-or-later",
  .doc = "Backpropagation through time with surrogate gradients",
  .citation = "Wu et al. 2018, Spatio-temporal backpropagation for training high-performance spiking neural networks",
  .params = params,
  .params_size = sizeof (Bptt),
  RV_FUNCTIONS (class),
};
