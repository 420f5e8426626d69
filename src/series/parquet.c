// SPDX-License-Identifier: Apache-2.0
/* Series in Parquet files: column "j" is scenario j. The footer is read at the first use and kept; a read touches the pages that hold the
 * rows asked for, of the columns asked for. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/checked.h"
#include "format/number.h"
#include "interchange/parquet_file.h"
#include "series/parts.h"
#include "series/rows.h"
#include "series/series.h"
#include "series/sources.h"

/* Rows that nobody asked for, but that are read rather than begun anew behind: a page holds more. */
#define MAX_GAP 1024
/* Values of a column that are read at a time when they do not go where they belong at once. */
#define MAX_RUN ((int64_t)1 << 16)

/* A read of twice so many values and more is shared with helper threads. */
#define PART_VALUES 131072

typedef struct parquet_source {
    char *path; /* Owned */
    pthread_mutex_t mutex;
    shf_parquet *file; /* Owned; NULL until the first use, does not change any more after it */
} parquet_source;

static bool is_column_of(const shf_parquet *file, size_t column, int64_t scenario)
{
    char name[SHF_NUMBER_ROOM];
    shf_parquet_column info;
    size_t n = shf_print_i64(name, scenario);
    return shf_parquet_column_info(file, column, &info, NULL) == SHEAF_OK && !info.nested && info.name_size == n &&
           memcmp(info.name, name, n) == 0;
}

/* Place in the file of the column of a scenario: usually the same number, else by its name. */
static sheaf_status find_column(shf_parquet *file, int64_t scenario, size_t *column, sheaf_error *err)
{
    char name[SHF_NUMBER_ROOM];
    *column = (size_t)scenario;
    if (is_column_of(file, *column, scenario)) return SHEAF_OK;
    name[shf_print_i64(name, scenario)] = '\0';
    return shf_parquet_find(file, name, column, err);
}

/* The columns of a series are "0" to "S-1", in any order, and no others. */
static sheaf_status check_names(const char *path, shf_parquet *file, sheaf_error *err)
{
    size_t n = shf_parquet_columns(file), column;
    for (size_t j = 0; j < n; j++) {
        if (is_column_of(file, j, (int64_t)j)) continue;
        sheaf_error why;
        if (find_column(file, (int64_t)j, &column, &why) == SHEAF_OK) continue;
        char first[64];
        shf_parquet_column_path(file, 0, first, sizeof first);
        return shf_fail_at(err, SHEAF_ERR_MISMATCH, path, NULL, -1, -1,
                           "%s: its %zu columns should be named \"0\" to \"%zu\", there is no \"%zu\" (the first one is \"%s\")", path, n,
                           n - 1, j, first);
    }
    return SHEAF_OK;
}

static sheaf_status open_checked(const char *path, shf_parquet **out, sheaf_error *err)
{
    shf_parquet *file = NULL;
    SHF_TRY(shf_parquet_open(path, &file, err));
    sheaf_status status = check_names(path, file, err);
    if (status == SHEAF_OK) *out = file;
    else shf_parquet_free(file);
    return status;
}

static sheaf_status need_file(parquet_source *source, shf_parquet **file, sheaf_error *err)
{
    pthread_mutex_lock(&source->mutex);
    sheaf_status status = source->file ? SHEAF_OK : open_checked(source->path, &source->file, err);
    *file = source->file;
    pthread_mutex_unlock(&source->mutex);
    return status;
}

static sheaf_status parquet_shape(void *state, int64_t *n_times, int64_t *n_columns, sheaf_error *err)
{
    shf_parquet *file = NULL;
    SHF_TRY(need_file(state, &file, err));
    *n_times = (int64_t)shf_parquet_rows(file);
    *n_columns = (int64_t)shf_parquet_columns(file);
    return SHEAF_OK;
}

typedef struct column_read {
    int64_t scenario;
    size_t place; /* among the columns asked for */
} column_read;

static int compare_columns(const void *left, const void *right)
{
    const column_read *a = left, *b = right;
    int order = (a->scenario > b->scenario) - (a->scenario < b->scenario);
    return order ? order : (a->place > b->place) - (a->place < b->place);
}

typedef struct parquet_read {
    shf_parquet *file;
    const int64_t *rows;
    size_t n_rows;
    shf_rows plan;
    double *out;
    size_t row_step;
    double *run; /* Owned; MAX_RUN values at most */
    size_t run_capacity;
} parquet_read;

static sheaf_status need_run(parquet_read *r, size_t n, sheaf_error *err)
{
    if (n <= r->run_capacity) return SHEAF_OK;
    double *grown = shf_realloc(r->run, n * sizeof *grown);
    if (!grown) return shf_fail_memory(err, n * sizeof *grown, "reading a series");
    r->run = grown;
    r->run_capacity = n;
    return SHEAF_OK;
}

/* One column at the rows asked for, into out with row_step between them. */
static sheaf_status read_scattered(parquet_read *r, size_t column, double *out, sheaf_error *err)
{
    int64_t first, last;
    r->plan.next = 0;
    sheaf_status status = SHEAF_OK;
    while (status == SHEAF_OK && shf_rows_next_run(&r->plan, MAX_GAP, &first, &last)) {
        if (last - first >= MAX_RUN) last = first + MAX_RUN - 1;
        size_t n = (size_t)(last - first) + 1, place;
        status = need_run(r, n, err);
        if (status == SHEAF_OK) status = shf_parquet_read_f64(r->file, column, (uint64_t)first, n, r->run, err);
        for (int64_t row = first; status == SHEAF_OK && row <= last; row++)
            while (shf_rows_take(&r->plan, row, &place)) out[place * r->row_step] = r->run[row - first];
    }
    return status;
}

