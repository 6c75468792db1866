/* Tensors: a reference count, a shape and aligned floats. */
#include <ranvier/tensor.h>
#include <stdlib.h>
#include <string.h>

struct RvTensor
{
  gatomicrefcount references;
  uint32_t rank, shape[RV_MAX_RANK];
  size_t count;
  float *data;
};

void *
rv_aligned_alloc (size_t bytes)
{
  void *memory = NULL;
  const size_t size = (MAX (bytes, 1) + RV_ALIGN - 1) / RV_ALIGN * RV_ALIGN;
  if (posix_memalign (&memory, RV_ALIGN, size))
    g_error ("out of memory: %zu bytes", size); /* as g_malloc does */
  return memset (memory, 0, size);
}

void
rv_aligned_free (void *memory)
{
  free (memory);
}

RvTensor *
rv_tensor_new (uint32_t rank, const uint32_t *shape)
{
  g_return_val_if_fail (rank <= RV_MAX_RANK, NULL);
  RvTensor *tensor = g_new0 (RvTensor, 1);
  g_atomic_ref_count_init (&tensor->references);
  tensor->rank = rank;
  tensor->count = 1;
  for (uint32_t k = 0; k < RV_MAX_RANK; k++)
    {
      tensor->shape[k] = k < rank ? shape[k] : 1;
      tensor->count *= tensor->shape[k];
    }
  tensor->data = rv_aligned_alloc (tensor->count * sizeof (float));
  return tensor;
}

RvTensor *
rv_tensor_ref (RvTensor *tensor)
{
  g_atomic_ref_count_inc (&tensor->references);
  return tensor;
}

void
rv_tensor_unref (RvTensor *tensor)
{
  if (!tensor || !g_atomic_ref_count_dec (&tensor->references))
    return;
  rv_aligned_free (tensor->data);
  g_free (tensor);
}

float *
rv_tensor_data (const RvTensor *tensor)
{
  return tensor->data;
}

uint32_t
rv_tensor_rank (const RvTensor *tensor)
{
  return tensor->rank;
}

const uint32_t *
rv_tensor_shape (const RvTensor *tensor)
{
  return tensor->shape;
}

size_t
rv_tensor_count (const RvTensor *tensor)
{
  return tensor->count;
}
