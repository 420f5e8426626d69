// SPDX-License-Identifier: Apache-2.0
#include "format/parquet/convert.h"

#include <math.h>

#include "base/checked.h"

static double power_of_10(int32_t scale)
{
    return scale == 0 ? 1.0 : pow(10.0, scale);
}

double shf_pq_decimal_f64(const uint8_t *bytes, size_t n, int32_t scale)
{
    if (n == 0) return 0;
    bool negative = bytes[0] & 0x80;
    long double value = 0;
    uint8_t flip = negative ? 0xFF : 0;
    for (size_t i = 0; i < n; i++) value = value * 256 + (bytes[i] ^ flip);
    if (negative) value = -(value + 1);
    return (double)value / power_of_10(scale);
}

int64_t shf_pq_int96_ns(const uint8_t bytes[12])
{
    enum { JULIAN_DAY_OF_1970 = 2440588 };
    uint64_t days = (uint64_t)((int64_t)shf_get_i32(bytes + 8) - JULIAN_DAY_OF_1970);
    return (int64_t)(days * UINT64_C(86400000000000) + shf_get_u64(bytes));
}

double shf_pq_half_f64(uint16_t half)
{
    int exponent = half >> 10 & 31;
    double fraction = half & 1023, value;
    if (exponent == 31) value = fraction != 0 ? (double)NAN : (double)INFINITY;
    else if (exponent == 0) value = ldexp(fraction, -24);
    else value = ldexp(fraction + 1024, exponent - 25);
    return half & 0x8000 ? -value : value;
}

static void integers(const shf_pq_convert *c, const uint8_t *values, size_t n, double *out)
{
    bool is_unsigned = c->logical == SHF_PQ_INTEGER && !c->is_signed;
    if (c->type == SHF_PQ_INT32 && is_unsigned)
        for (size_t i = 0; i < n; i++) out[i] = shf_get_u32(values + 4 * i);
    else if (c->type == SHF_PQ_INT32)
        for (size_t i = 0; i < n; i++) out[i] = shf_get_i32(values + 4 * i);
    else if (is_unsigned)
        for (size_t i = 0; i < n; i++) out[i] = (double)shf_get_u64(values + 8 * i);
    else
        for (size_t i = 0; i < n; i++) out[i] = (double)(int64_t)shf_get_u64(values + 8 * i);
    if (c->logical != SHF_PQ_DECIMAL || c->scale == 0) return;
    double divisor = power_of_10(c->scale);
    for (size_t i = 0; i < n; i++) out[i] /= divisor;
}

void shf_pq_to_f64(const shf_pq_convert *c, const uint8_t *values, size_t n, double *out)
{
    switch (c->type) {
    case SHF_PQ_BOOLEAN:
        for (size_t i = 0; i < n; i++) out[i] = values[i];
        return;
    case SHF_PQ_FLOAT:
        for (size_t i = 0; i < n; i++) {
            float value;
            memcpy(&value, values + 4 * i, sizeof value);
            out[i] = (double)value;
        }
        return;
    case SHF_PQ_DOUBLE: memcpy(out, values, n * sizeof *out); return;
    case SHF_PQ_INT96:
        for (size_t i = 0; i < n; i++) out[i] = (double)shf_pq_int96_ns(values + 12 * i);
        return;
    case SHF_PQ_FIXED:
        for (size_t i = 0; i < n; i++) {
            const uint8_t *value = values + c->value_size * i;
            out[i] =
                c->logical == SHF_PQ_FLOAT16 ? shf_pq_half_f64(shf_get_u16(value)) : shf_pq_decimal_f64(value, c->value_size, c->scale);
        }
        return;
    default: integers(c, values, n, out);
    }
}
