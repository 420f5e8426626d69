// SPDX-License-Identifier: Apache-2.0
#include "base/dtype.h"

#include <math.h>
#include <string.h>

typedef struct dtype_row {
    const char *name, *descr, *fill;
    size_t size;
} dtype_row;

static const dtype_row *row_of(sheaf_dtype dtype)
{
#define ROW(constant, value, name, bytes, descr, fill) [value] = {name, descr, fill, bytes},
    static const dtype_row rows[] = {[SHEAF_DTYPE_NONE] = {"unknown", "", "null", 0}, SHEAF_DTYPE_LIST(ROW)};
#undef ROW
    size_t i = (size_t)dtype;
    return i < sizeof rows / sizeof rows[0] ? &rows[i] : &rows[0];
}

size_t sheaf_dtype_size(sheaf_dtype dtype)
{
    return row_of(dtype)->size;
}

const char *sheaf_dtype_name(sheaf_dtype dtype)
{
    return row_of(dtype)->name;
}

const char *shf_dtype_descr(sheaf_dtype dtype)
{
    return row_of(dtype)->descr;
}

const char *shf_dtype_fill_json(sheaf_dtype dtype)
{
    return row_of(dtype)->fill;
}

sheaf_dtype sheaf_dtype_parse(const char *text)
{
    static const char *const shorts[] = {
        [SHEAF_BOOL] = "b1", [SHEAF_I8] = "i8",   [SHEAF_I16] = "i16", [SHEAF_I32] = "i32", [SHEAF_I64] = "i64", [SHEAF_U8] = "u8",
        [SHEAF_U16] = "u16", [SHEAF_U32] = "u32", [SHEAF_U64] = "u64", [SHEAF_F32] = "f32", [SHEAF_F64] = "f64"};
    if (!text) return SHEAF_DTYPE_NONE;
    for (int i = SHEAF_BOOL; i <= SHEAF_F64; i++) {
        const dtype_row *row = row_of((sheaf_dtype)i);
        if (!strcmp(text, row->name) || !strcmp(text, row->descr) || !strcmp(text, shorts[i])) return (sheaf_dtype)i;
    }
    return SHEAF_DTYPE_NONE;
}

void shf_dtype_fill(sheaf_dtype dtype, void *to, size_t n)
{
    /* By copies: rows of a table may lie at any address. */
    const float nan_f32 = NAN;
    const double nan_f64 = (double)NAN;
    char *at = to;
    if (dtype == SHEAF_F32) {
        for (size_t i = 0; i < n; i++) memcpy(at + i * sizeof nan_f32, &nan_f32, sizeof nan_f32);
    } else if (dtype == SHEAF_F64) {
        for (size_t i = 0; i < n; i++) memcpy(at + i * sizeof nan_f64, &nan_f64, sizeof nan_f64);
    } else if (n) {
        memset(to, 0, n * sheaf_dtype_size(dtype));
    }
}

double shf_dtype_load(sheaf_dtype dtype, const void *values, size_t i)
{
    switch (dtype) {
    case SHEAF_BOOL: return ((const uint8_t *)values)[i] != 0;
    case SHEAF_I8: return ((const int8_t *)values)[i];
    case SHEAF_I16: return ((const int16_t *)values)[i];
    case SHEAF_I32: return ((const int32_t *)values)[i];
    case SHEAF_I64: return (double)((const int64_t *)values)[i];
    case SHEAF_U8: return ((const uint8_t *)values)[i];
    case SHEAF_U16: return ((const uint16_t *)values)[i];
    case SHEAF_U32: return ((const uint32_t *)values)[i];
    case SHEAF_U64: return (double)((const uint64_t *)values)[i];
    case SHEAF_F32: return (double)((const float *)values)[i];
    case SHEAF_F64: return ((const double *)values)[i];
    case SHEAF_DTYPE_NONE: break;
    }
    return (double)NAN;
}

static double clamp(double value, double low, double high)
{
    if (isnan(value)) return 0.0;
    return value < low ? low : value > high ? high : value;
}

void shf_dtype_store(sheaf_dtype dtype, void *values, size_t i, double value)
{
    switch (dtype) {
    case SHEAF_BOOL: ((uint8_t *)values)[i] = value != 0; break;
    case SHEAF_I8: ((int8_t *)values)[i] = (int8_t)clamp(value, -128, 127); break;
    case SHEAF_I16: ((int16_t *)values)[i] = (int16_t)clamp(value, -32768, 32767); break;
    case SHEAF_I32: ((int32_t *)values)[i] = (int32_t)clamp(value, -2147483648.0, 2147483647.0); break;
    case SHEAF_I64:
        ((int64_t *)values)[i] =
            value >= 9223372036854775808.0 ? INT64_MAX : (int64_t)clamp(value, -9223372036854775808.0, 9223372036854774784.0);
        break;
    case SHEAF_U8: ((uint8_t *)values)[i] = (uint8_t)clamp(value, 0, 255); break;
    case SHEAF_U16: ((uint16_t *)values)[i] = (uint16_t)clamp(value, 0, 65535); break;
    case SHEAF_U32: ((uint32_t *)values)[i] = (uint32_t)clamp(value, 0, 4294967295.0); break;
    case SHEAF_U64:
        ((uint64_t *)values)[i] = value >= 18446744073709551616.0 ? UINT64_MAX : (uint64_t)clamp(value, 0, 18446744073709549568.0);
        break;
    case SHEAF_F32: ((float *)values)[i] = (float)value; break;
    case SHEAF_F64: ((double *)values)[i] = value; break;
    case SHEAF_DTYPE_NONE: break;
    }
}

void shf_dtype_convert(sheaf_dtype from, const void *in, sheaf_dtype to, void *out, size_t n)
{
    if (from == to) {
        if (n) memcpy(out, in, n * sheaf_dtype_size(from));
    } else if (from == SHEAF_F64 && to == SHEAF_F32) {
        for (size_t i = 0; i < n; i++) ((float *)out)[i] = (float)((const double *)in)[i];
    } else if (from == SHEAF_F32 && to == SHEAF_F64) {
        for (size_t i = 0; i < n; i++) ((double *)out)[i] = (double)((const float *)in)[i];
    } else if (from == SHEAF_I32 && to == SHEAF_I64) {
        for (size_t i = 0; i < n; i++) ((int64_t *)out)[i] = ((const int32_t *)in)[i];
    } else {
        for (size_t i = 0; i < n; i++) shf_dtype_store(to, out, i, shf_dtype_load(from, in, i));
    }
}
