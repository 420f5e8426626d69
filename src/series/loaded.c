// SPDX-License-Identifier: Apache-2.0
/* Values of a series in memory. */
#include <inttypes.h>
#include <string.h>

#include "base/alloc.h"
#include "base/checked.h"
#include "series/series.h"

/* Columns gathered at a time: so many streams of reads the processor keeps apart. */
#define GATHER 32

static sheaf_status find_columns(const shf_loaded *loaded, const char *label, const int64_t *columns, size_t n, const double **at,
                                 sheaf_error *err)
{
    for (size_t j = 0; j < n; j++) {
        int64_t slot = loaded->slots ? loaded->slots[columns[j]] : columns[j];
        if (slot < 0)
            return shf_fail(err, SHEAF_ERR_STATE, "%s: column %" PRId64 " is not loaded (%" PRId64 " of %" PRId64 " columns are)", label,
                            columns[j], loaded->n_loaded, loaded->n_columns);
        at[j] = loaded->values + slot * loaded->n_times;
    }
    return SHEAF_OK;
}

sheaf_status shf_loaded_read(const shf_loaded *loaded, const char *label, const int64_t *rows, size_t n_rows, const int64_t *columns,
                             size_t n_columns, double *out, size_t row_step, size_t column_step, sheaf_error *err)
{
    const double *at[GATHER];
    for (size_t first = 0; first < n_columns; first += GATHER) {
        size_t n = n_columns - first < GATHER ? n_columns - first : GATHER;
        SHF_TRY(find_columns(loaded, label, columns + first, n, at, err));
        double *to = out + first * column_step;
        if (n == 1 && row_step == 1) {
            for (size_t i = 0; i < n_rows; i++) to[i] = at[0][rows[i]];
        } else if (column_step == 1) {
            for (size_t i = 0; i < n_rows; i++, to += row_step)
                for (size_t j = 0; j < n; j++) to[j] = at[j][rows[i]];
        } else {
            for (size_t i = 0; i < n_rows; i++, to += row_step)
                for (size_t j = 0; j < n; j++) to[j * column_step] = at[j][rows[i]];
        }
    }
    return SHEAF_OK;
}

/* Which columns are loaded: each once, in ascending order. */
static sheaf_status choose_columns(shf_loaded *loaded, const int64_t *columns, size_t n_asked, sheaf_error *err)
{
    size_t total = (size_t)loaded->n_columns;
    if (loaded->n_columns > INT32_MAX)
        return shf_fail(err, SHEAF_ERR_UNSUPPORTED, "%" PRId64 " columns, at most %d are supported", loaded->n_columns, INT32_MAX);
    loaded->slots = shf_malloc(total * sizeof *loaded->slots);
    loaded->columns = shf_malloc((n_asked ? n_asked : 1) * sizeof *loaded->columns);
    if (!loaded->slots || !loaded->columns) return shf_fail_memory(err, total * sizeof *loaded->slots, "the columns of a series");
    for (size_t i = 0; i < total; i++) loaded->slots[i] = -1;
    for (size_t i = 0; i < n_asked; i++) loaded->slots[columns[i]] = 0;
    for (size_t i = 0; i < total; i++) {
        if (loaded->slots[i] < 0) continue;
        loaded->columns[loaded->n_loaded] = (int64_t)i;
        loaded->slots[i] = (int32_t)loaded->n_loaded++;
    }
    return SHEAF_OK;
}

static sheaf_status allocate_values(shf_loaded *loaded, sheaf_error *err)
{
    size_t count, bytes;
    if (!shf_mul_size((size_t)loaded->n_times, (size_t)loaded->n_loaded, &count) || !shf_mul_size(count, sizeof(double), &bytes))
        return shf_fail(err, SHEAF_ERR_RANGE, "%" PRId64 " x %" PRId64 " values are too many", loaded->n_times, loaded->n_loaded);
    loaded->values = shf_malloc_aligned(bytes);
    return loaded->values ? SHEAF_OK : shf_fail_memory(err, bytes, "the values of a series");
}

static sheaf_status read_whole(shf_loaded *loaded, const sheaf_series *from, sheaf_error *err)
{
    size_t n_times = (size_t)loaded->n_times, n_loaded = (size_t)loaded->n_loaded;
    int64_t *rows = shf_malloc((n_times ? n_times : 1) * sizeof *rows), *all = NULL;
    if (!loaded->columns) all = shf_malloc((n_loaded ? n_loaded : 1) * sizeof *all);
    sheaf_status status = SHEAF_OK;
    if (!rows || (!loaded->columns && !all)) {
        status = shf_fail_memory(err, n_times * sizeof *rows, "reading a series");
    } else {
        for (size_t i = 0; i < n_times; i++) rows[i] = (int64_t)i;
        for (size_t i = 0; all && i < n_loaded; i++) all[i] = (int64_t)i;
        status = shf_series_read(from, rows, n_times, all ? all : loaded->columns, n_loaded, loaded->values, 1, n_times, err);
    }
    shf_free(rows);
    shf_free(all);
    return status;
}

sheaf_status shf_loaded_fill(shf_loaded *loaded, const sheaf_series *from, int64_t n_times, int64_t n_columns, const int64_t *columns,
                             size_t n_asked, sheaf_error *err)
{
    *loaded = (shf_loaded){.n_times = n_times, .n_columns = n_columns};
    sheaf_status status = SHEAF_OK;
    if (columns) status = choose_columns(loaded, columns, n_asked, err);
    else loaded->n_loaded = n_columns;
    if (status == SHEAF_OK) status = allocate_values(loaded, err);
    if (status == SHEAF_OK) status = read_whole(loaded, from, err);
    if (status != SHEAF_OK) shf_loaded_clear(loaded);
    return status;
}

void shf_loaded_clear(shf_loaded *loaded)
{
    shf_free(loaded->values);
    shf_free(loaded->slots);
    shf_free(loaded->columns);
    *loaded = (shf_loaded){0};
}

uint64_t shf_loaded_size_bytes(const shf_loaded *loaded)
{
    return loaded->values ? (uint64_t)loaded->n_times * (uint64_t)loaded->n_loaded * sizeof(double) : 0;
}
