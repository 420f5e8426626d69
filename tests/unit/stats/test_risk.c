// SPDX-License-Identifier: Apache-2.0
/* risk.c, ruin.c, growth.c and convergence.c on data small enough to work out by hand. */
#include <math.h>
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "sheaf/stats.h"

#define NEAR(a, b) assert_true(fabs((a) - (double)(b)) <= 1e-12 * fmax(1, fabs((double)(b))))

static void fill_1_to_100(double *x)
{
    for (int i = 0; i < 100; i++) x[i] = (i * 37) % 100 + 1;
}

static void risk_measures_of_one_to_a_hundred(void **state)
{
    (void)state;
    double x[100], v;
    fill_1_to_100(x);
    assert_int_equal(sheaf_stats_var(x, 100, 0.95, &v, NULL), SHEAF_OK);
    NEAR(v, 95.05);
    assert_int_equal(sheaf_stats_tvar(x, 100, 0.95, &v, NULL), SHEAF_OK);
    NEAR(v, 98); /* mean of 96 .. 100 */
    assert_int_equal(sheaf_stats_tvar(x, 100, 0, &v, NULL), SHEAF_OK);
    NEAR(v, 50.5);
    assert_int_equal(sheaf_stats_pml(x, 100, 20, &v, NULL), SHEAF_OK);
    NEAR(v, 95.05);
    assert_int_equal(sheaf_stats_economic_capital(x, 100, 0.999, &v, NULL), SHEAF_OK);
    NEAR(v, 99.901 - 50.5);
    assert_int_equal(sheaf_stats_economic_capital(x, 100, 0.1, &v, NULL), SHEAF_OK);
    assert_true(v == 0);
}

static void the_return_period_table_holds_the_usual_periods(void **state)
{
    (void)state;
    double x[100], table[SHEAF_STATS_N_RETURN_PERIODS], v;
    const double periods[] = SHEAF_STATS_RETURN_PERIODS, odd[] = {1, 3};
    fill_1_to_100(x);
    assert_int_equal(sheaf_stats_return_periods(x, 100, NULL, 0, table, NULL), SHEAF_OK);
    for (int i = 0; i < SHEAF_STATS_N_RETURN_PERIODS; i++) {
        assert_int_equal(sheaf_stats_pml(x, 100, periods[i], &v, NULL), SHEAF_OK);
        assert_true(v == table[i]);
    }
    NEAR(table[0], 50.5);
    assert_int_equal(sheaf_stats_return_periods(x, 100, odd, 2, table, NULL), SHEAF_OK);
    assert_true(table[0] == 1);
    assert_int_equal(sheaf_stats_pml(x, 100, 0.5, &v, NULL), SHEAF_ERR_ARGUMENT);
}

static void the_hill_index_is_that_of_the_tail(void **state)
{
    (void)state;
    double x[101], v, want = 0;
    for (int i = 0; i <= 100; i++) x[i] = exp(i * 0.05);
    for (int i = 91; i <= 100; i++) want += (i - 90) * 0.05;
    assert_int_equal(sheaf_stats_hill(x, 101, 0.9, &v, NULL), SHEAF_OK);
    NEAR(v, 10 / want);
    for (int i = 0; i <= 100; i++) x[i] = 5;
    assert_int_equal(sheaf_stats_hill(x, 101, 0.9, &v, NULL), SHEAF_OK);
    assert_true(isnan(v));
    for (int i = 0; i <= 100; i++) x[i] = -5 - i;
    assert_int_equal(sheaf_stats_hill(x, 101, 0.9, &v, NULL), SHEAF_OK);
    assert_true(isnan(v));
}

static void nan_gives_nan_risk(void **state)
{
    (void)state;
    const double x[] = {1, (double)NAN, 3};
    double v = 0;
    assert_int_equal(sheaf_stats_tvar(x, 3, 0.5, &v, NULL), SHEAF_OK);
    assert_true(isnan(v));
    assert_int_equal(sheaf_stats_economic_capital(x, 3, 0.5, &v, NULL), SHEAF_OK);
    assert_true(isnan(v));
    sheaf_stats_moments m;
    assert_int_equal(sheaf_stats_describe(x, 3, 1, &m, NULL), SHEAF_OK);
    assert_true(isnan(m.mean) && isnan(m.std) && isnan(m.min) && m.last == 3 && m.count == 3);
    assert_int_equal(sheaf_stats_describe(x, 0, 1, &m, NULL), SHEAF_ERR_ARGUMENT);
}

