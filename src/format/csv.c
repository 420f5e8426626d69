// SPDX-License-Identifier: Apache-2.0
#include "format/csv.h"

#include <string.h>

#include "base/error.h"
#include "format/number.h"

/* Room for one more field of at most `room` bytes behind its delimiter; *to is where it goes. */
static inline sheaf_status begin_field(shf_csv *csv, size_t room, char **to, sheaf_error *err)
{
    shf_buf *buf = csv->buf;
    if (buf->capacity - buf->size < room + 1) SHF_TRY(shf_buf_reserve(buf, room + 1, err));
    if (csv->in_row) buf->data[buf->size++] = (uint8_t)csv->delimiter;
    else csv->row_begin = buf->size;
    csv->in_row = true;
    *to = (char *)buf->data + buf->size;
    return SHEAF_OK;
}

sheaf_status shf_csv_text(shf_csv *csv, const char *text, size_t n, sheaf_error *err)
{
    char *to;
    bool quoted = n == 0;
    size_t quotes = 0;
    for (size_t i = 0; i < n; i++) {
        quotes += text[i] == '"';
        quoted |= text[i] == csv->delimiter || text[i] == '"' || text[i] == '\n' || text[i] == '\r';
    }
    SHF_TRY(begin_field(csv, n + quotes + 2, &to, err));
    char *at = to;
    if (!quoted) {
        memcpy(at, text, n);
        at += n;
    } else {
        *at++ = '"';
        for (size_t i = 0; i < n; i++) {
            if (text[i] == '"') *at++ = '"';
            *at++ = text[i];
        }
        *at++ = '"';
    }
    csv->buf->size += (size_t)(at - to);
    return SHEAF_OK;
}

sheaf_status shf_csv_absent(shf_csv *csv, sheaf_error *err)
{
    char *to;
    return begin_field(csv, 0, &to, err);
}

sheaf_status shf_csv_bool(shf_csv *csv, bool value, sheaf_error *err)
{
    return shf_csv_text(csv, value ? "true" : "false", value ? 4 : 5, err);
}

sheaf_status shf_csv_i64(shf_csv *csv, int64_t value, sheaf_error *err)
{
    char *to;
    SHF_TRY(begin_field(csv, SHF_NUMBER_ROOM, &to, err));
    csv->buf->size += shf_print_i64(to, value);
    return SHEAF_OK;
}

sheaf_status shf_csv_u64(shf_csv *csv, uint64_t value, sheaf_error *err)
{
    char *to;
    SHF_TRY(begin_field(csv, SHF_NUMBER_ROOM, &to, err));
    csv->buf->size += shf_print_u64(to, value);
    return SHEAF_OK;
}

sheaf_status shf_csv_f32(shf_csv *csv, float value, sheaf_error *err)
{
    char *to;
    if (csv->decimals >= 0) return shf_csv_f64(csv, (double)value, err);
    SHF_TRY(begin_field(csv, SHF_NUMBER_ROOM, &to, err));
    csv->buf->size += shf_print_f32(to, value);
    return SHEAF_OK;
}

sheaf_status shf_csv_f64(shf_csv *csv, double value, sheaf_error *err)
{
    char *to;
    SHF_TRY(begin_field(csv, SHF_FIXED_ROOM, &to, err));
    csv->buf->size += csv->decimals < 0 ? shf_print_f64(to, value) : shf_print_fixed(to, value, csv->decimals);
    return SHEAF_OK;
}

static sheaf_status put_value(shf_csv *csv, sheaf_dtype dtype, const void *values, size_t i, sheaf_error *err)
{
    switch (dtype) {
    case SHEAF_BOOL: return shf_csv_bool(csv, ((const uint8_t *)values)[i] != 0, err);
    case SHEAF_I8: return shf_csv_i64(csv, ((const int8_t *)values)[i], err);
    case SHEAF_I16: return shf_csv_i64(csv, ((const int16_t *)values)[i], err);
    case SHEAF_I32: return shf_csv_i64(csv, ((const int32_t *)values)[i], err);
    case SHEAF_I64: return shf_csv_i64(csv, ((const int64_t *)values)[i], err);
    case SHEAF_U8: return shf_csv_u64(csv, ((const uint8_t *)values)[i], err);
    case SHEAF_U16: return shf_csv_u64(csv, ((const uint16_t *)values)[i], err);
    case SHEAF_U32: return shf_csv_u64(csv, ((const uint32_t *)values)[i], err);
    case SHEAF_U64: return shf_csv_u64(csv, ((const uint64_t *)values)[i], err);
    case SHEAF_F32: return shf_csv_f32(csv, ((const float *)values)[i], err);
    case SHEAF_F64: return shf_csv_f64(csv, ((const double *)values)[i], err);
    case SHEAF_DTYPE_NONE: break;
    }
    return shf_fail(err, SHEAF_ERR_ARGUMENT, "dtype %d is unknown", (int)dtype);
}

sheaf_status shf_csv_values(shf_csv *csv, sheaf_dtype dtype, const void *values, size_t n, sheaf_error *err)
{
    for (size_t i = 0; i < n; i++) SHF_TRY(put_value(csv, dtype, values, i, err));
    return SHEAF_OK;
}

sheaf_status shf_csv_end_row(shf_csv *csv, sheaf_error *err)
{
    bool lone_absent = !csv->in_row || csv->buf->size == csv->row_begin;
    if (lone_absent) SHF_TRY(shf_buf_append(csv->buf, "\"\"", 2, err));
    csv->in_row = false;
    return shf_buf_append(csv->buf, csv->crlf ? "\r\n" : "\n", csv->crlf ? 2 : 1, err);
}
