// SPDX-License-Identifier: Apache-2.0
/* Writing JSON (RFC 8259) into a buffer. Commas, colons and brackets are the caller's. */
#ifndef SHF_FORMAT_JSON_TEXT_H
#define SHF_FORMAT_JSON_TEXT_H

#include "base/buf.h"
#include "sheaf/types.h"

/* What stands for inf, -inf and nan, which JSON does not have. */
typedef enum shf_json_nonfinite {
    SHF_JSON_NULL = 0, /* null */
    SHF_JSON_STRING    /* "inf", "-inf", "nan" */
} shf_json_nonfinite;

/* n bytes of UTF-8 as a string with its quotes. Escaped: the quote, the backslash, control characters (\b \f \n \r \t, else \u00XX).
 * Each byte that is no part of valid UTF-8 becomes U+FFFD, so the output always is valid. */
sheaf_status shf_json_string(shf_buf *buf, const char *text, size_t n, sheaf_error *err);
sheaf_status shf_json_i64(shf_buf *buf, int64_t value, sheaf_error *err);
sheaf_status shf_json_u64(shf_buf *buf, uint64_t value, sheaf_error *err);
sheaf_status shf_json_f64(shf_buf *buf, double value, shf_json_nonfinite nonfinite, sheaf_error *err);
sheaf_status shf_json_f32(shf_buf *buf, float value, shf_json_nonfinite nonfinite, sheaf_error *err);
/* Element i of an array; booleans as true and false. */
sheaf_status shf_json_value(shf_buf *buf, sheaf_dtype dtype, const void *values, size_t i, shf_json_nonfinite nonfinite, sheaf_error *err);
/* Copies a JSON text with its real numbers in the fewest digits that read back equal (0.074999999999999997 as 0.075). They stay real numbers:
 * 2.0 keeps its point. Strings and whole numbers are left as they are. */
sheaf_status shf_json_shorten(shf_buf *buf, const char *json, sheaf_error *err);

#endif
