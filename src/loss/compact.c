// SPDX-License-Identifier: Apache-2.0
#include "loss/compact.h"

#include <string.h>
#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include "base/checked.h"
#include "format/loss_stream.h"

#define INFINITY_BITS 0x7f800000u

static void count_special(sheaf_loss_stats *stats, int32_t sidx)
{
    if (sidx < 0) stats->specials[sidx >= -5 ? -sidx - 1 : 5]++;
}

static void count_odd(sheaf_loss_stats *stats, uint32_t bits, uint32_t magnitude)
{
    stats->negatives += bits >> 31;
    stats->infinities += magnitude == INFINITY_BITS;
}

static void one_pair(shf_compact *c, const uint8_t *pair)
{
    int32_t sidx = shf_get_i32(pair);
    uint32_t bits = shf_get_u32(pair + 4), magnitude = bits & 0x7fffffffu;
    bool value = magnitude - 1 < INFINITY_BITS; /* not 0, not NaN */
    if (sidx <= c->last_sidx) c->unordered = true;
    else c->last_sidx = sidx;
    count_special(c->stats, sidx);
    c->stats->zeros += magnitude == 0;
    c->stats->nans += magnitude > INFINITY_BITS;
    if (value) count_odd(c->stats, bits, magnitude);
    if (!value || sidx == SHF_LOSS_SIDX_CHANCE || sidx == SHF_LOSS_SIDX_SD) {
        if (value && sidx == SHF_LOSS_SIDX_CHANCE && c->pass_through == 0) memcpy(&c->pass_through, &bits, 4);
        c->dropped[c->n_dropped++] = sidx;
        return;
    }
    c->sidx[c->kept] = sidx;
    memcpy(&c->loss[c->kept++], &bits, 4);
}

#if defined(__SSE2__)
/* Four pairs whose sidx ascend and are samples: no branch on what is zero. */
static void four_samples(shf_compact *c, const uint8_t *pairs)
{
    size_t kept = c->kept, dropped = c->n_dropped;
    for (size_t i = 0; i < 4; i++) {
        int32_t sidx = shf_get_i32(pairs + i * 8);
        uint32_t bits = shf_get_u32(pairs + i * 8 + 4), magnitude = bits & 0x7fffffffu;
        size_t value = magnitude - 1 < INFINITY_BITS;
        c->sidx[kept] = sidx;
        memcpy(&c->loss[kept], &bits, 4);
        c->dropped[dropped] = sidx;
        kept += value;
        dropped += !value;
        c->stats->zeros += magnitude == 0;
        if (__builtin_expect(bits - 1 >= INFINITY_BITS - 1 && magnitude != 0, 0)) {
            c->stats->nans += magnitude > INFINITY_BITS;
            if (value) count_odd(c->stats, bits, magnitude);
        }
    }
    c->kept = kept;
    c->n_dropped = dropped;
}

/* As many groups of four ascending samples as there are; returns the pairs taken. */
static size_t ascending_samples(shf_compact *c, const uint8_t *pairs, size_t n)
{
    const __m128i zero = _mm_setzero_si128(), infinite = _mm_set1_epi32((int)INFINITY_BITS);
    __m128i last = _mm_set1_epi32(c->last_sidx > 0 ? (int32_t)c->last_sidx : 0);
    size_t i = 0;
    for (; i + 4 <= n; i += 4) {
        const uint8_t *at = pairs + i * 8;
        __m128 a = _mm_loadu_ps((const float *)(const void *)at), b = _mm_loadu_ps((const float *)(const void *)(at + 16));
        __m128i s = _mm_castps_si128(_mm_shuffle_ps(a, b, 0x88)), l = _mm_castps_si128(_mm_shuffle_ps(a, b, 0xdd));
        __m128i before = _mm_or_si128(_mm_slli_si128(s, 4), _mm_srli_si128(last, 12));
        if (_mm_movemask_epi8(_mm_cmpgt_epi32(s, before)) != 0xffff) break;
        last = s;
        __m128i plain = _mm_and_si128(_mm_cmpgt_epi32(l, zero), _mm_cmpgt_epi32(infinite, l));
        if (_mm_movemask_epi8(plain) != 0xffff) {
            four_samples(c, at);
            continue;
        }
        _mm_storeu_si128((__m128i *)(void *)(c->sidx + c->kept), s);
        _mm_storeu_si128((__m128i *)(void *)(c->loss + c->kept), l);
        c->kept += 4;
    }
    if (i) c->last_sidx = shf_get_i32(pairs + (i - 1) * 8);
    return i;
}
#endif

void shf_compact_pairs(shf_compact *c, const uint8_t *pairs, size_t n)
{
    size_t i = 0;
    while (i < n) {
#if defined(__SSE2__)
        if (shf_get_i32(pairs + i * 8) > c->last_sidx && shf_get_i32(pairs + i * 8) > 0) {
            size_t taken = ascending_samples(c, pairs + i * 8, n - i);
            i += taken;
            if (taken) continue;
        }
#endif
        one_pair(c, pairs + i * 8);
        i++;
    }
}
