// SPDX-License-Identifier: Apache-2.0
/* Ensembles by trajectory, over every format of this build: sampling, summaries, arguments. */
#include "unit/ensemble/run.h"

#include "stats/insurance.h"
#include "stats/moments.h"

/* ---- sampling ---- */

static void twenty_years(void)
{
    sheaf_ensemble_spec spec = insurance_spec(20, 5);
    sheaf_ensemble *run = create(&spec);
    put(run, 7, 20);
    put(run, 8, 12);
    OK(sheaf_ensemble_close(&run, &err));
    run = reopen();
    sheaf_array_info info;
    OK(sheaf_store_array(sheaf_ensemble_store(run), "annual_losses", &info, &err));
    assert_int_equal(info.shape[1], 4);
    float x[4];
    OK(sheaf_ensemble_read(run, 7, "annual_losses", x, sizeof x, &err));
    for (uint32_t j = 0; j < 4; j++) assert_true(x[j] == (float)loss_at(7, 5 * j));
    OK(sheaf_ensemble_read(run, 8, "annual_losses", x, sizeof x, &err));
    assert_true(x[2] == (float)loss_at(8, 10));
    assert_true(isnan(x[3]));
    int64_t steps[8], time[4];
    size_t n;
    OK(sheaf_ensemble_sampled_steps(run, 8, steps, 8, &n, &err));
    assert_int_equal(n, 3);
    assert_int_equal(steps[2], 10);
    OK(sheaf_store_read(sheaf_ensemble_store(run), "time", NULL, time, sizeof time, &err));
    assert_int_equal(time[3], 15);
    OK(sheaf_ensemble_close(&run, &err));
}

static void twenty_years_at_interval_5_give_4_samples(void **state)
{
    (void)state;
    each_format(twenty_years);
}

static void every_interval(void)
{
    static const uint32_t lengths[] = {1, 2, 7, 20, 23}, intervals[] = {1, 2, 5, 25};
    for (size_t i = 0; i < 5; i++) {
        for (size_t l = 0; l < 4; l++) {
            uint32_t n = lengths[i], k = intervals[l];
            sheaf_ensemble_spec spec = sheaf_ensemble_spec_by_trajectory(n);
            sheaf_ensemble_spec_add(&spec, "a", SHEAF_F64, NULL, 0);
            sheaf_ensemble_spec_add(&spec, "b", SHEAF_I32, (const uint64_t[]){3}, 1);
            spec.interval = k;
            spec.keep_last = true;
            options.if_exists = SHEAF_IF_EXISTS_REPLACE;
            sheaf_ensemble *run = create(&spec);
            double a[23];
            int32_t b[23][3];
            for (uint32_t t = 0; t < n; t++) {
                a[t] = t + .5;
                for (int e = 0; e < 3; e++) b[t][e] = (int32_t)(10 * t) + e;
            }
            OK(sheaf_ensemble_put_trajectory(run, -3, n, (const void *const[]){a, b}, NULL, &err));
            OK(sheaf_ensemble_commit(run, &err));
            uint32_t m = (n + k - 1) / k;
            double x[23], last;
            int32_t y[23 * 3], y_last[3];
            OK(sheaf_ensemble_read(run, -3, "a", x, m * sizeof x[0], &err));
            OK(sheaf_ensemble_read(run, -3, "b", y, m * 3 * sizeof y[0], &err));
            OK(sheaf_ensemble_read(run, -3, "a_last", &last, sizeof last, &err));
            OK(sheaf_ensemble_read(run, -3, "b_last", y_last, sizeof y_last, &err));
            for (uint32_t j = 0; j < m; j++) {
                assert_true(x[j] == a[j * k]);
                assert_memory_equal(y + 3 * j, b[j * k], sizeof b[0]);
            }
            assert_true(last == a[n - 1]);
            assert_memory_equal(y_last, b[n - 1], sizeof y_last);
            OK(sheaf_ensemble_close(&run, &err));
        }
    }
}

