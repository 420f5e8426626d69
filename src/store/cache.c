// SPDX-License-Identifier: Apache-2.0
#include "store/cache.h"

#include <string.h>

#include "base/alloc.h"

#define N_TABLE 1024u

static uint64_t hash_of(size_t array, uint64_t block, uint64_t column)
{
    uint64_t h = (array * 0x9e3779b97f4a7c15u) ^ (block * 0xbf58476d1ce4e5b9u) ^ (column * 0x94d049bb133111ebu);
    return h ^ (h >> 29);
}

static size_t place_of(size_t array, uint64_t block, uint64_t column)
{
    return (size_t)(hash_of(array, block, column) % N_TABLE);
}

sheaf_status shf_cache_init(shf_cache *cache, size_t max_bytes, sheaf_error *err)
{
    memset(cache, 0, sizeof *cache);
    cache->table = shf_calloc(N_TABLE, sizeof *cache->table);
    cache->seen = shf_calloc(N_TABLE, sizeof *cache->seen);
    if (!cache->table || !cache->seen) {
        shf_free(cache->table);
        shf_free(cache->seen);
        return shf_fail_memory(err, N_TABLE * sizeof *cache->table, "the cache");
    }
    cache->max_bytes = max_bytes;
    pthread_mutex_init(&cache->mutex, NULL);
    cache->ready = true;
    return SHEAF_OK;
}

static void unlink_entry(shf_cache *cache, shf_cached *entry)
{
    shf_cached **at = &cache->table[place_of(entry->array, entry->block, entry->column)];
    while (*at != entry) at = &(*at)->chain;
    *at = entry->chain;
    if (entry->newer) entry->newer->older = entry->older;
    else cache->newest = entry->older;
    if (entry->older) entry->older->newer = entry->newer;
    else cache->oldest = entry->newer;
    cache->bytes -= entry->bytes;
    entry->dropped = true;
    if (!entry->users) shf_free(entry);
}

void shf_cache_free(shf_cache *cache)
{
    if (!cache->ready) return;
    while (cache->oldest) unlink_entry(cache, cache->oldest);
    shf_free(cache->table);
    shf_free(cache->seen);
    pthread_mutex_destroy(&cache->mutex);
    cache->ready = false;
}

static void push_newest(shf_cache *cache, shf_cached *entry)
{
    entry->newer = NULL;
    entry->older = cache->newest;
    if (cache->newest) cache->newest->newer = entry;
    else cache->oldest = entry;
    cache->newest = entry;
}

static void make_newest(shf_cache *cache, shf_cached *entry)
{
    if (cache->newest == entry) return;
    entry->newer->older = entry->older;
    if (entry->older) entry->older->newer = entry->newer;
    else cache->oldest = entry->newer;
    push_newest(cache, entry);
}

static shf_cached *lookup(const shf_cache *cache, size_t array, uint64_t block, uint64_t column)
{
    shf_cached *entry = cache->table[place_of(array, block, column)];
    while (entry && (entry->array != array || entry->block != block || entry->column != column)) entry = entry->chain;
    return entry;
}

shf_cached *shf_cache_find(shf_cache *cache, size_t array, uint64_t block, uint64_t column, uint64_t rows)
{
    pthread_mutex_lock(&cache->mutex);
    shf_cached *entry = lookup(cache, array, block, column);
    if (entry && entry->rows < rows) {
        unlink_entry(cache, entry);
        entry = NULL;
    }
    if (entry) {
        entry->users++;
        make_newest(cache, entry);
    }
    pthread_mutex_unlock(&cache->mutex);
    return entry;
}

bool shf_cache_wants(shf_cache *cache, size_t array, uint64_t block, uint64_t column, size_t bytes)
{
    uint32_t fingerprint = (uint32_t)(hash_of(array, block, column) >> 32) | 1;
    size_t place = place_of(array, block, column);
    pthread_mutex_lock(&cache->mutex);
    bool wanted = cache->seen[place] == fingerprint || cache->bytes + bytes > cache->max_bytes;
    cache->seen[place] = fingerprint;
    pthread_mutex_unlock(&cache->mutex);
    return wanted && bytes <= cache->max_bytes;
}

shf_cached *shf_cache_new(size_t array, uint64_t block, uint64_t column, uint64_t rows, size_t bytes)
{
    shf_cached *entry = bytes <= SIZE_MAX - sizeof *entry ? shf_malloc(sizeof *entry + bytes) : NULL;
    if (!entry) return NULL;
    memset(entry, 0, sizeof *entry);
    entry->array = array;
    entry->block = block;
    entry->column = column;
    entry->rows = rows;
    entry->bytes = bytes;
    entry->users = 1;
    entry->dropped = true; /* not in the table yet */
    return entry;
}

void shf_cache_insert(shf_cache *cache, shf_cached *entry)
{
    pthread_mutex_lock(&cache->mutex);
    shf_cached *there = lookup(cache, entry->array, entry->block, entry->column);
    bool keep = entry->bytes <= cache->max_bytes && (!there || there->rows < entry->rows);
    if (keep) {
        if (there) unlink_entry(cache, there);
        while (cache->bytes + entry->bytes > cache->max_bytes && cache->oldest) unlink_entry(cache, cache->oldest);
        size_t place = place_of(entry->array, entry->block, entry->column);
        entry->chain = cache->table[place];
        cache->table[place] = entry;
        push_newest(cache, entry);
        cache->bytes += entry->bytes;
        entry->dropped = false;
    }
    pthread_mutex_unlock(&cache->mutex);
}

void shf_cache_release(shf_cache *cache, shf_cached *entry)
{
    if (!entry) return;
    pthread_mutex_lock(&cache->mutex);
    entry->users--;
    if (!entry->users && entry->dropped) shf_free(entry);
    pthread_mutex_unlock(&cache->mutex);
}
