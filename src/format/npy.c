// SPDX-License-Identifier: Apache-2.0
#include "format/npy.h"

#include <stdio.h>
#include <string.h>

#include "base/checked.h"
#include "base/dtype.h"
#include "base/error.h"

static const uint8_t magic[6] = {0x93, 'N', 'U', 'M', 'P', 'Y'};
#define LARGEST_HEADER (1U << 20)
#define LONGEST_TEXT 256

sheaf_status shf_npy_header_size(const void *bytes, size_t n, size_t *size, sheaf_error *err)
{
    const uint8_t *b = bytes;
    if (memcmp(b, magic, n < 6 ? n : 6) != 0)
        return shf_fail_at(err, SHEAF_ERR_INPUT, NULL, NULL, -1, 0, "not a .npy file: its first bytes are not \\x93NUMPY");
    if (n < 10)
        return shf_fail_at(err, SHEAF_ERR_TRUNCATED, NULL, NULL, -1, (int64_t)n, ".npy header: expected at least 10 bytes, got %zu", n);
    if (b[6] < 1 || b[6] > 3 || b[7] != 0)
        return shf_fail_at(err, SHEAF_ERR_INPUT, NULL, NULL, -1, 6, ".npy version %u.%u is unknown; known are 1.0, 2.0 and 3.0", b[6],
                           b[7]);
    if (b[6] == 1) {
        *size = 10 + (size_t)shf_get_u16(b + 8);
        return SHEAF_OK;
    }
    if (n < 12)
        return shf_fail_at(err, SHEAF_ERR_TRUNCATED, NULL, NULL, -1, (int64_t)n, ".npy header: expected at least 12 bytes, got %zu", n);
    uint32_t length = shf_get_u32(b + 8);
    if (length > LARGEST_HEADER)
        return shf_fail_at(err, SHEAF_ERR_INPUT, NULL, NULL, -1, 8, ".npy header of %u bytes: at most %u are allowed", length,
                           LARGEST_HEADER);
    *size = 12 + (size_t)length;
    return SHEAF_OK;
}

/* Reading the dictionary, a Python literal such as {'descr': '<f8', 'fortran_order': False, 'shape': (3, 4), }. */
typedef struct reader {
    const char *begin, *p, *end;
    size_t offset; /* of begin in the file */
    sheaf_error *err;
} reader;

static sheaf_status malformed(const reader *r, const char *expected)
{
    int64_t byte = (int64_t)(r->offset + (size_t)(r->p - r->begin));
    return shf_fail_at(r->err, SHEAF_ERR_INPUT, NULL, NULL, -1, byte, ".npy header is malformed: expected %s at byte %lld", expected,
                       (long long)byte);
}

static void skip_space(reader *r)
{
    while (r->p < r->end && (*r->p == ' ' || *r->p == '\t' || *r->p == '\n' || *r->p == '\r')) r->p++;
}

static bool take(reader *r, char c)
{
    skip_space(r);
    if (r->p == r->end || *r->p != c) return false;
    r->p++;
    return true;
}

static bool take_word(reader *r, const char *word)
{
    size_t n = strlen(word);
    skip_space(r);
    if ((size_t)(r->end - r->p) < n || memcmp(r->p, word, n) != 0) return false;
    r->p += n;
    return true;
}

/* A quoted text without escapes, cut off when it is too long to be one of ours. */
static sheaf_status take_text(reader *r, char to[LONGEST_TEXT])
{
    skip_space(r);
    if (r->p == r->end || (*r->p != '\'' && *r->p != '"')) return malformed(r, "a quoted text");
    char quote = *r->p++;
    const char *close = memchr(r->p, quote, (size_t)(r->end - r->p));
    if (!close) return malformed(r, "a closing quote");
    size_t n = (size_t)(close - r->p);
    if (n >= LONGEST_TEXT) n = LONGEST_TEXT - 1;
    for (size_t i = 0; i < n; i++) to[i] = r->p[i] >= 32 && r->p[i] < 127 ? r->p[i] : '?';
    to[n] = '\0';
    r->p = close + 1;
    return SHEAF_OK;
}

