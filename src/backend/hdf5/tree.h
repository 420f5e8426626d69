// SPDX-License-Identifier: Apache-2.0
/* The index of a dataset's chunks: a version 1 B-tree, made whole from a sorted list, every node full.
 * HDF5 File Format Specification 3.0, section III.A.1. */
#ifndef SHF_HDF5_TREE_H
#define SHF_HDF5_TREE_H

#include "backend/hdf5/chunks.h"
#include "backend/hdf5/driver.h"

typedef struct shf_h5_tree {
    uint64_t *positions; /* owned; NULL when every position has a chunk */
    uint64_t n;          /* chunks */
    int depth;           /* level of the root */
    uint64_t levels[16]; /* address of the first node of each level below the root */
} shf_h5_tree;

/* Bytes of one node of this array's tree. */
size_t shf_h5_tree_node_bytes(const shf_array *array);
/* Writes all nodes but the root into the image; there is at least one chunk. */
sheaf_status shf_h5_tree_grow(shf_h5_tree *tree, const shf_array *array, const shf_h5_content *content, shf_h5_medium *image,
                              sheaf_error *err);
/* Writes the root over the node that libhdf5 made for the first chunk. */
sheaf_status shf_h5_tree_root(const shf_h5_tree *tree, const shf_array *array, const shf_h5_content *content, shf_h5_medium *image,
                              uint64_t address, sheaf_error *err);
void shf_h5_tree_free(shf_h5_tree *tree);
/* First element of a chunk along each axis. */
void shf_h5_chunk_start(const shf_array *array, uint64_t index, uint64_t start[SHEAF_MAX_NDIM]);

#endif
