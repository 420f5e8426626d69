// SPDX-License-Identifier: Apache-2.0
/* Long tables: one row for each trajectory and step. By trajectory: (trajectory, time, variables), by growing id, only the steps that a
 * trajectory has. By step: (time, trajectory, variables). Further axes of a variable become columns: x[0], x[1], … */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/checked.h"
#include "interchange/convert.h"
#include "interchange/parquet_out.h"

enum { MOST_VARIABLES = 128, MOST_COLUMNS = 4096, BLOCK_BYTES = 8 << 20 };

typedef struct variable {
    sheaf_array_info info;
    int axis; /* of the second coordinate */
    size_t row_items, stride, n_extra;
    uint8_t *values;
} variable;

typedef struct long_table {
    sheaf_store *store;
    bool by_trajectory;
    const char *record, *second;
    uint64_t n_records, n_second, whole; /* rows from `whole` on have no series */
    int64_t interval;
    variable variables[MOST_VARIABLES];
    size_t n_variables, n_columns;
    shf_id_index index;
    int64_t *second_ids; /* the second coordinate, by step: ids; by trajectory: steps */
    shf_buf names;
    size_t name_at[MOST_COLUMNS];
} long_table;

static int axis_of(const sheaf_array_info *info, const char *dimension)
{
    for (int k = 1; k < info->ndim; k++)
        if (strcmp(info->dimensions[k], dimension) == 0) return k;
    return -1;
}

/* What kind of store it is; false: neither. */
static sheaf_status look(sheaf_store *store, long_table *t, bool *is_ensemble, sheaf_error *err)
{
    json_t *j = NULL;
    sheaf_status status = shf_attributes_read(store, NULL, &j, err);
    const char *kind = status == SHEAF_OK ? json_string_value(json_object_get(j, "sheaf_kind")) : NULL;
    const json_t *interval = json_object_get(j, "sheaf_interval"), *whole = json_object_get(j, "sheaf_summaries_only_from_row");
    t->store = store;
    t->by_trajectory = kind && strcmp(kind, "trajectories") == 0;
    t->record = sheaf_store_record_name(store, 0);
    t->second = t->by_trajectory ? "time" : "trajectory";
    t->interval = json_is_integer(interval) && json_integer_value(interval) > 0 ? json_integer_value(interval) : 1;
    t->whole = json_is_integer(whole) && json_integer_value(whole) >= 0 ? (uint64_t)json_integer_value(whole) : UINT64_MAX;
    *is_ensemble = t->record && kind && (t->by_trajectory || strcmp(kind, "steps") == 0);
    json_decref(j);
    return status;
}

static bool wanted(const long_table *t, const sheaf_array_info *info, const char *what)
{
    if (!info->grows || strcmp(info->dimensions[0], t->record) != 0) return false;
    int axis = axis_of(info, t->second);
    if (axis < 0 || (t->by_trajectory && axis != 1)) return false;
    return strcmp(what, "all") == 0 || strcmp(what, info->name) == 0;
}

sheaf_status shf_export_is_long(sheaf_store *store, const char *what, bool *is_long, sheaf_error *err)
{
    long_table *t = shf_calloc(1, sizeof *t);
    if (!t) return shf_fail_memory(err, sizeof *t, "a table");
    bool ensemble = false;
    *is_long = false;
    sheaf_status status = look(store, t, &ensemble, err);
    for (size_t i = 0; ensemble && status == SHEAF_OK && i < sheaf_store_n_arrays(store); i++) {
        sheaf_array_info info;
        status = sheaf_store_array_at(store, i, &info, err);
        if (status == SHEAF_OK) *is_long |= wanted(t, &info, what);
    }
    shf_free(t);
    return status;
}

static sheaf_status name_columns(long_table *t, const variable *v, sheaf_error *err)
{
    for (size_t e = 0; e < v->n_extra; e++) {
        if (t->n_columns == MOST_COLUMNS)
            return shf_fail_at(err, SHEAF_ERR_RANGE, NULL, v->info.name, -1, -1, "a long table of more than %d columns", MOST_COLUMNS);
        t->name_at[t->n_columns++] = t->names.size;
        SHF_TRY(shf_buf_printf(&t->names, err, "%s", v->info.name));
        uint64_t at[SHEAF_MAX_NDIM];
        size_t rest = e;
        for (int k = v->info.ndim - 1; k > 0; k--) {
            if (k == v->axis) continue;
            at[k] = rest % v->info.shape[k];
            rest /= (size_t)v->info.shape[k];
        }
        bool any = false;
        for (int k = 1; k < v->info.ndim; k++) {
            if (k == v->axis) continue;
            SHF_TRY(shf_buf_printf(&t->names, err, "%s%llu", any ? "," : "[", (unsigned long long)at[k]));
            any = true;
        }
        SHF_TRY(shf_buf_append(&t->names, any ? "]" : "", any ? 2 : 1, err));
    }
    return SHEAF_OK;
}

