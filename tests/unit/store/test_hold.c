// SPDX-License-Identifier: Apache-2.0
/* What is appended between hold and release becomes visible together, whatever timers, commits and checkpoints run beside it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "sheaf/store.h"

#define OK(call)                                                                                 \
    do {                                                                                         \
        sheaf_status got = (call);                                                               \
        if (got != SHEAF_OK) fail_msg("%s: %s: %s", #call, sheaf_status_name(got), err.message); \
    } while (0)

enum { N_WRITERS = 2, WIDTH = 600, MS = 400 };

static sheaf_error err;
static atomic_bool stop;
static atomic_int failures;

static sheaf_schema *two_tables(void)
{
    sheaf_schema *schema = NULL;
    OK(sheaf_schema_create(&schema, &err));
    OK(sheaf_schema_add_dimension(schema, "a", SHEAF_GROWS, &err));
    OK(sheaf_schema_add_dimension(schema, "b", SHEAF_GROWS, &err));
    OK(sheaf_schema_add_dimension(schema, "width", WIDTH, &err));
    sheaf_array_spec x = sheaf_array_spec_init("x", SHEAF_F64, 2, (const char *[]){"a", "width"});
    sheaf_array_spec y = sheaf_array_spec_init("y", SHEAF_F64, 1, (const char *[]){"b"});
    OK(sheaf_schema_add_array(schema, &x, &err));
    OK(sheaf_schema_add_array(schema, &y, &err));
    return schema;
}

static void *write_pairs(void *context)
{
    sheaf_store *store = context;
    sheaf_error error;
    static const double values[WIDTH];
    for (unsigned k = 0; !atomic_load(&stop); k++) {
        sheaf_status status = sheaf_store_hold(store, &error);
        if (status == SHEAF_OK) status = sheaf_store_append(store, "a", 1, (const void *[]){values}, NULL, &error);
        if (k % 16 == 0) nanosleep(&(struct timespec){.tv_nsec = 100000}, NULL);
        if (status == SHEAF_OK) status = sheaf_store_append(store, "b", 1, (const void *[]){values}, NULL, &error);
        if (status == SHEAF_OK) status = sheaf_store_release(store, &error);
        if (status != SHEAF_OK) atomic_fetch_add(&failures, 1);
    }
    return NULL;
}

static uint64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* Follows until the time is over; both tables always have one length. */
static void follow(const char *path)
{
    uint64_t until = now_ms() + MS, last_moment = until + 20 * MS, a = 0, b = 0, n_seen = 0, last = 0;
    sheaf_store *reader = NULL;
    OK(sheaf_store_open(path, NULL, &reader, &err));
    while (now_ms() < until || (n_seen <= 3 && now_ms() < last_moment)) {
        OK(sheaf_store_refresh(reader, NULL, &err));
        OK(sheaf_store_length(reader, "a", &a, &err));
        OK(sheaf_store_length(reader, "b", &b, &err));
        if (a != b) atomic_store(&stop, true);
        assert_int_equal(a, b);
        n_seen += a != last;
        last = a;
    }
    assert_true(n_seen > 3);
    OK(sheaf_store_close(&reader, &err));
}

static void run(const char *format, const char *suffix, sheaf_store_options options)
{
    char folder[] = "/tmp/sheaf-test-hold-XXXXXX", path[64];
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/s%s", folder, suffix);
    sheaf_schema *schema = two_tables();
    sheaf_store *store = NULL;
    options.format = format;
    options.n_threads = 1;
    options.checkpoint_interval_ms = 3;
    OK(sheaf_store_create(path, schema, &options, &store, &err));
    sheaf_schema_free(&schema);
    atomic_store(&stop, false);
    atomic_store(&failures, 0);
    pthread_t writers[N_WRITERS];
    for (int i = 0; i < N_WRITERS; i++) assert_int_equal(pthread_create(&writers[i], NULL, write_pairs, store), 0);
    follow(path);
    atomic_store(&stop, true);
    for (int i = 0; i < N_WRITERS; i++) pthread_join(writers[i], NULL);
    assert_int_equal(atomic_load(&failures), 0);
    OK(sheaf_store_close(&store, &err));
    OK(sheaf_store_remove(path, &err));
    assert_int_equal(rmdir(folder), 0);
}

static void every_format(sheaf_store_options options)
{
    run("zarr", ".zarr", options);
    run("npy", ".npyd", options);
#ifdef SHEAF_WITH_HDF5
    run("hdf5", ".h5", options);
#endif
}

static void timers_do_not_part_what_is_held(void **state)
{
    (void)state;
    sheaf_store_options options = sheaf_store_options_init();
    options.commit_interval_ms = 1;
    every_format(options);
}

static void rows_and_bytes_that_are_due_do_not_part_what_is_held(void **state)
{
    (void)state;
    sheaf_store_options options = sheaf_store_options_init();
    options.commit_interval_ms = 0;
    options.commit_rows = 7;
    every_format(options);
    options.commit_rows = 0;
    options.commit_bytes = (uint64_t)3 << 20;
    every_format(options);
}

static void syncing_does_not_part_what_is_held(void **state)
{
    (void)state;
    sheaf_store_options options = sheaf_store_options_init();
    options.commit_interval_ms = 1;
    options.sync = true;
    every_format(options);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(timers_do_not_part_what_is_held),
        cmocka_unit_test(rows_and_bytes_that_are_due_do_not_part_what_is_held),
        cmocka_unit_test(syncing_does_not_part_what_is_held),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
