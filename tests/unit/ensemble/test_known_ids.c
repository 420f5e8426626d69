// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/alloc.h"
#include "ensemble/known_ids.h"

static bool add(shf_known_ids *set, int64_t id)
{
    bool added;
    sheaf_error err;
    assert_int_equal(shf_known_ids_add(set, id, &added, &err), SHEAF_OK);
    return added;
}

static void consecutive_ids_cost_nothing(void **state)
{
    (void)state;
    shf_known_ids set = {0};
    for (int64_t id = 0; id < 1000000; id++) assert_true(add(&set, id));
    assert_int_equal(set.count, 1000000);
    assert_true(shf_known_ids_bytes(&set) <= 512);
    for (int64_t id = 0; id < 1000; id++) assert_false(add(&set, id * 999));
    assert_false(shf_known_ids_has(&set, -1));
    assert_false(shf_known_ids_has(&set, 1000000));
    shf_known_ids_free(&set);
}

static void interleaved_runs_join(void **state)
{
    (void)state;
    shf_known_ids set = {0};
    for (int64_t i = 0; i < 100000; i++)
        for (int64_t thread = 0; thread < 8; thread++) assert_true(add(&set, thread * 100000 + (thread % 2 ? i : 99999 - i)));
    assert_int_equal(set.n_runs, 1);
    assert_int_equal(set.n_hashed, 0);
    shf_known_ids_free(&set);
}

static uint64_t scramble(uint64_t x)
{
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

static void scattered_ids_cost_at_most_16_bytes(void **state)
{
    (void)state;
    shf_known_ids set = {0};
    for (uint64_t i = 0; i < 300000; i++) {
        assert_true(add(&set, (int64_t)scramble(i)));
        if (i >= 10000 && i % 1000 == 0) assert_true(shf_known_ids_bytes(&set) <= 16 * (i + 1) + 16384);
    }
    for (uint64_t i = 0; i < 300000; i += 7) assert_false(add(&set, (int64_t)scramble(i)));
    for (uint64_t i = 300000; i < 400000; i++) assert_false(shf_known_ids_has(&set, (int64_t)scramble(i)));
    shf_known_ids_free(&set);
}

/* Against a plain table, over a small range so that everything collides with everything. */
static void any_order_of_adding_and_removing_agrees_with_a_table(void **state)
{
    (void)state;
    enum { RANGE = 6000 };
    static bool table[RANGE];
    memset(table, 0, sizeof table);
    shf_known_ids set = {0};
    uint64_t count = 0;
    for (uint64_t i = 0; i < 200000; i++) {
        uint64_t r = scramble(i);
        size_t at = (size_t)(r % RANGE);
        int64_t id = (int64_t)at * 3 - 9000 + (int64_t)(at % 5);
        if ((r >> 40) % 3) {
            assert_int_equal(add(&set, id), !table[at]);
            count += !table[at];
            table[at] = true;
        } else {
            shf_known_ids_remove(&set, id);
            count -= table[at];
            table[at] = false;
        }
        assert_int_equal(set.count, count);
    }
    for (size_t at = 0; at < RANGE; at++) assert_int_equal(shf_known_ids_has(&set, (int64_t)at * 3 - 9000 + (int64_t)(at % 5)), table[at]);
    shf_known_ids_free(&set);
}

static void the_ends_of_i64_are_ids_like_others(void **state)
{
    (void)state;
    static const int64_t ids[] = {INT64_MIN, INT64_MAX, INT64_MIN + 1, INT64_MAX - 1, 0, -1};
    shf_known_ids set = {0};
    for (size_t i = 0; i < 6; i++) assert_true(add(&set, ids[i]));
    for (int64_t i = 0; i < 3000; i++) assert_true(add(&set, i * 1000 + 7)); /* sends the short runs to the hash */
    for (size_t i = 0; i < 6; i++) {
        assert_true(shf_known_ids_has(&set, ids[i]));
        assert_false(add(&set, ids[i]));
    }
    shf_known_ids_remove(&set, INT64_MIN);
    assert_false(shf_known_ids_has(&set, INT64_MIN));
    shf_known_ids_free(&set);
}

static void missing_ids_come_as_ranges(void **state)
{
    (void)state;
    shf_known_ids set = {0};
    sheaf_id_range r[8];
    size_t n;
    assert_int_equal(shf_known_ids_missing(&set, 0, 9, r, 8, &n, NULL), SHEAF_OK);
    assert_int_equal(n, 1);
    assert_true(r[0].first == 0 && r[0].last == 9);
    for (int64_t id = 0; id < 100; id++)
        if (id != 17 && (id < 40 || id > 49) && id != 99) add(&set, id);
    for (int64_t i = 0; i < 2000; i++) add(&set, 1000 + 2 * i); /* scattered */
    assert_int_equal(shf_known_ids_missing(&set, 0, 99, r, 8, &n, NULL), SHEAF_OK);
    assert_int_equal(n, 3);
    assert_true(r[0].first == 17 && r[0].last == 17 && r[1].first == 40 && r[1].last == 49 && r[2].first == 99 && r[2].last == 99);
    assert_int_equal(shf_known_ids_missing(&set, 1000, 1004, r, 8, &n, NULL), SHEAF_OK);
    assert_int_equal(n, 2);
    assert_true(r[0].first == 1001 && r[1].first == 1003 && r[1].last == 1003);
    assert_int_equal(shf_known_ids_missing(&set, 1000, 4999, r, 1, &n, NULL), SHEAF_OK);
    assert_int_equal(n, 2000);
    assert_int_equal(shf_known_ids_missing(&set, 20, 30, r, 8, &n, NULL), SHEAF_OK);
    assert_int_equal(n, 0);
    shf_known_ids_free(&set);
}

static void a_failed_allocation_leaves_the_set_as_it_was(void **state)
{
    (void)state;
    for (uint64_t n = 1; n < 6; n++) {
        shf_known_ids set = {0};
        uint64_t count = 0;
        shf_alloc_fail_at(n, 0);
        for (int64_t i = 0; i < 2000; i++) {
            bool added;
            sheaf_error err;
            if (shf_known_ids_add(&set, i * 5, &added, &err) != SHEAF_OK) {
                assert_false(shf_known_ids_has(&set, i * 5));
                assert_int_equal(err.code, SHEAF_ERR_MEMORY);
                continue;
            }
            assert_true(added);
            count++;
        }
        shf_alloc_fail_at(0, 0);
        assert_int_equal(set.count, count);
        assert_true(count >= 1999);
        shf_known_ids_free(&set);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(consecutive_ids_cost_nothing),
        cmocka_unit_test(interleaved_runs_join),
        cmocka_unit_test(scattered_ids_cost_at_most_16_bytes),
        cmocka_unit_test(any_order_of_adding_and_removing_agrees_with_a_table),
        cmocka_unit_test(the_ends_of_i64_are_ids_like_others),
        cmocka_unit_test(missing_ids_come_as_ranges),
        cmocka_unit_test(a_failed_allocation_leaves_the_set_as_it_was),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