static sheaf_status add_variable(long_table *t, const sheaf_array_info *info, sheaf_error *err)
{
    if (t->n_variables == MOST_VARIABLES) return shf_fail(err, SHEAF_ERR_RANGE, "a long table of more than %d variables", MOST_VARIABLES);
    variable *v = &t->variables[t->n_variables];
    *v = (variable){.info = *info, .axis = axis_of(info, t->second), .row_items = 1, .stride = 1, .n_extra = 1};
    for (int k = 1; k < info->ndim; k++) {
        if (!shf_mul_size(v->row_items, (size_t)info->shape[k], &v->row_items))
            return shf_fail_at(err, SHEAF_ERR_RANGE, NULL, info->name, -1, -1, "one record of \"%s\" is too large", info->name);
        if (k > v->axis) v->stride *= (size_t)info->shape[k];
        if (k != v->axis) v->n_extra *= (size_t)info->shape[k];
    }
    if (t->n_variables && t->n_second != info->shape[v->axis])
        return shf_fail_at(err, SHEAF_ERR_MISMATCH, NULL, info->name, -1, -1, "\"%s\" has %llu along %s, others %llu", info->name,
                           (unsigned long long)info->shape[v->axis], t->second, (unsigned long long)t->n_second);
    t->n_second = info->shape[v->axis];
    t->n_records = info->shape[0];
    t->n_variables++;
    return name_columns(t, v, err);
}

static sheaf_status read_ids(long_table *t, sheaf_error *err)
{
    int64_t block[2048];
    for (uint64_t row = 0; t->by_trajectory && row < t->n_records; row += 2048) {
        size_t n = (size_t)shf_min_u64(2048, t->n_records - row);
        sheaf_selection rows = sheaf_select_range(row, row + n, 1);
        SHF_TRY(sheaf_store_read(t->store, "trajectory", &rows, block, n * sizeof *block, err));
        SHF_TRY(shf_id_index_add(&t->index, block, n, err));
    }
    if (t->by_trajectory) SHF_TRY(shf_id_index_finish(&t->index, err));
    t->second_ids = shf_malloc((size_t)t->n_second * sizeof *t->second_ids + 1);
    if (!t->second_ids) return shf_fail_memory(err, (size_t)t->n_second * sizeof *t->second_ids, "coordinates");
    sheaf_array_info info;
    if (sheaf_store_array(t->store, t->second, &info, NULL) == SHEAF_OK && info.dtype == SHEAF_I64 && info.ndim == 1 &&
        info.shape[0] == t->n_second)
        return sheaf_store_read(t->store, t->second, NULL, t->second_ids, (size_t)t->n_second * sizeof *t->second_ids, err);
    for (uint64_t j = 0; j < t->n_second; j++) t->second_ids[j] = (int64_t)j * (t->by_trajectory ? t->interval : 1);
    return SHEAF_OK;
}

static sheaf_status plan(long_table *t, const char *what, sheaf_error *err)
{
    for (size_t i = 0; i < sheaf_store_n_arrays(t->store); i++) {
        sheaf_array_info info;
        SHF_TRY(sheaf_store_array_at(t->store, i, &info, err));
        if (wanted(t, &info, what)) SHF_TRY(add_variable(t, &info, err));
    }
    return read_ids(t, err);
}

/* ---- blocks ---- */

typedef struct block {
    size_t n_records;
    uint64_t *rows;
    int64_t *ids;    /* by trajectory */
    int32_t *length; /* by trajectory */
    double *times;   /* by step */
    uint8_t **columns;
    shf_parquet_values *out;
} block;

