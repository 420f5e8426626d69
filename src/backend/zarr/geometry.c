// SPDX-License-Identifier: Apache-2.0
/* Which chunk lies in which shard, at which place. */
#include <string.h>

#include "backend/zarr/zarr.h"
#include "base/alloc.h"
#include "base/checked.h"
#include "base/dtype.h"

/* Up to 64 chunks, such that chunks in (block, column) order fill one shard after the other: whole trailing axes, one axis in even parts,
 * and row blocks only when every column is in. */
void shf_zarr_choose_shard(const shf_array *array, uint64_t shard[SHEAF_MAX_NDIM])
{
    uint64_t room = SHF_ZARR_SHARD_CHUNKS;
    bool whole = true;
    for (int axis = array->ndim - 1; axis >= 1; axis--) {
        uint64_t grid = array->column_grid[axis], parts = whole ? shf_ceil_div(grid, room) : grid, chunks = shf_ceil_div(grid, parts);
        shard[axis] = chunks * array->chunk[axis];
        whole = whole && parts == 1;
        room = whole ? room / chunks : 1;
    }
    uint64_t blocks = whole ? room : 1;
    if (array->record < 0) blocks = shf_max_u64(1, shf_min_u64(blocks, shf_ceil_div(array->shape[0], array->chunk[0])));
    shard[0] = blocks * array->chunk[0];
}

static bool is_direct(const shf_zarr_node *node, const shf_array *array)
{
    const shf_zarr_chain *chain = &node->meta.chain;
    static const shf_zarr_step step_of[] = {
        [SHEAF_CODEC_BLOSC] = SHF_ZARR_BLOSC, [SHEAF_CODEC_ZSTD] = SHF_ZARR_ZSTD, [SHEAF_CODEC_GZIP] = SHF_ZARR_GZIP};
    int n = array->codec == SHEAF_CODEC_NONE ? 1 : 2;
    return !chain->big_endian && !chain->transposed && chain->n_steps == n && chain->steps[n - 1] == SHF_ZARR_CRC32C &&
           (n == 1 || chain->steps[0] == step_of[array->codec]);
}

static bool is_ours(const shf_zarr_node *node, const shf_array *array)
{
    uint64_t shard[SHEAF_MAX_NDIM] = {0}, fill = 0;
    const shf_zarr_array *meta = &node->meta;
    if (!node->direct || meta->zarr_format != 3 || !meta->sharded || meta->index_at_end || !meta->index_checked || meta->v2_keys ||
        meta->separator != '/' || meta->ndim != array->ndim)
        return false;
    shf_zarr_choose_shard(array, shard);
    for (int i = 0; i < array->ndim; i++) {
        if (shard[i] != meta->shard[i]) return false;
    }
    shf_dtype_fill(array->dtype, &fill, 1);
    return !memcmp(&fill, meta->fill, sizeof fill);
}

sheaf_status shf_zarr_node_finish(shf_zarr_node *node, const shf_array *array, sheaf_error *err)
{
    const shf_zarr_array *meta = &node->meta;
    uint64_t chunks = 1;
    node->n_groups = node->per_shard[0] = 1;
    for (int i = 0; i < meta->ndim; i++) {
        node->per_shard[i] = meta->shard[i] / meta->chunk[i];
        if (!shf_mul_u64(chunks, node->per_shard[i], &chunks) || chunks > SHF_SHARD_MAX_CHUNKS)
            return shf_fail_at(err, SHEAF_ERR_RANGE, NULL, array->name, -1, -1, "array %s: more than %zu chunks in a shard", array->name,
                               SHF_SHARD_MAX_CHUNKS);
        if (i == 0) continue;
        node->shard_grid[i] = shf_ceil_div(meta->shape[i], meta->shard[i]);
        if (!shf_mul_u64(node->n_groups, node->shard_grid[i], &node->n_groups))
            return shf_fail_at(err, SHEAF_ERR_RANGE, NULL, array->name, -1, -1, "array %s: too many shards", array->name);
    }
    node->n_chunks = (size_t)chunks;
    node->direct = is_direct(node, array);
    node->ours = is_ours(node, array);
    /* Foreign codecs may waste more than ours do. */
    node->max_bytes = 2 * (uint64_t)array->chunk_bytes + ((uint64_t)1 << 20);
    if (!node->ours) return SHEAF_OK;
    SHF_TRY(shf_shard_plan_of(node->n_chunks, array->chunk_bytes, &node->plan, err));
    node->max_bytes = node->plan.slot_bytes;
    return SHEAF_OK;
}

