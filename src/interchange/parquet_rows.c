// SPDX-License-Identifier: Apache-2.0
#include "interchange/parquet_rows.h"

#include <string.h>

#include "base/alloc.h"
#include "base/checked.h"
#include "io/file.h"

enum { DEFAULT_MEMORY = 64 << 20 };

struct shf_parquet_row_writer {
    shf_parquet_writer *writer;
    shf_file spill; /* blocks of n_fields × block_rows values, column after column; closed until the first block is full */
    char *spill_path;
    size_t n_fields, memory_bytes;
    uint64_t block_rows, blocks_per_group;
    uint64_t n_spilled; /* blocks */
    double *block;      /* the block at hand, in the same order */
    uint64_t n_block;   /* rows in it */
};

static sheaf_status fail_memory(size_t n, sheaf_error *err)
{
    return shf_fail_memory(err, n, "rows of a Parquet file");
}

static size_t block_bytes(const shf_parquet_row_writer *rows)
{
    return rows->n_fields * (size_t)rows->block_rows * sizeof(double);
}

static sheaf_status plan(shf_parquet_row_writer *rows, const shf_parquet_write_options *options, sheaf_error *err)
{
    uint64_t per_group = options && options->rows_per_group ? options->rows_per_group : 1u << 20;
    uint64_t row_bytes = shf_max_u64(1, rows->n_fields) * sizeof(double);
    rows->block_rows = shf_min_u64(shf_max_u64(1, rows->memory_bytes / 2 / row_bytes), per_group);
    rows->blocks_per_group = shf_max_u64(1, per_group / rows->block_rows);
    rows->block = shf_malloc_aligned(block_bytes(rows) + 1);
    return rows->block ? SHEAF_OK : fail_memory(block_bytes(rows), err);
}

static sheaf_status set_up(shf_parquet_row_writer *rows, const char *path, const shf_pq_field *fields,
                           const shf_parquet_write_options *options, sheaf_error *err)
{
    for (size_t i = 0; i < rows->n_fields; i++)
        if (fields[i].type != SHF_PQ_DOUBLE || fields[i].optional)
            return shf_fail(err, SHEAF_ERR_ARGUMENT, "column %zu is not a required DOUBLE", i);
    shf_buf name = {0};
    sheaf_status status = shf_buf_printf(&name, err, "%s.sheaf-spill", path);
    if (status == SHEAF_OK) status = shf_buf_append(&name, "", 1, err);
    rows->spill_path = (char *)name.data;
    SHF_TRY(status);
    SHF_TRY(plan(rows, options, err));
    return shf_parquet_writer_create(path, fields, rows->n_fields, options, &rows->writer, err);
}

sheaf_status shf_parquet_row_writer_create(const char *path, const shf_pq_field *fields, size_t n_fields,
                                           const shf_parquet_write_options *options, size_t memory_bytes, shf_parquet_row_writer **out,
                                           sheaf_error *err)
{
    *out = NULL;
    shf_parquet_row_writer *rows = shf_calloc(1, sizeof *rows);
    if (!rows) return fail_memory(sizeof *rows, err);
    rows->spill = (shf_file)SHF_FILE_CLOSED;
    rows->n_fields = n_fields;
    rows->memory_bytes = memory_bytes ? memory_bytes : DEFAULT_MEMORY;
    sheaf_status status = set_up(rows, path, fields, options, err);
    if (status == SHEAF_OK) *out = rows;
    else shf_parquet_row_writer_free(rows);
    return status;
}

static sheaf_status spill_block(shf_parquet_row_writer *rows, sheaf_error *err)
{
    if (rows->spill.fd < 0) {
        SHF_TRY(shf_file_open(&rows->spill, rows->spill_path, SHF_OPEN_TRUNCATE, err));
        SHF_TRY(shf_path_unlink(rows->spill_path, err));
    }
    SHF_TRY(shf_file_write(&rows->spill, rows->block, block_bytes(rows), rows->n_spilled * block_bytes(rows), err));
    rows->n_spilled++;
    rows->n_block = 0;
    return SHEAF_OK;
}

/* n rows become columns of the block, in tiles that stay in the cache. */
static void transpose(shf_parquet_row_writer *rows, const double *values, size_t n)
{
    enum { TILE = 16 };
    double *to = rows->block + rows->n_block;
    size_t stride = (size_t)rows->block_rows, n_fields = rows->n_fields;
    for (size_t r = 0; r < n; r += TILE) {
        size_t r_end = r + TILE < n ? r + TILE : n;
        for (size_t c = 0; c < n_fields; c++)
            for (size_t i = r; i < r_end; i++) to[c * stride + i] = values[i * n_fields + c];
    }
    rows->n_block += n;
}

