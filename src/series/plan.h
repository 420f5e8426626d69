// SPDX-License-Identifier: Apache-2.0
/* Inside src/series: what goes between sheaf_plan_run and the tasks. */
#ifndef SHF_SERIES_PLAN_H
#define SHF_SERIES_PLAN_H

#include "sheaf/plan.h"

/* Describes a task to a worker: plain numbers, as both ends are the same program. */
typedef struct shf_plan_task {
    int64_t scenario, first_block, n_blocks;
} shf_plan_task;

/* Begins what all tasks of a run share; after it come the scenarios (int64_t) and, for workers that share no memory, the description
 * of the database. */
typedef struct shf_plan_head {
    int64_t first_step, n_steps, block_steps;
    uint64_t n_scenarios, sequential, materialization, n_kept;
} shf_plan_head;

/* A task's result: what the blocks gave, one after the other, then their sizes (uint64_t each). */

#endif
