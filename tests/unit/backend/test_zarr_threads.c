// SPDX-License-Identifier: Apache-2.0
/* Chunks are read from other threads while the writer puts, checkpoints and closes. */
#include <pthread.h>
#include <stdatomic.h>

#include "unit/backend/zarr_fixture.h"

enum { N_READERS = 2, N_ROWS = 900 };

static writer g_writer;
static _Atomic uint64_t g_rows; /* whose chunks are put */
static _Atomic bool g_done;
static _Atomic unsigned g_reads, g_failures;

static void read_one(uint64_t block)
{
    const shf_array *array = &g_writer.layout.arrays[0];
    uint8_t chunk[8 * 16], expected[8 * 16];
    shf_buf got = {0};
    uint32_t mask;
    bool absent;
    sheaf_error err = {0};
    sheaf_status status = shf_zarr_ops.get(g_writer.state, 0, block, 0, &got, &mask, &absent, &err);
    if (status == SHEAF_OK) status = shf_zarr_ops.decode(NULL, array, got.data, got.size, mask, chunk, &err);
    fill_chunk(array, 0, block, 0, UINT64_MAX, expected);
    if (status != SHEAF_OK || memcmp(chunk, expected, sizeof chunk) != 0) g_failures++;
    g_reads++;
    shf_buf_free(&got);
}

static void *read_all(void *unused)
{
    (void)unused;
    uint64_t x = (uintptr_t)&x;
    while (!g_done) {
        uint64_t blocks = g_rows / 16;
        x = x * 6364136223846793005u + 1442695040888963407u;
        if (blocks) read_one((x >> 33) % blocks);
    }
    return NULL;
}

static void chunks_are_read_while_others_are_put(void **unused)
{
    (void)unused;
    pthread_t readers[N_READERS];
    memset(&g_writer, 0, sizeof g_writer);
    add_array(&g_writer.layout, "id", SHEAF_I64, "trajectory", 0, 16, 0);
    add_array(&g_writer.layout, "wide", SHEAF_F32, "trajectory", 100, 4, 1);
    create(&g_writer, "threads.zarr", 0);
    for (int i = 0; i < N_READERS; i++) assert_int_equal(pthread_create(&readers[i], NULL, read_all, NULL), 0);
    for (int i = 0; g_writer.rows < N_ROWS || g_reads < 1000; i++) {
        if (g_writer.rows < N_ROWS) OK(append(&g_writer, 5, NULL, NULL));
        g_rows = g_writer.rows;
        if (i % 7 == 0) OK(checkpoint(&g_writer, false));
    }
    OK(checkpoint(&g_writer, true));
    g_done = true;
    for (int i = 0; i < N_READERS; i++) pthread_join(readers[i], NULL);
    assert_int_equal(g_failures, 0);
    check_rows(&g_writer, g_writer.rows);
    close_writer(&g_writer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(chunks_are_read_while_others_are_put),
    };
    return cmocka_run_group_tests(tests, NULL, fixture_teardown);
}
