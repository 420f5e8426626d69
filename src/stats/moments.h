// SPDX-License-Identifier: Apache-2.0
/* Sums, means, deviations and extremes of rows, bit for bit as NumPy gives them for contiguous f64 (other types: converted to f64 first,
 * as astype(float64)). NumPy's pairwise scheme: blocks of at most 128 in eight lanes, halves rounded to multiples of 8. NaN spreads. */
#ifndef SHF_STATS_MOMENTS_H
#define SHF_STATS_MOMENTS_H

#include "sheaf/types.h"

typedef struct shf_extent {
    double sum, min, max; /* 0, NaN, NaN when there are no values */
} shf_extent;

/* What a summary holds of one variable of one trajectory. */
typedef struct shf_row_summary {
    uint64_t count;
    double sum, mean, std, min, max, last; /* NaN when there are none (sum: 0); std: NaN when count <= ddof */
} shf_row_summary;

/* Pulls the next n values of a sequence into `to` (n <= 128); for sums over values that are computed on the way. */
typedef void (*shf_pull)(void *context, double *to, size_t n);

double shf_sum(sheaf_dtype dtype, const void *values, size_t n);
void shf_extent_of(sheaf_dtype dtype, const void *values, size_t n, shf_extent *out);
/* sqrt(sum((x - mean)^2) / (n - ddof)), as np.std; NaN when n <= ddof. */
double shf_std(sheaf_dtype dtype, const void *values, size_t n, double mean, unsigned ddof);
/* The same for n pulled values: np.sum and the sum of squared deviations from `mean` of the sequence as if it lay in an array. */
double shf_sum_pulled(shf_pull pull, void *context, size_t n);
double shf_squares_pulled(shf_pull pull, void *context, size_t n, double mean);
/* values may be NULL when n = 0. */
void shf_row_summarize(sheaf_dtype dtype, const void *values, size_t n, unsigned ddof, shf_row_summary *out);

#endif
