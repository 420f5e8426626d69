// SPDX-License-Identifier: Apache-2.0
/** @file ensemble.h  What simulations hand over: whole trajectories, or an ensemble step by step.
 *
 * By trajectory, a store has over `trajectory` (grows): `trajectory` (i64 ids, in row order), `length` (i32, steps before sampling), the
 * summaries, `VARIABLE_last` (when asked), and each series VARIABLE (trajectory, time, …); `time` (i64, fixed) holds the sampled step
 * indices 0, k, 2k, … Beyond a trajectory's length a series holds fill values. By step, a store has over `time` (grows): `time` (f64, as
 * handed over) and each VARIABLE (time, …); a dimension named `trajectory` gets a fixed coordinate of ids.
 *
 * Absent is neither zero nor NaN: an array with the attribute `missing_value` holds that value where there is none (`ruin_year`: -1).
 *
 * An ensemble is used by one process. Functions that say "any thread" may be called at once from many; close, free and clear by one. */
#ifndef SHEAF_ENSEMBLE_H
#define SHEAF_ENSEMBLE_H

#include "store.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct sheaf_ensemble sheaf_ensemble;

/** Most variables of an ensemble. */
#define SHEAF_ENSEMBLE_MAX_VARIABLES 64
/** Most dimensions of one variable at one step. */
#define SHEAF_ENSEMBLE_MAX_NDIM 6

typedef enum sheaf_ensemble_kind { SHEAF_BY_TRAJECTORY = 1, SHEAF_BY_STEP = 2 } sheaf_ensemble_kind;

/** Which summary is stored with each trajectory.
 *  GENERAL: for each variable, and each of its elements, over the trajectory's own n steps, in f64: `VARIABLE_total` (NumPy's pairwise sum),
 *  `_mean`, `_std` (ddof 1; NaN when n = 1), `_min`, `_max`, `_final`.
 *  INSURANCE: needs the variables annual_losses and insurance_recoveries (scalar per step, f32 or f64) and an outcome; stores final_assets,
 *  total_losses, total_recoveries, mean_annual_loss, max_annual_loss, min_annual_loss, growth_rate (ln(final / initial) / n, -inf unless both
 *  are > 0), ruin_occurred, ruin_year (i32, -1: absent), volatility (ddof 0, of (L[t+1] - L[t]) / L[t] where L[t] != 0; 0 when there is none). */
typedef enum sheaf_summaries { SHEAF_SUMMARIES_NONE = 0, SHEAF_SUMMARIES_GENERAL = 1, SHEAF_SUMMARIES_INSURANCE = 2 } sheaf_summaries;

/** What to do when the next trajectory would cross the disk limit. STOP: it is refused (SHEAF_ERR_BUDGET), what came before is committed.
 *  SUMMARIES: from it on only ids, lengths and summaries are stored (their series are fill values), as long as they fit; the attributes
 *  `sheaf_summaries_only_from_id` and `…_from_row` say from where on. In npy, where every array grows with every record, series take their room
 *  all the same, so there the summaries end soon after, with SHEAF_ERR_BUDGET. */
typedef enum sheaf_at_limit { SHEAF_AT_LIMIT_STOP = 0, SHEAF_AT_LIMIT_SUMMARIES = 1 } sheaf_at_limit;

/** An id that is stored already. REFUSE: SHEAF_ERR_DUPLICATE, the store is untouched. KEEP_FIRST: SHEAF_OK, nothing is stored. */
typedef enum sheaf_duplicates { SHEAF_DUPLICATES_REFUSE = 0, SHEAF_DUPLICATES_KEEP_FIRST = 1 } sheaf_duplicates;

/** One variable. */
typedef struct sheaf_variable {
    char name[SHEAF_MAX_NAME + 1];
    sheaf_dtype dtype;  /**< as handed over */
    sheaf_dtype stored; /**< as stored */
    int ndim;           /**< of one step: 0 for a scalar */
    uint64_t shape[SHEAF_ENSEMBLE_MAX_NDIM];
    char dimensions[SHEAF_ENSEMBLE_MAX_NDIM][SHEAF_MAX_NAME + 1];
} sheaf_variable;

