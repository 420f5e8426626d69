// SPDX-License-Identifier: Apache-2.0
/** @file stats.h  Statistics of simulated outcomes: quantiles, risk, ruin, growth, convergence.
 *
 *  Everything works on arrays of f64 in memory, which are Borrowed and never changed; functions that need a copy say so. Any thread.
 *  Sums follow NumPy's pairwise scheme, so that they equal np.sum bit for bit; means are sum / n; deviations are two-pass.
 *  NaN in the data gives NaN in the result; a quantity that the data does not define is NaN too. SHEAF_ERR_ARGUMENT: a null pointer, no
 *  data, or a parameter outside its range. SHEAF_ERR_MEMORY: no room for the copy. */
#ifndef SHEAF_STATS_H
#define SHEAF_STATS_H

#include "error.h"
#include "types.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Moments of one vector. */
typedef struct sheaf_stats_moments {
    uint64_t count;
    double sum;  /**< pairwise, bit for bit np.sum */
    double mean; /**< sum / count */
    double std;  /**< sqrt(sum((x - mean)^2) / (count - ddof)); NaN when count <= ddof */
    double min, max, last;
} sheaf_stats_moments;

/** Moments with the given ddof (1 for a sample, 0 for a population). */
SHEAF_API SHEAF_MUST_CHECK sheaf_status sheaf_stats_describe(const double *x, size_t n, unsigned ddof, sheaf_stats_moments *out,
                                                             sheaf_error *err);
/** Bit for bit np.sum of a contiguous array; 0 when n = 0. */
SHEAF_API double sheaf_stats_sum(const double *x, size_t n);

/** Quantiles of type 7 (Hyndman and Fan 1996; NumPy "linear"): h = (n-1)p, x[floor h] + (h - floor h)(x[floor h + 1] - x[floor h]) on
 *  the sorted values, evaluated from the nearer of the two as NumPy does, so equal bit for bit for finite data; an infinite neighbour
 *  that has any weight is the result. `probabilities` in [0, 1] in any order; out[i] belongs to probabilities[i]. Copies x. */
SHEAF_API SHEAF_MUST_CHECK sheaf_status sheaf_stats_quantiles(const double *x, size_t n, const double *probabilities,
                                                              size_t n_probabilities, double *out, sheaf_error *err);

/** VaR_c: the quantile c of losses x, 0 <= c <= 1. Copies x. */
SHEAF_API SHEAF_MUST_CHECK sheaf_status sheaf_stats_var(const double *x, size_t n, double confidence, double *out, sheaf_error *err);
/** TVaR_c (CTE, expected shortfall): the mean of the x >= VaR_c. Copies x. */
SHEAF_API SHEAF_MUST_CHECK sheaf_status sheaf_stats_tvar(const double *x, size_t n, double confidence, double *out, sheaf_error *err);
/** PML(T): VaR at 1 - 1/T, for a return period of T >= 1 (in the periods that one x stands for). Copies x. */
SHEAF_API SHEAF_MUST_CHECK sheaf_status sheaf_stats_pml(const double *x, size_t n, double return_period, double *out, sheaf_error *err);
/** Economic capital: max(0, VaR_c - mean), usually with c = 0.999. Copies x. */
SHEAF_API SHEAF_MUST_CHECK sheaf_status sheaf_stats_economic_capital(const double *x, size_t n, double confidence, double *out,
                                                                     sheaf_error *err);

/** The usual return periods, as an initializer of an array of SHEAF_STATS_N_RETURN_PERIODS doubles. */
#define SHEAF_STATS_RETURN_PERIODS                 \
    {                                              \
        2, 5, 10, 25, 50, 100, 200, 250, 500, 1000 \
    }
#define SHEAF_STATS_N_RETURN_PERIODS 10
/** out[i] = PML(periods[i]). periods NULL: the usual ones, n_periods is then ignored and `out` takes ten. Copies x. */
SHEAF_API SHEAF_MUST_CHECK sheaf_status sheaf_stats_return_periods(const double *x, size_t n, const double *periods, size_t n_periods,
                                                                   double *out, sheaf_error *err);
/** Hill's tail index k / sum(ln(x_i / u)) over the k values x_i > u, where u is the quantile `threshold` (usually 0.9) of x. NaN
 *  when u <= 0 or no value lies above it. Copies x. */
