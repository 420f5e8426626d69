// SPDX-License-Identifier: Apache-2.0
/* Reading delimited numeric text: push bytes in, get rows of f64 out. One parser is for one thread at a time.
 *
 * Cells are separated by one tab, comma or semicolon (spaces around a cell do not count) or by any run of spaces and tabs; which of
 * these, the first line tells. Lines end with LF or CRLF; the last one may lack it. Blank lines may only come last. A byte order mark is
 * skipped. The first line is a header when it has a cell that is no number (an empty one tells
 * only in the first place); its names may be quoted as in RFC 4180. Input may be
 * split anywhere. Memory: one row, one cell (at most SHF_DELIMITED_CELL bytes) and, until it is read, the first line. */
#ifndef SHF_FORMAT_DELIMITED_H
#define SHF_FORMAT_DELIMITED_H

#include "sheaf/types.h"

#define SHF_DELIMITED_CELL 4096
/* Longest first line, in bytes. */
#define SHF_DELIMITED_LINE (64U << 20)

typedef enum shf_delimited_header { SHF_HEADER_DETECT = 0, SHF_HEADER_ABSENT, SHF_HEADER_PRESENT } shf_delimited_header;

/* Zero-initialise for the defaults. */
typedef struct shf_delimited_spec {
    shf_delimited_header header;
    char delimiter; /* ',' '\t' ';' or any other character; ' ' means any run of spaces and tabs; 0: from the first line */
    bool lenient;   /* an empty cell is NaN, true and false (any case) are 1 and 0; else these are errors */
} shf_delimited_spec;

/* Called for each row; values are Borrowed until it returns. An error that it returns ends the parse. */
typedef sheaf_status (*shf_delimited_row)(void *context, const double *values, size_t columns, sheaf_error *err);

typedef struct shf_delimited shf_delimited;

/* spec may be NULL; it is Copied. context is Borrowed until shf_delimited_free. */
sheaf_status shf_delimited_open(const shf_delimited_spec *spec, shf_delimited_row row, void *context, shf_delimited **parser,
                                sheaf_error *err);
/* Errors (SHEAF_ERR_INPUT) name line and column (both from 1) and the cell, or the counts of a ragged line; err->record is the row and
 * err->byte the place of the cell or the end of the line. After an error only free is allowed. */
sheaf_status shf_delimited_push(shf_delimited *parser, const void *bytes, size_t n, sheaf_error *err);
/* The input has ended. SHEAF_ERR_INPUT when there was none at all ("is empty") or only blank lines. */
sheaf_status shf_delimited_finish(shf_delimited *parser, sheaf_error *err);
void shf_delimited_free(shf_delimited *parser); /* NULL is allowed */

/* The whole number in a cell of the row at hand (during its call) whose f64 may not be exact: 2^53 and beyond. False: the f64 is all there is. */
bool shf_delimited_integer(const shf_delimited *parser, size_t column, int64_t *value);

/* Known once the first line has been read; 0 before. */
size_t shf_delimited_columns(const shf_delimited *parser);
uint64_t shf_delimited_rows(const shf_delimited *parser);
bool shf_delimited_has_header(const shf_delimited *parser);
/* Name of a column (0-based), Borrowed until free; NULL without a header or beyond the last column. */
const char *shf_delimited_name(const shf_delimited *parser, size_t column);

#endif
