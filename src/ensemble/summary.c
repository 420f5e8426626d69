// SPDX-License-Identifier: Apache-2.0
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/checked.h"
#include "base/dtype.h"
#include "ensemble/ensemble.h"
#include "stats/insurance.h"
#include "stats/moments.h"

static void store_f64(uint8_t *scratch, const shf_plan_array *a, size_t item, double value)
{
    memcpy(scratch + a->offset + item * sizeof value, &value, sizeof value);
}

static void insurance_column(const shf_plan_array *a, const shf_insurance_summary *s, const sheaf_outcome *o, uint8_t *scratch)
{
    const double values[SHF_N_INSURANCE] = {
        [SHF_INSURANCE_FINAL_ASSETS] = o->final_assets,         [SHF_INSURANCE_TOTAL_LOSSES] = s->total_losses,
        [SHF_INSURANCE_TOTAL_RECOVERIES] = s->total_recoveries, [SHF_INSURANCE_MEAN_ANNUAL_LOSS] = s->mean_annual_loss,
        [SHF_INSURANCE_MAX_ANNUAL_LOSS] = s->max_annual_loss,   [SHF_INSURANCE_MIN_ANNUAL_LOSS] = s->min_annual_loss,
        [SHF_INSURANCE_GROWTH_RATE] = s->growth_rate,           [SHF_INSURANCE_VOLATILITY] = s->volatility,
    };
    if (a->summary == SHF_INSURANCE_RUIN_OCCURRED) {
        scratch[a->offset] = o->ruin_occurred;
    } else if (a->summary == SHF_INSURANCE_RUIN_YEAR) {
        int32_t year = o->has_ruin_year ? o->ruin_year : SHF_RUIN_YEAR_ABSENT;
        memcpy(scratch + a->offset, &year, sizeof year);
    } else {
        store_f64(scratch, a, 0, values[a->summary]);
    }
}

static void general_columns(const shf_plan_array *first, const shf_row_summary *s, size_t item, uint8_t *scratch)
{
    store_f64(scratch, first + SHF_GENERAL_TOTAL, item, s->sum);
    store_f64(scratch, first + SHF_GENERAL_MEAN, item, s->mean);
    store_f64(scratch, first + SHF_GENERAL_STD, item, s->std);
    store_f64(scratch, first + SHF_GENERAL_MIN, item, s->min);
    store_f64(scratch, first + SHF_GENERAL_MAX, item, s->max);
    store_f64(scratch, first + SHF_GENERAL_FINAL, item, s->last);
}

/* One variable's general summary, element by element; `first` is its first column. */
static sheaf_status general(const sheaf_variable *v, const shf_plan_array *first, uint32_t n_steps, const void *values, uint8_t *scratch,
                            sheaf_error *err)
{
    shf_row_summary s;
    size_t items = shf_variable_items(v), bytes;
    if (items == 1) {
        shf_row_summarize(v->dtype, values, n_steps, 1, &s);
        general_columns(first, &s, 0, scratch);
        return SHEAF_OK;
    }
    if (!shf_mul_size(n_steps, sizeof(double), &bytes)) return shf_fail_memory(err, SIZE_MAX, "a summary");
    double *column = shf_malloc(bytes);
    if (!column) return shf_fail_memory(err, bytes, "a summary");
    size_t size = sheaf_dtype_size(v->dtype);
    for (size_t item = 0; item < items; item++) {
        for (uint32_t t = 0; t < n_steps; t++)
            shf_dtype_convert(v->dtype, (const uint8_t *)values + ((size_t)t * items + item) * size, SHEAF_F64, &column[t], 1);
        shf_row_summarize(SHEAF_F64, column, n_steps, 1, &s);
        general_columns(first, &s, item, scratch);
    }
    shf_free(column);
    return SHEAF_OK;
}

sheaf_status shf_ensemble_summarize(const sheaf_ensemble *run, uint32_t n_steps, const void *const *values, const sheaf_outcome *outcome,
                                    uint8_t *scratch, sheaf_error *err)
{
    const shf_plan *plan = &run->plan;
    const sheaf_ensemble_spec *spec = &run->spec;
    shf_insurance_summary s;
    if (spec->summaries == SHEAF_SUMMARIES_INSURANCE)
        shf_insurance_summarize(spec->variables[plan->losses].dtype, values[plan->losses], values[plan->recoveries], NULL, n_steps,
                                outcome->initial_assets, outcome->final_assets, &s);
    for (size_t i = 0; i < plan->n_columns; i++) {
        const shf_plan_array *a = &plan->arrays[i];
        if (a->role != SHF_ROLE_SUMMARY) continue;
        if (spec->summaries == SHEAF_SUMMARIES_INSURANCE) insurance_column(a, &s, outcome, scratch);
        else if (a->summary == 0) SHF_TRY(general(&spec->variables[a->variable], a, n_steps, values[a->variable], scratch, err));
    }
    return SHEAF_OK;
}

sheaf_status shf_ensemble_check_finite(const sheaf_ensemble_spec *spec, uint32_t n_steps, const void *const *values, int64_t record,
                                       sheaf_error *err)
{
    for (size_t v = 0; v < spec->n_variables; v++) {
        const sheaf_variable *variable = &spec->variables[v];
        size_t items = shf_variable_items(variable), n = items * n_steps;
        for (size_t i = 0; shf_dtype_is_float(variable->dtype) && i < n; i++) {
            double x = shf_dtype_load(variable->dtype, values[v], i);
            if (!isfinite(x))
                return shf_fail_at(err, SHEAF_ERR_ARGUMENT, NULL, variable->name, record, -1,
                                   "\"%s\" is %f at step %zu, and must be finite", variable->name, x, i / items);
        }
    }
    return SHEAF_OK;
}