sheaf_status shf_zarr_locate(const shf_zarr_state *state, size_t index, uint64_t block, uint64_t column, shf_zarr_spot *spot,
                             sheaf_error *err)
{
    memset(spot, 0, sizeof *spot);
    const shf_array *array = index < state->n_nodes ? &state->layout->arrays[index] : NULL;
    if (!array || column >= array->n_columns || (array->record < 0 && block >= shf_ceil_div(array->shape[0], array->chunk[0])))
        return shf_fail(err, SHEAF_ERR_RANGE, "no chunk (%llu, %llu) in array %zu", (unsigned long long)block, (unsigned long long)column,
                        index);
    const shf_zarr_node *node = &state->nodes[index];
    spot->at[0] = block;
    shf_array_column(array, column, spot->at);
    for (int i = 0; i < node->meta.ndim; i++) {
        spot->slot = spot->slot * (size_t)node->per_shard[i] + (size_t)(spot->at[i] % node->per_shard[i]);
        spot->at[i] /= node->per_shard[i];
        if (i == 0) {
            spot->shard = spot->at[0];
        } else if (!shf_mul_u64(spot->shard, node->shard_grid[i], &spot->shard) || !shf_add_u64(spot->shard, spot->at[i], &spot->shard)) {
            return shf_fail(err, SHEAF_ERR_RANGE, "array %s has too many shards", array->name);
        }
    }
    return SHEAF_OK;
}

void shf_zarr_shard_at(const shf_zarr_node *node, uint64_t shard, uint64_t at[SHEAF_MAX_NDIM])
{
    for (int i = node->meta.ndim - 1; i >= 1; i--) {
        at[i] = shard % node->shard_grid[i];
        shard /= node->shard_grid[i];
    }
    at[0] = shard;
}

sheaf_status shf_zarr_shard_path(const shf_zarr_state *state, size_t index, uint64_t shard, char **out, sheaf_error *err)
{
    const shf_zarr_node *node = &state->nodes[index];
    uint64_t at[SHEAF_MAX_NDIM] = {0};
    char key[SHF_ZARR_MAX_KEY];
    shf_zarr_shard_at(node, shard, at);
    SHF_TRY(shf_zarr_key(&node->meta, at, key, sizeof key, err));
    char *folder = node->folder[0] ? shf_path_join(state->path, node->folder) : shf_strdup(state->path);
    *out = folder ? shf_path_join(folder, key) : NULL;
    shf_free(folder);
    return *out ? SHEAF_OK : shf_fail_memory(err, sizeof key, "a path");
}

size_t shf_zarr_shard_valid(const shf_zarr_node *node, const shf_array *array, uint64_t shard)
{
    uint64_t at[SHEAF_MAX_NDIM] = {0}, valid = 1;
    shf_zarr_shard_at(node, shard, at);
    for (int i = 0; i < node->meta.ndim; i++) {
        uint64_t grid = i ? array->column_grid[i] : array->record < 0 ? shf_ceil_div(array->shape[0], array->chunk[0]) : UINT64_MAX;
        uint64_t first = at[i] * node->per_shard[i];
        valid *= first < grid ? shf_min_u64(node->per_shard[i], grid - first) : 0;
    }
    return (size_t)valid;
}

uint64_t shf_zarr_slot_block(const shf_zarr_node *node, uint64_t shard, size_t slot)
{
    uint64_t at[SHEAF_MAX_NDIM] = {0};
    shf_zarr_shard_at(node, shard, at);
    return at[0] * node->per_shard[0] + slot / (node->n_chunks / (size_t)node->per_shard[0]);
}
