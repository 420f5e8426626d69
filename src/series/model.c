// SPDX-License-Identifier: Apache-2.0
/* The worker's side of a plan: has the database ready, runs the blocks of a task. */
#include <inttypes.h>
#include <pthread.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/checked.h"
#include "series/database.h"
#include "series/plan.h"

/* A scenario's columns in memory, kept for the tasks of the same scenario that follow. */
typedef struct kept {
    int64_t scenario;
    sheaf_database *database; /* Owned; NULL: free */
    bool loading;
    unsigned n_users;
    uint64_t last_use;
} kept;

typedef struct model_run {
    shf_plan_head head;
    const sheaf_database *source; /* what the caller has, or `opened` */
    sheaf_database *opened;       /* Owned; from the description */
    sheaf_database *upfront;      /* Owned */
    pthread_mutex_t mutex;        /* over what follows */
    pthread_cond_t loaded;        /* a place is loaded, or could not be */
    kept *kept;                   /* Owned */
    size_t n_kept;
    uint64_t clock;
} model_run;

static sheaf_status read_head(model_run *run, const void *common, size_t size, const int64_t **scenarios, sheaf_error *err)
{
    uint64_t scenario_bytes;
    *scenarios = NULL;
    if (size < sizeof run->head) return shf_fail(err, SHEAF_ERR_ARGUMENT, "this executor's work runs plans only");
    memcpy(&run->head, common, sizeof run->head);
    if (!shf_mul_u64(run->head.n_scenarios, sizeof **scenarios, &scenario_bytes) || scenario_bytes > size - sizeof run->head)
        return shf_fail(err, SHEAF_ERR_DAMAGED, "the description of a plan is cut short");
    *scenarios = (const int64_t *)((const char *)common + sizeof run->head);
    return SHEAF_OK;
}

static sheaf_status open_data(model_run *run, const void *common, size_t size, const void *shared, sheaf_error *err)
{
    const int64_t *scenarios;
    SHF_TRY(read_head(run, common, size, &scenarios, err));
    run->source = shared;
    if (!shared) {
        const char *description = (const char *)(scenarios + run->head.n_scenarios);
        SHF_TRY(shf_database_open_description(description, size - (size_t)(description - (const char *)common), &run->opened, err));
        run->source = run->opened;
    }
    if (run->head.materialization == SHEAF_MATERIALIZE_UPFRONT)
        return sheaf_database_materialize(run->source, scenarios, run->head.n_scenarios, &run->upfront, err);
    /* One place per worker that may be at work here. */
    run->n_kept = shared ? run->head.n_kept : 1;
    run->kept = shf_calloc(run->n_kept, sizeof *run->kept);
    return run->kept ? SHEAF_OK : shf_fail_memory(err, run->n_kept * sizeof *run->kept, "the data of workers");
}

static sheaf_status begin_run(void *context, const void *common, size_t size, const void *shared, void **state, sheaf_error *err)
{
    const sheaf_model *model = context;
    if (model->size_bytes != sizeof *model || !model->block)
        return shf_fail(err, SHEAF_ERR_ARGUMENT, "model: size_bytes is %zu, expected %zu, and there must be a block function",
                        model->size_bytes, sizeof *model);
    model_run *run = shf_calloc(1, sizeof *run);
    if (!run) return shf_fail_memory(err, sizeof *run, "a run");
    pthread_mutex_init(&run->mutex, NULL);
    pthread_cond_init(&run->loaded, NULL);
    *state = run;
    return open_data(run, common, size, shared, err);
}

static void end_run(void *context, void *state)
{
    (void)context;
    model_run *run = state;
    if (!run) return;
    for (size_t i = 0; run->kept && i < run->n_kept; i++) sheaf_database_free(&run->kept[i].database);
    sheaf_database_free(&run->upfront);
    sheaf_database_free(&run->opened);
    pthread_cond_destroy(&run->loaded);
    pthread_mutex_destroy(&run->mutex);
    shf_free(run->kept);
    shf_free(run);
}

/* With the mutex held: the place of the scenario, loaded or being loaded; NULL when there is none. */
static kept *find_kept(model_run *run, int64_t scenario)
{
    for (size_t i = 0; i < run->n_kept; i++) {
        kept *place = &run->kept[i];
        if ((place->database || place->loading) && place->scenario == scenario) return place;
    }
    return NULL;
}

/* With the mutex held: the place that nobody has used for the longest time; NULL when all are in use. */
static kept *oldest_place(model_run *run)
{
    kept *oldest = NULL;
    for (size_t i = 0; i < run->n_kept; i++) {
        kept *place = &run->kept[i];
        if (place->n_users == 0 && (!oldest || place->last_use < oldest->last_use)) oldest = place;
    }
    return oldest;
}

/* With the mutex held, which is given up meanwhile: loads a scenario into a place that is free. */
static sheaf_status load_place(model_run *run, kept *place, int64_t scenario, sheaf_error *err)
{
    sheaf_database_free(&place->database);
    place->scenario = scenario;
    place->loading = true;
    pthread_mutex_unlock(&run->mutex);
    sheaf_database *made = NULL;
    sheaf_status status = sheaf_database_materialize(run->source, &scenario, 1, &made, err);
    pthread_mutex_lock(&run->mutex);
    place->loading = false;
    place->database = made;
    pthread_cond_broadcast(&run->loaded);
    return status;
}

