// SPDX-License-Identifier: Apache-2.0
#include "format/json_text.h"

#include <math.h>
#include <string.h>

#include "base/error.h"
#include "format/number.h"

static bool is_continuation(const uint8_t *p, size_t n, size_t i)
{
    return i < n && (p[i] & 0xc0) == 0x80;
}

/* Bytes of the valid UTF-8 sequence at p (RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF); 0 when there is none. */
static size_t sequence(const uint8_t *p, size_t n)
{
    if (p[0] < 0x80) return 1;
    if (p[0] < 0xc2 || p[0] > 0xf4 || !is_continuation(p, n, 1)) return 0;
    if (p[0] < 0xe0) return 2;
    if (!is_continuation(p, n, 2)) return 0;
    if (p[0] < 0xf0) {
        bool overlong = p[0] == 0xe0 && p[1] < 0xa0, surrogate = p[0] == 0xed && p[1] > 0x9f;
        return overlong || surrogate ? 0 : 3;
    }
    bool overlong = p[0] == 0xf0 && p[1] < 0x90, too_high = p[0] == 0xf4 && p[1] > 0x8f;
    return overlong || too_high || !is_continuation(p, n, 3) ? 0 : 4;
}

/* The escape of an ASCII character, at most 6 bytes; returns its length, 0 when none is needed. */
static size_t escape(uint8_t c, char *to)
{
    static const char hex[] = "0123456789abcdef", shorts[] = "btn_fr"; /* of 8 to 13; 11 has none */
    if (c == '"' || c == '\\') {
        to[0] = '\\';
        to[1] = (char)c;
        return 2;
    }
    if (c >= 0x20 && c != 0x7f) return 0;
    if (c >= 8 && c <= 13 && c != 11) {
        to[0] = '\\';
        to[1] = shorts[c - 8];
        return 2;
    }
    memcpy(to, "\\u00", 4);
    to[4] = hex[c >> 4];
    to[5] = hex[c & 15];
    return 6;
}

sheaf_status shf_json_string(shf_buf *buf, const char *text, size_t n, sheaf_error *err)
{
    const uint8_t *p = (const uint8_t *)text;
    SHF_TRY(shf_buf_reserve(buf, n + 2, err));
    SHF_TRY(shf_buf_append(buf, "\"", 1, err));
    for (size_t i = 0; i < n;) {
        char room[6];
        size_t size = sequence(p + i, n - i), escaped = size == 1 ? escape(p[i], room) : 0;
        if (size == 0) SHF_TRY(shf_buf_append(buf, "\xef\xbf\xbd", 3, err));
        else if (escaped) SHF_TRY(shf_buf_append(buf, room, escaped, err));
        else SHF_TRY(shf_buf_append(buf, p + i, size, err));
        i += size ? size : 1;
    }
    return shf_buf_append(buf, "\"", 1, err);
}

sheaf_status shf_json_i64(shf_buf *buf, int64_t value, sheaf_error *err)
{
    SHF_TRY(shf_buf_reserve(buf, SHF_NUMBER_ROOM, err));
    buf->size += shf_print_i64((char *)buf->data + buf->size, value);
    return SHEAF_OK;
}

sheaf_status shf_json_u64(shf_buf *buf, uint64_t value, sheaf_error *err)
{
    SHF_TRY(shf_buf_reserve(buf, SHF_NUMBER_ROOM, err));
    buf->size += shf_print_u64((char *)buf->data + buf->size, value);
    return SHEAF_OK;
}

static sheaf_status put_nonfinite(shf_buf *buf, double value, shf_json_nonfinite nonfinite, sheaf_error *err)
{
    if (nonfinite == SHF_JSON_NULL) return shf_buf_append_text(buf, "null", err);
    return shf_buf_append_text(buf, isnan(value) ? "\"nan\"" : value < 0 ? "\"-inf\"" : "\"inf\"", err);
}

