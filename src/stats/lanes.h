// SPDX-License-Identifier: Apache-2.0
/* Loops over fixed lanes: the order of additions is written down, so the bits are the same however wide the registers are. The same
 * body is compiled twice, plainly and for AVX2 (which has no fused multiply-add), and chosen at run time. */
#ifndef SHF_STATS_LANES_H
#define SHF_STATS_LANES_H

#include <stdbool.h>
#include <stdint.h>

/* Eight lanes, held as two halves: compilers split wider vectors badly. */
#define SHF_LANES 8
#define SHF_HALF 4
typedef double shf_half __attribute__((vector_size(8 * SHF_HALF)));
typedef int64_t shf_half_mask __attribute__((vector_size(8 * SHF_HALF)));

/* Most values that are summed in lanes before halves are added: NumPy's block. */
#define SHF_SUM_BLOCK 128

#define SHF_INLINE static inline __attribute__((always_inline))

#if defined(__x86_64__) && !defined(SHF_PLAIN_LANES) /* tests compile the plain body */
#define SHF_HAS_AVX2 1
#define SHF_FOR_AVX2 __attribute__((target("avx2")))
static inline bool shf_use_avx2(void)
{
    return __builtin_cpu_supports("avx2");
}
#else
#define SHF_HAS_AVX2 0
#endif

#endif
