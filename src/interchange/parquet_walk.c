// SPDX-License-Identifier: Apache-2.0
/* From a chunk's place in the file to decompressed pages. */
#include <string.h>

#include "base/alloc.h"
#include "base/checked.h"
#include "format/parquet/rle.h"
#include "interchange/parquet_inside.h"

enum { WINDOW_BYTES = 1 << 20, HEADER_BYTES = 16 << 10, MAX_REMEMBERED = 64 << 20 };

static sheaf_status damaged(const shf_parquet_walk *walk, uint64_t at, const char *why, sheaf_error *err)
{
    return shf_fail_at(err, SHEAF_ERR_DAMAGED, walk->file->io.path, NULL, -1, (int64_t)at, "%s", why);
}

/* ---- chunk ---- */
const shf_codec *shf_parquet_codec(int32_t codec)
{
    switch (codec) {
    case SHF_PQ_UNCOMPRESSED: return &shf_codec_none;
    case SHF_PQ_SNAPPY: return &shf_codec_snappy;
    case SHF_PQ_GZIP: return &shf_codec_gzip;
    case SHF_PQ_ZSTD: return &shf_codec_zstd;
    case SHF_PQ_LZ4_RAW: return &shf_codec_lz4_raw;
    default: return NULL;
    }
}

static sheaf_status check_kind(shf_parquet_walk *walk, sheaf_error *err)
{
    const shf_pq_chunk *chunk = &walk->chunk;
    if (chunk->encrypted) return shf_fail(err, SHEAF_ERR_UNSUPPORTED, "it is encrypted, which is not supported");
    if (chunk->external) return shf_fail(err, SHEAF_ERR_UNSUPPORTED, "its data lies in another file, which is not supported");
    if (!chunk->has_meta) return shf_fail(err, SHEAF_ERR_DAMAGED, "its chunk has no metadata");
    if (chunk->type != (int32_t)walk->info.type)
        return shf_fail(err, SHEAF_ERR_DAMAGED, "its chunk holds %s, its schema says %s", shf_pq_type_name(chunk->type),
                        shf_pq_type_name((int32_t)walk->info.type));
    walk->codec = shf_parquet_codec(chunk->codec);
    if (!walk->codec)
        return shf_fail(err, SHEAF_ERR_UNSUPPORTED, "the compression %s (%d) is not supported", shf_pq_compression_name(chunk->codec),
                        (int)chunk->codec);
    if (!shf_codec_supported(walk->codec))
        return shf_fail(err, SHEAF_ERR_UNSUPPORTED, "the compression %s is not supported by this build", walk->codec->name);
    return SHEAF_OK;
}

static uint64_t chunk_start(const shf_pq_chunk *chunk)
{
    int64_t dictionary = chunk->dictionary_page_offset;
    return (uint64_t)(dictionary > 0 && dictionary < chunk->data_page_offset ? dictionary : chunk->data_page_offset);
}

static sheaf_status check_place(shf_parquet_walk *walk, sheaf_error *err)
{
    const shf_pq_chunk *chunk = &walk->chunk;
    if (chunk->n_values < 0 || (uint64_t)chunk->n_values != walk->n_group_rows)
        return shf_fail(err, SHEAF_ERR_DAMAGED, "its chunk has %lld values, its row group %llu rows", (long long)chunk->n_values,
                        (unsigned long long)walk->n_group_rows);
    if (chunk->data_page_offset < 4 || chunk->compressed_size < 0 || (uint64_t)chunk->compressed_size > walk->file->footer_at ||
        chunk_start(chunk) > walk->file->footer_at - (uint64_t)chunk->compressed_size)
        return shf_fail(err, SHEAF_ERR_DAMAGED, "its chunk of %lld bytes at %lld does not lie in the file",
                        (long long)chunk->compressed_size, (long long)chunk->data_page_offset);
    return SHEAF_OK;
}

static sheaf_status open_chunk(shf_parquet_walk *walk, sheaf_error *err)
{
    SHF_TRY(shf_pq_footer_chunk(&walk->file->footer, walk->group, walk->column, &walk->chunk, err));
    SHF_TRY(check_kind(walk, err));
    SHF_TRY(check_place(walk, err));
    walk->at = chunk_start(&walk->chunk);
    walk->stop = walk->at + (uint64_t)walk->chunk.compressed_size;
    return SHEAF_OK;
}

