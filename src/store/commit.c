// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/alloc.h"
#include "base/checked.h"
#include "store/store.h"

/* A log above this size is ended by a checkpoint, and its place in the file is used again: new pages cost more than copying into old ones. */
#define LOG_MAX_BYTES ((uint64_t)64 << 20)
/* So are this many bytes of chunks that only the log knows of. */
#define UNPUBLISHED_MAX_BYTES ((uint64_t)256 << 20)

/* The longest that a hold waits for others to release, when a commit is due. */
#define HOLD_WAIT_NS 20000000

sheaf_status shf_store_fail(sheaf_store *store, sheaf_status status, const sheaf_error *err)
{
    if (store->failed) return status;
    store->failed = status;
    store->failure = *err;
    return status;
}

sheaf_status shf_store_check(sheaf_store *store, sheaf_error *err)
{
    if (store->failed && err) *err = store->failure;
    return store->failed;
}

static bool nothing_new(const sheaf_store *store)
{
    if (store->any_attributes_changed) return false;
    for (size_t i = 0; i < store->layout.n_records; i++)
        if (store->appended[i] != store->layout.records[i].length) return false;
    return true;
}

static sheaf_status log_attributes(sheaf_store *store, sheaf_error *err)
{
    const uint8_t type = SHF_LOG_ATTRIBUTES;
    for (size_t i = 0; store->any_attributes_changed && i <= store->layout.n_arrays; i++) {
        if (!store->attributes_changed[i]) continue;
        const json_t *attributes = i ? store->layout.arrays[i - 1].attributes : store->layout.attributes;
        char *text = json_dumps(attributes, JSON_COMPACT);
        if (!text) return shf_fail_memory(err, 64, "attributes");
        sheaf_status status = shf_log_put(&store->log, &type, 1, err);
        if (status == SHEAF_OK) status = shf_log_put_number(&store->log, i, err);
        if (status == SHEAF_OK) status = shf_log_put_number(&store->log, strlen(text), err);
        if (status == SHEAF_OK) status = shf_log_put(&store->log, text, strlen(text), err);
        free(text);
        SHF_TRY(status);
    }
    return SHEAF_OK;
}

static sheaf_status log_entries(sheaf_store *store, sheaf_error *err)
{
    const uint8_t type = SHF_LOG_CHUNK;
    for (size_t i = 0; i < store->n_entries; i++) {
        const shf_entry *entry = &store->entries[i];
        const uint64_t numbers[] = {entry->array,      entry->block,      entry->column,   entry->place.offset,
                                    entry->place.size, entry->place.mask, entry->place.crc};
        SHF_TRY(shf_log_put(&store->log, &type, 1, err));
        for (size_t k = 0; k < 7; k++) SHF_TRY(shf_log_put_number(&store->log, numbers[k], err));
    }
    return SHEAF_OK;
}

/* First row at or after `from` that lies in no stored chunk. */
static uint64_t first_kept(const sheaf_store *store, size_t array, uint64_t from, uint64_t end)
{
    const shf_slab *oldest = store->tails[array].oldest;
    if (!oldest) return end;
    return shf_min_u64(end, shf_max_u64(from, oldest->block * store->layout.arrays[array].chunk[0]));
}

static sheaf_status log_array_rows(sheaf_store *store, size_t i, uint64_t row, uint64_t end, sheaf_error *err)
{
    const shf_array *array = &store->layout.arrays[i];
    for (const shf_slab *slab = store->tails[i].oldest; slab && row < end; slab = slab->next) {
        uint64_t begin = slab->block * array->chunk[0], stop = shf_min_u64(end, begin + array->chunk[0]);
        if (stop <= row) continue;
        SHF_TRY(shf_log_put(&store->log, slab->rows + (row - begin) * array->row_bytes, (size_t)(stop - row) * array->row_bytes, err));
        row = stop;
    }
    return SHEAF_OK;
}

