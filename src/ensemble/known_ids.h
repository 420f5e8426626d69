// SPDX-License-Identifier: Apache-2.0
/* A writer's set of ids. Runs of consecutive ids take 16 bytes each however long; scattered ids at most 16 bytes each. Not thread-safe. */
#ifndef SHF_ENSEMBLE_KNOWN_IDS_H
#define SHF_ENSEMBLE_KNOWN_IDS_H

#include "base/error.h"
#include "sheaf/ensemble.h"

typedef struct shf_known_ids {
    sheaf_id_range *runs; /* sorted, disjoint, never adjacent */
    size_t n_runs, runs_capacity;
    int64_t *slots; /* open addressing, EMPTY where free */
    size_t n_slots, n_hashed;
    bool has_empty_id; /* whether the id that marks a free slot is itself in the set */
    uint64_t count;
} shf_known_ids;

/* *added = false when the id is there already. */
sheaf_status shf_known_ids_add(shf_known_ids *set, int64_t id, bool *added, sheaf_error *err);
void shf_known_ids_remove(shf_known_ids *set, int64_t id);
bool shf_known_ids_has(const shf_known_ids *set, int64_t id);
size_t shf_known_ids_bytes(const shf_known_ids *set);
/* Ids of first … last that are not in the set, as ranges. */
sheaf_status shf_known_ids_missing(const shf_known_ids *set, int64_t first, int64_t last, sheaf_id_range *ranges, size_t capacity,
                                   size_t *n_ranges, sheaf_error *err);
void shf_known_ids_free(shf_known_ids *set);

#endif
