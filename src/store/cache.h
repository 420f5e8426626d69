// SPDX-License-Identifier: Apache-2.0
/* Decoded chunks, least recently used out first, within a bound of bytes. Any thread. */
#ifndef SHF_STORE_CACHE_H
#define SHF_STORE_CACHE_H

#include <pthread.h>
#include <stdbool.h>

#include "base/error.h"

typedef struct shf_cached {
    struct shf_cached *newer, *older, *chain;
    size_t array;
    uint64_t block, column;
    uint64_t rows; /* rows of the block that were stored when it was decoded */
    size_t bytes;
    unsigned users;
    bool dropped;
    uint8_t data[];
} shf_cached;

typedef struct shf_cache {
    pthread_mutex_t mutex;
    shf_cached **table;
    size_t n_table;
    shf_cached *newest, *oldest;
    size_t bytes, max_bytes;
    uint32_t *seen; /* fingerprints of chunks that were asked for, by their place */
    bool ready;
} shf_cache;

sheaf_status shf_cache_init(shf_cache *cache, size_t max_bytes, sheaf_error *err);
void shf_cache_free(shf_cache *cache);
/* The chunk with at least `rows` rows, held until shf_cache_release; NULL when it is not there. */
shf_cached *shf_cache_find(shf_cache *cache, size_t array, uint64_t block, uint64_t column, uint64_t rows);
/* Whether a chunk that was not found should be kept: when it was asked for before, or when it takes the place of others. While the cache
 * grows, a wide read that may be the only one of its kind is faster when it touches no new memory. */
bool shf_cache_wants(shf_cache *cache, size_t array, uint64_t block, uint64_t column, size_t bytes);
/* A chunk to fill, held by the caller and not yet in the cache. */
shf_cached *shf_cache_new(size_t array, uint64_t block, uint64_t column, uint64_t rows, size_t bytes);
/* Puts a filled chunk in (older chunks leave); the caller still holds it. */
void shf_cache_insert(shf_cache *cache, shf_cached *entry);
void shf_cache_release(shf_cache *cache, shf_cached *entry);

#endif
