// SPDX-License-Identifier: Apache-2.0
/* Quantiles of type 7 by selection. */
#ifndef SHF_STATS_QUANTILE_H
#define SHF_STATS_QUANTILE_H

#include "sheaf/types.h"

/* Where a quantile lies among n >= 1 sorted values: between ranks `rank` and rank + 1, with `weight` on the latter (0 at the last). */
typedef struct shf_quantile_place {
    uint64_t rank;
    double weight;
} shf_quantile_place;

shf_quantile_place shf_quantile_place_of(uint64_t n, double probability);
/* a + weight (b - a), computed from the nearer end as NumPy does. a <= b. */
double shf_quantile_between(double a, double b, double weight);
/* SHEAF_ERR_ARGUMENT unless all lie in [0, 1]. */
sheaf_status shf_quantile_check(const double *probabilities, size_t count, sheaf_error *err);

/* Reorders x so that x[ranks[i]] is what sorting would put there, for all i; ranks ascend, all < n. No NaN. O(n log count). */
void shf_select(double *x, size_t n, const size_t *ranks, size_t count);
/* Quantiles of x, which is reordered. n >= 1; NaN among x makes all NaN. Allocates 2 * count ranks. */
sheaf_status shf_quantiles_in_place(double *x, size_t n, const double *probabilities, size_t count, double *out, sheaf_error *err);

#endif
