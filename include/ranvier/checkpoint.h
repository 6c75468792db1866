/** @file
 * What a node must remember to go on after an interruption, as named arrays.
 *
 * One function of the node names them all, rv_node_checkpoint calls it to write them and rv_node_resume to
 * read them back: the same calls in the same order, so that the two can not differ. Random numbers need no
 * place in it, they are functions of seed, epoch and position. Main thread throughout.
 *
 *     static void
 *     remember (void *self, RvCheckpoint *checkpoint)
 *     {
 *       Fit *fit = self;
 *       rv_checkpoint_integers (checkpoint, "epoch", &fit->epoch, 1);
 *       rv_checkpoint_floats (checkpoint, "parameters", rv_model_parameters (fit->model),
 *                             rv_model_parameter_count (fit->model));
 *       rv_checkpoint_updater (checkpoint, "optimizer", fit->updater);
 *       rv_checkpoint_position (checkpoint, "epoch %d", (int) fit->epoch);
 *     }
 */
#ifndef RANVIER_CHECKPOINT_H
#define RANVIER_CHECKPOINT_H

#include <ranvier/table.h>

G_BEGIN_DECLS

/** The arrays, on their way into a file or out of it. */
typedef struct RvCheckpoint RvCheckpoint;

/** Passes everything that `self` must remember to the functions below. What is read decides what is read
 * next: how many numbers an array has, or whether there is a second model, may be an integer before it. */
typedef void (*RvRemember) (void *self, RvCheckpoint *checkpoint);

/** `n` whole numbers; when reading they are overwritten. */
RV_API void rv_checkpoint_integers (RvCheckpoint *checkpoint, const char *name, uint64_t *values, size_t n);
/** `n` numbers, with every bit. */
RV_API void rv_checkpoint_reals (RvCheckpoint *checkpoint, const char *name, double *values, size_t n);
/** `n` numbers, with every bit; not copied, so they must stay where they are until the file is written. */
RV_API void rv_checkpoint_floats (RvCheckpoint *checkpoint, const char *name, float *values, size_t n);
/** A table; when reading, *table is given back and replaced. */
RV_API void rv_checkpoint_table (RvCheckpoint *checkpoint, const char *name, RvTable **table);
/** Where the work goes on, for people: "epoch 7, batch 31". After the numbers that the text names. */
RV_API void rv_checkpoint_position (RvCheckpoint *checkpoint, const char *format, ...) G_GNUC_PRINTF (2, 3);

G_END_DECLS

#endif
