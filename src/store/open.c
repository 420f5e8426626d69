// SPDX-License-Identifier: Apache-2.0
/* The life of a store's handle: opened, recovered, closed (made: create.c). */
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "backend/schema.h"
#include "base/alloc.h"
#include "base/checked.h"
#include "base/clock.h"
#include "store/store.h"

#define MAX_THREADS 64u
/* A reader that meets one checkpoint after the other tries at least so often and so long. */
#define FOLLOW_ATTEMPTS 64
#define FOLLOW_NS ((uint64_t)2000000000)
#define CACHE_MAX_BYTES ((uint64_t)64 << 20)

sheaf_store_options sheaf_store_options_init(void)
{
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    unsigned threads = processors > 1 ? (unsigned)shf_min_u64((uint64_t)processors - 1, 8) : 0;
    return (sheaf_store_options){
        .size_bytes = sizeof(sheaf_store_options),
        .n_threads = threads,
        .memory_bytes = (uint64_t)256 << 20,
        .commit_bytes = (uint64_t)64 << 20,
        .commit_interval_ms = 1000,
        .checkpoint_interval_ms = 10000,
    };
}

static sheaf_status take_options(sheaf_store *store, const sheaf_store_options *options, sheaf_error *err)
{
    store->options = options ? *options : sheaf_store_options_init();
    store->options.format = NULL; /* borrowed, and not needed any more */
    if (store->options.size_bytes != sizeof(sheaf_store_options))
        return shf_fail(err, SHEAF_ERR_ARGUMENT, "the store's options have %zu bytes, expected %zu: make them by sheaf_store_options_init",
                        store->options.size_bytes, sizeof(sheaf_store_options));
    if (store->options.n_threads > MAX_THREADS)
        return shf_fail(err, SHEAF_ERR_ARGUMENT, "%u encoding threads, allowed are 0 to %u", store->options.n_threads, MAX_THREADS);
    if (store->options.memory_bytes < (uint64_t)1 << 20)
        return shf_fail(err, SHEAF_ERR_ARGUMENT, "a memory bound of %llu bytes, at least 1 MiB is needed",
                        (unsigned long long)store->options.memory_bytes);
    return SHEAF_OK;
}

sheaf_status shf_store_new(const char *path, const shf_backend_ops *ops, const sheaf_store_options *options, sheaf_store **out,
                           sheaf_error *err)
{
    sheaf_store *store = shf_calloc(1, sizeof *store);
    if (!store) return shf_fail_memory(err, sizeof *store, "a store");
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_mutex_init(&store->mutex, NULL);
    shf_scratches_init(&store->scratches);
    pthread_cond_init(&store->changed, &attributes);
    pthread_cond_init(&store->ticker_wakes, &attributes);
    pthread_condattr_destroy(&attributes);
    shf_log_init(&store->log);
    store->ops = ops;
    store->path = shf_strdup(path);
    for (size_t n = store->path ? strlen(store->path) : 0; n > 1 && store->path[n - 1] == '/'; n--) store->path[n - 1] = '\0';
    sheaf_status status = store->path ? take_options(store, options, err) : shf_fail_memory(err, strlen(path), "a path");
    if (status == SHEAF_OK)
        status = shf_cache_init(&store->cache, (size_t)shf_min_u64(store->options.memory_bytes / 8, CACHE_MAX_BYTES), err);
    if (status == SHEAF_OK) *out = store;
    else shf_store_destroy(store);
    return status;
}

void shf_store_destroy(sheaf_store *store)
{
    if (!store) return;
    size_t n_records = store->layout.n_records;
    shf_pool_free(store->pool);
    shf_slab_free_all(store);
    if (store->state) (void)store->ops->close(store->state, NULL);
    shf_cache_free(&store->cache);
    shf_scratches_free(&store->scratches);
    (void)shf_log_close(&store->log, false, NULL);
    shf_layout_free(&store->layout);
    pthread_mutex_destroy(&store->mutex);
    pthread_cond_destroy(&store->changed);
    pthread_cond_destroy(&store->ticker_wakes);
    shf_free(store->entries);
    shf_free(store->attributes_changed);
    for (size_t i = 0; store->tables && i < n_records; i++) {
        shf_free(store->tables[i].arrays);
        shf_free(store->tables[i].cursors);
    }
    shf_free(store->tables);
    shf_free(store->tails);
    shf_free(store->appended);
    shf_free(store->base);
    shf_free(store->path);
    shf_free(store);
}

