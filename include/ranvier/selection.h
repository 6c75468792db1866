/** @file
 * Which recordings of a set a dataset plugin hands on: so many, these classes, a held-out share. A plugin puts
 * a RvSelection into its struct and RV_SELECTION_TABLE into its parameter table, and all sets are chosen from
 * alike. */
#ifndef RANVIER_SELECTION_H
#define RANVIER_SELECTION_H

#include <ranvier/dataset.h>
#include <ranvier/param.h>

G_BEGIN_DECLS

/** What the entries of RV_SELECTION_TABLE fill. */
typedef struct
{
  int64_t samples;       /**< at most so many; 0: all */
  gboolean balanced;     /**< as many of each class */
  char **classes;        /**< only these, by name, numbered anew in this order; empty: all */
  double validation;     /**< share of the training set that is held out, of each class alike */
  int64_t selection_seed; /**< decides which recordings are held out */
  RV_RESERVED (4);
} RvSelection;

/** Which part of a set that was published without a validation split. */
typedef enum
{
  RV_PART_ALL,       /**< everything: a test split, or one that the makers define */
  RV_PART_REST,      /**< the training set less what is held out */
  RV_PART_VALIDATION /**< what is held out of the training set */
} RvPart;

/** Entries of a parameter table for the RvSelection `f` of the struct `S`. */
#define RV_SELECTION_TABLE(S, f) \
  { "samples", RV_PARAM_INT, offsetof (S, f.samples), "0", 0, 4e9, "", "Take the first so many; 0: all", \
    NULL, NULL, RV_ARTEFACT_NONE, 0 }, \
  { "balanced", RV_PARAM_BOOL, offsetof (S, f.balanced), "no", 0, 0, "", \
    "With `samples`: as many of each class", NULL, NULL, RV_ARTEFACT_NONE, 0 }, \
  { "classes", RV_PARAM_TEXTS, offsetof (S, f.classes), "[]", 0, 0, "", \
    "Only these classes, by name, numbered anew in this order; empty: all", NULL, NULL, RV_ARTEFACT_NONE, \
    0 }, \
  { "validation", RV_PARAM_REAL, offsetof (S, f.validation), "0", 0, 0.9, "", \
    "Share of the training set held out for `split: validation`, of each class alike", NULL, NULL, \
    RV_ARTEFACT_NONE, 0 }, \
  { "selection_seed", RV_PARAM_INT, offsetof (S, f.selection_seed), "1", 0, 9e15, "", \
    "Decides which recordings are held out", NULL, NULL, RV_ARTEFACT_NONE, 0 }

/** In check: turns the spec of the whole set into that of the selection; `samples` becomes an upper bound.
 * Refuses classes that the set does not have. `spec->classes_names` is set to texts that `selection` owns
 * where classes are chosen. Main thread. */
RV_API gboolean rv_selection_apply (const RvSelection *selection, RvPart part, RvDatasetSpec *spec,
                                    GError **error);

/** In run: a dataset over the chosen recordings of `all` (consumed), whose labels [samples] are borrowed during
 * the call. The caller owns the result; NULL with an error where nothing is left. Main thread. */
RV_API RvDataset *rv_dataset_select (RvDataset *all, const RvSelection *selection, RvPart part,
                                     const uint32_t *labels, GError **error);

G_END_DECLS

#endif