static sheaf_status make_block(long_table *t, block *b, sheaf_error *err)
{
    size_t row_bytes = 32;
    for (size_t i = 0; i < t->n_variables; i++)
        if (!shf_add_size(row_bytes, t->variables[i].row_items * 16, &row_bytes)) return shf_fail_memory(err, SIZE_MAX, "rows");
    b->n_records = (size_t)shf_max_u64(1, shf_min_u64(shf_min_u64(BLOCK_BYTES / row_bytes, 1 << 16), shf_max_u64(t->n_records, 1)));
    size_t n_rows = b->n_records * (size_t)t->n_second, n = t->n_columns + 2;
    b->rows = shf_malloc(b->n_records * sizeof *b->rows);
    b->ids = shf_malloc(b->n_records * sizeof *b->ids);
    b->length = shf_malloc(b->n_records * sizeof *b->length);
    b->times = shf_malloc(b->n_records * sizeof *b->times);
    b->columns = shf_calloc(n, sizeof *b->columns);
    b->out = shf_calloc(n, sizeof *b->out);
    bool bad = !b->rows || !b->ids || !b->length || !b->times || !b->columns || !b->out;
    for (size_t c = 0; !bad && c < n; c++) bad = !(b->columns[c] = shf_malloc(n_rows * 8 + 1));
    for (size_t c = 0; !bad && c < n; c++) b->out[c].values = b->columns[c];
    for (size_t i = 0; !bad && i < t->n_variables; i++) {
        variable *v = &t->variables[i];
        bad = !(v->values = shf_malloc(b->n_records * v->row_items * sheaf_dtype_size(v->info.dtype) + 1));
    }
    return bad ? shf_fail_memory(err, n_rows * n * 8, "rows") : SHEAF_OK;
}

static void free_block(long_table *t, block *b)
{
    for (size_t c = 0; b->columns && c < t->n_columns + 2; c++) shf_free(b->columns[c]);
    for (size_t i = 0; i < t->n_variables; i++) shf_free(t->variables[i].values);
    shf_free(b->columns);
    shf_free(b->out);
    shf_free(b->rows);
    shf_free(b->ids);
    shf_free(b->length);
    shf_free(b->times);
}

static sheaf_status read_block(long_table *t, block *b, uint64_t first, size_t n, sheaf_error *err)
{
    sheaf_array_info info;
    sheaf_selection s[SHEAF_MAX_NDIM];
    for (int k = 0; k < SHEAF_MAX_NDIM; k++) s[k] = sheaf_select_all();
    if (t->by_trajectory) {
        shf_id_index_rows(&t->index, first, n, b->rows);
        s[0] = sheaf_select_list(b->rows, n);
        SHF_TRY(sheaf_store_read(t->store, "trajectory", s, b->ids, n * sizeof *b->ids, err));
        bool ragged = sheaf_store_array(t->store, "length", &info, NULL) == SHEAF_OK && info.dtype == SHEAF_I32 && info.ndim == 1;
        for (size_t r = 0; !ragged && r < n; r++) b->length[r] = INT32_MAX;
        if (ragged) SHF_TRY(sheaf_store_read(t->store, "length", s, b->length, n * sizeof *b->length, err));
    } else {
        s[0] = sheaf_select_range(first, first + n, 1);
        bool timed = sheaf_store_array(t->store, t->record, &info, NULL) == SHEAF_OK && info.dtype == SHEAF_F64 && info.ndim == 1;
        for (size_t r = 0; !timed && r < n; r++) b->times[r] = (double)(first + r);
        if (timed) SHF_TRY(sheaf_store_read(t->store, t->record, s, b->times, n * sizeof *b->times, err));
    }
    for (size_t i = 0; i < t->n_variables; i++) {
        variable *v = &t->variables[i];
        SHF_TRY(sheaf_store_read(t->store, v->info.name, s, v->values, n * v->row_items * sheaf_dtype_size(v->info.dtype), err));
    }
    return SHEAF_OK;
}

/* Rows that record r of the block gives. */
static size_t rows_of(const long_table *t, const block *b, size_t r)
{
    if (!t->by_trajectory) return (size_t)t->n_second;
    if (b->rows[r] >= t->whole || b->length[r] <= 0) return 0;
    return (size_t)shf_min_u64(t->n_second, shf_ceil_div((uint64_t)b->length[r], (uint64_t)t->interval));
}

