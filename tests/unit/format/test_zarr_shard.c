// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "format/zarr_shard.h"

static const shf_shard_entry g_entries[3] = {{52, 100}, {SHF_SHARD_ABSENT, SHF_SHARD_ABSENT}, {152, 48}};

static void an_index_reads_back(void **unused)
{
    (void)unused;
    uint8_t bytes[52];
    shf_shard_entry got[3];
    shf_shard_write_index(g_entries, 3, bytes);
    assert_int_equal(shf_shard_read_index(bytes, sizeof bytes, true, 200, 100, got, 3, NULL), SHEAF_OK);
    assert_memory_equal(got, g_entries, sizeof got);
    assert_true(shf_shard_entry_absent(got[1]) && !shf_shard_entry_absent(got[0]));
    assert_int_equal(shf_shard_read_index(bytes, 48, false, 200, 100, got, 3, NULL), SHEAF_OK);
    assert_int_equal(shf_shard_read_index(bytes, 51, true, 200, 100, got, 3, NULL), SHEAF_ERR_DAMAGED);
}

static void any_flipped_bit_is_seen(void **unused)
{
    (void)unused;
    uint8_t bytes[52];
    shf_shard_entry got[3];
    shf_shard_write_index(g_entries, 3, bytes);
    for (size_t bit = 0; bit < 8 * sizeof bytes; bit++) {
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_int_equal(shf_shard_read_index(bytes, sizeof bytes, true, 200, 100, got, 3, NULL), SHEAF_ERR_DAMAGED);
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
}

static void entries_beyond_the_file_are_refused(void **unused)
{
    (void)unused;
    static const shf_shard_entry bad[] = {{152, 49}, {0, 101}, {UINT64_MAX - 10, 20}, {UINT64_MAX, 0}, {201, 0}};
    uint8_t bytes[20];
    shf_shard_entry got;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        sheaf_error err = {0};
        shf_shard_write_index(&bad[i], 1, bytes);
        assert_int_equal(shf_shard_read_index(bytes, sizeof bytes, true, 200, 100, &got, 1, &err), SHEAF_ERR_DAMAGED);
        assert_int_equal(err.byte, 0);
    }
}

static void areas_of_a_shard_do_not_overlap(void **unused)
{
    (void)unused;
    shf_shard_plan plan;
    assert_int_equal(shf_shard_plan_of(64, 1 << 20, &plan, NULL), SHEAF_OK);
    assert_int_equal(plan.index_bytes, 1028);
    assert_true(plan.slot_bytes >= (1 << 20) + (1 << 14));
    assert_true(plan.far_base >= plan.index_bytes + 64 * plan.slot_bytes);
    assert_true(shf_shard_slot(&plan, 0, 1) == shf_shard_slot(&plan, 0, 0) + plan.slot_bytes);
    assert_true(plan.copy == shf_shard_slot(&plan, 63, 1) + plan.slot_bytes);
    assert_int_equal(shf_shard_plan_of(64, UINT64_MAX / 2, &plan, NULL), SHEAF_ERR_RANGE);
    assert_int_equal(shf_shard_plan_of(64, INT64_MAX / 100, &plan, NULL), SHEAF_ERR_RANGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_index_reads_back),
        cmocka_unit_test(any_flipped_bit_is_seen),
        cmocka_unit_test(entries_beyond_the_file_are_refused),
        cmocka_unit_test(areas_of_a_shard_do_not_overlap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
