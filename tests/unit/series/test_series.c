// SPDX-License-Identifier: Apache-2.0
/* Kinds, get, loading and checks: what does not depend on the format of the file. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "series_files.h"

static sheaf_series *values_of(sheaf_series_kind kind, int64_t n_times, int64_t n_scenarios)
{
    double values[64];
    for (int64_t i = 0; i < n_times; i++)
        for (int64_t j = 0; j < n_scenarios; j++) values[i * n_scenarios + j] = table_value(i, j);
    sheaf_series *series = NULL;
    sheaf_error err;
    assert_int_equal(sheaf_series_from_values("x", kind, values, n_times, n_scenarios, &series, &err), SHEAF_OK);
    return series;
}

static void expect_get(sheaf_series *series, const int64_t *times, size_t n_times, const int64_t *scenarios, size_t n_scenarios,
                       const double *expected)
{
    double out[64];
    sheaf_error err;
    if (sheaf_series_get(series, times, n_times, scenarios, n_scenarios, out, &err) != SHEAF_OK) fail_msg("%s", err.message);
    size_t n = (times ? n_times : 1) * (scenarios ? n_scenarios : 1);
    for (size_t i = 0; i < n; i++)
        if (out[i] != expected[i]) fail_msg("value %zu is %g, expected %g", i, out[i], expected[i]);
}

static void expect_refusal(sheaf_series *series, const int64_t *times, size_t n_times, const int64_t *scenarios, size_t n_scenarios,
                           sheaf_status code, const char *message)
{
    double out[64];
    sheaf_error err;
    assert_int_equal(sheaf_series_get(series, times, n_times, scenarios, n_scenarios, out, &err), code);
    assert_string_equal(err.message, message);
}

static void get_of_time_and_scenario_keeps_order_and_duplicates(void **state)
{
    (void)state;
    sheaf_series *series = values_of(SHEAF_SERIES_TIME_SCENARIO, 5, 4);
    const int64_t times[] = {4, 0, 4}, scenarios[] = {3, 1, 1, 0};
    double expected[12];
    for (size_t i = 0; i < 3; i++)
        for (size_t j = 0; j < 4; j++) expected[i * 4 + j] = table_value(times[i], scenarios[j]);
    expect_get(series, times, 3, scenarios, 4, expected);
    sheaf_series_free(&series);
    assert_null(series);
}

static void what_a_kind_lacks_is_broadcast(void **state)
{
    (void)state;
    const int64_t times[] = {2, 0}, scenarios[] = {5, 1, 1};
    sheaf_series *time = values_of(SHEAF_SERIES_TIME, 3, 1), *scenario = values_of(SHEAF_SERIES_SCENARIO, 1, 6), *constant = NULL;
    sheaf_error err;
    assert_int_equal(sheaf_series_constant(2.5, &constant, &err), SHEAF_OK);
    expect_get(time, times, 2, NULL, 0, (double[]){2000.25, 0.25});
    expect_get(time, times, 2, scenarios, 3, (double[]){2000.25, 2000.25, 2000.25, 0.25, 0.25, 0.25});
    expect_get(scenario, NULL, 0, scenarios, 3, (double[]){5.25, 1.25, 1.25});
    expect_get(scenario, times, 2, scenarios, 3, (double[]){5.25, 1.25, 1.25, 5.25, 1.25, 1.25});
    expect_get(constant, NULL, 0, NULL, 0, (double[]){2.5});
    expect_get(constant, times, 2, NULL, 0, (double[]){2.5, 2.5});
    expect_get(constant, NULL, 0, scenarios, 3, (double[]){2.5, 2.5, 2.5});
    expect_get(constant, times, 2, scenarios, 3, (double[]){2.5, 2.5, 2.5, 2.5, 2.5, 2.5});
    /* The axis that the kind lacks has no end. */
    const int64_t far[] = {1000000};
    expect_get(time, times, 1, far, 1, (double[]){2000.25});
    expect_get(scenario, far, 1, scenarios, 1, (double[]){5.25});
    sheaf_series_free(&time);
    sheaf_series_free(&scenario);
    sheaf_series_free(&constant);
}

