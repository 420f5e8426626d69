// SPDX-License-Identifier: Apache-2.0
/* Live shards: those that grow, and those that the tail log names chunks of. */
#include <string.h>

#include "backend/zarr/zarr.h"
#include "base/alloc.h"
#include "base/checked.h"

shf_zarr_live *shf_zarr_find_live(const shf_zarr_node *node, uint64_t shard)
{
    shf_zarr_live *live = node->live;
    while (live && live->shard != shard) live = live->next;
    return live;
}

static void free_live(shf_zarr_live *live)
{
    shf_free(live->entries);
    shf_free(live->slot);
    shf_free(live);
}

void shf_zarr_drop_live(shf_zarr_state *state, size_t node, const shf_zarr_live *live)
{
    shf_zarr_live **link = &state->nodes[node].live;
    while (*link && *link != live) link = &(*link)->next;
    if (!*link) return;
    shf_zarr_live *gone = *link;
    *link = gone->next;
    shf_zarr_forget(state, node, gone->shard);
    free_live(gone);
}

void shf_zarr_free_lives(shf_zarr_node *node)
{
    while (node->live) {
        shf_zarr_live *next = node->live->next;
        free_live(node->live);
        node->live = next;
    }
}

static shf_zarr_live *new_live(const shf_zarr_node *node, uint64_t shard)
{
    shf_zarr_live *live = shf_calloc(1, sizeof *live);
    if (!live) return NULL;
    live->shard = shard;
    live->end = node->plan.index_bytes;
    live->entries = shf_malloc(node->n_chunks * sizeof *live->entries);
    live->slot = shf_calloc(node->n_chunks, 1);
    if (!live->entries || !live->slot) {
        free_live(live);
        return NULL;
    }
    for (size_t i = 0; i < node->n_chunks; i++) live->entries[i] = (shf_shard_entry){SHF_SHARD_ABSENT, SHF_SHARD_ABSENT};
    return live;
}

void shf_zarr_count_full(shf_zarr_live *live, size_t i)
{
    if (live->slot[i] & SHF_ZARR_FULL) return;
    live->slot[i] |= SHF_ZARR_FULL;
    live->n_full++;
}

/* What the index on disk says of chunk i becomes known. */
static void take_entry(const shf_zarr_node *node, const shf_array *array, shf_zarr_live *live, size_t i, shf_shard_entry entry)
{
    uint64_t block = shf_zarr_slot_block(node, live->shard, i);
    uint64_t rows = node->published_rows, depth = array->chunk[0];
    bool partial = array->record >= 0 && block == rows / depth;
    live->entries[i] = entry;
    if (shf_shard_entry_absent(entry)) return;
    live->published = true;
    if (entry.offset >= node->plan.far_base) {
        live->slot[i] = entry.offset == shf_shard_slot(&node->plan, i, 0) ? SHF_ZARR_FAR_0 : SHF_ZARR_FAR_1;
    } else if (partial) {
        live->tail = true;
    } else {
        live->end = shf_max_u64(live->end, entry.offset + entry.size);
        shf_zarr_count_full(live, i);
    }
}

/* Published chunks only: a killed writer may have named more. */
static void take_index(const shf_zarr_state *state, size_t index, const shf_shard_entry *entries, shf_zarr_live *live)
{
    const shf_zarr_node *node = &state->nodes[index];
    const shf_array *array = &state->layout->arrays[index];
    uint64_t blocks = shf_ceil_div(node->published_rows, array->chunk[0]);
    for (size_t i = 0; i < node->n_chunks; i++) {
        if (shf_zarr_slot_block(node, live->shard, i) < blocks) {
            take_entry(node, array, live, i, entries[i]);
        } else if (!shf_shard_entry_absent(entries[i])) {
            live->dirty = true;
        }
    }
}

static bool is_published(const shf_zarr_state *state, size_t index, uint64_t shard)
{
    const shf_zarr_node *node = &state->nodes[index];
    return shf_zarr_slot_block(node, shard, 0) < shf_ceil_div(node->published_rows, state->layout->arrays[index].chunk[0]);
}

static sheaf_status fill_live(shf_zarr_state *state, size_t index, shf_zarr_handle *handle, bool repair, shf_zarr_live *live,
                              sheaf_error *err)
{
    uint64_t size;
    SHF_TRY(shf_file_size(&handle->file, &size, err));
    live->far = size >= state->nodes[index].plan.far_base;
    if (!is_published(state, index, live->shard)) return SHEAF_OK;
    sheaf_status status = shf_zarr_load_index(state, handle, true, err);
    /* A shard whose index is lost is given up. */
    if (status == SHEAF_ERR_DAMAGED && repair) {
        live->dirty = live->published = true;
        return SHEAF_OK;
    }
    SHF_TRY(status);
    take_index(state, index, handle->entries, live);
    return SHEAF_OK;
}

/* A shard that no checkpoint published is begun anew; what a killed writer left there goes. */
static sheaf_status prepare(shf_zarr_state *state, size_t index, bool fresh, bool repair, shf_zarr_live *live, sheaf_error *err)
{
    const shf_array *array = &state->layout->arrays[index];
    bool published = is_published(state, index, live->shard);
    shf_zarr_handle *handle;
    SHF_TRY(shf_zarr_acquire(state, index, live->shard, fresh || repair, &handle, err));
    if (!handle) {
        char *path;
        SHF_TRY(shf_zarr_shard_path(state, index, live->shard, &path, err));
        sheaf_status missing =
            shf_fail_at(err, SHEAF_ERR_DAMAGED, path, array->name, -1, -1, "array %s: the shard %s is missing", array->name, path);
        shf_free(path);
        return missing;
    }
    uint64_t size = 0;
    sheaf_status status = fresh && !published ? shf_file_size(&handle->file, &size, err) : SHEAF_OK;
    if (status == SHEAF_OK && size) status = shf_zarr_truncate(state, handle, 0, err);
    if (status == SHEAF_OK && (!fresh || published)) status = fill_live(state, index, handle, repair, live, err);
    shf_zarr_release(state, handle);
    return status;
}

sheaf_status shf_zarr_make_live(shf_zarr_state *state, size_t index, uint64_t shard, bool fresh, bool repair, shf_zarr_live **out,
                                sheaf_error *err)
{
    shf_zarr_node *node = &state->nodes[index];
    *out = shf_zarr_find_live(node, shard);
    if (*out) return SHEAF_OK;
    shf_zarr_live *live = new_live(node, shard);
    if (!live) return shf_fail_memory(err, sizeof *live, "a shard's state");
    sheaf_status status = state->options.writable ? prepare(state, index, fresh, repair, live, err) : SHEAF_OK;
    if (status != SHEAF_OK) {
        free_live(live);
        return status;
    }
    live->next = node->live;
    node->live = live;
    *out = live;
    return SHEAF_OK;
}
