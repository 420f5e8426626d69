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

enum { FEW = 32 }; /* values that an insertion sort is best for */

static void insertion_f32(float *values, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        float v = values[i];
        size_t k = i;
        for (; k > 0 && values[k - 1] > v; k--) values[k] = values[k - 1];
        values[k] = v;
    }
}

void shf_sort_f32(float *values, size_t n, uint32_t *scratch)
{
    if (n <= FEW) {
        insertion_f32(values, n);
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

enum { MOST_BUCKETS = 1024 };

/* Buckets of equal width in the values' words: of a lognormal sample about equally many values each. */
typedef struct buckets {
    uint32_t low;
    unsigned shift;
    size_t n;
    uint32_t begin[MOST_BUCKETS + 1]; /* of each bucket, in values; that of the one behind the last is all of them */
} buckets;

static inline uint32_t bucket_of(const buckets *b, uint32_t word)
{
    return (word - b->low) >> b->shift;
}

/* Writes the words; about as many buckets as values. */
static void choose_width(buckets *b, const float *values, size_t n, uint32_t *words)
{
    int32_t low = INT32_MAX, high = INT32_MIN;
    for (size_t i = 0; i < n; i++) {
        uint32_t word = word_of(values[i]);
        int32_t w = (int32_t)(word ^ 0x80000000u); /* in the order of signed numbers, which vectors compare */
        words[i] = word;
        low = w < low ? w : low;
        high = w > high ? w : high;
    }
    unsigned wanted = n >= MOST_BUCKETS ? 10 : 63 - (unsigned)__builtin_clzll(n);
    b->low = (uint32_t)low ^ 0x80000000u;
    uint32_t range = (uint32_t)high - (uint32_t)low;
    unsigned used = range ? 32 - (unsigned)__builtin_clz(range) : 0;
    b->shift = used > wanted ? used - wanted : 0;
    b->n = (size_t)(range >> b->shift) + 1;
}

/* Moves the values into their buckets. A value's place in its bucket is noted when it is counted: the moves do not wait for each other. */
static void distribute(buckets *b, float *values, size_t n, const uint32_t *words, uint32_t *places)
{
    memset(b->begin, 0, (b->n + 1) * sizeof *b->begin);
    for (size_t i = 0; i < n; i++) places[i] = b->begin[bucket_of(b, words[i])]++;
    uint32_t at = 0;
    for (size_t k = 0; k <= b->n; k++) {
        uint32_t count = b->begin[k];
        b->begin[k] = at;
        at += count;
    }
    for (size_t i = 0; i < n; i++) values[b->begin[bucket_of(b, words[i])] + places[i]] = value_of(words[i]);
}

void shf_select_f32(float *values, size_t n, const size_t *ranks, size_t n_ranks, uint32_t *scratch)
{
    if (n <= FEW) {
        insertion_f32(values, n);
        return;
    }
    buckets b;
    choose_width(&b, values, n, scratch);
    distribute(&b, values, n, scratch, scratch + n);
    size_t sorted = 0; /* values whose buckets are done */
    for (size_t i = 0; i < n_ranks; i++) {
        if (ranks[i] < sorted) continue;
        uint32_t k = bucket_of(&b, word_of(values[ranks[i]]));
        sorted = b.begin[k + 1];
        shf_sort_f32(values + b.begin[k], sorted - b.begin[k], scratch);
    }
}
