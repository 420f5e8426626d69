// SPDX-License-Identifier: Apache-2.0
#include "ensemble/plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/checked.h"

const char *const shf_insurance_names[SHF_N_INSURANCE] = {
    "final_assets",    "total_losses", "total_recoveries", "mean_annual_loss", "max_annual_loss",
    "min_annual_loss", "growth_rate",  "ruin_occurred",    "ruin_year",        "volatility",
};
static const char *const general_suffixes[SHF_N_GENERAL] = {"total", "mean", "std", "min", "max", "final"};

static sheaf_status add_array(shf_plan *plan, shf_role role, const char *name, sheaf_dtype dtype, shf_plan_array **out, sheaf_error *err)
{
    size_t n = strlen(name);
    if (n == 0 || n > SHEAF_MAX_NAME) return shf_fail(err, SHEAF_ERR_ARGUMENT, "\"%s\": a name has 1 to %d bytes", name, SHEAF_MAX_NAME);
    for (size_t i = 0; i < plan->n_arrays; i++)
        if (strcmp(plan->arrays[i].name, name) == 0)
            return shf_fail_at(err, SHEAF_ERR_ARGUMENT, NULL, name, -1, -1, "the name \"%s\" is taken twice%s", name,
                               role == SHF_ROLE_SERIES ? ", or reserved" : "");
    shf_plan_array *arrays = shf_realloc(plan->arrays, (plan->n_arrays + 1) * sizeof *arrays);
    if (!arrays) return shf_fail_memory(err, (plan->n_arrays + 1) * sizeof *arrays, "the plan of arrays");
    plan->arrays = arrays;
    shf_plan_array *a = &arrays[plan->n_arrays++];
    memset(a, 0, sizeof *a);
    memcpy(a->name, name, n + 1);
    a->role = role;
    a->variable = -1;
    a->dtype = dtype;
    *out = a;
    return SHEAF_OK;
}

static void add_dimension(shf_plan_array *a, const char *name, uint64_t length)
{
    snprintf(a->dimensions[a->ndim], sizeof a->dimensions[0], "%s", name);
    a->shape[a->ndim++] = length;
}

/* The dimensions of one step of a variable. */
static sheaf_status add_step_dimensions(shf_plan_array *a, const sheaf_variable *v, sheaf_error *err)
{
    for (int i = 0; i < v->ndim; i++) {
        char name[SHEAF_MAX_NAME + 16];
        if (v->dimensions[i][0]) snprintf(name, sizeof name, "%s", v->dimensions[i]);
        else snprintf(name, sizeof name, "%s_%d", v->name, i);
        if (strlen(name) > SHEAF_MAX_NAME)
            return shf_fail(err, SHEAF_ERR_ARGUMENT, "the name of dimension \"%s\" is longer than %d bytes", name, SHEAF_MAX_NAME);
        add_dimension(a, name, v->shape[i]);
    }
    return SHEAF_OK;
}

static sheaf_status add_fixed_i64(shf_plan *plan, const char *name, uint64_t n, int64_t first, int64_t step, sheaf_error *err)
{
    shf_plan_array *a;
    size_t bytes;
    if (!shf_mul_size((size_t)n, sizeof(int64_t), &bytes)) return shf_fail_memory(err, SIZE_MAX, name);
    SHF_TRY(add_array(plan, SHF_ROLE_FIXED, name, SHEAF_I64, &a, err));
    add_dimension(a, name, n);
    int64_t *values = a->values = shf_malloc(bytes);
    if (!values) return shf_fail_memory(err, bytes, name);
    for (uint64_t i = 0; i < n; i++) values[i] = first + (int64_t)i * step;
    return SHEAF_OK;
}

static sheaf_status plan_summaries(shf_plan *plan, const sheaf_ensemble_spec *spec, sheaf_error *err)
{
    shf_plan_array *a;
    for (int i = 0; spec->summaries == SHEAF_SUMMARIES_INSURANCE && i < SHF_N_INSURANCE; i++) {
        sheaf_dtype dtype = i == SHF_INSURANCE_RUIN_OCCURRED ? SHEAF_BOOL : i == SHF_INSURANCE_RUIN_YEAR ? SHEAF_I32 : SHEAF_F64;
        SHF_TRY(add_array(plan, SHF_ROLE_SUMMARY, shf_insurance_names[i], dtype, &a, err));
        add_dimension(a, "trajectory", SHEAF_GROWS);
        a->summary = i;
        if (i == SHF_INSURANCE_RUIN_YEAR) a->attributes = "{\"missing_value\": -1}";
    }
    for (size_t v = 0; spec->summaries == SHEAF_SUMMARIES_GENERAL && v < spec->n_variables; v++) {
        for (int i = 0; i < SHF_N_GENERAL; i++) {
            char name[SHEAF_MAX_NAME + 16];
            snprintf(name, sizeof name, "%s_%s", spec->variables[v].name, general_suffixes[i]);
            SHF_TRY(add_array(plan, SHF_ROLE_SUMMARY, name, SHEAF_F64, &a, err));
            a->variable = (int)v;
            a->summary = i;
            add_dimension(a, "trajectory", SHEAF_GROWS);
            SHF_TRY(add_step_dimensions(a, &spec->variables[v], err));
        }
    }
    return SHEAF_OK;
}

