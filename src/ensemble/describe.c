// SPDX-License-Identifier: Apache-2.0
#include "sheaf/describe.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/checked.h"
#include "ensemble/feed.h"
#include "stats/columns.h"
#include "stats/quantile.h"
#include "stats/selector.h"

sheaf_describe_spec sheaf_describe_spec_init(const char *array)
{
    return (sheaf_describe_spec){.size_bytes = sizeof(sheaf_describe_spec), .array = array, .memory_bytes = 64 << 20};
}

static sheaf_status check_spec(sheaf_store *store, const sheaf_describe_spec *spec, sheaf_error *err)
{
    if (!store || !spec || spec->size_bytes != sizeof *spec || !spec->array)
        return shf_fail(err, SHEAF_ERR_ARGUMENT, "describing needs a store and a spec (of %zu bytes) that names an array", sizeof *spec);
    if (spec->n_probabilities && !spec->probabilities) return shf_fail(err, SHEAF_ERR_ARGUMENT, "no probabilities are given");
    if (spec->n_probabilities > SHF_SELECTOR_MOST)
        return shf_fail(err, SHEAF_ERR_ARGUMENT, "%zu quantiles at once; at most %d", spec->n_probabilities, SHF_SELECTOR_MOST);
    return shf_quantile_check(spec->probabilities, spec->n_probabilities, err);
}

sheaf_status sheaf_describe_groups(sheaf_store *store, const sheaf_describe_spec *spec, uint64_t *n_groups, sheaf_error *err)
{
    shf_feed feed;
    SHF_TRY(check_spec(store, spec, err));
    if (!n_groups) return shf_fail(err, SHEAF_ERR_ARGUMENT, "no place for the number of groups is given");
    SHF_TRY(shf_feed_open(store, spec->array, spec->by_time, &feed, err));
    *n_groups = feed.n_groups;
    return SHEAF_OK;
}

/* Some groups at a time: their moments on the first pass, and a selector for each. */
typedef struct batch {
    uint64_t first;
    size_t n;
    bool moments;
    shf_columns columns;
    shf_selector **selectors; /* n of them, or NULL */
    bool *done;               /* which of them need no further pass */
} batch;

static sheaf_status take(void *context, uint64_t group, const double *values, size_t n, sheaf_error *err)
{
    batch *b = context;
    size_t at = (size_t)(group - b->first);
    if (b->moments) shf_columns_add_to(&b->columns, at, SHEAF_F64, values, n);
    return b->selectors && !b->done[at] ? shf_selector_add(b->selectors[at], SHEAF_F64, values, n, err) : SHEAF_OK;
}

static void free_batch(batch *b)
{
    for (size_t i = 0; b->selectors && i < b->n; i++) shf_selector_free(b->selectors[i]);
    shf_free(b->selectors);
    shf_free(b->done);
    shf_columns_free(&b->columns);
}

static sheaf_status open_batch(batch *b, const sheaf_describe_spec *spec, sheaf_error *err)
{
    SHF_TRY(shf_columns_open(b->n, false, &b->columns, err));
    if (spec->n_probabilities == 0) return SHEAF_OK;
    b->selectors = shf_calloc(b->n, sizeof(shf_selector *));
    b->done = shf_calloc(b->n, sizeof *b->done);
    if (!b->selectors || !b->done) return shf_fail_memory(err, b->n * sizeof(shf_selector *), "selectors");
    for (size_t i = 0; i < b->n; i++)
        SHF_TRY(shf_selector_open(spec->probabilities, spec->n_probabilities, (size_t)(spec->memory_bytes / b->n), false, &b->selectors[i],
                                  err));
    return SHEAF_OK;
}

/* *again: whether any selector needs another pass. */
static sheaf_status end_pass(const batch *b, bool *again, sheaf_error *err)
{
    *again = false;
    for (size_t i = 0; b->selectors && i < b->n; i++) {
        bool this_one;
        if (b->done[i]) continue;
        SHF_TRY(shf_selector_again(b->selectors[i], &this_one, err));
        b->done[i] = !this_one;
        *again |= this_one;
    }
    return SHEAF_OK;
}

