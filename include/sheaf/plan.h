// SPDX-License-Identifier: Apache-2.0
/** @file plan.h  A model over scenarios and blocks of time: what is run, how its data is loaded, and by which executor.
 *
 * The horizon is cut into blocks of block_steps time steps; the last one may be shorter, be it one step. In sequential mode a task is a
 * scenario, its blocks in order, with a state carried over from block to block. In parallel mode blocks are independent: a task is a
 * batch of blocks_per_batch consecutive blocks of one scenario (the last batch of a scenario may have fewer). Results do not depend on
 * the executor, the number of workers, the batches or the strategy, bit for bit, as long as the model depends on its arguments only.
 *
 * A model runs like this:
 *     sheaf_model model = {.size_bytes = sizeof model, .block = my_block, .carry_size_bytes = sizeof(my_state)};
 *     sheaf_work work = sheaf_model_work(&model);
 *     sheaf_executor_threads(8, &work, &executor, &err);
 *     sheaf_plan plan = sheaf_plan_init(n_steps, block_steps, scenarios, n_scenarios);
 *     sheaf_plan_run(&plan, database, executor, &outcomes, &err); */
#ifndef SHEAF_PLAN_H
#define SHEAF_PLAN_H

#include "executor.h"
#include "series.h"

#ifdef __cplusplus
extern "C" {
#endif

/** One block of time of one scenario. */
typedef struct sheaf_block {
    int64_t scenario;           /**< Monte Carlo scenario */
    int64_t index;              /**< 0 … number of blocks - 1 */
    int64_t first_step;         /**< first time step, an index into the series */
    int64_t n_steps;            /**< at least 1 */
    const sheaf_cancel *cancel; /**< ask it in long blocks; never NULL */
} sheaf_block;

typedef struct sheaf_model {
    size_t size_bytes; /**< sizeof(sheaf_model) */
    void *context;     /**< Borrowed; worker processes see it as it was when they were forked. Several threads use it at once. */
    /** State carried over, in bytes: all zero before the first block of a scenario (in parallel mode before every block). */
    size_t carry_size_bytes;
    /** One block: reads `data`, appends what it gives to `result`. `carry` is aligned for any type, NULL when carry_size_bytes is 0. */
    sheaf_status (*block)(void *context, const sheaf_database *data, const sheaf_block *block, void *carry, sheaf_output *result,
                          sheaf_error *err);
} sheaf_model;

/** The work of executors that run plans of this model. The model is Borrowed until the executor is freed. */
SHEAF_API sheaf_work sheaf_model_work(const sheaf_model *model);

typedef enum sheaf_plan_mode {
    SHEAF_PLAN_SEQUENTIAL = 0, /**< a task per scenario, blocks in order, state carried over */
    SHEAF_PLAN_PARALLEL = 1,   /**< independent blocks, blocks_per_batch of one scenario to a task */
} sheaf_plan_mode;

/** How the data of lazy series comes into memory. All give the same results. */
typedef enum sheaf_materialization {
    SHEAF_MATERIALIZE_NONE = 0,       /**< read at each get */
    SHEAF_MATERIALIZE_UPFRONT = 1,    /**< the columns of all scenarios once, before the first task (once per worker process) */
    SHEAF_MATERIALIZE_PER_WORKER = 2, /**< the columns of a task's scenario before the task; kept while the next tasks need them */
} sheaf_materialization;

typedef struct sheaf_plan {
    size_t size_bytes;        /**< sizeof(sheaf_plan) */
    int64_t first_step;       /**< where the horizon begins; default 0 */
    int64_t n_steps;          /**< time steps of the horizon */
    int64_t block_steps;      /**< time steps of a block */
    const int64_t *scenarios; /**< Monte Carlo scenarios, in the order of the results; Borrowed during the run */
    size_t n_scenarios;
    sheaf_plan_mode mode;                  /**< default: sequential */
    int64_t blocks_per_batch;              /**< parallel mode only; default 1 */
    sheaf_materialization materialization; /**< default: none */
    const sheaf_cancel *cancel;            /**< default NULL; asked before every task and between blocks */
} sheaf_plan;

SHEAF_API sheaf_plan sheaf_plan_init(int64_t n_steps, int64_t block_steps, const int64_t *scenarios, size_t n_scenarios);
/** Blocks of the horizon: n_steps / block_steps, rounded up. 0 when a number is not positive. */
SHEAF_API int64_t sheaf_plan_n_blocks(const sheaf_plan *plan);
/** Tasks of the plan: scenarios, times batches in parallel mode. */
SHEAF_API int64_t sheaf_plan_n_tasks(const sheaf_plan *plan);

/** What the blocks gave. */
typedef struct sheaf_outcomes sheaf_outcomes;

/** Runs a plan by an executor that was made with sheaf_model_work. *outcomes has what succeeded also when tasks failed; free it by
 *  sheaf_outcomes_free. The status is that of the first failed task in the order of submission; its message names task, scenario and block.
 *  An executor that does not share memory needs series that URIs describe (SHEAF_ERR_UNSUPPORTED otherwise). */
SHEAF_API SHEAF_MUST_CHECK sheaf_status sheaf_plan_run(const sheaf_plan *plan, const sheaf_database *database, sheaf_executor *executor,
                                                       sheaf_outcomes **outcomes, sheaf_error *err);
/** What block `block` of the scenario at `position` of the plan gave: *bytes is Borrowed until the outcomes are freed, and not aligned. For a
 *  block of a failed task: the status and error of the task. Any thread. */
SHEAF_API SHEAF_MUST_CHECK sheaf_status sheaf_outcomes_get(const sheaf_outcomes *outcomes, size_t position, int64_t block,
                                                           const void **bytes, size_t *size_bytes, sheaf_error *err);
SHEAF_API void sheaf_outcomes_free(sheaf_outcomes **outcomes);

#ifdef __cplusplus
}
#endif
#endif
