// SPDX-License-Identifier: Apache-2.0
#include <float.h>
#include <locale.h>
#include <math.h>
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "format/number.h"

static uint64_t next_random(uint64_t *state)
{
    uint64_t z = (*state += 0x9e3779b97f4a7c15ULL);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31);
}

static void expect_f64(double value, const char *text)
{
    char to[SHF_NUMBER_ROOM + 1];
    to[shf_print_f64(to, value)] = '\0';
    assert_string_equal(to, text);
}

static void expect_f32(float value, const char *text)
{
    char to[SHF_NUMBER_ROOM + 1];
    to[shf_print_f32(to, value)] = '\0';
    assert_string_equal(to, text);
}

static void expect_fixed(double value, int decimals)
{
    char to[SHF_FIXED_ROOM + 1], want[512];
    to[shf_print_fixed(to, value, decimals)] = '\0';
    snprintf(want, sizeof want, "%.*f", decimals, value);
    assert_string_equal(to, want);
}

static void doubles_have_the_documented_form(void **state)
{
    (void)state;
    expect_f64(0.0, "0");
    expect_f64(-0.0, "-0");
    expect_f64(1.0, "1");
    expect_f64(-2.5, "-2.5");
    expect_f64(0.1, "0.1");
    expect_f64(0.1 + 0.2, "0.30000000000000004");
    expect_f64(100000.0, "100000");
    expect_f64(123456.789, "123456.789");
    expect_f64(0.0001, "0.0001");
    expect_f64(0.00012345, "0.00012345");
    expect_f64(0.00001, "1e-05");
    expect_f64(1.5e-7, "1.5e-07");
    expect_f64(9007199254740991.0, "9007199254740991");
    expect_f64(9007199254740993.0, "9007199254740992");
    expect_f64(9999999999999998.0, "9999999999999998");
    expect_f64(1e16, "1e+16");
    expect_f64(1e22, "1e+22");
    expect_f64(1e23, "1e+23");
    expect_f64(9.5e-105, "9.5e-105");
    expect_f64(DBL_MAX, "1.7976931348623157e+308");
    expect_f64(DBL_MIN, "2.2250738585072014e-308");
    expect_f64(4.9e-324, "5e-324");
    expect_f64(9007199254740992.0 * 2, "1.8014398509481984e+16");
    expect_f64(5e-324 * 3, "1.5e-323");
    expect_f64(2e-44, "2e-44");
    expect_f64(INFINITY, "inf");
    expect_f64(-INFINITY, "-inf");
    expect_f64((double)NAN, "nan");
    expect_f64(-(double)NAN, "nan");
}

static void floats_have_the_documented_form(void **state)
{
    (void)state;
    expect_f32(0.1F, "0.1");
    expect_f32(-0.0F, "-0");
    expect_f32(16777216.0F, "16777216");
    expect_f32(33554432.0F, "33554432");
    expect_f32(1e10F, "10000000000");
    expect_f32(3.4028235e38F, "3.4028235e+38");
    expect_f32(1e-45F, "1e-45");
    expect_f32(1.17549435e-38F, "1.1754944e-38");
    expect_f32(0.3333333F, "0.3333333");
    expect_f32(8.5e15F, "8500000000000000");
    expect_f32(-INFINITY, "-inf");
    expect_f32(NAN, "nan");
}

static size_t shortest_by_printf(double value, char *to, size_t room)
{
    for (int precision = 0; precision < 17; precision++) {
        snprintf(to, room, "%.*e", precision, value);
        if (strtod(to, NULL) == value) return (size_t)precision + 1;
    }
    return 0;
}

static size_t significant_digits(const char *text)
{
    size_t first = 0, n = 0, last = 0;
    for (size_t i = 0; text[i] && text[i] != 'e'; i++) {
        if (text[i] < '0' || text[i] > '9') continue;
        if (!first && text[i] == '0') continue;
        first = 1;
        n++;
        if (text[i] != '0') last = n;
    }
    return last;
}

static void random_doubles_print_the_fewest_digits_that_read_back(void **state)
{
    (void)state;
    uint64_t seed = 1;
    for (int i = 0; i < 60000; i++) {
        uint64_t bits = next_random(&seed);
        if (i % 3 == 1) bits = (bits & 0x000fffffffffffffULL) | (uint64_t)(1003 + i % 70) << 52;
        if (i % 3 == 2) bits &= 0xfff0000000000000ULL; /* powers of two: the uneven intervals */
        double value;
        memcpy(&value, &bits, sizeof value);
        if (!isfinite(value) || value == 0) continue;
        char to[SHF_NUMBER_ROOM + 1], want[64];
        to[shf_print_f64(to, value)] = '\0';
        assert_true(strtod(to, NULL) == value);
        /* C gives no digit string nearer to the value with as many digits (but for ties of the two intervals). */
        size_t fewest = shortest_by_printf(value, want, sizeof want);
        assert_true(significant_digits(to) <= fewest);
        if (significant_digits(to) == fewest && (bits & 0x000fffffffffffffULL)) {
            char again[64];
            snprintf(again, sizeof again, "%.*e", (int)fewest - 1, strtod(to, NULL));
            assert_string_equal(again, want);
        }
    }
}

