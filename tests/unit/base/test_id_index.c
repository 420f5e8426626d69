// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/id_index.h"

static int64_t id_of(size_t row)
{
    /* runs of 10 in falling order, and every 7th row scattered */
    if (row % 7 == 3) return (int64_t)(row * UINT64_C(2654435761) % 1000003) + 1000000;
    return (int64_t)(100000 - (row / 10) * 10 + row % 10);
}

static void fill(shf_id_index *index, const int64_t *ids, size_t n, size_t step)
{
    for (size_t i = 0; i < n; i += step) {
        assert_int_equal(shf_id_index_add(index, ids + i, n - i < step ? n - i : step, NULL), SHEAF_OK);
        assert_int_equal(shf_id_index_finish(index, NULL), SHEAF_OK);
    }
}

static void consecutive_ids_are_one_run_however_they_come(void **state)
{
    (void)state;
    static int64_t ids[10000];
    for (size_t i = 0; i < 10000; i++) ids[i] = (int64_t)i - 5000;
    shf_id_index index = {0};
    fill(&index, ids, 10000, 33);
    assert_int_equal(index.n_runs, 1);
    assert_int_equal(index.n_pairs, 0);
    uint64_t row;
    assert_true(shf_id_index_find(&index, -5000, &row));
    assert_int_equal(row, 0);
    assert_true(shf_id_index_find(&index, 4999, &row));
    assert_int_equal(row, 9999);
    assert_false(shf_id_index_find(&index, 5000, &row));
    assert_false(shf_id_index_find(&index, INT64_MIN, &row));
    shf_id_index_free(&index);
}

static void every_id_is_found_in_its_row(void **state)
{
    (void)state;
    enum { N = 5000 };
    static int64_t ids[N];
    for (size_t i = 0; i < N; i++) ids[i] = id_of(i);
    for (size_t step = 1; step <= N; step = step * 9 + 1) {
        shf_id_index index = {0};
        fill(&index, ids, N, step);
        for (size_t i = 0; i < N; i++) {
            uint64_t row = UINT64_MAX;
            assert_true(shf_id_index_find(&index, ids[i], &row));
            assert_int_equal(row, i);
        }
        uint64_t row;
        assert_false(shf_id_index_find(&index, 5000000, &row));
        shf_id_index_free(&index);
    }
}

static int compare(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return x < y ? -1 : x > y;
}

static void rows_come_in_order_of_ids(void **state)
{
    (void)state;
    enum { N = 5000 };
    static int64_t ids[N], sorted[N];
    static uint64_t rows[N];
    for (size_t i = 0; i < N; i++) ids[i] = sorted[i] = id_of(i);
    qsort(sorted, N, sizeof sorted[0], compare);
    shf_id_index index = {0};
    fill(&index, ids, N, N);
    for (size_t block = 1; block <= N; block = block * 3 + 2) {
        for (size_t i = 0; i < N; i += block) {
            size_t n = N - i < block ? N - i : block;
            shf_id_index_rows(&index, i, n, rows);
            for (size_t k = 0; k < n; k++) assert_int_equal(ids[rows[k]], sorted[i + k]);
        }
    }
    shf_id_index_rows(&index, 17, 1, rows); /* back again */
    assert_int_equal(ids[rows[0]], sorted[17]);
    shf_id_index_free(&index);
}

static void the_least_id_does_not_follow_the_greatest(void **state)
{
    (void)state;
    const int64_t ids[] = {INT64_MAX - 1, INT64_MAX, INT64_MIN, INT64_MIN + 1, 0};
    const uint64_t expected[] = {2, 3, 4, 0, 1};
    shf_id_index index = {0};
    fill(&index, ids, 5, 5);
    uint64_t rows[5];
    for (size_t i = 0; i < 5; i++) {
        assert_true(shf_id_index_find(&index, ids[i], &rows[0]));
        assert_int_equal(rows[0], i);
    }
    shf_id_index_rows(&index, 0, 5, rows);
    for (size_t i = 0; i < 5; i++) assert_int_equal(rows[i], expected[i]);
    shf_id_index_free(&index);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(consecutive_ids_are_one_run_however_they_come),
        cmocka_unit_test(every_id_is_found_in_its_row),
        cmocka_unit_test(rows_come_in_order_of_ids),
        cmocka_unit_test(the_least_id_does_not_follow_the_greatest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
