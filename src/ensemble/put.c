// SPDX-License-Identifier: Apache-2.0
/* Trajectories: checked and summarized outside any lock, then id and record, each under its own. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/checked.h"
#include "base/dtype.h"
#include "ensemble/ensemble.h"

enum { LOCAL_SCRATCH = 8192, MOST_COLUMNS = 2 + SHEAF_ENSEMBLE_MAX_VARIABLES * (2 + SHF_N_GENERAL) };

static sheaf_status check_outcome(const sheaf_ensemble_spec *spec, const sheaf_outcome *o, int64_t id, sheaf_error *err)
{
    long long i = (long long)id;
    if (spec->summaries != SHEAF_SUMMARIES_INSURANCE) return SHEAF_OK;
    if (!o) return shf_fail(err, SHEAF_ERR_ARGUMENT, "trajectory %lld has no outcome, which its summary needs", i);
    if (isnan(o->initial_assets)) return shf_fail(err, SHEAF_ERR_ARGUMENT, "trajectory %lld: initial_assets is NaN", i);
    if (isnan(o->final_assets)) return shf_fail(err, SHEAF_ERR_ARGUMENT, "trajectory %lld: final_assets is NaN", i);
    if (o->has_ruin_year && o->ruin_year < 0)
        return shf_fail(err, SHEAF_ERR_ARGUMENT, "trajectory %lld: ruin_year is %d; at least 0, or absent", i, o->ruin_year);
    if (o->has_ruin_year && !o->ruin_occurred)
        return shf_fail(err, SHEAF_ERR_ARGUMENT, "trajectory %lld has ruin_year %d, but no ruin occurred", i, o->ruin_year);
    return SHEAF_OK;
}

static sheaf_status check_put(const sheaf_ensemble *run, int64_t id, uint32_t n_steps, const void *const *values,
                              const sheaf_outcome *outcome, sheaf_error *err)
{
    SHF_TRY(shf_ensemble_ready(run, err));
    if (!run->writer) return shf_fail(err, SHEAF_ERR_STATE, "%s is open for reading", run->path);
    const sheaf_ensemble_spec *spec = &run->spec;
    if (spec->kind != SHEAF_BY_TRAJECTORY) return shf_fail(err, SHEAF_ERR_STATE, "%s is stored by step, not by trajectory", run->path);
    if (n_steps == 0) return shf_fail(err, SHEAF_ERR_ARGUMENT, "trajectory %lld is empty; at least 1 step", (long long)id);
    if (n_steps > spec->n_steps)
        return shf_fail(err, SHEAF_ERR_ARGUMENT, "trajectory %lld has %u steps, and at most %u are possible", (long long)id, n_steps,
                        spec->n_steps);
    if (!values) return shf_fail(err, SHEAF_ERR_ARGUMENT, "trajectory %lld has no values", (long long)id);
    for (size_t v = 0; v < spec->n_variables; v++)
        if (!values[v])
            return shf_fail(err, SHEAF_ERR_ARGUMENT, "trajectory %lld has no values of \"%s\"", (long long)id, spec->variables[v].name);
    SHF_TRY(check_outcome(spec, outcome, id, err));
    return spec->require_finite ? shf_ensemble_check_finite(spec, n_steps, values, id, err) : SHEAF_OK;
}

/* Every interval-th step, cast; fill values beyond the length. */
static void sample(const sheaf_ensemble_spec *spec, const sheaf_variable *v, uint32_t n_steps, uint32_t n_samples, const uint8_t *values,
                   uint8_t *to)
{
    size_t items = shf_variable_items(v), in = items * sheaf_dtype_size(v->dtype), out = items * sheaf_dtype_size(v->stored);
    uint32_t n = (uint32_t)shf_ceil_div(n_steps, spec->interval);
    if (spec->interval == 1) {
        shf_dtype_convert(v->dtype, values, v->stored, to, items * n);
    } else if (items == 1 && v->dtype == SHEAF_F64 && v->stored == SHEAF_F32) {
        const double *x = (const double *)(const void *)values;
        float *y = (float *)(void *)to;
        for (uint32_t j = 0; j < n; j++) y[j] = (float)x[(size_t)j * spec->interval];
    } else {
        for (uint32_t j = 0; j < n; j++)
            shf_dtype_convert(v->dtype, values + (size_t)j * spec->interval * in, v->stored, to + j * out, items);
    }
    if (n < n_samples) shf_dtype_fill(v->stored, to + n * out, (n_samples - n) * items);
}

static sheaf_status fill_record(const sheaf_ensemble *run, int64_t id, uint32_t n_steps, const void *const *values,
                                const sheaf_outcome *outcome, bool series, uint8_t *scratch, sheaf_error *err)
{
    const shf_plan *plan = &run->plan;
    for (size_t i = 0; i < plan->n_columns; i++) {
        const shf_plan_array *a = &plan->arrays[i];
        const sheaf_variable *v = a->variable >= 0 ? &run->spec.variables[a->variable] : NULL;
        const uint8_t *x = v ? values[a->variable] : NULL;
        int32_t length = (int32_t)n_steps;
        switch (a->role) {
        case SHF_ROLE_ID: memcpy(scratch + a->offset, &id, sizeof id); break;
        case SHF_ROLE_LENGTH: memcpy(scratch + a->offset, &length, sizeof length); break;
        case SHF_ROLE_LAST: {
            size_t items = shf_variable_items(v), step = items * sheaf_dtype_size(v->dtype);
            shf_dtype_convert(v->dtype, x + (n_steps - 1) * step, v->stored, scratch + a->offset, items);
            break;
        }
        case SHF_ROLE_SERIES:
            if (series) sample(&run->spec, v, n_steps, plan->n_samples, x, scratch + a->offset);
            break;
        default: break;
        }
    }
    return shf_ensemble_summarize(run, n_steps, values, outcome, scratch, err);
}

