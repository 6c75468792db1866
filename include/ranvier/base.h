/** @file
 * What every public header needs: visibility, the one error domain, and the marks for kernel code. */
#ifndef RANVIER_BASE_H
#define RANVIER_BASE_H

#include <glib.h>
#include <stdint.h>

/** Version of the contract: a plugin is accepted with an equal major. */
#define RV_ABI_MAJOR 1
/** Version of the contract: a plugin is accepted with a minor that is no newer. */
#define RV_ABI_MINOR 1

/** Room at the end of a public struct for what a later minor adds. Always zero: zero the whole struct, or
 * initialise it by name. See doc/plugin-abi.md. */
#define RV_RESERVED(n) void *reserved[n]

/** Visible outside of the library. */
#define RV_API    __attribute__ ((visibility ("default")))
/** Visible outside of a plugin. */
#define RV_EXPORT __attribute__ ((visibility ("default")))

/** Marks a small pure function that must be inlined into every clone of a kernel. */
#define RV_FN static inline __attribute__ ((always_inline, unused))

/** Vectors of tile data are padded to this many floats. */
#define RV_LANES 16
/** Vectors of tile data are aligned to this many bytes. */
#define RV_ALIGN 64

/** The error domain of the library; the codes say whose mistake it is. */
#define RV_ERROR (rv_error_quark ())

/** Codes of RV_ERROR. */
typedef enum
{
  RV_ERROR_USAGE,    /**< the command line */
  RV_ERROR_PIPELINE, /**< a mistake in a pipeline file: exit code 2 */
  RV_ERROR_PLUGIN,   /**< a plugin can not be used: exit code 3 */
  RV_ERROR_DATA,     /**< a dataset file is missing, cut off or not what it says */
  RV_ERROR_SHAPE,    /**< two things do not fit: the message names both */
  RV_ERROR_DIVERGED, /**< a number stopped being finite */
  RV_ERROR_IO,       /**< the system refused to read or write */
  RV_ERROR_STOPPED   /**< interrupted from outside */
} RvError;

G_BEGIN_DECLS

/** The quark behind RV_ERROR. Any thread. */
RV_API GQuark rv_error_quark (void);

/** The threads of the core, for a plugin's own work: calls `work` with `self` and each i < n, on as many
 * workers as the run may use (`--threads`), and returns when all are done. Pieces come in any order and
 * to any worker, so that each must depend on its i alone and write where no other does: sums are kept by
 * piece and added up afterwards, in the order of i; the number of pieces follows from the size of the
 * work, never from a number of threads. Then the bits are the same for any number of threads. `worker` <
 * n, no two pieces run at once on the same one: it may choose a buffer, and nothing else. In a worker,
 * numbers below the normal range of float count as zero. Main thread; `work` is called by any worker and
 * must not call this. */
RV_API void rv_parallel_for (uint32_t n, void (*work) (void *self, uint32_t i, uint32_t worker), void *self);

G_END_DECLS

#endif
