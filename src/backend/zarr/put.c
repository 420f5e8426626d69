// SPDX-License-Identifier: Apache-2.0
/* Chunks into shards. The order of writes is told in zarr.h. */
#include <string.h>

#include "backend/zarr/zarr.h"
#include "base/alloc.h"
#include "base/checked.h"
#include "base/crc32c.h"

static sheaf_status check_writable(const shf_zarr_state *state, size_t index, sheaf_error *err)
{
    if (state->options.writable && state->ours && index < state->n_nodes) return SHEAF_OK;
    return shf_fail_at(err, SHEAF_ERR_STATE, state->path, NULL, -1, -1, "%s is not open for writing", state->path);
}

/* The index in place, through its copy when it names what a checkpoint published: torn by a power cut, one of the two is whole. */
sheaf_status shf_zarr_write_index(shf_zarr_state *state, size_t index, shf_zarr_live *live, sheaf_error *err)
{
    const shf_zarr_node *node = &state->nodes[index];
    uint8_t bytes[SHF_ZARR_SHARD_CHUNKS * 16 + 4];
    shf_zarr_handle *handle;
    shf_shard_write_index(live->entries, node->n_chunks, bytes);
    SHF_TRY(shf_zarr_acquire(state, index, live->shard, true, &handle, err));
    sheaf_status status = SHEAF_OK;
    if (live->published) {
        live->far = true;
        status = shf_zarr_write(state, handle, bytes, node->plan.index_bytes, node->plan.copy, err);
    }
    if (status == SHEAF_OK && state->options.sync) status = shf_zarr_sync_handle(state, handle, err);
    if (status == SHEAF_OK) status = shf_zarr_write(state, handle, bytes, node->plan.index_bytes, 0, err);
    if (status == SHEAF_OK && state->options.sync) status = shf_zarr_sync_handle(state, handle, err);
    shf_zarr_release(state, handle);
    SHF_TRY(status);
    shf_zarr_forget(state, index, live->shard);
    live->dirty = false;
    for (size_t i = 0; i < node->n_chunks; i++) {
        uint64_t offset = live->entries[i].offset;
        live->slot[i] &= SHF_ZARR_FULL;
        if (offset == shf_shard_slot(&node->plan, i, 0)) live->slot[i] |= SHF_ZARR_FAR_0;
        if (offset == shf_shard_slot(&node->plan, i, 1)) live->slot[i] |= SHF_ZARR_FAR_1;
    }
    return SHEAF_OK;
}

/* A chunk of the canonical area beyond end: one that a closed store keeps there. */
static bool lies_in_tail(const shf_zarr_node *node, const shf_zarr_live *live, size_t i)
{
    uint64_t offset = live->entries[i].offset;
    return offset >= live->end && offset < node->plan.far_base;
}

static sheaf_status copy_chunk(shf_zarr_state *state, shf_zarr_handle *handle, shf_zarr_live *live, size_t i, uint64_t to, sheaf_error *err)
{
    shf_buf bytes = {0};
    uint64_t size = live->entries[i].size;
    sheaf_status status = shf_buf_resize(&bytes, (size_t)size, err);
    if (status == SHEAF_OK) status = shf_file_read(&handle->file, bytes.data, bytes.size, live->entries[i].offset, err);
    if (status == SHEAF_OK) status = shf_zarr_write(state, handle, bytes.data, bytes.size, to, err);
    shf_buf_free(&bytes);
    SHF_TRY(status);
    live->entries[i].offset = to;
    live->dirty = true;
    return SHEAF_OK;
}

sheaf_status shf_zarr_make_room(shf_zarr_state *state, size_t index, shf_zarr_live *live, sheaf_error *err)
{
    if (!live->tail) return SHEAF_OK;
    const shf_zarr_node *node = &state->nodes[index];
    shf_zarr_handle *handle;
    SHF_TRY(shf_zarr_acquire(state, index, live->shard, true, &handle, err));
    sheaf_status status = SHEAF_OK;
    for (size_t i = 0; status == SHEAF_OK && i < node->n_chunks; i++) {
        if (!lies_in_tail(node, live, i)) continue;
        live->far = true;
        status = copy_chunk(state, handle, live, i, shf_shard_slot(&node->plan, i, 0), err);
    }
    shf_zarr_release(state, handle);
    if (status == SHEAF_OK) status = shf_zarr_write_index(state, index, live, err);
    if (status == SHEAF_OK) live->tail = false;
    return status;
}

