// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/checked.h"
#include "base/crc32c.h"
#include "format/tail_log.h"

static const shf_log_header g_header = {.generation = 77,
                                        .pid = 4711,
                                        .frames_at = SHF_LOG_FRAMES_AT,
                                        .since = 1700000000,
                                        .n_arrays = 3,
                                        .n_records = 2,
                                        .host = "node",
                                        .format = "zarr"};

static void header_reads_back_equal(void **state)
{
    (void)state;
    uint8_t bytes[SHF_LOG_HEADER_BYTES];
    shf_log_header got;
    sheaf_error err;
    shf_log_header_write(&g_header, bytes);
    assert_int_equal(shf_log_header_read(bytes, sizeof bytes, &got, &err), SHEAF_OK);
    assert_memory_equal(&got, &g_header, sizeof got);
}

static void any_flipped_bit_of_a_header_is_damage(void **state)
{
    (void)state;
    for (size_t bit = 0; bit < SHF_LOG_HEADER_BYTES * 8; bit++) {
        uint8_t bytes[SHF_LOG_HEADER_BYTES];
        shf_log_header got;
        sheaf_error err;
        shf_log_header_write(&g_header, bytes);
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_int_equal(shf_log_header_read(bytes, sizeof bytes, &got, &err), SHEAF_ERR_DAMAGED);
    }
    uint8_t bytes[SHF_LOG_HEADER_BYTES];
    shf_log_header got;
    shf_log_header_write(&g_header, bytes);
    assert_int_equal(shf_log_header_read(bytes, sizeof bytes - 1, &got, NULL), SHEAF_ERR_DAMAGED);
}

static void a_header_of_version_1_has_its_frames_behind_it(void **state)
{
    (void)state;
    uint8_t bytes[SHF_LOG_HEADER_BYTES];
    shf_log_header got;
    sheaf_error err;
    shf_log_header_write(&g_header, bytes);
    shf_set_u32(bytes + 8, 1);
    shf_set_u32(bytes + 252, shf_crc32c(0, bytes, 252));
    assert_int_equal(shf_log_header_read(bytes, sizeof bytes, &got, &err), SHEAF_OK);
    assert_int_equal(got.frames_at, SHF_LOG_HEADER_BYTES);
    for (uint32_t version = 0; version < 4; version += 3) {
        shf_set_u32(bytes + 8, version);
        shf_set_u32(bytes + 252, shf_crc32c(0, bytes, 252));
        assert_int_equal(shf_log_header_read(bytes, sizeof bytes, &got, &err), SHEAF_ERR_UNSUPPORTED);
    }
}

static void a_tip_reads_back_equal_and_only_in_its_generation(void **state)
{
    (void)state;
    const shf_log_tip tip = {.sequence = 12, .position = 70000};
    const uint64_t lengths[3] = {5, 0, UINT64_MAX};
    uint8_t bytes[SHF_LOG_TIP_BYTES];
    uint64_t got_lengths[40];
    shf_log_tip got;
    assert_true(shf_log_tip_write(&tip, 77, lengths, 3, bytes));
    assert_true(shf_log_tip_read(bytes, 77, &got, got_lengths, 3));
    assert_memory_equal(&got, &tip, sizeof got);
    assert_memory_equal(got_lengths, lengths, sizeof lengths);
    assert_false(shf_log_tip_read(bytes, 78, &got, got_lengths, 3));
    assert_false(shf_log_tip_read(bytes, 77, &got, got_lengths, 2));
    for (size_t bit = 0; bit < (24 + 3 * 8) * 8; bit++) {
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_false(shf_log_tip_read(bytes, 77, &got, got_lengths, 3));
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    memset(bytes, 0, sizeof bytes);
    assert_false(shf_log_tip_read(bytes, 77, &got, got_lengths, 0)); /* a log that has none yet */
    assert_true(shf_log_tip_write(&tip, 77, got_lengths, 29, bytes));
    assert_true(shf_log_tip_read(bytes, 77, &got, got_lengths, 29));
    assert_false(shf_log_tip_write(&tip, 77, got_lengths, 30, bytes));
    assert_false(shf_log_tip_read(bytes, 77, &got, got_lengths, SIZE_MAX));
}

static void checksum_of_a_frame_depends_on_generation_number_and_size(void **state)
{
    (void)state;
    uint32_t crc = shf_log_frame_crc(1, 2, 3, 4);
    assert_int_not_equal(crc, shf_log_frame_crc(1, 3, 3, 4));
    assert_int_not_equal(crc, shf_log_frame_crc(1, 2, 4, 4));
    assert_int_not_equal(crc, shf_log_frame_crc(1, 2, 3, 5));
    assert_int_not_equal(crc, shf_log_frame_crc(0, 2, 3, 4));
}

static void numbers_of_every_size_read_back(void **state)
{
    (void)state;
    for (unsigned shift = 0; shift < 64; shift++) {
        const uint64_t values[] = {(uint64_t)1 << shift, ((uint64_t)1 << shift) - 1, UINT64_MAX >> shift};
        for (size_t i = 0; i < 3; i++) {
            uint8_t bytes[SHF_LOG_VARINT_MAX];
            uint64_t got;
            size_t n = shf_log_put_varint(bytes, values[i]);
            shf_log_cursor cursor = {bytes, bytes + n};
            assert_int_equal(shf_log_varint(&cursor, &got, NULL), SHEAF_OK);
            assert_true(got == values[i] && cursor.at == cursor.end);
            cursor = (shf_log_cursor){bytes, bytes + n - 1};
            assert_int_equal(shf_log_varint(&cursor, &got, NULL), SHEAF_ERR_DAMAGED);
        }
    }
}

static void sections_come_in_order_and_a_cut_payload_is_damage(void **state)
{
    (void)state;
    const uint8_t payload[] = {SHF_LOG_CHUNK, 1, 2, 3, 4, 5, 6, 7, SHF_LOG_ATTRIBUTES, 0, 2, '{', '}', SHF_LOG_LENGTHS, 2, 9, 8};
    for (size_t n = 0; n <= sizeof payload; n++) {
        shf_log_cursor cursor = {payload, payload + n};
        shf_log_section section;
        sheaf_error err;
        bool more = true;
        int seen = 0;
        sheaf_status status = SHEAF_OK;
        while (status == SHEAF_OK && more) {
            status = shf_log_next(&cursor, &section, &more, &err);
            seen += status == SHEAF_OK && more;
        }
        bool at_an_end = n == 0 || n == 8 || n == 13 || n == sizeof payload;
        assert_int_equal(status, at_an_end ? SHEAF_OK : SHEAF_ERR_DAMAGED);
        assert_int_equal(seen, n < 8 ? 0 : n < 13 ? 1 : n < sizeof payload ? 2 : 3);
    }
    const uint8_t unknown[] = {9};
    shf_log_cursor cursor = {unknown, unknown + 1};
    shf_log_section section;
    bool more;
    assert_int_equal(shf_log_next(&cursor, &section, &more, NULL), SHEAF_ERR_DAMAGED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(header_reads_back_equal),
        cmocka_unit_test(any_flipped_bit_of_a_header_is_damage),
        cmocka_unit_test(a_header_of_version_1_has_its_frames_behind_it),
        cmocka_unit_test(a_tip_reads_back_equal_and_only_in_its_generation),
        cmocka_unit_test(checksum_of_a_frame_depends_on_generation_number_and_size),
        cmocka_unit_test(numbers_of_every_size_read_back),
        cmocka_unit_test(sections_come_in_order_and_a_cut_payload_is_damage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
