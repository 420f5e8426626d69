// SPDX-License-Identifier: Apache-2.0
/* From id to row: built from the ids in row order. Runs of consecutive ids in consecutive rows take 24 bytes however long, other ids 16 bytes. Not
 * thread-safe. */
#ifndef SHF_BASE_ID_INDEX_H
#define SHF_BASE_ID_INDEX_H

#include "base/error.h"
#include "sheaf/types.h"

typedef struct shf_id_run {
    int64_t id;
    uint64_t row;
    uint64_t count;
} shf_id_run;

typedef struct shf_id_pair {
    int64_t id;
    uint64_t row;
} shf_id_pair;

typedef struct shf_id_index {
    shf_id_run *runs;
    size_t n_runs, runs_capacity;
    shf_id_pair *pairs;
    size_t n_pairs, pairs_capacity;
    shf_id_run open; /* the run at the end that may still grow; count 0: none */
    uint64_t n_rows; /* rows taken in so far */
    bool sorted;
    /* where the last call of shf_id_index_rows ended */
    uint64_t at_position, at_in_run;
    size_t at_run, at_pair;
} shf_id_index;

/* Takes in the ids of the rows n_rows, n_rows + 1, … */
sheaf_status shf_id_index_add(shf_id_index *index, const int64_t *ids, size_t n, sheaf_error *err);
/* After adding, before looking up. */
sheaf_status shf_id_index_finish(shf_id_index *index, sheaf_error *err);
bool shf_id_index_find(const shf_id_index *index, int64_t id, uint64_t *row);
/* Whether an id is there twice; then which one, and two of its rows (a < b). */
bool shf_id_index_duplicate(const shf_id_index *index, int64_t *id, uint64_t *a, uint64_t *b);
/* Rows at positions first … first + n - 1 (all < n_rows) of the order by id. */
void shf_id_index_rows(shf_id_index *index, uint64_t first, size_t n, uint64_t *rows);
size_t shf_id_index_bytes(const shf_id_index *index);
void shf_id_index_free(shf_id_index *index);

#endif
