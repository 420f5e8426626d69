// SPDX-License-Identifier: Apache-2.0
/* Plans: the same results, bit for bit, by every strategy, executor and batch; failures; blocks at the end; cancellation. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/error.h"
#include "series_files.h"
#include "sheaf/plan.h"

#define N_STEPS 169
#define BLOCK_STEPS 24
#define N_BLOCKS 8 /* the last one is a single step */

typedef struct {
    int64_t fail_scenario, fail_block, die_scenario;
    sheaf_cancel *cancel_self; /* requests this in scenario 1, block 2 */
} behaviour;

typedef struct {
    double sum;
    int64_t blocks;
} state_of_model;

/* Gives per block: scenario, block, first step, steps, the state's count of blocks, and a sum over wind × price that depends on the order
 * of additions. */
static sheaf_status run_block(void *context, const sheaf_database *data, const sheaf_block *block, void *carry, sheaf_output *result,
                              sheaf_error *err)
{
    const behaviour *how = context;
    state_of_model *state = carry;
    int64_t times[BLOCK_STEPS];
    double wind[BLOCK_STEPS], price[BLOCK_STEPS];
    if (block->scenario == how->fail_scenario && block->index == how->fail_block) return shf_fail(err, SHEAF_ERR_INPUT, "no wind today");
    if (block->scenario == how->die_scenario) raise(SIGKILL);
    if (how->cancel_self && block->scenario == 1 && block->index == 2) sheaf_cancel_request(how->cancel_self);
    for (int64_t i = 0; i < block->n_steps; i++) times[i] = block->first_step + i;
    SHF_TRY(sheaf_database_get(data, "park", "wind", times, (size_t)block->n_steps, &block->scenario, 1, wind, err));
    SHF_TRY(sheaf_database_get(data, "market", "price", times, (size_t)block->n_steps, NULL, 0, price, err));
    for (int64_t i = 0; i < block->n_steps; i++) state->sum = state->sum * 0.999 + wind[i] / price[i];
    state->blocks++;
    const int64_t numbers[] = {block->scenario, block->index, block->first_step, block->n_steps, state->blocks};
    SHF_TRY(sheaf_output_append(result, numbers, sizeof numbers, err));
    return sheaf_output_append(result, &state->sum, sizeof state->sum, err);
}

typedef struct {
    int64_t scenario, block, first_step, n_steps, blocks;
    double sum;
} block_result;

static const int64_t scenarios[] = {2, 0, 5, 3, 1, 2};
#define N_SCENARIOS 6

static sheaf_scenario_map *map;
static sheaf_database *database;

static int make_data(void **state)
{
    if (make_folder(state) != 0) return -1;
    const char *text = "wind, 0 = 3\nwind, 1 = 1\nwind, 2 = 3\nwind, 3 = 7\nwind, 4 = 2\nwind, 5 = 6\n";
    write_table("wind.txt", N_STEPS + 2, 7, "\t", "\r\n");
    write_table("price.csv", N_STEPS + 2, 1, ",", "\n");
    sheaf_error err;
    if (sheaf_scenario_map_parse(text, strlen(text), &map, &err) != SHEAF_OK) return -1;
    if (sheaf_database_create(map, &database, &err) != SHEAF_OK) return -1;
    sheaf_series *wind = open_series("wind", SHEAF_SERIES_TIME_SCENARIO), *price = open_series("price", SHEAF_SERIES_TIME);
    int bad = sheaf_database_put(database, "park", "wind", wind, "wind", &err) ||
              sheaf_database_put(database, "market", "price", price, NULL, &err);
    sheaf_series_free(&wind);
    sheaf_series_free(&price);
    return bad;
}

static int remove_data(void **state)
{
    sheaf_database_free(&database);
    sheaf_scenario_map_free(&map);
    return remove_folder(state);
}

/* The calling thread, 1, 2 and 8 threads, 1 and 2 processes. */
#define N_EXECUTORS 6

static sheaf_executor *make_executor(size_t k, const sheaf_model *model)
{
    static const unsigned counts[] = {1, 1, 2, 8, 1, 2};
    sheaf_work work = sheaf_model_work(model);
    sheaf_executor *executor = NULL;
    sheaf_error err;
    sheaf_status status = k == 0  ? sheaf_executor_calling(&work, &executor, &err)
                          : k < 4 ? sheaf_executor_threads(counts[k], &work, &executor, &err)
                                  : sheaf_executor_processes(counts[k], &work, &executor, &err);
    if (status != SHEAF_OK) fail_msg("%s", err.message);
    return executor;
}

