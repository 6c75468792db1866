/** @file
 * Kind `decoder`: from what the last layer did over time to scores per class. */
#ifndef RANVIER_DECODER_H
#define RANVIER_DECODER_H

#include <ranvier/plugin.h>

G_BEGIN_DECLS

/** What of a layer is read. */
typedef enum
{
  RV_READ_SPIKES,  /**< 0 or 1 per step; a neuron that never fires is read by its membrane all the same */
  RV_READ_MEMBRANE /**< the membrane after integrating and before reset */
} RvRead;

/** The functions of a decoder. */
typedef struct
{
  /** What the decoder reads of the last layer. Main thread. */
  RvRead (*reads) (const void *self);

  /** How many decisions it takes from T steps; 0 with an error if it can not. Each decision is scored by the
   * loss on its own; the loss of a sample is the sum, its accuracy the share of right decisions. Main
   * thread. Any worker too,
   * with `error` NULL, for a sample that is shorter than the others. */
  uint32_t (*decisions) (const void *self, uint32_t steps, GError **error);

  /** out [steps][classes], rows `stride` floats apart -> scores [decisions][classes]. Any worker. */
  void (*decode) (const void *self, uint32_t steps, uint32_t classes, size_t stride, const float *out,
                  float *scores);

  /** dL/dscores -> dL/dout, which is overwritten; rows as for decode. Any worker. */
  void (*adjoint) (const void *self, uint32_t steps, uint32_t classes, size_t stride, const float *out,
                   const float *scores_gradient, float *out_gradient);
} RvDecoderClass;

G_END_DECLS

#endif
