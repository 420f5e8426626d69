// SPDX-License-Identifier: Apache-2.0
/* Ensembles by trajectory: ids, resuming, clearing, many threads, lazy look-ups. */
#include "unit/ensemble/run.h"

#include <pthread.h>

#include "stats/moments.h"

/* ---- ids ---- */

static void duplicates(void)
{
    sheaf_ensemble_spec spec = insurance_spec(20, 5);
    sheaf_ensemble *run = create(&spec);
    put(run, 3, 20);
    put(run, -9, 20);
    make(99, 20);
    FAILS(sheaf_ensemble_put_trajectory(run, 3, 20, values, &fine, &err), SHEAF_ERR_DUPLICATE, "trajectory 3");
    assert_int_equal(count(run), 2);
    OK(sheaf_ensemble_close(&run, &err));
    spec.duplicates = SHEAF_DUPLICATES_KEEP_FIRST;
    OK(sheaf_ensemble_resume(path, &spec, &options, &run, &err));
    OK(sheaf_ensemble_put_trajectory(run, 3, 20, values, &fine, &err));
    sheaf_ensemble_statistics s = {.size_bytes = sizeof s};
    OK(sheaf_ensemble_get_statistics(run, &s, &err));
    assert_int_equal(s.n_duplicates, 1);
    OK(sheaf_ensemble_close(&run, &err));
    run = reopen();
    assert_int_equal(count(run), 2);
    float x[4];
    OK(sheaf_ensemble_read(run, 3, "annual_losses", x, sizeof x, &err));
    assert_true(x[1] == (float)loss_at(3, 5));
    OK(sheaf_ensemble_close(&run, &err));
}

static void an_id_stored_twice_is_refused_or_the_first_is_kept(void **state)
{
    (void)state;
    each_format(duplicates);
}

static void ids(void)
{
    sheaf_ensemble_spec spec = insurance_spec(20, 5);
    sheaf_ensemble *run = create(&spec);
    static const int64_t order[] = {5, 6, 7, 100, 2, INT64_MIN, INT64_MAX, 1};
    for (int i = 0; i < 8; i++) put(run, order[i], 20);
    OK(sheaf_ensemble_close(&run, &err));
    run = reopen();
    assert_int_equal(count(run), 8);
    int64_t list[8];
    OK(sheaf_ensemble_ids(run, 0, 8, list, &err));
    assert_memory_equal(list, order, sizeof list);
    FAILS(sheaf_ensemble_ids(run, 5, 4, list, &err), SHEAF_ERR_RANGE, "of 8");
    static const uint64_t by_id[] = {5, 7, 4, 0, 1, 2, 3, 6};
    uint64_t rows[8], row;
    OK(sheaf_ensemble_rows_by_id(run, 0, 8, rows, &err));
    assert_memory_equal(rows, by_id, sizeof rows);
    bool there;
    OK(sheaf_ensemble_contains(run, 100, &there, &err));
    assert_true(there);
    OK(sheaf_ensemble_contains(run, 101, &there, &err));
    assert_false(there);
    OK(sheaf_ensemble_find(run, INT64_MAX, &row, &err));
    assert_int_equal(row, 6);
    FAILS(sheaf_ensemble_find(run, 8, &row, &err), SHEAF_ERR_NOT_FOUND, "trajectory 8");
    sheaf_id_range missing[4];
    size_t n;
    OK(sheaf_ensemble_missing(run, 0, 10, missing, 4, &n, &err));
    assert_int_equal(n, 3);
    assert_true(missing[0].first == 0 && missing[0].last == 0 && missing[1].first == 3 && missing[1].last == 4 && missing[2].first == 8);
    OK(sheaf_ensemble_close(&run, &err));
}

static void ids_are_counted_listed_ordered_and_found_after_a_reopen(void **state)
{
    (void)state;
    each_format(ids);
}

/* ---- resume, clear ---- */

