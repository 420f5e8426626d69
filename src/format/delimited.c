// SPDX-License-Identifier: Apache-2.0
#include "format/delimited.h"

#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/error.h"
#include "format/number.h"

/* Bytes that fast_cell may look at. */
#define FAST_CELL 24

typedef struct large_integer {
    int64_t value;
    uint64_t row; /* where it was, from 1; 0: nowhere */
} large_integer;

struct shf_delimited {
    shf_delimited_spec spec;
    shf_delimited_row row;
    void *context;
    shf_buf line;  /* the first line, until it is whole */
    bool in_quote; /* within a quoted name of the first line */
    bool started;  /* the first line has been read */
    bool named;    /* the first line has a cell that can only be a name, or an empty first one, as tables with row names have */
    bool has_header;
    char cell[SHF_DELIMITED_CELL]; /* a cell that the last push left unfinished */
    size_t cell_size;
    double *values; /* Owned, `columns` of them */
    size_t columns, column;
    large_integer *large;             /* Owned: NULL until there is one, then one for each column */
    char *names;                      /* Owned: the names one after the other, each with its zero */
    size_t *name_place;               /* Owned: where each begins */
    uint64_t rows, lines, blank_line; /* lines: all that have ended */
    uint64_t offset;                  /* bytes before the piece at hand */
    uint64_t first_line, line_offset; /* number and place of the first line that is not blank */
};

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* A cell's extent without the spaces around it, the CR of its line end and its quotes. */
static void trim(const char **begin, const char **end, bool last)
{
    if (last && *end > *begin && (*end)[-1] == '\r') --*end;
    while (*begin < *end && is_blank(**begin)) ++*begin;
    while (*end > *begin && is_blank((*end)[-1])) --*end;
    if (*end - *begin >= 2 && **begin == '"' && (*end)[-1] == '"') {
        ++*begin;
        --*end;
    }
}

static bool is_word(const char *begin, const char *end, const char *word)
{
    size_t n = strlen(word), i = 0;
    if ((size_t)(end - begin) != n) return false;
    while (i < n && (begin[i] | 0x20) == word[i]) i++;
    return i == n;
}

static bool number_of(const char *begin, const char *end, bool lenient, double *value)
{
    if (begin < end && shf_parse_f64(begin, end, value) == end) return true;
    if (!lenient) return false;
    if (begin == end) *value = (double)__builtin_nanf("");
    else if (is_word(begin, end, "true")) *value = 1;
    else if (is_word(begin, end, "false")) *value = 0;
    else return false;
    return true;
}

static sheaf_status no_number(const shf_delimited *p, const char *begin, const char *end, uint64_t byte, sheaf_error *err)
{
    char shown[48];
    size_t n = 0;
    for (; begin + n < end && n < 40; n++) shown[n] = begin[n] >= 32 && begin[n] < 127 ? begin[n] : '?';
    shown[n] = '\0';
    const char *more = begin + n < end ? "..." : "";
    unsigned long long line = p->lines + 1, column = p->column + 1;
    if (n == 0)
        return shf_fail_at(err, SHEAF_ERR_INPUT, NULL, NULL, (int64_t)p->rows, (int64_t)byte, "line %llu, column %llu: the cell is empty",
                           line, column);
    return shf_fail_at(err, SHEAF_ERR_INPUT, NULL, NULL, (int64_t)p->rows, (int64_t)byte, "line %llu, column %llu: '%s%s' is not a number",
                       line, column, shown, more);
}

static sheaf_status ragged(const shf_delimited *p, uint64_t line, size_t cells, uint64_t byte, sheaf_error *err)
{
    return shf_fail_at(err, SHEAF_ERR_INPUT, NULL, NULL, (int64_t)p->rows, (int64_t)byte, "line %llu has %zu cell%s, line %llu has %zu",
                       (unsigned long long)line, cells, cells == 1 ? "" : "s", (unsigned long long)p->first_line, p->columns);
}

