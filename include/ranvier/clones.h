/* Clones of a kernel for the instruction sets of one processor family. The host picks one by number, which
 * RANVIER_ISA caps, so that a plugin needs no dispatch of its own and no help of the dynamic linker
 * (ifunc). */
#ifndef RANVIER_CLONES_H
#define RANVIER_CLONES_H

#include <ranvier/base.h>

enum
{
  RV_ISA_BASELINE,
  RV_ISA_V3, /* x86-64-v3: AVX2 */
  RV_ISA_V4, /* x86-64-v4: AVX-512 */
  RV_ISA_COUNT
};

/* Length of arrays of clones: room for instruction sets to come, NULL until then. */
#define RV_ISA_ROOM 4

/* RV_CLONES (f, (const float *x, uint32_t n), (x, n)) makes void functions f_baseline, f_v3 and f_v4 of an
 * RV_FN void f: the parameters as declared, and as passed on. Then RV_CLONES_OF (f) initialises an array
 * [RV_ISA_ROOM]. Where a clone can not be built, the baseline stands for it. Build with the pkg-config
 * variable kernel_cflags. */
#ifdef __x86_64__
#ifdef __clang__
#define RV_TARGET_V4 __attribute__ ((target ("arch=x86-64-v4")))
#else
#define RV_TARGET_V4 __attribute__ ((target ("arch=x86-64-v4,prefer-vector-width=512")))
#endif
#define RV_TARGET_V3 __attribute__ ((target ("arch=x86-64-v3")))
#define RV_CLONES(f, declared, passed)                                                                       \
  static void f##_baseline declared { f passed; }                                                            \
  RV_TARGET_V3 static void f##_v3 declared { f passed; }                                                     \
  RV_TARGET_V4 static void f##_v4 declared { f passed; }
#define RV_CLONES_OF(f) { f##_baseline, f##_v3, f##_v4 }
#else
#define RV_CLONES(f, declared, passed) static void f##_baseline declared { f passed; }
#define RV_CLONES_OF(f) { f##_baseline, f##_baseline, f##_baseline }
#endif

#endif
