// SPDX-License-Identifier: Apache-2.0
#include "series/series.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"

const char *sheaf_series_kind_name(sheaf_series_kind kind)
{
    switch (kind) {
    case SHEAF_SERIES_CONSTANT: return "constant";
    case SHEAF_SERIES_TIME: return "time";
    case SHEAF_SERIES_SCENARIO: return "scenario";
    case SHEAF_SERIES_TIME_SCENARIO: return "time-scenario";
    }
    return "unknown";
}

sheaf_status shf_series_make(const char *name, sheaf_series_kind kind, sheaf_series **out, sheaf_error *err)
{
    *out = NULL;
    if (kind < SHEAF_SERIES_CONSTANT || kind > SHEAF_SERIES_TIME_SCENARIO)
        return shf_fail(err, SHEAF_ERR_ARGUMENT, "there is no kind of series %d", (int)kind);
    sheaf_series *series = shf_calloc(1, sizeof *series);
    char *copy = shf_strdup(name ? name : "");
    if (!series || !copy) {
        shf_free(series);
        shf_free(copy);
        return shf_fail_memory(err, sizeof *series, "a series");
    }
    atomic_init(&series->n_holders, 1);
    series->kind = kind;
    series->name = copy;
    *out = series;
    return SHEAF_OK;
}

void shf_series_hold(sheaf_series *series)
{
    atomic_fetch_add(&series->n_holders, 1);
}

void sheaf_series_free(sheaf_series **series)
{
    if (!series || !*series) return;
    sheaf_series *s = *series;
    *series = NULL;
    if (atomic_fetch_sub(&s->n_holders, 1) > 1) return;
    if (s->ops) s->ops->free(s->state);
    shf_loaded_clear(&s->loaded);
    shf_free(s->name);
    shf_free(s->path);
    shf_free(s->uri);
    shf_free(s);
}

const char *sheaf_series_name(const sheaf_series *series)
{
    return series->name;
}

sheaf_series_kind sheaf_series_get_kind(const sheaf_series *series)
{
    return series->kind;
}

const char *sheaf_series_uri(const sheaf_series *series)
{
    return series->uri;
}

bool sheaf_series_is_loaded(const sheaf_series *series)
{
    return series->kind == SHEAF_SERIES_CONSTANT || series->loaded.values != NULL;
}

const char *shf_series_label(const sheaf_series *series, char *to, size_t size)
{
    snprintf(to, size, "series '%.80s'", series->name);
    return to;
}

sheaf_status shf_series_check_shape(const sheaf_series *series, int64_t n_times, int64_t n_columns, sheaf_error *err)
{
    if (series->kind == SHEAF_SERIES_TIME && n_columns != 1)
        return shf_fail_at(err, SHEAF_ERR_MISMATCH, series->path, NULL, -1, -1,
                           "series '%.80s' depends on time only and must have exactly one column, it has %" PRId64, series->name,
                           n_columns);
    bool rows_may_repeat = series->ops && series->ops->rows_may_repeat;
    if (series->kind == SHEAF_SERIES_SCENARIO && (n_times < 1 || (n_times > 1 && !rows_may_repeat)))
        return shf_fail_at(err, SHEAF_ERR_MISMATCH, series->path, NULL, -1, -1,
                           "series '%.80s' depends on the scenario only and must have exactly one row, it has %" PRId64, series->name,
                           n_times);
    return SHEAF_OK;
}

sheaf_status sheaf_series_shape(sheaf_series *series, int64_t *n_times, int64_t *n_scenarios, sheaf_error *err)
{
    int64_t rows = 1, columns = 1;
    if (series->loaded.values) {
        rows = series->loaded.n_times;
        columns = series->loaded.n_columns;
    } else if (series->ops) {
        sheaf_status status = series->ops->shape(series->state, &rows, &columns, err);
        if (status == SHEAF_OK) status = shf_series_check_shape(series, rows, columns, err);
        if (status != SHEAF_OK) {
            shf_error_locate(err, series->path, NULL, -1, -1);
            return status;
        }
    }
    *n_times = shf_kind_has_time(series->kind) ? rows : 1;
    *n_scenarios = shf_kind_has_scenarios(series->kind) ? columns : 1;
    return SHEAF_OK;
}