static void spread_values(long_table *t, size_t r, size_t at, size_t n, block *b)
{
    size_t c = 2;
    for (size_t i = 0; i < t->n_variables; i++) {
        const variable *v = &t->variables[i];
        size_t size = sheaf_dtype_size(v->info.dtype), room = size < 4 && v->info.dtype != SHEAF_BOOL ? 4 : size;
        size_t span = v->stride * (size_t)v->info.shape[v->axis];
        for (size_t e = 0; e < v->n_extra; e++, c++) {
            /* Extra axes before the second one lie `span` apart, those after it side by side. */
            size_t from = r * v->row_items + e / v->stride * span + e % v->stride;
            shf_parquet_gather(v->info.dtype, v->values + from * size, v->stride * size, n, b->columns[c] + at * room);
        }
    }
}

static size_t spread(long_table *t, block *b, size_t n)
{
    size_t at = 0;
    for (size_t r = 0; r < n; r++) {
        size_t k = rows_of(t, b, r);
        int64_t *ids = (int64_t *)(void *)b->columns[t->by_trajectory ? 0 : 1], *steps = (int64_t *)(void *)b->columns[1];
        double *times = (double *)(void *)b->columns[0];
        for (size_t j = 0; j < k; j++) {
            if (t->by_trajectory) {
                ids[at + j] = b->ids[r];
                steps[at + j] = t->second_ids[j];
            } else {
                times[at + j] = b->times[r];
                ids[at + j] = t->second_ids[j];
            }
        }
        spread_values(t, r, at, k, b);
        at += k;
    }
    return at;
}

static sheaf_status create_writer(const long_table *t, const char *path, shf_parquet_writer **writer, sheaf_error *err)
{
    shf_pq_field *fields = shf_calloc(t->n_columns + 2, sizeof *fields);
    if (!fields) return shf_fail_memory(err, (t->n_columns + 2) * sizeof *fields, "columns");
    fields[0] = t->by_trajectory ? SHF_PARQUET_I64("trajectory") : SHF_PARQUET_F64(t->record);
    fields[1] = SHF_PARQUET_I64(t->second);
    size_t c = 0;
    for (size_t i = 0; i < t->n_variables; i++)
        for (size_t e = 0; e < t->variables[i].n_extra; e++, c++)
            fields[c + 2] = shf_parquet_field_of_dtype((const char *)t->names.data + t->name_at[c], t->variables[i].info.dtype, false);
    shf_parquet_write_options options = SHF_PARQUET_WRITE_OPTIONS;
    options.rows_per_group = shf_max_u64(1024, shf_min_u64(1 << 20, ((uint64_t)64 << 20) / (8 * (t->n_columns + 2))));
    sheaf_status status = shf_parquet_writer_create(path, fields, t->n_columns + 2, &options, writer, err);
    shf_free(fields);
    return status;
}

static sheaf_status write_long(long_table *t, block *b, shf_parquet_writer *writer, uint64_t *n_rows, sheaf_error *err)
{
    for (uint64_t first = 0; first < t->n_records; first += b->n_records) {
        size_t n = (size_t)shf_min_u64(b->n_records, t->n_records - first);
        SHF_TRY(read_block(t, b, first, n, err));
        size_t rows = spread(t, b, n);
        *n_rows += rows;
        if (rows) SHF_TRY(shf_parquet_writer_append(writer, rows, b->out, err));
    }
    return SHEAF_OK;
}

sheaf_status shf_export_long(sheaf_store *store, const sheaf_table_spec *spec, const char *path, uint64_t *n_rows, sheaf_error *err)
{
    long_table *t = shf_calloc(1, sizeof *t);
    if (!t) return shf_fail_memory(err, sizeof *t, "a table");
    block b = {0};
    bool ensemble = false;
    uint64_t rows = 0;
    shf_parquet_writer *writer = NULL;
    sheaf_status status = look(store, t, &ensemble, err);
    if (status == SHEAF_OK) status = plan(t, spec->what, err);
    if (status == SHEAF_OK) status = make_block(t, &b, err);
    if (status == SHEAF_OK) status = create_writer(t, path, &writer, err);
    if (status == SHEAF_OK) status = write_long(t, &b, writer, &rows, err);
    if (status == SHEAF_OK) status = shf_parquet_writer_close(&writer, err);
    shf_parquet_writer_free(writer);
    if (n_rows) *n_rows = rows;
    free_block(t, &b);
    shf_id_index_free(&t->index);
    shf_free(t->second_ids);
    shf_buf_free(&t->names);
    shf_free(t);
    return status;
}
