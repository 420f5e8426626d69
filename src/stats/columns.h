// SPDX-License-Identifier: Apache-2.0
/* Statistics by time step: one accumulator for each of n columns, fed with rows. One pass, O(n) memory, mergeable.
 * The sum adds row by row, as np.sum(axis=0) of a C-ordered array does, bit for bit, and the mean is sum / count; the squared
 * deviations follow Welford (1962), so the result depends on the order of the rows but not on how they are cut into blocks; merging is
 * that of Chan, Golub and LeVeque (1979). One accumulator is for one thread at a time. */
#ifndef SHF_STATS_COLUMNS_H
#define SHF_STATS_COLUMNS_H

#include "sheaf/types.h"

typedef struct shf_columns {
    size_t n_columns;
    bool skip_nan; /* NaN means absent; else it spreads */
    double *state; /* Owned: count, sum, mean, squares, min, max; n_columns of each */
} shf_columns;

typedef struct shf_column_stats {
    uint64_t count;             /* of values that are there */
    double mean, std, min, max; /* NaN when there are none; std: NaN when count <= ddof */
} shf_column_stats;

sheaf_status shf_columns_open(size_t n_columns, bool skip_nan, shf_columns *columns, sheaf_error *err);
void shf_columns_free(shf_columns *columns);
/* n_rows rows of n_columns values, one row beginning `stride` elements after the other. */
void shf_columns_add(shf_columns *columns, sheaf_dtype dtype, const void *values, size_t n_rows, size_t stride);
/* Values of one column alone (for data that lies column by column); `column` < n_columns. */
void shf_columns_add_to(shf_columns *columns, size_t column, sheaf_dtype dtype, const void *values, size_t n);
/* Adds what `from` has seen, as if its rows came after. Both have as many columns. */
void shf_columns_merge(shf_columns *into, const shf_columns *from);
void shf_columns_get(const shf_columns *columns, size_t column, unsigned ddof, shf_column_stats *out);

#endif
