// SPDX-License-Identifier: Apache-2.0
/* Parquet files out: flat tables of named columns, in row groups. Encoding and codec level are chosen per chunk by samples; pages are small
 * where chunks are, so that readers of some rows read little; statistics, column and offset index and page checksums are written.
 * The file grows beside its place (PATH.sheaf-tmp) and is renamed over it by close. One thread at a time per handle. */
#ifndef SHF_INTERCHANGE_PARQUET_WRITER_H
#define SHF_INTERCHANGE_PARQUET_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "exec/pool.h"
#include "format/parquet/meta_write.h"
#include "sheaf/types.h"

typedef struct shf_parquet_writer shf_parquet_writer;

/* A column: shf_pq_field (name Copied). INT96 is not written. Types most used: */
#define SHF_PARQUET_F64(column_name) ((shf_pq_field){.name = (column_name), .type = SHF_PQ_DOUBLE})
#define SHF_PARQUET_F32(column_name) ((shf_pq_field){.name = (column_name), .type = SHF_PQ_FLOAT})
#define SHF_PARQUET_I64(column_name) ((shf_pq_field){.name = (column_name), .type = SHF_PQ_INT64})
#define SHF_PARQUET_I32(column_name) ((shf_pq_field){.name = (column_name), .type = SHF_PQ_INT32})
#define SHF_PARQUET_BOOL(column_name) ((shf_pq_field){.name = (column_name), .type = SHF_PQ_BOOLEAN})
#define SHF_PARQUET_TEXT(column_name) ((shf_pq_field){.name = (column_name), .type = SHF_PQ_BYTE_ARRAY, .logical = SHF_PQ_STRING})
/* Any dtype of ours: small integers become INT32 with their own logical type. */
shf_pq_field shf_parquet_field_of_dtype(const char *name, sheaf_dtype dtype, bool optional);

typedef struct shf_parquet_write_options {
    shf_pq_compression codec;    /* default zstd */
    int level;                   /* -1 (default): chosen by sampling; else 0 (fastest) to 9 */
    uint32_t rows_per_page;      /* 0 (default): chosen by the chunk's size */
    uint64_t rows_per_group;     /* of shf_parquet_writer_append; default 1 Mi */
    bool sync;                   /* data and folder are synced before the file appears */
    shf_pool *pool;              /* Borrowed; encodes chunks beside the caller, NULL: in its thread */
    const char *const *metadata; /* key, value, ... (Borrowed until create returns) */
    size_t n_metadata;           /* pairs */
} shf_parquet_write_options;
#define SHF_PARQUET_WRITE_OPTIONS                                     \
    {                                                                 \
        .codec = SHF_PQ_ZSTD, .level = -1, .rows_per_group = 1u << 20 \
    }

/* options NULL: the defaults. */
sheaf_status shf_parquet_writer_create(const char *path, const shf_pq_field *fields, size_t n_fields,
                                       const shf_parquet_write_options *options, shf_parquet_writer **out, sheaf_error *err);

/* Values of one column: one slot per row, absent rows included. */
typedef struct shf_parquet_values {
    const void *values;      /* u8 0/1 (BOOLEAN), i32, i64, f32, f64, type_length bytes; the bytes of all (BYTE_ARRAY) */
    const uint64_t *offsets; /* of BYTE_ARRAY: n_rows + 1 offsets into values */
    const uint8_t *valid;    /* per row 1 or 0, only of optional columns; NULL: all are there */
} shf_parquet_values;

/* One row group from all its columns; the pointers are Borrowed until it returns. */
sheaf_status shf_parquet_writer_group(shf_parquet_writer *writer, uint64_t n_rows, const shf_parquet_values *columns, sheaf_error *err);
/* The same, column after column in the order of the fields, so that only some need be in memory: begin, each column, end. Values are Copied when
 * a pool encodes them. */
sheaf_status shf_parquet_writer_begin_group(shf_parquet_writer *writer, uint64_t n_rows, sheaf_error *err);
sheaf_status shf_parquet_writer_column(shf_parquet_writer *writer, const shf_parquet_values *values, sheaf_error *err);
sheaf_status shf_parquet_writer_end_group(shf_parquet_writer *writer, sheaf_error *err);
/* Any number of rows: gathered (Copied) into groups of rows_per_group (half of that when so many, and 128 Ki rows, come at once), the rest is
 * written by close. */
sheaf_status shf_parquet_writer_append(shf_parquet_writer *writer, uint64_t n_rows, const shf_parquet_values *columns, sheaf_error *err);

/* Writes what is gathered, indexes and footer, and puts the file in its place. The handle is gone either way. */
sheaf_status shf_parquet_writer_close(shf_parquet_writer **writer, sheaf_error *err);
/* Drops all; nothing is left at the path. NULL is fine. */
void shf_parquet_writer_free(shf_parquet_writer *writer);

#endif