/* Has the columns of a scenario in memory. *taken is where they are kept, or NULL; *own is a database to free after the task. */
static sheaf_status take_scenario(model_run *run, int64_t scenario, const sheaf_database **data, kept **taken, sheaf_database **own,
                                  sheaf_error *err)
{
    sheaf_status status = SHEAF_OK;
    pthread_mutex_lock(&run->mutex);
    kept *place = find_kept(run, scenario);
    bool found = place != NULL;
    if (!place) place = oldest_place(run);
    if (place) {
        place->n_users++;
        place->last_use = ++run->clock;
        if (!found) status = load_place(run, place, scenario, err);
        while (place->loading) pthread_cond_wait(&run->loaded, &run->mutex);
        *data = place->database;
        if (!*data) place->n_users--;
        else *taken = place;
    }
    pthread_mutex_unlock(&run->mutex);
    if (status != SHEAF_OK || *data) return status;
    /* Every place is in use, or another task could not load this scenario, and this one finds out why. */
    status = sheaf_database_materialize(run->source, &scenario, 1, own, err);
    *data = *own;
    return status;
}

static void leave_scenario(model_run *run, kept *place, sheaf_database **own)
{
    sheaf_database_free(own);
    if (!place) return;
    pthread_mutex_lock(&run->mutex);
    place->n_users--;
    pthread_mutex_unlock(&run->mutex);
}

static sheaf_status name_block(const sheaf_block *block, sheaf_status status, sheaf_error *err)
{
    if (!err) return status;
    sheaf_error inner = *err;
    if (inner.code == SHEAF_OK) shf_fail(&inner, status, "the model failed without saying why");
    *err = inner;
    shf_fail(err, status, "scenario %" PRId64 ", block %" PRId64 ": %.400s", block->scenario, block->index, inner.message);
    err->system_errno = inner.system_errno;
    shf_error_locate(err, inner.path, inner.array, inner.record, inner.byte);
    return status;
}

static sheaf_status run_block(const sheaf_model *model, const model_run *run, const sheaf_database *data, const shf_plan_task *task,
                              int64_t index, void *carry, const sheaf_cancel *cancel, sheaf_output *result, sheaf_error *err)
{
    const shf_plan_head *head = &run->head;
    sheaf_block block = {.scenario = task->scenario, .index = index, .cancel = cancel};
    int64_t begin = index * head->block_steps, left = head->n_steps - begin;
    block.first_step = head->first_step + begin;
    block.n_steps = left < head->block_steps ? left : head->block_steps;
    sheaf_status status = sheaf_cancel_requested(cancel) ? shf_fail(err, SHEAF_ERR_CANCELLED, "cancelled")
                                                         : model->block(model->context, data, &block, carry, result, err);
    return status == SHEAF_OK ? status : name_block(&block, status, err);
}

static sheaf_status run_blocks(const sheaf_model *model, const model_run *run, const sheaf_database *data, const shf_plan_task *task,
                               void *carry, const sheaf_cancel *cancel, sheaf_output *result, shf_buf *sizes, sheaf_error *err)
{
    for (int64_t b = 0; b < task->n_blocks; b++) {
        size_t before, after;
        if (carry && (b == 0 || !run->head.sequential)) memset(carry, 0, model->carry_size_bytes);
        (void)sheaf_output_bytes(result, &before);
        SHF_TRY(run_block(model, run, data, task, task->first_block + b, carry, cancel, result, err));
        (void)sheaf_output_bytes(result, &after);
        uint64_t size = after - before;
        SHF_TRY(shf_buf_append(sizes, &size, sizeof size, err));
    }
    return sheaf_output_append(result, sizes->data, sizes->size, err);
}

static sheaf_status run_task(void *context, void *state, const sheaf_task *task, sheaf_output *result, sheaf_error *err)
{
    const sheaf_model *model = context;
    model_run *run = state;
    shf_plan_task what;
    if (task->size_bytes != sizeof what) return shf_fail(err, SHEAF_ERR_ARGUMENT, "this executor's work runs plans only");
    memcpy(&what, task->bytes, sizeof what);
    const sheaf_database *data = NULL;
    kept *place = NULL;
    sheaf_database *own = NULL;
    if (run->head.materialization == SHEAF_MATERIALIZE_PER_WORKER) SHF_TRY(take_scenario(run, what.scenario, &data, &place, &own, err));
    else data = run->upfront ? run->upfront : run->source;
    void *carry = model->carry_size_bytes ? shf_malloc_aligned(model->carry_size_bytes) : NULL;
    shf_buf sizes = {0};
    sheaf_status status = model->carry_size_bytes && !carry ? shf_fail_memory(err, model->carry_size_bytes, "the state of a model")
                                                            : run_blocks(model, run, data, &what, carry, task->cancel, result, &sizes, err);
    shf_buf_free(&sizes);
    shf_free(carry);
    leave_scenario(run, place, &own);
    return status;
}

sheaf_work sheaf_model_work(const sheaf_model *model)
{
    /* The work's context is not const: others' works may write theirs. Ours only reads. */
    union {
        const sheaf_model *in;
        void *out;
    } context = {.in = model};
    return (sheaf_work){sizeof(sheaf_work), context.out, begin_run, run_task, end_run};
}
