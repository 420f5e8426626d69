// SPDX-License-Identifier: Apache-2.0
/* Where the lines of a text series begin, found without reading their numbers; and parsing some of them. */
#include <inttypes.h>
#include <string.h>

#include "base/alloc.h"
#include "base/checked.h"
#include "series/text.h"

/* What the line finder knows while it goes through the file. */
typedef struct line_finder {
    shf_text *source;
    uint64_t line_at;    /* where the line at hand begins */
    uint64_t n_lines;    /* lines that have ended */
    uint64_t blank_line; /* first blank line after a row, 1-based; 0: none */
    bool has_text;       /* the line at hand has something but blanks */
} line_finder;

static sheaf_status add_row(shf_text *source, uint64_t at, sheaf_error *err)
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
        size_t n = (size_t)shf_min_u64(SHF_TEXT_PIECE, end - begin);
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

static sheaf_status open_parser(const shf_text *source, shf_delimited_row row, void *context, shf_delimited **parser, sheaf_error *err)
{
    shf_delimited_spec spec = {.header = SHF_HEADER_ABSENT, .delimiter = source->delimiter};
    return shf_delimited_open(&spec, row, context, parser, err);
}

/* Parses rows first … last, calling `row` for each. */
sheaf_status shf_text_parse_rows(const shf_text *source, const shf_file *file, char *buffer, int64_t first, int64_t last,
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

static sheaf_status locate(const shf_text *source, sheaf_status status, sheaf_error *err)
{
    shf_error_locate(err, source->path, NULL, -1, -1);
    return status;
}

static sheaf_status build_index(shf_text *source, const shf_file *file, char *buffer, sheaf_error *err)
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
    return shf_text_parse_rows(source, file, buffer, 0, 0, count_columns, &source->n_columns, err);
}

/* Whatever the index says is kept for good, failures are not. */
static sheaf_status need_index(shf_text *source, const shf_file *file, char *buffer, sheaf_error *err)
{
    pthread_mutex_lock(&source->mutex);
    sheaf_status status = source->indexed ? SHEAF_OK : build_index(source, file, buffer, err);
    if (status == SHEAF_OK) source->indexed = true;
    pthread_mutex_unlock(&source->mutex);
    return status == SHEAF_OK ? status : locate(source, status, err);
}

/* Opens the file with the index made. */
sheaf_status shf_text_begin_read(shf_text *source, shf_file *file, char **buffer, sheaf_error *err)
{
    *file = (shf_file)SHF_FILE_CLOSED;
    *buffer = shf_malloc(SHF_TEXT_PIECE);
    if (!*buffer) return shf_fail_memory(err, SHF_TEXT_PIECE, "reading a series");
    sheaf_status status = shf_file_open(file, source->path, SHF_OPEN_READ, err);
    if (status == SHEAF_OK) status = need_index(source, file, *buffer, err);
    return status;
}

void shf_text_end_read(shf_file *file, char *buffer)
{
    (void)shf_file_close(file, NULL); /* nothing was written */
    shf_free(buffer);
}