static void resume(void)
{
    sheaf_ensemble_spec spec = insurance_spec(20, 5), other;
    spec.attributes_json = "{\"model\": \"insurance\", \"seed\": 7}";
    sheaf_ensemble *run = create(&spec), *none;
    put(run, 0, 20);
    OK(sheaf_ensemble_commit(run, &err));
    put(run, 1, 20);
    sheaf_ensemble_free(&run); /* 1 was not committed */
    FAILS(sheaf_ensemble_create(path, &spec, &options, &none, &err), SHEAF_ERR_EXISTS, "");
    other = insurance_spec(20, 4);
    FAILS(sheaf_ensemble_resume(path, &other, &options, &none, &err), SHEAF_ERR_MISMATCH, "interval: 5 is stored, but 4 is asked for");
    other = spec;
    other.attributes_json = "{\"model\": \"insurance\", \"seed\": 8}";
    FAILS(sheaf_ensemble_resume(path, &other, &options, &none, &err), SHEAF_ERR_MISMATCH, "seed: 7 is stored, but 8 is asked for");
    other = spec;
    other.variables[1].stored = SHEAF_F64;
    FAILS(sheaf_ensemble_resume(path, &other, &options, &none, &err), SHEAF_ERR_MISMATCH, "stored as float32, but float64");
    other = spec;
    other.n_variables = 2;
    FAILS(sheaf_ensemble_resume(path, &other, &options, &none, &err), SHEAF_ERR_MISMATCH, "arrays are stored");
    assert_null(none);
    OK(sheaf_ensemble_resume(path, &spec, &options, &run, &err));
    assert_int_equal(count(run), 1);
    put(run, 1, 20);
    put(run, 2, 7);
    OK(sheaf_ensemble_close(&run, &err));
    OK(sheaf_ensemble_close(&run, &err)); /* idempotent */
    run = reopen();
    assert_int_equal(count(run), 3);
    OK(sheaf_ensemble_close(&run, &err));
}

static void resume_compares_what_is_stored_and_goes_on(void **state)
{
    (void)state;
    each_format(resume);
}

static void clear(void)
{
    sheaf_ensemble_spec spec = insurance_spec(20, 5);
    sheaf_ensemble *run = create(&spec);
    for (int64_t id = 0; id < 100; id++) put(run, id, 20);
    OK(sheaf_ensemble_commit(run, &err));
    OK(sheaf_ensemble_clear(run, &err));
    assert_int_equal(count(run), 0);
    sheaf_ensemble_statistics s = {.size_bytes = sizeof s};
    OK(sheaf_ensemble_get_statistics(run, &s, &err));
    assert_int_equal(s.n_stored + s.n_committed + s.n_duplicates, 0);
    put(run, 5, 20);
    OK(sheaf_ensemble_close(&run, &err));
    run = reopen();
    assert_int_equal(count(run), 1);
    OK(sheaf_ensemble_get_statistics(run, &s, &err));
    assert_int_equal(s.n_committed, 1);
    assert_int_equal(s.interval, 5);
    assert_int_equal(s.n_samples, 4);
    assert_string_equal(s.format, options.format);
    assert_string_equal(s.path, path);
    OK(sheaf_ensemble_close(&run, &err));
}

static void clear_empties_the_store_which_stays_usable(void **state)
{
    (void)state;
    each_format(clear);
}

/* ---- many threads ---- */

enum { N_THREADS = 8, EACH = 300 };

typedef struct worker {
    pthread_t thread;
    sheaf_ensemble *run;
    int index;
    sheaf_status status;
} worker;

static void *work(void *argument)
{
    worker *w = argument;
    double x[3][20];
    const void *v[3] = {x[0], x[1], x[2]};
    for (int i = 0; i < EACH && w->status == SHEAF_OK; i++) {
        int64_t id = (int64_t)i * N_THREADS + w->index;
        uint32_t n = 1 + (uint32_t)(id % 20);
        for (uint32_t t = 0; t < n; t++) {
            x[0][t] = loss_at(id, t);
            x[1][t] = x[2][t] = (double)id;
        }
        w->status = sheaf_ensemble_put_trajectory(w->run, id, n, v, &fine, NULL);
        if (w->status == SHEAF_OK && i % 50 == 0) w->status = sheaf_ensemble_commit(w->run, NULL);
        bool there = false;
        if (w->status == SHEAF_OK) w->status = sheaf_ensemble_contains(w->run, id, &there, NULL);
        if (!there) w->status = SHEAF_ERR_NOT_FOUND;
    }
    return NULL;
}

