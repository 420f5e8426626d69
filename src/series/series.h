// SPDX-License-Identifier: Apache-2.0
/* Inside src/series: what a series is made of. A series is a constant, a table in memory, or a source that reads a file. */
#ifndef SHF_SERIES_SERIES_H
#define SHF_SERIES_SERIES_H

#include <stdatomic.h>

#include "base/error.h"
#include "sheaf/series.h"

/* A table in a file. All callbacks may be called by any thread at once. */
typedef struct shf_source_ops {
    /* T and S, read once. */
    sheaf_status (*shape)(void *state, int64_t *n_times, int64_t *n_columns, sheaf_error *err);
    /* Values at rows × columns, all in range, in any order, duplicates kept: row i, column j goes to out[i * row_step + j * column_step]. */
    sheaf_status (*read)(void *state, const int64_t *rows, size_t n_rows, const int64_t *columns, size_t n_columns, double *out,
                         size_t row_step, size_t column_step, sheaf_error *err);
    void (*free)(void *state);
    bool rows_may_repeat; /* a scenario series may have more than one row */
} shf_source_ops;

/* Values in memory, column after column. */
typedef struct shf_loaded {
    double *values; /* Owned; n_loaded columns of n_times; NULL: not loaded */
    int64_t n_times, n_columns, n_loaded;
    int32_t *slots;   /* Owned; slot of each column, -1: not loaded; NULL: all are, in order */
    int64_t *columns; /* Owned; the column of each slot; NULL: all */
} shf_loaded;

struct sheaf_series {
    atomic_int n_holders;
    sheaf_series_kind kind;
    char *name; /* Owned */
    char *path; /* Owned; absolute; NULL for constants and values */
    char *uri;  /* Owned; NULL for values */
    double constant;
    const shf_source_ops *ops; /* NULL: no source */
    void *state;               /* Owned, by ops->free */
    shf_loaded loaded;
};

static inline bool shf_kind_has_time(sheaf_series_kind kind)
{
    return kind == SHEAF_SERIES_TIME || kind == SHEAF_SERIES_TIME_SCENARIO;
}
static inline bool shf_kind_has_scenarios(sheaf_series_kind kind)
{
    return kind == SHEAF_SERIES_SCENARIO || kind == SHEAF_SERIES_TIME_SCENARIO;
}

/* One holder, the caller. name may be NULL. */
sheaf_status shf_series_make(const char *name, sheaf_series_kind kind, sheaf_series **out, sheaf_error *err);
/* One holder more. */
void shf_series_hold(sheaf_series *series);
/* "series 'wind'", for messages: writes to `to` and returns it. */
const char *shf_series_label(const sheaf_series *series, char *to, size_t size);
/* SHEAF_ERR_MISMATCH when a table of T × S cannot be a series of this kind. */
sheaf_status shf_series_check_shape(const sheaf_series *series, int64_t n_times, int64_t n_columns, sheaf_error *err);
/* Rows × columns of what the series has, as shf_source_ops.read; the indices are in range. */
sheaf_status shf_series_read(const sheaf_series *series, const int64_t *rows, size_t n_rows, const int64_t *columns, size_t n_columns,
                             double *out, size_t row_step, size_t column_step, sheaf_error *err);

/* Values in memory: read (indices in range), load, clear. */
sheaf_status shf_loaded_read(const shf_loaded *loaded, const char *label, const int64_t *rows, size_t n_rows, const int64_t *columns,
                             size_t n_columns, double *out, size_t row_step, size_t column_step, sheaf_error *err);
/* Reads these columns (NULL: all) whole from a source. */
sheaf_status shf_loaded_fill(shf_loaded *loaded, const sheaf_series *from, int64_t n_times, int64_t n_columns, const int64_t *columns,
                             size_t n_asked, sheaf_error *err);
void shf_loaded_clear(shf_loaded *loaded);
uint64_t shf_loaded_size_bytes(const shf_loaded *loaded);

/* The source over a file, chosen by its suffix. */
sheaf_status shf_source_open(const char *path, const shf_source_ops **ops, void **state, sheaf_error *err);

#endif
