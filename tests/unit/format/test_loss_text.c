// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/checked.h"
#include "format/loss_text.h"
#include "format/number.h"

/* The quick ways must print what the general printer prints, and read it back. */
static void check(uint32_t bits)
{
    char ours[SHF_LOSS_NUMBER_ROOM], general[SHF_NUMBER_ROOM];
    float value;
    uint32_t back;
    memcpy(&value, &bits, 4);
    size_t n = shf_loss_print_bits(ours, bits), m = shf_print_f32(general, value);
    if (n != m || memcmp(ours, general, n) != 0) fail_msg("%08x: %.*s instead of %.*s", bits, (int)n, ours, (int)m, general);
    assert_ptr_equal(shf_loss_read_bits(ours, ours + n, &back), ours + n);
    if (back != bits) fail_msg("%08x reads back from %.*s as %08x", bits, (int)n, ours, back);
}

static void floats_print_as_the_general_printer_and_read_back(void **state)
{
    (void)state;
    uint32_t random = 1;
    for (uint32_t exponent = 0; exponent < 255; exponent++) {
        for (uint32_t i = 0; i < 2000; i++) {
            random = random * 1664525u + 1013904223u;
            uint32_t mantissa = i < 8 ? i : i < 16 ? 0x7fffffu - (i - 8) : random >> 9;
            check(exponent << 23 | mantissa);
            check(0x80000000u | exponent << 23 | mantissa);
        }
    }
    /* Round decimals, as people write them. */
    for (int i = 0; i < 200000; i++) {
        float value = (float)i / 100, bits_of = (float)i * 12.5f;
        uint32_t bits;
        memcpy(&bits, &value, 4);
        check(bits);
        memcpy(&bits, &bits_of, 4);
        check(bits);
    }
}

static void every_nan_keeps_its_bits(void **state)
{
    (void)state;
    const uint32_t nans[] = {0x7fc00000u, 0xffc00000u, 0x7f800001u, 0xffffffffu, 0x7fc12345u};
    for (size_t i = 0; i < 5; i++) {
        char text[SHF_LOSS_NUMBER_ROOM];
        uint32_t back = 0;
        size_t n = shf_loss_print_bits(text, nans[i]);
        assert_ptr_equal(shf_loss_read_bits(text, text + n, &back), text + n);
        assert_int_equal(back, nans[i]);
    }
    uint32_t back;
    char usual[SHF_LOSS_NUMBER_ROOM];
    assert_int_equal(shf_loss_print_bits(usual, 0x7fc00000u), 3);
    assert_memory_equal(usual, "nan", 3);
    const char bad[] = "nan(0x3f800000)";
    assert_true(shf_loss_read_bits(bad, bad + sizeof bad - 1, &back) == bad + 3);
}

static void fixed_decimals_are_those_of_printf(void **state)
{
    (void)state;
    uint32_t random = 7;
    for (int i = 0; i < 300000; i++) {
        random = random * 1664525u + 1013904223u;
        uint32_t bits = i % 2 ? random : (random >> 9 | (100u + random % 64u) << 23);
        if ((bits & 0x7fffffffu) >= 0x7f800000u) continue;
        float value;
        memcpy(&value, &bits, 4);
        for (int decimals = 0; decimals <= 9; decimals += 1 + i % 3) {
            char ours[SHF_LOSS_NUMBER_ROOM + 64], theirs[128];
            size_t n = shf_loss_print_fixed(ours, bits, decimals),
                   m = (size_t)snprintf(theirs, sizeof theirs, "%.*f", decimals, (double)value);
            if (n != m || memcmp(ours, theirs, n) != 0) fail_msg("%.9g: %.*s instead of %s", (double)value, (int)n, ours, theirs);
        }
    }
}

static void halves_round_to_even(void **state)
{
    (void)state;
    const float values[] = {0.125f, 0.375f, 2.5f, 1000.125f, -0.125f, 0.0f, -0.0f};
    const char *const texts[] = {"0.12", "0.38", "2.50", "1000.12", "-0.12", "0.00", "-0.00"};
    for (size_t i = 0; i < 7; i++) {
        char text[SHF_LOSS_NUMBER_ROOM];
        uint32_t bits;
        memcpy(&bits, &values[i], 4);
        size_t n = shf_loss_print_fixed(text, bits, 2);
        assert_int_equal(n, strlen(texts[i]));
        assert_memory_equal(text, texts[i], n);
    }
}