static void every_interval_and_length_gives_the_steps_it_should(void **state)
{
    (void)state;
    each_format(every_interval);
}

/* ---- summaries ---- */

static void summary(void)
{
    sheaf_ensemble_spec spec = insurance_spec(50, 10);
    sheaf_ensemble *run = create(&spec);
    for (int64_t id = 0; id < 60; id++) put(run, id, 1 + (uint32_t)(id % 50));
    OK(sheaf_ensemble_close(&run, &err));
    run = reopen();
    for (int64_t id = 0; id < 60; id++) {
        uint32_t n = 1 + (uint32_t)(id % 50);
        sheaf_insurance_summary s;
        shf_insurance_summary want;
        make(id, n);
        shf_insurance_summarize(SHEAF_F64, data[0], data[1], NULL, n, 1e7, 2e7, &want);
        OK(sheaf_ensemble_read_insurance_summary(run, id, &s, &err));
        assert_int_equal(s.sim_id, id);
        assert_true(s.final_assets == 2e7 && s.total_losses == want.total_losses && s.total_recoveries == want.total_recoveries);
        assert_true(s.mean_annual_loss == want.mean_annual_loss && s.max_annual_loss == want.max_annual_loss);
        assert_true(s.min_annual_loss == want.min_annual_loss && s.growth_rate == log(2.) / n && s.volatility == want.volatility);
        assert_true(!s.ruin_occurred && !s.has_ruin_year);
    }
    OK(sheaf_ensemble_close(&run, &err));
}

static void summaries_are_of_the_full_input_before_sampling_and_cast(void **state)
{
    (void)state;
    each_format(summary);
}

static void absences(void)
{
    sheaf_ensemble_spec spec = insurance_spec(10, 1);
    sheaf_ensemble *run = create(&spec);
    double zero[10] = {0};
    const void *zeros[3] = {zero, zero, zero};
    sheaf_outcome ruined_at_0 = {1e7, 0, true, true, 0}, ruined_sometime = {1e7, -5, true, false, 0};
    OK(sheaf_ensemble_put_trajectory(run, 0, 1, zeros, &ruined_at_0, &err));
    OK(sheaf_ensemble_put_trajectory(run, 1, 10, zeros, &ruined_sometime, &err));
    OK(sheaf_ensemble_put_trajectory(run, 2, 10, zeros, &fine, &err));
    zero[3] = (double)NAN;
    OK(sheaf_ensemble_put_trajectory(run, 3, 10, zeros, &fine, &err));
    OK(sheaf_ensemble_close(&run, &err));
    run = reopen();
    sheaf_insurance_summary s;
    OK(sheaf_ensemble_read_insurance_summary(run, 0, &s, &err));
    assert_true(s.ruin_occurred && s.has_ruin_year && s.ruin_year == 0 && isinf(s.growth_rate) && s.growth_rate < 0);
    OK(sheaf_ensemble_read_insurance_summary(run, 1, &s, &err));
    assert_true(s.ruin_occurred && !s.has_ruin_year && s.ruin_year == 0);
    OK(sheaf_ensemble_read_insurance_summary(run, 2, &s, &err));
    assert_true(!s.ruin_occurred && !s.has_ruin_year && s.volatility == 0.0);
    OK(sheaf_ensemble_read_insurance_summary(run, 3, &s, &err));
    assert_true(isnan(s.total_losses) && isnan(s.volatility) && s.total_recoveries != 0.0);
    OK(sheaf_ensemble_close(&run, &err));
}

static void absent_zero_and_nan_stay_three_things_after_a_reopen(void **state)
{
    (void)state;
    each_format(absences);
}

