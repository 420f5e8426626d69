// SPDX-License-Identifier: Apache-2.0
/* Risk measures of a vector of losses: definitions in sheaf/stats.h. */
#include <math.h>

#include "base/alloc.h"
#include "base/error.h"
#include "sheaf/stats.h"
#include "stats/moments.h"

sheaf_status sheaf_stats_describe(const double *x, size_t n, unsigned ddof, sheaf_stats_moments *out, sheaf_error *err)
{
    if (!x || n == 0 || !out) return shf_fail(err, SHEAF_ERR_ARGUMENT, "moments need at least one value and a place to go");
    shf_row_summary s;
    shf_row_summarize(SHEAF_F64, x, n, ddof, &s);
    *out = (sheaf_stats_moments){s.count, s.sum, s.mean, s.std, s.min, s.max, s.last};
    return SHEAF_OK;
}

double sheaf_stats_sum(const double *x, size_t n)
{
    return shf_sum(SHEAF_F64, x, n);
}

sheaf_status sheaf_stats_var(const double *x, size_t n, double confidence, double *out, sheaf_error *err)
{
    return sheaf_stats_quantiles(x, n, &confidence, 1, out, err);
}

/* The values from a threshold on, in order. */
typedef struct tail {
    const double *next;
    double threshold;
    bool above; /* only those above it, as their logarithm over it */
} tail;

static void pull_tail(void *context, double *to, size_t n)
{
    tail *t = context;
    for (size_t k = 0; k < n; t->next++) {
        double v = *t->next;
        if (t->above ? v > t->threshold : v >= t->threshold) to[k++] = t->above ? log(v / t->threshold) : v;
    }
}

sheaf_status sheaf_stats_tvar(const double *x, size_t n, double confidence, double *out, sheaf_error *err)
{
    double var;
    SHF_TRY(sheaf_stats_var(x, n, confidence, &var, err));
    size_t count = 0;
    for (size_t i = 0; i < n; i++) count += x[i] >= var;
    tail t = {x, var, false};
    *out = count ? shf_sum_pulled(pull_tail, &t, count) / (double)count : (double)NAN; /* none: VaR is NaN */
    return SHEAF_OK;
}

sheaf_status sheaf_stats_hill(const double *x, size_t n, double threshold, double *out, sheaf_error *err)
{
    double u;
    SHF_TRY(sheaf_stats_var(x, n, threshold, &u, err));
    *out = (double)NAN;
    if (!(u > 0)) return SHEAF_OK;
    size_t count = 0;
    for (size_t i = 0; i < n; i++) count += x[i] > u;
    tail t = {x, u, true};
    if (count) *out = (double)count / shf_sum_pulled(pull_tail, &t, count);
    return SHEAF_OK;
}

sheaf_status sheaf_stats_pml(const double *x, size_t n, double return_period, double *out, sheaf_error *err)
{
    return sheaf_stats_return_periods(x, n, &return_period, 1, out, err);
}

sheaf_status sheaf_stats_economic_capital(const double *x, size_t n, double confidence, double *out, sheaf_error *err)
{
    double var;
    SHF_TRY(sheaf_stats_var(x, n, confidence, &var, err));
    double capital = var - shf_sum(SHEAF_F64, x, n) / (double)n;
    *out = capital < 0 ? 0.0 : capital; /* NaN stays */
    return SHEAF_OK;
}

sheaf_status sheaf_stats_return_periods(const double *x, size_t n, const double *periods, size_t n_periods, double *out, sheaf_error *err)
{
    static const double usual[SHEAF_STATS_N_RETURN_PERIODS] = SHEAF_STATS_RETURN_PERIODS;
    if (!periods) {
        periods = usual;
        n_periods = SHEAF_STATS_N_RETURN_PERIODS;
    }
    if (n_periods > SIZE_MAX / sizeof(double))
        return shf_fail(err, SHEAF_ERR_ARGUMENT, "%zu return periods cannot lie in memory", n_periods);
    for (size_t i = 0; i < n_periods; i++) {
        if (!(periods[i] >= 1)) return shf_fail(err, SHEAF_ERR_ARGUMENT, "return period %g must be at least 1", periods[i]);
    }
    double *probabilities = shf_malloc(n_periods * sizeof *probabilities);
    if (!probabilities) return shf_fail_memory(err, n_periods * sizeof *probabilities, "return periods");
    for (size_t i = 0; i < n_periods; i++) probabilities[i] = 1 - 1 / periods[i];
    sheaf_status status = sheaf_stats_quantiles(x, n, probabilities, n_periods, out, err);
    shf_free(probabilities);
    return status;
}
