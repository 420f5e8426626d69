// SPDX-License-Identifier: Apache-2.0
/* The caller's side of a plan: cuts it into tasks, hands them to the executor, finds blocks in the results. */
#include "series/plan.h"

#include <inttypes.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/checked.h"
#include "series/database.h"

struct sheaf_outcomes {
    sheaf_results *results; /* Owned */
    size_t n_scenarios;
    int64_t n_blocks, blocks_per_task, tasks_per_scenario;
};

sheaf_plan sheaf_plan_init(int64_t n_steps, int64_t block_steps, const int64_t *scenarios, size_t n_scenarios)
{
    sheaf_plan plan = {.size_bytes = sizeof plan, .n_steps = n_steps, .block_steps = block_steps, .blocks_per_batch = 1};
    plan.scenarios = scenarios;
    plan.n_scenarios = n_scenarios;
    return plan;
}

int64_t sheaf_plan_n_blocks(const sheaf_plan *plan)
{
    if (plan->n_steps <= 0 || plan->block_steps <= 0) return 0;
    return (int64_t)shf_ceil_div((uint64_t)plan->n_steps, (uint64_t)plan->block_steps);
}

static int64_t blocks_per_task(const sheaf_plan *plan)
{
    return plan->mode == SHEAF_PLAN_SEQUENTIAL ? sheaf_plan_n_blocks(plan) : plan->blocks_per_batch;
}

static int64_t tasks_per_scenario(const sheaf_plan *plan)
{
    int64_t per_task = blocks_per_task(plan);
    return per_task <= 0 ? 0 : (int64_t)shf_ceil_div((uint64_t)sheaf_plan_n_blocks(plan), (uint64_t)per_task);
}

int64_t sheaf_plan_n_tasks(const sheaf_plan *plan)
{
    int64_t total;
    return __builtin_mul_overflow(tasks_per_scenario(plan), (int64_t)plan->n_scenarios, &total) ? INT64_MAX : total;
}

static sheaf_status check_plan(const sheaf_plan *plan, sheaf_error *err)
{
    int64_t end;
    if (!plan || plan->size_bytes != sizeof *plan)
        return shf_fail(err, SHEAF_ERR_ARGUMENT, "plan: size_bytes is %zu, expected %zu", plan ? plan->size_bytes : 0, sizeof *plan);
    if (plan->n_steps < 0 || plan->block_steps < 1 || plan->first_step < 0 || __builtin_add_overflow(plan->first_step, plan->n_steps, &end))
        return shf_fail(err, SHEAF_ERR_ARGUMENT, "plan: %" PRId64 " steps from step %" PRId64 " in blocks of %" PRId64, plan->n_steps,
                        plan->first_step, plan->block_steps);
    if (plan->mode != SHEAF_PLAN_SEQUENTIAL && plan->mode != SHEAF_PLAN_PARALLEL)
        return shf_fail(err, SHEAF_ERR_ARGUMENT, "plan: there is no mode %d", (int)plan->mode);
    if (plan->mode == SHEAF_PLAN_PARALLEL && plan->blocks_per_batch < 1)
        return shf_fail(err, SHEAF_ERR_ARGUMENT, "plan: %" PRId64 " blocks per batch, at least 1 expected", plan->blocks_per_batch);
    if (plan->materialization < SHEAF_MATERIALIZE_NONE || plan->materialization > SHEAF_MATERIALIZE_PER_WORKER)
        return shf_fail(err, SHEAF_ERR_ARGUMENT, "plan: there is no materialization %d", (int)plan->materialization);
    for (size_t i = 0; i < plan->n_scenarios; i++)
        if (plan->scenarios[i] < 0) return shf_fail(err, SHEAF_ERR_RANGE, "plan: scenario %" PRId64 " is negative", plan->scenarios[i]);
    if (sheaf_plan_n_tasks(plan) > INT32_MAX) return shf_fail(err, SHEAF_ERR_UNSUPPORTED, "plan: more than %d tasks", INT32_MAX);
    return SHEAF_OK;
}

static sheaf_status describe_task(void *context, size_t index, sheaf_output *bytes, sheaf_error *err)
{
    const sheaf_plan *plan = context;
    int64_t per_scenario = tasks_per_scenario(plan), per_task = blocks_per_task(plan), n_blocks = sheaf_plan_n_blocks(plan);
    if (per_scenario < 1) return shf_fail(err, SHEAF_ERR_STATE, "a plan without blocks has no task %zu", index);
    shf_plan_task task = {.scenario = plan->scenarios[(int64_t)index / per_scenario]};
    task.first_block = (int64_t)index % per_scenario * per_task;
    task.n_blocks = n_blocks - task.first_block < per_task ? n_blocks - task.first_block : per_task;
    return sheaf_output_append(bytes, &task, sizeof task, err);
}