/* ---- window: bytes [at, at + n) of the file ---- */
static sheaf_status window(shf_parquet_walk *walk, uint64_t at, size_t n, uint64_t stop, const uint8_t **bytes, sheaf_error *err)
{
    shf_parquet_work *work = walk->work;
    if (at < work->window_at || at - work->window_at > work->window.size || work->window.size - (at - work->window_at) < n) {
        size_t ahead = (size_t)shf_min_u64(stop - at, shf_max_u64(n, WINDOW_BYTES));
        work->window.size = 0;
        SHF_TRY(shf_buf_resize(&work->window, ahead, err));
        work->window.size = 0;
        SHF_TRY(shf_parquet_pread(walk->file, work->window.data, ahead, at, err));
        work->window.size = ahead;
        work->window_at = at;
    }
    *bytes = work->window.data + (at - work->window_at);
    return SHEAF_OK;
}

/* ---- page ---- */
typedef struct raw_page {
    shf_pq_page head;
    uint64_t at; /* of the header */
    size_t header_size;
} raw_page;

static sheaf_status check_header(const shf_parquet_walk *walk, const raw_page *raw, sheaf_error *err)
{
    const shf_pq_page *head = &raw->head;
    if (head->compressed_size < 0 || head->uncompressed_size < 0 ||
        (uint64_t)head->compressed_size > walk->stop - raw->at - raw->header_size)
        return damaged(walk, raw->at, "a page's size cannot be right", err);
    if (head->type != SHF_PQ_INDEX_PAGE && (!head->has_body_header || head->n_values < 0))
        return damaged(walk, raw->at, "a page header lacks what its type needs", err);
    if (head->type < SHF_PQ_DATA_PAGE || head->type > SHF_PQ_DATA_PAGE_V2) return damaged(walk, raw->at, "an unknown type of page", err);
    return SHEAF_OK;
}

static sheaf_status read_header(shf_parquet_walk *walk, raw_page *raw, sheaf_error *err)
{
    const uint8_t *bytes;
    uint64_t left = walk->stop - walk->at;
    if (left == 0) return damaged(walk, walk->at, "its pages end before its rows do", err);
    raw->at = walk->at;
    size_t n = (size_t)shf_min_u64(left, HEADER_BYTES);
    SHF_TRY(window(walk, walk->at, n, walk->stop, &bytes, err));
    sheaf_status status = shf_pq_read_page(bytes, n, &raw->head, &raw->header_size, err);
    if (status != SHEAF_OK && n < left) { /* statistics can be long */
        n = (size_t)shf_min_u64(left, 8 * WINDOW_BYTES);
        SHF_TRY(window(walk, walk->at, n, walk->stop, &bytes, err));
        status = shf_pq_read_page(bytes, n, &raw->head, &raw->header_size, err);
    }
    if (status != SHEAF_OK) return damaged(walk, walk->at, "a page header cannot be read", err);
    SHF_TRY(check_header(walk, raw, err));
    walk->at += raw->header_size + (uint64_t)raw->head.compressed_size;
    return SHEAF_OK;
}

/* The page's stored bytes, checked against their CRC. */
static sheaf_status read_body(shf_parquet_walk *walk, const raw_page *raw, const uint8_t **body, sheaf_error *err)
{
    size_t n = (size_t)raw->head.compressed_size;
    SHF_TRY(window(walk, raw->at + raw->header_size, n, walk->stop, body, err));
    if (!raw->head.has_crc) return SHEAF_OK;
    uint32_t crc = shf_crc32(0, *body, n);
    if (crc == raw->head.crc) return SHEAF_OK;
    return shf_fail_at(err, SHEAF_ERR_DAMAGED, walk->file->io.path, NULL, -1, (int64_t)raw->at,
                       "a page's bytes do not match its checksum: expected %08x, got %08x", (unsigned)raw->head.crc, (unsigned)crc);
}

/* No encoding of a fixed-size type needs more than this: a claim beyond it would only cost memory. */
static bool size_plausible(const shf_parquet_walk *walk, const shf_pq_page *head)
{
    if (walk->info.type == SHF_PQ_BYTE_ARRAY) return true;
    return (uint64_t)head->uncompressed_size <= ((uint64_t)head->n_values + 1024) * (walk->value_size + 24);
}