static sheaf_model make_model(behaviour *how)
{
    return (sheaf_model){.size_bytes = sizeof(sheaf_model), .context = how, .carry_size_bytes = sizeof(state_of_model), .block = run_block};
}

static sheaf_plan make_plan(sheaf_plan_mode mode, int64_t batch, sheaf_materialization materialization)
{
    sheaf_plan plan = sheaf_plan_init(N_STEPS, BLOCK_STEPS, scenarios, N_SCENARIOS);
    plan.mode = mode;
    plan.blocks_per_batch = batch;
    plan.materialization = materialization;
    return plan;
}

static block_result result_of(const sheaf_outcomes *outcomes, size_t position, int64_t block)
{
    const void *bytes;
    size_t size;
    block_result result;
    sheaf_error err;
    if (sheaf_outcomes_get(outcomes, position, block, &bytes, &size, &err) != SHEAF_OK) fail_msg("%s", err.message);
    assert_int_equal(size, sizeof result);
    memcpy(&result, bytes, sizeof result);
    return result;
}

/* The same without executors, strategies or tasks. */
static void expected_results(sheaf_plan_mode mode, block_result expected[N_SCENARIOS][N_BLOCKS])
{
    static const int64_t columns[] = {2, 0, 2, 6, 1, 5};
    for (size_t s = 0; s < N_SCENARIOS; s++) {
        state_of_model state = {0};
        for (int64_t b = 0; b < N_BLOCKS; b++) {
            if (mode == SHEAF_PLAN_PARALLEL) state = (state_of_model){0};
            int64_t n = b + 1 < N_BLOCKS ? BLOCK_STEPS : 1;
            for (int64_t i = b * BLOCK_STEPS; i < b * BLOCK_STEPS + n; i++)
                state.sum = state.sum * 0.999 + table_value(i, columns[scenarios[s]]) / table_value(i, 0);
            state.blocks++;
            expected[s][b] = (block_result){scenarios[s], b, b * BLOCK_STEPS, n, state.blocks, state.sum};
        }
    }
}

static void run_and_compare(sheaf_executor *executor, const sheaf_plan *plan, block_result expected[N_SCENARIOS][N_BLOCKS])
{
    sheaf_outcomes *outcomes = NULL;
    sheaf_error err;
    if (sheaf_plan_run(plan, database, executor, &outcomes, &err) != SHEAF_OK) fail_msg("%s", err.message);
    for (size_t s = 0; s < N_SCENARIOS; s++)
        for (int64_t b = 0; b < N_BLOCKS; b++) {
            block_result result = result_of(outcomes, s, b);
            assert_memory_equal(&result, &expected[s][b], sizeof result);
        }
    sheaf_outcomes_free(&outcomes);
    assert_null(outcomes);
}

static void results_are_the_same_bit_for_bit_by_every_strategy_executor_and_batch(void **state)
{
    (void)state;
    behaviour how = {-1, -1, -1, NULL};
    sheaf_model model = make_model(&how);
    static const int64_t batches[] = {1, 3, 7, 100};
    block_result sequential[N_SCENARIOS][N_BLOCKS], parallel[N_SCENARIOS][N_BLOCKS];
    expected_results(SHEAF_PLAN_SEQUENTIAL, sequential);
    expected_results(SHEAF_PLAN_PARALLEL, parallel);
    for (size_t k = 0; k < N_EXECUTORS; k++) {
        sheaf_executor *executor = make_executor(k, &model);
        for (int m = SHEAF_MATERIALIZE_NONE; m <= SHEAF_MATERIALIZE_PER_WORKER; m++) {
            sheaf_plan plan = make_plan(SHEAF_PLAN_SEQUENTIAL, 1, (sheaf_materialization)m);
            run_and_compare(executor, &plan, sequential);
            for (size_t b = 0; b < sizeof batches / sizeof *batches; b++) {
                plan = make_plan(SHEAF_PLAN_PARALLEL, batches[b], (sheaf_materialization)m);
                run_and_compare(executor, &plan, parallel);
            }
        }
        sheaf_executor_free(&executor);
    }
}

