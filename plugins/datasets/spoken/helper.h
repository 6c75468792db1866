/* A file of HDF5, plain or packed, read through ranvier-hdf5-events, which stands beside the plugins. */
#ifndef SPOKEN_HELPER_H
#define SPOKEN_HELPER_H

#include "recordings.h"
#include <ranvier/ranvier.h>

/* Whether the file at `path` is gzip or zip, and has to be unpacked before its tables can be read. */
gboolean spoken_is_packed (const char *path);

/* The set in `path`. The caller frees it; NULL with an error that
 * names the file. Main thread. */
SpokenSet *spoken_read_file (RvNode *node, const char *path, uint32_t most_classes, gboolean strict,
                             gboolean head_only, GError **error);

#endif
