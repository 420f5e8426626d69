// SPDX-License-Identifier: Apache-2.0
#include "loss/sort.h"

#include <stdbool.h>
#include <string.h>

/* Insertion sort that gives up after a number of moves; true when sorted. loss may be NULL. */
static bool insertion(int32_t *sidx, float *loss, size_t n)
{
    size_t budget = 8 * n + 64;
    for (size_t i = 1; i < n; i++) {
        int32_t s = sidx[i];
        if (sidx[i - 1] <= s) continue;
        float l = loss ? loss[i] : 0;
        size_t k = i;
        for (; k > 0 && sidx[k - 1] > s; k--) {
            sidx[k] = sidx[k - 1];
            if (loss) loss[k] = loss[k - 1];
        }
        sidx[k] = s;
        if (loss) loss[k] = l;
        if (i - k > budget) return false;
        budget -= i - k;
    }
    return true;
}

/* Radix sort of words by their upper 32 bits, least significant byte first. */
static void radix(uint64_t *words, uint64_t *other, size_t n)
{
    for (unsigned shift = 32; shift < 64; shift += 8) {
        size_t counts[256] = {0}, at = 0;
        for (size_t i = 0; i < n; i++) counts[(words[i] >> shift) & 255]++;
        for (size_t b = 0; b < 256; b++) {
            size_t count = counts[b];
            counts[b] = at;
            at += count;
        }
        for (size_t i = 0; i < n; i++) other[counts[(words[i] >> shift) & 255]++] = words[i];
        uint64_t *swap = words;
        words = other;
        other = swap;
    }
}

void shf_sort_pairs(int32_t *sidx, float *loss, size_t n, uint64_t *scratch)
{
    if (insertion(sidx, loss, n)) return;
    for (size_t i = 0; i < n; i++) {
        uint32_t bits = 0;
        if (loss) memcpy(&bits, &loss[i], 4);
        scratch[i] = (uint64_t)((uint32_t)sidx[i] ^ 0x80000000u) << 32 | bits;
    }
    radix(scratch, scratch + n, n);
    for (size_t i = 0; i < n; i++) {
        uint32_t bits = (uint32_t)scratch[i];
        sidx[i] = (int32_t)((uint32_t)(scratch[i] >> 32) ^ 0x80000000u);
        if (loss) memcpy(&loss[i], &bits, 4);
    }
}

void shf_sort_sidx(int32_t *sidx, size_t n, uint64_t *scratch)
{
    shf_sort_pairs(sidx, NULL, n, scratch);
}

/* Floats as words in the same order, and back. */
static inline uint32_t word_of(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, 4);
    return bits ^ (bits >> 31 ? UINT32_MAX : 0x80000000u);
}

static inline float value_of(uint32_t word)
{
    uint32_t bits = word ^ (word >> 31 ? 0x80000000u : UINT32_MAX);
    float value;
    memcpy(&value, &bits, 4);
    return value;
}

static void insertion_f32(float *values, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        float v = values[i];
        size_t k = i;
        for (; k > 0 && values[k - 1] > v; k--) values[k] = values[k - 1];
        values[k] = v;
    }
}

/* Into buckets of equal width between the smallest and the largest word (so about equally many of a lognormal sample), then insertion. */
static void bucket_f32(float *values, size_t n, uint32_t *words)
{
    enum { MOST = 512 };
    uint16_t counts[MOST + 1] = {0};
    uint32_t low = UINT32_MAX, high = 0, n_buckets = n <= 128 ? 128 : MOST;
    for (size_t i = 0; i < n; i++) {
        uint32_t w = word_of(values[i]);
        words[i] = w;
        low = w < low ? w : low;
        high = w > high ? w : high;
    }
    uint64_t scale = ((uint64_t)n_buckets << 32) / ((uint64_t)(high - low) + 1);
    for (size_t i = 0; i < n; i++) counts[((words[i] - low) * scale >> 32) + 1]++;
    for (uint32_t b = 1; b < n_buckets; b++) counts[b] = (uint16_t)(counts[b] + counts[b - 1]);
    for (size_t i = 0; i < n; i++) values[counts[(words[i] - low) * scale >> 32]++] = value_of(words[i]);
    insertion_f32(values, n);
}

void shf_sort_f32(float *values, size_t n, uint32_t *scratch)
{
    if (n <= 512) {
        if (n <= 24) insertion_f32(values, n);
        else bucket_f32(values, n, scratch);
        return;
    }
    uint32_t counts[4][256] = {{0}}, *from = scratch, *to = scratch + n;
    for (size_t i = 0; i < n; i++) {
        uint32_t w = word_of(values[i]);
        from[i] = w;
        for (unsigned b = 0; b < 4; b++) counts[b][(w >> (8 * b)) & 255]++;
    }
    for (unsigned b = 0; b < 4; b++) {
        uint32_t at = 0, *count = counts[b];
        if (count[(from[0] >> (8 * b)) & 255] == n) continue;
        for (size_t k = 0; k < 256; k++) {
            uint32_t here = count[k];
            count[k] = at;
            at += here;
        }
        for (size_t i = 0; i < n; i++) to[count[(from[i] >> (8 * b)) & 255]++] = from[i];
        uint32_t *swap = from;
        from = to;
        to = swap;
    }
    for (size_t i = 0; i < n; i++) values[i] = value_of(from[i]);
}
