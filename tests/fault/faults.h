// SPDX-License-Identifier: Apache-2.0
/* The small run of the fault tests: a fixed sequence of appends, commits and checkpoints, whose state after each commit is known. */
#ifndef TEST_FAULTS_H
#define TEST_FAULTS_H

#include "conformance/stores.h"

enum { RUN_STEPS = 8 };

/* SHEAF_TEST_STRIDE: only every so many-th call is hit (default: every one); slow builds with sanitizers ask for it. */
static inline uint64_t run_stride(void)
{
    const char *text = getenv("SHEAF_TEST_STRIDE");
    uint64_t stride = text ? strtoull(text, NULL, 10) : 1;
    return stride ? stride : 1;
}

/* What the run tells from a child: the lengths that commit has said are kept, in shared memory. */
typedef struct run_progress {
    volatile uint64_t created, trajectories, events, steps_done;
} run_progress;

static inline uint64_t run_trajectories(int steps)
{
    uint64_t n = 0;
    for (int i = 0; i < steps; i++) n += (uint64_t)(i % 5) * 13 + 1;
    return n;
}

static inline uint64_t run_events(int steps)
{
    return (uint64_t)steps * 450;
}

/* Small arrays whose chunks fill up within the run; wide enough that blocks have several columns. */
static inline sheaf_schema *run_schema(sheaf_error *err)
{
    sheaf_schema *schema = NULL;
    if (sheaf_schema_create(&schema, err)) return NULL;
    static const char *const t[] = {"trajectory", "x"}, *const e[] = {"event"};
    sheaf_status status = sheaf_schema_add_dimension(schema, "trajectory", SHEAF_GROWS, err);
    if (status == SHEAF_OK) status = sheaf_schema_add_dimension(schema, "event", SHEAF_GROWS, err);
    if (status == SHEAF_OK) status = sheaf_schema_add_dimension(schema, "x", 24, err);
    sheaf_array_spec spec = sheaf_array_spec_init("trajectory", SHEAF_I64, 1, t);
    spec.chunk[0] = 32;
    if (status == SHEAF_OK) status = sheaf_schema_add_array(schema, &spec, err);
    spec = sheaf_array_spec_init("assets", SHEAF_F32, 2, t);
    spec.chunk[0] = 16;
    spec.chunk[1] = 10;
    if (status == SHEAF_OK) status = sheaf_schema_add_array(schema, &spec, err);
    spec = sheaf_array_spec_init("loss", SHEAF_F64, 1, e);
    spec.chunk[0] = 1000;
    if (status == SHEAF_OK) status = sheaf_schema_add_array(schema, &spec, err);
    if (status != SHEAF_OK) sheaf_schema_free(&schema);
    return schema;
}

/* Runs until something fails; returns that status. Nothing of it asserts, since it must bear failures. */
static inline sheaf_status run_steps_with(size_t format, const char *path, bool sync, run_progress *progress, sheaf_error *err)
{
    static int64_t id[128];
    static float assets[128 * 24];
    static double loss[450];
    sheaf_store_options options = quiet_options(format);
    options.n_threads = 0;
    options.sync = sync;
    sheaf_schema *schema = run_schema(err);
    if (!schema) return SHEAF_ERR_MEMORY;
    sheaf_store *store = NULL;
    sheaf_status status = sheaf_store_create(path, schema, &options, &store, err);
    sheaf_schema_free(&schema);
    if (status == SHEAF_OK) progress->created = 1;
    for (int step = 0; status == SHEAF_OK && step < RUN_STEPS; step++) {
        uint64_t row = run_trajectories(step), n = run_trajectories(step + 1) - row;
        fill_rows(SHEAF_I64, row, n, 1, id);
        fill_rows(SHEAF_F32, row, n, 24, assets);
        fill_rows(SHEAF_F64, run_events(step), 450, 1, loss);
        status = sheaf_store_append(store, "trajectory", n, (const void *[]){id, assets}, NULL, err);
        if (status == SHEAF_OK) status = sheaf_store_append(store, "event", 450, (const void *[]){loss}, NULL, err);
        if (status == SHEAF_OK) status = step % 4 == 3 ? sheaf_store_checkpoint(store, err) : sheaf_store_commit(store, err);
        if (status != SHEAF_OK) break;
        progress->trajectories = row + n;
        progress->events = run_events(step + 1);
        progress->steps_done = (uint64_t)step + 1;
    }
    /* A step that failed half way must not be committed by close. */
    if (status != SHEAF_OK) sheaf_store_free(&store);
    return status != SHEAF_OK ? status : sheaf_store_close(&store, err);
}

static inline sheaf_status run_steps(size_t format, const char *path, run_progress *progress, sheaf_error *err)
{
    return run_steps_with(format, path, false, progress, err);
}

static inline void expect_run(sheaf_store *store, uint64_t trajectories, uint64_t events)
{
    expect_rows(store, "trajectory", trajectories);
    expect_rows(store, "assets", trajectories);
    expect_rows(store, "loss", events);
}

/* After a fault or kill: what was committed is there and equal; what is shown beyond it is one whole further commit at most. As a reader first,
 * then after the recovering open, then as a closed store. */
static inline void expect_survived(size_t format, const char *path, const run_progress *progress)
{
    sheaf_error err;
    shf_path_kind kind;
    expect_ok(shf_path_stat(path, &kind, NULL, &err));
    if (!progress->created && kind == SHF_PATH_NONE) return; /* what is there is whole */
    sheaf_store_options options = quiet_options(format);
    for (int pass = 0; pass < 3; pass++) {
        sheaf_store *store = NULL;
        uint64_t trajectories, events;
        sheaf_status status =
            pass == 1 ? sheaf_store_open_append(path, &options, &store, &err) : sheaf_store_open(path, NULL, &store, &err);
        expect_ok(status);
        expect_ok(sheaf_store_length(store, "trajectory", &trajectories, &err));
        expect_ok(sheaf_store_length(store, "event", &events, &err));
        uint64_t next = progress->steps_done < RUN_STEPS ? progress->steps_done + 1 : progress->steps_done;
        bool kept = trajectories == progress->trajectories && events == progress->events;
        bool one_more = trajectories == run_trajectories((int)next) && events == run_events((int)next);
        if (!kept && !one_more)
            fail_msg("%s, pass %d: committed were %llu and %llu, there are %llu and %llu", path, pass,
                     (unsigned long long)progress->trajectories, (unsigned long long)progress->events, (unsigned long long)trajectories,
                     (unsigned long long)events);
        expect_run(store, trajectories, events);
        expect_ok(sheaf_store_close(&store, &err));
    }
}

#endif
