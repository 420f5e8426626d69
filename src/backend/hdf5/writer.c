// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "backend/hdf5/filters.h"
#include "backend/hdf5/state.h"
#include "base/alloc.h"
#include "base/checked.h"
#include "base/dtype.h"

sheaf_status shf_h5_plan(shf_layout *layout, sheaf_error *err)
{
    for (size_t i = 0; i < layout->n_arrays; i++) {
        shf_array *array = &layout->arrays[i];
        if (array->codec == SHEAF_CODEC_DEFAULT) array->codec = SHEAF_CODEC_GZIP;
        if (array->codec != SHEAF_CODEC_GZIP && array->codec != SHEAF_CODEC_NONE)
            return shf_fail_at(err, SHEAF_ERR_UNSUPPORTED, NULL, array->name, -1, -1,
                               "array %s: HDF5 has no codec %s here, only gzip and none", array->name, sheaf_codec_name(array->codec));
        if (array->codec == SHEAF_CODEC_GZIP && array->level == 0) array->level = 1;
        if (array->level < 0 || array->level > 9)
            return shf_fail_at(err, SHEAF_ERR_ARGUMENT, NULL, array->name, -1, -1, "array %s: level %d is not within 1 and 9", array->name,
                               array->level);
        /* HDF5 allows no chunk beyond a dimension that does not grow */
        for (int axis = array->record >= 0 ? 1 : 0; axis < array->ndim; axis++)
            if (array->chunk[axis] > array->shape[axis]) array->chunk[axis] = array->shape[axis];
    }
    return shf_layout_finish(layout, err);
}

/* One chunk out of the whole content of a fixed array; what lies beyond the array stays as it is. */
static void cut_chunk(const shf_array *array, uint64_t block, uint64_t column, uint8_t *chunk)
{
    uint64_t at[SHEAF_MAX_NDIM], count[SHEAF_MAX_NDIM], in[SHEAF_MAX_NDIM] = {0};
    shf_array_column(array, column, at);
    at[0] = block;
    for (int axis = 0; axis < array->ndim; axis++) {
        at[axis] *= array->chunk[axis];
        count[axis] = shf_min_u64(array->chunk[axis], array->shape[axis] - at[axis]);
    }
    int last = array->ndim - 1;
    for (;;) {
        uint64_t from = 0, to = 0;
        for (int axis = 0; axis < array->ndim; axis++) {
            from = from * array->shape[axis] + at[axis] + in[axis];
            to = to * array->chunk[axis] + in[axis];
        }
        memcpy(chunk + to * array->item_size, (const uint8_t *)array->values + from * array->item_size, count[last] * array->item_size);
        int axis = last - 1;
        while (axis >= 0 && ++in[axis] == count[axis]) in[axis--] = 0;
        if (axis < 0) return;
    }
}

static sheaf_status write_chunk(shf_h5_state *state, size_t i, uint64_t block, uint64_t column, uint8_t *chunk, shf_buf *encoded,
                                sheaf_error *err)
{
    const shf_array *array = &state->layout->arrays[i];
    shf_place place = {0};
    shf_dtype_fill(array->dtype, chunk, array->chunk_bytes / array->item_size);
    cut_chunk(array, block, column, chunk);
    SHF_TRY(shf_h5_encode(NULL, array, chunk, encoded, &place.mask, err));
    return shf_h5_put(state, i, block, column, encoded->data, encoded->size, &place, err);
}

static sheaf_status write_array(shf_h5_state *state, size_t i, sheaf_error *err)
{
    const shf_array *array = &state->layout->arrays[i];
    if (array->record >= 0 || !array->values) return SHEAF_OK;
    uint8_t *chunk = shf_malloc_aligned(array->chunk_bytes);
    if (!chunk) return shf_fail_memory(err, array->chunk_bytes, array->name);
    shf_buf encoded = {0};
    sheaf_status status = SHEAF_OK;
    uint64_t n_blocks = shf_ceil_div(array->shape[0], array->chunk[0]);
    for (uint64_t k = 0; status == SHEAF_OK && k < n_blocks * array->n_columns; k++)
        status = write_chunk(state, i, k / array->n_columns, k % array->n_columns, chunk, &encoded, err);
    shf_buf_free(&encoded);
    shf_free(chunk);
    return status;
}

sheaf_status shf_h5_write_fixed(shf_h5_state *state, sheaf_error *err)
{
    for (size_t i = 0; i < state->n_arrays; i++) SHF_TRY(write_array(state, i, err));
    return SHEAF_OK;
}

sheaf_status shf_h5_moved(void *opaque, const char *path, sheaf_error *err)
{
    shf_h5_state *state = opaque;
    char *copy = shf_strdup(path);
    if (!copy) return shf_fail_memory(err, strlen(path), "a store's path");
    shf_free(state->path);
    state->path = copy;
    return shf_file_moved(&state->file, path, err);
}

