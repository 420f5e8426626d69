// SPDX-License-Identifier: Apache-2.0
/* Reading rows and columns of a text series. */
#include <inttypes.h>

#include "base/alloc.h"
#include "base/checked.h"
#include "series/parts.h"
#include "series/rows.h"
#include "series/text.h"

/* Rows that nobody asked for, but that are parsed rather than skipped. */
#define MAX_GAP 8
/* A read of twice so many bytes and more goes in parts, by several threads. */
#define PART_BYTES ((uint64_t)256 << 10)
#define MAX_PARTS 256

typedef struct text_read {
    const shf_text *source;
    shf_rows rows;
    int64_t row; /* the next one that comes from the parser */
    const int64_t *columns;
    size_t n_columns;
    double *out;
    size_t row_step, column_step;
} text_read;

static sheaf_status take_row(void *context, const double *values, size_t columns, sheaf_error *err)
{
    text_read *r = context;
    size_t place;
    if ((int64_t)columns != r->source->n_columns)
        return shf_fail_at(err, SHEAF_ERR_INPUT, r->source->path, NULL, r->row, (int64_t)r->source->row_at[r->row],
                           "row %" PRId64 " has %zu cells, row 0 has %" PRId64, r->row, columns, r->source->n_columns);
    while (shf_rows_take(&r->rows, r->row, &place)) {
        double *to = r->out + place * r->row_step;
        for (size_t j = 0; j < r->n_columns; j++) to[j * r->column_step] = values[r->columns[j]];
    }
    r->row++;
    return SHEAF_OK;
}

static sheaf_status ignore_row(void *context, const double *values, size_t columns, sheaf_error *err)
{
    (void)context;
    (void)values;
    (void)columns;
    (void)err;
    return SHEAF_OK;
}

/* A parser that began in the middle counts lines from there; one that begins at the first line says the file's own numbers. */
static sheaf_status explain(const shf_text *source, const shf_file *file, char *buffer, int64_t last, sheaf_status status, sheaf_error *err)
{
    sheaf_error exact = {.code = SHEAF_OK};
    if (status == SHEAF_ERR_INPUT && shf_text_parse_rows(source, file, buffer, 0, last, ignore_row, NULL, &exact) == SHEAF_ERR_INPUT && err)
        *err = exact;
    shf_error_locate(err, source->path, NULL, -1, -1);
    return status;
}

/* The runs of rows of one part. */
static sheaf_status read_runs(text_read *r, const shf_file *file, char *buffer, sheaf_error *err)
{
    int64_t first, last;
    sheaf_status status = SHEAF_OK;
    while (status == SHEAF_OK && shf_rows_next_run(&r->rows, MAX_GAP, &first, &last)) {
        r->row = first;
        status = shf_text_parse_rows(r->source, file, buffer, first, last, take_row, r, err);
        if (status != SHEAF_OK) status = explain(r->source, file, buffer, last, status, err);
    }
    return status;
}

typedef struct text_part {
    text_read read;
    const shf_file *file;
    sheaf_status status;
    sheaf_error error;
} text_part;

static void read_part(void *argument)
{
    text_part *part = argument;
    char *buffer = shf_malloc(SHF_TEXT_PIECE);
    part->status = buffer ? read_runs(&part->read, part->file, buffer, &part->error)
                          : shf_fail_memory(&part->error, SHF_TEXT_PIECE, "reading a series");
    shf_free(buffer);
}

static uint64_t count_parts(const shf_text *source, size_t n_rows)
{
    uint64_t row_bytes = source->row_at[source->n_rows] / (uint64_t)source->n_rows, bytes;
    if (!shf_mul_u64(row_bytes, n_rows, &bytes)) bytes = UINT64_MAX;
    return shf_min_u64(bytes / PART_BYTES, MAX_PARTS);
}

/* Cuts the places that ask for rows into n parts, which write to different places. The first part's error counts, as if read in order. */
static sheaf_status read_in_parts(const text_read *whole, const shf_file *file, size_t n, shf_pool *pool, sheaf_error *err)
{
    text_part *parts = shf_calloc(n, sizeof *parts);
    if (!parts) return shf_fail_memory(err, n * sizeof *parts, "reading a series");
    for (size_t i = 0; i < n; i++) {
        parts[i] = (text_part){.read = *whole, .file = file};
        parts[i].read.rows.next = whole->rows.n / n * i;
        if (i + 1 < n) parts[i].read.rows.n = whole->rows.n / n * (i + 1);
        shf_pool_submit(pool, read_part, &parts[i]);
    }
    shf_pool_wait(pool);
    sheaf_status status = SHEAF_OK;
    for (size_t i = 0; status == SHEAF_OK && i < n; i++) {
        status = parts[i].status;
        if (status != SHEAF_OK && err) *err = parts[i].error;
    }
    shf_free(parts);
    return status;
}

static sheaf_status read_rows(text_read *r, const shf_file *file, char *buffer, sheaf_error *err)
{
    uint64_t n = count_parts(r->source, r->rows.n);
    shf_pool *pool = shf_parts_begin(n);
    sheaf_status status = pool ? read_in_parts(r, file, (size_t)n, pool, err) : read_runs(r, file, buffer, err);
    shf_parts_end(pool);
    return status;
}

sheaf_status shf_text_read(void *state, const int64_t *rows, size_t n_rows, const int64_t *columns, size_t n_columns, double *out,
                           size_t row_step, size_t column_step, sheaf_error *err)
{
    shf_text *source = state;
    text_read r = {
        .source = source, .columns = columns, .n_columns = n_columns, .out = out, .row_step = row_step, .column_step = column_step};
    SHF_TRY(shf_rows_begin(&r.rows, rows, n_rows, err));
    shf_file file;
    char *buffer;
    sheaf_status status = shf_text_begin_read(source, &file, &buffer, err);
    if (status == SHEAF_OK) status = read_rows(&r, &file, buffer, err);
    shf_text_end_read(&file, buffer);
    shf_rows_end(&r.rows);
    return status;
}
