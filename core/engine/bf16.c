/* Which products of bfloat16 this process may use. Built for any processor; the instructions are in bf16-x86.c. */
#include "engine/bf16.h"
#include <ranvier/clones.h>

#ifdef RV_BF16_X86
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>

#define LEAF_7_EAX_AVX512_BF16 (1u << 5) /* subleaf 1 */
#define LEAF_7_EDX_AMX_BF16 (1u << 22)   /* subleaf 0 */
#define LEAF_7_EDX_AMX_TILE (1u << 24)

/* Linux grants the room for tiles to processes that ask: all threads, those that run already too. */
static gboolean
ask_for_tiles (void)
{
#if defined(__linux__) && defined(SYS_arch_prctl)
  const long request_permission = 0x1023, tile_data = 18;
  return syscall (SYS_arch_prctl, request_permission, tile_data) == 0;
#else
  return FALSE;
#endif
}

/* Bit `kind` tells that it can run. AMX is taken only beside AVX-512, which packs its operands; rv_isa has seen that
 * the system saves these registers. */
static guint
detect (void)
{
  guint eax, ebx, ecx, edx, tiles, kinds = 0;
  if (rv_isa () < RV_ISA_V4 || !__get_cpuid_count (7, 0, &eax, &ebx, &ecx, &tiles)
      || !__get_cpuid_count (7, 1, &eax, &ebx, &ecx, &edx) || !(eax & LEAF_7_EAX_AVX512_BF16))
    return 0;
  kinds |= 1u << RV_BF16_AVX512;
  if ((tiles & LEAF_7_EDX_AMX_BF16) && (tiles & LEAF_7_EDX_AMX_TILE) && ask_for_tiles ())
    kinds |= 1u << RV_BF16_AMX;
  return kinds;
}

const RvBf16 *
rv_bf16_kind (int kind)
{
  static const RvBf16 *const all[RV_BF16_COUNT] = { &rv_bf16_amx, &rv_bf16_avx512 };
  static gsize kinds; /* what `detect` found, plus one */

  if (g_once_init_enter (&kinds))
    g_once_init_leave (&kinds, (gsize)detect () + 1);
  return (kinds - 1) >> kind & 1 ? all[kind] : NULL;
}
#else
const RvBf16 *
rv_bf16_kind (int kind)
{
  return NULL;
}
#endif

const RvBf16 *
rv_bf16 (void)
{
  const RvBf16 *amx = rv_bf16_kind (RV_BF16_AMX);
  return amx ? amx : rv_bf16_kind (RV_BF16_AVX512);
}