sheaf_status shf_h5_create(const char *path, shf_layout *layout, const shf_backend_options *options, void **out, sheaf_error *err)
{
    shf_h5_state *state;
    shf_path_kind kind = SHF_PATH_NONE;
    if (options->beside) SHF_TRY(shf_path_stat(path, &kind, NULL, err));
    if (kind == SHF_PATH_FILE) return shf_h5_create_beside(path, layout, options, out, err);
    SHF_TRY(shf_h5_state_new(path, layout, options->sync, true, &state, err));
    sheaf_status status = shf_file_open(&state->file, path, SHF_OPEN_EXCLUSIVE, err);
    if (status != SHEAF_OK) {
        shf_h5_state_free(state);
        return status;
    }
    state->raw_end = SHF_H5_FIRST_CHUNK;
    status = shf_h5_state_arrays(state, err);
    if (status == SHEAF_OK) status = shf_h5_write_fixed(state, err);
    if (status == SHEAF_OK) status = shf_h5_publish_first(state, err);
    if (status != SHEAF_OK) {
        shf_h5_state_free(state);
        (void)shf_path_unlink(path, NULL);
        return status;
    }
    *out = state;
    return SHEAF_OK;
}

static sheaf_status enter(shf_h5_state *state, size_t i, uint64_t block, uint64_t column, shf_h5_chunk chunk, sheaf_error *err)
{
    pthread_mutex_lock(&state->mutex);
    uint64_t columns = state->layout->arrays[i].n_columns;
    sheaf_status status = shf_h5_chunks_set(&state->arrays[i].chunks, block * columns + column, chunk, err);
    pthread_mutex_unlock(&state->mutex);
    return status;
}

sheaf_status shf_h5_put(void *opaque, size_t array, uint64_t block, uint64_t column, const void *bytes, size_t n, shf_place *place,
                        sheaf_error *err)
{
    shf_h5_state *state = opaque;
    if (n == 0 || n > UINT32_MAX)
        return shf_fail_at(err, SHEAF_ERR_ARGUMENT, state->path, state->layout->arrays[array].name, -1, -1, "a chunk of %zu bytes", n);
    SHF_TRY(shf_h5_make_way(state, n, err));
    SHF_TRY(shf_h5_write(state, bytes, n, state->raw_end, err));
    SHF_TRY(enter(state, array, block, column, (shf_h5_chunk){state->raw_end, (uint32_t)n, place->mask}, err));
    place->offset = state->raw_end;
    place->size = n;
    state->raw_end += n;
    if (state->raw_end > state->ahead_until) shf_h5_look_ahead(state);
    return SHEAF_OK;
}

/* Not read here: after a power cut without sync the log may name more than reached the disk, and the chunk's checksum tells that when it is read. */
static sheaf_status check_place(const shf_h5_state *state, size_t i, const shf_place *place, sheaf_error *err)
{
    bool in_metadata = place->offset < state->keep_end && place->offset + place->size > state->keep_start;
    bool sane =
        place->size > 0 && place->size <= UINT32_MAX && place->offset >= SHF_H5_FIRST_CHUNK && place->offset < (uint64_t)INT64_MAX / 2;
    if (sane && !in_metadata) return SHEAF_OK;
    return shf_fail_at(err, SHEAF_ERR_DAMAGED, state->path, state->layout->arrays[i].name, -1, (int64_t)(place->offset & INT64_MAX),
                       "%s: the log names a chunk of %llu bytes at byte %llu, where none can be", state->path,
                       (unsigned long long)place->size, (unsigned long long)place->offset);
}

sheaf_status shf_h5_adopt(void *opaque, size_t array, uint64_t block, uint64_t column, const shf_place *place, sheaf_error *err)
{
    shf_h5_state *state = opaque;
    if (array >= state->n_arrays || column >= state->layout->arrays[array].n_columns)
        return shf_fail_at(err, SHEAF_ERR_DAMAGED, state->path, NULL, -1, -1, "%s: the log names array %zu, column %llu", state->path,
                           array, (unsigned long long)column);
    SHF_TRY(check_place(state, array, place, err));
    SHF_TRY(enter(state, array, block, column, (shf_h5_chunk){place->offset, (uint32_t)place->size, place->mask}, err));
    state->raw_end = shf_max_u64(state->raw_end, place->offset + place->size);
    return SHEAF_OK;
}

sheaf_status shf_h5_drop(void *opaque, size_t array, uint64_t block, uint64_t column, sheaf_error *err)
{
    shf_h5_state *state = opaque;
    shf_h5_array *own = &state->arrays[array];
    uint64_t index = block * state->layout->arrays[array].n_columns + column;
    pthread_mutex_lock(&state->mutex);
    sheaf_status status = SHEAF_OK;
    if (own->partial.columns && own->partial.block == block) own->partial.columns[column] = (shf_h5_chunk){0};
    if (index < own->chunks.n) status = shf_h5_chunks_set(&own->chunks, index, (shf_h5_chunk){0}, err);
    pthread_mutex_unlock(&state->mutex);
    return status;
}
