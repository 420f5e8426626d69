// SPDX-License-Identifier: Apache-2.0
/* The same rows in the same order give the same bytes, whatever the threads, commits and checkpoints; and not too many of them are written. */
#include <dirent.h>
#include <sys/stat.h>

#include "base/crc32c.h"
#include "conformance/stores.h"

enum { N_TRAJECTORIES = 400, N_EVENTS = 12000 };

/* Checksum of a file or of all files of a folder, names included, in sorted order. */
static uint32_t crc_of(const char *path, uint32_t crc);

static sheaf_status add_crc(void *context, const char *name, sheaf_error *err)
{
    (void)err;
    void **pair = context;
    char below[1024];
    snprintf(below, sizeof below, "%s/%s", (const char *)pair[0], name);
    uint32_t *crc = pair[1];
    *crc = shf_crc32c(*crc, name, strlen(name));
    *crc = crc_of(below, *crc);
    return SHEAF_OK;
}

static uint32_t crc_of(const char *path, uint32_t crc)
{
    sheaf_error err;
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    if (S_ISDIR(st.st_mode)) {
        char copy[1024];
        snprintf(copy, sizeof copy, "%s", path);
        void *pair[2] = {copy, &crc};
        expect_ok(shf_path_list(path, add_crc, pair, &err));
        return crc;
    }
    shf_buf bytes = {0};
    expect_ok(shf_path_read(path, (size_t)1 << 30, &bytes, &err));
    crc = shf_crc32c(crc, bytes.data, bytes.size);
    shf_buf_free(&bytes);
    return crc;
}

typedef struct way {
    unsigned n_threads;
    uint64_t batch, commit_every, checkpoint_every; /* in batches; 0: never */
} way;

static uint32_t write_one_way(const test_folder *folder, size_t format, const way *w)
{
    sheaf_error err;
    char path[512];
    sheaf_store_options options = quiet_options(format);
    options.n_threads = w->n_threads;
    options.if_exists = SHEAF_IF_EXISTS_REPLACE;
    sheaf_schema *schema = kitchen_sink();
    sheaf_store *store = NULL;
    expect_ok(sheaf_store_create(store_path(folder, format, "same", path, sizeof path), schema, &options, &store, &err));
    sheaf_schema_free(&schema);
    uint64_t batches = 0;
    for (uint64_t row = 0, event = 0; row < N_TRAJECTORIES || event < N_EVENTS; batches++) {
        uint64_t n = N_TRAJECTORIES - row < w->batch ? N_TRAJECTORIES - row : w->batch;
        if (n) append_trajectories(store, row, n);
        row += n;
        uint64_t e = N_EVENTS - event < w->batch * 30 ? N_EVENTS - event : w->batch * 30;
        if (e) append_events(store, event, e);
        event += e;
        if (w->checkpoint_every && batches % w->checkpoint_every == 0) expect_ok(sheaf_store_checkpoint(store, &err));
        if (w->commit_every && batches % w->commit_every == 0) expect_ok(sheaf_store_commit(store, &err));
    }
    expect_ok(sheaf_store_close(&store, &err));
    return crc_of(path, 0);
}

static void same_rows_give_the_same_bytes(void **state)
{
    (void)state;
    static const way ways[] = {{0, 400, 0, 0}, {1, 400, 0, 0}, {2, 7, 1, 0}, {8, 1, 1, 0}, {0, 1, 1, 3}, {2, 13, 2, 5}, {8, 50, 1, 1}};
    for (size_t f = 0; sheaf_format_name(f); f++) {
        /* libhdf5 places what it stores by the time of the checkpoints. */
        if (is_mem(f) || !strcmp(sheaf_format_name(f), "hdf5")) continue;
        test_folder folder;
        folder_make(&folder);
        uint32_t first = write_one_way(&folder, f, &ways[0]);
        for (size_t i = 1; i < sizeof ways / sizeof ways[0]; i++) {
            if (write_one_way(&folder, f, &ways[i]) != first) fail_msg("%s: way %zu gives other bytes", sheaf_format_name(f), i);
        }
        folder_remove(&folder);
    }
}

