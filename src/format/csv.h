// SPDX-License-Identifier: Apache-2.0
/* Writing CSV (RFC 4180) into a buffer, field by field: quoted only where needed, booleans true and false, an absent value is an empty
 * field, inf, -inf and nan as such, floats in the shortest form that reads back equal or with fixed decimals. */
#ifndef SHF_FORMAT_CSV_H
#define SHF_FORMAT_CSV_H

#include "base/buf.h"
#include "sheaf/types.h"

typedef struct shf_csv {
    shf_buf *buf;     /* Borrowed */
    char delimiter;   /* ',' or '\t' ... */
    bool crlf;        /* line ends of RFC 4180 instead of LF */
    int decimals;     /* of floats; -1 for the shortest form */
    size_t row_begin; /* where the row at hand begins in buf, for the use of this module */
    bool in_row;
} shf_csv;

/* Comma, LF, shortest floats. */
static inline shf_csv shf_csv_init(shf_buf *buf)
{
    return (shf_csv){buf, ',', false, -1, buf->size, false};
}

/* Fields. Text is UTF-8 of n bytes; an empty text is written as "" so that it differs from an absent value. */
sheaf_status shf_csv_text(shf_csv *csv, const char *text, size_t n, sheaf_error *err);
sheaf_status shf_csv_absent(shf_csv *csv, sheaf_error *err);
sheaf_status shf_csv_bool(shf_csv *csv, bool value, sheaf_error *err);
sheaf_status shf_csv_i64(shf_csv *csv, int64_t value, sheaf_error *err);
sheaf_status shf_csv_u64(shf_csv *csv, uint64_t value, sheaf_error *err);
sheaf_status shf_csv_f32(shf_csv *csv, float value, sheaf_error *err);
sheaf_status shf_csv_f64(shf_csv *csv, double value, sheaf_error *err);
/* n fields from an array. */
sheaf_status shf_csv_values(shf_csv *csv, sheaf_dtype dtype, const void *values, size_t n, sheaf_error *err);
/* Ends the row; a row of one empty field is written as "" (a blank line would be none). The caller may take the bytes out of buf
 * (setting size to 0) after it. */
sheaf_status shf_csv_end_row(shf_csv *csv, sheaf_error *err);

#endif
