// SPDX-License-Identifier: Apache-2.0
#include "interchange/table_plan.h"

#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/checked.h"
#include "base/dtype.h"
#include "format/number.h"

enum { MOST_COLUMNS = 1 << 22 };

static sheaf_status read_json(sheaf_store *store, const char *array, json_t **out, sheaf_error *err)
{
    char *text;
    SHF_TRY(sheaf_store_attributes(store, array, &text, err));
    *out = json_loads(text, JSON_DECODE_ANY, NULL);
    sheaf_string_free(text);
    return *out ? SHEAF_OK : shf_fail_at(err, SHEAF_ERR_DAMAGED, sheaf_store_path(store), array, -1, -1, "attributes are no JSON");
}

sheaf_status shf_table_about_read(sheaf_store *store, shf_table_about *a, sheaf_error *err)
{
    json_t *j;
    SHF_TRY(read_json(store, NULL, &j, err));
    const char *kind = json_string_value(json_object_get(j, "sheaf_kind"));
    const char *summaries = json_string_value(json_object_get(j, "sheaf_summaries"));
    const json_t *interval = json_object_get(j, "sheaf_interval");
    a->trajectories = kind && strcmp(kind, "trajectories") == 0;
    a->insurance = summaries && strcmp(summaries, "insurance") == 0;
    a->interval = json_is_number(interval) && json_number_value(interval) >= 1 ? (int64_t)json_number_value(interval) : 1;
    json_decref(j);
    return SHEAF_OK;
}

static sheaf_status add_array(shf_table_plan *plan, const sheaf_array_info *info, sheaf_error *err)
{
    for (size_t i = 0; i < plan->n_arrays; i++)
        if (strcmp(plan->arrays[i].info.name, info->name) == 0) return SHEAF_OK;
    shf_table_array *arrays = shf_realloc(plan->arrays, (plan->n_arrays + 1) * sizeof *arrays);
    if (!arrays) return shf_fail_memory(err, (plan->n_arrays + 1) * sizeof *arrays, "a table's arrays");
    plan->arrays = arrays;
    shf_table_array *a = &arrays[plan->n_arrays++];
    memset(a, 0, sizeof *a);
    a->info = *info;
    a->time_axis = a->id_axis = -1;
    a->is_id = strcmp(info->name, "trajectory") == 0;
    a->is_length = strcmp(info->name, "length") == 0;
    json_t *j;
    SHF_TRY(read_json(plan->store, info->name, &j, err));
    const json_t *missing = json_object_get(j, "missing_value");
    if (json_is_array(missing)) missing = json_array_get(missing, 0);
    a->has_missing = json_is_number(missing);
    a->missing = json_number_value(missing);
    json_decref(j);
    return SHEAF_OK;
}

/* The coordinate of the rows, when there is one. */
static sheaf_status add_coordinate(shf_table_plan *plan, sheaf_error *err)
{
    sheaf_array_info info;
    if (sheaf_store_array(plan->store, plan->dimension, &info, NULL) != SHEAF_OK) return SHEAF_OK;
    if (info.ndim != 1 || strcmp(info.dimensions[0], plan->dimension) != 0) return SHEAF_OK;
    return add_array(plan, &info, err);
}

static bool is_series(const sheaf_array_info *info)
{
    return info->ndim >= 2 && strcmp(info->dimensions[1], "time") == 0;
}

/* The record dimension whose table is meant: `trajectory` when there is one, else the first. */
static const char *main_dimension(sheaf_store *store)
{
    const char *first = sheaf_store_record_name(store, 0);
    for (size_t i = 0; i < sheaf_store_n_records(store); i++)
        if (strcmp(sheaf_store_record_name(store, i), "trajectory") == 0) return sheaf_store_record_name(store, i);
    return first;
}

/* summaries: every array of the table that is no series and no bookkeeping. */
static bool wanted(const sheaf_array_info *info, const shf_table_about *a, const char *what)
{
    if (strcmp(what, "all") == 0) return true;
    if (strcmp(info->name, "trajectory") == 0) return true;
    if (is_series(info)) return false;
    size_t n = strlen(info->name);
    bool last = n > 5 && strcmp(info->name + n - 5, "_last") == 0;
    return !(a->insurance && (strcmp(info->name, "length") == 0 || last));
}

