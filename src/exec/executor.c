// SPDX-License-Identifier: Apache-2.0
#include "exec/executor.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"

struct sheaf_executor {
    sheaf_executor_ops ops;
    void *state; /* Owned, by ops.free */
    unsigned n_workers;
    sheaf_work work;
};

sheaf_status shf_work_check(const sheaf_work *work, sheaf_error *err)
{
    if (!work || work->size_bytes != sizeof *work)
        return shf_fail(err, SHEAF_ERR_ARGUMENT, "work: size_bytes is %zu, expected %zu", work ? work->size_bytes : 0, sizeof *work);
    if (!work->task) return shf_fail(err, SHEAF_ERR_ARGUMENT, "work: there is no task function");
    return SHEAF_OK;
}

sheaf_status shf_executor_make(const sheaf_executor_ops *ops, void *state, unsigned n_workers, const sheaf_work *work, sheaf_executor **out,
                               sheaf_error *err)
{
    *out = NULL;
    sheaf_executor *executor = shf_calloc(1, sizeof *executor);
    if (!executor) {
        if (ops->free) ops->free(state);
        return shf_fail_memory(err, sizeof *executor, "an executor");
    }
    *executor = (sheaf_executor){*ops, state, n_workers, *work};
    *out = executor;
    return SHEAF_OK;
}

sheaf_status sheaf_executor_custom(const sheaf_executor_ops *ops, void *state, unsigned n_workers, const sheaf_work *work,
                                   sheaf_executor **out, sheaf_error *err)
{
    *out = NULL;
    SHF_TRY(shf_work_check(work, err));
    if (!ops || ops->size_bytes != sizeof *ops || !ops->run || !ops->name)
        return shf_fail(err, SHEAF_ERR_ARGUMENT, "executor: size_bytes, name and run must be set");
    if (n_workers == 0) return shf_fail(err, SHEAF_ERR_ARGUMENT, "executor: 0 workers, at least 1 expected");
    sheaf_executor_ops keep_state = *ops;
    keep_state.free = NULL;
    SHF_TRY(shf_executor_make(&keep_state, state, n_workers, work, out, err));
    (*out)->ops.free = ops->free;
    return SHEAF_OK;
}

sheaf_status shf_work_begin(const sheaf_work *work, const sheaf_job *job, const void *shared, void **state, sheaf_error *err)
{
    *state = NULL;
    return work->begin ? work->begin(work->context, job->common, job->common_size_bytes, shared, state, err) : SHEAF_OK;
}

void shf_work_end(const sheaf_work *work, void *state)
{
    if (work->end) work->end(work->context, state);
}

static sheaf_status describe_and_run(const sheaf_work *work, void *state, const sheaf_job *job, size_t index, sheaf_output *bytes,
                                     sheaf_output *result, sheaf_error *err)
{
    static const sheaf_cancel never = {0};
    SHF_TRY(job->describe(job->describe_context, index, bytes, err));
    sheaf_task task = {.index = index, .cancel = job->cancel ? job->cancel : &never};
    task.bytes = sheaf_output_bytes(bytes, &task.size_bytes);
    return work->task(work->context, state, &task, result, err);
}

void sheaf_work_run(const sheaf_work *work, void *state, const sheaf_job *job, size_t index, sheaf_results *results)
{
    sheaf_output bytes = {{0}}, result = {{0}};
    sheaf_error error = {.code = SHEAF_OK};
    sheaf_status status = describe_and_run(work, state, job, index, &bytes, &result, &error);
    if (status != SHEAF_OK && error.code == SHEAF_OK) shf_fail(&error, status, "the task failed without saying why");
    sheaf_results_set(results, index, result.buf.data, result.buf.size, status == SHEAF_OK ? NULL : &error);
    shf_buf_free(&bytes.buf);
    shf_buf_free(&result.buf);
}

