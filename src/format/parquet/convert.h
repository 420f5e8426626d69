// SPDX-License-Identifier: Apache-2.0
/* Numbers of Parquet types as f64, and INT96 as nanoseconds. */
#ifndef SHF_FORMAT_PARQUET_CONVERT_H
#define SHF_FORMAT_PARQUET_CONVERT_H

#include "format/parquet/meta.h"

typedef struct shf_pq_convert {
    int32_t type;
    size_t value_size;
    shf_pq_logical logical;
    bool is_signed; /* of INTEGER */
    int32_t scale;  /* of DECIMAL */
} shf_pq_convert;

/* n fixed-size values, which must be numbers: all types but FIXED, and FIXED as DECIMAL or FLOAT16. */
void shf_pq_to_f64(const shf_pq_convert *convert, const uint8_t *values, size_t n, double *out);
/* A decimal's unscaled value as big-endian two's complement, divided by 10^scale. */
double shf_pq_decimal_f64(const uint8_t *bytes, size_t n, int32_t scale);
/* Julian day and nanoseconds of the day (Impala's timestamps) as nanoseconds since 1970; wraps beyond the range of i64. */
int64_t shf_pq_int96_ns(const uint8_t bytes[12]);
/* IEEE 754 half precision. */
double shf_pq_half_f64(uint16_t half);

#endif