/* Bytes of a page but the first `plain` ones, which are stored as they are. */
static sheaf_status decompress(shf_parquet_walk *walk, const raw_page *raw, const uint8_t *body, size_t plain, const uint8_t **out,
                               size_t *n_out, sheaf_error *err)
{
    size_t n_in = (size_t)raw->head.compressed_size - plain, n = (size_t)raw->head.uncompressed_size - plain;
    *n_out = n;
    if (walk->codec == &shf_codec_none || !raw->head.is_compressed) {
        if (n_in != n) return damaged(walk, raw->at, "an uncompressed page of two sizes", err);
        *out = body + plain;
        return SHEAF_OK;
    }
    if (!size_plausible(walk, &raw->head)) return damaged(walk, raw->at, "a page's uncompressed size cannot be right", err);
    shf_buf *page = &walk->work->page;
    page->size = 0;
    SHF_TRY(shf_buf_resize(page, n + 16, err));
    SHF_TRY(walk->codec->decode(&walk->work->codec, body + plain, n_in, page->data, n, err));
    *out = page->data;
    return SHEAF_OK;
}

/* ---- levels ---- */
static sheaf_status read_levels(shf_parquet_walk *walk, const uint8_t *levels, size_t n, shf_parquet_page *page, sheaf_error *err)
{
    page->valid = NULL;
    page->n_valid = page->n_rows;
    if (page->n_rows == 0 || shf_pq_rle_all_ones(levels, n, page->n_rows)) return SHEAF_OK;
    shf_buf *valid = &walk->work->valid;
    valid->size = 0;
    SHF_TRY(shf_buf_resize(valid, page->n_rows + 8, err));
    SHF_TRY(shf_pq_rle_bits(levels, n, page->n_rows, valid->data, &page->n_valid, err));
    if (page->n_valid < page->n_rows) page->valid = valid->data;
    return SHEAF_OK;
}

static sheaf_status open_v1(shf_parquet_walk *walk, const raw_page *raw, const uint8_t *body, shf_parquet_page *page, sheaf_error *err)
{
    const uint8_t *bytes;
    size_t n;
    SHF_TRY(decompress(walk, raw, body, 0, &bytes, &n, err));
    page->n_valid = page->n_rows;
    page->valid = NULL;
    if (walk->info.optional && page->n_rows > 0) {
        if (raw->head.definition_encoding != SHF_PQ_RLE)
            return shf_fail(err, SHEAF_ERR_UNSUPPORTED, "definition levels in the encoding %s (%d) are not supported",
                            shf_pq_encoding_name(raw->head.definition_encoding), (int)raw->head.definition_encoding);
        if (n < 4 || shf_get_u32(bytes) > n - 4) return damaged(walk, raw->at, "a page's definition levels end too early", err);
        size_t n_levels = shf_get_u32(bytes);
        SHF_TRY(read_levels(walk, bytes + 4, n_levels, page, err));
        bytes += 4 + n_levels;
        n -= 4 + n_levels;
    }
    page->values = bytes;
    page->n_bytes = n;
    return SHEAF_OK;
}

static sheaf_status open_v2(shf_parquet_walk *walk, const raw_page *raw, const uint8_t *body, shf_parquet_page *page, sheaf_error *err)
{
    const shf_pq_page *head = &raw->head;
    int64_t n_levels = (int64_t)head->definition_size + head->repetition_size;
    if (head->definition_size < 0 || head->repetition_size < 0 || n_levels > head->compressed_size || n_levels > head->uncompressed_size ||
        head->n_rows != head->n_values)
        return damaged(walk, raw->at, "a page's levels cannot be right", err);
    page->n_valid = page->n_rows;
    page->valid = NULL;
    if (walk->info.optional) SHF_TRY(read_levels(walk, body + head->repetition_size, (size_t)head->definition_size, page, err));
    if (page->n_rows - page->n_valid != (size_t)head->n_nulls) return damaged(walk, raw->at, "a page's levels and null count differ", err);
    if (n_levels == head->compressed_size) { /* no values: nothing was compressed */
        page->values = body + n_levels;
        page->n_bytes = 0;
        return SHEAF_OK;
    }
    return decompress(walk, raw, body, (size_t)n_levels, &page->values, &page->n_bytes, err);
}

static sheaf_status open_data(shf_parquet_walk *walk, const raw_page *raw, shf_parquet_page *page, sheaf_error *err)
{
    const uint8_t *body;
    SHF_TRY(read_body(walk, raw, &body, err));
    *page = (shf_parquet_page){.n_rows = (size_t)raw->head.n_values, .encoding = raw->head.encoding, .at = raw->at};
    if (raw->head.type == SHF_PQ_DATA_PAGE) return open_v1(walk, raw, body, page, err);
    return open_v2(walk, raw, body, page, err);
}