/* The calling thread as an executor. */
static sheaf_status calling_run(void *state, const sheaf_work *work, const sheaf_job *job, sheaf_results *results, sheaf_error *err)
{
    (void)state;
    void *work_state;
    sheaf_status status = shf_work_begin(work, job, job->shared, &work_state, err);
    for (size_t i = 0; status == SHEAF_OK && i < job->n_tasks && !sheaf_cancel_requested(job->cancel); i++)
        sheaf_work_run(work, work_state, job, i, results);
    shf_work_end(work, work_state);
    return status;
}

sheaf_status sheaf_executor_calling(const sheaf_work *work, sheaf_executor **out, sheaf_error *err)
{
    static const sheaf_executor_ops ops = {sizeof ops, "calling", true, calling_run, NULL};
    *out = NULL;
    SHF_TRY(shf_work_check(work, err));
    return shf_executor_make(&ops, NULL, 1, work, out, err);
}

static sheaf_status make_results(size_t n, sheaf_results **out, sheaf_error *err)
{
    sheaf_results *results = shf_calloc(1, sizeof *results);
    shf_result *at = shf_calloc(n ? n : 1, sizeof *at);
    if (!results || !at) {
        shf_free(results);
        shf_free(at);
        return shf_fail_memory(err, n * sizeof *at, "the results of a run");
    }
    *results = (sheaf_results){n, at};
    *out = results;
    return SHEAF_OK;
}

static sheaf_status first_failure(const sheaf_results *results, sheaf_error *err)
{
    for (size_t i = 0; i < results->n; i++) {
        const void *bytes;
        size_t size;
        sheaf_error error;
        sheaf_status status = sheaf_results_get(results, i, &bytes, &size, &error);
        if (status == SHEAF_OK) continue;
        if (err) {
            *err = error;
            snprintf(err->message, sizeof err->message, "task %zu: %.*s", i, (int)sizeof err->message - 32, error.message);
        }
        return status;
    }
    return SHEAF_OK;
}

static sheaf_status check_job(const sheaf_job *job, sheaf_error *err)
{
    if (!job || job->size_bytes != sizeof *job)
        return shf_fail(err, SHEAF_ERR_ARGUMENT, "job: size_bytes is %zu, expected %zu", job ? job->size_bytes : 0, sizeof *job);
    if (!job->describe) return shf_fail(err, SHEAF_ERR_ARGUMENT, "job: there is no function that describes a task");
    return SHEAF_OK;
}

sheaf_status sheaf_executor_run(sheaf_executor *executor, const sheaf_job *job, sheaf_results **results, sheaf_error *err)
{
    if (results) *results = NULL;
    SHF_TRY(check_job(job, err));
    sheaf_results *all = NULL;
    SHF_TRY(make_results(job->n_tasks, &all, err));
    sheaf_error failure = {.code = SHEAF_OK};
    sheaf_status status = executor->ops.run(executor->state, &executor->work, job, all, &failure);
    if (status != SHEAF_OK) {
        if (failure.code == SHEAF_OK) shf_fail(&failure, status, "executor %s: %s", executor->ops.name, sheaf_status_text(status));
        shf_results_fail_rest(all, &failure);
        if (err) *err = failure;
    } else {
        status = first_failure(all, err);
    }
    if (results) *results = all;
    else sheaf_results_free(&all);
    return status;
}

const char *sheaf_executor_name(const sheaf_executor *executor)
{
    return executor->ops.name;
}

bool sheaf_executor_shares_memory(const sheaf_executor *executor)
{
    return executor->ops.shares_memory;
}

unsigned sheaf_executor_n_workers(const sheaf_executor *executor)
{
    return executor->n_workers;
}

void sheaf_executor_free(sheaf_executor **executor)
{
    if (!executor || !*executor) return;
    if ((*executor)->ops.free) (*executor)->ops.free((*executor)->state);
    shf_free(*executor);
    *executor = NULL;
}