static sheaf_status end_row(shf_delimited *p, uint64_t byte, sheaf_error *err)
{
    if (p->column == 0) { /* blank: wrong only if something follows */
        p->lines++;
        if (!p->blank_line) p->blank_line = p->lines;
        return SHEAF_OK;
    }
    if (p->blank_line) return ragged(p, p->blank_line, 0, byte, err);
    if (p->column != p->columns) return ragged(p, p->lines + 1, p->column, byte, err);
    p->column = 0;
    p->lines++;
    p->rows++;
    return p->row(p->context, p->values, p->columns, err);
}

static inline void store(shf_delimited *p, double value)
{
    if (p->column < p->columns) p->values[p->column] = value; /* too many are counted and refused at the end of the line */
    p->column++;
}

/* A whole number that f64 may not hold. */
static sheaf_status keep_integer(shf_delimited *p, const char *begin, const char *end, sheaf_error *err)
{
    int64_t whole;
    if (p->column >= p->columns || shf_parse_i64(begin, end, &whole) != end) return SHEAF_OK;
    if (!p->large) p->large = shf_calloc(p->columns, sizeof *p->large);
    if (!p->large) return shf_fail_memory(err, p->columns * sizeof *p->large, "whole numbers");
    p->large[p->column] = (large_integer){whole, p->rows + 1};
    return SHEAF_OK;
}

static sheaf_status too_long(const shf_delimited *p, uint64_t byte, sheaf_error *err)
{
    return shf_fail_at(err, SHEAF_ERR_INPUT, NULL, NULL, (int64_t)p->rows, (int64_t)byte,
                       "line %llu, column %llu: the cell is longer than %d bytes", (unsigned long long)p->lines + 1,
                       (unsigned long long)p->column + 1, SHF_DELIMITED_CELL);
}

/* One cell with the character that ended it. */
static sheaf_status take_cell(shf_delimited *p, const char *begin, const char *end, char ender, uint64_t byte, sheaf_error *err)
{
    double value = 0;
    const char *inner = begin, *inner_end = end;
    if ((size_t)(end - begin) > sizeof p->cell) return too_long(p, byte, err); /* however the input came in pieces */
    trim(&inner, &inner_end, ender == '\n');
    bool nothing = inner == inner_end;
    bool no_cell = nothing && (p->spec.delimiter == ' ' || (ender == '\n' && p->column == 0));
    if (!no_cell) {
        if (!number_of(inner, inner_end, p->spec.lenient, &value)) return no_number(p, inner, inner_end, byte, err);
        if (value >= 0x1p53 || value <= -0x1p53) SHF_TRY(keep_integer(p, inner, inner_end, err));
        store(p, value);
    }
    return ender == '\n' ? end_row(p, byte + (uint64_t)(end - begin), err) : SHEAF_OK;
}

/* Digits at p, at most seven: their value and number; 0 when there are none or more. Eight bytes are readable. */
static inline unsigned few_digits(const char *p, uint64_t *value)
{
    uint64_t v;
    memcpy(&v, p, 8);
    uint64_t others = ((v + 0x4646464646464646ULL) | (v - 0x3030303030303030ULL)) & 0x8080808080808080ULL;
    if (!others) return 0;
    unsigned n = (unsigned)__builtin_ctzll(others) >> 3; /* the bytes before the first other one are digits: no carry reached it */
    if (n == 0) return 0;
    v = (v & 0x0f0f0f0f0f0f0f0fULL) << (64 - 8 * n);
    v = v * 10 + (v >> 8);
    const uint64_t mask = 0x000000ff000000ffULL;
    *value = (((v & mask) * 0x000f424000000064ULL) + (((v >> 16) & mask) * 0x0000271000000001ULL)) >> 32;
    return n;
}

