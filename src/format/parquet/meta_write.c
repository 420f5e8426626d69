// SPDX-License-Identifier: Apache-2.0
#include "format/parquet/meta_write.h"

#include <string.h>

#include "format/parquet/thrift.h"

static sheaf_status finish(const shf_thrift_out *t, sheaf_error *err)
{
    return t->failed ? shf_fail_memory(err, t->buf->size, "Parquet metadata") : SHEAF_OK;
}

sheaf_status shf_pq_write_page(shf_buf *out, const shf_pq_page *page, sheaf_error *err)
{
    shf_thrift_out writer = {.buf = out}, *t = &writer;
    shf_thrift_put_i32(t, 1, page->type);
    shf_thrift_put_i32(t, 2, page->uncompressed_size);
    shf_thrift_put_i32(t, 3, page->compressed_size);
    shf_thrift_put_i32(t, 4, (int32_t)page->crc);
    bool data = page->type == SHF_PQ_DATA_PAGE;
    shf_thrift_begin_struct(t, data ? 5 : 7);
    shf_thrift_put_i32(t, 1, page->n_values);
    shf_thrift_put_i32(t, 2, page->encoding);
    if (data) {
        shf_thrift_put_i32(t, 3, SHF_PQ_RLE);
        shf_thrift_put_i32(t, 4, SHF_PQ_RLE);
    }
    shf_thrift_end_struct(t);
    shf_thrift_end_struct(t);
    return finish(t, err);
}

sheaf_status shf_pq_write_offset_index(shf_buf *out, const shf_pq_page_entry *pages, size_t n, uint64_t chunk_offset, sheaf_error *err)
{
    shf_thrift_out writer = {.buf = out}, *t = &writer;
    shf_thrift_put_list(t, 1, SHF_THRIFT_STRUCT, n);
    for (size_t i = 0; i < n; i++) {
        shf_thrift_begin_element(t);
        shf_thrift_put_i64(t, 1, (int64_t)(chunk_offset + pages[i].offset));
        shf_thrift_put_i32(t, 2, (int32_t)pages[i].size);
        shf_thrift_put_i64(t, 3, (int64_t)pages[i].first_row);
        shf_thrift_end_struct(t);
    }
    shf_thrift_end_struct(t);
    return finish(t, err);
}

/* 0 unordered, 1 ascending, 2 descending: of the pages that have values. */
static int32_t boundary_order(const shf_pq_page_entry *pages, size_t n, shf_pq_order order)
{
    bool rising = true, falling = true;
    const shf_pq_bounds *before = NULL;
    for (size_t i = 0; i < n; i++) {
        const shf_pq_bounds *at = &pages[i].bounds;
        if (!at->has) continue;
        if (before) {
            int low = shf_pq_bounds_compare(order, before->min, before->min_size, at->min, at->min_size);
            int high = shf_pq_bounds_compare(order, before->max, before->max_size, at->max, at->max_size);
            rising = rising && low <= 0 && high <= 0;
            falling = falling && low >= 0 && high >= 0;
        }
        before = at;
    }
    return rising ? 1 : falling ? 2 : 0;
}

sheaf_status shf_pq_write_column_index(shf_buf *out, const shf_pq_page_entry *pages, size_t n, shf_pq_order order, sheaf_error *err)
{
    for (size_t i = 0; i < n; i++)
        if (pages[i].bounds.lost || (!pages[i].bounds.has && pages[i].n_nulls < pages[i].n_rows)) return SHEAF_OK;
    shf_thrift_out writer = {.buf = out}, *t = &writer;
    shf_thrift_put_list(t, 1, SHF_THRIFT_TRUE, n);
    for (size_t i = 0; i < n; i++) shf_thrift_put_raw_varint(t, pages[i].bounds.has ? 2 : 1); /* null page? 1 true, 2 false */
    shf_thrift_put_list(t, 2, SHF_THRIFT_BINARY, n);
    for (size_t i = 0; i < n; i++) shf_thrift_put_raw_binary(t, pages[i].bounds.min, pages[i].bounds.has ? pages[i].bounds.min_size : 0);
    shf_thrift_put_list(t, 3, SHF_THRIFT_BINARY, n);
    for (size_t i = 0; i < n; i++) shf_thrift_put_raw_binary(t, pages[i].bounds.max, pages[i].bounds.has ? pages[i].bounds.max_size : 0);
    shf_thrift_put_i32(t, 4, boundary_order(pages, n, order));
    shf_thrift_put_list(t, 5, SHF_THRIFT_I64, n);
    for (size_t i = 0; i < n; i++) shf_thrift_put_raw_zigzag(t, (int64_t)pages[i].n_nulls);
    shf_thrift_end_struct(t);
    return finish(t, err);
}

