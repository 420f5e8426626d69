// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/error.h"
#include "sheaf/executor.h"

/* A work that tells all that it sees: the result of a task is "COMMON:SQUARE" of the number that it was given. */
typedef enum { DO_SQUARE, DO_FAIL_AT_3, DO_DIE_AT_3, DO_EXIT_AT_3, DO_BIG, DO_WAIT_FOR_CANCEL, DO_SILENT_FAIL } what_to_do;

typedef struct {
    what_to_do what;
    bool fail_begin;
    atomic_int n_begun, n_ended, n_tasks;
} plan;

#define BIG_SIZE (3u << 20)

static sheaf_status begin(void *context, const void *common, size_t size, const void *shared, void **state, sheaf_error *err)
{
    plan *p = context;
    (void)shared;
    atomic_fetch_add(&p->n_begun, 1);
    char *copy = calloc(1, size + 1);
    assert_non_null(copy);
    if (size) memcpy(copy, common, size);
    *state = copy;
    return p->fail_begin ? shf_fail(err, SHEAF_ERR_INPUT, "begin refused") : SHEAF_OK;
}

static sheaf_status task(void *context, void *state, const sheaf_task *task, sheaf_output *result, sheaf_error *err)
{
    plan *p = context;
    long number;
    assert_int_equal(task->size_bytes, sizeof number);
    memcpy(&number, task->bytes, sizeof number);
    atomic_fetch_add(&p->n_tasks, 1);
    if (p->what == DO_FAIL_AT_3 && task->index == 3) return shf_fail(err, SHEAF_ERR_INPUT, "three is not allowed");
    if (p->what == DO_SILENT_FAIL && task->index == 3) return SHEAF_ERR_INPUT;
    if (p->what == DO_DIE_AT_3 && task->index == 3) raise(SIGKILL);
    if (p->what == DO_EXIT_AT_3 && task->index == 3) _exit(7);
    if (p->what == DO_WAIT_FOR_CANCEL) {
        for (int i = 0; i < 5000 && !sheaf_cancel_requested(task->cancel); i++) usleep(1000);
        return sheaf_cancel_requested(task->cancel) ? shf_fail(err, SHEAF_ERR_CANCELLED, "stopped at work") : SHEAF_OK;
    }
    char text[64];
    int n = snprintf(text, sizeof text, "%s:%ld", (const char *)state, number * number);
    if (p->what == DO_BIG) {
        char *big = malloc(BIG_SIZE);
        assert_non_null(big);
        memset(big, 'a' + (int)(task->index % 26), BIG_SIZE);
        sheaf_status status = sheaf_output_append(result, big, BIG_SIZE, err);
        free(big);
        return status;
    }
    return sheaf_output_append(result, text, (size_t)n, err);
}

static void end(void *context, void *state)
{
    plan *p = context;
    atomic_fetch_add(&p->n_ended, 1);
    free(state);
}

static sheaf_work work_of(plan *p)
{
    return (sheaf_work){sizeof(sheaf_work), p, begin, task, end};
}

static sheaf_status describe(void *context, size_t index, sheaf_output *bytes, sheaf_error *err)
{
    long number = (long)index + *(long *)context;
    if (number < 0) return shf_fail(err, SHEAF_ERR_RANGE, "number %ld cannot be described", number);
    return sheaf_output_append(bytes, &number, sizeof number, err);
}

static long offset;

static sheaf_job job_of(size_t n)
{
    sheaf_job job = {.size_bytes = sizeof job, .n_tasks = n, .common = "run", .common_size_bytes = 3};
    job.describe = describe;
    job.describe_context = &offset;
    return job;
}

/* Executor number k of the kinds under test. */
static const char *const kinds[] = {"calling", "1 thread", "2 threads", "8 threads", "1 process", "2 processes"};
#define N_KINDS (sizeof kinds / sizeof *kinds)