/* The usual numbers, with up to seven digits before and after the point; NULL for all others. Exact: both parts of the quotient are. */
static inline const char *fast_cell(const char *p, double *value)
{
    static const double tens[] = {1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7};
    static const uint64_t whole_tens[] = {1, 10, 100, 1000, 10000, 100000, 1000000, 10000000};
    bool negative = *p == '-';
    p += negative;
    uint64_t whole, fraction;
    unsigned n = few_digits(p, &whole);
    if (n == 0) return NULL;
    p += n;
    double v = (double)(int64_t)whole;
    if (*p == '.') {
        n = few_digits(p + 1, &fraction);
        if (n == 0) return NULL;
        p += 1 + n;
        v = (double)(int64_t)(whole * whole_tens[n] + fraction) / tens[n];
    }
    *value = negative ? -v : v;
    return p;
}

static inline const char *find_end(const char *p, const char *end, char delimiter)
{
    if (delimiter == ' ') {
        while (p < end && *p != '\n' && !is_blank(*p)) p++;
    } else {
        while (p < end && *p != '\n' && *p != delimiter) p++;
    }
    return p;
}

static sheaf_status keep(shf_delimited *p, const char *begin, const char *end, uint64_t byte, sheaf_error *err)
{
    size_t n = (size_t)(end - begin);
    if (n > sizeof p->cell - p->cell_size) return too_long(p, byte, err);
    memcpy(p->cell + p->cell_size, begin, n);
    p->cell_size += n;
    return SHEAF_OK;
}

/* The end of a cell that an earlier piece began; *at moves behind it. */
static sheaf_status finish_kept(shf_delimited *p, const char **at, const char *end, uint64_t byte, sheaf_error *err)
{
    const char *stop = find_end(*at, end, p->spec.delimiter);
    uint64_t begun = byte - p->cell_size;
    SHF_TRY(keep(p, *at, stop, begun, err));
    *at = stop;
    if (stop == end) return SHEAF_OK;
    *at = stop + 1;
    size_t n = p->cell_size;
    p->cell_size = 0;
    return take_cell(p, p->cell, p->cell + n, *stop, begun, err);
}

/* Everything after the first line; `base` is the place of begin in the input. */
static sheaf_status take_rows(shf_delimited *p, const char *begin, const char *end, uint64_t base, sheaf_error *err)
{
    const char *at = begin;
    const char delimiter = p->spec.delimiter, other = delimiter == ' ' ? '\t' : delimiter;
    if (p->cell_size) SHF_TRY(finish_kept(p, &at, end, base, err));
    while (at < end) {
        double value;
        const char *stop = end - at > FAST_CELL ? fast_cell(at, &value) : NULL;
        if (stop && (*stop == delimiter || *stop == other)) {
            store(p, value);
            at = stop + 1;
            continue;
        }
        if (stop && stop[0] == '\r') stop++;
        if (stop && *stop == '\n') {
            store(p, value);
            at = stop + 1;
            SHF_TRY(end_row(p, base + (uint64_t)(stop - begin), err));
            continue;
        }
        uint64_t byte = base + (uint64_t)(at - begin);
        stop = find_end(at, end, delimiter);
        if (stop == end) return keep(p, at, end, byte, err);
        SHF_TRY(take_cell(p, at, stop, *stop, byte, err));
        at = stop + 1;
    }
    return SHEAF_OK;
}

/* --- the first line --- */

/* The cell at p: sets its inner extent and *next behind its delimiter (beyond end after the last one). */
static void first_line_cell(const char *p, const char *end, char delimiter, const char **begin, const char **inner_end, const char **next)
{
    while (p < end && is_blank(*p) && *p != delimiter) p++;
    const char *q = p;
    if (q < end && *q == '"') {
        for (q++; q < end && (*q != '"' || (q + 1 < end && q[1] == '"')); q++) q += *q == '"';
    }
    q = find_end(q, end, delimiter);
    *begin = p;
    *inner_end = q;
    *next = q + 1;
    trim(begin, inner_end, false);
    if (delimiter != ' ') return;
    while (*next < end && is_blank(**next)) ++*next;
    if (*next == end) ++*next;
}

static char guess_delimiter(const char *p, const char *end)
{
    bool quoted = false, tab = false, semicolon = false;
    for (; p < end; p++) {
        if (*p == '"') quoted = !quoted;
        if (quoted) continue;
        if (*p == ',') return ',';
        tab |= *p == '\t';
        semicolon |= *p == ';';
    }
    return semicolon ? ';' : tab ? '\t' : ' ';
}

