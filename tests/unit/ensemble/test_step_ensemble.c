// SPDX-License-Identifier: Apache-2.0
/* Ensembles by step, over every format of this build. */
#include "unit/ensemble/run.h"

enum { D = 2, N = 5 };

/* y (d, N) f64, count () i64, small (3,) f32 of one step. */
static double y[D * N];
static int64_t counter;
static float small[3];
static const void *step_values[] = {y, &counter, small};

static void make_step(uint64_t iteration)
{
    for (int i = 0; i < D * N; i++) y[i] = (double)iteration + i / 100.;
    counter = (int64_t)iteration * 1000;
    for (int i = 0; i < 3; i++) small[i] = (float)iteration / (float)(i + 1);
}

static sheaf_ensemble_spec step_spec(uint32_t stride)
{
    sheaf_ensemble_spec spec = sheaf_ensemble_spec_by_step();
    sheaf_ensemble_spec_add(&spec, "y", SHEAF_F64, (const uint64_t[]){D, N}, 2);
    sheaf_ensemble_spec_dimensions(&spec, (const char *const[]){"d", "trajectory"});
    sheaf_ensemble_spec_add(&spec, "counter", SHEAF_I64, NULL, 0);
    sheaf_ensemble_spec_add(&spec, "small", SHEAF_F32, (const uint64_t[]){3}, 1);
    spec.interval = stride;
    return spec;
}

static void put_steps(sheaf_ensemble *run, uint64_t first, uint64_t end)
{
    for (uint64_t i = first; i < end; i++) {
        make_step(i);
        OK(sheaf_ensemble_put_step(run, i, (double)i * .5, step_values, &err));
        memset(y, 0xff, sizeof y); /* the caller may use its memory again at once */
    }
}

/* The store holds exactly these iterations. */
static void check_steps(sheaf_ensemble *run, const uint64_t *iterations, uint64_t m)
{
    sheaf_store *store = sheaf_ensemble_store(run);
    assert_int_equal(count(run), m);
    double *times = calloc(m + 1, sizeof *times), *all = calloc(m + 1, sizeof y);
    int64_t *counters = calloc(m + 1, sizeof *counters);
    OK(sheaf_store_read(store, "time", NULL, times, m * sizeof *times, &err));
    OK(sheaf_store_read(store, "y", NULL, all, m * sizeof y, &err));
    OK(sheaf_store_read(store, "counter", NULL, counters, m * sizeof *counters, &err));
    for (uint64_t i = 0; i < m; i++) {
        make_step(iterations[i]);
        assert_true(times[i] == (double)iterations[i] * .5);
        assert_true(counters[i] == counter);
        assert_memory_equal(all + i * D * N, y, sizeof y);
    }
    free(times);
    free(all);
    free(counters);
}

static void strides(void)
{
    for (uint64_t n = 1; n <= 12; n += 3) {
        for (uint32_t k = 1; k <= 13; k += 4) {
            for (int keep_last = 0; keep_last < 2; keep_last++) {
                sheaf_ensemble_spec spec = step_spec(k);
                spec.keep_last = keep_last;
                options.if_exists = SHEAF_IF_EXISTS_REPLACE;
                sheaf_ensemble *run = create(&spec);
                put_steps(run, 0, n);
                OK(sheaf_ensemble_close(&run, &err));
                uint64_t want[16], m = 0;
                for (uint64_t i = 0; i < n; i++)
                    if (i % k == 0 || (keep_last && i == n - 1)) want[m++] = i;
                run = reopen();
                check_steps(run, want, m);
                OK(sheaf_ensemble_close(&run, &err));
            }
        }
    }
}

static void a_step_is_stored_when_its_iteration_is_a_multiple_of_the_stride_and_the_last_on_request(void **state)
{
    (void)state;
    each_format(strides);
}

static void types(void)
{
    sheaf_ensemble_spec spec = step_spec(1);
    spec.first_id = 40;
    sheaf_ensemble *run = create(&spec);
    put_steps(run, 0, 3);
    OK(sheaf_ensemble_close(&run, &err));
    run = reopen();
    sheaf_array_info info;
    OK(sheaf_store_array(sheaf_ensemble_store(run), "counter", &info, &err));
    assert_true(info.dtype == SHEAF_I64 && info.ndim == 1);
    OK(sheaf_store_array(sheaf_ensemble_store(run), "y", &info, &err));
    assert_true(info.dtype == SHEAF_F64 && info.ndim == 3 && info.shape[0] == 3 && info.shape[1] == D && info.shape[2] == N);
    assert_string_equal(info.dimensions[2], "trajectory");
    int64_t ids[N];
    OK(sheaf_store_read(sheaf_ensemble_store(run), "trajectory", NULL, ids, sizeof ids, &err));
    assert_true(ids[0] == 40 && ids[N - 1] == 40 + N - 1);
    OK(sheaf_ensemble_close(&run, &err));
}

static void types_and_shapes_are_kept_as_given(void **state)
{
    (void)state;
    each_format(types);
}

