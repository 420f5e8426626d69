// SPDX-License-Identifier: Apache-2.0
/* The other direction of meta.h: page headers, page indexes and the footer, appended to a buffer. Failed allocations are the only errors. */
#ifndef SHF_FORMAT_PARQUET_META_WRITE_H
#define SHF_FORMAT_PARQUET_META_WRITE_H

#include "format/parquet/bounds.h"
#include "format/parquet/meta.h"

/* A data page v1 or a dictionary page (by type) with its CRC. */
sheaf_status shf_pq_write_page(shf_buf *out, const shf_pq_page *page, sheaf_error *err);

/* One written page, for the indexes. */
typedef struct shf_pq_page_entry {
    uint64_t offset; /* from the chunk's start */
    uint32_t size;   /* with the header */
    uint64_t first_row, n_rows, n_nulls;
    shf_pq_bounds bounds;
} shf_pq_page_entry;

/* chunk_offset: where the chunk begins in the file. */
sheaf_status shf_pq_write_offset_index(shf_buf *out, const shf_pq_page_entry *pages, size_t n, uint64_t chunk_offset, sheaf_error *err);
/* Nothing is appended when a page has values but no bounds: such a chunk has no column index. */
sheaf_status shf_pq_write_column_index(shf_buf *out, const shf_pq_page_entry *pages, size_t n, shf_pq_order order, sheaf_error *err);

/* A column of a flat schema. */
typedef struct shf_pq_field {
    const char *name;
    int32_t type;
    int32_t type_length; /* of FIXED */
    bool optional;
    shf_pq_logical logical;
    shf_pq_unit unit;
    bool utc, is_signed;
    int32_t bits, scale, precision;
} shf_pq_field;

typedef struct shf_pq_written_chunk {
    shf_pq_chunk meta; /* statistics: null_count alone */
    shf_pq_bounds bounds;
} shf_pq_written_chunk;

typedef struct shf_pq_written_group {
    uint64_t n_rows, offset, compressed_size, uncompressed_size;
} shf_pq_written_group;

typedef struct shf_pq_footer_parts {
    const shf_pq_field *fields;
    size_t n_fields;
    const shf_pq_written_group *groups;
    size_t n_groups;
    const shf_pq_written_chunk *chunks; /* n_groups × n_fields */
    const char *const *metadata;        /* key, value, key, value, ... */
    size_t n_metadata;                  /* pairs */
    const char *created_by;
} shf_pq_footer_parts;

sheaf_status shf_pq_write_footer(shf_buf *out, const shf_pq_footer_parts *parts, sheaf_error *err);

#endif