static void ruin_has_its_wilson_interval(void **state)
{
    (void)state;
    const int64_t year[] = {-1, 3, 0, -1, 7, 3, -1, -1, -1, 50};
    sheaf_stats_share s;
    assert_int_equal(sheaf_stats_ruin(year, 10, 3, &s, NULL), SHEAF_OK);
    assert_int_equal(s.count, 3);
    NEAR(s.share, 0.3);
    assert_true(fabs(s.low - 0.107791267406301) < 1e-12 && fabs(s.high - 0.603221852538855) < 1e-12);
    assert_int_equal(sheaf_stats_wilson(0, 20, &s, NULL), SHEAF_OK);
    assert_true(s.low == 0 && fabs(s.high - 0.161125) < 1e-6);
    assert_int_equal(sheaf_stats_wilson(20, 20, &s, NULL), SHEAF_OK);
    assert_true(s.high == 1 && fabs(s.low - 0.838875) < 1e-6);
    assert_int_equal(sheaf_stats_wilson(1, 0, &s, NULL), SHEAF_ERR_ARGUMENT);
    assert_int_equal(sheaf_stats_wilson(3, 2, &s, NULL), SHEAF_ERR_ARGUMENT);
    double curve[9];
    assert_int_equal(sheaf_stats_survival(year, 10, 9, curve, NULL), SHEAF_OK);
    const double want[] = {0.9, 0.9, 0.9, 0.7, 0.7, 0.7, 0.7, 0.6, 0.6};
    for (int h = 0; h < 9; h++) NEAR(curve[h], want[h]);
}

static void growth_tells_time_from_ensemble_average(void **state)
{
    (void)state;
    const double first[] = {100, 100, 100}, last[] = {50, 100, 400}, ruined[] = {50, 0, 400};
    sheaf_stats_growth g;
    assert_int_equal(sheaf_stats_growth_of(first, last, 3, 2, &g, NULL), SHEAF_OK);
    NEAR(g.time_average_mean, log(2.0) / 6);
    NEAR(g.time_average_median, 0.0);
    NEAR(g.ensemble, log(550.0 / 300) / 2);
    NEAR(g.ergodicity_gap, g.ensemble - g.time_average_mean);
    assert_int_equal(sheaf_stats_growth_of(first, ruined, 3, 2, &g, NULL), SHEAF_OK);
    assert_true(g.time_average_mean == -(double)INFINITY && g.ergodicity_gap == (double)INFINITY);
    NEAR(g.time_average_median, -log(2.0) / 2);
    assert_int_equal(sheaf_stats_growth_of(first, last, 3, 0, &g, NULL), SHEAF_ERR_ARGUMENT);
    NEAR(sheaf_stats_growth_rate(1, 8, 3), log(2.0));
}

static void the_drawdown_is_from_the_running_maximum(void **state)
{
    (void)state;
    const double x[] = {1, 5, 2, 8, 3, 9, 9}, up[] = {1, 2, 3};
    double v;
    assert_int_equal(sheaf_stats_drawdown(x, 7, &v, NULL), SHEAF_OK);
    assert_true(v == 5);
    assert_int_equal(sheaf_stats_drawdown(up, 3, &v, NULL), SHEAF_OK);
    assert_true(v == 0);
    const double infinite[] = {(double)INFINITY, (double)INFINITY, 1};
    assert_int_equal(sheaf_stats_drawdown(infinite, 2, &v, NULL), SHEAF_OK);
    assert_true(v == 0);
    assert_int_equal(sheaf_stats_drawdown(infinite, 3, &v, NULL), SHEAF_OK);
    assert_true(v == (double)INFINITY);
    const double unknown[] = {2, (double)NAN, 1};
    assert_int_equal(sheaf_stats_drawdown(unknown, 3, &v, NULL), SHEAF_OK);
    assert_true(isnan(v));
}