static sheaf_status run_batch(batch *b, const shf_feed *feed, const sheaf_describe_spec *spec, sheaf_description *descriptions,
                              double *quantiles, sheaf_error *err)
{
    SHF_TRY(open_batch(b, spec, err));
    b->moments = true;
    for (bool again = true; again; b->moments = false) {
        SHF_TRY(shf_feed_run(feed, b->first, b->n, take, b, err));
        SHF_TRY(end_pass(b, &again, err));
    }
    for (size_t i = 0; i < b->n; i++) {
        shf_column_stats s;
        shf_columns_get(&b->columns, i, 1, &s);
        descriptions[b->first + i] = (sheaf_description){s.count, s.mean, s.std, s.min, s.max};
        if (b->selectors) SHF_TRY(shf_selector_result(b->selectors[i], quantiles + (b->first + i) * spec->n_probabilities, err));
    }
    return SHEAF_OK;
}

sheaf_status sheaf_describe(sheaf_store *store, const sheaf_describe_spec *spec, sheaf_description *descriptions, double *quantiles,
                            sheaf_error *err)
{
    shf_feed feed;
    SHF_TRY(check_spec(store, spec, err));
    if (!descriptions || (spec->n_probabilities && !quantiles))
        return shf_fail(err, SHEAF_ERR_ARGUMENT, "no place for the description is given");
    SHF_TRY(shf_feed_open(store, spec->array, spec->by_time, &feed, err));
    uint64_t at_once = spec->n_probabilities ? shf_max_u64(1, spec->memory_bytes / SHF_SELECTOR_MEMORY) : 1 << 16;
    for (uint64_t first = 0; first < feed.n_groups; first += at_once) {
        batch b = {.first = first, .n = (size_t)shf_min_u64(at_once, feed.n_groups - first)};
        sheaf_status status = run_batch(&b, &feed, spec, descriptions, quantiles, err);
        free_batch(&b);
        SHF_TRY(status);
    }
    return SHEAF_OK;
}

/* ---- ruin ---- */

typedef struct ruin {
    uint64_t *by_year; /* n_horizons counts, then those at or beyond the last horizon */
    size_t n_horizons;
    uint64_t ruined, n;
} ruin;

static sheaf_status take_year(void *context, uint64_t group, const double *values, size_t n, sheaf_error *err)
{
    ruin *r = context;
    (void)group;
    (void)err;
    for (size_t i = 0; i < n; i++)
        if (values[i] >= 0 && values[i] < (double)r->n_horizons) r->by_year[(size_t)values[i]]++;
    return SHEAF_OK;
}

static sheaf_status take_ruined(void *context, uint64_t group, const double *values, size_t n, sheaf_error *err)
{
    ruin *r = context;
    (void)group;
    (void)err;
    for (size_t i = 0; i < n; i++) r->ruined += values[i] != 0;
    r->n += n;
    return SHEAF_OK;
}

sheaf_status sheaf_describe_ruin(sheaf_store *store, size_t n_horizons, sheaf_stats_share *shares, sheaf_stats_share *ever,
                                 sheaf_error *err)
{
    shf_feed years, ruined;
    if (!store || (n_horizons && !shares)) return shf_fail(err, SHEAF_ERR_ARGUMENT, "no store or no place for the shares is given");
    SHF_TRY(shf_feed_open(store, "ruin_year", false, &years, err));
    SHF_TRY(shf_feed_open(store, "ruin_occurred", false, &ruined, err));
    ruin r = {.by_year = shf_calloc(n_horizons + 1, sizeof(uint64_t)), .n_horizons = n_horizons};
    if (!r.by_year) return shf_fail_memory(err, (n_horizons + 1) * sizeof(uint64_t), "ruin years");
    sheaf_status status = shf_feed_run(&years, 0, 1, take_year, &r, err);
    if (status == SHEAF_OK) status = shf_feed_run(&ruined, 0, 1, take_ruined, &r, err);
    uint64_t sum = 0;
    for (size_t h = 0; h < n_horizons && status == SHEAF_OK; h++) {
        sum += r.by_year[h];
        if (r.n) status = sheaf_stats_wilson(sum, r.n, &shares[h], err);
        else shares[h] = (sheaf_stats_share){0, 0, (double)NAN, (double)NAN, (double)NAN};
    }
    if (status == SHEAF_OK && ever && r.n) status = sheaf_stats_wilson(r.ruined, r.n, ever, err);
    else if (ever) *ever = (sheaf_stats_share){0, 0, (double)NAN, (double)NAN, (double)NAN};
    shf_free(r.by_year);
    return status;
}