sheaf_status shf_json_f64(shf_buf *buf, double value, shf_json_nonfinite nonfinite, sheaf_error *err)
{
    if (!isfinite(value)) return put_nonfinite(buf, value, nonfinite, err);
    SHF_TRY(shf_buf_reserve(buf, SHF_NUMBER_ROOM, err));
    buf->size += shf_print_f64((char *)buf->data + buf->size, value);
    return SHEAF_OK;
}

sheaf_status shf_json_f32(shf_buf *buf, float value, shf_json_nonfinite nonfinite, sheaf_error *err)
{
    if (!isfinite(value)) return put_nonfinite(buf, (double)value, nonfinite, err);
    SHF_TRY(shf_buf_reserve(buf, SHF_NUMBER_ROOM, err));
    buf->size += shf_print_f32((char *)buf->data + buf->size, value);
    return SHEAF_OK;
}

sheaf_status shf_json_value(shf_buf *buf, sheaf_dtype dtype, const void *values, size_t i, shf_json_nonfinite nonfinite, sheaf_error *err)
{
    switch (dtype) {
    case SHEAF_BOOL: return shf_buf_append_text(buf, ((const uint8_t *)values)[i] ? "true" : "false", err);
    case SHEAF_I8: return shf_json_i64(buf, ((const int8_t *)values)[i], err);
    case SHEAF_I16: return shf_json_i64(buf, ((const int16_t *)values)[i], err);
    case SHEAF_I32: return shf_json_i64(buf, ((const int32_t *)values)[i], err);
    case SHEAF_I64: return shf_json_i64(buf, ((const int64_t *)values)[i], err);
    case SHEAF_U8: return shf_json_u64(buf, ((const uint8_t *)values)[i], err);
    case SHEAF_U16: return shf_json_u64(buf, ((const uint16_t *)values)[i], err);
    case SHEAF_U32: return shf_json_u64(buf, ((const uint32_t *)values)[i], err);
    case SHEAF_U64: return shf_json_u64(buf, ((const uint64_t *)values)[i], err);
    case SHEAF_F32: return shf_json_f32(buf, ((const float *)values)[i], nonfinite, err);
    case SHEAF_F64: return shf_json_f64(buf, ((const double *)values)[i], nonfinite, err);
    case SHEAF_DTYPE_NONE: break;
    }
    return shf_fail(err, SHEAF_ERR_ARGUMENT, "dtype %d is unknown", (int)dtype);
}

/* Behind the string that begins at p. */
static const char *skip_string(const char *p)
{
    for (p++; *p && *p != '"'; p++)
        if (*p == '\\' && p[1]) p++;
    return *p ? p + 1 : p;
}

static sheaf_status shorten_number(shf_buf *buf, const char *p, size_t n, sheaf_error *err)
{
    double value;
    bool real = memchr(p, '.', n) || memchr(p, 'e', n) || memchr(p, 'E', n);
    if (!real || shf_parse_f64(p, p + n, &value) != p + n) return shf_buf_append(buf, p, n, err);
    char text[SHF_NUMBER_ROOM];
    size_t size = shf_print_f64(text, value);
    SHF_TRY(shf_buf_append(buf, text, size, err));
    bool whole = !memchr(text, '.', size) && !memchr(text, 'e', size);
    return whole ? shf_buf_append(buf, ".0", 2, err) : SHEAF_OK;
}

sheaf_status shf_json_shorten(shf_buf *buf, const char *json, sheaf_error *err)
{
    const char *p = json;
    while (*p) {
        bool number = (*p >= '0' && *p <= '9') || *p == '-';
        const char *end = *p == '"' ? skip_string(p) : number ? p + strspn(p, "0123456789+-.eE") : p + strcspn(p, "\"-0123456789");
        SHF_TRY(number ? shorten_number(buf, p, (size_t)(end - p), err) : shf_buf_append(buf, p, (size_t)(end - p), err));
        p = end;
    }
    return SHEAF_OK;
}
