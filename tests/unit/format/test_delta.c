// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "format/parquet/delta.h"

static uint64_t mix(uint64_t x)
{
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
    return x ^ (x >> 31);
}

static void round_trip(const int64_t *values, size_t n, int is_32)
{
    shf_buf buf = {0};
    int64_t back[1100];
    size_t used;
    uint64_t count;
    assert_int_equal(shf_pq_delta_encode(&buf, values, n, is_32, NULL), SHEAF_OK);
    assert_int_equal(shf_pq_delta_count(buf.data, buf.size, &count, NULL), SHEAF_OK);
    assert_int_equal(count, n);
    assert_int_equal(shf_pq_delta_decode(buf.data, buf.size, n, 0, n, back, &used, NULL), SHEAF_OK);
    assert_int_equal(used, buf.size);
    for (size_t i = 0; i < n; i++) {
        if (is_32) assert_int_equal((int32_t)back[i], (int32_t)values[i]);
        else assert_true(back[i] == values[i]);
    }
    size_t first = n / 3, some = n / 4;
    assert_int_equal(shf_pq_delta_decode(buf.data, buf.size, n, first, some, back, &used, NULL), SHEAF_OK);
    for (size_t i = 0; i < some; i++) assert_true((uint32_t)back[i] == (uint32_t)values[first + i]);
    shf_buf_free(&buf);
}

static void values_of_any_spread_read_back(void **state)
{
    (void)state;
    int64_t values[1100];
    for (size_t n = 0; n <= 1100; n += 1 + n / 5)
        for (unsigned bits = 0; bits <= 64; bits += 4)
            for (int is_32 = 0; is_32 < 2; is_32++) {
                for (size_t i = 0; i < n; i++) {
                    uint64_t v = bits == 0 ? 5 : mix(i + bits * 1000) >> (64 - bits);
                    values[i] = is_32 ? (int32_t)(uint32_t)v : (int64_t)v;
                }
                round_trip(values, n, is_32);
            }
    for (size_t i = 0; i < 1000; i++) values[i] = i % 2 ? INT64_MAX : INT64_MIN;
    round_trip(values, 1000, 0);
    for (size_t i = 0; i < 1000; i++) values[i] = i % 2 ? INT32_MAX : INT32_MIN;
    round_trip(values, 1000, 1);
}

static void ids_in_a_row_take_almost_nothing(void **state)
{
    (void)state;
    int64_t values[1000];
    shf_buf buf = {0};
    for (size_t i = 0; i < 1000; i++) values[i] = (int64_t)i * 1000;
    assert_int_equal(shf_pq_delta_encode(&buf, values, 1000, 0, NULL), SHEAF_OK);
    assert_in_range(buf.size, 20, 80);
    shf_buf_free(&buf);
}

static void every_cut_and_a_wrong_count_are_errors(void **state)
{
    (void)state;
    int64_t values[300], back[300];
    shf_buf buf = {0};
    sheaf_error err;
    size_t used;
    for (size_t i = 0; i < 300; i++) values[i] = (int64_t)(mix(i) >> 30);
    assert_int_equal(shf_pq_delta_encode(&buf, values, 300, 0, NULL), SHEAF_OK);
    for (size_t n = 0; n < buf.size; n++) {
        uint8_t *cut = malloc(n ? n : 1);
        memcpy(cut, buf.data, n);
        assert_int_equal(shf_pq_delta_decode(cut, n, 300, 0, 300, back, &used, &err), SHEAF_ERR_DAMAGED);
        free(cut);
    }
    assert_int_equal(shf_pq_delta_decode(buf.data, buf.size, 299, 0, 299, back, &used, &err), SHEAF_ERR_DAMAGED);
    shf_buf_free(&buf);
    static const uint8_t no_block[] = {0, 4, 2, 2}, no_minis[] = {128, 1, 0, 2, 2}, uneven[] = {100, 3, 2, 2};
    uint64_t count;
    assert_int_equal(shf_pq_delta_count(no_block, sizeof no_block, &count, &err), SHEAF_ERR_DAMAGED);
    assert_int_equal(shf_pq_delta_count(no_minis, sizeof no_minis, &count, &err), SHEAF_ERR_DAMAGED);
    assert_int_equal(shf_pq_delta_count(uneven, sizeof uneven, &count, &err), SHEAF_ERR_DAMAGED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_of_any_spread_read_back),
        cmocka_unit_test(ids_in_a_row_take_almost_nothing),
        cmocka_unit_test(every_cut_and_a_wrong_count_are_errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
