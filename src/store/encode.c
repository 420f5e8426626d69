// SPDX-License-Identifier: Apache-2.0
/* Full slabs: encoded by any thread, handed to the back end in the order in which they filled up, one at a time. */
#include <string.h>

#include "base/alloc.h"
#include "base/crc32c.h"
#include "store/store.h"

void shf_encode_queue(sheaf_store *store, shf_slab *slab)
{
    slab->state = SHF_SLAB_QUEUED;
    slab->next_job = NULL;
    if (store->last_job) store->last_job->next_job = slab;
    else store->first_job = slab;
    store->last_job = slab;
    store->n_in_flight++;
}

static sheaf_status reserve_entries(sheaf_store *store, uint64_t extra, sheaf_error *err)
{
    size_t need = store->n_entries + (size_t)extra;
    if (need <= store->entries_capacity) return SHEAF_OK;
    size_t capacity = need * 2;
    shf_entry *entries = shf_realloc(store->entries, capacity * sizeof *entries);
    if (!entries) return shf_fail_memory(err, capacity * sizeof *entries, "the list of chunks");
    store->entries = entries;
    store->entries_capacity = capacity;
    return SHEAF_OK;
}

/* Without the mutex, but with `putting` set: nobody else writes. */
static sheaf_status put_slab(sheaf_store *store, shf_slab *slab, sheaf_error *err)
{
    const shf_array *array = &store->layout.arrays[slab->array];
    for (uint64_t column = 0; column < array->n_columns; column++) {
        shf_buf *chunk = &slab->chunks[column];
        slab->places[column] = (shf_place){.mask = slab->masks[column], .crc = shf_crc32c(0, chunk->data, chunk->size)};
        SHF_TRY(store->ops->put(store->state, slab->array, slab->block, column, chunk->data, chunk->size, &slab->places[column], err));
        shf_scratch_give_buf(&store->scratches, chunk);
    }
    return shf_store_measure(store, err);
}

static sheaf_status keep_entries(sheaf_store *store, const shf_slab *slab, sheaf_error *err)
{
    const shf_array *array = &store->layout.arrays[slab->array];
    SHF_TRY(reserve_entries(store, array->n_columns, err));
    for (uint64_t column = 0; column < array->n_columns; column++) {
        store->entries[store->n_entries++] = (shf_entry){slab->array, slab->block, column, slab->places[column]};
        store->unpublished_bytes += slab->places[column].size;
    }
    store->n_chunks_written += array->n_columns;
    return SHEAF_OK;
}

static void put_first(sheaf_store *store)
{
    shf_slab *slab = store->first_job;
    store->first_job = slab->next_job;
    if (!store->first_job) store->last_job = NULL;
    sheaf_error error = store->failed ? store->failure : slab->error;
    sheaf_status status = store->failed ? store->failed : slab->status;
    if (status == SHEAF_OK) {
        store->putting = true;
        pthread_mutex_unlock(&store->mutex);
        status = put_slab(store, slab, &error);
        pthread_mutex_lock(&store->mutex);
        store->putting = false;
    }
    if (status == SHEAF_OK) status = keep_entries(store, slab, &error);
    if (status == SHEAF_OK) shf_slab_drop_oldest(store, slab->array);
    else (void)shf_store_fail(store, status, &error);
    store->n_in_flight--;
    pthread_cond_broadcast(&store->changed);
}

void shf_encode_run(shf_slab *slab)
{
    sheaf_store *store = slab->store;
    const shf_array *array = &store->layout.arrays[slab->array];
    sheaf_status status = SHEAF_OK;
    for (uint64_t column = 0; status == SHEAF_OK && column < array->n_columns; column++) {
        slab->chunks[column] = shf_scratch_take_buf(&store->scratches);
        status = shf_slab_encode(store, slab, array->chunk[0], column, &slab->chunks[column], &slab->masks[column], &slab->error);
    }
    pthread_mutex_lock(&store->mutex);
    slab->status = status;
    slab->state = SHF_SLAB_ENCODED;
    while (!store->putting && store->first_job && store->first_job->state == SHF_SLAB_ENCODED) put_first(store);
    pthread_mutex_unlock(&store->mutex);
}

/* Runs a queued job of the pool, or waits for a change. */
static void help_or_wait(sheaf_store *store)
{
    pthread_mutex_unlock(&store->mutex);
    int helped = shf_pool_help(store->pool);
    pthread_mutex_lock(&store->mutex);
    if (!helped && store->n_in_flight > 0) pthread_cond_wait(&store->changed, &store->mutex);
}

void shf_encode_drain(sheaf_store *store)
{
    while (store->n_in_flight > 0 || store->putting) help_or_wait(store);
}

void shf_encode_make_room(sheaf_store *store)
{
    while (store->n_in_flight >= store->max_in_flight) help_or_wait(store);
}
