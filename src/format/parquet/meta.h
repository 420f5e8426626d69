// SPDX-License-Identifier: Apache-2.0
/* Parquet's metadata: what the file footer, page headers and page indexes say. Field numbers are those of parquet.thrift
 * (https://github.com/apache/parquet-format). Pure: bytes in, structs out; pointers into the bytes are Borrowed. */
#ifndef SHF_FORMAT_PARQUET_META_H
#define SHF_FORMAT_PARQUET_META_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"

typedef enum shf_pq_type {
    SHF_PQ_BOOLEAN = 0,
    SHF_PQ_INT32 = 1,
    SHF_PQ_INT64 = 2,
    SHF_PQ_INT96 = 3,
    SHF_PQ_FLOAT = 4,
    SHF_PQ_DOUBLE = 5,
    SHF_PQ_BYTE_ARRAY = 6,
    SHF_PQ_FIXED = 7, /* FIXED_LEN_BYTE_ARRAY */
} shf_pq_type;

typedef enum shf_pq_encoding {
    SHF_PQ_PLAIN = 0,
    SHF_PQ_PLAIN_DICTIONARY = 2,
    SHF_PQ_RLE = 3,
    SHF_PQ_BIT_PACKED = 4, /* deprecated, levels only */
    SHF_PQ_DELTA_BINARY_PACKED = 5,
    SHF_PQ_DELTA_LENGTH_BYTE_ARRAY = 6,
    SHF_PQ_DELTA_BYTE_ARRAY = 7,
    SHF_PQ_RLE_DICTIONARY = 8,
    SHF_PQ_BYTE_STREAM_SPLIT = 9,
} shf_pq_encoding;

typedef enum shf_pq_compression {
    SHF_PQ_UNCOMPRESSED = 0,
    SHF_PQ_SNAPPY = 1,
    SHF_PQ_GZIP = 2,
    SHF_PQ_LZO = 3,
    SHF_PQ_BROTLI = 4,
    SHF_PQ_LZ4 = 5, /* Hadoop's frame, deprecated */
    SHF_PQ_ZSTD = 6,
    SHF_PQ_LZ4_RAW = 7,
} shf_pq_compression;

typedef enum shf_pq_page_type {
    SHF_PQ_DATA_PAGE = 0,
    SHF_PQ_INDEX_PAGE = 1,
    SHF_PQ_DICTIONARY_PAGE = 2,
    SHF_PQ_DATA_PAGE_V2 = 3
} shf_pq_page_type;

typedef enum shf_pq_repetition { SHF_PQ_REQUIRED = 0, SHF_PQ_OPTIONAL = 1, SHF_PQ_REPEATED = 2 } shf_pq_repetition;

/* What values mean beyond their physical type, from the logical or the older converted type. */
typedef enum shf_pq_logical {
    SHF_PQ_NO_LOGICAL = 0,
    SHF_PQ_STRING, /* UTF-8; also enums and JSON */
    SHF_PQ_DECIMAL,
    SHF_PQ_DATE, /* days since 1970 */
    SHF_PQ_TIME,
    SHF_PQ_TIMESTAMP,
    SHF_PQ_INTEGER,
    SHF_PQ_UUID,
    SHF_PQ_FLOAT16,
    SHF_PQ_OTHER_LOGICAL,
} shf_pq_logical;

typedef enum shf_pq_unit { SHF_PQ_NO_UNIT = 0, SHF_PQ_MILLIS, SHF_PQ_MICROS, SHF_PQ_NANOS } shf_pq_unit;

typedef struct shf_pq_schema_element {
    const uint8_t *name;
    size_t name_size;
    int32_t type; /* shf_pq_type, -1 of a group */
    int32_t type_length;
    int32_t repetition;
    int32_t n_children;
    shf_pq_logical logical;
    shf_pq_unit unit; /* of TIME and TIMESTAMP */
    bool utc;
    bool is_signed; /* of INTEGER */
    int32_t bits;   /* of INTEGER */
    int32_t scale, precision;
} shf_pq_schema_element;

