// SPDX-License-Identifier: Apache-2.0
/* The disk stops at every single call, also in the midst of a write: what was published stays, and what a log names goes on from there. */
#include <errno.h>
#include <limits.h>

#include "unit/backend/zarr_fixture.h"

enum { MAX_PLACES = 4096, N_ROWS = 64, STEP = 8, CHECKPOINT_STEP = 24 };

typedef struct logged {
    size_t array;
    uint64_t block, column;
    shf_place place;
} logged;

/* What the tail log would hold: the places, known once the append has returned. */
static struct {
    logged places[MAX_PLACES];
    size_t n_places, n_committed;
    uint64_t rows; /* committed */
} g_log;

static struct {
    long left; /* calls until the disk stops */
    bool torn; /* the last write goes half through */
    bool once; /* only that call fails */
} g_disk;

static int stop_disk(void *context, const shf_io_call *call)
{
    (void)context;
    if (call->op == SHF_IO_CLOSE) return 0;
    if (g_disk.left > 0) g_disk.left--;
    if (g_disk.left > 0) return 0;
    if (g_disk.torn && call->op == SHF_IO_WRITE) {
        g_disk.torn = false;
        return SHF_IO_SHORT;
    }
    g_disk.torn = false;
    if (g_disk.once) g_disk.left = LONG_MAX;
    return EIO;
}

static void note_place(void *context, size_t array, uint64_t block, uint64_t column, const shf_place *place)
{
    (void)context;
    assert_true(g_log.n_places < MAX_PLACES);
    g_log.places[g_log.n_places++] = (logged){array, block, column, *place};
}

static sheaf_status commit(writer *w, uint64_t n)
{
    SHF_TRY(append(w, n, note_place, NULL));
    g_log.n_committed = g_log.n_places;
    g_log.rows = w->rows;
    return SHEAF_OK;
}

static sheaf_status run(writer *w)
{
    while (w->rows < N_ROWS) {
        SHF_TRY(commit(w, w->rows + STEP <= N_ROWS ? STEP : N_ROWS - w->rows));
        if (w->rows % CHECKPOINT_STEP == 0) SHF_TRY(checkpoint(w, false));
    }
    return checkpoint(w, true);
}

/* Chunks of 5 rows in 14 columns: 4 row blocks make a shard. */
static void one_array(writer *w)
{
    memset(w, 0, sizeof *w);
    add_array(&w->layout, "x", SHEAF_F64, "step", 40, 5, 3);
}

/* With one of more columns than a shard holds, too. */
static void two_arrays(writer *w)
{
    one_array(w);
    add_array(&w->layout, "wide", SHEAF_I16, "step", 70, 28, 1);
}

typedef void (*schema)(writer *w);

/* Opens what is left as a writer does: the last checkpoint, then the chunks that the log names. */
static void recover(writer *w, const char *path)
{
    open_store(w, path, true);
    uint64_t published = w->rows;
    check_rows(w, published);
    for (size_t i = 0; i < g_log.n_committed; i++) {
        logged *l = &g_log.places[i];
        if ((l->block + 1) * w->layout.arrays[l->array].chunk[0] <= published) continue;
        OK(shf_zarr_ops.adopt(w->state, l->array, l->block, l->column, &l->place, &fixture_error));
    }
    if (g_log.rows > w->rows) w->rows = g_log.rows;
}

/* From a closed store of `rows` rows, so that its last chunks lie in the canonical area. *done: the disk did not stop. */
static uint32_t attempt(schema arrays, uint64_t rows, long stop_at, bool torn, bool sync, bool *done)
{
    writer w, r;
    memset(&g_log, 0, sizeof g_log);
    arrays(&w);
    create(&w, "crash.zarr", sync);
    char path[512];
    snprintf(path, sizeof path, "%s", w.path);
    if (rows) {
        OK(append(&w, rows, NULL, NULL));
        OK(checkpoint(&w, true));
        close_writer(&w);
        open_store(&w, path, true);
    }
    g_disk.left = stop_at;
    g_disk.torn = torn;
    shf_io_set_hook(stop_disk, NULL);
    *done = run(&w) == SHEAF_OK;
    (void)shf_zarr_ops.close(w.state, NULL);
    shf_io_set_hook(NULL, NULL);
    shf_layout_free(&w.layout);

    open_store(&r, path, false);
    check_rows(&r, r.rows);
    close_writer(&r);
    recover(&w, path);
    OK(run(&w));
    close_writer(&w);
    uint32_t hash = hash_store(path);
    OK(shf_zarr_ops.remove(path, &fixture_error));
    return hash;
}