static sheaf_executor *make(size_t kind, plan *p)
{
    sheaf_work work = work_of(p);
    sheaf_executor *executor = NULL;
    sheaf_error err;
    switch (kind) {
    case 0: assert_int_equal(sheaf_executor_calling(&work, &executor, &err), SHEAF_OK); break;
    case 1: assert_int_equal(sheaf_executor_threads(1, &work, &executor, &err), SHEAF_OK); break;
    case 2: assert_int_equal(sheaf_executor_threads(2, &work, &executor, &err), SHEAF_OK); break;
    case 3: assert_int_equal(sheaf_executor_threads(8, &work, &executor, &err), SHEAF_OK); break;
    case 4: assert_int_equal(sheaf_executor_processes(1, &work, &executor, &err), SHEAF_OK); break;
    default: assert_int_equal(sheaf_executor_processes(2, &work, &executor, &err), SHEAF_OK); break;
    }
    return executor;
}

static void expect_text(const sheaf_results *results, size_t index, const char *text)
{
    const void *bytes;
    size_t size;
    sheaf_error err;
    assert_int_equal(sheaf_results_get(results, index, &bytes, &size, &err), SHEAF_OK);
    assert_int_equal(size, strlen(text));
    assert_memory_equal(bytes, text, size);
}

static void results_come_in_the_order_of_submission(void **state)
{
    (void)state;
    for (size_t kind = 0; kind < N_KINDS; kind++) {
        plan p = {.what = DO_SQUARE};
        sheaf_executor *executor = make(kind, &p);
        for (int round = 0; round < 2; round++) {
            sheaf_job job = job_of(100);
            sheaf_results *results = NULL;
            sheaf_error err;
            assert_int_equal(sheaf_executor_run(executor, &job, &results, &err), SHEAF_OK);
            assert_int_equal(sheaf_results_count(results), 100);
            for (size_t i = 0; i < 100; i++) {
                char text[32];
                snprintf(text, sizeof text, "run:%zu", i * i);
                expect_text(results, i, text);
            }
            sheaf_results_free(&results);
            assert_null(results);
        }
        sheaf_executor_free(&executor);
        assert_null(executor);
        if (kind < 4) assert_int_equal(p.n_begun, 2);
        assert_int_equal(p.n_begun, p.n_ended);
    }
}

static void a_failed_task_leaves_the_others_and_its_error_reaches_the_caller(void **state)
{
    (void)state;
    for (size_t kind = 0; kind < N_KINDS; kind++) {
        plan p = {.what = DO_FAIL_AT_3};
        sheaf_executor *executor = make(kind, &p);
        sheaf_job job = job_of(8);
        sheaf_results *results = NULL;
        sheaf_error err;
        assert_int_equal(sheaf_executor_run(executor, &job, &results, &err), SHEAF_ERR_INPUT);
        assert_int_equal(err.code, SHEAF_ERR_INPUT);
        assert_string_equal(err.message, "task 3: three is not allowed");
        const void *bytes;
        size_t size;
        assert_int_equal(sheaf_results_get(results, 3, &bytes, &size, &err), SHEAF_ERR_INPUT);
        assert_string_equal(err.message, "three is not allowed");
        assert_null(bytes);
        expect_text(results, 2, "run:4");
        expect_text(results, 4, "run:16");
        expect_text(results, 7, "run:49");
        assert_int_equal(sheaf_results_get(results, 8, &bytes, &size, &err), SHEAF_ERR_RANGE);
        sheaf_results_free(&results);
        sheaf_executor_free(&executor);
    }
}

static void a_task_that_fails_silently_still_has_an_error(void **state)
{
    (void)state;
    for (size_t kind = 0; kind < N_KINDS; kind += 5) {
        plan p = {.what = DO_SILENT_FAIL};
        sheaf_executor *executor = make(kind, &p);
        sheaf_job job = job_of(4);
        sheaf_error err;
        assert_int_equal(sheaf_executor_run(executor, &job, NULL, &err), SHEAF_ERR_INPUT);
        assert_non_null(strstr(err.message, "task 3: "));
        sheaf_executor_free(&executor);
    }
}

