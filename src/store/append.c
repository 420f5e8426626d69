// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "base/checked.h"
#include "base/dtype.h"
#include "sheaf/executor.h"
#include "store/store.h"

/* Rows taken under one hold of the mutex; and rows of an in-place back end that go straight from the caller's memory. */
#define BATCH_BYTES ((uint64_t)1 << 20)
#define DIRECT_BYTES ((uint64_t)256 << 10)

/* Bytes of one record that the budget is asked for: in chunks, columns that are all fill values are free. */
static uint64_t asked_bytes(const sheaf_store *store, int record, const uint8_t *const *columns)
{
    uint64_t bytes = 0;
    size_t column = 0;
    for (size_t i = 0; i < store->layout.n_arrays; i++) {
        if (store->layout.arrays[i].record != record) continue;
        if (columns[column++] || shf_store_by_rows(store)) bytes += store->layout.arrays[i].row_bytes;
    }
    return bytes;
}

sheaf_status shf_store_flush_rows(sheaf_store *store, size_t i, sheaf_error *err)
{
    const shf_array *array = &store->layout.arrays[i];
    shf_tail *tail = &store->tails[i];
    uint64_t end = store->appended[array->record];
    if (!tail->oldest || tail->written_rows == end) return SHEAF_OK;
    const uint8_t *rows = tail->oldest->rows + (tail->written_rows - tail->oldest->block * array->chunk[0]) * array->row_bytes;
    SHF_TRY(store->ops->put_rows(store->state, i, tail->written_rows, end - tail->written_rows, rows, err));
    tail->written_rows = end;
    store->reserved_bytes -= tail->oldest->n_new * array->row_bytes;
    tail->oldest->n_new = 0;
    return SHEAF_OK;
}

static void copy_rows(const shf_array *array, shf_slab *slab, uint64_t row, uint64_t n, const uint8_t *from)
{
    uint8_t *to = slab->rows + (row - slab->block * array->chunk[0]) * array->row_bytes;
    size_t bytes = (size_t)n * array->row_bytes;
    if (from) memcpy(to, from, bytes);
    else shf_dtype_fill(array->dtype, to, bytes / array->item_size);
}

/* In-place back ends: one slab is the write buffer; a full one is written at once. Rows must not be counted as appended yet: `end` tells. */
static sheaf_status append_in_place(sheaf_store *store, size_t i, uint64_t row, uint64_t n, const uint8_t *from, sheaf_error *err)
{
    const shf_array *array = &store->layout.arrays[i];
    shf_tail *tail = &store->tails[i];
    if (n * array->row_bytes >= DIRECT_BYTES) {
        SHF_TRY(shf_store_flush_rows(store, i, err));
        SHF_TRY(store->ops->put_rows(store->state, i, row, n, from, err));
        tail->written_rows = row + n;
        while (tail->oldest) shf_slab_drop_oldest(store, i);
        return SHEAF_OK;
    }
    while (n > 0) {
        uint64_t block = row / array->chunk[0], end = (block + 1) * array->chunk[0], part = shf_min_u64(n, end - row);
        shf_slab *slab;
        SHF_TRY(shf_slab_get(store, i, block, &slab, err));
        copy_rows(array, slab, row, part, from);
        slab->n_new += part;
        store->reserved_bytes += part * array->row_bytes;
        row += part;
        n -= part;
        if (from) from += part * array->row_bytes;
        if (row < end) break;
        const uint8_t *rows = slab->rows + (tail->written_rows - block * array->chunk[0]) * array->row_bytes;
        SHF_TRY(store->ops->put_rows(store->state, i, tail->written_rows, row - tail->written_rows, rows, err));
        tail->written_rows = row;
        shf_slab_drop_oldest(store, i);
    }
    return SHEAF_OK;
}

/* Slabs for rows [row, row + n) of every array of the record, so that copying cannot fail half way. */
static sheaf_status make_slabs(sheaf_store *store, int record, uint64_t row, uint64_t n, sheaf_error *err)
{
    for (size_t i = 0; i < store->layout.n_arrays; i++) {
        const shf_array *array = &store->layout.arrays[i];
        if (array->record != record) continue;
        for (uint64_t block = row / array->chunk[0]; block <= (row + n - 1) / array->chunk[0]; block++) {
            shf_slab *slab;
            SHF_TRY(shf_slab_get(store, i, block, &slab, err));
        }
    }
    return SHEAF_OK;
}

