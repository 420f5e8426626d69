// SPDX-License-Identifier: Apache-2.0
/* Reading any selection: for each row block touched, rows that are still held raw come from the slab, the others from stored chunks (or rows). */
#include <string.h>

#include "base/alloc.h"
#include "base/checked.h"
#include "base/dtype.h"
#include "store/read.h"

/* Rows of an in-place back end that are read at once when not all of them, or not all of each, are wanted. */
#define BATCH_BYTES ((uint64_t)256 << 10)

void shf_read_strides(const shf_array *array, const uint64_t *shape, size_t *stride)
{
    size_t bytes = array->item_size;
    for (int axis = array->ndim - 1; axis >= 0; axis--) {
        stride[axis] = bytes;
        bytes *= (size_t)shape[axis];
    }
}

void shf_read_whole(const shf_axis *axis, shf_part *part)
{
    *part = (shf_part){.count = axis->count, .in0 = axis->start, .step = axis->step, .picks = axis->picks};
}

/* ---- rows in place ---- */

/* Bytes of a row from the first to the last element that is wanted. */
static void row_span(const shf_read *job, size_t *offset, size_t *n_bytes)
{
    const shf_array *array = job->array;
    size_t stride[SHEAF_MAX_NDIM], low = 0, high = array->item_size;
    shf_read_strides(array, array->shape, stride);
    for (int axis = 1; axis < array->ndim; axis++) {
        const shf_axis *a = &job->axes[axis];
        uint64_t first = a->picks ? a->picks[0].index : a->start;
        uint64_t last = a->picks ? a->picks[a->count - 1].index : a->start + (a->count - 1) * a->step;
        low += (size_t)first * stride[axis];
        high += (size_t)last * stride[axis];
    }
    *offset = low;
    *n_bytes = high - low;
}

/* n_rows rows from `row` on, all in the part `rows` by step 1, through a buffer that holds only the span of each row. */
static sheaf_status take_span(shf_read *job, const shf_part *rows, uint64_t row, size_t offset, size_t span, uint8_t *buffer,
                              sheaf_error *err)
{
    const shf_array *array = job->array;
    sheaf_store *store = job->store;
    SHF_TRY(store->ops->get_rows(store->state, job->i, row, rows->count, offset, span, buffer, err));
    shf_part parts[SHEAF_MAX_NDIM];
    size_t stride[SHEAF_MAX_NDIM];
    shf_read_strides(array, array->shape, stride);
    stride[0] = span;
    parts[0] = *rows;
    parts[0].in0 = 0;
    parts[0].step = 1;
    if (rows->picks) { /* a single pick */
        parts[0].out0 = rows->picks[0].out;
        parts[0].picks = NULL;
    }
    for (int axis = 1; axis < array->ndim; axis++) shf_read_whole(&job->axes[axis], &parts[axis]);
    /* The span begins at `offset`: element addresses below count from there. */
    uintptr_t begin = (uintptr_t)buffer - offset;
    shf_copy_parts(array->ndim, parts, (const uint8_t *)begin, stride, job->out, job->out_stride, array->item_size);
    return SHEAF_OK;
}

static sheaf_status take_rows_in_place(shf_read *job, const shf_part *rows, sheaf_error *err)
{
    const shf_array *array = job->array;
    size_t offset, span;
    row_span(job, &offset, &span);
    if (rows->count == 0) return SHEAF_OK;
    bool run = !rows->picks && rows->step == 1;
    uint64_t batch = run ? shf_max_u64(1, BATCH_BYTES / span) : 1;
    uint8_t *buffer = shf_malloc((size_t)shf_min_u64(batch, rows->count) * span);
    if (!buffer) return shf_fail_memory(err, span, array->name);
    sheaf_status status = SHEAF_OK;
    for (uint64_t done = 0; status == SHEAF_OK && done < rows->count; done += batch) {
        shf_part part = *rows;
        part.count = shf_min_u64(batch, rows->count - done);
        if (rows->picks) part.picks = rows->picks + done;
        part.out0 = rows->out0 + done;
        status = take_span(job, &part, rows->begin + shf_part_in(rows, done), offset, span, buffer, err);
    }
    shf_free(buffer);
    return status;
}

static bool all_columns(const shf_read *job)
{
    for (int axis = 1; axis < job->array->ndim; axis++) {
        const shf_axis *a = &job->axes[axis];
        if (a->picks || a->step != 1 || a->count != a->length) return false;
    }
    return true;
}

static sheaf_status read_in_place(shf_read *job, sheaf_error *err)
{
    sheaf_store *store = job->store;
    const shf_axis *rows = &job->axes[0];
    if (!rows->picks && rows->step == 1 && all_columns(job))
        return store->ops->get_rows(store->state, job->i, rows->start, rows->count, 0, job->array->row_bytes, job->out, err);
    shf_part part;
    for (uint64_t at = 0; shf_axis_next(rows, &at, &part);) SHF_TRY(take_rows_in_place(job, &part, err));
    return SHEAF_OK;
}

