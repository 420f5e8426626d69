// SPDX-License-Identifier: Apache-2.0
/* A checkpoint: data, then indexes, then metadata. begin needs no redo: what it writes leaves the last checkpoint whole at every moment. */
#include <string.h>

#include "backend/zarr/zarr.h"
#include "base/alloc.h"
#include "base/checked.h"

/* At close: the partial chunks go behind the last full one, so that the bytes are the same whatever the checkpoints were. */
static sheaf_status settle(shf_zarr_state *state, size_t index, shf_zarr_live *live, sheaf_error *err)
{
    const shf_zarr_node *node = &state->nodes[index];
    bool any = false;
    for (size_t i = 0; i < node->n_chunks; i++)
        any = any || (!shf_shard_entry_absent(live->entries[i]) && live->entries[i].offset >= node->plan.far_base);
    if (!any) return SHEAF_OK;
    /* The index on disk may name the place where they go. */
    SHF_TRY(shf_zarr_make_room(state, index, live, err));
    shf_zarr_handle *handle;
    SHF_TRY(shf_zarr_acquire(state, index, live->shard, true, &handle, err));
    uint64_t end = live->end;
    shf_buf bytes = {0};
    sheaf_status status = SHEAF_OK;
    for (size_t i = 0; status == SHEAF_OK && i < node->n_chunks; i++) {
        shf_shard_entry *entry = &live->entries[i];
        if (shf_shard_entry_absent(*entry) || entry->offset < node->plan.far_base) continue;
        status = shf_buf_resize(&bytes, (size_t)entry->size, err);
        if (status == SHEAF_OK) status = shf_file_read(&handle->file, bytes.data, bytes.size, entry->offset, err);
        if (status == SHEAF_OK) status = shf_zarr_write(state, handle, bytes.data, bytes.size, end, err);
        entry->offset = end;
        end += entry->size;
    }
    shf_buf_free(&bytes);
    shf_zarr_release(state, handle);
    live->tail = live->dirty = true;
    return status;
}

/* Cuts the far area off. */
static sheaf_status cut(shf_zarr_state *state, size_t index, shf_zarr_live *live, sheaf_error *err)
{
    uint64_t end = live->end;
    for (size_t i = 0; i < state->nodes[index].n_chunks; i++) {
        if (!shf_shard_entry_absent(live->entries[i])) end = shf_max_u64(end, live->entries[i].offset + live->entries[i].size);
    }
    shf_zarr_handle *handle;
    SHF_TRY(shf_zarr_acquire(state, index, live->shard, true, &handle, err));
    sheaf_status status = shf_zarr_truncate(state, handle, end, err);
    if (status == SHEAF_OK && state->options.sync) status = shf_zarr_sync_handle(state, handle, err);
    shf_zarr_release(state, handle);
    if (status == SHEAF_OK) live->far = false;
    return status;
}

static bool is_complete(const shf_zarr_state *state, size_t index, const shf_zarr_live *live)
{
    return live->n_full >= shf_zarr_shard_valid(&state->nodes[index], &state->layout->arrays[index], live->shard);
}

static sheaf_status begin_live(shf_zarr_state *state, size_t index, shf_zarr_live *live, bool final, sheaf_error *err)
{
    if (final) SHF_TRY(settle(state, index, live, err));
    if (live->dirty) SHF_TRY(shf_zarr_write_index(state, index, live, err));
    live->published = true;
    if (!live->far || !is_complete(state, index, live)) return SHEAF_OK;
    return cut(state, index, live, err);
}

/* Removes a file or, with its last shard, the folder of a row of shards, and counts it. */
static sheaf_status remove_counted(shf_zarr_state *state, const char *path, sheaf_error *err)
{
    uint64_t bytes = 0;
    SHF_TRY(shf_path_no_link(path, strlen(state->path), err));
    sheaf_status status = shf_path_allocated(path, &bytes, err);
    if (status == SHEAF_ERR_NOT_FOUND) return SHEAF_OK;
    SHF_TRY(status);
    SHF_TRY(shf_path_remove_tree(path, err));
    state->allocated -= bytes;
    return SHEAF_OK;
}

static sheaf_status remove_shard(shf_zarr_state *state, size_t index, uint64_t shard, sheaf_error *err)
{
    const shf_zarr_node *node = &state->nodes[index];
    char *path;
    SHF_TRY(shf_zarr_shard_path(state, index, shard, &path, err));
    /* "c/3/0/0": the first shard of row 3 goes last, and c/3 with it. */
    size_t row = strlen(path);
    for (int i = 1; i < node->meta.ndim && shard % node->n_groups == 0; i++)
        while (row > 0 && path[--row] != '/') continue;
    path[row] = '\0';
    sheaf_status status = remove_counted(state, path, err);
    shf_free(path);
    return status;
}

