// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "base/checked.h"
#include "base/dtype.h"
#include "ensemble/plan.h"

static sheaf_ensemble_spec spec_init(sheaf_ensemble_kind kind)
{
    sheaf_ensemble_spec spec;
    memset(&spec, 0, sizeof spec);
    spec.size_bytes = sizeof spec;
    spec.kind = kind;
    spec.interval = 1;
    memcpy(spec.time_name, "time", 5);
    return spec;
}

sheaf_ensemble_spec sheaf_ensemble_spec_by_trajectory(uint32_t n_steps)
{
    sheaf_ensemble_spec spec = spec_init(SHEAF_BY_TRAJECTORY);
    spec.n_steps = n_steps;
    return spec;
}

sheaf_ensemble_spec sheaf_ensemble_spec_by_step(void)
{
    return spec_init(SHEAF_BY_STEP);
}

static bool copy_name(char to[SHEAF_MAX_NAME + 1], const char *from)
{
    if (!from) return false;
    size_t n = strlen(from);
    if (n > SHEAF_MAX_NAME) return false;
    memcpy(to, from, n + 1);
    return true;
}

/* Remembers the first mistake. */
#define PROBLEM(spec, ...)                                                                                       \
    do {                                                                                                         \
        if ((spec)->problem.code == SHEAF_OK) (void)shf_fail(&(spec)->problem, SHEAF_ERR_ARGUMENT, __VA_ARGS__); \
    } while (0)

static sheaf_variable *last_variable(sheaf_ensemble_spec *spec)
{
    if (!spec) return NULL;
    if (spec->n_variables == 0) PROBLEM(spec, "a property of a variable is given before any variable");
    return spec->n_variables && spec->n_variables <= SHEAF_ENSEMBLE_MAX_VARIABLES ? &spec->variables[spec->n_variables - 1] : NULL;
}

void sheaf_ensemble_spec_add(sheaf_ensemble_spec *spec, const char *name, sheaf_dtype dtype, const uint64_t *shape, int ndim)
{
    if (!spec) return;
    if (spec->n_variables >= SHEAF_ENSEMBLE_MAX_VARIABLES) {
        PROBLEM(spec, "more than %d variables", SHEAF_ENSEMBLE_MAX_VARIABLES);
        return;
    }
    if (ndim < 0 || ndim > SHEAF_ENSEMBLE_MAX_NDIM || (ndim > 0 && !shape)) {
        PROBLEM(spec, "variable \"%s\": %d dimensions per step%s; 0 to %d are possible", name ? name : "", ndim,
                ndim > 0 && !shape ? " without a shape" : "", SHEAF_ENSEMBLE_MAX_NDIM);
        return;
    }
    sheaf_variable *v = &spec->variables[spec->n_variables];
    memset(v, 0, sizeof *v);
    if (!copy_name(v->name, name)) {
        PROBLEM(spec, "variable \"%s\": a name has 1 to %d bytes", name ? name : "", SHEAF_MAX_NAME);
        return;
    }
    spec->n_variables++;
    v->dtype = v->stored = dtype;
    v->ndim = ndim;
    for (int i = 0; i < ndim; i++) v->shape[i] = shape[i];
}

void sheaf_ensemble_spec_store_as(sheaf_ensemble_spec *spec, sheaf_dtype stored)
{
    sheaf_variable *v = last_variable(spec);
    if (v) v->stored = stored;
}

void sheaf_ensemble_spec_dimensions(sheaf_ensemble_spec *spec, const char *const *names)
{
    sheaf_variable *v = last_variable(spec);
    for (int i = 0; v && i < v->ndim; i++)
        if (!names || !copy_name(v->dimensions[i], names[i])) PROBLEM(spec, "variable \"%s\": dimension %d has no proper name", v->name, i);
}

size_t shf_variable_items(const sheaf_variable *variable)
{
    size_t n = 1;
    for (int i = 0; i < variable->ndim; i++) n *= (size_t)variable->shape[i];
    return n;
}

static sheaf_status check_variable(const sheaf_variable *v, sheaf_error *err)
{
    if (sheaf_dtype_size(v->dtype) == 0)
        return shf_fail_at(err, SHEAF_ERR_ARGUMENT, NULL, v->name, -1, -1, "variable \"%s\" has no known type", v->name);
    if (sheaf_dtype_size(v->stored) == 0)
        return shf_fail_at(err, SHEAF_ERR_ARGUMENT, NULL, v->name, -1, -1, "variable \"%s\" is to be stored as no known type", v->name);
    if (v->stored != v->dtype && !(shf_dtype_is_float(v->stored) && shf_dtype_is_float(v->dtype)))
        return shf_fail_at(err, SHEAF_ERR_ARGUMENT, NULL, v->name, -1, -1, "variable \"%s\" cannot be handed over as %s and stored as %s",
                           v->name, sheaf_dtype_name(v->dtype), sheaf_dtype_name(v->stored));
    size_t bytes = sizeof(double);
    for (int i = 0; i < v->ndim; i++) {
        if (v->shape[i] == 0 || !shf_mul_size(bytes, (size_t)v->shape[i], &bytes) || bytes > SIZE_MAX / 4)
            return shf_fail_at(err, SHEAF_ERR_ARGUMENT, NULL, v->name, -1, -1,
                               "variable \"%s\": dimension %d of %llu elements is not possible", v->name, i,
                               (unsigned long long)v->shape[i]);
    }
    return SHEAF_OK;
}

