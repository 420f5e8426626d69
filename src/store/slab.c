// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "base/alloc.h"
#include "base/checked.h"
#include "base/dtype.h"
#include "store/store.h"

static size_t slab_bytes(const shf_array *array)
{
    return (size_t)array->chunk[0] * array->row_bytes;
}

/* A record goes to the same row of every array: were all slabs to begin at the same place of a page, these rows would fall into one set of
 * the processor's cache and push each other out. So each array's begins some lines further on. */
static size_t stagger_bytes(size_t array)
{
    return array % 61 * 64;
}

static void free_slab(sheaf_store *store, shf_slab *slab)
{
    if (!slab) return;
    const shf_array *array = &store->layout.arrays[slab->array];
    atomic_fetch_sub(&store->memory_bytes, slab_bytes(array));
    for (uint64_t i = 0; slab->chunks && i < array->n_columns; i++) shf_buf_free(&slab->chunks[i]);
    shf_free(slab->chunks);
    shf_free(slab->masks);
    shf_free(slab->places);
    shf_free(slab->memory);
    shf_free(slab);
}

static shf_slab *new_slab(sheaf_store *store, size_t array)
{
    const shf_array *info = &store->layout.arrays[array];
    shf_slab *slab = shf_calloc(1, sizeof *slab);
    if (!slab) return NULL;
    slab->array = array;
    slab->store = store;
    slab->chunks = shf_calloc((size_t)info->n_columns, sizeof *slab->chunks);
    slab->masks = shf_calloc((size_t)info->n_columns, sizeof *slab->masks);
    slab->places = shf_calloc((size_t)info->n_columns, sizeof *slab->places);
    slab->memory = shf_malloc_aligned(slab_bytes(info) + stagger_bytes(array));
    slab->rows = slab->memory ? slab->memory + stagger_bytes(array) : NULL;
    atomic_fetch_add(&store->memory_bytes, slab_bytes(info));
    if (slab->chunks && slab->masks && slab->places && slab->rows) return slab;
    free_slab(store, slab);
    return NULL;
}

shf_slab *shf_slab_find(const sheaf_store *store, size_t array, uint64_t block)
{
    shf_slab *slab = store->tails[array].newest;
    if (slab && slab->block == block) return slab;
    for (slab = store->tails[array].oldest; slab && slab->block != block;) slab = slab->next;
    return slab;
}

sheaf_status shf_slab_get(sheaf_store *store, size_t array, uint64_t block, shf_slab **out, sheaf_error *err)
{
    shf_tail *tail = &store->tails[array];
    const shf_array *info = &store->layout.arrays[array];
    *out = shf_slab_find(store, array, block);
    if (*out) return SHEAF_OK;
    shf_slab *slab = tail->spares ? tail->spares : new_slab(store, array);
    if (!slab) return shf_fail_memory(err, slab_bytes(info), info->name);
    if (tail->spares) tail->spares = slab->next;
    if (tail->spares) store->n_more_spares--;
    slab->next = NULL;
    slab->block = block;
    slab->first_row = block * info->chunk[0];
    slab->n_new = 0;
    slab->state = SHF_SLAB_FILLING;
    slab->status = SHEAF_OK;
    if (tail->newest) tail->newest->next = slab;
    else tail->oldest = slab;
    tail->newest = slab;
    tail->n_slabs++;
    *out = slab;
    return SHEAF_OK;
}

void shf_slab_drop_oldest(sheaf_store *store, size_t array)
{
    shf_tail *tail = &store->tails[array];
    shf_slab *slab = tail->oldest;
    tail->oldest = slab->next;
    if (!tail->oldest) tail->newest = NULL;
    tail->n_slabs--;
    store->reserved_bytes -= slab->n_new * store->layout.arrays[array].row_bytes;
    slab->n_new = 0;
    for (uint64_t i = 0; i < store->layout.arrays[array].n_columns; i++) shf_buf_free(&slab->chunks[i]);
    if (tail->spares && store->n_more_spares >= store->max_in_flight) {
        free_slab(store, slab);
        return;
    }
    if (tail->spares) store->n_more_spares++;
    slab->next = tail->spares;
    tail->spares = slab;
}

