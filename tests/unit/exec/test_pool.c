// SPDX-License-Identifier: Apache-2.0
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "exec/pool.h"

#define N_JOBS 2000

typedef struct job_record {
    atomic_uint runs;
    pthread_t thread;
} job_record;

static void record_job(void *argument)
{
    job_record *record = argument;
    record->thread = pthread_self();
    atomic_fetch_add(&record->runs, 1);
}

static void every_job_runs_exactly_once_with_any_number_of_threads(void **state)
{
    (void)state;
    static const unsigned threads[] = {0, 1, 2, 8};
    for (size_t t = 0; t < sizeof threads / sizeof threads[0]; t++) {
        static job_record records[N_JOBS];
        for (size_t i = 0; i < N_JOBS; i++) atomic_store(&records[i].runs, 0);
        shf_pool *pool = NULL;
        assert_int_equal(shf_pool_create(threads[t], 3, &pool, NULL), SHEAF_OK);
        assert_int_equal(shf_pool_threads(pool), threads[t]);
        for (size_t i = 0; i < N_JOBS; i++) shf_pool_submit(pool, record_job, &records[i]);
        shf_pool_wait(pool);
        for (size_t i = 0; i < N_JOBS; i++) assert_int_equal(atomic_load(&records[i].runs), 1);
        shf_pool_free(pool);
    }
}

static void without_threads_a_job_runs_in_the_caller_before_submit_returns(void **state)
{
    (void)state;
    shf_pool *pool = NULL;
    assert_int_equal(shf_pool_create(0, 1, &pool, NULL), SHEAF_OK);
    job_record record = {0};
    shf_pool_submit(pool, record_job, &record);
    assert_int_equal(atomic_load(&record.runs), 1);
    assert_true(pthread_equal(record.thread, pthread_self()));
    assert_int_equal(shf_pool_help(pool), 0);
    shf_pool_free(pool);
}

typedef struct gate {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    int entered, open;
} gate;

static void wait_at_gate(void *argument)
{
    gate *g = argument;
    pthread_mutex_lock(&g->mutex);
    g->entered = 1;
    pthread_cond_broadcast(&g->changed);
    while (!g->open) pthread_cond_wait(&g->changed, &g->mutex);
    pthread_mutex_unlock(&g->mutex);
}

static void close_gate_with_the_only_thread(shf_pool *pool, gate *g)
{
    shf_pool_submit(pool, wait_at_gate, g);
    pthread_mutex_lock(&g->mutex);
    while (!g->entered) pthread_cond_wait(&g->changed, &g->mutex);
    pthread_mutex_unlock(&g->mutex);
}

static void open_gate(gate *g)
{
    pthread_mutex_lock(&g->mutex);
    g->open = 1;
    pthread_cond_broadcast(&g->changed);
    pthread_mutex_unlock(&g->mutex);
}

static void a_caller_above_the_full_queue_runs_the_oldest_job_itself(void **state)
{
    (void)state;
    shf_pool *pool = NULL;
    assert_int_equal(shf_pool_create(1, 2, &pool, NULL), SHEAF_OK);
    gate g = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0, 0};
    close_gate_with_the_only_thread(pool, &g);
    job_record records[3] = {{0}, {0}, {0}};
    shf_pool_submit(pool, record_job, &records[0]);
    shf_pool_submit(pool, record_job, &records[1]);
    assert_int_equal(atomic_load(&records[0].runs), 0);
    shf_pool_submit(pool, record_job, &records[2]);
    assert_int_equal(atomic_load(&records[0].runs), 1);
    assert_true(pthread_equal(records[0].thread, pthread_self()));
    assert_int_equal(atomic_load(&records[1].runs), 0);
    assert_int_equal(shf_pool_help(pool), 1);
    assert_int_equal(atomic_load(&records[1].runs), 1);
    open_gate(&g);
    shf_pool_wait(pool);
    assert_int_equal(atomic_load(&records[2].runs), 1);
    shf_pool_free(pool);
}

static void freeing_the_pool_ends_what_is_queued(void **state)
{
    (void)state;
    shf_pool *pool = NULL;
    assert_int_equal(shf_pool_create(1, 8, &pool, NULL), SHEAF_OK);
    gate g = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0, 0};
    close_gate_with_the_only_thread(pool, &g);
    job_record records[8] = {{0}};
    for (size_t i = 0; i < 8; i++) shf_pool_submit(pool, record_job, &records[i]);
    open_gate(&g);
    shf_pool_free(pool);
    for (size_t i = 0; i < 8; i++) assert_int_equal(atomic_load(&records[i].runs), 1);
    shf_pool_free(NULL);
}

typedef struct submitter {
    shf_pool *pool;
    job_record *records;
    size_t count;
} submitter;

static void *submit_all(void *argument)
{
    submitter *s = argument;
    for (size_t i = 0; i < s->count; i++) shf_pool_submit(s->pool, record_job, &s->records[i]);
    shf_pool_wait(s->pool);
    return NULL;
}

static void several_threads_may_submit_and_wait_at_once(void **state)
{
    (void)state;
    static job_record records[4][500];
    shf_pool *pool = NULL;
    assert_int_equal(shf_pool_create(2, 4, &pool, NULL), SHEAF_OK);
    pthread_t threads[4];
    submitter submitters[4];
    for (size_t t = 0; t < 4; t++) {
        submitters[t] = (submitter){pool, records[t], 500};
        assert_int_equal(pthread_create(&threads[t], NULL, submit_all, &submitters[t]), 0);
    }
    for (size_t t = 0; t < 4; t++) pthread_join(threads[t], NULL);
    for (size_t t = 0; t < 4; t++) {
        for (size_t i = 0; i < 500; i++) assert_int_equal(atomic_load(&records[t][i].runs), 1);
    }
    shf_pool_free(pool);
}

static void running_out_of_memory_while_creating_is_an_error_and_leaks_nothing(void **state)
{
    (void)state;
    for (uint64_t n = 1; n <= 3; n++) {
        sheaf_error err;
        shf_pool *pool = NULL;
        shf_alloc_fail_at(n, 0);
        sheaf_status status = shf_pool_create(2, 4, &pool, &err);
        shf_alloc_fail_at(0, 0);
        assert_int_equal(status, SHEAF_ERR_MEMORY);
        assert_int_equal(err.code, SHEAF_ERR_MEMORY);
        assert_null(pool);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_job_runs_exactly_once_with_any_number_of_threads),
        cmocka_unit_test(without_threads_a_job_runs_in_the_caller_before_submit_returns),
        cmocka_unit_test(a_caller_above_the_full_queue_runs_the_oldest_job_itself),
        cmocka_unit_test(freeing_the_pool_ends_what_is_queued),
        cmocka_unit_test(several_threads_may_submit_and_wait_at_once),
        cmocka_unit_test(running_out_of_memory_while_creating_is_an_error_and_leaks_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