static sheaf_status choose_many(shf_table_plan *plan, const shf_table_about *a, const char *what, sheaf_error *err)
{
    plan->dimension = main_dimension(plan->store);
    if (!plan->dimension)
        return shf_fail_at(err, SHEAF_ERR_NOT_FOUND, sheaf_store_path(plan->store), NULL, -1, -1,
                           "the store has no growing table; name an array");
    if (strcmp(what, "summaries") == 0 && strcmp(plan->dimension, "trajectory") != 0)
        return shf_fail_at(err, SHEAF_ERR_NOT_FOUND, sheaf_store_path(plan->store), NULL, -1, -1,
                           "the store has no summaries: it is stored by %s; name an array, or take all", plan->dimension);
    SHF_TRY(add_coordinate(plan, err));
    for (size_t i = 0; i < sheaf_store_n_arrays(plan->store); i++) {
        sheaf_array_info info;
        SHF_TRY(sheaf_store_array_at(plan->store, i, &info, err));
        if (strcmp(info.dimensions[0], plan->dimension) == 0 && wanted(&info, a, what)) SHF_TRY(add_array(plan, &info, err));
    }
    if (strcmp(what, "summaries") == 0 && plan->n_arrays <= 1)
        return shf_fail_at(err, SHEAF_ERR_NOT_FOUND, sheaf_store_path(plan->store), NULL, -1, -1, "the store has no summaries");
    return SHEAF_OK;
}

static sheaf_status choose_one(shf_table_plan *plan, const char *name, sheaf_error *err)
{
    sheaf_array_info info, length;
    SHF_TRY(sheaf_store_array(plan->store, name, &info, err));
    plan->dimension = info.dimensions[0];
    SHF_TRY(add_coordinate(plan, err));
    SHF_TRY(add_array(plan, &info, err));
    /* Needed to tell what lies beyond a trajectory's length, and not shown. */
    if (is_series(&info) && sheaf_store_array(plan->store, "length", &length, NULL) == SHEAF_OK &&
        strcmp(length.dimensions[0], plan->dimension) == 0)
        SHF_TRY(add_array(plan, &length, err));
    return SHEAF_OK;
}

/* ---- columns ---- */

static sheaf_status select_time(shf_table_array *a, const sheaf_selection *time, sheaf_error *err)
{
    int axis = a->time_axis;
    uint64_t start = 0, stop = a->info.shape[axis], step = 1;
    if (time->kind == SHEAF_SELECT_RANGE) {
        start = time->start;
        stop = shf_min_u64(time->stop, stop);
        step = time->step;
    } else if (time->kind == SHEAF_SELECT_LIST) {
        return shf_fail(err, SHEAF_ERR_UNSUPPORTED, "a list of positions along time is not supported here; take a range");
    }
    if (start > stop || start >= a->info.shape[axis] || step == 0)
        return shf_fail_at(err, SHEAF_ERR_RANGE, NULL, a->info.name, -1, -1, "time position %llu of %llu", (unsigned long long)start,
                           (unsigned long long)a->info.shape[axis]);
    a->n_time = shf_ceil_div(stop - start, step);
    a->time = shf_malloc((size_t)a->n_time * sizeof *a->time + 1);
    if (!a->time) return shf_fail_memory(err, (size_t)a->n_time * sizeof *a->time, "positions along time");
    for (uint64_t i = 0; i < a->n_time; i++) a->time[i] = start + i * step;
    return SHEAF_OK;
}

/* The ids along an axis of n trajectories: their coordinate, else their positions. */
static sheaf_status read_ids(sheaf_store *store, uint64_t n, shf_id_index *index, sheaf_error *err)
{
    sheaf_array_info info;
    bool there =
        sheaf_store_array(store, "trajectory", &info, NULL) == SHEAF_OK && info.ndim == 1 && info.shape[0] == n && info.dtype == SHEAF_I64;
    int64_t *ids = shf_malloc((size_t)n * sizeof *ids + 1);
    if (!ids) return shf_fail_memory(err, (size_t)n * sizeof *ids, "ids");
    for (uint64_t i = 0; i < n; i++) ids[i] = (int64_t)i;
    sheaf_status status = there ? sheaf_store_read(store, "trajectory", NULL, ids, (size_t)n * sizeof *ids, err) : SHEAF_OK;
    if (status == SHEAF_OK) status = shf_id_index_add(index, ids, (size_t)n, err);
    if (status == SHEAF_OK) status = shf_id_index_finish(index, err);
    shf_free(ids);
    return status;
}

static sheaf_status find_ids(const shf_table_plan *plan, shf_table_array *a, const sheaf_table_spec *spec, const shf_id_index *index,
                             sheaf_error *err)
{
    a->ids = shf_malloc(spec->n_ids * sizeof *a->ids + 1);
    if (!a->ids) return shf_fail_memory(err, spec->n_ids * sizeof *a->ids, "ids");
    a->n_ids = spec->n_ids;
    for (size_t i = 0; i < spec->n_ids; i++)
        if (!shf_id_index_find(index, spec->ids[i], &a->ids[i]))
            return shf_fail_at(err, SHEAF_ERR_NOT_FOUND, sheaf_store_path(plan->store), NULL, -1, -1,
                               "there is no committed trajectory %lld", (long long)spec->ids[i]);
    return SHEAF_OK;
}

