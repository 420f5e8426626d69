// SPDX-License-Identifier: Apache-2.0
#ifndef SHF_ENSEMBLE_ENSEMBLE_H
#define SHF_ENSEMBLE_ENSEMBLE_H

#include <pthread.h>

#include "base/id_index.h"
#include "ensemble/known_ids.h"
#include "ensemble/plan.h"

struct sheaf_ensemble {
    sheaf_store *store;
    sheaf_ensemble_spec spec; /* attributes_json is NULL; of a reader: what the store says, without variables */
    sheaf_store_options options;
    char *path, *format; /* format: as asked for, or NULL */
    char *attributes;    /* of a writer's spec, or NULL */
    shf_plan plan;       /* writer only */
    bool writer;
    uint64_t id_limit_bytes;

    pthread_rwlock_t limit_lock; /* AT_LIMIT_SUMMARIES: read while a record is appended, written while the limit changes */
    pthread_mutex_t lock;        /* guards what follows */
    shf_known_ids ids;           /* writer by trajectory: what was put */
    bool summaries_only;
    uint64_t n_summaries_only, n_duplicates, n_refused;
    uint64_t next_stored;    /* by step: the next iteration that is to be stored */
    uint64_t last_iteration; /* by step: handed over last; UINT64_MAX: none yet */
    bool last_pending;       /* by step, keep_last: the last step was not stored, and lies in last_values */
    double last_time;
    uint8_t *last_values; /* one record as plan.scratch_bytes lays it out */

    pthread_mutex_t index_lock; /* guards the index */
    shf_id_index index;
};

/* Not NULL, and not broken by a failed clear. */
sheaf_status shf_ensemble_ready(const sheaf_ensemble *run, sheaf_error *err);
/* Reads what the attributes say into run->spec and the counters. */
sheaf_status shf_ensemble_read_attributes(sheaf_ensemble *run, sheaf_error *err);
/* The index holds all committed rows. index_lock is held. */
sheaf_status shf_ensemble_index(sheaf_ensemble *run, sheaf_error *err);
/* Calls take for blocks of committed ids in row order, from row `first` on. */
sheaf_status shf_ensemble_each_id(sheaf_ensemble *run, uint64_t first,
                                  sheaf_status (*take)(void *context, const int64_t *ids, size_t n, sheaf_error *err), void *context,
                                  sheaf_error *err);
/* By step, at close: the pending last step becomes a record. */
sheaf_status shf_ensemble_flush_last(sheaf_ensemble *run, sheaf_error *err);
/* Fills the scratch record's summary columns. */
sheaf_status shf_ensemble_summarize(const sheaf_ensemble *run, uint32_t n_steps, const void *const *values, const sheaf_outcome *outcome,
                                    uint8_t *scratch, sheaf_error *err);
/* SHEAF_ERR_ARGUMENT names the first inf or NaN. */
sheaf_status shf_ensemble_check_finite(const sheaf_ensemble_spec *spec, uint32_t n_steps, const void *const *values, int64_t record,
                                       sheaf_error *err);

#endif
