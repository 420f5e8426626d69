// SPDX-License-Identifier: Apache-2.0
/* Inside the Parquet reader: the handle, and walking over a chunk's pages. */
#ifndef SHF_INTERCHANGE_PARQUET_INSIDE_H
#define SHF_INTERCHANGE_PARQUET_INSIDE_H

#include <pthread.h>
#include <stdatomic.h>

#include "codec/codec.h"
#include "format/parquet/values.h"
#include "interchange/parquet_file.h"
#include "io/file.h"

/* What one read needs; kept by the handle for the next. */
typedef struct shf_parquet_work {
    struct shf_parquet_work *next;
    shf_codec_work codec;
    shf_buf window; /* bytes of the file from window_at on */
    uint64_t window_at;
    shf_buf page, valid, values, scratch;
} shf_parquet_work;

/* What is remembered of a chunk that was read in part. */
typedef struct shf_parquet_index {
    shf_pq_chunk chunk;
    shf_pq_location *pages; /* Owned */
    size_t n_pages;
    _Atomic(shf_pq_dictionary *) dictionary; /* Owned; NULL until it was read */
} shf_parquet_index;

struct shf_parquet {
    shf_file io;
    uint64_t size;
    uint64_t footer_at;
    uint8_t *footer_bytes; /* Owned */
    shf_pq_footer footer;
    pthread_mutex_t mutex; /* guards works, name_slots, remembering */
    shf_parquet_work *works;
    uint32_t *name_slots; /* hash table of column numbers + 1, made at the first search that a guess does not answer */
    size_t n_name_slots;
    _Atomic(shf_parquet_index *) *indexes; /* per group and column; made at the first read in part */
    _Atomic size_t remembered_bytes;
    _Atomic uint64_t bytes_read;
};

shf_parquet_work *shf_parquet_work_take(shf_parquet *file, sheaf_error *err);
void shf_parquet_work_give(shf_parquet *file, shf_parquet_work *work);
void shf_parquet_index_free(shf_parquet_index *index);
sheaf_status shf_parquet_pread(shf_parquet *file, void *to, size_t n, uint64_t offset, sheaf_error *err);
/* The codec of a Parquet compression; NULL when there is none. */
const shf_codec *shf_parquet_codec(int32_t codec);
/* Adds path, column and offset to an error. */
sheaf_status shf_parquet_locate(const shf_parquet *file, size_t column, int64_t byte, sheaf_status status, sheaf_error *err);

/* ---- pages ---- */
typedef struct shf_parquet_page {
    size_t n_rows;
    int32_t encoding;
    const uint8_t *valid; /* per row 1 or 0; NULL when all are there */
    size_t n_valid;
    const uint8_t *values;
    size_t n_bytes;
    uint64_t at; /* offset of its header in the file */
} shf_parquet_page;

/* A walk over the data pages that hold rows [first, end) of one chunk. */
typedef struct shf_parquet_walk {
    shf_parquet *file;
    shf_parquet_work *work;
    size_t group, column;
    shf_parquet_column info;
    size_t value_size;
    shf_pq_chunk chunk;
    const shf_codec *codec;
    uint64_t first, end; /* rows wanted, of the group */
    uint64_t at, stop;   /* place in the file, and where it ends */
    uint64_t page_row;   /* first row of the page at `at` */
    uint64_t n_group_rows;
    shf_pq_dictionary own_dictionary;
    const shf_pq_dictionary *dictionary;
    shf_parquet_index *index; /* Borrowed; NULL when the chunk is walked from its start */
    size_t page_number;       /* in the index, of the page at `at` */
} shf_parquet_walk;

/* [first, end): rows of the group. */
sheaf_status shf_parquet_walk_begin(shf_parquet_walk *walk, shf_parquet *file, shf_parquet_work *work, size_t group, size_t column,
                                    uint64_t first, uint64_t end, sheaf_error *err);
/* The next page that holds wanted rows: rows [*from, *to) of it. *from == *to at the end. */
sheaf_status shf_parquet_walk_next(shf_parquet_walk *walk, shf_parquet_page *page, size_t *from, size_t *to, sheaf_error *err);
void shf_parquet_walk_end(shf_parquet_walk *walk);
/* Which of the page's stored values rows [from, to) have. */
shf_pq_slice shf_parquet_slice(const shf_parquet_page *page, size_t from, size_t to);
/* Fixed-size values of rows [from, to), absent ones as zeros; room for to - from values at out. */
sheaf_status shf_parquet_fixed_rows(const shf_parquet_walk *walk, const shf_parquet_page *page, size_t from, size_t to, uint8_t *out,
                                    sheaf_error *err);

/* ---- ranges ---- */
sheaf_status shf_parquet_check_range(const shf_parquet *file, size_t column, uint64_t first_row, uint64_t n_rows, sheaf_error *err);
/* The row group that holds a row; the first of those when groups before it are empty. */
size_t shf_parquet_group_of_row(const shf_parquet *file, uint64_t row);

#endif