typedef struct shf_pq_statistics {
    const uint8_t *min, *max; /* PLAIN bytes; NULL when absent */
    size_t min_size, max_size;
    int64_t null_count; /* -1 when absent */
} shf_pq_statistics;

typedef struct shf_pq_chunk {
    int32_t type, codec;
    uint32_t encodings; /* bit per encoding */
    int64_t n_values, uncompressed_size, compressed_size;
    int64_t data_page_offset, dictionary_page_offset; /* the latter 0 when absent */
    int64_t offset_index_offset, column_index_offset; /* 0 when absent */
    int32_t offset_index_length, column_index_length;
    bool has_meta, encrypted, external; /* external: the data lies in another file */
    shf_pq_statistics statistics;
} shf_pq_chunk;

typedef struct shf_pq_page {
    int32_t type; /* shf_pq_page_type */
    int32_t uncompressed_size, compressed_size;
    bool has_crc;
    uint32_t crc;
    int32_t n_values, encoding;
    int32_t definition_encoding, repetition_encoding;          /* data pages v1 */
    int32_t n_nulls, n_rows, definition_size, repetition_size; /* data pages v2 */
    bool is_compressed;                                        /* data pages v2; true otherwise */
    bool has_body_header;                                      /* the header that belongs to the type is there */
} shf_pq_page;

typedef struct shf_pq_location {
    int64_t offset; /* of the page's header in the file */
    int32_t size;   /* with the header */
    int64_t first_row;
} shf_pq_location;

/* Each reads one struct that begins at bytes; *used is what it took. SHEAF_ERR_DAMAGED with the offset from bytes in err->byte. */
sheaf_status shf_pq_read_schema_element(const uint8_t *bytes, size_t n, shf_pq_schema_element *out, size_t *used, sheaf_error *err);
sheaf_status shf_pq_read_chunk(const uint8_t *bytes, size_t n, shf_pq_chunk *out, size_t *used, sheaf_error *err);
sheaf_status shf_pq_read_page(const uint8_t *bytes, size_t n, shf_pq_page *out, size_t *used, sheaf_error *err);
/* Page locations of one chunk, Owned by the caller (shf_free). Offsets and first rows must rise, sizes be positive. */
sheaf_status shf_pq_read_offset_index(const uint8_t *bytes, size_t n, shf_pq_location **out, size_t *count, sheaf_error *err);

/* ---- the footer, scanned and not built: where each leaf's schema element and each column chunk begin ---- */
typedef struct shf_pq_footer {
    const uint8_t *bytes; /* Borrowed */
    size_t size;
    int64_t n_rows;
    size_t n_columns, n_groups;
    uint32_t schema_root_at;
    uint32_t *schema_at;       /* per leaf */
    uint8_t *nested;           /* per leaf: 1 when it is below a group or repeated */
    uint32_t *chunk_at;        /* per group and leaf */
    int64_t *group_first_row;  /* n_groups + 1 */
    const uint8_t *created_by; /* NULL when absent */
    size_t created_by_size;
    bool encrypted;
} shf_pq_footer;

/* bytes must outlive the footer. */
sheaf_status shf_pq_footer_scan(shf_pq_footer *footer, const uint8_t *bytes, size_t n, sheaf_error *err);
void shf_pq_footer_free(shf_pq_footer *footer);
/* Element of a leaf. */
sheaf_status shf_pq_footer_column(const shf_pq_footer *footer, size_t column, shf_pq_schema_element *out, sheaf_error *err);
sheaf_status shf_pq_footer_chunk(const shf_pq_footer *footer, size_t group, size_t column, shf_pq_chunk *out, sheaf_error *err);
/* Value of a key of the file's key-value metadata, Borrowed; NULL when absent. */
const uint8_t *shf_pq_footer_metadata(const shf_pq_footer *footer, const char *key, size_t *size);

/* Bytes of one value: 1 of BOOLEAN (decoded), 12 of INT96, type_length of FIXED, 0 of BYTE_ARRAY. */
size_t shf_pq_value_size(int32_t type, int32_t type_length);
const char *shf_pq_type_name(int32_t type);
const char *shf_pq_encoding_name(int32_t encoding);
const char *shf_pq_compression_name(int32_t codec);

#endif
