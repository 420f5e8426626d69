// SPDX-License-Identifier: Apache-2.0
/* Series in text files. The first use finds where the lines begin (without reading their numbers); after that a read parses the lines
 * that it needs and no others. The file is open during a read only, so a study may have thousands of series. */
#include <inttypes.h>
#include <pthread.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/checked.h"
#include "format/delimited.h"
#include "io/file.h"
#include "series/rows.h"
#include "series/series.h"
#include "series/sources.h"

/* Bytes read at a time. */
#define PIECE ((size_t)256 << 10)
/* Rows that nobody asked for, but that are parsed rather than skipped. */
#define MAX_GAP 8

typedef struct text_source {
    char *path; /* Owned */
    char delimiter;
    pthread_mutex_t mutex;
    bool indexed; /* the rest is set, and does not change any more */
    int64_t n_rows;
    int64_t n_columns;
    uint64_t *row_at; /* Owned; where each row's line begins, and where the last one ends */
    size_t row_capacity;
} text_source;

/* What the line finder knows while it goes through the file. */
typedef struct line_finder {
    text_source *source;
    uint64_t line_at;    /* where the line at hand begins */
    uint64_t n_lines;    /* lines that have ended */
    uint64_t blank_line; /* first blank line after a row, 1-based; 0: none */
    bool has_text;       /* the line at hand has something but blanks */
} line_finder;

static sheaf_status add_row(text_source *source, uint64_t at, sheaf_error *err)
{
    if ((size_t)source->n_rows + 1 >= source->row_capacity) {
        size_t capacity = source->row_capacity ? source->row_capacity * 2 : 1024;
        uint64_t *grown = shf_realloc(source->row_at, capacity * sizeof *grown);
        if (!grown) return shf_fail_memory(err, capacity * sizeof *grown, "the lines of a series");
        source->row_at = grown;
        source->row_capacity = capacity;
    }
    source->row_at[source->n_rows++] = at;
    return SHEAF_OK;
}

static bool has_text(const char *at, const char *end)
{
    while (at < end && (*at == ' ' || *at == '\t' || *at == '\r')) at++;
    return at < end;
}

/* The line at hand ends before `next`. */
static sheaf_status end_line(line_finder *f, uint64_t next, sheaf_error *err)
{
    f->n_lines++;
    if (f->has_text) {
        if (f->blank_line)
            return shf_fail_at(err, SHEAF_ERR_INPUT, f->source->path, NULL, f->source->n_rows, (int64_t)f->line_at,
                               "%s: line %" PRIu64 " is blank, and more follow", f->source->path, f->blank_line);
        SHF_TRY(add_row(f->source, f->line_at, err));
        f->source->row_at[f->source->n_rows] = next;
    } else if (f->source->n_rows && !f->blank_line) {
        f->blank_line = f->n_lines;
    }
    f->line_at = next;
    f->has_text = false;
    return SHEAF_OK;
}

static sheaf_status find_lines(line_finder *f, const char *piece, size_t n, uint64_t base, sheaf_error *err)
{
    const char *at = piece, *end = piece + n;
    while (at < end) {
        const char *line_end = memchr(at, '\n', (size_t)(end - at));
        const char *stop = line_end ? line_end : end;
        if (!f->has_text) f->has_text = has_text(at, stop);
        if (!line_end) break;
        SHF_TRY(end_line(f, base + (uint64_t)(line_end + 1 - piece), err));
        at = line_end + 1;
    }
    return SHEAF_OK;
}

/* Calls take for each piece of [begin, end) of the file. */
static sheaf_status each_piece(const shf_file *file, uint64_t begin, uint64_t end, char *buffer,
                               sheaf_status (*take)(void *context, const char *piece, size_t n, uint64_t base, sheaf_error *err),
                               void *context, sheaf_error *err)
{
    while (begin < end) {
        size_t n = (size_t)shf_min_u64(PIECE, end - begin);
        SHF_TRY(shf_file_read(file, buffer, n, begin, err));
        SHF_TRY(take(context, buffer, n, begin, err));
        begin += n;
    }
    return SHEAF_OK;
}

static sheaf_status find_lines_of_piece(void *context, const char *piece, size_t n, uint64_t base, sheaf_error *err)
{
    return find_lines(context, piece, n, base, err);
}

static sheaf_status push_piece(void *context, const char *piece, size_t n, uint64_t base, sheaf_error *err)
{
    (void)base;
    return shf_delimited_push(context, piece, n, err);
}

static sheaf_status open_parser(const text_source *source, shf_delimited_row row, void *context, shf_delimited **parser, sheaf_error *err)
{
    shf_delimited_spec spec = {.header = SHF_HEADER_ABSENT, .delimiter = source->delimiter};
    return shf_delimited_open(&spec, row, context, parser, err);
}

/* Parses rows first … last, calling `row` for each. */
static sheaf_status parse_rows(const text_source *source, const shf_file *file, char *buffer, int64_t first, int64_t last,
                               shf_delimited_row row, void *context, sheaf_error *err)
{
    shf_delimited *parser = NULL;
    SHF_TRY(open_parser(source, row, context, &parser, err));
    sheaf_status status = each_piece(file, source->row_at[first], source->row_at[last + 1], buffer, push_piece, parser, err);
    if (status == SHEAF_OK) status = shf_delimited_finish(parser, err);
    shf_delimited_free(parser);
    return status;
}

static sheaf_status count_columns(void *context, const double *values, size_t columns, sheaf_error *err)
{
    (void)values;
    (void)err;
    *(int64_t *)context = (int64_t)columns;
    return SHEAF_OK;
}

static sheaf_status locate(const text_source *source, sheaf_status status, sheaf_error *err)
{
    shf_error_locate(err, source->path, NULL, -1, -1);
    return status;
}

