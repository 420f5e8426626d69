// SPDX-License-Identifier: Apache-2.0
/* Byte shuffle. 16 elements of 2, 4 or 8 bytes are a bit-addressed cube of bytes: with address bits (e3 e2 e1 e0 | b...), interleaving the
 * lower with the upper half of the registers rotates the address left by one bit. Four rotations bring the byte number to the
 * front (shuffle), log2(element size) rotations bring it back (unshuffle). */
#include "base/shuffle.h"

#include <stdint.h>
#include <string.h>

typedef uint8_t v16 __attribute__((vector_size(16)));

#define INLINE static inline __attribute__((always_inline))

INLINE v16 low_halves(v16 a, v16 b)
{
    return __builtin_shufflevector(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
}

INLINE v16 high_halves(v16 a, v16 b)
{
    return __builtin_shufflevector(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
}

INLINE void rotate(v16 *r, size_t n_registers, unsigned times)
{
#pragma GCC unroll 4
    for (unsigned t = 0; t < times; t++) {
        v16 s[8];
#pragma GCC unroll 8
        for (size_t i = 0; i < n_registers / 2; i++) {
            s[2 * i] = low_halves(r[i], r[i + n_registers / 2]);
            s[2 * i + 1] = high_halves(r[i], r[i + n_registers / 2]);
        }
#pragma GCC unroll 8
        for (size_t i = 0; i < n_registers; i++) r[i] = s[i];
    }
}

/* Both directions give back how many elements (a multiple of 16) they have done. stride: bytes from one byte plane to the next. */
INLINE size_t shuffle_blocks(size_t element_size, const uint8_t *in, size_t count, uint8_t *out, size_t stride)
{
    size_t i = 0;
    for (; i + 16 <= count; i += 16) {
        v16 r[8];
#pragma GCC unroll 8
        for (size_t b = 0; b < element_size; b++) memcpy(&r[b], in + i * element_size + 16 * b, 16);
        rotate(r, element_size, 4);
#pragma GCC unroll 8
        for (size_t b = 0; b < element_size; b++) memcpy(out + b * stride + i, &r[b], 16);
    }
    return i;
}

INLINE size_t unshuffle_blocks(size_t element_size, unsigned log2_size, const uint8_t *in, size_t count, uint8_t *out, size_t stride)
{
    size_t i = 0;
    for (; i + 16 <= count; i += 16) {
        v16 r[8];
#pragma GCC unroll 8
        for (size_t b = 0; b < element_size; b++) memcpy(&r[b], in + b * stride + i, 16);
        rotate(r, element_size, log2_size);
#pragma GCC unroll 8
        for (size_t b = 0; b < element_size; b++) memcpy(out + i * element_size + 16 * b, &r[b], 16);
    }
    return i;
}

void shf_shuffle(size_t element_size, const void *in, size_t n, void *out)
{
    if (n == 0) return;
    if (element_size < 2) {
        memcpy(out, in, n);
        return;
    }
    const uint8_t *from = in;
    uint8_t *to = out;
    size_t count = n / element_size, done = 0;
    if (element_size == 8) done = shuffle_blocks(8, from, count, to, count);
    else if (element_size == 4) done = shuffle_blocks(4, from, count, to, count);
    else if (element_size == 2) done = shuffle_blocks(2, from, count, to, count);
    for (size_t b = 0; b < element_size; b++)
        for (size_t i = done; i < count; i++) to[b * count + i] = from[i * element_size + b];
    memcpy(to + count * element_size, from + count * element_size, n % element_size);
}

void shf_unshuffle_range(size_t element_size, const void *in, size_t n, size_t first, size_t count, void *out)
{
    size_t stride = n / element_size, done = 0;
    const uint8_t *from = (const uint8_t *)in + first;
    uint8_t *to = out;
    if (element_size == 8) done = unshuffle_blocks(8, 3, from, count, to, stride);
    else if (element_size == 4) done = unshuffle_blocks(4, 2, from, count, to, stride);
    else if (element_size == 2) done = unshuffle_blocks(2, 1, from, count, to, stride);
    for (size_t i = done; i < count; i++)
        for (size_t b = 0; b < element_size; b++) to[i * element_size + b] = from[b * stride + i];
}

void shf_unshuffle(size_t element_size, const void *in, size_t n, void *out)
{
    if (n == 0) return;
    if (element_size < 2) {
        memcpy(out, in, n);
        return;
    }
    size_t whole = n - n % element_size;
    shf_unshuffle_range(element_size, in, whole, 0, whole / element_size, out);
    memcpy((uint8_t *)out + whole, (const uint8_t *)in + whole, n % element_size);
}