static sheaf_status make_table(sheaf_store *store, size_t record, sheaf_error *err)
{
    shf_table *table = &store->tables[record];
    table->arrays = shf_calloc(store->layout.n_arrays, sizeof *table->arrays);
    table->cursors = shf_calloc(store->layout.n_arrays, sizeof *table->cursors);
    if (!table->arrays || !table->cursors) return shf_fail_memory(err, store->layout.n_arrays * sizeof *table->cursors, "a store");
    for (size_t i = 0; i < store->layout.n_arrays; i++) {
        if (store->layout.arrays[i].record != (int)record) continue;
        table->arrays[table->n_arrays++] = i;
        table->record_bytes += store->layout.arrays[i].row_bytes;
    }
    return SHEAF_OK;
}

sheaf_status shf_store_make_tables(sheaf_store *store, sheaf_error *err)
{
    store->base = shf_calloc(store->layout.n_records, sizeof *store->base);
    store->appended = shf_calloc(store->layout.n_records, sizeof *store->appended);
    store->tables = shf_calloc(store->layout.n_records, sizeof *store->tables);
    store->tails = shf_calloc(store->layout.n_arrays, sizeof *store->tails);
    store->attributes_changed = shf_calloc(store->layout.n_arrays + 1, sizeof *store->attributes_changed);
    if (!store->base || !store->appended || !store->tables || !store->tails || !store->attributes_changed)
        return shf_fail_memory(err, store->layout.n_arrays * sizeof *store->tails, "a store");
    for (size_t i = 0; i < store->layout.n_arrays; i++) store->tails[i].partial_rows = UINT64_MAX;
    for (size_t i = 0; i < store->layout.n_records; i++) SHF_TRY(make_table(store, i, err));
    return SHEAF_OK;
}

static void set_base(sheaf_store *store)
{
    for (size_t i = 0; i < store->layout.n_records; i++) store->base[i] = store->layout.records[i].length;
}

sheaf_status shf_store_plan_memory(sheaf_store *store, sheaf_error *err)
{
    uint64_t slabs = 0, largest = 1;
    for (size_t i = 0; i < store->layout.n_arrays; i++) {
        const shf_array *array = &store->layout.arrays[i];
        if (array->record < 0) continue;
        slabs += array->chunk[0] * array->row_bytes;
        largest = shf_max_u64(largest, array->chunk[0] * array->row_bytes);
    }
    /* Beside the slabs: one more of the largest that is encoded, its encoded bytes, and the frame of a commit. */
    uint64_t need = slabs + 2 * largest + store->cache.max_bytes, memory = store->options.memory_bytes;
    if (need > memory && !shf_store_by_rows(store))
        return shf_fail_at(err, SHEAF_ERR_ARGUMENT, store->path, NULL, -1, -1,
                           "the memory bound of %llu bytes is too small: the chunks of %s need %llu", (unsigned long long)memory,
                           store->path, (unsigned long long)need);
    uint64_t room = memory > need ? (memory - need) / (2 * largest) : 0;
    store->max_in_flight = (size_t)shf_max_u64(1, shf_min_u64(room, 2 * (uint64_t)store->options.n_threads + 2));
    store->scratches.max_buf_bytes = (size_t)(store->max_in_flight * largest);
    return shf_pool_create(shf_store_by_rows(store) ? 0 : store->options.n_threads, store->max_in_flight, &store->pool, err);
}

/* ---- readers ---- */

static void forget_tail(sheaf_store *store)
{
    for (size_t i = 0; i < store->layout.n_arrays; i++)
        while (store->tails[i].oldest) shf_slab_drop_oldest(store, i);
}

/* Metadata and log, again until both belong together: a checkpoint may come in between. */
static sheaf_status follow(sheaf_store *store, bool fresh, sheaf_error *err)
{
    sheaf_status status = SHEAF_OK;
    uint64_t begun = shf_clock_ns();
    for (int i = 0; i < FOLLOW_ATTEMPTS || shf_clock_ns() - begun < FOLLOW_NS; i++) {
        if (i >= FOLLOW_ATTEMPTS) nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
        bool there = false, changed = false, same = true;
        if (!fresh) SHF_TRY(store->ops->refresh(store->state, err));
        fresh = false;
        set_base(store);
        forget_tail(store);
        if (!shf_store_has_log(store)) return SHEAF_OK;
        SHF_TRY(shf_log_attach(&store->log, store->ops->sidecar(store->path), &there, err));
        if (!there) return SHEAF_OK;
        sheaf_error local;
        status = shf_replay(store, &changed, &local);
        if (status == SHEAF_OK) return SHEAF_OK;
        if (status != SHEAF_ERR_STATE) {
            SHF_TRY(shf_log_check(&store->log, &same, err));
            if (same) {
                if (err) *err = local;
                return status;
            }
        }
    }
    return shf_fail_at(err, SHEAF_ERR_BUSY, store->path, NULL, -1, -1, "%s changes faster than it can be read", store->path);
}