static void a_sweep_over_all_floats_reads_back_equal(void **state)
{
    (void)state;
    for (uint64_t bits = 0; bits <= UINT32_MAX; bits += 1021) {
        uint32_t word = (uint32_t)bits;
        float value, back = 0;
        memcpy(&value, &word, sizeof value);
        if (isnan(value)) continue;
        char to[SHF_NUMBER_ROOM];
        size_t n = shf_print_f32(to, value);
        assert_ptr_equal(shf_parse_f32(to, to + n, &back), to + n);
        assert_memory_equal(&back, &value, sizeof value);
        if (bits % 97 == 0) {
            to[n] = '\0';
            assert_true(strtof(to, NULL) == value);
            char want[64];
            int precision = 0;
            do snprintf(want, sizeof want, "%.*e", precision, (double)value);
            while (strtof(want, NULL) != value && ++precision < 9);
            assert_true(significant_digits(to) <= (size_t)precision + 1);
        }
    }
}

static void integers_print_at_every_length(void **state)
{
    (void)state;
    uint64_t seed = 3;
    char to[SHF_NUMBER_ROOM + 1], want[64];
    for (int i = 0; i < 100000; i++) {
        uint64_t value = next_random(&seed) >> (i % 64);
        to[shf_print_u64(to, value)] = '\0';
        snprintf(want, sizeof want, "%llu", (unsigned long long)value);
        assert_string_equal(to, want);
        to[shf_print_i64(to, -(int64_t)(value >> 1))] = '\0';
        snprintf(want, sizeof want, "%lld", -(long long)(value >> 1));
        assert_string_equal(to, want);
    }
    to[shf_print_i64(to, INT64_MIN)] = '\0';
    assert_string_equal(to, "-9223372036854775808");
    for (uint64_t ten = 1, n = 1; n < 20; n++, ten *= 10) {
        assert_int_equal(shf_print_u64(to, ten), n);
        assert_int_equal(shf_print_u64(to, ten - 1), n == 1 ? 1 : n - 1);
    }
}

static void fixed_decimals_round_as_printf_does(void **state)
{
    (void)state;
    static const double hard[] = {0,        0.5,    1.5,     2.5,     0.125,  0.375,
                                  0.005,    1.005,  2.675,   -0.001,  -0.5,   999.995,
                                  9.995,    0.95,   99.95,   1e15,    1e16,   1e22,
                                  1e300,    5e-324, DBL_MAX, 0.045,   1e-9,   4503599627370496.5,
                                  9.9999e9, 0.1,    1e18,    123.456, 0.9999, 9007199254740991.0,
                                  8.5,      0.0625, 1e-30};
    for (size_t i = 0; i < sizeof hard / sizeof hard[0]; i++) {
        for (int decimals = 0; decimals <= SHF_DECIMALS_MAX; decimals++) {
            expect_fixed(hard[i], decimals);
            expect_fixed(-hard[i], decimals);
        }
    }
    uint64_t seed = 5;
    for (int i = 0; i < 100000; i++) {
        double value = (double)(int64_t)next_random(&seed) / (double)(1ULL << (i % 63));
        expect_fixed(value, i % (SHF_DECIMALS_MAX + 1));
    }
    char to[SHF_FIXED_ROOM + 1];
    to[shf_print_fixed(to, -INFINITY, 2)] = '\0';
    assert_string_equal(to, "-inf");
    to[shf_print_fixed(to, (double)NAN, 2)] = '\0';
    assert_string_equal(to, "nan");
    assert_int_equal(shf_print_fixed(to, 1.0, 1000), 2 + SHF_DECIMALS_MAX);
    assert_int_equal(shf_print_fixed(to, 1.0, -1), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(doubles_have_the_documented_form),
        cmocka_unit_test(floats_have_the_documented_form),
        cmocka_unit_test(random_doubles_print_the_fewest_digits_that_read_back),
        cmocka_unit_test(a_sweep_over_all_floats_reads_back_equal),
        cmocka_unit_test(integers_print_at_every_length),
        cmocka_unit_test(fixed_decimals_round_as_printf_does),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
