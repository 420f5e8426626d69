// SPDX-License-Identifier: Apache-2.0
#include "ensemble/feed.h"

#include <math.h>
#include <string.h>

#include <jansson.h>

#include "base/alloc.h"
#include "base/checked.h"
#include "base/dtype.h"

enum { BLOCK_BYTES = 4 << 20 };

static sheaf_status read_attributes(sheaf_store *store, const char *array, json_t **out, sheaf_error *err)
{
    char *text;
    SHF_TRY(sheaf_store_attributes(store, array, &text, err));
    *out = json_loads(text, 0, NULL);
    sheaf_string_free(text);
    return *out ? SHEAF_OK : shf_fail_at(err, SHEAF_ERR_DAMAGED, sheaf_store_path(store), array, -1, -1, "attributes are no JSON");
}

static sheaf_status read_about(shf_feed *f, sheaf_error *err)
{
    json_t *j;
    SHF_TRY(read_attributes(f->store, f->info.name, &j, err));
    const json_t *missing = json_object_get(j, "missing_value");
    if (json_is_array(missing)) missing = json_array_get(missing, 0);
    f->has_missing = json_is_number(missing);
    f->missing = json_number_value(missing);
    json_decref(j);
    SHF_TRY(read_attributes(f->store, NULL, &j, err));
    const char *kind = json_string_value(json_object_get(j, "sheaf_kind"));
    const json_t *interval = json_object_get(j, "sheaf_interval");
    f->skip_nan = kind && strcmp(kind, "steps") == 0;
    f->interval = json_is_number(interval) && json_number_value(interval) >= 1 ? (uint64_t)json_number_value(interval) : 1;
    json_decref(j);
    return SHEAF_OK;
}

sheaf_status shf_feed_open(sheaf_store *store, const char *array, bool by_time, shf_feed *f, sheaf_error *err)
{
    sheaf_array_info length;
    memset(f, 0, sizeof *f);
    f->store = store;
    f->block_bytes = BLOCK_BYTES;
    f->by_time = by_time;
    SHF_TRY(sheaf_store_array(store, array, &f->info, err));
    SHF_TRY(read_about(f, err));
    int time_axis = -1;
    for (int i = 0; i < f->info.ndim && time_axis < 0; i++)
        if (strcmp(f->info.dimensions[i], "time") == 0) time_axis = i;
    bool trajectories = f->info.grows && strcmp(f->info.dimensions[0], "trajectory") == 0;
    f->has_lengths = trajectories && time_axis == 1 && sheaf_store_array(store, "length", &length, NULL) == SHEAF_OK && length.ndim == 1 &&
                     strcmp(length.dimensions[0], "trajectory") == 0;
    if (by_time && time_axis != 0 && time_axis != 1)
        return shf_fail_at(err, SHEAF_ERR_ARGUMENT, sheaf_store_path(store), array, -1, -1, "array \"%s\" has no time axis", array);
    f->time_axis = by_time || f->has_lengths ? time_axis : -1;
    f->n_groups = by_time ? f->info.shape[time_axis] : 1;
    f->per_step = 1;
    for (int i = 1; i < f->info.ndim; i++)
        if (i != f->time_axis) f->per_step *= (size_t)f->info.shape[i];
    return SHEAF_OK;
}

typedef struct block {
    const shf_feed *f;
    uint64_t first_group, n_steps; /* selected steps of axis 1, or 1 */
    size_t row_items;
    uint8_t *raw;
    double *values, *gathered;
    int32_t *lengths;
    uint64_t n_rows; /* that fit */
} block;

static void block_free(block *b)
{
    shf_free(b->raw);
    shf_free(b->values);
    shf_free(b->gathered);
    shf_free(b->lengths);
}

static sheaf_status block_make(block *b, sheaf_error *err)
{
    const shf_feed *f = b->f;
    size_t row_bytes;
    b->row_items = f->per_step * (size_t)b->n_steps;
    if (!shf_mul_size(b->row_items, sizeof(double) * 3, &row_bytes)) return shf_fail_memory(err, SIZE_MAX, "a row");
    b->n_rows = shf_max_u64(1, f->block_bytes / (row_bytes + 1));
    size_t items = b->row_items * (size_t)b->n_rows;
    b->raw = shf_malloc_aligned(items * sheaf_dtype_size(f->info.dtype) + 1);
    b->values = shf_malloc_aligned(items * sizeof *b->values + 1);
    b->gathered = shf_malloc_aligned(items * sizeof *b->gathered + 1);
    b->lengths = shf_malloc((size_t)b->n_rows * sizeof *b->lengths);
    if (b->raw && b->values && b->gathered && b->lengths) return SHEAF_OK;
    return shf_fail_memory(err, items * sizeof *b->values, "values");
}

