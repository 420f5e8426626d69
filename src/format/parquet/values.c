// SPDX-License-Identifier: Apache-2.0
#include "format/parquet/values.h"

#include <string.h>

#include "base/alloc.h"
#include "base/checked.h"
#include "base/shuffle.h"
#include "format/parquet/delta.h"
#include "format/parquet/rle.h"

static sheaf_status fail_short(const char *what, size_t expected, size_t got, sheaf_error *err)
{
    return shf_fail(err, SHEAF_ERR_DAMAGED, "%s data is damaged: expected %zu bytes, got %zu", what, expected, got);
}

static sheaf_status fail_encoding(int32_t type, int32_t encoding, sheaf_error *err)
{
    return shf_fail(err, SHEAF_ERR_UNSUPPORTED, "the encoding %s (%d) of %s is not supported", shf_pq_encoding_name(encoding),
                    (int)encoding, shf_pq_type_name(type));
}

void shf_pq_dictionary_free(shf_pq_dictionary *dictionary)
{
    shf_buf_free(&dictionary->fixed);
    shf_pq_bytes_free(&dictionary->bytes);
    *dictionary = (shf_pq_dictionary){0};
}

static sheaf_status decode_plain(int32_t type, size_t value_size, const uint8_t *bytes, size_t n_bytes, shf_pq_slice slice, void *out,
                                 sheaf_error *err)
{
    if (type == SHF_PQ_BOOLEAN) {
        size_t needed = (size_t)shf_ceil_div(slice.count, 8);
        if (n_bytes < needed) return fail_short("PLAIN", needed, n_bytes, err);
        shf_pq_unpack_bits(bytes, slice.first, slice.some, out);
        return SHEAF_OK;
    }
    size_t needed;
    if (!shf_mul_size(slice.count, value_size, &needed) || n_bytes < needed) return fail_short("PLAIN", needed, n_bytes, err);
    if (slice.some) memcpy(out, bytes + slice.first * value_size, slice.some * value_size);
    return SHEAF_OK;
}

sheaf_status shf_pq_dictionary_read(shf_pq_dictionary *dictionary, int32_t type, size_t value_size, const uint8_t *bytes, size_t n_bytes,
                                    size_t n, sheaf_error *err)
{
    *dictionary = (shf_pq_dictionary){.n = n};
    shf_pq_slice all = {n, 0, n};
    sheaf_status status;
    if (type == SHF_PQ_BYTE_ARRAY) {
        status = shf_pq_decode_bytes(SHF_PQ_PLAIN, bytes, n_bytes, all, NULL, &dictionary->fixed, &dictionary->bytes, err);
    } else if (type == SHF_PQ_BOOLEAN) {
        status = fail_encoding(type, SHF_PQ_RLE_DICTIONARY, err);
    } else {
        size_t size;
        if (!shf_mul_size(n, value_size, &size) || size > n_bytes) return fail_short("dictionary", n, n_bytes, err);
        status = shf_buf_append(&dictionary->fixed, bytes, size, err);
    }
    if (status != SHEAF_OK) shf_pq_dictionary_free(dictionary);
    return status;
}

static void pick(size_t value_size, const uint8_t *values, const uint32_t *indices, size_t n, uint8_t *out)
{
    if (value_size == 8) {
        for (size_t i = 0; i < n; i++) memcpy(out + 8 * i, values + 8 * (size_t)indices[i], 8);
    } else if (value_size == 4) {
        for (size_t i = 0; i < n; i++) memcpy(out + 4 * i, values + 4 * (size_t)indices[i], 4);
    } else {
        for (size_t i = 0; i < n; i++) memcpy(out + value_size * i, values + value_size * indices[i], value_size);
    }
}

enum { PIECE = 1024 };

/* Up to PIECE indices, each checked against the dictionary's size. */
static sheaf_status next_indices(shf_pq_rle *rle, uint32_t *indices, size_t n, size_t n_dictionary, sheaf_error *err)
{
    SHF_TRY(shf_pq_rle_next(rle, indices, n, err));
    uint32_t largest = 0;
    for (size_t i = 0; i < n; i++) largest = indices[i] > largest ? indices[i] : largest;
    if (largest < n_dictionary) return SHEAF_OK;
    return shf_fail(err, SHEAF_ERR_DAMAGED, "dictionary index %u of %zu values", (unsigned)largest, n_dictionary);
}