static void rhat_needs_real_chains(void **state)
{
    (void)state;
    const double x[] = {1, 2, 3, 4, 2, 3, 4, 5}, flat[] = {1, 1, 2, 2};
    double v;
    assert_int_equal(sheaf_stats_rhat(x, 2, 4, &v, NULL), SHEAF_OK);
    const double within = 5.0 / 3, between = 4 * 0.5;
    NEAR(v, sqrt((0.75 * within + between / 4) / within));
    assert_int_equal(sheaf_stats_rhat(flat, 2, 2, &v, NULL), SHEAF_OK);
    assert_true(v == (double)INFINITY);
    assert_int_equal(sheaf_stats_rhat(x, 1, 8, &v, NULL), SHEAF_ERR_ARGUMENT);
    assert_int_equal(sheaf_stats_rhat(x, 8, 1, &v, NULL), SHEAF_ERR_ARGUMENT);
}

static void the_effective_sample_size_falls_with_correlation(void **state)
{
    (void)state;
    double x[1000], y[1000], ess, slow, error;
    uint64_t s = 1;
    for (int i = 0; i < 1000; i++) {
        s = s * 6364136223846793005ULL + 1442695040888963407ULL;
        x[i] = (double)(s >> 11) * 0x1p-53;
        y[i] = i ? 0.95 * y[i - 1] + x[i] : x[i];
    }
    assert_int_equal(sheaf_stats_ess(x, 1000, &ess, NULL), SHEAF_OK);
    assert_int_equal(sheaf_stats_ess(y, 1000, &slow, NULL), SHEAF_OK);
    assert_true(ess > 500 && ess <= 1000);
    assert_true(slow > 5 && slow < 100);
    sheaf_stats_moments m;
    assert_int_equal(sheaf_stats_describe(y, 1000, 1, &m, NULL), SHEAF_OK);
    assert_int_equal(sheaf_stats_mcse(y, 1000, &error, NULL), SHEAF_OK);
    NEAR(error, m.std / sqrt(slow));
    for (int i = 0; i < 1000; i++) x[i] = i % 2; /* negative pairs are not counted */
    assert_int_equal(sheaf_stats_ess(x, 1000, &ess, NULL), SHEAF_OK);
    assert_true(ess == 1000);
    for (int i = 0; i < 1000; i++) x[i] = 3;
    assert_int_equal(sheaf_stats_ess(x, 1000, &ess, NULL), SHEAF_OK);
    assert_true(ess == 1000);
    assert_int_equal(sheaf_stats_mcse(x, 1, &error, NULL), SHEAF_ERR_ARGUMENT);
}

static void failed_allocations_are_errors(void **state)
{
    (void)state;
    const double x[] = {1, 2, 3, 4};
    const int64_t year[] = {1};
    double v;
    sheaf_stats_growth g;
    shf_alloc_fail_at(1, 1);
    assert_int_equal(sheaf_stats_tvar(x, 4, 0.5, &v, NULL), SHEAF_ERR_MEMORY);
    assert_int_equal(sheaf_stats_return_periods(x, 4, NULL, 0, &v, NULL), SHEAF_ERR_MEMORY);
    assert_int_equal(sheaf_stats_survival(year, 1, 1, &v, NULL), SHEAF_ERR_MEMORY);
    assert_int_equal(sheaf_stats_growth_of(x, x, 4, 1, &g, NULL), SHEAF_ERR_MEMORY);
    assert_int_equal(sheaf_stats_rhat(x, 2, 2, &v, NULL), SHEAF_ERR_MEMORY);
    shf_alloc_fail_at(0, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(risk_measures_of_one_to_a_hundred),
        cmocka_unit_test(the_return_period_table_holds_the_usual_periods),
        cmocka_unit_test(the_hill_index_is_that_of_the_tail),
        cmocka_unit_test(nan_gives_nan_risk),
        cmocka_unit_test(ruin_has_its_wilson_interval),
        cmocka_unit_test(growth_tells_time_from_ensemble_average),
        cmocka_unit_test(the_drawdown_is_from_the_running_maximum),
        cmocka_unit_test(rhat_needs_real_chains),
        cmocka_unit_test(the_effective_sample_size_falls_with_correlation),
        cmocka_unit_test(failed_allocations_are_errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
