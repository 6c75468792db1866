/* The workers of the core, and which instruction set its kernels may use. */
#include "base/threads.h"
#include "base/child.h"

#include <ranvier/neuron.h>

#include <omp.h>
#include <unistd.h>

#define MOST_BY_DEFAULT 64

/* Set before the work starts; 0: not yet asked for. */
static uint32_t threads;

void
rv_threads_wait_briefly (char **argv)
{
  g_autofree char *program = rv_child_program ();
  if (!program || g_getenv ("OMP_WAIT_POLICY") || g_getenv ("GOMP_SPINCOUNT"))
    return;
  g_setenv ("OMP_WAIT_POLICY", "passive", TRUE);
  g_setenv ("GOMP_SPINCOUNT", "10000", TRUE);
  execv (program, argv); /* comes back only if it could not */
}

void
rv_threads_set (uint32_t n)
{
  threads = n > 0 ? n : MIN (g_get_num_processors (), MOST_BY_DEFAULT);
}

uint32_t
rv_threads_get (void)
{
  if (threads == 0)
    rv_threads_set (0);
  return threads;
}

/* While a worker computes, numbers too small for the normal range count as zero: on many processors each one
 * costs a hundred times an ordinary sum, and membranes and gradients that decay over hundreds of steps are
 * full of them. Returns the state to go back to. */
static uint64_t
flush_denormals (void)
{
#if defined(__x86_64__)
  const uint32_t state = __builtin_ia32_stmxcsr ();
  __builtin_ia32_ldmxcsr (state | 0x8040u); /* flush to zero, denormals are zero */
  return state;
#elif defined(__aarch64__)
  uint64_t state;
  __asm__ volatile("mrs %0, fpcr" : "=r"(state));
  __asm__ volatile("msr fpcr, %0" : : "r"(state | UINT64_C (1) << 24));
  return state;
#else
  return 0;
#endif
}

static void
restore_denormals (uint64_t state)
{
#if defined(__x86_64__)
  __builtin_ia32_ldmxcsr ((uint32_t)state);
#elif defined(__aarch64__)
  __asm__ volatile("msr fpcr, %0" : : "r"(state));
#endif
}

void
rv_parallel_for (uint32_t n, void (*work) (void *self, uint32_t i, uint32_t worker), void *self)
{
  const uint32_t workers = MIN (rv_threads_get (), n);

  if (workers <= 1)
    {
      const uint64_t state = flush_denormals ();
      for (uint32_t i = 0; i < n; i++)
        work (self, i, 0);
      restore_denormals (state);
      return;
    }
#pragma omp parallel num_threads(workers)
  {
    const uint64_t state = flush_denormals ();
    /* Pieces differ in cost, so each worker takes the next one when it is done. */
#pragma omp for schedule(dynamic, 1)
    for (uint32_t i = 0; i < n; i++)
      work (self, i, (uint32_t)omp_get_thread_num ());
    restore_denormals (state);
  }
}

static const char *const isa_names[RV_ISA_COUNT] = { "baseline", "v3", "v4" };

static int
detect_isa (void)
{
  const char *cap = g_getenv ("RANVIER_ISA");
  int isa = RV_ISA_BASELINE;

#ifdef __x86_64__
  __builtin_cpu_init ();
  /* feature by feature: clang 14 does not know the levels by name */
  if (__builtin_cpu_supports ("avx2") && __builtin_cpu_supports ("fma") && __builtin_cpu_supports ("bmi")
      && __builtin_cpu_supports ("bmi2"))
    isa = RV_ISA_V3;
  if (isa == RV_ISA_V3 && __builtin_cpu_supports ("avx512f") && __builtin_cpu_supports ("avx512bw")
      && __builtin_cpu_supports ("avx512cd") && __builtin_cpu_supports ("avx512dq")
      && __builtin_cpu_supports ("avx512vl"))
    isa = RV_ISA_V4;
#endif
  if (cap == NULL || cap[0] == '\0')
    return isa;
  for (int k = 0; k < RV_ISA_COUNT; k++)
    if (g_str_equal (cap, isa_names[k]))
      return MIN (isa, k);
  g_warning ("RANVIER_ISA is baseline, v3 or v4, not '%s': ignored", cap);
  return isa;
}

int
rv_isa (void)
{
  static gsize isa; /* its number plus one */

  if (g_once_init_enter (&isa))
    g_once_init_leave (&isa, (gsize)detect_isa () + 1);
  return (int)isa - 1;
}

const char *
rv_isa_name (int isa)
{
  return isa >= 0 && isa < RV_ISA_COUNT ? isa_names[isa] : "unknown";
}