static void general(void)
{
    sheaf_ensemble_spec spec = sheaf_ensemble_spec_by_trajectory(200);
    sheaf_ensemble_spec_add(&spec, "x", SHEAF_F64, NULL, 0);
    sheaf_ensemble_spec_add(&spec, "y", SHEAF_F32, (const uint64_t[]){2, 3}, 2);
    spec.summaries = SHEAF_SUMMARIES_GENERAL;
    spec.no_series = true;
    sheaf_ensemble *run = create(&spec);
    static double x[200], column[200];
    static float y[200][6];
    for (int t = 0; t < 200; t++) {
        x[t] = sin(t) * 1e3;
        for (int i = 0; i < 6; i++) y[t][i] = (float)cos(t * (i + 1.));
    }
    OK(sheaf_ensemble_put_trajectory(run, 5, 170, (const void *const[]){x, y}, NULL, &err));
    OK(sheaf_ensemble_close(&run, &err));
    run = reopen();
    double total, std[6], final[6];
    OK(sheaf_ensemble_read(run, 5, "x_total", &total, sizeof total, &err));
    assert_true(total == shf_sum(SHEAF_F64, x, 170));
    OK(sheaf_ensemble_read(run, 5, "y_std", std, sizeof std, &err));
    OK(sheaf_ensemble_read(run, 5, "y_final", final, sizeof final, &err));
    for (int i = 0; i < 6; i++) {
        for (int t = 0; t < 170; t++) column[t] = (double)y[t][i];
        assert_true(std[i] == shf_std(SHEAF_F64, column, 170, shf_sum(SHEAF_F64, column, 170) / 170, 1));
        assert_true(final[i] == column[169]);
    }
    sheaf_array_info info;
    assert_int_equal(sheaf_store_array(sheaf_ensemble_store(run), "x", &info, &err), SHEAF_ERR_NOT_FOUND);
    OK(sheaf_ensemble_close(&run, &err));
}

static void general_summaries_of_shaped_variables_go_element_by_element(void **state)
{
    (void)state;
    each_format(general);
}

/* ---- arguments ---- */

static void arguments(void)
{
    sheaf_ensemble_spec spec = insurance_spec(20, 5);
    spec.require_finite = true;
    sheaf_ensemble *run = create(&spec);
    make(1, 20);
    const void *hole[3] = {data[0], NULL, data[2]};
    sheaf_outcome odd = fine;
    FAILS(sheaf_ensemble_put_trajectory(run, 1, 0, values, &fine, &err), SHEAF_ERR_ARGUMENT, "is empty");
    FAILS(sheaf_ensemble_put_trajectory(run, 1, 21, values, &fine, &err), SHEAF_ERR_ARGUMENT, "21 steps, and at most 20");
    FAILS(sheaf_ensemble_put_trajectory(run, 1, 20, NULL, &fine, &err), SHEAF_ERR_ARGUMENT, "no values");
    FAILS(sheaf_ensemble_put_trajectory(run, 1, 20, hole, &fine, &err), SHEAF_ERR_ARGUMENT, "insurance_recoveries");
    FAILS(sheaf_ensemble_put_trajectory(run, 1, 20, values, NULL, &err), SHEAF_ERR_ARGUMENT, "outcome");
    odd.final_assets = (double)NAN;
    FAILS(sheaf_ensemble_put_trajectory(run, 1, 20, values, &odd, &err), SHEAF_ERR_ARGUMENT, "final_assets is NaN");
    odd = (sheaf_outcome){1, 1, true, true, -2};
    FAILS(sheaf_ensemble_put_trajectory(run, 1, 20, values, &odd, &err), SHEAF_ERR_ARGUMENT, "ruin_year is -2");
    odd = (sheaf_outcome){1, 1, false, true, 2};
    FAILS(sheaf_ensemble_put_trajectory(run, 1, 20, values, &odd, &err), SHEAF_ERR_ARGUMENT, "no ruin occurred");
    data[2][13] = (double)INFINITY;
    FAILS(sheaf_ensemble_put_trajectory(run, 1, 20, values, &fine, &err), SHEAF_ERR_ARGUMENT, "\"retained_losses\" is inf at step 13");
    FAILS(sheaf_ensemble_put_trajectory(NULL, 1, 20, values, &fine, &err), SHEAF_ERR_ARGUMENT, "no ensemble");
    FAILS(sheaf_ensemble_put_step(run, 0, 0, values, &err), SHEAF_ERR_STATE, "by trajectory");
    assert_int_equal(count(run), 0);
    bool there;
    OK(sheaf_ensemble_contains(run, 1, &there, &err));
    assert_false(there);
    put(run, 1, 20); /* the id was not used up */
    OK(sheaf_ensemble_close(&run, &err));
}

