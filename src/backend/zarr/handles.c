// SPDX-License-Identifier: Apache-2.0
/* The open files of a store: few, counted, the oldest idle one is closed for the next. */
#include <string.h>

#include "backend/zarr/zarr.h"
#include "base/alloc.h"

static sheaf_status end_handle(const shf_zarr_state *state, shf_zarr_handle *handle, sheaf_error *err)
{
    sheaf_status status = SHEAF_OK;
    if (handle->unsynced && state->options.sync) status = shf_file_sync(&handle->file, err);
    sheaf_status closed = shf_file_close(&handle->file, status == SHEAF_OK ? err : NULL);
    shf_free(handle->entries);
    shf_free(handle);
    return status != SHEAF_OK ? status : closed;
}

/* A free place in the table; the oldest idle handle is closed when there is none. All busy: NULL. */
static sheaf_status find_place(shf_zarr_state *state, shf_zarr_handle ***place, sheaf_error *err)
{
    *place = NULL;
    for (size_t i = 0; i < SHF_ZARR_MAX_HANDLES; i++) {
        shf_zarr_handle **p = &state->handles[i];
        if (!*p) {
            *place = p;
            return SHEAF_OK;
        }
        if ((*p)->refs == 0 && (!*place || (*p)->used < (**place)->used)) *place = p;
    }
    if (!*place) return SHEAF_OK;
    shf_zarr_handle *oldest = **place;
    **place = NULL;
    return end_handle(state, oldest, err);
}