static void stop_everywhere(schema arrays, long stride, uint64_t rows, bool torn, bool sync)
{
    bool done = false;
    uint32_t whole = attempt(arrays, rows, 1000000, false, sync, &done);
    assert_true(done);
    done = false;
    long n = 1;
    for (; !done; n += stride) assert_int_equal(attempt(arrays, rows, n, torn, sync, &done), whole);
    assert_true(n > 50);
}

static void a_stop_at_any_call_loses_nothing_published(void **unused)
{
    (void)unused;
    stop_everywhere(one_array, 1, 0, false, false);
}

static void a_write_that_went_half_through_harms_nothing_published(void **unused)
{
    (void)unused;
    stop_everywhere(one_array, 1, 0, true, false);
}

static void a_stop_after_reopening_a_closed_store_harms_nothing(void **unused)
{
    (void)unused;
    stop_everywhere(one_array, 1, 23, false, false);
    stop_everywhere(one_array, 5, 23, true, true);
}

static void shards_of_some_columns_are_as_safe(void **unused)
{
    (void)unused;
    stop_everywhere(two_arrays, 17, 0, false, false);
    stop_everywhere(two_arrays, 17, 13, true, false);
}

static void a_create_that_fails_leaves_nothing(void **unused)
{
    (void)unused;
    for (long n = 1;; n++) {
        writer w;
        two_arrays(&w);
        snprintf(w.path, sizeof w.path, "%s/create.zarr", fixture_folder());
        plan_layout(&w.layout);
        shf_backend_options options = {.writable = true};
        g_disk.left = n;
        g_disk.torn = false;
        g_disk.once = true;
        shf_io_set_hook(stop_disk, NULL);
        sheaf_status status = shf_zarr_ops.create(w.path, &w.layout, &options, &w.state, &fixture_error);
        shf_io_set_hook(NULL, NULL);
        g_disk.once = false;
        shf_path_kind kind;
        OK(shf_path_stat(w.path, &kind, NULL, NULL));
        assert_int_equal(kind, status == SHEAF_OK ? SHF_PATH_FOLDER : SHF_PATH_NONE);
        if (status == SHEAF_OK) {
            close_writer(&w);
            break;
        }
        shf_layout_free(&w.layout);
    }
}

/* Writes, closes, reads; the fixture's own buffers come from malloc. */
static sheaf_status short_life(const char *path)
{
    shf_backend_options options = {.writable = true};
    writer w = {0};
    two_arrays(&w);
    snprintf(w.path, sizeof w.path, "%s", path);
    plan_layout(&w.layout);
    shf_alloc_fail_at((uint64_t)g_disk.left, 1);
    sheaf_status status = shf_zarr_ops.create(w.path, &w.layout, &options, &w.state, &fixture_error);
    if (status == SHEAF_OK) {
        status = append(&w, 30, NULL, NULL);
        if (status == SHEAF_OK) status = checkpoint(&w, false);
        if (status == SHEAF_OK) status = checkpoint(&w, true);
        sheaf_status closed = shf_zarr_ops.close(w.state, &fixture_error);
        if (status == SHEAF_OK) status = closed;
    }
    shf_layout read = {0};
    void *state = NULL;
    options.writable = false;
    if (status == SHEAF_OK) status = shf_zarr_ops.open(path, &options, &read, &state, &fixture_error);
    if (status == SHEAF_OK) {
        shf_buf got = {0};
        uint32_t mask;
        bool absent;
        status = shf_zarr_ops.get(state, 0, 0, 0, &got, &mask, &absent, &fixture_error);
        shf_buf_free(&got);
        sheaf_status closed = shf_zarr_ops.close(state, &fixture_error);
        if (status == SHEAF_OK) status = closed;
    }
    shf_alloc_fail_at(0, 0);
    shf_layout_free(&read);
    shf_layout_free(&w.layout);
    return status;
}

static void an_allocation_that_fails_is_an_error(void **unused)
{
    (void)unused;
    char path[512];
    snprintf(path, sizeof path, "%s/memory.zarr", fixture_folder());
    long failures = 0, stride = 1;
    for (g_disk.left = 1;; g_disk.left += stride) {
        sheaf_status status = short_life(path);
        OK(shf_path_remove_tree(path, &fixture_error));
        if (status == SHEAF_OK) break;
        assert_int_equal(status, SHEAF_ERR_MEMORY);
        if (++failures > 200) stride = 13;
    }
    assert_true(failures > 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_stop_at_any_call_loses_nothing_published),
        cmocka_unit_test(a_write_that_went_half_through_harms_nothing_published),
        cmocka_unit_test(a_stop_after_reopening_a_closed_store_harms_nothing),
        cmocka_unit_test(shards_of_some_columns_are_as_safe),
        cmocka_unit_test(an_allocation_that_fails_is_an_error),
        cmocka_unit_test(a_create_that_fails_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, fixture_teardown);
}