static void an_index_that_the_kind_requires_must_be_given(void **state)
{
    (void)state;
    const int64_t zero[] = {0};
    sheaf_series *both = values_of(SHEAF_SERIES_TIME_SCENARIO, 2, 2), *time = values_of(SHEAF_SERIES_TIME, 2, 1),
                 *scenario = values_of(SHEAF_SERIES_SCENARIO, 1, 2);
    expect_refusal(both, NULL, 0, zero, 1, SHEAF_ERR_ARGUMENT, "series 'x' (time-scenario) needs a time index, none was given");
    expect_refusal(both, zero, 1, NULL, 0, SHEAF_ERR_ARGUMENT, "series 'x' (time-scenario) needs a scenario index, none was given");
    expect_refusal(time, NULL, 0, zero, 1, SHEAF_ERR_ARGUMENT, "series 'x' (time) needs a time index, none was given");
    expect_refusal(scenario, zero, 1, NULL, 0, SHEAF_ERR_ARGUMENT, "series 'x' (scenario) needs a scenario index, none was given");
    sheaf_series_free(&both);
    sheaf_series_free(&time);
    sheaf_series_free(&scenario);
}

static void an_index_out_of_range_is_an_error_and_never_wraps_around(void **state)
{
    (void)state;
    sheaf_series *series = values_of(SHEAF_SERIES_TIME_SCENARIO, 3, 2), *time = values_of(SHEAF_SERIES_TIME, 3, 1), *constant = NULL;
    sheaf_error err;
    assert_int_equal(sheaf_series_constant(1, &constant, &err), SHEAF_OK);
    const int64_t fine[] = {0, 1}, negative[] = {0, -1}, beyond[] = {1, 3}, smallest[] = {INT64_MIN}, largest[] = {INT64_MAX};
    expect_refusal(series, negative, 2, fine, 2, SHEAF_ERR_RANGE, "series 'x': time step -1 is out of range 0 to 2");
    expect_refusal(series, beyond, 2, fine, 2, SHEAF_ERR_RANGE, "series 'x': time step 3 is out of range 0 to 2");
    expect_refusal(series, fine, 2, negative, 2, SHEAF_ERR_RANGE, "series 'x': scenario -1 is out of range 0 to 1");
    expect_refusal(series, fine, 2, beyond, 2, SHEAF_ERR_RANGE, "series 'x': scenario 3 is out of range 0 to 1");
    expect_refusal(series, smallest, 1, fine, 1, SHEAF_ERR_RANGE, "series 'x': time step -9223372036854775808 is out of range 0 to 2");
    expect_refusal(series, largest, 1, fine, 1, SHEAF_ERR_RANGE, "series 'x': time step 9223372036854775807 is out of range 0 to 2");
    expect_refusal(time, fine, 1, negative, 2, SHEAF_ERR_RANGE, "series 'x': scenario -1 is negative");
    expect_refusal(constant, negative, 2, NULL, 0, SHEAF_ERR_RANGE, "series '': time step -1 is negative");
    sheaf_series_free(&series);
    sheaf_series_free(&time);
    sheaf_series_free(&constant);
}

static void no_indices_give_no_values(void **state)
{
    (void)state;
    sheaf_series *series = values_of(SHEAF_SERIES_TIME_SCENARIO, 3, 2);
    const int64_t none[1] = {0};
    double out = 7;
    sheaf_error err;
    assert_int_equal(sheaf_series_get(series, none, 0, none, 1, &out, &err), SHEAF_OK);
    assert_int_equal(sheaf_series_get(series, none, 1, none, 0, &out, &err), SHEAF_OK);
    assert_true(out == 7);
    sheaf_series_free(&series);
}

static void many_scenarios_at_once_are_right(void **state)
{
    (void)state;
    write_table("many.csv", 50, 300, ",", "\n");
    sheaf_series *lazy = open_series("many", SHEAF_SERIES_TIME_SCENARIO), *loaded = NULL;
    sheaf_error err;
    assert_int_equal(sheaf_series_load(lazy, NULL, 0, &loaded, &err), SHEAF_OK);
    assert_true(sheaf_series_is_loaded(loaded));
    assert_false(sheaf_series_is_loaded(lazy));
    int64_t times[70], scenarios[333];
    for (int64_t i = 0; i < 70; i++) times[i] = i * 37 % 50;
    for (int64_t j = 0; j < 333; j++) scenarios[j] = j * 101 % 300;
    double *out = malloc(sizeof(double) * 70 * 333);
    assert_non_null(out);
    sheaf_series *both[] = {lazy, loaded};
    for (size_t k = 0; k < 2; k++) {
        memset(out, 0, sizeof(double) * 70 * 333);
        assert_int_equal(sheaf_series_get(both[k], times, 70, scenarios, 333, out, &err), SHEAF_OK);
        for (size_t i = 0; i < 70; i++)
            for (size_t j = 0; j < 333; j++)
                if (out[i * 333 + j] != table_value(times[i], scenarios[j])) fail_msg("row %zu, column %zu", i, j);
    }
    free(out);
    sheaf_series_free(&lazy);
    sheaf_series_free(&loaded);
}

