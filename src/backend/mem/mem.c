// SPDX-License-Identifier: Apache-2.0
/* The simplest correct back end: every array is one growing block of memory. It lives as long as its store's handle, and is the oracle that
 * the others are compared with. */
#include <pthread.h>
#include <string.h>

#include "backend/backend.h"
#include "base/alloc.h"
#include "base/checked.h"
#include "base/dtype.h"

typedef struct mem_array {
    uint8_t *rows;
    uint64_t n_rows, capacity;
} mem_array;

typedef struct mem_state {
    pthread_mutex_t mutex; /* rows move when they grow */
    const shf_layout *layout;
    mem_array *arrays;
    uint64_t written;
} mem_state;

static char *mem_sidecar(const char *path)
{
    return shf_strdup(path);
}

static sheaf_status mem_plan(shf_layout *layout, sheaf_error *err)
{
    for (size_t i = 0; i < layout->n_arrays; i++) {
        shf_array *array = &layout->arrays[i];
        if (array->codec != SHEAF_CODEC_DEFAULT && array->codec != SHEAF_CODEC_NONE)
            return shf_fail_at(err, SHEAF_ERR_UNSUPPORTED, NULL, array->name, -1, -1, "array %s: mem stores have no codec, asked for is %s",
                               array->name, sheaf_codec_name(array->codec));
        array->codec = SHEAF_CODEC_NONE;
        array->level = 0;
    }
    return SHEAF_OK;
}

static sheaf_status grow(mem_array *array, uint64_t n_rows, size_t row_bytes, const char *name, sheaf_error *err)
{
    if (n_rows <= array->capacity) return SHEAF_OK;
    uint64_t capacity = shf_max_u64(n_rows, array->capacity * 2);
    uint64_t bytes;
    uint8_t *rows = shf_mul_u64(capacity, row_bytes, &bytes) && bytes <= SIZE_MAX ? shf_realloc(array->rows, (size_t)bytes) : NULL;
    if (!rows) return shf_fail_memory(err, (size_t)(capacity * row_bytes), name);
    array->rows = rows;
    array->capacity = capacity;
    return SHEAF_OK;
}

static sheaf_status mem_put_rows(void *opaque, size_t i, uint64_t row, uint64_t n, const void *rows, sheaf_error *err)
{
    mem_state *state = opaque;
    const shf_array *info = &state->layout->arrays[i];
    mem_array *array = &state->arrays[i];
    pthread_mutex_lock(&state->mutex);
    sheaf_status status = grow(array, row + n, info->row_bytes, info->name, err);
    if (status == SHEAF_OK) {
        uint8_t *to = array->rows + row * info->row_bytes;
        if (rows) memcpy(to, rows, (size_t)n * info->row_bytes);
        else shf_dtype_fill(info->dtype, to, (size_t)n * info->row_bytes / info->item_size);
        array->n_rows = row + n;
        state->written += n * info->row_bytes;
    }
    pthread_mutex_unlock(&state->mutex);
    return status;
}

static sheaf_status mem_close(void *opaque, sheaf_error *err)
{
    (void)err;
    mem_state *state = opaque;
    for (size_t i = 0; state->arrays && i < state->layout->n_arrays; i++) shf_free(state->arrays[i].rows);
    pthread_mutex_destroy(&state->mutex);
    shf_free(state->arrays);
    shf_free(state);
    return SHEAF_OK;
}

static sheaf_status mem_create(const char *path, shf_layout *layout, const shf_backend_options *options, void **out, sheaf_error *err)
{
    (void)path;
    (void)options;
    mem_state *state = shf_calloc(1, sizeof *state);
    if (!state) return shf_fail_memory(err, sizeof *state, "a store in memory");
    pthread_mutex_init(&state->mutex, NULL);
    state->layout = layout;
    state->arrays = shf_calloc(layout->n_arrays, sizeof *state->arrays);
    sheaf_status status = state->arrays ? SHEAF_OK : shf_fail_memory(err, sizeof *state->arrays, "a store in memory");
    for (size_t i = 0; status == SHEAF_OK && i < layout->n_arrays; i++)
        if (layout->arrays[i].record < 0) status = mem_put_rows(state, i, 0, layout->arrays[i].shape[0], layout->arrays[i].values, err);
    if (status != SHEAF_OK) {
        (void)mem_close(state, NULL);
        return status;
    }
    *out = state;
    return SHEAF_OK;
}

static sheaf_status mem_open(const char *path, const shf_backend_options *options, shf_layout *layout, void **state, sheaf_error *err)
{
    (void)options;
    (void)layout;
    (void)state;
    return shf_fail_at(err, SHEAF_ERR_NOT_FOUND, path, NULL, -1, -1, "%s: a store in memory ends with its handle", path);
}

static sheaf_status mem_nothing(void *state, sheaf_error *err)
{
    (void)state;
    (void)err;
    return SHEAF_OK;
}

static sheaf_status mem_get_rows(void *opaque, size_t i, uint64_t row, uint64_t n_rows, size_t offset, size_t n_bytes, void *out,
                                 sheaf_error *err)
{
    mem_state *state = opaque;
    const shf_array *info = &state->layout->arrays[i];
    pthread_mutex_lock(&state->mutex);
    sheaf_status status = SHEAF_OK;
    if (row + n_rows > state->arrays[i].n_rows)
        status = shf_fail(err, SHEAF_ERR_RANGE, "array %s has no row %llu", info->name, (unsigned long long)(row + n_rows));
    for (uint64_t r = 0; status == SHEAF_OK && r < n_rows; r++)
        memcpy((uint8_t *)out + r * n_bytes, state->arrays[i].rows + (row + r) * info->row_bytes + offset, n_bytes);
    pthread_mutex_unlock(&state->mutex);
    return status;
}

static sheaf_status mem_map(void *opaque, size_t i, const void **data, uint64_t *n_rows, sheaf_error *err)
{
    (void)err;
    mem_state *state = opaque;
    *data = state->arrays[i].rows;
    *n_rows = shf_array_rows(state->layout, &state->layout->arrays[i]);
    return SHEAF_OK;
}

static sheaf_status mem_usage(void *opaque, uint64_t *allocated_bytes, uint64_t *written_bytes, sheaf_error *err)
{
    (void)err;
    const mem_state *state = opaque;
    *allocated_bytes = state->written;
    *written_bytes = state->written;
    return SHEAF_OK;
}

static sheaf_status mem_array_bytes(void *opaque, size_t i, uint64_t *stored_bytes, sheaf_error *err)
{
    (void)err;
    const mem_state *state = opaque;
    *stored_bytes = state->arrays[i].n_rows * state->layout->arrays[i].row_bytes;
    return SHEAF_OK;
}

static sheaf_status mem_remove(const char *path, sheaf_error *err)
{
    return shf_fail_at(err, SHEAF_ERR_NOT_FOUND, path, NULL, -1, -1, "%s: a store in memory ends with its handle", path);
}

static const char *const g_no_suffix[] = {NULL};

const shf_backend_ops shf_mem_ops = {
    .name = "mem",
    .suffixes = g_no_suffix,
    .flags = SHF_BACKEND_ROWS | SHF_BACKEND_VOLATILE,
    .sidecar = mem_sidecar,
    .plan = mem_plan,
    .create = mem_create,
    .open = mem_open,
    .put_rows = mem_put_rows,
    .publish = mem_nothing,
    .get_rows = mem_get_rows,
    .map = mem_map,
    .refresh = mem_nothing,
    .sync = mem_nothing,
    .usage = mem_usage,
    .array_bytes = mem_array_bytes,
    .remove = mem_remove,
    .close = mem_close,
};