/* Rows of 100 f64 with an f64 time, like steps of a simulation. */
static sheaf_store *steps_store(const char *path, const sheaf_store_options *options)
{
    sheaf_error err;
    sheaf_schema *schema = NULL;
    sheaf_store *store = NULL;
    expect_ok(sheaf_schema_create(&schema, &err));
    expect_ok(sheaf_schema_add_dimension(schema, "time", SHEAF_GROWS, &err));
    expect_ok(sheaf_schema_add_dimension(schema, "state", 100, &err));
    sheaf_array_spec spec = sheaf_array_spec_init("time", SHEAF_F64, 1, (const char *[]){"time"});
    expect_ok(sheaf_schema_add_array(schema, &spec, &err));
    spec = sheaf_array_spec_init("y", SHEAF_F64, 2, (const char *[]){"time", "state"});
    expect_ok(sheaf_schema_add_array(schema, &spec, &err));
    expect_ok(sheaf_store_create(path, schema, options, &store, &err));
    sheaf_schema_free(&schema);
    return store;
}

static void commits_at_any_cadence_write_at_most_twice_the_data(void **state)
{
    (void)state;
    static const uint64_t cadences[] = {1, 8, 100, 1000};
    enum { STEPS = 20000 };
    for (size_t f = 0; sheaf_format_name(f); f++) {
        if (is_mem(f)) continue;
        for (size_t c = 0; c < 4; c++) {
            sheaf_error err;
            char path[512];
            test_folder folder;
            folder_make(&folder);
            sheaf_store_options options = quiet_options(f);
            options.commit_rows = cadences[c];
            sheaf_store *store = steps_store(store_path(&folder, f, "steps", path, sizeof path), &options);
            double y[100] = {0};
            uint64_t random = 88172645463325252u;
            for (int step = 0; step < STEPS; step++) {
                double t = step * 0.01;
                for (int k = 0; k < 100; k++) {
                    random ^= random << 13;
                    random ^= random >> 7;
                    random ^= random << 17;
                    y[k] += (double)(random >> 11) * 0x1p-53 - 0.5;
                }
                expect_ok(sheaf_store_append(store, "time", 1, (const void *[]){&t, y}, NULL, &err));
            }
            expect_ok(sheaf_store_checkpoint(store, &err));
            sheaf_store_statistics s = {.size_bytes = sizeof s};
            expect_ok(sheaf_store_get_statistics(store, &s, &err));
            double data = STEPS * 101.0 * 8, ratio = (double)s.written_bytes / data;
            printf("%s, a commit every %llu rows: %.3f times the data written\n", sheaf_format_name(f), (unsigned long long)cadences[c],
                   ratio);
            assert_true(ratio <= 2.0);
            expect_ok(sheaf_store_close(&store, &err));
            folder_remove(&folder);
        }
    }
}

static uint64_t allocated_after(const test_folder *folder, size_t format, uint64_t checkpoint_every)
{
    sheaf_error err;
    char path[512];
    uint64_t allocated;
    sheaf_store_options options = quiet_options(format);
    options.if_exists = SHEAF_IF_EXISTS_REPLACE;
    sheaf_store *store = steps_store(store_path(folder, format, "steps", path, sizeof path), &options);
    double y[100];
    for (int step = 0; step < 5000; step++) {
        double t = step;
        for (int k = 0; k < 100; k++) y[k] = (double)((step * 7919 + k * 104729) % 100003);
        expect_ok(sheaf_store_append(store, "time", 1, (const void *[]){&t, y}, NULL, &err));
        if (checkpoint_every && (uint64_t)step % checkpoint_every == 0) expect_ok(sheaf_store_checkpoint(store, &err));
    }
    expect_ok(sheaf_store_close(&store, &err));
    expect_ok(shf_path_allocated(path, &allocated, &err));
    return allocated;
}

static void thousand_checkpoints_leave_no_more_than_one_tenth_above(void **state)
{
    (void)state;
    for (size_t f = 0; sheaf_format_name(f); f++) {
        if (is_mem(f)) continue;
        test_folder folder;
        folder_make(&folder);
        uint64_t once = allocated_after(&folder, f, 0), often = allocated_after(&folder, f, 5);
        printf("%s: %llu bytes, after 1,000 checkpoints %llu\n", sheaf_format_name(f), (unsigned long long)once, (unsigned long long)often);
        assert_true((double)often <= 1.1 * (double)once);
        folder_remove(&folder);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(same_rows_give_the_same_bytes),
        cmocka_unit_test(commits_at_any_cadence_write_at_most_twice_the_data),
        cmocka_unit_test(thousand_checkpoints_leave_no_more_than_one_tenth_above),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
