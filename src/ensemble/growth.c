// SPDX-License-Identifier: Apache-2.0
/* Growth over the trajectories of an ensemble: first and last values are read in blocks; the rates go through a selector for their median. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "base/alloc.h"
#include "base/checked.h"
#include "base/dtype.h"
#include "base/error.h"
#include "sheaf/describe.h"
#include "stats/insurance.h"
#include "stats/selector.h"

enum { BLOCK = 8192 };

/* Where first value, last value and number of steps of a trajectory come from. */
typedef struct growth {
    sheaf_store *store;
    char first[SHEAF_MAX_NAME + 1], last[SHEAF_MAX_NAME + 1]; /* arrays */
    bool insurance, by_step;
    double initial; /* insurance: NaN when it is not known */
    double steps;   /* by step: of every trajectory */
    uint64_t n;     /* trajectories */
    uint64_t n_records;
    sheaf_dtype first_dtype, last_dtype;
    int first_ndim;
    shf_selector *selector;
    double sum_rate, sum_first, sum_last, sum_steps;
    uint64_t count, n_first;
} growth;

static sheaf_status no_growth(const growth *g, const char *what, sheaf_error *err)
{
    return shf_fail_at(err, SHEAF_ERR_NOT_FOUND, sheaf_store_path(g->store), NULL, -1, -1, "growth needs %s", what);
}

static sheaf_status read_initial(growth *g, sheaf_error *err)
{
    char *text;
    SHF_TRY(sheaf_store_attributes(g->store, NULL, &text, err));
    json_t *j = json_loads(text, 0, NULL);
    sheaf_string_free(text);
    const json_t *initial = json_object_get(j, "initial-assets");
    g->initial = json_is_number(initial) ? json_number_value(initial) : (double)NAN;
    json_decref(j);
    return SHEAF_OK;
}

static sheaf_status plan_insurance(growth *g, sheaf_error *err)
{
    sheaf_array_info info;
    g->insurance = true;
    if (sheaf_store_array(g->store, "growth_rate", &info, NULL) != SHEAF_OK ||
        sheaf_store_array(g->store, "final_assets", &info, NULL) != SHEAF_OK)
        return no_growth(g, "insurance summaries, or the name of a variable", err);
    g->n = info.shape[0];
    return read_initial(g, err);
}

static sheaf_status plan_steps(growth *g, const sheaf_array_info *info, sheaf_error *err)
{
    char *text;
    double interval = 1;
    g->by_step = true;
    g->n_records = info->shape[0];
    if (g->n_records < 2) return no_growth(g, "at least two steps", err);
    g->n = 1;
    for (int i = 1; i < info->ndim; i++) g->n *= info->shape[i];
    SHF_TRY(sheaf_store_attributes(g->store, NULL, &text, err));
    json_t *j = json_loads(text, 0, NULL);
    sheaf_string_free(text);
    const json_t *k = json_object_get(j, "sheaf_interval"), *end = json_object_get(j, "sheaf_last_iteration");
    if (json_is_number(k)) interval = json_number_value(k);
    g->steps = json_is_number(end) ? json_number_value(end) : interval * (double)(g->n_records - 1);
    json_decref(j);
    return SHEAF_OK;
}

static sheaf_status plan_variable(growth *g, const char *variable, sheaf_error *err)
{
    sheaf_array_info info, last;
    SHF_TRY(sheaf_store_array(g->store, variable, &info, err));
    snprintf(g->first, sizeof g->first, "%s", variable);
    g->first_dtype = g->last_dtype = info.dtype;
    g->first_ndim = info.ndim;
    if (info.grows && strcmp(info.dimensions[0], "trajectory") != 0) return plan_steps(g, &info, err);
    if (!info.grows || info.ndim != 2 || strcmp(info.dimensions[1], "time") != 0)
        return no_growth(g, "one series for each trajectory", err);
    static const char *const suffixes[] = {"final", "last"};
    for (int i = 0; i < 2; i++) {
        int n = snprintf(g->last, sizeof g->last, "%.*s_%s", SHEAF_MAX_NAME - 6, variable, suffixes[i]);
        if (n < 0 || sheaf_store_array(g->store, g->last, &last, NULL) != SHEAF_OK || last.ndim != 1) continue;
        g->last_dtype = last.dtype;
        g->n = info.shape[0];
        return SHEAF_OK;
    }
    return no_growth(g, "VARIABLE_final or VARIABLE_last", err);
}

static sheaf_status read_as_f64(sheaf_store *store, const char *array, sheaf_dtype dtype, const sheaf_selection *s, double *out, size_t n,
                                sheaf_error *err)
{
    uint64_t raw[BLOCK];
    SHF_TRY(sheaf_store_read(store, array, s, raw, n * sheaf_dtype_size(dtype), err));
    shf_dtype_convert(dtype, raw, SHEAF_F64, out, n);
    return SHEAF_OK;
}

/* First and last values and steps of trajectories at … at + n - 1; of insurance summaries the rate in place of the first. */
static sheaf_status read_block(growth *g, uint64_t at, size_t n, double *first, double *last, double *steps, sheaf_error *err)
{
    sheaf_selection s[2] = {sheaf_select_range(at, at + n, 1), sheaf_select_range(0, 1, 1)};
    if (g->insurance) SHF_TRY(read_as_f64(g->store, "growth_rate", SHEAF_F64, s, first, n, err));
    else SHF_TRY(read_as_f64(g->store, g->first, g->first_dtype, s, first, n, err));
    SHF_TRY(read_as_f64(g->store, g->insurance ? "final_assets" : g->last, g->insurance ? SHEAF_F64 : g->last_dtype, s, last, n, err));
    return read_as_f64(g->store, "length", SHEAF_I32, s, steps, n, err);
}

