// SPDX-License-Identifier: Apache-2.0
#include "base/id_index.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/checked.h"

/* A run of fewer ids takes less as pairs. */
enum { SHORT_RUN = 2 };

static sheaf_status grow(void **items, size_t n, size_t *capacity, size_t size, sheaf_error *err)
{
    if (n < *capacity) return SHEAF_OK;
    size_t more = *capacity ? *capacity + *capacity / 4 + 1 : 64, bytes;
    if (!shf_mul_size(more, size, &bytes)) return shf_fail_memory(err, SIZE_MAX, "the index of ids");
    void *grown = shf_realloc(*items, bytes);
    if (!grown) return shf_fail_memory(err, bytes, "the index of ids");
    *items = grown;
    *capacity = more;
    return SHEAF_OK;
}

static sheaf_status close_run(shf_id_index *index, sheaf_error *err)
{
    if (index->open.count >= SHORT_RUN) {
        void *items = index->runs;
        SHF_TRY(grow(&items, index->n_runs, &index->runs_capacity, sizeof *index->runs, err));
        index->runs = items;
        index->runs[index->n_runs++] = index->open;
    } else if (index->open.count) {
        void *items = index->pairs;
        SHF_TRY(grow(&items, index->n_pairs, &index->pairs_capacity, sizeof *index->pairs, err));
        index->pairs = items;
        index->pairs[index->n_pairs++] = (shf_id_pair){index->open.id, index->open.row};
    }
    index->open.count = 0;
    return SHEAF_OK;
}

/* The last run may go on with the next row: back to open. */
static void reopen_run(shf_id_index *index)
{
    index->sorted = false;
    if (index->open.count || index->n_runs == 0) return;
    for (size_t i = index->n_runs; i-- > 0;) {
        if (index->runs[i].row + index->runs[i].count != index->n_rows) continue;
        index->open = index->runs[i];
        index->runs[i] = index->runs[--index->n_runs];
        return;
    }
}

sheaf_status shf_id_index_add(shf_id_index *index, const int64_t *ids, size_t n, sheaf_error *err)
{
    if (n) reopen_run(index);
    for (size_t i = 0; i < n; i++) {
        /* Behind INT64_MAX there is none. */
        bool goes_on = index->open.count && ids[i] > index->open.id && (uint64_t)ids[i] == (uint64_t)index->open.id + index->open.count;
        if (!goes_on) {
            SHF_TRY(close_run(index, err));
            index->open = (shf_id_run){ids[i], index->n_rows, 0};
        }
        index->open.count++;
        index->n_rows++;
    }
    return SHEAF_OK;
}

static int compare_runs(const void *a, const void *b)
{
    int64_t x = ((const shf_id_run *)a)->id, y = ((const shf_id_run *)b)->id;
    return x < y ? -1 : x > y;
}

static int compare_pairs(const void *a, const void *b)
{
    const shf_id_pair *x = a, *y = b;
    if (x->id != y->id) return x->id < y->id ? -1 : 1;
    return x->row < y->row ? -1 : x->row > y->row;
}

sheaf_status shf_id_index_finish(shf_id_index *index, sheaf_error *err)
{
    if (index->sorted) return SHEAF_OK;
    SHF_TRY(close_run(index, err));
    if (index->n_runs) qsort(index->runs, index->n_runs, sizeof *index->runs, compare_runs);
    if (index->n_pairs) qsort(index->pairs, index->n_pairs, sizeof *index->pairs, compare_pairs);
    index->sorted = true;
    index->at_position = index->at_in_run = 0;
    index->at_run = index->at_pair = 0;
    return SHEAF_OK;
}

