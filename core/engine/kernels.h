/* The inner loops of projections, compiled once for every instruction set from kernels.c. */
#ifndef RV_KERNELS_H
#define RV_KERNELS_H

#include <ranvier/base.h>

/* Weights lie in column panels of at most this many floats: panel p of a [inputs][stride] matrix starts at
 * RV_PANEL * p * inputs and holds rows of its own width, so that a panel fits L2 and rows are contiguous. */
#define RV_PANEL 64
/* Up to this wide and for as many inputs, spikes are taken as bits. */
#define RV_NARROW 4
#define RV_BITS 32
#define RV_LIST_SLACK 16

typedef struct
{
  /* out[r] (+)= sum over ids of row r: value * weight[id]; bias NULL: adds to out. `width` is the panel's. */
  void (*gather) (const float *weight, uint32_t width, const uint32_t *offsets, const uint32_t *ids,
                  const float *values, uint32_t rows, const float *bias, float *out, size_t stride);
  /* gradient[id] += value * g[r] for the ids of every row r; rows of g that are all zero are skipped. */
  void (*scatter) (float *gradient, uint32_t width, const uint32_t *offsets, const uint32_t *ids,
                   const float *values, uint32_t rows, const float *g, size_t stride);
  /* The same from spikes sorted by unit: gradient[id] += value * g[r] for the rows [starts[id]] ... of each
   * id below `inputs`; rows of g lie `width` apart. */
  void (*collect) (float *gradient, uint32_t width, uint32_t inputs, const uint32_t *starts,
                   const uint32_t *rows, const float *values, const float *g);
  /* gather and scatter between few units: bit j of bits[r] tells that unit j < inputs <= RV_BITS fired; `width` is
   * 1, 2 or 4, rows of out and g lie as far apart. */
  void (*gather_bits) (const float *weight, uint32_t width, uint32_t inputs, const uint64_t *bits,
                       uint32_t rows, const float *bias, float *out);
  void (*scatter_bits) (float *gradient, uint32_t width, uint32_t inputs, const uint64_t *bits, uint32_t rows,
                        const float *g);
  /* The ids of the units that fired in each row, from bits [panels][apart]: those of row r go to ids from
   * offsets[r] on, and offsets[r + 1] is written. Writes up to RV_LIST_SLACK ids further. */
  void (*list) (const uint64_t *bits, uint32_t panels, size_t apart, uint32_t units, uint32_t rows,
                uint32_t *ids, uint32_t *offsets);
  /* sum[j] += the column j of rows [n] that are `stride` apart, in their order */
  void (*add_rows) (float *sum, const float *rows, uint32_t n, size_t stride, uint32_t width);
  /* c [m][n] (+)= a [m][k] b [k][n] */
  void (*product) (uint32_t m, uint32_t k, uint32_t n, const float *a, size_t lda, const float *b, size_t ldb,
                   float *c, size_t ldc, gboolean add);
  /* c [k][n] += transpose of a [m][k], times g [m][n] */
  void (*product_adjoint) (uint32_t m, uint32_t k, uint32_t n, const float *a, size_t lda, const float *g,
                           size_t ldg, float *c, size_t ldc);
  /* Bit k of bits[r] is z[r][k] > 0 for k < units; rows of z lie `width` apart, at most RV_PANEL. */
  void (*fired) (const float *z, uint32_t width, uint32_t rows, uint32_t units, uint64_t *bits);
  /* out[r][k] = z[r][k] > 0 ? 1 : 0; rows of z lie `width` apart, those of out `stride`. */
  void (*mark) (const float *z, uint32_t width, uint32_t rows, float *out, size_t stride);
  /* Spikes of pieces: bits shift ... shift + k - 1 of words[r] are those of row r. As numbers; added up, out[r] += the
   * rows [width] of weight that fired; and, from words turned so that bit r % 64 of words[c * ceil (rows / 64) + r / 64]
   * is unit c in row r, gradient[c] += the rows of g in which it fired. */
  void (*expand) (const uint64_t *words, uint32_t shift, uint32_t k, uint32_t rows, float *out,
                  size_t stride);
  void (*gather_words) (const float *weight, uint32_t width, const uint64_t *words, uint32_t shift,
                        uint32_t k, uint32_t rows, float *out, size_t stride);
  void (*collect_words) (float *gradient, uint32_t width, const uint64_t *words, uint32_t k, uint32_t rows,
                         const float *g, size_t stride);
  /* to[j] += g[j] for the bits j < width of `where` */
  void (*add_where) (uint64_t where, const float *g, uint32_t width, float *to);
  /* Operations on registers; how many were done. The peak of one worker; out [RV_PANEL] keeps them alive. */
  double (*spin) (uint32_t times, float *out);
} RvKernels;

extern const RvKernels rv_kernels_baseline;
#ifdef __x86_64__
extern const RvKernels rv_kernels_v3, rv_kernels_v4;
#endif

/* The kernels of rv_isa (). Any worker. */
const RvKernels *rv_kernels (void);

#endif