void shf_slab_free_all(sheaf_store *store)
{
    for (size_t i = 0; store->tails && i < store->layout.n_arrays; i++) {
        while (store->tails[i].oldest) shf_slab_drop_oldest(store, i);
        for (shf_slab *next, *slab = store->tails[i].spares; slab; slab = next) {
            next = slab->next;
            free_slab(store, slab);
        }
        store->tails[i].spares = NULL;
    }
}

/* Copies a box of extent[0…ndim) elements between row-major blocks of memory with strides in bytes. */
static void copy_box(int ndim, const uint64_t *extent, uint8_t *to, const size_t *to_stride, const uint8_t *from, const size_t *from_stride,
                     size_t item)
{
    if (ndim == 1) {
        memcpy(to, from, (size_t)extent[0] * item);
        return;
    }
    for (uint64_t i = 0; i < extent[0]; i++)
        copy_box(ndim - 1, extent + 1, to + i * to_stride[0], to_stride + 1, from + i * from_stride[0], from_stride + 1, item);
}

static void strides(const shf_array *array, const uint64_t *shape, size_t *stride)
{
    size_t bytes = array->item_size;
    for (int axis = array->ndim - 1; axis >= 0; axis--) {
        stride[axis] = bytes;
        bytes *= (size_t)shape[axis];
    }
}

void shf_slab_cut(const shf_array *array, const shf_slab *slab, uint64_t n_rows, uint64_t column, void *chunk)
{
    uint64_t at[SHEAF_MAX_NDIM], extent[SHEAF_MAX_NDIM];
    size_t to_stride[SHEAF_MAX_NDIM], from_stride[SHEAF_MAX_NDIM];
    const uint8_t *from = slab->rows;
    bool whole = n_rows == array->chunk[0];
    shf_array_column(array, column, at);
    strides(array, array->chunk, to_stride);
    strides(array, array->shape, from_stride);
    extent[0] = n_rows;
    for (int axis = 1; axis < array->ndim; axis++) {
        uint64_t begin = at[axis] * array->chunk[axis];
        extent[axis] = shf_min_u64(array->chunk[axis], array->shape[axis] - begin);
        whole = whole && extent[axis] == array->chunk[axis];
        from += begin * from_stride[axis];
    }
    if (!whole) shf_dtype_fill(array->dtype, chunk, array->chunk_bytes / array->item_size);
    copy_box(array->ndim, extent, chunk, to_stride, from, from_stride, array->item_size);
}

static sheaf_status encode(sheaf_store *store, const shf_array *array, const void *chunk, shf_buf *out, uint32_t *mask, sheaf_error *err)
{
    shf_scratch *scratch = shf_scratch_take(&store->scratches);
    sheaf_status status = store->ops->encode(scratch ? &scratch->codec : NULL, array, chunk, out, mask, err);
    shf_scratch_give(&store->scratches, scratch);
    return status;
}

sheaf_status shf_slab_encode(sheaf_store *store, const shf_slab *slab, uint64_t n_rows, uint64_t column, shf_buf *out, uint32_t *mask,
                             sheaf_error *err)
{
    const shf_array *array = &store->layout.arrays[slab->array];
    /* Whole rows are the chunk already. */
    if (array->n_columns == 1 && n_rows == array->chunk[0] && array->chunk_bytes == slab_bytes(array))
        return encode(store, array, slab->rows, out, mask, err);
    shf_scratch *scratch = shf_scratch_take(&store->scratches);
    uint8_t *chunk = scratch ? shf_scratch_chunk(scratch, array->chunk_bytes) : NULL;
    sheaf_status status = chunk ? SHEAF_OK : shf_fail_memory(err, array->chunk_bytes, array->name);
    if (status == SHEAF_OK) {
        shf_slab_cut(array, slab, n_rows, column, chunk);
        status = store->ops->encode(&scratch->codec, array, chunk, out, mask, err);
    }
    shf_scratch_give(&store->scratches, scratch);
    return status;
}
