/* Datasets that were expensive to make, as one file that is mapped into memory: made once, read at once. */
#ifndef RV_PREPARED_H
#define RV_PREPARED_H

#include <ranvier/dataset.h>

/* Reads every recording of epoch 0 of `data` (no events, and none that vary), in parallel, and writes
 * them to `path`, which is there whole or not at all. `stopped` is asked now and then, `progress` told how
 * many are done; both may be NULL. Main thread, as the other. */
gboolean rv_prepared_write (const RvDataset *data, const char *path, gboolean (*stopped) (void *user),
                            void (*progress) (void *user, uint32_t done, uint32_t total), void *user,
                            GError **error);

/* The dataset in `path`; every recording is checked against its digest. Texts of the spec are borrowed from
 * `spec`, whose form and units must be those of the file. The caller owns the dataset; NULL with an error
 * if it is damaged or of another make. */
RvDataset *rv_prepared_open (const char *path, const RvDatasetSpec *spec, GError **error);

#endif