static sheaf_status describe_run(const sheaf_plan *plan, const sheaf_database *database, const sheaf_executor *executor, shf_buf *common,
                                 sheaf_error *err)
{
    shf_plan_head head = {.first_step = plan->first_step, .n_steps = plan->n_steps, .block_steps = plan->block_steps};
    head.n_scenarios = plan->n_scenarios;
    head.sequential = plan->mode == SHEAF_PLAN_SEQUENTIAL;
    head.materialization = (uint64_t)plan->materialization;
    head.n_kept = sheaf_executor_n_workers(executor);
    SHF_TRY(shf_buf_append(common, &head, sizeof head, err));
    SHF_TRY(shf_buf_append(common, plan->scenarios, plan->n_scenarios * sizeof *plan->scenarios, err));
    return sheaf_executor_shares_memory(executor) ? SHEAF_OK : shf_database_describe(database, common, err);
}

sheaf_status sheaf_plan_run(const sheaf_plan *plan, const sheaf_database *database, sheaf_executor *executor, sheaf_outcomes **outcomes,
                            sheaf_error *err)
{
    *outcomes = NULL;
    SHF_TRY(check_plan(plan, err));
    sheaf_outcomes *made = shf_calloc(1, sizeof *made);
    if (!made) return shf_fail_memory(err, sizeof *made, "the outcomes of a plan");
    *made = (sheaf_outcomes){NULL, plan->n_scenarios, sheaf_plan_n_blocks(plan), blocks_per_task(plan), tasks_per_scenario(plan)};
    shf_buf common = {0};
    sheaf_plan copy = *plan;
    sheaf_job job = {.size_bytes = sizeof job, .n_tasks = (size_t)sheaf_plan_n_tasks(plan), .shared = database, .describe = describe_task};
    job.describe_context = &copy;
    job.cancel = plan->cancel;
    sheaf_status status = describe_run(plan, database, executor, &common, err);
    if (status == SHEAF_OK) {
        job.common = common.data;
        job.common_size_bytes = common.size;
        status = sheaf_executor_run(executor, &job, &made->results, err);
    }
    shf_buf_free(&common);
    if (made->results) *outcomes = made;
    else sheaf_outcomes_free(&made);
    return status;
}

sheaf_status sheaf_outcomes_get(const sheaf_outcomes *outcomes, size_t position, int64_t block, const void **bytes, size_t *size_bytes,
                                sheaf_error *err)
{
    *bytes = NULL;
    *size_bytes = 0;
    if (position >= outcomes->n_scenarios || block < 0 || block >= outcomes->n_blocks)
        return shf_fail(err, SHEAF_ERR_RANGE, "there is no block %" PRId64 " of scenario number %zu: the plan has %" PRId64 " and %zu",
                        block, position, outcomes->n_blocks, outcomes->n_scenarios);
    size_t task = position * (size_t)outcomes->tasks_per_scenario + (size_t)(block / outcomes->blocks_per_task);
    int64_t first = block / outcomes->blocks_per_task * outcomes->blocks_per_task, left = outcomes->n_blocks - first;
    size_t n = (size_t)(left < outcomes->blocks_per_task ? left : outcomes->blocks_per_task);
    const void *result;
    size_t size;
    SHF_TRY(sheaf_results_get(outcomes->results, task, &result, &size, err));
    if (size < n * sizeof(uint64_t)) return shf_fail(err, SHEAF_ERR_DAMAGED, "the result of task %zu is cut short: %zu bytes", task, size);
    const char *sizes = (const char *)result + size - n * sizeof(uint64_t);
    uint64_t at = 0;
    for (int64_t b = first; b < block; b++) at += shf_get_u64(sizes + (size_t)(b - first) * sizeof(uint64_t));
    *size_bytes = shf_get_u64(sizes + (size_t)(block - first) * sizeof(uint64_t));
    *bytes = (const char *)result + at;
    return SHEAF_OK;
}

void sheaf_outcomes_free(sheaf_outcomes **outcomes)
{
    if (!outcomes || !*outcomes) return;
    sheaf_results_free(&(*outcomes)->results);
    shf_free(*outcomes);
    *outcomes = NULL;
}