/** What an ensemble is. Make one by sheaf_ensemble_spec_by_…, add variables, set what differs from the defaults. Plain data: copy it freely. */
typedef struct sheaf_ensemble_spec {
    size_t size_bytes; /**< sizeof(sheaf_ensemble_spec) */
    sheaf_ensemble_kind kind;
    uint32_t n_steps;          /**< by trajectory: the most steps of a trajectory, 1…2^31-1 */
    uint32_t interval;         /**< a step t is stored when t % interval == 0; default 1 */
    bool keep_last;            /**< also the last step: by trajectory as VARIABLE_last, by step as one more record at close */
    bool no_series;            /**< by trajectory: summaries only */
    bool require_finite;       /**< refuse values that are inf or NaN */
    sheaf_summaries summaries; /**< default NONE */
    sheaf_at_limit at_limit;
    sheaf_duplicates duplicates;
    sheaf_codec codec;
    int level;
    uint64_t
        n_expected; /**< by trajectory, AT_LIMIT_SUMMARIES: how many are to come, so that room for their summaries is held back; 0: a quarter
                                    of the limit is */
    int64_t first_id;                   /**< by step: id of the first column of a dimension `trajectory` */
    char time_name[SHEAF_MAX_NAME + 1]; /**< by step: name of the time array and its dimension; default "time" */
    const char *attributes_json; /**< Borrowed until create or resume: what is known about the run (model, seed, …), a JSON object; or NULL */
    size_t n_variables;
    sheaf_variable variables[SHEAF_ENSEMBLE_MAX_VARIABLES];
    sheaf_error problem; /**< the first thing that was wrong while it was made; create and resume report it */
} sheaf_ensemble_spec;

SHEAF_API sheaf_ensemble_spec sheaf_ensemble_spec_by_trajectory(uint32_t n_steps);
SHEAF_API sheaf_ensemble_spec sheaf_ensemble_spec_by_step(void);
/** Adds a variable of `ndim` dimensions per step (shape NULL when 0), stored as given. What is wrong with it is reported by create. */
SHEAF_API void sheaf_ensemble_spec_add(sheaf_ensemble_spec *spec, const char *name, sheaf_dtype dtype, const uint64_t *shape, int ndim);
/** Stores the variable added last as another type. */
SHEAF_API void sheaf_ensemble_spec_store_as(sheaf_ensemble_spec *spec, sheaf_dtype stored);
/** Names the dimensions of the variable added last (default VARIABLE_0, VARIABLE_1, …); the same name means the same length. */
SHEAF_API void sheaf_ensemble_spec_dimensions(sheaf_ensemble_spec *spec, const char *const *names);

/** How a trajectory ended: for SHEAF_SUMMARIES_INSURANCE. */
typedef struct sheaf_outcome {
    double initial_assets; /**< not NaN */
    double final_assets;   /**< not NaN */
    bool ruin_occurred;
    bool has_ruin_year; /**< false: absent */
    int32_t ruin_year;  /**< 0-based */
} sheaf_outcome;

/* ---- begin and end ---- */

/** Makes a store. options may be NULL. Errors as sheaf_store_create; SHEAF_ERR_ARGUMENT names what is wrong in the spec. */
SHEAF_API SHEAF_MUST_CHECK sheaf_status sheaf_ensemble_create(const char *path, const sheaf_ensemble_spec *spec,
                                                              const sheaf_store_options *options, sheaf_ensemble **out, sheaf_error *err);
/** Goes on with a store. spec, its attributes too, must say what is stored: a difference is SHEAF_ERR_MISMATCH that names it with both values. */
SHEAF_API SHEAF_MUST_CHECK sheaf_status sheaf_ensemble_resume(const char *path, const sheaf_ensemble_spec *spec,
                                                              const sheaf_store_options *options, sheaf_ensemble **out, sheaf_error *err);
/** Opens what is committed for reading. SHEAF_ERR_MISMATCH when the store is no ensemble. */
SHEAF_API SHEAF_MUST_CHECK sheaf_status sheaf_ensemble_open(const char *path, const sheaf_store_options *options, sheaf_ensemble **out,
                                                            sheaf_error *err);
