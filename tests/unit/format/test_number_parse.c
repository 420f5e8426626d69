// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
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

/* From an exact copy on the heap, so that a sanitizer sees reads beyond the end. */
static size_t parse(const char *text, size_t n, double *d, float *f)
{
    char *copy = malloc(n ? n : 1);
    assert_non_null(copy);
    memcpy(copy, text, n);
    size_t stop = (size_t)(shf_parse_f64(copy, copy + n, d) - copy);
    assert_int_equal(shf_parse_f32(copy, copy + n, f) - copy, stop);
    free(copy);
    return stop;
}

/* The whole text is one number, and the C library agrees bit for bit. */
static void agrees(const char *text)
{
    double d = 7, want = strtod(text, NULL);
    float f = 7, narrow = strtof(text, NULL);
    assert_int_equal(parse(text, strlen(text), &d, &f), strlen(text));
    if (memcmp(&d, &want, sizeof d) || memcmp(&f, &narrow, sizeof f))
        fail_msg("%s: %a %a, expected %a %a", text, d, (double)f, want, (double)narrow);
}

static void hard_decimals_are_rounded_correctly(void **state)
{
    (void)state;
    static const char *const hard[] = {
        "0",
        "-0",
        "+1",
        "1.",
        ".5",
        "-.5e1",
        "00012.50",
        "1e22",
        "1e23",
        "1e-22",
        "9007199254740993",
        "9007199254740992.5",
        "9007199254740993.0000000000000000000000000000000000000000000001",
        "2.2250738585072011e-308",
        "2.2250738585072012e-308",
        "2.2250738585072014e-308",
        "4.9406564584124654e-324",
        "2.4703282292062327e-324",
        "2.4703282292062328e-324",
        "1.7976931348623157e308",
        "1.7976931348623158e308",
        "1.7976931348623159e308",
        "1e308",
        "1e309",
        "1e-400",
        "1e99999999999999999999",
        "1e-99999999999999999999",
        "0e99999999999",
        "6.02214076e23",
        "123456789012345678901234567890",
        "0.000000000000000000000000000000000000012345678901234567890123",
        "8.988465674311580e307",
        "1.00000005960464477539062499",
        "1.00000005960464477539062500",
        "1.000000059604644775390625000001",
        "16777217",
        "16777217.0000001",
        "3.4028235677973366e38",
        "3.4028235677973365e38",
        "7.0064923216240853e-46",
        "7.006492321624086e-46",
        "1.1754943508222875e-38",
        "1.17549429e-38",
        "5e-324",
        "18446744073709551615",
        "18446744073709551616",
        "99999999999999999999",
        "0.500000000000000166533453693773481063544750213623046875",
        "3.518437208883201171875e13",
        "62.5364939768271845828",
        "8.1e-5",
        "1234567890123456.7e-300",
    };
    for (size_t i = 0; i < sizeof hard / sizeof hard[0]; i++) agrees(hard[i]);
}

static void halfway_points_of_hundreds_of_digits_are_rounded_correctly(void **state)
{
    (void)state;
    char text[2000];
    uint64_t seed = 11;
    for (int i = 0; i < 3000; i++) {
        uint64_t bits = next_random(&seed) & 0x7fffffffffffffffULL;
        if (i % 2) bits >>= 9; /* small exponents: the longest expansions */
        double value, next;
        memcpy(&value, &bits, sizeof value);
        bits++;
        memcpy(&next, &bits, sizeof next);
        if (!isfinite(value) || !isfinite(next)) continue;
        long double middle = ((long double)value + (long double)next) / 2; /* exact: 64 bits of mantissa */
        snprintf(text, sizeof text, "%.1100Le", middle);
        agrees(text);
        char *e = strchr(text, 'e');
        e[-1] = '1'; /* just above the halfway point, in the 1101st digit */
        agrees(text);
    }
}

static void random_text_is_rounded_correctly(void **state)
{
    (void)state;
    char text[128];
    uint64_t seed = 2;
    for (int i = 0; i < 200000; i++) {
        uint64_t r = next_random(&seed), bits = next_random(&seed);
        double value;
        memcpy(&value, &bits, sizeof value);
        switch (i % 4) {
        case 0:
            if (!isfinite(value)) continue;
            snprintf(text, sizeof text, "%.17g", value);
            break;
        case 1:
            snprintf(text, sizeof text, "%llu.%llue%d", (unsigned long long)(bits >> (r % 60)), (unsigned long long)(r >> 20),
                     (int)(r % 660) - 340);
            break;
        case 2: snprintf(text, sizeof text, "%.*f", (int)(r % 12), (double)(int64_t)bits / (double)(1ULL << (r % 50))); break;
        default: snprintf(text, sizeof text, "%llue%d", (unsigned long long)bits, (int)(r % 90) - 55); break;
        }
        agrees(text);
    }
}