/* ---- dictionary ---- */
static sheaf_status read_dictionary(shf_parquet_walk *walk, const raw_page *raw, shf_pq_dictionary *out, sheaf_error *err)
{
    const uint8_t *body, *bytes;
    size_t n;
    if (raw->head.encoding != SHF_PQ_PLAIN && raw->head.encoding != SHF_PQ_PLAIN_DICTIONARY)
        return shf_fail(err, SHEAF_ERR_UNSUPPORTED, "a dictionary in the encoding %s (%d) is not supported",
                        shf_pq_encoding_name(raw->head.encoding), (int)raw->head.encoding);
    SHF_TRY(read_body(walk, raw, &body, err));
    SHF_TRY(decompress(walk, raw, body, 0, &bytes, &n, err));
    return shf_pq_dictionary_read(out, (int32_t)walk->info.type, walk->value_size, bytes, n, (size_t)raw->head.n_values, err);
}

static sheaf_status take_dictionary(shf_parquet_walk *walk, const raw_page *raw, sheaf_error *err)
{
    if (walk->dictionary) return damaged(walk, raw->at, "a second dictionary page", err);
    SHF_TRY(read_dictionary(walk, raw, &walk->own_dictionary, err));
    walk->dictionary = &walk->own_dictionary;
    return SHEAF_OK;
}

/* Before pages in the middle of a chunk: its dictionary, remembered as long as there is room. */
static sheaf_status fetch_dictionary(shf_parquet_walk *walk, sheaf_error *err)
{
    shf_parquet_index *index = walk->index;
    if ((walk->dictionary = atomic_load(&index->dictionary))) return SHEAF_OK;
    uint64_t at = walk->at, stop = walk->stop;
    walk->at = chunk_start(&walk->chunk);
    walk->stop = (uint64_t)index->pages[0].offset;
    if (walk->at >= walk->stop) return damaged(walk, walk->at, "no dictionary page before its data", err);
    raw_page raw;
    SHF_TRY(read_header(walk, &raw, err));
    if (raw.head.type != SHF_PQ_DICTIONARY_PAGE) return damaged(walk, raw.at, "no dictionary page before its data", err);
    SHF_TRY(take_dictionary(walk, &raw, err));
    walk->at = at;
    walk->stop = stop;
    size_t size = walk->own_dictionary.fixed.capacity + walk->own_dictionary.bytes.data.capacity;
    if (atomic_fetch_add(&walk->file->remembered_bytes, size) + size > MAX_REMEMBERED) {
        atomic_fetch_sub(&walk->file->remembered_bytes, size);
        return SHEAF_OK;
    }
    shf_pq_dictionary *kept = shf_malloc(sizeof *kept), *none = NULL;
    if (!kept) return SHEAF_OK; /* it can be read again */
    *kept = walk->own_dictionary;
    if (atomic_compare_exchange_strong(&index->dictionary, &none, kept)) {
        walk->own_dictionary = (shf_pq_dictionary){0};
        walk->dictionary = kept;
    } else {
        shf_free(kept); /* another thread was faster; ours ends with the walk */
        atomic_fetch_sub(&walk->file->remembered_bytes, size);
    }
    return SHEAF_OK;
}

/* ---- index of pages ---- */
static sheaf_status read_offset_index(shf_parquet_walk *walk, shf_parquet_index *index, sheaf_error *err)
{
    const shf_pq_chunk *chunk = &walk->chunk;
    uint64_t at = (uint64_t)chunk->offset_index_offset, n = (uint64_t)chunk->offset_index_length;
    if (chunk->offset_index_length <= 0 || at > walk->file->footer_at || n > walk->file->footer_at - at)
        return damaged(walk, at, "its offset index does not lie in the file", err);
    shf_buf *bytes = &walk->work->scratch;
    bytes->size = 0;
    SHF_TRY(shf_buf_resize(bytes, (size_t)n, err));
    SHF_TRY(shf_parquet_pread(walk->file, bytes->data, (size_t)n, at, err));
    sheaf_status status = shf_pq_read_offset_index(bytes->data, (size_t)n, &index->pages, &index->n_pages, err);
    if (status != SHEAF_OK) {
        if (err && err->byte >= 0) err->byte += (int64_t)at;
        return status;
    }
    const shf_pq_location *last = &index->pages[index->n_pages - 1];
    if ((uint64_t)last->first_row >= walk->n_group_rows || (uint64_t)index->pages[0].offset < chunk_start(chunk) ||
        (uint64_t)last->offset + (uint64_t)last->size > walk->stop)
        return damaged(walk, at, "its offset index points beyond its chunk", err);
    return SHEAF_OK;
}

