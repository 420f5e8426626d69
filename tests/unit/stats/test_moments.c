// SPDX-License-Identifier: Apache-2.0
#include <math.h>
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "stats/insurance.h"
#include "stats/moments.h"

static uint64_t next_random(uint64_t *state)
{
    uint64_t z = (*state += 0x9e3779b97f4a7c15ULL);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31);
}

static double *random_values(size_t n, uint64_t seed)
{
    double *x = malloc((n ? n : 1) * sizeof *x);
    assert_non_null(x);
    for (size_t i = 0; i < n; i++) x[i] = exp((double)(next_random(&seed) >> 11) * 0x1p-53 * 20 - 5);
    return x;
}

/* NumPy's scheme, written plainly. */
static double reference_sum(const double *x, size_t n)
{
    if (n < 8) {
        double s = 0;
        for (size_t i = 0; i < n; i++) s += x[i];
        return s;
    }
    if (n > 128) {
        size_t half = n / 2 / 8 * 8;
        return reference_sum(x, half) + reference_sum(x + half, n - half);
    }
    double r[8];
    size_t i = 8;
    for (size_t k = 0; k < 8; k++) r[k] = x[k];
    for (; i < n - n % 8; i += 8) {
        for (size_t k = 0; k < 8; k++) r[k] += x[i + k];
    }
    double s = ((r[0] + r[1]) + (r[2] + r[3])) + ((r[4] + r[5]) + (r[6] + r[7]));
    for (; i < n; i++) s += x[i];
    return s;
}

static double reference_std(const double *x, size_t n, size_t ddof)
{
    double *squares = malloc(n * sizeof *squares), mean = reference_sum(x, n) / (double)n;
    assert_non_null(squares);
    for (size_t i = 0; i < n; i++) squares[i] = (x[i] - mean) * (x[i] - mean);
    double s = sqrt(reference_sum(squares, n) / (double)(n - ddof));
    free(squares);
    return s;
}

static void same(double got, double want)
{
    if (memcmp(&got, &want, sizeof got)) fail_msg("%.17g is not %.17g", got, want);
}

static size_t length(size_t i)
{
    return i < 300 ? i : 300 + (i - 300) * 97;
}

static void sums_and_deviations_follow_the_pairwise_scheme(void **state)
{
    (void)state;
    for (size_t i = 1; i < 360; i++) {
        size_t n = length(i);
        double *x = random_values(n, i), min = x[0], max = x[0];
        shf_row_summary s;
        for (size_t k = 0; k < n; k++) {
            min = fmin(min, x[k]);
            max = fmax(max, x[k]);
        }
        shf_row_summarize(SHEAF_F64, x, n, 1, &s);
        same(shf_sum(SHEAF_F64, x, n), reference_sum(x, n));
        same(s.sum, reference_sum(x, n));
        same(s.mean, reference_sum(x, n) / (double)n);
        if (n > 1) same(s.std, reference_std(x, n, 1));
        else assert_true(isnan(s.std));
        same(shf_std(SHEAF_F64, x, n, s.mean, 0), reference_std(x, n, 0));
        same(s.min, min);
        same(s.max, max);
        same(s.last, x[n - 1]);
        assert_int_equal(s.count, n);
        free(x);
    }
}

static void other_types_are_converted_first(void **state)
{
    (void)state;
    for (size_t n = 1; n < 700; n += 13) {
        double *x = random_values(n, n), *wide = malloc(n * sizeof *wide);
        float *narrow = malloc(n * sizeof *narrow);
        int32_t *whole = malloc(n * sizeof *whole);
        char *odd = malloc(n * sizeof *x + 1); /* f64 at an odd address */
        assert_true(wide && narrow && whole && odd);
        for (size_t i = 0; i < n; i++) {
            narrow[i] = (float)x[i];
            wide[i] = (double)narrow[i];
            whole[i] = (int32_t)x[i];
        }
        memcpy(odd + 1, x, n * sizeof *x);
        same(shf_sum(SHEAF_F32, narrow, n), reference_sum(wide, n));
        same(shf_volatility(SHEAF_F32, narrow, n), shf_volatility(SHEAF_F64, wide, n));
        same(shf_sum(SHEAF_F64, odd + 1, n), reference_sum(x, n));
        same(shf_volatility(SHEAF_F64, odd + 1, n), shf_volatility(SHEAF_F64, x, n));
        for (size_t i = 0; i < n; i++) wide[i] = whole[i];
        same(shf_sum(SHEAF_I32, whole, n), reference_sum(wide, n));
        free(x);
        free(wide);
        free(narrow);
        free(whole);
        free(odd);
    }
}