SHEAF_API SHEAF_MUST_CHECK sheaf_status sheaf_stats_hill(const double *x, size_t n, double threshold, double *out, sheaf_error *err);

/** A share of n with its Wilson 95 % interval (z = 1.959963984540054; Wilson 1927). */
typedef struct sheaf_stats_share {
    uint64_t count, n;
    double share, low, high;
} sheaf_stats_share;

/** Share and interval of count successes in n > 0 trials. */
SHEAF_API SHEAF_MUST_CHECK sheaf_status sheaf_stats_wilson(uint64_t count, uint64_t n, sheaf_stats_share *out, sheaf_error *err);
/** Ruin probability by horizon: the share with ruin_year <= horizon (years from 0). A negative ruin_year means never ruined. */
SHEAF_API SHEAF_MUST_CHECK sheaf_status sheaf_stats_ruin(const int64_t *ruin_year, size_t n, int64_t horizon, sheaf_stats_share *out,
                                                         sheaf_error *err);
/** Survival curve: out[h] = 1 - (share with ruin_year <= h) for h = 0 .. n_horizons - 1. Negative ruin_year: never ruined. */
SHEAF_API SHEAF_MUST_CHECK sheaf_status sheaf_stats_survival(const int64_t *ruin_year, size_t n, size_t n_horizons, double *out,
                                                             sheaf_error *err);

/** Growth of n trajectories over `duration` (> 0) time units. */
typedef struct sheaf_stats_growth {
    double time_average_mean;   /**< mean of g_i = ln(X_T / X_0) / T; -inf for a trajectory where either is <= 0 */
    double time_average_median; /**< median of the g_i */
    double ensemble;            /**< ln(mean X_T / mean X_0) / T; -inf when either mean is <= 0 */
    double ergodicity_gap;      /**< ensemble - time_average_mean */
} sheaf_stats_growth;
/** first[i] = X_0, last[i] = X_T of trajectory i. Allocates n doubles. */
SHEAF_API SHEAF_MUST_CHECK sheaf_status sheaf_stats_growth_of(const double *first, const double *last, size_t n, double duration,
                                                              sheaf_stats_growth *out, sheaf_error *err);
/** ln(last / first) / duration when both are > 0 and duration > 0, else -inf. */
SHEAF_API double sheaf_stats_growth_rate(double first, double last, double duration);
/** Population standard deviation (ddof 0) of the relative changes (x[t+1]-x[t])/x[t] over the t with x[t] != 0; 0 when n < 2 or there is
 *  no such t. Bit for bit np.std of these changes. */
SHEAF_API double sheaf_stats_volatility(const double *x, size_t n);
/** Largest drawdown of one trajectory in the units of x: max over t of (max of x[0..t]) - x[t]. */
SHEAF_API SHEAF_MUST_CHECK sheaf_status sheaf_stats_drawdown(const double *x, size_t n, double *out, sheaf_error *err);

/** Gelman and Rubin's R-hat of m >= 2 independent chains of n >= 2 draws, x[chain * n + draw]: sqrt(((n-1)/n W + B/n) / W) with
 *  B = n var(chain means), W = mean of the within-chain variances (both ddof 1). Slices of one run are no chains. Inf when W = 0 < B,
 *  NaN when both are 0. */
SHEAF_API SHEAF_MUST_CHECK sheaf_status sheaf_stats_rhat(const double *x, size_t m, size_t n, double *out, sheaf_error *err);
/** Effective sample size of one chain: n / max(1, 1 + 2 sum_k (r[2k-1] + r[2k])), summed while the pair is positive and 2k <= min(n/4, 1000);
 *  r[l] = sum_i (x[i]-mean)(x[i+l]-mean) / sum_i (x[i]-mean)^2. Never above n; n when x is constant. */
SHEAF_API SHEAF_MUST_CHECK sheaf_status sheaf_stats_ess(const double *x, size_t n, double *out, sheaf_error *err);
/** Monte Carlo standard error of the mean of one chain: s / sqrt(ESS), s of ddof 1. n >= 2. */
SHEAF_API SHEAF_MUST_CHECK sheaf_status sheaf_stats_mcse(const double *x, size_t n, double *out, sheaf_error *err);

#ifdef __cplusplus
}
#endif
#endif
