// SPDX-License-Identifier: Apache-2.0
/* A part of a store as a table, block by block. */
#include <string.h>

#include "base/alloc.h"
#include "base/checked.h"
#include "base/dtype.h"
#include "interchange/table_plan.h"

enum { BLOCK_BYTES = 8 << 20, MOST_BLOCK = 65536 };

sheaf_table_spec sheaf_table_spec_init(const char *what)
{
    return (sheaf_table_spec){.size_bytes = sizeof(sheaf_table_spec), .what = what, .time = sheaf_select_all()};
}

/* ---- which rows, in which order ---- */

typedef struct order {
    shf_id_index index; /* by growing id, or look-up of those asked for */
    bool indexed;
    const sheaf_table_spec *spec;
    uint64_t first, step; /* else: rows first, first + step, … */
    uint64_t n;
} order;

sheaf_status shf_table_index_ids(sheaf_store *store, uint64_t n_rows, shf_id_index *index, sheaf_error *err)
{
    int64_t ids[2048];
    for (uint64_t row = 0; row < n_rows; row += 2048) {
        size_t n = (size_t)shf_min_u64(2048, n_rows - row);
        sheaf_selection rows = sheaf_select_range(row, row + n, 1);
        SHF_TRY(sheaf_store_read(store, "trajectory", &rows, ids, n * sizeof *ids, err));
        SHF_TRY(shf_id_index_add(index, ids, n, err));
    }
    return shf_id_index_finish(index, err);
}

static sheaf_status check_ids(const order *o, const shf_table_plan *plan, sheaf_error *err)
{
    uint64_t row;
    for (size_t i = 0; i < o->spec->n_ids; i++)
        if (!shf_id_index_find(&o->index, o->spec->ids[i], &row))
            return shf_fail_at(err, SHEAF_ERR_NOT_FOUND, sheaf_store_path(plan->store), NULL, -1, -1,
                               "there is no committed trajectory %lld", (long long)o->spec->ids[i]);
    return SHEAF_OK;
}

static sheaf_status make_order(const shf_table_plan *plan, const sheaf_table_spec *spec, order *o, sheaf_error *err)
{
    memset(o, 0, sizeof *o);
    o->spec = spec;
    o->step = 1;
    o->n = plan->n_rows;
    if (spec->ids && !plan->by_trajectory && !plan->ids_are_columns)
        return shf_fail(err, SHEAF_ERR_ARGUMENT, "ids are asked for, but neither rows nor columns are trajectories");
    if (plan->by_trajectory) {
        o->indexed = true;
        SHF_TRY(shf_table_index_ids(plan->store, plan->n_rows, &o->index, err));
        if (spec->ids) {
            o->n = spec->n_ids;
            SHF_TRY(check_ids(o, plan, err));
        }
    } else if (plan->whole_time && spec->time.kind == SHEAF_SELECT_RANGE) {
        uint64_t stop = shf_min_u64(spec->time.stop, plan->n_rows);
        if (spec->time.start > plan->n_rows || spec->time.step == 0)
            return shf_fail(err, SHEAF_ERR_RANGE, "time position %llu of %llu", (unsigned long long)spec->time.start,
                            (unsigned long long)plan->n_rows);
        o->first = spec->time.start;
        o->step = spec->time.step;
        o->n = stop > o->first ? shf_ceil_div(stop - o->first, o->step) : 0;
    }
    if (spec->max_rows && o->n > spec->max_rows) o->n = spec->max_rows;
    return SHEAF_OK;
}

static void rows_of(order *o, uint64_t position, size_t n, uint64_t *rows)
{
    if (o->spec->ids && o->indexed) {
        for (size_t i = 0; i < n; i++)
            if (!shf_id_index_find(&o->index, o->spec->ids[position + i], &rows[i])) rows[i] = UINT64_MAX; /* checked before: cannot be */
    } else if (o->indexed) {
        shf_id_index_rows(&o->index, position, n, rows);
    } else {
        for (size_t i = 0; i < n; i++) rows[i] = o->first + (position + i) * o->step;
    }
}