static sheaf_status take_descr(reader *r, shf_npy_header *h)
{
    char text[LONGEST_TEXT] = "", little[LONGEST_TEXT];
    skip_space(r);
    if (r->p < r->end && *r->p == '[')
        return shf_fail(r->err, SHEAF_ERR_UNSUPPORTED, ".npy dtype is structured; one plain number type is needed");
    SHF_TRY(take_text(r, text));
    memcpy(little, text, sizeof little);
    bool wide = text[0] && text[1] && text[2] != '1';
    h->big_endian = text[0] == '>' && wide;
    if (text[0] == '>' || text[0] == '=' || text[0] == '<') little[0] = wide ? '<' : '|';
    h->dtype = SHEAF_DTYPE_NONE;
    for (int d = SHEAF_BOOL; d <= SHEAF_F64; d++) {
        if (!strcmp(shf_dtype_descr((sheaf_dtype)d), little)) h->dtype = (sheaf_dtype)d;
    }
    if (h->dtype) return SHEAF_OK;
    return shf_fail(r->err, SHEAF_ERR_UNSUPPORTED, ".npy dtype '%.40s' is not supported; bool, int8 to uint64, float32 and float64 are",
                    text);
}

static sheaf_status take_order(reader *r, shf_npy_header *h)
{
    h->fortran_order = take_word(r, "True");
    return h->fortran_order || take_word(r, "False") ? SHEAF_OK : malformed(r, "True or False");
}

static sheaf_status take_length(reader *r, uint64_t *length)
{
    uint64_t n = 0;
    skip_space(r);
    const char *first = r->p;
    for (; r->p < r->end && *r->p >= '0' && *r->p <= '9'; r->p++) {
        if (!shf_mul_u64(n, 10, &n) || !shf_add_u64(n, (uint64_t)(*r->p - '0'), &n)) return malformed(r, "a length below 2^64");
    }
    if (r->p == first) return malformed(r, "a length");
    if (r->p < r->end && *r->p == 'L') r->p++; /* Python 2 wrote long integers so */
    *length = n;
    return SHEAF_OK;
}

static sheaf_status take_shape(reader *r, shf_npy_header *h)
{
    h->ndim = 0;
    if (!take(r, '(')) return malformed(r, "a tuple");
    while (!take(r, ')')) {
        if (h->ndim == SHEAF_MAX_NDIM)
            return shf_fail(r->err, SHEAF_ERR_UNSUPPORTED, ".npy array has more than %d dimensions", SHEAF_MAX_NDIM);
        SHF_TRY(take_length(r, &h->shape[h->ndim++]));
        if (take(r, ',')) continue;
        if (h->ndim == 1 || !take(r, ')')) return malformed(r, "a comma or a closing parenthesis");
        break;
    }
    return SHEAF_OK;
}

static sheaf_status take_entry(reader *r, shf_npy_header *h, unsigned *seen)
{
    char key[LONGEST_TEXT];
    SHF_TRY(take_text(r, key));
    if (!take(r, ':')) return malformed(r, "a colon");
    static const char *const names[] = {"descr", "fortran_order", "shape"};
    static sheaf_status (*const readers[])(reader *, shf_npy_header *) = {take_descr, take_order, take_shape};
    for (unsigned i = 0; i < 3; i++) {
        if (strcmp(key, names[i]) != 0) continue;
        if (*seen & 1U << i) return shf_fail(r->err, SHEAF_ERR_INPUT, ".npy header names '%s' twice", key);
        *seen |= 1U << i;
        return readers[i](r, h);
    }
    return shf_fail(r->err, SHEAF_ERR_INPUT, ".npy header has an unknown key '%.60s'", key);
}

static sheaf_status take_dictionary(reader *r, shf_npy_header *h)
{
    unsigned seen = 0;
    if (!take(r, '{')) return malformed(r, "a dictionary");
    while (!take(r, '}')) {
        SHF_TRY(take_entry(r, h, &seen));
        if (take(r, ',')) continue;
        if (!take(r, '}')) return malformed(r, "a comma or a closing brace");
        break;
    }
    skip_space(r);
    if (r->p != r->end) return malformed(r, "the end of the header");
    if (seen != 7) return shf_fail(r->err, SHEAF_ERR_INPUT, ".npy header lacks one of 'descr', 'fortran_order', 'shape'");
    return SHEAF_OK;
}

