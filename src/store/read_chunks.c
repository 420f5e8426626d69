// SPDX-License-Identifier: Apache-2.0
/* Reading from chunks. Rows that are held raw and chunks that are cached are copied at once; the chunks that must be decoded are gathered, so
 * that several threads can share them: each writes its own elements of the output. */
#include <string.h>

#include "base/alloc.h"
#include "base/checked.h"
#include "base/dtype.h"
#include "store/read.h"

/* So many chunks are gathered before they are decoded. */
#define MAX_TASKS 64u
/* Of a read of more chunks than these only those are kept that were asked for before: it may be the only one of its kind. */
#define FEW_TASKS 8u

typedef struct read_task {
    shf_part parts[SHEAF_MAX_NDIM];
    uint64_t column, rows_needed;
} read_task;

typedef struct shf_read_tasks {
    shf_read *job;
    shf_pool *pool; /* made when first there is enough to share */
    _Atomic size_t next;
    pthread_mutex_t mutex; /* guards the next three */
    sheaf_status status;   /* of the first task in order that failed */
    size_t n_sound;        /* its number */
    sheaf_error error;
    size_t n;
    read_task items[MAX_TASKS];
} read_tasks;

/* ---- rows that are held raw ---- */

static void copy_from_rows(const shf_read *job, const shf_part *rows, const uint8_t *block_rows)
{
    shf_part parts[SHEAF_MAX_NDIM];
    size_t stride[SHEAF_MAX_NDIM];
    shf_read_strides(job->array, job->array->shape, stride);
    parts[0] = *rows;
    for (int axis = 1; axis < job->array->ndim; axis++) shf_read_whole(&job->axes[axis], &parts[axis]);
    shf_copy_parts(job->array->ndim, parts, block_rows, stride, job->out, job->out_stride, job->array->item_size);
}

/* Rows that the slab holds; the mutex held. *rest: what is left for the stored chunk. */
static void take_from_slab(shf_read *job, const shf_part *rows, shf_part *rest)
{
    const shf_slab *slab = shf_slab_find(job->store, job->i, rows->chunk);
    *rest = *rows;
    job->chunk_end = job->rows;
    if (!slab) return;
    shf_part held;
    job->chunk_end = slab->first_row;
    shf_part_split(rows, slab->first_row, rest, &held);
    copy_from_rows(job, &held, slab->rows);
}

/* ---- stored chunks ---- */

static sheaf_status load_chunk(const shf_read *job, shf_scratch *scratch, const read_task *task, void *to, sheaf_error *err)
{
    sheaf_store *store = job->store;
    const shf_array *array = job->array;
    const uint64_t block = task->parts[0].chunk;
    uint32_t mask = 0;
    bool absent = false;
    sheaf_status status = store->ops->get(store->state, job->i, block, task->column, &scratch->encoded, &mask, &absent, err);
    if (status == SHEAF_OK && absent) {
        shf_dtype_fill(array->dtype, to, array->chunk_bytes / array->item_size);
        return SHEAF_OK;
    }
    if (status == SHEAF_OK)
        status = store->ops->decode(&scratch->codec, array, scratch->encoded.data, scratch->encoded.size, mask, to, err);
    if (status == SHEAF_OK) atomic_fetch_add(&store->n_chunks_decoded, 1);
    if (status != SHEAF_OK) shf_error_locate(err, store->path, array->name, (int64_t)(block * array->chunk[0]), -1);
    return status;
}

/* Whether the parts are a whole chunk that lies in one piece in the output. */
static bool is_direct(const shf_read *job, const shf_part *parts)
{
    const shf_array *array = job->array;
    if (array->n_columns != 1 || parts[0].picks || parts[0].step != 1 || parts[0].count != array->chunk[0]) return false;
    for (int axis = 1; axis < array->ndim; axis++) {
        bool all = !parts[axis].picks && parts[axis].step == 1 && parts[axis].count == array->shape[axis] &&
                   array->chunk[axis] == array->shape[axis];
        if (!all) return false;
    }
    return true;
}

static void copy_from_chunk(const shf_read *job, const shf_part *parts, const uint8_t *chunk)
{
    size_t stride[SHEAF_MAX_NDIM];
    shf_read_strides(job->array, job->array->chunk, stride);
    shf_copy_parts(job->array->ndim, parts, chunk, stride, job->out, job->out_stride, job->array->item_size);
}

/* Decoded into memory that is at hand, and not kept. */
static sheaf_status pass_through(const shf_read *job, shf_scratch *scratch, const read_task *task, sheaf_error *err)
{
    uint8_t *chunk = shf_scratch_chunk(scratch, job->array->chunk_bytes);
    if (!chunk) return shf_fail_memory(err, job->array->chunk_bytes, job->array->name);
    SHF_TRY(load_chunk(job, scratch, task, chunk, err));
    copy_from_chunk(job, task->parts, chunk);
    return SHEAF_OK;
}

static sheaf_status run_task(const shf_read *job, shf_scratch *scratch, const read_task *task, sheaf_error *err)
{
    const shf_array *array = job->array;
    sheaf_store *store = job->store;
    if (is_direct(job, task->parts)) return load_chunk(job, scratch, task, job->out + task->parts[0].out0 * job->out_stride[0], err);
    bool keep =
        job->tasks->n <= FEW_TASKS || shf_cache_wants(&store->cache, job->i, task->parts[0].chunk, task->column, array->chunk_bytes);
    if (!keep) return pass_through(job, scratch, task, err);
    shf_cached *chunk = shf_cache_new(job->i, task->parts[0].chunk, task->column, task->rows_needed, array->chunk_bytes);
    if (!chunk) return shf_fail_memory(err, array->chunk_bytes, array->name);
    sheaf_status status = load_chunk(job, scratch, task, chunk->data, err);
    if (status == SHEAF_OK) {
        shf_cache_insert(&store->cache, chunk);
        copy_from_chunk(job, task->parts, chunk->data);
    }
    shf_cache_release(&store->cache, chunk);
    return status;
}