static bool consecutive(const int64_t *rows, size_t n)
{
    for (size_t i = 1; i < n; i++)
        if (rows[i] != rows[i - 1] + 1) return false;
    return true;
}

static sheaf_status read_column(parquet_read *r, int64_t scenario, double *out, bool straight, sheaf_error *err)
{
    size_t column;
    SHF_TRY(find_column(r->file, scenario, &column, err));
    if (straight) return shf_parquet_read_f64(r->file, column, (uint64_t)r->rows[0], r->n_rows, out, err);
    return read_scattered(r, column, out, err);
}

/* Whether the columns are to lie one after the other, each once: then they can be read at once. */
static bool side_by_side(const parquet_read *r, const column_read *sorted, size_t n_columns, size_t column_step)
{
    if (r->row_step != 1 || column_step != r->n_rows || !consecutive(r->rows, r->n_rows)) return false;
    for (size_t j = 0; j < n_columns; j++)
        if (sorted[j].place != j || (j > 0 && sorted[j].scenario == sorted[j - 1].scenario)) return false;
    return true;
}

static sheaf_status read_side_by_side(const parquet_read *r, const column_read *sorted, size_t n_columns, sheaf_error *err)
{
    size_t *columns = shf_malloc(n_columns * sizeof *columns);
    if (!columns) return shf_fail_memory(err, n_columns * sizeof *columns, "reading a series");
    sheaf_status status = SHEAF_OK;
    for (size_t j = 0; status == SHEAF_OK && j < n_columns; j++) status = find_column(r->file, sorted[j].scenario, &columns[j], err);
    if (status == SHEAF_OK) {
        shf_pool *pool = shf_parts_begin(shf_min_u64(n_columns, (uint64_t)n_columns * r->n_rows / PART_VALUES));
        status = shf_parquet_read_f64_columns(r->file, columns, n_columns, (uint64_t)r->rows[0], r->n_rows, r->out, pool, err);
        shf_parts_end(pool);
    }
    shf_free(columns);
    return status;
}

/* Each distinct column is read once and copied to wherever else it was asked for. */
static sheaf_status read_columns(parquet_read *r, const column_read *sorted, size_t n_columns, size_t column_step, sheaf_error *err)
{
    if (n_columns > 1 && side_by_side(r, sorted, n_columns, column_step)) return read_side_by_side(r, sorted, n_columns, err);
    bool straight = r->row_step == 1 && consecutive(r->rows, r->n_rows);
    for (size_t j = 0; j < n_columns; j++) {
        double *out = r->out + sorted[j].place * column_step;
        if (j > 0 && sorted[j].scenario == sorted[j - 1].scenario) {
            const double *from = r->out + sorted[j - 1].place * column_step;
            for (size_t i = 0; i < r->n_rows; i++) out[i * r->row_step] = from[i * r->row_step];
        } else {
            SHF_TRY(read_column(r, sorted[j].scenario, out, straight, err));
        }
    }
    return SHEAF_OK;
}

static sheaf_status parquet_read_values(void *state, const int64_t *rows, size_t n_rows, const int64_t *columns, size_t n_columns,
                                        double *out, size_t row_step, size_t column_step, sheaf_error *err)
{
    parquet_read r = {.rows = rows, .n_rows = n_rows, .out = out, .row_step = row_step};
    SHF_TRY(need_file(state, &r.file, err));
    column_read *sorted = shf_malloc((n_columns ? n_columns : 1) * sizeof *sorted);
    if (!sorted) return shf_fail_memory(err, n_columns * sizeof *sorted, "reading a series");
    for (size_t j = 0; j < n_columns; j++) sorted[j] = (column_read){columns[j], j};
    qsort(sorted, n_columns, sizeof *sorted, compare_columns);
    sheaf_status status = shf_rows_begin(&r.plan, rows, n_rows, err);
    if (status == SHEAF_OK && n_rows) status = read_columns(&r, sorted, n_columns, column_step, err);
    shf_rows_end(&r.plan);
    shf_free(sorted);
    shf_free(r.run);
    return status;
}

static void parquet_free(void *state)
{
    parquet_source *source = state;
    if (!source) return;
    shf_parquet_free(source->file);
    pthread_mutex_destroy(&source->mutex);
    shf_free(source->path);
    shf_free(source);
}

static const shf_source_ops parquet_ops = {parquet_shape, parquet_read_values, parquet_free, true};

sheaf_status shf_parquet_open_source(const char *path, const shf_source_ops **ops, void **state, sheaf_error *err)
{
    parquet_source *source = shf_calloc(1, sizeof *source);
    char *copy = shf_strdup(path);
    if (!source || !copy) {
        shf_free(source);
        shf_free(copy);
        return shf_fail_memory(err, sizeof *source, "a series");
    }
    source->path = copy;
    pthread_mutex_init(&source->mutex, NULL);
    *ops = &parquet_ops;
    *state = source;
    return SHEAF_OK;
}
