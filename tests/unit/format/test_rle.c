// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "format/parquet/rle.h"

static uint64_t mix(uint64_t x)
{
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
    return x ^ (x >> 31);
}

/* Runs of random lengths among single values. */
static void make(uint32_t *values, size_t n, unsigned width, uint64_t seed)
{
    uint32_t mask = width == 32 ? UINT32_MAX : (1u << width) - 1;
    for (size_t i = 0; i < n;) {
        size_t run = mix(seed + i) % 3 ? 1 : 1 + mix(seed * 7 + i) % 40;
        uint32_t value = (uint32_t)mix(seed ^ i << 20) & mask;
        for (; run > 0 && i < n; run--) values[i++] = value;
    }
}

static void values_of_every_width_read_back_in_any_pieces(void **state)
{
    (void)state;
    enum { N = 1003 };
    static uint32_t values[N], back[N];
    for (unsigned width = 0; width <= 32; width++) {
        shf_buf buf = {0};
        make(values, N, width, width + 1);
        assert_int_equal(shf_pq_rle_encode(&buf, values, N, width, NULL), SHEAF_OK);
        for (size_t piece = 1; piece < N; piece += piece / 2 + 1) {
            shf_pq_rle rle;
            shf_pq_rle_begin(&rle, buf.data, buf.size, width);
            memset(back, 0xEE, sizeof back);
            for (size_t i = 0; i < N; i += piece) {
                size_t n = N - i < piece ? N - i : piece;
                if (i / piece % 3 == 2) {
                    assert_int_equal(shf_pq_rle_skip(&rle, n, NULL), SHEAF_OK);
                    memcpy(back + i, values + i, n * sizeof *back);
                } else {
                    assert_int_equal(shf_pq_rle_next(&rle, back + i, n, NULL), SHEAF_OK);
                }
            }
            assert_memory_equal(values, back, sizeof values);
        }
        shf_buf_free(&buf);
    }
}

static void long_runs_take_few_bytes(void **state)
{
    (void)state;
    static uint32_t values[100000];
    shf_buf buf = {0};
    for (size_t i = 0; i < 100000; i++) values[i] = i < 50001 ? 3 : 7;
    assert_int_equal(shf_pq_rle_encode(&buf, values, 100000, 3, NULL), SHEAF_OK);
    assert_in_range(buf.size, 4, 16);
    shf_buf_free(&buf);
}

static void bits_read_back_with_their_count(void **state)
{
    (void)state;
    for (size_t n = 0; n < 300; n += 1 + n / 9) {
        uint8_t values[300], back[308];
        shf_buf buf = {0}, plain = {0};
        size_t ones = 0, counted;
        for (size_t i = 0; i < n; i++) ones += values[i] = i > 100 && i < 250 ? 1 : mix(i * n) & 1;
        assert_int_equal(shf_pq_rle_encode_bits(&buf, values, n, NULL), SHEAF_OK);
        assert_int_equal(shf_pq_rle_bits(buf.data, buf.size, n, back, &counted, NULL), SHEAF_OK);
        assert_memory_equal(values, back, n);
        assert_int_equal(counted, ones);
        assert_int_equal(shf_pq_pack_bits(&plain, values, n, NULL), SHEAF_OK);
        assert_int_equal(plain.size, (n + 7) / 8);
        for (size_t first = 0; first < n; first += 5) {
            shf_pq_unpack_bits(plain.data, first, n - first, back);
            assert_memory_equal(values + first, back, n - first);
        }
        shf_buf_free(&buf);
        shf_buf_free(&plain);
    }
}

static void a_run_of_ones_is_seen_at_once(void **state)
{
    (void)state;
    shf_buf buf = {0};
    assert_int_equal(shf_pq_rle_encode_run(&buf, 1, 1000, 1, NULL), SHEAF_OK);
    assert_true(shf_pq_rle_all_ones(buf.data, buf.size, 1000));
    assert_false(shf_pq_rle_all_ones(buf.data, buf.size, 1001));
    assert_false(shf_pq_rle_all_ones(buf.data, 0, 1));
    buf.size = 0;
    assert_int_equal(shf_pq_rle_encode_run(&buf, 0, 1000, 1, NULL), SHEAF_OK);
    assert_false(shf_pq_rle_all_ones(buf.data, buf.size, 10));
    shf_buf_free(&buf);
}

static void the_example_of_the_specification_reads(void **state)
{
    (void)state;
    /* 0 to 7 in three bits: 0b10001000 0b11000110 0b11111010 */
    static const uint8_t bytes[] = {3, 0x88, 0xC6, 0xFA};
    uint32_t values[8];
    shf_pq_rle rle;
    shf_pq_rle_begin(&rle, bytes, sizeof bytes, 3);
    assert_int_equal(shf_pq_rle_next(&rle, values, 8, NULL), SHEAF_OK);
    for (uint32_t i = 0; i < 8; i++) assert_int_equal(values[i], i);
}

static void data_that_ends_too_early_is_an_error(void **state)
{
    (void)state;
    sheaf_error err;
    uint32_t values[64];
    uint8_t bits[64];
    size_t ones;
    static const uint8_t cut[] = {16, 0x80};
    shf_pq_rle rle;
    shf_pq_rle_begin(&rle, cut, sizeof cut, 12);
    assert_int_equal(shf_pq_rle_next(&rle, values, 8, &err), SHEAF_ERR_DAMAGED);
    shf_pq_rle_begin(&rle, cut, 0, 1);
    assert_int_equal(shf_pq_rle_next(&rle, values, 1, &err), SHEAF_ERR_DAMAGED);
    static const uint8_t beyond[] = {16, 9}; /* a run of nines in 3 bits */
    shf_pq_rle_begin(&rle, beyond, sizeof beyond, 3);
    assert_int_equal(shf_pq_rle_next(&rle, values, 8, &err), SHEAF_ERR_DAMAGED);
    static const uint8_t endless[] = {0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF};
    assert_int_equal(shf_pq_rle_bits(endless, sizeof endless, 64, bits, &ones, &err), SHEAF_ERR_DAMAGED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_of_every_width_read_back_in_any_pieces),
        cmocka_unit_test(long_runs_take_few_bytes),
        cmocka_unit_test(bits_read_back_with_their_count),
        cmocka_unit_test(a_run_of_ones_is_seen_at_once),
        cmocka_unit_test(the_example_of_the_specification_reads),
        cmocka_unit_test(data_that_ends_too_early_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