bool shf_id_index_find(const shf_id_index *index, int64_t id, uint64_t *row)
{
    size_t low = 0, high = index->n_runs;
    while (low < high) { /* the first run that begins after id */
        size_t middle = low + (high - low) / 2;
        if (index->runs[middle].id <= id) low = middle + 1;
        else high = middle;
    }
    if (low > 0) {
        const shf_id_run *run = &index->runs[low - 1];
        uint64_t offset = (uint64_t)id - (uint64_t)run->id;
        if (offset < run->count) {
            *row = run->row + offset;
            return true;
        }
    }
    low = 0;
    high = index->n_pairs;
    while (low < high) { /* the first pair that is not before id */
        size_t middle = low + (high - low) / 2;
        if (index->pairs[middle].id < id) low = middle + 1;
        else high = middle;
    }
    if (low == index->n_pairs || index->pairs[low].id != id) return false;
    *row = index->pairs[low].row;
    return true;
}

static bool tell_twice(int64_t id, uint64_t x, uint64_t y, int64_t *out, uint64_t *a, uint64_t *b)
{
    *out = id;
    *a = x < y ? x : y;
    *b = x < y ? y : x;
    return true;
}

bool shf_id_index_duplicate(const shf_id_index *index, int64_t *id, uint64_t *a, uint64_t *b)
{
    const shf_id_run *reach = NULL; /* the run so far that goes furthest */
    for (size_t i = 0; i < index->n_runs; i++) {
        const shf_id_run *run = &index->runs[i];
        uint64_t offset = reach ? (uint64_t)run->id - (uint64_t)reach->id : 0;
        if (reach && offset < reach->count) return tell_twice(run->id, reach->row + offset, run->row, id, a, b);
        reach = run; /* what does not begin within the last one lies behind it whole */
    }
    for (size_t i = 0; i < index->n_pairs; i++) {
        const shf_id_pair *pair = &index->pairs[i];
        uint64_t row;
        if (shf_id_index_find(index, pair->id, &row) && row != pair->row) return tell_twice(pair->id, row, pair->row, id, a, b);
    }
    return false;
}

/* One step of the merge of runs and pairs: the next row, or (rows NULL) up to `most` positions skipped. */
static uint64_t advance(shf_id_index *index, uint64_t most, uint64_t *row)
{
    bool has_run = index->at_run < index->n_runs, has_pair = index->at_pair < index->n_pairs;
    const shf_id_run *run = has_run ? &index->runs[index->at_run] : NULL;
    const shf_id_pair *pair = has_pair ? &index->pairs[index->at_pair] : NULL;
    int64_t run_id = has_run ? (int64_t)((uint64_t)run->id + index->at_in_run) : 0;
    if (!has_run && !has_pair) return 0;
    if (!has_run || (has_pair && pair->id < run_id)) {
        *row = pair->row;
        index->at_pair++;
        return 1;
    }
    uint64_t left = run->count - index->at_in_run;
    /* Ids of pairs may lie within the ids of no run, so a run goes on until a pair's id. */
    if (has_pair && (uint64_t)pair->id - (uint64_t)run_id < left) left = (uint64_t)pair->id - (uint64_t)run_id;
    if (left == 0) left = 1; /* a pair of the same id, which only a foreign store has */
    uint64_t n = shf_min_u64(left, most);
    *row = run->row + index->at_in_run;
    index->at_in_run += n;
    if (index->at_in_run == run->count) {
        index->at_run++;
        index->at_in_run = 0;
    }
    return n;
}

void shf_id_index_rows(shf_id_index *index, uint64_t first, size_t n, uint64_t *rows)
{
    uint64_t row = 0;
    if (first < index->at_position) {
        index->at_position = index->at_in_run = 0;
        index->at_run = index->at_pair = 0;
    }
    while (index->at_position < first) {
        uint64_t moved = advance(index, first - index->at_position, &row);
        if (moved == 0) return;
        index->at_position += moved;
    }
    for (size_t i = 0; i < n;) {
        uint64_t moved = advance(index, n - i, &row);
        if (moved == 0) return;
        for (uint64_t k = 0; k < moved; k++) rows[i++] = row + k;
        index->at_position += moved;
    }
}

size_t shf_id_index_bytes(const shf_id_index *index)
{
    return index->runs_capacity * sizeof *index->runs + index->pairs_capacity * sizeof *index->pairs;
}

void shf_id_index_free(shf_id_index *index)
{
    shf_free(index->runs);
    shf_free(index->pairs);
    memset(index, 0, sizeof *index);
}
