// SPDX-License-Identifier: Apache-2.0
/** @file types.h  Element types and shapes that every noun shares. */
#ifndef SHEAF_TYPES_H
#define SHEAF_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Most dimensions of an array. */
#define SHEAF_MAX_NDIM 8
/** Longest name of an array or dimension, in bytes without the terminating zero. */
#define SHEAF_MAX_NAME 63

/** Every element type: X(constant, value, name, bytes, NumPy descr, fill value as text in Zarr metadata).
 *  Fill values: what reads back where nothing was stored. */
#define SHEAF_DTYPE_LIST(X)                          \
    X(SHEAF_BOOL, 1, "bool", 1, "|b1", "false")      \
    X(SHEAF_I8, 2, "int8", 1, "|i1", "0")            \
    X(SHEAF_I16, 3, "int16", 2, "<i2", "0")          \
    X(SHEAF_I32, 4, "int32", 4, "<i4", "0")          \
    X(SHEAF_I64, 5, "int64", 8, "<i8", "0")          \
    X(SHEAF_U8, 6, "uint8", 1, "|u1", "0")           \
    X(SHEAF_U16, 7, "uint16", 2, "<u2", "0")         \
    X(SHEAF_U32, 8, "uint32", 4, "<u4", "0")         \
    X(SHEAF_U64, 9, "uint64", 8, "<u8", "0")         \
    X(SHEAF_F32, 10, "float32", 4, "<f4", "\"NaN\"") \
    X(SHEAF_F64, 11, "float64", 8, "<f8", "\"NaN\"")

/** Element type. Stored little-endian in every format. */
typedef enum sheaf_dtype {
    SHEAF_DTYPE_NONE = 0,
#define SHEAF_DTYPE_ENUM(constant, value, name, bytes, descr, fill) constant = (value),
    SHEAF_DTYPE_LIST(SHEAF_DTYPE_ENUM)
#undef SHEAF_DTYPE_ENUM
} sheaf_dtype;

/** Bytes of one element; 0 for an unknown type. Any thread. */
SHEAF_API size_t sheaf_dtype_size(sheaf_dtype dtype);
/** NumPy's name ("float64"); "unknown" for an unknown type. Any thread. */
SHEAF_API const char *sheaf_dtype_name(sheaf_dtype dtype);
/** Reads "float64", "f64", "<f8" and the like; SHEAF_DTYPE_NONE when it is none. Any thread. */
SHEAF_API sheaf_dtype sheaf_dtype_parse(const char *text);

#ifdef __cplusplus
}
#endif
#endif