static sheaf_status log_rows(sheaf_store *store, int record, sheaf_error *err)
{
    uint64_t from = store->layout.records[record].length, end = store->appended[record];
    const uint8_t type = SHF_LOG_ROWS;
    if (from == end) return SHEAF_OK;
    SHF_TRY(shf_log_put(&store->log, &type, 1, err));
    SHF_TRY(shf_log_put_number(&store->log, (uint64_t)record, err));
    SHF_TRY(shf_log_put_number(&store->log, from, err));
    SHF_TRY(shf_log_put_number(&store->log, end - from, err));
    for (size_t i = 0; i < store->layout.n_arrays; i++)
        if (store->layout.arrays[i].record == record) SHF_TRY(shf_log_put_number(&store->log, first_kept(store, i, from, end) - from, err));
    for (size_t i = 0; i < store->layout.n_arrays; i++)
        if (store->layout.arrays[i].record == record) SHF_TRY(log_array_rows(store, i, first_kept(store, i, from, end), end, err));
    return SHEAF_OK;
}

static sheaf_status log_lengths(sheaf_store *store, const uint64_t *lengths, sheaf_error *err)
{
    const uint8_t type = SHF_LOG_LENGTHS;
    SHF_TRY(shf_log_put(&store->log, &type, 1, err));
    SHF_TRY(shf_log_put_number(&store->log, store->layout.n_records, err));
    for (size_t i = 0; i < store->layout.n_records; i++) SHF_TRY(shf_log_put_number(&store->log, lengths[i], err));
    return SHEAF_OK;
}

static sheaf_status commit_to_log(sheaf_store *store, sheaf_error *err)
{
    if (store->options.sync) {
        while (store->putting) pthread_cond_wait(&store->changed, &store->mutex);
        SHF_TRY(store->ops->sync(store->state, err));
    }
    SHF_TRY(shf_log_begin(&store->log, err));
    SHF_TRY(log_attributes(store, err));
    SHF_TRY(log_entries(store, err));
    for (size_t i = 0; i < store->layout.n_records; i++) SHF_TRY(log_rows(store, (int)i, err));
    SHF_TRY(log_lengths(store, store->appended, err));
    SHF_TRY(shf_log_end(&store->log, err));
    shf_log_tell(&store->log, store->appended, store->layout.n_records);
    return SHEAF_OK;
}

/* Array files first, then the lengths. Changed attributes need the schema written again, which a checkpoint does. */
static sheaf_status commit_in_place(sheaf_store *store, sheaf_error *err)
{
    shf_store_settle(store);
    for (size_t i = 0; i < store->layout.n_arrays; i++)
        if (store->layout.arrays[i].record >= 0) SHF_TRY(shf_store_flush_rows(store, i, err));
    for (size_t i = 0; i < store->layout.n_records; i++) store->layout.records[i].length = store->appended[i];
    if (store->any_attributes_changed && store->ops->checkpoint_end) return store->ops->checkpoint_end(store->state, false, err);
    return store->ops->publish(store->state, err);
}

static void commit_done(sheaf_store *store)
{
    for (size_t i = 0; i < store->layout.n_records; i++) store->layout.records[i].length = store->appended[i];
    memset(store->attributes_changed, 0, (store->layout.n_arrays + 1) * sizeof *store->attributes_changed);
    store->any_attributes_changed = false;
    store->n_entries = 0;
    store->rows_since_commit = 0;
    store->bytes_since_commit = 0;
    store->n_commits++;
}

sheaf_status shf_commit_locked(sheaf_store *store, sheaf_error *err)
{
    SHF_TRY(shf_store_check(store, err));
    while (store->checkpointing) pthread_cond_wait(&store->changed, &store->mutex);
    store->commit_wanted = false;
    if (nothing_new(store)) return SHEAF_OK;
    sheaf_error local;
    /* A put that ends meanwhile must not slip its entries in between: entries only grow under the mutex, which is held. */
    sheaf_status status = shf_store_by_rows(store) ? commit_in_place(store, &local) : commit_to_log(store, &local);
    if (status != SHEAF_OK) {
        if (err) *err = local;
        return shf_store_fail(store, status, &local);
    }
    commit_done(store);
    bool long_redo = store->ops->redo && store->unpublished_bytes > UNPUBLISHED_MAX_BYTES;
    if (store->log.position > LOG_MAX_BYTES || long_redo || store->checkpoint_due) return shf_checkpoint_locked(store, false, err);
    return SHEAF_OK;
}