static void integers_print_and_read_back_and_others_are_refused(void **state)
{
    (void)state;
    const int32_t values[] = {0, 1, -1, 9, 10, 99999999, 100000000, -99999999, -100000000, 2147483647, -2147483647 - 1, 1000000007};
    for (size_t i = 0; i < 12; i++) {
        char text[SHF_LOSS_NUMBER_ROOM], expected[32];
        int32_t back;
        size_t n = shf_loss_print_i32(text, values[i]), m = (size_t)snprintf(expected, sizeof expected, "%d", values[i]);
        assert_int_equal(n, m);
        assert_memory_equal(text, expected, n);
        assert_ptr_equal(shf_loss_read_i32(text, text + n, &back), text + n);
        assert_int_equal(back, values[i]);
    }
    const char *const bad[] = {"", "-", "x", "2147483648", "-2147483649", "99999999999"};
    for (size_t i = 0; i < 6; i++) {
        int32_t value;
        assert_null(shf_loss_read_i32(bad[i], bad[i] + strlen(bad[i]), &value));
    }
    const char *const no_floats[] = {"", "-", ".", "x", "e5", "nano"};
    for (size_t i = 0; i < 6; i++) {
        uint32_t bits;
        const char *end = no_floats[i] + strlen(no_floats[i]), *stop = shf_loss_read_bits(no_floats[i], end, &bits);
        assert_true(stop != end);
    }
}

/* The quick way takes a line or leaves it; what it takes is what the others read. */
static void usual_lines_are_read_at_once(void **state)
{
    (void)state;
    char prefix[64] = "-3,12,", line[256];
    uint32_t random = 5, taken = 0;
    for (int i = 0; i < 200000; i++) {
        random = random * 1664525u + 1013904223u;
        uint32_t bits = i % 4 ? (110u + (random >> 8) % 60u) << 23 | (random & 0x7fffffu) : random, read;
        int32_t sidx = (int32_t)(random >> (i % 31)), back;
        char number[SHF_LOSS_NUMBER_ROOM];
        size_t n = shf_loss_print_bits(number, bits);
        memset(line, '9', sizeof line);
        n = (size_t)snprintf(line, 128, "-3,12,%d,%.*s\n", sidx, (int)n, number);
        line[n] = '9';
        const char *stop = shf_loss_read_line(line, line + sizeof line, prefix, 6, &back, &read);
        if (!stop) continue;
        taken++;
        assert_ptr_equal(stop, line + n);
        assert_int_equal(back, sidx);
        assert_int_equal(read, bits);
        assert_null(shf_loss_read_line(line, line + 95, prefix, 6, &back, &read));
    }
#if defined(__SSE2__)
    assert_true(taken > 50000);
#endif
    static const char *const others[] = {"-3,13,1,2\n",  "-3,12,1;2\n",   "-3,12,,2\n",   "-3,12,1,\n",
                                         "-3,12,1,2 \n", "-3,12,1,2,3\n", "-3,12,1,.5\n", "-3,12,1,1e5\n"};
    for (size_t i = 0; i < 8; i++) {
        int32_t sidx;
        uint32_t bits;
        memset(line, '0', sizeof line);
        memcpy(line, others[i], strlen(others[i]));
        assert_null(shf_loss_read_line(line, line + sizeof line, prefix, 6, &sidx, &bits));
    }
}

/* Decimals next to the middle of two floats, where rounding twice would go wrong. */
static void reading_rounds_once(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 100000; i++) {
        uint32_t bits = (80u + i % 80u) << 23 | ((i * 2654435761u) >> 9), other = bits + 1, read, expected;
        float a, b;
        memcpy(&a, &bits, 4);
        memcpy(&b, &other, 4);
        char text[64];
        size_t n = (size_t)snprintf(text, sizeof text, "%.*g", 12 + (int)(i % 8), ((double)a + (double)b) / 2);
        float value = strtof(text, NULL);
        memcpy(&expected, &value, 4);
        assert_ptr_equal(shf_loss_read_bits(text, text + n, &read), text + n);
        if (read != expected) fail_msg("%s reads as %08x instead of %08x", text, read, expected);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(floats_print_as_the_general_printer_and_read_back),
        cmocka_unit_test(every_nan_keeps_its_bits),
        cmocka_unit_test(fixed_decimals_are_those_of_printf),
        cmocka_unit_test(halves_round_to_even),
        cmocka_unit_test(integers_print_and_read_back_and_others_are_refused),
        cmocka_unit_test(usual_lines_are_read_at_once),
        cmocka_unit_test(reading_rounds_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