sheaf_status sheaf_store_open(const char *path, const sheaf_store_options *options, sheaf_store **out, sheaf_error *err)
{
    if (!path || !out) return shf_fail(err, SHEAF_ERR_ARGUMENT, "sheaf_store_open: NULL");
    *out = NULL;
    const shf_backend_ops *ops;
    sheaf_store *store = NULL;
    shf_path_kind kind;
    SHF_TRY(shf_path_stat(path, &kind, NULL, err));
    if (kind == SHF_PATH_NONE) return shf_fail_at(err, SHEAF_ERR_NOT_FOUND, path, NULL, -1, -1, "there is no store at %s", path);
    SHF_TRY(shf_backend_find(options ? options->format : NULL, path, &ops, err));
    SHF_TRY(shf_store_new(path, ops, options, &store, err));
    const shf_backend_options backend = {.writable = false};
    sheaf_status status = ops->open(store->path, &backend, &store->layout, &store->state, err);
    if (status == SHEAF_OK) status = shf_store_make_tables(store, err);
    if (status == SHEAF_OK) status = follow(store, true, err);
    if (status == SHEAF_OK) *out = store;
    else shf_store_destroy(store);
    return status;
}

sheaf_status sheaf_store_refresh(sheaf_store *store, bool *changed, sheaf_error *err)
{
    if (changed) *changed = false;
    if (!store) return shf_fail(err, SHEAF_ERR_ARGUMENT, "sheaf_store_refresh: NULL");
    if (store->writable) return SHEAF_OK;
    pthread_mutex_lock(&store->mutex);
    uint64_t before = 0, after = 0;
    bool same = false, grew = false;
    sheaf_status status = SHEAF_OK;
    for (size_t i = 0; i < store->layout.n_records; i++) before += store->layout.records[i].length;
    if (store->log.file.fd >= 0) status = shf_log_check(&store->log, &same, err);
    if (status == SHEAF_OK && same) {
        /* A failure may come from a checkpoint that was made meanwhile: then, and only then, all is read anew. */
        sheaf_error local;
        sheaf_status replayed = shf_replay(store, &grew, &local);
        status = shf_log_check(&store->log, &same, err);
        if (replayed == SHEAF_ERR_STATE) same = false;
        if (status == SHEAF_OK && same && replayed != SHEAF_OK) {
            if (err) *err = local;
            status = replayed;
        }
    }
    if (status == SHEAF_OK && !same) status = follow(store, false, err);
    for (size_t i = 0; i < store->layout.n_records; i++) after += store->layout.records[i].length;
    if (changed) *changed = status == SHEAF_OK && after != before;
    pthread_mutex_unlock(&store->mutex);
    return status;
}

/* *any = false: the log is none that tells lengths, or no longer there. */
static sheaf_status peek_log(sheaf_store *store, uint64_t *lengths, bool *any)
{
    bool there = false;
    *any = false;
    if (store->writable || store->log.file.fd < 0 || !shf_store_has_log(store)) return SHEAF_OK;
    SHF_TRY(shf_file_is_at(&store->log.file, store->log.path, &there, NULL));
    return there ? shf_replay_lengths(store, lengths, any, NULL) : SHEAF_OK;
}

sheaf_status sheaf_store_peek(sheaf_store *store, uint64_t *lengths, sheaf_error *err)
{
    bool any;
    if (!store || !lengths) return shf_fail(err, SHEAF_ERR_ARGUMENT, "sheaf_store_peek: NULL");
    pthread_mutex_lock(&store->mutex);
    /* Whatever was wrong with the log, a refresh tells it better. */
    bool seen = peek_log(store, lengths, &any) == SHEAF_OK && any;
    pthread_mutex_unlock(&store->mutex);
    if (!seen) SHF_TRY(sheaf_store_refresh(store, NULL, err));
    pthread_mutex_lock(&store->mutex);
    for (size_t i = 0; i < store->layout.n_records; i++)
        lengths[i] = seen ? shf_max_u64(lengths[i], store->layout.records[i].length) : store->layout.records[i].length;
    pthread_mutex_unlock(&store->mutex);
    return SHEAF_OK;
}