static sheaf_status plan_last(shf_plan *plan, const sheaf_ensemble_spec *spec, sheaf_error *err)
{
    for (size_t v = 0; spec->keep_last && v < spec->n_variables; v++) {
        shf_plan_array *a;
        char name[SHEAF_MAX_NAME + 16];
        snprintf(name, sizeof name, "%s_last", spec->variables[v].name);
        SHF_TRY(add_array(plan, SHF_ROLE_LAST, name, spec->variables[v].stored, &a, err));
        a->variable = (int)v;
        add_dimension(a, "trajectory", SHEAF_GROWS);
        SHF_TRY(add_step_dimensions(a, &spec->variables[v], err));
    }
    return SHEAF_OK;
}

static sheaf_status plan_trajectories(shf_plan *plan, const sheaf_ensemble_spec *spec, sheaf_error *err)
{
    shf_plan_array *a;
    plan->record = "trajectory";
    plan->n_samples = (uint32_t)shf_ceil_div(spec->n_steps, spec->interval);
    SHF_TRY(add_array(plan, SHF_ROLE_ID, "trajectory", SHEAF_I64, &a, err));
    add_dimension(a, "trajectory", SHEAF_GROWS);
    SHF_TRY(add_array(plan, SHF_ROLE_LENGTH, "length", SHEAF_I32, &a, err));
    add_dimension(a, "trajectory", SHEAF_GROWS);
    SHF_TRY(plan_summaries(plan, spec, err));
    SHF_TRY(plan_last(plan, spec, err));
    for (size_t v = 0; !spec->no_series && v < spec->n_variables; v++) {
        if (strcmp(spec->variables[v].name, "time") == 0) return shf_fail(err, SHEAF_ERR_ARGUMENT, "the name \"time\" is reserved");
        SHF_TRY(add_array(plan, SHF_ROLE_SERIES, spec->variables[v].name, spec->variables[v].stored, &a, err));
        a->variable = (int)v;
        add_dimension(a, "trajectory", SHEAF_GROWS);
        add_dimension(a, "time", plan->n_samples);
        SHF_TRY(add_step_dimensions(a, &spec->variables[v], err));
    }
    plan->n_columns = plan->n_arrays;
    if (!spec->no_series) SHF_TRY(add_fixed_i64(plan, "time", plan->n_samples, 0, spec->interval, err));
    return SHEAF_OK;
}

static sheaf_status plan_steps(shf_plan *plan, const sheaf_ensemble_spec *spec, sheaf_error *err)
{
    shf_plan_array *a;
    uint64_t n_trajectories = 0;
    plan->record = spec->time_name;
    SHF_TRY(add_array(plan, SHF_ROLE_TIME, spec->time_name, SHEAF_F64, &a, err));
    add_dimension(a, spec->time_name, SHEAF_GROWS);
    for (size_t v = 0; v < spec->n_variables; v++) {
        const sheaf_variable *variable = &spec->variables[v];
        if (strcmp(variable->name, "trajectory") == 0 || strcmp(variable->name, "length") == 0)
            return shf_fail(err, SHEAF_ERR_ARGUMENT, "the name \"%s\" is reserved", variable->name);
        SHF_TRY(add_array(plan, SHF_ROLE_SERIES, variable->name, variable->stored, &a, err));
        a->variable = (int)v;
        add_dimension(a, spec->time_name, SHEAF_GROWS);
        SHF_TRY(add_step_dimensions(a, variable, err));
        for (int i = 0; i < variable->ndim; i++)
            if (strcmp(variable->dimensions[i], "trajectory") == 0) n_trajectories = variable->shape[i];
    }
    plan->n_columns = plan->n_arrays;
    if (n_trajectories) SHF_TRY(add_fixed_i64(plan, "trajectory", n_trajectories, spec->first_id, 1, err));
    return SHEAF_OK;
}

static sheaf_status plan_sizes(shf_plan *plan, sheaf_error *err)
{
    for (size_t i = 0; i < plan->n_columns; i++) {
        shf_plan_array *a = &plan->arrays[i];
        a->row_bytes = sheaf_dtype_size(a->dtype);
        for (int k = 1; k < a->ndim; k++) {
            if (!shf_mul_size(a->row_bytes, (size_t)a->shape[k], &a->row_bytes) || a->row_bytes > SIZE_MAX / 4)
                return shf_fail_at(err, SHEAF_ERR_ARGUMENT, NULL, a->name, -1, -1, "one record of \"%s\" is too large", a->name);
        }
        a->offset = plan->scratch_bytes;
        if (!shf_add_size(plan->scratch_bytes, (a->row_bytes + 63) / 64 * 64, &plan->scratch_bytes))
            return shf_fail(err, SHEAF_ERR_ARGUMENT, "one record is too large");
        if (a->role != SHF_ROLE_SERIES) plan->summary_bytes += a->row_bytes;
    }
    return SHEAF_OK;
}

