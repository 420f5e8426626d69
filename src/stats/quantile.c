// SPDX-License-Identifier: Apache-2.0
#include "stats/quantile.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "sheaf/stats.h"

#define SMALL 24

shf_quantile_place shf_quantile_place_of(uint64_t n, double probability)
{
    double h = (double)(n - 1) * probability, below = floor(h);
    if (below >= (double)(n - 1)) return (shf_quantile_place){n - 1, 0.0};
    return (shf_quantile_place){(uint64_t)below, h - below};
}

double shf_quantile_between(double a, double b, double weight)
{
    if (a == b || weight == 0) return a;
    double distance = b - a;
    if (isinf(distance)) {
        if (isinf(a)) return isinf(b) ? (double)NAN : a;
        return isinf(b) ? b : a * (1 - weight) + b * weight;
    }
    return weight >= 0.5 ? b - distance * (1 - weight) : a + distance * weight;
}

sheaf_status shf_quantile_check(const double *probabilities, size_t count, sheaf_error *err)
{
    if (!probabilities && count) return shf_fail(err, SHEAF_ERR_ARGUMENT, "probabilities must not be NULL");
    for (size_t i = 0; i < count; i++) {
        if (!(probabilities[i] >= 0 && probabilities[i] <= 1))
            return shf_fail(err, SHEAF_ERR_ARGUMENT, "probability %g must lie in 0 .. 1", probabilities[i]);
    }
    return SHEAF_OK;
}

static void swap(double *a, double *b)
{
    double t = *a;
    *a = *b;
    *b = t;
}

static void insertion_sort(double *x, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        double v = x[i];
        size_t j = i;
        for (; j > 0 && v < x[j - 1]; j--) x[j] = x[j - 1];
        x[j] = v;
    }
}

static void sift_down(double *x, size_t root, size_t n)
{
    for (size_t child; (child = 2 * root + 1) < n; root = child) {
        if (child + 1 < n && x[child] < x[child + 1]) child++;
        if (!(x[root] < x[child])) return;
        swap(&x[root], &x[child]);
    }
}

static void heap_sort(double *x, size_t n)
{
    for (size_t i = n / 2; i-- > 0;) sift_down(x, i, n);
    for (size_t i = n; i-- > 1;) {
        swap(&x[0], &x[i]);
        sift_down(x, 0, i);
    }
}

static double median3(double a, double b, double c)
{
    if (b < a) swap(&a, &b);
    return c < a ? a : c > b ? b : c;
}

static double pivot_of(const double *x, size_t n)
{
    size_t step = n / 8;
    if (n < 200) return median3(x[0], x[n / 2], x[n - 1]);
    return median3(median3(x[0], x[step], x[2 * step]), median3(x[3 * step], x[4 * step], x[5 * step]),
                   median3(x[6 * step], x[7 * step], x[n - 1]));
}

/* x[0 .. *left) <= x[*left .. *right) <= x[*right .. n), the middle part all equal; both outer parts are shorter than n. */
static void partition(double *x, size_t n, size_t *left, size_t *right)
{
    double pivot = pivot_of(x, n);
    size_t i = 0, j = n; /* j: one beyond */
    while (i < j) {
        while (x[i] < pivot) i++;
        while (pivot < x[j - 1]) j--;
        if (i >= j) break;
        swap(&x[i], &x[j - 1]);
        i++;
        j--;
    }
    *left = j;
    *right = i;
}

static void select_ranks(double *x, size_t n, size_t base, const size_t *ranks, size_t count, int depth)
{
    while (count > 0 && n > 1) {
        if (n <= SMALL) {
            insertion_sort(x, n);
            return;
        }
        if (depth-- == 0) { /* bad pivots: no more than n log n in all */
            heap_sort(x, n);
            return;
        }
        size_t left, right, n_left = 0, n_done = 0;
        partition(x, n, &left, &right);
        while (n_left < count && ranks[n_left] - base < left) n_left++;
        select_ranks(x, left, base, ranks, n_left, depth);
        for (n_done = n_left; n_done < count && ranks[n_done] - base < right;) n_done++;
        ranks += n_done;
        count -= n_done;
        x += right;
        n -= right;
        base += right;
    }
}

void shf_select(double *x, size_t n, const size_t *ranks, size_t count)
{
    int depth = 8;
    for (size_t rest = n; rest; rest >>= 1) depth += 2;
    select_ranks(x, n, 0, ranks, count, depth);
}

static int compare_sizes(const void *a, const void *b)
{
    size_t x = *(const size_t *)a, y = *(const size_t *)b;
    return (x > y) - (x < y);
}

static bool fill_with_nan(const double *x, size_t n, double *out, size_t count)
{
    bool found = false;
    for (size_t i = 0; i < n && !found; i++) found = isnan(x[i]);
    for (size_t i = 0; i < count && found; i++) out[i] = (double)NAN;
    return found;
}

sheaf_status shf_quantiles_in_place(double *x, size_t n, const double *probabilities, size_t count, double *out, sheaf_error *err)
{
    if (count == 0 || fill_with_nan(x, n, out, count)) return SHEAF_OK;
    if (count > SIZE_MAX / (2 * sizeof(size_t))) return shf_fail_memory(err, SIZE_MAX, "ranks");
    size_t *ranks = shf_malloc(2 * count * sizeof *ranks), n_ranks = 0;
    if (!ranks) return shf_fail_memory(err, 2 * count * sizeof *ranks, "ranks");
    for (size_t i = 0; i < count; i++) {
        shf_quantile_place place = shf_quantile_place_of(n, probabilities[i]);
        ranks[n_ranks++] = (size_t)place.rank;
        if (place.weight > 0) ranks[n_ranks++] = (size_t)place.rank + 1;
    }
    qsort(ranks, n_ranks, sizeof *ranks, compare_sizes);
    shf_select(x, n, ranks, n_ranks);
    shf_free(ranks);
    for (size_t i = 0; i < count; i++) {
        shf_quantile_place place = shf_quantile_place_of(n, probabilities[i]);
        const double *at = x + place.rank;
        out[i] = shf_quantile_between(at[0], place.weight > 0 ? at[1] : at[0], place.weight);
    }
    return SHEAF_OK;
}

sheaf_status sheaf_stats_quantiles(const double *x, size_t n, const double *probabilities, size_t n_probabilities, double *out,
                                   sheaf_error *err)
{
    if (!x || n == 0) return shf_fail(err, SHEAF_ERR_ARGUMENT, "quantiles need at least one value");
    if (!out) return shf_fail(err, SHEAF_ERR_ARGUMENT, "out must not be NULL");
    SHF_TRY(shf_quantile_check(probabilities, n_probabilities, err));
    if (n > SIZE_MAX / sizeof *x) return shf_fail(err, SHEAF_ERR_ARGUMENT, "%zu values cannot lie in memory", n);
    double *copy = shf_malloc(n * sizeof *x);
    if (!copy) return shf_fail_memory(err, n * sizeof *x, "the values of a quantile");
    memcpy(copy, x, n * sizeof *x);
    sheaf_status status = shf_quantiles_in_place(copy, n, probabilities, n_probabilities, out, err);
    shf_free(copy);
    return status;
}
