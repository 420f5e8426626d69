// SPDX-License-Identifier: Apache-2.0
/* Parquet files in: flat tables, read lazily. Opening reads the footer and scans it; a read touches only the chunks and pages that hold the
 * rows asked for. Errors carry the file, the column and the byte offset.
 * Threads: a handle may be shared; every function but shf_parquet_free may be called from any thread at any time. */
#ifndef SHF_INTERCHANGE_PARQUET_FILE_H
#define SHF_INTERCHANGE_PARQUET_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "exec/pool.h"
#include "format/parquet/meta.h"

typedef struct shf_parquet shf_parquet;

/* What is no Parquet file: SHEAF_ERR_INPUT (SHEAF_ERR_DAMAGED when it begins or ends like one); an encrypted footer: SHEAF_ERR_UNSUPPORTED. */
sheaf_status shf_parquet_open(const char *path, shf_parquet **out, sheaf_error *err);
/* NULL is fine. */
void shf_parquet_free(shf_parquet *file);

uint64_t shf_parquet_rows(const shf_parquet *file);
/* Leaf columns, in the file's order. Columns of nested types count, but cannot be read. */
size_t shf_parquet_columns(const shf_parquet *file);
size_t shf_parquet_groups(const shf_parquet *file);
uint64_t shf_parquet_group_rows(const shf_parquet *file, size_t group);

typedef struct shf_parquet_column {
    const char *name; /* Borrowed from the file; not terminated */
    size_t name_size;
    shf_pq_type type;
    size_t type_length; /* of FIXED */
    bool optional;      /* values may be absent */
    bool nested;        /* not readable */
    shf_pq_logical logical;
    shf_pq_unit unit; /* of TIME and TIMESTAMP */
    bool utc;
    bool is_signed; /* of INTEGER */
    int bits;       /* of INTEGER */
    int scale, precision;
} shf_parquet_column;

/* SHEAF_ERR_RANGE when there is no such column. */
sheaf_status shf_parquet_column_info(const shf_parquet *file, size_t column, shf_parquet_column *out, sheaf_error *err);
/* The column's path as text ("a", "list.element"), cut to the capacity. */
void shf_parquet_column_path(const shf_parquet *file, size_t column, char *out, size_t capacity);
/* Index of a column by its name (any bytes, dots included). SHEAF_ERR_NOT_FOUND names it; SHEAF_ERR_UNSUPPORTED when it is a nested one. */
sheaf_status shf_parquet_find(shf_parquet *file, const char *name, size_t *column, sheaf_error *err);

/* Rows [first_row, first_row + n_rows) of a numeric column as f64. Absent values become NaN; integers beyond 2^53 round; decimals are divided
 * by their scale; booleans are 0 and 1; INT96 is nanoseconds since 1970. SHEAF_ERR_RANGE for rows beyond the end, SHEAF_ERR_MISMATCH when the
 * column holds no numbers. */
sheaf_status shf_parquet_read_f64(shf_parquet *file, size_t column, uint64_t first_row, uint64_t n_rows, double *out, sheaf_error *err);
/* The same of several columns: out is n_columns × n_rows, column after column. With a pool (may be NULL) columns are read by its threads, not
 * from within one of its jobs. */
sheaf_status shf_parquet_read_f64_columns(shf_parquet *file, const size_t *columns, size_t n_columns, uint64_t first_row, uint64_t n_rows,
                                          double *out, shf_pool *pool, sheaf_error *err);

/* Values of a column in their own type. Zero-initialise; shf_parquet_vector_free. */
typedef struct shf_parquet_vector {
    shf_pq_type type;  /* INT96 is given as INT64, nanoseconds since 1970 */
    size_t value_size; /* bytes of one value in `values`; 0 of BYTE_ARRAY */
    uint64_t n_rows, n_nulls;
    void *values;      /* n_rows values: u8 0 or 1, i32, i64, f32, f64 or value_size bytes; zero where absent. NULL of BYTE_ARRAY */
    uint64_t *offsets; /* of BYTE_ARRAY: n_rows + 1 offsets into bytes */
    uint8_t *bytes;
    uint8_t *valid; /* n_rows times 1 (there) or 0 (absent); NULL when none is absent */
} shf_parquet_vector;

sheaf_status shf_parquet_read(shf_parquet *file, size_t column, uint64_t first_row, uint64_t n_rows, shf_parquet_vector *out,
                              sheaf_error *err);
/* The same of several columns, with a pool (may be NULL). After an error no vector holds anything. */
sheaf_status shf_parquet_read_columns(shf_parquet *file, const size_t *columns, size_t n_columns, uint64_t first_row, uint64_t n_rows,
                                      shf_parquet_vector *out, shf_pool *pool, sheaf_error *err);
void shf_parquet_vector_free(shf_parquet_vector *vector);

/* Statistics of one chunk as the file states them: bytes in PLAIN encoding, Borrowed from the file; NULL and -1 where absent. */
sheaf_status shf_parquet_statistics(const shf_parquet *file, size_t group, size_t column, shf_pq_statistics *out, sheaf_error *err);
/* Text of a key of the file's metadata, Borrowed, not terminated; NULL when absent. */
const char *shf_parquet_metadata(const shf_parquet *file, const char *key, size_t *size);
/* Bytes read from the file so far, the footer included. */
uint64_t shf_parquet_bytes_read(const shf_parquet *file);

#endif