sheaf_status shf_parquet_row_writer_append(shf_parquet_row_writer *rows, uint64_t n_rows, const double *values, sheaf_error *err)
{
    while (n_rows > 0) {
        if (rows->n_block == rows->block_rows) SHF_TRY(spill_block(rows, err));
        size_t n = (size_t)shf_min_u64(n_rows, rows->block_rows - rows->n_block);
        transpose(rows, values, n);
        values += n * rows->n_fields;
        n_rows -= n;
    }
    return SHEAF_OK;
}

/* Columns [first, first + some) of blocks [from, to), whose last has last_rows rows: out is some × n_group. */
static sheaf_status gather(shf_parquet_row_writer *rows, uint64_t from, uint64_t to, uint64_t last_rows, size_t first, size_t some,
                           double *piece, double *out, uint64_t n_group, sheaf_error *err)
{
    size_t stride = (size_t)rows->block_rows;
    for (uint64_t b = from; b < to; b++) {
        uint64_t at = b * block_bytes(rows) + first * stride * sizeof(double);
        SHF_TRY(shf_file_read(&rows->spill, piece, some * stride * sizeof(double), at, err));
        size_t n = (size_t)(b + 1 == to ? last_rows : rows->block_rows);
        for (size_t c = 0; c < some; c++) memcpy(out + c * n_group + (b - from) * stride, piece + c * stride, n * sizeof(double));
    }
    return SHEAF_OK;
}

static sheaf_status put_columns(shf_parquet_row_writer *rows, const double *values, size_t some, uint64_t stride, sheaf_error *err)
{
    for (size_t c = 0; c < some; c++) {
        shf_parquet_values column = {.values = values + c * stride};
        SHF_TRY(shf_parquet_writer_column(rows->writer, &column, err));
    }
    return SHEAF_OK;
}

static sheaf_status write_group(shf_parquet_row_writer *rows, uint64_t from, uint64_t to, uint64_t last_rows, sheaf_error *err)
{
    uint64_t n_group = (to - from - 1) * rows->block_rows + last_rows;
    size_t per_column = (size_t)(n_group + rows->block_rows) * sizeof(double);
    size_t some = (size_t)shf_min_u64(rows->n_fields, shf_max_u64(1, rows->memory_bytes / 2 / per_column));
    double *buffer = shf_malloc_aligned(some * per_column + 1);
    if (!buffer) return fail_memory(some * per_column, err);
    double *piece = buffer + some * (size_t)n_group;
    sheaf_status status = shf_parquet_writer_begin_group(rows->writer, n_group, err);
    for (size_t first = 0; status == SHEAF_OK && first < rows->n_fields; first += some) {
        size_t n = rows->n_fields - first < some ? rows->n_fields - first : some;
        status = gather(rows, from, to, last_rows, first, n, piece, buffer, n_group, err);
        if (status == SHEAF_OK) status = put_columns(rows, buffer, n, n_group, err);
    }
    if (status == SHEAF_OK) status = shf_parquet_writer_end_group(rows->writer, err);
    shf_free(buffer);
    return status;
}

static sheaf_status write_all(shf_parquet_row_writer *rows, sheaf_error *err)
{
    if (rows->n_spilled == 0) { /* all is still here */
        if (rows->n_block == 0) return SHEAF_OK;
        SHF_TRY(shf_parquet_writer_begin_group(rows->writer, rows->n_block, err));
        SHF_TRY(put_columns(rows, rows->block, rows->n_fields, rows->block_rows, err));
        return shf_parquet_writer_end_group(rows->writer, err);
    }
    uint64_t last_rows = rows->n_block ? rows->n_block : rows->block_rows;
    if (rows->n_block) SHF_TRY(spill_block(rows, err));
    shf_free(rows->block);
    rows->block = NULL;
    for (uint64_t from = 0; from < rows->n_spilled; from += rows->blocks_per_group) {
        uint64_t to = shf_min_u64(from + rows->blocks_per_group, rows->n_spilled);
        SHF_TRY(write_group(rows, from, to, to == rows->n_spilled ? last_rows : rows->block_rows, err));
    }
    return SHEAF_OK;
}

sheaf_status shf_parquet_row_writer_close(shf_parquet_row_writer **rows, sheaf_error *err)
{
    if (!*rows) return SHEAF_OK;
    sheaf_status status = write_all(*rows, err);
    if (status == SHEAF_OK) status = shf_parquet_writer_close(&(*rows)->writer, err);
    shf_parquet_row_writer_free(*rows);
    *rows = NULL;
    return status;
}

void shf_parquet_row_writer_free(shf_parquet_row_writer *rows)
{
    if (!rows) return;
    shf_parquet_writer_free(rows->writer);
    (void)shf_file_close(&rows->spill, NULL);
    shf_free(rows->spill_path);
    shf_free(rows->block);
    shf_free(rows);
}