/* Without an offset index: from header to header. */
static sheaf_status walk_headers(shf_parquet_walk *walk, shf_parquet_index *index, sheaf_error *err)
{
    uint64_t start = walk->at, row = 0;
    size_t capacity = 0;
    while (row < walk->n_group_rows) {
        raw_page raw;
        SHF_TRY(read_header(walk, &raw, err));
        if (raw.head.type == SHF_PQ_DICTIONARY_PAGE || raw.head.type == SHF_PQ_INDEX_PAGE || raw.head.n_values == 0) continue;
        if (index->n_pages == capacity) {
            capacity = capacity ? capacity * 2 : 8;
            shf_pq_location *pages = shf_realloc(index->pages, capacity * sizeof *pages);
            if (!pages) return shf_fail_memory(err, capacity * sizeof *pages, "a page index");
            index->pages = pages;
        }
        index->pages[index->n_pages++] = (shf_pq_location){(int64_t)raw.at, (int32_t)(walk->at - raw.at), (int64_t)row};
        row += (uint64_t)raw.head.n_values;
    }
    if (row > walk->n_group_rows) return damaged(walk, walk->at, "its pages hold more rows than its row group", err);
    walk->at = start;
    return SHEAF_OK;
}

static sheaf_status make_index(shf_parquet_walk *walk, shf_parquet_index *index, sheaf_error *err)
{
    index->chunk = walk->chunk;
    if (walk->chunk.offset_index_offset > 0) return read_offset_index(walk, index, err);
    return walk_headers(walk, index, err);
}

static sheaf_status get_index(shf_parquet_walk *walk, sheaf_error *err)
{
    _Atomic(shf_parquet_index *) *slot = &walk->file->indexes[walk->group * walk->file->footer.n_columns + walk->column];
    if ((walk->index = atomic_load_explicit(slot, memory_order_acquire))) return SHEAF_OK;
    shf_parquet_index *index = shf_calloc(1, sizeof *index), *none = NULL;
    if (!index) return shf_fail_memory(err, sizeof *index, "a page index");
    sheaf_status status = make_index(walk, index, err);
    if (status != SHEAF_OK) {
        shf_parquet_index_free(index);
        return status;
    }
    if (atomic_compare_exchange_strong(slot, &none, index)) {
        walk->index = index;
    } else {
        shf_parquet_index_free(index);
        walk->index = none;
    }
    return SHEAF_OK;
}

/* ---- walk ---- */
static size_t page_of_row(const shf_parquet_index *index, uint64_t row)
{
    size_t low = 0, high = index->n_pages; /* first_row[low] <= row < first_row[high] */
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if ((uint64_t)index->pages[middle].first_row <= row) low = middle;
        else high = middle;
    }
    return low;
}

static bool has_dictionary(const shf_pq_chunk *chunk)
{
    return chunk->dictionary_page_offset > 0 || chunk->encodings & (1u << SHF_PQ_PLAIN_DICTIONARY | 1u << SHF_PQ_RLE_DICTIONARY);
}

static sheaf_status seek(shf_parquet_walk *walk, sheaf_error *err)
{
    SHF_TRY(get_index(walk, err));
    const shf_parquet_index *index = walk->index;
    size_t from = page_of_row(index, walk->first), to = page_of_row(index, walk->end - 1);
    walk->at = (uint64_t)index->pages[from].offset;
    walk->stop = (uint64_t)index->pages[to].offset + (uint64_t)index->pages[to].size;
    walk->page_row = (uint64_t)index->pages[from].first_row;
    walk->page_number = from;
    return has_dictionary(&walk->chunk) ? fetch_dictionary(walk, err) : SHEAF_OK;
}