/* ---- schema ---- */
static int32_t converted_type(const shf_pq_field *field)
{
    switch (field->logical) {
    case SHF_PQ_STRING: return 0;
    case SHF_PQ_DECIMAL: return 5;
    case SHF_PQ_DATE: return 6;
    case SHF_PQ_TIME: return field->unit == SHF_PQ_MILLIS ? 7 : field->unit == SHF_PQ_MICROS ? 8 : -1;
    case SHF_PQ_TIMESTAMP: return !field->utc ? -1 : field->unit == SHF_PQ_MILLIS ? 9 : field->unit == SHF_PQ_MICROS ? 10 : -1;
    case SHF_PQ_INTEGER: {
        int32_t step = field->bits == 8 ? 0 : field->bits == 16 ? 1 : field->bits == 32 ? 2 : 3;
        return (field->is_signed ? 15 : 11) + step;
    }
    default: return -1;
    }
}

static void put_empty_struct(shf_thrift_out *t, int id)
{
    shf_thrift_begin_struct(t, id);
    shf_thrift_end_struct(t);
}

/* TimeType or TimestampType. */
static void put_time(shf_thrift_out *t, const shf_pq_field *field)
{
    shf_thrift_begin_struct(t, field->logical == SHF_PQ_TIME ? 7 : 8);
    shf_thrift_put_bool(t, 1, field->utc);
    shf_thrift_begin_struct(t, 2);
    put_empty_struct(t, (int)field->unit);
    shf_thrift_end_struct(t);
    shf_thrift_end_struct(t);
}

/* The union LogicalType as field 10 of the schema element. */
static void put_logical(shf_thrift_out *t, const shf_pq_field *field)
{
    if (field->logical == SHF_PQ_NO_LOGICAL || field->logical == SHF_PQ_OTHER_LOGICAL) return;
    shf_thrift_begin_struct(t, 10);
    switch (field->logical) {
    case SHF_PQ_STRING: put_empty_struct(t, 1); break;
    case SHF_PQ_DECIMAL:
        shf_thrift_begin_struct(t, 5);
        shf_thrift_put_i32(t, 1, field->scale);
        shf_thrift_put_i32(t, 2, field->precision);
        shf_thrift_end_struct(t);
        break;
    case SHF_PQ_DATE: put_empty_struct(t, 6); break;
    case SHF_PQ_TIME:
    case SHF_PQ_TIMESTAMP: put_time(t, field); break;
    case SHF_PQ_INTEGER:
        shf_thrift_begin_struct(t, 10);
        shf_thrift_put_i8(t, 1, (int8_t)field->bits);
        shf_thrift_put_bool(t, 2, field->is_signed);
        shf_thrift_end_struct(t);
        break;
    case SHF_PQ_UUID: put_empty_struct(t, 14); break;
    default: put_empty_struct(t, 15); break;
    }
    shf_thrift_end_struct(t);
}

static void put_field(shf_thrift_out *t, const shf_pq_field *field)
{
    shf_thrift_begin_element(t);
    shf_thrift_put_i32(t, 1, field->type);
    if (field->type == SHF_PQ_FIXED) shf_thrift_put_i32(t, 2, field->type_length);
    shf_thrift_put_i32(t, 3, field->optional ? SHF_PQ_OPTIONAL : SHF_PQ_REQUIRED);
    shf_thrift_put_binary(t, 4, field->name, strlen(field->name));
    int32_t converted = converted_type(field);
    if (converted >= 0) shf_thrift_put_i32(t, 6, converted);
    if (field->logical == SHF_PQ_DECIMAL) {
        shf_thrift_put_i32(t, 7, field->scale);
        shf_thrift_put_i32(t, 8, field->precision);
    }
    put_logical(t, field);
    shf_thrift_end_struct(t);
}

static void put_schema(shf_thrift_out *t, const shf_pq_footer_parts *parts)
{
    shf_thrift_put_list(t, 2, SHF_THRIFT_STRUCT, parts->n_fields + 1);
    shf_thrift_begin_element(t);
    shf_thrift_put_binary(t, 4, "schema", 6);
    shf_thrift_put_i32(t, 5, (int32_t)parts->n_fields);
    shf_thrift_end_struct(t);
    for (size_t i = 0; i < parts->n_fields; i++) put_field(t, &parts->fields[i]);
}

/* ---- row groups ---- */
static void put_statistics(shf_thrift_out *t, const shf_pq_written_chunk *chunk)
{
    const shf_pq_bounds *bounds = &chunk->bounds;
    shf_thrift_begin_struct(t, 12);
    shf_thrift_put_i64(t, 3, chunk->meta.statistics.null_count);
    if (bounds->has && !bounds->lost) {
        shf_thrift_put_binary(t, 5, bounds->max, bounds->max_size);
        shf_thrift_put_binary(t, 6, bounds->min, bounds->min_size);
        shf_thrift_put_bool(t, 7, true);
        shf_thrift_put_bool(t, 8, true);
    }
    shf_thrift_end_struct(t);
}

