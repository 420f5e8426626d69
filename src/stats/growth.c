// SPDX-License-Identifier: Apache-2.0
#include <math.h>

#include "base/alloc.h"
#include "base/error.h"
#include "sheaf/stats.h"
#include "stats/insurance.h"
#include "stats/moments.h"
#include "stats/quantile.h"

sheaf_status sheaf_stats_growth_of(const double *first, const double *last, size_t n, double duration, sheaf_stats_growth *out,
                                   sheaf_error *err)
{
    if (!first || !last || n == 0 || !out) return shf_fail(err, SHEAF_ERR_ARGUMENT, "growth needs first and last values and a place to go");
    if (!(duration > 0)) return shf_fail(err, SHEAF_ERR_ARGUMENT, "duration %g must be above 0", duration);
    if (n > SIZE_MAX / sizeof(double)) return shf_fail(err, SHEAF_ERR_ARGUMENT, "%zu values cannot lie in memory", n);
    double *g = shf_malloc(n * sizeof *g);
    if (!g) return shf_fail_memory(err, n * sizeof *g, "growth rates");
    for (size_t i = 0; i < n; i++) {
        bool unknown = isnan(first[i]) || isnan(last[i]);
        g[i] = unknown ? (double)NAN : shf_growth_rate(first[i], last[i], duration);
    }
    out->time_average_mean = shf_sum(SHEAF_F64, g, n) / (double)n;
    const double half = 0.5;
    sheaf_status status = shf_quantiles_in_place(g, n, &half, 1, &out->time_average_median, err);
    shf_free(g);
    double mean_first = shf_sum(SHEAF_F64, first, n) / (double)n, mean_last = shf_sum(SHEAF_F64, last, n) / (double)n;
    bool unknown = isnan(mean_first) || isnan(mean_last);
    out->ensemble = unknown ? (double)NAN : shf_growth_rate(mean_first, mean_last, duration);
    out->ergodicity_gap = out->ensemble - out->time_average_mean;
    return status;
}

double sheaf_stats_growth_rate(double first, double last, double duration)
{
    return shf_growth_rate(first, last, duration);
}

double sheaf_stats_volatility(const double *x, size_t n)
{
    return shf_volatility(SHEAF_F64, x, n);
}

sheaf_status sheaf_stats_drawdown(const double *x, size_t n, double *out, sheaf_error *err)
{
    if (!x || n == 0 || !out) return shf_fail(err, SHEAF_ERR_ARGUMENT, "a drawdown needs at least one value and a place to go");
    double highest = x[0], largest = 0;
    bool unknown = false;
    for (size_t i = 0; i < n; i++) {
        unknown |= isnan(x[i]);
        if (x[i] > highest) highest = x[i];
        if (highest > x[i] && highest - x[i] > largest) largest = highest - x[i];
    }
    *out = unknown ? (double)NAN : largest;
    return SHEAF_OK;
}
