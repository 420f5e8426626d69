// SPDX-License-Identifier: Apache-2.0
/* The partial last chunks, at a checkpoint: encoded by all threads of the pool, a window at a time so that their bytes stay few, and given to
 * the back end in schema order. The mutex is held throughout; appends wait. */
#include "base/alloc.h"
#include "base/checked.h"
#include "store/store.h"

typedef struct partial {
    sheaf_store *store;
    const shf_slab *slab;
    size_t array;
    uint64_t n_rows, column;
    shf_buf bytes;
    uint32_t mask;
    sheaf_status status;
    sheaf_error error;
} partial;

typedef struct window {
    partial *items;
    size_t n, capacity;
} window;

static void encode_partial(partial *p)
{
    p->status = shf_slab_encode(p->store, p->slab, p->n_rows, p->column, &p->bytes, &p->mask, &p->error);
}

static sheaf_status put_window(sheaf_store *store, window *w, sheaf_error *err)
{
    sheaf_status status = SHEAF_OK;
    for (size_t k = 0; k < w->n; k++) shf_pool_submit(store->pool, (shf_job)encode_partial, &w->items[k]);
    shf_pool_wait(store->pool);
    for (size_t k = 0; status == SHEAF_OK && k < w->n; k++) {
        partial *p = &w->items[k];
        status = p->status;
        if (status != SHEAF_OK && err) *err = p->error;
        if (status == SHEAF_OK)
            status = store->ops->put_partial(store->state, p->array, p->slab->block, p->column, p->bytes.data, p->bytes.size, p->mask, err);
    }
    for (size_t k = 0; k < w->n; k++) shf_scratch_give_buf(&store->scratches, &w->items[k].bytes);
    w->n = 0;
    return status;
}

static sheaf_status add_array(sheaf_store *store, window *w, size_t i, sheaf_error *err)
{
    const shf_array *array = &store->layout.arrays[i];
    uint64_t end = store->appended[array->record], n_rows = end % array->chunk[0];
    if (n_rows == 0 || store->tails[i].partial_rows == end) return SHEAF_OK;
    /* Not simply the newest: an append that failed for want of memory may have left an empty one behind it. */
    const shf_slab *slab = shf_slab_find(store, i, end / array->chunk[0]);
    if (!slab)
        return shf_fail_at(err, SHEAF_ERR_DAMAGED, store->path, array->name, (int64_t)(end - n_rows), -1,
                           "%s: the log says that array %s has %llu records, but holds none from %llu on", store->path, array->name,
                           (unsigned long long)end, (unsigned long long)(end - n_rows));
    for (uint64_t column = 0; column < array->n_columns; column++) {
        if (w->n == w->capacity) SHF_TRY(put_window(store, w, err));
        w->items[w->n++] = (partial){
            .store = store, .slab = slab, .array = i, .n_rows = n_rows, .column = column, .bytes = shf_scratch_take_buf(&store->scratches)};
    }
    return SHEAF_OK;
}

sheaf_status shf_store_put_partials(sheaf_store *store, sheaf_error *err)
{
    window w = {.capacity = 2 * ((size_t)shf_pool_threads(store->pool) + 1)};
    w.items = shf_malloc(w.capacity * sizeof *w.items);
    if (!w.items) return shf_fail_memory(err, w.capacity * sizeof *w.items, "a checkpoint");
    sheaf_status status = SHEAF_OK;
    for (size_t i = 0; status == SHEAF_OK && i < store->layout.n_arrays; i++)
        if (store->layout.arrays[i].record >= 0) status = add_array(store, &w, i, err);
    if (status == SHEAF_OK) status = put_window(store, &w, err);
    for (size_t k = 0; k < w.n; k++) shf_buf_free(&w.items[k].bytes);
    shf_free(w.items);
    for (size_t i = 0; status == SHEAF_OK && i < store->layout.n_arrays; i++) {
        const shf_array *array = &store->layout.arrays[i];
        if (array->record >= 0 && store->appended[array->record] % array->chunk[0])
            store->tails[i].partial_rows = store->appended[array->record];
    }
    return status;
}