sheaf_status shf_series_read(const sheaf_series *series, const int64_t *rows, size_t n_rows, const int64_t *columns, size_t n_columns,
                             double *out, size_t row_step, size_t column_step, sheaf_error *err)
{
    if (series->loaded.values) {
        char label[96];
        return shf_loaded_read(&series->loaded, shf_series_label(series, label, sizeof label), rows, n_rows, columns, n_columns, out,
                               row_step, column_step, err);
    }
    sheaf_status status = series->ops->read(series->state, rows, n_rows, columns, n_columns, out, row_step, column_step, err);
    if (status != SHEAF_OK) shf_error_locate(err, series->path, NULL, -1, -1);
    return status;
}

sheaf_status sheaf_series_load(sheaf_series *series, const int64_t *columns, size_t n_columns, sheaf_series **out, sheaf_error *err)
{
    *out = NULL;
    if (sheaf_series_is_loaded(series)) {
        shf_series_hold(series);
        *out = series;
        return SHEAF_OK;
    }
    int64_t n_times, n_scenarios;
    SHF_TRY(sheaf_series_shape(series, &n_times, &n_scenarios, err));
    if (series->kind != SHEAF_SERIES_TIME_SCENARIO) columns = NULL;
    for (size_t i = 0; columns && i < n_columns; i++)
        if (columns[i] < 0 || columns[i] >= n_scenarios)
            return shf_fail_at(err, SHEAF_ERR_RANGE, series->path, NULL, -1, -1,
                               "series '%.80s': column %" PRId64 " is out of range, it has %" PRId64, series->name, columns[i],
                               n_scenarios);
    sheaf_series *loaded = NULL;
    SHF_TRY(shf_series_make(series->name, series->kind, &loaded, err));
    sheaf_status status = shf_loaded_fill(&loaded->loaded, series, n_times, n_scenarios, columns, n_columns, err);
    if (status == SHEAF_OK) {
        loaded->path = series->path ? shf_strdup(series->path) : NULL;
        loaded->uri = series->uri ? shf_strdup(series->uri) : NULL;
        if ((series->path && !loaded->path) || (series->uri && !loaded->uri)) status = shf_fail_memory(err, 64, "the name of a series");
    }
    if (status == SHEAF_OK) *out = loaded;
    else sheaf_series_free(&loaded);
    return status;
}

static sheaf_status refuse_axis(const sheaf_series *series, const char *axis, sheaf_error *err)
{
    return shf_fail_at(err, SHEAF_ERR_MISMATCH, series->path, NULL, -1, -1, "series '%.80s' (%s) varies with %s, its parameter does not",
                       series->name, sheaf_series_kind_name(series->kind), axis);
}

/* A scenario series from Parquet may have many rows, all equal to the first one. */
static sheaf_status check_rows_repeat(sheaf_series *series, sheaf_error *err)
{
    int64_t n_times, n_columns;
    SHF_TRY(series->ops->shape(series->state, &n_times, &n_columns, err));
    for (int64_t column = 0; column < n_columns && n_times > 1; column++) {
        shf_loaded values;
        SHF_TRY(shf_loaded_fill(&values, series, n_times, n_columns, &column, 1, err));
        int64_t row = 1;
        while (row < n_times && memcmp(&values.values[row], &values.values[0], sizeof(double)) == 0) row++;
        double first = values.values[0], other = row < n_times ? values.values[row] : first;
        shf_loaded_clear(&values);
        if (row < n_times)
            return shf_fail_at(err, SHEAF_ERR_MISMATCH, series->path, NULL, row, -1,
                               "series '%.80s' depends on the scenario only, but column %" PRId64 " has %.17g in row %" PRId64
                               " and %.17g in row 0",
                               series->name, column, other, row, first);
    }
    return SHEAF_OK;
}

sheaf_status sheaf_series_check(sheaf_series *series, bool may_vary_with_time, bool may_vary_with_scenario, sheaf_error *err)
{
    if (shf_kind_has_time(series->kind) && !may_vary_with_time) return refuse_axis(series, "time", err);
    if (shf_kind_has_scenarios(series->kind) && !may_vary_with_scenario) return refuse_axis(series, "the scenario", err);
    if (series->kind == SHEAF_SERIES_SCENARIO && series->ops && series->ops->rows_may_repeat) return check_rows_repeat(series, err);
    return SHEAF_OK;
}
