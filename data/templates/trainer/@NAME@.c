/* trainer/@NAME@: the smallest training loop that is complete: shuffled mini-batches, one gradient and one
 * update each, and an end as soon as the loss of an epoch is below `enough`. The engine computes gradients;
 * the loop decides what to do with them. Interrupted at any batch, it goes on there. */
#include <ranvier/ranvier.h>

typedef struct
{
  RvPort data;
  RvInstances network;
  RvInstance *decoder, *loss, *optimizer;
  int64_t seed, epochs, batch;
  double enough;
} Self;

static const RvParam params[] = {
  RV_PORT (Self, data, RV_ARTEFACT_DATASET, RV_PARAM_REQUIRED, "What to train on"),
  RV_SLOTS (Self, network, "layer", "The layers, from the input to the classes"),
  RV_SLOT (Self, decoder, "decoder", "rate", "From the last layer's output over time to scores"),
  RV_SLOT (Self, loss, "loss", "cross-entropy", "The price of a decision"),
  RV_SLOT (Self, optimizer, "optimizer", "adam", "How weights follow gradients"),
  RV_INT (Self, seed, "1", 0, 9e15, "", "Key of the first weights and of the order of samples"),
  RV_INT (Self, epochs, "10", 0, 1e6, "", "Passes over the data, at most"),
  RV_INT (Self, batch, "128", 1, 1e7, "", "Samples per update"),
  RV_REAL (Self, enough, "0.05", 0, 1e6, "", "Training ends when the mean loss of an epoch is below this"),
  RV_PARAM_END
};

/* Builds the network once to find out whether it fits the data, before anything runs. */
static gboolean
check (void *data, RvNode *node, GError **error)
{
  Self *self = data;
  const RvDatasetSpec *spec = rv_port_spec (&self->data);
  g_autoptr (RvModel) model
      = rv_model_new (&self->network, self->decoder, self->loss, spec, (uint64_t) self->seed, error);
  if (!model)
    return FALSE;
  rv_node_set_spec (node, "last", spec);
  return TRUE;
}

/* What lives as long as the training; freed at one place. */
typedef struct
{
  const Self *options;
  RvNode *node;
  RvDataset *data;
  RvModel *model;
  RvUpdater *updater;
  RvTable *history;
  float *gradient;                   /* [rv_model_parameter_count] */
  uint32_t *order;                   /* [samples] */
  uint64_t epoch, done;              /* from 1, and the samples of it that were trained on */
  uint64_t decisions, correct, last; /* of this epoch so far; whether there is another epoch */
  double loss;
} Fit;

/* Names all that must be the same after an interruption; the core calls it to write it and to read it. What
 * follows from the seed need not be here: the order of an epoch, random numbers. */
static void
remember (void *data, RvCheckpoint *checkpoint)
{
  Fit *fit = data;
  rv_checkpoint_integers (checkpoint, "epoch", &fit->epoch, 1);
  rv_checkpoint_integers (checkpoint, "samples done", &fit->done, 1);
  rv_checkpoint_integers (checkpoint, "decisions", &fit->decisions, 1);
  rv_checkpoint_integers (checkpoint, "correct", &fit->correct, 1);
  rv_checkpoint_integers (checkpoint, "last", &fit->last, 1);
  rv_checkpoint_reals (checkpoint, "loss", &fit->loss, 1);
  rv_checkpoint_table (checkpoint, "history", &fit->history);
  rv_checkpoint_floats (checkpoint, "parameters", rv_model_parameters (fit->model),
                        rv_model_parameter_count (fit->model));
  rv_checkpoint_updater (checkpoint, "optimizer", fit->updater);
  rv_checkpoint_position (checkpoint, "epoch %" G_GUINT64_FORMAT ", sample %" G_GUINT64_FORMAT, fit->epoch,
                          fit->done + 1);
}