/* Of an array by step: the ids choose columns. */
static sheaf_status select_ids(shf_table_plan *plan, shf_table_array *a, const sheaf_table_spec *spec, sheaf_error *err)
{
    for (int i = 1; i < a->info.ndim && a->id_axis < 0; i++)
        if (strcmp(a->info.dimensions[i], "trajectory") == 0) a->id_axis = i;
    if (a->id_axis < 0) return SHEAF_OK;
    shf_id_index index = {0};
    sheaf_status status = read_ids(plan->store, a->info.shape[a->id_axis], &index, err);
    if (status == SHEAF_OK) status = find_ids(plan, a, spec, &index, err);
    shf_id_index_free(&index);
    plan->ids_are_columns = true;
    return status;
}

/* Selected positions along an axis, and the k-th of them. */
static uint64_t axis_length(const shf_table_array *a, int axis)
{
    return axis == a->time_axis ? a->n_time : axis == a->id_axis ? a->n_ids : a->info.shape[axis];
}

static uint64_t axis_position(const shf_table_array *a, int axis, uint64_t k)
{
    return axis == a->time_axis ? a->time[k] : axis == a->id_axis ? a->ids[k] : k;
}

static sheaf_status size_array(shf_table_plan *plan, shf_table_array *a, const sheaf_table_spec *spec, sheaf_error *err)
{
    for (int i = 1; i < a->info.ndim; i++)
        if (strcmp(a->info.dimensions[i], "time") == 0 && a->time_axis < 0) a->time_axis = i;
    a->along_time = a->time_axis == 1 && plan->by_trajectory;
    if (a->time_axis > 0) SHF_TRY(select_time(a, &spec->time, err));
    if (spec->ids && !plan->by_trajectory) SHF_TRY(select_ids(plan, a, spec, err));
    uint64_t items = 1;
    for (int i = 1; i < a->info.ndim; i++) {
        if (!shf_mul_u64(items, axis_length(a, i), &items) || items > MOST_COLUMNS)
            return shf_fail_at(err, SHEAF_ERR_RANGE, NULL, a->info.name, -1, -1, "array \"%s\" would be a table of more than %d columns",
                               a->info.name, MOST_COLUMNS);
    }
    a->n_items = (size_t)items;
    a->row_bytes = a->n_items * sheaf_dtype_size(a->info.dtype);
    return SHEAF_OK;
}

/* Coordinates of one axis as text; NULL when there are none. */
static sheaf_status read_coordinate(sheaf_store *store, const char *dimension, uint64_t n, double **out, sheaf_error *err)
{
    sheaf_array_info info;
    *out = NULL;
    if (sheaf_store_array(store, dimension, &info, NULL) != SHEAF_OK || info.ndim != 1 || info.shape[0] != n) return SHEAF_OK;
    if (strcmp(info.dimensions[0], dimension) != 0) return SHEAF_OK;
    size_t bytes = (size_t)n * sheaf_dtype_size(info.dtype);
    void *raw = shf_malloc(bytes);
    *out = shf_malloc((size_t)n * sizeof **out);
    sheaf_status status = raw && *out ? sheaf_store_read(store, dimension, NULL, raw, bytes, err) : shf_fail_memory(err, bytes, dimension);
    if (status == SHEAF_OK) shf_dtype_convert(info.dtype, raw, SHEAF_F64, *out, (size_t)n);
    shf_free(raw);
    if (status != SHEAF_OK) {
        shf_free(*out);
        *out = NULL;
    }
    return status;
}

