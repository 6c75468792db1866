/** @file
 * Dense arrays of float: row-major, 64-byte aligned, reference-counted. Network data is batch-major
 * [B][T][...]. */
#ifndef RANVIER_TENSOR_H
#define RANVIER_TENSOR_H

#include <ranvier/base.h>

/** Most dimensions. */
#define RV_MAX_RANK 5

G_BEGIN_DECLS

/** An array. Reference-counted. */
typedef struct RvTensor RvTensor;

/** A new tensor of zeros; `shape` has `rank` entries (rank 0 is a scalar). The caller owns it. Any thread. */
RV_API RvTensor *rv_tensor_new (uint32_t rank, const uint32_t *shape);

/** Adds a reference and returns `tensor`. Any thread. */
RV_API RvTensor *rv_tensor_ref (RvTensor *tensor);

/** Gives a reference back; frees with the last. NULL does nothing. Any thread. */
RV_API void rv_tensor_unref (RvTensor *tensor);

/** The elements, borrowed. Whoever shares a tensor must not write to it. Any worker. */
RV_API float *rv_tensor_data (const RvTensor *tensor);

/** How many dimensions. Any worker. */
RV_API uint32_t rv_tensor_rank (const RvTensor *tensor);

/** The sizes of the dimensions, [RV_MAX_RANK], 1 past the rank; borrowed. Any worker. */
RV_API const uint32_t *rv_tensor_shape (const RvTensor *tensor);

/** How many elements. Any worker. */
RV_API size_t rv_tensor_count (const RvTensor *tensor);

/** Memory for kernels: `bytes` zeroed bytes aligned to RV_ALIGN; freed by rv_aligned_free. Any thread. */
RV_API void *rv_aligned_alloc (size_t bytes);

/** Frees memory of rv_aligned_alloc; NULL does nothing. Any thread. */
RV_API void rv_aligned_free (void *memory);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (RvTensor, rv_tensor_unref)

G_END_DECLS

#endif