/* The first byte of the data is the width of the indices. */
static sheaf_status begin_indices(shf_pq_rle *rle, const uint8_t *bytes, size_t n_bytes, shf_pq_slice slice,
                                  const shf_pq_dictionary *dictionary, sheaf_error *err)
{
    if (!dictionary) return shf_fail(err, SHEAF_ERR_DAMAGED, "a page of dictionary indices without a dictionary");
    if (slice.count == 0) {
        shf_pq_rle_begin(rle, bytes, 0, 0);
        return SHEAF_OK;
    }
    if (n_bytes < 1 || bytes[0] > 32) return shf_fail(err, SHEAF_ERR_DAMAGED, "no sound width of dictionary indices");
    shf_pq_rle_begin(rle, bytes + 1, n_bytes - 1, bytes[0]);
    return shf_pq_rle_skip(rle, slice.first, err);
}

static sheaf_status decode_indices(size_t value_size, const uint8_t *bytes, size_t n_bytes, shf_pq_slice slice,
                                   const shf_pq_dictionary *dictionary, uint8_t *out, sheaf_error *err)
{
    shf_pq_rle rle;
    uint32_t indices[PIECE];
    SHF_TRY(begin_indices(&rle, bytes, n_bytes, slice, dictionary, err));
    for (size_t done = 0; done < slice.some;) {
        size_t n = slice.some - done < PIECE ? slice.some - done : PIECE;
        SHF_TRY(next_indices(&rle, indices, n, dictionary->n, err));
        pick(value_size, dictionary->fixed.data, indices, n, out + done * value_size);
        done += n;
    }
    return shf_pq_rle_skip(&rle, slice.count - slice.first - slice.some, err);
}

/* Booleans as runs, behind their length in 4 bytes. */
static sheaf_status decode_runs(const uint8_t *bytes, size_t n_bytes, shf_pq_slice slice, shf_buf *scratch, uint8_t *out, sheaf_error *err)
{
    size_t n_ones;
    if (n_bytes < 4 || shf_get_u32(bytes) > n_bytes - 4) return fail_short("RLE", 4, n_bytes, err);
    scratch->size = 0;
    SHF_TRY(shf_buf_resize(scratch, slice.first + slice.some + 8, err));
    SHF_TRY(shf_pq_rle_bits(bytes + 4, shf_get_u32(bytes), slice.first + slice.some, scratch->data, &n_ones, err));
    if (slice.some) memcpy(out, scratch->data + slice.first, slice.some);
    return SHEAF_OK;
}

static sheaf_status decode_delta(size_t value_size, const uint8_t *bytes, size_t n_bytes, shf_pq_slice slice, shf_buf *scratch, void *out,
                                 sheaf_error *err)
{
    size_t used;
    if (value_size == 8) /* out may stand anywhere, but is as aligned as the array that it lies in */
        return shf_pq_delta_decode(bytes, n_bytes, slice.count, slice.first, slice.some, out, &used, err);
    scratch->size = 0;
    SHF_TRY(shf_buf_resize(scratch, slice.some * sizeof(int64_t) + 1, err));
    int64_t *wide = (int64_t *)(void *)scratch->data;
    SHF_TRY(shf_pq_delta_decode(bytes, n_bytes, slice.count, slice.first, slice.some, wide, &used, err));
    int32_t *narrow = out;
    for (size_t i = 0; i < slice.some; i++) narrow[i] = (int32_t)(uint32_t)wide[i];
    return SHEAF_OK;
}

static sheaf_status decode_split(size_t value_size, const uint8_t *bytes, size_t n_bytes, shf_pq_slice slice, void *out, sheaf_error *err)
{
    size_t needed;
    if (!shf_mul_size(slice.count, value_size, &needed) || n_bytes != needed) return fail_short("BYTE_STREAM_SPLIT", needed, n_bytes, err);
    if (slice.some) shf_unshuffle_range(value_size, bytes, n_bytes, slice.first, slice.some, out);
    return SHEAF_OK;
}

/* FIXED values in an encoding of byte arrays: each must have the size. */
static sheaf_status decode_prefixed(size_t value_size, int32_t encoding, const uint8_t *bytes, size_t n_bytes, shf_pq_slice slice,
                                    shf_buf *scratch, void *out, sheaf_error *err)
{
    shf_pq_bytes values = {0};
    sheaf_status status = shf_pq_decode_bytes(encoding, bytes, n_bytes, slice, NULL, scratch, &values, err);
    for (size_t i = 0; status == SHEAF_OK && i < values.n; i++)
        if (values.offsets[i + 1] - values.offsets[i] != value_size)
            status = fail_short("DELTA_BYTE_ARRAY", value_size, (size_t)(values.offsets[i + 1] - values.offsets[i]), err);
    if (status == SHEAF_OK && values.data.size) memcpy(out, values.data.data, values.data.size);
    shf_pq_bytes_free(&values);
    return status;
}