/* "c/3/0": the folders above the last part of the key. */
static sheaf_status make_folders(shf_zarr_state *state, size_t node, char *path, sheaf_error *err)
{
    size_t from = strlen(state->path) + strlen(state->nodes[node].folder) + 2;
    for (char *slash = strchr(path + from, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        sheaf_status status = shf_zarr_make_folder(state, path, err);
        *slash = '/';
        SHF_TRY(status);
    }
    return SHEAF_OK;
}

static sheaf_status open_made(shf_zarr_state *state, size_t node, char *path, shf_file *file, sheaf_error *err)
{
    /* Most shards of a row of shards share their folder: try first. */
    sheaf_status status = shf_file_open(file, path, SHF_OPEN_CREATE, err);
    if (status == SHEAF_ERR_NOT_FOUND) {
        SHF_TRY(make_folders(state, node, path, err));
        status = shf_file_open(file, path, SHF_OPEN_CREATE, err);
    }
    if (status != SHEAF_OK || !state->options.sync) return status;
    char *parent = shf_path_parent(path);
    if (!parent) return shf_fail_memory(err, strlen(path), "a path");
    status = shf_path_sync_folder(parent, err);
    shf_free(parent);
    return status;
}

static sheaf_status open_handle(shf_zarr_state *state, bool make, shf_zarr_handle *handle, sheaf_error *err)
{
    char *path;
    SHF_TRY(shf_zarr_shard_path(state, handle->node, handle->shard, &path, err));
    sheaf_status status = state->options.writable ? shf_path_no_link(path, strlen(state->path), err) : SHEAF_OK;
    if (status == SHEAF_OK)
        status = make ? open_made(state, handle->node, path, &handle->file, err)
                      : shf_file_open(&handle->file, path, state->options.writable ? SHF_OPEN_WRITE : SHF_OPEN_READ, err);
    shf_free(path);
    if (status == SHEAF_OK && state->options.writable) status = shf_file_allocated(&handle->file, &handle->allocated, err);
    return status;
}

static shf_zarr_handle *find_open(shf_zarr_state *state, size_t node, uint64_t shard)
{
    for (size_t i = 0; i < SHF_ZARR_MAX_HANDLES; i++) {
        shf_zarr_handle *h = state->handles[i];
        if (h && h->node == node && h->shard == shard) return h;
    }
    return NULL;
}

sheaf_status shf_zarr_acquire(shf_zarr_state *state, size_t node, uint64_t shard, bool make, shf_zarr_handle **out, sheaf_error *err)
{
    *out = find_open(state, node, shard);
    if (*out) {
        (*out)->refs++;
        (*out)->used = ++state->clock;
        return SHEAF_OK;
    }
    shf_zarr_handle **place;
    SHF_TRY(find_place(state, &place, err));
    shf_zarr_handle *handle = shf_calloc(1, sizeof *handle);
    if (!handle) return shf_fail_memory(err, sizeof *handle, "an open file");
    *handle = (shf_zarr_handle){.file = SHF_FILE_CLOSED, .node = node, .shard = shard, .refs = 1, .used = ++state->clock};
    sheaf_status status = open_handle(state, make, handle, err);
    if (status != SHEAF_OK) {
        (void)end_handle(state, handle, NULL);
        return status == SHEAF_ERR_NOT_FOUND && !make ? SHEAF_OK : status;
    }
    /* Every place is busy: this one is closed when released. */
    if (place) *place = handle;
    *out = handle;
    return SHEAF_OK;
}

void shf_zarr_release(shf_zarr_state *state, shf_zarr_handle *handle)
{
    if (!handle || --handle->refs) return;
    for (size_t i = 0; i < SHF_ZARR_MAX_HANDLES; i++) {
        if (state->handles[i] == handle) return;
    }
    (void)end_handle(state, handle, NULL);
}

void shf_zarr_forget(shf_zarr_state *state, size_t node, uint64_t shard)
{
    for (size_t i = 0; i < SHF_ZARR_MAX_HANDLES; i++) {
        shf_zarr_handle *h = state->handles[i];
        if (!h || (shard != UINT64_MAX && (h->node != node || h->shard != shard))) continue;
        shf_free(h->entries);
        h->entries = NULL;
    }
}

sheaf_status shf_zarr_close_handles(shf_zarr_state *state, sheaf_error *err)
{
    sheaf_status status = SHEAF_OK;
    for (size_t i = 0; i < SHF_ZARR_MAX_HANDLES; i++) {
        if (!state->handles[i]) continue;
        sheaf_status ended = end_handle(state, state->handles[i], status == SHEAF_OK ? err : NULL);
        if (status == SHEAF_OK) status = ended;
        state->handles[i] = NULL;
    }
    return status;
}

static sheaf_status read_index_at(const shf_zarr_state *state, const shf_zarr_handle *handle, uint64_t offset, uint64_t file_bytes,
                                  shf_shard_entry *entries, sheaf_error *err)
{
    const shf_zarr_node *node = &state->nodes[handle->node];
    size_t n = shf_shard_index_bytes(node->n_chunks, node->meta.index_checked);
    uint8_t *bytes = shf_malloc(n);
    if (!bytes) return shf_fail_memory(err, n, "a shard index");
    sheaf_status status = shf_file_read(&handle->file, bytes, n, offset, err);
    if (status == SHEAF_OK)
        status = shf_shard_read_index(bytes, n, node->meta.index_checked, file_bytes, node->max_bytes, entries, node->n_chunks, err);
    shf_free(bytes);
    return status;
}

sheaf_status shf_zarr_load_index(const shf_zarr_state *state, shf_zarr_handle *handle, bool fresh, sheaf_error *err)
{
    if (handle->entries && !fresh) return SHEAF_OK;
    const shf_zarr_node *node = &state->nodes[handle->node];
    uint64_t file_bytes;
    SHF_TRY(shf_file_size(&handle->file, &file_bytes, err));
    size_t index = shf_shard_index_bytes(node->n_chunks, node->meta.index_checked);
    if (file_bytes < index)
        return shf_fail_at(err, SHEAF_ERR_DAMAGED, handle->file.path, NULL, -1, 0, "shard index: expected %zu bytes, the file has %llu",
                           index, (unsigned long long)file_bytes);
    shf_shard_entry *entries = shf_malloc(node->n_chunks * sizeof *entries);
    if (!entries) return shf_fail_memory(err, node->n_chunks * sizeof *entries, "a shard index");
    sheaf_status status = read_index_at(state, handle, node->meta.index_at_end ? file_bytes - index : 0, file_bytes, entries, err);
    if (status == SHEAF_ERR_DAMAGED && node->ours && file_bytes >= node->plan.copy + node->plan.index_bytes &&
        read_index_at(state, handle, node->plan.copy, file_bytes, entries, NULL) == SHEAF_OK)
        status = SHEAF_OK;
    shf_free(handle->entries);
    handle->entries = status == SHEAF_OK ? entries : NULL;
    if (status == SHEAF_OK) return SHEAF_OK;
    shf_free(entries);
    shf_error_locate(err, handle->file.path, NULL, -1, 0);
    return status;
}

static sheaf_status recount(shf_zarr_state *state, shf_zarr_handle *handle, sheaf_error *err)
{
    uint64_t now;
    SHF_TRY(shf_file_allocated(&handle->file, &now, err));
    state->allocated += now - handle->allocated;
    handle->allocated = now;
    return SHEAF_OK;
}

sheaf_status shf_zarr_write(shf_zarr_state *state, shf_zarr_handle *handle, const void *bytes, size_t n, uint64_t offset, sheaf_error *err)
{
    handle->unsynced = true;
    /* Readers of this process go on meanwhile; there is one writer, and the handle is held. */
    pthread_mutex_unlock(&state->mutex);
    sheaf_status status = shf_file_write(&handle->file, bytes, n, offset, err);
    pthread_mutex_lock(&state->mutex);
    SHF_TRY(status);
    state->written += n;
    return recount(state, handle, err);
}

sheaf_status shf_zarr_truncate(shf_zarr_state *state, shf_zarr_handle *handle, uint64_t size, sheaf_error *err)
{
    handle->unsynced = true;
    SHF_TRY(shf_file_truncate(&handle->file, size, err));
    return recount(state, handle, err);
}

sheaf_status shf_zarr_sync_handle(shf_zarr_state *state, shf_zarr_handle *handle, sheaf_error *err)
{
    pthread_mutex_unlock(&state->mutex);
    sheaf_status status = shf_file_sync(&handle->file, err);
    pthread_mutex_lock(&state->mutex);
    SHF_TRY(status);
    handle->unsynced = false;
    return SHEAF_OK;
}