static void a_last_block_that_begins_at_the_last_step_is_run(void **state)
{
    (void)state;
    sheaf_plan plan = sheaf_plan_init(N_STEPS, BLOCK_STEPS, scenarios, N_SCENARIOS);
    assert_int_equal(sheaf_plan_n_blocks(&plan), N_BLOCKS);
    assert_int_equal(sheaf_plan_n_tasks(&plan), N_SCENARIOS);
    const struct {
        int64_t n_steps, block_steps, n_blocks;
    } cases[] = {{168, 24, 7}, {169, 24, 8}, {1, 24, 1}, {24, 24, 1}, {25, 24, 2}, {5, 1, 5}, {0, 24, 0}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        plan = sheaf_plan_init(cases[i].n_steps, cases[i].block_steps, scenarios, 2);
        plan.mode = SHEAF_PLAN_PARALLEL;
        plan.blocks_per_batch = 3;
        assert_int_equal(sheaf_plan_n_blocks(&plan), cases[i].n_blocks);
        assert_int_equal(sheaf_plan_n_tasks(&plan), 2 * ((cases[i].n_blocks + 2) / 3));
    }
    behaviour how = {-1, -1, -1, NULL};
    sheaf_model model = make_model(&how);
    sheaf_executor *executor = make_executor(0, &model);
    plan = make_plan(SHEAF_PLAN_PARALLEL, 1, SHEAF_MATERIALIZE_NONE);
    sheaf_outcomes *outcomes = NULL;
    assert_int_equal(sheaf_plan_run(&plan, database, executor, &outcomes, NULL), SHEAF_OK);
    block_result last = result_of(outcomes, N_SCENARIOS - 1, N_BLOCKS - 1);
    assert_int_equal(last.first_step, N_STEPS - 1);
    assert_int_equal(last.n_steps, 1);
    sheaf_outcomes_free(&outcomes);
    sheaf_executor_free(&executor);
}

static void a_horizon_may_begin_later(void **state)
{
    (void)state;
    behaviour how = {-1, -1, -1, NULL};
    sheaf_model model = make_model(&how);
    for (size_t k = 0; k < N_EXECUTORS; k += 5) {
        sheaf_executor *executor = make_executor(k, &model);
        sheaf_plan plan = make_plan(SHEAF_PLAN_SEQUENTIAL, 1, SHEAF_MATERIALIZE_NONE);
        plan.first_step = 100;
        plan.n_steps = 30;
        sheaf_outcomes *outcomes = NULL;
        assert_int_equal(sheaf_plan_run(&plan, database, executor, &outcomes, NULL), SHEAF_OK);
        assert_int_equal(result_of(outcomes, 0, 0).first_step, 100);
        assert_int_equal(result_of(outcomes, 0, 1).first_step, 124);
        assert_int_equal(result_of(outcomes, 0, 1).n_steps, 6);
        sheaf_outcomes_free(&outcomes);
        sheaf_executor_free(&executor);
    }
}

static void a_task_that_fails_in_the_middle_is_named_and_the_others_are_not_lost(void **state)
{
    (void)state;
    behaviour how = {5, 4, -1, NULL};
    sheaf_model model = make_model(&how);
    for (size_t k = 0; k < N_EXECUTORS; k++) {
        sheaf_executor *executor = make_executor(k, &model);
        for (int m = SHEAF_MATERIALIZE_NONE; m <= SHEAF_MATERIALIZE_PER_WORKER; m++) {
            sheaf_plan plan = make_plan(SHEAF_PLAN_PARALLEL, 3, (sheaf_materialization)m);
            sheaf_outcomes *outcomes = NULL;
            sheaf_error err;
            assert_int_equal(sheaf_plan_run(&plan, database, executor, &outcomes, &err), SHEAF_ERR_INPUT);
            /* Scenario 5 is the third one, three tasks each: its second task is number 7. */
            assert_string_equal(err.message, "task 7: scenario 5, block 4: no wind today");
            for (size_t s = 0; s < N_SCENARIOS; s++)
                for (int64_t b = 0; b < N_BLOCKS; b++) {
                    if (s != 2 || b / 3 != 1) {
                        assert_int_equal(result_of(outcomes, s, b).block, b);
                        continue;
                    }
                    const void *bytes;
                    size_t size;
                    assert_int_equal(sheaf_outcomes_get(outcomes, s, b, &bytes, &size, &err), SHEAF_ERR_INPUT);
                    assert_string_equal(err.message, "scenario 5, block 4: no wind today");
                }
            sheaf_outcomes_free(&outcomes);
        }
        sheaf_executor_free(&executor);
    }
}

