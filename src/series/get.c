// SPDX-License-Identifier: Apache-2.0
/* get(times, scenarios): the rules of indices and of broadcasting. */
#include <inttypes.h>
#include <string.h>

#include "series/series.h"

static sheaf_status check_indices(const sheaf_series *series, const char *axis, const int64_t *indices, size_t n, int64_t limit,
                                  sheaf_error *err)
{
    uint64_t beyond = 0;
    for (size_t i = 0; i < n; i++) beyond |= (uint64_t)((uint64_t)indices[i] >= (uint64_t)limit);
    if (!beyond) return SHEAF_OK;
    size_t i = 0;
    while (indices[i] >= 0 && indices[i] < limit) i++;
    if (limit == INT64_MAX)
        return shf_fail_at(err, SHEAF_ERR_RANGE, series->path, NULL, -1, -1, "series '%.80s': %s %" PRId64 " is negative", series->name,
                           axis, indices[i]);
    return shf_fail_at(err, SHEAF_ERR_RANGE, series->path, NULL, -1, -1, "series '%.80s': %s %" PRId64 " is out of range 0 to %" PRId64,
                       series->name, axis, indices[i], limit - 1);
}

/* Checks one axis: given where the kind has it, in range there, never negative. */
static sheaf_status check_axis(const sheaf_series *series, bool has_axis, const char *axis, const int64_t *indices, size_t n,
                               int64_t length, sheaf_error *err)
{
    if (!indices && has_axis)
        return shf_fail_at(err, SHEAF_ERR_ARGUMENT, series->path, NULL, -1, -1, "series '%.80s' (%s) needs a %s index, none was given",
                           series->name, sheaf_series_kind_name(series->kind), axis);
    if (!indices) return SHEAF_OK;
    return check_indices(series, axis, indices, n, has_axis ? length : INT64_MAX, err);
}

/* Repeats what was read (the first row, the first column or both) along the axes that the kind lacks. */
static void broadcast(bool has_time, bool has_scenarios, double *out, size_t n_rows, size_t n_columns)
{
    size_t filled_rows = has_time ? n_rows : 1;
    for (size_t i = 0; !has_scenarios && i < filled_rows; i++)
        for (size_t j = 1; j < n_columns; j++) out[i * n_columns + j] = out[i * n_columns];
    for (size_t i = filled_rows; i < n_rows; i++) memcpy(out + i * n_columns, out, n_columns * sizeof *out);
}

sheaf_status sheaf_series_get(sheaf_series *series, const int64_t *times, size_t n_times, const int64_t *scenarios, size_t n_scenarios,
                              double *out, sheaf_error *err)
{
    static const int64_t first = 0;
    bool has_time = shf_kind_has_time(series->kind), has_scenarios = shf_kind_has_scenarios(series->kind);
    int64_t length, width;
    /* What the caller left out is said even when the file cannot be read. */
    if (has_time && !times) return check_axis(series, has_time, "time", times, n_times, 0, err);
    if (has_scenarios && !scenarios) return check_axis(series, has_scenarios, "scenario", scenarios, n_scenarios, 0, err);
    SHF_TRY(sheaf_series_shape(series, &length, &width, err));
    SHF_TRY(check_axis(series, has_time, "time step", times, n_times, length, err));
    SHF_TRY(check_axis(series, has_scenarios, "scenario", scenarios, n_scenarios, width, err));
    size_t n_rows = times ? n_times : 1, n_columns = scenarios ? n_scenarios : 1;
    if (n_rows == 0 || n_columns == 0) return SHEAF_OK;
    if (series->kind == SHEAF_SERIES_CONSTANT) {
        *out = series->constant;
    } else {
        SHF_TRY(shf_series_read(series, has_time ? times : &first, has_time ? n_rows : 1, has_scenarios ? scenarios : &first,
                                has_scenarios ? n_columns : 1, out, n_columns, 1, err));
    }
    broadcast(has_time, has_scenarios, out, n_rows, n_columns);
    return SHEAF_OK;
}
