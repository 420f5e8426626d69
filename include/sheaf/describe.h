// SPDX-License-Identifier: Apache-2.0
/** @file describe.h  Statistics of what a store holds, in bounded memory however large it is: moments, exact quantiles, ruin, growth.
 *
 * A value is absent, and left out, beyond a trajectory's length and where an array holds its `missing_value`; in an ensemble stored by step
 * NaN means absent too. Any other NaN makes the result NaN. */
#ifndef SHEAF_DESCRIBE_H
#define SHEAF_DESCRIBE_H

#include "stats.h"
#include "store.h"

#ifdef __cplusplus
extern "C" {
#endif

/** How to describe an array. Make one by sheaf_describe_spec_init. */
typedef struct sheaf_describe_spec {
    size_t size_bytes;           /**< sizeof(sheaf_describe_spec) */
    const char *array;           /**< Borrowed during the call */
    bool by_time;                /**< one group for each stored step; else one group of all values */
    const double *probabilities; /**< of quantiles, in [0, 1]; Borrowed */
    size_t n_probabilities;      /**< at most 1000 */
    uint64_t memory_bytes;       /**< bound of what is held at a time; default 64 MiB. Less memory means more passes over the data */
} sheaf_describe_spec;

SHEAF_API sheaf_describe_spec sheaf_describe_spec_init(const char *array);

/** Moments of one group of values. */
typedef struct sheaf_description {
    uint64_t count;             /**< of values that are there */
    double mean, std, min, max; /**< std: ddof 1; NaN when there are too few values */
} sheaf_description;

/** Number of groups that describing an array gives: 1, or with by_time the length of its time axis (SHEAF_ERR_ARGUMENT when it has none). */
SHEAF_API SHEAF_MUST_CHECK sheaf_status sheaf_describe_groups(sheaf_store *store, const sheaf_describe_spec *spec, uint64_t *n_groups,
                                                              sheaf_error *err);
/** Describes an array. descriptions: one for each group. quantiles: n_probabilities for each group, exact (type 7), or NULL without any. */
SHEAF_API SHEAF_MUST_CHECK sheaf_status sheaf_describe(sheaf_store *store, const sheaf_describe_spec *spec, sheaf_description *descriptions,
                                                       double *quantiles, sheaf_error *err);

/** Ruin by horizon from the insurance summaries: shares[h] is the share of trajectories with ruin_year <= h, h = 0 … n_horizons - 1, with its
 *  Wilson 95 % interval; *ever (may be NULL) the share with ruin_occurred, whenever it was. SHEAF_ERR_NOT_FOUND without insurance summaries. */
SHEAF_API SHEAF_MUST_CHECK sheaf_status sheaf_describe_ruin(sheaf_store *store, size_t n_horizons, sheaf_stats_share *shares,
                                                            sheaf_stats_share *ever, sheaf_error *err);
/** Growth per step of one variable over the trajectories of an ensemble. variable NULL: of the assets of insurance summaries, whose growth_rate,
 *  final_assets and length are used (initial assets from the attribute `initial-assets`, else from the trajectories that grew at a finite rate). By
 *  trajectory a variable needs its series and `VARIABLE_final` or `VARIABLE_last`; by step its first and last records are used. Elements
 *  that are NaN are left out. SHEAF_ERR_NOT_FOUND when the store has not what is needed. */
SHEAF_API SHEAF_MUST_CHECK sheaf_status sheaf_describe_growth(sheaf_store *store, const char *variable, uint64_t memory_bytes,
                                                              sheaf_stats_growth *growth, sheaf_error *err);

#ifdef __cplusplus
}
#endif
#endif
