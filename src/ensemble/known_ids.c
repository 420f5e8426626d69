// SPDX-License-Identifier: Apache-2.0
#include "ensemble/known_ids.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

/* Beyond so many runs, the short ones go to the hash: inserting into the sorted runs stays cheap, and long runs stay runs. */
enum { MOST_RUNS = 512, SHORT_RUN = 8 };
#define EMPTY INT64_MIN

/* ---- the hash: linear probing over any number of slots, at most 7/8 full, growing by half ---- */

static size_t home(const shf_known_ids *set, int64_t id)
{
    uint64_t h = (uint64_t)id * UINT64_C(0x9E3779B97F4A7C15);
    h ^= h >> 32;
    h *= UINT64_C(0xD6E8FEB86659FD93);
    return (size_t)(((h >> 32) * set->n_slots) >> 32); /* fewer than 2^32 slots: 32 GiB */
}

static size_t next_slot(const shf_known_ids *set, size_t i)
{
    return i + 1 == set->n_slots ? 0 : i + 1;
}

static size_t find_slot(const shf_known_ids *set, int64_t id)
{
    size_t i = home(set, id);
    while (set->slots[i] != EMPTY && set->slots[i] != id) i = next_slot(set, i);
    return i;
}

static bool hash_has(const shf_known_ids *set, int64_t id)
{
    if (id == EMPTY) return set->has_empty_id;
    return set->n_slots && set->slots[find_slot(set, id)] == id;
}

static sheaf_status hash_reserve(shf_known_ids *set, size_t more, sheaf_error *err)
{
    size_t need = set->n_hashed + more;
    if (need < set->n_slots - set->n_slots / 8) return SHEAF_OK;
    size_t n_slots = set->n_slots < 512 ? 1024 : set->n_slots + set->n_slots / 2;
    while (need >= n_slots - n_slots / 8) n_slots += n_slots / 2;
    shf_known_ids bigger = {.n_slots = n_slots, .slots = shf_malloc(n_slots * sizeof(int64_t))};
    if (!bigger.slots) return shf_fail_memory(err, n_slots * sizeof(int64_t), "ids");
    for (size_t i = 0; i < n_slots; i++) bigger.slots[i] = EMPTY;
    for (size_t i = 0; i < set->n_slots; i++)
        if (set->slots[i] != EMPTY) bigger.slots[find_slot(&bigger, set->slots[i])] = set->slots[i];
    shf_free(set->slots);
    set->slots = bigger.slots;
    set->n_slots = n_slots;
    return SHEAF_OK;
}

static void hash_put(shf_known_ids *set, int64_t id)
{
    if (id == EMPTY) {
        set->has_empty_id = true;
        return;
    }
    set->slots[find_slot(set, id)] = id;
    set->n_hashed++;
}

static void hash_remove(shf_known_ids *set, int64_t id)
{
    if (id == EMPTY) {
        set->has_empty_id = false;
        return;
    }
    size_t hole = find_slot(set, id);
    /* Entries after the hole move into it when their probe passes it. */
    for (size_t i = next_slot(set, hole); set->slots[i] != EMPTY; i = next_slot(set, i)) {
        size_t at = home(set, set->slots[i]);
        bool passes = hole <= i ? at <= hole || at > i : at <= hole && at > i;
        if (!passes) continue;
        set->slots[hole] = set->slots[i];
        hole = i;
    }
    set->slots[hole] = EMPTY;
    set->n_hashed--;
}

/* ---- the runs ---- */

/* Index of the first run whose last id is ≥ id. */
static size_t find_run(const shf_known_ids *set, int64_t id)
{
    size_t low = 0, high = set->n_runs;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (set->runs[middle].last < id) low = middle + 1;
        else high = middle;
    }
    return low;
}

static bool run_has(const shf_known_ids *set, int64_t id)
{
    size_t at = find_run(set, id);
    return at < set->n_runs && set->runs[at].first <= id;
}

static void drop_run(shf_known_ids *set, size_t at)
{
    memmove(set->runs + at, set->runs + at + 1, (set->n_runs - at - 1) * sizeof *set->runs);
    set->n_runs--;
}

static sheaf_status short_runs_to_hash(shf_known_ids *set, sheaf_error *err)
{
    size_t n_ids = 0, kept = 0;
    for (size_t i = 0; i < set->n_runs; i++) {
        uint64_t length = (uint64_t)set->runs[i].last - (uint64_t)set->runs[i].first + 1;
        if (length < SHORT_RUN) n_ids += (size_t)length;
    }
    SHF_TRY(hash_reserve(set, n_ids, err));
    for (size_t i = 0; i < set->n_runs; i++) {
        sheaf_id_range run = set->runs[i];
        uint64_t length = (uint64_t)run.last - (uint64_t)run.first + 1;
        if (length >= SHORT_RUN) set->runs[kept++] = run;
        else
            for (uint64_t k = 0; k < length; k++) hash_put(set, run.first + (int64_t)k);
    }
    set->n_runs = kept;
    return SHEAF_OK;
}