static void a_worker_that_dies_costs_its_own_task_only(void **state)
{
    (void)state;
    behaviour how = {-1, -1, 3, NULL};
    sheaf_model model = make_model(&how);
    sheaf_executor *executor = make_executor(5, &model);
    sheaf_plan plan = make_plan(SHEAF_PLAN_SEQUENTIAL, 1, SHEAF_MATERIALIZE_PER_WORKER);
    sheaf_outcomes *outcomes = NULL;
    sheaf_error err;
    assert_int_equal(sheaf_plan_run(&plan, database, executor, &outcomes, &err), SHEAF_ERR_STATE);
    assert_non_null(strstr(err.message, "died in task 3 (killed by signal 9"));
    for (size_t s = 0; s < N_SCENARIOS; s++)
        if (s != 3) assert_int_equal(result_of(outcomes, s, N_BLOCKS - 1).scenario, scenarios[s]);
    sheaf_outcomes_free(&outcomes);
    sheaf_executor_free(&executor);
}

static void data_that_cannot_be_had_is_an_error_by_every_strategy(void **state)
{
    (void)state;
    behaviour how = {-1, -1, -1, NULL};
    sheaf_model model = make_model(&how);
    const int64_t unknown[] = {0, 6, 1};
    for (size_t k = 0; k < N_EXECUTORS; k++) {
        sheaf_executor *executor = make_executor(k, &model);
        for (int m = SHEAF_MATERIALIZE_NONE; m <= SHEAF_MATERIALIZE_PER_WORKER; m++) {
            sheaf_plan plan = make_plan(SHEAF_PLAN_SEQUENTIAL, 1, (sheaf_materialization)m);
            plan.scenarios = unknown;
            plan.n_scenarios = 3;
            sheaf_outcomes *outcomes = NULL;
            sheaf_error err;
            assert_int_equal(sheaf_plan_run(&plan, database, executor, &outcomes, &err), SHEAF_ERR_RANGE);
            assert_non_null(strstr(err.message, "scenario 6 is out of range: group 'wind' maps scenarios 0 to 5"));
            if (m != SHEAF_MATERIALIZE_UPFRONT) {
                assert_int_equal(result_of(outcomes, 0, 0).scenario, 0);
                assert_int_equal(result_of(outcomes, 2, 0).scenario, 1);
            }
            sheaf_outcomes_free(&outcomes);
        }
        sheaf_executor_free(&executor);
    }
}

static void cancelling_keeps_what_is_done_and_leaves_out_the_rest(void **state)
{
    (void)state;
    sheaf_cancel cancel = {0};
    behaviour how = {-1, -1, -1, &cancel};
    sheaf_model model = make_model(&how);
    const int64_t order[] = {0, 1, 2, 3};
    sheaf_executor *executor = make_executor(0, &model);
    sheaf_plan plan = make_plan(SHEAF_PLAN_SEQUENTIAL, 1, SHEAF_MATERIALIZE_NONE);
    plan.scenarios = order;
    plan.n_scenarios = 4;
    plan.cancel = &cancel;
    sheaf_outcomes *outcomes = NULL;
    sheaf_error err;
    assert_int_equal(sheaf_plan_run(&plan, database, executor, &outcomes, &err), SHEAF_ERR_CANCELLED);
    assert_string_equal(err.message, "task 1: scenario 1, block 3: cancelled");
    assert_int_equal(result_of(outcomes, 0, N_BLOCKS - 1).scenario, 0);
    const void *bytes;
    size_t size;
    assert_int_equal(sheaf_outcomes_get(outcomes, 2, 0, &bytes, &size, &err), SHEAF_ERR_CANCELLED);
    sheaf_outcomes_free(&outcomes);
    sheaf_executor_free(&executor);
}

