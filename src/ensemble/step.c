// SPDX-License-Identifier: Apache-2.0
/* Steps: the record is stored, or (keep_last) kept aside until a later one takes its place. */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/dtype.h"
#include "ensemble/ensemble.h"

static sheaf_status check_step(const sheaf_ensemble *run, const void *const *values, sheaf_error *err)
{
    SHF_TRY(shf_ensemble_ready(run, err));
    if (!run->writer) return shf_fail(err, SHEAF_ERR_STATE, "%s is open for reading", run->path);
    if (run->spec.kind != SHEAF_BY_STEP) return shf_fail(err, SHEAF_ERR_STATE, "%s is stored by trajectory, not by step", run->path);
    if (!values) return shf_fail(err, SHEAF_ERR_ARGUMENT, "the step has no values");
    for (size_t v = 0; v < run->spec.n_variables; v++)
        if (!values[v]) return shf_fail(err, SHEAF_ERR_ARGUMENT, "the step has no values of \"%s\"", run->spec.variables[v].name);
    return SHEAF_OK;
}

static sheaf_status check_order(const sheaf_ensemble *run, uint64_t iteration, sheaf_error *err)
{
    unsigned long long i = iteration, last = run->last_iteration, next = run->next_stored;
    if (run->last_iteration != UINT64_MAX && iteration <= run->last_iteration)
        return shf_fail(err, SHEAF_ERR_ARGUMENT, "step %llu comes after step %llu; iterations must grow", i, last);
    if (iteration > run->next_stored)
        return shf_fail(err, SHEAF_ERR_ARGUMENT, "step %llu is handed over, but step %llu is to be stored first", i, next);
    return SHEAF_OK;
}

/* Appends the record; values of scratch are laid out by the plan, other ones are as handed over. */
static sheaf_status append_step(sheaf_ensemble *run, double time, const void *const *values, const uint8_t *scratch, sheaf_error *err)
{
    const void *columns[1 + SHEAF_ENSEMBLE_MAX_VARIABLES];
    for (size_t i = 0; i < run->plan.n_columns; i++) {
        const shf_plan_array *a = &run->plan.arrays[i];
        if (a->role == SHF_ROLE_TIME) columns[i] = &time;
        else if (scratch) columns[i] = scratch + a->offset;
        else columns[i] = values[a->variable];
    }
    return sheaf_store_append(run->store, run->plan.record, 1, columns, NULL, err);
}

static bool casts(const sheaf_ensemble_spec *spec)
{
    for (size_t v = 0; v < spec->n_variables; v++)
        if (spec->variables[v].dtype != spec->variables[v].stored) return true;
    return false;
}

static sheaf_status keep_aside(sheaf_ensemble *run, const void *const *values, sheaf_error *err)
{
    if (!run->last_values) run->last_values = shf_malloc_aligned(run->plan.scratch_bytes);
    if (!run->last_values) return shf_fail_memory(err, run->plan.scratch_bytes, "the last step");
    for (size_t i = 0; i < run->plan.n_columns; i++) {
        const shf_plan_array *a = &run->plan.arrays[i];
        if (a->variable < 0) continue;
        const sheaf_variable *v = &run->spec.variables[a->variable];
        shf_dtype_convert(v->dtype, values[a->variable], v->stored, run->last_values + a->offset, shf_variable_items(v));
    }
    return SHEAF_OK;
}

static sheaf_status put_step(sheaf_ensemble *run, uint64_t iteration, double time, const void *const *values, sheaf_error *err)
{
    SHF_TRY(check_order(run, iteration, err));
    bool stored = iteration == run->next_stored;
    bool aside = !stored && run->spec.keep_last;
    if (aside || (stored && casts(&run->spec))) {
        run->last_pending = false; /* its place is taken now */
        SHF_TRY(keep_aside(run, values, err));
    }
    if (stored) {
        sheaf_status status = append_step(run, time, values, casts(&run->spec) ? run->last_values : NULL, err);
        if (status == SHEAF_ERR_BUDGET) run->n_refused++;
        SHF_TRY(status);
        run->next_stored += run->spec.interval;
    }
    run->last_pending = aside;
    run->last_time = time;
    run->last_iteration = iteration;
    return SHEAF_OK;
}

sheaf_status sheaf_ensemble_put_step(sheaf_ensemble *run, uint64_t iteration, double time, const void *const *values, sheaf_error *err)
{
    SHF_TRY(check_step(run, values, err));
    if (run->spec.require_finite) SHF_TRY(shf_ensemble_check_finite(&run->spec, 1, values, (int64_t)iteration, err));
    pthread_mutex_lock(&run->lock);
    sheaf_status status = put_step(run, iteration, time, values, err);
    pthread_mutex_unlock(&run->lock);
    return status;
}

sheaf_status sheaf_ensemble_next_step(sheaf_ensemble *run, uint64_t *iteration, sheaf_error *err)
{
    if (!run || !iteration) return shf_fail(err, SHEAF_ERR_ARGUMENT, "no ensemble or no place for the step is given");
    if (!run->writer || run->spec.kind != SHEAF_BY_STEP)
        return shf_fail(err, SHEAF_ERR_STATE, "%s is not being written by step", run->path);
    pthread_mutex_lock(&run->lock);
    *iteration = run->next_stored;
    pthread_mutex_unlock(&run->lock);
    return SHEAF_OK;
}

sheaf_status shf_ensemble_flush_last(sheaf_ensemble *run, sheaf_error *err)
{
    if (!run->last_pending) return SHEAF_OK;
    char json[80];
    snprintf(json, sizeof json, "{\"sheaf_last_iteration\": %llu}", (unsigned long long)run->last_iteration);
    SHF_TRY(append_step(run, run->last_time, NULL, run->last_values, err));
    run->last_pending = false;
    return sheaf_store_set_attributes(run->store, NULL, json, err);
}