static void nan_spreads_and_infinities_do_not_hide_the_extremes(void **state)
{
    (void)state;
    for (size_t n = 1; n < 200; n += 7) {
        double *x = random_values(n, n);
        shf_extent e;
        for (size_t at = 0; at < n; at += 5) {
            double kept = x[at];
            x[at] = (double)NAN;
            shf_extent_of(SHEAF_F64, x, n, &e);
            assert_true(isnan(e.sum) && isnan(e.min) && isnan(e.max));
            x[at] = kept;
        }
        if (n < 2) {
            free(x);
            continue;
        }
        x[0] = (double)INFINITY;
        x[n - 1] = -(double)INFINITY;
        shf_extent_of(SHEAF_F64, x, n, &e);
        assert_true(isnan(e.sum) && e.min == -(double)INFINITY && e.max == (double)INFINITY);
        free(x);
    }
}

static void nothing_and_one_value_are_defined(void **state)
{
    (void)state;
    shf_row_summary s;
    shf_row_summarize(SHEAF_F64, NULL, 0, 1, &s);
    assert_int_equal(s.count, 0);
    same(s.sum, 0.0);
    assert_true(isnan(s.mean) && isnan(s.std) && isnan(s.min) && isnan(s.max) && isnan(s.last));
    double minus_zero = -0.0;
    same(shf_sum(SHEAF_F64, &minus_zero, 1), 0.0);
    shf_row_summarize(SHEAF_F64, &minus_zero, 1, 0, &s);
    same(s.std, 0.0);
}

static double reference_volatility(const double *x, size_t n)
{
    double *change = malloc((n ? n : 1) * sizeof *change), v = 0;
    size_t count = 0;
    assert_non_null(change);
    for (size_t t = 0; t + 1 < n; t++) {
        if (x[t] != 0) change[count++] = (x[t + 1] - x[t]) / x[t];
    }
    if (count) v = reference_std(change, count, 0);
    free(change);
    return v;
}

static void volatility_leaves_out_changes_from_zero(void **state)
{
    (void)state;
    for (size_t n = 0; n < 900; n += 1 + n / 40) {
        double *x = random_values(n, n);
        same(shf_volatility(SHEAF_F64, x, n), reference_volatility(x, n));
        for (size_t i = 0; i < n; i += 3 + n % 5) x[i] = 0;
        same(shf_volatility(SHEAF_F64, x, n), reference_volatility(x, n));
        memset(x, 0, n * sizeof *x);
        same(shf_volatility(SHEAF_F64, x, n), 0.0);
        free(x);
    }
}

static void the_insurance_summary_has_its_definitions(void **state)
{
    (void)state;
    double *x = random_values(3000, 9);
    shf_insurance_summary s;
    shf_insurance_summarize(SHEAF_F64, x, x + 1000, x + 2000, 1000, 100.0, 200.0, &s);
    same(s.total_losses, reference_sum(x, 1000));
    same(s.total_recoveries, reference_sum(x + 1000, 1000));
    same(s.total_retained, reference_sum(x + 2000, 1000));
    same(s.mean_annual_loss, reference_sum(x, 1000) / 1000);
    same(s.growth_rate, log(2.0) / 1000);
    same(s.volatility, reference_volatility(x, 1000));
    assert_true(s.min_annual_loss < s.max_annual_loss);
    shf_insurance_summarize(SHEAF_F64, x, x, NULL, 1, 100.0, 0.0, &s);
    same(s.growth_rate, -(double)INFINITY);
    same(s.volatility, 0.0);
    assert_true(isnan(s.total_retained));
    shf_insurance_summarize(SHEAF_F64, x, x, NULL, 1, -1.0, -2.0, &s);
    same(s.growth_rate, -(double)INFINITY);
    free(x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sums_and_deviations_follow_the_pairwise_scheme),
        cmocka_unit_test(other_types_are_converted_first),
        cmocka_unit_test(nan_spreads_and_infinities_do_not_hide_the_extremes),
        cmocka_unit_test(nothing_and_one_value_are_defined),
        cmocka_unit_test(volatility_leaves_out_changes_from_zero),
        cmocka_unit_test(the_insurance_summary_has_its_definitions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