sheaf_status shf_pq_decode_fixed(int32_t type, size_t value_size, int32_t encoding, const uint8_t *bytes, size_t n_bytes,
                                 shf_pq_slice slice, const shf_pq_dictionary *dictionary, shf_buf *scratch, void *out, sheaf_error *err)
{
    bool integer = type == SHF_PQ_INT32 || type == SHF_PQ_INT64, boolean = type == SHF_PQ_BOOLEAN;
    switch (encoding) {
    case SHF_PQ_PLAIN: return decode_plain(type, value_size, bytes, n_bytes, slice, out, err);
    case SHF_PQ_PLAIN_DICTIONARY:
    case SHF_PQ_RLE_DICTIONARY:
        if (!boolean) return decode_indices(value_size, bytes, n_bytes, slice, dictionary, out, err);
        break;
    case SHF_PQ_RLE:
        if (boolean) return decode_runs(bytes, n_bytes, slice, scratch, out, err);
        break;
    case SHF_PQ_DELTA_BINARY_PACKED:
        if (integer) return decode_delta(value_size, bytes, n_bytes, slice, scratch, out, err);
        break;
    case SHF_PQ_BYTE_STREAM_SPLIT:
        if (!boolean && type != SHF_PQ_INT96) return decode_split(value_size, bytes, n_bytes, slice, out, err);
        break;
    case SHF_PQ_DELTA_BYTE_ARRAY:
        if (type == SHF_PQ_FIXED) return decode_prefixed(value_size, encoding, bytes, n_bytes, slice, scratch, out, err);
        break;
    default: break;
    }
    return fail_encoding(type, encoding, err);
}

/* ---- byte arrays ---- */
sheaf_status shf_pq_bytes_append(shf_pq_bytes *to, const void *bytes, size_t n, sheaf_error *err)
{
    if (to->n + 2 > to->capacity) {
        size_t capacity = to->capacity ? to->capacity * 2 : 64;
        uint64_t *offsets = shf_realloc(to->offsets, capacity * sizeof *offsets);
        if (!offsets) return shf_fail_memory(err, capacity * sizeof *offsets, "byte arrays");
        if (!to->capacity) offsets[0] = 0;
        to->offsets = offsets;
        to->capacity = capacity;
    }
    if (to->limit && to->data.size + n > to->limit)
        return shf_fail(err, SHEAF_ERR_RANGE, "byte arrays of more than %zu bytes in all", to->limit);
    SHF_TRY(shf_buf_append(&to->data, bytes, n, err));
    to->offsets[++to->n] = to->data.size;
    return SHEAF_OK;
}

void shf_pq_bytes_free(shf_pq_bytes *bytes)
{
    shf_buf_free(&bytes->data);
    shf_free(bytes->offsets);
    *bytes = (shf_pq_bytes){0};
}

static bool wanted(shf_pq_slice slice, size_t i)
{
    return i >= slice.first && i - slice.first < slice.some;
}

static sheaf_status decode_bytes_plain(const uint8_t *bytes, size_t n_bytes, shf_pq_slice slice, shf_pq_bytes *out, sheaf_error *err)
{
    size_t at = 0;
    for (size_t i = 0; i < slice.count; i++) {
        if (n_bytes - at < 4) return fail_short("PLAIN", 4, n_bytes - at, err);
        uint32_t length = shf_get_u32(bytes + at);
        at += 4;
        if (length > n_bytes - at) return fail_short("PLAIN", length, n_bytes - at, err);
        if (wanted(slice, i)) SHF_TRY(shf_pq_bytes_append(out, bytes + at, length, err));
        at += length;
    }
    return SHEAF_OK;
}

static sheaf_status decode_bytes_indices(const uint8_t *bytes, size_t n_bytes, shf_pq_slice slice, const shf_pq_dictionary *dictionary,
                                         shf_pq_bytes *out, sheaf_error *err)
{
    shf_pq_rle rle;
    uint32_t indices[PIECE];
    SHF_TRY(begin_indices(&rle, bytes, n_bytes, slice, dictionary, err));
    for (size_t done = 0; done < slice.some;) {
        size_t n = slice.some - done < PIECE ? slice.some - done : PIECE;
        SHF_TRY(next_indices(&rle, indices, n, dictionary->n, err));
        for (size_t i = 0; i < n; i++) {
            const uint64_t *offset = dictionary->bytes.offsets + indices[i];
            SHF_TRY(shf_pq_bytes_append(out, dictionary->bytes.data.data + offset[0], (size_t)(offset[1] - offset[0]), err));
        }
        done += n;
    }
    return shf_pq_rle_skip(&rle, slice.count - slice.first - slice.some, err);
}