static sheaf_status take_block(growth *g, double *first, const double *last, const double *steps, size_t n, bool sums, sheaf_error *err)
{
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) {
        double rate = g->insurance ? first[i] : shf_growth_rate(first[i], last[i], g->by_step ? g->steps : steps[i] - 1);
        double begun = !g->insurance ? first[i] : !isnan(g->initial) ? g->initial : last[i] * exp(-rate * steps[i]);
        if (isnan(rate) || isnan(last[i]) || (!g->insurance && (isnan(first[i]) || (!g->by_step && steps[i] < 2)))) continue;
        if (sums) {
            g->sum_rate += rate;
            g->sum_last += last[i];
            g->sum_steps += g->by_step ? g->steps : g->insurance ? steps[i] : steps[i] - 1;
            if (isfinite(begun)) {
                g->sum_first += begun;
                g->n_first++;
            }
            g->count++;
        }
        first[kept++] = rate; /* only what was read already is overwritten */
    }
    return shf_selector_add(g->selector, SHEAF_F64, first, kept, err);
}

/* By step: the first and the last record, whole. */
static sheaf_status pass_steps(growth *g, bool sums, sheaf_error *err)
{
    size_t n = (size_t)g->n, item = sheaf_dtype_size(g->first_dtype), bytes;
    if (!shf_mul_size(n, sizeof(double) * 2, &bytes)) return shf_fail_memory(err, SIZE_MAX, "two steps");
    double *first = shf_malloc(n * sizeof *first), *last = shf_malloc(n * sizeof *last);
    void *raw = shf_malloc(n * item);
    sheaf_status status = first && last && raw ? SHEAF_OK : shf_fail_memory(err, bytes, "two steps");
    for (int end = 0; end < 2 && status == SHEAF_OK; end++) {
        sheaf_selection s[SHEAF_MAX_NDIM];
        uint64_t row = end ? g->n_records - 1 : 0;
        for (int i = 0; i < SHEAF_MAX_NDIM; i++) s[i] = sheaf_select_all();
        s[0] = sheaf_select_range(row, row + 1, 1);
        status = sheaf_store_read(g->store, g->first, s, raw, n * item, err);
        if (status == SHEAF_OK) shf_dtype_convert(g->first_dtype, raw, SHEAF_F64, end ? last : first, n);
    }
    if (status == SHEAF_OK) status = take_block(g, first, last, NULL, n, sums, err);
    shf_free(first);
    shf_free(last);
    shf_free(raw);
    return status;
}

static sheaf_status pass(growth *g, bool sums, sheaf_error *err)
{
    if (g->by_step) return pass_steps(g, sums, err);
    size_t bytes = 3 * BLOCK * sizeof(double);
    double *room = shf_malloc(bytes);
    if (!room) return shf_fail_memory(err, bytes, "growth");
    sheaf_status status = SHEAF_OK;
    for (uint64_t at = 0; at < g->n && status == SHEAF_OK; at += BLOCK) {
        size_t n = (size_t)shf_min_u64(BLOCK, g->n - at);
        status = read_block(g, at, n, room, room + BLOCK, room + 2 * BLOCK, err);
        if (status == SHEAF_OK) status = take_block(g, room, room + BLOCK, room + 2 * BLOCK, n, sums, err);
    }
    shf_free(room);
    return status;
}

static sheaf_status compute(growth *g, uint64_t memory_bytes, sheaf_stats_growth *out, sheaf_error *err)
{
    static const double half[] = {.5};
    SHF_TRY(shf_selector_open(half, 1, (size_t)(memory_bytes ? memory_bytes : 64 << 20), false, &g->selector, err));
    bool again = true;
    for (bool sums = true; again; sums = false) {
        SHF_TRY(pass(g, sums, err));
        SHF_TRY(shf_selector_again(g->selector, &again, err));
    }
    SHF_TRY(shf_selector_result(g->selector, &out->time_average_median, err));
    double n = (double)g->count;
    out->time_average_mean = g->sum_rate / n;
    /* The ensemble grows over the longest time that a trajectory had: all of them, where they have one length. */
    double first = g->sum_first / (double)g->n_first, last = g->sum_last / n;
    out->ensemble = shf_growth_rate(first, last, g->steps);
    out->ergodicity_gap = out->ensemble - out->time_average_mean;
    return SHEAF_OK;
}

static sheaf_status longest(growth *g, sheaf_error *err)
{
    char *text;
    if (g->by_step) return SHEAF_OK;
    SHF_TRY(sheaf_store_attributes(g->store, NULL, &text, err));
    json_t *j = json_loads(text, 0, NULL);
    sheaf_string_free(text);
    const json_t *n = json_object_get(j, "sheaf_n_steps");
    g->steps = json_is_number(n) ? json_number_value(n) - (g->insurance ? 0 : 1) : 0;
    json_decref(j);
    return SHEAF_OK;
}

sheaf_status sheaf_describe_growth(sheaf_store *store, const char *variable, uint64_t memory_bytes, sheaf_stats_growth *out,
                                   sheaf_error *err)
{
    if (!store || !out) return shf_fail(err, SHEAF_ERR_ARGUMENT, "no store or no place for the growth is given");
    growth g = {.store = store};
    SHF_TRY(variable ? plan_variable(&g, variable, err) : plan_insurance(&g, err));
    SHF_TRY(longest(&g, err));
    sheaf_status status = compute(&g, memory_bytes, out, err);
    shf_selector_free(g.selector);
    return status;
}