static sheaf_status append(shf_zarr_state *state, size_t index, shf_zarr_live *live, size_t slot, const void *bytes, size_t n,
                           sheaf_error *err)
{
    shf_zarr_handle *handle;
    SHF_TRY(shf_zarr_acquire(state, index, live->shard, true, &handle, err));
    sheaf_status status = shf_zarr_write(state, handle, bytes, n, live->end, err);
    shf_zarr_release(state, handle);
    SHF_TRY(status);
    live->entries[slot] = (shf_shard_entry){live->end, n};
    live->end += n;
    shf_zarr_count_full(live, slot);
    live->dirty = true;
    return SHEAF_OK;
}

static sheaf_status put_locked(shf_zarr_state *state, size_t index, const shf_zarr_spot *spot, const void *bytes, size_t n,
                               shf_place *place, sheaf_error *err)
{
    const shf_zarr_node *node = &state->nodes[index];
    shf_zarr_live *live;
    SHF_TRY(shf_zarr_make_live(state, index, spot->shard, true, false, &live, err));
    SHF_TRY(shf_zarr_make_room(state, index, live, err));
    place->offset = live->end;
    place->size = n;
    place->mask = SHF_ZARR_ENCODED;
    SHF_TRY(append(state, index, live, spot->slot, bytes, n, err));
    if (live->n_full < shf_zarr_shard_valid(node, &state->layout->arrays[index], spot->shard)) return SHEAF_OK;
    SHF_TRY(shf_zarr_write_index(state, index, live, err));
    /* One with a far area is cut at the next checkpoint: outside readers may be about to read from it. */
    if (!live->far) shf_zarr_drop_live(state, index, live);
    return SHEAF_OK;
}

static sheaf_status check_size(const shf_zarr_node *node, const shf_array *array, size_t n, sheaf_error *err)
{
    if (n <= node->plan.slot_bytes) return SHEAF_OK;
    return shf_fail_at(err, SHEAF_ERR_RANGE, NULL, array->name, -1, -1, "array %s: an encoded chunk has %zu bytes, at most %llu expected",
                       array->name, n, (unsigned long long)node->plan.slot_bytes);
}

sheaf_status shf_zarr_put(void *opaque, size_t index, uint64_t block, uint64_t column, const void *bytes, size_t n, shf_place *place,
                          sheaf_error *err)
{
    shf_zarr_state *state = opaque;
    shf_zarr_spot spot;
    SHF_TRY(check_writable(state, index, err));
    SHF_TRY(shf_zarr_locate(state, index, block, column, &spot, err));
    SHF_TRY(check_size(&state->nodes[index], &state->layout->arrays[index], n, err));
    pthread_mutex_lock(&state->mutex);
    sheaf_status status = put_locked(state, index, &spot, bytes, n, place, err);
    pthread_mutex_unlock(&state->mutex);
    shf_error_locate(status == SHEAF_OK ? NULL : err, state->path, state->layout->arrays[index].name, -1, -1);
    return status;
}

/* The log is checked by its checksum, but the file may have been cut since. */
static sheaf_status check_place(shf_zarr_state *state, size_t index, uint64_t shard, const shf_place *place, sheaf_error *err)
{
    const shf_zarr_node *node = &state->nodes[index];
    shf_zarr_handle *handle;
    uint64_t size = 0, end;
    SHF_TRY(shf_zarr_acquire(state, index, shard, false, &handle, err));
    sheaf_status status = handle ? shf_file_size(&handle->file, &size, err) : SHEAF_OK;
    shf_zarr_release(state, handle);
    SHF_TRY(status);
    if (place->size <= node->max_bytes && shf_add_u64(place->offset, place->size, &end) && end <= size) return SHEAF_OK;
    return shf_fail_at(err, SHEAF_ERR_DAMAGED, state->path, state->layout->arrays[index].name, -1, (int64_t)place->offset,
                       "array %s: the log names %llu bytes at byte %llu of shard %llu, which has %llu", state->layout->arrays[index].name,
                       (unsigned long long)place->size, (unsigned long long)place->offset, (unsigned long long)shard,
                       (unsigned long long)size);
}

