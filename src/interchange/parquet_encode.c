// SPDX-License-Identifier: Apache-2.0
#include "interchange/parquet_encode.h"

#include <string.h>

#include "base/alloc.h"
#include "base/checked.h"
#include "base/shuffle.h"
#include "format/parquet/choose.h"
#include "format/parquet/delta.h"
#include "format/parquet/rle.h"

void shf_parquet_encoder_free(shf_parquet_encoder *encoder)
{
    shf_codec_work_free(&encoder->codec);
    shf_buf *all[] = {&encoder->packed,     &encoder->packed_bytes, &encoder->wide,     &encoder->indices,
                      &encoder->dictionary, &encoder->page,         &encoder->shuffled, &encoder->compressed};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) shf_buf_free(all[i]);
}

void shf_parquet_encoded_free(shf_parquet_encoded *encoded)
{
    shf_buf_free(&encoded->bytes);
    shf_free(encoded->pages);
    *encoded = (shf_parquet_encoded){0};
}

shf_pq_order shf_parquet_order(const shf_pq_field *field)
{
    /* a decimal's bytes have another order than unsigned bytes, texts have it */
    bool plain_bytes = field->type == SHF_PQ_BYTE_ARRAY && field->logical != SHF_PQ_DECIMAL;
    return (shf_pq_order){plain_bytes || field->type < SHF_PQ_BYTE_ARRAY ? field->type : SHF_PQ_FIXED,
                          field->logical == SHF_PQ_INTEGER && !field->is_signed};
}

/* What is encoded, and how. */
typedef struct chunk {
    const shf_pq_field *field;
    const shf_parquet_encode_options *options;
    shf_parquet_encoder *encoder;
    shf_parquet_encoded *out;
    const uint8_t *valid; /* per row; NULL when none is absent */
    uint64_t n_rows;
    shf_pq_values values; /* those that are there */
    int32_t encoding;
    unsigned index_width; /* of dictionary indices */
    const shf_codec *codec;
    int level;
} chunk;

/* ---- absent values are left out ---- */
static size_t count_valid(const uint8_t *valid, uint64_t n)
{
    size_t count = 0;
    for (uint64_t i = 0; i < n; i++) count += valid[i] != 0;
    return count;
}

static sheaf_status pack_fixed(chunk *c, const shf_parquet_values *in, size_t n_valid, sheaf_error *err)
{
    shf_buf *packed = &c->encoder->packed;
    size_t size = c->values.size;
    packed->size = 0;
    SHF_TRY(shf_buf_resize(packed, n_valid * size + 1, err));
    uint8_t *to = packed->data;
    for (uint64_t i = 0; i < c->n_rows; i++) {
        if (!c->valid[i]) continue;
        memcpy(to, (const uint8_t *)in->values + i * size, size);
        to += size;
    }
    c->values.values = packed->data;
    return SHEAF_OK;
}

static sheaf_status pack_bytes(chunk *c, const shf_parquet_values *in, size_t n_valid, sheaf_error *err)
{
    shf_buf *offsets = &c->encoder->packed, *bytes = &c->encoder->packed_bytes;
    offsets->size = bytes->size = 0;
    SHF_TRY(shf_buf_resize(offsets, (n_valid + 1) * sizeof(uint64_t), err));
    uint64_t *to = (uint64_t *)(void *)offsets->data;
    *to++ = 0;
    for (uint64_t i = 0; i < c->n_rows; i++) {
        if (!c->valid[i]) continue;
        SHF_TRY(shf_buf_append(bytes, (const uint8_t *)in->values + in->offsets[i], (size_t)(in->offsets[i + 1] - in->offsets[i]), err));
        *to++ = bytes->size;
    }
    c->values.values = bytes->data;
    c->values.offsets = (const uint64_t *)(const void *)offsets->data;
    return SHEAF_OK;
}

static sheaf_status pack(chunk *c, const shf_parquet_values *in, sheaf_error *err)
{
    c->values = (shf_pq_values){shf_pq_value_size(c->field->type, c->field->type_length), in->values, in->offsets, (size_t)c->n_rows};
    size_t n_valid = in->valid ? count_valid(in->valid, c->n_rows) : (size_t)c->n_rows;
    if (n_valid == c->n_rows) return SHEAF_OK;
    c->valid = in->valid;
    c->values.n = n_valid;
    return in->offsets ? pack_bytes(c, in, n_valid, err) : pack_fixed(c, in, n_valid, err);
}

