// SPDX-License-Identifier: Apache-2.0
/* The usual loop adds one word at a time, each sum waiting for the one before. Here 8 lanes are summed side by side, in little-endian words; what
 * that means for the sums over the sequence is put right once per block, and for the byte order once at the end (swapping the bytes of a
 * word is multiplying by 256 modulo 65535). */
#include "backend/hdf5/fletcher.h"

#include <string.h>

enum { LANES = 8, ROWS = 256, BLOCK_WORDS = LANES * ROWS, BLOCK_BYTES = 2 * BLOCK_WORDS, MODULUS = 65535 };

typedef uint16_t words16 __attribute__((vector_size(2 * LANES)));
typedef uint32_t words32 __attribute__((vector_size(4 * LANES)));

typedef struct sums {
    uint64_t first, second;
} sums;

/* n_rows ≤ ROWS rows: the second sum of a lane stays below 2^32. */
static inline __attribute__((always_inline)) void add_rows_body(const uint8_t *p, size_t n_rows, uint32_t first[LANES],
                                                                uint32_t second[LANES])
{
    words32 a = {0}, b = {0};
    for (size_t row = 0; row < n_rows; row++, p += sizeof(words16)) {
        words16 w;
        memcpy(&w, p, sizeof w);
        a += __builtin_convertvector(w, words32);
        b += a;
    }
    memcpy(first, &a, sizeof a);
    memcpy(second, &b, sizeof b);
}

static void add_rows_plain(const uint8_t *p, size_t n_rows, uint32_t first[LANES], uint32_t second[LANES])
{
    add_rows_body(p, n_rows, first, second);
}

#if defined(__x86_64__)
__attribute__((target("avx2"))) static void add_rows_avx2(const uint8_t *p, size_t n_rows, uint32_t first[LANES], uint32_t second[LANES])
{
    add_rows_body(p, n_rows, first, second);
}

static void add_rows(const uint8_t *p, size_t n_rows, uint32_t first[LANES], uint32_t second[LANES])
{
    if (__builtin_cpu_supports("avx2")) add_rows_avx2(p, n_rows, first, second);
    else add_rows_plain(p, n_rows, first, second);
}
#else
#define add_rows add_rows_plain
#endif

static void add_block(sums *s, const uint8_t *p, size_t n_rows)
{
    uint32_t first[LANES], second[LANES];
    add_rows(p, n_rows, first, second);
    s->second += s->first * (n_rows * LANES);
    for (unsigned lane = 0; lane < LANES; lane++) {
        s->first += first[lane];
        s->second += (uint64_t)second[lane] * LANES - (uint64_t)first[lane] * lane;
    }
    s->first %= MODULUS;
    s->second %= MODULUS;
}

/* As the folding of the original does it: 0 only where nothing but zeros was added. */
static uint32_t finish(uint64_t sum, uint64_t any)
{
    uint32_t swapped = (uint32_t)(sum % MODULUS * 256 % MODULUS);
    return swapped == 0 && any ? MODULUS : swapped;
}

uint32_t shf_h5_fletcher32(const void *bytes, size_t n)
{
    const uint8_t *p = bytes;
    sums s = {0, 0};
    uint64_t any = 0;
    for (; n >= BLOCK_BYTES; n -= BLOCK_BYTES, p += BLOCK_BYTES) {
        uint64_t before = s.first;
        add_block(&s, p, ROWS);
        any |= s.first | before;
        if (!any) any = p[0] || memcmp(p, p + 1, BLOCK_BYTES - 1) != 0;
    }
    for (; n >= 2; n -= 2, p += 2) {
        s.first += (uint64_t)p[0] | (uint64_t)p[1] << 8;
        s.second += s.first;
        any |= s.first;
    }
    if (n) {
        s.first += p[0]; /* the high byte of a big-endian word */
        s.second += s.first;
        any |= s.first;
    }
    return finish(s.second, any) << 16 | finish(s.first, any);
}