static sheaf_status measure(shf_npy_header *h, sheaf_error *err)
{
    h->count = 1;
    bool fits = true, empty = false;
    for (unsigned d = 0; d < h->ndim; d++) {
        empty |= h->shape[d] == 0;
        fits = fits && shf_mul_u64(h->count, h->shape[d] ? h->shape[d] : 1, &h->count);
    }
    fits = fits && shf_mul_u64(h->count, sheaf_dtype_size(h->dtype), &h->data_size);
    if (!fits || h->data_size > (uint64_t)INT64_MAX - h->header_size)
        return shf_fail(err, SHEAF_ERR_INPUT, ".npy shape is too large: its data would not fit in 2^63 bytes");
    if (empty) h->count = h->data_size = 0;
    return SHEAF_OK;
}

sheaf_status shf_npy_parse(const void *bytes, size_t n, shf_npy_header *header, sheaf_error *err)
{
    size_t size;
    SHF_TRY(shf_npy_header_size(bytes, n, &size, err));
    if (n < size)
        return shf_fail_at(err, SHEAF_ERR_TRUNCATED, NULL, NULL, -1, (int64_t)n, ".npy header: expected %zu bytes, got %zu", size, n);
    size_t offset = ((const uint8_t *)bytes)[6] == 1 ? 10 : 12;
    const char *begin = (const char *)bytes + offset;
    reader r = {begin, begin, (const char *)bytes + size, offset, err};
    memset(header, 0, sizeof *header);
    SHF_TRY(take_dictionary(&r, header));
    header->header_size = size;
    if (header->ndim < 2) header->fortran_order = false;
    return measure(header, err);
}

/* The dictionary as NumPy writes it; returns its length. */
static size_t dictionary(const shf_npy_header *h, char to[SHF_NPY_HEADER_SIZE])
{
    const char *descr = shf_dtype_descr(h->dtype);
    bool swapped = h->big_endian && descr[0] == '<';
    int n = snprintf(to, SHF_NPY_HEADER_SIZE, "{'descr': '%c%s', 'fortran_order': %s, 'shape': (", swapped ? '>' : descr[0], descr + 1,
                     h->fortran_order ? "True" : "False");
    for (unsigned d = 0; d < h->ndim; d++) {
        n += snprintf(to + n, SHF_NPY_HEADER_SIZE - (size_t)n, "%s%llu", d ? ", " : "", (unsigned long long)h->shape[d]);
    }
    n += snprintf(to + n, SHF_NPY_HEADER_SIZE - (size_t)n, "%s), }", h->ndim == 1 ? "," : "");
    return (size_t)n;
}

static sheaf_status check(const shf_npy_header *h, sheaf_error *err)
{
    if (!sheaf_dtype_size(h->dtype)) return shf_fail(err, SHEAF_ERR_ARGUMENT, "dtype %d is unknown", (int)h->dtype);
    if (h->ndim > SHEAF_MAX_NDIM)
        return shf_fail(err, SHEAF_ERR_ARGUMENT, "%u dimensions: at most %d are allowed", h->ndim, SHEAF_MAX_NDIM);
    return SHEAF_OK;
}

size_t shf_npy_least_size(const shf_npy_header *header)
{
    char text[SHF_NPY_HEADER_SIZE];
    if (check(header, NULL)) return 0;
    /* NumPy leaves room for the dimension that grows to reach 21 digits. */
    size_t n = dictionary(header, text) + 11, digits = 0;
    if (header->ndim) {
        for (uint64_t rest = header->shape[header->fortran_order ? header->ndim - 1 : 0]; digits == 0 || rest; rest /= 10) digits++;
        n += 21 - digits;
    }
    return (n + 63) / 64 * 64;
}

sheaf_status shf_npy_format(const shf_npy_header *header, void *to, size_t size, sheaf_error *err)
{
    char text[SHF_NPY_HEADER_SIZE];
    SHF_TRY(check(header, err));
    size_t n = dictionary(header, text);
    if (size % 64 || size > 10 + (size_t)UINT16_MAX || size < n + 11)
        return shf_fail(err, SHEAF_ERR_RANGE, ".npy header of %zu bytes: a multiple of 64 is needed, of at least %zu bytes", size, n + 11);
    uint8_t *b = to;
    memcpy(b, magic, sizeof magic);
    b[6] = 1;
    b[7] = 0;
    shf_set_u16(b + 8, (uint16_t)(size - 10));
    memcpy(b + 10, text, n);
    memset(b + 10 + n, ' ', size - n - 11);
    b[size - 1] = '\n';
    return SHEAF_OK;
}
