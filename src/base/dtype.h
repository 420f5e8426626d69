// SPDX-License-Identifier: Apache-2.0
/* What the dtypes mean inside: fill values and NumPy descriptions. The list itself is in sheaf/types.h. */
#ifndef SHF_BASE_DTYPE_H
#define SHF_BASE_DTYPE_H

#include "sheaf/types.h"

/* NumPy's descr ("<f8"); "" for an unknown type. */
const char *shf_dtype_descr(sheaf_dtype dtype);
/* The fill value as JSON text of Zarr v3 metadata ("\"NaN\"", "0", "false"). */
const char *shf_dtype_fill_json(sheaf_dtype dtype);
/* Writes n fill values (f32/f64: the quiet NaN 0x7fc00000 / 0x7ff8000000000000; others zero). */
void shf_dtype_fill(sheaf_dtype dtype, void *to, size_t n);
static inline bool shf_dtype_is_float(sheaf_dtype dtype)
{
    return dtype == SHEAF_F32 || dtype == SHEAF_F64;
}
/* Value of element i of an array as f64 (i64 and u64 beyond 2^53 round), and back with C's conversion (saturating at the
 * range of the type; NaN becomes 0 in integer types). */
double shf_dtype_load(sheaf_dtype dtype, const void *values, size_t i);
void shf_dtype_store(sheaf_dtype dtype, void *values, size_t i, double value);
/* Converts n elements from one type to another, as shf_dtype_load and _store would, quickly where types are equal or float. */
void shf_dtype_convert(sheaf_dtype from, const void *in, sheaf_dtype to, void *out, size_t n);

#endif
