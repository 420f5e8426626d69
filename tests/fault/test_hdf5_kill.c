// SPDX-License-Identifier: Apache-2.0
/* A writer is killed at every single write of a small run. Afterwards every committed row is there for our reader, for plain libhdf5 as of a
 * checkpoint, and for the next writer. */
#include "conformance/stores.h"

#include <hdf5.h>
#include <signal.h>
#include <sys/wait.h>

static test_folder g_folder;
static uint64_t g_countdown;
static int g_pipe[2];

static int kill_at(void *context, const shf_io_call *call)
{
    (void)context;
    bool writes = call->op == SHF_IO_WRITE || call->op == SHF_IO_TRUNCATE || call->op == SHF_IO_UNLINK || call->op == SHF_IO_RENAME;
    if (writes && g_countdown-- == 1) raise(SIGKILL);
    return 0;
}

static sheaf_store_options options(void)
{
    sheaf_store_options o = sheaf_store_options_init();
    o.format = "hdf5";
    o.n_threads = 0;
    o.commit_interval_ms = o.checkpoint_interval_ms = 0;
    o.commit_bytes = 0;
    return o;
}

static void tell(uint64_t committed)
{
    if (write(g_pipe[1], &committed, sizeof committed) != (ssize_t)sizeof committed) _exit(9);
}

/* Commits of a few rows, some checkpoints, close, open again, close. Tells the committed number of rows after each commit. */
static void run(const char *path)
{
    sheaf_error err;
    sheaf_store_options o = options();
    sheaf_schema *schema = kitchen_sink();
    sheaf_store *store = NULL;
    expect_ok(sheaf_store_create(path, schema, &o, &store, &err));
    sheaf_schema_free(&schema);
    tell(0);
    uint64_t n = 0;
    for (int step = 0; step < 7; step++) {
        append_trajectories(store, n, 5);
        append_events(store, n * 100, 500);
        n += 5;
        expect_ok(step % 3 == 2 ? sheaf_store_checkpoint(store, &err) : sheaf_store_commit(store, &err));
        tell(n);
        if (step != 4) continue;
        expect_ok(sheaf_store_close(&store, &err));
        expect_ok(sheaf_store_open_append(path, &o, &store, &err));
    }
    expect_ok(sheaf_store_close(&store, &err));
}

/* true: the child came to its end. */
static bool run_until_killed(const char *path, void (*job)(const char *path), uint64_t at, uint64_t *committed, bool *created)
{
    assert_int_equal(pipe(g_pipe), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        close(g_pipe[0]);
        g_countdown = at;
        shf_io_set_hook(kill_at, NULL);
        job(path);
        _exit(0);
    }
    close(g_pipe[1]);
    uint64_t told;
    *created = false;
    *committed = 0;
    while (read(g_pipe[0], &told, sizeof told) == (ssize_t)sizeof told) {
        *committed = told;
        *created = true;
    }
    close(g_pipe[0]);
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    if (WIFEXITED(status)) assert_int_equal(WEXITSTATUS(status), 0);
    return WIFEXITED(status);
}

/* What stock libhdf5 sees: arrays of equal lengths, at most what was appended, whose values are right. */
static void expect_plain_file(const char *path, uint64_t at_most)
{
    hid_t file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
    assert_true(file >= 0);
    hid_t id = H5Dopen2(file, "trajectory", H5P_DEFAULT), field = H5Dopen2(file, "field", H5P_DEFAULT);
    hid_t id_space = H5Dget_space(id), field_space = H5Dget_space(field);
    hsize_t rows, shape[3];
    assert_int_equal(H5Sget_simple_extent_dims(id_space, &rows, NULL), 1);
    assert_int_equal(H5Sget_simple_extent_dims(field_space, shape, NULL), 3);
    assert_int_equal(rows, shape[0]);
    assert_true(rows <= at_most);
    int64_t *ids = malloc(rows * 8 + 8), *want_ids = malloc(rows * 8 + 8);
    double *values = malloc(rows * 16000 + 8), *want = malloc(rows * 16000 + 8);
    if (rows) {
        assert_true(H5Dread(id, H5T_NATIVE_INT64, H5S_ALL, H5S_ALL, H5P_DEFAULT, ids) >= 0);
        assert_true(H5Dread(field, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) >= 0);
        fill_rows(SHEAF_I64, 0, rows, 1, want_ids);
        fill_rows(SHEAF_F64, 0, rows, 2000, want);
        assert_memory_equal(ids, want_ids, rows * 8);
        assert_memory_equal(values, want, rows * 16000);
    }
    free(ids), free(want_ids), free(values), free(want);
    H5Sclose(id_space), H5Sclose(field_space), H5Dclose(id), H5Dclose(field), H5Fclose(file);
}

