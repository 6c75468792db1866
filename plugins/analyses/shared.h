/* What analyses of a model on a dataset share: the check of their ports, running all samples piece by piece, and
 * the features of a layer. */
#ifndef ANALYSES_SHARED_H
#define ANALYSES_SHARED_H

#include <ranvier/ranvier.h>

/* Whether model and data fit: units, classes and, unless `any_steps`, steps. */
gboolean analysis_fits (const RvPort *model, const RvPort *data, gboolean any_steps, GError **error);

/* Every sample of epoch 0 forward, with progress; FALSE also once the user wants to stop. `score` may be NULL. */
gboolean analysis_evaluate (RvNode *node, const RvModel *model, RvDataset *data, const RvObserver *observer,
                            RvScore *score, GError **error);

/* As its makers call it, or its number; the caller owns it. */
char *analysis_class_name (const RvDatasetSpec *spec, uint32_t c);

/* ---- layers */

#define ANALYSIS_INPUT (-1) /* what the first layer is shown */

/* The layer that `text` means: `hidden` (the last but one; the only one), `output`, `input`, or a number from 0;
 * FALSE with an error that says which there are. */
gboolean analysis_layer (const RvModel *model, const char *text, int *layer, GError **error);
/* "layer 0", "input"; the caller owns it. */
char *analysis_layer_name (int layer);
uint32_t analysis_layer_units (const RvModel *model, const RvDataset *data, int layer);
static inline const RvSignal *
analysis_signal (const RvTileView *view, int layer)
{
  return layer == ANALYSIS_INPUT ? view->input : &view->layers[layer];
}

/* ---- features */

/* Fields and parameters of a plugin that looks at features. */
#define FEATURES_FIELDS                                                                                      \
  RvPort model, data;                                                                                        \
  char *layer;                                                                                               \
  int over_time;                                                                                             \
  int64_t from, to;

#define FEATURES_PARAMS(S)                                                                                   \
  RV_PORT (S, model, RV_ARTEFACT_MODEL, RV_PARAM_REQUIRED, "The model"),                                     \
      RV_PORT (S, data, RV_ARTEFACT_DATASET, RV_PARAM_REQUIRED, "What it is shown"),                         \
      RV_TEXT (S, layer, "hidden",                                                                           \
               "Whose activity: `hidden` (the last hidden layer), `output`, `input`, or a number from 0"),   \
      RV_CHOICE (S, over_time, "rate", features_over_time,                                                   \
                 "rate: a number for each neuron, spikes per step (of neurons that hand on a membrane its "  \
                 "mean); each-step: one for each neuron and step"),                                          \
      RV_INT (S, from, "0", 0, 1e6, "steps", "The first step that counts"),                                  \
      RV_INT (S, to, "0", 0, 1e6, "steps", "The first step that does not; 0: all count")

extern const char *const features_over_time[];

typedef struct
{
  uint32_t n, dims, classes;
  float *x;         /* [n][dims] */
  uint32_t *labels; /* [n] */
  char *source;     /* "layer 0 of fit.last" */
} Features;

typedef struct
{
  const RvPort *model, *data;
  const char *layer;
  int over_time;
  int64_t from, to;
} FeatureOptions;

#define FEATURE_OPTIONS(p)                                                                                   \
  ((FeatureOptions){ &(p)->model, &(p)->data, (p)->layer, (p)->over_time, (p)->from, (p)->to })

/* Of all samples; they are finite. */
gboolean features_collect (RvNode *node, const FeatureOptions *options, Features *features, GError **error);
void features_clear (Features *features);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Features, features_clear)

#endif