static sheaf_status append_record(sheaf_ensemble *run, const uint8_t *scratch, bool series, sheaf_error *err)
{
    const void *columns[MOST_COLUMNS];
    for (size_t i = 0; i < run->plan.n_columns; i++) {
        const shf_plan_array *a = &run->plan.arrays[i];
        columns[i] = a->role == SHF_ROLE_SERIES && !series ? NULL : scratch + a->offset;
    }
    return sheaf_store_append(run->store, run->plan.record, 1, columns, NULL, err);
}

/* *series = false when only summaries are stored by now. */
static sheaf_status append_within_limit(sheaf_ensemble *run, const uint8_t *scratch, bool *series, sheaf_error *err)
{
    if (run->spec.at_limit != SHEAF_AT_LIMIT_SUMMARIES) return append_record(run, scratch, *series, err);
    pthread_rwlock_rdlock(&run->limit_lock);
    *series = *series && !run->summaries_only;
    sheaf_status status = append_record(run, scratch, *series, err);
    pthread_rwlock_unlock(&run->limit_lock);
    return status;
}

/* *stored = false: a duplicate that KEEP_FIRST leaves out. */
static sheaf_status take_id(sheaf_ensemble *run, int64_t id, bool *stored, sheaf_error *err)
{
    pthread_mutex_lock(&run->lock);
    sheaf_status status = shf_known_ids_add(&run->ids, id, stored, err);
    if (status == SHEAF_OK && !*stored) {
        if (run->spec.duplicates == SHEAF_DUPLICATES_KEEP_FIRST) run->n_duplicates++;
        else status = shf_fail_at(err, SHEAF_ERR_DUPLICATE, run->path, NULL, -1, -1, "trajectory %lld is stored already", (long long)id);
    } else if (status == SHEAF_OK && shf_known_ids_bytes(&run->ids) > run->id_limit_bytes) {
        shf_known_ids_remove(&run->ids, id);
        status = shf_fail(err, SHEAF_ERR_MEMORY, "%llu scattered ids take %zu bytes, above the %llu that the memory bound leaves them",
                          (unsigned long long)run->ids.count, shf_known_ids_bytes(&run->ids), (unsigned long long)run->id_limit_bytes);
    }
    pthread_mutex_unlock(&run->lock);
    return status;
}

/* From this record on, summaries only: said in the attributes, and the room that was held back for them is opened. */
static sheaf_status go_on_with_summaries(sheaf_ensemble *run, int64_t id, sheaf_error *err)
{
    sheaf_status status = SHEAF_OK;
    pthread_rwlock_wrlock(&run->limit_lock);
    if (!run->summaries_only) {
        uint64_t row;
        char json[160];
        status = sheaf_store_appended(run->store, run->plan.record, &row, err);
        snprintf(json, sizeof json, "{\"sheaf_summaries_only_from_id\": %lld, \"sheaf_summaries_only_from_row\": %llu}", (long long)id,
                 (unsigned long long)row);
        if (status == SHEAF_OK) status = sheaf_store_set_attributes(run->store, NULL, json, err);
        if (status == SHEAF_OK) status = sheaf_store_set_disk_limit(run->store, run->options.disk_bytes, err);
        run->summaries_only = status == SHEAF_OK;
    }
    pthread_rwlock_unlock(&run->limit_lock);
    return status;
}

static sheaf_status put_record(sheaf_ensemble *run, int64_t id, const uint8_t *scratch, sheaf_error *err)
{
    bool series = true;
    sheaf_status status = append_within_limit(run, scratch, &series, err);
    if (status == SHEAF_ERR_BUDGET && series && run->spec.at_limit == SHEAF_AT_LIMIT_SUMMARIES) {
        status = go_on_with_summaries(run, id, err);
        if (status == SHEAF_OK) status = append_within_limit(run, scratch, &series, err);
    }
    if (status == SHEAF_OK && series) return status;
    pthread_mutex_lock(&run->lock);
    if (status == SHEAF_OK) run->n_summaries_only += !run->spec.no_series;
    else shf_known_ids_remove(&run->ids, id);
    run->n_refused += status == SHEAF_ERR_BUDGET;
    pthread_mutex_unlock(&run->lock);
    return status;
}

sheaf_status sheaf_ensemble_put_trajectory(sheaf_ensemble *run, int64_t id, uint32_t n_steps, const void *const *values,
                                           const sheaf_outcome *outcome, sheaf_error *err)
{
    _Alignas(64) uint8_t local[LOCAL_SCRATCH];
    SHF_TRY(check_put(run, id, n_steps, values, outcome, err));
    size_t size = run->plan.scratch_bytes;
    uint8_t *scratch = size <= sizeof local ? local : shf_malloc_aligned(size);
    if (!scratch) return shf_fail_memory(err, size, "a record");
    bool stored;
    sheaf_status status = fill_record(run, id, n_steps, values, outcome, !run->spec.no_series, scratch, err);
    if (status == SHEAF_OK) status = take_id(run, id, &stored, err);
    if (status == SHEAF_OK && stored) status = put_record(run, id, scratch, err);
    if (scratch != local) shf_free(scratch);
    return status;
}