static sheaf_status check_insurance(const sheaf_ensemble_spec *spec, const char *name, sheaf_dtype *dtype, sheaf_error *err)
{
    for (size_t i = 0; i < spec->n_variables; i++) {
        const sheaf_variable *v = &spec->variables[i];
        if (strcmp(v->name, name) != 0) continue;
        *dtype = v->dtype;
        if (v->ndim == 0 && shf_dtype_is_float(v->dtype)) return SHEAF_OK;
        return shf_fail(err, SHEAF_ERR_ARGUMENT,
                        "insurance summaries need \"%s\" as one float32 or float64 per step, not %s in %d dimensions", name,
                        sheaf_dtype_name(v->dtype), v->ndim);
    }
    return shf_fail(err, SHEAF_ERR_ARGUMENT, "insurance summaries need a variable \"%s\", which is not there", name);
}

static sheaf_status check_trajectory_spec(const sheaf_ensemble_spec *spec, sheaf_error *err)
{
    if (spec->n_steps == 0 || spec->n_steps > INT32_MAX)
        return shf_fail(err, SHEAF_ERR_ARGUMENT, "%u steps are not possible: 1 to %d", spec->n_steps, INT32_MAX);
    if (spec->summaries == SHEAF_SUMMARIES_INSURANCE) {
        sheaf_dtype losses = SHEAF_DTYPE_NONE, recoveries = SHEAF_DTYPE_NONE;
        SHF_TRY(check_insurance(spec, "annual_losses", &losses, err));
        SHF_TRY(check_insurance(spec, "insurance_recoveries", &recoveries, err));
        if (losses != recoveries)
            return shf_fail(err, SHEAF_ERR_ARGUMENT, "annual_losses are handed over as %s, but insurance_recoveries as %s",
                            sheaf_dtype_name(losses), sheaf_dtype_name(recoveries));
    }
    if (spec->no_series && spec->summaries == SHEAF_SUMMARIES_NONE && !spec->keep_last)
        return shf_fail(err, SHEAF_ERR_ARGUMENT, "neither series nor summaries nor last steps: nothing would be stored");
    if (spec->at_limit == SHEAF_AT_LIMIT_SUMMARIES && spec->summaries == SHEAF_SUMMARIES_NONE)
        return shf_fail(err, SHEAF_ERR_ARGUMENT, "at the limit only summaries are to be stored, but there are none");
    return SHEAF_OK;
}

static sheaf_status check_step_spec(const sheaf_ensemble_spec *spec, sheaf_error *err)
{
    if (spec->summaries != SHEAF_SUMMARIES_NONE || spec->no_series || spec->at_limit == SHEAF_AT_LIMIT_SUMMARIES)
        return shf_fail(err, SHEAF_ERR_ARGUMENT, "summaries of trajectories are not possible when steps are stored");
    return SHEAF_OK;
}

sheaf_status shf_spec_check(const sheaf_ensemble_spec *spec, sheaf_error *err)
{
    if (!spec) return shf_fail(err, SHEAF_ERR_ARGUMENT, "no ensemble spec is given");
    if (spec->size_bytes != sizeof *spec)
        return shf_fail(err, SHEAF_ERR_ARGUMENT, "size_bytes of the ensemble spec is %zu instead of %zu", spec->size_bytes, sizeof *spec);
    if (spec->problem.code != SHEAF_OK) {
        if (err) *err = spec->problem;
        return spec->problem.code;
    }
    if (spec->interval == 0) return shf_fail(err, SHEAF_ERR_ARGUMENT, "a sampling interval of 0 is not possible; at least 1");
    if (spec->n_variables == 0) return shf_fail(err, SHEAF_ERR_ARGUMENT, "an ensemble needs at least one variable");
    for (size_t i = 0; i < spec->n_variables; i++) SHF_TRY(check_variable(&spec->variables[i], err));
    if (spec->kind == SHEAF_BY_TRAJECTORY) return check_trajectory_spec(spec, err);
    if (spec->kind == SHEAF_BY_STEP) return check_step_spec(spec, err);
    return shf_fail(err, SHEAF_ERR_ARGUMENT, "an ensemble is stored by trajectory or by step, not by %d", (int)spec->kind);
}
