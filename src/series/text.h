// SPDX-License-Identifier: Apache-2.0
/* Inside the text source: the index of lines, and parsing some of them. */
#ifndef SHF_SERIES_TEXT_H
#define SHF_SERIES_TEXT_H

#include <pthread.h>

#include "format/delimited.h"
#include "io/file.h"
#include "series/series.h"

/* Bytes read at a time. */
#define SHF_TEXT_PIECE ((size_t)64 << 10)

typedef struct shf_text {
    char *path; /* Owned */
    char delimiter;
    pthread_mutex_t mutex;
    bool indexed; /* the rest is set, and does not change any more */
    int64_t n_rows;
    int64_t n_columns;
    uint64_t *row_at; /* Owned; where each row's line begins, and where the last one ends */
    size_t row_capacity;
} shf_text;

/* Opens the file for a read, with the index made. shf_text_end_read ends it in every case. */
sheaf_status shf_text_begin_read(shf_text *source, shf_file *file, char **buffer, sheaf_error *err);
void shf_text_end_read(shf_file *file, char *buffer);
/* Parses rows first to last by way of buffer (SHF_TEXT_PIECE bytes), calling `row` for each. Any thread. */
sheaf_status shf_text_parse_rows(const shf_text *source, const shf_file *file, char *buffer, int64_t first, int64_t last,
                                 shf_delimited_row row, void *context, sheaf_error *err);
/* shf_source_ops.read. */
sheaf_status shf_text_read(void *state, const int64_t *rows, size_t n_rows, const int64_t *columns, size_t n_columns, double *out,
                           size_t row_step, size_t column_step, sheaf_error *err);

#endif
