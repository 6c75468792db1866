/* layer/pool: each channel's window becomes one number, its largest, its average or its sum. The largest
 * of spikes is a spike. */
#include "window.h"

typedef struct
{
  int type;
  RvInts kernel, stride, padding;
} Pool;

static const char *const types[] = { "max", "average", "sum", NULL };

static RvHandle
declare (void *self, RvLayerBuild *build, RvHandle in, GError **error)
{
  const Pool *pool = self;
  static const RvPool kinds[] = { RV_POOL_MAX, RV_POOL_AVERAGE, RV_POOL_SUM };
  RvWindow window = { .dilation = { 1, 1 } };
  if (!read_pair (&pool->kernel, "kernel", window.kernel, error)
      || !read_pair (&pool->stride, "stride", window.stride, error)
      || !read_pair (&pool->padding, "padding", window.padding, error))
    return RV_NO_HANDLE;
  for (int k = 0; k < 2; k++)
    {
      if (!window.stride[k]) /* side by side */
        window.stride[k] = window.kernel[k] ? window.kernel[k] : 1;
      if (2 * window.padding[k] > window.kernel[k])
        {
          g_set_error (error, RV_ERROR, RV_ERROR_SHAPE, "padding %u is more than half of kernel %u", window.padding[k],
                       window.kernel[k]);
          return RV_NO_HANDLE;
        }
    }
  return rv_grid_pool (build, in, kinds[pool->type], &window, error);
}

static const RvParam params[] = {
  RV_CHOICE (Pool, type, "max", types, "What a window becomes"),
  RV_INTS (Pool, kernel, "[2]", 0, 1e4, "", "Size of the window: one number, or [height, width]; 0: the whole grid"),
  RV_INTS (Pool, stride, "[0]", 0, 1e4, "", "From window to window; 0: as far as they are wide"),
  RV_INTS (Pool, padding, "[0]", 0, 1e4, "", "On both sides, at most half of the window: zeros, or nothing for max"),
  RV_PARAM_END
};

static const RvLayerClass class = { .declare = declare };

RV_PLUGIN ("layer", "pool")
  .version = "1.0",
  .licence = "LGPL-2.1-or-later",
  .doc = "Pooling: the largest, the average or the sum of each window",
  .params = params,
  .params_size = sizeof (Pool),
  RV_FUNCTIONS (class),
};
