// SPDX-License-Identifier: Apache-2.0
/* Beginning and end of a store. */
#include <string.h>

#include "backend/zarr/zarr.h"
#include "base/alloc.h"
#include "base/checked.h"
#include "base/dtype.h"

/* PATH without slashes at its end. */
static char *trimmed(const char *path)
{
    char *copy = shf_strdup(path);
    size_t n = copy ? strlen(copy) : 0;
    while (n > 1 && copy[n - 1] == '/') copy[--n] = '\0';
    return copy;
}

shf_zarr_state *shf_zarr_state_new(const char *path, const shf_backend_options *options, shf_layout *layout)
{
    shf_zarr_state *state = shf_calloc(1, sizeof *state);
    if (!state) return NULL;
    state->path = trimmed(path);
    if (!state->path) {
        shf_free(state);
        return NULL;
    }
    state->options = *options;
    state->layout = layout;
    pthread_mutex_init(&state->mutex, NULL);
    return state;
}

void shf_zarr_state_free(shf_zarr_state *state)
{
    (void)shf_zarr_close_handles(state, NULL);
    for (size_t i = 0; i < state->n_nodes; i++) {
        shf_zarr_node *node = &state->nodes[i];
        shf_zarr_free_lives(node);
        shf_zarr_array_free(&node->meta);
        shf_buf_free(&node->text);
        shf_free(node->folder);
    }
    shf_free(state->nodes);
    shf_buf_free(&state->text);
    pthread_mutex_destroy(&state->mutex);
    shf_free(state->path);
    shf_free(state);
}

sheaf_status shf_zarr_add_node(shf_zarr_state *state, const char *folder, shf_zarr_node **out, sheaf_error *err)
{
    /* Room doubles at powers of two. */
    if ((state->n_nodes & (state->n_nodes - 1)) == 0) {
        size_t capacity = state->n_nodes ? state->n_nodes * 2 : 1;
        shf_zarr_node *nodes = shf_realloc(state->nodes, capacity * sizeof *nodes);
        if (!nodes) return shf_fail_memory(err, capacity * sizeof *nodes, "the list of arrays");
        state->nodes = nodes;
    }
    shf_zarr_node *node = &state->nodes[state->n_nodes];
    memset(node, 0, sizeof *node);
    node->folder = shf_strdup(folder);
    if (!node->folder) return shf_fail_memory(err, strlen(folder), "a path");
    state->n_nodes++;
    *out = node;
    return SHEAF_OK;
}

static void plan_chain(const shf_array *array, shf_zarr_chain *chain)
{
    static const shf_zarr_step step_of[] = {
        [SHEAF_CODEC_BLOSC] = SHF_ZARR_BLOSC, [SHEAF_CODEC_ZSTD] = SHF_ZARR_ZSTD, [SHEAF_CODEC_GZIP] = SHF_ZARR_GZIP};
    if (array->codec != SHEAF_CODEC_NONE) chain->steps[chain->n_steps++] = step_of[array->codec];
    chain->steps[chain->n_steps++] = SHF_ZARR_CRC32C;
    chain->level = array->level;
}

static sheaf_status plan_node(shf_zarr_state *state, const shf_array *array, sheaf_error *err)
{
    shf_zarr_node *node;
    SHF_TRY(shf_zarr_add_node(state, array->name, &node, err));
    shf_zarr_array *meta = &node->meta;
    meta->zarr_format = 3;
    meta->dtype = array->dtype;
    meta->ndim = array->ndim;
    meta->sharded = meta->index_checked = true;
    meta->separator = '/';
    memcpy(meta->shape, array->shape, sizeof meta->shape);
    memcpy(meta->chunk, array->chunk, sizeof meta->chunk);
    memcpy(meta->dimensions, array->dimensions, sizeof meta->dimensions);
    plan_chain(array, &meta->chain);
    shf_dtype_fill(array->dtype, meta->fill, 1);
    shf_zarr_choose_shard(array, meta->shard);
    return shf_zarr_node_finish(node, array, err);
}