static void reading_early(void)
{
    sheaf_ensemble_spec spec = step_spec(1);
    sheaf_ensemble *run = create(&spec), *reader;
    OK(sheaf_ensemble_commit(run, &err)); /* an empty flush is nothing */
    OK(sheaf_ensemble_commit(run, &err));
    OK(sheaf_ensemble_open(path, &options, &reader, &err));
    assert_int_equal(count(reader), 0);
    put_steps(run, 0, 7);
    OK(sheaf_ensemble_refresh(reader, NULL, &err));
    assert_int_equal(count(reader), 0); /* nothing that is not committed shows */
    OK(sheaf_ensemble_commit(run, &err));
    bool changed = false;
    OK(sheaf_ensemble_refresh(reader, &changed, &err));
    assert_true(changed);
    check_steps(reader, (const uint64_t[]){0, 1, 2, 3, 4, 5, 6}, 7);
    put_steps(run, 7, 9);
    OK(sheaf_ensemble_close(&run, &err));
    OK(sheaf_ensemble_close(&run, &err));
    OK(sheaf_ensemble_refresh(reader, &changed, &err));
    assert_int_equal(count(reader), 9); /* close loses nothing */
    OK(sheaf_ensemble_close(&reader, &err));
}

static void flush_is_idempotent_and_a_reader_sees_what_is_committed(void **state)
{
    (void)state;
    each_format(reading_early);
}

static void order(void)
{
    sheaf_ensemble_spec spec = step_spec(5);
    sheaf_ensemble *run = create(&spec);
    put_steps(run, 0, 3);
    make_step(2);
    FAILS(sheaf_ensemble_put_step(run, 2, 1, step_values, &err), SHEAF_ERR_ARGUMENT, "step 2 comes after step 2");
    FAILS(sheaf_ensemble_put_step(run, 6, 1, step_values, &err), SHEAF_ERR_ARGUMENT,
          "step 6 is handed over, but step 5 is to be stored first");
    FAILS(sheaf_ensemble_put_step(run, 5, 1, NULL, &err), SHEAF_ERR_ARGUMENT, "no values");
    FAILS(sheaf_ensemble_put_step(run, 5, 1, (const void *const[]){y, NULL, small}, &err), SHEAF_ERR_ARGUMENT, "counter");
    FAILS(sheaf_ensemble_put_trajectory(run, 5, 1, step_values, NULL, &err), SHEAF_ERR_STATE, "by step");
    put_steps(run, 5, 6); /* steps that are not stored need not be handed over */
    OK(sheaf_ensemble_close(&run, &err));
    run = reopen();
    check_steps(run, (const uint64_t[]){0, 5}, 2);
    OK(sheaf_ensemble_close(&run, &err));
}

static void a_step_out_of_order_is_refused_with_both_numbers(void **state)
{
    (void)state;
    each_format(order);
}

static void second_run(void)
{
    sheaf_ensemble_spec spec = step_spec(2), other;
    spec.keep_last = true;
    sheaf_ensemble *run = create(&spec), *none;
    put_steps(run, 0, 6);
    FAILS(sheaf_ensemble_create(path, &spec, &options, &none, &err), SHEAF_ERR_EXISTS, "");
    OK(sheaf_ensemble_suspend(&run, &err)); /* without step 5 */
    other = step_spec(3);
    other.keep_last = true;
    FAILS(sheaf_ensemble_resume(path, &other, &options, &none, &err), SHEAF_ERR_MISMATCH, "interval: 2 is stored, but 3 is asked for");
    OK(sheaf_ensemble_resume(path, &spec, &options, &run, &err));
    uint64_t next;
    OK(sheaf_ensemble_next_step(run, &next, &err));
    assert_int_equal(next, 6);
    put_steps(run, next, 10);
    OK(sheaf_ensemble_close(&run, &err));
    run = reopen();
    check_steps(run, (const uint64_t[]){0, 2, 4, 6, 8, 9}, 6);
    OK(sheaf_ensemble_close(&run, &err));
    FAILS(sheaf_ensemble_resume(path, &spec, &options, &none, &err), SHEAF_ERR_STATE, "its last step, 9");
    options.if_exists = SHEAF_IF_EXISTS_REPLACE;
    run = create(&spec);
    OK(sheaf_ensemble_close(&run, &err));
    run = reopen();
    assert_int_equal(count(run), 0);
    OK(sheaf_ensemble_close(&run, &err));
}

static void a_second_run_on_the_same_path_is_an_error_unless_it_resumes_or_replaces(void **state)
{
    (void)state;
    each_format(second_run);
}

static void many_steps(void)
{
    enum { STEPS = 2000 };
    sheaf_ensemble_spec spec = step_spec(1);
    options.commit_rows = 7;
    sheaf_ensemble *run = create(&spec);
    put_steps(run, 0, STEPS);
    OK(sheaf_ensemble_close(&run, &err));
    run = reopen();
    static uint64_t iterations[STEPS];
    for (uint64_t i = 0; i < STEPS; i++) iterations[i] = i;
    check_steps(run, iterations, STEPS);
    sheaf_array_info info;
    OK(sheaf_store_array(sheaf_ensemble_store(run), "small", &info, &err));
    assert_true(info.chunk[0] > 1000); /* an early flush does not make small chunks */
    OK(sheaf_ensemble_close(&run, &err));
}

static void early_and_frequent_commits_neither_lose_a_step_nor_make_small_chunks(void **state)
{
    (void)state;
    each_format(many_steps);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_step_is_stored_when_its_iteration_is_a_multiple_of_the_stride_and_the_last_on_request),
        cmocka_unit_test(types_and_shapes_are_kept_as_given),
        cmocka_unit_test(flush_is_idempotent_and_a_reader_sees_what_is_committed),
        cmocka_unit_test(a_step_out_of_order_is_refused_with_both_numbers),
        cmocka_unit_test(a_second_run_on_the_same_path_is_an_error_unless_it_resumes_or_replaces),
        cmocka_unit_test(early_and_frequent_commits_neither_lose_a_step_nor_make_small_chunks),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