/* ---- which encoding ---- */
static sheaf_status try_dictionary(chunk *c, sheaf_error *err)
{
    if (!shf_pq_dictionary_promising(&c->values)) return SHEAF_OK;
    shf_buf *indices = &c->encoder->indices, *dictionary = &c->encoder->dictionary;
    size_t n_entries;
    indices->size = dictionary->size = 0;
    SHF_TRY(shf_buf_resize(indices, c->values.n * sizeof(uint32_t), err));
    SHF_TRY(shf_pq_dictionary_build(&c->values, dictionary, (uint32_t *)(void *)indices->data, &n_entries, err));
    if (n_entries == 0) return SHEAF_OK;
    c->encoding = SHF_PQ_RLE_DICTIONARY;
    c->index_width = shf_pq_bit_width(n_entries - 1);
    return SHEAF_OK;
}

static sheaf_status choose_encoding(chunk *c, sheaf_error *err)
{
    int32_t type = c->field->type;
    c->encoding = SHF_PQ_PLAIN;
    if (type == SHF_PQ_BOOLEAN || c->values.n == 0) return SHEAF_OK;
    if ((type == SHF_PQ_INT32 || type == SHF_PQ_INT64) && shf_pq_delta_promising(&c->values)) {
        c->encoding = SHF_PQ_DELTA_BINARY_PACKED;
        return SHEAF_OK;
    }
    SHF_TRY(try_dictionary(c, err));
    bool floats = type == SHF_PQ_FLOAT || type == SHF_PQ_DOUBLE;
    if (c->encoding == SHF_PQ_PLAIN && floats &&
        shf_codec_prefers_shuffle(&c->encoder->codec, c->values.size, c->values.values, c->values.n * c->values.size))
        c->encoding = SHF_PQ_BYTE_STREAM_SPLIT;
    return SHEAF_OK;
}

/* ---- a page's bytes before compression ---- */
static sheaf_status put_plain(const chunk *c, size_t first, size_t n, shf_buf *page, sheaf_error *err)
{
    const shf_pq_values *values = &c->values;
    if (c->field->type == SHF_PQ_BOOLEAN) return shf_pq_pack_bits(page, values->values + first, n, err);
    if (!values->offsets) return shf_buf_append(page, values->values + first * values->size, n * values->size, err);
    for (size_t i = first; i < first + n; i++) {
        uint64_t size = values->offsets[i + 1] - values->offsets[i];
        if (size > INT32_MAX) return shf_fail(err, SHEAF_ERR_RANGE, "a value of %llu bytes is too long", (unsigned long long)size);
        uint32_t length = (uint32_t)size;
        SHF_TRY(shf_buf_append(page, &length, sizeof length, err));
        SHF_TRY(shf_buf_append(page, values->values + values->offsets[i], (size_t)size, err));
    }
    return SHEAF_OK;
}

static sheaf_status put_split(const chunk *c, size_t first, size_t n, shf_buf *page, sheaf_error *err)
{
    size_t at = page->size, size = c->values.size;
    SHF_TRY(shf_buf_resize(page, at + n * size, err));
    shf_shuffle(size, c->values.values + first * size, n * size, page->data + at);
    return SHEAF_OK;
}

static sheaf_status put_delta(const chunk *c, size_t first, size_t n, shf_buf *page, sheaf_error *err)
{
    const uint8_t *from = c->values.values + first * c->values.size;
    shf_buf *wide = &c->encoder->wide;
    wide->size = 0;
    SHF_TRY(shf_buf_resize(wide, n * sizeof(int64_t) + 1, err));
    int64_t *to = (int64_t *)(void *)wide->data;
    for (size_t i = 0; i < n; i++) to[i] = c->values.size == 8 ? (int64_t)shf_get_u64(from + 8 * i) : shf_get_i32(from + 4 * i);
    return shf_pq_delta_encode(page, to, n, c->values.size == 4, err);
}

static sheaf_status put_indices(const chunk *c, size_t first, size_t n, shf_buf *page, sheaf_error *err)
{
    uint8_t width = (uint8_t)c->index_width;
    SHF_TRY(shf_buf_append(page, &width, 1, err));
    return shf_pq_rle_encode(page, (const uint32_t *)(const void *)c->encoder->indices.data + first, n, c->index_width, err);
}

static sheaf_status put_values(const chunk *c, size_t first, size_t n, shf_buf *page, sheaf_error *err)
{
    switch (c->encoding) {
    case SHF_PQ_BYTE_STREAM_SPLIT: return put_split(c, first, n, page, err);
    case SHF_PQ_DELTA_BINARY_PACKED: return put_delta(c, first, n, page, err);
    case SHF_PQ_RLE_DICTIONARY: return put_indices(c, first, n, page, err);
    default: return put_plain(c, first, n, page, err);
    }
}

