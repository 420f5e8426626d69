// SPDX-License-Identifier: Apache-2.0
/* Where the chunks of one array lie. A chunk's index is block × columns + column. Not locked: its owner does. */
#ifndef SHF_HDF5_CHUNKS_H
#define SHF_HDF5_CHUNKS_H

#include "backend/backend.h"

typedef struct shf_h5_chunk {
    uint64_t offset; /* in the file; 0: nothing is stored, all fill values */
    uint32_t size;
    uint32_t mask; /* filters that were left out, as H5Dwrite_chunk takes it */
} shf_h5_chunk;

/* Chunks [first, first + n). */
typedef struct shf_h5_chunks {
    shf_h5_chunk *items; /* owned */
    uint64_t first, n, capacity;
    uint64_t bytes; /* sum of the sizes */
    bool from_zero; /* first stays 0; else it is the first index that is set */
} shf_h5_chunks;

/* Sets one chunk; those between what was there and it become absent. An index before the first: SHEAF_ERR_STATE. */
sheaf_status shf_h5_chunks_set(shf_h5_chunks *chunks, uint64_t index, shf_h5_chunk chunk, sheaf_error *err);
/* The chunk, or {0} when it is not there. */
shf_h5_chunk shf_h5_chunks_get(const shf_h5_chunks *chunks, uint64_t index);
void shf_h5_chunks_free(shf_h5_chunks *chunks);

/* What a checkpoint publishes of one array: full chunks, then those of the partial last block. */
typedef struct shf_h5_content {
    const shf_h5_chunk *full; /* Borrowed; index 0 on */
    uint64_t n_full;
    const shf_h5_chunk *partial; /* Borrowed; of each column; NULL: none */
    uint64_t partial_block;
    uint64_t length; /* rows */
    const json_t *attributes;
} shf_h5_content;

/* Chunks of a content that are there. */
uint64_t shf_h5_content_count(const shf_array *array, const shf_h5_content *content);
/* The chunk at a position of the sequence full, partial; *index: its index. Positions: 0 … shf_h5_content_positions - 1. */
uint64_t shf_h5_content_positions(const shf_array *array, const shf_h5_content *content);
shf_h5_chunk shf_h5_content_at(const shf_array *array, const shf_h5_content *content, uint64_t position, uint64_t *index);

/* Goes on with the checksum of an array's chunk index: its chunks in order, those that are not there left out. */
uint32_t shf_h5_index_crc(uint32_t crc, uint64_t index, shf_h5_chunk chunk);

#endif