sheaf_status shf_parquet_walk_begin(shf_parquet_walk *walk, shf_parquet *file, shf_parquet_work *work, size_t group, size_t column,
                                    uint64_t first, uint64_t end, sheaf_error *err)
{
    *walk = (shf_parquet_walk){.file = file, .work = work, .group = group, .column = column, .first = first, .end = end};
    walk->n_group_rows = shf_parquet_group_rows(file, group);
    work->window.size = 0;
    SHF_TRY(shf_parquet_column_info(file, column, &walk->info, err));
    walk->value_size = shf_pq_value_size((int32_t)walk->info.type, (int32_t)walk->info.type_length);
    if (walk->info.nested) return shf_fail(err, SHEAF_ERR_UNSUPPORTED, "it is nested, which is not supported");
    if (walk->info.type > SHF_PQ_FIXED || (walk->value_size == 0 && walk->info.type != SHF_PQ_BYTE_ARRAY))
        return shf_fail(err, SHEAF_ERR_DAMAGED, "its type %d of length %zu cannot be right", (int)walk->info.type, walk->info.type_length);
    bool part = first > 0 || end < walk->n_group_rows;
    if (part && (walk->index = atomic_load_explicit(&file->indexes[group * file->footer.n_columns + column], memory_order_acquire))) {
        walk->chunk = walk->index->chunk; /* checked when it was remembered */
        walk->codec = shf_parquet_codec(walk->chunk.codec);
        return seek(walk, err);
    }
    SHF_TRY(open_chunk(walk, err));
    return part ? seek(walk, err) : SHEAF_OK;
}

/* Headers have no checksum: an encoding that the chunk's metadata does not list is a sign of damage, not a way to read the values. */
static sheaf_status check_encoding(const shf_parquet_walk *walk, const raw_page *raw, sheaf_error *err)
{
    const uint32_t dictionary = 1u << SHF_PQ_PLAIN_DICTIONARY | 1u << SHF_PQ_RLE_DICTIONARY;
    uint32_t listed = walk->chunk.encodings, encoding = (uint32_t)raw->head.encoding;
    if (listed & dictionary) listed |= dictionary;
    if (listed == 0 || (encoding < 32 && listed >> encoding & 1)) return SHEAF_OK;
    return damaged(walk, raw->at, "a page's encoding is not among those of its chunk", err);
}

/* A page must hold the rows that the index says: the index has no checksum of its own. */
static sheaf_status check_rows(shf_parquet_walk *walk, const raw_page *raw, sheaf_error *err)
{
    if (walk->index) {
        const shf_pq_location *location = &walk->index->pages[walk->page_number++];
        uint64_t next = walk->page_number < walk->index->n_pages ? (uint64_t)location[1].first_row : walk->n_group_rows;
        if ((uint64_t)location->offset != raw->at || walk->at - raw->at != (uint64_t)location->size ||
            (uint64_t)raw->head.n_values != next - (uint64_t)location->first_row)
            return damaged(walk, raw->at, "a page is not what the offset index says", err);
    }
    if ((uint64_t)raw->head.n_values <= walk->n_group_rows - walk->page_row) return SHEAF_OK;
    return damaged(walk, raw->at, "its pages hold more rows than its row group", err);
}

sheaf_status shf_parquet_walk_next(shf_parquet_walk *walk, shf_parquet_page *page, size_t *from, size_t *to, sheaf_error *err)
{
    *from = *to = 0;
    while (walk->page_row < walk->end) {
        raw_page raw;
        SHF_TRY(read_header(walk, &raw, err));
        if (raw.head.type == SHF_PQ_INDEX_PAGE) continue;
        if (raw.head.type == SHF_PQ_DICTIONARY_PAGE) {
            SHF_TRY(take_dictionary(walk, &raw, err));
            continue;
        }
        SHF_TRY(check_rows(walk, &raw, err));
        SHF_TRY(check_encoding(walk, &raw, err));
        uint64_t row = walk->page_row, page_end = row + (uint64_t)raw.head.n_values;
        walk->page_row = page_end;
        if (page_end <= walk->first || raw.head.n_values == 0) continue;
        if (row >= walk->end) break;
        SHF_TRY(open_data(walk, &raw, page, err));
        *from = (size_t)(walk->first > row ? walk->first - row : 0);
        *to = (size_t)(shf_min_u64(page_end, walk->end) - row);
        return SHEAF_OK;
    }
    return SHEAF_OK;
}

void shf_parquet_walk_end(shf_parquet_walk *walk)
{
    shf_pq_dictionary_free(&walk->own_dictionary);
}
