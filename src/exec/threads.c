// SPDX-License-Identifier: Apache-2.0
/* Threads as an executor: each worker takes the next task until none is left. */
#include <stdatomic.h>

#include "base/error.h"
#include "exec/executor.h"
#include "exec/pool.h"

typedef struct thread_run {
    const sheaf_work *work;
    void *state;
    const sheaf_job *job;
    sheaf_results *results;
    atomic_size_t next;
} thread_run;

static void take_tasks(void *argument)
{
    thread_run *run = argument;
    while (!sheaf_cancel_requested(run->job->cancel)) {
        size_t index = atomic_fetch_add(&run->next, 1);
        if (index >= run->job->n_tasks) return;
        sheaf_work_run(run->work, run->state, run->job, index, run->results);
    }
}

static sheaf_status threads_run(void *state, const sheaf_work *work, const sheaf_job *job, sheaf_results *results, sheaf_error *err)
{
    shf_pool *pool = state;
    thread_run run = {.work = work, .job = job, .results = results};
    sheaf_status status = shf_work_begin(work, job, job->shared, &run.state, err);
    if (status == SHEAF_OK) {
        for (unsigned i = 0; i < shf_pool_threads(pool); i++) shf_pool_submit(pool, take_tasks, &run);
        take_tasks(&run);
        shf_pool_wait(pool);
    }
    shf_work_end(work, run.state);
    return status;
}

static void threads_free(void *state)
{
    shf_pool_free(state);
}

sheaf_status sheaf_executor_threads(unsigned n_threads, const sheaf_work *work, sheaf_executor **out, sheaf_error *err)
{
    static const sheaf_executor_ops ops = {sizeof ops, "threads", true, threads_run, threads_free};
    *out = NULL;
    SHF_TRY(shf_work_check(work, err));
    if (n_threads == 0 || n_threads > SHF_MAX_WORKERS)
        return shf_fail(err, SHEAF_ERR_ARGUMENT, "executor: %u threads, expected 1 to %u", n_threads, SHF_MAX_WORKERS);
    shf_pool *pool = NULL;
    SHF_TRY(shf_pool_create(n_threads - 1, n_threads, &pool, err));
    return shf_executor_make(&ops, pool, n_threads, work, out, err);
}