static sheaf_status read_rows(const block *b, uint64_t row, uint64_t n, sheaf_error *err)
{
    const shf_feed *f = b->f;
    sheaf_selection s[SHEAF_MAX_NDIM];
    for (int i = 0; i < SHEAF_MAX_NDIM; i++) s[i] = sheaf_select_all();
    s[0] = sheaf_select_range(row, row + n, 1);
    if (f->time_axis == 1) s[1] = sheaf_select_range(b->first_group, b->first_group + b->n_steps, 1);
    size_t items = b->row_items * (size_t)n;
    SHF_TRY(sheaf_store_read(f->store, f->info.name, s, b->raw, items * sheaf_dtype_size(f->info.dtype), err));
    shf_dtype_convert(f->info.dtype, b->raw, SHEAF_F64, b->values, items);
    if (!f->has_lengths) return SHEAF_OK;
    return sheaf_store_read(f->store, "length", s, b->lengths, (size_t)n * sizeof *b->lengths, err);
}

/* The values of one step of the block's rows that are there. */
static size_t gather(const block *b, uint64_t n_rows, uint64_t step)
{
    const shf_feed *f = b->f;
    size_t n = 0;
    for (uint64_t row = 0; row < n_rows; row++) {
        if (f->has_lengths && (int64_t)((b->first_group + step) * f->interval) >= b->lengths[row]) continue;
        const double *x = b->values + (size_t)row * b->row_items + (size_t)step * f->per_step;
        for (size_t i = 0; i < f->per_step; i++)
            if (!(f->has_missing && x[i] == f->missing) && !(f->skip_nan && isnan(x[i]))) b->gathered[n++] = x[i];
    }
    return n;
}

/* All values of the block that are there, row by row: one group. */
static size_t gather_rows(const block *b, uint64_t first, uint64_t n_rows)
{
    const shf_feed *f = b->f;
    size_t n = 0;
    for (uint64_t row = first; row < first + n_rows; row++) {
        uint64_t steps = b->n_steps;
        if (f->has_lengths) steps = shf_min_u64(steps, shf_ceil_div(b->lengths[row] > 0 ? (uint64_t)b->lengths[row] : 0, f->interval));
        const double *x = b->values + (size_t)row * b->row_items;
        for (size_t i = 0; i < (size_t)steps * f->per_step; i++)
            if (!(f->has_missing && x[i] == f->missing) && !(f->skip_nan && isnan(x[i]))) b->gathered[n++] = x[i];
    }
    return n;
}

/* Rows are steps: each row is a group. */
static sheaf_status run_rows(block *b, uint64_t first, uint64_t n, shf_take take, void *context, sheaf_error *err)
{
    b->n_rows = shf_min_u64(b->n_rows, n);
    for (uint64_t row = first; row < first + n; row += b->n_rows) {
        uint64_t count = shf_min_u64(b->n_rows, first + n - row);
        SHF_TRY(read_rows(b, row, count, err));
        for (uint64_t i = 0; i < count; i++) SHF_TRY(take(context, row + i, b->gathered, gather_rows(b, i, 1), err));
    }
    return SHEAF_OK;
}

static sheaf_status run_blocks(block *b, uint64_t first, shf_take take, void *context, sheaf_error *err)
{
    uint64_t rows = b->f->info.shape[0];
    bool by_time = b->f->by_time;
    for (uint64_t row = 0; row < rows; row += b->n_rows) {
        uint64_t count = shf_min_u64(b->n_rows, rows - row);
        SHF_TRY(read_rows(b, row, count, err));
        if (!by_time) SHF_TRY(take(context, 0, b->gathered, gather_rows(b, 0, count), err));
        for (uint64_t step = 0; by_time && step < b->n_steps; step++)
            SHF_TRY(take(context, first + step, b->gathered, gather(b, count, step), err));
    }
    return SHEAF_OK;
}

sheaf_status shf_feed_run(const shf_feed *f, uint64_t first, uint64_t n, shf_take take, void *context, sheaf_error *err)
{
    block b = {.f = f, .first_group = 0, .n_steps = 1};
    if (f->time_axis == 1) b.n_steps = f->by_time ? n : f->info.shape[1];
    if (f->time_axis == 1 && f->by_time) b.first_group = first;
    bool by_row = f->by_time && f->time_axis == 0;
    sheaf_status status = block_make(&b, err);
    if (status == SHEAF_OK) status = by_row ? run_rows(&b, first, n, take, context, err) : run_blocks(&b, first, take, context, err);
    block_free(&b);
    return status;
}