static void survey(shf_delimited *p, const char *line, const char *end, size_t *cells, bool *numeric)
{
    *cells = 0;
    *numeric = true;
    p->named = false;
    for (const char *at = line, *begin, *inner_end; at <= end; ++*cells) {
        double value;
        first_line_cell(at, end, p->spec.delimiter, &begin, &inner_end, &at);
        if (number_of(begin, inner_end, p->spec.lenient, &value)) continue;
        *numeric = false;
        p->named |= begin < inner_end || *cells == 0;
    }
}

/* Tabs separate, but for a line of numbers that only the white space between them explains. */
static void choose_delimiter(shf_delimited *p, const char *line, const char *end)
{
    size_t cells;
    bool numeric;
    p->spec.delimiter = guess_delimiter(line, end);
    if (p->spec.delimiter != '\t') return;
    survey(p, line, end, &cells, &numeric);
    if (numeric) return;
    while (line < end && is_blank(*line)) line++;
    p->spec.delimiter = ' ';
    survey(p, line, end, &cells, &numeric);
    if (!numeric) p->spec.delimiter = '\t';
}

/* Copies the names; a doubled quote within one stands for a quote. */
static sheaf_status take_names(shf_delimited *p, const char *line, const char *end, sheaf_error *err)
{
    size_t room = (size_t)(end - line) + p->columns + 1, used = 0, i = 0;
    p->names = shf_malloc(room);
    p->name_place = shf_calloc(p->columns, sizeof *p->name_place);
    if (!p->names || !p->name_place) return shf_fail_memory(err, room, "column names");
    for (const char *at = line, *begin, *inner_end; at <= end; i++) {
        first_line_cell(at, end, p->spec.delimiter, &begin, &inner_end, &at);
        bool quoted = begin > line && begin[-1] == '"' && inner_end < end && *inner_end == '"';
        p->name_place[i] = used;
        for (; begin < inner_end; begin++) {
            p->names[used++] = *begin;
            if (quoted && *begin == '"' && begin + 1 < inner_end && begin[1] == '"') begin++;
        }
        p->names[used++] = '\0';
    }
    return SHEAF_OK;
}

static sheaf_status take_first_line(shf_delimited *p, sheaf_error *err)
{
    const char *line = (const char *)p->line.data, *end = line + p->line.size;
    bool numeric, ended = end > line && end[-1] == '\n';
    const char *text = p->line.size >= 3 && memcmp(line, "\xef\xbb\xbf", 3) == 0 ? line + 3 : line, *text_end = end - ended;
    if (text_end > text && text_end[-1] == '\r') text_end--;
    if (!p->spec.delimiter) choose_delimiter(p, text, text_end);
    if (p->spec.delimiter == ' ') {
        while (text < text_end && is_blank(*text)) text++;
    }
    survey(p, text, text_end, &p->columns, &numeric);
    p->values = shf_calloc(p->columns, sizeof *p->values);
    if (!p->values) return shf_fail_memory(err, p->columns * sizeof *p->values, "a row");
    p->started = true;
    p->has_header = p->spec.header == SHF_HEADER_PRESENT || (p->spec.header == SHF_HEADER_DETECT && p->named);
    p->first_line = p->lines + 1;
    if (!p->has_header) return take_rows(p, text, end, p->line_offset + (uint64_t)(text - line), err);
    p->lines++;
    return take_names(p, text, text_end, err);
}

static bool line_is_blank(const shf_buf *line)
{
    size_t i = 0;
    while (i < line->size && (is_blank((char)line->data[i]) || line->data[i] == '\r' || line->data[i] == '\n')) i++;
    return i == line->size;
}