/** Publishes what was put. Any thread. */
SHEAF_API SHEAF_MUST_CHECK sheaf_status sheaf_ensemble_commit(sheaf_ensemble *run, sheaf_error *err);
/** Commits, makes the store complete for other tools, ends; *run is NULL afterwards in every case. Idempotent on NULL. */
SHEAF_API SHEAF_MUST_CHECK sheaf_status sheaf_ensemble_close(sheaf_ensemble **run, sheaf_error *err);
/** Ends without committing. */
SHEAF_API void sheaf_ensemble_free(sheaf_ensemble **run);
/** Commits and ends like close, but a run that stores the last step by keep_last can be resumed: the last step is left out. */
SHEAF_API SHEAF_MUST_CHECK sheaf_status sheaf_ensemble_suspend(sheaf_ensemble **run, sheaf_error *err);
/** Removes everything that is stored; the ensemble can be used again, with the same spec. Writer. */
SHEAF_API SHEAF_MUST_CHECK sheaf_status sheaf_ensemble_clear(sheaf_ensemble *run, sheaf_error *err);
/** The store below, Borrowed until close, free or clear: for reading, attributes, checkpoints and limits. Do not append to it or close it. */
SHEAF_API sheaf_store *sheaf_ensemble_store(sheaf_ensemble *run);

/* ---- writing ---- */

/** Stores one trajectory of n_steps (1…spec.n_steps) steps: values[v] holds the v-th variable of the spec, (n_steps, shape…) row-major. Everything
 *  is checked before anything happens, and copied before the call returns. outcome: needed for insurance summaries, else NULL. Any thread.
 *  Errors: SHEAF_ERR_ARGUMENT, SHEAF_ERR_DUPLICATE, SHEAF_ERR_BUDGET, SHEAF_ERR_MEMORY (ids beyond the memory bound), I/O. */
SHEAF_API SHEAF_MUST_CHECK sheaf_status sheaf_ensemble_put_trajectory(sheaf_ensemble *run, int64_t id, uint32_t n_steps,
                                                                      const void *const *values, const sheaf_outcome *outcome,
                                                                      sheaf_error *err);
/** Stores one step when iteration % interval == 0. values[v]: the v-th variable, row-major; copied before the call returns. Iterations grow, and none
 *  that is to be stored may be left out (SHEAF_ERR_ARGUMENT says which was expected); others may be. Any thread, but the order is the caller's. */
SHEAF_API SHEAF_MUST_CHECK sheaf_status sheaf_ensemble_put_step(sheaf_ensemble *run, uint64_t iteration, double time,
                                                                const void *const *values, sheaf_error *err);
/** By step: the next iteration that is to be stored (after resume: where to go on). */
SHEAF_API SHEAF_MUST_CHECK sheaf_status sheaf_ensemble_next_step(sheaf_ensemble *run, uint64_t *iteration, sheaf_error *err);

/* ---- what is there ---- */

typedef struct sheaf_id_range {
    int64_t first, last; /**< both within */
} sheaf_id_range;

/** Trajectories: of a writer those put so far, of a reader those committed. By step: the records. Any thread. */
SHEAF_API SHEAF_MUST_CHECK sheaf_status sheaf_ensemble_count(sheaf_ensemble *run, uint64_t *count, sheaf_error *err);
/** Whether an id is there (writer: put; reader: committed). Any thread. */
SHEAF_API SHEAF_MUST_CHECK sheaf_status sheaf_ensemble_contains(sheaf_ensemble *run, int64_t id, bool *there, sheaf_error *err);
/** Ids of the committed rows first … first + n - 1. SHEAF_ERR_RANGE beyond the end. Any thread. */
SHEAF_API SHEAF_MUST_CHECK sheaf_status sheaf_ensemble_ids(sheaf_ensemble *run, uint64_t first, size_t n, int64_t *ids, sheaf_error *err);
/** Row of a committed id; SHEAF_ERR_NOT_FOUND. The first call reads all ids. Any thread. */
SHEAF_API SHEAF_MUST_CHECK sheaf_status sheaf_ensemble_find(sheaf_ensemble *run, int64_t id, uint64_t *row, sheaf_error *err);
/** Rows of the committed trajectories by growing id: those at positions first … first + n - 1 of that order. Cheap when called from front to
 *  back. Any thread. */
