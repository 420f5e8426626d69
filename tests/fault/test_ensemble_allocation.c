// SPDX-License-Identifier: Apache-2.0
/* Every allocation of a small run by trajectory and of one by step fails in turn: the error is told, and nothing leaks (sanitizers). */
#include "unit/ensemble/run.h"

#include "base/alloc.h"

/* A run that stops at the first error. */
static sheaf_status run_trajectories(sheaf_error *error)
{
    sheaf_ensemble_spec spec = insurance_spec(20, 5);
    spec.keep_last = true;
    sheaf_ensemble *run = NULL;
    sheaf_status status = sheaf_ensemble_create(path, &spec, &options, &run, error);
    for (int64_t id = 0; id < 6 && status == SHEAF_OK; id++) {
        make(id, 20);
        status = sheaf_ensemble_put_trajectory(run, id * 5, 20, values, &fine, error);
        if (status == SHEAF_OK && id % 2) status = sheaf_ensemble_commit(run, error);
    }
    if (status == SHEAF_OK) status = sheaf_ensemble_close(&run, error);
    sheaf_ensemble_free(&run);
    return status;
}

static sheaf_status run_steps(sheaf_error *error)
{
    sheaf_ensemble_spec spec = sheaf_ensemble_spec_by_step();
    sheaf_ensemble_spec_add(&spec, "x", SHEAF_F64, (const uint64_t[]){3}, 1);
    sheaf_ensemble_spec_store_as(&spec, SHEAF_F32);
    spec.interval = 2;
    spec.keep_last = true;
    sheaf_ensemble *run = NULL;
    sheaf_status status = sheaf_ensemble_create(path, &spec, &options, &run, error);
    for (uint64_t i = 0; i < 6 && status == SHEAF_OK; i++) {
        double x[3] = {(double)i, 1, 2};
        status = sheaf_ensemble_put_step(run, i, (double)i, (const void *const[]){x}, error);
        if (status == SHEAF_OK) status = sheaf_ensemble_commit(run, error);
    }
    if (status == SHEAF_OK) status = sheaf_ensemble_close(&run, error);
    sheaf_ensemble_free(&run);
    return status;
}

static void fail_each(sheaf_status (*run_it)(sheaf_error *))
{
    options = sheaf_store_options_init();
    options.format = "mem"; /* what the formats make of it, the tests of the store tell */
    options.n_threads = 0;
    options.commit_interval_ms = options.checkpoint_interval_ms = 0;
    snprintf(path, sizeof path, "%s/run", folder);
    options.if_exists = SHEAF_IF_EXISTS_REPLACE;
    uint64_t failed = 0;
    for (uint64_t n = 1;; n++) {
        sheaf_error error = {0};
        shf_alloc_fail_at(n, 0);
        sheaf_status status = run_it(&error);
        uint64_t asked = shf_alloc_count();
        shf_alloc_fail_at(0, 0);
        if (status != SHEAF_OK) {
            failed++;
            assert_true(error.message[0] != '\0');
        }
        if (asked < n) break;
    }
    assert_true(failed > 20);
}

static void each_failing_allocation_of_a_run_by_trajectory_is_told(void **state)
{
    (void)state;
    fail_each(run_trajectories);
}

static void each_failing_allocation_of_a_run_by_step_is_told(void **state)
{
    (void)state;
    fail_each(run_steps);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_failing_allocation_of_a_run_by_trajectory_is_told),
        cmocka_unit_test(each_failing_allocation_of_a_run_by_step_is_told),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
