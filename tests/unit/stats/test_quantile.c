// SPDX-License-Identifier: Apache-2.0
#include <math.h>
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "sheaf/stats.h"
#include "stats/quantile.h"

static uint64_t next_random(uint64_t *state)
{
    uint64_t z = (*state += 0x9e3779b97f4a7c15ULL);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31);
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Patterns that are hard for a selection. */
static double pattern(int kind, size_t i, size_t n, uint64_t *seed)
{
    switch (kind) {
    case 0: return (double)(int64_t)next_random(seed);
    case 1: return (double)(next_random(seed) % 3);
    case 2: return 7;
    case 3: return (double)i;
    case 4: return (double)(n - i);
    case 5: return (double)(i < n / 2 ? i : n - i);
    case 6: return (double)(i * 7919 % 64);
    default: return i % 2 ? INFINITY : -(double)i;
    }
}

static void selection_agrees_with_sorting(void **state)
{
    (void)state;
    uint64_t seed = 1;
    for (int kind = 0; kind < 8; kind++) {
        for (size_t n = 1; n < 3000; n += 1 + n / 3) {
            double *x = malloc(n * sizeof *x), *sorted = malloc(n * sizeof *sorted);
            assert_true(x && sorted);
            for (size_t i = 0; i < n; i++) sorted[i] = x[i] = pattern(kind, i, n, &seed);
            qsort(sorted, n, sizeof *sorted, compare);
            size_t ranks[6], count = 0;
            for (size_t k = 0; k < 6; k++) {
                size_t rank = k * (n - 1) / 5;
                if (!count || ranks[count - 1] < rank) ranks[count++] = rank;
            }
            shf_select(x, n, ranks, count);
            for (size_t k = 0; k < count; k++) assert_true(x[ranks[k]] == sorted[ranks[k]]);
            qsort(x, n, sizeof *x, compare);
            assert_memory_equal(x, sorted, n * sizeof *x);
            free(x);
            free(sorted);
        }
    }
}

static void quantiles_are_of_type_seven(void **state)
{
    (void)state;
    const double x[] = {40, 10, 30, 20}, p[] = {1, 0, 0.5, 0.25, 0.99, 0.1};
    double out[6];
    assert_int_equal(sheaf_stats_quantiles(x, 4, p, 6, out, NULL), SHEAF_OK);
    const double want[] = {40, 10, 25, 17.5, 39.7, 13};
    for (int i = 0; i < 6; i++) assert_true(fabs(out[i] - want[i]) < 1e-12);
    assert_true(x[0] == 40 && x[3] == 20);
    assert_int_equal(sheaf_stats_quantiles(x, 1, p, 6, out, NULL), SHEAF_OK);
    for (int i = 0; i < 6; i++) assert_true(out[i] == 40);
}

static void infinite_neighbours_with_weight_win(void **state)
{
    (void)state;
    const double inf = (double)INFINITY, x[] = {-inf, 1, 2, inf}, p[] = {0, 0.2, 1.0 / 3, 0.5, 0.9, 1};
    double out[6];
    assert_int_equal(sheaf_stats_quantiles(x, 4, p, 6, out, NULL), SHEAF_OK);
    assert_true(out[0] == -inf && out[1] == -inf && out[2] == 1 && out[3] == 1.5 && out[4] == inf && out[5] == inf);
    assert_true(isnan(shf_quantile_between(-inf, inf, 0.5)));
    assert_true(isfinite(shf_quantile_between(-1.7e308, 1.7e308, 0.5)));
}

static void nan_makes_every_quantile_nan(void **state)
{
    (void)state;
    const double x[] = {1, (double)NAN, 3}, p[] = {0, 0.5};
    double out[2] = {0, 0};
    assert_int_equal(sheaf_stats_quantiles(x, 3, p, 2, out, NULL), SHEAF_OK);
    assert_true(isnan(out[0]) && isnan(out[1]));
}

static void wrong_arguments_are_refused_with_the_number(void **state)
{
    (void)state;
    const double x[] = {1, 2}, over[] = {1.5}, nan[] = {(double)NAN};
    double out;
    sheaf_error err;
    assert_int_equal(sheaf_stats_quantiles(NULL, 2, over, 1, &out, &err), SHEAF_ERR_ARGUMENT);
    assert_int_equal(sheaf_stats_quantiles(x, 0, over, 1, &out, &err), SHEAF_ERR_ARGUMENT);
    assert_int_equal(sheaf_stats_quantiles(x, 2, NULL, 1, &out, &err), SHEAF_ERR_ARGUMENT);
    assert_int_equal(sheaf_stats_quantiles(x, 2, nan, 1, &out, &err), SHEAF_ERR_ARGUMENT);
    assert_int_equal(sheaf_stats_quantiles(x, 2, over, 1, &out, &err), SHEAF_ERR_ARGUMENT);
    assert_non_null(strstr(err.message, "1.5"));
    shf_alloc_fail_at(1, 0);
    assert_int_equal(sheaf_stats_quantiles(x, 2, x, 1, &out, &err), SHEAF_ERR_MEMORY);
    shf_alloc_fail_at(2, 0);
    assert_int_equal(sheaf_stats_quantiles(x, 2, x, 1, &out, &err), SHEAF_ERR_MEMORY);
    shf_alloc_fail_at(0, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(selection_agrees_with_sorting),
        cmocka_unit_test(quantiles_are_of_type_seven),
        cmocka_unit_test(infinite_neighbours_with_weight_win),
        cmocka_unit_test(nan_makes_every_quantile_nan),
        cmocka_unit_test(wrong_arguments_are_refused_with_the_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