static sheaf_status build_index(text_source *source, const shf_file *file, char *buffer, sheaf_error *err)
{
    uint64_t size;
    line_finder finder = {.source = source};
    source->n_rows = 0;
    SHF_TRY(shf_file_size(file, &size, err));
    SHF_TRY(each_piece(file, 0, size, buffer, find_lines_of_piece, &finder, err));
    if (finder.line_at < size) SHF_TRY(end_line(&finder, size, err));
    if (source->n_rows == 0)
        return shf_fail_at(err, SHEAF_ERR_INPUT, source->path, NULL, -1, 0, "%s: no numbers in %" PRIu64 " bytes", source->path, size);
    /* The first row begins at the beginning, so that lines are counted (and a byte order mark is seen) as in the file. */
    source->row_at[0] = 0;
    return parse_rows(source, file, buffer, 0, 0, count_columns, &source->n_columns, err);
}

/* Whatever the index says is kept for good, failures are not. */
static sheaf_status need_index(text_source *source, const shf_file *file, char *buffer, sheaf_error *err)
{
    pthread_mutex_lock(&source->mutex);
    sheaf_status status = source->indexed ? SHEAF_OK : build_index(source, file, buffer, err);
    if (status == SHEAF_OK) source->indexed = true;
    pthread_mutex_unlock(&source->mutex);
    return status == SHEAF_OK ? status : locate(source, status, err);
}

/* Opens the file with the index made. */
static sheaf_status begin_read(text_source *source, shf_file *file, char **buffer, sheaf_error *err)
{
    *file = (shf_file)SHF_FILE_CLOSED;
    *buffer = shf_malloc(PIECE);
    if (!*buffer) return shf_fail_memory(err, PIECE, "reading a series");
    sheaf_status status = shf_file_open(file, source->path, SHF_OPEN_READ, err);
    if (status == SHEAF_OK) status = need_index(source, file, *buffer, err);
    return status;
}

static void end_read(shf_file *file, char *buffer)
{
    (void)shf_file_close(file, NULL); /* nothing was written */
    shf_free(buffer);
}

static bool is_indexed(text_source *source)
{
    pthread_mutex_lock(&source->mutex);
    bool indexed = source->indexed;
    pthread_mutex_unlock(&source->mutex);
    return indexed;
}

static sheaf_status text_shape(void *state, int64_t *n_times, int64_t *n_columns, sheaf_error *err)
{
    text_source *source = state;
    sheaf_status status = SHEAF_OK;
    if (!is_indexed(source)) {
        shf_file file;
        char *buffer;
        status = begin_read(source, &file, &buffer, err);
        end_read(&file, buffer);
    }
    *n_times = source->n_rows;
    *n_columns = source->n_columns;
    return status;
}

typedef struct text_read {
    const text_source *source;
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
static sheaf_status explain(const text_source *source, const shf_file *file, char *buffer, int64_t last, sheaf_status status,
                            sheaf_error *err)
{
    sheaf_error exact = {.code = SHEAF_OK};
    if (status == SHEAF_ERR_INPUT && parse_rows(source, file, buffer, 0, last, ignore_row, NULL, &exact) == SHEAF_ERR_INPUT && err)
        *err = exact;
    return locate(source, status, err);
}

static sheaf_status text_read_values(void *state, const int64_t *rows, size_t n_rows, const int64_t *columns, size_t n_columns, double *out,
                                     size_t row_step, size_t column_step, sheaf_error *err)
{
    text_source *source = state;
    text_read r = {
        .source = source, .columns = columns, .n_columns = n_columns, .out = out, .row_step = row_step, .column_step = column_step};
    SHF_TRY(shf_rows_begin(&r.rows, rows, n_rows, err));
    shf_file file;
    char *buffer;
    int64_t first, last;
    sheaf_status status = begin_read(source, &file, &buffer, err);
    while (status == SHEAF_OK && shf_rows_next_run(&r.rows, MAX_GAP, &first, &last)) {
        r.row = first;
        status = parse_rows(source, &file, buffer, first, last, take_row, &r, err);
        if (status != SHEAF_OK) status = explain(source, &file, buffer, last, status, err);
    }
    end_read(&file, buffer);
    shf_rows_end(&r.rows);
    return status;
}

static void text_free(void *state)
{
    text_source *source = state;
    if (!source) return;
    pthread_mutex_destroy(&source->mutex);
    shf_free(source->row_at);
    shf_free(source->path);
    shf_free(source);
}

static const shf_source_ops text_ops = {text_shape, text_read_values, text_free, false};

static sheaf_status open_text(const char *path, char delimiter, const shf_source_ops **ops, void **state, sheaf_error *err)
{
    text_source *source = shf_calloc(1, sizeof *source);
    char *copy = shf_strdup(path);
    if (!source || !copy) {
        shf_free(source);
        shf_free(copy);
        return shf_fail_memory(err, sizeof *source, "a series");
    }
    source->path = copy;
    source->delimiter = delimiter;
    pthread_mutex_init(&source->mutex, NULL);
    *ops = &text_ops;
    *state = source;
    return SHEAF_OK;
}

sheaf_status shf_text_open_blank(const char *path, const shf_source_ops **ops, void **state, sheaf_error *err)
{
    return open_text(path, ' ', ops, state, err);
}

sheaf_status shf_text_open_tab(const char *path, const shf_source_ops **ops, void **state, sheaf_error *err)
{
    return open_text(path, '\t', ops, state, err);
}

sheaf_status shf_text_open_comma(const char *path, const shf_source_ops **ops, void **state, sheaf_error *err)
{
    return open_text(path, ',', ops, state, err);
}