/* The part of a fixed array that one chunk holds, its edges padded with fill values. */
static void cut_chunk(const shf_array *array, const uint64_t at[SHEAF_MAX_NDIM], uint8_t *chunk)
{
    uint64_t lines = 1, index[SHEAF_MAX_NDIM] = {0};
    int last = array->ndim - 1;
    for (int i = 0; i < last; i++) lines *= array->chunk[i];
    shf_dtype_fill(array->dtype, chunk, array->chunk_bytes / array->item_size);
    if (!array->values) return;
    uint64_t first = at[last] * array->chunk[last];
    size_t width = (size_t)shf_min_u64(array->chunk[last], array->shape[last] - first) * array->item_size;
    for (uint64_t line = 0; line < lines; line++) {
        uint64_t from = 0;
        bool inside = true;
        for (int i = 0; i < last; i++) {
            uint64_t row = at[i] * array->chunk[i] + index[i];
            inside = inside && row < array->shape[i];
            from = (from + row) * array->shape[i + 1];
        }
        if (inside)
            memcpy(chunk + line * array->chunk[last] * array->item_size, (const uint8_t *)array->values + (from + first) * array->item_size,
                   width);
        for (int i = last - 1; i >= 0 && ++index[i] == array->chunk[i]; i--) index[i] = 0;
    }
}

static sheaf_status write_fixed(shf_zarr_state *state, size_t index, sheaf_error *err)
{
    const shf_array *array = &state->layout->arrays[index];
    shf_buf encoded = {0};
    uint8_t *chunk = shf_malloc_aligned(array->chunk_bytes);
    sheaf_status status = chunk ? SHEAF_OK : shf_fail_memory(err, array->chunk_bytes, "a chunk");
    uint64_t blocks = shf_ceil_div(array->shape[0], array->chunk[0]);
    for (uint64_t block = 0; status == SHEAF_OK && block < blocks; block++) {
        for (uint64_t column = 0; status == SHEAF_OK && column < array->n_columns; column++) {
            uint64_t at[SHEAF_MAX_NDIM] = {block};
            shf_place place = {0};
            uint32_t mask;
            shf_array_column(array, column, at);
            cut_chunk(array, at, chunk);
            status = shf_zarr_encode(NULL, array, chunk, &encoded, &mask, err);
            if (status == SHEAF_OK) status = shf_zarr_put(state, index, block, column, encoded.data, encoded.size, &place, err);
        }
    }
    shf_buf_free(&encoded);
    shf_free(chunk);
    return status;
}

static sheaf_status write_all(shf_zarr_state *state, sheaf_error *err)
{
    SHF_TRY(shf_path_allocated(state->path, &state->allocated, err));
    for (size_t i = 0; i < state->n_nodes; i++) {
        const shf_array *array = &state->layout->arrays[i];
        char *folder = shf_path_join(state->path, array->name);
        sheaf_status status = folder ? shf_zarr_make_folder(state, folder, err) : shf_fail_memory(err, 0, "a path");
        shf_free(folder);
        SHF_TRY(status);
        if (array->record < 0) SHF_TRY(write_fixed(state, i, err));
    }
    bool deferred;
    SHF_TRY(shf_zarr_checkpoint_begin(state, true, NULL, &deferred, err));
    SHF_TRY(shf_zarr_checkpoint_end(state, true, err));
    return shf_zarr_close_handles(state, err);
}

static sheaf_status create_in(shf_zarr_state *state, sheaf_error *err)
{
    state->version = 3;
    state->is_group = state->ours = state->recovered = state->options.writable = true;
    for (size_t i = 0; i < state->layout->n_arrays; i++) SHF_TRY(plan_node(state, &state->layout->arrays[i], err));
    SHF_TRY(shf_path_mkdir(state->path, err));
    sheaf_status status = write_all(state, err);
    if (status != SHEAF_OK) (void)shf_path_remove_tree(state->path, NULL);
    return status;
}

sheaf_status shf_zarr_create(const char *path, shf_layout *layout, const shf_backend_options *options, void **out, sheaf_error *err)
{
    shf_zarr_state *state = shf_zarr_state_new(path, options, layout);
    if (!state) return shf_fail_memory(err, sizeof *state, "a store");
    sheaf_status status = create_in(state, err);
    if (status != SHEAF_OK) {
        shf_zarr_state_free(state);
        return status;
    }
    *out = state;
    return SHEAF_OK;
}

sheaf_status shf_zarr_moved(void *opaque, const char *path, sheaf_error *err)
{
    shf_zarr_state *state = opaque;
    char *copy = trimmed(path);
    if (!copy) return shf_fail_memory(err, strlen(path), "a path");
    shf_free(state->path);
    state->path = copy;
    return SHEAF_OK;
}