static void only_the_columns_asked_for_are_loaded_and_others_are_an_error(void **state)
{
    (void)state;
    write_table("part.csv", 4, 10, ",", "\n");
    sheaf_series *lazy = open_series("part", SHEAF_SERIES_TIME_SCENARIO), *loaded = NULL;
    sheaf_error err;
    const int64_t columns[] = {7, 2, 7}, bad[] = {10};
    assert_int_equal(sheaf_series_load(lazy, columns, 3, &loaded, &err), SHEAF_OK);
    const int64_t times[] = {3, 0}, asked[] = {2, 7, 2}, missing[] = {2, 3}, beyond[] = {10};
    expect_get(loaded, times, 2, asked, 3, (double[]){3002.25, 3007.25, 3002.25, 2.25, 7.25, 2.25});
    expect_refusal(loaded, times, 2, missing, 2, SHEAF_ERR_STATE, "series 'part': column 3 is not loaded (2 of 10 columns are)");
    expect_refusal(loaded, times, 2, beyond, 1, SHEAF_ERR_RANGE, "series 'part': scenario 10 is out of range 0 to 9");
    int64_t n_times, n_scenarios;
    assert_int_equal(sheaf_series_shape(loaded, &n_times, &n_scenarios, &err), SHEAF_OK);
    assert_int_equal(n_times, 4);
    assert_int_equal(n_scenarios, 10);
    sheaf_series_free(&loaded);
    assert_int_equal(sheaf_series_load(lazy, bad, 1, &loaded, &err), SHEAF_ERR_RANGE);
    assert_null(loaded);
    sheaf_series_free(&lazy);
}

static void the_requirement_check_refuses_more_variation_than_the_parameter_allows(void **state)
{
    (void)state;
    sheaf_series *series[4] = {NULL, values_of(SHEAF_SERIES_TIME, 2, 1), values_of(SHEAF_SERIES_SCENARIO, 1, 2),
                               values_of(SHEAF_SERIES_TIME_SCENARIO, 2, 2)};
    sheaf_error err;
    assert_int_equal(sheaf_series_constant(1, &series[0], &err), SHEAF_OK);
    for (int k = 0; k < 4; k++) {
        bool time = k & 1, scenario = k & 2;
        for (int allowed = 0; allowed < 4; allowed++) {
            bool may_time = allowed & 1, may_scenario = allowed & 2;
            bool fine = (may_time || !time) && (may_scenario || !scenario);
            assert_int_equal(sheaf_series_check(series[k], may_time, may_scenario, &err), fine ? SHEAF_OK : SHEAF_ERR_MISMATCH);
        }
    }
    assert_int_equal(sheaf_series_check(series[3], true, false, &err), SHEAF_ERR_MISMATCH);
    assert_string_equal(err.message, "series 'x' (time-scenario) varies with the scenario, its parameter does not");
    for (int k = 0; k < 4; k++) sheaf_series_free(&series[k]);
}

static void a_series_comes_back_from_its_uri(void **state)
{
    (void)state;
    write_table("load.2030 % ä.tsv", 3, 4, "\t", "\n");
    sheaf_series *series = open_series("load.2030 % ä", SHEAF_SERIES_TIME_SCENARIO), *again = NULL, *loaded = NULL;
    sheaf_error err;
    const char *uri = sheaf_series_uri(series);
    assert_non_null(strstr(uri, "/load.2030%20%25%20%C3%A4.tsv?kind=time-scenario"));
    assert_int_equal(strncmp(uri, "file:///", 8), 0);
    assert_int_equal(sheaf_series_open_uri(uri, NULL, 0, &again, &err), SHEAF_OK);
    const int64_t times[] = {2}, scenarios[] = {3}, other[] = {1};
    expect_get(again, times, 1, scenarios, 1, (double[]){2003.25});
    assert_string_equal(sheaf_series_name(again), "load.2030 % ä");
    assert_string_equal(sheaf_series_uri(again), uri);
    assert_int_equal(sheaf_series_open_uri(uri, scenarios, 1, &loaded, &err), SHEAF_OK);
    expect_get(loaded, times, 1, scenarios, 1, (double[]){2003.25});
    expect_refusal(loaded, times, 1, other, 1, SHEAF_ERR_STATE, "series 'load.2030 % ä': column 1 is not loaded (1 of 4 columns are)");
    assert_string_equal(sheaf_series_uri(loaded), uri);
    sheaf_series_free(&series);
    sheaf_series_free(&again);
    sheaf_series_free(&loaded);
    const double constants[] = {0.1, -0.0, INFINITY, 5e-324};
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(sheaf_series_constant(constants[i], &series, &err), SHEAF_OK);
        assert_int_equal(sheaf_series_open_uri(sheaf_series_uri(series), NULL, 0, &again, &err), SHEAF_OK);
        double value;
        assert_int_equal(sheaf_series_get(again, NULL, 0, NULL, 0, &value, &err), SHEAF_OK);
        assert_memory_equal(&value, &constants[i], sizeof value);
        sheaf_series_free(&series);
        sheaf_series_free(&again);
    }
}