/* count lengths, delta-encoded; the room is bounded by what the data can hold: a miniblock of width 0 takes no bytes, so by the count, too. */
static sheaf_status decode_lengths(const uint8_t *bytes, size_t n_bytes, size_t count, int64_t **out, size_t *used, sheaf_error *err)
{
    uint64_t n;
    SHF_TRY(shf_pq_delta_count(bytes, n_bytes, &n, err));
    if (n != count) return shf_fail(err, SHEAF_ERR_DAMAGED, "expected %zu lengths, got %llu", count, (unsigned long long)n);
    *out = shf_malloc(count * sizeof **out);
    if (!*out) return shf_fail_memory(err, count * sizeof **out, "lengths of byte arrays");
    return shf_pq_delta_decode(bytes, n_bytes, count, 0, count, *out, used, err);
}

static sheaf_status split_lengths(const uint8_t *bytes, size_t n_bytes, shf_pq_slice slice, const int64_t *lengths, shf_pq_bytes *out,
                                  sheaf_error *err)
{
    size_t at = 0;
    for (size_t i = 0; i < slice.count; i++) {
        if (lengths[i] < 0 || (uint64_t)lengths[i] > n_bytes - at) return fail_short("DELTA_LENGTH_BYTE_ARRAY", at, n_bytes, err);
        if (wanted(slice, i)) SHF_TRY(shf_pq_bytes_append(out, bytes + at, (size_t)lengths[i], err));
        at += (size_t)lengths[i];
    }
    return SHEAF_OK;
}

static sheaf_status decode_bytes_lengths(const uint8_t *bytes, size_t n_bytes, shf_pq_slice slice, shf_pq_bytes *out, sheaf_error *err)
{
    int64_t *lengths = NULL;
    size_t used = 0;
    sheaf_status status = decode_lengths(bytes, n_bytes, slice.count, &lengths, &used, err);
    if (status == SHEAF_OK && lengths) status = split_lengths(bytes + used, n_bytes - used, slice, lengths, out, err);
    shf_free(lengths);
    return status;
}

/* Each value: the first `prefix` bytes of the one before, then a suffix. The one before is kept in scratch. */
static sheaf_status join_prefixes(const uint8_t *bytes, size_t n_bytes, shf_pq_slice slice, const int64_t *prefixes, const int64_t *lengths,
                                  shf_buf *before, shf_pq_bytes *out, sheaf_error *err)
{
    size_t at = 0;
    before->size = 0;
    for (size_t i = 0; i < slice.count; i++) {
        if (prefixes[i] < 0 || (uint64_t)prefixes[i] > before->size || lengths[i] < 0 || (uint64_t)lengths[i] > n_bytes - at)
            return fail_short("DELTA_BYTE_ARRAY", at, n_bytes, err);
        before->size = (size_t)prefixes[i];
        SHF_TRY(shf_buf_append(before, bytes + at, (size_t)lengths[i], err));
        at += (size_t)lengths[i];
        if (wanted(slice, i)) SHF_TRY(shf_pq_bytes_append(out, before->data, before->size, err));
    }
    return SHEAF_OK;
}

static sheaf_status decode_bytes_prefixes(const uint8_t *bytes, size_t n_bytes, shf_pq_slice slice, shf_buf *scratch, shf_pq_bytes *out,
                                          sheaf_error *err)
{
    int64_t *prefixes = NULL, *lengths = NULL;
    size_t used = 0, more = 0;
    sheaf_status status = decode_lengths(bytes, n_bytes, slice.count, &prefixes, &used, err);
    if (status == SHEAF_OK) status = decode_lengths(bytes + used, n_bytes - used, slice.count, &lengths, &more, err);
    used += more;
    if (status == SHEAF_OK && prefixes && lengths)
        status = join_prefixes(bytes + used, n_bytes - used, slice, prefixes, lengths, scratch, out, err);
    shf_free(prefixes);
    shf_free(lengths);
    return status;
}

sheaf_status shf_pq_decode_bytes(int32_t encoding, const uint8_t *bytes, size_t n_bytes, shf_pq_slice slice,
                                 const shf_pq_dictionary *dictionary, shf_buf *scratch, shf_pq_bytes *out, sheaf_error *err)
{
    switch (encoding) {
    case SHF_PQ_PLAIN: return decode_bytes_plain(bytes, n_bytes, slice, out, err);
    case SHF_PQ_PLAIN_DICTIONARY:
    case SHF_PQ_RLE_DICTIONARY: return decode_bytes_indices(bytes, n_bytes, slice, dictionary, out, err);
    case SHF_PQ_DELTA_LENGTH_BYTE_ARRAY: return decode_bytes_lengths(bytes, n_bytes, slice, out, err);
    case SHF_PQ_DELTA_BYTE_ARRAY: return decode_bytes_prefixes(bytes, n_bytes, slice, scratch, out, err);
    default: return fail_encoding(SHF_PQ_BYTE_ARRAY, encoding, err);
    }
}