/* ---- writers ---- */

sheaf_status shf_store_finish_redo(sheaf_store *store, sheaf_error *err)
{
    shf_log_payload payload;
    sheaf_status status = SHEAF_OK;
    for (bool more = true; status == SHEAF_OK && more;) {
        status = shf_log_read(&store->log, &payload, &more, err);
        if (status != SHEAF_OK || !more) break;
        shf_log_cursor cursor = {payload.bytes, payload.bytes + payload.n};
        shf_log_section section;
        bool any;
        if (shf_log_next(&cursor, &section, &any, NULL) == SHEAF_OK && any && section.type == SHF_LOG_REDO && store->ops->redo)
            status = store->ops->redo(store->path, section.bytes, section.n_bytes, err);
    }
    shf_log_rewind(&store->log);
    return status;
}

/* Row blocks that were full when the writer died but not stored yet. */
static void queue_full_slabs(sheaf_store *store)
{
    for (size_t i = 0; i < store->layout.n_arrays; i++) {
        const shf_array *array = &store->layout.arrays[i];
        if (array->record < 0) continue;
        while (store->tails[i].oldest && (store->tails[i].oldest->block + 1) * array->chunk[0] <= store->appended[array->record]) {
            shf_slab *slab = store->tails[i].oldest;
            pthread_mutex_lock(&store->mutex);
            shf_encode_queue(store, slab);
            pthread_mutex_unlock(&store->mutex);
            shf_encode_run(slab);
            if (store->failed) return;
        }
    }
}

static sheaf_status recover(sheaf_store *store, bool was_there, sheaf_error *err)
{
    const shf_backend_options backend = {.sync = store->options.sync, .writable = true, .repair = store->repairing};
    bool changed;
    bool by_log = was_there && shf_store_has_log(store) && store->log.header.generation != 0;
    if (by_log) SHF_TRY(shf_store_finish_redo(store, err));
    SHF_TRY(store->ops->open(store->path, &backend, &store->layout, &store->state, err));
    SHF_TRY(shf_store_make_tables(store, err));
    set_base(store);
    SHF_TRY(shf_store_plan_memory(store, err));
    if (!shf_store_by_rows(store)) SHF_TRY(shf_replay_load_partials(store, err));
    if (by_log) SHF_TRY(shf_replay(store, &changed, err));
    if (was_there && store->repairing && shf_store_has_log(store)) SHF_TRY(shf_replay_tell_lost(store, err));
    for (size_t i = 0; i < store->layout.n_records; i++) store->appended[i] = store->layout.records[i].length;
    for (size_t i = 0; i < store->layout.n_arrays; i++)
        if (store->layout.arrays[i].record >= 0) store->tails[i].written_rows = store->appended[store->layout.arrays[i].record];
    store->writable = true;
    queue_full_slabs(store);
    SHF_TRY(shf_store_check(store, err));
    if (!by_log) {
        SHF_TRY(shf_log_restart(&store->log, store->ops->name, store->layout.n_arrays, store->layout.n_records, 0, err));
        SHF_TRY(shf_store_begin_log(store, err));
        return shf_store_measure(store, err);
    }
    pthread_mutex_lock(&store->mutex);
    sheaf_status status = shf_checkpoint_locked(store, false, err);
    pthread_mutex_unlock(&store->mutex);
    return status;
}

sheaf_status shf_store_open_writer(const char *path, const sheaf_store_options *options, bool repair, sheaf_damage_callback tell,
                                   void *context, sheaf_store **out, sheaf_error *err)
{
    const shf_backend_ops *ops;
    sheaf_store *store = NULL;
    shf_path_kind kind;
    bool was_there = false;
    SHF_TRY(shf_path_stat(path, &kind, NULL, err));
    if (kind == SHF_PATH_NONE) return shf_fail_at(err, SHEAF_ERR_NOT_FOUND, path, NULL, -1, -1, "there is no store at %s", path);
    SHF_TRY(shf_backend_find(options ? options->format : NULL, path, &ops, err));
    if (ops->probe && !ops->probe(path))
        return shf_fail_at(err, SHEAF_ERR_NOT_FOUND, path, NULL, -1, -1, "%s is no %s store", path, ops->name);
    SHF_TRY(shf_store_new(path, ops, options, &store, err));
    store->repairing = repair;
    store->tell_damage = tell;
    store->tell_context = context;
    sheaf_status status = shf_log_acquire(&store->log, ops->sidecar(store->path), store->options.sync, &was_there, err);
    if (status == SHEAF_OK) status = recover(store, was_there, err);
    if (status == SHEAF_OK) status = shf_ticker_start(store, err);
    if (status == SHEAF_OK) {
        *out = store;
        return SHEAF_OK;
    }
    /* A log that this call made is taken away again; one that was there keeps what it knows. */
    if (!was_there && store->log.file.fd >= 0) (void)shf_log_close(&store->log, true, NULL);
    shf_store_destroy(store);
    return status;
}

