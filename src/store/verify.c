// SPDX-License-Identifier: Apache-2.0
/* Reading everything to see whether it is whole; and giving up what is not, so that the rest can be used. */
#include <string.h>

#include "base/alloc.h"
#include "base/checked.h"
#include "store/store.h"

void shf_store_tell(sheaf_store *store, const sheaf_error *damage)
{
    store->n_given_up++;
    if (store->tell_damage) store->tell_damage(store->tell_context, damage);
}

static void tell(void *context, const sheaf_error *damage)
{
    shf_store_tell(context, damage);
}

/* Rows that lie in stored chunks; what is beyond is held raw and was checked by the log's checksums. */
static uint64_t stored_rows(const sheaf_store *store, size_t i)
{
    const shf_slab *oldest = store->tails[i].oldest;
    uint64_t rows = shf_store_rows(store, &store->layout.arrays[i]);
    return oldest ? shf_min_u64(rows, oldest->first_row) : rows;
}

/* What a store claims is not believed for ever: so many damaged chunks of an array end its check, and so many in a row that are not there. */
#define MOST_DAMAGED 10000u
#define MOST_ABSENT ((uint64_t)1 << 21)

static sheaf_status check_chunk(sheaf_store *store, size_t i, uint64_t block, uint64_t column, shf_scratch *scratch, bool drop,
                                uint64_t *n_absent, sheaf_error *err)
{
    const shf_array *array = &store->layout.arrays[i];
    uint32_t mask = 0;
    bool absent = false;
    sheaf_error damage;
    shf_buf *bytes = &scratch->encoded;
    sheaf_status status = store->ops->get(store->state, i, block, column, bytes, &mask, &absent, &damage);
    *n_absent = absent ? *n_absent + 1 : 0;
    if (status == SHEAF_OK && !absent)
        status = store->ops->decode(&scratch->codec, array, bytes->data, bytes->size, mask, scratch->chunk, &damage);
    if (status == SHEAF_OK) return SHEAF_OK;
    if (status == SHEAF_ERR_MEMORY) {
        if (err) *err = damage;
        return status;
    }
    shf_error_locate(&damage, store->path, array->name, (int64_t)(block * array->chunk[0]), -1);
    shf_store_tell(store, &damage);
    return drop && store->ops->drop ? store->ops->drop(store->state, i, block, column, err) : SHEAF_OK;
}

static sheaf_status check_chunks(sheaf_store *store, size_t i, bool drop, sheaf_error *err)
{
    const shf_array *array = &store->layout.arrays[i];
    uint64_t rows = stored_rows(store, i), n_blocks = shf_ceil_div(rows, array->chunk[0]), n_absent = 0, before = store->n_given_up;
    shf_scratch *scratch = shf_scratch_take(&store->scratches);
    sheaf_status status =
        scratch && shf_scratch_chunk(scratch, array->chunk_bytes) ? SHEAF_OK : shf_fail_memory(err, array->chunk_bytes, array->name);
    for (uint64_t block = 0; status == SHEAF_OK && block < n_blocks; block++)
        for (uint64_t column = 0; status == SHEAF_OK && column < array->n_columns; column++) {
            status = check_chunk(store, i, block, column, scratch, drop, &n_absent, err);
            if (status == SHEAF_OK && (store->n_given_up - before > MOST_DAMAGED || n_absent > MOST_ABSENT))
                status = shf_fail_at(err, SHEAF_ERR_DAMAGED, store->path, array->name, (int64_t)(block * array->chunk[0]), -1,
                                     "array %s claims %llu records, but from record %llu on too many chunks are damaged or not there",
                                     array->name, (unsigned long long)rows, (unsigned long long)(block * array->chunk[0]));
        }
    shf_scratch_give(&store->scratches, scratch);
    return status;
}