uint64_t shf_store_rows(const sheaf_store *store, const shf_array *array)
{
    return shf_array_rows(&store->layout, array);
}

static sheaf_status make_axes(shf_read *job, sheaf_store *store, const char *name, const sheaf_selection *selections, uint64_t *count,
                              sheaf_error *err)
{
    memset(job, 0, sizeof *job);
    if (!store || !name) return shf_fail(err, SHEAF_ERR_ARGUMENT, "reading: the store or the array's name is NULL");
    int i = shf_layout_find(&store->layout, name);
    if (i < 0) return shf_fail_at(err, SHEAF_ERR_NOT_FOUND, store->path, name, -1, -1, "%s has no array %.80s", store->path, name);
    job->store = store;
    job->i = (size_t)i;
    job->array = &store->layout.arrays[i];
    pthread_mutex_lock(&store->mutex);
    job->rows = shf_store_rows(store, job->array);
    pthread_mutex_unlock(&store->mutex);
    *count = 1;
    for (int axis = 0; axis < job->array->ndim; axis++) {
        uint64_t length = axis ? job->array->shape[axis] : job->rows;
        sheaf_status status =
            shf_axis_make(&job->axes[axis], selections ? &selections[axis] : NULL, length, job->array->chunk[axis], axis, err);
        if (status == SHEAF_OK && !shf_mul_u64(*count, job->axes[axis].count, count))
            status = shf_fail(err, SHEAF_ERR_RANGE, "the selection is too large");
        if (status != SHEAF_OK) {
            shf_error_locate(err, store->path, name, -1, -1);
            return status;
        }
    }
    return SHEAF_OK;
}

static void free_job(shf_read *job)
{
    for (int axis = 0; axis < SHEAF_MAX_NDIM; axis++) shf_axis_free(&job->axes[axis]);
}

sheaf_status sheaf_store_count(sheaf_store *store, const char *array, const sheaf_selection *selections, uint64_t *n_elements,
                               sheaf_error *err)
{
    shf_read job;
    uint64_t count = 0;
    if (!n_elements) return shf_fail(err, SHEAF_ERR_ARGUMENT, "sheaf_store_count: n_elements is NULL");
    sheaf_status status = make_axes(&job, store, array, selections, &count, err);
    if (status == SHEAF_OK) *n_elements = count;
    free_job(&job);
    return status;
}

sheaf_status sheaf_store_read(sheaf_store *store, const char *array, const sheaf_selection *selections, void *out, size_t out_size_bytes,
                              sheaf_error *err)
{
    shf_read job;
    uint64_t count = 0, bytes = 0;
    sheaf_status status = make_axes(&job, store, array, selections, &count, err);
    if (status == SHEAF_OK && (!shf_mul_u64(count, job.array->item_size, &bytes) || bytes != out_size_bytes))
        status = shf_fail_at(err, SHEAF_ERR_MISMATCH, store->path, array, -1, -1, "reading %s: expected room for %llu bytes, got %zu",
                             array, (unsigned long long)bytes, out_size_bytes);
    if (status == SHEAF_OK && count && !out) status = shf_fail(err, SHEAF_ERR_ARGUMENT, "sheaf_store_read: out is NULL");
    if (status == SHEAF_OK && count) {
        uint64_t shape[SHEAF_MAX_NDIM];
        for (int axis = 0; axis < job.array->ndim; axis++) shape[axis] = job.axes[axis].count;
        shf_read_strides(job.array, shape, job.out_stride);
        job.out = out;
        status = shf_store_by_rows(store) ? read_in_place(&job, err) : shf_read_chunks(&job, err);
    }
    free_job(&job);
    return status;
}

sheaf_status sheaf_store_map(sheaf_store *store, const char *array, const void **data, uint64_t *n_rows, sheaf_error *err)
{
    if (!store || !array || !data || !n_rows) return shf_fail(err, SHEAF_ERR_ARGUMENT, "sheaf_store_map: NULL");
    int i = shf_layout_find(&store->layout, array);
    if (i < 0) return shf_fail_at(err, SHEAF_ERR_NOT_FOUND, store->path, array, -1, -1, "%s has no array %.80s", store->path, array);
    if (!store->ops->map)
        return shf_fail_at(err, SHEAF_ERR_UNSUPPORTED, store->path, array, -1, -1, "%s stores cannot be mapped", store->ops->name);
    pthread_mutex_lock(&store->mutex);
    sheaf_status status = store->ops->map(store->state, (size_t)i, data, n_rows, err);
    pthread_mutex_unlock(&store->mutex);
    return status;
}
