// SPDX-License-Identifier: Apache-2.0
/* Chunks from shards and files. A growing store may change an index between two reads: then the index is read again. */
#include <stdio.h>
#include <string.h>

#include "backend/zarr/zarr.h"
#include "base/alloc.h"
#include "base/checked.h"
#include "base/dtype.h"

/* Metadata may claim any length. */
#define MAX_SHARDS ((uint64_t)1 << 26)

typedef struct found {
    shf_zarr_handle *handle; /* NULL: the file is not there */
    shf_shard_entry entry;
    bool expected; /* published by a store of ours, which leaves nothing out */
} found;

static void judge(const shf_zarr_state *state, size_t index, const shf_zarr_spot *spot, found *out)
{
    const shf_zarr_node *node = &state->nodes[index];
    if (!node->ours) return;
    uint64_t block = shf_zarr_slot_block(node, spot->shard, spot->slot), depth = state->layout->arrays[index].chunk[0];
    out->expected = block < shf_ceil_div(node->published_rows, depth);
}

/* With the mutex held. An unsharded chunk is its whole file. */
static sheaf_status find(shf_zarr_state *state, size_t index, const shf_zarr_spot *spot, bool fresh, found *out, sheaf_error *err)
{
    const shf_zarr_node *node = &state->nodes[index];
    const shf_zarr_live *live = shf_zarr_find_live(node, spot->shard);
    out->entry = (shf_shard_entry){SHF_SHARD_ABSENT, SHF_SHARD_ABSENT};
    SHF_TRY(shf_zarr_acquire(state, index, spot->shard, false, &out->handle, err));
    if (!out->handle) return SHEAF_OK;
    if (!node->meta.sharded) {
        out->entry.offset = 0;
        return shf_file_size(&out->handle->file, &out->entry.size, err);
    }
    if (live && (state->options.writable || !shf_shard_entry_absent(live->entries[spot->slot]))) {
        out->entry = live->entries[spot->slot];
        return SHEAF_OK;
    }
    SHF_TRY(shf_zarr_load_index(state, out->handle, fresh, err));
    out->entry = out->handle->entries[spot->slot];
    return SHEAF_OK;
}

static sheaf_status read_chunk(const shf_zarr_state *state, size_t index, const found *f, shf_buf *out, sheaf_error *err)
{
    const shf_zarr_node *node = &state->nodes[index];
    const shf_array *array = &state->layout->arrays[index];
    if (f->entry.size > node->max_bytes)
        return shf_fail(err, SHEAF_ERR_DAMAGED, "%llu bytes, at most %llu expected", (unsigned long long)f->entry.size,
                        (unsigned long long)node->max_bytes);
    if (node->direct) {
        SHF_TRY(shf_buf_resize(out, (size_t)f->entry.size, err));
        SHF_TRY(shf_file_read(&f->handle->file, out->data, out->size, f->entry.offset, err));
        return shf_zarr_check_crc(out->data, out->size, err);
    }
    shf_buf stored = {0};
    sheaf_status status = shf_buf_resize(&stored, (size_t)f->entry.size, err);
    if (status == SHEAF_OK) status = shf_file_read(&f->handle->file, stored.data, stored.size, f->entry.offset, err);
    if (status == SHEAF_OK) status = shf_zarr_decode_chain(node, array, stored.data, stored.size, out, err);
    shf_buf_free(&stored);
    return status;
}

/* What nothing was stored for: absent, or the fill values of a foreign array. */
static sheaf_status fill_chunk(const shf_zarr_node *node, const shf_array *array, shf_buf *out, uint32_t *mask, bool *absent,
                               sheaf_error *err)
{
    _Alignas(8) uint8_t usual[8] = {0};
    shf_dtype_fill(array->dtype, usual, 1);
    out->size = 0;
    *mask = SHF_ZARR_RAW;
    *absent = !memcmp(usual, node->meta.fill, sizeof usual);
    if (*absent) return SHEAF_OK;
    SHF_TRY(shf_buf_resize(out, array->chunk_bytes, err));
    for (size_t at = 0; at < out->size; at += array->item_size) memcpy(out->data + at, node->meta.fill, array->item_size);
    return SHEAF_OK;
}

static sheaf_status damaged(const shf_zarr_state *state, size_t index, uint64_t block, uint64_t column, const found *f,
                            const sheaf_error *why, sheaf_error *err)
{
    const shf_array *array = &state->layout->arrays[index];
    uint64_t at[SHEAF_MAX_NDIM] = {0};
    char chunk[SHEAF_MAX_NDIM * 21 + 1], reason[256], path[256];
    size_t used = (size_t)snprintf(chunk, sizeof chunk, "%llu", (unsigned long long)block);
    shf_array_column(array, column, at);
    for (int i = 1; i < array->ndim; i++) used += (size_t)snprintf(chunk + used, sizeof chunk - used, ",%llu", (unsigned long long)at[i]);
    snprintf(reason, sizeof reason, "%.255s", why->message);
    snprintf(path, sizeof path, "%.255s", why->path[0] ? why->path : f->handle ? f->handle->file.path : state->path);
    int64_t byte = f->entry.offset <= INT64_MAX ? (int64_t)f->entry.offset : why->byte;
    return shf_fail_at(err, SHEAF_ERR_DAMAGED, path, array->name, -1, byte, "array %s, chunk (%s): %s", array->name, chunk, reason);
}