static sheaf_status put_levels(const chunk *c, uint64_t row, size_t n, shf_buf *page, sheaf_error *err)
{
    if (!c->field->optional) return SHEAF_OK;
    SHF_TRY(shf_buf_append(page, (uint8_t[4]){0}, 4, err));
    SHF_TRY(c->valid ? shf_pq_rle_encode_bits(page, c->valid + row, n, err) : shf_pq_rle_encode_run(page, 1, n, 1, err));
    shf_set_u32(page->data, (uint32_t)(page->size - 4));
    return SHEAF_OK;
}

/* ---- pages to bytes ---- */
static sheaf_status compress(const chunk *c, const shf_codec *codec, int level, const shf_buf *page, shf_buf *out, sheaf_error *err)
{
    size_t bound = codec->bound(page->size), size;
    if (page->size > INT32_MAX || bound < page->size) return shf_fail(err, SHEAF_ERR_RANGE, "a page of %zu bytes is too large", page->size);
    out->size = 0;
    SHF_TRY(shf_buf_resize(out, bound + 1, err));
    SHF_TRY(codec->encode(&c->encoder->codec, level, 1, page->data, page->size, out->data, bound, &size, err));
    out->size = size;
    return SHEAF_OK;
}

static sheaf_status put_page(chunk *c, int32_t type, int32_t encoding, size_t n_values, const shf_buf *page, sheaf_error *err)
{
    const shf_buf *body = page;
    if (c->codec != &shf_codec_none) {
        SHF_TRY(compress(c, c->codec, c->level, page, &c->encoder->compressed, err));
        body = &c->encoder->compressed;
    } else if (page->size > INT32_MAX) {
        return shf_fail(err, SHEAF_ERR_RANGE, "a page of %zu bytes is too large", page->size);
    }
    shf_pq_page head = {.type = type,
                        .uncompressed_size = (int32_t)page->size,
                        .compressed_size = (int32_t)body->size,
                        .crc = shf_crc32(0, body->data, body->size),
                        .n_values = (int32_t)n_values,
                        .encoding = encoding};
    size_t before = c->out->bytes.size;
    SHF_TRY(shf_pq_write_page(&c->out->bytes, &head, err));
    c->out->chunk.meta.uncompressed_size += (int64_t)(c->out->bytes.size - before + page->size);
    return shf_buf_append(&c->out->bytes, body->data, body->size, err);
}

static sheaf_status note_page(chunk *c, size_t at, uint64_t row, size_t n_rows, size_t first, size_t n_values, sheaf_error *err)
{
    shf_parquet_encoded *out = c->out;
    if (out->n_pages == out->capacity) {
        size_t capacity = out->capacity ? out->capacity * 2 : 32;
        shf_pq_page_entry *pages = shf_realloc(out->pages, capacity * sizeof *pages);
        if (!pages) return shf_fail_memory(err, capacity * sizeof *pages, "a page index");
        out->pages = pages;
        out->capacity = capacity;
    }
    shf_pq_page_entry *entry = &out->pages[out->n_pages++];
    *entry = (shf_pq_page_entry){
        .offset = at, .size = (uint32_t)(out->bytes.size - at), .first_row = row, .n_rows = n_rows, .n_nulls = n_rows - n_values};
    shf_pq_order order = shf_parquet_order(c->field);
    if (c->values.offsets && order.type == SHF_PQ_BYTE_ARRAY)
        shf_pq_bounds_bytes(c->values.values, c->values.offsets + first, n_values, &entry->bounds);
    else shf_pq_bounds_fixed(order, c->values.values + first * c->values.size, n_values, &entry->bounds);
    shf_pq_bounds_join(order, &out->chunk.bounds, &entry->bounds);
    return SHEAF_OK;
}

/* Rows per page: small chunks get pages of 4 KiB, so that a reader of a week of an hourly year reads little; large ones up to 128 KiB. */
static size_t page_rows(const chunk *c)
{
    enum { LEAST = 4 << 10, MOST = 128 << 10, PAGES = 64 };
    if (c->options->rows_per_page) return c->options->rows_per_page;
    uint64_t bytes =
        c->values.offsets ? c->values.offsets[c->values.n] - c->values.offsets[0] + 4 * c->values.n : c->values.n * c->values.size;
    uint64_t per_row = bytes / (c->n_rows ? c->n_rows : 1) + 1, page = bytes / PAGES;
    if (!c->values.offsets) per_row = c->values.size;
    page = page < LEAST ? LEAST : page > MOST ? MOST : page;
    return (size_t)shf_max_u64(8, page / (per_row ? per_row : 1) / 8 * 8);
}

static sheaf_status fill_page(chunk *c, uint64_t row, size_t n_rows, size_t first, size_t n_values, sheaf_error *err)
{
    c->encoder->page.size = 0;
    SHF_TRY(put_levels(c, row, n_rows, &c->encoder->page, err));
    return put_values(c, first, n_values, &c->encoder->page, err);
}