static sheaf_status adopt_locked(shf_zarr_state *state, size_t index, const shf_zarr_spot *spot, const shf_place *place, sheaf_error *err)
{
    shf_zarr_live *live;
    SHF_TRY(check_place(state, index, spot->shard, place, err));
    SHF_TRY(shf_zarr_make_live(state, index, spot->shard, false, false, &live, err));
    shf_shard_entry *entry = &live->entries[spot->slot];
    bool other = entry->offset != place->offset || entry->size != place->size;
    *entry = (shf_shard_entry){place->offset, place->size};
    if (!state->options.writable) return SHEAF_OK;
    live->dirty = live->dirty || other;
    live->end = shf_max_u64(live->end, place->offset + place->size);
    shf_zarr_count_full(live, spot->slot);
    return SHEAF_OK;
}

sheaf_status shf_zarr_adopt(void *opaque, size_t index, uint64_t block, uint64_t column, const shf_place *place, sheaf_error *err)
{
    shf_zarr_state *state = opaque;
    shf_zarr_spot spot;
    SHF_TRY(shf_zarr_locate(state, index, block, column, &spot, err));
    if (!state->nodes[index].ours) return shf_fail(err, SHEAF_ERR_STATE, "%s was not written by Sheaf", state->path);
    pthread_mutex_lock(&state->mutex);
    sheaf_status status = adopt_locked(state, index, &spot, place, err);
    pthread_mutex_unlock(&state->mutex);
    return status;
}

static sheaf_status partial_locked(shf_zarr_state *state, size_t index, const shf_zarr_spot *spot, const void *bytes, size_t n,
                                   sheaf_error *err)
{
    const shf_zarr_node *node = &state->nodes[index];
    shf_zarr_live *live;
    shf_zarr_handle *handle;
    SHF_TRY(shf_zarr_make_live(state, index, spot->shard, true, false, &live, err));
    SHF_TRY(shf_zarr_acquire(state, index, spot->shard, true, &handle, err));
    uint64_t to = shf_shard_slot(&node->plan, spot->slot, live->slot[spot->slot] & SHF_ZARR_FAR_0 ? 1 : 0);
    live->far = true;
    sheaf_status status = shf_zarr_write(state, handle, bytes, n, to, err);
    shf_zarr_release(state, handle);
    SHF_TRY(status);
    live->entries[spot->slot] = (shf_shard_entry){to, n};
    live->dirty = true;
    return SHEAF_OK;
}

sheaf_status shf_zarr_put_partial(void *opaque, size_t index, uint64_t block, uint64_t column, const void *bytes, size_t n, uint32_t mask,
                                  sheaf_error *err)
{
    shf_zarr_state *state = opaque;
    shf_zarr_spot spot;
    (void)mask;
    SHF_TRY(check_writable(state, index, err));
    SHF_TRY(shf_zarr_locate(state, index, block, column, &spot, err));
    SHF_TRY(check_size(&state->nodes[index], &state->layout->arrays[index], n, err));
    pthread_mutex_lock(&state->mutex);
    sheaf_status status = partial_locked(state, index, &spot, bytes, n, err);
    pthread_mutex_unlock(&state->mutex);
    shf_error_locate(status == SHEAF_OK ? NULL : err, state->path, state->layout->arrays[index].name, -1, -1);
    return status;
}

sheaf_status shf_zarr_drop(void *opaque, size_t index, uint64_t block, uint64_t column, sheaf_error *err)
{
    shf_zarr_state *state = opaque;
    shf_zarr_spot spot;
    SHF_TRY(check_writable(state, index, err));
    SHF_TRY(shf_zarr_locate(state, index, block, column, &spot, err));
    pthread_mutex_lock(&state->mutex);
    shf_zarr_live *live;
    sheaf_status status = shf_zarr_make_live(state, index, spot.shard, false, true, &live, err);
    if (status == SHEAF_OK) {
        live->entries[spot.slot] = (shf_shard_entry){SHF_SHARD_ABSENT, SHF_SHARD_ABSENT};
        if (live->slot[spot.slot] & SHF_ZARR_FULL) live->n_full--;
        live->slot[spot.slot] &= (uint8_t)~SHF_ZARR_FULL;
        live->dirty = true;
    }
    pthread_mutex_unlock(&state->mutex);
    return status;
}
