// SPDX-License-Identifier: Apache-2.0
/* The summary of one trajectory of the insurance instance, from its full years in f64, before any thinning or cast. */
#ifndef SHF_STATS_INSURANCE_H
#define SHF_STATS_INSURANCE_H

#include "sheaf/types.h"

typedef struct shf_insurance_summary {
    double total_losses, total_recoveries, total_retained; /* np.sum */
    double mean_annual_loss, max_annual_loss, min_annual_loss;
    double growth_rate;
    double volatility;
} shf_insurance_summary;

/* The arrays have n values of `dtype` each (0 years: sums 0, mean, max and min NaN); total_retained is NaN when `retained` is NULL. */
void shf_insurance_summarize(sheaf_dtype dtype, const void *losses, const void *recoveries, const void *retained, size_t n,
                             double initial_assets, double final_assets, shf_insurance_summary *out);

/* ln(last / first) / n when both are > 0 and n > 0, else -inf. */
double shf_growth_rate(double first, double last, double n);
/* Population standard deviation (ddof 0) of (x[t+1]-x[t])/x[t] over the t with x[t] != 0; 0 when n < 2 or there is no such t. Bit for
 * bit np.std of that array. */
double shf_volatility(sheaf_dtype dtype, const void *values, size_t n);

#endif