static void a_begin_that_fails_fails_every_task_and_is_ended(void **state)
{
    (void)state;
    for (size_t kind = 0; kind < N_KINDS; kind++) {
        plan p = {.what = DO_SQUARE, .fail_begin = true};
        sheaf_executor *executor = make(kind, &p);
        sheaf_job job = job_of(4);
        sheaf_results *results = NULL;
        sheaf_error err;
        assert_int_equal(sheaf_executor_run(executor, &job, &results, &err), SHEAF_ERR_INPUT);
        assert_non_null(strstr(err.message, "begin refused"));
        for (size_t i = 0; i < 4; i++) {
            const void *bytes;
            size_t size;
            assert_int_equal(sheaf_results_get(results, i, &bytes, &size, &err), SHEAF_ERR_INPUT);
            assert_string_equal(err.message, "begin refused");
        }
        assert_int_equal(p.n_tasks, 0);
        assert_int_equal(p.n_begun, p.n_ended);
        sheaf_results_free(&results);
        sheaf_executor_free(&executor);
    }
}

static void a_task_that_cannot_be_described_fails_alone(void **state)
{
    (void)state;
    offset = -1;
    for (size_t kind = 0; kind < N_KINDS; kind++) {
        plan p = {.what = DO_SQUARE};
        sheaf_executor *executor = make(kind, &p);
        sheaf_job job = job_of(3);
        sheaf_results *results = NULL;
        sheaf_error err;
        assert_int_equal(sheaf_executor_run(executor, &job, &results, &err), SHEAF_ERR_RANGE);
        assert_string_equal(err.message, "task 0: number -1 cannot be described");
        expect_text(results, 1, "run:0");
        expect_text(results, 2, "run:1");
        sheaf_results_free(&results);
        sheaf_executor_free(&executor);
    }
    offset = 0;
}

static void cancelling_leaves_out_the_tasks_that_did_not_begin(void **state)
{
    (void)state;
    for (size_t kind = 0; kind < N_KINDS; kind++) {
        plan p = {.what = DO_SQUARE};
        sheaf_executor *executor = make(kind, &p);
        sheaf_cancel cancel = {0};
        sheaf_cancel_request(&cancel);
        sheaf_job job = job_of(4);
        job.cancel = &cancel;
        sheaf_results *results = NULL;
        sheaf_error err;
        assert_int_equal(sheaf_executor_run(executor, &job, &results, &err), SHEAF_ERR_CANCELLED);
        assert_int_equal(p.n_tasks, 0);
        sheaf_results_free(&results);
        sheaf_executor_free(&executor);
    }
}

static sheaf_cancel *alarm_cancel;

static void on_alarm(int number)
{
    (void)number;
    sheaf_cancel_request(alarm_cancel);
}

static void cancelling_reaches_the_tasks_at_work(void **state)
{
    (void)state;
    for (size_t kind = 0; kind < N_KINDS; kind++) {
        plan p = {.what = DO_WAIT_FOR_CANCEL};
        sheaf_executor *executor = make(kind, &p);
        sheaf_cancel cancel = {0};
        alarm_cancel = &cancel;
        signal(SIGALRM, on_alarm);
        ualarm(30000, 0);
        sheaf_job job = job_of(20);
        job.cancel = &cancel;
        sheaf_results *results = NULL;
        sheaf_error err;
        assert_int_equal(sheaf_executor_run(executor, &job, &results, &err), SHEAF_ERR_CANCELLED);
        const void *bytes;
        size_t size;
        assert_int_equal(sheaf_results_get(results, 0, &bytes, &size, &err), SHEAF_ERR_CANCELLED);
        assert_string_equal(err.message, "stopped at work");
        assert_int_equal(sheaf_results_get(results, 19, &bytes, &size, &err), SHEAF_ERR_CANCELLED);
        assert_string_equal(err.message, "cancelled before it began");
        sheaf_results_free(&results);
        sheaf_executor_free(&executor);
    }
}