static void many_threads(void)
{
    sheaf_ensemble_spec spec = insurance_spec(20, 5);
    sheaf_ensemble *run = create(&spec);
    worker workers[N_THREADS];
    for (int i = 0; i < N_THREADS; i++) {
        workers[i] = (worker){.run = run, .index = i};
        assert_int_equal(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
    }
    for (int i = 0; i < N_THREADS; i++) {
        pthread_join(workers[i].thread, NULL);
        assert_int_equal(workers[i].status, SHEAF_OK);
    }
    OK(sheaf_ensemble_close(&run, &err));
    run = reopen();
    assert_int_equal(count(run), N_THREADS * EACH);
    for (int64_t id = 0; id < N_THREADS * EACH; id++) {
        float x[4], y[4];
        int32_t length;
        double total;
        OK(sheaf_ensemble_read(run, id, "length", &length, sizeof length, &err));
        OK(sheaf_ensemble_read(run, id, "annual_losses", x, sizeof x, &err));
        OK(sheaf_ensemble_read(run, id, "retained_losses", y, sizeof y, &err));
        OK(sheaf_ensemble_read(run, id, "total_losses", &total, sizeof total, &err));
        assert_int_equal(length, 1 + id % 20);
        make(id, (uint32_t)length);
        assert_true(total == shf_sum(SHEAF_F64, data[0], (size_t)length));
        for (int32_t j = 0; j < 4; j++) {
            if (j * 5 < length) assert_true(x[j] == (float)loss_at(id, 5 * (uint32_t)j) && y[j] == (float)id);
            else assert_true(isnan(x[j]) && isnan(y[j]));
        }
    }
    OK(sheaf_ensemble_close(&run, &err));
}

static void eight_threads_putting_at_once_lose_and_mix_nothing(void **state)
{
    (void)state;
    each_format(many_threads);
}

static void lazy(void)
{
    sheaf_ensemble_spec spec = insurance_spec(1000, 1);
    sheaf_ensemble *run = create(&spec);
    for (int64_t id = 0; id < 2000; id++) put(run, id, 1000);
    OK(sheaf_ensemble_close(&run, &err));
    run = reopen();
    sheaf_store_statistics before = {.size_bytes = sizeof before}, after = before;
    OK(sheaf_store_get_statistics(sheaf_ensemble_store(run), &before, &err));
    for (int64_t i = 0; i < 1000; i++) {
        sheaf_insurance_summary s;
        OK(sheaf_ensemble_read_insurance_summary(run, (i * 7919) % 2000, &s, &err));
        assert_true(s.total_losses > 0);
    }
    OK(sheaf_store_get_statistics(sheaf_ensemble_store(run), &after, &err));
    /* 10 summary arrays and the ids, one chunk each; the series have 8 chunks and more. */
    assert_true(after.n_chunks_decoded - before.n_chunks_decoded <= 11);
    OK(sheaf_ensemble_close(&run, &err));
}

static void a_thousand_summaries_are_read_without_any_series(void **state)
{
    (void)state;
    each_format(lazy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_id_stored_twice_is_refused_or_the_first_is_kept),
        cmocka_unit_test(ids_are_counted_listed_ordered_and_found_after_a_reopen),
        cmocka_unit_test(resume_compares_what_is_stored_and_goes_on),
        cmocka_unit_test(clear_empties_the_store_which_stays_usable),
        cmocka_unit_test(eight_threads_putting_at_once_lose_and_mix_nothing),
        cmocka_unit_test(a_thousand_summaries_are_read_without_any_series),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