bool shf_store_unheld(sheaf_store *store)
{
    while (store->checkpointing || (store->options.sync && store->putting)) pthread_cond_wait(&store->changed, &store->mutex);
    return store->held == 0;
}

/* Whether something that is due can be committed now; if not, the last one to release does it, and who would hold waits for that. */
static bool may_commit(sheaf_store *store)
{
    bool unheld = shf_store_unheld(store);
    store->commit_wanted = !unheld;
    return unheld;
}

sheaf_status shf_commit_when_due(sheaf_store *store, sheaf_error *err)
{
    const sheaf_store_options *options = &store->options;
    bool by_rows = options->commit_rows && store->rows_since_commit >= options->commit_rows;
    bool by_bytes = options->commit_bytes && store->bytes_since_commit >= options->commit_bytes;
    if (!by_rows && !by_bytes) return SHEAF_OK;
    if (store->held) {
        store->commit_wanted = true;
        return SHEAF_OK;
    }
    /* So much came that slabs are on their way: once stored they need not be written to the log. */
    if (!by_rows) shf_encode_drain(store);
    return may_commit(store) ? shf_commit_locked(store, err) : SHEAF_OK;
}

static sheaf_status log_redo(sheaf_store *store, const shf_buf *redo, sheaf_error *err)
{
    const uint8_t type = SHF_LOG_REDO;
    if (!redo->size) return SHEAF_OK;
    SHF_TRY(shf_log_begin(&store->log, err));
    SHF_TRY(shf_log_put(&store->log, &type, 1, err));
    SHF_TRY(shf_log_put_number(&store->log, redo->size, err));
    SHF_TRY(shf_log_put(&store->log, redo->data, redo->size, err));
    return shf_log_end(&store->log, err);
}

sheaf_status shf_store_begin_log(sheaf_store *store, sheaf_error *err)
{
    if (!shf_store_has_log(store)) return SHEAF_OK;
    SHF_TRY(shf_log_begin(&store->log, err));
    SHF_TRY(log_lengths(store, store->base, err));
    SHF_TRY(shf_log_end(&store->log, err));
    shf_log_tell(&store->log, store->base, store->layout.n_records);
    return SHEAF_OK;
}

static sheaf_status restart_log(sheaf_store *store, sheaf_error *err)
{
    uint64_t keep = store->options.disk_bytes ? 0 : LOG_MAX_BYTES + LOG_MAX_BYTES / 4;
    SHF_TRY(shf_log_restart(&store->log, store->ops->name, store->layout.n_arrays, store->layout.n_records, keep, err));
    return shf_store_begin_log(store, err);
}

/* The published lengths become what was appended; *deferred: an outside reader holds the file. */
static sheaf_status publish_checkpoint(sheaf_store *store, bool final, bool *deferred, sheaf_error *err)
{
    shf_buf redo = {0};
    uint64_t *before = shf_malloc(store->layout.n_records * sizeof *before);
    if (!before) return shf_fail_memory(err, 64, "a checkpoint");
    for (size_t i = 0; i < store->layout.n_records; i++) {
        before[i] = store->layout.records[i].length;
        store->layout.records[i].length = store->appended[i];
    }
    *deferred = false;
    sheaf_status status = store->ops->checkpoint_begin ? store->ops->checkpoint_begin(store->state, final, &redo, deferred, err) : SHEAF_OK;
    if (status == SHEAF_OK && *deferred)
        for (size_t i = 0; i < store->layout.n_records; i++) store->layout.records[i].length = before[i];
    if (status == SHEAF_OK && !*deferred) status = log_redo(store, &redo, err);
    if (status == SHEAF_OK && !*deferred && store->ops->checkpoint_end) status = store->ops->checkpoint_end(store->state, final, err);
    shf_buf_free(&redo);
    shf_free(before);
    return status;
}

static void checkpoint_done(sheaf_store *store)
{
    for (size_t i = 0; i < store->layout.n_records; i++) store->base[i] = store->appended[i];
    for (size_t i = 0; i < store->layout.n_arrays; i++)
        for (shf_slab *slab = store->tails[i].oldest; slab; slab = slab->next) slab->n_new = 0;
    store->reserved_bytes = 0;
    store->unpublished_bytes = 0;
    store->checkpoint_due = false;
    commit_done(store);
    store->n_checkpoints++;
}

