// SPDX-License-Identifier: Apache-2.0
#include "backend/hdf5/state.h"

#include <string.h>

#include "base/alloc.h"
#include "base/checked.h"

sheaf_status shf_h5_state_new(const char *path, shf_layout *layout, bool sync, bool writable, shf_h5_state **out, sheaf_error *err)
{
    shf_h5_state *state = shf_calloc(1, sizeof *state);
    if (!state) return shf_fail_memory(err, sizeof *state, "a store");
    state->file = (shf_file)SHF_FILE_CLOSED;
    state->layout = layout;
    state->sync = sync;
    state->writable = writable;
    state->library_file = -1;
    pthread_mutex_init(&state->mutex, NULL);
    pthread_rwlock_init(&state->view, NULL);
    state->path = shf_strdup(path);
    if (!state->path) {
        shf_h5_state_free(state);
        return shf_fail_memory(err, strlen(path), "a store's path");
    }
    *out = state;
    return SHEAF_OK;
}

static sheaf_status grow_arrays(shf_h5_state *state, size_t n, sheaf_error *err)
{
    shf_h5_array *arrays = shf_realloc(state->arrays, (n + 1) * sizeof *arrays);
    if (!arrays) return shf_fail_memory(err, n * sizeof *arrays, "a store's arrays");
    state->arrays = arrays;
    for (; state->n_arrays < n; state->n_arrays++) {
        shf_h5_array *array = &arrays[state->n_arrays];
        memset(array, 0, sizeof *array);
        array->dataset = -1;
        array->position = array->record_position = -1;
        array->chunks.from_zero = state->writable;
    }
    return SHEAF_OK;
}

sheaf_status shf_h5_state_arrays(shf_h5_state *state, sheaf_error *err)
{
    size_t n_records = state->layout->n_records;
    uint64_t *lengths = shf_realloc(state->lengths, (n_records + 1) * sizeof *lengths);
    if (!lengths) return shf_fail_memory(err, n_records * sizeof *lengths, "a store's dimensions");
    for (size_t r = 0; r < n_records; r++) lengths[r] = state->layout->records[r].length;
    state->lengths = lengths;
    return grow_arrays(state, state->layout->n_arrays, err);
}

void shf_h5_partial_free(shf_h5_partial *partial)
{
    shf_free(partial->columns);
    memset(partial, 0, sizeof *partial);
}

void shf_h5_state_free(shf_h5_state *state)
{
    if (!state) return;
    for (size_t i = 0; i < state->n_arrays; i++) {
        shf_h5_array *array = &state->arrays[i];
        shf_h5_chunks_free(&array->chunks);
        shf_h5_partial_free(&array->partial);
        shf_h5_partial_free(&array->next);
        json_decref(array->attributes);
        shf_free(array->link);
    }
    shf_h5_medium_free(&state->image);
    shf_h5_medium_free(&state->medium);
    shf_h5_pages_free(&state->before);
    json_decref(state->attributes);
    (void)shf_file_close(&state->file, NULL);
    shf_free(state->arrays);
    shf_free(state->lengths);
    shf_free(state->path);
    pthread_mutex_destroy(&state->mutex);
    pthread_rwlock_destroy(&state->view);
    shf_free(state);
}

sheaf_status shf_h5_write(shf_h5_state *state, const void *bytes, size_t n, uint64_t offset, sheaf_error *err)
{
    SHF_TRY(shf_file_write(&state->file, bytes, n, offset, err));
    state->written += n;
    state->used_end = shf_max_u64(state->used_end, offset + n);
    return SHEAF_OK;
}