/* zstd: its level 0 where level 1 gains less than 5 % on the page in the middle; no compression where neither gains 3 % there nor in the
 * first page. */
static sheaf_status choose_level(chunk *c, size_t rows, sheaf_error *err)
{
    c->codec = shf_parquet_codec((int32_t)c->options->codec);
    c->level = c->options->level < 0 ? 1 : c->options->level;
    if (c->codec != &shf_codec_zstd || c->options->level >= 0 || c->values.n == 0) return SHEAF_OK;
    bool gains = false;
    size_t n_pages = (size_t)shf_ceil_div(c->values.n, rows), at[2] = {n_pages / 2, 0};
    for (size_t i = 0; i < 2 && !gains; i++) {
        size_t first = at[i] * rows, n = c->values.n - first < rows ? c->values.n - first : rows;
        shf_buf *page = &c->encoder->page;
        page->size = 0;
        SHF_TRY(put_values(c, first, n, page, err));
        SHF_TRY(compress(c, c->codec, 0, page, &c->encoder->compressed, err));
        size_t fast = c->encoder->compressed.size;
        SHF_TRY(compress(c, c->codec, 1, page, &c->encoder->compressed, err));
        size_t small = c->encoder->compressed.size, least = fast < small ? fast : small;
        c->level = fast <= small + small / 20 ? 0 : 1;
        gains = least + least / 32 < page->size;
    }
    if (!gains) c->codec = &shf_codec_none;
    return SHEAF_OK;
}

static sheaf_status put_dictionary(chunk *c, sheaf_error *err)
{
    if (c->encoding != SHF_PQ_RLE_DICTIONARY) return SHEAF_OK;
    size_t n_entries = 0;
    const uint32_t *indices = (const uint32_t *)(const void *)c->encoder->indices.data;
    for (size_t i = 0; i < c->values.n; i++) n_entries = indices[i] >= n_entries ? (size_t)indices[i] + 1 : n_entries;
    SHF_TRY(put_page(c, SHF_PQ_DICTIONARY_PAGE, SHF_PQ_PLAIN, n_entries, &c->encoder->dictionary, err));
    c->out->dictionary_size = c->out->bytes.size;
    return SHEAF_OK;
}

static sheaf_status put_pages(chunk *c, size_t rows, sheaf_error *err)
{
    size_t first = 0;
    for (uint64_t row = 0; row < c->n_rows;) {
        size_t n_rows = (size_t)shf_min_u64(rows, c->n_rows - row), n_values = c->valid ? count_valid(c->valid + row, n_rows) : n_rows;
        size_t at = c->out->bytes.size;
        SHF_TRY(fill_page(c, row, n_rows, first, n_values, err));
        SHF_TRY(put_page(c, SHF_PQ_DATA_PAGE, c->encoding, n_rows, &c->encoder->page, err));
        SHF_TRY(note_page(c, at, row, n_rows, first, n_values, err));
        row += n_rows;
        first += n_values;
    }
    return SHEAF_OK;
}

static int32_t codec_number(const chunk *c)
{
    return c->codec == &shf_codec_none ? SHF_PQ_UNCOMPRESSED : (int32_t)c->options->codec;
}

sheaf_status shf_parquet_encode(const shf_pq_field *field, const shf_parquet_encode_options *options, const shf_parquet_values *values,
                                uint64_t n_rows, shf_parquet_encoder *encoder, shf_parquet_encoded *out, sheaf_error *err)
{
    chunk c = {.field = field, .options = options, .encoder = encoder, .out = out, .n_rows = n_rows};
    out->bytes.size = 0;
    out->n_pages = out->dictionary_size = 0;
    out->chunk = (shf_pq_written_chunk){.meta = {.type = field->type, .n_values = (int64_t)n_rows}};
    SHF_TRY(pack(&c, values, err));
    SHF_TRY(choose_encoding(&c, err));
    size_t rows = page_rows(&c);
    SHF_TRY(choose_level(&c, rows, err));
    SHF_TRY(put_dictionary(&c, err));
    SHF_TRY(put_pages(&c, rows, err));
    shf_pq_chunk *meta = &out->chunk.meta;
    meta->codec = codec_number(&c);
    meta->encodings = 1u << c.encoding | (field->optional ? 1u << SHF_PQ_RLE : 0) | (out->dictionary_size ? 1u << SHF_PQ_PLAIN : 0);
    meta->compressed_size = (int64_t)out->bytes.size;
    meta->statistics.null_count = (int64_t)(n_rows - c.values.n);
    return SHEAF_OK;
}