static void what_is_no_uri_of_a_series_is_refused(void **state)
{
    (void)state;
    const char *const bad[] = {"",
                               "load",
                               "file://relative?kind=time",
                               "file:///tmp/x.txt",
                               "file:///tmp/x.txt?kind=odd",
                               "constant:",
                               "constant:1x",
                               "file:///tmp/%zz.txt?kind=time",
                               "file:///tmp/%00.txt?kind=time",
                               "file:///tmp/%4?kind=time"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        sheaf_series *series = NULL;
        sheaf_error err;
        assert_int_equal(sheaf_series_open_uri(bad[i], NULL, 0, &series, &err), SHEAF_ERR_ARGUMENT);
        assert_null(series);
    }
    sheaf_series *series = NULL;
    sheaf_error err;
    assert_int_equal(sheaf_series_open_uri("file:///nowhere/x.txt?kind=time", NULL, 0, &series, &err), SHEAF_ERR_NOT_FOUND);
}

static void values_that_are_not_of_the_kind_are_refused(void **state)
{
    (void)state;
    const double values[4] = {1, 2, 3, 4};
    sheaf_series *series = NULL;
    sheaf_error err;
    assert_int_equal(sheaf_series_from_values("x", SHEAF_SERIES_TIME, values, 2, 2, &series, &err), SHEAF_ERR_MISMATCH);
    assert_int_equal(sheaf_series_from_values("x", SHEAF_SERIES_SCENARIO, values, 2, 2, &series, &err), SHEAF_ERR_MISMATCH);
    assert_int_equal(sheaf_series_from_values("x", SHEAF_SERIES_CONSTANT, values, 1, 1, &series, &err), SHEAF_ERR_ARGUMENT);
    assert_int_equal(sheaf_series_from_values("x", SHEAF_SERIES_TIME, values, -1, 1, &series, &err), SHEAF_ERR_ARGUMENT);
    assert_null(series);
    assert_int_equal(sheaf_series_from_values("x", SHEAF_SERIES_TIME, values, 4, 1, &series, &err), SHEAF_OK);
    assert_null(sheaf_series_uri(series));
    sheaf_series_free(&series);
}

static void every_failed_allocation_is_an_error_without_a_leak(void **state)
{
    (void)state;
    write_table("memory.txt", 6, 3, " ", "\n");
    for (uint64_t n = 1;; n++) {
        sheaf_series *lazy = NULL, *loaded = NULL;
        const int64_t columns[] = {2, 0}, times[] = {5, 1};
        double out[4];
        sheaf_error err;
        shf_alloc_fail_at(n, 0);
        sheaf_status status = sheaf_series_open(folder, "memory", SHEAF_SERIES_TIME_SCENARIO, &lazy, &err);
        if (status == SHEAF_OK) status = sheaf_series_get(lazy, times, 2, columns, 2, out, &err);
        if (status == SHEAF_OK) status = sheaf_series_load(lazy, columns, 2, &loaded, &err);
        shf_alloc_fail_at(0, 0);
        sheaf_series_free(&lazy);
        sheaf_series_free(&loaded);
        if (status == SHEAF_OK) {
            assert_true(n > 15);
            break;
        }
        assert_int_equal(status, SHEAF_ERR_MEMORY);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(get_of_time_and_scenario_keeps_order_and_duplicates),
        cmocka_unit_test(what_a_kind_lacks_is_broadcast),
        cmocka_unit_test(an_index_that_the_kind_requires_must_be_given),
        cmocka_unit_test(an_index_out_of_range_is_an_error_and_never_wraps_around),
        cmocka_unit_test(no_indices_give_no_values),
        cmocka_unit_test(many_scenarios_at_once_are_right),
        cmocka_unit_test(only_the_columns_asked_for_are_loaded_and_others_are_an_error),
        cmocka_unit_test(the_requirement_check_refuses_more_variation_than_the_parameter_allows),
        cmocka_unit_test(a_series_comes_back_from_its_uri),
        cmocka_unit_test(what_is_no_uri_of_a_series_is_refused),
        cmocka_unit_test(values_that_are_not_of_the_kind_are_refused),
        cmocka_unit_test(every_failed_allocation_is_an_error_without_a_leak),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
