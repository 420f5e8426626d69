// SPDX-License-Identifier: Apache-2.0
#include "format/parquet/bounds.h"

#include <math.h>
#include <string.h>

#include "base/checked.h"

static void set(shf_pq_bounds *out, const void *min, const void *max, size_t size)
{
    out->has = true;
    out->min_size = out->max_size = (uint8_t)size;
    memcpy(out->min, min, size);
    memcpy(out->max, max, size);
}

/* Several lanes, because one chain of comparisons would wait for each. A comparison with NaN is false: it never wins. When the bounds stay
 * crossed, all values were NaN. */
#define FLOAT_BOUNDS(name, type)                                                               \
    static void name(const type *values, size_t n, shf_pq_bounds *out)                         \
    {                                                                                          \
        enum { LANES = 16 };                                                                   \
        type low[LANES], high[LANES];                                                          \
        for (size_t k = 0; k < LANES; k++) low[k] = (type)INFINITY, high[k] = -(type)INFINITY; \
        size_t i = 0;                                                                          \
        for (; i + LANES <= n; i += LANES)                                                     \
            for (size_t k = 0; k < LANES; k++) {                                               \
                type v = values[i + k];                                                        \
                low[k] = v < low[k] ? v : low[k];                                              \
                high[k] = v > high[k] ? v : high[k];                                           \
            }                                                                                  \
        for (; i < n; i++) {                                                                   \
            low[0] = values[i] < low[0] ? values[i] : low[0];                                  \
            high[0] = values[i] > high[0] ? values[i] : high[0];                               \
        }                                                                                      \
        for (size_t k = 1; k < LANES; k++) {                                                   \
            low[0] = low[k] < low[0] ? low[k] : low[0];                                        \
            high[0] = high[k] > high[0] ? high[k] : high[0];                                   \
        }                                                                                      \
        out->lost = n > 0 && low[0] > high[0];                                                 \
        if (n == 0 || out->lost) return;                                                       \
        if (low[0] == 0) low[0] = -(type)0;                                                    \
        if (high[0] == 0) high[0] = (type)0;                                                   \
        set(out, &low[0], &high[0], sizeof(type));                                             \
    }

#define INTEGER_BOUNDS(name, type)                                     \
    static void name(const type *values, size_t n, shf_pq_bounds *out) \
    {                                                                  \
        if (n == 0) return;                                            \
        type low = values[0], high = values[0];                        \
        for (size_t i = 1; i < n; i++) {                               \
            low = values[i] < low ? values[i] : low;                   \
            high = values[i] > high ? values[i] : high;                \
        }                                                              \
        set(out, &low, &high, sizeof(type));                           \
    }

FLOAT_BOUNDS(bounds_f32, float)
FLOAT_BOUNDS(bounds_f64, double)
INTEGER_BOUNDS(bounds_u8, uint8_t)
INTEGER_BOUNDS(bounds_i32, int32_t)
INTEGER_BOUNDS(bounds_u32, uint32_t)
INTEGER_BOUNDS(bounds_i64, int64_t)
INTEGER_BOUNDS(bounds_u64, uint64_t)

static void integer_bounds(shf_pq_order order, const void *values, size_t n, shf_pq_bounds *out)
{
    if (order.type == SHF_PQ_INT32 && order.is_unsigned) bounds_u32(values, n, out);
    else if (order.type == SHF_PQ_INT32) bounds_i32(values, n, out);
    else if (order.is_unsigned) bounds_u64(values, n, out);
    else bounds_i64(values, n, out);
}

void shf_pq_bounds_fixed(shf_pq_order order, const void *values, size_t n, shf_pq_bounds *out)
{
    *out = (shf_pq_bounds){.has = false};
    switch (order.type) {
    case SHF_PQ_BOOLEAN: bounds_u8(values, n, out); return;
    case SHF_PQ_INT32:
    case SHF_PQ_INT64: integer_bounds(order, values, n, out); return;
    case SHF_PQ_FLOAT: bounds_f32(values, n, out); return;
    case SHF_PQ_DOUBLE: bounds_f64(values, n, out); return;
    default: out->lost = n > 0;
    }
}

static int compare_bytes(const uint8_t *a, size_t a_size, const uint8_t *b, size_t b_size)
{
    size_t n = a_size < b_size ? a_size : b_size;
    int order = n ? memcmp(a, b, n) : 0;
    if (order != 0) return order < 0 ? -1 : 1;
    return a_size == b_size ? 0 : a_size < b_size ? -1 : 1;
}

void shf_pq_bounds_bytes(const uint8_t *bytes, const uint64_t *offsets, size_t n, shf_pq_bounds *out)
{
    *out = (shf_pq_bounds){.has = false};
    if (n == 0) return;
    size_t low = 0, high = 0;
    for (size_t i = 1; i < n; i++) {
        const uint8_t *value = bytes + offsets[i];
        size_t size = (size_t)(offsets[i + 1] - offsets[i]);
        if (compare_bytes(value, size, bytes + offsets[low], (size_t)(offsets[low + 1] - offsets[low])) < 0) low = i;
        if (compare_bytes(value, size, bytes + offsets[high], (size_t)(offsets[high + 1] - offsets[high])) > 0) high = i;
    }
    uint64_t low_size = offsets[low + 1] - offsets[low], high_size = offsets[high + 1] - offsets[high];
    out->lost = low_size > SHF_PQ_BOUND_BYTES || high_size > SHF_PQ_BOUND_BYTES;
    if (out->lost) return;
    out->has = true;
    out->min_size = (uint8_t)low_size;
    out->max_size = (uint8_t)high_size;
    memcpy(out->min, bytes + offsets[low], (size_t)low_size);
    memcpy(out->max, bytes + offsets[high], (size_t)high_size);
}

#define COMPARE_AS(type)                   \
    do {                                   \
        type x, y;                         \
        memcpy(&x, a, sizeof x);           \
        memcpy(&y, b, sizeof y);           \
        return x < y ? -1 : x > y ? 1 : 0; \
    } while (0)

int shf_pq_bounds_compare(shf_pq_order order, const uint8_t *a, size_t a_size, const uint8_t *b, size_t b_size)
{
    if (order.type == SHF_PQ_BOOLEAN) COMPARE_AS(uint8_t);
    if (order.type == SHF_PQ_INT32 && order.is_unsigned) COMPARE_AS(uint32_t);
    if (order.type == SHF_PQ_INT32) COMPARE_AS(int32_t);
    if (order.type == SHF_PQ_INT64 && order.is_unsigned) COMPARE_AS(uint64_t);
    if (order.type == SHF_PQ_INT64) COMPARE_AS(int64_t);
    if (order.type == SHF_PQ_FLOAT) COMPARE_AS(float);
    if (order.type == SHF_PQ_DOUBLE) COMPARE_AS(double);
    return compare_bytes(a, a_size, b, b_size);
}

void shf_pq_bounds_join(shf_pq_order order, shf_pq_bounds *all, const shf_pq_bounds *part)
{
    all->lost = all->lost || part->lost;
    if (!part->has) return;
    if (!all->has || shf_pq_bounds_compare(order, part->min, part->min_size, all->min, all->min_size) < 0) {
        all->min_size = part->min_size;
        memcpy(all->min, part->min, part->min_size);
    }
    if (!all->has || shf_pq_bounds_compare(order, part->max, part->max_size, all->max, all->max_size) > 0) {
        all->max_size = part->max_size;
        memcpy(all->max, part->max, part->max_size);
    }
    all->has = true;
}
