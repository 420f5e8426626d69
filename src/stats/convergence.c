// SPDX-License-Identifier: Apache-2.0
#include <math.h>

#include "base/alloc.h"
#include "base/error.h"
#include "sheaf/stats.h"
#include "stats/moments.h"

static sheaf_status check(const double *x, size_t n, const double *out, size_t least, sheaf_error *err)
{
    if (!x || !out) return shf_fail(err, SHEAF_ERR_ARGUMENT, "the draws and the place of the result must not be NULL");
    if (n < least) return shf_fail(err, SHEAF_ERR_ARGUMENT, "at least %zu draws are needed, got %zu", least, n);
    return SHEAF_OK;
}

static double variance(const double *x, size_t n, double mean)
{
    double s = shf_std(SHEAF_F64, x, n, mean, 1);
    return s * s;
}

sheaf_status sheaf_stats_rhat(const double *x, size_t m, size_t n, double *out, sheaf_error *err)
{
    SHF_TRY(check(x, n, out, 2, err));
    if (m < 2) return shf_fail(err, SHEAF_ERR_ARGUMENT, "R-hat needs at least 2 chains, got %zu", m);
    if (m > SIZE_MAX / sizeof(double)) return shf_fail(err, SHEAF_ERR_ARGUMENT, "%zu chains cannot lie in memory", m);
    double *means = shf_malloc(m * sizeof *means), within = 0;
    if (!means) return shf_fail_memory(err, m * sizeof *means, "chain means");
    for (size_t c = 0; c < m; c++) {
        means[c] = shf_sum(SHEAF_F64, x + c * n, n) / (double)n;
        within += variance(x + c * n, n, means[c]);
    }
    within /= (double)m;
    double draws = (double)n, between = draws * variance(means, m, shf_sum(SHEAF_F64, means, m) / (double)m);
    shf_free(means);
    *out = sqrt(((draws - 1) / draws * within + between / draws) / within);
    return SHEAF_OK;
}

/* Sum of (x[i] - mean)(x[i + lag] - mean), in four lanes. */
static double autocovariance(const double *x, size_t n, size_t lag, double mean)
{
    double lanes[4] = {0, 0, 0, 0};
    const double *y = x + lag;
    size_t count = n - lag, i = 0;
    for (; i + 4 <= count; i += 4) {
        for (size_t k = 0; k < 4; k++) lanes[k] += (x[i + k] - mean) * (y[i + k] - mean);
    }
    for (; i < count; i++) lanes[0] += (x[i] - mean) * (y[i] - mean);
    return (lanes[0] + lanes[1]) + (lanes[2] + lanes[3]);
}

sheaf_status sheaf_stats_ess(const double *x, size_t n, double *out, sheaf_error *err)
{
    SHF_TRY(check(x, n, out, 1, err));
    double mean = shf_sum(SHEAF_F64, x, n) / (double)n, whole = autocovariance(x, n, 0, mean), pairs = 0;
    size_t longest = n / 4 < 1000 ? n / 4 : 1000;
    *out = isnan(whole) ? (double)NAN : (double)n;
    if (!(whole > 0)) return SHEAF_OK;
    for (size_t k = 1; 2 * k <= longest; k++) {
        double pair = autocovariance(x, n, 2 * k - 1, mean) / whole + autocovariance(x, n, 2 * k, mean) / whole;
        if (!(pair > 0)) break;
        pairs += pair;
    }
    *out = (double)n / fmax(1, 1 + 2 * pairs);
    return SHEAF_OK;
}

sheaf_status sheaf_stats_mcse(const double *x, size_t n, double *out, sheaf_error *err)
{
    double ess;
    SHF_TRY(check(x, n, out, 2, err));
    SHF_TRY(sheaf_stats_ess(x, n, &ess, err));
    double mean = shf_sum(SHEAF_F64, x, n) / (double)n;
    *out = shf_std(SHEAF_F64, x, n, mean, 1) / sqrt(ess);
    return SHEAF_OK;
}