static void put_encodings(shf_thrift_out *t, uint32_t encodings)
{
    shf_thrift_put_list(t, 2, SHF_THRIFT_I32, (size_t)__builtin_popcount(encodings));
    for (int32_t e = 0; e < 32; e++)
        if (encodings >> e & 1) shf_thrift_put_raw_zigzag(t, e);
}

static void put_column_meta(shf_thrift_out *t, const shf_pq_field *field, const shf_pq_written_chunk *chunk)
{
    const shf_pq_chunk *meta = &chunk->meta;
    shf_thrift_begin_struct(t, 3);
    shf_thrift_put_i32(t, 1, meta->type);
    put_encodings(t, meta->encodings);
    shf_thrift_put_list(t, 3, SHF_THRIFT_BINARY, 1);
    shf_thrift_put_raw_binary(t, field->name, strlen(field->name));
    shf_thrift_put_i32(t, 4, meta->codec);
    shf_thrift_put_i64(t, 5, meta->n_values);
    shf_thrift_put_i64(t, 6, meta->uncompressed_size);
    shf_thrift_put_i64(t, 7, meta->compressed_size);
    shf_thrift_put_i64(t, 9, meta->data_page_offset);
    if (meta->dictionary_page_offset > 0) shf_thrift_put_i64(t, 11, meta->dictionary_page_offset);
    put_statistics(t, chunk);
    shf_thrift_end_struct(t);
}

static void put_chunk(shf_thrift_out *t, const shf_pq_field *field, const shf_pq_written_chunk *chunk)
{
    const shf_pq_chunk *meta = &chunk->meta;
    shf_thrift_begin_element(t);
    shf_thrift_put_i64(t, 2, 0); /* file_offset, deprecated */
    put_column_meta(t, field, chunk);
    if (meta->offset_index_length > 0) {
        shf_thrift_put_i64(t, 4, meta->offset_index_offset);
        shf_thrift_put_i32(t, 5, meta->offset_index_length);
    }
    if (meta->column_index_length > 0) {
        shf_thrift_put_i64(t, 6, meta->column_index_offset);
        shf_thrift_put_i32(t, 7, meta->column_index_length);
    }
    shf_thrift_end_struct(t);
}

static void put_group(shf_thrift_out *t, const shf_pq_footer_parts *parts, size_t g)
{
    const shf_pq_written_group *group = &parts->groups[g];
    shf_thrift_begin_element(t);
    shf_thrift_put_list(t, 1, SHF_THRIFT_STRUCT, parts->n_fields);
    for (size_t i = 0; i < parts->n_fields; i++) put_chunk(t, &parts->fields[i], &parts->chunks[g * parts->n_fields + i]);
    shf_thrift_put_i64(t, 2, (int64_t)group->uncompressed_size);
    shf_thrift_put_i64(t, 3, (int64_t)group->n_rows);
    shf_thrift_put_i64(t, 5, (int64_t)group->offset);
    shf_thrift_put_i64(t, 6, (int64_t)group->compressed_size);
    if (g <= INT16_MAX) shf_thrift_put_i16(t, 7, (int16_t)g);
    shf_thrift_end_struct(t);
}

static void put_metadata(shf_thrift_out *t, const shf_pq_footer_parts *parts)
{
    if (!parts->n_metadata) return;
    shf_thrift_put_list(t, 5, SHF_THRIFT_STRUCT, parts->n_metadata);
    for (size_t i = 0; i < parts->n_metadata; i++) {
        const char *key = parts->metadata[2 * i], *value = parts->metadata[2 * i + 1];
        shf_thrift_begin_element(t);
        shf_thrift_put_binary(t, 1, key, strlen(key));
        shf_thrift_put_binary(t, 2, value, strlen(value));
        shf_thrift_end_struct(t);
    }
}

sheaf_status shf_pq_write_footer(shf_buf *out, const shf_pq_footer_parts *parts, sheaf_error *err)
{
    shf_thrift_out writer = {.buf = out}, *t = &writer;
    int64_t n_rows = 0;
    for (size_t g = 0; g < parts->n_groups; g++) n_rows += (int64_t)parts->groups[g].n_rows;
    shf_thrift_put_i32(t, 1, 2);
    put_schema(t, parts);
    shf_thrift_put_i64(t, 3, n_rows);
    shf_thrift_put_list(t, 4, SHF_THRIFT_STRUCT, parts->n_groups);
    for (size_t g = 0; g < parts->n_groups; g++) put_group(t, parts, g);
    put_metadata(t, parts);
    shf_thrift_put_binary(t, 6, parts->created_by, strlen(parts->created_by));
    /* ColumnOrder: each column's bounds follow the order of its type */
    shf_thrift_put_list(t, 7, SHF_THRIFT_STRUCT, parts->n_fields);
    for (size_t i = 0; i < parts->n_fields; i++) {
        shf_thrift_begin_element(t);
        put_empty_struct(t, 1);
        shf_thrift_end_struct(t);
    }
    shf_thrift_end_struct(t);
    return finish(t, err);
}