static sheaf_status checkpoint(sheaf_store *store, bool final, bool *deferred, sheaf_error *err)
{
    *deferred = false;
    shf_store_settle(store);
    if (shf_store_by_rows(store)) {
        SHF_TRY(commit_in_place(store, err));
        if (store->ops->checkpoint_end) SHF_TRY(store->ops->checkpoint_end(store->state, final, err));
    } else {
        SHF_TRY(shf_store_put_partials(store, err));
        SHF_TRY(publish_checkpoint(store, final, deferred, err));
        if (*deferred) return SHEAF_OK;
    }
    checkpoint_done(store);
    if (shf_store_has_log(store) && !final) SHF_TRY(restart_log(store, err));
    return shf_store_measure(store, err);
}

sheaf_status shf_checkpoint_locked(sheaf_store *store, bool final, sheaf_error *err)
{
    while (store->checkpointing) pthread_cond_wait(&store->changed, &store->mutex);
    store->checkpointing = true;
    shf_encode_drain(store);
    bool deferred = false;
    sheaf_error local;
    sheaf_status status = shf_store_check(store, &local);
    if (status == SHEAF_OK) status = checkpoint(store, final, &deferred, &local);
    if (status != SHEAF_OK) (void)shf_store_fail(store, status, &local);
    if (status != SHEAF_OK && err) *err = local;
    store->checkpointing = false;
    pthread_cond_broadcast(&store->changed);
    if (status == SHEAF_OK && deferred) return shf_commit_locked(store, err);
    return status;
}

static sheaf_status writer_only(sheaf_store *store, const char *what, sheaf_error *err)
{
    if (!store) return shf_fail(err, SHEAF_ERR_ARGUMENT, "%s: NULL", what);
    if (!store->writable) return shf_fail_at(err, SHEAF_ERR_STATE, store->path, NULL, -1, -1, "%s is open for reading only", store->path);
    return SHEAF_OK;
}

sheaf_status sheaf_store_commit(sheaf_store *store, sheaf_error *err)
{
    SHF_TRY(writer_only(store, "sheaf_store_commit", err));
    pthread_mutex_lock(&store->mutex);
    sheaf_status status = shf_commit_locked(store, err);
    pthread_mutex_unlock(&store->mutex);
    return status;
}

/* Many threads whose holds overlap would put a commit off for ever. Not waited for ever either: the caller itself may be the one who holds. */
static void wait_for_commit(sheaf_store *store)
{
    struct timespec until;
    if (!store->commit_wanted || store->held == 0) return;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += HOLD_WAIT_NS;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    while (store->commit_wanted && store->held > 0)
        if (pthread_cond_timedwait(&store->changed, &store->mutex, &until)) return;
}

sheaf_status sheaf_store_hold(sheaf_store *store, sheaf_error *err)
{
    SHF_TRY(writer_only(store, "sheaf_store_hold", err));
    pthread_mutex_lock(&store->mutex);
    /* One under way publishes what was appended when it has waited for the encoders, not when it began. */
    while (store->checkpointing) pthread_cond_wait(&store->changed, &store->mutex);
    wait_for_commit(store);
    store->held++;
    pthread_mutex_unlock(&store->mutex);
    return SHEAF_OK;
}

sheaf_status sheaf_store_release(sheaf_store *store, sheaf_error *err)
{
    SHF_TRY(writer_only(store, "sheaf_store_release", err));
    pthread_mutex_lock(&store->mutex);
    sheaf_status status = store->held ? SHEAF_OK : shf_fail(err, SHEAF_ERR_STATE, "%s is not held", store->path);
    if (status == SHEAF_OK) store->held--;
    if (status == SHEAF_OK && store->commit_wanted && shf_store_unheld(store)) {
        status = shf_commit_locked(store, err);
        pthread_cond_broadcast(&store->changed);
    } else if (status == SHEAF_OK && store->held == 0) {
        status = shf_commit_when_due(store, err);
    }
    pthread_mutex_unlock(&store->mutex);
    return status;
}