static void task_failed(read_tasks *tasks, size_t k, sheaf_status status, const sheaf_error *error)
{
    pthread_mutex_lock(&tasks->mutex);
    if (tasks->status == SHEAF_OK || k < tasks->n_sound) {
        tasks->status = status;
        tasks->n_sound = k;
        tasks->error = *error;
    }
    pthread_mutex_unlock(&tasks->mutex);
    atomic_store(&tasks->next, MAX_TASKS);
}

/* Takes the next task until none is left or one has failed. */
static void run_tasks(void *context)
{
    read_tasks *tasks = context;
    const shf_read *job = tasks->job;
    shf_scratch *scratch = shf_scratch_take(&job->store->scratches);
    for (size_t k; (k = atomic_fetch_add(&tasks->next, 1)) < tasks->n;) {
        sheaf_error error;
        sheaf_status status =
            scratch ? run_task(job, scratch, &tasks->items[k], &error) : shf_fail_memory(&error, sizeof *scratch, job->array->name);
        if (status != SHEAF_OK) task_failed(tasks, k, status, &error);
    }
    shf_scratch_give(&job->store->scratches, scratch);
}

/* Threads that help the calling one; none when they cannot be made. */
static unsigned helpers(read_tasks *tasks)
{
    const sheaf_store *store = tasks->job->store;
    unsigned wanted = (unsigned)shf_min_u64(store->options.n_threads, MAX_TASKS);
    if (tasks->n < 2 || wanted == 0 || tasks->n * tasks->job->array->chunk_bytes < SHF_MIN_SHARED_BYTES) return 0;
    if (!tasks->pool && shf_pool_create(wanted, wanted, &tasks->pool, NULL) != SHEAF_OK) return 0;
    return (unsigned)shf_min_u64(wanted, tasks->n - 1);
}

/* Decodes what was gathered. Of several failures the first in order is told (of those that were met: one ends the others). */
static sheaf_status flush(read_tasks *tasks, sheaf_error *err)
{
    unsigned n_helpers = helpers(tasks);
    atomic_store(&tasks->next, 0);
    for (unsigned i = 0; i < n_helpers; i++) shf_pool_submit(tasks->pool, run_tasks, tasks);
    run_tasks(tasks);
    if (n_helpers) shf_pool_wait(tasks->pool);
    tasks->n = 0;
    if (tasks->status != SHEAF_OK && err) *err = tasks->error;
    return tasks->status;
}

static sheaf_status take_from_chunk(shf_read *job, const shf_part *parts, sheaf_error *err)
{
    const shf_array *array = job->array;
    read_tasks *tasks = job->tasks;
    uint64_t column = 0, block = parts[0].chunk;
    for (int axis = 1; axis < array->ndim; axis++) column = column * array->column_grid[axis] + parts[axis].chunk;
    /* Rows of the block that must be in a chunk for it to be of use: a partial chunk grows with the checkpoints. */
    uint64_t needed = shf_min_u64(job->chunk_end - block * array->chunk[0], array->chunk[0]);
    shf_cached *chunk = is_direct(job, parts) ? NULL : shf_cache_find(&job->store->cache, job->i, block, column, needed);
    if (chunk) {
        copy_from_chunk(job, parts, chunk->data);
        shf_cache_release(&job->store->cache, chunk);
        return SHEAF_OK;
    }
    read_task *task = &tasks->items[tasks->n++];
    memcpy(task->parts, parts, (size_t)array->ndim * sizeof *parts);
    task->column = column;
    task->rows_needed = needed;
    return tasks->n == MAX_TASKS ? flush(tasks, err) : SHEAF_OK;
}

/* All chunks of one row block, axis by axis. */
static sheaf_status take_from_block(shf_read *job, int axis, shf_part *parts, sheaf_error *err)
{
    if (axis == job->array->ndim) return take_from_chunk(job, parts, err);
    for (uint64_t at = 0; shf_axis_next(&job->axes[axis], &at, &parts[axis]);) SHF_TRY(take_from_block(job, axis + 1, parts, err));
    return SHEAF_OK;
}

static sheaf_status take_blocks(shf_read *job, sheaf_error *err)
{
    shf_part parts[SHEAF_MAX_NDIM];
    for (uint64_t at = 0; shf_axis_next(&job->axes[0], &at, &parts[0]);) {
        shf_part rest = parts[0];
        job->chunk_end = job->rows;
        if (job->array->record >= 0) {
            pthread_mutex_lock(&job->store->mutex);
            take_from_slab(job, &parts[0], &rest);
            pthread_mutex_unlock(&job->store->mutex);
        }
        parts[0] = rest;
        if (rest.count) SHF_TRY(take_from_block(job, 1, parts, err));
    }
    return flush(job->tasks, err);
}

sheaf_status shf_read_chunks(shf_read *job, sheaf_error *err)
{
    job->tasks = shf_malloc(sizeof *job->tasks);
    if (!job->tasks) return shf_fail_memory(err, sizeof *job->tasks, "reading");
    job->tasks->job = job;
    job->tasks->pool = NULL;
    job->tasks->status = SHEAF_OK;
    job->tasks->n = 0;
    pthread_mutex_init(&job->tasks->mutex, NULL);
    sheaf_status status = take_blocks(job, err);
    shf_pool_free(job->tasks->pool);
    pthread_mutex_destroy(&job->tasks->mutex);
    shf_free(job->tasks);
    return status;
}