static void a_dead_worker_names_its_process_and_task_and_the_others_go_on(void **state)
{
    (void)state;
    const what_to_do deaths[] = {DO_DIE_AT_3, DO_EXIT_AT_3};
    const char *const texts[] = {"signal 9", "exit status 7"};
    for (size_t k = 0; k < 2; k++) {
        plan p = {.what = deaths[k]};
        sheaf_executor *executor = make(5, &p);
        sheaf_job job = job_of(40);
        sheaf_results *results = NULL;
        sheaf_error err;
        assert_int_equal(sheaf_executor_run(executor, &job, &results, &err), SHEAF_ERR_STATE);
        assert_non_null(strstr(err.message, "task 3: worker process "));
        assert_non_null(strstr(err.message, "died in task 3"));
        assert_non_null(strstr(err.message, texts[k]));
        long pid = 0;
        assert_int_equal(sscanf(strstr(err.message, "process "), "process %ld", &pid), 1);
        assert_true(pid > 1 && pid != (long)getpid());
        expect_text(results, 2, "run:4");
        for (size_t i = 4; i < 40; i++) {
            char text[32];
            snprintf(text, sizeof text, "run:%zu", i * i);
            expect_text(results, i, text);
        }
        sheaf_results_free(&results);
        /* The worker that is left serves the next run. */
        job = job_of(3);
        assert_int_equal(sheaf_executor_run(executor, &job, &results, &err), SHEAF_OK);
        expect_text(results, 2, "run:4");
        sheaf_results_free(&results);
        sheaf_executor_free(&executor);
    }
}

static void when_no_worker_is_left_the_other_tasks_say_so(void **state)
{
    (void)state;
    plan p = {.what = DO_DIE_AT_3};
    sheaf_executor *executor = make(4, &p);
    sheaf_job job = job_of(6);
    sheaf_results *results = NULL;
    sheaf_error err;
    assert_int_equal(sheaf_executor_run(executor, &job, &results, &err), SHEAF_ERR_STATE);
    assert_non_null(strstr(err.message, "no worker process is left: all 1 died; 2 of 6 tasks were not begun"));
    const void *bytes;
    size_t size;
    expect_text(results, 2, "run:4");
    assert_int_equal(sheaf_results_get(results, 3, &bytes, &size, &err), SHEAF_ERR_STATE);
    assert_non_null(strstr(err.message, "died in task 3"));
    assert_int_equal(sheaf_results_get(results, 4, &bytes, &size, &err), SHEAF_ERR_STATE);
    sheaf_results_free(&results);
    sheaf_executor_free(&executor);
}

static void results_larger_than_a_socket_buffer_come_whole(void **state)
{
    (void)state;
    plan p = {.what = DO_BIG};
    sheaf_executor *executor = make(5, &p);
    sheaf_job job = job_of(5);
    sheaf_results *results = NULL;
    sheaf_error err;
    assert_int_equal(sheaf_executor_run(executor, &job, &results, &err), SHEAF_OK);
    for (size_t i = 0; i < 5; i++) {
        const void *bytes;
        size_t size;
        assert_int_equal(sheaf_results_get(results, i, &bytes, &size, &err), SHEAF_OK);
        assert_int_equal(size, BIG_SIZE);
        const char *text = bytes;
        for (size_t k = 0; k < size; k++)
            if (text[k] != (char)('a' + (int)i)) fail_msg("byte %zu of result %zu", k, i);
    }
    sheaf_results_free(&results);
    sheaf_executor_free(&executor);
}

/* An executor of a caller's own: runs the tasks backwards and leaves the first one out. */
static int custom_freed;

