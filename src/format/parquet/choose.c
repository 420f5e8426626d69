// SPDX-License-Identifier: Apache-2.0
#include "format/parquet/choose.h"

#include <string.h>

#include "base/alloc.h"
#include "base/checked.h"
#include "format/parquet/rle.h"

static const uint8_t *value_at(const shf_pq_values *values, size_t i, size_t *size)
{
    if (!values->offsets) {
        *size = values->size;
        return values->values + i * values->size;
    }
    *size = (size_t)(values->offsets[i + 1] - values->offsets[i]);
    return values->values + values->offsets[i];
}

static uint64_t hash_value(const uint8_t *bytes, size_t n)
{
    uint64_t hash = n * 0x9E3779B97F4A7C15u;
    for (; n >= 8; n -= 8, bytes += 8) {
        hash = (hash ^ shf_get_u64(bytes)) * 0x9E3779B97F4A7C15u;
        hash ^= hash >> 29;
    }
    uint64_t rest = 0;
    if (n) memcpy(&rest, bytes, n);
    hash = (hash ^ rest) * 0x9E3779B97F4A7C15u;
    return hash ^ hash >> 32;
}

bool shf_pq_dictionary_promising(const shf_pq_values *values)
{
    enum { SAMPLES = 512, SLOTS = 2048, MOST = 128 };
    if (values->n < 16) return false;
    uint64_t seen[SLOTS];
    memset(seen, 0, sizeof seen);
    size_t different = 0, samples = values->n < SAMPLES ? values->n : SAMPLES, step = values->n / samples;
    for (size_t s = 0; s < samples; s++) {
        size_t size;
        const uint8_t *value = value_at(values, s * step, &size);
        uint64_t hash = hash_value(value, size) | 1;
        size_t slot = hash >> 8 & (SLOTS - 1);
        while (seen[slot] && seen[slot] != hash) slot = (slot + 1) & (SLOTS - 1);
        different += !seen[slot];
        seen[slot] = hash;
        if (different > MOST) return false;
    }
    return different * 4 <= samples;
}

/* Open addressing; a slot holds an entry's number + 1. */
typedef struct table {
    uint32_t *slots;
    size_t n_slots, n_entries;
    uint32_t *first; /* per entry: the first value that is equal */
} table;

static bool same(const shf_pq_values *values, size_t i, size_t j)
{
    size_t a_size, b_size;
    const uint8_t *a = value_at(values, i, &a_size), *b = value_at(values, j, &b_size);
    return a_size == b_size && memcmp(a, b, a_size) == 0;
}

static bool index_values(const shf_pq_values *values, table *t, size_t most, uint32_t *indices)
{
    for (size_t i = 0; i < values->n; i++) {
        if (i > 0 && same(values, i, i - 1)) {
            indices[i] = indices[i - 1];
            continue;
        }
        size_t size;
        const uint8_t *value = value_at(values, i, &size);
        size_t slot = hash_value(value, size) & (t->n_slots - 1);
        while (t->slots[slot] && !same(values, i, t->first[t->slots[slot] - 1])) slot = (slot + 1) & (t->n_slots - 1);
        if (!t->slots[slot]) {
            if (t->n_entries == most) return false;
            t->first[t->n_entries++] = (uint32_t)i;
            t->slots[slot] = (uint32_t)t->n_entries;
        }
        indices[i] = t->slots[slot] - 1;
    }
    return true;
}

static sheaf_status put_entries(const shf_pq_values *values, const table *t, shf_buf *dictionary, sheaf_error *err)
{
    for (size_t e = 0; e < t->n_entries; e++) {
        size_t size;
        const uint8_t *value = value_at(values, t->first[e], &size);
        uint32_t length = (uint32_t)size;
        if (values->offsets) SHF_TRY(shf_buf_append(dictionary, &length, sizeof length, err));
        SHF_TRY(shf_buf_append(dictionary, value, size, err));
    }
    return SHEAF_OK;
}

sheaf_status shf_pq_dictionary_build(const shf_pq_values *values, shf_buf *dictionary, uint32_t *indices, size_t *n_entries,
                                     sheaf_error *err)
{
    enum { MOST_ENTRIES = 1 << 14 };
    size_t most = values->n / 4 < MOST_ENTRIES ? values->n / 4 : MOST_ENTRIES;
    table t = {.n_slots = 16};
    *n_entries = 0;
    if (values->n > UINT32_MAX) return SHEAF_OK;
    while (t.n_slots < most * 2) t.n_slots *= 2;
    t.slots = shf_calloc(t.n_slots, sizeof *t.slots);
    t.first = shf_malloc((most + 1) * sizeof *t.first);
    sheaf_status status = SHEAF_OK;
    if (!t.slots || !t.first) status = shf_fail_memory(err, t.n_slots * 4 + most * 4, "a dictionary");
    else if (index_values(values, &t, most, indices)) status = put_entries(values, &t, dictionary, err);
    else t.n_entries = 0;
    *n_entries = status == SHEAF_OK ? t.n_entries : 0;
    shf_free(t.slots);
    shf_free(t.first);
    return status;
}

static uint64_t integer_at(const shf_pq_values *values, size_t i)
{
    if (values->size == 8) return shf_get_u64(values->values + 8 * i);
    return (uint64_t)(int64_t)shf_get_i32(values->values + 4 * i);
}

bool shf_pq_delta_promising(const shf_pq_values *values)
{
    enum { WINDOWS = 8, LENGTH = 64 };
    if (values->n < 16) return false;
    size_t length = values->n - 1 < LENGTH ? values->n - 1 : LENGTH, apart = (values->n - 1 - length) / (WINDOWS - 1), bits = 0;
    for (size_t w = 0; w < WINDOWS; w++) {
        int64_t low = INT64_MAX, high = INT64_MIN;
        for (size_t i = w * apart; i < w * apart + length; i++) {
            int64_t delta = (int64_t)(integer_at(values, i + 1) - integer_at(values, i));
            low = delta < low ? delta : low;
            high = delta > high ? delta : high;
        }
        bits += shf_pq_bit_width((uint64_t)high - (uint64_t)low);
    }
    return bits * 3 <= WINDOWS * values->size * 8;
}