static const char *summaries_name(sheaf_summaries summaries)
{
    return summaries == SHEAF_SUMMARIES_INSURANCE ? "insurance" : summaries == SHEAF_SUMMARIES_GENERAL ? "general" : "none";
}

/* What the store says about itself: all that is needed to read it, and nothing about how it was made. */
static sheaf_status plan_attributes(shf_plan *plan, const sheaf_ensemble_spec *spec, sheaf_error *err)
{
    bool by_trajectory = spec->kind == SHEAF_BY_TRAJECTORY;
    json_t *j = plan->attributes = json_object();
    int bad = !j;
    bad |= json_object_set_new(j, "sheaf_kind", json_string(by_trajectory ? "trajectories" : "steps"));
    if (by_trajectory) bad |= json_object_set_new(j, "sheaf_n_steps", json_integer(spec->n_steps));
    bad |= json_object_set_new(j, "sheaf_interval", json_integer(spec->interval));
    bad |= json_object_set_new(j, "sheaf_keep_last", json_integer(spec->keep_last));
    if (by_trajectory) bad |= json_object_set_new(j, "sheaf_summaries", json_string(summaries_name(spec->summaries)));
    if (bad) return shf_fail_memory(err, 0, "attributes");
    if (!spec->attributes_json) return SHEAF_OK;
    json_error_t problem;
    json_t *more = json_loads(spec->attributes_json, JSON_REJECT_DUPLICATES, &problem);
    if (!json_is_object(more)) {
        json_decref(more);
        return shf_fail(err, SHEAF_ERR_ARGUMENT, "the attributes of the run are no JSON object: %s",
                        more ? "something else" : problem.text);
    }
    const char *name;
    json_t *value;
    sheaf_status status = SHEAF_OK;
    json_object_foreach(more, name, value)
    {
        if (strncmp(name, "sheaf_", 6) == 0) status = shf_fail(err, SHEAF_ERR_ARGUMENT, "the attribute name \"%s\" is reserved", name);
        else if (json_object_set(j, name, value) != 0) status = shf_fail_memory(err, 0, "attributes");
        if (status != SHEAF_OK) break;
    }
    json_decref(more);
    return status;
}

sheaf_status shf_plan_make(const sheaf_ensemble_spec *spec, shf_plan *plan, sheaf_error *err)
{
    memset(plan, 0, sizeof *plan);
    SHF_TRY(shf_spec_check(spec, err));
    sheaf_status status = spec->kind == SHEAF_BY_TRAJECTORY ? plan_trajectories(plan, spec, err) : plan_steps(plan, spec, err);
    if (status == SHEAF_OK) status = plan_sizes(plan, err);
    if (status == SHEAF_OK) status = plan_attributes(plan, spec, err);
    for (size_t i = 0; i < spec->n_variables; i++) {
        if (strcmp(spec->variables[i].name, "annual_losses") == 0) plan->losses = (int)i;
        if (strcmp(spec->variables[i].name, "insurance_recoveries") == 0) plan->recoveries = (int)i;
    }
    if (status != SHEAF_OK) shf_plan_free(plan);
    return status;
}

void shf_plan_free(shf_plan *plan)
{
    for (size_t i = 0; i < plan->n_arrays; i++) shf_free(plan->arrays[i].values);
    shf_free(plan->arrays);
    json_decref(plan->attributes);
    memset(plan, 0, sizeof *plan);
}

static sheaf_status add_to_schema(const shf_plan_array *a, const sheaf_ensemble_spec *spec, sheaf_schema *schema, sheaf_error *err)
{
    const char *dimensions[SHEAF_MAX_NDIM];
    for (int i = 0; i < a->ndim; i++) {
        dimensions[i] = a->dimensions[i];
        SHF_TRY(sheaf_schema_add_dimension(schema, a->dimensions[i], a->shape[i], err));
    }
    sheaf_array_spec array = sheaf_array_spec_init(a->name, a->dtype, a->ndim, dimensions);
    array.codec = spec->codec;
    array.level = spec->level;
    array.values = a->values;
    array.attributes_json = a->attributes;
    return sheaf_schema_add_array(schema, &array, err);
}

sheaf_status shf_plan_schema(const shf_plan *plan, const sheaf_ensemble_spec *spec, sheaf_schema **out, sheaf_error *err)
{
    *out = NULL;
    sheaf_schema *schema;
    SHF_TRY(sheaf_schema_create(&schema, err));
    sheaf_status status = SHEAF_OK;
    for (size_t i = 0; i < plan->n_arrays && status == SHEAF_OK; i++) status = add_to_schema(&plan->arrays[i], spec, schema, err);
    char *json = status == SHEAF_OK ? json_dumps(plan->attributes, JSON_COMPACT) : NULL;
    if (status == SHEAF_OK) status = json ? sheaf_schema_set_attributes(schema, json, err) : shf_fail_memory(err, 0, "attributes");
    free(json);
    if (status == SHEAF_OK) *out = schema;
    else sheaf_schema_free(&schema);
    return status;
}
