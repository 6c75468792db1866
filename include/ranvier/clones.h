/** @file
 * Clones of a kernel for the instruction sets of one processor family. The host picks one by number, which
 * RANVIER_ISA caps, so that a plugin needs no dispatch of its own and no help of the dynamic linker
 * (ifunc). */
#ifndef RANVIER_CLONES_H
#define RANVIER_CLONES_H

#include <ranvier/base.h>

/** Instruction sets, by number. */
enum
{
  RV_ISA_BASELINE, /**< what every processor of the family has */
  RV_ISA_V3,       /**< x86-64-v3: AVX2 */
  RV_ISA_V4,       /**< x86-64-v4: AVX-512 */
  RV_ISA_COUNT     /**< how many there are */
};

/** Length of arrays of clones: room for instruction sets to come, NULL until then. */
#define RV_ISA_ROOM 4

#ifdef __x86_64__
/** Marks a function that is compiled for x86-64-v4. */
#ifdef __clang__
#define RV_TARGET_V4 __attribute__ ((target ("arch=x86-64-v4")))
#else
#define RV_TARGET_V4 __attribute__ ((target ("arch=x86-64-v4,prefer-vector-width=512")))
#endif
/** Marks a function that is compiled for x86-64-v3. */
#define RV_TARGET_V3 __attribute__ ((target ("arch=x86-64-v3")))
#endif

/** RV_CLONES (f, (const float *x, uint32_t n), (x, n)) makes void functions f_baseline, f_v3 and f_v4 of an
 * RV_FN void f: the parameters as declared, and as passed on. Where a clone can not be built, the baseline
 * stands for it. Build with the pkg-config variable kernel_cflags. */
#ifdef __x86_64__
#define RV_CLONES(f, declared, passed)                                                                       \
  static void f##_baseline declared { f passed; }                                                            \
  RV_TARGET_V3 static void f##_v3 declared { f passed; }                                                     \
  RV_TARGET_V4 static void f##_v4 declared { f passed; }
#else
#define RV_CLONES(f, declared, passed) static void f##_baseline declared { f passed; }
#endif

/** Initialises an array [RV_ISA_ROOM] with the clones that RV_CLONES made. */
#ifdef __x86_64__
#define RV_CLONES_OF(f) { f##_baseline, f##_v3, f##_v4 }
#else
#define RV_CLONES_OF(f) { f##_baseline, f##_baseline, f##_baseline }
#endif

G_BEGIN_DECLS

/** Which clone to call, an index of RV_CLONES_OF: the widest instruction set of this processor, capped by
 * RANVIER_ISA. It is part of the identity of every node. Any thread. */
RV_API int rv_isa (void);

G_END_DECLS

#endif
