// SPDX-License-Identifier: Apache-2.0
#include "backend/hdf5/tree.h"

#include <string.h>

#include "base/alloc.h"
#include "base/checked.h"

/* Children of a full node: twice the default K of version 1 B-trees for chunks, 32, that a version 2 superblock implies. */
enum { FANOUT = 64, HEADER_BYTES = 24, TYPE_CHUNKS = 1 };

static size_t key_bytes(const shf_array *array)
{
    return 8 + 8 * ((size_t)array->ndim + 1);
}

size_t shf_h5_tree_node_bytes(const shf_array *array)
{
    return HEADER_BYTES + FANOUT * sizeof(uint64_t) + (FANOUT + 1) * key_bytes(array);
}

void shf_h5_chunk_start(const shf_array *array, uint64_t index, uint64_t start[SHEAF_MAX_NDIM])
{
    shf_array_column(array, index % array->n_columns, start);
    start[0] = index / array->n_columns;
    for (int axis = 0; axis < array->ndim; axis++) start[axis] *= array->chunk[axis];
}

static shf_h5_chunk chunk_at(const shf_h5_tree *tree, const shf_array *array, const shf_h5_content *content, uint64_t i, uint64_t *index)
{
    return shf_h5_content_at(array, content, tree->positions ? tree->positions[i] : i, index);
}

/* Key of chunk i; behind the last one a key of size 0 at the point beyond it. */
static void write_key(const shf_h5_tree *tree, const shf_array *array, const shf_h5_content *content, uint64_t i, uint8_t *key)
{
    uint64_t index, start[SHEAF_MAX_NDIM];
    bool beyond = i >= tree->n;
    shf_h5_chunk chunk = chunk_at(tree, array, content, beyond ? tree->n - 1 : i, &index);
    shf_h5_chunk_start(array, index, start);
    shf_set_u32(key, beyond ? 0 : chunk.size);
    shf_set_u32(key + 4, beyond ? 0 : chunk.mask);
    for (int axis = 0; axis < array->ndim; axis++) shf_set_u64(key + 8 + 8 * axis, start[axis] + (beyond ? array->chunk[axis] : 0));
    shf_set_u64(key + 8 + 8 * array->ndim, beyond ? array->item_size : 0);
}

/* Chunks below one child of a node at a level. */
static uint64_t span(int level)
{
    uint64_t n = 1;
    for (int i = 0; i < level; i++) n *= FANOUT;
    return n;
}

static void write_node(const shf_h5_tree *tree, const shf_array *array, const shf_h5_content *content, int level, uint64_t node,
                       uint64_t n_nodes, uint64_t address, uint8_t *out)
{
    size_t bytes = shf_h5_tree_node_bytes(array), child_bytes = shf_h5_tree_node_bytes(array);
    uint64_t step = span(level), first = node * step * FANOUT;
    uint64_t n = shf_min_u64(FANOUT, shf_ceil_div(tree->n - first, step));
    memcpy(out, "TREE", 4);
    out[4] = TYPE_CHUNKS;
    out[5] = (uint8_t)level;
    shf_set_u16(out + 6, (uint16_t)n);
    shf_set_u64(out + 8, node == 0 ? HADDR_UNDEF : address - bytes);
    shf_set_u64(out + 16, node + 1 == n_nodes ? HADDR_UNDEF : address + bytes);
    uint8_t *p = out + HEADER_BYTES;
    for (uint64_t i = 0; i < n; i++) {
        uint64_t index, child;
        write_key(tree, array, content, first + i * step, p);
        p += key_bytes(array);
        child = level == 0 ? chunk_at(tree, array, content, first + i, &index).offset
                           : tree->levels[level - 1] + (node * FANOUT + i) * child_bytes;
        shf_set_u64(p, child);
        p += 8;
    }
    write_key(tree, array, content, shf_min_u64(tree->n, first + n * step), p);
}

/* Positions of the chunks that are there, when some are not. */
static sheaf_status find_chunks(shf_h5_tree *tree, const shf_array *array, const shf_h5_content *content, sheaf_error *err)
{
    uint64_t positions = shf_h5_content_positions(array, content), index;
    tree->n = shf_h5_content_count(array, content);
    if (tree->n == positions) return SHEAF_OK;
    tree->positions = shf_malloc((size_t)tree->n * sizeof *tree->positions);
    if (!tree->positions) return shf_fail_memory(err, (size_t)tree->n * sizeof *tree->positions, "the chunk index");
    uint64_t n = 0;
    for (uint64_t i = 0; i < positions; i++)
        if (shf_h5_content_at(array, content, i, &index).offset) tree->positions[n++] = i;
    return SHEAF_OK;
}

sheaf_status shf_h5_tree_grow(shf_h5_tree *tree, const shf_array *array, const shf_h5_content *content, shf_h5_medium *image,
                              sheaf_error *err)
{
    memset(tree, 0, sizeof *tree);
    SHF_TRY(find_chunks(tree, array, content, err));
    size_t bytes = shf_h5_tree_node_bytes(array);
    for (; shf_ceil_div(tree->n, span(tree->depth)) > FANOUT; tree->depth++) {
        uint64_t n_nodes = shf_ceil_div(tree->n, span(tree->depth + 1)), first;
        SHF_TRY(shf_h5_medium_take(image, (size_t)n_nodes * bytes, &first, err));
        tree->levels[tree->depth] = first;
        for (uint64_t node = 0; node < n_nodes; node++) {
            uint8_t *out = shf_h5_medium_at(image, first + node * bytes, bytes);
            write_node(tree, array, content, tree->depth, node, n_nodes, first + node * bytes, out);
        }
    }
    return SHEAF_OK;
}

/* Over the pages of a file of others. */
static sheaf_status write_root_beside(const shf_h5_tree *tree, const shf_array *array, const shf_h5_content *content, shf_h5_medium *image,
                                      uint64_t address, sheaf_error *err)
{
    size_t bytes = shf_h5_tree_node_bytes(array);
    uint8_t *node = shf_calloc(1, bytes);
    if (!node) return shf_fail_memory(err, bytes, "the chunk index");
    write_node(tree, array, content, tree->depth, 0, 1, address, node);
    sheaf_status status = shf_h5_pages_write(&image->pages, image->before, image->file, address, node, bytes, err);
    shf_free(node);
    return status;
}

sheaf_status shf_h5_tree_root(const shf_h5_tree *tree, const shf_array *array, const shf_h5_content *content, shf_h5_medium *image,
                              uint64_t address, sheaf_error *err)
{
    size_t bytes = shf_h5_tree_node_bytes(array);
    uint8_t *out = shf_h5_medium_at(image, address, bytes);
    if (!out && image->beside && address < image->start) return write_root_beside(tree, array, content, image, address, err);
    if (!out || memcmp(out, "TREE", 4) != 0 || out[4] != TYPE_CHUNKS || shf_get_u16(out + 6) != 1)
        return shf_fail(err, SHEAF_ERR_STATE, "array %s: libhdf5 put its chunk index where it was not expected", array->name);
    memset(out, 0, bytes);
    write_node(tree, array, content, tree->depth, 0, 1, address, out);
    return SHEAF_OK;
}

void shf_h5_tree_free(shf_h5_tree *tree)
{
    shf_free(tree->positions);
    memset(tree, 0, sizeof *tree);
}