static sheaf_status backwards(void *state, const sheaf_work *work, const sheaf_job *job, sheaf_results *results, sheaf_error *err)
{
    (void)err;
    void *work_state = NULL;
    sheaf_status status = work->begin(work->context, job->common, job->common_size_bytes, job->shared, &work_state, err);
    for (size_t i = job->n_tasks; status == SHEAF_OK && i-- > *(size_t *)state;) sheaf_work_run(work, work_state, job, i, results);
    work->end(work->context, work_state);
    return status;
}

static void custom_free(void *state)
{
    (void)state;
    custom_freed++;
}

static void a_callers_own_executor_serves_like_the_others(void **state)
{
    (void)state;
    plan p = {.what = DO_SQUARE};
    sheaf_work work = work_of(&p);
    sheaf_executor_ops ops = {sizeof ops, "backwards", true, backwards, custom_free};
    size_t first = 1;
    sheaf_executor *executor = NULL;
    sheaf_error err;
    assert_int_equal(sheaf_executor_custom(&ops, &first, 3, &work, &executor, &err), SHEAF_OK);
    assert_string_equal(sheaf_executor_name(executor), "backwards");
    assert_int_equal(sheaf_executor_n_workers(executor), 3);
    sheaf_job job = job_of(4);
    sheaf_results *results = NULL;
    assert_int_equal(sheaf_executor_run(executor, &job, &results, &err), SHEAF_ERR_CANCELLED);
    expect_text(results, 1, "run:1");
    expect_text(results, 3, "run:9");
    sheaf_results_free(&results);
    sheaf_executor_free(&executor);
    assert_int_equal(custom_freed, 1);
}

static void arguments_are_checked(void **state)
{
    (void)state;
    plan p = {.what = DO_SQUARE};
    sheaf_work work = work_of(&p);
    sheaf_executor *executor = NULL;
    sheaf_error err;
    assert_int_equal(sheaf_executor_threads(0, &work, &executor, &err), SHEAF_ERR_ARGUMENT);
    assert_int_equal(sheaf_executor_threads(1025, &work, &executor, &err), SHEAF_ERR_ARGUMENT);
    assert_int_equal(sheaf_executor_processes(0, &work, &executor, &err), SHEAF_ERR_ARGUMENT);
    work.task = NULL;
    assert_int_equal(sheaf_executor_calling(&work, &executor, &err), SHEAF_ERR_ARGUMENT);
    assert_int_equal(sheaf_executor_calling(NULL, &executor, &err), SHEAF_ERR_ARGUMENT);
    assert_null(executor);
    executor = make(0, &p);
    sheaf_job job = job_of(1);
    job.size_bytes = 1;
    assert_int_equal(sheaf_executor_run(executor, &job, NULL, &err), SHEAF_ERR_ARGUMENT);
    job = job_of(0);
    sheaf_results *results = NULL;
    assert_int_equal(sheaf_executor_run(executor, &job, &results, &err), SHEAF_OK);
    assert_int_equal(sheaf_results_count(results), 0);
    sheaf_results_free(&results);
    sheaf_executor_free(&executor);
    sheaf_executor_free(&executor);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(results_come_in_the_order_of_submission),
        cmocka_unit_test(a_failed_task_leaves_the_others_and_its_error_reaches_the_caller),
        cmocka_unit_test(a_task_that_fails_silently_still_has_an_error),
        cmocka_unit_test(a_begin_that_fails_fails_every_task_and_is_ended),
        cmocka_unit_test(a_task_that_cannot_be_described_fails_alone),
        cmocka_unit_test(cancelling_leaves_out_the_tasks_that_did_not_begin),
        cmocka_unit_test(cancelling_reaches_the_tasks_at_work),
        cmocka_unit_test(a_dead_worker_names_its_process_and_task_and_the_others_go_on),
        cmocka_unit_test(when_no_worker_is_left_the_other_tasks_say_so),
        cmocka_unit_test(results_larger_than_a_socket_buffer_come_whole),
        cmocka_unit_test(a_callers_own_executor_serves_like_the_others),
        cmocka_unit_test(arguments_are_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