sheaf_status sheaf_store_open_append(const char *path, const sheaf_store_options *options, sheaf_store **out, sheaf_error *err)
{
    if (!path || !out) return shf_fail(err, SHEAF_ERR_ARGUMENT, "sheaf_store_open_append: NULL");
    *out = NULL;
    return shf_store_open_writer(path, options, false, NULL, NULL, out, err);
}

/* The last checkpoint; an outside reader that holds the file is waited for, but not for ever. */
static sheaf_status final_checkpoint(sheaf_store *store, sheaf_error *err)
{
    sheaf_status status = SHEAF_OK;
    for (int i = 0; i < 50; i++) {
        uint64_t before = store->n_checkpoints;
        pthread_mutex_lock(&store->mutex);
        status = shf_checkpoint_locked(store, true, err);
        pthread_mutex_unlock(&store->mutex);
        if (status != SHEAF_OK || store->n_checkpoints != before) return status;
        nanosleep(&(struct timespec){.tv_nsec = 100000000}, NULL);
    }
    return shf_fail_at(err, SHEAF_ERR_BUSY, store->path, NULL, -1, -1,
                       "%s is held by an outside reader: what is committed stays in the tail log until the store is opened again",
                       store->path);
}

sheaf_status sheaf_store_close(sheaf_store **slot, sheaf_error *err)
{
    if (!slot || !*slot) return SHEAF_OK;
    sheaf_store *store = *slot;
    *slot = NULL;
    sheaf_status status = SHEAF_OK;
    if (store->writable) {
        shf_ticker_stop(store);
        status = final_checkpoint(store, err);
        shf_pool_free(store->pool);
        store->pool = NULL;
        sheaf_status closed = store->ops->close(store->state, status == SHEAF_OK ? err : NULL);
        store->state = NULL;
        if (status == SHEAF_OK) status = closed;
        closed = shf_log_close(&store->log, status == SHEAF_OK, status == SHEAF_OK ? err : NULL);
        if (status == SHEAF_OK) status = closed;
    }
    shf_store_destroy(store);
    return status;
}

static bool all_committed(const sheaf_store *store)
{
    if (store->any_attributes_changed) return false;
    for (size_t i = 0; i < store->layout.n_records; i++)
        if (store->appended[i] != store->layout.records[i].length) return false;
    return true;
}

void sheaf_store_free(sheaf_store **slot)
{
    if (!slot || !*slot) return;
    sheaf_store *store = *slot;
    *slot = NULL;
    if (!store->writable) {
        shf_store_destroy(store);
        return;
    }
    shf_ticker_stop(store);
    bool volatile_store = (store->ops->flags & SHF_BACKEND_VOLATILE) != 0;
    if (!volatile_store && !store->failed && all_committed(store)) {
        sheaf_status closed = sheaf_store_close(&store, NULL);
        (void)closed; /* nobody asks; what is committed is in the log at least */
        return;
    }
    /* Nothing more is put; then the store is opened as after a crash, which drops what was not committed, and closed whole. */
    bool again = !volatile_store && !store->failed;
    sheaf_error cancelled;
    pthread_mutex_lock(&store->mutex);
    (void)shf_store_fail(store, shf_fail(&cancelled, SHEAF_ERR_CANCELLED, "the store was given up"), &cancelled);
    pthread_mutex_unlock(&store->mutex);
    char *path = again ? shf_strdup(store->path) : NULL;
    sheaf_store_options options = store->options;
    options.format = store->ops->name;
    options.commit_interval_ms = options.checkpoint_interval_ms = 0;
    shf_store_destroy(store);
    sheaf_store *reopened = NULL;
    sheaf_status status = path ? sheaf_store_open_append(path, &options, &reopened, NULL) : SHEAF_ERR_STATE;
    if (status == SHEAF_OK) status = sheaf_store_close(&reopened, NULL);
    (void)status; /* as above */
    shf_free(path);
}
