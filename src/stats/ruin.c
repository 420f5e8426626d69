// SPDX-License-Identifier: Apache-2.0
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "sheaf/stats.h"

sheaf_status sheaf_stats_wilson(uint64_t count, uint64_t n, sheaf_stats_share *out, sheaf_error *err)
{
    if (n == 0 || count > n || !out) return shf_fail(err, SHEAF_ERR_ARGUMENT, "a share needs count <= n and n > 0");
    const double z = 1.959963984540054; /* the normal quantile at 0.975 */
    double size = (double)n, p = (double)count / size;
    double scale = 1 + z * z / size, centre = (p + z * z / (2 * size)) / scale;
    double half = z / scale * sqrt(p * (1 - p) / size + z * z / (4 * size * size));
    /* At the ends the interval reaches 0 or 1 exactly; rounding must not leave a trace there. */
    double low = count == 0 ? 0 : centre - half, high = count == n ? 1 : centre + half;
    *out = (sheaf_stats_share){count, n, p, low < 0 ? 0 : low, high > 1 ? 1 : high};
    return SHEAF_OK;
}

sheaf_status sheaf_stats_ruin(const int64_t *ruin_year, size_t n, int64_t horizon, sheaf_stats_share *out, sheaf_error *err)
{
    if (!ruin_year) return shf_fail(err, SHEAF_ERR_ARGUMENT, "ruin_year must not be NULL");
    uint64_t count = 0;
    for (size_t i = 0; i < n; i++) count += ruin_year[i] >= 0 && ruin_year[i] <= horizon;
    return sheaf_stats_wilson(count, n, out, err);
}

sheaf_status sheaf_stats_survival(const int64_t *ruin_year, size_t n, size_t n_horizons, double *out, sheaf_error *err)
{
    if (!ruin_year || n == 0 || !out) return shf_fail(err, SHEAF_ERR_ARGUMENT, "a survival curve needs ruin years and a place to go");
    uint64_t *ruined = shf_calloc(n_horizons, sizeof *ruined);
    if (!ruined) return shf_fail_memory(err, n_horizons * sizeof *ruined, "a survival curve");
    for (size_t i = 0; i < n; i++) {
        if (ruin_year[i] >= 0 && (uint64_t)ruin_year[i] < n_horizons) ruined[ruin_year[i]]++;
    }
    uint64_t so_far = 0;
    for (size_t h = 0; h < n_horizons; h++) {
        so_far += ruined[h];
        out[h] = 1 - (double)so_far / (double)n;
    }
    shf_free(ruined);
    return SHEAF_OK;
}