static void plans_and_places_that_make_no_sense_are_refused(void **state)
{
    (void)state;
    behaviour how = {-1, -1, -1, NULL};
    sheaf_model model = make_model(&how);
    sheaf_executor *executor = make_executor(0, &model);
    sheaf_plan plans[8];
    const int64_t negative[] = {-1};
    for (size_t i = 0; i < 8; i++) plans[i] = make_plan(SHEAF_PLAN_PARALLEL, 1, SHEAF_MATERIALIZE_NONE);
    plans[0].size_bytes = 0;
    plans[1].block_steps = 0;
    plans[2].n_steps = -1;
    plans[3].first_step = -1;
    plans[4].blocks_per_batch = 0;
    plans[5].mode = (sheaf_plan_mode)7;
    plans[6].materialization = (sheaf_materialization)7;
    plans[7].first_step = INT64_MAX;
    sheaf_outcomes *outcomes = NULL;
    sheaf_error err;
    for (size_t i = 0; i < 8; i++) assert_int_equal(sheaf_plan_run(&plans[i], database, executor, &outcomes, &err), SHEAF_ERR_ARGUMENT);
    sheaf_plan plan = make_plan(SHEAF_PLAN_PARALLEL, 1, SHEAF_MATERIALIZE_NONE);
    plan.scenarios = negative;
    plan.n_scenarios = 1;
    assert_int_equal(sheaf_plan_run(&plan, database, executor, &outcomes, &err), SHEAF_ERR_RANGE);
    assert_null(outcomes);
    plan = make_plan(SHEAF_PLAN_PARALLEL, 1, SHEAF_MATERIALIZE_NONE);
    assert_int_equal(sheaf_plan_run(&plan, database, executor, &outcomes, &err), SHEAF_OK);
    const void *bytes;
    size_t size;
    assert_int_equal(sheaf_outcomes_get(outcomes, N_SCENARIOS, 0, &bytes, &size, &err), SHEAF_ERR_RANGE);
    assert_int_equal(sheaf_outcomes_get(outcomes, 0, N_BLOCKS, &bytes, &size, &err), SHEAF_ERR_RANGE);
    assert_int_equal(sheaf_outcomes_get(outcomes, 0, -1, &bytes, &size, &err), SHEAF_ERR_RANGE);
    sheaf_outcomes_free(&outcomes);
    sheaf_executor_free(&executor);
}

static void every_failed_allocation_of_a_run_is_an_error_without_a_leak(void **state)
{
    (void)state;
    behaviour how = {-1, -1, -1, NULL};
    sheaf_model model = make_model(&how);
    const int64_t two[] = {4, 1};
    for (int m = SHEAF_MATERIALIZE_NONE; m <= SHEAF_MATERIALIZE_PER_WORKER; m++) {
        sheaf_executor *executor = make_executor(0, &model);
        sheaf_plan plan = make_plan(SHEAF_PLAN_PARALLEL, 7, (sheaf_materialization)m);
        plan.scenarios = two;
        plan.n_scenarios = 2;
        plan.n_steps = 40;
        for (uint64_t n = 1;; n++) {
            sheaf_outcomes *outcomes = NULL;
            sheaf_error err;
            shf_alloc_fail_at(n, 0);
            sheaf_status status = sheaf_plan_run(&plan, database, executor, &outcomes, &err);
            shf_alloc_fail_at(0, 0);
            sheaf_outcomes_free(&outcomes);
            if (status == SHEAF_OK) {
                assert_true(n > 10);
                break;
            }
            assert_int_equal(status, SHEAF_ERR_MEMORY);
        }
        sheaf_executor_free(&executor);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(results_are_the_same_bit_for_bit_by_every_strategy_executor_and_batch),
        cmocka_unit_test(a_last_block_that_begins_at_the_last_step_is_run),
        cmocka_unit_test(a_horizon_may_begin_later),
        cmocka_unit_test(a_task_that_fails_in_the_middle_is_named_and_the_others_are_not_lost),
        cmocka_unit_test(a_worker_that_dies_costs_its_own_task_only),
        cmocka_unit_test(data_that_cannot_be_had_is_an_error_by_every_strategy),
        cmocka_unit_test(cancelling_keeps_what_is_done_and_leaves_out_the_rest),
        cmocka_unit_test(plans_and_places_that_make_no_sense_are_refused),
        cmocka_unit_test(every_failed_allocation_of_a_run_is_an_error_without_a_leak),
    };
    return cmocka_run_group_tests(tests, make_data, remove_data);
}