/* The rest of an epoch; sums the loss of the training stream, each batch seen before its update. */
static gboolean
train_epoch (Fit *fit, GError **error)
{
  const uint32_t samples = rv_dataset_spec (fit->data)->samples;
  const uint64_t size = (uint64_t) fit->options->batch;
  const RvStream stream = rv_stream_new ((uint64_t) fit->options->seed, "", "order", NULL);
  rv_stream_permutation (rv_stream_fork (stream, fit->epoch), samples, fit->order);
  while (fit->done < samples)
    {
      const RvBatch batch = { .data = fit->data,
                              .epoch = fit->epoch,
                              .ids = fit->order + fit->done,
                              .n = (uint32_t) MIN (size, samples - fit->done) };
      RvScore score;
      if (!rv_model_gradient (fit->model, NULL, &batch, fit->gradient, &score, error))
        return FALSE;
      if (!isfinite (score.loss) || !isfinite (rv_updater_clip (fit->updater, fit->gradient, 0.0)))
        {
          g_autofree char *why = rv_model_diagnose (fit->model, &batch);
          g_set_error (error, RV_ERROR, RV_ERROR_DIVERGED, "epoch %" G_GUINT64_FORMAT ": %s", fit->epoch,
                       why);
          return FALSE;
        }
      rv_updater_step (fit->updater, fit->model, fit->gradient, 1.0);
      fit->loss += score.loss * (double) score.samples / samples;
      fit->decisions += score.decisions;
      fit->correct += score.correct;
      fit->done += batch.n;
      /* writes if it is time; FALSE if the user wants to stop */
      if (!rv_node_checkpoint (fit->node, FALSE, remember, fit, error))
        return FALSE;
      rv_node_progress (fit->node, (fit->epoch - 1) * samples + fit->done,
                        (uint64_t) fit->options->epochs * samples, "training");
    }
  return TRUE;
}

/* Epochs count from 1: epoch 0 is what evaluations read. */
static gboolean
train (Fit *fit, GError **error)
{
  if (!rv_node_resume (fit->node, remember, fit, error))
    return FALSE;
  while (!fit->last && fit->epoch <= (uint64_t) fit->options->epochs)
    {
      if (!train_epoch (fit, error))
        return FALSE;
      const double accuracy = fit->decisions ? 100.0 * (double) fit->correct / (double) fit->decisions : NAN;
      const uint32_t row = rv_table_add_row (fit->history);
      rv_table_set_int (fit->history, row, 0, (int64_t) fit->epoch);
      rv_table_set_real (fit->history, row, 1, fit->loss);
      rv_table_set_real (fit->history, row, 2, accuracy);
      g_autofree char *text = g_strdup_printf ("epoch %" G_GUINT64_FORMAT "  loss %.4f  accuracy %.2f %%",
                                               fit->epoch, fit->loss, accuracy);
      rv_node_report (fit->node, text, "epoch", (double) fit->epoch, "loss", fit->loss, "accuracy", accuracy,
                      NULL);
      fit->last = fit->loss < fit->options->enough;
      fit->epoch++;
      fit->done = fit->decisions = fit->correct = 0;
      fit->loss = 0.0;
      if (!rv_node_checkpoint (fit->node, TRUE, remember, fit, error))
        return FALSE;
    }
  return TRUE;
}

static gboolean
run (void *data, RvNode *node, GError **error)
{
  Self *self = data;
  Fit fit = { .options = self, .node = node, .data = rv_port_dataset (&self->data), .epoch = 1 };
  const RvDatasetSpec *spec = rv_dataset_spec (fit.data);
  fit.model = rv_model_new (&self->network, self->decoder, self->loss, spec, (uint64_t) self->seed, error);
  if (!fit.model)
    return FALSE;
  fit.updater = rv_updater_new (fit.model, self->optimizer);
  fit.gradient = rv_aligned_alloc (rv_model_parameter_count (fit.model) * sizeof (float));
  fit.order = g_new (uint32_t, spec->samples);
  fit.history = rv_table_new ("Training history");
  rv_table_add_column (fit.history, "epoch", RV_COLUMN_INT, 0);
  rv_table_add_column (fit.history, "loss", RV_COLUMN_REAL, 4);
  rv_table_add_column (fit.history, "accuracy", RV_COLUMN_REAL, 2);
  const gboolean ok = train (&fit, error);
  if (ok)
    {
      rv_node_set_output (node, "last", rv_model_ref (fit.model));
      rv_node_set_output (node, "history", rv_table_ref (fit.history));
    }
  rv_table_unref (fit.history);
  rv_updater_free (fit.updater);
  rv_model_unref (fit.model);
  rv_aligned_free (fit.gradient);
  g_free (fit.order);
  return ok;
}

static const RvOutput outputs[] = { { "last", RV_ARTEFACT_MODEL, "The model after the last epoch" },
                                    { "history", RV_ARTEFACT_TABLE, "A row per epoch" },
                                    { NULL } };

static const RvNodeClass class = { .outputs = outputs, .check = check, .run = run };

RV_PLUGIN ("trainer", "@NAME@")
  .version = "0.1",
  .licence = "CC0-1.0",
  .doc = "Mini-batches until the loss is small enough",
  .citation = NULL,
  .params = params,
  .params_size = sizeof (Self),
  RV_FUNCTIONS (class),
};