/* Copies into slabs; full ones are queued and linked to *submit. */
static void append_to_slabs(sheaf_store *store, size_t i, uint64_t row, uint64_t n, const uint8_t *from, shf_slab ***submit)
{
    const shf_array *array = &store->layout.arrays[i];
    if (from) store->reserved_bytes += n * array->row_bytes;
    while (n > 0) {
        uint64_t block = row / array->chunk[0], end = (block + 1) * array->chunk[0], part = shf_min_u64(n, end - row);
        shf_slab *slab = shf_slab_find(store, i, block);
        copy_rows(array, slab, row, part, from);
        if (from) slab->n_new += part; /* fill values alone take next to nothing once encoded */
        row += part;
        n -= part;
        if (from) from += part * array->row_bytes;
        if (row < end) break;
        shf_encode_queue(store, slab);
        slab->next_submit = NULL;
        **submit = slab;
        *submit = &slab->next_submit;
    }
}

/* One batch; the mutex held. */
static sheaf_status append_batch(sheaf_store *store, int record, uint64_t n, const uint8_t *columns[], shf_slab **to_submit,
                                 sheaf_error *err)
{
    uint64_t row = store->appended[record];
    size_t column = 0;
    if (!shf_store_by_rows(store)) SHF_TRY(make_slabs(store, record, row, n, err));
    for (size_t i = 0; i < store->layout.n_arrays; i++) {
        const shf_array *array = &store->layout.arrays[i];
        if (array->record != record) continue;
        const uint8_t *from = columns[column];
        if (shf_store_by_rows(store)) {
            sheaf_error local;
            sheaf_status status = append_in_place(store, i, row, n, from, &local);
            if (status != SHEAF_OK) {
                if (err) *err = local;
                return shf_store_fail(store, status, &local); /* the arrays' lengths differ now: only the committed ones count */
            }
        } else {
            append_to_slabs(store, i, row, n, from, &to_submit);
        }
        if (from) columns[column] += n * array->row_bytes;
        column++;
    }
    store->appended[record] += n;
    return SHEAF_OK;
}

static void submit_all(sheaf_store *store, shf_slab *first)
{
    while (first) {
        shf_slab *next = first->next_submit;
        shf_pool_submit(store->pool, (shf_job)shf_encode_run, first);
        first = next;
    }
}

static void settle(sheaf_store *store, shf_table *table)
{
    for (size_t k = 0; table->quick_rows && k < table->n_arrays; k++) store->tails[table->arrays[k]].newest->n_new += table->quick_rows;
    table->quick_rows = 0;
    table->quick_left = 0;
}

void shf_store_settle(sheaf_store *store)
{
    for (size_t i = 0; i < store->layout.n_records; i++) settle(store, &store->tables[i]);
}

/* After the long way: records go the quick way until one fills a slab. */
static void set_cursors(sheaf_store *store, int record)
{
    shf_table *table = &store->tables[record];
    uint64_t row = store->appended[record], left = UINT64_MAX;
    for (size_t k = 0; k < table->n_arrays; k++) {
        const shf_array *array = &store->layout.arrays[table->arrays[k]];
        const shf_slab *slab = store->tails[table->arrays[k]].newest;
        uint64_t begin = row / array->chunk[0] * array->chunk[0];
        if (!slab || slab->block * array->chunk[0] != begin) return;
        table->cursors[k] = (shf_cursor){slab->rows + (row - begin) * array->row_bytes, array->row_bytes};
        left = shf_min_u64(left, begin + array->chunk[0] - 1 - row);
    }
    table->quick_left = left;
}

/* The common case: one record, nothing fills up, nobody is to be asked. false: not so, and nothing was done. The mutex held. */
static bool append_one(sheaf_store *store, shf_table *table, int record, const uint8_t *const *columns)
{
    if (!table->quick_left || store->options.disk_bytes || store->checkpointing) return false;
    for (size_t k = 0; k < table->n_arrays; k++)
        if (!columns[k]) return false;
    for (size_t k = 0; k < table->n_arrays; k++) {
        shf_cursor *cursor = &table->cursors[k];
        if (cursor->row_bytes == 8) memcpy(cursor->to, columns[k], 8);
        else memcpy(cursor->to, columns[k], cursor->row_bytes);
        cursor->to += cursor->row_bytes;
    }
    table->quick_left--;
    table->quick_rows++;
    store->reserved_bytes += table->record_bytes;
    store->appended[record]++;
    store->rows_since_commit++;
    store->bytes_since_commit += table->record_bytes;
    return true;
}