/* One attempt. *nothing: nothing is stored there. */
static sheaf_status attempt(shf_zarr_state *state, size_t index, const shf_zarr_spot *spot, bool again, found *f, shf_buf *out,
                            bool *nothing, sheaf_error *why)
{
    pthread_mutex_lock(&state->mutex);
    sheaf_status status = find(state, index, spot, again, f, why);
    if (status == SHEAF_OK) judge(state, index, spot, f);
    pthread_mutex_unlock(&state->mutex);
    *nothing = status == SHEAF_OK && (!f->handle || shf_shard_entry_absent(f->entry));
    if (status == SHEAF_OK && !*nothing) status = read_chunk(state, index, f, out, why);
    if (*nothing && !f->handle && f->expected) status = shf_fail(why, SHEAF_ERR_DAMAGED, "the shard's file is missing");
    return status;
}

static void release(shf_zarr_state *state, found *f)
{
    pthread_mutex_lock(&state->mutex);
    shf_zarr_release(state, f->handle);
    pthread_mutex_unlock(&state->mutex);
    f->handle = NULL;
}

sheaf_status shf_zarr_get(void *opaque, size_t index, uint64_t block, uint64_t column, shf_buf *out, uint32_t *mask, bool *absent,
                          sheaf_error *err)
{
    shf_zarr_state *state = opaque;
    shf_zarr_spot spot;
    *absent = false;
    out->size = 0;
    SHF_TRY(shf_zarr_locate(state, index, block, column, &spot, err));
    const shf_zarr_node *node = &state->nodes[index];
    sheaf_status status = SHEAF_ERR_DAMAGED;
    bool nothing = false;
    for (int i = 0; i < SHF_ZARR_ATTEMPTS; i++) {
        found f = {0};
        sheaf_error why = {0};
        status = attempt(state, index, &spot, i > 0, &f, out, &nothing, &why);
        if (status == SHEAF_ERR_DAMAGED) {
            status = damaged(state, index, block, column, &f, &why, err);
        } else if (status != SHEAF_OK && err) {
            *err = why;
        }
        release(state, &f);
        bool once_more = status == SHEAF_ERR_DAMAGED || (nothing && i == 0 && node->ours);
        if (!once_more) break;
    }
    SHF_TRY(status);
    *mask = node->direct ? SHF_ZARR_CHECKED : SHF_ZARR_RAW;
    return nothing ? fill_chunk(node, &state->layout->arrays[index], out, mask, absent, err) : SHEAF_OK;
}

/* Chunks that are known live, or else by the index: that of a shard which no checkpoint has named may not be there yet. */
static sheaf_status sum_entries(shf_zarr_state *state, size_t index, shf_zarr_handle *handle, uint64_t *bytes, sheaf_error *err)
{
    const shf_zarr_node *node = &state->nodes[index];
    const shf_zarr_live *live = shf_zarr_find_live(node, handle->shard);
    const shf_zarr_spot first = {.shard = handle->shard};
    sheaf_error local;
    found f = {0};
    judge(state, index, &first, &f);
    sheaf_status status = live && state->options.writable ? SHEAF_OK : shf_zarr_load_index(state, handle, false, &local);
    if (status == SHEAF_ERR_DAMAGED && node->ours && !f.expected) status = SHEAF_OK;
    if (status != SHEAF_OK) {
        if (err) *err = local;
        return status;
    }
    for (size_t i = 0; i < node->n_chunks; i++) {
        bool is_live = live && (state->options.writable || !shf_shard_entry_absent(live->entries[i]));
        const shf_shard_entry *entry = is_live ? &live->entries[i] : handle->entries ? &handle->entries[i] : NULL;
        if (entry && !shf_shard_entry_absent(*entry)) *bytes += entry->size;
    }
    return SHEAF_OK;
}

static sheaf_status shard_bytes(shf_zarr_state *state, size_t index, uint64_t shard, uint64_t *bytes, sheaf_error *err)
{
    shf_zarr_handle *handle;
    uint64_t size = 0;
    SHF_TRY(shf_zarr_acquire(state, index, shard, false, &handle, err));
    if (!handle) return SHEAF_OK;
    sheaf_status status =
        state->nodes[index].meta.sharded ? sum_entries(state, index, handle, bytes, err) : shf_file_size(&handle->file, &size, err);
    *bytes += size;
    shf_zarr_release(state, handle);
    return status;
}

sheaf_status shf_zarr_array_bytes(void *opaque, size_t index, uint64_t *stored_bytes, sheaf_error *err)
{
    shf_zarr_state *state = opaque;
    *stored_bytes = 0;
    if (index >= state->n_nodes) return shf_fail(err, SHEAF_ERR_RANGE, "no array %zu", index);
    const shf_zarr_node *node = &state->nodes[index];
    const shf_array *array = &state->layout->arrays[index];
    sheaf_status status = SHEAF_OK;
    pthread_mutex_lock(&state->mutex);
    uint64_t blocks = shf_ceil_div(shf_array_rows(state->layout, array), array->chunk[0]);
    uint64_t shards = shf_ceil_div(blocks, node->meta.ndim ? node->per_shard[0] : 1) * node->n_groups;
    if (shards > MAX_SHARDS) status = shf_fail(err, SHEAF_ERR_RANGE, "array %s has too many shards to add them up", array->name);
    for (uint64_t shard = 0; status == SHEAF_OK && shard < shards; shard++) status = shard_bytes(state, index, shard, stored_bytes, err);
    for (const shf_zarr_live *live = node->live; status == SHEAF_OK && live; live = live->next)
        if (live->shard >= shards) status = shard_bytes(state, index, live->shard, stored_bytes, err);
    pthread_mutex_unlock(&state->mutex);
    return status;
}