SHEAF_API SHEAF_MUST_CHECK sheaf_status sheaf_ensemble_rows_by_id(sheaf_ensemble *run, uint64_t first, size_t n, uint64_t *rows,
                                                                  sheaf_error *err);
/** Ids of first … last that are not there, as ranges in growing order: the first `capacity` of them in ranges, *n_ranges how many there are. Any thread. */
SHEAF_API SHEAF_MUST_CHECK sheaf_status sheaf_ensemble_missing(sheaf_ensemble *run, int64_t first, int64_t last, sheaf_id_range *ranges,
                                                               size_t capacity, size_t *n_ranges, sheaf_error *err);

/** One trajectory's row of any array over `trajectory`: a summary, a series, VARIABLE_last, length. Reads that array only; out_size_bytes must be
 *  exactly one row's. Any thread. */
SHEAF_API SHEAF_MUST_CHECK sheaf_status sheaf_ensemble_read(sheaf_ensemble *run, int64_t id, const char *array, void *out,
                                                            size_t out_size_bytes, sheaf_error *err);

/** The insurance summary of one trajectory, its columns in their order. */
typedef struct sheaf_insurance_summary {
    int64_t sim_id;
    double final_assets, total_losses, total_recoveries, mean_annual_loss, max_annual_loss, min_annual_loss, growth_rate;
    bool ruin_occurred;
    bool has_ruin_year;
    int32_t ruin_year; /**< 0 when absent */
    double volatility;
} sheaf_insurance_summary;
/** Any thread. */
SHEAF_API SHEAF_MUST_CHECK sheaf_status sheaf_ensemble_read_insurance_summary(sheaf_ensemble *run, int64_t id,
                                                                              sheaf_insurance_summary *summary, sheaf_error *err);
/** By trajectory: the sampled step indices of one trajectory, 0, k, 2k, … < its length: the first `capacity` in steps, *n_samples how many. Any thread. */
SHEAF_API SHEAF_MUST_CHECK sheaf_status sheaf_ensemble_sampled_steps(sheaf_ensemble *run, int64_t id, int64_t *steps, size_t capacity,
                                                                     size_t *n_samples, sheaf_error *err);
/** Reader: takes in what was committed since. One thread. */
SHEAF_API SHEAF_MUST_CHECK sheaf_status sheaf_ensemble_refresh(sheaf_ensemble *run, bool *changed, sheaf_error *err);

typedef struct sheaf_ensemble_statistics {
    size_t size_bytes; /**< set to sizeof(sheaf_ensemble_statistics) before the call */
    sheaf_ensemble_kind kind;
    uint64_t n_stored; /**< trajectories or steps, committed or not (writer) */
    uint64_t n_committed;
    uint64_t n_summaries_only; /**< trajectories stored without their series */
    uint64_t n_duplicates;     /**< left out by KEEP_FIRST since opening */
    uint64_t n_refused;        /**< refused by the budget since opening */
    uint64_t used_bytes;       /**< allocated on disk and reserved */
    uint64_t limit_bytes;      /**< 0: none */
    uint64_t id_bytes;         /**< memory that the ids take */
    uint32_t n_steps;          /**< by trajectory */
    uint32_t interval;
    uint32_t n_samples; /**< by trajectory: length of the time axis */
    bool keep_last, has_series;
    sheaf_summaries summaries;
    sheaf_codec codec;
    const char *format; /**< Borrowed until close, like path */
    const char *path;
} sheaf_ensemble_statistics;

/** Any thread. */
SHEAF_API SHEAF_MUST_CHECK sheaf_status sheaf_ensemble_get_statistics(sheaf_ensemble *run, sheaf_ensemble_statistics *statistics,
                                                                      sheaf_error *err);

#ifdef __cplusplus
}
#endif
#endif
