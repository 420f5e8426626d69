// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "format/parquet/choose.h"
#include "format/parquet/convert.h"

static void half_precision_is_exact(void **state)
{
    (void)state;
    assert_true(shf_pq_half_f64(0x3C00) == 1.0);
    assert_true(shf_pq_half_f64(0xC000) == -2.0);
    assert_true(shf_pq_half_f64(0x7BFF) == 65504.0);
    assert_true(shf_pq_half_f64(0x0001) == 0x1p-24);
    assert_true(shf_pq_half_f64(0x3555) == 0x1.554p-2);
    assert_true(shf_pq_half_f64(0x8000) == 0 && signbit(shf_pq_half_f64(0x8000)));
    assert_true(isinf(shf_pq_half_f64(0xFC00)) && shf_pq_half_f64(0xFC00) < 0);
    assert_true(isnan(shf_pq_half_f64(0x7E01)));
}

static void decimals_are_big_endian_and_signed(void **state)
{
    (void)state;
    assert_true(shf_pq_decimal_f64((const uint8_t[]){0x01, 0x00}, 2, 2) == 2.56);
    assert_true(shf_pq_decimal_f64((const uint8_t[]){0xFF, 0x00}, 2, 2) == -2.56);
    assert_true(shf_pq_decimal_f64((const uint8_t[]){0x80}, 1, 0) == -128);
    assert_true(shf_pq_decimal_f64((const uint8_t[]){0xFF, 0xFF, 0xFF}, 3, 0) == -1);
    assert_true(shf_pq_decimal_f64(NULL, 0, 3) == 0);
}

static void julian_days_become_nanoseconds(void **state)
{
    (void)state;
    uint8_t bytes[12] = {0};
    int32_t day = 2440588;
    memcpy(bytes + 8, &day, 4);
    assert_true(shf_pq_int96_ns(bytes) == 0);
    day = 2440587;
    memcpy(bytes + 8, &day, 4);
    bytes[0] = 5;
    assert_true(shf_pq_int96_ns(bytes) == -86400000000000 + 5);
}

static void unsigned_integers_and_scales_count(void **state)
{
    (void)state;
    const int32_t values[] = {-1, 250};
    double out[2];
    shf_pq_to_f64(&(shf_pq_convert){.type = SHF_PQ_INT32, .value_size = 4}, (const uint8_t *)values, 2, out);
    assert_true(out[0] == -1 && out[1] == 250);
    shf_pq_to_f64(&(shf_pq_convert){.type = SHF_PQ_INT32, .value_size = 4, .logical = SHF_PQ_INTEGER}, (const uint8_t *)values, 2, out);
    assert_true(out[0] == 4294967295.0);
    shf_pq_to_f64(&(shf_pq_convert){.type = SHF_PQ_INT32, .value_size = 4, .logical = SHF_PQ_DECIMAL, .scale = 2}, (const uint8_t *)values,
                  2, out);
    assert_true(out[1] == 2.5);
}

static void dictionaries_hold_each_value_once_in_order(void **state)
{
    (void)state;
    double values[100];
    uint32_t indices[100];
    size_t n_entries;
    shf_buf dictionary = {0};
    for (size_t i = 0; i < 100; i++) values[i] = (double)(i / 10 % 4) - 0.5;
    shf_pq_values in = {8, (const uint8_t *)values, NULL, 100};
    assert_true(shf_pq_dictionary_promising(&in));
    assert_int_equal(shf_pq_dictionary_build(&in, &dictionary, indices, &n_entries, NULL), SHEAF_OK);
    assert_int_equal(n_entries, 4);
    for (size_t i = 0; i < 100; i++) assert_memory_equal(dictionary.data + 8 * indices[i], &values[i], 8);
    for (size_t i = 0; i < 100; i++) values[i] = (double)i;
    assert_false(shf_pq_dictionary_promising(&in));
    dictionary.size = 0;
    assert_int_equal(shf_pq_dictionary_build(&in, &dictionary, indices, &n_entries, NULL), SHEAF_OK);
    assert_int_equal(n_entries, 0);
    shf_buf_free(&dictionary);
}

static void differences_pay_for_ids_and_not_for_noise(void **state)
{
    (void)state;
    int64_t values[1000];
    shf_pq_values in = {8, (const uint8_t *)values, NULL, 1000};
    for (int64_t i = 0; i < 1000; i++) values[i] = 1000000 + i * 5;
    assert_true(shf_pq_delta_promising(&in));
    for (size_t i = 0; i < 1000; i++) values[i] = (int64_t)(i * 0x9E3779B97F4A7C15u);
    for (size_t i = 1; i < 1000; i += 2) values[i] = -values[i] / 3;
    assert_false(shf_pq_delta_promising(&in));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(half_precision_is_exact),
        cmocka_unit_test(decimals_are_big_endian_and_signed),
        cmocka_unit_test(julian_days_become_nanoseconds),
        cmocka_unit_test(unsigned_integers_and_scales_count),
        cmocka_unit_test(dictionaries_hold_each_value_once_in_order),
        cmocka_unit_test(differences_pay_for_ids_and_not_for_noise),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