/* Names of one array's columns: its own name, or the coordinates of its other axes; with the name before them when `full`. */
static sheaf_status name_columns(shf_table_plan *plan, const shf_table_array *a, bool full, sheaf_error *err)
{
    double *coordinates[SHEAF_MAX_NDIM] = {NULL};
    shf_buf name = {0};
    sheaf_status status = SHEAF_OK;
    for (int i = 1; i < a->info.ndim && status == SHEAF_OK; i++)
        status = read_coordinate(plan->store, a->info.dimensions[i], a->info.shape[i], &coordinates[i], err);
    for (size_t item = 0; item < a->n_items && status == SHEAF_OK; item++) {
        uint64_t at[SHEAF_MAX_NDIM] = {0};
        size_t rest = item;
        name.size = 0;
        for (int i = a->info.ndim - 1; i > 0; i--) {
            uint64_t n = axis_length(a, i);
            at[i] = axis_position(a, i, rest % n);
            rest /= (size_t)n;
        }
        if (full || a->info.ndim == 1) status = shf_buf_append_text(&name, a->info.name, err);
        for (int i = 1; i < a->info.ndim && status == SHEAF_OK; i++) {
            char number[SHF_NUMBER_ROOM];
            size_t n = shf_print_f64(number, coordinates[i] ? coordinates[i][at[i]] : (double)at[i]);
            status = shf_buf_printf(&name, err, "%s%.*s", i > 1 ? "," : full ? "[" : "", (int)n, number);
        }
        if (status == SHEAF_OK) status = shf_buf_append(&name, full && a->info.ndim > 1 ? "]" : "", full && a->info.ndim > 1 ? 2 : 1, err);
        if (status == SHEAF_OK && !(plan->names[a->first_column + item] = shf_strdup((const char *)name.data)))
            status = shf_fail_memory(err, name.size, "a column's name");
    }
    for (int i = 1; i < SHEAF_MAX_NDIM; i++) shf_free(coordinates[i]);
    shf_buf_free(&name);
    return status;
}

static sheaf_status plan_columns(shf_table_plan *plan, const sheaf_table_spec *spec, bool insurance, sheaf_error *err)
{
    bool many = strcmp(spec->what, "all") == 0 || strcmp(spec->what, "summaries") == 0;
    for (size_t i = 0; i < plan->n_arrays; i++) {
        shf_table_array *a = &plan->arrays[i];
        SHF_TRY(size_array(plan, a, spec, err));
        a->first_column = plan->n_columns;
        plan->bytes_per_row += a->row_bytes + a->n_items;
        bool hidden = !many && a->is_length && strcmp(spec->what, "length") != 0;
        if (!hidden) plan->n_columns += a->n_items;
        else a->first_column = SIZE_MAX;
    }
    if (plan->n_columns > MOST_COLUMNS) return shf_fail(err, SHEAF_ERR_RANGE, "a table of %zu columns is too wide", plan->n_columns);
    plan->names = shf_calloc(plan->n_columns, sizeof *plan->names);
    if (!plan->names) return shf_fail_memory(err, plan->n_columns * sizeof *plan->names, "column names");
    for (size_t i = 0; i < plan->n_arrays; i++) {
        const shf_table_array *a = &plan->arrays[i];
        if (a->first_column != SIZE_MAX) SHF_TRY(name_columns(plan, a, many, err));
    }
    if (!insurance || strcmp(spec->what, "summaries") != 0) return SHEAF_OK;
    shf_free(plan->names[0]); /* the id, under the name that this summary has for it */
    plan->names[0] = shf_strdup("sim_id");
    return plan->names[0] ? SHEAF_OK : shf_fail_memory(err, 7, "a column's name");
}

sheaf_status shf_table_plan_make(sheaf_store *store, const sheaf_table_spec *spec, shf_table_plan *plan, sheaf_error *err)
{
    shf_table_about a;
    memset(plan, 0, sizeof *plan);
    plan->store = store;
    SHF_TRY(shf_table_about_read(store, &a, err));
    bool many = strcmp(spec->what, "all") == 0 || strcmp(spec->what, "summaries") == 0;
    SHF_TRY(many ? choose_many(plan, &a, spec->what, err) : choose_one(plan, spec->what, err));
    plan->interval = a.interval;
    const sheaf_array_info *last = &plan->arrays[plan->n_arrays - 1].info;
    plan->grows = last->grows;
    plan->n_rows = last->shape[0];
    plan->by_trajectory = plan->grows && strcmp(plan->dimension, "trajectory") == 0 && plan->arrays[0].is_id;
    plan->whole_time = !plan->by_trajectory && strcmp(plan->dimension, "time") == 0;
    return plan_columns(plan, spec, a.insurance && plan->arrays[0].is_id, err);
}

void shf_table_plan_free(shf_table_plan *plan)
{
    for (size_t i = 0; i < plan->n_arrays; i++) {
        shf_free(plan->arrays[i].time);
        shf_free(plan->arrays[i].ids);
        shf_free(plan->arrays[i].values);
        shf_free(plan->arrays[i].absent);
    }
    for (size_t i = 0; plan->names && i < plan->n_columns; i++) shf_free(plan->names[i]);
    shf_free(plan->arrays);
    shf_free(plan->names);
    memset(plan, 0, sizeof *plan);
}
