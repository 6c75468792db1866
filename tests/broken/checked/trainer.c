/* Trains a few batches, right, or wrong in one way when it is interrupted. */
#include <ranvier/ranvier.h>

typedef struct
{
  RvPort data;
  RvInstances network;
  RvInstance *decoder, *loss, *optimizer;
} Self;

typedef struct
{
  RvNode *node;
  RvModel *model;
  RvUpdater *updater;
  RvDataset *data;
  float *gradient;
  uint64_t done;
} Fit;

#define BATCHES 12

static gboolean
check (void *data, RvNode *node, GError **error)
{
  Self *self = data;
  const RvDatasetSpec *spec = rv_port_spec (&self->data);
  g_autoptr (RvModel) model = rv_model_new (&self->network, self->decoder, self->loss, spec, 1, error);
  if (!model)
    return FALSE;
  rv_node_set_spec (node, "", spec);
  return TRUE;
}

static void
remember (void *data, RvCheckpoint *checkpoint)
{
  Fit *fit = data;
#ifndef MISTAKE_endless
  rv_checkpoint_integers (checkpoint, "done", &fit->done, 1);
#endif
  rv_checkpoint_floats (checkpoint, "parameters", rv_model_parameters (fit->model),
                        rv_model_parameter_count (fit->model));
#ifndef MISTAKE_unmindful
  rv_checkpoint_updater (checkpoint, "optimizer", fit->updater);
#endif
}

static gboolean
train (Fit *fit, GError **error)
{
  if (!rv_node_resume (fit->node, remember, fit, error))
    return FALSE;
  while (fit->done < BATCHES)
    {
      const RvBatch batch
          = { .data = fit->data, .epoch = fit->done, .n = rv_dataset_spec (fit->data)->samples };
      if (!rv_model_gradient (fit->model, NULL, &batch, fit->gradient, NULL, error))
        return FALSE;
#ifdef MISTAKE_too_early /* the update is made, but not counted */
      rv_updater_step (fit->updater, fit->model, fit->gradient, 1.0);
      if (!rv_node_checkpoint (fit->node, FALSE, remember, fit, error))
        return FALSE;
      fit->done++;
#else
      rv_updater_step (fit->updater, fit->model, fit->gradient, 1.0);
      fit->done++;
#ifdef MISTAKE_goes_on
      rv_node_checkpoint (fit->node, FALSE, remember, fit, NULL);
#else
      if (!rv_node_checkpoint (fit->node, FALSE, remember, fit, error))
        return FALSE;
#endif
#endif
    }
  return TRUE;
}

static gboolean
run (void *data, RvNode *node, GError **error)
{
  Self *self = data;
  Fit fit = { .node = node, .data = rv_port_dataset (&self->data) };
  fit.model = rv_model_new (&self->network, self->decoder, self->loss, rv_dataset_spec (fit.data), 1, error);
  if (!fit.model)
    return FALSE;
  fit.updater = rv_updater_new (fit.model, self->optimizer);
  fit.gradient = rv_aligned_alloc (rv_model_parameter_count (fit.model) * sizeof (float));
  const gboolean good = train (&fit, error);
  if (good)
    rv_node_set_output (node, "", rv_model_ref (fit.model));
  rv_updater_free (fit.updater);
  rv_model_unref (fit.model);
  rv_aligned_free (fit.gradient);
  return good;
}

static const RvParam params[]
    = { RV_PORT (Self, data, RV_ARTEFACT_DATASET, RV_PARAM_REQUIRED, "What to train on"),
        RV_SLOTS (Self, network, "layer", "The layers"),
        RV_SLOT (Self, decoder, "decoder", "rate", "The decoder"),
        RV_SLOT (Self, loss, "loss", "cross-entropy", "The loss"),
        RV_SLOT (Self, optimizer, "optimizer", "adam", "The optimizer"),
        RV_PARAM_END };

static const RvOutput outputs[] = { { "", RV_ARTEFACT_MODEL, "The model" }, { NULL } };

static const RvNodeClass class = { .outputs = outputs, .check = check, .run = run };

RV_PLUGIN ("trainer", NAME).version = "1", .licence = "CC0-1.0", .doc = "Trains a few batches",
                      .params = params, .params_size = sizeof (Self), RV_FUNCTIONS (class),
}
;