static void every_argument_is_checked_before_any_side_effect(void **state)
{
    (void)state;
    each_format(arguments);
}

static void bad_specs(void)
{
    sheaf_ensemble *run;
    sheaf_ensemble_spec spec = insurance_spec(20, 0);
    FAILS(sheaf_ensemble_create(path, &spec, &options, &run, &err), SHEAF_ERR_ARGUMENT, "interval of 0");
    spec = insurance_spec(0, 1);
    FAILS(sheaf_ensemble_create(path, &spec, &options, &run, &err), SHEAF_ERR_ARGUMENT, "0 steps");
    spec = sheaf_ensemble_spec_by_trajectory(5);
    FAILS(sheaf_ensemble_create(path, &spec, &options, &run, &err), SHEAF_ERR_ARGUMENT, "at least one variable");
    sheaf_ensemble_spec_add(&spec, "annual_losses", SHEAF_F64, NULL, 0);
    spec.summaries = SHEAF_SUMMARIES_INSURANCE;
    FAILS(sheaf_ensemble_create(path, &spec, &options, &run, &err), SHEAF_ERR_ARGUMENT, "insurance_recoveries");
    spec = insurance_spec(5, 1);
    sheaf_ensemble_spec_add(&spec, "volatility", SHEAF_F64, NULL, 0);
    FAILS(sheaf_ensemble_create(path, &spec, &options, &run, &err), SHEAF_ERR_ARGUMENT, "\"volatility\" is taken twice");
    spec = sheaf_ensemble_spec_by_trajectory(5);
    sheaf_ensemble_spec_add(&spec, "time", SHEAF_F64, NULL, 0);
    FAILS(sheaf_ensemble_create(path, &spec, &options, &run, &err), SHEAF_ERR_ARGUMENT, "reserved");
    spec = sheaf_ensemble_spec_by_trajectory(5);
    sheaf_ensemble_spec_add(&spec, "x", SHEAF_F64, (const uint64_t[]){0}, 1);
    FAILS(sheaf_ensemble_create(path, &spec, &options, &run, &err), SHEAF_ERR_ARGUMENT, "dimension 0 of 0");
    spec = sheaf_ensemble_spec_by_trajectory(5);
    sheaf_ensemble_spec_add(&spec, NULL, SHEAF_F64, NULL, 0);
    FAILS(sheaf_ensemble_create(path, &spec, &options, &run, &err), SHEAF_ERR_ARGUMENT, "name");
    spec = insurance_spec(5, 1);
    spec.attributes_json = "[1]";
    FAILS(sheaf_ensemble_create(path, &spec, &options, &run, &err), SHEAF_ERR_ARGUMENT, "no JSON object");
    shf_path_kind kind;
    assert_int_equal(shf_path_stat(path, &kind, NULL, &err), SHEAF_OK);
    assert_int_equal(kind, SHF_PATH_NONE);
}

static void a_bad_spec_is_refused_by_name_and_leaves_nothing_behind(void **state)
{
    (void)state;
    each_format(bad_specs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(twenty_years_at_interval_5_give_4_samples),
        cmocka_unit_test(every_interval_and_length_gives_the_steps_it_should),
        cmocka_unit_test(summaries_are_of_the_full_input_before_sampling_and_cast),
        cmocka_unit_test(absent_zero_and_nan_stay_three_things_after_a_reopen),
        cmocka_unit_test(general_summaries_of_shaped_variables_go_element_by_element),
        cmocka_unit_test(every_argument_is_checked_before_any_side_effect),
        cmocka_unit_test(a_bad_spec_is_refused_by_name_and_leaves_nothing_behind),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