static void expect_committed(const char *path, uint64_t committed)
{
    sheaf_error err;
    sheaf_store *store = NULL;
    sheaf_store_options o = options();
    uint64_t n;
    expect_ok(sheaf_store_open(path, NULL, &store, &err));
    expect_ok(sheaf_store_length(store, "trajectory", &n, &err));
    assert_true(n == committed || n == committed + 5); /* the kill may lie between the commit and telling it */
    expect_kitchen_sink(store, n, n * 100);
    expect_ok(sheaf_store_close(&store, &err));
    expect_plain_file(path, n);
    expect_ok(sheaf_store_open_append(path, &o, &store, &err));
    uint64_t before = n; /* a checkpoint that was under way is finished, with its rows */
    expect_ok(sheaf_store_length(store, "trajectory", &n, &err));
    assert_true(n == before || n == committed + 5);
    expect_kitchen_sink(store, n, n * 100);
    append_trajectories(store, n, 20);
    append_events(store, n * 100, 2000);
    expect_ok(sheaf_store_close(&store, &err));
    expect_ok(sheaf_store_open(path, NULL, &store, &err));
    expect_kitchen_sink(store, n + 20, n * 100 + 2000);
    expect_ok(sheaf_store_close(&store, &err));
    expect_plain_file(path, n + 20);
}

static void nothing_committed_is_lost_by_a_kill_at_any_write(void **state)
{
    (void)state;
    folder_make(&g_folder);
    char path[512], log[600];
    snprintf(path, sizeof path, "%s/killed.h5", g_folder.path);
    snprintf(log, sizeof log, "%s.sheaf-log", path);
    bool ended = false;
    uint64_t n_kills = 0;
    for (uint64_t at = 1; !ended; at++) {
        uint64_t committed;
        bool created;
        ended = run_until_killed(path, run, at, &committed, &created);
        n_kills += !ended;
        if (created) expect_committed(path, committed);
        unlink(path);
        unlink(log);
    }
    assert_true(n_kills > 30);
    folder_remove(&g_folder);
}

/* ---- beside the data of others ---- */

enum { THEIRS = 3000 };

static void make_theirs(const char *path)
{
    static double values[THEIRS];
    hsize_t n = THEIRS;
    for (int i = 0; i < THEIRS; i++) values[i] = i * 0.5;
    hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT), space = H5Screate_simple(1, &n, NULL);
    hid_t data = H5Dcreate2(file, "theirs", H5T_NATIVE_DOUBLE, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    assert_true(H5Dwrite(data, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) >= 0);
    H5Dclose(data), H5Sclose(space), H5Fclose(file);
}

static void expect_theirs(const char *path)
{
    static double values[THEIRS];
    hid_t file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT), data = H5Dopen2(file, "theirs", H5P_DEFAULT);
    assert_true(file >= 0 && data >= 0);
    assert_true(H5Dread(data, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) >= 0);
    for (int i = 0; i < THEIRS; i++) assert_true(values[i] > i * 0.5 - 0.1 && values[i] < i * 0.5 + 0.1);
    H5Dclose(data), H5Fclose(file);
}

