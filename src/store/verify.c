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

/* So many chunks are shared between threads before what was found is told, in their order. */
#define BATCH_CHUNKS 64u

typedef struct chunk_check {
    sheaf_status status;
    bool absent;
    sheaf_error damage;
} chunk_check;

typedef struct check_batch {
    sheaf_store *store;
    shf_pool *pool; /* NULL: none could be made, or there is too little to share */
    size_t i;
    uint64_t first; /* chunk in the order of blocks, then columns */
    size_t n;
    _Atomic size_t next;
    chunk_check checks[BATCH_CHUNKS];
} check_batch;

static void check_chunk(const check_batch *batch, shf_scratch *scratch, uint64_t number, chunk_check *check)
{
    sheaf_store *store = batch->store;
    const shf_array *array = &store->layout.arrays[batch->i];
    uint64_t block = number / array->n_columns, column = number % array->n_columns;
    uint32_t mask = 0;
    check->absent = false;
    uint8_t *chunk = scratch ? shf_scratch_chunk(scratch, array->chunk_bytes) : NULL;
    if (!chunk) {
        check->status = shf_fail_memory(&check->damage, array->chunk_bytes, array->name);
        return;
    }
    shf_buf *bytes = &scratch->encoded;
    check->status = store->ops->get(store->state, batch->i, block, column, bytes, &mask, &check->absent, &check->damage);
    if (check->status == SHEAF_OK && !check->absent)
        check->status = store->ops->decode(&scratch->codec, array, bytes->data, bytes->size, mask, chunk, &check->damage);
}

static void check_some(void *context)
{
    check_batch *batch = context;
    shf_scratch *scratch = shf_scratch_take(&batch->store->scratches);
    for (size_t k; (k = atomic_fetch_add(&batch->next, 1)) < batch->n;) check_chunk(batch, scratch, batch->first + k, &batch->checks[k]);
    shf_scratch_give(&batch->store->scratches, scratch);
}

static void run_batch(check_batch *batch)
{
    unsigned n_threads = batch->pool ? shf_pool_threads(batch->pool) : 0;
    atomic_store(&batch->next, 0);
    for (unsigned t = 0; t < n_threads; t++) shf_pool_submit(batch->pool, check_some, batch);
    check_some(batch);
    if (n_threads) shf_pool_wait(batch->pool);
}

/* Tells what the batch found; with drop gives the damaged chunks up. */
static sheaf_status tell_batch(const check_batch *batch, bool drop, uint64_t before, uint64_t *n_absent, sheaf_error *err)
{
    sheaf_store *store = batch->store;
    const shf_array *array = &store->layout.arrays[batch->i];
    for (size_t k = 0; k < batch->n; k++) {
        const chunk_check *check = &batch->checks[k];
        uint64_t block = (batch->first + k) / array->n_columns, column = (batch->first + k) % array->n_columns,
                 row = block * array->chunk[0];
        *n_absent = check->absent ? *n_absent + 1 : 0;
        if (check->status == SHEAF_ERR_MEMORY) {
            if (err) *err = check->damage;
            return check->status;
        }
        if (check->status != SHEAF_OK) {
            sheaf_error damage = check->damage;
            shf_error_locate(&damage, store->path, array->name, (int64_t)row, -1);
            shf_store_tell(store, &damage);
            if (drop && store->ops->drop) SHF_TRY(store->ops->drop(store->state, batch->i, block, column, err));
        }
        if (store->n_given_up - before > MOST_DAMAGED || *n_absent > MOST_ABSENT)
            return shf_fail_at(err, SHEAF_ERR_DAMAGED, store->path, array->name, (int64_t)row, -1,
                               "array %s claims %llu records, but from record %llu on too many chunks are damaged or not there",
                               array->name, (unsigned long long)shf_store_rows(store, array), (unsigned long long)row);
    }
    return SHEAF_OK;
}

static sheaf_status check_chunks(sheaf_store *store, size_t i, bool drop, sheaf_error *err)
{
    const shf_array *array = &store->layout.arrays[i];
    uint64_t n_blocks = shf_ceil_div(stored_rows(store, i), array->chunk[0]), n_chunks, n_absent = 0, before = store->n_given_up;
    if (!shf_mul_u64(n_blocks, array->n_columns, &n_chunks)) n_chunks = UINT64_MAX;
    check_batch *batch = shf_malloc(sizeof *batch);
    if (!batch) return shf_fail_memory(err, sizeof *batch, "checking");
    batch->store = store;
    batch->i = i;
    batch->pool = NULL;
    unsigned n_threads = (unsigned)shf_min_u64(store->options.n_threads, BATCH_CHUNKS);
    if (n_threads && n_chunks > 1 && shf_min_u64(n_chunks, BATCH_CHUNKS) * array->chunk_bytes >= SHF_MIN_SHARED_BYTES)
        (void)shf_pool_create(n_threads, n_threads, &batch->pool, NULL);
    sheaf_status status = SHEAF_OK;
    for (batch->first = 0; status == SHEAF_OK && batch->first < n_chunks; batch->first += batch->n) {
        batch->n = (size_t)shf_min_u64(BATCH_CHUNKS, n_chunks - batch->first);
        run_batch(batch);
        status = tell_batch(batch, drop, before, &n_absent, err);
    }
    shf_pool_free(batch->pool);
    shf_free(batch);
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

/* A dead writer's log: frames behind a damaged one are lost. Beside a living one the end moves on, and its frames are read by its commits. */
static sheaf_status check_log(sheaf_store *store, sheaf_error *err)
{
    bool alive = false, same = false, changed;
    if (!shf_store_has_log(store) || store->log.file.fd < 0) return SHEAF_OK;
    SHF_TRY(shf_file_owned(&store->log.file, &alive, err));
    if (!alive) SHF_TRY(shf_log_check(&store->log, &same, err));
    if (!alive && store->log.header.generation == 0) same = true;
    if (!same) return SHEAF_OK;
    /* What it may have written since, before it ended. */
    if (store->log.header.generation) SHF_TRY(shf_replay(store, &changed, err));
    return shf_replay_tell_lost(store, err);
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
    status = check_log(store, err);
    if (status == SHEAF_OK) status = check_all(store, false, err);
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