/* Shards are begun in order, so that what a killed writer left beyond the last one lies without gaps: removed from the far end. */
static sheaf_status remove_beyond(shf_zarr_state *state, size_t index, uint64_t first, sheaf_error *err)
{
    uint64_t end = first;
    for (;; end++) {
        char *path;
        shf_path_kind kind;
        SHF_TRY(shf_zarr_shard_path(state, index, end, &path, err));
        sheaf_status status = shf_path_stat(path, &kind, NULL, err);
        shf_free(path);
        SHF_TRY(status);
        if (kind == SHF_PATH_NONE) break;
    }
    for (; end > first; end--) SHF_TRY(remove_shard(state, index, end - 1, err));
    return SHEAF_OK;
}

/* The first shard that neither the layout's lengths nor a live shard reaches. */
static uint64_t first_beyond(const shf_zarr_state *state, size_t index)
{
    const shf_zarr_node *node = &state->nodes[index];
    const shf_array *array = &state->layout->arrays[index];
    uint64_t blocks = shf_ceil_div(shf_array_rows(state->layout, array), array->chunk[0]);
    uint64_t first = shf_ceil_div(blocks, node->per_shard[0]) * node->n_groups;
    for (const shf_zarr_live *live = node->live; live; live = live->next) first = shf_max_u64(first, live->shard + 1);
    return first;
}

/* Metadata that was written beside its place and never renamed. */
static sheaf_status remove_temporary(shf_zarr_state *state, const char *folder, sheaf_error *err)
{
    char *below = folder[0] ? shf_path_join(state->path, folder) : shf_strdup(state->path);
    char *path = below ? shf_path_join(below, SHF_ZARR_METADATA_NAME ".sheaf-tmp") : NULL;
    sheaf_status status = path ? remove_counted(state, path, err) : shf_fail_memory(err, 0, "a path");
    shf_free(below);
    shf_free(path);
    return status;
}

static sheaf_status clear_leftovers(shf_zarr_state *state, sheaf_error *err)
{
    SHF_TRY(remove_temporary(state, "", err));
    for (size_t i = 0; i < state->n_nodes; i++) {
        SHF_TRY(remove_temporary(state, state->nodes[i].folder, err));
        if (state->layout->arrays[i].record >= 0) SHF_TRY(remove_beyond(state, i, first_beyond(state, i), err));
    }
    state->recovered = true;
    return SHEAF_OK;
}

static sheaf_status begin_all(shf_zarr_state *state, bool final, sheaf_error *err)
{
    for (size_t i = 0; i < state->n_nodes; i++) {
        for (shf_zarr_live *live = state->nodes[i].live; live; live = live->next) SHF_TRY(begin_live(state, i, live, final, err));
    }
    return SHEAF_OK;
}

sheaf_status shf_zarr_checkpoint_begin(void *opaque, bool final, shf_buf *redo, bool *deferred, sheaf_error *err)
{
    shf_zarr_state *state = opaque;
    (void)redo;
    *deferred = false;
    if (!state->options.writable || !state->ours) return shf_fail(err, SHEAF_ERR_STATE, "%s is not open for writing", state->path);
    pthread_mutex_lock(&state->mutex);
    sheaf_status status = begin_all(state, final, err);
    pthread_mutex_unlock(&state->mutex);
    return status;
}

/* After publishing: what no longer grows is let go; at close the far areas go. */
static sheaf_status end_node(shf_zarr_state *state, size_t index, bool final, sheaf_error *err)
{
    shf_zarr_node *node = &state->nodes[index];
    const shf_array *array = &state->layout->arrays[index];
    node->published_rows = shf_array_rows(state->layout, array);
    uint64_t front = node->published_rows / array->chunk[0] / node->per_shard[0];
    shf_zarr_live *next;
    for (shf_zarr_live *live = node->live; live; live = next) {
        uint64_t at[SHEAF_MAX_NDIM] = {0};
        next = live->next;
        if (final && live->far) SHF_TRY(cut(state, index, live, err));
        shf_zarr_shard_at(node, live->shard, at);
        if (is_complete(state, index, live) || at[0] != front) shf_zarr_drop_live(state, index, live);
    }
    return SHEAF_OK;
}

sheaf_status shf_zarr_checkpoint_end(void *opaque, bool final, sheaf_error *err)
{
    shf_zarr_state *state = opaque;
    pthread_mutex_lock(&state->mutex);
    sheaf_status status = shf_zarr_publish_metadata(state, err);
    for (size_t i = 0; status == SHEAF_OK && i < state->n_nodes; i++) status = end_node(state, i, final, err);
    if (status == SHEAF_OK && !state->recovered) status = clear_leftovers(state, err);
    pthread_mutex_unlock(&state->mutex);
    return status;
}

sheaf_status shf_zarr_sync(void *opaque, sheaf_error *err)
{
    shf_zarr_state *state = opaque;
    sheaf_status status = SHEAF_OK;
    pthread_mutex_lock(&state->mutex);
    for (size_t i = 0; status == SHEAF_OK && i < SHF_ZARR_MAX_HANDLES; i++) {
        shf_zarr_handle *handle = state->handles[i];
        if (!handle || !handle->unsynced) continue;
        handle->refs++;
        status = shf_zarr_sync_handle(state, handle, err);
        handle->refs--;
    }
    pthread_mutex_unlock(&state->mutex);
    return status;
}