/* Room for one more run. Where all of MOST_RUNS runs are long, more are kept. */
static sheaf_status reserve_run(shf_known_ids *set, sheaf_error *err)
{
    if (set->n_runs < set->runs_capacity) return SHEAF_OK;
    if (set->n_runs >= MOST_RUNS) {
        SHF_TRY(short_runs_to_hash(set, err));
        if (set->n_runs <= set->runs_capacity / 2) return SHEAF_OK;
    }
    size_t capacity = set->runs_capacity ? set->runs_capacity * 2 : 16;
    sheaf_id_range *runs = shf_realloc(set->runs, capacity * sizeof *runs);
    if (!runs) return shf_fail_memory(err, capacity * sizeof *runs, "runs of ids");
    set->runs = runs;
    set->runs_capacity = capacity;
    return SHEAF_OK;
}

static sheaf_status insert_run(shf_known_ids *set, int64_t first, int64_t last, sheaf_error *err)
{
    SHF_TRY(reserve_run(set, err));
    size_t at = find_run(set, first);
    memmove(set->runs + at + 1, set->runs + at, (set->n_runs - at) * sizeof *set->runs);
    set->runs[at] = (sheaf_id_range){first, last};
    set->n_runs++;
    return SHEAF_OK;
}

sheaf_status shf_known_ids_add(shf_known_ids *set, int64_t id, bool *added, sheaf_error *err)
{
    *added = false;
    size_t at = find_run(set, id);
    if (at < set->n_runs && set->runs[at].first <= id) return SHEAF_OK;
    if (hash_has(set, id)) return SHEAF_OK;
    bool left = at > 0 && id != INT64_MIN && set->runs[at - 1].last == id - 1;
    bool right = at < set->n_runs && id != INT64_MAX && set->runs[at].first == id + 1;
    if (left && right) {
        set->runs[at - 1].last = set->runs[at].last;
        drop_run(set, at);
    } else if (left) {
        set->runs[at - 1].last = id;
    } else if (right) {
        set->runs[at].first = id;
    } else {
        SHF_TRY(insert_run(set, id, id, err));
    }
    set->count++;
    *added = true;
    return SHEAF_OK;
}

void shf_known_ids_remove(shf_known_ids *set, int64_t id)
{
    if (run_has(set, id)) {
        size_t at = find_run(set, id);
        sheaf_id_range run = set->runs[at];
        if (run.first == run.last) drop_run(set, at);
        else if (run.last == id) set->runs[at].last--;
        else if (run.first == id) set->runs[at].first++;
        else {
            set->runs[at].last = id - 1;
            if (insert_run(set, id + 1, run.last, NULL) != SHEAF_OK) { /* no memory to split it: the id stays */
                set->runs[at].last = run.last;
                return;
            }
        }
    } else if (hash_has(set, id)) {
        hash_remove(set, id);
    } else {
        return;
    }
    set->count--;
}

bool shf_known_ids_has(const shf_known_ids *set, int64_t id)
{
    return run_has(set, id) || hash_has(set, id);
}

size_t shf_known_ids_bytes(const shf_known_ids *set)
{
    return set->runs_capacity * sizeof *set->runs + set->n_slots * sizeof *set->slots;
}

static int compare_ids(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return x < y ? -1 : x > y;
}

/* The hashed ids of first … last, sorted; Owned by the caller. */
static sheaf_status sorted_hashed(const shf_known_ids *set, int64_t first, int64_t last, int64_t **out, size_t *n, sheaf_error *err)
{
    *n = 0;
    *out = shf_malloc((set->n_hashed + 1) * sizeof **out);
    if (!*out) return shf_fail_memory(err, (set->n_hashed + 1) * sizeof **out, "ids");
    for (size_t i = 0; i < set->n_slots; i++)
        if (set->slots[i] != EMPTY && set->slots[i] >= first && set->slots[i] <= last) (*out)[(*n)++] = set->slots[i];
    if (set->has_empty_id && first == EMPTY) (*out)[(*n)++] = EMPTY;
    qsort(*out, *n, sizeof **out, compare_ids);
    return SHEAF_OK;
}

sheaf_status shf_known_ids_missing(const shf_known_ids *set, int64_t first, int64_t last, sheaf_id_range *ranges, size_t capacity,
                                   size_t *n_ranges, sheaf_error *err)
{
    int64_t *single;
    size_t n_single, i = 0;
    *n_ranges = 0;
    SHF_TRY(sorted_hashed(set, first, last, &single, &n_single, err));
    size_t run = find_run(set, first);
    int64_t at = first; /* the least id that is not dealt with */
    for (bool done = first > last; !done;) {
        bool has_run = run < set->n_runs && set->runs[run].first <= last;
        bool has_single = i < n_single;
        bool take_run = has_run && (!has_single || set->runs[run].first < single[i]);
        sheaf_id_range present = take_run ? set->runs[run] : (sheaf_id_range){has_single ? single[i] : last, has_single ? single[i] : last};
        bool any = has_run || has_single;
        int64_t end = any ? present.first : last; /* the gap is at … end - 1, or at … last */
        if (!any || at < end) {
            if (*n_ranges < capacity) ranges[*n_ranges] = (sheaf_id_range){at, any ? end - 1 : last};
            (*n_ranges)++;
        }
        if (!any || present.last >= last) done = true;
        else if (present.last >= at) at = present.last + 1;
        if (take_run) run++;
        else i++;
    }
    shf_free(single);
    return SHEAF_OK;
}

void shf_known_ids_free(shf_known_ids *set)
{
    shf_free(set->runs);
    shf_free(set->slots);
    memset(set, 0, sizeof *set);
}