static sheaf_status append_all(sheaf_store *store, int record, uint64_t n, const uint8_t *columns[], uint64_t *first_row, sheaf_error *err)
{
    uint64_t each = store->tables[record].record_bytes, batch_rows = shf_max_u64(1, BATCH_BYTES / shf_max_u64(1, each));
    if (store->options.commit_rows) batch_rows = shf_min_u64(batch_rows, store->options.commit_rows);
    pthread_mutex_lock(&store->mutex);
    sheaf_status status = shf_store_check(store, err);
    if (first_row) *first_row = store->appended[record];
    if (n == 1 && status == SHEAF_OK && append_one(store, &store->tables[record], record, columns)) {
        status = shf_commit_when_due(store, err);
        pthread_mutex_unlock(&store->mutex);
        return status;
    }
    if (status == SHEAF_OK) status = shf_budget_admit(store, n * asked_bytes(store, record, columns), err);
    for (uint64_t done = 0; status == SHEAF_OK && done < n;) {
        uint64_t batch = shf_min_u64(batch_rows, n - done);
        /* Making room gives the mutex up, and a checkpoint may begin meanwhile: it must publish no row that comes after it began. */
        do {
            while (store->checkpointing) pthread_cond_wait(&store->changed, &store->mutex);
            shf_encode_make_room(store);
        } while (store->checkpointing);
        status = shf_store_check(store, err);
        if (status != SHEAF_OK) break;
        if (first_row && !done) *first_row = store->appended[record];
        shf_slab *to_submit = NULL;
        settle(store, &store->tables[record]);
        status = append_batch(store, record, batch, columns, &to_submit, err);
        if (to_submit) {
            pthread_mutex_unlock(&store->mutex);
            submit_all(store, to_submit);
            pthread_mutex_lock(&store->mutex);
        }
        store->rows_since_commit += batch;
        store->bytes_since_commit += batch * each;
        if (status == SHEAF_OK) status = shf_commit_when_due(store, err);
        done += batch;
    }
    if (status == SHEAF_OK && n == 1) set_cursors(store, record);
    pthread_mutex_unlock(&store->mutex);
    return status;
}

sheaf_status sheaf_store_append(sheaf_store *store, const char *dimension, uint64_t n, const void *const *columns, uint64_t *first_row,
                                sheaf_error *err)
{
    if (!store || !dimension || (n && !columns)) return shf_fail(err, SHEAF_ERR_ARGUMENT, "sheaf_store_append: NULL");
    if (!store->writable) return shf_fail_at(err, SHEAF_ERR_STATE, store->path, NULL, -1, -1, "%s is open for reading only", store->path);
    int record = shf_layout_find_record(&store->layout, dimension);
    if (record < 0)
        return shf_fail_at(err, SHEAF_ERR_NOT_FOUND, store->path, NULL, -1, -1, "%s has no record dimension %.80s", store->path, dimension);
    if (n > INT64_MAX / shf_max_u64(1, store->tables[record].record_bytes))
        return shf_fail(err, SHEAF_ERR_RANGE, "%llu records are too many", (unsigned long long)n);
    const uint8_t *at[1024];
    size_t n_columns = store->tables[record].n_arrays;
    if (n_columns > sizeof at / sizeof at[0])
        return shf_fail(err, SHEAF_ERR_UNSUPPORTED, "a table of %zu arrays, at most %zu are allowed", n_columns, sizeof at / sizeof at[0]);
    for (size_t k = 0; k < n_columns; k++) at[k] = n ? columns[k] : NULL;
    if (sheaf_cancel_requested(store->options.cancel))
        return shf_fail_at(err, SHEAF_ERR_CANCELLED, store->path, NULL, -1, -1, "%s: interrupted", store->path);
    return append_all(store, record, n, at, first_row, err);
}