static bool consecutive(const uint64_t *rows, size_t n)
{
    for (size_t i = 1; i < n; i++)
        if (rows[i] != rows[0] + i) return false;
    return true;
}

/* ---- values ---- */

static sheaf_status read_block(const shf_table_plan *plan, shf_table_array *a, const uint64_t *rows, size_t n, sheaf_error *err)
{
    sheaf_selection selections[SHEAF_MAX_NDIM];
    for (int i = 0; i < SHEAF_MAX_NDIM; i++) selections[i] = sheaf_select_all();
    selections[0] = consecutive(rows, n) ? sheaf_select_range(rows[0], rows[0] + n, 1) : sheaf_select_list(rows, n);
    if (a->time_axis > 0 && a->n_time < a->info.shape[a->time_axis])
        selections[a->time_axis] = sheaf_select_list(a->time, (size_t)a->n_time);
    if (a->id_axis > 0) selections[a->id_axis] = sheaf_select_list(a->ids, (size_t)a->n_ids);
    return sheaf_store_read(plan->store, a->info.name, selections, a->values, n * a->row_bytes, err);
}

static const shf_table_array *find_length(const shf_table_plan *plan)
{
    for (size_t i = 0; i < plan->n_arrays; i++)
        if (plan->arrays[i].is_length && plan->by_trajectory && plan->arrays[i].info.ndim == 1) return &plan->arrays[i];
    return NULL;
}

/* Marks what is absent: a missing value, or a step that the trajectory does not have. */
static void mark_absent(const shf_table_plan *plan, const shf_table_array *lengths, shf_table_array *a, size_t n)
{
    memset(a->absent, 0, n * a->n_items);
    for (size_t i = 0; a->has_missing && i < n * a->n_items; i++) a->absent[i] = shf_dtype_load(a->info.dtype, a->values, i) == a->missing;
    if (!a->along_time || !lengths) return;
    size_t per_time = a->n_time ? a->n_items / (size_t)a->n_time : 0;
    for (size_t row = 0; row < n; row++) {
        double length = shf_dtype_load(lengths->info.dtype, lengths->values, row);
        for (size_t t = 0; t < a->n_time; t++)
            if ((double)a->time[t] * (double)plan->interval >= length) memset(a->absent + row * a->n_items + t * per_time, 1, per_time);
    }
}

static sheaf_status allocate_blocks(shf_table_plan *plan, size_t n, sheaf_error *err)
{
    bool lengths = find_length(plan) != NULL;
    for (size_t i = 0; i < plan->n_arrays; i++) {
        shf_table_array *a = &plan->arrays[i];
        a->values = shf_malloc_aligned(n * a->row_bytes);
        if (a->has_missing || (a->along_time && lengths)) a->absent = shf_malloc(n * a->n_items + 1);
        if (!a->values || ((a->has_missing || (a->along_time && lengths)) && !a->absent))
            return shf_fail_memory(err, n * a->row_bytes, "rows");
    }
    return SHEAF_OK;
}

static void fill_columns(const shf_table_plan *plan, sheaf_column *columns)
{
    for (size_t i = 0; i < plan->n_arrays; i++) {
        const shf_table_array *a = &plan->arrays[i];
        if (a->first_column == SIZE_MAX) continue;
        size_t size = sheaf_dtype_size(a->info.dtype);
        for (size_t k = 0; k < a->n_items; k++)
            columns[a->first_column + k] = (sheaf_column){.name = plan->names[a->first_column + k],
                                                          .dtype = a->info.dtype,
                                                          .values = a->values + k * size,
                                                          .stride_bytes = a->row_bytes,
                                                          .absent = a->absent ? a->absent + k : NULL,
                                                          .absent_stride = a->n_items};
    }
}