sheaf_status sheaf_store_checkpoint(sheaf_store *store, sheaf_error *err)
{
    SHF_TRY(writer_only(store, "sheaf_store_checkpoint", err));
    pthread_mutex_lock(&store->mutex);
    sheaf_status status = shf_checkpoint_locked(store, false, err);
    pthread_mutex_unlock(&store->mutex);
    return status;
}

/* The next moment of a timer that runs every interval_ms from `last`; 0 when it is off. */
static bool due(struct timespec *next, const struct timespec *last, uint64_t interval_ms, bool set)
{
    if (!interval_ms) return set;
    struct timespec at = *last;
    at.tv_sec += (time_t)(interval_ms / 1000);
    at.tv_nsec += (long)(interval_ms % 1000) * 1000000;
    if (at.tv_nsec >= 1000000000) {
        at.tv_sec++;
        at.tv_nsec -= 1000000000;
    }
    if (!set || at.tv_sec < next->tv_sec || (at.tv_sec == next->tv_sec && at.tv_nsec < next->tv_nsec)) *next = at;
    return true;
}

static bool passed(const struct timespec *last, const struct timespec *now, uint64_t interval_ms)
{
    int64_t ns = ((int64_t)now->tv_sec - last->tv_sec) * 1000000000 + now->tv_nsec - last->tv_nsec;
    return interval_ms && ns >= 0 && (uint64_t)ns >= interval_ms * 1000000;
}

/* Without a commit timer the caller says what is committed: then the checkpoint waits for a commit when something is open. */
static void tick_checkpoint(sheaf_store *store)
{
    bool unheld = store->options.commit_interval_ms ? may_commit(store) : shf_store_unheld(store), open = !nothing_new(store);
    if (!open && shf_store_has_log(store) && store->log.sequence <= 1) return;
    if (!unheld || (open && !store->options.commit_interval_ms)) store->checkpoint_due = true;
    else (void)shf_checkpoint_locked(store, false, NULL);
}

/* Commits and checkpoints by the clock. A failure is kept in the store, and the next call of the caller tells it. */
static void *tick(void *context)
{
    sheaf_store *store = context;
    struct timespec last_commit, last_checkpoint, next = {0}, now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    last_commit = last_checkpoint = now;
    pthread_mutex_lock(&store->mutex);
    while (!store->stop_ticker) {
        bool set = due(&next, &last_commit, store->options.commit_interval_ms, false);
        (void)due(&next, &last_checkpoint, store->options.checkpoint_interval_ms, set);
        pthread_cond_timedwait(&store->ticker_wakes, &store->mutex, &next);
        if (store->stop_ticker) break;
        clock_gettime(CLOCK_MONOTONIC, &now);
        if (passed(&last_checkpoint, &now, store->options.checkpoint_interval_ms)) {
            tick_checkpoint(store);
            clock_gettime(CLOCK_MONOTONIC, &now);
            last_checkpoint = now;
        }
        if (passed(&last_commit, &now, store->options.commit_interval_ms)) {
            if (may_commit(store)) (void)shf_commit_locked(store, NULL);
            last_commit = now;
        }
    }
    pthread_mutex_unlock(&store->mutex);
    return NULL;
}

sheaf_status shf_ticker_start(sheaf_store *store, sheaf_error *err)
{
    if (!store->options.commit_interval_ms && !store->options.checkpoint_interval_ms) return SHEAF_OK;
    if (store->ops->flags & SHF_BACKEND_VOLATILE) return SHEAF_OK;
    int rc = pthread_create(&store->ticker, NULL, tick, store);
    if (rc) return shf_fail_errno(err, rc, "cannot start", "the commit timer");
    store->has_ticker = true;
    return SHEAF_OK;
}

void shf_ticker_stop(sheaf_store *store)
{
    if (!store->has_ticker) return;
    pthread_mutex_lock(&store->mutex);
    store->stop_ticker = true;
    pthread_cond_signal(&store->ticker_wakes);
    pthread_mutex_unlock(&store->mutex);
    pthread_join(store->ticker, NULL);
    store->has_ticker = false;
}