static void random_bits_round_trip(void **state)
{
    (void)state;
    uint64_t seed = 4;
    for (int i = 0; i < 1000000; i++) {
        uint64_t bits = next_random(&seed);
        double value, back;
        memcpy(&value, &bits, sizeof value);
        if (isnan(value)) continue;
        char text[SHF_NUMBER_ROOM];
        size_t n = shf_print_f64(text, value);
        assert_ptr_equal(shf_parse_f64(text, text + n, &back), text + n);
        assert_memory_equal(&back, &value, sizeof value);
    }
}

static void it_stops_where_the_number_ends(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t stop;
        double value;
    } cases[] = {{"", 0, 7},
                 {"-", 0, 7},
                 {".", 0, 7},
                 {"e5", 0, 7},
                 {"+-1", 0, 7},
                 {" 1", 0, 7},
                 {"abc", 0, 7},
                 {"1e", 1, 1},
                 {"1e+", 1, 1},
                 {"1.5,2", 3, 1.5},
                 {"12\t3", 2, 12},
                 {"1.2.3", 3, 1.2},
                 {"0x10", 1, 0},
                 {"in", 0, 7},
                 {"1e5e5", 3, 1e5},
                 {"-.e1", 0, 7},
                 {"5.", 2, 5},
                 {"1_000", 1, 1},
                 {"123456789a", 9, 123456789},
                 {"n", 0, 7},
                 {"+", 0, 7}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        double d = 7;
        float f = 7;
        assert_int_equal(parse(cases[i].text, strlen(cases[i].text), &d, &f), cases[i].stop);
        assert_true(d == cases[i].value);
    }
    double d = 7;
    float f = 7;
    assert_int_equal(parse("12345678", 3, &d, &f), 3);
    assert_true(d == 123);
}

static void infinities_and_nans_are_read_in_any_case(void **state)
{
    (void)state;
    double d;
    float f;
    assert_int_equal(parse("inf", 3, &d, &f), 3);
    assert_true(isinf(d) && d > 0 && isinf(f) && f > 0);
    assert_int_equal(parse("-Infinity,", 10, &d, &f), 9);
    assert_true(isinf(d) && d < 0 && isinf(f) && f < 0);
    assert_int_equal(parse("+INFx", 5, &d, &f), 4);
    assert_true(isinf(d) && d > 0);
    assert_int_equal(parse("NaN", 3, &d, &f), 3);
    assert_true(isnan(d) && isnan(f));
    assert_int_equal(parse("-nan", 4, &d, &f), 4);
    assert_true(isnan(d) && isnan(f));
    assert_int_equal(parse("infinit", 7, &d, &f), 3);
}

static void more_than_a_thousand_zeros_count(void **state)
{
    (void)state;
    char text[3000];
    memset(text, '0', sizeof text);
    text[1] = '.';
    strcpy(text + 2000, "25e1998");
    agrees(text);
    memset(text, '0', sizeof text);
    text[0] = '1';
    strcpy(text + 2001, "e-2000");
    agrees(text);
    assert_true(strtod(text, NULL) == 1.0);
}

static void errno_is_left_alone(void **state)
{
    (void)state;
    const char *text = "179769313486231580793728971405301e999999999999999999";
    double d;
    errno = 0;
    (void)shf_parse_f64(text, text + strlen(text), &d);
    assert_true(isinf(d));
    assert_int_equal(errno, 0);
}

static void integers_are_read_to_the_ends_of_their_range(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t stop;
        int64_t value;
    } cases[] = {{"0", 1, 0},
                 {"-1,", 2, -1},
                 {"+42x", 3, 42},
                 {"9223372036854775807", 19, INT64_MAX},
                 {"-9223372036854775808", 20, INT64_MIN},
                 {"", 0, 7},
                 {"-", 0, 7},
                 {"x", 0, 7},
                 {"9223372036854775808", 0, 7},
                 {"-9223372036854775809", 0, 7},
                 {"99999999999999999999", 0, 7},
                 {"1.5", 1, 1},
                 {"000000000000000000000000012", 27, 12}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int64_t v = 7;
        const char *text = cases[i].text;
        assert_int_equal(shf_parse_i64(text, text + strlen(text), &v) - text, cases[i].stop);
        assert_int_equal(v, cases[i].value);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hard_decimals_are_rounded_correctly),
        cmocka_unit_test(halfway_points_of_hundreds_of_digits_are_rounded_correctly),
        cmocka_unit_test(random_text_is_rounded_correctly),
        cmocka_unit_test(random_bits_round_trip),
        cmocka_unit_test(it_stops_where_the_number_ends),
        cmocka_unit_test(infinities_and_nans_are_read_in_any_case),
        cmocka_unit_test(more_than_a_thousand_zeros_count),
        cmocka_unit_test(errno_is_left_alone),
        cmocka_unit_test(integers_are_read_to_the_ends_of_their_range),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
