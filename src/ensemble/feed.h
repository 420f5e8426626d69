// SPDX-License-Identifier: Apache-2.0
/* Walks over the values of an array that are there, group by group, block by block. */
#ifndef SHF_ENSEMBLE_FEED_H
#define SHF_ENSEMBLE_FEED_H

#include "base/error.h"
#include "sheaf/describe.h"

typedef struct shf_feed {
    sheaf_store *store;
    sheaf_array_info info;
    int time_axis; /* the axis of groups, or -1: one group */
    bool by_time;
    bool skip_nan;
    bool has_missing;
    double missing;
    bool has_lengths; /* values beyond a trajectory's length are absent */
    uint64_t interval;
    uint64_t n_groups;
    size_t per_step; /* elements of one row and one step */
    size_t block_bytes;
} shf_feed;

/* n values of one group, in the order of the rows. */
typedef sheaf_status (*shf_take)(void *context, uint64_t group, const double *values, size_t n, sheaf_error *err);

sheaf_status shf_feed_open(sheaf_store *store, const char *array, bool by_time, shf_feed *feed, sheaf_error *err);
/* Values of groups first … first + n - 1. */
sheaf_status shf_feed_run(const shf_feed *feed, uint64_t first, uint64_t n, shf_take take, void *context, sheaf_error *err);

#endif