static sheaf_status write_blocks(shf_table_plan *plan, order *o, size_t block, uint64_t *rows, const sheaf_column *columns,
                                 const shf_table_sink *sink, sheaf_error *err)
{
    const shf_table_array *lengths = find_length(plan);
    for (uint64_t position = 0; position < o->n; position += block) {
        size_t n = (size_t)shf_min_u64(block, o->n - position);
        rows_of(o, position, n, rows);
        for (size_t i = 0; i < plan->n_arrays; i++) SHF_TRY(read_block(plan, &plan->arrays[i], rows, n, err));
        for (size_t i = 0; i < plan->n_arrays; i++)
            if (plan->arrays[i].absent) mark_absent(plan, lengths, &plan->arrays[i], n);
        SHF_TRY(sink->rows(sink->context, columns, n, err));
    }
    return SHEAF_OK;
}

static sheaf_status write_table(shf_table_plan *plan, order *o, const shf_table_sink *sink, sheaf_error *err)
{
    size_t block = BLOCK_BYTES / (plan->bytes_per_row + 1);
    block = block < 1 ? 1 : block > MOST_BLOCK ? MOST_BLOCK : block;
    if (block > o->n) block = (size_t)shf_max_u64(o->n, 1);
    SHF_TRY(allocate_blocks(plan, block, err));
    uint64_t *rows = shf_malloc(block * sizeof *rows);
    sheaf_column *columns = shf_calloc(plan->n_columns, sizeof *columns);
    sheaf_status status = rows && columns ? SHEAF_OK : shf_fail_memory(err, block * sizeof *rows, "rows");
    if (status == SHEAF_OK) {
        fill_columns(plan, columns);
        status = sink->begin(sink->context, columns, plan->n_columns, err);
    }
    if (status == SHEAF_OK) status = write_blocks(plan, o, block, rows, columns, sink, err);
    shf_free(rows);
    shf_free(columns);
    return status;
}

sheaf_status shf_table_run(sheaf_store *store, const sheaf_table_spec *spec, const shf_table_sink *sink, uint64_t *n_rows, sheaf_error *err)
{
    shf_table_plan plan;
    order o = {0};
    sheaf_status status = shf_table_plan_make(store, spec, &plan, err);
    if (status == SHEAF_OK) status = make_order(&plan, spec, &o, err);
    if (status == SHEAF_OK) status = write_table(&plan, &o, sink, err);
    if (n_rows) *n_rows = status == SHEAF_OK ? o.n : 0;
    shf_id_index_free(&o.index);
    shf_table_plan_free(&plan);
    return status;
}

/* ---- as text ---- */

typedef struct text_table {
    sheaf_text text;
    sheaf_nonfinite nonfinite;
    sheaf_sink sink;
    void *context;
    sheaf_table_writer *writer;
} text_table;

static sheaf_status begin_text(void *context, const sheaf_column *columns, size_t n_columns, sheaf_error *err)
{
    text_table *t = context;
    return sheaf_table_writer_create(t->text, t->nonfinite, t->sink, t->context, columns, n_columns, &t->writer, err);
}

static sheaf_status text_rows(void *context, const sheaf_column *columns, size_t n_rows, sheaf_error *err)
{
    text_table *t = context;
    return sheaf_table_writer_rows(t->writer, columns, n_rows, err);
}

sheaf_status sheaf_table_write(sheaf_store *store, const sheaf_table_spec *spec, sheaf_text text, sheaf_sink sink, void *context,
                               uint64_t *n_rows, sheaf_error *err)
{
    if (!store || !spec || spec->size_bytes != sizeof *spec || !spec->what || !sink)
        return shf_fail(err, SHEAF_ERR_ARGUMENT, "a table needs a store, a spec (of %zu bytes) that says what, and a sink", sizeof *spec);
    if (spec->wide) return shf_fail(err, SHEAF_ERR_UNSUPPORTED, "wide tables are written as Parquet only");
    text_table t = {text, spec->nonfinite, sink, context, NULL};
    const shf_table_sink to = {begin_text, text_rows, &t};
    sheaf_status status = shf_table_run(store, spec, &to, n_rows, err);
    if (status == SHEAF_OK) status = sheaf_table_writer_close(&t.writer, err);
    sheaf_table_writer_free(&t.writer);
    return status;
}
