// SPDX-License-Identifier: Apache-2.0
/* Shuffle or not. Shuffling helps where elements differ but their bytes are alike (prices, ids); where whole elements repeat (losses with
 * 70 % zeros) it breaks the repeats up. Few repeats: shuffle, at once; else a small sample is compressed both ways. */
#include <string.h>

#include "codec/codec.h"

enum { N_SLICES = 8, SLICE_BYTES = 2048, SAMPLE_BYTES = N_SLICES * SLICE_BYTES, TABLE_BITS = 10 };

/* Slices evenly over the data, each of whole elements. Gives back the bytes taken. */
static size_t take_sample(size_t element_size, const uint8_t *data, size_t n, uint8_t *sample)
{
    size_t slice = SLICE_BYTES / element_size * element_size;
    if (n <= N_SLICES * slice) {
        memcpy(sample, data, n);
        return n;
    }
    size_t elements_apart = (n - slice) / element_size / (N_SLICES - 1);
    for (size_t s = 0; s < N_SLICES; s++) memcpy(sample + s * slice, data + s * elements_apart * element_size, slice);
    return N_SLICES * slice;
}

static uint64_t element_key(size_t element_size, const uint8_t *p)
{
    uint64_t key = 0;
    memcpy(&key, p, element_size < 8 ? element_size : 8);
    return key;
}

/* Of every 8 elements looked at (up to 64 in a row of each slice), how many have a key seen before: 0 (none) to 8. Collisions only lose a
 * repeat. */
static unsigned repeated_eighths(size_t element_size, const uint8_t *sample, size_t count)
{
    enum { ROW = 64 };
    uint64_t seen[1u << TABLE_BITS];
    memset(seen, 0, sizeof seen);
    size_t repeats = 0, looked_at = 0, slice = SLICE_BYTES / element_size;
    for (size_t i = 0; i < count; i++) {
        if (i % slice == ROW) i += slice - ROW;
        if (i >= count) break;
        looked_at++;
        uint64_t key = element_key(element_size, sample + i * element_size);
        uint64_t *slot = &seen[(key * 0x9E3779B97F4A7C15u) >> (64 - TABLE_BITS)];
        repeats += *slot == key + 1;
        *slot = key + 1;
    }
    return count ? (unsigned)(repeats * 8 / count) : 0;
}

bool shf_codec_prefers_shuffle(shf_codec_work *work, size_t element_size, const void *data, size_t n)
{
    if (element_size < 2 || element_size > SLICE_BYTES / 4 || n < 4 * element_size) return false;
    uint8_t sample[SAMPLE_BYTES], shuffled[SAMPLE_BYTES], encoded[SAMPLE_BYTES + SAMPLE_BYTES / 128 + 512];
    size_t taken = take_sample(element_size, data, n - n % element_size, sample);
    if (repeated_eighths(element_size, sample, taken / element_size) == 0) return true;
    shf_shuffle(element_size, sample, taken, shuffled);
    size_t plain_size, shuffled_size;
    if (shf_codec_zstd.encode(work, 1, 1, sample, taken, encoded, sizeof encoded, &plain_size, NULL) ||
        shf_codec_zstd.encode(work, 1, 1, shuffled, taken, encoded, sizeof encoded, &shuffled_size, NULL))
        return true;
    return shuffled_size < plain_size;
}