/* Moves bytes into the first line up to its end; *at moves on. Blank lines before it are passed over. */
static sheaf_status gather_first_line(shf_delimited *p, const char **at, const char *end, sheaf_error *err)
{
    const char *begin = *at, *q = begin;
    bool whole = false;
    for (; q < end && !whole; q++) {
        if (*q == '"') p->in_quote = !p->in_quote;
        whole = *q == '\n' && !p->in_quote;
    }
    if (p->line.size + (size_t)(q - begin) > SHF_DELIMITED_LINE)
        return shf_fail(err, SHEAF_ERR_INPUT, "line %llu is longer than %u bytes", (unsigned long long)p->lines + 1, SHF_DELIMITED_LINE);
    SHF_TRY(shf_buf_append(&p->line, begin, (size_t)(q - begin), err));
    *at = q;
    if (!whole) return SHEAF_OK;
    if (line_is_blank(&p->line)) {
        p->lines++;
        p->line_offset += p->line.size;
        p->line.size = 0;
        return SHEAF_OK;
    }
    SHF_TRY(take_first_line(p, err));
    shf_buf_free(&p->line);
    return SHEAF_OK;
}

sheaf_status shf_delimited_open(const shf_delimited_spec *spec, shf_delimited_row row, void *context, shf_delimited **parser,
                                sheaf_error *err)
{
    *parser = NULL;
    if (spec && (spec->delimiter == '"' || spec->delimiter == '\n' || spec->delimiter == '\r'))
        return shf_fail(err, SHEAF_ERR_ARGUMENT, "the delimiter must not be a quote or a line end");
    shf_delimited *p = shf_calloc(1, sizeof *p);
    if (!p) return shf_fail_memory(err, sizeof *p, "the reader of delimited text");
    if (spec) p->spec = *spec;
    p->row = row;
    p->context = context;
    *parser = p;
    return SHEAF_OK;
}

sheaf_status shf_delimited_push(shf_delimited *parser, const void *bytes, size_t n, sheaf_error *err)
{
    if (n == 0) return SHEAF_OK;
    const char *begin = bytes, *at = begin, *end = begin + n;
    while (!parser->started && at < end) SHF_TRY(gather_first_line(parser, &at, end, err));
    if (at < end) SHF_TRY(take_rows(parser, at, end, parser->offset + (uint64_t)(at - begin), err));
    parser->offset += n;
    return SHEAF_OK;
}

sheaf_status shf_delimited_finish(shf_delimited *parser, sheaf_error *err)
{
    shf_delimited *p = parser;
    if (p->offset == 0) return shf_fail(err, SHEAF_ERR_INPUT, "the input is empty");
    if (!p->started && p->in_quote)
        return shf_fail(err, SHEAF_ERR_INPUT, "line %llu: a quote is not closed", (unsigned long long)p->lines + 1);
    if (!p->started && line_is_blank(&p->line)) return shf_fail(err, SHEAF_ERR_INPUT, "the input is empty but for blank lines");
    if (!p->started) SHF_TRY(take_first_line(p, err));
    size_t n = p->cell_size;
    p->cell_size = 0;
    /* Also closes a line that ended right after a delimiter: its last cell is empty. */
    if (n || p->column) SHF_TRY(take_cell(p, p->cell, p->cell + n, '\n', p->offset - n, err));
    return SHEAF_OK;
}

void shf_delimited_free(shf_delimited *parser)
{
    if (!parser) return;
    shf_buf_free(&parser->line);
    shf_free(parser->values);
    shf_free(parser->large);
    shf_free(parser->names);
    shf_free(parser->name_place);
    shf_free(parser);
}

bool shf_delimited_integer(const shf_delimited *parser, size_t column, int64_t *value)
{
    /* A row is counted before it is handed over. */
    if (!parser->large || column >= parser->columns || parser->large[column].row != parser->rows) return false;
    *value = parser->large[column].value;
    return true;
}

size_t shf_delimited_columns(const shf_delimited *parser)
{
    return parser->columns;
}

uint64_t shf_delimited_rows(const shf_delimited *parser)
{
    return parser->rows;
}

bool shf_delimited_has_header(const shf_delimited *parser)
{
    return parser->has_header;
}

const char *shf_delimited_name(const shf_delimited *parser, size_t column)
{
    return parser->names && column < parser->columns ? parser->names + parser->name_place[column] : NULL;
}
