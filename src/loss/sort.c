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