static sheaf_status make_beside(const char *path, sheaf_store **store, sheaf_error *error)
{
    sheaf_error err;
    sheaf_schema *schema = NULL;
    sheaf_store_options o = options();
    o.beside = true;
    expect_ok(sheaf_schema_create(&schema, &err));
    expect_ok(sheaf_schema_add_dimension(schema, "step", SHEAF_GROWS, &err));
    sheaf_array_spec spec = sheaf_array_spec_init("t", SHEAF_I64, 1, (const char *[]){"step"});
    spec.chunk[0] = 10;
    expect_ok(sheaf_schema_add_array(schema, &spec, &err));
    sheaf_status status = sheaf_store_create(path, schema, &o, store, error);
    sheaf_schema_free(&schema);
    return status;
}

static void append_steps(sheaf_store *store, int64_t from, int64_t n)
{
    sheaf_error err;
    for (int64_t i = from; i < from + n; i++) expect_ok(sheaf_store_append(store, "step", 1, (const void *[]){&i}, NULL, &err));
}

static void run_beside(const char *path)
{
    sheaf_error err;
    sheaf_store *store = NULL;
    sheaf_store_options o = options();
    expect_ok(make_beside(path, &store, &err));
    tell(0);
    for (int64_t n = 0; n < 42; n += 7) {
        append_steps(store, n, 7);
        expect_ok(n % 3 == 1 ? sheaf_store_checkpoint(store, &err) : sheaf_store_commit(store, &err));
        tell((uint64_t)n + 7);
        if (n != 21) continue;
        expect_ok(sheaf_store_close(&store, &err));
        expect_ok(sheaf_store_open_append(path, &o, &store, &err));
    }
    expect_ok(sheaf_store_close(&store, &err));
}

static void expect_steps(sheaf_store *store, uint64_t n)
{
    sheaf_error err;
    int64_t got[256];
    expect_ok(sheaf_store_read(store, "t", NULL, got, n * 8, &err));
    for (uint64_t i = 0; i < n; i++) assert_int_equal(got[i], i);
}

/* Before the first checkpoint nothing was changed, and it can be begun again; from then on appending goes on. */
static void expect_beside(const char *path, bool created, uint64_t committed)
{
    sheaf_error err;
    sheaf_store *store = NULL;
    sheaf_store_options o = options();
    uint64_t n = 0;
    sheaf_status status = make_beside(path, &store, &err);
    if (status == SHEAF_OK) assert_false(created);
    else {
        assert_int_equal(status, SHEAF_ERR_EXISTS);
        expect_ok(sheaf_store_open_append(path, &o, &store, &err));
        expect_ok(sheaf_store_length(store, "step", &n, &err));
        assert_true(n == committed || n == committed + 7);
    }
    expect_steps(store, n);
    append_steps(store, (int64_t)n, 30);
    expect_ok(sheaf_store_close(&store, &err));
    expect_theirs(path);
    expect_ok(sheaf_store_open(path, NULL, &store, &err));
    expect_steps(store, n + 30);
    expect_ok(sheaf_store_close(&store, &err));
}

static void what_others_have_in_the_file_outlives_a_kill_at_any_write(void **state)
{
    (void)state;
    folder_make(&g_folder);
    char path[512], log[600];
    snprintf(path, sizeof path, "%s/shared.h5", g_folder.path);
    snprintf(log, sizeof log, "%s.sheaf-log", path);
    bool ended = false;
    uint64_t n_kills = 0;
    for (uint64_t at = 1; !ended; at++) {
        uint64_t committed;
        bool created;
        make_theirs(path);
        ended = run_until_killed(path, run_beside, at, &committed, &created);
        n_kills += !ended;
        expect_beside(path, created, committed);
        unlink(path);
        unlink(log);
    }
    assert_true(n_kills > 30);
    folder_remove(&g_folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(nothing_committed_is_lost_by_a_kill_at_any_write),
                                       cmocka_unit_test(what_others_have_in_the_file_outlives_a_kill_at_any_write)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
