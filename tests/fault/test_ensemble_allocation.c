// SPDX-License-Identifier: Apache-2.0
/* Every allocation of a small run by trajectory and of one by step fails in turn: the error is told, and nothing committed is lost. */
#include "unit/ensemble/run.h"

#include "base/alloc.h"

/* A run that stops at the first error; *committed says how many records were committed for certain. */
static sheaf_status run_trajectories(uint64_t *committed, sheaf_error *error)
{
    sheaf_ensemble_spec spec = insurance_spec(20, 5);
    spec.keep_last = true;
    sheaf_ensemble *run = NULL;
    sheaf_status status = sheaf_ensemble_create(path, &spec, &options, &run, error);
    for (int64_t id = 0; id < 6 && status == SHEAF_OK; id++) {
        make(id, 20);
        status = sheaf_ensemble_put_trajectory(run, id * 5, 20, values, &fine, error);
        if (status == SHEAF_OK && id % 2) status = sheaf_ensemble_commit(run, error);
        if (status == SHEAF_OK && id % 2) *committed = (uint64_t)id + 1;
    }
    if (status == SHEAF_OK) status = sheaf_ensemble_close(&run, error);
    sheaf_ensemble_free(&run);
    return status;
}

static sheaf_status run_steps(uint64_t *committed, sheaf_error *error)
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
        if (status == SHEAF_OK) *committed = i / 2 + 1;
    }
    if (status == SHEAF_OK) status = sheaf_ensemble_close(&run, error);
    sheaf_ensemble_free(&run);
    return status;
}

static void fail_each(sheaf_status (*run_it)(uint64_t *, sheaf_error *))
{
    options.n_threads = 0;
    options.commit_interval_ms = options.checkpoint_interval_ms = 0;
    options.if_exists = SHEAF_IF_EXISTS_REPLACE;
    uint64_t failed = 0;
    for (uint64_t n = 1;; n++) {
        uint64_t committed = 0;
        sheaf_error error = {0};
        shf_alloc_fail_at(n, 0);
        sheaf_status status = run_it(&committed, &error);
        uint64_t asked = shf_alloc_count();
        shf_alloc_fail_at(0, 0);
        if (status != SHEAF_OK) {
            failed++;
            assert_true(error.message[0] != '\0');
        }
        if (committed &&
            strcmp(options.format, "mem") != 0) { /* opening for append recovers; then everything that was committed is there */
            sheaf_store *store;
            uint64_t length = 0;
            OK(sheaf_store_open_append(path, &options, &store, &err));
            OK(sheaf_store_length(store, sheaf_store_record_name(store, 0), &length, &err));
            if (length < committed)
                fail_msg("%s: allocation %llu: %llu of %llu records", options.format, (unsigned long long)n, (unsigned long long)length,
                         (unsigned long long)committed);
            OK(sheaf_store_close(&store, &err));
        }
        if (asked < n) break;
    }
    assert_true(failed > 20);
}

static void steps(void)
{
    fail_each(run_steps);
}

static void each_failing_allocation_of_a_run_by_trajectory_is_told(void **state)
{
    (void)state;
    /* In memory: in files, its many chunks would take long. */
    options = sheaf_store_options_init();
    options.format = "mem";
    snprintf(path, sizeof path, "%s/run", folder);
    fail_each(run_trajectories);
}

static void each_failing_allocation_of_a_run_by_step_is_told_and_loses_nothing(void **state)
{
    (void)state;
    each_format(steps);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_failing_allocation_of_a_run_by_trajectory_is_told),
        cmocka_unit_test(each_failing_allocation_of_a_run_by_step_is_told_and_loses_nothing),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