/* In-place rows: all must be there to be read; checksums are the back end's business. */
static sheaf_status check_rows(sheaf_store *store, size_t i, sheaf_error *err)
{
    const shf_array *array = &store->layout.arrays[i];
    uint64_t rows = shf_store_rows(store, array), batch = shf_max_u64(1, ((uint64_t)1 << 20) / array->row_bytes);
    uint8_t *buffer = shf_malloc((size_t)batch * array->row_bytes);
    if (!buffer) return shf_fail_memory(err, (size_t)batch * array->row_bytes, array->name);
    for (uint64_t row = 0; row < rows; row += batch) {
        sheaf_error damage;
        uint64_t n = shf_min_u64(batch, rows - row);
        if (store->ops->get_rows(store->state, i, row, n, 0, array->row_bytes, buffer, &damage) == SHEAF_OK) continue;
        shf_error_locate(&damage, store->path, array->name, (int64_t)row, -1);
        shf_store_tell(store, &damage);
    }
    shf_free(buffer);
    return SHEAF_OK;
}

static sheaf_status check_all(sheaf_store *store, bool drop, sheaf_error *err)
{
    if (store->ops->verify) SHF_TRY(store->ops->verify(store->state, tell, store, err));
    for (size_t i = 0; i < store->layout.n_arrays; i++)
        SHF_TRY(shf_store_by_rows(store) ? check_rows(store, i, err) : check_chunks(store, i, drop, err));
    return SHEAF_OK;
}

/* Metadata that cannot be read as what they should be, or a part that is not there, in what is a store at all. */
static bool is_damage(const char *path, sheaf_status status)
{
    const shf_backend_ops *ops;
    switch (status) {
    case SHEAF_ERR_DAMAGED:
    case SHEAF_ERR_INPUT:
    case SHEAF_ERR_TRUNCATED:
    case SHEAF_ERR_RANGE:
    case SHEAF_ERR_MISMATCH: return true;
    case SHEAF_ERR_NOT_FOUND: return shf_backend_find(NULL, path, &ops, NULL) == SHEAF_OK && ops->probe && ops->probe(path);
    default: return false;
    }
}

sheaf_status sheaf_store_verify(const char *path, sheaf_damage_callback callback, void *context, uint64_t *n_damaged, sheaf_error *err)
{
    if (!path || !n_damaged) return shf_fail(err, SHEAF_ERR_ARGUMENT, "sheaf_store_verify: NULL");
    *n_damaged = 0;
    sheaf_store *store = NULL;
    sheaf_error damage;
    sheaf_status status = sheaf_store_open(path, NULL, &store, &damage);
    if (status != SHEAF_OK && is_damage(path, status)) {
        *n_damaged = 1;
        shf_error_locate(&damage, path, NULL, -1, -1);
        if (callback) callback(context, &damage);
        return SHEAF_OK;
    }
    if (status != SHEAF_OK) {
        if (err) *err = damage;
        return status;
    }
    store->tell_damage = callback;
    store->tell_context = context;
    status = check_all(store, false, err);
    *n_damaged = store->n_given_up;
    sheaf_store_free(&store);
    return status;
}

sheaf_status sheaf_store_repair(const char *path, sheaf_damage_callback callback, void *context, uint64_t *n_given_up, sheaf_error *err)
{
    if (!path || !n_given_up) return shf_fail(err, SHEAF_ERR_ARGUMENT, "sheaf_store_repair: NULL");
    *n_given_up = 0;
    sheaf_store *store = NULL;
    sheaf_store_options options = sheaf_store_options_init();
    options.commit_interval_ms = options.checkpoint_interval_ms = 0;
    SHF_TRY(shf_store_open_writer(path, &options, true, callback, context, &store, err));
    sheaf_status status = check_all(store, true, err);
    *n_given_up = store->n_given_up;
    sheaf_status closed = sheaf_store_close(&store, status == SHEAF_OK ? err : NULL);
    return status != SHEAF_OK ? status : closed;
}
