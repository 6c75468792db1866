/* Checkpoints as files: the arrays that a node named, as .npz, with a checksum of all of them at the end. */
#ifndef RV_CHECKPOINT_H
#define RV_CHECKPOINT_H

#include <ranvier/checkpoint.h>

/* An empty one, to be filled and written. Caller owns. Main thread, as all here. */
RvCheckpoint *rv_checkpoint_new (void);
/* The whole file; NULL with an error that names it if it can not be read or is damaged. Caller owns. */
RvCheckpoint *rv_checkpoint_read (const char *path, GError **error);
void rv_checkpoint_free (RvCheckpoint *checkpoint);

/* A variant of `type`; consumed when writing. When reading, *variant is set, to NULL where it is not
 * there, and the caller owns it. */
void rv_checkpoint_variant (RvCheckpoint *checkpoint, const char *name, const char *type, GVariant **variant);
/* What rv_checkpoint_position said; borrowed. */
const char *rv_checkpoint_where (const RvCheckpoint *checkpoint);
/* After reading: whether what was asked for is what was there. */
gboolean rv_checkpoint_matches (const RvCheckpoint *checkpoint, GError **error);
/* Adds the checksum and writes, as rv_npz_write_arrays does. */
gboolean rv_checkpoint_write (RvCheckpoint *checkpoint, const char *path, const char *before, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (RvCheckpoint, rv_checkpoint_free)

#endif
